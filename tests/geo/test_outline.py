"""Polygons to cells and back, against counting cells."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from marsad.geo.outline import holds_points, inside_polygon, outlines, signed_area_m2
from marsad.kernel.lattice import Lattice

LATTICE = Lattice(west_m=-100.0, north_m=250.0, cell_m=10.0, rows=9, columns=11)


@given(arrays(np.bool_, LATTICE.shape, elements=st.booleans()))
def test_cells_survive_the_way_to_polygons_and_back(cells: np.ndarray) -> None:
    found = outlines(LATTICE, cells)
    back = np.zeros(LATTICE.shape, np.bool_)
    for rings in found:
        for ring in rings:
            back ^= inside_polygon(LATTICE, np.array(ring))
    assert np.array_equal(back, cells)
    area = sum(signed_area_m2(ring) for rings in found for ring in rings)
    assert area == cells.sum() * LATTICE.cell_m**2


@given(arrays(np.bool_, LATTICE.shape, elements=st.booleans()))
def test_every_hole_lies_in_its_own_polygon_and_none_is_lost(cells: np.ndarray) -> None:
    for outer, *holes in outlines(LATTICE, cells):
        within = inside_polygon(LATTICE, np.array(outer))
        assert signed_area_m2(outer) > 0
        for hole in holes:
            assert signed_area_m2(hole) < 0
            assert within[inside_polygon(LATTICE, np.array(hole))].all()


@given(arrays(np.bool_, LATTICE.shape, elements=st.booleans()))
def test_places_are_held_by_the_polygons_whose_cells_they_lie_in(cells: np.ndarray) -> None:
    east, north = (axis.ravel() for axis in LATTICE.centres())
    held = [holds_points([np.array(ring) for ring in rings], east, north) for rings in outlines(LATTICE, cells)]
    assert np.array_equal(np.any([np.zeros(cells.size, np.bool_), *held], axis=0), cells.ravel())


def test_a_ring_of_cells_is_one_polygon_with_a_hole() -> None:
    cells = np.zeros(LATTICE.shape, np.bool_)
    cells[2:6, 3:8] = True
    cells[3:5, 4:7] = False
    ((outer, hole),) = outlines(LATTICE, cells)
    assert len(outer) == 4
    assert len(hole) == 4
    assert signed_area_m2(hole) == -600.0


@given(st.lists(st.tuples(st.floats(-200, 200), st.floats(0, 400)), min_size=3, max_size=3, unique=True))
def test_a_triangle_holds_the_centres_on_its_inner_side(corners: list[tuple[float, float]]) -> None:
    points = np.array(corners)
    east, north = LATTICE.centres()
    turns = [
        (b[0] - a[0]) * (north - a[1]) - (b[1] - a[1]) * (east - a[0])
        for a, b in zip(points, np.roll(points, -1, axis=0), strict=True)
    ]
    inside = np.all([turn > 1e-6 for turn in turns], axis=0) | np.all([turn < -1e-6 for turn in turns], axis=0)
    edge = np.any([np.abs(turn) <= 1e-6 * (1 + np.abs(points).max()) for turn in turns], axis=0)
    assert np.array_equal(inside_polygon(LATTICE, points)[~edge], inside[~edge])
