"""The ground that can be seen from a point, quickly: rays over the elevation data's own cells, two to each of the rim.

A post goes by the two rays that pass beside it, and where they differ by a sight line of its own. The ground is
bilinear in each cell that is crossed, and a cell with a void ends the sight. The cells are taken to be as wide
everywhere as they are at the observer's, so that the edges of what is hidden differ a little from `geo.viewshed`. So
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

RAYS: Final = 2
"""To each post of the rim."""
_SPARE_M = 100.0
_TOUCH = 1e-9
"""Columns: a cell that is entered by less is not crossed."""


class Post(NamedTuple):
    """An eye over the elevation data: its column and row in their posts, its height above their datum.

    Columns and rows are `across_m` and `down_m` apart there.
    """

    column: float
    row: float
    eye_m: float
    across_m: float
    down_m: float


class Asked(NamedTuple):
    """An eye, how far above the ground what it looks for is, how far it looks, and how the earth falls away."""

    eye_m: float
    target_m: float
    reach_m: float
    fall: float


class Quarter(NamedTuple):
    """The rows on one side of an eye at row `begin` and column `beside`: so many `rows`, from `first` on by `step`.

    The first is `away` rows from the eye. Rows are `apart_m` apart, columns `aside_m`.
    """

    begin: float
    beside: float
    step: int
    first: int
    away: float
    rows: int
    apart_m: float
    aside_m: float


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
    """A quarter upwards and one downwards over rows, then to the left and right over columns."""
    rows, columns = heights.shape
    seen = np.zeros((rows, columns), np.bool_)
    row, column = round(post.row), round(post.column)
    seen[row, column] = not math.isnan(heights[row, column])
    asked = Asked(post.eye_m, target_m, reach_m, fall)
    for step in (-1, 1):
        _judge(heights, _quarter(post.row, post.column, step, rows, post.down_m, post.across_m), asked, seen)
        _judge(heights.T, _quarter(post.column, post.row, step, columns, post.across_m, post.down_m), asked, seen.T)
    return seen


@njit(cache=True)
def _quarter(begin: float, beside: float, step: int, rows: int, apart_m: float, aside_m: float) -> Quarter:
    """The quarter towards the first of so many rows (step -1), or towards the last (step 1)."""
    first = math.floor(begin) + 1 if step > 0 else math.ceil(begin) - 1
    there = rows - first if step > 0 else first + 1
    return Quarter(begin, beside, step, first, (first - begin) * step, there, apart_m, aside_m)


@njit(cache=True, fastmath={"contract"}, error_model="numpy")
def _judge(heights: Heights, quarter: Quarter, asked: Asked, seen: Cells) -> None:
    """Go by the two rays beside each post of a quarter, and where they differ by a line of the post's own."""
    if quarter.rows <= 0:
        return
    fine = 1 / (RAYS * (quarter.away + quarter.rows - 1))
    widest = math.ceil(quarter.apart_m / quarter.aside_m / fine) + 1
    one, other = np.empty(quarter.rows), np.empty(quarter.rows)
    _cast(heights, quarter, asked, -widest * fine, one)
    for k in range(1 - widest, widest + 1):
        _cast(heights, quarter, asked, k * fine, other)
        for i in range(quarter.rows):
            away = quarter.away + i
            column = math.floor(quarter.beside + k * fine * away)
            if quarter.beside + (k - 1) * fine * away < column and 0 <= column < heights.shape[1]:
                row, steep = quarter.first + i * quarter.step, _steep(heights, quarter, asked, i, column)
                over = steep >= one[i]
                if over != (steep >= other[i]):
                    over = _clear(heights, quarter, asked, i, column, steep)
                seen[row, column] = over
        one, other = other, one


@njit(cache=True, forceinline=True, fastmath={"contract"}, error_model="numpy")
def _steep(heights: Heights, quarter: Quarter, asked: Asked, i: int, column: int) -> float:
    """How steep it is up to what is looked for at the post of a row; NaN in a void and out of reach."""
    down_m, across_m = (quarter.away + i) * quarter.apart_m, (column - quarter.beside) * quarter.aside_m
    flat_m = math.sqrt(down_m * down_m + across_m * across_m)
    if flat_m > asked.reach_m:
        return math.nan
    rise: float = heights[quarter.first + i * quarter.step, column] + asked.target_m - asked.eye_m
    return rise / flat_m - asked.fall * flat_m


