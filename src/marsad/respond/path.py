"""Lines, zones and fences in the site's frame, and how probable it is that a position is across, inside or at them.

A position is a Gaussian in the plane. What has no closed form is summed over points spread as that Gaussian.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.position import GroundCovariance, Position

Array = NDArray[np.float64]
Place = tuple[float, float]
"""East and north in metres."""

NODES: Final = 96
_REACH_SIGMAS = 4.0


class Path:
    """A line or the edge of a zone in the site's frame: distances to it with the side they lie on."""

    def __init__(self, corners: Array, *, closed: bool) -> None:
        if closed and not np.array_equal(corners[0], corners[-1]):
            corners = np.vstack([corners, corners[:1]])
        self.closed = closed or bool(np.array_equal(corners[0], corners[-1]))
        self.start = corners[:-1]
        self.along = np.diff(corners, axis=0)
        east, north = corners.T
        self.box = float(east.min()), float(north.min()), float(east.max()), float(north.max())
        self.clockwise = bool((east[:-1] * north[1:] - east[1:] * north[:-1]).sum() < 0)
        # Sides are told along the straight continuation of an open line; whether it was crossed, by its own length.
        self.low = np.zeros(len(self.start))
        self.high = np.ones(len(self.start))
        if not self.closed:
            self.low[0], self.high[-1] = -math.inf, math.inf

    def nearest(self, place: Place) -> tuple[float, Place]:
        """Metres to the path, above 0 to its right, and the unit normal there, to the right."""
        apart, east, north = _nearest(self.start, self.along, self.low, self.high, *place)
        return apart, (east, north)

    def is_near(self, place: Place, within_m: float) -> bool:
        """Whether a place is within a distance of the box around the path: whoever is not is far from the path."""
        west, south, east, north = self.box
        beside = west - within_m <= place[0] <= east + within_m
        return beside and south - within_m <= place[1] <= north + within_m

    def distance_m(self, place: Place) -> float:
        """Metres to the path between its ends."""
        return math.dist(place, self.foot(place))

    def foot(self, place: Place) -> Place:
        """The nearest place on the path between its ends."""
        return _foot(self.start, self.along, *place)

    def met_by(self, one: Place, two: Place, slack_m: float) -> bool:
        """Whether the straight way between two places meets the path, or passes within `slack_m` of it."""
        a, b = np.array(one), np.array(two)
        way = b - a
        return any(
            _segments_apart(a, way, start, along) <= slack_m
            for start, along in zip(self.start, self.along, strict=True)
        )


@njit(cache=True)
def _nearest(
    starts: Array, alongs: Array, low: Array, high: Array, east: float, north: float
) -> tuple[float, float, float]:
    """Signed distance to the nearest segment, and its unit normal to the right.

    At a corner two segments are equally near; the one that the point is farther beside tells on which side it lies.
    """
    best, beside, normal_e, normal_n = math.inf, 0.0, 0.0, 0.0
    for k in range(starts.shape[0]):
        along_e, along_n = alongs[k, 0], alongs[k, 1]
        off_e, off_n = east - starts[k, 0], north - starts[k, 1]
        length2 = along_e * along_e + along_n * along_n
        share = min(max((off_e * along_e + off_n * along_n) / length2, low[k]), high[k])
        apart = math.hypot(off_e - share * along_e, off_n - share * along_n)
        length = math.sqrt(length2)
        turn = (off_e * along_n - off_n * along_e) / length
        tie = abs(apart - best) <= 1e-9 * (1 + apart)
        if (tie and abs(turn) > abs(beside)) or (not tie and apart < best):
            best, beside, normal_e, normal_n = apart, turn, along_n / length, -along_e / length
    return math.copysign(best, beside), normal_e, normal_n


def corners_of(frame: EnuFrame, points: Sequence[Position]) -> Array:
    """Points as (N, 2) east and north, taken at the height of the frame's origin."""
    places = [frame.from_geodetic(p.latitude_deg, p.longitude_deg, p.height_m or frame.origin.height_m) for p in points]
    return np.array([[float(east), float(north)] for east, north, _ in places])


def matrix_of(covariance: GroundCovariance) -> Array:
    """The covariance as (2, 2)."""
    both = covariance.east_north_m2
    return np.array([[covariance.east_m2, both], [both, covariance.north_m2]])


def variance_along(east2: float, east_north: float, north2: float, direction: Place) -> float:
    """The variance along a unit vector."""
    east, north = direction
    return max(east * east * east2 + 2 * east * north * east_north + north * north * north2, 0.0)


