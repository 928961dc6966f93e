"""The demonstration: the whole pipeline from simulated pictures to alarms, held against the truth."""

import csv
import json
import re
from io import StringIO
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from marsad.adapters.sqlite import SqliteEventLog
from marsad.app.cli import app
from marsad.app.config import load_site
from marsad.app.demo import run_demo
from marsad.app.demo_alarm import ellipse_axes_m, sigmas
from marsad.app.demo_report import DemoReport
from marsad.app.demo_text import tell
from marsad.app.scenario_file import load_scenario
from marsad.app.stage import Stage
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.event import AlertRaised
from marsad.kernel.position import GroundCovariance

Played = tuple[DemoReport, Path]
Printed = tuple[str, Path]
PLAYED_S = 68.0
"""Until the camera in depth has seen the first of the walkers."""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Printed:
    """What the command prints for programs, and where it left its files."""
    out = tmp_path_factory.mktemp("demo")
    done = CliRunner().invoke(app, ["demo", "--for", f"{PLAYED_S:g}", "--out", str(out), "--json"])
    assert done.exit_code == 0, done.output
    return done.stdout, out


@pytest.fixture(scope="module")
def played(printed: Printed) -> Played:
    stdout, out = printed
    return msgspec.json.decode(stdout, type=DemoReport), out


def test_the_other_side_sees_the_walkers_first_then_two_cameras_in_depth(played: Played) -> None:
    report, _ = played
    assert list(report.first_seen) == ["west-post", "line-mast", "depth-mast"]
    assert report.people == report.people_found == 5
    by_camera = {camera.camera_id: sorted(camera.tracked_after_s) for camera in report.cameras}
    # The shepherd stood among his flock from the start, and takes longer.
    assert max(by_camera["west-post"]) <= 4.0
    assert max(by_camera["line-mast"][:4]) <= 4.0


def test_what_had_to_happen_happened(played: Played) -> None:
    report, _ = played
    assert [line for line in report.shortcomings if "within 3 s of the start" not in line] == []


def test_people_who_must_be_found_are_told_apart_from_flocks(played: Played) -> None:
    report, _ = played
    walkers, *others = report.parties
    assert (walkers.party, walkers.kind, walkers.must, walkers.of) == ("walkers", "person", "alarm", 4)
    assert walkers.seen == walkers.tracked == 4
    mine = [alarm for alarm in report.alarms if alarm.party == "walkers"]
    assert (walkers.alarms, walkers.alarmed_s, walkers.alarmed_by) == (len(mine), mine[0].time_s, mine[0].camera_id)
    assert walkers.error_m == mine[0].error_m
    assert walkers.farthest_m == max(alarm.error_m for alarm in mine)
    assert [(party.kind, party.role, party.of) for party in others] == [
        ("vehicle", "patrol", 1),
        ("person", "shepherd", 1),
        ("sheep", "nuisance", 14),
        ("dog", "nuisance", 1),
    ]
    assert [party.must for party in others] == ["either", "either", "no_alarm", "no_alarm"]


def test_the_sums_say_first_whether_those_who_had_to_be_found_were(played: Played) -> None:
    report, _ = played
    console = Console(record=True, width=250, quiet=False, file=StringIO(), highlight=False)
    tell(report, console)
    text = console.export_text()
    assert text.index("Had to raise an alarm") < text.index("Might raise one") < text.index("Had to raise none")
    assert "walkers, 4 people: alarm by west-post" in text
    assert "4 of 4 in view tracked" in text
    assert re.search(r"flock, 14 sheep: \d+ of 14 in view tracked, no alarm", text)
    assert "flock, 1 dog: in view, tracked, no alarm" in text
    assert "%" not in text


def test_what_never_came_into_view_and_what_was_cut_short_is_told_as_such(played: Played) -> None:
    report, _ = played
    absent = msgspec.structs.replace(report.parties[0], seen=0, tracked=0, alarms=0, entered_s=None, alarmed_s=None)
    changed = msgspec.structs.replace(report, parties=[absent], shortcomings=["walkers raised no alarm"])
    console = Console(record=True, width=250, file=StringIO(), highlight=False)
    tell(changed, console)
    text = console.export_text()
    assert "walkers, 4 people: never in view" in text
    assert "Not as it should be in the first 68 of 90 s that were played: walkers raised no alarm" in text


