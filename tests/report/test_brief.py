"""The brief of a shift: what was raised, what is left to do, and for how long a camera was blind."""

from datetime import timedelta, timezone

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.memory import MemoryEventLog
from marsad.kernel.alarm import Alarm, Met, Seen
from marsad.kernel.desk import CameraState, DeskState
from marsad.kernel.detection import Box
from marsad.kernel.event import AlarmChanged, CameraHealth, CameraLost, CameraRestored, LessonChanged
from marsad.kernel.lesson import Lesson
from marsad.kernel.position import Position
from marsad.kernel.track import Count
from marsad.report.brief import Brief, NuisanceShare, brief_of
from marsad.respond.incident import Incidents

NS = 1_000_000_000
HOUR = 3600 * NS
ALARM = Alarm(
    alarm_id="A1", subject_id="G1", state="unacknowledged", priority="high", kind="group", response="look_and_send",
    text="Group, on foot", raised_ns=2 * HOUR, changed_ns=2 * HOUR, latching=True,
    met=(Met(rule="line_crossing", rule_id="line", direction="inward", time_ns=0, alert_id="1"),),
    seen=Seen(time_ns=0, camera_id="C2", box=Box(x_px=1, y_px=1, w_px=2, h_px=5)),
)  # fmt: skip


def brief(*events: object, from_h: int = 1, to_h: int = 9) -> Brief:
    log = MemoryEventLog()
    for event in events:
        log.append([event])
    return brief_of(log.read(), from_h * HOUR, to_h * HOUR)


def test_a_quiet_night_is_a_brief_of_nothing() -> None:
    quiet = brief()
    assert (quiet.alarms, quiet.waiting, quiet.standing, quiet.cameras, quiet.sought) == ({}, (), (), (), 0)
    assert quiet.median_to_acknowledge_s is None


def test_alarms_are_counted_once_as_they_ended() -> None:
    seen = msgspec.structs.replace(
        ALARM, state="acknowledged", acknowledged_ns=2 * HOUR + 40 * NS, nuisance="animal", acknowledged_by="samir"
    )
    old = msgspec.structs.replace(ALARM, alarm_id="A0", raised_ns=0, priority="low")
    made = brief(
        AlarmChanged(time_ns=0, alarm=old, happening="raised"),
        AlarmChanged(time_ns=2 * HOUR, alarm=ALARM, happening="raised"),
        AlarmChanged(time_ns=2 * HOUR + 40 * NS, alarm=seen, happening="acknowledged", officer="samir"),
    )
    assert made.alarms == {"high": 1}
    assert made.nuisances == {"animal": 1}
    assert made.nuisance_hours == {"02": NuisanceShare(alarms=1, nuisances=1)}
    assert made.median_to_acknowledge_s == 40
    assert [alarm.alarm_id for alarm in made.waiting] == ["A0"]


def test_where_and_when_alarms_were_nothing_is_told_of_how_many_there() -> None:
    def raised(name: str, hour: int, cameras: tuple[str, ...], nuisance: str | None) -> AlarmChanged:
        alarm = msgspec.structs.replace(
            ALARM, alarm_id=name, raised_ns=hour * HOUR, camera_ids=cameras, nuisance=nuisance
        )
        return AlarmChanged(time_ns=hour * HOUR, alarm=alarm, happening="raised")

    events = [
        raised("A1", 2, ("north",), "animal"), raised("A2", 2, ("north", "south"), None),
        raised("A3", 5, ("south",), None), raised("A4", 26, ("north",), "bird"),
    ]  # fmt: skip
    made = brief(*events, to_h=30)
    assert made.nuisance_cameras == {"north": NuisanceShare(alarms=3, nuisances=2)}
    assert made.nuisance_hours == {"02": NuisanceShare(alarms=3, nuisances=2)}
    log = MemoryEventLog()
    log.append(events)
    eastern = brief_of(log.read(), 0, 30 * HOUR, zone=timezone(timedelta(hours=3)))
    assert list(eastern.nuisance_hours) == ["05"]


def test_what_marks_ask_for_at_the_end_is_handed_over() -> None:
    lesson = Lesson(
        lesson_id="N1", rule="loitering", camera_id="C2", place=ALARM.seen, marks=(), until_ns=9, changed_ns=2, wait_s=3
    )
    learned = LessonChanged(time_ns=2 * HOUR, lesson=lesson, happening="marked", officer="samir")
    assert brief(learned).lessons == (lesson,)
    assert brief(learned, LessonChanged(time_ns=3 * HOUR, lesson=lesson, happening="ended")).lessons == ()


def test_what_stands_and_who_is_sought() -> None:
    incidents = Incidents()
    events = [
        incidents.open("crossing", "four", "samir", 2 * HOUR, expected=Count(best=4, low=3, high=5)),
        incidents.take("I1", "samir", 2 * HOUR),
        incidents.account("I1", 1, "assisted", "samir", 3 * HOUR),
    ]
    made = brief(*events)
    assert (made.opened, made.closed, made.sought) == (1, 0, 2)
    assert [each.incident_id for each in made.standing] == ["I1"]


@given(lost=st.integers(0, 12), back=st.integers(0, 12))
def test_how_long_a_camera_was_blind_within_the_span(lost: int, back: int) -> None:
    events: list[object] = [CameraLost(time_ns=lost * HOUR, camera_id="C1", detail="")]
    if back >= lost:
        events.append(CameraRestored(time_ns=back * HOUR, camera_id="C1", blind_ns=0, attempts=1))
    made = brief(*events)
    restored_h = min(back, 9) if back >= lost and back <= 9 else 9
    expected = max(restored_h - max(lost, 1), 0) * 3600.0 if lost <= 9 else 0.0
    assert sum(each.lost_s for each in made.cameras) == expected


def test_what_stood_before_is_in_it() -> None:
    incident = Incidents().open("crossing", "four", "samir", 0, expected=Count(best=4, low=4, high=4)).incident
    before = DeskState(
        sequence=5, now_ns=HOUR, site_name="x", origin=Position(latitude_deg=0, longitude_deg=0), alarms=(ALARM,),
        incidents=(incident,), cameras=(CameraState(camera_id="C1", run="lost", since_ns=0),),
    )  # fmt: skip
    made = brief_of([], HOUR, 2 * HOUR, before)
    assert (made.waiting, made.standing, made.sought) == ((ALARM,), (incident,), 4)
    assert (made.cameras[0].lost_s, made.cameras[0].lost_now) == (3600.0, True)


def test_what_was_wrong_with_a_camera_is_counted_when_it_began() -> None:
    made = brief(
        CameraHealth(time_ns=0, camera_id="C1", frame_index=0, kind="covered"),
        CameraHealth(time_ns=2 * HOUR, camera_id="C1", frame_index=0, kind="covered", ended=True),
        CameraHealth(time_ns=3 * HOUR, camera_id="C1", frame_index=0, kind="camera_moved"),
    )
    assert made.cameras[0].troubles == {"camera_moved": 1}
