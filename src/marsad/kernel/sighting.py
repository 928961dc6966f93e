"""What a person saw and told: a patrol, a post, somebody who lives there."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind

SourceGrade = Literal["A", "B", "C", "D", "E", "F"]
"""How reliable whoever tells it has been, from completely (A) to unreliable (E); F cannot be judged."""

ContentGrade = Literal["1", "2", "3", "4", "5", "6"]
"""How credible what is told is, from confirmed (1) to improbable (5); 6 cannot be judged."""

ReporterKind = Literal["patrol", "post", "resident", "other"]


class Sighting(Record):
    """What was seen, where, within what error (one sigma), and when.

    `kept_identity` is the number under which who told it is kept apart, empty where nobody asked.
    """

    sighting_id: str
    what: Annotated[str, Meta(min_length=1)]
    position: Position
    sigma_m: Annotated[float, Meta(gt=0)]
    seen_ns: int
    source: SourceGrade
    content: ContentGrade
    reporter_kind: ReporterKind
    kind: Kind = "unknown"
    count: Count | None = None
    kept_identity: str = ""
