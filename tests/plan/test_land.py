"""Surfaces: which of several counts, what holes leave open, and where the figures on foot come from."""

import math
from pathlib import Path

import numpy as np
import pytest

from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.plan.land import EASE, Land, Patch

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "plan-file.md"
LATTICE = Lattice(west_m=0.0, north_m=100.0, cell_m=10.0, rows=10, columns=10)


def square(low: float, high: float) -> np.ndarray:
    return np.array([(low, low), (high, low), (high, high), (low, high)])


def test_the_last_polygon_counts_and_holes_are_open() -> None:
    land = Land([Patch((square(0, 100), square(40, 60)), "sand"), Patch((square(70, 90),), "water")])
    ease = land.over(LATTICE, "vehicle")
    assert (ease == 0).sum() == 4
    assert (ease == 1).sum() == 4
    assert (ease == EASE["vehicle"]["sand"]).sum() == 92
    east, north = (axis.ravel() for axis in LATTICE.centres())
    np.testing.assert_array_equal(land.at(east, north, "vehicle"), ease.ravel())


def test_where_nothing_lies_it_is_firm_and_an_unknown_surface_is_refused() -> None:
    assert (Land().over(LATTICE, "foot") == 1).all()
    with pytest.raises(InputError, match="custard"):
        Land([Patch((square(0, 50),), "custard")])


@pytest.mark.parametrize(("surface", "factor"), [("scrub", 1.5), ("marsh", 1.8), ("sand", 2.1)])
def test_on_foot_speeds_follow_the_terrain_factors(surface: str, factor: float) -> None:
    """Soule and Goldman's, against light brush with 1.2, at equal effort; to the twentieth."""
    assert EASE["foot"][surface] == pytest.approx(math.sqrt(1.2 / factor), abs=0.025)


def test_the_reference_tells_the_shares_that_are_reckoned_with() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text(encoding="utf-8").splitlines()]
    told = {row[0]: (float(row[1]), float(row[2])) for row in rows if len(row) == 3 and row[0] in EASE["foot"]}
    assert told == {name: (EASE["foot"][name], EASE["vehicle"][name]) for name in EASE["vehicle"]}
