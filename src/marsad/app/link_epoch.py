"""The command `marsad keys epoch`: the streams to and from a partner begin anew, under a number both agreed on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from marsad.adapters.writing import replace_whole
from marsad.app.sharing import EPOCH, INBOX, LEDGER, OUTBOX, SAID, hold, kept_count, kept_ledger
from marsad.coordinate.cadence import Ledger
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.record import Record

_SIDES: Final = ("", "-wal", "-shm")
"""What SQLite keeps of one file."""


class EpochReport(Record):
    """Which streams go on from now, and where the files of those before are kept."""

    epoch: int
    kept: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0: done."""
        return 0

    def text(self) -> str:
        """The report for people."""
        lines = [f"epoch {self.epoch}: the partner must begin the same one, or its gateway refuses ours"]
        lines += [f"kept          {name}" for name in self.kept]
        return "\n".join(lines)


def begin_epoch(share: Path, now_ns: int, epoch: int | None = None, outbox: Path | None = None) -> EpochReport:
    """Set the streams of a partner's folder aside, which still verify, and begin the next ones; the station is down.

    Raises: InputError for a folder that is none, RefusedError for a number that is not above the last one,
    UnavailableError while a station shares out of it.
    """
    if not share.is_dir():
        raise InputError(f"{share}: no such folder; name the one that `marsad run --share` is given")
    held = hold(share)
    try:
        return _begin(share, now_ns, epoch, outbox or share / OUTBOX)
    finally:
        held.release()


def _begin(share: Path, now_ns: int, epoch: int | None, outbox: Path) -> EpochReport:
    before = kept_count(share / EPOCH, 1)
    following = before + 1 if epoch is None else epoch
    if following <= before:
        raise RefusedError(f"epoch {following}: streams of epoch {before} were begun here; agree on a higher number")
    files = [outbox, share / INBOX]
    stamp = f"{datetime.fromtimestamp(now_ns / 1e9, UTC):%Y%m%dT%H%M%SZ}"
    ledger = kept_ledger(share / LEDGER)
    kept = [_aside(file, f"epoch-{before}-{stamp}") for file in files if file.exists()]
    # What stands is told anew over the new stream, and all that was said said again: nobody knows what was lost. What
    # was taken back stays so.
    replace_whole(share / LEDGER, msgspec.msgpack.encode(Ledger(now_ns=ledger.now_ns, held=ledger.held)))
    (share / SAID).unlink(missing_ok=True)
    replace_whole(share / EPOCH, str(following).encode())
    return EpochReport(epoch=following, kept=tuple(kept))


def _aside(file: Path, word: str) -> str:
    target = file.with_name(f"{file.stem}-{word}{file.suffix}")
    for side in _SIDES:
        if Path(f"{file}{side}").exists():
            Path(f"{file}{side}").rename(f"{target}{side}")
    return str(target)
