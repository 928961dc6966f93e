import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.kernel.detection import Box
from marsad.watch.background import Difference
from marsad.watch.silhouette import Silhouette, silhouette

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
