"""The ground that nobody looks at, kept up with what a running desk logs: for the map's layers, off the event loop."""

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np

from marsad.app.closure import PlannedLine, Standing, standing_of
from marsad.app.desk_feed import LEFT_OUT
from marsad.app.presence_start import site_lattice, start_presence
from marsad.app.site_map import ground_layers
from marsad.console.desk import Told
from marsad.console.maps import GroundLayers
from marsad.fuse.presence import Presence
from marsad.geo.elevation import Surface
from marsad.kernel.closure import Closure
from marsad.kernel.event import CameraLost, CameraRunChanged, Event, TrackPoint
from marsad.kernel.lattice import Lattice
from marsad.kernel.port import EventLog
from marsad.kernel.position import Position
from marsad.kernel.site import Site
from marsad.report.replay import newest_first

NS: Final = 1_000_000_000
EVERY_S: Final = 10.0
BACK_NS: Final = 12 * 3600 * NS
"""So much of the log is read at the start: what was last observed before is not told apart from never."""
CELL_M: Final = 25.0
MARGIN_M: Final = 1000.0
CELLS_MOST: Final = 250_000
_UNHEARD: Final = tuple(kind for kind in LEFT_OUT if kind is not TrackPoint)


class GroundWatch:
    """Hears all that is logged from the moment it is made, and makes the map's layers of it every so often.

    Until the first are made nothing is said to have been observed. With a `plan` it also says how that holds, by those
    patrols whose `places` are known.
    """

    def __init__(
        self, site: Site, surface: Surface, log: EventLog, clock: Callable[[], int], *,
        plan: PlannedLine | None = None, places: Callable[[], Mapping[str, Position]] = dict,
    ) -> None:  # fmt: skip
        """Raises: InputError where no camera of the site has a pose."""
        self._site = site
        self._surface = surface
        self._log = log
        self._clock = clock
        self._since = log.head().length
        self._heard: list[Event] = []
        self._presence: Presence | None = None
        self._layers = _blank(_lattice(site, surface), clock())
        self._plan = plan
        self._places = places
        self._closure: Closure | None = None
        self._stood: Standing | None = None

    def hear(self, told: Sequence[Told]) -> None:
        """Take in what has been logged."""
        self._heard += [
            each.event for each in told if each.sequence >= self._since and not isinstance(each.event, _UNHEARD)
        ]

    def layers(self) -> GroundLayers:
        """The layers as they were made last."""
        return self._layers

    def closure(self) -> Closure | None:
        """How the plan held when that was worked out last; None where there is none, and until then."""
        return self._closure

    async def keep(self) -> None:
        """Make them again and again, for ever."""
        while True:
            heard, self._heard = self._heard, []
            now_ns, places = self._clock(), self._places()
            self._layers = await asyncio.to_thread(self._make, heard, now_ns)
            self._closure = await asyncio.to_thread(self._close, now_ns, places)
            await asyncio.sleep(EVERY_S)

    def _make(self, heard: Iterable[Event], now_ns: int) -> GroundLayers:
        presence = self._presence
        if presence is None:
            presence = self._presence = start_presence(self._site, self._surface, self._layers.lattice)
            _take(presence, self._earlier(now_ns))
        _take(presence, heard)
        presence.advance(now_ns)
        return ground_layers(presence)

    def _close(self, now_ns: int, places: Mapping[str, Position]) -> Closure | None:
        """How the plan holds: as it did where nothing has changed since."""
        if self._plan is None or self._presence is None:
            return None
        standing = standing_of(self._plan, self._presence.coverage, now_ns, places, {})
        was, self._stood = self._stood, standing._replace(time_ns=0)
        if self._closure is not None and was == self._stood:
            return msgspec.structs.replace(self._closure, time_ns=now_ns)
        return self._plan.now(standing)

    def _earlier(self, now_ns: int) -> list[Event]:
        """What was logged lately, and that whoever looked then looks no more."""
        events: list[Event] = []
        for stored in newest_first(self._log, without=_UNHEARD):
            if stored.time_ns < now_ns - BACK_NS:
                break
            if stored.event is not None and stored.sequence < self._since:
                events.append(stored.event)
        newest_ns = max((event.time_ns for event in events), default=0)
        ended = [CameraLost(time_ns=newest_ns, camera_id=each.id, detail="ended") for each in self._site.cameras]
        return [*reversed(events), *(ended if events else ())]


def _take(presence: Presence, events: Iterable[Event]) -> None:
    for event in sorted(events, key=lambda each: each.time_ns):
        presence.take(_of_its_camera(event))


def _of_its_camera(event: Event) -> Event:
    """An event as presence knows it: a camera whose process has died is one that is lost, until a watch begins anew."""
    if isinstance(event, CameraRunChanged) and event.run in {"lost", "restarting", "stopped"}:
        return CameraLost(time_ns=event.time_ns, camera_id=event.camera_id, detail=event.run)
    return event


def _lattice(site: Site, surface: Surface) -> Lattice:
    """The cells, larger ones where there would be too many."""
    made = site_lattice(site, surface.frame, MARGIN_M, CELL_M)
    cells = made.rows * made.columns
    if cells <= CELLS_MOST:
        return made
    return site_lattice(site, surface.frame, MARGIN_M, CELL_M * math.sqrt(cells / CELLS_MOST))


def _blank(lattice: Lattice, now_ns: int) -> GroundLayers:
    unknown = np.full(lattice.shape, np.nan, np.float32)
    return GroundLayers(version="", time_ns=now_ns, lattice=lattice, unseen_s=unknown, presence_km2=unknown)


def ground_watch(
    site: Site, surface: Surface | None, log: EventLog, clock: Callable[[], int], *, plan: PlannedLine | None = None,
    places: Callable[[], Mapping[str, Position]] = dict,
) -> GroundWatch | None:  # fmt: skip
    """What watches the ground of a site; None where none of its cameras stands anywhere."""
    if surface is None or all(camera.pose is None for camera in site.cameras):
        return None
    return GroundWatch(site, surface, log, clock, plan=plan, places=places)
