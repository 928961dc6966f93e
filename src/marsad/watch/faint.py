"""Faint movers: too weak for one picture, found because they keep going the same way for seconds.

What a picture shows beyond the scene is summed over cells of the size of a small target, put in units of its own noise
there, and clipped, so that no single picture can convince. A look adds up about a second of such cell maps along every
velocity of a bank: track before detect. How large a look's best sum usually is, is learnt for each block of the
picture as a Gumbel distribution; so a bush, an edge under a swaying camera or water raises its own bar. What stands
out of its block is linked from look to look, and believed when the chances multiply to next to nothing, the way is
straight, and the way from look to look agrees with the velocity that each look found by itself.

Source: Reed, Gagliardi and Stotts, "Optical moving target detection with 3-D matched filtering" (IEEE Transactions on
Aerospace and Electronic Systems, 1988); the block maxima follow Gumbel, "Statistics of Extremes" (1958).
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import cv2
import msgspec
import numba
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.detection import Box
from marsad.kernel.event import TrackConfirmed, TrackLost, TrackPoint
from marsad.kernel.frame import Frame
from marsad.kernel.record import Record
from marsad.kernel.track import Track
from marsad.watch.background import BackgroundSettings, Difference
from marsad.watch.detect import Polarity

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
FaintEvent = TrackConfirmed | TrackPoint | TrackLost

CELL_PX = 2
"""A cell is the sum of 2 x 4 pixels; cells lie 2 pixels apart."""

BINS = 10
"""Cell maps in a look; its kernel is written out for so many."""

HOP = 5
"""Cell maps from one look to the next."""

BLOCK = 8
"""Side of a block in cells."""

SMOOTH = 17
"""Side, in cells, of the region whose mean is taken away first: cloud shadows, a gain that follows late."""

GLARING = 12.0
"""Cells this many deviations out count for no more in that mean."""

LINE = 33
"""Over how many cells along a row and a column what they have in common is taken away."""

TURMOIL = 17
"""Side, in cells, of the region whose unrest at one moment is held against what lies in it."""

QUIET = 0.85
"""The mean size of a standard normal variable, and a little: more is unrest."""

STARTLED = 1.35
"""A cell map so many times as restless as usual tells nothing: a correction, a knock, a gain that jumps."""

YOUNG_BINS = 36
"""The first cell maps teach no cell its noise: the scene itself is still being learnt."""

SLOWEST_BINS_S = 0.25
"""Cell maps farther apart than this on average make no look."""

LEAST_DEVIATION = 0.3
"""Of a block's maxima, in noise only; a smaller one is luck."""

CLIPPED = 1.08
"""What clipping at 2.5 deviations takes from the variance of a Gumbel variable."""

MOST_NATS = 16.0
"""One look convinces no more than this."""

MISS_NATS = 2.0
MOST_LINKS = 200
MOST_CANDIDATES = 64
FIT_LOOKS = 8
REMEMBERED_LOOKS = 32
DOUBLED_PX = 8.0
BESIDE_PX = 6.0
FOLLOW_PX = 0.6

FAINT = 1_000_000_000
"""Numbers of faint tracks lie beyond this, apart from those of the ordinary tracker."""

SURE_NATS = 10.0
"""So much more by which a score cuts the doubt about a track to a third."""

POINT_EVERY_NS = 999_000_000
"""A track's point is told once a second, less a millisecond for rounded time stamps."""

PATCH_X, PATCH_Y = 6, 9
"""A mover's likeness is kept in a patch of so many pixels to each side of its middle."""

_EULER = 0.5772156649
_GUMBEL_SHARE = math.sqrt(6.0) / math.pi
_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], np.uint8)
_SQUARE = np.ones((3, 3), np.uint8)


class FaintSettings(Record):
    """How faint movers are looked for; times in seconds, lengths in pixels, nats are minus logarithms of chances.

    Pictures are gathered into cell maps of at least `bin_s`. Velocities up to `fastest_x_px_s` and `fastest_y_px_s`
    are tried `step_px_s` apart. `clip` is the most one cell map can say, in deviations. The noise of a cell is learnt
    over `noise_s` and a block's maxima over `maxima_s`; nothing is believed in the first `settle_s`. A candidate has
    `candidate_nats`; a mover is believed after `least_looks` looks when its score is `least_nats` and it has gone
    `least_px`, no farther off a line than `most_off_px` (rms), at a velocity within `most_slip_px_s` of that which the
    looks found by themselves; looks that differ by more than `most_turn_px_s` are not linked. It is given up after
    `coast_s`.
    """

    bin_s: float = 0.09
    fastest_x_px_s: float = 12.0
    fastest_y_px_s: float = 4.0
    step_px_s: float = 3.0
    clip: float = 4.0
    noise_s: float = 25.0
    maxima_s: float = 20.0
    settle_s: float = 12.0
    candidate_nats: float = 4.0
    least_nats: float = 18.0
    least_looks: int = 4
    least_px: float = 5.0
    most_off_px: float = 1.4
    most_turn_px_s: float = 3.5
    most_slip_px_s: float = 2.0
    coast_s: float = 1.7


