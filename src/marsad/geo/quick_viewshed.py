"""The ground that can be seen from a point, quickly: rays over the elevation data's own cells, four to each of the rim.

Along a ray the ground is linear between the two posts beside it, and a post goes by the ray that passes nearest to it.
The edges of what is hidden differ a little from `geo.viewshed`, which asks each place with a sight line of its own. So
quick a map can be drawn again and again over ground that errs: the share of draws in which a place is seen is the
probability that it is.

Source: W. R. Franklin, C. K. Ray, S. Mehta, Geometric algorithms for siting of air defense missile batteries, research
project report, Battelle (1994): the rays to the rim, R2. P. F. Fisher, First experiments in viewshed uncertainty,
Photogrammetric Engineering and Remote Sensing 57 (1991) 1321-1327: the probable viewshed.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import gaussian_filter

from marsad.geo.elevation import Heights, Surface, SurfaceArrays, chart_at
from marsad.geo.geodesy import MEAN_RADIUS_M, Array
from marsad.geo.sight import REFRACTION
from marsad.geo.viewshed import TARGET_M
from marsad.kernel.error import InputError

Shares = NDArray[np.float32]
Cells = NDArray[np.bool_]

RAYS: Final = 4
"""To each post of the rim."""
_SPARE_M = 100.0


class Post(NamedTuple):
    """An eye over the elevation data: its column and row in their posts, its height above their datum.

    Columns and rows are `across_m` and `down_m` apart there.
    """

    column: float
    row: float
    eye_m: float
    across_m: float
    down_m: float


class QuickShed:
    """What is seen of the posts from `top` and `left` on of a surface's data, as shares (rows, columns) from 0 to 1."""

    def __init__(self, surface: Surface, share: Shares, top: int, left: int) -> None:
        self.surface, self.share, self.top, self.left = surface, share, top, left

    @property
    def seen(self) -> Cells:
        """The posts that are seen, at least half of the time."""
        return self.share >= 0.5

    def at(self, east_m: ArrayLike, north_m: ArrayLike) -> Shares:
        """The share at the posts nearest to places; 0 beyond what was looked at."""
        east, north = np.broadcast_arrays(np.asarray(east_m, float), np.asarray(north_m, float))
        up = self.surface.up_m(east, north)
        columns, rows = _posts_of(self.surface.arrays, east.ravel(), north.ravel(), np.nan_to_num(up).ravel())
        row, column = np.rint(rows).astype(int) - self.top, np.rint(columns).astype(int) - self.left
        held = (row >= 0) & (column >= 0) & (row < self.share.shape[0]) & (column < self.share.shape[1])
        found = np.where(held, self.share[np.where(held, row, 0), np.where(held, column, 0)], np.float32(0))
        return np.where(np.isnan(up), np.float32(0), found.reshape(east.shape)).astype(np.float32)


def quick_viewshed(
    surface: Surface, east_m: float, north_m: float, height_m: float, *, reach_m: float, target_m: float = TARGET_M,
    refraction: float = REFRACTION,
) -> QuickShed:  # fmt: skip
    """The posts at which something `target_m` above the ground is seen from so far above it.

    Raises: InputError where the ground under the observer is not known.
    """
    post = _post(surface, east_m, north_m, height_m)
    top, left, heights = _window(surface, post, reach_m)
    moved = post._replace(column=post.column - left, row=post.row - top)
    seen = _seen(heights, moved, reach_m, target_m, _fall(refraction))
    return QuickShed(surface, seen.astype(np.float32), top, left)


def probable_viewshed(
    surface: Surface, east_m: float, north_m: float, height_m: float, rng: np.random.Generator, *, reach_m: float,
    sigma_m: float, correlation_m: float, draws: int = 32, target_m: float = TARGET_M, refraction: float = REFRACTION,
) -> QuickShed:  # fmt: skip
    """The probability that each post is seen where the elevation data err by `sigma_m`, alike over `correlation_m`.

    The observer stands on the ground as it is drawn. Raises: InputError where the ground under him is not known.
    """
    post = _post(surface, east_m, north_m, height_m)
    top, left, heights = _window(surface, post, reach_m)
    post = post._replace(column=post.column - left, row=post.row - top)
    times = np.zeros(heights.shape, np.int32)
    for _ in range(draws):
        error = np.float32(sigma_m) * error_field(heights.shape, (post.down_m, post.across_m), rng, correlation_m)
        stands = post._replace(eye_m=post.eye_m + float(error[round(post.row), round(post.column)]))
        times += _seen(heights + error, stands, reach_m, target_m, _fall(refraction))
    return QuickShed(surface, (times / draws).astype(np.float32), top, left)


def _fall(refraction: float) -> float:
    """By how much a level sight line rises over the ground with the square of the distance."""
    return (1 - refraction) / (2 * MEAN_RADIUS_M)


def _post(surface: Surface, east_m: float, north_m: float, height_m: float) -> Post:
    up = float(surface.up_m(east_m, north_m))
    if math.isnan(up):
        raise InputError(f"the ground at east {east_m:.0f} m, north {north_m:.0f} m is not known: load a tile there")
    column, row, ground = chart_at(surface.arrays, east_m, north_m, up)
    apart = np.array([(east_m + 1000, north_m), (east_m, north_m + 1000)])
    there = np.array([chart_at(surface.arrays, east, north, up)[:2] for east, north in apart.tolist()])
    metres = np.linalg.inv((there - (column, row)).T / 1000)
    across_m, down_m = (float(length) for length in np.hypot(*metres))
    return Post(column, row, ground + height_m, across_m, down_m)


