"""The officer's alarms: one for each thing, made of however many alerts, and what officers do with them.

`Alarms` turns alerts, the passing of time and officers' acts into events, and is itself nothing but what those events
say: given the same events it is the same again. Nobody is ever withheld: what is folded into an alarm is the same
thing once more, under another number, and what is held back is still listed.

Source: ANSI/ISA-18.2-2016; EEMUA 191, 3rd edition (rates, and the share of each priority).
"""

import math
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
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
from marsad.kernel.alert import Alert, Facts, Priority, Rule
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.event import AlarmChanged, HoldChanged
from marsad.kernel.picture import Picture
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind
from marsad.respond.lifecycle import after

NS: Final = 1_000_000_000
LEVEL: Final[Mapping[Priority, int]] = MappingProxyType({"high": 3, "medium": 2, "low": 1})
LATCHING: Final[frozenset[Rule]] = frozenset({"line_crossing"})
"""Nobody uncrosses a line by leaving the picture: such an alarm waits for an officer to close it."""

RESPONSES: Final[Mapping[Rule, Response]] = MappingProxyType(
    {
        "line_crossing": "look_and_send",
        "zone_intrusion": "look_and_send",
        "fence_contact": "look_and_send",
        "approach": "look_and_follow",
        "loitering": "look_and_decide",
        "night_vehicle": "look_and_decide",
        "confirmed_track": "look_and_decide",
        "group_size": "tell_commander",
        "patrol_silent": "call_patrol",
        "patrol_astray": "call_patrol",
        "camera_silent": "cover_and_repair",
        "camera_fault": "cover_and_repair",
        "link_lost": "check_link",
        "storage_short": "free_disk",
        "partner_alarm": "look_and_follow",
    }
)
_DEMAND: Final[Mapping[Response, int]] = MappingProxyType(
    {
        "check_link": 0,
        "free_disk": 0,
        "look_and_decide": 0,
        "look_and_follow": 1,
        "call_patrol": 1,
        "cover_and_repair": 1,
        "tell_commander": 2,
        "look_and_send": 3,
    }
)
"""How much a response asks of the officer."""
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
    stale after `stale_s`, and one that was closed so long ago is forgotten here (the log keeps it). What is known of a
    standing alarm is told anew every `refresh_s`.
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
    refresh_s: float = 30.0


class Raised(NamedTuple):
    """An alert, the group or track of the picture it is about, and for how long a lesson had it wait first."""

    alert: Alert
    subject_id: str
    lesson_id: str = ""
    waited_s: float = 0.0


