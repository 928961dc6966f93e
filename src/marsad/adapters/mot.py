"""Tracks and truth as tables: MOT Challenge rows, with or without a header, and CSV truth with one.

The box's x, y is the outer corner of its top left pixel, counted from 0, as in `kernel.detection.Box`. Frames count
from 1 in tracks; truth is returned as its file numbers it, and `report.evaluation.frame_base` tells which way that is.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from marsad.adapters.text_file import read_text
from marsad.adapters.writing import PieceFile, replace_whole
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.record import Record
from marsad.kernel.track import Kind, Track
from marsad.report.evaluation import Boxes

COLUMNS = ("frame", "id", "x", "y", "w", "h", "conf", "class", "visibility", "online")
_HEADER = (",".join(COLUMNS) + "\n").encode("ascii")
_MOT_LEAST, _MOT_MOST = 6, 10
_ONLY_OBJECT = 1
# Numbers from 13 on are free in MOT Challenge files.
_CLASS_NUMBERS: dict[Kind, int] = {
    "person": 1,
    "vehicle": 3,
    "group": 13,
    "animal": 14,
    "flying": 15,
    "vegetation": 16,
    "unknown": -1,
}


class Truth(Record, eq=False):
    """Truth boxes as their file numbers them; `left_out` counts rows that say "nothing here".

    Those are rows whose box is not a number or has no size and, in MOT files, rows flagged 0 ("do not consider").
    """

    boxes: Boxes
    left_out: int


class _Row(Record):
    """One row, its cells named; `place` is its file and line."""

    place: str
    cells: dict[str, str]
    headed: bool


class _Point(Record):
    place: str
    frame: int
    identity: int
    box: tuple[float, float, float, float]
    online: bool | None = None


def read_tracks(path: Path) -> Boxes:
    """The tracks of a `tracks.csv`, or of any MOT Challenge file; `online` is None where no column says it.

    Raises InputError naming the line for a malformed row, a box that is not finite or has no size, a frame below 1, and
    an identity that occurs twice in a frame.
    """
    points = []
    for row in _rows(path, needed=("frame", "id", "x", "y", "w", "h")):
        box = _box(row)
        if not _is_box(box):
            raise InputError(f"{row.place}: box {box}: x, y, w and h must be finite, w and h above 0")
        frame = _whole(row, "frame")
        if frame < 1:
            raise InputError(f"{row.place}: frame {frame}: frames of tracks count from 1")
        points.append(_Point(place=row.place, frame=frame, identity=_whole(row, "id"), box=box, online=_online(row)))
    return _boxes(points)


def read_truth(path: Path) -> Truth:
    """The truth of a MOT Challenge file, or of a CSV file with the header frame,x,y,w,h and, where needed, id.

    Without an id all boxes are one object. Raises InputError naming the line for a malformed row, and for an
    identity (without ids: a second box) that occurs twice in a frame.
    """
    points, left_out = [], 0
    for row in _rows(path, needed=("frame", "x", "y", "w", "h")):
        box = _box(row)
        ignored = not row.headed and "conf" in row.cells and _number(row, "conf") == 0
        if ignored or not _is_box(box):
            left_out += 1
            continue
        frame = _whole(row, "frame")
        if frame < 0:
            raise InputError(f"{row.place}: frame {frame}: frames count from 0 or 1")
        identity = _whole(row, "id") if "id" in row.cells else _ONLY_OBJECT
        points.append(_Point(place=row.place, frame=frame, identity=identity, box=box))
    return Truth(boxes=_boxes(points), left_out=left_out)


def _rows(path: Path, needed: Sequence[str]) -> Iterator[_Row]:
    """The rows of a table; the columns by its header, or in MOT Challenge order where it has none."""
    columns: list[str] | None = None
    headed = False
    for number, line in enumerate(read_text(path, "a CSV file").splitlines(), start=1):
        place = f"{path}:{number}"
        cells = [cell.strip() for cell in line.split(",")]
        if cells == [""]:
            continue
        if columns is None:
            headed = not _is_number(cells[0])
            columns = _header(place, cells, needed) if headed else _mot_columns(place, cells)
            if headed:
                continue
        if len(cells) != len(columns):
            raise InputError(f"{place}: {len(cells)} values, but {len(columns)} columns: {','.join(columns)}")
        yield _Row(place=place, cells=dict(zip(columns, cells, strict=True)), headed=headed)


def _header(place: str, cells: list[str], needed: Sequence[str]) -> list[str]:
    columns = [cell.strip('"').lower() for cell in cells]
    missing = [name for name in needed if name not in columns]
    if missing:
        raise InputError(
            f"{place}: the header {','.join(cells)} lacks {','.join(missing)}; "
            f"tracks need frame,id,x,y,w,h and truth frame,x,y,w,h, separated by commas"
        )
    twice = [name for name, following in pairwise(sorted(columns)) if name == following]
    if twice:
        raise InputError(f"{place}: the header names {twice[0]} twice")
    return columns


def _mot_columns(place: str, cells: list[str]) -> list[str]:
    if not _MOT_LEAST <= len(cells) <= _MOT_MOST:
        raise InputError(
            f"{place}: {len(cells)} values and no header: a MOT file has {_MOT_LEAST} to {_MOT_MOST} "
            f"(frame,id,x,y,w,h,...), other truth needs the header frame,x,y,w,h"
        )
    # A tenth column of a file without a header is the Challenge's z, never our `online`.
    return [*COLUMNS[:-1], "z"][: len(cells)]


def _box(row: _Row) -> tuple[float, float, float, float]:
    return _number(row, "x"), _number(row, "y"), _number(row, "w"), _number(row, "h")


def _is_box(box: tuple[float, float, float, float]) -> bool:
    return bool(np.isfinite(box).all()) and box[2] > 0 and box[3] > 0


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _number(row: _Row, name: str) -> float:
    """The cell as a number; an empty cell is not a number, which is a number here."""
    text = row.cells[name]
    try:
        return float(text) if text else float("nan")
    except ValueError as error:
        raise InputError(f'{row.place}: {name} "{text}": must be a number') from error


def _whole(row: _Row, name: str) -> int:
    value = _number(row, name)
    if not value.is_integer():
        raise InputError(f'{row.place}: {name} "{row.cells[name]}": must be a whole number')
    return int(value)


def _online(row: _Row) -> bool | None:
    if "online" not in row.cells:
        return None
    text = row.cells["online"]
    if text not in {"0", "1"}:
        raise InputError(f'{row.place}: online "{text}": must be 1 (reported in its own frame) or 0 (written back)')
    return text == "1"


def _boxes(points: list[_Point]) -> Boxes:
    seen: dict[tuple[int, int], str] = {}
    for point in points:
        before = seen.setdefault((point.frame, point.identity), point.place)
        if before != point.place:
            raise InputError(
                f"{point.place}: frame {point.frame} has identity {point.identity} twice (first at {before}); "
                f"several objects in a frame need a column id that tells them apart"
            )
    known = bool(points) and points[0].online is not None
    return Boxes(
        frame=np.array([point.frame for point in points], dtype=np.int64),
        identity=np.array([point.identity for point in points], dtype=np.int64),
        box=np.array([point.box for point in points], dtype=np.float64).reshape(-1, 4),
        online=np.array([point.online for point in points], dtype=np.bool_) if known else None,
    )


def class_number(kind: Kind) -> int:
    """The number of the `class` column: the Challenge's for person and vehicle, else our own."""
    return _CLASS_NUMBERS[kind]


