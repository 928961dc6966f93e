"""Orders to patrols: who is offered first, and what a poor link may do to answers without any being lost."""

import itertools
import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.geo.mobility import OFF_ROAD, ON_FOOT, Mobility, travel
from marsad.kernel.dispatch import Answer, DispatchHappening, DispatchState, Patrol
from marsad.kernel.encoding import decode, encode
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.event import DURABLE, SCHEMA_VERSION, DispatchChanged
from marsad.kernel.lattice import Lattice
from marsad.kernel.picture import Waypoint
from marsad.kernel.position import EnuPoint, GroundCovariance
from marsad.respond.dispatch import NS, TABLE, Candidate, Dispatches, DispatchSettings, Option, diagram, options

OFFICER = "Lt. Samir"
CELLS = Lattice(west_m=0.0, north_m=2000.0, cell_m=20.0, rows=100, columns=200)
SOON = GroundCovariance(east_m2=100.0, east_north_m2=0.0, north_m2=100.0)
WALK = Mobility(level_m_s=2.0)


def candidate(
    name: str, east_m: float, north_m: float, mobility: Mobility = WALK, *, skills: frozenset = frozenset(),
    ready_s: float = 0.0,
) -> Candidate:  # fmt: skip
    patrol = Patrol(patrol_id=name, means="foot", persons=3, skills=skills, ready_s=ready_s)
    return Candidate(patrol, travel(CELLS, np.zeros(CELLS.shape), east_m, north_m, mobility))


def path(*places: tuple[float, float, float]) -> list[Waypoint]:
    """Where they are at how many seconds."""
    return [
        Waypoint(time_ns=round(s * NS), centre=EnuPoint(east_m=east, north_m=north), covariance=SOON)
        for s, east, north in places
    ]


def walking_east(minutes: int = 30) -> list[Waypoint]:
    return path(*((60.0 * k, 510.0 + 60.0 * k, 1010.0) for k in range(minutes)))


def ordered(settings: DispatchSettings | None = None) -> Dispatches:
    dispatches = Dispatches(settings)
    (option,) = options([candidate("P1", 1010.0, 510.0)], walking_east(), 0)
    dispatches.send("I1", option, "look", "look at four on foot in the wadi", OFFICER, 0)
    return dispatches


def says(what: str, number: int = 1, at_s: float = 10.0, via: str = "phone") -> Answer:
    told = {
        "answer_id": f"{what}-{number}", "dispatch_id": "D1", "says": what, "time_ns": round(at_s * NS),
        "by": "Sgt. Ali", "via": via,
    }  # fmt: skip
    return msgspec.convert(told, Answer)


def test_a_patrol_ahead_of_them_meets_them_where_it_can_be_a_minute_before() -> None:
    """They walk east at 1 m/s, the patrol stands 500 m south of their way 500 m ahead: it has time."""
    (option,) = options([candidate("P1", 1010.0, 510.0)], walking_east(), 0)
    assert option.they_ns is not None
    needed = math.hypot(option.meet.east_m - 1010.0, 500.0) / 2.0
    assert option.meet_ns / NS == pytest.approx(needed, rel=0.03)
    assert option.meet_ns + 60 * NS <= option.they_ns
    # Nowhere on their way before that could it have been early enough.
    for waypoint in walking_east():
        if waypoint.time_ns < option.they_ns:
            late = math.hypot(waypoint.centre.east_m - 1010.0, 500.0) / 2.0 + 60
            assert late * 1.028 > waypoint.time_ns / NS
    assert option.way[0] == (1010.0, 510.0)
    assert option.way[-1] == (option.meet.east_m, option.meet.north_m)


def test_a_patrol_that_cannot_be_ahead_of_them_goes_to_where_they_were_last_known() -> None:
    (option,) = options([candidate("P1", 10.0, 10.0, ON_FOOT)], walking_east(5), 0)
    assert option.they_ns is None
    assert (option.meet.east_m, option.meet.north_m) == (510.0, 1010.0)


def test_who_is_free_and_able_comes_first_and_then_who_is_there_soonest() -> None:
    medic = frozenset({"medic"})
    near, far = candidate("near", 910.0, 810.0), candidate("far", 1810.0, 510.0, OFF_ROAD)
    able, busy = candidate("able", 1010.0, 110.0, skills=medic), candidate("busy", 910.0, 1010.0, skills=medic)
    found = options([far, near, busy, able], walking_east(), 0, needed=["medic"], busy={"busy": "D9"})
    assert found[0].patrol_id == "able"
    assert (found[-1].patrol_id, found[-1].busy_with) == ("busy", "D9")
    assert {each.patrol_id: each.lacking for each in found}["near"] == ("medic",)
    soonest = options([far, near], walking_east(), 0)
    assert soonest[0].meet_ns <= soonest[1].meet_ns


def test_whom_no_way_leads_to_is_not_offered() -> None:
    ground = np.zeros(CELLS.shape)
    ground[:, 20:23] = np.nan
    cut_off = Candidate(Patrol(patrol_id="P1", means="foot", persons=2), travel(CELLS, ground, 10.0, 1010.0, WALK))
    assert options([cut_off], walking_east(), 0) == []
    with pytest.raises(InputError, match="nobody can be met on an empty path"):
        options([cut_off], [], 0)


