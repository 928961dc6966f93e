"""The ground under a site: grids sampled and joined, and one surface that the site's own frame can ask.

Heights are used as they come: where the files are above the geoid, so are the camera and all that is located, and the
site's frame treats them as heights above the ellipsoid. The two differ by a nearly constant few tens of metres over
a site, which moves everything up or down together and leaves directions and distances as they are (to 5 parts in a
million). No geoid model is needed, and none is shipped.
"""

import hashlib
import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from marsad.geo.geodesy import MEAN_RADIUS_M, Array, EnuFrame
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError
from marsad.kernel.position import Position

Heights = NDArray[np.float32]

MOSAIC_LIMIT_CELLS = 400_000_000
TOP_LEVEL = 6
CHART_TOLERANCE_M = 0.02
_VERTICAL_SCALE_M = 1000.0
_EXPONENTS = (
    *((i, j, 0) for i in range(5) for j in range(5 - i)),
    *((i, j, 1) for i in range(3) for j in range(3 - i)),
    (0, 0, 2),
    (0, 1, 2),
    (1, 0, 2),
)


def transformer(crs: str) -> Transformer:
    """From longitude and latitude (WGS84, degrees) to x east, y north of a reference system.

    Raises: InputError where PROJ does not know the system.
    """
    try:
        return Transformer.from_crs(CRS.from_epsg(4326), CRS.from_user_input(crs), always_xy=True)
    except CRSError as error:
        raise InputError(f"terrain reference system {crs!r} is not known; give an EPSG code") from error


def sample(grid: ElevationGrid, x: ArrayLike, y: ArrayLike) -> Array:
    """Heights at points of the grid's own system, bilinear between cell centres; NaN off the grid and beside a void."""
    column = (np.asarray(x, float) - grid.west) / grid.step_x - 0.5
    row = (grid.north - np.asarray(y, float)) / grid.step_y - 0.5
    return _bilinear(grid.height_m, column, row)


def _bilinear(heights: Heights, column: Array, row: Array) -> Array:
    """Bilinear heights at fractional cells; NaN outside and beside a void that carries any weight."""
    rows, columns = heights.shape
    column, row = _settled(column), _settled(row)
    inside = (column >= 0) & (row >= 0) & (column <= columns - 1) & (row <= rows - 1)
    left = np.clip(np.nan_to_num(column), 0, columns - 2).astype(np.int64)
    top = np.clip(np.nan_to_num(row), 0, rows - 2).astype(np.int64)
    x, y = column - left, row - top
    total = np.zeros(np.broadcast(column, row).shape)
    for step_row, step_column, weight in (
        (0, 0, (1 - x) * (1 - y)),
        (0, 1, x * (1 - y)),
        (1, 0, (1 - x) * y),
        (1, 1, x * y),
    ):
        corner = heights[top + step_row, left + step_column].astype(float)
        total = total + np.where(weight == 0, 0.0, weight * corner)
    return np.where(inside, total, np.nan)


def _settled(cell: Array) -> Array:
    """Fractional cells, those within a millionth of a cell's centre put onto it."""
    nearest = np.round(cell)
    return np.where(np.abs(cell - nearest) < 1e-6, nearest, cell)


def flat_grid(latitude_deg: float, longitude_deg: float, height_m: float, reach_m: float) -> ElevationGrid:
    """Ground of one height that follows the ellipsoid, at least `reach_m` in every direction."""
    cells = 2 * math.ceil(1.2 * reach_m / max(100.0, reach_m / 500)) + 1
    step_y = math.degrees(2.4 * reach_m / MEAN_RADIUS_M) / (cells - 1)
    step_x = step_y / max(math.cos(math.radians(latitude_deg)), 0.02)
    return ElevationGrid(
        crs="EPSG:4326",
        west=longitude_deg - step_x * cells / 2,
        north=latitude_deg + step_y * cells / 2,
        step_x=step_x,
        step_y=step_y,
        height_m=np.full((cells, cells), height_m, np.float32),
        vertical="site",
        source=f"flat at {height_m} m",
    )


