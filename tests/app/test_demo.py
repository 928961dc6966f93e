"""The demonstration: the whole pipeline from simulated pictures to alarms, held against the truth."""

import csv
import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from marsad.adapters.sqlite import SqliteEventLog
from marsad.app import demo
from marsad.app.cli import app
from marsad.app.config import load_site
from marsad.app.demo import DemoReport, actor_in, ellipse_axes_m, run_demo, sigmas
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.event import AlertRaised
from marsad.kernel.position import GroundCovariance, Position
from marsad.simulate.truth import ActorTruth

Played = tuple[DemoReport, Path]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    out = tmp_path_factory.mktemp("demo")
    return run_demo(seconds=38.0, out=out), out


def test_everyone_who_came_into_view_is_tracked_within_seconds(played: Played) -> None:
    report, _ = played
    assert report.people == report.people_found == 4
    assert max(report.tracked_after_s) <= 4.0
    assert report.recall > 0.9
    assert report.false_tracks == 0


def test_crossing_the_line_raises_an_alarm_at_the_right_place(played: Played) -> None:
    report, _ = played
    crossings = [alarm for alarm in report.alarms if alarm.rule == "line_crossing"]
    assert crossings
    for alarm in crossings:
        assert alarm.cause == "person"
        assert alarm.direction == "inward"
        assert alarm.error_sigmas < 3
        assert alarm.error_m < alarm.major_m * 1.5
        assert alarm.major_m > alarm.minor_m > 0


def test_nothing_else_raises_an_alarm(played: Played) -> None:
    report, _ = played
    assert report.false_alarms == 0
    assert report.nuisance_alarms == 0


def test_the_log_holds_what_was_told(played: Played) -> None:
    report, out = played
    log = SqliteEventLog(out / "events.sqlite")
    try:
        raised = [each.event.alert for each in log.read() if isinstance(each.event, AlertRaised)]
    finally:
        log.close()
    assert [alert.text for alert in raised] == [alarm.text for alarm in report.alarms]


def test_every_file_that_is_named_is_there_and_says_that_the_ground_is_made_up(played: Played) -> None:
    report, out = played
    assert {"annotated.mp4", "map.png", "tracks.csv", "truth.csv", "site.toml", "terrain.tif"} <= set(report.files)
    assert all((out / name).stat().st_size > 0 for name in report.files)
    assert "not surveyed" in report.terrain
    assert "not surveyed" in (out / "ABOUT.txt").read_text(encoding="utf-8")
    site = load_site(out / "site.toml")
    assert site.terrain.illustrative
    assert "illustrative" in site.name


def test_truth_is_written_for_every_picture_with_somebody_in_it(played: Played) -> None:
    report, out = played
    rows = list(csv.reader((out / "truth.csv").read_text(encoding="ascii").splitlines()))
    people = {int(row[1]) for row in rows if row[7] == "1"}
    assert people == {1, 2, 3, 4}
    assert max(int(row[0]) for row in rows) == report.frames


def test_the_survey_differs_from_the_ground_by_what_the_site_states(played: Played, tmp_path: Path) -> None:
    _, out = played
    scenario = msgspec.structs.replace(demo._scenario(1.0), shrubs=0, boulders=0)
    stage = demo._set_up(scenario, tmp_path)
    true, known = stage.scene.view.surface, stage.survey
    east, north = (each.ravel() for each in np.meshgrid(np.arange(-3000, 3000, 150), np.arange(-3000, 3000, 150)))
    off = known.up_m(east, north) - true.up_m(east, north)
    assert off.std() == pytest.approx(load_site(out / "site.toml").terrain.sigma_m, rel=0.25)
    assert stage.scene.view.pose != stage.site.cameras[0].pose


def test_the_command_prints_one_line_of_json(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["demo", "--for", "2", "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert report["frames"] == 18
    assert report["alarms"] == []
    assert (tmp_path / "map.png").stat().st_size > 10_000


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


def test_a_box_belongs_to_the_nearest_visible_actor() -> None:
    def actor(actor_id: int, x_px: float, visible: float = 1.0) -> ActorTruth:
        return ActorTruth(
            frame_index=0,
            time_ns=0,
            actor_id=actor_id,
            kind="person",
            box=Box(x_px=x_px, y_px=100.0, w_px=6.0, h_px=14.0),
            foot_px=(x_px + 3, 114.0),
            east_m=0.0,
            north_m=0.0,
            up_m=0.0,
            position=Position(latitude_deg=0.0, longitude_deg=0.0),
            range_m=800.0,
            visible=visible,
            height_px=14.0,
            contrast_k=5.0,
        )

    actors = [actor(1, 50.0), actor(2, 54.0), actor(3, 90.0, visible=0.0)]
    assert actor_in(Box(x_px=50.0, y_px=100.0, w_px=6.0, h_px=14.0), actors).actor_id == 1
    assert actor_in(Box(x_px=55.0, y_px=99.0, w_px=6.0, h_px=14.0), actors).actor_id == 2
    assert actor_in(Box(x_px=90.0, y_px=100.0, w_px=6.0, h_px=14.0), actors) is None
    assert actor_in(Box(x_px=70.0, y_px=100.0, w_px=6.0, h_px=14.0), actors) is None
