"""An incident: what people do about something, from the first word of it to its outcome."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.track import Count

IncidentKind = Literal["crossing", "approach", "civilians", "distress", "damage", "other"]
"""What it is held to be; `civilians` and `distress` have procedures of their own and are never a lesser crossing."""

IncidentState = Literal["open", "in_hand", "contact", "closed"]
"""Nobody has it yet, somebody is in charge, a patrol has met them, and it is over."""

IncidentHappening = Literal["opened", "taken", "handed_over", "met", "added", "closed", "reopened"]

Outcome = Literal["detained", "surrendered", "injured", "dead", "assisted", "released", "turned_back", "nobody_there"]

HazardKind = Literal["possible_explosive", "armed", "fire", "flood", "unsafe_ground", "sick", "other"]

Step = Literal[
    "keep_distance", "call_clearance", "look_again", "send_patrol", "send_medic", "give_water_and_shelter",
    "tell_other_side", "no_pursuit", "ask_how_many", "tell_commander", "record_handing_over", "search_surroundings",
]  # fmt: skip


class Hazard(Record):
    """What whoever goes there must know of first; `ended_ns` once somebody said that it is no more."""

    hazard_id: str
    kind: HazardKind
    note: str
    by: str
    time_ns: int
    position: Position | None = None
    ended_ns: int | None = None
    ended_by: str = ""


class Accounted(Record):
    """Some of those it is about, of whom it is known what became of them."""

    persons: Annotated[int, Meta(ge=1)]
    outcome: Outcome
    by: str
    time_ns: int
    note: str = ""


class Evidence(Record):
    """A file that belongs to the incident: where it lies under the site's folder, and what it was when it was added."""

    evidence_id: str
    path: str
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    kind: Literal["clip", "picture", "track", "document"]
    from_ns: int
    to_ns: int
    camera_id: str = ""


class Done(Record):
    """A step of the procedure that somebody has done, or, with a `reason`, has left out."""

    step: Step
    by: str
    time_ns: int
    reason: str = ""


class Note(Record):
    """What somebody wrote down."""

    text: Annotated[str, Meta(min_length=1)]
    by: str
    time_ns: int


class Incident(Record):
    """What people do about something.

    `expected` is how many people it is about, as far as anybody knows; `sought_reason` says why it was closed though
    some of them are still sought. `exercise` marks what was only played.
    """

    incident_id: str
    kind: IncidentKind
    state: IncidentState
    text: str
    opened_ns: int
    opened_by: str
    changed_ns: int
    exercise: bool = False
    in_charge: str = ""
    alarm_ids: tuple[str, ...] = ()
    position: Position | None = None
    expected: Count | None = None
    accounted: tuple[Accounted, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    done: tuple[Done, ...] = ()
    notes: tuple[Note, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    met_ns: int | None = None
    closed_ns: int | None = None
    sought_reason: str = ""
