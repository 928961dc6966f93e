"""The picture of what a fuser knows: places, statuses, who is known, which sources are trusted."""

import math
import time
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.fuse.approach import line_paths, looked_ahead
from marsad.fuse.company import Company, with_groups
from marsad.fuse.fuser import Fuser, FuseSettings, Life, Opinion, State
from marsad.fuse.hypotheses import Rows
from marsad.fuse.picture import Known, PictureSettings, headings_of, known_to, picture_of
from marsad.fuse.sensor import PlaceSensor, Reporting
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.declaration import Declaration
from marsad.kernel.measurement import GroundFix, Look, Measurement
from marsad.kernel.picture import Picture, PictureStatus, PictureTrack, Standing
from marsad.kernel.position import GroundCovariance, Position
from marsad.kernel.site import Line
from marsad.kernel.track import Count, Kind

S = 10**9
DAY = 19_700 * 86_400 * S
"""Midnight of a day."""
FRAME = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0))
NOWHERE = (math.inf, math.inf, -math.inf, -math.inf)
PATROLS = {"gps-1": "patrol 1"}


def fuser() -> Fuser:
    doubtful = Reporting(false_per_km2=0.02)
    return Fuser(
        [PlaceSensor("post", reporting=doubtful), PlaceSensor("gps-1", NOWHERE), PlaceSensor("gps-2", NOWHERE)]
    )


def fix(
    east_m: float, north_m: float, label: int, sigma_m: float = 2.0, kind: Kind = "person", count: Count | None = None
) -> Measurement:
    cover = GroundCovariance(east_m2=sigma_m**2, east_north_m2=0.0, north_m2=sigma_m**2)
    return Measurement(
        fix=GroundFix(east_m=east_m, north_m=north_m, covariance=cover), label=label, kind=kind, kind_confidence=0.9,
        count=count,
    )  # fmt: skip


def seen(
    engine: Fuser, moments: range, places: list[tuple[float, float]], *, start_ns: int = DAY, kind: Kind = "person"
) -> State:
    """The state after a post has seen some walk north, each under its own number, once a second."""
    state = engine.state
    for k in moments:
        measurements = tuple(fix(e, n + k, i, kind=kind) for i, (e, n) in enumerate(places))
        state = engine.update([Look(source_id="post", time_ns=start_ns + k * S, measurements=measurements)])
    return state


def patrolled(engine: Fuser, moment: int, east_m: float, north_m: float, source: str = "gps-1") -> State:
    here = fix(east_m, north_m, 7, sigma_m=4.0)
    return engine.update([Look(source_id=source, time_ns=DAY + moment * S, measurements=(here,))])


def near(picture: Picture, east_m: float, north_m: float) -> PictureTrack:
    return min(
        (t for t in picture.tracks if t.status == "confirmed"),
        key=lambda t: math.hypot(t.ground.east_m - east_m, t.ground.north_m - north_m),
    )


def around(east_m: float, north_m: float, half_m: float) -> tuple[Position, ...]:
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return tuple(FRAME.position(east_m + half_m * e, north_m + half_m * n) for e, n in corners)


def test_a_walker_is_shown_where_it_is_and_how_it_goes() -> None:
    engine = fuser()
    state = seen(engine, range(30), [(100.0, 0.0)])
    (track,) = (t for t in picture_of(state, known_to(engine, FRAME)).tracks if t.status == "confirmed")
    assert math.hypot(track.ground.east_m - 100, track.ground.north_m - 29) < 3
    assert track.heading_rad is not None
    assert abs((track.heading_rad + math.pi) % (2 * math.pi) - math.pi) < 3 * track.heading_sigma_rad + 0.05
    assert track.speed_m_s == pytest.approx(1.0, abs=3 * track.speed_sigma_m_s)
    back = FRAME.point(track.ground.position)
    assert (back.east_m, back.north_m) == pytest.approx((track.ground.east_m, track.ground.north_m), abs=1e-6)
    assert [(c.source_id, c.label, c.time_ns) for c in track.contributors] == [("post", 0, DAY + 29 * S)]
    assert (track.kind, track.standing) == ("person", "unknown")


def test_a_track_is_tentative_then_confirmed_then_coasting_then_lost() -> None:
    engine = fuser()
    known = known_to(engine, FRAME)
    first = picture_of(seen(engine, range(1), [(0.0, 0.0)]), known, PictureSettings(shown=0.0))
    assert [t.status for t in first.tracks] == ["tentative"]
    state = seen(engine, range(1, 20), [(0.0, 0.0)])
    assert [t.status for t in picture_of(state, known).tracks] == ["confirmed"]
    later = engine.carried(state, DAY + 25 * S)
    assert [t.status for t in picture_of(later, known).tracks] == ["coasting"]
    far = engine.carried(state, DAY + 360 * S)
    assert [t.status for t in picture_of(far, known).tracks] == ["lost"]
    doubted = state._replace(existence=np.full(1, 0.3))
    assert [t.status for t in picture_of(doubted, known).tracks] == ["lost"]


