"""Lines of sight over the ground: where a ray first meets it, and whether a point is seen.

A sight line is a straight ray that sags by k s^2 / (2 R) below its first direction, k the ratio of the ray's curvature
to the earth's (1/7 in ordinary air; near hot or cold ground it strays from -1 to 2). Together with the exact curvature
of the surface that gives the well-known (1 - k) s^2 / (2 R).
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.geo.elevation import TOP_LEVEL, SurfaceArrays, chart_at, ground_height, height_in
from marsad.geo.geodesy import MEAN_RADIUS_M, Array

Ray = tuple[float, float, float, float, float, float, float, float, float, float]
"""Where a ray starts (3), its first direction (3), the vertical there (3), and its bend, all in the site's frame."""

Lift = tuple[float, float, float, float]
"""Ground z sqrt(a + b (1 - exp(-rate s))) higher than the grid says at distance s: z, a and b in m2, rate in 1/m."""

LEVEL: Lift = (0.0, 0.0, 0.0, 1.0)
"""The ground as the grid says."""

Station = tuple[float, float, float, float]
"""A distance along a ray, and the column, row and height above the datum there."""

REFRACTION = 1 / 7

GROUND, SKY, BEYOND = 0, 1, 2
"""What a ray meets: the ground; nothing, above all ground known; or a void, the grid's edge or its reach."""

_EDGE_CELLS = 1e-4
_STEPS = 100_000


@njit(cache=True, fastmath={"contract"})
def point_on(ray: Ray, s: float) -> tuple[float, float, float]:
    """The point of a ray at a distance."""
    drop = ray[9] * s * s
    return (
        ray[0] + s * ray[3] - drop * ray[6],
        ray[1] + s * ray[4] - drop * ray[7],
        ray[2] + s * ray[5] - drop * ray[8],
    )


@njit(cache=True, fastmath={"contract"})
def _chart_on(surface: SurfaceArrays, ray: Ray, s: float) -> tuple[float, float, float]:
    east, north, up = point_on(ray, s)
    return chart_at(surface, east, north, up)


@njit(cache=True)
def bent(ray: Ray, refraction: float) -> Ray:
    """The same ray with its bend: it sags with the square of the horizontal distance."""
    rise = ray[3] * ray[6] + ray[4] * ray[7] + ray[5] * ray[8]
    bend = refraction * max(1 - rise * rise, 0.0) / (2 * MEAN_RADIUS_M)
    return (ray[0], ray[1], ray[2], ray[3], ray[4], ray[5], ray[6], ray[7], ray[8], bend)


@njit(cache=True)
def lifted(lift: Lift, s: float) -> float:
    """How much higher than the grid the ground is taken to be at a distance."""
    if lift[0] == 0.0:
        return 0.0
    return lift[0] * math.sqrt(lift[1] + lift[2] * (1 - math.exp(-lift[3] * s)))


@njit(cache=True, fastmath={"contract"})
def _to_edge(at: float, speed: float, cell: int, level: int) -> float:
    """How far it is, in distance along the ray, to the edge of the block of 2^level cells that holds `cell`."""
    first = (cell >> level) << level
    if speed > 0:
        return (first + (1 << level) - at) / speed
    if speed < 0:
        return (first - at) / speed
    return math.inf


@njit(cache=True)
def _top(surface: SurfaceArrays, level: int, row: int, column: int) -> float:
    highest: float = surface.tops[surface.starts[level] + (row >> level) * surface.widths[level] + (column >> level)]
    return highest


@njit(cache=True)
def _first_root(start: float, middle: float, end: float) -> float:
    """The first t in [0, 1] where the parabola through three heights (at 0, 1/2, 1) comes down to 0; NaN for none."""
    if start <= 0:
        return 0.0
    a = 2 * (start - 2 * middle + end)
    b = 4 * middle - 3 * start - end
    inside = b * b - 4 * a * start
    if inside < 0:
        return math.nan
    root = math.sqrt(inside)
    t = 2 * start / (root - b) if root - b > 0 else math.inf
    if t <= 1:
        return t
    return 1.0 if end <= 0 else math.nan


@njit(cache=True, fastmath={"contract"})
def _cross_cell(
    surface: SurfaceArrays, ray: Ray, top: int, left: int, near: Station, far: Station, lift: Lift
) -> float:
    """The distance at which a ray first meets one bilinear patch between two stations; NaN where it does not.

    Along a line the patch is a parabola, and so is the earth's curve: three samples tell the crossing exactly.
    """
    s = 0.5 * (near[0] + far[0])
    column, row, height = _chart_on(surface, ray, s)
    first = near[3] - height_in(surface, top, left, near[1], near[2]) - lifted(lift, near[0])
    middle = height - height_in(surface, top, left, column, row) - lifted(lift, s)
    last = far[3] - height_in(surface, top, left, far[1], far[2]) - lifted(lift, far[0])
    return near[0] + (far[0] - near[0]) * _first_root(first, middle, last)


