"""Film on the disk: each camera's pictures in segments of a minute, readable however the writing ended.

A segment is eight bytes that say what it is, then a record for each picture: the length and the CRC-32 of a message
(`kernel.film`), its time and whether it is a key picture, then the message itself, marks and all. A segment being
written is named `START.film`, a finished one `START-END.film`, in nanoseconds. A segment is trusted as far as its
records are whole, so a crash costs the record it fell into.
"""

import contextlib
import os
import re
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from threading import Condition, Thread
from typing import NamedTuple

from marsad.adapters.writing import write_at, write_refusal
from marsad.kernel.error import InputError, MarsadError, UnavailableError
from marsad.kernel.film import Filmed, to_message

SECOND_NS = 1_000_000_000
MAGIC = b"MARSADF1"
RECORD = struct.Struct("<IIQ?")
SEGMENT_NS = 60 * SECOND_NS
SEGMENT_BYTES = 64 << 20
GAP_NS = 2 * SECOND_NS
"""Pictures further apart than this leave a gap in what is said to be there."""
RESERVE_BYTES = 512 << 20
"""Film keeps off the last of the disk, so that the log goes on when it is full."""
RETRY_NS = 5 * SECOND_NS
MOST_WAITING = 250
MOST_RECORD = 32 << 20
_NAME = re.compile(r"^(\d{1,20})(?:-(\d{1,20}))?\.film$")


class Segment(NamedTuple):
    """A segment by its name; `end_ns` is None while it is being written."""

    path: Path
    start_ns: int
    end_ns: int | None


class Entry(NamedTuple):
    """Where a record's message lies in its segment."""

    offset: int
    length: int
    crc: int
    time_ns: int
    key: bool


def camera_folder(folder: Path, camera_id: str) -> Path:
    """Where a camera's film lies. Raises: InputError for a name that leads elsewhere."""
    if camera_id in {"", ".", ".."} or not re.fullmatch(r"[\w.-]+", camera_id):
        raise InputError(f"{camera_id!r} is no camera's name")
    return folder / camera_id


def segments_in(folder: Path) -> list[Segment]:
    """A camera's segments, the oldest first; [] where there are none."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for entry in os.scandir(folder):
            if name := _NAME.match(entry.name):
                end = name[2]
                found.append(Segment(Path(entry.path), int(name[1]), None if end is None else int(end)))
    return sorted(found, key=lambda segment: segment.start_ns)


def entries_in(file: int) -> Iterator[Entry]:
    """The records of an open segment, as far as they are whole in length; their content is not looked at."""
    size = os.fstat(file).st_size
    if os.pread(file, len(MAGIC), 0) != MAGIC:
        return
    at = len(MAGIC)
    while at + RECORD.size <= size:
        length, crc, time_ns, key = RECORD.unpack(os.pread(file, RECORD.size, at))
        offset = at + RECORD.size
        at = offset + length
        if not 0 < length <= MOST_RECORD or at > size:
            return
        yield Entry(offset, length, crc, time_ns, key)


def message_at(file: int, entry: Entry) -> bytes | None:
    """A record's message, None where it is damaged."""
    message = os.pread(file, entry.length, entry.offset)
    return message if len(message) == entry.length and zlib.crc32(message) == entry.crc else None


@contextlib.contextmanager
def opened(path: Path) -> Iterator[int]:
    """The file, open for reading."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield file
    finally:
        os.close(file)


def free_bytes(folder: Path) -> int:
    """How much of the folder's disk may still be written by who is not root."""
    state = os.statvfs(folder)
    return state.f_bavail * state.f_frsize


