"""One picture of two organisations' tracks, without letting either's word count twice.

What a partner says may rest on what we told it: how the two errors go together is not known. Covariance intersection
is right whatever that is: as long as both covariances are honest, so is the one it gives, and a rumour that comes back
changes nothing. Positions and velocities are intersected apart, for a picture track does not say how they go together.

Source: Julier and Uhlmann, "A non-divergent estimation algorithm in the presence of unknown correlations", ACC 1997;
Chen, Arambel and Mehra, "Estimation under unknown correlation: covariance intersection revisited", IEEE TAC 47 (2002).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numba import njit
from scipy.optimize import linear_sum_assignment

from marsad.fuse.picture import headings_of
from marsad.geo.geodesy import Array, EnuFrame
from marsad.kernel.error import RefusedError
from marsad.kernel.picture import Contributor, PictureStatus, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.record import Record
from marsad.kernel.track import Kind

_NS = 1_000_000_000
_HALVINGS = 40
_SURELY = 0.8
_RANK: Mapping[PictureStatus, int] = {"confirmed": 0, "coasting": 1, "tentative": 2, "lost": 3}
_ALIKE: Mapping[Kind, str] = {"person": "on foot", "group": "on foot"}

Key = tuple[str, str]
"""An organisation and what it calls a track."""


@njit(cache=True)
def intersect(mean1: Array, cov1: Array, mean2: Array, cov2: Array) -> tuple[Array, Array]:
    """Mean (D) and covariance (D, D) of the intersection, its weight such that the determinant is least.

    With both in the axes that make one covariance unit and the other diagonal, the slope of the log determinant is a
    monotone sum over the diagonal, so that halving the interval of weights finds where it is nought.
    """
    one, two = np.linalg.inv(cov1), np.linalg.inv(cov2)
    whiten = np.linalg.inv(np.linalg.cholesky(two))
    ratios = np.maximum(np.linalg.eigvalsh(whiten @ one @ whiten.T), 1e-12)
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        weight = (low + high) / 2
        if np.sum((ratios - 1) / (1 - weight + weight * ratios)) > 0:
            low = weight
        else:
            high = weight
    weight = (low + high) / 2
    cov = np.linalg.inv(weight * one + (1 - weight) * two)
    cov = (cov + cov.T) / 2
    return cov @ (weight * (one @ mean1) + (1 - weight) * (two @ mean2)), cov


@njit(cache=True)
def intersect_many(means1: Array, covs1: Array, means2: Array, covs2: Array) -> tuple[Array, Array]:
    """Means (N, D) and covariances (N, D, D) of N intersections."""
    means, covs = np.empty_like(means1), np.empty_like(covs1)
    for n in range(means1.shape[0]):
        means[n], covs[n] = intersect(means1[n], covs1[n], means2[n], covs2[n])
    return means, covs


@njit(cache=True)
def _distances(means1: Array, covs1: Array, means2: Array, covs2: Array, reach: float) -> tuple[Array, Array]:
    """Squared Mahalanobis distances (N, M) of places and velocities: their sum, and the larger, infinite above `reach`.

    Means (., 2, 2) and covariances (., 2, 2, 2) of place and velocity, which go together in some way: the sum alone has
    a long tail.
    """
    total = np.zeros((means1.shape[0], means2.shape[0]))
    larger = np.zeros_like(total)
    for i in range(means1.shape[0]):
        for j in range(means2.shape[0]):
            for part in range(2):
                x = means2[j, part, 0] - means1[i, part, 0]
                y = means2[j, part, 1] - means1[i, part, 1]
                a = covs1[i, part, 0, 0] + covs2[j, part, 0, 0]
                d = covs1[i, part, 1, 1] + covs2[j, part, 1, 1]
                if x * x > reach * a or y * y > reach * d:
                    larger[i, j] = math.inf
                    break
                b = covs1[i, part, 0, 1] + covs2[j, part, 0, 1]
                far2 = (d * x * x - 2 * b * x * y + a * y * y) / (a * d - b * b)
                total[i, j] += far2
                larger[i, j] = max(larger[i, j], far2 if far2 < reach else math.inf)
    return total, larger


class Link(NamedTuple):
    """One of our tracks and one of a partner's that are held to be one, what that is called and since when."""

    ours: Key
    theirs: Key
    since_ns: int
    name: str


