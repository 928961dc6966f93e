"""The empty scene as one camera sees it: how warm every pixel is, how far, and how much a fence veils it."""

import numpy as np
from numpy.typing import NDArray

from marsad.geo.ground import GroundLookup
from marsad.kernel.record import Record
from marsad.simulate.weather import Air


class Backdrop(Record, eq=False):
    """All of a scene that stands still; arrays are (H, W) float32, before the lens.

    `kelvin` is the apparent temperature behind the air, fence included; `range_m` how far what is seen stands (inf for
    the sky), the fence left out. `veil` is the share of each pixel that a fence hides and `veil_range_m` how far that
    fence stands (inf where there is none): what moves behind it is seen by the rest. `water` is the share of each
    pixel that is open water.
    """

    kelvin: NDArray[np.float32]
    range_m: NDArray[np.float32]
    veil: NDArray[np.float32]
    veil_range_m: NDArray[np.float32]
    water: NDArray[np.float32]
    air: Air
    lookup: GroundLookup
