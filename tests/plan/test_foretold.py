"""What the plan says of any way, against the ways it is made with."""

import math

import numpy as np
import pytest
from scipy.sparse import csr_array

from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.mobility import ON_FOOT
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.plan.crossing import Array, least_exposure, trace
from marsad.plan.foretold import Ground, Hurdle, foretold, stopped
from marsad.plan.interruption import Chase, Delaying, Interrupting, Timing
from marsad.plan.sector import Stretches, rated, ways_across
from marsad.plan.siting import Evader

LATTICE = Lattice(west_m=-500.0, north_m=500.0, cell_m=50.0, rows=20, columns=20)
FLAT = Surface(flat_grid(34.4, 41.0, 0.0, 3000.0), EnuFrame(Position(latitude_deg=34.4, longitude_deg=41.0)), 2000.0)
GROUND = Ground(LATTICE, FLAT)


def test_a_way_of_the_plan_is_foretold_what_the_plan_says_of_it() -> None:
    east, north = LATTICE.centres()
    rates = (1e-3 * (1 + np.cos(rated(LATTICE).centres()[0] / 300))).ravel()
    there, _ = ways_across(LATTICE, np.zeros(LATTICE.shape), north, 400.0, ON_FOOT)
    exposure, before = least_exposure(there, rates)
    end = int(there.exits[np.argmin(exposure[there.exits])])
    places = trace(before, end)
    way = np.stack([east.ravel()[places], north.ravel()[places]], axis=1)
    assert foretold(GROUND, rates, way, ON_FOOT) == pytest.approx(-math.expm1(-exposure[end]), rel=0.02)


def test_a_way_over_a_barrier_is_stopped_as_surely_as_the_plan_says() -> None:
    east, north = LATTICE.centres()
    begin_m = np.array([0.0, 400.0])
    stretches = Stretches(np.broadcast_to(east + 500, north.shape), begin_m, 60)
    ways = ways_across(LATTICE, np.zeros(LATTICE.shape), north, 400.0, ON_FOOT, stretches=stretches)
    points = ways[0].points
    seen = np.zeros((4, points + 2))
    seen[0, : points - 60] = (2e-3 * np.clip(0.5 - rated(LATTICE).centres()[1] / 200, 0, 1)).ravel()
    seen[0, points - 60 : points] = 3e-3
    seen[1, points], seen[2, points + 1] = 0.7, 0.7
    reach = np.array([[300.0]])
    siting = Interrupting(
        np.ones(4), np.zeros(4),
        [Chase(evader=Evader(exposure=csr_array(seen), passages=ways), delay_s=np.array([0.0, 200.0, 200.0, 0.0]),
               ends=tuple(np.zeros(len(way.exits), np.int32) for way in ways), reach_s=(reach, reach))],
        0.9,
        delaying=Delaying(*(np.array(column, np.int32) for column in ([-1, 0, 1, -1], [-1, -1, -1, 0], [0, 0, 0, 2]))),
        timing=Timing(),
    )  # fmt: skip
    choice = np.ones(4, np.bool_)
    exposure, path = siting.weakest_of(0, choice)
    way = np.stack([east.ravel()[path.places], north.ravel()[path.places]], axis=1)
    met = float(np.interp(0.0, way[:, 1], np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))])))

    def answered(left_s: Array) -> Array:
        return siting.answered(0, int(path.places[-1]), left_s, choice.astype(float))

    rates = siting.place_rates(0, choice.astype(float))
    told = stopped(GROUND, rates, way, ON_FOOT, [Hurdle(met, 200.0, 3e-3, 0.7)], answered)
    assert told == pytest.approx(-math.expm1(-exposure), rel=0.03)
    assert told > stopped(GROUND, rates, way, ON_FOOT, [], answered)


def test_off_the_cells_nothing_is_foretold() -> None:
    rates = np.full(rated(LATTICE).shape, 0.01)
    outside = np.array([[900.0, 0.0], [900.0, 300.0]])
    assert foretold(GROUND, rates, outside, ON_FOOT) == 0.0
