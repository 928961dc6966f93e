"""Square cells over a site, on which everything that is told of ground rather than of objects is kept."""

from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import ArrayLike, NDArray

from marsad.kernel.record import Record

Array = NDArray[np.float64]


class Lattice(Record):
    """Square cells in the site's ENU frame, row 0 in the north.

    The centre of cell (row, column) lies at east = `west_m` + (column + 0.5) * `cell_m`,
    north = `north_m` - (row + 0.5) * `cell_m`.
    """

    west_m: float
    north_m: float
    cell_m: Annotated[float, Meta(gt=0)]
    rows: Annotated[int, Meta(ge=1)]
    columns: Annotated[int, Meta(ge=1)]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.columns

    @property
    def cell_km2(self) -> float:
        """The area of one cell."""
        return (self.cell_m / 1000) ** 2

    def centres(self) -> tuple[Array, Array]:
        """East and north of every cell's centre, each (rows, columns)."""
        east = self.west_m + (np.arange(self.columns) + 0.5) * self.cell_m
        north = self.north_m - (np.arange(self.rows) + 0.5) * self.cell_m
        across, down = np.meshgrid(east, north)
        return across, down

    def cells_of(self, east_m: ArrayLike, north_m: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of the cells that hold points, also of points outside the lattice."""
        column = np.floor((np.asarray(east_m, float) - self.west_m) / self.cell_m).astype(np.int64)
        row = np.floor((self.north_m - np.asarray(north_m, float)) / self.cell_m).astype(np.int64)
        return row, column

    def holds(self, row: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which cells are the lattice's own."""
        inside: NDArray[np.bool_] = (row >= 0) & (row < self.rows) & (column >= 0) & (column < self.columns)
        return inside
