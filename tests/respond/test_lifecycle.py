"""The alarm's table held against ISA-18.2, and against itself."""

import re
from pathlib import Path
from typing import get_args

import pytest

from marsad.kernel.alarm import AlarmHappening, AlarmState, HoldKind
from marsad.kernel.error import RefusedError
from marsad.respond.lifecycle import TABLE, after, diagram

STATES = get_args(AlarmState)


def test_every_state_can_be_reached_and_left() -> None:
    reached = {to.state for ways in TABLE.values() for to in ways.values()}
    reached |= {to.latching for ways in TABLE.values() for to in ways.values()}
    assert set(TABLE) == set(STATES)
    assert reached == set(STATES)
    for state, ways in TABLE.items():
        assert {to.state for to in ways.values()} - {state}, state


def test_every_happening_but_being_raised_is_in_the_table() -> None:
    assert {happening for ways in TABLE.values() for happening in ways} == set(get_args(AlarmHappening)) - {"raised"}


@pytest.mark.parametrize(
    ("state", "happening", "then"),
    [
        ("unacknowledged", "acknowledged", "acknowledged"),
        ("unacknowledged", "over", "returned"),
        ("acknowledged", "over", "closed"),
        ("returned", "acknowledged", "closed"),
        ("returned", "again", "unacknowledged"),
        ("closed", "again", "unacknowledged"),
        ("unacknowledged", "shelved", "shelved"),
        ("acknowledged", "suppressed", "suppressed"),
        ("returned", "out_of_service", "out_of_service"),
        ("shelved", "released", "unacknowledged"),
        ("shelved", "released_over", "closed"),
    ],
)
def test_alarms_go_the_ways_of_the_standard(state: AlarmState, happening: AlarmHappening, then: AlarmState) -> None:
    """ANSI/ISA-18.2-2016, figure 3: A to B, C to A, B to D, D to A, and to and from G, H, I."""
    assert after(state, happening, latching=False) == then


def test_a_latching_alarm_waits_for_an_officer_to_close_it() -> None:
    assert after("acknowledged", "over", latching=True) == "latched"
    assert after("returned", "acknowledged", latching=True) == "latched"
    assert after("shelved", "released_over", latching=True) == "latched"
    assert after("latched", "closed", latching=True) == "closed"


@pytest.mark.parametrize("state", sorted(set(STATES) - {"suppressed", "out_of_service"}))
def test_what_is_worse_sounds_whatever_was_acknowledged_or_shelved(state: AlarmState) -> None:
    assert after(state, "worse", latching=False) == "unacknowledged"


@pytest.mark.parametrize("state", STATES)
def test_no_happening_closes_what_nobody_has_seen(state: AlarmState) -> None:
    """Time and cameras alone never close an alarm that waits for an officer."""
    if state in {"unacknowledged", "returned"}:
        by_itself = {"again", "expected", "worse", "over", "escalated", "released", "released_over"}
        assert "closed" not in {to.state for happening, to in TABLE[state].items() if happening in by_itself}


@pytest.mark.parametrize(
    ("state", "happening", "says"),
    [
        (
            "acknowledged",
            "acknowledged",
            "the alarm is acknowledged: only an alarm that nobody",
        ),
        ("unacknowledged", "closed", "the alarm is unacknowledged: only one that is over and acknowledged"),
        ("out_of_service", "shelved", "the alarm is out of service: an alarm that is closed or held already"),
        ("closed", "released", "only an alarm that is held can be released"),
        ("acknowledged", "escalated", "nothing can be escalated then"),
    ],
)
def test_what_cannot_be_is_refused_and_told_why(state: AlarmState, happening: AlarmHappening, says: str) -> None:
    with pytest.raises(RefusedError, match=re.escape(says)):
        after(state, happening, latching=False)


def test_the_diagram_shows_every_change_of_state_once() -> None:
    lines = diagram().splitlines()
    assert len(lines) == len(set(lines))
    drawn = set(re.findall(r"^    (\w+) --> (\w+): (\w+)", diagram(), re.MULTILINE))
    changes = {
        (state, target, happening)
        for state, ways in TABLE.items()
        for happening, to in ways.items()
        for target in (to.state, to.latching)
        if target != state
    }
    assert changes <= drawn
    assert set(get_args(HoldKind)) <= {target for _, target, _ in drawn}


def test_the_diagram_in_the_docs_is_drawn_from_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "alarms.md"
    assert f"```mermaid\n{diagram()}\n```" in page.read_text(encoding="utf-8")
