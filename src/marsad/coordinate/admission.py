"""Who may say what: the rules that a message of either side is held against before it counts.

`fault_of` asks for the terms as they are when a message comes, and what it finds is told to the author. What
`reference_fault` finds follows from the messages alone: both sides find the same.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from marsad.coordinate.coarse import pieces
from marsad.coordinate.courses import COURSES, FINAL, may_say, until_of
from marsad.coordinate.phrases import lacking
from marsad.kernel.error import RefusedError
from marsad.kernel.joint import (
    Answer,
    Body,
    BodyRecord,
    Cells,
    Correction,
    CorridorNotice,
    CoverageOffer,
    Delivery,
    EmergencyNotice,
    HandoverOffer,
    IncidentProposal,
    JointKind,
    JointMessage,
    JointTerms,
    LookRequest,
    PostProposal,
    Recall,
    ReleasesOpened,
    RosterProposal,
    SlotClaim,
    SlotOffer,
    ThreadMessage,
)
from marsad.kernel.role import Role

SKEW_NS: Final = 5 * 60 * 1_000_000_000
"""So far a partner's clock may be ahead of ours."""

_OFFICERS: Final[frozenset[Role]] = frozenset({"supervisor", "administrator"})
_WATCH: Final[frozenset[Role]] = _OFFICERS | {"operator"}

ROLES: Final[Mapping[type[BodyRecord], frozenset[Role]]] = MappingProxyType(
    {
        ThreadMessage: _WATCH,
        Delivery: _WATCH,
        ReleasesOpened: _WATCH,
        HandoverOffer: _WATCH,
        LookRequest: _WATCH,
        Correction: _WATCH,
        IncidentProposal: _OFFICERS,
        CoverageOffer: _OFFICERS,
        PostProposal: _OFFICERS | {"planner"},
        RosterProposal: _OFFICERS | {"planner"},
        SlotOffer: _WATCH,
        SlotClaim: _WATCH,
        CorridorNotice: _WATCH,
        Recall: _WATCH,
        EmergencyNotice: _OFFICERS,
    }
)
"""Who of our own people may say it; what is not here nobody may."""

ANSWERERS: Final[Mapping[type[BodyRecord], frozenset[Role]]] = MappingProxyType(
    {
        IncidentProposal: _OFFICERS,
        PostProposal: _OFFICERS,
        RosterProposal: _OFFICERS,
        HandoverOffer: _WATCH,
        LookRequest: _WATCH,
        SlotOffer: _WATCH,
        SlotClaim: _WATCH,
        CorridorNotice: _WATCH,
        CoverageOffer: _OFFICERS,
        EmergencyNotice: _OFFICERS,
    }
)
"""Who of our own people may say what becomes of a matter, by what opened it."""

KINDS: Final[Mapping[type[BodyRecord], JointKind]] = MappingProxyType(
    {
        ThreadMessage: "words",
        IncidentProposal: "incident",
        HandoverOffer: "handover",
        LookRequest: "look",
        CoverageOffer: "coverage",
        PostProposal: "post",
        RosterProposal: "roster",
        SlotOffer: "roster",
        SlotClaim: "roster",
        CorridorNotice: "corridor",
        EmergencyNotice: "emergency",
    }
)
"""What an agreement must allow for it to be said; the rest narrows, or says how far something has come."""


def must_be_allowed(body: Body, opened: BodyRecord | None, role: Role) -> None:
    """Nothing, where somebody of this role may say this. Raises: RefusedError where not."""
    if isinstance(body, Answer) and opened is not None:
        allowed = ANSWERERS.get(type(opened), frozenset())
    else:
        allowed = ROLES.get(type(body), frozenset())
    if role not in allowed:
        who = ", ".join(sorted(allowed)) or "nobody"
        raise RefusedError(f"{named(body)}: {who} may say so, a {role} may not")


def not_agreed(body: BodyRecord, terms: JointTerms, stamp_ns: int) -> str:
    """Why the terms do not allow this to be said at that time; empty where they do.

    What takes something back, and what says how far something has come, needs no leave.
    """
    kind = KINDS.get(type(body))
    if kind is None:
        return ""
    if not terms.from_ns <= stamp_ns < terms.until_ns:
        return "the agreement is not in force at that time"
    return "" if kind in terms.kinds else f"the agreement does not allow {kind} to be said"


def fault_of(message: JointMessage, terms: JointTerms) -> str:
    """What is wrong with a message in itself; empty where nothing is."""
    if message.author not in {terms.ours, terms.theirs}:
        return f"{message.author} is no party to the agreement"
    if not message.time_ns <= message.stamp_ns <= message.time_ns + SKEW_NS:
        return "its stamp does not go with its clock"
    return next((fault for fault in _faults(message, terms) if fault), "")


