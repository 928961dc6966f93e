"""Heights of the ground on a regular grid."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.record import Record, read_only


class ElevationGrid(Record, eq=False):
    """Heights in metres, (rows, columns) float32, row 0 in the north, NaN where the ground is not known (a void).

    `crs` is what PROJ understands, best an authority code such as "EPSG:4326" or "EPSG:32611"; x runs east and y north
    whatever the axis order of the code. The centre of cell (row, column) lies at
    x = `west` + (column + 0.5) * `step_x`, y = `north` - (row + 0.5) * `step_y`, in that system's units (degrees or
    metres). `vertical` says what the heights are above.
    """

    crs: str
    west: float
    north: float
    step_x: float
    step_y: float
    height_m: NDArray[np.float32]
    vertical: str = "geoid"
    source: str = ""

    def __post_init__(self) -> None:
        """Freeze the heights."""
        msgspec.structs.force_setattr(self, "height_m", read_only(self.height_m))
