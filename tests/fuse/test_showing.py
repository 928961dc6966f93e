"""What is seen of a thing that hides from one source and from all, against a chain of two states run many times."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.fuse.showing import looked_at, passed

CHANCE = st.floats(0.0, 1.0)


@given(shown=CHANCE, usual=st.floats(0.1, 0.9), hidden_s=st.floats(1.0, 100.0), step_s=st.floats(0.0, 100.0))
def test_two_steps_are_one_and_all_ends_at_the_usual_share(
    shown: float, usual: float, hidden_s: float, step_s: float
) -> None:
    before = np.array([shown])
    twice = passed(passed(before, usual, hidden_s, step_s), usual, hidden_s, step_s)
    np.testing.assert_allclose(twice, passed(before, usual, hidden_s, 2 * step_s), atol=1e-9)
    np.testing.assert_allclose(passed(before, usual, hidden_s, 1e6), usual)
    assert 0.0 <= twice[0] <= 1.0


def test_what_is_hidden_stays_so_for_that_long() -> None:
    rng = np.random.default_rng(0)
    usual, hidden_s, step_s = 0.8, 8.0, 0.5
    appears, hides = -np.expm1(-step_s / hidden_s), -np.expm1(-step_s * (1 - usual) / usual / hidden_s)
    shown = np.zeros(20_000, np.bool_)
    for _ in range(12):
        change = rng.random(len(shown)) < np.where(shown, hides, appears)
        shown ^= change
    expected = passed(np.zeros(1), usual, hidden_s, 12 * step_s)[0]
    assert shown.mean() == pytest.approx(expected, abs=0.02)


@given(showing=CHANCE, bare=CHANCE, detection=CHANCE, told=st.booleans())
def test_a_look_says_of_each_what_all_that_may_be_says(
    showing: float,
    bare: float,
    detection: float,
    told: bool,
) -> None:
    weight = {}
    for here in (0, 1):
        for out in (0, 1):
            prior = (showing if here else 1 - showing) * (bare if out else 1 - bare)
            report = detection * here * out
            weight[here, out] = prior * (report if told else 1 - report)
    total = sum(weight.values())
    if total < 1e-4:
        return
    after = looked_at(np.array([[bare, showing]]), np.array([showing * bare * detection]), np.array([float(told)]))
    wanted = (weight[0, 1] + weight[1, 1]) / total, (weight[1, 0] + weight[1, 1]) / total
    np.testing.assert_allclose(after[0], wanted, atol=1e-3)
