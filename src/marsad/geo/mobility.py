"""How long it takes to get somewhere, on foot or by vehicle, over the ground as it is.

Times are the least over paths of steps to 16 neighbours (the 8 around, and the 8 a knight's move away); such a path is
at most 2.8 % longer than a straight one over level ground. Roads are chains of points of their own beside the cells,
half a cell apart or less: at each of them one can leave the road for the cell that it lies in, or come from there.

Sources: W. Tobler, Three presentations on geographical analysis and modeling (1993), technical report 93-1, NCGIA:
walking speed by slope, and three fifths of it off a path. E. W. Dijkstra, A note on two problems in connexion with
graphs, Numerische Mathematik 1 (1959) 269-271. The lengthening: G. Borgefors, Distance transformations in digital
images, CVGIP 34 (1986) 344-371.
"""

import heapq
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Final, NamedTuple

import numpy as np
from msgspec import Meta
from numba import njit
from numpy.typing import NDArray

from marsad.geo.geodesy import Array
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.record import Record

Cells = NDArray[np.int64]

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


class Road(NamedTuple):
    """A road's points (K, 2), east and north in order, and how fast one is on it where it is level.

    Slopes slow it as they do beside it, but no road is too steep for those who use it.
    """

    points: Array
    level_m_s: float


class Travel:
    """The least times to or from one place over all of a lattice, and the ways."""

    def __init__(
        self, lattice: Lattice, seconds: Array, before: Cells, *, towards: bool, beside: Array | None = None
    ) -> None:
        self.lattice = lattice
        self.seconds = seconds
        """(rows, columns); infinite where no way leads."""
        self._before = before
        self._towards = towards
        self._beside = np.empty((0, 2)) if beside is None else beside

    def seconds_at(self, east_m: float, north_m: float) -> float:
        """The time to or from a place; infinite outside the lattice."""
        row, column = self.lattice.cells_of(east_m, north_m)
        return float(self.seconds[row, column]) if self.lattice.holds(row, column) else math.inf

    def way(self, east_m: float, north_m: float) -> Array:
        """The way (K, 2), east and north of its cells and road points in order of travel; empty where none leads."""
        if not math.isfinite(self.seconds_at(east_m, north_m)):
            return np.empty((0, 2))
        row, column = self.lattice.cells_of(east_m, north_m)
        cell, cells = int(row) * self.lattice.columns + int(column), []
        while cell >= 0:
            cells.append(cell)
            cell = int(self._before[cell])
        across, down = self.lattice.centres()
        places = np.concatenate([np.stack([across.ravel(), down.ravel()], axis=1), self._beside])
        way: Array = places[cells if self._towards else cells[::-1]]
        return way


def travel(
    lattice: Lattice, height_m: Array, east_m: float, north_m: float, mobility: Mobility, *, towards: bool = False,
    ease: Array | None = None, roads: Sequence[Road] = (),
) -> Travel:  # fmt: skip
    """The least times from a place to every cell of a lattice, or, `towards` it, from every cell to the place.

    `height_m` (rows, columns) is the ground's height at the cells' centres; nobody goes where it is not known (NaN).
    `ease` (rows, columns) is how fast one is on the cells' surface as a share of the speed on good ground, 0 where
    nobody gets through; all 1 by default.

    Raises: InputError where the place is outside the lattice, or its ground is not known.
    """
    for name, grid in (("height_m", height_m), ("ease", ease)):
        if grid is not None and grid.shape != lattice.shape:
            raise InputError(f"{name} is {grid.shape}, the lattice {lattice.shape}")
    row, column = lattice.cells_of(east_m, north_m)
    if not lattice.holds(row, column) or math.isnan(height_m[row, column]):
        raise InputError(f"east_m, north_m = {east_m:.0f}, {north_m:.0f}: no ground is known there")
    start = int(row) * lattice.columns + int(column)
    height = np.ascontiguousarray(height_m, dtype=np.float64)
    with np.errstate(divide="ignore"):
        slow = np.empty((0, 0)) if ease is None else 1 / np.asarray(ease, np.float64)
    links = _links(lattice, height, slow, mobility, roads, towards=towards)
    seconds, before = _least(
        height, slow, lattice.cell_m, start, _STEPS, links.first, links.heads, links.seconds,
        mobility.level_m_s, mobility.slope_rate, mobility.best_slope, mobility.steepest, towards,
    )  # fmt: skip
    cells = height.size
    return Travel(lattice, seconds[:cells].reshape(lattice.shape), before, towards=towards, beside=links.places)


