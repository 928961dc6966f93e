"""The shape of a silhouette in one picture, from how much each of its pixels differs from the scene.

Moments weighed by contrast keep their meaning down to a few pixels, where the sides of a box are whole numbers and
little else. Everything here is a ratio: it neither grows with the object nor with its warmth.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.detection import Box
from marsad.kernel.record import Record
from marsad.watch.background import Difference

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_BLUR_PX2 = 0.6
"""What lens and smoothing add to the variance of a silhouette, each way."""
_LEAST_PX2 = 0.15
_FLOOR = 0.25
"""Pixels that differ by less than this share of the mean add nothing."""
_VALUES = 11
_DIP, _LEAST_CREST, _COVERED = 0.7, 0.3, 0.3
"""Two crests of a profile are two things when it falls below this share of both between them; a crest is at least this
share of the highest; and columns of at least this share of the usual height are covered."""


class Silhouette(Record):
    """The shape of one observation, all of it ratios.

    `breadth` is the logarithm of its spread across over its spread down, `tilt` the correlation of the two (positive:
    its right side hangs lower), `lean` and `sag` the skewness across (positive: a long right side) and down (positive:
    a long lower side), `middle` where its mass lies between top (0) and bottom (1), `top_width` and `bottom_width` the
    spread across in the upper and lower third over that of the whole, `top_mass` and `bottom_mass` their shares of all
    mass, `peak` the logarithm of its largest difference over its mean, `fill` its mass over that of a full box.
    """

    breadth: float
    tilt: float
    lean: float
    sag: float
    middle: float
    top_width: float
    bottom_width: float
    top_mass: float
    bottom_mass: float
    peak: float
    fill: float


class Abreast(Record):
    """What stands side by side in one silhouette: how many crests its profile across has, and how wide they are."""

    parts: int
    covered_px: float


def abreast(difference: Difference, box: Box) -> Abreast | None:
    """What stands side by side within a box of the picture; None where nothing differs."""
    shift = difference.registration
    left, top = round(box.x_px - shift.shift_x_px), round(box.y_px - shift.shift_y_px)
    profile = _profile(difference.counts, left, top, max(round(box.w_px), 1), max(round(box.h_px), 1))
    parts = _crests(profile)
    if parts == 0:
        return None
    # The usual height is that of the middle of the highest third: one column may be a head, or two who overlap.
    usual = float(np.median(np.sort(profile)[-max(len(profile) // 3, 1) :]))
    return Abreast(parts=parts, covered_px=float(np.count_nonzero(profile >= _COVERED * usual)))


def silhouette(difference: Difference, box: Box) -> Silhouette | None:
    """The shape of what differs within a box of the picture; None where nothing does."""
    shift = difference.registration
    left, top = round(box.x_px - shift.shift_x_px), round(box.y_px - shift.shift_y_px)
    out = np.empty(_VALUES)
    if not _shape(difference.counts, left, top, max(round(box.w_px), 1), max(round(box.h_px), 1), out):
        return None
    return _named(out)


def _named(values: F64) -> Silhouette:
    breadth, tilt, lean, sag, middle, top_width, bottom_width, top_mass, bottom_mass, peak, fill = values.tolist()
    return Silhouette(
        breadth=breadth,
        tilt=tilt,
        lean=lean,
        sag=sag,
        middle=middle,
        top_width=top_width,
        bottom_width=bottom_width,
        top_mass=top_mass,
        bottom_mass=bottom_mass,
        peak=peak,
        fill=fill,
    )


@numba.njit(cache=True, nogil=True)
def _spread(mass: float, first: float, second: float, blur: float) -> float:
    """The standard deviation from sums, less the blur."""
    if mass <= 0.0:
        return math.sqrt(_LEAST_PX2)
    mean = first / mass
    return math.sqrt(max(second / mass - mean * mean - blur, _LEAST_PX2))


@numba.njit(cache=True, nogil=True)
def _total(counts: F32, left: int, top: int, width: int, height: int) -> float:
    """The sum of what differs within a box."""
    total = 0.0
    for y in range(max(top, 0), min(top + height, counts.shape[0])):
        for x in range(max(left, 0), min(left + width, counts.shape[1])):
            total += counts[y, x]
    return total


@numba.njit(cache=True, nogil=True)
def _profile(counts: F32, left: int, top: int, width: int, height: int) -> F64:
    """How much differs in each column of a box, smoothed; all 0 where nothing does.

    No pixel counts for more than twice their mean: a hot face is not taller than a person.
    """
    total = _total(counts, left, top, width, height)
    profile = np.zeros(width)
    sign = 1.0 if total > 0.0 else -1.0
    floor = _FLOOR * abs(total) / (width * height)
    y0, y1 = max(top, 0), min(top + height, counts.shape[0])
    x0, x1 = max(left, 0), min(left + width, counts.shape[1])
    mass, pixels = 0.0, 0
    for y in range(y0, y1):
        for x in range(x0, x1):
            w = sign * counts[y, x] - floor
            if w > 0.0:
                mass += w
                pixels += 1
    if pixels == 0 or total == 0.0:
        return profile
    most = 2.0 * mass / pixels
    for y in range(y0, y1):
        for x in range(x0, x1):
            w = sign * counts[y, x] - floor
            if w > 0.0:
                profile[x - left] += min(w, most)
    smooth = 0.5 * profile
    smooth[1:] += 0.25 * profile[:-1]
    smooth[:-1] += 0.25 * profile[1:]
    return smooth


@numba.njit(cache=True, nogil=True)
def _crests(profile: F64) -> int:
    """How many crests a profile has that are parted by dips."""
    highest = profile.max()
    found = 0
    crest, dip, rising = 0.0, 0.0, True
    for k in range(profile.shape[0] + 1):
        value = profile[k] if k < profile.shape[0] else 0.0
        if rising:
            crest = max(crest, value)
            if value < _DIP * crest:
                found += crest >= _LEAST_CREST * highest
                dip, rising = value, False
        else:
            dip = min(dip, value)
            if value * _DIP > dip and value >= _LEAST_CREST * highest:
                crest, rising = value, True
    return found


@numba.njit(cache=True, nogil=True)
def _shape(counts: F32, left: int, top: int, width: int, height: int, out: F64) -> bool:
    rows, columns = counts.shape
    x0, y0 = max(left - 1, 0), max(top - 1, 0)
    x1, y1 = min(left + width + 1, columns), min(top + height + 1, rows)
    total = _total(counts, left, top, width, height)
    if total == 0.0:
        return False
    sign = 1.0 if total > 0.0 else -1.0
    floor = _FLOOR * abs(total) / (width * height)
    # Sums over the whole and over each third: mass, and the first and second moment across.
    m = sx = sy = sxx = syy = sxy = peak = 0.0
    pixels = 0
    thirds = np.zeros((3, 3))
    for y in range(y0, y1):
        third = min(max(int(3.0 * (y - top + 0.5) / height), 0), 2)
        v = y - top + 0.5
        for x in range(x0, x1):
            w = sign * counts[y, x] - floor
            if w <= 0.0:
                continue
            u = x - left + 0.5
            m += w
            sx += w * u
            sy += w * v
            sxx += w * u * u
            syy += w * v * v
            sxy += w * u * v
            thirds[third, 0] += w
            thirds[third, 1] += w * u
            thirds[third, 2] += w * u * u
            peak = max(peak, w)
            pixels += 1
    if m <= 0.0:
        return False
    mx, my = sx / m, sy / m
    vx, vy = max(sxx / m - mx * mx, 1e-3), max(syy / m - my * my, 1e-3)
    cubed_x = cubed_y = 0.0
    for y in range(y0, y1):
        v = y - top + 0.5 - my
        for x in range(x0, x1):
            w = sign * counts[y, x] - floor
            if w > 0.0:
                u = x - left + 0.5 - mx
                cubed_x += w * u * u * u
                cubed_y += w * v * v * v
    wide = math.sqrt(max(vx - _BLUR_PX2, _LEAST_PX2))
    tall = math.sqrt(max(vy - _BLUR_PX2, _LEAST_PX2))
    out[0] = math.log(wide / tall)
    out[1] = (sxy / m - mx * my) / math.sqrt(vx * vy)
    out[2] = cubed_x / m / (vx * math.sqrt(vx))
    out[3] = cubed_y / m / (vy * math.sqrt(vy))
    out[4] = my / height
    out[5] = _spread(thirds[0, 0], thirds[0, 1], thirds[0, 2], _BLUR_PX2) / wide
    out[6] = _spread(thirds[2, 0], thirds[2, 1], thirds[2, 2], _BLUR_PX2) / wide
    out[7] = thirds[0, 0] / m
    out[8] = thirds[2, 0] / m
    out[9] = math.log(peak * pixels / m)
    out[10] = m / (peak * width * height)
    return True