class News(Record):
    """What is known now of a subject, and in English."""

    facts: Facts
    text: str
    kind: Kind
    count: Count | None


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
    """What an alert is about: the group, else the track, of the picture; else a camera's track by itself.

    An alert of the picture names its subject; a camera's track is the picture's that it was last part of. What is about
    a camera, a patrol or a link is about that.
    """
    if alert.about != "object" or not alert.camera_id:
        return alert.subject_id
    found = [
        (source.time_ns, track.group_id or track.track_id)
        for track in picture.tracks
        for source in track.contributors
        if source.source_id == alert.camera_id and source.label == alert.track_id
    ]
    return max(found, key=lambda each: each[0])[1] if found else f"{alert.camera_id}/{alert.track_id}"


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

    def restore(
        self, alarms: Iterable[Alarm], holds: Iterable[Hold], sounded_ns: Iterable[int], *, alarms_named: int,
        holds_named: int,
    ) -> None:  # fmt: skip
        """Go on from what there was at one moment: so many had been named, and these had sounded lately."""
        self._alarms = {alarm.alarm_id: alarm for alarm in sorted(alarms, key=lambda each: each.changed_ns)}
        self._open = {alarm.subject_id: alarm.alarm_id for alarm in self._alarms.values()}
        self._holds = {hold.hold_id: hold for hold in holds}
        self._sounded = deque(sorted(sounded_ns))
        self._named, self._holds_named = alarms_named, holds_named
        self._now.clear()

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

    def meet(
        self, raised: Sequence[Raised], present: Mapping[str, Seen], now_ns: int, names: Mapping[str, str] | None = None
    ) -> list[AlarmChanged]:
        """What alerts make of the alarms; `present` holds every subject that is in the picture now.

        `names` are other names of these subjects (`respond.subject.names_of`): an alarm under one of them is theirs.
        """
        renamed = self._renamed(names or {}, now_ns)
        return [*renamed, *(self._meet(each, present, now_ns) for each in raised)]

    def _renamed(self, names: Mapping[str, str], now_ns: int) -> list[AlarmChanged]:
        """Alarms under another name of a subject take its own; where it has one, that goes on for both."""
        events = []
        for alarm_id in list(self._alarms):
            alarm = self._alarms[alarm_id]
            name = names.get(alarm.subject_id, alarm.subject_id)
            if name == alarm.subject_id or alarm.state == "closed" or not alarm.stands:
                continue
            kept = self._alarms[self._open[name]] if name in self._open else None
            if kept is None or kept.state == "closed" or not kept.stands:
                formerly = (*alarm.formerly, alarm.subject_id)
                moved = msgspec.structs.replace(alarm, subject_id=name, formerly=formerly)
                events.append(self._happen(moved, "updated", now_ns))
                continue
            events += self._join(kept, alarm, name, now_ns)
        return events

    def _join(self, kept: Alarm, other: Alarm, name: str, now_ns: int) -> list[AlarmChanged]:
        """Two alarms of one thing become one; nobody goes on under a hold, or as a nuisance, because another does."""
        if _is_quiet(kept) and not _is_quiet(other):
            kept, other = other, kept
        closed = self._happen(msgspec.structs.replace(other, stands=False), "joined", now_ns)
        both = _joined(kept, other, name)
        worse = _weight(both) != _weight(kept) or _DEMAND[both.response] > _DEMAND[kept.response]
        return [closed, self._happen(both, "worse" if worse else "updated", now_ns)]

    def _meet(self, raised: Raised, present: Mapping[str, Seen], now_ns: int) -> AlarmChanged:
        same = self._same(raised, present)
        if same is None:
            return self._raise(raised, now_ns)
        alert = _unless_told(raised.alert, same)
        met = same.met
        if _what(alert) not in {_what(each) for each in met}:
            met = (*met, _met(raised))
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
            response=max(same.response, RESPONSES[alert.rule], key=_DEMAND.__getitem__),
            seen=_seen(alert),
            camera_ids=_cameras(same.camera_ids, alert),
            facts=_facts(same.facts, alert),
            alerts=same.alerts + 1,
            latching=same.latching or alert.rule in LATCHING,
            stands=True,
        )
        worse = (len(met) > len(same.met) and _asks_more(alert, same)) or any(
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
            met=(_met(raised),),
            seen=_seen(alert),
            raised_ns=now_ns,
            changed_ns=now_ns,
            latching=alert.rule in LATCHING,
            count=alert.count,
            camera_ids=_cameras((), alert),
            about=alert.about,
            facts=alert.facts,
        )
        hold = next((hold for hold in self._holds.values() if _covers(hold, alarm)), None)
        if hold is None:
            return self._tell(msgspec.structs.replace(alarm, annunciated_ns=now_ns), "raised", now_ns)
        held = msgspec.structs.replace(alarm, state=hold.kind, hold_id=hold.hold_id, held_until_ns=hold.until_ns)
        return self._tell(held, "raised", now_ns, hold.officer, hold.reason)

    def follow(
        self, present: Mapping[str, Seen], now_ns: int, *, over: Collection[str] = (),
        news: Mapping[str, News] | None = None, names: Mapping[str, str] | None = None,
    ) -> list[AlarmEvent]:  # fmt: skip
        """What the passing of time makes of the alarms: conditions over, times run out, holds ended.

        `over` are subjects for which no rule holds any more, though they may still be there; `news` is what is known of
        others now. `names` are as for `meet`.
        """
        events: list[AlarmEvent] = [*self._renamed(names or {}, now_ns)]
        for alarm in list(self._alarms.values()):
            seen = present.get(alarm.subject_id)
            if alarm.state == "closed":
                self._forget(alarm, now_ns)
            elif alarm.subject_id in over and alarm.stands:
                ended = msgspec.structs.replace(alarm, seen=seen or self._last(alarm), stands=False)
                events.append(self._happen(ended, "over", now_ns))
            elif seen is not None:
                self._now[alarm.alarm_id] = seen
                if self._has_left(alarm, seen):
                    moved = msgspec.structs.replace(_somebody(alarm), seen=seen)
                    events.append(self._happen(moved, "worse", now_ns))
                elif alarm.stands and news and alarm.subject_id in news:
                    events += self._told(alarm, seen, news[alarm.subject_id], now_ns)
            elif alarm.stands and now_ns - self._last(alarm).time_ns >= self.settings.gone_s * NS:
                gone = msgspec.structs.replace(alarm, seen=self._last(alarm), stands=False)
                events.append(self._happen(gone, "over", now_ns))
        for hold in list(self._holds.values()):
            if hold.until_ns is not None and now_ns >= hold.until_ns:
                events += self._end_hold(hold, now_ns, "")
        return events + self._escalated(now_ns)

    def _told(self, alarm: Alarm, seen: Seen, news: News, now_ns: int) -> list[AlarmEvent]:
        """The alarm with what is known now, where what it says is older than it should be."""
        if now_ns - max(alarm.changed_ns, alarm.facts.time_ns) < self.settings.refresh_s * NS:
            return []
        facts = msgspec.structs.replace(news.facts, crossed=news.facts.crossed or alarm.facts.crossed)
        cameras = tuple(sorted({*alarm.camera_ids, *facts.camera_ids}))
        told = msgspec.structs.replace(
            alarm, facts=facts, text=news.text, count=news.count or alarm.count, seen=seen, camera_ids=cameras,
            kind=max(alarm.kind, news.kind, key=_serious),
        )  # fmt: skip
        return [self._happen(told, "updated", now_ns)]

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

    def person_after_all(self, alarm_id: str, officer: str, now_ns: int) -> list[AlarmChanged]:
        """What was marked as a nuisance was somebody: it sounds anew. Raises RefusedError where nobody marked it."""
        alarm = self.alarm(alarm_id)
        if alarm.nuisance is None:
            raise RefusedError("nobody has marked this alarm as a nuisance")
        again = msgspec.structs.replace(_somebody(alarm), stands=True, seen=self._last(alarm))
        return [self._happen(again, "worse", now_ns, officer, "a person after all")]

    def stands(self, subject_id: str) -> bool:
        """Whether a subject has an alarm that is not closed."""
        alarm_id = self._open.get(subject_id)
        return alarm_id is not None and self._alarms[alarm_id].state != "closed"

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


