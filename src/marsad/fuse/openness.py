"""Which stretches of the line nobody looks at now, why, and what would mend it."""

import math
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marsad.fuse.coverage import NEVER_NS, Coverage, Eye
from marsad.geo.geodesy import Array
from marsad.geo.viewshed import HIDDEN, OUT_OF_FIELD, OUT_OF_REACH, SEEN
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
_ORDER: Final = tuple(REMEDIES)
_RANK_M: Final = 1e7


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
    told = _told(open_places, half, coverage, last_ns, time_ns)
    found = []
    for run in _runs(told, 2 * half):
        parts = _merged(run)
        start, end = parts[0].from_m, parts[-1].to_m
        if end - start >= least_m:
            found.append(
                OpenStretch(line_id=line.line_id, from_m=start, to_m=end, length_m=end - start, parts=tuple(parts))
            )
    return sorted(found, key=lambda stretch: -stretch.length_m)


def _runs(places: list[OpenPart], step_m: float) -> Iterator[list[OpenPart]]:
    """Places that follow each other."""
    run: list[OpenPart] = []
    for place in places:
        if run and place.from_m - run[-1].from_m > 1.5 * step_m:
            yield run
            run = []
        run.append(place)
    if run:
        yield run


def _told(
    places: list[Station], half_m: float, coverage: Coverage, last_ns: NDArray[np.int64], time_ns: int
) -> list[OpenPart]:
    """Why nobody looks at each station."""
    if not places:
        return []
    cells = np.concatenate([each.row for each in places]), np.concatenate([each.column for each in places])
    starts = np.cumsum([0, *(len(each.row) for each in places[:-1])])
    seen_ns = np.maximum.reduceat(last_ns[cells], starts)
    eyes = list(coverage.eyes.values())
    ranks = np.array([_ranked(eye, coverage, cells, starts) for eye in eyes]).reshape(-1, len(places))
    nobody = np.full((1, len(places)), _rank("out_of_reach", math.inf))
    chosen = np.concatenate([ranks, nobody]).argmin(axis=0)
    parts = []
    for k, station in enumerate(places):
        eye = eyes[chosen[k]] if chosen[k] < len(eyes) else None
        reason: OpenReason = "out_of_reach" if eye is None else _ORDER[int(ranks[chosen[k], k] // _RANK_M)]
        unseen_s = None if seen_ns[k] == NEVER_NS else (time_ns - int(seen_ns[k])) / 1e9
        parts.append(_part(station, half_m, reason, eye, coverage, unseen_s))
    return parts


def _part(
    station: Station, half_m: float, reason: OpenReason, eye: Eye | None, coverage: Coverage, unseen_s: float | None
) -> OpenPart:
    trouble = coverage.trouble(eye.camera.id) if eye is not None and reason == "camera_down" else None
    return OpenPart(
        from_m=station.along_m - half_m,
        to_m=station.along_m + half_m,
        reason=reason,
        remedy=REMEDIES[reason],
        camera_id=None if eye is None else eye.camera.id,
        trouble="" if trouble is None else trouble.what,
        since_ns=None if trouble is None else trouble.since_ns,
        turn_deg=_turn_deg(eye, coverage.lattice, station) if eye is not None and reason == "out_of_field" else None,
        unseen_s=unseen_s,
    )


def _rank(reason: OpenReason, range_m: float) -> float:
    """What is easiest to mend comes first, then the nearest camera."""
    return _ORDER.index(reason) * _RANK_M + min(range_m, 0.9 * _RANK_M)


def _ranked(eye: Eye, coverage: Coverage, cells: tuple[Rows, Rows], starts: NDArray[np.intp]) -> Array:
    """The rank (N,) of why one camera does not look at each station, by the cell that it would see best."""

    def most(values: NDArray[Any]) -> NDArray[Any]:
        found: NDArray[Any] = np.maximum.reduceat(values, starts)
        return found

    enough, status = coverage.settings.enough, eye.shed.status[cells]
    down = coverage.trouble(eye.camera.id) is not None
    beside = most(status == OUT_OF_FIELD)
    near_m = -most(-np.where(np.isnan(eye.shed.range_m[cells]), np.inf, eye.shed.range_m[cells]))
    cases: list[tuple[NDArray[np.bool_], OpenReason]] = [
        ((most(coverage.chance(eye, cells)) >= enough) & down, "camera_down"),
        (most(eye.chance[cells]) >= enough, "weather"),
        (most(status == SEEN), "too_far"),
        (beside & (most(eye.could[cells]) >= enough), "out_of_field"),
        (beside & most(eye.shed.clear[cells]), "too_far"),
        (beside | most(status == HIDDEN), "dead_ground"),
        (most(status == OUT_OF_REACH), "out_of_reach"),
    ]
    unknown = _ORDER.index("unknown_ground")
    order = np.select([case for case, _ in cases], [_ORDER.index(reason) for _, reason in cases], unknown)
    ranked: Array = order * _RANK_M + np.minimum(near_m, 0.9 * _RANK_M)
    return ranked


def _turn_deg(eye: Eye, lattice: Lattice, station: Station) -> float:
    """How far a camera must turn, clockwise above 0, to have a station's best cell in the middle of its picture."""
    best = int(eye.could[station.row, station.column].argmax())
    east = lattice.west_m + (station.column[best] + 0.5) * lattice.cell_m - eye.view.origin[0]
    north = lattice.north_m - (station.row[best] + 0.5) * lattice.cell_m - eye.view.origin[1]
    azimuth_deg = math.degrees(math.atan2(east, north))
    return float((azimuth_deg - eye.view.pose.azimuth_deg + 180) % 360 - 180)


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
