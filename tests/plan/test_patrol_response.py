"""Where to wait and how to answer, against the game over every walk there is, one by one."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from marsad.kernel.error import InputError
from marsad.plan.patrol_game import best_patrol
from marsad.plan.patrol_response import Signal, best_waiting, rounds_from
from marsad.plan.patrol_walk import Beat, Ground, Place, Way, line


def row(count: int, crossing: int) -> Beat:
    return line([Place(place_id=str(k), crossing_slots=crossing) for k in range(count)])


@st.composite
def games(draw: st.DrawFn) -> tuple[Beat, list[Signal]]:
    count = draw(st.integers(2, 4))
    places = tuple(
        Place(
            place_id=str(k),
            crossing_slots=draw(st.integers(1, 4)),
            worth=draw(st.sampled_from([0.5, 1.0])),
            catch=draw(st.sampled_from([0.7, 1.0])),
        )
        for k in range(count)
    )
    ways = tuple(Way(one=str(draw(st.integers(0, k - 1))), other=str(k)) for k in range(1, count))
    heard = [draw(st.sampled_from(["none", "a", "b", "both"])) for _ in range(count)]
    rings: dict[str, dict[str, float]] = {"a": {}, "b": {}}
    for k, by in enumerate(heard):
        for name in {"none": (), "a": ("a",), "b": ("b",), "both": ("a", "b")}[by]:
            rings[name][str(k)] = 0.4 if by == "both" else 0.8
    return Beat(places=places, ways=ways), [Signal(signal_id=name, rings=r) for name, r in rings.items() if r]


def by_every_walk(beat: Beat, signals: list[Signal], starts: list[int]) -> float:
    """A plan is a place to wait and, for each signal, a walk; the evader picks a place."""
    ground, slots = Ground(beat), max(place.crossing_slots for place in beat.places)
    walks = {
        start: [
            nodes
            for nodes in product(range(ground.nodes), repeat=slots)
            if nodes[0] == start and all(b in ground.after[a] for a, b in pairwise(nodes))
        ]
        for start in starts
    }
    columns = [(s, k, walk) for s in starts for k in range(len(signals)) for walk in walks[s]]
    waits = {start: len(columns) + i for i, start in enumerate(starts)}
    value = len(columns) + len(starts)
    at_most = np.zeros((len(beat.places), value + 1))
    for i, place in enumerate(beat.places):
        rings = [signal.rings.get(place.place_id, 0.0) for signal in signals]
        for c, (_, k, walk) in enumerate(columns):
            at_most[i, c] = -place.worth * place.catch * rings[k] * (i in walk[: place.crossing_slots])
        if i in waits:
            at_most[i, waits[i]] = -place.worth * place.catch * (1 - sum(rings))
        at_most[i, value] = -1
    equal = []
    for start, column in waits.items():
        for k in range(len(signals)):
            equal.append(np.zeros(value + 1))
            equal[-1][[c for c, choice in enumerate(columns) if choice[:2] == (start, k)]] = 1
            equal[-1][column] = -1
    equal.append(np.zeros(value + 1))
    equal[-1][list(waits.values())] = 1
    found = linprog(
        [*np.zeros(value), 1], A_ub=at_most, b_ub=[-place.worth for place in beat.places], A_eq=np.array(equal),
        b_eq=[*np.zeros(len(equal) - 1), 1], bounds=[*[(0, None)] * value, (None, None)],
    )  # fmt: skip
    assert found.fun is not None
    return float(found.fun)


@settings(max_examples=25, deadline=None)
@given(game=games())
def test_its_value_is_that_of_the_game_over_every_walk(game: tuple[Beat, list[Signal]]) -> None:
    beat, signals = game
    drawn = best_waiting(beat, signals, watched=False)
    places = list(range(len(beat.places)))
    assert drawn.guaranteed == pytest.approx(by_every_walk(beat, signals, places), abs=1e-6)
    assert drawn.bound == pytest.approx(drawn.guaranteed, abs=1e-6)
    watched = best_waiting(beat, signals)
    assert watched.guaranteed == pytest.approx(min(by_every_walk(beat, signals, [p]) for p in places), abs=1e-6)
    assert drawn.guaranteed <= watched.guaranteed + 1e-9


def test_a_sensor_that_tells_the_place_is_worth_what_the_patrol_game_says() -> None:
    places = [Place(place_id=str(k), crossing_slots=3) for k in range(7)]
    signals = [Signal(signal_id=f"s{k}", rings={str(k): 1.0}) for k in range(7)]
    game = best_patrol(line([Place(place_id=str(k), crossing_slots=3, alarm=1.0) for k in range(7)]))
    assert best_waiting(line(places), signals, watched=False).guaranteed == pytest.approx(game.guaranteed, abs=1e-6)


def test_a_sensor_that_tells_only_that_somebody_is_there_is_worth_less() -> None:
    beat = row(5, 3)
    which = best_waiting(beat, [Signal(signal_id=f"s{k}", rings={str(k): 1.0}) for k in range(5)])
    whole = best_waiting(beat, [Signal(signal_id="all", rings={str(k): 1.0 for k in range(5)})])
    assert which.guaranteed == pytest.approx(0.0, abs=1e-9)
    # From the middle it runs left or right, and is two places away in time on one side alone.
    assert whole.guaranteed == pytest.approx(0.5)
    assert list(whole.waits) == [2]
    assert {answer.round.covered for answer in whole.answers if answer.signal_id == "all"} == {
        frozenset({0, 1, 2}),
        frozenset({2, 3, 4}),
    }


def test_answers_are_walks_from_where_it_waits_and_sum_to_one() -> None:
    found = best_waiting(row(6, 4), [Signal(signal_id="all", rings={str(k): 0.9 for k in range(6)})], watched=False)
    totals: dict[tuple[int, str], float] = {}
    for answer in found.answers:
        assert answer.round.nodes[0] == answer.wait
        assert all(b in found.ground.after[a] for a, b in pairwise(answer.round.nodes))
        totals[answer.wait, answer.signal_id] = totals.get((answer.wait, answer.signal_id), 0.0) + answer.chance
    assert all(total == pytest.approx(1.0) for total in totals.values())
    assert sum(found.waits.values()) == pytest.approx(1.0)


def test_on_a_line_the_sets_worth_running_for_are_few() -> None:
    ground = Ground(row(30, 20))
    sets = [each.covered for each in rounds_from(ground, 15)]
    assert len(sets) == len(set(sets)) < 30
    assert all(max(each) - min(each) + 1 == len(each) for each in sets)


def test_signals_that_make_no_sense_are_told() -> None:
    with pytest.raises(InputError, match="signal s tells of ford, which is no place: 0, 1"):
        best_waiting(row(2, 1), [Signal(signal_id="s", rings={"ford": 1.0})])
    twice = [Signal(signal_id=name, rings={"1": 0.6}) for name in "ab"]
    with pytest.raises(InputError, match="a crossing at 1 makes more than one signal ring"):
        best_waiting(row(2, 1), twice)
