"""The picture's rules, on pictures of people, vehicles and animals about a line, a zone and a fence."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.alert import Alert
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError
from marsad.kernel.picture import Contributor, Likely, LineApproach, Picture, PictureGroup, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.site import Camera, Fence, Lens, Line, Post, Rules, Site, Zone
from marsad.kernel.track import Count
from marsad.respond.standing_watch import StandingWatch

NS = 1_000_000_000
ORIGIN = Position(latitude_deg=34.4, longitude_deg=40.9, height_m=200.0)
FRAME = EnuFrame(ORIGIN)
START_NS = round(datetime(2026, 8, 8, 20, tzinfo=UTC).timestamp()) * NS
"""An August night at the Euphrates."""
NOON_NS = START_NS - 11 * 3600 * NS


def places(*corners: tuple[float, float]) -> tuple[Position, ...]:
    return tuple(FRAME.position(east, north) for east, north in corners)


LENS = Lens(width_px=640, height_px=512, horizontal_fov_deg=25.0)
SITE = Site(
    name="test",
    origin=ORIGIN,
    cameras=(Camera(id="C2", lens=LENS), Camera(id="C4", lens=LENS, name="South tower")),
    lines=(Line(id="border", name="the line", points=places((-2000, 0), (2000, 0)), inside="right"),),
    zones=(Zone(id="wadi", points=places((1000, -500), (1100, -500), (1100, -400), (1000, -400))),),
    fences=(Fence(id="pump", name="Pump fence", points=places((-1000, -300), (-900, -300))),),
    posts=(Post(id="post-3", name="Post 3", position=FRAME.position(0.0, -1200.0)),),
)
"""A line from west to east, so that inside, to its right, is south; Post 3 lies 1,200 m inside."""


def ground(east_m: float, north_m: float, sigma_m: float = 3.0, v: tuple[float, float] = (0.0, 0.0)) -> GroundState:
    return GroundState(
        position=FRAME.position(east_m, north_m), east_m=east_m, north_m=north_m,
        covariance=GroundCovariance(east_m2=sigma_m**2, east_north_m2=0.0, north_m2=sigma_m**2),
        velocity_east_m_s=v[0], velocity_north_m_s=v[1], range_m=900.0,
    )  # fmt: skip


def approach(seconds: float, probability: float = 0.9, direction: str = "inward") -> LineApproach:
    return msgspec.convert(
        {"line_id": "border", "probability": probability, "seconds": seconds, "low_s": seconds / 2,
         "high_s": seconds * 2, "direction": direction},
        LineApproach,
    )  # fmt: skip


def track(east_m: float, north_m: float, at_s: float = 100.0, sigma_m: float = 3.0, **more: object) -> PictureTrack:
    now_ns = START_NS + round(at_s * NS)
    rate = GroundCovariance(east_m2=0.01, east_north_m2=0.0, north_m2=0.01)
    told = {
        "track_id": "T1", "origin": "own", "time_ns": now_ns, "status": "confirmed",
        "ground": ground(east_m, north_m, sigma_m), "velocity_covariance": rate, "existence": 0.99,
        "first_ns": START_NS, "seen_ns": now_ns, "confirmed_ns": START_NS, "kind": "person", "kind_confidence": 0.9,
        "contributors": (Contributor(source_id="C2", origin="own", time_ns=now_ns, label=7),),
    }  # fmt: skip
    return PictureTrack(**{**told, **more})  # type: ignore[arg-type]  # the fields above


def group(members: Sequence[PictureTrack], **more: object) -> PictureGroup:
    first = members[0]
    told = {
        "group_id": "G1", "time_ns": first.time_ns, "first_ns": first.first_ns,
        "members": tuple(each.track_id for each in members), "count": Count(best=4, low=3, high=5), "kind": "group",
        "ground": first.ground, "velocity_covariance": first.velocity_covariance,
    }  # fmt: skip
    return PictureGroup(**{**told, **more})  # type: ignore[arg-type]  # the fields above


def picture(*tracks: PictureTrack, groups: Sequence[PictureGroup] = ()) -> Picture:
    return Picture(time_ns=tracks[0].time_ns, tracks=tracks, groups=tuple(groups))


def show(watch: StandingWatch, *tracks: PictureTrack, groups: Sequence[PictureGroup] = ()) -> list[Alert]:
    return watch.update(picture(*tracks, groups=groups), tracks[0].time_ns)


def rules_of(alerts: Sequence[Alert]) -> list[tuple[str, str, str]]:
    return [(alert.rule, alert.direction, alert.priority) for alert in alerts]


@pytest.mark.parametrize(
    ("coming", "told"),
    [
        (approach(500), [("approach", "inward", "medium")]),
        (approach(100), [("approach", "inward", "high")]),
        (approach(100, probability=0.6), [("approach", "inward", "medium")]),
        (approach(500, direction="outward"), [("approach", "outward", "low")]),
        (approach(100, direction="outward"), [("approach", "outward", "medium")]),
        (approach(700), []),
        (approach(100, probability=0.4), []),
    ],
)
def test_an_approach_is_worth_what_its_time_certainty_and_direction_say(
    coming: LineApproach, told: list[tuple[str, str, str]]
) -> None:
    assert rules_of(show(StandingWatch(SITE), track(0, 500, approaches=(coming,)))) == told


def test_who_comes_nearer_is_told_once_and_again_when_it_is_urgent() -> None:
    watch = StandingWatch(SITE)
    told = [
        (k, alert.priority)
        for k in range(60)
        for alert in show(watch, track(0, 900 - 14 * k, 10.0 * k + 10, approaches=(approach(640 - 10 * k),)))
    ]
    assert told == [(4, "medium"), (46, "high")]


def test_who_hovers_at_a_threshold_is_told_once() -> None:
    watch = StandingWatch(SITE)
    rng = np.random.default_rng(0)
    told = [
        alert
        for k, seconds in enumerate(rng.normal(600, 50, 200).tolist())
        for alert in show(watch, track(0, 500, k + 10.0, approaches=(approach(seconds),)))
    ]
    assert len(told) == 1


def test_an_approach_is_over_once_it_is_none_for_a_while_and_told_anew_when_it_is_one_again() -> None:
    watch = StandingWatch(SITE)
    assert show(watch, track(0, 500, 10, approaches=(approach(300),)))
    assert set(watch.news) == {"T1"}
    show(watch, track(0, 520, 20))
    assert watch.over == frozenset()
    show(watch, track(0, 560, 51))
    assert watch.over == {"T1"}
    assert watch.news == {}
    assert rules_of(show(watch, track(0, 500, 60, approaches=(approach(300),)))) == [("approach", "inward", "medium")]


@pytest.mark.parametrize(
    "known",
    [{"standing": "own", "standing_id": "P1"}, {"standing": "declared", "standing_id": "flock"}, {"kind": "animal"},
     {"kind": "flying"}, {"confirmed_ns": None, "status": "tentative"}],
)  # fmt: skip
def test_own_forces_the_declared_animals_and_what_nobody_believes_raise_nothing(known: dict[str, object]) -> None:
    watch = StandingWatch(SITE)
    raised = [
        alert
        for k in range(40)
        for alert in show(watch, track(0, 200 - 10 * k, k * 10.0, approaches=(approach(100),), **known))
    ]
    assert raised == []


def test_an_unknown_is_handled_as_a_person_once_its_kind_had_time_to_be_told() -> None:
    watch = StandingWatch(SITE)
    unknown = {"kind": "unknown", "kind_confidence": 0.0, "approaches": (approach(100),)}
    assert show(watch, track(0, 500, 5.5, **unknown)) == []
    assert rules_of(show(watch, track(0, 500, 6.5, **unknown))) == [("approach", "inward", "high")]


def test_who_is_found_to_be_a_patrol_is_over_at_once() -> None:
    watch = StandingWatch(SITE)
    show(watch, track(0, 500, 10, approaches=(approach(100),)))
    assert show(watch, track(0, 500, 11, approaches=(approach(100),), standing="own", standing_id="P1")) == []
    assert watch.over == {"T1"}


def walk(watch: StandingWatch, norths: Sequence[float], raised: Sequence[Alert] = (), **more: object) -> list[Alert]:
    """Somebody is seen at these places, a second apart."""
    alerts = []
    for k, north in enumerate(norths):
        now = picture(track(0, north, k + 10.0, **more))
        alerts += watch.update(now, now.time_ns, raised=raised if k == len(norths) // 2 else ())
    return alerts


def test_a_line_crossed_in_the_picture_is_raised_with_its_direction() -> None:
    fine = GroundCovariance(east_m2=0.04, east_north_m2=0.0, north_m2=0.04)
    (inward,) = walk(StandingWatch(SITE), np.arange(30.0, -30.0, -1.5).tolist(), own_covariance=fine)
    assert (inward.rule, inward.rule_id, inward.direction, inward.priority) == (
        "line_crossing", "border", "inward", "high",
    )  # fmt: skip
    assert inward.facts.crossed is not None
    assert inward.ground is not None
    # Surely across is 0.9: 1.28 sigmas beyond the line.
    assert -1.28 * 3.0 - 1.5 <= inward.ground.north_m <= -1.28 * 3.0
    (outward,) = walk(StandingWatch(SITE), np.arange(-30.0, 30.0, 1.5).tolist())
    assert (outward.direction, outward.priority) == ("outward", "medium")


def test_who_comes_back_is_raised_for_that_too() -> None:
    there = np.arange(30.0, -60.0, -1.5).tolist()
    raised = walk(StandingWatch(SITE), [*there, *there[::-1]])
    assert [alert.direction for alert in raised if alert.rule == "line_crossing"] == ["inward", "outward"]


def test_who_stands_at_a_line_never_crosses_it_by_noise() -> None:
    rng = np.random.default_rng(1)
    for east in range(20):
        watch = StandingWatch(SITE)
        noise = rng.normal(0.0, 3.0, (60, 2))
        for k, (e, n) in enumerate(noise):
            assert show(watch, track(float(east + e), float(4.0 + n), k + 10.0)) == []


def test_a_crossing_that_a_camera_raised_is_not_raised_again() -> None:
    own = Alert(
        alert_id="C2-7-border-1", rule="line_crossing", rule_id="border", priority="high", camera_id="C2", track_id=7,
        time_ns=START_NS + 20 * NS, frame_index=9, kind="person", box=Box(x_px=1, y_px=1, w_px=4, h_px=9),
        text="Person", direction="inward",
    )  # fmt: skip
    assert walk(StandingWatch(SITE), np.arange(30.0, -30.0, -1.5).tolist(), raised=[own]) == []


def test_a_reported_crossing_without_any_camera_is_raised() -> None:
    """A post's reports, minutes and hundreds of metres apart, each good to 25 m."""
    watch = StandingWatch(SITE)
    post = (Contributor(source_id="post-9", origin="own", time_ns=START_NS + 400 * NS),)
    assert show(watch, track(0, 300, 100, 25.0, contributors=post)) == []
    (crossed,) = show(watch, track(0, -300, 400, 25.0, contributors=post))
    assert crossed.rule == "line_crossing"
    assert crossed.facts.reporter_ids == ("post-9",)
    assert crossed.text.endswith("just now past the line. Reported by post-9.")


