"""Places with their uncertainty, against closed forms and Monte Carlo over every source of error."""

import math
import timeit
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from marsad.adapters.dem import read_grid
from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import MEAN_RADIUS_M, EnuFrame, geodetic_from_utm
from marsad.geo.ground import CameraView, GroundHit, dem_error, rotation
from marsad.geo.sight import GROUND, bent, cast, point_on
from marsad.kernel.detection import Box
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.position import GroundState, Position
from marsad.kernel.site import Lens, Pose, PoseSigma, Terrain
from marsad.watch.geolocate import Geolocator

EAST0, NORTH0 = 500_000.0, 3_800_000.0
LATITUDE, LONGITUDE = (float(v) for v in geodetic_from_utm(EAST0, NORTH0, 37))
FRAME = EnuFrame(Position(latitude_deg=LATITUDE, longitude_deg=LONGITUDE))
LENS = Lens(width_px=640, height_px=512, horizontal_fov_deg=10)
SIGMA = PoseSigma(azimuth_deg=0.05, elevation_deg=0.02, roll_deg=0.1, horizontal_m=2.0, height_m=0.3)
POSE = Pose(
    latitude_deg=LATITUDE,
    longitude_deg=LONGITUDE,
    mast_m=30,
    azimuth_deg=30,
    elevation_deg=-0.5,
    roll_deg=1,
    sigma=SIGMA,
)
FLAT = Surface(flat_grid(LATITUDE, LONGITUDE, 200, 22_000), FRAME, 22_000)
TERRAIN = Terrain(sigma_m=1.0, correlation_m=300)
PIXEL = (1.0, 1.5)


def locate(geolocator: Geolocator, x: float, y: float, sigma: tuple[float, float] = PIXEL) -> GroundState:
    found = geolocator.locate((x, y), sigma)
    assert found is not None
    return found


def matrix(ground: GroundState) -> NDArray[np.float64]:
    cov = ground.covariance
    return np.array([[cov.east_m2, cov.east_north_m2], [cov.east_north_m2, cov.north_m2]])


def truths(view: CameraView, terrain: Terrain, x: float, y: float, count: int, seed: int) -> NDArray[np.float64]:
    """Where the object may really be: every source of error drawn on its own, the camera rebuilt from its angles."""
    rng = np.random.default_rng(seed)
    pose, sigma, optic = view.pose, view.pose.sigma, view.optics
    offset, rate = dem_error(terrain, pose)
    places = []
    for draw in rng.standard_normal((count, 9)):
        axes = (
            rotation(
                math.radians(pose.azimuth_deg + sigma.azimuth_deg * draw[0]),
                math.radians(pose.elevation_deg + sigma.elevation_deg * draw[1]),
                math.radians(pose.roll_deg + sigma.roll_deg * draw[2]),
            )
            @ view.to_site
        )
        across = (x + PIXEL[0] * draw[3] - optic.centre_x_px) / optic.focal_x_px
        down = (y + PIXEL[1] * draw[4] - optic.centre_y_px) / optic.focal_y_px
        direction = np.array([across, down, 1.0]) @ axes
        direction /= np.linalg.norm(direction)
        lens = view.origin + np.array([draw[5], draw[6], 0]) * sigma.horizontal_m + view.up * sigma.height_m * draw[7]
        ray = bent((*lens.tolist(), *direction.tolist(), *view.up.tolist(), 0.0), view.refraction)
        lift = (float(draw[8]), 0.0, offset**2, rate)
        status, s = cast(view.surface.arrays, ray, 0.0, view.reach_m, lift)
        if status == GROUND:
            places.append(point_on(ray, s)[:2])
    return np.array(places)


def nees(view: CameraView, terrain: Terrain, x: float, y: float, count: int = 1500, seed: int = 0) -> float:
    """Normalised squared error per degree of freedom."""
    ground = locate(Geolocator(view, terrain), x, y)
    error = truths(view, terrain, x, y, count, seed) - [ground.east_m, ground.north_m]
    return float(np.mean(np.einsum("ni,ij,nj->n", error, np.linalg.inv(matrix(ground)), error)) / 2)


