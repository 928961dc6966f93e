"""What a track's hypotheses say together: one mean and covariance, or several places where they lie apart."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.fuse.hypotheses import STATES, Ints, Rows, whole_spread
from marsad.geo.geodesy import Array

PLANE = 4
"""East, north and their rates."""
_LEAST_M2 = 1e-6


class Moments(NamedTuple):
    """Of T tracks: `mean` (T, 5), and the covariance of place and velocity (T, 4, 4).

    `whole` has the biases' share, `own` is what there were if they were known.
    """

    mean: Array
    whole: Array
    own: Array


@njit(cache=True)
def _moments(rows: Rows, part: Ints, parts: int, bias_spread: Array) -> tuple[Array, Array, Array, Array]:
    """Weight, mean, whole and own covariance of the rows of each part."""
    weight, mean = np.zeros(parts), np.zeros((parts, STATES))
    whole, own = np.zeros((parts, PLANE, PLANE)), np.zeros((parts, PLANE, PLANE))
    for r in range(part.shape[0]):
        weight[part[r]] += rows.weight[r]
        mean[part[r]] += rows.weight[r] * rows.mean[r]
    for p in range(parts):
        mean[p] /= weight[p]
    for r in range(part.shape[0]):
        p = part[r]
        share = rows.weight[r] / weight[p]
        spread = whole_spread(rows.spread[r], rows.lean[r], bias_spread)
        for i in range(PLANE):
            for j in range(PLANE):
                apart = (rows.mean[r, i] - mean[p, i]) * (rows.mean[r, j] - mean[p, j])
                whole[p, i, j] += share * ((spread[i, j] + spread[j, i]) / 2 + apart)
                own[p, i, j] += share * ((rows.spread[r, i, j] + rows.spread[r, j, i]) / 2 + apart)
    for p in range(parts):
        for i in range(PLANE):
            whole[p, i, i] += _LEAST_M2
            own[p, i, i] += _LEAST_M2
    return weight, mean, whole, own


def moments(rows: Rows, bias_spread: Array) -> Moments:
    """Mean and covariance of each track over all its hypotheses."""
    tracks = len(rows.first) - 1
    part = np.repeat(np.arange(tracks), np.diff(rows.first))
    _, mean, whole, own = _moments(rows, part, tracks, bias_spread)
    return Moments(mean, whole, own)


class Parts(NamedTuple):
    """Places that lie apart: the track each is of, its weight there, `mean` (P, 5) and `whole` (P, 4, 4)."""

    track: Ints
    weight: Array
    mean: Array
    whole: Array


@njit(cache=True)
def _parted(rows: Rows, bias_spread: Array, apart2: float) -> tuple[Ints, NDArray[np.bool_]]:
    """Which part each row is of, rows near each other being of one, and which tracks have more than one (T)."""
    count, tracks = rows.weight.shape[0], rows.first.shape[0] - 1
    part = np.arange(count)
    several = np.zeros(tracks, np.bool_)
    place = np.empty((count, 3))
    for r in range(count):
        spread = whole_spread(rows.spread[r], rows.lean[r], bias_spread)
        place[r, 0], place[r, 1], place[r, 2] = spread[0, 0], spread[0, 1], spread[1, 1]
    for t in range(tracks):
        begin, end = rows.first[t], rows.first[t + 1]
        for i in range(begin, end):
            for j in range(begin, i):
                x, y = rows.mean[i, 0] - rows.mean[j, 0], rows.mean[i, 1] - rows.mean[j, 1]
                a, b, c = place[i, 0] + place[j, 0], place[i, 1] + place[j, 1], place[i, 2] + place[j, 2]
                near = (c * x * x - 2 * b * x * y + a * y * y) < apart2 * (a * c - b * b)
                if near and part[i] != part[j]:
                    old, new = max(part[i], part[j]), min(part[i], part[j])
                    for k in range(begin, i + 1):
                        if part[k] == old:
                            part[k] = new
        for i in range(begin, end):
            several[t] |= part[i] != part[begin]
    return part, several


def alternatives(rows: Rows, bias_spread: Array, apart2: float, least: float) -> Parts:
    """The places, of those tracks that may be at several, that are at least `least` likely; likeliest first."""
    if not len(rows.weight):
        return Parts(np.empty(0, np.int64), np.empty(0), np.empty((0, STATES)), np.empty((0, PLANE, PLANE)))
    part, several = _parted(rows, bias_spread, apart2)
    owner = np.repeat(np.arange(len(several)), np.diff(rows.first))
    heads, part = np.unique(part, return_inverse=True)
    weight, mean, whole, _ = _moments(rows, part, len(heads), bias_spread)
    track = owner[heads]
    keep = np.flatnonzero(several[track] & (weight >= least))
    keep = keep[np.lexsort((-weight[keep], track[keep]))]
    alone = np.bincount(track[keep], minlength=len(several))[track[keep]] < 2
    keep = keep[~alone]
    return Parts(track[keep], weight[keep], mean[keep], whole[keep])
