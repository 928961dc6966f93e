"""GPS recordings of people on foot: GPX, CSV, GeoJSON and NMEA 0183."""

import csv
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from marsad.adapters.text_file import read_text
from marsad.kernel.error import InputError
from marsad.kernel.record import Record

TIME_NAMES = ("time", "timestamp", "time_utc", "datetime", "utc")
LATITUDE_NAMES = ("latitude_deg", "latitude", "lat")
LONGITUDE_NAMES = ("longitude_deg", "longitude", "lon", "lng", "long")
SIGMA_NAME = "sigma_m"

_EARLIEST_S = 315_532_800  # 1980, when GPS began
_KNOT_FIELDS = 10
_DIGITS = re.compile(r"[+-]?\d+(\.\d*)?")
_NAIVE_HINT = "write it in UTC with a Z, as 2026-08-08T20:15:00Z"


class GpsTrack(Record, eq=False):
    """One walker's fixes, in order of time: arrays (N,), N of 2 or more; `sigma_m` is NaN where the file has none.

    `left_out` counts fixes that repeat another's time.
    """

    name: str
    time_ns: NDArray[np.int64]
    latitude_deg: NDArray[np.float64]
    longitude_deg: NDArray[np.float64]
    sigma_m: NDArray[np.float64]
    left_out: int = 0


class _Fix(Record):
    time_ns: int
    latitude_deg: float
    longitude_deg: float
    sigma_m: float = math.nan


def read_gps(path: Path) -> GpsTrack:
    """The fixes in a file, its kind told by its ending; the walker has the file's name.

    Raises: InputError naming the file, the place in it and how to mend it.
    """
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"{path}: must end in {', '.join(sorted(_READERS))}: export the GPS track as one of these")
    fixes = list(reader(path, read_text(path, "a GPS track as GPX, NMEA or CSV")))
    order = sorted({fix.time_ns: fix for fix in reversed(fixes)}.values(), key=lambda fix: fix.time_ns)
    if len(order) < 2:
        raise InputError(f"{path}: {len(order)} GPS fixes with a time; a walk has 2 or more")
    return GpsTrack(
        name=path.stem,
        time_ns=np.array([fix.time_ns for fix in order], np.int64),
        latitude_deg=np.array([fix.latitude_deg for fix in order]),
        longitude_deg=np.array([fix.longitude_deg for fix in order]),
        sigma_m=np.array([fix.sigma_m for fix in order]),
        left_out=len(fixes) - len(order),
    )


def parse_time(text: str, where: str) -> int:
    """A moment in nanoseconds since 1970 UTC, from ISO 8601 with its zone or from seconds or milliseconds since 1970.

    Raises: InputError, naming `where` it stands.
    """
    text = text.strip()
    if _DIGITS.fullmatch(text):
        seconds = float(text)
        seconds = seconds / 1000 if seconds >= 1e11 else seconds
        if not _EARLIEST_S <= seconds < 1e11:
            raise InputError(f"{where}: time {text}: seconds since 1970 UTC, or {_NAIVE_HINT}")
        return round(seconds * 1e6) * 1000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"{where}: time {text!r} is no time; {_NAIVE_HINT}") from error
    if moment.tzinfo is None:
        raise InputError(f"{where}: time {text!r} does not say its zone; {_NAIVE_HINT}")
    return _nanoseconds(moment)


def read_crossing_list(path: Path) -> list[tuple[str, int, int]]:
    """Walker, start and end of each crossing in a CSV file with the header `walker,start,end`.

    Raises: InputError naming the line and what to mend.
    """
    rows, names = _table(path, read_text(path, "a CSV file of crossings"))
    missing = [name for name in ("walker", "start", "end") if name not in names]
    if missing:
        raise InputError(f"{path}, line 1: no column {missing[0]!r}; write the header walker,start,end")
    crossings = []
    for where, row in rows:
        start_ns, end_ns = parse_time(row["start"], f"{where}: start"), parse_time(row["end"], f"{where}: end")
        if end_ns <= start_ns:
            raise InputError(f"{where}: end {row['end']} is not after start {row['start']}; swap them or mend the date")
        crossings.append((row["walker"].strip(), start_ns, end_ns))
    if not crossings:
        raise InputError(f"{path}: lists no crossing; write a line for each: walker,start,end")
    return crossings


def _nanoseconds(moment: datetime) -> int:
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1000


def _fix(where: str, time_ns: int, latitude: object, longitude: object, sigma_m: float = math.nan) -> _Fix:
    """One fix, its place checked."""
    place = []
    for name, value, limit in (("latitude", latitude, 90.0), ("longitude", longitude, 180.0)):
        try:
            number = float(str(value))
        except ValueError:
            number = math.nan
        if not -limit <= number <= limit:
            raise InputError(f"{where}: {name} {value!r}: degrees from {-limit:g} to {limit:g}, as 34.46000")
        place.append(number)
    return _Fix(time_ns=time_ns, latitude_deg=place[0], longitude_deg=place[1], sigma_m=sigma_m)


