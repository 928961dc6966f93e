"""Whether an evader is not only noticed but stopped: noticed while what delays him leaves time to respond.

Noticed at some place, he needs the time left, t, to his way's end: over the ground, and over the barriers still before
him. Those who respond need T from the nearest base with a free crew to that end. Both are uncertain, normally and each
as a whole (a slow walker is slow everywhere), so that they are in time with the probability

    Phi((t - T) / sqrt((pace t)^2 + (response T)^2)),

which grows with t and falls with T. That of interruption is summed over where on his way he is noticed first. He knows
all that is built and weighs exposure against time.

Everything that is built only ever helps; along a fixed way and with barriers and bases as they are, the probability of
getting through is a sum of exponentials of minus sums of exposures: minus its logarithm is concave in what sees him,
and its tangents are inequalities that every choice obeys. How the bound comes of it: docs/adr/0021.

Sources: J. Bennett, EASI: a physical protection evaluation method, SAND76-0500 (1977); M. L. Garcia, The Design and
Evaluation of Physical Protection Systems, 2nd ed., 2008, ch. 13. E. Q. V. Martins, On a multicriteria shortest path
problem, European Journal of Operational Research 16 (1984) 236-245 (labels that no other is better than in all).
"""

import heapq
import math
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np
from msgspec import Meta
from numba import njit
from scipy.special import ndtr

from marsad.kernel.error import InputError
from marsad.kernel.record import Record
from marsad.plan.crossing import Array, Places, Starts, arcs_along, halves_over, least_exposure, waiting
from marsad.plan.linked import Links
from marsad.plan.siting import TOLERANCE, Choice, Evader, Halves, Order, Path, Reading, Siting, Spare, Watch

_HORIZON = 6.0
_POINTS = 2048
_PIECES = 4
_HALF_BUILT = 0.25
_KEPT_TABLES = 64


class Timing(Record):
    """How sure the times are, one standard deviation as a share of each, and how likely a crew is free to go."""

    pace: Annotated[float, Meta(ge=0, lt=1)] = 0.3
    response: Annotated[float, Meta(ge=0, lt=1)] = 0.3
    free: Annotated[float, Meta(gt=0, le=1)] = 0.9


class Delaying(NamedTuple):
    """What options do besides seeing, each (options,): the stretch of a barrier or -1, a base or -1, and its crews."""

    stretch: Places
    base: Places
    crews: Places


class Chase(Record, eq=False):
    """An evader with what holds him up and who comes after him.

    `delay_s` (options,) is how long each holds him on its stretch; the most counts where there are several. For each
    of his passages, `ends` groups the exits; `reach_s` (bases, groups) is how soon somebody from each base is there.
    """

    evader: Evader
    delay_s: Array
    ends: tuple[Places, ...]
    reach_s: tuple[Array, ...]


class Passed(NamedTuple):
    """A way under a choice: the probability of getting through, and how much seeing at each point counts."""

    escape: float
    weights: Array


class _Ready(NamedTuple):
    """How likely those who respond are in time, (groups, times); `worse` says which group is nowhere the likelier."""

    chance: Array
    step_s: float
    worse: Choice


