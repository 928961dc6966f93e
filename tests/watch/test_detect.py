from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from marsad.watch import detect
from marsad.watch.background import Difference, Registration
from marsad.watch.detect import AREA, EDGE, LOCAL, PEAK, RING, SUM, X0, X1, Y0, Y1, Detector, DetectSettings

ROWS, COLUMNS = 40, 60
NO_MERGE = DetectSettings(smallest_px=1, merge_x_px=-99, merge_y_px=-99, least_peak=0.0, most_ring=1e9)


def difference(counts: NDArray[np.float32], level: NDArray[np.uint8]) -> Difference:
    """A difference as the background would hand it on, with unit noise, over an even picture."""
    out = Difference(*counts.shape)
    out.counts[:] = counts
    out.level[:, : counts.shape[1]] = level
    out.spread = np.ones(counts.shape, np.float32)
    out.picture = (1000 + counts).astype(np.uint16)
    out.trusted = True
    out.state = "watching"
    return out


def patch(*objects: tuple[int, int, int, int, float]) -> Difference:
    """Even ground with rectangles (x, y, w, h, contrast)."""
    counts = np.zeros((ROWS, COLUMNS), np.float32)
    for x, y, w, h, contrast in objects:
        counts[y : y + h, x : x + w] = contrast
    return difference(counts, np.where(counts != 0, 2, 0).astype(np.uint8))


def oracle(counts: NDArray[np.float32], level: NDArray[np.uint8]) -> list[tuple[float, ...]]:
    """Boxes, areas and sums by scipy's labels: 8-connected pixels of one sign, after each one-pixel gap in a row whose
    two neighbours have the same sign is bridged. The bridge itself is no part of the area."""
    found = []
    for sign in (1, -1):
        mask = (level > 0) & ((counts > 0) == (sign > 0))
        bridge = np.zeros_like(mask)
        bridge[:, 1:-1] = mask[:, :-2] & mask[:, 2:] & (level[:, 1:-1] == 0)
        # A bridge joins its two ends and nothing else: join labels, do not paint pixels.
        labels, count = ndimage.label(mask, np.ones((3, 3)))
        name = np.arange(count + 1)
        for y, x in zip(*np.nonzero(bridge), strict=True):
            one, other = name[labels[y, x - 1]], name[labels[y, x + 1]]
            name[name == max(one, other)] = min(one, other)
        merged = name[labels]
        for label in np.unique(merged[merged > 0]):
            here = merged == label
            if not (level[here] == 2).any():
                continue
            y, x = np.nonzero(here)
            box = (x.min(), y.min(), x.max() + 1, y.max() + 1)
            found.append((*map(float, box), float(here.sum()), round(float(counts[here].sum()), 2)))
    return sorted(found)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), fill=st.floats(0.02, 0.45), columns=st.sampled_from([16, 24, 29, 37]))
def test_components_are_those_of_a_brute_force(seed: int, fill: float, columns: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.choice([-8.0, -5.0, 5.0, 9.0], size=(22, columns)).astype(np.float32)
    level = (rng.random((22, columns)) < fill).astype(np.uint8) * rng.integers(1, 3, (22, columns)).astype(np.uint8)
    rows = Detector(NO_MERGE).detect(difference(counts, level)).rows
    found = sorted((*map(float, row[[X0, Y0, X1, Y1, AREA]]), round(float(row[SUM]), 2)) for row in rows)
    assert found == oracle(counts, level)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), gap_x=st.integers(0, 6), gap_y=st.integers(0, 8))
def test_merged_boxes_are_those_of_a_brute_force(seed: int, gap_x: int, gap_y: int) -> None:
    rng = np.random.default_rng(seed)
    spots = [
        (*rng.integers(0, (COLUMNS - 4, ROWS - 4)), *rng.integers(1, 4, 2), rng.choice([-9.0, 9.0])) for _ in range(9)
    ]
    scene = patch(*[(int(x), int(y), int(w), int(h), float(c)) for x, y, w, h, c in spots])
    apart = Detector(NO_MERGE).detect(scene).rows.copy()
    chosen = DetectSettings(smallest_px=1, merge_x_px=gap_x, merge_y_px=gap_y, least_peak=0.0, most_ring=1e9)
    joined = Detector(chosen).detect(scene).rows
    assert sorted(map(tuple, joined[:, [X0, Y0, X1, Y1, AREA]])) == brute_merge(apart, gap_x, gap_y)
    assert joined[:, SUM].sum() == pytest.approx(apart[:, SUM].sum())


