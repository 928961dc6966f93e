"""Both ends of the link without a socket, beside a model that knows nothing of hashes."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from marsad.coordinate.link import SKEW_NS, Standing, accept, answer, ask, objection
from marsad.coordinate.link_state import RETRY_S, TABLE, after, diagram
from marsad.coordinate.seal import (
    Heads,
    follow,
    hash_parcel,
    is_cosigned,
    is_signed,
    name_stream,
    sign_checkpoint,
    sign_receipt,
)
from marsad.coordinate.wire import PLAIN_OVERHEAD, Batch, Pull, UrgentItem, decode_batch, encode_batch
from marsad.kernel.error import LinkRefusedError
from marsad.kernel.parcel import Checkpoint, Parcel
from marsad.kernel.partner import LinkState

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SENDER = KEY.public_key().public_bytes_raw()
STREAM = name_stream(SENDER, SENDER, 1)


class MemoryShelf:
    """A sender's parcels in lists."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []
        self.ahead: list[UrgentItem] = []
        self.checkpoints: list[Checkpoint] = []
        self.heads = Heads()

    def release(self, urgent: Sequence[bool], time_ns: int, say: str = "") -> None:
        for flag in urgent:
            number = self.heads.sequence + 1
            parcel = Parcel(
                sequence=number,
                time_ns=time_ns,
                urgent_number=self.heads.urgent + 1 if flag else 0,
                salt=number.to_bytes(16),
                payload=f"{say}{number}".encode(),
            )
            if flag:
                self.ahead.append(UrgentItem(parcel=parcel, before=self.heads.urgent_head))
            self.parcels.append(parcel)
            self.heads = follow(self.heads, STREAM, parcel)
        self.checkpoints.append(sign_checkpoint(KEY, STREAM, self.heads, time_ns))

    def newest(self) -> Checkpoint | None:
        return self.checkpoints[-1] if self.checkpoints else None

    def checkpoint_at(self, sequence: int) -> Checkpoint | None:
        return next((one for one in reversed(self.checkpoints) if one.sequence == sequence), None)

    def last_within(self, sequence: int, items: int, byte_count: int) -> Checkpoint | None:
        fitting = [one for one in self.checkpoints if sequence < one.sequence <= sequence + items]
        sizes = [sum(PLAIN_OVERHEAD + len(one.payload) for one in self.plain(sequence, c.sequence)) for c in fitting]
        return next((c for c, size in zip(reversed(fitting), reversed(sizes), strict=True) if size <= byte_count), None)

    def plain(self, after: int, upto: int) -> list[Parcel]:
        return self.parcels[after:upto]

    def urgent(self, top: int, floor: int, items: int, byte_count: int) -> list[UrgentItem]:
        assert byte_count > 0
        return list(reversed(self.ahead[floor:top]))[:items]


def pull_of(standing: Standing, now_ns: int, items: int) -> Pull:
    return replace(ask(standing, nonce=bytes(16), now_ns=now_ns, wait_ms=0), max_items=items)


def exchange(standing: Standing, shelf: MemoryShelf, now_ns: int, items: int = 1000) -> tuple[Standing, list[Parcel]]:
    batch = answer(pull_of(standing, now_ns, items), shelf, now_ns)
    if batch is None:
        return standing, []
    batch = decode_batch(encode_batch(batch), standing.heads.urgent)
    accepted = accept(standing, batch, SENDER, now_ns)
    return accepted.standing, [one.parcel for one in accepted.proven]


@settings(max_examples=60)
@given(st.lists(st.tuples(st.lists(st.booleans(), max_size=25), st.integers(1, 40)), min_size=1, max_size=25))
def test_whatever_the_order_of_releases_and_pulls_everything_arrives_once(
    steps: list[tuple[list[bool], int]],
) -> None:
    shelf, standing = MemoryShelf(), Standing(stream=STREAM)
    got: list[Parcel] = []
    for now_ns, (urgent, items) in enumerate(steps, start=1):
        if len(urgent) <= items:
            shelf.release(urgent, now_ns)
        standing, new = exchange(standing, shelf, now_ns, items)
        lacking = {one.parcel.sequence for one in shelf.ahead} - {one.sequence for one in got}
        ahead = sorted((one.sequence for one in new if one.urgent), reverse=True)[: len(lacking)]
        assert set(ahead) <= lacking
        got += new
    for _ in range(2000):
        before = standing
        standing, new = exchange(standing, shelf, len(steps), 40)
        got += new
        if standing == before:
            break
    assert sorted(one.sequence for one in got) == list(range(1, len(shelf.parcels) + 1))
    assert standing.heads == shelf.heads
    assert standing.gaps == ()
    assert standing.behind == 0


