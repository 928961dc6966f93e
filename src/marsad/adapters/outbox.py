"""What is released to one partner, in an SQLite file that the station writes and its gateway only reads."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from secrets import token_bytes
from typing import Any, NamedTuple, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marsad.adapters.link_file import LinkFile, transaction
from marsad.coordinate.link import Standing
from marsad.coordinate.seal import (
    Heads,
    follow_all,
    follow_urgent,
    hash_parcel,
    heads_of,
    is_cosigned,
    name_stream,
    sign_checkpoint,
)
from marsad.coordinate.wire import (
    PLAIN_OVERHEAD,
    SEGMENT_BYTES,
    SEGMENT_ITEMS,
    URGENT_OVERHEAD,
    UrgentItem,
    decode_checkpoint,
    decode_receipt,
    encode_checkpoint,
    encode_receipt,
)
from marsad.kernel.chain import SALT_BYTES
from marsad.kernel.error import InputError, LinkRefusedError, RefusedError
from marsad.kernel.parcel import PAYLOAD_BYTES, Checkpoint, Parcel, Receipt
from marsad.kernel.record import Record

APPLICATION_ID = 0x4D52534F
"""`MRSO`, in the SQLite header."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS stream (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  stream BLOB NOT NULL,
  sender BLOB NOT NULL,
  receiver BLOB NOT NULL,
  epoch INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS parcel (
  sequence INTEGER PRIMARY KEY,
  time_ns INTEGER NOT NULL,
  urgent INTEGER NOT NULL,
  salt BLOB,
  payload BLOB,
  leaf BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS urgent (
  number INTEGER PRIMARY KEY,
  sequence INTEGER NOT NULL,
  before BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS checkpoint (
  sequence INTEGER PRIMARY KEY,
  bytes INTEGER NOT NULL,
  signed BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS receipt (sequence INTEGER PRIMARY KEY, signed BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS taken (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  taken BLOB NOT NULL,
  receipt BLOB
) STRICT;
CREATE TRIGGER IF NOT EXISTS parcel_stays BEFORE DELETE ON parcel
BEGIN SELECT raise(ABORT, 'what was released stays released'); END;
CREATE TRIGGER IF NOT EXISTS parcel_changes_only_by_erasure BEFORE UPDATE ON parcel
WHEN NOT (
  OLD.payload IS NOT NULL AND NEW.payload IS NULL AND NEW.salt IS NULL AND NEW.leaf IS OLD.leaf
  AND NEW.sequence IS OLD.sequence AND NEW.time_ns IS OLD.time_ns AND NEW.urgent IS OLD.urgent
)
BEGIN SELECT raise(ABORT, 'what was released can be erased, nothing else changed'); END;
"""


class Taken(Record):
    """What the station says to its gateway about the other direction: how much of the spool it has, and what it holds.

    A `generation` above the spool's own tells the gateway to throw away what it has and to begin again from `standing`.
    """

    generation: int
    number: int
    standing: Standing


class Item(NamedTuple):
    """One thing to be released."""

    payload: bytes
    urgent: bool
    time_ns: int


class Outbox:
    """The writing end, for the station: appends, signs, and keeps the partner's receipts."""

    def __init__(
        self,
        path: Path,
        key: Ed25519PrivateKey,
        receiver: bytes,
        *,
        epoch: int = 1,
        salt: Callable[[int], bytes] = token_bytes,
    ) -> None:
        """Open the file, or make it. Raises: InputError where it is of other keys; UnavailableError."""
        self._file = LinkFile(path, APPLICATION_ID, _SCHEMA)
        self._key = key
        self._receiver = receiver
        self._salt = salt
        self._lock = threading.Lock()
        sender = key.public_key().public_bytes_raw()
        self.stream = name_stream(sender, receiver, epoch)
        self._connection = self._file.open_to_write()
        try:
            self._claim(sender, epoch)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        """The open outbox."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close it."""
        self.close()

    def append(self, items: Sequence[Item], now_ns: int) -> Checkpoint:
        """The checkpoint that covers the items; all of them are on the disk when this returns, or none.

        Raises: InputError for a payload that is too large, UnavailableError.
        """
        for item in items:
            if len(item.payload) > PAYLOAD_BYTES:
                raise InputError(f"a payload of {len(item.payload)} bytes; {PAYLOAD_BYTES} at most can be sent")
        with self._lock, self._file.door(), transaction(self._connection):
            heads, total = self._tail()
            for segment in _segments(items):
                heads, total = self._add(heads, total, segment)
                checkpoint = self._sign(heads, total, now_ns)
            return checkpoint if items else self._sign(heads, total, now_ns)

    def beat(self, now_ns: int) -> Checkpoint:
        """The word that nothing was added since the last one; the partner sees how fresh that is."""
        return self.append((), now_ns)

    def note_receipt(self, receipt: Receipt) -> None:
        """Keep the partner's word that it holds so much. Raises: LinkRefusedError where it is not its word."""
        told = receipt.checkpoint
        if told.stream != self.stream or not is_cosigned(receipt, self._receiver):
            raise LinkRefusedError("forged", "the receipt is not signed by the partner")
        with self._lock, self._file.door(), transaction(self._connection):
            own = _checkpoint_at(self._connection, told.sequence)
            if own is None or heads_of(own) != heads_of(told):
                raise LinkRefusedError(
                    "forked", f"the receipt is for a history of {told.sequence} parcels that is not ours"
                )
            self._connection.execute(
                "INSERT OR IGNORE INTO receipt (sequence, signed) VALUES (?, ?)",
                (told.sequence, encode_receipt(receipt)),
            )

    def received(self) -> int:
        """Up to which sequence the partner has confirmed all."""
        with self._lock, self._file.door():
            return int(self._connection.execute("SELECT coalesce(max(sequence), 0) FROM receipt").fetchone()[0])

    def publish(self, taken: Taken, receipt: Receipt | None) -> None:
        """Tell the gateway what the station holds of the partner's stream, and what to confirm to it."""
        with self._lock, self._file.door(), transaction(self._connection):
            self._connection.execute(
                "INSERT OR REPLACE INTO taken (one, taken, receipt) VALUES (1, ?, ?)",
                (msgspec.msgpack.encode(taken), None if receipt is None else encode_receipt(receipt)),
            )

    def erase(self, upto: int) -> int:
        """Erase the payloads up to a sequence the partner has confirmed; the chain still verifies. How many were there.

        Raises: RefusedError where the partner may still ask for them.
        """
        confirmed = self.received()
        if upto > confirmed:
            raise RefusedError(f"parcels above {confirmed} are not confirmed: they cannot be erased yet")
        with self._lock, self._file.door(), transaction(self._connection):
            return self._connection.execute(
                "UPDATE parcel SET salt = NULL, payload = NULL WHERE sequence <= ? AND payload IS NOT NULL", (upto,)
            ).rowcount

    def close(self) -> None:
        """Release the file; safe to call twice."""
        with self._lock:
            self._connection.close()

    def _claim(self, sender: bytes, epoch: int) -> None:
        """The file belongs to one stream for ever."""
        with self._file.door(), transaction(self._connection):
            row = self._connection.execute("SELECT stream FROM stream").fetchone()
            if row is not None and row[0] != self.stream:
                raise InputError(f"{self._file.path} is the outbox of other keys or another epoch: name a new file")
            self._connection.execute(
                "INSERT OR IGNORE INTO stream (one, stream, sender, receiver, epoch) VALUES (1, ?, ?, ?, ?)",
                (self.stream, sender, self._receiver, epoch),
            )

    def _tail(self) -> tuple[Heads, int]:
        row = self._connection.execute("SELECT signed, bytes FROM checkpoint ORDER BY sequence DESC LIMIT 1").fetchone()
        return (Heads(), 0) if row is None else (heads_of(decode_checkpoint(row[0])), row[1])

    def _add(self, heads: Heads, total: int, items: Sequence[Item]) -> tuple[Heads, int]:
        """The heads and the bytes after so many more parcels."""
        head, urgent, urgent_head = heads.head, heads.urgent, heads.urgent_head
        salts = self._salt(SALT_BYTES * len(items))
        parcels: list[tuple[object, ...]] = []
        ahead: list[tuple[object, ...]] = []
        for place, item in enumerate(items):
            urgent += item.urgent
            parcel = Parcel(
                sequence=heads.sequence + place + 1,
                time_ns=item.time_ns,
                urgent_number=urgent if item.urgent else 0,
                salt=salts[place * SALT_BYTES : (place + 1) * SALT_BYTES],
                payload=item.payload,
            )
            leaf = hash_parcel(self.stream, parcel)
            head = follow_all(head, leaf)
            if item.urgent:
                ahead.append((urgent, parcel.sequence, urgent_head))
                urgent_head = follow_urgent(urgent_head, leaf)
            parcels.append((*msgspec.structs.astuple(parcel), leaf))
            total += PLAIN_OVERHEAD + len(item.payload)
        self._connection.executemany(
            "INSERT INTO parcel (sequence, time_ns, urgent, salt, payload, leaf) VALUES (?, ?, ?, ?, ?, ?)", parcels
        )
        self._connection.executemany("INSERT INTO urgent (number, sequence, before) VALUES (?, ?, ?)", ahead)
        return Heads(sequence=heads.sequence + len(items), head=head, urgent=urgent, urgent_head=urgent_head), total

    def _sign(self, heads: Heads, total: int, now_ns: int) -> Checkpoint:
        checkpoint = sign_checkpoint(self._key, self.stream, heads, now_ns)
        self._connection.execute(
            "INSERT OR REPLACE INTO checkpoint (sequence, bytes, signed) VALUES (?, ?, ?)",
            (heads.sequence, total, encode_checkpoint(checkpoint)),
        )
        return checkpoint


class OutboxReader:
    """The reading end, for the gateway; a `coordinate.link.Shelf`. Use it in one thread."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises: UnavailableError where the station has made none yet, InputError."""
        self._file = LinkFile(path, APPLICATION_ID, _SCHEMA)
        self._connection = self._file.open_to_read()
        with self._file.door():
            row = self._connection.execute("SELECT stream FROM stream").fetchone()
        self.stream: bytes = row[0] if row else b""

    def __enter__(self) -> Self:
        """The open outbox."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close it."""
        self.close()

    def version(self) -> int:
        """A number that changes when somebody has written."""
        with self._file.door():
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that is read within is of one moment, whatever the station writes meanwhile."""
        with self._file.door():
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            with self._file.door():
                self._connection.execute("ROLLBACK")

    def newest(self) -> Checkpoint | None:
        """The last checkpoint, None before the first."""
        with self._file.door():
            row = self._connection.execute("SELECT signed FROM checkpoint ORDER BY sequence DESC LIMIT 1").fetchone()
        return None if row is None else decode_checkpoint(row[0])

    def checkpoint_at(self, sequence: int) -> Checkpoint | None:
        """The checkpoint at exactly that sequence, None where there is none."""
        with self._file.door():
            return _checkpoint_at(self._connection, sequence)

    def last_within(self, sequence: int, items: int, byte_count: int) -> Checkpoint | None:
        """The furthest checkpoint that lies so many parcels and bytes behind `sequence`, None where there is none."""
        with self._file.door():
            row = self._connection.execute(
                "SELECT signed FROM checkpoint WHERE sequence > :at AND sequence <= :at + :items AND bytes <="
                " :bytes + coalesce((SELECT bytes FROM checkpoint WHERE sequence = :at), 0)"
                " ORDER BY sequence DESC LIMIT 1",
                {"at": sequence, "items": items, "bytes": byte_count},
            ).fetchone()
        return None if row is None else decode_checkpoint(row[0])

    def plain(self, after: int, upto: int) -> list[Parcel]:
        """The parcels with after < sequence <= upto, in order. Raises: InputError where one was erased."""
        with self._file.door():
            rows = self._connection.execute(
                "SELECT sequence, time_ns, urgent, salt, payload FROM parcel WHERE sequence > ? AND sequence <= ?"
                " ORDER BY sequence",
                (after, upto),
            ).fetchall()
        return [_parcel(row) for row in rows]

    def urgent(self, top: int, floor: int, items: int, byte_count: int) -> list[UrgentItem]:
        """The urgent parcels from number `top` down to above `floor`, as many as the limits allow."""
        with self._file.door():
            rows = self._connection.execute(
                "SELECT parcel.sequence, time_ns, urgent, salt, payload, before FROM urgent"
                " JOIN parcel ON parcel.sequence = urgent.sequence WHERE number <= ? AND number > ?"
                " ORDER BY number DESC LIMIT ?",
                (top, floor, items),
            )
            return list(_within(rows, byte_count))

    def taken(self) -> tuple[Taken | None, Receipt | None]:
        """What the station says of the other direction, and what is to be confirmed to the partner."""
        with self._file.door():
            row = self._connection.execute("SELECT taken, receipt FROM taken").fetchone()
        if row is None:
            return None, None
        receipt = None if row[1] is None else decode_receipt(row[1])
        return msgspec.msgpack.decode(row[0], type=Taken), receipt

    def close(self) -> None:
        """Release the file; safe to call twice."""
        self._connection.close()


def _segments(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """The items in runs that are short enough to lie between two checkpoints."""
    first, size = 0, 0
    for place, item in enumerate(items):
        if place - first == SEGMENT_ITEMS or size >= SEGMENT_BYTES:
            yield items[first:place]
            first, size = place, 0
        size += PLAIN_OVERHEAD + len(item.payload)
    if first < len(items):
        yield items[first:]


def _within(rows: sqlite3.Cursor, byte_count: int) -> Iterator[UrgentItem]:
    """The rows that fit."""
    for *parcel, before in rows:
        item = UrgentItem(parcel=_parcel(parcel), before=before)
        byte_count -= URGENT_OVERHEAD + len(item.parcel.payload)
        if byte_count < 0:
            return
        yield item


def _parcel(row: Sequence[Any]) -> Parcel:
    """The parcel a row holds; its columns are of their kinds, for the tables are strict. Raises: InputError."""
    sequence, time_ns, urgent, salt, payload = row
    if salt is None or payload is None:
        raise InputError(f"parcel {sequence} was erased: it cannot be sent again")
    return Parcel(sequence=sequence, time_ns=time_ns, urgent_number=urgent, salt=salt, payload=payload)


def _checkpoint_at(connection: sqlite3.Connection, sequence: int) -> Checkpoint | None:
    row = connection.execute("SELECT signed FROM checkpoint WHERE sequence = ?", (sequence,)).fetchone()
    return None if row is None else decode_checkpoint(row[0])
