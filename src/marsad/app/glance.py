"""What the desk is told of what a camera's watch has seen: enough for the picture, and at once what alarms."""

from collections.abc import Sequence
from typing import Final

from marsad.app.camera_wire import Glance
from marsad.fuse.coverage import BLINDING
from marsad.kernel.alert import Alert
from marsad.kernel.event import CameraHealth, Event
from marsad.kernel.measurement import Look, Measurement
from marsad.kernel.track import Track
from marsad.watch.watcher import Observation

LOOK_NS: Final = 240_000_000
"""A camera looks four times a second, as far as the picture is concerned: people do not run away in between."""


class Glances:
    """Makes glances of one camera's observations; a camera that is not `located` gives the picture nothing."""

    def __init__(self, camera_id: str, origin: str, *, located: bool) -> None:
        self._camera_id = camera_id
        self._origin = origin
        self._located = located
        self._looked_ns: int | None = None
        self._ills: set[str] = set()

    def of(
        self, time_ns: int, seen: Observation, alerts: Sequence[Alert], *, fps: float = 0.0,
        before: tuple[Event, ...] = (),
    ) -> Glance | None:  # fmt: skip
        """What there is to be told after a picture, None where that can wait; `before` are events that came first."""
        due = self._looked_ns is None or not 0 <= time_ns - self._looked_ns < LOOK_NS
        events = (*before, *seen.events)
        self._feel(events)
        if not (due or alerts or events):
            return None
        if due:
            self._looked_ns = time_ns
        tracks = followed(seen)
        return Glance(
            camera_id=self._camera_id, time_ns=time_ns, fps=fps, tracks=tracks, alerts=tuple(alerts), events=events,
            look=self._look(time_ns, tracks) if due and self._located and not self._ills else None,
        )  # fmt: skip

    def _feel(self, events: Sequence[Event]) -> None:
        """Note what is wrong with the camera: one that is blind neither sees anybody nor sees that nobody is there."""
        for event in events:
            if isinstance(event, CameraHealth) and event.kind in BLINDING:
                (self._ills.discard if event.ended else self._ills.add)(event.kind)

    def _look(self, time_ns: int, tracks: Sequence[Track]) -> Look:
        """The direction of everything that has just been seen, not of what is expected there."""
        measured = tuple(
            Measurement(
                bearing=each.bearing, label=each.track_id, kind=each.kind, kind_confidence=each.kind_confidence,
                count=each.count,
            )
            for each in tracks
            if each.status == "confirmed" and each.bearing is not None
        )  # fmt: skip
        return Look(
            source_id=self._camera_id, time_ns=time_ns, measurements=measured, origin=self._origin,
            received_ns=time_ns,
        )  # fmt: skip


def followed(seen: Observation) -> tuple[Track, ...]:
    """Those whom the watch follows, whether or not it has just seen them."""
    return tuple(each for each in seen.tracks if each.status in {"confirmed", "coasting"})
