"""The body of `marsad check`, on real terrain arithmetic."""

import math
from pathlib import Path

import msgspec
import numpy as np
import pytest
import rasterio
from rasterio import Affine

from marsad.app.check import check_site

EXAMPLE = Path(__file__).parents[2] / "examples" / "site.toml"

SITE = """
name = "S"
[terrain]
flat_height_m = 100
[[cameras]]
id = "c"
reach_m = 5000
[cameras.lens]
width_px = 640
height_px = 640
horizontal_fov_deg = 20
[cameras.pose]
latitude_deg = 34.0
longitude_deg = 41.0
mast_m = 50
azimuth_deg = 90
elevation_deg = -20
[[lines]]
id = "seen"
points = [{ latitude_deg = 34.0, longitude_deg = 41.00135 }, { latitude_deg = 34.0, longitude_deg = 41.0019 }]
[[lines]]
id = "behind"
points = [{ latitude_deg = 34.0, longitude_deg = 40.99 }, { latitude_deg = 34.009, longitude_deg = 40.99 }]
[[zones]]
id = "square"
points = [{ latitude_deg = 33.995, longitude_deg = 41.0 }, { latitude_deg = 34.005, longitude_deg = 41.0 },
          { latitude_deg = 34.005, longitude_deg = 41.01 }, { latitude_deg = 33.995, longitude_deg = 41.01 }]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_can_be_used() -> None:
    report = check_site(EXAMPLE)
    assert (report.ok, report.exit_code) == (True, 0)
    assert "OK, Example valley" in report.text()
    assert any("illustrative" in note for note in report.notes)
    assert all(any(camera.sees[name] > 0 for camera in report.cameras) for name in ("valley-line", "pump-house"))


def test_what_a_camera_covers_agrees_with_trigonometry(tmp_path: Path) -> None:
    """Over flat ground: a picture from 10 to 30 degrees down sees from 50/sin 30 m to 50/sin 10 m."""
    camera = check_site(write(tmp_path, SITE)).cameras[0]
    assert camera.ground == 1.0
    assert camera.near_m == pytest.approx(50 / math.sin(math.radians(30)), rel=0.03)
    assert camera.far_m == pytest.approx(50 / math.sin(math.radians(10)), rel=0.03)
    assert camera.fov_deg == (20, 20.0)
    assert camera.sees["seen"] == 1.0
    assert camera.sees["behind"] == 0.0


def test_lengths_and_areas_agree_with_the_ellipsoid(tmp_path: Path) -> None:
    """A minute of latitude at 34 degrees is 1,848.6 m, one of longitude 1,539.6 m (series of the meridian arc)."""
    report = check_site(write(tmp_path, SITE))
    assert report.lines["behind"] == pytest.approx(0.009 * 60 * 1848.6, rel=1e-3)
    assert report.zones["square"] == pytest.approx(0.6 * 1848.6 * 0.6 * 1539.6, rel=2e-3)
    assert "no camera sees any of behind" in report.notes


def terrain_file(folder: Path, west: float) -> None:
    heights = np.full((60, 60), 300, np.float32)
    heights[:3] = -9999
    with rasterio.open(
        folder / "dem.tif", "w", driver="GTiff", width=60, height=60, count=1, dtype="float32", nodata=-9999,
        crs="EPSG:4326", transform=Affine(1 / 300, 0, west, 0, -1 / 300, 34.1),
    ) as file:  # fmt: skip
        file.write(heights, 1)


def test_terrain_from_a_file_is_summed_up(tmp_path: Path) -> None:
    terrain_file(tmp_path, 40.9)
    report = check_site(write(tmp_path, SITE.replace("flat_height_m = 100", 'files = ["dem.tif"]')))
    assert report.ok, report.text()
    assert report.terrain is not None
    assert (report.terrain.kind, report.terrain.low_m, report.terrain.high_m) == ("files", 300, 300)


def test_a_line_over_unknown_ground_is_noted(tmp_path: Path) -> None:
    """The file ends at 40.995 in the west: the line at 40.99 lies off it, wholly within the camera's reach."""
    terrain_file(tmp_path, 40.995)
    report = check_site(write(tmp_path, SITE.replace("flat_height_m = 100", 'files = ["dem.tif"]')))
    assert report.ok, report.text()
    assert "100% of behind lies where the elevation data know no ground: load another tile there" in report.notes
    assert not any("of seen lies" in note for note in report.notes)


def test_a_camera_off_the_terrain_is_a_problem(tmp_path: Path) -> None:
    terrain_file(tmp_path, 41.01)
    report = check_site(write(tmp_path, SITE.replace("flat_height_m = 100", 'files = ["dem.tif"]')))
    assert report.exit_code == 1
    assert [problem.key for problem in report.problems] == ["cameras[0].pose"]
    assert "latitude 34.0, longitude 41.0" in report.text()


def test_a_file_that_is_no_terrain_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "dem.tif").write_text("no raster")
    report = check_site(write(tmp_path, SITE.replace("flat_height_m = 100", 'files = ["dem.tif"]')))
    assert (report.exit_code, report.problems[0].key, report.problems[0].value) == (
        1,
        "terrain",
        str(tmp_path / "dem.tif"),
    )


def test_bad_settings_are_listed_with_lines_and_as_json(tmp_path: Path) -> None:
    text = SITE.replace("mast_m = 50", "mast_m = -1").replace("width_px = 640", "width = 640")
    report = check_site(write(tmp_path, text))
    assert report.exit_code == 1
    assert "3 to mend" in report.text()
    assert "line 9: cameras[0].lens.width = 640: no such key; did you mean width_px?" in report.text()
    decoded = msgspec.json.decode(msgspec.json.encode(report))
    assert {problem["key"] for problem in decoded["problems"]} >= {"cameras[0].pose.mast_m", "cameras[0].lens.width"}


def test_a_file_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    report = check_site(tmp_path / "no.toml")
    assert report.exit_code == 1
    assert "no such file" in report.text()


def test_doubtful_things_are_noted(tmp_path: Path) -> None:
    bare = 'name = "S"\n[[cameras]]\nid = "c"\n[cameras.lens]\nwidth_px = 64\nheight_px = 64\nhorizontal_fov_deg = 9\n'
    assert check_site(write(tmp_path, 'name = "S"')).notes == ("no cameras: nothing can be watched with this site",)
    assert "has no pose" in check_site(write(tmp_path, bare)).notes[0]
    groundless = SITE.replace("flat_height_m = 100", "")
    assert any("no terrain" in note for note in check_site(write(tmp_path, groundless)).notes)
    upward = SITE.replace("elevation_deg = -20", "elevation_deg = 30")
    assert any("sees no ground within reach" in note for note in check_site(write(tmp_path, upward)).notes)
    away = SITE.replace("longitude_deg = 40.99 }", "longitude_deg = 14.99 }", 1)
    assert any("line behind lies" in note for note in check_site(write(tmp_path, away)).notes)
