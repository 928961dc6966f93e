"""Two masts and a patrol's GPS as files, fused from end to end."""

import csv
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from marsad.adapters.reports import Report
from marsad.adapters.sqlite import SqliteEventLog, SqliteLogReader
from marsad.app.cli import app, main
from marsad.app.config import load_site
from marsad.app.fuse import looks_of
from marsad.app.fuse_map import Ground
from marsad.fuse.fuser import Fuser
from marsad.fuse.picture import known_to, picture_of
from marsad.fuse.sensor import PlaceSensor
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.event import LookTaken, PictureStarted
from marsad.kernel.position import GroundCovariance, Position
from marsad.report.replay import PictureReplay

START_S, SECONDS, S = 1_786_219_800, 50, 10**9
ORIGIN = Position(latitude_deg=34.0, longitude_deg=41.0)
FRAME = EnuFrame(ORIGIN)
MASTS = {"west": (-700.0, 35.0), "east": (700.0, -35.0)}
HEIGHT_M = 30.0
SIGMA_DEG = 0.03
AZIMUTH_OFF_DEG = 0.2


def camera(name: str) -> str:
    east, azimuth = MASTS[name]
    place = FRAME.position(east, 0.0)
    return f"""
[[cameras]]
id = "{name}"
reach_m = 4000.0
lens = {{ width_px = 640, height_px = 512, horizontal_fov_deg = 30.0 }}
[cameras.pose]
latitude_deg = {place.latitude_deg:.9f}
longitude_deg = {place.longitude_deg:.9f}
mast_m = {HEIGHT_M}
azimuth_deg = {azimuth}
elevation_deg = -1.0
sigma = {{ azimuth_deg = 0.2, elevation_deg = 0.02, roll_deg = 0.02, horizontal_m = 0.2, height_m = 0.1 }}
"""


SITE = f"""
name = "Flat ground"
organisation = "north"
origin = {{ latitude_deg = 34.0, longitude_deg = 41.0 }}
[terrain]
flat_height_m = 0.0
sigma_m = 0.1
{camera("west")}
{camera("east")}
"""


def walker(second: float) -> tuple[float, float]:
    return -20.0 + 1.2 * second, 1000.0 + 0.4 * second


def patrol(second: float) -> tuple[float, float]:
    return 130.0 - 1.0 * second, 1150.0


def bearing_deg(mast: str, at: tuple[float, float]) -> tuple[float, float]:
    """Azimuth and elevation, refraction and the earth's roundness in them, of somebody on flat ground."""
    east, north = at[0] - MASTS[mast][0], at[1]
    far = math.hypot(east, north)
    drop = far * far * (1 - 0.14) / (2 * 6_371_000.0)
    return math.degrees(math.atan2(east, north)), math.degrees(math.atan2(-HEIGHT_M - drop, far))


def seen(mast: str, rng: np.random.Generator) -> list[tuple[int, int, float, float]]:
    """Time, label, azimuth and elevation of all that a mast reports; the western one is turned a little."""
    off = AZIMUTH_OFF_DEG if mast == "west" else 0.0
    rows = []
    for second in range(SECONDS):
        for label, way in ((1, walker), (2, patrol)):
            azimuth, elevation = bearing_deg(mast, way(second))
            noise = rng.normal(0, SIGMA_DEG, 2)
            rows.append(((START_S + second) * S, label, azimuth + off + noise[0], elevation + noise[1]))
    return rows


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """The western mast's reports as CSV, the eastern mast's as `marsad watch` writes them, and a GPS as CSV."""
    rng = np.random.default_rng(2)
    paths = {name: tmp_path / name for name in ("site.toml", "west.csv", "east.geojson", "patrol.csv")}
    paths["site.toml"].write_text(SITE)
    header = "time_ns,source,label,azimuth_deg,elevation_deg,azimuth_sigma_deg,elevation_sigma_deg,kind"
    lines = [
        f"{t},west,{label},{azimuth:.6f},{elevation:.6f},{SIGMA_DEG},{SIGMA_DEG},person"
        for t, label, azimuth, elevation in seen("west", rng)
    ]
    paths["west.csv"].write_text("\n".join([header, *lines]) + "\n")
    paths["east.geojson"].write_text(json.dumps(watched("east", seen("east", rng))))
    fixes = []
    for second in range(SECONDS):
        east, north = patrol(second)
        place = FRAME.position(east + rng.normal(0, 5), north + rng.normal(0, 5))
        moment = f"{START_S + second}"
        fixes.append(f"{moment},patrol-3,{place.latitude_deg:.8f},{place.longitude_deg:.8f},5.0")
    paths["patrol.csv"].write_text("\n".join(["time,source,lat,lon,sigma_m", *fixes]) + "\n")
    return paths


