"""The empty scene: what is warm and cold in it, what hides what, and that all cameras see one world."""

from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter

import msgspec
import numpy as np
import pytest

from marsad.geo.ground import CameraView
from marsad.kernel.site import Lens
from marsad.simulate.backdrop import Backdrop, backdrop
from marsad.simulate.feature import (
    Boulders,
    Building,
    Feature,
    Fence,
    Patch,
    River,
    Road,
    Rocks,
    Shrubs,
    Town,
    Trees,
    Wadi,
    Wall,
)
from marsad.simulate.weather import Weather

MakeView = Callable[..., CameraView]
NIGHT = datetime(2026, 8, 8, 21, tzinfo=UTC)
NOON = datetime(2026, 8, 8, 9, 30, tzinfo=UTC)
CALM = Weather(air_c=29, wind_m_s=1.5, humidity=0.25)


def build(
    view: CameraView, *features: Feature, weather: Weather = CALM, start: datetime = NIGHT, seed: int = 1
) -> Backdrop:
    return backdrop(view, view.lookup(), weather, start, features, np.random.default_rng(seed))


def at(view: CameraView, values: np.ndarray, east_m: float, north_m: float, height_m: float = 0.0) -> float:
    """What an array holds where a place appears."""
    up = float(view.surface.up_m(east_m, north_m)) + height_m
    x, y, _ = (float(value) for value in view.project(east_m, north_m, up))
    assert view.in_picture(x, y)
    return float(values[int(y), int(x)])


@pytest.fixture(scope="module")
def view(make_view: MakeView) -> CameraView:
    """A camera that sees the ground from 450 to 2400 m and the sky above."""
    return make_view(elevation_deg=-0.7)


def test_the_same_world_comes_out_twice_and_another_seed_is_another_world(view: CameraView) -> None:
    one, two, other = build(view), build(view), build(view, seed=2)
    np.testing.assert_array_equal(one.kelvin, two.kelvin)
    assert np.abs(one.kelvin - other.kelvin).mean() > 0.1


def test_every_pixel_has_a_temperature_and_only_the_sky_is_without_end(view: CameraView) -> None:
    scene = build(view, Fence(points=((-40, 700), (40, 700))), River(points=((-200, 900), (200, 900))))
    assert np.isfinite(scene.kelvin).all()
    assert not (np.isinf(scene.range_m) & (scene.lookup.status == 0)).any()
    assert np.isinf(scene.range_m[0]).all()
    assert not scene.kelvin.flags.writeable


def test_the_sky_is_colder_upwards_and_meets_the_air_at_the_horizon(view: CameraView) -> None:
    scene = build(view)
    above = np.isinf(scene.range_m).all(axis=1)
    column = scene.kelvin[above, 80]
    assert len(column) > 20
    assert np.all(np.diff(column)[:-6] >= 0)
    assert column[-7] - column[0] > 0.2
    assert scene.air.kelvin - 3 < column[-1] < scene.air.kelvin


def test_clouds_make_the_sky_uneven(view: CameraView) -> None:
    def unevenness(weather: Weather) -> float:
        return float(build(view, weather=weather).kelvin[:6].std(axis=1).mean())

    # From a mast over flat ground only the lowest degree of the sky is seen: clouds there lie behind much air.
    assert unevenness(CALM) < 0.02
    assert unevenness(msgspec.structs.replace(CALM, cloud=0.5)) > 2 * unevenness(CALM)


def test_rocks_are_warm_by_night_and_cool_by_noon(view: CameraView) -> None:
    rocks = Rocks(east_m=0.0, north_m=700.0, radius_m=4.0, count=12, size_m=3.0)
    for start, sign in ((NIGHT, 1), (NOON, -1)):
        bare, rocky = build(view, start=start), build(view, rocks, start=start)
        changed = rocky.range_m < bare.range_m - 5
        assert changed.sum() > 100
        assert sign * float(np.median(rocky.kelvin[changed] - bare.kelvin[changed])) > 0.5


def test_asphalt_is_warmer_than_soil_by_noon_and_by_night(view: CameraView) -> None:
    road = Road(points=((-200, 800), (200, 800)), width_m=60)
    for start in (NIGHT, NOON):
        bare, paved = build(view, start=start), build(view, road, start=start)
        assert at(view, paved.kelvin, 0, 800) - at(view, bare.kelvin, 0, 800) > 0.5
        assert at(view, paved.kelvin, 0, 700) == pytest.approx(at(view, bare.kelvin, 0, 700))


def test_water_shows_the_sky_and_is_marked(view: CameraView) -> None:
    river = River(points=((-300, 800), (300, 800)), width_m=120, reeds_m=0, palms_per_km=0)
    scene = build(view, river)
    assert at(view, scene.water, 0, 800) == pytest.approx(1)
    assert at(view, scene.water, 0, 650) == 0
    wide = scene.water > 0.99
    # Warmer than the air as water is by night, it still looks colder than the soil around, for it mirrors the sky.
    assert scene.kelvin[wide].mean() < scene.kelvin[(scene.water == 0) & (scene.lookup.status == 0)].mean() - 1


def test_a_patch_changes_the_ground_within_it_alone(view: CameraView) -> None:
    bare = build(view, start=NOON)
    field = build(view, Patch(points=((-12, 700), (12, 700), (12, 900), (-12, 900)), material="grass"), start=NOON)
    assert at(view, field.kelvin, 0, 800) < at(view, bare.kelvin, 0, 800) - 2
    assert at(view, field.kelvin, -15, 800) == pytest.approx(at(view, bare.kelvin, -15, 800))
    assert at(view, field.kelvin, 0, 650) == pytest.approx(at(view, bare.kelvin, 0, 650))


