import json
import math
import subprocess
import sys
import tracemalloc
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from marsad.adapters.geojson import TrackMap, ellipse_axes, error_ellipse
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError
from marsad.kernel.position import BearingMeasurement, GroundCovariance, GroundState, Position
from marsad.kernel.track import Count, Status, Track

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


def features(path: Path) -> list[dict[str, Any]]:
    """The features of a file that is whole; each is a Feature with a geometry."""
    collection = json.loads(path.read_text())
    assert collection["type"] == "FeatureCollection"
    found = list(collection["features"])
    assert all(each["type"] == "Feature" and each["geometry"]["coordinates"] for each in found)
    return found


def lines(path: Path, track_id: int = 1) -> list[dict[str, Any]]:
    return [
        f for f in features(path) if f["properties"]["feature"] == "track" and f["properties"]["track_id"] == track_id
    ]


def test_a_map_has_a_line_and_ellipses_for_each_located_track(tmp_path: Path) -> None:
    written = TrackMap(tmp_path / "tracks.geojson")
    for frame in range(25 * 21):
        seen = [track(frame / 25, ground(34.0 + frame * 1e-6)), track(frame / 25, None, track_id=9)]
        written.update(seen, seen[0].time_ns)
    written.update([track(22.0, ground(35.0), track_id=2)], 22_000_000_000)
    assert written.close()
    path = tmp_path / "tracks.geojson"
    (line,) = lines(path)
    assert line["geometry"]["type"] == "LineString"
    assert len(line["geometry"]["coordinates"]) == len(line["properties"]["times_ns"]) == 22
    assert line["geometry"]["coordinates"][-1] == [41.0, pytest.approx(34.0 + 524e-6)]
    assert line["properties"]["kind"] == "group"
    assert line["properties"]["count"] == {"best": 4, "low": 3, "high": 5}
    ellipses = [
        f for f in features(path) if f["properties"]["feature"] == "error_ellipse" and f["properties"]["track_id"] == 1
    ]
    assert [round(f["properties"]["time_ns"] / 1e9) for f in ellipses] == [0, 10, 20, 21]
    assert ellipses[0]["properties"]["major_azimuth_deg"] == pytest.approx(45.0)
    (point,) = lines(path, track_id=2)
    assert point["geometry"] == {"type": "Point", "coordinates": [41.0, 35.0]}
    assert not any(f["properties"]["track_id"] == 9 for f in features(path))


def test_without_a_located_track_there_is_no_file(tmp_path: Path) -> None:
    written = TrackMap(tmp_path / "tracks.geojson")
    for second in range(60):
        written.update([track(second, None)], second * 10**9)
    assert not written.close()
    assert list(tmp_path.iterdir()) == []


def test_a_map_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    written = TrackMap(tmp_path / "missing" / "tracks.geojson")
    written.update([track(0.0, ground())], 0)
    with pytest.raises(InputError, match="cannot be written"):
        written.close()


