"""Which tracks are worth an officer's look: lines crossed, zones entered, and, where there is no such rule, any track.

A position is a probability. Each located track is smoothed on the ground (constant velocity, its own covariance as the
noise of a measurement), which takes the jitter out; the whole covariance, which smoothing cannot shrink because pose
and terrain errors stay, then says how probable it is that the object is across. A crossing is a change from surely on
one side to surely on the other, on a way that meets the line.

Source: Bar-Shalom, Li and Kirubarajan, "Estimation with Applications to Tracking and Navigation" (2001), chapter 6.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from numba import njit

from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import site_origin
from marsad.kernel.alert import Alert, Priority, Rule
from marsad.kernel.detection import Box
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.record import Record
from marsad.kernel.site import Line, Site, Zone
from marsad.kernel.track import Kind, Track
from marsad.respond.path import (
    NODES,
    Array,
    Path,
    Place,
    corners_of,
    gaussian_nodes,
    half_axes,
    matrix_of,
    normal_cdf,
    variance_along,
    within,
)

Direction = Literal["inward", "outward", ""]

ALARMING: Final[frozenset[Kind]] = frozenset({"person", "group", "vehicle", "unknown"})
"""Kinds that raise alerts: what is not known is handled as a person."""

PRIORITIES: Final[Mapping[tuple[Rule, Direction], Priority]] = MappingProxyType(
    {
        ("line_crossing", "inward"): "high",
        ("line_crossing", "outward"): "medium",
        ("zone_intrusion", ""): "high",
        ("confirmed_track", ""): "medium",
    }
)
"""What a rule is worth for a track that is believed; below `AlertSettings.doubtful` every alert is low."""

NOUNS: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        "person": "Person, on foot",
        "group": "Group, on foot",
        "vehicle": "Vehicle",
        "animal": "Animal",
        "flying": "Flying object",
        "vegetation": "Vegetation",
        "unknown": "Unknown, perhaps a person",
    }
)

JUDGED_EVERY_NS = 80_000_000
"""A track is held against the rules so often at most: they are about seconds, and errors of a position last longer."""

WITHIN_SIGMAS = 2.45
"""The half axes of an ellipse that holds 95 % of a normal distribution in the plane, in sigmas."""
MOVED_SIGMAS = 3.5
"""A crossing is a way longer than this many sigmas of the noise left in both its ends."""
_HERD_SEEN_S = 10.0
_HERD_M = 12.0
_HERD_HEIGHTS = 8.0
"""With an animal seen so lately, and no more metres (or own heights, where metres are not known) across the line of
sight away, something may be of its herd."""
_UPRIGHT = 1.3
_LEAST_UPRIGHT_M = 0.9
_UPRIGHT_S = 1.0
"""What has for so long been taller than wide by this ratio, and as tall as that, may be somebody on foot."""
_ONWARD = 0.8
"""What goes somewhere gets on by more than this share of its way; a bush in the wind leaps to and fro."""
_FIRST_SPEED_M_S = 3.0


class AlertSettings(Record):
    """When a rule is met.

    `sure` is the probability of being across from which an object is held to be there, `mixed` the most that is
    believed of a position with several answers. The same rule and direction is not raised twice for a track within
    `again_s`, nor for another member of its group, unless it has parted from the group for `parted_s`. A track that
    cannot be located is raised after `unlocated_s`. One whose kind is not told with `sure_kind` is raised `decide_s`
    after it was first believed, or was last said to be harmless, so that its kind can be told first; where its size is
    known and the share is below `likely_kind`, the later the less it is, up to `doubt_s`; in the company of a herd,
    unless it is upright as somebody on foot, `herd_s` after, and `herd_doubt_s` where its kind is not told with
    `sure_kind`; a line crossed does not wait. What has less `confidence` than `left_behind`, and has not left the place
    where it was last said to be harmless, waits until it does. One whose position has had several answers for
    `mixed_s`, all the while most likely in a zone, is held to be in it: on far, flat ground positions may never be
    plain.
    In the first `settle_s` of a watch nobody knows yet what belongs to the scene, and stones on a swaying picture pass
    for movers: what is believed then is raised once it has left the place where it was, or after `stay_s`.
    `turn_m2_s3` is how restlessly objects change their velocity on the ground; a track of less `confidence` than
    `doubtful` is low.
    """

    sure: float = 0.9
    mixed: float = 0.85
    mixed_s: float = 2.0
    again_s: float = 30.0
    unlocated_s: float = 3.0
    parted_s: float = 3.0
    decide_s: float = 2.0
    likely_kind: float = 0.5
    doubt_s: float = 8.0
    herd_s: float = 10.0
    herd_doubt_s: float = 20.0
    sure_kind: float = 0.8
    left_behind: float = 0.1
    settle_s: float = 3.0
    stay_s: float = 8.0
    forget_s: float = 60.0
    turn_m2_s3: float = 0.3
    doubtful: float = 0.3


class _Motion:
    """A constant-velocity filter on the ground: east, north and their speeds."""

    def __init__(self, ground: GroundState, time_ns: int) -> None:
        self.time_ns = time_ns
        self.state = np.array([ground.east_m, ground.north_m, 0.0, 0.0])
        self.spread = np.diag([0.0, 0.0, _FIRST_SPEED_M_S**2, _FIRST_SPEED_M_S**2])
        self.spread[:2, :2] = matrix_of(ground.covariance)

    def update(self, ground: GroundState, time_ns: int, turn_m2_s3: float) -> None:
        """Move to a moment and take the position measured then, unless it has several answers."""
        _predict(self.state, self.spread, max(time_ns - self.time_ns, 0) / 1e9, turn_m2_s3)
        self.time_ns = time_ns
        if not ground.multimodal:
            c = ground.covariance
            _correct(self.state, self.spread, ground.east_m, ground.north_m, c.east_m2, c.east_north_m2, c.north_m2)

    @property
    def place(self) -> Place:
        """Where it is."""
        return float(self.state[0]), float(self.state[1])

    @property
    def noise(self) -> tuple[float, float, float]:
        """What noise is left in the place: variance east, covariance, variance north."""
        return float(self.spread[0, 0]), float(self.spread[0, 1]), float(self.spread[1, 1])


@njit(cache=True)
def _predict(state: Array, spread: Array, step: float, turn: float) -> None:
    for i in range(2):
        state[i] += step * state[i + 2]
    for j in range(4):
        for i in range(2):
            spread[i, j] += step * spread[i + 2, j]
    for i in range(4):
        for j in range(2):
            spread[i, j] += step * spread[i, j + 2]
    for i in range(2):
        spread[i, i] += turn * step**3 / 3
        spread[i, i + 2] += turn * step**2 / 2
        spread[i + 2, i] += turn * step**2 / 2
        spread[i + 2, i + 2] += turn * step


@njit(cache=True)
def _correct(
    state: Array, spread: Array, east: float, north: float, east2: float, east_north: float, north2: float
) -> None:
    a, b, d = spread[0, 0] + east2 + 1e-6, spread[0, 1] + east_north, spread[1, 1] + north2 + 1e-6
    inverse = 1 / (a * d - b * b)
    off_e, off_n = east - state[0], north - state[1]
    top = spread[:2].copy()
    for i in range(4):
        gain_e = (top[0, i] * d - top[1, i] * b) * inverse
        gain_n = (top[1, i] * a - top[0, i] * b) * inverse
        state[i] += gain_e * off_e + gain_n * off_n
        for j in range(4):
            spread[i, j] -= gain_e * top[0, j] + gain_n * top[1, j]


class _Held:
    """What is known of one track against one rule."""

    __slots__ = ("likely_ns", "noise2", "place", "side", "told_ns")

    def __init__(self) -> None:
        self.side = 0
        self.likely_ns: int | None = None
        self.noise2 = 0.0
        self.place: Place = (0.0, 0.0)
        self.told_ns: dict[Direction, int] = {}


class _Covered:
    """A rule that a track met, not raised for it because another member of its group had been."""

    __slots__ = ("group_id", "met", "parted_ns")

    def __init__(self, met: tuple[Rule, str, Direction], group_id: int | None) -> None:
        self.met = met
        self.group_id = group_id
        self.parted_ns: int | None = None


class _Followed:
    """What the alerting remembers of one track."""

    __slots__ = (
        "box",
        "covered",
        "first_ns",
        "harmless_at",
        "harmless_ns",
        "held",
        "judged_ns",
        "low_ns",
        "motion",
        "path_px",
        "pending",
        "raised",
        "seen_ns",
        "size_px",
        "step",
        "steps",
        "told",
    )

    def __init__(self, time_ns: int, box: Box) -> None:
        self.first_ns = time_ns
        self.box = box
        self.step = box.centre_px
        self.path_px = 0.0
        self.steps = 0
        self.size_px = max(box.w_px, box.h_px)
        self.seen_ns = time_ns
        self.judged_ns: int | None = None
        self.harmless_ns: int | None = None
        self.harmless_at: Place | None = None
        self.low_ns: int | None = None
        self.motion: _Motion | None = None
        self.held: dict[str, _Held] = {}
        self.pending: list[tuple[Rule, str, Direction]] = []
        self.covered: list[_Covered] = []
        self.raised: dict[str, int] = {}
        self.told = False

    def go(self, box: Box) -> None:
        """Add to its way in the picture, in steps of half its size: what is less may be a box that trembles."""
        self.size_px = max(self.size_px, box.w_px, box.h_px)
        step_px = math.dist(box.centre_px, self.step)
        if 2 * step_px >= self.size_px:
            self.path_px += step_px
            self.steps += 1
            self.step = box.centre_px


class Alerting:
    """Raises an alert when a track meets a rule; the same tracks and times always raise the same alerts."""

    def __init__(self, site: Site | None = None, settings: AlertSettings | None = None) -> None:
        self.settings = settings or AlertSettings()
        self._lines: list[tuple[Line, Path]] = []
        self._zones: list[tuple[Zone, Path]] = []
        self._posed: frozenset[str] = frozenset()
        self._tracks: dict[tuple[str, int], _Followed] = {}
        self._groups: dict[tuple[str, int, str, Direction], int] = {}
        self._animals: dict[tuple[str, int], tuple[int, Place]] = {}
        self._herds: list[tuple[str, int, Place]] = []
        self._nodes = gaussian_nodes(NODES)
        self._started_ns: int | None = None
        origin = None if site is None else site_origin(site)
        if site is not None and origin is not None:
            frame = EnuFrame(origin)
            self._lines = [(line, Path(corners_of(frame, line.points), closed=False)) for line in site.lines]
            self._zones = [(zone, Path(corners_of(frame, zone.points), closed=True)) for zone in site.zones]
            self._posed = frozenset(camera.id for camera in site.cameras if camera.pose is not None)

    def update(self, tracks: Sequence[Track], time_ns: int) -> list[Alert]:
        """The alerts that these tracks raise at this moment."""
        alerts: list[Alert] = []
        self._started_ns = time_ns if self._started_ns is None else self._started_ns
        for track in tracks:
            if track.status in {"standing", "lost"}:
                continue
            key = track.camera_id, track.track_id
            known = self._tracks.get(key)
            if known is None:
                known = self._tracks[key] = _Followed(track.time_ns, track.box)
            known.seen_ns = time_ns
            if track.status == "coasting":
                continue
            if known.judged_ns is not None and 0 <= track.time_ns - known.judged_ns < JUDGED_EVERY_NS:
                continue
            known.judged_ns = track.time_ns
            known.go(track.box)
            self._judge(track, known)
            if track.kind not in ALARMING:
                known.harmless_ns = track.time_ns
                known.harmless_at = track.box.centre_px
            if not _is_upright(track):
                known.low_ns = track.time_ns
            if track.kind == "animal":
                self._animals[track.camera_id, track.track_id] = track.time_ns, track.box.centre_px
            if track.status == "confirmed" and track.kind in ALARMING:
                alerts += self._raise(track, known)
        self._forget(time_ns)
        return alerts

    def _judge(self, track: Track, known: _Followed) -> None:
        """Add the rules that the track has met to those it is to be raised for."""
        if not self._has_rules(track):
            self._note_track(known)
            return
        if track.ground is not None:
            self._place(track, track.ground, known)
        elif known.motion is None and track.time_ns - track.first_ns >= self.settings.unlocated_s * 1e9:
            self._note_track(known)

    def _note_track(self, known: _Followed) -> None:
        if not known.told:
            known.pending.append(("confirmed_track", "confirmed_track", ""))
            known.told = True

    def _place(self, track: Track, ground: GroundState, known: _Followed) -> None:
        """Follow the track on the ground, and hold it against every line and zone."""
        if known.motion is None:
            known.motion = _Motion(ground, track.time_ns)
        else:
            known.motion.update(ground, track.time_ns, self.settings.turn_m2_s3)
        place = known.motion.place
        for line, path in self._lines:
            held = known.held.setdefault(f"line {line.id}", _Held())
            direction = self._crossed(line, path, held, known.motion, ground)
            if direction and line.alert in {"both", direction}:
                self._note("line_crossing", line.id, direction, held, track, known)
        for zone, path in self._zones:
            held = known.held.setdefault(f"zone {zone.id}", _Held())
            if self._entered(path, held, place, ground, track.time_ns):
                self._note("zone_intrusion", zone.id, "", held, track, known)

    def _has_rules(self, track: Track) -> bool:
        """Whether lines or zones can be told for the camera of a track."""
        return bool(self._lines or self._zones) and (track.camera_id in self._posed or track.ground is not None)

    def _crossed(self, line: Line, path: Path, held: _Held, motion: _Motion, ground: GroundState) -> Direction:
        """Which way the line was crossed just now, empty for neither."""
        place = motion.place
        right_m, normal = path.nearest(place)
        inside_m = right_m if line.inside == "right" else -right_m
        c = ground.covariance
        sigma = math.sqrt(variance_along(c.east_m2, c.east_north_m2, c.north_m2, normal) + line.band_m**2 / 3)
        side = self._side(self._believed(normal_cdf(inside_m / max(sigma, 1e-6)), ground))
        if side == 0:
            return ""
        noise2 = variance_along(*motion.noise, normal)
        if held.side == -side:
            moved_m = abs((place[0] - held.place[0]) * normal[0] + (place[1] - held.place[1]) * normal[1])
            # The same noise that puts someone surely across may have put them surely on the other side before.
            if moved_m < MOVED_SIGMAS * math.sqrt(noise2 + held.noise2):
                return ""
        before, from_place = held.side, held.place
        held.side, held.place, held.noise2 = side, place, noise2
        slack_m = math.inf if path.closed else 2 * sigma
        if before != -side or not path.met_by(from_place, place, slack_m):
            return ""
        return "inward" if side > 0 else "outward"

    def _entered(self, path: Path, held: _Held, place: Place, ground: GroundState, time_ns: int) -> bool:
        """Whether it is surely in the zone now, or has likely been for a while, and was not before."""
        within = self._within(path, place, ground.covariance)
        side = self._side(self._believed(within, ground))
        if within < self.settings.sure:
            held.likely_ns = None
        elif held.likely_ns is None:
            held.likely_ns = time_ns
        elif time_ns - held.likely_ns >= self.settings.mixed_s * 1e9:
            side = 1
        before = held.side
        held.side = side or before
        return side > 0 >= before

    def _side(self, inside: float) -> int:
        """1 surely inside, -1 surely outside, 0 neither."""
        if inside >= self.settings.sure:
            return 1
        return -1 if inside <= 1 - self.settings.sure else 0

    def _within(self, path: Path, place: Place, covariance: GroundCovariance) -> float:
        """The probability of being inside a closed path."""
        return within(path, place, covariance, self._nodes)

    def _believed(self, probability: float, ground: GroundState) -> float:
        """A probability, brought nearer to a half where the position has several answers."""
        if not ground.multimodal:
            return probability
        return min(max(probability, 1 - self.settings.mixed), self.settings.mixed)

    def _note(
        self, rule: Rule, rule_id: str, direction: Direction, held: _Held, track: Track, known: _Followed
    ) -> None:
        """Add a rule to those to be raised, unless the same was noted for this track just now."""
        last = held.told_ns.get(direction)
        if last is None or track.time_ns - last >= self.settings.again_s * 1e9:
            held.told_ns[direction] = track.time_ns
            known.pending.append((rule, rule_id, direction))

    def _raise(self, track: Track, known: _Followed) -> list[Alert]:
        pending, known.pending = known.pending + self._parted(track, known), []
        alerts = []
        for rule, rule_id, direction in pending:
            if rule != "line_crossing" and (self._undecided(track, known) or self._may_be_scene(track, known)):
                known.pending.append((rule, rule_id, direction))
                continue
            if rule != "confirmed_track" and self._told_of_group(track, rule_id, direction):
                known.covered.append(_Covered((rule, rule_id, direction), track.group_id))
                continue
            if self._is_of_herd(track, known):
                self._herds.append((track.camera_id, track.time_ns, track.box.centre_px))
            number = known.raised[rule_id] = known.raised.get(rule_id, 0) + 1
            alerts.append(self._alert(track, rule, rule_id, direction, number))
        return alerts

    def _undecided(self, track: Track, known: _Followed) -> bool:
        """Whether a track was believed, or held to be harmless, so lately that its kind may still be told."""
        since_ns = track.first_ns if track.confirmed_ns is None else track.confirmed_ns
        if known.harmless_ns is not None:
            since_ns = max(since_ns, known.harmless_ns)
        waited_s = (track.time_ns - since_ns) / 1e9
        if waited_s < self._wait_s(track) or self._is_left_behind(track, known):
            return True
        if not self._is_of_herd(track, known):
            return False
        s = self.settings
        herd_s = s.herd_s if track.kind_confidence >= s.sure_kind else s.herd_doubt_s
        return waited_s < herd_s or self._herd_was_told(track)

    def _is_left_behind(self, track: Track, known: _Followed) -> bool:
        """Whether it is hardly believed, and lies where something harmless was: that has gone, and its place shows."""
        if known.harmless_at is None or track.confidence >= self.settings.left_behind:
            return False
        return math.dist(track.box.centre_px, known.harmless_at) < max(track.box.w_px, track.box.h_px)

    def _wait_s(self, track: Track) -> float:
        """How long a kind is given to be told: the longer the less speaks for anything that raises alerts."""
        s, share = self.settings, track.kind_confidence
        if share >= s.sure_kind:
            return s.decide_s if track.kind == "unknown" else 0.0
        if track.size is None or share == 0.0:
            return s.decide_s
        return s.decide_s + (s.doubt_s - s.decide_s) * max(1 - share / s.likely_kind, 0.0)

    def _is_of_herd(self, track: Track, known: _Followed) -> bool:
        """Whether animals have been seen near it lately, and it has not had the outline of somebody for a while."""
        if known.low_ns is None or track.time_ns - known.low_ns >= _UPRIGHT_S * 1e9:
            return False
        own = track.camera_id, track.track_id
        places = (
            place
            for key, (seen_ns, place) in self._animals.items()
            if key[0] == own[0] and key != own and track.time_ns - seen_ns < _HERD_SEEN_S * 1e9
        )
        return _is_near_any(track, places)

    def _herd_was_told(self, track: Track) -> bool:
        """Whether something else in the same herd was raised a moment ago: an officer has been shown the place."""
        lately = track.time_ns - self.settings.again_s * 1e9
        told = ((told_ns, place) for camera_id, told_ns, place in self._herds if camera_id == track.camera_id)
        return _is_near_any(track, (place for told_ns, place in told if told_ns > lately))

    def _may_be_scene(self, track: Track, known: _Followed) -> bool:
        """Whether it was there as the watch began, and has hardly left its place since, or only leapt about it."""
        s = self.settings
        if known.first_ns - (self._started_ns or 0) >= s.settle_s * 1e9:
            return False
        gone_px = math.dist(track.box.centre_px, known.box.centre_px)
        left = known.steps > 1 and gone_px >= max(known.size_px, _ONWARD * known.path_px)
        return not left and track.time_ns - known.first_ns < s.stay_s * 1e9

    def _parted(self, track: Track, known: _Followed) -> list[tuple[Rule, str, Direction]]:
        """The rules met that another member of a group was raised for, but this track has been without it for long."""
        due = []
        for each in list(known.covered):
            if track.group_id == each.group_id:
                each.parted_ns = None
            elif each.parted_ns is None:
                each.parted_ns = track.time_ns
            elif track.time_ns - each.parted_ns >= self.settings.parted_s * 1e9:
                known.covered.remove(each)
                due.append(each.met)
        return due

    def _told_of_group(self, track: Track, rule_id: str, direction: Direction) -> bool:
        """Whether another member of the track's group was raised for the same a moment ago."""
        if track.group_id is None:
            return False
        key = (track.camera_id, track.group_id, rule_id, direction)
        last = self._groups.get(key)
        if last is not None and track.time_ns - last < self.settings.again_s * 1e9:
            return True
        self._groups[key] = track.time_ns
        return False

    def _alert(self, track: Track, rule: Rule, rule_id: str, direction: Direction, number: int) -> Alert:
        unlocated = rule == "confirmed_track" and self._has_rules(track)
        doubtful = track.confidence < self.settings.doubtful or unlocated
        return Alert(
            alert_id=f"{track.camera_id}-{track.track_id}-{rule_id}-{number}",
            rule=rule,
            rule_id=rule_id,
            priority="low" if doubtful else PRIORITIES[rule, direction],
            camera_id=track.camera_id,
            track_id=track.track_id,
            time_ns=track.time_ns,
            frame_index=track.frame_index,
            kind=track.kind,
            box=track.box,
            text=sentence(track, rule, rule_id, direction),
            direction=direction,
            ground=track.ground,
            count=track.count,
        )

    def _forget(self, time_ns: int) -> None:
        limit = time_ns - self.settings.forget_s * 1e9
        for key in [k for k, known in self._tracks.items() if known.seen_ns < limit]:
            del self._tracks[key]
            self._animals.pop(key, None)
        self._herds = [herd for herd in self._herds if herd[1] >= limit]
        for group in [g for g, told_ns in self._groups.items() if told_ns < limit]:
            del self._groups[group]


