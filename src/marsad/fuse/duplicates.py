"""Tracks that are one and the same."""

import math

import numpy as np
from numba import njit

from marsad.fuse.hypotheses import Ints, Rows, far_apart, whole_spread
from marsad.geo.geodesy import Array

_LIKELY = 0.5
_WORTH = 0.05


@njit(cache=True)
def twins(rows: Rows, existence: Array, bias_spread: Array, apart2: float) -> Ints:
    """Pairs (P, 2) of tracks whose likeliest places and velocities lie within `apart2` squared deviations.

    Both sides' uncertainty counts. A track spread over several places is nobody's twin.
    """
    tracks = existence.shape[0]
    top, whole = np.empty(tracks, np.int64), np.zeros((tracks, 5, 5))
    reach = np.zeros(tracks)
    for t in range(tracks):
        top[t] = rows.first[t] + np.argmax(rows.weight[rows.first[t] : rows.first[t + 1]])
        r = top[t]
        if rows.weight[r] >= _LIKELY and existence[t] >= _WORTH:
            whole[t] = whole_spread(rows.spread[r], rows.lean[r], bias_spread)
            reach[t] = math.sqrt(max(whole[t, 0, 0], 0.0))
        else:
            reach[t] = -1.0
    order = np.argsort(rows.mean[top, 0])
    widest = 0.0
    for t in range(tracks):
        widest = max(widest, reach[t])
    out = np.empty((tracks * 4 + 4, 2), np.int64)
    count = 0
    for i in range(tracks):
        a = order[i]
        if reach[a] < 0:
            continue
        far = math.sqrt(apart2 * (reach[a] ** 2 + widest**2))
        for j in range(i + 1, tracks):
            b = order[j]
            gap = rows.mean[top[b], 0] - rows.mean[top[a], 0]
            if gap > far or count == out.shape[0]:
                break
            if reach[b] < 0 or gap * gap > apart2 * (reach[a] ** 2 + reach[b] ** 2):
                continue
            if far_apart(rows.mean[top[a]], whole[a] + whole[b], rows.mean[top[b]]) < apart2:
                out[count, 0], out[count, 1] = min(a, b), max(a, b)
                count += 1
    return out[:count].copy()
