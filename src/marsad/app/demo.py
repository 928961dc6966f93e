"""The command `marsad demo`: the al-Qaim night, played through the very watch that real cameras go through."""

import math
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import msgspec
import numpy as np
from rich.console import Console

from marsad.adapters.truth import TruthFiles
from marsad.adapters.writing import replace_whole
from marsad.app.camera_wire import Glance
from marsad.app.config import load_site
from marsad.app.demo_desk import play_desk
from marsad.app.demo_map import Still
from marsad.app.demo_report import DemoReport, Watched, report_on
from marsad.app.demo_text import narrate, tell
from marsad.app.glance import Glances
from marsad.app.node import CameraNode
from marsad.app.performance import Alarm, Witness
from marsad.app.scenario_file import Loaded, load_scenario
from marsad.app.stage import Stage, make_folders, write_sites
from marsad.kernel.error import InputError
from marsad.kernel.frame import Frame
from marsad.kernel.record import Record
from marsad.kernel.track import Track
from marsad.simulate.scene import Scene, SceneSource
from marsad.simulate.terrain import ILLUSTRATIVE
from marsad.simulate.truth import ActorTruth
from marsad.watch.geolocate import Geolocator
from marsad.watch.watcher import Watcher

SCENARIO = "al-qaim-night"
_ABOUT = f"""{ILLUSTRATIVE}.
All in this folder was made by `marsad demo`: pictures, people and ground are simulated.
Nothing here says anything about a real place.
"""
_COMPILING_FRAMES = 45
_POINT_NS = 999_000_000


class _Job(Record):
    """One camera of the scenario, and where its files go."""

    loaded: Loaded
    camera_id: str
    out: Path


def run_demo(*, seconds: float | None = None, out: Path = Path("out/demo"), as_json: bool = False) -> DemoReport:
    """Play the scene, watch it, print what happened beside the truth, and leave the files in `out`.

    Raises: InputError for a time that is not above 0, UnavailableError where `out` cannot be written to.
    """
    console = Console(quiet=as_json, highlight=False)
    whole = load_scenario(SCENARIO)
    loaded = _cut(whole, seconds)
    scenario = loaded.scenario
    console.print(
        f"[bold]{scenario.name}[/]: {scenario.seconds:.0f} s are played through the watch, "
        f"{len(loaded.camera_ids)} cameras side by side."
    )
    console.print(f"{ILLUSTRATIVE}. Pictures are simulated; the watch is the one that real cameras go through.")
    stage = _set_up(loaded, out)
    watched = _watch_all([_Job(loaded=loaded, camera_id=each, out=out) for each in loaded.camera_ids])
    ours = load_site(out / loaded.names[0])
    desk = play_desk(
        ours, scenario, (glance for each in watched for glance in each.glances), [each.truths for each in watched], out
    )  # fmt: skip
    report = report_on(stage, watched, desk, out, whole.scenario.seconds)
    narrate(stage, watched, report, console)
    tell(report, console)
    if as_json:
        Console(soft_wrap=True, highlight=False, markup=False).print(msgspec.json.encode(report).decode())
    return report


def _cut(loaded: Loaded, seconds: float | None) -> Loaded:
    """The scenario's start."""
    scenario = loaded.scenario
    if seconds is None:
        return loaded
    if not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f"--for {seconds}: how many seconds to play, above 0; the whole is {scenario.seconds:.0f} s")
    cut = msgspec.structs.replace(scenario, seconds=min(seconds, scenario.seconds))
    return msgspec.structs.replace(loaded, scenario=cut)


def _set_up(loaded: Loaded, out: Path) -> Stage:
    """The stage, its site files and terrain in `out`; the numeric kernels are compiled on both cores meanwhile.

    The first time, that takes the longest; afterwards they are kept.
    """
    make_folders(out, loaded.camera_ids)
    compiling = multiprocessing.get_context("spawn").Process(target=_compile_watch, daemon=True)
    compiling.start()
    try:
        stage = Stage(loaded)
        write_sites(stage, out, dict.fromkeys(loaded.camera_ids, ""))
        replace_whole(out / "ABOUT.txt", _ABOUT.encode())
        camera_id = loaded.camera_ids[0]
        stage.scene(camera_id).render(0, stage.started_ns)
        view = stage.known_view(camera_id)
        middle = view.lens.width_px / 2, view.lens.height_px / 2
        Geolocator(view, loaded.sites[0].terrain).locate(middle, (1.0, 1.0), (1.0, 1.0))
        compiling.join()
    finally:
        compiling.terminate()
    return stage


def _compile_watch() -> None:
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


def _watch_all(jobs: Sequence[_Job]) -> list[Watched]:
    """All cameras, a process each, as many at a time as there are cores."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(len(jobs), os.cpu_count() or 1), mp_context=context) as pool:
        return list(pool.map(_watch, jobs))


def _watch(job: _Job) -> Watched:
    """Play one camera's scene to its watch."""
    cv2.setNumThreads(1)  # as `marsad watch` does: one process for each core
    return _Camera(job).run()


class _Camera:
    """One camera's performance: what the watch said and what was true, picture by picture."""

    def __init__(self, job: _Job) -> None:
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
        self._glances = Glances(job.camera_id, site.organisation, located=True)
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
