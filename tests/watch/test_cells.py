"""Means over cells against means worked out plainly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from marsad.watch.cells import AROUND, CELLS, sharpen, shrink

SIDE = 2 * AROUND + 1


def around(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The sum of the square of cells about each, the picture reflected at its edges."""
    padded = np.pad(values.astype(np.float64), AROUND, mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (SIDE, SIDE))
    return np.asarray(windows.sum(axis=(2, 3)))


@given(st.integers(1, 30), st.integers(1, 40), st.integers(0, 2**31))
def test_what_is_sharp_is_what_differs_from_the_mean_around_it(rows: int, columns: int, seed: int) -> None:
    small = np.random.default_rng(seed).uniform(0, 255, (rows, columns)).astype(np.float32)
    out = np.zeros_like(small)

    sharpen(small, np.ones_like(small), np.full_like(small, 1 / CELLS), out)

    np.testing.assert_allclose(out, small - around(small) / CELLS, atol=1e-3)


def test_cells_without_weight_are_in_no_mean() -> None:
    rng = np.random.default_rng(3)
    small = rng.uniform(0, 255, (20, 30)).astype(np.float32)
    weight = (rng.uniform(size=small.shape) > 0.3).astype(np.float32)
    scale = (1 / around(weight)).astype(np.float32)
    out, other = np.zeros_like(small), np.zeros_like(small)

    sharpen(small, weight, scale, out)
    changed = np.where(weight > 0, small, np.float32(1e4))
    sharpen(changed, weight, scale, other)

    np.testing.assert_allclose(out, small - around(small * weight) * scale, atol=1e-3)
    np.testing.assert_array_equal(out[weight > 0], other[weight > 0])


def test_a_soft_veil_leaves_what_is_sharp_as_it_was() -> None:
    rng = np.random.default_rng(4)
    small = rng.uniform(0, 255, (40, 50)).astype(np.float32)
    veil = np.linspace(0, 30, 50, dtype=np.float32)[None, :] * np.ones((40, 1), np.float32)
    weight, scale = np.ones_like(small), np.full_like(small, 1 / CELLS)
    clear, veiled = np.zeros_like(small), np.zeros_like(small)

    sharpen(small, weight, scale, clear)
    sharpen(small + veil, weight, scale, veiled)

    inner = slice(AROUND, -AROUND)
    np.testing.assert_allclose(veiled[:, inner], clear[:, inner], atol=1e-3)


def test_a_picture_of_no_cells_has_nothing_sharp() -> None:
    nothing = np.zeros((0, 7), np.float32)
    sharpen(nothing, nothing, nothing, nothing)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_a_small_picture_is_of_the_means_of_squares(dtype: type[np.generic], factor: int) -> None:
    picture = np.random.default_rng(factor).uniform(0, 255, (26, 31)).astype(dtype)
    out = np.zeros((26 // factor, 31 // factor), np.float32)

    shrink(picture, factor, out, np.zeros(36, np.uint16) if dtype is np.uint8 else np.zeros(36, np.float32))

    rows, columns = out.shape
    squares = picture[: rows * factor, : columns * factor].reshape(rows, factor, columns, factor)
    np.testing.assert_allclose(out, squares.mean(axis=(1, 3)), rtol=1e-5)
