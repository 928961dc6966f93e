"""What a planner asks of a plan besides its cost: what losing a part costs, and what it rests on."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.plan import NonNegative, Probability
from marsad.kernel.record import Record

Premise = Literal["detection_rate", "reach", "ground"]
"""What a plan takes for granted: how soon a camera finds somebody, how far it sees, and how high the ground is."""


class Loss(Record):
    """The probability on the worst way while one thing that was built is out of service."""

    option: Annotated[str, Meta(min_length=1)]
    kind: str
    probability: Probability


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
    losses: tuple[Loss, ...] = ()
    sensitivities: tuple[Sensitivity, ...] = ()
