"""The one picture: every object or group once, from all sources, on the ground."""

from typing import Literal

from marsad.kernel.position import EnuPoint, GroundCovariance, GroundState
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind

PictureStatus = Literal["tentative", "confirmed", "coasting", "lost"]
Standing = Literal["unknown", "own", "declared"]


class Contributor(Record):
    """A source that a picture track rests on, what it calls it, when it last saw it, and how many it counted there."""

    source_id: str
    origin: str
    time_ns: int
    label: int | None = None
    count: Count | None = None


class Likely(Record):
    """One of several places where an object may be, and how probable that one is."""

    probability: float
    ground: GroundState


class Waypoint(Record):
    """Where something is expected to be at a time: the middle and one-sigma spread of a predicted corridor."""

    time_ns: int
    centre: EnuPoint
    covariance: GroundCovariance


class LineApproach(Record):
    """When something will be at a line if it goes on as such things do, and which way it goes over.

    `probability` is that of its crossing within the horizon; given that it does, half of the times lie before
    `seconds` and nine tenths between `low_s` and `high_s`.
    """

    line_id: str
    probability: float
    seconds: float
    low_s: float
    high_s: float
    direction: Literal["inward", "outward"]


class PictureTrack(Record):
    """One object or group in the picture, with all that is known of it at `time_ns`.

    `track_id` keeps through hand-off between cameras; `formerly` are identities found to be the same. `existence` is
    the probability that there is anything. `ground` is the mean and covariance of all places it may be at, and
    `likely` holds the alternatives, the likeliest first, where one ellipse cannot tell the story. `standing` says
    whether it is a patrol of our own or was declared (`standing_id`); everything else is unknown.

    `own_covariance` is what is left of the covariance were the sources' biases known, which all that the same sources
    see share. `place_velocity_m2_s` is the covariance of place and velocity: east and north, each with the rate
    east and the rate north. `agility_m2_s3` is the white acceleration it is followed with. `heading_rad` is given where
    it moves for sure; sigmas are one standard deviation.
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
    own_covariance: GroundCovariance | None = None
    place_velocity_m2_s: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    agility_m2_s3: float = 0.1
    heading_rad: float | None = None
    heading_sigma_rad: float = 0.0
    speed_m_s: float = 0.0
    speed_sigma_m_s: float = 0.0
    corridor: tuple[Waypoint, ...] = ()
    approaches: tuple[LineApproach, ...] = ()


class PictureGroup(Record):
    """Those who move together: one thing to the officer.

    `members` are picture tracks; `count` counts heads, also those not told apart. `ground` is the middle of the members
    and its uncertainty, `extent_m` how far they stand from it (root mean square). `parted_from` names the group it came
    from, `joined` those that came into it.
    """

    group_id: str
    time_ns: int
    first_ns: int
    members: tuple[str, ...]
    count: Count
    kind: Kind
    ground: GroundState
    velocity_covariance: GroundCovariance
    standing: Standing = "unknown"
    standing_id: str = ""
    extent_m: float = 0.0
    place_velocity_m2_s: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    agility_m2_s3: float = 0.1
    heading_rad: float | None = None
    heading_sigma_rad: float = 0.0
    speed_m_s: float = 0.0
    speed_sigma_m_s: float = 0.0
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


class PictureSource(Record):
    """A source that the picture is made of, as it was set up.

    One that reports `itself` alone, as a patrol's receiver does, says nothing by its silence. `fingerprint` stands for
    what its reports are held against: where it stands and looks, and over what terrain.
    """

    source_id: str
    reports: Literal["bearings", "places"]
    itself: bool = False
    fingerprint: str = ""


class Picture(Record):
    """Everything known at one moment, of one organisation (`local`) or of both (`joint`)."""

    time_ns: int
    tracks: tuple[PictureTrack, ...] = ()
    groups: tuple[PictureGroup, ...] = ()
    sources: tuple[SourceState, ...] = ()
