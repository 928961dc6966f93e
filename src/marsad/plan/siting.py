"""What may be built along a sector, what each of it adds to the evader's exposure, and what a choice of it is worth.

A choice closes the sector when every way of every passage has at least the exposure required: detection on the way
has a probability of 1 - exp(-exposure).
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array

from marsad.kernel.error import InputError
from marsad.kernel.record import Record
from marsad.plan.crossing import Array, Passage, Places, Starts, least_exposure, reverse, trace, weigh
from marsad.plan.linked import Links, Network

Choice = NDArray[np.bool_]
Order = NDArray[np.int64]
TOLERANCE = 1e-9


class Rates(NamedTuple):
    """What each option adds at each point: for point p the `options` and `rates` from `starts[p]` on.

    Points beyond the graph's own are barriers; there the figure is what one crossing adds.
    """

    starts: Starts
    options: Places
    rates: Array


class Evader(Record, eq=False):
    """A kind of evader: `exposure` (options, points and barriers) sparse, and the passages it may try."""

    exposure: csr_array
    passages: tuple[Passage, ...]


class Watch(NamedTuple):
    """Options of which so many are wanted at least."""

    options: Order
    times: int


class Spare(NamedTuple):
    """Options any one of which may be lost, and the probability that is required all the same."""

    options: Order
    probability: float


class Path(NamedTuple):
    """One way of one passage, by its number among all, and its places in order; `lost` is an option out of order."""

    passage: int
    places: Places
    lost: int = -1


class Halves(NamedTuple):
    """Ways through the gates of a passage: the exposure on each, the place before every place, and the one after it."""

    through: Array
    before: Places
    after: Places


class Reading(NamedTuple):
    """An inequality of a way: the exposures times what is chosen come to `required`, or one of `instead` is chosen."""

    exposures: Array
    required: float
    instead: Order


class Siting:
    """The choice to be made: options with costs, evaders, and the probability of detection required on every way.

    `standing` options are there already: they are in every choice and cost nothing. `along_m` says where along the
    sector each option acts; `most` is the least exposure of any way with all of them built. With `links` towers count
    only where their pictures arrive.
    """

    def __init__(
        self,
        costs: Array,
        along_m: Array,
        evaders: Sequence[Evader],
        probability: float,
        standing: Choice | None = None,
        watches: Sequence[Watch] = (),
        spare: Spare | None = None,
        links: Links | None = None,
    ) -> None:
        count = len(costs)
        if not 0 < probability < 1:
            raise InputError(f"the probability of detection required is {probability}; it must be between 0 and 1")
        if any(evader.exposure.shape[0] != count for evader in evaders) or len(along_m) != count:
            raise InputError(f"there are {count} costs, and another number of options elsewhere")
        if not evaders or count == 0 or np.min(costs) < 0:
            raise InputError("siting needs options with costs of at least 0, and evaders")
        self.standing = np.zeros(count, np.bool_) if standing is None else standing
        self.costs = np.where(self.standing, 0.0, np.asarray(costs, float))
        self.watches = tuple(watches)
        self._network = None if links is None else Network(links, self.costs)
        self.along_m = np.asarray(along_m, float)
        self.required = -math.log1p(-probability)
        self.losable: Order = np.empty(0, np.int64) if spare is None else spare.options
        self.forgiven = 0.0 if spare is None else self.required + math.log1p(-spare.probability)
        self.passages = tuple(way for evader in evaders for way in evader.passages)
        self.back = tuple(reverse(way) for way in self.passages)
        kinds = [(csr_array(evader.exposure.T), len(evader.passages)) for evader in evaders]
        self._by_place = tuple(matrix for matrix, ways in kinds for _ in range(ways))
        self.rates = tuple(_rates(matrix) for matrix in self._by_place)
        self.most, self._weakest_of_all = self.weakest(np.ones(count, np.bool_))

    @property
    def options(self) -> int:
        """How many options there are."""
        return len(self.costs)

    def cost(self, choice: Choice) -> float:
        """What a choice costs."""
        return float(self.costs[choice].sum())

    def counted(self, share: Array) -> Array:
        """How much counts of shares of the options: all, but for towers whose pictures do not arrive."""
        return share if self._network is None else self._network.counted(share).share

    def counts(self, choice: Choice) -> Choice:
        """Which options of a choice count."""
        return choice if self._network is None else self.counted(choice.astype(float)) > 0

    def in_options(self, factors: Array, share: Array) -> Array:
        """The factors of an inequality of what counts of shares, as one of what is built; both are at least 1."""
        return factors if self._network is None else self._network.in_options(factors, share)

    def prices(self, choice: Choice, lost: int = -1) -> Array:
        """What each option costs with all that it needs to count; infinite where it cannot with one `lost`."""
        if self._network is None:
            return self.costs
        prices = self.costs.copy()
        prices[self._network.links.nodes] = self._network.prices(choice, lost)[0]
        return prices

    def joined(self, choice: Choice, option: int, lost: int = -1) -> Choice:
        """A choice with one more option, and the cheapest others that it needs to count."""
        if self._network is not None:
            return self._network.joined(choice, option, lost)
        more = choice.copy()
        more[option] = True
        return more

    def place_rates(self, passage: int, share: Array) -> Array:
        """The detection rate at every point, then every barrier's exposure, with shares (0 to 1) of the options."""
        return self.rates_of(passage, self.counted(share))

    def rates_of(self, passage: int, counted: Array) -> Array:
        """The same with shares that count."""
        rates: Array = self._by_place[passage] @ counted
        return rates

    def weakest(self, choice: Choice, limit: float = math.inf) -> tuple[float, Path]:
        """The least exposure of any way under a choice, and that way; ways beyond `limit` may be told as infinite."""
        ways = (self._case(number, lost, choice, limit) for number, lost in self._cases(choice))
        return min(ways, key=lambda way: way[0])

    def _cases(self, choice: Choice) -> Iterator[tuple[int, int]]:
        """Every passage with nothing lost, then with each option lost that may be."""
        for lost in (-1, *self.losable[choice[self.losable]].tolist()):
            for number in range(len(self.passages)):
                yield number, lost

    def _case(self, passage: int, lost: int, choice: Choice, limit: float) -> tuple[float, Path]:
        """The least exposure of a passage with an option lost, and that way; what is forgiven then is added."""
        if lost < 0:
            return self.weakest_of(passage, choice, limit)
        exposure, path = self.weakest_of(passage, without(choice, lost), max(limit - self.forgiven, 0.0))
        return exposure + self.forgiven, path._replace(lost=lost)

    def weakest_of(self, passage: int, choice: Choice, limit: float = math.inf) -> tuple[float, Path]:
        """The least exposure of any way of one passage under a choice, and that way."""
        way = self.passages[passage]
        exposure, before = least_exposure(way, self.place_rates(passage, choice.astype(float)), limit)
        end = way.exits[np.argmin(exposure[way.exits])]
        least = float(exposure[end])
        return least, Path(passage, trace(before, end) if least < math.inf else np.empty(0, np.int32))

    def closes(self, choice: Choice) -> bool:
        """Whether no way is left open by a choice, and nothing to be watched is watched by too few."""
        counts = self.counts(choice)
        if any(np.count_nonzero(counts[watch.options]) < watch.times for watch in self.watches):
            return False
        least = self.required - TOLERANCE
        cases = self._cases(choice)
        return all(self._case(number, lost, choice, self.required)[0] >= least for number, lost in cases)

    def probability(self, choice: Choice) -> float:
        """The probability of detection on the way where it is least."""
        return -math.expm1(-min(self.weakest_of(number, choice)[0] for number in range(len(self.passages))))

    def halves(self, passage: int, counted: Array, reach: float, /) -> Halves:
        """The least exposed way through every gate under shares that count; infinite beyond `reach`."""
        way, rates = self.passages[passage], self.rates_of(passage, counted)
        forth, before = least_exposure(way, rates, reach)
        on, after = least_exposure(self.back[passage], rates, reach)
        return Halves(forth[way.gates] + on[way.gates], before, after)

    def worth(self, path: Path, choice: Choice) -> float:
        """The probability on one way that is asked of all of them."""
        return self.detected(path, choice)

    def detected(self, path: Path, choice: Choice) -> float:
        """The probability of detection on one way."""
        return -math.expm1(-float(self.exposures(path)[self.counts(choice)].sum()))

    def exposures(self, path: Path) -> Array:
        """What each option adds to the exposure of a way."""
        way = self.passages[path.passage]
        weights = np.zeros(len(self.rates[path.passage].starts) - 1)
        weigh(path.places, way.starts, way.heads, way.seconds, way.barriers, way.over, weights)
        return self.of_weights(path.passage, weights)

    def of_weights(self, passage: int, weights: Array) -> Array:
        """What each option adds to an exposure that gives every point and barrier a weight."""
        found: Array = _of_weights(weights, *self.rates[passage], self.options)
        return found

    def enablers(self, _path: Path, /) -> Order:
        """The options that do not see a way but make what sees it count; there are none where seeing is all."""
        return np.empty(0, np.int64)

    def reading(self, path: Path, _counted: Array, _given: Choice, /) -> Reading:
        """What a way asks of what counts of every choice that closes the sector, were those options given already."""
        return Reading(self.exposures(path), self.required, np.empty(0, np.int64))

    def gains(self, path: Path, choice: Choice) -> Array:
        """What each option is worth, once it counts, to a choice that leaves a way open; nothing where it does not."""
        exposures, counts = self.exposures(path), self.counts(choice)
        missing = max(self.required - exposures[counts].sum(), 0.0)
        return np.where(counts | (missing <= TOLERANCE), 0.0, np.minimum(exposures, missing))

    def helps(self, path: Path, choice: Choice) -> Array:
        """What each option is worth to a choice that leaves a way open, with what is lost out of order."""
        if path.lost < 0:
            return self.gains(path, choice)
        gains = self.gains(path, without(choice, path.lost))
        gains[np.isinf(self.prices(choice, path.lost))] = 0.0
        gains[path.lost] = 0.0
        return gains

    def pruned(self, choice: Choice) -> Choice:
        """A choice that closes the sector without what it can do without, the dearest left out first."""
        kept = choice.copy()
        chosen = np.flatnonzero(choice & ~self.standing)
        for option in chosen[np.argsort(-self.costs[chosen], kind="stable")]:
            kept[option] = False
            kept[option] = not self.closes(kept)
        return kept

    def open_way(self) -> Path | None:
        """A way that stays open whatever is built, the least exposed one; None where the sector can be closed."""
        return self._weakest_of_all if self.most < self.required - TOLERANCE else None


