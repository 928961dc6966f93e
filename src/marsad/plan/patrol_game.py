"""Patrols that nobody can foresee: the drawn patrol that is best against an evader who knows how it is drawn.

The evader chooses place and moment, having watched for as long as it likes, but does not know what will be drawn.
Where the watch never ends, nothing is lost by drawing so that every moment is like every other: any patrol, begun at a
drawn moment, is such a one, and the evader's best moment only becomes its average moment. The probability that somebody
is stopped at a place is then a sum over the patrol's steps (`patrol_walk`), so the best patrol is the least of a linear
program over flows that go round, and the flow tells the chances of each next step.

Every value is given twice: what the drawn patrol guarantees, worked out from its chances alone, and what no patrol can
go below, from the evader's own best draw. Neither rests on the solver's word.

Sources: N. Basilico, N. Gatti, F. Amigoni, Patrolling security games, Artificial Intelligence 184-185 (2012) 78-123;
S. Alpern, A. Morton, K. Papadaki, Patrolling games, Operations Research 59 (2011) 1246-1257; J. Filar, K. Vrieze,
Competitive Markov decision processes, Springer (1997), 2.9, on flows that go round.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from scipy.sparse import csr_matrix, diags_array, hstack, vstack

from marsad.geo.geodesy import Array
from marsad.kernel.error import InputError
from marsad.plan.patrol_walk import STATES, Beat, Ground, Ids, Walk
from marsad.plan.program import Program, solve

_RARE: Final = 1e-12


class Chain(NamedTuple):
    """A patrol drawn step by step: the node of each state, the chance to be in it, and of each step out of it."""

    nodes: Ids
    share: Array
    tails: Ids
    heads: Ids
    chances: Array

    def steps(self) -> csr_matrix:
        """(states, states) chances from row to column."""
        size = len(self.nodes)
        return csr_matrix((self.chances, (self.tails, self.heads)), shape=(size, size))


class Evader(NamedTuple):
    """How an evader draws its place, so that no patrol can do better than `value` against it."""

    shares: Array
    value: float


class Patrolling(NamedTuple):
    """A drawn patrol and its worth.

    `through` (places,) is what somebody who crosses there can count on: the place's worth times the probability not to
    be stopped. `bound` is what an evader can always make sure of, whatever the patrol; `evader` how.
    """

    ground: Ground
    chain: Chain
    through: Array
    evader: Evader

    @property
    def guaranteed(self) -> float:
        """The most that any evader can count on."""
        return float(self.through.max())

    @property
    def bound(self) -> float:
        """What no drawn patrol can go below."""
        return self.evader.value

    @property
    def gap(self) -> float:
        """How far from the best it can be at most, as a share of what is guaranteed."""
        return max(0.0, (self.guaranteed - self.bound) / self.guaranteed) if self.guaranteed > 0 else 0.0

    def draw(self, slots: int, rng: np.random.Generator) -> tuple[str | None, ...]:
        """Where to be in each slot, drawn; None on the road."""
        return draw(self.ground, self.chain, slots, rng)


def improve(beat: Beat, *, states: int = STATES) -> Iterator[Patrolling]:
    """Better and better patrols with higher and higher bounds, the last of them the best there is.

    Each remembers its own visits for twice as long as the one before. It ends early where a patrol would have too many
    states; the last one's gap then says what is left.

    Raises: InputError where not even a patrol without memory has few enough states.
    """
    ground = Ground(beat)
    best: Patrolling | None = None
    for memory in (0, *(2**k for k in range(int(ground.crossing.max()).bit_length() + 1))):
        try:
            walk = Walk(ground, memory, states)
        except InputError:
            if best is None:
                raise
            return
        best = _better(best, remembering(walk))
        yield best
        if walk.whole:
            return


def best_patrol(beat: Beat, *, states: int = STATES) -> Patrolling:
    """The best drawn patrol, or where that has too many states the best one that remembers less."""
    *_, last = improve(beat, states=states)
    return last


def remembering(walk: Walk) -> Patrolling:
    """The best patrol by what a walk counts, and its true worth; its bound holds for every patrol."""
    program = _program(walk)
    solution = solve(program)
    chain = _chain(walk, solution.x[:-1])
    evader = _evader(walk, solution.duals)
    return Patrolling(walk.ground, chain, through(walk.ground, chain), evader)


def sure_against(beat: Beat, patrols: int, *, states: int = STATES) -> float:
    """What an evader is sure of against so many patrols on one beat, even if they agree with one another.

    No patrol stops more together with others than alone, so they are let stop as many as all of them alone.
    """
    walk = Walk.widest(Ground(beat), states)
    return _evader(walk, solve(_program(walk, patrols)).duals, patrols).value


def through(ground: Ground, chain: Chain) -> Array:
    """(places,) what somebody who crosses there can count on, whoever drew the chain."""
    stopped = np.array([_stopped(ground, chain, place) for place in range(ground.places)])
    value: Array = ground.worth * (1 - ground.catch * stopped)
    return value


def timetable(ground: Ground, tour: Sequence[int]) -> Array:
    """(places,) what somebody who knows the timetable can count on, hour and all; the tour's nodes come round again."""
    nodes, count = np.array(tour), len(tour)
    found = np.zeros(ground.places)
    for place in range(ground.places):
        seen = np.array([
            (nodes[(start + np.arange(ground.crossing[place])) % count] == place).any() for start in range(count)
        ])  # fmt: skip
        told = ground.near()[place, nodes]
        found[place] = (ground.alarm[place] * told + (1 - ground.alarm[place]) * seen).min()
    value: Array = ground.worth * (1 - ground.catch * found)
    return value


