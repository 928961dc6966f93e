"""Elevation files: GeoTIFF in any reference system, SRTM .hgt of 1 and 3 arc-seconds, and .hgt.zip.

Voids stay voids: what a file marks as no data, and -32768 in any integer file, becomes NaN.
"""

import re
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.errors import RasterioError
from rasterio.windows import Window

from marsad.geo.elevation import Surface, flat_grid, mosaic
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import site_origin, site_radius_m
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError
from marsad.kernel.site import Site

VOID = -32768
HGT_POSTS = {1201: 3, 3601: 1}
"""Posts along a side of an SRTM tile, and the arc-seconds between them."""

_HGT_NAME = re.compile(r"([NS])(\d{2})([EW])(\d{3})", re.IGNORECASE)

Bounds = tuple[float, float, float, float]
"""West, south, east and north in degrees."""


class DemFiles:
    """Elevation files on disk, the first named winning where several know the ground."""

    def __init__(self, paths: Sequence[Path], *, vertical: str = "geoid") -> None:
        self.paths = tuple(paths)
        self.vertical = vertical

    def load(self, west_deg: float, south_deg: float, east_deg: float, north_deg: float) -> ElevationGrid:
        """The heights over an area, voids kept as NaN.

        Raises: InputError for a bad file, and where no file reaches the area.
        """
        bounds = (west_deg, south_deg, east_deg, north_deg)
        grids = [grid for path in self.paths if (grid := read_grid(path, bounds, vertical=self.vertical)) is not None]
        if not grids:
            named = ", ".join(str(path) for path in self.paths) or "none"
            raise InputError(
                f"no terrain file ({named}) covers longitude {west_deg:.4f} to {east_deg:.4f}, latitude "
                f"{south_deg:.4f} to {north_deg:.4f}; add the tile that does to terrain.files"
            )
        return mosaic(grids)


def read_grid(path: Path, bounds: Bounds | None = None, *, vertical: str = "geoid") -> ElevationGrid | None:
    """The heights in a file, all of them or those within bounds; None where the file does not reach the bounds.

    Raises: InputError for a file that is missing, empty, broken or without a place on the earth.
    """
    if not path.is_file():
        raise InputError(f"terrain file {path} does not exist; check terrain.files")
    if path.stat().st_size == 0:
        raise InputError(f"terrain file {path} is empty; download it again")
    name = path.name.lower()
    if name.endswith((".hgt", ".hgt.zip")):
        return _window(_read_hgt(path, vertical), bounds)
    return _read_raster(path, bounds, vertical)


def site_surface(site: Site, folder: Path, radius_m: float | None = None) -> Surface | None:
    """The ground of a site, file names taken from `folder` on; None where the site names no terrain.

    It reaches `radius_m` from the origin, as far as the site's cameras see where that is left out.

    Raises: InputError for bad files, and for a site with neither an origin nor a posed camera.
    """
    terrain = site.terrain
    if not terrain.files and terrain.flat_height_m is None:
        return None
    origin = site_origin(site)
    if origin is None:
        raise InputError("the site has neither an origin nor a camera with a pose; set one of them")
    frame = EnuFrame(origin)
    radius = site_radius_m(site, frame) if radius_m is None else radius_m
    if not terrain.files:
        height = terrain.flat_height_m or 0.0
        return Surface(flat_grid(origin.latitude_deg, origin.longitude_deg, height, radius), frame, radius)
    angle = np.linspace(0, 2 * np.pi, 73)
    latitude, longitude, _ = frame.to_geodetic(radius * np.sin(angle), radius * np.cos(angle))
    longitude = origin.longitude_deg + (longitude - origin.longitude_deg + 180) % 360 - 180
    files = DemFiles([folder / file for file in terrain.files], vertical=terrain.heights)
    bounds = (longitude.min(), latitude.min(), longitude.max(), latitude.max())
    return Surface(files.load(*(float(edge) for edge in bounds)), frame, radius)


def _read_hgt(path: Path, vertical: str) -> ElevationGrid:
    """A whole SRTM tile; its name gives its place."""
    raw, name = _unzip(path) if path.suffix.lower() == ".zip" else (path.read_bytes(), path.name)
    place = _HGT_NAME.search(name)
    if place is None:
        raise InputError(f"terrain file {path}: an SRTM tile is named for its south-west corner, as in N34E040.hgt")
    posts = round((len(raw) / 2) ** 0.5)
    if posts not in HGT_POSTS or posts * posts * 2 != len(raw):
        raise InputError(
            f"terrain file {path}: {len(raw)} bytes are no SRTM tile (3 arc-seconds have 2,884,802, "
            "1 arc-second 25,934,402); download it again"
        )
    south = int(place[2]) * (1 if place[1].upper() == "N" else -1)
    west = int(place[4]) * (1 if place[3].upper() == "E" else -1)
    step = 1 / (posts - 1)
    counts = np.frombuffer(raw, ">i2").reshape(posts, posts)
    return ElevationGrid(
        crs="EPSG:4326",
        west=west - step / 2,
        north=south + 1 + step / 2,
        step_x=step,
        step_y=step,
        height_m=np.where(counts == VOID, np.float32(np.nan), counts.astype(np.float32)),
        vertical=vertical,
        source=path.name,
    )


