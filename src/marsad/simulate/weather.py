"""The state of the air over a scene, and how much of the long-wave infrared (8 to 14 micrometres) comes through it."""

import math
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from marsad.kernel.record import Record

Kelvin = NDArray[np.float32]

ZERO_C_K = 273.15

_DEFAULT_VISIBILITY_KM = {"clear": 40.0, "haze": 5.0, "dust": 1.2, "rain": 8.0}
_MEASURED_AT_UM = 0.55
_BAND_UM = 10.0
_CONTRAST_LIMIT = 3.912
"""The optical depth at which a black target just vanishes: a contrast of 2 %."""


class Weather(Record):
    """The weather at a scenario's start, which is taken to have been alike for the days before.

    `air_c` is the air's temperature at the start; over the day it swings by `swing_k` from its coldest to its warmest.
    `cloud` is the share of the sky that is covered, `humidity` the relative humidity, `visibility_km` the
    meteorological range (left out: what is usual in such air) and `rain_mm_h` counts where `air` is "rain".
    """

    air: Literal["clear", "haze", "dust", "rain"] = "clear"
    air_c: Annotated[float, Meta(ge=-40, le=60)] = 25.0
    wind_m_s: Annotated[float, Meta(ge=0, le=60)] = 3.0
    cloud: Annotated[float, Meta(ge=0, le=1)] = 0.0
    humidity: Annotated[float, Meta(ge=0.02, le=1)] = 0.3
    visibility_km: Annotated[float, Meta(gt=0)] | None = None
    swing_k: Annotated[float, Meta(ge=0, le=30)] = 13.0
    rain_mm_h: Annotated[float, Meta(ge=0, le=200)] = 4.0


class Air(Record):
    """What lies between a camera and what it sees: the air's own temperature, and what it takes away for each km."""

    kelvin: float
    extinction_per_km: float

    def transmission(self, range_m: NDArray[np.float32] | float) -> NDArray[np.float32]:
        """The share of radiance that comes through so much air (Beer-Lambert)."""
        return np.asarray(np.exp(-self.extinction_per_km / 1000 * np.asarray(range_m, np.float32)), np.float32)

    def seen(self, kelvin: Kelvin, range_m: NDArray[np.float32] | float) -> Kelvin:
        """What is left of a temperature behind so much air, the air's own radiance added."""
        clear = self.transmission(range_m)
        return np.asarray(clear * kelvin + (1 - clear) * np.float32(self.kelvin), np.float32)


def air_of(weather: Weather) -> Air:
    """The air of a weather."""
    return Air(kelvin=weather.air_c + ZERO_C_K, extinction_per_km=extinction_per_km(weather))


def vapour_hpa(weather: Weather) -> float:
    """The partial pressure of water vapour. Source: Magnus formula, coefficients of WMO-No. 8 (2018), annex 4.B."""
    return weather.humidity * 6.112 * math.exp(17.62 * weather.air_c / (243.12 + weather.air_c))


def extinction_per_km(weather: Weather) -> float:
    """What the air takes away in the long-wave band for each kilometre: vapour and gases, particles, rain."""
    return _gas_per_km(weather) + _particles_per_km(weather) + _rain_per_km(weather)


def _gas_per_km(weather: Weather) -> float:
    """What vapour and gases take: lines of vapour in proportion to it, its continuum to its square.

    The coefficients are of our choosing. Source of what they are held to: Gebbie et al., Proc. Phys. Soc. B 64 (1951).
    """
    density_g_m3 = 216.7 * vapour_hpa(weather) / (weather.air_c + ZERO_C_K)
    return 0.05 + 0.0035 * density_g_m3 + 0.00045 * density_g_m3**2


def _particles_per_km(weather: Weather) -> float:
    """What haze or dust takes, from the visibility.

    Source: for haze Kruse, McGlauchlin and McQuistan, Elements of Infrared Technology (1962). Half of the visible for
    dust is of our choosing: coarse grains are as large as the wavelength, and published shares run from a fifth to one.
    """
    visibility_km = weather.visibility_km or _DEFAULT_VISIBILITY_KM[weather.air]
    visible = _CONTRAST_LIMIT / visibility_km
    if weather.air == "dust":
        return 0.5 * visible
    if weather.air == "rain":
        return 0.0
    size = 1.3 if visibility_km > 6 else 0.585 * visibility_km ** (1 / 3)
    ratio: float = (_BAND_UM / _MEASURED_AT_UM) ** -size
    return visible * ratio


def _rain_per_km(weather: Weather) -> float:
    """What rain takes: 1.076 R^0.67 dB/km. Source: Carbonneau, in ITU-R P.1814 (2007)."""
    return 0.248 * weather.rain_mm_h**0.67 if weather.air == "rain" else 0.0