def test_an_order_goes_from_sent_to_done() -> None:
    dispatches = ordered()
    for k, each in enumerate(["received", "accepted", "under_way", "on_scene", "done"]):
        (event,) = dispatches.answer(says(each), (20 + k) * NS)
        assert event.dispatch.state == each
    assert dispatches.standing() == []
    assert dispatches.busy() == {}


ORDERS = list(itertools.permutations(["received", "accepted", "under_way", "on_scene"]))


@given(order=st.sampled_from(ORDERS), again=st.lists(st.integers(0, 3), max_size=6))
def test_answers_in_any_order_and_twice_come_to_the_same(order: Sequence[str], again: list[int]) -> None:
    """A phone's queue that is sent off late, in pieces and again."""
    dispatches = ordered()
    events: list[DispatchChanged] = []
    for each in [*order, *(order[k] for k in again)]:
        events += dispatches.answer(says(each), 30 * NS)
    held = dispatches.dispatch("D1")
    assert held.state == "on_scene"
    assert sorted(answer.says for answer in held.answers) == sorted(order)
    assert len(events) == 4


def test_what_nobody_received_is_said_and_a_late_answer_still_counts() -> None:
    dispatches = ordered()
    assert dispatches.follow(59 * NS) == []
    (event,) = dispatches.follow(60 * NS)
    assert (event.happening, event.dispatch.state, event.by) == ("expired", "not_delivered", "")
    assert dispatches.follow(61 * NS) == []
    (late,) = dispatches.answer(says("under_way", at_s=50), 400 * NS)
    assert late.dispatch.state == "under_way"


def test_what_is_received_and_not_answered_is_overdue_until_it_is() -> None:
    dispatches = ordered()
    dispatches.answer(says("received"), 20 * NS)
    assert dispatches.follow(239 * NS) == []
    (event,) = dispatches.follow(240 * NS)
    assert event.dispatch.overdue
    assert dispatches.follow(300 * NS) == []
    (accepted,) = dispatches.answer(says("accepted", via="radio"), 310 * NS)
    assert not accepted.dispatch.overdue
    assert accepted.dispatch.answers[-1].via == "radio"


def test_a_patrol_may_refuse_and_another_is_sent() -> None:
    dispatches = ordered()
    dispatches.answer(says("refused"), 20 * NS)
    assert dispatches.busy() == {}
    (other,) = options([candidate("P2", 1210.0, 510.0)], walking_east(), 0)
    assert dispatches.send("I1", other, "look", "the same", OFFICER, 30 * NS).dispatch.dispatch_id == "D2"


def test_a_patrol_has_one_order_at_a_time() -> None:
    dispatches = ordered()
    (option,) = options([candidate("P1", 1010.0, 510.0)], walking_east(), 0)
    with pytest.raises(RefusedError, match="patrol P1 has order D1: recall it first, or send another one"):
        dispatches.send("I2", option, "look", "look there", OFFICER, 5 * NS)
    with pytest.raises(RefusedError, match="a patrol is recalled for a reason"):
        dispatches.recall("D1", OFFICER, " ", 6 * NS)
    dispatches.recall("D1", OFFICER, "a shepherd, known", 7 * NS)
    dispatches.send("I2", option, "look", "look there", OFFICER, 8 * NS)
    # What the patrol said before it heard of it is kept, and starts nothing.
    (late,) = dispatches.answer(says("accepted", at_s=4), 9 * NS)
    assert late.dispatch.state == "recalled"


@pytest.mark.parametrize(
    ("first", "then", "told"),
    [
        ("accepted", "refused", "order D1 is accepted: it cannot be refused any more"),
        ("done", "could_not", "order D1 is done: it cannot be given up any more"),
    ],
)
def test_what_cannot_be_any_more_is_told(first: str, then: str, told: str) -> None:
    dispatches = ordered()
    dispatches.answer(says(first), 20 * NS)
    with pytest.raises(RefusedError, match=re.escape(told)):
        dispatches.answer(says(then), 21 * NS)
    assert dispatches.dispatch("D1").state == first


def test_an_order_says_what_to_do_and_what_is_unknown_is_named() -> None:
    option = Option(patrol_id="P1", meet=EnuPoint(east_m=0, north_m=0), meet_ns=0, they_ns=None, way=())
    with pytest.raises(RefusedError, match="an order says what to do, and who gives it"):
        Dispatches().send("I1", option, "look", " ", OFFICER, 0)
    with pytest.raises(InputError, match="there is no order D1"):
        Dispatches().answer(says("received"), 0)


def test_every_change_is_on_the_disk_before_it_is_shown_and_comes_back_whole() -> None:
    assert DispatchChanged in DURABLE
    dispatches = ordered()
    events = [*dispatches.answer(says("received"), 20 * NS), dispatches.recall("D1", OFFICER, "known", 30 * NS)]
    assert [decode(encode(event), SCHEMA_VERSION) for event in events] == events
    assert Dispatches(events=events).dispatch("D1") == dispatches.dispatch("D1")


def test_every_order_can_be_recalled_until_it_has_ended() -> None:
    ended = {"done", "refused", "could_not", "recalled"}
    assert {state for state, ways in TABLE.items() if "recalled" in ways} == set(get_args(DispatchState)) - ended
    used = {happening for ways in TABLE.values() for happening in ways}
    assert used == set(get_args(DispatchHappening)) - {"sent"}


def test_the_diagram_in_the_docs_is_drawn_from_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "dispatch.md"
    assert f"```mermaid\n{diagram()}\n```" in page.read_text(encoding="utf-8")
