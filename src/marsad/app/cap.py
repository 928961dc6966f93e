"""The command `marsad cap`: what was released to a partner without Marsad, as CAP messages in a folder.

It is the gateway of such a partner, as `marsad tak` is: it reads the station's outbox, in which there is nothing but
releases under an agreement that both signed, and has no way to anything else of the station. Each message is dropped
into the folder once and whole, whatever is killed when: what is to be dropped is written beside, then noted in the
spool together with how far the outbox was read, and only then given its name.
"""

import contextlib
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple, Self

import msgspec

from marsad.adapters.cap_release import CapMessage, Happening, cap_alert, is_alert
from marsad.adapters.file_lock import FileLock
from marsad.adapters.inbox import Spool
from marsad.adapters.outbox import OutboxReader
from marsad.adapters.writing import write_refusal
from marsad.app.agreement_file import read_signed
from marsad.app.outlet import BACK_OFF_S, NS, LinkNotes, log, not_told, parcels, rest
from marsad.app.systemd import tell_manager
from marsad.coordinate.agreement import refuse_unsigned
from marsad.coordinate.release import read_release
from marsad.kernel.agreement import Agreement
from marsad.kernel.error import InputError, MarsadError, UnavailableError
from marsad.kernel.parcel import Checkpoint, Parcel
from marsad.kernel.record import Record
from marsad.kernel.release import Release

LOOK_S: Final = 0.2
CHUNK: Final = 100
"""So many parcels are read before what they say is dropped."""
BACK: Final = 5000
"""So far back in the outbox it is looked, when it runs for the first time, for what still stands."""
COUNTS_NS: Final = 3600 * NS
AGAIN_NS: Final = 2700 * NS
"""A message says to count for an hour; what stands for longer is said again before that is over."""
LIVES_NS: Final = 60 * NS
"""A station that added nothing for so long, not even the word that there is nothing, is not spoken for any more."""
KEPT_NS: Final = 24 * 3600 * NS
"""So long what is over is remembered, for it may still be taken back."""
MOST: Final = 1000
"""So many things are remembered at the most."""
MOST_FILES: Final = 10_000
"""With so many messages in the folder nobody seems to collect them, and no more are put there."""
PART: Final = ".part"


class CapSettings(Record):
    """Where things lie: `agreement` and `outbox` are read, `spool` is its own, and messages are dropped into `out`."""

    agreement: Path
    outbox: Path
    spool: Path
    out: Path


class CapThing(Record):
    """Something that was told: as it was last, and the messages about it; `over_ns` since when it is over, 0 before."""

    release: Release
    messages: tuple[CapMessage, ...] = ()
    over_ns: int = 0


class CapState(Record):
    """How far it is: which stream was read up to where, what is known of things, and which messages are being dropped.

    `stream` is empty before the first run.
    """

    stream: bytes = b""
    read: int = 0
    things: dict[str, CapThing] = msgspec.field(default_factory=dict)
    dropping: tuple[str, ...] = ()


class CapFile(NamedTuple):
    """One message, and the name it gets in the folder."""

    name: str
    data: bytes


