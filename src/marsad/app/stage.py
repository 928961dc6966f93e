"""A scenario put on its ground: what is really there, and what the watch knows of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from zlib import crc32

import msgspec
import numpy as np
import rasterio

from marsad.adapters.dem import site_surface
from marsad.adapters.writing import replace_whole
from marsad.app.scenario_file import TERRAIN, Loaded
from marsad.app.toml_text import toml_text
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView, site_origin, site_radius_m
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.position import Position
from marsad.kernel.site import Camera, Pose, Site
from marsad.simulate.camera import true_pose
from marsad.simulate.scenario import Scenario
from marsad.simulate.scene import Scene
from marsad.simulate.terrain import ILLUSTRATIVE, rugged_desert, surveyed

_GROUND, _SURVEY, _POSE, _SCENE = range(3, 7)
"""Each of these has a stream of random numbers of its own, so that a camera sees the same with or without others."""
_MARGIN_M = 200.0
_HEAD = "# Written by Marsad's simulator: pictures, people and their places are simulated.\n"


class Stage:
    """A scenario with its ground, true and as surveyed, and its cameras, where they stand and where they are said to.

    Where the scenario generates its ground, the survey is off by what the first site states of its terrain; ground from
    files is taken to be true. A camera stands off its stated pose by that pose's sigmas, at random.
    """

    def __init__(self, loaded: Loaded) -> None:
        self.scenario: Scenario = loaded.scenario
        self.loaded = loaded
        self.sites = loaded.sites
        site = loaded.sites[0]
        origin = site_origin(site)
        if origin is None:
            raise InputError(f"site {site.name}: origin is missing; the scenario counts its metres from it")
        self.origin: Position = origin
        frame = EnuFrame(origin)
        radius_m = max(site_radius_m(each, frame) for each in loaded.sites)
        self.survey: ElevationGrid | None = None
        if self.scenario.ground is None:
            known = site_surface(site, Path())
            if known is None:
                raise InputError(f"site {site.name}: terrain is missing; or set ground in the scenario to generate it")
            self.ground = known
            return
        made = self.scenario.ground
        if made.radius_m < radius_m + _MARGIN_M:
            raise InputError(
                f"ground.radius_m = {made.radius_m:g}: the cameras reach {radius_m:.0f} m from the origin; make it "
                f"{radius_m + _MARGIN_M:.0f} or more, or reach_m less"
            )
        true = rugged_desert(
            origin,
            np.random.default_rng([made.seed, _GROUND]),
            radius_m=made.radius_m,
            cell_m=made.cell_m,
            relief=made.relief,
        )
        self.ground = Surface(true, frame, radius_m)
        terrain = site.terrain
        self.survey = surveyed(
            true,
            np.random.default_rng([self.scenario.seed, _SURVEY]),
            sigma_m=terrain.sigma_m,
            correlation_m=terrain.correlation_m,
        )

    def view(self, camera_id: str) -> CameraView:
        """The camera where it really stands."""
        camera, pose = self._posed(camera_id)
        truly = true_pose(pose, self._rng(_POSE, camera_id))
        return CameraView(camera.lens, truly, self.ground, reach_m=camera.reach_m)

    def known_view(self, camera_id: str) -> CameraView:
        """The camera as the watch knows it."""
        camera, pose = self._posed(camera_id)
        return CameraView(camera.lens, pose, self.known_ground(self.site_of(camera_id)), reach_m=camera.reach_m)

    def known_ground(self, site: Site) -> Surface:
        """The ground as a site's own elevation data have it."""
        if self.survey is None:
            return self.ground
        frame = EnuFrame(site_origin(site) or self.origin)
        return Surface(self.survey, frame, site_radius_m(site, frame))

    def scene(self, camera_id: str) -> Scene:
        """What the camera sees."""
        return Scene(self.view(camera_id), self.scenario, self._rng(_SCENE, camera_id), camera_id)

    @property
    def started_ns(self) -> int:
        """When the scenario starts, nanoseconds since 1970."""
        return int(self.scenario.start.timestamp() * 1_000_000) * 1000

    def time_ns(self, index: int, fps: float) -> int:
        """When a camera takes its picture of that number."""
        return self.started_ns + round(index * 1e9 / fps)

    def site_of(self, camera_id: str) -> Site:
        """The site a camera belongs to."""
        return self.loaded.site_of(camera_id)

    def camera(self, camera_id: str) -> Camera:
        """A camera as its site file has it."""
        return next(camera for camera in self.site_of(camera_id).cameras if camera.id == camera_id)

    def _posed(self, camera_id: str) -> tuple[Camera, Pose]:
        camera = self.camera(camera_id)
        if camera.pose is None:
            raise InputError(f"camera {camera_id}: pose is missing; a camera of a scenario needs one")
        return camera, camera.pose

    def _rng(self, stream: int, camera_id: str) -> np.random.Generator:
        return np.random.default_rng([self.scenario.seed, stream, crc32(camera_id.encode())])


