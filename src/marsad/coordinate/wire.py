"""The three messages of the link as bytes; laid down in docs/wire/link.md.

A parser looks at nothing before it has judged its length, allocates no more than a small multiple of what it was
given, and accepts exactly one spelling of each message.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final, Literal, get_args

from marsad.kernel.error import InputError
from marsad.kernel.parcel import PAYLOAD_BYTES, Checkpoint, Parcel, Receipt
from marsad.kernel.record import Record

NONCE_BYTES = 16
PULL_BYTES = 4096
"""The longest pull."""
BATCH_BYTES = 8 * 1024 * 1024
"""The longest batch."""
BATCH_ITEMS = 8192
LEAST_BYTES = 2 * 1024 * 1024
"""The smallest limit a pull may ask for: what lies between two checkpoints always fits."""
LEAST_ITEMS = 512
SEGMENT_ITEMS = 256
"""So many parcels at most lie between two checkpoints."""
SEGMENT_BYTES = 1024 * 1024
"""A checkpoint is due when so many bytes, overheads included, lie behind the last one."""
WAIT_MS = 25_000
"""The longest a pull may be kept waiting for news."""

Code = Literal["clock", "partner", "revoked", "busy", "malformed", "receipt"]
"""Why a pull is refused: the clocks differ, another partner or stream, a withdrawn key, no room, no such message, a
receipt that proves nothing."""
CODES: Final = get_args(Code)

_PULL = Struct(">8s16s16sqIIIQ32sQQQqB")
_BATCH = Struct(">8s16s16sqQ32sQIIB")
_REFUSAL = Struct(">8sqBB")
_CHECKPOINT = Struct(">16sQ32sQ32sq64s")
_RECEIPT = Struct(">q64s")
_URGENT = Struct(">Qq16s32sI")
_PLAIN = Struct(">qB16sI")
_PULL_MAGIC = b"MRSDpul1"
_BATCH_MAGIC = b"MRSDbat1"
_REFUSAL_MAGIC = b"MRSDref1"
URGENT_OVERHEAD = _URGENT.size
PLAIN_OVERHEAD = _PLAIN.size
BATCH_OVERHEAD = _BATCH.size + 2 * _CHECKPOINT.size
_COUNT = 2**63


class Pull(Record):
    """What a receiver asks for: all after `sequence`, but first the newest urgent parcels that it lacks.

    `urgent_known` is how many urgent parcels it knows of; of these it lacks those above `gap_floor` up to `gap_top`,
    and maybe others below. `seen_ns` is the time of the newest checkpoint it has.
    """

    nonce: bytes
    stream: bytes
    now_ns: int
    wait_ms: int
    max_items: int
    max_bytes: int
    sequence: int
    head: bytes
    urgent_known: int
    gap_top: int
    gap_floor: int
    seen_ns: int
    receipt: Receipt | None


class UrgentItem(Record):
    """An urgent parcel ahead of its turn, with the hash of the urgent chain before it."""

    parcel: Parcel
    before: bytes


class Batch(Record):
    """What a sender answers.

    `base_sequence` and `base_head` are where `plain` goes on, `newest` is the sender's last word. `urgent` descends
    from number `urgent_top`; `plain` ascends and ends at `end`, which is None when it is empty.
    """

    nonce: bytes
    stream: bytes
    now_ns: int
    base_sequence: int
    base_head: bytes
    newest: Checkpoint
    urgent_top: int
    urgent: list[UrgentItem]
    plain: list[Parcel]
    end: Checkpoint | None


class Refusal(Record):
    """A pull that is not answered, and why, with the sender's time."""

    now_ns: int
    code: Code
    text: str


def encode_pull(pull: Pull) -> bytes:
    """The pull as it is sent."""
    fixed = _PULL.pack(
        _PULL_MAGIC,
        pull.nonce,
        pull.stream,
        pull.now_ns,
        pull.wait_ms,
        pull.max_items,
        pull.max_bytes,
        pull.sequence,
        pull.head,
        pull.urgent_known,
        pull.gap_top,
        pull.gap_floor,
        pull.seen_ns,
        pull.receipt is not None,
    )
    return fixed if pull.receipt is None else fixed + encode_receipt(pull.receipt)


