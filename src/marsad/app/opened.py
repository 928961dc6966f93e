"""The command `marsad audit opened`: what was released, by whom and when it was opened, as one side's log has it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from marsad.adapters.sqlite import SqliteLogReader
from marsad.kernel.error import InputError
from marsad.kernel.event import Event, JointHeard, JointSaid, ReleaseHeard, ReleaseMade
from marsad.kernel.joint import JointMessage, ReleasesOpened
from marsad.kernel.record import Record


class Opened(Record):
    """One release: whether we told it, what it is of, and by whom and when it was first opened, if it was.

    `by` is a role where the partner opened it, and the name of our own officer where we did.
    """

    release_id: str
    told: Literal["by us", "to us"]
    item: str
    time_ns: int
    opened_ns: int | None = None
    by: str = ""


class OpenedReport(Record):
    """All releases of a log, in the order in which they were told."""

    log: str
    releases: tuple[Opened, ...]

    @property
    def exit_code(self) -> int:
        """0: the log was read."""
        return 0

    def text(self) -> str:
        """The report for people."""
        lines = [
            f"{_time(each.time_ns)}  told {each.told}  {each.item:9} {each.release_id[:8]}  "
            + ("not opened" if each.opened_ns is None else f"opened {_time(each.opened_ns)} by {each.by}")
            for each in self.releases
        ]
        opened = sum(each.opened_ns is not None for each in self.releases)
        return "\n".join([*lines, f"{opened} of {len(self.releases)} were opened"])


def opened(log: Path) -> OpenedReport:
    """What the log says was opened. Raises: InputError for a file that is no log."""
    if not log.is_file():
        raise InputError(f"{log}: no such file; name an events.sqlite")
    found: dict[str, Opened] = {}
    first: dict[str, tuple[int, str]] = {}
    with SqliteLogReader(log) as reader:
        for stored in reader.read(0, reader.head().length - 1):
            if stored.event is not None:
                _note(stored.event, found, first)
    releases = tuple(
        Opened(
            release_id=name, told=each.told, item=each.item, time_ns=each.time_ns,
            opened_ns=first[name][0] if name in first else None, by=first[name][1] if name in first else "",
        )
        for name, each in found.items()
    )  # fmt: skip
    return OpenedReport(log=str(log), releases=releases)


def _note(event: Event, found: dict[str, Opened], first: dict[str, tuple[int, str]]) -> None:
    match event:
        case ReleaseMade(release=told):
            found[told.release_id] = Opened(
                release_id=told.release_id, told="by us", item=told.item, time_ns=event.time_ns
            )
        case ReleaseHeard(release=told):
            found[told.release_id] = Opened(
                release_id=told.release_id, told="to us", item=told.item, time_ns=event.time_ns
            )
        case JointSaid(message=message, officer=officer):
            _open(message, officer, first)
        case JointHeard(message=message, refused=""):
            # Of their officers they tell the role alone.
            _open(message, message.by, first)
        case _:
            pass


def _open(message: JointMessage, by: str, first: dict[str, tuple[int, str]]) -> None:
    if isinstance(message.body, ReleasesOpened):
        for name in message.body.releases:
            first.setdefault(name, (message.time_ns, by))


def _time(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S}"