class FaintTrack(Record):
    """A faint mover as known now: its box in the picture, how it moves, how strong it is, and since when.

    `snr` is the signal to noise of all its looks together and `score_nats` how unlikely they are by chance.
    `contrast_counts` is signed, after the scene's smoothing. It is `seen` when the newest look found it, and `fresh` in
    the picture in which it is believed. `first_s` is how long ago its first look's middle was.
    """

    track_id: int
    box: Box
    velocity_x_px_s: float
    velocity_y_px_s: float
    contrast_counts: float
    snr: float
    score_nats: float
    first_s: float
    seen: bool
    fresh: bool


class _Candidate(NamedTuple):
    """What stands out of its block in one look: sign, place (lasting scene pixels), velocity, chance and strength."""

    sign: float
    x: float
    y: float
    vx: float
    vy: float
    nats: float
    snr: float


@numba.njit(cache=True, nogil=True, fastmath=True)
def _gather(diff: F32, out: F32) -> None:
    """Add to each cell its 2 x 4 pixels of the difference."""
    rows, columns = out.shape
    high = diff.shape[0]
    for row in range(rows):
        top = diff[max(2 * row - 1, 0)]
        one = diff[2 * row]
        two = diff[min(2 * row + 1, high - 1)]
        bottom = diff[min(2 * row + 2, high - 1)]
        target = out[row]
        for column in range(columns):
            k = 2 * column
            left = top[k] + one[k] + two[k] + bottom[k]
            target[column] += left + top[k + 1] + one[k + 1] + two[k + 1] + bottom[k + 1]


@numba.njit(cache=True, nogil=True, fastmath=True)
def _standardise(
    cells: F32, mean: F32, variance: F32, wide: F32, rate: np.float32, clip: np.float32, out: F32
) -> float:
    """Fill `out` with cells in units of their noise, clipped, and learn that noise; returns their mean size up to 3.

    `wide` is the noise to divide by: the largest around.
    """
    rows, columns = cells.shape
    total = np.float32(0.0)
    three = np.float32(3.0)
    nine = np.float32(9.0)
    for row in range(rows):
        here = cells[row]
        m = mean[row]
        v = variance[row]
        w = wide[row]
        line = out[row]
        part = np.float32(0.0)
        for k in range(columns):
            c = here[k] - m[k]
            s = np.sqrt(w[k])
            m[k] += rate * min(max(c, -three * s), three * s)
            v[k] += rate * (min(c * c, nine * v[k]) - v[k])
            z = c / s
            part += min(abs(z), three)
            line[k] = min(max(z, -clip), clip)
        total += part
    level: float = total / (rows * columns)
    return level


@numba.njit(cache=True, nogil=True, fastmath=True)
def _add_along(
    ring: F32,
    slots: I64,
    left: I64,
    top: I64,
    best: F32,
    best_way: F32,
    least: F32,
    least_way: F32,
    line: F32,
) -> None:
    """For each cell the largest and the smallest sum along any velocity, and which velocity that is.

    `left` and `top` (velocities, cell maps) say where the padded cell maps are read from.
    """
    rows, columns = best.shape
    best[:] = -1e9
    least[:] = 1e9
    for row in range(rows):
        most = best[row]
        most_way = best_way[row]
        few = least[row]
        few_way = least_way[row]
        for way in range(left.shape[0]):
            x = left[way]
            y = top[way]
            a = ring[slots[0], row + y[0], x[0] :]
            b = ring[slots[1], row + y[1], x[1] :]
            c = ring[slots[2], row + y[2], x[2] :]
            d = ring[slots[3], row + y[3], x[3] :]
            e = ring[slots[4], row + y[4], x[4] :]
            f = ring[slots[5], row + y[5], x[5] :]
            g = ring[slots[6], row + y[6], x[6] :]
            h = ring[slots[7], row + y[7], x[7] :]
            i = ring[slots[8], row + y[8], x[8] :]
            j = ring[slots[9], row + y[9], x[9] :]
            for k in range(columns):
                line[k] = a[k] + b[k] + c[k] + d[k] + e[k] + f[k] + g[k] + h[k] + i[k] + j[k]
            number = np.float32(way)
            for k in range(columns):
                total = line[k]
                above = total > most[k]
                most[k] = total if above else most[k]
                most_way[k] = number if above else most_way[k]
                below = total < few[k]
                few[k] = total if below else few[k]
                few_way[k] = number if below else few_way[k]


