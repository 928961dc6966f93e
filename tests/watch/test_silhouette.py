import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.kernel.detection import Box
from marsad.watch.background import Difference
from marsad.watch.silhouette import Abreast, Silhouette, abreast, silhouette

ROWS, COLUMNS = 80, 100


def shown(mask: np.ndarray, contrast: float = 30.0) -> Silhouette:
    difference = Difference(ROWS, COLUMNS)
    difference.counts[:] = contrast * mask
    rows, columns = np.nonzero(mask)
    box = Box(
        x_px=float(columns.min()),
        y_px=float(rows.min()),
        w_px=float(np.ptp(columns) + 1),
        h_px=float(np.ptp(rows) + 1),
    )
    found = silhouette(difference, box)
    assert found is not None
    return found


def rectangle(left: int, top: int, width: int, height: int) -> np.ndarray:
    mask = np.zeros((ROWS, COLUMNS))
    mask[top : top + height, left : left + width] = 1
    return mask


@given(
    width=st.integers(6, 40),
    height=st.integers(6, 40),
    left=st.integers(2, 50),
    top=st.integers(2, 30),
    contrast=st.floats(2, 90),
    sign=st.sampled_from([-1.0, 1.0]),
)
def test_a_full_box_has_the_moments_of_one(
    width: int, height: int, left: int, top: int, contrast: float, sign: float
) -> None:
    found = shown(rectangle(left, top, width, height), sign * contrast)
    # A row of n pixels has the variance (n^2 - 1) / 12; 0.6 of it is taken for blur.
    across, down = ((n * n - 1) / 12 - 0.6 for n in (width, height))
    assert found.breadth == pytest.approx(0.5 * math.log(across / down), abs=1e-4)
    assert found.middle == pytest.approx(0.5, abs=1e-4)
    assert (found.tilt, found.lean, found.sag) == pytest.approx((0, 0, 0), abs=1e-4)
    assert (found.top_width, found.bottom_width, found.fill) == pytest.approx((1, 1, 1), abs=1e-4)
    assert found.peak == pytest.approx(0, abs=1e-4)


def test_a_body_on_four_legs_is_heavy_above_and_wide_below() -> None:
    beast = rectangle(20, 20, 30, 10)
    for leg in (21, 26, 42, 47):
        beast += rectangle(leg, 30, 2, 15)
    found = shown(beast)
    assert found.breadth > 0
    assert found.top_mass > found.bottom_mass
    assert found.bottom_width > 1


def test_sides_are_told_apart() -> None:
    one = shown(rectangle(20, 20, 20, 8) + rectangle(40, 12, 6, 12))
    other = shown(np.fliplr(rectangle(20, 20, 20, 8) + rectangle(40, 12, 6, 12)))
    assert one.lean == pytest.approx(-other.lean, abs=1e-4)
    assert one.tilt == pytest.approx(-other.tilt, abs=1e-4)
    assert one.breadth == pytest.approx(other.breadth, abs=1e-4)


def test_where_nothing_differs_there_is_no_shape() -> None:
    assert silhouette(Difference(ROWS, COLUMNS), Box(x_px=10, y_px=10, w_px=5, h_px=9)) is None
    assert silhouette(Difference(ROWS, COLUMNS), Box(x_px=900, y_px=10, w_px=5, h_px=9)) is None


def seen_abreast(mask: np.ndarray, noise: float = 0.0, contrast: float = 30.0) -> Abreast:
    difference = Difference(ROWS, COLUMNS)
    rng = np.random.default_rng(9)
    difference.counts[:] = cv2.GaussianBlur(contrast * mask, (0, 0), 0.7) + rng.normal(0, noise, mask.shape)
    rows, columns = np.nonzero(mask)
    box = Box(
        x_px=float(columns.min()),
        y_px=float(rows.min()),
        w_px=float(np.ptp(columns) + 1),
        h_px=float(np.ptp(rows) + 1),
    )
    found = abreast(difference, box)
    assert found is not None
    return found


@pytest.mark.parametrize("contrast", [30.0, -30.0])
@pytest.mark.parametrize("gap_px", [2, 4, 7])
@pytest.mark.parametrize("people", [1, 2, 3, 8])
def test_people_side_by_side_are_counted_however_wide_the_gaps(people: int, gap_px: int, contrast: float) -> None:
    width = 4
    mask = sum(
        (rectangle(3 + k * (width + gap_px), 20 + k % 3, width, 16) for k in range(people)),
        start=np.zeros((ROWS, COLUMNS)),
    )
    seen = seen_abreast(mask, noise=1.5, contrast=contrast)
    assert seen.parts == people
    assert seen.covered_px == pytest.approx(width * people, abs=2 * people)


def test_one_whose_legs_are_apart_is_one() -> None:
    mask = rectangle(20, 10, 6, 14)
    for step in range(8):
        mask += rectangle(18 - step // 3, 24 + step, 3, 1) + rectangle(25 + step // 3, 24 + step, 3, 1)
    assert seen_abreast(np.minimum(mask, 1)).parts == 1


def test_where_nothing_differs_nobody_stands_side_by_side() -> None:
    assert abreast(Difference(ROWS, COLUMNS), Box(x_px=10, y_px=10, w_px=20, h_px=20)) is None
