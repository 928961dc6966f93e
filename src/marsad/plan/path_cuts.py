"""Inequalities that every choice which closes the sector obeys, learnt from ways that a fractional choice leaves open.

A way with exposures e_j needs sum e_j x_j >= R. That is weak where an option alone exposes the way more than enough,
and where a part of the options is as good as chosen. So for any set S of options whose exposures sum to less than R,
as if they were chosen already, what is left must still be met by the others:

    sum over j not in S of min(e_j / r, 1) x_j >= 1,  r = R - sum over S of e_j.

It holds for every choice of zeros and ones, and cuts off far more of the fractional ones.

Source: R. Carr, L. Fleischer, V. Leung, C. Phillips, Strengthening integrality gaps for capacitated network design and
covering problems, SODA 2000, 106-115 (knapsack cover inequalities).
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from marsad.plan.crossing import Array, Places, least_exposure, trace
from marsad.plan.siting import Choice, Order, Path, Siting

VIOLATED = 1e-3
_TIE_EXPOSURE = 0.02
_SPACING = 2


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
    for number, (way, back) in enumerate(zip(siting.passages, siting.back, strict=True)):
        rates = siting.place_rates(number, share + tie)
        forth, before = least_exposure(way, rates, reach)
        on, after = least_exposure(back, rates, reach)
        through = forth[way.gates] + on[way.gates]
        taken = np.zeros(way.places, np.bool_)
        for gate in way.gates[np.argsort(through, kind="stable")]:
            if not forth[gate] + on[gate] < reach:
                break
            if not taken[gate]:
                places = np.concatenate([trace(before, gate), trace(after, gate)[-2::-1]])
                _take(taken, places)
                found.append(Path(number, places))
    return found


def _take(taken: np.ndarray[tuple[int], np.dtype[np.bool_]], places: Places) -> None:
    """Mark a way's places and those numbered next to them: a gate beside a way found would give nearly the same."""
    for step in range(-_SPACING + 1, _SPACING):
        taken[np.clip(places + step, 0, len(taken) - 1)] = True


def violated_cuts(siting: Siting, share: Array, ways: list[Path]) -> list[Cut]:
    """The inequalities of ways that shares of the options violate, each way's own most violated."""
    cuts = []
    for way in ways:
        exposures = siting.exposures(way)
        seen = np.flatnonzero(exposures)
        order = seen[np.argsort(-share[seen], kind="stable")]
        factors, activity = _cover(exposures[order], share[order], siting.required)
        if activity < 1 - VIOLATED:
            kept = factors > 0
            cuts.append(Cut(order[kept], factors[kept]))
    return cuts


def open_cuts(siting: Siting, choice: Choice) -> list[Cut]:
    """The inequalities of the ways that a choice leaves open: at least one, that of the least exposed way."""
    share = choice.astype(float)
    return violated_cuts(siting, share, [siting.weakest(choice)[1], *weak_ways(siting, share)])


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
