"""Who moves together: groups of tracks, and silhouettes that hold several people, counted with their uncertainty.

Two tracks belong together once they have been near each other with like velocities for a while; a group is what such
pairs connect. How many there are is kept as a distribution: each track holds one or more people, by how many are seen
side by side in it and how wide they are where metres are known, and those whose track ended inside another's silhouette
are counted as probably still there.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.detection import Box
from marsad.kernel.track import Count, Kind, Size, Track

Odds = NDArray[np.float64]
"""The probability of each number of people, from 0 on."""

EVERY_S = 0.2
"""Pairs are looked at this often at most: belonging together takes seconds."""
TOGETHER_S = 1.5
PARTED_S = 0.4
MOST_S = 5.0
NEAR_HEIGHTS = 3.0
NEAR_M = 6.0
LIKE_HEIGHTS_S = 0.4
LIKE_SHARE = 0.4
"""Velocities are alike when they differ by less than this share of their mean, or by `LIKE_HEIGHTS_S` body heights."""
CONTRARY = 3.0
"""Beside each other with velocities up to so many times too different counts for nothing, and against nothing."""
STEADY_S = 1.0
"""Velocities are held against each other averaged over so long: a stride, or a blur, jerks a silhouette to and fro."""
STILL_HEIGHTS_S = 0.12
REMEMBERED_S = 10.0
PERSON_M = 0.7
BRIDGED_PX = (2.0, 7.0)
BRIDGED_HEIGHT_M = (1.9, 2.2)
"""What a silhouette bridges between people: the more the higher it is. One no higher than a person is seen along level
ground, where those who stand behind each other hide each other; in a higher one they show side by side."""
CLEARLY_SEVERAL = 2.2
"""Widths of a person from which a silhouette is several people."""
STILL_HIDDEN = 0.7
"""How probable it is that one whose track ended within a companion's silhouette is still there."""
TALLEST_M = 7.0
"""People one behind the other, seen from a mast, make one silhouette hardly taller than this."""
MOST_PEOPLE = 40
MOST_PARTS = 12
PARTS_KEPT = 0.9
"""What is left of how often so many were seen side by side when they are seen again: a second's memory at nine a
second."""
PARTS_SHARE = 0.25
"""So many stand side by side as were seen in this share of the sights: in the others some hid each other."""
SHOULDERS_M = 0.8
"""What each further one adds to a silhouette without a gap, at most."""
SEVERAL, ONE_OF_SEVERAL = 0.2, 0.1
"""How probable two are against one: in a silhouette, and in one of those that stand side by side in it."""
SOLID = 0.65
"""Where more of a silhouette than this share is covered, those side by side stand before others whom they hide."""
FASTEST_M_S = 8.0
"""What people can hardly exceed across the line of sight."""
HUMAN: Final[frozenset[Kind]] = frozenset({"person", "group", "unknown"})

Pair = tuple[int, int]


class _Member:
    """What the grouper remembers of one track."""

    __slots__ = (
        "covered_m",
        "group_id",
        "hidden",
        "known_s",
        "parts",
        "seen_ns",
        "track",
        "velocity_x_px_s",
        "velocity_y_px_s",
        "width_m",
    )

    def __init__(self, track: Track) -> None:
        self.track = track
        self.seen_ns = track.time_ns
        self.group_id: int | None = None
        self.hidden: set[int] = set()
        self.width_m = 0.0 if track.size is None else track.size.width_m
        self.velocity_x_px_s = track.velocity_x_px_s
        self.velocity_y_px_s = track.velocity_y_px_s
        self.known_s = 0.0
        self.parts = [0.0] * MOST_PARTS
        self.covered_m = [0.0] * MOST_PARTS

    def count_parts(self, parts: int, covered_m: float) -> None:
        """Note how many stood side by side in one picture, and how wide they were without the gaps."""
        k = min(parts, MOST_PARTS) - 1
        self.parts = [PARTS_KEPT * seen for seen in self.parts]
        self.parts[k] += 1.0
        self.covered_m[k] += (covered_m - self.covered_m[k]) / self.parts[k]

    def abreast(self) -> tuple[int, float]:
        """How many stand side by side, and how wide one of them is; (0, 0) where that was never seen."""
        least, seen = PARTS_SHARE * sum(self.parts), 0.0
        for k in range(MOST_PARTS - 1, -1, -1):
            seen += self.parts[k]
            if self.parts[k] > 0.0 and seen >= least:
                return k + 1, self.covered_m[k] / (k + 1)
        return 0, 0.0

    def steady(self, step_s: float) -> None:
        """Take the present velocity into the average."""
        self.known_s = min(self.known_s + step_s, STEADY_S)
        pace = min(step_s / self.known_s, 1.0)
        self.velocity_x_px_s += pace * (self.track.velocity_x_px_s - self.velocity_x_px_s)
        self.velocity_y_px_s += pace * (self.track.velocity_y_px_s - self.velocity_y_px_s)

    def speed(self) -> float:
        """Body heights a second in the picture."""
        return math.hypot(self.velocity_x_px_s, self.velocity_y_px_s) / max(self.track.box.h_px, 1.0)


