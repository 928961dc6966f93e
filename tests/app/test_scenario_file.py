"""Scenario files: what is wrong is said with its key, value, line and what would be valid; shipped ones are sound."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.app.config import load_site
from marsad.app.scenario_file import load_scenario, shipped_folder, shipped_names
from marsad.app.toml_text import toml_text
from marsad.kernel.error import InputError, ScenarioError
from marsad.simulate.effect import Dust
from marsad.simulate.feature import Road
from marsad.simulate.scenario import HealthFound

SITE = """
name = "Flat"
[terrain]
flat_height_m = 100.0
[[cameras]]
id = "mast"
lens = { width_px = 160, height_px = 120, horizontal_fov_deg = 10.0 }
pose = { latitude_deg = 34.0, longitude_deg = 41.0, mast_m = 20.0, azimuth_deg = 90.0, elevation_deg = -5.0 }
[[lines]]
id = "track"
points = [{ latitude_deg = 34.0, longitude_deg = 41.001 }, { latitude_deg = 34.0, longitude_deg = 41.003 }]
"""
SOUND = """
name = "Two walkers"
start = 2026-08-08T20:30:00+03:00
seconds = 20.0
sites = ["site.toml"]
[weather]
air = "dust"
[imagers.mast]
fps = 12.0
[[features]]
type = "road"
points = [[0, 0], [100.5, 20]]
[[effects]]
type = "dust"
camera = "mast"
start_s = 3
end_s = 9
[[faults]]
type = "frozen"
start_s = 12
[[parties]]
name = "walkers"
kind = "person"
count = 2
must = "alarm"
route = [{ east_m = 10, north_m = 5 }, { east_m = 50, north_m = 5 }]
[[actors]]
actor_id = 1
kind = "fox"
route = [{ east_m = 10, north_m = 5 }]
[[expect]]
type = "health"
camera = "mast"
kind = "frozen"
at_s = 12
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    return tmp_path


def problems(folder: Path, text: str) -> list[tuple[str, str, str, int | None]]:
    path = folder / "scene.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    return [(one.key, one.value, one.valid, one.line) for one in caught.value.problems]


def test_a_scenario_is_read_with_its_sites(folder: Path) -> None:
    (folder / "scene.toml").write_text(SOUND, encoding="utf-8")
    loaded = load_scenario(folder / "scene.toml")
    scenario = loaded.scenario
    assert scenario.start == datetime(2026, 8, 8, 17, 30, tzinfo=UTC)
    assert scenario.features == (Road(points=((0.0, 0.0), (100.5, 20.0))),)
    assert scenario.effects == (Dust(camera="mast", start_s=3, end_s=9),)
    assert scenario.expect == (HealthFound(camera="mast", kind="frozen", at_s=12),)
    assert scenario.imager_of("mast").fps == 12.0
    assert scenario.parties[0].count == 2
    assert loaded.camera_ids == ("mast",)


def test_everything_wrong_is_said_at_once_in_the_order_of_the_file(folder: Path) -> None:
    text = (
        SOUND.replace('air = "dust"', 'air = "fog"')
        .replace('type = "road"', 'type = "raod"')
        .replace("count = 2", "count = 0")
        .replace("actor_id = 1", "actor_id = 1\nspede_m_s = 3")
        .replace("2026-08-08T20:30:00+03:00", "2026-08-08T20:30:00")
        .replace("fps = 12.0", "fps = 0")
    )
    found = problems(folder, text)
    assert [(key, value, line) for key, value, _, line in found] == [
        ("start", "2026-08-08 20:30:00", 3),
        ("weather.air", '"fog"', 7),
        ("imagers.mast.fps", "0", 9),
        ("features[0].type", '"raod"', 11),
        ("parties[0].count", "0", 24),
        ("actors[0].spede_m_s", "3", 29),
    ]
    valid = [each[2] for each in found]
    assert "offset" in valid[0]
    assert valid[1] == 'one of "clear", "haze", "dust", "rain"'
    assert valid[2] == "a number above 0 and up to 120"
    assert '"road"' in valid[3]
    assert valid[4] == "a whole number of 1 or more"
    assert "did you mean speed_m_s?" in valid[5]


