"""The ground along a line: how far each cell lies from it, on which side, and where towers are worth trying."""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import gaussian_filter

from marsad.kernel.lattice import Lattice
from marsad.plan.crossing import Array
from marsad.plan.sector import Site
from marsad.plan.siting import Choice

_SMOOTH_M = 800.0
_SPREAD = 0.75
_CLOSER = 0.95
_TIE_M = 1e-6


class Beside(NamedTuple):
    """Of places by a line: metres inside it (negative outside), metres along it, and whether they lie past its ends."""

    offset_m: Array
    along_m: Array
    past: Choice


def beside(corners: Array, east_m: ArrayLike, north_m: ArrayLike, *, inside_right: bool) -> Beside:
    """How places lie to a line of corners (K, 2), east and north in order."""
    places = np.stack(np.broadcast_arrays(np.asarray(east_m, float), np.asarray(north_m, float)), axis=-1)
    nearest = np.full(places.shape[:-1], math.inf)
    upright, right = np.zeros_like(nearest), np.zeros_like(nearest)
    along: Array = np.zeros_like(nearest)
    past: Choice = np.zeros(nearest.shape, np.bool_)
    before = 0.0
    for number, (start, end) in enumerate(pairwise(corners)):
        length = float(np.hypot(*(end - start)))
        ahead = (end - start) / length
        on = (places - start) @ ahead
        across = (places - start) @ np.array([ahead[1], -ahead[0]])
        away = np.hypot(across, on - np.clip(on, 0.0, length))
        # At a corner both stretches are equally near; the one that the place lies more upright to knows the side.
        tied = (np.abs(away - nearest) <= _TIE_M) & (np.abs(across) > upright)
        taken = (away < nearest - _TIE_M) | tied
        beyond = ((on < 0) & (number == 0)) | ((on > length) & (number == len(corners) - 2))
        along = np.where(taken, before + np.clip(on, 0.0, length), along)
        upright, right = np.where(taken, np.abs(across), upright), np.where(taken, across, right)
        past = np.where(taken, beyond, past).astype(np.bool_)
        nearest = np.minimum(nearest, away)
        before += length
    side = np.where(right >= 0, 1.0, -1.0) * (1.0 if inside_right else -1.0)
    return Beside(offset_m=side * nearest, along_m=along, past=past)


def sector_lattice(corners: Array, depth_m: float, cell_m: float) -> Lattice:
    """Cells over all ground within a depth of a line, with two to spare."""
    low, high = corners.min(axis=0) - depth_m - 2 * cell_m, corners.max(axis=0) + depth_m + 2 * cell_m
    columns, rows = np.ceil((high - low) / cell_m).astype(int)
    return Lattice(west_m=float(low[0]), north_m=float(high[1]), cell_m=cell_m, rows=int(rows), columns=int(columns))


def spread_sites(lattice: Lattice, height_m: Array, beside_line: Beside, count: int, band_m: float) -> list[Site]:
    """High places within a band of the line, no two close to each other, at most so many.

    A place is high by how far it rises over what lies around it.
    """
    known = ~np.isnan(height_m)
    level = np.where(known, height_m, np.nanmean(height_m) if known.any() else 0.0)
    rise = np.where(known, level - gaussian_filter(level, _SMOOTH_M / lattice.cell_m), -math.inf).ravel()
    cells = np.flatnonzero((known & ~beside_line.past & (np.abs(beside_line.offset_m) < band_m)).ravel())
    cells = cells[np.argsort(-rise[cells], kind="stable")]
    east, north = (axis.ravel()[cells] for axis in lattice.centres())
    apart = math.sqrt(max(len(cells), 1) * lattice.cell_m**2 / count) * _SPREAD
    chosen = _apart(east, north, apart, count)
    while len(chosen) < min(count, len(cells)):
        apart *= _CLOSER
        chosen = _apart(east, north, apart, count)
    return [Site(float(east[place]), float(north[place])) for place in chosen]


def _apart(east: Array, north: Array, apart_m: float, count: int) -> list[int]:
    """The first places, in their order, of which none is nearer to another."""
    chosen: list[int] = []
    free = np.ones(len(east), np.bool_)
    while len(chosen) < count and free.any():
        place = int(np.argmax(free))
        chosen.append(place)
        free &= np.hypot(east - east[place], north - north[place]) >= apart_m
        free[place] = False
    return chosen
