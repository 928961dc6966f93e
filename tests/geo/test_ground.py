"""Pixels to ground and back, against closed forms, brute force and real terrain."""

import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from marsad.adapters.dem import read_grid
from marsad.geo.elevation import Surface, flat_grid, sample
from marsad.geo.geodesy import (
    ECCENTRICITY2,
    MEAN_RADIUS_M,
    SEMI_MAJOR_M,
    EnuFrame,
    geodetic_from_utm,
    utm_from_geodetic,
)
from marsad.geo.ground import CameraView, GroundHit, dem_error, optics, rotation, site_origin, site_radius_m
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError
from marsad.kernel.position import Position
from marsad.kernel.site import Camera, Lens, Pose, Site, Terrain

EAST0, NORTH0 = 500_000.0, 3_800_000.0
LATITUDE, LONGITUDE = (float(v) for v in geodetic_from_utm(EAST0, NORTH0, 37))
FRAME = EnuFrame(Position(latitude_deg=LATITUDE, longitude_deg=LONGITUDE))
LENS = Lens(width_px=640, height_px=512, horizontal_fov_deg=10)
POSE = Pose(latitude_deg=LATITUDE, longitude_deg=LONGITUDE, mast_m=30, azimuth_deg=0, elevation_deg=-0.5)
FLAT = Surface(flat_grid(LATITUDE, LONGITUDE, 200, 22_000), FRAME, 22_000)


def pose(**changes: float) -> Pose:
    return msgspec.structs.replace(POSE, **changes)


def hit(view: CameraView, x: float, y: float) -> GroundHit:
    found = view.to_ground(x, y)
    assert isinstance(found, GroundHit), found
    return found


def local_surface(height: NDArray[np.float64], step: float = 10.0, radius: float = 3000) -> Surface:
    """A surface whose UTM rows and columns run nearly east and north at the origin (the zone's meridian)."""
    rows, columns = height.shape
    grid = ElevationGrid(
        crs="EPSG:32637",
        west=EAST0 - columns * step / 2,
        north=NORTH0 + rows * step / 2,
        step_x=step,
        step_y=step,
        height_m=height.astype(np.float32),
    )
    return Surface(grid, FRAME, radius)


def northings(rows: int, columns: int, step: float = 10.0) -> NDArray[np.float64]:
    """How far north of the middle every cell's centre is."""
    return np.repeat(((rows / 2 - np.arange(rows) - 0.5) * step)[:, None], columns, axis=1)


def test_the_axis_looks_along_azimuth_and_elevation() -> None:
    view = CameraView(LENS, pose(azimuth_deg=70, elevation_deg=-3, roll_deg=25), FLAT)
    azimuth, elevation = view.azimuth_elevation(320, 256)
    assert math.degrees(azimuth) == pytest.approx(70)
    assert math.degrees(elevation) == pytest.approx(-3)


def test_directions_turn_the_right_way() -> None:
    view = CameraView(LENS, pose(azimuth_deg=70), FLAT)
    right = view.azimuth_elevation(640, 256)
    below = view.azimuth_elevation(320, 512)
    assert math.degrees(right[0]) - 70 == pytest.approx(5, abs=0.01)
    assert below[1] < view.azimuth_elevation(320, 256)[1]
    rolled = CameraView(LENS, pose(azimuth_deg=70, roll_deg=10), FLAT)
    assert rolled.azimuth_elevation(640, 256)[1] < right[1], "rolled clockwise, the right side of the picture dips"


@given(st.floats(0, 6.28), st.floats(-1.5, 1.5), st.floats(-3, 3))
def test_rotations_are_rotations(azimuth: float, elevation: float, roll: float) -> None:
    axes = rotation(azimuth, elevation, roll)
    assert np.allclose(axes @ axes.T, np.eye(3))
    assert np.linalg.det(axes) == pytest.approx(1)


def test_the_vertical_field_of_view_may_differ() -> None:
    given_both = optics(msgspec.structs.replace(LENS, vertical_fov_deg=6.0))
    assert 2 * math.degrees(math.atan(256 / given_both.focal_y_px)) == pytest.approx(6.0)
    assert optics(LENS).focal_x_px == optics(LENS).focal_y_px


