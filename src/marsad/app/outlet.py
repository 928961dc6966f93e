"""What the ways out to partners without Marsad have in common: they read the outbox, and note how their link stands."""

import contextlib
import time
from collections.abc import Callable, Iterator
from threading import Event
from typing import Final

import structlog

from marsad.adapters.inbox import Spool
from marsad.adapters.outbox import OutboxReader
from marsad.app.systemd import tell_manager
from marsad.coordinate.link_state import LinkChange, LinkHappening, after
from marsad.kernel.agreement import Agreement
from marsad.kernel.error import InputError, MarsadError
from marsad.kernel.parcel import Parcel
from marsad.kernel.partner import LinkState

log = structlog.get_logger()
NS: Final = 10**9
ALIVE_NS: Final = 20 * NS
"""So often it is noted that nothing changed, for the station to see that the program lives."""
BACK_OFF_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""How long is waited after one failure, two, three ..."""


class LinkNotes:
    """How a link stands, noted in the spool, where the station looks; `name` is how the program is called."""

    def __init__(self, spool: Spool, name: str, now_ns: Callable[[], int]) -> None:
        self._spool = spool
        self._name = name
        self._now_ns = now_ns
        self._noted_ns = 0
        self.state: LinkState = "cut"
        self.reason = ""

    def happen(self, happening: LinkHappening, reason: str) -> None:
        """Follow the link's table; what changed is noted."""
        state = after(self.state, happening)
        now_ns, same = self._now_ns(), (state, reason) == (self.state, self.reason)
        if same and now_ns - self._noted_ns < ALIVE_NS:
            return
        self.state, self.reason, self._noted_ns = state, reason, now_ns
        if not same:
            log.info(self._name, state=state, happening=happening, reason=reason)
        with contextlib.suppress(MarsadError):
            self._spool.note_change(LinkChange(time_ns=now_ns, state=state, happening=happening, reason=reason))


def not_told(agreement: Agreement, strange: str, now_ns: int) -> str:
    """Why nothing is told under this agreement; empty where it is. `strange` names another that is."""
    if now_ns >= agreement.until_ns:
        return f"agreement {agreement.agreement_id} has ended: name the one that follows it with --agreement"
    if strange:
        return f"the station releases under {strange}, not under {agreement.agreement_id}: name that with --agreement"
    return ""


def rest(seconds: float, stop: Event) -> None:
    """Wait, and let the service manager know that this is no death."""
    until_s = time.monotonic() + seconds
    while not stop.is_set() and time.monotonic() < until_s:
        tell_manager("WATCHDOG=1")
        stop.wait(min(seconds, 5.0))


def parcels(outbox: OutboxReader, after_sequence: int, upto: int) -> Iterator[Parcel]:
    """The parcels there are; what was erased since is left out."""
    try:
        yield from outbox.plain(after_sequence, upto)
    except InputError:
        for sequence in range(after_sequence, upto):
            with contextlib.suppress(InputError):
                yield from outbox.plain(sequence, sequence + 1)