@numba.njit(cache=True, nogil=True, fastmath=True)
def _block_peaks(sums: F32, peak: F32, place: I64) -> None:
    """The largest value in each block of cells, and where it is (row * columns + column)."""
    rows, columns = sums.shape
    for block_row in range(peak.shape[0]):
        for block_column in range(peak.shape[1]):
            best = np.float32(-1e9)
            where = 0
            for row in range(block_row * BLOCK, min(block_row * BLOCK + BLOCK, rows)):
                for column in range(block_column * BLOCK, min(block_column * BLOCK + BLOCK, columns)):
                    if sums[row, column] > best:
                        best = sums[row, column]
                        where = row * columns + column
            peak[block_row, block_column] = best
            place[block_row, block_column] = where


class Undecided(NamedTuple):
    """A chain of looks that could be a mover: how many looks, how unlikely by chance, how far gone."""

    serial: int
    looks: int
    score_nats: float
    gone_px: float


class _Maxima:
    """How large the best sum of a look usually is in each block: a Gumbel distribution for each."""

    def __init__(self, rows: int, columns: int) -> None:
        self.mean = np.zeros((rows, columns), np.float32)
        self.variance = np.zeros((rows, columns), np.float32)
        self._looks = 0

    def nats(self, peak: F32, rate: float) -> F32:
        """How unlikely each block's peak is, as minus the logarithm of its chance; learns from them.

        What the blocks around show at the same time beyond their usual is taken off: a gust is no mover.
        """
        self._looks += 1
        if self._looks == 1:
            self.mean[:] = np.median(peak)
            self.variance[:] = max(float(np.var(peak)), LEAST_DEVIATION**2)
        deviation = np.maximum(np.sqrt(self.variance), LEAST_DEVIATION)
        beyond = np.clip((peak - self.mean) / deviation, -2.5, 2.5)
        around = (cv2.blur(beyond, (5, 5)) * 25 - cv2.blur(beyond, (3, 3)) * 9) / 16
        wide = cv2.dilate(deviation, _CROSS)
        usual = cv2.dilate(self.mean, _CROSS) + np.maximum(around, 0) * wide
        step = max(rate, 1.0 / self._looks)
        self.mean += (step * beyond * deviation).astype(np.float32)
        self.variance += (step * ((beyond * deviation) ** 2 * CLIPPED - self.variance)).astype(np.float32)
        nats = (peak - usual) / (_GUMBEL_SHARE * wide) + _EULER
        return np.asarray(nats, np.float32)


