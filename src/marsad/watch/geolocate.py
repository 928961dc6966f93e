"""Where a tracked object stands on the ground, and how far that may be wrong.

The uncertainty of a place comes from the pixel, the pose (azimuth, elevation, roll, position, lens height) and the
elevation data. The rays of a small quadrature carry it to the ground: nine over what moves the place along the line of
sight (the vertical angle and the height between lens and ground, in the mix that matters most there), three over the
opposite mix, three across. So the curvature of the ground, its slope and its ridges are all in the covariance, which is
the second moment about the place reported.

The elevation data's error is taken as one offset over the stretch of ground in question, none at the camera's foot and
growing with distance as `Terrain.correlation_m` says.
"""

import math

import numpy as np
from numba import njit

from marsad.geo.elevation import SurfaceArrays, above
from marsad.geo.geodesy import Array, geodetic_at
from marsad.geo.ground import CameraView, Optics, dem_error
from marsad.geo.sight import GROUND, LEVEL, Lift, Ray, bent, cast, lifted, normal_at, point_on
from marsad.kernel.detection import Box
from marsad.kernel.position import BearingMeasurement, GroundCovariance, GroundState, Position
from marsad.kernel.site import Terrain
from marsad.kernel.track import Size


def _nodes(count: int, step: float) -> Array:
    """Evenly spaced nodes (count, 2) of a standard normal and their weights, with its mean and variance."""
    at = (np.arange(count) - count // 2) * step
    weight = np.exp(-(at**2) / 2)
    weight /= weight.sum()
    return np.stack([at / math.sqrt(float(weight @ at**2)), weight], axis=1)


_MAIN = _nodes(9, 0.75)
_MINOR = _nodes(3, math.sqrt(3))

_LIKELY_SIGMAS = 3.1
_HIDDEN_SIGMAS = 1.2
_HIDDEN_SAMPLES = 12
_VELOCITY_SPAN_S = 0.5
_START_BACK_M = 0.01


class Geolocator:
    """Turns pixels of one posed camera into places on the ground with their whole uncertainty."""

    def __init__(self, view: CameraView, terrain: Terrain) -> None:
        self.view = view
        sigma = view.pose.sigma
        clearance = float(view.surface.above_m(*view.origin))
        offset, rate = dem_error(terrain, view.pose)
        self._lift: Lift = (1.0, float(min(sigma.height_m, clearance / 2)) ** 2, float(offset) ** 2, float(rate))
        self._angles = np.radians([sigma.azimuth_deg, sigma.elevation_deg, sigma.roll_deg])
        self._horizontal_m = float(sigma.horizontal_m)
        self._out = np.empty(14)

    def locate(
        self,
        foot_px: tuple[float, float],
        sigma_px: tuple[float, float],
        velocity_px_s: tuple[float, float] = (0.0, 0.0),
    ) -> GroundState | None:
        """Where an object whose foot is at a pixel stands; None where that pixel looks at the sky or beyond the data.

        `multimodal` is set where the likely rays (2.3 sigma) land on ground that is parted by a hidden stretch wider
        than 1.2 sigma, or where some of them meet no ground.
        """
        view, out = self.view, self._out
        x, y, sigma_x, sigma_y, speed_x, speed_y = (float(v) for v in (*foot_px, *sigma_px, *velocity_px_s))
        locate_pixel(
            view.surface.arrays, view.origin, view.axes, view.to_site, view.optics, view.refraction, view.reach_m,
            (x, y, sigma_x, sigma_y, speed_x, speed_y), self._angles, self._horizontal_m, self._lift,
            view.surface.frame.axes, view.surface.frame.centre_m, _MAIN, _MINOR, out,
        )  # fmt: skip
        if out[0] != GROUND:
            return None
        _, east, north, distance, east2, east_north, north2, mixed, *place = out.tolist()
        latitude, longitude, height, velocity_east, velocity_north, _ = place
        return GroundState(
            position=Position(latitude_deg=latitude, longitude_deg=longitude, height_m=height),
            east_m=east,
            north_m=north,
            covariance=GroundCovariance(east_m2=east2, east_north_m2=east_north, north_m2=north2),
            velocity_east_m_s=velocity_east,
            velocity_north_m_s=velocity_north,
            range_m=distance,
            multimodal=mixed > 0,
        )

    def bearing(self, foot_px: tuple[float, float], sigma_px: tuple[float, float], time_ns: int) -> BearingMeasurement:
        """The direction of a pixel, refraction and pose errors left in, with the covariance of the pixel alone."""
        view = self.view
        direction, spread = ray_spread(
            view.axes, view.to_site, view.optics, float(foot_px[0]), float(foot_px[1]), float(sigma_px[0]),
            float(sigma_px[1]), np.zeros(3),
        )  # fmt: skip
        flat = math.hypot(direction[0], direction[1])
        return BearingMeasurement(
            time_ns=time_ns,
            azimuth_rad=math.atan2(direction[0], direction[1]) % (2 * math.pi),
            elevation_rad=math.atan2(direction[2], flat),
            azimuth_rad2=spread[2] / flat**2,
            azimuth_elevation_rad2=spread[1] / flat,
            elevation_rad2=spread[0],
            pose_version=view.pose.version,
        )

    def size(self, box: Box, ground: GroundState, sigma_px: float = 0.5) -> Size:
        """How large the object in a box is, if it stands where it was located."""
        x, y = box.foot_px
        focal_x, focal_y, centre_x, centre_y = self.view.optics
        stretch = math.sqrt(1 + ((x - centre_x) / focal_x) ** 2 + ((y - centre_y) / focal_y) ** 2)
        depth = ground.range_m / stretch
        width, height = box.w_px * depth / focal_x, box.h_px * depth / focal_y
        relative = self.range_sigma_m(ground) / max(ground.range_m, 1e-9)
        sigma = math.hypot(max(width, height) * relative, math.sqrt(2) * sigma_px * depth / focal_x)
        return Size(width_m=width, height_m=height, sigma_m=sigma)

    def range_sigma_m(self, ground: GroundState) -> float:
        """One standard deviation of a place along the line of sight."""
        east, north = ground.east_m - self.view.origin[0], ground.north_m - self.view.origin[1]
        length2 = max(east * east + north * north, 1e-12)
        cov = ground.covariance
        along = (
            east * east * cov.east_m2 + 2 * east * north * cov.east_north_m2 + north * north * cov.north_m2
        ) / length2
        return math.sqrt(float(along))

    def metres_per_pixel(self, foot_px: tuple[float, float]) -> float | None:
        """How many metres a pixel spans across the line of sight on the ground seen there; None where none is."""
        hit = self.view.to_ground(*foot_px)
        return None if isinstance(hit, str) else hit.metres_per_pixel


@njit(cache=True)
def _direction(axes: Array, optic: Optics, x_px: float, y_px: float) -> tuple[float, float, float, float]:
    """The unit vector along which a pixel looks, and the length of (a, b, 1)."""
    a = (x_px - optic.centre_x_px) / optic.focal_x_px
    b = (y_px - optic.centre_y_px) / optic.focal_y_px
    length = math.sqrt(1 + a * a + b * b)
    return (
        (a * axes[0, 0] + b * axes[1, 0] + axes[2, 0]) / length,
        (a * axes[0, 1] + b * axes[1, 1] + axes[2, 1]) / length,
        (a * axes[0, 2] + b * axes[1, 2] + axes[2, 2]) / length,
        length,
    )


@njit(cache=True)
def _cross(a: Array, b: Array, scale: float, out: Array) -> None:
    """Fill the cross product of two vectors, scaled."""
    out[0] = (a[1] * b[2] - a[2] * b[1]) * scale
    out[1] = (a[2] * b[0] - a[0] * b[2]) * scale
    out[2] = (a[0] * b[1] - a[1] * b[0]) * scale


@njit(cache=True)
def ray_spread(
    axes: Array,
    to_site: Array,
    optic: Optics,
    x_px: float,
    y_px: float,
    sigma_x_px: float,
    sigma_y_px: float,
    angles: Array,
) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """A pixel's direction at the camera (east, north, up), and how its ray may be turned.

    The second: variance upward, covariance, variance to the right, radians squared, from the pixel's and the pose's
    sigmas (azimuth, elevation, roll).
    """
    dx, dy, dz, length = _direction(axes, optic, x_px, y_px)
    east = dx * to_site[0, 0] + dy * to_site[0, 1] + dz * to_site[0, 2]
    north = dx * to_site[1, 0] + dy * to_site[1, 1] + dz * to_site[1, 2]
    high = dx * to_site[2, 0] + dy * to_site[2, 1] + dz * to_site[2, 2]
    flat = max(math.sqrt(east * east + north * north), 1e-9)
    right = np.array([north / flat, -east / flat, 0.0])
    over = np.array([-east * high / flat, -north * high / flat, flat])
    local = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            local[i, j] = axes[i, 0] * to_site[j, 0] + axes[i, 1] * to_site[j, 1] + axes[i, 2] * to_site[j, 2]
    level = math.sqrt(local[2, 0] ** 2 + local[2, 1] ** 2)
    level_right = np.array([local[2, 1] / max(level, 1e-9), -local[2, 0] / max(level, 1e-9), 0.0])
    direction = np.array([east, north, high])
    turns = np.empty((5, 3))
    turns[0] = local[0] * (sigma_x_px / (length * optic.focal_x_px))
    turns[1] = local[1] * (sigma_y_px / (length * optic.focal_y_px))
    turns[2] = right * (angles[0] * flat)
    _cross(level_right, direction, angles[1], turns[3])
    _cross(local[2], direction, angles[2], turns[4])
    up_up, up_right, right_right = 0.0, 0.0, 0.0
    for i in range(5):
        rise = turns[i, 0] * over[0] + turns[i, 1] * over[1] + turns[i, 2] * over[2]
        side = turns[i, 0] * right[0] + turns[i, 1] * right[1]
        up_up += rise * rise
        up_right += rise * side
        right_right += side * side
    return (east, north, high), (up_up, up_right, right_right)


@njit(cache=True)
def _turned(ray: Ray, rise: float, side: float, refraction: float) -> Ray:
    """A ray turned upward and to the right by small angles."""
    right_e = ray[4] * ray[8] - ray[5] * ray[7]
    right_n = ray[5] * ray[6] - ray[3] * ray[8]
    right_u = ray[3] * ray[7] - ray[4] * ray[6]
    length = max(math.sqrt(right_e**2 + right_n**2 + right_u**2), 1e-9)
    right_e, right_n, right_u = right_e / length, right_n / length, right_u / length
    over_e = right_n * ray[5] - right_u * ray[4]
    over_n = right_u * ray[3] - right_e * ray[5]
    over_u = right_e * ray[4] - right_n * ray[3]
    ahead_e = ray[3] + rise * over_e + side * right_e
    ahead_n = ray[4] + rise * over_n + side * right_n
    ahead_u = ray[5] + rise * over_u + side * right_u
    length = math.sqrt(ahead_e**2 + ahead_n**2 + ahead_u**2)
    turned = (
        ray[0], ray[1], ray[2], ahead_e / length, ahead_n / length, ahead_u / length, ray[6], ray[7], ray[8], 0.0,
    )  # fmt: skip
    return bent(turned, refraction)


@njit(cache=True)
def _moments(east: Array, north: Array, weights: Array) -> Array:
    """Mean and second moments (east, north, ee, en, nn) of the offsets that landed."""
    total = 0.0
    sums = np.zeros(5)
    for i in range(east.size):
        if not math.isnan(east[i]):
            weight = weights[i, 1]
            total += weight
            sums[0] += weight * east[i]
            sums[1] += weight * north[i]
            sums[2] += weight * east[i] ** 2
            sums[3] += weight * east[i] * north[i]
            sums[4] += weight * north[i] ** 2
    return sums / max(total, 1e-12)


@njit(cache=True)
def _fan(
    surface: SurfaceArrays,
    ray: Ray,
    reach: float,
    refraction: float,
    turn: tuple[float, float],
    lift: Lift,
    nodes: Array,
    ranges: Array,
    offsets: Array,
) -> bool:
    """Cast the rays of one part of the quadrature; returns whether a likely one met no ground.

    Node z turns the ray by z `turn` and lowers the ground by z `lift`. Fills ranges (N,) and offsets (2, N), NaN for a
    miss; the middle ones are given. Within one upright plane a higher ray, or one over lower ground, lands farther
    away, so each begins where the one before it ended.
    """
    missed = False
    start = 0.0
    for i in range(nodes.shape[0]):
        z = nodes[i, 0]
        if i == nodes.shape[0] // 2:
            start = ranges[i]
            continue
        turned = _turned(ray, z * turn[0], z * turn[1], refraction)
        begin = max(start - _START_BACK_M, 0.0) if turn[1] == 0.0 and turn[0] >= 0.0 else 0.0
        status, s = cast(surface, turned, begin, reach, (-z * lift[0], lift[1], lift[2], lift[3]))
        if status == GROUND:
            start = s
            east, north, _ = point_on(turned, s)
            ranges[i], offsets[0, i], offsets[1, i] = s, east, north
        else:
            ranges[i], offsets[0, i], offsets[1, i] = math.nan, math.nan, math.nan
            missed = missed or abs(z) < _LIKELY_SIGMAS
    return missed


@njit(cache=True)
def _hidden(surface: SurfaceArrays, ray: Ray, near: float, far: float, lift: Lift) -> float:
    """The longest stretch between two distances on which a ray that met the ground runs above it again."""
    step = (far - near) / _HIDDEN_SAMPLES
    longest, run = 0.0, 0.0
    for i in range(_HIDDEN_SAMPLES):
        s = near + (i + 0.5) * step
        east, north, up = point_on(ray, s)
        run = run + step if above(surface, east, north, up) > lifted(lift, s) else 0.0
        longest = max(longest, run)
    return longest


@njit(cache=True)
def _parted(
    surface: SurfaceArrays,
    ray: Ray,
    refraction: float,
    turn: tuple[float, float],
    lift: Lift,
    nodes: Array,
    ranges: Array,
    limit: float,
) -> bool:
    """Whether ground hidden over more than `limit` lies between the likely rays of one part of the quadrature."""
    last = -1
    for i in range(nodes.shape[0]):
        if math.isnan(ranges[i]) or abs(nodes[i, 0]) > _LIKELY_SIGMAS:
            continue
        if last >= 0 and abs(ranges[i] - ranges[last]) > limit:
            nearer = last if ranges[last] < ranges[i] else i
            z = nodes[nearer, 0]
            turned = _turned(ray, z * turn[0], z * turn[1], refraction)
            raised = (-z * lift[0], lift[1], lift[2], lift[3])
            if _hidden(surface, turned, ranges[nearer], max(ranges[i], ranges[last]), raised) > limit:
                return True
        last = i
    return False


@njit(cache=True)
def _shifted(surface: SurfaceArrays, ray: Ray, s: float, variance: float) -> tuple[float, float, float]:
    """The covariance on the ground of a camera moved sideways, on ground taken as a plane at the hit."""
    east, north, up = point_on(ray, s)
    normal = normal_at(surface, east, north, up)
    meeting = normal[0] * ray[3] + normal[1] * ray[4] + normal[2] * ray[5]
    gain = 1 / min(meeting, -0.02)
    ee, en, nn = 0.0, 0.0, 0.0
    for axis in range(2):
        along = max(min(-normal[axis] * gain, 3.0), -3.0)
        move_e = (1.0 if axis == 0 else 0.0) + along * ray[3]
        move_n = (1.0 if axis == 1 else 0.0) + along * ray[4]
        ee += variance * move_e * move_e
        en += variance * move_e * move_n
        nn += variance * move_n * move_n
    return ee, en, nn


@njit(cache=True)
def _velocity(
    surface: SurfaceArrays,
    ray: Ray,
    axes: Array,
    optic: Optics,
    refraction: float,
    reach: float,
    pixel: tuple[float, float, float, float, float, float],
    place: tuple[float, float],
) -> tuple[float, float]:
    """The ground velocity of a foot that moves in the picture, over the next half second; 0 where it meets none."""
    if pixel[4] == 0 and pixel[5] == 0:
        return 0.0, 0.0
    dx, dy, dz, _ = _direction(
        axes, optic, pixel[0] + pixel[4] * _VELOCITY_SPAN_S, pixel[1] + pixel[5] * _VELOCITY_SPAN_S
    )
    moved = bent((ray[0], ray[1], ray[2], dx, dy, dz, ray[6], ray[7], ray[8], 0.0), refraction)
    status, s = cast(surface, moved, 0.0, reach, LEVEL)
    if status != GROUND:
        return 0.0, 0.0
    east, north, _ = point_on(moved, s)
    return (east - place[0]) / _VELOCITY_SPAN_S, (north - place[1]) / _VELOCITY_SPAN_S


@njit(cache=True)
def locate_pixel(
    surface: SurfaceArrays,
    origin: Array,
    axes: Array,
    to_site: Array,
    optic: Optics,
    refraction: float,
    reach: float,
    pixel: tuple[float, float, float, float, float, float],
    angles: Array,
    horizontal_m: float,
    lift: Lift,
    frame_axes: Array,
    frame_centre: Array,
    main: Array,
    minor: Array,
    out: Array,
) -> None:
    """Fill: status, east, north, range, covariance (3), multimodal, latitude, longitude, height, velocity (2), up.

    `pixel` is x, y, their sigmas and their velocities; `lift` one sigma of the ground's height against the lens.
    """
    dx, dy, dz, _ = _direction(axes, optic, pixel[0], pixel[1])
    start = (origin[0], origin[1], origin[2], dx, dy, dz, to_site[2, 0], to_site[2, 1], to_site[2, 2], 0.0)
    ray = bent(start, refraction)
    status, distance = cast(surface, ray, 0.0, reach, LEVEL)
    out[0] = status
    if status != GROUND:
        return
    east, north, up = point_on(ray, distance)
    _, spread = ray_spread(axes, to_site, optic, pixel[0], pixel[1], pixel[2], pixel[3], angles)
    side = math.sqrt(spread[2])
    lean = spread[1] / max(side, 1e-15)
    rise = math.sqrt(max(spread[0] - lean * lean, 0.0))
    none = (0.0, 0.0, 0.0, 1.0)
    height = lifted(lift, distance) / max(distance, 1.0)
    both = max(math.hypot(rise, height), 1e-15)
    tilt, drop = rise / both, height / both
    mean = np.zeros(2)
    moments = np.zeros(3)
    fans = (
        (main, (tilt * rise, 0.0), (drop, lift[1], lift[2], lift[3])),
        (minor, (-drop * rise, 0.0), (tilt, lift[1], lift[2], lift[3])),
        (minor, (lean, side), none),
    )
    ranges = np.empty((3, main.shape[0]))
    places = np.empty((2, main.shape[0]))
    mixed = False
    for k in range(3):
        nodes, turn, raised = fans[k]
        count = nodes.shape[0]
        ranges[k, count // 2], places[0, count // 2], places[1, count // 2] = distance, east, north
        if _fan(surface, ray, reach, refraction, turn, raised, nodes, ranges[k], places):
            mixed = True
        part = _moments(places[0, :count] - east, places[1, :count] - north, nodes)
        bias = part[:2]
        moments += part[2:]
        moments += np.array([2 * mean[0] * bias[0], mean[0] * bias[1] + mean[1] * bias[0], 2 * mean[1] * bias[1]])
        mean += bias
    moved = _shifted(surface, ray, distance, horizontal_m * horizontal_m)
    out[4], out[5], out[6] = moments[0] + moved[0], moments[1] + moved[1], moments[2] + moved[2]
    flat_e, flat_n = east - origin[0], north - origin[1]
    flat = max(math.hypot(flat_e, flat_n), 1e-9)
    flat_e, flat_n = flat_e / flat, flat_n / flat
    along = flat_e * flat_e * out[4] + 2 * flat_e * flat_n * out[5] + flat_n * flat_n * out[6]
    limit = _HIDDEN_SIGMAS * math.sqrt(along)
    for k in range(3):
        nodes, turn, raised = fans[k]
        if not mixed and _parted(surface, ray, refraction, turn, raised, nodes, ranges[k], limit):
            mixed = True
    out[1], out[2], out[3], out[7] = east, north, distance, 1.0 if mixed else 0.0
    out[8], out[9], out[10] = geodetic_at(east, north, up, frame_axes, frame_centre)
    out[11], out[12] = _velocity(surface, ray, axes, optic, refraction, reach, pixel, (east, north))
    out[13] = up
