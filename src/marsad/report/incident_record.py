"""The record of an incident: everything that the log says of it, in order, each line with its entry."""

from collections.abc import Iterable

from marsad.kernel.alarm import Alarm
from marsad.kernel.chain import StoredEvent
from marsad.kernel.dispatch import Dispatch
from marsad.kernel.error import InputError
from marsad.kernel.event import AlarmChanged, DispatchChanged, Event, IncidentChanged
from marsad.kernel.incident import Incident
from marsad.kernel.record import Record


class RecordLine(Record):
    """One thing that happened; `about` is the alarm, the order or the incident that it happened to."""

    sequence: int
    entry_hash: str
    time_ns: int
    about: str
    happening: str
    by: str = ""
    detail: str = ""


class IncidentRecord(Record):
    """An incident with its alarms and orders as they stood at the end, and all that happened, in order."""

    incident: Incident
    alarms: tuple[Alarm, ...]
    dispatches: tuple[Dispatch, ...]
    lines: tuple[RecordLine, ...]


def record_of(incident_id: str, entries: Iterable[StoredEvent]) -> IncidentRecord:
    """The record of one incident, from the entries of a log. Raises: InputError where they have no such incident."""
    alarms: dict[str, Alarm] = {}
    dispatches: dict[str, Dispatch] = {}
    incident: Incident | None = None
    lines: list[RecordLine] = []
    for stored in entries:
        event = stored.event
        if isinstance(event, IncidentChanged) and event.incident.incident_id == incident_id:
            incident = event.incident
        elif isinstance(event, DispatchChanged) and event.dispatch.incident_id == incident_id:
            dispatches[event.dispatch.dispatch_id] = event.dispatch
        elif isinstance(event, AlarmChanged):
            alarms[event.alarm.alarm_id] = event.alarm
        else:
            continue
        lines.append(_line(stored, event))
    if incident is None:
        raise InputError(f"the log has no incident {incident_id}")
    own = set(incident.alarm_ids)
    about = own | {incident_id} | set(dispatches)
    return IncidentRecord(
        incident=incident,
        alarms=tuple(alarms[each] for each in incident.alarm_ids if each in alarms),
        dispatches=tuple(dispatches.values()),
        lines=tuple(line for line in lines if line.about in about),
    )


def _line(stored: StoredEvent, event: Event) -> RecordLine:
    about, happening, by, detail = _words(event)
    return RecordLine(
        sequence=stored.sequence, entry_hash=stored.entry_hash.hex(), time_ns=stored.time_ns, about=about,
        happening=happening, by=by, detail=detail,
    )  # fmt: skip


def _words(event: Event) -> tuple[str, str, str, str]:
    """What it happened to, what happened, who did it, and what was said."""
    if isinstance(event, IncidentChanged):
        return event.incident.incident_id, event.happening, event.officer, event.reason
    if isinstance(event, DispatchChanged):
        answers = event.dispatch.answers
        note = answers[-1].note if answers and answers[-1].says == event.happening else ""
        return event.dispatch.dispatch_id, event.happening, event.by, event.reason or note
    if isinstance(event, AlarmChanged):
        return event.alarm.alarm_id, event.happening, event.officer, event.reason or event.alarm.text
    raise AssertionError(type(event))
