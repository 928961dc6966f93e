"""The sites from which the most is seen: a given number of them, with a proven bound on what any others could see.

From below: one site after another, each the one that adds the most, then exchanges of one site for another, also after
random kicks. From above: what shares of sites could see at most is concave in the shares, so that each of its tangents
bounds what every choice sees; a linear program over the tangents gives the bound, and is asked for more of them
half-way to the best point known. Where they lower it no more, HiGHS branches on the whole integer program.

Sources: J.-F. Cordeau, F. Furini, I. Ljubic, Benders decomposition for very large scale partial set covering and
maximal covering location problems, European Journal of Operational Research 275 (2019) 882-896. G. Nemhauser, L.
Wolsey, M. Fisher, An analysis of approximations for maximizing submodular set functions, Mathematical Programming 14
(1978) 265-294.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import highspy
import numpy as np
from numba import njit
from scipy.sparse import csr_array, csr_matrix, eye_array, hstack, vstack

from marsad.kernel.error import InputError, UnavailableError
from marsad.plan.crossing import Array, Places, Starts
from marsad.plan.program import Program, Solution, solve
from marsad.plan.siting import Order
from marsad.plan.solver import Solver, quiet_solver

_CONVERGED = 1e-4
_INWARD = 0.5
_KICKS = 6
_TOLERANCE = 1e-9
_ROUNDING = 1e-4
BRANCHING_S = 60.0


class Coverage:
    """What each site sees, (sites, cells) sparse, what each cell is worth, and how many sites there shall be.

    Cells that the same sites see are taken together.
    """

    def __init__(self, seen: csr_array, worth: Array, count: int) -> None:
        sites, cells = seen.shape
        if not 1 <= count <= sites:
            raise InputError(f"{count} of {sites} sites cannot be chosen")
        if len(worth) != cells or np.min(worth, initial=0.0) < 0:
            raise InputError(f"{cells} cells need as many worths of at least 0")
        by_cell = csr_array(seen.T)
        by_cell.sort_indices()
        first, group = _alike(by_cell)
        self.count, self.sites = count, sites
        self._whole = bool(np.all(worth == np.round(worth)))
        self.worth: Array = np.bincount(group, weights=worth, minlength=len(first)).astype(np.float64)
        self.by_cell = csr_array(by_cell[first])
        self.by_site = csr_array(self.by_cell.T)

    def seen_by(self, chosen: Order) -> float:
        """What is seen from some sites together."""
        return float(self.worth[self.times(chosen) > 0].sum())

    def rounded(self, bound: float) -> float:
        """A bound on what is seen, rounded down to a whole number where all worths are whole."""
        return float(np.floor(bound + _ROUNDING)) if self._whole else bound

    def times(self, chosen: Order) -> Order:
        """From how many of some sites each group of cells is seen."""
        starts, cells = self.by_site.indptr, self.by_site.indices
        return np.bincount(
            np.concatenate([cells[starts[site] : starts[site + 1]] for site in chosen]), minlength=len(self.worth)
        )


class CoverageProgress(NamedTuple):
    """The best sites so far, what they see, and the proven bound on what any could."""

    chosen: Order
    seen: float
    bound: float

    @property
    def gap(self) -> float:
        """The share of the bound that better sites could add at most."""
        return max(0.0, self.bound - self.seen) / self.bound if self.bound > 0 else 0.0


def best_coverage(
    coverage: Coverage, rng: np.random.Generator, *, branching_s: float = BRANCHING_S
) -> Iterator[CoverageProgress]:
    """Ever better sites and bounds; ends when the bound meets them. Stop at any time.

    Where tangents lower the bound no more, the last step branches, for at most `branching_s`.
    """
    chosen = exchanged(coverage, greedy_coverage(coverage))
    seen, tangents = coverage.seen_by(chosen), _Tangents(coverage)
    yield CoverageProgress(chosen, seen, tangents.bound)
    tangents.core[chosen] = 1.0
    while tangents.bound - seen > _TOLERANCE * tangents.bound and not tangents.converged:
        tangents.lower()
        tries = [np.argsort(-tangents.share, kind="stable")[: coverage.count], _kicked(coverage, chosen, rng)]
        chosen, seen = _better(coverage, chosen, tries)
        yield CoverageProgress(chosen, seen, max(tangents.bound, seen))
    if tangents.bound - seen > _TOLERANCE * tangents.bound and branching_s > 0:
        branched = _branched(coverage, chosen, branching_s)
        if branched is not None:
            chosen, seen = _better(coverage, chosen, [_sites_of(coverage, branched)])
            yield CoverageProgress(chosen, seen, max(min(tangents.bound, coverage.rounded(-branched.bound)), seen))


def _better(coverage: Coverage, chosen: Order, tries: Sequence[Order]) -> tuple[Order, float]:
    """The best of some sites and of others after exchanges, and what they see."""
    every = [chosen, *(exchanged(coverage, start) for start in tries)]
    seen = [coverage.seen_by(each) for each in every]
    best = int(np.argmax(seen))
    return every[best], seen[best]


def _branched(coverage: Coverage, chosen: Order, limit_s: float) -> Solution | None:
    """What HiGHS makes of the whole integer program; None where it has nothing when its time is up."""
    groups = np.flatnonzero(np.diff(coverage.by_cell.indptr))
    by_cell, count = coverage.by_cell[groups], len(groups)
    ones, taken = np.ones(coverage.sites + count), np.zeros(coverage.sites)
    taken[chosen] = 1.0
    rows = hstack([-by_cell, eye_array(count)])
    whole = np.arange(coverage.sites + count) < coverage.sites
    program = Program(
        cost=np.concatenate([np.zeros(coverage.sites), -coverage.worth[groups]]),
        matrix=csr_matrix(vstack([rows, csr_array(whole[None].astype(float))])),
        row_low=np.full(count + 1, -math.inf),
        row_high=np.append(np.zeros(count), float(coverage.count)),
        low=0 * ones, high=ones, whole=whole,
    )  # fmt: skip
    try:
        return solve(program, time_limit_s=limit_s, start=np.append(taken, np.minimum(by_cell @ taken, 1.0)))
    except UnavailableError:
        return None


def _sites_of(coverage: Coverage, solution: Solution) -> Order:
    """As many sites as there shall be, those that a solution takes first."""
    return np.argsort(-solution.x[: coverage.sites], kind="stable")[: coverage.count]


def greedy_coverage(coverage: Coverage) -> Order:
    """Sites chosen one after another, each the one that adds the most."""
    chosen: list[int] = []
    open_worth = coverage.worth.copy()
    for _ in range(coverage.count):
        gain = coverage.by_site @ open_worth
        gain[chosen] = -1.0
        best = int(np.argmax(gain))
        chosen.append(best)
        starts = coverage.by_site.indptr
        open_worth[coverage.by_site.indices[starts[best] : starts[best + 1]]] = 0.0
    return np.array(chosen, np.int64)


def exchanged(coverage: Coverage, chosen: Order) -> Order:
    """Sites that no exchange of one of them for another betters."""
    chosen = chosen.astype(np.int64).copy()
    times = coverage.times(chosen).astype(np.int64)
    by_site, by_cell = coverage.by_site, coverage.by_cell
    _exchange(
        chosen, times, coverage.worth,
        by_site.indptr.astype(np.int64), by_site.indices.astype(np.int32),
        by_cell.indptr.astype(np.int64), by_cell.indices.astype(np.int32),
    )  # fmt: skip
    return chosen


class _Tangents:
    """The linear program over the tangents: shares of sites, and one number that no tangent lets be larger."""

    def __init__(self, coverage: Coverage) -> None:
        self.coverage = coverage
        self.bound = float(coverage.worth[np.diff(coverage.by_cell.indptr) > 0].sum())
        self.share = np.full(coverage.sites, coverage.count / coverage.sites)
        self.core = np.zeros(coverage.sites)
        self.converged = False
        self._flat: list[float] = []
        self._slopes: list[Array] = []
        self._program = self._empty()

    def lower(self) -> None:
        """Solve the program, take its bound, and give it tangents where it hopes for too much."""
        sites = self.coverage.sites
        inner = _INWARD * self.share + (1 - _INWARD) * self.core
        reached = {value: point for point in (self.share, inner, self.core) for value in [self._touch(point)]}
        self.core = reached[max(reached)]
        self._program.run()
        answer = self._program.getSolution()
        self.share = np.clip(np.array(answer.col_value)[:sites], 0.0, 1.0)
        self.bound = min(self.bound, self.coverage.rounded(self._checked(np.array(answer.row_dual)[1:])))
        self.converged = self.bound - max(reached) <= _CONVERGED * self.bound

    def _touch(self, point: Array) -> float:
        """Add the tangent at a point; returns what is seen there at most."""
        coverage = self.coverage
        part = coverage.by_cell @ point
        whole = part >= 1.0 - _TOLERANCE
        flat = float(coverage.worth[whole].sum())
        slope = coverage.by_site @ np.where(whole, 0.0, coverage.worth)
        held = np.flatnonzero(slope).astype(np.int32)
        columns = np.append(held, np.int32(coverage.sites))
        self._program.addRow(-highspy.kHighsInf, flat, len(columns), columns, np.append(-slope[held], 1.0))
        self._flat.append(flat)
        self._slopes.append(slope)
        return flat + float(slope @ point)

    def _checked(self, prices: Array) -> float:
        """A bound by weak duality from any prices: the tangents' mean, at the sites where it is largest."""
        weights = np.abs(prices)
        if weights.sum() <= 0:
            return math.inf
        weights /= weights.sum()
        slope = weights @ np.array(self._slopes)
        largest = np.partition(slope, len(slope) - self.coverage.count)[len(slope) - self.coverage.count :]
        return float(weights @ np.array(self._flat) + largest.sum())

    def _empty(self) -> Solver:
        program, sites = quiet_solver(), self.coverage.sites
        program.addVars(sites, np.zeros(sites), np.ones(sites))
        program.addVar(0.0, self.bound)
        program.changeColCost(sites, -1.0)
        every = np.arange(sites, dtype=np.int32)
        program.addRow(float(self.coverage.count), float(self.coverage.count), sites, every, np.ones(sites))
        return program


