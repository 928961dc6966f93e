"""What the SQLite log does beyond the contract: crashes, full disks, rivals, tampering and other people's files."""

import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from marsad.adapters import sqlite
from marsad.adapters.sqlite import SqliteEventLog, SqliteLogReader
from marsad.kernel.chain import Head, hash_entry, hash_payload
from marsad.kernel.error import InputError, IntegrityError, UnavailableError
from marsad.kernel.event import CameraHealth, CameraLost, OfficerDecision

REST = "schema_version, time_ns, salt, payload, payload_hash, previous_hash, entry_hash"

WRITER = """
import sys
from pathlib import Path
from marsad.adapters.sqlite import SqliteEventLog
from marsad.kernel.event import CameraHealth, OfficerDecision
with SqliteEventLog(Path(sys.argv[1]), batch_events=7) as log:
    print("open", log.head().count, flush=True)
    number = 0
    while True:
        number += 1
        log.append([CameraHealth(time_ns=number, camera_id="c", frame_index=number, kind="frozen")] * (number % 3))
        decision = OfficerDecision(time_ns=number, officer="o", subject="s", decision=f"d{number}", reason="x" * 200)
        print(log.append([decision]), log.head(), flush=True)
"""


def decision(number: int, reason: str = "") -> OfficerDecision:
    return OfficerDecision(time_ns=number, officer="o", subject="s", decision=f"d{number}", reason=reason)


def health(number: int) -> CameraHealth:
    return CameraHealth(time_ns=number, camera_id="c", frame_index=number, kind="frozen")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite"


@pytest.fixture
def ten(path: Path) -> Path:
    """A closed log of ten entries."""
    with SqliteEventLog(path) as log:
        log.append([decision(number) for number in range(10)])
    return path


