"""A partner's coarse word in our picture: held against the truth, and joined by the real fusion on both sides."""

import math
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from marsad.coordinate.reconcile import Reconciler, ReconcileSettings, cell_variance_m2
from marsad.fuse.combine import CombineSettings, Joint, exportable
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.error import RefusedError
from marsad.kernel.joint import Body, Correction, JointMessage, JointThing, Recall
from marsad.kernel.partner_track import PartnerTrack
from marsad.kernel.picture import PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.track import Kind

S = 10**9
NOW = 1_760_000_000 * S
ANCHOR = Position(latitude_deg=34.0, longitude_deg=41.0)
GRID = EnuFrame(ANCHOR)
EAST = EnuFrame(Position(latitude_deg=34.03, longitude_deg=41.1, height_m=250.0))
WEST = EnuFrame(Position(latitude_deg=33.98, longitude_deg=40.92, height_m=310.0))
CELL_M = 1000
KEPT = ReconcileSettings()
Point = tuple[float, float]


def told(
    thing_id: str = "a", *, origin: str = "west", at: Point = (300.0, 400.0), time_ns: int = NOW, release: str = "",
    **more: object,
) -> PartnerTrack:  # fmt: skip
    """What a partner tells of something that stands at a place, in metres from the anchor."""
    known = PartnerTrack(
        release_id=release or f"{thing_id}.{time_ns}", thing_id=thing_id, origin=origin, time_ns=time_ns,
        cell=(math.floor(at[0] / CELL_M), math.floor(at[1] / CELL_M)), cell_m=CELL_M,
    )  # fmt: skip
    return msgspec.structs.replace(known, **more)


def reconciler(partner: str = "west", frame: EnuFrame = EAST, **more: bool) -> Reconciler:
    return Reconciler(partner, ANCHOR, frame, KEPT, **more)


def from_anchor(track: PictureTrack) -> np.ndarray:
    point = GRID.point(track.ground.position)
    return np.array([point.east_m, point.north_m])


def taken_back(author: str, body: Body, exercise: str = "") -> JointThing:
    said = JointMessage(
        author=author, sequence=1, salt="0" * 16, time_ns=NOW, stamp_ns=NOW, by="operator", body=body,
        agreement_version=1, exercise=exercise,
    )  # fmt: skip
    return JointThing(
        thing_id=said.message_id, course="notice", state="standing", opened=said, changed_ns=NOW, delivery="sent"
    )


def test_a_partners_track_keeps_its_origin_and_stands_in_the_middle_of_its_cell() -> None:
    ours = reconciler()
    ours.take(told(at=(1300.0, -400.0)), NOW)
    (track,) = ours.tracks(NOW)
    assert (track.origin, track.track_id, track.status) == ("west", "a", "confirmed")
    assert from_anchor(track) == pytest.approx((1500.0, -500.0), abs=0.1)
    here = EAST.point(track.ground.position)
    assert (track.ground.east_m, track.ground.north_m) == pytest.approx((here.east_m, here.north_m))


@given(st.integers(0, 2**32 - 1), st.sampled_from([250, 1000, 3000]), st.integers(0, 400))
@settings(deadline=None, max_examples=20)
def test_the_covariance_is_that_of_all_places_the_thing_may_be_at(seed: int, cell_m: int, sigma_m: int) -> None:
    """The error of a place known by its cell, drawn many times, is no larger than what is said of it."""
    rng = np.random.default_rng(seed)
    truth = rng.uniform(-20_000, 20_000, size=(4000, 2))
    seen = truth + rng.normal(scale=sigma_m, size=truth.shape)
    errors = (np.floor(seen / cell_m) + 0.5) * cell_m - truth
    ours = reconciler()
    ours.take(told(cell_m=cell_m, sigma_m=sigma_m), NOW)
    covariance = ours.tracks(NOW)[0].ground.covariance
    assert covariance.east_m2 == covariance.north_m2 == pytest.approx(cell_m**2 / 12 + sigma_m**2)
    assert covariance.east_north_m2 == 0
    assert covariance.east_m2 >= cell_variance_m2(cell_m)
    assert np.mean(errors**2, axis=0).max() <= 1.08 * covariance.east_m2


