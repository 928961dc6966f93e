"""Polygons to cells, and cells to polygons."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from marsad.geo.geodesy import Array
from marsad.kernel.lattice import Lattice
from marsad.kernel.presence import Outline, Ring

Cells = NDArray[np.bool_]
Corner = tuple[int, int]

RIGHT, DOWN, LEFT, UP = (0, 1), (1, 0), (0, -1), (-1, 0)
"""Steps along the edges of cells, as (row, column)."""


def inside_polygon(lattice: Lattice, corners: Array) -> Cells:
    """The cells whose centres lie inside a polygon, corners (K, 2) east and north."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    rows, columns = lattice.cells_of([low[0], high[0]], [high[1], low[1]])
    top, left = max(int(rows[0]), 0), max(int(columns[0]), 0)
    bottom, right = min(int(rows[1]) + 1, lattice.rows), min(int(columns[1]) + 1, lattice.columns)
    inside = np.zeros(lattice.shape, np.bool_)
    if bottom <= top or right <= left:
        return inside
    east = lattice.west_m + (np.arange(left, right) + 0.5) * lattice.cell_m
    north = lattice.north_m - (np.arange(top, bottom) + 0.5) * lattice.cell_m
    window = inside[top:bottom, left:right]
    for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        spans = (start[1] > north) != (end[1] > north)
        at = start[0] + (north[spans] - start[1]) * (end[0] - start[0]) / (end[1] - start[1])
        window[spans] ^= east[None, :] < at[:, None]
    return inside


def holds_points(rings: Sequence[Array], east_m: Array, north_m: Array) -> Cells:
    """Which places (K,) lie inside a polygon: in its outer ring (K, 2), the first, and in none of its holes."""
    (west, south), (east, north) = rings[0].min(axis=0), rings[0].max(axis=0)
    held: Cells = (east_m >= west) & (east_m <= east) & (north_m >= south) & (north_m <= north)
    at = np.flatnonzero(held)
    if len(at):
        outer, *holes = (_ring_holds(ring, east_m[at], north_m[at]) for ring in rings)
        held[at] = outer & ~np.any([np.zeros_like(outer), *holes], axis=0)
    return held


def _ring_holds(ring: Array, east_m: Array, north_m: Array) -> Cells:
    inside = np.zeros(len(east_m), np.bool_)
    for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        spans = (start[1] > north_m) != (end[1] > north_m)
        at = start[0] + (north_m[spans] - start[1]) * (end[0] - start[0]) / (end[1] - start[1])
        inside[spans] ^= east_m[spans] < at
    return inside


def outlines(lattice: Lattice, cells: Cells) -> tuple[Outline, ...]:
    """The polygons that cells make up, along their edges, the largest first; cells that touch at a corner are apart."""
    rings = [_drawn(lattice, loop) for loop in _loops(cells)]
    areas = [signed_area_m2(ring) for ring in rings]
    outer = sorted((k for k, area in enumerate(areas) if area > 0), key=lambda k: -areas[k])
    holes: dict[int, list[Ring]] = defaultdict(list)
    for k, area in enumerate(areas):
        if area < 0:
            # The smallest ring around a hole is its own: rings never cross.
            around = [j for j in outer if areas[j] > -area and _holds(rings[j], _beside(rings[k]))]
            holes[min(around, key=lambda j: areas[j])].append(rings[k])
    return tuple((rings[k], *holes[k]) for k in outer)


def signed_area_m2(ring: Ring) -> float:
    """The area of a ring, below 0 where it runs clockwise."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise((*ring, ring[0]))) / 2


def _loops(cells: Cells) -> list[list[Corner]]:
    """The borders between cells that are in and cells that are out, the former on the left; their turns only."""
    padded = np.pad(cells, 1)
    edges: set[tuple[Corner, Corner]] = set()
    # Row 0 is in the north: to have a cell on the left, its lower edge is walked to the right, its upper to the left.
    for step, beside, start in (
        (RIGHT, padded[2:, 1:-1], (1, 0)),
        (LEFT, padded[:-2, 1:-1], (0, 1)),
        (UP, padded[1:-1, 2:], (1, 1)),
        (DOWN, padded[1:-1, :-2], (0, 0)),
    ):
        at = np.argwhere(cells & ~beside).tolist()
        edges.update(((row + start[0], column + start[1]), step) for row, column in at)
    loops = []
    while edges:
        loops.append(_walk(edges))
    return loops


def _walk(edges: set[tuple[Corner, Corner]]) -> list[Corner]:
    """One loop, taken out of the edges that are left."""
    first = corner, step = next(iter(edges))
    walked: list[tuple[Corner, Corner]] = []
    while True:
        edges.discard((corner, step))
        walked.append((corner, step))
        corner = corner[0] + step[0], corner[1] + step[1]
        # Where two cells touch at a corner there are two ways on: the left turn stays with the cell on the left.
        ways = (-step[1], step[0]), step, (step[1], -step[0])
        step = next(way for way in ways if (corner, way) in edges or (corner, way) == first)
        if (corner, step) == first:
            break
    before = [walked[-1], *walked[:-1]]
    return [place for (place, way), (_, last) in zip(walked, before, strict=True) if way != last]


def _drawn(lattice: Lattice, loop: list[Corner]) -> Ring:
    return tuple((lattice.west_m + c * lattice.cell_m, lattice.north_m - r * lattice.cell_m) for r, c in loop)


def _beside(ring: Ring) -> tuple[float, float]:
    """A point just to the right of a ring's first side: of a hole, inside it."""
    (x0, y0), (x1, y1) = ring[0], ring[1]
    return (x0 + x1) / 2 + (y1 - y0) * 1e-3, (y0 + y1) / 2 - (x1 - x0) * 1e-3


def _holds(ring: Ring, point: tuple[float, float]) -> bool:
    inside = False
    for (x0, y0), (x1, y1) in pairwise((*ring, ring[0])):
        if (y0 > point[1]) != (y1 > point[1]) and point[0] < x0 + (point[1] - y0) * (x1 - x0) / (y1 - y0):
            inside = not inside
    return inside
