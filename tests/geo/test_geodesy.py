"""Closed forms against PROJ."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from marsad.geo.geodesy import (
    EnuFrame,
    ecef_from_geodetic,
    geodetic_at,
    geodetic_from_ecef,
    geodetic_from_utm,
    utm_from_geodetic,
    utm_zone,
)
from marsad.kernel.error import InputError
from marsad.kernel.position import Position

latitudes = st.floats(-89.9, 89.9)
longitudes = st.floats(-180, 180)
heights = st.floats(-10_000, 100_000)


def scattered(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-90, 90, 5000), rng.uniform(-180, 180, 5000), rng.uniform(-10_000, 1_000_000, 5000)


def test_ecef_agrees_with_proj() -> None:
    latitude, longitude, height = scattered()
    proj = Transformer.from_crs(4979, 4978, always_xy=True).transform(longitude, latitude, height)
    assert np.abs(ecef_from_geodetic(latitude, longitude, height) - np.stack(proj, -1)).max() < 1e-7
    back = geodetic_from_ecef(np.stack(proj, -1))
    assert np.abs(back[0] - latitude).max() < 1e-11
    assert np.abs(back[1] - longitude).max() < 1e-11
    assert np.abs(back[2] - height).max() < 1e-6


@pytest.mark.parametrize(("zone", "south"), [(11, False), (37, False), (38, True), (60, True), (1, False)])
def test_utm_agrees_with_proj(zone: int, south: bool) -> None:
    rng = np.random.default_rng(zone)
    latitude = rng.uniform(-80, 0, 2000) if south else rng.uniform(0, 84, 2000)
    longitude = 6 * zone - 183 + rng.uniform(-6, 6, 2000)
    proj = Transformer.from_crs(4326, (32700 if south else 32600) + zone, always_xy=True)
    east, north = proj.transform(longitude, latitude)
    ours = utm_from_geodetic(latitude, longitude, zone, south=south)
    assert max(np.abs(ours[0] - east).max(), np.abs(ours[1] - north).max()) < 1e-3
    back = geodetic_from_utm(east, north, zone, south=south)
    turn = (back[1] - longitude + 180) % 360 - 180
    assert max(np.abs(back[0] - latitude).max(), np.abs(turn).max()) < 1e-9


@pytest.mark.parametrize(
    ("latitude", "longitude", "zone"),
    [(34.4, 40.9, 37), (34.4, 42.1, 38), (60, 4, 32), (75, 8.9, 31), (75, 9.1, 33), (75, 21, 35), (75, 41, 37),
     (0, -180, 1), (0, 180, 1), (0, 179.9, 60)],
)  # fmt: skip
def test_zones(latitude: float, longitude: float, zone: int) -> None:
    assert utm_zone(latitude, longitude) == zone


def test_utm_ends_before_the_poles() -> None:
    with pytest.raises(InputError, match="80 S and 84 N"):
        utm_zone(84.5, 0)


@given(latitudes, longitudes, heights, st.floats(-50_000, 50_000), st.floats(-50_000, 50_000), st.floats(-500, 9000))
def test_the_tangent_frame_goes_round(
    latitude: float, longitude: float, height: float, east: float, north: float, up: float
) -> None:
    frame = EnuFrame(Position(latitude_deg=latitude, longitude_deg=longitude, height_m=height))
    place = frame.position(east, north, up)
    point = frame.point(place)
    assert np.allclose([point.east_m, point.north_m, point.up_m], [east, north, up], atol=1e-5)
    kernel = geodetic_at(east, north, up, frame.axes, frame.centre_m)
    assert np.allclose(kernel, [place.latitude_deg, place.longitude_deg, place.height_m], rtol=0, atol=1e-5)
    assert abs(kernel[0] - place.latitude_deg) < 1e-10


def test_the_tangent_frame_agrees_with_proj() -> None:
    frame = EnuFrame(Position(latitude_deg=34.4, longitude_deg=40.9, height_m=200))
    pipeline = (
        "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad +step +proj=cart +ellps=WGS84 "
        "+step +proj=topocentric +ellps=WGS84 +lon_0=40.9 +lat_0=34.4 +h_0=200"
    )
    east, north, up = Transformer.from_pipeline(pipeline).transform(41.0, 34.5, 350.0)
    ours = frame.from_geodetic(34.5, 41.0, 350.0)
    assert np.allclose([float(v) for v in ours], [east, north, up], atol=1e-6)


def test_the_ground_falls_away_from_the_plane() -> None:
    frame = EnuFrame(Position(latitude_deg=34.4, longitude_deg=40.9))
    _, _, height = frame.to_geodetic(10_000, 0, 0)
    assert float(height) == pytest.approx(7.83, abs=0.01)