def test_who_enters_a_zone_is_raised_and_over_once_out_of_it() -> None:
    watch = StandingWatch(SITE)
    assert show(watch, track(950, -450, 10)) == []
    (alert,) = show(watch, track(1050, -450, 60))
    assert (alert.rule, alert.rule_id, alert.priority) == ("zone_intrusion", "wadi", "high")
    show(watch, track(1200, -450, 120))
    show(watch, track(1250, -450, 151))
    assert watch.over == {"T1"}


def test_two_places_where_somebody_may_be_are_weighed() -> None:
    """A zone holds one of two places behind one another: nobody is surely in it unless that one is surely right."""
    for share, told in ((0.8, 0), (0.95, 1)):
        likely = (
            Likely(probability=share, ground=ground(1050, -450)),
            Likely(probability=1 - share, ground=ground(1050, 450)),
        )
        assert len(show(StandingWatch(SITE), track(1050, -405, 10, likely=likely))) == told


@pytest.mark.parametrize(("off_m", "sigma_m", "told"), [(0.5, 1.0, 1), (6.0, 1.0, 0), (0.5, 12.0, 0)])
def test_a_fence_is_touched_by_who_probably_is_at_it(off_m: float, sigma_m: float, told: int) -> None:
    raised = show(StandingWatch(SITE), track(-950, -300 + off_m, 10, sigma_m))
    assert [alert.rule for alert in raised] == ["fence_contact"] * told
    assert all("at Pump fence" in alert.text for alert in raised)


