"""A recording that is played as if it happened now."""

import itertools
import time

import numpy as np

from marsad.adapters.memory import MemoryFrameSource
from marsad.app.camera_process import AsLive
from marsad.kernel.event import StreamEnded
from marsad.kernel.frame import Frame


def test_it_is_played_at_its_own_pace_and_waits_for_a_late_watch() -> None:
    still = np.zeros((16, 16), np.uint8)
    frames = [Frame(camera_id="mast", index=i, time_ns=i * 100_000_000, received_ns=0, counts=still) for i in range(6)]
    begun_ns, times = time.time_ns(), []
    for item in AsLive(MemoryFrameSource("mast", frames, fps=10.0)):
        if isinstance(item, StreamEnded):
            break
        assert isinstance(item, Frame)
        times.append(item.time_ns)
        if len(times) == 3:
            time.sleep(0.6)
    assert len(times) == 6
    assert times[0] >= begun_ns
    assert [later - earlier >= 99_000_000 for earlier, later in itertools.pairwise(times)] == [True] * 5
    assert times[3] - times[2] >= 500_000_000
    assert times[-1] <= time.time_ns()
