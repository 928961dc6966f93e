"""The log in one SQLite file, and the terms on which it is opened, written and read."""

import contextlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from secrets import token_bytes
from typing import Self

import msgspec

from marsad.adapters.file_lock import FileLock
from marsad.kernel.chain import (
    GENESIS,
    SALT_BYTES,
    START_BYTES,
    Entry,
    Head,
    StoredEvent,
    check_erasable,
    erasure_of,
    hash_entry,
    hash_payload,
    recall,
    seal,
    seal_all,
    verify_entries,
)
from marsad.kernel.encoding import COUNT_BYTES, is_of, start_of
from marsad.kernel.error import InputError, IntegrityError, UnavailableError
from marsad.kernel.event import DURABLE, Event, PayloadErased
from marsad.kernel.thinning import TrackThinner

APPLICATION_ID = 0x4D525344
"""`MRSD`, in the SQLite header, where `file` and SQLite's own tools look for whose file it is."""
FORMAT = 1
BATCH_EVENTS = 500
BATCH_S = 0.5

_MAGIC = b"SQLite format 3\x00"
_PAGE = 1000
_SPAN = 20_000
"""So many entries are looked through at once for those that are not left out."""
_INSERT = (
    "INSERT INTO entry (sequence, schema_version, time_ns, salt, payload, payload_hash, previous_hash, entry_hash)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_SELECT = (
    "SELECT sequence, schema_version, time_ns, salt, payload, payload_hash, previous_hash, entry_hash"
    " FROM entry WHERE sequence BETWEEN ? AND ?"
)
_FIND = "SELECT sequence FROM entry WHERE sequence BETWEEN ? AND ? AND time_ns <= ? AND payload IS NOT NULL"
_STARTS = "SELECT sequence, substr(payload, 1, ?) FROM entry WHERE sequence IN (SELECT value FROM json_each(?))"
_BLANK = "UPDATE entry SET salt = NULL, payload = NULL WHERE sequence IN (SELECT value FROM json_each(?))"

MIGRATIONS = {
    0: """
CREATE TABLE entry (
  sequence INTEGER PRIMARY KEY,
  schema_version INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  salt BLOB,
  payload BLOB,
  payload_hash BLOB NOT NULL,
  previous_hash BLOB NOT NULL,
  entry_hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER entry_follows_the_last BEFORE INSERT ON entry
WHEN NEW.sequence IS NOT (SELECT coalesce(max(sequence), -1) + 1 FROM entry)
BEGIN SELECT raise(ABORT, 'a log is dense: an entry follows the last one'); END;
CREATE TRIGGER entry_stays BEFORE DELETE ON entry
BEGIN SELECT raise(ABORT, 'a log is append-only: no entry is deleted'); END;
CREATE TRIGGER entry_changes_only_by_erasure BEFORE UPDATE ON entry
WHEN NOT (
  OLD.payload IS NOT NULL AND NEW.payload IS NULL AND NEW.salt IS NULL
  AND NEW.sequence IS OLD.sequence AND NEW.schema_version IS OLD.schema_version AND NEW.time_ns IS OLD.time_ns
  AND NEW.payload_hash IS OLD.payload_hash AND NEW.previous_hash IS OLD.previous_hash
  AND NEW.entry_hash IS OLD.entry_hash
)
BEGIN SELECT raise(ABORT, 'a log is append-only: a payload can be erased, nothing else changed'); END;
""",
}
"""What lifts a file of format n to n + 1; format 0 is an empty file."""


