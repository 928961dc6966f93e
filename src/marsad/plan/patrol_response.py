"""Where to wait, and which way to run when a sensor rings that does not tell the place.

A signal tells that somebody is crossing at one of several places. The patrol draws a round from where it waits, and
stops the crossing if the round comes by before it has ended. What counts of a round is which places it comes to in
time, so only the largest such sets matter; on a line they are few. Then the best draw is a linear program.

Source: N. Basilico, G. De Nittis, N. Gatti, Adversarial patrolling with spatially uncertain alarm signals, Artificial
Intelligence 246 (2017) 220-257.
"""

import math
from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

import numpy as np
from msgspec import Meta

from marsad.geo.geodesy import Array
from marsad.kernel.error import InputError
from marsad.kernel.record import Record
from marsad.plan.patrol_walk import Beat, Ground
from marsad.plan.program import Program, Rows, solve

STATES: Final = 50_000
_SILENCE: Final = ""

Covered = frozenset[int]


class Signal(Record):
    """What a sensor tells: how likely a crossing at each place makes it ring; at others never."""

    signal_id: Annotated[str, Meta(min_length=1)]
    rings: dict[str, Annotated[float, Meta(gt=0, le=1)]]


class Round(NamedTuple):
    """A round from where the patrol waits: its nodes slot by slot, and the places it comes to in time."""

    nodes: tuple[int, ...]
    covered: Covered


class Answer(NamedTuple):
    """How likely the patrol waits at a node, hears a signal (silence has no name) and then goes a round."""

    wait: int
    signal_id: str
    round: Round
    chance: float


class Waiting(NamedTuple):
    """Where to wait, how likely each, and what to do at each signal: `chance` of an answer is given where it waits.

    `through` (places,) is what somebody who crosses there can count on; no other answers do better than `bound`.
    """

    ground: Ground
    waits: dict[int, float]
    answers: tuple[Answer, ...]
    through: Array
    bound: float

    @property
    def guaranteed(self) -> float:
        """The most that any evader can count on."""
        return float(self.through.max())


def best_waiting(beat: Beat, signals: Sequence[Signal], *, watched: bool = True) -> Waiting:
    """The best place to wait and the best draw of answers.

    An evader who has the patrol `watched` knows where it waits, so that it waits at one place; else the place is drawn.

    Raises: InputError where a signal names no place, or a crossing there would make more than one ring.
    """
    ground = Ground(beat)
    chances = _chances(beat, signals)
    names = [*(signal.signal_id for signal in signals), _SILENCE]
    rounds = {node: rounds_from(ground, node) for node in range(ground.places)}
    if not watched:
        return _drawn(ground, names, chances, rounds)
    each = (_drawn(ground, names, chances, {node: found}) for node, found in rounds.items())
    return min(each, key=lambda waiting: waiting.guaranteed)


def rounds_from(ground: Ground, start: int, *, states: int = STATES) -> list[Round]:
    """One round for each largest set of places that can be come to in time.

    Raises: InputError where there are too many to look at.
    """
    reached: dict[tuple[int, Covered], tuple[int, ...]] = {(start, _covering(ground, frozenset(), start, 0)): (start,)}
    for slot in range(1, int(ground.crossing.max())):
        after = dict(reached)
        for (node, covered), nodes in reached.items():
            # A round that came here earlier is no worse for having waited: its nodes are filled up.
            waited = nodes + (node,) * (slot - len(nodes))
            for other in ground.after[node]:
                state = other, _covering(ground, covered, other, slot)
                after.setdefault(state, (*waited, other))
        reached = _undominated(after)
        if len(reached) > states:
            raise InputError(f"more than {states} rounds answer a signal here: split the beat")
    largest: dict[Covered, tuple[int, ...]] = {}
    for (_, covered), nodes in reached.items():
        largest.setdefault(covered, nodes)
    return [Round(nodes, covered) for covered, nodes in largest.items() if not any(covered < o for o in largest)]


def _covering(ground: Ground, covered: Covered, node: int, slot: int) -> Covered:
    in_time = node < ground.places and slot < ground.crossing[node]
    return covered | {node} if in_time else covered


def _undominated(states: dict[tuple[int, Covered], tuple[int, ...]]) -> dict[tuple[int, Covered], tuple[int, ...]]:
    """Of the states at one node, those whose sets lie in no other's."""
    by_node: dict[int, list[Covered]] = {}
    for node, covered in states:
        by_node.setdefault(node, []).append(covered)
    return {
        (node, covered): nodes
        for (node, covered), nodes in states.items()
        if not any(covered < other for other in by_node[node])
    }