def test_the_place_is_where_the_pixel_looks() -> None:
    view = CameraView(LENS, POSE, FLAT)
    hit = view.to_ground(200, 320)
    assert isinstance(hit, GroundHit)
    ground = locate(Geolocator(view, TERRAIN), 200, 320)
    assert (ground.east_m, ground.north_m, ground.range_m) == pytest.approx((hit.east_m, hit.north_m, hit.range_m))
    place = FRAME.position(hit.east_m, hit.north_m, hit.up_m)
    assert ground.position.latitude_deg == pytest.approx(place.latitude_deg, abs=1e-10)
    assert ground.position.longitude_deg == pytest.approx(place.longitude_deg, abs=1e-10)
    assert ground.position.height_m == pytest.approx(200, abs=0.02)


def test_the_sky_has_no_place() -> None:
    assert Geolocator(CameraView(LENS, POSE, FLAT), TERRAIN).locate((320, 10), PIXEL) is None


def test_the_covariance_is_long_in_range_and_thin_across() -> None:
    """sigma_range = R^2 s / h and sigma_across = R s, for the pixel alone."""
    sure = msgspec.structs.replace(
        POSE, roll_deg=0.0, sigma=PoseSigma(azimuth_deg=0, elevation_deg=0, roll_deg=0, horizontal_m=0, height_m=0)
    )
    view = CameraView(LENS, sure, FLAT, refraction=0.0)
    ground = locate(Geolocator(view, Terrain(sigma_m=0)), 320, 330, (0.5, 0.5))
    angle = 0.5 / view.optics.focal_x_px
    size, axes = np.linalg.eigh(matrix(ground))
    assert math.sqrt(size[0]) == pytest.approx(ground.range_m * angle, rel=0.01)
    assert math.sqrt(size[1]) == pytest.approx(ground.range_m**2 * angle / 30, rel=0.03)
    sight = np.array([ground.east_m, ground.north_m]) / math.hypot(ground.east_m, ground.north_m)
    assert abs(axes[:, 1] @ sight) == pytest.approx(1, abs=1e-4)


def test_each_source_adds_its_closed_form() -> None:
    """On near-level ground: azimuth R s across, lens height R s / h along, a moved camera its own sigma both ways."""
    none = PoseSigma(azimuth_deg=0, elevation_deg=0, roll_deg=0, horizontal_m=0, height_m=0)
    heading = math.radians(POSE.azimuth_deg)
    along = np.array([math.sin(heading), math.cos(heading)])
    across = np.array([along[1], -along[0]])

    def sigmas(**changes: float) -> tuple[float, float]:
        pose = msgspec.structs.replace(POSE, roll_deg=0.0, sigma=msgspec.structs.replace(none, **changes))
        ground = locate(Geolocator(CameraView(LENS, pose, FLAT), Terrain(sigma_m=0)), 320, 420, (0, 0))
        cov = matrix(ground)
        return math.sqrt(max(along @ cov @ along, 0)), math.sqrt(max(across @ cov @ across, 0))

    reach = locate(
        Geolocator(CameraView(LENS, msgspec.structs.replace(POSE, roll_deg=0.0), FLAT), TERRAIN), 320, 420
    ).range_m
    assert sigmas(azimuth_deg=0.1) == pytest.approx((0, reach * math.radians(0.1)), rel=0.01, abs=0.02)
    assert sigmas(height_m=0.5) == pytest.approx((reach * 0.5 / 30, 0), rel=0.01, abs=0.02)
    assert sigmas(horizontal_m=2.0) == pytest.approx((2, 2), rel=0.01)
    assert sigmas(elevation_deg=0.02) == pytest.approx((reach**2 * math.radians(0.02) / 30, 0), rel=0.02, abs=0.02)


@pytest.mark.parametrize(("x", "y"), [(320, 500), (100, 400), (600, 350), (320, 300), (320, 270)])
@pytest.mark.parametrize("dem_sigma", [0.0, 3.0])
def test_nees_on_curved_ground(x: float, y: float, dem_sigma: float) -> None:
    assert 0.8 < nees(CameraView(LENS, POSE, FLAT), Terrain(sigma_m=dem_sigma, correlation_m=300), x, y) < 1.2


