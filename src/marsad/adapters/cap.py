"""Statements as Common Alerting Protocol messages.

Source: OASIS, "Common Alerting Protocol Version 1.2" (2010).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET

from marsad.kernel.error import InputError
from marsad.kernel.position import Position
from marsad.kernel.statement import Language, Statement
from marsad.report.wording import LABELS

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
_TAGS: Final[dict[Language, str]] = {"ar": "ar-IQ", "ckb": "ckb-IQ", "kmr": "kmr-Latn", "en": "en"}
_STATUS: Final = {True: "Exercise", False: "Actual"}


def cap_xml(
    statements: Sequence[Statement], *, sender: str, place: str, sent_ns: int, centre: Position | None = None,
    radius_km: float = 5.0,
) -> bytes:  # fmt: skip
    """One CAP 1.2 alert with an `info` block for each language.

    Drafts have the status `Draft`, those of an exercise `Exercise`. `centre` is written to a hundredth of a degree,
    with `radius_km` around it.

    Raises: InputError for no statements, or for statements of several incidents.
    """
    if not statements:
        raise InputError("a CAP message needs a statement")
    incidents = {each.incident_id for each in statements}
    if len(incidents) > 1:
        raise InputError(f"statements of several incidents ({', '.join(sorted(incidents))}) make no one message")
    first = statements[0]
    alert = ET.Element("alert", xmlns=NAMESPACE)
    _add(alert, "identifier", "-".join([_bare(sender), *(each.statement_id for each in statements)]))
    _add(alert, "sender", _bare(sender))
    _add(alert, "sent", _moment(sent_ns))
    draft = any(each.state == "draft" for each in statements)
    exercise = any(each.exercise for each in statements)
    _add(alert, "status", _STATUS[True] if exercise else "Draft" if draft else _STATUS[False])
    _add(alert, "msgType", "Cancel" if first.state == "withdrawn" else "Alert")
    # One that is not released holds back those that are: they make one message.
    released = all(each.state == "released" for each in statements)
    _add(alert, "scope", "Public" if released else "Restricted")
    if not released:
        _add(alert, "restriction", "not released")
    for statement in statements:
        _info(alert, statement, place, centre, radius_km)
    ET.indent(alert)
    written: bytes = ET.tostring(alert, encoding="utf-8", xml_declaration=True)
    return written


def _info(
    alert: ET.Element, statement: Statement, place: str, centre: Position | None, radius_km: float
) -> None:  # fmt: skip
    labels = LABELS[statement.language]
    info = ET.SubElement(alert, "info")
    _add(info, "language", _TAGS[statement.language])
    _add(info, "category", "Security")
    _add(info, "event", labels["statement"])
    danger = any(fact.kind == "hazard" for fact in statement.facts)
    _add(info, "responseType", "Avoid" if danger else "None")
    _add(info, "urgency", "Immediate" if danger else "Past")
    _add(info, "severity", "Severe" if danger else "Minor")
    _add(info, "certainty", "Observed")
    _add(info, "description", " ".join(sentence.text for sentence in statement.sentences))
    area = ET.SubElement(info, "area")
    _add(area, "areaDesc", labels["area"].format(place=place))
    if centre is not None:
        _add(area, "circle", f"{centre.latitude_deg:.2f},{centre.longitude_deg:.2f} {radius_km:g}")


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text


def _bare(name: str) -> str:
    """A name without what CAP's identifiers may not hold: spaces, commas and the signs of XML."""
    return "".join("_" if mark in " ,<&" else mark for mark in name)


def _moment(time_ns: int) -> str:
    """A time as CAP writes it: to the second, with its offset in digits."""
    return f"{datetime.fromtimestamp(time_ns // 1_000_000_000, tz=UTC):%Y-%m-%dT%H:%M:%S}-00:00"