@given(
    st.integers(0, 200), st.integers(0, 300), st.sampled_from(["person", "vehicle", "unknown"]),
    st.sampled_from([None, (3.0, 1.0)]),
)  # fmt: skip
def test_time_that_is_left_open_only_adds_to_what_is_not_known(
    hold_s: int, precision_s: int, kind: Kind, velocity: Point | None
) -> None:
    ours = reconciler()
    ours.take(told(hold_s=hold_s, time_precision_s=precision_s, kind=kind, velocity_m_s=velocity), NOW)
    (track,) = ours.tracks(NOW)
    speed = 15.0 if kind == "vehicle" else 1.5
    drift = (speed * max(hold_s, precision_s)) ** 2 / 3
    assert track.ground.covariance.east_m2 == pytest.approx(cell_variance_m2(CELL_M) + drift)
    assert (track.ground.velocity_east_m_s, track.ground.velocity_north_m_s) == (velocity or (0.0, 0.0))
    assert track.velocity_covariance.east_m2 == speed**2


def test_what_is_said_fades_with_its_age_then_is_only_shown_and_then_gone() -> None:
    ours = reconciler()
    ours.take(told(), NOW)
    joined = [ours.tracks(NOW + age * S) for age in (0, 90, 91, 180, 181, 900)]
    assert [[track.status for track in tracks] for tracks in joined] == [
        ["confirmed"], ["confirmed"], ["coasting"], ["coasting"], [], [],
    ]  # fmt: skip
    shown = [ours.stale(NOW + age * S) for age in (0, 180, 181, 900)]
    assert [[track.status for track in tracks] for tracks in shown] == [[], [], ["coasting"], ["coasting"]]
    sure = [track.existence for tracks in (*joined, *shown[2:]) for track in tracks]
    assert sure == sorted(sure, reverse=True)
    assert sure[-1] == 0.0
    assert ours.stale(NOW + 901 * S) == ()


def test_what_was_taken_back_is_not_shown_as_stale() -> None:
    ours = reconciler()
    ours.take(told(ended=True), NOW)
    assert ours.stale(NOW + 300 * S) == ()


STORY = tuple(
    told(thing, at=(n * 700.0, k * 900.0), time_ns=NOW + n * 30 * S, ended=n == 5 and thing == "b")
    for k, thing in enumerate("abc")
    for n in range(6)
)
TAKEN_BACK = (
    taken_back("west", Recall(releases=(STORY[5].release_id,), reason="wrong place")),
    taken_back("west", Correction(release=STORY[14].release_id, reason="two, not three")),
)


@given(st.permutations(STORY), st.lists(st.sampled_from(STORY)), st.integers(0, 18))
@settings(deadline=None)
def test_what_stands_depends_on_what_was_told_and_on_nothing_else(
    order: Sequence[PartnerTrack], again: Sequence[PartnerTrack], when: int
) -> None:
    """Late, repeated, in any order, with the recalls before, between or after."""
    straight, ours = reconciler(), reconciler()
    now = NOW + 200 * S
    for track in STORY:
        straight.take(track, now)
    straight.recall(TAKEN_BACK)
    for n, track in enumerate((*order, *again)):
        if n == when:
            ours.recall(TAKEN_BACK)
            ours.tracks(now)
        ours.take(track, now)
    ours.recall(TAKEN_BACK)
    assert ours.tracks(now) == straight.tracks(now)
    assert {track.track_id: track.status for track in ours.tracks(now)} == {"a": "lost", "b": "lost", "c": "confirmed"}


def test_what_was_recalled_is_gone_until_it_is_told_of_anew_and_a_thing_as_a_whole_for_good() -> None:
    ours = reconciler()
    ours.take(told("a"), NOW)
    ours.take(told("b"), NOW)
    ours.recall([taken_back("west", Recall(releases=(f"a.{NOW}",), things=("b",), reason="wrong"))])
    assert [track.status for track in ours.tracks(NOW)] == ["lost", "lost"]
    ours.take(told("a", time_ns=NOW + S), NOW + S)
    ours.take(told("b", time_ns=NOW + S), NOW + S)
    assert [track.status for track in ours.tracks(NOW + S)] == ["confirmed", "lost"]


