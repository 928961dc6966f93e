"""Cameras, patrols and links that fail the watch."""

from datetime import UTC, datetime

import msgspec
import pytest

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.alert import Alert
from marsad.kernel.desk import CameraState, PatrolState, Storage, Trouble
from marsad.kernel.dispatch import Duty, Patrol
from marsad.kernel.picture import Picture, SourceState
from marsad.kernel.position import Position
from marsad.kernel.site import Camera, Lens, Line, Pose, Site
from marsad.respond.alarm import Alarms, Raised, subject_of
from marsad.respond.upkeep import FAULTS, Upkeep

NS = 1_000_000_000
MIN = 60.0
START_NS = round(datetime(2026, 8, 8, 20, tzinfo=UTC).timestamp()) * NS
ORIGIN = Position(latitude_deg=34.4, longitude_deg=40.9)
FRAME = EnuFrame(ORIGIN)
LENS = Lens(width_px=640, height_px=512, horizontal_fov_deg=25.0)
ROAD = Duty(points=(FRAME.position(0, 0), FRAME.position(1000, 0)), from_hour=18.0, until_hour=2.0, within_m=200.0)
SITE = Site(
    name="test",
    origin=ORIGIN,
    cameras=tuple(Camera(id=f"C{k}", lens=LENS, name="North tower" if k == 1 else "") for k in range(8)),
    patrols=(
        Patrol(patrol_id="P1", means="vehicle", persons=4, name="Valley patrol", duties=(ROAD,)),
        Patrol(patrol_id="P2", means="foot", persons=3),
    ),
)


def ns(at_s: float) -> int:
    return START_NS + round(at_s * NS)


def camera(name: str, at_s: float, *troubles: Trouble, run: str = "running") -> CameraState:
    """A camera whose last picture came then."""
    return CameraState(
        camera_id=name, run=run, since_ns=START_NS, seen_ns=ns(at_s), troubles=troubles,  # type: ignore[arg-type]
    )  # fmt: skip


def patrol(east_m: float, north_m: float, at_s: float, name: str = "P1", sigma_m: float = 5.0) -> PatrolState:
    return PatrolState(patrol_id=name, position=FRAME.position(east_m, north_m), sigma_m=sigma_m, time_ns=ns(at_s))


def rules_of(alerts: list[Alert]) -> list[tuple[str, str, str]]:
    return [(alert.rule, alert.subject_id, alert.priority) for alert in alerts]


def test_a_camera_without_pictures_is_told_once_and_is_over_when_they_have_come_for_a_while() -> None:
    upkeep = Upkeep(SITE)
    assert upkeep.update([camera("C1", 100)], [], [], ns(105)) == []
    (alert,) = upkeep.update([camera("C1", 100)], [], [], ns(112))
    assert (alert.rule, alert.priority, alert.about) == ("camera_silent", "high", "camera")
    assert (alert.subject_id, alert.camera_id, alert.text) == ("camera:C1", "C1", "North tower: no pictures for 10 s.")
    assert (alert.facts.trouble, alert.facts.since_ns) == ("silent", ns(100))
    assert upkeep.update([camera("C1", 100)], [], [], ns(200)) == []
    assert set(upkeep.present(ns(200))) == {"camera:C1"}
    # Pictures that come and go are one trouble.
    for at_s in (210, 220, 230):
        assert upkeep.update([camera("C1", at_s)], [], [], ns(at_s)) == []
    assert upkeep.over == frozenset()
    upkeep.update([camera("C1", 241)], [], [], ns(241))
    assert upkeep.over == {"camera:C1"}
    assert upkeep.present(ns(241)) == {}


