"""CAP messages: the elements of the standard, in its order, with a block for each language."""

from typing import get_args
from xml.etree import ElementTree as ET

import msgspec
import pytest

from marsad.adapters.cap import NAMESPACE, cap_xml
from marsad.kernel.error import InputError
from marsad.kernel.position import Position
from marsad.kernel.statement import Fact, Language, Sentence, Statement

SENT_NS = 1_533_686_400_000_000_000
S = f"{{{NAMESPACE}}}"


def statement(language: Language = "en", **changed: object) -> Statement:
    made = Statement(
        statement_id=f"S-{language}", incident_id="I1", language=language, state="released",
        sentences=(Sentence(text="A < B & C.", facts=("F1",)), Sentence(text="So.", facts=("F1",))),
        facts=(Fact(fact_id="F1", kind="seen", time_ns=0, sequences=(0,)),), exposures=(), drafted_by="samir",
        drafted_ns=0,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changed)


def message(*statements: Statement, centre: Position | None = None) -> ET.Element:
    return ET.fromstring(  # noqa: S314 - our own words
        cap_xml(statements, sender="Post 3, North", place="al-Qaim", sent_ns=SENT_NS, centre=centre)
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


def test_the_place_is_written_no_finer_than_a_hundredth_of_a_degree() -> None:
    alert = message(statement(), centre=Position(latitude_deg=34.123456, longitude_deg=41.987654))
    assert alert.findtext(f"{S}info/{S}area/{S}circle") == "34.12,41.99 5"


def test_statements_of_several_incidents_make_no_message() -> None:
    with pytest.raises(InputError, match="I1, I2"):
        message(statement(), statement(incident_id="I2"))
    with pytest.raises(InputError, match="needs a statement"):
        message()
