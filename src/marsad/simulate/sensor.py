"""What is behind the lens of a thermal camera: noise, patterns, their correction, and the gain that makes counts.

Source: the noise is split into pixels, columns, rows and pictures as in J. D'Agostino and C. Webb, Three-dimensional
analysis framework and measurement methodology for imaging system noise, SPIE 1488 (1991). "raw16" counts kelvin as
radiometric cameras do (0.04 K for each count is FLIR's high-resolution TLinear mode). "plateau" follows V. E. Vickers,
Plateau equalization algorithm for real-time display of high-quality infrared imagery, Optical Engineering 35 (1996).

Not modelled: the detector's lag (about 10 ms), noise that depends on the scene's temperature, halos and ghosts.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.geo.geodesy import Array
from marsad.simulate.camera import Imager

Kelvin = NDArray[np.float32]
Counts = NDArray[np.uint8] | NDArray[np.uint16]

_TABLE = 1 << 21
_UNIT = 2048.0
"""How many steps of the noise table make one sigma."""
_SUBSAMPLE = 8
_SPREAD = (0.12, 0.98)
"""The shares of the picture's pixels that the gain spreads between: a strip of sky is left to go dark."""
_AFTER_FFC, _DRIFTED = math.sqrt(0.5), math.sqrt(0.5)
_BLINKS = 0.02
_ROUNDING = 1 / math.sqrt(12)
"""The sigma of rounding, in counts."""
_BINS_K = (180.0, 420.0, 0.25)
_PLATEAU = 4.0
_LEVELS = 12_000
_STEEPEST_COUNTS_PER_K = 40.0


class Jump(NamedTuple):
    """A jump of the camera's electronics: gain times `factor`, and `offset_counts` more."""

    factor: float = 1.0
    offset_counts: float = 0.0


NO_JUMP = Jump()


