"""What a planner asks of a plan besides its cost: what nothing sees, and what it rests on."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.plan import NonNegative, Probability
from marsad.kernel.record import Record

Premise = Literal["detection_rate", "reach", "ground"]
"""What a plan takes for granted: how soon a camera finds somebody, how far it sees, and how high the ground is."""


class Sensitivity(Record):
    """The probability on the worst way where a premise does not hold.

    `factor` multiplies the rate or the reach; for the ground it is the elevation data's error in metres, one standard
    deviation, and `low` to `high` are the least and the most of `draws` of it.
    """

    premise: Premise
    factor: NonNegative
    low: Probability
    median: Probability
    high: Probability
    draws: Annotated[int, Meta(ge=1)] = 1


class PlanStudy(Record):
    """What is said of a plan besides; `dead_share` is the share of the sector's known ground that nothing sees."""

    dead_share: Probability
    sensitivities: tuple[Sensitivity, ...] = ()
