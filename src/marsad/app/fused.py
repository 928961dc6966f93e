"""What the fuser knows, as records: picture tracks on the ground, and what has been learnt of the sources."""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from marsad.fuse.fuser import NS, Fuser, Life, State, kind_of
from marsad.fuse.hypotheses import whole_spread
from marsad.fuse.register import sigmas
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import Array, EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.picture import Contributor, PictureTrack, SourceState
from marsad.kernel.position import GroundCovariance, GroundState
from marsad.kernel.record import Record
from marsad.kernel.site import Site

_ALSO_LIKELY = 0.1


class Ground(Record, eq=False):
    """Where everything lies: the frame, and, with a site that has terrain, its surface and the cameras that report."""

    frame: EnuFrame
    site: Site | None
    surface: Surface | None
    views: Mapping[str, CameraView]


def picture_tracks(state: State, fuser: Fuser, ground: Ground) -> Iterator[PictureTrack]:
    """What is known of each confirmed track, at the likeliest of the places where it may be."""
    for t, life in enumerate(state.lives):
        if state.confirmed_ns[t]:
            yield _picture_track(state, t, life, fuser, ground)


def _picture_track(state: State, t: int, life: Life, fuser: Fuser, ground: Ground) -> PictureTrack:
    kind, confidence = kind_of(life)
    organisation = "own" if ground.site is None else ground.site.organisation
    coasts = state.time_ns - int(state.seen_ns[t]) > fuser.settings.coast_s * NS
    where, velocity_covariance = _ground_state(state, t, ground)
    counted = sorted((o for o in life.opinions.values() if o.persons is not None), key=lambda opinion: opinion.time_ns)
    return PictureTrack(
        track_id=life.track_id,
        origin=organisation,
        time_ns=state.time_ns,
        status="coasting" if coasts else "confirmed",
        ground=where,
        velocity_covariance=velocity_covariance,
        existence=float(state.existence[t]),
        first_ns=int(state.born_ns[t]),
        seen_ns=int(state.seen_ns[t]),
        confirmed_ns=int(state.confirmed_ns[t]),
        kind=kind,
        kind_confidence=confidence,
        count=counted[-1].persons if counted else None,
        contributors=tuple(_contributors(state, t, fuser, organisation)),
        formerly=life.formerly,
    )


def _contributors(state: State, t: int, fuser: Fuser, organisation: str) -> Iterator[Contributor]:
    """Every source that has reported the track, and under which number it did last."""
    opinions = state.lives[t].opinions
    for number, source_id in sorted(enumerate(fuser.sensors), key=lambda each: each[1]):
        told_ns, label = int(state.told_ns[t, number]), int(state.label[t, number])
        if told_ns:
            origin = opinions[source_id].origin if source_id in opinions else organisation
            yield Contributor(source_id=source_id, origin=origin, time_ns=told_ns, label=None if label < 0 else label)


def _ground_state(state: State, t: int, ground: Ground) -> tuple[GroundState, GroundCovariance]:
    """Where a track is, and the covariance of its velocity."""
    rows = state.rows
    first, last = int(rows.first[t]), int(rows.first[t + 1])
    best = first + int(np.argmax(rows.weight[first:last]))
    spread = whole_spread(rows.spread[best], rows.lean[best], state.bias_spread)
    east, north, rate_east, rate_north = rows.mean[best, :4].tolist()
    up = 0.0 if ground.surface is None else float(ground.surface.up_m(east, north))
    where = GroundState(
        position=ground.frame.position(east, north, up if math.isfinite(up) else 0.0),
        east_m=east, north_m=north, covariance=_covariance(spread[:2, :2]), velocity_east_m_s=rate_east,
        velocity_north_m_s=rate_north, range_m=math.hypot(east, north),
        multimodal=float(rows.weight[best]) < 1 - _ALSO_LIKELY,
    )  # fmt: skip
    return where, _covariance(spread[2:4, 2:4])


def _covariance(matrix: Array) -> GroundCovariance:
    return GroundCovariance(
        east_m2=float(matrix[0, 0]), east_north_m2=float(matrix[0, 1]), north_m2=float(matrix[1, 1])
    )


def source_states(fuser: Fuser) -> Iterator[SourceState]:
    """What has been learnt of each source."""
    biases = fuser.biases
    sigma = sigmas(biases)
    for number, source_id in enumerate(fuser.sensors):
        known = [
            (float(biases.mean[slot]), float(sigma[slot])) if slot >= 0 else (0.0, 0.0) for slot in biases.slots[number]
        ]
        (azimuth, azimuth_sigma), (elevation, elevation_sigma), (late, late_sigma) = known
        yield SourceState(
            source_id=source_id,
            azimuth_rad=azimuth,
            azimuth_sigma_rad=azimuth_sigma,
            elevation_rad=elevation,
            elevation_sigma_rad=elevation_sigma,
            clock_s=late,
            clock_sigma_s=late_sigma,
            trusted=bool(fuser.state.trusted[number]),
            looked_ns=int(fuser.state.looked_ns[number]) or None,
        )
