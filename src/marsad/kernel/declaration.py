"""What was declared beforehand: shepherds, works and other known traffic, with their ground and their hours."""

from typing import Annotated

from msgspec import Meta

from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.track import Kind

Hour = Annotated[float, Meta(ge=0, le=24)]


class Declaration(Record):
    """Somebody who is expected: of these kinds, in this area, at these hours.

    `points` are the area's corners. `from_hour` and `until_hour` are hours of the UTC day, over midnight where the
    second is the smaller; `from_ns` and `until_ns` the first and the last moment, without them for good. `most` is how
    many there may be, all kinds together; whoever comes on top of them is not declared.
    """

    id: Annotated[str, Meta(min_length=1)]
    points: Annotated[tuple[Position, ...], Meta(min_length=3)]
    kinds: Annotated[tuple[Kind, ...], Meta(min_length=1)]
    label: str = ""
    from_hour: Hour = 0.0
    until_hour: Hour = 24.0
    from_ns: int | None = None
    until_ns: int | None = None
    most: Annotated[int, Meta(ge=1)] | None = None
