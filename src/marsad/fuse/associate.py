"""Which report is of which track: gates, likelihoods, and how probable each pairing is.

The marginal probabilities are found by belief propagation over the pairs within their gates: each round costs a pass
over the pairs, it converges always, and it is exact where the pairs form no loop.

Source: Williams and Lau, "Approximate evaluation of marginal association probabilities with belief propagation", IEEE
TAES 50 (2014); Williams, "Marginal multi-Bernoulli filters", IEEE TAES 51 (2015).
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.fuse.hypotheses import Expected, Ints, Rows, bias_noise, own_noise
from marsad.geo.geodesy import Array

_ROUNDS = 200
_SETTLED = 1e-6
HIDDEN_SEEN = 0.02
_JUMP2 = 40.0
_ROUNDING = 1 + 1e-9


class Reports(NamedTuple):
    """A look's measurements: `value` (M, 2), covariance `noise` (M, 2, 2), the source's `label` (M) or -1."""

    value: Array
    noise: Array
    label: Ints


class Pairs(NamedTuple):
    """Pairs of rows and reports within their gates, row after row, and of tracks and reports.

    Rows: `row_first` (R + 1), `row_report`, `row_likelihood` (a density over what is reported). Tracks: `first`
    (T + 1), `report`, `likelihood` (existence and detection left out). `own` (R, 2, 2) is what is expected of a row
    with the biases known, `total` with them not. `beside` (R) says where a report may be of the row that another track
    has: then the row is not missed, for the two tracks may be one.
    """

    row_first: Ints
    row_report: Ints
    row_likelihood: Array
    first: Ints
    report: Ints
    likelihood: Array
    own: Array
    total: Array
    beside: NDArray[np.bool_]


class Chances(NamedTuple):
    """How probable it is that a pair is one (P), that a track was not reported (T), that a report is of none (M)."""

    pair: Array
    missed: Array
    new: Array


class Claims(NamedTuple):
    """What labels say before anything is measured.

    `owner` (M) is the track whose label a report carries, -1 for none: it is of that track or of none. `open` (T) says
    which tracks may take a report with a label nobody has.
    """

    owner: Ints
    open: NDArray[np.bool_]


@njit(cache=True)
def shown(seen: float, told: bool) -> float:
    """How probable it is that a row is reported, being there.

    The elevation data may be wrong about what is hidden, so that it is never ruled out; and that a thing is still
    reported where it was says nothing more of it.
    """
    return 1.0 if told else max(seen, HIDDEN_SEEN)


@njit(cache=True)
def _beside(reports: Reports, m: int, expected: float, reach2: float, gate2: float) -> bool:
    """Whether a report's second number alone lets it be of a row; no pair is nearer than one number says."""
    gap = reports.value[m, 1] - expected
    return bool(gap * gap <= (reach2 + gate2 * reports.noise[m, 1, 1]) * _ROUNDING)


