"""How far apart two tracks stand, by the directions in which one camera sees both.

What the camera's mount and the elevation data are wrong by moves both alike. So the gap between two who are seen side
by side is known far better than where they are: across to a pixel, and along to what a pixel's height is worth there.
"""

import math
from typing import NamedTuple

import numpy as np

from marsad.fuse.fuser import NS, FuseSettings, Life, Opinion, State, sameness
from marsad.fuse.hypotheses import angles_to
from marsad.fuse.moments import moments
from marsad.fuse.sensor import CameraSensor, Sensor
from marsad.geo.geodesy import Array
from marsad.kernel.position import BearingMeasurement

_LATELY_S = 2.5
_APART_S = 0.75
_REACH_M = 60.0
_FAR_SIGMAS = 2.0
_FOOT_M = 0.3
"""How high above the ground what is taken for a foot may lie: plants hide it."""
_LEAST_M = 60.0
_LEAST_SHARE = 0.5


class Beside(NamedTuple):
    """Two tracks that one camera saw at the same time, the first name first: their gap, east and north, and covariance.

    The gap is the first's place less the second's.
    """

    one: str
    two: str
    gap_m: tuple[float, float]
    covariance_m2: tuple[float, float, float]


class Alike(NamedTuple):
    """Two tracks that no source tells apart, the first name first, and the odds that they are one."""

    one: str
    two: str
    odds: float


class _Seen(NamedTuple):
    """A track, the direction in which a camera saw it, and how far right of the camera's heading that is."""

    track: int
    bearing: BearingMeasurement
    across_rad: float


def side_by_side(state: State, sensors: tuple[Sensor, ...]) -> tuple[Beside, ...]:
    """Pairs of tracks that a camera has lately seen at the same time and that may be within 60 m of each other."""
    if len(state.lives) < 2:
        return ()
    known = moments(state.rows, state.bias_spread)
    out: list[Beside] = []
    for sensor in sensors:
        if isinstance(sensor, CameraSensor):
            seen, widest = _seen_by(state, sensor), _REACH_M / _nearest_m(known.mean, sensor)
            for i, one in enumerate(seen):
                for two in seen[i + 1 :]:
                    if two.across_rad - one.across_rad > widest:
                        break
                    found = _beside(state.lives, known.mean, known.whole, sensor, one, two)
                    out += [found] if found is not None else []
    return tuple(out)


def alike(state: State, sensors: tuple[Sensor, ...], settings: FuseSettings) -> tuple[Alike, ...]:
    """Pairs of tracks that may be one object, by all that is known of either."""
    pairs, odds, _ = sameness(state, sensors, settings)
    names = ([state.lives[t].track_id for t in pair] for pair in pairs.tolist())
    return tuple(Alike(min(two), max(two), each) for two, each in zip(names, odds.tolist(), strict=True))


def _seen_by(state: State, sensor: CameraSensor) -> list[_Seen]:
    """Whom a camera saw lately, by azimuth."""
    since_ns = state.time_ns - round(_LATELY_S * NS)
    seen = []
    for track, life in enumerate(state.lives):
        opinion: Opinion | None = life.opinions.get(sensor.source_id)
        if opinion is not None and opinion.bearing is not None and opinion.time_ns >= since_ns:
            across = (opinion.bearing.azimuth_rad - sensor.sight.heading_rad + math.pi) % (2 * math.pi) - math.pi
            seen.append(_Seen(track, opinion.bearing, across))
    return sorted(seen, key=lambda each: (each.across_rad, state.lives[each.track].track_id))


def _nearest_m(mean: Array, sensor: CameraSensor) -> float:
    """How near the nearest track is to a camera."""
    return max(float(np.hypot(*(mean[:, :2] - sensor.sight.origin[:2]).T).min()), 1.0)


def _beside(
    lives: tuple[Life, ...], mean: Array, whole: Array, sensor: CameraSensor, one: _Seen, two: _Seen
) -> Beside | None:
    """How far apart two stand, by where the better known of the two is; nothing where they were not seen together."""
    if abs(one.bearing.time_ns - two.bearing.time_ns) > round(_APART_S * NS):
        return None
    better = min((one.track, two.track), key=lambda t: float(np.trace(whole[t, :2, :2])))
    off = mean[better, :2] - sensor.sight.origin[:2]
    range_m = max(float(np.hypot(*off)), 1.0)
    climb = _climb_per_m(sensor, mean[better, :2], float(np.sqrt(np.linalg.eigvalsh(whole[better, :2, :2])[1])))
    if climb is None:
        return None
    along, across = off / range_m, np.array([off[1], -off[0]]) / range_m
    turn = one.across_rad - two.across_rad
    rise = one.bearing.elevation_rad - two.bearing.elevation_rad
    gap = turn * range_m * across + rise / climb * along
    aside2 = (one.bearing.azimuth_rad2 + two.bearing.azimuth_rad2) * range_m**2
    ahead2 = (one.bearing.elevation_rad2 + two.bearing.elevation_rad2 + 2 * (_FOOT_M / range_m) ** 2) / climb**2
    if abs(turn) * range_m > _REACH_M or abs(rise / climb) - _FAR_SIGMAS * math.sqrt(ahead2) > _REACH_M:
        return None
    cover = aside2 * np.outer(across, across) + ahead2 * np.outer(along, along)
    names = lives[one.track].track_id, lives[two.track].track_id
    sign = 1.0 if names[0] < names[1] else -1.0
    return Beside(
        min(names), max(names), (sign * float(gap[0]), sign * float(gap[1])),
        (float(cover[0, 0]), float(cover[0, 1]), float(cover[1, 1])),
    )  # fmt: skip


def _climb_per_m(sensor: CameraSensor, place: Array, sigma_m: float) -> float | None:
    """By how much the elevation rises with each metre of range about a place; nothing where no ground is known.

    Never by less than half of what it does over level ground: what falls away is mostly hidden.
    """
    origin = sensor.sight.origin[:2]
    off = place - origin
    range_m = max(float(np.hypot(*off)), 1.0)
    reach_m = min(max(sigma_m, _LEAST_M), 0.5 * range_m)
    near, far = (origin + off * (range_m + step) / range_m for step in (-reach_m, reach_m))
    below = angles_to(sensor.surface, sensor.sight, float(near[0]), float(near[1]), 0.0)[1]
    above = angles_to(sensor.surface, sensor.sight, float(far[0]), float(far[1]), 0.0)[1]
    middle = angles_to(sensor.surface, sensor.sight, float(place[0]), float(place[1]), 0.0)[1]
    if math.isnan(below) or math.isnan(above) or math.isnan(middle):
        return None
    level = max(-middle, 1e-3) / range_m
    return max((above - below) / (2 * reach_m), _LEAST_SHARE * level)