def mosaic(grids: Sequence[ElevationGrid]) -> ElevationGrid:
    """One grid over all of them, on the first one's lattice; where several know the ground, the first named wins.

    Grids on the same lattice are copied cell for cell, others are sampled bilinearly. Raises: InputError for none at
    all, for mixed vertical references, or where the whole would hold more than 400 million cells.
    """
    if not grids:
        raise InputError("no elevation grid was given; name at least one terrain file")
    first = grids[0]
    if len(grids) == 1:
        return first
    if len({grid.vertical for grid in grids}) > 1:
        named = ", ".join(f"{grid.source or grid.crs}: {grid.vertical}" for grid in grids)
        raise InputError(f"terrain files are above different references ({named}); convert them to one")
    spans = np.array([_span(grid, first) for grid in grids])
    left, top = np.floor(spans[:, :2].min(axis=0) + 1e-6).astype(int)
    right, bottom = np.ceil(spans[:, 2:].max(axis=0) - 1e-6).astype(int)
    rows, columns = int(bottom - top), int(right - left)
    if rows * columns > MOSAIC_LIMIT_CELLS:
        raise InputError(
            f"the terrain files span {rows} x {columns} cells; leave out the one that lies far from the others"
        )
    canvas = np.full((rows, columns), np.nan, np.float32)
    for grid, span in zip(grids, spans, strict=True):
        _paint(canvas, grid, first, left, top, span)
    return msgspec.structs.replace(
        first,
        west=first.west + left * first.step_x,
        north=first.north - top * first.step_y,
        height_m=canvas,
        source=", ".join(grid.source for grid in grids),
    )


def _span(grid: ElevationGrid, lattice: ElevationGrid) -> tuple[float, float, float, float]:
    """Left, top, right and bottom edges of a grid in cells of another's lattice."""
    rows, columns = grid.height_m.shape
    along = np.linspace(0, 1, 21)
    x = grid.west + columns * grid.step_x * np.concatenate([along, along, np.zeros(21), np.ones(21)])
    y = grid.north - rows * grid.step_y * np.concatenate([np.zeros(21), np.ones(21), along, along])
    if grid.crs != lattice.crs:
        x, y = Transformer.from_crs(grid.crs, lattice.crs, always_xy=True).transform(x, y)
    column, row = (x - lattice.west) / lattice.step_x, (lattice.north - y) / lattice.step_y
    return float(column.min()), float(row.min()), float(column.max()), float(row.max())


def _paint(canvas: Heights, grid: ElevationGrid, lattice: ElevationGrid, left: int, top: int, span: Array) -> None:
    """Fill the canvas's unknown cells from one grid."""
    column0, row0 = (max(math.floor(span[0] + 1e-6) - left, 0), max(math.floor(span[1] + 1e-6) - top, 0))
    column1, row1 = math.ceil(span[2] - 1e-6) - left, math.ceil(span[3] - 1e-6) - top
    window = canvas[row0:row1, column0:column1]
    if _same_lattice(grid, lattice, span):
        fresh = grid.height_m
    else:
        x = lattice.west + (left + column0 + np.arange(window.shape[1]) + 0.5) * lattice.step_x
        y = lattice.north - (top + row0 + np.arange(window.shape[0]) + 0.5) * lattice.step_y
        xs, ys = np.meshgrid(x, y)
        if grid.crs != lattice.crs:
            xs, ys = Transformer.from_crs(lattice.crs, grid.crs, always_xy=True).transform(xs, ys)
        fresh = sample(grid, xs, ys).astype(np.float32)
    np.copyto(window, fresh, where=np.isnan(window))


def _same_lattice(grid: ElevationGrid, lattice: ElevationGrid, span: Array) -> bool:
    """Whether the cells of both coincide, to a thousandth of a cell."""
    same_step = math.isclose(grid.step_x, lattice.step_x, rel_tol=1e-9) and math.isclose(
        grid.step_y, lattice.step_y, rel_tol=1e-9
    )
    return grid.crs == lattice.crs and same_step and bool(np.all(np.abs(span - np.round(span)) < 1e-3))


class SurfaceArrays(NamedTuple):
    """What the numeric kernels need of a surface.

    `chart` (3, 24) holds polynomials from scaled (east, north, height) to column, row and height above the datum;
    `tops` the highest ground of every block of 2^level cells, level after level from `starts`, `widths` blocks wide.
    """

    chart: Array
    scale_m: float
    heights: Heights
    tops: Heights
    starts: NDArray[np.int64]
    widths: NDArray[np.int64]
    highest_m: float


