"""The chain that makes a log tamper-evident: every entry's hash covers the one before it.

An entry chains the hash of its payload, not the payload, so that a payload can be erased and the chain still
verifies. A random salt is hashed with each payload and erased with it: without it, whoever holds the hash could try
out what an erased decision said.
"""

import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from struct import Struct

import numpy as np
from numpy.typing import NDArray

from marsad.kernel.encoding import COUNT_BYTES, decode, encode, is_of, peek, start_of
from marsad.kernel.error import InputError, IntegrityError, RefusedError
from marsad.kernel.event import SCHEMA_VERSION, Event, PayloadErased
from marsad.kernel.record import Record

GENESIS = bytes(32)
"""What stands for the hash before the first entry."""
HASH_BYTES = 32
SALT_BYTES = 16

_DOMAIN = b"marsad log entry 1\n"
_FIELDS = Struct(">qqq")
_ERASURE = "payload_erased"
_FAR = 2**62
"""Farther than any log goes: a forged number is no larger than arrays of numbers can hold."""
_ERASURE_START = start_of(PayloadErased)
START_BYTES = max(COUNT_BYTES) + len(_ERASURE_START)
"""So much of a payload tells whether it is the record of an erasure."""
_HEAD = re.compile(r"(?:(?P<count>\d{1,18}):)?(?P<hash>[0-9a-fA-F]{64})")


class Head(Record):
    """How long a log was at one moment and the hash of its last entry; `count` is None where only the hash was kept.

    What `EventLog.head` and `EventLog.verify` return always has its count.
    """

    count: int | None
    entry_hash: bytes

    @property
    def length(self) -> int:
        """The count, 0 where it is not known."""
        return self.count or 0

    def __str__(self) -> str:
        """`COUNT:HASH`, as people keep it."""
        return self.entry_hash.hex() if self.count is None else f"{self.count}:{self.entry_hash.hex()}"


class Entry(Record):
    """One link as it is kept; `salt` and `payload` are None once erased."""

    sequence: int
    schema_version: int
    time_ns: int
    salt: bytes | None
    payload: bytes | None
    payload_hash: bytes
    previous_hash: bytes
    entry_hash: bytes

    @property
    def head(self) -> Head:
        """The head of the log that ends with this entry."""
        return Head(count=self.sequence + 1, entry_hash=self.entry_hash)


class StoredEvent(Record):
    """One entry of a log: time and hashes stay where the payload has been erased and `event` is None.

    `entry_hash` chains this entry to all before it.
    """

    sequence: int
    schema_version: int
    time_ns: int
    event: Event | None
    payload_hash: bytes
    entry_hash: bytes


def hash_payload(salt: bytes, payload: bytes) -> bytes:
    """SHA-256 of the salt followed by the payload."""
    return sha256(salt + payload).digest()


def hash_entry(previous_hash: bytes, sequence: int, schema_version: int, time_ns: int, payload_hash: bytes) -> bytes:
    """SHA-256 of a fixed prefix, the hash before, three numbers (64 bits, signed, big-endian), the payload's hash."""
    fields = _FIELDS.pack(sequence, schema_version, time_ns)
    return sha256(_DOMAIN + previous_hash + fields + payload_hash).digest()


def recall(entry: Entry) -> StoredEvent:
    """What the entry says, decoded. Raises: InputError where it cannot be, naming the entry."""
    try:
        event = None if entry.payload is None else decode(entry.payload, entry.schema_version)
    except InputError as error:
        raise InputError(f"entry {entry.sequence}: {error}") from error
    return StoredEvent(
        sequence=entry.sequence,
        schema_version=entry.schema_version,
        time_ns=entry.time_ns,
        event=event,
        payload_hash=entry.payload_hash,
        entry_hash=entry.entry_hash,
    )


def seal(event: Event, salt: bytes, sequence: int, previous_hash: bytes) -> Entry:
    """The entry that follows `previous_hash`. Raises: InputError where the event cannot be written."""
    if not -(2**63) <= event.time_ns < 2**63:
        raise InputError(f"{type(event).__name__}.time_ns = {event.time_ns}: nanoseconds since 1970, 64 bits with sign")
    payload = encode(event)
    payload_hash = hash_payload(salt, payload)
    return Entry(
        sequence=sequence,
        schema_version=SCHEMA_VERSION,
        time_ns=event.time_ns,
        salt=salt,
        payload=payload,
        payload_hash=payload_hash,
        previous_hash=previous_hash,
        entry_hash=hash_entry(previous_hash, sequence, SCHEMA_VERSION, event.time_ns, payload_hash),
    )


