"""Actors painted into a picture: capsules through a pinhole and a lens, hidden by what stands before them.

Limbs are painted on sub-pixels, each with the share of the sub-pixel that it covers, and then seen through the lens: a
Gaussian blur and the pixel's own square, both integrated exactly, so that an actor of two pixels by five keeps all of
its warmth wherever it stands between the pixels. What stands nearer is painted later and hides what is behind.

Not modelled: the background behind an actor is taken as already blurred; a fence's own temperature counts as the
ground's in the pixels that it shares with what is behind it.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.geo.geodesy import MEAN_RADIUS_M, Array, geodetic_at
from marsad.geo.ground import CameraView

Kelvin = NDArray[np.float32]
Whole = NDArray[np.int64]

SEEN = 0.0005
"""Less of a pixel than that counts as nothing."""
_LENS_SIGMAS = 3.2
_GIVE_M = 3.0
"""What stands so much nearer than an actor may be the ground it stands on, and does not hide it."""
_SLACK = 1.5
_SLACK_SHARE = 0.05
_NEAR_M = 0.3
_SIDE_PX = 256
"""So far outside the picture an actor's outline is still worked out, so as to know how much of it is inside."""
_CLUTTER_LEAST_PX = 9.0

BOX_X, BOX_Y, BOX_W, BOX_H, FOOT_X, FOOT_Y, RANGE, VISIBLE, CONTRAST, ENERGY, CLUTTER = range(11)
LATITUDE, LONGITUDE, HEIGHT = 11, 12, 13
FACTS = 14
"""What `paint` tells of each actor; ENERGY is the sum of squares of what it changes, CLUTTER a variance, kelvin^2."""

_LEFT, _TOP, _WIDE, _HIGH, _FINE, _AT = range(6)
_PLACES = 6


class Pinhole(NamedTuple):
    """A camera's projection, as `CameraView.project` has it, for use inside kernels."""

    origin: Array
    axes: Array
    up: Array
    focal_x_px: float
    focal_y_px: float
    centre_x_px: float
    centre_y_px: float
    bend_per_m: float


class Hiding(NamedTuple):
    """What may stand before an actor, arrays (H, W) float32 with `margin` pixels more on every side than the picture.

    `range_m` is how far what is seen stands, `slack_m` how much nearer it may be than the ground of an actor in that
    pixel, `veil` the share that a fence hides, at `veil_range_m`. The two tables are running sums of the background,
    less its mean, and of its square, one row and column more.
    """

    range_m: Kelvin
    slack_m: Kelvin
    veil: Kelvin
    veil_range_m: Kelvin
    sums: Array
    squares: Array
    margin: int


class Shift(NamedTuple):
    """Where the mount's sway has put the picture: right and down in pixels, and turned clockwise."""

    right_px: float
    down_px: float
    roll_rad: float


class Earth(NamedTuple):
    """The site's frame on the earth."""

    axes: Array
    centre_m: Array


def pinhole(view: CameraView) -> Pinhole:
    """The projection of a camera."""
    optics = view.optics
    return Pinhole(
        origin=np.ascontiguousarray(view.origin, float),
        axes=np.ascontiguousarray(view.axes, float),
        up=np.ascontiguousarray(view.up, float),
        focal_x_px=optics.focal_x_px,
        focal_y_px=optics.focal_y_px,
        centre_x_px=optics.centre_x_px,
        centre_y_px=optics.centre_y_px,
        bend_per_m=view.refraction / (2 * MEAN_RADIUS_M),
    )


def slack_m(range_m: Kelvin) -> Kelvin:
    """How much farther the ground may be within a pixel: the lesser of the steps to the rows above and below.

    At a ridge one of the two is the jump to what lies behind; the lesser one is the ground's own.
    """
    down = np.abs(np.diff(range_m, axis=0, append=range_m[-1:]))
    up = np.abs(np.diff(range_m, axis=0, prepend=range_m[:1]))
    return np.asarray(np.minimum(_SLACK * np.minimum(down, up), _SLACK_SHARE * range_m), np.float32)


