"""Statements: every sentence rests on entries of the log, nothing is given away unsaid, and a person stands for it."""

import re
from datetime import UTC
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.memory import MemoryEventLog
from marsad.kernel.alarm import Alarm, AlarmHappening, Met, NuisanceCause, Seen
from marsad.kernel.alert import Priority
from marsad.kernel.detection import Box
from marsad.kernel.dispatch import Answer, DispatchHappening
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.event import DURABLE, AlarmChanged, HealthKind, StatementChanged
from marsad.kernel.incident import IncidentHappening, Outcome
from marsad.kernel.position import EnuPoint
from marsad.kernel.site import Camera, Lens, Site
from marsad.kernel.statement import FactKind, Language, Sentence, Statement
from marsad.kernel.track import Count
from marsad.report.incident_record import IncidentRecord, record_of
from marsad.report.statement import Statements, diagram, exposures_of, facts_of, sentences_of
from marsad.report.wording import LABELS, SENTENCES, WORDS, persons
from marsad.respond.dispatch import Dispatches, Option
from marsad.respond.incident import Incidents

NS = 1_000_000_000
NIGHT = 1_533_686_400 * NS
SITE = Site(
    name="Al-Qaim",
    cameras=(Camera(id="C2", lens=Lens(width_px=640, height_px=512, horizontal_fov_deg=6.0)),),
)
LANGUAGES: tuple[Language, ...] = get_args(Language)
FOUR = Count(best=4, low=4, high=4)


def alarm(number: int = 1) -> Alarm:
    return Alarm(
        alarm_id=f"A{number}", subject_id="G1", state="unacknowledged", priority="high", kind="group",
        response="look_and_send", text="Group, on foot", raised_ns=NIGHT, changed_ns=NIGHT, latching=True, count=FOUR,
        met=(Met(rule="line_crossing", rule_id="line", direction="inward", time_ns=NIGHT, alert_id="1"),),
        seen=Seen(time_ns=NIGHT, camera_id="C2", box=Box(x_px=1, y_px=1, w_px=2, h_px=5)),
    )  # fmt: skip


def night(*, accounted: int = 4, exercise: bool = False) -> IncidentRecord:
    """The record of four who crossed, were met by a patrol, and of whom so many were accounted for."""
    log, incidents, orders = MemoryEventLog(), Incidents(), Dispatches()
    for each in (alarm(), alarm(2)):
        log.append([AlarmChanged(time_ns=NIGHT, alarm=each, happening="raised")])
    log.append([incidents.open("crossing", "four past the line", "samir", NIGHT + 60 * NS, alarm_ids=["A1"],
                               expected=FOUR, exercise=exercise)])  # fmt: skip
    log.append([incidents.take("I1", "samir", NIGHT + 61 * NS)])
    option = Option(patrol_id="P1", meet=EnuPoint(east_m=0, north_m=0), meet_ns=NIGHT + 900 * NS, they_ns=None, way=())
    sent = orders.send("I1", option, "stop", "go and look", "samir", NIGHT + 120 * NS)
    log.append([sent])
    for number, says in enumerate(("accepted", "on_scene")):
        answer = Answer(
            answer_id=f"n{number}", dispatch_id=sent.dispatch.dispatch_id, says=says, via="phone", by="P1",
            time_ns=NIGHT + (200 + 600 * number) * NS,
        )  # fmt: skip
        log.append(orders.answer(answer, NIGHT + (201 + 600 * number) * NS))
    log.append([incidents.meet("I1", FOUR, "samir", NIGHT + 900 * NS)])
    if accounted:
        log.append([incidents.account("I1", accounted, "detained", "samir", NIGHT + 1000 * NS)])
    return record_of("I1", log.read())


