"""The rules of the one picture: who comes near a line, stays there, is at a fence, is many, drives by night, is across.

Held against them is every group of the picture and every track in none that is believed, of unknown standing, and of a
kind that alarms; what is not known is handled as a person. A rule is met at its threshold and over once clearly short
of it, and for a while; in between nothing changes, so that nobody flaps. While it is met it is raised again only where
it is worse.

Crossings are told from the believed positions of the tracks as `respond.alerting` tells them from a camera's: a change
from surely on one side to surely on the other, on a way that meets the line.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import site_origin
from marsad.geo.sun import sun_position
from marsad.kernel.alert import Alert, Crossed, Facts, Priority, Rule
from marsad.kernel.error import InputError
from marsad.kernel.picture import LineApproach, Picture, PictureGroup, PictureTrack
from marsad.kernel.position import GroundState
from marsad.kernel.site import Line, Rules, Site
from marsad.kernel.track import Count
from marsad.respond.alarm import LEVEL, News, subject_of
from marsad.respond.alerting import ALARMING, MOVED_SIGMAS
from marsad.respond.path import (
    NODES,
    Path,
    Place,
    at,
    corners_of,
    gaussian_nodes,
    normal_cdf,
    variance_along,
    within,
)
from marsad.respond.subject import Subject, subjects_of
from marsad.respond.telling import NS, Telling

SURE: Final = 0.9
"""The probability of being across or inside from which something is held to be there."""
SURE_SOON: Final = 0.75
"""The probability of a crossing from which one that comes soon is urgent."""
DECIDE_S: Final = 6.0
"""How long after it was first believed something may still be told, and be found to go with others."""
LATER_S: Final = 10.0
"""The same for what is not urgent; a line crossed waits for neither."""
DOUBTFUL: Final = 0.5
"""Below this probability that there is anything at all every alert is low."""
LINGER_S: Final = 30.0
"""A condition is over once it has been clearly short of its threshold for so long."""
PARTED_S: Final = 10.0
"""Who has parted from a group is told apart from it after so long: until then the group's own alarm stands for both."""
FORGET_S: Final = 120.0
SAMPLES: Final = 30
"""How many places of a stay are kept."""

_UP: Final[Mapping[Priority, Priority]] = MappingProxyType({"low": "medium", "medium": "high", "high": "high"})
_URGENCY: Final[Mapping[tuple[str, bool], Priority]] = MappingProxyType(
    {("inward", True): "high", ("inward", False): "medium", ("outward", True): "medium", ("outward", False): "low"}
)
"""What an approach is worth, by its direction and whether it is soon."""

Direction = Literal["inward", "outward", ""]
Key = tuple[Rule, str, Direction]


class Reading(NamedTuple):
    """How one rule stands for one subject now: met, over (`clear`), or neither, which changes nothing."""

    key: Key
    priority: Priority
    met: bool
    clear: bool = False
    since_ns: int | None = None


class _Side:
    """On which side of a line a track was last surely, and since when it is past it."""

    __slots__ = ("crossed", "noise2", "place", "side")

    def __init__(self) -> None:
        self.side = 0
        self.noise2 = 0.0
        self.place: Place = (0.0, 0.0)
        self.crossed: Crossed | None = None


class _Condition:
    """A rule that a subject has met: whether it still holds, and the worst that was told of it."""

    __slots__ = ("clear_ns", "level", "most", "stands")

    def __init__(self) -> None:
        self.stands = False
        self.level = 0
        self.most = 0
        self.clear_ns: int | None = None


class _Known:
    """What is remembered of one subject."""

    __slots__ = ("conditions", "crossed", "present_ns", "since_ns", "stay", "stays")

    def __init__(self) -> None:
        self.since_ns = 0
        self.conditions: dict[Key, _Condition] = {}
        self.crossed: dict[str, Crossed] = {}
        self.present_ns = 0
        self.stay: deque[tuple[int, float, float]] = deque(maxlen=SAMPLES + 1)
        self.stays: Reading | None = None


