"""Cells, areas and ways, held against brute force."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_chance import ANCHOR
from release_oracle import box, clipped, meets, winds_round

from marsad.coordinate.grid import (
    block_of,
    cell_of,
    centre_of,
    covers,
    frame_at,
    inside,
    kept_cell,
    near_line,
    place,
    way_cells,
)
from marsad.kernel.position import Position
from marsad.kernel.release import Cell

FRAME = frame_at(ANCHOR)
MM = st.integers(-6_000_000, 6_000_000)
POINTS = st.tuples(MM, MM)
RINGS = st.lists(POINTS, min_size=3, max_size=6).map(tuple)
CELLS = st.builds(Cell, east=st.integers(-12, 12), north=st.integers(-12, 12), size_m=st.sampled_from([250, 500]))


@given(POINTS, st.sampled_from([1, 50, 250]), st.integers(1, 7))
def test_a_coarser_cell_is_made_of_whole_finer_ones(point: tuple[int, int], size: int, times: int) -> None:
    fine, coarse = cell_of(point, size), cell_of(point, size * times)
    assert (fine.east // times, fine.north // times) == (coarse.east, coarse.north)
    assert block_of(fine, size * times) == (coarse.east, coarse.north)


@given(CELLS)
def test_the_middle_of_a_cell_is_in_it(cell: Cell) -> None:
    point = place(FRAME, centre_of(FRAME, cell))
    assert point is not None
    assert cell_of(point, cell.size_m) == cell
    assert kept_cell(point, cell)


@given(CELLS, RINGS)
def test_a_cell_is_inside_a_polygon_as_a_whole_or_not(cell: Cell, ring: tuple[tuple[int, int], ...]) -> None:
    metres = [(x / 1000, y / 1000) for x, y in ring]
    rect = box((cell.east, cell.north), cell.size_m)
    middle = (rect[0] + rect[2]) / 2, (rect[1] + rect[3]) / 2
    cut = any(clipped(a, b, rect) > 1e-9 for a, b in zip(metres, [*metres[1:], metres[0]], strict=True))
    assert inside(cell, ring) == (not cut and winds_round(metres, middle))


@given(CELLS, st.lists(POINTS, min_size=2, max_size=4), st.integers(300, 4000))
def test_a_cell_near_a_line_is_so_with_every_part(cell: Cell, line: list[tuple[int, int]], within_m: int) -> None:
    if not near_line(cell, line, within_m):
        return
    rect = box((cell.east, cell.north), cell.size_m)
    for x in np.linspace(rect[0], rect[2], 5):
        for y in np.linspace(rect[1], rect[3], 5):
            steps = [
                math.dist((x, y), (a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1])))
                for a, b in zip(np.array(line) / 1000, np.array(line[1:]) / 1000, strict=False)
                for t in np.linspace(0, 1, 200)
            ]
            assert min(steps) <= within_m * 1.02 + 60


@given(st.lists(POINTS, min_size=1, max_size=3))
def test_a_way_is_all_the_cells_it_touches(points: list[tuple[int, int]]) -> None:
    found = {(cell.east, cell.north) for cell in way_cells(points, 1000)}
    way = [(x / 1000, y / 1000) for x, y in points]
    legs = list(pairwise(way)) or [(way[0], way[0])]
    boxes = {(i, j): box((i, j), 1000) for i in range(-8, 8) for j in range(-8, 8)}
    assert found == {key for key, rect in boxes.items() if any(meets(a, b, rect) for a, b in legs)}


@given(RINGS, RINGS, st.lists(CELLS, max_size=20))
def test_what_a_covered_polygon_holds_the_covering_one_holds(
    outer: tuple[tuple[int, int], ...], inner: tuple[tuple[int, int], ...], cells: list[Cell]
) -> None:
    middle = tuple(sum(c[k] for c in outer) // len(outer) for k in (0, 1))
    drawn = tuple(((x + 3 * middle[0]) // 4, (y + 3 * middle[1]) // 4) for x, y in outer)
    for each in (inner, drawn):
        if covers(outer, each):
            assert all(inside(cell, outer) for cell in cells if inside(cell, each))


@pytest.mark.parametrize(
    ("latitude_deg", "longitude_deg"),
    [(91.0, 0.0), (float("nan"), 0.0), (0.0, float("inf")), (-34.0, -140.0), (10.0, 40.9)],
)
def test_what_is_no_place_or_too_far_is_not_on_the_grid(latitude_deg: float, longitude_deg: float) -> None:
    assert place(FRAME, Position(latitude_deg=latitude_deg, longitude_deg=longitude_deg)) is None


def test_heights_play_no_part() -> None:
    low, high = (Position(latitude_deg=34.5, longitude_deg=41.0, height_m=h) for h in (-100, 4000))
    assert place(FRAME, low) == place(FRAME, high)
