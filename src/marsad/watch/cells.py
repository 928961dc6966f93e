"""Pictures as means over cells: a picture made small, and a small one less what is around each of its cells."""

import numba
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.frame import Counts

F32 = NDArray[np.float32]
Sums = NDArray[np.uint16] | NDArray[np.float32]

AROUND = 4
"""Local means are of squares of so many cells to each side; any that jumped from square to square would hold shifts."""
CELLS = (2 * AROUND + 1) ** 2
"""So many cells are in such a square."""


@numba.njit(cache=True, nogil=True)
def _shrink_bytes(picture: Counts | F32, out: F32, line: Sums) -> None:
    """Average 4 x 4 cells of an 8-bit picture, four neighbouring sums of `line`, 16 bits each, in one word at a time.

    Multiplied by a word of four ones, a word has the sum of its four parts in its highest.
    """
    rows, columns = out.shape
    words = line.view(np.uint64)
    pixels = picture.reshape(-1)
    number = line.dtype.type
    pitch, width = np.uint64(picture.shape[1]), np.uint64(4 * columns)
    ones, top = np.uint64(0x0001000100010001), np.uint64(48)
    for row in range(rows):
        # Row after row, as they lie in memory, which a processor foresees: four at once took twice as long.
        at = np.uint64(4 * row) * pitch
        for k in range(width):
            line[k] = number(pixels[at + k])
        for _ in range(3):
            at += pitch
            for k in range(width):
                line[k] += number(pixels[at + k])
        target = out[row]
        for column in range(np.uint64(columns)):
            target[column] = np.float32(np.int32((words[column] * ones) >> top)) / np.float32(16.0)


@numba.njit(cache=True, nogil=True, fastmath=True)
def shrink(picture: Counts | F32, factor: int, out: F32, line: Sums) -> None:
    """Average `factor` x `factor` cells of (H, W) into `out`.

    `line` (W,) holds the sums down the columns and has a type in which they fit: with 16-bit sums of 8-bit pictures the
    compiler can use instructions twice as wide. For the same reason the usual factors are written out.
    """
    rows, columns = out.shape
    if factor == 4 and line.dtype.type(0.5) == 0 and picture.itemsize == 1:
        _shrink_bytes(picture, out, line)
        return
    scale = np.float32(1.0 / (factor * factor))
    number = line.dtype.type
    width = columns * factor
    for row in range(rows):
        first = picture[row * factor]
        for k in range(width):
            line[k] = number(first[k])
        for inner in range(1, factor):
            more = picture[row * factor + inner]
            for k in range(width):
                line[k] += number(more[k])
        target = out[row]
        if factor == 4:
            for column in range(columns):
                k = column * 4
                left = np.float32(line[k]) + np.float32(line[k + 1])
                target[column] = scale * (left + np.float32(line[k + 2]) + np.float32(line[k + 3]))
        elif factor == 2:
            for column in range(columns):
                k = column * 2
                target[column] = scale * (np.float32(line[k]) + np.float32(line[k + 1]))
        else:
            for column in range(columns):
                total = np.float32(0.0)
                for step in range(factor):
                    total += np.float32(line[column * factor + step])
                target[column] = total * scale


@numba.njit(inline="always")
def _reflected(at: int, size: int) -> int:
    """An index beyond either end, counted back from there; the outermost is counted twice."""
    while at < 0 or at >= size:
        at = -1 - at if at < 0 else 2 * size - 1 - at
    return at


@numba.njit(cache=True, nogil=True, fastmath=True)
def sharpen(small: F32, weight: F32, scale: F32, out: F32) -> None:
    """A picture (h, w) less its local mean, into `out`: the sum of `small` times `weight` around a cell, times `scale`.

    Sums down the columns run on from row to row, in 64 bits that keep them exact; beyond the edges all is reflected.
    """
    rows, columns = small.shape
    if rows == 0 or columns == 0:
        return
    running = np.zeros(columns, np.float64)
    line = np.zeros(columns + 2 * AROUND, np.float32)
    # Indices without sign into one dimension, and a sum written out: the compiler then does eight cells at a time.
    cells, weights, scales, target = small.reshape(-1), weight.reshape(-1), scale.reshape(-1), out.reshape(-1)
    width = np.uint64(columns)
    _1, _2, _3, _4 = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
    _5, _6, _7, _8 = np.uint64(5), np.uint64(6), np.uint64(7), np.uint64(8)
    for row in range(-AROUND, AROUND):
        new = np.uint64(_reflected(row, rows) * columns)
        for k in range(width):
            running[k] += cells[new + k] * weights[new + k]
    for row in range(rows):
        new = np.uint64(_reflected(row + AROUND, rows) * columns)
        for k in range(width):
            running[k] += cells[new + k] * weights[new + k]
        for k in range(width):
            line[_4 + k] = np.float32(running[k])
        for k in range(AROUND):
            line[AROUND - 1 - k] = line[AROUND + _reflected(k, columns)]
            line[AROUND + columns + k] = line[AROUND + _reflected(columns + k, columns)]
        at = np.uint64(row * columns)
        for k in range(width):
            total = line[k] + line[k + _1] + line[k + _2] + line[k + _3] + line[k + _4]
            total += line[k + _5] + line[k + _6] + line[k + _7] + line[k + _8]
            target[at + k] = cells[at + k] - total * scales[at + k]
        old = np.uint64(_reflected(row - AROUND, rows) * columns)
        for k in range(width):
            running[k] -= cells[old + k] * weights[old + k]
