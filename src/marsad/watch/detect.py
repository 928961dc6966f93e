"""Blobs: connected differences from the scene, merged, measured, and thinned to what could be an object."""

import math
from typing import Literal

import numba
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.record import Record
from marsad.watch.background import Difference

X0, Y0, X1, Y1, AREA, HIGH, SUM, PEAK, LOCAL, RING, CX, CY, EDGE = range(13)
COLUMNS = 13
MAX_BLOBS = 192

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
def _runs(words, level, diff, rows, columns, table):
    """Find runs of foreground of one sign: rows of (row, start, end, sign, high pixels); return how many."""
    count = 0
    most = table.shape[0]
    for row in range(rows):
        line = words[row]
        start = -1
        sign = 0
        high = 0
        for word in range(line.shape[0]):
            if line[word] == 0:
                if start >= 0:
                    table[count, 0] = row
                    table[count, 1] = start
                    table[count, 2] = word * 8
                    table[count, 3] = sign
                    table[count, 4] = high
                    count += 1
                    start = -1
                    if count == most:
                        return -1
                continue
            for k in range(word * 8, min(word * 8 + 8, columns)):
                here = level[row, k]
                this = 0
                if here:
                    this = 1 if diff[row, k] > 0 else -1
                if start >= 0 and this != sign:
                    table[count, 0] = row
                    table[count, 1] = start
                    table[count, 2] = k
                    table[count, 3] = sign
                    table[count, 4] = high
                    count += 1
                    start = -1
                    if count == most:
                        return -1
                if start < 0 and here:
                    start = k
                    sign = this
                    high = 0
                if here == 2:
                    high += 1
        if start >= 0:
            table[count, 0] = row
            table[count, 1] = start
            table[count, 2] = columns
            table[count, 3] = sign
            table[count, 4] = high
            count += 1
            if count == most:
                return -1
    return count


@numba.njit(cache=True, nogil=True)
def _root(parent, k):
    while parent[k] != k:
        parent[k] = parent[parent[k]]
        k = parent[k]
    return k


@numba.njit(cache=True, nogil=True)
def _join(table, count, parent):
    """Union of runs that touch (8-connected, one pixel bridged along a row) and agree in sign."""
    for k in range(count):
        parent[k] = k
    above = 0
    for k in range(count):
        row = table[k, 0]
        if k and table[k - 1, 0] == row and table[k - 1, 3] == table[k, 3] and table[k, 1] - table[k - 1, 2] <= 1:
            parent[_root(parent, k)] = _root(parent, k - 1)
        while above < k and (table[above, 0] < row - 1):
            above += 1
        other = above
        while other < k and table[other, 0] == row - 1:
            if table[other, 1] > table[k, 2]:
                break
            if table[other, 2] >= table[k, 1] and table[other, 3] == table[k, 3]:
                parent[_root(parent, k)] = _root(parent, other)
            other += 1


@numba.njit(cache=True, nogil=True)
def _measure(table, count, parent, diff, variance, slack, smallest, blobs, owner):
    """Sum up each component; keep those with a high pixel and enough area. Return how many."""
    kept = 0
    for k in range(count):
        owner[k] = -1
    # First pass: area and high pixels at the root, so that noise never gets a row.
    for k in range(count):
        root = _root(parent, k)
        if root != k:
            table[root, 5] += table[k, 2] - table[k, 1]
            table[root, 6] += table[k, 4]
        else:
            table[k, 5] += table[k, 2] - table[k, 1]
            table[k, 6] += table[k, 4]
    for k in range(count):
        root = _root(parent, k)
        if table[root, 5] < smallest or table[root, 6] < 1:
            continue
        if owner[root] < 0:
            if kept == blobs.shape[0]:
                continue
            owner[root] = kept
            blobs[kept, :] = 0.0
            blobs[kept, 0] = 1e9
            blobs[kept, 1] = 1e9
            kept += 1
        b = owner[root]
        row = table[k, 0]
        x0 = table[k, 1]
        x1 = table[k, 2]
        blobs[b, 0] = min(blobs[b, 0], x0)
        blobs[b, 1] = min(blobs[b, 1], row)
        blobs[b, 2] = max(blobs[b, 2], x1)
        blobs[b, 3] = max(blobs[b, 3], row + 1)
        blobs[b, 4] += x1 - x0
        blobs[b, 5] += table[k, 4]
        for x in range(x0, x1):
            d = diff[row, x]
            blobs[b, 6] += d
            snr = abs(d) / math.sqrt(variance[row, x] + slack[row, x])
            if snr > blobs[b, 7]:
                blobs[b, 7] = snr
            blobs[b, 10] += (x + 0.5) * abs(d)
            blobs[b, 11] += (row + 0.5) * abs(d)
            blobs[b, 12] += abs(d)
    return kept


