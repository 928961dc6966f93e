"""Layers in a file are where PROJ, asked on its own, says their cells are."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import Transformer

from marsad.adapters.geotiff import read_layers, write_geotiff
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position


@pytest.mark.parametrize(("latitude", "epsg"), [(34.46, 32637), (-23.5, 32737)])
def test_a_cell_lies_where_its_centre_does_on_the_earth(tmp_path: Path, latitude: float, epsg: int) -> None:
    frame = EnuFrame(Position(latitude_deg=latitude, longitude_deg=40.95, height_m=200.0))
    lattice = Lattice(west_m=-6000.0, north_m=5000.0, cell_m=50.0, rows=180, columns=240)
    east, north = lattice.centres()
    layer = (np.arange(180 * 240, dtype=np.float32)).reshape(lattice.shape)
    layer[:20, :30] = np.nan
    path = tmp_path / "layers.tif"
    write_geotiff(path, lattice, frame, {"one": layer, "east_m": east.astype(np.float32)}, {"time": "now"})
    with rasterio.open(path) as file:
        assert file.crs.to_epsg() == epsg
        assert file.descriptions == ("one", "east_m")
        assert file.tags()["time"] == "now"
        assert file.res == (50.0, 50.0)
        to_utm = Transformer.from_crs("EPSG:4326", file.crs, always_xy=True)
        latitudes, longitudes, _ = frame.to_geodetic(east, north, -(east**2 + north**2) / (2 * 6_371_000))
        x, y = to_utm.transform(longitudes, latitudes)
        row, column = rasterio.transform.rowcol(file.transform, x.ravel(), y.ravel())
        bands = file.read()
    at = np.asarray(row, int), np.asarray(column, int)
    inside = (at[0] >= 0) & (at[0] < bands.shape[1]) & (at[1] >= 0) & (at[1] < bands.shape[2])
    assert inside.mean() > 0.97
    there = bands[1][at[0][inside], at[1][inside]]
    known = ~np.isnan(there)
    assert known.mean() > 0.97
    # A pixel's centre is within half a cell of what it stands for, and the cell's centre within half a cell of that.
    off = np.abs(there - east.ravel()[inside])[known]
    assert off.max() <= 50.0
    assert off.mean() < 20.0
    assert np.isnan(bands[0]).sum() >= 560


def test_what_is_no_raster_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.tif").write_text("no")
    with pytest.raises(InputError, match="cannot be read"):
        read_layers(tmp_path / "no.tif")
    with pytest.raises(InputError):
        write_geotiff(
            tmp_path / "nowhere" / "a.tif",
            Lattice(west_m=0.0, north_m=0.0, cell_m=10.0, rows=3, columns=3),
            EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0)),
            {"a": np.zeros((3, 3), np.float32)},
            {},
        )


def test_layers_come_back_by_name(tmp_path: Path) -> None:
    lattice = Lattice(west_m=0.0, north_m=300.0, cell_m=10.0, rows=30, columns=30)
    frame = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0))
    write_geotiff(tmp_path / "a.tif", lattice, frame, {"a": np.full(lattice.shape, 7, np.float32)}, {})
    (name,) = layers = read_layers(tmp_path / "a.tif")
    assert name == "a"
    assert np.nanmedian(layers["a"]) == 7