class Grouper:
    """Tells which of one camera's tracks move together, and how many they are."""

    def __init__(self) -> None:
        self._members: dict[int, _Member] = {}
        self._together: dict[Pair, float] = {}
        self._linked: set[Pair] = set()
        self._counts: dict[int, Count] = {}
        self._present: set[int] = set()
        self._next_id = 1
        self._looked_ns: int | None = None

    def count_parts(self, track: Track, parts: int, covered_px: float) -> None:
        """Note what was seen side by side in the silhouette of a track that is known already."""
        member = self._members.get(track.track_id)
        if member is not None and track.size is not None:
            scale = track.size.height_m / max(track.box.h_px, 1.0)
            member.count_parts(parts, covered_px * scale)

    def update(self, tracks: Sequence[Track]) -> list[Track]:
        """The same tracks in the same order, those of a group with its number and count.

        A silhouette that is clearly several people is of kind group, whether alone or not.
        """
        active = [t for t in tracks if t.status in {"confirmed", "coasting"}]
        if active:
            self._remember(active)
            now_ns = active[0].time_ns
            if self._due(now_ns, active):
                step_s = EVERY_S if self._looked_ns is None else min((now_ns - self._looked_ns) / 1e9, 2.0)
                self._looked_ns = now_ns
                self._look(active, step_s, now_ns)
        return [self._told(t) if t.status in {"confirmed", "coasting"} else t for t in tracks]

    def _due(self, now_ns: int, active: Sequence[Track]) -> bool:
        """Whether it is time to look again: after a while, or when a track has come or gone."""
        if self._looked_ns is None or now_ns - self._looked_ns >= EVERY_S * 1e9:
            return True
        return {t.track_id for t in active} != self._present

    def _remember(self, active: Sequence[Track]) -> None:
        for track in active:
            member = self._members.get(track.track_id)
            if member is None:
                member = self._members[track.track_id] = _Member(track)
            member.track, member.seen_ns = track, track.time_ns
            if track.size is not None:
                pace = 1.0 if member.width_m == 0.0 else 0.1
                member.width_m += pace * (track.size.width_m - member.width_m)

    def _look(self, active: Sequence[Track], step_s: float, now_ns: int) -> None:
        present = self._present = {t.track_id for t in active}
        self._unhide(present)
        self._hide(present, now_ns)
        self._weigh(active, step_s)
        self._forget(now_ns)
        parts = _connected(present, self._linked)
        self._name(parts)
        self._counts = {}
        for part in parts:
            self._count(part)

    def _unhide(self, present: set[int]) -> None:
        """Take those who are seen again out of the silhouettes they were thought to be in."""
        for key in present:
            self._members[key].hidden -= present

    def _hide(self, present: set[int], now_ns: int) -> None:
        """Those who have just gone, beside a companion: probably within its silhouette."""
        for key, member in self._members.items():
            if key in present or member.group_id is None or now_ns - member.seen_ns > 1e9 * TOGETHER_S:
                continue
            if any(key in other.hidden for other in self._members.values()):
                continue
            keeper = self._keeper(member, present)
            if keeper is not None:
                keeper.hidden |= {key} | member.hidden
                member.hidden = set()

    def _keeper(self, gone: _Member, present: set[int]) -> _Member | None:
        """The nearest companion of one who has gone, if its box is within a body height."""
        best, least = None, gone.track.box.h_px
        for key in present:
            other = self._members[key]
            if other.group_id != gone.group_id:
                continue
            apart = _between(gone.track, other.track)
            if apart <= least:
                best, least = other, apart
        return best

    def _weigh(self, active: Sequence[Track], step_s: float) -> None:
        """Count the time that pairs have been together, and link or part them."""
        by_id = {t.track_id: self._members[t.track_id] for t in active}
        for member in by_id.values():
            member.steady(step_s)
        near = self._near_pairs(list(by_id.values()))
        for pair, counts in near.items():
            if counts:
                self._together[pair] = min(self._together.get(pair, 0.0) + step_s, MOST_S)
            if self._emerged(pair):
                self._together[pair] = max(self._together.get(pair, 0.0), TOGETHER_S)
        for pair, seconds in list(self._together.items()):
            left = seconds
            if pair not in near and pair[0] in by_id and pair[1] in by_id:
                left = self._together[pair] = max(seconds - step_s, 0.0)
            if left >= TOGETHER_S - 1e-6:
                self._linked.add(pair)
            elif left < PARTED_S:
                self._linked.discard(pair)

    def _near_pairs(self, active: Sequence[_Member]) -> dict[Pair, bool]:
        """Pairs that are near each other, and whether that counts as time spent together."""
        ordered = sorted(active, key=lambda m: m.track.box.centre_px[0])
        boxes = [m.track.box for m in ordered]
        reach = 1.7 * NEAR_HEIGHTS * max(box.h_px for box in boxes) + max(box.w_px for box in boxes)
        near: dict[Pair, bool] = {}
        for i, one in enumerate(ordered):
            for j in range(i + 1, len(ordered)):
                two = ordered[j]
                if boxes[j].centre_px[0] - boxes[i].centre_px[0] > reach:
                    break
                if not _kindred(one.track.kind, two.track.kind) or not _is_near(one.track, two.track):
                    continue
                pair = _pair(one.track.track_id, two.track.track_id)
                counts = pair in self._linked or _are_of_one_bunch(one, two) or _go_together(one, two)
                if counts is not None:
                    near[pair] = counts
        return near

    def _emerged(self, pair: Pair) -> bool:
        """Whether one of two near tracks is new and the other hides somebody: who went in comes out again."""
        for old, new in (pair, pair[::-1]):
            keeper, fresh = self._members[old], self._members[new]
            if keeper.hidden and fresh.group_id is None and _is_new(fresh.track):
                keeper.hidden.discard(min(keeper.hidden))
                return True
        return False

    def _forget(self, now_ns: int) -> None:
        gone = [k for k, m in self._members.items() if now_ns - m.seen_ns > REMEMBERED_S * 1e9]
        for key in gone:
            del self._members[key]
        for pair in [p for p in self._together if p[0] not in self._members or p[1] not in self._members]:
            del self._together[pair]
            self._linked.discard(pair)

    def _name(self, parts: Sequence[list[int]]) -> None:
        """Give each part the number most of it had, the larger part first; what is left alone has none."""
        taken: set[int] = set()
        for part in sorted(parts, key=lambda p: (-len(p), p[0])):
            votes: dict[int, int] = {}
            for key in part:
                before = self._members[key].group_id
                if before is not None:
                    votes[before] = votes.get(before, 0) + 1 + len(self._members[key].hidden)
            free = [(-count, number) for number, count in votes.items() if number not in taken]
            alone = len(part) == 1 and not self._members[part[0]].hidden and not self._is_several(part[0])
            number = None if alone else min(free)[1] if free else self._new_id()
            if number is not None:
                taken.add(number)
            for key in part:
                self._members[key].group_id = number

    def _new_id(self) -> int:
        self._next_id += 1
        return self._next_id - 1

    def _is_several(self, key: int) -> bool:
        """Whether one silhouette is clearly several people."""
        member = self._members[key]
        size = member.track.size
        if member.track.kind not in {"person", "group"} or size is None or not 0.9 <= size.height_m <= TALLEST_M:
            return False
        if not _goes_on_foot(member):
            return False
        return member.width_m - size.sigma_m >= CLEARLY_SEVERAL * PERSON_M or (
            member.track.kind == "group" and member.width_m >= CLEARLY_SEVERAL * PERSON_M
        )

    def _count(self, part: Sequence[int]) -> None:
        """How many people the tracks of one part are."""
        if self._members[part[0]].group_id is None and self._members[part[0]].track.kind != "group":
            return
        odds = np.ones(1)
        for key in part:
            if not self._is_within_another(key, part):
                odds = np.convolve(odds, self._odds(key))
        count = _interval(odds)
        for key in part:
            self._counts[key] = count

    def _is_within_another(self, key: int, part: Sequence[int]) -> bool:
        """Whether one that is not seen just now is where a companion's silhouette is seen: it is counted there."""
        track = self._members[key].track
        if track.status != "coasting":
            return False
        x, y = track.box.centre_px
        boxes = [self._members[k].track.box for k in part if self._members[k].track.status == "confirmed"]
        return any(abs(x - b.centre_px[0]) < b.w_px / 2 and abs(y - b.centre_px[1]) < b.h_px / 2 for b in boxes)

    def _odds(self, key: int) -> Odds:
        """The distribution of people in one track's silhouette, those hidden behind it included."""
        member = self._members[key]
        size = member.track.size
        odds = _SINGLE
        if size is not None and member.track.kind in HUMAN and 0.9 <= size.height_m <= TALLEST_M:
            odds = _in_silhouette(member, size)
        if member.track.kind == "group":
            odds = np.concatenate([[0.0, 0.0], odds[2:]])
            odds /= odds.sum()
        elif member.track.kind == "unknown":
            odds = 0.85 * odds
            odds[0] += 0.15
        if member.track.status == "coasting":
            odds = STILL_HIDDEN * odds
            odds[0] += 1 - STILL_HIDDEN
        return _at_least(odds, len(member.hidden)) if member.hidden else odds

    def _told(self, track: Track) -> Track:
        member = self._members[track.track_id]
        several = track.kind in {"person", "group"} and self._is_several(track.track_id)
        count = self._counts.get(track.track_id)
        if member.group_id is None and count is None and not several:
            return track
        kind: Kind = "group" if several else track.kind
        sure = max(track.kind_confidence, 0.7) if several and track.kind != "group" else track.kind_confidence
        return msgspec.structs.replace(
            track, group_id=member.group_id, count=count, kind=kind, kind_confidence=min(sure, 0.9)
        )