class StandingWatch:
    """Raises an alert when something in the picture meets a rule; the same pictures always raise the same alerts."""

    def __init__(self, site: Site) -> None:
        """Raises: InputError for a site that lies nowhere."""
        origin = site_origin(site)
        if origin is None:
            raise InputError("the picture's rules need a site with an origin or a camera with a pose")
        frame = EnuFrame(origin)
        self.rules: Rules = site.rules
        self.telling = Telling(site, frame)
        self._origin = origin
        self._lines = [(line, Path(corners_of(frame, line.points), closed=False)) for line in site.lines]
        self._zones = [(zone.id, Path(corners_of(frame, zone.points), closed=True)) for zone in site.zones]
        self._fences = [(fence.id, Path(corners_of(frame, fence.points), closed=False)) for fence in site.fences]
        self._nodes = gaussian_nodes(NODES)
        self._sides: dict[str, dict[str, _Side]] = {}
        self._judged: dict[str, int] = {}
        self._known: dict[str, _Known] = {}
        self._grouped: dict[str, int] = {}
        self._updated_ns = 0
        self._over: frozenset[str] = frozenset()
        self._news: dict[str, News] = {}

    @property
    def over(self) -> frozenset[str]:
        """The subjects of the newest picture that have met rules, none of which holds any more."""
        return self._over

    @property
    def news(self) -> Mapping[str, News]:
        """What is known now of each subject of the newest picture for which a rule holds."""
        return MappingProxyType(self._news)

    def update(
        self, picture: Picture, now_ns: int, *, night: bool | None = None, raised: Sequence[Alert] = ()
    ) -> list[Alert]:
        """The alerts that this picture raises; `raised` are those that cameras' own alerting raised since the last.

        What these said is not raised again. Whether it is night is told from the sun where it is not given.
        """
        dark = self.is_night(now_ns) if night is None else night
        self._follow(picture.tracks)
        subjects = subjects_of(picture)
        self._meet(subjects, now_ns)
        self._take(raised, picture, {subject.subject_id for subject in subjects})
        self._news = {}
        alerts: list[Alert] = []
        for subject in subjects:
            alerts += self._hold(subject, self._known[subject.subject_id], dark, now_ns)
        self._over = frozenset(
            subject.subject_id for subject in subjects if _is_over(self._known[subject.subject_id].conditions)
        )
        self._forget(picture, now_ns)
        self._updated_ns = now_ns
        return alerts

    def is_night(self, now_ns: int) -> bool:
        """Whether the sun is below the elevation from which the site has night."""
        _, elevation = sun_position(now_ns / NS, self._origin.latitude_deg, self._origin.longitude_deg)
        return math.degrees(float(elevation)) < self.rules.night_sun_deg

    def _meet(self, subjects: Sequence[Subject], now_ns: int) -> None:
        """Know every subject; one that comes back is told anew, for the alarm it had may have gone another way."""
        for subject in subjects:
            known = self._known.setdefault(subject.subject_id, _Known())
            if known.present_ns != self._updated_ns or not known.since_ns:
                known.conditions.clear()
                known.since_ns = now_ns
            known.present_ns = now_ns
            if isinstance(subject.whole, PictureGroup):
                self._grouped |= dict.fromkeys(subject.whole.members, now_ns)

    def _take(self, raised: Sequence[Alert], picture: Picture, ids: set[str]) -> None:
        """Note what cameras' own alerting has raised of subjects of the picture."""
        for alert in raised:
            name = subject_of(alert, picture)
            if name not in ids:
                continue
            known = self._known[name]
            direction = _direction(alert.direction)
            condition = known.conditions.setdefault((alert.rule, alert.rule_id, direction), _Condition())
            condition.stands, condition.clear_ns = True, None
            condition.level = max(condition.level, LEVEL[alert.priority])
            condition.most = max(condition.most, _most(alert.count))
            if alert.rule == "line_crossing" and direction:
                known.crossed[alert.rule_id] = Crossed(
                    line_id=alert.rule_id, direction=direction, time_ns=alert.time_ns
                )
                known.conditions.pop((alert.rule, alert.rule_id, _other(direction)), None)

    def _hold(self, subject: Subject, known: _Known, dark: bool, now_ns: int) -> list[Alert]:
        """Hold one subject against all rules."""
        if subject.whole.standing != "unknown":
            known.conditions = {key: _Condition() for key in known.conditions}
            return []
        if subject.confirmed_ns is None or subject.kind not in ALARMING:
            return []
        crossed = self._crossed(subject, known)
        readings = {
            reading.key: reading
            for reading in self._readings(subject, known, crossed, dark)
            if reading.key[0] not in self.rules.off
        }
        age_s, parted_ns = _age_s(subject), self._parted_ns(subject, known, now_ns)
        raised = [
            reading
            for reading in readings.values()
            if _is_due(reading, age_s, parted_ns) and _is_raised(known, reading, subject.count, now_ns)
        ]
        for key, condition in known.conditions.items():
            if key not in readings and key[0] != "confirmed_track":
                _clear(condition, now_ns)
        standing = [key for key, condition in known.conditions.items() if condition.stands]
        if not standing:
            return []
        facts = self.telling.facts(
            subject, _gravest(crossed.values()), least_probability=self.rules.approach_probability
        )
        self._tell(subject, known, readings, facts, now_ns)
        return [self._alert(subject, reading, facts, now_ns) for reading in raised]

    def _parted_ns(self, subject: Subject, known: _Known, now_ns: int) -> int | None:
        """When a subject left a group that is still known, None where that is long ago or was never so."""
        whole = subject.whole
        if isinstance(whole, PictureGroup):
            parted_ns = known.since_ns if whole.parted_from in self._known else 0
        else:
            parted_ns = self._grouped.get(whole.track_id, 0)
        return parted_ns if parted_ns and now_ns - parted_ns < PARTED_S * NS else None

    def _tell(
        self, subject: Subject, known: _Known, readings: Mapping[Key, Reading], facts: Facts, now_ns: int
    ) -> None:
        """Note what is known of a subject for which a rule holds, said by its gravest rule."""
        standing = ((condition.level, key) for key, condition in known.conditions.items() if condition.stands)
        _, key = max(standing)
        since_ns = readings[key].since_ns if key in readings else None
        facts = msgspec.structs.replace(facts, since_ns=since_ns)
        text = self.telling.sentence(subject.kind, subject.count, facts, key[0], key[1], now_ns)
        self._news[subject.subject_id] = News(facts=facts, text=text, kind=subject.kind, count=subject.count)

    def _alert(self, subject: Subject, reading: Reading, facts: Facts, now_ns: int) -> Alert:
        rule, rule_id, direction = reading.key
        facts = msgspec.structs.replace(facts, since_ns=reading.since_ns)
        return Alert(
            alert_id=f"{subject.subject_id}-{rule}-{rule_id}-{now_ns}",
            rule=rule,
            rule_id=rule_id,
            priority="low" if subject.existence < DOUBTFUL else reading.priority,
            time_ns=max(subject.seen_ns, 0),
            text=self.telling.sentence(subject.kind, subject.count, facts, rule, rule_id, now_ns),
            kind=subject.kind,
            direction=direction,
            ground=subject.whole.ground,
            count=subject.count,
            subject_id=subject.subject_id,
            facts=facts,
        )

    def _readings(
        self, subject: Subject, known: _Known, crossed: Mapping[str, Crossed], dark: bool
    ) -> Iterator[Reading]:
        """How every rule stands for a subject."""
        for line, _ in self._lines:
            past = crossed.get(line.id)
            if past is not None and line.alert in {"both", past.direction}:
                priority: Priority = "high" if past.direction == "inward" else "medium"
                yield Reading(("line_crossing", line.id, past.direction), priority, met=True, since_ns=past.time_ns)
        yield from self._inside(subject)
        yield from self._at_fence(subject)
        yield from self._approaching(subject, crossed)
        yield from self._loitering(subject, known)
        yield from self._many(subject, crossed)
        if subject.kind == "vehicle":
            yield Reading(("night_vehicle", "night_vehicle", ""), "medium", met=dark, clear=not dark)

    def _inside(self, subject: Subject) -> Iterator[Reading]:
        for zone_id, path in self._zones:
            near = [track for track in subject.members if _may_be_at(path, track, 0.0)]
            probability = max((self._within(path, track) for track in near), default=0.0)
            if probability <= 0.0:
                continue
            yield Reading(("zone_intrusion", zone_id, ""), "high", probability >= SURE, probability <= 0.5)

    def _at_fence(self, subject: Subject) -> Iterator[Reading]:
        enough = self.rules.fence_probability
        for fence_id, path in self._fences:
            near = [track for track in subject.members if _may_be_at(path, track, self.rules.fence_m)]
            probability = max((self._at(path, track) for track in near), default=0.0)
            if probability <= 0.0:
                continue
            clear = probability < enough * (1 - self.rules.clear)
            yield Reading(("fence_contact", fence_id, ""), "high", probability >= enough, clear)

    def _approaching(self, subject: Subject, crossed: Mapping[str, Crossed]) -> Iterator[Reading]:
        lines = {line.id: line for line, _ in self._lines}
        for approach in subject.whole.approaches:
            line, past = lines.get(approach.line_id), crossed.get(approach.line_id)
            if line is None or line.alert not in {"both", approach.direction}:
                continue
            if past is not None and past.direction == approach.direction:
                continue
            yield self._approach(approach, self._is_many(subject.count))

    def _approach(self, approach: LineApproach, many: bool) -> Reading:
        r = self.rules
        soon = approach.seconds <= r.soon_s and approach.probability >= max(SURE_SOON, r.approach_probability)
        priority = _URGENCY[approach.direction, soon]
        met = approach.probability >= r.approach_probability and approach.seconds <= r.approach_s
        clear = approach.probability < r.approach_probability * (1 - r.clear) or approach.seconds > r.approach_s * (
            1 + r.clear
        )
        key: Key = ("approach", approach.line_id, approach.direction)
        return Reading(key, _UP[priority] if many else priority, met, clear)

    def _loitering(self, subject: Subject, known: _Known) -> Iterator[Reading]:
        """Staying about one place, as far as the places of the last while tell."""
        r = self.rules
        ground, stay = subject.whole.ground, known.stay
        if not stay or subject.seen_ns - stay[-1][0] >= r.loiter_s * NS / SAMPLES:
            stay.append((subject.seen_ns, ground.east_m, ground.north_m))
            while subject.seen_ns - stay[0][0] > r.loiter_s * (1 + 2 / SAMPLES) * NS:
                stay.popleft()
            known.stays = self._stays(stay)
        if known.stays is not None:
            yield known.stays

    def _stays(self, stay: Sequence[tuple[int, float, float]]) -> Reading | None:
        """How loitering stands after these places, None where they are near no line or zone."""
        r = self.rules
        beside = self._beside((stay[-1][1], stay[-1][2]))
        if beside is None:
            return None
        places = np.array([place[1:] for place in stay])
        radius_m = float(np.hypot(*(places - places.mean(axis=0)).T).max())
        long_enough = stay[-1][0] - stay[0][0] >= r.loiter_s * (1 - 2 / SAMPLES) * NS
        clear = radius_m > r.loiter_m * (1 + r.clear)
        met = long_enough and radius_m <= r.loiter_m
        return Reading(("loitering", beside, ""), "medium", met, clear, since_ns=stay[0][0])

    def _beside(self, place: Place) -> str | None:
        """The line or zone near which a stay counts, None where there is none near enough."""
        paths = [(line.id, path) for line, path in self._lines] + self._zones
        near = [(path.distance_m(place), name) for name, path in paths]
        apart_m, name = min(near, default=(math.inf, ""))
        return name if apart_m <= self.rules.loiter_band_m else None

    def _many(self, subject: Subject, crossed: Mapping[str, Crossed]) -> Iterator[Reading]:
        count, r = subject.count, self.rules
        if count is None:
            return
        coming = any(
            approach.direction == "inward" and approach.probability >= r.approach_probability
            for approach in subject.whole.approaches
        )
        across = any(past.direction == "inward" for past in crossed.values())
        yield Reading(
            ("group_size", "group_size", ""), "high" if coming or across else "medium",
            self._is_many(count), count.best < r.group_size * (1 - r.clear),
        )  # fmt: skip

    def _is_many(self, count: Count | None) -> bool:
        return count is not None and count.low >= self.rules.group_size

    def _within(self, path: Path, track: PictureTrack) -> float:
        """The probability of a track being in a zone, over all places where it may be."""
        return sum(share * within(path, _place(g), g.covariance, self._nodes) for share, g in _places(track))

    def _at(self, path: Path, track: PictureTrack) -> float:
        """The probability of a track being at a fence, over all places where it may be."""
        near_m = self.rules.fence_m
        return sum(share * at(path, _place(g), g.covariance, self._nodes, near_m) for share, g in _places(track))

    def _follow(self, tracks: Sequence[PictureTrack]) -> None:
        """Keep on which side of every line each track is; what was not seen anew has gone nowhere."""
        for track in tracks:
            if track.confirmed_ns is None or track.status == "lost":
                continue
            sides = self._sides.get(track.track_id)
            if sides is None:
                known = next((self._sides[name] for name in track.formerly if name in self._sides), {})
                sides = self._sides[track.track_id] = known
            if self._judged.get(track.track_id) == track.seen_ns:
                continue
            self._judged[track.track_id] = track.seen_ns
            for line, path in self._lines:
                _cross(track, line, path, sides.setdefault(line.id, _Side()))

    def _crossed(self, subject: Subject, known: _Known) -> dict[str, Crossed]:
        """The lines that a subject is past, the latest crossing of each: its members' own, or told by a camera."""
        found = dict(known.crossed)
        for track in subject.members:
            for line_id, side in self._sides.get(track.track_id, {}).items():
                before = found.get(line_id)
                if side.crossed is not None and (before is None or _is_later(side.crossed, before)):
                    found[line_id] = side.crossed
        return found

    def _forget(self, picture: Picture, now_ns: int) -> None:
        there = {track.track_id for track in picture.tracks}
        self._sides = {name: sides for name, sides in self._sides.items() if name in there}
        self._judged = {name: seen_ns for name, seen_ns in self._judged.items() if name in there}
        self._grouped = {name: left_ns for name, left_ns in self._grouped.items() if name in there}
        gone = [name for name, known in self._known.items() if now_ns - known.present_ns > FORGET_S * NS]
        for name in gone:
            del self._known[name]