class Sensor:
    """Turns apparent temperatures into counts; pictures are exposed in order, for gain and patterns follow time."""

    def __init__(self, imager: Imager, width_px: int, height_px: int, rng: np.random.Generator) -> None:
        self.imager = imager
        self._shape = height_px, width_px
        self._rng = rng
        # Gaussian noise costs more than all else together when drawn afresh: each picture reads a long table elsewhere.
        size = max(_TABLE, 3 * width_px * height_px)
        table = rng.standard_normal(size, np.float32) * np.float32(_UNIT)
        self._table = np.clip(np.rint(table), -32767, 32767).astype(np.int16)
        self._left_behind = self._pattern() * np.float32(_AFTER_FFC)
        self._drift = self._pattern() * np.float32(_DRIFTED)
        self._fixed = np.empty(self._shape, np.float32)
        self._dead = _dead_pixels(imager.dead_pixels, self._shape, rng)
        self._level_k = 0.0
        never = imager.ffc_every_s == 0
        self._next_ffc_s = math.inf if never else float(rng.uniform(0.1, 1) * imager.ffc_every_s)
        self._corrected_s = -math.inf if never else self._next_ffc_s - imager.ffc_every_s
        self._until_s = -math.inf
        self._drifted = -1.0
        self._count_k = imager.count_k if imager.gain == "raw16" else 0.0
        self._low_high: tuple[float, float] | None = None
        self._curve: Array | None = None
        self._age(0.0)

    @property
    def noise_k(self) -> float:
        """The noise of one pixel from one picture to the next, that of rounding to whole counts included, one sigma.

        Source: W. R. Bennett, Spectra of quantized signals, Bell System Technical Journal 27 (1948).
        """
        return math.hypot(self.imager.netd_k, self.imager.row_k, self._count_k * _ROUNDING)

    @property
    def pattern_k(self) -> float:
        """The pattern that stands still, one sigma, as it is now."""
        share = _AFTER_FFC**2 + (_DRIFTED * max(self._drifted, 0.0)) ** 2
        return math.sqrt(share) * math.hypot(self.imager.pixel_fixed_k, self.imager.column_fixed_k)

    def correcting(self, time_s: float, *, asked: bool = False) -> bool:
        """Whether a flat-field correction holds the picture at a moment; `asked` begins one now."""
        if asked or time_s >= self._next_ffc_s:
            self._until_s = time_s + self.imager.ffc_s
            if time_s >= self._next_ffc_s:
                self._next_ffc_s += self.imager.ffc_every_s
            self._left_behind = self._pattern() * np.float32(_AFTER_FFC)
            self._drift = self._pattern() * np.float32(_DRIFTED)
            self._level_k = float(self._rng.normal(0, self.imager.ffc_step_k)) if self.imager.ffc_step_k else 0.0
            self._corrected_s, self._drifted = self._until_s, -1.0
        return time_s < self._until_s

    def expose(self, kelvin: Kelvin, time_s: float, jump: Jump = NO_JUMP) -> Counts:
        """The picture that leaves the camera, (H, W) uint8 or uint16; `kelvin` has been through the lens."""
        self._age(time_s)
        height, width = self._shape
        start = int(self._rng.integers(0, len(self._table) - width * height - height))
        noise = self._table[start : start + width * height].reshape(height, width)
        rows = self._table[start + width * height : start + width * height + height]
        rows = rows * np.float32(self.imager.row_k / _UNIT) + np.float32(self._level_k)
        sigma = np.float32(self.imager.netd_k / _UNIT)
        if self.imager.gain == "plateau":
            low, step, table = self._equalise(kelvin, jump)
            pale = np.empty(self._shape, np.uint8)
            _expose_by_table(kelvin, self._fixed, noise, rows, sigma, low, step, table, pale)
            return pale
        scale, offset = self._linear(kelvin, jump)
        raw = self.imager.gain == "raw16"
        out: Counts = np.empty(self._shape, np.uint16) if raw else np.empty(self._shape, np.uint8)
        _expose(kelvin, self._fixed, noise, rows, sigma, scale, offset, np.float32(65535 if raw else 255), out)
        return out

    def _linear(self, kelvin: Kelvin, jump: Jump) -> tuple[np.float32, np.float32]:
        """How many counts a kelvin has, and the counts of 0 K."""
        if self.imager.gain == "raw16":
            return np.float32(jump.factor / self.imager.count_k), np.float32(0.5 + jump.offset_counts)
        if self.imager.gain == "linear":
            if self._low_high is None:
                middle = float(np.median(kelvin[::_SUBSAMPLE, ::_SUBSAMPLE]))
                self._low_high = middle - self.imager.span_k / 2, middle + self.imager.span_k / 2
            low, high, counts = *self._low_high, 255.0
        else:
            low, high = self._follow(kelvin)
            counts = self.imager.gain_counts
        scale = jump.factor * counts / max(high - low, 1.0)
        self._count_k = 1 / scale
        # The middle of what is spread stays in the middle, and half a count rounds.
        return np.float32(scale), np.float32(128 - scale * (low + high) / 2 + jump.offset_counts)

    def _follow(self, kelvin: Kelvin) -> tuple[float, float]:
        """The temperatures the gain now spreads, from few pixels: it need not know better."""
        few = kelvin[::_SUBSAMPLE, ::_SUBSAMPLE].ravel()
        cuts = tuple(int(share * (few.size - 1)) for share in _SPREAD)
        ordered = np.partition(few, cuts)
        low, high = (float(ordered[cut]) for cut in cuts)
        if self._low_high is None:
            self._low_high = low, high
        share = self._share()
        self._low_high = (
            self._low_high[0] + share * (low - self._low_high[0]),
            self._low_high[1] + share * (high - self._low_high[1]),
        )
        return self._low_high

    def _share(self) -> float:
        """How much of the way the gain goes in one picture."""
        return 1 - math.exp(-1 / (self.imager.fps * self.imager.gain_s))

    def _equalise(self, kelvin: Kelvin, jump: Jump) -> tuple[np.float32, np.float32, NDArray[np.uint8]]:
        """The lowest temperature of a table of counts, its steps for each kelvin, and the table."""
        low, high, step = _BINS_K
        bins = round((high - low) / step)
        few = (kelvin[::_SUBSAMPLE, ::_SUBSAMPLE].ravel() - low) / step
        held = np.bincount(np.clip(few, 0, bins - 1).astype(np.int64), minlength=bins)
        # No count may be steeper than the camera's greatest gain, no crowd of pixels take more than its plateau.
        plateau = min(_PLATEAU * few.size / max(int((held > 0).sum()), 1), 2.0 * few.size)
        shares = np.minimum(held, plateau)
        rise = np.minimum(shares / shares.sum() * 255, _STEEPEST_COUNTS_PER_K * step)
        curve = np.concatenate([[0.0], np.cumsum(rise)])
        curve += (255 - curve[-1]) / 2
        self._curve = curve if self._curve is None else self._curve + self._share() * (curve - self._curve)
        places = np.linspace(0, bins, _LEVELS, endpoint=False)
        counts = np.interp(places, np.arange(bins + 1), self._curve)
        counts = (counts - 127.5) * jump.factor + 127.5 + jump.offset_counts
        # Of the pixels that there are, by the slope where each one lies.
        steep = float((np.diff(self._curve) * held).sum()) / held.sum() / step
        self._count_k = 1 / max(jump.factor * steep, 1e-3)
        return np.float32(low), np.float32(_LEVELS / (high - low)), np.clip(np.rint(counts), 0, 255).astype(np.uint8)

    def _pattern(self) -> Kelvin:
        """A new pattern of pixels and columns of one sigma each."""
        height, width = self._shape
        start = int(self._rng.integers(0, len(self._table) - width * height - width))
        pixels = self._table[start : start + width * height].reshape(height, width)
        columns = self._table[start + width * height : start + width * height + width]
        made = pixels * np.float32(self.imager.pixel_fixed_k / _UNIT)
        made += columns * np.float32(self.imager.column_fixed_k / _UNIT)
        return np.asarray(made, np.float32)

    def _age(self, time_s: float) -> None:
        """Let the pattern drift away from what the last correction left, once it is a hundredth further."""
        drifted = 1 - math.exp(-max(time_s - self._corrected_s, 0.0) / self.imager.drift_s)
        if not 0 <= drifted - self._drifted < 0.01 or self._drifted < 0:
            np.multiply(self._drift, np.float32(drifted), out=self._fixed)
            self._fixed += self._left_behind
            self._drifted = drifted
            self._fixed[self._dead.row, self._dead.column] += np.where(self._dead.on, self._dead.off_k, 0)
        self._blink()

    def _blink(self) -> None:
        dead = self._dead
        for i in np.nonzero(dead.blinks & (self._rng.random(len(dead.on)) < _BLINKS))[0] if len(dead.on) else ():
            dead.on[i] = not dead.on[i]
            self._fixed[dead.row[i], dead.column[i]] += dead.off_k[i] if dead.on[i] else -dead.off_k[i]


