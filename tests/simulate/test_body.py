"""Bodies are as tall as they should be, stand on the ground, and do not slide over it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.simulate.actor import USUAL_HEIGHT_M, ActorKind, Gait, usual_speed_m_s
from marsad.simulate.beast import BUILDS
from marsad.simulate.body import body
from marsad.simulate.gait import beast_stride, person_step, runner_step
from marsad.simulate.shape import Shape
from marsad.simulate.thing import wing_beat_hz

G = 9.81
PERSON_M = 1.75


def made(kind: ActorKind, gait: Gait, speed_m_s: float, height_m: float | None = None, wind: float = 3.0) -> Shape:
    return body(kind, gait, speed_m_s, height_m or USUAL_HEIGHT_M[kind], wind, load=False)


def bottom(shape: Shape) -> np.ndarray:
    capsules = shape.capsules
    return (np.minimum(capsules[:, :, 2], capsules[:, :, 5]) - capsules[:, :, 6]).min(axis=1)


def soles(shape: Shape) -> np.ndarray:
    """What touches the ground at each phase: (P, feet) of place ahead, not a number while lifted."""
    ends = np.concatenate([shape.capsules[:, :, :3], shape.capsules[:, :, 3:6]], axis=1)
    radius = np.concatenate([shape.capsules[:, :, 6]] * 2, axis=1)
    low = ends[:, :, 2] - radius
    return np.where(low < 0.002, ends[:, :, 0], np.nan)


@pytest.mark.parametrize(
    ("gait", "lowest", "highest"),
    [
        # Standing: stature. Walking: the head of a walker is 2 to 5 cm below stature and moves by 3 to 6 cm.
        ("stand", 0.995, 1.005),
        ("walk", 0.935, 0.99),
        ("run", 0.87, 0.97),
        ("crouch", 0.6, 0.75),
        ("crawl", 0.38, 0.5),
        # Sitting height of adults is 0.52 of stature (Drillis and Contini).
        ("sit", 0.51, 0.535),
        ("climb", 0.99, 1.25),
        ("swim", 0.05, 0.25),
    ],
)
def test_a_person_reaches_as_high_as_its_gait_lets_it(gait: Gait, lowest: float, highest: float) -> None:
    top = made("person", gait, usual_speed_m_s("person", gait, PERSON_M)).top
    assert lowest <= top.min()
    assert top.max() <= highest


@given(speed=st.floats(0.5, 2.0))
def test_a_walkers_head_keeps_its_height(speed: float) -> None:
    top = made("person", "walk", speed).top * PERSON_M
    assert np.ptp(top) < 0.08
    assert top.mean() == pytest.approx(PERSON_M, rel=0.07)


@given(gait=st.sampled_from(["walk", "run", "crouch", "crawl", "stand", "sit"]), speed=st.floats(0.3, 5.0))
def test_people_stand_on_the_ground_and_not_in_it(gait: Gait, speed: float) -> None:
    low = bottom(made("person", gait, speed))
    assert low.min() > -0.003
    assert low.min() == pytest.approx(0, abs=0.003)


@given(
    kind=st.sampled_from(sorted(BUILDS)), gait=st.sampled_from(["walk", "run", "stand", "sit"]), pace=st.floats(0.3, 3)
)
def test_beasts_stand_on_the_ground_and_are_as_tall_as_stated(kind: ActorKind, gait: Gait, pace: float) -> None:
    height = USUAL_HEIGHT_M[kind]
    shape = made(kind, gait, pace * usual_speed_m_s(kind, "walk", height))
    assert bottom(shape).min() == pytest.approx(0, abs=0.01)
    # The trunk is the thickest capsule that is not a hump: its back is the shoulder's height.
    lengths = np.linalg.norm(shape.capsules[0, :, 3:6] - shape.capsules[0, :, :3], axis=1)
    trunk = int(np.argmax(lengths * (shape.capsules[0, :, 6] > 0.15)))
    back = shape.capsules[:, trunk, 5] + shape.capsules[:, trunk, 6]
    if gait != "sit":
        assert back.mean() == pytest.approx(1.0, abs=0.08)


@settings(max_examples=40)
@given(
    kind=st.sampled_from(["person", *sorted(BUILDS)]), gait=st.sampled_from(["walk", "run"]), pace=st.floats(0.6, 1.6)
)
def test_a_foot_on_the_ground_stays_where_it_is(kind: ActorKind, gait: Gait, pace: float) -> None:
    """Ahead of the body it falls back exactly as fast as the body goes ahead."""
    height = USUAL_HEIGHT_M[kind]
    shape = made(kind, gait, pace * usual_speed_m_s(kind, gait, height))
    advance = shape.stride / len(shape.capsules)
    place = soles(shape)
    drift = np.roll(place, -1, axis=0) - place + advance
    drift = drift[np.isfinite(drift)]
    assert drift.size > 4
    # Ankles rise and heels roll: what matters is that what is down does not slide. Half of all samples are exact.
    assert np.median(np.abs(drift)) < 0.02 * advance
    assert np.quantile(np.abs(drift), 0.8) < 0.2 * advance


def test_people_take_the_steps_people_take() -> None:
    """Winter, chapter 2: natural cadence 100 to 115 steps/min at a stride of 1.4 to 1.6 m; runners near 160."""
    walk = made("person", "walk", 1.4).stride * PERSON_M
    assert 1.4 < walk < 1.6
    assert 105 < 2 * 60 * 1.4 / walk < 120
    run = made("person", "run", 3.0).stride * PERSON_M
    assert 150 < 2 * 60 * 3.0 / run < 170
    assert person_step(1.0) / person_step(0.25) == pytest.approx(2)
    assert runner_step(1.2) > runner_step(0.8)


@pytest.mark.parametrize(("kind", "low", "high"), [("fox", 1.2, 1.8), ("sheep", 0.9, 1.4), ("camel", 0.55, 0.85)])
def test_larger_beasts_step_slower(kind: ActorKind, low: float, high: float) -> None:
    height = USUAL_HEIGHT_M[kind]
    speed = usual_speed_m_s(kind, "walk", height)
    assert low < speed / (made(kind, "walk", speed).stride * height) < high


def test_strides_follow_the_froude_number() -> None:
    """Alexander and Jayes: at Fr = 1 a stride is 2.4 hip heights; it grows as Fr^0.34, with speed^0.68."""
    assert beast_stride(1.0) == pytest.approx(2.4)
    assert beast_stride(0.6) / beast_stride(0.15) == pytest.approx(4**0.68)


def test_beasts_of_different_size_move_alike_at_like_froude_numbers() -> None:
    speed = 1.1
    sheep, large = (made("sheep", "walk", speed * math.sqrt(height / 0.7), height) for height in (0.7, 1.4))
    assert np.array_equal(sheep.capsules, large.capsules)


@pytest.mark.parametrize(
    ("kind", "length_m", "width_m"),
    [("vehicle", (5.0, 5.6), (1.6, 2.0)), ("motorcycle", (1.8, 2.2), (0.4, 0.9)), ("boat", (4.0, 5.2), (1.0, 1.5))],
)
def test_machines_have_the_outlines_of_real_ones(
    kind: ActorKind, length_m: tuple[float, float], width_m: tuple[float, float]
) -> None:
    capsules = made(kind, "drive", 8.0).capsules[0] * USUAL_HEIGHT_M[kind]
    for axis, (low, high) in ((0, length_m), (1, width_m)):
        ends = np.concatenate([capsules[:, axis], capsules[:, axis + 3]])
        radius = np.concatenate([capsules[:, 6]] * 2)
        assert low < (ends + radius).max() - (ends - radius).min() < high
    assert made(kind, "drive", 8.0).top.mean() == pytest.approx(1.0, abs=0.02)


def test_a_person_is_upright_and_a_sheep_is_long() -> None:
    def aspect(shape: Shape) -> float:
        capsules = shape.capsules[0]
        ends = np.concatenate([capsules[:, 0], capsules[:, 3]])
        radius = np.concatenate([capsules[:, 6]] * 2)
        return float(((ends + radius).max() - (ends - radius).min()) / shape.top[0])

    assert aspect(made("person", "walk", 1.4)) < 0.65
    assert all(aspect(made(kind, "walk", 1.0)) > 1.2 for kind in BUILDS)
    assert aspect(made("vehicle", "drive", 8.0)) > 2.5


def test_smaller_birds_beat_faster() -> None:
    """Pennycuick (1996) lists feral pigeons near 6 Hz and cormorants (span 1.3 m) near 4 Hz or a little more."""
    assert 5 < wing_beat_hz(0.66) < 8
    assert 2.5 < wing_beat_hz(1.3) < 5.5
    tips = made("bird", "fly", 11).capsules[:, -1, 5]
    assert np.ptp(tips) > 0.3


def test_bushes_bend_more_in_more_wind() -> None:
    def sway(wind: float) -> float:
        return float(np.ptp(made("bush", "stand", 0, wind=wind).capsules[:, :, 3], axis=0).max())

    assert sway(0.0) == 0
    assert 0 < sway(2) < sway(6) < sway(12) < 1.0


def test_a_tumbleweed_rolls_without_slipping() -> None:
    shape = made("tumbleweed", "walk", 2.5)
    assert shape.stride == pytest.approx(math.pi, rel=0.01)
    tip = shape.capsules[:, 0, 3:6] - [0.0, 0.0, 0.5]
    assert np.ptp(tip[:, 2]) > 0.05


def test_a_fire_flickers_near_its_puffing_frequency() -> None:
    """Cetegen and Ahmed: 1.5 / sqrt(D) a second, here for flames of 0.8 m over 0.4 m."""
    shape = made("fire", "stand", 0)
    top = np.tile(shape.top, 8)
    power = np.abs(np.fft.rfft(top - top.mean()))
    hz = np.fft.rfftfreq(top.size, 1 / (shape.hz * len(shape.capsules)))[power.argmax()]
    assert hz == pytest.approx(1.5 / math.sqrt(0.4), rel=0.1)
    assert np.ptp(shape.flicker_k) > 30


def test_a_load_is_seen_on_the_back() -> None:
    bare = body("person", "walk", 1.4, 1.75, 3.0, load=False)
    loaded = body("person", "walk", 1.4, 1.75, 3.0, load=True)
    assert loaded.capsules[:, :, 0].min() < bare.capsules[0, :, 0][[m == "trunk" for m in bare.materials]].min()
    assert "pack" in loaded.materials
    assert "pack" not in bare.materials
