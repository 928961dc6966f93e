"""Who and what moves through a scene: people, animals, vehicles, birds and bushes, and the routes they follow."""

import math
from typing import Annotated, Literal

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
    if TRUE_KIND[kind] == "animal":
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


class Participant(Record):
    """What takes part in a scene, one or each of several: it follows `route` from `start_s` on.

    It is not there before or afterwards; a route of one point without a wait is stayed at for good. `height_m` is of
    the upright body, of a vehicle's roof, a rider's head, a beast's shoulder, a bird's span; 0 stands for the usual, as
    it does for `speed_m_s`. `load` is something carried. `warmth_k`, where given, is how much warmer than the air its
    surface looks on the whole; without it a balance of heat decides.
    """

    kind: ActorKind
    route: Annotated[tuple[Waypoint, ...], Meta(min_length=1)]
    start_s: float = 0.0
    speed_m_s: Annotated[float, Meta(ge=0)] = 0.0
    height_m: Annotated[float, Meta(ge=0)] = 0.0
    gait: Gait = "walk"
    load: bool = False
    warmth_k: float | None = None
    role: Role = "nuisance"
    must: Must = "either"


class Actor(Participant):
    """One that takes part in a scene.

    `phase` is where in its stride it starts, in strides. `heading_deg` is where one who goes nowhere looks.
    """

    actor_id: int
    phase: float = 0.0
    heading_deg: float = 0.0
    party: str = ""

    def __post_init__(self) -> None:
        """Put what is usual in place of what is not given."""
        known = GAITS[self.kind]
        if self.gait == "walk" and "walk" not in known:
            structs.force_setattr(self, "gait", known[0])
        if self.height_m == 0:
            structs.force_setattr(self, "height_m", USUAL_HEIGHT_M[self.kind])
        if self.speed_m_s == 0:
            structs.force_setattr(self, "speed_m_s", usual_speed_m_s(self.kind, self.gait, self.height_m))


class Party(Participant):
    """Several of one kind that keep together.

    In a file they follow each other `spacing_m` apart, abreast they go side by side, loose they keep about that far
    from each other without order. A flock grazes and wanders around a centre that follows the route; `shepherds` and
    `dogs` go with it.
    """

    name: Annotated[str, Meta(min_length=1)]
    count: Annotated[int, Meta(ge=1)]
    formation: Formation = "loose"
    spacing_m: Annotated[float, Meta(gt=0)] = 3.0
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