class CombineSettings(Record):
    """How two pictures are held to be of the same objects.

    Two tracks may be one when the squared distances of their places and of their velocities are below `gate2`; those
    held to be one stay so below `hold2`, and a rival must be nearer by `sticky2`. A partner's track not heard of for
    `kept_s` is dropped.
    `agility_m2_s3` is the white acceleration with which older reports are carried forward.
    """

    gate2: float = 20.0
    hold2: float = 36.0
    sticky2: float = 6.0
    kept_s: float = 30.0
    agility_m2_s3: float = 0.1


class _Body(NamedTuple):
    """Tracks held to be one, at this moment: what is said of it, and mean (2, 2) and covariance (2, 2, 2).

    The first row of both is the place, the second the velocity.
    """

    track: PictureTrack
    keys: tuple[Key, ...]
    mean: Array
    cov: Array


class Joint:
    """Makes the joint picture of our own and a partner's tracks.

    Our own picture is never touched. A joint track keeps its name when the partner comes to see what we saw or the
    other way round, and says in `contributors` who it rests on. What the partner says again, or late, changes nothing;
    what it says on our word alone is left out.
    """

    def __init__(self, organisation: str, frame: EnuFrame, settings: CombineSettings | None = None) -> None:
        self.organisation = organisation
        self.settings = settings or CombineSettings()
        self._frame = frame
        self._heard: dict[Key, PictureTrack] = {}
        self._names: dict[Key, tuple[int, str]] = {}
        """What each track is called jointly, and since when."""
        self._linked: set[tuple[Key, Key]] = set()

    def update(
        self, local: Iterable[PictureTrack], partner: Iterable[PictureTrack], time_ns: int
    ) -> tuple[PictureTrack, ...]:
        """Every object of either picture once, as known at `time_ns`, in the order of their names.

        `partner` is what has come since the update before, from one partner or from several.
        """
        self._hear(partner, time_ns)
        ours = sorted(local, key=lambda track: track.track_id)
        bodies = [
            self._carried((self.organisation, t.track_id), t, (t.ground.east_m, t.ground.north_m), time_ns)
            for t in ours
        ]
        links: set[tuple[Key, Key]] = set()
        for origin in sorted({origin for origin, _ in self._heard}):
            bodies = self._with_theirs(bodies, self._theirs(origin, time_ns), links)
        self._name(bodies, time_ns)
        self._linked = links
        said = [self._said(body, where, time_ns) for body, where in zip(bodies, self._positions(bodies), strict=True)]
        return tuple(sorted(said, key=lambda track: track.track_id))

    @property
    def links(self) -> tuple[Link, ...]:
        """What is held to be one now, in the order of our names."""
        return tuple(Link(ours, theirs, *self._names[ours]) for ours, theirs in sorted(self._linked))

    def restore(self, links: Iterable[Link]) -> None:
        """Go on from what was held to be one; what is gone by then is no more with the next update."""
        for link in links:
            self._linked.add((link.ours, link.theirs))
            self._names |= dict.fromkeys((link.ours, link.theirs), (link.since_ns, link.name))

    def _hear(self, partner: Iterable[PictureTrack], time_ns: int) -> None:
        """Keep the newest that was said of each track."""
        for track in partner:
            key = (track.origin, track.track_id)
            ours_alone = {each.origin for each in track.contributors} == {self.organisation}
            if track.origin == self.organisation or ours_alone:
                continue
            held = self._heard.get(key)
            if held is None or track.time_ns >= held.time_ns:
                self._heard[key] = track
        horizon = time_ns - round(self.settings.kept_s * _NS)
        self._heard = {k: t for k, t in self._heard.items() if t.time_ns >= horizon and t.status != "lost"}

    def _theirs(self, origin: str, time_ns: int) -> list[_Body]:
        """What one partner has said, in our own frame: its east and north are not ours."""
        keys = sorted(key for key in self._heard if key[0] == origin)
        east, north, _ = self._frame.from_geodetic(*_earth(self._heard[key] for key in keys))
        there = zip(keys, east.tolist(), north.tolist(), strict=True)
        return [self._carried(key, self._heard[key], (e, n), time_ns) for key, e, n in there]

    def _positions(self, bodies: Sequence[_Body]) -> list[Position]:
        """Where the bodies are on the earth, as high as the ground was where they were reported."""
        if not bodies:
            return []
        _, _, up = self._frame.from_geodetic(*_earth(body.track for body in bodies))
        places = np.stack([body.mean[0] for body in bodies])
        found = (part.tolist() for part in self._frame.to_geodetic(places[:, 0], places[:, 1], up))
        return [Position(latitude_deg=a, longitude_deg=b, height_m=c) for a, b, c in zip(*found, strict=True)]

    def _carried(self, key: Key, track: PictureTrack, there: tuple[float, float], time_ns: int) -> _Body:
        """The track at `time_ns`.

        How its place and its velocity go together is not said: the covariance is large enough whatever that is.
        """
        ground = track.ground
        place, rate = _matrix(ground.covariance), _matrix(track.velocity_covariance)
        step_s = (time_ns - track.time_ns) / _NS
        velocity = np.array([ground.velocity_east_m_s, ground.velocity_north_m_s])
        if step_s:
            more = max(abs(step_s) * math.sqrt(np.trace(rate) / np.trace(place)), 1e-9)
            grown = np.eye(2) * self.settings.agility_m2_s3 * abs(step_s)
            place = (1 + more) * place + (1 + 1 / more) * step_s**2 * rate + grown * step_s**2 / 3
            rate = rate + grown
        return _Body(track, (key,), np.stack([np.array(there) + step_s * velocity, velocity]), np.stack([place, rate]))

    def _with_theirs(self, mine: list[_Body], theirs: list[_Body], links: set[tuple[Key, Key]]) -> list[_Body]:
        """What is known with one partner's tracks; `links` gains which were held to be one."""
        pairs = self._pairs(mine, theirs)
        taken = {j for _, j in pairs}
        links.update((mine[i].keys[0], theirs[j].keys[0]) for i, j in pairs)
        means, covs = _together([(mine[i], theirs[j]) for i, j in pairs])
        fused = {
            i: _Body(_merged(mine[i].track, theirs[j].track), (*mine[i].keys, *theirs[j].keys), means[n], covs[n])
            for n, (i, j) in enumerate(pairs)
        }
        return [fused.get(i, body) for i, body in enumerate(mine)] + [b for j, b in enumerate(theirs) if j not in taken]

    def _pairs(self, mine: list[_Body], theirs: list[_Body]) -> list[tuple[int, int]]:
        """Which of ours is which of theirs: the assignment that explains the most by the least distance."""
        if not mine or not theirs:
            return []
        settings = self.settings
        total, larger = _distances(*_stacked(mine), *_stacked(theirs), settings.hold2)
        gain = np.zeros_like(total)
        for i, j in np.argwhere(np.isfinite(larger)).tolist():
            held = (mine[i].keys[0], theirs[j].keys[0]) in self._linked
            if (held or larger[i, j] < settings.gate2) and not _unlike(mine[i].track, theirs[j].track):
                gain[i, j] = total[i, j] - settings.sticky2 * held - 2 * settings.hold2
        rows, columns = np.flatnonzero(gain.any(axis=1)), np.flatnonzero(gain.any(axis=0))
        chosen = linear_sum_assignment(gain[np.ix_(rows, columns)])
        pairs = [(int(rows[a]), int(columns[b])) for a, b in zip(*chosen, strict=True)]
        return [(i, j) for i, j in pairs if gain[i, j] < 0]

    def _name(self, bodies: Sequence[_Body], time_ns: int) -> None:
        """Call each body what the track that was called anything first is called; those that part have names apart."""
        names: dict[Key, tuple[int, str]] = {}
        taken: set[str] = set()

        def rank(body: _Body) -> tuple[bool, int, tuple[Key, ...]]:
            called = [(key, self._names[key]) for key in body.keys if key in self._names]
            by_right = any(name == self._own_name(key) for key, (_, name) in called)
            return not by_right, min((since for _, (since, _) in called), default=time_ns), body.keys

        for body in sorted(bodies, key=rank):
            had = sorted((self._names[key] for key in body.keys if key in self._names), key=lambda each: each[0])
            own = [(time_ns, self._own_name(key)) for key in body.keys]
            own.append((time_ns, "+".join(name for _, name in own)))
            given = next(each for each in (*had, *own) if each[1] not in taken)
            taken.add(given[1])
            names.update(dict.fromkeys(body.keys, given))
        self._names = names

    def _own_name(self, key: Key) -> str:
        return key[1] if key[0] == self.organisation else f"{key[0]}:{key[1]}"

    def _said(self, body: _Body, where: Position, time_ns: int) -> PictureTrack:
        """The joint track."""
        _, name = self._names[body.keys[0]]
        (east, north), (rate_east, rate_north) = body.mean.tolist()
        ground = GroundState(
            position=where,
            east_m=east, north_m=north, covariance=_covariance(body.cov[0]), velocity_east_m_s=rate_east,
            velocity_north_m_s=rate_north, range_m=body.track.ground.range_m, multimodal=body.track.ground.multimodal,
        )  # fmt: skip
        others = [self._own_name(key) for key in body.keys]
        formerly = dict.fromkeys(each for each in (*others, *body.track.formerly) if each != name)
        untouched = len(body.keys) == 1 and body.track.time_ns == time_ns
        track = body.track if untouched else _without_particulars(body)
        return msgspec.structs.replace(
            track,
            track_id=name,
            origin="+".join(sorted({*body.track.origin.split("+"), *(key[0] for key in body.keys)})),
            time_ns=time_ns,
            ground=ground,
            velocity_covariance=_covariance(body.cov[1]),
            contributors=_contributors(body),
            formerly=tuple(formerly),
        )


