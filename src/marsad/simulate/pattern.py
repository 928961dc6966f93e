"""Patterns that lie in the world: the same from wherever they are looked at, each octave seen as finely as can be.

Equal variance in every octave is a power spectrum that falls as the square of the frequency, as those of natural
pictures do, thermal ones too. Source: Field, J. Opt. Soc. Am. A 4 (1987); for the thermal infrared Morris, Avidan,
Matusik and Pfister, Statistics of Infrared Images, CVPR (2007).
"""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.simulate.weather import Kelvin

_TILE = 512
_CELLS_PER_WAVE = 4.0


class Footprint(NamedTuple):
    """What each pixel covers of a plane, (H, W) float32: its middle, its way to the next row, and its width."""

    east_m: Kelvin
    north_m: Kelvin
    down_east_m: Kelvin
    down_north_m: Kelvin
    across_m: Kelvin


def footprint(east_m: Kelvin, north_m: Kelvin, across_m: Kelvin, break_m: float) -> Footprint:
    """What pixels cover whose middles lie at places; two rows farther apart than `break_m` are parted by a ridge."""

    def down(place_m: Kelvin) -> Kelvin:
        step = np.gradient(place_m, axis=0)
        return np.where(np.isfinite(step) & (np.abs(step) < break_m), step, 0).astype(np.float32)

    return Footprint(
        np.nan_to_num(east_m), np.nan_to_num(north_m), down(east_m), down(north_m), np.nan_to_num(across_m)
    )


class Pattern:
    """A pattern of unit variance over a plane: octaves of one smooth tile, each turned and shifted at random.

    `longest_m` and `shortest_m` are the wavelengths of its ends; `steepness` is by how much the power spectrum falls
    with frequency (2: every octave has the same variance).
    """

    def __init__(
        self, rng: np.random.Generator, *, longest_m: float, shortest_m: float, steepness: float = 2.0
    ) -> None:
        white = rng.standard_normal((_TILE, _TILE)).astype(np.float32)
        tile = cv2.GaussianBlur(np.pad(white, 8, mode="wrap"), (0, 0), 1.1)[8:-8, 8:-8]
        self._tile = np.ascontiguousarray((tile - tile.mean()) / tile.std(), np.float32)
        count = max(1 + round(math.log2(longest_m / shortest_m)), 1)
        wave = longest_m * 2.0 ** -np.arange(count)
        amplitude = wave ** ((steepness - 2) / 2)
        amplitude /= np.linalg.norm(amplitude)
        turn = rng.uniform(0, 2 * np.pi, count)
        shift = rng.uniform(0, _TILE, (count, 2))
        self._octaves = np.column_stack([wave, amplitude, np.cos(turn), np.sin(turn), shift])

    def over(self, seen: Footprint) -> Kelvin:
        """The pattern as pixels see it: what is finer than a pixel's own stretch of ground is averaged away."""
        return _sample(self._tile, self._octaves, *(np.ascontiguousarray(each) for each in seen))

    def at(self, east_m: Kelvin, north_m: Kelvin) -> Kelvin:
        """The pattern at points, (H, W)."""
        none = np.zeros_like(east_m)
        return self.over(Footprint(east_m, north_m, none, none, none))


@njit(cache=True)
def _sample(
    tile: NDArray[np.float32],
    octaves: NDArray[np.float64],
    east: Kelvin,
    north: Kelvin,
    down_east: Kelvin,
    down_north: Kelvin,
    across: Kelvin,
) -> Kelvin:
    height, width = east.shape
    out = np.zeros((height, width), np.float32)
    # The tile is a power of two wide: these bits are the remainder, of what lies below 0 too.
    last = tile.shape[0] - 1
    for row in range(height):
        for column in range(width):
            stretch_e, stretch_n = down_east[row, column], down_north[row, column]
            stretch = math.sqrt(stretch_e * stretch_e + stretch_n * stretch_n)
            total = 0.0
            for k in range(octaves.shape[0]):
                wave = octaves[k, 0]
                # Samples a third of a wavelength apart average a long stretch; beyond eight of them little is left.
                parts = int(3.0 * stretch / wave) + 1
                wide = across[row, column] / wave
                if parts > 8 or wide > 1.5:
                    continue
                weight = octaves[k, 1] * math.exp(-1.44 * wide * wide) / parts
                scale = _CELLS_PER_WAVE / wave
                cosine, sine = octaves[k, 2] * scale, octaves[k, 3] * scale
                for part in range(parts):
                    along = (part + 0.5) / parts - 0.5
                    e, n = east[row, column] + along * stretch_e, north[row, column] + along * stretch_n
                    x = e * cosine + n * sine + octaves[k, 4]
                    y = n * cosine - e * sine + octaves[k, 5]
                    left, top = math.floor(x), math.floor(y)
                    fx, fy = x - left, y - top
                    i0, j0 = int(top) & last, int(left) & last
                    i1, j1 = (i0 + 1) & last, (j0 + 1) & last
                    upper = tile[i0, j0] * (1 - fx) + tile[i0, j1] * fx
                    lower = tile[i1, j0] * (1 - fx) + tile[i1, j1] * fx
                    total += weight * (upper * (1 - fy) + lower * fy)
            out[row, column] = total
    return out
