"""The outbox: one dense, signed stream, whoever writes it and however often he is killed."""

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from marsad.adapters.inbox import Inbox
from marsad.adapters.link_file import LinkFile
from marsad.adapters.outbox import APPLICATION_ID, Item, Outbox, OutboxReader
from marsad.app.audit import audit
from marsad.coordinate.seal import is_signed, sign_receipt
from marsad.coordinate.wire import PLAIN_OVERHEAD, SEGMENT_BYTES, SEGMENT_ITEMS
from marsad.kernel.error import InputError, LinkRefusedError, RefusedError, UnavailableError
from marsad.kernel.parcel import PAYLOAD_BYTES

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PARTNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SENDER = KEY.public_key().public_bytes_raw()
RECEIVER = PARTNER.public_key().public_bytes_raw()

WRITER = """
import sys, time
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from marsad.adapters.outbox import Item, Outbox
receiver = Ed25519PrivateKey.from_private_bytes(bytes(range(32))).public_key().public_bytes_raw()
outbox = Outbox(Path(sys.argv[1]), Ed25519PrivateKey.from_private_bytes(bytes(32)), receiver)
while True:
    print(outbox.append([Item(b"one", False, 1), Item(b"two", True, 2)], time.time_ns()).sequence, flush=True)
"""


def items(count: int, *, size: int = 10) -> list[Item]:
    return [Item(str(number).encode().ljust(size), number % 3 == 0, number) for number in range(count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    with Outbox(path, KEY, RECEIVER) as found:
        yield found


def test_what_is_appended_is_signed_dense_and_comes_back(outbox: Outbox, path: Path) -> None:
    assert outbox.append(items(5), 7).sequence == 5
    checkpoint = outbox.append(items(4), 8)
    assert (checkpoint.sequence, checkpoint.urgent, checkpoint.time_ns) == (9, 4, 8)
    assert is_signed(checkpoint, SENDER)
    with OutboxReader(path) as reader:
        assert reader.newest() == checkpoint
        assert [one.sequence for one in reader.plain(0, 9)] == list(range(1, 10))
        assert [one.payload for one in reader.plain(5, 9)] == [item.payload for item in items(4)]
        assert [one.parcel.urgent_number for one in reader.urgent(4, 1, 10, 10**6)] == [4, 3, 2]
        assert [one.parcel.urgent_number for one in reader.urgent(4, 0, 2, 10**6)] == [4, 3]
        assert [one.parcel.urgent_number for one in reader.urgent(4, 0, 9, 100)] == [4]


def test_a_long_append_has_a_checkpoint_often_enough_to_fit_the_smallest_pull(outbox: Outbox, path: Path) -> None:
    outbox.append(items(2 * SEGMENT_ITEMS + 5), 1)
    outbox.append(items(8, size=PAYLOAD_BYTES), 2)
    with OutboxReader(path) as reader:
        last = reader.last_within(0, SEGMENT_ITEMS, 10**6)
        assert last is not None
        assert last.sequence == SEGMENT_ITEMS
        start = 2 * SEGMENT_ITEMS + 5
        big = reader.last_within(start, 512, SEGMENT_BYTES + PAYLOAD_BYTES + 8 * PLAIN_OVERHEAD)
        assert big is not None
        assert big.sequence == start + 4


def test_a_beat_says_that_nothing_was_added(outbox: Outbox, path: Path) -> None:
    first = outbox.append(items(3), 1)
    beat = outbox.beat(99)
    assert (beat.sequence, beat.head, beat.time_ns) == (first.sequence, first.head, 99)
    with OutboxReader(path) as reader:
        assert reader.newest() == beat


def test_two_writers_of_one_file_make_one_history(outbox: Outbox, path: Path) -> None:
    with Outbox(path, KEY, RECEIVER) as other:
        for _ in range(3):
            outbox.append(items(2), 1)
            other.append(items(2), 1)
    assert audit(path, None, SENDER, RECEIVER).findings == ()


def test_a_killed_writer_leaves_a_sound_file_with_all_it_spoke_of(path: Path) -> None:
    for _ in range(3):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            told = 0
            for _ in range(5):
                told = int(writer.stdout.readline())
            writer.kill()
        report = audit(path, None, SENDER, RECEIVER)
        assert report.findings == ()
        assert report.sent is not None
        assert report.sent >= told


def test_a_payload_that_is_too_large_is_not_released(outbox: Outbox) -> None:
    with pytest.raises(InputError, match="at most can be sent"):
        outbox.append([*items(2), Item(bytes(PAYLOAD_BYTES + 1), urgent=False, time_ns=1)], 1)
    assert outbox.beat(1).sequence == 0


def test_a_file_belongs_to_its_two_keys_and_its_epoch(outbox: Outbox, path: Path) -> None:
    outbox.append(items(1), 1)
    for key, receiver, epoch in ((PARTNER, RECEIVER, 1), (KEY, SENDER, 1), (KEY, RECEIVER, 2)):
        with pytest.raises(InputError, match="other keys or another epoch"):
            Outbox(path, key, receiver, epoch=epoch)


def test_only_the_partners_word_about_this_history_is_a_receipt(outbox: Outbox) -> None:
    checkpoint = outbox.append(items(3), 1)
    outbox.note_receipt(sign_receipt(PARTNER, checkpoint, 5))
    assert outbox.received() == 3
    with pytest.raises(LinkRefusedError, match="forged"):
        outbox.note_receipt(sign_receipt(KEY, checkpoint, 5))
    more = outbox.append(items(1), 2)
    with pytest.raises(LinkRefusedError, match="forked"):
        outbox.note_receipt(sign_receipt(PARTNER, replace(more, head=bytes(32)), 5))
    assert outbox.received() == 3


def test_what_is_confirmed_can_be_erased_and_the_chain_still_verifies(outbox: Outbox, path: Path) -> None:
    checkpoint = outbox.append(items(3), 1)
    outbox.append(items(3), 2)
    with pytest.raises(RefusedError, match="not confirmed"):
        outbox.erase(3)
    outbox.note_receipt(sign_receipt(PARTNER, checkpoint, 5))
    assert outbox.erase(3) == 3
    assert audit(path, None, SENDER, RECEIVER).findings == ()
    with OutboxReader(path) as reader, pytest.raises(InputError, match="was erased"):
        reader.plain(0, 6)


def test_what_was_released_is_neither_deleted_nor_changed(outbox: Outbox, path: Path) -> None:
    outbox.append(items(3), 1)
    connection = sqlite3.connect(path, isolation_level=None)
    for change in ("DELETE FROM parcel", "UPDATE parcel SET payload = x'00'", "UPDATE parcel SET leaf = x'00'"):
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(change)
    connection.close()


def test_another_programs_file_is_not_touched(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("CREATE TABLE mine (one INTEGER)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(InputError, match="another program's file"):
        Outbox(path, KEY, RECEIVER)
    assert path.read_bytes() == before


def test_a_reader_waits_for_a_file_and_reads_one_that_nobody_has_open(path: Path) -> None:
    with pytest.raises(UnavailableError, match="not there yet"):
        OutboxReader(path)
    with Outbox(path, KEY, RECEIVER) as outbox:
        outbox.append(items(2), time.time_ns())
    with OutboxReader(path) as reader:
        newest = reader.newest()
        assert newest is not None
        assert newest.sequence == 2


def test_a_file_that_is_damaged_or_gone_is_told_in_words(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.sqlite"
    damaged.write_bytes(b"no database at all" * 100)
    with pytest.raises(InputError, match="is damaged"):
        LinkFile(damaged, APPLICATION_ID, "").open_to_write()
    with pytest.raises(UnavailableError, match="the disk refuses"):
        LinkFile(tmp_path / "nowhere" / "outbox.sqlite", APPLICATION_ID, "").open_to_write()


def test_a_file_of_another_end_of_the_link_is_refused(outbox: Outbox, path: Path) -> None:
    outbox.append(items(1), 1)
    with pytest.raises(InputError, match="another one of the link"):
        Inbox(path, KEY, RECEIVER)
