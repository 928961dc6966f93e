"""The command `marsad watch`: one process for each source, as many at a time as there are cores."""

import contextlib
import multiprocessing
import os
import queue
import re
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from pathlib import Path
from types import FrameType
from typing import NamedTuple, Protocol

import cv2
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from marsad.adapters.annotate import clock_text
from marsad.adapters.rtsp import masked
from marsad.adapters.sources import is_live, open_source
from marsad.app.config import load_site
from marsad.app.node import CameraNode, WatchResult, to_stderr, watch_file
from marsad.kernel.alert import Alert
from marsad.kernel.error import InputError, MarsadError
from marsad.kernel.port import DetectorModel
from marsad.kernel.record import Record
from marsad.kernel.site import Camera, Site

REPORT_S = 0.2

Told = tuple[str, int, int, int, int] | str
"""Camera, pictures so far, pictures in all (0 where unknown), tracks and alarms; or a line to be read now."""


class Tell(Protocol):
    """Whoever wants to know how far a source is."""

    def put(self, told: Told) -> None:
        """Take the news."""


class Job(Record):
    """One source to be watched."""

    source: str
    camera_id: str
    out: Path
    site: Path | None = None
    fps: float | None = None
    video: bool = True
    model: Path | None = None
    faint: bool = False


class Stop:
    """Turns Ctrl-C and SIGTERM into a wish that is granted after the picture in hand."""

    def __init__(self) -> None:
        self.wished = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._wish)

    def _wish(self, _number: int, _frame: FrameType | None) -> None:
        if self.wished:
            raise KeyboardInterrupt
        self.wished = True


def plan_jobs(
    sources: Sequence[str],
    *,
    site_path: Path | None,
    camera_id: str | None,
    out: Path,
    fps: float | None,
    video: bool,
    model: Path | None,
    faint: bool = False,
) -> list[Job]:
    """What is to be watched, each with a folder of its own where there are several.

    Raises: InputError where sources and the site's cameras do not fit each other.
    """
    site = None if site_path is None else load_site(site_path)
    pairs = _pairs(list(sources), site, camera_id)
    ids = [name for _, name in pairs]
    single = len(pairs) == 1
    return [
        Job(
            source=source,
            camera_id=name,
            out=out if single else out / (name if ids.count(name) == 1 else f"{name}-{number}"),
            site=site_path,
            fps=fps,
            video=video,
            model=model,
            faint=faint,
        )
        for number, (source, name) in enumerate(pairs, start=1)
    ]


def _pairs(sources: list[str], site: Site | None, camera_id: str | None) -> list[tuple[str, str]]:
    """Each source with the name of its camera."""
    if site is None:
        if camera_id is not None and len(sources) > 1:
            raise InputError(f"--camera {camera_id} names one camera, but {len(sources)} sources are given")
        if not sources:
            raise InputError("no source given: name a video, a folder of pictures, a .cptv file or an rtsp:// address")
        return [(source, camera_id or source_name(source)) for source in sources]
    known = ", ".join(camera.id for camera in site.cameras) or "none"
    chosen = [camera for camera in site.cameras if camera_id in {None, camera.id}]
    if not chosen:
        raise InputError(f"--camera {camera_id}: the site has no such camera; it has {known}")
    if not sources:
        if without := [camera.id for camera in chosen if not camera.source]:
            raise InputError(f"camera {without[0]} has no source in the site file; set cameras.source or name a SOURCE")
        return [(camera.source, camera.id) for camera in chosen]
    if len(chosen) != 1 or len(sources) != 1:
        raise InputError(f"say which camera the source is from: --camera ID, one of {known}; with one SOURCE")
    return [(sources[0], chosen[0].id)]


def source_name(source: str) -> str:
    """A camera's name made from its source: the file's or folder's name, or the host of an address."""
    if "://" in source:
        name = masked(source).split("://", 1)[1].rsplit("@", 1)[-1]
    else:
        path = Path(source).resolve()
        name = path.parent.name if path.name == "img1" else (path.name if path.is_dir() else path.stem)
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:64] or "camera"


def run_job(job: Job, tell: Tell | None = None, asked: Event | None = None) -> WatchResult:
    """Watch one source to its end, to the first signal, or until `asked` is set.

    `tell` receives how far it is, every alarm, and what befalls its files; without it these go to standard error.
    """
    cv2.setNumThreads(1)
    site = None if job.site is None else load_site(job.site)
    camera = _camera(site, job.camera_id)
    model = None if job.model is None else _model(job.model)
    source = open_source(job.source, job.camera_id, job.fps)
    stop = Stop()
    told_s = 0.0

    def progress(node: CameraNode) -> bool:
        nonlocal told_s
        now_s = time.monotonic()
        if now_s - told_s > REPORT_S:
            told_s = now_s
            if tell is not None:
                tell.put((job.camera_id, node.frames, source.info.frames, node.tracks, node.alarms))
            if asked is not None and asked.is_set():
                return False
        return not stop.wished

    def say(text: str) -> None:
        if tell is None:
            to_stderr(text)
        else:
            tell.put(text)

    def alarm(alert: Alert) -> None:
        say(f"ALARM {clock_text(alert.time_ns)} {alert.camera_id}: {alert.text}")

    try:
        return watch_file(
            source, out=job.out, name=job.source, site=site, camera=camera, video=job.video, model=model,
            faint=job.faint, progress=progress, tell=say, alarm=alarm,
        )  # fmt: skip
    finally:
        source.close()