def running_sums(kelvin: Kelvin) -> tuple[Array, Array]:
    """Running sums of a picture less its mean, and of the squares, (H + 1, W + 1)."""
    off = kelvin.astype(float) - float(kelvin.mean())
    tables = []
    for values in (off, off * off):
        table = np.zeros((kelvin.shape[0] + 1, kelvin.shape[1] + 1))
        table[1:, 1:] = values.cumsum(axis=0).cumsum(axis=1)
        tables.append(table)
    return tables[0], tables[1]


class Lens(NamedTuple):
    """The weights of sub-pixels in a pixel for 1, 2, 4 and 8 of them across a pixel, and how far the lens reaches."""

    ones: Kelvin
    twos: Kelvin
    fours: Kelvin
    eights: Kelvin
    reach_px: int


def lens(blur_px: float) -> Lens:
    """A lens whose point is a Gaussian of one sigma `blur_px`, seen by square pixels that touch."""
    reach = math.ceil(_LENS_SIGMAS * blur_px + 0.5)
    ones, twos, fours, eights = (_weights(blur_px, reach, fine) for fine in (1, 2, 4, 8))
    return Lens(ones, twos, fours, eights, reach)


def _weights(blur_px: float, reach_px: int, fine: int) -> Kelvin:
    """The share of each sub-pixel's radiance that a pixel receives, from `reach_px` before it to as far behind it."""
    places = (np.arange(fine * (2 * reach_px + 1)) + 0.5) / fine - reach_px - 0.5
    share = [
        0.5 * (math.erf((place + 0.5) / (blur_px * math.sqrt(2))) - math.erf((place - 0.5) / (blur_px * math.sqrt(2))))
        for place in places.tolist()
    ]
    # The cut tails are shared out, so that every sub-pixel's radiance is kept whole.
    table = np.array(share).reshape(2 * reach_px + 1, fine)
    return np.asarray((table / table.sum(axis=0) / fine).ravel(), np.float32)


class Painter:
    """Paints all that move into the pictures of one camera."""

    def __init__(self, view: CameraView, hiding: Hiding, blur_px: float) -> None:
        self._pinhole = pinhole(view)
        self._hiding = hiding
        self._lens = lens(blur_px)
        frame = view.surface.frame
        self._earth = Earth(np.ascontiguousarray(frame.axes, float), np.ascontiguousarray(frame.centre_m, float))
        self._fine = np.empty((2, 1 << 12), np.float32)
        self._pool = np.empty((2, 1 << 12), np.float32)

    def paint(
        self,
        kelvin: Kelvin,
        limbs: Array,
        first: Whole,
        feet: Array,
        covers: Array,
        shift: Shift,
        air: tuple[float, float],
    ) -> Array:
        """Paint actors into `kelvin` (H, W), and tell of each a row of FACTS; RANGE is NaN behind the camera.

        `limbs` is (N, 8) as in `Present`, those of actor i from `first[i]` to `first[i + 1]`; `feet` (n, 3) where they
        stand, `covers` how opaque they are, `air` its temperature and extinction for each metre.
        """
        count = len(feet)
        facts = np.zeros((count, FACTS))
        patches = np.zeros((count, _PLACES), np.int64)
        pixels = np.empty((len(limbs), 5))
        height, width = kelvin.shape
        pool, fine = _outline(
            limbs, first, feet, self._pinhole, shift, self._earth, width, height, self._lens.reach_px, pixels, facts,
            patches,
        )  # fmt: skip
        self._pool = _grown(self._pool, pool)
        self._fine = _grown(self._fine, fine)
        order = np.argsort(-facts[:, RANGE], kind="stable")
        _paint(
            kelvin, limbs, first, covers, pixels, order, patches, self._hiding, self._lens, shift, air, self._fine,
            self._pool, facts,
        )  # fmt: skip
        return facts


def _grown(scratch: Kelvin, size: int) -> Kelvin:
    """The scratch, or a larger one where it is too small."""
    return scratch if scratch.shape[1] >= size else np.empty((2, 2 * size), np.float32)


