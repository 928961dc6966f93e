"""Tiles against GDAL's own reprojection, contours against the heights they follow."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.warp import Resampling, reproject
from scipy.ndimage import gaussian_filter, map_coordinates

from marsad.geo.relief import EXTENT, TILE_PX, Relief, Tile, terrarium
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError

WORLD_M = 2 * math.pi * 6_378_137.0


def hills(crs: str = "EPSG:32637", *, void: bool = False, size: int = 600) -> ElevationGrid:
    rng = np.random.default_rng(3)
    heights = gaussian_filter(rng.normal(0, 900, (size, size)), 12) + 240
    if void:
        heights[250:330, 260:340] = np.nan
    step = 10.0 if crs == "EPSG:32637" else 1 / 3600
    west, north = (676_000.0, 3_818_000.0) if crs == "EPSG:32637" else (40.9, 34.55)
    return ElevationGrid(crs=crs, west=west, north=north, step_x=step, step_y=step, height_m=heights.astype(np.float32))


def tile_at(longitude: float, latitude: float, zoom: int) -> Tile:
    side = 2**zoom
    down = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * side
    return Tile(zoom, int((longitude + 180) / 360 * side), int(down))


def warped(grid: ElevationGrid, tile: Tile, resampling: Resampling) -> NDArray[np.float64]:
    """The tile as GDAL makes it."""
    side = WORLD_M / 2**tile.zoom
    place = Affine(
        side / TILE_PX, 0, tile.column * side - WORLD_M / 2, 0, -side / TILE_PX, WORLD_M / 2 - tile.row * side
    )
    out = np.full((TILE_PX, TILE_PX), np.nan, np.float32)
    reproject(
        grid.height_m, out, src_crs=grid.crs, dst_crs="EPSG:3857", dst_transform=place, src_nodata=np.nan,
        src_transform=Affine(grid.step_x, 0, grid.west, 0, -grid.step_y, grid.north), dst_nodata=np.nan,
        resampling=resampling, tolerance=0.0,
    )  # fmt: skip
    return out.astype(float)


@pytest.mark.parametrize("crs", ["EPSG:32637", "EPSG:4326"])
@pytest.mark.parametrize("zoom", [14, 15, 16])
def test_a_tile_is_what_gdal_makes_of_the_grid(crs: str, zoom: int) -> None:
    grid = hills(crs)
    relief = Relief(grid)
    middle = (relief.west_deg + relief.east_deg) / 2, (relief.south_deg + relief.north_deg) / 2
    tile = tile_at(*middle, zoom)
    theirs = warped(grid, tile, Resampling.bilinear)
    known = np.isfinite(theirs)
    assert known.mean() > 0.5
    assert np.abs(relief.heights(tile) - theirs)[known].max() < 0.05


def test_a_coarse_tile_is_near_the_mean_of_what_it_covers() -> None:
    grid = hills()
    relief = Relief(grid)
    tile = tile_at((relief.west_deg + relief.east_deg) / 2, (relief.south_deg + relief.north_deg) / 2, 11)
    theirs = warped(grid, tile, Resampling.average)
    inside = np.isfinite(theirs)
    off = (relief.heights(tile) - theirs)[inside]
    assert np.sqrt(np.mean(off**2)) < 0.15 * np.std(theirs[inside])


def test_neighbouring_tiles_continue_each_other() -> None:
    relief = Relief(hills())
    tile = tile_at((relief.west_deg + relief.east_deg) / 2, (relief.south_deg + relief.north_deg) / 2, 15)
    here, east = relief.heights(tile), relief.heights(Tile(15, tile.column + 1, tile.row))
    across = np.concatenate([here, east], axis=1)
    steps = np.abs(np.diff(across, n=2, axis=1))
    assert steps[:, TILE_PX - 2 : TILE_PX].max() <= steps.max()
    assert np.median(steps[:, TILE_PX - 2 : TILE_PX]) < 3 * np.median(steps) + 0.01


@given(height=st.floats(-11_000, 9_000))
def test_terrarium_heights_come_back_to_two_millimetres(height: float) -> None:
    red, green, blue = terrarium(np.array([[height]], np.float32))[0, 0].astype(float)
    assert red * 256 + green + blue / 256 - 32_768 == pytest.approx(height, abs=0.003)


def test_ground_that_is_not_known_is_level_not_a_cliff() -> None:
    grid = hills(void=True)
    relief = Relief(grid)
    highest, lowest = np.nanmax(grid.height_m), np.nanmin(grid.height_m)
    for longitude in (relief.east_deg + 0.001, relief.east_deg + 0.02, relief.east_deg + 3, relief.west_deg + 0.034):
        heights = relief.heights(tile_at(longitude, (relief.south_deg + relief.north_deg) / 2, 14))
        assert np.isfinite(heights).all()
        assert lowest - 1 <= heights.min() <= heights.max() <= highest + 1
    far = relief.heights(tile_at(relief.east_deg + 3, relief.north_deg, 14))
    assert far == pytest.approx(relief.mean_m, abs=0.01)


def test_contours_lie_at_their_height_and_only_on_known_ground() -> None:
    grid = hills(void=True)
    relief = Relief(grid)
    tile = tile_at((relief.west_deg + relief.east_deg) / 2, (relief.south_deg + relief.north_deg) / 2, 15)
    heights = relief.heights(tile).astype(float)
    contours = relief.contours(tile, 5.0)
    assert len(contours) > 3
    for contour in contours:
        assert contour.height_m % 5 == 0
        across, down = contour.points.T / EXTENT
        assert relief.known(tile, across, down).mean() > 0.9
        inside = (across > 0.01) & (across < 0.99) & (down > 0.01) & (down < 0.99)
        at = map_coordinates(heights, [down[inside] * TILE_PX - 0.5, across[inside] * TILE_PX - 0.5], order=1)
        assert np.abs(at - contour.height_m).max(initial=0) < 1.0


def test_a_tile_beyond_all_ground_has_no_contours() -> None:
    relief = Relief(hills())
    assert relief.contours(tile_at(relief.east_deg + 1, relief.north_deg, 14), 5.0) == []


def test_contours_come_closer_as_one_looks_closer_but_not_than_the_data_can_tell() -> None:
    relief = Relief(hills())
    intervals = [relief.interval_m(zoom, 0.3) for zoom in range(8, 18)]
    assert intervals == sorted(intervals, reverse=True)
    assert intervals[0] > intervals[-1]
    assert relief.interval_m(18, 12.0) == 50.0


def test_tiles_that_do_not_exist_and_ground_without_heights_are_refused() -> None:
    for tile in (Tile(3, 8, 0), Tile(3, 0, -1), Tile(30, 0, 0)):
        with pytest.raises(InputError, match="no such tile"):
            tile.checked()
    empty = ElevationGrid(
        crs="EPSG:4326", west=0, north=1, step_x=0.1, step_y=0.1, height_m=np.full((9, 9), np.nan, np.float32)
    )
    with pytest.raises(InputError, match="voids"):
        Relief(empty)
