"""Cells and their centres."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from marsad.kernel.lattice import Lattice


@given(st.floats(-1e5, 1e5), st.floats(-1e5, 1e5), st.floats(0.5, 500), st.integers(1, 40), st.integers(1, 40))
def test_every_centre_lies_in_its_own_cell(west: float, north: float, cell: float, rows: int, columns: int) -> None:
    lattice = Lattice(west_m=west, north_m=north, cell_m=cell, rows=rows, columns=columns)
    row, column = lattice.cells_of(*lattice.centres())
    assert np.array_equal(row, np.repeat(np.arange(rows), columns).reshape(lattice.shape))
    assert np.array_equal(column, np.tile(np.arange(columns), rows).reshape(lattice.shape))
    assert lattice.holds(row, column).all()


def test_what_lies_outside_is_told_and_not_held() -> None:
    lattice = Lattice(west_m=0.0, north_m=100.0, cell_m=10.0, rows=10, columns=5)
    row, column = lattice.cells_of([-1.0, 55.0, 25.0, 25.0], [50.0, 50.0, 101.0, -1.0])
    assert not lattice.holds(row, column).any()
    assert lattice.cell_km2 == 1e-4
