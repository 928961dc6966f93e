"""Both viewsheds against the arrays that the authors of GDAL's viewshed worked out by hand.

Each array tells the least height above the ground at which something is seen at each post, on a plane, from the ground
itself. In units of 30 m, with refraction 1, which lets sight bend with the earth, ours are the same at every post, off
the rows and diagonals too: between two posts the ground is linear there, as GDAL takes it. What it tells in its other
cases does not apply: eyes beyond the raster (refused here, the ground there is not known), its masks by direction and
pitch (a camera's lens here), its probability from a raster of errors (draws here), and its farthest distance, whose
circle leaves out posts above and below that are within it.

Source: GDAL (MIT licence), autotest/cpp/test_viewshed.cpp by Andrew Bell: `simple_height` and `dem_vs_ground`.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
import pytest
from pyproj import Transformer

from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.quick_viewshed import quick_viewshed
from marsad.geo.sight import clear_many
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.position import Position

UNIT_M = 30.0
EYE = 1e-3
"""Units above the ground: on it, every line would begin inside it."""
TRIED = np.arange(0, 10, 0.01)
TO_DEGREES = Transformer.from_crs("EPSG:32638", "EPSG:4326", always_xy=True)
EAST_M, NORTH_M = 500_000.0, 3_800_000.0


class Case(NamedTuple):
    """Heights, the observer's row and column, and the least height above the ground that is seen at each post."""

    ground: list[list[float]]
    observer: tuple[int, int]
    needed: list[list[float | Fraction]]


CASES = [
    Case(
        [[-1, 0, 1, 0, -1], [-1, 2, 0, 4, -1], [-1, 1, 0, -1, -1], [0, 3, 0, 2, 0], [-1, 0, 0, 3, -1]],
        (2, 2),
        [[5, 2, 0, 4, 9], [4, 0, 0, 0, 4], [3, 0, 0, 0, 0], [4, 0, 0, 0, 1], [7, 3, 0, 0, 5]],
    ),
    Case([[0, 0, 0, 1, 0, 0, 0, 0]], (0, 2), [[0, 0, 0, 0, 2, 3, 4, 5]]),
    Case([[1, 1, 0, 1, 0, 1, 2, 2]], (0, 3), [[0, 0, 0, 0, 0, 0, 0, Fraction(1, 3)]]),
    Case(
        [[0, 0, 0, 1, 1, 0, 0, 0]],
        (0, 0),
        [[0, 0, 0, 0, Fraction(1, 3), Fraction(5, 3), 2, Fraction(7, 3)]],
    ),
    Case([[0, 0, 1, 2, 3, 4, 5, 6]], (0, 0), [[0, 0, 0, 0, 0, 0, 0, 0]]),
    Case([[0, 0, 1, 1, 3, 4, 5, 4]], (0, 0), [[0, 0, 0, Fraction(1, 2), 0, 0, 0, Fraction(11, 6)]]),
]


def lying(case: Case) -> Surface:
    """The ground of a case, a post wider on every side, with the observer at the origin."""
    heights = np.pad(np.array(case.ground), 1, mode="edge") * UNIT_M
    row, column = case.observer
    grid = ElevationGrid(
        crs="EPSG:32638", west=EAST_M - (column + 1.5) * UNIT_M, north=NORTH_M + (row + 1.5) * UNIT_M,
        step_x=UNIT_M, step_y=UNIT_M, height_m=heights.astype(np.float32),
    )  # fmt: skip
    longitude, latitude = TO_DEGREES.transform(EAST_M, NORTH_M)
    return Surface(grid, EnuFrame(Position(latitude_deg=latitude, longitude_deg=longitude)), 400.0)


@pytest.mark.parametrize("case", CASES)
def test_sight_lines_need_the_heights_that_gdal_worked_out(case: Case) -> None:
    surface = lying(case)
    eye = np.array([0.0, 0.0, float(surface.up_m(0.0, 0.0)) + EYE * UNIT_M])
    for (row, column), expected in np.ndenumerate(np.array(case.needed, float)):
        east = (column - case.observer[1]) * UNIT_M
        north = (case.observer[0] - row) * UNIT_M
        longitude, latitude = TO_DEGREES.transform(EAST_M + east, NORTH_M + north)
        height = case.ground[row][column] * UNIT_M
        foot = np.array([float(axis) for axis in surface.frame.from_geodetic(latitude, longitude, height)])
        targets = foot + TRIED[:, None] * (0.0, 0.0, UNIT_M)
        clear = clear_many(surface.arrays, eye, np.array([0.0, 0.0, 1.0]), targets, 1.0)
        assert TRIED[np.argmax(clear)] == pytest.approx(expected, abs=0.015)


@pytest.mark.parametrize("case", CASES)
def test_the_quick_map_needs_the_same(case: Case) -> None:
    surface, needed = lying(case), np.array(case.needed, float)

    def seen(height: float) -> np.ndarray:
        shed = quick_viewshed(surface, 0.0, 0.0, EYE * UNIT_M, reach_m=380.0, target_m=height * UNIT_M, refraction=1.0)
        return shed.seen[1:-1, 1:-1]

    for height in np.unique(needed):
        assert seen(height + 0.015)[needed == height].all()
        assert height == 0 or not seen(height - 0.015)[needed == height].any()