class Interrupting(Siting):
    """The choice of what sees, delays and responds, so that every way is interrupted with a probability.

    Exposure here is minus the logarithm of the probability of getting through.
    """

    def __init__(
        self,
        costs: Array,
        along_m: Array,
        chases: Sequence[Chase],
        probability: float,
        standing: Choice | None = None,
        *,
        watches: Sequence[Watch] = (),
        spare: Spare | None = None,
        links: Links | None = None,
        delaying: Delaying,
        timing: Timing,
    ) -> None:
        self.timing, self.delaying = timing, delaying
        self._chase = tuple(chase for chase in chases for _ in chase.evader.passages)
        self._ends = tuple(ends for chase in chases for ends in chase.ends)
        self._reach = tuple(np.asarray(reach, float) for chase in chases for reach in chase.reach_s)
        self._alone = [_alone(reach, timing) for reach in self._reach]
        self._read: tuple[Places, int, Order] | None = None
        self._kept: dict[tuple[int, bytes], _Ready] = {}
        passages = [way for chase in chases for way in chase.evader.passages]
        self._columns = [chase.evader.exposure.shape[1] for chase in chases for _ in chase.evader.passages]
        for way, ends in zip(passages, self._ends, strict=True):
            if len(ends) != len(way.exits):
                raise InputError(f"{len(way.exits)} exits of a passage have {len(ends)} groups")
        super().__init__(
            costs, along_m, [chase.evader for chase in chases], probability, standing, watches, spare, links
        )

    def held_s(self, passage: int, share: Array) -> Array:
        """How long each stretch of barrier holds an evader up under shares of the options."""
        held = np.zeros(self._columns[passage] - self.passages[passage].points)
        own = np.flatnonzero(self.delaying.stretch >= 0)
        np.maximum.at(held, self.delaying.stretch[own], share[own] * self._chase[passage].delay_s[own])
        return held

    def free(self, share: Array) -> Array:
        """(bases,) how likely each has a crew free to go under shares of the options."""
        bases = self._reach[0].shape[0]
        free: Array = np.zeros(bases)
        own = np.flatnonzero(self.delaying.base >= 0)
        np.maximum.at(free, self.delaying.base[own], share[own] * self._chance_free(self.delaying.crews[own]))
        return free

    def weakest_of(self, passage: int, choice: Choice, limit: float = math.inf) -> tuple[float, Path]:
        """The least exposure of any way of one passage under a choice, and that way."""
        way, share = self.passages[passage], choice.astype(float)
        rates, held = self.place_rates(passage, share), self.held_s(passage, share)
        exposure, _ = least_exposure(way, rates, math.inf, held)
        survive = np.exp(-exposure)
        begin = np.zeros(way.places, np.bool_)
        begin[way.entries] = True
        escape, places = self._escape(passage, share, rates, held, survive, begin, math.exp(-limit))
        return -math.log(escape) if escape > 0 else math.inf, Path(passage, places)

    def halves(self, passage: int, counted: Array, _reach: float, /) -> Halves:
        """Ways through every gate: unseen up to there, then with the best chance of getting through."""
        way = self.passages[passage]
        rates, held = self.rates_of(passage, counted), self.held_s(passage, counted)
        forth, before = least_exposure(way, rates, math.inf, held)
        ready, back = self._ready(passage, self.free(counted)), self.back[passage]
        escape, chance, after = _from_ends(
            back.starts, back.heads, back.seconds, back.barriers, back.over, back.waits, way.points, rates, held,
            ready.chance, ready.step_s, way.exits, self._ends[passage],
        )  # fmt: skip
        gates = way.gates
        late = 1 - chance[gates]
        through = late + np.exp(-forth[gates]) * (escape[gates] - late)
        with np.errstate(divide="ignore"):
            return Halves(np.where(escape[gates] > 0, -np.log(np.maximum(through, 0.0)), math.inf), before, after)

    def passed(self, path: Path, share: Array) -> Passed:
        """What a way comes to under shares of the options."""
        return self._counting(path, self.counted(share))

    def worth(self, path: Path, choice: Choice) -> float:
        """The probability of interruption on one way."""
        return 1.0 - self.passed(path, choice.astype(float)).escape

    def detected(self, path: Path, choice: Choice) -> float:
        """The probability of detection on one way, in time or not."""
        share = self.counted(choice.astype(float))
        way, held = self.passages[path.passage], self.held_s(path.passage, share)
        always = (np.ones(2), 1.0, share)
        rates = self.rates[path.passage]
        escape, _ = _pass(
            path.places,
            way.starts,
            way.heads,
            way.seconds,
            way.barriers,
            way.over,
            way.waits,
            way.points,
            held,
            *always,
            *rates,
        )
        return 1.0 - float(escape)

    def times(self, path: Path, choice: Choice) -> Array:
        """(places of the way,) how long it still takes from each to the end."""
        way, held = self.passages[path.passage], self.held_s(path.passage, choice.astype(float))
        arcs = arcs_along(path.places, way.starts, way.heads, way.seconds)
        crossed = np.where(way.barriers[arcs] >= 0, way.barriers[arcs] - way.points, len(held))
        took = way.seconds[arcs] + np.append(held, 0.0)[crossed]
        left: Array = np.concatenate([np.cumsum(took[::-1])[::-1], [0.0]])
        return left

    def first_there(self, path: Path, choice: Choice) -> tuple[int, float]:
        """Which base is the first at a way's end, and how soon; -1 and infinity where there is none."""
        reach = self._reach[path.passage][:, self._group(path)]
        soon = np.where(self.free(choice.astype(float)) > 0, reach, math.inf)
        base = int(np.argmin(soon)) if len(soon) else -1
        return (base, float(soon[base])) if base >= 0 and math.isfinite(soon[base]) else (-1, math.inf)

    def answered(self, passage: int, place: int, left_s: Array, share: Array) -> Array:
        """How likely somebody is in time for one whose way ends at an exit, by the time left to it."""
        at = np.flatnonzero(self.passages[passage].exits == place)
        reach = self._reach[passage][:, self._ends[passage][at[0]]]
        return answered(left_s, reach, self.free(share), self.timing)

    def enablers(self, path: Path) -> Order:
        """The barriers on a way and the bases that somebody may come from."""
        # A way is read many times over, with ever more of them given.
        if self._read is None or self._read[0] is not path.places or self._read[1] != path.passage:
            self._read = (path.places, path.passage, self._enablers(path))
        return self._read[2]

    def _enablers(self, path: Path) -> Order:
        stretch = self._stretches(path)
        delays = np.isin(self.delaying.stretch, stretch) & (self._chase[path.passage].delay_s > 0)
        comes = np.isfinite(self._reach[path.passage][:, self._group(path)])
        based = self.delaying.base >= 0
        answers = based & comes[np.where(based, self.delaying.base, 0)] if len(comes) else based
        return np.flatnonzero(delays | answers)

    def reading(self, path: Path, counted: Array, given: Choice) -> Reading:
        """A tangent of what a way asks of what sees it, with the barriers and bases given; others `instead`."""
        enablers = self.enablers(path)
        own = given.astype(float)
        held, free = self.held_s(path.passage, own), self.free(own)
        at = np.maximum(counted, own)
        at[enablers[~given[enablers]]] = 0.0
        escape, weights = self._passed(path, at, held, free)
        exposures = self.of_weights(path.passage, weights)
        better = self._better(path, enablers, held, free) | (exposures[enablers] > 0)
        instead = enablers[better & ~given[enablers]]
        exposures[given] = 0.0
        required = self.required + math.log(escape) + float(exposures @ at)
        return Reading(exposures, required, instead)

    def gains(self, path: Path, choice: Choice) -> Array:
        """What each option is worth, once it counts, to a choice that leaves a way open, all else a quarter built."""
        if -math.log(self.passed(path, choice.astype(float)).escape) >= self.required - TOLERANCE:
            return np.zeros(self.options)
        at = np.maximum(self.counted(choice.astype(float)), _HALF_BUILT)
        now = self._counting(path, at)
        gains = self.of_weights(path.passage, now.weights) * (1 - at)
        for one in self.enablers(path):
            more = at.copy()
            more[one] = 1.0
            gains[one] += math.log(now.escape / self._counting(path, more).escape)
        gains[self.counts(choice)] = 0.0
        capped: Array = np.minimum(gains, self.required)
        return capped

    def _better(self, path: Path, enablers: Order, held: Array, free: Array) -> Choice:
        """Which enablers would hold him up longer, or answer more surely, than those given."""
        stretch, base = self.delaying.stretch[enablers], self.delaying.base[enablers]
        better = np.zeros(len(enablers), np.bool_)
        slows, comes = stretch >= 0, base >= 0
        better[slows] = self._chase[path.passage].delay_s[enablers][slows] > held[stretch[slows]]
        better[comes] |= self._chance_free(self.delaying.crews[enablers][comes]) > free[base[comes]]
        return better

    def _chance_free(self, crews: Places) -> Array:
        """How likely one of so many crews is free to go."""
        chance: Array = 1 - (1 - self.timing.free) ** crews.astype(np.float64)
        return chance

    def _stretches(self, path: Path) -> Places:
        way = self.passages[path.passage]
        crossed = way.barriers[arcs_along(path.places, way.starts, way.heads, way.seconds)]
        return np.unique(crossed[crossed >= 0]) - way.points

    def _group(self, path: Path) -> int:
        """The group of the exit at which a way ends."""
        at = np.flatnonzero(self.passages[path.passage].exits == path.places[-1])
        return int(self._ends[path.passage][at[0]])

    def _counting(self, path: Path, counted: Array) -> Passed:
        """What a way comes to under shares that count."""
        return self._passed(path, counted, self.held_s(path.passage, counted), self.free(counted))

    def _passed(self, path: Path, share: Array, held: Array, free: Array) -> Passed:
        """The way with its barriers and crews as told."""
        way, (alone, step_s) = self.passages[path.passage], self._alone[path.passage]
        group = self._group(path)
        order, weight = _turns(self._reach[path.passage][:, group], free)
        chance = weight @ alone[order, group] if len(order) else np.zeros(2)
        escape, weights = _pass(
            path.places, way.starts, way.heads, way.seconds, way.barriers, way.over, way.waits, way.points, held,
            chance, step_s, share, *self.rates[path.passage],
        )  # fmt: skip
        return Passed(float(escape), weights)

    def _ready(self, passage: int, free: Array) -> _Ready:
        """How likely those of all bases are in time at each group of exits."""
        key = (passage, free.tobytes())
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _KEPT_TABLES:
                self._kept.clear()
            found = self._kept[key] = self._made_ready(passage, free)
        return found

    def _made_ready(self, passage: int, free: Array) -> _Ready:
        (alone, step_s), reach = self._alone[passage], self._reach[passage]
        groups = reach.shape[1]
        chance = np.zeros((groups, _POINTS))
        for group in range(groups):
            order, weight = _turns(reach[:, group], free)
            if len(order):
                chance[group] = weight @ alone[order, group]
        worse = np.array([(chance[each] <= chance + 1e-15).all(axis=1) for each in range(groups)])
        return _Ready(chance, step_s, worse)

    def _escape(
        self, passage: int, share: Array, rates: Array, held: Array, survive: Array, begin: Choice, floor: float
    ) -> tuple[float, Places]:
        way, back, ready = self.passages[passage], self.back[passage], self._ready(passage, self.free(share))
        escape, places = _best_escape(
            back.starts, back.heads, back.seconds, back.barriers, back.over, back.waits, way.points, rates, held,
            ready.chance, ready.step_s, ready.worse, way.exits, self._ends[passage], survive, begin, floor,
        )  # fmt: skip
        return float(escape), places