@njit(cache=True)
def gate(
    rows: Rows, expected: Expected, tilt: Array, bias_spread: Array, reports: Reports, claims: Claims, source: int,
    gate2: float, same: float,
) -> Pairs:  # fmt: skip
    """The pairs whose squared distance is below `gate2`; one whose label says so is `same` times as likely."""
    count, found = rows.mean.shape[0], reports.value.shape[0]
    own, total = np.zeros((count, 2, 2)), np.zeros((count, 2, 2))
    order = np.argsort(reports.value[:, 0])
    sorted_first = reports.value[order, 0]
    widest = 0.0
    for m in range(found):
        widest = max(widest, reports.noise[m, 0, 0])
    near, far = np.zeros(count, np.int64), np.zeros(count, np.int64)
    room, tracks = 0, rows.first.shape[0] - 1
    for r in range(count):
        if expected.scale[r] > 0.0:
            own_noise(rows.spread, expected.slope, expected.noise, r, own)
            for i in range(2):
                for j in range(2):
                    total[r, i, j] = own[r, i, j]
            bias_noise(tilt, bias_spread, r, total)
            half = math.sqrt(gate2 * (total[r, 0, 0] + widest))
            near[r] = np.searchsorted(sorted_first, expected.value[r, 0] - half)
            far[r] = np.searchsorted(sorted_first, expected.value[r, 0] + half, side="right")
            for at in range(near[r], far[r]):
                room += _beside(reports, order[at], expected.value[r, 1], gate2 * total[r, 1, 1], gate2)
    # Room for all at once: a loop that may make its arrays anew takes five times as long.
    row_report, row_likelihood = np.empty(room, np.int64), np.empty(room)
    row_first, beside = np.zeros(count + 1, np.int64), np.zeros(count, np.bool_)
    used, track = 0, 0
    least_new = np.ones(tracks)
    for r in range(count):
        while rows.first[track + 1] <= r:
            track += 1
        for at in range(near[r], far[r]):
            m = order[at]
            if not _beside(reports, m, expected.value[r, 1], gate2 * total[r, 1, 1], gate2):
                continue
            told = claims.owner[m] == track
            a = total[r, 0, 0] + reports.noise[m, 0, 0]
            b = total[r, 0, 1] + reports.noise[m, 0, 1]
            c = total[r, 1, 1] + reports.noise[m, 1, 1]
            det = a * c - b * b
            x, y = reports.value[m, 0] - expected.value[r, 0], reports.value[m, 1] - expected.value[r, 1]
            far2 = (c * x * x - 2 * b * x * y + a * y * y) / det
            if not far2 < gate2:
                continue
            if not told and reports.label[m] >= 0:
                beside[r] = True
                if claims.owner[m] >= 0 or not claims.open[track]:
                    continue
            if told and not math.isnan(rows.left[r, source, 0]):
                # What it was off by before, it is off by again: that is no new evidence for or against the row.
                # Only a jump is: then the source took something else for the same.
                share_x, share_y = total[r, 0, 0] / a, total[r, 1, 1] / c
                x -= share_x * rows.left[r, source, 0]
                y -= share_y * rows.left[r, source, 1]
                far2 = x * x / (a - share_x * total[r, 0, 0]) + y * y / (c - share_y * total[r, 1, 1])
                if far2 > _JUMP2:
                    continue
                least_new[track] = min(least_new[track], 1 - max(share_x, share_y))
            likelihood = math.exp(-far2 / 2) / (2 * math.pi * math.sqrt(det))
            row_report[used], row_likelihood[used] = m, likelihood
            used += 1
        row_first[r + 1] = used
    first = np.zeros(tracks + 1, np.int64)
    report, likelihood_of = np.empty(used, np.int64), np.empty(used)
    slot = np.full(found, -1, np.int64)
    pairs = 0
    for t in range(tracks):
        begin = pairs
        for r in range(rows.first[t], rows.first[t + 1]):
            for e in range(row_first[r], row_first[r + 1]):
                m = row_report[e]
                if claims.owner[m] == t:
                    # How much of it is new is one for all rows: a density says nothing to another power of itself.
                    row_likelihood[e] = same * row_likelihood[e] ** least_new[t]
                chance = rows.weight[r] * shown(expected.seen[r], claims.owner[m] == t)
                if slot[m] < begin:
                    slot[m] = pairs
                    report[pairs], likelihood_of[pairs] = m, 0.0
                    pairs += 1
                likelihood_of[slot[m]] += chance * row_likelihood[e]
        for e in range(begin, pairs):
            slot[report[e]] = -1
        first[t + 1] = pairs
    return Pairs(
        row_first, row_report[:used].copy(), row_likelihood[:used].copy(),
        first, report[:pairs].copy(), likelihood_of[:pairs].copy(), own, total, beside,
    )  # fmt: skip


@njit(cache=True)
def believe(pairs: Pairs, existence: Array, detected: Array, elsewhere: Array) -> Chances:
    """How probable each pair is, one report being of one track at most and the other way round.

    `existence` (T), `detected` (T): the probability that the track is reported if it exists; `elsewhere` (M): the
    density of reports that are of no track. The likelihoods already hold the detection's probability.
    """
    tracks, found = existence.shape[0], elsewhere.shape[0]
    used = pairs.report.shape[0]
    odds, to_report, to_track = np.empty(used), np.zeros(used), np.ones(used)
    for t in range(tracks):
        missing = max(1 - existence[t] * detected[t], 1e-6)
        for e in range(pairs.first[t], pairs.first[t + 1]):
            odds[e] = existence[t] * pairs.likelihood[e] / (elsewhere[pairs.report[e]] * missing)
    for _ in range(_ROUNDS):
        sums = np.zeros(found)
        for t in range(tracks):
            whole = 1.0
            for e in range(pairs.first[t], pairs.first[t + 1]):
                whole += odds[e] * to_track[e]
            for e in range(pairs.first[t], pairs.first[t + 1]):
                to_report[e] = odds[e] / max(whole - odds[e] * to_track[e], 1.0)
                sums[pairs.report[e]] += to_report[e]
        change = 0.0
        for e in range(used):
            new = 1 / (1 + max(sums[pairs.report[e]] - to_report[e], 0.0))
            change = max(change, abs(new - to_track[e]))
            to_track[e] = new
        if change < _SETTLED:
            break
    pair, missed, new = np.empty(used), np.ones(tracks), np.ones(found)
    for t in range(tracks):
        whole = 1.0
        for e in range(pairs.first[t], pairs.first[t + 1]):
            whole += odds[e] * to_track[e]
        for e in range(pairs.first[t], pairs.first[t + 1]):
            pair[e] = odds[e] * to_track[e] / whole
            new[pairs.report[e]] += to_report[e]
        missed[t] = 1 / whole
    for m in range(found):
        new[m] = 1 / new[m]
    return Chances(pair, missed, new)


@njit(cache=True)
def settled(pairs: Pairs, chances: Chances, reports: Reports, claims: Claims, sure: float) -> Chances:
    """The chances with every labelled report given to one track or to none: whom it goes to shows in time."""
    pair, missed, new = chances.pair.copy(), chances.missed.copy(), chances.new.copy()
    for t in range(missed.shape[0]):
        for e in range(pairs.first[t], pairs.first[t + 1]):
            m = pairs.report[e]
            if reports.label[m] >= 0 and claims.owner[m] != t and pair[e] < sure:
                missed[t] += pair[e]
                new[m] += pair[e]
                pair[e] = 0.0
    return Chances(pair, missed, new)
