"""Both ends of the link, without a socket: what a receiver asks and accepts, and what a sender answers.

`ask` and `accept` are the receiver's, `answer` is the sender's. What is accepted is proven: every parcel by a
checkpoint that the sender signed, and every checkpoint by what was accepted before it.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from marsad.coordinate.seal import Heads, follow_all, follow_urgent, hash_parcel, heads_of, is_cosigned, is_signed
from marsad.coordinate.wire import (
    BATCH_BYTES,
    BATCH_ITEMS,
    BATCH_OVERHEAD,
    URGENT_OVERHEAD,
    Batch,
    Pull,
    Refusal,
    UrgentItem,
)
from marsad.kernel.chain import GENESIS
from marsad.kernel.error import LinkRefusedError
from marsad.kernel.parcel import Checkpoint, Parcel, Receipt
from marsad.kernel.record import Record

SKEW_NS = 300 * 10**9
"""Clocks further apart than this refuse each other: a release's delay and a certificate's expiry rest on them."""


class Gap(Record):
    """Urgent parcels that are known of and lacking: numbers above `floor` up to `top`, and the urgent head at both."""

    top: int
    top_head: bytes
    floor: int
    floor_head: bytes


class Standing(Record):
    """What a receiver holds of one stream.

    `heads` is how far it has all; `gaps`, ascending, are the urgent parcels that it lacks of the `newest` checkpoint.
    `received` counts all parcels it holds, those ahead of their turn included.
    """

    stream: bytes
    heads: Heads = Heads()
    gaps: tuple[Gap, ...] = ()
    newest: Checkpoint | None = None
    end: Checkpoint | None = None
    received: int = 0

    @property
    def known(self) -> Heads:
        """How far the sender's stream goes, as far as is known."""
        return Heads() if self.newest is None else heads_of(self.newest)

    @property
    def behind(self) -> int:
        """How many parcels are known of and lacking."""
        return self.known.sequence - self.received

    def age_ns(self, now_ns: int) -> int | None:
        """How old what is known of the sender is; None before its first word."""
        return None if self.newest is None else now_ns - self.newest.time_ns


class Proven(NamedTuple):
    """A parcel that was not there before, and the hash that stands for it."""

    parcel: Parcel
    leaf: bytes


class Accepted(NamedTuple):
    """What a batch changes: the new standing, and what is new, urgent parcels first."""

    standing: Standing
    proven: list[Proven]


class Shelf(Protocol):
    """Where a sender's parcels lie; while one answer is made, it does not change."""

    def newest(self) -> Checkpoint | None:
        """The last checkpoint, None before the first."""

    def checkpoint_at(self, sequence: int) -> Checkpoint | None:
        """The checkpoint at exactly that sequence, None where there is none."""

    def last_within(self, sequence: int, items: int, byte_count: int) -> Checkpoint | None:
        """The furthest checkpoint that lies so many parcels and bytes behind `sequence`, None where there is none."""

    def plain(self, after: int, upto: int) -> list[Parcel]:
        """The parcels with after < sequence <= upto, in order."""

    def urgent(self, top: int, floor: int, items: int, byte_count: int) -> list[UrgentItem]:
        """The urgent parcels from number `top` down to above `floor`, as many as the limits allow."""


def ask(
    standing: Standing,
    *,
    nonce: bytes,
    now_ns: int,
    wait_ms: int,
    max_items: int = BATCH_ITEMS,
    max_bytes: int = BATCH_BYTES,
    receipt: Receipt | None = None,
) -> Pull:
    """The pull that asks for what is lacking."""
    gap = standing.gaps[-1] if standing.gaps else None
    return Pull(
        nonce=nonce,
        stream=standing.stream,
        now_ns=now_ns,
        wait_ms=wait_ms,
        max_items=max_items,
        max_bytes=max_bytes,
        sequence=standing.heads.sequence,
        head=standing.heads.head,
        urgent_known=standing.known.urgent,
        gap_top=gap.top if gap else 0,
        gap_floor=gap.floor if gap else 0,
        seen_ns=standing.newest.time_ns if standing.newest else 0,
        receipt=receipt,
    )


def objection(pull: Pull, stream: bytes, receiver: bytes, now_ns: int) -> Refusal | None:
    """Why a pull is not to be answered, None where it is."""
    if pull.stream != stream:
        return Refusal(now_ns=now_ns, code="partner", text="this is not the stream that was agreed between us")
    if abs(pull.now_ns - now_ns) > SKEW_NS:
        apart_s = (pull.now_ns - now_ns) / 1e9
        return Refusal(now_ns=now_ns, code="clock", text=f"your clock is {apart_s:+.0f} s from ours; set both")
    if pull.receipt is not None and (
        pull.receipt.checkpoint.stream != stream or not is_cosigned(pull.receipt, receiver)
    ):
        return Refusal(now_ns=now_ns, code="receipt", text="the receipt is not signed by the agreed key")
    return None