def in_time(left_s: Array, reach_s: Array, timing: Timing) -> Array:
    """How likely those who need `reach_s` are there within `left_s`; 0 where they never come."""
    with np.errstate(divide="ignore", invalid="ignore"):
        sigma = np.hypot(timing.pace * left_s, timing.response * reach_s)
        found = np.where(sigma > 0, ndtr((left_s - reach_s) / sigma), (left_s >= reach_s).astype(float))
    return np.where(np.isfinite(reach_s) & (left_s > 0), found, 0.0)


def answered(left_s: Array, reach_s: Array, free: Array, timing: Timing) -> Array:
    """How likely the first with a free crew is in time, by the time left; `reach_s` and `free` are by base."""
    order, weight = _turns(reach_s, free)
    if not len(order):
        return np.zeros_like(left_s)
    chance: Array = weight @ in_time(left_s, reach_s[order, None], timing)
    return chance


def _alone(reach_s: Array, timing: Timing) -> tuple[Array, float]:
    """(bases, groups, times) how likely a crew from each base is in time, and the step between the times."""
    known = reach_s[np.isfinite(reach_s)]
    horizon = max(_HORIZON * float(known.max()) if len(known) else 1.0, 1.0)
    left = np.linspace(0.0, horizon, _POINTS)
    return in_time(left, reach_s[..., None], timing), float(left[1])


