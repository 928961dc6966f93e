"""A stretch of ground to be watched: its line, zones, cameras, posts, patrols and terrain."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.alert import Rule
from marsad.kernel.dispatch import Patrol
from marsad.kernel.position import Position
from marsad.kernel.record import Record

Positive = Annotated[float, Meta(gt=0)]
NonNegative = Annotated[float, Meta(ge=0)]
Days = Annotated[float, Meta(ge=1, le=36500)]
Hour = Annotated[int, Meta(ge=0, le=23)]
Share = Annotated[float, Meta(gt=0, lt=1)]


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
    name: str = ""


class Line(Record):
    """The line that is watched, as points in order; walking along them, `inside` is to the right or to the left.

    `band_m` is how far off the line itself may lie: public border lines disagree by kilometres.
    """

    id: Annotated[str, Meta(min_length=1)]
    points: Annotated[tuple[Position, ...], Meta(min_length=2)]
    inside: Literal["right", "left"] = "right"
    band_m: NonNegative = 0.0
    alert: Literal["inward", "outward", "both"] = "both"
    name: str = ""


class Zone(Record):
    """A polygon that nobody should enter unseen."""

    id: Annotated[str, Meta(min_length=1)]
    points: Annotated[tuple[Position, ...], Meta(min_length=3)]
    name: str = ""


class Fence(Record):
    """A fence, as points in order: whoever is at it is worth a look."""

    id: Annotated[str, Meta(min_length=1)]
    points: Annotated[tuple[Position, ...], Meta(min_length=2)]
    name: str = ""


class Post(Record):
    """A place where people keep watch, ours or the other side's: places are told from it, and it may report."""

    id: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\w.-]+$")]
    position: Position
    name: str = ""


class Rules(Record):
    """When the rules of the picture are met.

    `off` are rules that this site does without. What has met a rule has to fall clearly short of it, by `clear` of the
    threshold, before the rule can be met again. The rule of each: `approach` is met by half of the likely times to a
    line within `approach_s`, `soon_s` makes it urgent; `loitering` by staying within `loiter_m` for `loiter_s`, no
    farther than `loiter_band_m` from a line or zone; `fence_contact` by being within `fence_m` of a fence;
    `group_size` by at least `group_size` heads; `night_vehicle` by the sun below `night_sun_deg`. Patrols, cameras and
    links are missed after their times.
    """

    off: tuple[Rule, ...] = ()
    clear: Share = 0.25
    approach_s: Positive = 600.0
    soon_s: Positive = 180.0
    approach_probability: Share = 0.5
    loiter_s: Positive = 300.0
    loiter_m: Positive = 60.0
    loiter_band_m: NonNegative = 1000.0
    fence_m: Positive = 3.0
    fence_probability: Share = 0.5
    group_size: Annotated[int, Meta(ge=2)] = 8
    night_sun_deg: Annotated[float, Meta(ge=-18, le=10)] = -0.833
    patrol_silent_s: Positive = 1800.0
    patrol_astray_s: Positive = 300.0
    camera_silent_s: Positive = 10.0
    camera_fault_s: NonNegative = 5.0
    link_lost_s: Positive = 120.0


class Learning(Record):
    """What officers' marks of nuisance may change.

    From `marks` marks on of one rule, within `reach_m` and `hours` of each other's time of day, an alert there of
    something that nobody can tell waits a second for each mark, `longest_wait_s` at most, and forgets marks older than
    `keep_days`. `lower_priority` lets many marks of several officers make such a medium alarm low.
    """

    on: bool = True
    marks: Annotated[int, Meta(ge=3, le=20)] = 3
    longest_wait_s: Annotated[float, Meta(gt=0, le=10)] = 5.0
    reach_m: Annotated[float, Meta(gt=0, le=200)] = 75.0
    hours: Annotated[float, Meta(gt=0, le=12)] = 3.0
    keep_days: Annotated[float, Meta(gt=0, le=60)] = 14.0
    lower_priority: bool = True


class Retention(Record):
    """For how many days each kind of entry of the log is kept; a kind that is left out is kept for good.

    What is older is erased between `from_hour` and `until_hour` of the station's own time, as `ordered_by` says.
    """

    ordered_by: str = ""
    from_hour: Hour = 2
    until_hour: Hour = 5
    looks_days: Days | None = None
    positions_days: Days | None = None
    alarms_days: Days | None = None
    incidents_days: Days | None = None
    sightings_days: Days | None = None
    partner_days: Days | None = None
    access_days: Days | None = None

    @property
    def keep(self) -> dict[str, float]:
        """For how many days each kind is kept that is not kept for good."""
        days = {name.removesuffix("_days"): getattr(self, name) for name in self.__struct_fields__}
        return {
            kind: days[kind] for kind in days if f"{kind}_days" in self.__struct_fields__ and days[kind] is not None
        }


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
    base_map: str = ""
    cameras: tuple[Camera, ...] = ()
    lines: tuple[Line, ...] = ()
    zones: tuple[Zone, ...] = ()
    inhabited: tuple[Inhabited, ...] = ()
    posts: tuple[Post, ...] = ()
    fences: tuple[Fence, ...] = ()
    patrols: tuple[Patrol, ...] = ()
    rules: Rules = Rules()
    learning: Learning = Learning()
    retention: Retention = Retention()
