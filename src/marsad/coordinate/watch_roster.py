"""Who keeps watch at a post that both sides man, and when nobody does.

A roster both agreed upon says who does. A later one stands for the earlier ones from its first slot to its last. A slot
that was taken over is its taker's; one that cannot be kept is nobody's until it is taken or claimed. Of two who claim
the same time it is whoever said so first, and the other stands by.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from marsad.kernel.joint import JointPost, JointThing, RosterProposal, SlotClaim, SlotOffer, WatchSlot


class _Said(NamedTuple):
    """All that was said of the watch at one post, each in the order both sides find."""

    rosters: list[RosterProposal]
    offers: list[tuple[str, SlotOffer, str]]
    """Who offers, what, and the state of the offer."""
    claims: list[tuple[str, SlotClaim]]


def watch(
    things: Iterable[JointThing], post: JointPost, parties: tuple[str, str], from_ns: int, until_ns: int
) -> tuple[WatchSlot, ...]:
    """Who keeps watch at a post over a span of time, without a break, one after the other."""
    said = _said(things, post)
    slots: list[WatchSlot] = []
    edges = _edges(said, from_ns, until_ns)
    for start, end in pairwise(edges):
        party, stands_by = _at(said, parties, start)
        last = slots[-1] if slots else None
        if last is not None and (last.party, last.stands_by) == (party, stands_by):
            slots[-1] = WatchSlot(from_ns=last.from_ns, until_ns=end, party=party, stands_by=stands_by)
        else:
            slots.append(WatchSlot(from_ns=start, until_ns=end, party=party, stands_by=stands_by))
    return tuple(slots)


def unwatched(slots: Iterable[WatchSlot]) -> tuple[WatchSlot, ...]:
    """The times when nobody keeps watch."""
    return tuple(slot for slot in slots if not slot.party)


def _said(things: Iterable[JointThing], post: JointPost) -> _Said:
    """What was said of the watch at a post and is not played."""
    said = _Said([], [], [])
    for thing in sorted(things, key=lambda each: each.opened.order):
        author, played = thing.opened.author, thing.opened.exercise
        match thing.opened.body:
            case RosterProposal(post=of) as roster if of in post.proposals and thing.state == "agreed" and not played:
                said.rosters.append(roster)
            case SlotOffer(post=of) as offer if of in post.proposals and not played:
                said.offers.append((author, offer, thing.state))
            case SlotClaim(post=of) as claim if of in post.proposals and thing.state != "ended" and not played:
                said.claims.append((author, claim))
    return said


def _edges(said: _Said, from_ns: int, until_ns: int) -> Sequence[int]:
    """Every moment at which somebody else may keep watch."""
    spans = [
        *((slot.from_ns, slot.until_ns) for roster in said.rosters for slot in roster.slots),
        *((offer.from_ns, offer.until_ns) for _, offer, _ in said.offers),
        *((claim.from_ns, claim.until_ns) for _, claim in said.claims),
    ]
    within = {edge for span in spans for edge in span if from_ns < edge < until_ns}
    return sorted({from_ns, until_ns, *within})


def _at(said: _Said, parties: tuple[str, str], time_ns: int) -> tuple[str, str]:
    """Who keeps watch at a moment, and who stands by."""
    party = owner = _rostered(said.rosters, time_ns)
    for author, offer, state in said.offers:
        if owner != author or not offer.from_ns <= time_ns < offer.until_ns:
            continue
        if state == "taken":
            party = owner = parties[1 - parties.index(author)]
        elif offer.cannot and state != "withdrawn":
            party = ""
    claimed = [author for author, claim in said.claims if claim.from_ns <= time_ns < claim.until_ns]
    ready = [author for author in dict.fromkeys(claimed) if author != party]
    if not party and ready:
        return ready[0], ready[1] if len(ready) > 1 else ""
    return party, ready[0] if ready else ""


def _rostered(rosters: Sequence[RosterProposal], time_ns: int) -> str:
    """Whose the moment is by the newest roster that spans it."""
    spanning = [each for each in rosters if each.slots[0].from_ns <= time_ns < each.slots[-1].until_ns]
    if not spanning:
        return ""
    return next((slot.party for slot in spanning[-1].slots if slot.from_ns <= time_ns < slot.until_ns), "")