def test_own_patrols_are_known_and_stay_so_for_a_while() -> None:
    engine = fuser()
    seen(engine, range(10), [(0.0, 0.0), (300.0, 0.0)])
    patrolled(engine, 10, 0.0, 10.0)
    state = seen(engine, range(11, 60), [(0.0, 0.0), (300.0, 0.0)])
    picture = picture_of(state, known_to(engine, FRAME, patrols=PATROLS))
    assert (near(picture, 0, 59).standing, near(picture, 0, 59).standing_id) == ("own", "patrol 1")
    assert near(picture, 300, 59).standing == "unknown"
    late = picture_of(state, known_to(engine, FRAME, patrols=PATROLS), PictureSettings(own_hold_s=20.0))
    assert near(late, 0, 59).standing == "unknown"
    assert near(picture_of(state, known_to(engine, FRAME)), 0, 59).standing == "unknown"


def test_an_unknown_one_beside_a_patrol_stays_unknown() -> None:
    engine = fuser()
    places = [(0.0, 0.0), (12.0, 0.0)]
    for k in range(30):
        seen(engine, range(k, k + 1), places)
        state = patrolled(engine, k, 0.0, k)
    picture = picture_of(state, known_to(engine, FRAME, patrols=PATROLS))
    assert near(picture, 0, 29).standing == "own"
    assert near(picture, 12, 29).standing == "unknown"
    assert [t.standing for t in picture.tracks if t.status == "confirmed"].count("own") == 1


def test_declared_are_those_of_the_kind_in_the_area_at_the_hour() -> None:
    engine = fuser()
    state = seen(engine, range(30), [(0.0, 0.0), (400.0, 0.0)], start_ns=DAY + 8 * 3600 * S)
    works = Declaration(id="works", points=around(0, 30, 100), kinds=("person", "vehicle"), from_hour=7, until_hour=17)

    def standing(declaration: Declaration) -> tuple[str, str]:
        picture = picture_of(state, known_to(engine, FRAME, declarations=[declaration]))
        return near(picture, 0, 29).standing, near(picture, 400, 29).standing

    assert standing(works) == ("declared", "unknown")
    assert standing(Declaration(id="w", points=works.points, kinds=("animal",))) == ("unknown", "unknown")
    night = Declaration(id="w", points=works.points, kinds=("person",), from_hour=20, until_hour=6)
    assert standing(night) == ("unknown", "unknown")
    over = Declaration(id="w", points=works.points, kinds=("person",), until_ns=DAY)
    assert standing(over) == ("unknown", "unknown")
    through_midnight = Declaration(id="w", points=works.points, kinds=("person",), from_hour=20, until_hour=9)
    assert standing(through_midnight) == ("declared", "unknown")


def test_of_more_than_were_declared_the_last_to_come_are_unknown() -> None:
    engine = fuser()
    seen(engine, range(20), [(0.0, 0.0), (40.0, 0.0)])
    state = seen(engine, range(20, 50), [(0.0, 0.0), (40.0, 0.0), (20.0, 0.0)])
    two = Declaration(id="shepherds", points=around(20, 50, 150), kinds=("person",), most=2)
    picture = picture_of(state, known_to(engine, FRAME, declarations=[two]))
    assert [near(picture, e, 49).standing for e in (0, 40, 20)] == ["declared", "declared", "unknown"]


def test_who_may_as_well_be_outside_is_not_declared() -> None:
    engine = fuser()
    state = seen(engine, range(20), [(0.0, 0.0)])
    edge = Declaration(id="w", points=around(100.5, 20, 100), kinds=("person",))
    assert near(picture_of(state, known_to(engine, FRAME, declarations=[edge])), 0, 19).standing == "unknown"


def mixture(means: list[list[float]], weights: list[float], spreads: list[np.ndarray], lean: np.ndarray) -> State:
    """A state of one track of several hypotheses, with one bias of unit variance."""
    count = len(means)
    rows = Rows(
        np.array([0, count]), np.array(means), np.array(spreads), np.tile(lean, (count, 1, 1)), np.array(weights),
        np.full((count, 3, 2), math.nan),
    )  # fmt: skip
    return fuser().state._replace(
        time_ns=DAY, rows=rows, existence=np.ones(1), born_ns=np.full(1, DAY), seen_ns=np.full(1, DAY),
        confirmed_ns=np.full(1, DAY), surprise=np.ones(1), told_ns=np.zeros((1, 3), np.int64),
        label=np.full((1, 3), -1), lives=(Life("a", {}),), bias_mean=np.zeros(3), bias_spread=np.eye(3),
    )  # fmt: skip


