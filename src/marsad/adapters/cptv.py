"""Raw 16-bit thermal clips of the Cacophony Project (CPTV)."""

import struct
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from cptv import CPTVReader
from cptv import Frame as CptvPicture

from marsad.adapters.timing import SECOND_NS, StreamClock, irregularity
from marsad.kernel.error import InputError
from marsad.kernel.event import CameraHealth, PacketCorrupt, SourceEvent, StreamEnded
from marsad.kernel.frame import Frame
from marsad.kernel.port import SourceInfo

LEPTON_FPS = 9.0
"""The rate of the Lepton cameras that write these clips; older headers do not say it."""
FFC_SETTLE = timedelta(seconds=9.9)
"""For how long after a flat-field correction a Lepton's counts still drift.

Source: the Cacophony Project's own trackers pass over this time.
"""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What the reader lets through from a damaged file, gzip and its own parsing alike.
BAD_FILE = (OSError, EOFError, ValueError, IndexError, KeyError, TypeError, struct.error, zlib.error)


class CptvSource:
    """A `FrameSource` over one CPTV clip.

    The background picture that some clips carry in front is left out and not counted. Flat-field corrections come as
    `CameraHealth`, from the first picture after the shutter to the first one settled.
    """

    def __init__(self, path: Path, camera_id: str, *, fps: float | None = None) -> None:
        self.camera_id = camera_id
        self._path = path
        self._index = 0
        self._ffc: timedelta | None = None
        self._settling = False
        self._forced_ns = round(SECOND_NS / fps) if fps else 0
        self._file = _open(path)
        try:
            self._reader = CPTVReader(self._file)
            rate = fps or float(self._reader.fps) or LEPTON_FPS
            self._clock = StreamClock(round(SECOND_NS / rate))
            self._started_ns = max(0, (self._reader.timestamp - EPOCH) // timedelta(microseconds=1) * 1000)
            self._last_ns = self._started_ns
            self._announced = self._reader.num_frames or 0
            self.info = SourceInfo(
                width_px=self._reader.x_resolution,
                height_px=self._reader.y_resolution,
                bits=16,
                fps=rate,
                frames=self._announced,
                started_ns=self._started_ns,
            )
            self._items = self._prime()
        except BAD_FILE as error:
            self.close()
            raise InputError(f"{path}: not a CPTV clip ({error}); copy it again") from error
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        """Yield the pictures and what befell them; one pass."""
        return self._items

    def close(self) -> None:
        """Release the file."""
        self._items = iter(())
        self._file.close()

    def _prime(self) -> Iterator[Frame | SourceEvent]:
        """The whole stream, read as far as its first picture, so that a clip without any fails on opening."""
        items = self._read()
        held: list[Frame | SourceEvent] = []
        for item in items:
            held.append(item)
            if isinstance(item, Frame):
                return chain(held, items)
        why = next((i.detail for i in held if isinstance(i, PacketCorrupt)), "it ends after its header")
        raise InputError(f"{self._path}: holds no picture ({why}); copy it again")

    def _read(self) -> Iterator[Frame | SourceEvent]:
        pictures = iter(self._reader)
        backgrounds = 0
        while True:
            try:
                picture = next(pictures, None)
                if picture is None:
                    self._reader.s.read(1)  # a clip cut short reads as ended once, and says so the second time
                    break
            except BAD_FILE as error:
                yield self._corrupt(f"the clip cannot be read further: {error}")
                break
            if picture.background_frame:
                backgrounds += 1
            else:
                yield from self._take(picture)
        if self._index + backgrounds < self._announced:
            there = self._index + backgrounds
            yield self._corrupt(f"cut short: {self._announced} pictures announced, {there} there")
        yield StreamEnded(time_ns=self._last_ns, camera_id=self.camera_id, frames=self._index)

    def _take(self, picture: CptvPicture) -> Iterator[Frame | SourceEvent]:
        index, self._index = self._index, self._index + 1
        raw_ns = index * self._forced_ns if self._forced_ns else _milliseconds_ns(picture.time_on)
        stamp = self._clock.stamp(raw_ns)
        time_ns = self._last_ns = self._started_ns + stamp.time_ns
        event = irregularity(stamp, self.camera_id, index, time_ns)
        if event:
            yield event
        if stamp.repeated:
            return
        yield from self._flat_field(picture, index, time_ns)
        yield Frame(camera_id=self.camera_id, index=index, time_ns=time_ns, received_ns=time_ns, counts=picture.pix)

    def _flat_field(self, picture: CptvPicture, index: int, time_ns: int) -> Iterator[CameraHealth]:
        """The beginning or the end of the time in which a flat-field correction shows."""
        if picture.time_on is None or not picture.last_ffc_time:
            return
        since = picture.time_on - picture.last_ffc_time
        settling = timedelta(0) <= since < FFC_SETTLE
        again = settling and self._settling and picture.last_ffc_time != self._ffc
        if settling != self._settling or again:
            yield CameraHealth(
                time_ns=time_ns,
                camera_id=self.camera_id,
                frame_index=index,
                kind="flat_field_correction",
                detail=f"{since.total_seconds():.1f} s after the shutter closed",
                ended=not settling,
            )
        self._ffc, self._settling = picture.last_ffc_time, settling

    def _corrupt(self, detail: str) -> PacketCorrupt:
        return PacketCorrupt(
            time_ns=self._last_ns, camera_id=self.camera_id, after_index=self._index - 1, detail=detail
        )


def _milliseconds_ns(since: timedelta | None) -> int | None:
    return None if since is None else since // timedelta(milliseconds=1) * 1_000_000


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); check the path") from error
