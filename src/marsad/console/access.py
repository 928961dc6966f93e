"""The log of who came in, was not let in, looked something up, or changed who may come in."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from marsad.kernel.error import UnavailableError
from marsad.kernel.event import AccessHappening, AccessLogged, Event

FOLD_NS: Final = 10_000_000_000
MOST_WAITING: Final = 1000

_Same = tuple[AccessHappening, str, str, str, str]


class Appends(Protocol):
    """The part of the log that the console writes to; see `port.EventLog`."""

    def append(self, events: Sequence[Event]) -> int:
        """Write events and return the sequence of the log's last entry. Raises UnavailableError."""


class Access:
    """Writes what happens at the door; the same again within ten seconds is counted, so that nobody fills the log."""

    def __init__(self, log: Appends, now_ns: Callable[[], int]) -> None:
        self._log = log
        self._now_ns = now_ns
        self._folding: OrderedDict[_Same, AccessLogged] = OrderedDict()
        self._since: dict[_Same, int] = {}
        self._waiting: list[AccessLogged] = []

    def tell(
        self, happening: AccessHappening, name: str, address: str, subject: str = "", reason: str = "",
        *, must: bool = False,
    ) -> None:  # fmt: skip
        """Write it down; with `must`, before this returns. What cannot be written now is kept and tried again.

        Raises: UnavailableError with `must` where it cannot be written.
        """
        now_ns = self._now_ns()
        self.settle()
        same = (happening, name, address, subject, reason)
        if same in self._since:
            before = self._folding.get(same)
            count = 1 if before is None else before.count + 1
            self._folding[same] = self._event(same, now_ns, count)
            return
        self._waiting.append(self._event(same, now_ns, 1))
        try:
            self._write()
        except UnavailableError:
            if must:
                self._waiting.pop()
                raise
        self._since[same] = now_ns

    def settle(self, *, everything: bool = False) -> None:
        """Write what was counted and whose time has passed; `everything` at the end."""
        now_ns = self._now_ns()
        for same, since_ns in list(self._since.items()):
            # A desk's time may run backwards, where a night is replayed.
            if everything or not 0 <= now_ns - since_ns < FOLD_NS:
                del self._since[same]
                folded = self._folding.pop(same, None)
                self._waiting += [] if folded is None else [folded]
        try:
            self._write()
        except UnavailableError:
            del self._waiting[:-MOST_WAITING]

    def _event(self, same: _Same, now_ns: int, count: int) -> AccessLogged:
        happening, name, address, subject, reason = same
        return AccessLogged(
            time_ns=now_ns, happening=happening, name=name, address=address, subject=subject, reason=reason, count=count
        )

    def _write(self) -> None:
        if self._waiting:
            self._log.append(self._waiting)
            self._waiting = []
