"""The link's messages as bytes: one spelling each, nothing beyond the limits, nothing but `InputError` for rubbish."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marsad.coordinate.wire import (
    BATCH_BYTES,
    BATCH_ITEMS,
    LEAST_BYTES,
    LEAST_ITEMS,
    Batch,
    Pull,
    Refusal,
    UrgentItem,
    decode_batch,
    decode_checkpoint,
    decode_pull,
    decode_receipt,
    decode_refusal,
    encode_batch,
    encode_checkpoint,
    encode_pull,
    encode_receipt,
    encode_refusal,
)
from marsad.kernel.error import InputError
from marsad.kernel.parcel import Checkpoint, Parcel, Receipt

CORPUS = Path(__file__).parent / "corpus"
DECODERS = (decode_pull, decode_batch, decode_refusal, decode_receipt, decode_checkpoint)

hashes = st.binary(min_size=32, max_size=32)
short = st.binary(min_size=16, max_size=16)
times = st.integers(-(2**63), 2**63 - 1)
counts = st.integers(0, 2**62)


@st.composite
def checkpoints(draw: st.DrawFn) -> Checkpoint:
    sequence = draw(counts)
    return Checkpoint(
        stream=draw(short),
        sequence=sequence,
        head=draw(hashes),
        urgent=draw(st.integers(0, sequence)),
        urgent_head=draw(hashes),
        time_ns=draw(times),
        signature=draw(st.binary(min_size=64, max_size=64)),
    )


receipts = st.builds(
    Receipt,
    checkpoint=checkpoints(),
    received_ns=times,
    cosignature=st.binary(min_size=64, max_size=64),
)


@st.composite
def pulls(draw: st.DrawFn) -> Pull:
    known = draw(counts)
    top = draw(st.integers(0, known))
    return Pull(
        nonce=draw(short),
        stream=draw(short),
        now_ns=draw(times),
        wait_ms=draw(st.integers(0, 25_000)),
        max_items=draw(st.integers(LEAST_ITEMS, BATCH_ITEMS)),
        max_bytes=draw(st.integers(LEAST_BYTES, BATCH_BYTES)),
        sequence=draw(counts),
        head=draw(hashes),
        urgent_known=known,
        gap_top=top,
        gap_floor=draw(st.integers(0, top)),
        seen_ns=draw(times),
        receipt=draw(st.none() | receipts),
    )


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """A batch of any content, before whose base nothing is urgent."""
    base, flags = draw(st.integers(0, 2**60)), draw(st.lists(st.booleans(), max_size=5))
    payload = st.binary(max_size=20)
    plain = [
        Parcel(
            sequence=base + place + 1,
            time_ns=draw(times),
            urgent_number=sum(flags[: place + 1]) if urgent else 0,
            salt=draw(short),
            payload=draw(payload),
        )
        for place, urgent in enumerate(flags)
    ]
    ahead = draw(st.integers(0, 4))
    top = ahead + draw(st.integers(0, 9)) if ahead else 0
    urgent = [
        UrgentItem(
            parcel=Parcel(
                sequence=draw(counts),
                time_ns=draw(times),
                urgent_number=top - place,
                salt=draw(short),
                payload=draw(payload),
            ),
            before=draw(hashes),
        )
        for place in range(ahead)
    ]
    return Batch(
        nonce=draw(short),
        stream=draw(short),
        now_ns=draw(times),
        base_sequence=base,
        base_head=draw(hashes),
        newest=draw(checkpoints()),
        urgent_top=top,
        urgent=urgent,
        plain=plain,
        end=draw(checkpoints()) if plain else None,
    )


@given(pulls())
def test_a_pull_comes_out_as_it_went_in(pull: Pull) -> None:
    assert decode_pull(encode_pull(pull)) == pull


@given(batches())
def test_a_batch_comes_out_as_it_went_in(batch: Batch) -> None:
    assert decode_batch(encode_batch(batch)) == batch


@given(receipts)
def test_a_receipt_and_its_checkpoint_come_out_as_they_went_in(receipt: Receipt) -> None:
    assert decode_receipt(encode_receipt(receipt)) == receipt
    assert decode_checkpoint(encode_checkpoint(receipt.checkpoint)) == receipt.checkpoint


@given(st.text("aé€𝄞", max_size=120), times)
def test_a_refusal_keeps_its_code_and_the_beginning_of_its_text(text: str, now_ns: int) -> None:
    text = text.encode(errors="ignore").decode()
    found = decode_refusal(encode_refusal(Refusal(now_ns=now_ns, code="clock", text=text)))
    assert (found.now_ns, found.code) == (now_ns, "clock")
    assert text.startswith(found.text)
    assert found.text == text or len(found.text.encode()) > 251


@given(st.binary(max_size=400))
def test_rubbish_is_bad_input_and_nothing_else(data: bytes) -> None:
    for decode in DECODERS:
        for message in (data, b"MRSDpul1" + data, b"MRSDbat1" + data, b"MRSDref1" + data):
            try:
                decode(message)
            except InputError:
                continue


@given(st.data(), st.sampled_from(sorted(CORPUS.iterdir())))
def test_what_is_read_of_a_damaged_message_is_written_as_it_was_read(data: st.DataObject, path: Path) -> None:
    message = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    del message[data.draw(st.integers(0, len(message))) :]
    ways: tuple[Callable[[bytes], bytes], ...] = (
        lambda one: encode_pull(decode_pull(one)),
        lambda one: encode_batch(decode_batch(one)),
        lambda one: encode_receipt(decode_receipt(one)),
    )
    for read_and_write in ways:
        try:
            found = read_and_write(bytes(message))
        except InputError:
            continue
        assert found == message


@given(batches(), st.integers(1, 50))
def test_a_batch_cut_short_or_lengthened_is_refused(batch: Batch, count: int) -> None:
    data = encode_batch(batch)
    for other in (data[:-count], data + bytes(count)):
        with pytest.raises(InputError):
            decode_batch(other)


@pytest.mark.parametrize(
    ("field", "value"),
    [("wait_ms", 25_001), ("max_items", 1), ("max_items", 8193), ("max_bytes", 1), ("max_bytes", 2**31)],
)
def test_a_pull_that_asks_for_too_much_or_too_little_is_refused(field: str, value: int) -> None:
    pull = decode_pull((CORPUS / "pull").read_bytes())
    with pytest.raises(InputError, match="too much or too little"):
        decode_pull(encode_pull(replace(pull, **{field: value})))


def test_a_batch_that_promises_more_than_it_holds_costs_no_memory() -> None:
    data = bytearray((CORPUS / "batch_empty").read_bytes())
    data[96:105] = (5000).to_bytes(8) + b"\0"
    tracemalloc.start()
    with pytest.raises(InputError):
        decode_batch(bytes(data))
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_a_full_batch_takes_a_small_multiple_of_its_length() -> None:
    batch = decode_batch((CORPUS / "batch").read_bytes())
    parcel = batch.plain[0]
    plain = [replace(parcel, sequence=number + 1, urgent_number=0, payload=bytes(900)) for number in range(8000)]
    data = encode_batch(replace(batch, plain=plain, urgent=[], urgent_top=0))
    tracemalloc.start()
    decode_batch(data)
    assert tracemalloc.get_traced_memory()[1] < 2 * len(data)
    tracemalloc.stop()
    with pytest.raises(InputError, match="a batch of"):
        decode_batch(data + bytes(BATCH_BYTES))
