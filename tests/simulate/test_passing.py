"""What passes over the picture: when, how strongly, where, and what it costs."""

from collections.abc import Callable
from datetime import UTC, datetime

import cv2
import msgspec
import numpy as np
import pytest

from marsad.geo.ground import CameraView
from marsad.kernel.site import Lens
from marsad.simulate.backdrop import Backdrop, backdrop
from marsad.simulate.effect import BlowingSand, CloudShadow, Dust, Effect, Glitter, Insects, NearThing, Rain, Smoke
from marsad.simulate.feature import River
from marsad.simulate.passing import Effects
from marsad.simulate.weather import Weather

MakeView = Callable[..., CameraView]
FPS = 9.0


@pytest.fixture(scope="module")
def view(make_view: MakeView) -> CameraView:
    """A camera that sees ground, a river and the sky."""
    return make_view(elevation_deg=-0.7)


@pytest.fixture(scope="module")
def scene(view: CameraView) -> Backdrop:
    """The empty scene of that camera."""
    river = River(points=((-300, 800), (300, 800)), reeds_m=0, palms_per_km=0)
    start = datetime(2026, 8, 8, 21, tzinfo=UTC)
    return backdrop(view, view.lookup(), Weather(), start, (river,), np.random.default_rng(1))


Play = Callable[..., tuple[np.ndarray, list[NearThing]]]


@pytest.fixture
def play(view: CameraView, scene: Backdrop) -> Play:
    """What effects change in the picture of one moment, and what they show."""

    def played(*effects: Effect, time_s: float = 10.0, camera_id: str = "", seed: int = 1) -> tuple:
        passing = Effects(effects, view, scene, FPS, np.random.default_rng(seed), camera_id=camera_id)
        kelvin = scene.kelvin.copy()
        near = passing.apply(kelvin, time_s)
        return kelvin - scene.kelvin, near

    return played


def test_nothing_passes_where_nothing_is_asked_for(play: Play) -> None:
    changed, near = play()
    assert not changed.any()
    assert near == []


@pytest.mark.parametrize(
    "effect",
    [
        CloudShadow(),
        Rain(),
        BlowingSand(),
        Dust(),
        Insects(per_hour=0, at_s=(10.0,)),
        Glitter(),
        Smoke(east_m=0, north_m=700),
    ],
)
def test_an_effect_shows_only_in_its_time_and_before_its_camera(play: Play, effect: Effect) -> None:
    timed = msgspec.structs.replace(effect, camera="north", start_s=5.0, end_s=20.0)
    lasts_s = 6.0 if isinstance(effect, Dust) else 0.0
    assert np.abs(play(timed, time_s=10.05, camera_id="north")[0]).max() > 0.01
    for time_s, camera_id in ((10.05, "south"), (4.9, "north"), (20.1 + lasts_s, "north")):
        changed, near = play(timed, time_s=time_s, camera_id=camera_id)
        assert not changed.any()
        assert near == []


def test_the_same_streams_play_the_same(play: Play) -> None:
    effects = (CloudShadow(), Rain(), BlowingSand(), Insects(per_hour=3600))
    np.testing.assert_array_equal(play(*effects)[0], play(*effects)[0])
    assert np.abs(play(*effects)[0] - play(*effects, seed=2)[0]).max() > 0.01


def test_a_cloud_shadow_darkens_ground_alone_and_no_more_than_it_says(play: Play, scene: Backdrop) -> None:
    changed, _ = play(CloudShadow(depth_k=2.0, cover=0.5, size_m=200))
    ground = np.isfinite(scene.range_m)
    assert changed[ground].min() > -2.0
    assert changed[ground].min() < -0.8
    assert np.abs(changed[:10]).max() == 0


def test_a_cloud_shadow_moves_as_fast_as_it_says(view: CameraView, scene: Backdrop) -> None:
    effect = CloudShadow(speed_m_s=10.0, heading_deg=90.0, size_m=120, cover=0.5)
    passing = Effects([effect], view, scene, FPS, np.random.default_rng(4))
    row = int(np.argmin(np.abs(scene.range_m[:, 80] - 900)))
    lines = []
    for time_s in (20.0, 20.5):
        kelvin = scene.kelvin.copy()
        passing.apply(kelvin, time_s)
        lines.append((kelvin - scene.kelvin)[row])
    metres_px = scene.lookup.metres_per_pixel[row, 80]
    shifts = np.arange(0, 40)
    errors = [float(np.mean((lines[1][shift:] - lines[0][: len(lines[0]) - shift]) ** 2)) for shift in shifts]
    assert shifts[int(np.argmin(errors))] * metres_px == pytest.approx(5.0, abs=2.5)