def _cross(track: PictureTrack, line: Line, path: Path, held: _Side) -> None:
    """Take in where a track is beside a line, and whether it is past it now."""
    place = _place(track.ground)
    _, normal = path.nearest(place)
    probability = sum(share * _inside(path, line, ground) for share, ground in _places(track))
    side = 1 if probability >= SURE else -1 if probability <= 1 - SURE else 0
    if side == 0:
        return
    noise = track.own_covariance or track.ground.covariance
    noise2 = variance_along(noise.east_m2, noise.east_north_m2, noise.north_m2, normal)
    if held.side == -side:
        moved_m = abs((place[0] - held.place[0]) * normal[0] + (place[1] - held.place[1]) * normal[1])
        if moved_m < MOVED_SIGMAS * math.sqrt(noise2 + held.noise2):
            return
        slack_m = math.inf if path.closed else 2 * math.sqrt(noise2)
        if path.met_by(held.place, place, slack_m):
            direction: Literal["inward", "outward"] = "inward" if side > 0 else "outward"
            held.crossed = Crossed(line_id=line.id, direction=direction, time_ns=track.seen_ns)
    held.side, held.place, held.noise2 = side, place, noise2


def _inside(path: Path, line: Line, ground: GroundState) -> float:
    """The probability of being on a line's inner side."""
    right_m, normal = path.nearest(_place(ground))
    c = ground.covariance
    sigma_m = math.sqrt(variance_along(c.east_m2, c.east_north_m2, c.north_m2, normal) + line.band_m**2 / 3)
    return normal_cdf((right_m if line.inside == "right" else -right_m) / max(sigma_m, 1e-6))


