"""Who and what moves through a scene: people, animals, vehicles, birds and bushes, and the routes they follow."""

import math
from typing import Annotated, Literal, NamedTuple

import numpy as np
from msgspec import Meta, structs
from numpy.typing import NDArray

from marsad.kernel.record import Record
from marsad.kernel.track import Kind

Array = NDArray[np.float64]

ActorKind = Literal[
    "person",
    "vehicle",
    "motorcycle",
    "boat",
    "dog",
    "fox",
    "sheep",
    "goat",
    "donkey",
    "camel",
    "bird",
    "bush",
    "tumbleweed",
    "boulder",
    "fire",
    "animal",
    "vegetation",
]
Gait = Literal["walk", "run", "crouch", "crawl", "stand", "sit", "climb", "swim", "fly", "drive"]
Formation = Literal["file", "loose", "abreast", "flock"]
Role = Literal["intruder", "shepherd", "patrol", "civilian", "nuisance", "scenery"]
Must = Literal["alarm", "no_alarm", "either"]
"""What the watch has to do about an actor: raise an alarm, raise none, or as it likes."""

TRUE_KIND: dict[ActorKind, Kind | None] = {
    "person": "person",
    "vehicle": "vehicle",
    "motorcycle": "vehicle",
    "boat": "vehicle",
    "dog": "animal",
    "fox": "animal",
    "sheep": "animal",
    "goat": "animal",
    "donkey": "animal",
    "camel": "animal",
    "bird": "flying",
    "bush": "vegetation",
    "tumbleweed": "vegetation",
    "boulder": None,
    "fire": None,
}
"""What a watch that is right calls each kind; None where no name of the watch's fits."""

USUAL_HEIGHT_M: dict[ActorKind, float] = {
    "person": 1.75,
    "vehicle": 1.8,
    "motorcycle": 1.65,
    "boat": 1.1,
    "dog": 0.6,
    "fox": 0.38,
    "sheep": 0.7,
    "goat": 0.7,
    "donkey": 1.1,
    "camel": 1.85,
    "bird": 0.7,
    "bush": 1.2,
    "tumbleweed": 0.7,
    "boulder": 0.6,
    "fire": 0.8,
}
_PERSON_M_S: dict[Gait, float] = {"walk": 1.4, "run": 3.2, "crouch": 0.9, "crawl": 0.4, "climb": 0.3, "swim": 0.7}
_OTHER_M_S: dict[ActorKind, float] = {
    "vehicle": 8.0,
    "motorcycle": 9.0,
    "boat": 4.0,
    "bird": 11.0,
    "tumbleweed": 2.5,
}
_BEAST_FROUDE = {"walk": 0.15, "run": 1.2}
"""A beast's easy walk and trot, speed squared over gravity and leg."""

_BEAST_GAITS: tuple[Gait, ...] = ("walk", "run", "stand", "sit")
GAITS: dict[ActorKind, tuple[Gait, ...]] = {
    "person": ("walk", "run", "crouch", "crawl", "stand", "sit", "climb", "swim"),
    "vehicle": ("drive", "stand"),
    "motorcycle": ("drive", "stand"),
    "boat": ("drive", "stand"),
    "dog": _BEAST_GAITS,
    "fox": _BEAST_GAITS,
    "sheep": _BEAST_GAITS,
    "goat": _BEAST_GAITS,
    "donkey": _BEAST_GAITS,
    "camel": _BEAST_GAITS,
    "bird": ("fly", "stand"),
    "bush": ("stand",),
    "tumbleweed": ("walk", "stand"),
    "boulder": ("stand",),
    "fire": ("stand",),
}
"""What each kind can do, the usual first: that also stands in for a "walk" of those that cannot walk.

Lying beasts sit, parked vehicles and perched birds stand, and a tumbleweed's walk is rolling.
"""


def usual_speed_m_s(kind: ActorKind, gait: Gait, height_m: float) -> float:
    """How fast one of a kind and height goes in a gait unless told otherwise."""
    if kind in _OTHER_M_S:
        return _OTHER_M_S[kind]
    if TRUE_KIND.get(kind) == "animal":
        return math.sqrt(_BEAST_FROUDE.get(gait, _BEAST_FROUDE["walk"]) * 9.81 * height_m)
    return _PERSON_M_S.get(gait, _PERSON_M_S["walk"])