def _model(path: Path) -> DetectorModel:
    from marsad.adapters.onnx import OnnxModel

    return OnnxModel(path)


def _camera(site: Site | None, camera_id: str) -> Camera | None:
    if site is None:
        return None
    return next(camera for camera in site.cameras if camera.id == camera_id)


class Ran(NamedTuple):
    """What several sources came to: the results of those that could be watched, and why others could not."""

    results: list[WatchResult]
    failures: list[MarsadError]


def run_jobs(jobs: Sequence[Job], *, show: bool) -> Ran:
    """Watch all sources, a process each, and show how far they are on standard error.

    One that fails is told at once, and the others go on. Raises: what befell it, where there is only one.
    """
    live = sum(is_live(job.source) for job in jobs)
    workers = max(live, min(len(jobs), os.cpu_count() or 1))
    context = multiprocessing.get_context("spawn")
    bars = _Bars(jobs, show=show)
    if len(jobs) == 1:
        with bars:
            return Ran([run_job(jobs[0], bars)], [])
    told: Queue[Told] = context.Queue()
    asked = context.Event()
    # A queue and an event of their own need no server process, which a SIGTERM to all processes would end first.
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(told, asked))
    with pool, bars:
        stop = Stop()
        futures = [pool.submit(_work, job) for job in jobs]
        failures: dict[int, MarsadError] = {}
        while not all(future.done() for future in futures):
            bars.drain(told)
            _tell_failures(futures, failures, bars)
            if stop.wished:
                asked.set()
                for future in futures:
                    future.cancel()
        _tell_failures(futures, failures, bars)
        while bars.drain(told):
            pass
        ended = [future for number, future in enumerate(futures) if number not in failures and not future.cancelled()]
        return Ran([future.result() for future in ended], [failures[number] for number in sorted(failures)])


def _tell_failures(futures: Sequence[Future[WatchResult]], failures: dict[int, MarsadError], bars: "_Bars") -> None:
    """Say of each source that has just failed why; anything but our own errors is raised."""
    for number, future in enumerate(futures):
        if number in failures or not future.done() or future.cancelled():
            continue
        error = future.exception()
        if isinstance(error, MarsadError):
            failures[number] = error
            bars.say(str(error))
        elif error is not None:
            raise error


_begun: list[tuple["Queue[Told]", Event]] = []


def _begin(told: "Queue[Told]", asked: Event) -> None:
    """Keep what a process was given at its start; neither can be handed over with a job."""
    _begun[:] = [(told, asked)]


def _work(job: Job) -> WatchResult:
    return run_job(job, *_begun[0])


class _Bars:
    """Progress bars, one for each source: pictures, speed, time left, tracks and alarms."""

    def __init__(self, jobs: Sequence[Job], *, show: bool) -> None:
        self._progress = Progress(
            TextColumn("{task.fields[name]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[found]}"),
            console=Console(stderr=True),
            disable=not (show and sys.stderr.isatty()),
        )
        self._tasks: dict[str, TaskID] = {}
        for job in jobs:
            self._tasks[job.camera_id] = self._progress.add_task("", name=job.camera_id, total=None, rate="", found="")

    def __enter__(self) -> None:
        self._progress.start()

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def put(self, told: Told) -> None:
        """Show one source's progress, or the line."""
        if isinstance(told, str):
            self.say(told)
            return
        camera_id, frames, total, tracks, alarms = told
        task = self._tasks[camera_id]
        elapsed_s = self._progress.tasks[task].elapsed or 1e-9
        self._progress.update(
            task,
            completed=frames,
            total=total or None,
            rate=f"{frames / elapsed_s:.0f} fps",
            found=f"{tracks} tracks, {alarms} alarms",
        )

    def say(self, text: str) -> None:
        """Print a line beside the bars, on standard error; that it cannot be printed ends no watch."""
        with contextlib.suppress(OSError, ValueError):
            self._progress.console.print(f"marsad: {text}", markup=False, highlight=False, soft_wrap=True)

    def drain(self, told: "Queue[Told]") -> bool:
        """Show what has been told, waiting a little for it; whether there was anything."""
        try:
            self.put(told.get(timeout=REPORT_S))
        except queue.Empty:
            return False
        return True


def summary(results: Sequence[WatchResult]) -> str:
    """What the runs came to, for people, with what a site would add and how to prove the log later."""
    lines = []
    for each in results:
        lines.append(
            f"{each.camera_id}: {each.frames} pictures in {each.seconds:.1f} s ({each.fps:.0f} fps), "
            f"{each.tracks} tracks, {each.alarms} alarms, {each.dropped} dropped"
        )
        if noted := {
            **each.health,
            **{k: n for k, n in each.stream.items() if k not in {"stream_ended", "camera_health"}},
        }:
            lines.append("  noted: " + ", ".join(f"{kind.replace('_', ' ')} {n}" for kind, n in noted.items()))
        lines.append(f"  {each.out}: {', '.join(each.files)}")
        lines += [f"  INCOMPLETE {name}: {why}" for name, why in each.incomplete.items()]
        if each.head:
            lines.append(f"  log head {each.head}")
    if results and all(each.camera_known and not each.located for each in results):
        lines.append("The camera has no pose in the site file, so nothing was located: see docs/howto/calibrate.md.")
    elif results and not any(each.located for each in results):
        lines.append(
            "Tracked in the picture only. With --site SITE.toml --camera ID tracks get a place on the ground with its "
            "uncertainty, sizes in metres, and alarms for lines and zones: see docs/howto/first-watch.md."
        )
    return "\n".join(lines)
