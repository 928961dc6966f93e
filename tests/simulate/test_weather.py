"""The air between: what it lets through, against figures measured or published elsewhere."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.simulate.weather import Air, Weather, air_of, extinction_per_km, vapour_hpa


def test_air_takes_away_contrast_as_beer_and_lambert_say() -> None:
    air = Air(kelvin=288.0, extinction_per_km=0.25)
    assert float(air.transmission(2000.0)) == pytest.approx(math.exp(-0.5))
    warm = air.seen(np.array([300.0], np.float32), 2000.0)
    assert float(warm[0]) == pytest.approx(288 + 12 * math.exp(-0.5), abs=1e-3)


def test_vapour_at_saturation_is_what_tables_say() -> None:
    # Saturation over water: 23.4 hPa at 20 C, 42.4 at 30 C (Smithsonian Meteorological Tables).
    assert vapour_hpa(Weather(air_c=20, humidity=1.0)) == pytest.approx(23.4, rel=0.005)
    assert vapour_hpa(Weather(air_c=30, humidity=1.0)) == pytest.approx(42.4, rel=0.005)


def test_clear_air_lets_through_a_little_less_than_its_clearest_wavelength_does() -> None:
    # Gebbie et al., Proc. Phys. Soc. B 64 (1951): where 75 % of light comes through a sea mile, 87 % does at 10.01 um,
    # and 83 % where 50 % of light does. The band from 8 to 14 um holds vapour lines that 10.01 um is free of.
    for light, clearest in ((0.75, 0.87), (0.5, 0.83)):
        visibility_km = 3.912 * 1.852 / -math.log(light)
        weather = Weather(air_c=12.0, humidity=0.75, visibility_km=visibility_km)
        through = math.exp(-1.852 * extinction_per_km(weather))
        assert clearest - 0.1 < through < clearest


def test_nato_good_and_limited_conditions_lie_within_the_range_of_weathers() -> None:
    # STANAG 4347 reckons with 0.2 and 1.0 for each km.
    assert extinction_per_km(Weather(air_c=25, humidity=0.5)) < 0.2
    assert extinction_per_km(Weather(air="rain", rain_mm_h=10)) > 1.0
    assert extinction_per_km(Weather(air="dust")) > 1.0


def test_rain_takes_what_carbonneaus_rule_says() -> None:
    # 1.076 R^0.67 dB/km, as in ITU-R P.1814.
    dry = extinction_per_km(Weather(air="rain", rain_mm_h=0.0))
    wet = extinction_per_km(Weather(air="rain", rain_mm_h=10.0))
    assert (wet - dry) * 10 / math.log(10) == pytest.approx(1.076 * 10**0.67, rel=0.01)


@given(visibility_km=st.floats(0.1, 60), worse=st.floats(1.01, 3), air=st.sampled_from(["clear", "haze", "dust"]))
def test_less_visibility_never_lets_more_through(visibility_km: float, worse: float, air: str) -> None:
    one, two = (
        extinction_per_km(Weather(air=air, visibility_km=visible))  # type: ignore[arg-type]  # one of the three
        for visible in (visibility_km, visibility_km / worse)
    )
    assert two > one


def test_dust_hides_more_than_haze_of_the_same_visibility() -> None:
    assert extinction_per_km(Weather(air="dust", visibility_km=3)) > 3 * extinction_per_km(
        Weather(air="haze", visibility_km=3)
    )


def test_the_air_is_as_warm_as_the_weather_says() -> None:
    assert air_of(Weather(air_c=31.5)).kelvin == pytest.approx(304.65)