def _turns(reach_s: Array, free: Array) -> tuple[Order, Array]:
    """The bases in the order in which they are there, and how likely each is the first with a free crew."""
    order = np.argsort(reach_s, kind="stable")
    order = order[np.isfinite(reach_s[order]) & (free[order] > 0)]
    taken = np.concatenate([[1.0], np.cumprod(1 - free[order])])[:-1] if len(order) else np.empty(0)
    return order, taken * free[order]


@njit(cache=True, nogil=True)
def _at(chance: Array, left_s: float, step_s: float) -> float:
    """A row of chances at a time, between its points in proportion, beyond the last as there."""
    where = left_s / step_s
    low = int(where)
    if low >= len(chance) - 1:
        last: float = chance[-1]
        return last
    between: float = chance[low] + (where - low) * (chance[low + 1] - chance[low])
    return between


@njit(cache=True, nogil=True)
def _before(escape: float, exposure: float, chance: float) -> float:
    """The probability of getting through from before a piece of a way, from that after it."""
    unseen = math.exp(-exposure)
    return unseen * escape + (1 - unseen) * (1 - chance)


@njit(cache=True, nogil=True)
def _back_over(
    escape: float, left_s: float, arc: int, over: Places, waits: Places, rates: Array, seconds: float, held_s: float,
    crossing: float, chance: Array, step_s: float,
) -> tuple[float, float]:  # fmt: skip
    """From the chance of getting through and the time left after an arc to those before it; `over` is from its end.

    He walks half of it, is noticed where the barrier begins, is held up by it, and walks the other half.
    """
    head_rate, tail_rate = halves_over(rates, over, arc)
    half = 0.5 * seconds
    if head_rate > 0:
        escape = _before(escape, half * head_rate, _at(chance, left_s + 0.5 * half, step_s))
    left_s += half
    held_rate = waiting(rates, waits, arc) if held_s > 0 else 0.0
    if held_rate > 0:
        for piece in range(_PIECES):
            then = left_s + held_s * (piece + 0.5) / _PIECES
            escape = _before(escape, held_rate * held_s / _PIECES, _at(chance, then, step_s))
    left_s += held_s
    if crossing > 0:
        escape = _before(escape, crossing, _at(chance, left_s, step_s))
    if tail_rate > 0:
        escape = _before(escape, half * tail_rate, _at(chance, left_s + 0.5 * half, step_s))
    return escape, left_s + half


