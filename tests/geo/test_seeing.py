"""Who sees a place, against a walk along every sight line in small steps with heights asked on the way."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import MEAN_RADIUS_M, EnuFrame
from marsad.geo.ground import CameraView
from marsad.geo.seeing import Sight, camera_sight, lookout_sight, profile, slope_deg
from marsad.geo.sight import REFRACTION
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError
from marsad.kernel.position import Position
from marsad.kernel.site import Lens, Mask, Pose

HOME = Position(latitude_deg=34.0, longitude_deg=41.0)
FRAME = EnuFrame(HOME)


def rough(seed: int) -> Surface:
    rng = np.random.default_rng(seed)
    size = 120
    heights = gaussian_filter(rng.normal(0, 70, (size, size)), 3) + 300
    step = 1 / 3600
    grid = ElevationGrid(
        crs="EPSG:4326", west=41.0 - size * step / 2, north=34.0 + size * step / 2, step_x=step, step_y=step,
        height_m=heights.astype(np.float32),
    )  # fmt: skip
    return Surface(grid, FRAME, 1200.0)


def here(surface: Surface, east: float, north: float) -> Position:
    found = surface.position(east, north)
    assert found is not None
    return found


def lowest_gap_m(surface: Surface, start: np.ndarray, end: np.ndarray) -> float:
    """The least height of a bent sight line above the ground, asked every two metres."""
    length = float(np.linalg.norm(end - start))
    share = np.linspace(0, 1, int(length / 2) + 2)[1:-1, None]
    points = start + (end - start) * share
    points[:, 2] += REFRACTION * length**2 * (share * (1 - share)).ravel() / (2 * MEAN_RADIUS_M)
    return float(surface.above_m(*points.T).min())


@pytest.mark.parametrize("seed", range(3))
def test_a_lookout_sees_what_a_walk_along_the_line_finds_free(seed: int) -> None:
    surface = rough(seed)
    rng = np.random.default_rng(seed)
    stand = here(surface, 30.0, -40.0)
    eye = np.array([30.0, -40.0, float(surface.up_m(30.0, -40.0)) + 4])
    verdicts = set()
    for _ in range(60):
        east, north = rng.uniform(-800, 800, 2)
        sight = lookout_sight(surface, stand, 4.0, here(surface, east, north), 1.5, reach_m=700.0)
        target = np.array([east, north, float(surface.up_m(east, north)) + 1.5])
        far = np.linalg.norm(target - eye) > 700
        gap = lowest_gap_m(surface, eye, target)
        verdicts.add(sight.verdict)
        assert sight.range_m == pytest.approx(np.linalg.norm(target - eye), abs=0.01)
        if abs(gap) > 0.05:
            assert sight.verdict == ("out_of_reach" if far else "seen" if gap > 0 else "hidden")
            assert (sight.needs_m is None) or gap < 0
        if sight.needs_m is not None:
            seen_from = target + np.array([0, 0, sight.needs_m + 0.1 - 1.5])
            assert lowest_gap_m(surface, eye, seen_from) > -0.05
            assert lowest_gap_m(surface, eye, seen_from - (0, 0, 0.6)) < 0.05
    assert verdicts == {"seen", "hidden", "out_of_reach"}


def camera(surface: Surface) -> CameraView:
    lens = Lens(width_px=640, height_px=480, horizontal_fov_deg=40.0)
    pose = Pose(latitude_deg=34.0, longitude_deg=41.0, mast_m=20.0, azimuth_deg=90.0, elevation_deg=0.0)
    return CameraView(lens, pose, surface, reach_m=900.0)


def test_a_camera_says_why_it_does_not_see() -> None:
    surface = Surface(flat_grid(34.0, 41.0, 300.0, 3000.0), FRAME, 3000.0)
    view = camera(surface)

    def verdict(east: float, north: float, *masks: Mask) -> Sight:
        return camera_sight(view, here(surface, east, north), 1.0, masks)

    ahead = verdict(500.0, 0.0)
    assert (ahead.verdict, ahead.needs_m, ahead.screen_m) == ("seen", None, None)
    assert ahead.azimuth_deg == pytest.approx(90.0, abs=0.01)
    assert verdict(-500.0, 0.0).verdict == "out_of_field"
    assert verdict(1000.0, 0.0).verdict == "out_of_reach"
    whole = Mask(x_px=0, y_px=0, w_px=640, h_px=480)
    assert verdict(500.0, 0.0, whole).verdict == "out_of_field"


def test_a_camera_agrees_with_its_own_projection() -> None:
    surface = rough(5)
    view = camera(surface)
    rng = np.random.default_rng(1)
    for east, north in rng.uniform(-900, 900, (80, 2)):
        sight = camera_sight(view, here(surface, east, north), 1.0)
        assert (sight.verdict == "seen") == bool(view.sees(east, north, 1.0))


def test_a_profile_shows_the_ground_and_where_it_first_stands_in_the_way() -> None:
    surface = rough(2)
    rng = np.random.default_rng(7)
    hidden = 0
    for east, north in rng.uniform(-900, 900, (30, 2)):
        start, end = here(surface, 0.0, 0.0), here(surface, east, north)
        drawn = profile(surface, start, 3.0, end, 1.0)
        eye = np.array([0.0, 0.0, float(surface.up_m(0.0, 0.0)) + 3])
        target = np.array([east, north, float(surface.up_m(east, north)) + 1])
        gap = lowest_gap_m(surface, eye, target)
        if abs(gap) > 0.05:
            assert drawn.clear == (gap > 0)
        over = np.array(drawn.sight_m) - np.array(drawn.ground_m, float)
        assert over[0] == pytest.approx(3.0, abs=0.01)
        assert over[-1] == pytest.approx(1.0, abs=0.01)
        if drawn.screen_m is not None:
            hidden += 1
            before = np.array(drawn.distance_m) < drawn.screen_m - 5
            assert (over[before] > -0.05).all()
    assert hidden > 3


def test_slopes_are_those_of_a_tilted_plane() -> None:
    size, step = 200, 10.0
    falling = 500 - 0.25 * step * np.arange(size)  # eastward, one in four
    grid = ElevationGrid(
        crs="EPSG:32637", west=684_600.0 - 1000, north=3_763_900.0 + 1000, step_x=step, step_y=step,
        height_m=np.tile(falling, (size, 1)).astype(np.float32),
    )  # fmt: skip
    surface = Surface(grid, FRAME, 800.0)
    steep, falls = slope_deg(surface, HOME)
    assert steep == pytest.approx(np.degrees(np.arctan(0.25)), abs=0.05)
    assert falls == pytest.approx(90.0, abs=1.5)  # the grid's north is not quite the site's


def test_places_without_known_ground_are_refused() -> None:
    surface = rough(1)
    away = Position(latitude_deg=35.0, longitude_deg=41.0)
    with pytest.raises(InputError, match="not known"):
        lookout_sight(surface, HOME, 2.0, away, 1.0, reach_m=1e6)
    with pytest.raises(InputError, match="a metre apart"):
        profile(surface, HOME, 2.0, HOME, 1.0)