def decode_pull(data: bytes) -> Pull:
    """The pull that was sent. Raises: InputError where it is none."""
    if not _PULL.size <= len(data) <= PULL_BYTES:
        raise InputError(f"a pull of {len(data)} bytes")
    magic, *fields, has_receipt = _PULL.unpack_from(data)
    _expect(magic, _PULL_MAGIC)
    nonce, stream, now_ns, wait_ms, max_items, max_bytes, *rest = fields
    sequence, head, urgent_known, gap_top, gap_floor, seen_ns = rest
    wanted = _PULL.size + (_CHECKPOINT.size + _RECEIPT.size if has_receipt else 0)
    if has_receipt > 1 or len(data) != wanted:
        raise InputError(f"a pull of {len(data)} bytes where {wanted} belong")
    if wait_ms > WAIT_MS or not LEAST_ITEMS <= max_items <= BATCH_ITEMS or not LEAST_BYTES <= max_bytes <= BATCH_BYTES:
        raise InputError("a pull that asks for too much or too little")
    if max(sequence, urgent_known) >= _COUNT or not gap_floor <= gap_top <= urgent_known:
        raise InputError("a pull whose counts contradict each other")
    return Pull(
        nonce=nonce,
        stream=stream,
        now_ns=now_ns,
        wait_ms=wait_ms,
        max_items=max_items,
        max_bytes=max_bytes,
        sequence=sequence,
        head=head,
        urgent_known=urgent_known,
        gap_top=gap_top,
        gap_floor=gap_floor,
        seen_ns=seen_ns,
        receipt=decode_receipt(data[_PULL.size :]) if has_receipt else None,
    )


def encode_batch(batch: Batch) -> bytes:
    """The batch as it is sent."""
    parts = [
        _BATCH.pack(
            _BATCH_MAGIC,
            batch.nonce,
            batch.stream,
            batch.now_ns,
            batch.base_sequence,
            batch.base_head,
            batch.urgent_top,
            len(batch.urgent),
            len(batch.plain),
            batch.end is not None,
        ),
        encode_checkpoint(batch.newest),
        b"" if batch.end is None else encode_checkpoint(batch.end),
    ]
    for item in batch.urgent:
        parcel = item.parcel
        parts += [
            _URGENT.pack(parcel.sequence, parcel.time_ns, parcel.salt, item.before, len(parcel.payload)),
            parcel.payload,
        ]
    for parcel in batch.plain:
        parts += [
            _PLAIN.pack(parcel.time_ns, parcel.urgent, parcel.salt, len(parcel.payload)),
            parcel.payload,
        ]
    return b"".join(parts)


def decode_batch(data: bytes, urgent_before: int = 0) -> Batch:
    """The batch that was sent, `urgent_before` being how many of the parcels up to its base are urgent.

    Raises: InputError where it is none.
    """
    if not _BATCH.size + _CHECKPOINT.size <= len(data) <= BATCH_BYTES:
        raise InputError(f"a batch of {len(data)} bytes")
    magic, nonce, stream, now_ns, base, base_head, top, urgent_count, plain_count, has_end = _BATCH.unpack_from(data)
    _expect(magic, _BATCH_MAGIC)
    if urgent_count + plain_count > BATCH_ITEMS or has_end != (plain_count > 0):
        raise InputError(f"a batch of {urgent_count} urgent and {plain_count} other parcels")
    if base + plain_count >= _COUNT or not urgent_count <= top < _COUNT or (top and not urgent_count):
        raise InputError("a batch whose counts contradict each other")
    offset = _BATCH.size + _CHECKPOINT.size
    newest = decode_checkpoint(data[_BATCH.size : offset])
    end = None
    if has_end:
        end = decode_checkpoint(data[offset : offset + _CHECKPOINT.size])
        offset += _CHECKPOINT.size
    reader = _Reader(data, offset)
    urgent = list(reader.urgent(top, urgent_count))
    plain = list(reader.plain(base + 1, plain_count, urgent_before))
    reader.finish()
    return Batch(
        nonce=nonce,
        stream=stream,
        now_ns=now_ns,
        base_sequence=base,
        base_head=base_head,
        newest=newest,
        urgent_top=top,
        urgent=urgent,
        plain=plain,
        end=end,
    )


def encode_refusal(refusal: Refusal) -> bytes:
    """The refusal as it is sent, its text cut to 255 bytes."""
    text = refusal.text.encode()[:255].decode(errors="ignore").encode()
    return _REFUSAL.pack(_REFUSAL_MAGIC, refusal.now_ns, CODES.index(refusal.code) + 1, len(text)) + text


