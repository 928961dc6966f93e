"""Live cameras over RTSP: connects, reconnects, and says for how long it was blind."""

import re
from collections import deque
from collections.abc import Iterator
from threading import Event as Flag
from threading import Thread
from typing import Literal, NamedTuple, cast

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError, HTTPClientError, HTTPUnauthorizedError
from av.packet import Packet
from av.video.stream import VideoStream

from marsad.adapters.h264 import PacketTap, Tap, packet_tap
from marsad.adapters.queue import LiveQueue
from marsad.adapters.timing import SECOND_NS, Anchor, Stamp, StreamClock, irregularity
from marsad.adapters.video import claimed_fps, luma, prepare, raw_time_ns, reason, video_stream
from marsad.kernel.error import InputError, MarsadError, UnavailableError
from marsad.kernel.event import CameraLost, CameraRestored, PacketCorrupt, SourceEvent, StreamEnded
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.port import Clock, SourceInfo
from marsad.kernel.record import Record

SCHEMES = ("rtsp://", "rtsps://")
FIRST_HELD = 64
"""At most this many pictures that waited in the connection are held back until their times are known."""
NAP_S = 0.1
"""How long a wait between two attempts may overlook that it should stop."""


class RtspSettings(Record):
    """How patient a live source is.

    The wait before an attempt to reconnect is `first_wait_s`, then twice as long each time up to `longest_wait_s`, each
    shortened by a random share of up to `jitter`, so that many cameras do not come back in step. `max_reconnects`
    attempts in a row without a picture end the stream; None never does. `waiting` pictures at most wait for the watch.
    """

    transport: Literal["tcp", "udp"] = "tcp"
    open_timeout_s: float = 5.0
    read_timeout_s: float = 5.0
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    jitter: float = 0.5
    max_reconnects: int | None = None
    waiting: int = 16
    threads: int = 1


PATIENT = RtspSettings()


def masked(address: str) -> str:
    """The address without the user, password or key in it, fit for logs and events."""
    hidden = re.sub(r"^([A-Za-z][A-Za-z0-9+.-]*://).*@", r"\1***@", address)
    return re.sub(r"(?i)((?:pass\w*|pwd|token|secret|key|auth)=)[^&/?#]*", r"\1***", hidden)


def wait_s(attempt: int, settings: RtspSettings, share: float) -> float:
    """How long to wait before reconnection `attempt` (from 0); `share` is a random number in [0, 1)."""
    longest = min(settings.longest_wait_s, settings.first_wait_s * 2.0 ** min(attempt, 32))
    return longest * (1.0 - settings.jitter * share)


class Heard(NamedTuple):
    """A picture off the wire, or None and what was wrong with it."""

    stamp: Stamp
    received_ns: int
    counts: Counts | None
    detail: str = ""
    pts: int | None = None


