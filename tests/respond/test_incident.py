"""Incidents as officers handle them: nobody is forgotten, nothing is lost, and what may not be is told why."""

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from marsad.kernel.encoding import decode, encode
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.event import DURABLE, SCHEMA_VERSION, IncidentChanged
from marsad.kernel.incident import Evidence, Incident, IncidentHappening, IncidentKind, IncidentState, Outcome
from marsad.kernel.track import Count
from marsad.respond.incident import PROCEDURES, TABLE, Incidents, diagram, steps_of, unaccounted

OFFICER = "Lt. Samir"
FOUR = Count(best=4, low=4, high=5)


def evidence(number: int = 1) -> Evidence:
    return Evidence(
        evidence_id=f"clip-{number}", path=f"clips/{number}.mp4", sha256="ab" * 32, kind="clip", from_ns=0, to_ns=9
    )


def crossing(incidents: Incidents, kind: IncidentKind = "crossing") -> str:
    opened = incidents.open(kind, "four on foot, past the line", OFFICER, 1, alarm_ids=["A1"], expected=FOUR)
    incidents.take(opened.incident.incident_id, OFFICER, 2)
    return opened.incident.incident_id


def go_through(incidents: Incidents, incident_id: str) -> None:
    for step in steps_of(incidents.incident(incident_id)):
        incidents.do(incident_id, step, OFFICER, 50)


def test_an_incident_from_the_alarm_to_its_outcome() -> None:
    incidents = Incidents()
    one = crossing(incidents)
    incidents.meet(one, FOUR, OFFICER, 10)
    incidents.account(one, 3, "detained", OFFICER, 20)
    incidents.account(one, 1, "injured", OFFICER, 21, note="leg; medic with him")
    go_through(incidents, one)
    closed = incidents.close(one, OFFICER, 60)
    assert (closed.incident.state, closed.incident.closed_ns, closed.incident.met_ns) == ("closed", 60, 10)
    assert incidents.standing() == []
    assert incidents.of_alarm("A1") == closed.incident


def test_who_is_not_accounted_for_keeps_it_open() -> None:
    incidents = Incidents()
    one = crossing(incidents)
    incidents.meet(one, FOUR, OFFICER, 10)
    incidents.account(one, 3, "surrendered", OFFICER, 20)
    go_through(incidents, one)
    assert unaccounted(incidents.incident(one)) == 1
    with pytest.raises(RefusedError, match="1 of them are not accounted for: say what became of them"):
        incidents.close(one, OFFICER, 60)
    closed = incidents.close(one, OFFICER, 61, still_sought="handed on to the police of the town")
    assert closed.incident.sought_reason == "handed on to the police of the town"


@pytest.mark.parametrize("kind", ["civilians", "distress"])
def test_nobody_in_distress_is_given_up(kind: IncidentKind) -> None:
    incidents = Incidents()
    one = crossing(incidents, kind)
    incidents.account(one, 2, "assisted", OFFICER, 20)
    go_through(incidents, one)
    with pytest.raises(RefusedError, match="2 of them are not accounted for"):
        incidents.close(one, OFFICER, 60, still_sought="it is late")


def test_people_in_distress_have_a_procedure_that_begins_with_help() -> None:
    assert PROCEDURES["distress"][0] == "send_medic"
    assert "no_pursuit" in PROCEDURES["distress"]
    assert "no_pursuit" in PROCEDURES["civilians"]
    assert set(PROCEDURES) == set(get_args(IncidentKind))


def test_a_possible_explosive_comes_before_everything_else_until_it_is_cleared() -> None:
    incidents = Incidents()
    one = crossing(incidents)
    incidents.add_hazard(one, "possible_explosive", "by the wadi's second bend", OFFICER, 5)
    assert steps_of(incidents.incident(one))[:2] == ("keep_distance", "call_clearance")
    with pytest.raises(RefusedError, match="say how it is known"):
        incidents.end_hazard(one, "I1.1", OFFICER, " ", 6)
    ended = incidents.end_hazard(one, "I1.1", OFFICER, "cleared by the team at 04:10", 7).incident
    assert "keep_distance" not in steps_of(ended)
    assert (ended.hazards[0].ended_ns, ended.hazards[0].ended_by) == (7, OFFICER)
    with pytest.raises(InputError, match=r"incident I1 has no standing hazard I1\.1"):
        incidents.end_hazard(one, "I1.1", OFFICER, "again", 8)