@contextlib.contextmanager
def tampering(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of somebody who has removed what guards the file."""
    connection = sqlite3.connect(path)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    yield connection
    connection.commit()
    connection.close()


def verify(path: Path, head: Head | None = None) -> Head:
    with SqliteLogReader(path) as log:
        return log.verify(head)


def first_bad(path: Path, head: Head | None = None) -> int:
    with pytest.raises(IntegrityError) as found:
        verify(path, head)
    return found.value.sequence


# ---- crashes


def test_killed_at_random_moments_it_loses_nothing_acknowledged(path: Path) -> None:
    moments = random.Random(7)  # noqa: S311 - a test's dice
    acknowledged: list[Head] = []
    for _ in range(22):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        opened = child.stdout.readline().split()
        assert opened[0] == "open", child.stderr.read() if child.stderr else ""
        assert int(opened[1]) >= (acknowledged[-1].count or 0 if acknowledged else 0)
        time.sleep(moments.uniform(0.0, 0.15))
        child.kill()
        rest, _ = child.communicate()
        complete = rest[: rest.rfind("\n") + 1].splitlines()
        acknowledged += [_head(line) for line in complete]
        with SqliteLogReader(path) as log:
            for head in acknowledged[-len(complete) :] if complete else []:
                assert log.read(first=(head.count or 0) - 1).__next__().entry_hash == head.entry_hash
            assert log.verify(acknowledged[-1] if acknowledged else None).count == log.head().count
    assert len(acknowledged) > 22
    with SqliteEventLog(path) as log:
        count = log.head().count
        assert log.append([decision(1)]) == count
        assert log.verify(acknowledged[0]).count == (count or 0) + 1


def _head(line: str) -> Head:
    sequence, head = line.split()
    count, entry_hash = head.split(":")
    assert int(sequence) == int(count) - 1
    return Head(count=int(count), entry_hash=bytes.fromhex(entry_hash))


@pytest.mark.parametrize("made", [0, 1])
def test_a_file_left_by_a_crash_while_it_was_made_becomes_a_log(path: Path, made: int) -> None:
    path.touch()
    if made:
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
    with SqliteEventLog(path) as log:
        assert log.append([decision(1)]) == 0
    assert verify(path).count == 1


def test_a_durable_event_is_on_the_disk_before_append_returns(path: Path) -> None:
    with SqliteEventLog(path, batch_s=60) as log:
        log.append([health(1)])
        with SqliteLogReader(path) as reader:
            assert reader.head().count == 0
        log.append([decision(2)])
        with SqliteLogReader(path) as reader:
            assert reader.head() == log.head()
            assert reader.head().count == 2


@pytest.mark.parametrize("how", ["size", "time", "flush", "close"])
def test_other_events_are_committed_by_size_time_flush_and_close(path: Path, how: str) -> None:
    log = SqliteEventLog(path, batch_events=5 if how == "size" else 1000, batch_s=0.05 if how == "time" else 60)
    log.append([health(number) for number in range(5)])
    if how == "flush":
        log.flush()
    if how == "close":
        log.close()
    deadline = time.monotonic() + 5
    with SqliteLogReader(path) as reader:
        while reader.head().count != 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert reader.verify().count == 5
    log.close()


# ---- full disks


def test_a_full_disk_is_said_and_costs_nothing_acknowledged(path: Path) -> None:
    with SqliteEventLog(path, batch_s=60) as log:
        pages = log._connection.execute("PRAGMA page_count").fetchone()[0]
        log._connection.execute(f"PRAGMA max_page_count = {pages + 8}").fetchone()
        with pytest.raises(UnavailableError, match=r"events\.sqlite: the disk is full; free some space"):
            _append_until_refused(log)
        acknowledged = log.head().count
        assert acknowledged
        with SqliteLogReader(path) as reader:
            assert reader.head() == log.head()
        head = log.head()
        with pytest.raises(UnavailableError):
            log.append([decision(1, "y" * 5000)])
        assert log.verify() == head
        log._connection.execute("PRAGMA max_page_count = 100000").fetchone()
        assert log.append([decision(1)]) == acknowledged
    assert verify(path, head).count == acknowledged + 1


def _append_until_refused(log: SqliteEventLog) -> None:
    for number in range(1000):
        assert log.append([decision(number, "y" * 1000)]) == number


def test_events_that_wait_survive_a_full_disk(path: Path) -> None:
    with SqliteEventLog(path, batch_s=60) as log:
        pages = log._connection.execute("PRAGMA page_count").fetchone()[0]
        log._connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()
        log.append([health(number) for number in range(100)])
        with pytest.raises(UnavailableError):
            log.flush()
        with pytest.raises(UnavailableError):
            log.append([health(100)])
        assert log.head().count == 100
        assert len(list(log.read())) == 100
        log._connection.execute("PRAGMA max_page_count = 100000").fetchone()
        log.flush()
    assert verify(path).count == 100


def test_a_disk_that_ends_under_the_file_is_said_too(path: Path) -> None:
    """A real limit of the operating system, in a process of its own."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
    program = limit + WRITER.replace("while True", "while number < 5000")
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert "UnavailableError" in done.stderr.splitlines()[-1]
    assert verify(path, _head(lines[-1])).count == _head(lines[-1]).count


# ---- interrupts


@pytest.mark.parametrize("landed", [True, False])
def test_an_interrupt_while_committing_leaves_log_and_memory_in_step(
    path: Path, monkeypatch: pytest.MonkeyPatch, landed: bool
) -> None:
    """An officer presses Ctrl-C just before or just after the disk has it; the watch still logs its end."""
    insert = sqlite._insert

    def interrupted(*arguments: object, **options: object) -> None:
        if landed:
            insert(*arguments, **options)
        raise KeyboardInterrupt

    with SqliteEventLog(path, batch_s=60) as log:
        log.append([health(1)])
        monkeypatch.setattr(sqlite, "_insert", interrupted)
        with pytest.raises(KeyboardInterrupt):
            log.append([decision(2)])
        monkeypatch.setattr(sqlite, "_insert", insert)
        assert log.head().count == (2 if landed else 1)
        log.flush()
        log.append([health(3)])
        monkeypatch.setattr(sqlite, "_insert", interrupted)
        with pytest.raises(KeyboardInterrupt):
            log.flush()
        monkeypatch.setattr(sqlite, "_insert", insert)
        log.append([decision(4)])
        with_erasure = log.head().count
        monkeypatch.setattr(sqlite, "_insert", interrupted)
        with pytest.raises(KeyboardInterrupt):
            log.erase([0], rule="r", officer="o", time_ns=5)
        monkeypatch.setattr(sqlite, "_insert", insert)
        assert log.head().count == (with_erasure or 0) + landed
        log.append([decision(6)])
        head = log.head()
    assert verify(path, head) == head


# ---- rivals


def test_a_second_writer_is_told_who_writes(path: Path) -> None:
    with (
        SqliteEventLog(path),
        pytest.raises(UnavailableError, match=f"process {os.getpid()} is writing this log; stop it, or write to"),
    ):
        SqliteEventLog(path)
    with SqliteEventLog(path) as log:
        assert log.append([decision(1)]) == 0
    assert sorted(file.name for file in path.parent.iterdir()) == ["events.sqlite"]


def test_a_reader_reads_while_another_process_writes(path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        child.stdout.readline()
        for _ in range(20):
            child.stdout.readline()
        with SqliteLogReader(path) as reader:
            assert (reader.verify().count or 0) >= 20
    finally:
        child.kill()
        child.communicate()


def test_a_program_that_holds_the_file_is_an_unavailable_disk(path: Path) -> None:
    with SqliteEventLog(path, batch_s=60) as log:
        log._connection.execute("PRAGMA busy_timeout = 10").fetchall()
        rival = sqlite3.connect(path, isolation_level=None)
        rival.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnavailableError, match="another program holds the file"):
            log.append([decision(1)])
        rival.close()
        assert log.append([decision(1)]) == 0


# ---- append-only and erasure


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM entry WHERE sequence = 9",
        "UPDATE entry SET payload = x'00' WHERE sequence = 3",
        "UPDATE entry SET time_ns = 0 WHERE sequence = 3",
        "UPDATE entry SET payload = NULL, salt = NULL, entry_hash = x'00' WHERE sequence = 3",
        f"INSERT INTO entry SELECT 12, {REST} FROM entry WHERE sequence = 9",  # noqa: S608 - constants only
        f"INSERT OR REPLACE INTO entry SELECT 4, {REST} FROM entry WHERE sequence = 9",  # noqa: S608 - constants only
    ],
)
def test_the_file_itself_refuses_all_but_appending_and_erasing(ten: Path, statement: str) -> None:
    connection = sqlite3.connect(ten)
    with pytest.raises(sqlite3.IntegrityError, match="a log is"):
        connection.execute(statement)
    connection.close()
    assert verify(ten).count == 10


