"""How far away something is by how tall it looks."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.fuse.stature import stature_likelihood
from marsad.geo.geodesy import Array
from marsad.kernel.measurement import Measurement
from marsad.kernel.track import Kind

RANGES = np.geomspace(50, 5000, 400)


def looking(height_m: float, range_m: float, kind: Kind = "person", sure: float = 0.8) -> Measurement:
    """Something of a height at a range, measured to a seventh."""
    tall = height_m / range_m
    return Measurement(kind=kind, kind_confidence=sure, height_rad=tall, height_sigma_rad=0.14 * tall)


def test_a_person_is_likeliest_where_he_is_of_a_persons_height() -> None:
    likely = stature_likelihood(looking(1.7, 1500), RANGES)
    assert RANGES[np.argmax(likely)] == pytest.approx(1500, rel=0.1)
    assert likely.max() == 1.0
    at_500, at_1500 = np.interp([500, 1500], RANGES, likely)
    # At 500 m he would be 0.57 m tall: somebody who crawls, or a dog.
    assert 0.01 < at_500 < 0.2 * at_1500


def test_who_crouches_is_not_ruled_out_where_he_is() -> None:
    likely = stature_likelihood(looking(0.8, 1000), RANGES)
    assert np.interp(1000, RANGES, likely) > 0.05


def test_what_may_be_anything_says_little() -> None:
    likely = stature_likelihood(looking(1.0, 1000, "unknown", 0.6), RANGES)
    assert min(float(np.interp(at, RANGES, likely)) for at in (300, 500, 1000, 2000)) > 0.9


def test_without_a_height_nothing_is_said() -> None:
    assert (stature_likelihood(Measurement(kind="person", kind_confidence=0.9), RANGES) == 1).all()
    assert stature_likelihood(looking(1.7, 900), np.empty(0)).shape == (0,)


def test_it_is_the_density_of_what_is_measured() -> None:
    """Against drawn statures and errors: how often a height as measured comes of each range."""
    rng = np.random.default_rng(1)
    count, sigma = 400_000, 1e-4
    tall, ranges = 1.7 / 1500, np.array([500.0, 1000.0, 1500.0, 2000.0, 3000.0])

    def any_of(low_m: float, high_m: float) -> Array:
        return np.exp(rng.uniform(math.log(low_m), math.log(high_m), count))

    adult = np.where(rng.random(count) < 0.8, rng.normal(1.7, 0.12, count), any_of(0.3, 2.0))
    drawn = np.where(rng.random(count) < 0.8, adult, any_of(0.2, 3.5))
    measured = drawn[None] / ranges[:, None] + rng.normal(0, sigma, (len(ranges), count))
    often = (np.abs(measured - tall) < 2e-5).mean(axis=1)
    said = stature_likelihood(
        Measurement(kind="person", kind_confidence=0.8, height_rad=tall, height_sigma_rad=sigma), ranges
    )
    assert said == pytest.approx(often / often.max(), abs=0.02)


@given(
    tall=st.floats(1e-6, 3.0), sigma=st.floats(0, 3.0), sure=st.floats(0, 1),
    kind=st.sampled_from(["person", "group", "vehicle", "animal", "flying", "vegetation", "unknown"]),
)  # fmt: skip
def test_it_is_finite_and_above_nought_whatever_is_measured(tall: float, sigma: float, sure: float, kind: Kind) -> None:
    likely = stature_likelihood(
        Measurement(kind=kind, kind_confidence=sure, height_rad=tall, height_sigma_rad=sigma), RANGES
    )
    assert np.isfinite(likely).all()
    assert (likely > 0).all()
    assert likely.max() <= 1 + 1e-12
    assert not math.isnan(float(likely.sum()))
