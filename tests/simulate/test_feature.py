"""The records of what stands still, what passes and the weather: how they are written, and that they are documented."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from marsad.kernel.record import Record
from marsad.simulate.effect import Effect
from marsad.simulate.feature import Feature, Material
from marsad.simulate.surface import MATERIALS
from marsad.simulate.weather import Weather

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "simulator.md"
SHARED = {"camera", "start_s", "end_s"}


class Written(Record):
    """What a scenario file may hold of these."""

    features: tuple[Feature, ...] = ()
    effects: tuple[Effect, ...] = ()


def test_features_and_effects_are_read_by_their_type() -> None:
    text = """
    [[features]]
    type = "fence"
    points = [[0, 10], [20.5, 10]]
    [[features]]
    type = "river"
    points = [[0, 10], [20, 10]]
    water_c = 18.0
    [[effects]]
    type = "dust"
    camera = "north"
    start_s = 30
    """
    found = msgspec.toml.decode(text, type=Written)
    assert [type(each).__name__ for each in (*found.features, *found.effects)] == ["Fence", "River", "Dust"]


@pytest.mark.parametrize(
    "line",
    [
        'type = "moat"\npoints = [[0, 0], [1, 1]]',
        'type = "fence"\npoints = [[0, 0]]',
        'type = "fence"\npoints = [[0, 0], [1, 1]]\nmesh = 1.0',
        'type = "road"\npoints = [[0, 0], [1, 1]]\nwidth_m = 0',
        'type = "shrubs"\nper_hectar = 20',
    ],
)
def test_what_cannot_be_is_refused(line: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.toml.decode(f"[[features]]\n{line}", type=Written)


def test_every_material_is_followed_over_the_day() -> None:
    assert set(get_args(Material)) == set(MATERIALS)


@pytest.mark.parametrize("record", [*get_args(Feature), *get_args(Effect)])
def test_every_field_of_a_feature_or_effect_is_documented(record: type[Record]) -> None:
    tag = record.__struct_config__.tag
    rows = re.findall(rf"^\| `{tag}` \| (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    words = set(re.findall(r"`(\w+)`", rows[-1]))
    like_shrubs = {"radius_m", "east_m", "north_m"} if tag == "boulders" else set()
    assert set(record.__struct_fields__) - SHARED - like_shrubs <= words


def test_every_field_of_the_weather_is_documented() -> None:
    words = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(Weather.__struct_fields__) <= words


def test_the_defaults_in_the_page_are_the_records_own() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for record in (*get_args(Feature), *get_args(Effect)):
        row = re.findall(rf"^\| `{record.__struct_config__.tag}` \| (.*)$", page, re.MULTILINE)[-1]
        for field in msgspec.structs.fields(record):
            said = re.search(rf"`{field.name}` \((-?[\d.]+)[):]", row)
            if said is not None:
                assert float(said[1]) == field.default, (record, field.name)