def test_an_erased_payload_is_nowhere_in_the_files(path: Path) -> None:
    with SqliteEventLog(path) as log:
        log.append([decision(1, "the name of a witness"), decision(2)])
        log.erase([0], rule="r", officer="o", time_ns=3)
        log.purge()
        for file in path.parent.iterdir():
            assert b"witness" not in file.read_bytes()
    assert b"witness" not in path.read_bytes()
    assert verify(path).count == 3


# ---- tampering


def test_an_edited_payload_is_named(ten: Path) -> None:
    with tampering(ten) as file:
        file.execute("UPDATE entry SET payload = CAST(replace(payload, 'd4', 'd9') AS BLOB) WHERE sequence = 4")
    assert first_bad(ten) == 4


@pytest.mark.parametrize("column", ["time_ns", "schema_version"])
def test_an_edited_time_or_schema_is_named(ten: Path, column: str) -> None:
    with tampering(ten) as file:
        file.execute(f"UPDATE entry SET {column} = {column} + 1 WHERE sequence = 4")  # noqa: S608 - a constant
    assert first_bad(ten) == 4


@pytest.mark.parametrize("sequence", [0, 4, 8])
def test_an_edit_with_all_its_own_hashes_mended_is_named(ten: Path, sequence: int) -> None:
    with tampering(ten) as file:
        _rewrite(file, sequence)
    assert first_bad(ten) == sequence


def test_the_last_entry_or_the_whole_log_rewritten_shows_against_a_saved_head(ten: Path) -> None:
    head = verify(ten)
    with tampering(ten) as file:
        _rewrite(file, 9)
    assert verify(ten).count == 10
    assert first_bad(ten, head) == 9


def test_a_log_rewritten_from_one_entry_on_shows_against_a_saved_head(ten: Path) -> None:
    head = verify(ten)
    with tampering(ten) as file:
        for sequence in range(4, 10):
            _rewrite(file, sequence)
    assert verify(ten).count == 10
    assert first_bad(ten, head) == 9
    assert first_bad(ten, Head(count=None, entry_hash=head.entry_hash)) == 10


