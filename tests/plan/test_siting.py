"""What choices are worth, against scipy's shortest paths and against all paths of tiny graphs."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix, csr_array
from scipy.sparse.csgraph import dijkstra

from marsad.kernel.error import InputError
from marsad.plan.crossing import Passage, least_exposure, passage, reverse, trace
from marsad.plan.siting import Evader, Siting, greedy


def grid(rows: int, columns: int, seed: int, barriers_from: int = -1) -> Passage:
    """Four neighbours, seconds drawn per arc and direction; a barrier per column between the middle rows."""
    rng = np.random.default_rng(seed)
    tails, heads, barriers = [], [], []
    for row, column in np.ndindex(rows, columns):
        for down, across in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            if 0 <= row + down < rows and 0 <= column + across < columns:
                tails.append(row * columns + column)
                heads.append((row + down) * columns + column + across)
                middle = {row, row + down} == {rows // 2 - 1, rows // 2}
                barriers.append(barriers_from + column if middle and barriers_from >= 0 else -1)
    top = np.arange(columns, dtype=np.int32)
    return passage(
        np.array(tails, np.int32),
        np.array(heads, np.int32),
        rng.uniform(0.5, 2.0, len(tails)),
        np.array(barriers, np.int32),
        ends=(top, top + (rows - 1) * columns, top + rows // 2 * columns),
        places=rows * columns,
    )


def both_ways(rows: int, columns: int, seed: int) -> tuple[Passage, Passage]:
    there = grid(rows, columns, seed, barriers_from=rows * columns)
    return there, reverse(there)


def tiny(seed: int, options: int = 7, whole: bool = True) -> Siting:
    """A siting that all options together close, some of them seeing a few places, others a fence's stretch."""
    rng = np.random.default_rng(seed)
    rows, columns = 4, 5
    exposure = np.where(rng.random((options, 25)) < 0.45, rng.uniform(0.3, 2.5, (options, 25)), 0.0)
    exposure[0] += 0.6
    exposure[1, 20:] += 0.8
    costs = rng.integers(1, 9, options) * 10.0 if whole else rng.uniform(5, 60, options)
    standing = rng.random(options) < 0.15
    evader = Evader(exposure=csr_array(exposure), passages=both_ways(rows, columns, seed))
    along_m = np.arange(options, dtype=np.float64)
    return Siting(costs.astype(np.float64), along_m, [evader], 0.75, standing)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_least_exposures_are_those_of_another_implementation(seed: int) -> None:
    way = grid(6, 7, seed)
    rates = np.random.default_rng(seed).uniform(0.0, 1.0, 42) + 1e-6
    exposure, before = least_exposure(way, rates)
    tails = np.repeat(np.arange(42), np.diff(way.starts))
    weights = way.seconds * 0.5 * (rates[tails] + rates[way.heads])
    graph = coo_matrix((weights, (tails, way.heads)), shape=(42, 42)).tocsr()
    expected = dijkstra(graph, indices=way.entries, min_only=True)
    np.testing.assert_allclose(exposure, expected, rtol=1e-12)
    for place in range(42):
        path = trace(before, place)
        assert path[0] in way.entries
        assert path[-1] == place


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_walked_backwards_the_least_exposure_across_is_the_same(seed: int) -> None:
    way = grid(5, 5, seed, barriers_from=25)
    rates = np.random.default_rng(seed).uniform(0.0, 1.0, 30)
    there = least_exposure(way, rates)[0][way.exits].min()
    back = least_exposure(reverse(way), rates)[0][way.entries].min()
    assert there == pytest.approx(back)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 127))
def test_the_exposures_of_the_weakest_way_sum_to_what_it_is_said_to_have(seed: int, chosen: int) -> None:
    siting = tiny(seed)
    choice = np.array([chosen >> k & 1 for k in range(7)], np.bool_) | siting.standing
    exposure, path = siting.weakest(choice)
    assert siting.exposures(path)[choice].sum() == pytest.approx(exposure)
    assert siting.probability(choice) == pytest.approx(1 - math.exp(-exposure))


def test_a_greedy_choice_closes_the_sector_and_pruning_leaves_nothing_to_leave_out() -> None:
    closed = 0
    for seed in range(30):
        siting = tiny(seed)
        if siting.open_way() is not None:
            continue
        closed += 1
        choice = siting.pruned(greedy(siting))
        assert siting.closes(choice)
        for option in np.flatnonzero(choice & ~siting.standing):
            without = choice.copy()
            without[option] = False
            assert not siting.closes(without)
    assert closed > 10


def test_a_sector_that_cannot_be_closed_says_by_which_way() -> None:
    exposure = np.zeros((2, 20))
    exposure[:, :17] = 5.0
    exposure[:, [2, 7, 12]] = 0.0
    siting = Siting(np.ones(2), np.zeros(2), [Evader(exposure=csr_array(exposure), passages=(grid(4, 5, 1),))], 0.9)
    way = siting.open_way()
    assert way is not None
    assert {2, 7, 12} <= set(way.places.tolist())
    with pytest.raises(InputError, match="cannot be closed"):
        greedy(siting)


def test_what_stands_costs_nothing_and_stays() -> None:
    siting = next(found for seed in range(50) if (found := tiny(seed)).open_way() is None and found.standing.any())
    choice = siting.pruned(greedy(siting))
    assert choice[siting.standing].all()
    assert siting.cost(siting.standing) == 0.0


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.5])
def test_a_probability_that_is_none_is_refused(probability: float) -> None:
    with pytest.raises(InputError, match="probability"):
        Siting(np.ones(1), np.zeros(1), [Evader(exposure=csr_array(np.ones((1, 20))), passages=())], probability)


def test_costs_that_fit_no_options_are_refused() -> None:
    with pytest.raises(InputError, match="another number"):
        Siting(np.ones(3), np.zeros(3), [Evader(exposure=csr_array(np.ones((1, 20))), passages=())], 0.9)


def test_a_passage_to_nowhere_is_refused() -> None:
    with pytest.raises(InputError, match="none of its"):
        passage(
            np.zeros(1, np.int32), np.full(1, 9, np.int32), np.ones(1), np.full(1, -1, np.int32),
            ends=(np.zeros(1, np.int32), np.zeros(1, np.int32), np.zeros(1, np.int32)), places=2,
        )  # fmt: skip