def test_cameras_of_one_world_see_the_same_shadow(view: CameraView, scene: Backdrop) -> None:
    effect = CloudShadow(size_m=120)
    pictures = []
    for own in (1, 2):
        passing = Effects([effect], view, scene, FPS, np.random.default_rng(own), world=np.random.default_rng(7))
        pictures.append(scene.kelvin.copy())
        passing.apply(pictures[-1], 30.0)
    np.testing.assert_array_equal(*pictures)


def test_dust_blinds_from_its_start_to_its_end(view: CameraView, scene: Backdrop) -> None:
    passing = Effects([Dust(start_s=10, end_s=30, rise_s=4)], view, scene, FPS, np.random.default_rng(1))
    contrast, through = [], []
    for time_s in (9.0, 12.0, 20.0, 29.9, 32.0, 34.1):
        kelvin = scene.kelvin.copy()
        passing.apply(kelvin, time_s)
        contrast.append(float(kelvin.std() / scene.kelvin.std()))
        through.append(passing.through(80, 64))
    assert contrast[0] == contrast[-1] == 1
    assert contrast[2] < 0.05
    assert contrast[3] < 0.05
    assert 0.02 < contrast[4] < 1
    assert through[0] == 1
    assert through[2] < 0.05


def test_an_insect_crosses_within_a_second_where_its_box_is(view: CameraView, scene: Backdrop) -> None:
    effect = Insects(per_hour=0, at_s=(3.0, 5.0, 7.0, 9.0))
    passing = Effects([effect], view, scene, 60.0, np.random.default_rng(3))
    seen: dict[int, list[float]] = {}
    for index in range(60 * 11):
        kelvin = scene.kelvin.copy()
        for thing in passing.apply(kelvin, index / 60):
            seen.setdefault(thing.thing_id, []).append(index / 60)
            box = thing.box
            assert thing.cause == "insect"
            outside = np.abs(kelvin - scene.kelvin) > 0
            outside[
                int(box.y_px) : int(np.ceil(box.y_px + box.h_px)), int(box.x_px) : int(np.ceil(box.x_px + box.w_px))
            ] = 0
            assert not outside.any()
    assert len(seen) == 4
    for times in seen.values():
        assert times[-1] - times[0] <= 1.0


def test_as_many_insects_come_as_are_said_to(view: CameraView, scene: Backdrop) -> None:
    passing = Effects([Insects(per_hour=1800, end_s=600)], view, scene, FPS, np.random.default_rng(5))
    kelvin = scene.kelvin.copy()
    ids = {thing.thing_id for index in range(600 * 9) for thing in passing.apply(kelvin, index / 9)}
    # 300 on average, every one of them in a picture.
    assert 250 < len(ids) < 350


def test_insects_that_are_asked_for_are_all_shown(view: CameraView, scene: Backdrop) -> None:
    asked = tuple(np.random.default_rng(6).uniform(5, 55, 40).tolist())
    passing = Effects([Insects(per_hour=0, at_s=asked)], view, scene, FPS, np.random.default_rng(6))
    kelvin = scene.kelvin.copy()
    shown = {thing.thing_id for index in range(60 * 9) for thing in passing.apply(kelvin, index / FPS)}
    assert len(shown) == len(asked)


def test_glitter_is_on_the_water_alone(play: Play, scene: Backdrop) -> None:
    changed, near = play(Glitter(strength_k=0.5))
    assert np.abs(changed[scene.water > 0.9]).std() > 0.1
    assert not changed[scene.water == 0].any()
    assert [thing.cause for thing in near] == ["glitter"]


def test_glitter_follows_the_mount(view: CameraView, scene: Backdrop) -> None:
    passing = Effects([Glitter()], view, scene, FPS, np.random.default_rng(1))
    still, moved = scene.kelvin.copy(), scene.kelvin.copy()
    passing.apply(still, 2.0)
    passing.apply(moved, 2.0, (3.0, 2.0))
    np.testing.assert_allclose((moved - scene.kelvin)[2:, 3:], (still - scene.kelvin)[:-2, :-3], atol=1e-4)


