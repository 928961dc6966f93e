"""Who goes together: groups of tracks, named so that they keep their names through split and merge.

Two tracks belong together once it has been likely for a while that they are near each other and go the same way, by
what is known of both, or by how one camera sees them side by side; they part once it has been unlikely for a while.
Those who belong together are a party. Two parties that no camera sees both of may be the same people seen from two
sides, whom nobody can tell apart one by one; where that is all but certain they are one group. A group is what such
pairs connect, or one track that is counted as several.
"""

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from marsad.fuse.beside import Alike, Beside
from marsad.fuse.count import Told, heads_in
from marsad.fuse.duplicates import Triple, shares
from marsad.fuse.picture import headings_of
from marsad.fuse.unseen import Sighting, carried, sighting_of
from marsad.geo.geodesy import Array, EnuFrame
from marsad.kernel.picture import Picture, PictureGroup, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState
from marsad.kernel.record import Record
from marsad.kernel.track import Kind

_NS = 1_000_000_000
_ON_FOOT: Final[frozenset[Kind]] = frozenset({"person", "group", "unknown"})
_ALONE, _LEAST_LIKE, _ALL_SHOWN = 0.7, 0.01, 0.5
"""The share of strangers who go alone, the least share of any number; how often two sides see as many of a party."""
_GROUPING: Final[frozenset[Kind]] = _ON_FOOT | {"vehicle", "animal"}

_ABOUT = 0.5
"""The share of the most members that a party has of any group, from which on it is about as many."""
_UNSEEN = 0.01
"""What one whom nobody sees counts for when it is asked which of two parties is a group: those seen come first."""
_PARTED2 = 9.5
"""From how many squared deviations on, in place and velocity, two who went together do so no more.

However little is known of them by now, they do until it is seen that they do not.
"""

_NO_ODDS, _MOST_LOG_ODDS = 1e-2, 50.0
"""What stands for odds that are none, and where they end."""
_STRANGERS_PER_M2 = 1e-7
"""How many others there may be, where it is asked whether a third is one with two."""

Pair = tuple[str, str]
"""Two tracks, the first name first."""


class CompanySettings(Record):
    """When tracks belong together.

    Members stand about `near_m` apart and their velocities differ by about `like_m_s` (one sigma of each component);
    strangers' velocities by `speed_m_s`, and there are `others_per_km2` of them. A pair belongs together when it has
    been so with probability `join` for `together_s`, and parts when below `part` for `parted_s`. No pair that is
    `apart_m` apart or more, or can hardly be told to be within `surely_m`, begins to belong together. Who has not been
    in the picture for `forget_s` is forgotten. What was counted longer ago than `counted_s` counts for nothing while
    there is something newer; a silhouette may hold those within `blob_m`. Two that one camera reports in one look, in
    the last `apart_s`, and not side by side, are two from then on; those who begin within `came_s` and side by side are
    together at once.
    Parties of which it is `same_sure` are one, and part where they are more than `far2` squared deviations apart; where
    one is unseen, `parties_per_km2` others may be there. Who is not shown counts from an existence of `surely` on.
    Whether two parties are one is averaged over `likely_s`, and where both are seen must be sure for `together_s`.
    """

    near_m: float = 10.0
    like_m_s: float = 0.5
    speed_m_s: float = 1.5
    others_per_km2: float = 20.0
    join: float = 0.9
    part: float = 0.3
    together_s: float = 3.0
    parted_s: float = 6.0
    apart_m: float = 80.0
    surely_m: float = 200.0
    forget_s: float = 60.0
    counted_s: float = 10.0
    blob_m: float = 20.0
    seen_s: float = 10.0
    alike_s: float = 4.0
    lately_s: float = 3.0
    apart_s: float = 1.5
    came_s: float = 5.0
    far2: float = 25.0
    parties_per_km2: float = 0.5
    same_sure: float = 0.95
    surely: float = 0.9
    likely_s: float = 5.0


class _Group(NamedTuple):
    """What is remembered of a group: who was in it and when last, where it came from, and where it was seen last.

    A group that went into another one is `in_other`; it has its name again should it part.
    """

    group_id: str
    first_ns: int
    members: Mapping[str, int]
    parted_from: str = ""
    joined: tuple[str, ...] = ()
    seen: Sighting | None = None
    in_other: bool = False


class _Gap(NamedTuple):
    """How far apart a camera sees two: the mean over so many seconds, and the covariance of one look."""

    mean_m: tuple[float, float]
    cover_m2: tuple[float, float, float]
    seconds: float


class _Likeness(NamedTuple):
    """How likely two parties have been one of late, as the logarithm of the odds, and for how long that was sure."""

    log_odds: float
    sure_s: float


class Remembered(NamedTuple):
    """All that a company remembers.

    That is the pairs that seem to belong together and since when, those that do, the same of parties that may be one,
    how far apart cameras see two, and groups.
    """

    time_ns: int | None = None
    since_s: tuple[tuple[Pair, float], ...] = ()
    linked: tuple[tuple[Pair, float], ...] = ()
    same: tuple[tuple[Pair, float], ...] = ()
    met_ns: tuple[tuple[Pair, int], ...] = ()
    gaps: tuple[tuple[Pair, _Gap], ...] = ()
    groups: tuple[_Group, ...] = ()
    used: tuple[str, ...] = ()
    sightings: tuple[tuple[str, Sighting], ...] = ()
    apart: tuple[Pair, ...] = ()
    likeness: tuple[tuple[Pair, _Likeness], ...] = ()