class Surface:
    """The ground around a site's origin, to `radius_m`, in the site's ENU frame.

    The earth's curvature is exact: a height above the datum is looked up at the point's own latitude and longitude,
    through polynomials that agree with the closed forms and with PROJ to 2 cm or better (checked when built).

    Raises: InputError where the grid does not reach the site, or the site is too wide for one frame.
    """

    def __init__(self, grid: ElevationGrid, frame: EnuFrame, radius_m: float) -> None:
        self.frame = frame
        self.radius_m = radius_m
        self.source = grid.source
        self.grid = _crop(grid, frame, radius_m)
        self.cell_m = _cell_m(self.grid, frame)
        heights = self.grid.height_m
        if not np.isfinite(heights).any():
            raise InputError(
                f"terrain {grid.source or grid.crs} holds nothing but voids within {radius_m:.0f} m of the site"
            )
        tops, starts, widths, highest = _pyramid(heights)
        chart = _fit_chart(self.grid, frame, radius_m, self.cell_m)
        self.arrays = SurfaceArrays(chart, 1.5 * float(radius_m), heights, tops, starts, widths, highest)

    def up_m(self, east_m: ArrayLike, north_m: ArrayLike) -> Array:
        """The ground's height in the site's frame; NaN in a void and off the grid."""
        east, north = np.broadcast_arrays(np.asarray(east_m, float), np.asarray(north_m, float))
        up = ground_up_many(self.arrays, np.ascontiguousarray(east).ravel(), np.ascontiguousarray(north).ravel())
        return np.asarray(up).reshape(east.shape)

    def above_m(self, east_m: ArrayLike, north_m: ArrayLike, up_m: ArrayLike) -> Array:
        """How far points of the site's frame lie above the ground; NaN where the ground is not known."""
        east, north, up = np.broadcast_arrays(*(np.asarray(v, float) for v in (east_m, north_m, up_m)))
        flat = [np.ascontiguousarray(v).ravel() for v in (east, north, up)]
        return np.asarray(above_many(self.arrays, *flat)).reshape(east.shape)

    def height_m(self, latitude_deg: ArrayLike, longitude_deg: ArrayLike) -> Array:
        """The ground's height above the files' datum at positions on the earth."""
        east, north, _ = self.frame.from_geodetic(latitude_deg, longitude_deg, self.arrays.highest_m)
        for _ in range(3):
            up = self.up_m(east, north)
            _, _, height = self.frame.to_geodetic(east, north, np.where(np.isnan(up), 0.0, up))
            east, north, _ = self.frame.from_geodetic(latitude_deg, longitude_deg, height)
        return np.where(np.isnan(up), np.nan, height)

    def position(self, east_m: float, north_m: float) -> Position | None:
        """Where a point of the ground is on the earth; None where the ground is not known."""
        up = float(self.up_m(east_m, north_m))
        return None if math.isnan(up) else self.frame.position(east_m, north_m, up)

    def fingerprint(self) -> str:
        """A hash of the ground and of the frame, the same for equal ones."""
        origin = self.frame.origin
        digest = hashlib.sha256(np.ascontiguousarray(self.grid.height_m).tobytes())
        digest.update(
            repr((self.grid.crs, self.grid.west, self.grid.north, self.grid.step_x, self.grid.step_y)).encode()
        )
        digest.update(repr((origin.latitude_deg, origin.longitude_deg, origin.height_m, self.radius_m)).encode())
        return digest.hexdigest()


def _crop(grid: ElevationGrid, frame: EnuFrame, radius_m: float) -> ElevationGrid:
    """The part of a grid within a radius of the frame's origin, two cells to spare."""
    angle = np.linspace(0, 2 * np.pi, 73)
    x, y = _grid_xy(grid, frame, radius_m * np.sin(angle), radius_m * np.cos(angle), np.zeros(73))
    rows, columns = grid.height_m.shape
    column = (x - grid.west) / grid.step_x - 0.5
    row = (grid.north - y) / grid.step_y - 0.5
    left, right = max(math.floor(column.min()) - 2, 0), min(math.ceil(column.max()) + 3, columns)
    top, bottom = max(math.floor(row.min()) - 2, 0), min(math.ceil(row.max()) + 3, rows)
    if right - left < 2 or bottom - top < 2:
        origin = frame.origin
        raise InputError(
            f"terrain {grid.source or grid.crs} does not reach the site at latitude {origin.latitude_deg:.5f}, "
            f"longitude {origin.longitude_deg:.5f}; load the tile that covers it"
        )
    return msgspec.structs.replace(
        grid,
        west=grid.west + left * grid.step_x,
        north=grid.north - top * grid.step_y,
        height_m=np.ascontiguousarray(grid.height_m[top:bottom, left:right], np.float32),
    )


