"""A station erases by itself what its site file says is not kept: at its hour, beside all who write, and all of it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.memory import MemoryEventLog
from marsad.adapters.sqlite import SqliteEventLog, SqliteLogReader
from marsad.app.desk_log import DeskLog
from marsad.app.doctor import _retention
from marsad.app.retain import AT_ONCE, DAY_NS, KINDS, due, retain
from marsad.app.retention import RetentionKeeper, is_due, is_quiet
from marsad.console.desk import Told
from marsad.kernel.alarm import Alarm, Met, Seen
from marsad.kernel.alert import Alert
from marsad.kernel.chain import spans_of
from marsad.kernel.desk import RetentionRun
from marsad.kernel.error import IntegrityError, UnavailableError
from marsad.kernel.event import (
    AlarmChanged,
    AlertRaised,
    Event,
    IncidentChanged,
    OfficerDecision,
    PatrolPosition,
    PayloadErased,
    RetentionRan,
)
from marsad.kernel.incident import Incident
from marsad.kernel.position import Position
from marsad.kernel.site import Retention, Site

NS = 10**9
NIGHT_NS = round(datetime(2026, 8, 9, 2, 30, tzinfo=UTC).timestamp()) * NS
HERE = Position(latitude_deg=34.0, longitude_deg=41.0)
RULES = Retention(ordered_by="Col. Huda", positions_days=30.0)


def position(time_ns: int, patrol_id: str = "p1") -> PatrolPosition:
    return PatrolPosition(time_ns=time_ns, patrol_id=patrol_id, position=HERE)


def decision(time_ns: int) -> OfficerDecision:
    return OfficerDecision(time_ns=time_ns, officer="Rana", subject="A1", decision="seen")


def run_of(begun_ns: int, *, done: bool) -> RetentionRun:
    return RetentionRun(officer=RULES.ordered_by, keep=RULES.keep, begun_ns=begun_ns, done=done)


class Desk:
    """The part of a desk that the keeper needs, over a real log; an hour passes with each portion where it is told."""

    def __init__(self, path: Path, hours: float = 0.0) -> None:
        self.log = SqliteEventLog(path, batch_s=0.01)
        self.told: list[Told] = []
        self.writer = DeskLog(self.log, self._publish, lambda _: None)
        self.now = NIGHT_NS
        self.retention: RetentionRun | None = None
        self._hours = hours

    def _publish(self, told: "list[Told] | tuple[Told, ...] | object") -> None:
        for each in told:  # type: ignore[attr-defined]
            self.told.append(each)
            if isinstance(each.event, RetentionRan):
                self.retention = each.event.run

    def now_ns(self) -> int:
        return self.now

    def record(self, events: list[Event]) -> object:
        return self.writer.submit(events)

    async def erase(self, sequences: list[int], rule: str, officer: str) -> None:
        await self.writer.erase(sequences, rule=rule, officer=officer, time_ns=self.now)
        self.now += round(self._hours * 3600) * NS

    async def purge(self) -> None:
        await self.writer.purge()


def filled(path: Path, count: int) -> None:
    with SqliteEventLog(path) as log:
        log.append([position(NIGHT_NS - 40 * DAY_NS + k) for k in range(count)])
        log.append([decision(NIGHT_NS - DAY_NS), position(NIGHT_NS - DAY_NS)])


def keeper(desk: Desk, path: Path, rules: Retention = RULES) -> RetentionKeeper:
    return RetentionKeeper(path, rules, desk, UTC, lambda _: None, pause_s=0.0)


def test_it_is_done_beside_those_who_write_and_said_in_the_log(tmp_path: Path) -> None:
    path, count = tmp_path / "events.sqlite", 3 * AT_ONCE + 7
    filled(path, count)

    async def night() -> None:
        desk = Desk(path)
        desk.writer.start()
        going = asyncio.create_task(keeper(desk, path).erase())
        written = 0
        while not going.done():
            (told,) = await desk.writer.submit([decision(NIGHT_NS + written)])
            written += 1
            # What is told has the place that it has in the log.
            stored = next(iter(desk.log.read(told.sequence, told.sequence)))
            assert stored.event == told.event
        ended = await going
        await desk.writer.close()
        assert (ended.done, ended.erased, ended.officer) == (True, {"positions": count}, "Col. Huda")
        assert written > 3
        assert desk.retention == ended
        assert [each.sequence for each in desk.told] == list(range(count + 2, desk.log.head().length))
        desk.log.close()

    asyncio.run(night())
    with SqliteLogReader(path) as log:
        log.verify()
        stored = list(log.read())
    assert all(each.event is None for each in stored[:count])
    assert all(each.event is not None for each in stored[count:])
    said = [each.event for each in stored if isinstance(each.event, PayloadErased)]
    assert {(each.rule, each.officer) for each in said} == {("positions kept for 30 days", "Col. Huda")}
    assert b"p1" in path.read_bytes()


def test_it_stops_when_the_quiet_time_is_over_and_goes_on_the_next_night(tmp_path: Path) -> None:
    path, count = tmp_path / "events.sqlite", 5 * AT_ONCE
    filled(path, count)

    async def nights() -> None:
        desk = Desk(path, hours=1.0)
        desk.writer.start()
        first = await keeper(desk, path).erase()
        assert (first.done, first.erased["positions"]) == (False, 3 * AT_ONCE)
        desk.now = NIGHT_NS + DAY_NS
        assert is_due(RULES, desk.retention, datetime.fromtimestamp(desk.now / NS, UTC))
        second = await keeper(desk, path).erase()
        assert (second.done, second.erased["positions"]) == (True, 2 * AT_ONCE)
        await desk.writer.close()
        desk.log.close()

    asyncio.run(nights())
    with SqliteLogReader(path) as log:
        log.verify()
        assert sum(each.event is None for each in log.read()) == count


def test_the_doctor_says_what_is_erased_and_how_the_last_run_went(tmp_path: Path) -> None:
    site = Site(name="Zaytun", retention=RULES)
    assert "no days" in _retention(Site(name="Zaytun"), tmp_path)
    assert _retention(site, tmp_path) == "positions 30 days, by order of Col. Huda, from 02:00 to 05:00"
    path = tmp_path / "events.sqlite"
    filled(path, 4)
    assert "nothing has been erased yet" in _retention(site, tmp_path)
    retain(path, RULES.keep, "Omar", NIGHT_NS)
    assert _retention(site, tmp_path).endswith("last 2026-08-09 02:30 UTC: 4 entries, all done")


@pytest.mark.parametrize(
    ("hour", "last", "due_now"),
    [
        (3, None, True),
        (12, None, False),
        (3, run_of(NIGHT_NS, done=True), False),
        (3, run_of(NIGHT_NS, done=False), True),
        (3, run_of(NIGHT_NS - 86_400 * NS, done=True), True),
        (3, msgspec.structs.replace(run_of(NIGHT_NS, done=True), keep={"looks": 3.0}), True),
    ],
)
def test_it_is_due_once_in_each_quiet_time_until_it_is_done(
    hour: int, last: RetentionRun | None, due_now: bool
) -> None:
    assert is_due(RULES, last, datetime(2026, 8, 9, hour, 40, tzinfo=UTC)) is due_now
    assert not is_due(Retention(), last, datetime(2026, 8, 9, hour, 40, tzinfo=UTC))


@given(st.integers(0, 23), st.integers(1, 23))
def test_the_quiet_time_may_lie_across_midnight(first: int, hours: int) -> None:
    rules = Retention(from_hour=first, until_hour=(first + hours) % 24)
    quiet = [is_quiet(rules, datetime(2026, 8, 9, hour, tzinfo=UTC)) for hour in range(24)]
    assert quiet == [(hour - first) % 24 < hours for hour in range(24)]


def test_an_open_incident_keeps_its_alarms_and_what_these_rest_on(tmp_path: Path) -> None:
    old_ns = NIGHT_NS - 400 * DAY_NS
    events: list[Event] = []
    for name, state in (("A1", "open"), ("A2", "closed")):
        met = Met(rule="loitering", rule_id="line", direction="", time_ns=old_ns, alert_id=f"{name}-1")
        alert = Alert(
            alert_id=f"{name}-1", rule="loitering", rule_id="line", priority="low", time_ns=old_ns, text="t",
            subject_id=name,
        )  # fmt: skip
        alarm = Alarm(
            alarm_id=name, subject_id=name, state="closed", priority="low", kind="unknown", response="look_and_decide",
            text="t", met=(met,), seen=Seen(time_ns=old_ns), raised_ns=old_ns, changed_ns=old_ns, latching=False,
        )  # fmt: skip
        incident = Incident(
            incident_id=f"I{name}", kind="crossing", state=state, text="t", opened_ns=old_ns, opened_by="Rana",  # type: ignore[arg-type]
            changed_ns=old_ns, alarm_ids=(name,),
        )  # fmt: skip
        events += [
            AlertRaised(time_ns=old_ns, alert=alert), AlarmChanged(time_ns=old_ns, alarm=alarm, happening="raised"),
            IncidentChanged(time_ns=old_ns, incident=incident, happening="opened", officer="Rana"),
        ]  # fmt: skip
    path = tmp_path / "events.sqlite"
    with SqliteEventLog(path) as log:
        log.append(events)
    report = retain(path, {"alarms": 30, "incidents": 30}, "Omar", NIGHT_NS)
    assert (report.erased, report.kept_open) == ({"alarms": 2, "incidents": 1}, 3)
    with SqliteLogReader(path) as log:
        assert [each.event is None for each in log.read(0, 5)] == [False] * 3 + [True] * 3


def test_while_the_log_cannot_be_written_nothing_is_erased() -> None:
    class Full(MemoryEventLog):
        def append(self, events: object) -> int:
            assert events
            raise UnavailableError("the disk is full")

    async def go() -> None:
        writer = DeskLog(Full(), lambda _: None, lambda _: None)
        writer.start()
        with pytest.raises(UnavailableError):
            await writer.submit([decision(1)])
        with pytest.raises(UnavailableError, match="disk is full"):
            await writer.erase([0], rule="r", officer="o", time_ns=2)
        await writer.close()

    asyncio.run(go())


PROGRAM = """
import sys
from pathlib import Path
from marsad.app import retain
retain.AT_ONCE = 20
print("begun", flush=True)
retain.retain(Path(sys.argv[1]), {"positions": 30}, "Omar", int(sys.argv[2]))
print("done", flush=True)
"""


@pytest.mark.parametrize("after_s", [0.05, 0.2, 0.4])
def test_a_run_that_is_killed_leaves_a_sound_log_and_the_next_one_ends_it(tmp_path: Path, after_s: float) -> None:
    path, count = tmp_path / "events.sqlite", 5000
    filled(path, count)
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path), str(NIGHT_NS)], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    time.sleep(after_s)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with SqliteEventLog(path, verify_last=1000) as log:
        log.verify()
        gone = sum(each.event is None for each in log.read(0, count - 1))
        said = sum(
            1 + last - first
            for each in log.read()
            if isinstance(each.event, PayloadErased)
            for first, last in each.event.spans
        )
    assert gone == said
    report = retain(path, {"positions": 30}, "Omar", NIGHT_NS)
    assert gone + report.erased.get("positions", 0) == count
    with SqliteLogReader(path) as log:
        log.verify()


@given(st.sets(st.integers(0, 60)))
def test_numbers_are_spans_and_spans_are_the_numbers(numbers: set[int]) -> None:
    spans = spans_of(numbers)
    assert [each for first, last in spans for each in range(first, last + 1)] == sorted(numbers)
    assert all(spans[k][1] + 1 < spans[k + 1][0] for k in range(len(spans) - 1))


@given(st.lists(st.sets(st.integers(0, 30), min_size=1), max_size=4), st.integers(0, 30), st.booleans())
def test_what_is_gone_is_what_is_said_to_be_gone(batches: list[set[int]], odd: int, back: bool) -> None:
    """Whatever was erased together, a payload that is gone without a word, or came back, is found."""
    log = MemoryEventLog(salt=lambda length: b"s" * length)
    log.append([decision(k) for k in range(31)])
    whole = list(log.entries)
    gone: set[int] = set()
    for batch in batches:
        if fresh := sorted(batch - gone):
            log.erase(fresh, rule="r", officer="o", time_ns=99)
            gone |= batch
    log.verify()
    if back == (odd in gone):
        log.entries[odd] = whole[odd] if back else msgspec.structs.replace(whole[odd], salt=None, payload=None)
        with pytest.raises(IntegrityError, match=f"entry {odd}: "):
            log.verify()


def test_every_kind_of_the_site_file_is_a_kind_of_the_log(tmp_path: Path) -> None:
    days = {f"{kind}_days": 10.0 for kind in KINDS}
    assert Retention(**days).keep == dict.fromkeys(KINDS, 10.0)  # type: ignore[arg-type]
    assert Retention().keep == {}
    filled(tmp_path / "events.sqlite", 3)
    with SqliteLogReader(tmp_path / "events.sqlite") as book:
        assert [each.sequences for each in due(book, {"positions": 30.0}, NIGHT_NS)] == [[0, 1, 2]]