@pytest.mark.parametrize(
    ("old", "new", "key", "said"),
    [
        ("end_s = 9", "end_s = 2", "effects[0].end_s", "above start_s, which is 3"),
        ('camera = "mast"\nkind', 'camera = "masst"\nkind', "expect[0].camera", "mast"),
        ("[imagers.mast]", "[imagers.tower]", "imagers.tower", "mast"),
        ("points = [[0, 0], [100.5, 20]]", "points = [[0, 0]]", "features[0].points", "at least 2"),
        (
            "points = [[0, 0], [100.5, 20]]",
            "points = [[0, 0, 1], [1, 2]]",
            "features[0].points[0]",
            "a list of 2 numbers",
        ),
        (
            "points = [[0, 0], [100.5, 20]]",
            "points = 3",
            "features[0].points",
            "a list of lists of 2 numbers, at least 2",
        ),
        ('type = "frozen"', 'kind = "frozen"', "faults[0].type", '"frozen"'),
        ("[[faults]]", "[faults]", "faults", "a list of tables, each headed [[faults]]"),
        ("[{ east_m = 10, north_m = 5 }]", "[[10, 5]]", "actors[0].route[0]", "a table with east_m, north_m"),
        ("[{ east_m = 10, north_m = 5 }]", "[{ east_m = inf, north_m = 5 }]", "actors[0].route[0].east_m", "infinite"),
        ("actor_id = 1", "actor_id = 1\nstart_s = 20", "actors[0].start_s", "before the scene's end: seconds is 20"),
        ("at_s = 12", "at_s = 20", "expect[0].at_s", "before the scene's end"),
        ('"site.toml"', '"sight.toml"', "sites[0]", "sight.toml is not there"),
        ("actor_id = 1", 'actor_id = 1\ngait = "fly"', "actors[0].gait", "can do: walk"),
        ("actor_id = 1", "actor_id = true", "actors[0].actor_id", "a whole number"),
        ('sites = ["site.toml"]', "", "sites", "ours first"),
        (
            "[[expect]]",
            '[[expect]]\ntype = "counted"\nparty = "nobody"\ncount = 2\n[[expect]]',
            "expect[0].party",
            "walkers",
        ),
        (
            "[[actors]]",
            '[[actors]]\nactor_id = 1\nkind = "dog"\nroute = [{ east_m = 1, north_m = 1 }]\n[[actors]]',
            "actors[1].actor_id",
            "actors[0]",
        ),
    ],
)
def test_each_bad_setting_is_named(folder: Path, old: str, new: str, key: str, said: str) -> None:
    assert old in SOUND
    assert [(found[0], said in found[2]) for found in problems(folder, SOUND.replace(old, new))] == [(key, True)]


def test_two_sites_may_not_share_a_camera(folder: Path) -> None:
    (folder / "other.toml").write_text(SITE, encoding="utf-8")
    found = problems(folder, SOUND.replace('["site.toml"]', '["site.toml", "other.toml"]'))
    assert found[0][0] == "sites[1]"
    assert "mast" in found[0][2]


def test_a_name_that_is_neither_file_nor_shipped_is_refused() -> None:
    with pytest.raises(InputError, match="no-such-night: neither a scenario file nor a shipped"):
        load_scenario("no-such-night")
    with pytest.raises(InputError, match=r"away\.toml: no such file"):
        load_scenario("away.toml")


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_scenario_is_sound_and_says_what_it_is_about(name: str) -> None:
    loaded = load_scenario(name)
    assert len(loaded.scenario.about) > 20
    assert loaded.path.parent == shipped_folder()
    assert all(site.terrain.illustrative for site in loaded.sites)


def test_a_site_written_as_toml_is_read_as_it_was(tmp_path: Path, folder: Path) -> None:
    site = load_site(folder / "site.toml")
    (tmp_path / "again.toml").write_text(toml_text(site), encoding="utf-8")
    assert load_site(tmp_path / "again.toml") == site


@given(st.text(max_size=40))
def test_any_text_survives_being_written(text: str) -> None:

    written = toml_text(HealthFound(camera=text or "x", kind="frozen", at_s=1.5))
    assert tomllib.loads(written) == {"camera": text or "x", "kind": "frozen", "at_s": 1.5}


def test_the_scenario_that_the_page_shows_is_sound(folder: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "howto" / "simulate.md"
    shown = page.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    (folder / "shown.toml").write_text(shown, encoding="utf-8")
    scenario = load_scenario(folder / "shown.toml").scenario
    assert scenario.parties
    assert scenario.expect


def test_the_least_scenario_that_the_reference_shows_is_sound_with_its_site(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "scenario-file.md"
    scene, site = (part.split("```")[0] for part in page.read_text(encoding="utf-8").split("```toml\n")[1:])
    (tmp_path / "scene.toml").write_text(scene, encoding="utf-8")
    (tmp_path / "site.toml").write_text(site, encoding="utf-8")
    assert load_scenario(tmp_path / "scene.toml").scenario.actors
