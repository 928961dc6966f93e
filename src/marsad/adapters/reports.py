"""What cameras, posts and patrols reported, from CSV and GeoJSON files and GPS recordings."""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from marsad.adapters.gps import LATITUDE_NAMES, LONGITUDE_NAMES, parse_time, read_gps
from marsad.adapters.text_file import read_text
from marsad.kernel.error import InputError
from marsad.kernel.position import BearingMeasurement, GroundCovariance
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind

GPS_SIGMA_M = 5.0
ENDINGS = (".csv", ".geojson", ".json", ".gpx", ".nmea", ".nma")
_SHOWN = 20
_KINDS: tuple[Kind, ...] = get_args(Kind)
_USUAL_CONFIDENCE = 0.8
_USUAL_TALL = 0.2
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "source": ("source", "source_id", "camera_id", "camera"),
    "label": ("label", "track_id"),
    "origin": ("origin", "organisation"),
    "lat": LATITUDE_NAMES,
    "lon": LONGITUDE_NAMES,
}
_PLACE = ("lat", "lon")
_FLAT = ("east_m", "north_m")
_ANGLES = ("azimuth_deg", "elevation_deg", "azimuth_sigma_deg", "elevation_sigma_deg")
_SPREAD = ("east_m2", "east_north_m2", "north_m2")

Row = Mapping[str, str]


class Report(Record):
    """One line of a file: what a source saw, or, with neither place nor bearing, that it looked and saw nothing.

    `at` is latitude and longitude in degrees, `flat` east and north in the site's frame; `origin` is empty where the
    file does not say whose source it is. `height` is how tall it looks and one sigma of that, in radians.
    """

    time_ns: int
    source_id: str
    origin: str = ""
    label: int | None = None
    at: tuple[float, float] | None = None
    flat: tuple[float, float] | None = None
    covariance: GroundCovariance | None = None
    bearing: BearingMeasurement | None = None
    kind: Kind = "unknown"
    kind_confidence: float = 0.0
    count: Count | None = None
    height: tuple[float, float] | None = None


class _WrongError(Exception):
    """A value that cannot be: its column, itself, and what would be valid."""


def read_reports(path: Path) -> list[Report]:
    """The reports in a file, its kind told by its ending. A GPS recording is one source, named as the file.

    Raises: InputError naming each bad place: line, column, value and what would be valid.
    """
    suffix = path.suffix.lower()
    if suffix not in ENDINGS:
        raise InputError(f"{path}: must end in {', '.join(ENDINGS)}")
    if suffix in {".gpx", ".nmea", ".nma"}:
        return list(_recorded(path))
    rows = _csv_rows(path) if suffix == ".csv" else _geojson_rows(path)
    found, problems = [], []
    for where, row in rows:
        try:
            found.append(_report(row))
        except _WrongError as wrong:
            column, value, valid = wrong.args
            problems.append(f"{where}, {column} = {value!r}: {valid}")
    if problems:
        more = [f"and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        places = "1 place" if len(problems) == 1 else f"{len(problems)} places"
        raise InputError("\n  ".join([f"{path}: {places} to mend", *problems[:_SHOWN], *more]))
    return found


def _recorded(path: Path) -> Iterator[Report]:
    """The fixes of a GPS recording."""
    track = read_gps(path)
    rows = zip(
        track.time_ns.tolist(), track.latitude_deg.tolist(), track.longitude_deg.tolist(), track.sigma_m.tolist(),
        strict=True,
    )  # fmt: skip
    for time_ns, latitude, longitude, sigma in rows:
        cover = _round(GPS_SIGMA_M if math.isnan(sigma) else sigma)
        yield Report(time_ns=time_ns, source_id=track.name, label=0, at=(latitude, longitude), covariance=cover)


def _csv_rows(path: Path) -> Iterator[tuple[str, Row]]:
    lines = read_text(path, "a CSV or GeoJSON file").splitlines()
    separator = ";" if lines and ";" in lines[0] and "," not in lines[0] else ","
    reader = csv.reader(lines, delimiter=separator)
    names = [_plain(name) for name in next(reader, [])]
    _refuse_header(path, names)
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        where = f"line {reader.line_num}"
        if len(cells) != len(names):
            raise InputError(f"{path}, {where}: {len(cells)} fields; there should be {len(names)}: {','.join(names)}")
        yield where, {name: cell.strip() for name, cell in zip(names, cells, strict=True)}


def _plain(name: str) -> str:
    """A column under the one name it has here."""
    name = name.strip().lower()
    return next((chosen for chosen, known in _ALIASES.items() if name in known), name)


def _refuse_header(path: Path, names: Sequence[str]) -> None:
    missing = [] if {"time", "time_ns"} & set(names) else ["time"]
    missing += [] if "source" in names else ["source"]
    if missing:
        raise InputError(f"{path}, line 1: no column {missing[0]!r}; there are: {', '.join(names) or 'none'}")
    if not any(set(columns) <= set(names) for columns in (_PLACE, _FLAT, _ANGLES)):
        ways = " or ".join(",".join(columns) for columns in (_PLACE, _FLAT, _ANGLES))
        raise InputError(f"{path}, line 1: says neither where nor in which direction; add the columns {ways}")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"{path}, line 1: column {twice[0]!r} is there twice; leave one out")


