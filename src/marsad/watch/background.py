"""The learnt scene of one fixed camera: register each picture to it, subtract it, keep it up to date.

The scene is kept per pixel as a mean and a variance. A picture is explained as the scene shifted by (x, y) and
passed through the camera's own gain and offset; these four are solved together, because a gain fitted to a shifted
picture, or a shift fitted to one with another gain, is wrong. Of a camera that stays where it is the shift is found on
the scene's `anchor`, and the gain and offset of the whole picture then at that shift; one that turns, jumps or is lost
is followed on the scene itself. What is left over is the difference that `detect` looks at.

Source: the joint solution is Lucas-Kanade with linear illumination (Bartoli, "Groupwise geometric and photometric
direct image registration", PAMI 2008) with a truncated quadratic loss; the mean and variance follow Stauffer and
Grimson (CVPR 1999) with one mode.
"""

import math
from collections.abc import Sequence

import cv2
import msgspec
import numba
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.frame import Counts
from marsad.kernel.record import Record
from marsad.watch.anchor import Anchor
from marsad.watch.cells import Sums, shrink
from marsad.watch.standing import Standing

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
U64 = NDArray[np.uint64]

# Entries of a registration's state.
_X, _Y, _GAIN, _OFFSET = range(4)

# Entries of the sums over voting pixels: products of the scene's slopes x and y, its level b, 1, and the residual r;
# how many pixels voted is the sum of 1, how many could have is the last.
_XX, _XY, _XB, _X1, _YY, _YB, _Y1, _BB, _B1, _VOTES, _XR, _YR, _BR, _R1, _RR, _VOTERS = range(16)
_SUMS = 16


class BackgroundSettings(Record):
    """How the scene is learnt; times in seconds, levels in standard deviations, jitter in pixels."""

    learn_s: float = 3.0
    absorb_s: float = 90.0
    fastest_rate: float = 0.06
    low_level: float = 3.2
    high_level: float = 4.6
    floor_counts: float = 1.5
    jitter_px: float = 0.2
    steady_jitter_px: float = 0.08
    follow_px: float = 1.5


class Registration(Record):
    """How one picture lies on the scene: picture(x + shift) = gain * scene(x) + offset.

    `residual` is the rms of what is left where the scene explains the picture, in counts; `inliers` is how much of the
    picture that is.
    """

    shift_x_px: float = 0.0
    shift_y_px: float = 0.0
    gain: float = 1.0
    offset: float = 0.0
    residual: float = 0.0
    inliers: float = 1.0


@numba.njit(cache=True, nogil=True, fastmath=True)
def _gradients(scene: F32, grad_x: F32, grad_y: F32) -> None:
    """Fill the scene's slopes, by central differences; the outermost pixels keep theirs."""
    rows, columns = scene.shape
    levels, slopes_x, slopes_y = scene.reshape(-1), grad_x.reshape(-1), grad_y.reshape(-1)
    half = np.float32(0.5)
    one, pitch = np.uint64(1), np.uint64(columns)
    for row in range(1, rows - 1):
        for k in range(np.uint64(row * columns + 1), np.uint64(row * columns + columns - 1)):
            slopes_x[k] = half * (levels[k + one] - levels[k - one])
            slopes_y[k] = half * (levels[k + pitch] - levels[k - pitch])


@numba.njit(inline="always")
def _overlap(state: F64, rows: int, columns: int) -> tuple[int, int, int, int, np.uint64]:
    """Whole pixels of the shift across and down, the scene's first column, its last row and how many columns it shares.

    The picture is looked at between its pixels, so that one row and column more of it is needed; the scene's outermost
    pixels have no slopes.
    """
    whole_x = math.floor(state[_X])
    whole_y = math.floor(state[_Y])
    first = max(1, -whole_x)
    last = min(columns - 1, columns - 1 - whole_x)
    return whole_x, whole_y, first, min(rows - 1, rows - 1 - whole_y), np.uint64(max(last - first, 0))


@numba.njit(inline="always")
def _quarters(state: F64) -> tuple[np.float32, np.float32, np.float32, np.float32]:
    """Weights of the four pixels about a place between pixels."""
    one = np.float32(1.0)
    x = np.float32(state[_X] - math.floor(state[_X]))
    y = np.float32(state[_Y] - math.floor(state[_Y]))
    return (one - x) * (one - y), x * (one - y), (one - x) * y, x * y


