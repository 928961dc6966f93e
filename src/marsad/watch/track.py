"""Follow blobs from picture to picture, and believe the ones that move like something alive or driven.

Each track keeps a constant-velocity Kalman filter in lasting scene coordinates, so that a swaying mast moves nothing,
and two running straight-line fits (short and long memory) that say how far it has gone and how straight. A track is
confirmed on that evidence, not on one picture: most raw blobs are noise, leaves and cloud edges.

Source: Blackman and Popoli, "Design and Analysis of Modern Tracking Systems" (1999), chapters 4 and 6.
"""

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.detection import Box
from marsad.kernel.record import Record
from marsad.watch import detect
from marsad.watch.background import Difference
from marsad.watch.detect import MAX_BLOBS, X0, X1, Y0, Y1, Blobs

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

# Columns of the track table: who and how sure; the filter's place and velocity with their variances and covariance (the
# same for x and y); running means of its blobs' features; blobs had, and pictures missed since the last; when and where
# it was born and last seen; pictures it has lived; its blob in this picture (-1 for none), and whether it had one; how
# much its size changes; how much the camera shook; the speed limit where it stands; whether its last blob lay at the
# edge of the picture. Then the two fits.
(
    ID,
    STATUS,
    X,
    Y,
    VX,
    VY,
    PP,
    PV,
    VV,
    W,
    H,
    CONTRAST,
    PEAK,
    LOCAL,
    RING,
    AREA,
    EDGE,
    HITS,
    MISSES,
    BORN,
    LAST,
    FRAMES,
    SIGN,
    BIRTH_X,
    BIRTH_Y,
    BLOB,
    MATCHED,
    SPREAD,
    SHAKE,
    LIMIT,
    AT_EDGE,
) = range(31)
LONG = 31
SHORT = 40
TRACK_COLUMNS = 49

# Columns of a running fit: the sums of weights and of products of time and place.
_N, _T, _TT, _X, _Y, _TX, _TY, _XX, _YY = range(9)
_FIT_COLUMNS = 9

FREE, TENTATIVE, BELIEVED = 0.0, 1.0, 2.0

LEFT_S = 0.5
"""What was last seen at the edge of the picture and is not for so long has gone over it."""

# Columns of the evidence table: what the track table says of a track, worked out.
(
    AGE,
    HIT_SHARE,
    GONE,
    STRAIGHT,
    STRAIGHT_SHORT,
    SPEED,
    NET,
    E_PEAK,
    E_LOCAL,
    E_RING,
    E_SPREAD,
    E_EDGE,
    E_SHAKE,
) = range(13)
EVIDENCE_COLUMNS = 13
TERMS = 12

# Columns of what is told of a believed track: its place in the table and whether it was seen in this picture, some of
# its columns, the newest of its history, from its evidence the log-odds, how straight it goes and how its size changes,
# and where the filter has it in the scene.
(
    T_SLOT,
    T_MATCHED,
    T_VX,
    T_VY,
    T_CONTRAST,
    T_PEAK,
    T_AREA,
    T_X,
    T_Y,
    T_W,
    T_H,
    T_SCORE,
    T_STRAIGHT,
    T_SPREAD,
    T_SCENE_X,
    T_SCENE_Y,
    T_SCENE_W,
    T_SCENE_H,
) = range(18)
TOLD_COLUMNS = 18

# Columns of a track's history: its latest blobs, in the picture's pixels.
POINTS = 640
P_FRAME, P_X, P_Y, P_W, P_H, P_CONTRAST, P_SNR, P_TIME = range(8)
_POINT_COLUMNS = 8


class TrackSettings(Record):
    """How tracks are born, fed, believed and given up.

    `speed_share` and `turn_share` are the standard deviations of a new track's speed (picture widths a second) and of
    its change (picture widths a second, per root second); `noise_px` is that of a small blob's place. A track is
    believed when it has had `least_hits` blobs over `least_s` and gone `least_px`, and its evidence reaches
    `least_score`; below `sparse_fps` pictures a second `sparse_hits` blobs are enough. A believed one is kept unseen
    for `coast_s`, and its gaps of up to `fill_s` are filled. The two straight-line fits forget over `short_s` and
    `long_s`.
    """

    speed_share: float = 0.35
    noise_px: float = 0.9
    turn_share: float = 0.35
    coast_s: float = 2.5
    fill_s: float = 1.5
    least_s: float = 0.25
    least_hits: int = 6
    least_px: float = 2.0
    least_score: float = -0.8
    sparse_fps: float = 3.0
    sparse_hits: int = 2
    short_s: float = 0.35
    long_s: float = 4.0


