"""The joint picture: our own with what the partner told of things that move, each thing once and with its origin.

Our own picture is an input and never changed; nothing of the joint one is told on, and no alarm is made of it. Heads
are matched with heads and parties with parties: the partner tells of a group and of those in it apart.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

import msgspec

from marsad.console.partner_board import PartnerFacts
from marsad.coordinate.reconcile import Reconciler, ReconcileSettings
from marsad.fuse.combine import CombineSettings, Joint, Link, foreign
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.joint import JointThing
from marsad.kernel.partner import SeenByBoth
from marsad.kernel.partner_track import PartnerTrack
from marsad.kernel.picture import Picture, PictureGroup, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState
from marsad.kernel.release import Heads, Item, Release, ReleaseRule
from marsad.kernel.track import Count

AGEING: Final = ReconcileSettings()
MATCHING: Final = CombineSettings(gate2=6.0, hold2=13.8, sticky2=2.0, kept_s=AGEING.kept_s)
"""Of what is told within cells nineteen in twenty lie so near; a thing held to be ours is let go of where one in a
thousand would be. Neither keeps a word for longer than the other."""
_MOVING: Final[tuple[Item, ...]] = ("track", "group")

Linked = Mapping[tuple[str, str], SeenByBoth]


class Joined(NamedTuple):
    """The joint picture of a moment, and what in it both sides see, by our name and theirs."""

    picture: Picture
    both: Linked


class _Layer:
    """What was told of things of one sort, real or played, and how it goes with ours."""

    def __init__(self, organisation: str, facts: PartnerFacts, frame: EnuFrame, *, exercise: bool) -> None:
        self.theirs = Reconciler(facts.party_id, facts.anchor, frame, AGEING, exercise=exercise)
        self.joint = Joint(organisation, frame, MATCHING)

    def update(self, ours: Iterable[PictureTrack], now_ns: int) -> tuple[PictureTrack, ...]:
        """Every thing of the sort once, with who it rests on."""
        told = self.theirs.tracks(now_ns)
        return self.joint.update(ours, told, now_ns) if told or self.joint.links else tuple(ours)


class JointPicture:
    """Keeps what one partner told of what moves; `rules` are those by which it tells, by their names."""

    def __init__(
        self, organisation: str, facts: PartnerFacts, frame: EnuFrame, rules: Mapping[str, ReleaseRule] | None = None
    ) -> None:
        self._organisation = organisation
        self._party = facts.party_id
        self._frame = frame
        self._rules = dict(rules or {})
        self._kinds = frozenset(
            kind for each in self._rules.values() if each.giver == self._party for kind in each.kinds
        )
        self._layers = {
            (item, exercise): _Layer(organisation, facts, frame, exercise=exercise)
            for item in _MOVING
            for exercise in (False, True)
        }
        self._both: Linked = {}

    def warm(self) -> None:
        """Make ready what takes long the first time: matching and joining are compiled then."""
        spread = GroundCovariance(east_m2=1.0, east_north_m2=0.0, north_m2=1.0)
        ground = GroundState(position=self._frame.origin, east_m=0.0, north_m=0.0, covariance=spread, range_m=0.0)
        somebody = PictureTrack(
            track_id="warm", origin=self._organisation, time_ns=0, status="confirmed", ground=ground,
            velocity_covariance=spread, existence=1.0, first_ns=0, seen_ns=0,
        )  # fmt: skip
        theirs = msgspec.structs.replace(somebody, origin=self._party)
        Joint(self._organisation, self._frame, MATCHING).update([somebody], [theirs], 0)

    def restore(self, theirs: Iterable[Release], both: Iterable[SeenByBoth], now_ns: int) -> None:
        """Go on from what stands: what was held to be one is so, and is called what it was."""
        for release in theirs:
            self.take(release, now_ns)
        self._both = {(each.subject_id, each.thing_id): each for each in both}
        links = [
            Link((self._organisation, each.subject_id), (self._party, each.thing_id), each.since_ns, each.name)
            for each in self._both.values()
        ]
        for layer in self._layers.values():
            layer.joint.restore(links)

    def take(self, release: Release, now_ns: int) -> None:
        """Take in what was told, if it is of something that moves and has a place."""
        if release.item not in _MOVING:
            return
        layer = self._layers[release.item, release.exercise]
        if release.act == "recalled":
            layer.theirs.withdraw(releases=(release.replaces,))
        elif release.cell is not None:
            try:
                layer.theirs.take(self._told(release), now_ns)
            except (InputError, RefusedError):
                return

    def recall(self, things: Collection[JointThing]) -> None:
        """Go by recalls and corrections among joint matters."""
        for layer in self._layers.values():
            layer.theirs.recall(things)

    def update(self, picture: Picture, now_ns: int, *, exercise: bool) -> Joined:
        """Everything of either side once, as known at a moment."""
        known = [track for track in picture.tracks if track.status != "lost"]
        heads = [track for track in known if self._may_be_told(track)]
        groups = [group for group in picture.groups if self._may_be_told(group)]
        alone = [track for track in heads if not track.group_id]
        parties = [*(_as_track(group, self._organisation) for group in groups), *alone]
        layers = self._layers["track", exercise], self._layers["group", exercise]
        apart = [track for track in known if not self._may_be_told(track)]
        found = {track.track_id: track for track in (*apart, *layers[0].update(heads, now_ns))}
        for track in layers[1].update(parties, now_ns):
            other = found.get(track.track_id)
            if foreign(track, self._organisation) and (other is None or not foreign(other, self._organisation)):
                found[track.track_id] = track
        self._both = {key: each for layer in layers for key, each in self._links(layer.joint, now_ns)}
        tracks = tuple(found[name] for name in sorted(found))
        return Joined(Picture(time_ns=now_ns, tracks=tracks, groups=picture.groups), self._both)

    def _may_be_told(self, thing: PictureTrack | PictureGroup) -> bool:
        """Whether what the partner tells can be about it: no patrol of ours, and of a kind that its rules let it tell.

        In a cell hundreds of metres wide a flock, or our own patrol, stands as near as those it does tell of.
        """
        told = not self._kinds or thing.kind in self._kinds or thing.kind == "unknown"
        return told and thing.standing != "own"

    def _links(self, joint: Joint, now_ns: int) -> Iterator[tuple[tuple[str, str], SeenByBoth]]:
        """What is held to be seen by both, each since when."""
        for (_, ours), (_, theirs), _, name in joint.links:
            before = self._both.get((ours, theirs))
            since_ns = now_ns if before is None else before.since_ns
            yield (ours, theirs), SeenByBoth(subject_id=ours, thing_id=theirs, name=name, since_ns=since_ns)

    def _told(self, release: Release) -> PartnerTrack:
        """What a release says, as coarsely as its rule tells it."""
        rule = self._rules.get(release.rule_id, ReleaseRule(rule_id="none", giver="none", taker="none"))
        if release.cell is None:
            raise InputError(f"{release.release_id} has no place")
        return PartnerTrack(
            release_id=release.release_id, thing_id=release.thing_id, origin=release.giver, time_ns=release.time_ns,
            cell=(release.cell.east, release.cell.north), cell_m=release.cell.size_m, sigma_m=release.sigma_m or 0,
            time_precision_s=rule.time_precision_s, hold_s=rule.hold_s, kind=release.kind or "unknown",
            count=_count(release.heads), velocity_m_s=release.velocity_m_s, ended=release.act == "ended",
            exercise=release.exercise,
        )  # fmt: skip


def _as_track(group: PictureGroup, organisation: str) -> PictureTrack:
    """A group as one thing, to be matched with one."""
    return PictureTrack(
        track_id=group.group_id, origin=organisation, time_ns=group.time_ns, status="confirmed", ground=group.ground,
        velocity_covariance=group.velocity_covariance, existence=1.0, first_ns=group.first_ns, seen_ns=group.time_ns,
        kind=group.kind, count=group.count, standing=group.standing, standing_id=group.standing_id,
        heading_rad=group.heading_rad, speed_m_s=group.speed_m_s,
    )  # fmt: skip


def _count(heads: Heads | None) -> Count | None:
    """How many were told of; None where nobody counted or the class has no end."""
    if heads is None or heads.high is None:
        return None
    return Count(low=heads.low, best=(heads.low + heads.high) // 2, high=heads.high)
