"""Blobs: connected differences from the scene, merged, measured, and thinned to what could be an object."""

import math
from typing import Literal

import numba
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.frame import Counts
from marsad.kernel.record import Record
from marsad.watch.background import Difference

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
U64 = NDArray[np.uint64]
U8 = NDArray[np.uint8]

X0, Y0, X1, Y1, AREA, SUM, PEAK, LOCAL, RING, EDGE = range(10)
"""Columns of a blob: its box (outer edges), pixels that differ, their summed difference, the largest signal to noise,
how far it stands out of the picture around it and how much the scene differs there (both as shares of its mean
difference), and whether it touches the edge."""

COLUMNS = 10
MAX_BLOBS = 192

# Columns of a run: where it lies, the sign of its difference, its strong pixels, and (at the root of a component) the
# pixels and the strong pixels of all its runs.
_ROW, _START, _END, _SIGN, _STRONG, _ALL, _ALL_STRONG = range(7)
_RUN_COLUMNS = 7
_WORD = 8
_HIGH = 2  # in a level map: above the high level
_BYTE = np.uint64(0xFF)
_EIGHT_BITS = np.uint64(8)

Polarity = Literal["both", "hot", "cold"]


class DetectSettings(Record):
    """What is worth a blob: pixels and standard deviations."""

    smallest_px: int = 3
    merge_x_px: int = 3
    merge_y_px: int = 6
    most_runs: int = 12000
    least_peak: float = 5.0
    most_ring: float = 0.5


@numba.njit(cache=True, nogil=True)
def _close(table: I32, count: int, row: int, start: int, end: int, sign: int, strong: int) -> int:
    """Write down a run that has ended; return how many there are now, -1 when the table is full."""
    table[count, _ROW] = row
    table[count, _START] = start
    table[count, _END] = end
    table[count, _SIGN] = sign
    table[count, _STRONG] = strong
    return count + 1 if count + 1 < table.shape[0] else -1


@numba.njit(cache=True, nogil=True)
def _runs(words: U64, diff: F32, table: I32) -> int:
    """Fill `table` with the runs of foreground of one sign, row by row; return how many, -1 when they do not fit.

    `words` is the level map seen as words of eight pixels, lowest byte first: nearly all of a picture is background,
    and is skipped by the row and by the word.
    """
    count = 0
    rows, columns = diff.shape
    for row in range(rows):
        line = words[row]
        any_bit = np.uint64(0)
        for word in range(line.shape[0]):
            any_bit |= line[word]
        if any_bit == 0:
            continue
        start = -1
        sign = 0
        strong = 0
        for word in range(line.shape[0]):
            if line[word] == 0:
                if start >= 0:
                    count = _close(table, count, row, start, word * _WORD, sign, strong)
                    start = -1
                    if count < 0:
                        return -1
                continue
            # A byte a pixel, the first in the lowest byte; what is left of the word is 0 after the last that differs.
            rest = line[word]
            k = word * _WORD
            while rest != 0 or (start >= 0 and k < word * _WORD + _WORD):
                here = rest & _BYTE
                this = 0
                if here:
                    this = 1 if diff[row, k] > 0 else -1
                if start >= 0 and this != sign:
                    count = _close(table, count, row, start, k, sign, strong)
                    start = -1
                    if count < 0:
                        return -1
                if start < 0 and here:
                    start = k
                    sign = this
                    strong = 0
                if here == _HIGH:
                    strong += 1
                rest >>= _EIGHT_BITS
                k += 1
        if start >= 0:
            count = _close(table, count, row, start, columns, sign, strong)
            if count < 0:
                return -1
    return count


@numba.njit(cache=True, nogil=True)
def _root(parent: I32, k: int) -> int:
    """The run that stands for the component of run `k`, with the way there halved for the next who asks."""
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k


@numba.njit(cache=True, nogil=True)
def _join(table: I32, count: int, parent: I32) -> None:
    """Union of runs that touch (8-connected, one pixel bridged along a row) and agree in sign."""
    for k in range(count):
        parent[k] = k
    above = 0
    for k in range(count):
        row = table[k, _ROW]
        beside = k > 0 and table[k - 1, _ROW] == row and table[k, _START] - table[k - 1, _END] <= 1
        if beside and table[k - 1, _SIGN] == table[k, _SIGN]:
            parent[_root(parent, k)] = _root(parent, k - 1)
        while above < k and table[above, _ROW] < row - 1:
            above += 1
        other = above
        while other < k and table[other, _ROW] == row - 1:
            if table[other, _START] > table[k, _END]:
                break
            if table[other, _END] >= table[k, _START] and table[other, _SIGN] == table[k, _SIGN]:
                parent[_root(parent, k)] = _root(parent, other)
            other += 1


