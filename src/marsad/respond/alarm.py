"""The officer's alarms: one for each thing, made of however many alerts, and what officers do with them.

`Alarms` turns alerts, the passing of time and officers' acts into events, and is itself nothing but what those events
say: given the same events it is the same again. Nobody is ever withheld: what is folded into an alarm is the same
thing once more, under another number, and what is held back is still listed.

Source: ANSI/ISA-18.2-2016; EEMUA 191, 3rd edition (rates, and the share of each priority).
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from marsad.kernel.alarm import (
    Alarm,
    AlarmHappening,
    Hold,
    HoldKind,
    Met,
    NuisanceCause,
    Response,
    Seen,
)
from marsad.kernel.alert import Alert, Priority, Rule
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.event import AlarmChanged, HoldChanged
from marsad.kernel.picture import Picture
from marsad.kernel.record import Record
from marsad.kernel.track import Kind
from marsad.respond.lifecycle import after

NS: Final = 1_000_000_000
LEVEL: Final[Mapping[Priority, int]] = MappingProxyType({"high": 3, "medium": 2, "low": 1})
LATCHING: Final[frozenset[Rule]] = frozenset({"line_crossing"})
"""Nobody uncrosses a line by leaving the picture: such an alarm waits for an officer to close it."""

RESPONSES: Final[Mapping[Rule, Response]] = MappingProxyType(
    {"line_crossing": "look_and_send", "zone_intrusion": "look_and_send", "confirmed_track": "look_and_decide"}
)
_SERIOUS: Final[Mapping[Kind, int]] = MappingProxyType({"person": 1, "group": 2, "vehicle": 2})
_WAITING: Final = frozenset({"unacknowledged", "returned"})
_HELD: Final = frozenset({"shelved", "suppressed", "out_of_service"})

AlarmEvent = AlarmChanged | HoldChanged


class AlarmSettings(Record):
    """How alarms are made of alerts, and how long each may wait.

    An alarm is over when its subject has not been seen for `gone_s`. What appears where a subject was last seen, no
    later than `fold_s` after it and no farther than it could have gone at `speed_m_s` (or, in the picture alone, than
    `reach_heights` of its own heights), is the same again; `slack_m` is added for errors that no covariance tells.
    An alarm that nobody acknowledges within its priority's time escalates, and again each time that passes. Nothing
    is shelved for longer than its priority allows. Above `flood` alarms in `rate_s` there is a flood; an alarm is
    stale after `stale_s`, and one that was closed so long ago is forgotten here (the log keeps it).
    """

    gone_s: float = 30.0
    fold_s: float = 120.0
    speed_m_s: float = 2.0
    reach_heights: float = 3.0
    slack_m: float = 5.0
    escalate_s: Mapping[Priority, float] = msgspec.field(
        default_factory=lambda: {"high": 60.0, "medium": 180.0, "low": 600.0}
    )
    longest_shelf_s: Mapping[Priority, float] = msgspec.field(
        default_factory=lambda: {"high": 1800.0, "medium": 7200.0, "low": 28800.0}
    )
    rate_s: float = 600.0
    flood: int = 10
    stale_s: float = 86_400.0


class Raised(NamedTuple):
    """An alert, and the group or track of the picture it is about."""

    alert: Alert
    subject_id: str


class AlarmFigures(Record):
    """How the alarms are doing.

    `rate` is how many sounded within the last ten minutes (`AlarmSettings.rate_s`); `flood` is how many of these lie
    above what one officer can act on. `standing` is not closed, `waiting` not acknowledged, `stale` standing for more
    than a day, `held` listed without sounding. `folded` counts the alerts that were the same thing again. Shares and
    times are of the alarms that stand or were closed within a day, NaN where there are none.
    """

    rate: int
    flood: int
    standing: int
    waiting: int
    held: int
    stale: int
    escalated: int
    folded: int
    median_to_acknowledge_s: float
    slowest_to_acknowledge_s: float
    nuisance_share: float


def subject_of(alert: Alert, picture: Picture) -> str:
    """The group, else the track, of the picture that an alert's camera track is part of; else that track by itself."""
    for track in picture.tracks:
        for source in track.contributors:
            if source.source_id == alert.camera_id and source.label == alert.track_id:
                return track.group_id or track.track_id
    return f"{alert.camera_id}/{alert.track_id}"