class Company:
    """Tells who goes together; the same tracks and times always make the same groups, in whatever order they come."""

    def __init__(
        self, frame: EnuFrame, settings: CompanySettings | None = None, *, start: Remembered | None = None
    ) -> None:
        """Begin with nobody, or go on with what another one remembered."""
        start = start or Remembered()
        self.settings = settings or CompanySettings()
        self._frame = frame
        self._time_ns = start.time_ns
        self._since_s = dict(start.since_s)
        self._linked = dict(start.linked)
        self._same = dict(start.same)
        self._met_ns = dict(start.met_ns)
        self._gaps = dict(start.gaps)
        self._groups = {group.group_id: group for group in start.groups}
        self._used = set(start.used)
        self._sightings = dict(start.sightings)
        self._apart = set(start.apart)
        self._likeness = dict(start.likeness)

    @property
    def remembered(self) -> Remembered:
        """All that is remembered now."""
        return Remembered(
            self._time_ns,
            tuple(self._since_s.items()),
            tuple(self._linked.items()),
            tuple(self._same.items()),
            tuple(self._met_ns.items()),
            tuple(self._gaps.items()),
            tuple(self._groups.values()),
            tuple(sorted(self._used)),
            tuple(self._sightings.items()),
            tuple(sorted(self._apart)),
            tuple(self._likeness.items()),
        )

    def update(
        self, tracks: Iterable[PictureTrack], time_ns: int, beside: Iterable[Beside] = (), alike: Iterable[Alike] = ()
    ) -> tuple[PictureGroup, ...]:
        """The groups at a moment, in the order of their names.

        `beside` is whom one camera sees side by side, `alike` who may be the same person seen from two sides.

        Only what is confirmed or coasting has company, and only with others of its standing: nobody becomes known by
        walking beside a patrol. Who is there and may be one of those shown says how many they are, and is no member.
        """
        there = sorted(
            (t for t in tracks if t.kind in _GROUPING and (_is_shown(t) or self._is_doubted(t))),
            key=lambda t: t.track_id,
        )
        step_s = 0.0 if self._time_ns is None else min(max((time_ns - self._time_ns) / _NS, 0.0), 5.0)
        self._time_ns = time_ns
        self._rename(there)
        there = self._last_seen(there)
        self._see(beside, step_s)
        self._tell_apart(there)
        self._link(there, step_s, time_ns)
        sides = _connected(there, self._linked)
        odds = self._link_sides(sides, alike, step_s, time_ns)
        parties = ([t for t in party if _is_shown(t)] for party in _joined(sides, self._same, odds))
        named = self._named(self._with_unseen([party for party in parties if party]), time_ns)
        side_of = {track.track_id: i for i, side in enumerate(sides) for track in side}
        groups = (self._group(group, party, side_of, time_ns) for group, party in named)
        return tuple(sorted(groups, key=lambda g: g.group_id))

    def _is_doubted(self, track: PictureTrack) -> bool:
        """Whether a track is surely somebody, seen now, and not yet known to be one more."""
        lately_ns = round(self.settings.apart_s * _NS)
        there = track.status == "tentative" and track.existence >= self.settings.surely
        return there and track.time_ns - track.seen_ns <= lately_ns

    def _rename(self, tracks: Sequence[PictureTrack]) -> None:
        """Hand what is remembered under names found to be the same on to the name that stayed."""
        names = {old: track.track_id for track in tracks for old in track.formerly}
        if not names:
            return
        for held in (self._since_s, self._linked, self._same):
            for one, two in [pair for pair in held if pair[0] in names or pair[1] in names]:
                value, pair = held.pop((one, two)), _pair(names.get(one, one), names.get(two, two))
                if pair[0] != pair[1]:
                    held[pair] = max(held.get(pair, 0.0), value)
        for group in list(self._groups.values()):
            members: dict[str, int] = {}
            for name, seen_ns in group.members.items():
                new = names.get(name, name)
                members[new] = max(members.get(new, 0), seen_ns)
            self._groups[group.group_id] = group._replace(members=members)

    def _last_seen(self, tracks: Sequence[PictureTrack]) -> list[PictureTrack]:
        """The tracks, those whom nobody sees where they may have walked since they were."""
        held, out = self._sightings, []
        self._sightings = {}
        for track in tracks:
            seen = sighting_of(track) or held.get(track.track_id)
            if seen is not None:
                self._sightings[track.track_id] = seen
            coasts = seen is not None and track.status == "coasting"
            out.append(carried(track, seen, self._frame) if coasts and seen is not None else track)
        return out

    def _tell_apart(self, tracks: Sequence[PictureTrack]) -> None:
        """Remember whom one camera has reported in one look, and not side by side: who is followed anew is not two."""
        names = {track.track_id for track in tracks}
        self._apart = {pair for pair in self._apart if pair[0] in names and pair[1] in names}
        lately_ns = round(self.settings.apart_s * _NS)
        by: dict[tuple[str, int], list[str]] = {}
        for track in tracks:
            for each in track.contributors:
                if each.time_ns >= track.time_ns - lately_ns:
                    by.setdefault((each.source_id, each.time_ns), []).append(track.track_id)
        pairs = {_pair(one, two) for those in by.values() for one in those for two in those if one < two}
        self._apart |= {pair for pair in pairs if pair not in self._gaps}

    def _see(self, beside: Iterable[Beside], step_s: float) -> None:
        """Average how far apart cameras see two; where several see both, the one that tells it best."""
        best: dict[Pair, Beside] = {}
        for each in beside:
            pair = (each.one, each.two)
            if pair not in best or _area2(each) < _area2(best[pair]):
                best[pair] = each
        gaps: dict[Pair, _Gap] = {}
        for pair, each in best.items():
            before = self._gaps.get(pair)
            if before is None:
                gaps[pair] = _Gap(each.gap_m, each.covariance_m2, 0.0)
                continue
            seconds = min(before.seconds + step_s, self.settings.seen_s)
            share = step_s / seconds if seconds > 0 else 1.0
            (east, north), (to_east, to_north) = before.mean_m, each.gap_m
            mean = east + share * (to_east - east), north + share * (to_north - north)
            gaps[pair] = _Gap(mean, each.covariance_m2, seconds)
        self._gaps = gaps

    def _link(self, tracks: Sequence[PictureTrack], step_s: float, time_ns: int) -> None:
        """Hold all pairs against each other: those that belong together, and for how long they have seemed (not) to."""
        settings = self.settings
        index = {track.track_id: i for i, track in enumerate(tracks)}
        pairs, chance, may_begin, apart2 = self._odds(tracks, index)
        grouped = {member for group in self._groups.values() for member in group.members}
        seen = dict(zip(pairs, zip(chance, may_begin, apart2, strict=True), strict=True))
        hidden = {track.track_id for track in tracks if track.status == "coasting"}
        since_ns = time_ns - round(settings.came_s * _NS)
        new = {track.track_id for track in tracks if track.first_ns >= since_ns}
        young = {pair for pair in pairs if pair[0] in new and pair[1] in new}
        for pair, (likely, begins, far2) in seen.items():
            if pair in self._linked:
                # Nobody is seen to part of whom nobody sees one.
                if pair[0] not in hidden and pair[1] not in hidden:
                    parting = self._linked[pair]
                    self._linked[pair] = parting + step_s if likely < settings.part and far2 > _PARTED2 else 0.0
            elif likely >= settings.join and begins and not (pair in self._apart and hidden & {*pair}):
                self._since_s[pair] = self._since_s[pair] + step_s if pair in self._since_s else 0.0
                # Who shows beside one of a group is one whom that group hid, or whom his camera lost for a moment.
                one_more = pair[0] in grouped or pair[1] in grouped or pair in young
                if (one_more and pair in self._gaps) or self._since_s[pair] >= settings.together_s:
                    self._linked[pair] = 0.0
            else:
                self._since_s.pop(pair, None)
        self._since_s = {pair: s for pair, s in self._since_s.items() if pair in seen and pair not in self._linked}
        for pair in seen:
            self._met_ns[pair] = time_ns
        horizon = time_ns - round(settings.forget_s * _NS)
        held = self._linked.keys() | self._same.keys()
        self._met_ns = {pair: ns for pair, ns in self._met_ns.items() if pair in held and ns >= horizon}
        self._linked = {
            pair: s for pair, s in self._linked.items() if s < settings.parted_s and pair in self._met_ns
        }  # fmt: skip

    def _odds(
        self, tracks: Sequence[PictureTrack], index: Mapping[str, int]
    ) -> tuple[list[Pair], list[float], list[bool], list[float]]:
        """Pairs that are near or linked, how probable it is that they go together, and whether they may begin to.

        And how far they are from that, in squared deviations of place and velocity.
        """
        settings = self.settings
        if len(tracks) < 2:
            return [], [], [], []
        place = np.array([(t.ground.east_m, t.ground.north_m) for t in tracks])
        near = cKDTree(place).query_pairs(settings.apart_m, output_type="ndarray")
        asked = (*self._linked, *self._gaps)
        held = [(index[one], index[two]) for one, two in asked if one in index and two in index]
        rows = np.unique(np.concatenate([near, np.array(held, np.int64).reshape(-1, 2)]), axis=0)
        rows = rows[[_kindred(tracks[i], tracks[j]) for i, j in rows.tolist()]] if len(rows) else rows
        names = [(tracks[a].track_id, tracks[b].track_id) for a, b in rows.tolist()]
        i, j = rows[:, 0], rows[:, 1]
        gap, cover = self._seen_apart(names, place[i] - place[j], _gap_covers(tracks, rows))
        velocity = np.array([(t.ground.velocity_east_m_s, t.ground.velocity_north_m_s) for t in tracks])
        rate = _matrices([t.velocity_covariance for t in tracks])
        turn, rates = velocity[i] - velocity[j], rate[i] + rate[j]
        together = _log_normal(gap, cover, settings.near_m) + _log_normal(turn, rates, settings.like_m_s)
        alone = math.log(settings.others_per_km2 * 1e-6) + _log_normal(turn, rates, math.sqrt(2) * settings.speed_m_s)
        chance = 1 / (1 + np.exp(np.clip(alone - together, -50, 50)))
        long = np.sqrt(np.linalg.eigvalsh(cover)[:, 1]) if len(rows) else np.empty(0)
        apart = np.hypot(gap[:, 0], gap[:, 1])
        begins = (apart < settings.apart_m) & (apart + 1.645 * long < settings.surely_m)
        far2 = _far2(gap, cover, settings.near_m) + _far2(turn, rates, settings.like_m_s)
        return names, chance.tolist(), begins.tolist(), far2.tolist()

    def _seen_apart(self, pairs: Sequence[Pair], gap: Array, cover: Array) -> tuple[Array, Array]:
        """Gaps (P, 2) and their covariances (P, 2, 2), a camera's own where it sees both and tells it better."""
        for row, pair in enumerate(pairs):
            seen = self._gaps.get(pair)
            if seen is not None:
                a, b, c = seen.cover_m2
                spread = np.array([[a, b], [b, c]]) / (1 + seen.seconds / self.settings.alike_s)
                if np.linalg.det(spread) < np.linalg.det(cover[row]):
                    gap[row], cover[row] = seen.mean_m, spread
        return gap, cover

    def _link_sides(
        self, sides: Sequence[Sequence[PictureTrack]], alike: Iterable[Alike], step_s: float, time_ns: int
    ) -> dict[tuple[int, int], float]:
        """Hold parties against each other of which no camera sees both: those that are one, and their odds."""
        settings = self.settings
        # Who stands for a party should be there when others of it are gone.
        eldest = [min(side, key=lambda t: (t.status == "coasting", t.first_ns, t.track_id)).track_id for side in sides]
        side_of = {track.track_id: i for i, side in enumerate(sides) for track in side}
        sees = _seen_by(sides, time_ns - round(settings.lately_s * _NS))
        now = self._same_odds(sides, sees, alike, time_ns)
        odds = self._smoothed(now, eldest, step_s)
        share = _shares(odds, self._meeting(sides, odds))
        for (i, j), each in share.items():
            if (_are_several(sides[i]) or _are_several(sides[j])) and self._is_sure(
                sides, eldest, (i, j), each, step_s
            ):
                self._same.setdefault(_pair(eldest[i], eldest[j]), 0.0)
        for pair in list(self._same):
            i, j = side_of.get(pair[0], -1), side_of.get(pair[1], -1)
            if i < 0 or j < 0:
                if pair not in self._met_ns:
                    del self._same[pair]
                continue
            parting = self._same.pop(pair)
            each = share.get((min(i, j), max(i, j)), 0.0)
            doubtful = (
                i != j
                and each < settings.part
                and (self._far(sides[i], sides[j]) > settings.far2 or _rival(share, sees, i, j) > 1 - settings.part)
            )
            seen = _is_seen(sides[i]) and _is_seen(sides[j])
            parting = parting if not seen else parting + step_s if doubtful else 0.0
            # A camera that sees both can tell whether they go together: its word counts, and not this.
            if i == j or (sees[i] & sees[j]) or parting >= settings.parted_s:
                continue
            held = _pair(eldest[i], eldest[j])
            self._same[held], self._met_ns[held] = parting, time_ns
        self._part_rivals(sides, sees, share)
        return odds

    def _smoothed(
        self, odds: Mapping[tuple[int, int], float], eldest: Sequence[str], step_s: float
    ) -> dict[tuple[int, int], float]:
        """The odds that parties are one as they have been of late: every look from one place says another."""
        side = {name: i for i, name in enumerate(eldest)}
        held = {pair: each for pair, each in self._likeness.items() if pair[0] in side and pair[1] in side}
        names = {pair: _ordered(side[pair[0]], side[pair[1]]) for pair in held}
        names |= {_pair(eldest[i], eldest[j]): (i, j) for i, j in odds}
        new = -math.expm1(-step_s / self.settings.likely_s)
        self._likeness = {}
        out: dict[tuple[int, int], float] = {}
        for pair, at in names.items():
            told = math.log(max(odds.get(at, 0.0), _NO_ODDS))
            before = held.get(pair, _Likeness(told, 0.0))
            log_odds = before.log_odds + new * (told - before.log_odds)
            self._likeness[pair] = _Likeness(log_odds, before.sure_s)
            if at in odds:
                out[at] = math.exp(min(log_odds, _MOST_LOG_ODDS))
        return out

    def _is_sure(
        self, sides: Sequence[Sequence[PictureTrack]], eldest: Sequence[str], at: tuple[int, int], share: float,
        step_s: float,
    ) -> bool:  # fmt: skip
        """Whether two parties are one, and have surely been for a while where both are seen."""
        pair = _pair(eldest[at[0]], eldest[at[1]])
        sure_s = self._likeness[pair].sure_s + step_s if share > self.settings.same_sure else 0.0
        self._likeness[pair] = self._likeness[pair]._replace(sure_s=sure_s)
        long_s = self.settings.together_s if _is_seen(sides[at[0]]) and _is_seen(sides[at[1]]) else 0.0
        return share > self.settings.same_sure and sure_s >= long_s

    def _part_rivals(
        self, sides: Sequence[Sequence[PictureTrack]], sees: Sequence[frozenset[str]],
        share: Mapping[tuple[int, int], float],
    ) -> None:  # fmt: skip
        """Of two parties that a camera sees both of, let only the likelier be one with a third."""
        side_of = {track.track_id: i for i, side in enumerate(sides) for track in side}
        likely = {
            pair: share.get(_ordered(side_of[pair[0]], side_of[pair[1]]), 0.0)
            for pair in self._same if pair[0] in side_of and pair[1] in side_of
        }  # fmt: skip
        kept: list[tuple[int, int]] = []
        for pair in sorted(likely, key=lambda pair: (-likely[pair], pair)):
            i, j = side_of[pair[0]], side_of[pair[1]]
            rivals = [
                k + n - one for one, other in ((i, j), (j, i)) for k, n in kept
                if one in (k, n) and sees[k + n - one] & sees[other]
            ]  # fmt: skip
            if rivals:
                del self._same[pair]
            else:
                kept.append((i, j))

    def _meeting(self, sides: Sequence[Sequence[PictureTrack]], odds: Mapping[tuple[int, int], float]) -> "_Meeting":
        best = [min(side, key=_area2_of).ground for side in sides]
        place = np.array([(ground.east_m, ground.north_m) for ground in best]).reshape(-1, 2)
        cover = _matrices([ground.covariance for ground in best]) + self.settings.near_m**2 * np.eye(2)
        return _Meeting(place, cover, odds)

    def _same_odds(
        self, sides: Sequence[Sequence[PictureTrack]], sees: Sequence[frozenset[str]], alike: Iterable[Alike],
        time_ns: int,
    ) -> dict[tuple[int, int], float]:  # fmt: skip
        """Pairs of parties that may be one, and the odds that they are.

        Each of the fewer is some one of the others. That they are as many speaks for it.
        """
        side_of = {track.track_id: i for i, side in enumerate(sides) for track in side}
        likely: dict[tuple[int, int], dict[str, float]] = {}
        for each in alike:
            i, j = side_of.get(each.one, -1), side_of.get(each.two, -1)
            if i < 0 or j < 0 or i == j or not self._may_be_one(sides[i], sides[j], sees[i] & sees[j]):
                continue
            if not (_is_seen(sides[i]) and _is_seen(sides[j])):
                continue
            for name in (each.one, each.two):
                found = likely.setdefault((min(i, j), max(i, j)), {})
                found[name] = found.get(name, 0.0) + each.odds
        out: dict[tuple[int, int], float] = {}
        for (i, j), found in likely.items():
            fewer = min(sides[i], sides[j], key=len)
            places = sum(found.get(track.track_id, 0.0) for track in fewer) / len(fewer)
            heads = [heads_in([self._told(sides[k], time_ns)], self.settings.blob_m).best for k in (i, j)]
            out[i, j] = places * _as_many(*heads)
        return out | self._unseen_odds(sides)

    def _unseen_odds(self, sides: Sequence[Sequence[PictureTrack]]) -> dict[tuple[int, int], float]:
        """The odds that parties of which one is unseen are one with others, by where they were seen last."""
        out: dict[tuple[int, int], float] = {}
        for i, j in itertools.combinations(range(len(sides)), 2):
            one, two = sides[i], sides[j]
            if (_is_seen(one) and _is_seen(two)) or not self._may_be_one(one, two, frozenset()):
                continue
            if any(_pair(a.track_id, b.track_id) in self._apart for a in one for b in two):
                continue
            a, b = (min(side, key=_area2_of) for side in (one, two))
            out[i, j] = self._reached(a, b)
        return out

    def _reached(self, one: PictureTrack, two: PictureTrack) -> float:
        """The odds that two tracks are of one party, by place and velocity."""
        settings = self.settings
        a, b = one.ground, two.ground
        gap = np.array([[a.east_m - b.east_m, a.north_m - b.north_m]])
        turn = np.array([[a.velocity_east_m_s - b.velocity_east_m_s, a.velocity_north_m_s - b.velocity_north_m_s]])
        cover = _matrices([a.covariance]) + _matrices([b.covariance])
        rates = _matrices([one.velocity_covariance]) + _matrices([two.velocity_covariance])
        together = _log_normal(gap, cover, settings.near_m) + _log_normal(turn, rates, settings.like_m_s)
        strangers = _log_normal(turn, rates, math.sqrt(2) * settings.speed_m_s)
        alone = math.log(settings.parties_per_km2 * 1e-6) + strangers
        return float(np.exp(np.clip(together - alone, -50, 50))[0])

    def _may_be_one(self, one: Sequence[PictureTrack], two: Sequence[PictureTrack], both: frozenset[str]) -> bool:
        """Whether two parties may be the same people: none that a camera sees both of.

        Of each those stand together who are known well and who are not: he who is known best says where.
        """
        return self._far(one, two) <= _PARTED2 and not both and _kindred(one[0], two[0])

    def _far(self, one: Sequence[PictureTrack], two: Sequence[PictureTrack]) -> float:
        """How far apart two parties are, in squared deviations of where they may be."""
        first, second = (min(side, key=_area2_of) for side in (one, two))
        gap = np.array([[first.ground.east_m - second.ground.east_m, first.ground.north_m - second.ground.north_m]])
        cover = _matrices([first.ground.covariance]) + _matrices([second.ground.covariance])
        return float(_far2(gap, cover, self.settings.near_m)[0])

    def _with_unseen(self, parties: list[list[PictureTrack]]) -> list[list[PictureTrack]]:
        """The parties, those that nobody sees put to those seen who were of the same group, where they may still be.

        A group of which some are hidden is one group, and so is one whose people are reported under other numbers.
        """
        groups = [self._groups_of(party) for party in parties]
        out = [list(party) for party in parties]
        for i, party in enumerate(parties):
            shared = {
                j: len(groups[i] & groups[j]) for j, other in enumerate(parties)
                if not _is_seen(party) and _is_seen(other) and _kindred(party[0], other[0])
                and self._far(party, other) <= self.settings.far2
            }  # fmt: skip
            best = max(shared, key=lambda j: (shared[j], -j), default=-1)
            if best >= 0 and shared[best]:
                out[best] += out[i]
                out[i] = []
        return [sorted(party, key=lambda t: t.track_id) for party in out if party]

    def _groups_of(self, party: Sequence[PictureTrack]) -> set[str]:
        """The groups that those of a party who are seen, or where nobody is all of it, were of."""
        asked = [track.track_id for track in party if track.status != "coasting"] or [t.track_id for t in party]
        return {
            group.group_id for group in self._groups.values()
            if not group.in_other and any(name in group.members for name in asked)
        }  # fmt: skip

    def _named(
        self, parties: Sequence[Sequence[PictureTrack]], time_ns: int
    ) -> list[tuple[_Group, Sequence[PictureTrack]]]:
        """The groups: what each party is called, as the oldest group of which it has about as many members as of any.

        One of a group of whom nobody sees the others is still that group, and so is who comes out where it went.
        """
        whose: dict[str, list[_Group]] = {}
        for group in self._groups.values():
            for member in group.members:
                whose.setdefault(member, []).append(group)
        shared: dict[tuple[int, str], float] = {}
        for i, party in enumerate(parties):
            for track in party:
                for group in whose.get(track.track_id, ()):
                    told = _UNSEEN if track.status == "coasting" else 1.0
                    shared[i, group.group_id] = shared.get((i, group.group_id), 0.0) + told
        most = {i: max(count for (j, _), count in shared.items() if j == i) for i, _ in shared}
        order = sorted(
            shared,
            key=lambda key: (
                self._groups[key[1]].in_other, shared[key] < _ABOUT * most[key[0]], self._groups[key[1]].first_ns,
                key[1], -shared[key], key[0],
            ),
        )  # fmt: skip
        kept: dict[int, str] = {}
        for i, group_id in order:
            if i not in kept and group_id not in kept.values() and self._goes_on(group_id, parties[i], parties):
                kept[i] = group_id
        kept |= self._come_out(parties, kept)
        from_whom: dict[int, list[str]] = {}
        for i, group_id in order:
            from_whom.setdefault(i, []).append(group_id)
        named = [
            (self._one(party, kept.get(i), from_whom.get(i, []), kept, time_ns), party)
            for i, party in enumerate(parties) if i in kept or _are_several(party)
        ]  # fmt: skip
        self._remember([group for group, _ in named], time_ns)
        return named

    def _goes_on(self, group_id: str, party: Sequence[PictureTrack], parties: Sequence[Sequence[PictureTrack]]) -> bool:
        """Whether a party may be called by a group's name: one alone only while nobody sees another of the group."""
        if _are_several(party):
            return True
        members = self._groups[group_id].members
        return not any(
            track.track_id in members and track.status != "coasting"
            for other in parties if other is not party for track in other
        )  # fmt: skip

    def _come_out(self, parties: Sequence[Sequence[PictureTrack]], kept: Mapping[int, str]) -> dict[int, str]:
        """The parties that are groups which nobody has seen for a while, by where those were seen last."""
        there = {track.track_id for party in parties for track in party}
        gone = {
            group.group_id: group.seen for group in self._groups.values()
            if group.seen is not None and not group.in_other
            and group.group_id not in kept.values() and not group.members.keys() & there
        }  # fmt: skip
        known = {member for group in self._groups.values() for member in group.members}
        odds: dict[tuple[int, str], float] = {}
        for i, party in enumerate(parties):
            seen = [track for track in party if track.status != "coasting" and track.kind in _ON_FOOT]
            if i in kept or not seen or any(track.track_id in known for track in party):
                continue
            best = min(seen, key=_area2_of)
            for group_id, was in gone.items():
                odds[i, group_id] = self._reached(best, carried(best, was, self._frame))
        found: dict[int, str] = {}
        for (i, group_id), each in sorted(odds.items(), key=lambda item: (-item[1], item[0])):
            rivals = sum(o for (j, other), o in odds.items() if other != group_id and j == i)
            if each > self.settings.same_sure * (1 + each + rivals) and i not in found:
                found |= {i: group_id} if group_id not in found.values() else {}
        return found

    def _one(
        self, party: Sequence[PictureTrack], group_id: str | None, others: Sequence[str], kept: Mapping[int, str],
        time_ns: int,
    ) -> _Group:  # fmt: skip
        """The party's group, with those groups that came into it or the one it came from."""
        now = {track.track_id: time_ns for track in party}
        sighted = [track for track in sorted(party, key=_area2_of) if sighting_of(track) is not None]
        seen = sighting_of(sighted[0]) if sighted else None
        if group_id is None:
            eldest = min(party, key=lambda t: (t.first_ns, t.track_id))
            return _Group(self._new_name(eldest.track_id), time_ns, now, others[0] if others else "", seen=seen)
        group = self._groups[group_id]
        came = sorted(
            other for other in others
            if other not in kept.values() and other not in group.joined and not self._groups[other].in_other
        )  # fmt: skip
        # Who has parted again is no longer in it.
        joined = tuple(other for other in (*group.joined, *came) if other not in kept.values())
        return group._replace(members={**group.members, **now}, joined=joined, seen=seen or group.seen, in_other=False)

    def _new_name(self, track_id: str) -> str:
        """A name after the eldest member; a second group after the same one says so."""
        name, number = f"group-{track_id}", 1
        while name in self._used:
            number += 1
            name = f"group-{track_id}.{number}"
        self._used.add(name)
        return name

    def _remember(self, named: Sequence[_Group], time_ns: int) -> None:
        """Keep the groups there are, and for a while those there were; a member is remembered by one group alone."""
        horizon = time_ns - round(self.settings.forget_s * _NS)
        here = {name: group.group_id for group in named for name, ns in group.members.items() if ns == time_ns}
        gone = {other for group in named for other in group.joined}
        gone |= {name for name, group in self._groups.items() if group.in_other}
        gone -= {group.group_id for group in named}
        held = {**self._groups, **{group.group_id: group for group in named}}
        self._groups = {}
        for group in held.values():
            members = {
                name: ns
                for name, ns in group.members.items()
                if ns >= horizon and (here.get(name, group.group_id) == group.group_id or group.group_id in gone)
            }
            if members:
                self._groups[group.group_id] = group._replace(members=members, in_other=group.group_id in gone)

    def _group(
        self, named: _Group, party: Sequence[PictureTrack], side_of: Mapping[str, int], time_ns: int
    ) -> PictureGroup:
        place = np.array([(t.ground.east_m, t.ground.north_m) for t in party])
        middle = place.mean(axis=0)
        velocity = np.mean([(t.ground.velocity_east_m_s, t.ground.velocity_north_m_s) for t in party], axis=0)
        rate = _matrices([t.velocity_covariance for t in party]).mean(axis=0)
        heading = headings_of(velocity[None], rate[None])[0]
        nearest = min(party, key=lambda t: (t.ground.range_m, t.track_id)).ground
        up_m = self._frame.point(nearest.position).up_m
        ground = GroundState(
            position=self._frame.position(float(middle[0]), float(middle[1]), up_m),
            east_m=float(middle[0]),
            north_m=float(middle[1]),
            covariance=_record(_matrices([t.ground.covariance for t in party]).mean(axis=0)),
            velocity_east_m_s=float(velocity[0]),
            velocity_north_m_s=float(velocity[1]),
            range_m=nearest.range_m,
            multimodal=any(t.ground.multimodal for t in party),
        )
        crossed = np.mean([t.place_velocity_m2_s for t in party], axis=0).tolist()
        return PictureGroup(
            group_id=named.group_id,
            time_ns=time_ns,
            first_ns=named.first_ns,
            members=tuple(t.track_id for t in party),
            count=heads_in([self._told(side, time_ns) for side in _by_side(party, side_of)], self.settings.blob_m),
            kind=_kind(party),
            ground=ground,
            velocity_covariance=_record(rate),
            standing=party[0].standing,
            standing_id=party[0].standing_id,
            extent_m=float(np.sqrt(((place - middle) ** 2).sum(axis=1).mean())),
            place_velocity_m2_s=(crossed[0], crossed[1], crossed[2], crossed[3]),
            agility_m2_s3=max(t.agility_m2_s3 for t in party),
            heading_rad=heading.heading_rad,
            heading_sigma_rad=heading.heading_sigma_rad,
            speed_m_s=heading.speed_m_s,
            speed_sigma_m_s=heading.speed_sigma_m_s,
            parted_from=named.parted_from,
            joined=named.joined,
        )

    def _told(self, party: Sequence[PictureTrack], time_ns: int) -> list[Told]:
        """What was counted of each member, lately or, of one not seen lately, last."""
        horizon = time_ns - round(self.settings.counted_s * _NS)
        out = []
        for track in party:
            newest = max((c.time_ns for c in track.contributors), default=0)
            since = min(horizon, newest)
            counted = {c.source_id: c.count for c in track.contributors if c.time_ns >= since}
            out.append(Told(track.existence, track.ground.east_m, track.ground.north_m, counted))
        return out


