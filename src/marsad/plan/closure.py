"""Which stretches of a line stay open under what looks now, and what closes them cheapest.

A place on the line is open where a way through it, in any direction, is exposed less than required: the least exposed
one to there and on from there, or where it is about being stopped in time, unseen to there and on as likely as can be.
"""

import itertools
import math
from collections.abc import Iterator

import numpy as np

from marsad.kernel.closure import OpenByPlan
from marsad.plan.crossing import Array
from marsad.plan.judging import worth_through
from marsad.plan.siting import TOLERANCE, Choice, Siting
from marsad.plan.solve_siting import Progress, solve

_STEPS = 30


def least_through(siting: Siting, choice: Choice) -> Array:
    """The least exposure of any way known through each place of the line; infinite elsewhere and where none leads."""
    least: Array = np.full(siting.passages[0].places, math.inf)
    for number, way in enumerate(siting.passages):
        halves = siting.halves(number, siting.counted(choice.astype(float)), math.inf)
        worth = worth_through(siting, number, choice, (halves.before, halves.after), way.gates)
        with np.errstate(divide="ignore"):
            least[way.gates] = np.fmin(least[way.gates], -np.log1p(-worth))
        # Where it is about being stopped in time, the ways through gates are good ones; the worst of all is one more.
        exposure, path = siting.weakest_of(number, choice)
        crossed = np.intersect1d(path.places, way.gates)
        least[crossed] = np.minimum(least[crossed], exposure)
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