def test_many_cameras_that_fall_silent_at_once_are_one_trouble() -> None:
    upkeep = Upkeep(SITE)
    alerts = upkeep.update([camera(f"C{k}", 100) for k in range(8)], [], [], ns(120))
    assert rules_of(alerts) == [("link_lost", "link:cameras", "high")]
    assert alerts[0].text.startswith("8 cameras: no pictures (C0, North tower, C2")
    back = [camera(f"C{k}", 100 if k < 2 else 130) for k in range(8)]
    assert rules_of(upkeep.update(back, [], [], ns(131))) == [
        ("camera_silent", "camera:C0", "high"), ("camera_silent", "camera:C1", "high"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "told"),
    [("covered", "high"), ("camera_moved", "high"), ("looped", "high"), ("frozen", "high"), ("defocused", "medium"),
     ("dead_rows", "low"), ("gain_jump", None), ("flat_field_correction", None), ("panning", None),
     ("overlay_masked", None)],
)  # fmt: skip
def test_a_fault_that_asks_for_somebody_is_an_alarm_and_what_does_not_is_none(kind: str, told: str | None) -> None:
    upkeep = Upkeep(SITE)
    ill = camera("C1", 100, Trouble(kind=kind, since_ns=ns(98)))
    assert upkeep.update([ill], [], [], ns(100)) == []
    raised = upkeep.update([camera("C1", 104, *ill.troubles)], [], [], ns(104))
    assert [(alert.rule_id, alert.priority) for alert in raised] == ([] if told is None else [(kind, told)])
    assert (kind in FAULTS) == (told is not None)


def test_a_covered_camera_is_urgent_where_a_stretch_of_the_line_is_then_in_nobodys_view() -> None:
    def looks_north(name: str, east_m: float) -> Camera:
        at = FRAME.position(east_m, -500.0)
        pose = Pose(
            latitude_deg=at.latitude_deg, longitude_deg=at.longitude_deg, mast_m=20.0, azimuth_deg=0.0,
            elevation_deg=0.0,
        )  # fmt: skip
        return Camera(id=name, lens=LENS, pose=pose, reach_m=1000.0)

    # At 500 m each has 222 m of the line in view: A and B together from 111 m west to 161 m east.
    line = Line(id="line", name="Border", points=(FRAME.position(-2000, 0), FRAME.position(2000, 0)))
    site = Site(
        name="s", origin=ORIGIN, lines=(line,),
        cameras=(looks_north("A", 0.0), looks_north("B", 50.0), looks_north("C", 1000.0), looks_north("D", 1000.0)),
    )  # fmt: skip
    covered, moved = Trouble(kind="covered", since_ns=ns(90)), Trouble(kind="camera_moved", since_ns=ns(99))

    def told(ill: str, *also: str) -> tuple[str, str]:
        states = [
            camera(name, 100, *([covered] if name == ill else [moved] if name in also else [])) for name in "ABCD"
        ]
        (alert,) = [each for each in Upkeep(site).update(states, [], [], ns(100)) if each.rule_id == "covered"]
        return alert.priority, alert.text

    assert told("C") == ("medium", "C: covered.")
    assert told("C", "D")[0] == "high"
    assert told("A") == ("high", "A: covered, 50 m of Border in nobody's view.")


def test_a_patrol_is_missed_after_its_time_and_urgently_where_it_has_an_order() -> None:
    upkeep = Upkeep(SITE)
    here = patrol(500, 0, 0)
    assert upkeep.update([], [here], [], ns(29 * MIN)) == []
    assert rules_of(upkeep.update([], [here], [], ns(30 * MIN))) == [("patrol_silent", "patrol:P1", "medium")]
    (worse,) = upkeep.update([], [here], [], ns(31 * MIN), busy=["P1"])
    assert (worse.priority, worse.text) == ("high", "Valley patrol: not heard of for 31 min.")


def test_a_patrol_off_duty_is_not_missed() -> None:
    """Its duty ends at 2 in the night (UTC)."""
    assert Upkeep(SITE).update([], [patrol(500, 0, 5.9 * 3600)], [], ns(7 * 3600)) == []