def make_folders(out: Path, cameras: Sequence[str]) -> None:
    """Make a folder for each camera. Raises: UnavailableError where that cannot be."""
    try:
        for camera_id in cameras:
            (out / camera_id).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"{out}: cannot be written to ({error.strerror}); choose another --out") from error


def write_sites(
    stage: Stage, out: Path, sources: Mapping[str, str], organisations: Sequence[str] | None = None
) -> list[str]:
    """Write the site files with the cameras in `sources`, and the terrain where it is generated; the files' names.

    `organisations` are what the sites call themselves, where that is other than the scenario has it.
    """
    written = []
    called = organisations or [site.organisation for site in stage.sites]
    sites = [msgspec.structs.replace(site, organisation=name) for site, name in zip(stage.sites, called, strict=True)]
    for site, name in zip(sites, stage.loaded.names, strict=True):
        shown = [camera for camera in site.cameras if camera.id in sources]
        if shown:
            cameras = tuple(msgspec.structs.replace(camera, source=sources[camera.id]) for camera in shown)
            text = toml_text(msgspec.structs.replace(known_site(stage, site), cameras=cameras))
            replace_whole(out / name, (_HEAD + text).encode())
            written.append(name)
    write_terrain(stage, out)
    return written


def write_terrain(stage: Stage, folder: Path) -> bool:
    """Whether ground was generated; what a survey would know of it is written beside the site files then.

    Raises: UnavailableError where it cannot be written.
    """
    if stage.survey is None:
        return False
    write_made_ground(stage.survey, folder)
    return True


def write_made_ground(grid: ElevationGrid, folder: Path) -> None:
    """Write generated ground to a folder, marked as what it is. Raises: UnavailableError where that cannot be."""
    rows, columns = grid.height_m.shape
    place = rasterio.Affine(grid.step_x, 0, grid.west, 0, -grid.step_y, grid.north)
    try:
        with rasterio.open(
            folder / TERRAIN, "w", driver="GTiff", width=columns, height=rows, count=1, dtype="float32", crs=grid.crs,
            nodata=np.nan, transform=place, compress="deflate", predictor=3,
        ) as file:  # fmt: skip
            file.write(grid.height_m, 1)
            file.update_tags(TIFFTAG_IMAGEDESCRIPTION=ILLUSTRATIVE)
    except (OSError, rasterio.errors.RasterioError) as error:
        raise UnavailableError(f"{folder / TERRAIN}: cannot be written ({error}); choose another --out") from error


def known_site(stage: Stage, site: Site) -> Site:
    """A site as its file says once its terrain has been generated beside it."""
    if stage.survey is None:
        return site
    return msgspec.structs.replace(
        site, terrain=msgspec.structs.replace(site.terrain, files=(TERRAIN,), flat_height_m=None, illustrative=True)
    )