class SqliteLogReader:
    """A log opened for reading only: nothing in the file is changed, and another process may be writing it."""

    def __init__(self, path: Path) -> None:
        """Open the log. Raises: InputError where it is missing, no log, damaged, or newer than this software."""
        self._path = path
        _refuse_what_is_no_log(path)
        with _door(path):
            self._connection = _connect_to_read(path)
        try:
            with _door(path):
                self._connection = _lifted_copy(self._connection, path)
        except BaseException:
            self._connection.close()
            raise
        self._lock = threading.RLock()

    def __enter__(self) -> Self:
        """The open log."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close it."""
        self.close()

    def read(
        self, first: int = 0, last: int | None = None, *, without: Collection[type[Event]] = ()
    ) -> Iterator[StoredEvent]:
        """See `port.EventLog`. Raises: InputError where one cannot be decoded."""
        for entry in self._entries(first, last, [start_of(kind) for kind in without]):
            yield recall(entry)

    def find(self, of: Collection[type[Event]], until_ns: int, first: int, last: int) -> list[int]:
        """The places, first <= place <= last, of what is of these types, no younger than a moment, and not erased."""
        query, starts = _which([start_of(kind) for kind in of])
        with self._lock, _door(self._path):
            return [row[0] for row in self._connection.execute(query, (first, last, until_ns, *starts))]

    def head(self) -> Head:
        """How many entries there are, and the hash of the last."""
        with self._lock, _door(self._path):
            return _tail(self._connection)

    def verify(self, head: Head | None = None) -> Head:
        """The head, all entries being sound. Raises: IntegrityError naming the first bad entry."""
        return verify_entries(self._entries(0, None), head)

    def verify_end(self, most: int) -> int:
        """How many entries were verified, the last ones: all, as `verify` does, where there are no more than `most`.

        Of a longer log only the chain and the payloads of its end are judged, not whether what is missing was erased
        by rule. Raises: IntegrityError naming the first bad entry.
        """
        length = self.head().length
        if length <= most:
            return self.verify().length
        first = length - most
        before = next(self._entries(first - 1, first - 1), None)
        if before is None:
            raise IntegrityError(first - 1, "missing")
        _follow(self._entries(first, None), before)
        return most

    def close(self) -> None:
        """Release the file; safe to call twice."""
        with self._lock:
            self._connection.close()

    def _entries(self, first: int, last: int | None, without: Sequence[bytes] = ()) -> Iterator[Entry]:
        """The stored entries, a page at a time, so that neither memory nor the writer waits for a long read.

        Those whose payload begins as one of `without` does are left out.
        """
        upper = 2**63 - 1 if last is None else last
        if without:
            upper = min(upper, SqliteLogReader.head(self).length - 1)
        query, starts = _query(without)
        lower = first
        while lower <= upper:
            end = min(upper, lower + _SPAN - 1) if without else upper
            with self._lock, _door(self._path):
                page = self._connection.execute(query, (lower, end, *starts)).fetchall()
            yield from map(_entry, page)
            lower = page[-1][0] + 1 if len(page) == _PAGE else end + 1