def test_nees_on_a_plane_without_curvature() -> None:
    """A grid shaped to cancel the earth's curve is a plane in the site's frame."""
    step, rows = 30.0, 400
    offset = (np.arange(rows) - rows / 2 + 0.5) * step
    bulge = 200 + (offset[:, None] ** 2 + offset[None, :] ** 2) / (2 * MEAN_RADIUS_M)
    grid = ElevationGrid(
        crs="EPSG:32637", west=EAST0 - rows * step / 2, north=NORTH0 + rows * step / 2, step_x=step, step_y=step,
        height_m=bulge.astype(np.float32),
    )  # fmt: skip
    view = CameraView(LENS, POSE, Surface(grid, FRAME, 5000), refraction=0.0)
    for y in (300, 400, 500):
        ground = locate(Geolocator(view, TERRAIN), 320, y)
        down = -float(view.azimuth_elevation(320, y)[1])
        assert ground.range_m * math.cos(down) == pytest.approx(30 / math.tan(down), rel=2e-3)
        assert 0.8 < nees(view, TERRAIN, 320, y) < 1.2


def real_view(terrain: Path, azimuth: float) -> CameraView:
    grid = read_grid(terrain)
    assert grid is not None
    row, column = np.unravel_index(np.argmax(grid.height_m[100:500, 300:900]), (400, 600))
    latitude, longitude = (
        float(v) for v in geodetic_from_utm(grid.west + (column + 300.5) * 30, grid.north - (row + 100.5) * 30, 11)
    )
    frame = EnuFrame(Position(latitude_deg=latitude, longitude_deg=longitude))
    pose = msgspec.structs.replace(
        POSE, latitude_deg=latitude, longitude_deg=longitude, mast_m=20, azimuth_deg=azimuth, elevation_deg=-6
    )
    return CameraView(LENS, pose, Surface(grid, frame, 20_000))


def test_nees_on_real_mountains_away_from_ridges(real: Callable[[str], Path]) -> None:
    terrain = real("terrain/dem/srtm_bigtujunga30m_utm11.tif")
    scores = []
    for azimuth in (120, 160, 250):
        view = real_view(terrain, azimuth)
        geolocator = Geolocator(view, TERRAIN)
        for x, y in np.random.default_rng(azimuth).uniform(0, 1, (12, 2)) * (640, 512):
            ground = geolocator.locate((x, y), PIXEL)
            if ground is not None and not ground.multimodal:
                scores.append(nees(view, TERRAIN, x, y, 300))
    assert len(scores) > 20
    assert 0.8 < np.median(scores) < 1.2
    assert np.mean([0.75 < score < 1.25 for score in scores]) > 0.9


def ridge_view(crest_m: float) -> CameraView:
    """Level ground with a ridge 600 m north and lower ground behind it."""
    step, rows = 10.0, 700
    north = (rows / 2 - np.arange(rows) - 0.5) * step
    profile = 200 + crest_m * np.exp(-(((north - 600) / 60) ** 2))
    grid = ElevationGrid(
        crs="EPSG:32637", west=EAST0 - rows * step / 2, north=NORTH0 + rows * step / 2, step_x=step, step_y=step,
        height_m=np.repeat(profile[:, None], rows, axis=1).astype(np.float32),
    )  # fmt: skip
    pose = msgspec.structs.replace(POSE, azimuth_deg=0.0, elevation_deg=-1.5, roll_deg=0.0)
    return CameraView(LENS, pose, Surface(grid, FRAME, 3400))


def test_a_ridge_line_is_flagged_and_its_covariance_covers_both_sides() -> None:
    view = ridge_view(18.0)
    geolocator = Geolocator(view, Terrain(sigma_m=0.2))
    crest = float(view.project(0.0, 600.0, float(view.surface.up_m(0, 600)))[1])
    on_crest = locate(geolocator, 320, crest + 0.3)
    assert on_crest.multimodal
    truth = truths(view, Terrain(sigma_m=0.2), 320, crest + 0.3, 600, 1)
    assert truth[:, 1].max() - truth[:, 1].min() > 500, "some draws land behind the ridge"
    assert geolocator.range_sigma_m(on_crest) > 0.5 * float(np.std(truth[:, 1]))
    assert not locate(geolocator, 320, crest + 40).multimodal
    assert not locate(geolocator, 320, 500).multimodal


def test_no_ridge_is_seen_on_flat_ground() -> None:
    geolocator = Geolocator(CameraView(LENS, POSE, FLAT), TERRAIN)
    assert not any(locate(geolocator, x, y).multimodal for x in (10, 320, 630) for y in (290, 350, 500))