def watched(mast: str, rows: list[tuple[int, int, float, float]]) -> dict[str, Any]:
    features = []
    for label in (1, 2):
        mine = [row for row in rows if row[1] == label]
        properties = {
            "feature": "track", "track_id": label, "camera_id": mast, "origin": "north", "kind": "person",
            "group_id": None, "kind_confidence": 0.9, "times_ns": [t for t, *_ in mine],
            "bearings_deg": [[azimuth, elevation, SIGMA_DEG, SIGMA_DEG, 0.0] for *_, azimuth, elevation in mine],
            "count": {"best": 1, "low": 1, "high": 2},
        }  # fmt: skip
        line = [[41.0, 34.01]] * len(mine)
        geometry = {"type": "LineString", "coordinates": line}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    ellipse = {"type": "Polygon", "coordinates": [[[41.0, 34.0], [41.1, 34.0], [41.0, 34.1], [41.0, 34.0]]]}
    features.append({"type": "Feature", "geometry": ellipse, "properties": {"feature": "error_ellipse"}})
    return {"type": "FeatureCollection", "features": features}


def fused(*paths: Path, site: Path | None, out: Path, more: Sequence[str] = ()) -> dict[str, Any]:
    asked = ["fuse", *map(str, paths), "--out", str(out), *more, "--json"]
    result = CliRunner().invoke(app, [*asked, *(["--site", str(site)] if site else [])])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return json.loads(result.output.splitlines()[-1])


