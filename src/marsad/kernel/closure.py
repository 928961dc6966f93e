"""What of a planned line is open now, and what closes it cheapest."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.position import Position
from marsad.kernel.record import Record

NonNegative = Annotated[float, Meta(ge=0)]
Probability = Annotated[float, Meta(ge=0, le=1)]


class OpenByPlan(Record):
    """A stretch of the line, metres along it, over which some way is found with less than was planned.

    `reached` is the least of those probabilities.
    """

    from_m: NonNegative
    to_m: NonNegative
    reached: Probability


class ClosingStep(Record):
    """One thing that would help to close it: a camera that comes back, or somebody of a patrol posted at a place.

    `minutes` is what it takes; `along_m` where along the line a patrol stands.
    """

    what: Literal["restore_camera", "post_patrol"]
    name: str
    minutes: NonNegative
    along_m: NonNegative | None = None
    position: Position | None = None


class Closure(Record):
    """How a plan holds now: the least probability of being found on any way, where it is open, and what closes it.

    `steps` together close it in the fewest `minutes` known, and nothing of the kind takes fewer than `bound_minutes`.
    They are empty where nothing is open, and where nothing known closes it (`closable` is false). `missing` are cameras
    of the plan that are not to be counted on, `people` those who look besides the cameras.
    """

    time_ns: int
    line_id: str
    required: Probability
    reached: Probability
    open: tuple[OpenByPlan, ...]
    steps: tuple[ClosingStep, ...]
    minutes: NonNegative
    bound_minutes: NonNegative
    closable: bool
    missing: tuple[str, ...] = ()
    people: tuple[str, ...] = ()

    @property
    def open_m(self) -> float:
        """How much of the line is open by plan."""
        return sum(each.to_m - each.from_m for each in self.open)
