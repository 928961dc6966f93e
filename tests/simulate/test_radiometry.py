"""The sky, water and grey surfaces, against published figures and closed forms."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.simulate.pattern import Pattern
from marsad.simulate.radiometry import ambient, clear_sky_k, grey_k, sky_k_over, water_emissivity, wave_slope
from marsad.simulate.weather import Weather

AL_QAIM = 34.4, 41.0
DRY = Weather(air_c=25, humidity=0.25)


def test_the_zenith_is_as_cold_as_idso_measured() -> None:
    # 25 C at 25 %: 7.92 hPa, emissivity 0.24 + 2.98e-8 * 7.92^2 * exp(3000 / 298.15) = 0.284, and 4.5 K for the lapse.
    emissivity = 0.24 + 2.98e-8 * 7.92**2 * np.exp(3000 / 298.15)
    zenith = float(clear_sky_k(DRY, np.array([np.pi / 2]))[0])
    assert zenith == pytest.approx(298.15 * emissivity**0.25, abs=5)


def test_the_sky_at_the_horizon_is_nearly_as_warm_as_the_air() -> None:
    assert float(clear_sky_k(DRY, np.array([0.0]))[0]) == pytest.approx(298.15, abs=2.5)


@given(humidity=st.floats(0.05, 0.9), air_c=st.floats(-5, 42), air=st.sampled_from(["clear", "haze", "dust", "rain"]))
def test_the_sky_is_colder_upwards_and_never_warmer_than_the_air(humidity: float, air_c: float, air: str) -> None:
    weather = Weather(air_c=air_c, humidity=humidity, air=air)  # type: ignore[arg-type]  # one of the four
    sky = clear_sky_k(weather, np.radians(np.linspace(-2, 90, 200)))
    assert np.all(np.diff(sky) < 0.01)
    assert np.all(sky <= air_c + 273.16)
    assert np.all(sky > 150)


def test_damp_air_warms_the_sky_above_the_horizon() -> None:
    up = np.radians([20.0])
    damp = Weather(air_c=25, humidity=0.8)
    assert float(clear_sky_k(damp, up)[0]) > float(clear_sky_k(DRY, up)[0]) + 15


def test_clouds_cover_the_share_of_the_sky_that_they_are_said_to() -> None:
    azimuth, elevation = np.meshgrid(np.radians(np.linspace(0, 90, 300)), np.radians(np.linspace(60, 20, 200)))
    pattern = Pattern(np.random.default_rng(5), longest_m=1500, shortest_m=90, steepness=2.4)
    clear = clear_sky_k(DRY, elevation)
    for cloud in (0.2, 0.5, 0.8):
        sky = sky_k_over(Weather(air_c=25, humidity=0.25, cloud=cloud), azimuth, elevation, pattern)
        thick = (sky - clear) > 0.5 * (298.15 - 11.7 - clear)
        assert thick.mean() == pytest.approx(cloud, abs=0.15)
        assert sky.max() < 298.15


def test_a_black_surface_looks_as_warm_as_it_is_and_a_mirror_as_what_it_mirrors() -> None:
    assert float(grey_k(310.0, 1.0, 200.0)) == pytest.approx(310)
    assert float(grey_k(310.0, 0.0, 200.0)) == pytest.approx(200)
    between = float(grey_k(300.0, 0.95, 220.0))
    assert between == pytest.approx((0.95 * 300**4 + 0.05 * 220**4) ** 0.25)


def test_still_water_seen_straight_down_emits_what_is_measured() -> None:
    # 0.99 in the long-wave window at normal incidence (Masuda et al., Remote Sensing of Environment 24 (1988)).
    steep = np.array([[np.pi / 2]], np.float32)
    assert float(water_emissivity(steep, 0.0)[0, 0]) == pytest.approx(0.99, abs=0.004)


def test_water_seen_flat_mirrors_and_waves_make_it_mirror_less() -> None:
    flat = np.radians(np.array([[2.0, 5.0, 10.0, 30.0]], np.float32))
    still, rough = water_emissivity(flat, 0.0)[0], water_emissivity(flat, 8.0)[0]
    assert np.all(np.diff(still) > 0)
    assert float(still[0]) < 0.5
    assert np.all(rough[:3] > still[:3])
    # Masuda et al.: at 80 degrees from the vertical and 5 m/s about 0.8.
    assert float(water_emissivity(flat[:, 2:3], 5.0)[0, 0]) == pytest.approx(0.78, abs=0.06)


def test_waves_are_as_steep_as_cox_and_munk_photographed() -> None:
    assert wave_slope(10.0) ** 2 == pytest.approx(0.054, abs=0.001)


def test_what_is_about_a_body_follows_the_hour() -> None:
    night, noon = (ambient(DRY, datetime(2026, 8, 8, hour, 30, tzinfo=UTC), *AL_QAIM) for hour in (21, 9))
    assert night.sun_w_m2 == 0
    assert noon.sun_w_m2 > 800
    assert night.ground_k < night.air_k - 0.5
    assert noon.ground_k > noon.air_k + 15
    assert night.sky_k < night.air_k - 10
    assert night.wind_m_s == DRY.wind_m_s
