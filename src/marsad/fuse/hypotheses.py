"""Where each object may be: a few Gaussians for each track, carried forward, held against looks, merged and dropped.

A hypothesis is a state of five numbers: east, north, their rates, and by how much the ground there is higher than the
elevation data say. It is kept *given the sources' biases* b: mean m + L (b - b0) and covariance P, L being its `lean`.
Given the biases all tracks are independent, so one filter for b and one for each track together are the joint filter,
exactly where everything is linear, at a cost that grows with tracks times biases and not with their square.

Source: Friedland, "Treatment of bias in recursive filtering", IEEE TAC 14 (1969); Blackman and Popoli, "Design and
analysis of modern tracking systems" (1999), 6.6 (mixture reduction); Arasaratnam and others, statistical linear
regression by sigma points, Proc. IEEE 95 (2007).
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.geo.elevation import SurfaceArrays, ground_up
from marsad.geo.geodesy import MEAN_RADIUS_M, Array
from marsad.geo.sight import BEYOND, LEVEL, SKY, cast, ray_towards

EAST, NORTH, EAST_RATE, NORTH_RATE, HEIGHT = range(5)
STATES = 5

Ints = NDArray[np.int64]

_AXIS_SIGMAS = math.sqrt(3)
_LEAST_STEP_M = 0.5
_TARGET_M = 1.0
_PROFILE = 240
_NEGLIGIBLE = 1e-9
_NEAREST_M = 5.0
AROUND_SIGMAS = 3.5
_SLICE = 1.12
_HIDDEN_SIGMAS = 3.0
_FADE = 4.0


class Rows(NamedTuple):
    """Every hypothesis of every track; those of track t are rows first[t] to first[t + 1].

    `mean` (R, 5), `spread` (R, 5, 5) and `lean` (R, 5, B) are as above, `weight` (R) sums to one over a track,
    `left` (R, S, 2) is by how much the last reports of source s differed from what was expected: most of that is the
    source's bias, and will come again.
    """

    first: Ints
    mean: Array
    spread: Array
    lean: Array
    weight: Array
    left: Array


RowParts = tuple[Array, Array, Array, Array, Array]
"""Means, covariances, leans, weights and what was left, of one track's rows."""


class Sight(NamedTuple):
    """How a camera looks: where its lens is, its own axes, its field of view and how far it reaches.

    `heading_rad` and `tilt_rad` point to the middle of the field; half angles across and up.
    """

    origin: Array
    local: Array
    refraction: float
    heading_rad: float
    tilt_rad: float
    half_across_rad: float
    half_up_rad: float
    reach_m: float


class Expected(NamedTuple):
    """What a source would report of each row: value (R, 2), slope (R, 2, 5), noise (R, 2, 2), and how surely (R).

    `noise` is what the linear form leaves out; `scale` (R) is how much report there is to a m2 of ground there, 0 where
    the source cannot look.
    """

    value: Array
    slope: Array
    noise: Array
    seen: Array
    scale: Array


def no_rows(biases: int, sources: int) -> Rows:
    """No track at all."""
    return Rows(
        np.zeros(1, np.int64), np.empty((0, STATES)), np.empty((0, STATES, STATES)), np.empty((0, STATES, biases)),
        np.empty(0), np.empty((0, sources, 2)),
    )  # fmt: skip


