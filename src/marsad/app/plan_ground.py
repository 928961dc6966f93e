"""What a plan is made on: the sector's cells, the line through them, and what could stand there or stands already."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from marsad.adapters.dem import site_surface
from marsad.app.plan_file import PlanFile, pixel_rad
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import Array, EnuFrame
from marsad.geo.ground import CameraView, site_origin
from marsad.geo.mobility import ON_FOOT
from marsad.geo.viewshed import camera_viewshed
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.kernel.site import Camera, Line, Site
from marsad.plan.line_ground import Beside, beside, sector_lattice, spread_sites
from marsad.plan.search_camera import SearchCamera, detection_rate
from marsad.plan.sector import Site as Place
from marsad.plan.sector import exposures, ways_across
from marsad.plan.siting import Evader, Siting
from marsad.simulate.terrain import rugged_desert

LARGEST_CELLS = 400_000
_SPARE_M = 500.0
_FAINTEST = 1e-5


class Option(NamedTuple):
    """One thing that may be built, or a camera that stands: where, of what type, at what cost."""

    candidate: str
    kind: str
    place: Place
    cost: float
    standing: bool = False


class Sector(NamedTuple):
    """A line's ground ready to be planned on; `made` is its elevation where it was generated."""

    site: Site
    line: Line
    corners: Array
    surface: Surface
    made: ElevationGrid | None
    lattice: Lattice
    height_m: Array
    beside: Beside


