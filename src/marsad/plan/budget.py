"""The best probability that a budget pays for, and a proven bound on what any choice within it reaches.

A probability is tried by looking for the cheapest choice that reaches it: one within the budget shows that it can be
reached, a bound above the budget that it cannot; those that stay open are left between the two.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from marsad.plan.siting import TOLERANCE, Choice, Siting
from marsad.plan.solve_siting import solve

_CLOSE = 0.005
_PATIENCE = 80


class Attained(NamedTuple):
    """The best choice within the budget so far, what it reaches and costs, bounds on its cost and on what any reaches.

    `asked` is the probability that it was found for, `tried` the one that is looked for now.
    """

    choice: Choice
    reached: float
    cost: float
    bound: float
    attainable: float
    asked: float
    tried: float


def within(at: Callable[[float], Siting], budget: float, rng: np.random.Generator) -> Iterator[Attained]:
    """Ever better choices within a budget and bounds; `at` is the choice to be made with a probability asked for.

    Begins with what stands. Ends where what is reached and what no choice reaches are next to each other.
    """
    first = at(0.5)
    reached, most = first.probability(first.standing), -math.expm1(-first.most)
    last = Attained(first.standing, reached, 0.0, 0.0, most, reached, reached)
    yield last
    ceiling = most
    while ceiling - last.reached > _CLOSE:
        # What everything reaches is tried as it is: where money is no matter there is nothing between.
        tried = (last.reached + ceiling) / 2 if ceiling < most or last.tried > reached else most - _CLOSE
        siting = at(min(max(tried, 1e-6), 1 - 1e-6))
        for steps, step in enumerate(solve(siting, rng)):
            if step.cost <= budget + TOLERANCE:
                last = last._replace(
                    choice=step.choice, reached=max(tried, siting.probability(step.choice)), cost=step.cost,
                    bound=step.bound, asked=tried, tried=tried,
                )  # fmt: skip
                break
            if step.bound > budget + TOLERANCE:
                last, ceiling = last._replace(attainable=min(last.attainable, tried), tried=tried), tried
                break
            if steps >= _PATIENCE:
                last, ceiling = last._replace(tried=tried), tried
                break
            yield last._replace(tried=tried)
        yield last
