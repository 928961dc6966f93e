"""What a watch made of a simulated scene, picture by picture, held beside what was really there."""

import math
from collections.abc import Sequence

import msgspec

from marsad.app.stage import Stage
from marsad.kernel.alert import Alert
from marsad.kernel.detection import Box
from marsad.kernel.event import CameraHealth
from marsad.kernel.frame import Frame
from marsad.kernel.record import Record
from marsad.respond.alerting import Alerting
from marsad.simulate.effect import NearThing
from marsad.simulate.truth import ActorTruth
from marsad.watch.geolocate import Geolocator
from marsad.watch.watcher import Observation, Watcher

SEEN = 0.5
"""An actor has come into view once so much of it is visible."""
NEAR_PX = 3.0
"""A box whose middle lies so near an actor's outline is taken to be that actor's."""


class Alarm(Record):
    """An alert with what raised it: an actor, something near the lens, or neither, which is a false alarm."""

    alert: Alert
    time_s: float
    actor: ActorTruth | None = None
    near: NearThing | None = None

    @property
    def cause(self) -> str:
        """What raised it, in a word."""
        if self.actor is not None:
            return self.actor.kind
        return "nothing" if self.near is None else self.near.cause


class Performance(Record):
    """What one camera's watch made of a scene; moments are seconds since its start.

    `entered` says when each actor first came into view, `found` when a confirmed track was first on it, `parties` to
    which party it belongs. `counts` are the best counts that tracks on a party gave, with their moments.
    """

    camera_id: str
    frames: int
    alarms: tuple[Alarm, ...]
    entered: dict[int, float]
    found: dict[int, float]
    parties: dict[int, str]
    counts: dict[str, list[tuple[float, int]]]
    health: tuple[tuple[float, CameraHealth], ...]


class Witness:
    """Collects a performance: `take` every picture's truth, tracks, alerts and events in turn."""

    def __init__(self, camera_id: str, fps: float) -> None:
        self._camera_id = camera_id
        self._fps = fps
        self._frames = 0
        self._alarms: list[Alarm] = []
        self._entered: dict[int, float] = {}
        self._found: dict[int, float] = {}
        self._parties: dict[int, str] = {}
        self._counts: dict[str, list[tuple[float, int]]] = {}
        self._health: list[tuple[float, CameraHealth]] = []

    def take(
        self,
        truths: Sequence[ActorTruth],
        near: Sequence[NearThing],
        seen: Observation,
        alerts: Sequence[Alert],
    ) -> list[Alarm]:
        """The alarms of one picture, with what raised them."""
        time_s = self._frames / self._fps
        self._frames += 1
        for truth in truths:
            if truth.visible >= SEEN:
                self._entered.setdefault(truth.actor_id, time_s)
                self._parties[truth.actor_id] = truth.party
        for track in seen.tracks:
            actor = actor_in(track.box, truths) if track.status == "confirmed" else None
            if actor is None:
                continue
            self._found.setdefault(actor.actor_id, time_s)
            if track.count is not None:
                self._counts.setdefault(actor.party, []).append((time_s, track.count.best))
        self._health += [(time_s, event) for event in seen.events if isinstance(event, CameraHealth)]
        alarms = [_alarm(alert, time_s, truths, near) for alert in alerts]
        self._alarms += alarms
        return alarms

    def performance(self) -> Performance:
        """All of it."""
        return Performance(
            camera_id=self._camera_id,
            frames=self._frames,
            alarms=tuple(self._alarms),
            entered=self._entered,
            found=self._found,
            parties=self._parties,
            counts=self._counts,
            health=tuple(self._health),
        )


def perform(stage: Stage, camera_id: str) -> Performance:
    """Play a scenario to the watch of one camera, in memory."""
    site, camera = stage.site_of(camera_id), stage.camera(camera_id)
    scene, known = stage.scene(camera_id), stage.known_view(camera_id)
    watcher = Watcher(
        camera_id,
        origin=site.organisation,
        geolocator=Geolocator(known, site.terrain),
        metres_per_pixel=known.lookup().metres_per_pixel,
        masks=camera.masks,
        polarity=camera.polarity,
    )
    alerting = Alerting(site)
    witness = Witness(camera_id, scene.imager.fps)
    for index in range(scene.frames):
        time_ns = stage.time_ns(index, scene.imager.fps)
        counts, truths = scene.render(index, time_ns)
        seen = watcher.observe(
            Frame(camera_id=camera_id, index=index, time_ns=time_ns, received_ns=time_ns, counts=counts)
        )
        witness.take(truths, scene.near, seen, alerting.update(seen.tracks, time_ns))
    return witness.performance()


def actor_in(box: Box, truths: Sequence[ActorTruth]) -> ActorTruth | None:
    """The visible actor on whose outline, or a few pixels from it, the middle of a box lies; the nearest of several."""
    near = [truth for truth in truths if truth.visible > 0 and _apart_px(box, truth.box) < NEAR_PX]
    return min(near, key=lambda truth: _apart_px(box, truth.box), default=None)


def _alarm(alert: Alert, time_s: float, truths: Sequence[ActorTruth], near: Sequence[NearThing]) -> Alarm:
    alarm = Alarm(alert=alert, time_s=round(time_s, 3), actor=actor_in(alert.outline, truths))
    if alarm.actor is not None:
        return alarm
    things = [thing for thing in near if _apart_px(alert.outline, thing.box) < NEAR_PX]
    thing = min(things, key=lambda thing: _apart_px(alert.outline, thing.box), default=None)
    return msgspec.structs.replace(alarm, near=thing)


def _apart_px(box: Box, outline: Box) -> float:
    """How far the middle of a box lies from an outline; of outlines it lies in, the one about it comes first."""
    x, y = box.centre_px
    across = max(outline.x_px - x, x - outline.x_px - outline.w_px, 0.0)
    down = max(outline.y_px - y, y - outline.y_px - outline.h_px, 0.0)
    return math.hypot(across, down) + 1e-3 * math.dist(box.centre_px, outline.centre_px)
