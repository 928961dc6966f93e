"""What is really there: for every picture and actor where it stands, where it is seen, and how much of it."""

from collections.abc import Iterable

from marsad.kernel.detection import Box
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.simulate.actor import ActorKind

CONSIDERED = 0.25
"""Truth less visible than that is written as "do not consider"."""

_CLASS_NUMBERS: dict[ActorKind, int] = {"person": 1, "animal": 14, "vegetation": 16, "boulder": -1}


class ActorTruth(Record):
    """One actor in one picture.

    `box` is its whole outline in pixels, hidden parts and parts outside the picture included; `visible` the share of
    the outline that is neither. `height_px` is how tall it is where it stands, feet to top. `foot_px` is where the
    point of the ground it stands on appears.
    """

    frame_index: int
    time_ns: int
    actor_id: int
    kind: ActorKind
    box: Box
    foot_px: tuple[float, float]
    east_m: float
    north_m: float
    up_m: float
    position: Position
    range_m: float
    visible: float
    height_px: float
    contrast_k: float


def mot_text(truths: Iterable[ActorTruth]) -> str:
    """The truth as a MOT Challenge file: frames from 1, and a row marked 0 where too little of an actor is seen."""
    return "".join(_row(truth) for truth in truths)


def _row(truth: ActorTruth) -> str:
    box = truth.box
    considered = int(truth.visible >= CONSIDERED)
    return (
        f"{truth.frame_index + 1},{truth.actor_id},{box.x_px:.2f},{box.y_px:.2f},{box.w_px:.2f},{box.h_px:.2f},"
        f"{considered},{_CLASS_NUMBERS[truth.kind]},{truth.visible:.3f}\n"
    )
