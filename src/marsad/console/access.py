"""The log of who came in, was not let in, looked into the past, or changed who may come in."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from marsad.kernel.event import AccessHappening, AccessLogged, Event

FOLD_NS: Final = 10_000_000_000

_Same = tuple[AccessHappening, str, str, str, str]
_Record = Callable[[Sequence[Event]], Awaitable[object]]


class Access:
    """Writes what happens at the door; the same again within ten seconds is counted, so that nobody fills the log."""

    def __init__(self, record: _Record, now_ns: Callable[[], int]) -> None:
        self._record = record
        self._now_ns = now_ns
        self._folded: dict[_Same, AccessLogged] = {}
        self._since: dict[_Same, int] = {}

    def tell(
        self, happening: AccessHappening, name: str, address: str, subject: str = "", reason: str = ""
    ) -> Awaitable[object] | None:
        """Have it written down; what to wait for until it is, None where it is counted with one that was."""
        self.settle()
        same, now_ns = (happening, name, address, subject, reason), self._now_ns()
        if same not in self._since:
            self._since[same] = now_ns
            return self._record([_event(same, now_ns, 1)])
        before = self._folded.get(same)
        self._folded[same] = _event(same, now_ns, 1 if before is None else before.count + 1)
        return None

    async def tell_first(self, happening: AccessHappening, name: str, address: str, subject: str) -> None:
        """Return when it is written down. Raises: UnavailableError where it cannot be."""
        written = self.tell(happening, name, address, subject)
        try:
            if written is not None:
                await written
        except BaseException:
            self._since.pop((happening, name, address, subject, ""), None)
            raise

    def settle(self, *, everything: bool = False) -> None:
        """Have that written which was counted and whose time has passed; `everything` at the end."""
        now_ns = self._now_ns()
        for same, since_ns in list(self._since.items()):
            # A desk's time may run backwards, where a night is replayed.
            if everything or not 0 <= now_ns - since_ns < FOLD_NS:
                del self._since[same]
                if (folded := self._folded.pop(same, None)) is not None:
                    self._record([folded])


def _event(same: _Same, now_ns: int, count: int) -> AccessLogged:
    happening, name, address, subject, reason = same
    return AccessLogged(
        time_ns=now_ns, happening=happening, name=name, address=address, subject=subject, reason=reason, count=count
    )
