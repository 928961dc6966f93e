"""Who sees a place, and if not, why; and the line of sight between two places in profile."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from marsad.geo.elevation import Surface
from marsad.geo.geodesy import Array, enu_axes
from marsad.geo.ground import CameraView
from marsad.geo.sight import GROUND, LEVEL, REFRACTION, cast, clear_many, point_on, ray_towards
from marsad.kernel.error import InputError
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.site import Mask

Verdict = Literal["seen", "hidden", "out_of_field", "out_of_reach"]

TALLEST_M = 60.0
_TRIED = 241


class Sight(Record):
    """Whether a watcher sees a place, how far away it is and in which direction.

    `needs_m` is the least height above the ground there from which on it would be seen, None where that is above 60 m;
    `screen_m` how far from the watcher the ground that hides it lies. Both are about ground alone, not about the field.
    """

    verdict: Verdict
    range_m: float
    azimuth_deg: float
    needs_m: float | None = None
    screen_m: float | None = None


class Profile(Record):
    """The ground under a line of sight, at equal steps; heights above the elevation data's datum.

    `sight_m` is the bent line from eye to target, `screen_m` how far away the ground lies that it first meets.
    """

    distance_m: tuple[float, ...]
    ground_m: tuple[float | None, ...]
    sight_m: tuple[float, ...]
    range_m: float
    azimuth_deg: float
    clear: bool
    screen_m: float | None = None


def camera_sight(view: CameraView, place: Position, height_m: float, masks: Sequence[Mask] = ()) -> Sight:
    """Whether a camera as it is posed sees something so high above the ground at a place.

    Raises: InputError where the ground there is not known.
    """
    target = _point(view.surface, place, height_m)
    x, y, apparent = (float(v) for v in view.project(*target))
    masked = any(m.x_px <= x < m.x_px + m.w_px and m.y_px <= y < m.y_px + m.h_px for m in masks)
    field = bool(view.in_picture(x, y)) and not masked
    range_m = float(np.linalg.norm(target - view.origin)) if math.isnan(apparent) else apparent
    return _sight(
        view.surface, view.origin, view.up, target, height_m, range_m, view.reach_m, view.refraction, field=field
    )


def lookout_sight(
    surface: Surface, stand: Position, eye_m: float, place: Position, height_m: float, *, reach_m: float
) -> Sight:
    """Whether somebody who looks all around from so far above the ground sees something at a place.

    Raises: InputError where the ground at either is not known.
    """
    origin, target = _point(surface, stand, eye_m), _point(surface, place, height_m)
    range_m = float(np.linalg.norm(target - origin))
    return _sight(surface, origin, _vertical(surface, stand), target, height_m, range_m, reach_m, REFRACTION)


def profile(
    surface: Surface, start: Position, start_m: float, end: Position, end_m: float, *, steps: int = 200
) -> Profile:
    """The line of sight from so far above the ground at one place to so far above it at another.

    Raises: InputError where the ground at either end is not known, or both are the same.
    """
    origin, target = _point(surface, start, start_m), _point(surface, end, end_m)
    if np.hypot(*(target - origin)[:2]) < 1.0:
        raise InputError("a line of sight needs two places that are at least a metre apart")
    up = _vertical(surface, start)
    ray, length = ray_towards(origin, up, target, REFRACTION)
    along = np.linspace(0, length, steps + 1)
    points = np.array([point_on(ray, s) for s in along])
    ground_up = surface.up_m(points[:, 0], points[:, 1])
    _, _, sight = surface.frame.to_geodetic(*points.T)
    _, _, ground = surface.frame.to_geodetic(points[:, 0], points[:, 1], np.nan_to_num(ground_up))
    status, screen = cast(surface.arrays, ray, 0.0, length, LEVEL)
    return Profile(
        distance_m=tuple(along.tolist()),
        ground_m=tuple(None if math.isnan(u) else h for u, h in zip(ground_up, ground.tolist(), strict=True)),
        sight_m=tuple(sight.tolist()),
        range_m=float(length),
        azimuth_deg=_azimuth_deg(surface, origin, target),
        clear=bool(clear_many(surface.arrays, origin, up, target[None], REFRACTION)[0]),
        screen_m=float(screen) if status == GROUND else None,
    )


def masts_see(surface: Surface, places: Array, mast_m: Array) -> NDArray[np.bool_]:
    """(K, K) which masts have a free line of sight to each other, at places (K, 2), east and north, so high (K,).

    Raises: InputError where the ground at one of them is not known.
    """
    ground_up = surface.up_m(*places.T)
    if np.isnan(ground_up).any():
        raise InputError("the ground under a mast is not known: load a tile there")
    tops = np.column_stack([places, ground_up + mast_m])
    clear = np.eye(len(tops), dtype=np.bool_)
    for number, top in enumerate(tops[:-1]):
        up = np.ascontiguousarray(_axes_at(surface, top)[2])
        later = number + 1
        clear[number, later:] = clear_many(surface.arrays, top, up, tops[later:], REFRACTION)
        clear[number, later:] |= np.hypot(*(places[later:] - places[number]).T) < 1.0
    return clear | clear.T


def slope_deg(surface: Surface, place: Position) -> tuple[float, float]:
    """How steep the ground is at a place, and towards which azimuth it falls; over 2 cells of the data.

    Raises: InputError where the ground there is not known.
    """
    east, north, _ = _point(surface, place, 0.0)
    step = surface.cell_m
    up = surface.up_m([east - step, east + step, east, east], [north, north, north - step, north + step])
    if np.isnan(up).any():
        raise InputError("the ground around that place is not known: load a tile there")
    fall_east, fall_north = (up[0] - up[1]) / (2 * step), (up[2] - up[3]) / (2 * step)
    steep = math.degrees(math.atan(math.hypot(fall_east, fall_north)))
    return steep, math.degrees(math.atan2(fall_east, fall_north)) % 360


def _sight(
    surface: Surface, origin: Array, up: Array, target: Array, height_m: float, range_m: float, reach_m: float,
    refraction: float, *, field: bool = True,
) -> Sight:  # fmt: skip
    clear = bool(clear_many(surface.arrays, origin, np.ascontiguousarray(up), target[None], refraction)[0])
    verdict: Verdict = "seen"
    if range_m > reach_m:
        verdict = "out_of_reach"
    elif not field:
        verdict = "out_of_field"
    elif not clear:
        verdict = "hidden"
    azimuth = _azimuth_deg(surface, origin, target)
    if clear:
        return Sight(verdict=verdict, range_m=range_m, azimuth_deg=azimuth)
    ray, length = ray_towards(origin, np.ascontiguousarray(up), target, refraction)
    status, screen = cast(surface.arrays, ray, 0.0, length, LEVEL)
    return Sight(
        verdict=verdict,
        range_m=range_m,
        azimuth_deg=azimuth,
        needs_m=_needs_m(surface, origin, up, target - (0.0, 0.0, height_m), refraction),
        screen_m=float(screen) if status == GROUND else None,
    )


def _needs_m(surface: Surface, origin: Array, up: Array, foot: Array, refraction: float) -> float | None:
    """The least height above a place at which a sight line is free, to a quarter of a metre."""
    heights = np.linspace(0, TALLEST_M, _TRIED)
    targets = foot + heights[:, None] * np.array([0.0, 0.0, 1.0])
    clear = clear_many(surface.arrays, origin, np.ascontiguousarray(up), targets, refraction)
    return float(heights[int(np.argmax(clear))]) if clear.any() else None


def _point(surface: Surface, place: Position, height_m: float) -> Array:
    """So far above the ground at a place, in the site's frame."""
    ground = float(surface.height_m(place.latitude_deg, place.longitude_deg))
    if math.isnan(ground):
        raise InputError(
            f"the ground at latitude {place.latitude_deg:.6f}, longitude {place.longitude_deg:.6f} is not known: "
            "load a tile there"
        )
    east, north, up = surface.frame.from_geodetic(place.latitude_deg, place.longitude_deg, ground)
    return np.array([float(east), float(north), float(up) + height_m])


def _vertical(surface: Surface, place: Position) -> Array:
    axes = enu_axes(place.latitude_deg, place.longitude_deg) @ surface.frame.axes.T
    return np.ascontiguousarray(axes[2])


def _axes_at(surface: Surface, point: Array) -> Array:
    """The east, north and up directions at a point of the site's frame, as rows in that frame."""
    latitude, longitude, _ = surface.frame.to_geodetic(*point)
    axes: Array = enu_axes(float(latitude), float(longitude)) @ surface.frame.axes.T
    return axes


def _azimuth_deg(surface: Surface, origin: Array, target: Array) -> float:
    east, north, _ = _axes_at(surface, origin) @ (target - origin)
    return math.degrees(math.atan2(east, north)) % 360