def _geojson_rows(path: Path) -> Iterator[tuple[str, Row]]:
    try:
        document = json.loads(read_text(path, "a CSV or GeoJSON file"))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}, line {error.lineno}: is no JSON: {error.msg}") from error
    features = document.get("features", [document]) if isinstance(document, dict) else None
    if not isinstance(features, list):
        raise InputError(f"{path}: is no GeoJSON: it needs a list of features")
    for number, feature in enumerate(features, start=1):
        if not isinstance(feature, dict) or not isinstance(feature.get("properties") or {}, dict):
            raise InputError(f"{path}, feature {number}: is no GeoJSON feature with properties")
        yield from _feature_rows(path, f"feature {number}", feature)


def _feature_rows(path: Path, where: str, feature: Mapping[str, Any]) -> Iterator[tuple[str, Row]]:
    """A row for each place of a Point or a LineString; other shapes hold no reports."""
    geometry, given = feature.get("geometry") or {}, feature.get("properties") or {}
    if geometry.get("type") not in {"Point", "LineString"}:
        return
    properties = {_plain(name): _cell(value) for name, value in given.items()}
    if isinstance(given.get("count"), dict):
        count = given["count"]
        properties |= {"count": _cell(count.get("best"))}
        properties |= {f"count_{end}": _cell(count.get(end)) for end in ("low", "high")}
    places = geometry.get("coordinates")
    places = [places] if geometry["type"] == "Point" else places
    times = given.get("times_ns")
    column = "time_ns"
    if times is None:
        column = "time"
        times = given.get("coordTimes") or given.get("times") or [given.get("time_ns") or given.get("time")]
    if not isinstance(places, list) or not isinstance(times, list) or len(times) != len(places) or None in times:
        raise InputError(
            f"{path}, {where}: needs a time for each place: `time` for a Point, `times_ns` for a LineString"
        )
    if given.get("feature") == "track" and "camera_id" in given:
        yield from _watched_rows(path, where, properties, times, given.get("bearings_deg"))
        return
    for number, (place, moment) in enumerate(zip(places, times, strict=True), start=1):
        if not isinstance(place, list) or len(place) < 2:
            raise InputError(f"{path}, {where}, place {number}: {place!r} is no longitude and latitude")
        name = "time_ns" if isinstance(moment, int) and moment > 10**14 else column
        row = {**properties, name: str(moment), "lat": str(place[1]), "lon": str(place[0])}
        yield f"{where}, place {number}", row


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _watched_rows(
    path: Path, where: str, properties: Row, times: Sequence[object], bearings: object
) -> Iterator[tuple[str, Row]]:
    """The directions in which a camera saw what `marsad watch` followed."""
    if not isinstance(bearings, list) or len(bearings) != len(times):
        raise InputError(
            f"{path}, {where}: has no `bearings_deg` for its {len(times)} places, so that it cannot be fused by what "
            "the camera measured; watch the recording again with this version"
        )
    names = (*_ANGLES, "azimuth_elevation_correlation")
    for number, (moment, bearing) in enumerate(zip(times, bearings, strict=True), start=1):
        if bearing is not None:
            if not isinstance(bearing, list) or len(bearing) != len(names):
                raise InputError(f"{path}, {where}, place {number}: bearing {bearing!r} is not five numbers")
            row = {**properties, "time_ns": str(moment), **dict(zip(names, map(str, bearing), strict=True))}
            yield f"{where}, place {number}", row


def _report(row: Row) -> Report:
    """What a row says. Raises _WrongError."""
    source = row.get("source", "")
    if not source:
        raise _WrongError("source", source, "the name of the camera, post or patrol that reports")
    time_ns = _time_ns(row)
    kind = _kind(row)
    at, flat = _pair(row, _PLACE, (90.0, 180.0)), _pair(row, _FLAT, (1e6, 1e6))
    bearing = _bearing(row, time_ns)
    given = [name for name, value in (("lat", at), ("east_m", flat), ("azimuth_deg", bearing)) if value is not None]
    if len(given) > 1:
        raise _WrongError(given[1], row[given[1]], f"empty, for {given[0]} is given too: one of the two")
    return Report(
        time_ns=time_ns,
        source_id=source,
        origin=row.get("origin", ""),
        label=_whole(row, "label"),
        at=at,
        flat=flat,
        covariance=_covariance(row) if at or flat else None,
        bearing=bearing,
        kind=kind,
        kind_confidence=_number(row, "kind_confidence", 0.0, 1.0, 0.0 if kind == "unknown" else _USUAL_CONFIDENCE),
        count=_count(row),
        height=None if bearing is None else _height(row),
    )


