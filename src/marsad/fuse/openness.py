"""Which stretches of the line nobody looks at now, why, and what would mend it."""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marsad.fuse.coverage import NEVER_NS, Coverage, Eye
from marsad.geo.geodesy import Array
from marsad.geo.viewshed import HIDDEN, OUT_OF_FIELD, OUT_OF_REACH, SEEN, UNKNOWN
from marsad.kernel.lattice import Lattice
from marsad.kernel.presence import OpenPart, OpenReason, OpenStretch, Remedy
from marsad.kernel.record import Record

Rows = NDArray[np.int64]

STEP_M: Final = 10.0

REMEDIES: Final[dict[OpenReason, Remedy]] = {
    "camera_down": "restore_camera",
    "weather": "send_patrol",
    "too_far": "send_patrol",
    "dead_ground": "send_patrol",
    "out_of_field": "turn_camera",
    "out_of_reach": "send_patrol",
    "unknown_ground": "load_terrain",
}
_STATUS_REASON: Final[tuple[tuple[int, OpenReason], ...]] = (
    (HIDDEN, "dead_ground"),
    (OUT_OF_REACH, "out_of_reach"),
    (UNKNOWN, "unknown_ground"),
)


class Station(NamedTuple):
    """A place on the line: how far along it, and the rows and columns of the cells across its band there."""

    along_m: float
    row: Rows
    column: Rows


class LineCells(Record, eq=False):
    """A line as stations, every `STEP_M`; those outside the lattice are left out."""

    line_id: str
    length_m: float
    stations: tuple[Station, ...]


def line_cells(line_id: str, corners: Array, band_m: float, lattice: Lattice) -> LineCells:
    """The stations of a line, corners (K, 2); across it they reach as far as the line itself may be off."""
    steps = np.hypot(*np.diff(corners, axis=0).T)
    starts = np.concatenate([[0.0], np.cumsum(steps)])
    found = []
    for along in _middles(float(starts[-1])):
        k = min(int(np.searchsorted(starts, along, side="right")) - 1, len(steps) - 1)
        unit = (corners[k + 1] - corners[k]) / steps[k]
        place = corners[k] + (along - starts[k]) * unit
        reach = np.arange(-math.floor(2 * band_m / lattice.cell_m), math.floor(2 * band_m / lattice.cell_m) + 1)
        across = place + np.outer(reach * lattice.cell_m / 2, [unit[1], -unit[0]])
        row, column = lattice.cells_of(across[:, 0], across[:, 1])
        inside = lattice.holds(row, column)
        if inside.any():
            cells = np.unique(np.stack([row[inside], column[inside]]), axis=1)
            found.append(Station(along, cells[0], cells[1]))
    return LineCells(line_id=line_id, length_m=float(starts[-1]), stations=tuple(found))


def _middles(length_m: float) -> list[float]:
    """The middles of the steps that a line is cut into."""
    count = max(math.ceil(length_m / STEP_M), 1)
    middles: list[float] = ((np.arange(count) + 0.5) * length_m / count).tolist()
    return middles


def open_stretches(line: LineCells, coverage: Coverage, time_ns: int, least_m: float = 0.0) -> list[OpenStretch]:
    """The stretches of at least so many metres across which nobody looks now, the longest first.

    A place is open where no cell across the band is observed: who goes over the whole band there is not seen.
    """
    observed = coverage.observed(time_ns)
    last_ns = coverage.last_observed_ns(time_ns)
    half = line.length_m / max(math.ceil(line.length_m / STEP_M), 1) / 2
    open_places = [station for station in line.stations if not observed[station.row, station.column].any()]
    found = []
    for run in _runs(open_places, 2 * half):
        parts = _merged([_part(station, half, coverage, last_ns, time_ns) for station in run])
        start, end = parts[0].from_m, parts[-1].to_m
        if end - start >= least_m:
            found.append(
                OpenStretch(line_id=line.line_id, from_m=start, to_m=end, length_m=end - start, parts=tuple(parts))
            )
    return sorted(found, key=lambda stretch: -stretch.length_m)


def _runs(places: list[Station], step_m: float) -> Iterator[list[Station]]:
    """Stations that follow each other."""
    run: list[Station] = []
    for station in places:
        if run and station.along_m - run[-1].along_m > 1.5 * step_m:
            yield run
            run = []
        run.append(station)
    if run:
        yield run