@numba.njit(inline="always", fastmath=True)
def _votes(
    picture: F32,
    scene: F32,
    grad_x: F32,
    grad_y: F32,
    use: F32,
    state: F64,
    limit: float,
    weight: F32,
    left: F32,
    total: F64,
) -> None:
    """Sums for one Gauss-Newton step into `total`; pixels with a residual above `limit` do not vote.

    The sums run in 32 bits along a row, where the compiler can do eight pixels at a time, and in 64 bits over rows. A
    row is gone through twice, with its votes kept in `weight` and its residuals in `left`: a processor has not the
    registers for all sums at once. Arrays are in one dimension since cutting out rows counts references.
    Written into its caller, since a kernel that comes from the cache is otherwise linked, and so rounds, another way
    than one just compiled: the first run would differ from the next.
    """
    rows, columns = scene.shape
    whole_x, whole_y, first, end, width = _overlap(state, rows, columns)
    w00, w01, w10, w11 = _quarters(state)
    pixels, levels, used = picture.reshape(-1), scene.reshape(-1), use.reshape(-1)
    slopes_x, slopes_y = grad_x.reshape(-1), grad_y.reshape(-1)
    zero = np.float32(0.0)
    gain = np.float32(state[_GAIN])
    offset = np.float32(state[_OFFSET])
    lim = np.float32(limit)
    one, pitch = np.uint64(1), np.uint64(columns)
    total[:] = 0.0
    for row in range(max(1, -whole_y), end):
        at = np.uint64(row * columns + first)
        top = np.uint64((row + whole_y) * columns + first + whole_x)
        bottom = top + pitch
        s7 = s8 = s9 = s12 = s13 = s14 = s15 = zero
        for k in range(width):
            value = w00 * pixels[top + k] + w01 * pixels[top + k + one]
            value += w10 * pixels[bottom + k] + w11 * pixels[bottom + k + one]
            b = levels[at + k]
            r = value - (gain * b + offset)
            u = used[at + k]
            w = u if abs(r) <= lim else zero
            wb = w * b
            wr = w * r
            weight[k] = w
            left[k] = wr
            s7 += wb * b
            s8 += wb
            s9 += w
            s12 += wr * b
            s13 += wr
            s14 += wr * r
            s15 += u
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s10 = s11 = zero
        for k in range(width):
            w = weight[k]
            wr = left[k]
            b = levels[at + k]
            gx = slopes_x[at + k]
            gy = slopes_y[at + k]
            wgx = w * gx
            wgy = w * gy
            s0 += wgx * gx
            s1 += wgx * gy
            s2 += wgx * b
            s3 += wgx
            s4 += wgy * gy
            s5 += wgy * b
            s6 += wgy
            s10 += wr * gx
            s11 += wr * gy
        total[_XX] += s0
        total[_XY] += s1
        total[_XB] += s2
        total[_X1] += s3
        total[_YY] += s4
        total[_YB] += s5
        total[_Y1] += s6
        total[_BB] += s7
        total[_B1] += s8
        total[_VOTES] += s9
        total[_XR] += s10
        total[_YR] += s11
        total[_BR] += s12
        total[_R1] += s13
        total[_RR] += s14
        total[_VOTERS] += s15


@numba.njit(cache=True, nogil=True, fastmath=True)
def _relight(
    picture: F32, scene: F32, use: F32, smoothed: float, state: F64, noise: float, iterations: int, limit: float
) -> tuple[float, float]:
    """What `_register` does at a shift that is known: only the gain and the offset of `state` are refined.

    A picture read between its cells is a little softer than it was, and a scene of smoothed pictures is, which a gain
    would make up for: the scene is first made as soft as the picture. Two cells weighed 1 - a and a take as much from a
    wave across them, to the second order, as three weighed c, 1 - 2 c and c, with c = a (1 - a) / 2.
    """
    rows, columns = scene.shape
    whole_x, whole_y, first, end, width = _overlap(state, rows, columns)
    part_x, part_y = state[_X] - whole_x, state[_Y] - whole_y
    soft_x = np.float32(0.5 * part_x * (1.0 - part_x) - smoothed)
    soft_y = np.float32(0.5 * part_y * (1.0 - part_y) - smoothed)
    kept = np.float32(1.0) - np.float32(2.0) * (soft_x + soft_y)
    w00, w01, w10, w11 = _quarters(state)
    pixels, levels, used = picture.reshape(-1), scene.reshape(-1), use.reshape(-1)
    zero = np.float32(0.0)
    lim = np.float32(limit)
    one, pitch = np.uint64(1), np.uint64(columns)
    residual = limit
    inliers = 0.0
    noise2 = max(noise * noise, 0.05)
    for _ in range(iterations):
        gain = np.float32(state[_GAIN])
        offset = np.float32(state[_OFFSET])
        bb = b1 = votes = br = r1 = rr = voters = 0.0
        for row in range(max(1, -whole_y), end):
            at = np.uint64(row * columns + first)
            top = np.uint64((row + whole_y) * columns + first + whole_x)
            bottom = top + pitch
            s0 = s1 = s2 = s3 = s4 = s5 = s6 = zero
            for k in range(width):
                value = w00 * pixels[top + k] + w01 * pixels[top + k + one]
                value += w10 * pixels[bottom + k] + w11 * pixels[bottom + k + one]
                here = at + k
                b = kept * levels[here] + soft_x * (levels[here - one] + levels[here + one])
                b += soft_y * (levels[here - pitch] + levels[here + pitch])
                r = value - (gain * b + offset)
                u = used[here]
                w = u if abs(r) <= lim else zero
                wb = w * b
                wr = w * r
                s0 += wb * b
                s1 += wb
                s2 += w
                s3 += wr * b
                s4 += wr
                s5 += wr * r
                s6 += u
            bb += float(s0)
            b1 += float(s1)
            votes += float(s2)
            br += float(s3)
            r1 += float(s4)
            rr += float(s5)
            voters += float(s6)
        if votes < 32.0:
            return limit, 0.0
        residual = math.sqrt(rr / votes)
        inliers = votes / max(voters, 1.0)
        level = noise2 * (10.0 + 0.08 * votes)
        right = br - level * (state[_GAIN] - 1.0)
        spread = (bb + level) * votes - b1 * b1
        if spread <= 0.0:
            return residual, inliers
        more = (right * votes - b1 * r1) / spread
        state[_GAIN] = min(max(state[_GAIN] + more, 0.2), 5.0)
        state[_OFFSET] += (r1 - b1 * more) / votes
        if abs(more) < 0.002:
            break
    return residual, inliers


