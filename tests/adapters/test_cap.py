"""CAP messages: the elements of the standard, in its order, with a block for each language."""

import re
from typing import get_args
from xml.etree import ElementTree as ET

import msgspec
import pytest

from marsad.adapters.cap import NAMESPACE, cap_xml
from marsad.kernel.error import InputError
from marsad.kernel.position import Position
from marsad.kernel.statement import Fact, Language, Sentence, Statement, StatementState

SENT_NS = 1_533_686_400_000_000_000
S = f"{{{NAMESPACE}}}"
TEXT, NAME = ".+", r"[^\s,<&]+"
SCHEMA = {
    "alert": {
        "identifier": NAME, "sender": NAME, "sent": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d",
        "status": "Actual|Exercise|System|Test|Draft", "msgType": "Alert|Update|Cancel|Ack|Error", "source?": TEXT,
        "scope": "Public|Restricted|Private", "restriction?": TEXT, "addresses?": TEXT, "code*": TEXT, "note?": TEXT,
        "references?": TEXT, "incidents?": TEXT, "info*": TEXT,
    },
    "info": {
        "language?": r"[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*",
        "category+": "Geo|Met|Safety|Security|Rescue|Fire|Health|Env|Transport|Infra|CBRNE|Other", "event": TEXT,
        "responseType*": "Shelter|Evacuate|Prepare|Execute|Avoid|Monitor|Assess|AllClear|None",
        "urgency": "Immediate|Expected|Future|Past|Unknown", "severity": "Extreme|Severe|Moderate|Minor|Unknown",
        "certainty": "Observed|Likely|Possible|Unlikely|Unknown", "audience?": TEXT, "eventCode*": TEXT,
        "effective?": TEXT, "onset?": TEXT, "expires?": TEXT, "senderName?": TEXT, "headline?": TEXT,
        "description?": TEXT, "instruction?": TEXT, "web?": TEXT, "contact?": TEXT, "parameter*": TEXT,
        "resource*": TEXT, "area*": TEXT,
    },
    "area": {
        "areaDesc": TEXT, "polygon*": TEXT, "circle*": r"-?\d+(\.\d+)?,-?\d+(\.\d+)? \d+(\.\d+)?", "geocode*": TEXT,
        "altitude?": TEXT, "ceiling?": TEXT,
    },
}  # fmt: skip
"""The schema of CAP 1.2, section 3.4: a `*` for any number, a `+` for one or more, a `?` for one or none."""


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
    alert = message(*each, centre=Position(latitude_deg=34.0, longitude_deg=41.0))
    follows(alert, SCHEMA["alert"])
    for info in alert.iter(f"{S}info"):
        follows(info, SCHEMA["info"])
        for area in info.iter(f"{S}area"):
            follows(area, SCHEMA["area"])
    assert (alert.findtext(f"{S}scope") == "Public") == (state == "released")


def follows(element: ET.Element, schema: dict[str, str]) -> None:
    """Order, count and value of what is in an element; a `*` stands for any number, a `?` for one or none."""
    tags = [child.tag.removeprefix(S) for child in element]
    names = [name.rstrip("?*+") for name in schema]
    assert sorted(tags, key=names.index) == tags
    for name, value in schema.items():
        bare = name.rstrip("?*+")
        count = tags.count(bare)
        assert count >= (name[-1] not in "?*")
        assert count <= 1 or name[-1] in "*+"
        for child in element.iterfind(f"{S}{bare}"):
            assert len(child) or re.fullmatch(value, child.text or "", re.DOTALL), (bare, child.text)


def test_statements_of_several_incidents_make_no_message() -> None:
    with pytest.raises(InputError, match="I1, I2"):
        message(statement(), statement(incident_id="I2"))
    with pytest.raises(InputError, match="needs a statement"):
        message()