def foreign(track: PictureTrack, organisation: str) -> tuple[str, ...]:
    """The organisations other than this one that a track rests on, in the order of their names."""
    origins = {*track.origin.split("+"), *(each.origin for each in track.contributors)}
    return tuple(sorted(origins - {organisation}))


def exportable(tracks: Iterable[PictureTrack], organisation: str) -> tuple[PictureTrack, ...]:
    """Those tracks that rest on nothing but an organisation's own sources; nothing else may leave it."""
    return tuple(track for track in tracks if not foreign(track, organisation))


def for_export(track: PictureTrack, organisation: str) -> PictureTrack:
    """The track, if it may leave the organisation. Raises: RefusedError naming whose it is."""
    others = foreign(track, organisation)
    if others:
        raise RefusedError(
            f"track {track.track_id} rests on what {', '.join(others)} said: only what {organisation} saw may be sent"
        )
    return track


def _earth(tracks: Iterable[PictureTrack]) -> Array:
    """Latitudes, longitudes and heights (3, N)."""
    places = [track.ground.position for track in tracks]
    return np.array([(p.latitude_deg, p.longitude_deg, p.height_m) for p in places]).reshape(-1, 3).T


def _matrix(covariance: GroundCovariance) -> Array:
    cross = covariance.east_north_m2
    return np.array([[covariance.east_m2, cross], [cross, covariance.north_m2]])


