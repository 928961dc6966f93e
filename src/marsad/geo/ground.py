"""A posed camera over the ground: pixels to directions, to places on the ground, and back."""

import hashlib
import math
from typing import Literal, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from marsad.geo.elevation import Surface, SurfaceArrays
from marsad.geo.geodesy import MEAN_RADIUS_M, Array, EnuFrame, enu_axes
from marsad.geo.sight import BEYOND, GROUND, LEVEL, REFRACTION, SKY, bent, cast, clear_many, grazing_at, point_on
from marsad.kernel.error import InputError
from marsad.kernel.position import Position
from marsad.kernel.record import Record, read_only
from marsad.kernel.site import Camera, Lens, Pose, Site, Terrain

LOOKUP_VERSION = 1

Miss = Literal["sky", "beyond"]
"""Why a pixel has no ground: it looks over all ground known, or into a void, off the grid or past its reach."""

MISSES: dict[int, Miss] = {SKY: "sky", BEYOND: "beyond"}


class GroundHit(Record):
    """Where a pixel's ray meets the ground, in the site's frame.

    `metres_per_pixel` is across the line of sight; along the ground it is larger by 1 / sin(`grazing_rad`), the angle
    between the ray and the ground it meets.
    """

    east_m: float
    north_m: float
    up_m: float
    range_m: float
    metres_per_pixel: float
    grazing_rad: float


class Optics(NamedTuple):
    """A pinhole's focal lengths and principal point in pixels."""

    focal_x_px: float
    focal_y_px: float
    centre_x_px: float
    centre_y_px: float


def optics(lens: Lens) -> Optics:
    """The pinhole of a lens: its axis goes through the middle of the picture."""
    focal_x = lens.width_px / 2 / math.tan(math.radians(lens.horizontal_fov_deg) / 2)
    focal_y = focal_x
    if lens.vertical_fov_deg is not None:
        focal_y = lens.height_px / 2 / math.tan(math.radians(lens.vertical_fov_deg) / 2)
    return Optics(focal_x, focal_y, lens.width_px / 2, lens.height_px / 2)


def rotation(azimuth_rad: float, elevation_rad: float, roll_rad: float = 0.0) -> Array:
    """The camera's right, down and forward directions in east, north and up, as the rows of a 3x3 rotation."""
    sin_az, cos_az = math.sin(azimuth_rad), math.cos(azimuth_rad)
    sin_el, cos_el = math.sin(elevation_rad), math.cos(elevation_rad)
    sin_roll, cos_roll = math.sin(roll_rad), math.cos(roll_rad)
    right = np.array([cos_az, -sin_az, 0.0])
    up = np.array([-sin_az * sin_el, -cos_az * sin_el, cos_el])
    forward = np.array([sin_az * cos_el, cos_az * cos_el, sin_el])
    return np.array([right * cos_roll - up * sin_roll, -(up * cos_roll + right * sin_roll), forward])


class GroundLookup(Record, eq=False):
    """What every pixel's centre looks at; arrays are (H, W) float32, NaN where `status` is not 0.

    `status` is uint8: 0 ground, 1 sky, 2 beyond the data.
    """

    status: NDArray[np.uint8]
    east_m: NDArray[np.float32]
    north_m: NDArray[np.float32]
    up_m: NDArray[np.float32]
    range_m: NDArray[np.float32]
    metres_per_pixel: NDArray[np.float32]
    grazing_rad: NDArray[np.float32]


