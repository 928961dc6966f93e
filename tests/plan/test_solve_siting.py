"""The search against all choices of tiny sectors: the optimum is found, and no bound on the way is above it."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from marsad.kernel.error import InputError
from marsad.plan.crossing import passage, reverse
from marsad.plan.path_cuts import violated_cuts, weak_ways
from marsad.plan.relaxation import Relaxation
from marsad.plan.siting import Evader, Siting, greedy
from marsad.plan.solve_siting import solve


def tiny(seed: int, whole: bool) -> Siting:
    """A small sector crossed both ways, with up to three standing options of nine, that all together close."""
    rng = np.random.default_rng(seed)
    rows, columns, options = 4, 6, 9
    tails, heads = (
        np.array(ends, np.int32)
        for ends in zip(
            *(
                (row * columns + column, (row + down) * columns + column + across)
                for row, column in np.ndindex(rows, columns)
                for down, across in itertools.product((-1, 0, 1), repeat=2)
                if (down, across) != (0, 0) and 0 <= row + down < rows and 0 <= column + across < columns
            ),
            strict=True,
        )
    )
    top = np.arange(columns, dtype=np.int32)
    ends = (top, top + (rows - 1) * columns, top + rows // 2 * columns)
    seconds = rng.uniform(0.5, 2.0, len(tails))
    barriers = np.where(rng.random(len(tails)) < 0.2, np.int32(rows * columns), np.int32(-1))
    there = passage(tails, heads, seconds, barriers, ends=ends, places=rows * columns)
    exposure = np.where(rng.random((options, 25)) < 0.5, rng.uniform(0.1, 2.5, (options, 25)), 0.0)
    exposure[0] += 0.7
    costs = rng.integers(1, 9, options) * 10.0 if whole else rng.uniform(5, 60, options)
    evader = Evader(exposure=csr_array(exposure), passages=(there, reverse(there)))
    return Siting(costs.astype(np.float64), rng.uniform(0, 600, options), [evader], 0.8, rng.random(options) < 0.1)


def choices(siting: Siting) -> list[np.ndarray]:
    every = (np.array(bits, np.bool_) for bits in itertools.product((False, True), repeat=siting.options))
    return [choice for choice in every if choice[siting.standing].all() and siting.closes(choice)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000), st.booleans())
def test_the_cheapest_choice_is_found_and_no_bound_exceeds_it(seed: int, whole: bool) -> None:
    siting = tiny(seed, whole)
    closing = choices(siting)
    if not closing:
        with pytest.raises(InputError, match="cannot be closed"):
            next(solve(siting, np.random.default_rng(1)))
        return
    optimum = min(siting.cost(choice) for choice in closing)
    last = None
    for progress in solve(siting, np.random.default_rng(1)):
        assert progress.bound <= optimum + 1e-6
        assert siting.closes(progress.choice)
        assert progress.cost == pytest.approx(siting.cost(progress.choice))
        last = progress
    assert last is not None
    assert last.cost == pytest.approx(optimum)
    assert last.gap == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000), st.integers(0, 100))
def test_no_inequality_cuts_off_a_choice_that_closes_the_sector(seed: int, draw: int) -> None:
    siting = tiny(seed, whole=True)
    share = np.random.default_rng(draw).uniform(0, 0.6, siting.options)
    share[siting.standing] = 1.0
    cuts = violated_cuts(siting, share, weak_ways(siting, share))
    for choice in choices(siting):
        assert all(cut.activity(choice.astype(float)) >= 1 - 1e-9 for cut in cuts)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 100_000), st.integers(0, 9))
def test_a_relaxation_stopped_early_still_bounds_from_below(seed: int, iterations: int) -> None:
    siting = tiny(seed, whole=False)
    closing = choices(siting)
    if not closing:
        return
    relaxation = Relaxation(siting)
    everything = np.ones(siting.options, np.bool_)
    for _ in range(6):
        relaxed = relaxation.solve(siting.standing, everything)
        relaxation.add(violated_cuts(siting, relaxed.share, weak_ways(siting, relaxed.share)))
    bound = relaxation.solve(siting.standing, everything, iterations).bound
    assert bound <= min(siting.cost(choice) for choice in closing) + 1e-6


def test_the_search_is_never_dearer_than_a_pruned_greedy_choice_and_repeats_itself() -> None:
    for seed in range(12):
        siting = tiny(seed, whole=True)
        if siting.open_way() is not None:
            continue
        first, second = (list(solve(siting, np.random.default_rng(3)))[-1] for _ in range(2))
        assert first.cost <= siting.cost(siting.pruned(greedy(siting)))
        np.testing.assert_array_equal(first.choice, second.choice)


def test_progress_never_goes_back() -> None:
    siting = next(found for seed in range(50) if (found := tiny(seed, whole=True)).open_way() is None)
    cost, bound = math.inf, 0.0
    for progress in solve(siting, np.random.default_rng(5)):
        assert progress.cost <= cost
        assert progress.bound >= bound
        cost, bound = progress.cost, progress.bound