def _alike(by_cell: csr_array) -> tuple[Order, Order]:
    """The first cell of every group that the same sites see, and every cell's group."""
    starts, sites = by_cell.indptr, by_cell.indices.astype(np.int32)
    keys: dict[bytes, int] = {}
    first: list[int] = []
    group = np.empty(len(starts) - 1, np.int64)
    for cell in range(len(group)):
        key = sites[starts[cell] : starts[cell + 1]].tobytes()
        group[cell] = keys.setdefault(key, len(first))
        if group[cell] == len(first):
            first.append(cell)
    return np.array(first, np.int64), group


def _kicked(coverage: Coverage, chosen: Order, rng: np.random.Generator) -> Order:
    """Some of the sites exchanged for others at random."""
    others = np.setdiff1d(np.arange(coverage.sites), chosen)
    moved = min(_KICKS, len(chosen), len(others))
    kicked = chosen.copy()
    kicked[rng.choice(len(chosen), moved, replace=False)] = rng.choice(others, moved, replace=False)
    return kicked


@njit(cache=True, nogil=True)
def _exchange(
    chosen: Order, times: Order, worth: Array, site_starts: Starts, site_cells: Places, cell_starts: Starts,
    cell_sites: Places,
) -> None:  # fmt: skip
    """Make the best exchange of one site for another until none betters; `chosen` and `times` are changed."""
    enough = 1e-9 * (1.0 + worth.sum())
    while True:
        gain = np.zeros(len(site_starts) - 1)
        for site in range(len(gain)):
            for k in range(site_starts[site], site_starts[site + 1]):
                gain[site] += worth[site_cells[k]] if times[site_cells[k]] == 0 else 0.0
        best, out, into = enough, -1, -1
        for number in range(len(chosen)):
            better, lost = _without(chosen[number], times, worth, site_starts, site_cells, cell_starts, cell_sites)
            better += gain
            site = int(np.argmax(better))
            if better[site] - lost > best:
                best, out, into = better[site] - lost, number, site
        if out < 0:
            return
        for k in range(site_starts[chosen[out]], site_starts[chosen[out] + 1]):
            times[site_cells[k]] -= 1
        for k in range(site_starts[into], site_starts[into + 1]):
            times[site_cells[k]] += 1
        chosen[out] = into


@njit(cache=True, nogil=True)
def _without(
    site: int, times: Order, worth: Array, site_starts: Starts, site_cells: Places, cell_starts: Starts,
    cell_sites: Places,
) -> tuple[Array, float]:  # fmt: skip
    """What every site would see again of what only one site sees, and what is lost without that one."""
    again, lost = np.zeros(len(site_starts) - 1), 0.0
    for k in range(site_starts[site], site_starts[site + 1]):
        cell = site_cells[k]
        if times[cell] == 1:
            lost += worth[cell]
            for m in range(cell_starts[cell], cell_starts[cell + 1]):
                again[cell_sites[m]] += worth[cell]
    return again, lost
