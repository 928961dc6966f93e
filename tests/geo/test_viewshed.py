"""The visible ground against a brute force of its own: small steps along every sight line, heights asked on the way."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import MEAN_RADIUS_M, EnuFrame
from marsad.geo.ground import CameraView
from marsad.geo.viewshed import HIDDEN, OUT_OF_FIELD, OUT_OF_REACH, SEEN, UNKNOWN, camera_viewshed, viewshed_from
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.kernel.site import Lens, Mask, Pose

HOME = Position(latitude_deg=34.0, longitude_deg=41.0)
FRAME = EnuFrame(HOME)
LATTICE = Lattice(west_m=-600.0, north_m=600.0, cell_m=60.0, rows=20, columns=20)


def rough(seed: int, void: bool = False) -> Surface:
    rng = np.random.default_rng(seed)
    size = 80
    heights = gaussian_filter(rng.normal(0, 60, (size, size)), 3) + rng.normal(0, 1, (size, size)) + 300
    if void:
        heights[20:30, 20:30] = np.nan
    step = 1 / 3600
    grid = ElevationGrid(
        crs="EPSG:4326",
        west=41.0 - size * step / 2,
        north=34.0 + size * step / 2,
        step_x=step,
        step_y=step,
        height_m=heights.astype(np.float32),
    )
    return Surface(grid, FRAME, 950)


SURFACES = [rough(seed) for seed in range(3)]


def brute_force(
    surface: Surface, eye: np.ndarray, vertical: np.ndarray, target: np.ndarray, refraction: float
) -> float:
    """How far the sight line clears the ground, by steps of half a metre along the parabola that joins both ends."""
    offset = target - eye
    share = np.linspace(0, 1, int(np.linalg.norm(offset) / 0.5) + 2)[1:-1]
    flat2 = float(offset @ offset - (offset @ vertical) ** 2)
    # A ray that is bent down by k s^2 / 2R must start higher, and stands highest above its chord half-way.
    bulge = refraction * flat2 / (2 * MEAN_RADIUS_M) * share * (1 - share)
    points = eye + share[:, None] * offset + bulge[:, None] * vertical
    return float(surface.above_m(*points.T).min())


@settings(max_examples=12)
@given(st.integers(0, 2), st.floats(-300, 300), st.floats(-300, 300), st.floats(2, 40), st.floats(-1, 0.5))
def test_an_observer_sees_what_small_steps_along_the_ray_say(
    which: int, east: float, north: float, height: float, refraction: float
) -> None:
    surface = SURFACES[which]
    shed = viewshed_from(surface, east, north, height, LATTICE, reach_m=700.0, target_m=1.5, refraction=refraction)
    eye = np.array([east, north, float(surface.up_m(east, north)) + height])
    easts, norths = LATTICE.centres()
    ups = surface.up_m(easts, norths) + 1.5
    for row, column in np.ndindex(LATTICE.shape):
        target = np.array([easts[row, column], norths[row, column], ups[row, column]])
        reached = np.linalg.norm(target - eye) <= 700
        assert (shed.status[row, column] == OUT_OF_REACH) == (not reached)
        if reached:
            margin = brute_force(surface, eye, np.array([0.0, 0.0, 1.0]), target, refraction)
            if abs(margin) > 0.02:
                seen = bool(shed.seen[row, column])
                assert seen == (margin > 0), (row, column, margin)


def pose(azimuth: float, elevation: float = -3.0, mast: float = 25.0) -> Pose:
    return Pose(latitude_deg=34.0, longitude_deg=41.0, mast_m=mast, azimuth_deg=azimuth, elevation_deg=elevation)


LENS = Lens(width_px=640, height_px=512, horizontal_fov_deg=40.0)


@pytest.mark.parametrize("azimuth", [0.0, 135.0, 290.0])
def test_a_camera_agrees_with_asking_it_point_by_point(azimuth: float) -> None:
    view = CameraView(LENS, pose(azimuth), SURFACES[0], reach_m=500.0)
    mask = Mask(x_px=0, y_px=0, w_px=200, h_px=512)
    shed = camera_viewshed(view, LATTICE, target_m=1.7, masks=[mask])
    east, north = LATTICE.centres()
    x, _, _ = view.project(east, north, view.surface.up_m(east, north) + 1.7)
    assert np.array_equal(shed.seen, view.sees(east, north, 1.7) & ~(x < 200))
    assert 10 < int(shed.seen.sum()) < 200


def test_turning_the_camera_shows_what_all_round_foretold() -> None:
    ahead = CameraView(LENS, pose(0.0), SURFACES[1])
    foretold = camera_viewshed(ahead, LATTICE, all_round=True)
    for azimuth in (70.0, 180.0, 255.0):
        turned = camera_viewshed(CameraView(LENS, pose(azimuth), SURFACES[1]), LATTICE)
        assert np.array_equal(foretold.clear[turned.seen], turned.clear[turned.seen])
        in_both = (turned.status == HIDDEN) | (turned.status == SEEN)
        assert np.array_equal(foretold.clear[in_both], turned.seen[in_both])
    assert set(np.unique(foretold.status)) >= {SEEN, OUT_OF_FIELD}


def test_on_a_smooth_earth_the_horizon_is_where_the_textbook_has_it() -> None:
    surface = Surface(flat_grid(34.0, 41.0, 100.0, 30_000.0), FRAME, 30_000.0)
    lattice = Lattice(west_m=-50.0, north_m=28_000.0, cell_m=100.0, rows=280, columns=1)
    for k in (0.0, 1 / 7, 0.25):
        shed = viewshed_from(surface, 0.0, 0.0, 20.0, lattice, reach_m=30_000.0, target_m=1.0, refraction=k)
        _, north = lattice.centres()
        farthest = north[shed.seen].max()
        expected = math.sqrt(2 * MEAN_RADIUS_M / (1 - k)) * (math.sqrt(20.0) + math.sqrt(1.0))
        # The meridian of WGS84 is curved a little more than the mean sphere there.
        assert farthest == pytest.approx(expected, rel=0.006)


def test_unknown_ground_is_not_seen_and_hides() -> None:
    surface = rough(0, void=True)
    shed = viewshed_from(surface, 300.0, -300.0, 20.0, LATTICE, reach_m=2000.0)
    east, north = LATTICE.centres()
    assert np.array_equal(shed.status == UNKNOWN, np.isnan(surface.up_m(east, north)))
    assert (shed.status == UNKNOWN).any()
    void = east[shed.status == UNKNOWN], north[shed.status == UNKNOWN]
    with pytest.raises(InputError, match="not known"):
        viewshed_from(surface, float(void[0].mean()), float(void[1].mean()), 20.0, LATTICE, reach_m=500.0)


def test_a_higher_target_is_never_seen_less() -> None:
    low, high = (
        viewshed_from(SURFACES[2], 0.0, 0.0, 15.0, LATTICE, reach_m=800.0, target_m=height).clear
        for height in (0.3, 3.0)
    )
    assert (high | ~low).all()
    assert high.sum() > low.sum()
