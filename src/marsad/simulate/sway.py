"""A picture shifted by parts of a pixel, as a swaying mount shifts what its camera sees."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.simulate.paint import Shift

Kelvin = NDArray[np.float32]

SPARE_PX = 3
"""How many pixels of the margin interpolation needs for itself."""
_RING = 16
"""Rows kept between the two passes, a power of two."""
_MOST_ROLL_PX = 5.0


class Swayer:
    """Shifts a picture that is larger by `margin` on every side, so that its sharpness does not depend on the shift.

    Between two pixels a straight line would blur; that blur, coming and going, would make the ground's texture pulse.
    `coefficients` are those of the cubic spline through the picture.

    Source: M. Unser, Splines: a perfect fit for signal and image processing, IEEE Signal Processing Magazine 16 (1999).
    """

    def __init__(self, coefficients: Kelvin, margin: int) -> None:
        self._coefficients = coefficients
        self._margin = margin
        self._height, self._width = (side - 2 * margin for side in coefficients.shape)
        self._ring = np.empty((_RING, self._width), np.float32)
        self._whole = np.empty(self._width, np.int64)
        self._weights = np.empty((4, self._width), np.float32)

    def view(self, shift: Shift) -> Kelvin:
        """The picture at a shift, (H, W) float32; a shift beyond the margin is cut there."""
        limit = self._margin - SPARE_PX - _MOST_ROLL_PX if shift.roll_rad else self._margin - SPARE_PX
        right, down = (max(-limit, min(limit, v)) for v in (shift.right_px, shift.down_px))
        most = 2 * _MOST_ROLL_PX / max(self._width, self._height)
        roll = max(-most, min(most, shift.roll_rad))
        out = np.empty((self._height, self._width), np.float32)
        _sway(self._coefficients, float(self._margin), right, down, roll, self._ring, self._whole, self._weights, out)
        return out


@njit(cache=True)
def _spline(part: float) -> tuple[float, float, float, float]:
    """The weights of the four neighbours of a place that lies `part` of a pixel beyond the second of them."""
    rest = 1 - part
    return (
        rest * rest * rest / 6,
        2 / 3 - part * part * (1 - part / 2),
        2 / 3 - rest * rest * (1 - rest / 2),
        part * part * part / 6,
    )


@njit(cache=True, nogil=True, fastmath=True)
def _across(source: Kelvin, begin: int, share: Kelvin, out: Kelvin) -> None:
    """A row shifted along itself."""
    a, b, c, d = share[0], share[1], share[2], share[3]
    # Slices, for an index that might be negative keeps the loop from working on eight numbers at once.
    one, two, three, four = source[begin:], source[begin + 1 :], source[begin + 2 :], source[begin + 3 :]
    for x in range(out.shape[0]):
        out[x] = a * one[x] + b * two[x] + c * three[x] + d * four[x]


@njit(cache=True, nogil=True, fastmath=True)
def _down(weight: Kelvin, ring: Kelvin, top: int, begin: int, end: int, out: Kelvin) -> None:
    """Four rows of the ring, from `top` on, summed with the weights of each column."""
    part = slice(begin, end)
    a, b, c, d = weight[0][part], weight[1][part], weight[2][part], weight[3][part]
    one, two = ring[top & (_RING - 1)][part], ring[(top + 1) & (_RING - 1)][part]
    three, four = ring[(top + 2) & (_RING - 1)][part], ring[(top + 3) & (_RING - 1)][part]
    for x in range(out.shape[0]):
        out[x] = a[x] * one[x] + b[x] * two[x] + c[x] * three[x] + d[x] * four[x]


@njit(cache=True, nogil=True, fastmath=True)
def _sway(
    picture: Kelvin,
    margin: float,
    right: float,
    down: float,
    roll: float,
    ring: Kelvin,
    whole: NDArray[np.int64],
    weight: Kelvin,
    out: Kelvin,
) -> None:
    """Interpolate along rows into a ring of them, then down columns; rows move apart where the picture is rolled."""
    height, width = out.shape
    tall, broad = picture.shape
    taps = np.empty(4, np.float32)
    for x in range(width):
        at = margin - down - roll * (x + 0.5 - width / 2)
        whole[x] = math.floor(at)
        for k, share in enumerate(_spline(at - whole[x])):
            weight[k, x] = share
    # Columns whose rows are the same ones are summed together.
    edge = np.zeros(2 * _RING, np.int64)
    runs = 0
    for x in range(1, width + 1):
        if x == width or whole[x] != whole[x - 1]:
            runs += 1
            edge[runs] = x
    first, last = min(whole[0], whole[width - 1]) - 1, max(whole[0], whole[width - 1]) + 2
    done = first - 1
    for y in range(height):
        while done < y + last:
            done += 1
            source = picture[min(max(done, 0), tall - 1)]
            across = margin - right + roll * (done - margin + down + 0.5 - height / 2)
            begin = math.floor(across)
            for k, part in enumerate(_spline(across - begin)):
                taps[k] = part
            _across(source, min(max(begin - 1, 0), broad - width - 3), taps, ring[done & (_RING - 1)])
        for run in range(runs):
            _down(weight, ring, y + whole[edge[run]] - 1, edge[run], edge[run + 1], out[y][edge[run] : edge[run + 1]])
