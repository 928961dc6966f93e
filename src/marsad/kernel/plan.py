"""What to build, what it costs, and how far from the least cost that can be at most."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.position import Position
from marsad.kernel.record import Record

NonNegative = Annotated[float, Meta(ge=0)]
Probability = Annotated[float, Meta(ge=0, le=1)]

Element = Literal["tower", "camera", "barrier", "base", "post", "relay"]
"""What a placement is: a tower to be built, a camera or a partner's post that stands, a barrier, a base, a relay."""

Measure = Literal["detection", "interruption"]
Direction = Literal["inward", "outward"]
Knowledge = Literal["everything", "something", "nothing"]
"""What an evader knows of what is built: all of it, so much that better ways are likelier, or none of it."""


class Placement(Record):
    """One thing that a plan builds or keeps: which option, of what kind, at what cost; `standing` ones cost nothing.

    `cost` is `capital` and what it takes to run for the plan's years, `running_year` each. `points` is one point, or a
    barrier's course; `crews` is how many a base has, `phase` when it is built, from 1.
    """

    option: Annotated[str, Meta(min_length=1)]
    kind: str
    cost: NonNegative
    standing: bool = False
    element: Element = "tower"
    capital: NonNegative = 0.0
    running_year: NonNegative = 0.0
    points: tuple[Position, ...] = ()
    crews: Annotated[int, Meta(ge=0)] = 0
    phase: Annotated[int, Meta(ge=1)] = 1


class Way(Record):
    """The worst way of one evader in one direction: `probability` is of what the plan measures, `detected` of that.

    It takes `seconds`, nothing sees `unseen_m` of it, and it meets the line at `crosses`. Detected after `critical`,
    he is through before those of the base `answered_by`, who take `response_s` to its end, are likely there; None
    where no response was asked for, or none is in time for any of it.
    """

    evader: str
    direction: Direction
    probability: Probability
    detected: Probability
    seconds: NonNegative
    unseen_m: NonNegative
    points: tuple[Position, ...]
    crosses: Position
    critical: Position | None = None
    response_s: NonNegative | None = None
    answered_by: str = ""


class Judgement(Record):
    """What the plan comes to against an evader who knows so much of it."""

    evader: str
    direction: Direction
    knows: Knowledge
    probability: Probability


class Phase(Record):
    """A stage of building: what has been spent by its end, and the probability on the worst way then.

    `unaware` is against one who knows nothing of what is built, in the direction and of the kind that is worst.
    """

    name: str
    cost: NonNegative
    reached: Probability
    unaware: Probability


class Loss(Record):
    """What is left on the worst way when one tower is lost."""

    option: str
    kind: str
    reached: Probability


class CurvePoint(Record):
    """A probability, the cost of a plan that reaches it, and what no such plan can cost less than."""

    probability: Probability
    cost: NonNegative
    bound: NonNegative


class Plan(Record):
    """What closes a sector at a cost.

    Every way of every evader is detected, or detected so early that it is interrupted (`measure`), with at least
    `reached` (`required` was asked for). No plan made of the same options that reaches what was required costs less
    than `bound`, which is proven. No plan that a `budget` pays for reaches more than `attainable`, proven too.
    """

    placements: tuple[Placement, ...]
    cost: NonNegative
    bound: NonNegative
    required: Probability
    reached: Probability
    measure: Measure = "detection"
    years: NonNegative = 0.0
    ways: tuple[Way, ...] = ()
    judgements: tuple[Judgement, ...] = ()
    phases: tuple[Phase, ...] = ()
    losses: tuple[Loss, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    budget: NonNegative | None = None
    attainable: Probability | None = None

    @property
    def gap(self) -> float:
        """The share of the cost that a better plan could save at most."""
        return gap(self.cost, self.bound)


def gap(cost: float, bound: float) -> float:
    """The share of a cost above its lower bound; 0 where nothing costs nothing."""
    return max(0.0, cost - bound) / cost if cost > 0 else 0.0
