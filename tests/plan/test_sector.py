"""Ways across a sector and what towers add, on ground whose answers are known."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.mobility import ON_FOOT, Mobility, travel
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.plan.crossing import least_exposure, weigh
from marsad.plan.search_camera import PERSON_M, SearchCamera, detection_rate
from marsad.plan.sector import (
    PARTS,
    Site,
    Stretches,
    TowerKind,
    Waits,
    exposures,
    in_cells,
    rated,
    unfound_rate,
    ways_across,
)
from marsad.plan.siting import Evader, Siting

LATTICE = Lattice(west_m=-1000.0, north_m=1000.0, cell_m=100.0, rows=20, columns=20)
MAST = TowerKind(name="mast", mast_m=8.0, camera=SearchCamera(pixel_rad=1.3e-3, turn_s=40.0, reach_m=600.0), cost=30.0)
LEVEL = Mobility(level_m_s=1.0, best_slope=0.0)


def north_of_line() -> np.ndarray:
    return LATTICE.centres()[1]


def flat() -> Surface:
    home = Position(latitude_deg=34.4, longitude_deg=41.0, height_m=200.0)
    return Surface(flat_grid(34.4, 41.0, 200.0, 4000.0), EnuFrame(home), 3000.0)


def test_over_level_ground_the_way_across_takes_as_long_as_the_straight_one() -> None:
    there, back = ways_across(LATTICE, np.zeros(LATTICE.shape), north_of_line(), 900.0, LEVEL)
    for way in (there, back):
        seconds, _ = least_exposure(way, np.ones(way.points))
        assert seconds[way.exits].min() == pytest.approx(1900.0)


def test_uphill_takes_longer_than_downhill() -> None:
    height = 0.1 * north_of_line()
    there, back = ways_across(LATTICE, height, north_of_line(), 900.0, ON_FOOT)
    up, down = (least_exposure(way, np.ones(way.points))[0][way.exits].min() for way in (there, back))
    assert up > 1.3 * down


def test_every_way_goes_through_a_gate() -> None:
    offset = (north_of_line() + 0.7 * LATTICE.centres()[0]) / math.hypot(1.0, 0.7)
    there, _ = ways_across(LATTICE, np.zeros(LATTICE.shape), offset, 300.0, LEVEL)
    rates = np.zeros((LATTICE.rows, PARTS, LATTICE.columns, PARTS))
    rates[there.gates // LATTICE.columns, 1, there.gates % LATTICE.columns, 1] = 1.0
    assert least_exposure(there, rates.ravel())[0][there.exits].min() > 0.0


def test_nobody_goes_where_the_ground_is_not_known_or_too_steep() -> None:
    height = np.zeros(LATTICE.shape)
    height[8:10] = np.nan
    with pytest.raises(InputError, match="widen"):
        ways_across(LATTICE, np.full(LATTICE.shape, np.nan), north_of_line(), 900.0, LEVEL)
    there, _ = ways_across(LATTICE, height, north_of_line(), 900.0, LEVEL)
    assert math.isinf(least_exposure(there, np.ones(there.points))[0][there.exits].min())


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_over_surfaces_it_takes_as_long_as_those_take_who_respond(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ease = rng.choice([0.0, 0.3, 0.7, 1.0], LATTICE.shape, p=[0.1, 0.2, 0.3, 0.4])
    ease[10, 7] = 1.0
    offset = np.where(np.arange(LATTICE.rows)[:, None] == 10, -500.0, 500.0) * np.ones(LATTICE.shape)
    offset[9] = 0.0
    there, _ = ways_across(LATTICE, np.zeros(LATTICE.shape), offset, 400.0, LEVEL, ease=ease)
    begin = there.entries[there.entries == 10 * LATTICE.columns + 7]
    seconds, _ = least_exposure(msgspec.structs.replace(there, entries=begin), np.ones(there.points))
    east, north = (axis[10, 7] for axis in LATTICE.centres())
    found = travel(LATTICE, np.zeros(LATTICE.shape), float(east), float(north), LEVEL, ease=ease).seconds
    np.testing.assert_allclose(seconds.reshape(LATTICE.shape), found, rtol=1e-9)
    assert (ease.ravel()[there.entries] > 0).all()
    assert (ease.ravel()[there.exits] > 0).all()


def test_a_river_along_the_line_lets_nobody_through_but_over_what_bridges_it() -> None:
    ease = np.ones(LATTICE.shape)
    ease[9:11] = 0.0
    there, _ = ways_across(LATTICE, np.zeros(LATTICE.shape), north_of_line(), 900.0, LEVEL, ease=ease)
    assert math.isinf(least_exposure(there, np.ones(there.points))[0][there.exits].min())
    ease[9:11, 5] = 1.0
    there, _ = ways_across(LATTICE, np.zeros(LATTICE.shape), north_of_line(), 900.0, LEVEL, ease=ease)
    assert math.isfinite(least_exposure(there, np.ones(there.points))[0][there.exits].min())
    with pytest.raises(InputError, match="gets over"):
        ways_across(LATTICE, np.zeros(LATTICE.shape), north_of_line(), 900.0, LEVEL, ease=np.zeros(LATTICE.shape))


def test_on_flat_ground_a_tower_adds_the_cameras_rate_all_round() -> None:
    rates = exposures(flat(), LATTICE, [Site(0.0, 0.0)], [MAST]).toarray()[0].reshape(rated(LATTICE).shape)
    east, north = rated(LATTICE).centres()
    away = np.hypot(east, north)
    near = (away < 590) & (away > 50)
    np.testing.assert_allclose(rates[near], detection_rate(MAST.camera, away[near]), rtol=0.02)
    assert not rates[away > 600].any()


def test_a_cell_has_the_mean_of_the_rates_in_it() -> None:
    rates = np.random.default_rng(3).random((2, rated(LATTICE).rows * rated(LATTICE).columns + 1))
    found = in_cells(LATTICE, csr_array(rates)).toarray().reshape(2, *LATTICE.shape)
    cell = rates[1, :-1].reshape(rated(LATTICE).shape)[9:12, 12:15]
    assert found[1, 3, 4] == pytest.approx(cell.mean())


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), parts=st.sampled_from([1, 3, 5]))
def test_a_step_is_exposed_as_a_walk_over_the_points_under_it(seed: int, parts: int) -> None:
    rng = np.random.default_rng(seed)
    way, _ = ways_across(LATTICE, np.zeros(LATTICE.shape), north_of_line(), 900.0, LEVEL, parts=parts)
    rates = rng.random(rated(LATTICE, parts).shape)
    east, north = (axis.ravel() for axis in LATTICE.centres())
    tail = int(rng.integers(way.places))
    arc = int(rng.integers(way.starts[tail], way.starts[tail + 1]))
    at = np.linspace(0, 1, parts + 1)
    places = [np.interp(at, (0, 1), axis[[tail, way.heads[arc]]]) for axis in (east, north)]
    row, column = rated(LATTICE, parts).cells_of(*places)
    alone = msgspec.structs.replace(
        way, entries=np.array([tail], np.int32), exits=way.heads[arc : arc + 1],
        starts=np.where(np.arange(way.places + 1) > tail, 1, 0), heads=way.heads[arc : arc + 1],
        seconds=way.seconds[arc : arc + 1], barriers=way.barriers[arc : arc + 1], over=way.over[arc : arc + 1],
    )  # fmt: skip
    exposure, _ = least_exposure(alone, rates.ravel())
    assert exposure[way.heads[arc]] == pytest.approx(np.trapezoid(rates[row, column], at) * way.seconds[arc])
    weights = np.zeros(way.points)
    weigh(
        np.array([tail, way.heads[arc]], np.int32), way.starts, way.heads, way.seconds, way.barriers, way.over, weights
    )
    assert weights @ rates.ravel() == pytest.approx(exposure[way.heads[arc]])


def test_who_is_held_up_is_seen_where_he_stands() -> None:
    stretches = Stretches(LATTICE.centres()[0] + 1000.0, np.array([0.0]), 60)
    way, _ = ways_across(LATTICE, np.zeros(LATTICE.shape), north_of_line(), 900.0, LEVEL, stretches=stretches)
    finer = rated(LATTICE).rows * rated(LATTICE).columns
    assert way.points == finer + 60
    column = np.arange(5, way.places, LATTICE.columns, dtype=np.int32)[::-1].copy()
    rates = np.zeros(way.points + 1)
    rates[finer + 16] = 1e-3
    alone = msgspec.structs.replace(way, entries=column[:1])
    seen, _ = least_exposure(alone, rates, held_s=np.array([300.0]))
    assert seen[column[-1]] == 0.0
    rates[finer : way.points] = 1e-3
    seen, _ = least_exposure(alone, rates, held_s=np.array([300.0]))
    assert seen[column[-1]] == pytest.approx(0.3)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), seconds=st.floats(1.0, 2000.0))
def test_a_piece_leaves_as_many_unfound_as_its_spots_do(seed: int, seconds: float) -> None:
    rates = np.random.default_rng(seed).choice([0.0, 1e-3, 1e-2], (4, 5))
    found = unfound_rate(rates, seconds)
    np.testing.assert_allclose(np.exp(-found * seconds), np.exp(-rates * seconds).mean(axis=1), atol=1e-5 * seconds)
    assert (found <= rates.mean(axis=1) + 1e-12).all()


def test_a_wait_on_the_line_is_seen_as_far_as_the_reach() -> None:
    spots = np.stack(np.broadcast_arrays(np.linspace(-900, 900, 19)[:, None] + [-5.0, 5.0], 0.0), axis=2)
    sees = exposures(flat(), LATTICE, [Site(0.0, 0.0)], [MAST], PERSON_M, Waits(spots, 300.0)).toarray()[0, -19:]
    away = np.abs(np.linspace(-900, 900, 19))
    np.testing.assert_allclose(sees[away < 590], detection_rate(MAST.camera, away[away < 590]), rtol=0.05)
    assert not sees[away > 610].any()


def test_who_walks_just_beyond_a_cameras_reach_through_cells_that_it_sees_in_part_is_not_exposed() -> None:
    mast = msgspec.structs.replace(MAST, camera=msgspec.structs.replace(MAST.camera, reach_m=575.0))
    sees = exposures(flat(), LATTICE, [Site(-950.0, 50.0)], [mast])
    way, _ = ways_across(LATTICE, np.zeros(LATTICE.shape), north_of_line(), 900.0, LEVEL)
    assert in_cells(LATTICE, sees).toarray().reshape(LATTICE.shape)[9, 6] > 0
    column = np.arange(6, way.places, LATTICE.columns, dtype=np.int32)
    weights = np.zeros(way.points)
    weigh(column, way.starts, way.heads, way.seconds, way.barriers, way.over, weights)
    assert (sees @ weights).max() == 0


def test_a_site_far_off_adds_nothing() -> None:
    assert exposures(flat(), LATTICE, [Site(2500.0, 0.0)], [MAST]).nnz == 0


def test_a_row_of_towers_closes_a_sector_and_one_of_them_does_not() -> None:
    sites = [Site(east, 0.0) for east in (-900.0, -500.0, -100.0, 300.0, 700.0)]
    ways = ways_across(LATTICE, np.zeros(LATTICE.shape), north_of_line(), 900.0, ON_FOOT)
    evader = Evader(exposure=exposures(flat(), LATTICE, sites, [MAST]), passages=ways)
    siting = Siting(np.full(5, 30.0), np.array([site.east_m for site in sites]), [evader], 0.9)
    assert siting.closes(np.ones(5, np.bool_))
    assert not siting.closes(np.array([True, False, False, False, False]))
