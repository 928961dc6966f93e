"""People: walking, running, crouched, crawling, standing, sitting, climbing and swimming, as capsules between joints.

All lengths are in units of stature. Proportions are those of Drillis and Contini (1966) as printed in Winter,
Biomechanics and Motor Control of Human Movement, chapter 4; thicknesses are a clothed adult's. The heel's rise, the
swing of the arms and the lean of the trunk are rounded from chapter 2 there; crouching, crawling, climbing and
swimming are of our choosing, with no measurement behind them.
"""

import math
from collections.abc import Callable

import numpy as np

from marsad.simulate.actor import Gait
from marsad.simulate.gait import PHASES, Array, Foot, Step, cycle, hip_path, joint, person_step, runner_step, step_foot
from marsad.simulate.shape import Shape, ShapeMaker

_ANKLE, _SHANK, _THIGH, _TRUNK = 0.039, 0.246, 0.245, 0.288
_UPPER_ARM, _FOREARM = 0.186, 0.146
_HAND = 0.06
"""From the wrist to the middle of the hand."""
_HIP, _SHOULDER, _TOE = 0.052, 0.105, 0.105
_SOLE = 0.022
_FOOT_R, _SHANK_R, _THIGH_R, _TRUNK_R, _ARM_R, _FOREARM_R, _HAND_R, _HEAD_R = (
    _SOLE, 0.034, 0.05, 0.072, 0.032, 0.026, 0.022, 0.056,
)  # fmt: skip
_HEAD_UP = 0.182 - _HEAD_R
"""From the shoulders' height to the middle of the skull's upper end: its top is then at one stature."""
_SIDES = ((-1.0, 0.0), (1.0, 0.5))
_STILL_HZ = 0.25


def person(gait: Gait, speed: float, *, load: bool) -> Shape:
    """A person of stature 1 through one cycle of a gait, at a speed in units of sqrt(gravity * stature)."""
    return _GAITS.get(gait, _stand)(speed, load)


def _walk(speed: float, load: bool) -> Shape:
    step = 2 * person_step(speed)
    duty = min(max(0.66 - 0.12 * speed, 0.55), 0.7)
    feet = _feet(Step(step, duty, lift=0.045, ahead=-0.05, heel_rad=0.85))
    arms = min(0.15 + 0.7 * speed, 0.6)
    return _upright(feet, hip_path(feet, _THIGH + _SHANK, 0.53, 0.6), 0.06 + 0.08 * load, arms, 0.25, load, step)


def _run(speed: float, load: bool) -> Shape:
    step = 2 * runner_step(speed)
    duty = min(max(0.44 - 0.09 * speed, 0.25), 0.42)
    feet = _feet(Step(step, duty, lift=0.16, ahead=-0.03, heel_rad=0.9))
    hip = hip_path(feet, _THIGH + _SHANK, 0.51, 0.0) - 0.015 * np.cos(4 * np.pi * (cycle() - duty / 2)) - 0.015
    return _upright(feet, hip, 0.16, 0.75, 1.5, load, step)


def _crouch(speed: float, load: bool) -> Shape:
    step = 1.5 * person_step(speed)
    feet = _feet(Step(step, 0.68, lift=0.05, heel_rad=0.5))
    hip = hip_path(feet, _THIGH + _SHANK, 0.37, 0.5)
    return _upright(feet, hip, 0.95, 0.3, 0.9, load, step)


def _stand(speed: float, load: bool) -> Shape:  # noqa: ARG001 - all gaits are called alike
    make = ShapeMaker()
    lean = 0.006 * np.sin(2 * np.pi * cycle())
    foot = _planted(0.0)
    hip = np.full(PHASES, 0.53)
    _legs(make, [foot, foot], hip, 0.3 * lean)
    _upper_body(make, 0.3 * lean, hip, lean, [0.05 + 0.0 * lean] * 2, 0.2, load=load)
    return make.shape(hz=_STILL_HZ)


def _sit(speed: float, load: bool) -> Shape:  # noqa: ARG001 - all gaits are called alike
    make = ShapeMaker()
    still = np.zeros(PHASES)
    nod = 0.12 + 0.03 * np.sin(2 * np.pi * cycle())
    hip = still + 0.055
    foot = _planted(0.3)
    _legs(make, [foot, foot], hip, still)
    _upper_body(make, still, hip, nod, [still + 0.75] * 2, 0.5, load=load)
    return make.shape(hz=_STILL_HZ)


