from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from marsad.kernel.frame import Counts
from marsad.watch.background import Background, Difference, Registration, picture_noise
from marsad.watch.detect import Detector

ROWS, COLUMNS = 128, 160
STEP_S = 0.04
F64 = NDArray[np.float64]


def texture(seed: int, rows: int = ROWS, columns: int = COLUMNS) -> F64:
    """Ground with structure of several sizes, about 110 +- 20."""
    rng = np.random.default_rng(seed)
    fine, coarse = (ndimage.gaussian_filter(rng.normal(size=(rows, columns)), sigma) for sigma in (2.0, 8.0))
    scene = fine / fine.std() + coarse / coarse.std()
    return 110.0 + 14.0 * scene


def taken(scene: F64, rng: np.random.Generator, noise: float = 1.5) -> Counts:
    """A picture of a scene with the camera's noise."""
    return np.clip(np.rint(scene + rng.normal(0, noise, scene.shape)), 0, 255).astype(np.uint8)


def deep(scene: F64, rng: np.random.Generator) -> Counts:
    """The same from a camera with sixteen bits, which no gain drives to the stop."""
    return np.rint(scene + rng.normal(0, 1.5, scene.shape)).astype(np.uint16)


def learnt(scene: F64, rng: np.random.Generator, pictures: int = 20) -> Background:
    background = Background()
    for _ in range(pictures):
        background.update(taken(scene, rng), STEP_S)
    return background


def with_object(scene: F64, x: int, y: int, contrast: float, w: int = 4, h: int = 8) -> F64:
    out = scene.copy()
    out[y : y + h, x : x + w] += contrast
    return out


def boxes(difference: Difference, detector: Detector) -> NDArray[np.float64]:
    return detector.detect(difference).rows[:, :4].copy()


@settings(max_examples=25)
@given(
    shift_x=st.floats(-6, 6),
    shift_y=st.floats(-6, 6),
    gain=st.floats(0.7, 1.4),
    offset=st.floats(-30, 30),
)
def test_a_shift_gain_and_offset_are_recovered_although_something_bright_moves(
    shift_x: float, shift_y: float, gain: float, offset: float
) -> None:
    rng = np.random.default_rng(1)
    large = ndimage.gaussian_filter(texture(2, ROWS + 40, COLUMNS + 40), 2)
    background = Background()
    for _ in range(12):
        background.update(deep(large[20:-20, 20:-20], rng), STEP_S)
    moved = ndimage.shift(large, (shift_y, shift_x), order=3)[20:-20, 20:-20]
    # After a jump the next picture is sought further on, so that it takes a few to settle; the scene takes on the gain.
    total_gain, level = 1.0, 110.0
    for x in range(60, 76, 4):
        found = background.update(deep(with_object(gain * moved + offset, x, 50, 70, 10, 16), rng), STEP_S)
        total_gain *= found.registration.gain
        level = found.registration.gain * level + found.registration.offset
    shift = found.registration
    assert found.state == "watching"
    assert np.array([shift.shift_x_px, shift.shift_y_px]) - found.origin == pytest.approx([shift_x, shift_y], abs=0.1)
    assert total_gain == pytest.approx(gain, rel=0.01)
    assert level == pytest.approx(gain * 110 + offset, abs=1.0)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.5, 0.5), (2.0, 0.0), (0.0, -1.5), (1.5, 2.0)])
def test_a_picture_read_between_its_cells_has_the_gain_it_has(shift: tuple[float, float]) -> None:
    """Cells of such a picture are four pixels wide; a mean over two of them is softer than either."""
    rng = np.random.default_rng(1)
    large = texture(2, 4 * ROWS + 40, 4 * COLUMNS + 40)
    background = Background()
    for _ in range(12):
        background.update(deep(large[20:-20, 20:-20], rng), STEP_S)

    moved = ndimage.shift(large, shift[::-1], order=3)[20:-20, 20:-20]
    gains = [background.update(deep(0.8 * moved + 5, rng), STEP_S).registration.gain for _ in range(2)]

    # The first picture is half a cell off, the second, after the scene was moved by whole pixels, an eighth.
    assert gains[0] == pytest.approx(0.8, rel=0.025)
    assert gains[0] * gains[1] == pytest.approx(0.8, rel=0.01)


