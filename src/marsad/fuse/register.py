"""How far each source's mount and clock are off, learnt from what it reports of what others see too.

All biases are one Gaussian; every unambiguous report of a track says something of them, through what the track itself
leans on. A camera that looks alone learns nothing (its tracks simply lean on it); two that see the same thing learn
their difference; one patrol with GPS fixes both.

Source: Friedland, IEEE TAC 14 (1969); Lin, Bar-Shalom and Kirubarajan, "Exact multisensor dynamic bias estimation with
local tracks", IEEE TAES 40 (2004).
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from marsad.fuse.hypotheses import STATES, Ints, Rows
from marsad.geo.geodesy import Array


class Biases(NamedTuple):
    """What is known of all biases: mean (B) and covariance (B, B); `slots` (S, 3) azimuth, elevation, clock, or -1."""

    mean: Array
    spread: Array
    slots: Ints


@njit(cache=True)
def learn(shift: Array, spread: Array, tilt: Array, gap: Array, cover: Array, gate2: float) -> bool:
    """Whether a report's squared distance is below `gate2`, so that the biases were corrected by it, in place.

    `shift` (B) is what has been learnt since the rows were last written, `gap` (2) report less expectation before that,
    `tilt` (2, B) how the expectation moves with the biases, `cover` (2, 2) the report's covariance with them known.
    """
    count = shift.shape[0]
    reach = np.zeros((count, 2))
    left0, left1 = gap[0], gap[1]
    for a in range(count):
        left0 -= tilt[0, a] * shift[a]
        left1 -= tilt[1, a] * shift[a]
        for b in range(count):
            reach[a, 0] += spread[a, b] * tilt[0, b]
            reach[a, 1] += spread[a, b] * tilt[1, b]
    s00, s01, s11 = cover[0, 0], cover[0, 1], cover[1, 1]
    for a in range(count):
        s00 += tilt[0, a] * reach[a, 0]
        s01 += tilt[0, a] * reach[a, 1]
        s11 += tilt[1, a] * reach[a, 1]
    det = s00 * s11 - s01 * s01
    far2 = (s11 * left0 * left0 - 2 * s01 * left0 * left1 + s00 * left1 * left1) / det
    if not far2 < gate2:
        return False
    for a in range(count):
        gain0 = (reach[a, 0] * s11 - reach[a, 1] * s01) / det
        gain1 = (reach[a, 1] * s00 - reach[a, 0] * s01) / det
        shift[a] += gain0 * left0 + gain1 * left1
        for b in range(count):
            spread[a, b] -= gain0 * reach[b, 0] + gain1 * reach[b, 1]
    for a in range(count):
        for b in range(a):
            middle = (spread[a, b] + spread[b, a]) / 2
            spread[a, b], spread[b, a] = middle, middle
    return True


@njit(cache=True)
def wander(rows: Rows, spread: Array, drift: Array, step_s: float) -> tuple[Rows, Array]:
    """Rows and the biases' covariance after the biases have drifted for a time; `drift` (B) is variance a second.

    Where the old biases stood between the rows and the new ones, the rows lean less and spread more.
    """
    count = spread.shape[0]
    grown = spread.copy()
    for b in range(count):
        grown[b, b] += drift[b] * step_s
    kept = np.linalg.solve(grown, spread)
    lost = spread - spread @ kept
    lean, new_spread = rows.lean.copy(), rows.spread.copy()
    for r in range(lean.shape[0]):
        before = rows.lean[r]
        lean[r] = before @ kept.T
        new_spread[r] += before @ lost @ before.T
    return Rows(rows.first, rows.mean, new_spread, lean, rows.weight, rows.left), grown


@njit(cache=True)
def forget(rows: Rows, spread: Array, columns: Ints, fresh: Array) -> tuple[Rows, Array]:
    """Rows and covariance after some biases (columns) have become others that nothing is known of but `fresh` (B).

    What the rows owed to the old ones becomes their own uncertainty.
    """
    lean, new_spread = rows.lean.copy(), rows.spread.copy()
    for r in range(lean.shape[0]):
        part = np.zeros((STATES, spread.shape[0]))
        for c in columns:
            part[:, c] = lean[r, :, c]
        rest = lean[r] - part
        cross = part @ spread @ rest.T
        new_spread[r] += part @ spread @ part.T + cross + cross.T
        for c in columns:
            lean[r, :, c] = 0.0
        # The cross term may take more than there is: no covariance is left that is not one.
        values, vectors = np.linalg.eigh(new_spread[r])
        new_spread[r] = vectors @ np.diag(np.maximum(values, 0.0)) @ vectors.T
    grown = spread.copy()
    for c in columns:
        grown[c, :] = 0.0
        grown[:, c] = 0.0
    for c in columns:
        grown[c, c] = fresh[c]
    return Rows(rows.first, rows.mean, new_spread, lean, rows.weight, rows.left), grown


def sigmas(biases: Biases) -> Array:
    """One standard deviation of each bias."""
    return np.array([math.sqrt(max(v, 0.0)) for v in np.diag(biases.spread)])