@njit(cache=True)
def project(hole: Pinhole, east: float, north: float, up: float) -> tuple[float, float, float, float]:
    """The pixel, range and depth of a point without sway; a depth of 0 or less lies behind the camera."""
    x, y, z = east - hole.origin[0], north - hole.origin[1], up - hole.origin[2]
    rise = x * hole.up[0] + y * hole.up[1] + z * hole.up[2]
    lift = hole.bend_per_m * (x * x + y * y + z * z - rise * rise)
    x, y, z = x + lift * hole.up[0], y + lift * hole.up[1], z + lift * hole.up[2]
    depth = x * hole.axes[2, 0] + y * hole.axes[2, 1] + z * hole.axes[2, 2]
    distance = math.sqrt(x * x + y * y + z * z)
    if depth < _NEAR_M:
        return 0.0, 0.0, distance, 0.0
    right = x * hole.axes[0, 0] + y * hole.axes[0, 1] + z * hole.axes[0, 2]
    down = x * hole.axes[1, 0] + y * hole.axes[1, 1] + z * hole.axes[1, 2]
    return (
        hole.centre_x_px + hole.focal_x_px * right / depth,
        hole.centre_y_px + hole.focal_y_px * down / depth,
        distance,
        depth,
    )


@njit(cache=True)
def swayed(hole: Pinhole, shift: Shift, x: float, y: float) -> tuple[float, float]:
    """Where a pixel has gone with the mount: turned about the picture's middle by two shears, and shifted."""
    return (
        x + shift.right_px - shift.roll_rad * (y - hole.centre_y_px),
        y + shift.down_px + shift.roll_rad * (x - hole.centre_x_px),
    )


@njit(cache=True)
def _fineness(side_px: float) -> int:
    """How many sub-pixels across a pixel something of that size is painted in."""
    if side_px <= 8:
        return 8
    if side_px <= 24:
        return 4
    return 2 if side_px <= 90 else 1


@njit(cache=True)
def _outline(
    limbs: Array,
    first: Whole,
    feet: Array,
    hole: Pinhole,
    shift: Shift,
    earth: Earth,
    width: int,
    height: int,
    reach: int,
    pixels: Array,
    facts: Array,
    patches: Whole,
) -> tuple[int, int]:
    """Project all actors: their limbs in `pixels`, boxes in `facts`, and where `patches` of them lie in the scratch."""
    focal = math.sqrt(hole.focal_x_px * hole.focal_y_px)
    pool, most = 0, 0
    for i in range(feet.shape[0]):
        fact = facts[i]
        x, y, fact[RANGE], depth = project(hole, feet[i, 0], feet[i, 1], feet[i, 2])
        if depth <= 0:
            fact[RANGE] = math.nan
            continue
        fact[FOOT_X], fact[FOOT_Y] = swayed(hole, shift, x, y)
        fact[LATITUDE], fact[LONGITUDE], fact[HEIGHT] = geodetic_at(
            feet[i, 0], feet[i, 1], feet[i, 2], earth.axes, earth.centre_m
        )
        low_x, low_y, high_x, high_y = math.inf, math.inf, -math.inf, -math.inf
        for j in range(first[i], first[i + 1]):
            for end in range(2):
                x, y, _, far = project(hole, limbs[j, 3 * end], limbs[j, 3 * end + 1], limbs[j, 3 * end + 2])
                depth = min(depth, far)
                pixels[j, 2 * end], pixels[j, 2 * end + 1] = swayed(hole, shift, x, y)
            if depth <= 0:
                break
            radius = limbs[j, 6] * focal / far
            pixels[j, 4] = radius
            low_x = min(low_x, min(pixels[j, 0], pixels[j, 2]) - radius)
            low_y = min(low_y, min(pixels[j, 1], pixels[j, 3]) - radius)
            high_x = max(high_x, max(pixels[j, 0], pixels[j, 2]) + radius)
            high_y = max(high_y, max(pixels[j, 1], pixels[j, 3]) + radius)
        if depth <= 0 or low_x > high_x:
            fact[RANGE] = math.nan
            continue
        fact[BOX_X], fact[BOX_Y], fact[BOX_W], fact[BOX_H] = low_x, low_y, high_x - low_x, high_y - low_y
        if low_x - reach >= width or low_y - reach >= height or high_x + reach <= 0 or high_y + reach <= 0:
            continue
        left, top = max(math.floor(low_x), -_SIDE_PX), max(math.floor(low_y), -_SIDE_PX)
        patch = patches[i]
        patch[_LEFT], patch[_TOP] = left, top
        patch[_WIDE] = min(math.ceil(high_x), width + _SIDE_PX) - left
        patch[_HIGH] = min(math.ceil(high_y), height + _SIDE_PX) - top
        patch[_FINE] = _fineness(max(high_x - low_x, high_y - low_y))
        patch[_AT] = pool
        pool += (patch[_WIDE] + 2 * reach) * (patch[_HIGH] + 2 * reach)
        most = max(most, patch[_WIDE] * patch[_FINE] * (patch[_HIGH] * patch[_FINE] + 1))
    return pool, most


