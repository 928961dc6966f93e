"""What the log says of a partner: what they told, what they see of ours, and what was stopped or let through."""

from collections.abc import Mapping, Sequence

import msgspec

from marsad.coordinate.grid import centre_of, frame_at
from marsad.kernel.event import (
    EmergencyReleased,
    Event,
    JointHeard,
    JointSaid,
    LinkTurned,
    PartnerRefused,
    ReleaseHeard,
    ReleaseMade,
    ReleasesStopped,
    StreamBegun,
)
from marsad.kernel.joint import JointBoard, JointMessage, Recall
from marsad.kernel.partner import LinkShown, PartnerState, SharedThing, Stop
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.release import EmergencyAct, Release


class PartnerFacts(Record):
    """What of an agreement a board must know to show what was released under it."""

    party_id: str
    name: str
    agreement_id: str
    version: int
    until_ns: int
    anchor: Position
    posts: dict[str, Position] = msgspec.field(default_factory=dict)
    """Where the posts stand that this side knows, by their names."""


class PartnerBoard:
    """One partner, after the events that were applied."""

    def __init__(self, facts: PartnerFacts) -> None:
        self.facts = facts
        self.stop: Stop | None = None
        self.link = LinkShown()
        self.arrival = 0
        """How many things that came over the link have been taken in or refused."""
        self.epoch = 1
        """Which streams these came over: a new one counts them anew."""
        self.posts: Mapping[str, Position] = facts.posts
        """Where posts stand that both know, by their names."""
        self._frame = frame_at(facts.anchor)
        self._theirs: dict[str, Release] = {}
        self._ours: dict[str, Release] = {}
        self._emergencies: dict[str, EmergencyAct] = {}
        self.joint: JointBoard | None = None
        """How all that was said stands, as whoever works that out has it."""
        self._messages: dict[str, JointMessage] = {}

    def apply(self, event: Event) -> None:
        """Take in an event; most say nothing of a partner."""
        match event:
            case ReleaseHeard(release=release, arrival=arrival):
                self.arrival = max(self.arrival, arrival)
                follow(self._theirs, release)
            case ReleaseMade(release=release):
                follow(self._ours, release)
            case JointSaid(message=message):
                self._messages.setdefault(message.message_id, message)
            case JointHeard(message=message, arrival=arrival):
                self.arrival = max(self.arrival, arrival)
                self._messages.setdefault(message.message_id, message)
                self._drop(event)
            case PartnerRefused(arrival=arrival):
                self.arrival = max(self.arrival, arrival)
            case StreamBegun(epoch=epoch):
                # What stood is told anew over the new stream; what is not told again does not stand any more.
                self.epoch, self.arrival = epoch, 0
                self._theirs.clear()
                self._ours.clear()
            case LinkTurned(state=state, reason=reason):
                self.link = LinkShown(state=state, reason=reason)
            case ReleasesStopped(stop=stop):
                self.stop = stop
            case EmergencyReleased(act=act):
                self._emergencies[act.act_id] = act
            case _:
                pass

    @property
    def messages(self) -> tuple[JointMessage, ...]:
        """All that both said, in the order in which it was written down."""
        return tuple(self._messages.values())

    def restore(self, state: PartnerState, messages: Sequence[JointMessage], arrival: int, epoch: int = 1) -> None:
        """Be what was kept."""
        self.joint = state.joint
        self._messages = {each.message_id: each for each in messages}
        self.stop, self.link, self.arrival = state.stop, state.link, arrival
        self.epoch = epoch
        self._theirs = {each.release.thing_id: each.release for each in state.theirs}
        self._ours = {each.release.thing_id: each.release for each in state.ours}
        self._emergencies = {each.act_id: each for each in state.emergencies}

    def state(self, now_ns: int) -> PartnerState:
        """All of it as it is shown."""
        facts = self.facts
        return PartnerState(
            party_id=facts.party_id, name=facts.name, link=self.link, agreement_id=facts.agreement_id,
            version=facts.version, until_ns=facts.until_ns, theirs=self._standing(self._theirs, now_ns),
            ours=self._standing(self._ours, now_ns), stop=self.stop,
            emergencies=tuple(each for each in self._emergencies.values() if now_ns < each.until_ns),
            joint=self.joint,
        )  # fmt: skip

    def _standing(self, told: dict[str, Release], now_ns: int) -> tuple[SharedThing, ...]:
        for thing_id in [name for name, each in told.items() if not each.counts_at(now_ns)]:
            del told[thing_id]
        return tuple(self._shared(each) for _, each in sorted(told.items()))

    def _shared(self, told: Release) -> SharedThing:
        """What was told, with the places on the earth that it names."""
        middle = self.posts.get(told.post_id) if told.cell is None else centre_of(self._frame, told.cell)
        places = tuple(centre_of(self._frame, cell) for cell in told.cells)
        return SharedThing(release=told, position=middle, places=places)

    def _drop(self, heard: JointHeard) -> None:
        """Show no more what the partner took back, whether or not the release that says so has come yet."""
        body = heard.message.body
        if isinstance(body, Recall) and not heard.refused:
            for thing_id in [name for name, each in self._theirs.items() if each.release_id in body.releases]:
                del self._theirs[thing_id]


def follow(standing: dict[str, Release], release: Release) -> None:
    """Have what stands, by name, follow one more release: it is what was told last that counts."""
    before = standing.get(release.thing_id)
    if release.act == "recalled" and before is not None and before.release_id != release.replaces:
        return
    if release.act in {"ended", "recalled"}:
        standing.pop(release.thing_id, None)
    else:
        standing[release.thing_id] = release
