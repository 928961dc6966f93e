import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.kernel.error import InputError
from marsad.report.crossing import LinePath, Walk, crossings_of, listed_crossing, places_at

EAST = LinePath("east", np.array([[0.0, 0.0], [100.0, 0.0], [200.0, 0.0]]), "right")
"""It runs east, so that its inside, to the right, is south."""


def walk(points: list[tuple[float, float, float]], sigma_m: float = 2.0) -> Walk:
    """Fixes given as seconds, east and north."""
    seconds, east, north = np.array(points, float).T
    return Walk(
        walker="anna",
        time_ns=np.round(seconds * 1e9).astype(np.int64),
        east_m=east,
        north_m=north,
        sigma_m=np.full(len(east), sigma_m),
    )


def straight(corners: list[tuple[float, float]], speed_m_s: float = 1.0) -> Walk:
    """A fix a second along straight ways."""
    places = np.array(corners, float)
    reached = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(places, axis=0).T))]) / speed_m_s
    seconds = np.arange(0, reached[-1] + 0.5)
    return walk(list(zip(seconds, *(np.interp(seconds, reached, axis) for axis in places.T), strict=True)))


def test_a_straight_way_over_the_line_is_one_crossing_where_and_when_it_is() -> None:
    (only,) = crossings_of(straight([(50.3, 40.5), (50.3, -40.0)]), EAST)
    assert (only.line_id, only.walker, only.number, only.direction) == ("east", "anna", 1, "inward")
    assert only.crossed_ns == pytest.approx(40.5e9)
    assert (only.east_m, only.north_m, only.along_m) == pytest.approx((50.3, 0.0, 50.3), abs=1e-9)
    # He was farthest from the line at both ends, give or take 4 sigmas.
    assert only.start_ns == 0
    assert only.end_ns == 80 * 10**9


def test_back_and_forth_is_a_crossing_each_way_parted_where_he_turned() -> None:
    crossings = crossings_of(straight([(50, 30), (50, -30), (60, -30), (60, 30)]), EAST)
    assert [one.direction for one in crossings] == ["inward", "outward"]
    assert [one.number for one in crossings] == [1, 2]
    # Both hold the ten metres along the line between them, and 8 m before and after.
    assert crossings[0].end_ns == (70 + 8) * 10**9
    assert crossings[1].start_ns == (60 - 8) * 10**9


def test_a_gps_that_wanders_about_the_line_crosses_nothing() -> None:
    fixes = [(t, 50.0 + t, 3.5 * math.sin(t)) for t in range(100)]
    assert crossings_of(walk(fixes), EAST) == []
    beyond = [(0, 50.0, 20.0), *((t + 5, 55.0, 3.5 * math.sin(t)) for t in range(50)), (60, 60.0, -20.0)]
    assert len(crossings_of(walk(beyond), EAST)) == 1


def test_going_round_the_end_crosses_nothing() -> None:
    assert crossings_of(straight([(150, 30), (230, 30), (230, -30), (150, -30)]), EAST) == []


def test_going_round_the_end_ends_a_crossing() -> None:
    crossings = crossings_of(straight([(150, 30), (150, -30), (230, -30), (230, 30), (150, 30), (150, -30)]), EAST)
    assert [one.direction for one in crossings] == ["inward", "inward"]
    assert crossings[0].end_ns <= (60 + 80 + 30) * 10**9 <= crossings[1].start_ns


def test_a_gap_in_the_fixes_is_not_crossed() -> None:
    assert crossings_of(walk([(0, 50, 30), (1, 50, 20), (40, 50, -20), (41, 50, -30)]), EAST) == []
    assert len(crossings_of(walk([(0, 50, 30), (1, 50, 20), (30, 50, -20), (31, 50, -30)]), EAST)) == 1


@given(
    angle=st.floats(0, 2 * math.pi),
    along=st.floats(5, 195),
    lean=st.floats(-0.8, 0.8),
    inside=st.sampled_from(["right", "left"]),
)
def test_a_turned_line_is_crossed_at_the_same_place_along_it(
    angle: float, along: float, lean: float, inside: str
) -> None:
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    path = LinePath("turned", EAST.corners @ turn, inside)  # type: ignore[arg-type]  # drawn from the two
    corners = np.array([(along + 40 * lean, 40.0), (along - 40 * lean, -40.0)]) @ turn
    (only,) = crossings_of(straight([tuple(place) for place in corners]), path)
    assert only.along_m == pytest.approx(along, abs=1e-6)
    assert only.direction == ("inward" if inside == "right" else "outward")
    assert path.at(along) == pytest.approx((only.east_m, only.north_m), abs=1e-6)


@given(east=st.floats(-300, 300), north=st.floats(-300, 300))
def test_distances_are_those_to_the_nearest_of_many_points(east: float, north: float) -> None:
    bent = LinePath("bent", np.array([[-500.0, 0.0], [0.0, 0.0], [80.0, 60.0], [600.0, 60.0]]), "left")
    inside, along = bent.measure(np.array([east]), np.array([north]))
    marks = np.linspace(0, bent.length_m, 20_001)
    points = np.array([bent.at(float(mark)) for mark in marks[:: len(marks) // 2000]])
    nearest = float(np.hypot(points[:, 0] - east, points[:, 1] - north).min())
    assert abs(inside[0]) == pytest.approx(nearest, abs=0.4)
    assert math.dist(bent.at(float(along[0])), (east, north)) == pytest.approx(abs(inside[0]), abs=1e-6)


def test_between_fixes_he_is_on_the_straight_way_and_less_sure() -> None:
    places = places_at(walk([(0, 0, 0), (10, 10, 20), (50, 10, 20)]), np.array([0, 5, 10, 30, 60]) * 10**9)
    assert places.east_m[:3] == pytest.approx([0, 5, 10])
    assert places.north_m_s[1] == pytest.approx(2.0)
    assert places.sigma_m[:2] == pytest.approx([2.0, math.hypot(2.0, 0.5 * 5)])
    assert np.isnan(places.east_m[3:]).all(), "between fixes 40 s apart, and after the last"


def test_a_listed_crossing_that_never_meets_the_line_is_where_it_came_nearest() -> None:
    one = listed_crossing(straight([(20, 30), (80, 10), (140, 30)]), [EAST], (0, 10**12), 4)
    assert (one.direction, one.number) == ("", 4)
    assert one.along_m == pytest.approx(80, abs=1.5)
    with pytest.raises(InputError, match="crossing 5: 0 GPS fixes"):
        listed_crossing(straight([(20, 30), (80, 10)]), [EAST], (10**12, 2 * 10**12), 5)


def test_a_line_without_length_is_refused() -> None:
    with pytest.raises(InputError, match="line dot"):
        LinePath("dot", np.zeros((3, 2)), "right")
