"""The command `marsad tak`: what was released to a partner without Marsad, as events on its TAK server.

It is the gateway of such a partner. It reads the station's outbox, in which there is nothing but releases under an
agreement that both signed, and has no way to anything else of the station; how its link stands lies in the spool, where
the station looks for it.
"""

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, Self

import structlog
from msgspec.structs import replace

from marsad.adapters.cot import cot_deletion, cot_event, cot_ping, has_place
from marsad.adapters.inbox import Spool
from marsad.adapters.outbox import OutboxReader
from marsad.adapters.tak_server import TakKeys, TakServer, tls_context
from marsad.app.agreement_file import read_signed
from marsad.app.outlet import BACK_OFF_S, NS, LinkNotes, not_told, parcels, rest
from marsad.app.systemd import tell_manager
from marsad.coordinate.agreement import refuse_unsigned
from marsad.coordinate.coarse import post_cell
from marsad.coordinate.grid import frame_at
from marsad.coordinate.release import read_release
from marsad.kernel.agreement import Agreement
from marsad.kernel.error import InputError, LinkRefusedError, MarsadError, UnavailableError
from marsad.kernel.parcel import Parcel
from marsad.kernel.record import Record
from marsad.kernel.release import Cell, Release

log = structlog.get_logger()
LOOK_S: Final = 0.2
PING_S: Final = 10.0
GREET_S: Final = 1.0
"""Servers need not answer a ping: one that has said nothing for so long has not turned us away."""
MOST: Final = 1000
"""So many things stand with the server at the most, and so many deletions wait; the oldest are let go of."""
BATCH: Final = 50
"""So many are sent before it is looked whether something newer has come."""
BACK: Final = 5000
"""So far back in the outbox it is looked, when it starts, for what still stands."""
CHUNK: Final = 500
STANDS_NS: Final = 300 * NS
AGAIN_NS: Final = 100 * NS
"""What stands until it is ended is said for five minutes, and again before they are over."""
DELETED_NS: Final = 600 * NS
"""For so long a deletion is said again on a new connection, for nobody knows what the old one lost."""


class TakSettings(Record):
    """Where things lie: `agreement` and `outbox` are read, `spool` is its own; and who the server is."""

    agreement: Path
    outbox: Path
    spool: Path
    server: tuple[str, int]
    keys: TakKeys


class TakBoard:
    """What should stand on the partner's maps, and what of it the server has still to be told: alarms, newest first."""

    def __init__(self, agreement: Agreement) -> None:
        self._agreement = agreement
        self._frame = frame_at(agreement.anchor)
        self._rules = {rule.rule_id: rule for rule in agreement.rules}
        self._standing: dict[str, Release] = {}
        self._gone: dict[str, tuple[Release, int]] = {}
        self._sent_ns: dict[str, int] = {}
        self._deleted: set[str] = set()

    def take(self, released: Release, told_ns: int) -> None:
        """Take in what was told, ended, corrected or taken back, and when; of another agreement's, nothing."""
        released = self._placed(released)
        if released.agreement_id != self._agreement.agreement_id or not (has_place(released) or _ends(released)):
            return
        thing_id = released.thing_id
        self._sent_ns.pop(thing_id, None)
        self._deleted.discard(thing_id)
        if _ends(released):
            before = self._standing.pop(thing_id, None)
            self._gone[thing_id] = before or released, told_ns
        else:
            self._standing.pop(thing_id, None)
            self._gone.pop(thing_id, None)
            self._standing[thing_id] = released
        self._let_go()

    def renew(self) -> None:
        """Forget what was sent, for there is a new connection: who knows what the server kept."""
        self._sent_ns.clear()
        self._deleted.clear()

    def due(self, now_ns: int) -> Iterator[tuple[str, bytes]]:
        """What the server is to be told now, each with its name: what is gone, alarms, all else, the newest first."""
        self._expire(now_ns)
        for thing_id, (released, _) in reversed(self._gone.items()):
            if thing_id not in self._deleted:
                yield thing_id, cot_deletion(released, now_ns)
        for released in sorted(self._standing.values(), key=_first):
            if self._sent_ns.get(released.thing_id, 0) + self._again_ns(released) <= now_ns:
                yield released.thing_id, cot_event(released, self._frame, self._stale_ns(released, now_ns))

    def sent(self, thing_id: str, now_ns: int) -> None:
        """The server was told of it."""
        if thing_id in self._gone:
            self._deleted.add(thing_id)
        else:
            self._sent_ns[thing_id] = now_ns

    def _expire(self, now_ns: int) -> None:
        """What nobody may be told any more, or has become old by itself, is gone."""
        for thing_id, (_, since_ns) in [*self._gone.items()]:
            if now_ns - since_ns > DELETED_NS:
                del self._gone[thing_id]
                self._deleted.discard(thing_id)
        for thing_id, released in [*self._standing.items()]:
            if self._stale_ns(released, now_ns) <= now_ns:
                del self._standing[thing_id]
                self._gone[thing_id] = released, now_ns

    def _placed(self, released: Release) -> Release:
        """A post that both agreed upon stands in the middle of a cell of what is said: its name says which."""
        cell = post_cell(released.post_id) if released.item == "post" else None
        if cell is None:
            return released
        size_m = self._agreement.joint.cell_m
        return replace(released, cell=Cell(east=cell[0], north=cell[1], size_m=size_m))

    def _stale_ns(self, released: Release, now_ns: int) -> int:
        """Until when it may be believed without another word."""
        ends = [self._agreement.until_ns]
        ends += [each for each in (released.expires_ns, released.until_ns) if each is not None]
        ends.append(now_ns + STANDS_NS if not self._moves(released) else released.time_ns + self._life_ns(released))
        return min(ends)

    def _life_ns(self, released: Release) -> int:
        """How long what moves is believed: until its next telling but one."""
        rule = self._rules[released.rule_id]
        return (rule.delay_s + rule.time_precision_s + max(2 * rule.every_s, rule.hold_s)) * NS

    def _again_ns(self, released: Release) -> int:
        """How long it need not be said again; what moves is told again by the station."""
        return 2**62 if self._moves(released) and released.thing_id in self._sent_ns else AGAIN_NS

    def _moves(self, released: Release) -> bool:
        return released.item in {"track", "group"} and released.rule_id in self._rules

    def _let_go(self) -> None:
        """Keep the bounds: what is least urgent, and then oldest, goes first."""
        while len(self._standing) > MOST:
            last = max(self._standing.values(), key=_first)
            del self._standing[last.thing_id]
            self._gone[last.thing_id] = last, last.time_ns
        while len(self._gone) > MOST:
            del self._gone[next(iter(self._gone))]