class TrackTable:
    """A `tracks.csv` being written: rows are on the disk as they come, in order of frame and track once it is closed.

    `append` takes points reported in their own frame, `write_back` those found out later: a point that is given both
    ways stays an online one. A file that was never closed (a power cut) is complete but unsorted. Rows that could not
    be written are left out whole; later ones may be tried.
    """

    def __init__(self, path: Path) -> None:
        """Make the file. Raises: UnavailableError, InputError where it cannot be made."""
        self._path = path
        self._file = PieceFile(path)

    def append(self, tracks: Iterable[Track]) -> None:
        """Write points known in their own frame. Raises: UnavailableError, InputError where they cannot be."""
        self._write(tracks, online=True)

    def write_back(self, tracks: Iterable[Track]) -> None:
        """Write points of earlier frames, known since their track was confirmed. Raises: as `append` does."""
        self._write(tracks, online=False)

    def close(self) -> None:
        """Sort the file and put it in place of the unsorted one; safe to call twice.

        Raises: UnavailableError where the disk is full or fails; the unsorted file stays then.
        """
        if self._file.closed:
            return
        try:
            if not self._file.length:
                self._file.put(_HEADER)
        finally:
            self._file.close()
        header, *rows = _lines_written(self._path)
        newest: dict[tuple[int, int], str] = {}
        for row in rows:
            frame, identity, _ = row.split(",", 2)
            key = int(frame), int(identity)
            if key not in newest or row.endswith(",1\n"):
                newest[key] = row
        replace_whole(self._path, (header + "".join(newest[key] for key in sorted(newest))).encode("ascii"))

    def _write(self, tracks: Iterable[Track], *, online: bool) -> None:
        rows = "".join(_line(track, online=online) for track in tracks).encode("ascii")
        if rows:
            self._file.put(rows if self._file.length else _HEADER + rows)


def _lines_written(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").splitlines(keepends=True)
    except OSError as error:
        raise UnavailableError(f"{path}: cannot be read back to be sorted: {error.strerror or error}") from error


def _line(track: Track, *, online: bool) -> str:
    box = track.box
    seen = 0 if track.status == "coasting" else 1
    return "%d,%d,%.2f,%.2f,%.2f,%.2f,%.3f,%d,%d,%d\n" % (  # noqa: UP031 - a third quicker than an f-string
        track.frame_index + 1,
        track.track_id,
        box.x_px,
        box.y_px,
        box.w_px,
        box.h_px,
        track.confidence,
        class_number(track.kind),
        seen,
        online,
    )