def test_smoke_rises_from_its_fire(play: Play, view: CameraView) -> None:
    changed, near = play(Smoke(east_m=0, north_m=700, height_m=10, warm_k=3), time_s=30.0)
    x, y, _ = (float(value) for value in view.project(0, 700, float(view.surface.up_m(0, 700))))
    ys, xs = np.nonzero(changed > 0.05)
    assert ys.max() <= y + 4
    assert y - ys.min() > 5 * view.optics.focal_x_px / 700
    assert abs(float(np.average(xs, weights=changed[ys, xs])) - x) < 12 * view.optics.focal_x_px / 700
    assert near[0].box.y_px <= ys.min()


@pytest.mark.parametrize(("fov_deg", "visible"), [(60.0, True), (3.0, False)])
def test_a_short_lens_shows_rain_as_streaks_and_a_long_one_blurs_them_away(
    view: CameraView, fov_deg: float, visible: bool
) -> None:
    lens = Lens(width_px=640, height_px=512, horizontal_fov_deg=fov_deg)
    wide = CameraView(lens, view.pose, view.surface, reach_m=3000)
    flat = backdrop(wide, wide.lookup(), Weather(), datetime(2026, 8, 8, 21, tzinfo=UTC), (), np.random.default_rng(1))
    passing = Effects([Rain(rate_mm_h=20)], wide, flat, FPS, np.random.default_rng(1))
    one, two = flat.kelvin.copy(), flat.kelvin.copy()
    passing.apply(one, 5.0)
    passing.apply(two, 5.0 + 1 / FPS)
    # The gusts change smoothly: what is sharp between two pictures is streaks of the one or of the other.
    changed = one - two
    sharp = (changed - cv2.blur(changed, (9, 9)))[-200:-10, 10:-10]
    assert ((sharp < -0.015).sum() > 20) == visible
    assert ((sharp > 0.015).sum() > 20) == visible


def test_sand_hides_the_far_more_than_the_near(view: CameraView, scene: Backdrop) -> None:
    passing = Effects([BlowingSand(depth=0.8)], view, scene, FPS, np.random.default_rng(1))
    far_row = int(np.argmin(np.abs(scene.range_m[:, 80] - 1800)))
    far, near = [], []
    for index in range(60):
        passing.apply(scene.kelvin.copy(), 1.0 + index)
        far.append(passing.through(80, far_row))
        near.append(passing.through(80, 127))
    assert np.mean(far) < np.mean(near)
    assert np.std(far) > 0.02


def test_blowing_sand_never_comes_again(view: CameraView, scene: Backdrop) -> None:
    passing = Effects([BlowingSand(depth=0.8, speed_m_s=40)], view, scene, FPS, np.random.default_rng(1))
    row = int(np.argmin(np.abs(scene.range_m[:, 80] - 1800)))
    kelvin = scene.kelvin.copy()
    let_through = np.empty((4000, 4))
    for index in range(len(let_through)):
        passing.apply(kelvin, index / FPS)
        let_through[index] = [passing.through(x, row) for x in (20, 60, 100, 140)]
    first = let_through[:1000].ravel()
    again = [np.corrcoef(first, let_through[n : n + 1000].ravel())[0, 1] for n in range(50, 3000)]
    assert max(again) < 0.4


def test_a_backdrop_wider_than_the_picture_is_taken_about_its_middle(view: CameraView, scene: Backdrop) -> None:
    margin = 6
    wide = msgspec.structs.replace(
        scene,
        **{
            name: np.pad(getattr(scene, name), margin, mode="edge")
            for name in ("kelvin", "range_m", "veil", "veil_range_m", "water")
        },
        lookup=msgspec.structs.replace(
            scene.lookup,
            **{
                field: np.pad(getattr(scene.lookup, field), margin, mode="edge")
                for field in scene.lookup.__struct_fields__
            },
        ),
    )
    effects = (CloudShadow(size_m=120), Glitter(), BlowingSand())
    pictures = []
    for behind in (scene, wide):
        kelvin = scene.kelvin.copy()
        Effects(effects, view, behind, FPS, np.random.default_rng(1)).apply(kelvin, 12.0)
        pictures.append(kelvin)
    np.testing.assert_allclose(pictures[0][4:-4, 4:-4], pictures[1][4:-4, 4:-4], atol=0.02)
