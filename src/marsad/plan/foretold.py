"""What the plan's own model says of any way, whether or not it was looked at when the plan was made."""

import math

import numpy as np

from marsad.geo.elevation import Surface
from marsad.geo.mobility import Mobility
from marsad.kernel.lattice import Lattice
from marsad.plan.crossing import Array


def foretold(lattice: Lattice, surface: Surface, rates: Array, way: Array, mobility: Mobility) -> float:
    """The probability of detection (`rates` per second by cell) along the corners (K, 2) of a way, in steps of a cell.

    Infinite slowness aside, it is reckoned as the ways of a passage are: the mean rate of both ends, for the time that
    the slope between them takes.
    """
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))])
    along = np.linspace(0.0, lengths[-1], max(2, math.ceil(lengths[-1] / lattice.cell_m) + 1))
    east, north = (np.interp(along, lengths, places) for places in way.T)
    slopes = np.diff(surface.up_m(east, north)) / np.diff(along)
    seconds = np.diff(along) / np.array([mobility.speed_m_s(slope) for slope in slopes])
    rows, columns = lattice.cells_of(east, north)
    held = lattice.holds(rows, columns)
    at = np.where(held, rates.ravel()[np.where(held, rows * lattice.columns + columns, 0)], 0.0)
    return -math.expm1(-float((seconds * (at[:-1] + at[1:]) / 2).sum()))
