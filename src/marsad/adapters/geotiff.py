"""Layers of a site's cells as GeoTIFF, in UTM, for any map program."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

from marsad.adapters.writing import replace_whole
from marsad.geo.geodesy import EnuFrame, geodetic_from_utm, utm_from_geodetic, utm_zone
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice

Layer = NDArray[np.float32]


def write_geotiff(
    path: Path, lattice: Lattice, frame: EnuFrame, layers: Mapping[str, Layer], tags: Mapping[str, str]
) -> None:
    """Write layers (rows, columns), NaN where nothing is told, each as a band with its name, in the origin's UTM zone.

    Cells keep their size; every cell of the file holds the value of the site's cell under its centre. Raises:
    UnavailableError, InputError where the file cannot be written.
    """
    origin = frame.origin
    zone, south = utm_zone(origin.latitude_deg, origin.longitude_deg), origin.latitude_deg < 0
    west, north, rows, columns = _span(lattice, frame, zone, south=south)
    cell = lattice.cell_m
    profile = {
        "driver": "GTiff", "dtype": "float32", "count": len(layers), "width": columns, "height": rows,
        "crs": f"EPSG:{(32700 if south else 32600) + zone}", "nodata": np.nan, "compress": "deflate", "predictor": 3,
        "transform": rasterio.Affine(cell, 0.0, west, 0.0, -cell, north),
    }  # fmt: skip
    x, y = np.meshgrid(west + (np.arange(columns) + 0.5) * cell, north - (np.arange(rows) + 0.5) * cell)
    latitude, longitude = geodetic_from_utm(x, y, zone, south=south)
    east, up_north, _ = frame.from_geodetic(latitude, longitude, origin.height_m)
    row, column = lattice.cells_of(east, up_north)
    inside = lattice.holds(row, column)
    try:
        with MemoryFile() as memory:
            with memory.open(**profile) as file:
                for band, (name, layer) in enumerate(layers.items(), start=1):
                    laid = np.full((rows, columns), np.nan, np.float32)
                    laid[inside] = layer[row[inside], column[inside]]
                    file.write(laid, band)
                    file.set_band_description(band, name)
                file.update_tags(**tags)
            content = bytes(memory.getbuffer())
    except RasterioError as error:
        raise InputError(f"{path}: the layers cannot be put into a GeoTIFF: {error}") from error
    replace_whole(path, content)


def _span(lattice: Lattice, frame: EnuFrame, zone: int, *, south: bool) -> tuple[float, float, int, int]:
    """West and north edge in UTM, rows and columns, of a raster that holds the whole lattice."""
    along = np.linspace(0, 1, 21)
    across, down = (
        np.concatenate([along, along, 0 * along, 0 * along + 1]),
        np.concatenate([0 * along, 0 * along + 1, along, along]),
    )
    east = lattice.west_m + across * lattice.columns * lattice.cell_m
    north = lattice.north_m - down * lattice.rows * lattice.cell_m
    latitude, longitude, _ = frame.to_geodetic(east, north)
    x, y = utm_from_geodetic(latitude, longitude, zone, south=south)
    cell = lattice.cell_m
    left, top = np.floor(x.min() / cell) * cell, np.ceil(y.max() / cell) * cell
    return (
        float(left),
        float(top),
        int(np.ceil((top - y.min()) / cell)),
        int(np.ceil((x.max() - left) / cell)),
    )


def read_layers(path: Path) -> dict[str, Layer]:
    """The bands of such a file by their names. Raises: InputError where it cannot be read."""
    try:
        with rasterio.open(path) as file:
            return {str(name): file.read(band) for band, name in enumerate(file.descriptions, start=1)}
    except RasterioError as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