def _grid_xy(grid: ElevationGrid, frame: EnuFrame, east: Array, north: Array, up: Array) -> tuple[Array, Array]:
    """Points of the frame in the grid's own system; longitudes on the grid's side of the date line."""
    latitude, longitude, _ = frame.to_geodetic(east, north, up)
    x, y = transformer(grid.crs).transform(longitude, latitude)
    if CRS.from_user_input(grid.crs).is_geographic:
        middle = grid.west + grid.height_m.shape[1] * grid.step_x / 2
        x = middle + (x - middle + 180) % 360 - 180
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError(f"terrain reference system {grid.crs} does not hold the site; reproject the file")
    return x, y


def _cell_m(grid: ElevationGrid, frame: EnuFrame) -> float:
    """The shorter side of a cell in metres, near the origin."""
    shift = np.array([0.0, 10.0, 0.0])
    x, y = _grid_xy(grid, frame, shift, shift[[0, 2, 1]], np.zeros(3))
    cells = np.hypot((x[1:] - x[0]) / grid.step_x, (y[1:] - y[0]) / grid.step_y)
    return float(10.0 / cells.max())


def _fit_chart(grid: ElevationGrid, frame: EnuFrame, radius_m: float, cell_m: float) -> Array:
    """The polynomials from the site's frame to column, row and height."""
    lowest, highest = float(np.nanmin(grid.height_m)) - 500, float(np.nanmax(grid.height_m)) + 2000
    scale = 1.5 * radius_m
    nodes = np.cos(np.pi * (np.arange(9) + 0.5) / 9)
    design, values = _chart_points(grid, frame, scale, nodes, np.linspace(lowest, highest, 4))
    chart = np.linalg.lstsq(design, values, rcond=None)[0]
    design, values = _chart_points(grid, frame, radius_m, np.linspace(-1, 1, 6), np.linspace(lowest, highest, 3), scale)
    off_m = np.abs(design @ chart - values).max(axis=0) * (cell_m, cell_m, 1.0)
    if off_m.max() > CHART_TOLERANCE_M:
        raise InputError(f"a site of {radius_m / 1000:.0f} km radius is too wide for one frame in {grid.crs}; split it")
    return np.ascontiguousarray(chart.T)


def _chart_points(
    grid: ElevationGrid, frame: EnuFrame, reach_m: float, nodes: Array, heights: Array, scale: float | None = None
) -> tuple[Array, Array]:
    """The monomials and the exact column, row and height on a lattice of points."""
    scale = scale or reach_m
    east, north, level = (v.ravel() for v in np.meshgrid(nodes * reach_m, nodes * reach_m, heights))
    up = level - (east**2 + north**2) / (2 * MEAN_RADIUS_M)
    x, y = _grid_xy(grid, frame, east, north, up)
    _, _, height = frame.to_geodetic(east, north, up)
    values = np.stack([(x - grid.west) / grid.step_x - 0.5, (grid.north - y) / grid.step_y - 0.5, height], axis=1)
    a, b, c = east / scale, north / scale, level / _VERTICAL_SCALE_M
    return np.stack([a**i * b**j * c**k for i, j, k in _EXPONENTS], axis=1), values


def _pyramid(heights: Heights) -> tuple[Heights, NDArray[np.int64], NDArray[np.int64], float]:
    """The highest ground of every block at every level; blocks above level 0 look one cell over their edge.

    A void counts as high as the highest ground known, so that no ray is waved past it.
    """
    highest = float(np.nanmax(heights))
    known = np.where(np.isnan(heights), np.float32(highest), heights)
    level = np.maximum.reduce([known[:-1, :-1], known[1:, :-1], known[:-1, 1:], known[1:, 1:]])
    levels = [level]
    wide = _dilate(level)
    for _ in range(TOP_LEVEL):
        wide = _halve(wide)
        levels.append(wide)
    starts = np.cumsum([0, *(each.size for each in levels[:-1])]).astype(np.int64)
    widths = np.array([each.shape[1] for each in levels], np.int64)
    return np.concatenate([each.ravel() for each in levels]), starts, widths, highest


