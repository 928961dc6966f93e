"""Tracks as a screen is told of them: what is drawn and listed, as exactly as anybody can see."""

from collections.abc import Collection
from typing import Final

from marsad.kernel.picture import Contributor, LineApproach, Picture, PictureStatus, PictureTrack, Standing, Waypoint
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind

FEW: Final = 40
"""Of so many tracks at the most each is told whole; the map draws every predicted corridor of no more than that."""


class GroundShown(Record):
    """Where a track is and how well that is known: degrees to a centimetre, metres to one, three digits of spread."""

    position: Position
    east_m: float
    north_m: float
    covariance: GroundCovariance


class TrackShown(Record, omit_defaults=True):
    """A track as screens are told of it at the message's time; a field that has its default may be left out.

    `brief` ones come without `contributors`, `corridor` and `approaches`: `GET /api/tracks/{track_id}` has those, and
    all else that is known. The fields are those of `PictureTrack`.
    """

    track_id: str
    origin: str
    status: PictureStatus
    ground: GroundShown
    existence: float
    first_ns: int
    seen_ns: int
    kind: Kind
    kind_confidence: float = 0.0
    count: Count | None = None
    standing: Standing = "unknown"
    standing_id: str = ""
    group_id: str = ""
    heading_rad: float | None = None
    speed_m_s: float = 0.0
    speed_sigma_m_s: float = 0.0
    contributors: tuple[Contributor, ...] = ()
    corridor: tuple[Waypoint, ...] = ()
    approaches: tuple[LineApproach, ...] = ()
    brief: bool = False


def tracks_shown(picture: Picture, alarmed: Collection[str]) -> tuple[TrackShown, ...]:
    """The tracks of a picture; of more than a few, all are brief but those that alarms are about (`alarmed`)."""
    few = len(picture.tracks) <= FEW
    return tuple(track_shown(each, brief=not few and each.track_id not in alarmed) for each in picture.tracks)


def track_shown(track: PictureTrack, *, brief: bool) -> TrackShown:
    """The track, whole or brief."""
    return TrackShown(
        track_id=track.track_id, origin=track.origin, status=track.status, ground=_ground(track.ground),
        existence=round(track.existence, 3), first_ns=track.first_ns, seen_ns=track.seen_ns, kind=track.kind,
        kind_confidence=round(track.kind_confidence, 3), count=track.count, standing=track.standing,
        standing_id=track.standing_id, group_id=track.group_id,
        heading_rad=None if track.heading_rad is None else round(track.heading_rad, 3),
        speed_m_s=round(track.speed_m_s, 2), speed_sigma_m_s=round(track.speed_sigma_m_s, 3),
        contributors=() if brief else track.contributors, corridor=() if brief else track.corridor,
        approaches=() if brief else track.approaches, brief=brief,
    )  # fmt: skip


def _ground(ground: GroundState) -> GroundShown:
    place, spread = ground.position, ground.covariance
    return GroundShown(
        position=Position(
            latitude_deg=round(place.latitude_deg, 7), longitude_deg=round(place.longitude_deg, 7),
            height_m=round(place.height_m, 2),
        ),
        east_m=round(ground.east_m, 2),
        north_m=round(ground.north_m, 2),
        covariance=GroundCovariance(
            east_m2=_three(spread.east_m2), east_north_m2=_three(spread.east_north_m2), north_m2=_three(spread.north_m2)
        ),
    )  # fmt: skip


def _three(value: float) -> float:
    """The value to three digits."""
    return float(f"{value:.3g}")
