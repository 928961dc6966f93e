"""A walk test whose walkers and pictures are simulated: the pixels go through the whole watch, the log is its own."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from marsad.adapters.dem import site_surface
from marsad.app.config import load_site
from marsad.app.node import watch_file
from marsad.app.walktest import Setting, WalktestReport, walktest_site
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.report.walktest import Terms
from marsad.simulate.actor import Actor, Waypoint
from marsad.simulate.camera import Imager, true_pose
from marsad.simulate.cast import Cast, Present
from marsad.simulate.radiometry import ambient
from marsad.simulate.scenario import Scenario
from marsad.simulate.scene import Scene, SceneSource
from marsad.simulate.weather import Weather

START = datetime(2026, 10, 14, 20, 0, tzinfo=UTC)
START_NS = int(START.timestamp()) * 10**9
FPS = 6.0
EASTS_M = (-6.0, 0.0, 8.0)

SITE = """
name = "Simulated plain"
[origin]
latitude_deg = 34.0
longitude_deg = 41.0
height_m = 100.0
[terrain]
flat_height_m = 100.0
sigma_m = 0.1
[[cameras]]
id = "mast"
reach_m = 2000.0
[cameras.lens]
width_px = 320
height_px = 256
horizontal_fov_deg = 5.0
[cameras.pose]
latitude_deg = 34.0
longitude_deg = 41.0
mast_m = 25.0
azimuth_deg = 0.0
elevation_deg = -3.2
sigma = { azimuth_deg = 0.02, elevation_deg = 0.01, roll_deg = 0.02, horizontal_m = 0.2, height_m = 0.05 }
[[lines]]
id = "border"
points = [{ latitude_deg = 34.0036, longitude_deg = 40.9996 }, { latitude_deg = 34.0036, longitude_deg = 41.0004 }]
"""
"""The line runs east 400 m north of the camera, 74 m long."""


def walker(number: int, east_m: float) -> Actor:
    """Somebody who comes from the west, outside the picture, crosses towards the camera and leaves to the east."""
    corners = ((-45.0, 440.0), (east_m, 440.0), (east_m, 360.0), (50.0, 360.0))
    return Actor(
        actor_id=number,
        kind="person",
        route=tuple(Waypoint(east_m=east, north_m=north) for east, north in corners),
        start_s=15.0 + 30.0 * number,
        speed_m_s=2.2,
        height_m=1.75,
        must="alarm",
        role="patrol",
    )


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> WalktestReport:
    """Three who cross one after the other, seen by a camera whose pose is off as its sigmas allow."""
    folder = tmp_path_factory.mktemp("walked")
    site_path = folder / "site.toml"
    site_path.write_text(SITE, encoding="utf-8")
    site = load_site(site_path)
    camera, surface = site.cameras[0], site_surface(site, folder)
    assert surface is not None
    assert camera.pose is not None
    scenario = Scenario(
        name="walk test", start=START, seconds=160.0, seed=3, imager=Imager(fps=FPS, sway_px=0.2),
        weather=Weather(air="clear", air_c=18.0), actors=tuple(walker(k, east) for k, east in enumerate(EASTS_M)),
    )  # fmt: skip
    true = CameraView(camera.lens, true_pose(camera.pose, np.random.default_rng(4)), surface, reach_m=camera.reach_m)
    scene = Scene(true, scenario, np.random.default_rng(5), "mast")
    watch_file(SceneSource("mast", scene, START_NS, lambda _: None), out=folder / "log", site=site, camera=camera)
    around = ambient(scenario.weather, START, site.cameras[0].pose.latitude_deg, site.cameras[0].pose.longitude_deg)
    cast = Cast(scenario.actors, surface.up_m, around)
    steps = [cast.at(float(second)) for second in range(round(scenario.seconds))]
    tracks = [
        gps(folder / f"walker-{actor.actor_id}.csv", actor.actor_id, steps, surface.frame) for actor in scenario.actors
    ]
    setting = Setting(terms=Terms(cell_m=10.0), gps_sigma_m=2.0)
    return walktest_site(site_path, tracks, [folder / "log"], folder / "out", setting)


def gps(path: Path, number: int, steps: Sequence[Sequence[Present]], frame: EnuFrame) -> Path:
    """What a GPS without an error would have written of one actor, a fix a second."""
    there = [(second, one) for second, step in enumerate(steps) for one in step if one.actor.actor_id == number]
    latitude, longitude, _ = frame.to_geodetic([one.east_m for _, one in there], [one.north_m for _, one in there])
    rows = [
        f"{START_NS // 10**9 + second},{a:.8f},{o:.8f}"
        for (second, _), a, o in zip(there, latitude, longitude, strict=True)
    ]
    path.write_text("\n".join(["time,lat,lon", *rows]), encoding="utf-8")
    return path


def test_all_who_crossed_in_view_are_found_and_alarmed(walked: WalktestReport) -> None:
    outcomes = walked.result.crossings
    assert [each.crossing.direction for each in outcomes] == ["inward"] * 3
    assert [each.sight for each in outcomes] == ["in view"] * 3
    assert [each.found for each in outcomes] == ["found"] * 3
    assert [each.alarmed for each in outcomes] == ["found"] * 3
    assert walked.result.chance.found == 0


def test_they_crossed_where_and_when_the_truth_says(walked: WalktestReport) -> None:
    """East -6, 0 and 8 m; at 2.2 m/s from the start they walk so long to the line, but for the gait's own pace."""
    line_north_m = 399.3
    for number, (outcome, east_m) in enumerate(zip(walked.result.crossings, EASTS_M, strict=True)):
        crossing = outcome.crossing
        assert (crossing.walker, crossing.east_m) == (f"walker-{number}", pytest.approx(east_m, abs=0.5))
        way_m = east_m + 45 + 440 - line_north_m
        assert (crossing.crossed_ns - START_NS) / 1e9 == pytest.approx(15 + 30 * number + way_m / 2.2, abs=2)


def test_the_clock_is_right_and_the_places_are_honest(walked: WalktestReport) -> None:
    found = walked.result.alignments[0]
    assert found.offset_s is not None
    assert abs(found.offset_s) < 3 * (found.sigma_s or 0) + 0.5
    assert walked.result.positions.inside == 1.0
    assert (walked.result.positions.median_error_m or 99) < 12
