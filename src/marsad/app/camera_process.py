"""One camera's process: its source, its watch and its alerts, told to the desk as they happen.

`python -m marsad.app.camera_process` is started by the desk and hears from it over its standard input. It ends when
that does, so that no camera is ever watched for nobody.
"""

import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import cv2
import msgspec
import structlog

from marsad import __version__
from marsad.adapters.film import CameraFilm, FilmWriter
from marsad.adapters.filming import Filming
from marsad.adapters.rtsp import masked
from marsad.adapters.sources import is_live, open_source
from marsad.app.camera_wire import (
    Beat,
    Begun,
    Ended,
    FromCamera,
    Glance,
    Go,
    Orders,
    Pictured,
    Saw,
    Small,
    heard,
    packed,
)
from marsad.app.config import load_site
from marsad.app.glance import Glances, followed
from marsad.app.watch_start import watcher_for
from marsad.kernel.error import InputError, MarsadError
from marsad.kernel.event import (
    CameraLost,
    CameraRestored,
    Event,
    FramesDropped,
    SourceEvent,
    WatchEnded,
    WatchStarted,
)
from marsad.kernel.film import CodedPicture, Filmed, to_message
from marsad.kernel.frame import Frame
from marsad.kernel.port import DetectorModel, FrameSource
from marsad.kernel.site import Camera, Site
from marsad.respond.alerting import Alerting
from marsad.watch.faint import FaintSettings
from marsad.watch.watcher import Watcher, WatchSettings

_log = structlog.get_logger()
NS: Final = 1_000_000_000
PICTURES_WAITING: Final = 8
"""So many pictures wait to be sent; then they are left out, up to the next that needs none before it.

What was seen is never left out.
"""
BEAT_S: Final = 1.0
LEAVE_S: Final = 3.0
LATE_NS: Final = NS // 5
"""A recording whose next picture is later than this goes on from there."""


