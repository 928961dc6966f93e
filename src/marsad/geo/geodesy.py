"""Positions on the earth: WGS84, earth-centred (ECEF), a site's own tangent frame (ENU) and UTM.

All functions take floats or arrays of any one shape and work in float64.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from marsad.kernel.error import InputError
from marsad.kernel.position import EnuPoint, Position

Array = NDArray[np.float64]

SEMI_MAJOR_M = 6_378_137.0
FLATTENING = 1 / 298.257_223_563
ECCENTRICITY2 = FLATTENING * (2 - FLATTENING)
SEMI_MINOR_M = SEMI_MAJOR_M * (1 - FLATTENING)
MEAN_RADIUS_M = 6_371_008.8

UTM_SCALE = 0.9996
UTM_FALSE_EASTING_M = 500_000.0
UTM_FALSE_NORTHING_M = 10_000_000.0

_N = FLATTENING / (2 - FLATTENING)
_RECTIFYING_M = SEMI_MAJOR_M / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_ALPHA = (
    _N / 2 - 2 / 3 * _N**2 + 5 / 16 * _N**3 + 41 / 180 * _N**4,
    13 / 48 * _N**2 - 3 / 5 * _N**3 + 557 / 1440 * _N**4,
    61 / 240 * _N**3 - 103 / 140 * _N**4,
    49_561 / 161_280 * _N**4,
)
_BETA = (
    _N / 2 - 2 / 3 * _N**2 + 37 / 96 * _N**3 - 1 / 360 * _N**4,
    1 / 48 * _N**2 + 1 / 15 * _N**3 - 437 / 1440 * _N**4,
    17 / 480 * _N**3 - 37 / 840 * _N**4,
    4397 / 161_280 * _N**4,
)


def ecef_from_geodetic(latitude_deg: ArrayLike, longitude_deg: ArrayLike, height_m: ArrayLike) -> Array:
    """Earth-centred coordinates in metres, (..., 3)."""
    latitude, longitude = np.radians(np.asarray(latitude_deg, float)), np.radians(np.asarray(longitude_deg, float))
    height = np.asarray(height_m, float)
    prime = SEMI_MAJOR_M / np.sqrt(1 - ECCENTRICITY2 * np.sin(latitude) ** 2)
    across = (prime + height) * np.cos(latitude)
    return np.stack(
        np.broadcast_arrays(
            across * np.cos(longitude),
            across * np.sin(longitude),
            (prime * (1 - ECCENTRICITY2) + height) * np.sin(latitude),
        ),
        axis=-1,
    )


def geodetic_from_ecef(ecef_m: ArrayLike) -> tuple[Array, Array, Array]:
    """Latitude and longitude in degrees and height above the ellipsoid, of (..., 3) earth-centred metres.

    Good to 1e-11 degrees and 1e-6 m from 10 km below the ellipsoid to 10,000 km above it.

    Source: B. R. Bowring, The accuracy of geodetic latitude and height equations, Survey Review 28 (1985), the
    latitude iterated twice.
    """
    x, y, z = np.moveaxis(np.asarray(ecef_m, float), -1, 0)
    across = np.hypot(x, y)
    ratio = SEMI_MINOR_M / SEMI_MAJOR_M
    second = ECCENTRICITY2 / (1 - ECCENTRICITY2)
    reduced = np.arctan2(z, ratio * across)
    for _ in range(3):
        latitude = np.arctan2(
            z + second * SEMI_MINOR_M * np.sin(reduced) ** 3,
            across - ECCENTRICITY2 * SEMI_MAJOR_M * np.cos(reduced) ** 3,
        )
        reduced = np.arctan2(ratio * np.sin(latitude), np.cos(latitude))
    sine = np.sin(latitude)
    height = across * np.cos(latitude) + z * sine - SEMI_MAJOR_M * np.sqrt(1 - ECCENTRICITY2 * sine**2)
    return np.degrees(latitude), np.degrees(np.arctan2(y, x)), height


def enu_axes(latitude_deg: float, longitude_deg: float) -> Array:
    """The local east, north and up directions in ECEF, as the rows of a 3x3 rotation."""
    latitude, longitude = math.radians(latitude_deg), math.radians(longitude_deg)
    sin_lat, cos_lat, sin_lon, cos_lon = (
        math.sin(latitude),
        math.cos(latitude),
        math.sin(longitude),
        math.cos(longitude),
    )
    return np.array(
        [
            [-sin_lon, cos_lon, 0.0],
            [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
            [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
        ]
    )


@njit(cache=True)
def geodetic_at(east: float, north: float, up: float, axes: Array, centre: Array) -> tuple[float, float, float]:
    """Latitude and longitude in degrees and height of one point of a tangent frame, for use inside numeric kernels."""
    x = centre[0] + east * axes[0, 0] + north * axes[1, 0] + up * axes[2, 0]
    y = centre[1] + east * axes[0, 1] + north * axes[1, 1] + up * axes[2, 1]
    z = centre[2] + east * axes[0, 2] + north * axes[1, 2] + up * axes[2, 2]
    across = math.hypot(x, y)
    ratio = SEMI_MINOR_M / SEMI_MAJOR_M
    reduced = math.atan2(z, ratio * across)
    latitude = 0.0
    for _ in range(2):
        latitude = math.atan2(
            z + ECCENTRICITY2 / (1 - ECCENTRICITY2) * SEMI_MINOR_M * math.sin(reduced) ** 3,
            across - ECCENTRICITY2 * SEMI_MAJOR_M * math.cos(reduced) ** 3,
        )
        reduced = math.atan2(ratio * math.sin(latitude), math.cos(latitude))
    sine = math.sin(latitude)
    height = across * math.cos(latitude) + z * sine - SEMI_MAJOR_M * math.sqrt(1 - ECCENTRICITY2 * sine * sine)
    return math.degrees(latitude), math.degrees(math.atan2(y, x)), height


class EnuFrame:
    """The plane that touches the earth at one point: east, north and up in metres.

    It is exact, so ground 10 km from the origin lies 7.8 m below the plane.
    """

    def __init__(self, origin: Position) -> None:
        self.origin = origin
        self.axes = enu_axes(origin.latitude_deg, origin.longitude_deg)
        self.centre_m = ecef_from_geodetic(origin.latitude_deg, origin.longitude_deg, origin.height_m)

    def from_geodetic(
        self, latitude_deg: ArrayLike, longitude_deg: ArrayLike, height_m: ArrayLike = 0.0
    ) -> tuple[Array, Array, Array]:
        """East, north and up of points on the earth."""
        enu = (ecef_from_geodetic(latitude_deg, longitude_deg, height_m) - self.centre_m) @ self.axes.T
        return enu[..., 0], enu[..., 1], enu[..., 2]

    def to_geodetic(self, east_m: ArrayLike, north_m: ArrayLike, up_m: ArrayLike = 0.0) -> tuple[Array, Array, Array]:
        """Latitude and longitude in degrees and height, of points in this frame."""
        enu = np.stack(np.broadcast_arrays(*(np.asarray(v, float) for v in (east_m, north_m, up_m))), axis=-1)
        return geodetic_from_ecef(enu @ self.axes + self.centre_m)

    def point(self, position: Position) -> EnuPoint:
        """One position in this frame."""
        east, north, up = self.from_geodetic(position.latitude_deg, position.longitude_deg, position.height_m)
        return EnuPoint(east_m=float(east), north_m=float(north), up_m=float(up))

    def position(self, east_m: float, north_m: float, up_m: float = 0.0) -> Position:
        """One point of this frame on the earth."""
        latitude, longitude, height = self.to_geodetic(east_m, north_m, up_m)
        return Position(latitude_deg=float(latitude), longitude_deg=float(longitude), height_m=float(height))


def utm_zone(latitude_deg: float, longitude_deg: float) -> int:
    """The UTM zone, 1 to 60, of a position, with the exceptions of Norway and Svalbard.

    Raises: InputError outside UTM (south of 80 S, north of 84 N).
    """
    if not -80 <= latitude_deg <= 84:
        raise InputError(f"latitude {latitude_deg}: UTM ends at 80 S and 84 N")
    longitude = (longitude_deg + 180) % 360 - 180
    if 56 <= latitude_deg < 64 and 3 <= longitude < 12:
        return 32
    if latitude_deg >= 72 and 0 <= longitude < 42:
        return 31 + 2 * sum(longitude >= border for border in (9, 21, 33))
    return int((longitude + 180) // 6) + 1


def utm_from_geodetic(
    latitude_deg: ArrayLike, longitude_deg: ArrayLike, zone: int, *, south: bool = False
) -> tuple[Array, Array]:
    """Easting and northing in metres; better than 1 mm within 20 degrees of the zone's meridian.

    Source: Krueger's series to n^4, as in C. F. F. Karney, Transverse Mercator with an accuracy of a few nanometers
    (2011), eqs. 7-11, 35.
    """
    latitude = np.radians(np.asarray(latitude_deg, float))
    longitude = np.radians((np.asarray(longitude_deg, float) - (6 * zone - 183) + 180) % 360 - 180)
    eccentricity = math.sqrt(ECCENTRICITY2)
    sine = np.sin(latitude)
    conformal = np.sinh(np.arctanh(sine) - eccentricity * np.arctanh(eccentricity * sine))
    xi0 = np.arctan2(conformal, np.cos(longitude))
    eta0 = np.arcsinh(np.sin(longitude) / np.hypot(conformal, np.cos(longitude)))
    xi, eta = xi0, eta0
    for order, alpha in enumerate(_ALPHA, 1):
        xi = xi + alpha * np.sin(2 * order * xi0) * np.cosh(2 * order * eta0)
        eta = eta + alpha * np.cos(2 * order * xi0) * np.sinh(2 * order * eta0)
    scale = UTM_SCALE * _RECTIFYING_M
    return UTM_FALSE_EASTING_M + scale * eta, scale * xi + (UTM_FALSE_NORTHING_M if south else 0.0)


def geodetic_from_utm(
    easting_m: ArrayLike, northing_m: ArrayLike, zone: int, *, south: bool = False
) -> tuple[Array, Array]:
    """Latitude and longitude in degrees, the inverse of `utm_from_geodetic`."""
    scale = UTM_SCALE * _RECTIFYING_M
    xi0 = (np.asarray(northing_m, float) - (UTM_FALSE_NORTHING_M if south else 0.0)) / scale
    eta0 = (np.asarray(easting_m, float) - UTM_FALSE_EASTING_M) / scale
    xi, eta = xi0, eta0
    for order, beta in enumerate(_BETA, 1):
        xi = xi - beta * np.sin(2 * order * xi0) * np.cosh(2 * order * eta0)
        eta = eta - beta * np.cos(2 * order * xi0) * np.sinh(2 * order * eta0)
    conformal = np.sin(xi) / np.hypot(np.sinh(eta), np.cos(xi))
    latitude = np.arctan(_tangent_of_latitude(conformal))
    longitude = (np.degrees(np.arctan2(np.sinh(eta), np.cos(xi))) + (6 * zone - 183) + 180) % 360 - 180
    return np.degrees(latitude), longitude


def _tangent_of_latitude(conformal: Array) -> Array:
    """The tangent of the latitude whose conformal latitude has the given tangent, by Newton's method."""
    eccentricity = math.sqrt(ECCENTRICITY2)
    tangent = conformal / (1 - ECCENTRICITY2)
    for _ in range(4):
        root = np.hypot(1, tangent)
        sigma = np.sinh(eccentricity * np.arctanh(eccentricity * tangent / root))
        value = tangent * np.hypot(1, sigma) - sigma * root
        slope = (1 + (1 - ECCENTRICITY2) * tangent**2) / ((1 - ECCENTRICITY2) * np.hypot(1, value) * root)
        tangent = tangent + (conformal - value) * slope
    return tangent
