"""Which stretches of a line stay open under what looks now, and what closes them cheapest.

A place on the line is open where the least exposed way through it, in any direction, is exposed less than required:
the least exposure from the entries to there and from there to the exits, each found by shortest paths.
"""

import itertools
import math
from collections.abc import Iterator

import numpy as np

from marsad.kernel.closure import OpenByPlan
from marsad.plan.crossing import Array, least_exposure
from marsad.plan.siting import TOLERANCE, Choice, Siting
from marsad.plan.solve_siting import Progress, solve

_STEPS = 30


def least_through(siting: Siting, choice: Choice) -> Array:
    """The least exposure of any way through each place; infinite where none leads through."""
    least: Array = np.full(siting.passages[0].places, math.inf)
    for number, (way, back) in enumerate(zip(siting.passages, siting.back, strict=True)):
        rates = siting.place_rates(number, choice.astype(float))
        through = least_exposure(way, rates)[0] + least_exposure(back, rates)[0]
        least = np.minimum(least, through)
    return least


def open_stretches(siting: Siting, choice: Choice, along_m: Array, step_m: float) -> tuple[OpenByPlan, ...]:
    """The stretches of the line that a choice leaves open, in order; `along_m` is where each place lies along it."""
    gates = np.unique(np.concatenate([way.gates for way in siting.passages]))
    through = least_through(siting, choice)[gates]
    pieces = (along_m[gates] / step_m).astype(int)
    least = np.full(pieces.max() + 1, math.inf)
    np.minimum.at(least, pieces, through)
    return tuple(_stretches(least, siting.required, step_m))


def _stretches(least: Array, required: float, step_m: float) -> Iterator[OpenByPlan]:
    numbered = itertools.groupby(enumerate(least), lambda each: each[1] < required - TOLERANCE)
    for is_open, pieces in numbered:
        if is_open:
            run = list(pieces)
            reached = min(exposure for _, exposure in run)
            yield OpenByPlan(
                from_m=run[0][0] * step_m, to_m=(run[-1][0] + 1) * step_m, reached=min(-math.expm1(-reached), 1.0)
            )


def cheapest(siting: Siting, rng: np.random.Generator, steps: int = _STEPS) -> Progress | None:
    """The cheapest choice found within so many steps of the search, with its bound; None where nothing closes it."""
    if siting.open_way() is not None:
        return None
    *_, last = itertools.islice(solve(siting, rng), steps)
    return last