def _window(surface: Surface, post: Post, reach_m: float) -> tuple[int, int, Heights]:
    """The top row, the left column, and the heights of all posts within reach."""
    rows, columns = surface.arrays.heights.shape
    down, across = (reach_m + _SPARE_M) / post.down_m, (reach_m + _SPARE_M) / post.across_m
    top, bottom = max(math.floor(post.row - down), 0), min(math.ceil(post.row + down) + 1, rows)
    left, right = max(math.floor(post.column - across), 0), min(math.ceil(post.column + across) + 1, columns)
    return top, left, np.ascontiguousarray(surface.arrays.heights[top:bottom, left:right])


def error_field(
    shape: tuple[int, ...], apart_m: tuple[float, float], rng: np.random.Generator, correlation_m: float
) -> Heights:
    """A field of unit variance, alike over a distance, made on cells of half of it; its rows and columns `apart_m`."""
    coarse_row, coarse_column = (max(correlation_m / 2 / apart, 1.0) for apart in apart_m)
    size = math.ceil(shape[0] / coarse_row) + 3, math.ceil(shape[1] / coarse_column) + 3
    field = gaussian_filter(rng.standard_normal(size), 1.0, mode="wrap")
    return _stretched((field / field.std()).astype(np.float32), shape[0], shape[1], coarse_row, coarse_column)


@njit(cache=True, nogil=True)
def _stretched(field: Heights, rows: int, columns: int, coarse_row: float, coarse_column: float) -> Heights:
    """A field between whose values others are linear."""
    out = np.empty((rows, columns), np.float32)
    for row in range(rows):
        top = int(row / coarse_row)
        v = np.float32(row / coarse_row - top)
        for column in range(columns):
            left = int(column / coarse_column)
            u = np.float32(column / coarse_column - left)
            first = field[top, left] * (1 - u) + field[top, left + 1] * u
            last = field[top + 1, left] * (1 - u) + field[top + 1, left + 1] * u
            out[row, column] = first * (1 - v) + last * v
    return out


@njit(cache=True, nogil=True)
def _posts_of(surface: SurfaceArrays, east: Array, north: Array, up: Array) -> tuple[Array, Array]:
    columns, rows = np.empty(len(east)), np.empty(len(east))
    for k in range(len(east)):
        columns[k], rows[k], _ = chart_at(surface, east[k], north[k], up[k])
    return columns, rows


@njit(cache=True, nogil=True)
def _seen(heights: Heights, post: Post, reach_m: float, target_m: float, fall: float) -> Cells:
    """Rays to the rim of the heights, upwards and downwards over rows, then to the left and right over columns."""
    rows, columns = heights.shape
    seen = np.zeros((rows, columns), np.bool_)
    nearest = np.full((rows, columns), np.float32(2.0))
    for down in (round(post.row), int(post.row), int(post.row) + 1):
        for across in (round(post.column), int(post.column), int(post.column) + 1):
            if 0 <= down < rows and 0 <= across < columns:
                seen[down, across] = not math.isnan(heights[down, across])
                nearest[down, across] = -1.0
    turned, seen_turned, nearest_turned = heights.T, seen.T, nearest.T
    for k in range((columns - 1) * RAYS + 1):
        for rim in (0, rows - 1):
            _ray(heights, post.row, post.column, rim, k / RAYS, post.down_m, post.across_m, post.eye_m, reach_m,
                 target_m, fall, seen, nearest)  # fmt: skip
    for k in range((rows - 1) * RAYS + 1):
        for rim in (0, columns - 1):
            _ray(turned, post.column, post.row, rim, k / RAYS, post.across_m, post.down_m, post.eye_m, reach_m,
                 target_m, fall, seen_turned, nearest_turned)  # fmt: skip
    return seen


@njit(cache=True, nogil=True, fastmath={"contract"})
def _ray(
    heights: Heights, begin: float, beside: float, rim: int, aim: float, apart_m: float, aside_m: float, eye_m: float,
    reach_m: float, target_m: float, fall: float, seen: Cells, nearest: Heights,
) -> None:  # fmt: skip
    """Go along one ray row by row, keeping the steepest sight so far."""
    run = rim - begin
    if abs(run) < 0.5 or abs(aim - beside) * aside_m > 1.5 * abs(run) * apart_m:
        return
    slant, step, last = (aim - beside) / run, (1 if run > 0 else -1), heights.shape[1] - 1
    unit_m = math.hypot(apart_m, slant * aside_m)
    steepest = -math.inf
    first = math.floor(begin) + 1 if step > 0 else math.ceil(begin) - 1
    row = first
    while (rim - row) * step >= 0:
        along = (row - begin) * step
        distance = along * unit_m
        if distance > reach_m:
            return
        at = beside + (row - begin) * slant
        low = min(max(int(at), 0), last - 1)
        share = at - low
        if row != first:
            # Between two rows of posts the ground may bulge: there it is bilinear between the four around.
            for back in (0.75, 0.5, 0.25):
                aside = at - back * slant * step
                side = min(max(int(aside), 0), last - 1)
                part, behind = aside - side, row - step
                one = heights[row, side] + part * (heights[row, side + 1] - heights[row, side])
                two = heights[behind, side] + part * (heights[behind, side + 1] - heights[behind, side])
                between = one + back * (two - one)
                if math.isnan(between):
                    return
                nearer = distance - back * unit_m
                steepest = max(steepest, (between - fall * nearer * nearer - eye_m) / nearer)
        height = heights[row, low] + share * (heights[row, low + 1] - heights[row, low])
        near = low if share < 0.5 else low + 1
        off = np.float32(abs(at - near))
        drop = fall * distance * distance + eye_m
        if off < nearest[row, near]:
            nearest[row, near] = off
            seen[row, near] = heights[row, near] + target_m - drop >= steepest * distance
        if math.isnan(height):
            return
        steepest = max(steepest, (height - drop) / distance)
        row += step
