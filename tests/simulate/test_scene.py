"""Pictures agree with the truth that goes with them."""

import math
from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from marsad.geo.ground import CameraView
from marsad.kernel.error import InputError
from marsad.kernel.event import StreamEnded
from marsad.kernel.frame import Frame
from marsad.simulate.actor import Actor, ActorKind, Waypoint
from marsad.simulate.camera import (
    Blinded,
    Covered,
    Defocused,
    FlatField,
    Frozen,
    GainJump,
    Imager,
    Knocked,
    Looped,
    Moved,
)
from marsad.simulate.effect import Dust
from marsad.simulate.feature import Boulders, Shrubs
from marsad.simulate.scene import Scene, SceneSource
from marsad.simulate.truth import ActorTruth

MakeView = Callable[..., CameraView]
MakeScene = Callable[..., Scene]
MakePerson = Callable[..., Actor]

MAST_M = 20.0
STILL = Imager(sway_px=0.0, netd_k=0.0, pixel_fixed_k=0.0, column_fixed_k=0.0, row_k=0.0)
NOISY = Imager(sway_px=0.0)


def painted(scene: Scene, index: int = 0) -> tuple[np.ndarray, list[ActorTruth]]:
    """What the actors add to the empty scene, in kelvin."""
    kelvin, truths = scene.radiance(index, 0)
    shift = scene._mount.shift(index / scene.imager.fps)
    return kelvin - scene._outlook(None, None).empty(shift), truths


def centroid(added: np.ndarray) -> tuple[float, float]:
    ys, xs = np.mgrid[0 : added.shape[0], 0 : added.shape[1]] + 0.5
    return float((xs * added).sum() / added.sum()), float((ys * added).sum() / added.sum())


def pinhole(view: CameraView, east_m: float, north_m: float, above_m: float) -> tuple[float, float]:
    """The pixel of a point above flat ground: earth as a sphere, refraction 1/7, by hand."""
    focal = 80 / math.tan(math.radians(1.5))
    flat = math.hypot(east_m, north_m)
    drop = MAST_M + (1 - 1 / 7) * flat**2 / (2 * 6371008.8) - above_m
    azimuth, below = math.atan2(east_m, north_m), math.atan2(drop, flat)
    tilt = math.radians(-view.pose.elevation_deg)
    ahead = math.cos(below) * math.cos(azimuth)
    depth = ahead * math.cos(tilt) + math.sin(below) * math.sin(tilt)
    down = math.sin(below) * math.cos(tilt) - ahead * math.sin(tilt)
    return 80 + focal * math.cos(below) * math.sin(azimuth) / depth, 64 + focal * down / depth


def test_the_foot_lies_where_the_pinhole_says(make_scene: MakeScene, make_person: MakePerson) -> None:
    scene = make_scene(make_person(4.3, 700.0))
    (truth,) = scene.radiance(0, 0)[1]
    assert truth.foot_px == pytest.approx(pinhole(scene.view, 4.3, 700.0, 0.0), abs=0.02)
    top = pinhole(scene.view, 4.3, 700.0, 1.75)
    assert truth.height_px == pytest.approx(truth.foot_px[1] - top[1], rel=0.08)
    assert truth.range_m == pytest.approx(math.hypot(4.3, 700.0, MAST_M), abs=0.1)


def test_the_box_holds_what_is_painted_and_little_more(make_scene: MakeScene, make_person: MakePerson) -> None:
    sharp = msgspec.structs.replace(STILL, blur_px=0.2)
    for phase in (0.0, 0.2, 0.6):
        added, (truth,) = painted(make_scene(make_person(0.0, 620.0, phase=phase), imager=sharp))
        ys, xs = np.nonzero(np.abs(added) > 0.3)
        box = truth.box
        assert box.x_px - 1 <= xs.min() <= box.x_px + 1
        assert box.x_px + box.w_px - 1 <= xs.max() + 1 <= box.x_px + box.w_px + 1
        assert box.y_px - 1 <= ys.min() <= box.y_px + 1
        assert box.y_px + box.h_px - 1 <= ys.max() + 1 <= box.y_px + box.h_px + 1
        assert (truth.width_px, truth.height_px) == (box.w_px, box.h_px)


