"""Which role may do what: the one place where that stands."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal, get_args

from marsad.coordinate.admission import ANSWERERS
from marsad.coordinate.admission import ROLES as SAYERS
from marsad.kernel.act import (
    AccountFor,
    Acknowledge,
    Act,
    AddAlarm,
    AddClip,
    AddHazard,
    AddNote,
    AnswerOrder,
    ApproveStatement,
    Assess,
    ChangeKind,
    CloseAlarm,
    CloseIncident,
    DoStep,
    DraftStatement,
    EditStatement,
    EndHazard,
    EndLesson,
    HandOverIncident,
    HoldAlarms,
    KeepPost,
    LookUp,
    MarkNuisance,
    MeetPeople,
    NoteShift,
    OpenIncident,
    Person,
    PersonAfterAll,
    RecallPatrol,
    ReleaseBeyond,
    ReleaseHold,
    ReleaseStatement,
    ReopenIncident,
    ReportPosition,
    ReportSighting,
    ResumeReleases,
    SayToPartner,
    SendPatrol,
    SetExercise,
    Shelve,
    StopReleases,
    TakeIncident,
    TakeShift,
    WithdrawStatement,
)
from marsad.kernel.dispatch import Dispatch
from marsad.kernel.role import Role

Rank = Literal["viewer", "operator", "supervisor", "administrator"]
"""Each may do what those before it may. A planner ranks with viewers here; a patrol has no rank."""

RANKS: Final[tuple[Rank, ...]] = get_args(Rank)

ACTS: Final[Mapping[type[Act], Rank]] = MappingProxyType(
    {
        Acknowledge: "operator",
        CloseAlarm: "operator",
        MarkNuisance: "operator",
        PersonAfterAll: "operator",
        EndLesson: "operator",
        Shelve: "operator",
        HoldAlarms: "supervisor",
        ReleaseHold: "operator",
        OpenIncident: "operator",
        TakeIncident: "operator",
        HandOverIncident: "operator",
        MeetPeople: "operator",
        AddAlarm: "operator",
        AddNote: "operator",
        ChangeKind: "operator",
        AddClip: "operator",
        AddHazard: "operator",
        EndHazard: "supervisor",
        DoStep: "operator",
        AccountFor: "operator",
        CloseIncident: "operator",
        ReopenIncident: "operator",
        SendPatrol: "operator",
        AnswerOrder: "operator",
        RecallPatrol: "operator",
        ReportPosition: "operator",
        Assess: "operator",
        LookUp: "viewer",
        SetExercise: "supervisor",
        TakeShift: "operator",
        NoteShift: "operator",
        ReportSighting: "operator",
        DraftStatement: "operator",
        EditStatement: "operator",
        ApproveStatement: "supervisor",
        ReleaseStatement: "supervisor",
        WithdrawStatement: "supervisor",
        StopReleases: "operator",
        ResumeReleases: "supervisor",
        ReleaseBeyond: "supervisor",
        KeepPost: "operator",
        SayToPartner: "operator",
    }
)
"""The least rank that may do each act.

What can hide something from everybody, or tells it to the world, asks for a supervisor: holding alarms back, ending a
hazard, an exercise, a statement's approval, telling a partner more than is agreed or telling it again.
"""

PATROL_ACTS: Final[Mapping[type[Act], str]] = MappingProxyType(
    {
        AnswerOrder: "its own orders, from its phone",
        ReportPosition: "its own position",
        ReportSighting: "as a patrol",
    }
)
"""What a patrol may do at its phone, and of whom."""

READS: Final[tuple[tuple[str, Rank, str], ...]] = (
    ("the desk's state and its change feed", "viewer", "its own orders and their incidents: text, place, hazards"),
    ("the site: line, zones, where cameras stand and look", "viewer", "its name and the line"),
    ("live pictures, film, map, presence, options, what a mark would teach", "viewer", ""),
    ("the past: events, the desk as it was", "viewer", ""),
    ("who signed in, looked something up or was refused", "supervisor", ""),
    ("accounts", "administrator", ""),
)
"""What may be read: the least rank, and what of it a patrol sees."""


PLANNER_ACTS: Final[Mapping[type[Act], str]] = MappingProxyType(
    {SayToPartner: "posts and rosters that both would agree upon: siting is a planner's work"}
)
"""What a planner may do beside what a viewer may, and of what."""


def at_least(role: Role, least: Rank) -> bool:
    """Whether a role may do what takes at least this rank; a planner ranks as a viewer, a patrol not at all."""
    if role == "patrol":
        return False
    rank: Rank = "viewer" if role == "planner" else role
    return RANKS.index(rank) >= RANKS.index(least)


def may(person: Person, act: Act, order: Callable[[str], Dispatch | None]) -> bool:
    """Whether this person may ask for this act; `order` finds an order by its number."""
    if person.role != "patrol":
        return at_least(person.role, ACTS[type(act)]) or (person.role == "planner" and _is_planned(act))
    if not person.patrol_id:
        return False
    match act:
        case AnswerOrder():
            asked = order(act.dispatch_id)
            return act.via == "phone" and asked is not None and asked.patrol_id == person.patrol_id
        case ReportPosition():
            return act.patrol_id == person.patrol_id
        case ReportSighting():
            return act.reporter_kind == "patrol"
        case _:
            return False


def _is_planned(act: Act) -> bool:
    return isinstance(act, SayToPartner) and "planner" in SAYERS.get(type(act.body), ())


def acts_of(role: Role) -> tuple[str, ...]:
    """The tags of the acts that a role may ask for."""
    more = PATROL_ACTS if role == "patrol" else PLANNER_ACTS if role == "planner" else {}
    return tuple(tag_of(act) for act, least in ACTS.items() if act in more or at_least(role, least))


def says_of(role: Role) -> tuple[str, ...]:
    """The tags of what a role may say to a partner, where the agreement allows it."""
    return tuple(str(body.__struct_config__.tag) for body, sayers in SAYERS.items() if role in sayers)


def answers_of(role: Role) -> tuple[str, ...]:
    """The tags of what opens the matters that a role may answer."""
    return tuple(str(body.__struct_config__.tag) for body, answerers in ANSWERERS.items() if role in answerers)


def tag_of(act: type[Act]) -> str:
    """What `type` says of an act on the wire."""
    return str(act.__struct_config__.tag)


def act_table() -> str:
    """The acts, the least rank each takes and what a patrol may do, as a Markdown table."""
    rows = [
        f"| `{tag_of(act)}` | {' '.join((act.__doc__ or '').split())} | {least} | {PATROL_ACTS.get(act, '-')} |"
        for act, least in ACTS.items()
    ]
    return "\n".join(["| act | what it says | at least | a patrol |", "|---|---|---|---|", *rows])


def read_table() -> str:
    """What may be read, as a Markdown table."""
    rows = [f"| {what} | {least} | {patrol or '-'} |" for what, least, patrol in READS]
    return "\n".join(["| what | at least | a patrol |", "|---|---|---|", *rows])