def seal_all(events: Sequence[Event], salt: Callable[[int], bytes], head: Head) -> list[Entry]:
    """The entries that follow `head`, whose count must be known; `salt` gives so many random bytes.

    Raises: InputError where an event cannot be written, RefusedError for an erasure, which `EventLog.erase` logs.
    """
    if any(isinstance(event, PayloadErased) for event in events):
        raise RefusedError("PayloadErased cannot be appended: erase the payload, and the log writes that it was")
    entries: list[Entry] = []
    previous = head.entry_hash
    for sequence, event in enumerate(events, start=head.length):
        entries.append(seal(event, salt(SALT_BYTES), sequence, previous))
        previous = entries[-1].entry_hash
    return entries


def erasure_of(sequences: Sequence[int], rule: str, officer: str, time_ns: int) -> PayloadErased:
    """The event that logs the erasure of entries. Raises: InputError for none at all, RefusedError for no reason."""
    if not sequences:
        raise InputError("sequences: name the entries whose payloads are to be erased")
    spans = spans_of(sequences)
    first = spans[0][0]
    if not rule or not officer:
        raise RefusedError(f"entry {first} is not erased: an erasure names its rule and its officer")
    alone = spans == ((first, first),)
    return PayloadErased(time_ns=time_ns, sequence=first, rule=rule, officer=officer, spans=() if alone else spans)


