"""What the plan's own model says of any way, whether or not it was looked at when the plan was made."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from marsad.geo.elevation import Surface
from marsad.geo.mobility import Mobility
from marsad.kernel.lattice import Lattice
from marsad.plan.crossing import Array
from marsad.plan.sector import PARTS, rated

_PIECES = 4
_LEAST_EASE = 0.05


class Hurdle(NamedTuple):
    """A barrier on a way: how far along it, how long it holds, at which rate one is seen then, and its sensors."""

    along_m: float
    held_s: float
    rate: float
    crossing: float


class _Pieces(NamedTuple):
    """A way in pieces: how far along each begins and ends, how long it takes, and what the rate on it is."""

    along_m: Array
    seconds: Array
    rate: Array


class Ground(NamedTuple):
    """The plan's cells, the ground itself, and by cell what its surface leaves of the speed (None: all of it)."""

    lattice: Lattice
    surface: Surface
    ease: Array | None = None


def foretold(ground: Ground, rates: Array, way: Array, mobility: Mobility) -> float:
    """The probability of detection (`rates` per second at rated points) along the corners (K, 2) of a way.

    Infinite slowness aside, it is reckoned as the ways of a passage are: in steps of a cell, for the time that the
    slope between their ends takes, at the rates of the points that they lead over.
    """
    pieces = _pieces(ground, rates, way, mobility)
    return -math.expm1(-float(pieces.seconds @ pieces.rate))


def stopped(
    ground: Ground, rates: Array, way: Array, mobility: Mobility, hurdles: Sequence[Hurdle],
    answered: Callable[[Array], Array],
) -> float:  # fmt: skip
    """The probability of interruption along a way: noticed first, and `answered` within the time left then."""
    pieces = _pieces(ground, rates, way, mobility)
    seconds, exposure = pieces.seconds, pieces.seconds * pieces.rate
    for hurdle in sorted(hurdles, reverse=True):
        at = int(np.searchsorted(pieces.along_m[1:-1], hurdle.along_m))
        held = np.full(_PIECES, hurdle.held_s / _PIECES)
        seconds = np.insert(seconds, at, [0.0, *held])
        exposure = np.insert(exposure, at, [hurdle.crossing, *(held * hurdle.rate)])
    left = np.cumsum(seconds[::-1])[::-1] - seconds / 2
    unseen = np.exp(-np.concatenate([[0.0], np.cumsum(exposure)]))
    return float((unseen[:-1] - unseen[1:]) @ answered(left))


def _pieces(ground: Ground, rates: Array, way: Array, mobility: Mobility) -> _Pieces:
    lattice = ground.lattice
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))])
    along = np.linspace(0.0, lengths[-1], max(2, math.ceil(lengths[-1] / lattice.cell_m) + 1))
    east, north = (np.interp(along, lengths, places) for places in way.T)
    slopes = np.diff(ground.surface.up_m(east, north)) / np.diff(along)
    seconds = np.diff(along) / np.array([mobility.speed_m_s(slope) for slope in slopes])
    if ground.ease is not None:
        # A walk may touch a cell whose middle nobody gets through.
        slow = 1 / np.maximum(_at_places(lattice, ground.ease, east, north, 1.0), _LEAST_EASE)
        seconds = seconds * (slow[:-1] + slow[1:]) / 2
    finer = np.interp(np.arange(PARTS * len(seconds) + 1) / PARTS, np.arange(len(along)), along)
    east, north = (np.interp(finer, lengths, places) for places in way.T)
    at = _at_places(rated(lattice), rates, east, north, 0.0)
    return _Pieces(finer, np.repeat(seconds / PARTS, PARTS), (at[:-1] + at[1:]) / 2)


def _at_places(lattice: Lattice, values: Array, east_m: Array, north_m: Array, outside: float) -> Array:
    """What the cells hold that places lie in."""
    rows, columns = lattice.cells_of(east_m, north_m)
    held = lattice.holds(rows, columns)
    return np.where(held, values.ravel()[np.where(held, rows * lattice.columns + columns, 0)], outside)
