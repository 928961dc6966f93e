"""The quick viewshed beside GDAL's, GRASS's and xarray-spatial's: how much of the exact one each has, in what time.

Real ground (SRTM of the San Gabriel mountains at 30 m, the Pyrenees and the Atacama coast at 90 m) and made-up steppe,
about 350,000 cells each, from the highest place near the middle, 20 m above it, to 1.7 m above the ground, with the
earth's curve and refraction 1/7 (GDAL: 6/7 of the curve; xarray-spatial has neither curve nor radius). Exact is a sight
line of its own for every post of the data. IoU is of the posts within reach. Times are processor time: one thread; of
GDAL's program and of GRASS what they take beyond reading and writing, which is a run with a reach of two posts. A peer
that is not installed (`gdal_viewshed`, `grass` with r.viewshed, xarray-spatial in the peers' Python) is left out.
"""

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from shutil import which

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer

from figures import ROOT, Target, command, real_data, show
from marsad.adapters.dem import read_grid
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.quick_viewshed import QuickShed, probable_viewshed, quick_viewshed
from marsad.geo.sight import REFRACTION, clear_many
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.position import Position
from siting_scenes import Sector, steppe

Array = NDArray[np.float64]
Cells = NDArray[np.bool_]

MAST_M, TARGET_M = 20.0, 1.7
PLACES = {"san_gabriel": 9000.0, "pyrenees": 24_000.0, "atacama": 24_000.0, "steppe": 24_000.0}
PROGRAMS = {"gdal": "gdal_viewshed", "grass": "grass"}
FILES = {"san_gabriel": "srtm_bigtujunga30m_utm11.tif", "pyrenees": "N42E001.hgt.zip", "atacama": "S29W072.hgt.zip"}
TARGETS = [
    *(Target(f"{name}_iou", "at_least", 0.99) for name in PLACES),
    *(Target(f"{name}_quick_ms", "at_most", 50.0) for name in PLACES),
    *(Target(f"{name}_probable_s", "at_most", 1.5) for name in PLACES),
]
_PEER = """
import sys, time, numpy as np, xarray as xr
from xrspatial import viewshed
heights, x, y, eye, target = np.load(sys.argv[1]), *map(float, sys.argv[2:6])
rows, columns = heights.shape
raster = xr.DataArray(heights, coords={"y": np.arange(rows)[::-1] * float(sys.argv[6]),
                                       "x": np.arange(columns) * float(sys.argv[7])}, dims=["y", "x"])
once = lambda: viewshed(raster, x=x, y=y, observer_elev=eye, target_elev=target)
once()
start = time.process_time()
seen = once().values >= 0
np.savez(sys.argv[8], seen=seen, seconds=time.process_time() - start)
"""
_GRASS = """
set -e
export GRASS_OVERWRITE=1
r.external input="$1" output=ground --quiet
g.region raster=ground
r.viewshed -c -r -b input=ground output=seen coordinates="$3" observer_elevation="$4" target_elevation="$5" \\
    max_distance="$6" refraction_coeff="$7" --quiet
r.out.gdal input=seen output="$2" type=Byte nodata=255 --quiet
"""


def cost_s(do: Callable[[], object], takes: int = 7) -> float:
    """The least processor time of one call, the first, which compiles, left out."""
    do()
    times = []
    for _ in range(takes):
        start = time.process_time()
        do()
        times.append(time.process_time() - start)
    return min(times)


def ground(name: str) -> tuple[ElevationGrid, Position, tuple[int, int]]:
    """The heights, the highest place near their middle, and its row and column."""
    grid = steppe(Sector(80_000.0, 80_000.0, 100.0, 10, 1)) if name == "steppe" else None
    grid = grid or read_grid(real_data(f"terrain/dem/{FILES[name]}"))
    if grid is None:
        raise SystemExit(f"{name} holds no ground")
    rows, columns = grid.height_m.shape
    top, left = rows // 2 - 60, columns // 2 - 60
    down, across = np.unravel_index(np.nanargmax(grid.height_m[top : top + 120, left : left + 120]), (120, 120))
    row, column = top + int(down), left + int(across)
    x, y = grid.west + (column + 0.5) * grid.step_x, grid.north - (row + 0.5) * grid.step_y
    longitude, latitude = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    return grid, Position(latitude_deg=float(latitude), longitude_deg=float(longitude)), (row, column)


