"""Beasts on four legs: dogs, foxes, sheep, goats, donkeys and camels, walking, trotting, galloping, grazing, lying.

Lengths are in units of the height at the shoulder. Proportions are rounded from breed and field guides (the Awassi
sheep, the village dog, the red fox, the dromedary); how long the strides are follows the Froude number (see `gait`).

Source of the footfalls (walk: each foot a quarter after the last; trot: diagonal pairs; camels pace: pairs of a side):
Hildebrand, Analysis of tetrapod gaits, in Neural Control of Locomotion (1976).
"""

import math
from typing import NamedTuple

import numpy as np

from marsad.simulate.actor import ActorKind, Gait
from marsad.simulate.gait import (
    GALLOP_FROUDE,
    PHASES,
    TROT_FROUDE,
    Array,
    Step,
    beast_stride,
    cycle,
    froude,
    hip_path,
    joint,
    step_foot,
)
from marsad.simulate.shape import Shape, ShapeMaker

_STILL_HZ = 0.12
_LEG = 0.82
"""The height of the joint in which a leg swings; above it the leg is part of the trunk."""
_SPAN = 0.42
"""How far ahead of its root a foot on the ground gets at most, in leg lengths."""
_RIGHT, _LEFT = 1.0, -1.0
_FOOTFALLS: dict[str, tuple[float, float, float, float]] = {
    # left hind, left fore, right hind, right fore
    "walk": (0.0, 0.25, 0.5, 0.75),
    "trot": (0.0, 0.5, 0.5, 0.0),
    "pace": (0.0, 0.0, 0.5, 0.5),
    "gallop": (0.0, 0.45, 0.1, 0.55),
}
_DUTY = {"walk": 0.63, "trot": 0.44, "pace": 0.48, "gallop": 0.28}


class Build(NamedTuple):
    """The build of a beast with a shoulder of height 1.

    `length` is from shoulder to hip, `neck` and `tail` end at (ahead of the shoulder or behind the hip, up), a coat
    covers trunk and neck, `skin` is the cover of head and legs; `graze` is where a lowered head is.
    """

    length: float
    trunk_r: float
    belly: float
    leg_r: float
    neck_r: float
    neck: tuple[float, float]
    head: float
    head_r: float
    tail: tuple[float, float]
    tail_r: float
    coat: str
    skin: str
    graze: bool = False
    ears: float = 0.0
    hump: float = 0.0
    trots: str = "trot"


BUILDS: dict[ActorKind, Build] = {
    "dog": Build(1.0, 0.19, 0.76, 0.05, 0.11, (0.28, 1.15), 0.32, 0.085, (0.35, 0.95), 0.035, "coat", "short_hair"),
    "fox": Build(
        1.15, 0.19, 0.76, 0.045, 0.11, (0.25, 1.05), 0.38, 0.085, (0.8, 0.5), 0.11, "thick_coat", "coat", ears=0.12
    ),
    "sheep": Build(
        0.95, 0.31, 0.69, 0.055, 0.15, (0.25, 1.02), 0.3, 0.09, (0.1, 0.5), 0.09, "fleece", "short_hair", graze=True
    ),
    "goat": Build(
        0.95, 0.24, 0.74, 0.05, 0.1, (0.25, 1.18), 0.28, 0.08, (0.1, 0.98), 0.03, "coat", "short_hair",
        graze=True, ears=0.16,
    ),
    "donkey": Build(
        1.0, 0.235, 0.76, 0.055, 0.12, (0.35, 1.22), 0.42, 0.1, (0.12, 0.55), 0.03, "coat", "short_hair",
        graze=True, ears=0.22,
    ),
    "camel": Build(
        0.78, 0.22, 0.8, 0.045, 0.085, (0.5, 1.15), 0.24, 0.06, (0.1, 0.6), 0.025, "coat", "short_hair",
        graze=True, hump=0.2, trots="pace",
    ),
}  # fmt: skip


def beast(kind: ActorKind, gait: Gait, speed: float, *, load: bool) -> Shape:
    """A beast of shoulder height 1 through one cycle, at a speed in units of sqrt(gravity * height)."""
    build = BUILDS[kind]
    if gait == "sit":
        return _lie(build, load)
    if gait == "stand":
        return _stand(build, load)
    return _go(build, speed, load)


def gait_name(build: Build, speed: float) -> str:
    """How a beast goes at a speed: faster, it has to leave the ground."""
    if froude(speed) > GALLOP_FROUDE:
        return "gallop"
    return build.trots if froude(speed) > TROT_FROUDE else "walk"


