import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from marsad.adapters.geojson import TrackMap, ellipse_axes, error_ellipse
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.track import Count, Track

EARTH = Geod(ellps="WGS84")
LONG_AND_THIN = GroundCovariance(east_m2=900.0, east_north_m2=880.0, north_m2=900.0)


def ground(
    latitude_deg: float = 34.0, longitude_deg: float = 41.0, covariance: GroundCovariance = LONG_AND_THIN
) -> GroundState:
    return GroundState(
        position=Position(latitude_deg=latitude_deg, longitude_deg=longitude_deg),
        east_m=0.0,
        north_m=0.0,
        covariance=covariance,
        range_m=1500.0,
    )


def track(time_s: float, where: GroundState | None, track_id: int = 1) -> Track:
    return Track(
        track_id=track_id,
        camera_id="tower-1",
        origin="own",
        time_ns=round(time_s * 1e9),
        frame_index=round(time_s * 25),
        status="confirmed",
        box=Box(x_px=1, y_px=1, w_px=2, h_px=5),
        velocity_x_px_s=0.0,
        velocity_y_px_s=0.0,
        contrast_counts=20.0,
        snr=8.0,
        kind="group",
        kind_confidence=0.5,
        confidence=0.75,
        first_ns=0,
        confirmed_ns=1_000_000_000,
        ground=where,
        count=Count(best=4, low=3, high=5),
    )


def inside(ring: list[list[float]], east_m: float, north_m: float) -> bool:
    """Whether a place, in metres from the ring's middle, lies on the left of all its edges."""
    centre = np.mean(np.array(ring[:-1]), axis=0)
    scale = np.array([math.cos(math.radians(centre[1])) * 111_412.84, 111_132.95])
    corners = (np.array(ring) - centre) * scale
    edges = np.diff(corners, axis=0)
    offset = np.array([east_m, north_m]) - corners[:-1]
    return bool(np.all(edges[:, 0] * offset[:, 1] - edges[:, 1] * offset[:, 0] >= 0))


def test_the_ellipse_holds_95_of_100_draws() -> None:
    ring = error_ellipse(ground())
    rng = np.random.default_rng(1)
    draws = rng.multivariate_normal([0, 0], [[900, 880], [880, 900]], 4_000)
    share = np.mean([inside(ring, east, north) for east, north in draws])
    assert share == pytest.approx(0.95, abs=0.012)


def test_the_ellipse_lies_along_the_line_of_sight_and_is_measured_on_the_earth() -> None:
    ring = error_ellipse(ground())
    azimuth, _, distance = EARTH.inv(41.0, 34.0, *ring[0])
    assert azimuth == pytest.approx(45.0, abs=0.05)
    assert distance == pytest.approx(math.sqrt(5.991464547 * 1780), rel=1e-4)
    _, _, across = EARTH.inv(41.0, 34.0, *ring[9])
    assert across == pytest.approx(math.sqrt(5.991464547 * 20), rel=1e-3)


@given(st.floats(1, 1e4), st.floats(1, 1e4), st.floats(-0.99, 0.99), st.floats(-75, 75))
def test_any_ellipse_is_closed_counter_clockwise_and_around_its_place(
    east_m2: float, north_m2: float, correlation: float, latitude_deg: float
) -> None:
    covariance = GroundCovariance(
        east_m2=east_m2, east_north_m2=correlation * math.sqrt(east_m2 * north_m2), north_m2=north_m2
    )
    ring = error_ellipse(ground(latitude_deg, 41.0, covariance))
    assert ring[0] == ring[-1]
    points = np.array(ring) - [41.0, latitude_deg]
    assert np.sum(points[:-1, 0] * points[1:, 1] - points[1:, 0] * points[:-1, 1]) > 0
    assert np.allclose(points[:-1].mean(axis=0), 0, atol=1e-9)
    major_m, minor_m, azimuth_rad = ellipse_axes(covariance)
    assert major_m >= minor_m > 0
    assert 0 <= azimuth_rad <= math.pi


def test_a_map_has_a_line_and_ellipses_for_each_located_track(tmp_path: Path) -> None:
    written = TrackMap(tmp_path / "tracks.geojson")
    for frame in range(25 * 21):
        written.add(track(frame / 25, ground(34.0 + frame * 1e-6)))
        written.add(track(frame / 25, None, track_id=9))
    written.add(track(22.0, ground(35.0), track_id=2))
    assert written.close()
    features = json.loads((tmp_path / "tracks.geojson").read_text())["features"]
    line = features[0]
    assert line["geometry"]["type"] == "LineString"
    assert len(line["geometry"]["coordinates"]) == len(line["properties"]["times_ns"]) == 22
    assert line["geometry"]["coordinates"][-1] == [41.0, pytest.approx(34.0 + 524e-6)]
    assert line["properties"]["kind"] == "group"
    assert line["properties"]["count"] == {"best": 4, "low": 3, "high": 5}
    ellipses = [
        f for f in features if f["properties"]["feature"] == "error_ellipse" and f["properties"]["track_id"] == 1
    ]
    assert [round(f["properties"]["time_ns"] / 1e9) for f in ellipses] == [0, 10, 20, 21]
    assert ellipses[0]["properties"]["major_azimuth_deg"] == pytest.approx(45.0)
    point = next(f for f in features if f["properties"]["track_id"] == 2)
    assert point["geometry"] == {"type": "Point", "coordinates": [41.0, 35.0]}
    assert not any(f["properties"]["track_id"] == 9 for f in features)


def test_without_a_located_track_there_is_no_file(tmp_path: Path) -> None:
    written = TrackMap(tmp_path / "tracks.geojson")
    written.add(track(0.0, None))
    assert not written.close()
    assert list(tmp_path.iterdir()) == []


def test_a_map_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    written = TrackMap(tmp_path / "missing" / "tracks.geojson")
    written.add(track(0.0, ground()))
    with pytest.raises(InputError, match="cannot be written"):
        written.close()
