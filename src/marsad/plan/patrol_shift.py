"""Drawn patrols for one shift that begins and ends: out of the base and home again, by columns.

A patrol is one of many whole rounds, drawn at the shift's start. The rounds are found one by one: against the evader's
best draw so far, the best round is found from the last slot back to the first, and joins the others. What it stops
bounds what any drawn patrol could, so the search can be broken off at any time and says how far from the best it is.

Sources: P. C. Gilmore, R. E. Gomory, A linear programming approach to the cutting-stock problem, Operations Research 9
(1961) 849-859, for the columns; A. Pessoa, R. Sadykov, E. Uchoa, F. Vanderbeck, Automation and combination of
linear-programming based stabilization techniques in column generation, INFORMS Journal on Computing 30 (2018) 339-360,
for asking between the evader's last draw and the one with the best bound.
"""

import math
from collections.abc import Iterator
from typing import Annotated, Final, NamedTuple

import numpy as np
from msgspec import Meta
from scipy.sparse import csr_matrix

from marsad.geo.geodesy import Array
from marsad.kernel.error import InputError
from marsad.kernel.record import Record
from marsad.plan.patrol_walk import STATES, Beat, Ground, Ids, Walk
from marsad.plan.program import Growing, Program

_BETWEEN: Final = 0.5
_CLOSED: Final = 1e-7


class Shift(Record):
    """So many slots, begun and ended at `base` (anywhere where that is None).

    Crossings count that begin in slots from `first_slot` to before `until_slot`; by default those that end within the
    shift.
    """

    slots: Annotated[int, Meta(ge=1)]
    base: str | None = None
    first_slot: Annotated[int, Meta(ge=0)] = 0
    until_slot: Annotated[int, Meta(ge=1)] | None = None


class DrawnRounds(NamedTuple):
    """Rounds (rounds, slots) of nodes, and the chance to draw each.

    `through` and `evader` are (places, moments): what a crossing that begins then can count on, and the evader's draw.
    """

    ground: Ground
    rounds: Ids
    chances: Array
    through: Array
    evader: Array
    bound: float

    @property
    def guaranteed(self) -> float:
        """The most that any evader can count on."""
        return float(self.through.max())

    @property
    def gap(self) -> float:
        """How far from the best it can be at most, as a share of what is guaranteed."""
        return max(0.0, (self.guaranteed - self.bound) / self.guaranteed) if self.guaranteed > 0 else 0.0


def improve_rounds(beat: Beat, shift: Shift, *, states: int = STATES) -> Iterator[DrawnRounds]:
    """Better and better draws of rounds, with higher and higher bounds; the last of them is the best there is.

    Where a patrol that remembers all its visits has too many states, the bound is one of a patrol that forgets, and the
    rounds end with a gap.

    Raises: InputError where there is no such base, or no crossing counts.
    """
    search = _Search(Walk.widest(Ground(beat), states), shift)
    low, centre = -math.inf, search.even()
    nodes, _ = search.round_against(centre)
    search.add(nodes)
    while True:
        chances, through, evader = search.master()
        between = _BETWEEN * centre + (1 - _BETWEEN) * evader
        improved = False
        for shares in (between, evader):
            nodes, bound = search.round_against(shares)
            if bound > low:
                low, centre = bound, shares
            if search.improves(nodes, evader, float(through.max())):
                search.add(nodes)
                improved = True
                break
        drawn = DrawnRounds(search.ground, np.array(search.rounds), chances, through, centre, low)
        yield drawn
        if not improved or drawn.gap < _CLOSED:
            return


def best_rounds(beat: Beat, shift: Shift, *, states: int = STATES) -> DrawnRounds:
    """The best draw of rounds, or where that has too many states a good one with its bound."""
    *_, last = improve_rounds(beat, shift, states=states)
    return last


def stopped(ground: Ground, nodes: Ids, moments: range) -> Array:
    """(places, moments) the probability that a round meets who begins to cross there then."""
    found = np.zeros((ground.places, len(moments)))
    near = ground.near()
    for place, crossing in enumerate(ground.crossing):
        for k, moment in enumerate(moments):
            seen = bool((nodes[moment : moment + crossing] == place).any())
            told = bool(near[place, nodes[moment]])
            found[place, k] = ground.alarm[place] * told + (1 - ground.alarm[place]) * seen
    return found


