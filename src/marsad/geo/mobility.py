"""How long it takes to get somewhere, on foot or by vehicle, over the ground as it is.

Times are the least over paths of steps to 16 neighbours (the 8 around, and the 8 a knight's move away); such a path is
at most 2.8 % longer than a straight one over level ground.

Sources: W. Tobler, Three presentations on geographical analysis and modeling (1993), technical report 93-1, NCGIA:
walking speed by slope, and three fifths of it off a path. E. W. Dijkstra, A note on two problems in connexion with
graphs, Numerische Mathematik 1 (1959) 269-271. The lengthening: G. Borgefors, Distance transformations in digital
images, CVGIP 34 (1986) 344-371.
"""

import heapq
import math
from typing import Annotated, Final

import numpy as np
from msgspec import Meta
from numba import njit
from numpy.typing import NDArray

from marsad.geo.geodesy import Array
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.record import Record

_STEPS: Final = np.array(
    [
        (-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1),
        (-2, -1), (-2, 1), (2, -1), (2, 1), (-1, -2), (-1, 2), (1, -2), (1, 2),
    ],
    np.int64,
)  # fmt: skip


class Mobility(Record):
    """How fast somebody is over open ground.

    The speed is `level_m_s` where the ground is level, and exp(-`slope_rate` (|slope + `best_slope`| - `best_slope`))
    of it on a slope, uphill being positive. Steeper than `steepest`, either way, nobody of the kind goes.
    """

    level_m_s: Annotated[float, Meta(gt=0)]
    slope_rate: Annotated[float, Meta(ge=0)] = 3.5
    best_slope: Annotated[float, Meta(ge=0)] = 0.05
    steepest: Annotated[float, Meta(gt=0)] = 1.0

    def speed_m_s(self, slope: float) -> float:
        """The speed on a slope, 0 where it is too steep."""
        return float(_speed(slope, self.level_m_s, self.slope_rate, self.best_slope, self.steepest))


ON_FOOT: Final = Mobility(level_m_s=0.6 * 6.0 / 3.6 * math.exp(-3.5 * 0.05))
"""Tobler's walker, off the path."""
OFF_ROAD: Final = Mobility(level_m_s=25.0 / 3.6, slope_rate=4.0, best_slope=0.0, steepest=0.36)
"""A light vehicle across the desert, which climbs 20 degrees: our own figure, to be set for one's vehicles."""


class Travel:
    """The least times to or from one place over all of a lattice, and the ways."""

    def __init__(self, lattice: Lattice, seconds: Array, before: NDArray[np.int64], *, towards: bool) -> None:
        self.lattice = lattice
        self.seconds = seconds
        """(rows, columns); infinite where no way leads."""
        self._before = before
        self._towards = towards

    def seconds_at(self, east_m: float, north_m: float) -> float:
        """The time to or from a place; infinite outside the lattice."""
        row, column = self.lattice.cells_of(east_m, north_m)
        return float(self.seconds[row, column]) if self.lattice.holds(row, column) else math.inf

    def way(self, east_m: float, north_m: float) -> Array:
        """The way (K, 2), east and north of its cells in the order of travel; empty where none leads."""
        if not math.isfinite(self.seconds_at(east_m, north_m)):
            return np.empty((0, 2))
        row, column = self.lattice.cells_of(east_m, north_m)
        cell, cells = int(row) * self.lattice.columns + int(column), []
        while cell >= 0:
            cells.append(cell)
            cell = int(self._before[cell])
        rows, columns = np.divmod(np.array(cells if self._towards else cells[::-1]), self.lattice.columns)
        across, down = self.lattice.centres()
        return np.stack([across[rows, columns], down[rows, columns]], axis=1)


