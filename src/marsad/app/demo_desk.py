"""The demonstration's night at the duty officer's desk: what the cameras told, taken in as it would be from real ones.

An officer is played too: somebody looks at each alarm after a while, and sends a patrol after who has crossed the line.
"""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, Literal

from marsad.adapters.sqlite import SqliteEventLog
from marsad.app.camera_wire import Glance
from marsad.app.demo_patrol import Phones
from marsad.app.desk import Control, DeskSettings, Outfit
from marsad.app.desk_setup import set_up
from marsad.fuse.presence import corners_of
from marsad.geo.geodesy import Array, EnuFrame
from marsad.kernel.act import (
    Acknowledge,
    Act,
    AnswerOrder,
    DoStep,
    OpenIncident,
    Person,
    SendPatrol,
    SetExercise,
    TakeIncident,
)
from marsad.kernel.alarm import Alarm
from marsad.kernel.desk import DeskState
from marsad.kernel.dispatch import Dispatch
from marsad.kernel.error import InputError
from marsad.kernel.event import AlarmChanged
from marsad.kernel.record import Record
from marsad.kernel.site import Site
from marsad.respond.dispatch import Option
from marsad.simulate.scenario import Scenario
from marsad.simulate.truth import ActorTruth

NS: Final = 1_000_000_000
STEP_NS: Final = NS // 4
LOG: Final = "desk.sqlite"
OFFICER: Final = Person(name="played officer", role="supervisor")
_SEES_AFTER_S: Final = 8.0
_SENDS_AFTER_S: Final = 14.0
_ANSWERS: Final[tuple[tuple[Literal["received", "accepted", "under_way"], float], ...]] = (
    ("received", 3.0),
    ("accepted", 6.0),
    ("under_way", 10.0),
)


class DeskAlarm(Record):
    """An alarm of the desk; moments are seconds since the start.

    `crossed_s` is when the desk knew that the line had been crossed, `after_crossing_s` the same since the first of
    those it had to alarm for was truly on the line.
    """

    alarm_id: str
    text: str
    about: str
    priority: str
    rules: tuple[str, ...]
    cameras: tuple[str, ...]
    alerts: int
    raised_s: float
    crossed_s: float | None
    after_crossing_s: float | None
    acknowledged_s: float | None
    state: str


class DeskIncident(Record):
    """An incident of the desk, and the patrol that was sent: when it was ordered to go, and when it should be there."""

    incident_id: str
    kind: str
    text: str
    opened_s: float
    alarms: tuple[str, ...]
    patrol: str
    ordered_s: float | None
    meets_s: float | None
    answered: str


class DeskReport(Record):
    """What the desk made of the night.

    `crossing_s` is when the first of those who had to be found truly crossed the line, None where nobody did. `tracks`
    are those of the one picture that were believed. The log has so many `entries`.
    """

    crossing_s: float | None
    alarms: list[DeskAlarm]
    incidents: list[DeskIncident]
    tracks: int
    entries: int
    head: str


