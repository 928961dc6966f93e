"""The command `marsad`, as it is typed."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.main import get_command

from marsad.adapters.dem import site_surface
from marsad.app.cli import app
from marsad.app.config import load_site
from marsad.geo.ground import CameraView

Done = subprocess.CompletedProcess[str]
FIGURES = {"frames", "seconds", "cpu_seconds", "fps", "tracks", "alarms", "dropped", "health", "incomplete"}


def marsad(*arguments: str | Path) -> Done:
    """Run the command in a process of its own."""
    program = "import sys; from marsad.app.cli import main; sys.argv[0] = 'marsad'; main()"
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def refused(done: Done, code: int, *words: str) -> None:
    """It ended with this code and one line that says all of this."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("marsad: ")
    for word in words:
        assert word in line


@pytest.fixture(scope="module")
def watched(video: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Path]:
    out = tmp_path_factory.mktemp("watched") / "out"
    return marsad("watch", video, "--out", out, "--json"), out


@pytest.mark.parametrize("command", [None, *get_command(app).commands])
def test_every_command_explains_itself(command: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app([*([] if command is None else [command]), "--help"])
    assert ended.value.code == 0
    assert "--help" in capsys.readouterr().out


def test_watching_prints_one_line_of_json_and_nothing_else(watched: tuple[Done, Path]) -> None:
    done, out = watched
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    assert set(told) >= FIGURES
    assert (told["frames"], told["tracks"], told["dropped"]) == (225, 1, 0)
    assert told["alarms"] >= 1
    assert told["cpu_seconds"] > 0
    assert told["fps"] == pytest.approx(225 / told["seconds"], rel=0.01)
    assert isinstance(told["health"], dict)
    assert {path.name for path in out.iterdir()} == set(told["sources"][0]["files"])
    assert "Traceback" not in done.stderr


def test_the_tracks_can_be_evaluated(
    watched: tuple[Done, Path], tmp_path: Path, foot_px: Callable[[int], tuple[float, float] | None]
) -> None:
    truth = tmp_path / "truth.csv"
    rows = [(index + 1, foot[0] - 2, foot[1] - 9, 4, 9) for index in range(225) if (foot := foot_px(index))]
    truth.write_text("frame,x,y,w,h\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
    done = marsad("evaluate", watched[1] / "tracks.csv", "--truth", truth, "--frame-base", "1", "--fps", "25", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["recall"] > 0.95
    assert told["precision"] > 0.95
    assert told["false_tracks"] == 0
    shown = marsad("evaluate", watched[1] / "tracks.csv", "--truth", truth, "--match", "centre")
    assert (shown.returncode, "Traceback" in shown.stderr) == (0, False)
    assert "recall" in shown.stdout


def test_the_log_verifies_against_the_head_that_was_printed(watched: tuple[Done, Path]) -> None:
    head = json.loads(watched[0].stdout)["sources"][0]["head"]
    done = marsad("verify", watched[1] / "events.sqlite", "--head", head, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["result"], told["head"], told["head_checked"]) == ("sound", head, True)
    wrong = marsad("verify", watched[1] / "events.sqlite", "--head", f"{head.partition(':')[0]}:{'0' * 64}")
    assert wrong.returncode == 1
    assert "NOT SOUND" in wrong.stdout


def test_a_site_is_checked_and_what_is_wrong_with_it_named(site_file: Path, tmp_path: Path) -> None:
    good = marsad("check", site_file, "--json")
    assert (good.returncode, json.loads(good.stdout)["ok"]) == (0, True)
    bad = tmp_path / "bad.toml"
    bad.write_text(site_file.read_text().replace("mast_m = 20.0", "mast_m = -20.0").replace("id = ", "idd = ", 1))
    done = marsad("check", bad)
    assert done.returncode == 1
    assert "did you mean id?" in done.stdout
    assert "mast_m = -20.0" in done.stdout
    assert done.stderr == ""
    watching = marsad("watch", "clip.mp4", "--site", bad, "--camera", "mast")
    assert (watching.returncode, watching.stdout, "Traceback" in watching.stderr) == (2, "", False)
    assert "idd" in watching.stderr
    assert "mast_m" in watching.stderr


def test_watching_with_a_site_locates_and_alarms_on_the_line(video: Path, site_file: Path, tmp_path: Path) -> None:
    done = marsad("watch", video, "--site", site_file, "--camera", "mast", "--out", tmp_path / "out", "--no-video")
    assert done.returncode == 0, done.stderr
    assert "1 tracks, 1 alarms" in done.stdout
    assert "tracks.geojson" in done.stdout
    assert not (tmp_path / "out" / "annotated.mp4").exists()


def test_a_pose_is_solved_from_landmarks(site_file: Path, tmp_path: Path) -> None:
    site = load_site(site_file)
    camera, surface = site.cameras[0], site_surface(site, tmp_path)
    assert camera.pose is not None
    assert surface is not None
    view = CameraView(camera.lens, camera.pose, surface)
    with (tmp_path / "landmarks.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["name", "x_px", "y_px", "latitude_deg", "longitude_deg", "height_m"])
        for number, (x, y) in enumerate(np.random.default_rng(2).uniform((10, 10), (150, 110), (8, 2))):
            place = view.origin + (150 + 40 * number) * view.directions(x, y)
            rows.writerow([f"p{number}", x, y, *(float(value) for value in surface.frame.to_geodetic(*place))])
    rough = tmp_path / "rough.toml"
    rough.write_text(site_file.read_text().replace("azimuth_deg = 90.0", "azimuth_deg = 60.0"))
    done = marsad("calibrate", rough, tmp_path / "landmarks.csv", "--camera", "mast", "--json")
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    told = json.loads(line)
    solved = told["result"]["pose"]
    assert solved["azimuth_deg"] == pytest.approx(90, abs=0.05)
    assert solved["elevation_deg"] == pytest.approx(-5, abs=0.05)
    text = marsad("calibrate", rough, tmp_path / "landmarks.csv", "--camera", "mast")
    assert (text.returncode, "azimuth_deg" in text.stdout) == (0, True)
    refused(marsad("calibrate", rough, tmp_path / "none.csv", "--camera", "mast"), 2, "none.csv")


def test_bad_input_is_one_clear_line_and_ends_with_2(tmp_path: Path) -> None:
    refused(marsad("watch", tmp_path / "none.mp4", "--out", tmp_path / "out"), 2, "none.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    refused(marsad("watch", tmp_path / "text.mp4", "--out", tmp_path / "out"), 2, "text.mp4")
    refused(marsad("watch"), 2, "no source given")
    refused(marsad("evaluate", tmp_path / "no.csv", "--truth", tmp_path / "no.csv"), 2, "no.csv")


def test_a_file_that_could_not_be_written_is_told_and_ends_with_5(
    watched: tuple[Done, Path], video: Path, tmp_path: Path
) -> None:
    """A real limit of the operating system, too small for the video alone."""
    assert watched[0].returncode == 0
    program = (
        "import resource, sys; from marsad.app.cli import main; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000)); main()"
    )
    command = [sys.executable, "-c", program, "watch", str(video), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 5, done.stderr
    assert "225 pictures" in done.stdout
    assert "INCOMPLETE annotated.mp4: " in done.stdout
    assert "ALARM" in done.stderr
    assert "annotated.mp4: cannot be written: File too large" in done.stderr
    verified = marsad("verify", tmp_path / "out" / "events.sqlite")
    assert verified.returncode == 0, verified.stdout


def test_what_is_unavailable_is_one_clear_line_and_ends_with_3(video: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    holder = (
        "import sys; from pathlib import Path; from marsad.adapters.sqlite import SqliteEventLog\n"
        "with SqliteEventLog(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    out.mkdir()
    command = [sys.executable, "-c", holder, str(out / "events.sqlite")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        done = marsad("watch", video, "--out", out, "--no-video")
        other.communicate()
    refused(done, 3, "events.sqlite", "stop it, or write to another file")