class Alarms:
    """All alarms of one site; every change is returned as the event that made it."""

    def __init__(self, settings: AlarmSettings | None = None, events: Iterable[AlarmEvent] = ()) -> None:
        self.settings = settings or AlarmSettings()
        self._alarms: dict[str, Alarm] = {}
        self._open: dict[str, str] = {}
        self._holds: dict[str, Hold] = {}
        self._sounded: deque[int] = deque()
        # Where their subjects are now: of the picture, and no event of the alarms.
        self._now: dict[str, Seen] = {}
        self._named = 0
        self._holds_named = 0
        for event in events:
            self.apply(event)

    def apply(self, event: AlarmEvent) -> None:
        """Take in an event that was logged before."""
        if isinstance(event, HoldChanged):
            self._apply_hold(event)
            return
        alarm = event.alarm
        before = self._alarms.get(alarm.alarm_id)
        if before is None:
            self._named += 1
        elif self._open.get(before.subject_id) == before.alarm_id:
            del self._open[before.subject_id]
        self._open[alarm.subject_id] = alarm.alarm_id
        self._alarms[alarm.alarm_id] = alarm
        if alarm.annunciated_ns is not None and (before is None or before.annunciated_ns != alarm.annunciated_ns):
            self._sounded.append(alarm.annunciated_ns)
            while self._sounded[0] < alarm.annunciated_ns - self.settings.rate_s * NS:
                self._sounded.popleft()

    def _apply_hold(self, event: HoldChanged) -> None:
        if event.ended:
            self._holds.pop(event.hold.hold_id, None)
        else:
            self._holds[event.hold.hold_id] = event.hold
            self._holds_named += 1

    def alarm(self, alarm_id: str) -> Alarm:
        """One alarm. Raises InputError where there is none of that number."""
        alarm = self._alarms.get(alarm_id)
        if alarm is None:
            raise InputError(f"there is no alarm {alarm_id}")
        return alarm

    @property
    def holds(self) -> tuple[Hold, ...]:
        """What is held back now, the oldest first."""
        return tuple(self._holds.values())

    def queue(self) -> list[Alarm]:
        """What is not closed: who waits for an officer first, then by priority, the newest of each first."""
        standing = (alarm for alarm in self._alarms.values() if alarm.state != "closed")
        return sorted(standing, key=_place_in_queue)

    def meet(self, raised: Sequence[Raised], present: Mapping[str, Seen], now_ns: int) -> list[AlarmChanged]:
        """What alerts make of the alarms; `present` holds every subject that is in the picture now."""
        return [self._meet(each, present, now_ns) for each in raised]

    def _meet(self, raised: Raised, present: Mapping[str, Seen], now_ns: int) -> AlarmChanged:
        same = self._same(raised, present)
        if same is None:
            return self._raise(raised, now_ns)
        alert = raised.alert
        met = same.met
        if not any((each.rule_id, each.direction) == (alert.rule_id, alert.direction) for each in met):
            met = (*met, _met(alert))
        formerly = same.formerly
        if raised.subject_id != same.subject_id:
            formerly = (*formerly, same.subject_id)
        changed = msgspec.structs.replace(
            same,
            subject_id=raised.subject_id,
            formerly=formerly,
            met=met,
            priority=max(same.priority, alert.priority, key=LEVEL.__getitem__),
            kind=max(same.kind, alert.kind, key=_serious),
            count=alert.count or same.count,
            text=alert.text,
            seen=_seen(alert),
            camera_ids=tuple(sorted({*same.camera_ids, alert.camera_id})),
            alerts=same.alerts + 1,
            latching=same.latching or alert.rule in LATCHING,
            stands=True,
        )
        worse = len(met) > len(same.met) or any(
            now > was for now, was in zip(_weight(alert), _weight(same), strict=True)
        )
        if worse:
            return self._happen(_somebody(changed), "worse", now_ns)
        known = same.nuisance is not None and same.state not in _WAITING
        return self._happen(changed, "expected" if known else "again", now_ns)

    def _same(self, raised: Raised, present: Mapping[str, Seen]) -> Alarm | None:
        """The alarm an alert belongs to: its subject's own, or that of one that was lost where this one appeared."""
        here = _seen(raised.alert)
        alarm_id = self._open.get(raised.subject_id)
        if alarm_id is not None:
            alarm = self._alarms[alarm_id]
            if alarm.state != "closed" or here.time_ns - self._last(alarm).time_ns <= self.settings.fold_s * NS:
                return alarm
        near = [
            (way, alarm.alarm_id)
            for alarm in self._alarms.values()
            if alarm.subject_id not in present and not _is_more(raised.alert, alarm)
            for way in [self._way(alarm, here)]
            if way <= 1.0
        ]
        return self._alarms[min(near)[1]] if near else None

    def _last(self, alarm: Alarm) -> Seen:
        """Where the subject of an alarm was last seen."""
        return self._now.get(alarm.alarm_id, alarm.seen)

    def _way(self, alarm: Alarm, now: Seen) -> float:
        """How far what appears would have to have come, as a share of how far it can have; above 1 for another thing.

        What an officer has said is nothing is that only where it was: somebody who passes there is somebody.
        """
        s, before = self.settings, self._last(alarm)
        late_s = (now.time_ns - before.time_ns) / NS
        if not 0 <= late_s <= s.fold_s:
            return math.inf
        return _apart(before, now, s, 0.0 if alarm.nuisance is not None else s.speed_m_s * late_s)

    def _raise(self, raised: Raised, now_ns: int) -> AlarmChanged:
        alert = raised.alert
        alarm = Alarm(
            alarm_id=f"A{self._named + 1}",
            subject_id=raised.subject_id,
            state="unacknowledged",
            priority=alert.priority,
            kind=alert.kind,
            response=RESPONSES[alert.rule],
            text=alert.text,
            met=(_met(alert),),
            seen=_seen(alert),
            raised_ns=now_ns,
            changed_ns=now_ns,
            latching=alert.rule in LATCHING,
            count=alert.count,
            camera_ids=(alert.camera_id,),
        )
        hold = next((hold for hold in self._holds.values() if _covers(hold, alarm)), None)
        if hold is None:
            return self._tell(msgspec.structs.replace(alarm, annunciated_ns=now_ns), "raised", now_ns)
        held = msgspec.structs.replace(alarm, state=hold.kind, hold_id=hold.hold_id, held_until_ns=hold.until_ns)
        return self._tell(held, "raised", now_ns, hold.officer, hold.reason)

    def follow(self, present: Mapping[str, Seen], now_ns: int) -> list[AlarmEvent]:
        """What the passing of time makes of the alarms: conditions over, times run out, holds ended."""
        events: list[AlarmEvent] = []
        for alarm in list(self._alarms.values()):
            seen = present.get(alarm.subject_id)
            if alarm.state == "closed":
                self._forget(alarm, now_ns)
            elif seen is not None:
                self._now[alarm.alarm_id] = seen
                if self._has_left(alarm, seen):
                    moved = msgspec.structs.replace(_somebody(alarm), seen=seen)
                    events.append(self._happen(moved, "worse", now_ns))
            elif alarm.stands and now_ns - self._last(alarm).time_ns >= self.settings.gone_s * NS:
                over = msgspec.structs.replace(alarm, seen=self._last(alarm), stands=False)
                events.append(self._happen(over, "over", now_ns))
        for hold in list(self._holds.values()):
            if hold.until_ns is not None and now_ns >= hold.until_ns:
                events += self._end_hold(hold, now_ns, "")
        return events + self._escalated(now_ns)

    def _has_left(self, alarm: Alarm, seen: Seen) -> bool:
        """Whether what took up the name of a nuisance goes away from where that was: it was something else."""
        at = alarm.nuisance_at
        return (
            at is not None and alarm.subject_id != alarm.nuisance_subject and _apart(at, seen, self.settings, 0.0) > 3.0
        )

    def _forget(self, alarm: Alarm, now_ns: int) -> None:
        if now_ns - alarm.changed_ns > self.settings.stale_s * NS:
            del self._alarms[alarm.alarm_id]
            self._now.pop(alarm.alarm_id, None)
            if self._open.get(alarm.subject_id) == alarm.alarm_id:
                del self._open[alarm.subject_id]

    def _escalated(self, now_ns: int) -> list[AlarmEvent]:
        events: list[AlarmEvent] = []
        for alarm in list(self._alarms.values()):
            if alarm.state not in _WAITING or alarm.annunciated_ns is None:
                continue
            due_ns = alarm.annunciated_ns + (alarm.escalation + 1) * round(
                self.settings.escalate_s[alarm.priority] * NS
            )
            if now_ns >= due_ns:
                more = msgspec.structs.replace(alarm, escalation=alarm.escalation + 1)
                events.append(self._happen(more, "escalated", now_ns))
        return events

    def acknowledge(self, alarm_id: str, officer: str, now_ns: int) -> list[AlarmChanged]:
        """An officer has seen it. Raises RefusedError where nobody is asked to, InputError where there is no such."""
        alarm = msgspec.structs.replace(self.alarm(alarm_id), acknowledged_ns=now_ns, acknowledged_by=officer)
        return [self._happen(alarm, "acknowledged", now_ns, officer)]

    def close(self, alarm_id: str, officer: str, reason: str, now_ns: int) -> list[AlarmChanged]:
        """An officer closes an alarm whose condition is over. Raises RefusedError where it still waits or stands."""
        return [self._happen(self.alarm(alarm_id), "closed", now_ns, officer, reason)]

    def mark_nuisance(self, alarm_id: str, cause: NuisanceCause, officer: str, now_ns: int) -> list[AlarmChanged]:
        """An officer says that it was none, and because of what; whoever says so has also seen it."""
        alarm = self.alarm(alarm_id)
        if alarm.state in _WAITING:
            alarm = msgspec.structs.replace(alarm, acknowledged_ns=now_ns, acknowledged_by=officer)
        marked = msgspec.structs.replace(
            alarm, nuisance=cause, nuisance_at=self._last(alarm), nuisance_subject=alarm.subject_id
        )
        return [self._happen(marked, "nuisance", now_ns, officer, cause)]

    def shelve(self, alarm_id: str, until_ns: int, officer: str, reason: str, now_ns: int) -> list[AlarmEvent]:
        """An officer puts one alarm off. Raises RefusedError where it is longer than its priority allows."""
        alarm = self.alarm(alarm_id)
        self._check_shelf(alarm.priority, until_ns, now_ns)
        # Before anything is held: what cannot be shelved is refused and leaves no hold behind.
        after(alarm.state, "shelved", latching=alarm.latching)
        return self.hold("shelved", officer, reason, now_ns, until_ns=until_ns, alarm_id=alarm_id)

    def _check_shelf(self, priority: Priority, until_ns: int, now_ns: int) -> None:
        longest_s = self.settings.longest_shelf_s[priority]
        if not now_ns < until_ns <= now_ns + longest_s * NS:
            raise RefusedError(f"an alarm of {priority} priority is shelved for {longest_s / 60:.0f} minutes at most")

    def hold(
        self, kind: HoldKind, officer: str, reason: str, now_ns: int, *, until_ns: int | None = None,
        rule_id: str = "", camera_id: str = "", alarm_id: str = "",
    ) -> list[AlarmEvent]:  # fmt: skip
        """Hold alarms back: those of a rule, a camera or both, now and from now on.

        Raises RefusedError for no reason given, for a shelf without an end or longer than the lowest priority allows,
        and for a hold on everything.
        """
        if not reason.strip():
            raise RefusedError("alarms are held back for a reason: say which")
        if not (rule_id or camera_id or alarm_id):
            raise RefusedError("not all alarms can be held back at once: name a rule, a camera or an alarm")
        if kind == "shelved":
            if until_ns is None:
                raise RefusedError("what is shelved comes back: say when")
            if not alarm_id:
                self._check_shelf("low", until_ns, now_ns)
        hold = Hold(
            hold_id=f"H{self._holds_named + 1}", kind=kind, from_ns=now_ns, officer=officer, reason=reason,
            until_ns=until_ns, rule_id=rule_id, camera_id=camera_id, alarm_id=alarm_id,
        )  # fmt: skip
        begun = HoldChanged(time_ns=now_ns, hold=hold, officer=officer)
        self.apply(begun)
        events: list[AlarmEvent] = [begun]
        for alarm in list(self._alarms.values()):
            if alarm.state != "closed" and alarm.state not in _HELD and _covers(hold, alarm):
                held = msgspec.structs.replace(alarm, hold_id=hold.hold_id, held_until_ns=until_ns)
                events.append(self._happen(held, kind, now_ns, officer, reason))
        return events

    def release(self, hold_id: str, officer: str, now_ns: int) -> list[AlarmEvent]:
        """End a hold before its time. Raises InputError where there is none of that number."""
        hold = self._holds.get(hold_id)
        if hold is None:
            raise InputError(f"nothing is held back under {hold_id}")
        return self._end_hold(hold, now_ns, officer)

    def _end_hold(self, hold: Hold, now_ns: int, officer: str) -> list[AlarmEvent]:
        ended = HoldChanged(time_ns=now_ns, hold=hold, ended=True, officer=officer)
        self.apply(ended)
        events: list[AlarmEvent] = [ended]
        under = [alarm for alarm in self._alarms.values() if alarm.hold_id == hold.hold_id and alarm.state in _HELD]
        events += [
            self._happen(alarm, "released" if alarm.stands else "released_over", now_ns, officer) for alarm in under
        ]
        return events

    def _happen(
        self, alarm: Alarm, happening: AlarmHappening, now_ns: int, officer: str = "", reason: str = ""
    ) -> AlarmChanged:
        """Take an alarm, changed already but for its state, through a happening."""
        state = after(alarm.state, happening, latching=alarm.latching)
        if state == "unacknowledged" and (alarm.state != state or happening == "worse"):
            alarm = msgspec.structs.replace(alarm, annunciated_ns=now_ns, escalation=0)
        return self._tell(
            msgspec.structs.replace(alarm, state=state, changed_ns=now_ns), happening, now_ns, officer, reason
        )

    def _tell(
        self, alarm: Alarm, happening: AlarmHappening, now_ns: int, officer: str = "", reason: str = ""
    ) -> AlarmChanged:
        event = AlarmChanged(time_ns=now_ns, alarm=alarm, happening=happening, officer=officer, reason=reason)
        self.apply(event)
        return event

    def figures(self, now_ns: int) -> AlarmFigures:
        """How the alarms are doing."""
        s = self.settings
        alarms = list(self._alarms.values())
        standing = [alarm for alarm in alarms if alarm.state != "closed"]
        rate = sum(now_ns - s.rate_s * NS < sounded_ns <= now_ns for sounded_ns in self._sounded)
        waits = [
            (alarm.acknowledged_ns - alarm.raised_ns) / NS for alarm in alarms if alarm.acknowledged_ns is not None
        ]
        return AlarmFigures(
            rate=rate,
            flood=max(rate - s.flood, 0),
            standing=len(standing),
            waiting=sum(alarm.state in _WAITING for alarm in alarms),
            held=sum(alarm.state in _HELD for alarm in alarms),
            stale=sum(now_ns - alarm.raised_ns > s.stale_s * NS for alarm in standing),
            escalated=sum(alarm.escalation > 0 for alarm in standing),
            folded=sum(alarm.alerts - 1 for alarm in alarms),
            median_to_acknowledge_s=median(waits) if waits else math.nan,
            slowest_to_acknowledge_s=max(waits, default=math.nan),
            nuisance_share=sum(alarm.nuisance is not None for alarm in alarms) / len(alarms) if alarms else math.nan,
        )