def test_we_recall_nothing_of_the_partners_and_an_exercise_recalls_nothing_real() -> None:
    ours = reconciler()
    ours.take(told(), NOW)
    recall = Recall(releases=(f"a.{NOW}",), reason="wrong")
    ours.recall([taken_back("east", recall), taken_back("west", recall, exercise="Owl")])
    assert [track.status for track in ours.tracks(NOW)] == ["confirmed"]


@pytest.mark.parametrize(
    ("track", "says"),
    [
        (told(origin="south"), "only what it saw itself is taken"),
        (told(origin="east"), "only what it saw itself is taken"),
        (told(time_ns=NOW + 301 * S), "look at the clocks"),
        (told(exercise=True), "kept apart"),
        (told(velocity_m_s=(math.nan, 0.0)), "no speed that could be"),
        (told(velocity_m_s=(0.0, math.inf)), "no speed that could be"),
    ],
)
def test_what_is_not_sound_is_refused_and_leaves_nothing(track: PartnerTrack, says: str) -> None:
    ours = reconciler()
    with pytest.raises(RefusedError, match=says):
        ours.take(track, NOW)
    assert ours.tracks(NOW) == ()


def test_in_an_exercise_only_what_is_played_is_taken_in() -> None:
    ours = reconciler(exercise=True)
    ours.take(told(exercise=True), NOW)
    with pytest.raises(RefusedError, match="kept apart"):
        ours.take(told("b"), NOW)
    assert len(ours.tracks(NOW)) == 1


# Both sides' joint pictures, by the real fusion.


class Station:
    """One side: what it saw, what the partner told, and the joint picture of both."""

    def __init__(self, name: str, partner: str, frame: EnuFrame) -> None:
        self.frame = frame
        self.name = name
        self.own = Reconciler(name, ANCHOR, frame, KEPT)
        self.partner = Reconciler(partner, ANCHOR, frame, KEPT)
        self.joint = Joint(name, frame, CombineSettings(kept_s=KEPT.kept_s))
        self.picture: tuple[PictureTrack, ...] = ()

    def hear(self, tracks: Iterable[PartnerTrack], now_ns: int) -> None:
        for track in tracks:
            (self.own if track.origin == self.name else self.partner).take(track, now_ns)

    def look(self, now_ns: int, exact: Sequence[PictureTrack] | None = None) -> None:
        local = self.own.tracks(now_ns) if exact is None else exact
        known = [track for track in local if track.status != "lost"]
        self.picture = self.joint.update(known, self.partner.tracks(now_ns), now_ns)


