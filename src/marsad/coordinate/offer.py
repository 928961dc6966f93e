"""What may be released, whatever it is: checked as if it came from a stranger, and reduced to what matters."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from marsad.kernel.alarm import Alarm
from marsad.kernel.alert import Alert, Priority, Rule
from marsad.kernel.incident import Incident
from marsad.kernel.picture import PictureGroup, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.release import Item, PatrolCorridor, PostWatch, WithheldReason
from marsad.kernel.sighting import Sighting
from marsad.kernel.track import Count, Kind

Standing = Literal["unknown", "own", "declared"]
Thing = PictureTrack | PictureGroup | Alarm | Alert | Incident | PatrolCorridor | Sighting | PostWatch

OBJECT_RULES: frozenset[Rule] = frozenset({
    "line_crossing", "zone_intrusion", "confirmed_track", "approach", "loitering", "fence_contact", "group_size",
    "night_vehicle",
})  # fmt: skip
"""Rules that somebody out there meets; the others tell of our own cameras, patrols and links."""

_SUM = re.compile("[0-9a-f]{64}")
_MOST_CLIPS = 100


class Offered(NamedTuple):
    """Something that might be released, with what its own record does not say.

    `origins` are the organisations that anything in it came from; `exercise` whether it is played. A group brings its
    `members`, from the picture of this organisation alone. `clips` are SHA-256 sums of what is shown of an alarm.
    """

    what: Thing
    origins: tuple[str, ...]
    exercise: bool
    members: tuple[PictureTrack, ...] = ()
    clips: tuple[str, ...] = ()


def offers_of(
    tracks: Iterable[PictureTrack], groups: Iterable[PictureGroup], others: Iterable[Thing], origin: str, *,
    exercise: bool,
) -> list[Offered]:  # fmt: skip
    """Everything that one organisation has, each group with those of its members that are there."""
    known = {track.track_id: track for track in tracks}
    origins = (origin,)
    offers = [Offered(what=each, origins=origins, exercise=exercise) for each in known.values()]
    for group in groups:
        members = tuple(known[name] for name in group.members if name in known)
        offers.append(Offered(what=group, origins=origins, exercise=exercise, members=members))
    return offers + [Offered(what=each, origins=origins, exercise=exercise) for each in others]


class HeldError(Exception):
    """Something is not released; turned into `Withheld` before anybody outside the room sees it."""

    def __init__(self, reason: WithheldReason) -> None:
        super().__init__(reason)
        self.reason = reason


class Known(NamedTuple):
    """What of an item may matter to a release.

    `seen` is whether it is seen now, as against being carried on by prediction; `believed` whether it ever was.
    """

    item: Item
    subject_id: str
    time_ns: int
    origins: frozenset[str]
    exercise: bool
    position: Position | None = None
    covariance: GroundCovariance | None = None
    points: tuple[Position, ...] = ()
    kind: Kind | None = None
    counted: Count | None = None
    standing: Standing = "unknown"
    believed: bool = True
    seen: bool = True
    about_us: bool = False
    over: bool = False
    priority: Priority | None = None
    rule: Rule | None = None
    direction: Literal["inward", "outward"] | None = None
    what: Thing | None = None
    clips: tuple[str, ...] = ()


def known_of(offered: Offered) -> Known:
    """What of an offered item may matter. Raises: HeldError for anything that is not exactly what it should be."""
    reader = _READERS.get(type(offered.what))
    if reader is None:
        raise HeldError("unknown_item")
    sound = Offered(
        what=_sound(offered.what),
        origins=_sound_names(offered.origins),
        exercise=offered.exercise,
        members=_sound_members(offered.members),
        clips=_sound_sums(offered.clips),
    )
    if sound.exercise is not True and sound.exercise is not False:
        raise HeldError("exercise")
    known: Known = reader(sound.what, sound)
    if type(known.time_ns) is not int:
        raise HeldError("malformed")
    return known


def subject_of(what: object) -> str:
    """Our own name of an item, such as its track's; empty where it is of no type that can be released."""
    return str(getattr(what, _NAMES[type(what)])) if type(what) in _NAMES else ""


def _sound(what: Any) -> Any:  # noqa: ANN401 - any record comes back as the record it was
    """The record, read again from plain values, so that nothing stands in it that its type does not allow."""
    try:
        plain = msgspec.to_builtins(what)
        read = msgspec.convert(plain, type(what))
        # Text that is not Unicode and numbers that are too large for any file or wire show here.
        msgspec.msgpack.encode(plain)
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise HeldError("malformed") from error
    # Bytes, dates and the like become text on the way; text that was none does not come out as what went in.
    if not _finite(plain) or read != what:
        raise HeldError("malformed")
    return read


def _sound_members(members: Iterable[object]) -> tuple[PictureTrack, ...]:
    if not isinstance(members, tuple) or any(type(member) is not PictureTrack for member in members):
        raise HeldError("malformed")
    return tuple(_sound(member) for member in members)


def _sound_names(names: Iterable[object]) -> tuple[str, ...]:
    if not isinstance(names, tuple) or not all(isinstance(name, str) for name in names):
        raise HeldError("malformed")
    return tuple(str(name) for name in names)


def _sound_sums(clips: Iterable[object]) -> tuple[str, ...]:
    """The sums; a path or a camera's name is none."""
    names = _sound_names(clips)
    if len(names) > _MOST_CLIPS or not all(_SUM.fullmatch(name) for name in names):
        raise HeldError("malformed")
    return names


