"""Inequalities that every choice which closes the sector obeys, learnt from ways that a fractional choice leaves open.

A way with exposures e_j needs sum e_j x_j >= R. That is weak where an option alone exposes the way more than enough,
and where a part of the options is as good as chosen. So for any set S of options whose exposures sum to less than R,
as if they were chosen already, what is left must still be met by the others:

    sum over j not in S of min(e_j / r, 1) x_j >= 1,  r = R - sum over S of e_j.

It holds for every choice of zeros and ones, and cuts off far more of the fractional ones.

Source: R. Carr, L. Fleischer, V. Leung, C. Phillips, Strengthening integrality gaps for capacitated network design and
covering problems, SODA 2000, 106-115 (knapsack cover inequalities).
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
from numba import njit

from marsad.plan.crossing import Array, Places, trace
from marsad.plan.siting import Choice, Order, Path, Siting, Watch, without

VIOLATED = 1e-3
_TIE_EXPOSURE = 0.02
_SPACING = 2
_TAKEN = 1 - 1e-6
_SPARE = 12
_LOSSES = 5
_LIKELY = 0.5


class Cut(NamedTuple):
    """The options and factors of an inequality: the factors times what is chosen sum to at least 1."""

    options: Order
    factors: Array

    def activity(self, share: Array) -> float:
        """What the left side comes to."""
        return float(self.factors @ share[self.options])


def weak_ways(siting: Siting, share: Array) -> list[Path]:
    """Ways of little exposure under shares of the options, well apart along the gates, the least exposed first.

    Among ways of the same exposure those are found that few options see at all: their inequalities are the strongest.
    """
    found: list[Path] = []
    reach = 1.5 * siting.required
    tie = _TIE_EXPOSURE * siting.required / max(siting.most, siting.required)
    likely = siting.losable[np.argsort(-share[siting.losable], kind="stable")][:_LOSSES]
    cases = itertools.product((-1, *likely[share[likely] > _LIKELY].tolist()), enumerate(siting.passages))
    for lost, (number, way) in cases:
        at = siting.counted(_lost(share, lost)) + tie
        if lost >= 0:
            at[lost] = 0.0
        through, before, after = siting.halves(number, at, reach)
        taken = np.zeros(way.places, np.bool_)
        for which in np.argsort(through, kind="stable"):
            gate = way.gates[which]
            if not through[which] < reach:
                break
            if not taken[gate]:
                places = np.concatenate([trace(before, gate), trace(after, gate)[-2::-1]])
                _take(taken, places)
                found.append(Path(number, places, lost))
    return found


def _lost(share: Array, lost: int) -> Array:
    """The shares with one option out of order, where there is one."""
    if lost < 0:
        return share
    less = share.copy()
    less[lost] = 0.0
    return less


def _take(taken: np.ndarray[tuple[int], np.dtype[np.bool_]], places: Places) -> None:
    """Mark a way's places and those numbered next to them: a gate beside a way found would give nearly the same."""
    for step in range(-_SPACING + 1, _SPACING):
        taken[np.clip(places + step, 0, len(taken) - 1)] = True


def violated_cuts(siting: Siting, share: Array, ways: list[Path]) -> list[Cut]:
    """The inequalities of ways that shares of the options violate, each way's own most violated."""
    found = (_way_cut(siting, share, way) for way in ways)
    return [cut for cut in found if cut is not None]