@njit(cache=True, nogil=True)
def _best_escape(
    starts: Starts, tails: Places, seconds: Array, barriers: Places, over: Places, waits: Places, points: int,
    rates: Array, held_s: Array, chance: Array, step_s: float, worse: Choice, exits: Places, ends: Places,
    survive: Array, begin: Choice, floor: float,
) -> tuple[float, Places]:  # fmt: skip
    """The best chance of getting through, if above `floor`, and the places of that way; else 0 and none.

    Labels go from the exits back: where, the chance from there on, the time left, the exit's group. The most promising
    goes first: at best he came there unseen with the least exposure, and was answered no later than there.
    """
    places = len(starts) - 1
    size = max(4 * places, 1024)
    where, parent, following = np.empty(size, np.int32), np.empty(size, np.int64), np.empty(size, np.int64)
    group = np.empty(size, np.int32)
    escape, left = np.empty(size), np.empty(size)
    settled = np.full(places, -1, np.int64)
    queue = [(0.0, 0.0, np.int64(0))]
    queue.clear()
    count = 0
    for k in range(len(exits)):
        where[count], parent[count], group[count], escape[count], left[count] = exits[k], -1, ends[k], 1.0, 0.0
        promise = 1 - chance[ends[k], 0] + survive[exits[k]] * chance[ends[k], 0]
        if promise > floor:
            heapq.heappush(queue, (-promise, 0.0, np.int64(count)))
            count += 1
    while len(queue) > 0:
        _, _, label = heapq.heappop(queue)
        place = where[label]
        if _outdone(settled[place], following, escape, left, group, worse, escape[label], left[label], group[label]):
            continue
        following[label], settled[place] = settled[place], label
        if begin[place]:
            return escape[label], _places(np.int64(label), where, parent)
        own = chance[group[label]]
        for arc in range(starts[place], starts[place + 1]):
            tail, barrier = tails[arc], barriers[arc]
            held, crossing = (held_s[barrier - points], rates[barrier]) if barrier >= 0 else (0.0, 0.0)
            through, time_left = _back_over(
                escape[label], left[label], arc, over, waits, rates, seconds[arc], held, crossing, own, step_s
            )
            late = 1 - _at(own, time_left, step_s)
            promise = late + survive[tail] * (through - late)
            if promise <= floor or _outdone(
                settled[tail], following, escape, left, group, worse, through, time_left, group[label]
            ):
                continue
            if count == size:
                where, parent = _doubled_32(where), _doubled_64(parent)
                following, group = _doubled_64(following), _doubled_32(group)
                escape, left = _doubled(escape), _doubled(left)
                size *= 2
            where[count], parent[count], group[count], escape[count], left[count] = (
                tail, label, group[label], through, time_left,
            )  # fmt: skip
            heapq.heappush(queue, (-promise, time_left, np.int64(count)))
            count += 1
    return 0.0, np.empty(0, np.int32)