@njit(cache=True, fastmath={"contract"})
def cast(surface: SurfaceArrays, ray: Ray, start: float, reach: float, lift: Lift) -> tuple[int, float]:
    """What a ray meets first from distance `start` on (`GROUND`, `SKY` or `BEYOND`), and how far away.

    Blocks of up to 64 cells are passed at once where the ray stays above their highest ground; the rest is crossed
    cell by cell, so that no ridge is stepped over. A sight line that bends less than the earth has a height that is
    convex in distance: it never falls faster than it fell last. A void below the highest ground known ends the sight.
    """
    rows, columns = surface.heights.shape
    ceiling = max(lift[0], 0.0) * math.sqrt(lift[1] + lift[2])
    highest = surface.highest_m + ceiling
    s0, level = start, TOP_LEVEL
    column0, row0, height0 = _chart_on(surface, ray, s0)
    column1, row1, height1 = _chart_on(surface, ray, s0 + 1.0)
    column_speed, row_speed, climb = column1 - column0, row1 - row0, height1 - height0
    for _ in range(_STEPS):
        if height0 > highest and climb > 0:
            return SKY, s0
        if not (column0 >= 0 and row0 >= 0 and column0 < columns - 1 and row0 < rows - 1):
            return BEYOND, s0
        column, row = int(column0), int(row0)
        step = min(_to_edge(column0, column_speed, column, level), _to_edge(row0, row_speed, row, level))
        step = max(step, 0.0) + _EDGE_CELLS / max(abs(column_speed), abs(row_speed), 1e-9)
        step = min(step, reach - s0)
        low = height0 + min(climb * step, 0.0) <= _top(surface, level, row, column) + ceiling
        if low and level > 0:
            level -= 1
            continue
        s1 = s0 + step
        column1, row1, height1 = _chart_on(surface, ray, s1)
        if low:
            near, far = (s0, column0, row0, height0), (s1, column1, row1, height1)
            s = _cross_cell(surface, ray, row, column, near, far, lift)
            if s <= s1:
                return GROUND, s
            if math.isnan(height_in(surface, row, column, column0, row0)):
                return BEYOND, s0
        if s1 >= reach:
            return BEYOND, reach
        column_speed, row_speed, climb = (column1 - column0) / step, (row1 - row0) / step, (height1 - height0) / step
        s0, column0, row0, height0 = s1, column1, row1, height1
        level = min(level + 1, TOP_LEVEL)
    return BEYOND, s0


@njit(cache=True)
def normal_at(surface: SurfaceArrays, east: float, north: float, up: float) -> tuple[float, float, float]:
    """The ground's unit normal at one point; NaN beside a void."""
    slopes = np.empty(2)
    for axis in range(2):
        step_e, step_n = (0.5, 0.0) if axis == 0 else (0.0, 0.5)
        column, row, height = chart_at(surface, east + step_e, north + step_n, up)
        ahead = height - ground_height(surface, column, row)
        column, row, height = chart_at(surface, east - step_e, north - step_n, up)
        slopes[axis] = ahead - (height - ground_height(surface, column, row))
    length = math.sqrt(1 + slopes[0] ** 2 + slopes[1] ** 2)
    return slopes[0] / length, slopes[1] / length, 1 / length


@njit(cache=True)
def grazing_at(surface: SurfaceArrays, ray: Ray, s: float) -> float:
    """The angle between a ray and the ground it meets at a distance, radians."""
    east, north, up = point_on(ray, s)
    normal_e, normal_n, normal_u = normal_at(surface, east, north, up)
    fall = 2 * ray[9] * s
    along_e, along_n, along_u = ray[3] - fall * ray[6], ray[4] - fall * ray[7], ray[5] - fall * ray[8]
    down = -(along_e * normal_e + along_n * normal_n + along_u * normal_u)
    return math.asin(min(max(down, -1.0), 1.0))


@njit(cache=True)
def ray_towards(origin: Array, up: Array, target: Array, refraction: float) -> tuple[Ray, float]:
    """The bent ray from a point through another, and the distance to it along the ray."""
    east, north, high = target[0] - origin[0], target[1] - origin[1], target[2] - origin[2]
    rise = east * up[0] + north * up[1] + high * up[2]
    flat2 = max(east * east + north * north + high * high - rise * rise, 0.0)
    sag = refraction * flat2 / (2 * MEAN_RADIUS_M)
    east, north, high = east + sag * up[0], north + sag * up[1], high + sag * up[2]
    length = math.sqrt(east * east + north * north + high * high)
    scale = 1 / length if length > 0 else 0.0
    ray = (
        origin[0],
        origin[1],
        origin[2],
        east * scale,
        north * scale,
        high * scale,
        up[0],
        up[1],
        up[2],
        sag * scale * scale,
    )
    return ray, length


@njit(cache=True, nogil=True)
def clear_many(
    surface: SurfaceArrays, origin: Array, up: Array, targets: Array, refraction: float
) -> NDArray[np.bool_]:
    """For each target (N, 3), whether no ground stands before it; a void in between counts as ground."""
    out = np.empty(targets.shape[0], np.bool_)
    for i in range(targets.shape[0]):
        ray, length = ray_towards(origin, up, targets[i], refraction)
        status, s = cast(surface, ray, 0.0, length, LEVEL)
        out[i] = status == SKY or (status == BEYOND and s >= length)
    return out
