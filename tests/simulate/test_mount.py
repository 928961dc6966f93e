"""How mounts sway."""

import math

import numpy as np
import pytest

from marsad.simulate.camera import Imager, Knocked
from marsad.simulate.mount import DOWN_SHARE, ROLL_SHARE, Mount, gust_density, response

WIDTH = 640


def swings(imager: Imager, wind_m_s: float, seed: int, step_s: float = 0.43, many: int = 4000) -> np.ndarray:
    mount = Mount(imager, wind_m_s, WIDTH, np.random.default_rng(seed))
    return np.array([mount.shift(i * step_s) for i in range(many)])


def test_the_sway_has_the_size_asked_for_and_grows_with_the_square_of_the_wind() -> None:
    imager = Imager(sway_px=0.5, sway_damping=0.05)
    for wind_m_s, factor in ((5.0, 1.0), (10.0, 4.0), (0.0, 0.0)):
        sizes = np.array([swings(imager, wind_m_s, seed).std(axis=0) for seed in range(3)]).mean(axis=0)
        expected = 0.5 * factor * np.array([1, DOWN_SHARE, ROLL_SHARE / (WIDTH / 2)])
        np.testing.assert_allclose(sizes, expected, rtol=0.12)


def test_the_spectrum_is_daventports_gusts_through_a_body_of_one_mode() -> None:
    imager = Imager(sway_px=1.0, sway_hz=0.8, sway_damping=0.08)
    step_s, many = 0.25, 2048
    power = np.zeros(many // 2 + 1)
    for seed in range(10):
        power += np.abs(np.fft.rfft(swings(imager, 5.0, seed, step_s, many)[:, 0] * np.hanning(many))) ** 2
    frequency = np.fft.rfftfreq(many, step_s)
    shape = np.zeros_like(frequency)
    shape[1:] = gust_density(frequency[1:], 5.0) * response(frequency[1:], 0.8, 0.08)
    for low, high in ((0.05, 0.3), (0.3, 0.65), (0.65, 0.95), (0.95, 1.8)):
        band = (frequency >= low) & (frequency < high)
        whole = (frequency >= 0.05) & (frequency < 1.8)
        assert power[band].sum() / power[whole].sum() == pytest.approx(shape[band].sum() / shape[whole].sum(), abs=0.07)


def test_the_gusts_hold_unit_variance_in_davenports_own_variable() -> None:
    # His spectrum f S(f) = 4 k V^2 x^2 / (1 + x^2)^(4/3) integrates over ln f to 6 k V^2.
    frequency = np.geomspace(1e-9, 1e4, 200_001)
    whole = np.trapezoid(gust_density(frequency, 10.0), frequency)
    assert whole == pytest.approx(1.5, rel=0.01)


def test_a_struck_mount_rings_and_comes_to_rest() -> None:
    blow = Knocked(start_s=2.0, px=10.0, hz=3.0, decay_s=0.5)
    mount = Mount(Imager(sway_px=0.0), 3.0, WIDTH, np.random.default_rng(1), [blow])
    length = [math.hypot(*mount.shift(t)[:2]) for t in (1.9, 2.0, 2.0 + 1 / 3, 8.0)]
    assert length == pytest.approx([0.0, 10.0, 10 * math.exp(-2 / 3), 0.0], abs=1e-6)
    assert mount.reach_px >= 10


def test_no_shift_goes_beyond_what_the_mount_says() -> None:
    imager = Imager(sway_px=0.8)
    mount = Mount(imager, 9.0, WIDTH, np.random.default_rng(5))
    shifts = swings(imager, 9.0, 5)
    assert np.abs(shifts[:, :2]).max() + np.abs(shifts[:, 2]).max() * WIDTH / 2 <= mount.reach_px
