"""Positions as people read them out: the Military Grid Reference System.

Source: NGA.STND.0037, Universal Grids and the Transverse Mercator and Polar Stereographic Map Projections, 2014,
section 13 (the letters of the WGS84 ellipsoid).
"""

from marsad.geo.geodesy import utm_from_geodetic, utm_zone
from marsad.kernel.error import InputError

_BANDS = "CDEFGHJKLMNPQRSTUVWX"
_COLUMNS = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
_ROWS = "ABCDEFGHJKLMNPQRSTUV"
_SQUARE_M = 100_000


def mgrs(latitude_deg: float, longitude_deg: float, digits: int = 5) -> str:
    """The grid reference of the square that holds a position, as "37S FT 12345 67890"; 5 digits are 1 m, 3 are 100 m.

    Raises: InputError outside UTM, and for other than 1 to 5 digits.
    """
    if not 1 <= digits <= 5:
        raise InputError(f"digits = {digits}: a grid reference has 1 to 5 for each of east and north")
    zone = utm_zone(latitude_deg, longitude_deg)
    easting, northing = utm_from_geodetic(latitude_deg, longitude_deg, zone, south=latitude_deg < 0)
    east, north = int(easting), int(northing)
    band = _BANDS[min(int((latitude_deg + 80) // 8), 19)]
    column = _COLUMNS[(zone - 1) % 3][east // _SQUARE_M - 1]
    row = _ROWS[(north // _SQUARE_M + (0 if zone % 2 else 5)) % 20]
    shown = 10 ** (5 - digits)
    return (
        f"{zone:02d}{band} {column}{row} {east % _SQUARE_M // shown:0{digits}d} {north % _SQUARE_M // shown:0{digits}d}"
    )
