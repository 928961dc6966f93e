"""`marsad plan`: from a site and a plan file to files that the rest of Marsad reads."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import rasterio
from PIL import Image
from typer.testing import CliRunner, Result

from marsad.adapters.vector import Shape, geopackage, read_shapes
from marsad.app.check import check_site
from marsad.app.cli import app
from marsad.app.config import load_site
from marsad.app.plan import plan_site
from marsad.app.plan_file import load_plan_file
from marsad.app.plan_split import plan_sectors
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


BASE = f"""
[[bases]]
id = "camp"
position = {spot(0, -500)}
crews = 1
cost = 20.0
crew_year = 2.0
ready_s = 30.0
"""
WIRE = """
[[barriers]]
id = "wire"
delay_s = 400.0
cost_per_km = 50.0
"""
STANDS = """
[[standing]]
barrier = "wire"
from_m = 0.0
to_m = 800.0
"""
POST = f"""
[[posts]]
id = "hill"
position = {spot(0, 300)}
sees_as = "mast"
"""
COVER = f"""
[[cover]]
points = [{spot(-300, -200)}, {spot(300, -200)}, {spot(300, 200)}, {spot(-300, 200)}]
times = 2
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
        return CliRunner().invoke(
            app, ["plan", *files, "--out", str(tmp_path / "out"), "--json", "--no-check", "--no-report", *more]
        )

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
    for name in ("plan.gpkg", "plan.kml"):
        shapes = read_shapes(tmp_path / name, name)
        assert sorted(shape.rings[0] for shape in shapes) == sorted(map(corners, shown["features"]))
    assert {shape.properties["feature"] for shape in read_shapes(tmp_path / "plan.gpkg", "plan")} == {
        "line", "tower", "candidate", "worst_way",
    }  # fmt: skip
    with rasterio.open(tmp_path / "plan.tif") as raster:
        assert raster.descriptions == ("height_m", "seen")
        assert raster.tags()["note"].startswith("Illustrative")
        seen = raster.read(2)
        assert set(np.unique(seen[~np.isnan(seen)])) == {0.0, 1.0}
    assert "300 walks on other ways" in result.stdout
    with Image.open(tmp_path / "check.png") as picture:
        assert picture.width > 500


def test_reports_in_four_languages_say_what_the_plan_rests_on(plan: Callable[..., Result], tmp_path: Path) -> None:
    asked = "probability = 0.5\ncurve = [0.3]\n" + HEAD + TOWERS + candidates(-600, -200, 200, 600) + BASE
    found = report(plan(asked, SITE + STANDING, "--report", "--check"))
    study = found["study"]
    kinds_of = [(one["premise"], one["factor"]) for one in study["sensitivities"]]
    assert kinds_of == [
        ("detection_rate", 0.7),
        ("detection_rate", 0.5),
        ("reach", 0.7),
        ("reach", 0.5),
        ("ground", 3.0),
        ("ground", 3.0),
    ]
    quick, slow, far, near, *_ = (one["median"] for one in study["sensitivities"])
    assert found["plan"]["reached"] + 1e-9 >= quick >= slow
    assert far >= near
    drawn = study["sensitivities"][-2:]
    assert [one["direction"] for one in drawn] == ["inward", "outward"]
    assert all(one["low"] <= one["tenth"] <= one["median"] <= one["high"] for one in drawn)
    assert all(one["kept"] == (one["low"] >= 0.5) for one in study["sensitivities"][:-2])
    assert 0 <= study["dead_share"] < 1
    for language, said in (("ar", "خطة"), ("ckb", "پلان"), ("kmr", "Plana"), ("en", "Plan for")):
        page = (tmp_path / "out" / f"report-{language}.html").read_text(encoding="utf-8")
        assert said in page
        assert page.count("data:image/png") == 3
        assert f"{found['check']['brier']:.4f}" in page
        assert (tmp_path / "out" / f"report-{language}.pdf").read_bytes().startswith(b"%PDF")
    report(plan(asked, SITE + STANDING))
    assert not (tmp_path / "out" / "report-en.pdf").exists()