@njit(cache=True, nogil=True)
def _outdone(
    settled: int, following: Starts, escape: Array, left: Array, group: Places, worse: Choice, through: float,
    time_left: float, own: int,
) -> bool:  # fmt: skip
    """Whether a label settled at a place is as good as another one in everything."""
    while settled >= 0:
        if escape[settled] >= through and left[settled] <= time_left and worse[group[settled], own]:
            return True
        settled = following[settled]
    return False


@njit(cache=True, nogil=True)
def _places(label: np.int64, where: Places, parent: Starts) -> Places:
    count, at = 0, label
    while at >= 0:
        count, at = count + 1, parent[at]
    path, at = np.empty(count, np.int32), label
    for k in range(count):
        path[k] = where[at]
        at = parent[at]
    return path


@njit(cache=True, nogil=True)
def _doubled(values: Array) -> Array:
    more = np.empty(2 * len(values))
    more[: len(values)] = values
    return more


@njit(cache=True, nogil=True)
def _doubled_32(values: Places) -> Places:
    more = np.empty(2 * len(values), np.int32)
    more[: len(values)] = values
    return more


@njit(cache=True, nogil=True)
def _doubled_64(values: Starts) -> Starts:
    more = np.empty(2 * len(values), np.int64)
    more[: len(values)] = values
    return more


@njit(cache=True, nogil=True)
def _from_ends(
    starts: Starts, tails: Places, seconds: Array, barriers: Places, over: Places, waits: Places, points: int,
    rates: Array, held_s: Array, chance: Array, step_s: float, exits: Places, ends: Places,
) -> tuple[Array, Array, Places]:  # fmt: skip
    """A good way from every place to an exit: the chance of getting through, of being answered, and the next place."""
    places = len(starts) - 1
    escape, left = np.full(places, -1.0), np.zeros(places)
    answered = np.ones(places)
    after, group = np.full(places, -1, np.int32), np.zeros(places, np.int32)
    done = np.zeros(places, np.bool_)
    queue = [(0.0, 0.0, np.int32(0))]
    queue.clear()
    for k in range(len(exits)):
        if escape[exits[k]] < 0 or chance[ends[k]].sum() < chance[group[exits[k]]].sum():
            escape[exits[k]], group[exits[k]] = 1.0, ends[k]
            answered[exits[k]] = chance[ends[k], 0]
        heapq.heappush(queue, (-1.0, 0.0, exits[k]))
    while len(queue) > 0:
        _, _, place = heapq.heappop(queue)
        if done[place]:
            continue
        done[place] = True
        own = chance[group[place]]
        for arc in range(starts[place], starts[place + 1]):
            tail, barrier = tails[arc], barriers[arc]
            if done[tail]:
                continue
            held, crossing = (held_s[barrier - points], rates[barrier]) if barrier >= 0 else (0.0, 0.0)
            through, time_left = _back_over(
                escape[place], left[place], arc, over, waits, rates, seconds[arc], held, crossing, own, step_s
            )
            if through > escape[tail] or (through == escape[tail] and time_left < left[tail]):
                escape[tail], left[tail], after[tail], group[tail] = through, time_left, place, group[place]
                answered[tail] = _at(own, time_left, step_s)
                heapq.heappush(queue, (-through, time_left, tail))
    return escape, answered, after