def _covariance(matrix: Array) -> GroundCovariance:
    return GroundCovariance(
        east_m2=float(matrix[0, 0]), east_north_m2=float(matrix[0, 1]), north_m2=float(matrix[1, 1])
    )


def _stacked(bodies: Sequence[_Body]) -> tuple[Array, Array]:
    return np.stack([body.mean for body in bodies]), np.stack([body.cov for body in bodies])


def _together(pairs: Sequence[tuple[_Body, _Body]]) -> tuple[Array, Array]:
    """Means (N, 2, 2) and covariances (N, 2, 2, 2) of pairs that are one."""
    if not pairs:
        return np.empty((0, 2, 2)), np.empty((0, 2, 2, 2))
    (means1, covs1), (means2, covs2) = _stacked([a for a, _ in pairs]), _stacked([b for _, b in pairs])
    flat = (means1.reshape(-1, 2), covs1.reshape(-1, 2, 2), means2.reshape(-1, 2), covs2.reshape(-1, 2, 2))
    means, covs = intersect_many(*flat)
    return means.reshape(-1, 2, 2), covs.reshape(-1, 2, 2, 2)


def _unlike(one: PictureTrack, two: PictureTrack) -> bool:
    """Whether the two are surely of different kinds."""
    if "unknown" in {one.kind, two.kind} or min(one.kind_confidence, two.kind_confidence) < _SURELY:
        return False
    return _ALIKE.get(one.kind, one.kind) != _ALIKE.get(two.kind, two.kind)


