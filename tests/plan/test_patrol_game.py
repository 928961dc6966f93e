"""Drawn patrols against programs over whole histories of walks, duality, and draws counted."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from marsad.kernel.error import InputError
from marsad.plan.patrol_game import (
    best_patrol,
    improve,
    through,
    timetable,
    tour_chain,
    wandering_chain,
)
from marsad.plan.patrol_walk import Beat, Ground, Place, Walk, Way, line


def row(count: int, crossing: int, slots: int = 1, **each: float) -> Beat:
    return line([Place(place_id=str(k), crossing_slots=crossing, **each) for k in range(count)], slots)


@st.composite
def beats(draw: st.DrawFn) -> Beat:
    count = draw(st.integers(2, 4))
    share = st.sampled_from([0.0, 0.3, 1.0])
    places = tuple(
        Place(
            place_id=str(k),
            crossing_slots=draw(st.integers(1, 3)),
            worth=draw(st.sampled_from([0.5, 1.0, 2.0])),
            catch=draw(st.sampled_from([0.6, 1.0])),
            alarm=draw(share),
        )
        for k in range(count)
    )
    ends = [(draw(st.integers(0, k - 1)), k) for k in range(1, count)]
    return Beat(places=places, ways=tuple(Way(one=str(a), other=str(b)) for a, b in ends))


def over_histories(beat: Beat) -> float:
    """The game's value by another way: a draw of whole histories, as long as the longest crossing, that is the same at
    every moment; a crossing is stopped by a history that has its place within as many slots."""
    ground = Ground(beat)
    longest = int(ground.crossing.max())
    histories = [
        nodes
        for nodes in product(range(ground.nodes), repeat=longest + 1)
        if all(b in ground.after[a] for a, b in pairwise(nodes))
    ]
    shorter = sorted({h[:-1] for h in histories} | {h[1:] for h in histories})
    same = np.zeros((len(shorter) + 1, len(histories) + 1))
    for k, history in enumerate(histories):
        same[shorter.index(history[:-1]), k] += 1
        same[shorter.index(history[1:]), k] -= 1
    same[-1, :-1] = 1
    at_most = np.zeros((ground.places, len(histories) + 1))
    for i, place in enumerate(beat.places):
        for k, history in enumerate(histories):
            seen = i in history[: place.crossing_slots]
            told = ground.slots[history[0], i] <= place.crossing_slots - 1
            stopped = place.catch * (place.alarm * told + (1 - place.alarm) * seen)
            at_most[i, k] = -place.worth * stopped
        at_most[i, -1] = -1
    found = linprog(
        [*np.zeros(len(histories)), 1],
        A_ub=at_most,
        b_ub=-ground.worth,
        A_eq=same,
        b_eq=[*np.zeros(len(shorter)), 1],
        bounds=[*[(0, None)] * len(histories), (None, None)],
    )
    assert found.fun is not None
    return float(found.fun)


@settings(max_examples=25, deadline=None)
@given(beat=beats())
def test_its_value_is_that_of_a_draw_over_all_histories(beat: Beat) -> None:
    found = best_patrol(beat)
    value = over_histories(beat)
    assert found.guaranteed == pytest.approx(value, abs=1e-6)
    assert found.bound == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize(("crossing", "slots"), [(3, 1), (5, 1), (4, 2)])
def test_what_is_guaranteed_falls_and_the_bound_rises_until_they_meet(crossing: int, slots: int) -> None:
    steps = list(improve(row(6, crossing, slots)))
    guaranteed, bounds = [each.guaranteed for each in steps], [each.bound for each in steps]
    assert guaranteed == sorted(guaranteed, reverse=True)
    assert bounds == sorted(bounds)
    assert all(each.guaranteed >= each.bound - 1e-9 for each in steps)
    assert steps[-1].gap < 1e-6


@settings(max_examples=25, deadline=None)
@given(beat=beats())
def test_a_patrol_that_forgets_still_keeps_to_its_word(beat: Beat) -> None:
    value = best_patrol(beat).guaranteed
    for each in improve(beat):
        assert each.bound - 1e-7 <= value <= each.guaranteed + 1e-7
        np.testing.assert_allclose(through(each.ground, each.chain), each.through)


def test_on_a_short_line_it_is_the_published_value() -> None:
    """Whoever can watch only one of five in a row within two slots stops a third of the crossings: the two ends and the
    middle are never stopped by the same walk (Alpern, Morton and Papadaki 2011, independent sets)."""
    assert best_patrol(row(5, 2)).guaranteed == pytest.approx(2 / 3)


def test_who_can_go_round_in_time_stops_everybody() -> None:
    assert best_patrol(row(3, 4)).guaranteed == pytest.approx(0.0, abs=1e-9)
    assert best_patrol(row(3, 3)).guaranteed > 0.05


def test_where_sensors_tell_of_everybody_it_waits_where_it_can_reach_all() -> None:
    found = best_patrol(row(7, 4, alarm=1.0))
    assert found.guaranteed == pytest.approx(0.0, abs=1e-9)
    blind = best_patrol(row(7, 4))
    assert blind.guaranteed > 0.3


def test_alarms_never_help_the_evader() -> None:
    values = [best_patrol(row(6, 3, alarm=alarm)).guaranteed for alarm in (0.0, 0.5, 1.0)]
    assert values == sorted(values, reverse=True)


def test_the_draw_stops_as_often_as_it_says() -> None:
    found = best_patrol(row(6, 3))
    rng = np.random.default_rng(5)
    runs = [found.draw(3, rng) for _ in range(4000)]
    for k, said in enumerate(found.through):
        missed = np.mean([str(k) not in run for run in runs])
        assert missed == pytest.approx(said, abs=4 * 0.5 / np.sqrt(4000))


def test_a_draw_only_takes_ways_that_there_are() -> None:
    found = best_patrol(row(5, 4, slots=2))
    ground, (tails, heads) = found.ground, (found.chain.tails, found.chain.heads)
    nodes = found.chain.nodes
    assert all(nodes[head] in ground.after[nodes[tail]] for tail, head in zip(tails, heads, strict=True))
    path = found.draw(500, np.random.default_rng(1))
    assert None in path
    assert {place for place in path if place} <= {"0", "1", "2", "3", "4"}


@settings(max_examples=15, deadline=None)
@given(beat=beats())
def test_no_timetable_nor_wandering_does_better(beat: Beat) -> None:
    ground, best = Ground(beat), best_patrol(beat)
    tour = [*range(ground.nodes), *range(ground.nodes - 2, 0, -1)]
    if all(tour[k] in ground.after[tour[k - 1]] for k in range(len(tour))):
        fixed, turned = timetable(ground, tour), through(ground, tour_chain(tour))
        assert fixed.max() >= turned.max() - 1e-9 >= best.bound - 2e-7
    assert through(ground, wandering_chain(ground)).max() >= best.bound - 1e-7


def test_a_known_timetable_lets_everybody_through() -> None:
    ground = Ground(row(8, 3))
    tour = [*range(8), *range(6, 0, -1)]
    assert timetable(ground, tour).min() == 1.0
    assert through(ground, tour_chain(tour)).max() == pytest.approx(1 - 3 / 14)


def test_a_beat_that_does_not_hang_together_is_told_by_name() -> None:
    one, two = (Place(place_id=name, crossing_slots=1) for name in ("hill", "ford"))
    with pytest.raises(InputError, match="a way leads to bridge, which is no place: hill, ford"):
        best_patrol(Beat(places=(one, two), ways=(Way(one="hill", other="bridge"),)))
    with pytest.raises(InputError, match="two places have the same name"):
        best_patrol(Beat(places=(one, one)))


def test_too_many_states_leave_a_gap_that_is_told() -> None:
    found = best_patrol(row(12, 8), states=60)
    assert 0 < found.gap < 1
    with pytest.raises(InputError, match="more than 60 states"):
        Walk(found.ground, states=60)
