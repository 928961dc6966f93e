"""Areas: who can have come back, against the shortest way round the walls; and what to search next."""

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.fuse.sweep import AreaBook, SweepSettings, shrunk
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.presence import AreaMark, AreaState

LATTICE = Lattice(west_m=0.0, north_m=1000.0, cell_m=20.0, rows=50, columns=50)
NONE = np.zeros(LATTICE.shape, np.bool_)
EAST, NORTH = LATTICE.centres()
S = 1_000_000_000


def square(west: float, south: float, side: float) -> np.ndarray:
    return np.array([[west, south], [west + side, south], [west + side, south + side], [west, south + side]])


def book(**areas: np.ndarray) -> AreaBook:
    one = AreaBook(LATTICE, NONE, SweepSettings(return_m_s=1.0))
    for name, corners in areas.items():
        one.define(name, corners)
    return one


def mark(name: str, state: AreaState) -> AreaMark:
    return AreaMark(area_id=name, state=state, officer="Rebin", reason="order 7", by="patrol 2")


def steps_in(clear: np.ndarray, wall: np.ndarray, rounds: int) -> np.ndarray:
    """The cells that nobody from outside reaches in so many rounds, corners counting in every other one."""
    rows, columns = clear.shape
    reached = {}
    heap = [(0, i, j) for i in range(-1, rows + 1) for j in range(-1, columns + 1)]
    heap = [
        (0, i, j)
        for _, i, j in heap
        if not (0 <= i < rows and 0 <= j < columns) or (not clear[i, j] and not wall[i, j])
    ]
    heapq.heapify(heap)
    while heap:
        time, i, j = heapq.heappop(heap)
        if reached.setdefault((i, j), time) < time or time >= rounds:
            continue
        for a, b in [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b]:
            x, y = i + a, j + b
            if not (0 <= x < rows and 0 <= y < columns) or wall[x, y] or (x, y) in reached:
                continue
            # The first round goes over corners as well, the second over edges alone.
            arrival = time + 1 if not (a and b) or time % 2 == 0 else time + 2
            if arrival <= rounds:
                heapq.heappush(heap, (arrival, x, y))
    return clear & np.array([[(i, j) not in reached for j in range(columns)] for i in range(rows)])


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 6))
def test_clear_ground_shrinks_as_fast_as_somebody_can_walk_into_it(seed: int, rounds: int) -> None:
    rng = np.random.default_rng(seed)
    clear = np.zeros((16, 16), np.bool_)
    clear[2:14, 1:15] = True
    wall = rng.random((16, 16)) < 0.2
    left = clear.copy()
    for k in range(rounds):
        left = shrunk(left, wall, k % 2 == 0)
    assert np.array_equal(left, steps_in(clear, wall, rounds))


def test_a_searched_area_is_clear_until_somebody_can_have_come_back() -> None:
    one = book(pocket=square(200, 200, 400))
    one.advance(0, NONE)
    one.mark(mark("pocket", "searched"), 0)
    (report,) = one.reports({"pocket": 0.0}, {}, 0)
    assert (report.state, report.by, report.clear) == ("searched", "patrol 2", 1.0)
    one.advance(100 * S, NONE)
    (report,) = one.reports({"pocket": 0.0}, {}, 0)
    # After 100 m from every side 200 of 400 m are left; a grid's circle is an octagon.
    assert report.clear == pytest.approx(0.25, abs=0.03)
    one.advance(300 * S, NONE)
    (report,) = one.reports({"pocket": 0.0}, {}, 0)
    assert report.clear == 0
    assert report.remaining_km2 == pytest.approx(0.16)
    assert [step.state for step in report.history] == ["searched"]


def test_held_or_watched_ground_keeps_them_out() -> None:
    ring = square(100, 100, 600)
    one = book(pocket=square(200, 200, 400), ring=ring)
    one.advance(0, NONE)
    one.mark(mark("pocket", "searched"), 0)
    one.mark(mark("ring", "held"), 0)
    one.advance(5000 * S, NONE)
    assert all(report.clear == 1 for report in one.reports({"pocket": 0.0, "ring": 0.0}, {}, 0))
    one.mark(mark("ring", "unsearched"), 5000 * S)
    one.mark(mark("pocket", "searched"), 5000 * S)
    watched = (EAST > 100) & (EAST < 700) & (NORTH > 100) & (NORTH < 700) & ~one.areas["pocket"].cells
    one.advance(9000 * S, watched)
    assert one.clear[one.areas["pocket"].cells].all()
    one.advance(9400 * S, NONE)
    assert not one.clear.any()


def test_how_time_is_cut_makes_no_difference() -> None:
    fine, coarse = book(pocket=square(200, 200, 400)), book(pocket=square(200, 200, 400))
    for one, step in ((fine, 3), (coarse, 150)):
        one.advance(0, NONE)
        one.mark(mark("pocket", "searched"), 0)
        for second in range(step, 151, step):
            one.advance(second * S, NONE)
    assert np.array_equal(fine.clear, coarse.clear)


def test_the_next_area_is_the_most_probable_for_the_effort() -> None:
    one = book(near=square(0, 0, 200), far=square(600, 600, 400))
    chances = {"near": 0.3, "far": 0.5}
    here = {"p1": np.array([100.0, 100.0])}
    reports = one.reports(chances, here, 1)
    assert [each.area_id for each in reports] == ["near", "far"]
    assert reports[0].effort_s == pytest.approx(40_000 / (4 * 30 * 0.8))
    assert reports[0].merit == pytest.approx(0.3 / (reports[0].effort_s / 3600))
    walk_s = 1.3 * np.hypot(700, 700) / 1.2
    assert reports[1].effort_s == pytest.approx(160_000 / (4 * 30 * 0.8) + walk_s)
    one.advance(0, NONE)
    one.mark(mark("near", "held"), 0)
    assert [each.area_id for each in one.reports(chances, here, 1)] == ["far", "near"]


def test_an_area_nobody_drew_is_refused_and_inhabited_ground_is_not_swept() -> None:
    one = book()
    with pytest.raises(InputError, match="no corners yet"):
        one.mark(mark("pocket", "searched"), 0)
    village = AreaBook(LATTICE, EAST < 500, SweepSettings())
    village.define("half", square(400, 400, 200))
    assert village.areas["half"].cells.sum() == 50
    with pytest.raises(InputError, match="that may be swept"):
        village.define("inside", square(100, 100, 200))


def test_an_area_drawn_anew_keeps_its_history() -> None:
    one = book(pocket=square(200, 200, 400))
    one.mark(mark("pocket", "searched"), 5 * S)
    one.define("pocket", square(200, 200, 500))
    assert [step.time_ns for step in one.areas["pocket"].history] == [5 * S]