class Tak:
    """Keeps a TAK server told, for as long as it runs."""

    def __init__(self, settings: TakSettings, now_ns: Callable[[], int] = time.time_ns) -> None:
        """Read the agreement, and open the spool. Raises: InputError, RefusedError, UnavailableError."""
        signed = read_signed(settings.agreement)
        refuse_unsigned(signed)
        tls_context(settings.keys)
        self._settings = settings
        self._now_ns = now_ns
        self._agreement = signed.agreement
        self._board = TakBoard(signed.agreement)
        self._strange = ""
        self._stop = threading.Event()
        self._read = -1
        self._giver = ""
        self._spool = Spool(settings.spool)
        self.link = LinkNotes(self._spool, "tak", now_ns)

    def __enter__(self) -> Self:
        """Ready to run."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Release the spool; safe to call twice."""
        self.stop()
        self._spool.close()

    def stop(self) -> None:
        """Let `run` return."""
        self._stop.set()

    def run(self) -> None:
        """Connect, tell, and connect again after a while, until `stop` is called."""
        failures = 0
        while not self._stop.is_set():
            begun_s = time.monotonic()
            try:
                self._tell_on()
            except LinkRefusedError as error:
                self.link.happen("refused", str(error))
            except UnavailableError as error:
                self.link.happen("unreachable", str(error))
            except MarsadError as error:
                self.link.happen("refused", str(error))
            # A connection that held for a while has shown that the server is well.
            failures = 0 if time.monotonic() - begun_s > BACK_OFF_S[-1] else failures
            rest(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)], self._stop)
            failures += 1

    def _tell_on(self) -> None:
        """Tell the server over one connection, until it or the program ends. Raises: MarsadError."""
        with (
            OutboxReader(self._settings.outbox) as outbox,
            TakServer(self._settings.server, self._settings.keys) as server,
        ):
            self._greet(server)
            self._board.renew()
            ping_s = time.monotonic()
            while not self._stop.is_set():
                self._fetch(outbox)
                server.drain()
                behind = self._tell(server)
                if time.monotonic() - ping_s >= PING_S:
                    ping_s = time.monotonic()
                    server.send(cot_ping(self._giver or "station", self._now_ns()))
                    tell_manager("WATCHDOG=1")
                if fault := not_told(self._agreement, self._strange, self._now_ns()):
                    self.link.happen("refused", fault)
                else:
                    self.link.happen("behind" if behind else "whole", "told over TAK; a TAK server confirms nothing")
                if not behind:
                    self._stop.wait(LOOK_S)

    def _greet(self, server: TakServer) -> None:
        """Ask whether the server is there: one that turns our certificate away says so only after the handshake."""
        server.send(cot_ping(self._giver or "station", self._now_ns()))
        until_s = time.monotonic() + GREET_S
        while not server.drain() and time.monotonic() < until_s:
            self._stop.wait(0.02)

    def _tell(self, server: TakServer) -> bool:
        """Send a batch; whether more is due."""
        now_ns = self._now_ns()
        for count, (thing_id, data) in enumerate([*islice(self._board.due(now_ns), BATCH + 1)]):
            if count == BATCH:
                return True
            server.send(data)
            self._board.sent(thing_id, now_ns)
        return False

    def _fetch(self, outbox: OutboxReader) -> None:
        """Take in what the station has released since."""
        newest = outbox.newest()
        last = 0 if newest is None else newest.sequence
        if self._read < 0 or self._read > last:
            self._read = max(0, last - BACK)
        while self._read < last:
            upto = min(self._read + CHUNK, last)
            for parcel in parcels(outbox, self._read, upto):
                self._take(parcel)
            self._read = upto

    def _take(self, parcel: Parcel) -> None:
        """Take in a parcel, if it holds a release: what is said between stations is not for a map."""
        with contextlib.suppress(InputError):
            released = read_release(parcel.payload)
            self._giver = released.giver
            ours = released.agreement_id == self._agreement.agreement_id
            self._strange = "" if ours else released.agreement_id
            self._board.take(released, parcel.time_ns)


def run_tak(settings: TakSettings) -> None:
    """Run until the process is told to end. Raises: InputError, RefusedError, UnavailableError."""
    with Tak(settings) as tak:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: tak.stop())
        tell_manager("READY=1")
        log.info("tak_open", server=settings.server)
        tak.run()
        tell_manager("STOPPING=1")


def _ends(released: Release) -> bool:
    return released.act in {"ended", "recalled"}


def _first(released: Release) -> tuple[bool, bool, int]:
    """What goes first: alarms, then what was told beyond the rules, and of each the newest."""
    return released.item != "alarm", released.basis == "rule", -released.time_ns