def _what(met: Alert | Met) -> tuple[str, str, str]:
    """What was met. A line that was neared and one that was crossed are two things."""
    return met.rule, met.rule_id, met.direction


def _met(raised: Raised) -> Met:
    alert = raised.alert
    return Met(
        rule=alert.rule,
        rule_id=alert.rule_id,
        direction=alert.direction,
        time_ns=alert.time_ns,
        alert_id=alert.alert_id,
        lesson_id=raised.lesson_id,
        waited_s=raised.waited_s,
    )


def _seen(alert: Alert) -> Seen:
    return Seen(time_ns=alert.time_ns, camera_id=alert.camera_id, box=alert.box, ground=alert.ground)


def _cameras(before: Iterable[str], alert: Alert) -> tuple[str, ...]:
    """The cameras that an alarm rests on, with those of one more alert."""
    own = (alert.camera_id,) if alert.camera_id else ()
    return tuple(sorted({*before, *own, *alert.facts.camera_ids}))


def _facts(before: Facts, alert: Alert) -> Facts:
    """What is known after one more alert: a camera's own tells nothing new, and nobody uncrosses a line."""
    if not alert.facts.time_ns:
        return before
    return msgspec.structs.replace(alert.facts, crossed=alert.facts.crossed or before.crossed)


def _unless_told(alert: Alert, same: Alarm) -> Alert:
    """The alert in the alarm's words where the picture has told of it: a camera's own, raised again, is no news."""
    again = _what(alert) in {_what(each) for each in same.met}
    if not again or alert.facts.time_ns or not same.facts.time_ns:
        return alert
    return msgspec.structs.replace(alert, text=same.text, count=same.count)


def _weight(thing: Alert | Alarm) -> tuple[int, int, int]:
    """How much it asks of an officer: the priority, what it is, and at least how many."""
    return LEVEL[thing.priority], _serious(thing.kind), 1 if thing.count is None else thing.count.low


def _is_quiet(alarm: Alarm) -> bool:
    return alarm.state in _HELD or alarm.nuisance is not None


def _joined(kept: Alarm, other: Alarm, name: str) -> Alarm:
    """The alarm of what was found to be one thing with another: the worse of both, and all that either has met."""
    formerly = dict.fromkeys((*kept.formerly, *other.formerly, kept.subject_id, other.subject_id))
    formerly.pop(name, None)
    already = {_what(each) for each in kept.met}
    more = tuple(each for each in other.met if _what(each) not in already)
    return msgspec.structs.replace(
        kept,
        subject_id=name,
        formerly=tuple(formerly),
        met=(*kept.met, *more),
        priority=max(kept.priority, other.priority, key=LEVEL.__getitem__),
        kind=max(kept.kind, other.kind, key=_serious),
        response=max(kept.response, other.response, key=_DEMAND.__getitem__),
        camera_ids=tuple(sorted({*kept.camera_ids, *other.camera_ids})),
        alerts=kept.alerts + other.alerts,
        latching=kept.latching or other.latching,
    )


def _asks_more(alert: Alert, alarm: Alarm) -> bool:
    """Whether a further rule asks for more than the alarm does: to send somebody, or a graver response."""
    response = RESPONSES[alert.rule]
    return response == "look_and_send" or _DEMAND[response] > _DEMAND[alarm.response]


def _serious(kind: Kind) -> int:
    return _SERIOUS.get(kind, 0)


def _apart(before: Seen, now: Seen, s: AlarmSettings, gone_m: float) -> float:
    """How far apart two sightings are, as a share of what errors, and having gone so far, allow."""
    if before.ground is None or now.ground is None:
        if before.camera_id != now.camera_id or before.box is None or now.box is None:
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
    alone = set(alarm.camera_ids) == {hold.camera_id} and not alarm.facts.reporter_ids
    return rules and (not hold.camera_id or alone)
