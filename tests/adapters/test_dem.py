"""Elevation files, good and bad, made here and real."""

import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

from marsad.adapters.dem import DemFiles, read_grid, site_surface
from marsad.geo.elevation import sample
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError
from marsad.kernel.position import Position
from marsad.kernel.site import Camera, Lens, Pose, Site, Terrain

LENS = Lens(width_px=640, height_px=512, horizontal_fov_deg=10)


def grid_of(path: Path) -> ElevationGrid:
    grid = read_grid(path)
    assert grid is not None
    return grid


def tile(posts: int = 1201) -> NDArray[np.int16]:
    y, x = np.mgrid[0:posts, 0:posts]
    heights = (x // 4 + y // 8).astype(np.int16)
    heights[10, 20] = -32768
    return heights


def write_hgt(path: Path, heights: NDArray[np.int16]) -> Path:
    path.write_bytes(heights.astype(">i2").tobytes())
    return path


def write_tiff(path: Path, heights: NDArray[np.generic], *, crs: str | None = "EPSG:32637", nodata: float | None = None,
               transform: Affine | None = None) -> Path:  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path, "w", driver="GTiff", width=heights.shape[1], height=heights.shape[0], count=1, dtype=heights.dtype,
            crs=crs, nodata=nodata, transform=transform or Affine(10, 0, 500_000, 0, -10, 3_801_000),
        ) as file:  # fmt: skip
            file.write(heights, 1)
    return path


@pytest.mark.parametrize("posts", [1201, 3601])
def test_an_srtm_tile_lies_where_its_name_says(tmp_path: Path, posts: int) -> None:
    heights = tile(posts)
    grid = grid_of(write_hgt(tmp_path / "N34E040.hgt", heights))
    assert grid.height_m.shape == (posts, posts)
    assert np.isnan(grid.height_m[10, 20])
    assert np.isnan(grid.height_m).sum() == 1
    corners = sample(grid, [40, 41, 40, 41], [35, 35, 34, 34])
    assert corners.tolist() == [heights[0, 0], heights[0, -1], heights[-1, 0], heights[-1, -1]]


@pytest.mark.parametrize(
    ("name", "west", "south"), [("S29W072.hgt", -72, -29), ("n00e006.hgt", 6, 0), ("S01E006.hgt", 6, -1)]
)
def test_names_of_all_quarters_are_understood(tmp_path: Path, name: str, west: int, south: int) -> None:
    grid = grid_of(write_hgt(tmp_path / name, tile()))
    assert grid.west == pytest.approx(west - 0.5 / 1200)
    assert grid.north == pytest.approx(south + 1 + 0.5 / 1200)


def test_a_zipped_tile_is_the_same(tmp_path: Path) -> None:
    plain = write_hgt(tmp_path / "N34E040.hgt", tile())
    with zipfile.ZipFile(tmp_path / "N34E040.hgt.zip", "w") as archive:
        archive.write(plain, "N34E040.hgt")
        archive.writestr("readme.txt", "x")
    packed = grid_of(tmp_path / "N34E040.hgt.zip")
    assert np.array_equal(packed.height_m, grid_of(plain).height_m, equal_nan=True)


def test_our_reading_of_a_tile_is_gdals(tmp_path: Path) -> None:
    path = write_hgt(tmp_path / "N34E040.hgt", tile())
    with rasterio.open(path) as file:
        theirs = file.read(1, masked=True).astype(np.float32).filled(np.nan)
        origin = (file.transform.c, file.transform.f, file.transform.a)
    ours = grid_of(path)
    assert np.array_equal(ours.height_m, theirs, equal_nan=True)
    assert (ours.west, ours.north, ours.step_x) == pytest.approx(origin)


def test_a_geotiff_keeps_its_voids(tmp_path: Path) -> None:
    heights = np.arange(10_000, dtype=np.int16).reshape(100, 100)
    heights[3, 4] = 9999
    heights[5, 6] = -32768
    grid = grid_of(write_tiff(tmp_path / "a.tif", heights, nodata=9999))
    assert grid.crs == "EPSG:32637"
    voids = {(int(row), int(column)) for row, column in np.argwhere(np.isnan(grid.height_m))}
    assert voids == {(3, 4), (5, 6), (99, 99)}
    assert sample(grid, 500_015, 3_800_985) == heights[1, 1]
    floats = np.full((50, 50), np.inf, np.float32)
    floats[1, 1] = 7.5
    assert np.isfinite(grid_of(write_tiff(tmp_path / "b.tif", floats)).height_m).sum() == 1


def test_a_window_is_a_part_of_the_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    path = write_tiff(tmp_path / "a.tif", rng.normal(300, 20, (300, 300)).astype(np.float32))
    to_degrees = Transformer.from_crs(32637, 4326, always_xy=True)
    west, south, east, north = to_degrees.transform_bounds(500_800, 3_799_000, 501_400, 3_799_500)
    whole, part = grid_of(path), DemFiles([path]).load(west, south, east, north)
    assert part.height_m.size < 6000
    x, y = rng.uniform(500_800, 501_400, 50), rng.uniform(3_799_000, 3_799_500, 50)
    assert np.allclose(sample(part, x, y), sample(whole, x, y), atol=1e-4)