def tour_chain(tour: Sequence[int]) -> Chain:
    """A timetable that begins at a drawn moment of its round."""
    count = len(tour)
    steps = np.arange(count)
    return Chain(np.array(tour), np.full(count, 1 / count), steps, (steps + 1) % count, np.ones(count))


def wandering_chain(ground: Ground) -> Chain:
    """The naive drawn patrol: at every node it stays or goes to a neighbour, all equally likely."""
    tails = np.array([node for node, after in enumerate(ground.after) for _ in after])
    heads = np.array([other for after in ground.after for other in after])
    ways = np.array([len(after) for after in ground.after])
    return Chain(np.arange(ground.nodes), ways / ways.sum(), tails, heads, 1 / ways[tails])


def draw(ground: Ground, chain: Chain, slots: int, rng: np.random.Generator) -> tuple[str | None, ...]:
    """Where to be in each slot, drawn from a chain; None on the road."""
    steps = chain.steps()
    state = int(rng.choice(len(chain.nodes), p=chain.share / chain.share.sum()))
    found = []
    for _ in range(slots):
        node = int(chain.nodes[state])
        found.append(ground.beat.places[node].place_id if node < ground.places else None)
        first, last = steps.indptr[state : state + 2]
        chances = steps.data[first:last]
        state = int(rng.choice(steps.indices[first:last], p=chances / chances.sum()))
    return tuple(found)


def _program(walk: Walk, patrols: int = 1) -> Program:
    """The least that the evader can count on (the last column) over flows (the others) of 1 a patrol that go round."""
    steps, places = np.arange(walk.steps), walk.ground.places
    ones = np.ones(walk.steps)
    shape = (walk.states, walk.steps)
    balance = csr_matrix((ones, (walk.tails, steps)), shape) - csr_matrix((ones, (walk.heads, steps)), shape)
    weighed = diags_array(walk.ground.worth * walk.ground.catch) @ _stops(walk)
    flows = vstack([balance, csr_matrix(ones[None]), weighed], format="csr")
    value = np.concatenate([np.zeros(walk.states + 1), np.ones(places)])[:, None]
    fixed = np.concatenate([np.zeros(walk.states), [patrols]])
    return Program(
        cost=np.concatenate([np.zeros(walk.steps), [1.0]]),
        matrix=csr_matrix(hstack([flows, csr_matrix(value)]), dtype=float),
        row_low=np.concatenate([fixed, walk.ground.worth]),
        row_high=np.concatenate([fixed, np.full(places, np.inf)]),
        low=np.concatenate([np.zeros(walk.steps), [-np.inf if patrols == 1 else 0.0]]),
        high=np.full(walk.steps + 1, np.inf),
    )


