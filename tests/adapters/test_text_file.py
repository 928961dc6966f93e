"""Text as people's tools write it."""

from pathlib import Path

import pytest

from marsad.adapters.text_file import read_text
from marsad.kernel.error import InputError


def test_text_is_read_with_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    for mark in (b"", b"\xef\xbb\xbf"):
        path.write_bytes(mark + "حدود;1\n".encode())
        assert read_text(path, "a CSV file") == "حدود;1\n"


def test_what_cannot_be_read_says_why_and_what_to_name(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "none.csv", "none.csv: no such file"), (tmp_path, "cannot be read: Is a directory")):
        with pytest.raises(InputError, match=f"{said}; name a CSV file"):
            read_text(path, "a CSV file")
    path = tmp_path / "latin.csv"
    path.write_bytes("Grenzübertritt".encode("latin-1"))
    with pytest.raises(InputError, match="is not text in UTF-8 at byte 5; save it as UTF-8, or name a CSV file"):
        read_text(path, "a CSV file")