class SqliteEventLog(SqliteLogReader):
    """The log opened for writing, by one process at a time.

    Durable events are synchronised to the disk before `append` returns; others wait in memory for company until there
    are `batch_events` of them, `batch_s` has passed, a durable one comes, or `flush` is called. What could not be
    written is kept and tried again.
    """

    def __init__(
        self,
        path: Path,
        *,
        batch_events: int = BATCH_EVENTS,
        batch_s: float = BATCH_S,
        salt: Callable[[int], bytes] = token_bytes,
        verify_last: int = 0,
    ) -> None:
        """Open the log, make it where there is none, and lift an older format to today's.

        The last `verify_last` entries are verified before anything in the file is changed; `verified` is how many
        there were.

        Raises: InputError where it is no log, damaged, or newer than this software; IntegrityError naming the first
        bad entry; UnavailableError where another process writes it or the disk refuses.
        """
        self._path = path
        self._salt = salt
        self._batch_events = batch_events
        self._batch_s = batch_s
        self._thinner = TrackThinner()
        self._waiting: list[Entry] = []
        self._failed = False
        self._closed = False
        self._lock = threading.RLock()
        self._wake = threading.Condition(self._lock)
        try:
            self._writer = FileLock(
                path.with_name(path.name + "-lock"),
                f"{path}: process {{owner}} is writing this log; stop it, or write to another file",
            )
        except OSError as error:
            raise _refusal(path, error) from error
        try:
            self.verified = _verified(path, verify_last) if verify_last else 0
            with _door(path):
                self._connection = _connect_to_write(path)
                self._head = self._written = _tail(self._connection)
        except BaseException:
            self._writer.release()
            raise
        self._timer = threading.Thread(target=self._commit_in_time, name=f"log {path.name}", daemon=True)
        self._timer.start()

    def append(self, events: Sequence[Event]) -> int:
        """Write events and return the sequence of the log's last entry; see `port.EventLog`."""
        with self._lock:
            self._refuse_closed()
            kept = self._thinner.keep(events)
            before, waiting = self._head, len(self._waiting)
            try:
                self._take(seal_all(kept, self._salt, before))
                durable = any(isinstance(event, DURABLE) for event in kept)
                if durable or self._failed or len(self._waiting) >= self._batch_events:
                    self._commit()
                elif self._waiting and not waiting:
                    # Later ones join those whose time is running already: to wake the timer for each costs more than
                    # to seal them.
                    self._wake.notify()
            except BaseException:
                self._thinner.forget(kept)
                if len(self._waiting) > waiting:
                    del self._waiting[waiting:]
                    self._head = before
                raise
            return self._head.length - 1

    def flush(self) -> None:
        """Return when everything appended is on the disk. Raises: UnavailableError where that cannot be now."""
        with self._lock:
            self._refuse_closed()
            self._commit()

    def head(self) -> Head:
        """How many entries there are, and the hash of the last, those that wait for the disk included."""
        with self._lock:
            return self._head

    def written(self) -> Head:
        """The head of what is on the disk."""
        with self._lock:
            return self._written

    def verify(self, head: Head | None = None) -> Head:
        """The head, all entries being sound. Raises: IntegrityError naming the first bad entry."""
        self.flush()
        return super().verify(head)

    def erase(self, sequences: Sequence[int], *, rule: str, officer: str, time_ns: int) -> PayloadErased:
        """Erase payloads under a retention rule, in one transaction, and log that they were; see `port.EventLog`."""
        erased = erasure_of(sequences, rule, officer, time_ns)
        with self._lock, _door(self._path):
            self.flush()
            places = json.dumps(sequences)
            starts = dict(self._connection.execute(_STARTS, (START_BYTES, places)).fetchall())
            check_erasable(sequences, starts, self._head)
            entry = seal(erased, self._salt(SALT_BYTES), self._head.length, self._head.entry_hash)
            try:
                _insert(self._connection, [entry], blank=places)
            except BaseException as error:
                # A disk that complains after the fact may have written it all the same.
                if _tail(self._connection) != entry.head or not isinstance(error, sqlite3.Error):
                    raise
            finally:
                self._head = self._written = _tail(self._connection)
        return erased

    def purge(self) -> None:
        """Return when what was erased has left the files, but for what somebody is reading; see `port.EventLog`.

        Writers need not wait for most of it: it goes by a connection of its own.
        """
        with self._lock:
            self._refuse_closed()
        with _door(self._path), contextlib.closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            # The old pages may still be in the write-ahead log, payloads and all: fold it in beside the writers, and
            # cut it off once there is little left to fold in.
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Flush and release; safe to call twice. Raises: UnavailableError where the flush fails; released even so."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._wake.notify()
            try:
                self._commit()
                # One file, to be copied and read from a medium that cannot be written to; a reader may be in the way.
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("PRAGMA journal_mode = DELETE").fetchall()
            finally:
                self._connection.close()
                self._writer.release()
        self._timer.join()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise InputError(f"{self._path}: the log is closed; open it again")

    def _entries(self, first: int, last: int | None, without: Sequence[bytes] = ()) -> Iterator[Entry]:
        """The stored entries, then those that wait; later ones are not seen."""
        with self._lock:
            waiting = list(self._waiting)
            count = self._head.length
        upper = count - 1 if last is None else min(last, count - 1)
        on_disk = count - len(waiting) - 1
        yield from super()._entries(first, min(upper, on_disk), without)
        for entry in waiting:
            if first <= entry.sequence <= upper and not (entry.payload and is_of(entry.payload, without)):
                yield entry

    def _take(self, entries: list[Entry]) -> None:
        self._waiting += entries
        if entries:
            self._head = entries[-1].head

    def _commit(self) -> None:
        """Put what waits on the disk, in one transaction."""
        if not self._waiting:
            return
        self._failed = True
        try:
            with _door(self._path):
                _insert(self._connection, self._waiting)
        except BaseException as error:
            # An interrupt, or a disk that complains after the fact, may come when the entries are already in the file.
            if not self._landed():
                raise
            self._settle()
            if not isinstance(error, UnavailableError):
                raise
        else:
            self._settle()

    def _settle(self) -> None:
        self._written = self._waiting[-1].head
        self._waiting.clear()
        self._failed = False

    def _landed(self) -> bool:
        """Whether a commit that reported an error reached the file after all."""
        try:
            return _tail(self._connection) == self._waiting[-1].head
        except sqlite3.Error:
            return False

    def _commit_in_time(self) -> None:
        """Commit what has waited for `batch_s`, until the log is closed; a failure shows at the next append."""
        with self._lock:
            while not self._closed:
                if not self._waiting:
                    self._wake.wait()
                    continue
                self._wake.wait_for(lambda: self._closed, timeout=self._batch_s)
                if not self._closed:
                    with contextlib.suppress(UnavailableError, InputError):
                        self._commit()


