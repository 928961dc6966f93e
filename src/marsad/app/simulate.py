"""The command `marsad simulate`: a scenario rendered as recordings or live cameras, with the truth beside them."""

import math
import multiprocessing
import os
import queue
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Self

import cv2
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from marsad.adapters.recording import RecordingFormat, open_recording
from marsad.adapters.truth import TruthFiles
from marsad.adapters.writing import replace_whole
from marsad.app.scenario_file import Loaded, load_scenario, shipped_names
from marsad.app.stage import Stage, make_folders, write_sites
from marsad.kernel.error import InputError
from marsad.kernel.frame import Counts
from marsad.kernel.record import Record
from marsad.simulate.actor import Must, Role
from marsad.simulate.camera import Imager
from marsad.simulate.scene import Scene
from marsad.simulate.terrain import ILLUSTRATIVE
from marsad.simulate.truth import ActorTruth

SEEN = 0.5
"""An actor counts as seen while so much of it is visible."""
REPORT_S = 0.2

Told = tuple[str, int, int]
"""Camera, pictures so far, pictures in all."""
Tell = Callable[[Told], None]


class ActorSeen(Record):
    """One actor as one camera could see it: from when, for how long, how large and how clear at best."""

    actor_id: int
    kind: str
    role: Role
    party: str
    first_s: float
    seen_s: float
    nearest_m: float
    most_height_px: float
    most_snr: float


class CameraResult(Record):
    """What became of one camera; `source` is what `marsad watch` is to be given."""

    camera_id: str
    site: str
    source: str
    frames: int
    fps: float
    width_px: int
    height_px: int
    bits: int
    seconds: float
    actors: tuple[ActorSeen, ...]


class SimulateResult(Record):
    """What was simulated, and how to watch it."""

    name: str
    about: str
    start: str
    simulated_s: float
    seed: int
    illustrative: bool
    must: dict[str, Must]
    cameras: tuple[CameraResult, ...]
    out: str
    sites: tuple[str, ...]
    watch: str

    @property
    def exit_code(self) -> int:
        """0: it was simulated."""
        return 0

    def text(self) -> str:
        """The result for people."""
        return _text(self)


class Wanted(Record):
    """How a scenario is to be rendered: what is left out is as the scenario has it, and all cameras are."""

    out: Path
    cameras: tuple[str, ...] = ()
    format: RecordingFormat = "h264"
    kbit: int = 2000
    frames: int | None = None
    seconds: float | None = None
    seed: int | None = None


class _Job(Record):
    """One camera of a scenario, to be recorded in a folder of its own."""

    loaded: Loaded
    camera_id: str
    wanted: Wanted

    @property
    def folder(self) -> Path:
        """Where its files go."""
        return self.wanted.out / self.camera_id


def simulate(name: str | Path, wanted: Wanted, *, show: bool) -> SimulateResult:
    """Record every camera asked for, side by side, with the truth, site files and terrain beside the recordings.

    Raises: InputError for what the scenario does not have, UnavailableError where `out` cannot be written to.
    """
    loaded, cameras = prepare(name, wanted)
    stage = Stage(loaded)
    make_folders(wanted.out, cameras)
    jobs = [_Job(loaded=loaded, camera_id=camera_id, wanted=wanted) for camera_id in cameras]
    with _Bars(cameras, show=show) as bars:
        results = [record(jobs[0], bars.put)] if len(jobs) == 1 else _side_by_side(jobs, bars)
    fps = f" --fps {results[0].fps:g}" if wanted.format == "png" else ""
    return finish(stage, wanted.out, results, fps)


def prepare(name: str | Path, wanted: Wanted) -> tuple[Loaded, list[str]]:
    """A scenario as it is to be played, and the cameras that are asked for.

    Raises: InputError for a camera it does not have, and for a time or seed that is none.
    """
    loaded = load_scenario(name)
    for camera_id in wanted.cameras:
        loaded.site_of(camera_id)
    scenario = loaded.scenario
    seconds, seed = wanted.seconds, wanted.seed
    if seconds is not None and not 0 < seconds <= scenario.seconds:
        whole = f"the whole is {scenario.seconds:g} s"
        raise InputError(f"--for {seconds}: how many seconds to play, above 0 and up to all; {whole}")
    if wanted.frames is not None and wanted.frames < 1:
        raise InputError(f"--frames {wanted.frames}: how many pictures to play, 1 or more")
    if seed is not None and seed < 0:
        raise InputError(f"--seed {seed}: a whole number of 0 or more")
    deep = wanted.format == "raw16"
    scenario = msgspec.structs.replace(
        scenario,
        seconds=scenario.seconds if seconds is None else seconds,
        seed=scenario.seed if seed is None else seed,
        imager=_gain(scenario.imager, wanted.format),
        imagers={camera_id: _gain(imager, wanted.format) for camera_id, imager in scenario.imagers.items()},
        caption="" if deep else scenario.caption,
    )
    chosen = [camera_id for camera_id in loaded.camera_ids if not wanted.cameras or camera_id in wanted.cameras]
    return msgspec.structs.replace(loaded, scenario=scenario), chosen