@njit(cache=True, fastmath={"contract"}, error_model="numpy")
def _cast(heights: Heights, quarter: Quarter, asked: Asked, slant: float, ray: Array) -> None:
    """Write how steep the ground before each row is along a ray that goes `slant` columns aside from row to row.

    It is infinite behind a void, beyond the heights and beyond the reach.
    """
    unit_m, steepest = math.hypot(quarter.apart_m, slant * quarter.aside_m), -math.inf
    for i in range(quarter.rows):
        away = quarter.away + i
        if 0 <= quarter.beside + slant * away < heights.shape[1] - 1 and (away - 1) * unit_m <= asked.reach_m:
            steepest = _before(heights, quarter, asked, i, slant, unit_m, steepest)
        else:
            steepest = math.inf
        if steepest == math.inf:
            ray[i:] = math.inf
            return
        ray[i] = steepest
        steepest = _upon(heights, quarter, asked, i, slant, unit_m, steepest)


@njit(cache=True, fastmath={"contract"}, error_model="numpy")
def _clear(heights: Heights, quarter: Quarter, asked: Asked, target: int, column: int, steep: float) -> bool:
    """Whether no ground before the post of a row is steeper than so steep a line to it."""
    slant = (column - quarter.beside) / (quarter.away + target)
    unit_m = math.hypot(quarter.apart_m, slant * quarter.aside_m)
    # From the post back to the eye: what hides it is oftener near to it.
    for i in range(target, -1, -1):
        if i < target and _upon(heights, quarter, asked, i, slant, unit_m, steep) > steep:
            return False
        if _before(heights, quarter, asked, i, slant, unit_m, steep) > steep:
            return False
    return True


# What every step of a ray calls is inlined by force: handing it over each time would take half as long again.
@njit(cache=True, forceinline=True, fastmath={"contract"}, error_model="numpy")
def _upon(
    heights: Heights, quarter: Quarter, asked: Asked, i: int, slant: float, unit_m: float, steepest: float
) -> float:
    """The steepest sight so far, with that of a row's own ground."""
    away, row = quarter.away + i, quarter.first + i * quarter.step
    at = quarter.beside + slant * away
    left = min(int(at), heights.shape[1] - 2)
    height = heights[row, left] + (at - left) * (heights[row, left + 1] - heights[row, left])
    return _steeper(height, away * unit_m, asked, steepest)


@njit(cache=True, forceinline=True, fastmath={"contract"}, error_model="numpy")
def _before(
    heights: Heights, quarter: Quarter, asked: Asked, i: int, slant: float, unit_m: float, steepest: float
) -> float:
    """The steepest sight so far, with that of the ground between a row and the one before; infinite over a void.

    Each cell on the way is asked half-way through, where it may bulge, and where the ray leaves it.
    """
    row, away = quarter.first + i * quarter.step, quarter.away + i
    begin = max(away - 1.0, 0.0)
    left, last = _cells(quarter.beside + slant * begin, quarter.beside + slant * away, heights.shape[1] - 2)
    turn = 1 if last > left else -1
    while True:
        end = away if left == last else (left + (turn > 0) - quarter.beside) / slant
        here, behind = heights[row, left], heights[row - quarter.step, left]
        here_more, behind_more = heights[row, left + 1] - here, heights[row - quarter.step, left + 1] - behind
        if math.isnan(here_more + behind_more):
            return math.inf
        for at in (0.5 * (begin + end), end):
            back, aside = away - at, quarter.beside + slant * at - left
            height = (1 - back) * (here + aside * here_more) + back * (behind + aside * behind_more)
            if at < away:
                steepest = _steeper(height, at * unit_m, asked, steepest)
        if left == last:
            return steepest
        begin, left = end, left + turn


@njit(cache=True)
def _cells(begin: float, end: float, most: int) -> tuple[int, int]:
    """The first and the last cell between two columns; one that is only touched is not crossed."""
    if end >= begin:
        first, last = int(begin + _TOUCH), int(end - _TOUCH)
        return min(first, most), min(max(first, last), most)
    first, last = int(begin - _TOUCH), int(end + _TOUCH)
    return first, min(first, last)


@njit(cache=True, forceinline=True, fastmath={"contract"}, error_model="numpy")
def _steeper(height: float, flat_m: float, asked: Asked, steepest: float) -> float:
    """The steeper of the steepest sight so far and that of a height so far away."""
    rise = height - asked.eye_m - asked.fall * flat_m * flat_m
    return rise / flat_m if rise > steepest * flat_m else steepest
