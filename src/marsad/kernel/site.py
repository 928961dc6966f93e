"""A stretch of ground to be watched: its line, zones, cameras and terrain."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.position import Position
from marsad.kernel.record import Record

Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]


class Lens(Record):
    """What a camera's picture measures: a pinhole with the field of view below.

    `vertical_fov_deg` follows from square pixels when left out.
    """

    width_px: Annotated[int, Meta(ge=16, le=16384)]
    height_px: Annotated[int, Meta(ge=16, le=16384)]
    horizontal_fov_deg: Annotated[float, Meta(gt=0, lt=170)]
    vertical_fov_deg: Annotated[float, Meta(gt=0, lt=170)] | None = None


class PoseSigma(Record):
    """One standard deviation of each part of a pose."""

    azimuth_deg: NonNegative = 0.1
    elevation_deg: NonNegative = 0.1
    roll_deg: NonNegative = 0.1
    horizontal_m: NonNegative = 2.0
    height_m: NonNegative = 0.5


class Pose(Record):
    """Where a camera stands and looks.

    Azimuth clockwise from true north, elevation upward from the horizontal, roll clockwise as seen from behind the
    camera. `mast_m` is the lens above the ground there; `version` grows when the pose is measured again.
    """

    latitude_deg: Annotated[float, Meta(ge=-90, le=90)]
    longitude_deg: Annotated[float, Meta(ge=-180, le=180)]
    mast_m: NonNegative
    azimuth_deg: Annotated[float, Meta(ge=-360, le=360)]
    elevation_deg: Annotated[float, Meta(ge=-90, le=90)]
    roll_deg: Annotated[float, Meta(ge=-180, le=180)] = 0.0
    ground_height_m: float | None = None
    sigma: PoseSigma = PoseSigma()
    version: Annotated[int, Meta(ge=0)] = 1


class Mask(Record):
    """A rectangle of the picture that is never looked at: a burned-in clock, a mast in front of the lens."""

    x_px: Annotated[int, Meta(ge=0)]
    y_px: Annotated[int, Meta(ge=0)]
    w_px: Annotated[int, Meta(gt=0)]
    h_px: Annotated[int, Meta(gt=0)]


class Camera(Record):
    """One thermal camera: its source (a path, an image folder or an rtsp:// address), lens and pose."""

    id: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\w.-]+$")]
    lens: Lens
    source: str = ""
    pose: Pose | None = None
    masks: tuple[Mask, ...] = ()
    polarity: Literal["both", "hot", "cold"] = "both"
    reach_m: Positive = 20_000.0


class Line(Record):
    """The line that is watched, as points in order; walking along them, `inside` is to the right or to the left.

    `band_m` is how far off the line itself may lie: public border lines disagree by kilometres.
    """

    id: Annotated[str, Meta(min_length=1)]
    points: Annotated[tuple[Position, ...], Meta(min_length=2)]
    inside: Literal["right", "left"] = "right"
    band_m: NonNegative = 0.0
    alert: Literal["inward", "outward", "both"] = "both"


class Zone(Record):
    """A polygon that nobody should enter unseen."""

    id: Annotated[str, Meta(min_length=1)]
    points: Annotated[tuple[Position, ...], Meta(min_length=3)]


class Inhabited(Record):
    """A polygon where people live: no probability of presence is shown there.

    `tell_total` lets the probability of being in any inhabited place be told, as one number; every place must allow it.
    """

    id: Annotated[str, Meta(min_length=1)]
    points: Annotated[tuple[Position, ...], Meta(min_length=3)]
    tell_total: bool = False


class Terrain(Record):
    """Where the elevation comes from and how far it may be wrong.

    Several files are mosaicked, the first named winning. `correlation_m` is the distance over which its errors go
    together. `heights` says what the file's zero is: SRTM and GLO-30 are above the geoid (EGM96, EGM2008).
    """

    files: tuple[str, ...] = ()
    flat_height_m: float | None = None
    sigma_m: NonNegative = 3.0
    correlation_m: Positive = 300.0
    heights: Literal["geoid", "ellipsoid"] = "geoid"
    illustrative: bool = False


class Site(Record):
    """Everything that one site file says."""

    name: Annotated[str, Meta(min_length=1)]
    organisation: Annotated[str, Meta(min_length=1)] = "own"
    origin: Position | None = None
    terrain: Terrain = Terrain()
    cameras: tuple[Camera, ...] = ()
    lines: tuple[Line, ...] = ()
    zones: tuple[Zone, ...] = ()
    inhabited: tuple[Inhabited, ...] = ()