def answer(pull: Pull, shelf: Shelf, now_ns: int) -> Batch | None:
    """The batch that answers a pull, None while there is nothing new to say."""
    newest = shelf.newest()
    if newest is None or (newest.sequence == pull.sequence and newest.time_ns <= pull.seen_ns):
        return None
    base = Heads() if pull.sequence == 0 else _heads_at(pull.sequence, shelf)
    room = pull.max_bytes - BATCH_OVERHEAD
    top, floor = pull.gap_top, pull.gap_floor
    if newest.urgent > pull.urgent_known:
        top, floor = newest.urgent, pull.urgent_known
    urgent = shelf.urgent(top, floor, pull.max_items, room) if top > floor else []
    room -= sum(URGENT_OVERHEAD + len(item.parcel.payload) for item in urgent)
    end = None if base is None else shelf.last_within(base.sequence, pull.max_items - len(urgent), room)
    return Batch(
        nonce=pull.nonce,
        stream=pull.stream,
        now_ns=now_ns,
        base_sequence=base.sequence if base else 0,
        base_head=base.head if base else GENESIS,
        newest=newest,
        urgent_top=top if urgent else 0,
        urgent=urgent,
        plain=shelf.plain(base.sequence, end.sequence) if base and end else [],
        end=end,
    )


def accept(standing: Standing, batch: Batch, sender: bytes, now_ns: int) -> Accepted:
    """What a batch proves beyond what is held. Raises: LinkRefusedError; the standing is as it was then."""
    _judge_word(standing, batch, sender, now_ns)
    _judge_base(standing, batch)
    gaps = _widened(standing, batch.newest)
    gaps, ahead = _fill(gaps, batch, standing.heads.sequence)
    heads, plain = _walk(standing, batch, gaps, sender)
    return Accepted(
        standing=Standing(
            stream=standing.stream,
            heads=heads,
            gaps=_closed(gaps, heads),
            newest=batch.newest,
            end=batch.end or standing.end,
            received=standing.received + len(ahead) + len(plain),
        ),
        proven=[*ahead, *plain],
    )


def _heads_at(sequence: int, shelf: Shelf) -> Heads | None:
    """The heads at a checkpoint, None where the sender has none there."""
    found = shelf.checkpoint_at(sequence)
    return None if found is None else heads_of(found)


def _judge_word(standing: Standing, batch: Batch, sender: bytes, now_ns: int) -> None:
    """The sender's newest checkpoint must be its own, of this stream, of this time, and take nothing back."""
    newest, known = batch.newest, standing.known
    if batch.stream != standing.stream or newest.stream != standing.stream:
        raise LinkRefusedError("partner", "the batch is of another stream than the one agreed")
    if not is_signed(newest, sender):
        raise LinkRefusedError("forged", "the checkpoint is not signed by the agreed key")
    if newest.time_ns > now_ns + SKEW_NS:
        ahead_s = (newest.time_ns - now_ns) / 1e9
        raise LinkRefusedError("clock", f"the checkpoint was signed {ahead_s:.0f} s in our future")
    if newest.sequence < known.sequence or newest.urgent < known.urgent:
        older = standing.newest is not None and newest.time_ns < standing.newest.time_ns
        if older:
            raise LinkRefusedError(
                "replayed", f"the word of an earlier time, when there were {newest.sequence} parcels"
            )
        raise LinkRefusedError(
            "truncated", f"the partner's stream ends at {newest.sequence}; it had signed {known.sequence} parcels"
        )
    if standing.newest is not None and newest.time_ns < standing.newest.time_ns:
        raise LinkRefusedError("replayed", "the word of an earlier time than one heard before")
    if newest.sequence == known.sequence and heads_of(newest) != known:
        raise LinkRefusedError("forked", f"two different histories of {known.sequence} parcels, both signed")
    if newest.urgent == known.urgent and newest.urgent_head != known.urgent_head:
        raise LinkRefusedError("forked", f"two different histories of {known.urgent} urgent parcels, both signed")


def _judge_base(standing: Standing, batch: Batch) -> None:
    """The batch must go on where the receiver is."""
    here = standing.heads
    if batch.base_sequence != here.sequence:
        if batch.base_sequence == 0 and not batch.plain:
            raise LinkRefusedError("forked", f"the partner has no checkpoint at {here.sequence}, where we are")
        reason = f"the batch goes on after parcel {batch.base_sequence}, we are at {here.sequence}"
        raise LinkRefusedError("replayed", reason)
    if batch.base_head != here.head:
        raise LinkRefusedError("forked", f"the partner's first {here.sequence} parcels are not those it sent us")