def _place_in_queue(alarm: Alarm) -> tuple[bool, bool, int, int]:
    return (
        alarm.state in _HELD,
        alarm.state not in _WAITING,
        -LEVEL[alarm.priority],
        -(alarm.annunciated_ns or alarm.raised_ns),
    )


def _met(alert: Alert) -> Met:
    return Met(
        rule=alert.rule,
        rule_id=alert.rule_id,
        direction=alert.direction,
        time_ns=alert.time_ns,
        alert_id=alert.alert_id,
    )


def _seen(alert: Alert) -> Seen:
    return Seen(time_ns=alert.time_ns, camera_id=alert.camera_id, box=alert.box, ground=alert.ground)


def _weight(thing: Alert | Alarm) -> tuple[int, int, int]:
    """How much it asks of an officer: the priority, what it is, and at least how many."""
    return LEVEL[thing.priority], _serious(thing.kind), 1 if thing.count is None else thing.count.low


def _serious(kind: Kind) -> int:
    return _SERIOUS.get(kind, 0)


def _apart(before: Seen, now: Seen, s: AlarmSettings, gone_m: float) -> float:
    """How far apart two sightings are, as a share of what errors, and having gone so far, allow."""
    if before.ground is None or now.ground is None:
        if before.camera_id != now.camera_id:
            return math.inf
        apart_px = math.dist(before.box.centre_px, now.box.centre_px)
        return apart_px / (s.reach_heights * max(before.box.h_px, now.box.h_px, 1.0))
    east_m, north_m = now.ground.east_m - before.ground.east_m, now.ground.north_m - before.ground.north_m
    c, d = before.ground.covariance, now.ground.covariance
    # The errors of one camera about one place are alike: half of the smaller is about all that two sightings differ by.
    spread_m = math.sqrt(min(c.east_m2 + c.north_m2, d.east_m2 + d.north_m2)) / 2
    return math.hypot(east_m, north_m) / (s.slack_m + spread_m + gone_m)


def _somebody(alarm: Alarm) -> Alarm:
    """The alarm as one of which no officer has said that it is nothing."""
    return msgspec.structs.replace(alarm, nuisance=None, nuisance_at=None, nuisance_subject="")


def _is_more(alert: Alert, alarm: Alarm) -> bool:
    """Whether there are surely more of them than the alarm was about: nobody came out of nothing."""
    return alert.count is not None and alert.count.low > (1 if alarm.count is None else alarm.count.high)


def _covers(hold: Hold, alarm: Alarm) -> bool:
    """Whether a hold is about an alarm: about all the rules it has met, and all that see it."""
    if hold.alarm_id:
        return hold.alarm_id == alarm.alarm_id
    rules = not hold.rule_id or all(met.rule_id == hold.rule_id for met in alarm.met)
    return rules and (not hold.camera_id or set(alarm.camera_ids) == {hold.camera_id})