@numba.njit(cache=True, nogil=True)
def _fit_add(row: F64, start: int, t: float, x: float, y: float, keep: float) -> None:
    """Add a point to a running fit whose older points weigh `keep` of what they did."""
    fit = row[start : start + _FIT_COLUMNS]
    for k in range(_FIT_COLUMNS):
        fit[k] *= keep
    fit[_N] += 1.0
    fit[_T] += t
    fit[_TT] += t * t
    fit[_X] += x
    fit[_Y] += y
    fit[_TX] += t * x
    fit[_TY] += t * y
    fit[_XX] += x * x
    fit[_YY] += y * y


@numba.njit(cache=True, nogil=True)
def _fit_read(row: F64, start: int) -> tuple[float, float, float]:
    """(how far along the fitted line, rms off the line, speed): pixels, pixels, pixels a second."""
    fit = row[start : start + _FIT_COLUMNS]
    n = fit[_N]
    if n < 2.0:
        return 0.0, 0.0, 0.0
    tt = fit[_TT] / n - (fit[_T] / n) ** 2
    if tt <= 1e-12:
        return 0.0, 0.0, 0.0
    tx = fit[_TX] / n - fit[_T] / n * fit[_X] / n
    ty = fit[_TY] / n - fit[_T] / n * fit[_Y] / n
    xx = fit[_XX] / n - (fit[_X] / n) ** 2
    yy = fit[_YY] / n - (fit[_Y] / n) ** 2
    vx = tx / tt
    vy = ty / tt
    off = max(xx - vx * tx, 0.0) + max(yy - vy * ty, 0.0)
    speed = math.sqrt(vx * vx + vy * vy)
    # Points spread evenly along a stretch of time have 1/12 of its square as their variance.
    return speed * math.sqrt(12.0 * tt), math.sqrt(off), speed


@numba.njit(cache=True, nogil=True)
def _predict(tracks: F64, step: float, turn: float) -> None:
    """Move every track on by `step` seconds.

    `turn` is how much a velocity may change: pixels a second, per root second.
    """
    for k in range(tracks.shape[0]):
        row = tracks[k]
        if row[STATUS] == FREE:
            continue
        row[X] += row[VX] * step
        row[Y] += row[VY] * step
        q = turn * turn
        row[PP] += 2.0 * step * row[PV] + step * step * row[VV] + q * step**3 / 3.0
        row[PV] += step * row[VV] + q * step * step / 2.0
        row[VV] += q * step
        row[FRAMES] += 1.0
        row[BLOB] = -1.0
        row[MATCHED] = 0.0


@numba.njit(cache=True, nogil=True)
def _cost(row: F64, blob: F64, dx: float, dy: float, spread: float, radius: float) -> float:
    """How ill a blob suits a track: distance in sigmas, change of size and of contrast; infinite outside the gate."""
    if row[SIGN] * blob[detect.SUM] <= 0 or abs(dx) > radius or abs(dy) > radius:
        return math.inf
    d2 = dx * dx + dy * dy
    if d2 > radius * radius:
        return math.inf
    size = (blob[X1] - blob[X0]) * (blob[Y1] - blob[Y0])
    ratio = abs(math.log((size + 4.0) / (row[W] * row[H] + 4.0)))
    contrast = abs(blob[detect.SUM] / blob[detect.AREA])
    shade = abs(math.log((contrast + 2.0) / (abs(row[CONTRAST]) + 2.0)))
    if ratio > 2.5 or shade > 1.8:
        return math.inf
    cost: float = d2 / spread + 1.5 * ratio * ratio + 2.0 * shade * shade + math.log(spread)
    if row[STATUS] == TENTATIVE:
        cost += 1000.0 - min(row[HITS], 30.0) * 0.05
    return cost


@numba.njit(cache=True, nogil=True)
def _associate(
    tracks: F64,
    blobs: F64,
    place: F64,
    taken: U8,
    widest: float,
    noise: float,
    step: float,
    pairs: F64,
) -> None:
    """Nearest first within the gate, believed tracks before tentative ones. Fill each track's BLOB."""
    count = 0
    most = pairs.shape[0]
    for k in range(tracks.shape[0]):
        row = tracks[k]
        if row[STATUS] == FREE:
            continue
        size = math.sqrt(row[W] * row[H])
        spread = row[PP] + noise * noise + (0.15 * size) ** 2
        radius = min(3.2 * math.sqrt(spread), widest)
        if row[LIMIT] > 0:
            radius = min(radius, row[LIMIT] * step * (row[MISSES] + 1.0) + 3.0 * noise)
        radius += 0.3 * size
        for b in range(blobs.shape[0]):
            cost = _cost(row, blobs[b], place[b, 0] - row[X], place[b, 1] - row[Y], spread, radius)
            if cost < math.inf and count < most:
                pairs[count, 0] = cost
                pairs[count, 1] = k
                pairs[count, 2] = b
                count += 1
    order = np.argsort(pairs[:count, 0])
    for index in order:
        k = int(pairs[index, 1])
        b = int(pairs[index, 2])
        if tracks[k, BLOB] >= 0 or taken[b]:
            continue
        tracks[k, BLOB] = b
        taken[b] = 1


