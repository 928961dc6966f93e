"""The ground as a map draws it: heights and contour lines in the square tiles of the web's Mercator projection.

A tile (zoom, column, row) is one of 2^zoom by 2^zoom squares of the earth, row 0 in the north. Heights are those of
pixels' centres, so that neighbouring tiles continue each other.

Sources: OGC 17-083r4, Two Dimensional Tile Matrix Set, annex D.1 (WebMercatorQuad). Terrarium heights: Mapzen's
terrain tiles, formats. Contours: contourpy's serial algorithm.
"""

import math
from typing import NamedTuple

import numpy as np
from contourpy import LineType, contour_generator
from numpy.typing import NDArray
from pyproj import CRS
from scipy.ndimage import distance_transform_edt

from marsad.geo.elevation import transformer
from marsad.geo.geodesy import SEMI_MAJOR_M, Array
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError

Heights = NDArray[np.float32]

TILE_PX = 256
ZOOMS = range(23)
EXTENT = 4096
"""Units along a side of a vector tile."""

_FADE_CELLS = 40.0
_NICE_M = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_CONTOUR_STEPS = 128
_CONTOUR_MARGIN = 4
_TERRARIUM_ZERO_M = 32_768.0


class Tile(NamedTuple):
    """One square of the web's map."""

    zoom: int
    column: int
    row: int

    def checked(self) -> "Tile":
        """The tile itself. Raises: InputError where there is no such tile."""
        side = 1 << self.zoom if self.zoom in ZOOMS else 0
        if not (0 <= self.column < side and 0 <= self.row < side):
            raise InputError(f"tile {self.zoom}/{self.column}/{self.row}: there is no such tile")
        return self

    def degrees(self, across: Array, down: Array) -> tuple[Array, Array]:
        """Longitudes and latitudes of places in the tile, 0 at its western and northern and 1 at its other edges."""
        side = 1 << self.zoom
        longitude = (self.column + across) / side * 360 - 180
        latitude = np.degrees(np.arctan(np.sinh(math.pi * (1 - 2 * (self.row + down) / side))))
        return longitude, latitude

    def pixel_m(self) -> float:
        """How many metres of ground a pixel in the tile's middle is wide."""
        _, latitude = self.degrees(np.array(0.5), np.array(0.5))
        circle = 2 * math.pi * SEMI_MAJOR_M * math.cos(math.radians(float(latitude)))
        return circle / (TILE_PX << self.zoom)


class Contour(NamedTuple):
    """A line of equal height, points (K, 2) right and down in units of a vector tile."""

    height_m: float
    points: NDArray[np.int64]