def _places(track: PictureTrack) -> list[tuple[float, GroundState]]:
    """Every place where a track may be, with its probability."""
    total = sum(each.probability for each in track.likely)
    if total <= 0:
        return [(1.0, track.ground)]
    return [(each.probability / total, each.ground) for each in track.likely]


def _may_be_at(path: Path, track: PictureTrack, near_m: float) -> bool:
    """Whether a track may be inside or at a path at all: the mean's covariance holds every place where it may be."""
    c = track.ground.covariance
    return path.is_near(_place(track.ground), near_m + 5 * math.sqrt(c.east_m2 + c.north_m2))


def _place(ground: GroundState) -> Place:
    return ground.east_m, ground.north_m


def _is_later(one: Crossed, two: Crossed) -> bool:
    """Whether one crossing is to be told rather than another: the later, or of the same direction the earlier."""
    return one.time_ns < two.time_ns if one.direction == two.direction else one.time_ns > two.time_ns


def _gravest(crossed: Iterable[Crossed]) -> Crossed | None:
    """The crossing to be told: inward rather than outward, the latest of several."""
    return max(crossed, key=lambda past: (past.direction == "inward", past.time_ns), default=None)


def _age_s(subject: Subject) -> float:
    """For how long a subject has been believed."""
    return 0.0 if subject.confirmed_ns is None else (subject.whole.time_ns - subject.confirmed_ns) / NS


