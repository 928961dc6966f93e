"""The command `marsad mark`: an officer's word on an area, written to a log."""

import json
from pathlib import Path
from typing import Any

from marsad.adapters.clock import SystemClock
from marsad.adapters.gps import parse_time
from marsad.adapters.sqlite import SqliteEventLog
from marsad.adapters.text_file import read_text
from marsad.kernel.error import InputError
from marsad.kernel.event import AreaMarked
from marsad.kernel.position import Position
from marsad.kernel.presence import AreaMark, AreaState
from marsad.kernel.record import Record


class MarkReport(Record):
    """What was written."""

    log: str
    sequence: int
    time_ns: int
    mark: AreaMark

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        return 0

    def text(self) -> str:
        """The report for people."""
        return f"{self.log}: entry {self.sequence}: {self.mark.area_id} is {self.mark.state}, says {self.mark.officer}"


def mark_area(
    log: Path, area_id: str, state: AreaState, *, officer: str, reason: str, by: str, at: str | None, drawn: Path | None
) -> MarkReport:
    """Write that an area is unsearched, searched or held, now or at a time, to a log.

    Raises: InputError naming what to mend, UnavailableError where the log cannot be written now.
    """
    for name, value in (("AREA", area_id), ("--officer", officer), ("--reason", reason)):
        if not value.strip():
            raise InputError(f"{name}: must not be empty: every mark says who and why")
    time_ns = SystemClock().now_ns() if at is None else parse_time(at, "--at")
    points = () if drawn is None else read_polygon(drawn)
    mark = AreaMark(area_id=area_id, state=state, officer=officer, reason=reason, by=by, points=points)
    opened = SqliteEventLog(log)
    try:
        sequence = opened.append([AreaMarked(time_ns=time_ns, mark=mark)])
    finally:
        opened.close()
    return MarkReport(log=str(log), sequence=sequence, time_ns=time_ns, mark=mark)


def read_polygon(path: Path) -> tuple[Position, ...]:
    """The corners of the first polygon in a GeoJSON file; its holes do not count.

    Raises: InputError where there is none.
    """
    text = read_text(path, "a polygon as GeoJSON")
    try:
        table = json.loads(text)
        corners = [(float(x), float(y)) for x, y, *_ in _ring(table)]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, StopIteration) as error:
        raise InputError(
            f"{path}: holds no GeoJSON polygon of longitudes and latitudes; draw one and save it"
        ) from error
    corners = corners[:-1] if corners[0] == corners[-1] else corners
    if len(corners) < 3:
        raise InputError(f"{path}: the polygon has {len(corners)} corners; it needs 3")
    return tuple(Position(latitude_deg=y, longitude_deg=x) for x, y in corners)


def _ring(table: dict[str, Any]) -> list[list[float]]:
    """The outer ring of the first polygon in a geometry, a feature or a collection of features."""
    kind = table["type"]
    if kind == "FeatureCollection":
        polygons = (each for each in table["features"] if each["geometry"]["type"] in {"Polygon", "MultiPolygon"})
        return _ring(next(polygons))
    if kind == "Feature":
        return _ring(table["geometry"])
    shapes: list[list[list[float]]] = {"Polygon": [table["coordinates"]], "MultiPolygon": table["coordinates"]}[kind][0]
    return shapes[0]