@numba.njit(cache=True, nogil=True)
def _correct(row: F64, px: float, py: float, noise: float) -> None:
    """Pull a track towards where its blob was seen: the Kalman update, one for both axes."""
    innovation = row[PP] + noise * noise
    gain_p = row[PP] / innovation
    gain_v = row[PV] / innovation
    dx = px - row[X]
    dy = py - row[Y]
    row[X] += gain_p * dx
    row[Y] += gain_p * dy
    row[VX] += gain_v * dx
    row[VY] += gain_v * dy
    pv = row[PV]
    row[PP] *= 1.0 - gain_p
    row[PV] *= 1.0 - gain_p
    row[VV] -= gain_v * pv


@numba.njit(cache=True, nogil=True)
def _feed(
    tracks: F64,
    blobs: F64,
    place: F64,
    shift_x: float,
    shift_y: float,
    now: float,
    step: float,
    frame: int,
    noise: float,
    short_s: float,
    long_s: float,
    limit_of: F64,
    shake: float,
    history: F64,
) -> None:
    """Update the tracks that have a blob, age the ones that do not."""
    keep_short = math.exp(-step / short_s)
    keep_long = math.exp(-step / long_s)
    for k in range(tracks.shape[0]):
        row = tracks[k]
        if row[STATUS] == FREE:
            continue
        b = int(row[BLOB])
        if b < 0:
            row[MISSES] += 1.0
            continue
        size = math.sqrt(row[W] * row[H])
        _correct(row, place[b, 0], place[b, 1], noise + 0.06 * size)
        bw = blobs[b, X1] - blobs[b, X0]
        bh = blobs[b, Y1] - blobs[b, Y0]
        pace = max(0.25, 1.0 / (row[HITS] + 1.0))
        change = abs(math.log((bw * bh + 4.0) / (row[W] * row[H] + 4.0)))
        row[SPREAD] += 0.1 * (change - row[SPREAD])
        row[W] += pace * (bw - row[W])
        row[H] += pace * (bh - row[H])
        mean_pace = max(0.05, 1.0 / (row[HITS] + 1.0))
        row[CONTRAST] += mean_pace * (blobs[b, detect.SUM] / blobs[b, detect.AREA] - row[CONTRAST])
        row[PEAK] += mean_pace * (blobs[b, detect.PEAK] - row[PEAK])
        row[LOCAL] += mean_pace * (min(max(blobs[b, detect.LOCAL], -2.0), 2.0) - row[LOCAL])
        row[RING] += mean_pace * (min(blobs[b, detect.RING], 2.0) - row[RING])
        row[AREA] += mean_pace * (blobs[b, detect.AREA] - row[AREA])
        row[EDGE] += mean_pace * (blobs[b, detect.EDGE] - row[EDGE])
        row[AT_EDGE] = blobs[b, detect.EDGE]
        row[SHAKE] += mean_pace * (shake - row[SHAKE])
        row[LIMIT] = limit_of[b]
        row[HITS] += 1.0
        row[MISSES] = 0.0
        row[LAST] = now
        row[MATCHED] = 1.0
        t = now - row[BORN]
        x = place[b, 0] - row[BIRTH_X]
        y = place[b, 1] - row[BIRTH_Y]
        _fit_add(row, LONG, t, x, y, keep_long)
        _fit_add(row, SHORT, t, x, y, keep_short)
        _remember(row, history[k], blobs[b], shift_x, shift_y, frame, now)


@numba.njit(cache=True, nogil=True)
def _remember(row: F64, points: F64, blob: F64, shift_x: float, shift_y: float, frame: int, now: float) -> None:
    """Write a track's blob into its history, where it takes the place of the oldest."""
    point = points[int(row[HITS] - 1.0) % points.shape[0]]
    point[P_FRAME] = frame
    point[P_X] = blob[X0] + shift_x
    point[P_Y] = blob[Y0] + shift_y
    point[P_W] = blob[X1] - blob[X0]
    point[P_H] = blob[Y1] - blob[Y0]
    point[P_CONTRAST] = blob[detect.SUM] / blob[detect.AREA]
    point[P_SNR] = blob[detect.PEAK]
    point[P_TIME] = now


