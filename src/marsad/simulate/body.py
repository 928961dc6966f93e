"""Bodies of all kinds, worked out once for each gait, speed and size that differs enough to see."""

import functools
import math
from collections.abc import Callable

from marsad.simulate import thing
from marsad.simulate.actor import ActorKind, Gait
from marsad.simulate.beast import BUILDS, beast
from marsad.simulate.gait import GRAVITY_M_S2
from marsad.simulate.person import person
from marsad.simulate.shape import Shape

_LEVEL = 1.08
"""Bodies are made for speeds this factor apart: the stride is the body's own, so feet do not slide between them."""
_SLOWEST = 0.04


def body(kind: ActorKind, gait: Gait, speed_m_s: float, height_m: float, wind_m_s: float, *, load: bool) -> Shape:
    """The body of an actor in units of its height, for a gait at about that speed, in about that wind."""
    speed = max(speed_m_s / math.sqrt(GRAVITY_M_S2 * height_m), _SLOWEST)
    level = round(math.log(speed) / math.log(_LEVEL))
    if gait in {"stand", "sit"} or kind in thing.THINGS:
        level = 0
    size = round(math.log(height_m) / math.log(_LEVEL)) if kind in {"bird", "bush", "fire"} else 0
    return _made(kind, gait, level, size, round(wind_m_s) if kind == "bush" else 0, load)


@functools.lru_cache(maxsize=512)
def _made(kind: ActorKind, gait: Gait, level: int, size: int, wind_m_s: int, load: bool) -> Shape:
    if kind == "person":
        return person(gait, _LEVEL**level, load=load)
    if kind in BUILDS:
        return beast(kind, gait, _LEVEL**level, load=load)
    return _thing(kind, gait, _LEVEL**size, wind_m_s, load=load)


def _thing(kind: ActorKind, gait: Gait, height_m: float, wind_m_s: int, *, load: bool) -> Shape:
    made: dict[ActorKind, Callable[[], Shape]] = {
        "vehicle": lambda: thing.vehicle(gait, load=load),
        "motorcycle": lambda: thing.motorcycle(gait, load=load),
        "boat": lambda: thing.boat(gait, load=load),
        "bird": lambda: thing.bird(gait, height_m),
        "bush": lambda: thing.bush(wind_m_s, height_m),
        "tumbleweed": thing.tumbleweed,
        "boulder": thing.boulder,
        "fire": lambda: thing.fire(height_m),
    }
    return made[kind]()