def test_who_stays_about_one_place_near_a_line_loiters_and_who_walks_on_does_not() -> None:
    watch, walker = StandingWatch(SITE), StandingWatch(SITE)
    rng = np.random.default_rng(2)
    told = []
    for k in range(80):
        e, n = rng.normal(0, 15, 2)
        told += [(k, alert.rule) for alert in show(watch, track(400 + float(e), 300 + float(n), k * 5.0 + 5))]
        assert show(walker, track(-1900 + 5.0 * k, 300, k * 5.0 + 5)) == []
    assert [rule for _, rule in told] == ["loitering"]
    assert 55 <= told[0][0] <= 62
    far = StandingWatch(SITE)
    assert not any(show(far, track(400, 1500, k * 5.0 + 5)) for k in range(80))


def test_a_large_group_is_raised_by_what_its_count_can_hardly_be_below() -> None:
    for low, told in ((7, []), (8, [("group_size", "", "medium")])):
        many = Count(best=9, low=low, high=12)
        one = track(0, 700, group_id="G1")
        assert rules_of(show(StandingWatch(SITE), one, groups=[group([one], count=many)])) == told


def test_a_vehicle_is_raised_by_night_alone() -> None:
    watch = StandingWatch(SITE)
    assert watch.is_night(START_NS)
    assert not watch.is_night(NOON_NS)
    assert rules_of(show(watch, track(0, 700, kind="vehicle"))) == [("night_vehicle", "", "medium")]
    by_day = picture(track(0, 700, kind="vehicle"))
    assert StandingWatch(SITE).update(by_day, by_day.time_ns, night=False) == []