def test_the_newest_urgent_parcels_are_fetched_first_then_the_older_ones() -> None:
    shelf, standing = MemoryShelf(), Standing(stream=STREAM)
    for now_ns in range(1, 6):
        shelf.release([True, True], now_ns)
    standing, first = exchange(standing, shelf, 5, items=3)
    assert [one.sequence for one in first] == [10, 9, 8]
    shelf.release([True], 6)
    standing, second = exchange(standing, shelf, 6, items=3)
    assert [one.sequence for one in second] == [11, 1, 2]
    standing, third = exchange(standing, shelf, 6, items=3)
    assert [one.sequence for one in third][:3] == [7, 6, 5]


@pytest.fixture
def shelf() -> MemoryShelf:
    found = MemoryShelf()
    for now_ns in range(1, 5):
        found.release([False, True, False], now_ns)
    return found


def batch_for(standing: Standing, shelf: MemoryShelf, now_ns: int = 4, items: int = 1000) -> Batch:
    batch = answer(pull_of(standing, now_ns, items), shelf, now_ns)
    assert batch is not None
    return batch


def refused(standing: Standing, batch: Batch, now_ns: int = 4) -> str:
    with pytest.raises(LinkRefusedError) as refusal:
        accept(standing, batch, SENDER, now_ns)
    return refusal.value.reason


def test_every_single_changed_field_of_a_parcel_is_found(shelf: MemoryShelf) -> None:
    standing = Standing(stream=STREAM)
    batch = batch_for(standing, shelf)
    for place, parcel in enumerate(batch.plain):
        for other in (
            replace(parcel, payload=parcel.payload + b"x"),
            replace(parcel, time_ns=parcel.time_ns + 1),
            replace(parcel, salt=bytes(16)),
            replace(parcel, urgent_number=parcel.urgent_number + 1),
        ):
            plain = [*batch.plain[:place], other, *batch.plain[place + 1 :]]
            assert refused(standing, replace(batch, plain=plain)) in {"altered", "forked"}


def test_a_batch_heard_before_is_refused(shelf: MemoryShelf) -> None:
    standing = Standing(stream=STREAM)
    batch = batch_for(standing, shelf)
    held = accept(standing, batch, SENDER, 4).standing
    assert refused(held, batch) == "replayed"


def test_an_older_word_is_refused(shelf: MemoryShelf) -> None:
    standing = Standing(stream=STREAM)
    held = accept(standing, batch_for(standing, shelf), SENDER, 4).standing
    older = replace(batch_for(standing, shelf), newest=shelf.checkpoints[1], plain=[], urgent=[], end=None)
    assert refused(held, older) == "replayed"


def test_two_signed_histories_of_one_length_are_a_fork(shelf: MemoryShelf) -> None:
    standing = Standing(stream=STREAM)
    held = accept(standing, batch_for(standing, shelf), SENDER, 4).standing
    other = MemoryShelf()
    for now_ns in range(1, 6):
        other.release([False, True, False], now_ns, say="other ")
    assert refused(held, batch_for(held, other, 5), 5) == "forked"


def test_an_urgent_parcel_that_differs_from_what_was_sent_ahead_is_a_fork() -> None:
    shelf, other = MemoryShelf(), MemoryShelf()
    for now_ns in range(1, 6):
        shelf.release([False, True], now_ns)
        other.release([False, True], now_ns, say="other ")
    standing = Standing(stream=STREAM)
    standing, ahead = exchange(standing, shelf, 5, items=5)
    assert [one.urgent for one in ahead] == [True] * 5
    forked = replace(
        batch_for(Standing(stream=STREAM), other, 5), newest=shelf.checkpoints[-1], urgent=[], urgent_top=0
    )
    assert refused(standing, forked, 5) == "forked"