class Connection:
    """One session with a camera.

    Iterating yields what is heard and when it was measured, and raises UnavailableError when the camera is lost.

    Raises: InputError where the camera refuses what is asked, UnavailableError where it sends no pictures.
    """

    def __init__(
        self, address: str, settings: RtspSettings, clock: Clock, *, camera_id: str = "", tap: Tap | None = None
    ) -> None:
        self._address = address
        self._settings = settings
        self._clock = clock
        self._opened_ns = clock.now_ns()
        self._stamp = Stamp(time_ns=0)
        self._container = self._open()
        try:
            self._video = video_stream(self._container, masked(address))
            prepare(self._video, settings.threads)
            self.tap = packet_tap(camera_id, self._video, tap)
            self._fps = claimed_fps(self._video)
            self._times = StreamClock(round(SECOND_NS / self._fps) if self._fps else 0)
            self._stream = self._pictures()
            self._held = self._settle()
            self._anchor = Anchor([(h.stamp.time_ns, h.received_ns) for h in self._held if h.counts is not None])
            self.info = self._info()
            self.heard_ns = self._held[0].received_ns
        except BaseException:
            self._container.close()
            raise

    def __iter__(self) -> Iterator[tuple[Heard, int]]:
        """Yield what is heard and when it was measured, UTC."""
        while self._held:
            yield self._timed(self._held.popleft())
        for heard in self._stream:
            yield self._timed(heard)

    def close(self) -> None:
        """Hang up."""
        self._container.close()

    def _open(self) -> InputContainer:
        s = self._settings
        options = {
            "rtsp_transport": s.transport,
            # The session description says what the stream is: probing would only hold the first second back.
            "probesize": "32",
            "fpsprobesize": "0",
        }
        try:
            return av.open(self._address, "r", options=options, timeout=(s.open_timeout_s, s.read_timeout_s))
        except FFmpegError as error:
            failure = self._failure(error)
        # Raised out here because FFmpeg's error names the address, and with it the password.
        raise failure

    def _failure(self, error: FFmpegError) -> MarsadError:
        name = masked(self._address)
        if isinstance(error, HTTPUnauthorizedError):
            return InputError(f"{name}: the camera refuses the login (401); check user and password")
        if isinstance(error, HTTPClientError):
            return InputError(f"{name}: {reason(error)}; check the path behind the host name")
        if self._since_s(self._opened_ns) >= self._settings.open_timeout_s:
            return UnavailableError(f"{name}: no answer within {self._settings.open_timeout_s:g} s; is it switched on?")
        return UnavailableError(f"{name}: cannot connect ({reason(error)}); check address, cable and power")

    def _settle(self) -> deque[Heard]:
        """What is heard first, as much as is needed to know how late it is.

        Pictures that waited in the connection come all at once; the first that had to be waited for is hardly late.
        """
        held = deque([next(self._stream)])
        for heard in self._stream:
            waited_ns = heard.received_ns - held[-1].received_ns
            held.append(heard)
            if waited_ns * 2 >= self._times.interval_ns or len(held) == FIRST_HELD:
                break
        return held

    def _info(self) -> SourceInfo:
        counts = cast("Counts", self._held[0].counts)  # nothing is heard before the first whole picture
        return SourceInfo(
            width_px=counts.shape[1],
            height_px=counts.shape[0],
            bits=counts.dtype.itemsize * 8,
            fps=self._fps,
            started_ns=self._anchor.time_ns(self._held[0].stamp.time_ns, self._held[0].received_ns),
        )

    def _timed(self, heard: Heard) -> tuple[Heard, int]:
        return heard, self._anchor.time_ns(heard.stamp.time_ns, heard.received_ns)

    def _pictures(self) -> Iterator[Heard]:
        """What comes off the wire, from the first whole picture on; before it, a stream entered midway is no damage."""
        begun = False
        for packet in self._packets():
            for heard in self._decoded(packet):
                begun = begun or heard.counts is not None
                if begun:
                    yield heard
            if not begun and self._since_s(self._opened_ns) > self._settings.open_timeout_s:
                raise UnavailableError(f"{masked(self._address)}: sends nothing that can be decoded; use H.264")

    def _packets(self) -> Iterator["Packet[VideoStream]"]:
        asked_ns = self._clock.now_ns()
        why = "the camera ended the stream"
        try:
            for packet in self._container.demux(self._video):
                yield packet
                asked_ns = self._clock.now_ns()
        except FFmpegError as error:
            silent = self._since_s(asked_ns) >= self._settings.read_timeout_s
            why = f"silent for {self._settings.read_timeout_s:g} s" if silent else reason(error)
        raise UnavailableError(why)

    def _decoded(self, packet: "Packet[VideoStream]") -> Iterator[Heard]:
        received_ns = self._clock.now_ns()
        if self.tap is not None:
            self.tap.take(packet)
        try:
            pictures = packet.decode()
        except FFmpegError as error:
            if self.tap is not None:
                self.tap.drop()
            yield Heard(self._stamp, received_ns, None, reason(error))
            return
        for picture in pictures:
            if picture.is_corrupt:
                yield Heard(self._stamp, received_ns, None, "picture damaged")
                continue
            self._stamp = self._times.stamp(raw_time_ns(picture))
            yield Heard(self._stamp, received_ns, luma(picture), pts=picture.pts)

    def _since_s(self, then_ns: int) -> float:
        return (self._clock.now_ns() - then_ns) / SECOND_NS


