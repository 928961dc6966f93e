"""What a partner is told of one thing, or why not.

Everything is coarsened first and decided afterwards: whether something is told depends on its place through its cell
alone, so that what is told, and what is not, says no more than the cell does. Besides that it counts only whether a
thing is seen now, and known within what the rule says of every item; see `cadence` for what becomes of those not seen.
"""

import hmac
import math
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec
from msgspec.structs import replace

from marsad.coordinate.agreement import LATEST_NS
from marsad.coordinate.grid import Point, cell_of, kept_cell, place, way_cells
from marsad.coordinate.offer import HeldError, Known, Offered, known_of
from marsad.coordinate.terms import Terms
from marsad.coordinate.widening import PRIORITIES
from marsad.kernel.error import InputError
from marsad.kernel.incident import Incident
from marsad.kernel.picture import PictureGroup, PictureTrack
from marsad.kernel.position import GroundCovariance
from marsad.kernel.record import Record
from marsad.kernel.release import (
    Cell,
    EmergencyAct,
    Heads,
    Octant,
    PatrolCorridor,
    PostWatch,
    Release,
    ReleaseRule,
    Withheld,
    WithheldReason,
)
from marsad.kernel.track import Count, Kind

NS = 1_000_000_000
LARGEST_BYTES = 65_536

MOST_CELLS = 1000
"""A longer way is not told: what is told has to fit into `LARGEST_BYTES`."""

_WIDEST_M = 1_000_000
"""What is known less well is nowhere."""
_CLASSES = (1, 2, 5, 10, 20, 50)
_OCTANTS: tuple[Octant, ...] = ("n", "ne", "e", "se", "s", "sw", "w", "nw")
_OF_KINDS = frozenset({"track", "group", "alarm", "sighting"})
_OVERRIDDEN: frozenset[WithheldReason] = frozenset({
    "no_rule", "priority", "outside", "off_ground", "not_confirmed", "not_seen", "too_vague", "too_soon", "declared",
    "stale",
})  # fmt: skip
"""What an emergency act may set aside; never whose it is, whether it is real, or that the agreement is in force."""

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Release)


class Shown(Record):
    """What the partner was last told of one thing, which decides how it is told on."""

    cell: Cell
    before: Cell | None = None
    kind: Kind | None = None
    episode: str = ""


def release(
    offered: Offered, terms: Terms, now_ns: int, shown: Shown | None = None, *, early: bool = False
) -> Release | Withheld:
    """What the partner is told of this now; `shown` is what it was told last, where it was told.

    With `early` the rule's delay is left to whoever puts the release aside until then.
    """
    try:
        known = known_of(offered)
        _refuse_time(known, terms, now_ns)
        _refuse_whose(known, terms)
        return _by_rule_or_act(known, terms, now_ns, shown, early=early)
    except HeldError as held:
        return Withheld(reason=held.reason)
    except (ArithmeticError, ValueError):
        # A number so large that nothing can be made of it, such as a speed beyond all floats when it is doubled.
        return Withheld(reason="malformed")


def payload(released: Release) -> bytes:
    """The bytes that go to the partner."""
    return _ENCODER.encode(released)


def read_release(data: bytes) -> Release:
    """What a partner told, from its bytes. Raises: InputError."""
    if len(data) > LARGEST_BYTES:
        raise InputError(f"a release of {len(data)} bytes is too large: {LARGEST_BYTES} at most")
    try:
        return _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"this is no release: {error}") from error


def is_urgent(released: Release) -> bool:
    """Whether it goes before what is not: alarms, emergencies, and what takes something back."""
    return released.item == "alarm" or released.basis != "rule" or released.act in {"corrected", "recalled"}


def named(terms: Terms, *parts: str) -> str:
    """A name that says nothing to anybody without the secret, the same for the same parts."""
    data = msgspec.json.encode([terms.agreement.agreement_id, terms.giver, *parts])
    return hmac.new(terms.secret, data, sha256).hexdigest()[:32]


def sealed(released: Release, terms: Terms) -> Release:
    """The release under the name that its content has."""
    bare = replace(released, release_id="")
    return replace(bare, release_id=named(terms, "release", payload(bare).hex()))


