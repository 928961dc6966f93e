"""Where a patrol can be from one moment to the next, and what it still knows of where it has been.

Time goes in slots. To cross at a place takes somebody `crossing_slots`; a patrol that is there in one of them stops it.
A patrol that soon comes back finds few whom it has not stopped before, so what a visit is worth hangs on when the last
one was. A state is therefore the patrol's node and the ages of those visits that can still matter: to a place that can
be reached again before its crossing time has run out. That makes what a visit is worth a property of one step, and the
best patrol a flow.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Final

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import shortest_path

from marsad.geo.geodesy import Array
from marsad.kernel.error import InputError
from marsad.kernel.record import Record

Ids = NDArray[np.int64]
Ages = tuple[tuple[int, int], ...]
"""Places, in order, and how many slots ago the patrol was last there."""

STATES: Final = 200_000


class Place(Record):
    """A stretch that somebody may cross, and a patrol may watch.

    `worth` is what getting across there is worth to the evader, `catch` the probability of stopping who crosses before
    the patrol's eyes, and `alarm` that of a sensor which tells the patrol, as a crossing begins, that it is here.
    """

    place_id: Annotated[str, Meta(min_length=1)]
    crossing_slots: Annotated[int, Meta(ge=1)]
    worth: Annotated[float, Meta(gt=0)] = 1.0
    catch: Annotated[float, Meta(gt=0, le=1)] = 1.0
    alarm: Annotated[float, Meta(ge=0, le=1)] = 0.0


class Way(Record):
    """A road between two places, and how many slots a patrol is on it. It may turn back on the way."""

    one: str
    other: str
    slots: Annotated[int, Meta(ge=1)] = 1


class Beat(Record):
    """The places that a patrol looks after and the ways between them."""

    places: Annotated[tuple[Place, ...], Meta(min_length=1)]
    ways: tuple[Way, ...] = ()


def line(places: Iterable[Place], slots: int = 1) -> Beat:
    """Places in a row, each so many slots from the next."""
    row = tuple(places)
    return Beat(places=row, ways=tuple(Way(one=a.place_id, other=b.place_id, slots=slots) for a, b in pairwise(row)))


class Ground:
    """A beat as nodes one slot apart: its places first, then the stages of its roads."""

    def __init__(self, beat: Beat) -> None:
        self.beat = beat
        self.places = len(beat.places)
        self.crossing = np.array([place.crossing_slots for place in beat.places])
        self.worth = np.array([place.worth for place in beat.places])
        self.catch = np.array([place.catch for place in beat.places])
        self.alarm = np.array([place.alarm for place in beat.places])
        pairs, self.nodes = _stages(beat)
        self.after: list[list[int]] = [[node] if node < self.places else [] for node in range(self.nodes)]
        for one, other in pairs:
            self.after[one].append(other)
            self.after[other].append(one)
        ends = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
        graph = csr_matrix((np.ones(ends.shape[1]), (ends[0], ends[1])), shape=(self.nodes, self.nodes))
        self.slots: Array = shortest_path(graph, directed=False, unweighted=True)
        """(nodes, nodes), infinite where no way leads."""

    def near(self) -> NDArray[np.bool_]:
        """(places, nodes): from where a patrol that is told of a crossing at its first slot still comes in time."""
        reached: NDArray[np.bool_] = self.slots[: self.places] <= self.crossing[:, None] - 1
        return reached


class Walk:
    """Every state of a patrol and every step from one to another.

    Of the visits that matter those older than `memory` slots are forgotten, which counts some crossings twice: then
    what it counts is too high, and `whole` is False.
    """

    def __init__(self, ground: Ground, memory: int | None = None, states: int = STATES) -> None:
        self.ground = ground
        self.whole = True
        self._memory = int(ground.crossing.max()) if memory is None else memory
        known: dict[tuple[int, Ages], int] = {}
        queue: list[tuple[int, Ages]] = []
        tails, heads, places, gains = [], [], [], []
        for node in range(ground.nodes):
            known[node, ()] = len(queue)
            queue.append((node, ()))
        for tail, (node, ages) in enumerate(queue):
            for other in ground.after[node]:
                state = other, self._ages(node, ages, other)
                if state not in known:
                    if len(queue) >= states:
                        raise InputError(
                            f"a patrol here has more than {states} states: forget sooner, or split the beat"
                        )
                    known[state] = len(queue)
                    queue.append(state)
                tails.append(tail)
                heads.append(known[state])
                places.append(other if other < ground.places else -1)
                gains.append(self._newly(node, ages, other))
        self.nodes: Ids = np.array([node for node, _ in queue])
        self.tails, self.heads = np.array(tails), np.array(heads)
        self.places: Ids = np.array(places)
        """(steps,) the place that a step comes to, -1 on the road."""
        self.gains: Ids = np.array(gains)
        """(steps,) how many of the moments at which a crossing there may begin it stops, that none stopped before."""

    @staticmethod
    def widest(ground: Ground, states: int = STATES) -> "Walk":
        """The walk that remembers the most in so many states."""
        widest = Walk(ground, 0, max(states, ground.nodes))
        for memory in range(1, int(ground.crossing.max()) + 1):
            try:
                widest = Walk(ground, memory, states)
            except InputError:
                break
            if widest.whole:
                break
        return widest

    @property
    def states(self) -> int:
        """How many there are."""
        return len(self.nodes)

    @property
    def steps(self) -> int:
        """How many there are."""
        return len(self.tails)

    def _ages(self, node: int, ages: Ages, other: int) -> Ages:
        ground, older = self.ground, [(place, age + 1) for place, age in ages]
        if node < ground.places:
            older.append((node, 1))
        matter = [
            (place, age)
            for place, age in older
            if place != other and age + ground.slots[other, place] < ground.crossing[place]
        ]
        kept = [(place, age) for place, age in matter if age <= self._memory]
        self.whole &= len(kept) == len(matter)
        return tuple(sorted(kept))

    def _newly(self, node: int, ages: Ages, other: int) -> int:
        if other >= self.ground.places:
            return 0
        crossing = int(self.ground.crossing[other])
        since = 1 if other == node else dict(ages).get(other, crossing) + 1
        return min(crossing, since)


def _stages(beat: Beat) -> tuple[list[tuple[int, int]], int]:
    """Which nodes lie one slot apart, and how many there are.

    Raises: InputError where a way names no place, or two places have one name.
    """
    index = {place.place_id: k for k, place in enumerate(beat.places)}
    if len(index) < len(beat.places):
        raise InputError("two places have the same name")
    pairs, nodes = [], len(beat.places)
    for way in beat.ways:
        for end in (way.one, way.other):
            if end not in index:
                raise InputError(f"a way leads to {end}, which is no place: {', '.join(index)}")
        chain = [index[way.one], *range(nodes, nodes + way.slots - 1), index[way.other]]
        nodes += way.slots - 1
        pairs += list(pairwise(chain))
    return pairs, nodes
