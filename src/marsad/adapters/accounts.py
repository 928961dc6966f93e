"""Accounts and sessions in an SQLite file of their own, which nobody but its owner may read."""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from marsad.kernel.account import Account, Session, name_key
from marsad.kernel.error import InputError, RefusedError, UnavailableError

APPLICATION_ID = 0x4D525341
"""`MRSA`, in the SQLite header, where `file` and SQLite's own tools look for whose file it is."""

MIGRATIONS = {
    0: """
CREATE TABLE account (
  key TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  created_ns INTEGER NOT NULL,
  patrol_id TEXT NOT NULL,
  disabled INTEGER NOT NULL
) STRICT;
CREATE TABLE session (
  token_hash BLOB PRIMARY KEY,
  key TEXT NOT NULL REFERENCES account (key),
  csrf TEXT NOT NULL,
  began_ns INTEGER NOT NULL,
  seen_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_of_account ON session (key);
""",
}
"""What lifts a file of format n to n + 1; format 0 is an empty file."""
FORMAT = len(MIGRATIONS)

_ALL_ACCOUNTS = "SELECT name, role, password_hash, created_ns, patrol_id, disabled FROM account ORDER BY key"
_ONE_ACCOUNT = "SELECT name, role, password_hash, created_ns, patrol_id, disabled FROM account WHERE key = ?"
_ONE_SESSION = (
    "SELECT session.token_hash, account.name, session.csrf, session.began_ns, session.seen_ns"
    " FROM session JOIN account USING (key) WHERE token_hash = ?"
)
_ADD = (
    "INSERT INTO account (key, name, role, password_hash, created_ns, patrol_id, disabled)"
    " SELECT ?, ?, ?, ?, ?, ?, ? WHERE true ON CONFLICT DO NOTHING"
)
_ADD_FIRST = (
    "INSERT INTO account (key, name, role, password_hash, created_ns, patrol_id, disabled)"
    " SELECT ?, ?, ?, ?, ?, ?, ? WHERE NOT EXISTS (SELECT 1 FROM account)"
)


class SqliteAccounts:
    """Accounts and sessions in one file, for one process; see `port.Accounts`."""

    def __init__(self, path: Path) -> None:
        """Open the file, make it where there is none, and lift an older format to today's.

        Raises: InputError where it is another program's, damaged, or newer than this software; UnavailableError where
        the disk refuses.
        """
        self._path = path
        self._lock = threading.Lock()
        with _door(path):
            _keep_to_owner(path)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> Self:
        """The open accounts."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close them."""
        self.close()

    def close(self) -> None:
        """Release the file; safe to call twice."""
        with self._lock:
            self._connection.close()

    def accounts(self) -> list[Account]:
        """All accounts, by name."""
        return [_account(row) for row in self._ask(_ALL_ACCOUNTS)]

    def account(self, name: str) -> Account | None:
        """The account of that name, None where there is none."""
        rows = self._ask(_ONE_ACCOUNT, name_key(name))
        return _account(rows[0]) if rows else None

    def add(self, account: Account, *, first: bool = False) -> None:
        """Make an account. Raises: RefusedError where the name is taken, or with `first` where there is any."""
        added = self._change(_ADD_FIRST if first else _ADD, name_key(account.name), *_values(account))
        if not added:
            raise RefusedError("there is an account already" if first else f"the name {account.name} is taken")

    def change(self, account: Account) -> None:
        """Put an account in the place of the one of its name. Raises: InputError where there is none."""
        changed = self._change(
            "UPDATE account SET name = ?, role = ?, password_hash = ?, created_ns = ?, patrol_id = ?, disabled = ?"
            " WHERE key = ?",
            *_values(account),
            name_key(account.name),
        )
        if not changed:
            raise InputError(f"there is no account {account.name}")

    def begin(self, session: Session) -> None:
        """Somebody is signed in."""
        self._change(
            "INSERT INTO session (token_hash, key, csrf, began_ns, seen_ns) VALUES (?, ?, ?, ?, ?)",
            session.token_hash,
            name_key(session.name),
            session.csrf,
            session.began_ns,
            session.seen_ns,
        )

    def session(self, token_hash: bytes) -> Session | None:
        """The session of that token, None where there is none or it has ended."""
        rows = self._ask(_ONE_SESSION, token_hash)
        return Session(**dict(zip(Session.__struct_fields__, rows[0], strict=True))) if rows else None

    def touch(self, token_hash: bytes, seen_ns: int) -> None:
        """The session was used."""
        self._change("UPDATE session SET seen_ns = ? WHERE token_hash = ?", seen_ns, token_hash)

    def end(self, token_hash: bytes) -> None:
        """Somebody is signed out; nothing happens where they are already."""
        self._change("DELETE FROM session WHERE token_hash = ?", token_hash)

    def end_all(self, name: str) -> None:
        """Somebody is signed out everywhere."""
        self._change("DELETE FROM session WHERE key = ?", name_key(name))

    def forget(self, began_before_ns: int, seen_before_ns: int) -> None:
        """Sessions that began, or were last used, before these times are over."""
        self._change("DELETE FROM session WHERE began_ns < ? OR seen_ns < ?", began_before_ns, seen_before_ns)

    def _prepare(self) -> None:
        application = self._connection.execute("PRAGMA application_id").fetchone()[0]
        version: int = self._connection.execute("PRAGMA user_version").fetchone()[0]
        tables = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if application != APPLICATION_ID and (application or version or tables):
            raise InputError(f"{self._path} holds no accounts: it is an SQLite file of another program")
        if version > FORMAT:
            raise InputError(
                f"{self._path} has accounts of format {version}; this software knows up to {FORMAT}: update Marsad"
            )
        self._connection.execute("PRAGMA journal_mode = WAL").fetchall()
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA secure_delete = ON").fetchall()
        self._connection.execute("PRAGMA foreign_keys = ON")
        for step in range(version, FORMAT):
            self._connection.executescript(
                f"BEGIN IMMEDIATE; {MIGRATIONS[step]}; PRAGMA application_id = {APPLICATION_ID};"
                f" PRAGMA user_version = {step + 1}; COMMIT"
            )

    def _ask(self, question: str, *values: object) -> list[Sequence[Any]]:
        with self._lock, _door(self._path):
            return self._connection.execute(question, values).fetchall()

    def _change(self, change: str, *values: object) -> int:
        """How many rows were changed."""
        with self._lock, _door(self._path):
            return self._connection.execute(change, values).rowcount


def _keep_to_owner(path: Path) -> None:
    """Make the file, and what SQLite lays beside it, readable to its owner alone; SQLite hands on the file's mode."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; choose a file in a folder that can be written to") from error
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _account(row: Sequence[Any]) -> Account:
    fields = dict(zip(Account.__struct_fields__, row, strict=True))
    return msgspec.convert(fields, Account, strict=False)


def _values(account: Account) -> tuple[object, ...]:
    return (
        account.name,
        account.role,
        account.password_hash,
        account.created_ns,
        account.patrol_id,
        int(account.disabled),
    )


@contextlib.contextmanager
def _door(path: Path) -> Iterator[None]:
    """Whatever SQLite says, in the words of the error tree."""
    try:
        yield
    except sqlite3.ProgrammingError as error:
        raise UnavailableError(f"{path}: the accounts are closed") from error
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise InputError(
                f"{path} is no sound SQLite file ({error}): put it aside and make the accounts anew"
            ) from error
        raise UnavailableError(f"{path}: the accounts cannot be read or written now ({error})") from error
