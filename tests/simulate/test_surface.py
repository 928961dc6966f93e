"""Surface temperatures over the day, against closed forms, the balance of heat and published figures."""

import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
import pytest

from marsad.simulate.feature import Material
from marsad.simulate.sun import STEFAN_BOLTZMANN, sky_over
from marsad.simulate.surface import (
    DAY_S,
    MATERIALS,
    STEP_S,
    Properties,
    layers,
    march,
    skin_history,
    skins,
    transfer_w_m2_k,
)
from marsad.simulate.weather import Weather

AL_QAIM = 34.4, 41.0
AUGUST = datetime(2026, 8, 8, 21, tzinfo=UTC)
CALM = Weather(air_c=29, wind_m_s=1.5, humidity=0.25, swing_k=15)
ORDER = list(MATERIALS)


@lru_cache
def the_day(weather: Weather, start: datetime) -> np.ndarray:
    """The skins of all materials over the day that ends at `start`."""
    return skin_history(weather, start, *AL_QAIM).reshape(-1, len(ORDER), 10, 24)


def over_the_day(material: Material, weather: Weather = CALM, start: datetime = AUGUST) -> np.ndarray:
    """The skin of level ground over the day that ends at `start`."""
    return np.asarray(the_day(weather, start)[:, ORDER.index(material), 0, 0])


def sun_elevation(start: datetime = AUGUST) -> np.ndarray:
    times = start.timestamp() + STEP_S * np.arange(1 - round(DAY_S / STEP_S), 1)
    return sky_over(CALM, start.timestamp(), times, *AL_QAIM).elevation_rad


def test_a_daily_wave_is_damped_and_delayed_as_theory_says() -> None:
    # Deep ground under a flux F cos(wt) that loses h T: T = Re[F e^(iwt) / (h + P sqrt(iw))], P the thermal inertia.
    ground = Properties(0.0, 0.0, 0.8, 1.6e6)
    steps, loss, flux = round(DAY_S / STEP_S), 12.0, 200.0
    omega = 2 * math.pi / DAY_S
    times = STEP_S * (1 + np.arange(steps))
    absorbed = (flux * np.cos(omega * times))[:, None]
    profile = np.zeros((1, len(layers(ground))))
    for _ in range(12):
        found, _ = march(profile, layers(ground), ground, absorbed, np.zeros(steps), loss)
    theory = flux / (loss + ground.inertia * np.sqrt(1j * omega))
    np.testing.assert_allclose(found[:, 0], np.real(theory * np.exp(1j * omega * times)), atol=0.02 * abs(theory))


def test_no_heat_is_lost_or_made() -> None:
    ground = MATERIALS["soil"]
    depth = layers(ground)
    rng = np.random.default_rng(1)
    absorbed, air = rng.uniform(200, 900, (1, 5)), np.array([300.0])
    profile = rng.uniform(285, 315, (5, len(depth)))
    before = profile.copy()
    skin, _ = march(profile, depth, ground, absorbed, air, 9.0)
    stored = ground.capacity_j_m3_k * ((profile - before) * depth).sum(axis=1)
    # What the linearised radiation gives off, about the top layer's temperature before the step.
    about = before[:, 0]
    radiated = ground.emissivity * STEFAN_BOLTZMANN * (about**4 + 4 * about**3 * (skin[0] - about))
    gained = STEP_S * (absorbed[0] - radiated - 9.0 * (skin[0] - air[0]))
    np.testing.assert_allclose(stored, gained, rtol=1e-9)


def test_days_alike_end_as_they_began() -> None:
    one, two = (over_the_day("rock", CALM, AUGUST + timedelta(days=days)) for days in (0, 1))
    # A day later the sun stands 0.3 degrees lower, no more.
    np.testing.assert_allclose(one, two, atol=0.5)
    settled = over_the_day("rock")
    assert abs(settled[-1] - settled[0]) < 1.5  # one step from the end back to the beginning


def test_the_ground_of_a_summer_desert_swings_as_is_measured() -> None:
    # Skin temperatures of dry desert soil swing by 30 to 50 K on clear summer days (Oke 1987, ch. 2; Mildrexler et
    # al., Eos 87 (2006) and J. Appl. Meteor. 50 (2011): maxima of 55 to 70 C in deserts).
    soil = over_the_day("soil") - 273.15
    assert 30 < np.ptp(soil) < 50
    assert 50 < soil.max() < 70


