"""A sector of ground as what siting needs: the ways across it, and what a tower at a place adds to their exposure."""

import math
from collections.abc import Sequence
from typing import Annotated, Final, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta
from scipy.sparse import csr_array, hstack

from marsad.geo.elevation import Surface
from marsad.geo.mobility import Mobility
from marsad.geo.viewshed import ranges_from, viewshed_from
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.record import Record
from marsad.plan.crossing import Array, Passage, Places, passage
from marsad.plan.search_camera import PERSON_M, SearchCamera, detection_rate
from marsad.plan.siting import Order

_STEPS: Final = tuple((down, across) for down in range(-2, 3) for across in range(-2, 3) if math.gcd(down, across) == 1)
_GATE_CELLS = 1.2
_FAINTEST = 1e-5
PARTS: Final = 3
"""What is seen is asked so many times along a cell's side: somebody by the edge of it is seen or not all along it."""


class TowerKind(Record):
    """Something that carries a camera: how high, which camera, at what cost."""

    name: Annotated[str, Meta(min_length=1)]
    mast_m: Annotated[float, Meta(ge=0)]
    camera: SearchCamera
    cost: Annotated[float, Meta(ge=0)]


class Site(NamedTuple):
    """A place in the site's frame where something may be built."""

    east_m: float
    north_m: float


class Stretches(NamedTuple):
    """Where along the line each cell lies (rows, columns), and where the stretches that barriers come in begin.

    Whoever is held up is seen as from one of so many `pieces` of the line, each as long as a `rated` cell.
    """

    along_m: Array
    begin_m: Array
    pieces: int


class Waits(NamedTuple):
    """Where somebody may be held up, spots (pieces, spots, 2) east and north on the line, and how long at most."""

    spots: Array
    held_s: float


def ways_across(
    lattice: Lattice, height_m: Array, offset_m: Array, depth_m: float, mobility: Mobility, *,
    until_m: tuple[float, float] | None = None, stretches: Stretches | None = None, ease: Array | None = None,
    parts: int = PARTS,
) -> tuple[Passage, Passage]:  # fmt: skip
    """The passages in and out over a line: steps to 16 neighbours, at the walker's speed on each slope.

    Rates are given at the centres of `rated(lattice, parts)`, over which the steps lead, and at the pieces of the line
    where barriers hold up; `parts` is odd.

    `offset_m` (rows, columns) is how far inside the line each cell lies, negative outside. A way in leads from
    `depth_m` outside to as far inside; one out, back; or only so far beyond the line, in and out, as `until_m` says.
    Steps over the line cross the barrier of their stretch, where there are any. `ease` (rows, columns) is what the
    surface leaves of the speed, 0 where nobody gets through; all 1 by default.

    Raises: InputError where no cell lies deep enough on either side.
    """
    tails, heads, seconds = _arcs(lattice, height_m, mobility, np.ones(lattice.shape) if ease is None else ease)
    over, finer = _over(lattice, tails, heads, parts), rated(lattice, parts)
    flat = np.where(np.isnan(height_m), np.nan, offset_m).ravel()
    gates = np.flatnonzero(np.abs(flat) <= _GATE_CELLS * lattice.cell_m).astype(np.int32)
    # A line may run along a river: its gates are there, though no way leads through; nobody begins or ends in it.
    flat = flat if ease is None else np.where(ease.ravel() > 0, flat, np.nan)
    until_in, until_out = until_m or (depth_m, depth_m)
    outside, inside = (np.flatnonzero(side >= depth_m).astype(np.int32) for side in (-flat, flat))
    into, out = (np.flatnonzero(side >= end).astype(np.int32) for side, end in ((flat, until_in), (-flat, until_out)))
    if not (len(outside) and len(inside) and len(gates)):
        raise InputError(
            f"no known ground that somebody gets over lies {depth_m:.0f} m on both sides of the line: widen the "
            "sector's ground"
        )
    barriers, waits, points = _barriers(finer, tails, heads, offset_m.ravel(), stretches)
    there, back = (
        passage(
            tails,
            heads,
            seconds,
            barriers,
            ends=(*ends, gates),
            places=flat.size,
            points=points,
            over=over,
            waits=waits,
        )
        for ends in ((outside, into), (inside, out))
    )
    return there, back


