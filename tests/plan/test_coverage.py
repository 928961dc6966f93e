"""Sites that see the most, against every choice of small instances and against a linear program of scipy."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array

from marsad.kernel.error import InputError
from marsad.plan.coverage import Coverage, best_coverage, exchanged, greedy_coverage


def drawn(seed: int, sites: int = 9, cells: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return (rng.random((sites, cells)) < 0.25).astype(float), rng.integers(0, 20, cells).astype(float)


def brute_force(seen: np.ndarray, worth: np.ndarray, count: int) -> float:
    every = itertools.combinations(range(len(seen)), count)
    return max(float(worth[seen[list(chosen)].any(axis=0)].sum()) for chosen in every)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_the_bound_is_never_below_the_optimum_and_the_sites_see_what_is_said(seed: int, count: int) -> None:
    seen, worth = drawn(seed)
    optimum = brute_force(seen, worth, count)
    bound = np.inf
    for progress in best_coverage(Coverage(csr_array(seen), worth, count), np.random.default_rng(1)):
        assert progress.bound >= optimum - 1e-6
        assert progress.bound <= bound
        assert progress.seen == pytest.approx(float(worth[seen[progress.chosen].any(axis=0)].sum()))
        assert len(set(progress.chosen.tolist())) == count
        bound = progress.bound


def test_small_instances_are_solved_to_their_optimum_and_proven() -> None:
    for seed in range(40):
        seen, worth = drawn(seed, sites=12, cells=60)
        last = list(best_coverage(Coverage(csr_array(seen), worth, 4), np.random.default_rng(1)))[-1]
        assert last.seen == pytest.approx(brute_force(seen, worth, 4))
        assert last.bound == pytest.approx(last.seen)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_without_branching_the_bound_ends_at_that_of_the_whole_linear_program(seed: int) -> None:
    seen, worth = drawn(seed)
    worth += 0.5
    sites, cells = seen.shape
    rows = np.hstack([-seen.T, np.eye(cells)])
    answer = linprog(
        np.concatenate([np.zeros(sites), -worth]),
        A_ub=rows,
        b_ub=np.zeros(cells),
        A_eq=np.concatenate([np.ones(sites), np.zeros(cells)])[None],
        b_eq=[3.0],
        bounds=(0, 1),
    )
    coverage = Coverage(csr_array(seen), worth, 3)
    last = list(best_coverage(coverage, np.random.default_rng(1), branching_s=0.0))[-1]
    assert last.bound == pytest.approx(max(-float(answer.fun or 0.0), last.seen), rel=3e-4)


def test_where_branching_has_no_time_what_was_known_is_kept() -> None:
    seen, worth = drawn(3, sites=25, cells=80)
    coverage = Coverage(csr_array(seen), worth + 0.5, 6)
    *_, before = best_coverage(coverage, np.random.default_rng(1), branching_s=0.0)
    *_, after = best_coverage(coverage, np.random.default_rng(1), branching_s=1e-3)
    assert before.seen <= after.seen <= after.bound <= before.bound


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_exchanging_betters_greedy_sites_until_no_exchange_does(seed: int) -> None:
    seen, worth = drawn(seed)
    coverage = Coverage(csr_array(seen), worth, 4)
    first = greedy_coverage(coverage)
    chosen = exchanged(coverage, first)
    assert coverage.seen_by(chosen) >= coverage.seen_by(first)
    for place, site in itertools.product(range(4), range(9)):
        other = chosen.copy()
        other[place] = site
        assert coverage.seen_by(other) <= coverage.seen_by(chosen) + 1e-6


def test_cells_seen_by_the_same_sites_are_taken_together() -> None:
    seen = csr_array(np.array([[1.0, 1, 0, 1], [0, 0, 1, 0]]))
    coverage = Coverage(seen, np.array([1.0, 2.0, 3.0, 4.0]), 1)
    assert sorted(coverage.worth.tolist()) == [3.0, 7.0]
    assert coverage.seen_by(np.array([0])) == 7.0


@pytest.mark.parametrize("count", [0, 3])
def test_more_sites_than_there_are_cannot_be_chosen(count: int) -> None:
    with pytest.raises(InputError, match="cannot be chosen"):
        Coverage(csr_array(np.ones((2, 3))), np.ones(3), count)


def test_worths_that_fit_no_cells_are_refused() -> None:
    with pytest.raises(InputError, match="3 cells"):
        Coverage(csr_array(np.ones((2, 3))), np.ones(2), 1)