@numba.njit(cache=True, nogil=True)
def _solve(matrix: F64, right: F64) -> bool:
    """Solve a small system in place by Gaussian elimination with pivoting; return whether it has one solution."""
    size = right.shape[0]
    for pivot in range(size):
        best = pivot
        for row in range(pivot + 1, size):
            if abs(matrix[row, pivot]) > abs(matrix[best, pivot]):
                best = row
        if abs(matrix[best, pivot]) < 1e-12:
            return False
        if best != pivot:
            for column in range(size):
                matrix[pivot, column], matrix[best, column] = matrix[best, column], matrix[pivot, column]
            right[pivot], right[best] = right[best], right[pivot]
        for row in range(pivot + 1, size):
            ratio = matrix[row, pivot] / matrix[pivot, pivot]
            for column in range(pivot, size):
                matrix[row, column] -= ratio * matrix[pivot, column]
            right[row] -= ratio * right[pivot]
    for pivot in range(size - 1, -1, -1):
        for column in range(pivot + 1, size):
            right[pivot] -= matrix[pivot, column] * right[column]
        right[pivot] /= matrix[pivot, pivot]
    return True


@numba.njit(cache=True, nogil=True, fastmath=True)
def _register(
    picture: F32,
    scene: F32,
    grad_x: F32,
    grad_y: F32,
    use: F32,
    state: F64,
    prior: F64,
    noise: float,
    iterations: int,
    limit: float,
) -> tuple[float, float]:
    """Refine `state` in place; return (residual, inliers).

    The shift is held towards `prior` and the gain towards 1 with as much weight as noise alone would have: a
    featureless sky then leaves them where they were instead of making them up.
    """
    total = np.zeros(_SUMS)
    weight = np.empty(scene.shape[1], np.float32)
    left = np.empty(scene.shape[1], np.float32)
    matrix = np.zeros((4, 4))
    right = np.zeros(4)
    residual = limit
    inliers = 0.0
    noise2 = max(noise * noise, 0.05)
    for _ in range(iterations):
        _votes(picture, scene, grad_x, grad_y, use, state, limit, weight, left, total)
        count = total[_VOTES]
        if count < 32.0:
            return limit, 0.0
        residual = math.sqrt(total[_RR] / count)
        inliers = count / max(total[_VOTERS], 1.0)
        g = state[_GAIN]
        # What noise alone would add to these sums tells nothing: it is held against them.
        held = noise2 * (4.0 + 0.2 * count)
        level = noise2 * (10.0 + 0.08 * count)
        # The picture's slope is the scene's slope times the gain; a shift of the sampling point adds it.
        matrix[0, 0] = g * g * total[_XX] + held
        matrix[0, 1] = matrix[1, 0] = g * g * total[_XY]
        matrix[0, 2] = matrix[2, 0] = -g * total[_XB]
        matrix[0, 3] = matrix[3, 0] = -g * total[_X1]
        matrix[1, 1] = g * g * total[_YY] + held
        matrix[1, 2] = matrix[2, 1] = -g * total[_YB]
        matrix[1, 3] = matrix[3, 1] = -g * total[_Y1]
        matrix[2, 2] = total[_BB] + level
        matrix[2, 3] = matrix[3, 2] = total[_B1]
        matrix[3, 3] = count
        right[0] = -g * total[_XR] - held * (state[_X] - prior[0])
        right[1] = -g * total[_YR] - held * (state[_Y] - prior[1])
        right[2] = total[_BR] - level * (g - 1.0)
        right[3] = total[_R1]
        if not _solve(matrix, right):
            return residual, inliers
        for k in range(2):
            state[k] += min(max(right[k], -1.5), 1.5)
        state[_GAIN] = min(max(state[_GAIN] + right[2], 0.2), 5.0)
        state[_OFFSET] += right[3]
        if abs(right[0]) + abs(right[1]) < 0.01 and abs(right[2]) < 0.002:
            break
    return residual, inliers


@numba.njit(inline="always", fastmath=True)
def _subtract_row(
    column_sum: F32,
    taps: tuple[np.float32, np.float32, np.float32, np.float32],
    mean: F32,
    spread: F32,
    levels: tuple[np.float32, np.float32],
    diff: F32,
    mask: U8,
    at: np.uint64,
    mask_at: np.uint64,
    width: np.uint64,
) -> None:
    """Difference and mask (1 low, 2 high) of one row of a picture whose gain has not changed.

    The row's first pixel is entry `at` of `mean`, `spread` and `diff`, which are in one dimension, and `mask_at` of
    `mask`. Written into its caller, as `_learn_row` is: cutting a row out of an array and handing it on counts
    references to it, which takes a sixth as long as the row itself.
    """
    x0, x1, x2, x3 = taps
    low, high = levels
    for k in range(width):
        one, two, three = k + np.uint64(1), k + np.uint64(2), k + np.uint64(3)
        here = x0 * column_sum[k] + x1 * column_sum[one] + x2 * column_sum[two] + x3 * column_sum[three]
        d = here - mean[at + k]
        diff[at + k] = d
        d2 = d * d
        mask[mask_at + k] = np.uint8(d2 > low * spread[at + k]) + np.uint8(d2 > high * spread[at + k])


