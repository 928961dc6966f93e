"""What a desk's picture is made of: the site's cameras, its patrols' own positions, and what people report."""

import math
from pathlib import Path
from typing import Final, NamedTuple

from marsad.adapters.dem import site_surface
from marsad.app.desk_ground import Ground
from marsad.app.picture_start import Setup, fingerprint
from marsad.fuse.approach import line_paths
from marsad.fuse.sensor import CameraSensor, PlaceSensor, Sensor
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView, site_origin
from marsad.kernel.error import InputError
from marsad.kernel.picture import PictureSource
from marsad.kernel.site import Site

SIGHTINGS: Final = "sightings"
"""The source under whose name people's reports go into the picture."""
_NOWHERE: Final = (math.inf, math.inf, -math.inf, -math.inf)


class Made(NamedTuple):
    """A site's picture and ground; `surface` is None where it names no terrain."""

    setup: Setup
    ground: Ground
    surface: Surface | None


def patrol_source(patrol_id: str) -> str:
    """The source of a patrol's own position."""
    return f"patrol/{patrol_id}"


def set_up(site: Site) -> Made:
    """What the picture of a site is made of. Raises: InputError for a site that says nowhere where it is."""
    origin = site_origin(site)
    if origin is None:
        raise InputError(f"site {site.name}: has neither an origin nor a camera with a pose; set one of them")
    surface = site_surface(site, Path())
    frame = EnuFrame(origin) if surface is None else surface.frame
    sensors: list[Sensor] = []
    sources: list[PictureSource] = []
    for camera in site.cameras:
        if camera.pose is None or surface is None:
            continue
        view = CameraView(camera.lens, camera.pose, surface, reach_m=camera.reach_m)
        sensors.append(CameraSensor(camera, view, site.terrain))
        mark = fingerprint(frame.origin, camera, site.terrain)
        sources.append(PictureSource(source_id=camera.id, reports="bearings", fingerprint=mark))
    for name, itself in ((SIGHTINGS, False), *((patrol_source(each.patrol_id), True) for each in site.patrols)):
        sensors.append(PlaceSensor(name, covers=_NOWHERE))
        mark = fingerprint(frame.origin)
        sources.append(PictureSource(source_id=name, reports="places", itself=itself, fingerprint=mark))
    setup = Setup(
        sensors=sensors, sources=sources, frame=frame, organisation=site.organisation,
        patrols={patrol_source(each.patrol_id): each.patrol_id for each in site.patrols},
        paths=line_paths(site.lines, frame),
    )  # fmt: skip
    return Made(setup, Ground(site, frame, surface, site.patrols), surface)
