"""The ground: sampling, joining, and the surface in a site's frame."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from marsad.geo.elevation import Surface, flat_grid, mosaic, sample
from marsad.geo.geodesy import MEAN_RADIUS_M, EnuFrame, geodetic_from_utm, utm_from_geodetic
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError
from marsad.kernel.position import Position

EAST0, NORTH0 = 390_000.0, 3_800_000.0
LATITUDE, LONGITUDE = (float(v) for v in geodetic_from_utm(EAST0, NORTH0, 11))
FRAME = EnuFrame(Position(latitude_deg=LATITUDE, longitude_deg=LONGITUDE))


def utm_grid(
    heights: NDArray[np.float32], step: float = 30.0, east: float = EAST0, north: float = NORTH0
) -> ElevationGrid:
    rows, columns = heights.shape
    return ElevationGrid(
        crs="EPSG:32611",
        west=east - columns * step / 2,
        north=north + rows * step / 2,
        step_x=step,
        step_y=step,
        height_m=heights.astype(np.float32),
    )


def hills(rows: int, columns: int, seed: int = 0) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:columns]
    return (500 + 80 * np.sin(x / 7) * np.cos(y / 11) + rng.normal(0, 3, (rows, columns))).astype(np.float32)


def test_heights_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        utm_grid(hills(4, 4)).height_m[0, 0] = 1.0


def test_a_plane_is_sampled_exactly_between_cell_centres() -> None:
    y, x = np.mgrid[0:40, 0:50]
    grid = utm_grid((100 + 2 * x - 3 * y).astype(np.float32))
    xs = grid.west + 30 * np.array([0.5, 1.0, 20.25, 49.5])
    ys = grid.north - 30 * np.array([0.5, 2.0, 7.75, 39.5])
    expected = 100 + 2 * (xs - grid.west - 15) / 30 - 3 * (grid.north - 15 - ys) / 30
    assert np.allclose(sample(grid, xs, ys), expected)


def test_a_cell_that_touches_a_void_is_a_void() -> None:
    heights = np.full((6, 6), 10, np.float32)
    heights[2, 3] = np.nan
    grid = utm_grid(heights)

    def at(column: float, row: float) -> float:
        return float(sample(grid, grid.west + 30 * (column + 0.5), grid.north - 30 * (row + 0.5)))

    for column, row in ((2.5, 2), (3, 1.5), (3.9, 2.9), (2.1, 1.1), (3, 2)):
        assert np.isnan(at(column, row))
    for column, row in ((2, 2), (4, 2), (3, 1), (1.9, 2.5), (4.1, 2.5)):
        assert at(column, row) == 10


def test_nothing_is_known_off_the_grid() -> None:
    grid = utm_grid(np.full((6, 6), 10, np.float32))
    x, y = grid.west + 90, grid.north - 90
    assert np.isnan(
        sample(grid, [grid.west + 14, grid.west + 167, x, x], [y, y, grid.north - 14, grid.north - 167])
    ).all()


def test_the_surface_agrees_with_the_grid_at_every_height_and_distance() -> None:
    grid = utm_grid(hills(700, 700))
    surface = Surface(grid, FRAME, 9000)
    rng = np.random.default_rng(3)
    east, north = rng.uniform(-6000, 6000, (2, 500))
    up = surface.up_m(east, north)
    latitude, longitude, height = FRAME.to_geodetic(east, north, up)
    assert np.abs(height - sample(grid, *utm_from_geodetic(latitude, longitude, 11))).max() < 0.02
    assert np.abs(surface.height_m(latitude, longitude) - height).max() < 0.01
    shift = 25 * 6000 * math.sqrt(2) / MEAN_RADIUS_M  # the frame's up leans away from the local one
    assert np.abs(surface.above_m(east, north, up + 25) - 25).max() < shift


def test_flat_ground_follows_the_ellipsoid() -> None:
    surface = Surface(flat_grid(LATITUDE, LONGITUDE, 200, 30_000), FRAME, 30_000)
    angle = np.linspace(0, 6, 20)
    east, north = 29_000 * np.sin(angle), 29_000 * np.cos(angle)
    _, _, height = FRAME.to_geodetic(east, north, surface.up_m(east, north))
    assert np.abs(height - 200).max() < 1e-3
    place = surface.position(100, 100)
    assert place is not None
    assert place.height_m == pytest.approx(200, abs=1e-3)


def test_flat_ground_reaches_across_the_date_line() -> None:
    frame = EnuFrame(Position(latitude_deg=-17, longitude_deg=179.99))
    surface = Surface(flat_grid(-17, 179.99, 5, 10_000), frame, 10_000)
    assert np.isfinite(surface.up_m(np.array([-9000, 9000]), np.zeros(2))).all()


def test_voids_and_edges_of_a_surface_are_nan() -> None:
    heights = hills(200, 200)
    heights[90:100, 90:100] = np.nan
    surface = Surface(utm_grid(heights), FRAME, 2500)
    centre_east, centre_north = -150.0, 150.0
    assert np.isnan(surface.up_m(centre_east, centre_north))
    assert surface.position(centre_east, centre_north) is None
    assert np.isnan(surface.up_m(5000, 0))


def test_surfaces_that_cannot_be_built_say_why() -> None:
    with pytest.raises(InputError, match="does not reach the site"):
        Surface(utm_grid(hills(50, 50), east=EAST0 + 60_000), FRAME, 5000)
    with pytest.raises(InputError, match="nothing but voids"):
        Surface(utm_grid(np.full((50, 50), np.nan, np.float32)), FRAME, 5000)
    with pytest.raises(InputError, match="is not known; give an EPSG code"):
        Surface(msgspec.structs.replace(utm_grid(hills(50, 50)), crs="EPSG:999999"), FRAME, 5000)
    with pytest.raises(InputError, match="too wide"):
        Surface(flat_grid(LATITUDE, LONGITUDE, 0, 2_000_000), FRAME, 2_000_000)


def test_the_fingerprint_follows_ground_and_frame() -> None:
    heights = hills(100, 100)
    surface = Surface(utm_grid(heights), FRAME, 1000)
    changed = heights.copy()
    changed[50, 50] += 1
    moved = EnuFrame(Position(latitude_deg=LATITUDE, longitude_deg=LONGITUDE, height_m=1))
    assert surface.fingerprint() == Surface(utm_grid(heights), FRAME, 1000).fingerprint()
    assert surface.fingerprint() != Surface(utm_grid(changed), FRAME, 1000).fingerprint()
    assert surface.fingerprint() != Surface(utm_grid(heights), moved, 1000).fingerprint()


def test_tiles_join_without_a_seam() -> None:
    whole = utm_grid(hills(60, 80))
    left = msgspec.structs.replace(whole, height_m=whole.height_m[:, :45])
    right = msgspec.structs.replace(
        whole, height_m=whole.height_m[10:, 40:], west=whole.west + 1200, north=whole.north - 300
    )
    joined = mosaic([left, right])
    assert np.array_equal(joined.height_m[10:], whole.height_m[10:])
    assert np.isnan(joined.height_m[:10, 45:]).all()
    assert (joined.west, joined.north) == (whole.west, whole.north)
    turned = mosaic([right, left])
    assert np.array_equal(turned.height_m[10:], whole.height_m[10:])
    assert (turned.west, turned.north) == pytest.approx((whole.west, whole.north))


def test_the_first_named_wins_and_the_next_fills_its_voids() -> None:
    first = np.full((20, 20), 1, np.float32)
    first[5, 5] = np.nan
    joined = mosaic([utm_grid(first), utm_grid(np.full((20, 20), 2, np.float32))])
    assert joined.height_m[5, 5] == 2
    assert (joined.height_m == 1).sum() == 399


def test_another_reference_system_is_sampled_onto_the_first() -> None:
    coarse = np.full((40, 40), np.nan, np.float32)
    y, x = np.mgrid[0:400, 0:400]
    degrees = ElevationGrid(
        crs="EPSG:4326",
        west=LONGITUDE - 0.02,
        north=LATITUDE + 0.02,
        step_x=0.0001,
        step_y=0.0001,
        height_m=(x + 2.0 * y).astype(np.float32),
    )
    joined = mosaic([utm_grid(coarse), degrees])
    row, column = joined.height_m.shape[0] // 2, joined.height_m.shape[1] // 2
    east, north = joined.west + 30 * (column + 0.5), joined.north - 30 * (row + 0.5)
    latitude, longitude = geodetic_from_utm(east, north, 11)
    assert joined.height_m[row, column] == pytest.approx(float(sample(degrees, longitude, latitude)), abs=1e-3)


def test_mosaics_that_make_no_sense_are_refused() -> None:
    grid = utm_grid(hills(10, 10))
    with pytest.raises(InputError, match="name at least one"):
        mosaic([])
    with pytest.raises(InputError, match="different references"):
        mosaic([grid, msgspec.structs.replace(grid, vertical="ellipsoid")])
    with pytest.raises(InputError, match="lies far from the others"):
        mosaic([grid, msgspec.structs.replace(grid, west=grid.west + 3e6, north=grid.north - 3e6)])


@given(st.floats(-60, 60), st.floats(-180, 180), st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_ground_points_go_round(latitude: float, longitude: float, east: float, north: float) -> None:
    frame = EnuFrame(Position(latitude_deg=latitude, longitude_deg=longitude))
    surface = Surface(flat_grid(latitude, longitude, 100, 8000), frame, 8000)
    place = surface.position(east, north)
    assert place is not None
    assert float(surface.height_m(place.latitude_deg, place.longitude_deg)) == pytest.approx(100, abs=1e-3)
