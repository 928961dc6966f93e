"""Drawn rounds against the game over every round there is, one by one."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from marsad.kernel.error import InputError
from marsad.plan.patrol_game import best_patrol
from marsad.plan.patrol_shift import Shift, best_rounds, improve_rounds
from marsad.plan.patrol_walk import Beat, Ground, Place, Way, line


def row(count: int, crossing: int, slots: int = 1) -> Beat:
    return line([Place(place_id=str(k), crossing_slots=crossing) for k in range(count)], slots)


@st.composite
def games(draw: st.DrawFn) -> tuple[Beat, Shift]:
    count = draw(st.integers(2, 4))
    places = tuple(
        Place(
            place_id=str(k),
            crossing_slots=draw(st.integers(1, 3)),
            worth=draw(st.sampled_from([0.5, 1.0])),
            catch=draw(st.sampled_from([0.7, 1.0])),
            alarm=draw(st.sampled_from([0.0, 0.4])),
        )
        for k in range(count)
    )
    ways = tuple(Way(one=str(draw(st.integers(0, k - 1))), other=str(k)) for k in range(1, count))
    shift = Shift(slots=draw(st.integers(4, 6)), base=draw(st.sampled_from([None, "0", "1"])))
    return Beat(places=places, ways=ways), shift


def by_every_round(beat: Beat, shift: Shift) -> float:
    ground = Ground(beat)
    ends = [None] if shift.base is None else [int(shift.base)]
    rounds = [
        nodes
        for nodes in product(range(ground.nodes), repeat=shift.slots)
        if all(b in ground.after[a] for a, b in pairwise(nodes))
        and (ends[0] is None or nodes[0] == nodes[-1] == ends[0])
    ]
    attacks = [
        (place, k, moment)
        for k, place in enumerate(beat.places)
        for moment in range(shift.slots - int(ground.crossing.max()) + 1)
    ]
    at_most, most = np.zeros((len(attacks), len(rounds) + 1)), []
    for i, (place, k, moment) in enumerate(attacks):
        for j, nodes in enumerate(rounds):
            seen = k in nodes[moment : moment + place.crossing_slots]
            told = ground.slots[nodes[moment], k] < place.crossing_slots
            at_most[i, j] = -place.worth * place.catch * (place.alarm * told + (1 - place.alarm) * seen)
        most.append(-place.worth)
    at_most[:, -1] = -1
    found = linprog(
        [*np.zeros(len(rounds)), 1], A_ub=at_most, b_ub=most, A_eq=[[*np.ones(len(rounds)), 0]], b_eq=[1],
        bounds=[*[(0, None)] * len(rounds), (None, None)],
    )  # fmt: skip
    assert found.fun is not None
    return float(found.fun)


@settings(max_examples=25, deadline=None)
@given(game=games())
def test_its_value_is_that_of_the_game_over_every_round(game: tuple[Beat, Shift]) -> None:
    found = best_rounds(*game)
    value = by_every_round(*game)
    assert found.guaranteed == pytest.approx(value, abs=2e-7)
    assert found.bound == pytest.approx(value, abs=2e-7)


def test_rounds_go_out_of_the_base_and_home_on_the_ways_there_are() -> None:
    found = best_rounds(row(4, 4, slots=2), Shift(slots=16, base="1"))
    assert set(found.rounds[:, 0]) == set(found.rounds[:, -1]) == {1}
    assert all(b in found.ground.after[a] for nodes in found.rounds.tolist() for a, b in pairwise(nodes))
    assert found.chances.sum() == pytest.approx(1.0)


def test_what_is_guaranteed_falls_and_the_bound_rises() -> None:
    steps = list(improve_rounds(row(6, 3), Shift(slots=14)))
    guaranteed, bounds = [each.guaranteed for each in steps], [each.bound for each in steps]
    assert all(after <= before + 1e-9 for before, after in pairwise(guaranteed))
    assert bounds == sorted(bounds)
    assert steps[-1].gap < 1e-6


def test_a_patrol_that_forgets_bounds_one_that_does_not() -> None:
    game = row(6, 5), Shift(slots=14, base="2", first_slot=4, until_slot=8)
    best, forgetful = best_rounds(*game), best_rounds(*game, states=12)
    assert forgetful.bound <= best.bound + 1e-7
    assert forgetful.guaranteed >= best.guaranteed - 1e-7


def test_a_long_shift_without_a_base_comes_to_what_a_watch_without_end_does() -> None:
    """The best patrol without end can be walked in a shift too, whose ends alone make it easier."""
    endless, shift = best_patrol(row(5, 3)).guaranteed, best_rounds(row(5, 3), Shift(slots=30)).guaranteed
    assert shift <= endless + 1e-7
    assert shift == pytest.approx(endless, abs=0.02)


def test_what_cannot_be_played_is_told() -> None:
    with pytest.raises(InputError, match="the base is 9, which is no place: 0, 1, 2"):
        best_rounds(row(3, 2), Shift(slots=5, base="9"))
    with pytest.raises(InputError, match="no crossing can begin and end within the shift"):
        best_rounds(row(3, 6), Shift(slots=5))
