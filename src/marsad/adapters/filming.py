"""What one camera sends made into film: coded pictures, each with what the watch had found in that very picture."""

from collections import deque
from collections.abc import Callable, Sequence
from fractions import Fraction
from threading import Lock
from typing import Any, cast

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext

from marsad.adapters.annotate import Tone, hidden
from marsad.adapters.video import luma
from marsad.kernel.film import CodedPicture, Filmed, Mark, marks_of
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.site import Mask
from marsad.kernel.track import Track

QUALITY = 85
THUMBNAIL_PX = 320
THUMBNAIL_QUALITY = 75
THUMBNAIL_NS = 950_000_000
MOST_WAITING = 50
"""So many coded pictures wait for the watch, about two seconds; then the oldest goes on without marks, so that a watch
that hangs stops nobody's picture."""
_MARKS_KEPT = 64


def to_jpeg(grey: Counts, quality: int = QUALITY) -> bytes:
    """An 8-bit picture as JPEG."""
    return cv2.imencode(".jpg", grey, (cv2.IMWRITE_JPEG_QUALITY, quality))[1].tobytes()


class Filming:
    """Pairs coded pictures with marks, and codes the pictures of sources that come uncoded.

    `coded` is the tap of the source; `watched` is called when the watch is done with a frame. Once anything came
    through the tap, nothing is coded here. 16-bit counts become grey between levels that move slowly. What is finished
    goes to `hand_on`, one at a time.

    What lies under `masks` never leaves here: the coded pictures show it, so of a camera with masks they are left
    alone, and its pictures are blackened and coded here.
    """

    def __init__(self, camera_id: str, hand_on: Callable[[Filmed], None], masks: Sequence[Mask] = ()) -> None:
        self._camera_id = camera_id
        self._hand_on = hand_on
        self._masks = tuple(masks)
        self._tone = Tone()
        self._lock = Lock()
        self._waiting: deque[CodedPicture] = deque()
        self._marks: dict[int, tuple[Mark, ...]] = {}
        self._tapped = False
        self._thumbnail_ns: int | None = None

    def coded(self, picture: CodedPicture) -> None:
        """Take a coded picture, from any thread."""
        if self._masks:
            return
        with self._lock:
            self._tapped = True
            self._waiting.append(picture)
            while len(self._waiting) > MOST_WAITING:
                self._release()

    def watched(self, frame: Frame, tracks: Sequence[Track]) -> None:
        """The watch has seen this frame, and these tracks in it."""
        marks = marks_of(list(tracks))
        with self._lock:
            if self._tapped:
                self._marks[frame.time_ns] = marks
                while len(self._marks) > _MARKS_KEPT:
                    del self._marks[next(iter(self._marks))]
                while self._waiting and self._waiting[0].time_ns <= frame.time_ns:
                    self._release()
            else:
                self._hand_on(Filmed(picture=self._code(frame), marks=marks))

    def thumbnail(self, frame: Frame) -> bytes | None:
        """About once a second of the source's time a small JPEG of the frame, else None."""
        since_ns = None if self._thumbnail_ns is None else frame.time_ns - self._thumbnail_ns
        if since_ns is not None and 0 <= since_ns < THUMBNAIL_NS:
            return None
        self._thumbnail_ns = frame.time_ns
        return to_jpeg(_small(self._grey(frame)), THUMBNAIL_QUALITY)

    def finish(self) -> None:
        """Hand on what waits at the end."""
        with self._lock:
            while self._waiting:
                self._release()

    def _release(self) -> None:
        picture = self._waiting.popleft()
        self._hand_on(Filmed(picture=picture, marks=self._marks.pop(picture.time_ns, ())))

    def _grey(self, frame: Frame) -> Counts:
        """The picture as it is shown: black under the masks, and its levels those of the rest."""
        return hidden(self._tone.grey(hidden(frame.counts, self._masks)), self._masks)

    def _code(self, frame: Frame) -> CodedPicture:
        height, width = frame.counts.shape
        return CodedPicture(
            camera_id=self._camera_id,
            time_ns=frame.time_ns,
            codec="jpeg",
            key=True,
            width_px=width,
            height_px=height,
            data=to_jpeg(self._grey(frame)),
        )


def _small(grey: Counts) -> Counts:
    height, width = grey.shape
    if width <= THUMBNAIL_PX:
        return grey
    size = THUMBNAIL_PX, max(1, round(height * THUMBNAIL_PX / width))
    return cast("Counts", cv2.resize(grey, size, interpolation=cv2.INTER_AREA))


class Recoder:
    """Film of any coding in, JPEG out, for who cannot decode H.264; marks and times stay with their pictures."""

    def __init__(self, quality: int = QUALITY) -> None:
        self._quality = quality
        self._decoder: VideoCodecContext | None = None
        self._description = b""
        self._waiting: dict[int, Filmed] = {}

    def recode(self, filmed: Filmed) -> list[Filmed]:
        """The pictures that are whole now; none while a key picture is missing, or where it cannot be decoded."""
        return [self._as_jpeg(each, counts) for each, counts in self.decode(filmed)]

    def decode(self, filmed: Filmed) -> list[tuple[Filmed, Counts]]:
        """The same as grey counts, (H, W), uint8 or uint16."""
        if filmed.picture.codec == "jpeg":
            grey = cv2.imdecode(np.frombuffer(filmed.picture.data, np.uint8), cv2.IMREAD_GRAYSCALE)
            return [] if grey is None else [(filmed, cast("Counts", grey))]
        if filmed.picture.key:
            self._begin(filmed.picture.description)
        if self._decoder is None:
            return []
        self._waiting[filmed.picture.time_ns] = filmed
        while len(self._waiting) > _MARKS_KEPT:
            del self._waiting[next(iter(self._waiting))]
        packet: Packet[Any] = Packet(filmed.picture.data)
        packet.pts, packet.time_base = filmed.picture.time_ns, Fraction(1, 1_000_000_000)
        return self._pictures(packet)

    def finish(self) -> list[tuple[Filmed, Counts]]:
        """What the decoder still holds back."""
        return [] if self._decoder is None else self._pictures(None)

    def _begin(self, description: bytes) -> None:
        """A decoder for pictures so described; the one there is where they are described as before."""
        if self._decoder is not None and description == self._description:
            return
        decoder = av.CodecContext.create("h264", "r")
        decoder.extradata = description
        decoder.thread_count = 1
        self._decoder, self._description = decoder, description
        self._waiting.clear()

    def _pictures(self, packet: "Packet[Any] | None") -> list[tuple[Filmed, Counts]]:
        decoder = cast("VideoCodecContext", self._decoder)
        try:
            pictures = decoder.decode(packet)
        except FFmpegError:
            return []
        there = ((self._waiting.pop(picture.pts or 0, None), picture) for picture in pictures)
        return [(filmed, luma(picture)) for filmed, picture in there if filmed is not None]

    def _as_jpeg(self, filmed: Filmed, counts: Counts) -> Filmed:
        picture = filmed.picture
        if picture.codec == "jpeg":
            return filmed
        grey = counts if counts.dtype == np.uint8 else (counts >> 2).astype(np.uint8)
        height, width = grey.shape
        coded = CodedPicture(
            camera_id=picture.camera_id,
            time_ns=picture.time_ns,
            codec="jpeg",
            key=True,
            width_px=width,
            height_px=height,
            data=to_jpeg(grey, self._quality),
        )
        return Filmed(picture=coded, marks=filmed.marks)
