"""The quick map against the exact one, post by post."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import MEAN_RADIUS_M, EnuFrame
from marsad.geo.quick_viewshed import QuickShed, probable_viewshed, quick_viewshed
from marsad.geo.sight import REFRACTION, clear_many
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError
from marsad.kernel.position import Position

FRAME = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0))
STEP = 1 / 3600
SIZE = 140


def rough(seed: int, void: bool = False) -> Surface:
    rng = np.random.default_rng(seed)
    heights = gaussian_filter(rng.normal(0, 900, (SIZE, SIZE)), 6) + 300
    if void:
        heights[40:48, 60:75] = np.nan
    grid = ElevationGrid(
        crs="EPSG:4326", west=41.0 - SIZE * STEP / 2, north=34.0 + SIZE * STEP / 2, step_x=STEP, step_y=STEP,
        height_m=heights.astype(np.float32),
    )  # fmt: skip
    return Surface(grid, FRAME, 1500.0)


def posts(surface: Surface, shed: QuickShed) -> np.ndarray:
    grid, (rows, columns) = surface.grid, shed.share.shape
    longitude, latitude = np.meshgrid(
        grid.west + (shed.left + np.arange(columns) + 0.5) * grid.step_x,
        grid.north - (shed.top + np.arange(rows) + 0.5) * grid.step_y,
    )
    height = grid.height_m[shed.top : shed.top + rows, shed.left : shed.left + columns].astype(float)
    return np.stack(FRAME.from_geodetic(latitude.ravel(), longitude.ravel(), height.ravel()), axis=1)


def asked_one_by_one(
    surface: Surface, shed: QuickShed, east: float, north: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The posts, which of them are known and within 1,295 m, and whether those are seen from 12 m above a place."""
    targets = posts(surface, shed)
    eye = np.array([east, north, float(surface.up_m(east, north)) + 12.0])
    near = (np.hypot(*(targets[:, :2] - eye[:2]).T) < 1295) & ~np.isnan(targets[:, 2])
    lifted = targets[near] + (0.0, 0.0, 1.5)
    return targets, near, clear_many(surface.arrays, eye, np.array([0.0, 0.0, 1.0]), lifted, REFRACTION)


def alike(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("void", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_posts_are_seen_as_their_own_sight_lines_say(seed: int, void: bool) -> None:
    surface = rough(seed, void)
    shed = quick_viewshed(surface, 40.0, -25.0, 12.0, reach_m=1300.0, target_m=1.5)
    targets, near, exact = asked_one_by_one(surface, shed, 40.0, -25.0)
    quick = shed.seen.ravel()[near]
    assert 0.03 < exact.mean() < 0.97
    assert alike(quick, exact) > 0.995
    east, north = targets[near, :2].T
    inside = ~np.isnan(surface.up_m(east, north))
    assert ((shed.at(east, north) >= 0.5) == quick)[inside].all()


@pytest.mark.parametrize("place", [(0.0, 1480.0), (-1485.0, -30.0), (1460.0, 1470.0), (10.0, -1490.0)])
def test_at_the_rim_of_the_data_as_much_is_seen(place: tuple[float, float]) -> None:
    surface = rough(1, void=True)
    shed = quick_viewshed(surface, *place, 12.0, reach_m=1300.0, target_m=1.5)
    _, near, exact = asked_one_by_one(surface, shed, *place)
    assert alike(shed.seen.ravel()[near], exact) > 0.99


def test_on_a_smooth_earth_the_horizon_is_where_the_textbook_has_it() -> None:
    surface = Surface(flat_grid(34.0, 41.0, 100.0, 30_000.0), FRAME, 30_000.0)
    shed = quick_viewshed(surface, 0.0, 0.0, 20.0, reach_m=28_000.0, target_m=1.0)
    north = np.arange(10_000.0, 28_000.0, 50.0)
    farthest = north[shed.at(np.zeros_like(north), north) > 0].max()
    expected = math.sqrt(2 * MEAN_RADIUS_M / (1 - REFRACTION)) * (math.sqrt(20.0) + 1.0)
    assert farthest == pytest.approx(expected, rel=0.01)
    assert shed.at(0.0, 40_000.0) == 0


def test_what_is_not_known_is_not_seen_and_hides() -> None:
    surface = rough(0, void=True)
    shed = quick_viewshed(surface, 0.0, 0.0, 200.0, reach_m=1300.0)
    void = np.isnan(surface.grid.height_m)[shed.top :, shed.left :][: shed.share.shape[0], : shed.share.shape[1]]
    assert void.any()
    assert not shed.seen[void].any()
    east, north, _ = FRAME.from_geodetic(34.0 + 27 * STEP, 41.0 - 3 * STEP, 300.0)
    with pytest.raises(InputError, match="not known"):
        quick_viewshed(surface, float(east), float(north), 20.0, reach_m=500.0)


def test_without_error_the_probable_map_is_the_quick_one_and_with_it_edges_are_in_doubt() -> None:
    surface = rough(1)
    known = {"reach_m": 1200.0, "correlation_m": 150.0}
    quick = quick_viewshed(surface, 0.0, 0.0, 10.0, reach_m=1200.0)
    sure = probable_viewshed(surface, 0.0, 0.0, 10.0, np.random.default_rng(0), sigma_m=0.0, draws=3, **known)
    assert np.array_equal(sure.share, quick.share)
    doubt = probable_viewshed(surface, 0.0, 0.0, 10.0, np.random.default_rng(0), sigma_m=5.0, draws=24, **known)
    assert 0.02 < ((doubt.share > 0.1) & (doubt.share < 0.9)).mean() < 0.6
    assert np.corrcoef(doubt.share.ravel(), quick.share.ravel())[0, 1] > 0.7