@njit(cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"})
def _capsule(share: Kelvin, warmth: Kelvin, a: Array, fine: int, left: int, top: int, kelvin: float) -> None:
    """Lay one limb over what is painted already, (rows, columns) of sub-pixels."""
    rows, columns = share.shape
    ax, ay = (a[0] - left) * fine - 0.5, (a[1] - top) * fine - 0.5
    bx, by = (a[2] - left) * fine - 0.5, (a[3] - top) * fine - 0.5
    radius = a[4] * fine
    along_x, along_y = bx - ax, by - ay
    length2 = along_x * along_x + along_y * along_y
    per = 1 / length2 if length2 > 1e-12 else 0.0
    reach = radius + 0.5
    inner = max(radius - 0.5, 0.0) ** 2
    outer = reach * reach
    # Smoothing the edge of a round end adds a twelfth of a square to its radius squared.
    end_radius = math.sqrt(max(radius * radius - 1 / 12, 0.0))
    y0, y1 = max(math.ceil(min(ay, by) - reach), 0), min(math.floor(max(ay, by) + reach), rows - 1)
    x0, x1 = max(math.ceil(min(ax, bx) - reach), 0), min(math.floor(max(ax, bx) + reach), columns - 1)
    for y in range(y0, y1 + 1):
        off_y = y - ay
        for x in range(x0, x1 + 1):
            off_x = x - ax
            along = (off_x * along_x + off_y * along_y) * per
            t = min(max(along, 0.0), 1.0)
            dx, dy = off_x - t * along_x, off_y - t * along_y
            d2 = dx * dx + dy * dy
            if d2 >= outer:
                continue
            if d2 <= inner:
                share[y, x] = 1.0
                warmth[y, x] = kelvin
                continue
            d = math.sqrt(d2)
            wide = radius if along == t and length2 > 1e-12 else end_radius
            part = min(min(d + 0.5, wide) - max(d - 0.5, -wide), 1.0)
            if part <= 0:
                continue
            share[y, x] += part * (1 - share[y, x])
            warmth[y, x] += part * (kelvin - warmth[y, x])


@njit(cache=True)
def _may_hide(hiding: Hiding, shift: Shift, patch: Whole, size: tuple[int, int], far: float) -> bool:
    """Whether anything about an actor may hide some of it: the picture's edge, what stands nearer, or a fence."""
    if patch[_LEFT] < 0 or patch[_TOP] < 0:
        return True
    if patch[_LEFT] + patch[_WIDE] > size[0] or patch[_TOP] + patch[_HIGH] > size[1]:
        return True
    spare = 1 + math.ceil(abs(shift.roll_rad) * max(size[0], size[1]) / 2)
    x0 = patch[_LEFT] + hiding.margin - math.floor(shift.right_px) - 1 - spare
    y0 = patch[_TOP] + hiding.margin - math.floor(shift.down_px) - 1 - spare
    tall, broad = hiding.range_m.shape
    for y in range(max(y0, 0), min(y0 + patch[_HIGH] + 2 * spare + 2, tall)):
        for x in range(max(x0, 0), min(x0 + patch[_WIDE] + 2 * spare + 2, broad)):
            if hiding.veil_range_m[y, x] < far or hiding.range_m[y, x] + hiding.slack_m[y, x] < far - _GIVE_M:
                return True
    return False


@njit(cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"})
def _hide(
    share: Kelvin, warmth: Kelvin, hiding: Hiding, shift: Shift, patch: Whole, size: tuple[int, int], far: float
) -> tuple[float, float]:
    """Take away what is hidden from so `far`; the sums of what there was, and of what is left inside the picture."""
    fine = patch[_FINE]
    margin = hiding.margin
    tall, broad = hiding.range_m.shape
    whole, left = 0.0, 0.0
    if not _may_hide(hiding, shift, patch, size, far):
        whole = share.sum()
        return whole, whole
    for row in range(share.shape[0]):
        y = patch[_TOP] + (row + 0.5) / fine
        inside_y = 0 <= y < size[1]
        move_x = margin - shift.right_px + shift.roll_rad * (y - size[1] / 2)
        for column in range(share.shape[1]):
            if share[row, column] == 0:
                continue
            x = patch[_LEFT] + (column + 0.5) / fine
            whole += share[row, column]
            at_x = min(max(math.floor(x + move_x), 0), broad - 1)
            move_y = margin - shift.down_px - shift.roll_rad * (x - size[0] / 2)
            at_y = min(max(math.floor(y + move_y), 0), tall - 1)
            clear = 1.0
            if hiding.range_m[at_y, at_x] + hiding.slack_m[at_y, at_x] < far - _GIVE_M:
                clear = 0.0
            elif hiding.veil_range_m[at_y, at_x] < far:
                clear = 1 - hiding.veil[at_y, at_x]
            if clear < 1:
                share[row, column] *= clear
                warmth[row, column] *= clear
            if inside_y and 0 <= x < size[0]:
                left += share[row, column]
    return whole, left


@njit(cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"})
def _through_lens(fine: Kelvin, table: Kelvin, sub: int, reach: int, line: Kelvin, out: Kelvin) -> None:
    """Sum sub-pixels to pixels, `reach` more on every side, as the lens spreads them."""
    rows, columns = fine.shape
    taps = table.shape[0]
    for y in range(out.shape[0]):
        line[:columns] = 0
        start = sub * (y - 2 * reach)
        for q in range(max(-start, 0), min(taps, rows - start)):
            weight = table[q]
            row = fine[start + q]
            for x in range(columns):
                line[x] += weight * row[x]
        for x in range(out.shape[1]):
            begin = sub * (x - 2 * reach)
            skipped = max(-begin, 0)
            weights, values = table[skipped:], line[begin + skipped : min(begin + taps, columns)]
            total = np.float32(0)
            for q in range(values.shape[0]):
                total += weights[q] * values[q]
            out[y, x] = total


@njit(cache=True)
def _clutter(hiding: Hiding, shift: Shift, fact: Array) -> float:
    """The variance of the background in a square twice as large as an actor, around it.

    Source: D. E. Schmieder and M. R. Weathersby, Detection performance in clutter with variable resolution, IEEE
    Transactions on Aerospace and Electronic Systems 19 (1983): cells of twice the target's height.
    """
    tall, broad = hiding.range_m.shape
    half = max(fact[BOX_H], fact[BOX_W], _CLUTTER_LEAST_PX / 2)
    x = fact[BOX_X] + fact[BOX_W] / 2 - shift.right_px + hiding.margin
    y = fact[BOX_Y] + fact[BOX_H] / 2 - shift.down_px + hiding.margin
    x0, x1 = min(max(round(x - half), 0), broad - 2), max(min(round(x + half), broad), 2)
    y0, y1 = min(max(round(y - half), 0), tall - 2), max(min(round(y + half), tall), 2)
    count = max((x1 - x0) * (y1 - y0), 1)
    mean = (hiding.sums[y1, x1] - hiding.sums[y0, x1] - hiding.sums[y1, x0] + hiding.sums[y0, x0]) / count
    square = (hiding.squares[y1, x1] - hiding.squares[y0, x1] - hiding.squares[y1, x0] + hiding.squares[y0, x0]) / count
    variance: float = max(square - mean * mean, 0.0)
    return variance


@njit(cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"})
def _paint(
    kelvin: Kelvin,
    limbs: Array,
    first: Whole,
    covers: Array,
    pixels: Array,
    order: Whole,
    patches: Whole,
    hiding: Hiding,
    lens_: Lens,
    shift: Shift,
    air: tuple[float, float],
    scratch: Kelvin,
    pool: Kelvin,
    facts: Array,
) -> None:
    """Paint actors in the order of `order`, the nearest last, and tell what of each is seen."""
    height, width = kelvin.shape
    reach = lens_.reach_px
    for i in order:
        patch, fact = patches[i], facts[i]
        if patch[_WIDE] == 0:
            continue
        sub = patch[_FINE]
        columns, rows = patch[_WIDE] * sub, patch[_HIGH] * sub
        share = scratch[0, : columns * rows].reshape(rows, columns)
        warmth = scratch[1, : columns * rows].reshape(rows, columns)
        share[:] = 0
        warmth[:] = 0
        clear = math.exp(-air[1] * fact[RANGE])
        for j in range(first[i], first[i + 1]):
            # Less the air's own temperature, lest small differences drown in large sums.
            _capsule(share, warmth, pixels[j], sub, patch[_LEFT], patch[_TOP], clear * (limbs[j, 7] - air[0]))
        whole, inside = _hide(share, warmth, hiding, shift, patch, (width, height), fact[RANGE])
        fact[VISIBLE] = min(inside / whole, 1.0) if whole > 0 else 0.0
        if inside == 0:
            patch[_WIDE] = 0
            continue
        table = lens_.ones if sub == 1 else lens_.twos if sub == 2 else lens_.fours if sub == 4 else lens_.eights
        wide, high = patch[_WIDE] + 2 * reach, patch[_HIGH] + 2 * reach
        at = patch[_AT]
        seen = pool[0, at : at + wide * high].reshape(high, wide)
        change = pool[1, at : at + wide * high].reshape(high, wide)
        line = scratch[0, columns * rows : columns * rows + columns]
        _through_lens(share, table, sub, reach, line, seen)
        _through_lens(warmth, table, sub, reach, line, change)
        _compose(kelvin, seen, change, patch[_LEFT] - reach, patch[_TOP] - reach, covers[i], air[0])
    _judge(order, patches, reach, pool, hiding, shift, facts)


@njit(cache=True, fastmath={"contract", "reassoc", "nsz", "arcp"})
def _compose(kelvin: Kelvin, seen: Kelvin, change: Kelvin, left: int, top: int, cover: float, air_k: float) -> None:
    """Put one actor into the picture; `change` becomes what it changed, `seen` how much of each pixel it hides."""
    for y in range(seen.shape[0]):
        row = y + top
        for x in range(seen.shape[1]):
            column = x + left
            if row < 0 or row >= kelvin.shape[0] or column < 0 or column >= kelvin.shape[1]:
                seen[y, x] = 0
                change[y, x] = 0
                continue
            behind = kelvin[row, column] - air_k
            seen[y, x] *= cover
            change[y, x] = cover * change[y, x] - seen[y, x] * behind
            kelvin[row, column] += change[y, x]


@njit(cache=True)
def _judge(
    order: Whole,
    patches: Whole,
    reach: int,
    pool: Kelvin,
    hiding: Hiding,
    shift: Shift,
    facts: Array,
) -> None:
    """Tell of every actor what is left of it behind those that stand nearer."""
    for k in range(order.shape[0]):
        i = order[k]
        patch, fact = patches[i], facts[i]
        if patch[_WIDE] == 0:
            continue
        wide, high = patch[_WIDE] + 2 * reach, patch[_HIGH] + 2 * reach
        left, top = patch[_LEFT] - reach, patch[_TOP] - reach
        seen = pool[0, patch[_AT] : patch[_AT] + wide * high].reshape(high, wide)
        change = pool[1, patch[_AT] : patch[_AT] + wide * high].reshape(high, wide)
        before = seen.sum()
        for m in range(k + 1, order.shape[0]):
            other = patches[order[m]]
            if other[_WIDE] == 0:
                continue
            broad, tall = other[_WIDE] + 2 * reach, other[_HIGH] + 2 * reach
            off_x, off_y = left - other[_LEFT] + reach, top - other[_TOP] + reach
            nearer = pool[0, other[_AT] : other[_AT] + broad * tall].reshape(tall, broad)
            for y in range(max(0, -off_y), min(high, tall - off_y)):
                for x in range(max(0, -off_x), min(wide, broad - off_x)):
                    seen[y, x] *= 1 - nearer[y + off_y, x + off_x]
                    change[y, x] *= 1 - nearer[y + off_y, x + off_x]
        after, sum_change, energy = 0.0, 0.0, 0.0
        for y in range(high):
            for x in range(wide):
                after += seen[y, x]
                sum_change += change[y, x]
                energy += change[y, x] ** 2
        if before > SEEN:
            fact[VISIBLE] *= min(after / before, 1.0)
            fact[CONTRAST] = sum_change / max(after, SEEN)
        fact[ENERGY] = energy
        fact[CLUTTER] = _clutter(hiding, shift, fact)
