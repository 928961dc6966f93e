"""Temperatures of ground, air and sky."""

from collections.abc import Callable

import numpy as np
import pytest

from marsad.geo.ground import CameraView
from marsad.simulate.radiometry import GroundPattern, Night, background, sky_k, through_air, transmission

MakeView = Callable[..., CameraView]


def test_air_takes_away_contrast_as_beer_and_lambert_say() -> None:
    night = Night(extinction_per_km=0.25, air_k=288.0)
    assert float(transmission(2000.0, night)) == pytest.approx(np.exp(-0.5))
    warm = through_air(np.array([300.0], np.float32), 2000.0, night)
    assert float(warm[0]) == pytest.approx(288 + 12 * np.exp(-0.5), abs=1e-3)


def test_the_sky_is_as_warm_as_the_air_at_the_horizon_and_colder_upwards() -> None:
    night = Night()
    sky = sky_k(np.radians([0.0, 1.0, 5.0, 60.0]), night)
    assert float(sky[0]) == pytest.approx(night.air_k, abs=0.01)
    assert np.all(np.diff(sky) < 0)
    assert float(sky[-1]) == pytest.approx(night.air_k - night.sky_drop_k, abs=0.5)


def test_the_pattern_has_unit_variance_and_lies_on_the_ground() -> None:
    pattern = GroundPattern(np.random.default_rng(1))
    east, north = np.meshgrid(np.arange(0, 900, 2.3, np.float32), np.arange(0, 900, 2.3, np.float32))
    for octave in range(4):
        found = pattern.sample(east, north, octave)
        assert found.std() == pytest.approx(1.0, abs=0.25)
        np.testing.assert_allclose(pattern.sample(east[::3], north[::3], octave), found[::3], atol=1e-5)


def test_slopes_towards_the_afternoon_sun_stay_warmer(make_view: MakeView) -> None:
    night = Night(texture=0.0, pool_k_m=0.0, extinction_per_km=0.0, sun_azimuth_rad=np.radians(180))
    rng = np.random.default_rng(1)
    level, rising = (
        background(view, view.lookup(), night, GroundPattern(rng))
        for view in (make_view(), make_view(lambda _east, north: np.clip(north - 300, 0, None) * 0.1))
    )
    # Ground that rises northwards faces south: a tenth of a radian, near enough.
    assert float(rising[120, 80] - level[120, 80]) == pytest.approx(night.slope_k * 0.1, rel=0.05)


def test_the_same_ground_is_the_same_from_another_place(make_view: MakeView) -> None:
    pattern = GroundPattern(np.random.default_rng(1))
    night = Night(extinction_per_km=0.0, slope_k=0.0, pool_k_m=0.0)
    straight, tilted = make_view(), make_view(elevation_deg=-1.2)
    one, two = (background(view, view.lookup(), night, pattern) for view in (straight, tilted))
    down_px = round(80 / np.tan(np.radians(1.5)) * np.radians(0.3))
    assert np.corrcoef(one[40:100, :].ravel(), two[40 + down_px : 100 + down_px, :].ravel())[0, 1] > 0.9