def _part(station: Station, half_m: float, coverage: Coverage, last_ns: NDArray[np.int64], time_ns: int) -> OpenPart:
    """Why nobody looks at one station."""
    found = min((_why(station, eye, coverage) for eye in coverage.eyes.values()), default=_NOBODY, key=_rank)
    seen_ns = int(last_ns[station.row, station.column].max())
    return OpenPart(
        from_m=station.along_m - half_m,
        to_m=station.along_m + half_m,
        reason=found.reason,
        remedy=REMEDIES[found.reason],
        camera_id=found.camera_id,
        trouble=found.trouble,
        since_ns=found.since_ns,
        turn_deg=found.turn_deg,
        unseen_s=None if seen_ns == NEVER_NS else (time_ns - seen_ns) / 1e9,
    )


class _Why(NamedTuple):
    reason: OpenReason
    range_m: float
    camera_id: str | None = None
    trouble: str = ""
    since_ns: int | None = None
    turn_deg: float | None = None


_NOBODY: Final = _Why("out_of_reach", math.inf)


def _rank(why: _Why) -> tuple[int, float]:
    """What is easiest to mend comes first, then the nearest camera."""
    return list(REMEDIES).index(why.reason), why.range_m


def _why(station: Station, eye: Eye, coverage: Coverage) -> _Why:
    """Why one camera does not look at a station, by the cell that it would see best."""
    cells = station.row, station.column
    enough = coverage.settings.enough
    range_m = float(np.nanmin(np.append(eye.shed.range_m[cells], np.inf)))
    trouble = coverage.trouble(eye.camera.id)
    if coverage.chance(eye, cells).max() >= enough and trouble is not None:
        return _Why("camera_down", range_m, eye.camera.id, trouble.what, trouble.since_ns)
    if eye.chance[cells].max() >= enough:
        return _Why("weather", range_m, eye.camera.id)
    status = eye.shed.status[cells]
    if (status == SEEN).any():
        return _Why("too_far", range_m, eye.camera.id)
    if (status == OUT_OF_FIELD).any():
        best = int(eye.could[cells].argmax())
        if eye.could[cells][best] >= enough:
            turn = _turn_deg(eye, coverage.lattice, int(station.row[best]), int(station.column[best]))
            return _Why("out_of_field", range_m, eye.camera.id, turn_deg=turn)
        return _Why("dead_ground" if not eye.shed.clear[cells].any() else "too_far", range_m, eye.camera.id)
    reason = next(word for code, word in _STATUS_REASON if (status == code).any())
    return _Why(reason, range_m, eye.camera.id)


def _turn_deg(eye: Eye, lattice: Lattice, row: int, column: int) -> float:
    """How far a camera must turn, clockwise above 0, to have a cell's azimuth in the middle of its picture."""
    east = lattice.west_m + (column + 0.5) * lattice.cell_m - eye.view.origin[0]
    north = lattice.north_m - (row + 0.5) * lattice.cell_m - eye.view.origin[1]
    azimuth_deg = math.degrees(math.atan2(east, north))
    return (azimuth_deg - eye.view.pose.azimuth_deg + 180) % 360 - 180


def _merged(parts: list[OpenPart]) -> list[OpenPart]:
    """Neighbours with the same reason and camera as one; what was never observed is kept apart."""
    runs: list[list[OpenPart]] = []
    for part in parts:
        if runs and _alike(runs[-1][-1]) == _alike(part):
            runs[-1].append(part)
        else:
            runs.append([part])
    return [_joined(run) for run in runs]


def _alike(part: OpenPart) -> tuple[object, ...]:
    return part.reason, part.camera_id, part.trouble, part.since_ns, part.unseen_s is None


def _joined(run: list[OpenPart]) -> OpenPart:
    """One part for all: the least turn that centres one of them, the longest time without a look."""
    first = run[0]
    turns = [part.turn_deg for part in run if part.turn_deg is not None]
    unseen = [part.unseen_s for part in run if part.unseen_s is not None]
    return OpenPart(
        from_m=first.from_m,
        to_m=run[-1].to_m,
        reason=first.reason,
        remedy=first.remedy,
        camera_id=first.camera_id,
        trouble=first.trouble,
        since_ns=first.since_ns,
        turn_deg=min(turns, key=abs) if turns else None,
        unseen_s=max(unseen) if unseen else None,
    )
