"""Text files that people made with whatever they had."""

from pathlib import Path

from marsad.kernel.error import InputError


def read_text(path: Path, wanted: str) -> str:
    """The file's text, without the byte order mark that some editors write; `wanted` is what could be named instead.

    Raises: InputError where there is no such file, or it is no text in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; name {wanted}") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: is not text in UTF-8 at byte {error.start}; save it as UTF-8, or name {wanted}"
        ) from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; name {wanted}") from error
