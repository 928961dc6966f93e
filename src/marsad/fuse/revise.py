"""The rows after a look: every pairing that may be true becomes a hypothesis, and the many are reduced to a few."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.fuse.associate import Chances, Claims, Pairs, Reports, shown
from marsad.fuse.hypotheses import STATES, Expected, Ints, RowParts, Rows, copy_row, correct, reduce_rows, room_for
from marsad.fuse.register import learn
from marsad.geo.geodesy import Array

_CHANCE = 1e-3
_SURE = 0.9
_BIAS_GATE2 = 16.0
_CANDIDATES = 64
_LEFT_GAIN = 0.3
_LEAST_MISS = 1e-3
_LEAST_FRESH = 0.01
_MOVED_RAD = 1e-4


class Revised(NamedTuple):
    """Rows after a look, their tracks' existence (T), what report each most probably is of (T), -1 for none.

    `surprise` (T) is the squared distance of that report, NaN without; `sure` (T) how probable that pairing is.
    """

    rows: Rows
    existence: Array
    report: Ints
    sure: Array
    surprise: Array


@njit(cache=True)
def revise(
    rows: Rows, expected: Expected, tilt: Array, reports: Reports, claims: Claims, pairs: Pairs, chances: Chances,
    existence: Array, detected: Array, fresh: float, linear: NDArray[np.bool_], source: int, slots: Ints,
    bias_spread: Array, shift: Array, learnt: Array, most: int, apart: float,
) -> Revised:  # fmt: skip
    """Every row after a look; `shift` (B) and `learnt` (B, B) come in as zero and as `bias_spread`, and are corrected.

    `detected` (T) is the probability that a track is reported, `fresh` how much of what the linear form leaves out is
    another than in the source's look before. Only rows that are `linear` (R) teach the biases.
    """
    tracks, biases, sources = existence.shape[0], bias_spread.shape[0], rows.left.shape[1]
    room = 0
    for t in range(tracks):
        begin, end = rows.first[t], rows.first[t + 1]
        room += min(most, max(end - begin + pairs.row_first[end] - pairs.row_first[begin], 1))
    mean, spread = np.empty((room, STATES)), np.empty((room, STATES, STATES))
    lean, weight = np.empty((room, STATES, biases)), np.empty(room)
    left, first = np.empty((room, sources, 2)), np.zeros(tracks + 1, np.int64)
    origin = np.zeros(room, np.int64)
    exists, best = np.empty(tracks), np.full(tracks, -1, np.int64)
    sure, surprise = np.zeros(tracks), np.full(tracks, math.nan)
    try_mean, try_spread = np.empty((_CANDIDATES, STATES)), np.empty((_CANDIDATES, STATES, STATES))
    try_lean, try_weight = np.empty((_CANDIDATES, STATES, biases)), np.empty(_CANDIDATES)
    try_left = np.empty((_CANDIDATES, sources, 2))
    pair_of = np.full(reports.value.shape[0], -1, np.int64)
    gap, cover, total = np.empty(2), np.empty((2, 2)), np.empty((2, 2))
    gain, reach, work = np.empty((STATES, 2)), np.empty((STATES, 2)), np.empty((STATES, 2))
    working = room_for(_CANDIDATES, biases, sources)
    tried = Rows(first, try_mean, try_spread, try_lean, try_weight, try_left)
    for t in range(tracks):
        # No source is so sure that one miss rules a thing out.
        hidden = max(1 - detected[t], _LEAST_MISS)
        missed = chances.missed[t] * existence[t] * hidden / max(1 - existence[t] * (1 - hidden), 1e-12)
        exists[t] = missed
        top = 0.0
        for e in range(pairs.first[t], pairs.first[t + 1]):
            exists[t] += chances.pair[e]
            pair_of[pairs.report[e]] = e
            if chances.pair[e] > top:
                top, best[t] = chances.pair[e], pairs.report[e]
        sure[t] = top
        count = 0
        for r in range(rows.first[t], rows.first[t + 1]):
            chance = missed * rows.weight[r] * max(1 - expected.seen[r], _LEAST_MISS) / hidden / exists[t]
            if count < _CANDIDATES and (chance > _CHANCE or pairs.first[t] == pairs.first[t + 1]):
                copy_row(rows, r, try_mean, try_spread, try_lean, try_left, count)
                try_weight[count] = chance
                count += 1
            for at in range(pairs.row_first[r], pairs.row_first[r + 1]):
                m = pairs.row_report[at]
                e = pair_of[m]
                likelihood = pairs.row_likelihood[at] * shown(expected.seen[r], claims.owner[m] == t)
                chance = (
                    chances.pair[e] * rows.weight[r] * likelihood / max(pairs.likelihood[e], 1e-300) / exists[t]
                )  # fmt: skip
                if chance < _CHANCE or count == _CANDIDATES:
                    continue
                # What the linear form leaves out comes again with every look: looks do not average it out.
                again = claims.owner[m] == t and not math.isnan(rows.left[r, source, 0])
                more = 1 / max(fresh, _LEAST_FRESH) - 1 if again else 0.0
                for i in range(2):
                    gap[i] = reports.value[m, i] - expected.value[r, i]
                    for j in range(2):
                        noise = reports.noise[m, i, j] + more * expected.noise[r, i, j]
                        cover[i, j] = pairs.own[r, i, j] + noise
                        total[i, j] = pairs.total[r, i, j] + noise
                known = False
                if chance * exists[t] > _SURE:
                    det = total[0, 0] * total[1, 1] - total[0, 1] * total[1, 0]
                    surprise[t] = (
                        total[1, 1] * gap[0] ** 2 - 2 * total[0, 1] * gap[0] * gap[1] + total[0, 0] * gap[1] ** 2
                    ) / det
                    if biases > 0 and linear[r]:
                        known = learn(shift, learnt, tilt[r], gap, cover, _BIAS_GATE2)
                copy_row(rows, r, try_mean, try_spread, try_lean, try_left, count)
                correct(
                    try_mean, try_spread, try_lean, count, expected.slope, tilt, r, gap, cover, total, bias_spread,
                    known, gain, reach, work,
                )  # fmt: skip
                try_weight[count] = chance
                same = claims.owner[m] == t
                for i in range(2):
                    rest = gap[i]
                    for k in range(STATES):
                        rest -= expected.slope[r, i, k] * (try_mean[count, k] - rows.mean[r, k])
                    before = rows.left[r, source, i]
                    try_left[count, source, i] = (
                        before + _LEFT_GAIN * (rest - before) if same and not math.isnan(before) else rest
                    )
                count += 1
        if count == 0:
            r = rows.first[t]
            copy_row(rows, r, try_mean, try_spread, try_lean, try_left, 0)
            try_weight[0], count = 1.0, 1
        count = reduce_rows(try_mean, try_spread, try_lean, try_weight, try_left, count, most, apart, working)
        begin = first[t]
        for k in range(count):
            copy_row(tried, k, mean, spread, lean, left, begin + k)
            weight[begin + k] = try_weight[k]
            origin[begin + k] = min(rows.first[t] + k, rows.first[t + 1] - 1)
        first[t + 1] = begin + count
    used = first[tracks]
    for r in range(used):
        for i in range(STATES):
            for b in range(biases):
                mean[r, i] += lean[r, i, b] * shift[b]
    for s in range(sources):
        for k in range(2):
            if s != source and slots[s, k] >= 0 and abs(shift[slots[s, k]]) > _MOVED_RAD:
                left[:used, s, :] = math.nan
    for r in range(used):
        for k in range(2):
            for b in range(biases):
                left[r, source, k] -= tilt[origin[r], k, b] * shift[b]
    kept = Rows(first, mean[:used], spread[:used], lean[:used], weight[:used], left[:used])
    return Revised(kept, exists, best, sure, surprise)


@njit(cache=True)
def begin_along(
    origin: Array, heading_rad: float, across: float, sigma_across: float, ranges: Array,
    speed_m_s: float, height_m: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Means (K, 5), covariances (K, 5, 5) and weights (K) of a track that begins on one of the ranges of a direction.

    They are wide on purpose, for the report itself has yet to be held against them.
    """
    count = ranges.shape[0]
    mean, spread = np.zeros((count, STATES)), np.zeros((count, STATES, STATES))
    weight = ranges[:, 2] / ranges[:, 2].sum()
    way_e, way_n = math.sin(heading_rad + across), math.cos(heading_rad + across)
    for k in range(count):
        far, along = ranges[k, 0], ranges[k, 1]
        aside = max(4 * sigma_across * far, 0.5)
        mean[k, 0], mean[k, 1] = origin[0] + far * way_e, origin[1] + far * way_n
        spread[k, 0, 0] = along**2 * way_e**2 + aside**2 * way_n**2
        spread[k, 1, 1] = along**2 * way_n**2 + aside**2 * way_e**2
        spread[k, 0, 1] = (along**2 - aside**2) * way_e * way_n
        spread[k, 1, 0] = spread[k, 0, 1]
        spread[k, 2, 2] = speed_m_s**2
        spread[k, 3, 3] = speed_m_s**2
        spread[k, 4, 4] = height_m**2
    return mean, spread, weight