@numba.njit(cache=True, nogil=True)
def _absorb(tracks: F64, blobs: F64, place: F64, taken: U8) -> None:
    """A blob left over inside a track's own box (grown a little) is a part of that object, not a new one."""
    for b in range(blobs.shape[0]):
        if taken[b]:
            continue
        blob = blobs[b]
        for k in range(tracks.shape[0]):
            row = tracks[k]
            if row[STATUS] == FREE or row[MATCHED] == 0.0 or row[HITS] < 3.0:
                continue
            reach_x = 0.5 * row[W] + 3.0 + 0.25 * (blob[X1] - blob[X0])
            reach_y = 0.5 * row[H] + 3.0 + 0.25 * (blob[Y1] - blob[Y0])
            near = abs(place[b, 0] - row[X]) <= reach_x and abs(place[b, 1] - row[Y]) <= reach_y
            if near and blob[detect.AREA] < 2.0 * row[AREA]:
                taken[b] = 1
                break


@numba.njit(cache=True, nogil=True)
def _birth(
    tracks: F64,
    blobs: F64,
    place: F64,
    taken: U8,
    shift_x: float,
    shift_y: float,
    now: float,
    frame: int,
    speed: float,
    noise: float,
    limit_of: F64,
    shake: float,
    history: F64,
    next_id: float,
) -> float:
    """Start a track at each blob left over; return the next free number."""
    slot = 0
    for b in range(blobs.shape[0]):
        if taken[b]:
            continue
        while slot < tracks.shape[0] and tracks[slot, STATUS] != FREE:
            slot += 1
        if slot == tracks.shape[0]:
            return next_id
        row = tracks[slot]
        row[:] = 0.0
        row[ID] = next_id
        next_id += 1.0
        row[STATUS] = TENTATIVE
        row[X] = row[BIRTH_X] = place[b, 0]
        row[Y] = row[BIRTH_Y] = place[b, 1]
        row[W] = blobs[b, X1] - blobs[b, X0]
        row[H] = blobs[b, Y1] - blobs[b, Y0]
        row[PP] = noise * noise + (0.1 * math.sqrt(row[W] * row[H])) ** 2
        row[VV] = speed * speed
        row[SIGN] = 1.0 if blobs[b, detect.SUM] > 0 else -1.0
        row[CONTRAST] = blobs[b, detect.SUM] / blobs[b, detect.AREA]
        row[PEAK] = blobs[b, detect.PEAK]
        row[LOCAL] = min(max(blobs[b, detect.LOCAL], -2.0), 2.0)
        row[RING] = min(blobs[b, detect.RING], 2.0)
        row[AREA] = blobs[b, detect.AREA]
        row[EDGE] = row[AT_EDGE] = blobs[b, detect.EDGE]
        row[SHAKE] = shake
        row[LIMIT] = limit_of[b]
        row[HITS] = 1.0
        row[FRAMES] = 1.0
        row[BORN] = now
        row[LAST] = now
        row[MATCHED] = 1.0
        row[BLOB] = b
        _fit_add(row, LONG, 0.0, 0.0, 0.0, 1.0)
        _fit_add(row, SHORT, 0.0, 0.0, 0.0, 1.0)
        _remember(row, history[slot], blobs[b], shift_x, shift_y, frame, now)
    return next_id


@numba.njit(cache=True, nogil=True)
def _weigh(tracks: F64, now: float, evidence: F64) -> None:
    """Work out the evidence for every track."""
    for k in range(tracks.shape[0]):
        row = tracks[k]
        if row[STATUS] == FREE:
            continue
        e = evidence[k]
        gone, off, speed = _fit_read(row, LONG)
        gone_short, off_short, _ = _fit_read(row, SHORT)
        e[AGE] = now - row[BORN]
        e[HIT_SHARE] = row[HITS] / row[FRAMES]
        e[GONE] = gone
        e[STRAIGHT] = gone / (off + 0.4)
        e[STRAIGHT_SHORT] = gone_short / (off_short + 0.4)
        e[SPEED] = speed
        e[NET] = math.hypot(row[X] - row[BIRTH_X], row[Y] - row[BIRTH_Y])
        e[E_PEAK] = row[PEAK]
        e[E_LOCAL] = row[LOCAL]
        e[E_RING] = row[RING]
        e[E_SPREAD] = row[SPREAD]
        e[E_EDGE] = row[EDGE]
        e[E_SHAKE] = row[SHAKE]


EVIDENCE_WEIGHTS = np.array([-3.8, 1.3, -9.5, -3.3, -1.2, -3.2, 0.63, 0.34, 1.0, -3.5, 0.26, -0.33])
"""Log-odds of a real mover: constant, log peak/5, ring, how much less and how much more it stands out of the picture
than out of the scene, size change, log straightness (long, short), share of pictures with a blob, share at the
picture's edge, log age, camera shake. Fitted by logistic regression on a quarter of drone-ir:
`benchmarks/fit_evidence.py`."""