@numba.njit(cache=True, nogil=True)
def _merge(blobs, count, gap_x, gap_y):
    """Join blobs of one sign that lie within the gap of each other (a body's parts), until nothing changes."""
    changed = True
    while changed:
        changed = False
        a = 0
        while a < count:
            b = a + 1
            while b < count:
                if (
                    blobs[a, 6] * blobs[b, 6] > 0
                    and blobs[a, 0] - blobs[b, 2] <= gap_x
                    and blobs[b, 0] - blobs[a, 2] <= gap_x
                    and blobs[a, 1] - blobs[b, 3] <= gap_y
                    and blobs[b, 1] - blobs[a, 3] <= gap_y
                ):
                    blobs[a, 0] = min(blobs[a, 0], blobs[b, 0])
                    blobs[a, 1] = min(blobs[a, 1], blobs[b, 1])
                    blobs[a, 2] = max(blobs[a, 2], blobs[b, 2])
                    blobs[a, 3] = max(blobs[a, 3], blobs[b, 3])
                    blobs[a, 4] += blobs[b, 4]
                    blobs[a, 5] += blobs[b, 5]
                    blobs[a, 6] += blobs[b, 6]
                    blobs[a, 7] = max(blobs[a, 7], blobs[b, 7])
                    blobs[a, 10] += blobs[b, 10]
                    blobs[a, 11] += blobs[b, 11]
                    blobs[a, 12] += blobs[b, 12]
                    count -= 1
                    blobs[b, :] = blobs[count, :]
                    changed = True
                else:
                    b += 1
            a += 1
    return count


@numba.njit(cache=True, nogil=True)
def _surround(blobs, count, picture, level, diff, shift_x, shift_y):
    """How far each blob stands out of its surroundings in the picture itself, as a share of its difference.

    An object stands out of the picture as much as out of the scene. A ghost (what an object uncovered) does not stand
    out of the picture; an edge that moved does so only in part.
    """
    rows, columns = diff.shape
    high, wide = picture.shape
    for b in range(count):
        x0 = int(blobs[b, 0])
        y0 = int(blobs[b, 1])
        x1 = int(blobs[b, 2])
        y1 = int(blobs[b, 3])
        margin = 2 + min(max(x1 - x0, y1 - y0) // 3, 6)
        inside = 0.0
        n_inside = 0
        ring = 0.0
        ring_diff = 0.0
        n_ring = 0
        positive = blobs[b, 6] > 0
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
        mean = blobs[b, 6] / max(blobs[b, 4], 1.0)
        if n_inside and n_ring:
            blobs[b, 8] = (inside / n_inside - ring / n_ring) / mean
            blobs[b, 9] = ring_diff / n_ring / abs(mean)
        else:
            blobs[b, 8] = 0.0
            blobs[b, 9] = 1.0
        blobs[b, 10] /= blobs[b, 12]
        blobs[b, 11] /= blobs[b, 12]
        edge = x0 <= 1 or y0 <= 1 or x1 >= columns - 1 or y1 >= rows - 1
        blobs[b, 12] = 1.0 if edge else 0.0


@numba.njit(cache=True, nogil=True)
def _keep(blobs, count, least_peak, most_ring, sign):
    """Drop what is too faint, no stronger than what surrounds it, or of the other sign; return how many are left."""
    kept = 0
    for b in range(count):
        if blobs[b, 7] >= least_peak and blobs[b, 9] <= most_ring and blobs[b, 6] * sign >= 0:
            if kept != b:
                blobs[kept, :] = blobs[b, :]
            kept += 1
    return kept


class Blobs:
    """The blobs of one picture: `rows` (n, 13) float64, columns named by this module's constants, in scene pixels.

    `flooded` is set when so much of the picture differs that no blob can be believed.
    """

    __slots__ = ("flooded", "rows")

    def __init__(self, rows: NDArray[np.float64], flooded: bool) -> None:
        self.rows = rows
        self.flooded = flooded


class Detector:
    """Turns a difference into blobs."""

    def __init__(self, settings: DetectSettings | None = None, polarity: Polarity = "both") -> None:
        self.settings = settings or DetectSettings()
        self._sign = {"both": 0.0, "hot": 1.0, "cold": -1.0}[polarity]
        most = self.settings.most_runs
        self._table = np.zeros((most, 7), np.int32)
        self._parent = np.zeros(most, np.int32)
        self._owner = np.zeros(most, np.int32)
        self._blobs = np.zeros((MAX_BLOBS, COLUMNS))

    def detect(self, difference: Difference) -> Blobs:
        """The blobs of one picture; the rows are reused by the next."""
        s = self.settings
        if not difference.trusted:
            return Blobs(self._blobs[:0], flooded=difference.state != "learning")
        level, diff = difference.level, difference.counts
        rows, columns = diff.shape
        words = level.view(np.uint64)
        runs = _runs(words, level, diff, rows, columns, self._table)
        if runs < 0:
            return Blobs(self._blobs[:0], flooded=True)
        self._table[:runs, 5:] = 0
        _join(self._table, runs, self._parent)
        variance, slack = difference.spread
        count = _measure(self._table, runs, self._parent, diff, variance, slack, s.smallest_px, self._blobs, self._owner)
        count = _merge(self._blobs, count, s.merge_x_px, s.merge_y_px)
        shift = difference.registration
        _surround(
            self._blobs, count, difference.picture, level, diff, round(shift.shift_x_px), round(shift.shift_y_px)
        )
        kept = _keep(self._blobs, count, s.least_peak, s.most_ring, self._sign)
        return Blobs(self._blobs[:kept], flooded=False)