def floored(time_ns: int, step_s: int) -> int:
    """The last multiple of a step, counted from 1970."""
    return time_ns // (step_s * NS) * (step_s * NS)


def rule_for(known: Known, terms: Terms, shown: Shown | None) -> tuple[ReleaseRule, Kind | None]:
    """The rule that an item falls under, and the kind it is told as. Raises: HeldError."""
    kinds = [known.kind]
    if known.kind == "unknown" and shown is not None and shown.kind is not None:
        # Far away a thing is known less well: were it to stop being told there, how far we see would be told.
        kinds = [shown.kind, known.kind]
    for kind in kinds:
        for rule in terms.rules:
            if known.item in rule.items and (known.item not in _OF_KINDS or kind in rule.kinds):
                return rule, kind
    raise HeldError("no_rule")


def _refuse_time(known: Known, terms: Terms, now_ns: int) -> None:
    if not terms.in_force(now_ns):
        raise HeldError("not_in_force" if type(now_ns) is int else "clock")
    if known.time_ns > now_ns or known.time_ns < 0:
        raise HeldError("clock")
    if known.time_ns < terms.agreement.from_ns:
        raise HeldError("before_agreement")


def _refuse_whose(known: Known, terms: Terms) -> None:
    if not known.origins:
        raise HeldError("origin_unknown")
    if known.origins != {terms.giver}:
        raise HeldError("not_ours")
    if known.about_us:
        raise HeldError("about_us")
    if known.standing == "own":
        raise HeldError("own_patrol")
    if known.exercise and not any(rule.exercises for rule in terms.rules):
        raise HeldError("exercise")


def _by_rule_or_act(known: Known, terms: Terms, now_ns: int, shown: Shown | None, *, early: bool) -> Release:
    """What a rule or else an officer's act lets be told. Raises: HeldError."""
    try:
        return _by_rule(known, terms, now_ns, shown, early=early)
    except HeldError as held:
        act = _act_for(known, terms, now_ns)
        if act is None or held.reason not in _OVERRIDDEN:
            raise
        return _by_act(known, terms, act)


def _by_rule(known: Known, terms: Terms, now_ns: int, shown: Shown | None, *, early: bool) -> Release:
    """What a rule lets be told. Raises: HeldError."""
    rule, kind = rule_for(known, terms, shown)
    _refuse_by_rule(known, rule, now_ns, early=early)
    told = replace(_start(known, terms, rule, shown), **_place(known, terms, rule, shown))
    return sealed(replace(told, **_told_fields(known, terms, rule, kind, told.cell, shown)), terms)


def _refuse_by_rule(known: Known, rule: ReleaseRule, now_ns: int, *, early: bool) -> None:
    """Nothing for what a rule lets through, its place aside. Raises: HeldError."""
    age_ns = now_ns - known.time_ns
    checks: tuple[tuple[WithheldReason, bool], ...] = (
        ("exercise", known.exercise and not rule.exercises),
        ("declared", known.standing == "declared" and not rule.declared),
        ("priority", known.item == "alarm" and not _urgent_enough(known, rule)),
        ("stale", age_ns > rule.oldest_s * NS),
        ("too_soon", not early and age_ns < rule.delay_s * NS),
        ("not_confirmed", not known.believed),
        ("not_seen", not known.seen),
        ("too_vague", known.covariance is not None and not longest_sigma_m(known.covariance) <= rule.sigma_m),
        ("not_shared", known.item == "post" and known.subject_id not in rule.posts),
    )
    for reason, holds in checks:
        if holds:
            raise HeldError(reason)


def _urgent_enough(known: Known, rule: ReleaseRule) -> bool:
    return known.priority is not None and PRIORITIES.index(known.priority) <= PRIORITIES.index(rule.lowest_priority)


def _start(known: Known, terms: Terms, rule: ReleaseRule, shown: Shown | None) -> Release:
    """What every release of a rule has, its place and its name aside."""
    return Release(
        release_id="", agreement_id=terms.agreement.agreement_id, version=terms.agreement.version,
        rule_id=rule.rule_id, giver=terms.giver, taker=terms.taker, item=known.item,
        thing_id=named(terms, "thing", known.item, known.subject_id, "" if shown is None else shown.episode),
        time_ns=floored(known.time_ns, rule.time_precision_s), act="ended" if known.over else "told",
        exercise=known.exercise,
    )  # fmt: skip


