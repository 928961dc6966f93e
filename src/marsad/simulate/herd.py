"""A flock on its pasture, with its shepherds and dogs, drawn once and then a route for each like anybody else's.

Each beast grazes at a place of its own in the flock, which drifts, and walks on when the flock's middle has moved away.
What is drawn: places, how long each grazes, how far it goes. The numbers are of our choosing, so that sheep take a few
steps every ten seconds or so; nothing was measured.
"""

import heapq
import math
from typing import NamedTuple

import numpy as np

from marsad.simulate.actor import Actor, ActorKind, Array, Gait, Must, Party, Role, Waypoint, usual_speed_m_s
from marsad.simulate.route import FOREVER_S, Knot, knots

_DRIVE_M_S = 0.3
"""How fast a flock's middle moves unless told."""
_LONGEST_S = 3600.0
"""After that a flock that stays for good stands where it is."""
_ROOM = 0.6
_LOOK_S = 4.0
_LEAST_STEP_M = 0.3


class _Habit(NamedTuple):
    """How one of a flock behaves.

    Its place lies between `inner` and `outer` flock radii from the middle and drifts by `drift` radii at a time; it
    rests `rest_s` on average and is in no hurry while it is within `slack_m` of its place.
    """

    inner: float
    outer: float
    drift: float
    rest_s: float
    slack_m: float
    spread: float


_BEAST = _Habit(inner=0.0, outer=1.0, drift=0.22, rest_s=8.0, slack_m=1.0, spread=0.07)
_SHEPHERD = _Habit(inner=1.1, outer=1.3, drift=0.12, rest_s=35.0, slack_m=6.0, spread=0.04)
_DOG = _Habit(inner=1.0, outer=1.5, drift=0.8, rest_s=6.0, slack_m=2.0, spread=0.07)
_SITS_S = 60.0


class _Member:
    """One of a flock while it is drawn."""

    def __init__(self, kind: ActorKind, habit: _Habit, height_m: float, rng: np.random.Generator) -> None:
        self.kind = kind
        self.habit = habit
        self.height_m = height_m
        turn = rng.uniform(0, 2 * math.pi)
        out = math.sqrt(rng.uniform(habit.inner**2, habit.outer**2))
        self.slot = out * np.array([math.cos(turn), math.sin(turn)])
        self.place = np.zeros(2)
        self.points: list[Waypoint] = []


class _Middle:
    """Where a flock's middle is at a time."""

    def __init__(self, party: Party) -> None:
        leader = Actor(
            actor_id=0,
            kind=party.kind,
            route=party.route,
            start_s=party.start_s,
            speed_m_s=party.speed_m_s or _DRIVE_M_S,
            height_m=party.height_m,
        )
        way: list[Knot] = knots(leader)
        self.height_m = leader.height_m
        self._times = np.array([knot.time_s for knot in way])
        self._east = np.array([knot.east_m for knot in way])
        self._north = np.array([knot.north_m for knot in way])
        self.stays = self._times[-1] - party.start_s >= FOREVER_S
        moved = self._times[self._times < party.start_s + FOREVER_S / 2]
        self.end_s = float(moved[-1]) + _LONGEST_S if self.stays else float(self._times[-1])

    def at(self, time_s: float) -> Array:
        """East and north at a time."""
        return np.array([np.interp(time_s, self._times, self._east), np.interp(time_s, self._times, self._north)])


def graze(party: Party, first_id: int, rng: np.random.Generator) -> list[Actor]:
    """The beasts of a flock and those who go with it."""
    middle = _Middle(party)
    radius = party.spacing_m * math.sqrt(party.count / math.pi)
    members = [
        *_members(party.kind, party.count, _BEAST, middle.height_m, rng),
        *_members("person", party.shepherds, _SHEPHERD, 0.0, rng),
        *_members("dog", party.dogs, _DOG, 0.0, rng),
    ]
    _settle(members, middle.at(party.start_s), radius, party.spacing_m, rng)
    _live(members, party, middle, radius, rng)
    return [_actor(member, party, first_id + index, rng) for index, member in enumerate(members)]


def _members(kind: ActorKind, count: int, habit: _Habit, height_m: float, rng: np.random.Generator) -> list[_Member]:
    one = Actor(actor_id=0, kind=kind, route=(Waypoint(east_m=0.0, north_m=0.0),), height_m=height_m)
    sizes = np.clip(rng.normal(1, habit.spread, count), 1 - 2 * habit.spread, 1 + 2 * habit.spread)
    return [_Member(kind, habit, one.height_m * size, rng) for size in sizes.tolist()]