def test_warmth_painted_is_area_times_contrast(make_scene: MakeScene, make_person: MakePerson) -> None:
    scene = make_scene(make_person(0.0, 700.0))
    added, (truth,) = painted(scene)
    area_px = added.sum() / truth.contrast_k
    metres = 700 / (80 / math.tan(math.radians(1.5)))
    assert 0.35 < area_px * metres**2 < 0.85  # the frontal area of an adult is about half a square metre
    assert truth.snr_noise == pytest.approx(math.sqrt(float((added**2).sum())) / 1e-3, rel=1e-3)


def test_snr_is_what_the_matched_filter_gives(make_scene: MakeScene, make_person: MakePerson) -> None:
    imager = msgspec.structs.replace(STILL, netd_k=0.3, row_k=0.4, pixel_fixed_k=0.5, column_fixed_k=0.2)
    scene = make_scene(make_person(0.0, 700.0), imager=imager)
    added, (truth,) = painted(scene)
    root = math.sqrt(float((added**2).sum()))
    assert truth.snr_noise == pytest.approx(root / math.hypot(0.3, 0.4), rel=1e-3)
    half = truth.height_px
    x, y = truth.box.centre_px
    around = scene.background_k[round(y - half) : round(y + half), round(x - half) : round(x + half)]
    expected = root / math.sqrt(0.3**2 + 0.4**2 + 0.5**2 + 0.2**2 + float(around.astype(float).var()))
    assert truth.snr == pytest.approx(expected, rel=0.02)


def test_the_picture_moves_with_the_mast_and_so_does_the_truth(make_scene: MakeScene, make_person: MakePerson) -> None:
    windy = msgspec.structs.replace(STILL, sway_px=2.0)
    scene = make_scene(make_person(2.0, 700.0), imager=windy)
    still = centroid(painted(make_scene(make_person(2.0, 700.0), view=scene.view), 0)[0])
    feet, middles = [], []
    for index in range(0, 18, 3):
        added, (truth,) = painted(scene, index)
        feet.append(truth.foot_px)
        middles.append(centroid(np.clip(added, 0.05, None) - 0.05))
    feet, middles = np.array(feet), np.array(middles)
    assert np.ptp(feet[:, 0]) > 0.3
    np.testing.assert_allclose(middles[:, 0] - feet[:, 0], np.mean(middles[:, 0] - feet[:, 0]), atol=0.35)
    assert abs(middles[:, 0].mean() - still[0]) < 2


