"""Positions beside paths, against distances and shares counted by brute force."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.kernel.position import GroundCovariance
from marsad.respond.path import NODES, Path, at, gaussian_nodes, within

BENT = np.array([[0.0, 0.0], [40.0, 0.0], [60.0, 30.0]])
SQUARE = np.array([[0.0, 0.0], [0.0, 50.0], [50.0, 50.0], [50.0, 0.0]])
ALONG = np.concatenate([np.linspace(a, b, 20_001) for a, b in pairwise(BENT)])
"""The bent path, point by point."""

places = st.tuples(st.floats(-100, 150), st.floats(-100, 150))


@given(places)
def test_the_nearest_place_of_a_path_lies_between_its_ends(place: tuple[float, float]) -> None:
    path = Path(BENT, closed=False)
    nearest = float(np.hypot(*(ALONG - np.array(place)).T).min())
    assert path.distance_m(place) == pytest.approx(nearest, abs=2e-3)
    assert math.dist(path.foot(place), place) == pytest.approx(path.distance_m(place))


@given(places, st.floats(0.5, 30.0), st.floats(0.5, 30.0), st.floats(-0.9, 0.9), st.floats(1.0, 20.0))
def test_the_probability_of_being_at_a_fence_is_the_share_that_would_be(
    place: tuple[float, float], east_m: float, north_m: float, lean: float, near_m: float
) -> None:
    c = GroundCovariance(east_m2=east_m**2, east_north_m2=lean * east_m * north_m, north_m2=north_m**2)
    matrix = [[c.east_m2, c.east_north_m2], [c.east_north_m2, c.north_m2]]
    drawn = np.random.default_rng(0).multivariate_normal(place, matrix, 4000)
    apart = np.min([_apart(drawn, start, end) for start, end in pairwise(BENT)], axis=0)
    told = at(Path(BENT, closed=False), place, c, gaussian_nodes(NODES), near_m)
    assert told == pytest.approx(float((apart <= near_m).mean()), abs=0.08)


def _apart(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distances to one segment, by rotating it onto the east axis."""
    length = math.dist(start, end)
    east, north = (end - start) / length
    along = (points - start) @ np.array([east, north])
    beside = (points - start) @ np.array([-north, east])
    beyond = np.maximum(np.maximum(-along, along - length), 0.0)
    return np.hypot(beside, beyond)


def test_who_is_far_from_a_zone_or_fence_is_not_there() -> None:
    c = GroundCovariance(east_m2=4.0, east_north_m2=0.0, north_m2=4.0)
    nodes = gaussian_nodes(NODES)
    assert at(Path(BENT, closed=False), (500.0, 0.0), c, nodes, 3.0) == 0.0
    assert within(Path(SQUARE, closed=True), (500.0, 0.0), c, nodes) == 0.0
    assert within(Path(SQUARE, closed=True), (25.0, 25.0), c, nodes) == 1.0
