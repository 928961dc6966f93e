"""How many they are, from what each source counted and from who was told apart.

A silhouette may hold several: its source counts them, with an interval. Another source may tell the same people apart,
one by one, or see only some of them. Each source's view of a group is a distribution of a number: those it told, and
those only others told, unless they may stand in one of its silhouettes. Nobody it saw is invented, while some may have
been hidden from it. The number that all of them make likely is the group's.
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from marsad.geo.geodesy import Array
from marsad.kernel.record import read_only
from marsad.kernel.track import Count

MOST = 200
_SEEN = 0.95
"""How probable it is that one of a group shows, apart or within a silhouette that is counted."""
_NINETY = 3.29
"""The width of a 90 % interval in standard deviations."""
_LEAST_SIGMA = 0.4


class Told(NamedTuple):
    """One member: how probable it is that it exists, where, and how many each source counted in it."""

    existence: float
    east_m: float
    north_m: float
    counted: Mapping[str, Count | None]


def count_of(counts: Sequence[Count]) -> Count | None:
    """What several counts of the same thing say together; nothing where nobody counted."""
    if len(counts) < 2:
        return counts[0] if counts else None
    odds = np.ones(MOST + 1)
    for count in counts:
        each = _odds_of(count)
        odds[: len(each)] *= each + 1e-9
        odds[len(each) :] *= 1e-9
    odds[0] = 0.0
    return _interval(odds)


def heads_in(sides: Sequence[Sequence[Told]], blob_m: float) -> Count:
    """How many there are in a group; a silhouette that holds several may hold others within `blob_m`.

    Each side holds the same people, as those see them who see no other side: nobody can tell which is which there.
    """
    # In an order of their own, so that the order they come in changes nothing.
    ordered = sorted((sorted(side, key=_order) for side in sides), key=lambda side: [_order(m) for m in side])
    most = min(MOST, 2 * max(sum(_held(member) for member in side) for side in ordered) + 8)
    number = np.arange(most + 1)
    odds = np.where(number > 0, 1.0 / np.maximum(number, 1), 0.0)
    for members in ordered:
        sources = sorted({source for member in members for source in member.counted})
        for source in sources or [""]:
            seen = _seen_by(source, members, blob_m)[: most + 1]
            odds = odds * (_hidden(most)[:, : len(seen)] @ seen + 1e-12)
    return _interval(odds)


def _order(member: Told) -> tuple[float, float, float]:
    return member.east_m, member.north_m, member.existence


def _held(member: Told) -> int:
    """The most that anybody counted in a member."""
    return max((count.high for count in member.counted.values() if count is not None), default=1)


def _is_blob(count: Count | None) -> bool:
    return count is not None and count.best > 1


def _alone_in_blob(member: Told) -> bool:
    """Whether a member is but a silhouette that holds several: whoever stands in it may be told by others too."""
    return bool(member.counted) and all(_is_blob(count) for count in member.counted.values())


class _Counted(NamedTuple):
    """What a source counted: a number of heads in one member or, said of each, in several, and who those are."""

    heads: Count | None
    members: tuple[Told, ...]


def _counts_by(source: str, members: Sequence[Told]) -> list[_Counted]:
    """What a source counted; a camera says a group's count of each of its members, which is one count."""
    by: dict[Count, list[Told]] = {}
    out: list[_Counted] = []
    for member in members:
        if source in member.counted:
            count = member.counted[source]
            if count is not None and count.best > 1:
                by.setdefault(count, []).append(member)
            else:
                out.append(_Counted(count, (member,)))
    return out + [_Counted(count, tuple(those)) for count, those in by.items()]


def _room_in(counted: _Counted) -> int:
    """How many that others tell apart may be within what a source counted."""
    if counted.heads is None or counted.heads.best < 2:
        return 0
    alone = len(counted.members) == 1 and len(counted.members[0].counted) == 1
    return max(counted.heads.best - (0 if alone else len(counted.members)), 0)


def _seen_by(source: str, members: Sequence[Told], blob_m: float) -> Array:
    """The odds of each number of those there are as one source has it, others' word taken for whom it cannot hold."""
    odds = np.ones(1)
    counts = _counts_by(source, members)
    for counted in counts:
        odds = np.convolve(odds, _thinned(_odds_of(counted.heads), max(m.existence for m in counted.members)))
    room = [_room_in(counted) for counted in counts]
    for member in members:
        if source in member.counted or (any(room) and _alone_in_blob(member)):
            continue
        apart = [min(_apart_m(m, member) for m in counted.members) for counted in counts]
        near = [i for i, free in enumerate(room) if free > 0 and apart[i] <= blob_m]
        if near:
            room[min(near, key=apart.__getitem__)] -= 1
        elif not (_alone_in_blob(member) and _told_singly(source, members, member, blob_m)):
            odds = np.convolve(odds, _thinned(_odds_of(_counted(member)), member.existence))
    return odds


def _told_singly(source: str, members: Sequence[Told], blob: Told, blob_m: float) -> bool:
    """Whether a source tells people apart where another sees but a silhouette."""
    return any(source in m.counted and _apart_m(m, blob) <= blob_m for m in members)


def _counted(member: Told) -> Count | None:
    """What those who counted a member found together."""
    return count_of([count for count in member.counted.values() if count is not None])


def _apart_m(one: Told, two: Told) -> float:
    return math.hypot(one.east_m - two.east_m, one.north_m - two.north_m)


def _odds_of(count: Count | None) -> Array:
    """The probability of each number, 0 to the most; one where nobody counted."""
    if count is None:
        return np.array([0.0, 1.0])
    sigma = max((count.high - count.low) / _NINETY, _LEAST_SIGMA)
    number = np.arange(min(MOST, math.ceil(count.high + 3 * sigma)) + 1)
    odds = np.exp(-(((number - count.best) / sigma) ** 2) / 2)
    odds[0] = 0.0
    whole: Array = odds / odds.sum()
    return whole


def _thinned(odds: Array, existence: float) -> Array:
    """The odds of a number that is nought where the thing does not exist."""
    out = odds * existence
    out[0] += 1 - existence
    return out


@cache
def _hidden(most: int) -> Array:
    """The probability (N, K) that of n there are k show."""
    out = np.zeros((most + 1, most + 1))
    out[0, 0] = 1.0
    for n in range(1, most + 1):
        out[n, 1:] = out[n - 1, :-1] * _SEEN
        out[n] += out[n - 1] * (1 - _SEEN)
    return read_only(out)


def _interval(odds: Array) -> Count:
    """The likeliest number, and between what nine tenths of the odds lie."""
    total = np.cumsum(odds) / odds.sum()
    low, high = (int(np.searchsorted(total, share - 1e-9)) for share in (0.05, 0.95))
    best = int(np.argmax(odds))
    return Count(best=max(best, 1), low=max(min(low, best), 1), high=max(high, best, 1))