class RtspSource:
    """A `FrameSource` over one live camera.

    A thread of its own connects, decodes and reconnects; pictures that the watch cannot take in time are dropped, the
    oldest first, and counted. Times are of our clock, spaced as the camera's stamps say. A camera that changes the size
    of its pictures counts as lost until it changes back. `tap` gets the coded pictures of an H.264 stream, with
    the times of their frames, in the source's own thread.

    Raises: InputError where the camera refuses what is asked, UnavailableError where it does not answer.
    """

    def __init__(
        self,
        address: str,
        camera_id: str,
        *,
        clock: Clock,
        rng: np.random.Generator,
        settings: RtspSettings = PATIENT,
        tap: Tap | None = None,
    ) -> None:
        self.camera_id = camera_id
        self._tap = tap
        self._address = address
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._stop = Flag()
        self._queue = LiveQueue(settings.waiting)
        self._index = 0
        self._delivered = 0
        self._last_ns = 0
        self._told = ""
        connection = self._connect()
        self.info = connection.info
        self._heard_ns = connection.heard_ns
        self._thread = Thread(target=self._run, args=(connection,), name=f"rtsp {camera_id}", daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        """Yield the pictures and what befell them, waiting for each."""
        return iter(self._queue)

    def stop(self) -> None:
        """Let the stream end soon, with `StreamEnded` after what waits."""
        self._stop.set()

    def close(self) -> None:
        """Hang up, and forget what waits."""
        self._stop.set()
        self._queue.end()
        self._queue.clear()
        self._thread.join(self._settings.open_timeout_s + self._settings.read_timeout_s)

    def _connect(self) -> Connection:
        return Connection(self._address, self._settings, self._clock, camera_id=self.camera_id, tap=self._tap)

    def _run(self, first: Connection) -> None:
        connection: Connection | None = first
        try:
            while connection:
                why = self._watch(connection)
                connection = None if self._stop.is_set() else self._reconnect(why)
        except Exception as error:  # noqa: BLE001 - raised again where the pictures are taken
            self._queue.end(error)
        self._queue.put(StreamEnded(time_ns=self._now_ns(), camera_id=self.camera_id, frames=self._delivered))
        self._queue.end()

    def _watch(self, connection: Connection) -> str:
        """Pass on what the camera sends; why it was lost."""
        try:
            for heard, time_ns in connection:
                if self._stop.is_set():
                    break
                self._take(heard, time_ns, connection.tap)
        except UnavailableError as error:
            return str(error)
        finally:
            connection.close()
        return ""

    def _take(self, heard: Heard, measured_ns: int, tap: PacketTap | None) -> None:
        """Queue a picture with what befell it. Raises UnavailableError where its size is another."""
        index, self._index = self._index, self._index + 1
        time_ns = self._last_ns = max(measured_ns, self._last_ns + 1)
        if heard.counts is None:
            self._queue.put(
                PacketCorrupt(time_ns=time_ns, camera_id=self.camera_id, after_index=index - 1, detail=heard.detail)
            )
            return
        self._heard_ns = heard.received_ns
        height, width = heard.counts.shape
        if (width, height) != (self.info.width_px, self.info.height_px):
            raise UnavailableError(self._other_size(width, height))
        event = irregularity(heard.stamp, self.camera_id, index, time_ns)
        if event:
            self._queue.put(event)
        if heard.stamp.repeated:
            return
        if tap is not None:
            # The watch may have the frame before the next line is run: the coded picture is there by then.
            tap.settle(heard.pts, time_ns)
        self._delivered += 1
        self._queue.put(
            Frame(
                camera_id=self.camera_id,
                index=index,
                time_ns=time_ns,
                received_ns=heard.received_ns,
                counts=heard.counts,
            )
        )

    def _other_size(self, width: int, height: int) -> str:
        return (
            f"sends {width}x{height} now, not {self.info.width_px}x{self.info.height_px}; "
            "set the camera back, or start the watch again"
        )

    def _reconnect(self, why: str) -> Connection | None:
        """A new connection, or None where it was stopped or has failed too often."""
        self._lost(why)
        attempt = 0
        limit = self._settings.max_reconnects
        while (limit is None or attempt < limit) and self._wait(attempt):
            attempt += 1
            connection = self._try()
            if connection:
                blind_ns = connection.heard_ns - self._heard_ns
                self._queue.put(
                    CameraRestored(
                        time_ns=self._now_ns(), camera_id=self.camera_id, blind_ns=blind_ns, attempts=attempt
                    )
                )
                self._told = ""
                return connection
        return None

    def _try(self) -> Connection | None:
        """A connection, or None; what only a person can mend is told once."""
        try:
            connection = self._connect()
        except UnavailableError:
            return None
        except InputError as error:
            self._lost(str(error))
            return None
        size = connection.info.width_px, connection.info.height_px
        if size == (self.info.width_px, self.info.height_px):
            return connection
        connection.close()
        self._lost(self._other_size(*size))
        return None

    def _lost(self, why: str) -> None:
        if why != self._told:
            self._told = why
            self._queue.put(CameraLost(time_ns=self._now_ns(), camera_id=self.camera_id, detail=why))

    def _wait(self, attempt: int) -> bool:
        """Wait before an attempt; False where the stream is to stop."""
        until_ns = self._clock.now_ns() + round(wait_s(attempt, self._settings, float(self._rng.random())) * SECOND_NS)
        while not self._stop.is_set() and (left_ns := until_ns - self._clock.now_ns()) > 0:
            self._clock.sleep(min(NAP_S, left_ns / SECOND_NS))
        return not self._stop.is_set()

    def _now_ns(self) -> int:
        """Now, but not before the last picture."""
        return max(self._clock.now_ns(), self._last_ns)