@given(
    st.floats(0, 360),
    st.floats(-20, 20),
    st.floats(-30, 30),
    st.floats(0, 640),
    st.floats(0, 512),
    st.floats(10, 15_000),
)
def test_pixels_go_round(azimuth: float, elevation: float, roll: float, x: float, y: float, distance: float) -> None:
    view = CameraView(LENS, pose(azimuth_deg=azimuth, elevation_deg=elevation, roll_deg=roll), FLAT, refraction=0.0)
    place = view.origin + distance * view.directions(x, y)
    assert np.allclose(view.project(*place), [x, y, distance], atol=1e-6)
    assert np.allclose(view.pixel_of(*view.azimuth_elevation(x, y)), [x, y], atol=1e-6)


def test_behind_the_camera_is_no_pixel() -> None:
    x, y, _ = CameraView(LENS, POSE, FLAT).project(0.0, -500.0, 200.0)
    assert np.isnan(x)
    assert np.isnan(y)


def test_a_near_plane_gives_height_over_tangent() -> None:
    view = CameraView(LENS, pose(elevation_deg=-20), FLAT)
    for y in (10, 256, 500):
        down = -float(view.azimuth_elevation(320, y)[1])
        found = hit(view, 320, y)
        assert found.range_m == pytest.approx(30 / math.sin(down), rel=5e-5)
        assert found.grazing_rad == pytest.approx(down, abs=2e-5)
        assert math.hypot(found.east_m, found.north_m) == pytest.approx(30 / math.tan(down), rel=5e-5)


def test_straight_down_is_the_mast() -> None:
    found = hit(CameraView(LENS, pose(elevation_deg=-90), FLAT), 320, 256)
    assert found.range_m == pytest.approx(30, abs=1e-3)
    assert found.grazing_rad == pytest.approx(math.pi / 2, abs=1e-3)


def sphere_range_m(down: float, height: float, refraction: float) -> float:
    """Slant range to a sphere of the meridian's radius along a straight line, corrected for refraction by iteration."""
    sine2 = math.sin(math.radians(LATITUDE)) ** 2
    radius = SEMI_MAJOR_M * (1 - ECCENTRICITY2) / (1 - ECCENTRICITY2 * sine2) ** 1.5 + 200
    s = 0.0
    for _ in range(60):
        drop = refraction * (s * math.cos(down)) ** 2 / (2 * MEAN_RADIUS_M)
        top = radius + height - drop
        b = top * math.sin(down)
        s = b - math.sqrt(b * b - (top * top - radius * radius))
    return s


@pytest.mark.parametrize("refraction", [0.0, 1 / 7, 0.25, -0.5])
def test_a_sphere_with_refraction_gives_the_closed_form(refraction: float) -> None:
    view = CameraView(LENS, POSE, FLAT, refraction=refraction)
    for y in (252, 260, 300, 400, 500):
        down = -float(view.azimuth_elevation(320, y)[1])
        assert hit(view, 320, y).range_m == pytest.approx(sphere_range_m(down, 30, refraction), rel=2e-5)


def test_the_horizon_dips() -> None:
    """It lies sqrt(2 h (1 - k) / R) below the level."""
    view = CameraView(LENS, pose(mast_m=6), FLAT, refraction=1 / 7)
    dip = math.sqrt(2 * 6 * (6 / 7) / MEAN_RADIUS_M)
    above = view.pixel_of(0.0, -dip * 0.97)
    below = view.pixel_of(0.0, -dip * 1.03)
    assert view.to_ground(*(float(v) for v in above)) == "sky"
    assert isinstance(view.to_ground(*(float(v) for v in below)), GroundHit)


def test_farther_than_the_reach_is_beyond() -> None:
    near = CameraView(LENS, POSE, FLAT, reach_m=1000)
    assert near.to_ground(320, 260) == "beyond"
    assert near.to_ground(320, 100) == "sky"


def test_metres_per_pixel_is_the_step_between_neighbours() -> None:
    view = CameraView(LENS, pose(elevation_deg=-8, roll_deg=12), FLAT)
    for x, y in ((320, 256), (20, 30), (600, 500)):
        found = hit(view, x, y)
        step = view.directions([x - 0.5, x + 0.5], [y, y])
        angle = math.acos(min(float(step[0] @ step[1]), 1.0))
        assert found.metres_per_pixel == pytest.approx(found.range_m * angle, rel=1e-3)


def test_a_tilted_plane() -> None:
    slope = 0.1
    surface = local_surface(200 + slope * northings(700, 200))
    view = CameraView(LENS, pose(elevation_deg=-2), surface, refraction=0.0)
    down = -float(view.azimuth_elevation(320, 256)[1])
    found = hit(view, 320, 256)
    across = 30 / (slope + math.tan(down))
    assert found.north_m == pytest.approx(across, rel=2e-3)
    assert found.grazing_rad == pytest.approx(down + math.atan(slope), abs=1e-3)