class _Search:
    """The rounds found so far, the draw among them, and the search for the next."""

    def __init__(self, walk: Walk, shift: Shift) -> None:
        self.walk, self.ground = walk, walk.ground
        self.slots = shift.slots
        ids = [place.place_id for place in self.ground.beat.places]
        if shift.base is not None and shift.base not in ids:
            raise InputError(f"the base is {shift.base}, which is no place: {', '.join(ids)}")
        self._base = None if shift.base is None else ids.index(shift.base)
        until = shift.slots - int(self.ground.crossing.max()) + 1 if shift.until_slot is None else shift.until_slot
        self.moments = range(shift.first_slot, min(until, shift.slots))
        if not self.moments:
            raise InputError("no crossing can begin and end within the shift")
        self.rounds: list[Ids] = []
        self._weight = self.ground.worth * self.ground.catch
        self._first = np.searchsorted(walk.tails, np.arange(walk.states))
        self._near = self.ground.near()[:, walk.nodes].astype(float)
        self._master = Growing(self._empty())

    def even(self) -> Array:
        """The draw of an evader who goes anywhere at any moment."""
        count = self.ground.places * len(self.moments)
        return np.full((self.ground.places, len(self.moments)), 1 / count)

    def add(self, nodes: Ids) -> None:
        """One more round to draw."""
        self.rounds.append(nodes)
        weighed = self._weight[:, None] * stopped(self.ground, nodes, self.moments)
        self._master.widen(0.0, np.concatenate([weighed.ravel(), [1.0]]))

    def improves(self, nodes: Ids, evader: Array, value: float) -> bool:
        """Whether a round stops more than the draw does of an evader against whom every round drawn does as well."""
        weighed = self._weight[:, None] * stopped(self.ground, nodes, self.moments)
        return float((evader * (self.ground.worth[:, None] - weighed)).sum()) < value - _CLOSED

    def master(self) -> tuple[Array, Array, Array]:
        """The best draw among the rounds found, what is through of it, and the evader's draw against it."""
        solution = self._master.solve()
        chances = np.maximum(solution.x[1:], 0.0)
        chances /= chances.sum()
        seen = sum(
            chance * stopped(self.ground, nodes, self.moments)
            for chance, nodes in zip(chances, self.rounds, strict=True)
            if chance > 0
        )
        evader = np.maximum(solution.duals[:-1], 0.0).reshape(self.ground.places, -1)
        through: Array = self.ground.worth[:, None] - self._weight[:, None] * seen
        return chances, through, evader / evader.sum()

    def round_against(self, shares: Array) -> tuple[Ids, float]:
        """The best round against an evader's draw, and what that draw is sure of whatever the round."""
        weighed = np.zeros((self.ground.places, self.slots))
        weighed[:, self.moments.start : self.moments.stop] = self._weight[:, None] * shares
        value, choices = self._backwards(weighed)
        state, most = self._start(value, weighed)
        nodes = [int(self.walk.nodes[state])]
        for chosen in choices:
            state = int(self.walk.heads[chosen[state]])
            nodes.append(int(self.walk.nodes[state]))
        return np.array(nodes), float((shares * self.ground.worth[:, None]).sum()) - most

    def _backwards(self, weighed: Array) -> tuple[Array, list[Ids]]:
        """The most to be had after the first slot from each state, and each slot's best step out of each."""
        walk = self.walk
        value = np.where(walk.nodes == self._base, 0.0, -math.inf) if self._base is not None else np.zeros(walk.states)
        blind = weighed * (1 - self.ground.alarm)[:, None]
        before = np.concatenate([np.zeros((self.ground.places, 1)), np.cumsum(blind, axis=1)], axis=1)
        here = walk.places >= 0
        places, gains = walk.places[here], walk.gains[here]
        choices = []
        for slot in range(self.slots - 1, 0, -1):
            worth = (value + self._told(weighed, slot))[walk.heads]
            worth[here] += before[places, slot + 1] - before[places, np.maximum(slot + 1 - gains, 0)]
            value = np.maximum.reduceat(worth, self._first)
            choices.append(self._chosen(worth, value))
        return value, choices[::-1]

    def _chosen(self, worth: Array, value: Array) -> Ids:
        """The first of the best steps out of each state."""
        best = np.flatnonzero(worth == value[self.walk.tails])
        chosen = np.zeros(self.walk.states, np.int64)
        chosen[self.walk.tails[best[::-1]]] = best[::-1]
        return chosen

    def _told(self, weighed: Array, slot: int) -> Array:
        """What sensors let each state stop of those who begin to cross in a slot."""
        told: Array = (weighed[:, slot] * self.ground.alarm) @ self._near
        return told

    def _start(self, value: Array, weighed: Array) -> tuple[int, float]:
        """The best state to begin in, the base or any node, with no visit before; and the most to be had from there."""
        starts = np.arange(self.ground.nodes) if self._base is None else np.array([self._base])
        first = value[starts] + self._told(weighed, 0)[starts]
        seen = starts < self.ground.places
        first[seen] += (weighed[:, 0] * (1 - self.ground.alarm))[starts[seen]]
        best = int(np.argmax(first))
        return int(starts[best]), float(first[best])

    def _empty(self) -> Program:
        """The evader's value as the only column; rows for each place and moment, the last for chances that sum to 1."""
        count = self.ground.places * len(self.moments)
        worth = np.repeat(self.ground.worth, len(self.moments))
        return Program(
            cost=np.ones(1),
            matrix=csr_matrix(np.concatenate([np.ones(count), [0.0]])[:, None]),
            row_low=np.concatenate([worth, [1.0]]),
            row_high=np.concatenate([np.full(count, math.inf), [1.0]]),
            low=np.array([-math.inf]),
            high=np.array([math.inf]),
        )
