"""How soon a thermal camera that turns notices somebody, by range: one try for each turn.

A target of so many cycles is acquired with the probability of the target transfer probability function, and once per
turn of the camera there is one try. The rate of detection is the steady one that finds as many of those who are in view
for `IN_VIEW_S`: a try that cannot fail finds half of those who are in view for half of a turn, not nearly all.

Sources: as in `range_performance`; the criterion of detection in two dimensions, 0.75 cycles across the root of the
target's area, is that of ACQUIRE (NVESD, 1990). Weather and contrast are not in it: a camera that stares is in
`range_performance`, with both.
"""

import math
from typing import Annotated, Final

import numpy as np
from msgspec import Meta
from numpy.typing import ArrayLike

from marsad.kernel.record import Record
from marsad.plan.crossing import Array
from marsad.plan.range_performance import johnson_probability

Positive = Annotated[float, Meta(gt=0)]

DETECTION_CYCLES: Final = 0.75
PERSON_M: Final = math.sqrt(1.8 * 0.5)
"""The square root of a standing person's area."""
VEHICLE_M: Final = 2.3
"""That of a vehicle, as the NATO target has it (STANAG 4347)."""
IN_VIEW_S: Final = 90.0
"""How long at a time somebody is taken to be in view: what `benchmarks/plan_honesty.py` is least off with."""
_CERTAIN = 1 - 1e-9


class SearchCamera(Record):
    """A camera that turns: the angle of one pixel, how long a whole turn takes, and how far it is counted on."""

    pixel_rad: Positive
    turn_s: Positive
    reach_m: Positive


def look_chance(camera: SearchCamera, range_m: ArrayLike, size_m: float = PERSON_M) -> Array:
    """The probability that one look in the right direction finds somebody at ranges."""
    distance = np.maximum(np.asarray(range_m, float), 1.0)
    chance: Array = johnson_probability(size_m / (2 * camera.pixel_rad * distance) / DETECTION_CYCLES)
    return chance


def detection_rate(camera: SearchCamera, range_m: ArrayLike, size_m: float = PERSON_M) -> Array:
    """The rate of detection per second at ranges, 0 beyond the camera's reach.

    With n + f turns in `IN_VIEW_S`, n tries happen and another with probability f: (1 - p)^n (1 - f p) are missed.
    """
    tries, part = divmod(IN_VIEW_S / camera.turn_s, 1.0)
    chance = np.minimum(look_chance(camera, range_m, size_m), _CERTAIN)
    rate: Array = -(tries * np.log1p(-chance) + np.log1p(-part * chance)) / IN_VIEW_S
    return np.where(np.asarray(range_m) <= camera.reach_m, rate, 0.0)