def _crawl(speed: float, load: bool) -> Shape:
    """On hands and knees, an opposite hand and knee moving together."""
    make = ShapeMaker()
    stride = min(max(1.2 * math.sqrt(speed), 0.2), 0.5)
    hip_z, lean = _THIGH_R + _THIGH - 0.01, 1.38
    for side, shift in _SIDES:
        knee = step_foot(Step(stride, 0.62, lift=0.02), shift, _SHANK_R, 0.0)
        knee_x, knee_z = knee.toe_x, knee.toe_z + _THIGH_R
        _limb(make, side * _HIP, (knee_x, knee_z), (knee_x - _SHANK, 0 * knee_x + _SHANK_R), _SHANK_R, "trousers")
        _limb(make, side * _HIP, (0 * knee_x, 0 * knee_x + hip_z), (knee_x, knee_z), _THIGH_R, "trousers")
    shoulder = (_TRUNK * math.sin(lean), hip_z + _TRUNK * math.cos(lean))
    for side, shift in _SIDES:
        hand = step_foot(Step(stride, 0.62, lift=0.03), shift + 0.5, _HAND_R, 0.0)
        wrist = hand.toe_x + shoulder[0], hand.toe_z + _FOREARM_R
        top = np.full(PHASES, shoulder[0]), np.full(PHASES, shoulder[1])
        elbow = joint(top, wrist, _UPPER_ARM, _FOREARM + _HAND, -1.0)
        _limb(make, side * _SHOULDER, top, elbow, _ARM_R, "sleeve")
        _limb(make, side * _SHOULDER, elbow, wrist, _FOREARM_R, "sleeve")
        _limb(make, side * _SHOULDER, wrist, wrist, _HAND_R, "hand")
    _trunk(make, np.zeros(PHASES), np.full(PHASES, hip_z), np.full(PHASES, lean), load=load, look=0.75)
    return make.shape(stride=stride)


def _climb(speed: float, load: bool) -> Shape:  # noqa: ARG001 - all gaits are called alike
    """Up a fence: a foot and the opposite hand hold while the others reach; what is climbed goes by downwards."""
    make = ShapeMaker()
    rise = 0.4
    hip = np.full(PHASES, 0.48)
    for side, shift in _SIDES:
        hold = step_foot(Step(rise, 0.6, lift=0.0), shift, 0.0, 0.0)
        foot_z = hold.toe_x + 0.6 * rise / 2 + _SOLE
        ankle = np.full(PHASES, 0.16) - 0.06 * ~hold.down, foot_z + _ANKLE - _SOLE
        knee = joint((0 * hip, hip), ankle, _THIGH, _SHANK, 1.0)
        _limb(make, side * _HIP * 1.6, ankle, (ankle[0] + 0.06, foot_z), _FOOT_R, "shoe")
        _limb(make, side * _HIP * 1.6, knee, ankle, _SHANK_R, "trousers")
        _limb(make, side * _HIP * 1.3, (0 * hip, hip), knee, _THIGH_R, "trousers")
    for side, shift in _SIDES:
        hold = step_foot(Step(rise, 0.6, lift=0.0), shift + 0.5, 0.0, 0.0)
        wrist = np.full(PHASES, 0.2), 0.95 + hold.toe_x
        top = np.zeros(PHASES) + 0.02, hip + _TRUNK
        elbow = joint(top, wrist, _UPPER_ARM, _FOREARM, -1.0)
        _limb(make, side * _SHOULDER, top, elbow, _ARM_R, "sleeve")
        _limb(make, side * _SHOULDER, elbow, wrist, _FOREARM_R, "sleeve")
        _limb(make, side * _SHOULDER, wrist, (wrist[0], wrist[1] + 0.04), _HAND_R, "hand")
    _trunk(make, np.zeros(PHASES), hip, np.full(PHASES, 0.05), load=load, look=0.2)
    return make.shape(stride=rise)


def _swim(speed: float, load: bool) -> Shape:  # noqa: ARG001 - all gaits are called alike
    """A crawl stroke as it shows above the water at height 0: head, shoulders, and the arm that comes forward."""
    make = ShapeMaker()
    phase = cycle()
    zero = np.zeros(PHASES)
    for side, shift in _SIDES:
        turn = 2 * np.pi * (phase + shift)
        above = np.maximum(np.sin(turn), 0.0)
        elbow = 0.14 * np.cos(turn), 0.17 * above
        hand = elbow[0] + 0.17 * np.cos(turn), 0.7 * elbow[1]
        shoulder = zero, zero + 0.01
        # The arm under water is hidden: its capsules shrink into the shoulder.
        shown = above > 0
        for start, end, radius, material in (
            (shoulder, elbow, _ARM_R, "wet"), (elbow, hand, _FOREARM_R, "wet"),
        ):  # fmt: skip
            ends = [
                np.where(shown, each, hidden) for each, hidden in zip((*start, *end), (zero, zero) * 2, strict=True)
            ]
            _limb(make, side * _SHOULDER, (ends[0], ends[1]), (ends[2], ends[3]), radius, material)
    make.add((zero - 0.02, zero - _SHOULDER, zero), (zero - 0.02, zero + _SHOULDER, zero), 0.03, "wet")
    make.add((zero + 0.1, zero, zero + 0.03), (zero + 0.14, zero, zero + 0.04), _HEAD_R, "face")
    return make.shape(stride=1.1)


def _feet(step: Step) -> list[Foot]:
    return [step_foot(step, shift, _ANKLE, _TOE) for _, shift in _SIDES]


def _planted(ahead: float) -> Foot:
    """A foot that stays where it is."""
    still = np.zeros(PHASES)
    return Foot(still + ahead, still + _ANKLE, still + ahead + _TOE, still, np.ones(PHASES, bool))


