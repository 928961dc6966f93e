"""What the log says of a partner: what they told, what they see of ours, and what was stopped or let through."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from marsad.coordinate.grid import centre_of, frame_at
from marsad.kernel.event import (
    DeskKept,
    EmergencyReleased,
    Event,
    JointHeard,
    JointSaid,
    LinkTurned,
    PartnerRefused,
    ReleaseHeard,
    ReleaseMade,
    ReleasesStopped,
    SeenByBothChanged,
    StreamBegun,
)
from marsad.kernel.joint import JointMessage, Recall
from marsad.kernel.partner import LinkShown, PartnerState, SeenByBoth, SharedThing, Stop
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.release import EmergencyAct, Release

REBASE: Final = 200
"""After so many new messages all of them are kept in one entry of the log again; until then only those that are new."""
REBASE_NS: Final = 6 * 3600 * 10**9
"""After so long too: what a keeping rests on is never much older than itself."""


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


class Mine(NamedTuple):
    """A release of ours, and our own name of what it is about."""

    release: Release
    subject_id: str = ""


class MessagesKept(NamedTuple):
    """What of the messages is kept in one entry: those since the entry `base` that has the rest, -1 for all of them."""

    messages: tuple[JointMessage, ...]
    base: int
    gone: dict[str, int]


class Arrived(NamedTuple):
    """How many things that came over the link have been taken in or refused, and which of its streams that was."""

    arrival: int
    epoch: int = 1


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
        self.revision = 0
        """Grows with every change of what stands."""
        self.gone: dict[str, int] = {}
        """Of each author, up to which place of what was said all that is not here was let go of."""
        self._posts: Mapping[str, Position] = facts.posts
        self._frame = frame_at(facts.anchor)
        self._theirs: dict[str, Release] = {}
        self._ours: dict[str, Mine] = {}
        self._emergencies: dict[str, EmergencyAct] = {}
        self._both: dict[tuple[str, str], SeenByBoth] = {}
        self._messages: dict[str, JointMessage] = {}
        self._spoken: dict[str, list[JointMessage]] = {}
        """The same by their authors, in the order of their places."""
        self._base, self._based_ns = -1, 0
        self._new: list[str] = []
        """The messages that the entry `base` of the log has not."""
        self._held_over = 0
        """So many of those are in the keeping of all messages that is being written."""

    def apply(self, event: Event) -> None:
        """Take in an event; most say nothing of a partner."""
        if self._hear(event) or self._change(event):
            self.revision += 1

    def _hear(self, event: Event) -> bool:
        """Take in what was told or said by either; whether the event is of that kind."""
        match event:
            case ReleaseHeard(release=release):
                follow(self._theirs, release)
            case ReleaseMade(release=release, subject_id=subject_id):
                self._told(release, subject_id)
            case JointSaid(message=message):
                self._said(message)
            case JointHeard(message=message):
                self._said(message)
                self._drop(event)
            case PartnerRefused():
                pass
            case _:
                return False
        if isinstance(event, ReleaseHeard | JointHeard | PartnerRefused):
            self.arrival = max(self.arrival, event.arrival)
        return True

    def _change(self, event: Event) -> bool:
        """Take in how things stand between the two; whether the event is of that kind."""
        match event:
            case StreamBegun(epoch=epoch):
                # What stood is told anew over the new stream; what is not told again does not stand any more.
                self.epoch, self.arrival = epoch, 0
                self._theirs.clear()
                self._ours.clear()
            case LinkTurned(state=state, reason=reason):
                self.link = LinkShown(state=state, reason=reason)
            case SeenByBothChanged(both=both, ended=ended):
                self._both.pop((both.subject_id, both.thing_id), None)
                if not ended:
                    self._both[both.subject_id, both.thing_id] = both
            case ReleasesStopped(stop=stop):
                self.stop = stop
            case EmergencyReleased(act=act):
                self._emergencies[act.act_id] = act
            case _:
                return False
        return True

    @property
    def messages(self) -> tuple[JointMessage, ...]:
        """All that both said and that was not let go of, in the order in which it was written down."""
        return tuple(self._messages.values())

    def know_posts(self, posts: Mapping[str, Position]) -> None:
        """Where posts stand that both know, by their names, is this from now on."""
        self._posts = posts
        self.revision += 1

    def said_after(self, author: str, sequence: int) -> list[JointMessage]:
        """What an author said after its place, in order."""
        spoken = self._spoken.get(author, [])
        return spoken[bisect_right(spoken, sequence, key=lambda each: each.sequence) :]

    def let_go(self, message_ids: Collection[str], gone: Mapping[str, int]) -> None:
        """Hold some messages no more."""
        for each in message_ids:
            if (message := self._messages.pop(each, None)) is not None:
                spoken = self._spoken[message.author]
                del spoken[bisect_left(spoken, message.sequence, key=lambda each: each.sequence)]
        self.gone = dict(gone)

    def keeping(self, now_ns: int) -> MessagesKept:
        """What of the messages is to be kept now; `kept` says where that was."""
        if self._base < 0 or len(self._new) > REBASE or now_ns - self._based_ns > REBASE_NS:
            self._held_over = len(self._new)
            return MessagesKept(self.messages, -1, self.gone)
        new = tuple(self._messages[each] for each in self._new if each in self._messages)
        return MessagesKept(new, self._base, self.gone)

    def kept(self, sequence: int, event: DeskKept) -> None:
        """An entry of the log keeps the messages."""
        if event.messages_from < 0:
            self._base, self._based_ns = sequence, event.time_ns
            del self._new[: self._held_over]
            self._held_over = 0

    def restore(
        self, state: PartnerState, kept: MessagesKept, arrived: Arrived, before: Sequence[JointMessage] = ()
    ) -> None:
        """Be what was kept; `before` are the messages of the entry that it rests on."""
        for each in (*before, *kept.messages):
            self._said(each)
        self._new = [each.message_id for each in kept.messages]
        self._base, self.gone = kept.base, dict(kept.gone)
        self.stop, self.link = state.stop, state.link
        self.arrival, self.epoch = arrived
        self._theirs = {each.release.thing_id: each.release for each in state.theirs}
        self._ours = {each.release.thing_id: Mine(each.release, each.subject_id) for each in state.ours}
        self._emergencies = {each.act_id: each for each in state.emergencies}
        self._both = {(each.subject_id, each.thing_id): each for each in state.both}

    def state(self, now_ns: int) -> PartnerState:
        """All of it as it is shown."""
        self._expire(now_ns)
        facts = self.facts
        return PartnerState(
            party_id=facts.party_id, name=facts.name, link=self.link, agreement_id=facts.agreement_id,
            version=facts.version, until_ns=facts.until_ns,
            theirs=tuple(self._shared(each) for _, each in sorted(self._theirs.items())),
            ours=tuple(self._shared(each, subject_id) for _, (each, subject_id) in sorted(self._ours.items())),
            stop=self.stop, emergencies=tuple(self._emergencies.values()),
            both=tuple(self._both[key] for key in sorted(self._both)),
        )  # fmt: skip

    def counts(self, now_ns: int) -> tuple[int, int]:
        """How much of theirs and of ours stands."""
        self._expire(now_ns)
        return len(self._theirs), len(self._ours)

    def _said(self, message: JointMessage) -> None:
        if message.message_id not in self._messages:
            self._messages[message.message_id] = message
            self._new.append(message.message_id)
            insort(self._spoken.setdefault(message.author, []), message, key=lambda each: each.sequence)

    def _drop(self, heard: JointHeard) -> None:
        """Show no more what the partner took back, whether or not the release that says so has come yet."""
        body = heard.message.body
        if isinstance(body, Recall) and not heard.refused:
            for thing_id in [name for name, each in self._theirs.items() if each.release_id in body.releases]:
                del self._theirs[thing_id]

    def _told(self, release: Release, subject_id: str) -> None:
        """Have what they see of ours follow one more release."""
        standing = {name: each.release for name, each in self._ours.items() if name == release.thing_id}
        follow(standing, release)
        self._ours.pop(release.thing_id, None)
        for name, each in standing.items():
            self._ours[name] = Mine(each, subject_id)

    def _expire(self, now_ns: int) -> None:
        """Let go of what is over by itself."""
        for name in list(self._expired(now_ns)):
            self.revision += 1
            for held in (self._theirs, self._ours, self._emergencies):
                held.pop(name, None)

    def _expired(self, now_ns: int) -> Iterator[str]:
        told = [*self._theirs.items(), *((name, each.release) for name, each in self._ours.items())]
        yield from (name for name, each in told if not each.counts_at(now_ns))
        yield from (name for name, act in self._emergencies.items() if act.until_ns <= now_ns)

    def _shared(self, told: Release, subject_id: str = "") -> SharedThing:
        """What was told, with the places on the earth that it names."""
        middle = self._posts.get(told.post_id) if told.cell is None else centre_of(self._frame, told.cell)
        places = tuple(centre_of(self._frame, cell) for cell in told.cells)
        return SharedThing(release=told, position=middle, places=places, subject_id=subject_id)


def follow(standing: dict[str, Release], release: Release) -> None:
    """Have what stands, by name, follow one more release: it is what was told last that counts."""
    before = standing.get(release.thing_id)
    if release.act == "recalled" and before is not None and before.release_id != release.replaces:
        return
    if release.act in {"ended", "recalled"}:
        standing.pop(release.thing_id, None)
    else:
        standing[release.thing_id] = release
