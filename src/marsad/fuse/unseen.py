"""Where those are whom nobody sees any more: as far from where they were last seen as they may have walked.

What the ground seems to hide says where to look for somebody, and little of who he is: the elevation data are wrong
alike at every look, and so what a track is thought to be after a minute of silence is often wrong by more than it says.
Whether two are the same people is asked of where both were seen and of what can be walked since.
"""

import math
from typing import Final, NamedTuple

from msgspec.structs import replace

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.picture import PictureTrack
from marsad.kernel.position import GroundCovariance

_NS = 1_000_000_000
_STEADY_S: Final = 120.0
_WALK_M_S: Final = 1.0
"""How much faster or slower than expected somebody may go for long, one sigma of each component."""
_FRESH_S: Final = 1.5

Three = tuple[float, float, float]


class Sighting(NamedTuple):
    """A place, a velocity and their covariances (east, east-north, north), as of a moment somebody was seen."""

    time_ns: int
    place_m: tuple[float, float]
    velocity_m_s: tuple[float, float]
    cover_m2: Three
    own_m2: Three
    rate_m2_s2: Three
    agility_m2_s3: float


def sighting_of(track: PictureTrack) -> Sighting | None:
    """The track as it was seen just now; nothing where it was not."""
    if track.status == "coasting" or track.time_ns - track.seen_ns > round(_FRESH_S * _NS):
        return None
    ground = track.ground
    return Sighting(
        track.time_ns, (ground.east_m, ground.north_m), (ground.velocity_east_m_s, ground.velocity_north_m_s),
        _three(ground.covariance), _three(track.own_covariance or ground.covariance), _three(track.velocity_covariance),
        track.agility_m2_s3,
    )  # fmt: skip


def carried(track: PictureTrack, seen: Sighting, frame: EnuFrame) -> PictureTrack:
    """The track where it may be by its own time, as it was last seen."""
    step_s = max((track.time_ns - seen.time_ns) / _NS, 0.0)
    kept = _STEADY_S * -math.expm1(-step_s / _STEADY_S)
    slower = math.exp(-step_s / _STEADY_S)
    grown = min(seen.agility_m2_s3 * step_s**3 / 3, (_WALK_M_S * step_s) ** 2)
    east, north = (seen.place_m[k] + kept * seen.velocity_m_s[k] for k in range(2))
    up_m = frame.point(track.ground.position).up_m
    ground = replace(
        track.ground, position=frame.position(east, north, up_m), east_m=east, north_m=north, multimodal=False,
        velocity_east_m_s=slower * seen.velocity_m_s[0], velocity_north_m_s=slower * seen.velocity_m_s[1],
        covariance=_sum(seen.cover_m2, seen.rate_m2_s2, kept**2, grown),
    )  # fmt: skip
    faster = min(seen.agility_m2_s3 * step_s, _WALK_M_S**2)
    return replace(
        track, ground=ground, own_covariance=_sum(seen.own_m2, seen.rate_m2_s2, kept**2, grown),
        velocity_covariance=_sum(seen.rate_m2_s2, (0.0, 0.0, 0.0), 0.0, faster),
    )  # fmt: skip


def _three(cover: GroundCovariance) -> Three:
    return cover.east_m2, cover.east_north_m2, cover.north_m2


def _sum(cover: Three, rate: Three, times: float, more: float) -> GroundCovariance:
    a, b, c = (each + times * rates for each, rates in zip(cover, rate, strict=True))
    return GroundCovariance(east_m2=a + more, east_north_m2=b, north_m2=c + more)
