"""A running station's own keeping of its retention rules: what is too old goes at a quiet hour, a little at a time."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final, Protocol, get_args

import msgspec

from marsad.adapters.sqlite import SqliteLogReader
from marsad.app.retain import Due, due, rule_of, run_after
from marsad.kernel.desk import RetentionRun
from marsad.kernel.error import MarsadError
from marsad.kernel.event import Event, RetentionRan
from marsad.kernel.site import Retention

NS: Final = 1_000_000_000
LOOK_S: Final = 60.0
PAUSE_S: Final = 0.02
"""Between two portions everybody else who writes has the log."""
PURGE_EVERY: Final = 10
"""So many portions are erased before they leave the files: by then no writer has had to wait for that."""
TELL_EVERY: Final = 200
"""So many portions are erased before it is told how far that is."""


class Desk(Protocol):
    """What the keeper must know of the desk, which alone writes the log."""

    @property
    def retention(self) -> RetentionRun | None:
        """The last run, as the log has it."""

    def now_ns(self) -> int:
        """The desk's time."""

    def record(self, events: list[Event]) -> object:
        """Write events to the log."""

    async def erase(self, sequences: list[int], rule: str, officer: str) -> None:
        """Erase payloads. Raises: UnavailableError while the log cannot be written."""

    async def purge(self) -> None:
        """Return when what was erased has left the files."""


def is_quiet(rules: Retention, now: datetime) -> bool:
    """Whether it is the time of day at which things are erased; it may lie across midnight."""
    hours = (rules.until_hour - rules.from_hour) % 24
    return (now.hour - rules.from_hour) % 24 < hours


def is_due(rules: Retention, last: RetentionRun | None, now: datetime) -> bool:
    """Whether a run should begin, or one that was cut off go on: once in each quiet time, until nothing is left."""
    if not rules.keep or not is_quiet(rules, now):
        return False
    if last is None or not last.done or last.keep != rules.keep or last.officer != rules.ordered_by:
        return True
    begun = datetime.fromtimestamp(last.begun_ns / NS, now.tzinfo)
    since = now - timedelta(hours=(now.hour - rules.from_hour) % 24, minutes=now.minute, seconds=now.second)
    return begun < since.replace(microsecond=0)


def last_run(log: Path) -> RetentionRun | None:
    """The last run that a log tells of, which another process may be writing. Raises: InputError where it is none."""
    others = [each for each in get_args(Event) if each is not RetentionRan]
    with SqliteLogReader(log) as book:
        runs = [each.event.run for each in book.read(without=others) if isinstance(each.event, RetentionRan)]
    return runs[-1] if runs else None


class RetentionKeeper:
    """Erases from a station's log what its site file says is not kept."""

    def __init__(
        self, log: Path, rules: Retention, desk: Desk, zone: tzinfo, tell: Callable[[str], None],
        *, pause_s: float = PAUSE_S,
    ) -> None:  # fmt: skip
        self._log = log
        self._rules = rules
        self._desk = desk
        self._zone = zone
        self._tell = tell
        self._pause_s = pause_s

    async def run(self) -> None:
        """Look every minute whether it is time, for good."""
        while True:
            if is_due(self._rules, self._desk.retention, self._now()):
                try:
                    await self.erase()
                except MarsadError as error:
                    self._tell(f"what is older than may be kept is not erased now: {error}; trying again")
            await asyncio.sleep(LOOK_S)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._desk.now_ns() / NS, self._zone)

    async def erase(self) -> RetentionRun:
        """Erase what is due, until nothing is left or the quiet time is over; how that went is in the log.

        Raises: UnavailableError while the log cannot be written, and another MarsadError where it cannot be read.
        """
        rules, now_ns = self._rules, self._desk.now_ns()
        run = RetentionRun(officer=rules.ordered_by, keep=rules.keep, begun_ns=now_ns)
        erased: Counter[str] = Counter()
        self._say(run)
        with await asyncio.to_thread(SqliteLogReader, self._log) as book:
            portions = due(book, rules.keep, now_ns)
            done = await self._go(run, portions, erased)
        await self._desk.purge()
        ended = run_after(run, erased, self._desk.now_ns(), done=done)
        self._say(ended)
        return ended

    async def _go(self, run: RetentionRun, portions: Iterator[Due], erased: Counter[str]) -> bool:
        """Erase portion by portion; whether nothing is left."""
        count = 0
        while is_quiet(self._rules, self._now()):
            portion = await asyncio.to_thread(next, portions, None)
            if portion is None:
                return True
            if not portion.sequences:
                continue
            await self._desk.erase(portion.sequences, rule_of(portion.kind, run.keep[portion.kind]), run.officer)
            erased[portion.kind] += len(portion.sequences)
            count += 1
            if count % PURGE_EVERY == 0:
                await self._desk.purge()
            if count % TELL_EVERY == 0:
                self._say(msgspec.structs.replace(run, erased=dict(erased)))
            await asyncio.sleep(self._pause_s)
        return False

    def _say(self, run: RetentionRun) -> None:
        self._desk.record([RetentionRan(time_ns=self._desk.now_ns(), run=run)])
