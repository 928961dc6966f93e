"""The chain without a file; tampering with stored logs is tested with the adapters."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.kernel.chain import GENESIS, Entry, Head, parse_head, seal_all, verify_entries
from marsad.kernel.error import InputError, IntegrityError
from marsad.kernel.event import CameraLost

EMPTY = Head(count=0, entry_hash=GENESIS)


def entries(count: int) -> list[Entry]:
    events = [CameraLost(time_ns=number, camera_id="c", detail=str(number)) for number in range(count)]
    return seal_all(events, lambda size: b"s" * size, EMPTY)


@given(st.one_of(st.none(), st.integers(0, 10**18 - 1)), st.binary(min_size=32, max_size=32))
def test_a_printed_head_parses_to_itself(count: int | None, entry_hash: bytes) -> None:
    head = Head(count=count, entry_hash=entry_hash)
    assert parse_head(f" {head}\n") == head
    assert parse_head(str(head).upper()) == head


@pytest.mark.parametrize("text", ["", "12", "12:", "x" * 64, "a" * 63, "-1:" + "a" * 64, "1:2:" + "a" * 64, "a" * 65])
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="COUNT:HASH as verify prints it"):
        parse_head(text)


@given(st.permutations(range(6)))
def test_any_other_order_is_named_at_its_first_difference(order: list[int]) -> None:
    """Entries renumbered to their new places, which is the best a forger can do without new hashes."""
    chain = entries(6)
    moved = [msgspec.structs.replace(chain[old], sequence=new) for new, old in enumerate(order)]
    if order == list(range(6)):
        assert verify_entries(moved).count == 6
        return
    with pytest.raises(IntegrityError) as found:
        verify_entries(moved)
    assert found.value.sequence == next(new for new, old in enumerate(order) if new != old)


@given(st.sets(st.integers(0, 9), max_size=9), st.booleans())
def test_any_removal_is_named_or_found_against_the_head(removed: set[int], renumber: bool) -> None:
    chain = entries(10)
    head = chain[-1].head
    kept = [entry for entry in chain if entry.sequence not in removed]
    if renumber:
        kept = [msgspec.structs.replace(entry, sequence=place) for place, entry in enumerate(kept)]
    if not removed:
        assert verify_entries(kept, head) == head
        return
    with pytest.raises(IntegrityError) as found:
        verify_entries(kept, head)
    assert found.value.sequence == min(removed)


def test_bytes_cannot_be_moved_from_the_salt_to_the_payload() -> None:
    (entry,) = entries(1)
    assert entry.salt is not None
    assert entry.payload is not None
    moved = msgspec.structs.replace(entry, salt=entry.salt[:-1], payload=entry.salt[-1:] + entry.payload)
    with pytest.raises(IntegrityError, match="entry 0: its payload was changed"):
        verify_entries([moved])


def test_every_entry_has_a_salt_of_its_own_length_asked_for() -> None:
    asked: list[int] = []

    def salt(size: int) -> bytes:
        asked.append(size)
        return bytes([len(asked)] * size)

    chain = seal_all([CameraLost(time_ns=1, camera_id="c", detail="same")] * 3, salt, EMPTY)
    assert asked == [16, 16, 16]
    assert len({entry.payload_hash for entry in chain}) == 3
