"""Painting what stands on the ground into an empty scene: capsules and quads, the far ones first."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.geo.ground import CameraView
from marsad.simulate.weather import Air, Kelvin

Array = NDArray[np.float64]

CAPSULE_COLUMNS = 12
QUAD_COLUMNS = 16
THING, FENCE, SWELL = 0.0, 1.0, 2.0
"""What a shape is: a thing, part of a fence, or a swell of the ground."""
_CAPSULE, _QUAD = 0.0, 1.0
_GIVE_M = 3.0
"""Ground may stand so much nearer than a thing, in the cells it stands on, without hiding it."""
_RIDGE_M = 20.0


class Shapes(NamedTuple):
    """Things in the site's frame, in metres and kelvin before the air.

    `capsules` is (N, 12): both ends with their radii (east, north, up, radius, twice), the temperature at either end,
    opacity, and what it is: `THING`, `FENCE` or `SWELL`, whose temperatures are above the ground's. `quads` is (N, 16):
    four corners (the lower edge first, then the upper one backwards), the temperature below and above, opacity, and
    what it is.
    """

    capsules: Array = np.empty((0, CAPSULE_COLUMNS))
    quads: Array = np.empty((0, QUAD_COLUMNS))


NOTHING = Shapes()


def joined(parts: list[Shapes]) -> Shapes:
    """All of several things."""
    return Shapes(
        np.concatenate([NOTHING.capsules, *(part.capsules for part in parts)]),
        np.concatenate([NOTHING.quads, *(part.quads for part in parts)]),
    )


class Canvas(NamedTuple):
    """What is painted on, (H, W) float32: see `Backdrop`."""

    kelvin: Kelvin
    range_m: Kelvin
    veil: Kelvin
    veil_range_m: Kelvin


def paint(canvas: Canvas, shapes: Shapes, view: CameraView, air: Air) -> None:
    """Paint things onto the scene, hidden where ground stands before them."""
    rows = np.concatenate([_project_capsules(shapes.capsules, view), _project_quads(shapes.quads, view)])
    rows = rows[np.isfinite(rows).all(axis=1)]
    if not len(rows):
        return
    own, far = rows[:, 2:4].astype(np.float32), rows[:, 1:2].astype(np.float32)
    rows[:, 2:4] = np.where(rows[:, 5:6] == SWELL, air.transmission(far) * own, air.seen(own, far))
    rows = rows[np.argsort(-rows[:, 1], kind="stable")]
    ground = np.where(np.isfinite(canvas.range_m), canvas.range_m, np.float32(1e9)).astype(np.float32)
    _paint(*canvas, ground, _row_steps(ground), rows)


def _row_steps(range_m: Kelvin) -> Kelvin:
    """How much farther the ground is one row higher, none at a ridge, behind which things hide."""
    step = np.abs(np.diff(range_m, axis=0, append=range_m[-1:]))
    return np.where(step < _RIDGE_M + 0.05 * range_m, step, 0).astype(np.float32)


def _project_capsules(capsules: Array, view: CameraView) -> Array:
    """Rows of the painter: kind, range, two temperatures, opacity, what it is, then ends and radii in pixels."""
    if not len(capsules):
        return np.empty((0, 14))
    focal = view.optics.focal_x_px
    start, end = capsules[:, 0:4], capsules[:, 4:8]
    x0, y0, near0 = view.project(*start[:, :3].T)
    x1, y1, near1 = view.project(*end[:, :3].T)
    rows = np.zeros((len(capsules), 14))
    rows[:, 0] = _CAPSULE
    rows[:, 1] = (near0 + near1) / 2
    rows[:, 2:6] = capsules[:, 8:12]
    rows[:, 6:12] = np.column_stack([x0, y0, start[:, 3] * focal / near0, x1, y1, end[:, 3] * focal / near1])
    return rows


def _project_quads(quads: Array, view: CameraView) -> Array:
    """Rows of the painter, with four corners in pixels."""
    if not len(quads):
        return np.empty((0, 14))
    x, y, near = view.project(*np.moveaxis(quads[:, :12].reshape(-1, 4, 3), -1, 0))
    rows = np.zeros((len(quads), 14))
    rows[:, 0] = _QUAD
    rows[:, 1] = near.mean(axis=1)
    rows[:, 2:6] = quads[:, 12:16]
    rows[:, 6:14] = np.stack([x, y], axis=-1).reshape(-1, 8)
    return rows


@njit(cache=True)
def _paint(
    kelvin: Kelvin, range_m: Kelvin, veil: Kelvin, veil_range: Kelvin, ground: Kelvin, step: Kelvin, rows: Array
) -> None:
    height, width = kelvin.shape
    for k in range(rows.shape[0]):
        shape = rows[k]
        reach = max(shape[8], shape[11]) + 1.0 if shape[0] == _CAPSULE else 1.0
        low_x, high_x, low_y, high_y = _bounds(shape)
        left, right = max(math.floor(low_x - reach), 0), min(math.ceil(high_x + reach), width)
        top, bottom = max(math.floor(low_y - reach), 0), min(math.ceil(high_y + reach), height)
        for row in range(top, bottom):
            for column in range(left, right):
                if ground[row, column] < shape[1] - _GIVE_M - 2 * step[row, column]:
                    continue
                if shape[0] == _CAPSULE:
                    share, up = _in_capsule(shape, column + 0.5, row + 0.5)
                else:
                    share, up = _in_quad(shape, column + 0.5, row + 0.5)
                share *= shape[4]
                if share <= 0.002:
                    continue
                own = shape[2] + up * (shape[3] - shape[2])
                if shape[5] == SWELL:
                    kelvin[row, column] += share * own
                    continue
                kelvin[row, column] += share * (own - kelvin[row, column])
                if shape[5] == FENCE:
                    veil[row, column] += share * (1 - veil[row, column])
                    veil_range[row, column] = shape[1]
                else:
                    veil[row, column] *= 1 - share
                    if share > 0.5:
                        range_m[row, column] = shape[1]


@njit(cache=True)
def _bounds(shape: Array) -> tuple[float, float, float, float]:
    if shape[0] == _CAPSULE:
        return min(shape[6], shape[9]), max(shape[6], shape[9]), min(shape[7], shape[10]), max(shape[7], shape[10])
    xs, ys = shape[6:14:2], shape[7:14:2]
    return xs.min(), xs.max(), ys.min(), ys.max()


@njit(cache=True)
def _in_capsule(shape: Array, x: float, y: float) -> tuple[float, float]:
    """The share of a pixel that a tapering capsule covers, and how far along it lies."""
    step_x, step_y = shape[9] - shape[6], shape[10] - shape[7]
    length2 = step_x * step_x + step_y * step_y
    along = 0.0
    if length2 > 1e-12:
        along = min(max(((x - shape[6]) * step_x + (y - shape[7]) * step_y) / length2, 0.0), 1.0)
    off = math.hypot(x - shape[6] - along * step_x, y - shape[7] - along * step_y)
    radius = shape[8] + along * (shape[11] - shape[8])
    # What is thinner than a pixel covers it by its width, and one that is shorter too by its area.
    most = min(1.0, 2 * radius)
    if length2 < 1.0 and radius < 0.5:
        most = min(1.0, 4 * radius * radius + 2 * radius * math.sqrt(length2))
    return min(max(radius + 0.5 - off, 0.0), most), along


@njit(cache=True)
def _in_quad(shape: Array, x: float, y: float) -> tuple[float, float]:
    """The share of a pixel that a convex quad covers, and how far up from its lower edge it lies."""
    twice_area = 0.0
    for i in range(4):
        j = (i + 1) % 4
        twice_area += shape[6 + 2 * i] * shape[7 + 2 * j] - shape[6 + 2 * j] * shape[7 + 2 * i]
    turn = 1.0 if twice_area > 0 else -1.0
    share, lower, upper = 1.0, 0.0, 0.0
    for i in range(4):
        j = (i + 1) % 4
        x0, y0 = shape[6 + 2 * i], shape[7 + 2 * i]
        step_x, step_y = shape[6 + 2 * j] - x0, shape[7 + 2 * j] - y0
        length = math.hypot(step_x, step_y)
        if length < 1e-9:
            continue
        inside = turn * (step_x * (y - y0) - step_y * (x - x0)) / length
        share = min(share, max(inside + 0.5, 0.0))
        if i == 0:
            lower = max(inside, 0.0)
        elif i == 2:
            upper = max(inside, 0.0)
    return share, lower / max(lower + upper, 1e-9)