def spans_of(sequences: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Numbers as spans, each from its first to its last, in order and none touching the next."""
    spans: list[tuple[int, int]] = []
    for sequence in sorted(set(sequences)):
        if spans and sequence == spans[-1][1] + 1:
            spans[-1] = spans[-1][0], sequence
        else:
            spans.append((sequence, sequence))
    return tuple(spans)


def check_erasable(sequences: Sequence[int], starts: Mapping[int, bytes | None], head: Head) -> None:
    """Nothing where all of these can be erased; `starts` has how each stored payload begins, None where it is gone.

    Raises: InputError where there is no such entry, RefusedError where one must stay.
    """
    for sequence in sequences:
        if sequence not in starts:
            raise InputError(f"sequence = {sequence}: the log has entries 0 to {head.length - 1}")
        start = starts[sequence]
        if start is None:
            raise RefusedError(f"entry {sequence} is erased already")
        if is_of(start, [_ERASURE_START]):
            raise RefusedError(f"entry {sequence} is not erased: it is itself the record of an erasure")


def parse_head(text: str) -> Head:
    """A head as it was printed: `COUNT:HASH`, or the hash alone. Raises: InputError where it is neither."""
    match = _HEAD.fullmatch(text.strip())
    if match is None:
        raise InputError(f"head = {text!r}: COUNT:HASH as verify prints it, or the 64 hexadecimal digits of HASH alone")
    count = match["count"]
    return Head(count=None if count is None else int(count), entry_hash=bytes.fromhex(match["hash"]))


def verify_entries(entries: Iterable[Entry], head: Head | None = None) -> Head:
    """The head of a log that is sound and begins with what `head`, saved earlier, stands for.

    Raises: IntegrityError naming the first bad entry.
    """
    check = _Check(head)
    for entry in entries:
        check.add(entry)
    return check.finish()


class _Check:
    """One pass along a log; goes on past a break in the chain, for erasures are logged after what they erase."""

    def __init__(self, head: Head | None) -> None:
        self._saved = head
        self._matched = head is None or _stands_for(head, 0, GENESIS)
        self._count = 0
        self._hash = GENESIS
        self._missing = array("q")
        self._erased: list[tuple[int, int, int]] = []
        """Spans of what is said to be erased, each with the entry that says so."""
        self._broken: IntegrityError | None = None

    def add(self, entry: Entry) -> None:
        """Follow the chain by one entry."""
        self._note_payload(entry)
        if self._broken is not None:
            return
        self._broken = _break(entry, self._count, self._hash)
        if self._broken is None:
            self._count += 1
            self._hash = entry.entry_hash
            self._match_head()

    def finish(self) -> Head:
        """The head, once nothing is wrong."""
        findings = [*self._erasure_findings()]
        if self._broken is not None:
            findings.append(self._broken)
        elif not self._matched and self._saved is not None:
            findings.append(self._head_finding(self._saved))
        if findings:
            raise min(findings, key=lambda finding: finding.sequence)
        return Head(count=self._count, entry_hash=self._hash)

    def _note_payload(self, entry: Entry) -> None:
        if entry.payload is None:
            self._missing.append(entry.sequence)
            return
        seen = peek(entry.payload)
        if seen is not None and seen.type == _ERASURE and seen.sequence is not None:
            spans = seen.spans or ((seen.sequence, seen.sequence),)
            self._erased += [(min(first, _FAR), min(last, _FAR), entry.sequence) for first, last in spans]

    def _match_head(self) -> None:
        if self._saved is None or self._matched:
            return
        self._matched = _stands_for(self._saved, self._count, self._hash)
        if not self._matched and self._saved.count == self._count:
            self._broken = self._head_finding(self._saved)

    def _head_finding(self, saved: Head) -> IntegrityError:
        if saved.count is None:
            reason = (
                "no entry has the saved head's hash: the log was cut off or rewritten, or the head is another log's"
            )
            return IntegrityError(self._count, reason)
        if saved.count > self._count:
            return IntegrityError(
                self._count, f"missing: the saved head counts {saved.count} entries, the log was cut off"
            )
        reason = "is not what the saved head was taken of: it, or an entry before it, was rewritten"
        return IntegrityError(max(saved.count - 1, 0), reason)

    def _erasure_findings(self) -> Iterator[IntegrityError]:
        missing = np.unique(np.asarray(self._missing, np.int64))
        spans = sorted(self._erased)
        unlogged = _first_outside(missing, spans)
        if unlogged is not None:
            yield IntegrityError(unlogged, "its payload is gone, and no entry says that it was erased")
        kept = [
            (sequence, said)
            for first, last, said in spans
            if (sequence := _first_absent(first, min(last, self._count - 1), missing)) is not None
        ]
        if kept:
            sequence, said = min(kept)
            yield IntegrityError(sequence, f"entry {said} says its payload was erased, but it is there")


def _first_outside(numbers: NDArray[np.int64], spans: Sequence[tuple[int, int, int]]) -> int | None:
    """The first of some numbers, in order, that lies in none of the spans, which are in order too."""
    if not len(numbers):
        return None
    firsts = np.array([first for first, _, _ in spans] or [np.iinfo(np.int64).max], np.int64)
    reach = np.maximum.accumulate(np.array([last for _, last, _ in spans] or [-1], np.int64))
    before = np.searchsorted(firsts, numbers, side="right") - 1
    outside = numbers[(before < 0) | (reach[before] < numbers)]
    return int(outside[0]) if len(outside) else None


def _first_absent(first: int, last: int, numbers: NDArray[np.int64]) -> int | None:
    """The first whole number from one to another that is not among some numbers, each of which occurs once."""
    if last < first:
        return None
    from_place, to_place = np.searchsorted(numbers, [first, last + 1])
    here = numbers[from_place:to_place]
    gaps = np.flatnonzero(here != np.arange(first, first + len(here)))
    absent = first + (int(gaps[0]) if len(gaps) else len(here))
    return absent if absent <= last else None


def _stands_for(head: Head, count: int, entry_hash: bytes) -> bool:
    """Whether a log of this length and last hash is the one the head was taken of."""
    return head.entry_hash == entry_hash and head.count in {None, count}


def _break(entry: Entry, expected: int, before: bytes) -> IntegrityError | None:
    """What is wrong with the entry that should be number `expected` and follow the hash `before`."""
    if entry.sequence != expected:
        return IntegrityError(expected, f"missing: entry {entry.sequence} stands in its place")
    if not _holds_its_payload(entry):
        return IntegrityError(expected, "its payload was changed")
    if entry.previous_hash == before and _authentic_at(entry, expected):
        return None
    return _place(entry, expected, before)


def _holds_its_payload(entry: Entry) -> bool:
    """Whether payload and salt are erased, or are those that were hashed.

    The salt's length is fixed: were it not, bytes could be moved from it to the payload under the same hash.
    """
    if entry.payload is None:
        return entry.salt is None
    if entry.salt is None or len(entry.salt) != SALT_BYTES:
        return False
    return hash_payload(entry.salt, entry.payload) == entry.payload_hash


def _authentic_at(entry: Entry, sequence: int) -> bool:
    """Whether the entry's own fields give its hash when it stands at `sequence`."""
    found = hash_entry(entry.previous_hash, sequence, entry.schema_version, entry.time_ns, entry.payload_hash)
    return found == entry.entry_hash


def _place(entry: Entry, expected: int, before: bytes) -> IntegrityError:
    """Where the damage began, told by an entry that does not fit: an untouched one still knows what it followed."""
    if _authentic_at(entry, expected):
        return IntegrityError(max(expected - 1, 0), f"it was replaced: entry {expected} was written after another one")
    if entry.previous_hash == before:
        return IntegrityError(expected, "it was changed")
    written_at = next((place for place in range(expected) if _authentic_at(entry, place)), None)
    if written_at is not None:
        return IntegrityError(written_at, f"it was inserted: entry {expected} was written as entry {written_at}")
    return IntegrityError(expected, "it was changed, or entries before it were removed or put in another order")