def test_the_file_is_whole_and_holds_the_last_ten_seconds_whenever_the_run_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "tracks.geojson"
    written = TrackMap(path)
    for second in range(200):
        # One comes and goes for good, one stays, and now and then there is nobody at all.
        seen = [track(second, ground(), track_id=1 + second // 40 * (second % 40 < 20))] if second % 50 else []
        written.update(seen, second * 10**9)
        if second < 12:
            continue
        newest = max(f["properties"].get("last_ns", 0) for f in features(path))
        assert second - newest / 1e9 <= 12
    assert written.close()
    assert {f["properties"]["track_id"] for f in features(path)} == {1, 2, 3, 4, 5}


def test_long_runs_keep_no_more_than_what_is_in_view(tmp_path: Path) -> None:
    """Two hours with one who stays and one who is new every minute; the whole map would be megabytes."""
    path = tmp_path / "tracks.geojson"
    written = TrackMap(path)
    tracemalloc.start()
    held = []
    for second in range(7200):
        seen = [track(second, ground(34.0 + second * 1e-6)), track(second, ground(), track_id=2 + second // 60)]
        written.update(seen, second * 10**9)
        if second % 600 == 599:
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert max(held) - held[0] < 200_000
    written.close()
    assert path.stat().st_size > 2_000_000
    pieces = lines(path)
    assert len(pieces) == 13
    times_s = [[round(ns / 1e9) for ns in piece["properties"]["times_ns"]] for piece in pieces]
    # Each line begins where the one before it ends, and nothing is missing.
    assert all(before[-1] == after[0] for before, after in pairwise(times_s))
    assert sorted({second for piece in times_s for second in piece}) == list(range(7200))
    assert len({f["properties"]["track_id"] for f in features(path)}) == 121


def test_who_was_away_for_more_than_a_minute_is_not_drawn_across_it(tmp_path: Path) -> None:
    written = TrackMap(tmp_path / "tracks.geojson")
    for second in [*range(5), *range(100, 105)]:
        written.update([track(second, ground())], second * 10**9)
    written.close()
    times_s = [[ns // 10**9 for ns in line["properties"]["times_ns"]] for line in lines(tmp_path / "tracks.geojson")]
    assert times_s == [[0, 1, 2, 3, 4], [100, 101, 102, 103, 104]]


FULL = """
import json, resource, sys
from pathlib import Path
sys.path.insert(0, {folder!r})
from test_geojson import ground, lines, track
from marsad.adapters.geojson import TrackMap
from marsad.kernel.error import UnavailableError
path, refused = Path({path!r}), []
written = TrackMap(path)
def limit(most):
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
for second in range(300):
    if second == 100:
        limit({most})
    if second == 200:
        limit(resource.RLIM_INFINITY)
    try:
        written.update([track(second, ground(), track_id=second // 20)], second * 10**9)
    except UnavailableError as error:
        refused.append(second)
        json.loads(path.read_text() or "{{}}")
written.close()
print(json.dumps(refused))
"""


@pytest.mark.parametrize("most", [1, 1000, 20_000])
def test_a_full_disk_leaves_a_whole_map_and_loses_nothing_once_there_is_room(tmp_path: Path, most: int) -> None:
    path = tmp_path / "tracks.geojson"
    program = FULL.format(folder=str(Path(__file__).parent), path=str(path), most=most)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    refused = json.loads(done.stdout)
    assert 5 <= len(refused) <= 12
    assert all(100 <= second < 220 for second in refused)
    for track_id in range(15):
        (line,) = lines(path, track_id)
        assert len(line["properties"]["times_ns"]) == 20


def measured(time_s: float, track_id: int = 1, status: Status = "confirmed") -> Track:
    time_ns = round(time_s * 1e9)
    bearing = BearingMeasurement(
        time_ns=time_ns, azimuth_rad=math.radians(281.5), elevation_rad=math.radians(-0.5), azimuth_rad2=1e-8,
        azimuth_elevation_rad2=0.0, elevation_rad2=1e-8, pose_version=1,
    )  # fmt: skip
    return msgspec.structs.replace(track(time_s, ground(), track_id), bearing=bearing, status=status)


def test_a_path_has_the_direction_of_each_point_that_was_seen(tmp_path: Path) -> None:
    tracks = TrackMap(tmp_path / "tracks.geojson")
    for second in range(6):
        status: Status = "coasting" if second in {2, 3} else "confirmed"
        tracks.update([measured(second, status=status)], second * 1_000_000_000)
    tracks.close()
    (line,) = lines(tmp_path / "tracks.geojson")
    bearings = line["properties"]["bearings_deg"]
    assert [bearing is None for bearing in bearings] == [False, False, True, True, False, False]
    assert bearings[0][:2] == pytest.approx([281.5, -0.5])
    assert bearings[0][2] == pytest.approx(math.degrees(1e-4), rel=1e-3)


def test_what_a_camera_saw_of_several_is_of_the_same_moments(tmp_path: Path) -> None:
    tracks = TrackMap(tmp_path / "tracks.geojson")
    for frame in range(100):
        time_s = frame / 9
        seen = [measured(time_s, 1), *([measured(time_s, 2)] if frame >= 14 else [])]
        tracks.update(seen, round(time_s * 1e9))
    tracks.close()
    first, second = (lines(tmp_path / "tracks.geojson", n)[0]["properties"]["times_ns"] for n in (1, 2))
    assert set(second[1:]) <= set(first)
    assert len(second) >= 9
