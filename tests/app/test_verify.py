"""The body of `marsad verify`."""

import sqlite3
from pathlib import Path

import msgspec
import pytest

from marsad.adapters.sqlite import SqliteEventLog
from marsad.app.verify import verify_log
from marsad.kernel.event import OfficerDecision


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "events.sqlite"
    _grow(path, 5)
    return path


def _grow(path: Path, count: int) -> None:
    with SqliteEventLog(path) as log:
        log.append([OfficerDecision(time_ns=1, officer="o", subject="s", decision="d")] * count)


def test_a_sound_log_gives_its_head_which_verifies_later(log: Path) -> None:
    first = verify_log(log)
    assert (first.result, first.exit_code, first.count, first.head_checked) == ("sound", 0, 5, False)
    assert first.head is not None
    assert first.head in first.text()
    assert "no saved head" in first.text()
    _grow(log, 3)
    for head in (first.head, first.head.partition(":")[2]):
        later = verify_log(log, head)
        assert (later.exit_code, later.count, later.head_checked) == (0, 8, True)
        assert "begins with the saved head" in later.text()


def test_a_changed_entry_is_named_and_not_sound(log: Path) -> None:
    connection = sqlite3.connect(log)
    connection.execute("DROP TRIGGER entry_changes_only_by_erasure")
    connection.execute("UPDATE entry SET time_ns = 7 WHERE sequence = 3")
    connection.commit()
    connection.close()
    report = verify_log(log)
    assert (report.exit_code, report.first_bad, report.head) == (1, 3, None)
    assert "NOT SOUND" in report.text()
    assert "first bad entry: 3" in report.text()


def test_a_log_cut_off_is_not_sound_against_its_head(log: Path) -> None:
    head = verify_log(log).head
    connection = sqlite3.connect(log)
    connection.execute("DROP TRIGGER entry_stays")
    connection.execute("DELETE FROM entry WHERE sequence = 4")
    connection.commit()
    connection.close()
    assert verify_log(log).exit_code == 0
    report = verify_log(log, head)
    assert (report.exit_code, report.first_bad) == (1, 4)


@pytest.mark.parametrize("kind", ["missing", "text", "damaged", "head"])
def test_bad_input_is_told_from_an_unsound_log(log: Path, kind: str) -> None:
    whole = log.read_bytes()
    head = "12" if kind == "head" else None
    if kind == "missing":
        log.unlink()
    elif kind == "text":
        log.write_text("this is no log")
    elif kind == "damaged":
        log.write_bytes(whole[: len(whole) // 2])
    report = verify_log(log, head)
    words = {
        "missing": "is missing",
        "text": "is no SQLite file",
        "damaged": "is a damaged SQLite file",
        "head": "COUNT:",
    }
    assert (report.result, report.exit_code, report.first_bad) == ("bad input", 2, None)
    assert words[kind] in report.text()


def test_the_report_is_one_line_of_json(log: Path) -> None:
    line = msgspec.json.encode(verify_log(log)).decode()
    assert "\n" not in line
    assert msgspec.json.decode(line)["count"] == 5


def test_the_manual_s_recipe_gives_the_same_head(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with SqliteEventLog(log) as writer:
        writer.erase([2], rule="30 days", officer="keeper", time_ns=9)
    page = (Path(__file__).parents[2] / "docs" / "howto" / "verify-a-log.md").read_text(encoding="utf-8")
    recipe = page.split("```python\n")[1].split("```")[0].replace('"events.sqlite"', repr(str(log)))
    exec(compile(recipe, "verify-a-log.md", "exec"), {})  # noqa: S102 - our own page
    assert capsys.readouterr().out.strip() == verify_log(log).head
