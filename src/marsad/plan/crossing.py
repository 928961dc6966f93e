"""The ways across a sector, and the least chance of being detected on any of them.

A way is a path in a graph of places. Going from one place to the next takes time, during which the mean of the
detection rates at the points that the step leads over counts, and may cross a barrier, which counts once. What adds up
is exposure: minus the logarithm of the probability of going undetected, so that independent chances of detection are
sums.

Source: D. Morton, F. Pan, K. Saeger, Models for nuclear smuggling interdiction, IIE Transactions 39 (2007) 3-14 (the
evader who knows the sensors takes the way of the greatest probability of evasion). E. W. Dijkstra, A note on two
problems in connexion with graphs, Numerische Mathematik 1 (1959) 269-271.
"""

import heapq
import math

import msgspec
import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.kernel.error import InputError
from marsad.kernel.record import Record, read_only

Array = NDArray[np.float64]
Places = NDArray[np.int32]
Starts = NDArray[np.int64]


class Passage(Record, eq=False):
    """One kind of evader going one way: the arcs out of each place, where it begins and where it has got through.

    The arcs out of place p are `starts[p]` to `starts[p + 1]` - 1: they lead to `heads`, take `seconds`, and cross the
    barrier `barriers`, an exposure's index beyond the points, or -1. Rates are given at so many `points`; each arc is
    `over` (arcs, an even number) of them, the first in the place that it leaves, the last in the one that it leads to,
    in equal parts. Whoever is held up by its barrier is seen at the rate of the points `waits` (arcs, points). Every
    way goes through at least one of `gates`.
    """

    starts: Starts
    heads: Places
    seconds: Array
    barriers: Places
    entries: Places
    exits: Places
    gates: Places
    points: int
    over: Places
    waits: Places

    def __post_init__(self) -> None:
        """Freeze the arrays and look for what would crash a kernel."""
        for name in (name for name in self.__struct_fields__ if name != "points"):
            msgspec.structs.force_setattr(self, name, read_only(getattr(self, name)))
        ends = (self.heads, self.entries, self.exits, self.gates)
        if any(len(which) and not 0 <= which.min() <= which.max() < self.places for which in ends):
            raise InputError(f"a passage leads to a place that is none of its {self.places}")
        if not (len(self.entries) and len(self.exits) and len(self.gates)):
            raise InputError("a passage needs places where it begins, gates, and places where it has got through")
        if any(each.size and not 0 <= each.min() <= each.max() < self.points for each in (self.over, self.waits)):
            raise InputError(f"a passage leads over a point that is none of its {self.points}")

    @property
    def places(self) -> int:
        """How many places there are."""
        return len(self.starts) - 1


def passage(
    tails: Places, heads: Places, seconds: Array, barriers: Places, *, ends: tuple[Places, Places, Places], places: int,
    points: int | None = None, over: Places | None = None, waits: Places | None = None,
) -> Passage:  # fmt: skip
    """A passage from a list of arcs; `ends` are its entries, exits and gates.

    Without `points`, `over` and `waits` rates are given at the places, and those of an arc are its own two.
    """
    both = np.stack([tails, heads], axis=1)
    order = np.argsort(tails, kind="stable")
    starts = np.zeros(places + 1, np.int64)
    np.cumsum(np.bincount(tails, minlength=places), out=starts[1:])
    entries, exits, gates = (np.asarray(which, np.int32) for which in ends)
    return Passage(
        starts=starts,
        heads=heads[order].astype(np.int32),
        seconds=seconds[order].astype(np.float64),
        barriers=barriers[order].astype(np.int32),
        entries=entries,
        exits=exits,
        gates=gates,
        points=places if points is None else points,
        over=np.ascontiguousarray((both if over is None else over)[order], np.int32),
        waits=np.ascontiguousarray((both if waits is None else waits)[order], np.int32),
    )


def reverse(way: Passage) -> Passage:
    """The same arcs walked backwards, from the exits to the entries: the least exposure still to come."""
    tails = np.repeat(np.arange(way.places, dtype=np.int32), np.diff(way.starts))
    ends = (way.exits, way.entries, way.gates)
    return passage(
        way.heads, tails, way.seconds, way.barriers, ends=ends, places=way.places, points=way.points,
        over=way.over[:, ::-1], waits=way.waits,
    )  # fmt: skip


def shares_over(way: Passage, places: Places, which: NDArray[np.bool_]) -> Array:
    """(steps,) the share of each step of a path that leads over points of which something is so."""
    over = way.over[arcs_along(places, way.starts, way.heads, way.seconds)]
    weights = np.ones(over.shape[1])
    weights[[0, -1]] = 0.5
    shares: Array = which[over] @ weights / weights.sum()
    return shares


