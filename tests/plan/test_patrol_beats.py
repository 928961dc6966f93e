"""A row split among patrols, against every split there is and against patrols played together."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy.optimize import linprog

from marsad.kernel.error import InputError
from marsad.plan.patrol_beats import split
from marsad.plan.patrol_game import best_patrol
from marsad.plan.patrol_walk import Beat, Place, Way, line


def row(count: int, crossing: int) -> Beat:
    return line([Place(place_id=str(k), crossing_slots=crossing) for k in range(count)])


def uneven(count: int) -> Beat:
    return line([Place(place_id=str(k), crossing_slots=2 + k % 3, worth=1.0 if k % 4 else 1.6) for k in range(count)])


@pytest.mark.parametrize("beat", [row(7, 3), uneven(8)])
@pytest.mark.parametrize("patrols", [1, 2, 3])
def test_it_is_the_best_of_all_splits(beat: Beat, patrols: int) -> None:
    count = len(beat.places)
    values = {
        (first, until): best_patrol(Beat(places=beat.places[first:until], ways=beat.ways[first : until - 1])).guaranteed
        for first, until in combinations(range(count + 1), 2)
    }
    every = [
        max(values[a, b] for a, b in zip((0, *cuts), (*cuts, count), strict=True))
        for cuts in combinations(range(1, count), patrols - 1)
    ]
    found = split(beat, patrols)
    assert found.guaranteed == pytest.approx(min(every))
    assert [p for each in found.patrols for p in each.ground.beat.places] == list(beat.places)
    assert found.bound <= found.guaranteed + 1e-7


def test_the_bound_is_below_what_two_who_agree_can_do() -> None:
    """Crossings of one slot: two patrols that agree are two places drawn together."""
    beat = row(5, 1)
    pairs = list(product(range(5), repeat=2))
    hit = np.array([[-(i in pair) for pair in pairs] for i in range(5)], float)
    game = linprog(
        [*np.zeros(len(pairs)), 1], A_ub=np.hstack([hit, -np.ones((5, 1))]), b_ub=-np.ones(5),
        A_eq=[[*np.ones(len(pairs)), 0]], b_eq=[1], bounds=[*[(0, None)] * len(pairs), (None, None)],
    )  # fmt: skip
    found = split(beat, 2)
    assert game.fun == pytest.approx(0.6)
    assert found.bound == pytest.approx(0.6)
    assert found.guaranteed == pytest.approx(2 / 3)


def test_one_for_each_place_lets_nobody_through() -> None:
    assert split(row(4, 2), 4).guaranteed == pytest.approx(0.0, abs=1e-9)


def test_what_is_no_row_is_told() -> None:
    ring = Beat(places=row(4, 2).places, ways=(*row(4, 2).ways, Way(one="3", other="0")))
    with pytest.raises(InputError, match="only a row can be split"):
        split(ring, 2)
    with pytest.raises(InputError, match="5 patrols cannot share 4 places"):
        split(row(4, 2), 5)
