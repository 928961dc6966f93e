"""How somebody goes on whom nobody looks at: keeps going, stops, turns; and what that makes of a cloud of particles.

A way is a straight walk that wanders a little, until something happens: a stop, or a turn. After a stop there is a new
speed and mostly the old direction. Slopes slow down, by Tobler's rule for walkers.

Source: W. Tobler, Three presentations on geographical analysis and modeling (1993), technical report 93-1, NCGIA.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.kernel.record import Record
from marsad.kernel.track import Kind

Array = NDArray[np.float64]
Grid = NDArray[np.float32]
Flags = NDArray[np.bool_]
Bytes = NDArray[np.int8]


class Motion(Record):
    """How one kind moves.

    Speeds are log-normal about `speed_m_s` (`speed_spread` is the sigma of the logarithm); a share of ways is fast.
    Something happens every `going_s` on average: a stop, of `stop_s` on average, or a turn by `turn_rad` (one sigma);
    `anew_share` of all turns and departures go anywhere. In between the direction wanders. On a slope the speed
    changes by exp(-`slope_rate` (|slope + `best_slope`| - `best_slope`)), slope above 0 uphill.
    """

    speed_m_s: float = 1.3
    speed_spread: float = 0.25
    fast_share: float = 0.1
    fast_m_s: float = 2.7
    going_s: float = 240.0
    stop_share: float = 0.4
    stop_s: float = 120.0
    turn_rad: float = 0.6
    anew_share: float = 0.15
    wander_rad2_s: float = 4e-4
    slope_rate: float = 3.5
    best_slope: float = 0.05


MOTIONS: Final[dict[Kind, Motion]] = {
    "person": Motion(),
    "group": Motion(speed_m_s=1.2, fast_share=0.05, stop_s=180.0),
    "vehicle": Motion(
        speed_m_s=8.0, speed_spread=0.5, fast_share=0.1, fast_m_s=16.0, going_s=180.0, stop_share=0.3, stop_s=180.0,
        turn_rad=0.8, anew_share=0.05, slope_rate=6.0, best_slope=0.0,
    ),
    "unknown": Motion(speed_spread=0.4, fast_share=0.15),
}  # fmt: skip
"""What is not in here is taken as unknown."""


class Pace(NamedTuple):
    """A `Motion` as the kernels read it."""

    log_speed: float
    speed_spread: float
    fast_share: float
    log_fast: float
    going_s: float
    stop_share: float
    stop_s: float
    turn_rad: float
    anew_share: float
    wander_rad2_s: float
    slope_rate: float
    best_slope: float


class Ground(NamedTuple):
    """The slopes of a lattice, (rows, columns), uphill towards the east and towards the north; level outside it."""

    west_m: float
    north_m: float
    cell_m: float
    east_slope: Grid
    north_slope: Grid


class Cloud(NamedTuple):
    """Particles, arrays (N,): place, direction clockwise from north, speed, time to the next happening, weight."""

    east_m: Array
    north_m: Array
    heading_rad: Array
    speed_m_s: Array
    left_s: Array
    going: Flags
    log_weight: Array


def pace_of(motion: Motion) -> Pace:
    """The motion's numbers."""
    return Pace(
        math.log(motion.speed_m_s), motion.speed_spread, motion.fast_share, math.log(motion.fast_m_s), motion.going_s,
        motion.stop_share, motion.stop_s, motion.turn_rad, motion.anew_share, motion.wander_rad2_s, motion.slope_rate,
        motion.best_slope,
    )  # fmt: skip


@njit(cache=True)
def draw_speed(pace: Pace, rng: np.random.Generator) -> float:
    """The speed of a way."""
    middle = pace.log_fast if rng.random() < pace.fast_share else pace.log_speed
    return math.exp(middle + pace.speed_spread * rng.standard_normal())


@njit(cache=True)
def draw_heading(before: float, pace: Pace, rng: np.random.Generator) -> float:
    """The direction after a turn or a stop."""
    if rng.random() < pace.anew_share:
        return 2 * math.pi * rng.random()
    return before + pace.turn_rad * rng.standard_normal()


@njit(cache=True)
def cell_at(ground: Ground, east: float, north: float) -> tuple[int, int]:
    """Row and column of the cell that holds a point; (-1, -1) outside the lattice."""
    rows, columns = ground.east_slope.shape
    column = (east - ground.west_m) / ground.cell_m
    row = (ground.north_m - north) / ground.cell_m
    if column < 0 or row < 0 or column >= columns or row >= rows:
        return -1, -1
    return int(row), int(column)


@njit(cache=True)
def _slowed(pace: Pace, ground: Ground, east: float, north: float, sine: float, cosine: float) -> float:
    row, column = cell_at(ground, east, north)
    if row < 0:
        return 1.0
    slope = ground.east_slope[row, column] * sine + ground.north_slope[row, column] * cosine
    return math.exp(-pace.slope_rate * (abs(slope + pace.best_slope) - pace.best_slope))


