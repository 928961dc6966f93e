"""On what terms the link's SQLite files are opened, and their troubles told."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from marsad.kernel.error import InputError, UnavailableError


class LinkFile:
    """One SQLite file of the link: what it is, and how it is made."""

    def __init__(self, path: Path, application_id: int, schema: str) -> None:
        self.path = path
        self._application_id = application_id
        self._schema = schema

    def open_to_write(self) -> sqlite3.Connection:
        """A connection to the file, made where there is none. Raises: InputError, UnavailableError."""
        with self.door():
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=10)
            try:
                self._judge(connection)
                connection.execute("PRAGMA journal_mode = WAL").fetchall()
                connection.execute("PRAGMA synchronous = FULL")
                # A batch is megabytes: folding the journal in after each would write everything twice at once.
                connection.execute("PRAGMA wal_autocheckpoint = 4000").fetchall()
                connection.executescript(
                    f"BEGIN IMMEDIATE; {self._schema}; PRAGMA application_id = {self._application_id}; COMMIT"
                )
            except BaseException:
                connection.close()
                raise
        return connection

    def open_to_read(self) -> sqlite3.Connection:
        """A connection that can change nothing. Raises: InputError, UnavailableError."""
        with self.door():
            if not self.path.exists():
                raise UnavailableError(f"{self.path} is not there yet")
            connection = self._connect_to_read()
            try:
                self._judge(connection)
            except BaseException:
                connection.close()
                raise
        return connection

    @contextlib.contextmanager
    def door(self) -> Iterator[None]:
        """Whatever SQLite says, in the words of the error tree."""
        try:
            yield
        except sqlite3.ProgrammingError as error:
            raise InputError(f"{self.path}: the file is closed; open it again ({error})") from error
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT}:
                raise InputError(f"{self.path} is damaged ({error}): keep it, and work on a copy") from error
            raise UnavailableError(
                f"{self.path}: the disk refuses ({error}); nothing written so far is lost"
            ) from error

    def _connect_to_read(self) -> sqlite3.Connection:
        """A reader; of a file that nobody has open and whose folder is closed to us, SQLite must be told so."""
        address = self.path.absolute().as_uri()
        with contextlib.suppress(sqlite3.OperationalError):
            connection = sqlite3.connect(f"{address}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)
            try:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            except BaseException:
                connection.close()
                raise
            return connection
        return sqlite3.connect(
            f"{address}?mode=ro&immutable=1", uri=True, isolation_level=None, check_same_thread=False
        )

    def _judge(self, connection: sqlite3.Connection) -> None:
        """The file must be empty or of this kind. Raises: InputError."""
        application: int = connection.execute("PRAGMA application_id").fetchone()[0]
        tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application != self._application_id and (application or tables):
            raise InputError(f"{self.path} is another program's file, or another one of the link")


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of what is done within, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
