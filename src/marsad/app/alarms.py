"""The command `marsad alarms`: the alarms that an officer's desk makes of a log, and how they do."""

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from marsad.adapters.sqlite import SqliteLogReader
from marsad.kernel.alarm import Alarm, Seen
from marsad.kernel.event import (
    AlarmChanged,
    AlertRaised,
    Event,
    HoldChanged,
    StreamEnded,
    TrackConfirmed,
    TrackLost,
    TrackPoint,
    WatchEnded,
)
from marsad.kernel.picture import Picture
from marsad.kernel.record import Record
from marsad.kernel.track import Track
from marsad.respond.alarm import NS, AlarmEvent, AlarmFigures, Alarms, Raised, subject_of


class AlarmsReport(Record):
    """The alarms of a log in the order in which they were raised, and their figures at its end.

    `alerts` counts what they were made of; `busiest` is the most alarms that sounded within any ten minutes. `acted`
    says whether officers acted on them in this very log.
    """

    log: str
    alerts: int
    alarms: tuple[Alarm, ...]
    figures: AlarmFigures
    busiest: int
    acted: bool

    @property
    def exit_code(self) -> int:
        """Always 0: that there were alarms is no failure."""
        return 0

    def text(self) -> str:
        """The report for people."""
        if not self.alarms:
            return f"{self.log}: no alerts, no alarms"
        lines = [f"{self.log}: {_several(self.alerts, 'alert')}, {_several(len(self.alarms), 'alarm')}"]
        for alarm in self.alarms:
            states = alarm.state.replace("_", " ")
            again = f", {alarm.alerts} alerts" if alarm.alerts > 1 else ""
            lines.append(f"{alarm.alarm_id:>5}  {_clock(alarm.raised_ns)}  {alarm.priority:6}  {alarm.text}")
            lines.append(f"       {states}{again}, seen last {_clock(alarm.seen.time_ns)} by {_names(alarm)}")
        figures = self.figures
        lines.append(f"most that sounded in ten minutes: {self.busiest} (one officer can act on 10)")
        lines.append(f"standing {figures.standing}, waiting for an officer {figures.waiting}, held {figures.held}")
        if not math.isnan(figures.median_to_acknowledge_s):
            median, slowest = figures.median_to_acknowledge_s, figures.slowest_to_acknowledge_s
            lines.append(f"time to acknowledge: median {median:.0f} s, slowest {slowest:.0f} s")
        if not self.acted:
            lines.append("no officer acted in this log: these are the alarms a desk would have had")
        return "\n".join(lines)


def alarms_of_log(path: Path) -> AlarmsReport:
    """The alarms that officers had, or, where the log has alerts alone, those that a desk would have had.

    Raises: InputError where there is no such log, UnavailableError where it cannot be read.
    """
    with SqliteLogReader(path) as log:
        changes, alerts, now_ns = _sorted(_events(log))
        alarms = Alarms(events=changes)
        made = changes or list(_made(alarms, _events(log)))
    newest: dict[str, Alarm] = {event.alarm.alarm_id: event.alarm for event in made if isinstance(event, AlarmChanged)}
    return AlarmsReport(
        log=str(path),
        alerts=alerts,
        alarms=tuple(newest.values()),
        figures=alarms.figures(now_ns),
        busiest=_busiest(made, round(alarms.settings.rate_s * NS)),
        acted=bool(changes),
    )


def _events(log: SqliteLogReader) -> Iterator[Event]:
    """What the log still holds: payloads that retention has erased are gone."""
    return (stored.event for stored in log.read() if stored.event is not None)


def _sorted(events: Iterable[Event]) -> tuple[list[AlarmEvent], int, int]:
    """What happened to alarms, how many alerts there were, and the newest moment."""
    changes: list[AlarmEvent] = []
    alerts = now_ns = 0
    for event in events:
        now_ns = max(now_ns, event.time_ns)
        alerts += isinstance(event, AlertRaised)
        if isinstance(event, AlarmChanged | HoldChanged):
            changes.append(event)
    return changes, alerts, now_ns


def _made(alarms: Alarms, events: Iterable[Event]) -> Iterator[AlarmEvent]:
    """What a desk makes of alerts, told second by second who is in the picture."""
    present: dict[str, Seen] = {}
    second = 0
    for event in events:
        if event.time_ns // NS > second:
            second = event.time_ns // NS
            yield from alarms.follow(present, event.time_ns)
        match event:
            case TrackPoint(track=track) | TrackConfirmed(track=track):
                present[_name(track.camera_id, track.track_id)] = _seen(track)
            case TrackLost(camera_id=camera_id, track_id=track_id):
                present.pop(_name(camera_id, track_id), None)
            case WatchEnded(camera_id=camera_id) | StreamEnded(camera_id=camera_id):
                present = {name: seen for name, seen in present.items() if seen.camera_id != camera_id}
            case AlertRaised(alert=alert):
                raised = Raised(alert, subject_of(alert, Picture(time_ns=alert.time_ns)))
                yield from alarms.meet([raised], present, event.time_ns)
            case _:
                pass


def _name(camera_id: str, track_id: int) -> str:
    return f"{camera_id}/{track_id}"


def _seen(track: Track) -> Seen:
    return Seen(time_ns=track.time_ns, camera_id=track.camera_id, box=track.box, ground=track.ground)


def _busiest(events: Iterable[AlarmEvent], within_ns: int) -> int:
    """How many alarms sounded in the worst stretch of time."""
    sounded = sorted(
        {
            (event.alarm.annunciated_ns, event.alarm.alarm_id)
            for event in events
            if isinstance(event, AlarmChanged) and event.alarm.annunciated_ns is not None
        }
    )
    most, first = 0, 0
    for last, (time_ns, _) in enumerate(sounded):
        while sounded[first][0] <= time_ns - within_ns:
            first += 1
        most = max(most, last - first + 1)
    return most


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _clock(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns / NS, UTC):%Y-%m-%d %H:%M:%S}"


def _names(alarm: Alarm) -> str:
    return ", ".join(alarm.camera_ids)