class CameraView:
    """One camera standing on the ground of a site.

    Pixels are continuous, (0, 0) the outer corner of the top left one. Azimuths and elevations are those at the camera,
    not at the site's origin. `refraction` is the ratio of the sight line's curvature to the earth's.

    Raises: InputError where the ground under the camera is not known, or the lens is not above it.
    """

    def __init__(
        self, lens: Lens, pose: Pose, surface: Surface, *, reach_m: float = 20_000.0, refraction: float = REFRACTION
    ) -> None:
        if not -4 <= refraction < 1:
            raise InputError(f"refraction = {refraction}: it lies from -4 to below 1, 0.14 in ordinary air")
        self.lens = lens
        self.pose = pose
        self.surface = surface
        self.reach_m = float(reach_m)
        self.refraction = float(refraction)
        self.optics = optics(lens)
        self.height_m = _lens_height_m(pose, surface)
        self.position = Position(
            latitude_deg=pose.latitude_deg, longitude_deg=pose.longitude_deg, height_m=self.height_m
        )
        self.origin = np.array(
            [float(v) for v in surface.frame.from_geodetic(pose.latitude_deg, pose.longitude_deg, self.height_m)]
        )
        clearance = float(surface.above_m(*self.origin))
        if not clearance > 0:
            raise InputError(
                f"the lens is {-clearance:.1f} m below the ground of the elevation data; raise pose.mast_m or "
                f"correct pose.ground_height_m ({pose.ground_height_m})"
            )
        self.to_site = enu_axes(pose.latitude_deg, pose.longitude_deg) @ surface.frame.axes.T
        """Rows: the camera's own east, north and up directions in the site's frame."""
        self.axes = (
            rotation(math.radians(pose.azimuth_deg), math.radians(pose.elevation_deg), math.radians(pose.roll_deg))
            @ self.to_site
        )
        """Rows: the camera's right, down and forward directions in the site's frame."""

    @property
    def up(self) -> Array:
        """The camera's own vertical in the site's frame."""
        vertical: Array = self.to_site[2]
        return vertical

    def directions(self, x_px: ArrayLike, y_px: ArrayLike) -> Array:
        """Unit vectors (..., 3) in the site's frame along which pixels look."""
        across, down = np.broadcast_arrays(np.asarray(x_px, float), np.asarray(y_px, float))
        across = (across - self.optics.centre_x_px) / self.optics.focal_x_px
        down = (down - self.optics.centre_y_px) / self.optics.focal_y_px
        rays = np.stack([across, down, np.ones_like(across)], axis=-1)
        unit: Array = (rays / np.linalg.norm(rays, axis=-1, keepdims=True)) @ self.axes
        return unit

    def azimuth_elevation(self, x_px: ArrayLike, y_px: ArrayLike) -> tuple[Array, Array]:
        """The direction of pixels in radians: azimuth clockwise from north in [0, 2 pi), elevation up."""
        local: Array = self.directions(x_px, y_px) @ self.to_site.T
        east, north, up = np.moveaxis(local, -1, 0)
        return np.arctan2(east, north) % (2 * np.pi), np.arctan2(up, np.hypot(east, north))

    def pixel_of(self, azimuth_rad: ArrayLike, elevation_rad: ArrayLike) -> tuple[Array, Array]:
        """The pixel that looks in a direction; NaN behind the camera. It may lie outside the picture."""
        azimuth, elevation = np.asarray(azimuth_rad, float), np.asarray(elevation_rad, float)
        flat = np.cos(elevation)
        local = np.stack(
            np.broadcast_arrays(np.sin(azimuth) * flat, np.cos(azimuth) * flat, np.sin(elevation)), axis=-1
        )
        return self._pixel(local @ self.to_site)

    def project(self, east_m: ArrayLike, north_m: ArrayLike, up_m: ArrayLike) -> tuple[Array, Array, Array]:
        """The pixel (x, y) at which points of the site's frame appear, and their range; NaN behind the camera.

        Refraction included; whether something stands before them is `sees`.
        """
        points = np.stack(np.broadcast_arrays(*(np.asarray(v, float) for v in (east_m, north_m, up_m))), axis=-1)
        offset = points - self.origin
        rise = offset @ self.up
        flat2 = np.sum(offset**2, axis=-1) - rise**2
        apparent = offset + (self.refraction * flat2 / (2 * MEAN_RADIUS_M))[..., None] * self.up
        x, y = self._pixel(apparent)
        return x, y, np.linalg.norm(apparent, axis=-1)

    def in_picture(self, x_px: ArrayLike, y_px: ArrayLike) -> NDArray[np.bool_]:
        """Whether pixels lie within the picture."""
        x, y = np.asarray(x_px, float), np.asarray(y_px, float)
        return (x >= 0) & (y >= 0) & (x < self.lens.width_px) & (y < self.lens.height_px)

    def sees(self, east_m: ArrayLike, north_m: ArrayLike, height_m: ArrayLike = 0.0) -> NDArray[np.bool_]:
        """Whether points so far above the ground are in the picture, within reach and not hidden by ground.

        Points of the ground itself are taken 5 cm above it. What is not known counts as hiding.
        """
        east, north, height = np.broadcast_arrays(*(np.asarray(v, float) for v in (east_m, north_m, height_m)))
        up = self.surface.up_m(east, north) + np.maximum(height, 0.05)
        x, y, distance = self.project(east, north, up)
        seen = np.asarray(self.in_picture(x, y) & (distance <= self.reach_m))
        targets = np.stack([east, north, up], axis=-1)[seen]
        if len(targets):
            seen[seen] = clear_many(self.surface.arrays, self.origin, self.up, targets, self.refraction)
        return seen

    def to_ground(self, x_px: float, y_px: float) -> GroundHit | Miss:
        """What one pixel looks at: a place on the ground, or why there is none."""
        values = np.empty((1, 7))
        meet(
            self.surface.arrays, self.origin, self.axes, self.up, self.optics, self.refraction, self.reach_m,
            np.array([[x_px, y_px]], float), values,
        )  # fmt: skip
        status = int(values[0, 0])
        if status != GROUND:
            return MISSES[status]
        names = ("east_m", "north_m", "up_m", "range_m", "metres_per_pixel", "grazing_rad")
        return GroundHit(**dict(zip(names, values[0, 1:].tolist(), strict=True)))

    def lookup(self) -> GroundLookup:
        """What every pixel looks at."""
        width, height = self.lens.width_px, self.lens.height_px
        ys, xs = np.mgrid[0:height, 0:width]
        pixels = np.stack([xs.ravel(), ys.ravel()], axis=1) + 0.5
        values = np.empty((len(pixels), 7))
        meet(
            self.surface.arrays, self.origin, self.axes, self.up, self.optics, self.refraction, self.reach_m,
            pixels, values,
        )  # fmt: skip
        status, *rest = (values[:, i].reshape(height, width) for i in range(7))
        east, north, up, distance, scale, grazing = (read_only(each.astype(np.float32)) for each in rest)
        return GroundLookup(
            status=read_only(status.astype(np.uint8)),
            east_m=east,
            north_m=north,
            up_m=up,
            range_m=distance,
            metres_per_pixel=scale,
            grazing_rad=grazing,
        )

    def fingerprint(self) -> str:
        """A hash of all that the lookup depends on."""
        facts = (LOOKUP_VERSION, self.lens, self.pose, self.reach_m, self.refraction, self.surface.fingerprint())
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    def _pixel(self, offset: Array) -> tuple[Array, Array]:
        """The pixel of directions given in the site's frame."""
        right, down, ahead = np.moveaxis(offset @ self.axes.T, -1, 0)
        depth = np.where(ahead > 0, ahead, np.nan)
        return (
            self.optics.centre_x_px + self.optics.focal_x_px * right / depth,
            self.optics.centre_y_px + self.optics.focal_y_px * down / depth,
        )