@njit(cache=True)
def predict(rows: Rows, agility: Array, step_s: float, steady_s: float, height_m: float, correlation_m: float) -> Rows:
    """The rows `step_s` later: near-constant velocity with white acceleration `agility` (R), m2/s3.

    Velocities fade over `steady_s`. What the elevation data are wrong by is forgotten with the distance gone.
    """
    mean, spread, lean = rows.mean.copy(), rows.spread.copy(), rows.lean.copy()
    fade = math.exp(-step_s / steady_s)
    drift = steady_s * (1 - fade)
    move = np.empty((STATES, STATES))
    for r in range(mean.shape[0]):
        speed2 = mean[r, 2] ** 2 + mean[r, 3] ** 2 + spread[r, 2, 2] + spread[r, 3, 3]
        kept = math.exp(-math.sqrt(speed2) * step_s / correlation_m)
        mean[r, 0] += drift * mean[r, 2]
        mean[r, 1] += drift * mean[r, 3]
        mean[r, 2] *= fade
        mean[r, 3] *= fade
        mean[r, 4] *= kept
        for i in range(STATES):
            for j in range(STATES):
                move[i, j] = spread[r, i, j]
        for j in range(STATES):
            move[0, j] += drift * move[2, j]
            move[1, j] += drift * move[3, j]
            move[2, j] *= fade
            move[3, j] *= fade
            move[4, j] *= kept
        for i in range(STATES):
            move[i, 0] += drift * move[i, 2]
            move[i, 1] += drift * move[i, 3]
            move[i, 2] *= fade
            move[i, 3] *= fade
            move[i, 4] *= kept
        q = agility[r]
        for axis in range(2):
            move[axis, axis] += q * step_s**3 / 3
            move[axis, axis + 2] += q * step_s**2 / 2
            move[axis + 2, axis] += q * step_s**2 / 2
            move[axis + 2, axis + 2] += q * step_s
        move[4, 4] += (1 - kept * kept) * height_m * height_m
        spread[r] = move
        for b in range(lean.shape[2]):
            lean[r, 0, b] += drift * lean[r, 2, b]
            lean[r, 1, b] += drift * lean[r, 3, b]
            lean[r, 2, b] *= fade
            lean[r, 3, b] *= fade
            lean[r, 4, b] *= kept
    return Rows(rows.first, mean, spread, lean, rows.weight, rows.left)


@njit(cache=True)
def whole_spread(spread: Array, lean: Array, bias_spread: Array) -> Array:
    """The covariance (5, 5) of one row with the biases' share."""
    out = spread.copy()
    count = bias_spread.shape[0]
    for i in range(STATES):
        for a in range(count):
            total = 0.0
            for b in range(count):
                total += lean[i, b] * bias_spread[b, a]
            if total != 0.0:
                for j in range(STATES):
                    out[i, j] += total * lean[j, a]
    return out


@njit(cache=True)
def angles_to(
    surface: SurfaceArrays, sight: Sight, east: float, north: float, height: float
) -> tuple[float, float, float, float]:
    """Azimuth from the heading, elevation, range and height in the site's frame of a point so far above the ground."""
    up = ground_up(surface, east, north) + height
    off_e, off_n, off_u = east - sight.origin[0], north - sight.origin[1], up - sight.origin[2]
    vertical = sight.local[2]
    rise = off_e * vertical[0] + off_n * vertical[1] + off_u * vertical[2]
    flat2 = max(off_e * off_e + off_n * off_n + off_u * off_u - rise * rise, 1e-9)
    x = off_e * sight.local[0, 0] + off_n * sight.local[0, 1] + off_u * sight.local[0, 2]
    y = off_e * sight.local[1, 0] + off_n * sight.local[1, 1] + off_u * sight.local[1, 2]
    apparent = rise + sight.refraction * flat2 / (2 * MEAN_RADIUS_M)
    across = (math.atan2(x, y) - sight.heading_rad + math.pi) % (2 * math.pi) - math.pi
    return across, math.atan2(apparent, math.sqrt(flat2)), math.sqrt(flat2 + rise * rise), up


@njit(cache=True)
def _in_view(
    surface: SurfaceArrays, sight: Sight, east: float, north: float, at: tuple[float, float, float, float]
) -> bool:
    """Whether a point at these angles is in the picture and no ground stands before it."""
    across, climb, distance, up = at
    if abs(across) > sight.half_across_rad or abs(climb - sight.tilt_rad) > sight.half_up_rad:
        return False
    if distance > sight.reach_m or math.isnan(up):
        return False
    target = np.array([east, north, up + _TARGET_M])
    ray, length = ray_towards(sight.origin, sight.local[2], target, sight.refraction)
    status, s = cast(surface, ray, 0.0, length, LEVEL)
    return status == SKY or (status == BEYOND and s >= length)


@njit(cache=True)
def _axes_of(a: float, b: float, c: float) -> tuple[float, float, float, float]:
    """The larger and smaller standard deviation of a 2x2 covariance, and the direction of the larger (x, y)."""
    middle, half = (a + c) / 2, math.sqrt(((a - c) / 2) ** 2 + b * b)
    turn = 0.5 * math.atan2(2 * b, a - c)
    return math.sqrt(max(middle + half, 0.0)), math.sqrt(max(middle - half, 0.0)), math.cos(turn), math.sin(turn)


