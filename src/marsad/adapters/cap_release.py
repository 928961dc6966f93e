"""Releases as Common Alerting Protocol messages, for partners whose alerting systems speak CAP.

Source: OASIS, "Common Alerting Protocol Version 1.2" (2010), section 3.2.
"""

import contextlib
from collections.abc import Sequence
from typing import Final, Literal
from xml.etree import ElementTree as ET

from marsad.adapters.cap import NAMESPACE, TAGS, add, bare, moment
from marsad.coordinate.grid import centre_of, frame_at
from marsad.coordinate.phrases import FIRST, LAST
from marsad.coordinate.release_words import RELEASE_WORDS
from marsad.geo.geodesy import EnuFrame
from marsad.geo.mgrs import mgrs
from marsad.kernel.agreement import Agreement
from marsad.kernel.error import InputError
from marsad.kernel.record import Record
from marsad.kernel.release import Cell, Heads, Release
from marsad.kernel.statement import Language

LANGUAGES: Final[tuple[Language, ...]] = ("ar", "ckb", "kmr", "en")
Weight = tuple[str, str, str]
"""Urgency, severity and certainty, in the words of the standard."""

BY_PRIORITY: Final[dict[str | None, Weight]] = {
    "high": ("Immediate", "Severe", "Likely"),
    "medium": ("Expected", "Moderate", "Likely"),
    "low": ("Future", "Minor", "Possible"),
    None: ("Unknown", "Unknown", "Unknown"),
}
"""Of an alarm, as its priority was released; a machine raised it, so it is never called observed."""
BY_BASIS: Final[dict[str, Weight]] = {
    "life_at_risk": ("Immediate", "Extreme", "Observed"),
    "handover_at_line": ("Immediate", "Moderate", "Observed"),
}
"""Of what a named officer released beyond the rules."""
_HAZARD: Final[Weight] = ("Immediate", "Severe", "Observed")
_INCIDENT: Final[Weight] = ("Unknown", "Unknown", "Observed")
_PEOPLE: Final = frozenset({"civilians", "distress"})

Happening = Literal["told", "corrected", "ended", "recalled"]
_WHY: Final[dict[Happening, str]] = {"corrected": "matter.correction", "ended": "over", "recalled": "matter.recall"}
_NOTES: Final[dict[Happening, str]] = {
    "corrected": "Put right: what was told before was wrong.",
    "ended": "Over: no longer told. This does not say that the place is safe.",
    "recalled": "Taken back: not to be used any more.",
}


class CapMessage(Record):
    """One message that was made: how others refer to it, and how long it says to count."""

    identifier: str
    sent_ns: int
    expires_ns: int


def is_alert(released: Release) -> bool:
    """Whether it is for an alerting system: alarms, incidents, and what an officer released beyond the rules."""
    return released.cell is not None and (released.item in {"alarm", "incident"} or released.basis != "rule")


def cap_alert(
    told: Release, message: CapMessage, agreement: Agreement, happening: Happening = "told",
    earlier: Sequence[CapMessage] = (),
) -> bytes:  # fmt: skip
    """One CAP 1.2 message about something that was told and stands, or, of what is over or taken back, stood.

    `earlier` are the messages about it that still count: with them it is an update, or cancels them. There is nothing
    in it that the release does not say.
    """
    cancels = happening in {"ended", "recalled"}
    alert = ET.Element("alert", xmlns=NAMESPACE)
    add(alert, "identifier", message.identifier)
    add(alert, "sender", bare(told.giver))
    add(alert, "sent", moment(message.sent_ns))
    add(alert, "status", "Exercise" if told.exercise else "Actual")
    add(alert, "msgType", "Cancel" if cancels else "Update" if earlier else "Alert")
    add(alert, "scope", "Private")
    add(alert, "addresses", bare(told.taker))
    if note := _note(told, happening):
        add(alert, "note", note)
    if earlier:
        add(alert, "references", " ".join(_reference(told, each) for each in earlier))
    for language in LANGUAGES:
        _info(alert, told, message, agreement, happening, language)
    ET.indent(alert)
    written: bytes = ET.tostring(alert, encoding="utf-8", xml_declaration=True)
    return written


def _reference(told: Release, message: CapMessage) -> str:
    return f"{bare(told.giver)},{message.identifier},{moment(message.sent_ns)}"


def _note(told: Release, happening: Happening) -> str:
    """What every reader of the message must know first."""
    played = "EXERCISE EXERCISE EXERCISE: not real." if told.exercise else ""
    return " ".join(part for part in (played, _NOTES.get(happening, "")) if part)


def _info(
    alert: ET.Element, told: Release, message: CapMessage, agreement: Agreement, happening: Happening,
    language: Language,
) -> None:  # fmt: skip
    words = RELEASE_WORDS[language]
    stands = happening in {"told", "corrected"}
    info = ET.SubElement(alert, "info")
    add(info, "language", TAGS[language])
    for category in _categories(told):
        add(info, "category", category)
    add(info, "event", words[_event(told)])
    add(info, "responseType", "None" if not stands else "Avoid" if told.hazards else "Assess")
    urgency, severity, certainty = _weight(told)
    add(info, "urgency", urgency if stands else "Past")
    add(info, "severity", severity)
    add(info, "certainty", certainty)
    add(info, "onset", moment(told.time_ns))
    add(info, "expires", moment(message.expires_ns))
    add(info, "senderName", _name(agreement, told.giver))
    add(info, "headline", _headline(told, happening, language))
    if stands:
        add(info, "description", "\n".join(_lines(told, language)))
    for name, value in _parameters(told).items():
        parameter = ET.SubElement(info, "parameter")
        add(parameter, "valueName", name)
        add(parameter, "value", value)
    if told.cell is not None:
        _area(info, told.cell, frame_at(agreement.anchor), language)