def objects(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Where nine stand at the start, kilometres apart, and how they go."""
    rng = np.random.default_rng(seed)
    corners = np.array([(x, y) for x in range(3) for y in range(3)]) * 9000.0
    return corners + rng.uniform(-500, 500, size=(9, 2)), rng.normal(scale=0.4, size=(9, 2))


def seen_by(name: str, at: np.ndarray, rng: np.random.Generator, time_ns: int) -> list[PartnerTrack]:
    """What a side tells of those it sees: east the first six, west the last six."""
    mine = range(6) if name == "east" else range(3, 9)
    noisy = at + rng.normal(scale=40.0, size=at.shape)
    return [
        told(f"{name[0]}{n}", origin=name, at=(noisy[n, 0], noisy[n, 1]), time_ns=time_ns, sigma_m=40) for n in mine
    ]


def exactly(name: str, frame: EnuFrame, at: np.ndarray, time_ns: int) -> list[PictureTrack]:
    """What a side itself knows of those it sees."""
    found = []
    for n in range(6) if name == "east" else range(3, 9):
        position = GRID.position(at[n, 0], at[n, 1])
        here = frame.point(position)
        ground = GroundState(
            position=position, east_m=here.east_m, north_m=here.north_m, range_m=0.0,
            covariance=GroundCovariance(east_m2=400.0, east_north_m2=0.0, north_m2=400.0),
        )  # fmt: skip
        found.append(
            PictureTrack(
                track_id=f"T{n}",
                origin=name,
                time_ns=time_ns,
                status="confirmed",
                ground=ground,
                velocity_covariance=GroundCovariance(east_m2=0.25, east_north_m2=0.0, north_m2=0.25),
                existence=0.9,
                first_ns=time_ns,
                seen_ns=time_ns,
            )
        )
    return found


def places(picture: Iterable[PictureTrack]) -> np.ndarray:
    return np.array([from_anchor(track) for track in picture])


def apart_m(one: np.ndarray, two: np.ndarray) -> float:
    """How far the worst two are apart, when each of one is paired with one of the other as well as can be."""
    distances = np.linalg.norm(one[:, None] - two[None], axis=2)
    return float(distances[linear_sum_assignment(distances)].max())


def night(seed: int, *, exact: bool) -> tuple[Station, Station, np.ndarray]:
    """An hour and a half in which the link is down for an hour, and then brings all in a mixed order."""
    east, west = Station("east", "west", EAST), Station("west", "east", WEST)
    start, velocity = objects(seed)
    rng = np.random.default_rng(seed)
    backlog: list[PartnerTrack] = []
    at = start
    for minute in range(90):
        now = NOW + minute * 60 * S
        at = start + velocity * minute * 60
        for side in (east, west):
            tracks = seen_by(side.name, at, rng, now)
            side.hear(tracks, now)
            backlog += tracks
        if not 15 <= minute < 75:
            for side in (east, west):
                side.hear([backlog[n] for n in rng.permutation(len(backlog))], now)
            backlog = []
        for side in (east, west):
            side.look(now, exactly(side.name, side.frame, at, now) if exact else None)
            assert len(side.picture) == (9 if minute < 18 or minute >= 75 else 6)
    return east, west, at


@pytest.mark.parametrize("seed", [1, 2])
def test_after_an_outage_both_sides_have_the_same_objects_at_the_same_places(seed: int) -> None:
    """Both go by what was released, of themselves too: then nothing but the planes they reckon in differs."""
    east, west, at = night(seed, exact=False)
    assert apart_m(places(east.picture), places(west.picture)) < 1.0
    assert apart_m(places(east.picture), at) < CELL_M
    assert {track.origin for track in east.picture} == {"east", "west", "east+west"}
    ellipses = [sorted(t.ground.covariance.east_m2 for t in side.picture) for side in (east, west)]
    assert ellipses[0] == pytest.approx(ellipses[1], rel=1e-3)


@pytest.mark.parametrize("seed", [3])
def test_with_each_side_knowing_its_own_better_both_have_the_same_objects_within_the_rounding(seed: int) -> None:
    east, west, at = night(seed, exact=True)
    assert apart_m(places(east.picture), places(west.picture)) < CELL_M
    for side in (east, west):
        assert apart_m(places(side.picture), at) < CELL_M
        both = [track for track in side.picture if track.origin == "east+west"]
        assert len(both) == 3
        assert all(track.ground.covariance.east_m2 <= 400.0 + 1e-6 for track in both)


def test_what_is_recalled_leaves_the_joint_picture_at_once_and_nothing_of_the_partners_goes_on() -> None:
    east = Station("east", "west", EAST)
    start, _ = objects(1)
    rng = np.random.default_rng(1)
    east.hear(seen_by("east", start, rng, NOW) + seen_by("west", start, rng, NOW), NOW)
    east.look(NOW)
    assert len(east.picture) == 9
    assert all(track.origin == "east" for track in exportable(east.picture, "east"))
    assert len(exportable(east.picture, "east")) == 3
    recalled = tuple(f"w{n}.{NOW}" for n in range(6, 9))
    east.partner.recall([taken_back("west", Recall(releases=recalled, reason="seen by mistake"))])
    east.look(NOW + S)
    assert len(east.picture) == 6
    east.hear([told("w6", at=(0.0, 0.0), time_ns=NOW - 10 * S)], NOW + 2 * S)
    east.look(NOW + 2 * S)
    assert len(east.picture) == 6
