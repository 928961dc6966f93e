"""Response routes against closed forms on level ground and scipy's shortest paths over the same steps."""

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import dijkstra

from marsad.geo.geodesy import Array
from marsad.geo.mobility import OFF_ROAD, Mobility, travel
from marsad.geo.mobility import Road as Lane
from marsad.kernel.dispatch import Means
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import EnuPoint
from marsad.plan.land import EASE, Land, Patch
from marsad.plan.route import ROAD_M_S, Base, Country, Response, Road

NEIGHBOURS = [(a, b) for a in range(-2, 3) for b in range(-2, 3) if (a, b) != (0, 0) and math.gcd(a, b) == 1]


def lattice(rows: int, columns: int, cell_m: float = 10.0) -> Lattice:
    return Lattice(west_m=0.0, north_m=rows * cell_m, cell_m=cell_m, rows=rows, columns=columns)


def at(east_m: float, north_m: float) -> EnuPoint:
    return EnuPoint(east_m=east_m, north_m=north_m)


def road(*points: tuple[float, float]) -> Road:
    return Road(points=tuple(at(*point) for point in points), kind="paved")


def band(west: float, east: float, surface: str) -> Land:
    return Land([Patch((np.array([(west, 0.0), (east, 0.0), (east, 110.0), (west, 110.0)]),), surface)])


def stretch(first: float, last: float, length: float, mobility: Mobility) -> float:
    if length == 0:
        return 0.0
    speed = mobility.speed_m_s((last - first) / length)
    return math.inf if speed <= 0 else math.hypot(length, last - first) / speed


def every_step(height: Array, ease: Array, cell_m: float, lane: Lane, ground: list[float]) -> coo_matrix:
    """Every step there is, one by one: over cells, along the lane's points and on and off them."""
    rows, columns = height.shape
    one, two, seconds = [], [], []

    def add(a: int, b: int, took: float) -> None:
        if math.isfinite(took):
            one.append(a)
            two.append(b)
            seconds.append(max(took, 1e-300))

    def slow(*cells: tuple[int, int]) -> float:
        return sum(1 / ease[cell] if ease[cell] else math.inf for cell in cells) / len(cells)

    for row, column, (down, across) in product(range(rows), range(columns), NEIGHBOURS):
        to = row + down, column + across
        if not (0 <= to[0] < rows and 0 <= to[1] < columns):
            continue
        ends, length = ((row, column), to), cell_m * math.hypot(down, across)
        if abs(down) + abs(across) == 3:
            beside = [
                (row + math.floor(down / 2), column + math.floor(across / 2)),
                (row + math.ceil(down / 2), column + math.ceil(across / 2)),
            ]
            middle = sum(height[cell] for cell in beside) / 2
            took = stretch(height[ends[0]], middle, length / 2, OFF_ROAD) * (slow(ends[0]) + slow(*beside)) / 2
            took += stretch(middle, height[to], length / 2, OFF_ROAD) * (slow(*beside) + slow(to)) / 2
        else:
            took = stretch(height[ends[0]], height[to], length, OFF_ROAD) * slow(*ends)
        add(row * columns + column, to[0] * columns + to[1], took)
    on_road = Mobility(level_m_s=lane.level_m_s, slope_rate=4.0, best_slope=0.0, steepest=1e9)
    for k, (east, north) in enumerate(lane.points):
        node, row, column = rows * columns + k, rows - 1 - int(north // cell_m), int(east // cell_m)
        centre = ((column + 0.5) * cell_m, (rows - row - 0.5) * cell_m)
        away, cell = math.dist((east, north), centre), row * columns + column
        add(node, cell, stretch(ground[k], height[row, column], away, OFF_ROAD) * slow((row, column)))
        add(cell, node, stretch(height[row, column], ground[k], away, OFF_ROAD) * slow((row, column)))
        if k + 1 < len(lane.points):
            span = math.dist((east, north), lane.points[k + 1])
            add(node, node + 1, stretch(ground[k], ground[k + 1], span, on_road))
            add(node + 1, node, stretch(ground[k + 1], ground[k], span, on_road))
    return coo_matrix(
        (np.array(seconds), (np.array(one), np.array(two))), shape=(rows * columns + len(lane.points),) * 2
    )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), rough_m=st.floats(0, 6), towards=st.booleans())
