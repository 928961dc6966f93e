"""What is known of ground that nobody looks at: where it is open, where the lost may be, what has been searched."""

from typing import Annotated, Literal

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from marsad.kernel.lattice import Lattice
from marsad.kernel.position import GroundCovariance, Position
from marsad.kernel.record import Record
from marsad.kernel.track import Kind

OpenReason = Literal[
    "camera_down", "weather", "too_far", "dead_ground", "out_of_field", "out_of_reach", "unknown_ground"
]
"""Why nobody looks at a place, the easiest to mend first."""

Remedy = Literal["restore_camera", "turn_camera", "send_patrol", "load_terrain"]

AreaState = Literal["unsearched", "searched", "held"]

Ring = tuple[tuple[float, float], ...]
"""Corners (east, north) in metres, in order, the first not repeated at the end."""

Outline = tuple[Ring, ...]
"""A polygon: the outer ring counter-clockwise, then its holes clockwise."""


class OpenPart(Record):
    """A piece of a line that nobody looks at now, for one reason.

    `camera_id` is the camera that would see it but for the reason, or is nearest to; `trouble` what has befallen it and
    `since_ns` since when. `unseen_s` is how long ago the place was last really observed, None for never;
    `turn_deg` by how much the camera would have to turn, clockwise above 0.
    """

    from_m: float
    to_m: float
    reason: OpenReason
    remedy: Remedy
    camera_id: str | None = None
    trouble: str = ""
    since_ns: int | None = None
    turn_deg: float | None = None
    unseen_s: float | None = None


class OpenStretch(Record):
    """A stretch of a line across which nobody looks now, from and to in metres along it from its first point."""

    line_id: str
    from_m: float
    to_m: float
    length_m: float
    parts: tuple[OpenPart, ...]


class LostTrack(Record):
    """A track as it was when it was lost, in the site's frame; covariances of place (m2) and velocity (m2/s2)."""

    id: str
    time_ns: int
    kind: Kind
    east_m: float
    north_m: float
    covariance: GroundCovariance
    velocity_east_m_s: float
    velocity_north_m_s: float
    velocity_covariance: GroundCovariance


class NextView(Record):
    """A place where somebody lost would come into view again: how probable within the horizon, and how soon.

    The times are counted from the moment asked about, and hold if he comes into view there at all.
    """

    east_m: float
    north_m: float
    probability: float
    soonest_s: float
    median_s: float


class LineReach(Record):
    """How probably and how soon somebody lost reaches a line within the horizon, seen or not.

    `crossed` is the probability that he has crossed it already, unseen.
    """

    line_id: str
    probability: float
    crossed: float
    soonest_s: float | None
    median_s: float | None


class Whereabouts(Record, eq=False):
    """Where somebody lost could be now.

    `density_km2` is (rows, columns) float32, probability per square kilometre, 0 beyond the 99.9 % region, NaN in
    inhabited places; it is that of being in the sector and outside them, so that nothing can be reckoned back from it.
    `left` is the probability of having left the sector, for one who is not in an inhabited place. `unseen` is how
    probable it was to stay unseen for so long: near 0 the motion model, or the track, was wrong. `inhabited` is the
    probability of being in any inhabited place, None where the site does not let it be told. `effective` is how many
    independent particles carry the answer.
    """

    lost: LostTrack
    time_ns: int
    lattice: Lattice
    density_km2: NDArray[np.float32]
    area_50_km2: float
    area_90_km2: float
    outlines_50: tuple[Outline, ...]
    outlines_90: tuple[Outline, ...]
    left: float
    unseen: float
    inhabited: float | None
    effective: float
    next_views: tuple[NextView, ...] = ()
    lines: tuple[LineReach, ...] = ()


class AreaMark(Record):
    """An officer's word on an area: `by` is who searched or holds it.

    `points` are its corners; they may be left out where the area is a zone of the site or was marked before.
    """

    area_id: Annotated[str, Meta(min_length=1)]
    state: AreaState
    officer: Annotated[str, Meta(min_length=1)]
    reason: Annotated[str, Meta(min_length=1)]
    by: str = ""
    points: tuple[Position, ...] = ()


class AreaStep(Record):
    """One entry of an area's history."""

    time_ns: int
    state: AreaState
    officer: str
    reason: str
    by: str = ""


class AreaReport(Record):
    """How it stands with one area.

    `clear` is the share of it that nobody can have come back to since it was searched; `remaining_km2` is the rest.
    `probability` is how many of those lost are expected there; `effort_s` what a patrol needs to get there and
    search the rest. `merit` ranks areas: probability, or where nobody is lost the share of all that remains,
    for an hour of effort.
    """

    area_id: str
    state: AreaState
    since_ns: int | None
    by: str
    area_km2: float
    clear: float
    remaining_km2: float
    probability: float
    effort_s: float
    merit: float
    history: tuple[AreaStep, ...]