def _kind(row: Row) -> Kind:
    given = row.get("kind", "") or "unknown"
    for kind in _KINDS:
        if kind == given:
            return kind
    raise _WrongError("kind", given, f"one of {', '.join(_KINDS)}, or empty")


def _time_ns(row: Row) -> int:
    whole = row.get("time_ns", "")
    if whole:
        if not whole.isdecimal() or len(whole) > 19:
            raise _WrongError("time_ns", whole, "nanoseconds since 1970 UTC, a whole number")
        return int(whole)
    text = row.get("time", "")
    try:
        return parse_time(text, "")
    except InputError as error:
        valid = "UTC with a Z, as 2026-08-08T20:15:00.25Z, or seconds since 1970"
        raise _WrongError("time", text, valid) from error


def _number(row: Row, name: str, low: float, high: float, usual: float | None = None) -> float:
    """The number in a column, `usual` where it is empty. Raises _WrongError."""
    text = row.get(name, "")
    if not text and usual is not None:
        return usual
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        empty = "" if usual is None else ", or empty"
        raise _WrongError(name, text, f"a number from {low:g} to {high:g}{empty}")
    return value


def _whole(row: Row, name: str) -> int | None:
    text = row.get(name, "")
    if not text:
        return None
    if not text.isdecimal() or len(text) > 18:
        raise _WrongError(name, text, "a whole number from 0, or empty")
    return int(text)


def _pair(row: Row, names: tuple[str, str], limits: tuple[float, float]) -> tuple[float, float] | None:
    """Both of two columns, None where both are empty."""
    if not any(row.get(name) for name in names):
        return None
    first, second = (_number(row, name, -limit, limit) for name, limit in zip(names, limits, strict=True))
    return first, second


def _covariance(row: Row) -> GroundCovariance:
    if not any(row.get(name) for name in _SPREAD):
        return _round(_number(row, "sigma_m", 1e-3, 1e5))
    east2, north2 = (_number(row, name, 1e-6, 1e10) for name in (_SPREAD[0], _SPREAD[2]))
    cross = _number(row, _SPREAD[1], -1e10, 1e10)
    if cross * cross >= east2 * north2:
        limit = math.sqrt(east2 * north2)
        raise _WrongError(
            _SPREAD[1], row[_SPREAD[1]], f"nearer to 0 than {limit:g}, the root of {_SPREAD[0]} x {_SPREAD[2]}"
        )
    return GroundCovariance(east_m2=east2, east_north_m2=cross, north_m2=north2)


def _round(sigma_m: float) -> GroundCovariance:
    return GroundCovariance(east_m2=sigma_m**2, east_north_m2=0.0, north_m2=sigma_m**2)


def _bearing(row: Row, time_ns: int) -> BearingMeasurement | None:
    if not any(row.get(name) for name in _ANGLES[:2]):
        return None
    azimuth, elevation = _number(row, _ANGLES[0], -360.0, 360.0), _number(row, _ANGLES[1], -90.0, 90.0)
    across, up = (math.radians(_number(row, name, 1e-5, 10.0)) for name in _ANGLES[2:])
    correlation = _number(row, "azimuth_elevation_correlation", -0.999, 0.999, 0.0)
    return BearingMeasurement(
        time_ns=time_ns,
        azimuth_rad=math.radians(azimuth) % (2 * math.pi),
        elevation_rad=math.radians(elevation),
        azimuth_rad2=across**2,
        azimuth_elevation_rad2=correlation * across * up,
        elevation_rad2=up**2,
        pose_version=0,
    )


def _height(row: Row) -> tuple[float, float] | None:
    if not row.get("height_deg"):
        return None
    tall = _number(row, "height_deg", 1e-5, 180.0)
    return math.radians(tall), math.radians(_number(row, "height_sigma_deg", 0.0, 180.0, _USUAL_TALL * tall))


def _count(row: Row) -> Count | None:
    best, low, high = (_whole(row, name) for name in ("count", "count_low", "count_high"))
    if best is None:
        return None
    low, high = best if low is None else low, best if high is None else high
    if not low <= best <= high:
        raise _WrongError("count", row["count"], f"from count_low {low} to count_high {high}")
    return Count(best=best, low=low, high=high)