def _gain(imager: Imager, kind: RecordingFormat) -> Imager:
    """The imager with as many bits as the recording holds; pictures in files hold either."""
    if kind == "raw16":
        return msgspec.structs.replace(imager, gain="raw16")
    if kind == "h264" and imager.gain == "raw16":
        return msgspec.structs.replace(imager, gain="automatic")
    return imager


def record(job: _Job, tell: Tell) -> CameraResult:
    """Record one camera to the end; `tell` hears how far it is."""
    cv2.setNumThreads(1)
    stage = Stage(job.loaded)
    scene = stage.scene(job.camera_id)
    notes = Notes(stage, job.camera_id, scene)
    frames = frames_of(scene, job.wanted.frames)
    with ExitStack() as stack:
        recording = open_recording(
            job.folder,
            job.wanted.format,
            fps=scene.imager.fps,
            started_ns=stage.started_ns,
            bit_rate=1000 * job.wanted.kbit,
        )
        stack.callback(recording.close)
        truth = TruthFiles(job.folder, job.camera_id)
        stack.callback(truth.close)
        told_s = 0.0
        for index in range(frames):
            counts, truths = scene.render(index, stage.time_ns(index, scene.imager.fps))
            recording.write(counts)
            truth.add(index, truths, scene.near)
            notes.add(counts, truths)
            if time.monotonic() - told_s > REPORT_S or index == frames - 1:
                told_s = time.monotonic()
                tell((job.camera_id, index + 1, frames))
    return notes.result(str(recording.path.relative_to(job.wanted.out)))


def frames_of(scene: Scene, most: int | None) -> int:
    """How many pictures of a scene are played."""
    return scene.frames if most is None else min(most, scene.frames)


def _side_by_side(jobs: Sequence[_Job], bars: "_Bars") -> list[CameraResult]:
    """All cameras, a process each, as many at a time as there are cores."""
    context = multiprocessing.get_context("spawn")
    told: Queue[Told] = context.Queue()
    workers = min(len(jobs), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(told,)) as pool:
        futures = [pool.submit(_work, job) for job in jobs]
        while not all(future.done() for future in futures):
            bars.drain(told)
        return [future.result() for future in futures]


_begun: list["Queue[Told]"] = []


def _begin(told: "Queue[Told]") -> None:
    """Keep what a process was given at its start: it cannot be handed over with a job."""
    _begun[:] = [told]


def _work(job: _Job) -> CameraResult:
    return record(job, _begun[0].put)


class Notes:
    """Collects what one camera could see of whom."""

    def __init__(self, stage: Stage, camera_id: str, scene: Scene) -> None:
        self._site = stage.site_of(camera_id).name
        self._camera_id = camera_id
        self._scene = scene
        self._begun_s = time.perf_counter()
        self._frames = 0
        self._bits = 8
        self._seen: dict[int, ActorSeen] = {}

    def add(self, counts: Counts, truths: Sequence[ActorTruth]) -> None:
        """Take one picture and its truth."""
        self._bits = counts.dtype.itemsize * 8
        self._frames += 1
        step_s = 1 / self._scene.imager.fps
        for truth in truths:
            if truth.visible < SEEN:
                continue
            before = self._seen.get(truth.actor_id)
            self._seen[truth.actor_id] = ActorSeen(
                actor_id=truth.actor_id,
                kind=truth.kind,
                role=truth.role,
                party=truth.party,
                first_s=round(truth.frame_index * step_s, 2) if before is None else before.first_s,
                seen_s=round((0.0 if before is None else before.seen_s) + step_s, 3),
                nearest_m=round(min(truth.range_m, math.inf if before is None else before.nearest_m), 1),
                most_height_px=round(max(truth.height_px, 0.0 if before is None else before.most_height_px), 1),
                most_snr=round(max(truth.snr, 0.0 if before is None else before.most_snr), 1),
            )

    def result(self, source: str) -> CameraResult:
        """What it came to."""
        lens = self._scene.view.lens
        return CameraResult(
            camera_id=self._camera_id,
            site=self._site,
            source=source,
            frames=self._frames,
            fps=self._scene.imager.fps,
            width_px=lens.width_px,
            height_px=lens.height_px,
            bits=self._bits,
            seconds=round(time.perf_counter() - self._begun_s, 3),
            actors=tuple(self._seen[actor_id] for actor_id in sorted(self._seen)),
        )