def test_drawn_ground_is_walked_on_and_seen_anew(plan: Callable[..., Result]) -> None:
    asked = "probability = 0.5\n" + HEAD + TOWERS + candidates(-600, -200, 200, 600) + BASE
    spread = []
    for sigma in (0.0, 8.0):
        site = SITE.replace("200.0 }", f"200.0, sigma_m = {sigma}, correlation_m = 120.0 }}")
        found = report(plan(asked, site, "--report"))
        *_, inward, outward = found["study"]["sensitivities"]
        for way, drawn in zip(found["plan"]["ways"], (inward, outward), strict=True):
            assert drawn["direction"] == way["direction"]
            assert sigma > 0 or drawn["low"] == drawn["high"] == pytest.approx(way["probability"], abs=1e-6)
        spread.append(inward["high"] - inward["low"])
    assert spread[1] > spread[0] + 0.02


def corners(feature: dict[str, Any]) -> tuple[tuple[float, float], ...]:
    given = feature["geometry"]["coordinates"]
    return tuple((x, y) for x, y in ([given] if feature["geometry"]["type"] == "Point" else given))


def test_what_the_plan_foretells_is_what_comes_of_walkers_that_are_simulated(plan: Callable[..., Result]) -> None:
    found = report(plan(HEAD + TOWERS + candidates(-600, -200, 200, 600), SITE + STANDING, "--check"))["check"]
    assert found["walks"] == 300
    assert found["difference"] < 0.04
    assert found["brier"] < found["brier_least"] + 0.02
    assert found["least"] > 0.8
    assert sum(each["walks"] for each in found["bins"]) == 300


def test_what_is_foretold_of_being_stopped_is_what_comes_of_those_who_are_held_up(
    plan: Callable[..., Result],
) -> None:
    asked = "probability = 0.5\n" + HEAD + TOWERS + candidates(-600, -200, 200, 600) + BASE + WIRE + STANDS
    found = report(plan(asked + POST, SITE, "--check"))
    check = found["check"]
    assert check["measure"] == found["measure"] == "interruption"
    assert check["difference"] < 0.06
    assert check["brier"] < check["brier_least"] + 0.02
    assert check["least"] > 0.4
    assert sum(each["walks"] for each in check["bins"]) == check["walks"] > 250


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
        east, north, _ = FRAME.from_geodetic(way["crosses"]["latitude_deg"], way["crosses"]["longitude_deg"])
        assert east > 0
        assert abs(north) < 100
    assert not (tmp_path / "out" / "plan.toml").exists(), "a plan of an earlier run is left"
    assert (tmp_path / "out" / "map.png").exists()


def test_a_camera_that_stands_is_kept_and_spares_towers(plan: Callable[..., Result], tmp_path: Path) -> None:
    asked = HEAD + "standing_try_s = 20.0\n" + TOWERS + candidates(-600, -200, 200, 600)
    without, found = report(plan(asked)), report(plan(asked, SITE + STANDING))
    assert found["plan"]["cost"] < without["plan"]["cost"]
    old = next(one for one in found["plan"]["placements"] if one["option"] == "old")
    assert (old["kind"], old["element"], old["cost"], old["standing"]) == ("standing", "camera", 0.0, True)
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
        (HEAD + TOWERS + candidates(0) + WIRE, SITE, "\\[\\[bases\\]\\]"),
        (HEAD + TOWERS + candidates(0) + BASE + STANDS, SITE, "one of the \\[\\[barriers\\]\\]"),
        (HEAD + TOWERS + candidates(0) + BASE + "[respond]\noutward_m = 900.0\n", SITE, "at most depth_m"),
        (HEAD + TOWERS + candidates(0) + POST.replace("mast", "hut"), SITE, "one of the \\[\\[towers\\]\\]"),
        (HEAD + TOWERS + candidates(0) + '[[phases]]\nname = "one"\nbuilds = ["moat"]\n', SITE, "tower, barrier"),
        (HEAD + TOWERS + candidates(0) + BASE.replace("crews = 1", "standing_crews = 3"), SITE, "at most crews"),
        (HEAD + TOWERS + candidates(0) + BASE.replace(spot(0, -500), spot(0, 500)), SITE, "base camp"),
        (HEAD + 'no_build = "none.geojson"\n' + TOWERS + candidates(0), SITE, "none.geojson"),
        (HEAD + TOWERS + candidates(0) + COVER.replace("times = 2", "times = 9"), SITE, "9 are wanted"),
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