class CameraFilm:
    """The film of one camera being written, in the caller's thread; what was appended outlives the process.

    What an earlier run left unfinished is finished first. `free` says how many bytes the disk has left.
    """

    def __init__(
        self,
        folder: Path,
        camera_id: str,
        *,
        reserve_bytes: int = RESERVE_BYTES,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        """Make the camera's folder. Raises: InputError, UnavailableError where it cannot be made."""
        self._folder = camera_folder(folder, camera_id)
        self._reserve_bytes = reserve_bytes
        self._free = free
        self._file: FileIO | None = None
        self._path = self._folder
        self._start_ns = self._last_ns = 0
        self._length = 0
        self._shape: tuple[str, int, int, bytes] = ("", 0, 0, b"")
        self._left_bytes = 0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for segment in segments_in(self._folder):
                if segment.end_ns is None:
                    finish_segment(segment)
        except OSError as error:
            raise write_refusal(self._folder, error) from error

    def append(self, filmed: Filmed) -> None:
        """Add a picture; a segment begins with a key picture or after a gap.

        Raises: UnavailableError, InputError where it cannot be written; what was written before stays sound.
        """
        picture = filmed.picture
        if self._file is not None and self._is_over(filmed):
            self.close()
        if picture.key:
            self._shape = _shape(filmed)
        message = to_message(filmed)
        record = RECORD.pack(len(message), zlib.crc32(message), max(0, picture.time_ns), picture.key) + message
        self._claim(len(record))
        if self._file is None:
            self._begin(max(0, picture.time_ns))
        self._write(record)
        self._last_ns = max(self._last_ns, picture.time_ns)

    def sync(self) -> None:
        """Return when what was appended is on the disk, and not only with the system."""
        if self._file is not None:
            try:
                os.fdatasync(self._file.fileno())
            except OSError as error:
                raise write_refusal(self._path, error) from error

    def close(self) -> None:
        """Finish the segment; safe to call twice."""
        file, self._file = self._file, None
        if file is None:
            return
        with contextlib.suppress(OSError):
            file.close()
        with contextlib.suppress(OSError):
            self._path.rename(self._folder / f"{self._start_ns:020d}-{self._last_ns:020d}.film")

    def _is_over(self, filmed: Filmed) -> bool:
        picture = filmed.picture
        step_ns = picture.time_ns - self._last_ns
        if abs(step_ns) > GAP_NS:
            return True
        long = picture.time_ns - self._start_ns >= SEGMENT_NS or self._length >= SEGMENT_BYTES
        return picture.key and (long or _shape(filmed) != self._shape)

    def _claim(self, size: int) -> None:
        """Count what is written off what was free. Raises UnavailableError where the reserve would be touched."""
        self._left_bytes -= size
        if self._left_bytes >= 0:
            return
        try:
            free = self._free(self._folder) - self._reserve_bytes
        except OSError as error:
            raise write_refusal(self._folder, error) from error
        if free < size:
            raise UnavailableError(f"{self._folder}: the disk is nearly full, so no film is kept; free some space")
        # Others write too: the disk is asked again before long.
        self._left_bytes = min(free // 8, 4 << 20) - size

    def _begin(self, start_ns: int) -> None:
        for self._start_ns in range(start_ns, start_ns + 1000):
            self._path = self._folder / f"{self._start_ns:020d}.film"
            taken = any(self._folder.glob(f"{self._start_ns:020d}-*.film"))
            with contextlib.suppress(FileExistsError):
                if not taken:
                    self._file = self._made()
                    break
        self._length, self._last_ns = 0, start_ns
        self._write(MAGIC)

    def _made(self) -> FileIO:
        try:
            return FileIO(self._path, "xb")
        except FileExistsError:
            raise
        except OSError as error:
            raise write_refusal(self._path, error) from error

    def _write(self, data: bytes) -> None:
        if self._file is None:
            raise UnavailableError(f"{self._folder}: too many films begin at one moment")
        try:
            write_at(self._file, self._length, data)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(self._length)
            self.close()
            raise write_refusal(self._path, error) from error
        self._length += len(data)


def _shape(filmed: Filmed) -> tuple[str, int, int, bytes]:
    picture = filmed.picture
    return picture.codec, picture.width_px, picture.height_px, picture.description


def finish_segment(segment: Segment) -> Segment | None:
    """Cut a segment that was left unfinished to its whole records and give it its last name; one without any goes."""
    end_ns, length = None, 0
    with opened(segment.path) as file:
        for entry in entries_in(file):
            if message_at(file, entry) is None:
                break
            end_ns, length = max(entry.time_ns, end_ns or 0), entry.offset + entry.length
    if end_ns is None:
        segment.path.unlink(missing_ok=True)
        return None
    os.truncate(segment.path, length)
    path = segment.path.with_name(f"{segment.start_ns:020d}-{end_ns:020d}.film")
    segment.path.rename(path)
    return Segment(path, segment.start_ns, end_ns)


class FilmWriter:
    """Writes a camera's film in a thread of its own, so that a slow disk keeps no watch waiting.

    When more waits than may, what waits is dropped up to the next key picture. A disk that refuses is tried again after
    a while, beginning with a key picture; `tell` hears of the refusal once, and of its end ("").
    """

    def __init__(self, film: CameraFilm, tell: Callable[[str], None]) -> None:
        self._film = film
        self._tell = tell
        self._waiting: deque[Filmed] = deque()
        self._change = Condition()
        self._ended = False
        self._needs_key = True
        self.dropped = 0
        """Pictures that were not kept."""
        self._thread = Thread(target=self._run, name="film", daemon=True)
        self._thread.start()

    def put(self, filmed: Filmed) -> None:
        """Take a picture; returns at once."""
        with self._change:
            if len(self._waiting) >= MOST_WAITING:
                self.dropped += len(self._waiting)
                self._waiting.clear()
                self._needs_key = True
            if self._needs_key and not filmed.picture.key:
                self.dropped += 1
                return
            self._needs_key = False
            self._waiting.append(filmed)
            self._change.notify()

    def close(self) -> None:
        """Write what waits, and finish; safe to call twice."""
        with self._change:
            self._ended = True
            self._change.notify()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        told, retry_ns, synced_ns = "", 0, 0
        while (taken := self._next()) is not None:
            for filmed in taken:
                time_ns = filmed.picture.time_ns
                if told and not (filmed.picture.key and not 0 <= time_ns < retry_ns):
                    self.dropped += 1
                    continue
                try:
                    self._film.append(filmed)
                    if not 0 <= time_ns - synced_ns < SECOND_NS:
                        self._film.sync()
                        synced_ns = time_ns
                except MarsadError as error:
                    self.dropped += 1
                    retry_ns = time_ns + RETRY_NS
                    if not told:
                        self._tell(str(error))
                    told = str(error)
                else:
                    if told:
                        self._tell("")
                    told = ""
        self._film.close()

    def _next(self) -> list[Filmed] | None:
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._ended)
            taken = list(self._waiting)
            self._waiting.clear()
        return taken or None
