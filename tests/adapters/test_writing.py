"""What is said when the disk refuses a result."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from marsad.adapters.mot import TrackTable
from marsad.adapters.writing import replace_whole, write_refusal
from marsad.kernel.error import InputError, UnavailableError

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="/dev/full, a disk without room, is missing here")


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = tmp_path / "tracks.csv"
    target.write_bytes(b"old")
    replace_whole(target, b"new")
    assert target.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [target]


@needs_full
def test_a_full_disk_leaves_the_old_file_and_says_what_to_do(tmp_path: Path) -> None:
    target = tmp_path / "tracks.csv"
    target.write_bytes(b"old")
    (tmp_path / "tracks.csv.part").symlink_to(FULL)
    with pytest.raises(UnavailableError, match=r"tracks\.csv: cannot be written: No space left on device; free some"):
        replace_whole(target, b"new")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


PUTS = """
import resource, sys
from pathlib import Path
from marsad.adapters.writing import PieceFile
from marsad.kernel.error import UnavailableError
path = Path(sys.argv[1])
file = PieceFile(path)
file.put(b"one\\n")
file.put(b"two\\n")
def refused(most, piece, after, left):
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    try:
        file.put(piece, after)
    except UnavailableError:
        assert path.read_bytes() == left, path.read_bytes()
        assert file.length == len(left)
        return
    raise AssertionError("it was not refused")
refused(8, b"three\\n", None, b"one\\ntwo\\n")
refused(4, b"three\\n", 4, b"one\\ntwo\\n")
refused(10, b"three\\n", None, b"one\\ntwo\\n")
refused(6, b"three\\n", 4, b"one\\n")
file.put(b"2\\n")
assert path.read_bytes() == b"one\\n2\\n"
file.put(b"!", 2)
assert path.read_bytes() == b"on!"
file.close()
file.close()
"""


def test_a_piece_is_in_the_file_whole_or_not_at_all(tmp_path: Path) -> None:
    """A real limit of the operating system, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", PUTS, str(tmp_path / "file")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@needs_full
def test_a_table_on_a_full_disk_says_so(tmp_path: Path) -> None:
    (tmp_path / "tracks.csv").symlink_to(FULL)
    table = TrackTable(tmp_path / "tracks.csv")
    with pytest.raises(UnavailableError, match="No space left"):
        table.close()
    table.close()


@pytest.mark.parametrize(
    ("number", "kind", "mend"),
    [
        (errno.ENOSPC, UnavailableError, "free some space"),
        (errno.EIO, UnavailableError, "mounted"),
        (errno.EACCES, InputError, "choose a folder"),
        (errno.ENOENT, InputError, "choose a folder"),
    ],
)
def test_a_failing_disk_is_told_from_a_wrong_place(number: int, kind: type, mend: str) -> None:
    refusal = write_refusal(Path("out/map.geojson"), OSError(number, "said"))
    assert type(refusal) is kind
    assert str(refusal).startswith("out/map.geojson: cannot be written: said; ")
    assert mend in str(refusal)
