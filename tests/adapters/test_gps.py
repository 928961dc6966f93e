import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from marsad.adapters.gps import parse_time, read_crossing_list, read_gps
from marsad.kernel.error import InputError

START = datetime(2026, 8, 8, 20, 15, tzinfo=UTC)
START_NS = int(START.timestamp()) * 10**9

GPX = """<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="telephone" xmlns="http://www.topografix.com/GPX/1/1">
 <wpt lat="1" lon="2"><name>gate</name></wpt>
 <trk><name>Anna</name>
  <trkseg><trkpt lat="34.46" lon="40.95"><ele>240</ele><time>2026-08-08T20:15:00Z</time></trkpt>
   <trkpt lat="34.47" lon="40.96"><time>2026-08-08T23:15:01.500+03:00</time></trkpt></trkseg>
  <trkseg><trkpt lat="34.48" lon="40.97"><time>2026-08-08T20:15:03Z</time></trkpt></trkseg>
 </trk></gpx>
"""
CSV = "time,lat,lon\n2026-08-08T20:15:00Z,34.46,40.95\n2026-08-08T20:15:01.5Z,34.47,40.96\n1786220103,34.48,40.97\n"
NMEA = """$GPGGA,201500.00,3427.6,N,04057.0,E,1,08,0.9,240.0,M,,M,,*00
$GPRMC,201500.00,A,3427.6000,N,04057.0000,E,0.5,54.7,080826,,,A
$GNRMC,201501.50,A,3428.2000,N,04057.6000,E,0.5,54.7,080826,,,A
$GPRMC,201502.00,V,,,,,,,080826,,,N
$GPRMC,201502.00,A,0000.0000,N,00000.0000,E,0.5,54.7,080826,,,A*00
$GPRMC,201503.00,A,3428.8000,N,04058.2000,E,0.5,54.7,080826,,,A
"""
LINE = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "geometry": {"type": "LineString", "coordinates": [[40.95, 34.46, 240], [40.96, 34.47], [40.97, 34.48]]},
            "properties": {
                "coordTimes": ["2026-08-08T20:15:00Z", "2026-08-08T20:15:01.5Z", "2026-08-08T20:15:03.000Z"]
            },
        }
    ],
}
POINTS = {
    "type": "FeatureCollection",
    "features": [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": {"time": time}}
        for place, time in (
            ([40.97, 34.48], 1_786_220_103_000),
            ([40.95, 34.46], 1_786_220_100),
            ([40.96, 34.47], "2026-08-08T20:15:01.5Z"),
        )
    ],
}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("anna.gpx", GPX),
        ("anna.csv", CSV),
        ("anna.CSV", "\ufeff" + CSV.replace("lat,lon", "Latitude,Longitude").replace(",", ";")),
        ("anna.geojson", json.dumps(LINE)),
        ("anna.json", json.dumps(POINTS)),
        ("anna.nmea", NMEA),
    ],
)
def test_the_same_walk_in_every_kind_of_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    track = read_gps(tmp_path / name)
    assert track.name == "anna"
    assert (track.time_ns - START_NS).tolist() == [0, 1_500_000_000, 3_000_000_000]
    assert track.latitude_deg == pytest.approx([34.46, 34.47, 34.48])
    assert track.longitude_deg == pytest.approx([40.95, 40.96, 40.97])
    assert np.isnan(track.sigma_m).all()


def test_fixes_are_put_in_order_and_repeated_times_are_counted(tmp_path: Path) -> None:
    rows = ["time,lat,lon,sigma_m", "1786220102,3,4,2.5", "1786220100,1,2,", "1786220102,9,9,9"]
    (tmp_path / "a.csv").write_text("\n".join(rows), encoding="utf-8")
    track = read_gps(tmp_path / "a.csv")
    assert track.latitude_deg.tolist() == [1, 3]
    assert track.sigma_m == pytest.approx([np.nan, 2.5], nan_ok=True)
    assert track.left_out == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.kml", "<kml/>", "must end in .csv, .geojson"),
        ("a.gpx", "<gpx><trk>", "is no GPX"),
        ("a.gpx", "<gpx/>", "has no track point"),
        ("a.gpx", '<!DOCTYPE gpx [<!ENTITY a "b">]><gpx/>', "has a document type"),
        ("a.gpx", '<gpx><trkpt lat="1" lon="2"/></gpx>', "track point 1: has no time"),
        ("a.csv", "when,lat,lon\n", "line 1: no column for time"),
        (
            "a.csv",
            "time,lat,lon\n2026-08-08 20:15:00,1,2\n",
            "line 2: time '2026-08-08 20:15:00' does not say its zone",
        ),
        ("a.csv", "time,lat,lon\nsoon,1,2\n", "line 2: time 'soon' is no time"),
        ("a.csv", "time,lat,lon\n12,1,2\n", "line 2: time 12"),
        ("a.csv", "time,lat,lon\n1786220100,91,2\n", "line 2: latitude '91'"),
        ("a.csv", "time,lat,lon\n1786220100,1,\n", "line 2: longitude ''"),
        ("a.csv", "time,lat,lon\n1786220100,1\n", "line 2: 2 fields"),
        ("a.csv", "time,lat,lon,sigma_m\n1786220100,1,2,-3\n", "line 2: sigma_m '-3'"),
        ("a.csv", "time,lat,lon\n1786220100,1,2\n", "1 GPS fixes with a time"),
        ("a.geojson", "{", "is no JSON"),
        ("a.geojson", '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}}', "needs a time"),
        ("a.geojson", "[]", "0 GPS fixes"),
        ("a.nmea", "$GPGGA,1\n", "has no sound RMC"),
        ("a.nmea", "$GPRMC,2015,A,x,N,04057.0,E,0.5,54.7,080826,,,A\n", "line 1: the RMC sentence cannot be read"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_gps(tmp_path / name)
    assert said in str(refused.value)
    assert name in str(refused.value)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a.gpx: no such file"):
        read_gps(tmp_path / "a.gpx")
    (tmp_path / "b.gpx").write_bytes(b"\xff\xfe\x00\x9f")
    with pytest.raises(InputError, match=r"b.gpx: is not text"):
        read_gps(tmp_path / "b.gpx")


@pytest.mark.parametrize("text", ["2026-08-08T20:15:00Z", "1786220100", "1786220100000", " 2026-08-08T23:15:00+03:00 "])
def test_one_moment_in_all_its_spellings(text: str) -> None:
    assert parse_time(text, "here") == START_NS


def test_a_list_of_crossings(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("walker,start,end\nanna, 1786220100,1786220160\n", encoding="utf-8")
    assert read_crossing_list(path) == [("anna", START_NS, START_NS + 60 * 10**9)]
    for text, said in (
        ("walker,from,to\n", "no column 'start'"),
        ("walker,start,end\n", "lists no crossing"),
        ("walker,start,end\nanna,1786220160,1786220100\n", "line 2: end 1786220100 is not after start"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=said):
            read_crossing_list(path)
