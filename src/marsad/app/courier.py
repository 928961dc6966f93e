"""The station's end of the link: gives to the outbox what was released, and proves what the gateway brought."""

from collections.abc import Sequence
from pathlib import Path

from marsad.adapters.inbox import Inbox, SpoolReader
from marsad.adapters.outbox import Item, Outbox
from marsad.coordinate.link_state import LinkChange
from marsad.kernel.error import InputError, LinkRefusedError, UnavailableError
from marsad.kernel.parcel import Checkpoint, Parcel
from marsad.kernel.partner import LinkState
from marsad.kernel.record import Record

BEAT_NS = 5 * 10**9
"""So often the partner is told that nothing was added."""
REOPEN_NS = 10**9
SILENT_NS = 60 * 10**9
"""A gateway from which nothing came for so long, neither a word of the partner's nor its own, does not run."""
STANDING: frozenset[LinkState] = frozenset({"connected", "catching_up"})


class LinkView(Record):
    """What a screen says of the link.

    `age_s` is how old what is known of the partner is, None before its first word; `behind` how many of its parcels are
    known of and lacking; `sent` and `confirmed` how many of ours there are, and how many it confirmed.
    """

    state: LinkState
    reason: str
    age_s: float | None
    behind: int
    received: int
    sent: int
    confirmed: int


class Courier:
    """One partner's link, as the station sees it; call `tick` several times a second."""

    def __init__(self, outbox: Outbox, inbox: Inbox, spool: Path) -> None:
        self._outbox = outbox
        self._inbox = inbox
        self._spool = spool
        self._last: Checkpoint | None = None
        self._change = LinkChange(time_ns=0, state="cut", happening="unreachable", reason="")
        self._false_receipt = ""
        self._reader: SpoolReader | None = None
        self._opened_ns = self._version = 0
        outbox.publish(inbox.taken, None)

    def send(self, items: Sequence[Item], now_ns: int) -> Checkpoint:
        """Release; all is on the disk when this returns. Raises: InputError, UnavailableError."""
        self._last = self._outbox.append(items, now_ns)
        return self._last

    def tick(self, now_ns: int) -> None:
        """Prove what the gateway brought and put it into the inbox, and say that the station lives.

        Raises: LinkRefusedError where a batch proves nothing; the gateway begins again then, from what the inbox holds.
        """
        if self._last is None or now_ns - self._last.time_ns >= BEAT_NS:
            self._last = self._outbox.beat(now_ns)
        try:
            self._look(now_ns)
        except UnavailableError:
            self.close()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the gateway's file; safe to call twice."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def read(self, after_arrival: int, most: int = 1000) -> list[tuple[int, Parcel]]:
        """What the partner released, in the order of its arrival, behind the number that was read last."""
        return self._inbox.read(after_arrival, most)

    def erase(self, received_before_ns: int, upto_arrival: int) -> int:
        """Erase what the partner released before a moment, as far as it was read."""
        return self._inbox.erase(received_before_ns, upto_arrival)

    def view(self, now_ns: int) -> LinkView:
        """How the link stands."""
        standing = self._inbox.taken.standing
        age_ns = standing.age_ns(now_ns)
        state, reason = self._change.state, self._change.reason
        silent_ns = now_ns - self._change.time_ns
        if state in STANDING and min(silent_ns, silent_ns if age_ns is None else age_ns) > SILENT_NS:
            state, reason = "cut", "the gateway is silent: is it running?"
        return LinkView(
            state=state,
            reason=reason,
            age_s=None if age_ns is None else age_ns / 1e9,
            behind=standing.behind,
            received=standing.received,
            sent=self._last.sequence if self._last else 0,
            confirmed=self._outbox.received(),
        )

    def _look(self, now_ns: int) -> None:
        """Look into the spool if anything was written there; open it anew at times, for the file may be another one."""
        if self._reader is None or now_ns - self._opened_ns > REOPEN_NS:
            self.close()
            self._reader, self._opened_ns, self._version = SpoolReader(self._spool), now_ns, 0
        version = self._reader.version()
        if version == self._version:
            return
        self._change = self._reader.last_change() or self._change
        self._collect_receipt(self._reader, now_ns)
        if self._reader.generation() == self._inbox.taken.generation and not self._take(self._reader, now_ns):
            self._version = version

    def _take(self, spool: SpoolReader, now_ns: int) -> bool:
        """Prove some batches; whether there were any."""
        batches = spool.batches(self._inbox.taken.number)
        try:
            for batch in batches:
                self._inbox.take(batch, now_ns)
        finally:
            if batches:
                self._outbox.publish(self._inbox.taken, self._inbox.receipt())
        return bool(batches)

    def _collect_receipt(self, spool: SpoolReader, now_ns: int) -> None:
        """Keep the partner's newest receipt; a false one is noted once, and holds nothing up."""
        try:
            receipt = spool.receipt()
            if receipt is not None and receipt.checkpoint.sequence > self._outbox.received():
                self._outbox.note_receipt(receipt)
        except (InputError, LinkRefusedError) as error:
            if str(error) != self._false_receipt:
                self._inbox.note_refusal(str(error), now_ns)
            self._false_receipt = str(error)