def _unzip(path: Path) -> tuple[bytes, str]:
    """The one .hgt in an archive, and its name."""
    try:
        with zipfile.ZipFile(path) as archive:
            tiles = [info for info in archive.infolist() if info.filename.lower().endswith(".hgt")]
            if len(tiles) != 1:
                raise InputError(f"terrain file {path} holds {len(tiles)} .hgt files; it should hold one")
            if tiles[0].file_size > 2 * max(HGT_POSTS) ** 2:
                raise InputError(f"terrain file {path}: {tiles[0].filename} is too large for an SRTM tile")
            return archive.read(tiles[0]), Path(tiles[0].filename).name
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError) as error:
        raise InputError(f"terrain file {path} is a broken archive ({error}); download it again") from error


def _window(grid: ElevationGrid, bounds: Bounds | None) -> ElevationGrid | None:
    """The cells of a longitude-latitude grid within bounds, two to spare."""
    if bounds is None:
        return grid
    rows, columns = grid.height_m.shape
    turn = 360.0 * round((bounds[0] + bounds[2] - 2 * grid.west - columns * grid.step_x) / 720.0)
    edges = _cells(grid, (bounds[0] - turn, bounds[1], bounds[2] - turn, bounds[3]))
    left, top, right, bottom = _clip(edges, rows, columns)
    if right - left < 2 or bottom - top < 2:
        return None
    return _part(grid, grid.height_m[top:bottom, left:right], left, top)


def _cells(grid: ElevationGrid, edges: Bounds) -> Bounds:
    """Edges in the grid's own system as left, top, right and bottom cells."""
    west, south, east, north = edges
    return (
        (west - grid.west) / grid.step_x,
        (grid.north - north) / grid.step_y,
        (east - grid.west) / grid.step_x,
        (grid.north - south) / grid.step_y,
    )


def _clip(edges: Bounds, rows: int, columns: int) -> tuple[int, int, int, int]:
    """Whole cells that hold the edges with two to spare, within the grid."""
    left, top, right, bottom = edges
    return (
        max(int(np.floor(left)) - 2, 0),
        max(int(np.floor(top)) - 2, 0),
        min(int(np.ceil(right)) + 2, columns),
        min(int(np.ceil(bottom)) + 2, rows),
    )


def _part(grid: ElevationGrid, heights: NDArray[np.float32], left: int, top: int) -> ElevationGrid:
    """A grid of the same lattice that begins at another cell."""
    return ElevationGrid(
        crs=grid.crs,
        west=grid.west + left * grid.step_x,
        north=grid.north - top * grid.step_y,
        step_x=grid.step_x,
        step_y=grid.step_y,
        height_m=np.ascontiguousarray(heights),
        vertical=grid.vertical,
        source=grid.source,
    )


def _read_raster(path: Path, bounds: Bounds | None, vertical: str) -> ElevationGrid | None:
    """The first band of a GeoTIFF, or of whatever else GDAL reads."""
    try:
        with rasterio.open(path) as file:
            lattice = _lattice(path, file, vertical)
            left, top, right, bottom = _raster_window(lattice, file, bounds)
            if right - left < 2 or bottom - top < 2:
                return None
            band = file.read(1, window=Window(left, top, right - left, bottom - top), masked=True)
            integer = np.issubdtype(band.dtype, np.integer)
    except (RasterioError, OSError, ValueError) as error:
        raise InputError(f"terrain file {path} cannot be read ({error}); convert it to a GeoTIFF of heights") from error
    heights = band.astype(np.float32).filled(np.nan)
    if integer:
        heights[band.data == VOID] = np.nan
    heights[~np.isfinite(heights)] = np.nan
    return _part(lattice, heights, left, top)


def _lattice(path: Path, file: rasterio.DatasetReader, vertical: str) -> ElevationGrid:
    """Where a raster's cells lie, without its heights."""
    if file.crs is None or file.transform.is_identity:
        raise InputError(
            f"terrain file {path} has no place on the earth; georeference it (gdal_translate -a_srs -a_ullr)"
        )
    step = file.transform
    if step.b != 0 or step.d != 0 or step.a <= 0 or step.e >= 0:
        raise InputError(f"terrain file {path} is rotated or flipped; warp it to north up (gdalwarp)")
    code = file.crs.to_epsg()
    return ElevationGrid(
        crs=f"EPSG:{code}" if code else file.crs.to_wkt(),
        west=step.c,
        north=step.f,
        step_x=step.a,
        step_y=-step.e,
        height_m=np.empty((0, 0), np.float32),
        vertical=vertical,
        source=path.name,
    )


def _raster_window(
    lattice: ElevationGrid, file: rasterio.DatasetReader, bounds: Bounds | None
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom cells of a raster that hold the bounds."""
    if bounds is None:
        return 0, 0, file.width, file.height
    west, south, east, north = bounds
    if file.crs.is_geographic:
        middle = lattice.west + file.width * lattice.step_x / 2
        turn = 360.0 * round(((west + east) / 2 - middle) / 360.0)
        west, east = west - turn, east - turn
    edges = Transformer.from_crs("EPSG:4326", lattice.crs, always_xy=True).transform_bounds(west, south, east, north)
    if not np.isfinite(edges).all():
        return 0, 0, 0, 0
    return _clip(_cells(lattice, edges), file.height, file.width)