def test_members_of_a_group_are_one_subject_whoever_of_them_crosses() -> None:
    watch = StandingWatch(SITE)
    raised = []
    for k in range(60):
        file = [
            track(3.5 * i, 30 - 1.4 * k + 4.0 * i, k + 10.0, track_id=f"T{i}", group_id="G1", kind="person")
            for i in range(4)
        ]
        middle = group(file, ground=ground(5, 36 - 1.4 * k))
        raised += show(watch, *file, groups=[middle])
    assert [(alert.subject_id, alert.rule) for alert in raised] == [("G1", "line_crossing")]


def test_who_parts_from_a_group_is_told_apart_from_it_after_a_while() -> None:
    watch = StandingWatch(SITE)
    coming = {"approaches": (approach(300),)}
    told = []
    for k in range(40):
        both = [track(0, 500, k + 10.0, track_id=f"T{i}", **coming) for i in range(2)]
        together = [msgspec.structs.replace(each, group_id="G1") for each in both]
        # For a moment they are single to the picture, and from the 20th second on they are.
        apart = k == 5 or k >= 20
        shown = show(watch, *both) if apart else show(watch, *together, groups=[group(together, **coming)])
        told += [(k, alert.subject_id) for alert in shown]
    assert told == [(0, "G1"), (6, "G1"), (29, "T0"), (29, "T1")]


def test_a_group_that_parts_is_two_after_a_while() -> None:
    watch = StandingWatch(SITE)
    coming = {"approaches": (approach(300),)}
    told = []
    for k in range(20):
        tracks = [track(0, 500, k + 10.0, track_id=f"T{i}", **coming) for i in range(4)]
        groups = [group(tracks[:2], **coming), group(tracks[2:], group_id="G2", parted_from="G1", **coming)]
        shown = show(watch, *tracks, groups=groups if k >= 5 else [group(tracks, **coming)])
        told += [(k, alert.subject_id) for alert in shown]
    assert told == [(0, "G1"), (15, "G2")]


def test_a_rule_that_the_site_does_without_is_not_raised() -> None:
    quiet = msgspec.structs.replace(SITE, rules=Rules(off=("night_vehicle", "approach")))
    assert show(StandingWatch(quiet), track(0, 700, kind="vehicle", approaches=(approach(100),))) == []


def test_what_may_not_be_there_at_all_is_low() -> None:
    (alert,) = show(StandingWatch(SITE), track(0, 500, existence=0.3, approaches=(approach(100),)))
    assert alert.priority == "low"


def test_an_alert_tells_who_where_and_how_soon_by_facts_and_in_words() -> None:
    four = track(0, 30, group_id="G1", heading_rad=1.6, speed_m_s=1.2)
    both = (*four.contributors, Contributor(source_id="C4", origin="own", time_ns=four.time_ns, label=3))
    four = msgspec.structs.replace(four, contributors=both)
    (alert,) = show(
        StandingWatch(SITE), four,
        groups=[group([four], heading_rad=1.6, speed_m_s=1.2, approaches=(approach(350),))],
    )  # fmt: skip
    assert alert.text == (
        "Group of 4 (3-5), on foot, 1.2 km north of Post 3, walking east, about 6 min from the line (inward). "
        "Seen by C2, South tower."
    )
    facts = alert.facts
    assert facts.near is not None
    assert facts.line is not None
    assert facts.approach is not None
    assert (facts.near.id, facts.near.name, facts.near.distance_m) == ("post-3", "Post 3", pytest.approx(1230, abs=1))
    assert facts.near.bearing_rad == pytest.approx(0.0, abs=1e-3)
    assert (facts.line.id, facts.line.inside, facts.line.distance_m) == ("border", False, pytest.approx(30, abs=0.1))
    assert (facts.approach.seconds, facts.camera_ids) == (350, ("C2", "C4"))


def test_a_site_that_lies_nowhere_is_refused() -> None:
    with pytest.raises(InputError, match="an origin or a camera with a pose"):
        StandingWatch(Site(name="nowhere"))


@given(st.lists(st.tuples(st.floats(-200, 200), st.floats(-200, 200)), min_size=2, max_size=30), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_the_same_pictures_raise_the_same_alerts_and_only_rules_that_hold_are_told(
    way: list[tuple[float, float]], step_s: int
) -> None:
    one, two = StandingWatch(SITE), StandingWatch(SITE)
    for k, (east, north) in enumerate(way):
        now = track(east, north, 10.0 + k * step_s)
        alerts = show(one, now)
        assert show(two, now) == alerts
        assert len({(alert.rule, alert.rule_id, alert.direction) for alert in alerts}) == len(alerts)
        for alert in alerts:
            assert alert.subject_id in one.news
            assert alert.subject_id not in one.over