def _widened(standing: Standing, newest: Checkpoint) -> tuple[Gap, ...]:
    """The gaps, with what a newer checkpoint says there is."""
    known = standing.known
    if newest.urgent == known.urgent:
        return standing.gaps
    fresh = Gap(
        top=newest.urgent,
        top_head=newest.urgent_head,
        floor=known.urgent,
        floor_head=known.urgent_head,
    )
    return (*standing.gaps, fresh)


def _fill(gaps: tuple[Gap, ...], batch: Batch, sequence: int) -> tuple[tuple[Gap, ...], list[Proven]]:
    """The gaps after the batch's urgent parcels, and these, each proven by the hash that the one above it gave."""
    if not batch.urgent:
        return gaps, []
    if not gaps or batch.urgent_top != gaps[-1].top or len(batch.urgent) > gaps[-1].top - gaps[-1].floor:
        raise LinkRefusedError("replayed", f"urgent parcels from number {batch.urgent_top} down are not what we lack")
    gap = gaps[-1]
    head, above = gap.top_head, batch.newest.sequence + 1
    ahead: list[Proven] = []
    for item in batch.urgent:
        parcel = item.parcel
        leaf = hash_parcel(batch.stream, parcel)
        if follow_urgent(item.before, leaf) != head:
            raise LinkRefusedError("altered", f"urgent parcel {parcel.urgent_number} is not what was signed")
        if not sequence < parcel.sequence < above:
            raise LinkRefusedError("altered", f"urgent parcel {parcel.urgent_number} is out of its order")
        head, above = item.before, parcel.sequence
        ahead.append(Proven(parcel, leaf))
    floor = gap.top - len(batch.urgent)
    if floor > gap.floor:
        return (*gaps[:-1], Gap(top=floor, top_head=head, floor=gap.floor, floor_head=gap.floor_head)), ahead
    if head != gap.floor_head:
        raise LinkRefusedError("forked", f"urgent parcel {gap.floor} is not the one that was sent before")
    return gaps[:-1], ahead


def _walk(standing: Standing, batch: Batch, gaps: Sequence[Gap], sender: bytes) -> tuple[Heads, list[Proven]]:
    """The heads after the batch's parcels in their order, and those of them that are new."""
    if batch.end is None:
        return standing.heads, []
    known = standing.known
    head, urgent, urgent_head = standing.heads.head, standing.heads.urgent, standing.heads.urgent_head
    new: list[Proven] = []
    for parcel in batch.plain:
        leaf = hash_parcel(batch.stream, parcel)
        head = follow_all(head, leaf)
        if not parcel.urgent_number:
            new.append(Proven(parcel, leaf))
            continue
        urgent, urgent_head = parcel.urgent_number, follow_urgent(urgent_head, leaf)
        if urgent == known.urgent and urgent_head != known.urgent_head:
            raise LinkRefusedError("forked", f"parcel {parcel.sequence} is not the urgent one that was sent ahead")
        if any(gap.floor < urgent <= gap.top for gap in gaps):
            new.append(Proven(parcel, leaf))
    heads = Heads(sequence=batch.plain[-1].sequence, head=head, urgent=urgent, urgent_head=urgent_head)
    _judge_end(batch, batch.end, heads, sender)
    return heads, new


def _judge_end(batch: Batch, end: Checkpoint, heads: Heads, sender: bytes) -> None:
    """The parcels must be those that a signed checkpoint stands for."""
    if end.stream != batch.stream:
        raise LinkRefusedError("partner", "the batch ends with a checkpoint of another stream")
    if not is_signed(end, sender):
        raise LinkRefusedError("forged", "the checkpoint at the batch's end is not signed by the agreed key")
    if end.sequence != heads.sequence:
        raise LinkRefusedError("truncated", f"the batch ends at {heads.sequence}, its checkpoint at {end.sequence}")
    if heads_of(end) != heads:
        span = f"{batch.base_sequence + 1} to {end.sequence}"
        raise LinkRefusedError("altered", f"parcels {span} are not those that were signed: altered or reordered")
    newest = batch.newest
    if end.sequence > newest.sequence or end.urgent > newest.urgent:
        raise LinkRefusedError("forked", "the batch ends beyond the partner's newest checkpoint")
    if end.sequence == newest.sequence and heads_of(newest) != heads:
        raise LinkRefusedError("forked", f"two different histories of {end.sequence} parcels, both signed")


def _closed(gaps: Sequence[Gap], heads: Heads) -> tuple[Gap, ...]:
    """The gaps without what came in its turn."""
    return tuple(
        gap
        if gap.floor >= heads.urgent
        else Gap(top=gap.top, top_head=gap.top_head, floor=heads.urgent, floor_head=heads.urgent_head)
        for gap in gaps
        if gap.top > heads.urgent
    )
