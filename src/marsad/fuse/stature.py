"""How far away something is by how tall it looks: a person at 600 m looks three times as tall as one at 1.8 km.

Where a sight line grazes the ground the elevation data leave many ranges open, hundreds of metres apart. What is known
of the size of people, beasts and vehicles speaks for some of them. It is asked of one look at a time and never added
up: somebody who crouches looks small in every look.
"""

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtr

from marsad.geo.geodesy import Array
from marsad.kernel.measurement import Measurement
from marsad.kernel.track import Kind


class _Stature(NamedTuple):
    """How tall a kind of thing looks: `usual_m` give or take `sigma_m`, or with chance `odd` any size `between_m`."""

    usual_m: float
    sigma_m: float
    odd: float
    between_m: tuple[float, float]


_ADULT: Final = _Stature(1.7, 0.12, 0.2, (0.3, 2.0))
"""Adults stand 1.71 m (men) and 1.59 m (women) tall, 0.07 m from one to the next, and 3 cm more in shoes; a fifth is
taken to crouch, to crawl, to be a child or partly hidden.

Source: NCD Risk Factor Collaboration, "A century of trends in adult human height", eLife 5 (2016).
"""
_ANYTHING: Final = _Stature(1.0, 1.0, 1.0, (0.2, 3.5))
_STATURES: Final[Mapping[Kind, _Stature]] = {
    "person": _ADULT,
    # One of a file stands before or behind another: together they look taller than either.
    "group": _ADULT._replace(sigma_m=0.2, between_m=(0.3, 3.0)),
    "vehicle": _Stature(1.7, 0.4, 0.3, (1.0, 3.5)),
    "animal": _ANYTHING._replace(between_m=(0.2, 2.3)),
}


def stature_likelihood(measurement: Measurement, range_m: Array) -> Array:
    """How likely something looks as tall as measured at each of some ranges (K), in parts of the likeliest.

    Ones where no height was measured. What the kind's own confidence leaves may be anything from 0.2 to 3.5 m tall.
    """
    height_rad, sigma_rad = measurement.height_rad, measurement.height_sigma_rad
    if height_rad is None or not len(range_m):
        return np.ones(len(range_m))
    tall_m, off = height_rad * range_m, max(sigma_rad / height_rad, _LEAST_OFF)
    stature = _STATURES.get(measurement.kind)
    sure = 0.0 if stature is None else measurement.kind_confidence
    likely = (1 - sure) * _density(_ANYTHING, tall_m, off)
    if stature is not None:
        likely += sure * _density(stature, tall_m, off)
    most = float(likely.max())
    return np.maximum(likely / most, _LEAST) if most > 0 else np.ones(len(range_m))


_LEAST_OFF: Final = 0.03
_LEAST: Final = 1e-4
"""No height is so odd that it rules a range out."""


def _density(stature: _Stature, tall_m: Array, off: float) -> Array:
    """How densely the logarithms of heights, each measured to a share `off` of it, lie at some heights (K)."""
    usual2 = stature.sigma_m**2 + (off * tall_m) ** 2
    usual = tall_m * np.exp(-((tall_m - stature.usual_m) ** 2) / (2 * usual2)) / np.sqrt(2 * math.pi * usual2)
    low, high = np.log(stature.between_m)
    odd = (ndtr((high - np.log(tall_m)) / off) - ndtr((low - np.log(tall_m)) / off)) / (high - low)
    out: Array = (1 - stature.odd) * usual + stature.odd * odd
    return out