def test_a_house_stands_before_what_is_behind_it_and_has_warm_windows(view: CameraView) -> None:
    def house(windows: float) -> Backdrop:
        return build(view, Building(east_m=0, north_m=700, width_m=14, height_m=6, windows=windows, warm_k=8))

    lit, dark = house(1.0), house(0.0)
    # The wall that the camera sees stands half a depth before the middle.
    assert at(view, lit.range_m, 0, 696, 3.0) == pytest.approx(696, abs=3)
    panes = lit.kelvin - dark.kelvin > 4
    assert 0.03 < panes.sum() / (14 * 6 * (view.optics.focal_x_px / 696) ** 2) < 0.3


def test_a_fence_veils_by_its_mesh(view: CameraView) -> None:
    scene = build(view, Fence(points=((-60, 700), (60, 700)), height_m=6.0, mesh=0.25, wires=0))
    veiled = scene.veil[scene.veil > 0.01]
    assert np.median(veiled) == pytest.approx(0.25, abs=0.02)
    assert float(np.median(scene.veil_range_m[scene.veil > 0.01])) == pytest.approx(700, abs=5)
    assert at(view, scene.range_m, 1.5, 700, 4.0) > 750


def test_palms_reeds_walls_towns_and_wadis_stand_in_the_picture(view: CameraView) -> None:
    bare = build(view)
    things: list[Feature] = [
        Trees(east_m=0, north_m=800, radius_m=15, count=8),
        Trees(east_m=0, north_m=800, radius_m=15, count=8, palms=True),
        Wall(points=((-15, 800), (15, 800)), height_m=4),
        Town(east_m=0, north_m=900, radius_m=80, buildings=12, lamps=4),
        Wadi(points=((-30, 700), (30, 900)), bushes_per_100_m=40, reeds=True),
        River(points=((-100, 800), (100, 800)), width_m=20, reeds_m=8),
        Shrubs(per_hectare=400, height_m=0.8, east_m=0, north_m=800, radius_m=60),
        Boulders(per_hectare=400, height_m=0.8, east_m=0, north_m=800, radius_m=60),
    ]
    for thing in things:
        scene = build(view, thing)
        assert np.isfinite(scene.kelvin).all()
        assert (scene.range_m < bare.range_m - 2).sum() > 40, thing
        # Everything is within a few tens of kelvin of the air.
        assert np.abs(scene.kelvin - scene.air.kelvin).max() < 60


def test_nothing_of_a_feature_and_what_lies_off_the_ground_change_nothing_else(view: CameraView) -> None:
    bare = build(view)
    for thing in (
        Trees(east_m=0, north_m=800, count=0),
        Rocks(east_m=0, north_m=800, count=0),
        Town(east_m=0, north_m=800, buildings=0, lamps=0),
        Shrubs(per_hectare=0),
        River(points=((0, 90_000), (900, 90_000))),
        Fence(points=((0, 90_000), (900, 90_000))),
        Building(east_m=90_000, north_m=0),
        Wall(points=((90_000, 0), (90_100, 0))),
        Trees(east_m=90_000, north_m=800, palms=True),
    ):
        np.testing.assert_allclose(build(view, thing).kelvin, bare.kelvin, atol=1e-4)


def test_two_cameras_see_the_same_shrubs_at_the_same_places(make_view: MakeView) -> None:
    shrubs = Shrubs(per_hectare=20, height_m=2.5, east_m=0, north_m=700, radius_m=60)
    found = []
    for elevation_deg in (-1.5, -1.2):
        view = make_view(elevation_deg=elevation_deg)
        with_shrubs, bare = build(view, shrubs), build(view)
        raised = with_shrubs.range_m < bare.range_m - 20
        ys, xs = np.nonzero(raised)
        azimuth, _ = view.azimuth_elevation(xs + 0.5, ys + 0.5)
        hits, _ = np.histogram((np.degrees(azimuth) + 180) % 360 - 180, bins=60, range=(-1.5, 1.5))
        found.append(hits > 3)
    assert found[0].sum() > 5
    assert (found[0] == found[1]).mean() > 0.9


def test_dust_and_rain_wash_the_far_ground_out(view: CameraView) -> None:
    def far_contrast(weather: Weather) -> float:
        scene = build(view, weather=weather)
        far = (scene.lookup.status == 0) & (scene.lookup.range_m > 900)
        return float(scene.kelvin[far].std())

    clear = far_contrast(CALM)
    dust = far_contrast(msgspec.structs.replace(CALM, air="dust"))
    assert dust < 0.4 * clear
    assert far_contrast(msgspec.structs.replace(CALM, air="rain")) < clear


@pytest.mark.parametrize("start", [NIGHT, NOON])
def test_a_full_picture_is_built_in_seconds(make_view: MakeView, start: datetime) -> None:
    view = make_view(elevation_deg=-0.7)
    large = CameraView(
        Lens(width_px=640, height_px=512, horizontal_fov_deg=6.0), view.pose, view.surface, reach_m=2400.0
    )
    lookup = large.lookup()
    began = perf_counter()
    scene = backdrop(large, lookup, CALM, start, (Shrubs(), Boulders()), np.random.default_rng(1))
    assert scene.kelvin.shape == (512, 640)
    assert perf_counter() - began < 20  # 1.5 s on an idle core, more where others work on it and kernels compile
