"""The camera's noise, gain, sway and pose errors are what they are said to be."""

import math

import numpy as np
import pytest

from marsad.kernel.site import Pose, PoseSigma
from marsad.simulate.camera import Imager, Mast, Sensor, true_pose


def ramp() -> np.ndarray:
    return np.broadcast_to(np.linspace(283, 293, 320, dtype=np.float32), (256, 320)).copy()


def test_noise_has_the_stated_size_and_never_repeats_from_picture_to_picture() -> None:
    imager = Imager(netd_k=0.2, pixel_fixed_k=0.0, column_fixed_k=0.0)
    sensor = Sensor(imager, 320, 256, np.random.default_rng(1))
    pictures = np.array([sensor.expose(ramp(), index) for index in range(30)], float)
    counts_per_k = np.polyfit(ramp()[0], pictures.mean(axis=(0, 1)), 1)[0]
    assert counts_per_k == pytest.approx(110 / (0.86 * 10), rel=0.03)
    assert pictures.std(axis=0).mean() / counts_per_k == pytest.approx(0.2, rel=0.06)
    noise = pictures - pictures.mean(axis=0)
    assert abs(np.mean(noise[:-1] * noise[1:])) < 0.05 * noise.var()


def test_what_a_flat_field_correction_left_behind_stays() -> None:
    imager = Imager(netd_k=0.02, pixel_fixed_k=0.1, column_fixed_k=0.1)
    sensor = Sensor(imager, 320, 256, np.random.default_rng(1))
    residue = np.mean([sensor.expose(ramp(), index) for index in range(20)], axis=0) - ramp() * (110 / 8.6)
    assert residue.mean(axis=0).std() * 8.6 / 110 == pytest.approx(0.1, rel=0.25)
    assert (residue - residue.mean(axis=0)).std() * 8.6 / 110 == pytest.approx(0.1, rel=0.1)


def test_the_gain_follows_slowly() -> None:
    sensor = Sensor(Imager(netd_k=0.0, fps=10.0, gain_s=5.0), 320, 256, np.random.default_rng(1))
    before = float(sensor.expose(ramp(), 0).mean())
    after = [float(sensor.expose(ramp() + np.float32(2), index).mean()) for index in range(1, 300)]
    assert after[0] - before > 20
    assert after[0] > after[50] > after[150]
    assert after[-1] == pytest.approx(before, abs=1.5)
    settled = (after[49] - before) / (after[0] - before)
    assert settled == pytest.approx(math.exp(-1), abs=0.06)


def test_cold_and_hot_are_cut_off_not_folded() -> None:
    sensor = Sensor(Imager(netd_k=0.0), 320, 256, np.random.default_rng(1))
    picture = ramp()
    picture[:4], picture[-4:] = 200.0, 500.0
    counts = sensor.expose(picture, 0)
    assert counts[:4].max() == 0
    assert counts[-4:].min() == 255


def test_the_mast_sways_as_far_as_stated_and_comes_back() -> None:
    mast = Mast(Imager(sway_px=0.5, sway_hz=0.6), np.random.default_rng(2))
    shifts = np.array([mast.shift_px(t) for t in np.arange(0, 600, 0.1)])
    assert shifts[:, 0].std() == pytest.approx(0.5, rel=0.05)
    assert shifts[:, 1].std() == pytest.approx(0.25, rel=0.05)
    np.testing.assert_allclose(shifts.mean(axis=0), 0, atol=0.02)


def test_true_poses_scatter_about_the_measured_one_by_its_sigmas() -> None:
    sigma = PoseSigma(azimuth_deg=0.2, elevation_deg=0.1, roll_deg=0.3, horizontal_m=4.0, height_m=0.5)
    pose = Pose(latitude_deg=34.0, longitude_deg=41.0, mast_m=20.0, azimuth_deg=10.0, elevation_deg=-2.0, sigma=sigma)
    rng = np.random.default_rng(5)
    drawn = [true_pose(pose, rng) for _ in range(3000)]
    metres = 111_195
    for values, spread in (
        ([p.azimuth_deg - 10 for p in drawn], 0.2),
        ([p.elevation_deg + 2 for p in drawn], 0.1),
        ([p.roll_deg for p in drawn], 0.3),
        ([(p.latitude_deg - 34) * metres for p in drawn], 4.0),
        ([(p.longitude_deg - 41) * metres * math.cos(math.radians(34)) for p in drawn], 4.0),
        ([p.mast_m - 20 for p in drawn], 0.5),
    ):
        assert np.std(values) == pytest.approx(spread, rel=0.06)
        assert np.mean(values) == pytest.approx(0, abs=0.08 * spread)
