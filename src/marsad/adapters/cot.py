"""Releases as Cursor on Target events, for partners whose maps speak TAK.

Source: MITRE, "Cursor on Target Message Router User's Guide" (2009), and its event schema 2.0; MIL-STD-2525C for what
the letters of an atom's type say.
"""

import math
from datetime import UTC, datetime
from typing import Final
from xml.etree import ElementTree as ET

from marsad.coordinate.grid import centre_of
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.position import Position
from marsad.kernel.release import Release

UNKNOWN_M: Final = 9_999_999.0
"""How the standard says that a height, or an error, is not known."""
LEAST_LIFE_NS: Final = 1_000_000_000
_NS: Final = 1_000_000_000

_TYPES: Final = {"vehicle": "a-u-G-E-V", "animal": "a-n-G", "flying": "a-u-A"}
"""By kind. Nobody is a foe, and somebody of unknown kind is somebody: what is not listed is unknown, on the ground."""
_OWN: Final = {"patrol": "a-f-G-U-C", "post": "a-f-G-I"}
_MARK: Final = "b-m-p-s-m"
_DELETE: Final = "t-x-d-d"
_HEARD: Final = frozenset({"sighting", "incident", "patrol", "post"})
"""What a person said: its `how` is that of words, not of a machine."""


def uid_of(released: Release) -> str:
    """The name a thing has on the partner's maps: its keyed one, under which it is told for as long as it is told."""
    return f"marsad.{released.giver}.{released.thing_id}"


def cot_type(released: Release) -> str:
    """The type of a thing: unknown, own, or neutral for animals; an incident is a mark."""
    if released.item in _OWN:
        return _OWN[released.item]
    return _MARK if released.item == "incident" else _TYPES.get(released.kind or "unknown", "a-u-G")


def has_place(released: Release) -> bool:
    """Whether there is anywhere to draw it: most posts are known by their name alone."""
    return released.cell is not None or bool(released.cells)


def cot_event(released: Release, frame: EnuFrame, stale_ns: int) -> bytes:
    """One thing that was told and stands, at the middle of its cell; `ce` holds the cell and the rule's sigma.

    `frame` is the plane of the agreement's grid. There is nothing in it that the release does not say.
    """
    event = _event(uid_of(released), cot_type(released), released, released.time_ns, stale_ns)
    position, error_m = _place(released, frame)
    _point(event, position, error_m)
    detail = ET.SubElement(event, "detail")
    ET.SubElement(detail, "contact", callsign=_callsign(released))
    ET.SubElement(detail, "remarks", source=released.giver).text = _remarks(released)
    return _written(event)


def cot_deletion(released: Release, now_ns: int) -> bytes:
    """Two events that take a thing off the partner's maps, whatever it was told to be.

    The first puts nothing in its place, for a second: servers that keep events for whoever comes later let go of it.
    The second has those who are there delete it.
    """
    emptied = _event(uid_of(released), "a-u-G", released, now_ns, now_ns + LEAST_LIFE_NS)
    deletion = _event(f"{uid_of(released)}.deletion", _DELETE, released, now_ns, now_ns + 60 * _NS)
    for event in (emptied, deletion):
        _point(event, None, UNKNOWN_M)
        detail = ET.SubElement(event, "detail")
    ET.SubElement(detail, "link", uid=uid_of(released), relation="none", type="none")
    ET.SubElement(detail, "__forcedelete")
    return _written(emptied) + _written(deletion)


def cot_ping(giver: str, now_ns: int) -> bytes:
    """A question whether the server is there, which says nothing else."""
    moment = _moment(now_ns)
    event = ET.Element(
        "event", version="2.0", uid=f"marsad.{giver}-ping", type="t-x-c-t", how="m-g", time=moment, start=moment,
        stale=_moment(now_ns + 60 * _NS),
    )  # fmt: skip
    _point(event, None, UNKNOWN_M)
    return _written(event)


