"""How probable it is that a thing can be seen at all: what has gone unreported goes unreported for a while.

A thing is hidden from one source - behind a bush, in a fold of the ground - or from all, and shows itself again; each
is a chain of two states. So misses in a row say little more than the first, and a single report after many of them says
less than one that was due: else what comes of false detections were kept alive by the next of them.
"""

import math

import numpy as np

from marsad.geo.geodesy import Array

USUALLY_SHOWN = 0.8
"""The share of its time that a thing in view shows itself to one source."""
USUALLY_BARE = 0.9
"""The share of its time that nothing hides it from all."""


def passed(shown: Array, usual: float, hidden_s: float, step_s: float) -> Array:
    """The probabilities `step_s` later, of what is hidden for `hidden_s` at a time."""
    kept = math.exp(-step_s / (hidden_s * usual))
    return usual + kept * (shown - usual)


def looked_at(shown: Array, detected: Array, told: Array) -> Array:
    """The probabilities (T, K) after a look.

    `detected` (T) is how probable a report was, `told` (T) how probable it is that there was one.
    """
    missed = np.maximum(shown - detected[:, None], 0.0) / np.maximum(1 - detected[:, None], 1e-6)
    return told[:, None] + (1 - told[:, None]) * missed
