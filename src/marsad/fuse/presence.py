"""What is known of ground nobody looks at: when it was last observed, where the line is open, where the lost may be.

`Presence` is given every event in order of time and asked at any moment.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from marsad.fuse.coverage import NEVER_NS, Coverage, CoverageSettings, Eye, Weather
from marsad.fuse.motion import Ground
from marsad.fuse.openness import line_cells, open_stretches
from marsad.fuse.sweep import AreaBook, SweepSettings
from marsad.fuse.trail import Trail
from marsad.fuse.whereabouts import LookRates, Search, SearchSettings, SideOfLine, look_rates
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import Array, EnuFrame
from marsad.geo.outline import inside_polygon, outlines
from marsad.kernel.event import (
    AreaMarked,
    Event,
    PatrolPosition,
    StreamEnded,
    TrackConfirmed,
    TrackLost,
    TrackPoint,
    WatchEnded,
)
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import GroundState, Position
from marsad.kernel.presence import AreaReport, LostTrack, OpenStretch, Outline, Whereabouts
from marsad.kernel.record import Record, read_only
from marsad.kernel.site import Line, Site
from marsad.kernel.track import Kind, Track

Cells = NDArray[np.bool_]

SOUGHT: Final[frozenset[Kind]] = frozenset({"person", "group", "vehicle", "unknown"})
"""Kinds that are looked for when they are lost."""


class PresenceSettings(Record):
    """How presence is kept.

    The velocity of a lost track is known no better than `velocity_m_s` (one sigma). Two tracks within
    `same_sigmas` of both their uncertainties are one; a search ends after `search_s`. `seed` fixes what is drawn.
    """

    coverage: CoverageSettings = CoverageSettings()
    search: SearchSettings = SearchSettings()
    sweep: SweepSettings = SweepSettings()
    velocity_m_s: float = 0.3
    same_sigmas: float = 3.0
    stale_s: float = 5.0
    search_s: float = 6 * 3600.0
    seed: int = 0


class Unobserved(Record, eq=False):
    """What nobody has looked at for a time: cells (rows, columns), share and area of the sector, and polygons.

    `never_km2` is the part that was never observed at all. Inhabited places are no part of it.
    """

    cells: Cells
    share: float
    area_km2: float
    never_km2: float
    outlines: tuple[Outline, ...]


class SeenAgain(Record):
    """A search that ended because a new track may be the one that was lost."""

    lost: LostTrack
    time_ns: int
    camera_id: str
    track_id: int


class Presence:
    """Presence over one sector; events are taken in order of time, one that comes late counts when it is heard of.

    `surface` gives the slopes that slow people down; without it the ground is level.
    """

    def __init__(
        self,
        site: Site,
        frame: EnuFrame,
        lattice: Lattice,
        eyes: Iterable[Eye],
        settings: PresenceSettings,
        surface: Surface | None = None,
    ) -> None:
        self.site = site
        self.lattice = lattice
        self.settings = settings
        self.time_ns: int | None = None
        self.hidden: Cells = np.zeros(lattice.shape, np.bool_)
        """The cells of inhabited places."""
        for place in site.inhabited:
            self.hidden |= inside_polygon(lattice, corners_of(frame, place.points))
        self.coverage = Coverage(lattice, frame, eyes, settings.coverage)
        self.book = AreaBook(lattice, self.hidden, settings.sweep)
        self.seen_again: list[SeenAgain] = []
        self.frame = frame
        self.paths = {line.id: corners_of(frame, line.points) for line in site.lines}
        self._lines = [line_cells(line.id, self.paths[line.id], line.band_m, lattice) for line in site.lines]
        self._sides = [side_of_line(line, self.paths[line.id], lattice) for line in site.lines]
        self._ground = slopes(lattice, surface)
        self._searches: dict[str, Search] = {}
        self._trails: dict[tuple[str, int], Trail] = {}
        self._rates: tuple[int, LookRates] | None = None
        for zone in site.zones:
            if inside_polygon(lattice, corners_of(frame, zone.points)).any():
                self.book.define(zone.id, corners_of(frame, zone.points))

    def take(self, event: Event) -> None:
        """Take in one event. Raises: InputError for a mark on an area that nobody has drawn."""
        if self.coverage.changes(event) or isinstance(event, AreaMarked | TrackLost):
            self.advance(event.time_ns)
        match event:
            case PatrolPosition():
                self._pass_by(event)
            case AreaMarked():
                self._mark(event)
            case TrackPoint(track=track) | TrackConfirmed(track=track):
                self._follow(track)
            case TrackLost(camera_id=camera_id, track_id=track_id, kind=kind):
                self._lose((camera_id, track_id), kind, event.time_ns)
            case WatchEnded(camera_id=camera_id) | StreamEnded(camera_id=camera_id):
                for key in [key for key in self._trails if key[0] == camera_id]:
                    self._lose(key, self._trails[key].newest.kind, event.time_ns)
            case _:
                pass
        self.coverage.take(event)

    def advance(self, time_ns: int) -> None:
        """Go on to a moment; one that is past changes nothing."""
        if self.time_ns is not None and time_ns <= self.time_ns:
            return
        self.time_ns = time_ns
        rates = self._look_rates() if self._searches else None
        for name, search in list(self._searches.items()):
            if rates is not None:
                search.advance(time_ns, rates)
            if time_ns - search.lost.time_ns > self.settings.search_s * 1e9:
                del self._searches[name]
        self.book.advance(time_ns, self.coverage.watched)

    def set_weather(self, weather: Weather, time_ns: int) -> None:
        """The air is so from now on."""
        self.advance(time_ns)
        self.coverage.set_weather(weather, time_ns)

    def lose(self, lost: LostTrack) -> None:
        """Begin to look for somebody."""
        seed = int.from_bytes(hashlib.sha256(f"{self.settings.seed} {lost.id} {lost.time_ns}".encode()).digest()[:8])
        rng = np.random.default_rng(seed)
        self._searches[lost.id] = Search(lost, self.lattice, self._ground, self.settings.search, rng)

    def find(self, lost_id: str) -> None:
        """End a search; one that has ended already is none."""
        self._searches.pop(lost_id, None)

    @property
    def lost(self) -> tuple[LostTrack, ...]:
        """Those who are looked for now."""
        return tuple(search.lost for search in self._searches.values())

    def last_observed_ns(self) -> NDArray[np.int64]:
        """When each cell was last really observed, (rows, columns); `coverage.NEVER_NS` for never."""
        return self.coverage.last_observed_ns(self._now_ns())

    def unobserved(self, for_s: float) -> Unobserved:
        """What nobody has looked at for so long."""
        last_ns = self.last_observed_ns()
        cells = (last_ns <= self._now_ns() - round(for_s * 1e9)) & ~self.hidden
        never = (last_ns == NEVER_NS) & ~self.hidden
        asked = max(int((~self.hidden).sum()), 1)
        return Unobserved(
            cells=read_only(cells),
            share=float(cells.sum() / asked),
            area_km2=float(cells.sum() * self.lattice.cell_km2),
            never_km2=float(never.sum() * self.lattice.cell_km2),
            outlines=outlines(self.lattice, cells),
        )

    def open_stretches(self, least_m: float = 0.0) -> list[OpenStretch]:
        """The stretches of all lines across which nobody looks now, the longest first."""
        now_ns = self._now_ns()
        found = [each for line in self._lines for each in open_stretches(line, self.coverage, now_ns, least_m)]
        return sorted(found, key=lambda stretch: -stretch.length_m)

    def whereabouts(self) -> list[Whereabouts]:
        """Where everybody who was lost could be now, the last lost first."""
        allowed = bool(self.site.inhabited) and all(place.tell_total for place in self.site.inhabited)
        searches = sorted(self._searches.values(), key=lambda search: -search.lost.time_ns)
        watched = self.coverage.watched
        return [
            search.answer(self.hidden, tell_hidden=allowed, in_view=watched, sides=self._sides) for search in searches
        ]

    def areas(self) -> list[AreaReport]:
        """How it stands with every area, the one to search next first."""
        expected = {
            name: sum(search.shown_mass(area.cells, self.hidden) for search in self._searches.values())
            for name, area in self.book.areas.items()
        }
        patrols = {name: patrol.place for name, patrol in self.coverage.patrols.items()}
        return self.book.reports(expected, patrols, len(self._searches))

    def _now_ns(self) -> int:
        return 0 if self.time_ns is None else self.time_ns

    def _look_rates(self) -> LookRates:
        """What the cameras do not see, kept until somebody else looks."""
        if self._rates is None or self._rates[0] != self.coverage.version:
            still = self.settings.search.still_share
            rates = look_rates(self.coverage.quality, self.settings.coverage.look_s, still)
            self._rates = self.coverage.version, rates
        return self._rates[1]

    def _pass_by(self, event: PatrolPosition) -> None:
        settings = self.settings.coverage
        start, elapsed_s = self.coverage.way_of(event)
        chance = 1 - (1 - settings.patrol_chance) ** (elapsed_s / settings.look_s)
        for search in self._searches.values():
            search.pass_by(start, self.coverage.place_of(event), settings.patrol_m, chance)

    def _mark(self, event: AreaMarked) -> None:
        mark = event.mark
        if mark.points:
            self.book.define(mark.area_id, corners_of(self.frame, mark.points))
        area = self.book.mark(mark, event.time_ns)
        if mark.state == "searched":
            for search in self._searches.values():
                search.clear(area.cells, self.settings.sweep.found_chance)
        self.coverage.hold(self.book.held, event.time_ns)

    def _follow(self, track: Track) -> None:
        """Keep a track's newest places, and end the search for one that it may be."""
        key = track.camera_id, track.track_id
        if track.ground is None or track.kind not in SOUGHT or track.status == "lost":
            return
        if key in self._trails:
            self._trails[key].add(track)
            return
        self._trails[key] = Trail(track)
        if self._searches:
            self.advance(track.time_ns)
            self._see_again(track, track.ground)

    def _see_again(self, track: Track, ground: GroundState) -> None:
        """The search in whose likeliest place a new track stands ends."""
        row, column = self.lattice.cells_of([ground.east_m], [ground.north_m])
        if not self.lattice.holds(row, column).all():
            return
        for name, search in list(self._searches.items()):
            if search.region(0.9, self.hidden)[row[0], column[0]]:
                found = SeenAgain(
                    lost=search.lost, time_ns=track.time_ns, camera_id=track.camera_id, track_id=track.track_id
                )
                self.seen_again.append(found)
                del self._searches[name]
                return

    def _lose(self, key: tuple[str, int], kind: Kind, time_ns: int) -> None:
        """Begin to look for a track's object, unless another camera has it, or lost it together with this one."""
        trail = self._trails.pop(key, None)
        if trail is None or kind not in SOUGHT:
            return
        spread, stale_ns = self.settings.velocity_m_s, self.settings.stale_s * 1e9
        lost = trail.lost(kind, spread)
        live = [each.lost(each.newest.kind, spread) for each in self._trails.values()]
        others = [each for each in live if abs(each.time_ns - time_ns) <= stale_ns]
        others += [each for each in self.lost if abs(each.time_ns - lost.time_ns) <= stale_ns]
        if not any(_same(lost, each, self.settings.same_sigmas) for each in others):
            self.lose(lost)


