"""Reporters: kept sealed, read with the key alone, forgotten when asked to."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.reporters import Reporters
from marsad.kernel.error import InputError, UnavailableError

NAME = "Abu Ali, +964 770 000 0000"


def opened(folder: Path, key: str = "reporters.key") -> Reporters:
    return Reporters(folder / "reporters.sqlite", folder / key)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=5))
def test_who_was_kept_is_who_is_read(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    folder = tmp_path_factory.mktemp("reporters")
    with opened(folder) as reporters:
        numbers = [reporters.keep(name) for name in names]
    with opened(folder) as reporters:
        assert [reporters.read(number) for number in numbers] == names


def test_the_file_tells_nobody_anything_and_is_the_owners_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as reporters:
        reporters.keep(NAME)
    assert all(b"Abu Ali" not in path.read_bytes() for path in tmp_path.iterdir())
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_another_key_reads_nothing(tmp_path: Path) -> None:
    with opened(tmp_path) as reporters:
        number = reporters.keep(NAME)
    with opened(tmp_path, "other.key") as reporters, pytest.raises(InputError, match="this key"):
        reporters.read(number)


def test_who_is_forgotten_is_gone_and_the_number_is_nobody_elses(tmp_path: Path) -> None:
    with opened(tmp_path) as reporters:
        number = reporters.keep(NAME)
        reporters.erase(number)
        with pytest.raises(InputError, match="erased"):
            reporters.read(number)
        with pytest.raises(InputError, match="nobody"):
            reporters.erase(number)
        assert reporters.keep("another") != number


@pytest.mark.parametrize("number", ["", "7", "R", "Rx", "R-1"])
def test_what_is_no_number_is_said_to_be_none(tmp_path: Path, number: str) -> None:
    with opened(tmp_path) as reporters, pytest.raises(InputError, match="such as R12"):
        reporters.read(number)


def test_files_that_are_something_else_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "short.key").write_bytes(b"short")
    with pytest.raises(InputError, match="holds no key"):
        opened(tmp_path, "short.key")
    (tmp_path / "reporters.sqlite").write_bytes(b"not a database at all, but long enough to be looked at" * 20)
    with pytest.raises(InputError, match="does not hold reporters"):
        opened(tmp_path)
    with pytest.raises(UnavailableError, match="cannot be made"):
        opened(tmp_path, "none/there.key")


def test_a_newer_file_is_not_written_to(tmp_path: Path) -> None:
    with opened(tmp_path) as reporters:
        reporters.keep(NAME)
    connection = sqlite3.connect(tmp_path / "reporters.sqlite")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(InputError, match="update Marsad"):
        opened(tmp_path)
