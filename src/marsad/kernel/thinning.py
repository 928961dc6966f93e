"""Fewer track points than pictures."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from marsad.kernel.event import Event, TrackLost, TrackPoint

SPACING_NS = 999_000_000
"""A second, less a millisecond: time stamps are rounded, and a point must not wait a whole picture for that."""
REMEMBERED = 10_000
"""So many tracks are remembered; the one longest without a point is forgotten first."""


class TrackThinner:
    """Lets one point a second through for each (camera, track), and everything that is not a point."""

    def __init__(self) -> None:
        self._last_ns: OrderedDict[tuple[str, int], int] = OrderedDict()

    def keep(self, events: Iterable[Event]) -> list[Event]:
        """The events to be written, in order."""
        return [event for event in events if self._passes(event)]

    def forget(self, events: Sequence[Event]) -> None:
        """Undo `keep` for events that could not be written: the next point of their tracks passes."""
        for event in events:
            if isinstance(event, TrackPoint):
                self._last_ns.pop((event.track.camera_id, event.track.track_id), None)

    def _passes(self, event: Event) -> bool:
        if isinstance(event, TrackLost):
            self._last_ns.pop((event.camera_id, event.track_id), None)
        if not isinstance(event, TrackPoint):
            return True
        key = (event.track.camera_id, event.track.track_id)
        last_ns = self._last_ns.get(key)
        # A clock set back starts a new count: a point before the last one is not a repetition of it.
        if last_ns is not None and 0 <= event.time_ns - last_ns < SPACING_NS:
            return False
        self._last_ns[key] = event.time_ns
        self._last_ns.move_to_end(key)
        if len(self._last_ns) > REMEMBERED:
            self._last_ns.popitem(last=False)
        return True
