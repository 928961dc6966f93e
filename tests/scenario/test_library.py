"""Every shipped scenario, played in memory through the whole watch: what must happen does, and nothing else.

What the watch is known not to manage yet stands in `shortcomings.toml`, scenario by scenario. A shortcoming that is not
listed there fails the test, and so does a scenario that is listed and has none any more.
"""

import re
import tomllib
from pathlib import Path

import cv2
import pytest

from marsad.app.outcome import shortcomings
from marsad.app.performance import perform
from marsad.app.scenario_file import load_scenario, shipped_names
from marsad.app.stage import Stage
from marsad.simulate.scene import all_actors

KNOWN = tomllib.loads(Path(__file__).with_name("shortcomings.toml").read_text(encoding="utf-8"))
PLAYED_BY_THE_DEMO = {"al-qaim-night"}
"""Four cameras take long: tests/app/test_demo.py plays this one, and holds it to what must happen."""
NAMES = [name for name in shipped_names() if name not in PLAYED_BY_THE_DEMO]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    cv2.setNumThreads(1)  # as in `marsad watch`: one process for each core


@pytest.mark.parametrize("name", NAMES)
def test_what_must_happen_happens(name: str) -> None:
    loaded = load_scenario(name)
    stage = Stage(loaded)
    played = [perform(stage, camera_id) for camera_id in loaded.camera_ids]
    found = shortcomings(loaded.scenario, all_actors(loaded.scenario), played)
    own = KNOWN.get(name, [])
    listed = [line for line in found if _matches(line, own)]
    assert [line for line in found if line not in listed and not _matches(line, KNOWN["everywhere"])] == []
    assert listed or not own, f"{name} does what must happen: take it out of shortcomings.toml"


def _matches(line: str, patterns: list[str]) -> bool:
    return any(re.fullmatch(each, line) for each in patterns)


def test_only_shipped_scenarios_have_shortcomings() -> None:
    assert set(KNOWN) - {"everywhere"} <= set(NAMES)


def test_the_library_holds_what_an_operator_may_meet() -> None:
    scenarios = [load_scenario(name).scenario for name in shipped_names()]
    kinds = {actor.kind for scenario in scenarios for actor in all_actors(scenario)}
    gaits = {point.gait for scenario in scenarios for actor in all_actors(scenario) for point in actor.route}
    gaits |= {actor.gait for scenario in scenarios for actor in all_actors(scenario)}
    assert {"person", "vehicle", "motorcycle", "boat", "dog", "fox", "sheep", "camel", "bird", "bush"} <= kinds
    assert {"walk", "run", "crawl", "climb", "swim", "stand"} <= gaits
    assert {scenario.weather.air for scenario in scenarios} >= {"clear", "rain", "dust"}
    assert {type(effect).__name__ for scenario in scenarios for effect in scenario.effects} >= {
        "CloudShadow",
        "Rain",
        "BlowingSand",
        "Dust",
        "Insects",
    }
    assert {type(fault).__name__ for scenario in scenarios for fault in scenario.faults} >= {
        "Frozen",
        "Covered",
        "Defocused",
        "Looped",
        "Moved",
        "GainJump",
    }
    assert len(scenarios) >= 13