def test_steps_are_done_or_left_out_for_a_reason() -> None:
    incidents = Incidents()
    one = incidents.open("other", "a light on the ridge", OFFICER, 1).incident.incident_id
    incidents.take(one, OFFICER, 2)
    incidents.account(one, 1, "nobody_there", OFFICER, 3)
    with pytest.raises(RefusedError, match="neither done nor left out for a reason: look again"):
        incidents.close(one, OFFICER, 4)
    incidents.do(one, "look_again", OFFICER, 5, left_out="dust, nothing to be seen")
    with pytest.raises(RefusedError, match="look again was done or left out before"):
        incidents.do(one, "look_again", OFFICER, 6)
    assert incidents.close(one, OFFICER, 7).incident.done[0].reason == "dust, nothing to be seen"


def test_an_alarm_that_nobody_acknowledged_keeps_it_open() -> None:
    incidents = Incidents()
    one = crossing(incidents)
    incidents.account(one, 4, "turned_back", OFFICER, 3)
    go_through(incidents, one)
    with pytest.raises(RefusedError, match="nobody has acknowledged its alarm A1"):
        incidents.close(one, OFFICER, 4, waiting=["A1", "A9"])


def test_nothing_is_closed_without_an_end() -> None:
    incidents = Incidents()
    one = incidents.open("approach", "one on foot near the line", OFFICER, 1).incident.incident_id
    incidents.take(one, OFFICER, 2)
    go_through(incidents, one)
    with pytest.raises(RefusedError, match="nothing says how it ended"):
        incidents.close(one, OFFICER, 4)


def test_an_alarm_belongs_to_one_standing_incident() -> None:
    incidents = Incidents()
    one = crossing(incidents)
    with pytest.raises(RefusedError, match="alarm A1 belongs to incident I1, which still stands"):
        incidents.open("crossing", "the same again", OFFICER, 5, alarm_ids=["A1"])
    two = incidents.open("crossing", "others", OFFICER, 6).incident.incident_id
    with pytest.raises(RefusedError, match="alarm A1 belongs to incident I1"):
        incidents.add_alarm(two, "A1", OFFICER, 7)
    assert incidents.add_alarm(one, "A2", OFFICER, 8).incident.alarm_ids == ("A1", "A2")
    assert incidents.add_alarm(one, "A2", OFFICER, 9).incident.alarm_ids == ("A1", "A2")


def test_an_incident_is_not_opened_again_beside_the_one_that_has_its_alarm_now() -> None:
    incidents = Incidents()
    one = crossing(incidents)
    incidents.account(one, 4, "released", OFFICER, 3)
    go_through(incidents, one)
    incidents.close(one, OFFICER, 60)
    two = incidents.open("crossing", "again", OFFICER, 61, alarm_ids=["A1"]).incident.incident_id
    with pytest.raises(RefusedError, match=f"alarm A1 belongs to incident {two}, which still stands"):
        incidents.reopen(one, OFFICER, "a fifth was seen", 62)
    incidents.take(two, OFFICER, 63)
    incidents.account(two, 1, "released", OFFICER, 64)
    go_through(incidents, two)
    incidents.close(two, OFFICER, 65)
    incidents.reopen(one, OFFICER, "a fifth was seen", 66)
    # Whichever was opened first: the alarm is of the one that stands.
    held = incidents.of_alarm("A1")
    assert held is not None
    assert held.incident_id == one
    with pytest.raises(RefusedError, match="alarm A1 belongs to incident I1"):
        incidents.open("crossing", "a third", OFFICER, 67, alarm_ids=["A1"])


def test_what_was_closed_is_never_changed_but_opened_again() -> None:
    incidents = Incidents()
    one = crossing(incidents)
    incidents.account(one, 4, "released", OFFICER, 3)
    go_through(incidents, one)
    incidents.close(one, OFFICER, 60)
    with pytest.raises(RefusedError, match="incident I1 is closed: reopen it first"):
        incidents.note(one, "one more thing", OFFICER, 61)
    with pytest.raises(RefusedError, match="say why it is opened again"):
        incidents.reopen(one, OFFICER, "", 62)
    again = incidents.reopen(one, "Capt. Hana", "a fifth was seen", 63).incident
    assert (again.state, again.in_charge, again.closed_ns) == ("in_hand", "Capt. Hana", None)
    assert len(again.accounted) == 1


def test_evidence_is_never_replaced() -> None:
    incidents = Incidents()
    one = crossing(incidents)
    incidents.add_evidence(one, evidence(), OFFICER, 4)
    with pytest.raises(RefusedError, match="incident I1 has evidence clip-1 already: it is not replaced"):
        incidents.add_evidence(one, evidence(), OFFICER, 5)


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda i: i.take("I1", "other", 5), "incident I1 is in hand: somebody is in charge of it already"),
        (lambda i: i.reopen("I1", OFFICER, "why not", 5), "it is not closed"),
        (lambda i: i.hand_over("I1", " ", OFFICER, 5), "say who takes it"),
        (lambda i: i.note("I1", "", OFFICER, 5), "say what is to be noted"),
        (lambda i: i.note("I1", "seen", "", 5), "say who does it"),
        (lambda i: i.open("other", " ", OFFICER, 5), "say what it is about"),
        (lambda i: i.change_kind("I1", "distress", OFFICER, "", 5), "say why it is something else"),
    ],
)
def test_what_may_not_be_is_told_why_and_changes_nothing(act: Callable[[Incidents], object], says: str) -> None:
    incidents = Incidents()
    before = incidents.incident(crossing(incidents))
    with pytest.raises(RefusedError, match=re.escape(says)):
        act(incidents)
    assert incidents.incident("I1") == before