def _rewrite(file: sqlite3.Connection, sequence: int) -> None:
    """Change a decision and mend every hash of its entry, the link to the one before included."""
    salt, payload, schema, time_ns, previous = file.execute(
        "SELECT salt, payload, schema_version, time_ns, previous_hash FROM entry WHERE sequence = ?", (sequence,)
    ).fetchone()
    if sequence:
        (previous,) = file.execute("SELECT entry_hash FROM entry WHERE sequence = ?", (sequence - 1,)).fetchone()
    payload = payload.replace(b"d", b"e")
    payload_hash = hash_payload(salt, payload)
    entry_hash = hash_entry(previous, sequence, schema, time_ns, payload_hash)
    file.execute(
        "UPDATE entry SET payload = ?, payload_hash = ?, previous_hash = ?, entry_hash = ? WHERE sequence = ?",
        (payload, payload_hash, previous, entry_hash, sequence),
    )


@pytest.mark.parametrize("renumber", [True, False])
@pytest.mark.parametrize("sequence", [0, 4, 8])
def test_a_deleted_entry_is_named(ten: Path, sequence: int, renumber: bool) -> None:
    with tampering(ten) as file:
        file.execute("DELETE FROM entry WHERE sequence = ?", (sequence,))
        if renumber:
            _move(file, range(sequence + 1, 10), -1)
    assert first_bad(ten) == sequence


@pytest.mark.parametrize("sequence", [0, 1, 4, 9])
def test_an_inserted_entry_is_named(ten: Path, sequence: int) -> None:
    with tampering(ten) as file:
        _move(file, range(9, sequence - 1, -1), 1)
        file.execute(
            f"INSERT INTO entry SELECT ?, {REST} FROM entry WHERE sequence = ?",  # noqa: S608 - constants only
            (sequence, sequence + 1),
        )
        _rewrite(file, sequence)
    assert first_bad(ten) == sequence


def test_swapped_entries_are_named(ten: Path) -> None:
    with tampering(ten) as file:
        file.execute("UPDATE entry SET sequence = -1 WHERE sequence = 3")
        file.execute("UPDATE entry SET sequence = 3 WHERE sequence = 7")
        file.execute("UPDATE entry SET sequence = 7 WHERE sequence = -1")
    assert first_bad(ten) == 3


def _move(file: sqlite3.Connection, sequences: range, by: int) -> None:
    for sequence in sequences:
        file.execute("UPDATE entry SET sequence = ? WHERE sequence = ?", (sequence + by, sequence))


@pytest.mark.parametrize("kept", [0, 6, 9])
def test_a_log_cut_off_shows_against_a_saved_head(ten: Path, kept: int) -> None:
    head = verify(ten)
    with tampering(ten) as file:
        file.execute("DELETE FROM entry WHERE sequence >= ?", (kept,))
    assert verify(ten).count == kept
    assert first_bad(ten, head) == kept
    assert first_bad(ten, Head(count=None, entry_hash=head.entry_hash)) == kept


def test_a_payload_removed_without_a_logged_erasure_is_named(ten: Path) -> None:
    connection = sqlite3.connect(ten)
    connection.execute("UPDATE entry SET payload = NULL, salt = NULL WHERE sequence = 6")
    connection.commit()
    connection.close()
    assert first_bad(ten) == 6


def test_a_payload_put_back_after_its_erasure_is_named(ten: Path) -> None:
    backup = ten.with_name("backup.sqlite")
    shutil.copy(ten, backup)
    with SqliteEventLog(ten) as log:
        log.erase([2], rule="r", officer="o", time_ns=99)
    with tampering(ten) as file:
        file.execute("ATTACH ? AS backup", (str(backup),))
        file.execute(
            "UPDATE entry SET salt = b.salt, payload = b.payload FROM backup.entry b"
            " WHERE entry.sequence = 2 AND b.sequence = 2"
        )
    assert first_bad(ten) == 2


def test_the_first_of_several_findings_is_named(ten: Path) -> None:
    with tampering(ten) as file:
        file.execute("UPDATE entry SET time_ns = 5 WHERE sequence = 7")
        file.execute("UPDATE entry SET payload = NULL, salt = NULL WHERE sequence = 1")
    assert first_bad(ten) == 1


def test_any_single_byte_changed_in_any_column_is_named(ten: Path) -> None:
    columns = ["salt", "payload", "payload_hash", "previous_hash", "entry_hash"]
    choose = random.Random(3)  # noqa: S311 - a test's dice
    for trial in range(15):
        copy = ten.with_name(f"copy{trial}.sqlite")
        shutil.copy(ten, copy)
        sequence, column = choose.randrange(10), choose.choice(columns)
        with tampering(copy) as file:
            (value,) = file.execute(f"SELECT {column} FROM entry WHERE sequence = ?", (sequence,)).fetchone()  # noqa: S608 - a constant
            place = choose.randrange(len(value))
            changed = value[:place] + bytes([value[place] ^ 1 << choose.randrange(8)]) + value[place + 1 :]
            file.execute(f"UPDATE entry SET {column} = ? WHERE sequence = ?", (changed, sequence))  # noqa: S608 - a constant
        assert first_bad(copy) == sequence


