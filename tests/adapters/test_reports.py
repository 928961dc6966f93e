import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.geojson import TrackMap
from marsad.adapters.reports import read_reports
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError
from marsad.kernel.position import BearingMeasurement, GroundCovariance, GroundState, Position
from marsad.kernel.track import Count, Track

S = 10**9
GPX = """<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><trk><trkseg>
<trkpt lat="34.0" lon="41.0"><time>2026-08-08T20:10:00Z</time></trkpt>
<trkpt lat="34.1" lon="41.1"><time>2026-08-08T20:10:01Z</time></trkpt>
</trkseg></trk></gpx>"""


def written(folder: Path, text: str, name: str = "reports.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def watched(second: int, track_id: int = 3) -> Track:
    bearing = BearingMeasurement(
        time_ns=second * S, azimuth_rad=5.0 + 0.001 * second, elevation_rad=-0.01, azimuth_rad2=1e-8,
        azimuth_elevation_rad2=5e-9, elevation_rad2=4e-8, pose_version=1,
    )  # fmt: skip
    ground = GroundState(
        position=Position(latitude_deg=34.0, longitude_deg=41.0), east_m=0.0, north_m=0.0,
        covariance=GroundCovariance(east_m2=1.0, east_north_m2=0.0, north_m2=1.0), range_m=1000.0,
    )  # fmt: skip
    return Track(
        track_id=track_id, camera_id="mast", origin="north", time_ns=second * S, frame_index=second,
        status="confirmed", box=Box(x_px=1, y_px=1, w_px=2, h_px=5), velocity_x_px_s=0.0, velocity_y_px_s=0.0,
        contrast_counts=20.0, snr=8.0, kind="group", kind_confidence=0.75, confidence=0.9, first_ns=0,
        confirmed_ns=0, ground=ground, bearing=bearing, count=Count(best=4, low=3, high=6),
    )  # fmt: skip


def test_what_the_watch_wrote_is_read_back_as_what_the_camera_measured(tmp_path: Path) -> None:
    tracks = TrackMap(tmp_path / "tracks.geojson")
    for second in range(100, 112):
        tracks.update([watched(second)], second * S)
    tracks.close()
    reports = read_reports(tmp_path / "tracks.geojson")
    assert [report.time_ns for report in reports] == [second * S for second in range(100, 112)]
    for report in reports:
        assert (report.source_id, report.origin, report.label) == ("mast", "north", 3)
        assert (report.kind, report.kind_confidence) == ("group", 0.75)
        assert report.count == Count(best=4, low=3, high=6)
        true = watched(report.time_ns // S).bearing
        assert report.bearing is not None
        assert true is not None
        assert report.bearing.azimuth_rad == pytest.approx(true.azimuth_rad, abs=1e-7)
        assert report.bearing.elevation_rad == pytest.approx(true.elevation_rad, abs=1e-7)
        assert report.bearing.azimuth_rad2 == pytest.approx(true.azimuth_rad2, rel=1e-3)
        assert report.bearing.azimuth_elevation_rad2 == pytest.approx(true.azimuth_elevation_rad2, rel=2e-3)


@given(
    st.floats(-89, 89), st.floats(-179, 179), st.floats(0.01, 500), st.integers(0, 10**6), st.integers(0, 2 * 10**18)
)
def test_a_place_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, lat: float, lon: float, sigma_m: float, label: int, time_ns: int
) -> None:
    text = f"time_ns;source;label;lat;lon;sigma_m\n{time_ns};radar;{label};{lat!r};{lon!r};{sigma_m!r}\n"
    (report,) = read_reports(written(tmp_path_factory.mktemp("place"), text))
    assert (report.time_ns, report.source_id, report.label, report.at) == (time_ns, "radar", label, (lat, lon))
    assert report.covariance == GroundCovariance(east_m2=sigma_m**2, east_north_m2=0.0, north_m2=sigma_m**2)
    assert report.bearing is None


def test_a_direction_is_read_in_radians_with_its_covariance(tmp_path: Path) -> None:
    columns = "azimuth_deg,elevation_deg,azimuth_sigma_deg,elevation_sigma_deg,azimuth_elevation_correlation"
    (report,) = read_reports(written(tmp_path, f"time_ns,camera_id,{columns}\n5,mast,-90,1.5,0.1,0.2,0.5\n"))
    assert report.bearing is not None
    assert report.bearing.azimuth_rad == pytest.approx(1.5 * math.pi)
    assert report.bearing.elevation_rad == pytest.approx(math.radians(1.5))
    assert report.bearing.elevation_rad2 == pytest.approx(math.radians(0.2) ** 2)
    assert report.bearing.azimuth_elevation_rad2 == pytest.approx(0.5 * math.radians(0.1) * math.radians(0.2))


def test_a_line_with_a_time_alone_is_a_look_that_saw_nothing(tmp_path: Path) -> None:
    (report,) = read_reports(written(tmp_path, "time,source,lat,lon,sigma_m\n2026-08-08T20:10:00Z,radar,,,\n"))
    assert (report.at, report.flat, report.bearing, report.covariance) == (None, None, None, None)


def test_a_whole_covariance_goes_before_a_sigma(tmp_path: Path) -> None:
    header = "time_ns,source,east_m,north_m,east_m2,east_north_m2,north_m2"
    (report,) = read_reports(written(tmp_path, f"{header}\n1,post,10,-20,9,-2,4\n"))
    assert report.flat == (10.0, -20.0)
    assert report.covariance == GroundCovariance(east_m2=9.0, east_north_m2=-2.0, north_m2=4.0)


def test_a_gps_recording_is_one_source_named_as_the_file(tmp_path: Path) -> None:
    reports = read_reports(written(tmp_path, GPX, "patrol-3.gpx"))
    assert [report.at for report in reports] == [(34.0, 41.0), (34.1, 41.1)]
    assert {report.source_id for report in reports} == {"patrol-3"}
    assert {report.covariance.east_m2 for report in reports if report.covariance} == {25.0}


def test_a_line_of_places_has_a_report_for_each(tmp_path: Path) -> None:
    properties = {"source": "post", "coordTimes": ["2026-08-08T20:10:00Z", "2026-08-08T20:10:01Z"], "sigma_m": 20}
    geometry = {"type": "LineString", "coordinates": [[41.0, 34.0, 200.0], [41.1, 34.1, 210.0]]}
    document = {"type": "Feature", "geometry": geometry, "properties": properties}
    reports = read_reports(written(tmp_path, json.dumps(document), "post.geojson"))
    assert [report.at for report in reports] == [(34.0, 41.0), (34.1, 41.1)]
    assert reports[1].time_ns - reports[0].time_ns == S


def test_a_place_and_a_direction_in_one_line_are_refused(tmp_path: Path) -> None:
    header = "time_ns,source,lat,lon,sigma_m,azimuth_deg,elevation_deg,azimuth_sigma_deg,elevation_sigma_deg"
    with pytest.raises(InputError, match="line 2, azimuth_deg = '10': empty, for lat is given too"):
        read_reports(written(tmp_path, f"{header}\n1,a,34,41,5,10,0,0.1,0.1\n"))


def test_how_tall_something_looks_is_read_and_its_error_a_fifth_where_none_is_given(tmp_path: Path) -> None:
    header = (
        "time_ns,source,azimuth_deg,elevation_deg,azimuth_sigma_deg,elevation_sigma_deg,height_deg,height_sigma_deg"
    )
    lines = ["10,mast,20,-1,0.02,0.02,0.06,0.01", "11,mast,20,-1,0.02,0.02,0.06,", "12,mast,20,-1,0.02,0.02,,"]
    told = [report.height for report in read_reports(written(tmp_path, "\n".join((header, *lines))))]
    assert told[0] == pytest.approx((math.radians(0.06), math.radians(0.01)))
    assert told[1] == pytest.approx((math.radians(0.06), math.radians(0.012)))
    assert told[2] is None
    wrong = written(tmp_path, f"{header}\n10,mast,20,-1,0.02,0.02,-3,0.01")
    with pytest.raises(InputError, match=r"line 2.*height_deg.*-3"):
        read_reports(wrong)
