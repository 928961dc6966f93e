"""What a log need not keep any longer: which entries that are, and their erasure, batch by batch.

The command `marsad retain` does it to the log of a station that is stopped, a running station at a quiet hour.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple, get_args

import msgspec

from marsad.adapters.sqlite import SqliteEventLog, SqliteLogReader
from marsad.kernel.desk import RetentionRun
from marsad.kernel.error import InputError
from marsad.kernel.event import (
    AccessLogged,
    AlarmChanged,
    AlertRaised,
    AlertWaits,
    DeskKept,
    DispatchChanged,
    Event,
    IncidentChanged,
    JointHeard,
    JointSaid,
    LessonChanged,
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
    RetentionRan,
    SightingReported,
    StatementChanged,
    TrackConfirmed,
    TrackLost,
    TrackPoint,
)
from marsad.kernel.record import Record

DAY_NS: Final = 86_400 * 10**9
AT_ONCE: Final = 200
"""So many entries are erased in one transaction: writers wait for one no longer than for a slow disk."""
SPAN: Final = 5_000
"""So many entries are looked through at once."""

KINDS: Final[Mapping[str, tuple[type[Event], ...]]] = MappingProxyType(
    {
        "looks": (
            LookTaken, TrackPoint, TrackConfirmed, TrackLost, PictureTrackPoint, PictureTrackLost, PictureGroupPoint,
            PictureGroupChanged, PictureKept,
        ),
        "positions": (PatrolPosition,),
        "alarms": (AlertRaised, AlarmChanged, AlertWaits, LessonChanged),
        "incidents": (IncidentChanged, DispatchChanged, StatementChanged),
        "sightings": (SightingReported,),
        "partner": (ReleaseMade, ReleaseHeard, JointSaid, JointHeard),
        "access": (AccessLogged, LookedUp),
    }
)  # fmt: skip
"""What is kept for so long or so long, and the events that it is written in."""

_WHOLE: Final = (DeskKept, PictureKept)
"""These hold all that was known at a moment: older ones go with what is erased, the newest stays."""
_NAMED: Final = (
    AlertRaised, AlarmChanged, IncidentChanged, DispatchChanged, StatementChanged, PictureTrackPoint,
    PictureGroupPoint,
)  # fmt: skip
"""What may belong to an incident."""


class Due(NamedTuple):
    """Entries of one kind that are too old, in order, and how many more stay for an incident that is not closed."""

    kind: str
    sequences: list[int]
    kept_open: int = 0


class Standing(NamedTuple):
    """What stays whatever its age: incidents that are not closed, what they cite, and the newest of what is whole."""

    incidents: frozenset[str] = frozenset()
    alarms: frozenset[str] = frozenset()
    alerts: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()
    entries: frozenset[int] = frozenset()
    newest: frozenset[int] = frozenset()

    def needs(self, event: Event | None) -> bool:
        """Whether an event belongs to an incident that is not closed."""
        match event:
            case IncidentChanged(incident=thing) | DispatchChanged(dispatch=thing) | StatementChanged(statement=thing):
                return thing.incident_id in self.incidents
            case AlarmChanged(alarm=alarm):
                return alarm.alarm_id in self.alarms
            case AlertRaised(alert=alert):
                return alert.alert_id in self.alerts
            case PictureTrackPoint(track=track):
                return not self.subjects.isdisjoint((track.track_id, track.group_id))
            case PictureGroupPoint(group=group):
                return group.group_id in self.subjects
            case _:
                return False


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
            lines.append(f"{self.kept_open:8d} of incidents that are not closed, or cited by them, are kept")
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


def rule_of(kind: str, days: float) -> str:
    """The rule by which something is erased, as the log says it."""
    return f"{kind} kept for {days:g} days"


def retain(
    log: Path, keep: Mapping[str, float], officer: str, now_ns: int, *, dry_run: bool = False,
    tell: Callable[[str], None] = lambda _: None,
) -> RetainReport:  # fmt: skip
    """Erase what is older than each kind may be kept; who had it done, and by which rule, is written down.

    What belongs to an incident that is not closed stays, and what such a one cites. `tell` hears how far it is.
    Raises: InputError for a log that is none or is in use.
    """
    if not keep:
        raise InputError("nothing said to be kept for how long: --keep KIND=DAYS, such as --keep looks=90")
    if not officer.strip():
        raise InputError("--officer: who has it done")
    if not log.is_file():
        raise InputError(f"{log}: no such file; name an events.sqlite")
    erased: Counter[str] = Counter()
    kept_open = told = 0
    run = RetentionRun(officer=officer, keep=dict(keep), begun_ns=now_ns)
    with SqliteEventLog(log) as book:
        length = book.head().length
        for each in due(book, keep, now_ns):
            if each.sequences and not dry_run:
                if not erased:
                    book.append([RetentionRan(time_ns=now_ns, run=run)])
                book.erase(each.sequences, rule=rule_of(each.kind, keep[each.kind]), officer=officer, time_ns=now_ns)
            erased[each.kind] += len(each.sequences)
            kept_open += each.kept_open
            if each.sequences and (done := 100 * each.sequences[-1] // length) > told:
                told = done
                tell(f"{told:3d} %: {erased.total()} entries")
        if not dry_run and erased.total():
            book.append([RetentionRan(time_ns=now_ns, run=run_after(run, erased, now_ns, done=True))])
            book.purge()
        head = book.head()
    return RetainReport(
        log=str(log), erased=dict(+erased), kept_open=kept_open, head=str(head), dry_run=dry_run
    )  # fmt: skip


def run_after(run: RetentionRun, erased: Mapping[str, int], now_ns: int, *, done: bool) -> RetentionRun:
    """A run as it stands when so much has been erased, and it is over for now."""
    counts = {kind: count for kind, count in erased.items() if count}
    return msgspec.structs.replace(run, ended_ns=now_ns, done=done, erased=counts)


def due(book: SqliteLogReader, keep: Mapping[str, float], now_ns: int) -> Iterator[Due]:
    """What is too old now, in portions of no more than `AT_ONCE` entries, in the order of the log for each kind.

    What was erased before is passed over, so that a run that was cut off goes on where it was. What holds all of a
    moment goes with the kind that is kept the shortest.
    """
    length = book.head().length
    standing = _standing(book)
    shortest = min(keep, key=lambda kind: keep[kind])
    for first in range(0, length, SPAN):
        last = min(first + SPAN, length) - 1
        for kind, days in keep.items():
            events = [*KINDS[kind], *([DeskKept] if kind == shortest else [])]
            old = set(book.find(events, now_ns - round(days * DAY_NS), first, last)) - standing.newest
            kept = _needed(book, old, standing) if old and standing.incidents else set()
            going = sorted(old - kept)
            portions = [going[place : place + AT_ONCE] for place in range(0, len(going), AT_ONCE)]
            yield from (Due(kind, portion) for portion in portions)
            if kept:
                yield Due(kind, [], len(kept))


def _needed(book: SqliteLogReader, old: Collection[int], standing: Standing) -> set[int]:
    """Those of some entries near each other that belong to an incident that is not closed."""
    named = book.read(min(old), max(old), without=_all_but(*_NAMED))
    found = {each.sequence for each in named if each.sequence in old and standing.needs(each.event)}
    return found | (standing.entries & set(old))


def _standing(book: SqliteLogReader) -> Standing:
    """What stays."""
    incidents: dict[str, tuple[str, ...]] = {}
    newest: dict[type[Event], int] = {}
    for each in book.read(without=_all_but(*_WHOLE, IncidentChanged)):
        match each.event:
            case IncidentChanged(incident=incident):
                incidents.pop(incident.incident_id, None)
                if incident.state != "closed":
                    incidents[incident.incident_id] = incident.alarm_ids
            case None:
                pass
            case whole:
                newest[type(whole)] = each.sequence
    whole_ones = frozenset(newest.values())
    if not incidents:
        return Standing(newest=whole_ones)
    return _cited(book, incidents, whole_ones)


def _cited(book: SqliteLogReader, incidents: Mapping[str, Sequence[str]], newest: frozenset[int]) -> Standing:
    """What incidents that are not closed cite: their alarms, what these rest on, and entries named in statements."""
    alarms = frozenset(alarm_id for cited in incidents.values() for alarm_id in cited)
    alerts: set[str] = set()
    subjects: set[str] = set()
    entries: set[int] = set()
    for each in book.read(without=_all_but(AlarmChanged, StatementChanged)):
        match each.event:
            case AlarmChanged(alarm=alarm) if alarm.alarm_id in alarms:
                alerts.update(met.alert_id for met in alarm.met)
                subjects.update((alarm.subject_id, *alarm.formerly))
            case StatementChanged(statement=statement) if statement.incident_id in incidents:
                entries.update(place for fact in statement.facts for place in fact.sequences)
            case _:
                pass
    return Standing(frozenset(incidents), alarms, frozenset(alerts), frozenset(subjects), frozenset(entries), newest)


def _all_but(*events: type[Event]) -> list[type[Event]]:
    """All other events that a log can hold: they need not be decoded."""
    return [each for each in get_args(Event) if each not in events]