@numba.njit(inline="always", fastmath=True)
def _learn_row(
    column_sum: F32,
    taps: tuple[np.float32, np.float32, np.float32, np.float32],
    mean: F32,
    spread: F32,
    levels: tuple[np.float32, np.float32],
    diff: F32,
    mask: U8,
    at: np.uint64,
    mask_at: np.uint64,
    width: np.uint64,
    slack: F32,
    hold: U8,
    gain: np.float32,
    offset: np.float32,
    rate: float,
    slow_rate: float,
) -> None:
    """What `_subtract_row` does, with a gain and an offset, and what the row teaches.

    What fits the scene teaches fast, what does not slowly, and what is held not at all.
    """
    x0, x1, x2, x3 = taps
    low, high = levels
    pace = np.float32(rate)
    slow = np.float32(slow_rate)
    quick = np.float32(0.7 * rate)
    slow_quick = np.float32(0.7 * slow_rate)
    for k in range(width):
        one, two, three = k + np.uint64(1), k + np.uint64(2), k + np.uint64(3)
        here = x0 * column_sum[k] + x1 * column_sum[one] + x2 * column_sum[two] + x3 * column_sum[three]
        expected = gain * mean[at + k] + offset
        d = here - expected
        d2 = d * d
        granted = spread[at + k]
        limit = low * granted
        near = d2 <= limit
        free = np.float32(1 - hold[at + k])
        step = pace if near else slow * free
        mean[at + k] = expected + step * d
        capped = min(d2, np.float32(4.0) * limit)
        spread[at + k] = granted + (quick if near else slow_quick * free) * (capped + slack[at + k] - granted)
        diff[at + k] = d
        mask[mask_at + k] = np.uint8(d2 > limit) + np.uint8(d2 * low > high * limit)


@numba.njit(cache=True, nogil=True, fastmath=True)
def _taps(part: np.float32, out: F32) -> None:
    """Weights of four neighbours that shift by `part` of a pixel (linear) and smooth (1 2 1) at once."""
    quarter = np.float32(0.25)
    half = np.float32(0.5)
    rest = np.float32(1.0) - part
    out[0] = quarter * rest
    out[1] = half * rest + quarter * part
    out[2] = quarter * rest + half * part
    out[3] = quarter * part


@numba.njit(cache=True, nogil=True, fastmath=True)
def _subtract(
    picture: Counts,
    shift_x: float,
    shift_y: float,
    gain_now: float,
    offset_now: float,
    mean: F32,
    spread: F32,
    slack: F32,
    hold: U8,
    rate: float,
    slow_rate: float,
    low: float,
    high: float,
    turn: int,
    turns: int,
    diff: F32,
    mask: U8,
    sums: Sums,
    column_sum: F32,
) -> None:
    """Warp and smooth the picture onto the scene, difference it, and learn.

    Every `turns`-th row learns in turn (at so many times the rate), since learning is bound by memory: `turn` is the
    picture's number, and a change of gain makes all rows learn. The smoothing is the matched filter for the smallest
    target of interest (2 x 5 pixels) and cuts white noise to 0.375. Rows and columns that have no picture stay as they
    are.

    Columns are summed in the type of `sums` (W,), with weights of the same type: of 8-bit pictures in whole 256ths,
    which 16 bits just hold, and which place a picture to a 64th of a pixel.
    """
    rows, columns = mean.shape
    whole_x = math.floor(shift_x)
    whole_y = math.floor(shift_y)
    tap_x = np.empty(4, np.float32)
    tap_y = np.empty(4, np.float32)
    _taps(np.float32(shift_x - whole_x), tap_x)
    number = sums.dtype.type
    one = np.float32(256.0) if number(0.5) == 0 else np.float32(1.0)
    steps = np.float32(64.0)
    part = np.float32(shift_y - whole_y)
    _taps(np.float32(math.floor(part * steps + np.float32(0.5)) / steps) if one > 1 else part, tap_y)
    tap_x /= one
    gain = np.float32(gain_now)
    offset = np.float32(offset_now)
    first_row = max(0, 1 - whole_y)
    last_row = min(rows, rows - 2 - whole_y)
    first = max(0, 1 - whole_x)
    last = min(columns, columns - 2 - whole_x)
    taps = tap_x[0], tap_x[1], tap_x[2], tap_x[3]
    limits = np.float32(low), np.float32(high)
    y0 = number(one * tap_y[0])
    y1 = number(one * tap_y[1])
    y2 = number(one * tap_y[2])
    y3 = number(one * tap_y[3])
    start = first + whole_x - 1
    steady = gain == 1.0 and offset == 0.0
    width = np.uint64(last - first)
    # In one dimension, and without signs, since an index that may count from the end cannot be worked on in bulk.
    pixels = picture.reshape(-1)
    means = mean.reshape(-1)
    spreads = spread.reshape(-1)
    slacks = slack.reshape(-1)
    holds = hold.reshape(-1)
    diffs = diff.reshape(-1)
    masks = mask.reshape(-1)
    pitch = np.uint64(picture.shape[1])
    for row in range(rows):
        if row < first_row or row >= last_row:
            mask[row, :] = 0
            for k in range(columns):
                mean[row, k] = gain * mean[row, k] + offset
            continue
        for k in range(first):
            mask[row, k] = 0
            mean[row, k] = gain * mean[row, k] + offset
        for k in range(last, columns):
            mask[row, k] = 0
            mean[row, k] = gain * mean[row, k] + offset
        r0 = np.uint64((row + whole_y - 1) * picture.shape[1] + start)
        r1 = r0 + pitch
        r2 = r1 + pitch
        r3 = r2 + pitch
        for k in range(width + np.uint64(3)):
            upper = y0 * number(pixels[r0 + k]) + y1 * number(pixels[r1 + k])
            sums[k] = upper + y2 * number(pixels[r2 + k]) + y3 * number(pixels[r3 + k])
        for k in range(width + np.uint64(3)):
            column_sum[k] = np.float32(sums[k])
        at = np.uint64(row * columns + first)
        mask_at = np.uint64(row * mask.shape[1] + first)
        if steady and (row + turn) % turns:
            _subtract_row(column_sum, taps, means, spreads, limits, diffs, masks, at, mask_at, width)
        else:
            _learn_row(
                column_sum,
                taps,
                means,
                spreads,
                limits,
                diffs,
                masks,
                at,
                mask_at,
                width,
                slacks,
                holds,
                gain,
                offset,
                rate,
                slow_rate,
            )


