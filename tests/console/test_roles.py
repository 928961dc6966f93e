"""Who may do what: every act has a row, and no role gains by a mistake."""

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.console.conftest import PEOPLE, order

from marsad.console.roles import (
    ACTS,
    PATROL_ACTS,
    RANKS,
    act_table,
    acts_of,
    answers_of,
    at_least,
    may,
    read_table,
    says_of,
    tag_of,
)
from marsad.kernel.act import Act, AnswerOrder, Person, ReportPosition, ReportSighting, SayToPartner
from marsad.kernel.dispatch import Dispatch
from marsad.kernel.joint import PostProposal, RosterProposal
from marsad.kernel.role import Role

ROLES = st.sampled_from(get_args(Role))
ORDERS = {"D1": order("D1", "P1", "I1"), "D2": order("D2", "P2", "I2")}
ANY_ACT = st.one_of([st.from_type(act) for act in get_args(Act)])


def find(number: str) -> Dispatch | None:
    return ORDERS.get(number)


def test_every_act_has_a_row() -> None:
    assert set(ACTS) == set(get_args(Act))
    assert set(ACTS.values()) <= set(RANKS)
    assert set(PATROL_ACTS) <= set(ACTS)


def test_the_page_has_the_tables_that_hold(root: Path) -> None:
    page = (root / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    assert act_table() in page
    assert read_table() in page


@given(ANY_ACT)
def test_each_rank_may_do_what_the_one_below_it_may(act: Act) -> None:
    allowed = [may(Person(name="x", role=rank), act, find) for rank in RANKS]
    assert allowed == sorted(allowed)
    assert allowed[-1]


@given(ANY_ACT, ROLES)
def test_what_a_session_lists_is_what_may_be_asked_for(act: Act, role: Role) -> None:
    person = Person(name="x", role=role, patrol_id="P1" if role == "patrol" else "")
    if may(person, act, find):
        assert tag_of(type(act)) in acts_of(role)
    elif role not in {"patrol", "planner"}:
        assert tag_of(type(act)) not in acts_of(role)


@given(ANY_ACT)
def test_who_only_looks_changes_nothing(act: Act) -> None:
    assert may(Person(name="x", role="viewer"), act, find) == (tag_of(type(act)) == "look_up")


@given(ANY_ACT)
def test_a_planner_proposes_posts_and_rosters_and_changes_nothing_else(act: Act) -> None:
    planned = isinstance(act, SayToPartner) and isinstance(act.body, PostProposal | RosterProposal)
    assert may(Person(name="x", role="planner"), act, find) == (planned or tag_of(type(act)) == "look_up")
    assert says_of("planner") == ("post_proposal", "roster_proposal")
    assert says_of("viewer") == says_of("patrol") == ()


def test_a_joint_matter_is_answered_by_whom_the_table_names() -> None:
    """The table of docs/reference/joint.md: an operator answers what moves, a supervisor what binds both."""
    moving = {"handover_offer", "look_request", "slot_offer", "slot_claim", "corridor_notice"}
    binding = {"incident_proposal", "post_proposal", "roster_proposal", "coverage_offer", "emergency_notice"}
    assert {*answers_of("operator")} == moving
    assert {*answers_of("supervisor")} == {*answers_of("administrator")} == moving | binding
    assert answers_of("planner") == answers_of("viewer") == answers_of("patrol") == ()


@given(ANY_ACT, st.sampled_from(["P1", "P2", "", "P3"]))
def test_a_patrol_acts_for_itself_alone(act: Act, patrol_id: str) -> None:
    if not may(Person(name="x", role="patrol", patrol_id=patrol_id), act, find):
        return
    assert patrol_id
    match act:
        case AnswerOrder():
            assert ORDERS[act.dispatch_id].patrol_id == patrol_id
            assert act.via == "phone"
        case ReportPosition():
            assert act.patrol_id == patrol_id
        case ReportSighting():
            assert act.reporter_kind == "patrol"
        case _:
            pytest.fail(f"a patrol may not {tag_of(type(act))}")


@given(
    st.sampled_from([*ORDERS, "D9"]), st.sampled_from(["P1", "P2", ""]), st.sampled_from(["phone", "radio", "console"])
)
def test_an_order_is_answered_by_whose_it_is(dispatch_id: str, patrol_id: str, via: str) -> None:
    act = AnswerOrder(act_id="a", dispatch_id=dispatch_id, says="accepted", time_ns=1, via=via)  # type: ignore[arg-type]
    person = Person(name="x", role="patrol", patrol_id=patrol_id)
    own = dispatch_id in ORDERS and ORDERS[dispatch_id].patrol_id == patrol_id
    assert may(person, act, find) == (own and via == "phone")


def test_a_patrol_has_no_rank_and_a_planner_a_viewers() -> None:
    assert not any(at_least("patrol", rank) for rank in RANKS)
    assert [at_least("planner", rank) for rank in RANKS] == [True, False, False, False]
    assert {role for _, role, _ in PEOPLE} == set(get_args(Role))
