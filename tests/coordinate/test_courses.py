"""The tables of joint matters held against each other: no clock decides, and nobody speaks for the other side."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from marsad.coordinate.courses import (
    COURSES,
    CROSSED,
    SIDES,
    START,
    TABLES,
    after,
    diagram,
    may_say,
    must_be_possible,
    until_of,
)
from marsad.kernel.error import RefusedError
from marsad.kernel.joint import Body, Course, CourseHappening, CourseState, Delivery, LookRequest, Recall

ALL: tuple[Course, ...] = get_args(Course)
Run = tuple[CourseHappening, ...]


def reached(course: Course) -> set[CourseState]:
    found: set[CourseState] = {START[course]}
    while True:
        further = found | {then for state in found for then in TABLES[course][state].values()}
        if further == found:
            return found
        found = further


def runs(course: Course, state: CourseState, *, opener: bool, length: int) -> Iterator[Run]:
    """All that one side alone may say from a state on, as far as it knows."""
    yield ()
    if length:
        for says in TABLES[course][state]:
            if may_say(course, says, opener=opener):
                then = TABLES[course][state][says]
                yield from ((says, *rest) for rest in runs(course, then, opener=opener, length=length - 1))


def woven(one: Run, two: Run) -> Iterator[Run]:
    for where in itertools.combinations(range(len(one) + len(two)), len(one)):
        mine, theirs = iter(one), iter(two)
        yield tuple(next(mine) if at in where else next(theirs) for at in range(len(one) + len(two)))


def ended(course: Course, state: CourseState, run: Run) -> CourseState:
    for says in run:
        state = after(course, state, says) or state
    return state


@pytest.mark.parametrize("course", ALL)
def test_whatever_two_sides_say_while_the_link_is_down_ends_in_one_state_in_any_order(course: Course) -> None:
    for state in reached(course):
        ours = list(runs(course, state, opener=True, length=3))
        theirs = list(runs(course, state, opener=False, length=3))
        for one, two in itertools.product(ours, theirs):
            ends = {ended(course, state, run) for run in woven(one, two)}
            assert len(ends) == 1, (state, one, two, ends)


@pytest.mark.parametrize("course", ALL)
def test_every_state_is_reached_and_every_happening_has_a_side(course: Course) -> None:
    assert reached(course) == set(TABLES[course])
    happenings = {says for table in (TABLES, CROSSED) for ways in table[course].values() for says in ways}
    assert happenings == set(SIDES[course])


def test_every_state_and_every_happening_is_of_some_course() -> None:
    assert {state for table in TABLES.values() for state in table} == set(get_args(CourseState))
    assert {says for sides in SIDES.values() for says in sides} == set(get_args(CourseHappening))


@pytest.mark.parametrize("course", ALL)
def test_what_crossed_is_never_what_could_be_said_by_somebody_who_knows(course: Course) -> None:
    for state, ways in CROSSED[course].items():
        assert not set(ways) & set(TABLES[course][state])


@pytest.mark.parametrize("course", ALL)
def test_nobody_says_what_comes_with_time(course: Course) -> None:
    assert not may_say(course, "expired", opener=True)
    assert not may_say(course, "expired", opener=False)


def test_only_the_other_side_agrees_and_only_the_proposer_withdraws() -> None:
    assert may_say("proposal", "accepted", opener=False)
    assert not may_say("proposal", "accepted", opener=True)
    assert may_say("proposal", "withdrawn", opener=True)
    assert not may_say("proposal", "withdrawn", opener=False)
    assert may_say("proposal", "ended", opener=True)
    assert may_say("proposal", "ended", opener=False)


@pytest.mark.parametrize(
    ("course", "state", "says", "then"),
    [
        ("proposal", "agreed", "withdrawn", "withdrawn"),
        ("offer", "withdrawn", "taken", "taken"),
        ("offer", "taken", "withdrawn", None),
        ("request", "withdrawn", "seen", "answered"),
        ("notice", "ended", "ended", None),
    ],
)
def test_acts_that_crossed_end_as_written_down(
    course: Course, state: CourseState, says: CourseHappening, then: CourseState | None
) -> None:
    assert after(course, state, says) == then


def test_what_cannot_be_said_is_refused_and_told_what_can() -> None:
    with pytest.raises(RefusedError, match="it is declined: declined cannot be said then, but accepted, withdrawn"):
        must_be_possible("proposal", "declined", "declined")
    with pytest.raises(RefusedError, match="it is taken: withdrawn cannot be said then, but nothing more"):
        must_be_possible("offer", "taken", "withdrawn")
    must_be_possible("offer", "received", "taken")


def test_everything_that_opens_a_matter_has_a_course_and_nothing_else_has() -> None:
    assert set(COURSES) <= set(get_args(Body))
    assert Delivery not in COURSES


def test_whatever_has_an_end_can_expire() -> None:
    for kind, course in COURSES.items():
        if "until_ns" in kind.__struct_fields__:
            assert any("expired" in ways for ways in TABLES[course].values()), kind
    assert until_of(Recall(releases=("r",), reason="wrong")) is None
    assert "until_ns" in LookRequest.__struct_fields__


@pytest.mark.parametrize("course", ALL)
def test_the_diagram_in_the_docs_is_drawn_from_the_table(course: Course) -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "joint.md"
    assert f"```mermaid\n{diagram(course)}\n```" in page.read_text(encoding="utf-8")
    drawn = re.findall(r"^    (\w+) --> (\w+): (\w+)", diagram(course), re.MULTILINE)
    assert len(drawn) == len(set(drawn))