def sentence(track: Track, rule: Rule, rule_id: str, direction: str) -> str:
    """What an officer would say of a track that has met a rule."""
    acts = {
        "line_crossing": f"crossing {rule_id} {direction}".rstrip(),
        "zone_intrusion": f"inside {rule_id}",
        "confirmed_track": "seen",
    }
    ground = track.ground
    if ground is None:
        x, y = track.box.centre_px
        return f"{_who(track)}, {acts[rule]} by {track.camera_id} at pixel {x:.0f}, {y:.0f} (no position)"
    major, minor = half_axes(ground.covariance)
    within = f"within {_metres(WITHIN_SIGMAS * major)} m by {_metres(WITHIN_SIGMAS * minor)} m"
    if ground.multimodal:
        within += ", or on other ground along the same line of sight"
    where = f"{_metres(ground.range_m)} m from {track.camera_id}"
    return f"{_who(track)}, {where}, {acts[rule]} near {_degrees(ground.position)} ({within})"


def _who(track: Track) -> str:
    count = track.count
    if count is None or track.kind not in {"person", "group", "unknown"} or count.high < 2:
        return NOUNS[track.kind]
    spread = "" if count.low == count.high else f" ({count.low}-{count.high})"
    return f"Group of {count.best}{spread}, on foot"


def _is_upright(track: Track) -> bool:
    """Whether it has the outline of somebody on foot."""
    tall = track.size is None or track.size.height_m + track.size.sigma_m >= _LEAST_UPRIGHT_M
    return tall and track.box.h_px >= _UPRIGHT * track.box.w_px


def _is_near_any(track: Track, places: Iterable[Place]) -> bool:
    """Whether any place in the picture is near enough to be in one herd."""
    size, box = track.size, track.box
    reach_px = _HERD_HEIGHTS * box.h_px if size is None else _HERD_M * box.h_px / max(size.height_m, 1e-3)
    return any(math.dist(place, box.centre_px) < reach_px for place in places)


def _metres(value: float) -> str:
    """A length as one says it: to the metre, from a kilometre on to ten metres."""
    return f"{max(round(value), 1)}" if value < 1000 else f"{round(value, -1):.0f}"


def _degrees(position: Position) -> str:
    latitude, longitude = position.latitude_deg, position.longitude_deg
    north, east = "N" if latitude >= 0 else "S", "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.5f} {north} {abs(longitude):.5f} {east}"
