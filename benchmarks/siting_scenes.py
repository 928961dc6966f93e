"""Sectors of made-up ground, by seed: rolling steppe, three kinds of towers at well-spread places near the line."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.sparse import csr_array

from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.mobility import ON_FOOT
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.plan.search_camera import SearchCamera
from marsad.plan.sector import Site, TowerKind, exposures, ways_across
from marsad.plan.siting import Evader, Siting

Array = NDArray[np.float64]

HOME = Position(latitude_deg=34.4, longitude_deg=41.0)
DEM_STEP_DEG = 1 / 1200
ROLLING = ((40, 25.0), (15, 12.0), (5, 5.0), (2, 1.5))
BAND_M = 1200.0
SPREAD = 0.75
# Uncooled cameras of 17 micrometres behind lenses of 13, 25 and 50 mm, five seconds a look.
KINDS = (
    TowerKind(name="mast", mast_m=6.0, camera=SearchCamera(pixel_rad=1.3e-3, turn_s=40.0, reach_m=1000.0), cost=30.0),
    TowerKind(
        name="tower", mast_m=12.0, camera=SearchCamera(pixel_rad=0.68e-3, turn_s=72.0, reach_m=1800.0), cost=60.0
    ),
    TowerKind(
        name="high", mast_m=25.0, camera=SearchCamera(pixel_rad=0.34e-3, turn_s=145.0, reach_m=3500.0), cost=120.0
    ),
)


class Sector(NamedTuple):
    """How long and deep a sector is, its cells, its sites, and the seed of its ground."""

    length_m: float
    depth_m: float
    cell_m: float
    sites: int
    seed: int


def steppe(sector: Sector) -> ElevationGrid:
    """Ground that rolls on four scales."""
    rng = np.random.default_rng(sector.seed)
    columns, rows = int((sector.length_m + 12_000) / 76), int((sector.depth_m + 12_000) / 92)
    height = np.full((rows, columns), 250.0)
    for smooth, amplitude in ROLLING:
        drawn = gaussian_filter(rng.normal(size=(rows, columns)), smooth, mode="wrap")
        height += amplitude * drawn / drawn.std()
    return ElevationGrid(
        crs="EPSG:4326",
        west=HOME.longitude_deg - columns * DEM_STEP_DEG / 2,
        north=HOME.latitude_deg + rows * DEM_STEP_DEG / 2,
        step_x=DEM_STEP_DEG,
        step_y=DEM_STEP_DEG,
        height_m=height.astype(np.float32),
        source="made up",
    )


def ground(sector: Sector) -> tuple[Surface, Lattice]:
    """The surface and the cells of a sector whose line runs from west to east through the middle."""
    radius = math.hypot(sector.length_m, sector.depth_m) / 2 + 600
    lattice = Lattice(
        west_m=-sector.length_m / 2,
        north_m=sector.depth_m / 2,
        cell_m=sector.cell_m,
        rows=int(sector.depth_m / sector.cell_m),
        columns=int(sector.length_m / sector.cell_m),
    )
    return Surface(steppe(sector), EnuFrame(HOME), radius), lattice


def spread_sites(sector: Sector, lattice: Lattice, height_m: Array, band_m: float = BAND_M) -> list[Site]:
    """High places near the line, no two close to each other."""
    east, north = (axis.ravel() for axis in lattice.centres())
    rise = (height_m - gaussian_filter(height_m, 8)).ravel()
    order = np.flatnonzero(np.abs(north) < band_m)
    order = order[np.argsort(-rise[order], kind="stable")]
    apart = math.sqrt(sector.length_m * 2 * band_m / sector.sites) * SPREAD
    chosen: list[int] = []
    while len(chosen) < sector.sites:
        chosen = []
        for cell in order:
            if all(math.hypot(east[cell] - east[k], north[cell] - north[k]) >= apart for k in chosen):
                chosen.append(int(cell))
        apart *= 0.95
    return [Site(float(east[cell]), float(north[cell])) for cell in chosen[: sector.sites]]


def seen_cells(sector: Sector) -> tuple[csr_array, list[Site], Surface, Lattice]:
    """What every kind of tower at every site adds at every cell."""
    surface, lattice = ground(sector)
    sites = spread_sites(sector, lattice, heights(surface, lattice))
    return exposures(surface, lattice, sites, KINDS), sites, surface, lattice


def heights(surface: Surface, lattice: Lattice) -> Array:
    """The ground's height at the cells' centres."""
    east, north = lattice.centres()
    return surface.up_m(east.ravel(), north.ravel()).reshape(lattice.shape)


def siting(sector: Sector, probability: float) -> Siting:
    """The choice of towers along a sector against walkers in both directions."""
    exposure, sites, surface, lattice = seen_cells(sector)
    offset = -lattice.centres()[1]
    ways = ways_across(lattice, heights(surface, lattice), offset, (sector.depth_m - sector.cell_m) / 2 - 1.0, ON_FOOT)
    along = np.repeat([site.east_m for site in sites], len(KINDS)).astype(np.float64)
    costs = np.tile([kind.cost for kind in KINDS], len(sites)).astype(np.float64)
    return Siting(costs, along, [Evader(exposure=exposure, passages=ways)], probability)