def finish(stage: Stage, out: Path, results: Sequence[CameraResult], options: str) -> SimulateResult:
    """Write the site files and the summary."""
    names = write_sites(stage, out, {result.camera_id: result.source for result in results})
    scenario = stage.scenario
    illustrative = stage.survey is not None
    must = {str(actor.actor_id): actor.must for actor in scenario.actors}
    must |= {party.name: party.must for party in scenario.parties}
    result = SimulateResult(
        name=scenario.name,
        about=scenario.about,
        start=scenario.start.isoformat(),
        simulated_s=scenario.seconds,
        seed=scenario.seed,
        illustrative=illustrative,
        must=must,
        cameras=tuple(results),
        out=str(out),
        sites=tuple(names),
        watch=f"marsad watch --site {out / names[0]}{options}",
    )
    replace_whole(out / "summary.json", msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    about = f"{ILLUSTRATIVE}.\n" if illustrative else ""
    about += "All in this folder was made by `marsad simulate`: the pictures and everybody in them are simulated.\n"
    replace_whole(out / "ABOUT.txt", about.encode())
    return result


def _text(result: SimulateResult) -> str:
    """The result for people."""
    lines = [f"{result.name}: {result.simulated_s:g} s from {result.start}, seed {result.seed}"]
    if result.illustrative:
        lines.append(f"{ILLUSTRATIVE}.")
    for camera in result.cameras:
        speed = camera.frames / max(camera.seconds, 1e-9)
        lines.append(
            f"{camera.camera_id}: {camera.frames} pictures, {camera.width_px}x{camera.height_px}, {camera.bits} bits, "
            f"{camera.fps:g} a second; {speed:.0f} a second were made: {camera.source}"
        )
        for actor in camera.actors:
            party = f" of {actor.party}" if actor.party else ""
            lines.append(
                f"  {actor.kind} {actor.actor_id}{party}: from {actor.first_s:.1f} s for {actor.seen_s:.1f} s, nearest "
                f"{actor.nearest_m:.0f} m, up to {actor.most_height_px:.1f} px, SNR up to {actor.most_snr:.0f}"
            )
    lines += _unseen(result)
    lines.append(f"In {result.out}: {', '.join(result.sites)}, a folder for each camera, summary.json")
    lines.append(f"Watch it: {result.watch}")
    return "\n".join(lines)


def _unseen(result: SimulateResult) -> list[str]:
    """What to say of those who must raise an alarm and whom no camera could see: no watch can find them."""
    seen = {name for camera in result.cameras for actor in camera.actors for name in (str(actor.actor_id), actor.party)}
    unseen = [name for name, must in result.must.items() if must == "alarm" and name not in seen]
    return [f"Must raise an alarm, and no camera played could see them: {', '.join(unseen)}"] if unseen else []


def listing() -> str:
    """The shipped scenarios, one to a line."""
    lines = []
    for name in shipped_names():
        loaded = load_scenario(name)
        cameras = len(loaded.camera_ids)
        seen_by = f"{cameras} camera{'s' if cameras > 1 else ''}"
        lines.append(f"{name:<24}{loaded.scenario.seconds:4.0f} s, {seen_by}: {loaded.scenario.about}")
    return "\n".join(lines)


class _Bars:
    """Progress bars, one for each camera, on standard error."""

    def __init__(self, cameras: Sequence[str], *, show: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not (show and sys.stderr.isatty()),
        )
        self._tasks: dict[str, TaskID] = {name: self._progress.add_task(name, total=None) for name in cameras}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def put(self, told: Told) -> None:
        """Show how far one camera is."""
        camera_id, frames, total = told
        self._progress.update(self._tasks[camera_id], completed=frames, total=total)

    def drain(self, told: "Queue[Told]") -> None:
        """Show what has been told, waiting a little for more."""
        try:
            self.put(told.get(timeout=REPORT_S))
        except queue.Empty:
            return
