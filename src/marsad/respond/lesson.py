"""What officers' marks of nuisance change, within bounds that no mark can move.

Enough marks of one rule, at one place and time of day, ask that an alert there of something whose kind is not told
waits for some seconds, so that it can be told. Nothing is ever withheld from the officer by a mark: what waited is an
alarm at the end of its time unless the watch itself tells that it is harmless by then, and at once where that tells a
person, or that it is no longer harmless. Lines crossed, people, groups, vehicles and whoever is several never wait.

Like the alarms, it is nothing but what its events say.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from marsad.kernel.alarm import Alarm, NuisanceCause, Seen
from marsad.kernel.alert import Alert, Rule
from marsad.kernel.error import InputError
from marsad.kernel.event import AlertWaits, LessonChanged
from marsad.kernel.lesson import Lesson, LessonHappening, LessonMark, Teaching, WaitHappening, Waiting
from marsad.kernel.site import Learning
from marsad.kernel.track import Count, Kind
from marsad.respond.alarm import Raised

NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * NS
RULES: Final[frozenset[Rule]] = frozenset(
    {"confirmed_track", "zone_intrusion", "fence_contact", "loitering", "approach"}
)
"""Rules whose alerts may be asked to wait: a line crossed, a large group and a vehicle by night never are."""
CAUSES: Final[frozenset[NuisanceCause]] = frozenset({"animal", "bird", "insect", "vegetation", "weather"})
"""Causes that belong to a place; our own people, a faulty camera and what was declared are no reason to look longer."""
SOMEBODY: Final[frozenset[Kind]] = frozenset({"person", "group", "vehicle"})
A_MARK_S: Final = 1.0
"""Each mark asks for so much more."""
ALONE_S: Final = 2.0
"""One officer's marks alone ask for no more than that."""
LOWERS_AT: Final = 5
"""So many marks of two officers or more make what waited, and is still not told, low instead of medium."""
PLACES_MOST: Final = 5
"""So many lessons for each camera, one that was refuted included."""
WAITING_MOST: Final = 20
"""So many alerts wait at once; more are no animal that passes."""
LEFT_NS: Final = 30 * NS
"""What was told to be harmless, and has not been seen for so long, has left."""
HEIGHTS: Final = 3.0
"""Without ground positions, a place reaches so many heights of what was marked, in the picture."""
ALIKE: Final = 2.0
"""What is in the picture larger or smaller by more than this ratio is something else."""

LessonEvent = LessonChanged | AlertWaits


class Told(NamedTuple):
    """What is told of a subject now: its kind by all who see it, and how many heads it has, as far as it is known."""

    kinds: frozenset[Kind]
    heads: int = 1

    @property
    def is_somebody(self) -> bool:
        """Whether anybody who sees it tells people, a vehicle or several."""
        return bool(self.kinds & SOMEBODY) or self.heads > 1

    @property
    def is_harmless(self) -> bool:
        """Whether all who see it tell what it is, and that this is nothing that alarms."""
        return bool(self.kinds) and not self.is_somebody and "unknown" not in self.kinds


def told_of(before: Told | None, kind: Kind, count: Count | None) -> Told:
    """What is told of a subject once one more of those who see it has told this."""
    heads = 1 if count is None else count.best
    if before is None:
        return Told(frozenset({kind}), heads)
    return Told(before.kinds | {kind}, max(before.heads, heads))


class Sifted(NamedTuple):
    """Alerts that are alarms now, and the events of those that wait."""

    raised: list[Raised]
    events: list[LessonEvent]