def turning(parts: RowParts, origin: Array) -> tuple[float, float]:
    """How fast a track goes round a place (rad/s, clockwise), and the variance of that."""
    mean, spread, _, weight, _ = parts
    off = mean[:, :2] - origin[:2]
    aside = np.stack([off[:, 1], -off[:, 0]], axis=1) / (off**2).sum(axis=1)[:, None]
    rate = (aside * mean[:, 2:4]).sum(axis=1)
    within = np.einsum("ri,rij,rj->r", aside, spread[:, 2:4, 2:4], aside)
    middle = float(weight @ rate)
    return middle, float(weight @ (within + (rate - middle) ** 2))


def with_turning(parts: RowParts, rate: tuple[float, float], origin: Array) -> RowParts:
    """Rows whose velocity is not known, with what it is worth that they go round a place so fast."""
    mean, spread, lean, weight, left = (part.copy() for part in parts)
    for k in range(len(weight)):
        off = mean[k, :2] - origin[:2]
        away = max(float(np.hypot(*off)), 1.0)
        way = off / away
        aside = np.array([way[1], -way[0]])
        usual2 = float(spread[k, 2, 2])
        share = usual2 / (usual2 + rate[1] * away**2)
        turn = share * rate[0]
        mean[k, 2:4] = turn * away * aside
        spread[k, 2:4, 2:4] -= share * usual2 * np.outer(aside, aside)
        # The farther it is, the faster it goes to turn as fast.
        farther = np.eye(STATES)
        farther[2:4, :2] = turn * np.outer(aside, way)
        spread[k] = farther @ spread[k] @ farther.T
        lean[k] = farther @ lean[k]
    return mean, spread, lean, weight, left