def test_a_featureless_sky_hardly_moves_the_scene_and_raises_nothing() -> None:
    rng = np.random.default_rng(3)
    sky, detector = np.full((ROWS, COLUMNS), 90.0), Detector()
    background = learnt(sky, rng)
    for _ in range(300):
        difference = background.update(taken(sky, rng), STEP_S)
        assert difference.state == "watching"
        assert len(boxes(difference, detector)) == 0
    assert np.abs(background.origin).max() <= 3


def test_a_large_jump_is_found_again() -> None:
    rng = np.random.default_rng(4)
    large = texture(5, ROWS + 60, COLUMNS + 60)
    background = learnt(large[30:-30, 30:-30], rng)
    jumped = large[30 - 14 : -30 - 14, 30 + 19 : large.shape[1] - 30 + 19]
    found = background.update(taken(jumped, rng), STEP_S)
    assert found.state == "watching"
    total = np.array([found.registration.shift_x_px, found.registration.shift_y_px]) - found.origin
    assert total == pytest.approx([-19, 14], abs=0.15)


def test_another_scene_is_lost_and_then_learnt_anew() -> None:
    rng = np.random.default_rng(6)
    background = learnt(texture(7), rng)
    other = texture(8)
    states = [background.update(taken(other, rng), STEP_S).state for _ in range(4)]
    assert states == ["lost", "relearned", "watching", "watching"]
    assert background.relearned == 1


def test_a_slow_pan_keeps_the_lasting_place_of_what_stands_still() -> None:
    rng = np.random.default_rng(9)
    panorama = texture(10, ROWS, COLUMNS + 110)
    background = learnt(panorama[:, :COLUMNS], rng)
    planted_x, planted_y = 130.0, 60.0
    for step in range(1, 201):
        pan = step / 2
        view = ndimage.shift(panorama, (0, -pan), order=3)[:, :COLUMNS]
        found = background.update(taken(view, rng), STEP_S)
        assert found.state == "watching"
        picture_x = planted_x - pan
        shift, origin = found.registration, found.origin
        # x_picture = x_lasting - origin + shift, solved for where the planted point lies for good.
        assert picture_x + origin[0] - shift.shift_x_px == pytest.approx(planted_x, abs=1.5)
        assert planted_y + origin[1] - shift.shift_y_px == pytest.approx(planted_y, abs=1.5)
    assert background.origin[0] == pytest.approx(100, abs=2)


def test_noise_alone_makes_hardly_a_blob() -> None:
    rng = np.random.default_rng(11)
    scene, detector = texture(12), Detector()
    background = learnt(scene, rng, 30)
    found = sum(len(boxes(background.update(taken(scene, rng), STEP_S), detector)) for _ in range(300))
    assert found / 300 <= 0.05


def stays_seen(*, held: bool) -> int:
    """In how many of the last 50 of 500 pictures something that stands still is still seen."""
    rng = np.random.default_rng(13)
    scene, detector = texture(14), Detector()
    background = learnt(scene, rng)
    there = with_object(scene, 70, 50, 25)
    seen = 0
    for index in range(500):
        difference = background.update(taken(there, rng), 0.4)
        if held:
            background.hold_boxes([(66, 46, 78, 62)])
        seen += index >= 450 and len(boxes(difference, detector)) == 1
    return seen


def test_what_is_held_is_not_learnt_as_scene_and_what_is_not_held_is() -> None:
    assert stays_seen(held=True) == 50
    assert stays_seen(held=False) == 0