def _settle(members: list[_Member], middle: Array, radius: float, spacing_m: float, rng: np.random.Generator) -> None:
    """Put each at its place, moved to where nobody is."""
    taken = np.empty((0, 2))
    for member in members:
        member.place = _free(middle + radius * member.slot, taken, spacing_m, rng)
        taken = np.concatenate([taken, [member.place]])


def _free(wanted: Array, taken: Array, spacing_m: float, rng: np.random.Generator) -> Array:
    """The wanted place, or of some around it the first with room, or the one with most."""
    room = _ROOM * min(spacing_m, 2.0)
    if not (np.square(taken - wanted).sum(axis=1) < room**2).any():
        return wanted
    tries = wanted + rng.normal(0, 0.7 * spacing_m, (8, 2))
    apart = np.linalg.norm(tries[:, None] - taken[None], axis=2).min(axis=1)
    enough = np.flatnonzero(apart >= room)
    return np.asarray(tries[enough[0] if enough.size else int(apart.argmax())])


def _live(members: list[_Member], party: Party, middle: _Middle, radius: float, rng: np.random.Generator) -> None:
    """Let time pass: whoever has rested decides next, knowing where all others are or go."""
    queue = [(party.start_s, index) for index in range(len(members))]
    places = np.array([member.place for member in members])
    while queue:
        now_s, index = heapq.heappop(queue)
        member = members[index]
        if now_s >= middle.end_s:
            _arrive(member, math.inf if middle.stays else 0.0, None)
            continue
        rest_s = float(rng.uniform(0.2, 1.8)) * member.habit.rest_s
        ready_s = now_s + rest_s
        places[index] = np.inf
        goal = _free(_goal(member, middle.at(ready_s + _LOOK_S), radius, rng), places, party.spacing_m, rng)
        far = math.dist(goal, member.place)
        if far < _LEAST_STEP_M:
            turn = rng.uniform(0, 2 * math.pi)
            goal = member.place + _LEAST_STEP_M * np.array([math.sin(turn), math.cos(turn)])
            far = _LEAST_STEP_M
        speed = _speed(member, far)
        _arrive(member, rest_s, speed)
        member.place = places[index] = goal
        heapq.heappush(queue, (ready_s + far / speed, index))


def _arrive(member: _Member, rest_s: float, speed_m_s: float | None) -> None:
    gait: Gait | None = "sit" if member.kind == "person" and rest_s > _SITS_S else None
    east, north = member.place.tolist()
    member.points.append(Waypoint(east_m=east, north_m=north, wait_s=rest_s, speed_m_s=speed_m_s, gait=gait))


def _goal(member: _Member, middle: Array, radius: float, rng: np.random.Generator) -> Array:
    """Where a member wants to be next: towards its place in the flock, which has drifted meanwhile."""
    slot = member.slot + rng.normal(0, member.habit.drift, 2)
    size = max(math.hypot(*slot), 1e-6)
    member.slot = slot * min(max(size, member.habit.inner), member.habit.outer) / size
    wanted = middle + radius * member.slot
    away = wanted - member.place
    far = math.hypot(*away)
    # Within the slack only part of the way: nobody is in a hurry.
    share = 1.0 if far > member.habit.slack_m else float(rng.uniform(0.3, 1.0))
    return np.asarray(member.place + share * away)


def _speed(member: _Member, far_m: float) -> float:
    """A few steps are slow, a walk after the flock has the usual speed, and who is far behind hurries."""
    usual = usual_speed_m_s(member.kind, "walk", member.height_m)
    hurry = usual_speed_m_s(member.kind, "run", member.height_m)
    return float(np.interp(far_m, [0.5, 5.0, 15.0, 30.0], [0.35 * usual, 0.8 * usual, usual, 0.7 * hurry]))


def _actor(member: _Member, party: Party, actor_id: int, rng: np.random.Generator) -> Actor:
    shepherd = member.kind == "person" and party.kind != "person"
    role: Role = "shepherd" if shepherd else party.role
    must: Must = party.shepherd_must if shepherd else party.must
    return Actor(
        actor_id=actor_id,
        kind=member.kind,
        route=tuple(member.points),
        start_s=party.start_s,
        height_m=member.height_m,
        warmth_k=None if member.kind != party.kind else party.warmth_k,
        phase=float(rng.uniform()),
        role=role,
        must=must,
        party=party.name,
    )