class Waypoint(Record):
    """A point of a route in the site's frame, `up_m` above the ground.

    `gait` and `speed_m_s` hold from there on; a new gait brings its usual speed unless one is given. "stand" and "sit"
    are for the wait alone. `wait_s` is spent at the point; infinite at a route's end, the actor stays for good.
    """

    east_m: float
    north_m: float
    up_m: float = 0.0
    gait: Gait | None = None
    speed_m_s: Annotated[float, Meta(gt=0)] | None = None
    wait_s: Annotated[float, Meta(ge=0)] = 0.0


class Actor(Record):
    """One that takes part in a scene: it follows `route` from `start_s` on, and is not there before or afterwards.

    `height_m` is of the upright body, of a vehicle's roof, a rider's head, a
    beast's shoulder, a bird's span; 0 stands for the usual, as it does for `speed_m_s`. `warmth_k`, where given, is how
    much warmer than the air its surface looks on the whole; without it a balance of heat decides. `phase` is where in
    its stride it starts, in strides. `load` is something carried. `heading_deg` is where one who goes nowhere looks. A
    route of one point without a wait is stayed at for good.
    """

    actor_id: int
    kind: ActorKind
    route: Annotated[tuple[Waypoint, ...], Meta(min_length=1)]
    start_s: float = 0.0
    speed_m_s: Annotated[float, Meta(ge=0)] = 0.0
    height_m: Annotated[float, Meta(ge=0)] = 0.0
    gait: Gait = "walk"
    load: bool = False
    steps_hz: float = 1.8
    warmth_k: float | None = None
    phase: float = 0.0
    heading_deg: float = 0.0
    role: Role = "nuisance"
    must: Must = "either"
    party: str = ""

    def __post_init__(self) -> None:
        """Put what is usual in place of what is not given."""
        known = GAITS.get(self.kind, _BEAST_GAITS)
        if self.gait == "walk" and "walk" not in known:
            structs.force_setattr(self, "gait", known[0])
        if self.height_m == 0:
            structs.force_setattr(self, "height_m", USUAL_HEIGHT_M.get(self.kind, 1.75))
        if self.speed_m_s == 0:
            structs.force_setattr(self, "speed_m_s", usual_speed_m_s(self.kind, self.gait, self.height_m))


class Party(Record):
    """Several of one kind that keep together; the fields it shares with `Actor` hold for each of them.

    In a file they follow each other `spacing_m` apart, abreast they go side by side, loose they keep about that far
    from each other without order. A flock grazes and wanders around a centre that follows the route; `shepherds` and
    `dogs` go with it.
    """

    name: Annotated[str, Meta(min_length=1)]
    kind: ActorKind
    count: Annotated[int, Meta(ge=1)]
    route: Annotated[tuple[Waypoint, ...], Meta(min_length=1)]
    formation: Formation = "loose"
    spacing_m: Annotated[float, Meta(gt=0)] = 3.0
    start_s: float = 0.0
    speed_m_s: Annotated[float, Meta(ge=0)] = 0.0
    height_m: Annotated[float, Meta(ge=0)] = 0.0
    gait: Gait = "walk"
    load: bool = False
    warmth_k: float | None = None
    role: Role = "nuisance"
    must: Must = "either"
    shepherds: Annotated[int, Meta(ge=0)] = 0
    shepherd_must: Must = "either"
    dogs: Annotated[int, Meta(ge=0)] = 0


class Ambient(Record):
    """What heats and cools a body: apparent temperatures of ground and sky, the sun on level ground, wind at 10 m."""

    air_k: float
    ground_k: float
    sky_k: float
    sun_w_m2: Annotated[float, Meta(ge=0)] = 0.0
    wind_m_s: Annotated[float, Meta(ge=0)] = 3.0


class Present(Record, eq=False):
    """An actor at one moment: where it stands, what it does, and its body there.

    `limbs` is (N, 8) float64, a row a capsule: both ends in east, north and up, the radius, and the apparent
    temperature in kelvin before the air; those to be painted first first. `visible_cover` is the share of the
    capsules' outline that hides what is behind (leaves let through). `up_m` is the point stood on, `height_m` how far
    the body as it is now reaches above it.
    """

    actor: Actor
    east_m: float
    north_m: float
    up_m: float
    heading_rad: float
    stride_rad: float
    gait: Gait
    speed_m_s: float
    height_m: float
    visible_cover: float
    limbs: Array


STEPS_PER_STRIDE = 2

_TWIGS = 11
_GOLDEN_RAD = 2.399963


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