class _Played:
    """The officer and the patrols that are played: what each does next, and when."""

    def __init__(self, control: Control, phones: Phones) -> None:
        self._control = control
        self._phones = phones
        self._done: set[str] = set()

    async def act(self, now_ns: int) -> None:
        """Do what is due."""
        for person, said in self._phones.due(now_ns):
            await self._control.act(person, said)
        state = self._control.state()
        for alarm in state.alarms:
            if alarm.state == "unacknowledged" and now_ns - alarm.raised_ns >= _SEES_AFTER_S * NS:
                await self._do(OFFICER, Acknowledge(act_id=f"see {alarm.alarm_id} {now_ns}", alarm_id=alarm.alarm_id))
            if _is_crossing(alarm) and now_ns - alarm.raised_ns >= _SENDS_AFTER_S * NS:
                await self._send(alarm, state)
        for order in state.dispatches:
            await self._answer(order, now_ns)

    async def _send(self, alarm: Alarm, state: DeskState) -> None:
        """Send a patrol after those an alarm is about, once."""
        held = any(alarm.alarm_id in each.alarm_ids for each in state.incidents)
        busy = {each.patrol_id for each in state.dispatches}
        if held or len(busy) == len(self._control.site.patrols):
            return
        opened = OpenIncident(
            act_id=f"open {alarm.alarm_id}", kind="crossing", text=alarm.text, alarm_ids=(alarm.alarm_id,),
            expected=alarm.count,
        )  # fmt: skip
        await self._do(OFFICER, opened)
        incident_id = self._control.state().incidents[-1].incident_id
        await self._do(OFFICER, TakeIncident(act_id=f"take {incident_id}", incident_id=incident_id))
        await self._do(OFFICER, DoStep(act_id=f"look {incident_id}", incident_id=incident_id, step="look_again"))
        options: list[Option] = []
        with contextlib.suppress(InputError):  # nobody knows where they are
            options = [each for each in self._control.options(incident_id) if not each.busy_with]
        if options:
            order = SendPatrol(
                act_id=f"send {incident_id}", incident_id=incident_id, patrol_id=options[0].patrol_id, task="stop",
                text=alarm.text,
            )  # fmt: skip
            await self._do(OFFICER, order)
            await self._do(OFFICER, DoStep(act_id=f"sent {incident_id}", incident_id=incident_id, step="send_patrol"))

    async def _answer(self, order: Dispatch, now_ns: int) -> None:
        patrol = Person(name=order.patrol_id, role="patrol", patrol_id=order.patrol_id)
        for says, after_s in _ANSWERS:
            act_id = f"{order.dispatch_id} {says}"
            if act_id not in self._done and now_ns - order.sent_ns >= after_s * NS:
                said = AnswerOrder(
                    act_id=act_id, dispatch_id=order.dispatch_id, says=says, time_ns=now_ns, via="phone"
                )  # fmt: skip
                await self._do(patrol, said)

    async def _do(self, person: Person, act: Act) -> None:
        self._done.add(act.act_id)
        await self._control.act(person, act)


def play_desk(
    site: Site, scenario: Scenario, glances: Iterable[Glance], truths: Iterable[Mapping[int, Sequence[ActorTruth]]],
    out: Path,
) -> DeskReport:  # fmt: skip
    """What the desk makes of a scenario, of which a site's cameras had these glances; its log lies in `out`."""
    log_path = out / LOG
    for name in (LOG, f"{LOG}-wal", f"{LOG}-shm"):
        (out / name).unlink(missing_ok=True)
    known = {camera.id for camera in site.cameras}
    mine = sorted(
        (each for each in glances if each.camera_id in known), key=lambda each: (each.time_ns, each.camera_id)
    )
    return asyncio.run(_play(site, scenario, mine, list(truths), log_path))


async def _play(
    site: Site, scenario: Scenario, glances: Sequence[Glance], truths: Sequence[Mapping[int, Sequence[ActorTruth]]],
    log_path: Path,
) -> DeskReport:  # fmt: skip
    begin_ns = now_ns = begin_of(scenario)
    made = set_up(site)
    log = SqliteEventLog(log_path)
    told: list[str] = []
    control = Control(
        Outfit(
            site=site, log=log, setup=made.setup, ground=made.ground, clock=lambda: now_ns, tell=told.append,
            settings=DeskSettings(by_itself=False),
        )
    )  # fmt: skip
    await control.start()
    try:
        await control.act(OFFICER, SetExercise(act_id="begin", on=True, name=exercise_of(scenario)))
        for camera in site.cameras:
            control.camera_runs(camera.id, "running")
        played = _Played(control, Phones(scenario, site, made.setup.frame, begin_ns))
        waiting = list(reversed(glances))
        while waiting:
            now_ns += STEP_NS
            while waiting and waiting[-1].time_ns <= now_ns:
                control.take(waiting.pop())
            await control.advance()
            await played.act(now_ns)
        state = control.state()
    finally:
        await control.stop()
    crossing_s = first_crossing_s(site, made.setup.frame, truths, begin_ns)
    crossed = _crossed_s(log, begin_ns)
    log.flush()
    head = log.head()
    log.close()
    return DeskReport(
        crossing_s=crossing_s,
        alarms=[_alarm(each, crossed.get(each.alarm_id), crossing_s, begin_ns) for each in state.alarms],
        incidents=_incidents(state, begin_ns),
        tracks=sum(each.confirmed_ns is not None for each in state.picture.tracks),
        entries=head.length,
        head=str(head),
    )


