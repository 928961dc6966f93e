"""Taking over and exchanging duties: never less fair, and no row broken."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from marsad.plan.roster_swaps import Fairness, Swaps

FAIR = Fairness(np.ones((1, 6)), np.ones(1), np.ones(3))


def rows_of(who: int, duties: int, rng: np.random.Generator) -> csr_matrix:
    """One row for each duty, that somebody has it; and some at random that limit who has which together."""
    each = np.zeros((duties, who * duties))
    for duty in range(duties):
        each[duty, duty::duties] = 1
    return csr_matrix(np.concatenate([each, rng.integers(0, 2, (4, who * duties))]))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_it_is_never_less_fair_and_breaks_no_row(seed: int) -> None:
    rng = np.random.default_rng(seed)
    who, duties = 4, 7
    columns = np.arange(who * duties).reshape(who, duties)
    x = np.zeros((who, duties))
    x[rng.integers(0, who, duties), np.arange(duties)] = 1
    matrix = rows_of(who, duties, rng)
    activity = matrix @ x.ravel()
    low = np.concatenate([np.ones(duties), np.full(4, -np.inf)])
    high = np.concatenate([np.ones(duties), activity[duties:] + rng.integers(0, 2, 4)])
    top = np.maximum(rng.integers(0, 2, who * duties), x.ravel())
    scales = np.array([1.0, 2.0, 0.0, 1.0])
    fairness = Fairness(rng.integers(0, 3, (2, duties)).astype(float), np.array([1.0, 0.3]), scales)
    found = Swaps(columns, matrix, low, high, top).fairer(x.ravel(), fairness)
    assert set(np.unique(found)) <= {0.0, 1.0}
    assert (found <= top).all()
    assert (matrix @ found >= low - 1e-9).all()
    assert (matrix @ found <= high + 1e-9).all()
    before, after = (scales * (fairness.weights @ each.reshape(who, duties).T) for each in (x, found))
    assert fairness.cost(after) <= fairness.cost(before) + 1e-9


def test_without_rules_everybody_does_the_same() -> None:
    matrix = csr_matrix(np.tile(np.eye(6), 3))
    all_on_one = np.concatenate([np.ones(6), np.zeros(12)])
    columns = np.arange(18).reshape(3, 6)
    found = Swaps(columns, matrix, np.ones(6), np.ones(6), np.ones(18)).fairer(all_on_one, FAIR)
    assert found.reshape(3, 6).sum(axis=1).tolist() == [2, 2, 2]
    assert (all_on_one[:6] == 1).all()


def test_an_exchange_gets_over_a_rule_that_a_take_over_breaks() -> None:
    """Each has three duties, which may not change; who has the long ones gives one for a short one."""
    hours = np.array([[9.0, 9.0, 9.0, 1.0, 1.0, 1.0]])
    x = np.concatenate([[1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]]).astype(float)
    each = np.tile(np.eye(6), 2)
    three = np.kron(np.eye(2), np.ones(6))
    bounds = np.concatenate([np.ones(6), [3.0, 3.0]])
    swaps = Swaps(np.arange(12).reshape(2, 6), csr_matrix(np.concatenate([each, three])), bounds, bounds, np.ones(12))
    found = swaps.fairer(x, Fairness(hours, np.ones(1), np.ones(2))).reshape(2, 6)
    assert sorted((found @ hours[0]).tolist()) == pytest.approx([11.0, 19.0])
