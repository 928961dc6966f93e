"""Video files through PyAV, as grey pictures with the file's own time stamps."""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from marsad.adapters.timing import SECOND_NS, StreamClock, irregularity
from marsad.kernel.error import InputError
from marsad.kernel.event import PacketCorrupt, SourceEvent, StreamEnded
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.port import SourceInfo

Item = Frame | SourceEvent

LUMA_U8 = frozenset(
    f"{family}{layout}p" for family in ("yuv", "yuvj") for layout in ("420", "422", "444", "440", "411", "410")
) | {"gray", "nv12", "nv21", "nv16", "nv24"}
"""Pixel formats whose first plane is 8-bit luma and nothing else."""
LUMA_U16 = frozenset(
    f"{family}{bits}le" for family in ("gray", "yuv420p", "yuv422p", "yuv444p") for bits in (9, 10, 12, 14, 16)
)
"""Pixel formats whose first plane is luma in the low bits of little-endian 16-bit words."""
NOT_VIDEO = frozenset({"tty"})
"""Containers that FFmpeg sees in any text file."""
READ_FAILURES = 8
"""A file that fails to be read this many times in a row is over."""
AHEAD, AHEAD_BYTES = 24, 8 << 20
"""At most so many pictures of a file are decoded in one go, fewer where they are large: decoding and watching push each
other out of the processor's caches whenever they change places."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def luma(picture: VideoFrame) -> Counts:
    """The picture's luma plane, (H, W), uint8 or uint16: a view on the decoder's memory where the format allows.

    Rows may be padded: the view need not be contiguous. It keeps the memory alive.
    """
    name = picture.format.name
    if name in LUMA_U8:
        return _plane(picture, np.dtype(np.uint8))
    if name in LUMA_U16:
        return _plane(picture, np.dtype("<u2"))
    deep = picture.format.components[0].bits > 8
    return cast("Counts", picture.to_ndarray(format="gray16le" if deep else "gray"))


def _plane(picture: VideoFrame, dtype: np.dtype[np.uint8] | np.dtype[np.uint16]) -> Counts:
    plane = picture.planes[0]
    shape, line = (picture.height, picture.width), plane.line_size
    # Where lines are stored from the bottom up, the first is the last. The array keeps plane and picture alive.
    first = -line * (shape[0] - 1) if line < 0 else 0
    return cast("Counts", np.ndarray(shape, dtype, memoryview(plane), first, (line, dtype.itemsize)))


def raw_time_ns(picture: VideoFrame, base: Fraction | None = None) -> int | None:
    """The picture's own time stamp in nanoseconds, None where it has none.

    `base` are the seconds in which its stream counts: the picture itself makes a new fraction whenever it is asked.
    """
    ticks = picture.pts
    base = base or picture.time_base
    if ticks is None or base is None:
        return None
    return int(ticks * base.numerator * SECOND_NS) // base.denominator


def prepare(stream: VideoStream, threads: int) -> None:
    """Set how many threads decode; one, and nothing is decoded ahead."""
    stream.codec_context.thread_count = threads
    stream.codec_context.thread_type = "NONE" if threads == 1 else "AUTO"


def video_stream(container: InputContainer, name: str) -> VideoStream:
    """The first stream of moving pictures. Raises InputError where there is none."""
    moving = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if container.format.name in NOT_VIDEO or not moving:
        raise InputError(f"{name}: there is no video in it ({container.format.long_name}); give a file that has")
    if moving[0].codec_context is None:
        raise InputError(f"{name}: its codec is not known here; convert it to H.264")
    return moving[0]


def claimed_fps(stream: VideoStream) -> float:
    """The rate that the stream claims, 0 where it claims none that a camera could have."""
    rate = stream.average_rate or stream.guessed_rate
    return float(rate) if rate and Fraction(1, 3600) < rate <= 1000 else 0.0


class VideoSource:
    """A `FrameSource` over one video file.

    Times count from `info.started_ns`, the file's creation time, or from 0 where it has none. With `fps` the file's own
    time stamps are not used. Rotation in the metadata is ignored: the picture is as the camera measured it.
    """

    def __init__(self, path: Path, camera_id: str, *, fps: float | None = None, threads: int = 1) -> None:
        self.camera_id = camera_id
        self._path = path
        self._container = _open(path)
        try:
            self._video = video_stream(self._container, str(path))
            prepare(self._video, threads)
            self._base = self._video.time_base
            self._interval_ns = round(SECOND_NS / fps) if fps else 0
            rate = fps or claimed_fps(self._video)
            self._clock = StreamClock(round(SECOND_NS / rate) if rate else 0)
            self._started_ns = _started_ns(self._container)
            self._last_ns = self._started_ns
            self._index = 0
            self._delivered = 0
            self._packets_read = 0
            self._shape = 0, 0
            self._items = self._prime(rate)
        except BaseException:
            self._container.close()
            raise

    def __iter__(self) -> Iterator[Item]:
        """Yield the pictures and what befell them; one pass."""
        return self._items

    def close(self) -> None:
        """Release the file."""
        self._items = iter(())
        self._container.close()

    def _prime(self, rate: float) -> Iterator[Item]:
        """The whole stream, its first picture decoded already, so that a file without any fails on opening."""
        items = self._read()
        held: list[Item] = []
        for item in items:
            held.append(item)
            if isinstance(item, Frame):
                height, width = item.counts.shape
                bits = av.VideoFormat(self._video.pix_fmt or "gray").components[0].bits
                self.info = SourceInfo(
                    width_px=width,
                    height_px=height,
                    bits=bits,
                    fps=rate,
                    frames=self._video.frames,
                    started_ns=self._started_ns,
                )
                ahead = max(1, min(AHEAD, AHEAD_BYTES // item.counts.nbytes))
                return chain(held, _in_goes(items, ahead))
        why = next((i.detail for i in held if isinstance(i, PacketCorrupt)), "it holds no pictures")
        raise InputError(f"{self._path}: not one picture can be decoded ({why}); check the file with its player")

    def _read(self) -> Iterator[Item]:
        for packet in self._packets():
            if isinstance(packet, PacketCorrupt):
                yield packet
                continue
            try:
                pictures = packet.decode()
            except FFmpegError as error:
                yield self._corrupt(reason(error))
                self._index += packet.size > 0
                continue
            for picture in pictures:
                yield from self._take(picture)
        yield from self._end()

    def _packets(self) -> Iterator["Packet[VideoStream] | PacketCorrupt"]:
        """The packets of the file and, where reading fails, an event; gives up when it keeps failing."""
        for _ in range(READ_FAILURES):
            try:
                for packet in self._container.demux(self._video):
                    self._packets_read += packet.size > 0
                    yield packet
            except FFmpegError as error:
                yield self._corrupt(f"reading failed: {reason(error)}")
            else:
                return

    def _take(self, picture: VideoFrame) -> Iterator[Item]:
        index, self._index = self._index, self._index + 1
        if picture.is_corrupt:
            yield self._corrupt("picture damaged", after_index=index - 1)
            return
        if self._delivered and (picture.height, picture.width) != self._shape:
            yield self._corrupt(
                f"picture is {picture.width}x{picture.height}, not {self._shape[1]}x{self._shape[0]} as before",
                after_index=index - 1,
            )
            return
        stamp = self._clock.stamp(index * self._interval_ns if self._interval_ns else raw_time_ns(picture, self._base))
        time_ns = self._started_ns + stamp.time_ns
        event = irregularity(stamp, self.camera_id, index, time_ns)
        if event:
            yield event
        if stamp.repeated:
            return
        self._last_ns = time_ns
        self._delivered += 1
        self._shape = picture.height, picture.width
        yield Frame(camera_id=self.camera_id, index=index, time_ns=time_ns, received_ns=time_ns, counts=luma(picture))

    def _end(self) -> Iterator[Item]:
        announced = self._video.frames
        if self._packets_read < announced:
            yield self._corrupt(f"cut short: {announced} pictures announced, {self._packets_read} there")
        yield StreamEnded(time_ns=self._last_ns, camera_id=self.camera_id, frames=self._delivered)

    def _corrupt(self, detail: str, after_index: int | None = None) -> PacketCorrupt:
        after = self._index - 1 if after_index is None else after_index
        return PacketCorrupt(time_ns=self._last_ns, camera_id=self.camera_id, after_index=after, detail=detail)


def _in_goes(items: Iterator[Item], most: int) -> Iterator[Item]:
    """The same items, asked for `most` at a time; none is kept once it has been handed on."""
    waiting: deque[Item] = deque()
    more = True
    while more:
        try:
            waiting.extend(islice(items, most))
        finally:
            # What came before a failure is handed on before it.
            more = bool(waiting)
            while waiting:
                yield waiting.popleft()


def reason(error: FFmpegError) -> str:
    """What FFmpeg says went wrong, without its error number."""
    return str(error.strerror or type(error).__name__)


def _open(path: Path) -> InputContainer:
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes); copy it again")
    try:
        return av.open(f"file:{path}", "r")
    except FFmpegError as error:
        raise InputError(f"{path}: cannot be opened as video ({reason(error)}); is it whole, and a video?") from error


def _started_ns(container: InputContainer) -> int:
    """When the recording began, from the container's creation time; 0 where it has none or an impossible one."""
    text = container.metadata.get("creation_time", "")
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        return 0
    since = (made if made.tzinfo else made.replace(tzinfo=UTC)) - EPOCH
    # QuickTime counts from 1904, and a camera without a clock writes the first day of 1970.
    return since // timedelta(microseconds=1) * 1000 if since > timedelta(days=366) else 0
