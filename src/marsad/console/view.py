"""What of the desk each role sees."""

from typing import Final

import msgspec

from marsad.console.desk import Desk, Events, FeedMessage, Hello, Pulse, Told
from marsad.console.roles import at_least
from marsad.kernel.act import Person
from marsad.kernel.chain import StoredEvent
from marsad.kernel.desk import DeskState
from marsad.kernel.event import OVERSEEN, DispatchChanged, Event, IncidentChanged
from marsad.kernel.incident import Incident
from marsad.kernel.picture import Picture
from marsad.kernel.site import Site

OVERSIGHT: Final = "supervisor"
"""The least rank that sees who signed in, looked something up or was refused."""


def site_for(person: Person, site: Site) -> Site:
    """The site without where its pictures, terrain and base map come from; for a patrol the line alone."""
    if person.role == "patrol":
        return Site(name=site.name, organisation=site.organisation, origin=site.origin, lines=site.lines)
    cameras = tuple(msgspec.structs.replace(camera, source="") for camera in site.cameras)
    terrain = msgspec.structs.replace(site.terrain, files=())
    return msgspec.structs.replace(site, cameras=cameras, terrain=terrain, base_map="")


def state_for(person: Person, state: DeskState) -> DeskState:
    """The state; for a patrol its own orders, and of their incidents what whoever goes there must know."""
    if person.role != "patrol":
        return state
    dispatches = tuple(each for each in state.dispatches if each.patrol_id == person.patrol_id)
    own = {each.incident_id for each in dispatches}
    return DeskState(
        sequence=state.sequence,
        now_ns=state.now_ns,
        site_name=state.site_name,
        origin=state.origin,
        incidents=tuple(_as_ordered(each) for each in state.incidents if each.incident_id in own),
        dispatches=dispatches,
        patrols=tuple(each for each in state.patrols if each.patrol_id == person.patrol_id),
        picture=Picture(time_ns=state.picture.time_ns),
        exercise=state.exercise,
    )


def stored_for(person: Person, event: StoredEvent) -> bool:
    """Whether this person may see an entry of the log."""
    return at_least(person.role, OVERSIGHT) or not isinstance(event.event, OVERSEEN)


def view_of(person: Person) -> str:
    """The name of what this person sees of the feed: two with the same see the same, byte for byte."""
    if person.role == "patrol":
        return f"patrol {person.patrol_id}"
    return "all" if at_least(person.role, OVERSIGHT) else "desk"


def message_for(person: Person, message: FeedMessage, desk: Desk) -> FeedMessage | None:
    """A message of the feed as this person sees it, None where nothing of it is theirs.

    A patrol hears of what concerns it by a new `Hello`, which for a patrol is short.
    """
    if person.role == "patrol":
        return _for_patrol(person, message, desk)
    if isinstance(message, Events) and not at_least(person.role, OVERSIGHT):
        seen = tuple(told for told in message.events if not isinstance(told.event, OVERSEEN))
        return msgspec.structs.replace(message, events=seen) if seen else None
    return message


def _for_patrol(person: Person, message: FeedMessage, desk: Desk) -> FeedMessage | None:
    match message:
        case Hello():
            return Hello(sequence=message.sequence, state=state_for(person, message.state))
        case Events():
            state = desk.state()
            own = {each.incident_id for each in state.dispatches if each.patrol_id == person.patrol_id}
            if any(_concerns(told, person.patrol_id, own) for told in message.events):
                return Hello(sequence=state.sequence, state=state_for(person, state))
            return None
        case Pulse():
            return Pulse(sequence=message.sequence, now_ns=message.now_ns, figures=None, cameras=(), storage=None)
        case _:
            return None


def _concerns(told: Told, patrol_id: str, incidents: set[str]) -> bool:
    event: Event = told.event
    if isinstance(event, DispatchChanged):
        return event.dispatch.patrol_id == patrol_id
    return isinstance(event, IncidentChanged) and event.incident.incident_id in incidents


def _as_ordered(incident: Incident) -> Incident:
    """What whoever is sent there must know: what it is, where, how many, and what is dangerous."""
    return Incident(
        incident_id=incident.incident_id,
        kind=incident.kind,
        state=incident.state,
        text=incident.text,
        opened_ns=incident.opened_ns,
        opened_by="",
        changed_ns=incident.changed_ns,
        exercise=incident.exercise,
        in_charge=incident.in_charge,
        position=incident.position,
        expected=incident.expected,
        hazards=incident.hazards,
    )