@numba.njit(cache=True, nogil=True)
def _measure(
    table: I32,
    count: int,
    parent: I32,
    diff: F32,
    spread: F32,
    smallest: int,
    blobs: F64,
    owner: I32,
) -> int:
    """Sum up each component; keep those with a strong pixel and enough area. Return how many."""
    kept = 0
    # First area and strong pixels at the root, so that noise never gets a row.
    for k in range(count):
        owner[k] = -1
        root = _root(parent, k)
        table[root, _ALL] += table[k, _END] - table[k, _START]
        table[root, _ALL_STRONG] += table[k, _STRONG]
    for k in range(count):
        root = _root(parent, k)
        if table[root, _ALL] < smallest or table[root, _ALL_STRONG] < 1:
            continue
        if owner[root] < 0:
            if kept == blobs.shape[0]:
                continue
            owner[root] = kept
            blobs[kept, :] = 0.0
            blobs[kept, X0] = 1e9
            blobs[kept, Y0] = 1e9
            kept += 1
        blob = blobs[owner[root]]
        row = table[k, _ROW]
        start = table[k, _START]
        end = table[k, _END]
        blob[X0] = min(blob[X0], start)
        blob[Y0] = min(blob[Y0], row)
        blob[X1] = max(blob[X1], end)
        blob[Y1] = max(blob[Y1], row + 1)
        blob[AREA] += end - start
        for x in range(start, end):
            blob[SUM] += diff[row, x]
            noise = math.sqrt(spread[row, x])
            blob[PEAK] = max(blob[PEAK], abs(diff[row, x]) / noise)
    return kept


@numba.njit(cache=True, nogil=True)
def _merge(blobs: F64, count: int, gap_x: float, gap_y: float) -> int:
    """Join blobs of one sign that lie within the gap of each other (a body's parts), until nothing changes.

    Return how many are left.
    """
    changed = True
    while changed:
        changed = False
        a = 0
        while a < count:
            one = blobs[a]
            b = a + 1
            while b < count:
                two = blobs[b]
                if (
                    one[SUM] * two[SUM] > 0
                    and one[X0] - two[X1] <= gap_x
                    and two[X0] - one[X1] <= gap_x
                    and one[Y0] - two[Y1] <= gap_y
                    and two[Y0] - one[Y1] <= gap_y
                ):
                    one[X0] = min(one[X0], two[X0])
                    one[Y0] = min(one[Y0], two[Y0])
                    one[X1] = max(one[X1], two[X1])
                    one[Y1] = max(one[Y1], two[Y1])
                    one[AREA] += two[AREA]
                    one[SUM] += two[SUM]
                    one[PEAK] = max(one[PEAK], two[PEAK])
                    count -= 1
                    blobs[b, :] = blobs[count, :]
                    changed = True
                else:
                    b += 1
            a += 1
    return count