def kinds(found: dict[str, Any]) -> list[str]:
    return [one["kind"] for one in found["plan"]["placements"] if not one["standing"]]


def test_with_a_base_those_who_are_noticed_too_late_do_not_count(plan: Callable[..., Result]) -> None:
    asked = "probability = 0.7\n" + HEAD + TOWERS + candidates(-600, -200, 200, 600)
    seen, stopped = report(plan(asked)), report(plan(asked + BASE))
    assert "base" in kinds(stopped)
    assert stopped["plan"]["measure"] == "interruption"
    assert stopped["plan"]["cost"] >= seen["plan"]["cost"] + 20 + 10 * 2
    for way in stopped["plan"]["ways"]:
        assert way["answered_by"] == "camp"
        assert way["detected"] >= way["probability"] >= 0.7
        assert way["response_s"] > 30


def test_a_response_that_is_too_late_needs_a_barrier_and_the_site_gets_it(
    plan: Callable[..., Result], tmp_path: Path
) -> None:
    asked = "probability = 0.6\n" + HEAD + TOWERS + candidates(-600, -200, 200, 600)
    slow = BASE.replace("ready_s = 30.0", "ready_s = 600.0")
    late = plan(asked + slow)
    assert late.exit_code == 1
    assert "too late" in " ".join(late_text(tmp_path, asked + slow).split())
    found = report(plan(asked + slow + WIRE))
    assert found["closed"]
    assert kinds(found).count("wire") == 2
    site = load_site(tmp_path / "out" / "plan.toml")
    assert [fence.name for fence in site.fences] == ["wire"]
    assert [post.id for post in site.posts] == ["camp"]
    half = report(plan(asked + slow + WIRE + STANDS + "\n"))
    assert 0 < half["plan"]["cost"] < found["plan"]["cost"]
    shown = json.loads((tmp_path / "out" / "plan.geojson").read_text())
    assert {"barrier", "base", "tower"} <= {each["properties"]["feature"] for each in shown["features"]}


def late_text(tmp_path: Path, settings: str) -> str:
    (tmp_path / "asked.toml").write_text(settings, encoding="utf-8")
    return plan_site(
        tmp_path / "site.toml", tmp_path / "asked.toml", tmp_path / "late", seconds=9.0, tell=lambda _: None
    ).text()


def test_a_budget_buys_the_most_probability_and_says_what_more_would_cost(plan: Callable[..., Result]) -> None:
    asked = "probability = 0.9\n" + HEAD + TOWERS + candidates(-600, -200, 200, 600)
    need = report(plan(asked))["plan"]["cost"]
    poor, rich = (report(plan(f"budget = {budget}\n" + asked))["plan"] for budget in (need - 30.0, need))
    assert poor["cost"] <= need - 30
    assert poor["reached"] < 0.9
    assert poor["reached"] <= poor["attainable"] + 1e-9
    assert poor["curve"] == [{"probability": 0.9, "cost": need, "bound": need}]
    assert rich["reached"] >= 0.9


def test_a_budget_that_pays_for_nothing_is_reported_on_as_well(plan: Callable[..., Result], tmp_path: Path) -> None:
    asked = "budget = 5.0\n" + HEAD + TOWERS + candidates(-600, 0, 600)
    found = report(plan(asked, SITE, "--report", "--check"))
    assert found["plan"]["placements"] == []
    assert found["plan"]["reached"] == found["check"]["over"] == 0
    assert found["study"]["sensitivities"] == []
    assert (tmp_path / "out" / "report-en.pdf").exists()


def test_ground_that_is_to_be_seen_twice_costs_more(plan: Callable[..., Result]) -> None:
    asked = "probability = 0.3\n" + HEAD + TOWERS + candidates(-600, -200, 0, 200, 600)
    once, twice = report(plan(asked)), report(plan(asked + COVER.replace("times = 2", "times = 4")))
    assert twice["plan"]["cost"] > once["plan"]["cost"]
    assert twice["stopped"] == "proven"


