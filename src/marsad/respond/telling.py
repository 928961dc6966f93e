"""What is known of something, as facts that any language can say, and as an English sentence made of the same facts."""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.alert import Crossed, Facts, PlaceKind, PlaceWord, Rule
from marsad.kernel.picture import LineApproach
from marsad.kernel.position import Position
from marsad.kernel.site import Camera, Fence, Line, Post, Site, Zone
from marsad.kernel.track import Count, Kind
from marsad.respond.path import Path, Place, corners_of
from marsad.respond.subject import Subject

NS: Final = 1_000_000_000
LEAST_SPEED_M_S: Final = 0.3
_WAYS: Final = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
_WHO: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "person": "Person, on foot",
        "group": "Group, on foot",
        "vehicle": "Vehicle",
        "unknown": "Unknown, perhaps a person",
        "animal": "Animal",
        "flying": "Flying object",
        "vegetation": "Vegetation",
    }
)
_GOES: Final[Mapping[Kind, str]] = MappingProxyType({"person": "walking", "group": "walking", "vehicle": "driving"})


class Words(NamedTuple):
    """What people call the things of a site, by their ids."""

    names: Mapping[str, str]

    def of(self, thing_id: str) -> str:
        """The name of a thing, or its id where it has none."""
        return self.names.get(thing_id) or thing_id


def words_of(site: Site) -> Words:
    """What people call the things of a site."""
    things: tuple[Camera | Post | Line | Zone | Fence, ...] = (
        *site.cameras, *site.posts, *site.lines, *site.zones, *site.fences,
    )  # fmt: skip
    return Words({each.id: each.name for each in things} | {each.patrol_id: each.name for each in site.patrols})


class Telling:
    """Tells where things of the picture are and what they do, by the places of a site."""

    def __init__(self, site: Site, frame: EnuFrame) -> None:
        self.words = words_of(site)
        self._cameras = frozenset(camera.id for camera in site.cameras)
        self._points = _posts(site, frame) or _towers(site, frame)
        self._lines = [(line, Path(corners_of(frame, line.points), closed=False)) for line in site.lines]

    def facts(self, subject: Subject, crossed: Crossed | None = None, *, least_probability: float = 0.5) -> Facts:
        """What is known of a subject of the picture; an approach is told from that probability on."""
        whole = subject.whole
        here = whole.ground.east_m, whole.ground.north_m
        sources = sorted({each.source_id for each in subject.contributors})
        likely = (each for each in whole.approaches if each.probability >= least_probability)
        return Facts(
            time_ns=whole.time_ns,
            near=self._near(here),
            line=self._line(here),
            heading_rad=whole.heading_rad,
            speed_m_s=whole.speed_m_s,
            approach=min(likely, key=lambda each: each.seconds, default=None),
            crossed=crossed,
            camera_ids=tuple(each for each in sources if each in self._cameras),
            reporter_ids=tuple(each for each in sources if each not in self._cameras),
        )

    def _near(self, here: Place) -> PlaceWord | None:
        """The nearest post, or, where there is none, the nearest camera."""
        nearest = min(self._points, key=lambda each: math.dist(each[2], here), default=None)
        if nearest is None:
            return None
        of, thing_id, place = nearest
        return _word(of, thing_id, self.words, place, here)

    def _line(self, here: Place) -> PlaceWord | None:
        nearest = min(self._lines, key=lambda each: each[1].distance_m(here), default=None)
        if nearest is None:
            return None
        line, path = nearest
        right_m, _ = path.nearest(here)
        inside = (right_m > 0) == (line.inside == "right")
        return _word("line", line.id, self.words, path.foot(here), here, inside)

    def sentence(self, kind: Kind, count: Count | None, facts: Facts, rule: Rule, rule_id: str, now_ns: int) -> str:
        """What an officer would say of it."""
        parts = [who(kind, count)]
        if facts.near is not None:
            parts.append(where(facts.near))
        parts += [part for part in (_motion(kind, facts), self._deed(facts, rule, rule_id, now_ns)) if part]
        return f"{', '.join(parts)}.{self._sources(facts)}"

    def _deed(self, facts: Facts, rule: Rule, rule_id: str, now_ns: int) -> str:
        named = self.words.of(rule_id)
        if rule == "line_crossing" and facts.crossed is not None:
            return _past(facts.crossed, self.words, now_ns)
        deed = {
            "zone_intrusion": f"inside {named}",
            "fence_contact": f"at {named}",
            "loitering": f"staying near {named}{_for(facts.since_ns, now_ns)}",
            "night_vehicle": "by night",
        }.get(rule, "")
        along = _toward(facts.approach, self.words)
        if facts.crossed is not None:
            along = _past(facts.crossed, self.words, now_ns)
        return ", ".join(part for part in (deed, along) if part)

    def _sources(self, facts: Facts) -> str:
        said = ""
        if facts.camera_ids:
            said += f" Seen by {self._listed(facts.camera_ids)}."
        if facts.reporter_ids:
            said += f" Reported by {self._listed(facts.reporter_ids)}."
        return said

    def _listed(self, ids: Iterable[str]) -> str:
        return ", ".join(self.words.of(each) for each in ids)


