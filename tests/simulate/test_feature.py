"""The records of what stands still and what passes: how they are written."""

from typing import get_args

import msgspec
import pytest

from marsad.kernel.record import Record
from marsad.simulate.effect import Effect
from marsad.simulate.feature import Feature, Material
from marsad.simulate.surface import MATERIALS


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