def test_held_boxes_move_with_the_scene_and_are_let_go_as_a_whole() -> None:
    rng = np.random.default_rng(15)
    large = texture(16, ROWS, COLUMNS + 20)
    background = learnt(large[:, :COLUMNS], rng)
    background.hold_boxes([(-5, 40, 12, 60), (100, 40, 120, 60)])
    background.update(taken(large[:, 7 : COLUMNS + 7], rng), STEP_S)
    assert background.hold[40:60, 93:113].all()
    background.hold_boxes([])
    assert not background.hold.any()


def test_boxes_may_be_held_before_the_first_picture() -> None:
    background = Background()
    background.hold_boxes([(0, 0, 5, 5)])
    assert background.update(taken(texture(1), np.random.default_rng(1)), STEP_S).state == "learning"


@pytest.mark.parametrize("before", [True, False])
def test_nothing_is_found_where_nobody_may_look(*, before: bool) -> None:
    rng = np.random.default_rng(17)
    scene, detector = texture(18), Detector()
    use = np.ones((ROWS, COLUMNS), np.uint8)
    use[40:80, 40:100] = 0
    background = Background()
    if before:
        background.exclude(use)
    for _ in range(20):
        background.update(taken(scene, rng), STEP_S)
    if not before:
        background.exclude(use)
    both = with_object(with_object(scene, 60, 50, 40), 120, 90, 40)
    found = boxes(background.update(taken(both, rng), STEP_S), detector)
    assert len(found) == 1
    assert found[0, 0] == pytest.approx(120, abs=1.5)


