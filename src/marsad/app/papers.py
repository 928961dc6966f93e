"""Records, briefs and statements made of a site's log, as data and on paper."""

from collections.abc import Iterator
from datetime import tzinfo
from typing import Protocol

from marsad.adapters.cap import cap_xml
from marsad.adapters.paper import brief_pdf, record_pdf, statement_pdf
from marsad.adapters.reporters import Reporters
from marsad.app.desk_feed import LEFT_OUT
from marsad.kernel.chain import StoredEvent
from marsad.kernel.desk import DeskState
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.event import AlarmChanged, DispatchChanged, IncidentChanged, StatementChanged
from marsad.kernel.port import EventLog
from marsad.kernel.site import Site
from marsad.kernel.statement import Language, Sentence, Statement
from marsad.report.brief import Brief, brief_of
from marsad.report.incident_record import IncidentRecord, record_of
from marsad.report.replay import newest_first
from marsad.report.statement import exposures_of

_CAP_ORDER: tuple[Language, ...] = ("ar", "ckb", "kmr", "en")


class Remembers(Protocol):
    """Whoever knows what the desk showed at a moment of the past, and what time it is there."""

    def now_ns(self) -> int:
        """The desk's time."""

    def state_at(self, time_ns: int) -> DeskState:
        """Everything as it was known then. Raises: InputError before the log's beginning."""


class Papers:
    """Implements `console.reports.Reports` on a log; `zone` is the time on paper."""

    def __init__(
        self, log: EventLog, desk: Remembers, site: Site, zone: tzinfo, reporters: Reporters | None = None
    ) -> None:
        self._log = log
        self._desk = desk
        self._site = site
        self._zone = zone
        self._reporters = reporters

    def record(self, incident_id: str) -> IncidentRecord:
        """The record of an incident. Raises: InputError where there is none."""
        return record_of(incident_id, reversed(list(self._of_incident(incident_id))))

    def record_pdf(self, incident_id: str, language: Language) -> bytes:
        """The same on paper. Raises: as `record` does."""
        return record_pdf(self.record(incident_id), language, self._zone)

    def brief(self, from_ns: int, to_ns: int) -> Brief:
        """What happened in a span of time. Raises: InputError where it ends before it begins."""
        if to_ns < from_ns:
            raise InputError("the span ends before it begins: give the earlier moment as `from`")
        try:
            before = self._desk.state_at(from_ns)
        except InputError:
            before = None
        entries = []
        for stored in newest_first(self._log, without=LEFT_OUT):
            if stored.time_ns < from_ns:
                break
            entries.append(stored)
        return brief_of(reversed(entries), from_ns, to_ns, before, self._zone)

    def brief_pdf(self, from_ns: int, to_ns: int, language: Language) -> bytes:
        """The same on paper. Raises: as `brief` does."""
        return brief_pdf(self.brief(from_ns, to_ns), language, self._zone)

    def statements(self, incident_id: str) -> list[Statement]:
        """The statements about an incident, the newest first."""
        found = [each for each in self._statements().values() if each.incident_id == incident_id]
        return sorted(found, key=lambda each: -each.drafted_ns)

    def statement_pdf(self, statement_id: str, place: str) -> bytes:
        """A statement on paper. Raises: InputError where there is none, and as `cap` does."""
        found = self._statements().get(statement_id)
        if found is None:
            raise InputError(f"there is no statement {statement_id}")
        self._refuse_told_place(place)
        return statement_pdf(found, place or self._site.name, self._zone)

    def cap(self, incident_id: str, place: str) -> bytes:
        """The newest statement in each language as a CAP message; `place` is a name.

        Raises: InputError where there is none, RefusedError for a place that gives something away.
        """
        self._refuse_told_place(place)
        newest: dict[Language, Statement] = {}
        for statement in reversed(self.statements(incident_id)):
            if statement.state != "withdrawn":
                newest[statement.language] = statement
        chosen = [newest[language] for language in _CAP_ORDER if language in newest]
        if not chosen:
            raise InputError(f"incident {incident_id} has no statement: draft one first")
        return cap_xml(chosen, sender=self._site.organisation, place=place, sent_ns=self._desk.now_ns())

    def _refuse_told_place(self, place: str) -> None:
        """Nothing for a place by its name: coordinates, and names of cameras, were approved by nobody."""
        given = exposures_of((Sentence(text=place, facts=()),), self._site, {})
        if given:
            raise RefusedError(f"the place gives away {given[0].word}: say it by a name that everybody knows")

    def reporter(self, number: str) -> str:
        """Who reported a sighting. Raises: InputError where nobody is kept under this number."""
        if self._reporters is None:
            raise InputError("nobody who reported is kept here")
        return self._reporters.read(number)

    def _of_incident(self, incident_id: str) -> Iterator[StoredEvent]:
        """What may belong to an incident, the newest first, back to when its first alarm was raised."""
        wanted: set[str] = set()
        opened = False
        for stored in newest_first(self._log, without=LEFT_OUT):
            event = stored.event
            if not isinstance(event, AlarmChanged | IncidentChanged | DispatchChanged):
                continue
            yield stored
            if isinstance(event, IncidentChanged) and event.incident.incident_id == incident_id:
                wanted |= set(event.incident.alarm_ids) if not opened else set()
                opened = opened or event.happening == "opened"
            elif isinstance(event, AlarmChanged) and event.happening == "raised":
                wanted.discard(event.alarm.alarm_id)
            if opened and not wanted:
                return

    def _statements(self) -> dict[str, Statement]:
        """All statements as they stand."""
        found: dict[str, Statement] = {}
        for stored in newest_first(self._log, without=LEFT_OUT):
            if isinstance(stored.event, StatementChanged):
                found.setdefault(stored.event.statement.statement_id, stored.event.statement)
        return found
