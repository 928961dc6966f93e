"""Ground made up for trials: a rugged desert with wadis, and what a survey of it would know.

The shapes are plausible, not measured: whatever shows this ground says that it was generated.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from marsad.geo.geodesy import Array, utm_from_geodetic, utm_zone
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.position import Position
from marsad.kernel.record import Record

GENERATED = "generated"
ILLUSTRATIVE = "Illustrative terrain: generated, not surveyed"

_ROUGHNESS = ((1600.0, 7.0), (620.0, 4.0))
"""Wavelength and amplitude of the rolling ground, metres."""
_GULLIES = ((340.0, 4.5), (150.0, 1.6), (70.0, 0.6))
"""Wavelength and depth of what water has cut, metres."""


class Relief(Record):
    """The large shape of the ground: a wadi runs north to south `wadi_west_m` west of the centre.

    Beyond it the ground rises westwards with `slope`, ever less over `rise_m`; the centre stands `bank_m` above the
    wadi's bed.
    """

    base_m: float = 215.0
    wadi_west_m: float = 430.0
    bank_m: float = 22.0
    slope: float = 0.14
    rise_m: float = 600.0


def rugged_desert(
    centre: Position, rng: np.random.Generator, *, radius_m: float, cell_m: float = 10.0, relief: Relief | None = None
) -> ElevationGrid:
    """Generated heights around a point, in UTM, the same for the same generator state."""
    zone = utm_zone(centre.latitude_deg, centre.longitude_deg)
    south = centre.latitude_deg < 0
    easting, northing = utm_from_geodetic(centre.latitude_deg, centre.longitude_deg, zone, south=south)
    half = int(np.ceil(radius_m / cell_m)) + 4
    offset = (np.arange(2 * half) - half + 0.5) * cell_m
    east, north = np.meshgrid(offset, -offset)
    height = _large(east, north, relief or Relief())
    for wavelength, amplitude in _ROUGHNESS:
        height += amplitude * _field(rng, height.shape, wavelength / cell_m / 5)
    # Creases where a smooth field is zero: channels with sharp beds and rounded shoulders, as water cuts them.
    for wavelength, depth in _GULLIES:
        height += depth * np.tanh(1.5 * np.abs(_field(rng, height.shape, wavelength / cell_m / 5)))
    return ElevationGrid(
        crs=f"EPSG:{(32700 if south else 32600) + zone}",
        west=float(easting) - half * cell_m,
        north=float(northing) + half * cell_m,
        step_x=cell_m,
        step_y=cell_m,
        height_m=height.astype(np.float32),
        source=GENERATED,
    )


def surveyed(grid: ElevationGrid, rng: np.random.Generator, *, sigma_m: float, correlation_m: float) -> ElevationGrid:
    """The same ground as elevation data would have it: off by `sigma_m`, errors going together over `correlation_m`."""
    error = sigma_m * _field(rng, grid.height_m.shape, correlation_m / grid.step_x / 1.5)
    return msgspec.structs.replace(grid, height_m=(grid.height_m + error).astype(np.float32))


def _large(east_m: Array, north_m: Array, relief: Relief) -> Array:
    """The banks of the wadi and the rise beyond it."""
    bend = 40 * np.sin(north_m / 260) + 25 * np.sin(north_m / 97 + 1)
    west = -east_m - relief.wadi_west_m + bend
    near = relief.bank_m * (1 - np.exp(-np.square(np.minimum(west, 0) / 300)))
    far = np.maximum(west, 0)
    rise = relief.slope * relief.rise_m * np.tanh(far / relief.rise_m) * (1 - np.exp(-far / 60))
    height: Array = relief.base_m + near + rise
    return height


def _field(rng: np.random.Generator, shape: tuple[int, ...], sigma_cells: float) -> NDArray[np.float64]:
    """A smooth Gaussian field of zero mean and unit variance whose neighbours agree over about `sigma_cells`."""
    spectrum = np.fft.rfft2(rng.standard_normal(shape))
    down = np.fft.fftfreq(shape[0])[:, None]
    across = np.fft.rfftfreq(shape[1])[None, :]
    spectrum *= np.exp(-2 * (np.pi * sigma_cells) ** 2 * (down**2 + across**2))
    field = np.fft.irfft2(spectrum, shape)
    field -= field.mean()
    unit: NDArray[np.float64] = field / field.std()
    return unit
