"""Parties taken apart into their members: files, lines and loose groups on their way, and flocks that graze."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from marsad.simulate.actor import Actor, ActorKind, Array, Gait, Party, Waypoint, usual_speed_m_s
from marsad.simulate.herd import graze

_STATURE_SHARE: dict[ActorKind, float] = {"person": 0.04, "vehicle": 0.0, "motorcycle": 0.0, "boat": 0.0}
_USUAL_SHARE = 0.07
"""How much those of a kind differ in height: one sigma over the mean (adults of both sexes; grown beasts)."""
_NEAREST = 0.6
"""Members of a loose group keep at least this share of their spacing."""
_STRAY_M = 12.0
_MITRE = 2.0


def expand(parties: Sequence[Party], first_id: int, rng: np.random.Generator) -> tuple[Actor, ...]:
    """The members of all parties, numbered from `first_id` on, the same for the same generator state.

    A party's members do not depend on the parties after it.
    """
    found: list[Actor] = []
    for party, own in zip(parties, rng.spawn(len(parties)), strict=True):
        number = first_id + len(found)
        found += graze(party, number, own) if party.formation == "flock" else _march(party, number, own)
    return tuple(found)


def _march(party: Party, first_id: int, rng: np.random.Generator) -> list[Actor]:
    """Members who keep their places in a formation along one way."""
    way = _Way(party)
    spread = _STATURE_SHARE.get(party.kind, _USUAL_SHARE)
    members = []
    for index, (behind, across) in enumerate(_places(party, rng)):
        stray = 0.15 * party.spacing_m if party.formation == "loose" else 0.0
        leader = Actor(actor_id=0, kind=party.kind, route=party.route, height_m=party.height_m, gait=party.gait)
        members.append(
            Actor(
                actor_id=first_id + index,
                kind=party.kind,
                route=way.beside(behind, across, stray, rng),
                start_s=party.start_s,
                speed_m_s=way.paces[0].speed_m_s if way.paces else party.speed_m_s,
                height_m=leader.height_m * float(np.clip(rng.normal(1, spread), 1 - 2 * spread, 1 + 2 * spread)),
                gait=party.gait,
                load=party.load,
                warmth_k=party.warmth_k,
                phase=float(rng.uniform()),
                heading_deg=float(rng.uniform(0, 360)),
                role=party.role,
                must=party.must,
                party=party.name,
            )
        )
    return members


def _places(party: Party, rng: np.random.Generator) -> list[tuple[float, float]]:
    """How far behind the foremost and how far right of the way each member goes."""
    count, spacing = party.count, party.spacing_m
    if party.formation == "file":
        return [(spacing * index, 0.0) for index in range(count)]
    if party.formation == "abreast":
        return [(0.0, spacing * (index - (count - 1) / 2)) for index in range(count)]
    places: list[Array] = [np.zeros(2)]
    radius = spacing * math.sqrt(count) * 0.75
    while len(places) < count:
        tries = radius * np.sqrt(rng.uniform(size=(40, 1))) * _directions(rng.uniform(0, 2 * math.pi, 40))
        apart = np.array([min(float(np.linalg.norm(one - other)) for other in places) for one in tries])
        # Of those far enough from all others the one nearest to someone: groups hang together.
        allowed = np.where(apart >= _NEAREST * spacing, apart, np.inf)
        places.append(tries[int(allowed.argmin()) if np.isfinite(allowed).any() else int(apart.argmax())])
    foremost = max(float(place[0]) for place in places)
    return [(foremost - float(place[0]), float(place[1])) for place in places]


def _directions(turn: Array) -> Array:
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


class _Pace(NamedTuple):
    """How a leg is gone."""

    gait: Gait
    speed_m_s: float


class _Way:
    """A party's way, by the length gone on it."""

    def __init__(self, party: Party) -> None:
        self._route = party.route
        self._points = np.array([(point.east_m, point.north_m, point.up_m) for point in party.route])
        legs = np.diff(self._points, axis=0)
        self._arcs = np.concatenate([[0.0], np.cumsum(np.linalg.norm(legs, axis=1))])
        self._right = _rights(legs[:, :2])
        self.paces = _paces(party)

    def beside(
        self, behind_m: float, across_m: float, stray_m: float, rng: np.random.Generator
    ) -> tuple[Waypoint, ...]:
        """The route of one who keeps a place in the formation: it waits when the foremost does, where it then is."""
        if self._arcs[-1] == 0:
            east, north, up = self._at(-behind_m, across_m).tolist()
            return (msgspec.structs.replace(self._route[0], east_m=east, north_m=north, up_m=up),)
        # At one arc: first arrive, then wait.
        stops: list[tuple[float, Gait | None, float, float]] = [(-behind_m, None, 0.0, 0.0)]
        for arc, point in zip(self._arcs.tolist(), self._route, strict=True):
            stops.append((arc, None, 0.0, 0.0))
            if point.wait_s > 0:
                resting: Gait | None = point.gait if point.gait in {"stand", "sit"} else None
                stops.append((arc - behind_m, resting, point.wait_s, 0.0))
        if self._route[-1].wait_s > 0:
            stops = [stop for stop in stops if stop[0] <= self._arcs[-1] - behind_m]
        if stray_m > 0:
            first, last = -behind_m, max(stop[0] for stop in stops)
            strays = np.arange(first + _STRAY_M, last - 1.0, _STRAY_M) + rng.uniform(0, 1.0)
            stops += [(arc, None, 0.0, float(rng.normal(0, stray_m))) for arc in strays.tolist()]
        return self._walked(sorted(stops, key=lambda stop: (stop[0], stop[2])), across_m)

    def _walked(self, stops: list[tuple[float, Gait | None, float, float]], across_m: float) -> tuple[Waypoint, ...]:
        """The waypoints at the stops, each leg as fast as keeps it level with the foremost."""
        places = [self._at(arc, across_m + aside) for arc, _, _, aside in stops]
        found: list[Waypoint] = []
        for index, (arc, resting, wait_s, _) in enumerate(stops):
            ahead = next((other for other in range(index + 1, len(stops)) if stops[other][0] > arc), None)
            gait: Gait | None = resting
            speed = None
            if ahead is not None and self.paces:
                pace = self._pace(arc)
                length = float(np.linalg.norm(places[index + 1] - places[index]))
                speed = max(pace.speed_m_s * length / (stops[ahead][0] - arc), 1e-3) if ahead == index + 1 else None
                gait = resting or pace.gait
            east, north, up = places[index].tolist()
            found.append(Waypoint(east_m=east, north_m=north, up_m=up, gait=gait, speed_m_s=speed, wait_s=wait_s))
        return tuple(found)

    def _pace(self, arc: float) -> _Pace:
        leg = int(np.searchsorted(self._arcs[1:], arc, side="right"))
        return self.paces[min(max(leg, 0), len(self.paces) - 1)]

    def _at(self, arc: float, across_m: float) -> Array:
        """A place on the way, or before it in the direction in which it begins, so far to the right."""
        long = np.flatnonzero(np.diff(self._arcs))
        if long.size == 0:
            return np.asarray(self._points[0] + (across_m, arc, 0.0))
        leg = int(long[max(int(np.searchsorted(self._arcs[long], arc, side="right")) - 1, 0)])
        span = self._arcs[leg + 1] - self._arcs[leg]
        share = (arc - self._arcs[leg]) / span
        point = self._points[leg] + share * (self._points[leg + 1] - self._points[leg])
        inside = min(max(share, 0.0), 1.0)
        right = self._right[leg] + inside * (self._right[leg + 1] - self._right[leg])
        return np.asarray(point + across_m * np.array([right[0], right[1], 0.0]))