def test_what_is_unknown_is_named() -> None:
    with pytest.raises(InputError, match="there is no incident I7"):
        Incidents().take("I7", OFFICER, 0)
    incidents = Incidents()
    with pytest.raises(InputError, match="persons = 0: at least one is accounted for"):
        incidents.account(crossing(incidents), 0, "detained", OFFICER, 3)


def test_every_change_is_on_the_disk_before_it_is_shown_and_comes_back_whole() -> None:
    assert IncidentChanged in DURABLE
    incidents = Incidents()
    one = crossing(incidents)
    incidents.add_hazard(one, "armed", "two rifles", OFFICER, 4)
    event = incidents.add_evidence(one, evidence(), OFFICER, 5)
    assert decode(encode(event), SCHEMA_VERSION) == event


def test_the_diagram_in_the_docs_is_drawn_from_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "incidents.md"
    assert f"```mermaid\n{diagram()}\n```" in page.read_text(encoding="utf-8")
    assert set(TABLE) == set(get_args(IncidentState))
    used = {happening for ways in TABLE.values() for happening in ways}
    assert used == set(get_args(IncidentHappening)) - {"opened"}


class AnyShift(RuleBasedStateMachine):
    """Whatever officers do in whatever order: the incidents are what their events say, and nobody is forgotten."""

    @initialize()
    def begin(self) -> None:
        self.incidents = Incidents()
        self.events: list[IncidentChanged] = []
        self.now_ns = 0

    def _act(self, act: Callable[..., IncidentChanged], *named: object, **more: object) -> None:
        self.now_ns += 1
        with contextlib.suppress(RefusedError):
            self.events.append(act(*named, OFFICER, self.now_ns, **more))

    @rule(kind=st.sampled_from(get_args(IncidentKind)), alarm=st.sampled_from(["A1", "A2", "A3"]))
    def open(self, kind: IncidentKind, alarm: str) -> None:
        self._act(self.incidents.open, kind, "something", alarm_ids=[alarm], expected=FOUR)

    @precondition(lambda self: self.events)
    @rule(
        data=st.data(), act=st.sampled_from(["take", "meet", "account", "do", "hazard", "close", "give_up", "reopen"]),
        outcome=st.sampled_from(get_args(Outcome)),
    )  # fmt: skip
    def act(self, data: st.DataObject, act: str, outcome: Outcome) -> None:
        one = data.draw(st.sampled_from(sorted({event.incident.incident_id for event in self.events})))
        incidents = self.incidents
        if act == "take":
            self._act(incidents.take, one)
        elif act == "meet":
            self._act(incidents.meet, one, FOUR)
        elif act == "account":
            self._act(incidents.account, one, data.draw(st.integers(1, 4)), outcome)
        elif act == "do":
            for step in steps_of(incidents.incident(one)):
                self._act(incidents.do, one, step)
        elif act == "hazard":
            self._act(incidents.add_hazard, one, "possible_explosive", "by the road")
        elif act == "close":
            self._act(incidents.close, one)
        elif act == "give_up":
            self._act(incidents.close, one, still_sought="handed on")
        else:
            self.now_ns += 1
            with contextlib.suppress(RefusedError):
                self.events.append(incidents.reopen(one, OFFICER, "not over", self.now_ns))

    @invariant()
    def nobody_is_forgotten(self) -> None:
        for incident in self._newest().values():
            if incident.state == "closed":
                assert not unaccounted(incident) or incident.sought_reason
                assert not (unaccounted(incident) and incident.kind in {"civilians", "distress"})
                assert set(steps_of(incident)) <= {done.step for done in incident.done}

    @invariant()
    def an_alarm_has_one_standing_incident(self) -> None:
        alarms = [alarm for incident in self.incidents.standing() for alarm in incident.alarm_ids]
        assert len(alarms) == len(set(alarms))

    def _newest(self) -> dict[str, Incident]:
        return {event.incident.incident_id: event.incident for event in self.events}

    def teardown(self) -> None:
        again = Incidents(self.events)
        assert again.standing() == self.incidents.standing()
        for incident_id, incident in self._newest().items():
            assert again.incident(incident_id) == self.incidents.incident(incident_id) == incident


TestAnyShift = AnyShift.TestCase
TestAnyShift.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