@pytest.mark.parametrize("width", [1, 3])
@pytest.mark.parametrize("distance", [400, 1500, 2900])
def test_no_ray_tunnels_through_a_thin_ridge(width: int, distance: int) -> None:
    heights = np.full((700, 300), 200.0)
    row = 350 - distance // 10
    heights[row : row + width] = 300.0
    view = CameraView(LENS, pose(elevation_deg=0), local_surface(heights, radius=3400), refraction=0.0)
    for x in np.linspace(1, 639, 25):
        for y in (256 - 20, 256, 258):
            found = hit(view, x, y)
            assert distance - 10 * width - 12 < found.north_m < distance + 12


def test_a_step_hides_what_lies_behind_it() -> None:
    heights = np.full((700, 100), 200.0)
    heights[250:300] = 212.0  # 500 to 1000 m north
    view = CameraView(LENS, pose(elevation_deg=-1), local_surface(heights), refraction=0.0)
    shadow_ends = 1000 * 30 / (30 - 12)
    assert not view.sees(0, 1100)
    assert not view.sees(0, shadow_ends - 60)
    assert view.sees(0, shadow_ends + 60)
    assert view.sees(0, 1100, 12.5), "something tall stands out of the shadow"
    found = [view.to_ground(320, y) for y in np.arange(256.0, 400.0, 0.25)]
    places = [each.north_m for each in found if isinstance(each, GroundHit)]
    assert not [place for place in places if 1015 < place < shadow_ends - 30]
    assert [place for place in places if place > shadow_ends]


def test_voids_end_the_sight_and_so_do_edges() -> None:
    heights = np.full((700, 300), 200.0)
    heights[250:260] = np.nan  # 900 to 1000 m north
    heights[500, 150] = 235.0  # behind the camera: the void may be as high
    view = CameraView(LENS, POSE, local_surface(heights, radius=3400), refraction=0.0)
    lookup = view.lookup()
    assert np.nanmax(lookup.north_m) < 905
    assert set(np.unique(lookup.status)) == {0, 1, 2}
    assert np.isnan(lookup.range_m[lookup.status != 0]).all()
    assert np.isfinite(lookup.range_m[lookup.status == 0]).all()
    assert not view.sees(0, 1500)
    whole = CameraView(LENS, POSE, local_surface(np.full((700, 300), 200.0), radius=3400), refraction=0.0)
    assert whole.to_ground(320, 256 - 20) == "beyond", "this ray comes down past the northern edge"
    assert whole.to_ground(320, 10) == "sky"


def test_a_void_is_taken_to_be_no_higher_than_the_highest_ground_known() -> None:
    heights = np.full((700, 300), 200.0)
    heights[250:260] = np.nan
    view = CameraView(LENS, POSE, local_surface(heights, radius=3400), refraction=0.0)
    assert view.sees(0, 1500)
    assert not view.sees(0, 950)


def test_the_lookup_says_what_single_pixels_say() -> None:
    small = Lens(width_px=32, height_px=24, horizontal_fov_deg=10)
    view = CameraView(small, pose(elevation_deg=-1, roll_deg=5), FLAT)
    lookup = view.lookup()
    for x, y in ((0, 0), (31, 23), (10, 20), (3, 5)):
        found = view.to_ground(x + 0.5, y + 0.5)
        assert isinstance(found, GroundHit) == (lookup.status[y, x] == 0)
        if isinstance(found, GroundHit):
            assert lookup.range_m[y, x] == pytest.approx(found.range_m, rel=1e-6)
            assert lookup.north_m[y, x] == pytest.approx(found.north_m, rel=1e-6)


def test_the_camera_need_not_stand_at_the_origin() -> None:
    """The same camera located in two sites' frames sees the same places on the earth."""
    other = EnuFrame(Position(latitude_deg=LATITUDE + 0.08, longitude_deg=LONGITUDE - 0.1, height_m=50))
    grid = flat_grid(LATITUDE, LONGITUDE, 200, 40_000)
    here, there = Surface(grid, FRAME, 30_000), Surface(grid, other, 30_000)
    for x, y in ((320, 300), (50, 450), (600, 262)):
        one = hit(CameraView(LENS, POSE, here), x, y)
        two = hit(CameraView(LENS, POSE, there), x, y)
        assert one.range_m == pytest.approx(two.range_m, abs=0.02)
        place = FRAME.to_geodetic(one.east_m, one.north_m, one.up_m)
        same = other.to_geodetic(two.east_m, two.north_m, two.up_m)
        assert np.allclose(place[:2], same[:2], rtol=0, atol=3e-7)