def without(choice: Choice, option: int) -> Choice:
    """A choice but for one option."""
    less = choice.copy()
    less[option] = False
    return less


def watched(siting: Siting, choice: Choice, worth: Array) -> Choice:
    """A choice with what its watches still want, the most worth first."""
    more = choice.copy()
    for options, times in siting.watches:
        while np.count_nonzero((counts := siting.counts(more))[options]) < times:
            free = options[~counts[options] & np.isfinite(siting.prices(more)[options])]
            more = siting.joined(more, int(free[np.argmax(worth[free])]))
    return more


def greedy(siting: Siting) -> Choice:
    """A choice made step by step: to the least exposed way, the option that adds the most exposure wanted per cost.

    Raises: InputError where the sector cannot be closed.
    """
    choice = watched(siting, siting.standing, 1 / np.maximum(siting.costs, TOLERANCE))
    while True:
        exposure, path = siting.weakest(choice, siting.required)
        if exposure >= siting.required - TOLERANCE:
            return choice
        gain = siting.helps(path, choice)
        if gain.max() <= 0.0:
            raise InputError("the sector cannot be closed: no option is left that sees its least exposed way")
        prices = siting.prices(choice, path.lost)
        choice = siting.joined(choice, int(np.argmax(gain / np.maximum(prices, TOLERANCE))), path.lost)


def _rates(by_place: csr_array) -> Rates:
    return Rates(by_place.indptr.astype(np.int64), by_place.indices.astype(np.int32), by_place.data.astype(np.float64))


@njit(cache=True, nogil=True)
def _of_weights(weights: Array, rate_starts: Starts, rate_options: Places, rates: Array, options: int) -> Array:
    exposure = np.zeros(options)
    for point in np.flatnonzero(weights):
        for k in range(rate_starts[point], rate_starts[point + 1]):
            exposure[rate_options[k]] += weights[point] * rates[k]
    return exposure
