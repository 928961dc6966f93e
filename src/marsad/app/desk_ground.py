"""Who could be sent: each patrol's travel times from where it is, over the site's ground."""

import math
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Final

import numpy as np

from marsad.geo.elevation import Surface
from marsad.geo.geodesy import Array, EnuFrame
from marsad.geo.mobility import OFF_ROAD, ON_FOOT, Mobility, Travel, travel
from marsad.kernel.dispatch import Means, Patrol
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.kernel.site import Site
from marsad.respond.dispatch import Candidate

CELL_M: Final = 25.0
MARGIN_M: Final = 1000.0
CELLS_MOST: Final = 250_000
"""A wider site has larger cells: times are worked out within a fraction of a second."""

MOBILITY: Final[Mapping[Means, Mobility]] = {"foot": ON_FOOT, "vehicle": OFF_ROAD}


class Ground:
    """The site's ground and how long it takes to get anywhere on it; it may be asked in any thread."""

    def __init__(self, site: Site, frame: EnuFrame, surface: Surface | None, patrols: Sequence[Patrol]) -> None:
        self.frame = frame
        self.patrols = {patrol.patrol_id: patrol for patrol in patrols}
        self.lattice = _lattice(site, frame)
        self._surface = surface
        self._height: Array | None = None
        self._travels: dict[str, tuple[tuple[int, int], Travel]] = {}
        self._lock = Lock()

    def candidates(self, places: Mapping[str, Position]) -> list[Candidate]:
        """Every patrol of which it is known where it is, with its times to everywhere; a place off the map has none."""
        found = []
        for patrol_id, patrol in self.patrols.items():
            place = places.get(patrol_id)
            if place is None:
                continue
            try:
                found.append(Candidate(patrol, self._travel(patrol, place)))
            except InputError:
                continue
        return found

    def _travel(self, patrol: Patrol, place: Position) -> Travel:
        at = self.frame.point(place)
        row, column = (int(each) for each in self.lattice.cells_of(at.east_m, at.north_m))
        with self._lock:
            kept = self._travels.get(patrol.patrol_id)
            if kept is not None and kept[0] == (row, column):
                return kept[1]
            if self._height is None:
                self._height = self._heights()
            made = travel(self.lattice, self._height, at.east_m, at.north_m, MOBILITY[patrol.means])
            self._travels[patrol.patrol_id] = ((row, column), made)
            return made

    def _heights(self) -> Array:
        """The ground's height at every cell; level where the site has no terrain."""
        if self._surface is None:
            return np.zeros(self.lattice.shape)
        east, north = self.lattice.centres()
        return np.asarray(self._surface.up_m(east.ravel(), north.ravel()), float).reshape(self.lattice.shape)


def _lattice(site: Site, frame: EnuFrame) -> Lattice:
    """Cells over everything that the site names."""
    points = [point for line in site.lines for point in line.points]
    points += [point for zone in site.zones for point in zone.points]
    points += [patrol.home for patrol in site.patrols if patrol.home is not None]
    points += [
        Position(latitude_deg=camera.pose.latitude_deg, longitude_deg=camera.pose.longitude_deg)
        for camera in site.cameras
        if camera.pose is not None
    ]
    points.append(frame.origin)
    flat = [frame.point(point) for point in points]
    west, east = min(p.east_m for p in flat) - MARGIN_M, max(p.east_m for p in flat) + MARGIN_M
    south, north = min(p.north_m for p in flat) - MARGIN_M, max(p.north_m for p in flat) + MARGIN_M
    cell_m = max(CELL_M, math.sqrt((east - west) * (north - south) / CELLS_MOST))
    return Lattice(
        west_m=west, north_m=north, cell_m=cell_m, rows=math.ceil((north - south) / cell_m),
        columns=math.ceil((east - west) / cell_m),
    )  # fmt: skip