def wall(height_m: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A bank across the view, its level top 515 to 545 m away."""
    return lambda _east, north: height_m * np.clip(2 - np.abs(north - 530) / 15, 0, 1)


def test_ground_hides_what_stands_behind_it(
    make_scene: MakeScene, make_person: MakePerson, make_view: MakeView
) -> None:
    # Over the far edge of a bank of height h the lowest sight line comes to 700 m at 20 - (20 - h) * 700 / 545.
    for ridge_m, hidden_m in ((4.0, -0.55), (5.2, 0.99), (8.0, 4.6)):
        (truth,) = make_scene(make_person(0.0, 700.0), view=make_view(wall(ridge_m))).radiance(0, 0)[1]
        limbs = 1.0 if hidden_m < 0 else 0.0 if hidden_m > 1.75 else None
        if limbs is None:
            assert 0.2 < truth.visible < 0.75
        else:
            assert truth.visible == pytest.approx(limbs, abs=0.02)


def test_visible_share_agrees_with_lines_of_sight(
    make_scene: MakeScene, make_person: MakePerson, make_view: MakeView
) -> None:
    view = make_view(wall(5.2))
    scene = make_scene(make_person(0.0, 700.0), view=view)
    added, (truth,) = painted(scene)
    heights = np.linspace(0.05, 1.75, 60)
    clear = view.sees(np.zeros(60), np.full(60, 700.0), heights)
    lowest_seen = heights[clear].min()
    rows = np.nonzero(added.max(axis=1) > 0.5)[0]
    metres = 700 / (80 / math.tan(math.radians(1.5)))
    seen_m = (rows.max() + 1 - truth.box.y_px) * metres
    assert 1.75 - lowest_seen == pytest.approx(seen_m, abs=1.5 * metres + 0.02)


def test_someone_at_the_edge_is_partly_visible_and_outside_is_not_there(
    make_scene: MakeScene, make_person: MakePerson
) -> None:
    half = 700 * math.tan(math.radians(1.5))
    (truth,) = make_scene(make_person(half, 700.0)).radiance(0, 0)[1]
    assert 0.2 < truth.visible < 0.8
    assert make_scene(make_person(half + 5, 700.0)).radiance(0, 0)[1] == []


def test_the_nearer_hides_the_farther(make_scene: MakeScene, make_person: MakePerson) -> None:
    near = make_person(0.0, 450.0, warmth_k=2.0)
    far = make_person(0.0, 453.0, actor_id=2, warmth_k=20.0)
    both, truths = painted(make_scene(near, far))
    alone, _ = painted(make_scene(near))
    behind, _ = painted(make_scene(far))
    assert [truth.actor_id for truth in truths] == [1, 2]
    x, y = (round(v - 0.5) for v in truths[0].box.centre_px)
    assert abs(both[y - 2, x] - alone[y - 2, x]) < 0.3 * abs(behind[y - 2, x] - alone[y - 2, x])


def test_the_same_seed_gives_the_same_night_and_another_does_not(
    make_scene: MakeScene, make_person: MakePerson
) -> None:
    parts = {"imager": Imager(), "features": (Shrubs(), Boulders())}
    walker = make_person(-5.0, 700.0, to=(5.0, 690.0))

    def night(seed: int) -> list[np.ndarray]:
        scene = make_scene(walker, seed=seed, **parts)
        return [scene.render(index, 0)[0] for index in range(3)]

    first, again, other = night(7), night(7), night(8)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[0], first[1])


def test_nobody_is_there_before_they_come_or_after_they_have_gone(
    make_scene: MakeScene, make_person: MakePerson
) -> None:
    scene = make_scene(make_person(-2.0, 700.0, to=(0.0, 700.0), start_s=1.0, speed_m_s=2.0))
    assert scene.radiance(8, 0)[1] == []
    (truth,) = scene.radiance(9, 0)[1]
    assert (truth.east_m, truth.north_m) == pytest.approx((-2.0, 700.0))
    (truth,) = scene.radiance(13, 0)[1]
    assert truth.east_m == pytest.approx(-2.0 + 2.0 * 4 / 9)
    assert scene.radiance(19, 0)[1] == []


def test_a_caption_is_burned_in(make_scene: MakeScene) -> None:
    plain, told = (make_scene(caption=text).render(0, 0)[0] for text in ("", "SIMULATED"))
    changed = np.argwhere(plain != told)
    assert len(changed) > 50
    assert changed[:, 0].max() < 20


def test_a_source_gives_every_picture_its_truth_and_then_ends(make_scene: MakeScene, make_person: MakePerson) -> None:
    scene = make_scene(make_person(0.0, 700.0), seconds=1.0)
    witnessed: list[list[ActorTruth]] = []
    source = SceneSource("mast", scene, 5_000_000_000, witnessed.append)
    assert (source.info.width_px, source.info.height_px, source.info.frames) == (160, 128, 9)
    *frames, end = list(source)
    assert all(isinstance(frame, Frame) for frame in frames)
    assert [frame.index for frame in frames] == list(range(9))
    assert frames[-1].time_ns == 5_000_000_000 + round(8e9 / 9)
    assert frames[0].counts.dtype == np.uint8
    assert not frames[0].counts.flags.writeable
    assert isinstance(end, StreamEnded)
    assert end.frames == 9
    assert [truths[0].frame_index for truths in witnessed] == list(range(9))


def test_a_closed_source_stops(make_scene: MakeScene) -> None:
    source = SceneSource("mast", make_scene(), 0, lambda _truths: None)
    pictures = iter(source)
    next(pictures)
    source.close()
    assert isinstance(next(pictures), StreamEnded)


@pytest.mark.parametrize("kind", ["person", "vehicle", "dog", "sheep", "camel", "bird", "bush", "boulder"])
def test_every_kind_can_be_painted(make_scene: MakeScene, kind: ActorKind) -> None:
    at = Waypoint(east_m=0.0, north_m=700.0, wait_s=1e6)
    actor = Actor(actor_id=3, kind=kind, route=(at,), height_m=1.2, warmth_k=9.0)
    added, (truth,) = painted(make_scene(actor))
    assert truth.kind == kind
    assert truth.visible == pytest.approx(1.0, abs=0.02)
    assert np.abs(added).max() > 0.5


def pictures(scene: Scene) -> list[tuple[np.ndarray, list[ActorTruth]]]:
    return [scene.render(index, 0) for index in range(scene.frames)]


def test_a_frozen_picture_comes_again_and_shows_nobody(make_scene: MakeScene, make_person: MakePerson) -> None:
    scene = make_scene(make_person(0.0, 700.0), imager=NOISY, faults=(Frozen(start_s=1.0, end_s=2.0),))
    shown = pictures(scene)
    assert all(np.array_equal(shown[i][0], shown[8][0]) for i in range(9, 18))
    assert not np.array_equal(shown[18][0], shown[17][0])
    assert [truths[0].visible > 0 for _, truths in shown[7:20]] == [True] * 2 + [False] * 9 + [True] * 2
    assert shown[12][1][0].snr == 0


def test_a_looped_feed_shows_the_past_again_and_again(make_scene: MakeScene, make_person: MakePerson) -> None:
    scene = make_scene(
        make_person(-4.0, 700.0, to=(6.0, 700.0)), imager=NOISY, faults=(Looped(start_s=2.0, period_s=1.0),)
    )
    shown = pictures(scene)
    for i in range(18, 36):
        assert np.array_equal(shown[i][0], shown[9 + (i - 18) % 9][0])
    assert shown[20][1][0].visible == 0


def test_a_covered_lens_shows_one_warmth(make_scene: MakeScene, make_person: MakePerson) -> None:
    scene = make_scene(make_person(0.0, 700.0), faults=(Covered(start_s=1.0, camera="mast"),))
    assert scene.radiance(20, 0)[0].std() > 0.1  # it is another camera's lens
    named = Scene(scene.view, scene.scenario, np.random.default_rng(1), "mast")
    assert named.radiance(20, 0)[0].std() < 0.1
    assert named.render(20, 0)[1][0].visible == 0


def test_a_lens_out_of_focus_blurs_ground_and_actors(make_scene: MakeScene, make_person: MakePerson) -> None:
    actor = make_person(0.0, 700.0)
    sharp, blurred = make_scene(actor), make_scene(actor, faults=(Defocused(sigma_px=4.0),))
    one, two = sharp.radiance(0, 0), blurred.radiance(0, 0)
    fine = [float(np.abs(np.diff(kelvin, axis=1)).mean()) for kelvin, _ in (one, two)]
    assert fine[1] < 0.5 * fine[0]
    assert two[1][0].snr_noise < 0.6 * one[1][0].snr_noise
    assert two[1][0].visible == pytest.approx(1.0, abs=0.02)


def test_a_moved_camera_looks_elsewhere_and_so_says_the_truth(make_scene: MakeScene, make_person: MakePerson) -> None:
    scene = make_scene(make_person(0.0, 700.0), faults=(Moved(start_s=1.0, azimuth_deg=0.3, elevation_deg=-0.2),))
    before, after = (scene.radiance(index, 0) for index in (0, 9))
    focal = 80 / math.tan(math.radians(1.5))
    (was,), (now,) = before[1], after[1]
    assert now.foot_px[0] - was.foot_px[0] == pytest.approx(-focal * math.radians(0.3), abs=0.1)
    assert now.foot_px[1] - was.foot_px[1] == pytest.approx(-focal * math.radians(0.2), abs=0.1)
    right, up = round(focal * math.radians(0.3)), round(focal * math.radians(0.2))
    overlap = after[0][: 128 - up, : 160 - right], before[0][up:, right:]
    assert np.corrcoef(overlap[0].ravel(), overlap[1].ravel())[0, 1] > 0.9


def test_a_knock_shakes_the_picture_with_all_that_is_in_it(make_scene: MakeScene, make_person: MakePerson) -> None:
    scene = make_scene(make_person(0.0, 700.0), faults=(Knocked(start_s=1.0, px=9.0),))
    feet = np.array([scene.radiance(index, 0)[1][0].foot_px for index in range(27)])
    assert np.ptp(feet[:9], axis=0).max() < 1e-9
    assert math.dist(feet[9], feet[0]) == pytest.approx(9.0, abs=1e-6)
    assert math.dist(feet[26], feet[0]) < 2


def test_the_gain_jumps_and_the_lens_is_blinded(make_scene: MakeScene) -> None:
    jump = GainJump(factor=1.0, offset_counts=30.0)
    plain, jumped, blind = (make_scene(faults=faults) for faults in ((), (jump,), (Blinded(x_px=80, y_px=64),)))
    counts = plain.render(0, 0)[0].astype(int)
    assert jumped.render(0, 0)[0].mean() > counts.mean() + 20
    added = blind.radiance(0, 0)[0] - plain.radiance(0, 0)[0]
    assert added[64, 80] == pytest.approx(60, abs=0.1)


def test_a_mount_that_shakes_too_far_is_refused_with_what_to_mend(make_scene: MakeScene) -> None:
    with pytest.raises(InputError, match=r"lower imager\.sway_px"):
        make_scene(imager=Imager(sway_px=60.0))


def test_a_correction_asked_for_holds_the_picture(make_scene: MakeScene, make_person: MakePerson) -> None:
    imager = msgspec.structs.replace(NOISY, ffc_s=0.5)
    scene = make_scene(make_person(0.0, 700.0), imager=imager, faults=(FlatField(start_s=1.0),))
    shown = pictures(scene)
    held = [np.array_equal(shown[i][0], shown[i - 1][0]) for i in range(1, 36)]
    assert [i + 1 for i, same in enumerate(held) if same] == [9, 10, 11, 12, 13]
    assert all(shown[i][1][0].visible == 0 for i in range(9, 14))


def test_dust_hides_and_the_truth_knows(make_scene: MakeScene, make_person: MakePerson) -> None:
    scene = make_scene(make_person(0.0, 700.0), seconds=40.0, effects=(Dust(start_s=1.0, end_s=20.0, rise_s=2.0),))
    clear, blind, after = (scene.radiance(index, 0)[1][0] for index in (0, 90, 350))
    assert clear.visible == pytest.approx(1.0)
    assert blind.visible < 0.05
    assert blind.snr_noise < 0.05 * clear.snr_noise
    assert after.visible > 0.9


def test_cameras_of_one_scenario_see_one_world(make_scene: MakeScene, make_view: MakeView) -> None:
    parts = {"features": (Shrubs(),), "imager": NOISY}
    one, other = make_scene(seed=1, **parts), make_scene(seed=2, **parts)
    assert np.array_equal(one.background_k, other.background_k)
    assert not np.array_equal(one.render(0, 0)[0], other.render(0, 0)[0])
    up = make_scene(view=make_view(elevation_deg=-1.2), **parts)
    focal = 80 / math.tan(math.radians(1.5))
    down = round(focal * math.radians(0.3))
    overlap = one.background_k[4 : 128 - down - 4], up.background_k[down + 4 : -4]
    assert np.corrcoef(overlap[0].ravel(), overlap[1].ravel())[0, 1] > 0.9
