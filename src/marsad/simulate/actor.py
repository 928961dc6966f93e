"""Who and what moves through a scene: people, animals and bushes, as warm limbs on the ground.

Bodies are capsules between joints, in metres: forward, to the right and up from the point of the ground they stand on.
"""

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marsad.kernel.record import Record

Array = NDArray[np.float64]

ActorKind = Literal["person", "animal", "vegetation", "boulder"]

STEPS_PER_STRIDE = 2

_TWIGS = 11
_GOLDEN_RAD = 2.399963


class Waypoint(Record):
    """A point of the site's frame."""

    east_m: float
    north_m: float


class Actor(Record):
    """One that takes part in a scene: it walks `route` from `start_s` on, and is not there before or afterwards.

    `steps_hz` is the rate of its steps (of its sway, for a bush). A route of one point is a place to stay.
    `warmth_k` is how much warmer than the air its surface looks on the whole.
    """

    actor_id: int
    kind: ActorKind
    route: tuple[Waypoint, ...]
    start_s: float = 0.0
    speed_m_s: float = 1.4
    height_m: float = 1.75
    steps_hz: float = 1.8
    phase: float = 0.0
    warmth_k: float = 5.5


class Placement(NamedTuple):
    """Where an actor is at one moment, which way it heads, and where in its stride (radians)."""

    east_m: float
    north_m: float
    heading_rad: float
    stride_rad: float


class Limb(NamedTuple):
    """A capsule of a body: from and to (forward, right, up), radius, and warmth above the actor's own."""

    start_m: tuple[float, float, float]
    end_m: tuple[float, float, float]
    radius_m: float
    warmer_k: float


def place(actor: Actor, time_s: float) -> Placement | None:
    """Where an actor is at a moment; None before it comes and after it has gone."""
    elapsed = time_s - actor.start_s
    if elapsed < 0:
        return None
    stride = 2 * math.pi * (actor.phase + elapsed * actor.steps_hz / STEPS_PER_STRIDE)
    if len(actor.route) == 1:
        return Placement(actor.route[0].east_m, actor.route[0].north_m, 0.0, stride)
    points = np.array([(point.east_m, point.north_m) for point in actor.route])
    legs = np.diff(points, axis=0)
    ends = np.concatenate([[0.0], np.cumsum(np.hypot(legs[:, 0], legs[:, 1]))])
    walked = elapsed * actor.speed_m_s
    if walked > ends[-1]:
        return None
    leg = min(int(np.searchsorted(ends, walked, side="right")) - 1, len(legs) - 1)
    east, north = points[leg] + legs[leg] * ((walked - ends[leg]) / (ends[leg + 1] - ends[leg]))
    return Placement(float(east), float(north), math.atan2(legs[leg, 0], legs[leg, 1]), stride)


def body(actor: Actor, stride_rad: float) -> list[Limb]:
    """The limbs of an actor at a moment of its stride, those to be painted first first."""
    return _BODIES[actor.kind](actor.height_m, stride_rad)