@njit(cache=True, nogil=True)
def _pieces_of(
    path: Places, starts: Starts, heads: Places, seconds: Array, barriers: Places, over: Places, waits: Places,
    points: int, held_s: Array, chance: Array, step_s: float,
) -> tuple[Starts, Array, Array]:  # fmt: skip
    """A way in pieces, in order: the point or barrier of each, how long or how often, and how likely it is answered."""
    last, middle = over.shape[1] - 1, over.shape[1] // 2
    arcs = arcs_along(path, starts, heads, seconds)
    spots = waits.shape[1]
    pieces = len(arcs) * (last + 2 + spots * _PIECES)
    column, amount, answered = np.empty(pieces, np.int64), np.empty(pieces), np.empty(pieces)
    at, left_s = pieces, 0.0
    for k in range(len(arcs) - 1, -1, -1):
        arc, half, barrier = arcs[k], 0.5 * seconds[arcs[k]], barriers[arcs[k]]
        held = held_s[barrier - points] if barrier >= 0 else 0.0
        for point in range(last, -1, -1):
            if point == middle - 1 and barrier >= 0:
                for piece in range(_PIECES):
                    ready = _at(chance, left_s + half + held * (piece + 0.5) / _PIECES, step_s)
                    for spot in range(spots):
                        at -= 1
                        column[at], amount[at], answered[at] = waits[arc, spot], held / _PIECES / spots, ready
                at -= 1
                column[at], amount[at] = barrier, 1.0
                answered[at] = _at(chance, left_s + half + held, step_s)
            then = left_s + (0.5 * half if point >= middle else 1.5 * half + held)
            at -= 1
            column[at], answered[at] = over[arc, point], _at(chance, then, step_s)
            amount[at] = seconds[arc] * (0.5 if point in (0, last) else 1.0) / last
        left_s += 2 * half + held
    return column[at:], amount[at:], answered[at:]


@njit(cache=True, nogil=True)
def _pass(
    path: Places, starts: Starts, heads: Places, seconds: Array, barriers: Places, over: Places, waits: Places,
    points: int, held_s: Array, chance: Array, step_s: float, share: Array, rate_starts: Starts, rate_options: Places,
    rates: Array,
) -> tuple[float, Array]:  # fmt: skip
    """The chance of getting through on a way, and the weight of every point and barrier in minus its logarithm.

    The weight is how long he is there, times how much of those who are caught by exposure there would be through else.
    """
    column, amount, answered = _pieces_of(
        path, starts, heads, seconds, barriers, over, waits, points, held_s, chance, step_s
    )
    pieces = len(column)
    rate = np.full(len(rate_starts) - 1, -1.0)
    seen, caught = 0.0, np.empty(pieces)
    first = answered[0] if pieces else 0.0
    escape = 1 - first
    for k in range(pieces):
        one = column[k]
        if rate[one] < 0:
            rate[one] = 0.0
            for entry in range(rate_starts[one], rate_starts[one + 1]):
                rate[one] += rates[entry] * share[rate_options[entry]]
        seen += amount[k] * rate[one]
        later = answered[k + 1] if k + 1 < pieces else 0.0
        caught[k] = (answered[k] - later) * math.exp(-seen)
        escape += caught[k]
    weights = np.zeros(len(rate_starts) - 1)
    still = 0.0
    for k in range(pieces - 1, -1, -1):
        still += caught[k]
        weights[column[k]] += amount[k] * still / escape if escape > 0 else 0.0
    return escape, weights
