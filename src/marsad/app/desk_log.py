"""The desk's way to the log: events in one order, on the disk before they are told, off the desk's own thread."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from marsad.console.desk import Told
from marsad.kernel.error import MarsadError, UnavailableError
from marsad.kernel.event import DURABLE, Event, PayloadErased
from marsad.kernel.port import EventLog
from marsad.kernel.thinning import TrackThinner

HELD_MOST: Final = 50_000
"""So many events wait for a log that cannot be written; beyond that only durable ones are taken."""
RETRY_S: Final = 2.0

Publish = Callable[[Sequence[Told]], None]
Tell = Callable[[str], None]


class _Group(NamedTuple):
    """Events that were handed over together, and who waits for them."""

    events: list[Event]
    written: "asyncio.Future[tuple[Told, ...]]"


class _Erasure(NamedTuple):
    """Payloads that are to be erased, by whose rule, and who waits for that."""

    sequences: Sequence[int]
    rule: str
    officer: str
    time_ns: int
    erased: "asyncio.Future[None]"


class DeskLog:
    """Writes what it is handed in that order, many groups at a time, and tells `publish` of them with their places.

    While the log cannot be written, events are told all the same, for the watch goes on: with the places that they will
    have, for nothing comes between. Whoever waits for them hears that they are not written.
    """

    def __init__(self, log: EventLog, publish: Publish, tell: Tell, *, held_most: int = HELD_MOST) -> None:
        self._log = log
        self._publish = publish
        self._tell = tell
        self._most = held_most
        self._thinner = TrackThinner()
        self._groups: list[_Group] = []
        self._held: list[Event] = []
        self._erasures: deque[_Erasure] = deque()
        self._wake = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="desk-log")
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._left_out = 0
        self.next = log.head().length
        """The place of the next event that is told."""
        self.down = ""
        """Why the log cannot be written, empty while it can."""

    @property
    def durable(self) -> int:
        """The last place that is surely in the log."""
        return self.next - len(self._held) - 1

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._write(), name="desk log")

    def submit(self, events: Sequence[Event]) -> "asyncio.Future[tuple[Told, ...]]":
        """Hand events over; the future has them with their places once they are on the disk, or UnavailableError."""
        kept = self._thinner.keep(events)
        if self.down and len(self._held) + sum(len(each.events) for each in self._groups) > self._most:
            self._left_out += sum(not isinstance(event, DURABLE) for event in kept)
            kept = [event for event in kept if isinstance(event, DURABLE)]
        group = _Group(kept, asyncio.get_running_loop().create_future())
        # Whether anybody waits for it or not: what went wrong is told to the operator once, for all.
        group.written.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._groups.append(group)
        self._wake.set()
        return group.written

    def erase(self, sequences: Sequence[int], *, rule: str, officer: str, time_ns: int) -> "asyncio.Future[None]":
        """Have payloads erased between two writings; the future is done then, or has what was in the way."""
        erased = asyncio.get_running_loop().create_future()
        self._erasures.append(_Erasure(sequences, rule, officer, time_ns, erased))
        self._wake.set()
        return erased

    async def purge(self) -> None:
        """Return when what was erased has left the files; others write meanwhile. Raises: MarsadError."""
        await asyncio.to_thread(self._log.purge)

    async def drain(self) -> None:
        """Return when all that was handed over before has been written or refused."""
        await asyncio.wait([self.submit(())])

    async def close(self) -> int:
        """Write what waits and stop; how many events could not be written."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        self._thread.shutdown()
        return len(self._held)

    async def _write(self) -> None:
        while True:
            timeout_s = RETRY_S if self._held else None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), timeout_s)
            self._wake.clear()
            groups, self._groups = self._groups, []
            await self._commit(groups)
            await self._erase_next()
            if self._closing and not self._groups:
                return

    async def _commit(self, groups: Sequence[_Group]) -> None:
        events = [event for group in groups for event in group.events]
        failure: MarsadError | None = None
        if events or self._held:
            failure = await asyncio.get_running_loop().run_in_executor(self._thread, self._append, events)
        if failure is None:
            self._recovered()
        else:
            self._held += events
            self._failed(failure)
        told = [Told(sequence=self.next + place, event=event) for place, event in enumerate(events)]
        self.next += len(told)
        if told:
            self._publish(told)
        first = 0
        for group in groups:
            last = first + len(group.events)
            if not group.written.done():
                _settle(group.written, tuple(told[first:last]), failure if group.events else None)
            first = last

    async def _erase_next(self) -> None:
        """Erase what was asked for first: one portion, for others wait to write."""
        if not self._erasures:
            return
        asked = self._erasures.popleft()
        came: PayloadErased | MarsadError = UnavailableError(self.down or "the desk is closing")
        if not self._held and not self._closing:
            came = await asyncio.get_running_loop().run_in_executor(self._thread, self._erase, asked)
        if isinstance(came, PayloadErased):
            self.next += 1
            self._publish([Told(sequence=self.next - 1, event=came)])
        if not asked.erased.done():
            asked.erased.set_exception(came) if isinstance(came, MarsadError) else asked.erased.set_result(None)
        if self._erasures:
            self._wake.set()

    def _erase(self, asked: _Erasure) -> PayloadErased | MarsadError:
        """Erase one portion, of which one event tells; why that cannot be, nothing having changed then."""
        try:
            return self._log.erase(asked.sequences, rule=asked.rule, officer=asked.officer, time_ns=asked.time_ns)
        except MarsadError as error:
            return error

    def _append(self, events: list[Event]) -> MarsadError | None:
        """Write what is held and then these; why that cannot be, nothing of it being in the log then."""
        together = [*self._held, *events]
        before = self._log.head().length
        try:
            self._log.append(together)
        except MarsadError as error:
            return error
        written = self._log.head().length - before
        if written != len(together):
            # Places that were told would not be those in the log: nothing may go on from that.
            raise RuntimeError(f"{len(together)} events were handed to the log and {written} are in it")
        self._held.clear()
        return None

    def _failed(self, error: MarsadError) -> None:
        if not self.down:
            self._tell(f"THE EVENT LOG CANNOT BE WRITTEN: {error}. The desk goes on and shows its alarms; trying again")
        self.down = str(error)

    def _recovered(self) -> None:
        if self.down:
            missing = f"; {self._left_out} points and looks were left out" if self._left_out else ", nothing is missing"
            self._tell(f"the event log is written again{missing}")
        self.down, self._left_out = "", 0


def _settle(written: "asyncio.Future[tuple[Told, ...]]", told: tuple[Told, ...], failure: MarsadError | None) -> None:
    if failure is None:
        written.set_result(told)
    else:
        written.set_exception(
            UnavailableError(f"{failure}. It is kept in memory until it can be written: send it again then")
        )
