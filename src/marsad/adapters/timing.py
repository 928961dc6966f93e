"""Time stamps of a stream made trustworthy: gaps and repeats told apart, broken clocks carried on."""

from collections import deque
from collections.abc import Sequence
from statistics import median

from marsad.kernel.event import FrameDuplicate, FrameGap
from marsad.kernel.record import Record

SECOND_NS = 1_000_000_000
DEFAULT_INTERVAL_NS = SECOND_NS // 25
GAP_INTERVALS = 1.5
RESET_NS = 2 * SECOND_NS
"""A step back by more than this is a clock that was set, not a picture sent twice."""
DRIFT = 200e-6
"""How fast a camera's clock may run away from ours, as a share of the time passed; crystals are ten times better."""
REPEATS = 5
"""After this many stamps in a row that do not advance, the clock stands still and is no longer believed."""
LEARNT = 32
"""The usual interval is the median of this many: a camera that changes its rate reports a few gaps, then none."""
TRUSTED = 8
"""From this many intervals on, the median is believed more than the rate that the source claims."""


class Stamp(Record):
    """When a picture was measured.

    `gap_ns` is the time without any picture before it, 0 where there is no gap, and `missing` about how many are
    missing; a `repeated` picture should be left out.
    """

    time_ns: int
    gap_ns: int = 0
    missing: int = 0
    repeated: bool = False


def irregularity(stamp: Stamp, camera_id: str, index: int, time_ns: int) -> FrameGap | FrameDuplicate | None:
    """What is to be told about the time of picture `index`, None where it is as usual."""
    if stamp.repeated:
        return FrameDuplicate(time_ns=time_ns, camera_id=camera_id, index=index)
    if not stamp.gap_ns:
        return None
    return FrameGap(
        time_ns=time_ns, camera_id=camera_id, after_index=index - 1, gap_ns=stamp.gap_ns, missing=stamp.missing
    )


class StreamClock:
    """A stream's own time stamps in, strictly rising times since its first picture out.

    `interval_ns` is the interval that the source claims, 0 where it claims none.
    """

    def __init__(self, interval_ns: int = 0) -> None:
        self._claimed_ns = interval_ns
        self._intervals: deque[int] = deque(maxlen=LEARNT)
        self._last_ns: int | None = None
        self._offset_ns: int | None = None
        self._repeats = 0

    @property
    def interval_ns(self) -> int:
        """The usual time between two pictures."""
        if len(self._intervals) >= TRUSTED or (self._intervals and not self._claimed_ns):
            return max(1, int(median(self._intervals)))
        return self._claimed_ns or DEFAULT_INTERVAL_NS

    def stamp(self, raw_ns: int | None) -> Stamp:
        """The time of the next picture, whose own stamp is `raw_ns` (None where it has none)."""
        if self._last_ns is None or raw_ns is None or self._offset_ns is None:
            return self._without_step(raw_ns)
        step_ns = raw_ns + self._offset_ns - self._last_ns
        if step_ns <= 0:
            return self._repeat(step_ns)
        self._repeats = 0
        # A median is no less than the least: most steps are no gap without its being worked out.
        known = len(self._intervals) >= TRUSTED and step_ns <= GAP_INTERVALS * min(self._intervals)
        interval_ns = step_ns if known else self.interval_ns
        self._intervals.append(step_ns)
        if step_ns <= GAP_INTERVALS * interval_ns:
            return self._advance(self._last_ns + step_ns)
        missing = max(1, round(step_ns / interval_ns) - 1)
        return self._advance(self._last_ns + step_ns, gap_ns=step_ns, missing=missing)

    def _without_step(self, raw_ns: int | None) -> Stamp:
        """The time of a picture that has nothing to be measured against: the first, or one without its own stamp."""
        time_ns = 0 if self._last_ns is None else self._last_ns + self.interval_ns
        if raw_ns is not None:
            self._offset_ns = time_ns - raw_ns
        return self._advance(time_ns)

    def _repeat(self, step_ns: int) -> Stamp:
        """A picture left out, or, where the stream's clock was set back or stands still, one interval on."""
        last_ns = self._last_ns or 0
        self._repeats += 1
        if self._repeats <= REPEATS and step_ns >= -RESET_NS:
            return Stamp(time_ns=last_ns, repeated=True)
        self._offset_ns = (self._offset_ns or 0) + self.interval_ns - step_ns
        return self._advance(last_ns + self.interval_ns)

    def _advance(self, time_ns: int, *, gap_ns: int = 0, missing: int = 0) -> Stamp:
        self._last_ns = time_ns
        return Stamp(time_ns=time_ns, gap_ns=gap_ns, missing=missing)


class Anchor:
    """Ties a live stream's own times to ours, by when its pictures are heard.

    A picture is never measured after it is heard, and the least delayed ones tell best when: `heard` are the
    (stream time, received) pairs, in nanoseconds, of those that came first.
    """

    def __init__(self, heard: Sequence[tuple[int, int]]) -> None:
        self._offset_ns = min(received_ns - stream_ns for stream_ns, received_ns in heard)
        self._stream_ns = heard[0][0]

    def time_ns(self, stream_ns: int, received_ns: int) -> int:
        """When the picture of stream time `stream_ns` was measured, UTC; never after it was received."""
        late_ns = received_ns - stream_ns - self._offset_ns
        passed_ns = max(0, stream_ns - self._stream_ns)
        # Earlier than ever: the delay was overestimated. Later: perhaps the network, perhaps a slow clock.
        self._offset_ns += min(late_ns, int(passed_ns * DRIFT))
        self._stream_ns = stream_ns
        return self._offset_ns + stream_ns
