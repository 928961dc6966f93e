"""What a budget buys, against all choices of tiny sectors."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from marsad.plan.budget import within
from marsad.plan.crossing import passage, reverse
from marsad.plan.judging import judged
from marsad.plan.siting import Evader, Siting, Spare, Watch, greedy, without
from marsad.plan.solve_siting import solve


def sector(seed: int, probability: float, watches: tuple[Watch, ...] = (), spare: Spare | None = None) -> Siting:
    """Three lanes of three places each, with steps to the lanes beside; six options."""
    rng = np.random.default_rng(seed)
    arcs = [
        (row * 3 + lane, (row + 1) * 3 + lane + aside)
        for row, lane, aside in itertools.product(range(2), range(3), (-1, 0, 1))
        if 0 <= lane + aside < 3
    ]
    tails, heads = (np.array(ends, np.int32) for ends in zip(*arcs, strict=True))
    top = np.arange(3, dtype=np.int32)
    there = passage(
        tails, heads, rng.uniform(1, 2, len(arcs)), np.full(len(arcs), -1, np.int32), ends=(top, top + 6, top + 3),
        places=9,
    )  # fmt: skip
    exposure = np.where(rng.random((6, 9)) < 0.6, rng.uniform(0.1, 1.0, (6, 9)), 0.0)
    evader = Evader(exposure=csr_array(exposure), passages=(there, reverse(there)))
    return Siting(rng.integers(1, 6, 6) * 10.0, np.arange(6.0), [evader], probability, watches=watches, spare=spare)


def every_choice() -> list[np.ndarray]:
    return [np.array(bits, np.bool_) for bits in itertools.product((False, True), repeat=6)]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100_000), st.integers(0, 20))
def test_no_choice_within_the_budget_reaches_more_than_is_said(seed: int, tens: int) -> None:
    first, budget = sector(seed, 0.5), 10.0 * tens
    best = max(first.probability(one) for one in every_choice() if first.cost(one) <= budget)
    last = None
    for last in within(lambda probability: sector(seed, probability), budget, np.random.default_rng(0)):
        assert last.attainable >= best - 1e-9
        assert last.reached <= best + 1e-9
        assert last.cost <= budget
    assert last is not None
    assert last.reached >= best - 0.006
    assert last.reached == pytest.approx(first.probability(last.choice), abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100_000))
def test_what_is_to_be_watched_is_watched_at_the_least_cost(seed: int) -> None:
    watches = (Watch(np.array([0, 1, 2]), 2), Watch(np.array([3, 5]), 1))
    siting = sector(seed, 0.3, watches)
    if siting.open_way() is not None:
        return
    least = min(siting.cost(one) for one in every_choice() if siting.closes(one))
    for step in solve(siting, np.random.default_rng(0)):
        assert step.bound <= least + 1e-9
        assert siting.closes(step.choice)
    assert step.cost == pytest.approx(least)
    assert siting.closes(greedy(siting))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000))
def test_what_any_one_loss_leaves_is_enough_at_the_least_cost(seed: int) -> None:
    losable = np.array([0, 1, 2, 4])
    siting, plain = sector(seed, 0.4, spare=Spare(losable, 0.25)), sector(seed, 0.4)

    def survives(choice: np.ndarray) -> bool:
        less = (plain.probability(without(choice, option)) for option in losable)
        return plain.closes(choice) and all(left >= 0.25 - 1e-9 for left in less)

    enough = [plain.cost(one) for one in every_choice() if survives(one)]
    if not enough:
        assert siting.open_way() is not None
        return
    for step in solve(siting, np.random.default_rng(0)):
        assert step.bound <= min(enough) + 1e-9
        assert survives(step.choice)
    assert step.cost == pytest.approx(min(enough))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100_000))
def test_who_knows_less_is_stopped_no_less(seed: int) -> None:
    siting = sector(seed, 0.5)
    choice = np.random.default_rng(seed).random(6) < 0.5
    for number in range(2):
        found = judged(siting, number, choice)
        assert found["everything"] == pytest.approx(-math.expm1(-siting.weakest_of(number, choice)[0]))
        assert found["everything"] <= min(found.values()) + 1e-9


def test_where_there_is_no_way_nobody_gets_through_whatever_he_knows() -> None:
    ends = np.array([0], np.int32), np.array([2], np.int32), np.array([1], np.int32)
    none = passage(
        np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0), np.zeros(0, np.int32), ends=ends, places=3
    )
    siting = Siting(np.ones(1), np.zeros(1), [Evader(exposure=csr_array(np.ones((1, 3))), passages=(none,))], 0.5)
    assert judged(siting, 0, np.ones(1, np.bool_)) == {"everything": 1.0, "something": 1.0, "nothing": 1.0}