def begin_of(scenario: Scenario) -> int:
    """When a scenario begins, nanoseconds since 1970."""
    return round(scenario.start.timestamp() * 1_000_000) * 1000


def exercise_of(scenario: Scenario) -> str:
    """What the exercise is called that everything of a scenario is marked as."""
    return f"{scenario.name} (simulated)"


def first_crossing_s(
    site: Site, frame: EnuFrame, truths: Iterable[Mapping[int, Sequence[ActorTruth]]], begin_ns: int
) -> float | None:
    """When the first intruder was truly on a line of the site, seconds since the start; None where none was."""
    lines = [corners_of(frame, line.points) for line in site.lines]
    moments = [
        time_ns
        for paths in truths
        for path in paths.values()
        if path and path[0].role == "intruder"
        for one, two in pairwise(path)
        for line in lines
        for time_ns in _meets(one, two, line)
    ]
    return None if not moments else round((min(moments) - begin_ns) / NS, 2)


def _meets(one: ActorTruth, two: ActorTruth, line: Array) -> Iterable[int]:
    """When somebody who goes straight from one place to another is on a line."""
    go_e, go_n = two.east_m - one.east_m, two.north_m - one.north_m
    for (a_e, a_n), (b_e, b_n) in pairwise(line.tolist()):
        side_e, side_n = b_e - a_e, b_n - a_n
        across = go_e * side_n - go_n * side_e
        if across == 0:
            continue
        share = ((a_e - one.east_m) * side_n - (a_n - one.north_m) * side_e) / across
        along = ((a_e - one.east_m) * go_n - (a_n - one.north_m) * go_e) / across
        if 0 <= share <= 1 and 0 <= along <= 1:
            yield one.time_ns + round(share * (two.time_ns - one.time_ns))


def _is_crossing(alarm: Alarm) -> bool:
    return any(met.rule == "line_crossing" and met.direction == "inward" for met in alarm.met)


def _crossed_s(log: SqliteEventLog, begin_ns: int) -> dict[str, float]:
    """When each alarm first said that a line was crossed."""
    found: dict[str, float] = {}
    for stored in log.read():
        if isinstance(stored.event, AlarmChanged) and _is_crossing(stored.event.alarm):
            found.setdefault(stored.event.alarm.alarm_id, _since(stored.event.time_ns, begin_ns))
    return found


def _alarm(alarm: Alarm, crossed_s: float | None, crossing_s: float | None, begin_ns: int) -> DeskAlarm:
    after_s = None if crossed_s is None or crossing_s is None else round(crossed_s - crossing_s, 2)
    return DeskAlarm(
        alarm_id=alarm.alarm_id,
        text=alarm.text,
        about=alarm.about,
        priority=alarm.priority,
        rules=tuple(met.rule for met in alarm.met),
        cameras=alarm.camera_ids,
        alerts=alarm.alerts,
        raised_s=_since(alarm.raised_ns, begin_ns),
        crossed_s=crossed_s,
        after_crossing_s=after_s,
        acknowledged_s=None if alarm.acknowledged_ns is None else _since(alarm.acknowledged_ns, begin_ns),
        state=alarm.state,
    )


def _incidents(state: DeskState, begin_ns: int) -> list[DeskIncident]:
    orders = {each.incident_id: each for each in state.dispatches}
    found = []
    for incident in state.incidents:
        order = orders.get(incident.incident_id)
        found.append(
            DeskIncident(
                incident_id=incident.incident_id,
                kind=incident.kind,
                text=incident.text,
                opened_s=_since(incident.opened_ns, begin_ns),
                alarms=incident.alarm_ids,
                patrol="" if order is None else order.patrol_id,
                ordered_s=None if order is None else _since(order.sent_ns, begin_ns),
                meets_s=None if order is None else _since(order.meet_ns, begin_ns),
                answered="" if order is None else order.state,
            )
        )
    return found


def _since(time_ns: int, begin_ns: int) -> float:
    return round((time_ns - begin_ns) / NS, 2)
