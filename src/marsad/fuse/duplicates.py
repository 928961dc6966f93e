"""Tracks that are one and the same: found by what is known of each, and made one.

Two cameras that see one object begin a track each. What either knows - a long thin ellipse, or several - says where
they cross, and their velocities whether they go on doing so. The odds that two tracks are one are those of their states
agreeing, against two objects of which one happens to be there.
"""

import itertools
import math
from collections.abc import Mapping
from functools import cache
from typing import Protocol

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.fuse.hypotheses import Ints, RowParts, Rows, reduce_rows, room_for
from marsad.geo.geodesy import Array
from marsad.kernel.record import read_only

_FOUR = 4
_FAR_SIGMAS2 = 25.0
_RIVALS = 5
_MET = 4
_LEAST_ASKED = 0.05
_MOST_AGAINST_S = 15.0


@njit(cache=True)
def _agreement(gap: Array, cover: Array) -> float:
    """The logarithm of the normal density of four numbers."""
    lower, out, log_det = np.zeros((_FOUR, _FOUR)), 0.0, 0.0
    rest = np.empty(_FOUR)
    for i in range(_FOUR):
        for j in range(i + 1):
            total = cover[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i == j:
                lower[i, i] = math.sqrt(max(total, 1e-12))
                log_det += math.log(lower[i, i])
            else:
                lower[i, j] = total / lower[j, j]
        rest[i] = gap[i]
        for k in range(i):
            rest[i] -= lower[i, k] * rest[k]
        rest[i] /= lower[i, i]
        out += rest[i] * rest[i]
    return -out / 2 - log_det - _FOUR / 2 * math.log(2 * math.pi)


@njit(cache=True)
def _joint_cover(rows: Rows, i: int, j: int, bias_spread: Array) -> Array:
    """The covariance (4, 4) of the difference of two rows' states, what both owe to the same biases cancelling."""
    cover = np.ascontiguousarray(rows.spread[i, :_FOUR, :_FOUR] + rows.spread[j, :_FOUR, :_FOUR])
    if bias_spread.shape[0]:
        apart = np.ascontiguousarray(rows.lean[i, :_FOUR] - rows.lean[j, :_FOUR])
        cover += apart @ bias_spread @ apart.T
    return cover


@njit(cache=True)
def _agreeing(rows: Rows, t: int, u: int, bias_spread: Array, speed_m_s: float) -> float:
    """How much likelier two tracks' states are if they are one than if both are somewhere, for each m2 of somewhere."""
    total = 0.0
    for i in range(rows.first[t], rows.first[t + 1]):
        for j in range(rows.first[u], rows.first[u + 1]):
            gap = rows.mean[j, :_FOUR] - rows.mean[i, :_FOUR]
            agreed = _agreement(gap, _joint_cover(rows, i, j, bias_spread))
            speed2 = rows.mean[j, 2] ** 2 + rows.mean[j, 3] ** 2
            alone = -speed2 / (2 * speed_m_s**2) - math.log(2 * math.pi * speed_m_s**2)
            # The velocity alone has its own uncertainty; twice the usual spread stands for it.
            total += rows.weight[i] * rows.weight[j] * math.exp(min(agreed - max(alone, -12.0), 60.0))
    return total


@njit(cache=True)
def _variance(rows: Rows, r: int, k: int, bias_spread: Array) -> float:
    """The variance of one of a row's numbers, the biases not being known."""
    total = float(rows.spread[r, k, k])
    for a in range(bias_spread.shape[0]):
        for b in range(bias_spread.shape[0]):
            total += rows.lean[r, k, a] * bias_spread[a, b] * rows.lean[r, k, b]
    return total


@njit(cache=True)
def same_odds(
    rows: Rows, worthy: NDArray[np.bool_], told_ns: Ints, since_ns: Ints, label: Ints, bias_spread: Array,
    now_ns: int, lately_ns: int, others_per_m2: float, speed_m_s: float,
) -> tuple[Ints, Array]:  # fmt: skip
    """Pairs (P, 2) of tracks that may be one, and the odds that they are.

    Not of tracks that one source tells apart within `lately_ns`: it has a label for each, or reports both, and one
    without a label. That it had a label for each at one time before speaks against it, by a factor of e for each second
    that it did, for labels of two who part are sometimes exchanged. `others_per_m2` is how many other objects there
    are, `speed_m_s` the usual size of a velocity component: what it costs to explain the two as two.
    """
    tracks = worthy.shape[0]
    low, high = np.empty((tracks, 2)), np.empty((tracks, 2))
    asked = np.flatnonzero(worthy)
    for t in asked:
        for k in range(2):
            low[t, k], high[t, k] = math.inf, -math.inf
            for r in range(rows.first[t], rows.first[t + 1]):
                reach = math.sqrt(_FAR_SIGMAS2 * _variance(rows, r, k, bias_spread))
                low[t, k] = min(low[t, k], rows.mean[r, k] - reach)
                high[t, k] = max(high[t, k], rows.mean[r, k] + reach)
    order = asked[np.argsort(low[asked, 0])]
    room, count = 64, 0
    out, odds = np.empty((room, 2), np.int64), np.empty(room)
    for a in range(len(order)):
        t = order[a]
        for b in range(a + 1, len(order)):
            u = order[b]
            if low[u, 0] > high[t, 0]:
                break
            if low[u, 1] > high[t, 1] or high[u, 1] < low[t, 1]:
                continue
            apart, against_s = False, 0.0
            for s in range(told_ns.shape[1]):
                both = min(told_ns[t, s], told_ns[u, s])
                if label[t, s] < 0 or label[u, s] < 0:
                    apart |= both > now_ns - lately_ns
                elif label[t, s] != label[u, s]:
                    began = max(since_ns[t, s], since_ns[u, s])
                    apart |= both >= began and both > now_ns - lately_ns
                    against_s += max(both - began, 0) / 1e9
            if apart or against_s > _MOST_AGAINST_S:
                continue
            total = _agreeing(rows, t, u, bias_spread, speed_m_s) * math.exp(-against_s)
            if total > others_per_m2 * 1e-3:
                if count == room:
                    room *= 2
                    more_out, more_odds = np.empty((room, 2), np.int64), np.empty(room)
                    more_out[:count], more_odds[:count] = out, odds
                    out, odds = more_out, more_odds
                out[count, 0], out[count, 1] = min(t, u), max(t, u)
                odds[count] = total / others_per_m2
                count += 1
    return out[:count].copy(), odds[:count].copy()


Triple = tuple[int, int, int]


class Threes(Protocol):
    """What says how surely three are one."""

    def odds(self, three: Triple, first: float) -> float:
        """The odds that three are one, `first` being those that the first two are."""


class Meeting:
    """The odds that three tracks are one, where two of them would meet held against the third.

    Any two lines of sight cross, and those of two cameras at two people four times. That of a third camera goes through
    the crossings that are somebody, and beside the others.
    """

    def __init__(
        self, rows: Rows, bias_spread: Array, others_per_m2: float, speed_m_s: float,
        silence: Mapping[tuple[int, int], float] | None = None,
    ) -> None:  # fmt: skip
        """`silence` is the part in each pair's odds of sources that report but one of the two."""
        self._rows, self._spread, self._silence = rows, bias_spread, silence or {}
        self._others, self._speed = others_per_m2, speed_m_s
        self._met: dict[tuple[int, int], RowParts] = {}

    def odds(self, three: Triple, first: float) -> float:
        """The odds, by where they are, `first` being those that the first two are one."""
        one, two, third = three
        if (one, two) not in self._met:
            self._met[one, two] = made_one(self._rows, one, two, self._spread, _MET, 1.0)
        met, rows = self._met[one, two], self._rows
        own = slice(rows.first[third], rows.first[third + 1])
        other = (rows.mean[own], rows.spread[own], rows.lean[own], rows.weight[own], rows.left[own])
        count = len(met[3])
        both = Rows(
            np.array([0, count, count + len(other[3])]),
            *(np.concatenate([a, b]) for a, b in zip(met, other, strict=True)),
        )
        silence = self._silence.get((one, third), 1.0) * self._silence.get((two, third), 1.0)
        return first * silence * _agreeing(both, 0, 1, self._spread, self._speed) / self._others


def certain(pairs: Ints, odds: Array, sure: float, meeting: Meeting | None = None) -> list[tuple[int, int]]:
    """Those pairs that are one with probability `sure`, the likeliest first.

    Two of whom nothing but the pair itself speaks must be sure by that.
    """
    least = sure / (1 - sure) if meeting is None else 1.0
    return surest(pairs, odds, shares(pairs, odds, least, meeting), sure)


def surest(pairs: Ints, odds: Array, share: Array, sure: float) -> list[tuple[int, int]]:
    """Those pairs whose `share` is above `sure`, the likeliest first."""
    found = [(odds[p], *pairs[p].tolist()) for p in np.flatnonzero(share > sure).tolist()]
    return [(one, two) for _, one, two in sorted(found, reverse=True)]


def shares(pairs: Ints, odds: Array, least: float, meeting: Threes | None = None) -> Array:
    """How probable it is that each pair (P) is one; 0 where the odds are not above `least`.

    Against a pair stands everything else that may be true of the two and of those that may be one with either.
    """
    listed = {(one, two): each for (one, two), each in zip(pairs.tolist(), odds.tolist(), strict=True)}
    weighed = _Weighed(listed, meeting)
    each = [weighed.share_together(*pair) if odds > least else 0.0 for pair, odds in listed.items()]
    return np.array(each, np.float64)


class _Weighed:
    """What speaks for any tracks being one."""

    def __init__(self, odds: Mapping[tuple[int, int], float], meeting: Threes | None) -> None:
        self._odds, self._meeting = odds, meeting
        self._three: dict[Triple, float] = {}
        self._rivals: dict[int, dict[int, float]] = {}
        for (one, two), each in odds.items():
            self._rivals.setdefault(one, {})[two] = each
            self._rivals.setdefault(two, {})[one] = each

    def share_together(self, one: int, two: int) -> float:
        """How probable it is that two tracks are one, of all the ways in which they and their rivals may be one or not.

        Only the likeliest rivals are asked.
        """
        if len(self._rivals[one]) == len(self._rivals[two]) == 1:
            odds = self._of_two(one, two)
            return odds / (1 + odds)
        rival = dict(self._rivals[one])
        for other, each in self._rivals[two].items():
            rival[other] = max(rival.get(other, 0.0), each)
        rivals = sorted(rival.keys() - {one, two}, key=lambda t: (-rival[t], t))[:_RIVALS]
        tracks = (one, two, *rivals)
        ways, together = _ways(len(tracks))
        weight = self._together(tracks)[ways].prod(axis=1)
        return float(weight[together].sum() / weight.sum())

    def _together(self, tracks: tuple[int, ...]) -> Array:
        """The odds that all of a group are one, for each group of the tracks, a bit for each: none and one alone is 1.

        Of a group of n they are those of n - 1 agreements, by the geometric mean of those of all threes.
        """
        pairs, threes, among, power = _groups(len(tracks))
        out = np.ones(1 << len(tracks))
        out[[1 << i | 1 << j for i, j in pairs]] = [self._of_two(tracks[i], tracks[j]) for i, j in pairs]
        if threes:
            each = np.array([self._of_three(*sorted((tracks[i], tracks[j], tracks[k]))) for i, j, k in threes])
            never = each <= 0
            log = np.log(np.where(never, 1.0, each))
            large = power > 0
            out[large] = np.where(among[large] @ never > 0, 0.0, np.exp((among[large] @ log) * power[large]))
        return out

    def _of_two(self, one: int, two: int) -> float:
        return self._odds.get((one, two) if one < two else (two, one), 0.0)

    def _of_three(self, one: int, two: int, three: int) -> float:
        """The odds that three are one; without more, two agreements, each the geometric mean of all pairs'."""
        those = (one, two, three)
        if those not in self._three:
            pairs = [self._odds.get(pair, 0.0) for pair in itertools.combinations(those, 2)]
            plain = 0.0 if min(pairs) <= 0 else math.prod(pairs) ** (2 / 3)
            asked = self._meeting is not None and min(pairs) > _LEAST_ASKED
            self._three[those] = self._meeting.odds(those, pairs[0]) if self._meeting and asked else plain
        return self._three[those]


@cache
def _ways(count: int) -> tuple[Ints, NDArray[np.bool_]]:
    """Every way to put tracks into groups, and whether the first two are together in it (W).

    The groups of a way are (W, N), each a bit for each of its tracks, 0 for none.
    """
    ways: list[tuple[int, ...]] = [()]
    for track in range(count):
        bit = 1 << track
        ways = [
            new for way in ways
            for new in ((*way, bit), *((*way[:at], group | bit, *way[at + 1 :]) for at, group in enumerate(way)))
        ]  # fmt: skip
    groups = np.array([way + (0,) * (count - len(way)) for way in ways], np.int64)
    return read_only(groups), read_only(((groups & 3) == 3).any(axis=1))


@cache
def _groups(count: int) -> tuple[list[tuple[int, int]], list[Triple], Array, Array]:
    """Of so many tracks all pairs, all threes, which threes are within each group (G, K), and what their mean is to.

    The power is 0 for groups of less than three.
    """
    pairs, threes = list(itertools.combinations(range(count), 2)), list(itertools.combinations(range(count), 3))
    group = np.arange(1 << count)
    bits = np.array([1 << i | 1 << j | 1 << k for i, j, k in threes], np.int64)
    among = (group[:, None] & bits == bits).astype(float)
    size = np.array([int(g).bit_count() for g in group])
    power = np.where(size > 2, (size - 1) / 2 / np.maximum(among.sum(axis=1), 1), 0.0)
    return pairs, threes, among, power


@njit(cache=True)
def made_one(rows: Rows, stays: int, goes: int, bias_spread: Array, most: int, apart: float) -> RowParts:
    """The rows of two tracks that are one: every row of one with every row of the other."""
    count = (rows.first[stays + 1] - rows.first[stays]) * (rows.first[goes + 1] - rows.first[goes])
    states, biases = rows.mean.shape[1], bias_spread.shape[0]
    mean, spread = np.empty((count, states)), np.empty((count, states, states))
    lean, weight = np.empty((count, states, biases)), np.empty(count)
    at = 0
    for i in range(rows.first[stays], rows.first[stays + 1]):
        for j in range(rows.first[goes], rows.first[goes + 1]):
            weight[at] = _held_together(rows, i, j, bias_spread, mean[at], spread[at], lean[at])
            at += 1
    weight = np.exp(weight - weight.max())
    weight /= weight.sum()
    left = np.full((count, rows.left.shape[1], rows.left.shape[2]), math.nan)
    room = room_for(count, biases, left.shape[1])
    kept = reduce_rows(mean, spread, lean, weight, left, count, most, apart, room)
    return mean[:kept], spread[:kept], lean[:kept], weight[:kept], left[:kept]


@njit(cache=True)
def _held_together(
    rows: Rows, i: int, j: int, bias_spread: Array, mean: Array, spread: Array, lean: Array
) -> float:  # fmt: skip
    """The log weight of row i once row j is known to be of the same object; its mean, covariance and lean are written.

    The gain is the best while the biases are left alone: they will learn from what both are reported at next.
    """
    gap = rows.mean[j, :_FOUR] - rows.mean[i, :_FOUR]
    total = _joint_cover(rows, i, j, bias_spread)
    cover = np.ascontiguousarray(rows.spread[i, :_FOUR, :_FOUR] + rows.spread[j, :_FOUR, :_FOUR])
    own = np.ascontiguousarray(rows.lean[i])
    tilt = np.ascontiguousarray(rows.lean[i, :_FOUR] - rows.lean[j, :_FOUR])
    reach = np.ascontiguousarray(rows.spread[i][:, :_FOUR])
    owed = reach + own @ bias_spread @ np.ascontiguousarray(tilt.T)
    gain = np.ascontiguousarray(np.linalg.solve(total, np.ascontiguousarray(owed.T)).T)
    mean[:] = rows.mean[i] + gain @ gap
    back = np.ascontiguousarray(gain.T)
    taken = reach @ back
    whole = rows.spread[i] - taken - taken.T + gain @ cover @ back
    spread[:] = (whole + whole.T) / 2
    lean[:] = own - gain @ tilt
    return math.log(max(rows.weight[i] * rows.weight[j], 1e-300)) + _agreement(gap, total)
