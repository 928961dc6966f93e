"""Statements as Common Alerting Protocol messages.

Source: OASIS, "Common Alerting Protocol Version 1.2" (2010).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET

from marsad.kernel.error import InputError
from marsad.kernel.statement import Language, Statement
from marsad.report.wording import LABELS

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
TAGS: Final[dict[Language, str]] = {"ar": "ar-IQ", "ckb": "ckb-IQ", "kmr": "kmr-Latn", "en": "en"}
_STATUS: Final = {True: "Exercise", False: "Actual"}


def cap_xml(statements: Sequence[Statement], *, sender: str, place: str, sent_ns: int) -> bytes:
    """One CAP 1.2 alert with an `info` block for each language.

    Drafts have the status `Draft`, those of an exercise `Exercise`. It has no coordinates: `place` is a
    name.

    Raises: InputError for no statements, or for statements of several incidents.
    """
    if not statements:
        raise InputError("a CAP message needs a statement")
    incidents = {each.incident_id for each in statements}
    if len(incidents) > 1:
        raise InputError(f"statements of several incidents ({', '.join(sorted(incidents))}) make no one message")
    first = statements[0]
    alert = ET.Element("alert", xmlns=NAMESPACE)
    add(alert, "identifier", "-".join([bare(sender), *(each.statement_id for each in statements)]))
    add(alert, "sender", bare(sender))
    add(alert, "sent", moment(sent_ns))
    draft = any(each.state == "draft" for each in statements)
    exercise = any(each.exercise for each in statements)
    add(alert, "status", _STATUS[True] if exercise else "Draft" if draft else _STATUS[False])
    add(alert, "msgType", "Cancel" if first.state == "withdrawn" else "Alert")
    # One that is not released holds back those that are: they make one message.
    released = all(each.state == "released" for each in statements)
    add(alert, "scope", "Public" if released else "Restricted")
    if not released:
        add(alert, "restriction", "not released")
    for statement in statements:
        _info(alert, statement, place)
    ET.indent(alert)
    written: bytes = ET.tostring(alert, encoding="utf-8", xml_declaration=True)
    return written


def _info(alert: ET.Element, statement: Statement, place: str) -> None:
    labels = LABELS[statement.language]
    info = ET.SubElement(alert, "info")
    add(info, "language", TAGS[statement.language])
    add(info, "category", "Security")
    add(info, "event", labels["statement"])
    danger = any(fact.kind == "hazard" for fact in statement.facts)
    add(info, "responseType", "Avoid" if danger else "None")
    add(info, "urgency", "Immediate" if danger else "Past")
    add(info, "severity", "Severe" if danger else "Minor")
    add(info, "certainty", "Observed")
    add(info, "description", " ".join(sentence.text for sentence in statement.sentences))
    area = ET.SubElement(info, "area")
    add(area, "areaDesc", labels["area"].format(place=place))


def add(parent: ET.Element, tag: str, text: str) -> None:
    """Put an element with a text at the end of another."""
    ET.SubElement(parent, tag).text = text


def bare(name: str) -> str:
    """A name without what CAP's identifiers may not hold: spaces, commas and the signs of XML."""
    return "".join("_" if mark in " ,<&" else mark for mark in name)


def moment(time_ns: int) -> str:
    """A time as CAP writes it: to the second, with its offset in digits."""
    return f"{datetime.fromtimestamp(time_ns // 1_000_000_000, tz=UTC):%Y-%m-%dT%H:%M:%S}-00:00"