def _place(known: Known, terms: Terms, rule: ReleaseRule, shown: Shown | None) -> dict[str, Any]:
    """Where it is told to be. Raises: HeldError where that is not in the area, or not where anything is told."""
    if known.item == "post":
        return {}
    if known.item == "patrol":
        return {"cells": _corridor(known, terms, rule)}
    point = _point(known, terms)
    cell = cell_of(point, rule.precision_m)
    if shown is not None and shown.cell.size_m == rule.precision_m and kept_cell(point, shown.cell):
        cell = shown.cell
    if not terms.in_area(rule, cell):
        raise HeldError("outside")
    if not terms.on_ground(cell):
        raise HeldError("off_ground")
    return {"cell": cell, "sigma_m": rule.sigma_m}


def _point(known: Known, terms: Terms) -> Point:
    if known.position is None:
        raise HeldError("no_place")
    point = place(terms.frame, known.position)
    if point is None:
        raise HeldError("too_far")
    return point


def _corridor(known: Known, terms: Terms, rule: ReleaseRule) -> tuple[Cell, ...]:
    points = [place(terms.frame, position) for position in known.points]
    if None in points:
        raise HeldError("too_far")
    way = way_cells([point for point in points if point is not None], rule.precision_m)
    cells = tuple(cell for cell in way if terms.in_area(rule, cell))
    if not cells:
        raise HeldError("outside")
    if len(cells) > MOST_CELLS:
        raise HeldError("too_long")
    return cells


def _told_fields(
    known: Known, terms: Terms, rule: ReleaseRule, kind: Kind | None, cell: Cell | None, shown: Shown | None
) -> dict[str, Any]:
    """What the rule names of what is known, field by field."""
    every: dict[str, tuple[str, Callable[[], Any]]] = {
        "kind": ("kind", lambda: kind),
        "count": ("heads", lambda: heads_of(known.counted)),
        "heading": ("heading", lambda: _heading(cell, shown)),
        "alarm_rule": ("alarm_rule", lambda: known.rule),
        "priority": ("priority", lambda: known.priority),
        "direction": ("direction", lambda: known.direction),
        "shape": ("shape", lambda: _shape(known)),
        "velocity": ("velocity_m_s", lambda: _velocity(known)),
        "path": ("path", lambda: _path(known, terms, rule)),
        "certainty": ("certainty", lambda: _certainty(known)),
        **_incident_fields(known),
    }
    told = {name: value() for field in rule.fields if field in every for name, value in [every[field]]}
    if rule.clips == "alarms" and known.item == "alarm":
        told["clips"] = known.clips
    return told | _hours(known, rule)


def _incident_fields(known: Known) -> dict[str, tuple[str, Callable[[], Any]]]:
    incident = known.what
    if not isinstance(incident, Incident):
        return {}
    hazards = tuple(sorted({hazard.kind for hazard in incident.hazards if hazard.ended_ns is None}))
    return {
        "incident_kind": ("incident_kind", lambda: incident.kind),
        "incident_state": ("incident_state", lambda: incident.state),
        "hazards": ("hazards", lambda: hazards),
    }


def _hours(known: Known, rule: ReleaseRule) -> dict[str, Any]:
    """From when until when a post is watched, or a patrol is on its way, outward to the rule's precision."""
    what = known.what
    if not isinstance(what, PostWatch | PatrolCorridor):
        return {}
    if not 0 <= what.from_ns <= what.until_ns < LATEST_NS:
        raise HeldError("malformed")
    step_s = rule.time_precision_s
    hours = {"from_ns": floored(what.from_ns, step_s), "until_ns": -floored(-what.until_ns, step_s)}
    return hours | ({"post_id": what.post_id, "watched": what.watched} if isinstance(what, PostWatch) else {})


def heads_of(count: Count | None) -> Heads | None:
    """The class of a count by its best guess; None where nobody counted."""
    if count is None or count.best < 1:
        return None
    place_in = sum(count.best >= low for low in _CLASSES) - 1
    following = _CLASSES[place_in + 1 : place_in + 2]
    return Heads(low=_CLASSES[place_in], high=following[0] - 1 if following else None)


