"""Where something is: on the earth (WGS84) and in a site's own east-north-up frame (ENU)."""

from marsad.kernel.record import Record


class Position(Record, gc=False):
    """A point on the earth, WGS84; height above the ellipsoid unless `Site` says otherwise."""

    latitude_deg: float
    longitude_deg: float
    height_m: float = 0.0


class EnuPoint(Record):
    """A point in the site's tangent frame at `Site.origin`."""

    east_m: float
    north_m: float
    up_m: float = 0.0


class GroundCovariance(Record, gc=False):
    """The symmetric 2x2 covariance of a ground position in the site's ENU frame."""

    east_m2: float
    east_north_m2: float
    north_m2: float


class GroundState(Record):
    """Where a track is on the ground, with its whole uncertainty.

    `multimodal` is set where the camera ray grazes a ridge, so that one ellipse cannot tell the story: the
    object may be on the near or on the far slope.
    """

    position: Position
    east_m: float
    north_m: float
    covariance: GroundCovariance
    velocity_east_m_s: float = 0.0
    velocity_north_m_s: float = 0.0
    range_m: float
    multimodal: bool = False


class BearingMeasurement(Record):
    """The newest direction from a camera to an object, the raw material of fusion.

    Azimuth is clockwise from true north, elevation upward from the horizontal. The covariance is of the pixel
    alone: pose errors are shared by everything a camera sees and are kept with the pose.
    """

    time_ns: int
    azimuth_rad: float
    elevation_rad: float
    azimuth_rad2: float
    azimuth_elevation_rad2: float
    elevation_rad2: float
    pose_version: int
