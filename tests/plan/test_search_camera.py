"""Ranges against figures worked out by hand."""

import math

import numpy as np
import pytest

from marsad.plan.search_camera import IN_VIEW_S, PERSON_M, SearchCamera, detection_rate, look_chance

CAMERA = SearchCamera(pixel_rad=0.68e-3, turn_s=72.0, reach_m=1800.0)


def test_where_a_person_has_three_quarters_of_a_cycle_half_are_found_in_a_look() -> None:
    half_m = PERSON_M / (2 * 0.68e-3 * 0.75)
    assert 900 < half_m < 950
    assert float(look_chance(CAMERA, half_m)) == pytest.approx(0.5)


@pytest.mark.parametrize("turn_s", [25.0, 72.0, 90.0, 145.0])
def test_in_view_for_a_while_as_many_are_found_as_by_tries_at_any_phase(turn_s: float) -> None:
    camera = SearchCamera(pixel_rad=0.68e-3, turn_s=turn_s, reach_m=1800.0)
    phases = (np.arange(100_000) + 0.5) / 100_000 * turn_s
    for range_m in (200.0, 900.0, 1500.0):
        tries = np.floor((IN_VIEW_S - phases) / turn_s) + 1
        missed = (1 - float(look_chance(camera, range_m))) ** tries
        rate = float(detection_rate(camera, range_m))
        assert -math.expm1(-rate * IN_VIEW_S) == pytest.approx(1 - missed.mean(), abs=1e-4)


def test_a_camera_that_cannot_miss_is_no_surer_than_its_turn_comes_round() -> None:
    slow = SearchCamera(pixel_rad=0.68e-3, turn_s=120.0, reach_m=1800.0)
    assert -math.expm1(-float(detection_rate(slow, 50.0)) * IN_VIEW_S) == pytest.approx(IN_VIEW_S / 120, rel=1e-3)


def test_farther_is_never_better_and_beyond_the_reach_there_is_nothing() -> None:
    rates = detection_rate(CAMERA, np.linspace(0, 2500, 400))
    assert np.all(np.diff(rates) <= 0)
    assert np.isfinite(rates).all()
    assert float(detection_rate(CAMERA, 1801.0)) == 0.0