class Relief:
    """Ground to be drawn: known wherever a tile asks, and smoothed where a tile is coarser than the grid.

    Voids take the height of the nearest ground known, and beyond the grid its edge levels out to the mean height, so
    that no cliff is drawn where only the data end; `known` tells the two apart.
    """

    def __init__(self, grid: ElevationGrid) -> None:
        self.grid = grid
        self._void = np.isnan(grid.height_m)
        if self._void.all():
            raise InputError(f"terrain {grid.source or grid.crs} holds nothing but voids")
        self._levels = _overviews(_filled(grid.height_m, self._void))
        self.mean_m = float(np.nanmean(grid.height_m))
        low, high = np.nanpercentile(grid.height_m, (1, 99))
        self.relief_m = float(high - low)
        self._project = None if CRS.from_user_input(grid.crs).is_geographic else transformer(grid.crs)
        self.west_deg, self.south_deg, self.east_deg, self.north_deg = self._bounds()
        self.cell_m = self._cell_m()
        self.max_zoom = self._max_zoom()

    def heights(self, tile: Tile) -> Heights:
        """Heights of a tile's pixels (256, 256), each known or made up as the class says."""
        middles = (np.arange(TILE_PX) + 0.5) / TILE_PX
        column, row = self._cells(tile, *np.meshgrid(middles, middles))
        return self._sampled(column, row, tile.pixel_m() / self.cell_m)

    def known(self, tile: Tile, across: Array, down: Array) -> NDArray[np.bool_]:
        """Whether the ground at places of a tile is in the data."""
        return self._is_known(*self._cells(tile, across, down))

    def contours(self, tile: Tile, interval_m: float) -> list[Contour]:
        """The lines of equal height of a tile's known ground, a little over its edges."""
        steps = np.arange(-_CONTOUR_MARGIN, _CONTOUR_STEPS + _CONTOUR_MARGIN + 1) / _CONTOUR_STEPS
        column, row = self._cells(tile, *np.meshgrid(steps, steps))
        known = self._is_known(column, row)
        if not known.any():
            return []
        coarseness = tile.pixel_m() * TILE_PX / _CONTOUR_STEPS / self.cell_m
        heights = np.ma.masked_array(self._sampled(column, row, coarseness), ~known)
        drawn = contour_generator(steps * EXTENT, steps * EXTENT, heights, line_type=LineType.Separate)
        first, last = math.ceil(heights.min() / interval_m), math.floor(heights.max() / interval_m)
        found = []
        for count in range(first, last + 1):
            for line in drawn.lines(count * interval_m):
                points = _thinned(np.rint(np.asarray(line)).astype(np.int64))
                if len(points) > 1:
                    found.append(Contour(count * interval_m, points))
        return found

    def interval_m(self, zoom: int, sigma_m: float) -> float:
        """How far apart contours are at a zoom: finer as one looks closer, never finer than the data's own error."""
        wanted = max(self.relief_m / 12 * 2.0 ** ((13 - zoom) / 1.5), 2 * sigma_m)
        return float(next((nice for nice in _NICE_M if nice >= wanted), _NICE_M[-1]))

    def _cells(self, tile: Tile, across: Array, down: Array) -> tuple[Array, Array]:
        """Fractional columns and rows of the grid, whole at cells' centres."""
        longitude, latitude = tile.degrees(across, down)
        grid = self.grid
        if self._project is None:
            middle = grid.west + grid.height_m.shape[1] * grid.step_x / 2
            x, y = middle + (longitude - middle + 180) % 360 - 180, latitude
        else:
            x, y = self._project.transform(longitude, latitude)
        return (x - grid.west) / grid.step_x - 0.5, (grid.north - y) / grid.step_y - 0.5

    def _is_known(self, column: Array, row: Array) -> NDArray[np.bool_]:
        rows, columns = self._void.shape
        inside = (column >= -0.5) & (row >= -0.5) & (column <= columns - 0.5) & (row <= rows - 0.5)
        nearest_row = np.clip(np.nan_to_num(np.rint(row), posinf=0, neginf=0), 0, rows - 1).astype(np.int64)
        nearest_column = np.clip(np.nan_to_num(np.rint(column), posinf=0, neginf=0), 0, columns - 1).astype(np.int64)
        known: NDArray[np.bool_] = inside & ~self._void[nearest_row, nearest_column]
        return known

    def _sampled(self, column: Array, row: Array, coarseness: float) -> Heights:
        """Heights at fractional cells, from the overview whose cells are no larger than what is drawn."""
        level = min(max(int(math.log2(max(coarseness, 1.0))), 0), len(self._levels) - 1)
        rows, columns = self._void.shape
        column = np.nan_to_num(column, nan=-1e9, posinf=1e9, neginf=-1e9)
        row = np.nan_to_num(row, nan=-1e9, posinf=1e9, neginf=-1e9)
        outside = np.hypot(column - np.clip(column, -0.5, columns - 0.5), row - np.clip(row, -0.5, rows - 0.5))
        scale = 1 << level
        height = _clamped(self._levels[level], (column + 0.5) / scale - 0.5, (row + 0.5) / scale - 0.5)
        faded = self.mean_m + (height - self.mean_m) * np.exp(-outside / _FADE_CELLS)
        return np.asarray(faded, np.float32)

    def _bounds(self) -> tuple[float, float, float, float]:
        grid = self.grid
        rows, columns = grid.height_m.shape
        along = np.linspace(0, 1, 33)
        x = grid.west + columns * grid.step_x * np.concatenate([along, along, np.zeros(33), np.ones(33)])
        y = grid.north - rows * grid.step_y * np.concatenate([np.zeros(33), np.ones(33), along, along])
        if self._project is not None:
            x, y = self._project.transform(x, y, direction="INVERSE")
        return float(x.min()), float(y.min()), float(x.max()), float(y.max())

    def _cell_m(self) -> float:
        rows, columns = self.grid.height_m.shape
        degrees = min((self.north_deg - self.south_deg) / rows, (self.east_deg - self.west_deg) / columns)
        return self.grid.step_x if self._project is not None else math.radians(degrees) * SEMI_MAJOR_M

    def _max_zoom(self) -> int:
        """The first zoom whose pixels are no larger than the grid's cells."""
        middle = math.radians((self.south_deg + self.north_deg) / 2)
        coarsest = 2 * math.pi * SEMI_MAJOR_M * math.cos(middle) / TILE_PX
        return min(max(math.ceil(math.log2(coarsest / self.cell_m)), 0), 16)


def terrarium(heights: Heights) -> NDArray[np.uint8]:
    """Heights as red, green and blue (rows, columns, 3): 256 red + green + blue / 256 - 32,768 metres."""
    counts = np.rint((heights.astype(np.float64) + _TERRARIUM_ZERO_M) * 256)
    whole = np.clip(counts, 0, 0xFFFFFF).astype(np.uint32)
    return np.stack([whole >> 16, whole >> 8, whole], axis=-1).astype(np.uint8)


def _filled(heights: Heights, void: NDArray[np.bool_]) -> Heights:
    """The heights, with voids as high as the nearest cell known."""
    if not void.any():
        return heights
    nearest = distance_transform_edt(void, return_distances=False, return_indices=True)
    filled: Heights = heights[tuple(np.asarray(nearest))]
    return filled


def _overviews(heights: Heights) -> list[Heights]:
    """The grid, and means of ever larger blocks of it."""
    levels = [heights]
    while min(levels[-1].shape) >= 4:
        last = levels[-1]
        padded = np.pad(last, ((0, last.shape[0] % 2), (0, last.shape[1] % 2)), mode="edge")
        blocks = padded.reshape(padded.shape[0] // 2, 2, padded.shape[1] // 2, 2)
        levels.append(blocks.mean(axis=(1, 3), dtype=np.float64).astype(np.float32))
    return levels


def _clamped(heights: Heights, column: Array, row: Array) -> Array:
    """Bilinear heights at fractional cells, those of the edge beyond it."""
    rows, columns = heights.shape
    column, row = np.clip(column, 0, columns - 1), np.clip(row, 0, rows - 1)
    left = np.minimum(column.astype(np.int64), max(columns - 2, 0))
    top = np.minimum(row.astype(np.int64), max(rows - 2, 0))
    right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
    x, y = column - left, row - top
    upper = heights[top, left] * (1 - x) + heights[top, right] * x
    lower = heights[bottom, left] * (1 - x) + heights[bottom, right] * x
    height: Array = upper * (1 - y) + lower * y
    return height


def _thinned(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """The points without those that repeat the one before."""
    moved = np.any(np.diff(points, axis=0) != 0, axis=1)
    kept: NDArray[np.int64] = points[np.concatenate([[True], moved])]
    return kept
