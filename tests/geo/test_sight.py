"""The ray kernel against brute force on rough ground."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.sight import BEYOND, GROUND, LEVEL, SKY, Ray, bent, cast, clear_many, lifted, point_on, ray_towards
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.position import Position

FRAME = EnuFrame(Position(latitude_deg=0.0, longitude_deg=39.0))


def rough(seed: int, rows: int = 90) -> Surface:
    rng = np.random.default_rng(seed)
    heights = np.cumsum(rng.normal(0, 4, (rows, rows)), axis=0) + rng.normal(0, 6, (rows, rows)) + 300
    step = 1 / 3600
    return Surface(
        ElevationGrid(
            crs="EPSG:4326",
            west=39.0 - rows * step / 2,
            north=rows * step / 2,
            step_x=step,
            step_y=step,
            height_m=heights.astype(np.float32),
        ),
        FRAME,
        2000,
    )


SURFACES = [rough(seed) for seed in range(3)]


def ray(origin: NDArray[np.float64], azimuth: float, elevation: float, refraction: float = 1 / 7) -> Ray:
    flat = math.cos(elevation)
    direction = (math.sin(azimuth) * flat, math.cos(azimuth) * flat, math.sin(elevation))
    found: Ray = bent((*(float(v) for v in origin), *direction, 0.0, 0.0, 1.0, 0.0), refraction)
    return found


def lowest(surface: Surface, line: Ray, reach: float, step: float = 0.5) -> float:
    """How near the ground small steps find the ray before a distance; negative under it."""
    east, north, up = point_on(line, np.arange(0, reach, step))
    return float(np.nanmin(surface.above_m(east, north, up), initial=math.inf))


@given(
    st.integers(0, 2),
    st.floats(0, 6.28),
    st.floats(-0.3, 0.1),
    st.floats(-600, 600),
    st.floats(-600, 600),
    st.floats(2, 60),
)
def test_the_first_crossing_is_found(
    which: int, azimuth: float, elevation: float, east: float, north: float, mast: float
) -> None:
    surface = SURFACES[which]
    origin = np.array([east, north, float(surface.up_m(east, north)) + mast])
    line = ray(origin, azimuth, elevation)
    status, s = cast(surface.arrays, line, 0.0, 1500.0, LEVEL)
    assert lowest(surface, line, s) > -0.01
    if status == GROUND:
        assert float(surface.above_m(*point_on(line, s))) == pytest.approx(0, abs=0.01)


@given(st.integers(0, 2), st.floats(0, 6.28), st.floats(-0.3, 0.0))
def test_starting_before_the_crossing_changes_nothing(which: int, azimuth: float, elevation: float) -> None:
    surface = SURFACES[which]
    line = ray(np.array([0.0, 0.0, float(surface.up_m(0, 0)) + 40]), azimuth, elevation)
    status, s = cast(surface.arrays, line, 0.0, 1500.0, LEVEL)
    if status == GROUND:
        assert cast(surface.arrays, line, 0.6 * s, 1500.0, LEVEL) == (GROUND, pytest.approx(s, abs=1e-3))


def test_lifted_ground_is_met_sooner() -> None:
    surface = SURFACES[0]
    line = ray(np.array([0.0, 0.0, float(surface.up_m(0, 0)) + 60]), 1.0, -0.1)
    places = [cast(surface.arrays, line, 0.0, 1500.0, (z, 0.0, 25.0, 0.01))[1] for z in (-2.0, -1.0, 0.0, 1.0, 2.0)]
    assert places == sorted(places, reverse=True)
    lift = (2.0, 0.0, 25.0, 0.01)
    status, s = cast(surface.arrays, line, 0.0, 1500.0, lift)
    assert status == GROUND
    assert float(surface.above_m(*point_on(line, s))) == pytest.approx(lifted(lift, s), abs=0.02)


def test_up_is_sky_and_off_the_grid_is_beyond() -> None:
    surface = SURFACES[0]
    top = np.array([0.0, 0.0, float(surface.arrays.highest_m) + 5])
    assert cast(surface.arrays, ray(top, 0.0, 0.2), 0.0, 1500.0, LEVEL)[0] == SKY
    assert cast(surface.arrays, ray(top, 0.0, -0.001), 0.0, 5000.0, LEVEL)[0] == BEYOND


@given(st.floats(-500, 500), st.floats(-500, 500), st.floats(-200, 900))
def test_a_ray_goes_through_its_target(east: float, north: float, up: float) -> None:
    line, length = ray_towards(np.zeros(3), np.array([0.0, 0.0, 1.0]), np.array([east, north, up]), 0.2)
    assert np.allclose(point_on(line, length), [east, north, up], atol=1e-6)


def test_sight_is_clear_exactly_where_no_ground_is_met_before() -> None:
    surface = SURFACES[1]
    origin = np.array([0.0, 0.0, float(surface.up_m(0, 0)) + 80])
    rng = np.random.default_rng(1)
    east, north = rng.uniform(-1000, 1000, (2, 200))
    targets = np.stack([east, north, surface.up_m(east, north) + 2], axis=1)
    clear = clear_many(surface.arrays, origin, np.array([0.0, 0.0, 1.0]), targets, 0.0)
    for target, seen in zip(targets, clear, strict=True):
        along = np.linspace(0, 1, 4000)[1:-1, None]
        points = origin + along * (target - origin)
        assert seen == bool((surface.above_m(*points.T) > 0).all())
    assert 10 < clear.sum() < 190