def _stops(walk: Walk) -> csr_matrix:
    """(places, steps) what a step, taken for sure, adds to the probability of stopping who crosses there."""
    ground = walk.ground
    here = walk.places >= 0
    seen = csr_matrix(
        (walk.gains[here].astype(float), (walk.places[here], np.flatnonzero(here))), shape=(ground.places, walk.steps)
    )
    told = csr_matrix(ground.near()[:, walk.nodes[walk.heads]].astype(float))
    return csr_matrix(diags_array(1 - ground.alarm) @ seen + diags_array(ground.alarm) @ told)


def _chain(walk: Walk, flow: Array) -> Chain:
    """The chances of a flow. States that it never comes to are left out, and so are steps that lead nowhere."""
    flow = np.where(flow > _RARE, flow, 0.0)
    share = np.bincount(walk.tails, flow, walk.states)
    while (lost := (flow > 0) & (share[walk.heads] == 0)).any():
        flow = np.where(lost, 0.0, flow)
        share = np.bincount(walk.tails, flow, walk.states)
    used = np.flatnonzero(flow)
    states = np.unique(np.concatenate([walk.tails[used], walk.heads[used]]))
    index = np.full(walk.states, -1)
    index[states] = np.arange(len(states))
    chances = flow[used] / share[walk.tails[used]]
    chain = Chain(walk.nodes[states], share[states], index[walk.tails[used]], index[walk.heads[used]], chances)
    return chain._replace(share=_settled(chain))


def _settled(chain: Chain) -> Array:
    """The chain's shares, rid of what the solver's tolerance left unbalanced."""
    turned, share = chain.steps().T.tocsr(), chain.share / chain.share.sum()
    for _ in range(200):
        share = (share + turned @ share) / 2
    settled: Array = share / share.sum()
    return settled


def _evader(walk: Walk, duals: Array, patrols: int = 1) -> Evader:
    """The evader's draw that the program's duals tell of, and what it is sure of: true for any duals whatever."""
    ground = walk.ground
    potential = duals[: walk.states]
    shares = np.maximum(duals[walk.states + 1 :], 0.0)
    shares = shares / shares.sum() if shares.sum() > 0 else np.full(ground.places, 1 / ground.places)
    gains = (shares * ground.worth * ground.catch) @ _stops(walk)
    most = float((gains + potential[walk.tails] - potential[walk.heads]).max())
    return Evader(shares, max(0.0, float(shares @ ground.worth) - patrols * most))


def _stopped(ground: Ground, chain: Chain, place: int) -> float:
    """The probability that who crosses at a place is stopped, or would be by a patrol that catches whom it sees."""
    turned = chain.steps().T.tocsr()
    elsewhere = chain.nodes != place
    missed = chain.share * elsewhere
    for _ in range(int(ground.crossing[place]) - 1):
        missed = (turned @ missed) * elsewhere
    told = float(chain.share @ ground.near()[place, chain.nodes])
    alarm = float(ground.alarm[place])
    return alarm * told + (1 - alarm) * float(1 - missed.sum())


def _better(one: Patrolling | None, other: Patrolling) -> Patrolling:
    """The better drawn patrol of two with the higher bound of both."""
    if one is None:
        return other
    best = min(one, other, key=lambda each: each.guaranteed)
    return best._replace(evader=max(one.evader, other.evader, key=lambda each: each.value))