def with_groups(picture: Picture, groups: Sequence[PictureGroup]) -> Picture:
    """The picture with its groups, each member knowing its own."""
    group_of = {member: group.group_id for group in groups for member in group.members}
    tracks = tuple(
        replace(track, group_id=group_of[track.track_id]) if track.track_id in group_of else track
        for track in picture.tracks
    )
    return replace(picture, tracks=tracks, groups=tuple(groups))


def _connected(tracks: Sequence[PictureTrack], links: Iterable[Pair]) -> list[list[PictureTrack]]:
    """The tracks in parties that linked pairs connect, those nobody sees each in that with which most connects it.

    Whom nobody sees connects nobody: who came near two parties is a reason to be of either, and for no third to be.
    """
    near: dict[str, list[str]] = {}
    for one, two in sorted(links):
        near.setdefault(one, []).append(two)
        near.setdefault(two, []).append(one)
    party_of = _heads([track.track_id for track in tracks if track.status != "coasting"], near)
    rest = [track.track_id for track in tracks if track.status == "coasting"]
    while rest:
        found = {name: _most(party_of[other] for other in near.get(name, ()) if other in party_of) for name in rest}
        came = {name: party for name, party in found.items() if party is not None}
        if not came:
            break
        party_of |= came
        rest = [name for name in rest if name not in came]
    party_of |= _heads(rest, near)
    parties: dict[str, list[PictureTrack]] = {}
    for track in tracks:
        parties.setdefault(party_of[track.track_id], []).append(track)
    return list(parties.values())


