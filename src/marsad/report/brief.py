"""What happened in a span of time, for whoever takes over: the handover brief and the morning report."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, tzinfo

from marsad.kernel.alarm import Alarm, Hold
from marsad.kernel.chain import StoredEvent
from marsad.kernel.desk import DeskState
from marsad.kernel.dispatch import Dispatch
from marsad.kernel.event import (
    AlarmChanged,
    CameraHealth,
    CameraLost,
    CameraRestored,
    DispatchChanged,
    Event,
    HoldChanged,
    IncidentChanged,
    LessonChanged,
    SightingReported,
    StatementChanged,
)
from marsad.kernel.incident import Incident
from marsad.kernel.lesson import Lesson
from marsad.kernel.record import Record
from marsad.kernel.sighting import Sighting
from marsad.kernel.statement import Statement
from marsad.kernel.track import Kind

NS = 1_000_000_000
_WAITING = frozenset({"unacknowledged", "returned"})


class CameraHours(Record):
    """How long a camera gave no pictures, and how often something was wrong with it, by what."""

    camera_id: str
    lost_s: float
    lost_now: bool
    troubles: Mapping[str, int]


class NuisanceShare(Record):
    """How many alarms there were that one camera saw, or within one hour of the day, and how many were nothing."""

    alarms: int
    nuisances: int


class Brief(Record):
    """What happened from one moment to another, and what is left to do at its end.

    `alarms` counts those raised within the span, by priority; `nuisances` those of them said to be nothing, by cause.
    `nuisance_cameras` and `nuisance_hours` are where and in which hour of the day these were, and of how many alarms
    there; `lessons` are what officers' marks of them ask for at the end.
    `waiting` are acknowledged by nobody, `standing` incidents not closed, `sought` people not accounted for.
    """

    from_ns: int
    to_ns: int
    alarms: Mapping[str, int]
    kinds: Mapping[Kind, int]
    nuisances: Mapping[str, int]
    nuisance_cameras: Mapping[str, NuisanceShare]
    nuisance_hours: Mapping[str, NuisanceShare]
    lessons: tuple[Lesson, ...]
    median_to_acknowledge_s: float | None
    slowest_to_acknowledge_s: float | None
    waiting: tuple[Alarm, ...]
    holds: tuple[Hold, ...]
    opened: int
    closed: int
    standing: tuple[Incident, ...]
    sought: int
    orders: tuple[Dispatch, ...]
    sightings: tuple[Sighting, ...]
    statements: tuple[Statement, ...]
    cameras: tuple[CameraHours, ...]


def brief_of(
    entries: Iterable[StoredEvent], from_ns: int, to_ns: int, before: DeskState | None = None, zone: tzinfo = UTC
) -> Brief:
    """The brief of a span: what stood when it began, and its entries; entries from before it tell that as well.

    Hours of the day are those of `zone`.
    """
    told = _Told(from_ns, to_ns, zone)
    if before is not None:
        told.begin(before)
    for stored in entries:
        if stored.event is not None and stored.time_ns <= to_ns:
            told.take(stored.event)
    return told.brief()


class _Told:
    """What entries have said so far."""

    def __init__(self, from_ns: int, to_ns: int, zone: tzinfo) -> None:
        self._from_ns, self._to_ns, self._zone = from_ns, to_ns, zone
        self._lessons: dict[str, Lesson] = {}
        self._alarms: dict[str, Alarm] = {}
        self._holds: dict[str, Hold] = {}
        self._incidents: dict[str, Incident] = {}
        self._orders: dict[str, Dispatch] = {}
        self._sightings: list[Sighting] = []
        self._statements: dict[str, Statement] = {}
        self._lost_since: dict[str, int] = {}
        self._lost_ns: Counter[str] = Counter()
        self._troubles: dict[str, Counter[str]] = {}

    def begin(self, state: DeskState) -> None:
        """Take in what stood at a moment."""
        self._alarms = {alarm.alarm_id: alarm for alarm in state.alarms}
        self._holds = {hold.hold_id: hold for hold in state.holds}
        self._lessons = {lesson.lesson_id: lesson for lesson in state.lessons}
        self._incidents = {incident.incident_id: incident for incident in state.incidents}
        self._orders = {order.dispatch_id: order for order in state.dispatches}
        self._lost_since = {each.camera_id: each.since_ns for each in state.cameras if each.run == "lost"}
        self._troubles = {camera_id: Counter() for camera_id in self._lost_since}

    def take(self, event: Event) -> None:
        """Take in the next event."""
        if isinstance(event, AlarmChanged):
            self._alarms[event.alarm.alarm_id] = event.alarm
        elif isinstance(event, HoldChanged | LessonChanged):
            self._quiet(event)
        elif isinstance(event, IncidentChanged):
            self._incidents[event.incident.incident_id] = event.incident
        elif isinstance(event, DispatchChanged):
            self._orders[event.dispatch.dispatch_id] = event.dispatch
        elif isinstance(event, StatementChanged):
            self._statements[event.statement.statement_id] = event.statement
        elif isinstance(event, SightingReported):
            self._sightings.append(event.sighting)
        elif isinstance(event, CameraLost | CameraRestored | CameraHealth):
            self._camera(event)

    def _quiet(self, event: HoldChanged | LessonChanged) -> None:
        """Take in what is held back, or what waits for longer, and what is so no more."""
        if isinstance(event, LessonChanged):
            self._lessons[event.lesson.lesson_id] = event.lesson
            if event.happening in {"ended", "expired"}:
                del self._lessons[event.lesson.lesson_id]
        elif event.ended:
            self._holds.pop(event.hold.hold_id, None)
        else:
            self._holds[event.hold.hold_id] = event.hold

    def _camera(self, event: CameraLost | CameraRestored | CameraHealth) -> None:
        troubles = self._troubles.setdefault(event.camera_id, Counter())
        if isinstance(event, CameraHealth):
            if not event.ended and event.time_ns >= self._from_ns:
                troubles[event.kind] += 1
        elif isinstance(event, CameraLost):
            self._lost_since.setdefault(event.camera_id, event.time_ns)
        elif (since := self._lost_since.pop(event.camera_id, None)) is not None:
            self._lost_ns[event.camera_id] += max(event.time_ns - max(since, self._from_ns), 0)

    def brief(self) -> Brief:
        """What they came to."""
        raised = [alarm for alarm in self._alarms.values() if self._within(alarm.raised_ns)]
        took = [(alarm.acknowledged_ns - alarm.raised_ns) / NS for alarm in raised if alarm.acknowledged_ns is not None]
        incidents = self._incidents.values()
        standing = tuple(each for each in incidents if each.state != "closed")
        return Brief(
            from_ns=self._from_ns,
            to_ns=self._to_ns,
            alarms=Counter(alarm.priority for alarm in raised),
            kinds=Counter(alarm.kind for alarm in raised),
            nuisances=Counter(alarm.nuisance for alarm in raised if alarm.nuisance is not None),
            nuisance_cameras=_shares(raised, lambda alarm: alarm.camera_ids),
            nuisance_hours=_shares(raised, lambda alarm: (self._hour(alarm.raised_ns),)),
            lessons=tuple(lesson for lesson in self._lessons.values() if lesson.wait_s > 0),
            median_to_acknowledge_s=statistics.median(took) if took else None,
            slowest_to_acknowledge_s=max(took, default=None),
            waiting=tuple(alarm for alarm in self._alarms.values() if alarm.state in _WAITING),
            holds=tuple(self._holds.values()),
            opened=sum(self._within(each.opened_ns) for each in incidents),
            closed=sum(each.closed_ns is not None and self._within(each.closed_ns) for each in incidents),
            standing=standing,
            sought=sum(_sought(each) for each in standing),
            orders=tuple(each for each in self._orders.values() if self._within(each.sent_ns)),
            sightings=tuple(each for each in self._sightings if self._within(each.seen_ns)),
            statements=tuple(each for each in self._statements.values() if self._within(each.drafted_ns)),
            cameras=tuple(self._hours(camera_id) for camera_id in sorted(self._troubles)),
        )

    def _hours(self, camera_id: str) -> CameraHours:
        since = self._lost_since.get(camera_id)
        still_ns = 0 if since is None else self._to_ns - max(since, self._from_ns)
        return CameraHours(
            camera_id=camera_id,
            lost_s=(self._lost_ns[camera_id] + still_ns) / NS,
            lost_now=since is not None,
            troubles=self._troubles[camera_id],
        )

    def _hour(self, time_ns: int) -> str:
        return f"{datetime.fromtimestamp(time_ns / NS, self._zone):%H}"

    def _within(self, time_ns: int) -> bool:
        return self._from_ns <= time_ns <= self._to_ns


def _shares(alarms: Iterable[Alarm], places: Callable[[Alarm], Iterable[str]]) -> dict[str, NuisanceShare]:
    """How many alarms were nothing at each place that had any such, and of how many there."""
    every: Counter[str] = Counter()
    nothing: Counter[str] = Counter()
    for alarm in alarms:
        for place in places(alarm):
            every[place] += 1
            nothing[place] += alarm.nuisance is not None
    return {
        place: NuisanceShare(alarms=every[place], nuisances=count) for place, count in sorted(nothing.items()) if count
    }


def _sought(incident: Incident) -> int:
    """How many of an incident at the least nobody knows the fate of."""
    least = 0 if incident.expected is None else incident.expected.low
    return max(least - sum(each.persons for each in incident.accounted), 0)
