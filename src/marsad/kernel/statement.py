"""What is told outside about an incident: sentences that cite their facts, and who stands for them."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.record import Record

Language = Literal["ar", "ckb", "kmr", "en"]
"""Arabic, Sorani (Arabic script), Kurmanji (Latin script), English."""

FactKind = Literal[
    "seen", "crossed", "civilians", "distress", "sent", "arrived", "met", "accounted", "sought", "nobody", "hazard"
]

ExposedThing = Literal["camera", "post", "patrol", "means", "place", "source", "civilian"]
"""What a sentence would give away; `means` says how they were found, `source` who told of them."""

StatementState = Literal["draft", "approved", "released", "withdrawn"]

StatementHappening = Literal["drafted", "edited", "approved", "released", "withdrawn"]


class Fact(Record):
    """Something that the log says: of what kind, when, about how many, and the entries that say so.

    `persons` is 0 where it is about no number; `detail` is what became of them, or what the hazard is.
    """

    fact_id: str
    kind: FactKind
    time_ns: int
    sequences: Annotated[tuple[int, ...], Meta(min_length=1)]
    persons: int = 0
    at_least: bool = False
    detail: str = ""


class Sentence(Record):
    """A sentence and the facts it rests on; one without facts is an officer's own and says whose."""

    text: Annotated[str, Meta(min_length=1, max_length=2000)]
    facts: tuple[str, ...] = ()
    by: str = ""


class Exposure(Record):
    """What the sentence at a place, counted from 0, would give away, and the word that does."""

    sentence: int
    what: ExposedThing
    word: str


class Statement(Record):
    """What is told outside about an incident, in one language.

    `accepted` says why each exposure is accepted, once somebody approved it. Before `embargo_until_ns` it is not
    released. One of an `exercise` never is.
    """

    statement_id: str
    incident_id: str
    language: Language
    state: StatementState
    sentences: tuple[Sentence, ...]
    facts: tuple[Fact, ...]
    exposures: tuple[Exposure, ...]
    drafted_by: str
    drafted_ns: int
    exercise: bool = False
    approved_by: str = ""
    approved_ns: int | None = None
    accepted: str = ""
    embargo_until_ns: int | None = None
    released_ns: int | None = None
    replaces: str = ""