def _heads(names: Sequence[str], near: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Who stands for the party of each, parties being those whom their links to one another connect."""
    among, head = set(names), {}
    for first in sorted(names):
        asked = [first] if first not in head else []
        while asked:
            name = asked.pop()
            if name not in head:
                head[name] = first
                asked += [other for other in near.get(name, ()) if other in among]
    return head


def _most(parties: Iterable[str]) -> str | None:
    """The party that is named most often."""
    count = Counter(parties)
    return min(count, key=lambda party: (-count[party], party)) if count else None


def _joined(
    sides: Sequence[Sequence[PictureTrack]], same: Iterable[Pair], odds: Mapping[tuple[int, int], float]
) -> list[list[PictureTrack]]:
    """Parties with those made one that are the same, those nobody sees each with that which is likeliest to be it.

    Whom nobody sees connects nobody: two may be seen of whom either may be he, and are not one for that.
    """
    side_of = {track.track_id: i for i, side in enumerate(sides) for track in side}
    near: dict[str, list[str]] = {}
    unseen: dict[int, list[tuple[float, str]]] = {}
    for one, two in sorted(same):
        if one in side_of and two in side_of and side_of[one] != side_of[two]:
            i, j = side_of[one], side_of[two]
            seen = _is_seen(sides[i]), _is_seen(sides[j])
            if seen[0] == seen[1]:
                near.setdefault(str(i), []).append(str(j))
                near.setdefault(str(j), []).append(str(i))
            else:
                hidden, other = (j, i) if seen[0] else (i, j)
                unseen.setdefault(hidden, []).append((odds.get((min(i, j), max(i, j)), 0.0), str(other)))
    head = _heads([str(i) for i in range(len(sides))], near)
    # Those unseen who are one with each other go together, with him who is likeliest to be any of them.
    claims: dict[str, tuple[float, str]] = {}
    for i, those in unseen.items():
        own = head[str(i)]
        claims[own] = max([claims[own], *those] if own in claims else those)
    parties: dict[str, list[PictureTrack]] = {}
    for i, side in enumerate(sides):
        own = head[str(i)]
        parties.setdefault(head[claims[own][1]] if own in claims else own, []).extend(side)
    return list(parties.values())


def _seen_by(sides: Sequence[Sequence[PictureTrack]], since_ns: int) -> list[frozenset[str]]:
    """The sources that have lately seen any of each party."""
    return [
        frozenset(c.source_id for track in side for c in track.contributors if c.time_ns >= since_ns) for side in sides
    ]


class _Meeting:
    """The odds that three parties are one, where two of them would meet held against the third.

    Any two lines of sight cross.
    """

    def __init__(self, place_m: Array, cover_m2: Array, odds: Mapping[tuple[int, int], float]) -> None:
        self._place, self._cover, self._odds = place_m, cover_m2, odds

    def odds(self, three: Triple, first: float) -> float:
        """The odds, `first` being those that the first two are one; never above what the pairs say."""
        one, two, third = three
        gain = self._cover[one] @ np.linalg.inv(self._cover[one] + self._cover[two])
        met = self._place[one] + gain @ (self._place[two] - self._place[one])
        cover = (np.eye(2) - gain) @ self._cover[one] + self._cover[third]
        agreed = float(_log_normal((self._place[third] - met)[None], cover[None], 0.0)[0])
        pairs = [self._odds.get(_ordered(i, j), 0.0) for i, j in ((one, two), (one, third), (two, third))]
        plain = math.prod(pairs) ** (2 / 3)
        return min(first * math.exp(agreed) / _STRANGERS_PER_M2, plain)


def _shares(odds: Mapping[tuple[int, int], float], meeting: _Meeting) -> dict[tuple[int, int], float]:
    """How probable it is that two parties are one, of all the ways in which they and others may be."""
    pairs = np.array(list(odds), np.int64).reshape(-1, 2)
    each = shares(pairs, np.array(list(odds.values()), np.float64), 0.0, meeting)
    return dict(zip(odds, each.tolist(), strict=True))


def _rival(share: Mapping[tuple[int, int], float], sees: Sequence[frozenset[str]], one: int, other: int) -> float:
    """How probable it is that one of two parties is one with a party that a camera sees beside the other."""
    return max(
        (
            each
            for (i, j), each in share.items()
            for mine, yours in ((one, other), (other, one))
            if mine in (i, j) and yours not in (i, j) and sees[i + j - mine] & sees[yours]
        ),
        default=0.0,
    )


def _ordered(one: int, two: int) -> tuple[int, int]:
    return (one, two) if one < two else (two, one)


def _as_many(one: int, two: int) -> float:
    """The odds that two parties of so many heads are one, by their number: seven of ten strangers go alone.

    From one side some are often hidden.
    """
    low, high = min(one, two), max(one, two)
    strangers = _ALONE if low == 1 else max((1 - _ALONE) * 0.5 ** (low - 1), _LEAST_LIKE)
    return (_ALL_SHOWN if low == high else (1 - _ALL_SHOWN) / (high - 1)) / strangers


def _by_side(party: Sequence[PictureTrack], side_of: Mapping[str, int]) -> list[list[PictureTrack]]:
    """Those of a party who are seen from one side each."""
    out: dict[int, list[PictureTrack]] = {}
    for track in party:
        out.setdefault(side_of[track.track_id], []).append(track)
    return list(out.values())


def _area2(beside: Beside) -> float:
    a, b, c = beside.covariance_m2
    return a * c - b * b


def _area2_of(track: PictureTrack) -> tuple[float, str]:
    """How badly a track's place is known."""
    cover = track.ground.covariance
    return cover.east_m2 * cover.north_m2 - cover.east_north_m2**2, track.track_id


def _pair(one: str, two: str) -> Pair:
    return (one, two) if one < two else (two, one)


def _is_shown(track: PictureTrack) -> bool:
    return track.status in {"confirmed", "coasting"}


def _is_several(track: PictureTrack) -> bool:
    return track.kind == "group" or (track.count is not None and track.count.best > 1)


def _are_several(side: Sequence[PictureTrack]) -> bool:
    return len(side) > 1 or _is_several(side[0])


def _is_seen(side: Sequence[PictureTrack]) -> bool:
    return any(track.status != "coasting" for track in side)


def _kindred(one: PictureTrack, two: PictureTrack) -> bool:
    """Whether two may go together: of one standing and alike."""
    if (one.standing, one.standing_id) != (two.standing, two.standing_id):
        return False
    return one.kind == two.kind or (one.kind in _ON_FOOT and two.kind in _ON_FOOT)


def _kind(party: Sequence[PictureTrack]) -> Kind:
    """What a group is: vehicles or animals where all are, else people."""
    kinds = {track.kind for track in party}
    return kinds.pop() if kinds in ({"vehicle"}, {"animal"}) else "group"


def _gap_covers(tracks: Sequence[PictureTrack], rows: NDArray[np.int64]) -> Array:
    """Covariances (P, 2, 2) of the gaps of pairs: what both owe to the same sources' biases moves both alike."""
    whole = _matrices([t.ground.covariance for t in tracks])
    own = _matrices([t.own_covariance or t.ground.covariance for t in tracks])
    seen_by = [frozenset(c.source_id for c in t.contributors) for t in tracks]
    same = np.array([seen_by[i] == seen_by[j] for i, j in rows.tolist()], np.bool_)
    i, j = rows[:, 0], rows[:, 1]
    return np.where(same[:, None, None], own[i] + own[j], whole[i] + whole[j])


def _matrices(covariances: Sequence[GroundCovariance]) -> Array:
    """Records as (N, 2, 2)."""
    flat = [(c.east_m2, c.east_north_m2, c.east_north_m2, c.north_m2) for c in covariances]
    return np.array(flat).reshape(-1, 2, 2)


def _record(matrix: Array) -> GroundCovariance:
    return GroundCovariance(
        east_m2=float(matrix[0, 0]), east_north_m2=float(matrix[0, 1]), north_m2=float(matrix[1, 1])
    )


def _log_normal(gap: Array, cover: Array, sigma: float) -> Array:
    """The logarithm of the density of differences (P, 2) about nought, of covariance `cover` and `sigma` on top."""
    det = (cover[:, 0, 0] + sigma**2) * (cover[:, 1, 1] + sigma**2) - cover[:, 0, 1] ** 2
    out: Array = -_far2(gap, cover, sigma) / 2 - np.log(2 * math.pi * np.sqrt(det))
    return out


def _far2(gap: Array, cover: Array, sigma: float) -> Array:
    """The squared distances of differences (P, 2) from nought, in deviations of `cover` with `sigma` on top."""
    a, b, c = cover[:, 0, 0] + sigma**2, cover[:, 0, 1], cover[:, 1, 1] + sigma**2
    x, y = gap[:, 0], gap[:, 1]
    out: Array = (c * x * x - 2 * b * x * y + a * y * y) / (a * c - b * b)
    return out
