"""The command `marsad audit verify`: what both sides' files prove, by the public keys alone.

Written from docs/wire/link.md; it shares no code with what writes these files, so that one mistake is not made twice.
"""

import hashlib
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from marsad.kernel.error import InputError
from marsad.kernel.record import Record

ZERO = bytes(32)
MOST_FINDINGS = 100
Marks = dict[int, tuple[bytes, int, bytes]]
"""What was signed: for a count of parcels, the head, the urgent count and the urgent head."""


class Finding(Record):
    """Something that does not hold: in which file, at which parcel (0: the file as a whole), and what."""

    file: str
    sequence: int
    what: str


class AuditReport(Record):
    """What was found; `sent`, `received` and `confirmed` count parcels in the files that were given."""

    result: Literal["sound", "not sound"]
    sent: int | None
    received: int | None
    confirmed: int
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0 sound, 1 not sound."""
        return 0 if self.result == "sound" else 1

    def text(self) -> str:
        """The report for people."""
        counts = [
            f"{name} {count}"
            for name, count in (("sent", self.sent), ("received", self.received), ("confirmed", self.confirmed))
            if count is not None
        ]
        lines = [f"{self.result.upper()}: {', '.join(counts)}"]
        lines += [
            f"{one.file}: {f'parcel {one.sequence}: ' if one.sequence else ''}{one.what}" for one in self.findings
        ]
        return "\n".join(lines)


class _File:
    """One side's file, gone through once."""

    def __init__(self, path: Path, sender: bytes, receiver: bytes) -> None:
        self.path = path
        self.sender = sender
        self.receiver = receiver
        self.stream = b""
        self.findings: list[Finding] = []
        self.leaves: dict[int, bytes] = {}
        self.marks: Marks = {}
        self.ends: set[int] = set()
        self.ahead: set[int] = set()
        self.confirmed = 0

    def find(self, sequence: int, what: str) -> None:
        """Note something that does not hold."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(file=str(self.path), sequence=sequence, what=what))

    def read(self, checkpoints: str, receipts: str, newest: str) -> None:
        """Judge everything in the file. Raises: InputError where it cannot be read."""
        try:
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                self._name(connection)
                for (signed,) in connection.execute(checkpoints):
                    self._mark(signed, "a checkpoint")
                for (signed,) in connection.execute(receipts):
                    self._confirm(signed)
                self.ends = set(self.marks)
                for (signed,) in connection.execute(newest):
                    self._mark(signed, "the newest checkpoint")
                self._walk(connection)
                if self.is_inbox:
                    self._judge_arrivals(connection)
        except sqlite3.Error as error:
            raise InputError(f"{self.path} cannot be read as a file of the link: {error}") from error

    def _name(self, connection: sqlite3.Connection) -> None:
        row = connection.execute("SELECT stream, sender, receiver, epoch FROM stream").fetchone()
        if row is None:
            raise InputError(f"{self.path} holds no stream")
        stream, sender, receiver, epoch = row
        if (sender, receiver) != (self.sender, self.receiver):
            raise InputError(f"{self.path} is a stream of other keys than those that were given")
        named = b"marsad stream 1\n" + self.sender + self.receiver + struct.pack(">Q", epoch)
        self.stream = hashlib.sha256(named).digest()[:16]
        if stream != self.stream:
            self.find(0, "the stream's name is not that of its keys")

    def _mark(self, signed: object, what: str) -> None:
        """Keep what a checkpoint stands for, if it is the sender's word."""
        if not isinstance(signed, bytes) or len(signed) != 168:
            self.find(0, f"{what} is damaged")
            return
        sequence, urgent = struct.unpack(">Q", signed[16:24])[0], struct.unpack(">Q", signed[56:64])[0]
        if signed[:16] != self.stream or not _holds(self.sender, signed[104:], b"marsad checkpoint 1\n" + signed[:104]):
            self.find(sequence, f"{what} is not signed by the sender")
            return
        said = (signed[24:56], urgent, signed[64:96])
        if self.marks.setdefault(sequence, said) != said:
            self.find(sequence, "forked: the sender signed two different histories up to here")

    def _confirm(self, signed: object) -> None:
        """Keep what a receipt stands for, if it is the receiver's word about the sender's."""
        if not isinstance(signed, bytes) or len(signed) != 240:
            self.find(0, "a receipt is damaged")
            return
        sequence: int = struct.unpack(">Q", signed[16:24])[0]
        if not _holds(self.receiver, signed[176:], b"marsad receipt 1\n" + signed[:176]):
            self.find(sequence, "a receipt is not signed by the receiver")
            return
        self.confirmed = max(self.confirmed, sequence)
        self._mark(signed[:168], "the checkpoint of a receipt")

    def _walk(self, connection: sqlite3.Connection) -> None:
        """Judge every parcel by itself, and both chains as far as they go without a gap or a break."""
        chains = _Chains()
        rows = connection.execute("SELECT sequence, time_ns, urgent, salt, payload, leaf FROM parcel ORDER BY sequence")
        for row in rows:
            sequence, number, leaf = row[0], row[2], row[5]
            self._judge_row(row)
            self.leaves[sequence] = leaf
            if number and self.is_inbox:
                self.ahead.add(sequence)
            if chains.add(sequence, number, leaf):
                self._judge_place(chains, number)
        if not chains.broken:
            self._judge_end(chains.place)

    def _judge_place(self, chains: "_Chains", number: int) -> None:
        """The chains up to here must be those that were signed, where anything was."""
        if number and number != chains.urgent:
            self.find(chains.place, f"it is urgent number {number} where {chains.urgent} belongs")
        signed = self.marks.get(chains.place)
        if signed is None:
            return
        if signed == (chains.head, chains.urgent, chains.urgent_head):
            chains.last_sound = chains.place
            return
        chains.broken = True
        self.find(
            chains.place,
            f"parcels {chains.last_sound + 1} to {chains.place} are not those that were signed:"
            " altered with their hashes, reordered, or of another history",
        )

    def _judge_row(self, row: tuple[object, ...]) -> None:
        sequence, time_ns, number, salt, payload, leaf = row
        if not (isinstance(sequence, int) and isinstance(time_ns, int) and isinstance(number, int) and number >= 0):
            self.find(0, f"a row with sequence {sequence!r} is damaged")
            return
        if payload is None and salt is None:
            return
        if not (isinstance(payload, bytes) and isinstance(salt, bytes) and len(salt) == 16):
            self.find(sequence, "altered: its payload is damaged")
            return
        inner = hashlib.sha256(salt + payload).digest()
        fields = self.stream + struct.pack(">QqQ", sequence, time_ns, number) + inner
        if hashlib.sha256(b"marsad parcel 1\n" + fields).digest() != leaf:
            self.find(sequence, "altered: it is not what its hash was taken of")

    def _judge_end(self, place: int) -> None:
        """What was signed or confirmed must be there."""
        signed = max(self.ends, default=0)
        if place < signed:
            later = any(sequence > place for sequence in self.leaves)
            word = "dropped: missing, while later ones are there" if later else f"truncated: {signed} were signed for"
            self.find(place + 1, word)
        # Urgent parcels come ahead of the checkpoint that covers them in their turn, even right behind the last one.
        loose = [sequence for sequence in self.leaves if sequence > signed and sequence not in self.ahead]
        if loose:
            self.find(min(loose), "inserted: no signature covers it")

    def _judge_arrivals(self, connection: sqlite3.Connection) -> None:
        """Parcels are numbered as they arrive, without a gap."""
        count, last = connection.execute("SELECT count(*), coalesce(max(arrival), 0) FROM parcel").fetchone()
        if count != last:
            self.find(0, f"dropped: {last} parcels arrived, {count} are there")

    @property
    def is_inbox(self) -> bool:
        """Whether parcels ahead of their turn may lie in the file."""
        return False


