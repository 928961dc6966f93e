"""Simulated recordings and live cameras: what they hold, that they can be watched at once, and the same for a seed."""

import csv
import json
import os
import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from marsad.adapters.rtsp_server import missing_packages
from marsad.adapters.sources import open_source
from marsad.app.cli import app
from marsad.app.config import load_site
from marsad.app.scenario_file import load_scenario, shipped_names
from marsad.app.simulate import SimulateResult, Wanted, prepare, simulate
from marsad.app.simulate_live import serve
from marsad.app.stage import Stage
from marsad.app.watching import plan_jobs, run_job
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.frame import Frame
from marsad.kernel.port import FrameSource

SITE = """
name = "Small wadi"
[origin]
latitude_deg = 34.0
longitude_deg = 41.0
height_m = 100.0
[terrain]
files = ["terrain.tif"]
sigma_m = 0.3
illustrative = true
[[cameras]]
id = "mast"
reach_m = 1200.0
lens = { width_px = 160, height_px = 128, horizontal_fov_deg = 8.0 }
pose = { latitude_deg = 34.0, longitude_deg = 41.0, mast_m = 25.0, azimuth_deg = 90.0, elevation_deg = -3.0 }
[[cameras]]
id = "second"
reach_m = 1200.0
lens = { width_px = 160, height_px = 128, horizontal_fov_deg = 8.0 }
pose = { latitude_deg = 34.0, longitude_deg = 41.0002, mast_m = 25.0, azimuth_deg = 90.0, elevation_deg = -3.0 }
"""
SCENE = """
name = "Two walkers"
about = "Two people cross the view of two cameras."
start = 2026-08-08T20:30:00Z
seconds = 4.0
seed = 3
sites = ["site.toml"]
[imager]
fps = 5.0
[imagers.second]
fps = 10.0
[ground]
radius_m = 1600.0
relief = { bank_m = 0.0, slope = 0.0, rise_m = 1.0 }
[[parties]]
name = "walkers"
kind = "person"
count = 2
role = "intruder"
must = "alarm"
route = [{ east_m = 330, north_m = -8 }, { east_m = 330, north_m = 30 }]
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    (folder / "site.toml").write_text(SITE, encoding="utf-8")
    (folder / "scene.toml").write_text(SCENE, encoding="utf-8")
    return folder / "scene.toml"


@pytest.fixture(scope="module")
def recorded(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[SimulateResult, Path]:
    """Both cameras, 16 bits."""
    out = tmp_path_factory.mktemp("recorded")
    return simulate(scene, Wanted(out=out, format="raw16"), show=False), out


def frames(source: FrameSource) -> list[Frame]:
    try:
        return [msgspec.structs.replace(item, counts=item.counts.copy()) for item in source if isinstance(item, Frame)]
    finally:
        source.close()


def test_every_camera_is_recorded_at_its_own_rate_in_step(recorded: tuple[SimulateResult, Path]) -> None:
    result, out = recorded
    assert [(camera.camera_id, camera.frames, camera.bits) for camera in result.cameras] == [
        ("mast", 20, 16),
        ("second", 40, 16),
    ]
    first, second = (frames(open_source(str(out / camera.source), camera.camera_id)) for camera in result.cameras)
    assert first[0].time_ns == second[0].time_ns == 1_786_221_000 * 10**9
    assert first[7].time_ns == pytest.approx(second[14].time_ns, abs=2_000_000)


def test_those_who_must_be_found_and_cannot_be_seen_are_named(recorded: tuple[SimulateResult, Path]) -> None:
    result, _ = recorded
    assert "no camera played could see" not in result.text()
    blind = msgspec.structs.replace(result, cameras=())
    assert "Must raise an alarm, and no camera played could see them: walkers" in blind.text()


def test_recording_is_exactly_what_was_rendered(scene: Path, recorded: tuple[SimulateResult, Path]) -> None:
    result, out = recorded
    loaded, _ = prepare(scene, Wanted(out=out, format="raw16"))
    stage = Stage(loaded)
    rendering = stage.scene("mast")
    read = frames(open_source(str(out / result.cameras[0].source), "mast"))
    for index in range(6):
        counts, _ = rendering.render(index, stage.time_ns(index, 5.0))
        assert counts.dtype == np.uint16
        assert np.array_equal(read[index].counts, counts)


def test_the_truth_is_the_same_in_all_its_files(recorded: tuple[SimulateResult, Path]) -> None:
    _, out = recorded
    rows = list(csv.reader((out / "mast" / "truth.csv").read_text(encoding="ascii").splitlines()))
    facts = [json.loads(line) for line in (out / "mast" / "truth.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(rows) == len(facts) > 10
    for row, fact in zip(rows, facts, strict=True):
        assert (int(row[0]) - 1, int(row[1])) == (fact["frame_index"], fact["actor_id"])
        assert float(row[2]) == pytest.approx(fact["box"]["x_px"], abs=0.01)
        assert fact["party"] == "walkers"
        assert row[7] == "1"
    features = json.loads((out / "mast" / "truth.geojson").read_text(encoding="utf-8"))["features"]
    by_actor = {feature["properties"]["actor_id"]: feature for feature in features}
    assert set(by_actor) == {fact["actor_id"] for fact in facts}
    first = next(fact for fact in facts if fact["actor_id"] == min(by_actor))
    longitude, latitude, _ = by_actor[min(by_actor)]["geometry"]["coordinates"][0]
    assert (latitude, longitude) == (first["position"]["latitude_deg"], first["position"]["longitude_deg"])


def test_both_cameras_saw_the_same_people_in_the_same_places(recorded: tuple[SimulateResult, Path]) -> None:
    _, out = recorded
    places = []
    for camera, each in (("mast", 5), ("second", 10)):
        lines = (out / camera / "truth.jsonl").read_text(encoding="utf-8").splitlines()
        facts = [json.loads(line) for line in lines]
        places.append({(f["actor_id"], f["frame_index"] / each): (f["east_m"], f["north_m"]) for f in facts})
    common = places[0].keys() & places[1].keys()
    assert len(common) > 10
    assert all(places[0][key] == pytest.approx(places[1][key]) for key in common)


def test_watch_can_be_run_on_it_at_once(recorded: tuple[SimulateResult, Path], tmp_path: Path) -> None:
    result, out = recorded
    site = load_site(out / "site.toml")
    assert site.terrain.illustrative
    assert [camera.source for camera in site.cameras] == [str(out / camera.source) for camera in result.cameras]
    jobs = plan_jobs([], site_path=out / "site.toml", camera_id="mast", out=tmp_path, fps=None, video=False, model=None)
    watched = run_job(jobs[0])
    assert watched.frames == 20
    assert watched.located
    assert result.watch == f"marsad watch --site {out / 'site.toml'}"


def test_one_camera_and_another_seed(scene: Path, recorded: tuple[SimulateResult, Path], tmp_path: Path) -> None:
    _, out = recorded
    same = simulate(scene, Wanted(out=tmp_path / "same", format="raw16", cameras=("second",), frames=5), show=False)
    other = simulate(
        scene, Wanted(out=tmp_path / "other", format="raw16", cameras=("second",), frames=5, seed=4), show=False
    )
    assert [camera.camera_id for camera in same.cameras] == ["second"]
    assert [camera.id for camera in load_site(tmp_path / "same" / "site.toml").cameras] == ["second"]
    known, again, changed = (
        frames(open_source(str(folder / "second" / "video.mkv"), "second"))[:5]
        for folder in (out, tmp_path / "same", tmp_path / "other")
    )
    assert all(np.array_equal(one.counts, two.counts) for one, two in zip(known, again, strict=True))
    assert not np.array_equal(known[0].counts, changed[0].counts)
    assert other.seed == 4


def test_what_a_scenario_does_not_have_is_refused(scene: Path, tmp_path: Path) -> None:
    refused = [
        ({"cameras": ("third",)}, r"third.*mast, second"),
        ({"seconds": 0.0}, "--for 0"),
        ({"seconds": 60.0}, "4 s"),
        ({"frames": 0}, "--frames 0"),
        ({"seed": -1}, "--seed -1"),
    ]
    for setting, said in refused:
        with pytest.raises(InputError, match=said):
            prepare(scene, msgspec.structs.replace(Wanted(out=tmp_path), **setting))
    (tmp_path / "file").write_text("x", encoding="ascii")
    with pytest.raises(UnavailableError, match="--out"):
        simulate(scene, Wanted(out=tmp_path / "file"), show=False)


def test_ground_that_does_not_reach_as_far_as_the_cameras_is_refused(scene: Path) -> None:
    loaded = load_scenario(scene)
    small = msgspec.structs.replace(loaded.scenario.ground, radius_m=900.0)
    with pytest.raises(InputError, match="radius_m"):
        Stage(msgspec.structs.replace(loaded, scenario=msgspec.structs.replace(loaded.scenario, ground=small)))


def test_live_cameras_show_the_scene_and_the_truth_is_written(scene: Path, tmp_path: Path) -> None:
    if missing := missing_packages():
        assert not os.environ.get("CI"), f"no RTSP server: install {', '.join(missing)}"
        pytest.skip(f"no RTSP server: install {', '.join(missing)}")
    # Long enough that a busy machine's client is there before the end.
    long = scene.with_name("long.toml")
    long.write_text(scene.read_text(encoding="utf-8").replace("seconds = 4.0", "seconds = 10.0"), encoding="utf-8")
    wanted = Wanted(out=tmp_path, cameras=("second",), seconds=8.0)
    seen: list[Frame] = []

    def look() -> None:
        site = tmp_path / "site.toml"
        while not site.exists():
            waiting.wait(0.05)
        source = open_source(load_site(site).cameras[0].source, "second")
        for item in source:
            if isinstance(item, Frame):
                seen.append(item)
                if len(seen) == 10:
                    break
        source.close()

    waiting = threading.Event()
    looking = threading.Thread(target=look)
    looking.start()
    result = serve(long, wanted, port=0, console=Console(quiet=True))
    looking.join(30)
    assert len(seen) == 10
    assert seen[0].counts.shape == (128, 160)
    assert result.cameras[0].frames == 80
    assert result.cameras[0].source.startswith("rtsp://127.0.0.1:")
    assert (tmp_path / "second" / "truth.csv").stat().st_size > 0


def test_the_command_lists_what_is_shipped_and_prints_one_line_of_json(scene: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    listed = runner.invoke(app, ["simulate", "--list"])
    assert listed.exit_code == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == shipped_names()
    done = runner.invoke(
        app, ["simulate", str(scene), "--camera", "mast", "--frames", "3", "--out", str(tmp_path), "--json"]
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.count("\n") == 1
    result = json.loads(done.stdout)
    assert result["cameras"][0]["frames"] == 3
    assert result["must"] == {"walkers": "alarm"}
    assert (tmp_path / "mast" / "video.mp4").stat().st_size > 0
    bare = runner.invoke(app, ["simulate"])
    assert isinstance(bare.exception, InputError)