def test_files_are_joined_and_the_first_wins(tmp_path: Path) -> None:
    left = write_hgt(tmp_path / "N34E040.hgt", np.full((1201, 1201), 100, np.int16))
    right = write_hgt(tmp_path / "N34E041.hgt", np.full((1201, 1201), 200, np.int16))
    grid = DemFiles([left, right]).load(40.98, 34.5, 41.02, 34.52)
    assert sample(grid, [40.99, 41.0, 41.01], [34.51] * 3).tolist() == [100, 100, 200]
    assert not np.isnan(grid.height_m).any()


def test_nothing_there_is_an_error(tmp_path: Path) -> None:
    path = write_hgt(tmp_path / "N34E040.hgt", tile())
    assert read_grid(path, (50.0, 34.0, 50.1, 34.1)) is None
    with pytest.raises(InputError, match="add the tile"):
        DemFiles([path]).load(50.0, 34.0, 50.1, 34.1)
    tiff = write_tiff(tmp_path / "a.tif", np.zeros((20, 20), np.float32))
    assert read_grid(tiff, (50.0, 34.0, 50.1, 34.1)) is None


def test_bad_files_say_what_to_mend(tmp_path: Path) -> None:
    def complaint(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError) as caught:
            read_grid(tmp_path / name)
        assert name in str(caught.value)
        return str(caught.value)

    with pytest.raises(InputError, match="does not exist"):
        read_grid(tmp_path / "none.tif")
    assert "is empty" in complaint("N34E040.hgt", b"")
    assert "no SRTM tile" in complaint("N34E041.hgt", b"\0" * 1000)
    assert "south-west corner" in complaint("tile.hgt", tile().tobytes())
    assert "broken archive" in complaint("N34E042.hgt.zip", b"PK\3\4 nothing")
    assert "cannot be read" in complaint("x.tif", b"II*\0 nothing")
    good = write_tiff(tmp_path / "good.tif", np.random.default_rng(0).normal(0, 1, (400, 400)).astype(np.float32))
    assert "cannot be read" in complaint("cut.tif", good.read_bytes()[:100_000])


def test_broken_archives_say_what_to_mend(tmp_path: Path) -> None:
    path = tmp_path / "N34E040.hgt.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("N34E040.hgt", tile().tobytes())
    whole = path.read_bytes()
    path.write_bytes(whole[:200] + b"\xff" * 400 + whole[600:])
    with pytest.raises(InputError, match="broken archive"):
        read_grid(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "x")
    with pytest.raises(InputError, match=r"holds 0 \.hgt files"):
        read_grid(path)


def test_pictures_without_a_place_are_refused(tmp_path: Path) -> None:
    nowhere = write_tiff(tmp_path / "no.tif", np.zeros((20, 20), np.float32), crs=None)
    with pytest.raises(InputError, match="no place on the earth"):
        read_grid(nowhere)
    turned = write_tiff(
        tmp_path / "turn.tif",
        np.zeros((20, 20), np.float32),
        transform=Affine(9, 3, 5e5, 3, -9, 3.8e6),
    )
    with pytest.raises(InputError, match="gdalwarp"):
        read_grid(turned)


def posed() -> Camera:
    pose = Pose(latitude_deg=34.5, longitude_deg=40.5, mast_m=20, azimuth_deg=0, elevation_deg=-1)
    return Camera(id="c", lens=LENS, pose=pose, reach_m=4000)


def test_a_site_gets_the_ground_it_names(tmp_path: Path) -> None:
    write_hgt(tmp_path / "N34E040.hgt", tile())
    site = Site(name="s", terrain=Terrain(files=("N34E040.hgt",)), cameras=(posed(),))
    surface = site_surface(site, tmp_path)
    assert surface is not None
    assert float(surface.height_m(34.5, 40.5)) == pytest.approx(150 + 75, abs=1)
    assert surface.radius_m == pytest.approx(4000)
    flat = site_surface(Site(name="s", terrain=Terrain(flat_height_m=0.0), cameras=(posed(),)), tmp_path)
    assert flat is not None
    assert float(flat.height_m(34.51, 40.51)) == pytest.approx(0, abs=1e-3)
    assert site_surface(Site(name="s", cameras=(posed(),)), tmp_path) is None
    with pytest.raises(InputError, match="neither an origin nor a camera"):
        site_surface(Site(name="s", terrain=Terrain(flat_height_m=1.0)), tmp_path)
    away = Position(latitude_deg=10, longitude_deg=10)
    with pytest.raises(InputError, match="add the tile"):
        site_surface(Site(name="s", origin=away, terrain=Terrain(files=("N34E040.hgt",))), tmp_path)


@pytest.mark.parametrize(
    ("name", "shape", "voids", "lowest", "highest"),
    [
        ("N42E001.hgt.zip", (1201, 1201), 7652, 349, 3100),
        ("S29W072.hgt.zip", (1201, 1201), 21, -5, 1899),
        ("srtm_bigtujunga30m_utm11.tif", (643, 1197), 0, 315, 2295),
    ],
)
def test_real_files(
    name: str, shape: tuple[int, int], voids: int, lowest: float, highest: float, real: Callable[[str], Path]
) -> None:
    grid = grid_of(real(f"terrain/dem/{name}"))
    assert grid.height_m.shape == shape
    assert np.isnan(grid.height_m).sum() == voids
    assert (np.nanmin(grid.height_m), np.nanmax(grid.height_m)) == (lowest, highest)