@numba.njit(cache=True, nogil=True)
def _terms(e: F64, out: F64) -> None:
    """What the log-odds are linear in."""
    out[0] = 1.0
    out[1] = math.log(max(e[E_PEAK], 4.0) / 5.0)
    out[2] = min(e[E_RING], 0.5)
    out[3] = min(max(1.0 - e[E_LOCAL], 0.0), 1.0)
    out[4] = min(max(e[E_LOCAL] - 1.0, 0.0), 0.6)
    out[5] = e[E_SPREAD]
    out[6] = math.log(e[STRAIGHT] + 0.3)
    out[7] = math.log(e[STRAIGHT_SHORT] + 0.3)
    out[8] = e[HIT_SHARE]
    out[9] = e[E_EDGE]
    out[10] = math.log(max(e[AGE], 0.2))
    out[11] = e[E_SHAKE]


@numba.njit(cache=True, nogil=True)
def _score(e: F64, weights: F64) -> float:
    """The log-odds of a real mover."""
    terms = np.empty(TERMS)
    _terms(e, terms)
    total = 0.0
    for k in range(TERMS):
        total += weights[k] * terms[k]
    return total


@numba.njit(cache=True, nogil=True)
def _over(row: F64, now: float, sparse: bool, coast_s: float, brief_s: float) -> bool:
    """Whether a track has gone unseen for too long; one with few blobs is given up sooner."""
    unseen: float = now - row[LAST]
    if row[STATUS] == BELIEVED:
        # Who comes over the picture's edge after another has gone over it is somebody else.
        return unseen > (max(LEFT_S, brief_s) if row[AT_EDGE] > 0.0 else coast_s)
    if row[HITS] < 4.0:
        return bool(row[MISSES] > 1.0)
    return bool(row[MISSES] > (1.0 if sparse else 4.0)) and unseen > brief_s


@numba.njit(cache=True, nogil=True)
def _convinces(row: F64, e: F64, weights: F64, least_px: float, least_score: float) -> bool:
    """Whether a track with enough blobs has gone somewhere, at a possible speed, and looks like a real mover."""
    if e[GONE] < least_px + 0.05 * math.sqrt(row[W] * row[H]) or e[NET] < least_px:
        return False
    if row[LIMIT] > 0 and e[SPEED] > row[LIMIT]:
        return False
    return _score(e, weights) >= least_score


@numba.njit(cache=True, nogil=True)
def _convinces_sparse(row: F64, e: F64) -> bool:
    """Whether a track seen a few times, seconds apart, has moved and looks like one and the same object.

    Two looks suffice for one that stands out well and keeps its size; a third is asked of others.
    """
    size = math.sqrt(row[W] * row[H])
    if e[NET] < 0.25 * size + 2.0 or e[HIT_SHARE] < 0.6 or row[EDGE] > 0.5:
        return False
    if row[PEAK] > 12.0 and row[RING] < 0.1 and 0.6 < row[LOCAL] < 1.4 and row[SPREAD] < 0.2:
        return True
    return bool(row[HITS] > 2.0 and row[PEAK] > 8.0 and row[RING] < 0.3 and row[LOCAL] > 0.4 and row[SPREAD] < 0.4)


@numba.njit(cache=True, nogil=True)
def _judge(
    tracks: F64,
    evidence: F64,
    weights: F64,
    now: float,
    sparse: bool,
    least_s: float,
    least_hits: float,
    least_px: float,
    least_score: float,
    coast_s: float,
    brief_s: float,
    crowded_until: float,
    fresh: I64,
) -> int:
    """Confirm, and free what is over. Fill `fresh` with the slots confirmed now; return how many.

    What was first seen by `crowded_until`, among many things that stand, may be one of them: it has to leave its own
    outline to be believed, since parts of one thing that come and go move it to and fro within that.
    """
    count = 0
    for k in range(tracks.shape[0]):
        row = tracks[k]
        if row[STATUS] == FREE:
            continue
        if row[MATCHED] == 0.0:
            if _over(row, now, sparse, coast_s, brief_s):
                row[STATUS] = FREE
            continue
        e = evidence[k]
        if row[STATUS] == BELIEVED or row[HITS] < least_hits or e[AGE] < least_s:
            continue
        if row[BORN] <= crowded_until and e[NET] < least_px + 0.5 * max(row[W], row[H]):
            continue
        if _convinces_sparse(row, e) if sparse else _convinces(row, e, weights, least_px, least_score):
            row[STATUS] = BELIEVED
            fresh[count] = k
            count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _tell(tracks: F64, evidence: F64, history: F64, weights: F64, told: F64) -> int:
    """Fill `told` with what is told of the believed tracks, in the order of their slots; return how many."""
    count = 0
    for k in range(tracks.shape[0]):
        if tracks[k, STATUS] != BELIEVED:
            continue
        row = tracks[k]
        e = evidence[k]
        newest = history[k, int(row[HITS] - 1.0) % POINTS]
        out = told[count]
        out[T_SLOT] = k
        out[T_MATCHED] = row[MATCHED]
        out[T_VX] = row[VX]
        out[T_VY] = row[VY]
        out[T_CONTRAST] = row[CONTRAST]
        out[T_PEAK] = row[PEAK]
        out[T_AREA] = row[AREA]
        out[T_X] = newest[P_X]
        out[T_Y] = newest[P_Y]
        out[T_W] = newest[P_W]
        out[T_H] = newest[P_H]
        out[T_SCORE] = _score(e, weights)
        out[T_STRAIGHT] = max(e[STRAIGHT], e[STRAIGHT_SHORT])
        out[T_SPREAD] = e[E_SPREAD]
        out[T_SCENE_X] = row[X]
        out[T_SCENE_Y] = row[Y]
        out[T_SCENE_W] = row[W]
        out[T_SCENE_H] = row[H]
        count += 1
    return count