@njit(cache=True)
def expect_angles(rows: Rows, bias_spread: Array, surface: SurfaceArrays, sight: Sight) -> Expected:
    """What a camera would report of each row: azimuth from its heading, and elevation.

    The slope is the regression over sigma points along the axes of the whole uncertainty, not a derivative: on rough
    ground it says what the elevation is worth over the stretch in question, and `noise` what it is not.
    """
    count = rows.mean.shape[0]
    value, slope, noise = np.zeros((count, 2)), np.zeros((count, 2, STATES)), np.zeros((count, 2, 2))
    seen, scale = np.zeros(count), np.zeros(count)
    points, even = np.empty((4, 2)), np.empty((2, 2))
    for r in range(count):
        m = rows.mean[r]
        whole = whole_spread(rows.spread[r], rows.lean[r], bias_spread)
        rough = math.atan2(m[0] - sight.origin[0], m[1] - sight.origin[1])
        off = (rough - sight.heading_rad + math.pi) % (2 * math.pi) - math.pi
        away = math.hypot(m[0] - sight.origin[0], m[1] - sight.origin[1])
        long, short, way_e, way_n = _axes_of(whole[0, 0], whole[0, 1], whole[1, 1])
        # Far outside the picture nothing of it can be measured: no need to look at the ground there.
        if abs(off) > sight.half_across_rad + 0.3 + 4 * long / max(away, 1.0) or away - 4 * long > sight.reach_m:
            continue
        centre = angles_to(surface, sight, m[0], m[1], m[4])
        if math.isnan(centre[1]):
            continue
        inside = 1.0 / 3 if _in_view(surface, sight, m[0], m[1], centre) else 0.0
        gap_e, gap_u = 0.0, 0.0
        for axis in range(2):
            sigma = max(long if axis == 0 else short, _LEAST_STEP_M / _AXIS_SIGMAS)
            way_x, way_y = (way_e, way_n) if axis == 0 else (-way_n, way_e)
            # Not through the camera and out behind it.
            reach = min(_AXIS_SIGMAS * sigma, 0.7 * away)
            ahead_e, ahead_n = m[0] + reach * way_x, m[1] + reach * way_y
            behind_e, behind_n = m[0] - reach * way_x, m[1] - reach * way_y
            ahead = angles_to(surface, sight, ahead_e, ahead_n, m[4])
            behind = angles_to(surface, sight, behind_e, behind_n, m[4])
            if math.isnan(ahead[1]) or math.isnan(behind[1]):
                continue
            points[2 * axis, 0], points[2 * axis, 1] = ahead[0] - centre[0], ahead[1] - centre[1]
            points[2 * axis + 1, 0], points[2 * axis + 1, 1] = behind[0] - centre[0], behind[1] - centre[1]
            for k in range(2):
                rate = (points[2 * axis, k] - points[2 * axis + 1, k]) / (2 * reach)
                slope[r, k, 0] += rate * way_x
                slope[r, k, 1] += rate * way_y
                even[axis, k] = (points[2 * axis, k] + points[2 * axis + 1, k]) / 2
            gap_e += even[axis, 0] / 3
            gap_u += even[axis, 1] / 3
            for i in range(2):
                for j in range(2):
                    noise[r, i, j] += even[axis, i] * even[axis, j] / 3
            inside += (1.0 / 6 if _in_view(surface, sight, ahead_e, ahead_n, ahead) else 0.0) + (
                1.0 / 6 if _in_view(surface, sight, behind_e, behind_n, behind) else 0.0
            )
        noise[r, 0, 0] -= gap_e * gap_e
        noise[r, 0, 1] -= gap_e * gap_u
        noise[r, 1, 0] -= gap_e * gap_u
        noise[r, 1, 1] -= gap_u * gap_u
        noise[r, 0, 0], noise[r, 1, 1] = max(noise[r, 0, 0], 0.0), max(noise[r, 1, 1], 0.0)
        bound = math.sqrt(noise[r, 0, 0] * noise[r, 1, 1])
        cross = min(max(noise[r, 0, 1], -bound), bound)
        noise[r, 0, 1], noise[r, 1, 0] = cross, cross
        slope[r, 1, 4] = math.cos(centre[1]) / max(centre[2], 1.0)
        value[r, 0], value[r, 1] = centre[0] + gap_e, centre[1] + gap_u
        seen[r] = inside
        scale[r] = max(abs(slope[r, 0, 0] * slope[r, 1, 1] - slope[r, 0, 1] * slope[r, 1, 0]), 1e-10)
    return Expected(value, slope, noise, seen, scale)


