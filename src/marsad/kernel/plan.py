"""What to build, what it costs, and how far from the least cost that can be at most."""

from typing import Annotated

from msgspec import Meta

from marsad.kernel.record import Record

NonNegative = Annotated[float, Meta(ge=0)]
Probability = Annotated[float, Meta(ge=0, le=1)]


class Placement(Record):
    """One thing that a plan builds or keeps: which option, of what kind, at what cost; `standing` ones cost nothing."""

    option: Annotated[str, Meta(min_length=1)]
    kind: str
    cost: NonNegative
    standing: bool = False


class Plan(Record):
    """What closes a sector at a cost.

    Every way of every evader is detected with at least `reached` (`required` was asked for). No plan made of the same
    options costs less than `bound`, which is proven.
    """

    placements: tuple[Placement, ...]
    cost: NonNegative
    bound: NonNegative
    required: Probability
    reached: Probability

    @property
    def gap(self) -> float:
        """The share of the cost that a better plan could save at most."""
        return gap(self.cost, self.bound)


def gap(cost: float, bound: float) -> float:
    """The share of a cost above its lower bound; 0 where nothing costs nothing."""
    return max(0.0, cost - bound) / cost if cost > 0 else 0.0
