"""Cameras that turn, against what can be worked out by hand on level ground."""

import math

import numpy as np
import pytest

from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.mobility import ON_FOOT, Mobility
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.position import Position
from marsad.simulate.lookout import Lookout, Walk, held_up, looks_at_him, sightings, unfound, walk

HOME = Position(latitude_deg=34.4, longitude_deg=41.0)
FLAT = Surface(flat_grid(34.4, 41.0, 0.0, 4000.0), EnuFrame(HOME), 3000.0)
SURE = Lookout(
    eye=np.array([0.0, 0.0, 20.0]), up=np.array([0.0, 0.0, 1.0]), reach_m=1000.0, looks=8, look_s=5.0,
    field_rad=math.radians(45), chance=lambda range_m: np.full(len(range_m), 1.0),
)  # fmt: skip


def standing_there(east: float, north: float, seconds: float) -> Walk:
    return Walk(np.array([0.0, seconds]), np.array([[east, north], [east, north]], float))


def test_a_sure_look_finds_within_a_turn_and_half_of_those_in_view_for_half_of_it() -> None:
    place = 300 * math.sin(0.1), 300 * math.cos(0.1)
    assert unfound(standing_there(*place, 40.0), FLAT, SURE, 0.0) == pytest.approx(np.zeros(8), abs=1e-9)
    half = unfound(standing_there(*place, 20.0), FLAT, SURE, 0.0)
    assert half.mean() == pytest.approx(0.5)
    # Begun with the look that points there or one of the three before it, the camera finds him.
    assert np.flatnonzero(half < 0.5).tolist() == [0, 5, 6, 7]


def test_each_turn_is_one_try_with_the_chance_of_the_range() -> None:
    doubtful = SURE._replace(chance=lambda range_m: np.full(len(range_m), 0.3))
    missed = unfound(standing_there(200.0, 10.0, 120.0), FLAT, doubtful, 0.0)
    assert missed == pytest.approx(np.full(8, 0.7**3))
    assert unfound(standing_there(1200.0, 0.0, 120.0), FLAT, doubtful, 0.0) == pytest.approx(np.ones(8))


def test_fields_that_overlap_look_twice() -> None:
    wide = SURE._replace(field_rad=math.radians(90), chance=lambda range_m: np.full(len(range_m), 0.3))
    edge = math.radians(22.0)
    missed = unfound(standing_there(200 * math.sin(edge), 200 * math.cos(edge), 40.0), FLAT, wide, 0.0)
    assert missed == pytest.approx(np.full(8, 0.7**2))


@pytest.mark.parametrize("field_deg", [45, 90])
def test_the_looks_that_point_his_way_miss_him_as_often_as_their_camera(field_deg: float) -> None:
    doubtful = SURE._replace(field_rad=math.radians(field_deg), chance=lambda range_m: 100 / range_m)
    walked = Walk(np.array([0.0, 400.0]), np.array([[-300.0, 250.0], [300.0, 150.0]]))
    seen = sightings(walked, FLAT, doubtful, 2.0)
    for first, missed in enumerate(unfound(walked, FLAT, doubtful, 2.0)):
        times, chances = looks_at_him(seen, doubtful, first)
        assert np.prod(1 - chances) == pytest.approx(missed)
        assert (np.diff(times) > 0).all()


def test_whoever_is_held_up_is_there_the_longer_and_later_everywhere_else() -> None:
    walked = Walk(np.array([0.0, 10.0, 30.0]), np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 20.0]]))
    held = held_up(walked, 1, 60.0)
    assert held.time_s.tolist() == [0.0, 10.0, 70.0, 90.0]
    assert held.places.tolist() == [[0.0, 0.0], [10.0, 0.0], [10.0, 0.0], [10.0, 20.0]]


def test_a_camera_that_does_not_turn_shows_what_is_in_its_picture() -> None:
    stares = SURE._replace(
        looks=1, look_s=60.0, field_rad=2 * math.pi, chance=lambda range_m: np.full(len(range_m), 0.3),
        shows=lambda points: points[:, 1] > 0,
    )  # fmt: skip
    assert unfound(standing_there(0.0, 100.0, 179.0), FLAT, stares, 1.0) == pytest.approx([0.7**3])
    assert unfound(standing_there(0.0, -100.0, 179.0), FLAT, stares, 1.0) == pytest.approx([1.0])


def test_a_ridge_hides_whom_the_bare_ground_shows() -> None:
    height = np.zeros((200, 200), np.float32)
    height[95:97] = 60.0
    step = 1 / 3600
    ridge = ElevationGrid(
        crs="EPSG:4326", west=41.0 - 100 * step, north=34.4 + 100 * step, step_x=step, step_y=step, height_m=height
    )
    surface = Surface(ridge, EnuFrame(HOME), 1500.0)
    behind = standing_there(0.0, 600.0, 40.0)
    assert unfound(behind, surface, SURE, 0.0) == pytest.approx(np.ones(8))
    assert unfound(behind, FLAT, SURE, 0.0) == pytest.approx(np.zeros(8), abs=1e-9)


def test_a_walk_takes_as_long_as_its_slopes_do() -> None:
    level = walk(FLAT, np.array([[0.0, 0.0], [300.0, 400.0]]), Mobility(level_m_s=1.25, best_slope=0.0))
    assert level is not None
    assert level.time_s[-1] == pytest.approx(400.0, rel=1e-3)
    quick = walk(FLAT, np.array([[0.0, 0.0], [300.0, 400.0]]), Mobility(level_m_s=1.25, best_slope=0.0), pace=2.0)
    assert quick is not None
    assert quick.time_s[-1] == pytest.approx(200.0, rel=1e-3)


def test_nobody_walks_where_it_is_too_steep_or_not_known() -> None:
    assert walk(FLAT, np.array([[0.0, 0.0], [0.0, 9000.0]]), ON_FOOT) is None
