"""Travel times against closed forms on planes, and against scipy's shortest paths on rough ground."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

from marsad.geo.geodesy import Array
from marsad.geo.mobility import OFF_ROAD, ON_FOOT, Mobility, travel
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice

WALKER = Mobility(level_m_s=1.5, slope_rate=3.5, best_slope=0.05)
EVERYWHERE = {(down, across) for down in range(-2, 3) for across in range(-2, 3)}
NEIGHBOURS = [step for step in EVERYWHERE if step != (0, 0) and math.gcd(*step) == 1]


def lattice(rows: int, columns: int, cell_m: float = 10.0) -> Lattice:
    return Lattice(west_m=0.0, north_m=rows * cell_m, cell_m=cell_m, rows=rows, columns=columns)


def test_over_level_ground_a_way_is_straight_to_less_than_three_hundredths() -> None:
    cells = lattice(101, 101)
    found = travel(cells, np.zeros(cells.shape), 505.0, 505.0, WALKER)
    east, north = cells.centres()
    straight = np.hypot(east - 505.0, north - 505.0) / 1.5
    away = straight > 0
    ratio = found.seconds[away] / straight[away]
    assert ratio.min() > 1 - 1e-9
    assert ratio.max() < 1.028


def test_up_and_down_a_plane_it_takes_what_the_rule_says() -> None:
    cells = lattice(3, 60)
    east, _ = cells.centres()
    found = travel(cells, 0.2 * east, 5.0, 15.0, WALKER)
    back = travel(cells, 0.2 * east, 5.0, 15.0, WALKER, towards=True)
    along = 590.0 * math.hypot(1.0, 0.2)
    assert found.seconds_at(595.0, 15.0) == pytest.approx(along / WALKER.speed_m_s(0.2))
    assert back.seconds_at(595.0, 15.0) == pytest.approx(along / WALKER.speed_m_s(-0.2))
    assert WALKER.speed_m_s(-0.05) > WALKER.speed_m_s(0.0) > WALKER.speed_m_s(0.05)


def test_toblers_walker_has_his_published_speeds() -> None:
    """Six kilometres an hour down a slope of 5 %, 5.04 on the level; three fifths of it off a path."""
    assert ON_FOOT.speed_m_s(-0.05) * 3.6 / 0.6 == pytest.approx(6.0)
    assert ON_FOOT.speed_m_s(0.0) * 3.6 / 0.6 == pytest.approx(5.04, abs=0.005)


def edges(height: Array, cell_m: float, mobility: Mobility) -> coo_matrix:
    """Every step there is, one by one, as a graph."""
    rows, columns = height.shape
    one, two, seconds = [], [], []

    def stretch(first: float, last: float, length: float) -> float:
        slope = (last - first) / length
        speed = 0.0 if math.isnan(slope) else mobility.speed_m_s(slope)
        return math.inf if speed <= 0 else math.hypot(length, last - first) / speed

    for row in range(rows):
        for column in range(columns):
            for down, across in NEIGHBOURS:
                to = row + down, column + across
                if not (0 <= to[0] < rows and 0 <= to[1] < columns):
                    continue
                length = cell_m * math.hypot(down, across)
                if abs(down) + abs(across) == 3:
                    beside = [
                        (row + math.floor(down / 2), column + math.floor(across / 2)),
                        (row + math.ceil(down / 2), column + math.ceil(across / 2)),
                    ]
                    middle = sum(height[cell] for cell in beside) / 2
                    took = stretch(height[row, column], middle, length / 2) + stretch(middle, height[to], length / 2)
                else:
                    took = stretch(height[row, column], height[to], length)
                if math.isfinite(took):
                    one.append(row * columns + column)
                    two.append(to[0] * columns + to[1])
                    seconds.append(took)
    return coo_matrix((seconds, (one, two)), shape=(rows * columns,) * 2)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), rough_m=st.floats(0, 8), voids=st.floats(0, 0.4), towards=st.booleans())
def test_times_are_those_of_all_the_ways_there_are(seed: int, rough_m: float, voids: float, towards: bool) -> None:
    rng = np.random.default_rng(seed)
    cells = lattice(9, 12)
    height = rng.normal(0.0, rough_m, cells.shape)
    height[rng.random(cells.shape) < voids] = np.nan
    height[4, 5] = 0.0
    found = travel(cells, height, 55.0, 45.0, OFF_ROAD, towards=towards)
    graph = edges(height, cells.cell_m, OFF_ROAD).tocsr()
    oracle = dijkstra(graph.T if towards else graph, indices=4 * 12 + 5).reshape(cells.shape)
    np.testing.assert_allclose(found.seconds, oracle, rtol=1e-9)


@pytest.mark.parametrize("towards", [False, True])
def test_the_way_goes_round_what_is_too_steep_and_takes_its_time(towards: bool) -> None:
    cells = lattice(21, 21)
    height = np.zeros(cells.shape)
    height[5:, 10] = 100.0
    found = travel(cells, height, 55.0, 45.0, OFF_ROAD, towards=towards)
    way = found.way(155.0, 45.0)
    ends = [(155.0, 45.0), (55.0, 45.0)] if towards else [(55.0, 45.0), (155.0, 45.0)]
    assert [tuple(way[0]), tuple(way[-1])] == ends
    assert way[:, 1].max() > 155.0
    length = np.hypot(*np.diff(way, axis=0).T).sum()
    assert found.seconds_at(155.0, 45.0) == pytest.approx(length / OFF_ROAD.level_m_s)


def test_where_no_way_leads_it_takes_for_ever() -> None:
    cells = lattice(9, 9)
    height = np.zeros(cells.shape)
    height[:, 4] = height[:, 5] = np.nan
    found = travel(cells, height, 5.0, 45.0, ON_FOOT)
    assert math.isinf(found.seconds_at(85.0, 45.0))
    assert math.isinf(found.seconds_at(1e6, 45.0))
    assert found.way(85.0, 45.0).shape == (0, 2)


def test_a_place_without_ground_is_named() -> None:
    cells = lattice(9, 9)
    with pytest.raises(InputError, match="east_m, north_m = 500, 45: no ground is known there"):
        travel(cells, np.zeros(cells.shape), 500.0, 45.0, ON_FOOT)
    with pytest.raises(InputError, match="no ground is known there"):
        travel(cells, np.full(cells.shape, np.nan), 5.0, 45.0, ON_FOOT)
    with pytest.raises(InputError, match=r"height_m is \(3, 3\), the lattice \(9, 9\)"):
        travel(cells, np.zeros((3, 3)), 5.0, 45.0, ON_FOOT)