def posts(surface: Surface, shed: QuickShed) -> Array:
    """The posts that were looked at, (N, 3) in the site's frame."""
    grid, (rows, columns) = surface.grid, shed.share.shape
    x, y = np.meshgrid(
        grid.west + (shed.left + np.arange(columns) + 0.5) * grid.step_x,
        grid.north - (shed.top + np.arange(rows) + 0.5) * grid.step_y,
    )
    longitude, latitude = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
    height = grid.height_m[shed.top : shed.top + rows, shed.left : shed.left + columns]
    return np.stack(surface.frame.from_geodetic(latitude.ravel(), longitude.ravel(), height.ravel().astype(float)), 1)


def iou(one: Cells, other: Cells) -> float:
    """What both hold of what either does."""
    return float((one & other).sum() / max((one | other).sum(), 1))


def by_gdal(path: Path, x: float, y: float, reach: float, folder: Path) -> tuple[Cells, float]:
    """What GDAL sees, and its processor time."""
    out = folder / "seen.tif"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [str(which("gdal_viewshed")), "-q", "-ox", str(x), "-oy", str(y), "-oz", str(MAST_M), "-tz", str(TARGET_M),
         "-md", str(reach), "-cc", str(1 - REFRACTION), str(path), str(out)], check=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    with rasterio.open(out) as file:
        seen, transform = file.read(1) > 0, file.transform
    with rasterio.open(path) as file:
        whole = np.zeros(file.shape, np.bool_)
        top, left = (
            round((file.transform.f - transform.f) / -transform.e),
            round((transform.c - file.transform.c) / transform.a),
        )
    whole[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
    return whole, spent


def by_grass(path: Path, x: float, y: float, reach: float, folder: Path) -> tuple[Cells, float]:
    """What GRASS sees, and its processor time with all that starting it takes."""
    out, script = folder / "seen_grass.tif", folder / "grass.sh"
    script.write_text(_GRASS)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    asked = [str(path), str(out), f"{x},{y}", str(MAST_M), str(TARGET_M), str(reach), str(REFRACTION)]
    subprocess.run(
        [str(which("grass")), "--tmp-location", str(path), "--exec", "sh", str(script), *asked],
        check=True, capture_output=True,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with rasterio.open(out) as file:
        return file.read(1) == 1, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def written(heights: NDArray[np.float32], apart_m: tuple[float, float], folder: Path) -> Path:
    """The heights as a plane's, from its lower left corner, where programs read them."""
    down, across = apart_m
    path = folder / "ground.tif"
    with rasterio.open(
        path, "w", driver="GTiff", dtype="float32", count=1, width=heights.shape[1], height=heights.shape[0],
        crs="EPSG:32611", transform=rasterio.Affine(across, 0, 0, 0, -down, heights.shape[0] * down),
        nodata=-9999.0,
    ) as file:  # fmt: skip
        file.write(np.nan_to_num(heights, nan=-9999.0), 1)
    return path


def peers(
    surface: Surface, shed: QuickShed, apart_m: tuple[float, float], folder: Path
) -> dict[str, tuple[Cells, float]]:
    """What the peers that are here see of the same posts, taken as a plane, and their times."""
    heights = surface.grid.height_m[shed.top :, shed.left :][: shed.share.shape[0], : shed.share.shape[1]]
    column, row = (round(at) for at in centre(surface, shed))
    down, across = apart_m
    found = {}
    path = written(heights, apart_m, folder)
    x, y = (column + 0.5) * across, (heights.shape[0] - row - 0.5) * down
    reach = max(heights.shape) * max(down, across)
    for name, sees in (("gdal", by_gdal), ("grass", by_grass)):
        if which(PROGRAMS[name]):
            seen, spent = sees(path, x, y, reach, folder)
            found[name] = seen, spent - sees(path, x, y, 2 * max(down, across), folder)[1]
    python = Path(os.environ.get("MARSAD_PEERS", ROOT / ".venv-peers")) / "bin/python"
    if list(python.parents[1].glob("lib/*/site-packages/xrspatial")):
        np.save(folder / "heights.npy", np.nan_to_num(heights.astype(np.float64), nan=-9999.0))
        where = [column * across, (heights.shape[0] - 1 - row) * down, MAST_M, TARGET_M, down, across]
        asked = [str(python), "-c", _PEER, str(folder / "heights.npy"), *map(str, where), str(folder / "seen.npz")]
        subprocess.run(asked, check=True)
        told = np.load(folder / "seen.npz")
        found["xarray_spatial"] = told["seen"], float(told["seconds"])
    return found


def centre(surface: Surface, shed: QuickShed) -> tuple[float, float]:
    """The observer's column and row among the posts that were looked at."""
    grid = surface.grid
    origin = surface.frame.origin
    x, y = Transformer.from_crs("EPSG:4326", grid.crs, always_xy=True).transform(
        origin.longitude_deg, origin.latitude_deg
    )
    return (x - grid.west) / grid.step_x - 0.5 - shed.left, (grid.north - y) / grid.step_y - 0.5 - shed.top


def measure(name: str, reach_m: float) -> dict[str, object]:
    """All figures of one kind of ground."""
    grid, place, _ = ground(name)
    surface = Surface(grid, EnuFrame(place), 1.25 * reach_m)

    def quick() -> QuickShed:
        return quick_viewshed(surface, 0.0, 0.0, MAST_M, reach_m=reach_m, target_m=TARGET_M)

    def probable() -> QuickShed:
        return probable_viewshed(
            surface, 0.0, 0.0, MAST_M, np.random.default_rng(0), reach_m=reach_m, sigma_m=3.0, correlation_m=300.0
        )

    shed = quick()
    targets = posts(surface, shed) + np.array([0.0, 0.0, TARGET_M])
    asked = (np.hypot(targets[:, 0], targets[:, 1]) < 0.999 * reach_m) & ~np.isnan(targets[:, 2])
    eye, up = np.array([0.0, 0.0, float(surface.up_m(0.0, 0.0)) + MAST_M]), np.array([0.0, 0.0, 1.0])
    start = time.process_time()
    exact = clear_many(surface.arrays, eye, up, targets[asked], REFRACTION)
    figures: dict[str, object] = {
        "cells": shed.share.size, "seen": float(exact.mean()), "exact_s": time.process_time() - start,
        "quick_ms": 1000 * cost_s(quick), "iou": iou(shed.seen.ravel()[asked], exact),
        "probable_s": cost_s(probable, 2),
    }  # fmt: skip
    down = float(np.hypot(*(targets[shed.share.shape[1], :2] - targets[0, :2])))
    across = float(np.hypot(*(targets[1, :2] - targets[0, :2]))) if name == "san_gabriel" else _across(targets, shed)
    with tempfile.TemporaryDirectory() as folder:
        for peer, (seen, spent) in peers(surface, shed, (down, across), Path(folder)).items():
            figures |= {f"{peer}_iou": iou(seen.ravel()[asked], exact), f"{peer}_ms": 1000 * spent}
    return {f"{name}_{key}": value for key, value in figures.items()}


def _across(targets: Array, shed: QuickShed) -> float:
    """How far columns are apart half-way down."""
    begin = shed.share.shape[0] // 2 * shed.share.shape[1]
    row = targets[begin : begin + shed.share.shape[1], :2]
    return float(np.nanmedian(np.hypot(*np.diff(row, axis=0).T)))


def row(name: str, figures: dict[str, object]) -> str:
    """A line of the table: IoU and milliseconds of each way of seeing; a dash where a peer is not installed."""
    cells = [name]
    for way in ("quick", "gdal", "grass", "xarray_spatial"):
        iou_of = "iou" if way == "quick" else f"{way}_iou"
        share, spent = figures.get(f"{name}_{iou_of}"), figures.get(f"{name}_{way}_ms")
        cells.append(f"{share:.4f} {spent:6.1f} ms" if isinstance(share, float) and isinstance(spent, float) else "-")
    return "".join(f"{cell:20}" for cell in cells)


def main() -> None:
    """All kinds of ground."""
    options = command(__doc__ or "").parse_args()
    figures: dict[str, object] = {}
    for name, program in PROGRAMS.items():
        if not which(program):
            print(f"left out: {name}, for {program} is not installed")
    print("".join(f"{cell:20}" for cell in ("IoU, time", "quick", "GDAL", "GRASS", "xarray-spatial")))
    for name, reach_m in PLACES.items():
        figures |= measure(name, reach_m)
        print(row(name, figures), flush=True)
    show("viewshed", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()