def _dilate(level: Heights) -> Heights:
    """The highest of each cell and its eight neighbours."""
    padded = np.pad(level, 1, mode="edge")
    rows, columns = level.shape
    highest: Heights = np.max([padded[i : i + rows, j : j + columns] for i in range(3) for j in range(3)], axis=0)
    return highest


def _halve(level: Heights) -> Heights:
    """The highest of each block of two by two."""
    rows, columns = level.shape
    padded = np.pad(level, ((0, rows % 2), (0, columns % 2)), mode="edge")
    highest: Heights = np.max([padded[i::2, j::2] for i in range(2) for j in range(2)], axis=0)
    return highest


@njit(cache=True, fastmath={"contract"})
def _polynomial(c: Array, x: float, y: float, v: float) -> float:
    """One chart polynomial; the order of its terms is that of `_EXPONENTS`."""
    plain = (c[0] + y * (c[1] + y * (c[2] + y * (c[3] + y * c[4])))) + x * (
        (c[5] + y * (c[6] + y * (c[7] + y * c[8])))
        + x * ((c[9] + y * (c[10] + y * c[11])) + x * ((c[12] + y * c[13]) + x * c[14]))
    )
    once = (c[15] + y * (c[16] + y * c[17])) + x * ((c[18] + y * c[19]) + x * c[20])
    value: float = plain + v * (once + v * (c[21] + y * c[22] + x * c[23]))
    return value


@njit(cache=True, fastmath={"contract"})
def chart_at(surface: SurfaceArrays, east: float, north: float, up: float) -> tuple[float, float, float]:
    """Column, row and height above the datum of one point of the site's frame."""
    x, y = east / surface.scale_m, north / surface.scale_m
    v = (up + (east * east + north * north) / (2 * MEAN_RADIUS_M)) / _VERTICAL_SCALE_M
    chart = surface.chart
    return _polynomial(chart[0], x, y, v), _polynomial(chart[1], x, y, v), _polynomial(chart[2], x, y, v)


@njit(cache=True, fastmath={"contract"})
def height_in(surface: SurfaceArrays, top: int, left: int, column: float, row: float) -> float:
    """Height at a fractional cell by the bilinear patch whose first corner is given; NaN beside a void."""
    heights = surface.heights
    x, y = column - left, row - top
    upper = heights[top, left] * (1 - x) + heights[top, left + 1] * x
    lower = heights[top + 1, left] * (1 - x) + heights[top + 1, left + 1] * x
    height: float = upper * (1 - y) + lower * y
    return height


@njit(cache=True, fastmath={"contract"})
def ground_height(surface: SurfaceArrays, column: float, row: float) -> float:
    """Bilinear height at a fractional cell; NaN off the grid and beside a void."""
    rows, columns = surface.heights.shape
    if not (column >= 0 and row >= 0 and column <= columns - 1 and row <= rows - 1):
        return math.nan
    return height_in(surface, min(int(row), rows - 2), min(int(column), columns - 2), column, row)


@njit(cache=True)
def above(surface: SurfaceArrays, east: float, north: float, up: float) -> float:
    """How far one point lies above the ground."""
    column, row, height = chart_at(surface, east, north, up)
    return height - ground_height(surface, column, row)


@njit(cache=True)
def ground_up(surface: SurfaceArrays, east: float, north: float) -> float:
    """The ground's height in the site's frame at one point."""
    up = -(east * east + north * north) / (2 * MEAN_RADIUS_M)
    for _ in range(4):
        up -= above(surface, east, north, up)
    return up


@njit(cache=True, nogil=True)
def ground_up_many(surface: SurfaceArrays, east: Array, north: Array) -> Array:
    """`ground_up` over arrays."""
    out = np.empty(east.size)
    for i in range(east.size):
        out[i] = ground_up(surface, east[i], north[i])
    return out


@njit(cache=True, nogil=True)
def above_many(surface: SurfaceArrays, east: Array, north: Array, up: Array) -> Array:
    """`above` over arrays."""
    out = np.empty(east.size)
    for i in range(east.size):
        out[i] = above(surface, east[i], north[i], up[i])
    return out
