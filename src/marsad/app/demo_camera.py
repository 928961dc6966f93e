"""One camera of the demonstration, in a process of its own; here nothing is drawn, so that it starts soon."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import msgspec
import numpy as np

from marsad.adapters.truth import TruthFiles
from marsad.app.camera_wire import Glance
from marsad.app.config import load_site
from marsad.app.glance import Glances
from marsad.app.node import CameraNode, WatchResult
from marsad.app.performance import Alarm, Performance, Witness
from marsad.app.scenario_file import Loaded
from marsad.app.stage import Stage
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.record import Record
from marsad.kernel.track import Track
from marsad.simulate.scene import Scene, SceneSource
from marsad.simulate.terrain import ILLUSTRATIVE
from marsad.simulate.truth import ActorTruth
from marsad.watch.watcher import Watcher

_COMPILING_FRAMES = 45
_POINT_NS = 999_000_000


class Job(Record):
    """One camera of the scenario, and where its files go."""

    loaded: Loaded
    camera_id: str
    out: Path


class Still(Record, eq=False):
    """One camera's picture with what was known then; `alarmed` are the tracks that raised an alarm in it."""

    camera_id: str
    time_ns: int
    counts: Counts
    tracks: list[Track]
    alarmed: set[int]


class Watched(Record, eq=False):
    """One camera's part of the demonstration, as its process hands it over; paths are thinned to a point a second."""

    performance: Performance
    result: WatchResult
    truths: dict[int, list[ActorTruth]]
    tracks: dict[int, list[Track]]
    still: Still | None
    glances: list[Glance]


def compile_watch() -> None:
    """Let the watch see something warm cross a noisy picture, so that all it needs is compiled and kept."""
    rng = np.random.default_rng(0)
    watcher = Watcher("compiling")
    for index in range(_COMPILING_FRAMES):
        counts = rng.normal(100, 2, (128, 160))
        counts[50:64, 30 + 2 * index : 36 + 2 * index] += 60 * (index > 3)
        time_ns = index * 111_111_111
        watcher.observe(
            Frame(
                camera_id="compiling", index=index, time_ns=time_ns, received_ns=time_ns, counts=counts.astype(np.uint8)
            )
        )


def watch(job: Job) -> Watched:
    """Play one camera's scene to its watch."""
    cv2.setNumThreads(1)  # as `marsad watch` does: one process for each core
    return _Camera(job).run()


class _Camera:
    """One camera's performance: what the watch said and what was true, picture by picture."""

    def __init__(self, job: Job) -> None:
        self._stage = Stage(job.loaded)
        self._id = job.camera_id
        self._folder = job.out / job.camera_id
        self._scene: Scene = self._stage.scene(job.camera_id)
        self._now: list[ActorTruth] = []
        self._source = SceneSource(job.camera_id, self._scene, self._stage.started_ns, self._hear)
        place = job.loaded.sites.index(job.loaded.site_of(job.camera_id))
        self._known = load_site(job.out / job.loaded.names[place])
        self._witness = Witness(job.camera_id, self._scene.imager.fps)
        self._truths: dict[int, list[ActorTruth]] = {}
        self._tracks: dict[int, list[Track]] = {}
        self._still: Still | None = None
        site = job.loaded.site_of(job.camera_id)
        own = next(camera for camera in site.cameras if camera.id == job.camera_id)
        self._glances = Glances(own, site.organisation)
        self._told: list[Glance] = []

    def run(self) -> Watched:
        """Play to the end."""
        camera = next(camera for camera in self._known.cameras if camera.id == self._id)
        truth = TruthFiles(self._folder, self._id)
        node = CameraNode(
            self._source,
            out=self._folder,
            name=f"simulated scene. {ILLUSTRATIVE}",
            site=self._known,
            camera=camera,
            video=True,
        )
        with node:
            for item in self._source:
                seen = node.step(item)
                if seen is None:
                    continue
                frame, observed, alerts = seen
                glance = self._glances.of(frame.time_ns, observed, alerts, fps=self._scene.imager.fps)
                if glance is not None:
                    self._told.append(glance)
                truth.add(frame.index, self._now, self._scene.near)
                alarms = self._witness.take(self._now, self._scene.near, observed, alerts)
                self._note(frame, observed.tracks, alarms)
            result = node.finish("the scene ended")
        names = truth.close()
        result = msgspec.structs.replace(result, files=[*result.files, *names])
        return Watched(
            performance=self._witness.performance(),
            result=result,
            truths=self._truths,
            tracks=self._tracks,
            still=self._still,
            glances=self._told,
        )

    def _hear(self, truths: Sequence[ActorTruth]) -> None:
        self._now = list(truths)

    def _note(self, frame: Frame, tracks: Sequence[Track], alarms: Sequence[Alarm]) -> None:
        """Keep what the map shows."""
        for truth in self._now:
            path = self._truths.setdefault(truth.actor_id, [])
            if not path or truth.time_ns - path[-1].time_ns >= _POINT_NS:
                path.append(truth)
        followed = [track for track in tracks if track.status in {"confirmed", "coasting"}]
        for track in followed:
            points = self._tracks.setdefault(track.track_id, [])
            if not points or track.time_ns - points[-1].time_ns >= _POINT_NS:
                points.append(track)
        alarmed = {alarm.alert.number for alarm in alarms if alarm.actor is not None}
        if self._still is None or (alarmed and not self._still.alarmed) or (followed and not self._still.tracks):
            self._still = Still(
                camera_id=self._id, time_ns=frame.time_ns, counts=frame.counts.copy(), tracks=followed, alarmed=alarmed
            )
