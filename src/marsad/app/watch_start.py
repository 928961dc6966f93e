"""A camera's watch made ready: what it is told of the ground that the camera looks at.

A camera's process loads this and little else, for it is started anew whenever a camera was lost.
"""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from marsad.adapters.dem import site_surface
from marsad.adapters.lookup import cached_lookup
from marsad.geo.ground import CameraView
from marsad.kernel.error import InputError
from marsad.kernel.port import DetectorModel, FrameSource
from marsad.kernel.site import Camera, Site
from marsad.watch.geolocate import Geolocator
from marsad.watch.watcher import Watcher, WatchSettings

LEAST_SIDE_PX = 8


def watcher_for(
    source: FrameSource,
    site: Site | None,
    camera: Camera | None,
    model: DetectorModel | None,
    settings: WatchSettings,
) -> Watcher:
    """The watch of a source. Raises: InputError where its pictures are not those of the site's camera."""
    info = source.info
    if min(info.width_px, info.height_px) < LEAST_SIDE_PX:
        raise InputError(
            f"{source.camera_id}: pictures of {info.width_px} x {info.height_px} pixels; the least that can be watched "
            f"is {LEAST_SIDE_PX} x {LEAST_SIDE_PX}"
        )
    if site is None or camera is None:
        return Watcher(source.camera_id, settings=settings, model=model)
    if (info.width_px, info.height_px) != (camera.lens.width_px, camera.lens.height_px):
        raise InputError(
            f"camera {camera.id}: the site file says {camera.lens.width_px} x {camera.lens.height_px} pixels, the "
            f"source sends {info.width_px} x {info.height_px}; correct lens.width_px and lens.height_px"
        )
    geolocator, scale = _ground(site, camera)
    return Watcher(
        source.camera_id,
        origin=site.organisation,
        settings=settings,
        geolocator=geolocator,
        metres_per_pixel=scale,
        masks=camera.masks,
        polarity=camera.polarity,
        model=model,
    )


def _ground(site: Site, camera: Camera) -> tuple[Geolocator | None, NDArray[np.float32] | None]:
    """How the camera's pixels lie on the ground; nothing where it has no pose or the site no terrain."""
    if camera.pose is None:
        return None, None
    surface = site_surface(site, Path())
    if surface is None:
        return None, None
    view = CameraView(camera.lens, camera.pose, surface, reach_m=camera.reach_m)
    return Geolocator(view, site.terrain), cached_lookup(view, cache_folder()).metres_per_pixel


def cache_folder() -> Path:
    """Where what can be built again is kept: `MARSAD_CACHE`, or the user's cache folder."""
    if chosen := os.environ.get("MARSAD_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "marsad"