class Line:
    """The way to the desk: facts go first and all of them, pictures as many as fit."""

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self._facts: deque[bytes] = deque()
        self._pictures: deque[bytes] = deque()
        self._change = threading.Condition()
        self._closed = False
        self._needs_key = True
        self.left_out = 0
        self.busy_since_s: float | None = None
        self._thread = threading.Thread(target=self._send, name="line", daemon=True)
        self._thread.start()

    def say(self, message: FromCamera) -> None:
        """Tell the desk."""
        with self._change:
            self._facts.append(packed(message))
            self._change.notify()

    def show(self, filmed: Filmed) -> None:
        """Let the desk have a picture, if it takes it in time."""
        with self._change:
            if len(self._pictures) >= PICTURES_WAITING:
                self.left_out += len(self._pictures)
                self._pictures.clear()
                self._needs_key = True
            if self._needs_key and not filmed.picture.key:
                self.left_out += 1
                return
            self._needs_key = False
            self._pictures.append(packed(Pictured(message=to_message(filmed))))
            self._change.notify()

    def close(self) -> None:
        """Return when everything that is no picture has been sent, or cannot be."""
        with self._change:
            self._closed = True
            self._change.notify()
        self._thread.join(LEAVE_S)

    def _send(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                data = self._next()
                if data is None:
                    return
                self._door.sendall(data)

    def _next(self) -> bytes | None:
        with self._change:
            if not (self._facts or self._pictures or self._closed):
                self._change.wait(BEAT_S)
            if self._facts:
                return self._facts.popleft()
            if self._closed:
                return None
            if self._pictures:
                return self._pictures.popleft()
            since_s = self.busy_since_s
            busy_s = 0.0 if since_s is None else time.monotonic() - since_s
            return packed(Beat(busy_s=busy_s, left_out=self.left_out))


class Looker:
    """Takes a camera's pictures through its watch and tells the desk what it is to know."""

    def __init__(
        self, orders: Orders, source: FrameSource, site: Site, camera: Camera, line: Line, filming: Filming
    ) -> None:
        model = _model(Path(orders.model)) if orders.model else None
        settings = WatchSettings(faint=FaintSettings() if orders.faint else None)
        self._watcher: Watcher = watcher_for(source, site, camera, model, settings)
        self._watcher.number_from(orders.first_track)
        self._alerting = Alerting(site)
        self._camera_id = camera.id
        self._glances = Glances(camera, site.organisation)
        self._source = source
        self._line = line
        self._filming = filming
        self._moments: deque[float] = deque(maxlen=30)
        self.frames = self.dropped = 0
        self.last_ns = 0
        self._name = "simulated" if orders.story else masked(orders.source)

    def begin(self) -> None:
        """Say that the source is open."""
        info = self._source.info
        self._line.say(Begun(width_px=info.width_px, height_px=info.height_px, fps=info.fps))

    def take(self, item: Frame | SourceEvent) -> None:
        """Take the next thing that came from the source."""
        self._line.busy_since_s = time.monotonic()
        try:
            if isinstance(item, Frame):
                self._look(item)
            else:
                self.dropped += item.count if isinstance(item, FramesDropped) else 0
                self._tell(item.time_ns, (item,))
        finally:
            self._line.busy_since_s = None

    def end(self, reason: str) -> None:
        """Say what is left to be said; a watch that had no picture never began."""
        if not self.frames:
            return
        ended = WatchEnded(
            time_ns=self.last_ns, camera_id=self._camera_id, reason=reason, frames=self.frames, dropped=self.dropped
        )
        self._tell(self.last_ns, (*self._watcher.finish(self.last_ns), ended))

    def _look(self, frame: Frame) -> None:
        first = self.frames == 0
        self.frames += 1
        self.last_ns = frame.time_ns
        self._moments.append(time.monotonic())
        seen = self._watcher.observe(frame)
        alerts = self._alerting.update(seen.tracks, frame.time_ns)
        began = (self._started(frame.time_ns),) if first else ()
        glance = self._glances.of(frame.time_ns, seen, alerts, fps=self._fps(), before=began)
        if glance is not None:
            self._line.say(Saw(glance=glance))
        self._filming.watched(frame, followed(seen))
        small = self._filming.thumbnail(frame)
        if small is not None:
            self._line.say(Small(time_ns=frame.time_ns, jpeg=small))

    def _tell(self, time_ns: int, events: tuple[Event, ...]) -> None:
        for event in events:
            if isinstance(event, CameraLost):
                _log.warning("camera_lost", camera_id=self._camera_id, why=event.detail)
            elif isinstance(event, CameraRestored):
                _log.info("camera_restored", camera_id=self._camera_id, blind_s=round(event.blind_ns / NS, 1))
        glance = Glance(camera_id=self._camera_id, time_ns=time_ns, watched=False, fps=self._fps(), events=events)
        self._line.say(Saw(glance=glance))

    def _fps(self) -> float:
        if len(self._moments) < 2 or self._moments[-1] == self._moments[0]:
            return 0.0
        return round((len(self._moments) - 1) / (self._moments[-1] - self._moments[0]), 1)

    def _started(self, time_ns: int) -> WatchStarted:
        info = self._source.info
        return WatchStarted(
            time_ns=time_ns, camera_id=self._camera_id, source=self._name, width_px=info.width_px,
            height_px=info.height_px, fps=info.fps, software=f"marsad {__version__}",
        )  # fmt: skip


@runtime_checkable
class Paced(Protocol):
    """A source that is played no further than it is told."""

    def go(self, until_ns: int) -> None:
        """It may be played up to this moment."""


class AsLive:
    """A recording played at its own pace as if it happened now; it waits for a late watch, and loses nothing."""

    def __init__(self, source: FrameSource) -> None:
        self.camera_id, self.info = source.camera_id, source.info
        self._source = source
        self._open = True

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        """Yield the pictures, each when it is due."""
        first_ns, begun_ns = 0, time.time_ns()
        for number, item in enumerate(self._source):
            if not self._open:
                return
            first_ns = item.time_ns if number == 0 else first_ns
            due_ns = begun_ns + item.time_ns - first_ns
            late_ns = time.time_ns() - due_ns
            if late_ns > LATE_NS:
                begun_ns, due_ns = begun_ns + late_ns, due_ns + late_ns
            time.sleep(max(-late_ns, 0) / NS)
            yield _moved(item, due_ns)

    def close(self) -> None:
        """Stop; safe to call twice."""
        self._open = False
        self._source.close()


def _moved(item: Frame | SourceEvent, time_ns: int) -> Frame | SourceEvent:
    if isinstance(item, Frame):
        return Frame(
            camera_id=item.camera_id, index=item.index, time_ns=time_ns, received_ns=time_ns, counts=item.counts
        )
    return msgspec.structs.replace(item, time_ns=time_ns)


def _model(path: Path) -> DetectorModel:
    from marsad.adapters.onnx import OnnxModel

    return OnnxModel(path)


def _opened(orders: Orders, tap: Callable[[CodedPicture], None]) -> FrameSource:
    if orders.story is not None:
        from marsad.app.story import StorySource

        return StorySource(orders.story, orders.camera_id)
    if is_live(orders.source):
        return open_source(orders.source, orders.camera_id, orders.fps, tap=tap)
    # A recording is given other times than it has: it is coded anew, so that its film bears the same.
    return AsLive(open_source(orders.source, orders.camera_id, orders.fps))


class Process:
    """The process: the desk is listened to beside the watch."""

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self._source: FrameSource | None = None
        self._stop = threading.Event()

    def run(self) -> int:
        """Watch until the source ends or the desk says so; the exit status."""
        orders = heard(self._door)
        if not isinstance(orders, Orders):
            raise InputError("the desk did not say what is to be watched")
        line = Line(self._door)
        threading.Thread(target=self._listen, name="desk", daemon=True).start()
        frames, error = 0, ""
        try:
            frames = self._watch(orders, line)
        except MarsadError as failure:
            error = str(failure)
        finally:
            if self._source is not None:
                self._source.close()
        line.say(Ended(frames=frames, error=error))
        line.close()
        return 1 if error else 0

    def _watch(self, orders: Orders, line: Line) -> int:
        """Watch, and keep the film; how many pictures there were."""
        site = load_site(Path(orders.site))
        camera = next(each for each in site.cameras if each.id == orders.camera_id)
        with contextlib.ExitStack() as stack:
            keep: Callable[[Filmed], None] | None = None
            if orders.film:
                writer = FilmWriter(CameraFilm(Path(orders.film), camera.id), _tell_of_film(camera.id))
                stack.callback(writer.close)
                keep = writer.put

            def hand_on(filmed: Filmed) -> None:
                line.show(filmed)
                if keep is not None:
                    keep(filmed)

            filming = Filming(camera.id, hand_on, camera.masks)
            stack.callback(filming.finish)
            self._source = _opened(orders, filming.coded)
            looker = Looker(orders, self._source, site, camera, line, filming)
            looker.begin()
            for item in self._source:
                looker.take(item)
                if self._stop.is_set():
                    break
            looker.end("stopped" if self._stop.is_set() else "the source ended")
            return looker.frames

    def _listen(self) -> None:
        """Hear what the desk says; where it has gone, or says so, the watch ends, whatever it waits for."""
        with contextlib.suppress(MarsadError, OSError):
            while True:
                said = heard(self._door)
                if isinstance(said, Go) and isinstance(self._source, Paced):
                    self._source.go(said.until_ns)
                elif not isinstance(said, Go):
                    break
        self._stop.set()
        if self._source is not None:
            self._source.close()
        time.sleep(LEAVE_S)
        os._exit(0)


def _tell_of_film(camera_id: str) -> Callable[[str], None]:
    def tell(why: str) -> None:
        if why:
            _log.warning("film_not_kept", camera_id=camera_id, why=why)
        else:
            _log.info("film_kept_again", camera_id=camera_id)

    return tell


def main() -> None:
    """Watch one camera."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    with socket.socket(fileno=os.dup(0)) as door:
        status = Process(door).run()
    sys.exit(status)


if __name__ == "__main__":
    main()
