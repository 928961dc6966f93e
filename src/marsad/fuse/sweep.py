"""Areas that are searched and held: what nobody can have come back to since, what remains, and where to go next.

What was searched is clear as long as nobody can have walked into it: from all that is not clear, people are taken to
spread at `return_m_s` in every direction, but not over ground that somebody looks at or holds.
"""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.geo.geodesy import Array
from marsad.geo.outline import inside_polygon
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.presence import AreaMark, AreaReport, AreaState, AreaStep
from marsad.kernel.record import Record

Cells = NDArray[np.bool_]

_DETOUR: Final = 1.3


class SweepSettings(Record):
    """How people come back, and how they are searched for.

    A patrol is `searchers` abreast, `spacing_m` apart, at `search_m_s`, and goes to an area at `walk_m_s`. Who is there
    is found with `found_chance`.
    """

    return_m_s: float = 1.5
    searchers: int = 4
    spacing_m: float = 30.0
    search_m_s: float = 0.8
    walk_m_s: float = 1.2
    found_chance: float = 0.8


class Area(Record, eq=False):
    """An area, its cells (rows, columns) without inhabited places, and its history, the oldest first."""

    area_id: str
    corners: Array
    cells: Cells
    history: tuple[AreaStep, ...] = ()

    @property
    def state(self) -> AreaState:
        """Its status now."""
        return self.history[-1].state if self.history else "unsearched"


class AreaBook:
    """The areas of a sector, in order of time; `hidden` are the cells of inhabited places, which nobody sweeps."""

    def __init__(self, lattice: Lattice, hidden: Cells, settings: SweepSettings) -> None:
        self.settings = settings
        self.areas: dict[str, Area] = {}
        self._lattice = lattice
        self._hidden = hidden
        self._clear: Cells = np.zeros(lattice.shape, np.bool_)
        self._time_ns: int | None = None
        self._way_m = 0.0
        self._round = False

    @property
    def clear(self) -> Cells:
        """The cells that were searched, or are held, and to which nobody can have come back."""
        return self._clear | self.held

    @property
    def held(self) -> Cells:
        """The cells that people hold."""
        cells = np.zeros(self._lattice.shape, np.bool_)
        for area in self.areas.values():
            if area.state == "held":
                cells |= area.cells
        return cells

    def define(self, area_id: str, corners: Array) -> None:
        """Draw an area, corners (K, 2) east and north, or draw it anew; its history stays.

        Raises: InputError where none of it lies in the sector outside inhabited places.
        """
        cells = inside_polygon(self._lattice, corners) & ~self._hidden
        if not cells.any():
            raise InputError(f"area {area_id}: no ground of the sector lies in it that may be swept; draw it larger")
        history = self.areas[area_id].history if area_id in self.areas else ()
        self.areas[area_id] = Area(area_id=area_id, corners=corners, cells=cells, history=history)

    def mark(self, mark: AreaMark, time_ns: int) -> Area:
        """Set an area's status as an officer says. Raises: InputError for an area that was never drawn."""
        area = self.areas.get(mark.area_id)
        if area is None:
            known = ", ".join(self.areas) or "none"
            raise InputError(f"area {mark.area_id} has no corners yet: draw it, or name a zone; there are {known}")
        step = AreaStep(time_ns=time_ns, state=mark.state, officer=mark.officer, reason=mark.reason, by=mark.by)
        area = Area(area_id=area.area_id, corners=area.corners, cells=area.cells, history=(*area.history, step))
        self.areas[mark.area_id] = area
        # Ground that was held or searched until now stays clear until somebody can have come back.
        self._clear[area.cells] = mark.state != "unsearched"
        return area

    def advance(self, time_ns: int, watched: Cells) -> None:
        """Let people come back until a moment, over all cells but those that are `watched` meanwhile."""
        before, self._time_ns = self._time_ns, time_ns
        if before is None or time_ns <= before or not self._clear.any():
            self._time_ns = max(time_ns, before or time_ns)
            return
        self._way_m += (time_ns - before) / 1e9 * self.settings.return_m_s
        wall = watched | self.held
        while self._way_m >= self._lattice.cell_m and self._clear.any():
            self._way_m -= self._lattice.cell_m
            # Steps over edges alone and over corners too in turn make an octagon, near enough to a circle.
            self._round = not self._round
            self._clear = shrunk(self._clear, wall, self._round)
        if not self._clear.any():
            self._way_m = 0.0

    def reports(self, presence: Mapping[str, float], patrols: Mapping[str, Array], lost: int) -> list[AreaReport]:
        """How it stands with every area, the one to search next first.

        `presence` is how many of those lost are expected in each, `patrols` where they are, (2,).
        """
        remaining = {name: self._remaining_km2(area) for name, area in self.areas.items()}
        whole = sum(remaining.values())
        found = []
        for name, area in self.areas.items():
            effort_s = self._effort_s(area, remaining[name], patrols)
            share = presence[name] if lost else remaining[name] / max(whole, 1e-12)
            found.append(self._report(area, remaining[name], presence[name], effort_s, share))
        return sorted(found, key=lambda report: (-report.merit, report.area_id))

    def _report(self, area: Area, remaining_km2: float, presence: float, effort_s: float, share: float) -> AreaReport:
        last = area.history[-1] if area.history else None
        area_km2 = float(area.cells.sum() * self._lattice.cell_km2)
        return AreaReport(
            area_id=area.area_id,
            state=area.state,
            since_ns=last.time_ns if last else None,
            by=last.by if last else "",
            area_km2=area_km2,
            clear=1 - remaining_km2 / area_km2,
            remaining_km2=remaining_km2,
            probability=presence,
            effort_s=effort_s,
            merit=share / (effort_s / 3600) if remaining_km2 > 0 else 0.0,
            history=area.history,
        )

    def _remaining_km2(self, area: Area) -> float:
        return float((area.cells & ~self.clear).sum() * self._lattice.cell_km2)

    def _effort_s(self, area: Area, remaining_km2: float, patrols: Mapping[str, Array]) -> float:
        """The time the nearest patrol needs to get there and to search what remains."""
        settings = self.settings
        swept_m2_s = settings.searchers * settings.spacing_m * settings.search_m_s
        east, north = (float(axis[area.cells].mean()) for axis in self._lattice.centres())
        way_m = min((math.hypot(east - p[0], north - p[1]) for p in patrols.values()), default=0.0)
        return remaining_km2 * 1e6 / swept_m2_s + _DETOUR * way_m / settings.walk_m_s


@njit(cache=True)
def shrunk(clear: Cells, wall: Cells, corners: bool) -> Cells:
    """The clear cells without those beside a cell that is neither clear nor a wall, walls themselves left as they are.

    What lies outside the lattice is not clear. With `corners` cells that touch at a corner are beside each other.
    """
    rows, columns = clear.shape
    out = clear.copy()
    for row in range(rows):
        for column in range(columns):
            if not clear[row, column] or wall[row, column]:
                continue
            for down in range(-1, 2):
                for across in range(-1, 2):
                    if not corners and down != 0 and across != 0:
                        continue
                    i, j = row + down, column + across
                    outside = i < 0 or j < 0 or i >= rows or j >= columns
                    if outside or (not clear[i, j] and not wall[i, j]):
                        out[row, column] = False
    return out
