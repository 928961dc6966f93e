"""What one source reports at one moment, before anything is fused."""

from typing import Annotated

from msgspec import Meta

from marsad.kernel.position import BearingMeasurement, GroundCovariance
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind


class GroundFix(Record):
    """A measured place on the ground in the site's ENU frame: a patrol's GPS, a radar plot, a post's report."""

    east_m: float
    north_m: float
    covariance: GroundCovariance


class Measurement(Record):
    """One thing seen by one source: a direction from a camera, or a place on the ground; one of the two is given.

    `label` is the source's own number for it (a camera's track), which says "the same as before" but is no proof.
    `height_rad` is how tall it looks to a camera, from foot to top, and `height_sigma_rad` one sigma of that.
    """

    bearing: BearingMeasurement | None = None
    fix: GroundFix | None = None
    label: Annotated[int, Meta(ge=0)] | None = None
    kind: Kind = "unknown"
    kind_confidence: float = 0.0
    count: Count | None = None
    height_rad: Annotated[float, Meta(gt=0, le=3.2)] | None = None
    height_sigma_rad: Annotated[float, Meta(ge=0)] = 0.0


class Look(Record):
    """All that one source saw at one moment. No measurement means that it looked and saw nothing.

    `origin` is the organisation the source belongs to; `received_ns` is when the look was heard of, 0 where unknown.
    """

    source_id: str
    time_ns: int
    measurements: tuple[Measurement, ...] = ()
    origin: str = "own"
    received_ns: int = 0