def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """What is said of bad input, which ends with 2."""
    monkeypatch.setattr("sys.argv", ["marsad", "fuse", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_two_masts_and_a_patrol_make_one_picture_of_two_people(files: dict[str, Path], tmp_path: Path) -> None:
    paths = [files[name] for name in ("west.csv", "east.geojson", "patrol.csv")]
    report = fused(*paths, site=files["site.toml"], out=tmp_path / "out")
    whole = [track for track in report["tracks"] if track["status"] == "confirmed" and not track["became"]]
    assert {tuple(track["sources"]) for track in whole} == {("east", "west"), ("east", "patrol-3", "west")}
    with (tmp_path / "out" / "picture.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if int(row["time_ns"]) >= (START_S + 30) * S]
    for track, way in zip(sorted(whole, key=lambda t: len(t["sources"])), (walker, patrol), strict=True):
        mine = [row for row in rows if row["track_id"] == track["track_id"]]
        off = [math.dist((float(r["east_m"]), float(r["north_m"])), way(int(r["time_ns"]) / S - START_S)) for r in mine]
        assert len(mine) == SECONDS - 30
        assert np.sqrt(np.mean(np.square(off))) < 3.0
    sources = {each["state"]["source_id"]: each for each in report["sources"]}
    west = sources["west"]["state"]
    assert math.degrees(west["azimuth_rad"]) == pytest.approx(AZIMUTH_OFF_DEG, abs=0.1)
    assert [sources[name]["reports"] for name in ("east", "patrol-3", "west")] == ["bearings", "places", "bearings"]
    assert sources["west"]["measurements"] == 2 * SECONDS


def test_the_map_and_the_plot_show_each_track_with_ellipses_and_who_saw_it(
    files: dict[str, Path], tmp_path: Path
) -> None:
    report = fused(files["patrol.csv"], site=None, out=tmp_path / "out")
    collection = json.loads((tmp_path / "out" / "picture.geojson").read_text())
    lines = [f for f in collection["features"] if f["properties"]["feature"] == "picture_track"]
    ellipses = [f for f in collection["features"] if f["properties"]["feature"] == "error_ellipse"]
    (line,) = lines
    assert line["properties"]["track_id"] == report["tracks"][0]["track_id"]
    assert [each["source_id"] for each in line["properties"]["contributors"]] == ["patrol-3"]
    places = line["geometry"]["coordinates"]
    assert len(places) == len(line["properties"]["times_ns"]) == len(line["properties"]["covariances_m2"])
    last = FRAME.from_geodetic(places[-1][1], places[-1][0])
    assert math.dist([float(v) for v in last[:2]], patrol(SECONDS - 1)) < 8.0
    assert all(f["geometry"]["coordinates"][0][0] == f["geometry"]["coordinates"][0][-1] for f in ellipses)
    picture = cv2.imread(str(tmp_path / "out" / "picture.png"))
    assert picture.std() > 5


def test_reading_the_files_in_another_order_or_twice_gives_the_same_picture(
    files: dict[str, Path], tmp_path: Path
) -> None:
    paths = [files[name] for name in ("west.csv", "patrol.csv")]
    first = fused(*paths, site=files["site.toml"], out=tmp_path / "one")
    again = fused(*reversed(paths), paths[0], site=files["site.toml"], out=tmp_path / "two")
    assert again["left_out"] == 2 * SECONDS
    assert again["tracks"] == first["tracks"]
    pictures = [(tmp_path / name / "picture.csv").read_bytes() for name in ("one", "two")]
    assert pictures[0] == pictures[1]


def split(path: Path, folder: Path, second: int) -> tuple[Path, Path]:
    """A table of reports cut in two at a second."""
    header, *lines = path.read_text().splitlines()
    cut_ns = (START_S + second) * S
    parts = folder / f"first-{path.name}", folder / f"then-{path.name}"
    for part, chosen in zip(parts, (True, False), strict=True):
        rows = [line for line in lines if (moment(line) < cut_ns) == chosen]
        part.write_text("\n".join([header, *rows]) + "\n")
    return parts


def moment(line: str) -> int:
    """When a row is of."""
    first = line.split(",", maxsplit=1)[0]
    return int(first) if len(first) > 12 else int(first) * S


def test_a_log_is_gone_on_with_under_the_same_names_as_if_all_had_come_at_once(
    files: dict[str, Path], tmp_path: Path
) -> None:
    parts = [split(files[name], tmp_path, 20) for name in ("west.csv", "patrol.csv")]
    site, log = files["site.toml"], tmp_path / "events.sqlite"
    into, on = ["--log", str(log)], ["--log", str(log), "--resume"]
    whole = fused(files["west.csv"], files["patrol.csv"], site=site, out=tmp_path / "whole")
    first = fused(*(one for one, _ in parts), site=site, out=tmp_path / "a", more=into)
    then = fused(*(two for _, two in parts), site=site, out=tmp_path / "b", more=on)
    assert then["sources"][0]["state"] == whole["sources"][0]["state"]
    assert [t["track_id"] for t in then["tracks"]] == [t["track_id"] for t in whole["tracks"]]
    assert {t["track_id"] for t in first["tracks"]} >= {t["track_id"] for t in then["tracks"]}
    with (tmp_path / "whole" / "picture.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / "b" / "picture.csv").open() as file:
        later = list(csv.DictReader(file))
    assert later == [row for row in rows if int(row["time_ns"]) >= (START_S + 20) * S]
    again = fused(*(two for _, two in parts), site=site, out=tmp_path / "c", more=on)
    assert again["sources"][0]["state"] == then["sources"][0]["state"]
    with SqliteLogReader(log) as reader:
        assert str(reader.verify()) == again["head"]
        told = [stored.event for stored in reader.read()]
        assert [e.resumed is None for e in told if isinstance(e, PictureStarted)] == [True, False, False]
        taken = [(e.look.time_ns, e.look.source_id) for e in told if isinstance(e, LookTaken)]
        assert len(taken) == len(set(taken)) == 2 * SECONDS
        shown = PictureReplay.of(reader).picture
        assert [track.track_id for track in shown.tracks if track.status == "confirmed"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--resume"], "name the log with --log"),
        (["--log", "{log}", "--resume"], "there is no such log to go on with"),
        (["--log", "{made}", "--resume"], "the log has no picture to go on with; begin anew"),
        (["--log", "{patrol.csv}"], "is not a log"),
    ],
)
def test_a_log_that_cannot_be_gone_on_with_says_why(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    options: list[str], said: str,
) -> None:  # fmt: skip
    made = tmp_path / "made.sqlite"
    SqliteEventLog(made).close()
    named = {"{log}": str(tmp_path / "none.sqlite"), "{made}": str(made), "{patrol.csv}": str(files["patrol.csv"])}
    asked = [str(files["patrol.csv"]), "--site", str(files["site.toml"]), "--out", str(tmp_path / "out")]
    assert said in refused(capsys, monkeypatch, *asked, *(named.get(option, option) for option in options))
    places = [str(files["patrol.csv"]), "--out", str(tmp_path / "out"), "--log", str(made), "--resume"]
    assert "add --site SITE.toml" in refused(capsys, monkeypatch, *places)


def test_a_camera_that_was_turned_since_is_not_gone_on_with(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    into = ["--log", str(tmp_path / "events.sqlite")]
    fused(files["west.csv"], site=files["site.toml"], out=tmp_path / "out", more=into)
    turned = tmp_path / "turned.toml"
    turned.write_text(SITE.replace("azimuth_deg = 35.0", "azimuth_deg = 34.0"))
    message = refused(capsys, monkeypatch, str(files["west.csv"]), "--site", str(turned), *into, "--resume")
    assert "cannot be gone on with: west stands, looks or reports otherwise" in message


def test_the_summary_names_sources_with_their_biases_and_tracks(files: dict[str, Path], tmp_path: Path) -> None:
    asked = ["fuse", str(files["west.csv"]), "--site", str(files["site.toml"]), "--out", str(tmp_path / "out")]
    said = CliRunner().invoke(app, asked)
    assert said.exit_code == 0
    for word in ("from 1 sources", "azimuth off, deg", "clock behind, s", "west", "picture.png", "49 s"):
        assert word in said.output


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("yesterday,a,1,34.0,41.0,5,person,", "line 3, time = 'yesterday': UTC with a Z"),
        ("2026-08-08T20:10:00Z,,1,34.0,41.0,5,person,", "line 3, source = '': the name of the camera"),
        ("2026-08-08T20:10:00Z,a,1,94.0,41.0,5,person,", "line 3, lat = '94.0': a number from -90 to 90"),
        ("2026-08-08T20:10:00Z,a,1,34.0,,5,person,", "line 3, lon = '': a number from -180 to 180"),
        ("2026-08-08T20:10:00Z,a,1,34.0,41.0,-5,person,", "line 3, sigma_m = '-5': a number from 0.001"),
        ("2026-08-08T20:10:00Z,a,one,34.0,41.0,5,person,", "line 3, label = 'one': a whole number from 0, or empty"),
        ("2026-08-08T20:10:00Z,a,1,34.0,41.0,5,camel,", "line 3, kind = 'camel': one of person, group"),
        ("2026-08-08T20:10:00Z,a,1,34.0,41.0,5,person,few", "line 3, count = 'few': a whole number"),
        ("2026-08-08T20:10:00Z,a,1,34.0", "line 3: 4 fields; there should be 8"),
    ],
)
def test_a_bad_line_is_named_with_column_value_and_what_would_be_valid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, row: str, said: str
) -> None:
    path = tmp_path / "bad.csv"
    good = "2026-08-08T20:10:00Z,a,1,34.0,41.0,5,person,2"
    path.write_text(f"time,source,label,lat,lon,sigma_m,kind,count\n{good}\n{row}\n")
    message = refused(capsys, monkeypatch, str(path), "--out", str(tmp_path / "out"))
    assert str(path) in message
    assert said in message


def test_every_bad_line_is_named_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("time_ns,source,lat,lon,sigma_m\n1,a,99,41,5\n2,a,34,41,5\n3,a,34,41,\n")
    message = refused(capsys, monkeypatch, str(path))
    assert "2 places to mend" in message
    assert "line 2, lat = '99'" in message
    assert "line 4, sigma_m = ''" in message


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("none.txt", "", "must end in .csv"),
        ("header.csv", "when,source,lat,lon\n", "no column 'time'"),
        ("where.csv", "time,source,kind\n", "says neither where nor in which direction"),
        ("empty.csv", "time,source,lat,lon,sigma_m\n", "no report in them"),
        ("broken.geojson", '{"type": ', "is no JSON"),
        ("list.geojson", "[1]", "is no GeoJSON"),
        (
            "timeless.geojson",
            '{"type":"Feature","geometry":{"type":"Point","coordinates":[41,34]},"properties":{"source":"a"}}',
            "feature 1: needs a time for each place",
        ),
        ("flat.csv", "time_ns,source,east_m,north_m,sigma_m\n1,a,0,0,5\n", "add --site SITE.toml"),
        (
            "east.csv",
            "time_ns,source,east_m,north_m,east_m2,east_north_m2,north_m2\n1,a,0,0,4,5,4\n",
            "east_north_m2 = '5': nearer to 0 than 4",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, text: str, said: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert said in refused(capsys, monkeypatch, str(path))


def test_a_camera_that_the_site_does_not_have_is_named(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = files["west.csv"].read_text().replace(",west,", ",south,")
    files["west.csv"].write_text(text)
    message = refused(capsys, monkeypatch, str(files["west.csv"]), "--site", str(files["site.toml"]))
    assert "no camera with a pose named south" in message
    assert "west, east" in message


def test_an_older_track_file_without_bearings_says_to_watch_again(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads(files["east.geojson"].read_text())
    del document["features"][0]["properties"]["bearings_deg"]
    files["east.geojson"].write_text(json.dumps(document))
    message = refused(capsys, monkeypatch, str(files["east.geojson"]), "--site", str(files["site.toml"]))
    assert "bearings_deg" in message


def test_points_of_any_maker_are_read(tmp_path: Path) -> None:
    features = []
    for second in range(20):
        place = FRAME.position(1.5 * second, 10.0)
        properties = {"time": f"2026-08-08T20:10:{second:02}Z", "source": "radar", "label": 4, "sigma_m": 3.0}
        geometry = {"type": "Point", "coordinates": [place.longitude_deg, place.latitude_deg]}
        features.append({"type": "Feature", "geometry": geometry, "properties": properties})
    path = tmp_path / "radar.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    report = fused(path, site=None, out=tmp_path / "out")
    (track,) = report["tracks"]
    assert track["sources"] == ["radar"]
    assert track["sigma_m"] < 3.0


def test_the_site_of_these_tests_is_a_sound_one(files: dict[str, Path]) -> None:
    assert [each.id for each in load_site(files["site.toml"]).cameras] == ["west", "east"]


def reported(second: int, label: int, east_m: float) -> Report:
    cover = GroundCovariance(east_m2=9.0, east_north_m2=0.0, north_m2=9.0)
    return Report(time_ns=(START_S + second) * S, source_id="radar", label=label, flat=(east_m, 0.0), covariance=cover)


def test_reports_of_one_moment_are_one_look_and_what_is_told_twice_counts_once() -> None:
    ground = Ground(frame=FRAME, site=None, surface=None, views={})
    reports = [reported(1, 1, 0.0), reported(0, 1, 0.0), reported(0, 2, 80.0), reported(0, 2, 80.0)]
    looks, left_out = looks_of(reports, ground)
    assert [len(look.measurements) for look in looks] == [2, 1]
    assert left_out == 1


def test_the_picture_says_who_reports_a_track_and_what_is_known_of_him() -> None:
    ground = Ground(frame=FRAME, site=None, surface=None, views={})
    looks, _ = looks_of([reported(n, label, at + n) for n in range(20) for label, at in ((1, 0.0), (2, 90.0))], ground)
    fuser = Fuser([PlaceSensor("radar")])
    state = fuser.update(looks)
    tracks = sorted(picture_of(state, known_to(fuser, ground.frame)).tracks, key=lambda track: track.ground.east_m)
    assert [track.contributors[0].label for track in tracks] == [1, 2]
    for track, at in zip(tracks, (19.0, 109.0), strict=True):
        assert track.ground.east_m == pytest.approx(at, abs=3.0)
        assert track.ground.velocity_east_m_s == pytest.approx(1.0, abs=0.5)
        assert 0 < track.ground.covariance.east_m2 < 9.0
        back = FRAME.from_geodetic(track.ground.position.latitude_deg, track.ground.position.longitude_deg)
        assert float(back[0]) == pytest.approx(track.ground.east_m, abs=0.01)
    (radar,) = picture_of(state, known_to(fuser, ground.frame)).sources
    assert radar.trusted
    assert radar.azimuth_sigma_rad == 0.0