def _at_least(odds: Odds, hidden: int) -> Odds:
    """A distribution of people seen in a silhouette, when probably so many more than one are in it, seen or not."""
    within = np.array([0.0, 1.0])
    for _ in range(min(hidden, MOST_PEOPLE - 1)):
        within = np.convolve(within, [1 - STILL_HIDDEN, STILL_HIDDEN])
    most = max(len(odds), len(within))
    either = np.cumsum(np.pad(odds, (0, most - len(odds)))) * np.cumsum(np.pad(within, (0, most - len(within))))
    return np.diff(either, prepend=0.0)


def _in_silhouette(member: _Member, size: Size) -> Odds:
    """The probability of each number of people in one track's silhouette."""
    parts, part_m = member.abreast()
    if parts == 0 or (parts > 1 and parts * part_m > SOLID * member.width_m):
        odds = in_silhouette(member.width_m, size.sigma_m, SHOULDERS_M + _bridged_m(size, member.track.box))
        odds[:parts] = 0.0
        odds[max(parts, 1)] += 1e-12
        odds /= odds.sum()
        return odds
    each = in_silhouette(part_m, size.sigma_m, SHOULDERS_M, SEVERAL if parts == 1 else ONE_OF_SEVERAL)
    odds = each
    for _ in range(parts - 1):
        odds = np.convolve(odds, each)[: MOST_PEOPLE + 1]
    return odds