@njit(cache=True)
def expect_places(rows: Rows, west: float, south: float, east: float, north: float) -> Expected:
    """What a source that measures places on the ground would report of each row, if it covers a rectangle."""
    count = rows.mean.shape[0]
    value, slope, noise = rows.mean[:, :2].copy(), np.zeros((count, 2, STATES)), np.zeros((count, 2, 2))
    seen, scale = np.zeros(count), np.ones(count)
    for r in range(count):
        slope[r, 0, 0] = 1.0
        slope[r, 1, 1] = 1.0
        x, y = value[r]
        seen[r] = 1.0 if west <= x <= east and south <= y <= north else 0.0
    return Expected(value, slope, noise, seen, scale)


@njit(cache=True)
def leaning(rows: Rows, expected: Expected, slots: Ints) -> Array:
    """How a report of each row would move with the biases, (R, 2, B): its source's own, and those it leans on.

    `slots` (3) are the columns of the source's azimuth, elevation and clock; -1 for one it has not.
    """
    count, biases = rows.lean.shape[0], rows.lean.shape[2]
    out = np.zeros((count, 2, biases))
    if biases == 0:
        return out
    for r in range(count):
        for k in range(2):
            for i in range(STATES):
                s = expected.slope[r, k, i]
                if s != 0.0:
                    for b in range(biases):
                        out[r, k, b] += s * rows.lean[r, i, b]
            if slots[k] >= 0:
                out[r, k, slots[k]] += 1.0
            if slots[2] >= 0:
                out[r, k, slots[2]] += (
                    expected.slope[r, k, 0] * rows.mean[r, 2] + expected.slope[r, k, 1] * rows.mean[r, 3]
                )
    return out


@njit(cache=True)
def own_noise(spread: Array, slope: Array, noise: Array, r: int, out: Array) -> None:
    """Write to `out` (R, 2, 2) the covariance of what is expected of row `r`, biases known."""
    for k in range(2):
        for n in range(k + 1):
            total = noise[r, k, n]
            for i in range(STATES):
                if slope[r, k, i] != 0.0:
                    for j in range(STATES):
                        total += slope[r, k, i] * spread[r, i, j] * slope[r, n, j]
            out[r, k, n] = total
            out[r, n, k] = total


@njit(cache=True)
def bias_noise(tilt: Array, bias_spread: Array, r: int, out: Array) -> None:
    """Add to row `r` of `out` (R, 2, 2) the biases' share, for the rows' `leaning` (R, 2, B)."""
    count = bias_spread.shape[0]
    for k in range(2):
        for a in range(count):
            total = 0.0
            for b in range(count):
                total += tilt[r, k, b] * bias_spread[b, a]
            if total != 0.0:
                out[r, k, 0] += total * tilt[r, 0, a]
                out[r, k, 1] += total * tilt[r, 1, a]


@njit(cache=True)
def copy_row(rows: Rows, r: int, mean: Array, spread: Array, lean: Array, left: Array, at: int) -> None:
    """Write a row to place `at` of other arrays: number by number, for a slice of an array costs more than it holds."""
    for i in range(STATES):
        mean[at, i] = rows.mean[r, i]
        for j in range(STATES):
            spread[at, i, j] = rows.spread[r, i, j]
        for b in range(lean.shape[2]):
            lean[at, i, b] = rows.lean[r, i, b]
    for s in range(left.shape[1]):
        left[at, s, 0], left[at, s, 1] = rows.left[r, s, 0], rows.left[r, s, 1]


