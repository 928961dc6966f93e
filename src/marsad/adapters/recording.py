"""Pictures written as recordings that can be watched: H.264 as cameras send it, or every count as it was."""

from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Literal, Protocol, cast

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.video.stream import VideoStream
from numpy.typing import NDArray

from marsad.adapters.images import MOT_FOLDER
from marsad.adapters.video import reason
from marsad.adapters.writing import write_refusal
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.frame import Counts

RecordingFormat = Literal["h264", "raw16", "png"]

MIDDLE = 128
"""Chroma of a grey picture."""
_KEY_EVERY_S = 2
_TICKS = 90_000


class Recording(Protocol):
    """A recording being written."""

    path: Path

    def write(self, counts: Counts) -> None:
        """Add one picture, (H, W), uint8 or uint16 as the format has it."""

    def close(self) -> None:
        """Finish it; safe to call twice."""


def open_recording(
    folder: Path, kind: RecordingFormat, *, fps: float, started_ns: int, bit_rate: int = 2_000_000
) -> Recording:
    """A recording in a folder: `video.mp4`, `video.mkv` (FFV1, lossless, 16 bits) or pictures in `img1`.

    `bit_rate`, bits a second, is for H.264 alone. `started_ns` is kept as the file's creation time. Raises: InputError
    for a rate that is none.
    """
    if kind == "png":
        return Pictures(folder / MOT_FOLDER)
    if not 0 < fps <= 1000:
        raise InputError(f"{folder}: {fps} pictures a second: a recording needs a rate above 0, up to 1000")
    if kind == "raw16":
        return Video(folder / "video.mkv", "ffv1", "gray16le", fps=fps, started_ns=started_ns, options={"level": "3"})
    if bit_rate < 1000:
        raise InputError(f"bit rate {bit_rate}: bits a second, 1000 or more")
    # As cameras do: a steady rate, no pictures out of order, a whole picture every two seconds.
    options = {
        "preset": "veryfast",
        "bf": "0",
        "g": str(max(1, round(_KEY_EVERY_S * fps))),
        "maxrate": str(bit_rate),
        "bufsize": str(bit_rate),
        "threads": "1",
    }
    return Video(
        folder / "video.mp4", "libx264", "yuvj420p", fps=fps, started_ns=started_ns, options=options, bit_rate=bit_rate
    )


class Video:
    """A video file; pictures of odd size have no colour planes, for those need even ones."""

    def __init__(
        self,
        path: Path,
        codec: str,
        pixels: str,
        *,
        fps: float,
        started_ns: int,
        options: Mapping[str, str],
        bit_rate: int = 0,
    ) -> None:
        self.path = path
        self._codec, self._pixels, self._options = codec, pixels, options
        self._rate = Fraction(fps).limit_denominator(10_000)
        self._bit_rate = bit_rate
        self._stream: VideoStream | None = None
        self._frames = 0
        self._closed = False
        self._planes: NDArray[np.uint8] | None = None
        try:
            path.touch()
            self._container = av.open(str(path), "w")
        except (OSError, FFmpegError) as error:
            raise InputError(f"{path}: cannot be written: {error}") from error
        moment = datetime.fromtimestamp(started_ns / 1e9, tz=UTC)
        self._container.metadata["creation_time"] = moment.isoformat()

    def write(self, counts: Counts) -> None:
        """Add one picture."""
        stream = self._stream or self._begin(counts)
        frame = self._frame(counts)
        frame.pts = round(self._frames / self._rate * _TICKS)
        frame.time_base = Fraction(1, _TICKS)
        self._frames += 1
        try:
            for packet in stream.encode(frame):
                self._container.mux(packet)
        except (OSError, FFmpegError) as error:
            raise self._refusal(error) from error

    def close(self) -> None:
        """Finish the file."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._stream is not None:
                for packet in self._stream.encode(None):
                    self._container.mux(packet)
            self._container.close()
        except (OSError, FFmpegError) as error:
            raise self._refusal(error) from error

    def _begin(self, counts: Counts) -> VideoStream:
        height, width = counts.shape
        stream = cast("VideoStream", self._container.add_stream(self._codec, rate=self._rate))
        even = height % 2 == 0 and width % 2 == 0
        stream.width, stream.height = width, height
        stream.pix_fmt = self._pixels if even or "420" not in self._pixels else "gray"
        stream.time_base = Fraction(1, _TICKS)
        stream.codec_context.time_base = Fraction(1, _TICKS)
        if self._bit_rate:
            stream.bit_rate = self._bit_rate
        stream.options = dict(self._options)
        if "420" in stream.pix_fmt:
            self._planes = np.full((height * 3 // 2, width), MIDDLE, np.uint8)
        self._stream = stream
        return stream

    def _frame(self, counts: Counts) -> av.VideoFrame:
        if self._planes is None:
            pixels = "gray16le" if counts.dtype == np.uint16 else "gray"
            return av.VideoFrame.from_ndarray(cast("NDArray[np.uint8]", np.ascontiguousarray(counts)), format=pixels)
        self._planes[: counts.shape[0]] = counts
        return av.VideoFrame.from_ndarray(self._planes, format="yuvj420p")

    def _refusal(self, error: OSError | FFmpegError) -> Exception:
        if isinstance(error, OSError):
            return write_refusal(self.path, error)
        return UnavailableError(f"{self.path}: cannot be encoded ({reason(error)})")


class Pictures:
    """A folder of numbered PNG files; what an earlier run left there is removed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._frames = 0
        try:
            path.mkdir(parents=True, exist_ok=True)
            for old in path.glob("[0-9]*.png"):
                old.unlink()
        except OSError as error:
            raise write_refusal(path, error) from error

    def write(self, counts: Counts) -> None:
        """Add one picture."""
        self._frames += 1
        target = self.path / f"{self._frames:06d}.png"
        encoded = cv2.imencode(".png", counts, (cv2.IMWRITE_PNG_COMPRESSION, 1))[1]
        try:
            target.write_bytes(encoded.tobytes())
        except OSError as error:
            raise write_refusal(target, error) from error

    def close(self) -> None:
        """Nothing is left to do."""