def _read_gpx(path: Path, text: str) -> Iterator[_Fix]:
    """Track points; waypoints and routes carry no walk."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError(f"{path}: has a document type, which no GPX needs; export it again")
    try:
        root = ET.fromstring(text)  # noqa: S314 - entities were refused above
    except ET.ParseError as error:
        raise InputError(f"{path}: is no GPX: {error}; export it again") from error
    points = [element for element in root.iter() if element.tag.rpartition("}")[2] == "trkpt"]
    if not points:
        raise InputError(f"{path}: has no track point (trkpt); record and export a track, not a route or waypoints")
    for number, point in enumerate(points, start=1):
        where = f"{path}, track point {number}"
        moment = next((child.text for child in point if child.tag.rpartition("}")[2] == "time"), None)
        if not moment:
            raise InputError(f"{where}: has no time; record the track anew, saved and planned tracks have none")
        yield _fix(where, parse_time(moment, where), point.get("lat"), point.get("lon"))


def _table(path: Path, text: str) -> tuple[list[tuple[str, dict[str, str]]], list[str]]:
    """The rows of a CSV file, each with its place, and the columns' names."""
    lines = text.splitlines()
    separator = ";" if lines and ";" in lines[0] and "," not in lines[0] else ","
    reader = csv.reader(lines, delimiter=separator)
    names = [name.strip().lower() for name in next(reader, [])]
    rows = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        where = f"{path}, line {reader.line_num}"
        if len(cells) != len(names):
            raise InputError(f"{where}: {len(cells)} fields; there should be {len(names)}: {','.join(names)}")
        rows.append((where, dict(zip(names, cells, strict=True))))
    return rows, names


def _read_csv(path: Path, text: str) -> Iterator[_Fix]:
    rows, names = _table(path, text)
    chosen = {}
    for what, known in (("time", TIME_NAMES), ("lat", LATITUDE_NAMES), ("lon", LONGITUDE_NAMES)):
        present = [name for name in known if name in names]
        if not present:
            raise InputError(f"{path}, line 1: no column for {what} ({', '.join(known)}); write time,lat,lon")
        chosen[what] = present[0]
    for where, row in rows:
        time_ns = parse_time(row[chosen["time"]], where)
        yield _fix(where, time_ns, row[chosen["lat"]], row[chosen["lon"]], _sigma(row.get(SIGMA_NAME, ""), where))


def _sigma(text: str, where: str) -> float:
    if not text.strip():
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < 1000:
        raise InputError(f"{where}: {SIGMA_NAME} {text.strip()!r}: metres above 0 and below 1000, or empty")
    return value


def _read_geojson(path: Path, text: str) -> Iterator[_Fix]:
    """Points with a time each, or lines whose `coordTimes` or `times` name one for each place."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: is no JSON: {error.msg}") from error
    features = document.get("features", [document]) if isinstance(document, dict) else []
    for number, feature in enumerate(features if isinstance(features, list) else [], start=1):
        if isinstance(feature, dict):
            yield from _feature(f"{path}, feature {number}", feature)


def _feature(where: str, feature: Mapping[str, Any]) -> Iterator[_Fix]:
    geometry, properties = feature.get("geometry") or {}, feature.get("properties") or {}
    kind, places = geometry.get("type"), geometry.get("coordinates")
    if kind == "Point":
        places, times = [places], [next((properties[name] for name in TIME_NAMES if name in properties), None)]
    elif kind == "LineString":
        inner = properties.get("coordinateProperties") or {}
        times = properties.get("coordTimes") or properties.get("times") or inner.get("times") or []
    else:
        return
    if not isinstance(places, list) or len(times) != len(places) or None in times:
        raise InputError(f"{where}: needs a time for each place: `time` for a Point, `coordTimes` for a LineString")
    for number, (place, moment) in enumerate(zip(places, times, strict=True), start=1):
        at = f"{where}, place {number}"
        if not isinstance(place, list) or len(place) < 2:
            raise InputError(f"{at}: {place!r} is no longitude and latitude")
        yield _fix(at, parse_time(str(moment), at), place[1], place[0])


def _read_nmea(path: Path, text: str) -> Iterator[_Fix]:
    """RMC sentences, which alone have date, time and place; void ones and broken checksums are left out."""
    recommended = 0
    for number, line in enumerate(text.splitlines(), start=1):
        body = line.strip().lstrip("$").partition("*")
        if body[0][2:5] != "RMC" or not _sound(body[0], body[2]):
            continue
        fields = body[0].split(",")
        recommended += 1
        if len(fields) >= _KNOT_FIELDS and fields[2] == "A":
            yield _rmc(f"{path}, line {number}", fields)
    if not recommended:
        raise InputError(f"{path}: has no sound RMC sentence; log RMC, which alone has the date")


def _sound(body: str, checksum: str) -> bool:
    """Whether a sentence's checksum is right; one without is taken as it is."""
    if not checksum:
        return True
    value = 0
    for character in body:
        value ^= ord(character)
    return checksum[:2].upper() == f"{value:02X}"


def _rmc(where: str, fields: Sequence[str]) -> _Fix:
    clock, day = fields[1], fields[9]
    try:
        seconds = float(clock[4:])
        moment = datetime.combine(
            date(2000 + int(day[4:6]), int(day[2:4]), int(day[:2])),
            time(int(clock[:2]), int(clock[2:4]), int(seconds), round(seconds % 1 * 1e6) % 1_000_000),
            tzinfo=UTC,
        )
        latitude = _degrees(fields[3], 2, negative=fields[4] == "S")
        longitude = _degrees(fields[5], 3, negative=fields[6] == "W")
    except ValueError as error:
        raise InputError(f"{where}: the RMC sentence cannot be read ({error}); leave the line out") from error
    return _fix(where, _nanoseconds(moment), latitude, longitude)


def _degrees(text: str, digits: int, *, negative: bool) -> float:
    value = int(text[:digits]) + float(text[digits:]) / 60
    return -value if negative else value


_READERS: dict[str, Callable[[Path, str], Iterator[_Fix]]] = {
    ".gpx": _read_gpx,
    ".csv": _read_csv,
    ".geojson": _read_geojson,
    ".json": _read_geojson,
    ".nmea": _read_nmea,
    ".nma": _read_nmea,
}