def test_the_horizon_is_flagged() -> None:
    """From a low mast the horizon is near, and some of the likely rays pass over it."""
    view = CameraView(LENS, msgspec.structs.replace(POSE, mast_m=5.0), FLAT)
    dip = math.sqrt(2 * 5 * (6 / 7) / MEAN_RADIUS_M)
    x, y = (float(v) for v in view.pixel_of(math.radians(30), -dip - 0.0004))
    assert locate(Geolocator(view, Terrain(sigma_m=0.1)), x, y).multimodal


def test_velocity_follows_the_ground() -> None:
    view = CameraView(LENS, POSE, FLAT)
    start = np.array([600.0, 1000.0])
    speed = np.array([1.2, -0.7])
    feet = [
        np.array([float(v) for v in view.project(*place, float(view.surface.up_m(*place)))[:2]])
        for place in (start, start + 0.1 * speed)
    ]
    velocity = (feet[1] - feet[0]) / 0.1
    found = Geolocator(view, TERRAIN).locate(
        (float(feet[0][0]), float(feet[0][1])), PIXEL, (float(velocity[0]), float(velocity[1]))
    )
    assert found is not None
    assert (found.velocity_east_m_s, found.velocity_north_m_s) == pytest.approx(tuple(speed), abs=0.02)
    assert (found.east_m, found.north_m) == pytest.approx(tuple(start), abs=0.05)


def test_the_bearing_is_the_pixels_with_its_covariance() -> None:
    view = CameraView(LENS, msgspec.structs.replace(POSE, elevation_deg=-20.0, version=7), FLAT)
    measured = Geolocator(view, TERRAIN).bearing((500, 400), (1.0, 2.0), 123)
    azimuth, elevation = view.azimuth_elevation(500, 400)
    assert (measured.azimuth_rad, measured.elevation_rad) == pytest.approx((float(azimuth), float(elevation)))
    assert (measured.time_ns, measured.pose_version) == (123, 7)
    rng = np.random.default_rng(0)
    drawn = np.stack(view.azimuth_elevation(500 + rng.normal(0, 1, 200_000), 400 + rng.normal(0, 2, 200_000)))
    expected = np.cov(drawn)
    assert measured.azimuth_rad2 == pytest.approx(expected[0, 0], rel=0.02)
    assert measured.elevation_rad2 == pytest.approx(expected[1, 1], rel=0.02)
    assert measured.azimuth_elevation_rad2 == pytest.approx(expected[0, 1], abs=0.02 * expected[1, 1])


def test_a_person_has_a_persons_size() -> None:
    view = CameraView(LENS, msgspec.structs.replace(POSE, roll_deg=0.0), FLAT)
    geolocator = Geolocator(view, TERRAIN)
    up = float(view.surface.up_m(500, 870))
    foot_x, foot_y, _ = (float(v) for v in view.project(500, 870, up))
    _, head_y, _ = (float(v) for v in view.project(500, 870, up + 1.75))
    ground = locate(geolocator, foot_x, foot_y)
    assert geolocator.metres_per_pixel((foot_x, foot_y)) == pytest.approx(
        ground.range_m / view.optics.focal_x_px, rel=0.01
    )
    assert geolocator.metres_per_pixel((320, 5)) is None
    box = Box(x_px=foot_x - 2, y_px=head_y, w_px=4, h_px=foot_y - head_y)
    size = geolocator.size(box, ground)
    assert size.height_m == pytest.approx(1.75, abs=0.02)
    assert size.width_m == pytest.approx(4 * ground.range_m / view.optics.focal_x_px, rel=0.01)
    assert size.sigma_m > 1.75 * geolocator.range_sigma_m(ground) / ground.range_m


def test_a_low_mast_is_never_put_under_the_ground() -> None:
    view = CameraView(LENS, msgspec.structs.replace(POSE, mast_m=1.0, elevation_deg=-3.0), FLAT)
    ground = locate(Geolocator(view, Terrain(sigma_m=5.0)), 320, 400)
    assert np.linalg.eigvalsh(matrix(ground))[0] > 0
    assert ground.range_m < 30


def test_it_is_cheap() -> None:
    geolocator = Geolocator(CameraView(LENS, POSE, FLAT), TERRAIN)
    locate(geolocator, 320, 300)
    best = min(timeit.repeat(lambda: geolocator.locate((320, 300), PIXEL, (1.0, 0.5)), number=300, repeat=5)) / 300
    assert best < 200e-6, "a guard against a call that became slow; the figure itself is in the geometry page"
