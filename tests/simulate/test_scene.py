"""Pictures agree with the truth that goes with them."""

import math
from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.geo.ground import CameraView
from marsad.kernel.event import StreamEnded
from marsad.kernel.frame import Frame
from marsad.simulate.actor import Actor, ActorKind, Waypoint, body, place
from marsad.simulate.camera import Imager
from marsad.simulate.scene import Scene, SceneSource
from marsad.simulate.truth import ActorTruth

MakeView = Callable[..., CameraView]
MakeScene = Callable[..., Scene]
MakePerson = Callable[..., Actor]

MAST_M = 20.0


def painted(scene: Scene, index: int = 0) -> tuple[np.ndarray, list[ActorTruth]]:
    """What the actors add to the empty scene, in kelvin."""
    kelvin, truths = scene.radiance(index, 0)
    if scene.imager.sway_px == 0:
        return kelvin - scene.background_k, truths
    empty = msgspec.structs.replace(scene.scenario, actors=())
    bare = Scene(scene.view, empty, np.random.default_rng(1)).radiance(index, 0)[0]
    return kelvin - bare, truths


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
    assert truth.height_px == pytest.approx(truth.foot_px[1] - top[1], abs=0.02)
    assert truth.range_m == pytest.approx(math.hypot(4.3, 700.0, MAST_M), abs=0.1)


@settings(max_examples=12)
@given(east_m=st.floats(-12, 12), north_m=st.floats(550, 1100), stride=st.floats(0, 1))
def test_what_is_painted_lies_where_the_truth_says(
    make_scene: MakeScene, make_person: MakePerson, east_m: float, north_m: float, stride: float
) -> None:
    actor = make_person(east_m, north_m, phase=stride)
    scene = make_scene(actor)
    added, (truth,) = painted(scene)
    limbs = body(actor, place(actor, 0.0).stride_rad)
    ends = np.array([(limb.start_m, limb.end_m) for limb in limbs])
    # The middle of the body, each limb as heavy as its capsule is large; standing still it heads north.
    radius = np.array([limb.radius_m for limb in limbs])
    length = np.hypot(*(ends[:, 0] - ends[:, 1])[:, 1:].T)
    area = 2 * radius * length + math.pi * radius**2
    middle = (area[:, None] * ends.mean(axis=1)).sum(axis=0) / area.sum()
    x, y = pinhole(scene.view, east_m + middle[1], north_m + middle[0], middle[2])
    found = centroid(added)
    assert found[0] == pytest.approx(x, abs=0.25)
    assert found[1] == pytest.approx(y, abs=0.5)
    box = truth.box
    assert box.x_px < found[0] < box.x_px + box.w_px
    assert box.y_px < found[1] < box.y_px + box.h_px


def test_the_box_holds_what_is_painted_and_little_more(make_scene: MakeScene, make_person: MakePerson) -> None:
    sharp = Imager(sway_px=0.0, netd_k=0.0, blur_px=0.15)
    for phase in (0.0, 0.2, 0.6):
        added, (truth,) = painted(make_scene(make_person(0.0, 620.0, phase=phase), imager=sharp))
        ys, xs = np.nonzero(np.abs(added) > 0.3)
        box = truth.box
        assert box.x_px - 1 <= xs.min() <= box.x_px + 1
        assert box.x_px + box.w_px - 1 <= xs.max() + 1 <= box.x_px + box.w_px + 1
        assert box.y_px - 1 <= ys.min() <= box.y_px + 1
        assert box.y_px + box.h_px - 1 <= ys.max() + 1 <= box.y_px + box.h_px + 1
        assert box.h_px == pytest.approx(truth.height_px, rel=0.06)


def test_warmth_painted_is_area_times_contrast(make_scene: MakeScene, make_person: MakePerson) -> None:
    scene = make_scene(make_person(0.0, 700.0))
    added, (truth,) = painted(scene)
    (closer,) = make_scene(make_person(0.0, 350.0), view=scene.view).radiance(0, 0)[1] or [None]
    assert closer is None or closer.height_px > truth.height_px
    area_px = added.sum() / truth.contrast_k
    metres = 700 / (80 / math.tan(math.radians(1.5)))
    assert 0.35 < area_px * metres**2 < 0.75  # the frontal area of an adult is about half a square metre
    assert truth.contrast_k == pytest.approx(6.0, abs=1.5)


def test_the_picture_moves_with_the_mast_and_so_does_the_truth(make_scene: MakeScene, make_person: MakePerson) -> None:
    windy = Imager(sway_px=0.8, netd_k=0.0)
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
    parts = {"imager": Imager(), "shrubs": 12, "boulders": 6}
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


@pytest.mark.parametrize("kind", ["person", "animal", "vegetation", "boulder"])
def test_every_kind_can_be_painted(make_scene: MakeScene, kind: ActorKind) -> None:
    actor = Actor(actor_id=3, kind=kind, route=(Waypoint(east_m=0.0, north_m=700.0),), height_m=1.2)
    added, (truth,) = painted(make_scene(actor))
    assert truth.kind == kind
    assert truth.visible == pytest.approx(1.0, abs=0.02)
    assert added.max() > 0.5