def test_times_over_surfaces_and_roads_are_those_of_all_the_ways_there_are(
    seed: int, rough_m: float, towards: bool
) -> None:
    rng = np.random.default_rng(seed)
    cells = lattice(8, 11)
    height = rng.normal(0, rough_m, cells.shape)
    ease = rng.choice([0.0, 0.3, 0.7, 1.0], cells.shape, p=[0.15, 0.2, 0.3, 0.35])
    ease[4, 5] = 1.0
    # The lane goes through centres and sides of cells, half a cell apart, where heights are known without a rule.
    lane = Lane(np.array([(5.0 + 5.0 * k, 35.0) for k in range(21)]), 20.0)
    ground = [
        float(height[4, k // 2]) if k % 2 == 0 else float(height[4, k // 2] + height[4, k // 2 + 1]) / 2
        for k in range(21)
    ]
    found = travel(cells, height, 55.0, 35.0, OFF_ROAD, towards=towards, ease=ease, roads=[lane])
    graph = every_step(height, ease, cells.cell_m, lane, ground).tocsr()
    oracle = dijkstra(csr_matrix(graph.T if towards else graph), indices=np.array(4 * 11 + 5))[: 8 * 11].reshape(
        cells.shape
    )
    np.testing.assert_allclose(found.seconds, oracle, rtol=1e-9)


def test_along_a_level_road_it_takes_its_length_at_the_roads_speed() -> None:
    cells = lattice(21, 101)
    country = Country(cells, np.zeros(cells.shape), [road((5.0, 105.0), (1005.0, 105.0))])
    found = country.travel(at(5.0, 105.0), "vehicle")
    assert found.seconds_at(1005.0, 105.0) == pytest.approx(1000.0 / ROAD_M_S["vehicle"]["paved"])
    beside = found.seconds_at(505.0, 185.0)
    assert beside < math.hypot(500.0, 80.0) / OFF_ROAD.level_m_s
    # Along the road and off it where the angle is best: sin = v / V (Snell), to what steps to 16 neighbours can do.
    ratio = OFF_ROAD.level_m_s / ROAD_M_S["vehicle"]["paved"]
    best = 500.0 / ROAD_M_S["vehicle"]["paved"] + 80.0 / OFF_ROAD.level_m_s * math.sqrt(1 - ratio**2)
    assert best - 1e-9 <= beside <= 1.04 * best
    way = found.way(1005.0, 105.0)
    assert (way[:, 1] == 105.0).all()


@pytest.mark.parametrize("means", ["foot", "vehicle"])
def test_sand_slows_and_water_stops(means: Means) -> None:
    cells = lattice(11, 60)
    sand = Country(cells, np.zeros(cells.shape), (), band(0, 600, "sand"))
    plain = Country(cells, np.zeros(cells.shape))
    slow, fast = (each.travel(at(5.0, 55.0), means).seconds for each in (sand, plain))
    np.testing.assert_allclose(slow, fast / EASE[means]["sand"])
    river = Country(cells, np.zeros(cells.shape), (), band(300, 330, "water"))
    assert math.isinf(river.travel(at(5.0, 55.0), means).seconds_at(595.0, 55.0))
    bridge = Country(cells, np.zeros(cells.shape), [road((205.0, 55.0), (405.0, 55.0))], band(300, 330, "water"))
    assert math.isfinite(bridge.travel(at(5.0, 55.0), means).seconds_at(595.0, 55.0))


def test_isochrones_on_level_ground_are_round_to_less_than_three_hundredths() -> None:
    cells = lattice(101, 101)
    base = Base(base_id="fort", place=at(505.0, 505.0), ready_s=30.0)
    response = Response(Country(cells, np.zeros(cells.shape)), [base])
    reach = 300.0
    (outline,) = response.isochrones([30.0 + reach / OFF_ROAD.level_m_s])[30.0 + reach / OFF_ROAD.level_m_s]
    away = [math.dist(corner, (505.0, 505.0)) for corner in outline[0]]
    assert max(away) <= reach + 10.0
    assert min(away) >= reach / 1.028 - 10.0


def test_whoever_is_there_first_goes() -> None:
    cells = lattice(11, 101)
    bases = [
        Base(base_id="west", place=at(5.0, 55.0), ready_s=0.0),
        Base(base_id="east", place=at(1005.0, 55.0), ready_s=60.0),
        Base(base_id="walkers", place=at(905.0, 55.0), means="foot", ready_s=0.0),
    ]
    response = Response(Country(cells, np.zeros(cells.shape)), bases)
    half_way = 505.0 + 60.0 * OFF_ROAD.level_m_s / 2
    for east_m, base_id in ((half_way - 20, "west"), (half_way + 20, "east"), (895.0, "walkers")):
        found = response.route(at(east_m, 55.0))
        assert found is not None
        assert found.base_id == base_id
        assert found.seconds == pytest.approx(response.seconds[5, int(east_m // 10)])
    west = response.route(at(205.0, 55.0))
    assert west is not None
    assert west.length_m == pytest.approx(200.0)
    assert west.seconds == pytest.approx(200.0 / OFF_ROAD.level_m_s)
    assert response.route(at(-50.0, 55.0)) is None


def test_where_nobody_gets_there_is_no_route() -> None:
    cells = lattice(11, 60)
    river = Country(cells, np.zeros(cells.shape), (), band(300, 330, "water"))
    response = Response(river, [Base(base_id="fort", place=at(5.0, 55.0))])
    assert response.route(at(595.0, 55.0)) is None
    assert response.first()[5, 59] == -1
    assert response.isochrones([1e9], "fort")[1e9] != ()


def test_what_is_not_there_is_told() -> None:
    cells = lattice(5, 5)
    country = Country(cells, np.zeros(cells.shape))
    with pytest.raises(InputError, match="there is no base to set out from"):
        Response(country, [])
    response = Response(country, [Base(base_id="fort", place=at(5.0, 5.0))])
    with pytest.raises(InputError, match="there is no base hill: fort"):
        response.isochrones([1.0], "hill")
    with pytest.raises(InputError, match=r"ease is \(3, 3\), the lattice \(5, 5\)"):
        travel(cells, np.zeros((5, 5)), 5.0, 5.0, OFF_ROAD, ease=np.ones((3, 3)))