def half_axes(covariance: GroundCovariance) -> tuple[float, float]:
    """The longer and the shorter half axis of the one-sigma ellipse."""
    middle = (covariance.east_m2 + covariance.north_m2) / 2
    lean = math.hypot((covariance.east_m2 - covariance.north_m2) / 2, covariance.east_north_m2)
    return math.sqrt(max(middle + lean, 0.0)), math.sqrt(max(middle - lean, 0.0))


def normal_cdf(value: float) -> float:
    """The probability that a standard normal number is below a value."""
    return 0.5 * math.erfc(-value / math.sqrt(2))


def _segments_apart(a: Array, way: Array, start: Array, along: Array) -> float:
    """The distance between two segments, each given by its start and its vector."""
    cross = way[0] * along[1] - way[1] * along[0]
    off = start - a
    if abs(cross) > 1e-12:
        t = (off[0] * along[1] - off[1] * along[0]) / cross
        u = (off[0] * way[1] - off[1] * way[0]) / cross
        if 0 <= t <= 1 and 0 <= u <= 1:
            return 0.0
    ends: list[tuple[Array, Array, Array]] = [
        (a, start, along),
        (a + way, start, along),
        (start, a, way),
        (start + along, a, way),
    ]
    return min(_point_apart(*end) for end in ends)


def _point_apart(point: Array, start: Array, along: Array) -> float:
    length2 = float(along @ along)
    share = min(max(float((point - start) @ along) / length2, 0.0), 1.0) if length2 > 0 else 0.0
    return float(np.hypot(*(point - start - share * along)))


def inside(path: Path, points: Array) -> NDArray[np.bool_]:
    """Which points (N, 2) a closed path holds: those from which a ray eastward meets it an odd number of times."""
    east, north = points[:, 0, None], points[:, 1, None]
    e0, n0 = path.start[:, 0], path.start[:, 1]
    e1, n1 = e0 + path.along[:, 0], n0 + path.along[:, 1]
    spans = (n0 > north) != (n1 > north)
    with np.errstate(divide="ignore", invalid="ignore"):
        meets = e0 + (north - n0) / (n1 - n0) * (e1 - e0)
    odd: NDArray[np.bool_] = np.logical_xor.reduce(spans & (east < meets), axis=1)
    return odd


def gaussian_nodes(count: int) -> Array:
    """Points (N, 2) spread as a standard normal distribution in the plane: a sunflower of equal weights."""
    index = np.arange(count) + 0.5
    radius = np.sqrt(-2 * np.log(1 - index / count))
    angle = index * math.pi * (3 - math.sqrt(5))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def within(path: Path, place: Place, covariance: GroundCovariance, nodes: Array) -> float:
    """The probability of being inside a closed path."""
    apart, _ = path.nearest(place)
    widest, _ = half_axes(covariance)
    if abs(apart) > _REACH_SIGMAS * widest:
        return float((apart > 0) == path.clockwise)
    return float(inside(path, _spread(place, covariance, nodes)).mean())


def at(path: Path, place: Place, covariance: GroundCovariance, nodes: Array, near_m: float) -> float:
    """The probability of being within a distance of a path, between its ends."""
    widest, _ = half_axes(covariance)
    if path.distance_m(place) > near_m + _REACH_SIGMAS * widest:
        return 0.0
    return _share_near(path.start, path.along, _spread(place, covariance, nodes), near_m)


def _spread(place: Place, covariance: GroundCovariance, nodes: Array) -> Array:
    """The nodes (N, 2) as points of a Gaussian."""
    root = np.linalg.cholesky(matrix_of(covariance) + 1e-9 * np.eye(2))
    return np.array(place) + nodes @ root.T


@njit(cache=True)
def _foot(starts: Array, alongs: Array, east: float, north: float) -> Place:
    """The nearest place on any of the segments."""
    best, foot_e, foot_n = math.inf, 0.0, 0.0
    for k in range(starts.shape[0]):
        along_e, along_n = alongs[k, 0], alongs[k, 1]
        off_e, off_n = east - starts[k, 0], north - starts[k, 1]
        length2 = max(along_e * along_e + along_n * along_n, 1e-12)
        share = min(max((off_e * along_e + off_n * along_n) / length2, 0.0), 1.0)
        apart = math.hypot(off_e - share * along_e, off_n - share * along_n)
        if apart < best:
            best, foot_e, foot_n = apart, starts[k, 0] + share * along_e, starts[k, 1] + share * along_n
    return foot_e, foot_n


@njit(cache=True)
def _share_near(starts: Array, alongs: Array, points: Array, near_m: float) -> float:
    """The share of points (N, 2) that lie within a distance of the segments."""
    near = 0
    for k in range(points.shape[0]):
        foot_e, foot_n = _foot(starts, alongs, points[k, 0], points[k, 1])
        near += math.hypot(points[k, 0] - foot_e, points[k, 1] - foot_n) <= near_m
    share: float = near / points.shape[0]
    return share