class _Chains:
    """Both chains along the parcels, as long as none is missing."""

    def __init__(self) -> None:
        self.place = self.urgent = self.last_sound = 0
        self.head = self.urgent_head = ZERO
        self.broken = False
        self._whole = True

    def add(self, sequence: int, number: int, leaf: bytes) -> bool:
        """Follow by one parcel; False where it cannot be followed."""
        self._whole = self._whole and not self.broken and sequence == self.place + 1
        if not self._whole:
            return False
        self.place = sequence
        self.head = hashlib.sha256(b"marsad all 1\n" + self.head + leaf).digest()
        if number:
            self.urgent += 1
            self.urgent_head = hashlib.sha256(b"marsad urgent 1\n" + self.urgent_head + leaf).digest()
        return True


class _Inbox(_File):
    """The receiver's file."""

    @property
    def is_inbox(self) -> bool:
        """Urgent parcels come ahead of their turn."""
        return True


def audit(sent: Path | None, received: Path | None, sender: bytes, receiver: bytes) -> AuditReport:
    """What the sender's outbox and the receiver's inbox prove, each and beside each other. Raises: InputError."""
    files: list[_File] = []
    if sent is not None:
        outbox = _File(sent, sender, receiver)
        outbox.read(
            "SELECT signed FROM checkpoint ORDER BY sequence",
            "SELECT signed FROM receipt ORDER BY sequence",
            "SELECT receipt FROM taken WHERE 0",
        )
        files.append(outbox)
    if received is not None:
        inbox = _Inbox(received, sender, receiver)
        inbox.read(
            "SELECT signed FROM checkpoint ORDER BY sequence", "SELECT signed FROM receipt", "SELECT signed FROM newest"
        )
        files.append(inbox)
    if not files:
        raise InputError("name the outbox, the inbox, or both")
    findings = [finding for file in files for finding in file.findings]
    if len(files) == 2:
        findings += _beside(files[0], files[1])
    return AuditReport(
        result="not sound" if findings else "sound",
        sent=len(files[0].leaves) if sent is not None else None,
        received=len(files[-1].leaves) if received is not None else None,
        confirmed=max(file.confirmed for file in files),
        findings=tuple(findings),
    )


