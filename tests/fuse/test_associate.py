"""What a report that repeats says of the places its track may be at."""

import math

import numpy as np
import pytest

from marsad.fuse.associate import Claims, Reports, gate
from marsad.fuse.hypotheses import STATES, Expected, Rows


def likelihoods(unit: float, spreads: tuple[float, float]) -> np.ndarray:
    """How likely a repeated report is of two rows of one track, whose elevation is foretold more and less well.

    All that is reported is told in units of so many radians.
    """
    spread = np.stack([np.diag([1.0, s**2, 1.0, 1.0, 1.0]) for s in spreads])
    slope = np.zeros((2, 2, STATES))
    slope[:, 0, 0], slope[:, 1, 1] = 1e-4 / unit, 1e-3 / unit
    rows = Rows(
        np.array([0, 2]), np.zeros((2, STATES)), spread, np.zeros((2, STATES, 0)), np.array([0.5, 0.5]),
        np.zeros((2, 1, 2)),
    )  # fmt: skip
    expected = Expected(np.zeros((2, 2)), slope, np.zeros((2, 2, 2)), np.ones(2), np.ones(2))
    reports = Reports(np.zeros((1, 2)), np.eye(2)[None] * (2e-4 / unit) ** 2, np.array([7]))
    claims = Claims(np.array([0]), np.ones(1, np.bool_))
    pairs = gate(rows, expected, np.zeros((2, 2, 0)), np.zeros((0, 0)), reports, claims, 0, 20.0, 1e4)
    return np.asarray(pairs.row_likelihood)


@pytest.mark.parametrize("spreads", [(0.5, 3.0), (2.0, 0.7), (1.0, 1.0)])
def test_what_a_repeated_report_says_does_not_hang_on_the_unit_of_angles(spreads: tuple[float, float]) -> None:
    ratios = [math.log(one / two) for one, two in (likelihoods(unit, spreads) for unit in (1.0, 1e-3, math.pi / 180))]
    assert ratios == pytest.approx([ratios[0]] * 3)


def test_a_wide_row_is_not_lost_to_a_narrow_one_by_what_repeats() -> None:
    one, two = likelihoods(1.0, (0.5, 3.0))
    assert (two / one) ** 100 > 0.01