def _finite(value: object) -> bool:
    """Whether no number anywhere in plain values is infinite or none at all."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    return all(map(_finite, value)) if isinstance(value, list | tuple) else True


def _read_track(track: PictureTrack, offered: Offered) -> Known:
    return Known(
        item="track", subject_id=track.track_id, time_ns=track.time_ns, origins=_origins(offered, [track]),
        exercise=offered.exercise, position=track.ground.position, covariance=track.ground.covariance, kind=track.kind,
        counted=track.count, standing=track.standing, believed=track.status != "tentative",
        seen=track.status == "confirmed", what=track,
    )  # fmt: skip


def _read_group(group: PictureGroup, offered: Offered) -> Known:
    members = offered.members
    if not group.members or {*group.members} != {member.track_id for member in members}:
        raise HeldError("members_missing")
    standings = {group.standing, *(member.standing for member in members)}
    return Known(
        item="group", subject_id=group.group_id, time_ns=group.time_ns, origins=_origins(offered, members),
        exercise=offered.exercise, position=group.ground.position, covariance=group.ground.covariance, kind=group.kind,
        counted=group.count,
        standing="own" if "own" in standings else "declared" if "declared" in standings else "unknown",
        believed=any(member.status != "tentative" for member in members),
        seen=any(member.status == "confirmed" for member in members), what=group,
    )  # fmt: skip


def _read_alarm(alarm: Alarm, offered: Offered) -> Known:
    if not alarm.met:
        raise HeldError("malformed")
    met = alarm.met[-1]
    return Known(
        item="alarm", subject_id=alarm.alarm_id, time_ns=alarm.raised_ns, origins=_origins(offered, ()),
        exercise=offered.exercise, **_placed(alarm.seen.ground), kind=alarm.kind, counted=alarm.count,
        about_us=alarm.about != "object" or not {each.rule for each in alarm.met} <= OBJECT_RULES,
        over=alarm.state == "closed", priority=alarm.priority, rule=met.rule, direction=_direction(met.direction),
        what=alarm, clips=offered.clips,
    )  # fmt: skip


def _read_alert(alert: Alert, offered: Offered) -> Known:
    return Known(
        item="alarm", subject_id=alert.alert_id, time_ns=alert.time_ns, origins=_origins(offered, ()),
        exercise=offered.exercise, **_placed(alert.ground), kind=alert.kind, counted=alert.count,
        about_us=alert.about != "object" or alert.rule not in OBJECT_RULES, priority=alert.priority, rule=alert.rule,
        direction=_direction(alert.direction), what=alert, clips=offered.clips,
    )  # fmt: skip


def _read_incident(incident: Incident, offered: Offered) -> Known:
    return Known(
        item="incident", subject_id=incident.incident_id, time_ns=incident.changed_ns, origins=_origins(offered, ()),
        exercise=offered.exercise or incident.exercise, position=incident.position, counted=incident.expected,
        over=incident.state == "closed", what=incident,
    )  # fmt: skip


def _read_patrol(patrol: PatrolCorridor, offered: Offered) -> Known:
    return Known(
        item="patrol", subject_id=patrol.patrol_id, time_ns=patrol.time_ns, origins=_origins(offered, ()),
        exercise=offered.exercise, points=patrol.points, what=patrol,
    )  # fmt: skip


def _read_sighting(sighting: Sighting, offered: Offered) -> Known:
    variance = sighting.sigma_m**2
    return Known(
        item="sighting", subject_id=sighting.sighting_id, time_ns=sighting.seen_ns, origins=_origins(offered, ()),
        exercise=offered.exercise, position=sighting.position,
        covariance=GroundCovariance(east_m2=variance, east_north_m2=0.0, north_m2=variance), kind=sighting.kind,
        counted=sighting.count, what=sighting,
    )  # fmt: skip


def _read_post(post: PostWatch, offered: Offered) -> Known:
    return Known(
        item="post", subject_id=post.post_id, time_ns=post.time_ns, origins=_origins(offered, ()),
        exercise=offered.exercise, what=post,
    )  # fmt: skip


def _origins(offered: Offered, tracks: Iterable[PictureTrack]) -> frozenset[str]:
    """Everybody whom any part of it came from. What came from nobody anybody knows of has none."""
    found = {*offered.origins}
    for track in tracks:
        found |= {track.origin, *(each.origin for each in track.contributors)}
    return frozenset(found if offered.origins else ())


def _direction(text: str) -> Literal["inward", "outward"] | None:
    if text not in {"inward", "outward", ""}:
        raise HeldError("malformed")
    return "inward" if text == "inward" else "outward" if text == "outward" else None


def _placed(ground: GroundState | None) -> dict[str, Any]:
    return {} if ground is None else {"position": ground.position, "covariance": ground.covariance}


_READERS: Mapping[type, Callable[[Any, Offered], Known]] = {
    PictureTrack: _read_track,
    PictureGroup: _read_group,
    Alarm: _read_alarm,
    Alert: _read_alert,
    Incident: _read_incident,
    PatrolCorridor: _read_patrol,
    Sighting: _read_sighting,
    PostWatch: _read_post,
}

_NAMES: Mapping[type, str] = {
    PictureTrack: "track_id",
    PictureGroup: "group_id",
    Alarm: "alarm_id",
    Alert: "alert_id",
    Incident: "incident_id",
    PatrolCorridor: "patrol_id",
    Sighting: "sighting_id",
    PostWatch: "post_id",
}
