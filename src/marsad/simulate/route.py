"""Routes worked out in time: where an actor is at every moment, which way it faces, how it moves."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marsad.simulate.actor import Actor, ActorKind, Array, Gait, Waypoint, usual_speed_m_s

FOREVER_S = 1e7
"""A third of a year."""
_STEP_M = 2.0
"""The height of the ground is looked up this often along a route."""
_STILL: dict[Gait, Gait] = {"walk": "stand", "run": "stand"}
_PERCHED_M = 0.5
_TURN_RAD_S: dict[ActorKind, float] = {"vehicle": 0.6, "motorcycle": 1.2, "boat": 0.4, "bird": 2.0, "camel": 1.0}
_USUAL_TURN_RAD_S = 3.0


class Knot(NamedTuple):
    """A moment of a route; until the next one the actor moves evenly, with this gait at this speed."""

    time_s: float
    east_m: float
    north_m: float
    above_m: float
    heading_rad: float
    gait: Gait
    speed_m_s: float


class _Leg(NamedTuple):
    """A stretch of a route, or a wait."""

    start_s: float
    end_s: float
    start: Waypoint
    end: Waypoint
    gait: Gait
    speed_m_s: float

    @property
    def heading_rad(self) -> float | None:
        """Where it leads, None where it leads nowhere or straight up."""
        east, north = self.end.east_m - self.start.east_m, self.end.north_m - self.start.north_m
        return math.atan2(east, north) if math.hypot(east, north) > 1e-6 else None


def knots(actor: Actor) -> list[Knot]:
    """An actor's route as moments between which it moves evenly; before the first and after the last it is away."""
    legs = _legs(actor)
    headings = _headings(legs, math.radians(actor.heading_deg))
    rate = _TURN_RAD_S.get(actor.kind, _USUAL_TURN_RAD_S)
    found: list[Knot] = []
    for index, leg in enumerate(legs):
        before = headings[index - 1] if index else headings[index]
        after = headings[index + 1] if index + 1 < len(legs) else headings[index]
        found += _turned(leg, before, headings[index], after, rate)
    last = legs[-1]
    found.append(_knot(last, last.end_s, headings[-1]))
    return found


def _legs(actor: Actor) -> list[_Leg]:
    """The stretches and waits of a route, in order."""
    route = actor.route
    gait, speed = actor.gait, actor.speed_m_s
    time_s = actor.start_s
    legs: list[_Leg] = []
    for index, point in enumerate(route):
        still: Gait | None = None
        if point.gait in {"stand", "sit"}:
            still = point.gait
        elif point.gait is not None and point.gait != gait:
            gait, speed = point.gait, usual_speed_m_s(actor.kind, point.gait, actor.height_m)
        speed = point.speed_m_s or speed
        wait_s = FOREVER_S if len(route) == 1 and point.wait_s == 0 else min(point.wait_s, FOREVER_S)
        end_s = time_s + wait_s
        if end_s > time_s:
            legs.append(_Leg(time_s, end_s, point, point, still or _resting(actor.kind, gait, point.up_m), 0.0))
            time_s = end_s
        if index + 1 < len(route):
            end_s = time_s + _length_m(point, route[index + 1]) / speed
            if end_s > time_s:
                legs.append(_Leg(time_s, end_s, point, route[index + 1], _going(gait), speed))
                time_s = end_s
    return legs or [_Leg(time_s, time_s + FOREVER_S, route[0], route[0], _resting(actor.kind, gait, 0.0), 0.0)]


def _resting(kind: ActorKind, gait: Gait, up_m: float) -> Gait:
    """What an actor does while it waits: walkers stand, a bird perches, the others stay as they are."""
    if kind == "bird":
        return "stand" if up_m < _PERCHED_M else "fly"
    return _STILL.get(gait, gait)


def _going(gait: Gait) -> Gait:
    """One who starts out standing or sitting walks on."""
    return "walk" if gait in {"stand", "sit"} else gait


def _length_m(start: Waypoint, end: Waypoint) -> float:
    return math.dist((start.east_m, start.north_m, start.up_m), (end.east_m, end.north_m, end.up_m))


def _headings(legs: Sequence[_Leg], first: float) -> list[float]:
    """Which way each leg faces, unwound; a leg without a direction keeps the one before it, or looks ahead."""
    known = [leg.heading_rad for leg in legs]
    facing = next((heading for heading in known if heading is not None), first)
    found = []
    for heading in known:
        if heading is not None:
            facing += math.remainder(heading - facing, 2 * math.pi)
        found.append(facing)
    return found


def _turned(leg: _Leg, before: float, own: float, after: float, rate: float) -> list[Knot]:
    """A leg's knots, the last left out: half of each turn is made on either side of a corner, all of it in a wait."""
    length_s = leg.end_s - leg.start_s
    moving = leg.speed_m_s > 0
    into_s = min(abs(own - before) / 2 / rate, length_s / 2) if moving else 0.0
    out_s = min(abs(after - own) / (2 if moving else 1) / rate, length_s / 2)
    start = (own + before) / 2 if into_s > 0 else own
    found = [_knot(leg, leg.start_s, start)]
    if into_s > 0:
        found.append(_knot(leg, leg.start_s + into_s, own))
    if out_s > 0:
        found += [_knot(leg, leg.end_s - out_s, own)]
        end = (own + after) / 2 if moving else after
        found.append(_knot(leg, leg.end_s, end))
    else:
        found.append(_knot(leg, leg.end_s, own))
    return found


def _knot(leg: _Leg, time_s: float, heading_rad: float) -> Knot:
    share = min(max((time_s - leg.start_s) / (leg.end_s - leg.start_s), 0.0), 1.0)
    start, end = leg.start, leg.end
    return Knot(
        time_s,
        start.east_m + share * (end.east_m - start.east_m),
        start.north_m + share * (end.north_m - start.north_m),
        start.up_m + share * (end.up_m - start.up_m),
        heading_rad,
        leg.gait,
        leg.speed_m_s,
    )


def on_ground(found: Sequence[Knot], up_m: Callable[[Array, Array], Array]) -> tuple[Array, NDArray[np.int64]]:
    """Knots close enough to follow the ground, (K, 5) of time, east, north, up and heading, and of which each is part.

    The second value names for each row the knot it lies at or behind.
    """
    moments = np.array([knot[:5] for knot in found])
    steps = np.diff(moments, axis=0)
    parts = np.maximum(np.ceil(np.hypot(steps[:, 1], steps[:, 2]) / _STEP_M), 1).astype(int)
    of = np.repeat(np.arange(len(steps)), parts)
    first = np.repeat(np.cumsum(parts) - parts, parts)
    share = (np.arange(of.size) - first) / parts[of]
    table = np.concatenate([moments[of] + share[:, None] * steps[of], moments[-1:]])
    table[:, 3] += up_m(table[:, 1], table[:, 2])
    return table, np.append(of, len(found) - 1)