def plain() -> Known:
    return known_to(fuser(), FRAME)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 8), st.integers(0, 10_000))
def test_the_ellipse_is_that_of_everything_it_may_be(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    roots = rng.normal(0, 1, (count, 5, 5)) * 5
    spreads, means = [r @ r.T + np.eye(5) * 0.01 for r in roots], rng.normal(0, 30, (count, 5))
    weights, lean = rng.dirichlet(np.ones(count)), rng.normal(0, 4, (5, 3))
    (track,) = picture_of(mixture(means.tolist(), weights.tolist(), spreads, lean), plain()).tracks
    bias = rng.normal(size=(40_000, 3))
    which = rng.choice(count, 40_000, p=weights)
    drawn = means[which] + bias @ lean.T + np.einsum("nij,nj->ni", roots[which], rng.normal(size=(40_000, 5)))
    truth, c, o = np.cov(drawn.T), track.ground.covariance, track.own_covariance
    scale = np.sqrt(np.outer(np.diag(truth), np.diag(truth)))
    assert (track.ground.east_m, track.ground.north_m) == pytest.approx(tuple(weights @ means[:, :2]), abs=1e-6)
    told = np.array([[c.east_m2, c.east_north_m2], [c.east_north_m2, c.north_m2]])
    assert np.abs((told - truth[:2, :2]) / scale[:2, :2]).max() < 0.06
    rate = track.velocity_covariance
    assert abs(rate.east_m2 - truth[2, 2]) / truth[2, 2] < 0.06
    crossed = np.array(track.place_velocity_m2_s).reshape(2, 2)
    assert np.abs((crossed - truth[:2, 2:4]) / scale[:2, 2:4]).max() < 0.06
    assert np.linalg.eigvalsh(told).min() > 0
    assert o is not None
    own = np.array([[o.east_m2, o.east_north_m2], [o.east_north_m2, o.north_m2]])
    assert np.linalg.eigvalsh(told - own).min() > -1e-6
    assert np.linalg.eigvalsh(own).min() > 0


def test_places_that_lie_apart_are_shown_apart() -> None:
    spread = np.diag([100.0, 100.0, 1.0, 1.0, 1.0])
    near_m, beyond, between = [0.0, 500.0, 0, 0, 0], [0.0, 900.0, 0, 0, 0], [0.0, 515.0, 0, 0, 0]
    state = mixture([near_m, beyond, between], [0.3, 0.4, 0.3], [spread] * 3, np.zeros((5, 3)))
    (track,) = picture_of(state, plain()).tracks
    assert track.ground.multimodal
    assert [(round(p.probability, 3), round(p.ground.north_m)) for p in track.likely] == [(0.6, 508), (0.4, 900)]
    together = mixture([near_m, between], [0.5, 0.5], [spread] * 2, np.zeros((5, 3)))
    (track,) = picture_of(together, plain()).tracks
    assert track.likely == ()
    assert not track.ground.multimodal


def test_a_source_says_why_it_is_not_trusted() -> None:
    engine = Fuser([PlaceSensor("post", reporting=Reporting(clock_sigma_s=0.02)), PlaceSensor("gps-1", NOWHERE)])
    known = known_to(engine, FRAME)
    assert [(s.source_id, s.trusted, s.reason) for s in picture_of(engine.state, known).sources] == [
        ("post", True, ""), ("gps-1", True, "")
    ]  # fmt: skip
    off = engine.state._replace(bias_mean=np.array([0.5, 0.0]), bias_spread=np.diag([1e-6, 1e-4]))
    post, gps = picture_of(off, known).sources
    assert (post.clock_s, post.clock_sigma_s, post.trusted) == (0.5, pytest.approx(1e-3), False)
    assert "clock is off by +0.5 s" in post.reason
    assert gps.trusted
    strange = engine.state._replace(trusted=np.array([True, False]), strange=np.array([0.0, 0.4]))
    assert picture_of(strange, known).sources[1].reason == "40 % of its reports do not fit what the others say"


def test_nothing_stands_still_with_a_heading() -> None:
    cover = np.tile(np.eye(2) * 0.09, (3, 1, 1))
    still, slow, walking = headings_of(np.array([[0.0, 0.0], [0.3, 0.3], [0.0, -1.5]]), cover)
    assert still.heading_rad is None
    assert slow.heading_rad is None
    assert walking.heading_rad == pytest.approx(math.pi)
    assert walking.heading_sigma_rad == pytest.approx(math.atan2(0.3, 1.5))


def test_the_order_of_the_tracks_in_the_state_changes_nothing() -> None:
    state = many(50)
    order = np.random.default_rng(1).permutation(50)
    rows = state.rows
    chosen = np.concatenate([np.arange(rows.first[t], rows.first[t + 1]) for t in order])
    shuffled = state._replace(
        rows=Rows(rows.first, *(a[chosen] for a in rows[1:])),
        lives=tuple(state.lives[t] for t in order),
        **{name: getattr(state, name)[order] for name in
           ("existence", "born_ns", "seen_ns", "confirmed_ns", "surprise", "told_ns", "label")},
    )  # fmt: skip
    assert picture_of(shuffled, plain()) == picture_of(state, plain())


def many(tracks: int) -> State:
    """A state of many tracks with two hypotheses each."""
    rng = np.random.default_rng(3)
    rows = 2 * tracks
    opinion = Opinion(DAY, 1, "person", 0.8, None, "own")
    told = np.where(rng.random((tracks, 3)) < 0.7, DAY, 0)
    return mixture([[0.0] * 5], [1.0], [np.eye(5)], np.zeros((5, 3)))._replace(
        rows=Rows(
            np.arange(0, rows + 1, 2), rng.normal(0, 3000, (rows, 5)), np.tile(np.eye(5) * 9.0, (rows, 1, 1)),
            rng.normal(0, 1, (rows, 5, 3)), np.full(rows, 0.5), np.full((rows, 3, 2), math.nan),
        ),
        existence=np.full(tracks, 0.95), born_ns=np.full(tracks, DAY), seen_ns=np.full(tracks, DAY),
        confirmed_ns=np.full(tracks, DAY), surprise=np.ones(tracks), told_ns=told, label=np.where(told > 0, 1, -1),
        lives=tuple(Life(f"t{i:04}", {"post": opinion}) for i in range(tracks)),
    )  # fmt: skip


def test_two_thousand_tracks_are_shown_at_once() -> None:
    state, known = many(2000), plain()
    picture_of(state, known)
    taken = []
    for _ in range(5):
        begun = time.process_time()
        picture_of(state, known)
        taken.append(time.process_time() - begun)
    # Every track has alternatives here, which is the dearest there is.
    assert min(taken) < 0.1


def test_what_is_seen_is_not_lost_however_badly_its_place_is_known() -> None:
    state = mixture([[0.0] * 5], [1.0], [np.diag([150.0**2, 1, 1, 1, 1])], np.zeros((5, 3)))
    unseen = state._replace(seen_ns=np.full(1, DAY - 10 * S))
    strict = plain()._replace(settings=FuseSettings(lost_sigma_m=100.0))
    assert [picture_of(s, strict).tracks[0].status for s in (state, unseen)] == ["confirmed", "lost"]
    assert picture_of(unseen, plain()).tracks[0].status == "coasting"


def test_looks_become_one_picture_with_a_group_that_nears_the_line() -> None:
    engine = fuser()
    company = Company(FRAME)
    line = Line(id="line", points=(FRAME.position(-2000, 200), FRAME.position(2000, 200)), inside="left")
    for k in range(40):
        state = seen(engine, range(k, k + 1), [(0.0, 0.0), (6.0, 2.0), (12.0, 0.0), (500.0, 0.0)])
        picture = picture_of(state, known_to(engine, FRAME))
        picture = with_groups(picture, company.update(picture.tracks, picture.time_ns))
    picture = looked_ahead(picture, line_paths([line], FRAME))
    (group,) = picture.groups
    assert len(group.members) == group.count.best == 3
    (approach,) = group.approaches
    assert approach.direction == "inward"
    assert approach.low_s < 160 < approach.high_s
    assert group.corridor[0].centre.north_m == pytest.approx(group.ground.north_m + 30, abs=5)
    alone = near(picture, 500, 39)
    assert (alone.group_id, len(alone.approaches)) == ("", 1)
    member = near(picture, 6, 41)
    assert (member.group_id, member.approaches) == (group.group_id, ())
    assert msgspec.json.decode(msgspec.json.encode(picture), type=Picture) == picture


def test_the_glossary_has_every_word_of_the_picture() -> None:
    glossary = (Path(__file__).parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
    words = (*get_args(PictureStatus), *get_args(Standing))
    assert [word for word in words if f"`{word}`" not in glossary] == []
