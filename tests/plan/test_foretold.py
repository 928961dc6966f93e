"""What the plan says of any way, against the ways it is made with."""

import math

import numpy as np
import pytest

from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.mobility import ON_FOOT
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.plan.crossing import least_exposure, trace
from marsad.plan.foretold import foretold
from marsad.plan.sector import ways_across

LATTICE = Lattice(west_m=-500.0, north_m=500.0, cell_m=50.0, rows=20, columns=20)
FLAT = Surface(flat_grid(34.4, 41.0, 0.0, 3000.0), EnuFrame(Position(latitude_deg=34.4, longitude_deg=41.0)), 2000.0)


def test_a_way_of_the_plan_is_foretold_what_the_plan_says_of_it() -> None:
    east, north = LATTICE.centres()
    rates = (1e-3 * (1 + np.cos(east / 300))).ravel()
    there, _ = ways_across(LATTICE, np.zeros(LATTICE.shape), north, 400.0, ON_FOOT)
    exposure, before = least_exposure(there, rates)
    end = int(there.exits[np.argmin(exposure[there.exits])])
    places = trace(before, end)
    way = np.stack([east.ravel()[places], north.ravel()[places]], axis=1)
    assert foretold(LATTICE, FLAT, rates, way, ON_FOOT) == pytest.approx(-math.expm1(-exposure[end]), rel=0.02)


def test_off_the_cells_nothing_is_foretold() -> None:
    rates = np.full(LATTICE.rows * LATTICE.columns, 0.01)
    outside = np.array([[900.0, 0.0], [900.0, 300.0]])
    assert foretold(LATTICE, FLAT, rates, outside, ON_FOOT) == 0.0