def _weight(told: Release) -> Weight:
    """Urgency, severity and certainty, from nothing but what was released."""
    if told.basis != "rule":
        return BY_BASIS[told.basis]
    if told.item == "incident":
        return _HAZARD if told.hazards else _INCIDENT
    return BY_PRIORITY[told.priority]


def _categories(told: Release) -> list[str]:
    people = told.basis == "life_at_risk" or told.incident_kind in _PEOPLE
    return ["Security", *(["Rescue"] if people else []), *(["Safety"] if told.hazards else [])]


def _event(told: Release) -> str:
    """What it is, as a key of the words."""
    if told.basis != "rule":
        return f"basis.{told.basis}"
    if told.alarm_rule is not None and f"rule.{told.alarm_rule}" in RELEASE_WORDS["en"]:
        return f"rule.{told.alarm_rule}"
    return f"item.{told.item}" if told.incident_kind is None else f"incident_kind.{told.incident_kind}"


def _headline(told: Release, happening: Happening, language: Language) -> str:
    words = RELEASE_WORDS[language]
    said = [
        words["shell.exercise"] if told.exercise else "",
        words[_WHY[happening]] if happening in _WHY else "",
        words[f"item.{told.item}"],
        words[_event(told)] if _event(told) != f"item.{told.item}" else "",
        "" if told.kind is None else words[f"kind.{told.kind}"],
    ]
    return " · ".join(part for part in said if part)


def _lines(told: Release, language: Language) -> list[str]:
    """All that was told beside place and time; numbers stand behind a colon, so that no grammar bends the words."""
    words = RELEASE_WORDS[language]
    cell_m = 0 if told.cell is None else told.cell.size_m
    label = "{}: {}".format
    lines = [
        "" if told.heads is None else label(words["alarm.count"], _span(told.heads, language)),
        "" if told.heading is None else label(words["alarm.heading"], words[f"toward.{told.heading}"]),
        "" if told.direction is None else words[f"direction.{told.direction}"],
        "" if told.priority is None else words["priority.name"].format(name=words[f"priority.{told.priority}"]),
        label(words["incident.hazards"], ", ".join(words[f"hazard.{each}"] for each in told.hazards))
        if told.hazards
        else "",
        words["partner.cell"].format(size=_isolated(words["unit.m"].format(n=cell_m))),
        label(words["partner.agreement"], _isolated(f"{told.agreement_id} {told.version}")),
    ]
    return [line for line in lines if line]


def _span(heads: Heads, language: Language) -> str:
    if heads.high is None:
        return RELEASE_WORDS[language]["partner.heads_least"].format(low=_isolated(str(heads.low)))
    return _isolated(str(heads.low) if heads.low == heads.high else f"{heads.low}-{heads.high}")


def _isolated(text: str) -> str:
    """What is written left to right, so that it turns no sentence about."""
    return f"{FIRST}{text}{LAST}"


def _parameters(told: Release) -> dict[str, str]:
    """The same for machines, in the words of the release."""
    heads = told.heads
    every: dict[str, object] = {
        "agreement": told.agreement_id, "version": told.version, "release": told.release_id, "thing": told.thing_id,
        "item": told.item, "basis": told.basis, "sigma_m": told.sigma_m, "kind": told.kind,
        "heads_low": None if heads is None else heads.low, "heads_high": None if heads is None else heads.high,
        "alarm_rule": told.alarm_rule, "priority": told.priority, "direction": told.direction,
        "heading": told.heading, "incident_kind": told.incident_kind, "incident_state": told.incident_state,
        "hazards": " ".join(told.hazards) or None,
    }  # fmt: skip
    return {name: str(value) for name, value in every.items() if value is not None}


def _area(info: ET.Element, cell: Cell, frame: EnuFrame, language: Language) -> None:
    """The square that was told: its corners, counterclockwise, the first again at the end."""
    size = cell.size_m
    corners = ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))
    ring = [frame.to_geodetic((cell.east + x) * size, (cell.north + y) * size, 0.0) for x, y in corners]
    area = ET.SubElement(info, "area")
    words = RELEASE_WORDS[language]
    place = words["partner.cell"].format(size=_isolated(words["unit.m"].format(n=size)))
    middle = centre_of(frame, cell)
    with contextlib.suppress(InputError):
        digits = 2 if size >= 1000 else 3 if size >= 100 else 4
        place = f"{_isolated(mgrs(middle.latitude_deg, middle.longitude_deg, digits))} · {place}"
    add(area, "areaDesc", place)
    add(area, "polygon", " ".join(f"{latitude:.6f},{longitude:.6f}" for latitude, longitude, _ in ring))


def _name(agreement: Agreement, party_id: str) -> str:
    named = (party.name for party in agreement.parties if party.party_id == party_id and party.name)
    return next(named, party_id)