def _heading(cell: Cell | None, shown: Shown | None) -> Octant | None:
    """The way from the last other cell that was told to this one, which the partner could draw itself."""
    if cell is None or shown is None:
        return None
    before = shown.cell if shown.cell != cell else shown.before
    if before is None or before == cell:
        return None
    turn = math.atan2(cell.east - before.east, cell.north - before.north) / (math.pi / 4)
    return _OCTANTS[round(turn) % 8]


def _shape(known: Known) -> GroundCovariance | None:
    if known.covariance is None:
        return None
    return GroundCovariance(
        east_m2=float(round(known.covariance.east_m2)),
        east_north_m2=float(round(known.covariance.east_north_m2)),
        north_m2=float(round(known.covariance.north_m2)),
    )


def _velocity(known: Known) -> tuple[float, float] | None:
    if not isinstance(known.what, PictureTrack | PictureGroup):
        return None
    ground = known.what.ground
    return round(2 * ground.velocity_east_m_s) / 2, round(2 * ground.velocity_north_m_s) / 2


def _path(known: Known, terms: Terms, rule: ReleaseRule) -> tuple[Cell, ...]:
    """The cells of the predicted path, in order, those outside the area left out."""
    if not isinstance(known.what, PictureTrack | PictureGroup):
        return ()
    start, ground = _point(known, terms), known.what.ground
    found = []
    for waypoint in known.what.corridor:
        east = start[0] + round(1000 * (waypoint.centre.east_m - ground.east_m))
        north = start[1] + round(1000 * (waypoint.centre.north_m - ground.north_m))
        found.append(cell_of((east, north), rule.precision_m))
    return tuple(cell for cell in dict.fromkeys(found) if terms.in_area(rule, cell) and terms.on_ground(cell))


def _certainty(known: Known) -> float | None:
    if not isinstance(known.what, PictureTrack):
        return None
    return round(4 * known.what.kind_confidence) / 4


def longest_sigma_m(covariance: GroundCovariance) -> float:
    """One sigma along the long axis; endless where it is no covariance."""
    east, cross, north = covariance.east_m2, covariance.east_north_m2, covariance.north_m2
    if not (east >= 0 and north >= 0 and cross * cross <= east * north * (1 + 1e-9)):
        return math.inf
    return math.sqrt((east + north) / 2 + math.hypot((east - north) / 2, cross))


def _act_for(known: Known, terms: Terms, now_ns: int) -> EmergencyAct | None:
    """The emergency act that an item is told under."""
    standing = (act for act in terms.acts if act.from_ns <= now_ns < act.until_ns)
    return next((act for act in standing if known.subject_id in act.subject_ids), None)


def _by_act(known: Known, terms: Terms, act: EmergencyAct) -> Release:
    """What an officer's act lets be told: where, what, how many, and what is dangerous there. Raises: HeldError."""
    if known.exercise or known.item in {"patrol", "post"}:
        raise HeldError("exercise" if known.exercise else "no_rule")
    cell = cell_of(_point(known, terms), act.precision_m)
    if act.kind == "handover_at_line" and not terms.near_line(cell):
        raise HeldError("outside")
    sigma_m = act.precision_m
    while known.covariance is not None and sigma_m < longest_sigma_m(known.covariance):
        sigma_m *= 2
        if sigma_m > _WIDEST_M:
            raise HeldError("too_vague")
    fields = {name: value() for name, value in _incident_fields(known).values()}
    told = Release(
        release_id="", agreement_id=terms.agreement.agreement_id, version=terms.agreement.version, rule_id="",
        giver=terms.giver, taker=terms.taker, item=known.item, basis=act.kind, expires_ns=act.until_ns,
        thing_id=named(terms, "emergency", act.act_id, known.item, known.subject_id), time_ns=floored(known.time_ns, 1),
        cell=cell, sigma_m=sigma_m, kind=known.kind, heads=heads_of(known.counted), alarm_rule=known.rule,
        direction=known.direction,
    )  # fmt: skip
    return sealed(replace(told, **fields), terms)
