"""Fewer points of tracks and groups than moments at which they were known."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

from marsad.kernel.event import (
    Event,
    PictureGroupEnded,
    PictureGroupPoint,
    PictureTrackEnded,
    PictureTrackPoint,
    TrackLost,
    TrackPoint,
)

SPACING_NS = 999_000_000
"""A second, less a millisecond: time stamps are rounded, and a point must not wait a whole picture for that."""
REMEMBERED = 10_000
"""So many tracks and groups are remembered; the one longest without a point is forgotten first."""

Name = tuple[str, int | str]
"""A camera's track, or a track or a group of the picture."""


class TrackThinner:
    """Lets one point a second through for each track and group, and everything that is not a point."""

    def __init__(self) -> None:
        self._last_ns: OrderedDict[Name, int] = OrderedDict()

    def keep(self, events: Iterable[Event]) -> list[Event]:
        """The events to be written, in order."""
        return [event for event in events if self._passes(event)]

    def forget(self, events: Sequence[Event]) -> None:
        """Undo `keep` for events that could not be written: the next point of their tracks passes."""
        for event in events:
            name = _point_of(event)
            if name is not None:
                self._last_ns.pop(name, None)

    def _passes(self, event: Event) -> bool:
        ended = _end_of(event)
        if ended is not None:
            self._last_ns.pop(ended, None)
        name = _point_of(event)
        if name is None:
            return True
        last_ns = self._last_ns.get(name)
        # A clock set back starts a new count: a point before the last one is not a repetition of it.
        if last_ns is not None and 0 <= event.time_ns - last_ns < SPACING_NS:
            return False
        self._last_ns[name] = event.time_ns
        self._last_ns.move_to_end(name)
        if len(self._last_ns) > REMEMBERED:
            self._last_ns.popitem(last=False)
        return True


def _point_of(event: Event) -> Name | None:
    """What the event is a point of, None where it is no point."""
    match event:
        case TrackPoint(track=track):
            return f"camera {track.camera_id}", track.track_id
        case PictureTrackPoint(track=fused):
            return "track", fused.track_id
        case PictureGroupPoint(group=group):
            return "group", group.group_id
    return None


def _end_of(event: Event) -> Name | None:
    """What has ended, None where the event says nothing of the kind."""
    match event:
        case TrackLost(camera_id=camera_id, track_id=track_id):
            return f"camera {camera_id}", track_id
        case PictureTrackEnded(track_id=name):
            return "track", name
        case PictureGroupEnded(group_id=name):
            return "group", name
    return None