def in_silhouette(width_m: float, sigma_m: float, further_m: float = SHOULDERS_M, several: float = SEVERAL) -> Odds:
    """The probability of each number of people, 0 to `MOST_PEOPLE`, in one connected silhouette of a given width.

    One person is 0.7 m wide, give or take 0.15 m for arms, stride and load; each further one adds 0 to `further_m`.
    Two are `several` times as likely as one, and then each further one is 0.6 times as likely.
    """
    people = np.arange(1, MOST_PEOPLE + 1)
    mean = PERSON_M + (people - 1) * further_m / 2
    variance = 0.15**2 + (people - 1) * further_m**2 / 12 + sigma_m**2
    # Arms, loads and strides make one person wide more easily than the same error makes one narrow.
    off = np.where((people == 1) & (width_m < mean), 0.0, width_m - mean)
    prior = np.where(people == 1, 1.0, several * 0.6 ** (people - 2))
    weight = prior / np.sqrt(variance) * np.exp(-0.5 * off**2 / variance) + 1e-12 * (people == 1)
    odds = np.zeros(MOST_PEOPLE + 1)
    odds[1:] = weight / weight.sum()
    return odds


def _bridged_m(size: Size, box: Box) -> float:
    """How wide a gap between two people a silhouette bridges, in metres."""
    (low_m, high_m), (least_px, most_px) = BRIDGED_HEIGHT_M, BRIDGED_PX
    share = min(max((size.height_m - low_m) / (high_m - low_m), 0.0), 1.0)
    return (least_px + share * (most_px - least_px)) * size.height_m / max(box.h_px, 1.0)


_SINGLE: Odds = np.array([0.03, 0.87, 0.08, 0.02])
"""Without metres: one, perhaps a fragment of another, perhaps two."""


