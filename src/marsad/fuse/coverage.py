"""What is really looked at, cell by cell: ground a camera can see, by its health and the weather, and own people."""

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marsad.geo.geodesy import Array, EnuFrame
from marsad.geo.ground import CameraView
from marsad.geo.viewshed import Viewshed, camera_viewshed
from marsad.kernel.event import (
    CameraHealth,
    CameraLost,
    CameraRestored,
    Event,
    PatrolPosition,
    StreamEnded,
    TrackPoint,
    WatchEnded,
    WatchStarted,
)
from marsad.kernel.lattice import Lattice
from marsad.kernel.record import Record, read_only
from marsad.kernel.site import Camera

Grid = NDArray[np.float32]
Cells = NDArray[np.bool_]
Times = NDArray[np.int64]

NEVER_NS: Final = -(2**62)
"""When a cell was last observed that never was."""
BLINDING: Final = ("covered", "frozen", "looped", "defocused", "camera_moved", "panning")
"""What befalls a camera that takes its word from it, the worst first."""
ADULT_M: Final = 1.7


class CoverageSettings(Record):
    """When a place counts as looked at.

    A walking person `half_px` high is seen in half of all looks, of which there is one every `look_s`; the chance rises
    over `steep_px` to `best`. Somebody looks at a cell where the chance is `enough`. A patrol sees `patrol_m` around
    it, and its last place counts for `patrol_s`; people who hold an area see each in it with `held_chance`.
    """

    half_px: float = 3.5
    steep_px: float = 0.6
    best: float = 0.98
    look_s: float = 10.0
    enough: float = 0.5
    patrol_m: float = 150.0
    patrol_chance: float = 0.7
    patrol_s: float = 60.0
    held_chance: float = 0.9


class Weather(Record):
    """What is left of the chance to see somebody in the air: exp(-range / `clear_m`)."""

    clear_m: float = math.inf

    def factor(self, range_m: Grid) -> Grid:
        """The share that is left at ranges."""
        left: Grid = np.exp(-range_m / np.float32(self.clear_m)).astype(np.float32)
        return left


class Eye(Record, eq=False):
    """A camera over the cells: what it sees, and the chance (rows, columns) of one look in clear air, 0 where unseen.

    `could` is that chance were it turned there.
    """

    camera: Camera
    view: CameraView
    shed: Viewshed
    chance: Grid
    could: Grid


class Trouble(Record):
    """Why a camera is not to be counted on, and since when; `since_ns` is None where it never was watched."""

    what: str
    since_ns: int | None


class PatrolPlace(NamedTuple):
    """Where a patrol was last, in the site's frame."""

    time_ns: int
    place: Array


def camera_eye(camera: Camera, view: CameraView, lattice: Lattice, settings: CoverageSettings) -> Eye:
    """What a posed camera can do over the cells."""
    shed = camera_viewshed(view, lattice, masks=camera.masks, all_round=True)
    could = np.where(shed.clear, _chance(view, shed.range_m, settings), np.float32(0))
    return Eye(
        camera=camera,
        view=view,
        shed=shed,
        chance=read_only(np.where(shed.seen, could, np.float32(0))),
        could=read_only(could),
    )


def _chance(view: CameraView, range_m: Grid, settings: CoverageSettings) -> Grid:
    """The chance of one look to see an adult who walks there in clear air, by his height in the picture."""
    high_px = ADULT_M * view.optics.focal_y_px / np.maximum(range_m, 1)
    odds = np.clip((high_px - settings.half_px) / settings.steep_px, -30, 30)
    chance: Grid = (settings.best / (1 + np.exp(-odds))).astype(np.float32)
    return chance