def _refusal(path: Path, error: OSError) -> InputError:
    """What to say when a log cannot be opened."""
    if path.is_dir():
        return InputError(f"{path} is a folder: name a file in it, such as {path / 'events.sqlite'}")
    if not path.parent.is_dir():
        return InputError(f"{path}: the folder {path.parent} does not exist; make it first")
    return InputError(f"{path}: {error.strerror}; choose a file in a folder that can be written to")


def _refuse_what_is_no_log(path: Path) -> None:
    """Pass a readable SQLite file. Raises: InputError saying what it is instead."""
    if path.is_dir():
        raise InputError(f"{path} is a folder: name the log in it")
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: name a log that Marsad wrote, such as OUT/events.sqlite") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if not start:
        raise InputError(f"{path} is not a log: it is empty")
    if start != _MAGIC:
        raise InputError(f"{path} is not a log: it is no SQLite file (it begins with {start[:8]!r})")


def _verified(path: Path, most: int) -> int:
    """How many entries at the end of the log were verified, 0 where there is no log yet; the file is only read."""
    if not path.exists() or not path.stat().st_size:
        return 0
    _refuse_what_is_no_log(path)
    with _door(path), contextlib.closing(_connect_to_read(path)) as connection:
        if not _format_of(connection, path):
            return 0
    with SqliteLogReader(path) as log:
        return log.verify_end(most)


def _follow(entries: Iterable[Entry], before: Entry) -> None:
    """Go along the chain from an entry taken as it is. Raises: IntegrityError naming the first bad entry."""
    for entry in entries:
        expected = before.sequence + 1
        if entry.sequence != expected:
            raise IntegrityError(expected, f"missing: entry {entry.sequence} stands in its place")
        if entry.payload is not None and (
            entry.salt is None
            or len(entry.salt) != SALT_BYTES
            or hash_payload(entry.salt, entry.payload) != entry.payload_hash
        ):
            raise IntegrityError(expected, "its payload was changed")
        told = hash_entry(before.entry_hash, expected, entry.schema_version, entry.time_ns, entry.payload_hash)
        if entry.previous_hash != before.entry_hash or told != entry.entry_hash:
            raise IntegrityError(expected, "it, or the entry before it, was changed, removed or inserted")
        before = entry


def _connect_to_read(path: Path) -> sqlite3.Connection:
    mode = "mode=ro"
    journal = path.with_name(path.name + "-wal")
    if not os.access(path.parent, os.W_OK) and not journal.exists():
        mode += "&immutable=1"
    uri = f"{path.absolute().as_uri()}?{mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


