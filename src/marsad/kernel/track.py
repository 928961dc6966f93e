"""One object followed through the pictures of one camera."""

from typing import Literal

from marsad.kernel.detection import Box
from marsad.kernel.position import BearingMeasurement, GroundState
from marsad.kernel.record import Record

Kind = Literal["person", "group", "vehicle", "animal", "flying", "vegetation", "unknown"]
Status = Literal["tentative", "confirmed", "coasting", "standing", "lost"]


class Size(Record):
    """How large an object is, in metres across the line of sight, and how well that is known (one sigma)."""

    width_m: float
    height_m: float
    sigma_m: float


class Count(Record):
    """How many members a group has: the best guess and what it can hardly be below or above (90 %)."""

    best: int
    low: int
    high: int


class Track(Record):
    """One object followed through one camera's pictures, as known at `time_ns`.

    `origin` is the organisation that made it. The image state is always there (velocity in pixels a second);
    `ground`, `bearing` and `size` only when the camera has a pose. `first_ns` is the first detection, which lies
    before `confirmed_ns`, the moment the track was believed.
    A `standing` track is something that stood there from the start and has not moved. The `kind_confidence` of an
    unknown is the share of the kinds that raise alerts: below a half it is likely harmless; at 0 nothing was weighed.
    """

    track_id: int
    camera_id: str
    origin: str
    time_ns: int
    frame_index: int
    status: Status
    box: Box
    velocity_x_px_s: float
    velocity_y_px_s: float
    contrast_counts: float
    snr: float
    kind: Kind
    kind_confidence: float
    confidence: float
    first_ns: int
    confirmed_ns: int | None = None
    ground: GroundState | None = None
    bearing: BearingMeasurement | None = None
    size: Size | None = None
    count: Count | None = None
    group_id: int | None = None
