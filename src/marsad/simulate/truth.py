"""What is really there: for every picture and actor where it stands, where it is seen, and how much of it."""

from collections.abc import Iterable

from marsad.kernel.detection import Box
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.track import Kind
from marsad.simulate.actor import TRUE_KIND, ActorKind, Gait, Role

CONSIDERED = 0.25
"""Truth less visible than that is written as "do not consider"."""

# Numbers from 13 on are free in MOT Challenge files.
_CLASS_NUMBERS: dict[Kind | None, int] = {"person": 1, "vehicle": 3, "animal": 14, "flying": 15, "vegetation": 16}
_NO_CLASS = -1


class ActorTruth(Record):
    """One actor in one picture.

    `box` is its whole outline in pixels, hidden parts and parts outside the picture included, `width_px` and
    `height_px` that outline's size; `visible` is the share of the outline that is neither hidden nor outside, 0 where
    the picture does not show the moment (frozen, looped, covered, under correction). `foot_px` is where the point it
    stands on appears.

    `snr` is the matched filter's output for one picture: the root of the sum of squares of what the actor changes
    behind the lens, over the sigma of noise, fixed pattern and local clutter together. `snr_noise` is the same over
    the noise from one picture to the next alone (rounding to counts included), which is what remains for those who
    know the background.
    `contrast_k` is the mean change over what is seen of it.

    Source: G. L. Turin, An introduction to matched filters, IRE Transactions on Information Theory 6 (1960).
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
    width_px: float = 0.0
    snr: float = 0.0
    snr_noise: float = 0.0
    speed_m_s: float = 0.0
    gait: Gait = "walk"
    role: Role = "nuisance"
    party: str = ""


def mot_text(truths: Iterable[ActorTruth]) -> str:
    """The truth as a MOT Challenge file: frames from 1, and a row marked 0 where too little of an actor is seen."""
    return "".join(_row(truth) for truth in truths)


def _row(truth: ActorTruth) -> str:
    box = truth.box
    considered = int(truth.visible >= CONSIDERED)
    number = _CLASS_NUMBERS.get(TRUE_KIND[truth.kind], _NO_CLASS)
    return (
        f"{truth.frame_index + 1},{truth.actor_id},{box.x_px:.2f},{box.y_px:.2f},{box.w_px:.2f},{box.h_px:.2f},"
        f"{considered},{number},{truth.visible:.3f}\n"
    )