def _lifted_copy(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    """The connection itself, or for an older format a copy in memory that has been lifted: the file stays untouched."""
    version = _format_of(connection, path)
    if version == 0:
        raise InputError(f"{path} is not a log: it is an empty SQLite file")
    if version == FORMAT:
        return connection
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.backup(copy)
    connection.close()
    _migrate(copy, version)
    return copy


def _connect_to_write(path: Path) -> sqlite3.Connection:
    if path.exists() and path.stat().st_size:
        _refuse_what_is_no_log(path)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        version = _format_of(connection, path)
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON").fetchall()
        _migrate(connection, version)
    except BaseException:
        connection.close()
        raise
    return connection


def _format_of(connection: sqlite3.Connection, path: Path) -> int:
    """The format of the file, 0 for an empty one. Raises: InputError where it is another's file or too new."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application or version or tables:
            raise InputError(f"{path} is not a log: it is an SQLite file of another program")
    if version > FORMAT:
        raise InputError(f"{path} has log format {version}; this software knows up to {FORMAT}: update Marsad")
    return version


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    """Lift the file to today's format, each step whole or not at all."""
    for step in range(version, FORMAT):
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[step]}; PRAGMA application_id = {APPLICATION_ID};"
            f" PRAGMA user_version = {step + 1}; COMMIT"
        )


@contextlib.contextmanager
def _door(path: Path) -> Iterator[None]:
    """Whatever SQLite says, in the words of the error tree."""
    try:
        yield
    except sqlite3.ProgrammingError as error:
        raise InputError(f"{path}: the log is closed; open it again") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise InputError(
                f"{path} is a damaged SQLite file ({error}): keep it, and work on a copy (sqlite3 COPY .recover)"
            ) from error
        if code == sqlite3.SQLITE_FULL:
            raise UnavailableError(
                f"{path}: the disk is full; free some space and go on, nothing written so far is lost"
            ) from error
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise UnavailableError(f"{path}: another program holds the file ({error}); close it and go on") from error
        if code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
            raise UnavailableError(
                f"{path}: the disk refuses ({error}); see that it is mounted, has room and can be written to"
            ) from error
        raise InputError(f"{path} is not a log as this software writes it ({error})") from error


def _insert(connection: sqlite3.Connection, entries: Sequence[Entry], *, blank: str = "") -> None:
    """Write entries in one transaction, erasing with them the payloads of those that `blank`, a JSON list, names."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(_INSERT, [msgspec.structs.astuple(entry) for entry in entries])
        if blank:
            connection.execute(_BLANK, (blank,))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _query(without: Sequence[bytes]) -> tuple[str, list[bytes]]:
    """What fetches a page of entries, those left out whose payload begins like that, and what goes with it."""
    query = _SELECT
    starts: list[bytes] = []
    for length in sorted({len(start) for start in without}):
        alike = [start for start in without if len(start) == length]
        marks = ", ".join("?" * len(alike))
        for behind in COUNT_BYTES:
            query += f" AND (payload IS NULL OR substr(payload, {behind + 1}, {length}) NOT IN ({marks}))"
            starts += alike
    return f"{query} ORDER BY sequence LIMIT {_PAGE}", starts


def _which(of: Sequence[bytes]) -> tuple[str, list[bytes]]:
    """What finds the entries whose payload begins like that, and what goes with it."""
    likes: list[str] = []
    starts: list[bytes] = []
    for length in sorted({len(start) for start in of}):
        alike = [start for start in of if len(start) == length]
        marks = ", ".join("?" * len(alike))
        for behind in COUNT_BYTES:
            likes.append(f"substr(payload, {behind + 1}, {length}) IN ({marks})")
            starts += alike
    return f"{_FIND} AND ({' OR '.join(likes)}) ORDER BY sequence", starts


def _tail(connection: sqlite3.Connection) -> Head:
    row = connection.execute("SELECT sequence, entry_hash FROM entry ORDER BY sequence DESC LIMIT 1").fetchone()
    return Head(count=0, entry_hash=GENESIS) if row is None else Head(count=row[0] + 1, entry_hash=row[1])


def _entry(row: tuple[object, ...]) -> Entry:
    """The entry a row holds. Raises: IntegrityError where its columns are not of their kinds."""
    try:
        return msgspec.convert(dict(zip(Entry.__struct_fields__, row, strict=True)), Entry)
    except msgspec.ValidationError as error:
        raise IntegrityError(row[0] if isinstance(row[0], int) else 0, f"it was changed: {error}") from error
