"""`marsad presence` and `marsad mark`, from written logs to the files on the disk."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from marsad.adapters.geotiff import read_layers
from marsad.adapters.sqlite import SqliteEventLog, SqliteLogReader
from marsad.app.cli import app
from marsad.app.mark import read_polygon
from marsad.app.presence import moment, why
from marsad.app.presence_map import along
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError
from marsad.kernel.event import AreaMarked, CameraHealth, Event, TrackLost, TrackPoint, WatchStarted
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.presence import OpenPart, OpenReason
from marsad.kernel.track import Track

S = 1_000_000_000
START = 1_786_219_200 * S
FRAME = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0, height_m=100.0))


def spot(east: float, north: float) -> str:
    place = FRAME.position(east, north)
    return f"{{ latitude_deg = {place.latitude_deg:.7f}, longitude_deg = {place.longitude_deg:.7f} }}"


def square(east: float, north: float, half: float) -> str:
    corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
    return ", ".join(spot(east + e, north + n) for e, n in corners)


SITE = f"""
name = "Flat ground"
[origin]
latitude_deg = 34.0
longitude_deg = 41.0
height_m = 100.0
[terrain]
flat_height_m = 100.0
[[cameras]]
id = "mast"
reach_m = 2500.0
lens = {{ width_px = 1280, height_px = 1024, horizontal_fov_deg = 24.0 }}
pose = {{ latitude_deg = 34.0, longitude_deg = 41.0, mast_m = 30.0, azimuth_deg = 0.0, elevation_deg = -1.5 }}
[[cameras]]
id = "east-mast"
reach_m = 2500.0
lens = {{ width_px = 1280, height_px = 1024, horizontal_fov_deg = 24.0 }}
[cameras.pose]
latitude_deg = 34.0
longitude_deg = 41.008
mast_m = 30.0
azimuth_deg = 10.0
elevation_deg = -1.5
[[lines]]
id = "track-road"
points = [{spot(-900, 1200)}, {spot(1500, 1200)}]
[[zones]]
id = "gully"
points = [{square(-700, 700, 200)}]
[[inhabited]]
id = "hamlet"
points = [{square(400, 500, 120)}]
"""


def point(seconds: float, east: float, north: float) -> TrackPoint:
    time_ns = START + round(seconds * S)
    ground = GroundState(
        position=FRAME.position(east, north), east_m=east, north_m=north,
        covariance=GroundCovariance(east_m2=9.0, east_north_m2=0.0, north_m2=400.0), velocity_east_m_s=-1.3,
        velocity_north_m_s=0.2, range_m=900.0,
    )  # fmt: skip
    track = Track(
        track_id=4, camera_id="mast", origin="own", time_ns=time_ns, frame_index=0, status="confirmed",
        box=Box(x_px=1, y_px=1, w_px=2, h_px=5), velocity_x_px_s=0.0, velocity_y_px_s=0.0, contrast_counts=5.0,
        snr=9.0, kind="person", kind_confidence=0.9, confidence=0.9, first_ns=START, confirmed_ns=START, ground=ground,
    )  # fmt: skip
    return TrackPoint(time_ns=time_ns, track=track)


def started(camera_id: str, source: str = "") -> WatchStarted:
    return WatchStarted(
        time_ns=START, camera_id=camera_id, source=source, width_px=1280, height_px=1024, fps=10, software="test"
    )


NIGHT: Sequence[Event] = (
    started("mast"),
    *(point(second, -150 - 1.3 * second, 900 + 0.2 * second) for second in range(10, 41)),
    TrackLost(time_ns=START + 43 * S, camera_id="mast", track_id=4, kind="person", reason="missed"),
    CameraHealth(time_ns=START + 5000 * S, camera_id="mast", frame_index=1, kind="gain_jump"),
)
OTHER: Sequence[Event] = (
    started("east-mast"),
    CameraHealth(time_ns=START + 300 * S, camera_id="east-mast", frame_index=1, kind="covered"),
)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    for name, events in (("mast", NIGHT), ("east-mast", OTHER)):
        (tmp_path / "watch" / name).mkdir(parents=True)
        log = SqliteEventLog(tmp_path / "watch" / name / "events.sqlite")
        log.append(events)
        log.close()
    return tmp_path / "site.toml"


def run(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def asked(site: Path, *arguments: object) -> dict[str, object]:
    said = run("presence", site, "--log", site.parent / "watch", "--cell", 40, "--json", *arguments)
    found: dict[str, object] = json.loads(said.splitlines()[-1])
    return found


def test_a_night_is_told_in_words(site: Path) -> None:
    text = run("presence", site, "--log", site.parent / "watch", "--cell", 40, "--at", "+400")
    assert "mast/4 (person), lost 6 min ago" in text
    assert "east-mast would see it but is down: covered since 2026-08-08 20:05:00 UTC" in text
    assert "beside the picture of mast; turn it" in text
    assert "of the sector" in text
    assert "gully: unsearched" in text
    assert "no probability is shown in inhabited places" in text


def test_what_is_open_grows_when_a_camera_is_covered(site: Path) -> None:
    before, after = (
        sum(each["length_m"] for each in asked(site, "--at", at)["open_now"])  # type: ignore[attr-defined]  # JSON
        for at in ("2026-08-08T20:04:00Z", "2026-08-08T20:06:00Z")
    )
    assert after > before + 300


def test_the_files_agree_with_what_is_said(site: Path, tmp_path: Path) -> None:
    told = asked(site, "--at", "+900", "--out", tmp_path / "out", "--visibility", 6000)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"report.txt", "report.json", "presence.geojson", "presence.tif", "map.png"}
    assert json.loads((tmp_path / "out" / "report.json").read_text())["open_now"] == told["open_now"]
    layers = read_layers(tmp_path / "out" / "presence.tif")
    assert set(layers) == {"unobserved_s", "look_chance", "presence_km2", "clear"}
    lost = told["lost"][0]  # type: ignore[index]  # JSON
    cells = np.nansum(layers["presence_km2"]) * 0.0016
    assert cells == pytest.approx(1.0, abs=0.03)
    assert np.isnan(layers["presence_km2"]).sum() >= 36
    features = json.loads((tmp_path / "out" / "presence.geojson").read_text())["features"]
    kinds = {each["properties"]["feature"] for each in features}
    assert kinds >= {"unobserved", "open", "whereabouts", "area"}
    half = next(each for each in features if each["properties"].get("probability") == 0.5)
    assert half["geometry"]["coordinates"]
    assert lost["area_50_km2"] < lost["area_90_km2"]
    picture = np.asarray(Image.open(tmp_path / "out" / "map.png").convert("RGB"))
    assert picture.shape[0] > 800
    assert (np.abs(picture.astype(int) - (197, 27, 42)).sum(axis=2) < 12).sum() > 200, "an open stretch in red"


def test_a_patrol_s_gps_and_an_officer_s_mark_count(site: Path, tmp_path: Path) -> None:
    rows = [FRAME.position(-700 + 2 * k, 1200) for k in range(60)]
    lines = [
        f"{(START + (500 + 5 * k) * S) // S},{place.latitude_deg:.8f},{place.longitude_deg:.8f}"
        for k, place in enumerate(rows)
    ]
    (tmp_path / "patrol-2.csv").write_text("time,latitude_deg,longitude_deg\n" + "\n".join(lines) + "\n")
    areas = tmp_path / "areas.sqlite"
    said = run(
        "mark", "gully", "--log", areas, "--state", "searched", "--officer", "Rebin", "--reason", "lost track",
        "--by", "patrol-2", "--at", "2026-08-08T20:12:00Z",
    )  # fmt: skip
    assert "gully is searched, says Rebin" in said
    plain = asked(site, "--at", "+810")
    told = asked(site, "--at", "+810", "--patrol", tmp_path / "patrol-2.csv", "--log", areas)
    assert (
        sum(each["length_m"] for each in told["open_now"]) < sum(each["length_m"] for each in plain["open_now"]) - 150
    )  # type: ignore[attr-defined]  # JSON
    (gully,) = told["areas"]  # type: ignore[misc]  # JSON
    assert gully["state"] == "searched"
    assert gully["by"] == "patrol-2"
    assert 0 < gully["clear"] < 1
    assert gully["probability"] < plain["areas"][0]["probability"]  # type: ignore[index]  # JSON


def test_a_drawn_area_comes_from_its_file(tmp_path: Path) -> None:
    corners = [[41.0, 34.0], [41.01, 34.0], [41.01, 34.01], [41.0, 34.0]]
    shape = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [corners]}}
    (tmp_path / "area.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [shape]}))
    log = tmp_path / "areas.sqlite"
    run(
        "mark", "pocket", "--log", log, "--state", "held", "--officer", "Rebin", "--reason", "order", "--drawn",
        tmp_path / "area.geojson",
    )  # fmt: skip
    with SqliteLogReader(log) as reader:
        (event,) = [stored.event for stored in reader.read()]
    assert isinstance(event, AreaMarked)
    assert event.mark.points[1] == Position(latitude_deg=34.0, longitude_deg=41.01)
    assert len(event.mark.points) == 3


@pytest.mark.parametrize("content", ["", "{}", '{"type": "Point", "coordinates": [1, 2]}', "[1]"])
def test_what_is_no_polygon_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "area.geojson").write_text(content)
    with pytest.raises(InputError, match="polygon"):
        read_polygon(tmp_path / "area.geojson")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--at", "+soon"), "--at"),
        (("--at", "tomorrow"), "--at"),
        (("--cell", "0"), "--cell"),
        (("--cell", "0.5"), "cells"),
        (("--log", "nowhere"), "nowhere"),
    ],
)
def test_nonsense_is_refused_by_name(site: Path, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        asked(site, *arguments)


def test_a_mark_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="officer"):
        run("mark", "a", "--log", tmp_path / "l", "--state", "held", "--officer", " ", "--reason", "r")


def test_the_same_logs_give_the_same_report(site: Path) -> None:
    one, other = (msgspec.json.encode(asked(site, "--at", "+700")) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("reason", get_args(OpenReason))
def test_every_reason_is_told_with_what_mends_it(reason: OpenReason) -> None:
    part = OpenPart(from_m=0, to_m=10, reason=reason, remedy="send_patrol", camera_id="mast", turn_deg=-7.0)
    words = why(part)
    assert "never observed" in words
    assert ("turn it 7 degrees anticlockwise" in words) == (reason == "out_of_field")


@pytest.mark.parametrize(
    ("bad", "said"),
    [('id = "hamlet"', "gully"), (spot(520, 380), spot(280, 620))],
)
def test_an_inhabited_place_is_held_to_the_rules_of_zones(site: Path, bad: str, said: str) -> None:
    """A name that a zone has, and sides that cross."""
    site.write_text(SITE.replace(bad, bad.replace("hamlet", said) if "hamlet" in bad else said))
    with pytest.raises(InputError, match=r"inhabited\[0\]"):
        asked(site)


def test_moments_without_a_date_count_from_the_recording() -> None:
    assert moment(75 * S) == "75 s into the recording"
    assert moment(START) == "2026-08-08 20:00:00 UTC"


def test_a_part_of_a_line_keeps_the_corners_within() -> None:
    path = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 50.0]])
    assert along(path, 80.0, 120.0).tolist() == [[80.0, 0.0], [100.0, 0.0], [100.0, 20.0]]
