"""The command `marsad retain`: what is older than its kind may be kept is erased from a log, which still verifies."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, get_args

from marsad.adapters.sqlite import SqliteEventLog
from marsad.kernel.error import InputError
from marsad.kernel.event import (
    AccessLogged,
    AlarmChanged,
    AlertRaised,
    DeskKept,
    DispatchChanged,
    Event,
    IncidentChanged,
    JointHeard,
    JointSaid,
    LookedUp,
    LookTaken,
    PatrolPosition,
    PictureGroupChanged,
    PictureGroupPoint,
    PictureKept,
    PictureTrackLost,
    PictureTrackPoint,
    ReleaseHeard,
    ReleaseMade,
    SightingReported,
    StatementChanged,
    TrackConfirmed,
    TrackLost,
    TrackPoint,
)
from marsad.kernel.record import Record

DAY_NS: Final = 86_400 * 10**9

KINDS: Final[Mapping[str, tuple[type[Event], ...]]] = MappingProxyType(
    {
        "looks": (
            LookTaken, TrackPoint, TrackConfirmed, TrackLost, PictureTrackPoint, PictureTrackLost, PictureGroupPoint,
            PictureGroupChanged, PictureKept,
        ),
        "positions": (PatrolPosition,),
        "alarms": (AlertRaised, AlarmChanged),
        "incidents": (IncidentChanged, DispatchChanged, StatementChanged),
        "sightings": (SightingReported,),
        "partner": (ReleaseMade, ReleaseHeard, JointSaid, JointHeard),
        "access": (AccessLogged, LookedUp),
    }
)  # fmt: skip
"""What is kept for so long or so long, and the events that it is written in."""

_WHOLE: Final = (DeskKept, PictureKept)
"""These hold all that was known at a moment: older ones go with what is erased, the newest stays."""


class RetainReport(Record):
    """How much was erased of each kind, or would be, and the log's head after it."""

    log: str
    erased: dict[str, int]
    kept_open: int
    head: str
    dry_run: bool

    @property
    def exit_code(self) -> int:
        """0: done."""
        return 0

    def text(self) -> str:
        """The report for people."""
        verb = "would be erased" if self.dry_run else "erased"
        lines = [f"{count:8d} of {kind} {verb}" for kind, count in sorted(self.erased.items())]
        if self.kept_open:
            lines.append(f"{self.kept_open:8d} of incidents that are not closed are kept")
        return "\n".join([*(lines or ["nothing is older than may be kept"]), f"head: {self.head}"])


def parse_keep(texts: Sequence[str]) -> dict[str, float]:
    """KIND=DAYS, as a person writes it. Raises: InputError."""
    keep = {}
    for text in texts:
        kind, _, days = text.partition("=")
        try:
            keep[kind] = float(days)
        except ValueError as error:
            raise InputError(f"--keep {text}: write KIND=DAYS, such as looks=90") from error
        if kind not in KINDS or not 0 <= keep[kind] < float("inf"):
            raise InputError(f"--keep {text}: a kind is one of {', '.join(KINDS)}, and its days are no less than 0")
    return keep


def retain(log: Path, keep: Mapping[str, float], officer: str, now_ns: int, *, dry_run: bool = False) -> RetainReport:
    """Erase what is older than each kind may be kept; who had it done, and by which rule, is written down for each.

    What belongs to an incident that is not closed stays. Raises: InputError for a log that is none or is in use.
    """
    if not keep:
        raise InputError("nothing said to be kept for how long: --keep KIND=DAYS, such as --keep looks=90")
    if not officer.strip():
        raise InputError("--officer: who has it done")
    if not log.is_file():
        raise InputError(f"{log}: no such file; name an events.sqlite")
    with SqliteEventLog(log) as book:
        found = list(_old(book, keep, now_ns))
        due = {sequence: kind for sequence, kind, is_open in found if not is_open}
        if not dry_run:
            for sequence, kind in due.items():
                rule = f"{kind} kept for {keep[kind]:g} days"
                book.erase(sequence, rule=rule, officer=officer, time_ns=now_ns)
        head = book.head()
    return RetainReport(
        log=str(log), erased=dict(Counter(due.values())), kept_open=sum(is_open for *_, is_open in found),
        head=str(head), dry_run=dry_run,
    )  # fmt: skip


def _old(book: SqliteEventLog, keep: Mapping[str, float], now_ns: int) -> Iterator[tuple[int, str, bool]]:
    """What is too old: its place, its kind, and whether it belongs to an incident that is not closed."""
    newest: dict[type, int] = {}
    states: dict[str, str] = {}
    for each in book.read(without=_all_but(*_WHOLE, IncidentChanged)):
        if isinstance(each.event, IncidentChanged):
            states[each.event.incident.incident_id] = each.event.incident.state
        elif isinstance(each.event, _WHOLE):
            newest[type(each.event)] = each.sequence
    shortest = min(keep, key=lambda kind: keep[kind])
    wanted = [each for kind in keep for each in KINDS[kind]]
    for each in book.read(without=_all_but(DeskKept, *wanted)):
        kind = _kind_of(each.event, keep, shortest)
        if kind is None or each.time_ns > now_ns - keep[kind] * DAY_NS or newest.get(type(each.event)) == each.sequence:
            continue
        yield each.sequence, kind, states.get(_incident_of(each.event), "closed") != "closed"


def _all_but(*events: type[Event]) -> list[type[Event]]:
    """All other events that a log can hold: they need not be decoded."""
    return [each for each in get_args(Event) if each not in events]


def _kind_of(event: Event | None, keep: Mapping[str, float], shortest: str) -> str | None:
    """The kind that an event is kept as; what holds all of a moment is kept as the shortest."""
    if isinstance(event, DeskKept):
        return shortest
    return next((kind for kind in keep if isinstance(event, KINDS[kind])), None)


def _incident_of(event: Event | None) -> str:
    match event:
        case IncidentChanged(incident=incident):
            return incident.incident_id
        case DispatchChanged(dispatch=dispatch):
            return dispatch.incident_id
        case StatementChanged(statement=statement):
            return statement.incident_id
        case _:
            return ""