@njit(cache=True)
def correct(
    mean: Array, spread: Array, lean: Array, at: int, slope: Array, tilt: Array, r: int, gap: Array, cover: Array,
    total: Array, bias_spread: Array, known: bool, gain: Array, reach: Array, work: Array,
) -> None:  # fmt: skip
    """Correct place `at` of rows' means, spreads and leans, a copy of row `r`, by a report.

    `gap` (2) is report less expectation, `cover` (2, 2) its covariance with the biases known, `total` with them not.
    With `known` the gain is that of the biases known, and the biases must be corrected by the same report; else it is
    the gain that is best while the biases are left alone. `gain`, `reach` and `work` (5, 2) are room to work in.
    """
    biases = bias_spread.shape[0]
    for i in range(STATES):
        for k in range(2):
            reach[i, k] = 0.0
            for j in range(STATES):
                reach[i, k] += spread[at, i, j] * slope[r, k, j]
            work[i, k] = reach[i, k]
    one, cross, two, other = total[0, 0], total[0, 1], total[1, 1], total[1, 0]
    if known:
        one, cross, two, other = cover[0, 0], cover[0, 1], cover[1, 1], cover[1, 0]
    else:
        for i in range(STATES):
            for a in range(biases):
                share = 0.0
                for b in range(biases):
                    share += lean[at, i, b] * bias_spread[b, a]
                if share != 0.0:
                    work[i, 0] += share * tilt[r, 0, a]
                    work[i, 1] += share * tilt[r, 1, a]
    det = one * two - cross * other
    for i in range(STATES):
        gain[i, 0] = (work[i, 0] * two - work[i, 1] * other) / det
        gain[i, 1] = (work[i, 1] * one - work[i, 0] * cross) / det
    for i in range(STATES):
        mean[at, i] += gain[i, 0] * gap[0] + gain[i, 1] * gap[1]
        for b in range(biases):
            lean[at, i, b] -= gain[i, 0] * tilt[r, 0, b] + gain[i, 1] * tilt[r, 1, b]
    # P - K R' - R K' + K S K', right for any gain.
    for i in range(STATES):
        for j in range(i + 1):
            change = 0.0
            for k in range(2):
                change -= gain[i, k] * reach[j, k] + reach[i, k] * gain[j, k]
                for n in range(2):
                    change += gain[i, k] * cover[k, n] * gain[j, n]
            spread[at, i, j] += change
            if i != j:
                spread[at, j, i] = spread[at, i, j]


@njit(cache=True)
def _far_apart(mean: Array, spread: Array, one: int, other: int, lower: Array, rest: Array) -> float:
    """The squared distance of two rows' means in place and velocity, in standard deviations of the first.

    `lower` (4, 4) and `rest` (4) are room to work in.
    """
    out = 0.0
    for i in range(4):
        for j in range(i + 1):
            total = spread[one, i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            if i == j:
                lower[i, i] = math.sqrt(max(total, 1e-12))
            else:
                lower[i, j] = total / lower[j, j]
        rest[i] = mean[other, i] - mean[one, i]
        for k in range(i):
            rest[i] -= lower[i, k] * rest[k]
        rest[i] /= lower[i, i]
        out += rest[i] * rest[i]
    return out


class Room(NamedTuple):
    """Where `reduce_rows` works, made once for many rows: it would take longer to make than to use."""

    order: Ints
    owner: Ints
    heads: Ints
    mean: Array
    spread: Array
    lean: Array
    weight: Array
    left: Array
    lower: Array
    rest: Array


@njit(cache=True)
def room_for(count: int, biases: int, sources: int) -> Room:
    """Room for so many rows."""
    return Room(
        np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count, np.int64), np.empty((count, STATES)),
        np.empty((count, STATES, STATES)), np.empty((count, STATES, biases)), np.empty(count),
        np.empty((count, sources, 2)), np.empty((4, 4)), np.empty(4),
    )  # fmt: skip


@njit(cache=True)
def reduce_rows(
    mean: Array, spread: Array, lean: Array, weight: Array, left: Array, count: int, most: int, apart: float,
    room: Room,
) -> int:  # fmt: skip
    """Merge the first `count` rows of these arrays where they lie within `apart` of a heavier one; how many are left.

    Works in place, keeping mean and covariance of what is merged; the heaviest `most` stay, heaviest first.
    """
    if count == 1 and weight[0] > 0:
        weight[0] = 1.0
        return 1
    order, owner, heads = room.order, room.owner, room.heads
    _heaviest_first(weight, count, order)
    kept = 0
    for i in range(count):
        owner[i] = -1
    for at in range(count):
        i = order[at]
        if weight[i] <= _NEGLIGIBLE * weight[order[0]]:
            break
        for h in range(kept):
            if _far_apart(mean, spread, heads[h], i, room.lower, room.rest) < apart:
                owner[i] = h
                break
        if owner[i] < 0 and kept < most:
            owner[i] = kept
            heads[kept] = i
            kept += 1
    total = _merge(mean, spread, lean, weight, left, count, kept, room)
    merged = Rows(order, room.mean, room.spread, room.lean, room.weight, room.left)
    for h in range(kept):
        copy_row(merged, h, mean, spread, lean, left, h)
        weight[h] = room.weight[h] / total
    return kept


@njit(cache=True)
def _heaviest_first(weight: Array, count: int, order: Ints) -> None:
    """Write to `order` the numbers of the first `count` rows, the heaviest first, of two alike the first."""
    for i in range(count):
        at = i
        while at > 0 and weight[order[at - 1]] < weight[i]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = i