@njit(cache=True)
def move(cloud: Cloud, k: int, seconds: float, pace: Pace, ground: Ground, rng: np.random.Generator) -> None:
    """Let one particle go on; what happens within the time happens at its own moment."""
    rest = seconds
    while rest > 0:
        step = min(rest, cloud.left_s[k])
        if cloud.going[k] and step > 0:
            heading = cloud.heading_rad[k] + math.sqrt(pace.wander_rad2_s * step) * rng.standard_normal()
            sine, cosine = math.sin(heading), math.cos(heading)
            slow = _slowed(pace, ground, cloud.east_m[k], cloud.north_m[k], sine, cosine)
            way = cloud.speed_m_s[k] * slow * step
            cloud.east_m[k] += way * sine
            cloud.north_m[k] += way * cosine
            cloud.heading_rad[k] = heading
        rest -= step
        cloud.left_s[k] -= step
        if cloud.left_s[k] > 0:
            continue
        if cloud.going[k] and rng.random() < pace.stop_share:
            cloud.going[k] = False
            cloud.left_s[k] = pace.stop_s * rng.standard_exponential()
            continue
        if not cloud.going[k]:
            cloud.speed_m_s[k] = draw_speed(pace, rng)
        cloud.going[k] = True
        cloud.heading_rad[k] = draw_heading(cloud.heading_rad[k], pace, rng)
        cloud.left_s[k] = pace.going_s * rng.standard_exponential()


@njit(cache=True)
def drift(
    cloud: Cloud,
    seconds: float,
    pace: Pace,
    ground: Ground,
    going_rate: Grid,
    still_rate: Grid,
    rng: np.random.Generator,
) -> None:
    """Let all particles go on for one step, and take off their weights what was looked at without seeing them.

    The rates (rows, columns) are the logarithms of staying unseen for a second, for those who go and who stand.
    """
    for k in range(cloud.east_m.size):
        move(cloud, k, seconds, pace, ground, rng)
        row, column = cell_at(ground, cloud.east_m[k], cloud.north_m[k])
        if row >= 0:
            rate = going_rate[row, column] if cloud.going[k] else still_rate[row, column]
            cloud.log_weight[k] += seconds * rate


@njit(cache=True)
def settle(log_weight: Array) -> tuple[float, float]:
    """Bring the weights to a sum of 1; the logarithm of what they were, and how many equal ones carry as much."""
    highest = log_weight.max()
    total = squares = 0.0
    for k in range(log_weight.size):
        weight = math.exp(log_weight[k] - highest)
        total += weight
        squares += weight * weight
    level = highest + math.log(total)
    for k in range(log_weight.size):
        log_weight[k] -= level
    return level, total * total / squares


@njit(cache=True)
def spot(cloud: Cloud, start: Array, end: Array, radius_m: float, log_unseen: float, still_share: float) -> None:
    """Take off the weights what somebody did not see who went straight from `start` to `end` and looks `radius_m`."""
    east, north = end[0] - start[0], end[1] - start[1]
    length2 = east * east + north * north
    for k in range(cloud.east_m.size):
        off_e, off_n = cloud.east_m[k] - start[0], cloud.north_m[k] - start[1]
        share = min(max((off_e * east + off_n * north) / length2, 0.0), 1.0) if length2 > 0 else 0.0
        if (off_e - share * east) ** 2 + (off_n - share * north) ** 2 <= radius_m * radius_m:
            cloud.log_weight[k] += log_unseen * (1.0 if cloud.going[k] else still_share)


@njit(cache=True)
def search(cloud: Cloud, ground: Ground, searched: Flags, log_unseen: float) -> None:
    """Take off the weights what a search of cells (rows, columns) did not find."""
    for k in range(cloud.east_m.size):
        row, column = cell_at(ground, cloud.east_m[k], cloud.north_m[k])
        if row >= 0 and searched[row, column]:
            cloud.log_weight[k] += log_unseen


@njit(cache=True)
def foresee(
    cloud: Cloud,
    steps: int,
    seconds: float,
    pace: Pace,
    ground: Ground,
    in_view: Flags,
    sides: Bytes,
    rng: np.random.Generator,
) -> tuple[Array, Array, Array]:
    """When and where each particle comes into view first, and when it first is on the other side of each line.

    `in_view` is (rows, columns), `sides` (L, rows, columns) with -1 and 1, and 0 where no side is told: who goes round
    a line's end through there does not cross it. Times (N,) and (N, L) in seconds, places
    (N, 2), NaN for never. The cloud is used up.
    """
    count, lines = cloud.east_m.size, sides.shape[0]
    seen_s, places = np.full(count, math.nan), np.full((count, 2), math.nan)
    crossed_s = np.full((count, lines), math.nan)
    for k in range(count):
        row, column = cell_at(ground, cloud.east_m[k], cloud.north_m[k])
        begun = np.zeros(lines, np.int8)
        for step in range(steps + 1):
            if step > 0:
                move(cloud, k, seconds, pace, ground, rng)
            row, column = cell_at(ground, cloud.east_m[k], cloud.north_m[k])
            if row < 0:
                continue
            if in_view[row, column] and math.isnan(seen_s[k]):
                seen_s[k] = step * seconds
                places[k, 0], places[k, 1] = cloud.east_m[k], cloud.north_m[k]
            for line in range(lines):
                side = sides[line, row, column]
                if side * begun[line] < 0 and math.isnan(crossed_s[k, line]):
                    crossed_s[k, line] = step * seconds
                begun[line] = side
    return seen_s, places, crossed_s
