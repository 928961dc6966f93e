"""CAP messages: the elements of the standard, in its order, with a block for each language."""

from typing import get_args
from xml.etree import ElementTree as ET

import msgspec
import pytest
from cap_schema import S, follows_all

from marsad.adapters.cap import cap_xml
from marsad.kernel.error import InputError
from marsad.kernel.statement import Fact, Language, Sentence, Statement, StatementState

SENT_NS = 1_533_686_400_000_000_000


def statement(language: Language = "en", **changed: object) -> Statement:
    made = Statement(
        statement_id=f"S-{language}", incident_id="I1", language=language, state="released",
        sentences=(Sentence(text="A < B & C.", facts=("F1",)), Sentence(text="So.", facts=("F1",))),
        facts=(Fact(fact_id="F1", kind="seen", time_ns=0, sequences=(0,)),), exposures=(), drafted_by="samir",
        drafted_ns=0,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changed)


def message(*statements: Statement) -> ET.Element:
    return ET.fromstring(  # noqa: S314 - our own words
        cap_xml(statements, sender="Post 3, North", place="al-Qaim", sent_ns=SENT_NS)
    )


def test_the_elements_come_in_the_order_of_the_standard() -> None:
    alert = message(*(statement(language) for language in get_args(Language)))
    assert [each.tag.removeprefix(S) for each in alert] == [
        "identifier", "sender", "sent", "status", "msgType", "scope", "info", "info", "info", "info",
    ]  # fmt: skip
    assert [each.tag.removeprefix(S) for each in alert[6]] == [
        "language", "category", "event", "responseType", "urgency", "severity", "certainty", "description", "area",
    ]  # fmt: skip
    assert [each.findtext(f"{S}language") for each in alert.iter(f"{S}info")] == ["ar-IQ", "ckb-IQ", "kmr-Latn", "en"]


def test_what_is_said_stands_in_it_whole() -> None:
    alert = message(statement())
    assert alert.findtext(f"{S}sent") == "2018-08-08T00:00:00-00:00"
    assert alert.findtext(f"{S}sender") == "Post_3__North"
    assert alert.findtext(f"{S}info/{S}description") == "A < B & C. So."


@pytest.mark.parametrize(
    ("changed", "status", "scope", "kind"),
    [
        ({}, "Actual", "Public", "Alert"),
        ({"state": "draft"}, "Draft", "Restricted", "Alert"),
        ({"state": "approved"}, "Actual", "Restricted", "Alert"),
        ({"state": "withdrawn"}, "Actual", "Restricted", "Cancel"),
        ({"exercise": True, "state": "approved"}, "Exercise", "Restricted", "Alert"),
    ],
)
def test_its_status_says_what_it_is(changed: dict[str, object], status: str, scope: str, kind: str) -> None:
    alert = message(statement(**changed))
    found = tuple(alert.findtext(f"{S}{tag}") for tag in ("status", "scope", "msgType"))
    assert found == (status, scope, kind)
    assert (alert.find(f"{S}restriction") is not None) == (scope == "Restricted")


def test_it_has_no_coordinates() -> None:
    alert = message(statement())
    assert [each.tag.removeprefix(S) for area in alert.iter(f"{S}area") for each in area] == ["areaDesc"]


def test_one_that_is_not_released_keeps_the_whole_message_from_the_public() -> None:
    for others in (("draft", "Draft"), ("approved", "Actual")):
        alert = message(statement("ar"), statement("en", state=others[0]))
        assert (alert.findtext(f"{S}scope"), alert.findtext(f"{S}status")) == ("Restricted", others[1])
    played = message(statement("ar"), statement("en", exercise=True))
    assert played.findtext(f"{S}status") == "Exercise"


@pytest.mark.parametrize("state", get_args(StatementState))
@pytest.mark.parametrize("hazard", [False, True])
@pytest.mark.parametrize("exercise", [False, True])
def test_every_value_is_one_that_the_schema_of_the_standard_has(
    state: StatementState, hazard: bool, exercise: bool
) -> None:
    """What the XML schema of CAP 1.2 asks for: which elements there are, how often, in which order, of which values."""
    kind = "hazard" if hazard else "seen"
    facts = (Fact(fact_id="F1", kind=kind, time_ns=0, sequences=(0,)),)
    each = (statement(language, state=state, exercise=exercise, facts=facts) for language in get_args(Language))
    alert = message(*each)
    follows_all(alert)
    assert (alert.findtext(f"{S}scope") == "Public") == (state == "released")


def test_statements_of_several_incidents_make_no_message() -> None:
    with pytest.raises(InputError, match="I1, I2"):
        message(statement(), statement(incident_id="I2"))
    with pytest.raises(InputError, match="needs a statement"):
        message()