def _merged(one: PictureTrack, two: PictureTrack) -> PictureTrack:
    """What is said of an object by two pictures; each word is that of who knows better, never the sum of both."""
    surer, newer = max(one, two, key=lambda t: t.kind_confidence), max(one, two, key=lambda t: t.seen_ns)
    known = next((t for t in (one, two) if t.standing != "unknown"), one)
    confirmed = [t.confirmed_ns for t in (one, two) if t.confirmed_ns is not None]
    return msgspec.structs.replace(
        one,
        status=min((one.status, two.status), key=lambda status: _RANK[status]),
        existence=max(one.existence, two.existence),
        first_ns=min(one.first_ns, two.first_ns),
        seen_ns=newer.seen_ns,
        confirmed_ns=min(confirmed, default=None),
        kind=surer.kind,
        kind_confidence=surer.kind_confidence,
        count=newer.count or one.count or two.count,
        contributors=(*_whose(one), *_whose(two)),
        formerly=(*one.formerly, *(f"{two.origin}:{name}" for name in two.formerly)),
        standing=known.standing,
        standing_id=known.standing_id,
    )


def _without_particulars(body: _Body) -> PictureTrack:
    """The track without what was said of the one state it was, and is not true of this one; its heading anew."""
    heading = headings_of(body.mean[1:2], body.cov[1:2])[0]
    return msgspec.structs.replace(
        body.track,
        likely=(),
        own_covariance=None,
        place_velocity_m2_s=(0.0, 0.0, 0.0, 0.0),
        corridor=(),
        approaches=(),
        heading_rad=heading.heading_rad,
        heading_sigma_rad=heading.heading_sigma_rad,
        speed_m_s=heading.speed_m_s,
        speed_sigma_m_s=heading.speed_sigma_m_s,
    )


def _whose(track: PictureTrack) -> tuple[Contributor, ...]:
    """Who a track rests on: its maker too where it does not say."""
    if any(each.origin == track.origin for each in track.contributors) or "+" in track.origin:
        return track.contributors
    maker = Contributor(source_id=track.track_id, origin=track.origin, time_ns=track.seen_ns)
    return (*track.contributors, maker)


def _contributors(body: _Body) -> tuple[Contributor, ...]:
    """Each source once, as it was last heard of."""
    newest: dict[Key, Contributor] = {}
    for each in sorted(_whose(body.track), key=lambda c: c.time_ns):
        newest[(each.origin, each.source_id)] = each
    return tuple(newest[key] for key in sorted(newest))
