"""What a partner told of something that moves, as it is taken into our own picture."""

from typing import Annotated

from msgspec import Meta

from marsad.kernel.joint import Cell, PartyId, TimeNs, Told
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind

Metres = Annotated[int, Meta(ge=0, le=100_000)]
Seconds = Annotated[int, Meta(ge=0, le=86_400)]


class PartnerTrack(Record):
    """One thing at one moment, as coarsely as its rule tells it.

    It was somewhere in `cell` at some time between `hold_s` before and `time_precision_s` after `time_ns`, and the
    giver itself knew that place within `sigma_m`. `ended` says that no more will be told of it.
    """

    release_id: Told
    thing_id: Told
    origin: PartyId
    time_ns: TimeNs
    cell: Cell
    cell_m: Annotated[int, Meta(ge=1, le=100_000)]
    sigma_m: Metres = 0
    time_precision_s: Seconds = 0
    hold_s: Seconds = 0
    kind: Kind = "unknown"
    count: Count | None = None
    velocity_m_s: tuple[float, float] | None = None
    ended: bool = False
    exercise: bool = False