class CapBoard:
    """What is known of things, and the messages that follow from what is told; it keeps no file and reads no clock."""

    def __init__(self, agreement: Agreement, things: dict[str, CapThing]) -> None:
        self._agreement = agreement
        self.things = dict(things)
        self.files: list[CapFile] = []
        """The messages to be dropped, in order."""
        self.strange: str | None = None
        """Which other agreement the last release was under; empty where it was this one, None before any."""

    def take(self, released: Release, told_ns: int, *, quiet: bool = False) -> None:
        """Take in what was told, ended, corrected or taken back, and when; `quiet` without a message."""
        if released.agreement_id != self._agreement.agreement_id:
            self.strange = released.agreement_id
            return
        self.strange = ""
        known = self.things.get(released.thing_id)
        if released.act in {"ended", "recalled"}:
            if known is not None and (released.act == "recalled" or not known.over_ns):
                self._end(released.thing_id, known, released.act, told_ns, quiet=quiet)
        elif is_alert(released) and not (
            known is not None and not known.over_ns and known.release.release_id == released.release_id
        ):
            self._tell(released, known, told_ns, quiet=quiet)

    def begin_anew(self, now_ns: int) -> None:
        """Cancel all that stands: the station's stream begins anew, and tells anew what still stands."""
        for name, known in self.things.items():
            if not known.over_ns:
                self._end(name, known, "ended", now_ns)
        self.things.clear()

    def renew(self, now_ns: int) -> None:
        """Say again what stands and would soon count no more, and for the first time what no message told of."""
        for name, known in [*self.things.items()]:
            last_ns = max((each.sent_ns for each in known.messages), default=0)
            if not known.over_ns and now_ns - last_ns >= AGAIN_NS:
                self._tell(known.release, known, now_ns)
            elif known.over_ns and now_ns - known.over_ns > KEPT_NS:
                del self.things[name]

    def _tell(self, released: Release, known: CapThing | None, now_ns: int, *, quiet: bool = False) -> None:
        before = () if known is None or known.over_ns else _counting(known.messages, now_ns)
        message = self._message(released, now_ns)
        said = () if quiet or message.expires_ns <= now_ns else (message,)
        if said:
            happening: Happening = "corrected" if released.act == "corrected" else "told"
            self._file(cap_alert(released, message, self._agreement, happening, before), message)
        self.things.pop(released.thing_id, None)
        self.things[released.thing_id] = CapThing(release=released, messages=(*before, *said))
        self._let_go()

    def _end(
        self, name: str, known: CapThing, happening: Happening, now_ns: int, *, quiet: bool = False
    ) -> None:  # fmt: skip
        if known.messages and not quiet:
            message = self._message(known.release, now_ns, "-over" if happening == "ended" else "-back")
            before = _counting(known.messages, now_ns)
            self._file(cap_alert(known.release, message, self._agreement, happening, before), message)
        self.things[name] = CapThing(release=known.release, messages=known.messages, over_ns=now_ns)

    def _message(self, released: Release, now_ns: int, ending: str = "") -> CapMessage:
        sent_ns = now_ns // NS * NS
        ends = [sent_ns + COUNTS_NS, self._agreement.until_ns // NS * NS]
        if released.expires_ns is not None and not ending:
            ends.append(released.expires_ns // NS * NS)
        identifier = f"marsad-{released.giver}-{released.release_id}-{sent_ns // NS}{ending}"
        return CapMessage(identifier=re.sub(r"[^\w.-]", "_", identifier), sent_ns=sent_ns, expires_ns=min(ends))

    def _file(self, data: bytes, message: CapMessage) -> None:
        sent = datetime.fromtimestamp(message.sent_ns // NS, tz=UTC)
        self.files.append(CapFile(f"{sent:%Y%m%dT%H%M%SZ}-{message.identifier}.xml", data))

    def _let_go(self) -> None:
        """Keep the bound: what is over goes first, then what is least urgent, and then oldest; its time runs out."""
        while len(self.things) > MOST:
            del self.things[max(self.things, key=lambda name: _last(self.things[name]))]


class Cap:
    """Keeps a folder told, for as long as it runs."""

    def __init__(self, settings: CapSettings, now_ns: Callable[[], int] = time.time_ns) -> None:
        """Read the agreement, and open the spool. Raises: InputError, RefusedError, UnavailableError."""
        signed = read_signed(settings.agreement)
        refuse_unsigned(signed)
        self._settings = settings
        self._now_ns = now_ns
        self._agreement = signed.agreement
        self._stop = threading.Event()
        with contextlib.ExitStack() as begun:
            self._lock = _locked(settings.spool)
            begun.callback(self._lock.release)
            self._spool = Spool(settings.spool)
            begun.callback(self._spool.close)
            self._state = _state_in(self._spool, settings.spool)
            begun.pop_all()
        self._settled = False
        self._strange = ""
        self.link = LinkNotes(self._spool, "cap", now_ns)

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
        self._lock.release()

    def stop(self) -> None:
        """Let `run` return."""
        self._stop.set()

    def run(self) -> None:
        """Drop what was told, for as long as nobody calls `stop`; what fails is tried again after a while."""
        failures = 0
        while not self._stop.is_set():
            try:
                behind = self.turn()
            except MarsadError as error:
                self.link.happen("unreachable" if isinstance(error, UnavailableError) else "refused", str(error))
                rest(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)], self._stop)
                failures += 1
                continue
            failures = 0
            tell_manager("WATCHDOG=1")
            if not behind:
                self._stop.wait(LOOK_S)

    def turn(self) -> bool:
        """Drop what was told since the last one; whether there is more. Raises: MarsadError."""
        self._settle()
        if self._full():
            self.link.happen("full", f"{MOST_FILES} messages lie in {self._settings.out}: does nobody collect them?")
            return False
        with OutboxReader(self._settings.outbox) as outbox:
            board, read, last = self._look(outbox)
            stream = outbox.stream
        if (stream, read) != (self._state.stream, self._state.read) or board.things != self._state.things:
            names = tuple(each.name for each in board.files)
            self._drop(board.files, CapState(stream=stream, read=read, things=board.things, dropping=names))
        self._strange = self._strange if board.strange is None else board.strange
        behind = read < last
        if fault := not_told(self._agreement, self._strange, self._now_ns()):
            self.link.happen("refused", fault)
            return behind
        said = f"dropped into {self._settings.out}; nobody confirms what lies in a folder"
        self.link.happen("behind" if behind else "whole", said)
        return behind

    def _look(self, outbox: OutboxReader) -> tuple[CapBoard, int, int]:
        """What follows from what is new in the outbox, up to where it was read, and where it ends."""
        now_ns, state = self._now_ns(), self._state
        board = CapBoard(self._agreement, state.things)
        newest = outbox.newest()
        last = 0 if newest is None else newest.sequence
        if not state.stream:
            # What was told and is over before anybody listened is nobody's concern.
            first = max(0, last - BACK)
            _take_all(board, parcels(outbox, first, last), quiet=True)
            read = last
        elif state.stream != outbox.stream:
            board.begin_anew(now_ns)
            read = 0
        else:
            # A store that was put back from a copy has less than was read of it.
            read = min(state.read + CHUNK, last)
            _take_all(board, parcels(outbox, min(state.read, last), read))
        if read == last and _lives(newest, now_ns):
            board.renew(now_ns)
        return board, read, last

    def _drop(self, files: Iterable[CapFile], state: CapState) -> None:
        """Write all beside, note it, and only then let them be seen."""
        out = self._settings.out
        try:
            for each in files:
                _write(out / f".{each.name}{PART}", each.data)
            self._settled = False
            self._spool.keep(msgspec.msgpack.encode(state))
        except OSError as error:
            raise write_refusal(out, error) from error
        self._state = state
        self._settle()

    def _settle(self) -> None:
        """Let those be seen that were noted, and remove what was written beside and was not."""
        if self._settled:
            return
        out = self._settings.out
        try:
            out.mkdir(parents=True, exist_ok=True)
            for name in self._state.dropping:
                # One that is not there any more was dropped before, and may have been collected.
                with contextlib.suppress(FileNotFoundError):
                    (out / f".{name}{PART}").replace(out / name)
            for left in out.glob(f".*.xml{PART}"):
                left.unlink(missing_ok=True)
            _sync(out)
        except OSError as error:
            raise write_refusal(out, error) from error
        self._settled = True

    def _full(self) -> bool:
        try:
            return sum(each.name.endswith(".xml") for each in os.scandir(self._settings.out)) >= MOST_FILES
        except OSError as error:
            self._settled = False
            raise write_refusal(self._settings.out, error) from error


def run_cap(settings: CapSettings) -> None:
    """Run until the process is told to end. Raises: InputError, RefusedError, UnavailableError."""
    with Cap(settings) as cap:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: cap.stop())
        tell_manager("READY=1")
        log.info("cap_open", out=str(settings.out))
        cap.run()
        tell_manager("STOPPING=1")