def least_exposure(
    way: Passage, rates: Array, limit: float = math.inf, held_s: Array | None = None
) -> tuple[Array, Places]:
    """The least exposure from the entries to every place, and the place before it on the way there.

    `rates` holds the detection rate per second at every point, then what crossing each barrier adds; `held_s` is how
    long each barrier holds him up (not at all by default). Places beyond `limit` may be infinite, and -1 stands before
    an entry.
    """
    held = np.zeros(len(rates) - way.points) if held_s is None else held_s
    exposure, before = _least(
        way.starts,
        way.heads,
        way.seconds,
        way.barriers,
        way.over,
        way.waits,
        way.points,
        rates,
        held,
        way.entries,
        limit,
    )
    return exposure, before


@njit(cache=True, nogil=True)
def halves_over(rates: Array, over: Places, arc: int) -> tuple[float, float]:
    """The mean rates on the first and the second half of an arc; the points at its ends count for half."""
    half = over.shape[1] // 2
    first, last = 0.5 * rates[over[arc, 0]], 0.5 * rates[over[arc, -1]]
    for k in range(1, half):
        first += rates[over[arc, k]]
        last += rates[over[arc, -1 - k]]
    return first / (half - 0.5), last / (half - 0.5)


@njit(cache=True, nogil=True)
def waiting(rates: Array, waits: Places, arc: int) -> float:
    """The rate for whoever is held up on an arc."""
    total = 0.0
    for k in range(waits.shape[1]):
        total += rates[waits[arc, k]]
    mean: float = total / waits.shape[1]
    return mean


@njit(cache=True, nogil=True)
def _least(
    starts: Starts, heads: Places, seconds: Array, barriers: Places, over: Places, waits: Places, points: int,
    rates: Array, held_s: Array, entries: Places, limit: float,
) -> tuple[Array, Places]:  # fmt: skip
    places = len(starts) - 1
    exposure = np.full(places, math.inf)
    before = np.full(places, -1, np.int32)
    settled = np.zeros(places, np.bool_)
    queue = [(0.0, entries[0])]
    queue.clear()
    for entry in entries:
        exposure[entry] = 0.0
        heapq.heappush(queue, (0.0, entry))
    while len(queue) > 0:
        so_far, place = heapq.heappop(queue)
        if settled[place]:
            continue
        if so_far > limit:
            break
        settled[place] = True
        for arc in range(starts[place], starts[place + 1]):
            head = heads[arc]
            if settled[head]:
                continue
            first, last = halves_over(rates, over, arc)
            there = so_far + seconds[arc] * 0.5 * (first + last)
            if barriers[arc] >= 0:
                there += held_s[barriers[arc] - points] * waiting(rates, waits, arc) + rates[barriers[arc]]
            if there < exposure[head]:
                exposure[head] = there
                before[head] = place
                heapq.heappush(queue, (there, head))
    return exposure, before


@njit(cache=True, nogil=True)
def trace(before: Places, place: int) -> Places:
    """The places on the way to one of them, in order."""
    count = 1
    at = place
    while before[at] >= 0:
        at = before[at]
        count += 1
    path = np.empty(count, np.int32)
    at = place
    for k in range(count - 1, -1, -1):
        path[k] = at
        at = before[at]
    return path


@njit(cache=True, nogil=True)
def arcs_along(path: Places, starts: Starts, heads: Places, seconds: Array) -> Starts:
    """The arcs that a path goes by, the quickest where there are several."""
    arcs = np.full(max(len(path) - 1, 0), -1, np.int64)
    for k in range(len(path) - 1):
        for arc in range(starts[path[k]], starts[path[k] + 1]):
            if heads[arc] == path[k + 1] and (arcs[k] < 0 or seconds[arc] < seconds[arcs[k]]):
                arcs[k] = arc
    return arcs


@njit(cache=True, nogil=True)
def weigh(
    path: Places, starts: Starts, heads: Places, seconds: Array, barriers: Places, over: Places, weights: Array
) -> None:
    """Add to `weights` for how many seconds a path stays at every point, and how often it crosses every barrier."""
    last = over.shape[1] - 1
    for arc in arcs_along(path, starts, heads, seconds):
        for k in range(last + 1):
            weights[over[arc, k]] += seconds[arc] * (0.5 if k in (0, last) else 1.0) / last
        if barriers[arc] >= 0:
            weights[barriers[arc]] += 1.0
