"""What is said when the disk refuses a result, and files that are replaced as a whole or not at all."""

import contextlib
import errno
from pathlib import Path

from marsad.kernel.error import InputError, MarsadError, UnavailableError

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DISK = {errno.EIO, errno.EROFS, errno.ENXIO, errno.ENODEV, errno.ESTALE}


def write_refusal(path: Path, error: OSError) -> MarsadError:
    """What to raise for a file that cannot be written: unavailable where the disk is at fault, else bad input."""
    said = f"{path}: cannot be written: {error.strerror or error}"
    if error.errno in _NO_ROOM:
        return UnavailableError(f"{said}; free some space and run it again")
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