def _take_all(board: CapBoard, found: Iterable[Parcel], *, quiet: bool = False) -> None:
    """Take in the parcels that hold releases: what is said between stations is not for an alerting system."""
    for parcel in found:
        with contextlib.suppress(InputError):
            board.take(read_release(parcel.payload), parcel.time_ns, quiet=quiet)


def _lives(newest: Checkpoint | None, now_ns: int) -> bool:
    """Whether the station still says that it is there: what it does not stand by is not said again in its name."""
    return newest is not None and now_ns - newest.time_ns < LIVES_NS


def _counting(messages: tuple[CapMessage, ...], now_ns: int) -> tuple[CapMessage, ...]:
    """Those that still count, and the newest in any case."""
    return tuple(each for each in messages if each.expires_ns > now_ns) or messages[-1:]


def _last(thing: CapThing) -> tuple[bool, bool, bool, int]:
    """What is let go of first has the greatest."""
    told = thing.release
    return thing.over_ns > 0, told.item != "alarm", told.basis == "rule", -told.time_ns


def _locked(spool: Path) -> FileLock:
    """The spool for this process alone: two would drop everything twice. Raises: UnavailableError, InputError."""
    path = spool.with_name(spool.name + ".in-use")
    try:
        return FileLock(path, f"{spool}: process {{owner}} drops messages by this spool; stop it first")
    except OSError as error:
        raise write_refusal(path, error) from error


def _state_in(spool: Spool, path: Path) -> CapState:
    """How far it was when it last ran. Raises: InputError, UnavailableError."""
    kept = spool.kept()
    if kept is None:
        return CapState()
    try:
        return msgspec.msgpack.decode(kept, type=CapState)
    except msgspec.MsgspecError as error:
        raise InputError(f"{path}: cannot be read ({error}); move it away, and what stands is told anew") from error


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """See to it that the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