@njit(cache=True)
def _merge(
    mean: Array, spread: Array, lean: Array, weight: Array, left: Array, count: int, kept: int, room: Room
) -> float:  # fmt: skip
    """Write to `room` the rows that the first `count` are merged into by their owners; the sum of their weights."""
    for h in range(kept):
        room.weight[h] = 0.0
        for a in range(STATES):
            room.mean[h, a] = 0.0
            for b in range(STATES):
                room.spread[h, a, b] = 0.0
            for b in range(lean.shape[2]):
                room.lean[h, a, b] = 0.0
        for s in range(left.shape[1]):
            room.left[h, s, 0], room.left[h, s, 1] = left[room.heads[h], s, 0], left[room.heads[h], s, 1]
    for i in range(count):
        if room.owner[i] >= 0:
            room.weight[room.owner[i]] += weight[i]
    for i in range(count):
        h = room.owner[i]
        if h >= 0:
            share = weight[i] / room.weight[h]
            for a in range(STATES):
                room.mean[h, a] += share * mean[i, a]
                for b in range(lean.shape[2]):
                    room.lean[h, a, b] += share * lean[i, a, b]
    for i in range(count):
        h = room.owner[i]
        if h >= 0:
            share = weight[i] / room.weight[h]
            for a in range(STATES):
                for b in range(STATES):
                    room.spread[h, a, b] += share * (
                        spread[i, a, b] + (mean[i, a] - room.mean[h, a]) * (mean[i, b] - room.mean[h, b])
                    )
    total = 0.0
    for h in range(kept):
        total += room.weight[h]
    return total


@njit(cache=True)
def ranges_along(
    surface: SurfaceArrays, sight: Sight, across: float, climb: float, sigma_rad: float, height_m: float, most: int
) -> Array:
    """Where along a direction the ground may be that was seen there: (K, 4) range, its sigma, weight, m2 to a radian.

    Each stretch of ground in sight whose elevation lies within 3.5 sigma of `climb` is cut into slices, `most` or a few
    more in all. The slices say where to look; how likely each is, the report will say.
    """
    azimuth = sight.heading_rad + across
    way_e = sight.local[0, 0] * math.sin(azimuth) + sight.local[1, 0] * math.cos(azimuth)
    way_n = sight.local[0, 1] * math.sin(azimuth) + sight.local[1, 1] * math.cos(azimuth)
    flat = math.hypot(way_e, way_n)
    way_e, way_n = way_e / flat, way_n / flat
    growth = (sight.reach_m / _NEAREST_M) ** (1.0 / (_PROFILE - 1))
    highest, s = -math.inf, _NEAREST_M
    good = np.zeros(_PROFILE, np.bool_)
    at, shown = np.empty(_PROFILE), np.zeros(_PROFILE)
    best, best_gap = -1, math.inf
    for i in range(_PROFILE):
        at[i] = s
        point = angles_to(surface, sight, sight.origin[0] + s * way_e, sight.origin[1] + s * way_n, 0.0)
        if not math.isnan(point[1]):
            tolerance = math.hypot(sigma_rad, height_m / s)
            # What the data say is hidden may be in sight, by as much as they may be wrong.
            hidden = max(highest - point[1], 0.0) / tolerance
            if hidden < _HIDDEN_SIGMAS:
                shown[i] = math.exp(-hidden * hidden / 2)
                gap = abs(point[1] - climb) / tolerance
                good[i] = gap < AROUND_SIGMAS
                if gap < best_gap:
                    best, best_gap = i, gap
            highest = max(highest, point[1])
        s *= growth
    if best < 0:
        return np.empty((0, 4))
    good[best] = True
    longest = max(_SLICE, growth ** (good.sum() / most))
    out = np.empty((_PROFILE, 4))
    count, i = 0, 0
    while i < _PROFILE:
        if not good[i]:
            i += 1
            continue
        j = i
        while j + 1 < _PROFILE and good[j + 1] and at[j + 1] < longest * at[i]:
            j += 1
        near, far = at[i] / math.sqrt(growth), at[j] * math.sqrt(growth)
        out[count, 0], out[count, 1] = (near + far) / 2, max((far - near) / 2, 1.0)
        out[count, 3] = (far - near) * (near + far) / 2 * shown[i : j + 1].max()
        # What is there is taken to be seen the less the farther it is.
        out[count, 2] = out[count, 3] * math.exp(-_FADE * (near + far) / 2 / sight.reach_m)
        count += 1
        i = j + 1
    return out[:count].copy()