def _is_due(reading: Reading, age_s: float, parted_ns: int | None) -> bool:
    """Whether a reading is looked at now: a line crossed waits for nothing, unless its group had crossed it."""
    if reading.key[0] == "line_crossing":
        return parted_ns is None or (reading.since_ns or 0) > parted_ns
    return parted_ns is None and age_s >= (DECIDE_S if reading.priority == "high" else LATER_S)


def _is_raised(known: _Known, reading: Reading, count: Count | None, now_ns: int) -> bool:
    """Whether a reading is told: met anew, or worse than what was told."""
    condition = known.conditions.get(reading.key)
    if not reading.met:
        if condition is not None and reading.clear:
            _clear(condition, now_ns)
        elif condition is not None:
            condition.clear_ns = None
        return False
    if condition is None:
        condition = known.conditions[reading.key] = _Condition()
    level, least = LEVEL[reading.priority], 1 if count is None else count.low
    told = condition.stands and level <= condition.level and least <= condition.most
    condition.stands, condition.clear_ns = True, None
    if not told:
        condition.level, condition.most = max(condition.level, level), max(condition.most, _most(count))
    return not told


def _clear(condition: _Condition, now_ns: int) -> None:
    """A condition that has been clear for long enough is over, and what was told of it is forgotten."""
    if condition.clear_ns is None:
        condition.clear_ns = now_ns
    if now_ns - condition.clear_ns >= LINGER_S * NS:
        condition.stands, condition.level, condition.most = False, 0, 0


def _is_over(conditions: Mapping[Key, _Condition]) -> bool:
    return bool(conditions) and not any(condition.stands for condition in conditions.values())


def _most(count: Count | None) -> int:
    return 1 if count is None else count.best


def _direction(said: str) -> Direction:
    return "inward" if said == "inward" else "outward" if said == "outward" else ""


def _other(direction: Direction) -> Direction:
    return "outward" if direction == "inward" else "inward"
