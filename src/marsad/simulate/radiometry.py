"""How warm things look by night: the ground by its slope, height and material, the sky, and the air between.

Temperatures are apparent ones in kelvin, of grey bodies seen in the long-wave band, and mix linearly: over the twenty
kelvin of a night scene that is right to a few per cent. Not modelled yet: the hour, the weather's past, reflections.

Source: the cooling of slopes after sunset and the pooling of cold air follow Oke, Boundary Layer Climates (1987),
chapters 2 and 5, in direction and size; the coefficients are of our choosing.
"""

import math
from datetime import datetime
from statistics import NormalDist
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from marsad.geo.elevation import Surface
from marsad.geo.ground import CameraView, GroundLookup
from marsad.kernel.record import Record
from marsad.simulate.actor import Ambient
from marsad.simulate.pattern import Pattern, footprint
from marsad.simulate.sun import STEFAN_BOLTZMANN, sky_over
from marsad.simulate.surface import MATERIALS, skins
from marsad.simulate.weather import ZERO_C_K, Weather, vapour_hpa

Kelvin = NDArray[np.float32]

CLOUD_BASE_M = 1800.0
_LOWEST_CLOUD_RAD = 0.006
_CLOUD_EDGE = 5.0
_LAYER_KM = 2.0
"""The height in which most of the vapour lies. Source: the scale height in Oke (1987), chapter 2, rounded."""
_LAYER_OF_RADIUS = _LAYER_KM / 6371.0
_LAPSE_K_KM = 6.5
_OPAQUE = 0.16
"""The share of the band that carbon dioxide, ozone and strong lines of vapour close: of our choosing."""
_ADDED_DEPTH = {"clear": 0.0, "haze": 0.08, "dust": 0.8, "rain": 1.5}
"""What each kind of air adds to the zenith's optical depth: of our choosing."""

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


def ambient(weather: Weather, start: datetime, latitude_deg: float, longitude_deg: float) -> Ambient:
    """What heats and cools a body out there at the start of a scene."""
    start_s = start.timestamp()
    sky = sky_over(weather, start_s, np.array([start_s]), latitude_deg, longitude_deg)
    level = float(sky.beam_w_m2[0] * max(math.sin(sky.elevation_rad[0]), 0) + sky.diffuse_w_m2[0])
    soil_k = skins(weather, start, latitude_deg, longitude_deg).level_k("soil")
    cold_k = float((sky.longwave_w_m2[0] / STEFAN_BOLTZMANN) ** 0.25)
    return Ambient(
        air_k=weather.air_c + ZERO_C_K,
        ground_k=float(grey_k(soil_k, MATERIALS["soil"].emissivity, cold_k)),
        sky_k=cold_k,
        sun_w_m2=level,
        wind_m_s=weather.wind_m_s,
    )


def grey_k(kelvin: Kelvin | float, emissivity: Kelvin | float, around_k: Kelvin | float) -> Kelvin:
    """The apparent temperature of a grey surface that mirrors what it does not emit."""
    emitted = emissivity * np.asarray(kelvin, float) ** 4
    return np.asarray((emitted + (1 - emissivity) * np.asarray(around_k, float) ** 4) ** 0.25, np.float32)


def clear_sky_k(weather: Weather, elevation_rad: NDArray[np.float64]) -> Kelvin:
    """The cloudless sky's apparent temperature between 8 and 14 micrometres.

    A share of the band is opaque; in the rest a layer of vapour is as thick as it must be for Idso's emissivity of the
    zenith, and is seen the more obliquely the lower: at the horizon the sky is nearly as warm as the air, higher up it
    is seen through to cold space. What is seen through more comes from higher up, where the air is colder.
    Source: Idso, Water Resources Research 17 (1981): 0.24 + 2.98e-8 e^2 exp(3000 / T) in hPa and kelvin.
    """
    air_k = weather.air_c + ZERO_C_K
    zenith = 0.24 + 2.98e-8 * vapour_hpa(weather) ** 2 * math.exp(3000 / air_k)
    depth = -math.log((1 - min(zenith, 0.97)) / (1 - _OPAQUE)) + _ADDED_DEPTH[weather.air]
    high = np.maximum(np.sin(elevation_rad), 0)
    # The path through a curved layer stays finite at the horizon.
    path = 2.0 / (high + np.sqrt(high**2 + 4 * _LAYER_OF_RADIUS))
    emitted = 1 - (1 - _OPAQUE) * np.exp(-depth * path)
    from_km: NDArray[np.float64] = _LAYER_KM * np.minimum(1 / (depth * path), 0.35)
    return np.asarray((air_k - _LAPSE_K_KM * from_km) * emitted**0.25, np.float32)


def sky_k_over(
    weather: Weather, azimuth_rad: NDArray[np.float64], elevation_rad: NDArray[np.float64], pattern: Pattern
) -> Kelvin:
    """The sky with its clouds: a layer of them at `CLOUD_BASE_M`, as warm as the air there, thin at their edges."""
    clear = clear_sky_k(weather, elevation_rad)
    if weather.cloud == 0:
        return clear
    flat = CLOUD_BASE_M / np.tan(np.maximum(elevation_rad, _LOWEST_CLOUD_RAD))
    east, north = (np.asarray(flat * turned, np.float32) for turned in (np.sin(azimuth_rad), np.cos(azimuth_rad)))
    seen = footprint(east, north, np.abs(np.gradient(east, axis=1)) + np.abs(np.gradient(north, axis=1)), 5e4)
    limit = NormalDist().inv_cdf(1 - min(max(weather.cloud, 0.001), 0.999))
    thick = 1 / (1 + np.exp(-_CLOUD_EDGE * (pattern.over(seen) - limit)))
    base = np.float32(weather.air_c + ZERO_C_K - _LAPSE_K_KM * CLOUD_BASE_M / 1000)
    through = np.asarray(1 - (clear / (weather.air_c + ZERO_C_K)) ** 4, np.float32)
    # The air below the cloud hides it near the horizon as it hides space.
    behind = np.asarray((clear**4 + through * base**4) ** 0.25, np.float32)
    return np.asarray(clear + thick * (behind - clear), np.float32)


def wave_slope(wind_m_s: float) -> float:
    """The root mean square slope of waves. Source: Cox and Munk, J. Opt. Soc. Am. 44 (1954)."""
    return math.sqrt(0.003 + 0.00512 * wind_m_s)


def water_emissivity(grazing_rad: Kelvin, wind_m_s: float) -> Kelvin:
    """What water emits towards an eye that sees it so flat, at 10 micrometres, waves as steep as the wind makes them.

    Fresnel's equations for an index of refraction of 1.218 + 0.051i; the facets that are seen are tilted towards the
    eye by about the waves' slope.
    Source: Hale and Querry, Applied Optics 12 (1973).
    """
    angle = np.clip(np.hypot(grazing_rad, 0.7 * wave_slope(wind_m_s)), 0.0, np.pi / 2).astype(np.complex128)
    index = 1.218 + 0.051j
    cosine = np.sin(angle)
    inner = np.sqrt(1 - (np.cos(angle) / index) ** 2)
    across = (cosine - index * inner) / (cosine + index * inner)
    along = (index * cosine - inner) / (index * cosine + inner)
    mirrored = (np.abs(across) ** 2 + np.abs(along) ** 2) / 2
    return np.asarray(1 - mirrored, np.float32)