def rated(lattice: Lattice, parts: int = PARTS) -> Lattice:
    """The smaller cells at whose centres rates are given, so many to a cell's side."""
    return msgspec.structs.replace(
        lattice, cell_m=lattice.cell_m / parts, rows=lattice.rows * parts, columns=lattice.columns * parts
    )


def in_cells(lattice: Lattice, seen: csr_array) -> csr_array:
    """(options, cells) the mean rate in each cell, from those (options, points and more) at `rated` points."""
    points = np.arange(lattice.rows * lattice.columns * PARTS**2)
    row, column = np.divmod(points, lattice.columns * PARTS)
    cells = row // PARTS * lattice.columns + column // PARTS
    mean = csr_array((np.full(len(points), 1 / PARTS**2), (points, cells)))
    return csr_array(seen[:, : len(points)] @ mean)


def _over(lattice: Lattice, tails: Places, heads: Places, parts: int) -> Places:
    """(steps, points) the rated points that each step leads over, from the centre of its cell to the next one's."""
    columns, middle = lattice.columns * parts, parts // 2
    first, last = (
        (cells // lattice.columns * parts + middle) * columns + cells % lattice.columns * parts + middle
        for cells in (tails.astype(np.int64), heads.astype(np.int64))
    )
    over: Places = (first[:, None] + (last - first)[:, None] // parts * np.arange(parts + 1)).astype(np.int32)
    return over


def _barriers(
    finer: Lattice, tails: Places, heads: Places, offset_m: Array, stretches: Stretches | None
) -> tuple[Places, Places, int]:
    """The barrier that each step crosses, beyond the points, or -1; where whoever it holds up is; how many points."""
    points = finer.rows * finer.columns
    if stretches is None:
        return np.full(len(tails), -1, np.int32), np.zeros((len(tails), 1), np.int32), points
    along = stretches.along_m.ravel()
    middle = (along[tails] + along[heads]) / 2
    crosses = (offset_m[tails] >= 0) != (offset_m[heads] >= 0)
    number = points + stretches.pieces + np.maximum(np.searchsorted(stretches.begin_m, middle, side="right") - 1, 0)
    waits = points + piece_of(middle, finer.cell_m, stretches.pieces)
    return np.where(crosses, number, -1).astype(np.int32), waits[:, None].astype(np.int32), points + stretches.pieces


def piece_of(along_m: Array, piece_m: float, pieces: int) -> Order:
    """The number of the line's piece at so many metres along it."""
    return np.clip((np.asarray(along_m) / piece_m).astype(np.int64), 0, pieces - 1)


def exposures(
    surface: Surface, lattice: Lattice, sites: Sequence[Site], kinds: Sequence[TowerKind], size_m: float = PERSON_M,
    waits: Waits | None = None,
) -> csr_array:  # fmt: skip
    """The detection rate per second (sites x kinds, `rated` points) of every kind of tower at every site, site by site.

    `size_m` is the square root of the area of who is looked for. After those of the cells come the pieces of the line
    where somebody `waits`.
    """
    starts, points, rates = [0], [], []
    finer = rated(lattice)
    for site in sites:
        for kind in kinds:
            seen, rate = _seen(surface, finer, site, kind, size_m)
            points.append(seen)
            rates.append(rate)
            starts.append(starts[-1] + len(seen))
    shape = (len(sites) * len(kinds), finer.rows * finer.columns)
    over = csr_array((np.concatenate(rates), np.concatenate(points), np.array(starts)), shape=shape)
    if waits is None:
        return over
    held = [_held_up(surface, site, kind, waits, size_m) for site in sites for kind in kinds]
    return csr_array(hstack([over, csr_array(np.array(held))]))


def _held_up(surface: Surface, site: Site, kind: TowerKind, waits: Waits, size_m: float) -> Array:
    """(pieces,) the rate for somebody who is held up somewhere in each piece of the line."""
    reach = kind.camera.reach_m
    spots = waits.spots.reshape(-1, 2)
    range_m = np.full(len(spots), math.inf)
    near = np.hypot(*(spots - site).T) <= reach
    range_m[near] = ranges_from(surface, site.east_m, site.north_m, kind.mast_m, spots[near], reach_m=reach)
    return unfound_rate(detection_rate(kind.camera, range_m, size_m).reshape(waits.spots.shape[:2]), waits.held_s)


def unfound_rate(rates: Array, seconds: float) -> Array:
    """(pieces,) the rate that leaves as many unfound after so long as those (pieces, spots) of its spots do.

    Somebody who stays at one spot is seen there or not, however much of what lies around him is seen.
    """
    found: Array = -np.log(np.exp(-rates * seconds).mean(axis=1)) / seconds
    return np.where(found > _FAINTEST, found, 0.0)


def _seen(surface: Surface, lattice: Lattice, site: Site, kind: TowerKind, size_m: float) -> tuple[Order, Array]:
    """The cells whose centres a tower sees, and the rates there."""
    reach = kind.camera.reach_m
    first_row, first_column = lattice.cells_of(site.east_m - reach, site.north_m + reach)
    last_row, last_column = lattice.cells_of(site.east_m + reach, site.north_m - reach)
    top, left = max(int(first_row), 0), max(int(first_column), 0)
    bottom, right = min(int(last_row), lattice.rows - 1), min(int(last_column), lattice.columns - 1)
    if bottom < top or right < left:
        return np.empty(0, np.int64), np.empty(0)
    window = Lattice(
        west_m=lattice.west_m + left * lattice.cell_m,
        north_m=lattice.north_m - top * lattice.cell_m,
        cell_m=lattice.cell_m,
        rows=bottom - top + 1,
        columns=right - left + 1,
    )
    shed = viewshed_from(surface, site.east_m, site.north_m, kind.mast_m, window, reach_m=reach)
    found = detection_rate(kind.camera, np.nan_to_num(shed.range_m, nan=math.inf), size_m)
    rate = np.where(shed.seen, found, 0.0)
    rows, columns = np.nonzero(rate > _FAINTEST)
    return (rows + top) * lattice.columns + columns + left, rate[rows, columns]


def _arcs(lattice: Lattice, height_m: Array, mobility: Mobility, ease: Array) -> tuple[Places, Places, Array]:
    """Tails, heads and seconds of the steps between cells whose ground is known and not too steep."""
    rows, columns = np.indices(lattice.shape)
    with np.errstate(divide="ignore"):
        slow = 1 / ease
    parts = []
    for down, across in _STEPS:
        to_row, to_column = rows + down, columns + across
        held = lattice.holds(to_row, to_column)
        tails, heads = (rows * lattice.columns + columns)[held], (to_row * lattice.columns + to_column)[held]
        length = lattice.cell_m * math.hypot(down, across)
        slope = (height_m.ravel()[heads] - height_m.ravel()[tails]) / length
        slowed = np.exp(-mobility.slope_rate * (np.abs(slope + mobility.best_slope) - mobility.best_slope))
        factor = np.mean(
            [slow[rows[held] + down_by, columns[held] + by] for down_by, by in _passed(down, across)], axis=0
        )
        # False where a height is not known.
        open_ = (np.abs(slope) <= mobility.steepest) & np.isfinite(factor)
        seconds = length / (mobility.level_m_s * slowed) * factor
        parts.append((tails[open_], heads[open_], seconds[open_]))
    tails, heads, seconds = (np.concatenate(column) for column in zip(*parts, strict=True))
    return tails.astype(np.int32), heads.astype(np.int32), seconds


def _passed(down: int, across: int) -> list[tuple[int, int]]:
    """The cells whose surfaces a step has in equal parts: its ends, and of a knight's move those between them too."""
    ends = [(0, 0), (down, across)]
    if abs(down) + abs(across) < 3:
        return ends
    half = (down // 2, 0) if abs(down) == 2 else (0, across // 2)
    return [*ends, half, (down - half[0], across - half[1])]
