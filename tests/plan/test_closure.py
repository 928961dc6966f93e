"""What stays open under what looks now, on a grid small enough to look at every way."""

import math

import numpy as np
import pytest
from scipy.sparse import csr_array

from marsad.geo.mobility import Mobility
from marsad.kernel.lattice import Lattice
from marsad.plan.closure import cheapest, least_through, open_stretches
from marsad.plan.crossing import least_exposure
from marsad.plan.sector import rated, ways_across
from marsad.plan.siting import Evader, Siting

LATTICE = Lattice(west_m=0.0, north_m=500.0, cell_m=100.0, rows=10, columns=12)
EAST, NORTH = LATTICE.centres()
WAYS = ways_across(LATTICE, np.zeros(LATTICE.shape), NORTH, 400.0, Mobility(level_m_s=1.0, best_slope=0.0))
ALONG = EAST.ravel()


def siting(*spans: tuple[float, float], costs: list[float], standing: list[bool]) -> Siting:
    """Options that each see a strip across the line from west to east."""
    at = rated(LATTICE).centres()[0]
    rates = [np.where(np.abs(at - (west + east) / 2) < (east - west) / 2, 0.01, 0.0).ravel() for west, east in spans]
    evader = Evader(exposure=csr_array(np.array(rates)), passages=WAYS)
    return Siting(np.array(costs), np.array([sum(span) / 2 for span in spans]), [evader], 0.9, np.array(standing))


def test_the_stretch_that_nothing_sees_is_open_and_the_rest_is_not() -> None:
    problem = siting((0, 400), (400, 800), (800, 1200), costs=[1.0, 1.0, 1.0], standing=[False] * 3)
    outer = np.array([True, False, True])
    found = open_stretches(problem, outer, ALONG, 100.0)
    assert len(found) == 1
    assert found[0].from_m <= 400
    assert found[0].to_m >= 800
    assert found[0].reached == pytest.approx(0.0)
    assert open_stretches(problem, np.ones(3, np.bool_), ALONG, 100.0) == ()


def test_the_least_of_all_places_on_the_line_is_the_least_of_all_ways() -> None:
    rng = np.random.default_rng(3)
    evader = Evader(exposure=csr_array(rng.random((4, WAYS[0].points)) * 0.01), passages=WAYS)
    problem = Siting(np.ones(4), np.zeros(4), [evader], 0.9)
    for choice in (np.array([True, False, True, False]), np.ones(4, np.bool_)):
        through = least_through(problem, choice)
        gates = np.concatenate([way.gates for way in WAYS])
        assert through[gates].min() == pytest.approx(problem.weakest(choice)[0])
        # A way through a place, found by going there and on from there.
        place = int(gates[5])
        rates = problem.place_rates(0, choice.astype(float))
        there = least_exposure(WAYS[0], rates)[0][place]
        assert through[place] <= there + least_exposure(problem.back[0], rates)[0][place] + 1e-12


def test_what_closes_it_cheapest_is_the_cheaper_of_two() -> None:
    problem = siting((0, 800), (800, 1200), (700, 1200), costs=[0.0, 30.0, 12.0], standing=[True, False, False])
    found = cheapest(problem, np.random.default_rng(0))
    assert found is not None
    assert found.choice.tolist() == [True, False, True]
    assert found.cost == found.bound == 12.0
    assert math.isinf(least_through(problem, found.choice)[ALONG < 0].min(initial=math.inf))


def test_where_nothing_closes_it_nothing_is_told() -> None:
    problem = siting((0, 800), (800, 1000), costs=[0.0, 30.0], standing=[True, False])
    assert cheapest(problem, np.random.default_rng(0)) is None