@numba.njit(cache=True, nogil=True)
def _take(
    tracks: F64,
    blobs: F64,
    place: F64,
    taken: U8,
    limit_of: F64,
    pairs: F64,
    history: F64,
    evidence: F64,
    origin_x: float,
    origin_y: float,
    shift_x: float,
    shift_y: float,
    now: float,
    step: float,
    frame: int,
    turn: float,
    speed: float,
    widest: float,
    noise: float,
    short_s: float,
    long_s: float,
    shake: float,
    next_id: float,
    weights: F64,
    sparse: bool,
    least_s: float,
    least_hits: float,
    least_px: float,
    least_score: float,
    coast_s: float,
    brief_s: float,
    crowded_until: float,
    fresh: I64,
    told: F64,
) -> tuple[float, int, int]:
    """All that one picture does to the tracks, with what `_judge` and `_tell` fill; the next free number, and how many.

    One kernel, because calling one with so many arrays costs as much as most of these steps do.
    """
    taken[:] = 0
    for b in range(blobs.shape[0]):
        place[b, 0] = (blobs[b, X0] + blobs[b, X1]) / 2.0 + origin_x
        place[b, 1] = (blobs[b, Y0] + blobs[b, Y1]) / 2.0 + origin_y
    _predict(tracks, step, turn)
    _associate(tracks, blobs, place, taken, widest, noise, step, pairs)
    _feed(tracks, blobs, place, shift_x, shift_y, now, step, frame, noise, short_s, long_s, limit_of, shake, history)
    _absorb(tracks, blobs, place, taken)
    next_id = _birth(
        tracks, blobs, place, taken, shift_x, shift_y, now, frame, speed, noise, limit_of, shake, history, next_id
    )
    _weigh(tracks, now, evidence)
    confirmed = _judge(
        tracks, evidence, weights, now, sparse, least_s, least_hits, least_px, least_score, coast_s, brief_s,
        crowded_until, fresh,
    )  # fmt: skip
    return next_id, confirmed, _tell(tracks, evidence, history, weights, told)


@numba.njit(cache=True, nogil=True)
def _stand(tracks: F64, evidence: F64, least_s: float, slots: I64) -> int:
    """Fill `slots` with those that never moved, and are older than `least_s`; return how many."""
    count = 0
    for k in range(tracks.shape[0]):
        if tracks[k, STATUS] != TENTATIVE:
            continue
        t = tracks[k]
        e = evidence[k]
        lasting = e[AGE] > least_s and e[NET] < 2.0 and e[HIT_SHARE] > 0.8
        if lasting and t[LOCAL] > 0.5 and t[RING] < 0.15 and t[PEAK] > 8.0:
            slots[count] = k
            count += 1
    return count


class Point(Record):
    """One observation of a track: its box in the picture and when it was seen; `online` if it was believed then."""

    frame_index: int
    time_ns: int
    box: Box
    contrast_counts: float
    snr: float
    online: bool


class Followed:
    """One believed track as it stands now.

    `row` is a view into the tracker's table, good until the next update; `told` are the columns `T_...` as plain
    numbers, which are much quicker to look at.
    """

    __slots__ = ("fresh", "matched", "row", "slot", "told", "track_id")

    def __init__(self, row: F64, told: list[float], track_id: int, *, fresh: bool) -> None:
        self.slot = int(told[T_SLOT])
        self.row = row
        self.told = told
        self.track_id = track_id
        self.matched = told[T_MATCHED] > 0.0
        self.fresh = fresh


class Undecided(NamedTuple):
    """A track that is not believed, seen in this picture: what is known of it and what would be weighed."""

    number: int
    hits: int
    age_s: float
    gone_px: float
    box: Box
    terms: F64


