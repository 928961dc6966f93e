"""The demonstration's night at the desk: who is played, what is told of it, and when the line was truly crossed."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from marsad.adapters.sqlite import SqliteLogReader
from marsad.app.camera_wire import Glance
from marsad.app.config import load_site
from marsad.app.demo_desk import LOG, play_desk
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import site_origin
from marsad.kernel.alert import Alert
from marsad.kernel.detection import Box
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.site import Site
from marsad.simulate.scenario import Scenario
from marsad.simulate.truth import ActorTruth

S = 10**9
BEGIN = 1_786_000_000 * S
BOX = Box(x_px=10.0, y_px=20.0, w_px=4.0, h_px=9.0)
NIGHT = Scenario(name="A night", start=datetime.fromtimestamp(BEGIN // S, UTC), seconds=50.0)
HERE = Position(latitude_deg=34.0, longitude_deg=41.002)


@pytest.fixture
def site(site_file: Path) -> Site:
    patrol = '[[patrols]]\npatrol_id = "p1"\nmeans = "vehicle"\npersons = 4\n'
    home = "home = { latitude_deg = 34.002, longitude_deg = 41.002 }\n"
    site_file.write_text(site_file.read_text(encoding="utf-8") + patrol + home, encoding="utf-8")
    return load_site(site_file)


def truth(second: float, north_m: float, east_m: float) -> ActorTruth:
    return ActorTruth(
        frame_index=0, time_ns=BEGIN + round(second * S), actor_id=1, kind="person", box=BOX, foot_px=(0.0, 0.0),
        east_m=east_m, north_m=north_m, up_m=0.0, position=HERE, range_m=100.0, visible=1.0, height_px=9.0,
        contrast_k=2.0, role="intruder", party="walkers",
    )  # fmt: skip


def test_an_alarm_is_seen_a_patrol_sent_and_the_delay_after_the_true_crossing_told(site: Site, tmp_path: Path) -> None:
    origin = site_origin(site)
    assert origin is not None
    at = EnuFrame(origin).point(HERE)
    ground = GroundState(
        position=HERE, east_m=at.east_m, north_m=at.north_m, range_m=180.0,
        covariance=GroundCovariance(east_m2=4.0, east_north_m2=0.0, north_m2=4.0),
    )  # fmt: skip
    alert = Alert(
        alert_id="a", rule="line_crossing", rule_id="track-road", priority="high", camera_id="mast", track_id=1,
        time_ns=BEGIN + 12 * S, frame_index=1, kind="person", text="Person, on foot", box=BOX, direction="inward",
        ground=ground,
    )  # fmt: skip
    glances = [
        Glance(camera_id="mast", time_ns=BEGIN + second * S // 4, alerts=(alert,) if second == 48 else ())
        for second in range(1, 200)
    ]
    walk = [truth(second, 5.0 - second, at.east_m) for second in range(20)]
    report = play_desk(site, NIGHT, glances, [{1: walk}], tmp_path)
    assert report.crossing_s == pytest.approx(5.0, abs=0.1)
    [alarm] = [each for each in report.alarms if each.about == "object"]
    assert (alarm.raised_s, alarm.crossed_s, alarm.alerts) == (12.0, 12.0, 1)
    assert alarm.after_crossing_s == pytest.approx(7.0, abs=0.1)
    assert alarm.acknowledged_s == pytest.approx(20.0, abs=0.5)
    [incident] = report.incidents
    assert (incident.alarms, incident.patrol, incident.answered) == ((alarm.alarm_id,), "p1", "under_way")
    assert incident.ordered_s == pytest.approx(26.0, abs=0.5)
    assert incident.meets_s is not None
    with SqliteLogReader(tmp_path / LOG) as log:
        assert str(log.verify()) == report.head
