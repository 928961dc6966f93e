"""Ranges against figures worked out by hand."""

import math

import numpy as np
import pytest

from marsad.plan.search_camera import PERSON_M, SearchCamera, detection_rate

CAMERA = SearchCamera(pixel_rad=0.68e-3, turn_s=72.0, reach_m=1800.0)


def test_where_a_person_has_three_quarters_of_a_cycle_half_are_found_in_a_turn() -> None:
    half_m = PERSON_M / (2 * 0.68e-3 * 0.75)
    assert 900 < half_m < 950
    assert float(detection_rate(CAMERA, half_m)) == pytest.approx(math.log(2) / 72)


def test_farther_is_never_better_and_beyond_the_reach_there_is_nothing() -> None:
    rates = detection_rate(CAMERA, np.linspace(0, 2500, 400))
    assert np.all(np.diff(rates) <= 0)
    assert np.isfinite(rates).all()
    assert float(detection_rate(CAMERA, 1801.0)) == 0.0