def test_a_patrol_away_from_its_road_is_told_after_a_while_unless_it_was_sent_or_may_be_there() -> None:
    upkeep, sent, vague = Upkeep(SITE), Upkeep(SITE), Upkeep(SITE)
    told = []
    for minute in range(12):
        at_s, now = minute * MIN, ns(minute * MIN)
        told += [(minute, alert.rule) for alert in upkeep.update([], [patrol(500, 900, at_s)], [], now)]
        assert sent.update([], [patrol(500, 900, at_s)], [], now, busy=["P1"]) == []
        assert vague.update([], [patrol(500, 300, at_s, sigma_m=60)], [], now) == []
    assert told == [(5, "patrol_astray")]


def test_a_patrol_that_nobody_gave_a_duty_may_be_anywhere() -> None:
    upkeep = Upkeep(SITE)
    assert not any(upkeep.update([], [patrol(5000, 9000, k * MIN, "P2")], [], ns(k * MIN)) for k in range(12))


def looks(upkeep: Upkeep, every_s: float, count: int, name: str = "west-post") -> list[Alert]:
    raised = []
    for k in range(count):
        source = SourceState(source_id=name, looked_ns=ns(k * every_s))
        raised += upkeep.update([], [], [source], ns(k * every_s))
    return raised


def test_a_steady_source_is_missed_and_one_that_reports_now_and_then_is_not() -> None:
    steady, seldom = Upkeep(SITE), Upkeep(SITE)
    assert looks(steady, 1.0, 60) == looks(seldom, 400.0, 20) == []
    (alert,) = steady.update([], [], [SourceState(source_id="west-post", looked_ns=ns(59))], ns(180))
    assert (alert.rule, alert.subject_id, alert.text) == (
        "link_lost", "link:west-post", "west-post: not heard of for 2 min.",
    )  # fmt: skip


def test_a_source_that_is_not_trusted_is_told_as_what_it_is() -> None:
    own, other = (
        SourceState(source_id=name, trusted=False, reason="azimuth is off by 0.4 deg", looked_ns=ns(1))
        for name in ("C1", "west-post")
    )
    assert rules_of(Upkeep(SITE).update([], [], [own, other], ns(2))) == [
        ("camera_fault", "camera:C1", "medium"), ("link_lost", "link:west-post", "medium"),
    ]  # fmt: skip


def test_a_cameras_troubles_are_one_alarm_that_ends_with_them() -> None:
    upkeep, alarms = Upkeep(SITE), Alarms()
    shown = []
    for at_s in range(100, 260):
        covered = (Trouble(kind="covered", since_ns=ns(100)),) if at_s < 160 else ()
        state = camera("C1", 100 if 120 <= at_s < 160 else at_s, *covered)
        raised = [
            Raised(each, subject_of(each, Picture(time_ns=0))) for each in upkeep.update([state], [], [], ns(at_s))
        ]
        present = upkeep.present(ns(at_s))
        shown += alarms.meet(raised, present, ns(at_s))
        alarms.follow(present, ns(at_s), over=upkeep.over)
    (alarm,) = alarms.queue()
    assert [event.happening for event in shown] == ["raised", "again"]
    assert (alarm.state, alarm.response, alarm.about) == ("returned", "cover_and_repair", "camera")
    assert {met.rule for met in alarm.met} == {"camera_fault", "camera_silent"}


def test_a_disk_without_room_for_film_is_told_once_until_it_has_some() -> None:
    upkeep = Upkeep(SITE)
    full = Storage(film_bytes=0, quota_bytes=50, free_bytes=300_000_000, short=True)
    (alert,) = upkeep.update([], [], [], ns(1), storage=full)
    assert rules_of([alert]) == [("storage_short", "storage:film", "medium")]
    assert alert.text == "The disk is full: no film is kept, 300 MB are left for the log."
    assert upkeep.update([], [], [], ns(2), storage=full) == []
    room = msgspec.structs.replace(full, short=False)
    assert [upkeep.update([], [], [], ns(3 + k), storage=room) for k in range(40)] == [[]] * 40
    assert len(upkeep.update([], [], [], ns(50), storage=full)) == 1
