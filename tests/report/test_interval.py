import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from marsad.kernel.error import InputError
from marsad.report.interval import (
    calibration,
    confusion,
    exact_rate,
    exact_share,
    honesty,
    ilids_f1,
    percentile,
)


@given(st.integers(1, 300).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_exact_interval_agrees_with_the_binomial_test_s(pair: tuple[int, int]) -> None:
    found, of = pair
    ours = exact_share(found, of)
    theirs = stats.binomtest(found, of).proportion_ci(method="exact")
    assert ours.low == pytest.approx(theirs.low, abs=1e-6)
    assert ours.high == pytest.approx(theirs.high, abs=1e-6)


def test_ninety_eight_of_a_hundred_shows_ninety_per_cent() -> None:
    share = exact_share(98, 100)
    assert share.low == pytest.approx(0.9296, abs=1e-4)
    assert share.high == pytest.approx(0.9976, abs=1e-4)


def test_nothing_tried_is_no_share_and_anything_is_possible() -> None:
    nothing = exact_share(0, 0)
    assert (nothing.share, nothing.low, nothing.high) == (None, 0.0, 1.0)


def test_more_found_than_tried_is_refused() -> None:
    with pytest.raises(InputError, match="3 of 2"):
        exact_share(3, 2)


@given(st.integers(0, 60), st.floats(0.1, 50))
def test_the_rate_s_bounds_leave_two_and_a_half_per_cent_on_each_side(count: int, exposure: float) -> None:
    rate = exact_rate(count, exposure)
    assert stats.poisson.cdf(count, rate.high * exposure) == pytest.approx(0.025, abs=1e-9)
    if count:
        assert stats.poisson.sf(count - 1, rate.low * exposure) == pytest.approx(0.025, abs=1e-9)
    else:
        assert rate.low == 0


def test_no_event_in_two_days_leaves_under_two_a_day() -> None:
    assert exact_rate(0, 2.0).high == pytest.approx(3.689 / 2, abs=1e-3)
    assert exact_rate(0, 0.0).rate is None


def test_a_percentile_is_a_value_and_what_never_came_counts() -> None:
    assert percentile([3, 1, 2, 4], 0.5) == 2
    assert percentile([*range(1, 20), math.inf], 0.95) == 19
    assert percentile([*range(1, 19), math.inf, math.inf], 0.95) == math.inf
    assert percentile([], 0.5) is None


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=60), st.floats(0.01, 1.0))
def test_percentiles_agree_with_numpy_s_inverted_cdf(values: list[int], share: float) -> None:
    assert percentile(values, share) == np.percentile(values, 100 * share, method="inverted_cdf")


def test_calibration_of_coins_that_fall_as_stated_is_nearly_without_error() -> None:
    rng = np.random.default_rng(0)
    stated = rng.uniform(0, 1, 40_000)
    right = rng.uniform(0, 1, 40_000) < stated
    found = calibration(stated.tolist(), right.tolist())
    assert found.error == pytest.approx(0, abs=0.01)
    assert found.brier == pytest.approx(1 / 6, abs=0.005)
    assert sum(each.share.of for each in found.bins) == 40_000


def test_boasting_is_seen_and_certainty_has_a_bin() -> None:
    found = calibration([1.0] * 10, [True] * 6 + [False] * 4)
    assert found.error == pytest.approx(0.4)
    assert found.bins[-1].share.found == 6
    assert calibration([], []).error is None


def test_honest_ellipses_hold_ninety_five_per_cent_and_boastful_ones_fewer() -> None:
    rng = np.random.default_rng(1)
    squared = rng.chisquare(2, 20_000)
    scenes = list(range(20_000))
    fair = honesty(squared.tolist(), [1.0] * 20_000, scenes)
    assert fair.inside == pytest.approx(0.95, abs=0.005)
    assert fair.low < 0.95 < fair.high
    assert fair.nees == pytest.approx(1, abs=0.03)
    boastful = honesty((4 * squared).tolist(), [1.0] * 20_000, scenes)
    assert boastful.nees == pytest.approx(4, abs=0.12)
    assert boastful.high < 0.6


def test_samples_of_one_scene_do_not_count_as_many() -> None:
    rng = np.random.default_rng(2)
    inside = rng.uniform(0, 1, 50) < 0.9
    squared = np.repeat(np.where(inside, 1.0, 20.0), 40).tolist()
    errors = [1.0] * 2000
    apart = honesty(squared, errors, list(range(2000)))
    together = honesty(squared, errors, np.repeat(range(50), 40).tolist())
    assert together.high - together.low > 4 * (apart.high - apart.low)
    assert honesty([1.0, 1.0], [1.0, 1.0], ["a", "a"]).low == 0.0


def test_the_figure_of_merit_weighs_recall_and_precision() -> None:
    assert ilids_f1(90, 10, 10, 0.65) == pytest.approx(0.9)
    assert ilids_f1(10, 0, 90, 0.65) == pytest.approx(1.65 * 0.1 / (1 + 0.065))
    assert ilids_f1(0, 5, 5, 0.65) == 0
    assert ilids_f1(0, 0, 5, 0.65) is None


def test_confusion_counts_what_was_called_what() -> None:
    table = confusion([("person", "person"), ("person", "unknown"), ("animal", "person"), ("person", "person")])
    assert table == {"animal": {"person": 1}, "person": {"person": 2, "unknown": 1}}