def test_crossing_the_line_raises_an_alarm_at_the_right_place(played: Played) -> None:
    report, _ = played
    crossings = [alarm for alarm in report.alarms if alarm.rule == "line_crossing"]
    assert crossings
    for alarm in crossings:
        assert (alarm.cause, alarm.party, alarm.direction) == ("person", "walkers", "inward")
        assert alarm.error_sigmas < 3.5
        assert alarm.major_m > alarm.minor_m > 0
    assert report.counted is not None
    assert abs(report.counted - 4) <= 1


def test_the_other_sides_post_alarms_first(played: Played) -> None:
    report, _ = played
    walkers = [alarm for alarm in report.alarms if alarm.party == "walkers"]
    assert walkers[0].camera_id == "west-post"
    assert walkers[0].rule_id == "approach"


def test_the_camera_in_the_dust_says_that_it_is_blind(played: Played) -> None:
    report, _ = played
    blind = next(camera for camera in report.cameras if camera.camera_id == "north-mast")
    assert blind.health["covered"] >= 1
    assert [alarm.cause for alarm in report.alarms if alarm.camera_id == "north-mast" and alarm.time_s > 3.0] == []


def test_the_log_holds_what_was_told(played: Played) -> None:
    report, out = played
    for camera in report.cameras:
        log = SqliteEventLog(out / camera.camera_id / "events.sqlite")
        try:
            raised = [each.event.alert for each in log.read() if isinstance(each.event, AlertRaised)]
        finally:
            log.close()
        told = [alarm.text for alarm in report.alarms if alarm.camera_id == camera.camera_id]
        assert [alert.text for alert in raised] == told


def test_every_file_that_is_named_is_there_and_says_that_the_ground_is_made_up(played: Played) -> None:
    report, out = played
    assert {"map.png", "report.json", "al-qaim.toml", "western-post.toml", "terrain.tif"} <= set(report.files)
    assert {"annotated.mp4", "tracks.csv", "truth.csv"} <= set(report.cameras[0].files)
    assert all((out / name).stat().st_size > 0 for name in report.files if not name.startswith("north-mast/truth"))
    assert "not surveyed" in report.terrain
    assert "not surveyed" in (out / "ABOUT.txt").read_text(encoding="utf-8")
    assert msgspec.json.decode((out / "report.json").read_bytes(), type=DemoReport) == report
    for name in ("al-qaim.toml", "western-post.toml"):
        site = load_site(out / name)
        assert site.terrain.illustrative
        assert "illustrative" in site.name


def test_truth_is_written_for_every_picture_with_somebody_in_it(played: Played) -> None:
    report, out = played
    rows = list(csv.reader((out / "line-mast" / "truth.csv").read_text(encoding="ascii").splitlines()))
    assert len({int(row[1]) for row in rows if row[7] == "1"}) == 5  # four walkers and the shepherd
    assert max(int(row[0]) for row in rows) == report.cameras[0].frames


def test_the_survey_differs_from_the_ground_by_what_the_site_states() -> None:
    stage = Stage(load_scenario("al-qaim-night"))
    site = stage.sites[0]
    east, north = (each.ravel() for each in np.meshgrid(np.arange(-3000, 3000, 150), np.arange(-3000, 3000, 150)))
    off = stage.known_ground(site).up_m(east, north) - stage.ground.up_m(east, north)
    assert off.std() == pytest.approx(site.terrain.sigma_m, rel=0.25)
    assert stage.view("line-mast").pose != site.cameras[0].pose


def test_the_command_prints_one_line_of_json(printed: Printed) -> None:
    stdout, out = printed
    report = json.loads(stdout)
    assert stdout.count("\n") == 1
    assert report["frames"] == PLAYED_S * 36
    assert (out / "map.png").stat().st_size > 10_000


def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    for seconds in (0.0, -3.0, float("nan")):
        with pytest.raises(InputError, match="--for"):
            run_demo(seconds=seconds, out=tmp_path)


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="ascii")
    with pytest.raises(UnavailableError, match="--out"):
        run_demo(seconds=1.0, out=tmp_path / "file")


def test_the_error_in_sigmas_is_the_mahalanobis_length() -> None:
    covariance = GroundCovariance(east_m2=9.0, east_north_m2=0.0, north_m2=4.0)
    assert sigmas(np.array([3.0, 2.0]), covariance) == pytest.approx(np.sqrt(2))
    turned = GroundCovariance(east_m2=6.5, east_north_m2=2.5, north_m2=6.5)  # the same, turned by 45 degrees
    assert sigmas(np.array([3.0, 3.0]) / np.sqrt(2), turned) == pytest.approx(1.0)
    assert ellipse_axes_m(turned) == pytest.approx((3 * 2.4477, 2 * 2.4477), rel=1e-4)
