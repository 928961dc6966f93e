"""What one side tells the other, under which rule, and why something was not told."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.alert import Priority, Rule
from marsad.kernel.incident import HazardKind, IncidentKind, IncidentState
from marsad.kernel.position import GroundCovariance, Position
from marsad.kernel.record import Record
from marsad.kernel.track import Kind

Item = Literal["track", "group", "alarm", "incident", "patrol", "sighting", "post"]
"""What a release is of."""

Field = Literal[
    "kind", "count", "heading", "alarm_rule", "priority", "direction", "incident_kind", "incident_state", "hazards",
    "shape", "velocity", "path", "certainty",
]  # fmt: skip
"""What may be told beside the place and the time; nothing is told that a rule does not name."""

OPEN_FIELDS: tuple[Field, ...] = ("shape", "velocity", "path", "certainty")
"""Fields that give away where a camera stands: no rule grants them where a distance is protected."""

Octant = Literal["n", "ne", "e", "se", "s", "sw", "w", "nw"]

ReleaseAct = Literal["told", "ended", "corrected", "recalled"]

Basis = Literal["rule", "handover_at_line", "life_at_risk"]
"""Why something is told: a rule allows it, or a named officer's emergency act does."""

WithheldReason = Literal[
    "not_in_force", "clock", "malformed", "unknown_item", "origin_unknown", "not_ours", "exercise", "own_patrol",
    "declared", "about_us", "no_rule", "priority", "no_place", "too_far", "outside", "off_ground", "not_confirmed",
    "not_seen", "too_vague", "too_long", "members_missing", "not_shared", "stale", "before_agreement", "too_soon",
    "taken_back",
]  # fmt: skip

PositiveInt = Annotated[int, Meta(ge=1)]
NonNegativeInt = Annotated[int, Meta(ge=0)]
Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\w.-]+$")]


class ReleaseRule(Record):
    """What one party tells the other of one sort of thing. What it leaves out is not told.

    The area is where every part of a cell lies within `near_line_m` of the agreement's line, and inside `polygon`, as
    far as the two are given; with neither there is no area. Places are told as cells of `precision_m`, times as the
    last multiple of `time_precision_s`, and `sigma_m` is what every item is said to be known within. Tracks and groups
    are told at multiples of `every_s` (0: as they come) once they have been there for `dwell_s`; one that was told is
    told on for `hold_s` after it was last seen. Nothing older than `oldest_s` is told. `posts` are those both know.
    """

    rule_id: Id
    giver: Id
    taker: Id
    items: tuple[Item, ...] = ()
    kinds: tuple[Kind, ...] = ()
    lowest_priority: Priority = "high"
    polygon: tuple[Position, ...] = ()
    near_line_m: PositiveInt | None = None
    precision_m: PositiveInt = 1000
    sigma_m: PositiveInt = 1000
    time_precision_s: PositiveInt = 60
    delay_s: NonNegativeInt = 0
    every_s: NonNegativeInt = 60
    dwell_s: NonNegativeInt = 0
    hold_s: NonNegativeInt = 120
    oldest_s: PositiveInt = 3600
    fields: tuple[Field, ...] = ()
    posts: tuple[Id, ...] = ()
    declared: bool = False
    clips: Literal["none", "alarms"] = "none"
    exercises: bool = False


class Cell(Record):
    """A square of the agreement's grid, counted east and north from its anchor."""

    east: int
    north: int
    size_m: PositiveInt


class Heads(Record):
    """How many there are, as one of few classes; `high` is None where the class has no end."""

    low: int
    high: int | None = None


class Release(Record):
    """What the partner is told, and nothing else.

    `thing_id` and `release_id` mean nothing outside the agreement. The thing was in `cell` within the rule's `hold_s`
    before `time_ns`; `cells` is all that a corridor passes. What was `corrected` or `recalled` is named by `replaces`.
    One beyond the rules says on which `basis`, and not to use it after `expires_ns`.
    """

    release_id: str
    agreement_id: str
    version: int
    rule_id: str
    giver: str
    taker: str
    item: Item
    thing_id: str
    time_ns: int
    act: ReleaseAct = "told"
    basis: Basis = "rule"
    exercise: bool = False
    replaces: str = ""
    expires_ns: int | None = None
    cell: Cell | None = None
    cells: tuple[Cell, ...] = ()
    sigma_m: int | None = None
    kind: Kind | None = None
    heads: Heads | None = None
    heading: Octant | None = None
    alarm_rule: Rule | None = None
    priority: Priority | None = None
    direction: Literal["inward", "outward"] | None = None
    incident_kind: IncidentKind | None = None
    incident_state: IncidentState | None = None
    hazards: tuple[HazardKind, ...] = ()
    post_id: str = ""
    watched: bool | None = None
    from_ns: int | None = None
    until_ns: int | None = None
    shape: GroundCovariance | None = None
    velocity_m_s: tuple[float, float] | None = None
    path: tuple[Cell, ...] = ()
    certainty: float | None = None
    clips: tuple[str, ...] = ()

    def counts_at(self, now_ns: int) -> bool:
        """Whether it says anything of a moment: neither has it expired, nor are a post's or a patrol's hours over."""
        ends = (self.expires_ns, self.until_ns)
        return all(end_ns is None or now_ns < end_ns for end_ns in ends)


class Withheld(Record):
    """Nothing was told, and why; this stays with the giver."""

    reason: WithheldReason


class PatrolCorridor(Record):
    """Where a patrol of our own will be, as a way and the time it is there."""

    patrol_id: Id
    points: Annotated[tuple[Position, ...], Meta(min_length=1)]
    time_ns: int
    from_ns: int
    until_ns: int


class PostWatch(Record):
    """Whether somebody keeps watch at a post, from when until when."""

    post_id: Id
    watched: bool
    time_ns: int
    from_ns: int
    until_ns: int


class EmergencyAct(Record):
    """A named officer's word that some things are told beyond the rules, why, and until when.

    `subject_ids` are our own names of tracks, groups, alarms, incidents and sightings. It may be made after a stop.
    """

    act_id: Id
    agreement_id: Id
    kind: Literal["handover_at_line", "life_at_risk"]
    officer: Annotated[str, Meta(min_length=1)]
    reason: Annotated[str, Meta(min_length=10)]
    subject_ids: Annotated[tuple[str, ...], Meta(min_length=1)]
    from_ns: int
    until_ns: int
    precision_m: Annotated[int, Meta(ge=10)] = 100
