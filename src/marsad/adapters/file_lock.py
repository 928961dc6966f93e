"""That only one process does something at a time, which a file beside it says."""

import contextlib
import fcntl
import os
from pathlib import Path

from marsad.kernel.error import UnavailableError


class FileLock:
    """Held by one process from here on, also until it is killed; the file has its number.

    `held` says what to do where another one holds it, whose number stands for `{owner}`.

    Raises: UnavailableError saying so, OSError where there can be no such file.
    """

    def __init__(self, path: Path, held: str) -> None:
        self._path = path
        try:
            self._descriptor = self._acquire()
        except BlockingIOError as error:
            raise UnavailableError(held.replace("{owner}", self._owner())) from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode())

    def release(self) -> None:
        """Let the next one do it."""
        self._path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _acquire(self) -> int:
        while True:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BaseException:
                os.close(descriptor)
                raise
            # The last owner may have removed the file between the two calls: that lock would hold nobody off.
            with contextlib.suppress(FileNotFoundError):
                if self._path.stat().st_ino == os.fstat(descriptor).st_ino:
                    return descriptor
            os.close(descriptor)

    def _owner(self) -> str:
        with contextlib.suppress(OSError):
            return self._path.read_text(encoding="ascii", errors="replace") or "another"
        return "another"