def parse_key(text: str) -> bytes:
    """A public key as `marsad keys show` prints it. Raises: InputError."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise InputError(f"{text!r} is no key: 64 hexadecimal digits, as `marsad keys show` prints the signing key")
    return key


def _beside(outbox: _File, inbox: _File) -> Iterator[Finding]:
    """Where the two files tell different stories, the first place of each kind."""
    shared = sorted(outbox.leaves.keys() & inbox.leaves.keys())
    unlike = next((sequence for sequence in shared if outbox.leaves[sequence] != inbox.leaves[sequence]), None)
    if unlike is not None:
        yield Finding(file=str(inbox.path), sequence=unlike, what=f"is not the parcel that {outbox.path} holds")
    last = max(outbox.leaves, default=0)
    beyond = min((sequence for sequence in inbox.leaves if sequence > last), default=None)
    if beyond is not None:
        yield Finding(file=str(outbox.path), sequence=beyond, what="truncated: the receiver holds it")
    forked = [place for place in outbox.marks.keys() & inbox.marks.keys() if outbox.marks[place] != inbox.marks[place]]
    if forked:
        what = "forked: the sender signed two different histories up to here, one for each file"
        yield Finding(file=str(outbox.path), sequence=min(forked), what=what)
    if inbox.confirmed < outbox.confirmed:
        what = f"the receiver confirmed {outbox.confirmed} parcels, its file knows of {inbox.confirmed}"
        yield Finding(file=str(inbox.path), sequence=inbox.confirmed + 1, what=what)


def _holds(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