def test_the_record_holds_what_belongs_to_the_incident_in_order_each_with_its_entry() -> None:
    record = night()
    assert {line.about for line in record.lines} == {"I1", "A1", record.dispatches[0].dispatch_id}
    assert [line.sequence for line in record.lines] == sorted(line.sequence for line in record.lines)
    assert all(re.fullmatch("[0-9a-f]{64}", line.entry_hash) for line in record.lines)
    with pytest.raises(InputError, match="no incident I9"):
        record_of("I9", MemoryEventLog().read())


def test_the_facts_are_what_the_log_says_and_no_more() -> None:
    facts = facts_of(night(accounted=3))
    assert [(fact.kind, fact.persons) for fact in facts] == [
        ("seen", 4), ("crossed", 0), ("sent", 0), ("arrived", 0), ("met", 4), ("accounted", 3), ("sought", 1),
    ]  # fmt: skip
    known = {line.sequence for line in night(accounted=3).lines}
    assert all(set(fact.sequences) <= known for fact in facts)


@given(st.integers(0, 4))
def test_who_is_not_accounted_for_is_said_to_be_sought(accounted: int) -> None:
    sought = [fact.persons for fact in facts_of(night(accounted=accounted)) if fact.kind == "sought"]
    assert sought == ([4 - accounted] if accounted < 4 else [])


def test_the_statement_in_english_reads_as_it_should() -> None:
    text = [each.text for each in sentences_of(facts_of(night(accounted=3)), "en", "the line", UTC)]
    assert [re.sub("[\u2066\u2069]", "", each) for each in text] == [
        "On 2018-08-08 at 00:00, 4 people were observed near the line.",
        "The line was crossed at 00:00.",
        "A patrol was sent at 00:02.",
        "The patrol arrived at 00:13.",
        "Contact was made with 4 people at 00:15.",
        "Detained: 3 people.",
        "The search goes on for one person.",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fact_can_be_said_in_every_language(language: Language) -> None:
    outcomes = [each for each in get_args(Outcome) if each != "nobody_there"]
    needed = {*get_args(FactKind), *outcomes} - {"accounted"}
    assert needed <= set(SENTENCES[language])
    assert set(LABELS[language]) == set(LABELS["en"])
    for sentence in sentences_of(facts_of(night(accounted=1)), language, "X", UTC):
        assert sentence.facts
        assert not re.search(r"[{}]", sentence.text)


@pytest.mark.parametrize(
    ("n", "subject", "after"),
    [(1, "شخص واحد", "شخص واحد"), (2, "شخصان", "شخصين"), (3, "3 أشخاص", "3 أشخاص"), (10, "10 أشخاص", "10 أشخاص"),
     (11, "11 شخصًا", "11 شخصًا"), (99, "99 شخصًا", "99 شخصًا"), (100, "100 شخص", "100 شخص"),
     (103, "103 أشخاص", "103 أشخاص")],
)  # fmt: skip
def test_arabic_counts_people_as_its_grammar_asks(n: int, subject: str, after: str) -> None:
    assert persons("ar", n) == (subject, after)


def test_at_least_so_many_stand_in_the_case_that_their_place_asks() -> None:
    assert persons("kmr", 3, at_least=True) == ("herî kêm 3 kes", "herî kêm 3 kesan")
    assert persons("ar", 2, at_least=True) == ("ما لا يقل عن شخصين", "ما لا يقل عن شخصين")


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_value_on_paper_has_its_word(language: Language) -> None:
    literals = (AlarmHappening, IncidentHappening, DispatchHappening, NuisanceCause, HealthKind, Priority)
    assert {each for literal in literals for each in get_args(literal)} <= set(WORDS[language])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Seen by C2 from afar.", "camera"), ("A thermal camera found them.", "means"), ("رصدتهم كاميرا.", "means"),
        ("رصدتهم الكاميرا.", "means"), ("وبالكاميرا الحرارية رُصدوا.", "means"), ("لە بورجەکەوە بینران.", "means"),
        ("ومن دورية الشمال.", "post"),
        ("At 38S KB 12345 67890.", "place"), ("At 34.5123, 41.0321.", "place"), ("Near Post North.", "post"),
        ("Abu Ali told us.", "source"),
    ],
)  # fmt: skip
def test_what_would_give_something_away_is_flagged(text: str, what: str) -> None:
    own = {"Post North": "post", "دورية الشمال": "post", "Abu Ali": "source"}
    found = exposures_of([Sentence(text="Nothing here."), Sentence(text=text)], SITE, own)
    assert what in {each.what for each in found}
    assert {each.sentence for each in found} == {1}


