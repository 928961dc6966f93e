"""Orders drawn for a roster: each by itself, as often as the patrol says, and none for who cannot go."""

import numpy as np
import pytest

from marsad.kernel.roster import Lack, Roster, TeamDuty
from marsad.plan.patrol_game import best_patrol
from marsad.plan.patrol_orders import draw_orders
from marsad.plan.patrol_shift import Shift, best_rounds
from marsad.plan.patrol_walk import Place, line

ROW = line([Place(place_id=name, crossing_slots=2) for name in ("gate", "ford", "hill")])
DAYS = 3000


@pytest.fixture(scope="module")
def roster() -> Roster:
    duties = tuple(TeamDuty(day=day, team_id=team, guards=("a", "b")) for day in range(DAYS) for team in ("one", "two"))
    return Roster(duties=duties, loads=(), lacks=(Lack(day=1, team_id="one", lacking="person", count=1),))


def test_every_duty_that_can_go_has_an_order_of_its_own(roster: Roster) -> None:
    drawn = best_rounds(ROW, Shift(slots=6, base="gate", first_slot=1, until_slot=4))
    orders = draw_orders(roster, {"one": drawn}, 6, np.random.default_rng(3))
    assert [order.day for order in orders] == [0, *range(2, DAYS)]
    assert all(order.places[0] == order.places[-1] == "gate" for order in orders)
    assert len({order.places for order in orders}) > 1


def test_crossings_are_stopped_as_often_as_is_guaranteed(roster: Roster) -> None:
    drawn = best_rounds(ROW, Shift(slots=6, base="gate", first_slot=1, until_slot=4))
    orders = draw_orders(roster, {"two": drawn}, 6, np.random.default_rng(4))
    for k, place in enumerate(ROW.places):
        for moment in range(1, 4):
            missed = np.mean([place.place_id not in order.places[moment : moment + 2] for order in orders])
            assert missed == pytest.approx(drawn.through[k, moment - 1], abs=4 * 0.5 / np.sqrt(DAYS))


def test_a_watch_without_end_is_drawn_for_a_shift(roster: Roster) -> None:
    orders = draw_orders(roster, {"one": best_patrol(ROW)}, 9, np.random.default_rng(5))
    assert {len(order.places) for order in orders} == {9}
    assert {place for order in orders for place in order.places} <= {"gate", "ford", "hill"}