class _Link:
    """Candidates of successive looks that could be one mover, with the straight line through the newest of them."""

    def __init__(self, found: _Candidate, time_s: float, serial: int) -> None:
        self.serial = serial
        self.sign = found.sign
        self.found: list[_Candidate] = []
        self.times: list[float] = []
        self.score = 0.0
        self.strength = 0.0
        self.misses = 0
        self.number = 0
        self.off_px = 0.0
        self.patch = np.zeros((2 * PATCH_Y + 1, 2 * PATCH_X + 1), np.float32)
        self.pictures = 0
        self.add(found, time_s)

    def add(self, found: _Candidate, time_s: float) -> None:
        """Take one look's candidate in; looks overlap by half, so that each counts for half."""
        self.found.append(found)
        self.times.append(time_s)
        self.score += min(found.nats, MOST_NATS) * HOP / BINS
        self.strength += found.snr**2 * HOP / BINS
        self.misses = 0
        if len(self.found) > REMEMBERED_LOOKS:
            # Where it was first found stays; what lies between is no longer needed.
            del self.found[1], self.times[1]
        self._fit()

    def miss(self) -> None:
        """One look without it."""
        self.misses += 1
        self.score -= MISS_NATS

    def _fit(self) -> None:
        """The line: each look's own velocity weighs as much as places three quarters of a second off the middle."""
        newest = np.array([candidate[1:5] for candidate in self.found[-FIT_LOOKS:]])
        t = np.array(self.times[-FIT_LOOKS:])
        self._middle_s = float(t.mean())
        self._x, self._y = (float(part) for part in newest[:, :2].mean(axis=0))
        t -= self._middle_s
        own = 0.6 * len(t)
        spread = float(t @ t) + own
        velocity = (t @ newest[:, :2] + own * newest[:, 2:].mean(axis=0)) / spread
        self.vx, self.vy = (float(part) for part in velocity)
        off = newest[:, :2] - np.array([self._x, self._y]) - np.outer(t, [self.vx, self.vy])
        self.off_px = math.sqrt(float((off**2).sum(axis=1).mean()))

    def at(self, time_s: float) -> tuple[float, float]:
        """Where its middle is at a time, in lasting scene coordinates."""
        ahead = time_s - self._middle_s
        return self._x + self.vx * ahead, self._y + self.vy * ahead

    def gone_px(self) -> float:
        """How far it is from where it was first found."""
        return math.hypot(self.found[-1].x - self.found[0].x, self.found[-1].y - self.found[0].y)

    def believable(self, s: FaintSettings) -> bool:
        """Whether all that is asked of a mover is there."""
        enough = self.score >= s.least_nats and len(self.times) >= s.least_looks and not self.misses
        straight = self.off_px <= s.most_off_px and self.slip_px_s() <= s.most_slip_px_s
        return enough and straight and self.gone_px() >= s.least_px

    def slip_px_s(self) -> float:
        """How far the way from first to newest look is from the velocities the looks found by themselves."""
        gone_s = max(self.times[-1] - self.times[0], 1e-3)
        own = np.array([candidate[3:5] for candidate in self.found]).mean(axis=0)
        way_x, way_y = self.found[-1].x - self.found[0].x, self.found[-1].y - self.found[0].y
        return math.hypot(way_x / gone_s - own[0], way_y / gone_s - own[1])

    def cost(self, found: _Candidate, time_s: float, s: FaintSettings) -> float:
        """How ill a candidate suits, from 0; infinite where it cannot be the same."""
        if found.sign != self.sign:
            return math.inf
        x, y = self.at(time_s)
        gate = 2.5 + (1.5 if len(self.times) < 3 else 0.7) * (time_s - self.times[-1])
        far = math.hypot(found.x - x, found.y - y) / gate
        turn = math.hypot(found.vx - self.vx, found.vy - self.vy) / s.most_turn_px_s
        return math.inf if far > 1 or turn > 1 else far + 0.3 * turn

    def watch(self, counts: F32, x: float, y: float) -> None:
        """Add one picture's difference around (x, y), scene pixels, to its likeness."""
        left, top = math.floor(x) - PATCH_X, math.floor(y) - PATCH_Y
        part = counts[max(top, 0) : top + 2 * PATCH_Y + 1, max(left, 0) : left + 2 * PATCH_X + 1]
        if part.shape == self.patch.shape:
            self.pictures += 1
            self.patch += (part - self.patch) / np.float32(min(self.pictures, 30))

    def likeness(self) -> tuple[float, float, float, float, float]:
        """(left, top, width, height, contrast): its box from its middle, and what differs there on average."""
        if self.pictures < 3:
            return -1.5, -3.0, 3.0, 6.0, 0.0
        seen = self.patch * np.float32(self.sign)
        left, right = _half_width(seen[PATCH_Y - 3 : PATCH_Y + 4].mean(axis=0), PATCH_X, 3)
        top, bottom = _half_width(seen[:, PATCH_X - 1 : PATCH_X + 2].mean(axis=1), PATCH_Y, 5)
        contrast = self.sign * float(seen[top:bottom, left:right].mean())
        # A pixel's own middle stands for where the mover's middle fell within it.
        return left - PATCH_X - 0.5, top - PATCH_Y - 0.5, float(right - left), float(bottom - top), contrast