class Lessons:
    """All lessons of one site and the alerts that wait; every change is returned as the event that made it."""

    def __init__(self, settings: Learning | None = None, events: Iterable[LessonEvent] = ()) -> None:
        self.settings = settings or Learning()
        self._lessons: dict[str, Lesson] = {}
        self._waiting: dict[str, Waiting] = {}
        # When each that was set aside was last seen: of the picture, and no event of the lessons.
        self._seen_ns: dict[str, int] = {}
        self._names: Mapping[str, str] = {}
        self._named = 0
        for event in events:
            self.apply(event)

    def apply(self, event: LessonEvent) -> None:
        """Take in an event that was logged before."""
        if isinstance(event, LessonChanged):
            self._named = max(self._named, int(event.lesson.lesson_id[1:]))
            if event.happening in {"ended", "expired"}:
                self._lessons.pop(event.lesson.lesson_id, None)
            else:
                self._lessons[event.lesson.lesson_id] = event.lesson
        elif event.happening in {"waits", "aside"}:
            self._waiting[event.waiting.alert.alert_id] = event.waiting
        else:
            self._waiting.pop(event.waiting.alert.alert_id, None)
            self._seen_ns.pop(event.waiting.alert.alert_id, None)

    def restore(self, lessons: Iterable[Lesson], waiting: Iterable[Waiting], named: int) -> None:
        """Go on from what there was at one moment: so many lessons had been named."""
        self._lessons = {each.lesson_id: each for each in lessons}
        self._waiting = {each.alert.alert_id: each for each in waiting}
        self._named = named

    @property
    def lessons(self) -> tuple[Lesson, ...]:
        """What has been learned and still holds, the oldest first."""
        return tuple(self._lessons.values())

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """The alerts that wait, and those that were told to be harmless."""
        return tuple(self._waiting.values())

    # ---- what officers say

    def mark(self, alarm: Alarm, cause: NuisanceCause, officer: str, now_ns: int) -> list[LessonEvent]:
        """What an officer's word teaches that an alarm was nothing: nothing where the alarm was of somebody surely."""
        lesson = self._with(alarm, cause, officer, now_ns)
        return [] if lesson is None else [self._change(lesson, "marked", now_ns, officer)]

    def teaching(self, alarm: Alarm, officer: str, now_ns: int) -> Teaching:
        """What such a word would teach, before it is said."""
        lesson = self._with(alarm, "animal", officer, now_ns)
        return Teaching(lesson=lesson, causes=tuple(sorted(CAUSES)), marks=self.settings.marks)

    def _with(self, alarm: Alarm, cause: NuisanceCause, officer: str, now_ns: int) -> Lesson | None:
        """The lesson with one more mark, None where that teaches nothing."""
        if not self.settings.on or cause not in CAUSES or not _teaches(alarm):
            return None
        mark = LessonMark(alarm_id=alarm.alarm_id, cause=cause, officer=officer, time_ns=now_ns)
        rule, camera_id = alarm.met[0].rule, alarm.seen.camera_id or next(iter(alarm.camera_ids), "")
        lesson = next((each for each in self._lessons.values() if self._fits(each, rule, alarm.seen)), None)
        if lesson is None:
            if sum(each.camera_id == camera_id for each in self._lessons.values()) >= PLACES_MOST:
                return None
            lesson = Lesson(
                lesson_id=f"N{self._named + 1}", rule=rule, camera_id=camera_id, place=alarm.seen, marks=(),
                until_ns=now_ns, changed_ns=now_ns,
            )  # fmt: skip
        if lesson.refuted or any(each.alarm_id == alarm.alarm_id for each in lesson.marks):
            return None
        since_ns = now_ns - self._keep_ns
        marks = (*(each for each in lesson.marks if each.time_ns > since_ns), mark)
        return self._taught(lesson, marks, now_ns)

    def person_after_all(self, alarm_id: str, officer: str, now_ns: int) -> list[LessonEvent]:
        """An alarm that was marked was somebody: what it taught is void, and nothing is learned there for a while."""
        wrong = [each for each in self._lessons.values() if any(mark.alarm_id == alarm_id for mark in each.marks)]
        return [event for each in wrong for event in self._refute(each, officer, alarm_id, now_ns)]

    def end(self, lesson_id: str, officer: str, reason: str, now_ns: int) -> list[LessonEvent]:
        """An officer ends a lesson; what waits for it is due. Raises InputError where there is none of that number."""
        lesson = self._lessons.get(lesson_id)
        if lesson is None:
            raise InputError(f"nothing has been learned under {lesson_id}")
        return [self._change(lesson, "ended", now_ns, officer, reason), *self._free(lesson_id, now_ns)]

    # ---- what alerts and time bring

    def sift(
        self, raised: Sequence[Raised], told: Mapping[str, Told], names: Mapping[str, str],
        stands: Callable[[str], bool], now_ns: int,
    ) -> Sifted:  # fmt: skip
        """The alerts that are alarms now, and those that wait; `stands` says whether a subject has an alarm already.

        An alarm of a subject frees whatever waits of it. `told` and `names` are as for `follow`.
        """
        self._names = names
        now: list[Raised] = []
        events: list[LessonEvent] = []
        for each in raised:
            waits = self._asked(each, told, now, stands, now_ns)
            if waits is not None:
                events.append(self._wait(waits, "waits", now_ns))
                continue
            for other in [one for one in self._waiting.values() if self._name_of(one) == each.subject_id]:
                events.append(self._wait(other, "raised", now_ns))
                now.append(_after(other, other.alert, now_ns))
            now.append(each)
        return Sifted(now, events)

    def follow(self, told: Mapping[str, Told], names: Mapping[str, str], now_ns: int) -> Sifted:
        """What the passing of time brings: lessons that are over, and alerts that have waited long enough.

        `told` is what is known of all who are there, by their names; `names` are other names of these.
        """
        self._names = names
        events: list[LessonEvent] = []
        for lesson in list(self._lessons.values()):
            if not self.settings.on:
                events += [self._change(lesson, "ended", now_ns), *self._free(lesson.lesson_id, now_ns)]
            elif now_ns >= lesson.until_ns:
                events += [self._change(lesson, "expired", now_ns), *self._free(lesson.lesson_id, now_ns)]
        now: list[Raised] = []
        for waiting in list(self._waiting.values()):
            here = told.get(self._name_of(waiting))
            happening = self._becomes(waiting, here, now_ns)
            if happening is None:
                continue
            changed = msgspec.structs.replace(waiting, aside_ns=now_ns) if happening == "aside" else waiting
            events.append(self._wait(changed, happening, now_ns))
            if happening == "raised":
                somebody = here is not None and here.is_somebody
                now.append(_after(waiting, waiting.alert if somebody else _lowered(waiting), now_ns))
                lesson_of = self._lessons.get(waiting.lesson_id)
                if somebody and lesson_of is not None and not lesson_of.refuted:
                    events += self._refute(lesson_of, "", waiting.alert.alert_id, now_ns)
        return Sifted(now, events)

    def _becomes(self, waiting: Waiting, here: Told | None, now_ns: int) -> WaitHappening | None:
        """What becomes of an alert that waits, None where it goes on as it is."""
        key = waiting.alert.alert_id
        if here is not None:
            self._seen_ns[key] = now_ns
            if here.is_somebody:
                return "raised"
        if waiting.aside_ns is None:
            if now_ns < waiting.due_ns:
                return None
            return "aside" if here is not None and here.is_harmless else "raised"
        if here is not None:
            return None if here.is_harmless else "raised"
        return "gone" if now_ns - self._seen_ns.get(key, waiting.aside_ns) >= LEFT_NS else None

    def _name_of(self, waiting: Waiting) -> str:
        """What the subject of an alert that waits is called now."""
        return self._names.get(waiting.subject_id, waiting.subject_id)

    def _asked(
        self, raised: Raised, told: Mapping[str, Told], now: Sequence[Raised], stands: Callable[[str], bool],
        now_ns: int,
    ) -> Waiting | None:  # fmt: skip
        """The alert as one that waits, None where it does not."""
        alert, subject_id = raised.alert, raised.subject_id
        here = told.get(subject_id)
        if not _is_open(alert.rule, alert.kind, alert.count) or alert.about != "object":
            return None
        if (here is not None and here.is_somebody) or stands(subject_id):
            return None
        if any(each.subject_id == subject_id for each in now) or len(self._waiting) >= WAITING_MOST:
            return None
        first = next((each for each in self._waiting.values() if self._name_of(each) == subject_id), None)
        if first is not None:
            same = msgspec.structs.replace(first, alert=alert)
            return same if first.aside_ns is None and alert.alert_id != first.alert.alert_id else None
        lesson = self._lesson_for(alert)
        if lesson is None:
            return None
        return Waiting(
            alert=alert, subject_id=subject_id, lesson_id=lesson.lesson_id, from_ns=now_ns,
            due_ns=now_ns + round(lesson.wait_s * NS), lowers=lesson.lowers,
        )  # fmt: skip

    def _lesson_for(self, alert: Alert) -> Lesson | None:
        """The lesson that asks an alert to wait."""
        if not self.settings.on:
            return None
        here = Seen(time_ns=alert.time_ns, camera_id=alert.camera_id, box=alert.box, ground=alert.ground)
        asking = (each for each in self._lessons.values() if each.wait_s > 0.0)
        return next((each for each in asking if self._fits(each, alert.rule, here)), None)

    def _fits(self, lesson: Lesson, rule: Rule, here: Seen) -> bool:
        """Whether something was at the place and time of day of a lesson, and met its rule."""
        late_ns = (here.time_ns - lesson.place.time_ns) % DAY_NS
        apart_s = min(late_ns, DAY_NS - late_ns) / NS
        if lesson.rule != rule or apart_s > self.settings.hours * 3600:
            return False
        return _is_near(lesson.place, here, self.settings.reach_m)

    # ---- how it changes

    @property
    def _keep_ns(self) -> int:
        return round(self.settings.keep_days * DAY_NS)

    def _taught(self, lesson: Lesson, marks: tuple[LessonMark, ...], now_ns: int) -> Lesson:
        """The lesson with what these marks ask for."""
        s = self.settings
        officers = {mark.officer.casefold() for mark in marks}
        enough = len(marks) >= s.marks
        most_s = min(s.longest_wait_s, ALONE_S if len(officers) < 2 else math.inf)
        return msgspec.structs.replace(
            lesson, marks=marks, wait_s=min(A_MARK_S * len(marks), most_s) if enough else 0.0,
            lowers=enough and s.lower_priority and len(officers) > 1 and len(marks) >= LOWERS_AT,
            until_ns=now_ns + self._keep_ns,
        )  # fmt: skip

    def _refute(self, lesson: Lesson, officer: str, reason: str, now_ns: int) -> list[LessonEvent]:
        void = msgspec.structs.replace(
            lesson, marks=(), wait_s=0.0, lowers=False, refuted=True, until_ns=now_ns + self._keep_ns
        )
        return [self._change(void, "refuted", now_ns, officer, reason), *self._free(lesson.lesson_id, now_ns)]

    def _free(self, lesson_id: str, now_ns: int) -> list[LessonEvent]:
        """What waits for a lesson that is over is due now."""
        under = [each for each in self._waiting.values() if each.lesson_id == lesson_id and each.due_ns > now_ns]
        return [
            self._wait(msgspec.structs.replace(each, due_ns=now_ns, lowers=False), "waits", now_ns) for each in under
        ]

    def _change(
        self, lesson: Lesson, happening: LessonHappening, now_ns: int, officer: str = "", reason: str = ""
    ) -> LessonChanged:
        changed = msgspec.structs.replace(lesson, changed_ns=now_ns)
        event = LessonChanged(time_ns=now_ns, lesson=changed, happening=happening, officer=officer, reason=reason)
        self.apply(event)
        return event

    def _wait(self, waiting: Waiting, happening: WaitHappening, now_ns: int) -> AlertWaits:
        event = AlertWaits(time_ns=now_ns, waiting=waiting, happening=happening)
        self.apply(event)
        return event


