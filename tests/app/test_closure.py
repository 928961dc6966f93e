"""`marsad closure`, and how a station's plan holds, on level ground with three masts in a row."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from marsad.adapters.memory import MemoryEventLog
from marsad.app.cli import app
from marsad.app.closure import PlannedLine, Standing
from marsad.app.config import load_site
from marsad.app.ground_watch import GroundWatch
from marsad.app.plan_file import load_plan_file
from marsad.console.desk import Told
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.closure import Closure
from marsad.kernel.event import CameraHealth, CameraLost, Event, WatchStarted
from marsad.kernel.position import Position

FRAME = EnuFrame(Position(latitude_deg=34.4, longitude_deg=41.0))
S = 10**9
BEGIN = 1_786_000_000 * S


def spot(east: float, north: float) -> str:
    place = FRAME.position(east, north)
    return f"latitude_deg = {place.latitude_deg:.7f}, longitude_deg = {place.longitude_deg:.7f}"


def mast(name: str, east: float) -> str:
    return f"""
[[cameras]]
id = "{name}"
source = "rtsp://{name}.invalid/thermal"
reach_m = 700.0
lens = {{ width_px = 640, height_px = 512, horizontal_fov_deg = 45.0 }}
pose = {{ {spot(east, 0)}, mast_m = 8.0, azimuth_deg = 0.0, elevation_deg = -2.0 }}
"""


SITE = f"""
name = "Flat ground"
origin = {{ latitude_deg = 34.4, longitude_deg = 41.0 }}
terrain = {{ flat_height_m = 200.0 }}
lines = [{{ id = "line", points = [{{ {spot(-1200, 0)} }}, {{ {spot(1200, 0)} }}] }}]
posts = [{{ id = "theirs", position = {{ {spot(1150, 100)} }} }}]
{mast("c0-mast", -800)}{mast("c1-mast", 0)}{mast("c2-mast", 800)}
"""
PATROL = f"""
[[patrols]]
patrol_id = "p1"
means = "vehicle"
persons = 3
home = {{ {spot(900, -500)} }}
"""
PLAN = """
depth_m = 600.0
candidates = [{ id = "c0", position = { latitude_deg = 34.4, longitude_deg = 41.0 } }]
[[towers]]
id = "mast"
mast_m = 8.0
cost = 30.0
reach_m = 700.0
lens = { width_px = 640, height_px = 512, horizontal_fov_deg = 45.0 }
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("closure")
    (folder / "site.toml").write_text(SITE + PATROL, encoding="utf-8")
    (folder / "asked.toml").write_text(PLAN, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def line(files: Path) -> PlannedLine:
    return PlannedLine(load_site(files / "site.toml"), load_plan_file(files / "asked.toml"))


@pytest.fixture
def ask(files: Path) -> Callable[..., Any]:
    def run(*more: str) -> Any:  # noqa: ANN401 - what JSON holds
        named = [str(files / "site.toml"), "--plan", str(files / "asked.toml")]
        result = CliRunner().invoke(app, ["closure", *named, "--json", *more])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        found = json.loads(result.stdout)
        assert result.exit_code == (1 if found["closure"]["open"] else 0)
        return found["closure"]

    return run


def test_with_all_cameras_sound_nothing_is_open(ask: Callable[..., Any]) -> None:
    found = ask()
    assert found["open"] == []
    assert found["steps"] == []
    assert found["reached"] >= 0.9


def test_a_camera_down_opens_its_stretch_and_what_is_cheapest_closes_it(line: PlannedLine) -> None:
    home = {"p1": FRAME.position(900, -500)}
    found = line.now(Standing(missing=frozenset({"c2-mast"}), patrols=home))
    assert found.missing == ("c2-mast",)
    assert found.open[-1].to_m == pytest.approx(2400, abs=100)
    assert found.open[0].from_m > 1500
    assert found.reached == pytest.approx(min(each.reached for each in found.open), abs=1e-6)
    assert found.steps
    assert {step.what for step in found.steps} == {"post_patrol"}
    assert found.bound_minutes <= found.minutes < line.restore_min
    alone = line.now(Standing(missing=frozenset({"c2-mast"})))
    assert [(step.what, step.name) for step in alone.steps] == [("restore_camera", "c2-mast")]
    assert alone.minutes == line.restore_min


def test_people_who_look_and_thick_air_count(line: PlannedLine) -> None:
    clear = line.now(Standing())
    thick = line.now(Standing(visibility_m=150.0))
    assert thick.reached < clear.reached
    assert thick.open
    assert not thick.closable
    lost = Standing(missing=frozenset({"c2-mast"}))
    people = {str(east): FRAME.position(east, 0) for east in range(500, 1200, 150)}
    assert line.now(lost).open
    manned = line.now(lost._replace(people=people))
    assert manned.open == ()
    assert manned.people == tuple(people)


def test_with_a_base_the_line_is_open_where_nobody_would_be_there_in_time(files: Path) -> None:
    base = f"""
[[bases]]
id = "camp"
position = {{ {spot(0, -300)} }}
crews = 2
ready_s = 10.0
[[barriers]]
id = "wire"
delay_s = 900.0
cost_per_km = 1.0
"""
    camp = f'{{ id = "camp", name = "patrols: 2", position = {{ {spot(0, -300)} }} }}'
    wire = f'fences = [{{ id = "w", name = "wire", points = [{{ {spot(-1200, 0)} }}, {{ {spot(1200, 0)} }}] }}]\n'
    plain = SITE.split("[[cameras]]", 1)
    manned = plain[0].replace("posts = [", f"posts = [{camp}, ")
    (files / "based.toml").write_text("probability = 0.6\n" + PLAN + base, encoding="utf-8")
    reached = []
    for head in (plain[0], manned, manned + wire):
        (files / "held.toml").write_text(head + "[[cameras]]" + plain[1], encoding="utf-8")
        held = PlannedLine(load_site(files / "held.toml"), load_plan_file(files / "based.toml"))
        reached.append(held.now(Standing()))
    alone, answered, slowed = reached
    assert alone.reached == 0.0
    assert not alone.closable
    assert alone.reached < answered.reached < slowed.reached
    assert slowed.open == ()
    lost = held.now(Standing(missing=frozenset({"c1-mast"})))
    assert lost.open
    assert [step.name for step in lost.steps] == ["c1-mast"]


def test_names_that_the_site_does_not_know_are_refused(files: Path) -> None:
    named = ["closure", str(files / "site.toml"), "--plan", str(files / "asked.toml")]
    for more, said in ((["--down", "c9"], "no camera"), (["--manned", "nobody"], "no post")):
        result = CliRunner().invoke(app, [*named, *more])
        assert said in str(result.exception)


def test_the_report_says_what_to_do(files: Path) -> None:
    named = ["closure", str(files / "site.toml"), "--plan", str(files / "asked.toml"), "--down", "c1-mast"]
    text = CliRunner().invoke(app, [*named, "--restore", "1"]).stdout
    assert "Open by plan" in text
    assert "bringing c1-mast back (1 min)" in text


def held(watch: GroundWatch, said: list[Event], now_ns: int) -> Closure:
    watch.hear([Told(sequence=place, event=event) for place, event in enumerate(said)])
    heard, watch._heard = watch._heard, []
    watch._make(heard, now_ns)
    watch._closure = found = watch._close(now_ns, {})
    assert found is not None
    return found


def test_a_station_follows_its_cameras_and_takes_no_turning_for_trouble(files: Path, line: PlannedLine) -> None:
    site = load_site(files / "site.toml")
    surface = line.sector.surface
    watch = GroundWatch(site, surface, MemoryEventLog(), lambda: BEGIN, plan=line)
    assert watch.closure() is None
    started: list[Event] = [
        WatchStarted(
            time_ns=BEGIN, camera_id=camera.id, source="x", width_px=640, height_px=512, fps=9.0, software="test"
        )
        for camera in site.cameras
    ]
    turning = CameraHealth(time_ns=BEGIN + S, camera_id="c0-mast", kind="panning", frame_index=9, detail="")
    first = held(watch, [*started, turning], BEGIN + 2 * S)
    assert first.open == ()
    assert watch.closure() is first
    again = held(watch, [], BEGIN + 12 * S)
    assert msgspec.structs.replace(again, time_ns=0) == msgspec.structs.replace(first, time_ns=0)
    lost = held(watch, [CameraLost(time_ns=BEGIN + 13 * S, camera_id="c1-mast", detail="gone")], BEGIN + 20 * S)
    assert lost.missing == ("c1-mast",)
    assert lost.open
    assert [step.name for step in lost.steps] == ["c1-mast"]