def decode_refusal(data: bytes) -> Refusal:
    """The refusal that was sent. Raises: InputError where it is none."""
    if not _REFUSAL.size <= len(data) <= _REFUSAL.size + 255:
        raise InputError(f"a refusal of {len(data)} bytes")
    magic, now_ns, number, length = _REFUSAL.unpack_from(data)
    _expect(magic, _REFUSAL_MAGIC)
    text = data[_REFUSAL.size :]
    if not 1 <= number <= len(CODES) or len(text) != length:
        raise InputError(f"a refusal with code {number}")
    try:
        return Refusal(now_ns=now_ns, code=CODES[number - 1], text=text.decode())
    except UnicodeDecodeError as error:
        raise InputError("a refusal whose text is no UTF-8") from error


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    """The checkpoint as it is sent and kept."""
    return _CHECKPOINT.pack(
        checkpoint.stream,
        checkpoint.sequence,
        checkpoint.head,
        checkpoint.urgent,
        checkpoint.urgent_head,
        checkpoint.time_ns,
        checkpoint.signature,
    )


def decode_checkpoint(data: bytes) -> Checkpoint:
    """The checkpoint that was sent. Raises: InputError where it is none."""
    if len(data) != _CHECKPOINT.size:
        raise InputError(f"a checkpoint of {len(data)} bytes")
    stream, sequence, head, urgent, urgent_head, time_ns, signature = _CHECKPOINT.unpack(data)
    if not urgent <= sequence < _COUNT:
        raise InputError(f"a checkpoint of {sequence} parcels, {urgent} of them urgent")
    return Checkpoint(
        stream=stream,
        sequence=sequence,
        head=head,
        urgent=urgent,
        urgent_head=urgent_head,
        time_ns=time_ns,
        signature=signature,
    )


def encode_receipt(receipt: Receipt) -> bytes:
    """The receipt as it is sent and kept."""
    return encode_checkpoint(receipt.checkpoint) + _RECEIPT.pack(receipt.received_ns, receipt.cosignature)


def decode_receipt(data: bytes) -> Receipt:
    """The receipt that was sent. Raises: InputError where it is none."""
    if len(data) != _CHECKPOINT.size + _RECEIPT.size:
        raise InputError(f"a receipt of {len(data)} bytes")
    received_ns, cosignature = _RECEIPT.unpack_from(data, _CHECKPOINT.size)
    checkpoint = decode_checkpoint(data[: _CHECKPOINT.size])
    return Receipt(checkpoint=checkpoint, received_ns=received_ns, cosignature=cosignature)


class _Reader:
    """The variable part of a batch, read once from front to back."""

    def __init__(self, data: bytes, offset: int) -> None:
        self._data = data
        self._offset = offset

    def urgent(self, top: int, count: int) -> Iterator[UrgentItem]:
        """The urgent parcels, from number `top` down."""
        for number in range(top, top - count, -1):
            self._need(_URGENT.size)
            sequence, time_ns, salt, before, length = _URGENT.unpack_from(self._data, self._offset)
            payload = self._payload(_URGENT.size, length)
            parcel = Parcel(sequence=sequence, time_ns=time_ns, urgent_number=number, salt=salt, payload=payload)
            yield UrgentItem(parcel=parcel, before=before)

    def plain(self, first: int, count: int, urgent_before: int) -> Iterator[Parcel]:
        """The parcels in their order, from sequence `first` up."""
        number = urgent_before
        for sequence in range(first, first + count):
            self._need(_PLAIN.size)
            time_ns, urgent, salt, length = _PLAIN.unpack_from(self._data, self._offset)
            if urgent > 1:
                raise InputError(f"parcel {sequence}: neither urgent nor not")
            number += urgent
            payload = self._payload(_PLAIN.size, length)
            yield Parcel(
                sequence=sequence,
                time_ns=time_ns,
                urgent_number=number if urgent else 0,
                salt=salt,
                payload=payload,
            )

    def finish(self) -> None:
        """Nothing may be left. Raises: InputError."""
        if self._offset != len(self._data):
            raise InputError(f"{len(self._data) - self._offset} bytes behind the end of a batch")

    def _payload(self, header: int, length: int) -> bytes:
        if length > PAYLOAD_BYTES:
            raise InputError(f"a payload of {length} bytes")
        self._need(header + length)
        start = self._offset + header
        self._offset = start + length
        return self._data[start : self._offset]

    def _need(self, length: int) -> None:
        if self._offset + length > len(self._data):
            raise InputError("a batch that ends within a parcel")


def _expect(magic: bytes, wanted: bytes) -> None:
    if magic != wanted:
        raise InputError(f"a message that begins with {magic!r} where {wanted!r} belongs")