def test_the_ground_is_hottest_after_noon_and_coldest_about_sunrise() -> None:
    elevation, soil = sun_elevation(), over_the_day("soil")
    after_noon_h = (soil.argmax() - elevation.argmax()) * STEP_S / 3600
    assert 0.3 < after_noon_h < 2.5
    assert abs(np.degrees(elevation[soil.argmin()])) < 8


def test_what_holds_more_heat_swings_less() -> None:
    swing = {material: float(np.ptp(over_the_day(material))) for material in ORDER}
    assert swing["rock"] < swing["concrete"] < swing["gravel"] < swing["sand"] + 2
    assert swing["grass"] < 0.75 * swing["soil"]
    assert MATERIALS["rock"].inertia > 2.5 * MATERIALS["sand"].inertia


def test_rock_and_soil_change_places_once_after_dawn_and_once_about_dusk() -> None:
    difference = over_the_day("rock") - over_the_day("soil")
    elevation = np.degrees(sun_elevation())
    crossings = np.flatnonzero(np.diff(np.sign(difference)))
    assert len(crossings) == 2
    rising = [int(at) for at in crossings if elevation[at + 1] > elevation[at]]
    falling = [int(at) for at in crossings if elevation[at + 1] < elevation[at]]
    assert len(rising) == len(falling) == 1
    assert 0 < elevation[rising[0]] < 35
    assert -10 < elevation[falling[0]] < 40
    assert difference[elevation.argmin()] > 1.5  # at midnight
    assert difference[elevation.argmax()] < -3  # at noon


def test_slopes_that_face_the_sun_are_warmer_by_day_and_level_ground_is_coldest_by_night() -> None:
    morning = skins(CALM, datetime(2026, 8, 8, 5, tzinfo=UTC), *AL_QAIM)
    steep = math.radians(30)
    east, west = (float(morning.skin_k("soil", steep, math.radians(way))[()]) for way in (90, 270))
    assert east - west > 8
    evening = skins(CALM, datetime(2026, 8, 8, 17, tzinfo=UTC), *AL_QAIM)
    east, west = (float(evening.skin_k("soil", steep, math.radians(way))[()]) for way in (90, 270))
    assert west - east > 1


def test_the_table_is_read_between_its_rows_and_around_north() -> None:
    table = skins(CALM, datetime(2026, 8, 8, 5, tzinfo=UTC), *AL_QAIM)
    before, north, after = (float(table.skin_k("soil", math.radians(22), math.radians(way))[()]) for way in (-1, 0, 1))
    assert north == pytest.approx((before + after) / 2, abs=0.15)
    flat = table.skin_k("soil", np.zeros((3, 4), np.float32), np.full((3, 4), 2.0, np.float32))
    np.testing.assert_allclose(flat, table.level_k("soil"), rtol=1e-6)


def test_wind_and_cloud_level_the_day() -> None:
    calm, windy, grey = (
        float(np.ptp(over_the_day("soil", weather)))
        for weather in (CALM, Weather(air_c=29, wind_m_s=12, swing_k=15), Weather(air_c=29, cloud=1.0, swing_k=8))
    )
    assert windy < 0.75 * calm
    assert grey < 0.6 * calm
    assert transfer_w_m2_k(0.0) == pytest.approx(5.7)


def test_the_table_is_read_for_one_for_many_and_for_none() -> None:
    table = skins(CALM, datetime(2026, 8, 8, 5, tzinfo=UTC), *AL_QAIM)
    slope = np.linspace(0, math.pi / 2, 100_000, dtype=np.float32)
    aspect = np.linspace(-7, 7, 100_000, dtype=np.float32)
    many = table.skin_k("rock", slope, aspect)
    assert many.shape == (100_000,)
    for i in (0, 31_234, 77_777, 99_999):
        assert float(table.skin_k("rock", slope[i], aspect[i])) == pytest.approx(float(many[i]), abs=1e-3)
    assert table.skin_k("rock", slope[:0], aspect[:0]).shape == (0,)
