"""Where something will be, and when it will be at a line, if it goes on as such things do.

The motion is of the fuser's kind: a velocity that is pushed about at random and fades. Where it will be is then a
Gaussian in closed form. When it first crosses a line is not: the velocities it may have now are taken one by one, and
for each the Gaussian of distance and speed towards the line is carried forward among those that have not crossed yet,
its moments matched after each step.

Source: Uhlenbeck and Ornstein, "On the theory of the Brownian motion", Phys. Rev. 36 (1930); Johnson, Kotz and
Balakrishnan, "Continuous univariate distributions" 1 (1994), 13.10 (moments of a truncated normal).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from msgspec.structs import replace
from numba import njit
from numpy.typing import NDArray

from marsad.geo.geodesy import Array, EnuFrame
from marsad.kernel.picture import LineApproach, Picture, PictureGroup, PictureTrack, Waypoint
from marsad.kernel.position import EnuPoint, GroundCovariance
from marsad.kernel.record import Record
from marsad.kernel.site import Line

_NS = 1_000_000_000
_STEPS = 72
_NODES = 5
_NODE_SHARE = 0.75
"""How much of the velocity's variance the nodes stand for; each keeps the rest, so that they run into one another."""
_REACH_SIGMAS = 4.0

Thing = PictureTrack | PictureGroup
T = TypeVar("T", PictureTrack, PictureGroup)


class ApproachSettings(Record):
    """How far ahead is looked, and how things go on.

    Crossings within `horizon_s` are told where they are at least `least` probable; the corridor has a waypoint at each
    of `corridor_s`. A velocity fades over `steady_s`, far longer than while it is followed, for who is on the way
    somewhere goes on; and in the long run it strays by `stray_m_s` at most (one sigma of each component), or by as much
    as the thing is fast.
    """

    horizon_s: float = 900.0
    steady_s: float = 600.0
    stray_m_s: float = 1.5
    least: float = 0.05
    corridor_s: tuple[float, ...] = (30.0, 60.0, 120.0, 240.0, 480.0, 900.0)


class LinePath(NamedTuple):
    """A line in the site's frame: corners (N, 2), what is inside, and how far off it may lie (one sigma)."""

    line_id: str
    corners: Array
    inside_right: bool
    sigma_m: float


def line_paths(lines: Sequence[Line], frame: EnuFrame) -> tuple[LinePath, ...]:
    """Lines in the site's frame; the band a line may lie in is taken as even."""
    out = []
    for line in lines:
        places = [frame.point(position) for position in line.points]
        corners = np.array([[place.east_m, place.north_m] for place in places])
        out.append(LinePath(line.id, corners, line.inside == "right", line.band_m / math.sqrt(3)))
    return tuple(out)


def looked_ahead(picture: Picture, paths: Sequence[LinePath], settings: ApproachSettings | None = None) -> Picture:
    """The picture with corridor and approaches of every group, and of every track that is believed and in no group."""
    settings = settings or ApproachSettings()
    groups = tuple(_ahead(group, paths, settings) for group in picture.groups)
    tracks = tuple(
        _ahead(track, paths, settings) if track.status in {"confirmed", "coasting"} and not track.group_id else track
        for track in picture.tracks
    )
    return replace(picture, tracks=tracks, groups=groups)


def _ahead(thing: T, paths: Sequence[LinePath], settings: ApproachSettings) -> T:
    return replace(thing, corridor=corridor_of(thing, settings), approaches=approaches_of(thing, paths, settings))


def state_of(thing: Thing) -> tuple[Array, Array]:
    """Mean (4) and covariance (4, 4) of place and velocity."""
    ground, rate = thing.ground, thing.velocity_covariance
    mean = np.array([ground.east_m, ground.north_m, ground.velocity_east_m_s, ground.velocity_north_m_s])
    cover, cross = np.empty((4, 4)), np.array(thing.place_velocity_m2_s).reshape(2, 2)
    cover[:2, :2], cover[2:, 2:] = _matrix(ground.covariance), _matrix(rate)
    cover[:2, 2:], cover[2:, :2] = cross, cross.T
    return mean, cover