# ---- going on in a log that is there


@pytest.mark.parametrize(("most", "verified"), [(1, 1), (4, 4), (9, 9), (10, 10), (1000, 10)])
def test_the_end_of_a_sound_log_is_verified_before_it_is_gone_on_with(ten: Path, most: int, verified: int) -> None:
    with SqliteEventLog(ten, verify_last=most) as log:
        assert log.verified == verified
        assert log.append([decision(10)]) == 10
    assert verify(ten).count == 11


def test_a_new_log_has_nothing_to_verify(path: Path) -> None:
    path.touch()
    with SqliteEventLog(path, verify_last=100) as log:
        assert log.verified == 0
    with SqliteEventLog(path, verify_last=100) as log:
        assert log.verified == 0


TAMPERED = {
    "payload": "UPDATE entry SET payload = zeroblob(9) WHERE sequence = {n}",
    "salt": "UPDATE entry SET salt = NULL WHERE sequence = {n}",
    "time": "UPDATE entry SET time_ns = time_ns + 1 WHERE sequence = {n}",
    "hash": "UPDATE entry SET entry_hash = zeroblob(32) WHERE sequence = {n}",
    "previous": "UPDATE entry SET previous_hash = zeroblob(32) WHERE sequence = {n}",
    "gone": "DELETE FROM entry WHERE sequence = {n}",
}


@pytest.mark.parametrize("how", TAMPERED)
@pytest.mark.parametrize("sequence", [5, 6, 7])
def test_a_tampered_end_is_named_and_the_file_is_not_touched(ten: Path, how: str, sequence: int) -> None:
    with tampering(ten) as connection:
        connection.execute(TAMPERED[how].format(n=sequence))
    before = ten.read_bytes()
    for most in (5, 100):
        with pytest.raises(IntegrityError) as found:
            SqliteEventLog(ten, verify_last=most)
        assert found.value.sequence in {sequence, sequence + 1}
        assert ten.read_bytes() == before
        assert [each.name for each in ten.parent.iterdir()] == [ten.name]
    # What lies before the verified end is not looked at.
    with SqliteEventLog(ten, verify_last=1) as log:
        assert log.verified == 1


def test_a_log_whose_writer_was_killed_is_verified_with_what_waits_in_its_journal(ten: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from marsad.adapters.sqlite import SqliteEventLog; "
        "from marsad.kernel.event import OfficerDecision; log = SqliteEventLog(Path(sys.argv[1])); "
        "log.append([OfficerDecision(time_ns=9, officer='o', subject='s', decision='d')]); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(ten)], check=False).returncode == 9
    assert ten.with_name("events.sqlite-wal").stat().st_size
    with SqliteEventLog(ten, verify_last=100) as log:
        assert log.verified == 11


def test_an_erased_payload_in_the_end_is_no_finding(ten: Path) -> None:
    with SqliteEventLog(ten) as log:
        log.erase([8], rule="r", officer="o", time_ns=11)
    for most in (5, 100):
        with SqliteEventLog(ten, verify_last=most) as log:
            assert log.verified == min(most, 11)


def test_what_is_on_the_disk_is_known_apart_from_what_waits(path: Path) -> None:
    with SqliteEventLog(path, batch_s=60) as log:
        log.append([health(1)])
        assert (log.written().length, log.head().length) == (0, 1)
        log.append([decision(2)])
        assert log.written() == log.head()
        log.erase([0], rule="r", officer="o", time_ns=3)
        assert log.written() == log.head()
        assert log.head().length == 3


def test_a_column_of_another_kind_is_named(ten: Path) -> None:
    with tampering(ten) as file:
        file.execute("ALTER TABLE entry RENAME TO old")
        file.execute(f"CREATE TABLE entry (sequence, {REST})")
        file.execute("INSERT INTO entry SELECT * FROM old")
        file.execute("UPDATE entry SET entry_hash = 'text' WHERE sequence = 5")
    assert first_bad(ten) == 5


# ---- other people's files


def _no_file(_: Path) -> None:
    """Leave the path empty."""


def _text_file(path: Path) -> None:
    path.write_text("frame,id,x,y\n1,1,2,3\n")


def _folder(path: Path) -> None:
    path.mkdir()


def _empty_file(path: Path) -> None:
    path.touch()


def _other_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bird (name)")
    connection.close()


def _empty_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("VACUUM")
    connection.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_no_file, "is missing"),
        (_text_file, r"is not a log: it is no SQLite file \(it begins with b'frame,id'\)"),
        (_folder, "is a folder"),
        (_empty_file, "is not a log: it is empty"),
        (_other_database, "is an SQLite file of another program"),
        (_empty_database, "is an empty SQLite file"),
    ],
)
def test_what_is_no_log_is_said_to_be_what_it_is(path: Path, make: Callable[[Path], None], message: str) -> None:
    make(path)
    with pytest.raises(InputError, match=message):
        SqliteLogReader(path)