def _same(one: LostTrack, other: LostTrack, sigmas: float) -> bool:
    """Whether two tracks may stand in one place, the other one moved to the first one's time."""
    apart_s = (one.time_ns - other.time_ns) / 1e9
    off = np.array(
        [
            one.east_m - other.east_m - apart_s * other.velocity_east_m_s,
            one.north_m - other.north_m - apart_s * other.velocity_north_m_s,
        ]
    )
    total = np.eye(2)  # a metre in any case: two cameras mean different points of one body
    for c in (one.covariance, other.covariance):
        total += [[c.east_m2, c.east_north_m2], [c.east_north_m2, c.north_m2]]
    return bool(off @ np.linalg.solve(total, off) <= sigmas**2)


def corners_of(frame: EnuFrame, points: Sequence[Position]) -> Array:
    """Points in the site's frame, (K, 2); their heights do not count."""
    east, north, _ = frame.from_geodetic(
        [point.latitude_deg for point in points],
        [point.longitude_deg for point in points],
        frame.origin.height_m,
    )
    return np.stack([east, north], axis=1)


def side_of_line(line: Line, corners: Array, lattice: Lattice) -> SideOfLine:
    """On which side of a line the cells lie; no side is told of what lies beyond its ends."""
    east, north = lattice.centres()
    best, beside = np.full(lattice.shape, np.inf), np.zeros(lattice.shape)
    ended = np.zeros(lattice.shape, np.bool_)
    last = len(corners) - 2
    for k, (start, end) in enumerate(pairwise(corners)):
        length = float(np.hypot(*(end - start)))
        if length == 0:
            continue
        unit = (end - start) / length
        ahead = (east - start[0]) * unit[0] + (north - start[1]) * unit[1]
        turn = (east - start[0]) * unit[1] - (north - start[1]) * unit[0]
        on = np.clip(ahead, -np.inf if k == 0 else 0.0, np.inf if k == last else length)
        past = (ahead < 0) if k == 0 else np.zeros_like(ended)
        past = past | (ahead > length) if k == last else past
        apart = np.hypot(ahead - on, turn)
        # At a corner two segments are equally near: the one that a place is farther beside tells the side.
        tie = np.abs(apart - best) <= 1e-9 * (1 + apart)
        nearer = np.where(tie, np.abs(turn) > np.abs(beside), apart < best)
        best, beside, ended = (
            np.where(nearer, apart, best),
            np.where(nearer, turn, beside),
            np.where(nearer, past, ended),
        )
    right = np.where(ended, 0, np.where(beside >= 0, 1, -1))
    return SideOfLine(line_id=line.id, side=read_only((right if line.inside == "right" else -right).astype(np.int8)))


def slopes(lattice: Lattice, surface: Surface | None) -> Ground:
    """The slopes of a lattice's ground; level where it is not known."""
    if surface is None or min(lattice.shape) < 2:
        level = np.zeros(lattice.shape, np.float32)
        return Ground(lattice.west_m, lattice.north_m, lattice.cell_m, level, level)
    down, across = np.gradient(surface.up_m(*lattice.centres()), lattice.cell_m)
    east_slope = np.asarray(np.nan_to_num(across), np.float32)
    north_slope = np.asarray(np.nan_to_num(-down), np.float32)
    return Ground(lattice.west_m, lattice.north_m, lattice.cell_m, east_slope, north_slope)


def sector_lattice(corners: Iterable[Array], margin_m: float, cell_m: float) -> Lattice:
    """Cells over all the places given, (K, 2) each, with a margin around."""
    places = np.concatenate(list(corners))
    low, high = places.min(axis=0) - margin_m, places.max(axis=0) + margin_m
    columns, rows = (int(count) for count in np.ceil((high - low) / cell_m))
    return Lattice(west_m=float(low[0]), north_m=float(high[1]), cell_m=cell_m, rows=rows, columns=columns)
