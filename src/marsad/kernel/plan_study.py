"""What a planner asks of a plan besides its cost: what nothing sees, what it rests on, and whether it comes true."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.plan import Direction, Measure, NonNegative, Probability
from marsad.kernel.record import Record

Premise = Literal["detection_rate", "reach", "ground"]
"""What a plan takes for granted: how soon a camera finds somebody, how far it sees, and how high the ground is."""


class Sensitivity(Record):
    """The probability on the worst way, of one direction or of both, where a premise does not hold.

    `factor` multiplies the rate or the reach; for the ground it is the elevation data's error in metres, one standard
    deviation, and `low` to `high` are the least and the most of `draws` of it: nine of ten are at least `tenth`, and in
    a share `kept` of them what was asked for is reached.
    """

    premise: Premise
    factor: NonNegative
    low: Probability
    tenth: Probability
    median: Probability
    high: Probability
    kept: Probability
    direction: Direction | None = None
    draws: Annotated[int, Meta(ge=1)] = 1


class PlanStudy(Record):
    """What is said of a plan besides; `dead_share` is the share of the sector's known ground that nothing sees."""

    dead_share: Probability
    sensitivities: tuple[Sensitivity, ...] = ()


class Bin(Record):
    """Walks that were foretold alike: how many, and what was foretold of them and came of them on average."""

    walks: int
    foretold: float
    simulated: float


class Check(Record):
    """What the plan foretells of walks beside what was simulated of them.

    `difference` is the mean absolute difference of the two probabilities, `between` that of the walks for which either
    is between 0.05 and 0.95, `over` how much too high the foretold one is on average. `brier` is the mean squared error
    against what comes of each, `brier_least` what is left of it for the simulated probabilities themselves. `least` is
    the least simulated one of any walk under the whole plan; they are probabilities of what the plan measures.
    """

    walks: int
    draws: int
    difference: float
    between: float | None
    over: float
    brier: float
    brier_least: float
    least: float | None
    least_foretold: float | None
    under_required: int
    whole: int
    bins: tuple[Bin, ...]
    measure: Measure = "detection"
