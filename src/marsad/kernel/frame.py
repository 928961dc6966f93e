"""One picture from one camera."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from marsad.kernel.record import Record, read_only

Counts = NDArray[np.uint8] | NDArray[np.uint16]


class Frame(Record, eq=False):
    """One picture: `counts` is (H, W), uint8 or uint16, read-only, row 0 at the top.

    `time_ns` is when it was measured (UTC, or since the stream's start for a file without a date), `received_ns`
    when it was heard. `index` counts the source's frames from 0, dropped ones included.
    """

    camera_id: str
    index: int
    time_ns: int
    received_ns: int
    counts: Counts

    def __post_init__(self) -> None:
        """Freeze the picture, so that no stage can paint on what the next one sees."""
        msgspec.structs.force_setattr(self, "counts", read_only(self.counts))
