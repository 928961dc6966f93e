"""What is said when the disk refuses a result, and files that are written whole, or as whole pieces, or not at all."""

import contextlib
import errno
import os
from io import FileIO
from pathlib import Path

from marsad.kernel.error import InputError, MarsadError, UnavailableError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DISK = {errno.EIO, errno.EROFS, errno.ENXIO, errno.ENODEV, errno.ESTALE}


def write_refusal(path: Path, error: OSError) -> MarsadError:
    """What to raise for a file that cannot be written: unavailable where the disk is at fault, else bad input."""
    said = f"{path}: cannot be written: {error.strerror or error}"
    if error.errno in _NO_ROOM:
        return UnavailableError(f"{said}; free some space")
    if error.errno in _DISK:
        return UnavailableError(f"{said}; see that the disk is mounted and can be written to")
    return InputError(f"{said}; choose a folder that can be written to")


def replace_whole(path: Path, content: bytes) -> None:
    """Put the content in place of the file at once, so that nobody ever reads half of it.

    Raises: UnavailableError where the disk is full or fails, InputError where the place cannot be written to; the old
    file is still there then.
    """
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise write_refusal(path, error) from error


def write_at(file: FileIO, position: int, data: bytes) -> None:
    """Write all of the data there. Raises: OSError, when some of it may have been written."""
    left = memoryview(data)
    while left:
        written = os.pwrite(file.fileno(), left, position)
        left, position = left[written:], position + written


class PieceFile:
    """A file that is always a whole number of pieces, on their way to the disk when they have been put.

    Nothing waits in the process: one that is killed leaves all that it has put.
    """

    def __init__(self, path: Path) -> None:
        """Make the file, or empty it. Raises: UnavailableError, InputError where it cannot be written."""
        self._path = path
        self._length = 0
        self._ragged = False
        """Whether there may be more in the file than `length` says."""
        try:
            self._file = FileIO(path, "wb")
        except OSError as error:
            raise write_refusal(path, error) from error

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._file.closed

    @property
    def length(self) -> int:
        """How many bytes it has."""
        return self._length

    def put(self, piece: bytes, after: int | None = None) -> None:
        """Let the file be its first `after` bytes, all where left out, and this piece.

        Raises: UnavailableError, InputError where it cannot be written. The file is as it was then, or, where some of
        the piece had been written, those first bytes alone.
        """
        kept = self._length if after is None else after
        # What is replaced by something shorter is blanked in the same go: a file cut off between two is still whole.
        data = piece + b" " * (self._length - kept - len(piece))
        longer = self._ragged or len(data) > len(piece)
        try:
            first = os.pwrite(self._file.fileno(), data, kept)
        except OSError as error:
            raise write_refusal(self._path, error) from error
        try:
            write_at(self._file, kept + first, data[first:])
            if longer:
                self._file.truncate(kept + len(piece))
        except OSError as error:
            self._length, self._ragged = kept, True
            with contextlib.suppress(OSError):
                self._file.truncate(kept)
            raise write_refusal(self._path, error) from error
        self._length, self._ragged = kept + len(piece), False

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        try:
            self._file.close()
        except OSError as error:
            raise write_refusal(self._path, error) from error


class ContainerFile:
    """The file under a video container.

    FFmpeg does not survive a refused write (its trailer reads what was never made), so the first refusal is kept for
    the caller, all that comes after is swallowed, and the file is left as it was when last `settled`.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = FileIO(path, "wb")
        except OSError as error:
            raise write_refusal(path, error) from error
        self.refusal: OSError | None = None
        self._at = self._size = 0
        self._header = self._sound = 0

    @property
    def holds_pictures(self) -> bool:
        """Whether more than the container's header is sound."""
        return self._sound > self._header

    def write(self, data: bytes) -> int:
        """Take the data, whether or not the disk does."""
        if self.refusal is None:
            try:
                write_at(self._file, self._at, data)
            except OSError as error:
                self.refusal = error
        self._at += len(data)
        self._size = max(self._size, self._at)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go there, as files do."""
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        """Where the next data go."""
        return self._at

    def settle(self) -> None:
        """Take what has been written so far as sound."""
        self._sound = self._size
        self._header = self._header or self._size

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        with contextlib.suppress(OSError, ValueError), self._file:
            if self.refusal is not None:
                self._file.truncate(self._sound)
