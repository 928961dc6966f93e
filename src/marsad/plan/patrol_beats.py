"""A row of places split among several patrols, each drawn on a beat of its own."""

from functools import cache
from typing import NamedTuple

import numpy as np

from marsad.kernel.error import InputError
from marsad.plan.patrol_game import Patrolling, best_patrol, sure_against
from marsad.plan.patrol_walk import STATES, Beat


class Split(NamedTuple):
    """The patrols in the order of the row, and what no patrols do better than, even such as agree with one another."""

    patrols: tuple[Patrolling, ...]
    bound: float

    @property
    def guaranteed(self) -> float:
        """The most that any evader can count on."""
        return max(each.guaranteed for each in self.patrols)

    @property
    def gap(self) -> float:
        """How far from the best it can be at most, as a share of what is guaranteed."""
        return max(0.0, (self.guaranteed - self.bound) / self.guaranteed) if self.guaranteed > 0 else 0.0


def split(beat: Beat, patrols: int, *, states: int = STATES) -> Split:
    """The best split of a row into one stretch for each patrol.

    A longer stretch is never better guarded: so the best cut is where what lies before it and behind it are worth the
    same, and is found by halving.

    Raises: InputError where the places are no row, or fewer than the patrols.
    """
    _check_row(beat, patrols)

    @cache
    def alone(first: int, until: int) -> Patrolling:
        return best_patrol(_stretch(beat, first, until), states=states)

    @cache
    def cut(until: int, count: int) -> tuple[float, int]:
        """The worth of the row up to a place under so many patrols, and where the last of them begins."""
        if count == 1:
            return alone(0, until).guaranteed, 0
        low, high = count - 1, until - 1
        while low < high:
            middle = (low + high) // 2
            if cut(middle, count - 1)[0] >= alone(middle, until).guaranteed:
                high = middle
            else:
                low = middle + 1
        tried = [first for first in (low - 1, low) if first >= count - 1]
        return min((max(cut(first, count - 1)[0], alone(first, until).guaranteed), first) for first in tried)

    until, found = len(beat.places), []
    for count in range(patrols, 0, -1):
        first = cut(until, count)[1]
        found.append(alone(first, until))
        until = first
    return Split(tuple(found[::-1]), sure_against(beat, patrols, states=states))


def _stretch(beat: Beat, first: int, until: int) -> Beat:
    places = beat.places[first:until]
    names = {place.place_id for place in places}
    return Beat(places=places, ways=tuple(way for way in beat.ways if {way.one, way.other} <= names))


def _check_row(beat: Beat, patrols: int) -> None:
    order = {place.place_id: k for k, place in enumerate(beat.places)}
    steps = sorted(order.get(way.one, -2) + order.get(way.other, -2) for way in beat.ways)
    apart = [abs(order.get(way.one, -9) - order.get(way.other, -9)) for way in beat.ways]
    if any(np.array(apart) != 1) or steps != [2 * k + 1 for k in range(len(order) - 1)]:
        raise InputError("only a row can be split: places in order, with one way from each to the next")
    if not 1 <= patrols <= len(order):
        raise InputError(f"{patrols} patrols cannot share {len(order)} places")
