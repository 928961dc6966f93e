"""`marsad plan`: from a site and a plan file to files that the rest of Marsad reads."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from marsad.app.check import check_site
from marsad.app.cli import app
from marsad.app.config import load_site
from marsad.app.plan import plan_site
from marsad.app.plan_file import load_plan_file
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.error import InputError
from marsad.kernel.plan import Plan
from marsad.kernel.position import Position

EXAMPLE = Path(__file__).parents[2] / "examples" / "plan"
FRAME = EnuFrame(Position(latitude_deg=34.4, longitude_deg=41.0))


def spot(east: float, north: float) -> str:
    place = FRAME.position(east, north)
    return f"{{ latitude_deg = {place.latitude_deg:.7f}, longitude_deg = {place.longitude_deg:.7f} }}"


def candidates(*easts: float, north: float = 0.0) -> str:
    return "".join(
        f'[[candidates]]\nid = "c{number}"\nposition = {spot(east, north)}\n' for number, east in enumerate(easts)
    )


SITE = f"""
name = "Flat ground"
origin = {{ latitude_deg = 34.4, longitude_deg = 41.0 }}
terrain = {{ flat_height_m = 200.0 }}
lines = [{{ id = "line", points = [{spot(-800, 0)}, {spot(800, 0)}] }}]
"""
STANDING = f"""
[[cameras]]
id = "old"
reach_m = 2500.0
lens = {{ width_px = 2560, height_px = 2048, horizontal_fov_deg = 90.0 }}
[cameras.pose]
latitude_deg = {FRAME.position(0, -700).latitude_deg}
longitude_deg = 41.0
mast_m = 30.0
azimuth_deg = 0.0
elevation_deg = -2.0
"""
BARE = SITE.replace("terrain = { flat_height_m = 200.0 }", "")
HEAD = "depth_m = 600.0\n"
TOWERS = """
[[towers]]
id = "mast"
mast_m = 8.0
cost = 30.0
reach_m = 700.0
lens = { width_px = 640, height_px = 512, horizontal_fov_deg = 45.0 }
"""


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., Result]:
    def run(settings: str, site: str = SITE, *more: str) -> Result:
        (tmp_path / "site.toml").write_text(site, encoding="utf-8")
        (tmp_path / "asked.toml").write_text(settings, encoding="utf-8")
        files = [
            str(tmp_path / "site.toml"),
            "--settings",
            str(tmp_path / "asked.toml"),
            "--out",
            str(tmp_path / "out"),
        ]
        return CliRunner().invoke(app, ["plan", *files, "--out", str(tmp_path / "out"), "--json", "--no-check", *more])

    return run


def report(result: Result) -> dict[str, Any]:
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_the_example_is_solved_and_its_files_are_read_by_the_rest(tmp_path: Path) -> None:
    files = [str(EXAMPLE / "site.toml"), "--settings", str(EXAMPLE / "plan.toml"), "--out", str(tmp_path)]
    result = CliRunner().invoke(app, ["plan", *files, "--for", "20"])
    assert result.exit_code == 0, result.output
    assert "Illustrative terrain" in result.stdout
    assert "gap 0.0%" in result.stderr
    made = msgspec.json.decode((tmp_path / "plan.json").read_bytes(), type=Plan)
    assert made.cost == made.bound == sum(placement.cost for placement in made.placements)
    assert made.reached >= made.required == pytest.approx(0.9)
    site = load_site(tmp_path / "plan.toml")
    assert len(site.cameras) == len(made.placements)
    assert all(camera.pose is not None and camera.source for camera in site.cameras)
    assert site.terrain.illustrative
    checked = check_site(tmp_path / "plan.toml")
    assert checked.ok, checked.text()
    assert any(camera.sees.get("ridge-line", 0) > 0 for camera in checked.cameras)
    shown = json.loads((tmp_path / "plan.geojson").read_text())
    ways = [each["properties"] for each in shown["features"] if each["properties"]["feature"] == "worst_way"]
    assert {way["direction"] for way in ways} == {"inward", "outward"}
    assert min(way["probability"] for way in ways) == pytest.approx(made.reached, abs=1e-4)
    with Image.open(tmp_path / "map.png") as picture:
        assert picture.width > 800
    assert "300 walks on other ways" in result.stdout
    with Image.open(tmp_path / "check.png") as picture:
        assert picture.width > 500


def test_what_the_plan_foretells_is_what_comes_of_walkers_that_are_simulated(plan: Callable[..., Result]) -> None:
    found = report(plan(HEAD + TOWERS + candidates(-600, -200, 200, 600), SITE + STANDING, "--check"))["check"]
    assert found["walks"] == 300
    assert found["difference"] < 0.04
    assert found["brier"] < found["brier_least"] + 0.02
    assert found["least"] > 0.8
    assert sum(each["walks"] for each in found["bins"]) == 300


def test_on_flat_ground_the_fewest_masts_that_hold_the_line_are_built(plan: Callable[..., Result]) -> None:
    found = report(plan(HEAD + TOWERS + candidates(-600, -200, 200, 600)))
    assert found["closed"]
    assert found["stopped"] == "proven"
    assert found["gap"] == 0
    assert 0 < len(found["towers"]) < 4


def test_a_sector_that_cannot_be_closed_says_where(plan: Callable[..., Result], tmp_path: Path) -> None:
    assert plan(HEAD + TOWERS + candidates(-600, -200, 200, 600)).exit_code == 0
    result = plan(HEAD + TOWERS + candidates(-600))
    assert result.exit_code == 1
    found = report(result)
    assert found["plan"] is None
    for way in found["ways"]:
        assert way["unseen_m"] > 0
        east, north, _ = FRAME.from_geodetic(way["crosses"][1], way["crosses"][0])
        assert east > 0
        assert abs(north) < 100
    assert not (tmp_path / "out" / "plan.toml").exists(), "a plan of an earlier run is left"
    assert (tmp_path / "out" / "map.png").exists()


def test_a_camera_that_stands_is_kept_and_spares_towers(plan: Callable[..., Result], tmp_path: Path) -> None:
    asked = HEAD + "standing_try_s = 20.0\n" + TOWERS + candidates(-600, -200, 200, 600)
    without, found = report(plan(asked)), report(plan(asked, SITE + STANDING))
    assert found["plan"]["cost"] < without["plan"]["cost"]
    assert {"option": "old", "kind": "standing", "cost": 0.0, "standing": True} in found["plan"]["placements"]
    assert any("try every 20 s" in note for note in found["notes"])
    assert load_site(tmp_path / "out" / "plan.toml").cameras[0].id == "old"


@pytest.mark.parametrize(
    ("settings", "site", "said"),
    [
        (TOWERS + HEAD + candidates(0), SITE, "no such key"),
        (HEAD + TOWERS, SITE, "spread"),
        (HEAD + TOWERS + candidates(0) + "[terrain]\nseed = 1\n", SITE, "take \\[terrain\\] out"),
        (HEAD + TOWERS + candidates(0), BARE, "no terrain"),
        (HEAD + TOWERS + candidates(0), SITE.replace("lines =", "fences ="), "no line"),
        (HEAD + TOWERS + candidates(0, north=-1500.0), SITE, "no candidate sees anything"),
        (HEAD + "cell_m = 300.0\n" + TOWERS + candidates(0), SITE, "third of depth_m"),
        (HEAD + TOWERS + TOWERS + candidates(0), SITE, "towers\\[0\\] has this one"),
        (HEAD + TOWERS + 'source = "rtsp://one"\n' + candidates(0), SITE, "{camera}"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(plan: Callable[..., Result], settings: str, site: str, said: str) -> None:
    result = plan(settings, site)
    assert isinstance(result.exception, InputError)
    with pytest.raises(InputError, match=said):
        raise result.exception


def test_a_line_outside_its_terrain_is_named_with_the_point(plan: Callable[..., Result], tmp_path: Path) -> None:
    asked = HEAD + TOWERS + candidates(-600, -200, 200, 600)
    assert plan(asked + "[terrain]\ncell_m = 50\n", BARE).exit_code == 0
    (tmp_path / "out" / "terrain.tif").rename(tmp_path / "kept.tif")
    far = BARE.replace(spot(800, 0), spot(9000, 0)) + '[terrain]\nfiles = ["kept.tif"]\n'
    result = plan(asked, far)
    assert isinstance(result.exception, InputError)
    assert "1 of its 2 points lie outside the known terrain" in str(result.exception)


def test_no_file_that_is_read_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    asked = tmp_path / "plan.toml"
    asked.write_text(HEAD + TOWERS + candidates(0), encoding="utf-8")
    files = [str(tmp_path / "site.toml"), "--settings", str(asked), "--out", str(tmp_path)]
    result = CliRunner().invoke(app, ["plan", *files])
    assert "choose another --out" in str(result.exception)
    assert load_plan_file(asked).towers


def test_ctrl_c_keeps_the_best_so_far(tmp_path: Path) -> None:
    def stop(text: str) -> None:
        if "cut" in text:
            raise KeyboardInterrupt

    found = plan_site(EXAMPLE / "site.toml", EXAMPLE / "plan.toml", tmp_path, seconds=60.0, tell=stop)
    assert found.stopped == "interrupted"
    assert found.plan is not None
    assert 0 < found.plan.bound < found.plan.cost
    assert "stopped by you" in found.text()
    assert len(load_site(tmp_path / "plan.toml").cameras) == len(found.towers)


def test_the_search_ends_when_its_time_is_up(tmp_path: Path) -> None:
    found = plan_site(EXAMPLE / "site.toml", EXAMPLE / "plan.toml", tmp_path, seconds=1e-3, tell=lambda _: None)
    assert found.stopped == "time"
    assert found.gap is not None
    assert found.gap > 0