def travel(
    lattice: Lattice, height_m: Array, east_m: float, north_m: float, mobility: Mobility, *, towards: bool = False
) -> Travel:
    """The least times from a place to every cell of a lattice, or, `towards` it, from every cell to the place.

    `height_m` (rows, columns) is the ground's height at the cells' centres; nobody goes where it is not known (NaN).

    Raises: InputError where the place is outside the lattice, or its ground is not known.
    """
    if height_m.shape != lattice.shape:
        raise InputError(f"height_m is {height_m.shape}, the lattice {lattice.shape}")
    row, column = lattice.cells_of(east_m, north_m)
    if not lattice.holds(row, column) or math.isnan(height_m[row, column]):
        raise InputError(f"east_m, north_m = {east_m:.0f}, {north_m:.0f}: no ground is known there")
    start = int(row) * lattice.columns + int(column)
    seconds, before = _least(
        np.ascontiguousarray(height_m, dtype=np.float64), lattice.cell_m, start, _STEPS,
        mobility.level_m_s, mobility.slope_rate, mobility.best_slope, mobility.steepest, towards,
    )  # fmt: skip
    return Travel(lattice, seconds.reshape(lattice.shape), before, towards=towards)


@njit(cache=True)
def _speed(slope: float, level_m_s: float, rate: float, best: float, steepest: float) -> float:
    if abs(slope) > steepest:
        return 0.0
    return level_m_s * math.exp(-rate * (abs(slope + best) - best))


@njit(cache=True)
def _least(
    height: Array, cell_m: float, start: int, steps: NDArray[np.int64], level_m_s: float, rate: float, best: float,
    steepest: float, towards: bool,
) -> tuple[Array, NDArray[np.int64]]:  # fmt: skip
    """Dijkstra's least times (cells,) and each cell's neighbour on the way, -1 at the start."""
    rows, columns = height.shape
    seconds = np.full(rows * columns, math.inf)
    before = np.full(rows * columns, -1, np.int64)
    settled = np.zeros(rows * columns, np.bool_)
    seconds[start] = 0.0
    queue = [(0.0, start)]
    while len(queue) > 0:
        now, cell = heapq.heappop(queue)
        if settled[cell]:
            continue
        settled[cell] = True
        row, column = cell // columns, cell % columns
        for k in range(len(steps)):
            to_row, to_column = row + steps[k, 0], column + steps[k, 1]
            if not (0 <= to_row < rows and 0 <= to_column < columns):
                continue
            other = to_row * columns + to_column
            if settled[other]:
                continue
            took = _step_s(
                height, row, column, steps[k, 0], steps[k, 1], cell_m, level_m_s, rate, best, steepest, towards
            )
            if now + took < seconds[other]:
                seconds[other] = now + took
                before[other] = cell
                heapq.heappush(queue, (now + took, other))
    return seconds, before


@njit(cache=True)
def _step_s(
    height: Array, row: int, column: int, down: int, across: int, cell_m: float, level_m_s: float, rate: float,
    best: float, steepest: float, towards: bool,
) -> float:  # fmt: skip
    """How long one step takes; half-way a knight's move stands on the mean of the two cells that it passes between."""
    first, last = height[row, column], height[row + down, column + across]
    length = cell_m * math.hypot(down, across)
    if abs(down) + abs(across) < 3:
        return _stretch_s(first, last, length, level_m_s, rate, best, steepest, towards)
    near_down, near_across = (down // 2, across) if abs(down) == 2 else (down, across // 2)
    far_down, far_across = (down - down // 2, 0) if abs(down) == 2 else (0, across - across // 2)
    middle = (height[row + near_down, column + near_across] + height[row + far_down, column + far_across]) / 2
    return _stretch_s(first, middle, length / 2, level_m_s, rate, best, steepest, towards) + _stretch_s(
        middle, last, length / 2, level_m_s, rate, best, steepest, towards
    )


@njit(cache=True)
def _stretch_s(
    first: float, last: float, length: float, level_m_s: float, rate: float, best: float, steepest: float, towards: bool
) -> float:
    """How long a straight stretch takes, from its first end or, `towards` it, from its last."""
    slope = (first - last if towards else last - first) / length
    speed = 0.0 if math.isnan(slope) else _speed(slope, level_m_s, rate, best, steepest)
    return length * math.sqrt(1 + slope * slope) / speed if speed > 0 else math.inf
