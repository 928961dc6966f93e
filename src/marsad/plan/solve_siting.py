"""The search for the cheapest choice that closes a sector, with a proven bound on what the cheapest costs.

From below: a linear relaxation is cut by inequalities of the ways that it leaves open, looked for not only at its own
optimum but also half-way to the best choice known (which needs far fewer rounds), and at random roundings; then the
remaining gap is searched by branching. From above: fractional choices are rounded, mended and pruned, and windows of
the sector are chosen anew, exactly over the inequalities known, with the rest as it is.

Sources: W. Ben-Ameur, J. Neto, Acceleration of cutting-plane and column generation algorithms: applications to network
design, Networks 49 (2007) 3-17 (cutting between a solution and an inner point). T. Achterberg, T. Koch, A. Martin,
Branching rules revisited, Operations Research Letters 33 (2005) 42-54. P. Shaw, Using constraint programming and local
search methods to solve vehicle routing problems, CP 1998, 417-431 (windows chosen anew).
"""

import heapq
import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from marsad.kernel.error import InputError
from marsad.kernel.plan import gap
from marsad.plan.crossing import Array
from marsad.plan.path_cuts import open_cuts, violated_cuts, watch_cuts, weak_ways
from marsad.plan.rebuild import rebuilt
from marsad.plan.relaxation import Relaxation, Relaxed
from marsad.plan.siting import TOLERANCE, Choice, Siting, watched

_INWARD = (0.5, 0.9, 1.0)
_ENOUGH_CUTS = 40
_DRAWS = 8
_STALLED = 5e-4
_SLOW = 0.005
_NODE_ROUNDS = 4
_CANDIDATES = 8
_TRIAL_ITERATIONS = 60
_INTEGRAL = 1e-6
_WINDOWS = 4
_WINDOW_OPTIONS = 8
_WINDOW_FREE = 90
_FUTILE_WINDOWS = 24


class Progress(NamedTuple):
    """The best choice so far, its cost, the proven bound, and what the search does now."""

    choice: Choice
    cost: float
    bound: float
    doing: str

    @property
    def gap(self) -> float:
        """The share of the cost that a better choice could save at most."""
        return gap(self.cost, self.bound)


def solve(siting: Siting, rng: np.random.Generator) -> Iterator[Progress]:
    """Ever better choices and bounds; ends when the bound meets the cost. Stop asking at any time.

    Raises: InputError where the sector cannot be closed (`Siting.open_way` says where).
    """
    if siting.open_way() is not None:
        raise InputError("the sector cannot be closed: a way stays open whatever is built")
    search = _Search(siting, rng)
    yield search.progress("begin")
    yield from search.cut()
    yield from search.branch()


class _Node(NamedTuple):
    bound: float
    number: int
    lower: Choice
    upper: Choice


