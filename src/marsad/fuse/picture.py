"""What the fuser knows, as the picture an officer is shown.

`picture_of` says of each track where it is, how surely, how it moves, who saw it and whether it is known; and of each
source whether it is trusted. Groups are told by `company`, when something will be at a line by `approach`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marsad.fuse.count import count_of
from marsad.fuse.fuser import NS, Fuser, FuseSettings, Life, State, kind_of
from marsad.fuse.hypotheses import Ints
from marsad.fuse.moments import alternatives, moments
from marsad.fuse.sensor import CameraSensor, Sensor
from marsad.fuse.standing import declared_tracks, own_tracks
from marsad.geo.elevation import ground_up_many
from marsad.geo.geodesy import Array, EnuFrame
from marsad.kernel.declaration import Declaration
from marsad.kernel.picture import Contributor, Likely, Picture, PictureStatus, PictureTrack, SourceState, Standing
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.record import Record
from marsad.kernel.track import Kind

_LEAST_SPEED_M_S = 0.2
_MOVING_SIGMAS = 1.5
_FOUND_SIGMAS = 2.0
_KINDS = ("azimuth", "elevation", "clock")


class PictureSettings(Record):
    """What is shown of what is known.

    Tracks that exist with less probability than `shown` are left out until they have once been confirmed. A patrol's
    track stays its own for `own_hold_s` after its last position. A track is declared where it lies in the area with
    probability `declared_sure`. Places that differ by `apart2` squared deviations and are at least `likely` probable
    are shown apart. A source whose bias is beyond `bias_sigmas` of what its pose states is not trusted.
    """

    shown: float = 0.1
    own_hold_s: float = 120.0
    declared_sure: float = 0.9
    apart2: float = 9.0
    likely: float = 0.05
    bias_sigmas: float = 4.0


class Known(NamedTuple):
    """What the picture rests on besides the fuser's state.

    `slots` (S, 3) are the columns of the sources' biases, `patrols` names the patrol behind a source that reports a
    patrol's own position.
    """

    frame: EnuFrame
    sensors: tuple[Sensor, ...]
    slots: Ints
    settings: FuseSettings
    patrols: Mapping[str, str]
    declarations: tuple[Declaration, ...]
    organisation: str


def known_to(
    fuser: Fuser,
    frame: EnuFrame,
    *,
    patrols: Mapping[str, str] | None = None,
    declarations: Sequence[Declaration] = (),
    organisation: str = "own",
) -> Known:
    """What a fuser and a site know that does not change from look to look."""
    sensors = tuple(fuser.sensors.values())
    return Known(
        frame, sensors, fuser.biases.slots, fuser.settings, patrols or {}, tuple(declarations), organisation
    )  # fmt: skip


def picture_of(state: State, known: Known, settings: PictureSettings | None = None) -> Picture:
    """The picture of a state, at the state's own time, tracks in the order of their names; groups are not in it.

    For a later moment carry the state forward first (`Fuser.carried`).
    """
    settings = settings or PictureSettings()
    return Picture(
        time_ns=state.time_ns,
        tracks=tracks_of(state, known, settings),
        sources=sources_of(state, known, settings),
    )


def tracks_of(state: State, known: Known, settings: PictureSettings) -> tuple[PictureTrack, ...]:
    """Every track that is worth showing."""
    if not state.lives:
        return ()
    all_tracks = moments(state.rows, state.bias_spread)
    confirmed = _confirmed_ns(state, known.settings)
    shown = np.flatnonzero((state.existence >= settings.shown) | (confirmed > 0))
    lives = [state.lives[t] for t in shown.tolist()]
    mean, whole, own = all_tracks.mean[shown], all_tracks.whole[shown], all_tracks.own[shown]
    kinds = _kinds(lives)
    counts = [count_of([o.persons for o in life.opinions.values() if o.persons is not None]) for life in lives]
    heads = [1 if count is None else count.best for count in counts]
    contributors = _contributors(state, known, shown, lives)
    standing = _standing(state, known, settings, shown, mean, whole, [kind for kind, _ in kinds], heads)
    status = _status(state, known.settings, shown, whole, confirmed)
    likely = _likely(state, known, settings)
    grounds = _grounds(known, mean, whole, _ranges(state, known, shown, mean))
    headings = headings_of(mean[:, 2:4], whole[:, 2:, 2:])
    agility = _agility(state, known.settings, shown, [kind for kind, _ in kinds])
    rates, owned, crossed = _covariances(whole[:, 2:, 2:]), _covariances(own[:, :2, :2]), _crossed(whole)
    existence, first, seen = (a[shown].tolist() for a in (state.existence, state.born_ns, state.seen_ns))
    tracks = [
        PictureTrack(
            track_id=lives[i].track_id,
            origin=known.organisation,
            time_ns=state.time_ns,
            status=status[i],
            ground=grounds[i] if t not in likely else _multimodal(grounds[i]),
            velocity_covariance=rates[i],
            existence=existence[i],
            first_ns=first[i],
            seen_ns=seen[i],
            confirmed_ns=int(confirmed[t]) or None,
            kind=kinds[i][0],
            kind_confidence=kinds[i][1],
            count=counts[i],
            contributors=contributors[i],
            likely=likely.get(t, ()),
            formerly=lives[i].formerly,
            standing=standing[i][0],
            standing_id=standing[i][1],
            own_covariance=owned[i],
            place_velocity_m2_s=crossed[i],
            agility_m2_s3=agility[i],
            heading_rad=headings[i].heading_rad,
            heading_sigma_rad=headings[i].heading_sigma_rad,
            speed_m_s=headings[i].speed_m_s,
            speed_sigma_m_s=headings[i].speed_sigma_m_s,
        )
        for i, t in enumerate(shown.tolist())
    ]
    return tuple(sorted(tracks, key=lambda track: track.track_id))


class Heading(NamedTuple):
    """Where something goes and how fast, with one standard deviation each; no heading where it may stand."""

    heading_rad: float | None
    heading_sigma_rad: float
    speed_m_s: float
    speed_sigma_m_s: float


def headings_of(velocity: Array, covariance: Array) -> list[Heading]:
    """The headings of velocities (N, 2), east and north, with their covariances (N, 2, 2)."""
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    still = speed < 1e-9
    way = np.where(still[:, None], (1.0, 0.0), velocity / np.where(still, 1.0, speed)[:, None])
    aside = np.stack([-way[:, 1], way[:, 0]], axis=1)
    along, across = (np.sqrt(np.einsum("ni,nij,nj->n", v, covariance, v)) for v in (way, aside))
    moving = (speed > _LEAST_SPEED_M_S) & (speed > _MOVING_SIGMAS * np.maximum(along, across))
    heading = np.arctan2(velocity[:, 0], velocity[:, 1]) % (2 * math.pi)
    off = np.arctan2(across, np.maximum(speed, 1e-9))
    return [
        Heading(h if m else None, o if m else 0.0, v, s)
        for m, h, o, v, s in zip(*(a.tolist() for a in (moving, heading, off, speed, along)), strict=True)
    ]


def sources_of(state: State, known: Known, settings: PictureSettings) -> tuple[SourceState, ...]:
    """What has been learnt of each source."""
    sigma = np.sqrt(np.maximum(np.diag(state.bias_spread), 0.0)) if len(state.bias_mean) else np.empty(0)
    out = []
    for number, sensor in enumerate(known.sensors):
        slots = known.slots[number].tolist()
        bias = [float(state.bias_mean[b]) if b >= 0 else 0.0 for b in slots]
        spread = [float(sigma[b]) if b >= 0 else 0.0 for b in slots]
        reason = _distrust(state, sensor, number, bias, spread, settings)
        out.append(
            SourceState(
                source_id=sensor.source_id,
                azimuth_rad=bias[0],
                azimuth_sigma_rad=spread[0],
                elevation_rad=bias[1],
                elevation_sigma_rad=spread[1],
                clock_s=bias[2],
                clock_sigma_s=spread[2],
                trusted=not reason,
                reason=reason,
                looked_ns=int(state.looked_ns[number]) or None,
            )
        )
    return tuple(out)


def _distrust(
    state: State, sensor: Sensor, number: int, bias: Sequence[float], spread: Sequence[float], settings: PictureSettings
) -> str:
    """Why a source is not trusted, in words; nothing where it is."""
    if not state.trusted[number]:
        return f"{100 * float(state.strange[number]):.0f} % of its reports do not fit what the others say"
    for what, value, sigma, (variance, _) in zip(_KINDS, bias, spread, sensor.bias_prior(), strict=True):
        stated = math.sqrt(variance)
        if variance > 0 and abs(value) - _FOUND_SIGMAS * sigma > settings.bias_sigmas * stated:
            unit, size = ("s", 1.0) if what == "clock" else ("deg", math.degrees(1))
            return f"{what} is off by {value * size:+.3g} {unit}; stated was {stated * size:.2g} {unit} (one sigma)"
    return ""


def _confirmed_ns(state: State, settings: FuseSettings) -> Ints:
    sure = (state.confirmed_ns == 0) & (state.existence >= settings.confirm)
    return np.where(sure, state.time_ns, np.maximum(state.confirmed_ns, 0))


def _kinds(lives: Sequence[Life]) -> list[tuple[Kind, float]]:
    """What each track is and how surely; many are spoken of alike."""
    told: dict[tuple[tuple[Kind, float], ...], tuple[Kind, float]] = {}
    out = []
    for life in lives:
        said = tuple([(opinion.kind, opinion.kind_confidence) for opinion in life.opinions.values()])
        if said not in told:
            told[said] = kind_of(life)
        out.append(told[said])
    return out


def _status(state: State, settings: FuseSettings, shown: Ints, whole: Array, confirmed_ns: Ints) -> list[PictureStatus]:
    """What is believed of each track; nobody loses what was never believed, or what is seen, however badly placed."""
    believed = confirmed_ns[shown] > 0
    unseen = state.time_ns - state.seen_ns[shown] > round(settings.coast_s * NS)
    lost = (state.existence[shown] < settings.doubt) | (unseen & (_longest_m(whole) > settings.lost_sigma_m))
    words: NDArray[np.str_] = np.select([~believed, lost, unseen], ["tentative", "lost", "coasting"], "confirmed")
    out: list[PictureStatus] = words.tolist()
    return out


def _longest_m(whole: Array) -> Array:
    """One sigma along the long axis of each place."""
    a, b, c = whole[:, 0, 0], whole[:, 0, 1], whole[:, 1, 1]
    return np.sqrt((a + c) / 2 + np.hypot((a - c) / 2, b))


def _agility(state: State, settings: FuseSettings, shown: Ints, kinds: Sequence[Kind]) -> list[float]:
    usual = np.array([settings.agility_m2_s3.get(kind, settings.usual_agility_m2_s3) for kind in kinds])
    each: list[float] = (usual * np.maximum(state.surprise[shown], 1.0) ** 2).tolist()
    return each


def _standing(
    state: State, known: Known, settings: PictureSettings, shown: Ints, mean: Array, whole: Array,
    kinds: Sequence[Kind], heads: Sequence[int],
) -> list[tuple[Standing, str]]:  # fmt: skip
    """Whether each track is a patrol of our own, declared or unknown, with its name."""
    number = {sensor.source_id: i for i, sensor in enumerate(known.sensors)}
    patrols = {number[source]: patrol for source, patrol in known.patrols.items() if source in number}
    since_ns = state.time_ns - round(settings.own_hold_s * NS)
    own = own_tracks(state.told_ns[shown], state.existence[shown], patrols, since_ns)
    out: list[tuple[Standing, str]] = [("unknown", "")] * len(shown)
    declared = declared_tracks(
        known.declarations, known.frame, state.time_ns, mean[:, :2], whole[:, :2, :2], kinds, heads,
        state.born_ns[shown].tolist(), settings.declared_sure,
    )  # fmt: skip
    for i, declaration_id in declared.items():
        out[i] = ("declared", declaration_id)
    for i, patrol_id in own.items():
        out[i] = ("own", patrol_id)
    return out


def _contributors(state: State, known: Known, shown: Ints, lives: Sequence[Life]) -> list[tuple[Contributor, ...]]:
    """Who saw each track, the latest first."""
    told, label = state.told_ns[shown], state.label[shown]
    out: list[list[Contributor]] = [[] for _ in lives]
    track, source = np.nonzero(told)
    order = np.lexsort((source, -told[track, source], track))
    pairs = (a[order].tolist() for a in (track, source, told[track, source], label[track, source]))
    for i, s, time_ns, number in zip(*pairs, strict=True):
        source_id = known.sensors[s].source_id
        opinion = lives[i].opinions.get(source_id)
        out[i].append(
            Contributor(
                source_id=source_id,
                origin=known.organisation if opinion is None else opinion.origin,
                time_ns=time_ns,
                label=number if number >= 0 else None,
                count=None if opinion is None else opinion.persons,
            )
        )
    return [tuple(each) for each in out]


def _ranges(state: State, known: Known, shown: Ints, mean: Array) -> Array:
    """How far each place (T) is from the camera that saw it last; 0 where none did."""
    cameras = [(s, c.sight.origin[:2]) for s, c in enumerate(known.sensors) if isinstance(c, CameraSensor)]
    if not cameras:
        return np.zeros(len(shown))
    told = state.told_ns[shown][:, [s for s, _ in cameras]]
    origin = np.array([place for _, place in cameras])[told.argmax(axis=1)]
    return np.where(told.max(axis=1) > 0, np.hypot(*(mean[:, :2] - origin).T), 0.0)


def _grounds(known: Known, mean: Array, whole: Array, range_m: Array) -> list[GroundState]:
    """Ground states of N means (N, 5) and covariances (N, 4, 4)."""
    cameras = [sensor for sensor in known.sensors if isinstance(sensor, CameraSensor)]
    east, north = np.ascontiguousarray(mean[:, 0]), np.ascontiguousarray(mean[:, 1])
    up = ground_up_many(cameras[0].surface, east, north) if cameras else np.zeros(len(mean))
    up = np.where(np.isnan(up), 0.0, up) + mean[:, 4]
    latitude, longitude, height = known.frame.to_geodetic(east, north, up)
    rows = (latitude, longitude, height, east, north, mean[:, 2], mean[:, 3], range_m)
    return [
        GroundState(
            position=Position(latitude_deg=phi, longitude_deg=lam, height_m=h),
            east_m=e,
            north_m=n,
            covariance=covariance,
            velocity_east_m_s=ve,
            velocity_north_m_s=vn,
            range_m=r,
        )
        for phi, lam, h, e, n, ve, vn, r, covariance in zip(
            *(row.tolist() for row in rows), _covariances(whole[:, :2, :2]), strict=True
        )
    ]


def _multimodal(ground: GroundState) -> GroundState:
    return GroundState(
        position=ground.position, east_m=ground.east_m, north_m=ground.north_m, covariance=ground.covariance,
        velocity_east_m_s=ground.velocity_east_m_s, velocity_north_m_s=ground.velocity_north_m_s,
        range_m=ground.range_m, multimodal=True,
    )  # fmt: skip


def _covariances(matrices: Array) -> list[GroundCovariance]:
    """Records of (N, 2, 2) covariances."""
    parts = (matrices[:, 0, 0].tolist(), matrices[:, 0, 1].tolist(), matrices[:, 1, 1].tolist())
    return [GroundCovariance(east_m2=a, east_north_m2=b, north_m2=c) for a, b, c in zip(*parts, strict=True)]


def _crossed(whole: Array) -> list[tuple[float, float, float, float]]:
    """The covariance of place and velocity, row after row."""
    return [(a, b, c, d) for a, b, c, d in whole[:, :2, 2:].reshape(-1, 4).tolist()]


def _likely(state: State, known: Known, settings: PictureSettings) -> dict[int, tuple[Likely, ...]]:
    """The alternatives of those tracks that may be at several places."""
    parts = alternatives(state.rows, state.bias_spread, settings.apart2, settings.likely)
    if not len(parts.track):
        return {}
    grounds = _grounds(known, parts.mean, parts.whole, _ranges(state, known, parts.track, parts.mean))
    out: dict[int, tuple[Likely, ...]] = {}
    for t, probability, ground in zip(parts.track.tolist(), parts.weight.tolist(), grounds, strict=True):
        out[t] = (*out.get(t, ()), Likely(probability=probability, ground=ground))
    return out
