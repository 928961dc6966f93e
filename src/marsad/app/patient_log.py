"""The log of a running watch: what cannot be written now is kept in order, told of, and tried again."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from marsad.adapters.sqlite import SqliteEventLog
from marsad.kernel.error import InputError, IntegrityError, MarsadError, UnavailableError
from marsad.kernel.event import AlertRaised, Event
from marsad.kernel.thinning import TrackThinner

HELD_MOST = 50_000
"""So many events wait at most: about 60 MB, hours of a busy camera."""
RETRY_S = 5.0
TELL_S = 60.0
VERIFY_LAST = 300_000
"""So many entries of a log that is gone on with are verified first: about two seconds' worth."""
_COSTLY = 9
"""Trying may take a tenth of the time: a disk that hangs for ten seconds is tried again after ninety."""
_CHUNK = 1000


class PatientLog:
    """Writes events as the log does while it can; while it cannot, keeps them in memory and goes on.

    What the log has taken is as safe as the log makes it; the rest follows in the same order.
    """

    def __init__(
        self,
        log: SqliteEventLog,
        name: str,
        tell: Callable[[str], None],
        *,
        most: int = HELD_MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._name = name
        self._tell = tell
        self._most = most
        self._clock = clock
        self._thinner = TrackThinner()
        self._held: list[Event] = []
        self._down = False
        self._told_s = 0.0
        self._again_s = clock() + RETRY_S

    def append(self, events: Sequence[Event]) -> None:
        """Take events. Raises: UnavailableError where as many wait as may."""
        self._held += self._thinner.keep(events)
        if not self._down or len(self._held) > self._most:
            self._write()
        else:
            self.tend()
        if len(self._held) > self._most:
            raise UnavailableError(
                f"{self._name}: could not be written for too long: {self._waiting()}, more than may be kept; "
                "what is in it is sound"
            )

    def tend(self) -> None:
        """Try again what waits, at most every so often; to be called with each picture, whether or not it is told."""
        if self._clock() >= self._again_s:
            self._write(flush=True)

    def close(self) -> int:
        """Write what waits, release the log, and return how many events are not in it."""
        self._write(flush=True)
        missing = len(self._held)
        with contextlib.suppress(MarsadError):
            self._log.close()
        missing += self._log.head().length - self._log.written().length
        self._held.clear()
        return missing

    def _write(self, *, flush: bool = False) -> None:
        start_s = self._clock()
        try:
            self._hand_over()
            if flush or self._down:
                self._log.flush()
        except MarsadError as error:
            self._fail(error)
        else:
            self._recover()
        now_s = self._clock()
        self._again_s = now_s + max(RETRY_S, _COSTLY * (now_s - start_s))

    def _hand_over(self) -> None:
        """Let the log take what waits, each event once, whatever interrupts it."""
        while self._held:
            chunk, before = self._held[:_CHUNK], self._log.head()
            taken = False
            try:
                self._log.append(chunk)
                taken = True
            finally:
                if taken or self._log.head() != before:
                    del self._held[: len(chunk)]

    def _fail(self, error: MarsadError) -> None:
        now_s = self._clock()
        if self._down and now_s - self._told_s < TELL_S:
            return
        self._down, self._told_s = True, now_s
        self._tell(
            f"THE EVENT LOG CANNOT BE WRITTEN: {error}. The watch goes on and shows its alarms here; "
            f"{self._waiting()}, {self._most - len(self._held)} more fit; trying again"
        )

    def _recover(self) -> None:
        if self._down:
            self._down = False
            self._tell(f"{self._name}: the event log is written again, nothing is missing")

    def _waiting(self) -> str:
        alarms = sum(isinstance(event, AlertRaised) for event in self._held)
        return f"{len(self._held)} events, {alarms} alarms among them, wait in memory"


def open_log(path: Path, tell: Callable[[str], None], *, option: str) -> SqliteEventLog:
    """The log, verified where there is one already; `option` is the one by which another could be chosen.

    Raises: InputError where it is not sound, or as the log does.
    """
    try:
        log = SqliteEventLog(path, verify_last=VERIFY_LAST)
    except IntegrityError as error:
        raise InputError(
            f"{path}: the log does not verify, and is not gone on with. {error}. Nothing was changed: keep it "
            f"as evidence, and choose another {option}"
        ) from error
    if count := log.head().length:
        which = "all" if log.verified == count else f"the last {log.verified} of which"
        tell(f"{path}: goes on after {count} entries, {which} verified")
    return log
