"""Statements about incidents: drafted from facts alone, checked for what they give away, and stood for by a person.

`Statements` turns officers' acts into events, and is itself nothing but what those events say.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import Final

import msgspec

from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.event import StatementChanged
from marsad.kernel.site import Site
from marsad.kernel.statement import (
    ExposedThing,
    Exposure,
    Fact,
    FactKind,
    Language,
    Sentence,
    Statement,
    StatementHappening,
    StatementState,
)
from marsad.report.incident_record import IncidentRecord, RecordLine
from marsad.report.wording import FIRST, LAST, SENTENCES, persons

NS: Final = 1_000_000_000

TABLE: Final[Mapping[StatementState, Mapping[StatementHappening, StatementState]]] = MappingProxyType(
    {
        "draft": {"edited": "draft", "approved": "approved", "withdrawn": "withdrawn"},
        "approved": {"edited": "draft", "released": "released", "withdrawn": "withdrawn"},
        "released": {"withdrawn": "withdrawn"},
        "withdrawn": {},
    }
)
"""For each state, what may happen to a statement that is in it, and the state it is in then."""

MEANS: Final = (
    "camera", "thermal", "infrared", "tower", "drone", "radar", "sensor",
    "كاميرا", "كاميرات", "حراري", "برج", "أبراج", "مسيرة", "مسيّرة", "رادار", "مستشعر", "متحسس",
    "کامێرا", "گەرمی", "تاوەر", "بورج", "درۆن", "ڕادار", "هەستەوەر",
    "kamera", "termal", "birc", "dron", "radar", "hestker",
)  # fmt: skip
"""Words that tell how somebody was found."""

_STUCK_ON: Final = r"(?:(?:[وف]?(?:[بك]?ال|لل|[بكل])|[وف])?)"
"""What Arabic writes as one word with the next: and, so, by, as, for, the."""

_GRID: Final = re.compile(r"\b\d{1,2}[C-HJ-NP-X]\s?[A-HJ-NP-Z]{2}\s?\d{2,5}\s?\d{2,5}\b")
_DEGREES: Final = re.compile(r"[-+]?\d{1,3}[.,]\d{2,}\s*°?\s*[NSEWnsew]?\b(?:\s*[,;]\s*[-+]?\d{1,3}[.,]\d{2,})?")


def diagram() -> str:
    """The states as a Mermaid diagram, drawn from the table."""
    lines = ["stateDiagram-v2", "    [*] --> draft: drafted"]
    for state, ways in TABLE.items():
        lines += [f"    {state} --> {target}: {happening}" for happening, target in ways.items()]
    return "\n".join(lines)


def facts_of(record: IncidentRecord) -> tuple[Fact, ...]:
    """What the record lets be said, in order of time, each with the entries of the log that say so."""
    found = sorted(_found(record), key=lambda fact: fact.time_ns)
    return tuple(msgspec.structs.replace(fact, fact_id=f"F{i}") for i, fact in enumerate(found, start=1))


def _found(record: IncidentRecord) -> Iterator[Fact]:
    incident, lines = record.incident, record.lines
    opened = [line.sequence for line in lines if line.about == incident.incident_id and line.happening == "opened"]
    raised = [line for line in lines if line.happening == "raised"]
    first = min((line.time_ns for line in raised), default=incident.opened_ns)
    heads = 0 if incident.expected is None else incident.expected.low
    least = incident.expected is not None and incident.expected.low < incident.expected.high
    seen = tuple(line.sequence for line in raised) or tuple(opened)
    yield _fact("seen", first, seen, max(heads, 1), at_least=least or not heads)
    for alarm in record.alarms:
        own = tuple(line.sequence for line in lines if line.about == alarm.alarm_id)
        crossings = [met.time_ns for met in alarm.met if met.rule == "line_crossing"]
        if crossings and own:
            yield _fact("crossed", min(crossings), own[:1])
            break
    if incident.kind in {"civilians", "distress"}:
        yield _fact("distress" if incident.kind == "distress" else "civilians", incident.opened_ns + 1, tuple(opened))
    yield from _patrols(record)
    yield from _people(record, tuple(opened))
    for hazard in incident.hazards:
        if hazard.ended_ns is None:
            said = _at(lines, incident.incident_id, hazard.time_ns)
            yield _fact("hazard", hazard.time_ns, said, detail=hazard.kind)


def _patrols(record: IncidentRecord) -> Iterator[Fact]:
    """When the first patrol was sent, and when the first arrived."""
    orders = {each.dispatch_id for each in record.dispatches}
    kinds: tuple[tuple[str, FactKind], ...] = (("sent", "sent"), ("on_scene", "arrived"))
    for happening, kind in kinds:
        for line in record.lines:
            if line.about in orders and line.happening == happening:
                yield _fact(kind, line.time_ns, (line.sequence,))
                break


def _people(record: IncidentRecord, opened: tuple[int, ...]) -> Iterator[Fact]:
    """Who was met, what became of them, and who is still sought."""
    incident, lines = record.incident, record.lines
    met = [line for line in lines if line.about == incident.incident_id and line.happening == "met"]
    if met and incident.expected is not None:
        heads = incident.expected
        yield _fact("met", met[0].time_ns, (met[-1].sequence,), heads.low, at_least=heads.low < heads.high)
    known = 0
    for each in incident.accounted:
        said = _at(lines, incident.incident_id, each.time_ns)
        if each.outcome == "nobody_there":
            yield _fact("nobody", each.time_ns, said)
        else:
            yield _fact("accounted", each.time_ns, said, each.persons, detail=each.outcome)
        known += each.persons
    missing = (0 if incident.expected is None else incident.expected.low) - known
    if missing > 0:
        said = tuple(line.sequence for line in met[-1:]) or opened
        yield _fact("sought", incident.changed_ns, said, missing)


def _fact(
    kind: FactKind, time_ns: int, sequences: tuple[int, ...], heads: int = 0, *, at_least: bool = False,
    detail: str = "",
) -> Fact:  # fmt: skip
    return Fact(
        fact_id="", kind=kind, time_ns=time_ns, sequences=sequences, persons=heads, at_least=at_least, detail=detail
    )


def _at(lines: Sequence[RecordLine], about: str, time_ns: int) -> tuple[int, ...]:
    """The entries about something at a moment; what was logged has one."""
    return tuple(line.sequence for line in lines if line.about == about and line.time_ns == time_ns)


def sentences_of(facts: Iterable[Fact], language: Language, place: str, zone: tzinfo) -> tuple[Sentence, ...]:
    """The facts in words; `place` is what the ground may be called outside."""
    return tuple(Sentence(text=_said(fact, language, place, zone), facts=(fact.fact_id,)) for fact in facts)


def _said(fact: Fact, language: Language, place: str, zone: tzinfo) -> str:
    wording = SENTENCES[language]
    key = fact.detail if fact.kind == "accounted" else fact.kind
    if fact.persons == 1 and f"{key}_one" in wording:
        key = f"{key}_one"
    subject, other = persons(language, max(fact.persons, 1), at_least=fact.at_least)
    moment = datetime.fromtimestamp(fact.time_ns // NS, tz=zone)
    text = wording[key].format(
        date=f"{FIRST}{moment:%Y-%m-%d}{LAST}", time=f"{FIRST}{moment:%H:%M}{LAST}", persons=subject, persons_of=other,
        place=place,
    )  # fmt: skip
    return text[0].upper() + text[1:]


def exposures_of(sentences: Sequence[Sentence], site: Site, own_words: Mapping[str, ExposedThing]) -> list[Exposure]:
    """What the sentences would give away.

    Names of cameras are looked for, words that tell how somebody was found, coordinates, and `own_words`: names of
    posts, patrols, sources and people, each with what it would expose.
    """
    named: dict[str, ExposedThing] = dict.fromkeys(MEANS, "means")
    named.update({camera.id: "camera" for camera in site.cameras})
    named.update(own_words)
    found = []
    for place, sentence in enumerate(sentences):
        found += [
            Exposure(sentence=place, what=what, word=word)
            for word, what in named.items()
            if word and re.search(rf"(?<!\w){_STUCK_ON}{re.escape(word)}", sentence.text, re.IGNORECASE)
        ]
        for pattern in (_GRID, _DEGREES):
            found += [Exposure(sentence=place, what="place", word=hit[0]) for hit in pattern.finditer(sentence.text)]
    return found


class Statements:
    """All statements of one site; every change is returned as the event that made it."""

    def __init__(self, events: Iterable[StatementChanged] = ()) -> None:
        self._statements: dict[str, Statement] = {}
        self._named = 0
        for event in events:
            self.apply(event)

    def restore(self, statements: Iterable[Statement], named: int) -> None:
        """Go on from what there was at one moment; so many had been named, some of which may be left out."""
        self._statements = {each.statement_id: each for each in statements}
        self._named = named

    def apply(self, event: StatementChanged) -> None:
        """Take in an event that was logged before."""
        self._named += event.statement.statement_id not in self._statements
        self._statements[event.statement.statement_id] = event.statement

    def statement(self, statement_id: str) -> Statement:
        """One statement. Raises InputError where there is none of that number."""
        found = self._statements.get(statement_id)
        if found is None:
            raise InputError(f"there is no statement {statement_id}")
        return found

    def of_incident(self, incident_id: str) -> list[Statement]:
        """The statements about an incident, the newest first."""
        found = [each for each in self._statements.values() if each.incident_id == incident_id]
        return sorted(found, key=lambda each: (-each.drafted_ns, each.statement_id))

    def draft(
        self, record: IncidentRecord, language: Language, place: str, zone: tzinfo, site: Site,
        own_words: Mapping[str, ExposedThing], officer: str, now_ns: int,
    ) -> StatementChanged:  # fmt: skip
        """A draft of what the record lets be said. Raises RefusedError where nobody drafts it."""
        facts = facts_of(record)
        sentences = sentences_of(facts, language, place, zone)
        statement = Statement(
            statement_id=f"S{self._named + 1}", incident_id=record.incident.incident_id, language=language,
            state="draft", sentences=sentences, facts=facts,
            exposures=tuple(exposures_of(sentences, site, own_words)), drafted_by=officer, drafted_ns=now_ns,
            exercise=record.incident.exercise,
        )  # fmt: skip
        return self._tell(statement, "drafted", officer, now_ns)

    def edit(
        self, statement_id: str, sentences: Sequence[Sentence], site: Site, own_words: Mapping[str, ExposedThing],
        officer: str, now_ns: int,
    ) -> StatementChanged:  # fmt: skip
        """Other sentences. Those that cite no fact are the officer's own; whatever was approved is a draft again.

        Raises: InputError for a fact that is not among the statement's, RefusedError where nothing is left to say.
        """
        statement = self.statement(statement_id)
        known = {fact.fact_id for fact in statement.facts}
        for sentence in sentences:
            if unknown := sorted(set(sentence.facts) - known):
                raise InputError(f"statement {statement_id} has no fact {', '.join(unknown)}")
        if not sentences:
            raise RefusedError("a statement says something: withdraw it if there is nothing to say")
        signed = tuple(
            each if each.facts else msgspec.structs.replace(each, by=each.by or officer) for each in sentences
        )
        return self._happen(
            statement, "edited", officer, now_ns, sentences=signed,
            exposures=tuple(exposures_of(signed, site, own_words)), approved_by="", approved_ns=None, accepted="",
        )  # fmt: skip

    def approve(
        self, statement_id: str, officer: str, now_ns: int, *, accepted: str = "", embargo_until_ns: int | None = None
    ) -> StatementChanged:
        """A named person stands for it.

        Raises: RefusedError for whoever drafted it, and where it gives something away and nobody says why that may be.
        """
        statement = self.statement(statement_id)
        if officer == statement.drafted_by:
            raise RefusedError(f"{officer} drafted it: somebody else must read and approve it")
        if statement.exposures and not accepted.strip():
            words = ", ".join(sorted({f"{each.what} ({each.word})" for each in statement.exposures}))
            raise RefusedError(f"it gives away {words}: take that out, or say why it may be told")
        return self._happen(
            statement, "approved", officer, now_ns, reason=accepted, approved_by=officer, approved_ns=now_ns,
            accepted=accepted, embargo_until_ns=embargo_until_ns,
        )  # fmt: skip

    def release(self, statement_id: str, officer: str, now_ns: int) -> StatementChanged:
        """It is told. Raises RefusedError before its embargo ends, unapproved, or where it was only an exercise."""
        statement = self.statement(statement_id)
        if statement.exercise:
            raise RefusedError("it is about an exercise: it is never released as real")
        if statement.embargo_until_ns is not None and now_ns < statement.embargo_until_ns:
            raise RefusedError("its embargo has not ended")
        return self._happen(statement, "released", officer, now_ns, released_ns=now_ns)

    def withdraw(self, statement_id: str, officer: str, reason: str, now_ns: int) -> StatementChanged:
        """It is told no more, and why."""
        if not reason.strip():
            raise RefusedError("say why it is withdrawn")
        return self._happen(self.statement(statement_id), "withdrawn", officer, now_ns, reason=reason)

    def _happen(
        self, statement: Statement, happening: StatementHappening, officer: str, now_ns: int, *, reason: str = "",
        **changed: object,
    ) -> StatementChanged:  # fmt: skip
        state = TABLE[statement.state].get(happening)
        if state is None:
            raise RefusedError(f"statement {statement.statement_id} is {statement.state}: it cannot be {happening}")
        return self._tell(
            msgspec.structs.replace(statement, state=state, **changed), happening, officer, now_ns, reason
        )

    def _tell(
        self, statement: Statement, happening: StatementHappening, officer: str, now_ns: int, reason: str = ""
    ) -> StatementChanged:
        if not officer.strip():
            raise RefusedError("say who does it")
        event = StatementChanged(
            time_ns=now_ns, statement=statement, happening=happening, officer=officer, reason=reason
        )
        self.apply(event)
        return event