class _Links(NamedTuple):
    """Road points (K, 2), numbered after the cells; steps along roads and on and off them, by their first end."""

    places: Array
    first: Cells
    heads: Cells
    seconds: Array


def _links(
    lattice: Lattice, height: Array, slow: Array, mobility: Mobility, roads: Sequence[Road], *, towards: bool
) -> _Links:
    """Every step along the roads' points, and between each of them and the cell that it lies in."""
    places, ends, seconds = [np.empty((0, 2))], [np.empty((0, 2), np.int64)], [np.empty(0)]
    count = height.size
    for road in roads:
        points = _dense(road.points, lattice.cell_m / 2)
        ground = _heights(lattice, height, points)
        numbers = count + np.arange(len(points))
        count += len(points)
        places.append(points)
        cells, off_m = _beside(lattice, points, slow)
        on_road = (road.level_m_s, mobility.slope_rate, mobility.best_slope, math.inf, towards)
        beside = (mobility.level_m_s, mobility.slope_rate, mobility.best_slope, mobility.steepest, towards)
        spans, there = np.hypot(*np.diff(points, axis=0).T), height.ravel()[cells]
        ease = np.where(np.isfinite(off_m), slow.ravel()[cells], 1.0) if slow.size else 1.0
        for one, other, first, last, length, factor, pace in (
            (numbers[:-1], numbers[1:], ground[:-1], ground[1:], spans, 1.0, on_road),
            (numbers, cells, ground, there, off_m, ease, beside),
        ):
            ends += [np.stack([one, other], axis=1), np.stack([other, one], axis=1)]
            seconds += [
                factor * _stretches(first, last, length, *pace),
                factor * _stretches(last, first, length, *pace),
            ]
    return _sorted(np.concatenate(places), np.concatenate(ends), np.concatenate(seconds), count)


def _beside(lattice: Lattice, points: Array, slow: Array) -> tuple[Cells, Array]:
    """The cells that points lie in, and how far their centres are; infinitely far where nobody gets onto the cell."""
    rows, columns = lattice.cells_of(points[:, 0], points[:, 1])
    on = lattice.holds(rows, columns)
    rows, columns = np.where(on, rows, 0), np.where(on, columns, 0)
    across, down = lattice.centres()
    away = np.hypot(across[rows, columns] - points[:, 0], down[rows, columns] - points[:, 1])
    if slow.size:
        on &= np.isfinite(slow[rows, columns])
    return rows * lattice.columns + columns, np.where(on, away, math.inf)


def _sorted(places: Array, ends: Cells, seconds: Array, count: int) -> _Links:
    usable = np.isfinite(seconds)
    ends, seconds = ends[usable], seconds[usable]
    order = np.argsort(ends[:, 0], kind="stable")
    first = np.searchsorted(ends[order, 0], np.arange(count + 1)).astype(np.int64)
    return _Links(places, first, np.ascontiguousarray(ends[order, 1]), np.ascontiguousarray(seconds[order]))


def _dense(points: Array, step_m: float) -> Array:
    """A polyline with points added, so that none is farther from the next than a step."""
    dense = [np.asarray(points[:1], np.float64)]
    for start, end in pairwise(points):
        pieces = max(1, math.ceil(math.hypot(*(end - start)) / step_m))
        dense.append(start + (end - start) * (np.arange(1, pieces + 1) / pieces)[:, None])
    return np.concatenate(dense)


def _heights(lattice: Lattice, height: Array, points: Array) -> Array:
    """The ground's height at points, bilinear between the cells' centres; at the rim that of the nearest."""
    column = np.clip((points[:, 0] - lattice.west_m) / lattice.cell_m - 0.5, 0, lattice.columns - 1)
    row = np.clip((lattice.north_m - points[:, 1]) / lattice.cell_m - 0.5, 0, lattice.rows - 1)
    top, left = np.floor(row).astype(np.int64), np.floor(column).astype(np.int64)
    low, right = np.minimum(top + 1, lattice.rows - 1), np.minimum(left + 1, lattice.columns - 1)
    down, across = row - top, column - left
    upper = height[top, left] * (1 - across) + height[top, right] * across
    lower = height[low, left] * (1 - across) + height[low, right] * across
    found: Array = upper * (1 - down) + lower * down
    return found