class _Search:
    def __init__(self, siting: Siting, rng: np.random.Generator) -> None:
        self.siting, self.rng = siting, rng
        self.relaxation = Relaxation(siting)
        self.unit = _unit(siting.costs)
        self.bound = 0.0
        self.upper = np.ones(siting.options, np.bool_)
        self.reduced = siting.costs
        self.futile = 0
        self.best = siting.pruned(self._completed(siting.standing, np.zeros(siting.options)))
        self.cost = siting.cost(self.best)

    def progress(self, doing: str) -> Progress:
        return Progress(self.best.copy(), self.cost, min(self.bound, self.cost), doing)

    def closed(self, bound: float) -> bool:
        """Whether nothing below a bound can be better than the best choice."""
        return self._rounded_up(bound) >= self.cost - TOLERANCE * max(1.0, self.cost)

    def cut(self) -> Iterator[Progress]:
        """Rounds of cutting at the root, with attempts at better choices between them."""
        stalled, before = 0, 0.0
        while not self.closed(self.bound) and stalled < 3:
            relaxed, found = self._round(self.siting.standing, self.upper)
            self._learn(relaxed)
            yield self.progress("cut")
            gained, before = relaxed.bound - before, relaxed.bound
            stalled = 3 if found == 0 else stalled + 1 if gained < _STALLED * self.cost else 0
            if self.bound > 0 and (gained < _SLOW * self.cost or found == 0):
                self._round_up(relaxed.share)
                yield self.progress("round")
                yield from self._windows(_WINDOWS)

    def branch(self) -> Iterator[Progress]:
        """Best-first branching on what the root left open."""
        count = 0
        nodes = [_Node(self.bound, 0, self.siting.standing, self.upper)]
        while nodes and not self.closed(nodes[0].bound):
            node = heapq.heappop(nodes)
            for child in self._children(node):
                count += 1
                heapq.heappush(nodes, child._replace(number=-count))
            least = nodes[0].bound if nodes else math.inf
            self.bound = max(self.bound, self._rounded_up(min(least, self.cost)))
            yield self.progress("branch")
            if count % 16 == 0:
                yield from self._windows(1)
        self.bound = self.cost
        yield self.progress("proven")

    def _children(self, node: _Node) -> list[_Node]:
        """What is left of a node: nothing, or two halves."""
        upper = node.upper & self.upper
        if not self.siting.closes(upper):
            return []
        bound = node.bound
        for _ in range(_NODE_ROUNDS):
            relaxed, found = self._round(node.lower, upper, draws=1)
            bound = max(bound, relaxed.bound)
            if self.closed(bound):
                return []
            if found == 0:
                break
        self._round_up(relaxed.share)
        relaxed = self.relaxation.solve(node.lower, upper)
        option = self._split(relaxed, node.lower, upper)
        if option is None:
            return [_Node(bound, 0, node.lower, upper)] if not self._settled(relaxed.share) else []
        built, left = node.lower.copy(), upper.copy()
        built[option], left[option] = True, False
        return [_Node(bound, 0, built, upper), _Node(bound, 0, node.lower, left)]

    def _settled(self, share: Array) -> bool:
        """Whether an integral choice of the relaxation closes the sector: it is taken, or what is open learnt."""
        choice = share > 0.5
        if not self.siting.closes(choice):
            self.relaxation.add(open_cuts(self.siting, choice))
            return False
        self._offer(choice)
        return True

    def _split(self, relaxed: Relaxed, lower: Choice, upper: Choice) -> int | None:
        """The option whose being built or left out raises the bound the most; None where the choice is integral."""
        part = np.minimum(relaxed.share, 1 - relaxed.share)
        likely = np.argsort(-part * (self.siting.costs + TOLERANCE), kind="stable")[:_CANDIDATES]
        likely = likely[part[likely] > _INTEGRAL]
        best, chosen = -1.0, None
        for option in likely:
            built, left = lower.copy(), upper.copy()
            built[option], left[option] = True, False
            up = self.relaxation.solve(built, upper, _TRIAL_ITERATIONS).bound - relaxed.bound
            down = self.relaxation.solve(lower, left, _TRIAL_ITERATIONS).bound - relaxed.bound
            score = max(up, 1e-6) * max(down, 1e-6)
            if score > best:
                best, chosen = score, int(option)
        return chosen

    def _round(self, lower: Choice, upper: Choice, draws: int = _DRAWS) -> tuple[Relaxed, int]:
        """One solution of the relaxation, and how many new inequalities cut it off."""
        relaxed = self.relaxation.solve(lower, upper)
        share, found = relaxed.share, 0
        asked: set[tuple[int, int, bytes]] = set()
        inner = np.where(lower, 1.0, np.where(upper, self.best, 0.0))
        for inward in _INWARD:
            found += self._separate(share, inward * share + (1 - inward) * inner, asked)
        for _ in range(draws if found < _ENOUGH_CUTS else 0):
            found += self._separate(share, share * (self.rng.random(len(share)) > 0.25), asked)
            found += self._separate(share, (self.rng.random(len(share)) < share).astype(float), asked)
        self.relaxation.forget(share)
        return relaxed, found

    def _separate(self, share: Array, at: Array, asked: set[tuple[int, int, bytes]]) -> int:
        """How many new inequalities the ways that are weak at some point give; each way is `asked` for its own once."""
        found = {(way.passage, way.lost, way.places.tobytes()): way for way in weak_ways(self.siting, at)}
        ways = [way for name, way in found.items() if name not in asked]
        asked.update(found)
        return self.relaxation.add(watch_cuts(self.siting, share) + violated_cuts(self.siting, share, ways))

    def _learn(self, relaxed: Relaxed) -> None:
        """Take the root's bound, and leave out for good what no better choice can hold."""
        self.bound = max(self.bound, relaxed.bound)
        self.reduced = relaxed.reduced
        spare = self.cost - self.unit - relaxed.bound
        self.upper &= (relaxed.reduced <= spare + TOLERANCE * max(1.0, self.cost)) | self.siting.standing | self.best
        self.bound = max(self.bound, min(self._rounded_up(self.bound), self.cost))

    def _round_up(self, share: Array) -> None:
        threshold = self.rng.uniform(0.2, 0.8)
        choice = self._completed((share > threshold) | self.siting.standing, share)
        if self.siting.cost(choice) < 1.5 * self.cost:
            self._offer(self.siting.pruned(choice))

    def _offer(self, choice: Choice) -> None:
        cost = self.siting.cost(choice)
        if cost < self.cost - TOLERANCE:
            self.best, self.cost, self.futile = choice, cost, 0

    def _completed(self, choice: Choice, preference: Array) -> Choice:
        """A choice that closes the sector: to ways well apart, one option at a time, the most exposure per cost."""
        wanted = preference + 0.05
        choice = watched(self.siting, choice, wanted / np.maximum(self.siting.costs, TOLERANCE))
        while True:
            exposure, weakest = self.siting.weakest(choice, self.siting.required)
            if exposure >= self.siting.required - TOLERANCE:
                return choice
            for way in [weakest, *weak_ways(self.siting, choice.astype(float))]:
                gains = self.siting.helps(way, choice)
                if gains.max() > 0.0:
                    prices = np.maximum(self.siting.prices(choice, way.lost), TOLERANCE)
                    choice = self.siting.joined(choice, int(np.argmax(gains * wanted / prices)), way.lost)

    def _windows(self, count: int) -> Iterator[Progress]:
        """Choose windows of the sector anew, until that has long been without gain."""
        for _ in range(count):
            if self.closed(self.bound) or self.futile > _FUTILE_WINDOWS:
                return
            self.futile += 1
            found = rebuilt(self.siting, self.relaxation, self.best, self._window())
            if found is not None:
                self._offer(self.siting.pruned(found))
            yield self.progress("rebuild")

    def _window(self) -> Choice:
        """The likeliest options of a stretch that holds a few of those built, around one of them."""
        built = np.flatnonzero(self.best & ~self.siting.standing)
        centre = self.siting.along_m[self.rng.choice(built)] if len(built) else 0.0
        away = np.abs(self.siting.along_m - centre)
        count = min(len(built), int(self.rng.integers(2, _WINDOW_OPTIONS + 1)))
        radius = np.sort(away[built])[count - 1] if count else math.inf
        near = np.flatnonzero((away <= radius) & (self.upper | self.best) & ~self.siting.standing)
        likely = near[np.argsort(np.where(self.best[near], -math.inf, self.reduced[near]), kind="stable")]
        window = np.zeros(self.siting.options, np.bool_)
        window[likely[:_WINDOW_FREE]] = True
        return window

    def _rounded_up(self, bound: float) -> float:
        return math.ceil(bound / self.unit - 1e-6) * self.unit if self.unit else bound


def _unit(costs: Array) -> float:
    """What every cost is a whole multiple of; 0 where the costs are not whole numbers."""
    whole = np.rint(costs)
    if np.any(np.abs(costs - whole) > 1e-9) or costs.max() > 1e15:
        return 0.0
    return float(math.gcd(*(int(cost) for cost in whole)))