def _chances(beat: Beat, signals: Sequence[Signal]) -> Array:
    """(signals + silence, places) what a crossing at a place makes ring."""
    index = {place.place_id: k for k, place in enumerate(beat.places)}
    chances = np.zeros((len(signals) + 1, len(index)))
    for k, signal in enumerate(signals):
        for place, chance in signal.rings.items():
            if place not in index:
                raise InputError(f"signal {signal.signal_id} tells of {place}, which is no place: {', '.join(index)}")
            chances[k, index[place]] = chance
    chances[-1] = 1 - chances[:-1].sum(axis=0)
    if (chances[-1] < -1e-9).any():
        place = beat.places[int(np.argmin(chances[-1]))].place_id
        raise InputError(f"a crossing at {place} makes more than one signal ring: their chances are above 1")
    chances[-1] = np.maximum(chances[-1], 0.0)
    return chances


def _drawn(ground: Ground, names: Sequence[str], chances: Array, rounds: dict[int, list[Round]]) -> Waiting:
    """The best draw of a place to wait, of those given, and of answers there."""
    choices = [
        (wait, k, each)
        for wait, found in rounds.items()
        for k, name in enumerate(names)
        for each in (found if name != _SILENCE else [Round((wait,), frozenset({wait}))])
    ]
    solution = solve(_program(ground, names, chances, list(rounds), choices))
    weights = solution.x[: len(choices)]
    stopped = np.zeros(ground.places)
    for (_, k, each), weight in zip(choices, weights, strict=True):
        for place in each.covered:
            stopped[place] += weight * chances[k, place]
    waits = dict(zip(rounds, solution.x[len(choices) : -1].tolist(), strict=True))
    return Waiting(
        ground,
        {wait: chance for wait, chance in waits.items() if chance > 0},
        tuple(
            Answer(wait, names[k], each, float(weight / waits[wait]))
            for (wait, k, each), weight in zip(choices, weights, strict=True)
            if weight > 0
        ),
        ground.worth * (1 - ground.catch * stopped),
        _sure(ground, chances, choices, solution.duals[-ground.places :], list(rounds)),
    )


def _program(
    ground: Ground, names: Sequence[str], chances: Array, waits: list[int], choices: list[tuple[int, int, Round]]
) -> Program:
    """Columns: the choices, the places to wait, the evader's value; rows: each wait's signals, one wait, the places."""
    rows, value = Rows(), len(choices) + len(waits)
    for column, wait in enumerate(waits, len(choices)):
        for k in range(len(names)):
            own = [c for c, choice in enumerate(choices) if choice[:2] == (wait, k)]
            rows.add([*own, column], [*[1.0] * len(own), -1.0], 0.0, 0.0)
    rows.add(range(len(choices), value), 1.0, 1.0, 1.0)
    for place in range(ground.places):
        weight = ground.worth[place] * ground.catch[place]
        columns = [c for c, (_, _, each) in enumerate(choices) if place in each.covered]
        values = [weight * chances[choices[c][1], place] for c in columns]
        rows.add([*columns, value], [*values, 1.0], float(ground.worth[place]), math.inf)
    count = value + 1
    return Program(
        cost=np.concatenate([np.zeros(value), [1.0]]),
        matrix=rows.matrix(count),
        row_low=np.array(rows.low),
        row_high=np.array(rows.high),
        low=np.concatenate([np.zeros(value), [-math.inf]]),
        high=np.full(count, math.inf),
    )


def _sure(
    ground: Ground, chances: Array, choices: list[tuple[int, int, Round]], duals: Array, waits: list[int]
) -> float:
    """What an evader who draws the place by the duals is sure of, whatever the answers from the places given."""
    shares = np.maximum(duals, 0.0)
    shares /= shares.sum()
    weights = shares * ground.worth * ground.catch
    best: dict[tuple[int, int], float] = {}
    for wait, k, each in choices:
        stopped = float(sum(weights[place] * chances[k, place] for place in each.covered))
        best[wait, k] = max(best.get((wait, k), 0.0), stopped)
    most = max(sum(best[wait, k] for k in range(len(chances))) for wait in waits)
    return float(shares @ ground.worth) - most
