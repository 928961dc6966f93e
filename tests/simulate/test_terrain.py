"""Generated ground: the same for the same seed, rugged, and surveyed with the error that is stated."""

import numpy as np
import pytest

from marsad.geo.elevation import sample
from marsad.geo.geodesy import utm_from_geodetic
from marsad.kernel.position import Position
from marsad.simulate.terrain import GENERATED, ILLUSTRATIVE, Relief, rugged_desert, surveyed

CENTRE = Position(latitude_deg=34.46, longitude_deg=40.95)


def test_the_same_generator_makes_the_same_ground() -> None:
    one, two, other = (rugged_desert(CENTRE, np.random.default_rng(seed), radius_m=800) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.height_m, two.height_m)
    assert np.abs(one.height_m - other.height_m).mean() > 1
    assert one.source == GENERATED
    assert "not surveyed" in ILLUSTRATIVE


def test_the_ground_lies_around_the_place_asked_for() -> None:
    grid = rugged_desert(CENTRE, np.random.default_rng(1), radius_m=800)
    easting, northing = utm_from_geodetic(CENTRE.latitude_deg, CENTRE.longitude_deg, 37)
    around = np.array([[-800, 0], [800, 0], [0, -800], [0, 800]])
    assert grid.crs == "EPSG:32637"
    assert np.isfinite(sample(grid, easting + around[:, 0], northing + around[:, 1])).all()


def test_the_relief_is_what_was_asked_for() -> None:
    shaped, level = (
        rugged_desert(
            CENTRE,
            np.random.default_rng(3),
            radius_m=1500,
            relief=Relief(base_m=base_m, wadi_west_m=400.0, bank_m=bank_m, slope=slope),
        )
        for base_m, bank_m, slope in ((300.0, 20.0, 0.1), (290.0, 0.0, 0.0))
    )
    easting, northing = utm_from_geodetic(CENTRE.latitude_deg, CENTRE.longitude_deg, 37)
    north = northing + np.linspace(-1200, 1200, 60)
    bank, rise = (
        np.mean([sample(grid, easting + east + 0 * north, north) * sign for grid, sign in ((shaped, 2), (level, -2))])
        for east in (200.0, -1000.0)
    )
    assert bank == pytest.approx(10 + 20, abs=0.5)
    assert rise == pytest.approx(10 + 0.1 * 600 * np.tanh(600 / 600), abs=3)


def test_a_survey_is_off_by_what_it_states_and_smoothly() -> None:
    grid = rugged_desert(CENTRE, np.random.default_rng(1), radius_m=4000)
    known = surveyed(grid, np.random.default_rng(2), sigma_m=0.5, correlation_m=400.0)
    error = known.height_m.astype(float) - grid.height_m
    assert error.std() == pytest.approx(0.5, rel=0.02)
    lag = 40  # cells: the correlation length
    together = np.mean(error[:, lag:] * error[:, :-lag]) / error.var()
    assert 0.25 < together < 0.75
    assert np.abs(np.diff(error, axis=1)).max() < 0.06
