import math

import numpy as np
import pytest

from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.position import Position
from marsad.kernel.site import Lens, Mask, Pose, Terrain
from marsad.report.crossing import Places
from marsad.report.view import HIDDEN, OUTSIDE, SEEN, SMALL, Eye, squared

LENS = Lens(width_px=640, height_px=512, horizontal_fov_deg=12.0)
POSE = Pose(latitude_deg=34.0, longitude_deg=41.0, mast_m=20.0, azimuth_deg=0.0, elevation_deg=-1.5)
FOCAL_PX = 320 / math.tan(math.radians(6))


@pytest.fixture(scope="module")
def surface() -> Surface:
    frame = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0, height_m=100.0))
    return Surface(flat_grid(34.0, 41.0, 100.0, 5000.0), frame, 5000.0)


@pytest.fixture(scope="module")
def eye(surface: Surface) -> Eye:
    return Eye("mast", CameraView(LENS, POSE, surface), Terrain(flat_height_m=100.0))


def at(*places: tuple[float, float], sigma_m: float = 3.0, pace: tuple[float, float] = (0.0, 0.0)) -> Places:
    east, north = np.array(places, float).T
    return Places(
        time_ns=np.arange(len(places)) * 10**9,
        east_m=east,
        north_m=north,
        east_m_s=np.full(len(places), pace[0]),
        north_m_s=np.full(len(places), pace[1]),
        sigma_m=np.full(len(places), sigma_m),
    )


def test_how_tall_somebody_appears_is_his_height_over_the_range(eye: Eye) -> None:
    look = eye.look(at((0.0, 500.0), (0.0, 1000.0)), 1.75, 5.0)
    assert look.height_px == pytest.approx([FOCAL_PX * 1.75 / 500, FOCAL_PX * 1.75 / 1000], rel=0.01)
    assert look.range_m == pytest.approx([math.hypot(500, 20), math.hypot(1000, 20)], rel=1e-3)
    assert look.sight.tolist() == [SEEN, SEEN]


def test_what_is_outside_too_small_or_unknown_is_told_apart(eye: Eye) -> None:
    beside_m = 600 * math.tan(math.radians(6))
    look = eye.look(at((beside_m - 2, 600), (beside_m + 2, 600), (0, -600), (0, 1500), (math.nan, math.nan)), 1.75, 5.0)
    assert look.sight.tolist() == [SEEN, OUTSIDE, OUTSIDE, SMALL, OUTSIDE]


def test_a_mask_hides_what_stands_in_it(surface: Surface) -> None:
    view = CameraView(LENS, POSE, surface)
    x, y, _ = view.project(0.0, 600.0, float(surface.up_m(0.0, 600.0)) + 0.9)
    mask = Mask(x_px=int(x) - 3, y_px=int(y) - 3, w_px=6, h_px=6)
    masked = Eye("mast", view, Terrain(), (mask,))
    assert masked.look(at((0.0, 600.0), (20.0, 600.0)), 1.75, 5.0).sight.tolist() == [OUTSIDE, SEEN]


def test_beyond_its_reach_a_camera_sees_nobody(surface: Surface) -> None:
    near = Eye("mast", CameraView(LENS, POSE, surface, reach_m=550.0), Terrain())
    assert near.look(at((0.0, 500.0), (0.0, 600.0)), 1.75, 5.0).sight.tolist() == [SEEN, OUTSIDE]


def test_dead_ground_lies_behind_a_crest() -> None:
    frame = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0, height_m=100.0))
    grid = flat_grid(34.0, 41.0, 100.0, 3000.0)
    heights = np.array(grid.height_m)
    rows = np.abs(grid.north - (np.arange(heights.shape[0]) + 0.5) * grid.step_y - 34.0027) < grid.step_y
    heights[rows] += 30
    crest = Surface(
        type(grid)(**{**{f: getattr(grid, f) for f in grid.__struct_fields__}, "height_m": heights}), frame, 3000.0
    )
    blocked = Eye("mast", CameraView(LENS, POSE, crest), Terrain())
    assert blocked.look(at((0.0, 900.0)), 1.75, 5.0).sight.tolist() == [HIDDEN]


def test_in_the_picture_a_walker_off_by_one_sigma_is_one_sigma_off(eye: Eye) -> None:
    """Across the sight all errors are known in closed form: GPS, pose, clock, and 2 px of the box itself."""
    view, far_m, sigma_m, pace_m_s, clock_s = eye.view, 600.0, 3.0, 1.5, 2.0
    per_m = FOCAL_PX / far_m
    azimuth_px = FOCAL_PX * math.radians(view.pose.sigma.azimuth_deg)
    sigma_px = math.sqrt((per_m * sigma_m) ** 2 + (per_m * pace_m_s * clock_s) ** 2 + azimuth_px**2 + 2.0**2)
    x, y, _ = view.project(0.0, far_m, float(view.surface.up_m(0.0, far_m)))
    feet = np.array([[x + sigma_px, y], [x + 3 * sigma_px, y]])
    walker = at((0.0, far_m), (0.0, far_m), sigma_m=sigma_m, pace=(pace_m_s, 0.0))
    found = eye.picture_distance2(walker, feet, np.array([9.0, 9.0]), clock_s)
    assert found == pytest.approx([1, 9], rel=0.02)


def test_distances_agree_with_the_inverse_covariance() -> None:
    rng = np.random.default_rng(1)
    root = rng.normal(size=(20, 2, 2))
    spread = root @ np.swapaxes(root, 1, 2) + 0.1 * np.eye(2)
    off = rng.normal(size=(20, 2))
    expected = [float(o @ np.linalg.inv(s) @ o) for o, s in zip(off, spread, strict=True)]
    assert squared(off, spread) == pytest.approx(expected)
    assert np.isinf(squared(np.array([[np.nan, 0.0]]), np.eye(2)[None])).all()