def who(kind: Kind, count: Count | None) -> str:
    """Who it is, as one says it: "Group of 4 (3-5), on foot"."""
    if count is None or kind not in {"person", "group", "unknown"} or count.high < 2:
        return _WHO[kind]
    spread = "" if count.low == count.high else f" ({count.low}-{count.high})"
    return f"Group of {count.best}{spread}, on foot"


def where(word: PlaceWord) -> str:
    """Where it is, as one says it: "1.2 km north of Post 3"."""
    return f"{distance(word.distance_m)} {compass(word.bearing_rad)} of {word.name or word.id}"


def compass(angle_rad: float) -> str:
    """The nearest of eight directions, clockwise from north."""
    return _WAYS[round(angle_rad / (math.pi / 4)) % 8]


def distance(metres: float) -> str:
    """A distance to the precision that matters: "40 m", "350 m", "1.2 km"."""
    if metres < 995:
        step = 10 if metres >= 95 else 5
        return f"{max(round(metres / step) * step, step)} m"
    return f"{metres / 1000:.1f} km"


def duration(seconds: float) -> str:
    """A duration to the precision that matters: "40 s", "6 min", "2 h"."""
    if seconds < 90:
        return f"{max(round(seconds / 5) * 5, 0)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"


def _place(frame: EnuFrame, position: Position) -> Place:
    point = frame.point(position)
    return point.east_m, point.north_m


def _posts(site: Site, frame: EnuFrame) -> list[tuple[PlaceKind, str, Place]]:
    return [("post", post.id, _place(frame, post.position)) for post in site.posts]


def _towers(site: Site, frame: EnuFrame) -> list[tuple[PlaceKind, str, Place]]:
    """Cameras by where they stand."""
    posed = [(camera.id, camera.pose) for camera in site.cameras if camera.pose is not None]
    feet = (Position(latitude_deg=pose.latitude_deg, longitude_deg=pose.longitude_deg) for _, pose in posed)
    return [("camera", name, _place(frame, foot)) for (name, _), foot in zip(posed, feet, strict=True)]


def _word(
    of: PlaceKind, thing_id: str, words: Words, place: Place, here: Place, inside: bool | None = None
) -> PlaceWord:
    east, north = np.subtract(here, place).tolist()
    return PlaceWord(
        of=of,
        id=thing_id,
        name=words.names.get(thing_id, ""),
        distance_m=math.hypot(east, north),
        bearing_rad=math.atan2(east, north) % (2 * math.pi),
        inside=inside,
    )


def _motion(kind: Kind, facts: Facts) -> str:
    if facts.heading_rad is None or facts.speed_m_s is None or facts.speed_m_s < LEAST_SPEED_M_S:
        return ""
    return f"{_GOES.get(kind, 'moving')} {compass(facts.heading_rad)}"


def _toward(approach: LineApproach | None, words: Words) -> str:
    if approach is None:
        return ""
    return f"about {duration(approach.seconds)} from {words.of(approach.line_id)} ({approach.direction})"


def _past(crossed: Crossed, words: Words, now_ns: int) -> str:
    ago_s = (now_ns - crossed.time_ns) / NS
    way = "past" if crossed.direction == "inward" else "out over"
    named = words.of(crossed.line_id)
    return f"just now {way} {named}" if ago_s < 60 else f"{duration(ago_s)} {way} {named}"


def _for(since_ns: int | None, now_ns: int) -> str:
    return "" if since_ns is None else f" for {duration((now_ns - since_ns) / NS)}"