@pytest.mark.parametrize("make", [_text_file, _folder, _other_database])
def test_what_is_no_log_is_not_written_into(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(InputError):
        SqliteEventLog(path)
    assert path.is_dir() or path.read_bytes() == before
    assert sorted(path.parent.iterdir()) == [path]


def test_a_log_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the folder .*away does not exist"):
        SqliteEventLog(tmp_path / "away" / "events.sqlite")


def test_a_damaged_file_is_told_from_a_tampered_one(path: Path) -> None:
    with SqliteEventLog(path) as log:
        log.append([decision(number, "z" * 500) for number in range(200)])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="is a damaged SQLite file") as cut:
        verify(path)
    assert not isinstance(cut.value, IntegrityError)
    path.write_bytes(whole[:8192] + b"\xff" * 8192 + whole[16384:])
    with pytest.raises(InputError, match="is a damaged SQLite file"):
        verify(path)


def test_a_closed_reader_says_so(ten: Path) -> None:
    log = SqliteLogReader(ten)
    log.close()
    with pytest.raises(InputError, match="the log is closed; open it again"):
        log.head()


def test_a_log_is_read_without_being_changed(ten: Path) -> None:
    before = ten.read_bytes()
    verify(ten)
    assert ten.read_bytes() == before
    assert sorted(ten.parent.iterdir()) == [ten]


def test_a_newer_format_is_refused_by_reader_and_writer(ten: Path) -> None:
    connection = sqlite3.connect(ten)
    connection.execute("PRAGMA user_version = 9")
    connection.close()
    for kind in (SqliteLogReader, SqliteEventLog):
        with pytest.raises(InputError, match="has log format 9; this software knows up to 1: update Marsad"):
            kind(ten)


def test_an_older_format_is_lifted_for_writing_and_in_a_copy_for_reading(
    ten: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = verify(ten)
    monkeypatch.setattr(sqlite, "FORMAT", 2)
    monkeypatch.setitem(sqlite.MIGRATIONS, 1, "CREATE TABLE later (x)")
    before = ten.read_bytes()
    assert verify(ten) == head
    assert ten.read_bytes() == before
    with SqliteEventLog(ten) as log:
        assert log.verify(head) == head
        assert log._connection.execute("SELECT count(*) FROM later").fetchone() == (0,)
        assert log._connection.execute("PRAGMA user_version").fetchone() == (2,)
    with SqliteEventLog(ten) as log:
        assert log.append([decision(1)]) == 10


def test_an_entry_of_a_newer_schema_is_named_and_the_chain_still_verifies(ten: Path) -> None:
    with tampering(ten) as file:
        salt, payload, time_ns, previous = file.execute(
            "SELECT salt, payload, time_ns, previous_hash FROM entry WHERE sequence = 9"
        ).fetchone()
        entry_hash = hash_entry(previous, 9, 7, time_ns, hash_payload(salt, payload))
        file.execute("UPDATE entry SET schema_version = 7, entry_hash = ? WHERE sequence = 9", (entry_hash,))
    assert verify(ten).count == 10
    with SqliteLogReader(ten) as log:
        stored = log.read()
        for _ in range(9):
            next(stored)
        with pytest.raises(InputError, match="entry 9: event schema 7 is newer than this software's, 2: update"):
            next(stored)


def test_a_lost_camera_is_logged_in_any_script(path: Path) -> None:
    event = CameraLost(time_ns=1, camera_id="n", detail="کامێرا ون بوو")
    with SqliteEventLog(path) as log:
        log.append([event])
    with SqliteLogReader(path) as log:
        assert next(log.read()).event == event
