"""Counts out of temperatures."""

import math
from typing import Literal

import numpy as np
import pytest

from marsad.simulate.camera import Imager
from marsad.simulate.sensor import Jump, Sensor

SHAPE = 128, 160
Gain = Literal["automatic", "plateau", "linear", "raw16"]


def ramp() -> np.ndarray:
    """Temperatures from 280 to 300 K down the picture."""
    return np.repeat(np.linspace(280, 300, SHAPE[0], dtype=np.float32)[:, None], SHAPE[1], axis=1)


def clean(**other: object) -> Imager:
    return Imager(**{"netd_k": 0.0, "pixel_fixed_k": 0.0, "column_fixed_k": 0.0, "row_k": 0.0, **other})


def sensor(imager: Imager, seed: int = 1) -> Sensor:
    return Sensor(imager, SHAPE[1], SHAPE[0], np.random.default_rng(seed))


def kelvin_of(made: Sensor, kelvin: np.ndarray, times_s: np.ndarray) -> np.ndarray:
    """Pictures as a radiometric camera has them, back in kelvin."""
    return np.array([made.expose(kelvin, float(t)) for t in times_s]) * made.imager.count_k


def test_noise_is_split_as_the_imager_says() -> None:
    imager = Imager(gain="raw16", count_k=0.002, netd_k=0.08, row_k=0.04, pixel_fixed_k=0.05, column_fixed_k=0.03)
    made = sensor(imager)
    flat = np.full(SHAPE, 100.0, np.float32)
    pictures = kelvin_of(made, flat, np.arange(120) / 9)
    still = pictures.mean(axis=0)
    assert still.mean(axis=0).std() == pytest.approx(0.03, rel=0.2)
    assert (still - still.mean(axis=0)).std() == pytest.approx(0.05, rel=0.05)
    moving = pictures - still
    rows = moving.mean(axis=2)
    assert rows.std() == pytest.approx(0.04, rel=0.08)
    assert (moving - rows[:, :, None]).std() == pytest.approx(0.08, rel=0.03)
    assert made.noise_k == pytest.approx(np.hypot(0.08, 0.04), rel=1e-3)
    assert made.pattern_k == pytest.approx(np.hypot(0.05, 0.03))
    # Nothing is left of one picture in the next.
    first, then = moving[:-1] - rows[:-1, :, None], moving[1:] - rows[1:, :, None]
    assert abs(np.mean(first * then)) < 0.02 * 0.08**2


def test_a_correction_makes_another_pattern_which_then_drifts() -> None:
    imager = clean(
        gain="raw16", count_k=0.002, pixel_fixed_k=0.1, ffc_every_s=100.0, ffc_s=0.5, drift_s=30.0, ffc_step_k=0.2
    )
    made, flat = sensor(imager), np.full(SHAPE, 100.0, np.float32)
    times = np.arange(0, 300, 0.1)
    held = np.array([made.correcting(float(t)) for t in times])
    begun = times[1:][held[1:] & ~held[:-1]]
    assert len(begun) == 3
    np.testing.assert_allclose(np.diff(begun), 100, atol=0.2)
    assert held.sum() == pytest.approx(15, abs=3)
    made = sensor(imager)
    start_s = next(t for t in np.arange(0, 101, 0.1) if made.correcting(float(t)))
    assert made.correcting(start_s + 0.4)
    assert not made.correcting(start_s + 0.6)
    fresh, soon, late = kelvin_of(made, flat, start_s + np.array([0.6, 1.6, 95.0]))
    assert made.correcting(start_s + 100.1)
    after = kelvin_of(made, flat, np.array([start_s + 101]))[0]
    assert fresh.std() == pytest.approx(0.1 * np.sqrt(0.5), rel=0.05)
    assert late.std() == pytest.approx(0.1, rel=0.05)
    assert np.corrcoef(fresh.ravel(), soon.ravel())[0, 1] > 0.99
    assert abs(np.corrcoef(late.ravel(), after.ravel())[0, 1]) < 0.1
    assert abs(after.mean() - late.mean()) > 0.02
    assert sensor(clean(ffc_every_s=0.0)).correcting(1e6) is False
    assert made.correcting(start_s + 120, asked=True)


