"""How warm things look: the sky and its clouds, water, grey surfaces that mirror the sky, and what is about a body.

Temperatures are apparent ones in kelvin between 8 and 14 micrometres. What a surface emits and mirrors mixes as the
fourth power of temperature; what air and veils let through mixes linearly, which over the twenty kelvin of most scenes
is right to a few per cent.
"""

import math
from datetime import datetime
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from marsad.simulate.actor import Ambient
from marsad.simulate.pattern import Pattern, footprint
from marsad.simulate.sun import STEFAN_BOLTZMANN, sky_over
from marsad.simulate.surface import MATERIALS, skins
from marsad.simulate.weather import ZERO_C_K, Weather, vapour_hpa

Kelvin = NDArray[np.float32]

CLOUD_BASE_M = 1800.0
_LOWEST_CLOUD_RAD = 0.006
_CLOUD_EDGE = 2.2
_LAYER_KM = 2.0
"""The height in which most of the vapour lies. Source: the scale height in Oke (1987), chapter 2, rounded."""
_LAYER_OF_RADIUS = _LAYER_KM / 6371.0
_LAPSE_K_KM = 6.5
_OPAQUE = 0.16
"""The share of the band that carbon dioxide, ozone and strong lines of vapour close: of our choosing."""
_ADDED_DEPTH = {"clear": 0.0, "haze": 0.08, "dust": 0.8, "rain": 1.5}
"""What each kind of air adds to the zenith's optical depth: of our choosing."""


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
