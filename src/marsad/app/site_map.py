"""A site's map as the console draws it: its ground a little beyond what its cameras reach, and who stands there."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from marsad.adapters.dem import DemFiles
from marsad.console.maps import GroundLayers, Lookout, PatrolPlace
from marsad.fuse.coverage import NEVER_NS
from marsad.fuse.presence import Presence
from marsad.geo.elevation import Surface
from marsad.geo.ground import CameraView
from marsad.geo.relief import Relief
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.site import Site

_BEYOND = 1.5
"""How far beyond the cameras' reach the map shows ground, where the files have it."""


class SiteMap:
    """What the map's routes are made from.

    `patrols` says where each patrol is now and `layers` what is known of ground that nobody looks at; both are asked
    anew each time.
    """

    def __init__(
        self,
        site: Site,
        surface: Surface,
        views: Mapping[str, CameraView],
        *,
        relief: Relief | None = None,
        base_map: Path | None = None,
        lookouts: Sequence[Lookout] = (),
        patrols: Callable[[], Mapping[str, PatrolPlace]] = dict,
        layers: Callable[[], GroundLayers | None] = lambda: None,
    ) -> None:
        self.site = site
        self.surface = surface
        self.views = views
        self.relief = Relief(surface.grid) if relief is None else relief
        self.base_map = base_map
        self._lookouts = tuple(lookouts)
        self._patrols = patrols
        self._layers = layers

    def lookouts(self) -> Sequence[Lookout]:
        """The posts that look around."""
        return self._lookouts

    def patrol(self, patrol_id: str) -> PatrolPlace | None:
        """Where a patrol is."""
        return self._patrols().get(patrol_id)

    def layers(self) -> GroundLayers | None:
        """What is known of ground that nobody looks at."""
        return self._layers()


def site_views(site: Site, surface: Surface) -> dict[str, CameraView]:
    """The cameras that stand somewhere, by name."""
    return {
        camera.id: CameraView(camera.lens, camera.pose, surface, reach_m=camera.reach_m)
        for camera in site.cameras
        if camera.pose is not None
    }


def wide_relief(site: Site, surface: Surface, folder: Path) -> Relief:
    """The ground to be drawn: what the site's files have of it half as far again as its cameras reach."""
    if not site.terrain.files:
        return Relief(surface.grid)
    angle = np.linspace(0, 2 * np.pi, 73)
    reach = _BEYOND * surface.radius_m
    latitude, longitude, _ = surface.frame.to_geodetic(reach * np.sin(angle), reach * np.cos(angle))
    files = DemFiles([folder / file for file in site.terrain.files], vertical=site.terrain.heights)
    grid: ElevationGrid = files.load(
        float(longitude.min()), float(latitude.min()), float(longitude.max()), float(latitude.max())
    )
    return Relief(grid)


def ground_layers(presence: Presence) -> GroundLayers:
    """The layers of last-observed age and of presence, as they are now."""
    now_ns = presence.time_ns or 0
    last_ns = presence.last_observed_ns()
    never = last_ns == NEVER_NS
    expected = np.where(presence.hidden, np.nan, 0.0)
    for each in presence.whereabouts():
        expected = expected + each.density_km2
    return GroundLayers(
        version=str(now_ns),
        time_ns=now_ns,
        lattice=presence.lattice,
        unseen_s=np.where(never, np.nan, (now_ns - np.where(never, 0, last_ns)) / 1e9).astype(np.float32),
        presence_km2=expected.astype(np.float32),
    )