def test_a_mask_is_stretched_to_pictures_of_another_size() -> None:
    rng = np.random.default_rng(19)
    scene, detector = texture(20), Detector()
    use = np.ones((ROWS // 2, COLUMNS // 2), np.uint8)
    use[20:40, 20:50] = 0
    background = Background()
    background.exclude(use)
    for _ in range(20):
        background.update(taken(scene, rng), STEP_S)
    both = with_object(with_object(scene, 60, 50, 40), 120, 90, 40)
    found = boxes(background.update(taken(both, rng), STEP_S), detector)
    assert len(found) == 1
    assert found[0, 0] == pytest.approx(120, abs=1.5)


def clip(seed: int, contrast: float, pictures: int = 40) -> list[F64]:
    """A scene, and a warm or cold walker in the last ten pictures, in counts before rounding."""
    rng = np.random.default_rng(seed)
    scene = texture(seed)
    out = []
    for index in range(pictures):
        with_walker = with_object(scene, 40 + index, 60, contrast) if index >= pictures - 10 else scene
        out.append(with_walker + rng.normal(0, 10, scene.shape))
    return out


def watch(pictures: list[Counts]) -> list[NDArray[np.float64]]:
    background, detector = Background(), Detector()
    return [detector.detect(background.update(picture, STEP_S)).rows.copy() for picture in pictures]


def test_eight_and_sixteen_bits_show_the_same() -> None:
    eight = [np.clip(np.rint(picture), 0, 255).astype(np.uint8) for picture in clip(21, 90)]
    same = [picture.astype(np.uint16) for picture in eight]
    scaled = [picture.astype(np.uint16) * 64 for picture in eight]
    for one, other, third in zip(watch(eight), watch(same), watch(scaled), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-3)
        np.testing.assert_array_equal(one[:, :4], third[:, :4])
    assert sum(len(rows) for rows in watch(eight)) >= 10


def test_warm_and_cold_are_mirror_images() -> None:
    warm = [np.clip(np.rint(picture), 0, 255).astype(np.uint8) for picture in clip(22, 90)]
    cold = [(255 - picture).astype(np.uint8) for picture in warm]
    seen = 0
    for one, other in zip(watch(warm), watch(cold), strict=True):
        np.testing.assert_array_equal(one[:, :4], other[:, :4])
        np.testing.assert_allclose(one[:, 5], -other[:, 5], rtol=0.02)
        seen += len(one)
    assert seen >= 10


def test_a_step_of_gain_and_offset_raises_nothing() -> None:
    rng = np.random.default_rng(23)
    scene, detector = texture(24), Detector()
    background = Background()
    for _ in range(30):
        background.update(deep(scene, rng), STEP_S)
    for step in [1.3 * scene] * 10 + [1.3 * scene + 20] * 10:
        assert len(boxes(background.update(deep(step, rng), STEP_S), detector)) == 0


def test_noise_is_measured_beside_texture() -> None:
    rng = np.random.default_rng(25)
    scene = ndimage.gaussian_filter(texture(26), 3) + rng.normal(0, 4, (ROWS, COLUMNS))
    assert picture_noise(np.rint(scene).astype(np.uint16)) == pytest.approx(4, rel=0.08)


def test_someone_who_stands_there_from_the_first_picture_is_seen_at_once_and_leaves_no_ghost() -> None:
    rng = np.random.default_rng(27)
    plain, detector = np.full((ROWS, COLUMNS), 100.0), Detector()
    there = with_object(plain, 70, 50, 50, 4, 7)
    background = learnt(there, rng, 5)
    found = boxes(background.update(taken(there, rng), STEP_S), detector)
    assert len(found) == 1
    assert found[0, :2] == pytest.approx([70, 50], abs=2)
    assert len(boxes(background.update(taken(plain, rng), STEP_S), detector)) == 0


def test_a_new_size_of_picture_starts_again() -> None:
    rng = np.random.default_rng(28)
    background = learnt(texture(29), rng)
    again = background.update(taken(texture(29, 96, 200), rng), STEP_S)
    assert again.state == "learning"
    assert again.counts.shape == (96, 200)
    assert again.registration == Registration()


def test_the_same_pictures_give_the_same_to_the_last_bit() -> None:
    pictures = [np.clip(np.rint(picture), 0, 255).astype(np.uint8) for picture in clip(30, 60)]
    for one, other in zip(watch(pictures), watch(pictures), strict=True):
        np.testing.assert_array_equal(one, other)


def under_veils(seconds: int, depth: float, cells: tuple[float, float]) -> Iterator[tuple[Counts, float, float]]:
    """Pictures, five a second, of a swaying camera under soft shadows that drift one way; the true shift of each."""
    rng = np.random.default_rng(7)
    clouds = ndimage.gaussian_filter(rng.normal(size=(ROWS, 8 * COLUMNS)), cells, mode="wrap")
    clouds = depth / (1 + np.exp(-3 * clouds / clouds.std()))
    wide = ndimage.gaussian_filter(rng.normal(size=(ROWS, COLUMNS)), 12.0)
    scene = texture(3) / 2 + 8 * wide / wide.std()
    for k in range(5 * seconds):
        x, y = 0.6 * np.sin(0.9 * k), 0.4 * np.sin(0.7 * k + 1)
        veil = np.roll(clouds, 2 * k, axis=1)[:, :COLUMNS]
        shown = ndimage.shift(scene - veil, (y, x), order=3, mode="nearest")
        yield taken(shown, rng), x, y


@pytest.mark.parametrize("cells", [(14.0, 14.0), (3.0, 20.0)], ids=["soft", "narrow"])
def test_shadows_that_drift_over_the_ground_do_not_take_the_scene_along(cells: tuple[float, float]) -> None:
    background = Background()
    errors = []
    for counts, x, y in under_veils(60, 20.0, cells):
        difference = background.update(counts, 0.2)
        place = difference.registration
        errors.append((place.shift_x_px - difference.origin[0] - x, place.shift_y_px - difference.origin[1] - y))
    # The camera sways to and fro within five seconds; what is left over those is drift.
    drift = np.array(errors).reshape(-1, 25, 2).mean(axis=1) - errors[0]
    assert np.abs(drift).max() < 0.2
    assert background.relearned == 0