def _go(build: Build, speed: float, load: bool) -> Shape:
    make = ShapeMaker()
    name = gait_name(build, speed)
    stride = beast_stride(speed)
    step = Step(stride, _DUTY[name], lift=0.1 if name == "walk" else 0.16)
    feet = [step_foot(step, shift, build.leg_r, 0.0) for shift in _FOOTFALLS[name]]
    # Beyond what legs can span the body flies: the foot's time on the ground shrinks.
    while max(float(np.abs(foot.ankle_x[foot.down]).max()) for foot in feet) > _SPAN * _LEG:
        step = step._replace(duty=step.duty * 0.93)
        feet = [step_foot(step, shift, build.leg_r, 0.0) for shift in _FOOTFALLS[name]]
    hip = hip_path(feet, 2 * _half(build), _LEG, 0.4)
    for index, foot in enumerate(feet):
        hind, side = index % 2 == 0, _LEFT if index < 2 else _RIGHT
        root = np.full(PHASES, -build.length / 2 if hind else build.length / 2), hip
        ankle = root[0] + foot.ankle_x, foot.ankle_z
        _leg(make, build, side, root, ankle, hind=hind)
    nod = 0.03 * np.sin(4 * np.pi * cycle())
    _torso(make, build, hip - _LEG, build.neck, nod, load=load)
    return make.shape(stride=stride)


def _stand(build: Build, load: bool) -> Shape:
    """Standing; those that graze have their heads down most of the time."""
    make = ShapeMaker()
    still = np.zeros(PHASES)
    for side in (_LEFT, _RIGHT):
        for hind in (True, False):
            root = still + (-build.length / 2 if hind else build.length / 2), still + _LEG
            _leg(make, build, side, root, (root[0], still + build.leg_r), hind=hind)
    phase = cycle()
    reach = math.hypot(build.neck[0], build.neck[1] - 0.85)
    low = build.graze * np.clip(3 * np.sin(2 * np.pi * phase) + 1.5, 0, 1)
    down = math.sqrt(max((1.15 * reach) ** 2 - 0.45**2, 0.04)), 0.38
    ahead, up = (build.neck[axis] + low * (down[axis] - build.neck[axis]) for axis in (0, 1))
    _torso(make, build, still, (ahead, up), 0.02 * np.sin(4 * np.pi * phase), load=load)
    return make.shape(hz=_STILL_HZ)


def _lie(build: Build, load: bool) -> Shape:
    """Lying, legs folded under the trunk."""
    make = ShapeMaker()
    still = np.zeros(PHASES)
    drop = build.trunk_r - build.belly
    _torso(make, build, still + drop, build.neck, 0.02 * np.sin(2 * np.pi * cycle()), load=load)
    return make.shape(hz=_STILL_HZ)


def _half(build: Build) -> float:
    """Half a leg's length: standing, a leg is a little bent."""
    return 0.53 * (_LEG - build.leg_r)


def _leg(
    make: ShapeMaker, build: Build, side: float, root: tuple[Array, Array], ankle: tuple[Array, Array], *, hind: bool
) -> None:
    """A leg in two: hocks bend backwards, knees ahead."""
    half = _half(build)
    knee = joint(root, ankle, half, half, -1.0 if hind else 1.0)
    right = side * max(0.55 * build.trunk_r, build.leg_r)
    make.add((knee[0], right, knee[1]), (ankle[0], right, ankle[1]), build.leg_r, build.skin)
    make.add((root[0], right, root[1]), (knee[0], right, knee[1]), 1.5 * build.leg_r, build.skin)


def _torso(
    make: ShapeMaker,
    build: Build,
    lower: Array,
    neck: tuple[Array | float, Array | float],
    nod: Array,
    *,
    load: bool,
) -> None:
    """Tail, trunk, hump, load, neck, head and ears; `lower` is how much lower than standing the trunk is."""
    ahead = build.length / 2
    back = build.belly + lower
    hip, shoulder = (0.0 - ahead, 0.0, back), (ahead, 0.0, back + 0.02)
    make.add(
        (-ahead - 0.6 * build.trunk_r, 0.0, back + 0.05),
        (-ahead - 0.6 * build.trunk_r - build.tail[0], 0.0, np.maximum(build.tail[1] + lower, build.tail_r)),
        build.tail_r,
        build.coat,
    )
    make.add(hip, shoulder, build.trunk_r, build.coat)
    if build.hump:
        make.add((-0.06, 0.0, back + build.trunk_r), (0.04, 0.0, back + build.trunk_r + 0.12), build.hump, "thick_coat")
    if load:
        for side in (-1.0, 1.0):
            across = side * 1.25 * build.trunk_r
            make.add((-0.3, across, back + 0.08), (0.25, across, back + 0.08), 0.17, "pack")
    poll = ahead + neck[0], neck[1] + lower + nod
    make.add((ahead, 0.0, back + 0.09), (poll[0], 0.0, poll[1]), build.neck_r, build.coat)
    nose = poll[0] + 0.85 * build.head, np.maximum(poll[1] - 0.5 * build.head, build.head_r)
    make.add((poll[0], 0.0, poll[1]), (nose[0], 0.0, nose[1]), build.head_r, build.skin)
    if build.ears:
        for side in (-1.0, 1.0):
            tip = poll[0] - 0.2 * build.ears, side * (0.06 + 0.25 * build.ears), poll[1] + build.ears + build.head_r
            make.add((poll[0], side * 0.05, poll[1]), tip, 0.03, build.skin)