def _lens_height_m(pose: Pose, surface: Surface) -> float:
    """The lens's height above the surface's datum."""
    ground = pose.ground_height_m
    if ground is None:
        ground = float(surface.height_m(pose.latitude_deg, pose.longitude_deg))
        if math.isnan(ground):
            raise InputError(
                f"the elevation data do not know the ground at latitude {pose.latitude_deg:.6f}, longitude "
                f"{pose.longitude_deg:.6f}; set pose.ground_height_m or load a tile without a void there"
            )
    return ground + pose.mast_m


def site_origin(site: Site) -> Position | None:
    """The point the site's frame touches: as written, else its first posed camera; None for neither."""
    if site.origin is not None:
        return site.origin
    for camera in site.cameras:
        if camera.pose is not None:
            return Position(latitude_deg=camera.pose.latitude_deg, longitude_deg=camera.pose.longitude_deg)
    return None


def site_radius_m(site: Site, frame: EnuFrame) -> float:
    """How far from the origin any of the site's cameras can see."""
    return max((_far_end_m(camera, frame) for camera in site.cameras), default=20_000.0)


def _far_end_m(camera: Camera, frame: EnuFrame) -> float:
    if camera.pose is None:
        return camera.reach_m
    east, north, _ = frame.from_geodetic(camera.pose.latitude_deg, camera.pose.longitude_deg)
    return float(np.hypot(east, north)) + camera.reach_m


def dem_error(terrain: Terrain, pose: Pose) -> tuple[float, float]:
    """The sigma of the ground's height relative to the lens, as s sqrt(1 - exp(-rate distance)): s in m, rate in 1/m.

    The elevation data's errors go together over `correlation_m`. A lens that stands on the data shares their error at
    its own foot; a surveyed lens (`ground_height_m`) pins it there.
    """
    if pose.ground_height_m is None:
        return math.sqrt(2) * terrain.sigma_m, 1 / terrain.correlation_m
    return terrain.sigma_m, 2 / terrain.correlation_m


@njit(cache=True)
def meet(
    surface: SurfaceArrays,
    origin: Array,
    axes: Array,
    up: Array,
    optic: Optics,
    refraction: float,
    reach: float,
    pixels: Array,
    out: Array,
) -> None:
    """For pixels (N, 2), fill (N, 7): status, east, north, up, range, metres per pixel, grazing angle."""
    for i in range(pixels.shape[0]):
        a = (pixels[i, 0] - optic.centre_x_px) / optic.focal_x_px
        b = (pixels[i, 1] - optic.centre_y_px) / optic.focal_y_px
        length2 = 1 + a * a + b * b
        length = math.sqrt(length2)
        ray = bent(
            (
                origin[0],
                origin[1],
                origin[2],
                (a * axes[0, 0] + b * axes[1, 0] + axes[2, 0]) / length,
                (a * axes[0, 1] + b * axes[1, 1] + axes[2, 1]) / length,
                (a * axes[0, 2] + b * axes[1, 2] + axes[2, 2]) / length,
                up[0],
                up[1],
                up[2],
                0.0,
            ),
            refraction,
        )
        status, s = cast(surface, ray, 0.0, reach, LEVEL)
        out[i, 0] = status
        if status != GROUND:
            out[i, 1:] = math.nan
            continue
        out[i, 1], out[i, 2], out[i, 3] = point_on(ray, s)
        out[i, 4] = s
        out[i, 5] = s * math.sqrt(1 + b * b) / (length2 * optic.focal_x_px)
        out[i, 6] = grazing_at(surface, ray, s)