def _rights(legs: Array) -> Array:
    """What lies a metre to the right of each point of a way, so that lines drawn through them keep their distance."""
    right = []
    for east, north in legs.tolist():
        length = math.hypot(east, north)
        if length > 1e-9:
            right.append((north / length, -east / length))
        else:
            right.append(right[-1] if right else (1.0, 0.0))
    if not right:
        return np.array([[1.0, 0.0]])
    units = np.array(right)
    before, after = np.concatenate([units[:1], units]), np.concatenate([units, units[-1:]])
    middle = before + after
    square = np.sum(middle**2, axis=1, keepdims=True)
    mitred = 2 * middle / np.maximum(square, 1e-9)
    size = np.linalg.norm(mitred, axis=1, keepdims=True)
    return np.where(square < 4 / _MITRE**2, after, mitred / np.maximum(size / _MITRE, 1.0))


def _paces(party: Party) -> list[_Pace]:
    """How the foremost goes along each leg."""
    leader = Actor(
        actor_id=0,
        kind=party.kind,
        route=party.route,
        speed_m_s=party.speed_m_s,
        height_m=party.height_m,
        gait=party.gait,
    )
    gait, speed = leader.gait, leader.speed_m_s
    found = []
    for point in party.route[:-1]:
        if point.gait is not None and point.gait not in {"stand", "sit"} and point.gait != gait:
            gait, speed = point.gait, usual_speed_m_s(party.kind, point.gait, leader.height_m)
        speed = point.speed_m_s or speed
        found.append(_Pace("walk" if gait in {"stand", "sit"} else gait, speed))
    return found