def test_a_word_from_the_future_is_refused(shelf: MemoryShelf) -> None:
    standing = Standing(stream=STREAM)
    batch = batch_for(standing, shelf)
    assert accept(standing, batch, SENDER, 4 - SKEW_NS).proven
    assert refused(standing, batch, 3 - SKEW_NS) == "clock"


def test_a_pull_is_refused_for_its_clock_its_stream_and_a_false_receipt(shelf: MemoryShelf) -> None:
    pull = pull_of(Standing(stream=STREAM), 0, 1000)
    assert objection(pull, STREAM, SENDER, SKEW_NS) is None
    late = objection(pull, STREAM, SENDER, SKEW_NS + 1)
    assert late is not None
    assert late.code == "clock"
    stranger = objection(pull, bytes(16), SENDER, 0)
    assert stranger is not None
    assert stranger.code == "partner"
    receipt = sign_receipt(KEY, shelf.checkpoints[0], 7)
    assert objection(replace(pull, receipt=receipt), STREAM, SENDER, 0) is None
    false = objection(replace(pull, receipt=replace(receipt, received_ns=8)), STREAM, SENDER, 0)
    assert false is not None
    assert false.code == "receipt"


def test_the_hashes_are_those_of_the_wires_page() -> None:
    parcel = Parcel(sequence=258, time_ns=-2, urgent_number=3, salt=bytes(16), payload=b"hello")
    inner = sha256(bytes(16) + b"hello").digest()
    text = STREAM + (258).to_bytes(8) + (-2).to_bytes(8, signed=True) + (3).to_bytes(8) + inner
    leaf = sha256(b"marsad parcel 1\n" + text).digest()
    assert hash_parcel(STREAM, parcel) == leaf
    heads = follow(Heads(sequence=257, urgent=2), STREAM, parcel)
    assert heads.head == sha256(b"marsad all 1\n" + bytes(32) + leaf).digest()
    assert heads.urgent_head == sha256(b"marsad urgent 1\n" + bytes(32) + leaf).digest()
    assert sha256(b"marsad stream 1\n" + SENDER * 2 + (1).to_bytes(8)).digest()[:16] == STREAM


def test_signatures_stand_for_one_checkpoint_and_one_key(shelf: MemoryShelf) -> None:
    checkpoint = shelf.checkpoints[0]
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
    assert is_signed(checkpoint, SENDER)
    assert not is_signed(checkpoint, other)
    assert not is_signed(replace(checkpoint, sequence=checkpoint.sequence + 1), SENDER)
    receipt = sign_receipt(KEY, checkpoint, 9)
    assert is_cosigned(receipt, SENDER)
    assert not is_cosigned(receipt, other)
    assert not is_cosigned(replace(receipt, checkpoint=shelf.checkpoints[1]), SENDER)


def test_a_revoked_link_stays_so_until_a_person_admits_another_key() -> None:
    for happening in ("whole", "behind", "unreachable", "full", "refused"):
        assert after("revoked", happening) == "revoked"
    assert after("revoked", "readmitted") == "cut"


def test_only_what_proves_itself_takes_a_refusal_back() -> None:
    assert after("refused", "unreachable") == "refused"
    assert after("refused", "behind") == "catching_up"
    assert after("refused", "whole") == "connected"


def test_every_state_can_be_reached_and_knows_when_to_try_again() -> None:
    rng = Random(1)  # noqa: S311 - which way is tried is no secret
    state: LinkState = "cut"
    reached: set[LinkState] = {state}
    for _ in range(2000):
        state = after(state, rng.choice(list(TABLE[state])))
        reached.add(state)
    assert reached == set(TABLE) == set(RETRY_S)
    assert all(f"{state}:" in diagram() or f"--> {state}" in diagram() for state in TABLE)


def test_the_wires_page_draws_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "wire" / "link.md"
    drawn = page.read_text(encoding="utf-8").partition("```mermaid\n")[2].partition("\n```")[0]
    assert drawn == diagram()
