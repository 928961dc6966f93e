"""What a plan is made on: the sector's cells, the line through them, and what could stand there or stands already."""

from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from marsad.adapters.dem import site_surface
from marsad.app.plan_file import PlanFile, eases
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import Array, EnuFrame
from marsad.geo.ground import CameraView, site_origin
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.kernel.site import Camera, Line, Site
from marsad.plan.land import Land, Patch
from marsad.plan.line_ground import Beside, beside, sector_lattice
from marsad.simulate.terrain import rugged_desert

LARGEST_CELLS = 400_000
_SPARE_M = 500.0


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
    land: Land


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
    return Sector(site, line, corners, surface, made, lattice, height, near, _land(plan, frame))


def _land(plan: PlanFile, frame: EnuFrame) -> Land:
    patches = [
        Patch(
            (_ring(piece.points, frame), *(_ring(hole.points, frame) for hole in piece.holes)), piece.surface.casefold()
        )
        for piece in plan.land
    ]
    return Land(patches, eases(plan))


def _ring(points: tuple[Position, ...], frame: EnuFrame) -> Array:
    latitude, longitude = np.array([(point.latitude_deg, point.longitude_deg) for point in points]).T
    return np.stack(frame.from_geodetic(latitude, longitude)[:2], axis=1)


def _corners(line: Line, frame: EnuFrame) -> Array:
    east, north, _ = frame.from_geodetic(
        [point.latitude_deg for point in line.points], [point.longitude_deg for point in line.points], 0.0
    )
    return np.stack([east, north], axis=-1)


def _reach_m(site: Site, lattice: Lattice, plan: PlanFile, frame: EnuFrame) -> float:
    """How far from the origin ground is asked for: the sector, and candidates and cameras outside it."""
    east, north = lattice.centres()
    poses = [camera.pose for camera in site.cameras if camera.pose is not None]
    given = [one.position for group in (plan.candidates, plan.bases, plan.posts) for one in group]
    given += [] if plan.command is None else [plan.command.position, *(one.position for one in plan.command.relays)]
    places = [(position.latitude_deg, position.longitude_deg) for position in given]
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


def standing(sector: Sector) -> list[tuple[Camera, CameraView]]:
    """The cameras that stand somewhere already, and how they look."""
    return [
        (camera, CameraView(camera.lens, camera.pose, sector.surface, reach_m=camera.reach_m))
        for camera in sector.site.cameras
        if camera.pose is not None
    ]


def way_points(sector: Sector, places: NDArray[np.int32]) -> Array:
    """East and north (K, 2) of a way's cells."""
    east, north = sector.lattice.centres()
    return np.stack([east.ravel()[places], north.ravel()[places]], axis=-1)


def position_of(sector: Sector, east_m: float, north_m: float) -> Position:
    """A place of the sector on the earth, on its ground."""
    return sector.surface.position(east_m, north_m) or sector.surface.frame.position(east_m, north_m)


def illustrative(sector: Sector) -> bool:
    """Whether the ground is made up."""
    return sector.made is not None or sector.site.terrain.illustrative
