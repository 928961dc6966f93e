"""A rule that has been met, worth an officer's look."""

from typing import Literal

from marsad.kernel.detection import Box
from marsad.kernel.position import GroundState
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind

Rule = Literal["line_crossing", "zone_intrusion", "confirmed_track"]
Priority = Literal["high", "medium", "low"]


class Alert(Record):
    """A rule that a track has met.

    `rule_id` names the line or zone in the site file (the rule itself where there is no site); `direction` is
    "inward", "outward" or empty where the rule has none.
    """

    alert_id: str
    rule: Rule
    rule_id: str
    priority: Priority
    camera_id: str
    track_id: int
    time_ns: int
    frame_index: int
    kind: Kind
    box: Box
    text: str
    direction: str = ""
    ground: GroundState | None = None
    count: Count | None = None