def lay_out(site: Site, plan: PlanFile) -> Sector:
    """The sector of a site's first line. Raises: InputError naming what is missing."""
    if not site.lines:
        raise InputError("the site has no line to hold: add a [[lines]] table to the site file")
    line = site.lines[0]
    origin = site_origin(site) or line.points[len(line.points) // 2]
    site = msgspec.structs.replace(site, origin=origin)
    frame = EnuFrame(origin)
    corners = _corners(line, frame)
    lattice = sector_lattice(corners, plan.depth_m, plan.cell_m)
    if lattice.rows * lattice.columns > LARGEST_CELLS:
        raise InputError(
            f"cell_m = {plan.cell_m:g}: the sector has {lattice.rows} x {lattice.columns} cells, more than "
            f"{LARGEST_CELLS}; larger cells or a shorter line make fewer"
        )
    surface, made = _ground(site, plan, _reach_m(site, lattice, plan, frame))
    _line_on_ground(line, corners, surface)
    east, north = lattice.centres()
    near = beside(corners, east, north, inside_right=line.inside == "right")
    height = surface.up_m(east, north)
    # Beyond the line's ends and past the depth nobody walks: what happens there is another sector's.
    height[near.past | (np.abs(near.offset_m) > plan.depth_m + 1.5 * plan.cell_m)] = np.nan
    return Sector(site, line, corners, surface, made, lattice, height, near)


def _corners(line: Line, frame: EnuFrame) -> Array:
    east, north, _ = frame.from_geodetic(
        [point.latitude_deg for point in line.points], [point.longitude_deg for point in line.points], 0.0
    )
    return np.stack([east, north], axis=-1)


def _reach_m(site: Site, lattice: Lattice, plan: PlanFile, frame: EnuFrame) -> float:
    """How far from the origin ground is asked for: the sector, and candidates and cameras outside it."""
    east, north = lattice.centres()
    poses = [camera.pose for camera in site.cameras if camera.pose is not None]
    places = [(one.position.latitude_deg, one.position.longitude_deg) for one in plan.candidates]
    places += [(pose.latitude_deg, pose.longitude_deg) for pose in poses]
    outside = [float(np.hypot(*frame.from_geodetic(latitude, longitude)[:2])) for latitude, longitude in places]
    return max(float(np.hypot(east, north).max()), *outside, 0.0) + _SPARE_M


def _ground(site: Site, plan: PlanFile, radius_m: float) -> tuple[Surface, ElevationGrid | None]:
    surface = site_surface(site, Path(), radius_m)
    if surface is not None and plan.terrain is not None:
        raise InputError("the site has terrain of its own: take [terrain] out of the plan file")
    if surface is not None:
        return surface, None
    if plan.terrain is None:
        raise InputError(
            "the site has no terrain: set terrain.files in the site file, or [terrain] in the plan file to make it up"
        )
    origin = site.origin or site.lines[0].points[0]
    rng = np.random.default_rng(plan.terrain.seed)
    made = rugged_desert(origin, rng, radius_m=radius_m + _SPARE_M, cell_m=plan.terrain.cell_m)
    return Surface(made, EnuFrame(origin), radius_m), made


def _line_on_ground(line: Line, corners: Array, surface: Surface) -> None:
    unknown = np.flatnonzero(np.isnan(surface.up_m(corners[:, 0], corners[:, 1])))
    if len(unknown):
        point = line.points[int(unknown[0])]
        raise InputError(
            f"line {line.id}: {len(unknown)} of its {len(corners)} points lie outside the known terrain, the first at "
            f"latitude {point.latitude_deg:.5f}, longitude {point.longitude_deg:.5f}; add its tile to terrain.files"
        )


def candidate_places(sector: Sector, plan: PlanFile) -> dict[str, Place]:
    """The places where towers may be built, by name: those given, then those looked for."""
    places: dict[str, Place] = {}
    for candidate in plan.candidates:
        point = sector.surface.frame.point(candidate.position)
        if np.isnan(sector.surface.up_m(point.east_m, point.north_m)):
            raise InputError(f"candidate {candidate.id}: the ground there is not known; add the tile, or leave it out")
        places[candidate.id] = Place(point.east_m, point.north_m)
    if plan.spread is not None:
        found = spread_sites(sector.lattice, sector.height_m, sector.beside, plan.spread.count, plan.spread.band_m)
        for number, place in enumerate(found, 1):
            name = f"place-{number}"
            if name in places:
                raise InputError(f"candidate {name}: [spread] names its places so; give this one another id")
            places[name] = place
    return places


def options_of(sector: Sector, plan: PlanFile) -> list[Option]:
    """Every tower at every candidate, then every camera that stands."""
    places = candidate_places(sector, plan)
    built = [Option(name, tower.id, place, tower.cost) for name, place in places.items() for tower in plan.towers]
    for camera, view in standing(sector):
        place = Place(float(view.origin[0]), float(view.origin[1]))
        built.append(Option(camera.id, "standing", place, 0.0, standing=True))
    return built


def standing(sector: Sector) -> list[tuple[Camera, CameraView]]:
    """The cameras that stand somewhere already, and how they look."""
    return [
        (camera, CameraView(camera.lens, camera.pose, sector.surface, reach_m=camera.reach_m))
        for camera in sector.site.cameras
        if camera.pose is not None
    ]


def siting_of(sector: Sector, plan: PlanFile, options: Sequence[Option]) -> Siting:
    """The choice to be made along a sector. Raises: InputError where no candidate sees anything of it."""
    places = [option.place for option in options if not option.standing][:: len(plan.towers)]
    exposure = exposures(sector.surface, sector.lattice, places, [tower.kind() for tower in plan.towers])
    if exposure[:, np.flatnonzero(~np.isnan(sector.height_m))].nnz == 0:
        raise InputError(
            f"no candidate sees anything within {plan.depth_m:g} m of line {sector.line.id}: raise mast_m or reach_m, "
            "or move the candidates nearer"
        )
    stood = [standing_rates(sector, *each, plan.standing_try_s) for each in standing(sector)]
    ways = ways_across(sector.lattice, sector.height_m, sector.beside.offset_m, plan.depth_m, ON_FOOT)
    where = np.array([option.place for option in options])
    along = beside(sector.corners, where[:, 0], where[:, 1], inside_right=True).along_m
    evader = Evader(exposure=csr_array(vstack([exposure, *stood])), passages=ways)
    costs = np.array([option.cost for option in options])
    return Siting(costs, along, [evader], plan.probability, np.array([option.standing for option in options]))


def standing_rates(sector: Sector, camera: Camera, view: CameraView, try_s: float) -> csr_array:
    """What a camera that stands adds to each cell in its picture: a try every so often."""
    shed = camera_viewshed(view, sector.lattice, masks=camera.masks)
    stares = SearchCamera(pixel_rad=pixel_rad(camera.lens), turn_s=try_s, reach_m=camera.reach_m)
    rate = np.where(shed.seen, detection_rate(stares, np.nan_to_num(shed.range_m, nan=np.inf)), 0.0)
    return csr_array(np.where(rate > _FAINTEST, rate, 0.0).reshape(1, -1))


def way_points(sector: Sector, places: NDArray[np.int32]) -> Array:
    """East and north (K, 2) of a way's cells."""
    east, north = sector.lattice.centres()
    return np.stack([east.ravel()[places], north.ravel()[places]], axis=-1)


def position_of(sector: Sector, east_m: float, north_m: float) -> Position:
    """A place of the sector on the earth, on its ground."""
    return sector.surface.position(east_m, north_m) or sector.surface.frame.position(east_m, north_m)
