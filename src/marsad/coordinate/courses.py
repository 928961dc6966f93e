"""What may become of joint matters, as one table for each course, and what becomes of acts that crossed on the way.

Whoever acts has not always heard what the other side did meanwhile. So the tables are made such that of two acts which
crossed it does not matter which is taken first: no clock decides anything here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from marsad.kernel.error import RefusedError
from marsad.kernel.joint import (
    BodyRecord,
    Correction,
    CorridorNotice,
    Course,
    CourseHappening,
    CourseState,
    CoverageOffer,
    EmergencyNotice,
    HandoverOffer,
    IncidentProposal,
    LookRequest,
    PostProposal,
    Recall,
    RosterProposal,
    SlotClaim,
    SlotOffer,
)

Side = Literal["opener", "other", "either", "nobody"]
"""Who may say so: the side that opened the matter, the other one, both; or it comes with time."""

Table = Mapping[CourseState, Mapping[CourseHappening, CourseState]]

START: Final[Mapping[Course, CourseState]] = MappingProxyType(
    {"proposal": "proposed", "offer": "offered", "request": "asked", "notice": "standing"}
)

TABLES: Final[Mapping[Course, Table]] = MappingProxyType(
    {
        "proposal": {
            "proposed": {"accepted": "agreed", "declined": "declined", "withdrawn": "withdrawn"},
            "agreed": {"ended": "ended"},
            "declined": {"accepted": "agreed", "withdrawn": "withdrawn"},
            "withdrawn": {},
            "ended": {},
        },
        "offer": {
            "offered": {
                "received": "received", "taken": "taken", "declined": "declined", "withdrawn": "withdrawn",
                "expired": "expired",
            },
            "received": {"taken": "taken", "declined": "declined", "withdrawn": "withdrawn", "expired": "expired"},
            "taken": {},
            "declined": {},
            "withdrawn": {},
            "expired": {},
        },
        "request": {
            "asked": {
                "accepted": "looking", "seen": "answered", "nothing_seen": "answered", "could_not": "answered",
                "declined": "declined", "withdrawn": "withdrawn", "expired": "expired",
            },
            "looking": {
                "seen": "answered", "nothing_seen": "answered", "could_not": "answered", "withdrawn": "withdrawn",
                "expired": "expired",
            },
            "answered": {"seen": "answered", "nothing_seen": "answered", "could_not": "answered"},
            "declined": {},
            "withdrawn": {},
            "expired": {"seen": "answered", "nothing_seen": "answered", "could_not": "answered"},
        },
        "notice": {"standing": {"ended": "ended", "expired": "expired"}, "ended": {}, "expired": {}},
    }
)  # fmt: skip
"""For each course and state, what may be said of a matter that is in it, and the state it is in then."""

CROSSED: Final[Mapping[Course, Table]] = MappingProxyType(
    {
        "proposal": {
            "agreed": {"withdrawn": "withdrawn"},
            "ended": {"withdrawn": "withdrawn"},
        },
        "offer": {
            "declined": {"withdrawn": "withdrawn"},
            "withdrawn": {"taken": "taken"},
        },
        "request": {
            "declined": {"withdrawn": "withdrawn"},
            "withdrawn": {"seen": "answered", "nothing_seen": "answered", "could_not": "answered"},
        },
        "notice": {},
    }
)
"""What cannot be said any more and yet counts, because whoever said it could not know better.

Nothing is agreed that its proposer withdrew. What was taken stays taken though the offer was withdrawn: somebody
follows it, and two who do harm nobody. What was looked for is told though nobody asks any more.
"""

SIDES: Final[Mapping[Course, Mapping[CourseHappening, Side]]] = MappingProxyType(
    {
        "proposal": {"accepted": "other", "declined": "other", "withdrawn": "opener", "ended": "either"},
        "offer": {
            "received": "other", "taken": "other", "declined": "other", "withdrawn": "opener", "expired": "nobody",
        },
        "request": {
            "accepted": "other", "seen": "other", "nothing_seen": "other", "could_not": "other", "declined": "other",
            "withdrawn": "opener", "expired": "nobody",
        },
        "notice": {"ended": "opener", "expired": "nobody"},
    }
)  # fmt: skip

COURSES: Final[Mapping[type[BodyRecord], Course]] = MappingProxyType(
    {
        IncidentProposal: "proposal",
        PostProposal: "proposal",
        RosterProposal: "proposal",
        HandoverOffer: "offer",
        SlotOffer: "offer",
        LookRequest: "request",
        CoverageOffer: "notice",
        SlotClaim: "notice",
        CorridorNotice: "notice",
        EmergencyNotice: "notice",
        Recall: "notice",
        Correction: "notice",
    }
)
"""The course of every message that opens a matter; the others open none."""

FINAL: Final[frozenset[type[BodyRecord]]] = frozenset({Recall, Correction})
"""Notices that are never ended: what was wrong stays wrong."""


def until_of(body: BodyRecord) -> int | None:
    """Until when it counts by itself; None for what has no end."""
    if isinstance(body, HandoverOffer | LookRequest | SlotOffer | SlotClaim | CorridorNotice | EmergencyNotice):
        return body.until_ns
    return None


def may_say(course: Course, says: CourseHappening, *, opener: bool) -> bool:
    """Whether the side that opened a matter, or the other one, is the one to say so."""
    return SIDES[course].get(says) in {"either", "opener" if opener else "other"}


def after(course: Course, state: CourseState, says: CourseHappening) -> CourseState | None:
    """The state after something was said, also by somebody who could not know better; None where it changes nothing."""
    ways = {**CROSSED[course].get(state, {}), **TABLES[course][state]}
    return ways.get(says)


def must_be_possible(course: Course, state: CourseState, says: CourseHappening) -> None:
    """Nothing, where it may be said now by somebody who knows the state. Raises: RefusedError where not."""
    if says not in TABLES[course][state]:
        possible = ", ".join(TABLES[course][state]) or "nothing more"
        raise RefusedError(f"it is {state}: {says.replace('_', ' ')} cannot be said then, but {possible}")


def diagram(course: Course) -> str:
    """A course as a Mermaid state diagram: ways of acts that crossed are dotted in words, loops are left out."""
    lines = ["stateDiagram-v2", f"    [*] --> {START[course]}"]
    for table, note in ((TABLES[course], ""), (CROSSED[course], " (crossed)")):
        for state, ways in table.items():
            for says, then in ways.items():
                if then != state:
                    lines.append(f"    {state} --> {then}: {says}{note}")
    return "\n".join(lines)