def _event(uid: str, kind: str, released: Release, time_ns: int, stale_ns: int) -> ET.Element:
    how = "h-e" if released.item in _HEARD else "m-f"
    opex = "e" if released.exercise else "o"
    moment = _moment(time_ns)
    stale = _moment(max(stale_ns, time_ns + LEAST_LIFE_NS))
    return ET.Element(
        "event", version="2.0", uid=uid, type=kind, how=how, opex=opex, time=moment, start=moment, stale=stale
    )


def _point(event: ET.Element, position: Position | None, error_m: float) -> None:
    latitude, longitude = (0.0, 0.0) if position is None else (position.latitude_deg, position.longitude_deg)
    ET.SubElement(
        event, "point", lat=f"{latitude:.6f}", lon=f"{longitude:.6f}", hae=f"{UNKNOWN_M}", ce=f"{error_m:.1f}",
        le=f"{UNKNOWN_M}",
    )  # fmt: skip


def _place(released: Release, frame: EnuFrame) -> tuple[Position, float]:
    """The middle of what was told, and so far from it everything that was told lies, at the least."""
    cells = released.cells or ((released.cell,) if released.cell is not None else ())
    west, south = (min(getattr(cell, way) * cell.size_m for cell in cells) for way in ("east", "north"))
    east, north = (max((getattr(cell, way) + 1) * cell.size_m for cell in cells) for way in ("east", "north"))
    if len(cells) == 1:
        middle = centre_of(frame, cells[0])
    else:
        latitude, longitude, _ = frame.to_geodetic((west + east) / 2, (south + north) / 2, 0.0)
        middle = Position(latitude_deg=float(latitude), longitude_deg=float(longitude))
    return middle, max(math.hypot(east - west, north - south) / 2, float(released.sigma_m or 0))


def _callsign(released: Release) -> str:
    name = released.post_id or released.kind or released.incident_kind or released.item
    played = "EXERCISE " if released.exercise else ""
    return f"{played}{released.giver} {released.item} {name}".replace("_", " ")


def _remarks(released: Release) -> str:
    """All that was told beside place and time, in words that any officer reads."""
    said = [
        "EXERCISE EXERCISE EXERCISE." if released.exercise else "",
        f"From {released.giver}, agreement {released.agreement_id} version {released.version}.",
        f"{released.item.capitalize()}{_said_of(released)}.",
        "The place is the middle of a cell: within the circle, not at its centre.",
    ]
    if released.basis != "rule":
        said.append(f"Told beyond the rules: {released.basis.replace('_', ' ')}.")
    return " ".join(part for part in said if part)


def _said_of(released: Release) -> str:
    heads = released.heads
    facts = {
        "kind": released.kind, "heading": released.heading, "rule": released.alarm_rule, "priority": released.priority,
        "direction": released.direction, "incident": released.incident_kind, "state": released.incident_state,
        "how many": None if heads is None else _span(heads.low, heads.high),
        "dangers": ", ".join(released.hazards) or None,
        "watch": {None: None, True: "kept", False: "not kept"}[released.watched],
        "from": None if released.from_ns is None else _moment(released.from_ns),
        "until": None if released.until_ns is None else _moment(released.until_ns),
    }  # fmt: skip
    return "".join(f", {name} {value}".replace("_", " ") for name, value in facts.items() if value is not None)


def _span(low: int, high: int | None) -> str:
    return f"{low} or more" if high is None else str(low) if low == high else f"{low} to {high}"


def _written(event: ET.Element) -> bytes:
    written: bytes = ET.tostring(event, encoding="utf-8", xml_declaration=False)
    return written + b"\n"


def _moment(time_ns: int) -> str:
    """A time as the standard writes it: UTC, with its milliseconds."""
    whole, rest = divmod(time_ns, _NS)
    return f"{datetime.fromtimestamp(whole, tz=UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000_000:03d}Z"