@numba.njit(cache=True, nogil=True, fastmath=True)
def _fill_slack(mean: F32, floor2: np.float32, jitter2: np.float32, slack: F32, spread: F32) -> None:
    """Variance that is not noise (quantisation, and edges that jitter); `spread` follows what changes of it."""
    rows, columns = mean.shape
    share = np.float32(0.25) * jitter2
    for row in range(rows):
        here = mean[row]
        above = mean[max(row - 1, 0)]
        below = mean[min(row + 1, rows - 1)]
        out = slack[row]
        total = spread[row]
        for k in range(1, columns - 1):
            gx = here[k + 1] - here[k - 1]
            gy = below[k] - above[k]
            new = floor2 + share * (gx * gx + gy * gy)
            total[k] += new - out[k]
            out[k] = new
        for edge, beside in ((0, 1), (columns - 1, columns - 2)):
            total[edge] += out[beside] - out[edge]
            out[edge] = out[beside]


STEPS = 12
"""A search for a shift that has not settled by then is over; the usual one takes two or three steps."""

ANCHOR_NOISE = 0.25
"""The noise of a mean over many pictures, of that of one."""

LEAST_SHARP = 0.7
"""Where less than this of the anchor's contrast is found, the picture has jumped farther than sharp features reach."""

CROWD = 10
"""So many things that stand out of a first picture are bushes and rocks."""

STEADY_S = 4.0
STEADY_PX = 0.15
"""A camera that has moved less than this a picture for so long grants its edges less room."""

SMOOTHING = 0.375
"""What the (1 2 1) x (1 2 1) / 16 smoothing leaves of white noise."""

SMOOTHED_PX2 = 0.25
"""The weight of each neighbour in that smoothing, along a row or a column."""


def _smooth(counts: Counts) -> F32:
    taps = np.array([0.25, 0.5, 0.25])
    return cv2.sepFilter2D(counts, cv2.CV_32F, taps, taps).astype(np.float32, copy=False)


def picture_noise(counts: Counts) -> float:
    """The noise of one picture in counts, from the median of its second differences along diagonals.

    Source: Immerkaer, "Fast noise variance estimation" (CVIU 1996), with the median in place of the mean.
    """
    sample = counts.astype(np.float32, copy=False)
    second = (
        sample[:-2, :-2]
        - 2 * sample[:-2, 1:-1]
        + sample[:-2, 2:]
        - 2 * (sample[1:-1, :-2] - 2 * sample[1:-1, 1:-1] + sample[1:-1, 2:])
        + sample[2:, :-2]
        - 2 * sample[2:, 1:-1]
        + sample[2:, 2:]
    )
    return float(np.median(np.abs(second))) / (6.0 * 0.6745)


