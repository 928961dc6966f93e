"""A rule that has been met, worth an officer's look."""

from typing import Literal

from marsad.kernel.detection import Box
from marsad.kernel.error import InputError
from marsad.kernel.picture import LineApproach
from marsad.kernel.position import GroundState
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind

Rule = Literal[
    "line_crossing", "zone_intrusion", "confirmed_track", "approach", "loitering", "fence_contact", "group_size",
    "night_vehicle", "patrol_silent", "patrol_astray", "camera_silent", "camera_fault", "link_lost",
    "storage_short", "partner_alarm",
]  # fmt: skip
Priority = Literal["high", "medium", "low"]
About = Literal["object", "camera", "patrol", "link", "storage", "partner"]
"""What an alert is about: somebody or something out there, a camera of ours, a patrol, a link, the disk, or what a
partner told us."""

PlaceKind = Literal["post", "line", "fence", "zone", "camera"]


class PlaceWord(Record):
    """Where something is, as people say it: so far from a named place, in that direction from it.

    `bearing_rad` is clockwise from true north, from the place's nearest point. `name` is empty where the site file
    gives none. `inside` says on which side of a line, or whether in a zone; None where a place has no sides.
    """

    of: PlaceKind
    id: str
    name: str
    distance_m: float
    bearing_rad: float
    inside: bool | None = None


class Crossed(Record):
    """A line that something is past, which way, and since when."""

    line_id: str
    direction: Literal["inward", "outward"]
    time_ns: int


class Facts(Record):
    """What a sentence about an alert or alarm is made of in any language; kind and count stand beside it.

    Everything is as of `time_ns` (0 where nothing is known), also the times in `approach`. `near` is the place people
    tell it by, a post where there is one, and `line` the nearest line. `camera_ids` see it, `reporter_ids` are the
    other sources that it rests on. `trouble` is what is wrong with a camera, a link or a patrol, and `since_ns` since
    when.
    """

    time_ns: int = 0
    near: PlaceWord | None = None
    line: PlaceWord | None = None
    heading_rad: float | None = None
    speed_m_s: float | None = None
    approach: LineApproach | None = None
    crossed: Crossed | None = None
    camera_ids: tuple[str, ...] = ()
    reporter_ids: tuple[str, ...] = ()
    trouble: str = ""
    since_ns: int | None = None


class Alert(Record):
    """A rule that something has met.

    `rule_id` names the line, zone or fence in the site file (the rule itself where there is no such); `direction` is
    "inward", "outward" or empty where the rule has none. An alert of one camera's own names its `camera_id`, `track_id`
    and `box`; one of the picture names its `subject_id`, a group or a track there. One about a camera, a patrol or a
    link names that as `about:ID`.
    """

    alert_id: str
    rule: Rule
    rule_id: str
    priority: Priority
    time_ns: int
    text: str
    camera_id: str = ""
    track_id: int | None = None
    frame_index: int | None = None
    kind: Kind = "unknown"
    box: Box | None = None
    direction: str = ""
    ground: GroundState | None = None
    count: Count | None = None
    about: About = "object"
    subject_id: str = ""
    facts: Facts = Facts()

    @property
    def outline(self) -> Box:
        """Its box in the camera's picture. Raises InputError where no camera raised it."""
        if self.box is None:
            raise InputError(f"alert {self.alert_id} is of no camera's own: it has no box")
        return self.box

    @property
    def number(self) -> int:
        """The camera's own number for it. Raises InputError where no camera raised it."""
        if self.track_id is None:
            raise InputError(f"alert {self.alert_id} is of no camera's own: it has no track there")
        return self.track_id
