"""What the desk is told of what a camera's watch has seen: enough for the picture, and at once what alarms."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from marsad.app.camera_wire import Glance
from marsad.fuse.coverage import BLINDING
from marsad.geo.ground import optics
from marsad.kernel.alert import Alert
from marsad.kernel.event import CameraHealth, Event
from marsad.kernel.measurement import Look, Measurement
from marsad.kernel.site import Camera
from marsad.kernel.track import Track
from marsad.watch.watcher import Observation

LOOK_NS: Final = 240_000_000
"""A camera looks four times a second, as far as the picture is concerned: people do not run away in between."""


_BLUR_PX: Final = 1.1
_TALL_PX, _TALL_SHARE = 0.8, 0.07
"""By how much a box is taller than who is in it, and how far off it then is: `benchmarks/box_heights.py`."""
_TALL_S: Final = 2.0
"""Over how long heights are averaged: over some steps."""


class _Height(NamedTuple):
    """How tall a track's box has been of late, and when it was measured last."""

    height_px: float
    time_ns: int


class Glances:
    """Makes glances of one camera's observations; a camera without a pose gives the picture nothing."""

    def __init__(self, camera: Camera, origin: str) -> None:
        self._camera_id = camera.id
        self._origin = origin
        self._located = camera.pose is not None
        self._focal_px = optics(camera.lens).focal_y_px
        self._heights: dict[int, _Height] = {}
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
        self._measure(time_ns, seen.tracks)
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

    def _measure(self, time_ns: int, tracks: Sequence[Track]) -> None:
        """Average how tall everything is that has just been seen."""
        heights: dict[int, _Height] = {}
        for each in tracks:
            height = self._heights.get(each.track_id, _Height(each.box.h_px, time_ns))
            if each.status == "confirmed":
                share = -math.expm1(-max(time_ns - height.time_ns, 0) / 1e9 / _TALL_S)
                height = _Height(height.height_px + share * (each.box.h_px - height.height_px), time_ns)
            heights[each.track_id] = height
        self._heights = heights

    def _look(self, time_ns: int, tracks: Sequence[Track]) -> Look:
        """The direction of everything that has just been seen, not of what is expected there."""
        measured = tuple(
            self._measured(each) for each in tracks if each.status == "confirmed" and each.bearing is not None
        )
        return Look(
            source_id=self._camera_id, time_ns=time_ns, measurements=measured, origin=self._origin,
            received_ns=time_ns,
        )  # fmt: skip

    def _measured(self, track: Track) -> Measurement:
        tall_px = max(self._heights[track.track_id].height_px - _BLUR_PX, _TALL_PX)
        return Measurement(
            bearing=track.bearing, label=track.track_id, kind=track.kind, kind_confidence=track.kind_confidence,
            count=track.count, height_rad=tall_px / self._focal_px,
            height_sigma_rad=math.hypot(_TALL_PX, _TALL_SHARE * tall_px) / self._focal_px,
        )  # fmt: skip


def followed(seen: Observation) -> tuple[Track, ...]:
    """Those whom the watch follows, whether or not it has just seen them."""
    return tuple(each for each in seen.tracks if each.status in {"confirmed", "coasting"})