def _person(height_m: float, stride: float) -> list[Limb]:
    """A walking adult: thighs swing by 20 degrees, the knee of the leg that comes forward bends, arms swing against.

    Source: proportions after Drillis and Contini (1966), as printed in Winter, Biomechanics and Motor Control of Human
    Movement, chapter 4; gait angles rounded from chapter 2 there.
    """
    h = height_m
    thigh, shank = 0.245 * h, 0.25 * h
    legs = []
    for side, turn in ((-1.0, 0.0), (1.0, math.pi)):
        swing = 0.36 * math.sin(stride + turn) + 0.05
        bend = 0.75 * max(math.cos(stride + turn), 0.0) ** 2 + 0.08
        knee = (thigh * math.sin(swing), -thigh * math.cos(swing))
        foot = (knee[0] + shank * math.sin(swing - bend), knee[1] - shank * math.cos(swing - bend))
        legs.append((side * 0.055 * h, knee, foot))
    hip = max(-foot[1] for _, _, foot in legs) + 0.02 * h
    limbs = []
    for side, knee, foot in legs:
        limbs.append(Limb((knee[0], side, hip + knee[1]), (foot[0], side, hip + foot[1]), 0.034 * h, -2.0))
        limbs.append(Limb((0.0, side, hip), (knee[0], side, hip + knee[1]), 0.046 * h, -1.0))
    shoulder = hip + 0.3 * h
    for side, turn in ((-1.0, math.pi), (1.0, 0.0)):
        swing = 0.38 * math.sin(stride + turn)
        across = side * 0.115 * h
        elbow = (0.18 * h * math.sin(swing), shoulder - 0.18 * h * math.cos(swing))
        hand = (elbow[0] + 0.17 * h * math.sin(swing + 0.35), elbow[1] - 0.17 * h * math.cos(swing + 0.35))
        limbs.append(Limb((0.0, across, shoulder), (elbow[0], across, elbow[1]), 0.031 * h, -1.0))
        limbs.append(Limb((elbow[0], across, elbow[1]), (hand[0], across, hand[1]), 0.026 * h, 0.5))
    limbs.append(Limb((0.0, -0.085 * h, shoulder), (0.0, 0.085 * h, shoulder), 0.042 * h, 0.0))
    limbs.append(Limb((0.0, 0.0, hip + 0.05 * h), (0.0, 0.0, shoulder - 0.03 * h), 0.088 * h, 0.0))
    top = shoulder + 0.18 * h
    limbs.append(Limb((0.02 * h, 0.0, top - 0.115 * h), (0.02 * h, 0.0, top - 0.06 * h), 0.058 * h, 4.0))
    return limbs


def _animal(height_m: float, stride: float) -> list[Limb]:
    """A trotting fox or dog, `height_m` at the shoulder."""
    h = height_m
    limbs = []
    for ahead, side, turn in ((0.7, -1, 0.0), (0.7, 1, math.pi), (-0.7, -1, math.pi), (-0.7, 1, 0.0)):
        swing = 0.5 * math.sin(stride + turn)
        hip = (ahead * h, side * 0.12 * h, 0.7 * h)
        limbs.append(Limb(hip, (hip[0] + 0.66 * h * math.sin(swing), hip[1], 0.05 * h), 0.06 * h, -2.0))
    limbs.append(Limb((-0.75 * h, 0.0, 0.75 * h), (-1.7 * h, 0.0, 0.55 * h), 0.09 * h, -4.0))
    limbs.append(Limb((-0.65 * h, 0.0, 0.78 * h), (0.7 * h, 0.0, 0.8 * h), 0.2 * h, 0.0))
    limbs.append(Limb((0.75 * h, 0.0, 0.9 * h), (1.15 * h, 0.0, 1.0 * h), 0.13 * h, 3.0))
    return limbs


def _bush(height_m: float, sway: float) -> list[Limb]:
    """A low round shrub whose twigs bend with the wind, those farther up the more."""
    limbs = []
    for i in range(_TWIGS):
        turn, out = _GOLDEN_RAD * i, 0.6 * math.sqrt((i + 0.5) / _TWIGS)
        tall = (0.95 - 0.75 * out**2 - 0.07 * (i % 3)) * height_m
        bent = 0.09 * tall * (math.sin(sway + 0.5 * i) + 0.5 * math.sin(2.3 * sway + 1.7 * i))
        ahead, across = out * math.cos(turn) * height_m, out * math.sin(turn) * height_m
        tip = (ahead + bent, across + bent, tall - 0.13 * height_m)
        limbs.append(Limb((0.3 * ahead, 0.3 * across, 0.0), tip, 0.13 * height_m, 0.25 * (i % 4) - 0.4))
    return limbs


def _boulder(height_m: float, turn: float) -> list[Limb]:
    """Two lumps of rock, half sunk."""
    r = 0.5 * height_m
    along = 0.9 * r * math.cos(turn)
    return [
        Limb((-along, -0.8 * r, 0.4 * r), (along, 0.9 * r, 0.5 * r), r, 0.0),
        Limb((0.0, 1.2 * r, 0.2 * r), (along, 1.7 * r, 0.1 * r), 0.6 * r, -0.5),
    ]


_BODIES = {"person": _person, "animal": _animal, "vegetation": _bush, "boulder": _boulder}
