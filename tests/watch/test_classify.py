import math
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.sources import open_source
from marsad.kernel.detection import Box
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.port import Classified
from marsad.kernel.track import Kind, Size
from marsad.watch.classify import HARMLESS, KINDS, Classifier, Sight, _fitted_shares
from marsad.watch.kind_weights import EDGES, FITTED, VALUES, trees
from marsad.watch.silhouette import Silhouette
from marsad.watch.watcher import Watcher

REAL_DATA = Path(os.environ.get("MARSAD_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
SCALE = 0.06


def seen(
    width: float,
    height: float,
    speed: float,
    *,
    scale: float | None = None,
    seconds: float = 6.0,
    fps: float = 25.0,
    sigma_m: float = 0.1,
    beat: float = 0.0,
    jitter: float = 0.0,
    sky: bool | None = None,
    snr: float = 15.0,
) -> Iterator[Sight]:
    """Sights of a box (pixels; metres and metres a second with `scale`) moving to the right, its width beating."""
    per_px = scale or 1.0
    w_px, h_px, v_px = width / per_px, height / per_px, speed / per_px
    rng = np.random.default_rng(7)
    for k in range(round(seconds * fps)):
        t = k / fps
        w, h = w_px * (1 + beat * math.sin(2 * math.pi * 1.9 * t)), h_px
        if jitter:
            w, h = w * math.exp(rng.normal(0, jitter)), h * math.exp(rng.normal(0, jitter))
        yield Sight(
            time_s=1000 + t,
            box=Box(x_px=100 + v_px * t - w / 2, y_px=200 - h, w_px=w, h_px=h),
            area_px=max(round(0.7 * w * h), 1),
            contrast_counts=20.0,
            snr=snr,
            velocity_x_px_s=v_px,
            velocity_y_px_s=0.0,
            metres_per_pixel=scale,
            speed_m_s=None if scale is None else speed,
            size=None if scale is None else Size(width_m=w * scale, height_m=h * scale, sigma_m=sigma_m),
            above_horizon=sky,
        )


def last_kind(sights: Iterator[Sight], classifier: Classifier | None = None) -> tuple[Kind, float]:
    c = classifier or Classifier()
    return [c.update(1, sight) for sight in sights][-1]


IN_METRES = [
    ("walking", (0.6, 1.7, 1.4), {"beat": 0.2}, {"person"}),
    ("running", (0.8, 1.7, 4.5), {"beat": 0.2}, {"person"}),
    ("sprinting", (0.8, 1.8, 7.5), {"beat": 0.2}, {"person", "unknown"}),
    ("tall with a load", (0.9, 2.6, 1.2), {}, {"person"}),
    ("child", (0.4, 1.0, 1.0), {}, {"person", "unknown"}),
    ("crawling", (1.7, 0.5, 0.6), {}, {"unknown", "person", "group"}),
    ("lying still", (1.8, 0.45, 0.0), {}, {"unknown", "person", "group"}),
    ("crouching", (0.8, 0.8, 0.5), {}, {"unknown", "person"}),
    ("only a head", (0.35, 0.3, 0.8), {}, {"unknown", "person"}),
    ("head and shoulders above a wall", (0.5, 0.35, 1.5), {"sigma_m": 0.03}, {"unknown", "person"}),
    ("four abreast", (3.0, 1.7, 1.3), {"beat": 0.05}, {"group"}),
    ("car at speed", (4.4, 1.6, 14.0), {}, {"vehicle"}),
    ("car from ahead", (1.8, 1.6, 12.0), {}, {"vehicle"}),
    ("lorry", (8.0, 3.4, 10.0), {}, {"vehicle"}),
    ("running dog", (0.9, 0.6, 4.0), {}, {"animal"}),
    ("hare", (0.5, 0.3, 4.0), {"sigma_m": 0.05}, {"animal"}),
    ("hedgehog", (0.28, 0.2, 0.3), {"sigma_m": 0.03}, {"animal"}),
    ("boar at a trot", (1.3, 0.85, 3.0), {}, {"animal"}),
    ("cow", (2.3, 1.4, 0.8), {}, {"group", "vehicle", "unknown"}),
    ("bird in the sky", (0.5, 0.2, 12.0), {"sky": True}, {"flying"}),
    ("on the skyline", (0.6, 1.7, 1.4), {"sky": True, "beat": 0.2}, {"person", "unknown"}),
]


@pytest.mark.parametrize(("name", "body", "more", "allowed"), IN_METRES, ids=[case[0] for case in IN_METRES])
def test_kinds_where_metres_are_known(
    name: str, body: tuple[float, float, float], more: dict[str, float], allowed: set[Kind]
) -> None:
    kind, confidence = last_kind(seen(*body, scale=SCALE, **more))  # type: ignore[arg-type]  # a table of cases
    assert kind in allowed, name
    assert 0 < confidence <= 0.9


IN_PIXELS = [
    ("walking", (10, 28, 25), {"beat": 0.2}, {"person"}),
    ("walking, seen small", (2, 5, 4), {}, {"unknown"}),
    ("standing", (10, 28, 0), {}, {"unknown"}),
    ("wide and slow", (30, 20, 20), {}, {"unknown"}),
    ("car, range not known", (60, 25, 120), {}, {"unknown"}),
    ("insect before the lens", (10, 8, 250), {}, {"flying"}),
    ("distant drone", (9, 6, 12), {}, {"unknown"}),
    ("tall pole of noise", (3, 30, 12), {}, {"unknown"}),
]


@pytest.mark.parametrize(("name", "body", "more", "allowed"), IN_PIXELS, ids=[case[0] for case in IN_PIXELS])
def test_kinds_without_a_pose(
    name: str, body: tuple[float, float, float], more: dict[str, float], allowed: set[Kind]
) -> None:
    kind, _ = last_kind(seen(*body, **more))  # type: ignore[arg-type]  # a table of cases
    assert kind in allowed, name


def test_one_picture_a_second_is_enough_for_a_person() -> None:
    assert last_kind(seen(14, 36, 20, fps=1.0, seconds=15))[0] == "person"


def swaying(width: float, height: float, *, change: float, seconds: float = 20.0) -> Iterator[Sight]:
    """Sights of a box that swings to and fro about one place, its size changing."""
    rng = np.random.default_rng(3)
    for k in range(round(seconds * 10)):
        t = k / 10
        scale = math.exp(rng.normal(0, change))
        x = 100 + 0.4 * width * math.sin(2 * math.pi * 0.5 * t)
        yield Sight(
            time_s=t,
            box=Box(x_px=x, y_px=100, w_px=width * scale, h_px=height * scale),
            area_px=round(width * height),
            contrast_counts=8.0,
            snr=8.0,
            velocity_x_px_s=0.4 * width * math.pi * math.cos(2 * math.pi * 0.5 * t),
            velocity_y_px_s=0.0,
        )


def test_a_branch_that_swings_for_long_is_vegetation_and_one_that_just_began_is_not() -> None:
    assert last_kind(swaying(30, 25, change=0.35))[0] == "vegetation"
    assert last_kind(swaying(30, 25, change=0.35, seconds=5))[0] == "unknown"


def test_someone_who_sways_upright_on_one_place_is_never_vegetation() -> None:
    classifier = Classifier()
    kinds = {classifier.update(1, sight)[0] for sight in swaying(12, 32, change=0.35, seconds=60)}
    assert not kinds & HARMLESS


@given(
    width=st.floats(0.4, 1.2),
    height=st.floats(0.9, 2.2),
    speed=st.floats(0.0, 7.0),
    sigma=st.floats(0.02, 1.0),
    jitter=st.floats(0.0, 0.3),
    beat=st.floats(0.0, 0.3),
    sky=st.sampled_from([None, False]),
)
def test_an_upright_human_size_is_never_harmless(
    width: float, height: float, speed: float, sigma: float, jitter: float, beat: float, sky: bool | None
) -> None:
    if height < width:
        width, height = height, width
    sights = seen(
        width, height, speed, scale=SCALE, sigma_m=sigma, jitter=jitter, beat=beat, sky=sky, seconds=12, fps=8
    )
    classifier = Classifier()
    assert {classifier.update(1, sight)[0] for sight in sights} <= {"person", "group", "vehicle", "unknown"}


@given(
    width=st.floats(0.5, 2.0),
    height=st.floats(0.15, 1.0),
    speed=st.floats(0.0, 2.2),
    sigma=st.floats(0.02, 0.5),
    jitter=st.floats(0.0, 0.2),
)
def test_a_part_of_a_person_and_one_who_crawls_are_never_harmless(
    width: float, height: float, speed: float, sigma: float, jitter: float
) -> None:
    sights = seen(width, height, speed, scale=SCALE / 3, sigma_m=sigma, jitter=jitter, seconds=8, fps=8)
    classifier = Classifier()
    assert not {classifier.update(1, sight)[0] for sight in sights} & HARMLESS


@given(
    width=st.floats(2, 80),
    height=st.floats(2, 80),
    lengths=st.floats(0, 5),
    fps=st.sampled_from([1.0, 5.0, 9.0, 25.0]),
    jitter=st.floats(0.0, 0.4),
)
def test_without_a_pose_nothing_of_a_walkers_pace_is_flying_or_animal(
    width: float, height: float, lengths: float, fps: float, jitter: float
) -> None:
    sights = seen(width, height, lengths * max(width, height), jitter=jitter, fps=fps, seconds=6)
    classifier = Classifier()
    assert {classifier.update(1, sight)[0] for sight in sights} <= {"person", "unknown"}


@given(st.lists(st.tuples(*[st.floats(0.1, 500)] * 4, st.booleans(), st.floats(0.001, 5)), max_size=40))
def test_any_sights_give_a_kind_and_a_confidence(rows: list[tuple[float, float, float, float, bool, float]]) -> None:
    classifier, now = Classifier(), 0.0
    for w, h, vx, vy, located, step in rows:
        now += step
        size = Size(width_m=w * 0.1, height_m=h * 0.1, sigma_m=vx) if located else None
        sight = Sight(
            time_s=now,
            box=Box(x_px=vx, y_px=vy, w_px=w, h_px=h),
            area_px=1,
            contrast_counts=-vy,
            snr=vx,
            velocity_x_px_s=vx - 250,
            velocity_y_px_s=vy - 250,
            metres_per_pixel=0.1 if located else None,
            speed_m_s=vy if located else None,
            size=size,
            above_horizon=located,
        )
        kind, confidence = classifier.update(3, sight)
        assert kind in KINDS
        assert 0 < confidence <= 0.9


UPRIGHT = Silhouette(
    breadth=-0.8, tilt=0.0, lean=0.0, sag=0.0, middle=0.5, top_width=0.8, bottom_width=1.0, top_mass=0.28,
    bottom_mass=0.27, peak=0.94, fill=0.4,
)  # fmt: skip
ON_FOUR_LEGS = msgspec.structs.replace(
    UPRIGHT, breadth=0.45, tilt=-0.22, lean=-0.08, sag=-0.1, middle=0.52, bottom_width=0.95, top_mass=0.23
)


def shaped(sights: Iterator[Sight], shape: Silhouette) -> Iterator[Sight]:
    return (msgspec.structs.replace(sight, silhouette=shape) for sight in sights)


@pytest.mark.parametrize(
    ("body", "shape", "allowed"),
    [
        ((0.7, 1.6, 1.4), UPRIGHT, {"person"}),
        ((0.8, 1.6, 3.2), UPRIGHT, {"person"}),
        ((1.2, 0.75, 2.5), ON_FOUR_LEGS, {"animal"}),
        ((4.2, 1.6, 9.0), msgspec.structs.replace(ON_FOUR_LEGS, breadth=1.2), {"vehicle"}),
    ],
)
def test_size_motion_and_shape_together_tell_kinds(
    body: tuple[float, float, float], shape: Silhouette, allowed: set[Kind]
) -> None:
    assert last_kind(shaped(seen(*body, scale=SCALE, beat=0.1), shape))[0] in allowed


@given(
    width=st.floats(0.3, 2.5),
    height=st.floats(0.9, 2.4),
    speed=st.floats(0.0, 8.0),
    sigma=st.floats(0.02, 1.0),
    breadth=st.floats(-1.5, -0.3),
    sag=st.floats(-1.0, 1.0),
    fill=st.floats(0.1, 0.9),
)
def test_what_is_upright_and_tall_is_never_harmless_whatever_its_shape_is_otherwise(
    width: float, height: float, speed: float, sigma: float, breadth: float, sag: float, fill: float
) -> None:
    shape = msgspec.structs.replace(UPRIGHT, breadth=breadth, sag=sag, fill=fill)
    classifier = Classifier()
    sights = shaped(seen(width, height, speed, scale=SCALE, sigma_m=sigma, seconds=6, fps=8), shape)
    assert not {classifier.update(1, sight)[0] for sight in list(sights)[3:]} & HARMLESS


def entering(
    sights: Iterator[Sight], shape: Silhouette, *, seconds: float, part: tuple[float, float] = (0.3, 1.0)
) -> Iterator[Sight]:
    """The same sights, but that the edge of the picture hides all but a part (of width, height) for some seconds."""
    for k, sight in enumerate(shaped(sights, shape)):
        size = sight.size
        if k >= seconds * 25 or size is None:
            yield sight
            continue
        wide, high = part
        box = msgspec.structs.replace(sight.box, w_px=sight.box.w_px * wide, h_px=sight.box.h_px * high)
        yield msgspec.structs.replace(
            sight,
            box=box,
            size=msgspec.structs.replace(size, width_m=size.width_m * wide, height_m=size.height_m * high),
            silhouette=msgspec.structs.replace(shape, breadth=shape.breadth + math.log(wide / high)),
            cut=True,
        )


@given(seconds=st.floats(0.1, 3.0), width=st.floats(0.5, 3.0), height=st.floats(0.4, 2.2), part=st.floats(0.1, 0.9))
def test_what_the_edge_hid_at_first_is_weighed_by_whole_sights_alone(
    seconds: float, width: float, height: float, part: float
) -> None:
    whole, cut = Classifier(), Classifier()
    for sight in shaped(seen(width, height, 1.0, scale=SCALE, seconds=6), UPRIGHT):
        whole.update(1, sight)
    for sight in entering(
        seen(width, height, 1.0, scale=SCALE, seconds=6 + seconds), UPRIGHT, seconds=seconds, part=(part, 1)
    ):
        cut.update(1, sight)
    one, two = whole.measured(1), cut.measured(1)
    assert one is not None
    assert two is not None
    sizes = [VALUES.index(name) for name in ("height_m", "width_m", "breadth", "lengths_s", "across_m_s")]
    assert two[sizes] == pytest.approx(one[sizes], abs=1e-6)


def test_what_the_edge_cuts_is_not_told_at_once_and_then_as_what_it_is() -> None:
    dog = entering(seen(1.2, 0.75, 2.5, scale=SCALE), ON_FOUR_LEGS, seconds=0.6)
    man = entering(seen(0.7, 1.7, 1.4, scale=SCALE), UPRIGHT, seconds=0.6)
    classifier = Classifier()
    told = [(classifier.update(1, one)[0], classifier.update(2, two)[0]) for one, two in zip(dog, man, strict=True)]
    assert set(told[:15]) == {("unknown", "unknown")}
    assert told[-1] == ("animal", "person")


def test_who_stays_at_the_edge_is_told_after_a_while_and_never_harmless_by_a_part() -> None:
    legs = entering(seen(0.7, 1.7, 1.4, scale=SCALE), UPRIGHT, seconds=99, part=(1.0, 0.4))
    classifier = Classifier()
    assert not {classifier.update(1, sight)[0] for sight in legs} & HARMLESS


def test_an_unknown_is_the_surer_the_less_speaks_for_what_is_harmless() -> None:
    """A beast too lately seen to be called one, and somebody who was: both unknown."""
    classifier = Classifier()
    first = [classifier.update(1, sight) for sight in shaped(seen(1.2, 0.75, 1.0, scale=SCALE), ON_FOUR_LEGS)][2:4]
    assert all(kind == "unknown" and sure < 0.5 for kind, sure in first)
    classifier = Classifier()
    cut = entering(seen(0.7, 1.7, 1.4, scale=SCALE), UPRIGHT, seconds=0.8, part=(0.9, 1.0))
    walker = [classifier.update(1, sight) for sight in cut][5:15]
    assert all(kind == "unknown" and sure > 0.5 for kind, sure in walker)


@pytest.mark.parametrize(
    ("body", "kind"), [((2.2, 1.6, 1.0), "animal"), ((1.25, 1.1, 1.2), "unknown"), ((0.9, 0.8, 0.9), "unknown")]
)
def test_what_is_as_tall_as_wide_is_harmless_only_where_it_is_too_large_to_be_a_part_of_somebody(
    body: tuple[float, float, float], kind: Kind
) -> None:
    sights = list(shaped(seen(*body, scale=0.15), msgspec.structs.replace(ON_FOUR_LEGS, breadth=0.2)))
    assert last_kind(iter(sights))[0] == kind
    cut = [msgspec.structs.replace(sight, cut=True) for sight in sights]
    assert last_kind(iter(cut))[0] == "unknown"


@pytest.mark.parametrize(
    ("body", "later"),
    [((0.6, 0.5, 0.9), "animal"), ((0.8, 0.5, 0.5), "unknown"), ((0.6, 1.3, 0.9), "unknown")],
    ids=["too low to walk and too fast to crawl", "at a crawl", "high enough to crouch"],
)
def test_what_nobody_can_be_shaped_like_is_harmless_once_it_was_followed_for_a_while(
    body: tuple[float, float, float], later: Kind
) -> None:
    """The trees leave a quarter to a third for people; what cannot be one is no longer given the benefit of that."""
    long = msgspec.structs.replace(ON_FOUR_LEGS, breadth=0.7)
    classifier = Classifier()
    told = [classifier.update(1, sight)[0] for sight in shaped(seen(*body, scale=0.12, seconds=5, fps=9), long)]
    assert set(told[9:26]) == {"unknown"}
    assert told[-1] == later


@pytest.mark.parametrize(("shape", "sure"), [(ON_FOUR_LEGS, 0.6), (UPRIGHT, 0.99)])
def test_what_was_never_seen_whole_is_not_told_surely_unless_it_is_upright(shape: Silhouette, sure: float) -> None:
    for body in ((0.7, 1.7, 1.4), (1.2, 0.75, 1.0), (0.7, 0.35, 0.4)):
        cut = (msgspec.structs.replace(sight, cut=True) for sight in shaped(seen(*body, scale=SCALE), shape))
        classifier = Classifier()
        told = [classifier.update(1, sight) for sight in cut]
        assert all(confidence <= sure for _, confidence in told[3:])
    assert told[-1][0] in {"person", "unknown"}


@pytest.mark.parametrize(("lengths", "kind"), [(10.5, "flying"), (7.0, "unknown")])
@pytest.mark.parametrize("fps", [9.0, 25.0])
def test_beyond_known_ground_who_keeps_on_faster_than_a_runners_head_flies(
    fps: float, lengths: float, kind: Kind
) -> None:
    sights = seen(5, 4, 5 * lengths, seconds=3, fps=fps, jitter=0.1)
    assert last_kind(sights)[0] == kind
    there_and_back = [
        msgspec.structs.replace(sight, velocity_x_px_s=sight.velocity_x_px_s * (-1) ** (k // 3))
        for k, sight in enumerate(seen(5, 4, 5 * lengths, seconds=3, fps=fps))
    ]
    assert last_kind(iter(there_and_back))[0] == "unknown"


@given(
    width=st.floats(0.3, 0.69),
    height=st.floats(0.2, 0.49),
    speed=st.floats(0.0, 0.55),
    sigma=st.floats(0.02, 0.1),
    breadth=st.floats(-1.0, 1.0),
)
def test_what_may_be_a_swimmers_head_and_shoulders_is_never_harmless(
    width: float, height: float, speed: float, sigma: float, breadth: float
) -> None:
    shape = msgspec.structs.replace(ON_FOUR_LEGS, breadth=breadth)
    classifier = Classifier()
    sights = shaped(seen(width, height, speed, scale=SCALE, sigma_m=sigma, seconds=6, fps=8), shape)
    assert not {classifier.update(1, sight)[0] for sight in list(sights)[3:]} & HARMLESS


FIT = trees()


def answer(questions: list[int], leaves: list[float], values: list[float], question: int = 0) -> float:
    """What one tree adds, asked as one would by hand."""
    if question >= len(questions):
        return leaves[question - len(questions)]
    value, edge = divmod(questions[question], EDGES)
    above = questions[question] >= 0 and values[value] > FIT.edges[value, edge]
    return answer(questions, leaves, values, 2 * question + 1 + above)


@given(st.lists(st.floats(-6, 6), min_size=len(VALUES), max_size=len(VALUES)))
def test_fitted_shares_are_those_of_the_trees_asked_one_by_one(values: list[float]) -> None:
    scores = FIT.start.copy()
    for number, (questions, leaves) in enumerate(zip(FIT.splits.tolist(), FIT.leaves.tolist(), strict=True)):
        scores[number % len(FITTED)] += answer(questions, leaves, values)
    shares = np.empty(len(FITTED))
    _fitted_shares(np.array(values), *FIT, shares)
    assert shares == pytest.approx(np.exp(scores) / np.exp(scores).sum(), rel=1e-6, abs=1e-12)


def test_the_trees_ask_only_what_there_is_to_ask() -> None:
    assert len(FIT.splits) == len(FIT.leaves)
    assert len(FIT.splits) % len(FITTED) == 0
    assert FIT.splits.min() >= -1
    assert FIT.splits.max() < len(VALUES) * EDGES
    assert (np.diff(FIT.edges, axis=1) >= 0).all()


def test_walking_is_told_from_a_rigid_thing_by_its_beat() -> None:
    walking = last_kind(seen(0.9, 1.2, 1.3, scale=SCALE, beat=0.25))
    rigid = last_kind(seen(0.9, 1.2, 1.3, scale=SCALE))
    assert walking[0] == "person"
    assert walking[1] > rigid[1] or rigid[0] != "person"


def test_tracks_are_kept_apart_and_forgotten() -> None:
    classifier = Classifier()
    for walker, dog in zip(seen(0.6, 1.7, 1.4, scale=SCALE), seen(0.9, 0.6, 4.0, scale=SCALE), strict=True):
        kinds = classifier.update(1, walker)[0], classifier.update(2, dog)[0]
    assert kinds == ("person", "animal")
    classifier.forget(2)
    classifier.forget(99)
    assert classifier.update(2, next(seen(0.9, 0.6, 4.0, scale=SCALE)))[0] == "unknown"


class Sworn:
    """A model that always says the same."""

    def __init__(self, kind: Kind, confidence: float) -> None:
        self.found = Classified(kind=kind, confidence=confidence)
        self.looks = 0

    def detect(self, crops: Sequence[Counts]) -> list[list[Classified]]:
        self.looks += len(crops)
        return [[self.found] for _ in crops]


def with_model(model: Sworn, sights: Iterator[Sight]) -> tuple[Kind, float]:
    classifier, crop = Classifier(model), np.zeros((64, 64), np.uint8)
    told: tuple[Kind, float] = ("unknown", 0.0)
    for sight in sights:
        if classifier.wants_look(1, sight.time_s):
            assert classifier.look(1, crop, sight.time_s)
        assert not classifier.look(1, crop, sight.time_s)
        told = classifier.update(1, sight)
    return told


@pytest.mark.parametrize("kind", sorted(HARMLESS))
@pytest.mark.parametrize("body", [(0.6, 1.7, 1.4), (1.7, 0.5, 0.6), (3.0, 1.7, 1.3), (0.9, 0.8, 1.0), (4.4, 1.6, 14.0)])
def test_a_model_alone_cannot_make_a_human_size_harmless(kind: Kind, body: tuple[float, float, float]) -> None:
    assert with_model(Sworn(kind, 0.999), seen(*body, scale=SCALE, seconds=20))[0] not in HARMLESS


def test_a_model_looks_once_a_second_and_lends_what_it_knows() -> None:
    model = Sworn("person", 0.95)
    sights = list(seen(0.9, 0.8, 0.8, scale=SCALE, seconds=5))
    alone, helped = last_kind(iter(sights)), with_model(model, iter(sights))
    assert model.looks == 5
    assert alone[0] == "unknown"
    assert helped[0] == "person"


def test_without_a_model_nothing_is_looked_at() -> None:
    classifier = Classifier()
    assert not classifier.wants_look(1, 0.0)
    assert not classifier.look(1, np.zeros((4, 4), np.uint8), 0.0)


def test_an_update_is_cheap() -> None:
    sights = list(seen(0.6, 1.7, 1.4, scale=SCALE, seconds=40))
    best = math.inf
    for _ in range(5):
        classifier, begun = Classifier(), time.process_time()
        for sight in sights:
            classifier.update(1, sight)
        best = min(best, (time.process_time() - begun) / len(sights))
    # 7 us on an idle core; the limit leaves room for a slower or busier one.
    assert best < 40e-6


def kinds_on(path: Path) -> Counter[Kind]:
    if not path.exists():
        if os.environ.get("CI") == "true":
            pytest.fail(f"{path} is missing; set MARSAD_REAL_DATA")
        pytest.skip(f"{path} is missing; set MARSAD_REAL_DATA")
    watcher, source = Watcher("C1"), open_source(str(path), "C1")
    pictures = [frame for frame in source if isinstance(frame, Frame)]
    source.close()
    return Counter(
        track.kind for frame in pictures for track in watcher.observe(frame).tracks if track.status != "standing"
    )


def test_the_real_walker_is_a_person_or_unknown() -> None:
    kinds = kinds_on(REAL_DATA / "thermal" / "tno-duine")
    assert kinds["person"] >= 5
    assert set(kinds) <= {"person", "unknown"}


@pytest.mark.parametrize("clip", ["possum", "hedgehog"])
def test_a_real_animal_is_never_a_person(clip: str) -> None:
    kinds = kinds_on(REAL_DATA / "thermal" / "cacophony-cptv" / f"{clip}.cptv")
    assert kinds.total() > 0
    assert kinds["person"] == kinds["group"] == 0
