"""One camera's run: source, watch, alerting, log and files, from the first picture to the last."""

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Self

from marsad import __version__
from marsad.adapters.rtsp import masked
from marsad.app.outputs import Outputs, Tell
from marsad.app.watch_start import watcher_for
from marsad.kernel.alert import Alert
from marsad.kernel.event import (
    AlertRaised,
    CameraHealth,
    Event,
    FramesDropped,
    SourceEvent,
    TrackConfirmed,
    WatchEnded,
    WatchStarted,
)
from marsad.kernel.frame import Frame
from marsad.kernel.port import DetectorModel, FrameSource
from marsad.kernel.record import Record
from marsad.kernel.site import Camera, Site
from marsad.respond.alerting import Alerting
from marsad.watch.faint import FaintSettings
from marsad.watch.watcher import Observation, WatchSettings

DEFAULT_FPS = 25.0


class WatchResult(Record):
    """What one camera's run came to; `cpu_seconds` leaves out the drawing of pictures.

    `head` is of what is in the log; `incomplete` names each file that could not be written, or not whole, and why.
    """

    camera_id: str
    source: str
    frames: int
    seconds: float
    cpu_seconds: float
    fps: float
    tracks: int
    alarms: int
    dropped: int
    health: dict[str, int]
    stream: dict[str, int]
    camera_known: bool
    located: bool
    head: str
    out: str | None
    files: list[str]
    incomplete: dict[str, str]


def to_stderr(text: str) -> None:
    """Say it to whoever started the run; that nobody can be told is no reason to end it."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"marsad: {text}\n")
        sys.stderr.flush()


class CameraNode:
    """Takes one source through the watch, the rules and the log."""

    def __init__(
        self,
        source: FrameSource,
        *,
        out: Path | None,
        name: str = "",
        site: Site | None = None,
        camera: Camera | None = None,
        video: bool = True,
        model: DetectorModel | None = None,
        faint: bool = False,
        tell: Tell = to_stderr,
        alarm: Callable[[Alert], None] | None = None,
    ) -> None:
        """Open the files; `tell` hears what befalls them, `alarm` every alert at once. Raises: as `Outputs` does."""
        self._source = source
        self._alarm = alarm
        self._name = masked(name or source.camera_id)
        self._alerting = Alerting(site)
        self._watcher = watcher_for(
            source, site, camera, model, WatchSettings(faint=FaintSettings() if faint else None)
        )
        self._camera_known = camera is not None
        self._located = camera is not None and camera.pose is not None
        fps = source.info.fps or DEFAULT_FPS
        self._outputs = (
            None
            if out is None
            else Outputs(out, fps, video=video, masks=() if camera is None else camera.masks, tell=tell)
        )
        if self._outputs is not None:
            self._watcher.number_from(self._outputs.first_track(source.camera_id))
        self._health: Counter[str] = Counter()
        self._stream: Counter[str] = Counter()
        self.frames = 0
        self.tracks = 0
        self.alarms = 0
        self.dropped = 0
        self._last_ns = source.info.started_ns
        self._start_s = time.perf_counter()
        self._start_cpu_s = time.process_time()
        self._log(self._started())

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Finish the files, whatever happened."""
        if self._outputs is not None:
            self._outputs.close()

    def step(self, item: Frame | SourceEvent) -> tuple[Frame, Observation, list[Alert]] | None:
        """Take the next thing that came from the source; None where it was no picture."""
        if not isinstance(item, Frame):
            self._note(item)
            return None
        self.frames += 1
        self._last_ns = item.time_ns
        seen = self._watcher.observe(item)
        alerts = self._alerting.update(seen.tracks, item.time_ns)
        self._count(seen, alerts)
        raised = [AlertRaised(time_ns=alert.time_ns, alert=alert) for alert in alerts]
        try:
            self._log(*seen.events, *raised)
        finally:
            if self._alarm is not None:
                for alert in alerts:
                    self._alarm(alert)
        if self._outputs is not None:
            self._outputs.write(item, seen, alerts)
        return item, seen, alerts

    def _note(self, event: SourceEvent) -> None:
        self._stream[str(event.__struct_config__.tag)] += 1
        if isinstance(event, FramesDropped):
            self.dropped += event.count
        if isinstance(event, CameraHealth) and not event.ended:
            self._health[event.kind] += 1
        self._log(event)

    def _count(self, seen: Observation, alerts: list[Alert]) -> None:
        self.alarms += len(alerts)
        for event in seen.events:
            if isinstance(event, TrackConfirmed):
                self.tracks += 1
            if isinstance(event, CameraHealth) and not event.ended:
                self._health[event.kind] += 1

    def _log(self, *events: Event) -> None:
        if self._outputs is not None and events:
            self._outputs.log(events)

    def _started(self) -> WatchStarted:
        info = self._source.info
        return WatchStarted(
            time_ns=info.started_ns,
            camera_id=self._source.camera_id,
            source=self._name,
            width_px=info.width_px,
            height_px=info.height_px,
            fps=info.fps,
            software=f"marsad {__version__}",
        )

    def finish(self, reason: str) -> WatchResult:
        """Close the files and say what the run came to. Raises: UnavailableError where too much waits for the log."""
        files = [] if self._outputs is None else self._outputs.finish()
        incomplete = {} if self._outputs is None else self._outputs.incomplete
        ended = WatchEnded(
            time_ns=self._last_ns,
            camera_id=self._source.camera_id,
            reason=f"{reason}; incomplete: {', '.join(incomplete)}" if incomplete else reason,
            frames=self.frames,
            dropped=self.dropped,
        )
        self._log(*self._watcher.finish(self._last_ns), ended)
        head, drawing_s = "", 0.0
        if self._outputs is not None:
            head, drawing_s = self._outputs.close(), self._outputs.drawing_s
        seconds = time.perf_counter() - self._start_s
        return WatchResult(
            camera_id=self._source.camera_id,
            source=self._name,
            frames=self.frames,
            seconds=round(seconds, 3),
            cpu_seconds=round(time.process_time() - self._start_cpu_s - drawing_s, 3),
            fps=round(self.frames / max(seconds, 1e-9), 1),
            tracks=self.tracks,
            alarms=self.alarms,
            dropped=self.dropped,
            health=dict(sorted(self._health.items())),
            stream=dict(sorted(self._stream.items())),
            camera_known=self._camera_known,
            located=self._located,
            head=head,
            out=None if self._outputs is None else str(self._outputs.folder),
            files=files,
            incomplete=dict(incomplete),
        )


