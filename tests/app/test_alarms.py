"""The body of `marsad alarms`, on logs as the watch and officers write them."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from marsad.adapters.sqlite import SqliteEventLog
from marsad.app.alarms import alarms_of_log
from marsad.kernel.alert import Alert
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError
from marsad.kernel.event import AlertRaised, Event, StreamEnded, TrackLost, TrackPoint
from marsad.kernel.track import Kind, Track
from marsad.respond.alarm import NS, Alarms, Raised

START_NS = 1_533_686_400 * NS


def alert(track_id: int, at_s: float, x_px: float, kind: Kind = "person") -> Alert:
    return Alert(
        alert_id=f"north-{track_id}-{at_s}", rule="confirmed_track", rule_id="confirmed_track", priority="medium",
        camera_id="north", track_id=track_id, time_ns=START_NS + round(at_s * NS), frame_index=0, kind=kind,
        box=Box(x_px=x_px, y_px=100, w_px=4, h_px=10), text=f"A {kind}, 12 s in view of north",
    )  # fmt: skip


def point(track_id: int, at_s: float, x_px: float) -> TrackPoint:
    time_ns = START_NS + round(at_s * NS)
    track = Track(
        track_id=track_id, camera_id="north", origin="own", time_ns=time_ns, frame_index=0, status="confirmed",
        box=Box(x_px=x_px, y_px=100, w_px=4, h_px=10), velocity_x_px_s=0.0, velocity_y_px_s=0.0, contrast_counts=20.0,
        snr=10.0, kind="person", kind_confidence=0.9, confidence=0.9, first_ns=START_NS,
    )  # fmt: skip
    return TrackPoint(time_ns=time_ns, track=track)


def raised(track_id: int, at_s: float, x_px: float, kind: Kind = "person") -> AlertRaised:
    each = alert(track_id, at_s, x_px, kind)
    return AlertRaised(time_ns=each.time_ns, alert=each)


def lost(track_id: int, at_s: float) -> TrackLost:
    return TrackLost(
        time_ns=START_NS + round(at_s * NS), camera_id="north", track_id=track_id, kind="person", reason="unseen"
    )


def log_of(folder: Path, events: Sequence[Event]) -> Path:
    path = folder / "events.sqlite"
    with SqliteEventLog(path) as log:
        log.append(list(events))
    return path


def test_a_walker_lost_and_found_is_one_alarm_and_another_is_a_second(tmp_path: Path) -> None:
    events = [
        point(1, 0, 100), raised(1, 1, 100), point(1, 5, 105), lost(1, 8), point(2, 12, 110), raised(2, 13, 111),
        raised(3, 14, 400), point(2, 60, 120), StreamEnded(time_ns=START_NS + 70 * NS, camera_id="north", frames=700),
    ]  # fmt: skip
    report = alarms_of_log(log_of(tmp_path, events))
    assert (report.alerts, len(report.alarms), report.figures.folded, report.busiest) == (3, 2, 1, 2)
    assert report.alarms[0].formerly == ("north/1",)
    assert [alarm.state for alarm in report.alarms] == ["unacknowledged", "returned"]
    assert "3 alerts, 2 alarms" in report.text()
    assert "2018-08-08 00:00:01  medium  A person, 12 s in view of north" in report.text()
    assert "these are the alarms a desk would have had" in report.text()


def test_what_officers_did_is_told_and_not_made_up_anew(tmp_path: Path) -> None:
    alarms = Alarms()
    each = alert(1, 1, 100)
    made = alarms.meet([Raised(each, "group-7")], {}, each.time_ns)
    seen = alarms.acknowledge("A1", "Lt. Samir", each.time_ns + 9 * NS)
    report = alarms_of_log(log_of(tmp_path, [AlertRaised(time_ns=each.time_ns, alert=each), *made, *seen]))
    assert report.acted
    assert (report.alarms[0].subject_id, report.alarms[0].acknowledged_by) == ("group-7", "Lt. Samir")
    assert "time to acknowledge: median 9 s, slowest 9 s" in report.text()
    assert "would have had" not in report.text()


def test_a_log_without_alerts_says_so(tmp_path: Path) -> None:
    report = alarms_of_log(log_of(tmp_path, [point(1, 0, 100)]))
    assert report.text().endswith("no alerts, no alarms")
    assert report.exit_code == 0


def test_a_log_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing\.sqlite is missing: name a log that Marsad wrote"):
        alarms_of_log(tmp_path / "nothing.sqlite")