def brute_merge(rows: NDArray[np.float64], gap_x: float, gap_y: float) -> list[tuple[float, ...]]:
    """Join any two boxes of one sign that are near enough, until there are none."""
    boxes = [(*map(float, row[[X0, Y0, X1, Y1, AREA]]), row[SUM] > 0) for row in rows]
    while True:
        pair = next(
            (
                (a, b)
                for a in boxes
                for b in boxes
                if a is not b
                and a[5] == b[5]
                and max(a[0], b[0]) - min(a[2], b[2]) <= gap_x
                and max(a[1], b[1]) - min(a[3], b[3]) <= gap_y
            ),
            None,
        )
        if pair is None:
            return sorted(box[:5] for box in boxes)
        a, b = pair
        boxes = [box for box in boxes if box is not a and box is not b]
        boxes.append((min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]), a[4] + b[4], a[5]))


def test_an_object_stands_out_of_the_picture_as_much_as_out_of_the_scene() -> None:
    row = Detector().detect(patch((20, 15, 4, 8, 30.0))).rows[0]
    assert tuple(row[[X0, Y0, X1, Y1, AREA]]) == (20, 15, 24, 23, 32)
    assert row[SUM] == 32 * 30
    assert row[PEAK] == pytest.approx(30)
    assert row[LOCAL] == pytest.approx(1)
    assert row[RING] == 0
    assert row[EDGE] == 0


def test_a_ghost_does_not_stand_out_of_the_picture() -> None:
    scene = patch((20, 15, 4, 8, -30.0))
    scene.picture = np.full((ROWS, COLUMNS), 1000, np.uint16)
    assert Detector().detect(scene).rows[0][LOCAL] == pytest.approx(0)


def test_an_edge_that_moved_stands_out_only_in_part() -> None:
    scene = patch((20, 15, 3, 12, 30.0))
    ground = np.full((ROWS, COLUMNS), 1000, np.uint16)
    ground[:, :23] = 1030
    scene.picture = ground
    assert 0.2 < Detector().detect(scene).rows[0][LOCAL] < 0.8


def test_what_is_no_stronger_than_its_surroundings_is_dropped() -> None:
    scene = patch((20, 15, 4, 8, 30.0))
    scene.counts[scene.counts == 0] = 20.0
    assert len(Detector().detect(scene).rows) == 0
    assert Detector(DetectSettings(most_ring=1.0)).detect(scene).rows[0][RING] == pytest.approx(2 / 3)


def test_the_surroundings_are_those_of_the_shifted_picture() -> None:
    scene = patch((20, 15, 4, 8, 30.0))
    scene.picture = np.roll(scene.picture, (3, -5), axis=(0, 1))
    scene.registration = Registration(shift_x_px=-5.2, shift_y_px=3.1)
    assert Detector().detect(scene).rows[0][LOCAL] == pytest.approx(1)


@pytest.mark.parametrize(("x", "y"), [(0, 10), (COLUMNS - 4, 10), (20, 0), (20, ROWS - 6)])
def test_what_touches_the_edge_is_marked(x: int, y: int) -> None:
    assert Detector().detect(patch((x, y, 4, 6, 30.0))).rows[0][EDGE] == 1


@pytest.mark.parametrize(("polarity", "signs"), [("both", [-1, 1]), ("hot", [1]), ("cold", [-1])])
def test_only_the_sign_asked_for_is_found(polarity: Literal["both", "hot", "cold"], signs: list[int]) -> None:
    rows = Detector(polarity=polarity).detect(patch((10, 15, 4, 8, 30.0), (40, 15, 4, 8, -30.0))).rows
    assert sorted(np.sign(rows[:, SUM])) == signs


def test_what_is_small_or_nowhere_strong_is_no_blob() -> None:
    scene = patch((10, 15, 2, 1, 30.0), (40, 15, 4, 8, 30.0))
    scene.level[15:23, 40:44] = 1
    assert len(Detector().detect(scene).rows) == 0
    scene.level[18, 41] = 2
    assert len(Detector().detect(scene).rows) == 1


def test_a_picture_that_differs_all_over_is_flooded() -> None:
    counts = np.full((ROWS, COLUMNS), 9, np.float32)
    level = np.zeros((ROWS, COLUMNS), np.uint8)
    level[:, ::2] = 2
    few = Detector(DetectSettings(most_runs=ROWS * COLUMNS // 4)).detect(difference(counts, level))
    assert few.flooded
    assert len(few.rows) == 0
    assert not Detector(DetectSettings(most_runs=ROWS * COLUMNS)).detect(difference(counts, level)).flooded


@pytest.mark.parametrize(("state", "flooded"), [("learning", False), ("lost", True), ("relearned", True)])
def test_nothing_is_found_in_a_picture_the_scene_does_not_explain(state: str, *, flooded: bool) -> None:
    scene = patch((20, 15, 4, 8, 30.0))
    scene.trusted, scene.state = False, state
    found = Detector().detect(scene)
    assert len(found.rows) == 0
    assert found.flooded == flooded


def test_no_more_blobs_than_there_are_rows_for() -> None:
    counts = np.zeros((80, 160), np.float32)
    counts[::4, ::4] = 30
    rows = Detector(NO_MERGE).detect(difference(counts, np.where(counts > 0, 2, 0).astype(np.uint8))).rows
    assert len(rows) == detect.MAX_BLOBS
