"""How much of the sun's radiation and of the sky's comes down.

Sources: air mass by Kasten and Young, Applied Optics 28 (1989); the direct beam by Meinel and Meinel, Applied Solar
Energy (1976); clouds by Kasten and Czeplak, Solar Energy 24 (1980); the sky's long-wave radiation by Brutsaert, Water
Resources Research 11 (1975), with its cloud term 0.22 N^2.75.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marsad.geo.sun import sun_position
from marsad.simulate.weather import ZERO_C_K, Weather, vapour_hpa

Array = NDArray[np.float64]

STEFAN_BOLTZMANN = 5.670e-8
COLDEST_HOUR, WARMEST_HOUR = 5.5, 15.0
"""Solar hours between which the air warms. Source: the shape of the day in Oke (1987), figure 2.6, rounded."""

_SOLAR_CONSTANT_W_M2 = 1353.0
_AIR_DIMS = {"clear": 1.0, "haze": 0.85, "dust": 0.3, "rain": 0.05}
"""The share of the direct beam of a clear day that each kind of air lets through: of our choosing."""
_DIFFUSE_OF_BEAM = 0.12


class Sky(NamedTuple):
    """What comes down at moments (N,): the sun's direction, radiation in W/m2, and the air's temperature in kelvin.

    `beam_w_m2` is on a surface that faces the sun, `diffuse_w_m2` and `longwave_w_m2` on level ground.
    """

    azimuth_rad: Array
    elevation_rad: Array
    beam_w_m2: Array
    diffuse_w_m2: Array
    longwave_w_m2: Array
    air_k: Array


def sky_over(weather: Weather, start_s: float, time_s: Array, latitude_deg: float, longitude_deg: float) -> Sky:
    """What comes down at UTC seconds, in days of the same weather as at `start_s`."""
    azimuth, elevation = sun_position(time_s, latitude_deg, longitude_deg)
    air = air_k(weather, start_s, time_s, longitude_deg)
    beam = clear_beam_w_m2(elevation) * _AIR_DIMS[weather.air]
    high = np.maximum(np.sin(elevation), 0.0)
    clear = clear_beam_w_m2(elevation) * (high + _DIFFUSE_OF_BEAM)
    total = (beam * high + 0.5 * (clear - beam * high)) * (1 - 0.75 * weather.cloud**3.4)
    direct = beam * high * (1 - weather.cloud)
    return Sky(
        azimuth_rad=azimuth,
        elevation_rad=elevation,
        beam_w_m2=beam * (1 - weather.cloud),
        diffuse_w_m2=np.maximum(total - direct, 0.0),
        longwave_w_m2=_sky_emissivity(weather) * STEFAN_BOLTZMANN * air**4,
        air_k=air,
    )


def clear_beam_w_m2(elevation_rad: Array) -> Array:
    """The direct beam of a clear day on a surface that faces the sun."""
    degrees = np.degrees(np.maximum(elevation_rad, 0.0))
    mass = 1 / (np.sin(np.radians(degrees)) + 0.50572 * (degrees + 6.07995) ** -1.6364)
    return np.where(elevation_rad > 0, _SOLAR_CONSTANT_W_M2 * 0.7 ** (mass**0.678), 0.0)


def air_k(weather: Weather, start_s: float, time_s: Array, longitude_deg: float) -> Array:
    """The air's temperature over the day: it warms and cools as half cosines, and meets `air_c` at the start."""

    def wave(when_s: Array) -> Array:
        since = (when_s / 3600 + longitude_deg / 15 - COLDEST_HOUR) % 24
        warming = WARMEST_HOUR - COLDEST_HOUR
        share = np.where(since < warming, since / warming, 1 + (since - warming) / (24 - warming))
        return np.asarray(-0.5 * weather.swing_k * np.cos(np.pi * share))

    there = wave(np.asarray(time_s, float)) - wave(np.asarray(start_s, float))
    return np.asarray(weather.air_c + ZERO_C_K + there)


def _sky_emissivity(weather: Weather) -> float:
    clear = 1.24 * (vapour_hpa(weather) / (weather.air_c + ZERO_C_K)) ** (1 / 7)
    thick = {"clear": 0.0, "haze": 0.1, "dust": 0.5, "rain": 0.8}[weather.air]
    covered = clear * (1 + 0.22 * weather.cloud**2.75)
    return float(min(covered + thick * (1 - covered), 1.0))
