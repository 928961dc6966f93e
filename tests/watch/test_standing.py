"""What stood there already when the watch began."""

import numpy as np
import pytest
from numpy.typing import NDArray

from marsad.watch.background import Background
from marsad.watch.detect import Detector
from marsad.watch.standing import LIFTED_S, Standing, Stood, standing_out

STEP_S = 0.04
F64 = NDArray[np.float64]


def ground(rng: np.random.Generator) -> F64:
    slope = np.linspace(80, 120, 160)[None, :] + np.linspace(0, 20, 128)[:, None]
    return slope + rng.normal(0, 0.3, (128, 160))


def picture(
    scene: F64, rng: np.random.Generator, places: list[tuple[int, int]], contrast: float = 40
) -> NDArray[np.uint8]:
    seen = scene.copy()
    for x, y in places:
        seen[y : y + 9, x : x + 4] += contrast
    return np.clip(np.rint(seen + rng.normal(0, 1.5, seen.shape)), 0, 255).astype(np.uint8)


def test_compact_things_of_both_signs_are_found_and_edges_are_not() -> None:
    scene = ground(np.random.default_rng(1)).astype(np.float32)
    scene[40:49, 30:34] += 40
    scene[70:79, 90:94] -= 40
    scene[:, 120:] += 60
    found = {(each.box[0], each.box[1]): each.contrast for each in standing_out(scene, 1.5)}
    assert set(found) == {(30, 40), (90, 70)}
    assert found[30, 40] > 20
    assert found[90, 70] < -20


def test_who_stands_on_becomes_scene_and_is_remembered_and_leaves_no_ghost() -> None:
    rng = np.random.default_rng(2)
    scene, background, detector = ground(rng), Background(), Detector()
    for _ in range(int(LIFTED_S / STEP_S) + 10):
        found = detector.detect(background.update(picture(scene, rng, [(70, 50)]), STEP_S))
    assert len(found.rows) == 0
    assert len(background.standing.there) == 1
    assert background.standing.there[0].box[0] in range(68, 73)
    for _ in range(25):
        found = detector.detect(background.update(picture(scene, rng, []), STEP_S))
    assert background.standing.there == []
    assert len(found.rows) == 0


def test_who_walks_off_at_once_is_never_taken_for_standing() -> None:
    rng = np.random.default_rng(3)
    scene, background, detector = ground(rng), Background(), Detector()
    seen = 0
    for k in range(60):
        found = detector.detect(background.update(picture(scene, rng, [(40 + k, 50)]), STEP_S))
        seen += len(found.rows) == 1
    assert seen >= 57
    assert background.standing.there == []


def test_a_swing_of_light_is_not_a_departure() -> None:
    rng = np.random.default_rng(4)
    scene, background, detector = ground(rng), Background(), Detector()
    for k in range(150):
        level = 1.0 if k < 75 else 1.2
        detector.detect(background.update(picture(scene * level, rng, [(70, 50)], 40 * level), STEP_S))
    assert len(background.standing.there) == 1


def test_where_two_that_stand_close_together_overlap_the_scene_learns_once() -> None:
    standing = Standing()
    standing.lifted = [Stood(1, (10, 10, 14, 18), 100.0, 20.0), Stood(2, (17, 10, 21, 18), 100.0, 20.0)]
    mean, picture = np.full((40, 40), 100, np.float32), np.full((40, 40), 120, np.float32)
    while standing.lifted:
        standing.update(mean, picture - mean, (0, 0), STEP_S)
    assert len(standing.there) == 2
    assert mean[12, 10:21] == pytest.approx(120)
    assert mean.max() == pytest.approx(120)