def _way_cut(siting: Siting, share: Array, way: Path) -> Cut | None:
    """The most violated inequality of a way; None where it has none.

    What makes the seeing count is taken as given, the likeliest first, as far as that makes the inequality stronger;
    then also what nobody thinks of yet, as long as half of the violation is left: what is given need not be bought.
    """
    enablers = siting.enablers(way)
    given = siting.standing.copy()
    given[enablers[share[enablers] > _TAKEN]] = True
    best, most = _covered(siting, share, way, given), given
    for one in enablers[np.argsort(-share[enablers], kind="stable")]:
        if share[one] <= 0 or given[one]:
            continue
        given = _with(given, one)
        found = _covered(siting, share, way, given)
        if found.activity < best.activity - 1e-9:
            best, most = found, given
    least = best.activity
    if least >= 1 - VIOLATED:
        return None
    spare = enablers[(share[enablers] <= 0) & ~most[enablers]]
    for one in spare[np.argsort(siting.costs[spare], kind="stable")][:_SPARE]:
        found = _covered(siting, share, way, _with(most, one))
        if found.activity <= (1 + least) / 2:
            best, most = found, _with(most, one)
    return best.cut


def _with(given: Choice, option: int) -> Choice:
    more = given.copy()
    more[option] = True
    return more


class _Covered(NamedTuple):
    """An inequality, and what its left side comes to."""

    cut: Cut
    activity: float


def _covered(siting: Siting, share: Array, way: Path, given: Choice) -> _Covered:
    """The strongest inequality of a way with some options given; a met one where they are enough by themselves."""
    if way.lost >= 0:
        share, given = _lost(share, way.lost), without(given, way.lost)
    counted = siting.counted(share)
    exposures, required, instead = siting.reading(way, counted, given)
    if way.lost >= 0:
        exposures[way.lost] = 0.0
        required -= siting.forgiven
    if required <= 0:
        return _Covered(Cut(np.empty(0, np.int64), np.empty(0)), math.inf)
    seen = np.flatnonzero(exposures)
    order = seen[np.argsort(-counted[seen], kind="stable")]
    factors = np.zeros(siting.options)
    factors[order] = _cover(exposures[order], counted[order], required)[0]
    factors = siting.in_options(factors, share)
    factors[instead] = 1.0
    if way.lost >= 0:
        factors[way.lost] = 0.0
    kept = np.flatnonzero(factors)
    return _Covered(Cut(kept, factors[kept]), float(factors @ share))


def watch_cuts(siting: Siting, share: Array) -> list[Cut]:
    """The inequalities of what is to be watched that shares of the options violate."""
    found = (_watch_cut(siting, share, watch) for watch in siting.watches)
    return [cut for cut in found if cut.activity(share) < 1 - VIOLATED]


def _watch_cut(siting: Siting, share: Array, watch: Watch) -> Cut:
    factors = np.zeros(siting.options)
    factors[watch.options] = 1.0 / watch.times
    factors = siting.in_options(factors, share)
    kept = np.flatnonzero(factors)
    return Cut(kept, factors[kept])


def open_cuts(siting: Siting, choice: Choice) -> list[Cut]:
    """The inequalities of the ways that a choice leaves open: at least one, that of the least exposed way."""
    share = choice.astype(float)
    return watch_cuts(siting, share) + violated_cuts(
        siting, share, [siting.weakest(choice)[1], *weak_ways(siting, share)]
    )


@njit(cache=True, nogil=True)
def _cover(exposures: Array, share: Array, required: float) -> tuple[Array, float]:
    """The factors of the most violated inequality over sets that begin with the largest shares, and its left side."""
    count = len(exposures)
    inside = np.zeros(count, np.bool_)
    rest, at = required, 0
    best, best_rest, best_at = np.inf, required, 0
    while True:
        activity = 0.0
        for j in range(count):
            if not inside[j]:
                activity += min(exposures[j] / rest, 1.0) * share[j]
        if activity < best - 1e-9:
            best, best_rest, best_at = activity, rest, at
        while at < count and not (share[at] > 0.0 and exposures[at] < rest * (1.0 - 1e-6)):
            at += 1
        if at == count:
            break
        inside[at] = True
        rest -= exposures[at]
        at += 1
    factors = np.minimum(exposures / best_rest, 1.0)
    left = required
    for j in range(best_at):
        if share[j] > 0.0 and exposures[j] < left * (1.0 - 1e-6):
            left -= exposures[j]
            factors[j] = 0.0
    return factors, best
