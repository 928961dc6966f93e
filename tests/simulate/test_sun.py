"""What comes down from the sun and the sky."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from marsad.simulate.sun import air_k, clear_beam_w_m2, sky_over
from marsad.simulate.weather import Weather

AL_QAIM = 34.4, 41.0


def test_the_beam_of_a_clear_noon_is_what_is_measured_on_earth() -> None:
    # Meinel's 0.7^(AM^0.678) gives 947 W/m2 for one air mass; by night there is none.
    assert clear_beam_w_m2(np.radians([90.0]))[0] == pytest.approx(947, rel=0.01)
    assert clear_beam_w_m2(np.radians([-1.0]))[0] == 0


def test_the_air_meets_the_start_and_is_warmest_in_the_afternoon() -> None:
    start = datetime(2026, 8, 8, 21, tzinfo=UTC)
    weather = Weather(air_c=30, swing_k=14)
    times = start.timestamp() + np.arange(0, 86_400, 600.0)
    air = air_k(weather, start.timestamp(), times, 41.0)
    assert air[0] == pytest.approx(303.15)
    assert np.ptp(air) == pytest.approx(14, abs=0.01)
    warmest = start + timedelta(seconds=float(times[air.argmax()] - times[0]))
    assert (warmest.hour + warmest.minute / 60 + 41 / 15) % 24 == pytest.approx(15, abs=0.2)


def test_clouds_take_sun_and_give_warmth() -> None:
    noon = datetime(2026, 7, 1, 9, 20, tzinfo=UTC).timestamp()
    clear, covered = (sky_over(Weather(cloud=cloud), noon, np.array([noon]), *AL_QAIM) for cloud in (0.0, 1.0))
    total = [float(sky.beam_w_m2[0] * np.sin(sky.elevation_rad[0]) + sky.diffuse_w_m2[0]) for sky in (clear, covered)]
    # Kasten and Czeplak: an overcast sky lets a quarter through.
    assert total[1] == pytest.approx(total[0] / 4, rel=0.02)
    assert covered.longwave_w_m2[0] > 1.15 * clear.longwave_w_m2[0]


def test_the_clear_sky_radiates_as_brutsaert_says() -> None:
    # 20 C and half the vapour that is possible: 11.7 hPa, emissivity 1.24 (11.7 / 293.15)^(1/7) = 0.783.
    start = datetime(2026, 7, 1, tzinfo=UTC).timestamp()
    sky = sky_over(Weather(air_c=20, humidity=0.5), start, np.array([start]), *AL_QAIM)
    assert sky.longwave_w_m2[0] == pytest.approx(0.783 * 5.67e-8 * 293.15**4, rel=0.002)
