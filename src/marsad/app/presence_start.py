"""Presence over a site's ground before anything has happened: its cells, and what each camera can do over them."""

import numpy as np

from marsad.fuse.coverage import camera_eye
from marsad.fuse.presence import Presence, PresenceSettings, corners_of, sector_lattice
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.site import Site


def site_lattice(site: Site, frame: EnuFrame, margin_m: float, cell_m: float) -> Lattice:
    """Cells over a site's lines, zones, inhabited places and cameras, with a margin around.

    Raises: InputError where no camera has a pose.
    """
    posed = [camera.pose for camera in site.cameras if camera.pose is not None]
    if not posed:
        raise InputError("no camera of the site has a pose: add [cameras.pose], see docs/howto/calibrate.md")
    drawn = [each.points for group in (site.lines, site.zones, site.inhabited) for each in group]
    east, north, _ = frame.from_geodetic(
        [pose.latitude_deg for pose in posed], [pose.longitude_deg for pose in posed], [0.0] * len(posed)
    )
    masts = np.column_stack([east, north])
    return sector_lattice([*(corners_of(frame, points) for points in drawn), masts], margin_m, cell_m)


def start_presence(site: Site, surface: Surface, lattice: Lattice) -> Presence:
    """Presence over these cells. It takes a while: how far each camera sees is worked out."""
    settings = PresenceSettings()
    eyes = [
        camera_eye(camera, CameraView(camera.lens, camera.pose, surface, reach_m=camera.reach_m), lattice,
                   settings.coverage)
        for camera in site.cameras
        if camera.pose is not None
    ]  # fmt: skip
    return Presence(site, surface.frame, lattice, eyes, settings, surface)