class Coverage:
    """Who looks where, and when each cell was last really observed; events are taken in order of time."""

    def __init__(self, lattice: Lattice, frame: EnuFrame, eyes: Iterable[Eye], settings: CoverageSettings) -> None:
        self.lattice = lattice
        self.settings = settings
        self.eyes = {eye.camera.id: eye for eye in eyes}
        self.weather = Weather()
        self.patrols: dict[str, PatrolPlace] = {}
        self.quality: Grid = np.zeros(lattice.shape, np.float32)
        """The chance of a walking person to be seen in one look, by all who look now."""
        self.version = 0
        """Grows when `quality` changes."""
        self._frame = frame
        self._alive: dict[str, Trouble | None] = {
            name: Trouble(what="not watched", since_ns=None) for name in self.eyes
        }
        self._ills: dict[str, dict[str, int]] = {name: {} for name in self.eyes}
        self._held: Cells = np.zeros(lattice.shape, np.bool_)
        self._seen_ns: Times = np.full(lattice.shape, NEVER_NS)
        self._patrolled_ns: Times = np.full(lattice.shape, NEVER_NS)

    @property
    def watched(self) -> Cells:
        """The cells that a camera, or people who hold them, look at now."""
        looked: Cells = self.quality >= self.settings.enough
        return looked

    def observed(self, time_ns: int) -> Cells:
        """The cells that somebody looks at, patrols that were there a moment ago included."""
        return self.watched | (self._patrolled_ns >= time_ns - round(self.settings.patrol_s * 1e9))

    def last_observed_ns(self, time_ns: int) -> Times:
        """When each cell was last really observed, (rows, columns); `NEVER_NS` for never."""
        return np.where(self.watched, time_ns, np.maximum(self._seen_ns, self._patrolled_ns))

    def trouble(self, camera_id: str) -> Trouble | None:
        """Why a camera is not counted on now; None for one that is sound."""
        dead = self._alive[camera_id]
        if dead is not None:
            return dead
        ills = self._ills[camera_id]
        what = next((each for each in BLINDING if each in ills), None)
        return None if what is None else Trouble(what=what, since_ns=ills[what])

    def changes(self, event: Event) -> bool:
        """Whether an event changes who looks where."""
        return isinstance(event, PatrolPosition) or (
            getattr(event, "camera_id", None) in self.eyes and not isinstance(event, TrackPoint)
        )

    def take(self, event: Event) -> None:
        """Take in one event; those that say nothing of who looks are passed over."""
        if isinstance(event, PatrolPosition):
            self._patrol(event)
            return
        camera_id = getattr(event, "camera_id", None)
        if camera_id not in self.eyes:
            return
        before = self.trouble(camera_id)
        self._note(camera_id, event)
        if self.trouble(camera_id) != before:
            self._look_again(event.time_ns)

    def set_weather(self, weather: Weather, time_ns: int) -> None:
        """The air is so from now on."""
        self.weather = weather
        self._look_again(time_ns)

    def hold(self, cells: Cells, time_ns: int) -> None:
        """People hold these cells from now on, and no others."""
        self._held = cells.copy()
        self._look_again(time_ns)

    def chance(self, eye: Eye, cells: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None) -> Grid:
        """The chance of one look of a camera in this weather, were it sound: everywhere, or at rows and columns."""
        chance, range_m = (
            (eye.chance, eye.shed.range_m) if cells is None else (eye.chance[cells], eye.shed.range_m[cells])
        )
        if math.isinf(self.weather.clear_m):
            return chance
        return np.where(chance > 0, chance * self.weather.factor(np.nan_to_num(range_m)), np.float32(0))

    def _note(self, camera_id: str, event: Event) -> None:
        ills = self._ills[camera_id]
        match event:
            case WatchStarted():
                self._alive[camera_id] = None
                ills.clear()
            case CameraRestored():
                self._alive[camera_id] = None
            case WatchEnded(reason=reason):
                self._alive[camera_id] = Trouble(what=f"watch ended: {reason}", since_ns=event.time_ns)
            case StreamEnded():
                self._alive[camera_id] = Trouble(what="stream ended", since_ns=event.time_ns)
            case CameraLost():
                self._alive[camera_id] = Trouble(what="lost", since_ns=event.time_ns)
            case CameraHealth(kind=kind, ended=ended) if kind in BLINDING:
                if ended:
                    ills.pop(kind, None)
                else:
                    ills.setdefault(kind, event.time_ns)
            case _:
                pass

    def _look_again(self, time_ns: int) -> None:
        """Close what was looked at until now, and see who looks from now on."""
        self._seen_ns[self.watched] = time_ns
        unseen = np.ones(self.lattice.shape, np.float32)
        for name, eye in self.eyes.items():
            if self.trouble(name) is None:
                unseen *= 1 - self.chance(eye)
        unseen[self._held] *= 1 - self.settings.held_chance
        self.quality = 1 - unseen
        self.version += 1

    def _patrol(self, event: PatrolPosition) -> None:
        place = self.place_of(event)
        start = self.way_of(event)[0]
        self._patrolled_ns[cells_near(self.lattice, start, place, self.settings.patrol_m)] = event.time_ns
        self.patrols[event.patrol_id] = PatrolPlace(event.time_ns, place)

    def place_of(self, event: PatrolPosition) -> Array:
        """Where a patrol says it is, (2,) in the site's frame."""
        point = self._frame.point(event.position)
        return np.array([point.east_m, point.north_m])

    def way_of(self, event: PatrolPosition) -> tuple[Array, float]:
        """From where a patrol came straight to its place, and in how many seconds; from there after a long silence."""
        last = self.patrols.get(event.patrol_id)
        if last is None or not 0 <= event.time_ns - last.time_ns <= self.settings.patrol_s * 1e9:
            return self.place_of(event), self.settings.look_s
        return last.place, (event.time_ns - last.time_ns) / 1e9


def cells_near(lattice: Lattice, start: Array, end: Array, radius_m: float) -> Cells:
    """The cells whose centres lie so near to the straight way from `start` to `end`."""
    near = np.zeros(lattice.shape, np.bool_)
    low, high = np.minimum(start, end) - radius_m, np.maximum(start, end) + radius_m
    rows, columns = lattice.cells_of([low[0], high[0]], [high[1], low[1]])
    top, bottom = np.clip([rows[0], rows[1] + 1], 0, lattice.rows)
    left, right = np.clip([columns[0], columns[1] + 1], 0, lattice.columns)
    east = lattice.west_m + (np.arange(left, right) + 0.5) * lattice.cell_m - start[0]
    north = (lattice.north_m - (np.arange(top, bottom) + 0.5) * lattice.cell_m - start[1])[:, None]
    way = end - start
    length2 = float(way @ way)
    share = np.clip((east * way[0] + north * way[1]) / length2, 0, 1) if length2 > 0 else 0.0
    near[top:bottom, left:right] = (east - share * way[0]) ** 2 + (north - share * way[1]) ** 2 <= radius_m**2
    return near
