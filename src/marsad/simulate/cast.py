"""All actors of a scene at one moment."""

import math
from collections.abc import Callable, Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from marsad.simulate.actor import Actor, Ambient, Array, Gait, Present
from marsad.simulate.body import body
from marsad.simulate.route import knots, on_ground
from marsad.simulate.shape import Shape
from marsad.simulate.warmth import surface_k

Whole = NDArray[np.int64]

_GOLDEN = 0.6180339887


class _Act:
    """One way in which an actor moves: the body, and how warm it is."""

    def __init__(self, actor: Actor, gait: Gait, shape: Shape, speed_m_s: float, ambient: Ambient) -> None:
        self.gait = gait
        self.shape = shape
        moving = speed_m_s if actor.kind != "tumbleweed" else 0.0
        clothing = 0.75 + 0.6 * (actor.actor_id * _GOLDEN % 1.0)
        apparent = {
            material: surface_k(material, ambient, speed_m_s=moving, clothing=clothing)
            for material in set(self.shape.materials)
        }
        kelvin = np.array([apparent[material] for material in self.shape.materials])
        if actor.warmth_k is not None:
            kelvin += ambient.air_k + actor.warmth_k - float(self.shape.weight @ kelvin)
        self.kelvin = kelvin


class Cast:
    """The actors of a scene, their routes and bodies worked out once.

    `up_m` is the height of the ground at places of the site's frame (arrays of east and north); an actor is not there
    where that is not a number. The same person wears the same in every scene.
    """

    def __init__(self, actors: Sequence[Actor], up_m: Callable[[Array, Array], Array], ambient: Ambient) -> None:
        self.actors = tuple(actors)
        self._acts: list[_Act] = []
        tables, parts, bounds = [], [], [0]
        for actor in self.actors:
            table, acts = self._compile(actor, up_m, ambient)
            tables.append(table)
            parts.append(acts)
            bounds.append(bounds[-1] + len(table))
        self._knots = np.concatenate(tables) if tables else np.empty((0, 7))
        self._act_of = np.concatenate(parts) if parts else np.empty(0, np.int64)
        self._bounds = np.array(bounds, np.int64)
        self._heights = np.array([actor.height_m for actor in self.actors])
        self._pool, self._kelvin, self._where = self._pack()
        counts = self._where[:, 2]
        most = [int(counts[each].max()) for each in parts]
        self._first = np.concatenate([[0], np.cumsum(most)]).astype(np.int64)

    def at(self, time_s: float) -> list[Present]:
        """Those who are there at a moment, in the order in which they were given."""
        limbs = np.empty((int(self._first[-1]), 8))
        states = np.empty((len(self.actors), 8))
        placed = np.empty((len(self.actors), 2), np.int64)
        _place(
            time_s, self._bounds, self._knots, self._act_of, self._heights, self._pool, self._kelvin, self._where,
            self._first, limbs, states, placed,
        )  # fmt: skip
        found = []
        for actor, state, (act, first), count in zip(
            self.actors, states.tolist(), placed.tolist(), self._counts(placed), strict=True
        ):
            if act >= 0:
                found.append(self._present(actor, state, act, limbs[first : first + count]))
        return found

    def _counts(self, placed: Whole) -> list[int]:
        counts: list[int] = self._where[np.maximum(placed[:, 0], 0), 2].tolist() if len(self._where) else []
        return counts

    def _present(self, actor: Actor, state: list[float], act: int, limbs: Array) -> Present:
        east, north, up, heading, stride, speed, height, _ = state
        made = self._acts[act]
        return Present(
            actor=actor,
            east_m=east,
            north_m=north,
            up_m=up,
            heading_rad=heading,
            stride_rad=stride,
            gait=made.gait,
            speed_m_s=speed,
            height_m=height,
            visible_cover=made.shape.cover,
            limbs=limbs,
        )

    def _compile(self, actor: Actor, up_m: Callable[[Array, Array], Array], ambient: Ambient) -> tuple[Array, Whole]:
        """An actor's rows of time, east, north, up, heading, stride in cycles and speed, and the act of each."""
        route = knots(actor)
        rows, of = on_ground(route, up_m)
        known: dict[tuple[Gait, int], int] = {}
        acts, rates = [], []
        for knot in route:
            shape = body(actor.kind, knot.gait, knot.speed_m_s, actor.height_m, ambient.wind_m_s, load=actor.load)
            key = knot.gait, id(shape)
            if key not in known:
                known[key] = len(self._acts)
                self._acts.append(_Act(actor, knot.gait, shape, knot.speed_m_s, ambient))
            acts.append(known[key])
            rates.append(knot.speed_m_s / (shape.stride * actor.height_m) if shape.stride > 0 else shape.hz)
        rate = np.array(rates)[of]
        stride = actor.phase + np.concatenate([[0.0], np.cumsum(rate[:-1] * np.diff(rows[:, 0]))])
        speed = np.array([knot.speed_m_s for knot in route])[of]
        return np.column_stack([rows, stride, speed]), np.array(acts, np.int64)[of]

    def _pack(self) -> tuple[Array, Array, Whole]:
        """All bodies in one pool of rows and all temperatures in another.

        The third value holds for each act where its body begins, how many phases and capsules it has, and where its
        temperatures begin.
        """
        pool: list[Array] = []
        begins: dict[int, int] = {}
        where = np.empty((len(self._acts), 4), np.int64)
        size = warm = 0
        for index, act in enumerate(self._acts):
            shape = act.shape
            phases, count = shape.capsules.shape[:2]
            if id(shape) not in begins:
                begins[id(shape)] = size
                pool.append(np.concatenate([shape.capsules, shape.flicker_k[:, :, None]], axis=2).reshape(-1, 8))
                size += phases * count
            where[index] = begins[id(shape)], phases, count, warm
            warm += count
        kelvin = [act.kelvin for act in self._acts]
        return np.concatenate(pool or [np.empty((0, 8))]), np.concatenate(kelvin or [np.empty(0)]), where


