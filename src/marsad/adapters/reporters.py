"""Who reported sightings: kept apart from the log, encrypted, read by a named person for a reason, and erasable."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from marsad.kernel.error import InputError, UnavailableError

FORMAT: Final = 1
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32


class Reporters:
    """The identities of those who reported, in a file of their own; the key lies in another, both for the owner alone.

    Without the key nothing can be read, so that a copy of the file tells nobody anything. It may be used by any thread.
    """

    def __init__(self, path: Path, key_path: Path) -> None:
        """Open or make both files.

        Raises: InputError where either is not what it should be, UnavailableError where the disk refuses.
        """
        self._path = path
        self._lock = Lock()
        self._cipher = AESGCM(_key(key_path))
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("PRAGMA secure_delete = ON").fetchall()
            self._migrate()
        except OSError as error:
            raise UnavailableError(f"{path} cannot be opened: {error.strerror}") from error
        except sqlite3.Error as error:
            raise InputError(f"{path} does not hold reporters ({error}): name another file") from error

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def keep(self, identity: str) -> str:
        """The number under which somebody is kept. Raises: UnavailableError where the disk refuses."""
        nonce = os.urandom(_NONCE_BYTES)
        with self._door():
            row = self._connection.execute(
                "INSERT INTO reporter (nonce, sealed) VALUES (?, ?)",
                (nonce, self._cipher.encrypt(nonce, identity.encode(), None)),
            )
        return f"R{row.lastrowid}"

    def read(self, number: str) -> str:
        """Who it was. Whoever asks must have been written down before.

        Raises: InputError where nobody is kept under this number, or the key is another.
        """
        with self._door():
            row = self._connection.execute(
                "SELECT nonce, sealed FROM reporter WHERE rowid = ?", (_row(number),)
            ).fetchone()
        if row is None:
            raise InputError(f"nobody is kept as {number}: perhaps the identity was erased")
        try:
            return self._cipher.decrypt(row[0], row[1], None).decode()
        except InvalidTag as error:
            raise InputError(f"{self._path}: {number} cannot be read with this key") from error

    def erase(self, number: str) -> None:
        """Forget somebody for good. Raises: InputError where nobody is kept under this number."""
        with self._door():
            gone = self._connection.execute("DELETE FROM reporter WHERE rowid = ?", (_row(number),)).rowcount
        if not gone:
            raise InputError(f"nobody is kept as {number}")

    def close(self) -> None:
        """Release the file; safe to call twice."""
        self._connection.close()

    def _migrate(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT:
            raise InputError(f"{self._path} has format {version}; this software knows up to {FORMAT}: update Marsad")
        if version == 0:
            self._connection.executescript(
                "BEGIN; CREATE TABLE reporter (rowid INTEGER PRIMARY KEY AUTOINCREMENT, nonce BLOB NOT NULL, "
                f"sealed BLOB NOT NULL) STRICT; PRAGMA user_version = {FORMAT}; COMMIT"
            )

    @contextlib.contextmanager
    def _door(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.Error as error:
            raise UnavailableError(
                f"{self._path}: {error}; see that the disk has room and can be written to"
            ) from error


def _key(path: Path) -> bytes:
    """The key in a file, made where there is none. Raises: InputError where the file holds no key."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) != _KEY_BYTES:
            raise InputError(f"{path} holds no key of {_KEY_BYTES} bytes: name another file") from None
        return key
    except OSError as error:
        raise UnavailableError(f"{path} cannot be made: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        key = os.urandom(_KEY_BYTES)
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def _row(number: str) -> int:
    if not (number.startswith("R") and number[1:].isdecimal()):
        raise InputError(f"{number!r} is no reporter's number, such as R12")
    return int(number[1:])