class _Dead(NamedTuple):
    """Pixels that show too much or too little, always or now and then."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    off_k: Kelvin
    blinks: NDArray[np.bool_]
    on: NDArray[np.bool_]


def _dead_pixels(count: int, shape: tuple[int, int], rng: np.random.Generator) -> _Dead:
    place = rng.choice(shape[0] * shape[1], count, replace=False)
    off = rng.choice([-1.0, 1.0], count) * rng.uniform(3, 30, count)
    return _Dead(
        place // shape[1],
        place % shape[1],
        off.astype(np.float32),
        np.arange(count) % 2 == 1,
        np.ones(count, bool),
    )


@njit(cache=True, nogil=True, fastmath=True)
def _expose(
    kelvin: Kelvin,
    fixed: Kelvin,
    noise: NDArray[np.int16],
    rows: Kelvin,
    sigma: np.float32,
    scale: np.float32,
    offset: np.float32,
    most: np.float32,
    out: Counts,
) -> None:
    """Counts of a picture: noise and pattern added, scaled, and cut off at either end."""
    height, width = kelvin.shape
    none = np.float32(0)
    for y in range(height):
        row = rows[y]
        for x in range(width):
            signal = kelvin[y, x] + fixed[y, x] + row + sigma * np.float32(noise[y, x])
            out[y, x] = np.int32(min(max(signal * scale + offset, none), most))


@njit(cache=True, nogil=True, fastmath=True)
def _expose_by_table(
    kelvin: Kelvin,
    fixed: Kelvin,
    noise: NDArray[np.int16],
    rows: Kelvin,
    sigma: np.float32,
    low: np.float32,
    step: np.float32,
    table: NDArray[np.uint8],
    out: NDArray[np.uint8],
) -> None:
    """Counts of a picture by a table of temperatures."""
    height, width = kelvin.shape
    none, last = np.float32(0), np.float32(table.shape[0] - 1)
    for y in range(height):
        row = rows[y] - low
        for x in range(width):
            signal = kelvin[y, x] + fixed[y, x] + row + sigma * np.float32(noise[y, x])
            out[y, x] = table[np.int32(min(max(signal * step, none), last))]