def test_a_draft_gives_nothing_away_by_itself() -> None:
    for language in LANGUAGES:
        drafted = Statements().draft(night(), language, "the line", UTC, SITE, {"P1": "patrol"}, "samir", NIGHT)
        assert drafted.statement.exposures == ()


def drafted(*, exercise: bool = False) -> tuple[Statements, str]:
    statements = Statements()
    event = statements.draft(night(exercise=exercise), "en", "the line", UTC, SITE, {}, "samir", NIGHT)
    return statements, event.statement.statement_id


def test_from_the_draft_to_its_release() -> None:
    statements, one = drafted()
    with pytest.raises(RefusedError, match="somebody else"):
        statements.approve(one, "samir", NIGHT)
    statements.approve(one, "hala", NIGHT, embargo_until_ns=NIGHT + 10)
    with pytest.raises(RefusedError, match="embargo"):
        statements.release(one, "hala", NIGHT + 9)
    released = statements.release(one, "hala", NIGHT + 10).statement
    assert (released.state, released.approved_by) == ("released", "hala")
    with pytest.raises(RefusedError, match="is released"):
        statements.edit(one, [Sentence(text="No.")], SITE, {}, "samir", NIGHT + 11)
    assert statements.withdraw(one, "hala", "wrong place", NIGHT + 12).statement.state == "withdrawn"


def test_an_edit_takes_the_approval_back_and_is_signed() -> None:
    statements, one = drafted()
    statements.approve(one, "hala", NIGHT)
    edited = statements.edit(one, [Sentence(text="All are well.")], SITE, {}, "samir", NIGHT + 1).statement
    assert (edited.state, edited.approved_by, edited.sentences[0].by) == ("draft", "", "samir")
    with pytest.raises(InputError, match="no fact F99"):
        statements.edit(one, [Sentence(text="So.", facts=("F99",))], SITE, {}, "samir", NIGHT + 2)


def test_what_gives_something_away_is_approved_only_with_a_reason() -> None:
    statements, one = drafted()
    statements.edit(one, [Sentence(text="C2 saw them.")], SITE, {}, "samir", NIGHT)
    with pytest.raises(RefusedError, match="camera \\(C2\\)"):
        statements.approve(one, "hala", NIGHT)
    approved = statements.approve(one, "hala", NIGHT, accepted="the tower is known to everybody").statement
    assert approved.accepted == "the tower is known to everybody"


def test_an_exercise_is_never_released_as_real() -> None:
    statements, one = drafted(exercise=True)
    statements.approve(one, "hala", NIGHT)
    with pytest.raises(RefusedError, match="exercise"):
        statements.release(one, "hala", NIGHT)


def test_statements_are_what_their_events_say_and_on_the_disk_at_once() -> None:
    statements, one = drafted()
    events = [StatementChanged(time_ns=1, statement=statements.statement(one), happening="drafted", officer="samir")]
    again = Statements(events)
    assert again.statement(one) == statements.statement(one)
    assert again.of_incident("I1") == [statements.statement(one)]
    assert StatementChanged in DURABLE
    with pytest.raises(InputError, match="no statement S9"):
        again.statement("S9")


def test_the_page_draws_the_states_as_the_table_has_them() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "statements.md").read_text(encoding="utf-8")
    assert diagram() in page
    assert all(f"`{state}`" in page for state in get_args(Statement.__annotations__["state"]))
