"""The one picture: every object or group once, from all sources, on the ground."""

from typing import Literal

from marsad.kernel.position import EnuPoint, GroundCovariance, GroundState
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind

PictureStatus = Literal["tentative", "confirmed", "coasting", "lost"]
Standing = Literal["unknown", "own", "declared"]


class Contributor(Record):
    """A source that a picture track rests on, what it calls it, and when it last saw it."""

    source_id: str
    origin: str
    time_ns: int
    label: int | None = None


class Likely(Record):
    """One of several places where an object may be, and how probable that one is."""

    probability: float
    ground: GroundState


class PictureTrack(Record):
    """One object or group in the picture, with all that is known of it at `time_ns`.

    `track_id` keeps through hand-off between cameras; `formerly` are identities found to be the same. `existence` is
    the probability that there is anything. `likely` holds the alternatives where one ellipse cannot tell the story, the
    likeliest first; `ground` is the likeliest. `standing` says whether it is a patrol of our own (`standing_id`) or
    within what was declared; everything else is unknown.
    """

    track_id: str
    origin: str
    time_ns: int
    status: PictureStatus
    ground: GroundState
    velocity_covariance: GroundCovariance
    existence: float
    first_ns: int
    seen_ns: int
    confirmed_ns: int | None = None
    kind: Kind = "unknown"
    kind_confidence: float = 0.0
    count: Count | None = None
    contributors: tuple[Contributor, ...] = ()
    likely: tuple[Likely, ...] = ()
    formerly: tuple[str, ...] = ()
    standing: Standing = "unknown"
    standing_id: str = ""
    group_id: str = ""


class Waypoint(Record):
    """Where something is expected to be at a time: the middle and one-sigma spread of a predicted corridor."""

    time_ns: int
    centre: EnuPoint
    covariance: GroundCovariance


class LineApproach(Record):
    """When something will be at a line if it goes on: median and the 90 % interval, seconds; which way it goes."""

    line_id: str
    probability: float
    seconds: float
    low_s: float
    high_s: float
    direction: Literal["inward", "outward"]


class PictureGroup(Record):
    """Those who move together: one thing to the officer.

    `members` are picture tracks; `count` counts persons, also those not told apart. `parted_from` and `joined` name
    groups this one came from.
    """

    group_id: str
    time_ns: int
    members: tuple[str, ...]
    count: Count
    kind: Kind
    ground: GroundState
    heading_rad: float | None = None
    speed_m_s: float = 0.0
    parted_from: str = ""
    joined: tuple[str, ...] = ()
    corridor: tuple[Waypoint, ...] = ()
    approaches: tuple[LineApproach, ...] = ()


class SourceState(Record):
    """What has been learnt of one source: its bias with one sigma each, and whether it is trusted.

    Biases are what its measurements are too large by: an azimuth of +1 mrad is seen 1 mrad clockwise of the truth. A
    clock bias is how far its time stamps lie behind the truth.
    """

    source_id: str
    azimuth_rad: float = 0.0
    azimuth_sigma_rad: float = 0.0
    elevation_rad: float = 0.0
    elevation_sigma_rad: float = 0.0
    clock_s: float = 0.0
    clock_sigma_s: float = 0.0
    trusted: bool = True
    reason: str = ""
    looked_ns: int | None = None


class Picture(Record):
    """Everything known at one moment, of one organisation (`local`) or of both (`joint`)."""

    time_ns: int
    tracks: tuple[PictureTrack, ...] = ()
    groups: tuple[PictureGroup, ...] = ()
    sources: tuple[SourceState, ...] = ()