def ahead(mean: Array, cover: Array, agility_m2_s3: float, steady_s: float, step_s: float) -> tuple[Array, Array]:
    """Mean (4) and covariance (4, 4) of place and velocity a time later, exactly, for any time."""
    fade, drift, place, both, rate = _step(step_s, steady_s)
    move = np.eye(4)
    move[0, 2] = move[1, 3] = drift
    move[2, 2] = move[3, 3] = fade
    noise = np.kron(np.array([[place, both], [both, rate]]), np.eye(2)) * agility_m2_s3
    return move @ mean, move @ cover @ move.T + noise


def agility_of(thing: Thing, settings: ApproachSettings) -> float:
    """The white acceleration it goes on with: its own, as long as its velocity does not stray too far with that."""
    stray_m_s = max(settings.stray_m_s, thing.speed_m_s)
    return min(thing.agility_m2_s3, 2 * stray_m_s**2 / settings.steady_s)


def corridor_of(thing: Thing, settings: ApproachSettings) -> tuple[Waypoint, ...]:
    """Where it is expected at each time ahead."""
    mean, cover = state_of(thing)
    out = []
    for step_s in settings.corridor_s:
        then, spread = ahead(mean, cover, agility_of(thing, settings), settings.steady_s, step_s)
        out.append(
            Waypoint(
                time_ns=thing.time_ns + round(step_s * _NS),
                centre=EnuPoint(east_m=float(then[0]), north_m=float(then[1])),
                covariance=GroundCovariance(
                    east_m2=float(spread[0, 0]), east_north_m2=float(spread[0, 1]), north_m2=float(spread[1, 1])
                ),
            )
        )
    return tuple(out)


def approaches_of(thing: Thing, paths: Sequence[LinePath], settings: ApproachSettings) -> tuple[LineApproach, ...]:
    """The lines it may cross within the horizon, the likeliest first."""
    mean, cover = state_of(thing)
    times = settings.horizon_s * np.linspace(0, 1, _STEPS + 1) ** 2
    out = []
    for path in paths:
        mass = _crossings(
            mean, cover, agility_of(thing, settings), settings.steady_s, times, path.corners, path.sigma_m, *_hermite()
        )
        to_left, to_right = mass[0].sum(), mass[1].sum()
        side = 0 if to_left >= to_right else 1
        probability = float(mass[side].sum())
        if probability >= settings.least:
            low, middle, high = _quantiles(times, mass[side], (0.05, 0.5, 0.95))
            outward = path.inside_right == (side == 0)
            out.append(
                LineApproach(
                    line_id=path.line_id, probability=min(probability, 1.0), seconds=middle, low_s=low, high_s=high,
                    direction="outward" if outward else "inward",
                )
            )  # fmt: skip
    return tuple(sorted(out, key=lambda a: (-a.probability, a.line_id)))


