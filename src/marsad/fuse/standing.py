"""Who is known: patrols of our own by the positions they report, and who was declared beforehand."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from marsad.fuse.hypotheses import Ints
from marsad.geo.geodesy import Array, EnuFrame
from marsad.kernel.declaration import Declaration
from marsad.kernel.track import Kind

_NS = 1_000_000_000
_HOUR_NS = 3600 * _NS
_NODES = 64


def own_tracks(told_ns: Ints, existence: Array, patrols: Mapping[int, str], since_ns: int) -> dict[int, str]:
    """The track of each patrol: the one its positions went to last, if not before `since_ns`.

    `told_ns` (T, S) is when each source last reported each track; `patrols` maps a source's column to its patrol. No
    patrol has two tracks: who walks beside it stays unknown.
    """
    found: dict[int, str] = {}
    for source, patrol_id in patrols.items():
        told = told_ns[:, source]
        latest = int(told.max(initial=0))
        if latest <= 0 or latest < since_ns:
            continue
        those = np.flatnonzero(told == latest)
        found[int(those[np.argmax(existence[those])])] = patrol_id
    return found


def is_open(declaration: Declaration, time_ns: int) -> bool:
    """Whether a moment lies within the hours and days of a declaration."""
    if declaration.from_ns is not None and time_ns < declaration.from_ns:
        return False
    if declaration.until_ns is not None and time_ns > declaration.until_ns:
        return False
    hour = time_ns / _HOUR_NS % 24
    begin, end = declaration.from_hour, declaration.until_hour
    return begin <= hour < end if begin <= end else hour >= begin or hour < end


def declared_tracks(
    declarations: Sequence[Declaration], frame: EnuFrame, time_ns: int, place: Array, covariance: Array,
    kinds: Sequence[Kind], heads: Sequence[int], first_ns: Sequence[int], sure: float,
) -> dict[int, str]:  # fmt: skip
    """The tracks that are within what was declared, with the declaration each is within.

    A track is when it is of a declared kind and in the area with probability `sure`. Of more heads than declared those
    that were there first are meant.
    """
    found: dict[int, str] = {}
    for declaration in declarations:
        if not is_open(declaration, time_ns):
            continue
        right = [t for t, kind in enumerate(kinds) if kind in declaration.kinds and t not in found]
        inside = _surely_inside(_corners(frame, declaration), place[right], covariance[right], sure)
        left = math.inf if declaration.most is None else declaration.most
        there = (t for t, within in zip(right, inside.tolist(), strict=True) if within)
        for t in sorted(there, key=lambda t: (first_ns[t], place[t, 0], place[t, 1])):
            left -= heads[t]
            if left < 0:
                break
            found[t] = declaration.id
    return found


def _corners(frame: EnuFrame, declaration: Declaration) -> Array:
    places = [frame.point(position) for position in declaration.points]
    return np.array([[place.east_m, place.north_m] for place in places])


def _surely_inside(corners: Array, place: Array, covariance: Array, sure: float) -> NDArray[np.bool_]:
    """Which of N Gaussians, `place` (N, 2) and `covariance` (N, 2, 2), lie in a polygon with probability `sure`."""
    out: NDArray[np.bool_] = (place >= corners.min(axis=0)).all(axis=1) & (place <= corners.max(axis=0)).all(axis=1)
    near = np.flatnonzero(out)
    roots = np.linalg.cholesky(covariance[near]) if len(near) else covariance[near]
    nodes = place[near, None] + np.einsum("nij,kj->nki", roots, _gaussian_nodes())
    out[near] = _inside(corners, nodes).mean(axis=1) >= sure
    return out


def _gaussian_nodes() -> Array:
    """Points (K, 2) spread as a standard normal distribution in the plane: a sunflower of equal weights."""
    index = np.arange(_NODES) + 0.5
    radius, angle = np.sqrt(-2 * np.log(1 - index / _NODES)), index * math.pi * (3 - math.sqrt(5))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _inside(corners: Array, points: Array) -> NDArray[np.bool_]:
    """Which points (..., 2) a polygon holds: those from which a ray eastward meets its edge an odd number of times."""
    odd = np.zeros(points.shape[:-1], np.bool_)
    for (e0, n0), (e1, n1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if n0 != n1:
            spans = (n0 > points[..., 1]) != (n1 > points[..., 1])
            odd ^= spans & (points[..., 0] < e0 + (points[..., 1] - n0) / (n1 - n0) * (e1 - e0))
    return odd