class Difference:
    """What one picture shows that the scene does not.

    `counts` (H, W) float32 is picture minus scene, in the scene's pixels; `level` (H, W padded to 8s) uint8 is 0
    where that is noise, 1 above the low and 2 above the high level; `words` is the same memory, eight pixels at a
    time. All are reused by the next picture. `spread` is the variance of the noise with what is granted on top of it,
    in counts squared. A scene pixel (x, y) is the picture's (x, y) + `registration` shift, and has the lasting scene
    coordinates (x, y) + `origin`. The scene explains the picture where it is `trusted`; `state` is "learning",
    "watching", "lost" or "relearned". While many things that stood there from the start are lifted out of the scene,
    it is `crowded` with what differs but stands.
    """

    __slots__ = (
        "counts",
        "crowded",
        "level",
        "origin",
        "picture",
        "registration",
        "spread",
        "state",
        "trusted",
        "words",
    )

    def __init__(self, rows: int, columns: int) -> None:
        self.crowded = False
        self.counts: F32 = np.zeros((rows, columns), np.float32)
        # Rows are padded to whole 8-byte words, so that the scan for foreground can skip eight pixels at a time.
        self.level: U8 = np.zeros((rows, (columns + 7) // 8 * 8), np.uint8)
        self.words: U64 = self.level.view("<u8")
        self.spread: F32 = self.counts
        self.registration = Registration()
        self.origin = (0, 0)
        self.trusted = False
        self.state = "learning"
        self.picture: Counts = np.zeros((rows, columns), np.uint8)


class Background:
    """Learns one camera's scene and says how each picture differs from it."""

    def __init__(self, settings: BackgroundSettings | None = None) -> None:
        self.settings = settings or BackgroundSettings()
        self.noise = 0.0
        self.learnt_frames = 0
        self.relearned = 0
        self._use_full: U8 | None = None
        self._lost_frames = 0
        self._residual = 0.0
        self._velocity = (0.0, 0.0)
        self._shake_px = 0.0
        self._small_level = 0.0
        self._watched_s = 0.0
        self.standing = Standing()
        self._allocate(0, 0)

    def _allocate(self, rows: int, columns: int) -> None:
        self.mean = np.zeros((rows, columns), np.float32)
        self.spread = np.zeros((rows, columns), np.float32)
        self.slack = np.zeros((rows, columns), np.float32)
        self.hold = np.zeros((rows, columns), np.uint8)
        self.difference = Difference(rows, columns)
        self.difference.spread = self.spread
        self._column_sum = np.zeros(columns + 4, np.float32)
        # Scratch for sums down the columns: narrow for 8-bit pictures, wide for all others.
        self._narrow = np.zeros((columns + 7) // 4 * 4, np.uint16)
        self._wide = np.zeros(columns + 4, np.float32)
        self.factor = max(1, round(columns / 160))
        small = (rows // self.factor, columns // self.factor)
        self._small_scene = np.zeros(small, np.float32)
        self._small_picture = np.zeros(small, np.float32)
        self._grad_x = np.zeros(small, np.float32)
        self._grad_y = np.zeros(small, np.float32)
        self._sloped = True
        self._small_use = np.ones(small, np.float32)
        self._held: list[tuple[int, int, int, int]] = []
        self._anchor = Anchor(rows, columns, self.factor)
        self._sharp_residual = 0.0
        self._sharp_gain = 1.0
        self._refresh_use()
        self._state = np.zeros(4)
        self.origin = np.zeros(2, np.int64)

    def exclude(self, use: U8) -> None:
        """Look only where `use` (H, W) in the picture's pixels is not 0; pictures of another size have it stretched."""
        self._use_full = np.ascontiguousarray(use, np.uint8)
        self._refresh_use()

    def hold_boxes(self, boxes: list[tuple[int, int, int, int]]) -> None:
        """Keep what differs in these boxes (x0, y0, x1, y1), scene pixels, from being learnt until the next call."""
        for x0, y0, x1, y1 in self._held:
            self.hold[y0:y1, x0:x1] = 0
        self._held = [_within(*box) for box in boxes]
        for x0, y0, x1, y1 in self._held:
            self.hold[y0:y1, x0:x1] = 1

    def seed(self, counts: Counts) -> None:
        """Take one picture for the scene and forget what was learnt before."""
        rows, columns = counts.shape
        first = self.mean.shape != counts.shape
        self.noise = max(picture_noise(counts), 0.3)
        if first:
            self._allocate(rows, columns)
        self.mean[:] = _smooth(counts)
        self.spread[:] = (SMOOTHING * 1.3 * self.noise) ** 2
        self.slack[:] = 0
        self.hold[:] = 0
        if first:
            self.standing.lift(self.mean, self.noise)
        else:
            self.standing.forget()
        self.learnt_frames = 1
        self._state[:] = (0, 0, 1, 0)
        self._residual = 3 * self.noise
        self._velocity = (0.0, 0.0)
        self._refresh_small()
        self._refresh_slack()
        self._anchor.forget(self.mean, self.origin)
        self._sharp_residual = self._residual
        self._sharp_gain = 1.0

    def _refresh_use(self) -> None:
        rows, columns = self.mean.shape
        if self._use_full is None or not self.mean.size:
            return
        if self._use_full.shape != (rows, columns):
            stretched = cv2.resize(self._use_full, (columns, rows), interpolation=cv2.INTER_NEAREST)
            self._use_full = stretched.astype(np.uint8, copy=False)
        shrink(self._use_full, self.factor, self._small_use, self._narrow)
        self._small_use[self._small_use < 1] = 0
        self._anchor.mask(self._small_use)

    def _refresh_small(self) -> None:
        shrink(self.mean, self.factor, self._small_scene, self._wide)
        self._sloped = False
        self._small_level = float(self._small_scene.mean()) if self._small_scene.size else 0.0

    def _slope(self) -> None:
        """Work the small scene's slopes out where it has changed: a picture laid on the anchor needs none."""
        if not self._sloped:
            _gradients(self._small_scene, self._grad_x, self._grad_y)
            self._sloped = True

    def _refresh_slack(self) -> None:
        s = self.settings
        # Until a few pictures have shown how the camera shakes, edges are given more room.
        young = 1.0 + 2.0 / self.learnt_frames
        steady = min(self._watched_s / STEADY_S, 1.0) * max(1.0 - self._shake_px / STEADY_PX, 0.0)
        jitter = young * (s.jitter_px + steady * (s.steady_jitter_px - s.jitter_px))
        floor = max(s.floor_counts, 0.5 * SMOOTHING * self.noise)
        _fill_slack(self.mean, np.float32(floor**2), np.float32(jitter**2), self.slack, self.spread)

    def _align(self, counts: Counts) -> Registration:
        shrink(counts, self.factor, self._small_picture, self._sums_of(counts))
        noise = self.noise / self.factor + 0.2
        limit = max(3.0 * self._residual, 5.0 * noise, 3.0)
        x, y, gain, offset = self._state.tolist()
        # Leaning back a little: a sky without features would else walk off at random.
        prior = 0.9 * x, 0.9 * y
        start = x + self._velocity[0], y + self._velocity[1], gain, offset
        placed = self._anchored(start, prior, noise)
        if placed is None:
            best, residual, inliers = self._refine(start, prior, noise, limit)
        else:
            best = placed
            residual, inliers = self._relit(best, noise, limit)
        lost = inliers < 0.7
        if lost:
            for candidate in self._candidates():
                state, other_residual, other_inliers = self._refine(candidate, candidate[:2], noise, limit * 2)
                again, other_residual, other_inliers = self._refine(state, state[:2], noise, limit)
                if other_inliers > inliers + 0.02:
                    best, residual, inliers = again, other_residual, other_inliers
        if placed is None or lost:
            residual, inliers = self._relit(best, noise, limit)
        now_x, now_y, gain, offset = best.tolist()
        step_x, step_y = now_x - x, now_y - y
        # A jump is no speed: after one the next search starts where this one ended.
        self._velocity = (0.0, 0.0) if lost else (step_x, step_y)
        moved = min(math.hypot(step_x, step_y) * self.factor, 1.0)
        self._shake_px += 0.05 * (moved - self._shake_px)
        self._state = best
        if inliers > 0.7:
            self._residual += 0.1 * (residual - self._residual)
        return Registration(
            shift_x_px=now_x * self.factor,
            shift_y_px=now_y * self.factor,
            gain=gain,
            offset=offset,
            residual=residual,
            inliers=inliers,
        )

    def _anchored(self, start: Sequence[float], prior: Sequence[float], noise: float) -> F64 | None:
        """`start` at the shift that lays the picture's sharp features on the anchor; `None` where it holds nothing."""
        anchor = self._anchor
        if not anchor.holds:
            return None
        lead_x, lead_y = anchor.lead
        held = np.array((prior[_X] + lead_x, prior[_Y] + lead_y))
        sharp = np.array((start[_X] + lead_x, start[_Y] + lead_y, self._sharp_gain, 0.0))
        picture = anchor.sharpen(self._small_picture)
        limit = max(3.0 * self._sharp_residual, 5.0 * noise, 3.0)
        noise *= ANCHOR_NOISE
        residual, inliers = self._laid(picture, sharp, held, noise, limit)
        x, y, gain, _ = sharp.tolist()
        if max(abs(x - held[_X]), abs(y - held[_Y])) > 1.0:
            # Only features bring it so far: the camera has jumped, and is not to be drawn back.
            residual, inliers = self._laid(picture, sharp, sharp[:2].copy(), noise, limit)
            x, y, gain, _ = sharp.tolist()
        if inliers < 0.7 or gain < LEAST_SHARP:
            self._sharp_gain = 1.0
            return None
        self._sharp_residual += 0.1 * (residual - self._sharp_residual)
        self._sharp_gain = gain
        return np.array((x - lead_x, y - lead_y, start[_GAIN], start[_OFFSET]))

    def _laid(self, picture: F32, state: F64, prior: F64, noise: float, limit: float) -> tuple[float, float]:
        """Refine `state` in place on the anchor; the residual and the share of cells that agree."""
        anchor = self._anchor
        return _register(
            picture,
            anchor.template,
            anchor.grad_x,
            anchor.grad_y,
            anchor.use,
            state,
            prior,
            noise,
            STEPS,
            limit,
        )

    def _refine(
        self, start: Sequence[float] | F64, prior: Sequence[float] | F64, noise: float, limit: float
    ) -> tuple[F64, float, float]:
        self._slope()
        state = np.array(start)
        residual, inliers = _register(
            self._small_picture,
            self._small_scene,
            self._grad_x,
            self._grad_y,
            self._small_use,
            state,
            np.array(prior),
            noise,
            STEPS,
            limit,
        )
        return state, residual, inliers

    def _relit(self, state: F64, noise: float, limit: float) -> tuple[float, float]:
        """Refine the gain and offset of `state` in place; the residual and the share of cells that agree."""
        smoothed = SMOOTHED_PX2 / self.factor**2
        return _relight(self._small_picture, self._small_scene, self._small_use, smoothed, state, noise, STEPS, limit)

    def _candidates(self) -> list[F64]:
        """Other places to start from: the same shift with a new gain and offset, and the phase correlation's peak."""
        scene, picture, use = self._small_scene, self._small_picture, self._small_use > 0
        gain = float(np.clip(np.std(picture[use]) / max(float(np.std(scene[use])), 1e-3), 0.2, 5.0))
        offset = float(np.median(picture[use])) - gain * float(np.median(scene[use]))
        window = cv2.createHanningWindow(scene.shape[::-1], cv2.CV_32F) * self._small_use
        (x, y), response = cv2.phaseCorrelate(scene * 1.0, picture * 1.0, window)
        starts = [np.array([self._state[_X], self._state[_Y], gain, offset])]
        if response > 0.02:
            starts.append(np.array([x, y, 1.0, float(np.median(picture[use]) - np.median(scene[use]))]))
            starts.append(np.array([x, y, gain, offset]))
        return starts

    def update(self, counts: Counts, step_s: float) -> Difference:
        """The difference of one picture from the scene; `step_s` is the time since the one before."""
        # The kernels are compiled for whole rows in one piece; a decoder's padded plane is copied once, cheaply.
        counts = counts if counts.flags.c_contiguous else counts.copy()
        if counts.shape != self.mean.shape:
            self.seed(counts)
            out = self.difference
            out.counts[:] = 0
            out.level[:] = 0
            out.registration, out.trusted, out.state, out.picture = Registration(), False, "learning", counts
            out.origin = (int(self.origin[0]), int(self.origin[1]))
            return out
        if self.learnt_frames % 4 == 0:
            self._refresh_small()
        self._anchor.learn(self.mean, step_s)
        found = self._align(counts)
        out = self.difference
        out.picture = counts
        if found.inliers < 0.5:
            return self._lost(counts, found)
        self._lost_frames = 0
        self._watched_s += step_s
        found = self._follow(found)
        self.learnt_frames += 1
        if self.learnt_frames % 8 == 0 or self.learnt_frames < 8:
            self._refresh_slack()
        self._difference(counts, step_s)
        out.registration = found
        out.origin = (int(self.origin[0]), int(self.origin[1]))
        out.crowded = len(self.standing.lifted) >= CROWD
        self.standing.update(self.mean, out.counts, out.origin, step_s)
        out.trusted = True
        out.state = "watching"
        return out

    def _lost(self, counts: Counts, found: Registration) -> Difference:
        """The scene does not explain the picture: say so, and after a few of these learn it anew."""
        out = self.difference
        out.level[:] = 0
        out.registration = found
        out.trusted = False
        out.state = "lost"
        self._lost_frames += 1
        self._state[:] = (0, 0, 1, 0)
        self._velocity = (0.0, 0.0)
        if self._lost_frames >= 2:
            self.seed(counts)
            self.relearned += 1
            out.state = "relearned"
            self._lost_frames = 0
        return out

    def _follow(self, found: Registration) -> Registration:
        """How the picture lies on the scene, which is moved by whole pixels under a drifting camera.

        Blending sub-pixel moves in would blur it away.
        """
        f, s = self.factor, self.settings
        if abs(found.shift_x_px) < s.follow_px and abs(found.shift_y_px) < s.follow_px:
            return found
        move = np.array([round(found.shift_x_px), round(found.shift_y_px)])
        if not move.any():
            return found
        dx, dy = int(move[0]), int(move[1])
        _move(self.mean, dx, dy)
        _move(self.spread, dx, dy)
        _move(self.slack, dx, dy)
        _move(self.hold, dx, dy)
        self._held = [_within(x0 + dx, y0 + dy, x1 + dx, y1 + dy) for x0, y0, x1, y1 in self._held]
        self.origin -= move
        self._state[_X] -= dx / f
        self._state[_Y] -= dy / f
        self._seed_margin(dx, dy, found)
        self._refresh_small()
        self._anchor.move(self.mean, self.origin)
        self._refresh_slack()
        x, y, *_ = self._state.tolist()
        return msgspec.structs.replace(found, shift_x_px=x * f, shift_y_px=y * f)

    def _seed_margin(self, dx: int, dy: int, found: Registration) -> None:
        """Take what a move uncovers from the picture, with room for what one picture cannot tell."""
        rows, columns = self.mean.shape
        picture = self.difference.picture
        scene = (_smooth(picture) - np.float32(found.offset)) / np.float32(found.gain)
        variance = (SMOOTHING * 2.0 * self.noise) ** 2
        spans = []
        if dx < 0:
            spans.append((slice(None), slice(max(columns + dx, 0), columns)))
        if dx > 0:
            spans.append((slice(None), slice(0, min(dx, columns))))
        if dy < 0:
            spans.append((slice(max(rows + dy, 0), rows), slice(None)))
        if dy > 0:
            spans.append((slice(0, min(dy, rows)), slice(None)))
        for span in spans:
            self.mean[span] = scene[span]
            self.spread[span] = variance
            self.slack[span] = 0
            self.hold[span] = 0

    def _difference(self, counts: Counts, step_s: float) -> None:
        s = self.settings
        x, y, gain, offset = self._state.tolist()
        x, y = x * self.factor, y * self.factor
        x, y = 0.0 if abs(x) < 0.08 else x, 0.0 if abs(y) < 0.08 else y
        if abs(gain - 1.0) < 0.004 and abs(offset + (gain - 1.0) * self._small_level) < 0.25 * self.noise:
            gain, offset = 1.0, 0.0
        rate = min(max(step_s / s.learn_s, 1e-4), s.fastest_rate)
        slow = min(step_s / s.absorb_s, s.fastest_rate / 4)
        # Steady pictures teach a part of the rows, at so much higher a rate, where that stays a mean of many.
        steady = gain == 1.0 and offset == 0.0
        turns = 1 if not steady or self.learnt_frames < 40 else 4 if rate < s.fastest_rate / 3 else 2
        rate, slow = turns * rate, turns * slow
        _subtract(
            counts,
            x,
            y,
            gain,
            offset,
            self.mean,
            self.spread,
            self.slack,
            self.hold,
            rate,
            slow,
            s.low_level**2,
            s.high_level**2,
            self.learnt_frames,
            turns,
            self.difference.counts,
            self.difference.level,
            self._sums_of(counts),
            self._column_sum,
        )
        self._blank()
        self._state[_GAIN], self._state[_OFFSET] = 1.0, 0.0
        if gain != 1.0 or offset != 0.0:
            self._slope()
            self._small_scene *= np.float32(gain)
            self._small_scene += np.float32(offset)
            self._grad_x *= np.float32(gain)
            self._grad_y *= np.float32(gain)
            self._anchor.scale(gain)

    def _sums_of(self, counts: Counts) -> Sums:
        """Scratch for the sums of a picture, of a type that holds them."""
        return self._narrow if counts.dtype == np.uint8 else self._wide

    def _blank(self) -> None:
        """Nothing differs where the picture is masked; the mask belongs to the picture and shifts against the scene."""
        if self._use_full is None:
            return
        x, y = round(self._state[_X] * self.factor), round(self._state[_Y] * self.factor)
        use = self._use_full
        if x or y:
            way = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
            use = cv2.warpAffine(use, way, use.shape[::-1], borderValue=1.0).astype(np.uint8, copy=False)
        self.difference.level[:, : use.shape[1]][use == 0] = 0


def _within(x0: int, y0: int, x1: int, y1: int) -> tuple[int, int, int, int]:
    """A box that ends where the picture begins: a negative index would count from the far side."""
    return max(x0, 0), max(y0, 0), max(x1, 0), max(y1, 0)


def _move(array: F32 | U8, dx: int, dy: int) -> None:
    """Shift an array's content by whole pixels: new [y, x] is old [y - dy, x - dx]; the margin keeps its values."""
    rows, columns = array.shape
    source = array[max(-dy, 0) : rows - max(dy, 0), max(-dx, 0) : columns - max(dx, 0)].copy()
    array[max(dy, 0) : rows - max(-dy, 0), max(dx, 0) : columns - max(-dx, 0)] = source
