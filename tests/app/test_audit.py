"""The verifier of what was shared: each kind of damage is found, and its place is told."""

import ast
import contextlib
import shutil
import sqlite3
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from marsad.adapters.inbox import Inbox, Spooled
from marsad.adapters.outbox import Item, Outbox, OutboxReader
from marsad.app import audit as audit_module
from marsad.app.audit import AuditReport, audit, parse_key
from marsad.app.cli import app
from marsad.coordinate.link import answer, ask
from marsad.coordinate.wire import encode_batch
from marsad.kernel.error import InputError

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PARTNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SENDER = KEY.public_key().public_bytes_raw()
RECEIVER = PARTNER.public_key().public_bytes_raw()


class Files(NamedTuple):
    outbox: Path
    inbox: Path


def release(outbox: Outbox, count: int, say: str = "") -> None:
    for number in range(count):
        outbox.append([Item(f"{say}{number}".encode(), number % 4 == 0, number)] * 3, number)


def carry(files: Files) -> None:
    """Bring all over, as two gateways would."""
    with (
        OutboxReader(files.outbox) as reader,
        Inbox(files.inbox, PARTNER, SENDER) as inbox,
        Outbox(files.outbox, KEY, RECEIVER) as outbox,
    ):
        while batch := answer(ask(inbox.taken.standing, nonce=bytes(16), now_ns=0, wait_ms=0), reader, 0):
            inbox.take(Spooled(inbox.taken.number + 1, 0, encode_batch(batch)), 10**10)
        receipt = inbox.receipt()
        assert receipt is not None
        outbox.note_receipt(receipt)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Thirty parcels, all of them carried and confirmed."""
    found = Files(tmp_path / "outbox.sqlite", tmp_path / "inbox.sqlite")
    with Outbox(found.outbox, KEY, RECEIVER) as outbox:
        release(outbox, 10)
    carry(found)
    return found


def damage(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def found(report: AuditReport) -> list[tuple[str, int]]:
    return [(Path(one.file).stem, one.sequence) for one in report.findings]


def both(files: Files) -> AuditReport:
    return audit(files.outbox, files.inbox, SENDER, RECEIVER)


def test_sound_files_are_sound_together_and_alone(files: Files) -> None:
    report = both(files)
    assert (report.result, report.sent, report.received, report.confirmed, report.exit_code) == ("sound", 30, 30, 30, 0)
    assert audit(files.outbox, None, SENDER, RECEIVER).received is None
    assert audit(None, files.inbox, SENDER, RECEIVER).sent is None
    assert "SOUND: sent 30, received 30, confirmed 30" in report.text()


@pytest.mark.parametrize("which", ["outbox", "inbox"])
def test_an_altered_parcel_is_found_where_it_is(files: Files, which: str) -> None:
    for column, value in (("payload", "x'41'"), ("time_ns", "7777"), ("salt", "zeroblob(16)")):
        copy = Files(*(Path(shutil.copy(path, path.with_suffix(f".{column}"))) for path in files))
        damage(getattr(copy, which), f"UPDATE parcel SET {column} = {value} WHERE sequence = 17")  # noqa: S608 - ours
        assert (which, 17) in found(both(copy))


@pytest.mark.parametrize("which", ["outbox", "inbox"])
def test_a_parcel_altered_with_its_hash_is_found_by_the_signature_and_by_the_other_side(
    files: Files, which: str
) -> None:
    damage(
        getattr(files, which), "UPDATE parcel SET payload = NULL, salt = NULL, leaf = zeroblob(32) WHERE sequence = 17"
    )
    report = both(files)
    # The outbox has a checkpoint for every three, the inbox one for each batch.
    first, last = {"outbox": (16, 18), "inbox": (1, 30)}[which]
    assert (which, last) in found(report)
    assert ("inbox", 17) in found(report)
    assert f"parcels {first} to {last} are not those that were signed" in report.text()


@pytest.mark.parametrize("which", ["outbox", "inbox"])
def test_a_dropped_parcel_is_found_where_it_was(files: Files, which: str) -> None:
    damage(getattr(files, which), "DELETE FROM parcel WHERE sequence = 17")
    report = both(files)
    assert (which, 17) in found(report)
    assert "dropped: missing, while later ones are there" in report.text()


def test_reordered_parcels_are_found(files: Files) -> None:
    damage(
        files.outbox,
        "UPDATE parcel SET sequence = 1017 WHERE sequence = 17",
        "UPDATE parcel SET sequence = 17 WHERE sequence = 20",
        "UPDATE parcel SET sequence = 20 WHERE sequence = 1017",
    )
    assert {("outbox", 17), ("outbox", 20), ("outbox", 18), ("inbox", 17)} == set(found(both(files)))


def test_an_outbox_cut_off_at_its_end_is_found_by_its_receipt_and_by_the_other_side(files: Files) -> None:
    damage(
        files.outbox,
        "DELETE FROM parcel WHERE sequence > 21",
        "DELETE FROM checkpoint WHERE sequence > 21",
    )
    report = both(files)
    assert ("outbox", 22) in found(report)
    assert "truncated" in report.text()
    assert "truncated" in audit(files.outbox, None, SENDER, RECEIVER).text() or "receiver" in report.text()


def test_an_inserted_parcel_is_found(files: Files) -> None:
    damage(
        files.outbox,
        "INSERT INTO parcel SELECT 31, time_ns, 0, NULL, NULL, leaf FROM parcel WHERE sequence = 17",
    )
    report = audit(files.outbox, None, SENDER, RECEIVER)
    assert found(report) == [("outbox", 31)]
    assert "inserted: no signature covers it" in report.text()


def test_two_histories_that_are_both_signed_are_a_fork_and_the_place_is_told(files: Files, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with Outbox(other, KEY, RECEIVER) as outbox:
        release(outbox, 10, say="other ")
    report = audit(other, files.inbox, SENDER, RECEIVER)
    assert any("forked" in one.what for one in report.findings)
    assert ("inbox", 1) in found(report)


def test_an_urgent_parcel_that_came_ahead_is_sound_even_right_behind_the_last_checkpoint(files: Files) -> None:
    with (
        Outbox(files.outbox, KEY, RECEIVER) as outbox,
        OutboxReader(files.outbox) as reader,
        Inbox(files.inbox, PARTNER, SENDER) as inbox,
    ):
        outbox.append([Item(b"come", urgent=True, time_ns=1), Item(b"later", urgent=False, time_ns=1)], 20)
        pull = ask(inbox.taken.standing, nonce=bytes(16), now_ns=20, wait_ms=0, max_items=1)
        batch = answer(pull, reader, 20)
        assert batch is not None
        assert inbox.take(Spooled(inbox.taken.number + 1, 20, encode_batch(batch)), 20) == 1
    report = both(files)
    assert (report.findings, report.sent, report.received) == ((), 32, 31)
    damage(files.inbox, "UPDATE parcel SET urgent = 0 WHERE sequence = 31")
    assert ("inbox", 31) in found(both(files))


def test_a_checkpoint_and_a_receipt_that_nobody_signed_are_found(files: Files) -> None:
    damage(
        files.outbox,
        "UPDATE checkpoint SET signed = CAST(substr(signed, 1, 167) || x'ff' AS BLOB) WHERE sequence = 9",
        "UPDATE receipt SET signed = CAST(substr(signed, 1, 239) || x'ff' AS BLOB)",
    )
    report = audit(files.outbox, None, SENDER, RECEIVER)
    assert {("outbox", 9), ("outbox", 30)} == set(found(report))


def test_a_file_of_other_keys_or_another_kind_is_bad_input(files: Files, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="other keys"):
        audit(files.outbox, None, RECEIVER, SENDER)
    (tmp_path / "text.sqlite").write_text("no database" * 100)
    with pytest.raises(InputError, match="cannot be read"):
        audit(tmp_path / "text.sqlite", None, SENDER, RECEIVER)
    with pytest.raises(InputError, match="name the outbox"):
        audit(None, None, SENDER, RECEIVER)
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        parse_key("00")


def test_the_verifier_shares_no_code_with_what_writes_the_files() -> None:
    tree = ast.parse(Path(audit_module.__file__).read_text(encoding="utf-8"))
    ours = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert {name for name in ours if name.startswith("marsad")} == {"marsad.kernel.error", "marsad.kernel.record"}


def test_the_command_ends_with_1_where_something_is_wrong(files: Files) -> None:
    words = ["audit", "verify", "--sender", SENDER.hex(), "--receiver", RECEIVER.hex(), "--sent", str(files.outbox)]
    assert CliRunner().invoke(app, words).exit_code == 0
    damage(files.outbox, "DELETE FROM parcel WHERE sequence = 17")
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    assert "parcel 17: dropped" in done.output
