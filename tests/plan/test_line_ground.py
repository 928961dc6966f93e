"""Sides, distances and candidate places along lines whose answers are known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.plan.line_ground import beside, sector_lattice, spread_sites

EAST = np.array([[0.0, 0.0], [1000.0, 0.0]])
BENT = np.array([[0.0, 0.0], [1000.0, 0.0], [1000.0, 1000.0], [2500.0, 1200.0]])


def test_walking_east_the_right_side_is_south() -> None:
    near = beside(EAST, [500.0, 500.0], [-200.0, 300.0], inside_right=True)
    np.testing.assert_allclose(near.offset_m, [200.0, -300.0])
    np.testing.assert_allclose(near.along_m, [500.0, 500.0])
    assert not near.past.any()
    np.testing.assert_allclose(beside(EAST, 500.0, -200.0, inside_right=False).offset_m, -200.0)


def test_round_the_outside_of_a_corner_a_place_keeps_its_side() -> None:
    east, north = [1050.0, 1300.0, 900.0], [-50.0, -20.0, 100.0]
    np.testing.assert_array_equal(np.sign(beside(BENT, east, north, inside_right=True).offset_m), [1, 1, -1])


def test_what_lies_beyond_the_ends_is_past_them_and_what_lies_behind_a_corner_is_not() -> None:
    past = beside(BENT, [-10.0, 2600.0, 1080.0], [5.0, 1200.0, -80.0], inside_right=True).past
    assert past.tolist() == [True, True, False]


@given(st.floats(-500, 3000), st.floats(-1000, 2000))
def test_distance_and_place_along_are_those_of_the_nearest_of_many_points(east: float, north: float) -> None:
    share = np.linspace(0.0, 1.0, 4001)
    starts = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(BENT, axis=0).T))])
    along = share * starts[-1]
    points = np.stack([np.interp(along, starts, BENT[:, k]) for k in (0, 1)], axis=1)
    near = beside(BENT, east, north, inside_right=True)
    away = np.hypot(*(points - (east, north)).T)
    assert abs(float(near.offset_m)) == pytest.approx(float(away.min()), abs=0.5)
    on = [np.interp(float(near.along_m), starts, BENT[:, k]) for k in (0, 1)]
    assert math.dist(on, (east, north)) == pytest.approx(abs(float(near.offset_m)), abs=1e-6)


def test_the_sector_holds_all_ground_within_the_depth() -> None:
    lattice = sector_lattice(BENT, 700.0, 50.0)
    rows, columns = lattice.cells_of(BENT[:, 0, None] + [-700, 700], BENT[:, 1, None] + [-700, 700])
    assert lattice.holds(rows, columns).all()


def test_candidates_stand_high_near_the_line_and_apart() -> None:
    lattice = sector_lattice(EAST * 5, 1500.0, 50.0)
    east, north = lattice.centres()
    near = beside(EAST * 5, east, north, inside_right=True)
    height = 30 * np.cos(east / 160) * np.cos(north / 160)
    places = spread_sites(lattice, height, near, 8, 600.0)
    assert len(places) == 8
    assert all(abs(place.north_m) < 600 and 0 <= place.east_m <= 5000 for place in places)
    assert min(math.dist(one, other) for one in places for other in places if one is not other) > 300
    row, column = lattice.cells_of([place.east_m for place in places], [place.north_m for place in places])
    assert height[row, column].mean() > 20


def test_no_candidate_stands_where_the_ground_is_not_known() -> None:
    lattice = sector_lattice(EAST, 300.0, 50.0)
    near = beside(EAST, *lattice.centres(), inside_right=True)
    height = np.full(lattice.shape, np.nan)
    assert spread_sites(lattice, height, near, 5, 200.0) == []
