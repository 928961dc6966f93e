"""What a partner released to us: the gateway's spool of what came, and the station's inbox of what it has proven.

The gateway stores each batch as it came over the wire, with its own standing, in one transaction. The station trusts
none of it: it judges every batch again before a parcel enters its inbox.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from marsad.adapters.link_file import LinkFile, transaction
from marsad.adapters.outbox import Taken
from marsad.coordinate.link import Proven, Standing, accept
from marsad.coordinate.link_state import LinkChange
from marsad.coordinate.seal import name_stream, sign_receipt
from marsad.coordinate.wire import decode_batch, decode_receipt, encode_checkpoint, encode_receipt
from marsad.kernel.error import InputError, LinkRefusedError
from marsad.kernel.parcel import Checkpoint, Parcel, Receipt

SPOOL_ID = 0x4D525350
"""`MRSP`, in the SQLite header of a spool."""
INBOX_ID = 0x4D525349
"""`MRSI`, in the SQLite header of an inbox."""
KEPT_CHANGES = 10_000

_SPOOL = """
CREATE TABLE IF NOT EXISTS batch (
  number INTEGER PRIMARY KEY,
  received_ns INTEGER NOT NULL,
  body BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS standing (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  generation INTEGER NOT NULL,
  number INTEGER NOT NULL,
  standing BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS receipt (one INTEGER PRIMARY KEY CHECK (one = 1), signed BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS change (number INTEGER PRIMARY KEY AUTOINCREMENT, change BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS kept (one INTEGER PRIMARY KEY CHECK (one = 1), state BLOB NOT NULL) STRICT;
"""
_INBOX = """
CREATE TABLE IF NOT EXISTS stream (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  stream BLOB NOT NULL,
  sender BLOB NOT NULL,
  receiver BLOB NOT NULL,
  epoch INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS parcel (
  sequence INTEGER PRIMARY KEY,
  arrival INTEGER NOT NULL UNIQUE,
  received_ns INTEGER NOT NULL,
  time_ns INTEGER NOT NULL,
  urgent INTEGER NOT NULL,
  salt BLOB,
  payload BLOB,
  leaf BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS checkpoint (sequence INTEGER PRIMARY KEY, signed BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS receipt (sequence INTEGER PRIMARY KEY, signed BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS newest (one INTEGER PRIMARY KEY CHECK (one = 1), signed BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS standing (one INTEGER PRIMARY KEY CHECK (one = 1), taken BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS refusal (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  time_ns INTEGER NOT NULL,
  reason TEXT NOT NULL
) STRICT;
CREATE TRIGGER IF NOT EXISTS parcel_stays BEFORE DELETE ON parcel
BEGIN SELECT raise(ABORT, 'what was received stays'); END;
CREATE TRIGGER IF NOT EXISTS parcel_changes_only_by_erasure BEFORE UPDATE ON parcel
WHEN NOT (
  OLD.payload IS NOT NULL AND NEW.payload IS NULL AND NEW.salt IS NULL AND NEW.leaf IS OLD.leaf
  AND NEW.sequence IS OLD.sequence AND NEW.time_ns IS OLD.time_ns AND NEW.urgent IS OLD.urgent
  AND NEW.arrival IS OLD.arrival AND NEW.received_ns IS OLD.received_ns
)
BEGIN SELECT raise(ABORT, 'what was received can be erased, nothing else changed'); END;
"""


def first_generation(epoch: int) -> int:
    """The generation that a stream begins with: above all that the streams before it came to."""
    return ((epoch - 1) << 32) + 1


class Spooled(NamedTuple):
    """One batch as it came over the wire."""

    number: int
    received_ns: int
    body: bytes


class Spool:
    """The gateway's end: batches waiting for the station, receipts for it, and what befell the link."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises: InputError, UnavailableError."""
        self._file = LinkFile(path, SPOOL_ID, _SPOOL)
        self._connection = self._file.open_to_write()
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """The open spool."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close it."""
        self.close()

    def resume(self, taken: Taken) -> Standing:
        """From where to pull: where the spool is, or where the station wants it to begin again."""
        with self._lock, self._file.door(), transaction(self._connection):
            row = self._connection.execute("SELECT generation, standing FROM standing").fetchone()
            if row is not None and row[0] == taken.generation:
                return msgspec.msgpack.decode(row[1], type=Standing)
            self._connection.execute("DELETE FROM batch")
            # Of another stream's receipts none would be newer than the last one of the old.
            self._connection.execute("DELETE FROM receipt")
            self._connection.execute(
                "INSERT OR REPLACE INTO standing (one, generation, number, standing) VALUES (1, ?, ?, ?)",
                (taken.generation, taken.number, msgspec.msgpack.encode(taken.standing)),
            )
        return taken.standing

    def store(self, body: bytes, standing: Standing, received_ns: int, taken: Taken) -> None:
        """Keep a batch and what is held after it, in one transaction; what the station has is let go."""
        with self._lock, self._file.door(), transaction(self._connection):
            number = max(self._connection.execute("SELECT number FROM standing").fetchone()[0], taken.number) + 1
            self._connection.execute("DELETE FROM batch WHERE number <= ?", (taken.number,))
            self._connection.execute(
                "INSERT INTO batch (number, received_ns, body) VALUES (?, ?, ?)", (number, received_ns, body)
            )
            self._connection.execute(
                "UPDATE standing SET number = ?, standing = ?", (number, msgspec.msgpack.encode(standing))
            )

    def waiting_bytes(self, taken: Taken) -> int:
        """How much the station has not taken yet."""
        with self._lock, self._file.door():
            query = "SELECT coalesce(sum(length(body)), 0) FROM batch WHERE number > ?"
            return int(self._connection.execute(query, (taken.number,)).fetchone()[0])

    def note_receipt(self, receipt: Receipt) -> None:
        """Keep the partner's newest receipt for the station."""
        with self._lock, self._file.door(), transaction(self._connection):
            row = self._connection.execute("SELECT signed FROM receipt").fetchone()
            if row is None or decode_receipt(row[0]).checkpoint.sequence < receipt.checkpoint.sequence:
                self._connection.execute(
                    "INSERT OR REPLACE INTO receipt (one, signed) VALUES (1, ?)", (encode_receipt(receipt),)
                )

    def note_change(self, change: LinkChange) -> None:
        """Keep what befell the link, the last ones."""
        with self._lock, self._file.door(), transaction(self._connection):
            done = self._connection.execute("INSERT INTO change (change) VALUES (?)", (msgspec.msgpack.encode(change),))
            last = done.lastrowid or 0
            self._connection.execute("DELETE FROM change WHERE number <= ?", (last - KEPT_CHANGES,))

    def keep(self, state: bytes) -> None:
        """Keep how far a way out to a partner without Marsad is; on the disk when this returns."""
        with self._lock, self._file.door(), transaction(self._connection):
            self._connection.execute("INSERT OR REPLACE INTO kept (one, state) VALUES (1, ?)", (state,))

    def kept(self) -> bytes | None:
        """What was kept last, None where nothing was."""
        with self._lock, self._file.door():
            row = self._connection.execute("SELECT state FROM kept").fetchone()
        return None if row is None else row[0]

    def close(self) -> None:
        """Release the file; safe to call twice."""
        with self._lock:
            self._connection.close()


class SpoolReader:
    """The station's view of the spool; nothing in it is believed."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises: UnavailableError where the gateway has made none yet, InputError."""
        self._file = LinkFile(path, SPOOL_ID, _SPOOL)
        self._connection = self._file.open_to_read()

    def __enter__(self) -> Self:
        """The open spool."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close it."""
        self.close()

    def version(self) -> int:
        """A number that changes when somebody has written."""
        with self._file.door():
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def generation(self) -> int:
        """Which beginning this is; 0 before the first."""
        with self._file.door():
            row = self._connection.execute("SELECT generation FROM standing").fetchone()
        return row[0] if row else 0

    def batches(self, after: int, most: int = 16) -> list[Spooled]:
        """The batches behind a number, in order."""
        query = "SELECT number, received_ns, body FROM batch WHERE number > ? ORDER BY number LIMIT ?"
        with self._file.door():
            return [Spooled(*row) for row in self._connection.execute(query, (after, most))]

    def receipt(self) -> Receipt | None:
        """The partner's newest receipt, as the gateway tells it."""
        with self._file.door():
            row = self._connection.execute("SELECT signed FROM receipt").fetchone()
        return None if row is None else decode_receipt(row[0])

    def changes(self, after: int = 0) -> list[tuple[int, LinkChange]]:
        """What befell the link behind a number, each with its own."""
        query = "SELECT number, change FROM change WHERE number > ? ORDER BY number"
        with self._file.door():
            rows = self._connection.execute(query, (after,)).fetchall()
        return [(number, msgspec.msgpack.decode(change, type=LinkChange)) for number, change in rows]

    def last_change(self) -> LinkChange | None:
        """What befell the link last, None before anything did."""
        with self._file.door():
            row = self._connection.execute("SELECT change FROM change ORDER BY number DESC LIMIT 1").fetchone()
        return None if row is None else msgspec.msgpack.decode(row[0], type=LinkChange)

    def close(self) -> None:
        """Release the file; safe to call twice."""
        self._connection.close()


class Inbox:
    """The station's end: every parcel that was proven, once, in the order in which it arrived."""

    def __init__(self, path: Path, key: Ed25519PrivateKey, sender: bytes, *, epoch: int = 1) -> None:
        """Open the file, or make it. Raises: InputError where it is of other keys; UnavailableError."""
        self._file = LinkFile(path, INBOX_ID, _INBOX)
        self._key = key
        self._sender = sender
        self._connection = self._file.open_to_write()
        receiver = key.public_key().public_bytes_raw()
        try:
            self.taken = self._claim(name_stream(sender, receiver, epoch), receiver, epoch)
        except BaseException:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        """The open inbox."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Close it."""
        self.close()

    def take(self, spooled: Spooled, now_ns: int) -> int:
        """How many parcels a batch brought; they and the new standing are on the disk, in one transaction.

        Raises: LinkRefusedError where the batch does not prove itself. It is noted then, and the generation raised: the
        gateway is to begin again from what is held here.
        """
        standing = self.taken.standing
        try:
            batch = decode_batch(spooled.body, standing.heads.urgent)
            accepted = accept(standing, batch, self._sender, now_ns)
        except (InputError, LinkRefusedError) as error:
            self._refuse(spooled.number, str(error), now_ns)
            if isinstance(error, LinkRefusedError):
                raise
            raise LinkRefusedError("malformed", str(error)) from error
        taken = msgspec.structs.replace(self.taken, number=spooled.number, standing=accepted.standing)
        with self._file.door(), transaction(self._connection):
            self._insert(accepted.proven, standing.received, spooled.received_ns)
            self._keep(taken)
            if batch.end is not None:
                self._confirm(batch.end, now_ns)
            self._connection.execute(
                "INSERT OR REPLACE INTO newest (one, signed) VALUES (1, ?)", (encode_checkpoint(batch.newest),)
            )
        self.taken = taken
        return len(accepted.proven)

    def receipt(self) -> Receipt | None:
        """The signed word that all up to the last checkpoint is held here; None where nothing is."""
        with self._file.door():
            row = self._connection.execute("SELECT signed FROM receipt ORDER BY sequence DESC LIMIT 1").fetchone()
        return None if row is None else decode_receipt(row[0])

    def read(self, after_arrival: int = 0, most: int = 1000) -> list[tuple[int, Parcel]]:
        """The parcels in the order of their arrival, each with its number in it; what was erased is left out."""
        query = (
            "SELECT arrival, sequence, time_ns, urgent, salt, payload FROM parcel WHERE arrival > ?"
            " AND payload IS NOT NULL ORDER BY arrival LIMIT ?"
        )
        with self._file.door():
            rows = self._connection.execute(query, (after_arrival, most)).fetchall()
        return [
            (arrival, Parcel(sequence=sequence, time_ns=time_ns, urgent_number=urgent, salt=salt, payload=payload))
            for arrival, sequence, time_ns, urgent, salt, payload in rows
        ]

    def erase(self, received_before_ns: int, upto_arrival: int) -> int:
        """Erase the payloads that came before a moment and were read; the chain still verifies. How many."""
        with self._file.door(), transaction(self._connection):
            return self._connection.execute(
                "UPDATE parcel SET salt = NULL, payload = NULL"
                " WHERE received_ns < ? AND arrival <= ? AND payload IS NOT NULL",
                (received_before_ns, upto_arrival),
            ).rowcount

    def note_refusal(self, reason: str, now_ns: int) -> None:
        """Keep what the gateway brought and was refused."""
        with self._file.door(), transaction(self._connection):
            self._connection.execute("INSERT INTO refusal (time_ns, reason) VALUES (?, ?)", (now_ns, reason))

    def refusals(self) -> list[tuple[int, str]]:
        """When something of the gateway's was refused, and why."""
        with self._file.door():
            return self._connection.execute("SELECT time_ns, reason FROM refusal ORDER BY number").fetchall()

    def begin_again(self) -> Taken:
        """What to publish so that the gateway throws its spool away and goes on from what is held here."""
        taken = msgspec.structs.replace(self.taken, generation=self.taken.generation + 1)
        with self._file.door(), transaction(self._connection):
            self._keep(taken)
        self.taken = taken
        return taken

    def close(self) -> None:
        """Release the file; safe to call twice."""
        self._connection.close()

    def _claim(self, stream: bytes, receiver: bytes, epoch: int) -> Taken:
        with self._file.door(), transaction(self._connection):
            row = self._connection.execute("SELECT stream FROM stream").fetchone()
            if row is not None and row[0] != stream:
                raise InputError(f"{self._file.path} is the inbox of other keys or another epoch: name a new file")
            self._connection.execute(
                "INSERT OR IGNORE INTO stream (one, stream, sender, receiver, epoch) VALUES (1, ?, ?, ?, ?)",
                (stream, self._sender, receiver, epoch),
            )
            kept = self._connection.execute("SELECT taken FROM standing").fetchone()
        if kept is None:
            return Taken(generation=first_generation(epoch), number=0, standing=Standing(stream=stream))
        return msgspec.msgpack.decode(kept[0], type=Taken)

    def _insert(self, proven: Sequence[Proven], before: int, received_ns: int) -> None:
        self._connection.executemany(
            "INSERT INTO parcel (arrival, received_ns, sequence, time_ns, urgent, salt, payload, leaf)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (arrival, received_ns, *msgspec.structs.astuple(parcel), leaf)
                for arrival, (parcel, leaf) in enumerate(proven, start=before + 1)
            ],
        )

    def _confirm(self, end: Checkpoint, now_ns: int) -> None:
        """Keep the checkpoint at the end of what is held, and sign for it."""
        receipt = encode_receipt(sign_receipt(self._key, end, now_ns))
        kept = (end.sequence, encode_checkpoint(end))
        self._connection.execute("INSERT INTO checkpoint (sequence, signed) VALUES (?, ?)", kept)
        self._connection.execute("INSERT INTO receipt (sequence, signed) VALUES (?, ?)", (end.sequence, receipt))

    def _keep(self, taken: Taken) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO standing (one, taken) VALUES (1, ?)", (msgspec.msgpack.encode(taken),)
        )

    def _refuse(self, number: int, reason: str, now_ns: int) -> None:
        """Note a batch that proves nothing, and have the gateway begin again behind it."""
        self.note_refusal(f"batch {number}: {reason}", now_ns)
        taken = msgspec.structs.replace(self.taken, number=number, generation=self.taken.generation + 1)
        with self._file.door(), transaction(self._connection):
            self._keep(taken)
        self.taken = taken
