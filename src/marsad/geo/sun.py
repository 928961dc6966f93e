"""Where the sun stands.

Source: Michalsky, The Astronomical Almanac's algorithm for approximate solar position, Solar Energy 40 (1988), good to
0.01 degree.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_J2000_S = 946_728_000


def sun_position(time_s: ArrayLike, latitude_deg: float, longitude_deg: float) -> tuple[Array, Array]:
    """The sun's azimuth and elevation (radians, no refraction) at UTC seconds since 1970."""
    days = (np.asarray(time_s, float) - _J2000_S) / 86_400
    mean_longitude = np.radians(280.460 + 0.9856474 * days)
    anomaly = np.radians(357.528 + 0.9856003 * days)
    ecliptic = mean_longitude + np.radians(1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    tilt = np.radians(23.439 - 4e-7 * days)
    ascension = np.arctan2(np.cos(tilt) * np.sin(ecliptic), np.cos(ecliptic))
    declination = np.arcsin(np.sin(tilt) * np.sin(ecliptic))
    sidereal = np.radians(280.46061837 + 360.98564736629 * days + longitude_deg)
    hour = sidereal - ascension
    latitude = np.radians(latitude_deg)
    up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour)
    east = -np.cos(declination) * np.sin(hour)
    north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(declination) * np.cos(hour)
    return np.arctan2(east, north) % (2 * np.pi), np.arcsin(np.clip(up, -1, 1))