def reference_fault(message: JointMessage, to: JointMessage) -> str:
    """What is wrong with a message that refers to another; empty where nothing is."""
    body = message.body
    if isinstance(body, Delivery):
        mine = message.author == to.author or isinstance(to.body, Delivery)
        return "nobody says of their own messages how far they have come, nor of receipts" if mine else ""
    if message.stamp_ns <= to.stamp_ns:
        return f"it is stamped before {to.message_id}, which it rests on"
    if message.exercise != to.exercise:
        return "what is played and what is real are kept apart"
    match body:
        case Answer():
            fault = _answer_fault(body, to, opener=message.author == to.author)
        case RosterProposal() | SlotOffer() | SlotClaim() if not isinstance(to.body, PostProposal):
            fault = f"{to.message_id} is no post"
        case ThreadMessage() if body.about == to.message_id and type(to.body) not in COURSES:
            fault = f"{to.message_id} is no joint matter"
        case _:
            fault = ""
    return fault


def references(body: BodyRecord) -> tuple[str, ...]:
    """The messages that one rests on: without them it means nothing."""
    if isinstance(body, ThreadMessage):
        return tuple(each for each in (body.about, body.reply_to) if each)
    if isinstance(body, Answer):
        return (body.about,)
    if isinstance(body, RosterProposal | SlotOffer | SlotClaim):
        return (body.post,)
    return body.of if isinstance(body, Delivery) else ()


def named(body: BodyRecord) -> str:
    """What a message is, for people."""
    return str(type(body).__struct_config__.tag).replace("_", " ")


def _answer_fault(body: Answer, to: JointMessage, *, opener: bool) -> str:
    course = COURSES.get(type(to.body))
    if course is None:
        return f"{to.message_id} is nothing that can be answered"
    if not may_say(course, body.says, opener=opener) or type(to.body) in FINAL:
        side = "the side that opened it" if opener else "the other side"
        return f"{body.says.replace('_', ' ')} is not for {side} to say of a {named(to.body)}"
    if (body.says == "seen") != (body.finding is not None):
        return "a finding goes with what was seen, and with nothing else"
    return ""


def _faults(message: JointMessage, terms: JointTerms) -> Iterator[str]:
    yield from (_cells_fault(cells, size_m) for cells, size_m in _cells_of(message.body, terms))
    yield from _time_faults(message, terms)
    match message.body:
        case ThreadMessage() as words:
            yield _words(words)
        case CoverageOffer() as offer:
            yield _coverage(offer, terms)
        case PostProposal() as post:
            yield _post(post, terms)
        case RosterProposal() as roster:
            yield _roster(roster, terms)


def _time_faults(message: JointMessage, terms: JointTerms) -> Iterator[str]:
    body, until_ns = message.body, until_of(message.body)
    from_ns = max(message.stamp_ns, getattr(body, "from_ns", 0))
    if until_ns is not None and until_ns <= from_ns:
        yield "it is over before it begins"
    if isinstance(body, EmergencyNotice) and body.until_ns > message.stamp_ns + terms.emergency_s * 1_000_000_000:
        yield f"an emergency lasts no longer than {terms.emergency_s} s"


def _cells_of(body: BodyRecord, terms: JointTerms) -> Iterator[tuple[Cells, int]]:
    """All ground that a message names, and how large the cells must be that it is told in."""
    finding = body.finding if isinstance(body, Answer) else None
    for holder in (body, finding):
        for name in ("cells", "covers"):
            cells = getattr(holder, name, None)
            if isinstance(cells, Cells):
                yield cells, terms.coverage_cell_m if isinstance(body, CoverageOffer | PostProposal) else terms.cell_m


def _cells_fault(cells: Cells, size_m: int) -> str:
    if cells.size_m != size_m:
        return f"this is told in cells of {size_m} m"
    return "" if len(set(cells.cells)) == len(cells.cells) else "a cell is named twice"


def _words(body: ThreadMessage) -> str:
    if bool(body.text.strip()) == (body.phrase is not None):
        return "a message is either words or a ready phrase"
    return "" if body.phrase is None else lacking(body.phrase)


def _coverage(body: CoverageOffer, terms: JointTerms) -> str:
    if all(len(piece) >= terms.least_cells for piece in pieces(body.cells.cells)):
        return ""
    return f"coverage is told as no fewer than {terms.least_cells} cells that hang together"


def _post(body: PostProposal, terms: JointTerms) -> str:
    if body.size_m != terms.cell_m:
        return f"a post is proposed in a cell of {terms.cell_m} m"
    named_once = len(set(body.manned_by)) == len(body.manned_by)
    known = set(body.manned_by) <= {terms.ours, terms.theirs}
    return "" if named_once and known else "a post is manned by one of the parties, or by both"


def _roster(body: RosterProposal, terms: JointTerms) -> str:
    ends = [0, *(slot.until_ns for slot in body.slots)]
    if any(not before <= slot.from_ns < slot.until_ns for before, slot in zip(ends, body.slots, strict=False)):
        return "the slots of a roster follow each other"
    known = {slot.party for slot in body.slots} <= {terms.ours, terms.theirs}
    return "" if known else "a slot is kept by one of the parties"
