"""Which tracks are of which walker, how often one would be by chance, and how far the clocks are apart."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.record import Record
from marsad.report.crossing import Array, Crossing, Places, Walk, places_at
from marsad.report.interval import Share, exact_share
from marsad.report.sighting import LogStory, Roll, Sighting
from marsad.report.view import Eye, squared

LEAST_SHARE: Final = 0.5
"""So much of a track during a crossing must lie at the walker for it to be his."""
CHANCE_SHIFTS_S: Final = (-360.0, -240.0, -120.0, 120.0, 240.0, 360.0)
SEARCH_S: Final = 60.0
"""The clocks are looked for so far apart at most, unless a first guess is given."""
_SEARCH_STEP_S = 1.0
_SEARCH_POINTS = 20_000
_LEAST_SIGMA_S = 0.1
_WANDER_S = 60.0
_TRACK_NOISE_M = 2.0


class Gate(Record):
    """How near a track must be to a walker: `sigmas` of its ellipse, the GPS and `clock_s` of walking together."""

    sigmas: float = 5.0
    clock_s: float = 1.0


class Match(NamedTuple):
    """A track that is of a walker during a crossing.

    `rows` are its points in that time, `distance2` their squared Mahalanobis distances, `error_m` how far they lie from
    the GPS (NaN where it was not located); `hit` says which lie in the gate.
    """

    sighting: Sighting
    rows: NDArray[np.intp]
    distance2: Array
    error_m: Array
    hit: NDArray[np.bool_]

    @property
    def first_hit_ns(self) -> int:
        """When it was first at the walker."""
        return int(self.sighting.time_ns[self.rows[self.hit][0]])

    @property
    def found_ns(self) -> int:
        """When it was believed, or first at the walker where that came later."""
        first_ns = self.first_hit_ns
        begun = self.sighting.time_ns[self.rows[0]] >= first_ns
        return self.sighting.confirmed_ns if begun else max(self.sighting.confirmed_ns, first_ns)


class Alignment(Record):
    """How far a camera's clock and pose are off by the tracks of walkers themselves, each with one sigma.

    `offset_s` is how far its clock is ahead of the GPS; `applied_s` was taken off. Its tracks lie so much `farther_m`
    away and to the `right_m` of where the GPS says on average. None where no track tells. Walking one way only, the
    two cannot be told apart, and the sigmas say so.
    """

    camera_id: str
    applied_s: float
    tracks: int = 0
    offset_s: float | None = None
    sigma_s: float | None = None
    farther_m: float | None = None
    farther_sigma_m: float | None = None
    right_m: float | None = None
    right_sigma_m: float | None = None


def matches(roll: Roll, walk: Walk, span: tuple[int, int], eyes: Mapping[str, Eye], gate: Gate) -> list[Match]:
    """The tracks that are of a walker in a time."""
    found = []
    for sighting in roll.during(*span):
        first, last = np.searchsorted(sighting.time_ns, span[0]), np.searchsorted(sighting.time_ns, span[1], "right")
        if first == last:
            continue
        rows = np.arange(first, last)
        match = _match(sighting, rows, walk, eyes.get(sighting.camera_id), gate)
        hits = np.count_nonzero(match.hit)
        if hits and hits >= LEAST_SHARE * len(match.rows) and (hits > 1 or len(sighting.time_ns) == 1):
            found.append(match)
    return found


def _match(sighting: Sighting, rows: NDArray[np.intp], walk: Walk, eye: Eye | None, gate: Gate) -> Match:
    places = places_at(walk, sighting.time_ns[rows])
    known = np.isfinite(places.east_m)
    rows, places = rows[known], _chosen(places, known)
    off = np.stack([sighting.east_m[rows] - places.east_m, sighting.north_m[rows] - places.north_m], axis=-1)
    distance2 = squared(off, _matrices(sighting.covariance[rows]) + _walker_spread(places, gate.clock_s))
    unlocated = ~np.isfinite(off[:, 0])
    if eye is not None and unlocated.any():
        feet, tall = sighting.foot_px[rows][unlocated], sighting.height_px[rows][unlocated]
        distance2[unlocated] = eye.picture_distance2(_chosen(places, unlocated), feet, tall, gate.clock_s)
    return Match(
        sighting=sighting,
        rows=rows,
        distance2=distance2,
        error_m=np.hypot(*off.T),
        hit=distance2 <= gate.sigmas**2,
    )


def _chosen(places: Places, rows: NDArray[np.bool_]) -> Places:
    return Places(**{field.name: getattr(places, field.name)[rows] for field in msgspec.structs.fields(Places)})


def _matrices(covariance: Array) -> Array:
    """Covariances (N, 3) as (N, 2, 2)."""
    return covariance[:, [0, 1, 1, 2]].reshape(-1, 2, 2)


def _walker_spread(places: Places, clock_s: float) -> Array:
    """The covariances (N, 2, 2) of where a walker was: the GPS's error, and his way during the clock's."""
    pace = np.stack([places.east_m_s, places.north_m_s], axis=-1) * clock_s
    return (places.sigma_m**2)[:, None, None] * np.eye(2) + pace[:, :, None] * pace[:, None, :]


def chance(
    story: LogStory,
    walks: Mapping[str, Walk],
    crossings: Sequence[Crossing],
    own: set[tuple[str, int, int]],
    eyes: Mapping[str, Eye],
    gate: Gate,
) -> Share:
    """How often a track that is no walker's would have been taken for one: the walks played at other times.

    `own` names the tracks that are of walkers.
    """
    others = Roll(each for each in story.sightings if (each.camera_id, each.run, each.track_id) not in own)
    met = tried = 0
    for shift_s in CHANCE_SHIFTS_S:
        by_ns = round(shift_s * 1e9)
        shifted = {name: msgspec.structs.replace(walk, time_ns=walk.time_ns + by_ns) for name, walk in walks.items()}
        for crossing in crossings:
            span = (crossing.start_ns + by_ns, crossing.end_ns + by_ns)
            if not any(each.start_ns <= span[0] and span[1] <= each.end_ns for each in story.watched):
                continue
            tried += 1
            met += bool(matches(others, shifted[crossing.walker], span, eyes, gate))
    return exact_share(met, tried)


def align(story: LogStory, walks: Sequence[Walk], eye: Eye, applied_s: float, gate: Gate) -> Alignment:
    """How far a camera's clock and pose are off; the story's times are those with `applied_s` taken off already.

    The shift at which most points lie at walkers is looked for first. Then the clock and the camera's common error are
    solved together by least squares, the common error held near 0 by the tracks' own ellipses, which are mostly that.
    """
    seen = [each for each in story.sightings if each.camera_id == eye.camera_id and np.isfinite(each.east_m).any()]
    unknown = Alignment(camera_id=eye.camera_id, applied_s=applied_s)
    if not seen:
        return unknown
    steady = msgspec.structs.replace(gate, clock_s=0.0)
    shift_s = _coarse_shift_s(seen, walks, steady)
    for _ in range(3):
        witnesses = [one for walk in walks for one in _witnesses(seen, walk, shift_s, steady, eye)]
        if not witnesses:
            return unknown
        values, spread = _solve(witnesses)
        shift_s += float(values[0])
    sigmas = np.sqrt(np.diag(spread))
    return Alignment(
        camera_id=eye.camera_id,
        applied_s=applied_s,
        tracks=len(witnesses),
        offset_s=round(applied_s + shift_s, 2),
        sigma_s=round(max(float(sigmas[0]), _LEAST_SIGMA_S), 2),
        farther_m=round(float(values[1]), 1),
        farther_sigma_m=round(float(sigmas[1]), 1),
        right_m=round(float(values[2]), 1),
        right_sigma_m=round(float(sigmas[2]), 1),
    )


def _coarse_shift_s(seen: Sequence[Sighting], walks: Sequence[Walk], gate: Gate) -> float:
    """The shift of the log that puts most of its points at walkers; of equal ones the smallest."""
    time_ns = np.concatenate([each.time_ns for each in seen])
    place = np.stack([np.concatenate([each.east_m for each in seen]), np.concatenate([each.north_m for each in seen])])
    ellipse = _matrices(np.concatenate([each.covariance for each in seen]))
    first, last = min(int(walk.time_ns[0]) for walk in walks), max(int(walk.time_ns[-1]) for walk in walks)
    near = np.flatnonzero((time_ns >= first - SEARCH_S * 1e9) & (time_ns <= last + SEARCH_S * 1e9))
    near = near[:: len(near) // _SEARCH_POINTS + 1]
    time_ns, place, ellipse = time_ns[near], place[:, near].T, ellipse[near]
    shifts = np.arange(-SEARCH_S, SEARCH_S + _SEARCH_STEP_S / 2, _SEARCH_STEP_S)
    shifts = shifts[np.argsort(np.abs(shifts), kind="stable")]
    scores = [_score(time_ns - round(shift * 1e9), place, ellipse, walks, gate) for shift in shifts]
    return float(shifts[int(np.argmax(scores))])


def _score(time_ns: NDArray[np.int64], place: Array, ellipse: Array, walks: Sequence[Walk], gate: Gate) -> float:
    """How well points lie at walkers: each counts by how deep it lies in the gate."""
    total = 0.0
    for walk in walks:
        places = places_at(walk, time_ns)
        off = place - np.stack([places.east_m, places.north_m], axis=-1)
        distance2 = squared(off, ellipse + _walker_spread(places, 0.0))
        total += float(np.maximum(1 - distance2 / gate.sigmas**2, 0.0).sum())
    return total


class _Witness(NamedTuple):
    """What one track tells: normal equations (3, 3) and (3,) of clock, range and bearing, and its ellipse (2, 2)."""

    normal: Array
    right: Array
    ellipse: Array


def _witnesses(seen: Sequence[Sighting], walk: Walk, shift_s: float, gate: Gate, eye: Eye) -> list[_Witness]:
    """What each track that is of a walker, once shifted, tells."""
    by_ns = round(shift_s * 1e9)
    span = int(walk.time_ns[0]), int(walk.time_ns[-1])
    shifted = Roll(msgspec.structs.replace(each, time_ns=each.time_ns - by_ns) for each in seen)
    return [_witness(match, walk, eye) for match in matches(shifted, walk, span, {}, gate)]


def _witness(match: Match, walk: Walk, eye: Eye) -> _Witness:
    """How a track lies beside its walker, along and across the camera's sight.

    A GPS's error wanders over a minute or so: the points of a minute are one witness together.
    """
    sighting, rows = match.sighting, match.rows[match.hit & np.isfinite(match.error_m)]
    if not len(rows):
        return _Witness(np.zeros((3, 3)), np.zeros(3), np.zeros((2, 2)))
    places = places_at(walk, sighting.time_ns[rows])
    off = np.stack([sighting.east_m[rows] - places.east_m, sighting.north_m[rows] - places.north_m], axis=-1)
    pace = np.stack([places.east_m_s, places.north_m_s], axis=-1)
    sight = np.stack([places.east_m - eye.view.origin[0], places.north_m - eye.view.origin[1]], axis=-1)
    sight /= np.maximum(np.linalg.norm(sight, axis=1, keepdims=True), 1e-9)
    turn = np.stack([sight, np.stack([sight[:, 1], -sight[:, 0]], axis=-1)], axis=1)
    seconds = float(sighting.time_ns[rows[-1]] - sighting.time_ns[rows[0]]) / 1e9
    weight = max(seconds / _WANDER_S, 1.0) / len(rows) / (places.sigma_m**2 + _TRACK_NOISE_M**2)
    design = np.concatenate([-turn @ pace[:, :, None], np.broadcast_to(np.eye(2), (len(rows), 2, 2))], axis=2)
    weighted = weight[:, None, None] * np.swapaxes(design, 1, 2)
    ellipse = turn @ _matrices(sighting.covariance[rows]) @ np.swapaxes(turn, 1, 2)
    return _Witness(
        (weighted @ design).sum(axis=0), (weighted @ turn @ off[:, :, None]).sum(axis=0)[:, 0], ellipse.mean(axis=0)
    )


def _solve(witnesses: Sequence[_Witness]) -> tuple[Array, Array]:
    """Clock in seconds, range and bearing in metres, and their covariance (3, 3)."""
    normal = np.sum([each.normal for each in witnesses], axis=0)
    prior = np.zeros((3, 3))
    prior[0, 0] = 1 / SEARCH_S**2
    prior[1:, 1:] = np.linalg.inv(np.mean([each.ellipse for each in witnesses], axis=0) + 1e-6 * np.eye(2))
    spread = np.linalg.inv(normal + prior)
    return spread @ np.sum([each.right for each in witnesses], axis=0), spread
