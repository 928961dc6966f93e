"""Pictures shifted by parts of a pixel."""

import cv2
import numpy as np
import pytest
from scipy.ndimage import map_coordinates, spline_filter

from marsad.simulate.paint import Shift
from marsad.simulate.sway import Swayer

MARGIN = 16
SHAPE = 128, 160


def texture() -> np.ndarray:
    """The hardest a lens of 0.75 px lets through: white noise behind it."""
    wide = tuple(side + 2 * MARGIN for side in SHAPE)
    white = np.random.default_rng(1).standard_normal(wide).astype(np.float32)
    return cv2.GaussianBlur(white, (0, 0), 0.75)


def coefficients(picture: np.ndarray) -> np.ndarray:
    return spline_filter(picture, order=3, mode="mirror", output=np.float32)


def test_a_shift_by_whole_pixels_changes_nothing_else() -> None:
    picture = texture()
    for right, down in ((0, 0), (3, -2), (-7, 5)):
        seen = Swayer(coefficients(picture), MARGIN).view(Shift(right, down, 0.0))
        rows, columns = slice(MARGIN - down, MARGIN - down + SHAPE[0]), slice(MARGIN - right, MARGIN - right + SHAPE[1])
        np.testing.assert_allclose(seen, picture[rows, columns], atol=1e-4)


@pytest.mark.parametrize("shift", [Shift(0.4, -0.3, 0.0), Shift(-2.6, 1.1, 0.004), Shift(0.0, 0.0, -0.03)])
def test_it_is_the_spline_that_scipy_draws_rolled_by_two_shears(shift: Shift) -> None:
    known = coefficients(texture())
    down, across = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]].astype(float)
    # Rows are shifted first, so a row's own roll is that of where it came from.
    row = MARGIN + down - shift.down_px - shift.roll_rad * (across + 0.5 - SHAPE[1] / 2)
    from_rows = np.floor(row)[..., None] + np.arange(-1, 3)
    columns = (
        MARGIN
        + across[..., None]
        - shift.right_px
        + shift.roll_rad * (from_rows - MARGIN + shift.down_px + 0.5 - SHAPE[0] / 2)
    )
    t = (row - np.floor(row))[..., None]
    weights = np.concatenate(
        [(1 - t) ** 3 / 6, 2 / 3 - t**2 + t**3 / 2, 2 / 3 - (1 - t) ** 2 + (1 - t) ** 3 / 2, t**3 / 6], axis=-1
    )
    single = np.stack([_along_row(known, from_rows[..., k], columns[..., k]) for k in range(4)], axis=-1)
    seen = Swayer(known, MARGIN).view(shift)
    np.testing.assert_allclose(seen, (weights * single).sum(axis=-1), atol=1e-4)
    if shift.roll_rad == 0:
        scipys = map_coordinates(known, [row, columns[..., 0]], order=3, prefilter=False)
        np.testing.assert_allclose(seen, scipys, atol=1e-4)


def _along_row(known: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    whole = np.floor(column).astype(int)
    t = column - whole
    weights = (1 - t) ** 3 / 6, 2 / 3 - t**2 + t**3 / 2, 2 / 3 - (1 - t) ** 2 + (1 - t) ** 3 / 2, t**3 / 6
    return sum(w * known[row.astype(int), whole + k - 1] for k, w in enumerate(weights))


def test_a_texture_does_not_pulse_with_the_shift_as_a_straight_line_between_pixels_makes_it() -> None:
    picture = texture()
    swayer = Swayer(coefficients(picture), MARGIN)
    parts = np.linspace(0, 0.5, 6).tolist()
    ours = [float(swayer.view(Shift(part, part, 0.0)).std()) for part in parts]
    straight = []
    for part in parts:
        moved = np.array([[1, 0, part], [0, 1, part]], float)
        lines = cv2.warpAffine(picture, moved, picture.shape[::-1], flags=cv2.INTER_LINEAR)
        straight.append(float(lines[MARGIN:-MARGIN, MARGIN:-MARGIN].std()))
    assert np.ptp(ours) < 0.04 * ours[0]
    assert np.ptp(straight) > 4 * np.ptp(ours)


def test_a_shift_beyond_the_margin_is_cut_there() -> None:
    seen = Swayer(coefficients(texture()), MARGIN).view(Shift(400.0, -300.0, 0.5))
    assert np.isfinite(seen).all()