def _is_open(rule: Rule, kind: Kind, count: Count | None) -> bool:
    """Whether nobody can say what it is: of unknown kind, not several, and a rule that may wait."""
    return rule in RULES and kind == "unknown" and (count is None or count.best < 2)


def _teaches(alarm: Alarm) -> bool:
    """Whether a mark of an alarm speaks of what is not told, and of nothing else."""
    return alarm.about == "object" and all(_is_open(met.rule, alarm.kind, alarm.count) for met in alarm.met)


def _is_near(marked: Seen, here: Seen, reach_m: float) -> bool:
    """Whether something is where the first of the marks was: on the ground, else of its size in the same picture."""
    if marked.ground is not None and here.ground is not None:
        east_m, north_m = here.ground.east_m - marked.ground.east_m, here.ground.north_m - marked.ground.north_m
        return math.hypot(east_m, north_m) <= reach_m
    if marked.ground is not None or here.ground is not None:
        return False
    if marked.box is None or here.box is None or marked.camera_id != here.camera_id:
        return False
    small_px, large_px = sorted((max(marked.box.h_px, 1.0), max(here.box.h_px, 1.0)))
    near = math.dist(marked.box.centre_px, here.box.centre_px) <= HEIGHTS * marked.box.h_px
    return near and large_px <= ALIKE * small_px


def _after(waiting: Waiting, alert: Alert, now_ns: int) -> Raised:
    """An alert that is an alarm now, having waited."""
    return Raised(alert, waiting.subject_id, waiting.lesson_id, (now_ns - waiting.from_ns) / NS)


def _lowered(waiting: Waiting) -> Alert:
    """The alert that waited, a step lower where its lesson says so; what is high stays high."""
    lower = waiting.lowers and waiting.alert.priority == "medium"
    return msgspec.structs.replace(waiting.alert, priority="low") if lower else waiting.alert
