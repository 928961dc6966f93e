"""What officers do about incidents, and what they may not: nobody is forgotten, and nothing is deleted.

`Incidents` turns officers' acts into events, and is itself nothing but what those events say: given the same events it
is the same again.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.event import IncidentChanged
from marsad.kernel.incident import (
    Accounted,
    Done,
    Evidence,
    Hazard,
    HazardKind,
    Incident,
    IncidentHappening,
    IncidentKind,
    IncidentState,
    Note,
    Outcome,
    Step,
)
from marsad.kernel.position import Position
from marsad.kernel.track import Count

TABLE: Final[Mapping[IncidentState, Mapping[IncidentHappening, IncidentState]]] = MappingProxyType(
    {
        "open": {"taken": "in_hand", "added": "open"},
        "in_hand": {"handed_over": "in_hand", "met": "contact", "added": "in_hand", "closed": "closed"},
        "contact": {"handed_over": "contact", "met": "contact", "added": "contact", "closed": "closed"},
        "closed": {"reopened": "in_hand"},
    }
)
"""For each state, what may happen to an incident that is in it, and the state it is in then."""

WHY_NOT: Final[Mapping[IncidentHappening, str]] = MappingProxyType(
    {
        "opened": "it was opened before",
        "taken": "somebody is in charge of it already: it can be handed over",
        "handed_over": "nobody is in charge of it who could hand it over",
        "met": "somebody must be in charge of it first",
        "added": "reopen it first",
        "closed": "somebody must be in charge of it first",
        "reopened": "it is not closed",
    }
)

PROCEDURES: Final[Mapping[IncidentKind, tuple[Step, ...]]] = MappingProxyType(
    {
        "crossing": ("look_again", "send_patrol", "search_surroundings", "record_handing_over"),
        "approach": ("look_again", "send_patrol"),
        "civilians": ("look_again", "no_pursuit", "ask_how_many", "give_water_and_shelter", "record_handing_over"),
        "distress": (
            "send_medic", "no_pursuit", "ask_how_many", "give_water_and_shelter", "tell_other_side", "tell_commander",
            "search_surroundings", "record_handing_over",
        ),
        "damage": ("look_again", "send_patrol"),
        "other": ("look_again",),
    }
)  # fmt: skip
"""The steps for each kind, in the order in which they are shown; each is done, or left out for a reason."""

_BY_HAZARD: Final[Mapping[HazardKind, tuple[Step, ...]]] = MappingProxyType(
    {"possible_explosive": ("keep_distance", "call_clearance", "tell_commander"), "sick": ("send_medic",)}
)
_TOGETHER: Final[frozenset[IncidentKind]] = frozenset({"civilians", "distress"})
"""Kinds of which nobody may be left unaccounted for without a search."""


def diagram() -> str:
    """The table as a Mermaid state diagram; ways that lead back to the same state are left out."""
    lines = ["stateDiagram-v2", "    [*] --> open: opened"]
    for state, ways in TABLE.items():
        lines += [f"    {state} --> {target}: {happening}" for happening, target in ways.items() if target != state]
    return "\n".join(lines)


def steps_of(incident: Incident) -> tuple[Step, ...]:
    """The steps of an incident: those that its hazards ask for before those of its kind."""
    standing = [hazard.kind for hazard in incident.hazards if hazard.ended_ns is None]
    first = [step for kind in standing for step in _BY_HAZARD.get(kind, ())]
    return tuple(dict.fromkeys([*first, *PROCEDURES[incident.kind]]))


def unaccounted(incident: Incident) -> int:
    """How many at the least nobody knows the fate of; those who turned out not to be there were accounted for."""
    least = 0 if incident.expected is None else incident.expected.low
    return max(least - sum(each.persons for each in incident.accounted), 0)


class Incidents:
    """All incidents of one site; every change is returned as the event that made it."""

    def __init__(self, events: Iterable[IncidentChanged] = ()) -> None:
        self._incidents: dict[str, Incident] = {}
        self._named = 0
        for event in events:
            self.apply(event)

    def apply(self, event: IncidentChanged) -> None:
        """Take in an event that was logged before."""
        self._named += event.incident.incident_id not in self._incidents
        self._incidents[event.incident.incident_id] = event.incident

    def restore(self, incidents: Iterable[Incident], named: int) -> None:
        """Go on from what there was at one moment; so many had been named, some of which may be left out."""
        self._incidents = {each.incident_id: each for each in incidents}
        self._named = named

    def incident(self, incident_id: str) -> Incident:
        """One incident. Raises InputError where there is none of that number."""
        incident = self._incidents.get(incident_id)
        if incident is None:
            raise InputError(f"there is no incident {incident_id}")
        return incident

    def standing(self) -> list[Incident]:
        """Those that are not closed: nobody in charge first, then the newest."""
        found = (incident for incident in self._incidents.values() if incident.state != "closed")
        return sorted(found, key=lambda each: (each.state != "open", -each.opened_ns, each.incident_id))

    def of_alarm(self, alarm_id: str) -> Incident | None:
        """The incident that an alarm belongs to: the one that stands, else the newest."""
        found = [each for each in self._incidents.values() if alarm_id in each.alarm_ids]
        return max(found, key=lambda each: (each.state != "closed", each.opened_ns), default=None)

    def _must_be_free(self, alarm_ids: Iterable[str], incident_id: str = "") -> None:
        """Nothing where no other incident that stands has one of these alarms. Raises RefusedError."""
        for alarm_id in alarm_ids:
            held = self.of_alarm(alarm_id)
            if held is not None and held.state != "closed" and held.incident_id != incident_id:
                raise RefusedError(f"alarm {alarm_id} belongs to incident {held.incident_id}, which still stands")

    def open(
        self, kind: IncidentKind, text: str, officer: str, now_ns: int, *, alarm_ids: Sequence[str] = (),
        position: Position | None = None, expected: Count | None = None, exercise: bool = False,
    ) -> IncidentChanged:  # fmt: skip
        """Open one, from alarms or by hand.

        Raises: RefusedError for no words, or for an alarm whose incident still stands.
        """
        _must_say(text, "what it is about")
        self._must_be_free(alarm_ids)
        incident = Incident(
            incident_id=f"I{self._named + 1}", kind=kind, state="open", text=text, opened_ns=now_ns,
            opened_by=officer, changed_ns=now_ns, exercise=exercise, alarm_ids=tuple(dict.fromkeys(alarm_ids)),
            position=position, expected=expected,
        )  # fmt: skip
        return self._tell(incident, "opened", officer, now_ns)

    def take(self, incident_id: str, officer: str, now_ns: int) -> IncidentChanged:
        """An officer is in charge of it from now on. Raises RefusedError where another one is."""
        return self._happen(self.incident(incident_id), "taken", officer, now_ns, in_charge=officer)

    def hand_over(self, incident_id: str, to: str, officer: str, now_ns: int) -> IncidentChanged:
        """Another one is in charge of it from now on. Raises RefusedError where nobody is yet."""
        _must_say(to, "who takes it")
        return self._happen(self.incident(incident_id), "handed_over", officer, now_ns, in_charge=to, reason=to)

    def meet(self, incident_id: str, expected: Count, officer: str, now_ns: int) -> IncidentChanged:
        """A patrol has met them, and says how many they are. Raises RefusedError where nobody is in charge."""
        incident = self.incident(incident_id)
        met_ns = now_ns if incident.met_ns is None else incident.met_ns
        return self._happen(incident, "met", officer, now_ns, expected=expected, met_ns=met_ns)

    def add_alarm(self, incident_id: str, alarm_id: str, officer: str, now_ns: int) -> IncidentChanged:
        """A further alarm is about the same. Raises RefusedError where it belongs to another one that still stands."""
        incident = self.incident(incident_id)
        self._must_be_free([alarm_id], incident_id)
        return self._add(incident, officer, now_ns, alarm_ids=tuple(dict.fromkeys([*incident.alarm_ids, alarm_id])))

    def note(self, incident_id: str, text: str, officer: str, now_ns: int) -> IncidentChanged:
        """Write something down."""
        _must_say(text, "what is to be noted")
        incident = self.incident(incident_id)
        noted = Note(text=text, by=officer, time_ns=now_ns)
        return self._add(incident, officer, now_ns, notes=(*incident.notes, noted))

    def change_kind(
        self, incident_id: str, kind: IncidentKind, officer: str, reason: str, now_ns: int
    ) -> IncidentChanged:
        """It is held to be something else, for a reason."""
        _must_say(reason, "why it is something else")
        return self._add(self.incident(incident_id), officer, now_ns, reason=reason, kind=kind)

    def add_evidence(self, incident_id: str, evidence: Evidence, officer: str, now_ns: int) -> IncidentChanged:
        """A file belongs to it. Raises RefusedError where that number is taken: evidence is never replaced."""
        incident = self.incident(incident_id)
        if any(each.evidence_id == evidence.evidence_id for each in incident.evidence):
            raise RefusedError(
                f"incident {incident_id} has evidence {evidence.evidence_id} already: it is not replaced"
            )
        return self._add(incident, officer, now_ns, evidence=(*incident.evidence, evidence))

    def add_hazard(
        self, incident_id: str, kind: HazardKind, note: str, officer: str, now_ns: int,
        *, position: Position | None = None,
    ) -> IncidentChanged:  # fmt: skip
        """Something that whoever goes there must know of first."""
        incident = self.incident(incident_id)
        hazard = Hazard(
            hazard_id=f"{incident_id}.{len(incident.hazards) + 1}", kind=kind, note=note, by=officer, time_ns=now_ns,
            position=position,
        )  # fmt: skip
        return self._add(incident, officer, now_ns, hazards=(*incident.hazards, hazard))

    def end_hazard(self, incident_id: str, hazard_id: str, officer: str, reason: str, now_ns: int) -> IncidentChanged:
        """A hazard is no more, and how that is known. Raises InputError where there is none of that number."""
        _must_say(reason, "how it is known that the danger is over")
        incident = self.incident(incident_id)
        if all(each.hazard_id != hazard_id or each.ended_ns is not None for each in incident.hazards):
            raise InputError(f"incident {incident_id} has no standing hazard {hazard_id}")
        hazards = tuple(
            msgspec.structs.replace(each, ended_ns=now_ns, ended_by=officer) if each.hazard_id == hazard_id else each
            for each in incident.hazards
        )
        return self._add(incident, officer, now_ns, reason=reason, hazards=hazards)

    def do(self, incident_id: str, step: Step, officer: str, now_ns: int, *, left_out: str = "") -> IncidentChanged:
        """A step of the procedure was done, or is left out for a reason. Raises RefusedError where it was before."""
        incident = self.incident(incident_id)
        if any(each.step == step for each in incident.done):
            raise RefusedError(f"{step.replace('_', ' ')} was done or left out before")
        done = Done(step=step, by=officer, time_ns=now_ns, reason=left_out)
        return self._add(incident, officer, now_ns, reason=left_out, done=(*incident.done, done))

    def account(
        self, incident_id: str, persons: int, outcome: Outcome, officer: str, now_ns: int, *, note: str = ""
    ) -> IncidentChanged:
        """What became of some of them. Raises InputError for less than one."""
        if persons < 1:
            raise InputError(f"persons = {persons}: at least one is accounted for")
        incident = self.incident(incident_id)
        found = Accounted(persons=persons, outcome=outcome, by=officer, time_ns=now_ns, note=note)
        return self._add(incident, officer, now_ns, accounted=(*incident.accounted, found))

    def close(
        self, incident_id: str, officer: str, now_ns: int, *, waiting: Iterable[str] = (), still_sought: str = ""
    ) -> IncidentChanged:
        """It is over.

        `waiting` are the alarms that nobody has acknowledged. Whoever is still sought keeps it open, unless it is said
        why the search is given up or handed on; of people in distress that is never enough.

        Raises: RefusedError, which says what is left to do.
        """
        incident = self.incident(incident_id)
        left = sorted(set(waiting) & set(incident.alarm_ids))
        if left:
            raise RefusedError(f"nobody has acknowledged its alarm {', '.join(left)}")
        missing = unaccounted(incident)
        if missing and (not still_sought.strip() or incident.kind in _TOGETHER):
            raise RefusedError(f"{missing} of them are not accounted for: say what became of them, or go on searching")
        if not incident.accounted and not missing:
            raise RefusedError("nothing says how it ended: say what became of them, or that nobody was there")
        undone = [step for step in steps_of(incident) if all(each.step != step for each in incident.done)]
        if undone:
            named = ", ".join(step.replace("_", " ") for step in undone)
            raise RefusedError(f"steps are neither done nor left out for a reason: {named}")
        return self._happen(
            incident, "closed", officer, now_ns, reason=still_sought, closed_ns=now_ns, sought_reason=still_sought
        )

    def reopen(self, incident_id: str, officer: str, reason: str, now_ns: int) -> IncidentChanged:
        """It is not over after all, and why; who reopens it is in charge.

        Raises: RefusedError where it is not closed, or one of its alarms belongs by now to another one that stands.
        """
        _must_say(reason, "why it is opened again")
        incident = self.incident(incident_id)
        self._must_be_free(incident.alarm_ids, incident_id)
        return self._happen(
            incident, "reopened", officer, now_ns, reason=reason, in_charge=officer, closed_ns=None,
            sought_reason="",
        )  # fmt: skip

    def _add(
        self, incident: Incident, officer: str, now_ns: int, *, reason: str = "", **changed: object
    ) -> IncidentChanged:
        return self._happen(incident, "added", officer, now_ns, reason=reason, **changed)

    def _happen(
        self, incident: Incident, happening: IncidentHappening, officer: str, now_ns: int, *, reason: str = "",
        **changed: object,
    ) -> IncidentChanged:  # fmt: skip
        state = TABLE[incident.state].get(happening)
        if state is None:
            named = incident.state.replace("_", " ")
            raise RefusedError(f"incident {incident.incident_id} is {named}: {WHY_NOT[happening]}")
        after = msgspec.structs.replace(incident, state=state, changed_ns=now_ns, **changed)
        return self._tell(after, happening, officer, now_ns, reason)

    def _tell(
        self, incident: Incident, happening: IncidentHappening, officer: str, now_ns: int, reason: str = ""
    ) -> IncidentChanged:
        _must_say(officer, "who does it")
        event = IncidentChanged(time_ns=now_ns, incident=incident, happening=happening, officer=officer, reason=reason)
        self.apply(event)
        return event


def _must_say(text: str, what: str) -> None:
    if not text.strip():
        raise RefusedError(f"say {what}")