def _hermite() -> tuple[Array, Array]:
    """Nodes and weights of a standard normal variable."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
    return nodes, weights / weights.sum()


def _quantiles(times: Array, mass: Array, shares: Sequence[float]) -> list[float]:
    """The times by which these shares of the crossings have happened."""
    total = np.concatenate([[0.0], np.cumsum(mass)])
    out: list[float] = np.interp(np.array(shares) * total[-1], total, times).tolist()
    return out


def _matrix(covariance: GroundCovariance) -> Array:
    cross = covariance.east_north_m2
    return np.array([[covariance.east_m2, cross], [cross, covariance.north_m2]])


@njit(cache=True)
def _step(step_s: float, steady_s: float) -> tuple[float, float, float, float, float]:
    """What a velocity keeps over a time, how far it carries, and what unit agility adds: place, both, velocity."""
    ratio = step_s / steady_s
    lost = -math.expm1(-ratio)
    if ratio < 1e-2:
        place, both = step_s**3 / 3 * (1 - 0.75 * ratio), step_s**2 / 2 * (1 - ratio)
    else:
        place = steady_s**2 * (step_s - 2 * steady_s * lost - steady_s / 2 * math.expm1(-2 * ratio))
        both = steady_s**2 / 2 * lost**2
    return 1 - lost, steady_s * lost, place, both, -steady_s / 2 * math.expm1(-2 * ratio)


@njit(cache=True)
def _cumulative(value: float) -> float:
    return 0.5 * math.erfc(-value / math.sqrt(2))


@njit(cache=True)
def _survive(mean: Array, cover: Array) -> float:
    """The probability that the first of two Gaussian numbers is above 0; both become those of where it is."""
    sigma = math.sqrt(max(cover[0, 0], 1e-12))
    alpha = mean[0] / sigma
    if alpha > 8:
        return 1.0
    kept = max(_cumulative(alpha), 1e-300)
    if alpha < -30:
        return 0.0
    hazard = math.exp(-alpha * alpha / 2) / math.sqrt(2 * math.pi) / kept
    var = sigma * sigma * max(1 - alpha * hazard - hazard * hazard, 1e-6)
    gain = cover[0, 1] / (sigma * sigma)
    mean[0] += sigma * hazard
    mean[1] += gain * sigma * hazard
    cover[1, 1] -= gain * gain * (sigma * sigma - var)
    cover[0, 0] = var
    cover[0, 1] = gain * var
    return kept


@njit(cache=True)
def _passage(
    mean: Array, cover: Array, along: float, along_rate: float, along2: float, along_rate2: float, agility: float,
    steady_s: float, times: Array, length_m: float, out: Array, weight: float,
) -> None:  # fmt: skip
    """Add to `out` (K), of a distance and its rate, the probabilities of falling below 0 first in each step.

    Only what is then between 0 and `length_m` along the line counts: `along` it is at first, with variance `along2`.
    """
    if _survive(mean, cover) <= 0.0:
        return
    alive = weight
    for k in range(1, times.shape[0]):
        fade, drift, place, both, rate = _step(times[k] - times[k - 1], steady_s)
        mean[0] += drift * mean[1]
        mean[1] *= fade
        s, c, v = cover[0, 0], cover[0, 1], cover[1, 1]
        cover[0, 0] = s + 2 * drift * c + drift * drift * v + agility * place
        cover[0, 1] = fade * (c + drift * v) + agility * both
        cover[1, 1] = fade * fade * v + agility * rate
        kept = _survive(mean, cover)
        if kept < 1.0:
            _, far, noise, _, _ = _step((times[k] + times[k - 1]) / 2, steady_s)
            at = along + far * along_rate
            sigma = math.sqrt(along2 + far * far * along_rate2 + agility * noise + 1e-9)
            within = _cumulative((length_m - at) / sigma) - _cumulative(-at / sigma)
            out[k - 1] += alive * (1 - kept) * within
            alive *= kept
            if alive < 1e-6 * weight:
                return


@njit(cache=True)
def _segments_within(mean: Array, corners: Array, reach_m: float) -> NDArray[np.bool_]:
    """Which segments of a line come within a distance of a place."""
    out = np.zeros(corners.shape[0] - 1, np.bool_)
    for k in range(out.shape[0]):
        s_e, s_n = corners[k + 1, 0] - corners[k, 0], corners[k + 1, 1] - corners[k, 1]
        o_e, o_n = mean[0] - corners[k, 0], mean[1] - corners[k, 1]
        length2 = s_e * s_e + s_n * s_n
        t = min(max((o_e * s_e + o_n * s_n) / length2, 0.0), 1.0) if length2 > 0 else 0.0
        out[k] = length2 > 0 and math.hypot(o_e - t * s_e, o_n - t * s_n) < reach_m
    return out


@njit(cache=True)
def _reach_m(mean: Array, cover: Array, agility: float, steady_s: float, horizon_s: float, sigma_m: float) -> float:
    """How far something can get, as good as certainly."""
    _, drift, place, _, _ = _step(horizon_s, steady_s)
    spread = cover[0, 0] + cover[1, 1] + drift * drift * (cover[2, 2] + cover[3, 3]) + 2 * agility * place
    reach_m: float = drift * math.hypot(mean[2], mean[3]) + _REACH_SIGMAS * math.sqrt(spread + sigma_m * sigma_m)
    return reach_m


@njit(cache=True)
def _along(matrix: Array, one_e: float, one_n: float) -> float:
    """A 2x2 matrix taken along a direction on both sides."""
    both = one_e * one_n * (matrix[0, 1] + matrix[1, 0])
    out: float = one_e * one_e * matrix[0, 0] + both + one_n * one_n * matrix[1, 1]
    return out


@njit(cache=True)
def _crossings(
    mean: Array, cover: Array, agility: float, steady_s: float, times: Array, corners: Array, sigma_m: float,
    nodes: Array, weights: Array,
) -> Array:  # fmt: skip
    """The probability of a first crossing in each step, (2, K): from the line's right to its left, and back.

    Each segment is crossed on its own; who crosses one after the other is rare enough to be counted twice.
    """
    out = np.zeros((2, times.shape[0] - 1))
    near = _segments_within(mean, corners, _reach_m(mean, cover, agility, steady_s, times[-1], sigma_m))
    if not near.any():
        return out
    rates = np.ascontiguousarray(cover[2:, 2:]) + 1e-12 * np.eye(2)
    root = np.linalg.cholesky(rates)
    cross = np.ascontiguousarray(cover[:2, 2:])
    # How place goes with the nodes' numbers.
    lean = np.linalg.solve(root, cross.T).T
    left = 1 - _NODE_SHARE
    places = np.ascontiguousarray(cover[:2, :2]) - _NODE_SHARE * lean @ lean.T
    share = math.sqrt(_NODE_SHARE)
    pair, pair_cover = np.empty(2), np.empty((2, 2))
    for k in np.flatnonzero(near):
        length = math.hypot(corners[k + 1, 0] - corners[k, 0], corners[k + 1, 1] - corners[k, 1])
        t_e, t_n = (corners[k + 1, 0] - corners[k, 0]) / length, (corners[k + 1, 1] - corners[k, 1]) / length
        for i in range(nodes.shape[0]):
            for j in range(nodes.shape[0]):
                z_i, z_j = share * nodes[i], share * nodes[j]
                off_e = mean[0] + lean[0, 0] * z_i + lean[0, 1] * z_j - corners[k, 0]
                off_n = mean[1] + lean[1, 0] * z_i + lean[1, 1] * z_j - corners[k, 1]
                rate_e = mean[2] + root[0, 0] * z_i
                rate_n = mean[3] + root[1, 0] * z_i + root[1, 1] * z_j
                # To the right of the line is above 0.
                side = 0 if off_e * t_n - off_n * t_e >= 0 else 1
                n_e, n_n = (t_n, -t_e) if side == 0 else (-t_n, t_e)
                pair[0], pair[1] = off_e * n_e + off_n * n_n, rate_e * n_e + rate_n * n_n
                pair_cover[0, 0] = _along(places, n_e, n_n) + sigma_m * sigma_m
                pair_cover[0, 1] = left * _along(cross, n_e, n_n)
                pair_cover[1, 0] = pair_cover[0, 1]
                pair_cover[1, 1] = left * _along(rates, n_e, n_n)
                _passage(
                    pair, pair_cover, off_e * t_e + off_n * t_n, rate_e * t_e + rate_n * t_n,
                    _along(places, t_e, t_n), left * _along(rates, t_e, t_n), agility, steady_s, times, length,
                    out[side], weights[i] * weights[j],
                )  # fmt: skip
    return out