@njit(cache=True)
def _stretches(
    first: Array, last: Array, length: Array, level_m_s: float, rate: float, best: float, steepest: float, towards: bool
) -> Array:
    """How long straight stretches take each; no time where both ends are one."""
    found = np.zeros(len(first))
    for k in range(len(first)):
        if math.isinf(length[k]):
            found[k] = math.inf
        elif length[k] > 0:
            found[k] = _stretch_s(first[k], last[k], length[k], level_m_s, rate, best, steepest, towards)
    return found


@njit(cache=True)
def _speed(slope: float, level_m_s: float, rate: float, best: float, steepest: float) -> float:
    if abs(slope) > steepest:
        return 0.0
    return level_m_s * math.exp(-rate * (abs(slope + best) - best))


@njit(cache=True, nogil=True)
def _least(
    height: Array, slow: Array, cell_m: float, start: int, steps: Cells, first_link: Cells, links: Cells, link_s: Array,
    level_m_s: float, rate: float, best: float, steepest: float, towards: bool,
) -> tuple[Array, Cells]:  # fmt: skip
    """Dijkstra's least times (cells and road points,) and the one before each on the way, -1 at the start."""
    rows, columns = height.shape
    cells = rows * columns
    count = len(first_link) - 1
    seconds = np.full(count, math.inf)
    before = np.full(count, -1, np.int64)
    settled = np.zeros(count, np.bool_)
    seconds[start] = 0.0
    queue = [(0.0, start)]
    while len(queue) > 0:
        now, cell = heapq.heappop(queue)
        if settled[cell]:
            continue
        settled[cell] = True
        for link in range(first_link[cell], first_link[cell + 1]):
            other = links[link]
            if now + link_s[link] < seconds[other]:
                seconds[other] = now + link_s[link]
                before[other] = cell
                heapq.heappush(queue, (now + link_s[link], other))
        if cell >= cells:
            continue
        row, column = cell // columns, cell % columns
        for k in range(len(steps)):
            to_row, to_column = row + steps[k, 0], column + steps[k, 1]
            if not (0 <= to_row < rows and 0 <= to_column < columns):
                continue
            other = to_row * columns + to_column
            if settled[other]:
                continue
            took = _step_s(
                height, slow, row, column, steps[k, 0], steps[k, 1], cell_m, level_m_s, rate, best, steepest, towards
            )
            if now + took < seconds[other]:
                seconds[other] = now + took
                before[other] = cell
                heapq.heappush(queue, (now + took, other))
    return seconds, before


@njit(cache=True)
def _step_s(
    height: Array, slow: Array, row: int, column: int, down: int, across: int, cell_m: float, level_m_s: float,
    rate: float, best: float, steepest: float, towards: bool,
) -> float:  # fmt: skip
    """How long one step takes; half-way a knight's move stands on the mean of the two cells that it passes between.

    `slow` is what surfaces multiply times by, empty where the ground is even.
    """
    first, last = height[row, column], height[row + down, column + across]
    even = slow.size == 0
    here, there = (1.0, 1.0) if even else (slow[row, column], slow[row + down, column + across])
    length = cell_m * math.hypot(down, across)
    if abs(down) + abs(across) < 3:
        took: float = _stretch_s(first, last, length, level_m_s, rate, best, steepest, towards) * (here + there) / 2
        return took
    near_down, near_across = (down // 2, across) if abs(down) == 2 else (down, across // 2)
    far_down, far_across = (down - down // 2, 0) if abs(down) == 2 else (0, across - across // 2)
    middle = (height[row + near_down, column + near_across] + height[row + far_down, column + far_across]) / 2
    between = 1.0
    if not even:
        between = (slow[row + near_down, column + near_across] + slow[row + far_down, column + far_across]) / 2
    near_s = _stretch_s(first, middle, length / 2, level_m_s, rate, best, steepest, towards)
    far_s = _stretch_s(middle, last, length / 2, level_m_s, rate, best, steepest, towards)
    both: float = near_s * (here + between) / 2 + far_s * (between + there) / 2
    return both


@njit(cache=True)
def _stretch_s(
    first: float, last: float, length: float, level_m_s: float, rate: float, best: float, steepest: float, towards: bool
) -> float:
    """How long a straight stretch takes, from its first end or, `towards` it, from its last."""
    slope = (first - last if towards else last - first) / length
    speed = 0.0 if math.isnan(slope) else _speed(slope, level_m_s, rate, best, steepest)
    return length * math.sqrt(1 + slope * slope) / speed if speed > 0 else math.inf