def test_cameras_that_cannot_stand_there_are_refused() -> None:
    with pytest.raises(InputError, match=r"50\.0 m below the ground"):
        CameraView(LENS, msgspec.structs.replace(POSE, ground_height_m=120.0), FLAT)
    with pytest.raises(InputError, match="do not know the ground"):
        CameraView(LENS, pose(latitude_deg=LATITUDE + 1), FLAT)
    with pytest.raises(InputError, match="refraction = 1"):
        CameraView(LENS, POSE, FLAT, refraction=1.0)


def test_the_fingerprint_follows_the_pose() -> None:
    assert CameraView(LENS, POSE, FLAT).fingerprint() == CameraView(LENS, POSE, FLAT).fingerprint()
    assert CameraView(LENS, POSE, FLAT).fingerprint() != CameraView(LENS, pose(roll_deg=0.1), FLAT).fingerprint()


def test_a_site_has_an_origin_and_a_radius() -> None:
    one = Camera(id="a", lens=LENS, pose=POSE, reach_m=5000)
    two = Camera(id="b", lens=LENS, pose=pose(latitude_deg=LATITUDE + 0.09), reach_m=3000)
    site = Site(name="s", cameras=(Camera(id="x", lens=LENS), one, two))
    assert site_origin(site) == Position(latitude_deg=LATITUDE, longitude_deg=LONGITUDE)
    assert site_radius_m(msgspec.structs.replace(site, cameras=(one, two)), FRAME) == pytest.approx(13_000, rel=0.01)
    assert site_origin(Site(name="s")) is None
    there = Position(latitude_deg=1, longitude_deg=2)
    assert site_origin(msgspec.structs.replace(site, origin=there)) == there


def test_a_surveyed_lens_leaves_less_terrain_error() -> None:
    terrain = Terrain(sigma_m=3, correlation_m=300)
    assert dem_error(terrain, POSE) == pytest.approx((3 * math.sqrt(2), 1 / 300))
    assert dem_error(terrain, msgspec.structs.replace(POSE, ground_height_m=200.0)) == pytest.approx((3, 2 / 300))


def marched(view: CameraView, grid: ElevationGrid, x: float, y: float) -> float | str:
    """What a pixel meets by walking its ray metre by metre through the closed forms."""
    s = np.arange(0, view.reach_m, 1.0)
    direction = view.directions(x, y)
    sag = view.refraction * (1 - (direction @ view.up) ** 2) * s**2 / (2 * MEAN_RADIUS_M)
    points = view.origin + s[:, None] * direction - sag[:, None] * view.up
    latitude, longitude, height = view.surface.frame.to_geodetic(*points.T)
    above = height - sample(grid, *utm_from_geodetic(latitude, longitude, 11))
    first = int(np.argmax((above <= 0) | np.isnan(above)))
    if above[first] <= 0:
        return float(s[first])
    return "none"


@pytest.mark.parametrize("azimuth", [0, 120, 250])
def test_real_mountains_agree_with_a_march_metre_by_metre(azimuth: float, real: Callable[[str], Path]) -> None:
    grid = read_grid(real("terrain/dem/srtm_bigtujunga30m_utm11.tif"))
    assert grid is not None
    row, column = np.unravel_index(np.argmax(grid.height_m[100:500, 300:900]), (400, 600))
    latitude, longitude = (
        float(v) for v in geodetic_from_utm(grid.west + (column + 300.5) * 30, grid.north - (row + 100.5) * 30, 11)
    )
    frame = EnuFrame(Position(latitude_deg=latitude + 0.03, longitude_deg=longitude - 0.05))
    there = Pose(
        latitude_deg=latitude, longitude_deg=longitude, mast_m=20, azimuth_deg=azimuth, elevation_deg=-4, roll_deg=3
    )
    lens = Lens(width_px=640, height_px=512, horizontal_fov_deg=20)
    view = CameraView(lens, there, Surface(grid, frame, 25_000), reach_m=16_000)
    rng = np.random.default_rng(0)
    for x, y in rng.uniform(0, 1, (60, 2)) * (640, 512):
        found, walked = view.to_ground(x, y), marched(view, grid, x, y)
        if not isinstance(found, GroundHit):
            assert walked == "none"
            continue
        assert isinstance(walked, float)
        assert -0.05 <= walked - found.range_m <= 1.05
        assert np.allclose(view.project(found.east_m, found.north_m, found.up_m)[:2], [x, y], atol=1e-4)
        assert view.sees(found.east_m, found.north_m, 0.5)