@pytest.mark.parametrize("gain", ["automatic", "linear", "raw16"])
def test_rounding_to_counts_is_noise_too(gain: Gain) -> None:
    made, rng = sensor(clean(gain=gain)), np.random.default_rng(2)
    scene = (ramp() / 2 + 145 + rng.uniform(0, 1, SHAPE)).astype(np.float32)
    counts = made.expose(scene, 0.0).astype(float)
    # The best line through counts over kelvin; what is left of it is rounding.
    part = np.abs(scene - np.median(scene)) < 0.8
    slope, offset = np.polyfit(scene[part], counts[part], 1)
    assert made.noise_k == pytest.approx((counts[part] - slope * scene[part] - offset).std() / slope, rel=0.25)


def test_dead_pixels_stay_where_they_are_and_some_blink() -> None:
    made = sensor(clean(gain="raw16", dead_pixels=20))
    flat = np.full(SHAPE, 300.0, np.float32)
    pictures = kelvin_of(made, flat, np.arange(300) / 9)
    off = np.abs(pictures - 300) > 2
    often = off.mean(axis=0)
    assert (often > 0).sum() == 20
    assert (often == 1).sum() == 10


def test_raw_counts_are_kelvin() -> None:
    counts = sensor(clean(gain="raw16", count_k=0.04)).expose(ramp(), 0.0)
    assert counts.dtype == np.uint16
    np.testing.assert_allclose(counts * 0.04, ramp(), atol=0.021)


def test_the_automatic_gain_spreads_the_picture_and_follows_slowly() -> None:
    made = sensor(clean(gain_counts=110.0, gain_s=2.0, fps=9.0))
    first = made.expose(ramp(), 0.0)
    low, high = np.percentile(first, [12, 98])
    assert high - low == pytest.approx(110, abs=2)
    hot = ramp()
    hot[-40:] += 40
    then = [made.expose(hot, i / 9) for i in range(1, 60)]
    # The gain of the unchanged part falls as the hot thing has its say: a little at once, most of it in a few seconds.
    steps = [float(picture[60].mean() - picture[20].mean()) for picture in (first, then[0], then[18], then[-1])]
    assert steps[0] > steps[1] > steps[2] > steps[3]
    assert steps[1] > 0.85 * steps[0]
    assert steps[3] < 0.55 * steps[0]


@pytest.mark.parametrize("gain", ["automatic", "plateau", "linear"])
def test_warmer_is_never_darker_and_a_jump_jumps(gain: Gain) -> None:
    made = sensor(clean(gain=gain))
    usual = made.expose(ramp(), 0.0)
    assert usual.dtype == np.uint8
    assert np.all(np.diff(usual[:, 0].astype(int)) >= 0)
    assert np.ptp(usual) > 60
    jumped = made.expose(ramp(), 1 / 9, Jump(1.5, 20.0))
    middle = usual[48:80, 0].astype(float)
    slope = np.polyfit(middle, jumped[48:80, 0].astype(float), 1)[0]
    assert slope == pytest.approx(1.5, rel=0.1)


def test_the_plateau_gives_a_small_hot_thing_less_than_its_share_of_kelvin() -> None:
    kelvin = ramp() / 4 + 215
    kelvin[60:64, 60:64] = 340
    counts = sensor(clean(gain="plateau")).expose(kelvin, 0.0).astype(int)
    ground = np.ptp(counts[:, 0])
    assert ground > 100
    assert counts[61, 61] - counts[-1, 0] < ground


def test_the_gain_follows_with_its_time_constant() -> None:
    made = sensor(clean(fps=10.0, gain_s=5.0))
    before = float(made.expose(ramp(), 0.0).mean())
    after = [float(made.expose(ramp() + np.float32(2), index / 10).mean()) for index in range(1, 300)]
    assert after[0] - before > 10
    assert after[0] > after[50] > after[150]
    assert after[-1] == pytest.approx(before, abs=1.5)
    settled = (after[49] - before) / (after[0] - before)
    assert settled == pytest.approx(math.exp(-1), abs=0.06)


def test_cold_and_hot_are_cut_off_not_folded() -> None:
    made = sensor(clean())
    picture = ramp()
    picture[:4], picture[-4:] = 200.0, 500.0
    counts = made.expose(picture, 0.0)
    assert counts[:4].max() == 0
    assert counts[-4:].min() == 255


def test_the_same_seed_makes_the_same_noise() -> None:
    one, same, other = (sensor(Imager(), seed) for seed in (1, 1, 2))
    for index in range(3):
        pictures = [each.expose(ramp(), index / 9) for each in (one, same, other)]
        assert np.array_equal(pictures[0], pictures[1])
        assert not np.array_equal(pictures[0], pictures[2])