class Tracker:
    """Follows blobs and says which of them to believe."""

    MOST = 192

    def __init__(self, settings: TrackSettings | None = None) -> None:
        self.settings = settings or TrackSettings()
        self._tracks = np.zeros((self.MOST, TRACK_COLUMNS))
        self._history = np.zeros((self.MOST, POINTS, _POINT_COLUMNS))
        self._evidence = np.zeros((self.MOST, EVIDENCE_COLUMNS))
        self._pairs = np.zeros((self.MOST * 64, 3))
        self._place = np.zeros((MAX_BLOBS, 2))
        self._taken = np.zeros(MAX_BLOBS, np.uint8)
        self._limit_of = np.zeros(MAX_BLOBS)
        self._slots = np.zeros(self.MOST, np.int64)
        self._told = np.zeros((self.MOST, TOLD_COLUMNS))
        self._next = 1.0
        self._started_ns: int | None = None
        self._last_s = 0.0
        self._crowded_until = -1.0
        self._step_s = 1.0 / 25.0
        self._camera = (0.0, 0.0)
        self._shake = 0.0
        self._ids: dict[int, int] = {}
        self._named = 0
        self.ended: list[int] = []

    def number_from(self, first: int) -> None:
        """Let the next track that is believed bear this number; to be called before there is any."""
        self._named = first - 1

    def update(
        self,
        blobs: Blobs,
        difference: Difference,
        time_ns: int,
        frame_index: int,
        speed_limit_px_s: F32 | None = None,
    ) -> list[Followed]:
        """The believed tracks after one picture; those that ended since the last are in `ended`.

        `speed_limit_px_s` (H, W) bounds the speed of what stands at each pixel of the picture, 0 for no bound.
        """
        q = self.settings
        now, step = self._tick(time_ns)
        if difference.crowded:
            self._crowded_until = now
        columns = difference.counts.shape[1]
        self._shake_by(difference, step)
        rows = blobs.rows
        self._limit(rows, difference, speed_limit_px_s)
        shift, usual = difference.registration, self._step_s
        sparse = usual > 1.0 / q.sparse_fps
        dense_hits = min(q.least_hits, max(4, math.ceil(0.5 / usual)))
        self._next, confirmed, count = _take(
            self._tracks,
            rows,
            self._place,
            self._taken,
            self._limit_of,
            self._pairs,
            self._history,
            self._evidence,
            float(difference.origin[0]),
            float(difference.origin[1]),
            shift.shift_x_px,
            shift.shift_y_px,
            now,
            step,
            frame_index,
            q.turn_share * columns,
            q.speed_share * columns,
            self._widest(columns),
            q.noise_px,
            max(q.short_s, 5.0 * usual),
            max(q.long_s, 20.0 * usual),
            self._shake,
            self._next,
            EVIDENCE_WEIGHTS,
            sparse,
            0.0 if sparse else q.least_s,
            float(q.sparse_hits if sparse else dense_hits),
            q.least_px,
            q.least_score,
            max(q.coast_s, 3.5 * usual),
            max(0.13, 1.5 * usual),
            self._crowded_until,
            self._slots,
            self._told,
        )
        return self._report(self._slots[:confirmed].tolist() if confirmed else [], count)

    def _tick(self, time_ns: int) -> tuple[float, float]:
        """Seconds since the first picture and since the last; follows the usual time between pictures.

        The second picture says what is usual; a gap later on moves that only a little, so that it does not pass for a
        stream of few pictures a second.
        """
        if self._started_ns is None:
            self._started_ns = time_ns
            return 0.0, self._step_s
        now = (time_ns - self._started_ns) / 1e9
        step = max(now - self._last_s, 1e-3)
        first = self._last_s == 0.0
        self._last_s = now
        self._step_s = step if first else self._step_s + 0.1 * (min(step, 3.0 * self._step_s) - self._step_s)
        return now, step

    def _widest(self, columns: int) -> float:
        """How far an object may jump between pictures: a third of the width when pictures are seconds apart."""
        return float(columns * min(max(0.12, 0.35 * self._step_s), 0.35))

    def _shake_by(self, difference: Difference, step: float) -> None:
        """Follow how much the camera moves from picture to picture."""
        origin_x, origin_y = difference.origin
        shift = difference.registration
        camera = shift.shift_x_px - origin_x, shift.shift_y_px - origin_y
        moved = min(math.dist(camera, self._camera), 3.0) if difference.trusted else 0.0
        self._shake += min(1.0, step / 0.5) * (moved - self._shake)
        self._camera = camera

    def _limit(self, rows: F64, difference: Difference, limit: F32 | None) -> None:
        if limit is None:
            self._limit_of[:] = 0
            return
        shift = difference.registration
        x = ((rows[:, X0] + rows[:, X1]) / 2 + shift.shift_x_px).astype(np.int64).clip(0, limit.shape[1] - 1)
        y = (rows[:, Y1] + shift.shift_y_px).astype(np.int64).clip(0, limit.shape[0] - 1)
        self._limit_of[: len(rows)] = limit[y, x]

    def _report(self, fresh: list[int], count: int) -> list[Followed]:
        """The believed tracks, of which `count` are told of and those in the slots `fresh` have just been believed."""
        tracks, ids = self._tracks, self._ids
        told = {int(each[T_SLOT]): each for each in self._told[:count].tolist()}
        self.ended = [ids.pop(k) for k in sorted(ids.keys() - told.keys())]
        for k in sorted(fresh):
            ids[k] = self._name(k)
        return [Followed(tracks[k], each, ids[k], fresh=k in fresh) for k, each in told.items() if k in ids]

    def _name(self, slot: int) -> int:
        """The identity of a newly believed track: that of a coasting one it continues, or a new one."""
        row = self._tracks[slot]
        best, least = -1, 9.0
        for other in self._ids:
            old = self._tracks[other]
            gap = row[BORN] - old[LAST]
            if old[MATCHED] or gap <= 0 or row[SIGN] != old[SIGN]:
                continue
            ahead = self._last_s - row[BORN]
            # Where the coasting track would have been when the new one was born, and how far off that may be.
            dx = row[BIRTH_X] - (old[X] - old[VX] * ahead)
            dy = row[BIRTH_Y] - (old[Y] - old[VY] * ahead)
            size = math.sqrt(old[W] * old[H])
            allowed = 0.5 * size + 3.0 + (0.35 * math.hypot(old[VX], old[VY]) + 0.6 * size) * gap
            alike = abs(math.log((row[W] * row[H] + 4.0) / (old[W] * old[H] + 4.0)))
            cost = (dx * dx + dy * dy) / (allowed * allowed) * 4.0 + alike * alike
            if cost < min(least, 5.0):
                best, least = other, cost
        if best < 0:
            self._named += 1
            return self._named
        self._tracks[best, STATUS] = FREE
        return self._ids.pop(best)

    def confidence(self, followed: Followed) -> float:
        """How sure it is that a believed track is a real mover, 0 to 1."""
        return 1.0 / (1.0 + math.exp(-followed.told[T_SCORE] - 1.0))

    def motion(self, followed: Followed) -> tuple[float, float]:
        """How straight a track has been lately (distance over scatter), and how much its size changes (log ratio)."""
        return followed.told[T_STRAIGHT], followed.told[T_SPREAD]

    def standing(self) -> list[F64]:
        """Rows of what has stood in one place since it was first seen, and was never believed to move."""
        count = _stand(self._tracks, self._evidence, max(2.0, 3 * self._step_s), self._slots)
        return [self._tracks[k] for k in self._slots[:count].tolist()]

    def undecided(self) -> list[Undecided]:
        """The tracks seen in this picture that are not believed: what the weights of the evidence are fitted to."""
        found = []
        for k in np.flatnonzero((self._tracks[:, STATUS] == TENTATIVE) & (self._tracks[:, MATCHED] > 0)):
            row, e = self._tracks[k], self._evidence[k]
            terms = np.empty(TERMS)
            _terms(e, terms)
            newest = _point(self._history[k, int(row[HITS] - 1) % POINTS], self._started_ns or 0, online=False)
            found.append(Undecided(int(row[ID]), int(row[HITS]), float(e[AGE]), float(e[NET]), newest.box, terms))
        return found

    def box(self, followed: Followed) -> Box:
        """The box of the newest observation of a track, in the picture."""
        told = followed.told
        return Box(x_px=told[T_X], y_px=told[T_Y], w_px=told[T_W], h_px=told[T_H])

    def points(self, followed: Followed, *, before: bool = False) -> list[Point]:
        """The newest observation of a track, or with `before` all the ones it had until it was believed."""
        row, points = followed.row, self._history[followed.slot]
        lived = int(row[HITS])
        first = max(0, lived - POINTS) if before else lived - 1
        chosen = [points[k % POINTS] for k in range(first, lived)]
        started = self._started_ns or 0
        return [_point(p, started, online=k == len(chosen) - 1) for k, p in enumerate(chosen)]

    @property
    def step_s(self) -> float:
        """The usual time between pictures."""
        return self._step_s

    def forget(self) -> None:
        """Drop everything that was followed: the scene is another one now."""
        self._tracks[:, STATUS] = FREE


def _point(p: F64, started_ns: int, *, online: bool) -> Point:
    box = Box(x_px=float(p[P_X]), y_px=float(p[P_Y]), w_px=float(p[P_W]), h_px=float(p[P_H]))
    return Point(
        frame_index=int(p[P_FRAME]),
        time_ns=started_ns + round(float(p[P_TIME]) * 1e9),
        box=box,
        contrast_counts=float(p[P_CONTRAST]),
        snr=float(p[P_SNR]),
        online=online,
    )