@numba.njit(cache=True, nogil=True)
def _surround(
    blobs: F64,
    count: int,
    picture: Counts,
    level: U8,
    diff: F32,
    shift_x: int,
    shift_y: int,
) -> None:
    """How far each blob stands out of its surroundings in the picture itself, as a share of its difference.

    An object stands out of the picture as much as out of the scene. A ghost (what an object uncovered) does not stand
    out of the picture; an edge that moved does so only in part.
    """
    rows, columns = diff.shape
    high, wide = picture.shape
    for b in range(count):
        blob = blobs[b]
        x0 = int(blob[X0])
        y0 = int(blob[Y0])
        x1 = int(blob[X1])
        y1 = int(blob[Y1])
        margin = 2 + min(max(x1 - x0, y1 - y0) // 3, 6)
        inside = 0.0
        n_inside = 0
        ring = 0.0
        ring_diff = 0.0
        n_ring = 0
        positive = blob[SUM] > 0
        for y in range(max(y0 - margin, 0), min(y1 + margin, rows)):
            py = y + shift_y
            if py < 0 or py >= high:
                continue
            for x in range(max(x0 - margin, 0), min(x1 + margin, columns)):
                px = x + shift_x
                if px < 0 or px >= wide:
                    continue
                within = y0 <= y < y1 and x0 <= x < x1
                if within:
                    if level[y, x] and (diff[y, x] > 0) == positive:
                        inside += picture[py, px]
                        n_inside += 1
                elif y < y0 - 1 or y > y1 or x < x0 - 1 or x > x1:
                    ring += picture[py, px]
                    if (diff[y, x] > 0) == positive:
                        ring_diff += abs(diff[y, x])
                    n_ring += 1
        mean = blob[SUM] / blob[AREA]
        if n_inside and n_ring:
            blob[LOCAL] = (inside / n_inside - ring / n_ring) / mean
            blob[RING] = ring_diff / n_ring / abs(mean)
        else:
            blob[LOCAL] = 0.0
            blob[RING] = 1.0
        blob[EDGE] = 1.0 if x0 <= 1 or y0 <= 1 or x1 >= columns - 1 or y1 >= rows - 1 else 0.0


@numba.njit(cache=True, nogil=True)
def _keep(blobs: F64, count: int, least_peak: float, most_ring: float, sign: float) -> int:
    """Drop what is too faint, no stronger than what surrounds it, or of the other sign; return how many are left."""
    kept = 0
    for b in range(count):
        if blobs[b, PEAK] >= least_peak and blobs[b, RING] <= most_ring and blobs[b, SUM] * sign >= 0:
            if kept != b:
                blobs[kept, :] = blobs[b, :]
            kept += 1
    return kept


@numba.njit(cache=True, nogil=True)
def _tighten(blobs: F64, count: int, level: U8, diff: F32) -> None:
    """Draw each box around what differs by at least half the blob's mean: lens and smoothing spread a bright object.

    A silhouette smoothed and cut at half its height keeps its size; cut at the noise it grows by its whole skirt.
    """
    for b in range(count):
        blob = blobs[b]
        mean = blob[SUM] / max(blob[AREA], 1.0)
        least = 0.5 * abs(mean)
        x0, y0, x1, y1 = int(blob[X1]), int(blob[Y1]), int(blob[X0]), int(blob[Y0])
        for y in range(int(blob[Y0]), int(blob[Y1])):
            for x in range(int(blob[X0]), int(blob[X1])):
                if level[y, x] and diff[y, x] * mean > 0 and abs(diff[y, x]) >= least:
                    x0 = min(x0, x)
                    x1 = max(x1, x + 1)
                    y0 = min(y0, y)
                    y1 = max(y1, y + 1)
        if x1 > x0:
            blob[X0] = x0
            blob[Y0] = y0
            blob[X1] = x1
            blob[Y1] = y1


@numba.njit(cache=True, nogil=True)
def _find(
    words: U64,
    level: U8,
    diff: F32,
    spread: F32,
    picture: Counts,
    shift_x: int,
    shift_y: int,
    smallest: int,
    gap_x: float,
    gap_y: float,
    least_peak: float,
    most_ring: float,
    sign: float,
    table: I32,
    parent: I32,
    owner: I32,
    blobs: F64,
) -> int:
    """Fill `blobs` with what is worth one; return how many, -1 when there are more runs than `table` holds."""
    runs = _runs(words, diff, table)
    if runs < 0:
        return -1
    table[:runs, _ALL:] = 0
    _join(table, runs, parent)
    count = _measure(table, runs, parent, diff, spread, smallest, blobs, owner)
    count = _merge(blobs, count, gap_x, gap_y)
    # What is too faint anyway need not be looked at all around.
    count = _keep(blobs, count, least_peak, np.inf, sign)
    _surround(blobs, count, picture, level, diff, shift_x, shift_y)
    count = _keep(blobs, count, least_peak, most_ring, sign)
    _tighten(blobs, count, level, diff)
    return count


class Blobs:
    """The blobs of one picture: `rows` (n, 10) float64, columns named by this module's constants, in scene pixels.

    `flooded` is set when so much of the picture differs that no blob can be believed.
    """

    __slots__ = ("flooded", "rows")

    def __init__(self, rows: F64, flooded: bool) -> None:
        self.rows = rows
        self.flooded = flooded


class Detector:
    """Turns a difference into blobs."""

    def __init__(self, settings: DetectSettings | None = None, polarity: Polarity = "both") -> None:
        self.settings = settings or DetectSettings()
        self._sign = {"both": 0.0, "hot": 1.0, "cold": -1.0}[polarity]
        most = self.settings.most_runs
        self._table = np.zeros((most, _RUN_COLUMNS), np.int32)
        self._parent = np.zeros(most, np.int32)
        self._owner = np.zeros(most, np.int32)
        self._blobs = np.zeros((MAX_BLOBS, COLUMNS))

    def detect(self, difference: Difference) -> Blobs:
        """The blobs of one picture; the rows are reused by the next."""
        s = self.settings
        if not difference.trusted:
            return Blobs(self._blobs[:0], flooded=difference.state != "learning")
        level, diff = difference.level, difference.counts
        shift = difference.registration
        kept = _find(
            difference.words,
            level,
            diff,
            difference.spread,
            difference.picture,
            round(shift.shift_x_px),
            round(shift.shift_y_px),
            s.smallest_px,
            s.merge_x_px,
            s.merge_y_px,
            s.least_peak,
            s.most_ring,
            self._sign,
            self._table,
            self._parent,
            self._owner,
            self._blobs,
        )
        if kept < 0:
            return Blobs(self._blobs[:0], flooded=True)
        return Blobs(self._blobs[:kept], flooded=False)