def test_places_closed_to_building_or_out_of_sight_of_command_are_left_out(
    plan: Callable[..., Result], tmp_path: Path
) -> None:
    ring = [FRAME.position(east, north) for east, north in ((-700, -100), (-500, -100), (-500, 100), (-700, 100))]
    corners = [[place.longitude_deg, place.latitude_deg] for place in [*ring, ring[0]]]
    shape = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [corners]}}
    (tmp_path / "shut.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [shape]}))
    post = f"[command]\nposition = {spot(0, -550)}\nmast_m = 10.0\n"
    asked = HEAD + 'no_build = "shut.geojson"\n' + TOWERS + candidates(-600, -450, -200, 200, 600) + post
    found = report(plan(asked))
    assert found["options"] == 4
    assert any("c0" in note and "shut.geojson" in note for note in found["notes"])


def test_a_relay_is_bought_where_no_tower_sees_the_command_post(plan: Callable[..., Result], tmp_path: Path) -> None:
    """Over level ground 8 m and 2 m see each other up to 16 km, 40 m and 2 m up to 30."""
    asked = "probability = 0.7\n" + HEAD + TOWERS + candidates(-600, -200, 200, 600)
    post = f"[command]\nposition = {spot(0, -17_500)}\nmast_m = 2.0\n"
    tall = '[[command.masts]]\nid = "tall"\nmast_m = 40.0\ncost = 15.0\n'
    free, bought = report(plan(asked))["plan"], report(plan(asked + post + tall))
    assert "[[command.masts]]" in str(plan(asked + post).exception)
    made = bought["plan"]
    assert made["cost"] == made["bound"] == free["cost"] + 15
    relays = [one for one in made["placements"] if one["element"] == "relay"]
    assert [one["kind"] for one in relays] == ["tall"]
    assert {one["option"]: one["reached"] for one in made["losses"] if one["kind"] == "tall"} == {
        relays[0]["option"]: 0
    }
    layers = {one.properties["feature"] for one in read_shapes(tmp_path / "out" / "plan.gpkg", "plan")}
    assert "relay" in layers
    safe = report(plan("survive = 0.3\n" + asked + post + tall))["plan"]
    assert len([one for one in safe["placements"] if one["element"] == "relay"]) == 2
    phases = '[[phases]]\nname = "towers"\nbuilds = ["mast"]\n[[phases]]\nname = "relays"\nbuilds = ["tall"]\n'
    by_phase = report(plan(asked + post + tall + phases))["plan"]["phases"]
    assert [one["reached"] for one in by_phase] == [0, 0, pytest.approx(made["reached"])]
    assert "nothing else has" in str(plan(asked + post + tall.replace('"tall"', '"mast"')).exception)


def test_no_link_is_longer_than_it_may_be(plan: Callable[..., Result]) -> None:
    """Over level ground all see the command post 1.5 km away; no further than 1.2 km some do over a relay."""
    asked = "probability = 0.7\n" + HEAD + TOWERS + candidates(-600, -200, 200, 600)
    near = f'[[candidates]]\nid = "near"\nposition = {spot(0, -400)}\n'
    post = f"[command]\nposition = {spot(0, -1_500)}\nmast_m = 10.0\n"
    tall = '[[command.masts]]\nid = "tall"\nmast_m = 10.0\ncost = 5.0\n'
    free, unlinked = report(plan(asked + post)), plan(asked + post + "link_m = 1200.0\n")
    assert free["plan"]["cost"] > 0
    assert "link_m = 1200 m" in str(unlinked.exception)
    linked = report(plan(asked + near + post + "link_m = 1200.0\ntowers_pass_on = false\n" + tall))
    assert [one["option"] for one in linked["plan"]["placements"] if one["element"] == "relay"] == ["near"]
    assert linked["plan"]["cost"] == free["plan"]["cost"] + 5


def test_towers_pass_on_what_others_send_where_they_may(plan: Callable[..., Result]) -> None:
    """Half a kilometre nearer to the command post a tower sees it, and those on the line do not."""
    near = f'[[candidates]]\nid = "near"\nposition = {spot(0, -500)}\n'
    asked = "probability = 0.3\n" + HEAD + TOWERS + candidates(-600, 0, 600) + near
    post = f"[command]\nposition = {spot(0, -16_600)}\nmast_m = 2.0\n"
    tall = '[[command.masts]]\nid = "tall"\nmast_m = 40.0\ncost = 100.0\n'
    by_towers = report(plan(asked + post))
    alone = report(plan(asked + post + "towers_pass_on = false\n" + tall))
    assert by_towers["plan"]["cost"] < alone["plan"]["cost"]
    assert any(one["element"] == "relay" for one in alone["plan"]["placements"])


def test_what_is_foretold_over_relays_is_what_comes_of_walkers(plan: Callable[..., Result]) -> None:
    asked = "probability = 0.7\n" + HEAD + TOWERS + candidates(-600, -200, 200, 600)
    post = f"[command]\nposition = {spot(0, -17_500)}\nmast_m = 2.0\n"
    tall = '[[command.masts]]\nid = "tall"\nmast_m = 40.0\ncost = 15.0\n'
    found = report(plan(asked + post + tall, SITE, "--check", "--report"))
    assert found["check"]["difference"] < 0.05
    assert found["study"]["sensitivities"][-1]["high"] > 0.5


def test_the_loss_of_any_tower_is_survived_where_that_is_asked_for(plan: Callable[..., Result]) -> None:
    asked = "probability = 0.7\n" + HEAD + TOWERS + candidates(-600, -200, 200, 600) + BASE
    frail, sound = (report(plan(more + asked))["plan"] for more in ("", "survive = 0.3\n"))
    assert frail["losses"][0]["reached"] < 0.3 <= sound["losses"][0]["reached"]
    assert sound["cost"] > frail["cost"]


def test_a_partners_post_and_phases_are_counted(plan: Callable[..., Result]) -> None:
    phases = """
[[phases]]
name = "first"
builds = ["mast"]
[[phases]]
name = "then"
builds = ["base"]
"""
    asked = "probability = 0.7\n" + HEAD + TOWERS + candidates(-600, -200, 200, 600) + BASE + POST + phases
    found = report(plan(asked))["plan"]
    assert [one["name"] for one in found["phases"]] == ["what stands", "first", "then"]
    reached = [one["reached"] for one in found["phases"]]
    assert reached == sorted(reached)
    assert reached[-1] == pytest.approx(found["reached"])
    assert reached[1] == 0
    assert {one["phase"] for one in found["placements"] if one["kind"] == "base"} == {2}
    assert any(one["element"] == "post" and one["standing"] for one in found["placements"])
    known = {(one["direction"], one["knows"]): one["probability"] for one in found["judgements"]}
    for direction in ("inward", "outward"):
        worst = known[direction, "everything"]
        assert worst <= known[direction, "something"] + 1e-9
        assert worst <= known[direction, "nothing"] + 1e-9
    assert found["losses"][0]["reached"] <= found["reached"]


def test_the_al_qaim_example_has_a_plan_with_every_part(tmp_path: Path) -> None:
    folder = EXAMPLE / "al-qaim"
    found = plan_site(folder / "site.toml", folder / "plan.toml", tmp_path, seconds=1.0, tell=lambda _: None)
    assert found.plan is not None
    assert {one.element for one in found.plan.placements} >= {"tower", "barrier", "base", "post"}
    assert found.plan.reached >= 0.7
    assert found.check is not None
    assert found.check.difference <= 0.03
    assert 0 <= found.plan.bound <= found.plan.cost
    assert "interrupted with at least" in found.text()
    assert load_site(tmp_path / "plan.toml").fences


def test_a_long_line_is_planned_in_sectors_and_summed(plan: Callable[..., Result], tmp_path: Path) -> None:
    asked = HEAD + TOWERS + candidates(-600, -200, 200, 600)
    result = plan(asked, SITE, "--split", "0.8")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert found["length_km"] == pytest.approx(1.6, abs=0.01)
    parts = found["parts"]
    assert [part["to_km"] for part in parts] == pytest.approx([0.8, 1.6], abs=0.01)
    made = [msgspec.json.decode((Path(part["folder"]) / "plan.json").read_bytes(), type=Plan) for part in parts]
    assert found["cost"] == sum(each.cost for each in made)
    assert found["bound"] == pytest.approx(sum(each.bound for each in made))
    assert found["reached"] == min(each.reached for each in made) >= 0.9
    built = [{one.option for one in each.placements} for each in made]
    assert built[0] <= {"c0", "c1"}
    assert built[1] <= {"c2", "c3"}
    assert json.loads((tmp_path / "out" / "outline.json").read_text())["cost"] == found["cost"]


def test_time_goes_where_the_most_may_still_be_saved_and_ctrl_c_ends_all(
    plan: Callable[..., Result], tmp_path: Path
) -> None:
    plan(HEAD + TOWERS + candidates(-700, -500, -300, -100, 100, 300, 500, 700))
    named = (tmp_path / "site.toml", tmp_path / "asked.toml", tmp_path / "out", 0.8)
    told: list[str] = []
    whole = plan_sectors(*named, seconds=60.0, tell=told.append, checked=False, reported=False)
    assert whole.gap == pytest.approx(0.0, abs=1e-9)

    def stop(text: str) -> None:
        if "cut" in text:
            raise KeyboardInterrupt

    stopped = plan_sectors(*named, seconds=60.0, tell=stop, checked=False, reported=False)
    assert stopped.closed
    assert whole.bound - 1e-9 <= stopped.cost
    assert stopped.bound <= whole.cost + 1e-9


def test_a_sector_that_stays_open_says_why_and_is_in_no_sum(plan: Callable[..., Result]) -> None:
    result = plan(HEAD + TOWERS + candidates(-600, -200, 790), SITE, "--split", "0.8")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert [part["cost"] is None for part in found["parts"]] == [False, True]
    assert "nothing sees" in " ".join(found["parts"][1]["why"])
    assert found["reached"] == 0.0
    assert found["cost"] == found["parts"][0]["cost"]


def test_two_plans_are_held_side_by_side(plan: Callable[..., Result], tmp_path: Path) -> None:
    asked = HEAD + TOWERS + candidates(-600, -200, 200, 600)
    report(plan(asked))
    (tmp_path / "out").rename(tmp_path / "before")
    report(plan("probability = 0.7\n" + asked + BASE))
    named = ["plan", "--compare", str(tmp_path / "before"), str(tmp_path / "out" / "plan.json")]
    found = json.loads(CliRunner().invoke(app, [*named, "--json"]).stdout)
    assert found["first"]["required"] == 0.9
    assert found["second"]["required"] == 0.7
    assert not found["alike"]
    only = {(one["in_first"], one["option"]) for one in found["differs"]}
    assert (False, "camp") in only
    spent = sum(one["cost"] * (1 if one["in_first"] else -1) for one in found["differs"])
    assert spent == pytest.approx(found["first"]["cost"] - found["second"]["cost"])
    assert {(way["evader"], way["direction"]) for way in found["ways"]} == {("walker", "inward"), ("walker", "outward")}
    text = CliRunner().invoke(app, named).stdout
    assert "camp: base of 1 crews" in text
    assert "do not compare" in text
    same = CliRunner().invoke(app, ["plan", "--compare", str(tmp_path / "out"), str(tmp_path / "out")]).stdout
    assert same.count("nothing") == 2


def test_what_cannot_be_compared_or_split_is_named(plan: Callable[..., Result], tmp_path: Path) -> None:
    def refused(*named: str) -> str:
        return str(CliRunner().invoke(app, ["plan", *named]).exception)

    assert "no plan.json there" in refused("--compare", str(tmp_path), str(tmp_path))
    (tmp_path / "plan.json").write_text('{"cost": 1}', encoding="utf-8")
    assert "not a plan.json" in refused("--compare", str(tmp_path), str(tmp_path))
    assert "leave SITE.toml" in refused("site.toml", "--compare", str(tmp_path), str(tmp_path))
    assert "name a SITE.toml" in refused()
    asked = HEAD + TOWERS + candidates(-600, 600)
    assert "--split" in str(plan(asked, SITE, "--split", "0").exception)
    assert "budget" in str(plan("budget = 9.0\n" + asked, SITE, "--split", "1").exception)
    assert "nobody comes there" in str(
        plan(asked + BASE.replace(spot(0, -500), spot(-500, -500)), SITE, "--split", "0.8").exception
    )


def _area(*corners: tuple[float, float], **properties: str | float) -> Shape:
    places = [FRAME.position(east, north) for east, north in (*corners, corners[0])]
    ring = tuple((place.longitude_deg, place.latitude_deg) for place in places)
    return Shape(kind="Polygon", rings=(ring,), properties=properties)


def test_land_slows_those_who_cross_and_those_who_come(plan: Callable[..., Result], tmp_path: Path) -> None:
    asked = "probability = 0.3\n" + HEAD + TOWERS + candidates(-600, -200, 200, 600) + BASE
    near = _area((-900, -450), (900, -450), (900, -150), (-900, -150), surface="Sand")
    river = _area((-900, 150), (900, 150), (900, 350), (-900, 350), **{"class": 80.0})
    plain = report(plan(asked))["plan"]
    geopackage(tmp_path / "land.gpkg", {"land": [near]}, {})
    sand = report(plan('land_file = "land.gpkg"\n' + asked))["plan"]
    for before, now in zip(plain["ways"], sand["ways"], strict=True):
        assert now["seconds"] > before["seconds"] + 50
        assert now["response_s"] >= before["response_s"]
    assert sum(way["response_s"] for way in sand["ways"]) > sum(way["response_s"] for way in plain["ways"]) + 10
    geopackage(tmp_path / "land.gpkg", {"land": [river]}, {})
    unknown = str(plan('land_file = "land.gpkg"\n' + asked).exception)
    assert "calls land 80," in unknown
    assert "[[surfaces]]" in unknown
    ford = '[[surfaces]]\nid = "80"\nfoot = 0.0\n'
    assert "nobody can walk across" in str(plan('land_file = "land.gpkg"\n' + asked.replace(BASE, "") + ford).exception)
    geopackage(tmp_path / "land.gpkg", {"land": [_area((0, 0), (9, 0), (0, 9), name="bare")]}, {})
    assert "polygon 1" in str(plan('land_file = "land.gpkg"\n' + asked).exception)
    flooded = f'[[land]]\nsurface = "water"\npoints = [{spot(-50, -550)}, {spot(50, -550)}, {spot(50, -450)}]\n'
    assert "one of firm" in str(plan(asked + flooded.replace("water", "custard")).exception)
    flood = _area((-150, -580), (150, -580), (150, -420), (-150, -420), surface="water")
    geopackage(tmp_path / "land.gpkg", {"land": [flood]}, {})
    assert "nobody gets away" in str(plan('land_file = "land.gpkg"\n' + asked).exception)


def test_what_is_reached_within_some_minutes_is_on_the_map(plan: Callable[..., Result], tmp_path: Path) -> None:
    report(plan("probability = 0.3\n" + HEAD + TOWERS + candidates(-600, -200, 200, 600) + BASE))
    shapes = [one for one in read_shapes(tmp_path / "out" / "plan.geojson", "plan") if one.kind == "Polygon"]
    assert {one.properties["candidate"] for one in shapes} == {"camp"}
    minutes = [one.properties["minutes"] for one in shapes]
    assert minutes[0] == 60
    assert min(minutes) == 5


def test_masks_and_roads_are_read_from_map_programs_files(plan: Callable[..., Result], tmp_path: Path) -> None:
    def ring(*corners: tuple[float, float]) -> tuple[tuple[float, float], ...]:
        places = [FRAME.position(east, north) for east, north in (*corners, corners[0])]
        return tuple((place.longitude_deg, place.latitude_deg) for place in places)

    outer, hole = (
        ((-700, -100), (-100, -100), (-100, 100), (-700, 100)),
        ((-300, -50), (-150, -50), (-150, 50), (-300, 50)),
    )
    shut = Shape(kind="Polygon", rings=(ring(*outer), ring(*hole)), properties={})
    road = Shape(kind="LineString", rings=(ring((0, -500), (0, -50))[:2],), properties={"kind": "track"})
    geopackage(tmp_path / "ground.gpkg", {"shut": [shut], "roads": [road]}, {})
    asked = 'no_build = "ground.gpkg"\nroads_file = "ground.gpkg"\n' + HEAD + TOWERS + candidates(-600, -200, 200, 600)
    found = report(plan(asked))
    assert any("c0" in note and "c1" not in note for note in found["notes"])
    kept = load_plan_file(tmp_path / "asked.toml").roads
    assert [track.kind for track in kept] == ["track"]
    assert kept[0].points[0].longitude_deg == pytest.approx(41.0)
    geopackage(tmp_path / "ground.gpkg", {"points": [Shape(kind="Point", rings=(((41.0, 34.4),),), properties={})]}, {})
    assert "no line in it" in str(plan(asked).exception)