def watch_file(
    source: FrameSource,
    *,
    out: Path | None,
    name: str = "",
    site: Site | None = None,
    camera: Camera | None = None,
    video: bool = False,
    model: DetectorModel | None = None,
    faint: bool = False,
    progress: Callable[[CameraNode], bool] | None = None,
    tell: Tell = to_stderr,
    alarm: Callable[[Alert], None] | None = None,
) -> WatchResult:
    """Watch a source to its end, or until `progress`, called after each picture, returns False.

    `tell` hears what befalls the files, `alarm` every alert at once.
    """
    node = CameraNode(
        source, out=out, name=name, site=site, camera=camera, video=video, model=model, faint=faint, tell=tell,
        alarm=alarm,
    )  # fmt: skip
    reason = "the source ended"
    with node:
        for item in source:
            node.step(item)
            if progress is not None and not progress(node):
                reason = "stopped by the operator"
                break
        return node.finish(reason)


class Totals(Record):
    """The figures of a run, summed over its sources, and each source's own; `incomplete` are paths of files."""

    frames: int
    seconds: float
    cpu_seconds: float
    fps: float
    tracks: int
    alarms: int
    dropped: int
    health: dict[str, int]
    incomplete: list[str]
    sources: list[WatchResult]


def totals(results: list[WatchResult]) -> Totals:
    """The figures of a run over all its sources; sources are watched side by side, so the longest time counts."""
    health: Counter[str] = Counter()
    for each in results:
        health.update(each.health)
    frames = sum(each.frames for each in results)
    seconds = max((each.seconds for each in results), default=0.0)
    return Totals(
        frames=frames,
        seconds=seconds,
        cpu_seconds=round(sum(each.cpu_seconds for each in results), 3),
        fps=round(frames / max(seconds, 1e-9), 1),
        tracks=sum(each.tracks for each in results),
        alarms=sum(each.alarms for each in results),
        dropped=sum(each.dropped for each in results),
        health=dict(health),
        incomplete=[str(Path(each.out or "") / name) for each in results for name in each.incomplete],
        sources=results,
    )
