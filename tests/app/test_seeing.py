"""`marsad sees` and `marsad viewshed` on level ground."""

import json
from pathlib import Path

import pytest
import rasterio
from PIL import Image
from typer.testing import CliRunner

from marsad.app.cli import app

SITE = """
name = "Flat ground"
origin = { latitude_deg = 34.4, longitude_deg = 41.0 }
terrain = { flat_height_m = 200.0, sigma_m = 2.0 }
[[cameras]]
id = "north"
reach_m = 2000.0
lens = { width_px = 640, height_px = 512, horizontal_fov_deg = 40.0 }
pose = { latitude_deg = 34.4, longitude_deg = 41.0, mast_m = 10.0, azimuth_deg = 0.0, elevation_deg = -2.0 }
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    return tmp_path / "site.toml"


@pytest.mark.parametrize(
    ("place", "verdict", "said"),
    [
        ("34.409,41.0", "seen", "seen"),
        ("34.391,41.0", "out_of_field", "outside its picture"),
        ("34.43,41.0", "out_of_reach", "beyond the camera's reach"),
    ],
)
def test_a_camera_says_what_it_sees_and_why_not(site: Path, place: str, verdict: str, said: str) -> None:
    result = CliRunner().invoke(app, ["sees", str(site), "north", place, "--json"])
    assert json.loads(result.stdout)["sight"]["verdict"] == verdict
    assert result.exit_code == (0 if verdict == "seen" else 1)
    assert said in CliRunner().invoke(app, ["sees", str(site), "north", place]).stdout


def test_a_camera_that_is_not_there_is_refused(site: Path) -> None:
    assert "north" in str(CliRunner().invoke(app, ["sees", str(site), "south", "34.4,41.0"]).exception)


@pytest.mark.parametrize("way", ["exact", "quick", "probable"])
def test_from_a_mast_all_level_ground_is_seen(site: Path, way: str, tmp_path: Path) -> None:
    asked = ["viewshed", str(site), "34.4,41.0", "--reach", "1500", "--mast", "60", "--cell", "50", "--way", way]
    found = json.loads(CliRunner().invoke(app, [*asked, "--out", str(tmp_path / "v.tif"), "--json"]).stdout)
    assert found["seen_km2"] == pytest.approx(found["asked_km2"], rel=0.02)
    assert found["asked_km2"] == pytest.approx(3.1416 * 1.5**2, rel=0.03)
    with rasterio.open(tmp_path / "v.tif") as file:
        assert file.descriptions == ("seen",)
    if way == "quick":
        CliRunner().invoke(app, [*asked, "--out", str(tmp_path / "v.png")])
        with Image.open(tmp_path / "v.png") as picture:
            assert picture.width > 800


def test_a_file_of_another_kind_is_refused(site: Path) -> None:
    result = CliRunner().invoke(app, ["viewshed", str(site), "34.4,41.0", "--out", "v.txt"])
    assert "v.txt" in str(result.exception)