@numba.njit(cache=True, nogil=True)
def _place(
    time_s: float,
    bounds: Whole,
    knots: Array,
    act_of: Whole,
    heights: Array,
    pool: Array,
    kelvin: Array,
    where: Whole,
    first: Whole,
    limbs: Array,
    states: Array,
    placed: Whole,
) -> None:
    """Fill in state, limbs, act and first limb of each actor that is there at a moment; act -1 of each that is not."""
    for actor in range(heights.size):
        begin, end = bounds[actor], bounds[actor + 1]
        placed[actor, 0], placed[actor, 1] = -1, first[actor]
        if not knots[begin, 0] <= time_s <= knots[end - 1, 0]:
            continue
        row = begin + np.searchsorted(knots[begin:end, 0], time_s, side="right") - 1
        row = min(row, end - 2)
        span = knots[row + 1, 0] - knots[row, 0]
        share = min((time_s - knots[row, 0]) / span, 1.0) if span > 0 else 0.0
        for column in range(6):
            states[actor, column] = knots[row, column + 1] + share * (
                knots[row + 1, column + 1] - knots[row, column + 1]
            )
        states[actor, 5] = knots[row, 6]
        if math.isnan(states[actor, 2]):
            continue
        placed[actor, 0] = act_of[row]
        states[actor, 6] = _pose(
            states[actor], heights[actor], where[act_of[row]], pool, kelvin, limbs[first[actor] : first[actor + 1]]
        )
        states[actor, 4] = 2 * math.pi * (states[actor, 4] % 1.0)


@numba.njit(cache=True, nogil=True)
def _pose(state: Array, height_m: float, where: Whole, pool: Array, kelvin: Array, limbs: Array) -> float:
    """Turn a body to its heading and put it in its place; how far it reaches above the point it stands on."""
    phases, count = where[1], where[2]
    phase = (state[4] % 1.0) * phases
    low = min(int(phase), phases - 1)
    share = phase - low
    here, there = where[0] + low * count, where[0] + (low + 1) % phases * count
    sine, cosine = math.sin(state[3]), math.cos(state[3])
    top = 0.0
    for limb in range(count):
        a, b = pool[here + limb], pool[there + limb]
        for end in (0, 3):
            ahead = height_m * (a[end] + share * (b[end] - a[end]))
            right = height_m * (a[end + 1] + share * (b[end + 1] - a[end + 1]))
            up = height_m * (a[end + 2] + share * (b[end + 2] - a[end + 2]))
            limbs[limb, end] = state[0] + ahead * sine + right * cosine
            limbs[limb, end + 1] = state[1] + ahead * cosine - right * sine
            limbs[limb, end + 2] = state[2] + up
            top = max(top, up + height_m * a[6])
        limbs[limb, 6] = height_m * (a[6] + share * (b[6] - a[6]))
        limbs[limb, 7] = kelvin[where[3] + limb] + a[7] + share * (b[7] - a[7])
    return top