class FaintWatch:
    """Finds faint movers in the differences of one camera: `update` with each picture in turn."""

    def __init__(self, settings: FaintSettings | None = None, polarity: Polarity = "both") -> None:
        self.settings = settings or FaintSettings()
        self.ended: list[int] = []
        self._signs = {"both": (1.0, -1.0), "hot": (1.0,), "cold": (-1.0,)}[polarity]
        self._ways = _ways(self.settings)
        self._pad_x = math.ceil(self.settings.fastest_x_px_s / CELL_PX) + 2
        self._pad_y = math.ceil(self.settings.fastest_y_px_s / CELL_PX) + 2
        self._links: list[_Link] = []
        self._born = 0
        self._named = 0
        self._use: F32 | None = None
        self._use_full: U8 | None = None
        self._now_s = 0.0
        self._allocate(0, 0)

    def _allocate(self, rows: int, columns: int) -> None:
        self._shape = (rows, columns)
        high, wide = rows // CELL_PX, columns // CELL_PX
        self._cells = np.zeros((high, wide), np.float32)
        self._standard = np.zeros((high, wide), np.float32)
        self._mean = np.zeros((high, wide), np.float32)
        self._variance = np.zeros((high, wide), np.float32)
        self._ring = np.zeros((BINS, high + 2 * self._pad_y, wide + 2 * self._pad_x), np.float32)
        self._best, self._best_way = np.zeros((high, wide), np.float32), np.zeros((high, wide), np.float32)
        self._least, self._least_way = np.zeros((high, wide), np.float32), np.zeros((high, wide), np.float32)
        self._line = np.zeros(wide, np.float32)
        blocks = (-(-high // BLOCK), -(-wide // BLOCK))
        self._peak = np.zeros(blocks, np.float32)
        self._place = np.zeros(blocks, np.int64)
        self._maxima = {sign: _Maxima(*blocks) for sign in self._signs}
        self._times = np.zeros(BINS)
        self._origins = np.zeros((BINS, 2))
        self._valid = np.zeros(BINS)
        self._mapped = np.zeros(2)
        self._gathered = 0
        self._gathered_s = 0.0
        self._bins = 0
        self._usual = QUIET
        self._started_s = self._now_s
        self._mask()

    def exclude(self, use: U8) -> None:
        """Look only where `use` (H, W) in the picture's pixels is not 0."""
        self._use_full = use
        self._mask()

    def _mask(self) -> None:
        if self._use_full is None or not self._cells.size:
            return
        size = self._cells.shape[::-1]
        share = cv2.resize((self._use_full > 0).astype(np.float32), size, interpolation=cv2.INTER_AREA)
        self._use = (np.asarray(share) >= 1).astype(np.float32)

    def update(self, difference: Difference, step_s: float) -> list[FaintTrack]:
        """The faint movers believed at this picture; `step_s` is the time since the one before."""
        self.ended = []
        self._now_s += step_s
        if difference.counts.shape != self._shape:
            self._forget(difference.counts.shape)
        elif difference.state == "relearned":
            self._forget(self._shape)
        if difference.trusted:
            _gather(difference.counts, self._cells)
            self._gathered += 1
        self._gathered_s += step_s
        fresh: set[int] = set()
        if self._gathered_s >= self.settings.bin_s:
            self._close_bin(difference.origin)
            if self._bins >= BINS and self._bins % HOP == 0:
                fresh = self._look()
        return self._report(difference, fresh)

    def undecided(self) -> list[Undecided]:
        """The chains that are followed, believed ones included: what the bar is set by."""
        return [Undecided(link.serial, len(link.times), link.score, link.gone_px()) for link in self._links]

    def _forget(self, shape: tuple[int, ...]) -> None:
        """The scene is another one now."""
        self.ended += [link.number for link in self._links if link.number]
        self._links = []
        self._allocate(shape[0], shape[1])

    def _close_bin(self, origin: tuple[int, int]) -> None:
        """Make a cell map of what was gathered, or an empty one where it tells nothing."""
        slot = self._bins % BINS
        self._times[slot] = self._now_s - self._gathered_s / 2
        self._origins[slot] = origin
        self._follow(origin)
        rows, columns = self._cells.shape
        target = self._ring[slot, self._pad_y : self._pad_y + rows, self._pad_x : self._pad_x + columns]
        self._valid[slot] = float(self._gathered > 0 and self._restlessness() < STARTLED * self._usual)
        if self._valid[slot]:
            _clean(self._standard, target)
            if self._use is not None:
                target *= self._use
        else:
            target[:] = 0.0
        self._cells[:] = 0.0
        self._gathered, self._gathered_s = 0, 0.0
        self._bins += 1

    def _restlessness(self) -> float:
        """Put the gathered cells in units of their noise, and learn it; how large they are on average."""
        s = self.settings
        most = GLARING * math.sqrt(max(float(self._variance.mean()), 1.0))
        self._cells -= cv2.blur(np.clip(self._cells, -most, most), (SMOOTH, SMOOTH))
        young = self._bins < YOUNG_BINS
        if young:
            # What the scene has not learnt yet is no noise.
            self._variance[:] = max(float(np.median(np.abs(self._cells)) / 0.6745) ** 2, 0.01)
        around = cv2.dilate(self._variance, _SQUARE).astype(np.float32, copy=False)
        rate = max(self._gathered_s / s.noise_s, 1 / (self._bins - (0 if young else YOUNG_BINS) + 10))
        level = _standardise(
            self._cells, self._mean, self._variance, around, np.float32(rate), np.float32(s.clip), self._standard
        )
        self._usual += max(0.02, 1 / (self._bins + 1)) * (min(level, 1.2 * self._usual) - self._usual)
        return level

    def _follow(self, origin: tuple[int, int]) -> None:
        """Move what is known of each cell with the scene."""
        move = np.rint((self._mapped - origin) / CELL_PX).astype(np.int64)
        if self._bins == 0:
            self._mapped[:] = origin
        elif move.any():
            self._mapped -= CELL_PX * move
            self._mean = np.roll(self._mean, (move[1], move[0]), (0, 1))
            self._variance = np.roll(self._variance, (move[1], move[0]), (0, 1))

    def _look(self) -> set[int]:
        """Add up the newest cell maps along all velocities and link what stands out; numbers of the newly believed."""
        slots = np.arange(self._bins, self._bins + BINS) % BINS
        times = self._times[slots]
        bin_s = float(times[-1] - times[0]) / (BINS - 1)
        valid = float(self._valid.sum())
        if bin_s > SLOWEST_BINS_S or valid < 0.6 * BINS or self._bins < 2 * YOUNG_BINS:
            return set()
        middle_s = float(times.mean())
        origin = self._origins[slots[-1]]
        self._add_up(slots, times - middle_s, origin)
        found: list[_Candidate] = []
        for sign in self._signs:
            sums, way = (self._best, self._best_way) if sign > 0 else (-self._least, self._least_way)
            _block_peaks(sums, self._peak, self._place)
            peak = self._peak / np.float32(math.sqrt(valid))
            nats = self._maxima[sign].nats(peak, HOP * bin_s / self.settings.maxima_s)
            if self._now_s - self._started_s >= self.settings.settle_s:
                found += self._candidates(sign, sums, way, peak, nats, origin)
        self._link(found, middle_s)
        return self._believe(middle_s)

    def _add_up(self, slots: I64, times_s: F64, origin: F64) -> None:
        move = (origin - self._origins[slots]) / CELL_PX
        shift_x = np.rint(self._ways[:, :1] * times_s / CELL_PX + move[:, 0]).clip(-self._pad_x, self._pad_x)
        shift_y = np.rint(self._ways[:, 1:] * times_s / CELL_PX + move[:, 1]).clip(-self._pad_y, self._pad_y)
        _add_along(
            self._ring,
            slots,
            shift_x.astype(np.int64) + self._pad_x,
            shift_y.astype(np.int64) + self._pad_y,
            self._best,
            self._best_way,
            self._least,
            self._least_way,
            self._line,
        )

    def _candidates(self, sign: float, sums: F32, way: F32, peak: F32, nats: F32, origin: F64) -> list[_Candidate]:
        """What stands out of its block, and is the largest among the blocks around."""
        chosen = (nats >= self.settings.candidate_nats) & (peak >= cv2.dilate(peak, _SQUARE))
        rows, columns = sums.shape
        found = []
        for index in np.flatnonzero(chosen)[:MOST_CANDIDATES]:
            row, column = divmod(int(self._place.flat[index]), columns)
            if not (2 <= row < rows - 2 and 2 <= column < columns - 2):
                continue
            right = _vertex(*(float(value) for value in sums[row, column - 1 : column + 2]))
            down = _vertex(*(float(value) for value in sums[row - 1 : row + 2, column]))
            vx, vy = (float(part) for part in self._ways[int(way[row, column])])
            x = CELL_PX * (column + right) + CELL_PX / 2 + float(origin[0])
            y = CELL_PX * (row + down) + CELL_PX / 2 + float(origin[1])
            found.append(_Candidate(sign, x, y, vx, vy, float(nats.flat[index]), float(peak.flat[index])))
        return found

    def _link(self, found: list[_Candidate], time_s: float) -> None:
        """Give each link the candidate that suits it best, nearest first; what is left over begins links."""
        pairs = [
            (cost - 0.05 * len(link.times), i, j)
            for i, link in enumerate(self._links)
            for j, candidate in enumerate(found)
            if (cost := link.cost(candidate, time_s, self.settings)) < math.inf
        ]
        linked: set[int] = set()
        taken: set[int] = set()
        for _, i, j in sorted(pairs):
            if i not in linked and j not in taken:
                linked.add(i)
                taken.add(j)
                self._links[i].add(found[j], time_s)
        for i, link in enumerate(self._links):
            if i not in linked:
                link.miss()
        for j, candidate in enumerate(found):
            if j not in taken:
                self._born += 1
                self._links.append(_Link(candidate, time_s, self._born))

    def _believe(self, time_s: float) -> set[int]:
        """Give up what was not seen for long, and name what is believed from now on."""
        s = self.settings
        kept = [link for link in self._links if link.score > 0 and time_s - link.times[-1] <= s.coast_s]
        kept = sorted(kept, key=lambda link: (link.number == 0, -link.score))[:MOST_LINKS]
        self.ended += [link.number for link in self._links if link.number and link not in kept]
        self._links = kept
        fresh = set()
        for link in kept:
            if not link.number and link.believable(s) and not self._doubled(link, time_s):
                self._named += 1
                link.number = self._named
                fresh.add(link.number)
        return fresh

    def _doubled(self, link: _Link, time_s: float) -> bool:
        """Whether a link is the fringe of a mover that is believed already."""
        x, y = link.at(time_s)
        others = (other.at(time_s) for other in self._links if other.number)
        return any(math.hypot(there[0] - x, there[1] - y) < DOUBLED_PX for there in others)

    def _report(self, difference: Difference, fresh: set[int]) -> list[FaintTrack]:
        """Carry every link on to this picture; those believed as tracks."""
        shift, (origin_x, origin_y) = difference.registration, difference.origin
        tracks = []
        for link in self._links:
            if len(link.times) < 2:
                continue
            x, y = link.at(self._now_s)
            if difference.trusted:
                link.watch(difference.counts, x - origin_x, y - origin_y)
            if not link.number:
                continue
            left, top, width, height, contrast = link.likeness()
            box = Box(
                x_px=x + left - origin_x + float(shift.shift_x_px),
                y_px=y + top - origin_y + float(shift.shift_y_px),
                w_px=width,
                h_px=height,
            )
            track = FaintTrack(
                track_id=link.number,
                box=box,
                velocity_x_px_s=link.vx,
                velocity_y_px_s=link.vy,
                contrast_counts=contrast,
                snr=math.sqrt(link.strength),
                score_nats=link.score,
                first_s=self._now_s - link.times[0],
                seen=not link.misses,
                fresh=link.number in fresh,
            )
            tracks.append(track)
        return tracks


def closely_followed(settings: BackgroundSettings) -> BackgroundSettings:
    """The settings of a scene that follows the camera in steps of a pixel, at half a pixel.

    Farther off, registration is held back a little by its lean towards rest: ground full of edges then leaves more of
    itself in the difference than a faint mover does.
    """
    return msgspec.structs.replace(settings, follow_px=min(settings.follow_px, FOLLOW_PX))


class FaintStage:
    """The faint movers of one camera as tracks, with what there is to tell of them.

    Their numbers lie beyond `FAINT`. One that the ordinary tracker follows is left to it, and ends here.
    """

    def __init__(self, settings: FaintSettings, camera_id: str, origin: str, polarity: Polarity = "both") -> None:
        self.watch = FaintWatch(settings, polarity)
        self._camera_id = camera_id
        self._origin = origin
        self._last: dict[int, Track] = {}
        self._told_ns: dict[int, int] = {}
        self._named = FAINT

    def number_from(self, first: int) -> None:
        """Let the next track be the one of this number among the faint ones; to be called before there is any."""
        self._named = FAINT + first - 1

    def update(
        self,
        frame: Frame,
        difference: Difference,
        step_s: float,
        ordinary: Sequence[Track],
        locate: Callable[[Track], Track],
    ) -> tuple[list[Track], list[FaintEvent]]:
        """The tracks at this picture, put on the ground by `locate`, and what happened to them."""
        found = {each.track_id: each for each in self.watch.update(difference, step_s)}
        gone = [number for number in self._last if number not in found]
        events: list[FaintEvent] = [self._end(number, frame.time_ns, "not seen any more") for number in gone]
        tracks = []
        for number, each in found.items():
            if any(_covers(track.box, each.box) for track in ordinary):
                if number in self._last:
                    events.append(self._end(number, frame.time_ns, "followed as a stronger track"))
            elif number in self._last or each.seen:
                track = locate(self._describe(each, frame))
                events += self._tell(number, track)
                tracks.append(track)
        return tracks, events

    def _describe(self, each: FaintTrack, frame: Frame) -> Track:
        before = self._last.get(each.track_id)
        if before is None:
            self._named += 1
        return Track(
            track_id=self._named if before is None else before.track_id,
            camera_id=self._camera_id,
            origin=self._origin,
            time_ns=frame.time_ns,
            frame_index=frame.index,
            status="confirmed" if each.seen else "coasting",
            box=each.box,
            velocity_x_px_s=each.velocity_x_px_s,
            velocity_y_px_s=each.velocity_y_px_s,
            contrast_counts=each.contrast_counts,
            snr=each.snr,
            kind="unknown",
            kind_confidence=0.0,
            confidence=1.0 - math.exp(-each.score_nats / SURE_NATS),
            first_ns=frame.time_ns - round(1e9 * each.first_s),
            confirmed_ns=frame.time_ns if before is None else before.confirmed_ns,
        )

    def _tell(self, number: int, track: Track) -> list[FaintEvent]:
        """Whether a track is new, or its point due."""
        fresh = number not in self._last
        self._last[number] = track
        due = not 0 <= track.time_ns - self._told_ns.get(number, -POINT_EVERY_NS) < POINT_EVERY_NS
        if not fresh and not (due and track.status == "confirmed"):
            return []
        self._told_ns[number] = track.time_ns
        if fresh:
            return [TrackConfirmed(time_ns=track.time_ns, track=track)]
        return [TrackPoint(time_ns=track.time_ns, track=track)]

    def finish(self, time_ns: int) -> list[FaintEvent]:
        """What is left to say when no picture will come any more."""
        return [self._end(number, time_ns, "the watch ended") for number in sorted(self._last)]

    def _end(self, number: int, time_ns: int, reason: str) -> TrackLost:
        last = self._last.pop(number)
        self._told_ns.pop(number, None)
        return TrackLost(
            time_ns=time_ns, camera_id=self._camera_id, track_id=last.track_id, kind="unknown", reason=reason
        )


def _covers(strong: Box, faint: Box) -> bool:
    """Whether a faint mover's middle lies in a stronger one's box, or next to it."""
    x, y = faint.centre_px
    across = strong.x_px - BESIDE_PX <= x <= strong.x_px + strong.w_px + BESIDE_PX
    return across and strong.y_px - BESIDE_PX <= y <= strong.y_px + strong.h_px + BESIDE_PX


def _vertex(before: float, here: float, after: float) -> float:
    """Where between three sums the largest lies, from -0.5 to 0.5."""
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else min(max(0.5 * (before - after) / bend, -0.5), 0.5)


def _half_width(profile: F32, middle: int, reach: int) -> tuple[int, int]:
    """The stretch (first, past the last) around the largest value near the middle that keeps half of it."""
    peak = middle - reach + int(np.argmax(profile[middle - reach : middle + reach + 1]))
    least = 0.5 * float(profile[peak])
    first = last = peak
    while first > 0 and profile[first - 1] >= least:
        first -= 1
    while last + 1 < len(profile) and profile[last + 1] >= least:
        last += 1
    return first, last + 1


def _clean(standard: F32, out: F32) -> None:
    """Take away what rows, columns and regions have in common, and let regions in turmoil count less."""
    out[:] = standard + cv2.blur(standard, (LINE, LINE))
    out -= cv2.blur(standard, (LINE, 1))
    out -= cv2.blur(standard, (1, LINE))
    out /= np.maximum(cv2.blur(np.abs(out), (TURMOIL, TURMOIL)) / np.float32(QUIET), 1)


def _ways(s: FaintSettings) -> F64:
    """The bank of velocities (n, 2) in pixels a second, slow ones first: of those that fit alike the slowest counts."""
    across = round(s.fastest_x_px_s / s.step_px_s)
    down = round(s.fastest_y_px_s / s.step_px_s)
    bank = [(x * s.step_px_s, y * s.step_px_s) for y in range(-down, down + 1) for x in range(-across, across + 1)]
    return np.array(sorted(bank, key=lambda way: math.hypot(*way)))