def _upright(
    feet: list[Foot], hip: Array, lean_rad: float, swing_rad: float, elbow_rad: float, load: bool, stride: float
) -> Shape:
    """A body on two walking or running legs, its arms swinging against them."""
    make = ShapeMaker()
    # Bent far over, the hips stay behind the feet and the weight above them.
    behind = np.full(PHASES, -0.5 * _TRUNK * math.sin(max(lean_rad - 0.2, 0.0)))
    _legs(make, feet, hip, behind)
    phase = cycle()
    swings = [-swing_rad * np.cos(2 * np.pi * (phase + shift)) for _, shift in _SIDES]
    _upper_body(make, behind, hip, np.full(PHASES, lean_rad), swings, elbow_rad, load=load)
    return make.shape(stride=stride)


def _legs(make: ShapeMaker, feet: list[Foot], hip_z: Array, hip_x: Array) -> None:
    for (side, _), foot in zip(_SIDES, feet, strict=True):
        hip, ankle = (hip_x, hip_z), (foot.ankle_x, foot.ankle_z)
        knee = joint(hip, ankle, _THIGH, _SHANK, 1.0)
        _limb(make, side * _HIP, ankle, (foot.toe_x, foot.toe_z + _SOLE), _FOOT_R, "shoe")
        _limb(make, side * _HIP, knee, ankle, _SHANK_R, "trousers")
        _limb(make, side * _HIP, hip, knee, _THIGH_R, "trousers")


def _upper_body(
    make: ShapeMaker, hip_x: Array, hip_z: Array, lean: Array, swings: list[Array], elbow_rad: float, *, load: bool
) -> None:
    """Arms, trunk and head; an arm's swing is counted from straight down."""
    x, z = hip_x + _TRUNK * np.sin(lean), hip_z + _TRUNK * np.cos(lean)
    for (side, _), swing in zip(_SIDES, swings, strict=True):
        elbow = x + _UPPER_ARM * np.sin(swing), z - _UPPER_ARM * np.cos(swing)
        below = swing + elbow_rad
        wrist = elbow[0] + _FOREARM * np.sin(below), elbow[1] - _FOREARM * np.cos(below)
        hand = wrist[0] + _HAND * np.sin(below), wrist[1] - _HAND * np.cos(below)
        _limb(make, side * _SHOULDER, (x, z), elbow, _ARM_R, "sleeve")
        _limb(make, side * _SHOULDER, elbow, wrist, _FOREARM_R, "sleeve")
        _limb(make, side * _SHOULDER, wrist, hand, _HAND_R, "hand")
    _trunk(make, hip_x, hip_z, lean, load=load)


def _trunk(make: ShapeMaker, hip_x: Array, hip_z: Array, lean: Array, *, load: bool, look: float = 0.35) -> None:
    """Two capsules side by side, since a trunk is twice as wide as deep, a load on the back, and the head.

    `look` is how much of the trunk's lean the neck keeps.
    """
    sine, cosine = np.sin(lean), np.cos(lean)

    def up(along: float, ahead: float = 0.0) -> tuple[Array, Array]:
        return hip_x + along * sine + ahead * cosine, hip_z + along * cosine - ahead * sine

    for side in (-1.0, 1.0):
        _limb(make, side * (_SHOULDER - 0.055), up(0.02), up(_TRUNK - 0.035), _TRUNK_R, "trunk")
    if load:
        for side in (-1.0, 1.0):
            _limb(make, side * 0.045, up(0.06, -0.12), up(_TRUNK - 0.02, -0.13), 0.085, "pack")
    neck = up(_TRUNK)
    nod = look * lean
    _limb(make, 0.0, neck, (neck[0] + 0.06 * np.sin(nod), neck[1] + 0.06 * np.cos(nod)), 0.035, "hand")
    crown = neck[0] + _HEAD_UP * np.sin(nod) + 0.012, neck[1] + _HEAD_UP * np.cos(nod)
    face = neck[0] + (_HEAD_UP - 0.045) * np.sin(nod) + 0.018, neck[1] + (_HEAD_UP - 0.045) * np.cos(nod)
    _limb(make, 0.0, face, crown, _HEAD_R, "head")
    ahead = np.cos(nod) * 0.03, -np.sin(nod) * 0.03
    _limb(make, 0.0, (face[0] + ahead[0], face[1] + ahead[1]), (face[0] + ahead[0], face[1] + ahead[1]), 0.042, "face")


def _limb(
    make: ShapeMaker, right: float, start: tuple[Array, Array], end: tuple[Array, Array], radius: float, material: str
) -> None:
    make.add((start[0], right, start[1]), (end[0], right, end[1]), radius, material)


_GAITS: dict[Gait, Callable[[float, bool], Shape]] = {
    "walk": _walk,
    "run": _run,
    "crouch": _crouch,
    "crawl": _crawl,
    "stand": _stand,
    "sit": _sit,
    "climb": _climb,
    "swim": _swim,
}