def _interval(odds: Odds) -> Count:
    """The median of a distribution, and between what nine tenths of it lie."""
    total = np.cumsum(odds) / odds.sum()
    low, best, high = (int(np.searchsorted(total, share - 1e-9)) for share in (0.05, 0.5, 0.95))
    return Count(best=max(best, 1), low=max(low, 1), high=max(high, 1))


def _pair(one: int, two: int) -> Pair:
    return (one, two) if one < two else (two, one)


def _kindred(one: Kind, two: Kind) -> bool:
    return (one in HUMAN and two in HUMAN) or (one == two and one in {"vehicle", "animal"})


def _between(one: Track, two: Track) -> float:
    """Pixels between the nearest edges of two boxes, 0 where they overlap."""
    a, b = one.box, two.box
    dx = max(a.x_px - b.x_px - b.w_px, b.x_px - a.x_px - a.w_px, 0.0)
    dy = max(a.y_px - b.y_px - b.h_px, b.y_px - a.y_px - a.h_px, 0.0)
    return math.hypot(dx, dy)


def _is_near(one: Track, two: Track) -> bool:
    """Near in the picture, and on the ground where both are located: their own errors are allowed for."""
    a, b = one.box, two.box
    height = (a.h_px + b.h_px) / 2
    if max(a.h_px, b.h_px) > 2.5 * min(a.h_px, b.h_px):
        return False
    apart = _between(one, two)
    if one.ground is None or two.ground is None or one.ground.multimodal or two.ground.multimodal:
        foot = abs(a.y_px + a.h_px - b.y_px - b.h_px)
        return apart <= NEAR_HEIGHTS * height and foot <= 1.5 * height
    east, north = one.ground.east_m - two.ground.east_m, one.ground.north_m - two.ground.north_m
    distance = math.hypot(east, north)
    if distance < 1e-6:
        return True
    ca, cb = one.ground.covariance, two.ground.covariance
    variance = (
        east * east * (ca.east_m2 + cb.east_m2)
        + 2 * east * north * (ca.east_north_m2 + cb.east_north_m2)
        + north * north * (ca.north_m2 + cb.north_m2)
    ) / distance**2
    between = distance - _beyond_one_m(one) / 2 - _beyond_one_m(two) / 2
    return apart <= 1.7 * NEAR_HEIGHTS * height and between - 1.5 * math.sqrt(max(variance, 0.0)) <= NEAR_M


def _beyond_one_m(track: Track) -> float:
    """How much wider than one person a silhouette is: its place is that of its middle."""
    return 0.0 if track.size is None else max(track.size.width_m - PERSON_M, 0.0)


def _are_of_one_bunch(one: _Member, two: _Member) -> bool:
    """Whether two lie beside each other and one is several people, whose outline leaps as they part and meet."""
    height = (one.track.box.h_px + two.track.box.h_px) / 2
    return max(one.abreast()[0], two.abreast()[0]) > 1 and _between(one.track, two.track) <= height


def _go_together(one: _Member, two: _Member) -> bool | None:
    """Whether two move, and alike; None where they go clearly different ways."""
    height = (one.track.box.h_px + two.track.box.h_px) / 2
    dx = one.velocity_x_px_s - two.velocity_x_px_s
    dy = one.velocity_y_px_s - two.velocity_y_px_s
    mean = (one.speed() + two.speed()) / 2
    unlike = math.hypot(dx, dy) / height / max(LIKE_HEIGHTS_S, LIKE_SHARE * mean)
    return None if unlike > CONTRARY else unlike <= 1.0 and mean > STILL_HEIGHTS_S


def _goes_on_foot(member: _Member) -> bool:
    """Whether people could be so fast; yes where metres are not known."""
    size = member.track.size
    if size is None:
        return True
    return member.speed() * size.height_m <= FASTEST_M_S * (1 + size.sigma_m / max(size.height_m, 1e-3))


def _is_new(track: Track) -> bool:
    """Whether a track was first seen within the last three seconds."""
    return track.time_ns - track.first_ns < 3_000_000_000


def _connected(present: set[int], linked: set[Pair]) -> list[list[int]]:
    """The present tracks, split into parts that links connect."""
    root = {key: key for key in present}

    def top(key: int) -> int:
        while root[key] != key:
            root[key] = root[root[key]]
            key = root[key]
        return key

    for one, two in linked:
        if one in root and two in root:
            a, b = sorted((top(one), top(two)))
            root[b] = a
    parts: dict[int, list[int]] = {}
    for key in sorted(present):
        parts.setdefault(top(key), []).append(key)
    return list(parts.values())
