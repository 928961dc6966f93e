"""How warm things look by night: the ground by its slope, height and material, the sky, and the air between.

Temperatures are apparent ones in kelvin, of grey bodies seen in the long-wave band, and mix linearly: over the twenty
kelvin of a night scene that is right to a few per cent. Not modelled yet: the hour, the weather's past, reflections.

Source: the cooling of slopes after sunset and the pooling of cold air follow Oke, Boundary Layer Climates (1987),
chapters 2 and 5, in direction and size; the coefficients are of our choosing.
"""

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from marsad.geo.elevation import Surface
from marsad.geo.ground import CameraView, GroundLookup
from marsad.kernel.record import Record

Kelvin = NDArray[np.float32]

_TILE = 1024
_OCTAVES = ((90.0, 0.5), (31.0, 0.5), (11.0, 0.35), (4.1, 0.4), (1.7, 0.5), (0.7, 0.5))
"""Wavelength in metres and amplitude in kelvin of the ground's own pattern: soil, gravel, stones."""
_SUBROWS = (-0.375, -0.125, 0.125, 0.375)
_SLOPE_STEP_M = 9.0


class Night(Record):
    """The state of the air and of the ground; `extinction_per_km` is of the long-wave band (0.1 clear, 0.4 haze).

    `slope_k` is what a slope of one radian towards the afternoon sun keeps, `pool_k_m` how much colder each metre
    of depth below the surroundings is, `texture` scales the ground's own pattern.
    """

    air_k: float = 288.0
    ground_k: float = 287.0
    slope_k: float = 16.0
    sun_azimuth_rad: float = 4.5
    pool_k_m: float = 0.1
    texture: float = 1.0
    extinction_per_km: float = 0.18
    sky_drop_k: float = 42.0


class GroundPattern:
    """A pattern that lies on the ground, the same wherever it is looked at from."""

    def __init__(self, rng: np.random.Generator) -> None:
        white = rng.standard_normal((_TILE, _TILE)).astype(np.float32)
        tile = cv2.GaussianBlur(np.pad(white, 8, mode="wrap"), (0, 0), 1.1)[8:-8, 8:-8]
        self._tile = np.ascontiguousarray((tile - tile.mean()) / tile.std(), np.float32)
        self._turns = rng.uniform(0, 2 * np.pi, len(_OCTAVES))
        self._shifts = rng.uniform(0, _TILE, (len(_OCTAVES), 2))

    def sample(self, east_m: Kelvin, north_m: Kelvin, wavelength: int) -> Kelvin:
        """One octave of the pattern, zero mean and unit variance."""
        scale = 4.0 / _OCTAVES[wavelength][0]
        sine, cosine = np.sin(self._turns[wavelength]) * scale, np.cos(self._turns[wavelength]) * scale
        x = (east_m * cosine + north_m * sine + self._shifts[wavelength, 0]) % _TILE
        y = (north_m * cosine - east_m * sine + self._shifts[wavelength, 1]) % _TILE
        place = x.astype(np.float32), y.astype(np.float32)
        return cast("Kelvin", cv2.remap(self._tile, *place, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP))


def background(view: CameraView, lookup: GroundLookup, night: Night, pattern: GroundPattern) -> Kelvin:
    """The apparent temperature of every pixel of an empty scene, (H, W) float32 kelvin, before the lens."""
    ground = ground_k(view.surface, lookup, night, pattern)
    seen = through_air(ground, np.nan_to_num(lookup.range_m), night)
    ys, xs = np.mgrid[0 : lookup.status.shape[0], 0 : lookup.status.shape[1]] + 0.5
    _, elevation = view.azimuth_elevation(xs, ys)
    return np.where(lookup.status == 0, seen, sky_k(elevation, night)).astype(np.float32)


def ground_k(surface: Surface, lookup: GroundLookup, night: Night, pattern: GroundPattern) -> Kelvin:
    """The ground's own temperature at every pixel: cold pools, warm western slopes, and its pattern."""
    east, north = np.nan_to_num(lookup.east_m).astype(float), np.nan_to_num(lookup.north_m).astype(float)
    step = _SLOPE_STEP_M
    around = [surface.up_m(east + e * step, north + n * step) for e, n in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    slope_east, slope_north = (around[0] - around[1]) / (2 * step), (around[2] - around[3]) / (2 * step)
    facing = -(slope_east * np.sin(night.sun_azimuth_rad) + slope_north * np.cos(night.sun_azimuth_rad))
    far = 8 * step
    wide = [surface.up_m(east + e * far, north + n * far) for e, n in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    hollow = np.clip(np.mean(wide, axis=0) - np.mean(around, axis=0), -6, 12)
    shape = night.slope_k * np.nan_to_num(facing) - night.pool_k_m * np.nan_to_num(hollow)
    return np.asarray(night.ground_k + shape + night.texture * _texture(lookup, pattern), np.float32)


def _texture(lookup: GroundLookup, pattern: GroundPattern) -> Kelvin:
    """The ground's own pattern, averaged down the stretch of ground that each pixel covers."""
    east, north = np.nan_to_num(lookup.east_m), np.nan_to_num(lookup.north_m)
    down_e, down_n = _down(lookup.east_m), _down(lookup.north_m)
    spread = np.hypot(down_e, down_n) / len(_SUBROWS)
    across = np.nan_to_num(lookup.metres_per_pixel)
    total = np.zeros_like(east)
    for octave, (wavelength, amplitude) in enumerate(_OCTAVES):
        # What is finer than the samples are apart would only twinkle: it is left out.
        weight = amplitude * np.exp(-np.square(1.2 * np.maximum(spread, across) / wavelength))
        for part in _SUBROWS:
            here = pattern.sample(east + part * down_e, north + part * down_n, octave)
            total += weight * here / len(_SUBROWS)
    return total


def _down(place_m: Kelvin) -> Kelvin:
    """How far a place on the ground moves from one row to the next, 0 where a ridge parts them."""
    step = np.gradient(place_m, axis=0)
    return np.where(np.isfinite(step) & (np.abs(step) < 40), step, 0).astype(np.float32)


def through_air(kelvin: Kelvin, range_m: NDArray[np.float32] | float, night: Night) -> Kelvin:
    """What is left of a temperature behind so much air, the air's own radiance added (Beer-Lambert)."""
    clear = transmission(range_m, night)
    return (clear * kelvin + (1 - clear) * np.float32(night.air_k)).astype(np.float32)


def transmission(range_m: NDArray[np.float32] | float, night: Night) -> NDArray[np.float32]:
    """The share of radiance that comes through so much air."""
    return np.asarray(np.exp(-night.extinction_per_km / 1000 * np.asarray(range_m, np.float32)), np.float32)


def sky_k(elevation_rad: NDArray[np.float64], night: Night) -> Kelvin:
    """The clear sky's apparent temperature: nearly the air's at the horizon, colder upwards as there is less air."""
    high = np.maximum(np.sin(elevation_rad), 0)
    return (night.air_k - night.sky_drop_k * (1 - np.exp(-high / 0.16))).astype(np.float32)
