"""Located tracks as GeoJSON (RFC 7946): their paths, and what is known of where they are as error ellipses."""

import contextlib
import math
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np

from marsad.adapters.writing import PieceFile
from marsad.kernel.error import InputError, MarsadError
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.track import Track

Coordinates = list[list[float]]
Feature = dict[str, object]
Bearing = list[float] | None
"""Azimuth, elevation, one sigma of each, all in degrees, and their correlation."""

CHI_SQUARED_95 = 5.991464547107979  # two degrees of freedom: -2 ln 0.05
_CORNERS = 36
_PATH_STEP_NS = 1_000_000_000
_ELLIPSE_STEP_NS = 10_000_000_000
_FLUSH_STEP_NS = 10_000_000_000
_QUIET_NS = 60_000_000_000
_LONGEST = 600
_EQUATOR_M = 6_378_137.0
_ECCENTRICITY_2 = 6.694379990141316e-3
_START, _BETWEEN, _END = b'{"type":"FeatureCollection","features":[\n', b",\n", b"\n]}\n"


class _Path:
    """What is kept of one track: a point a second, when it last had an ellipse, and its newest record."""

    def __init__(self, track: Track) -> None:
        self.newest = track
        self.ellipse_ns: int | None = None
        self._line = [_coordinates(track)]
        self._times_ns = [track.time_ns]
        self._bearings = [_bearing_deg(track)]

    def add(self, track: Track) -> None:
        self.newest = track
        # Whole seconds and not a second each: what a camera saw of several at one moment stays together.
        if track.time_ns // _PATH_STEP_NS > self._times_ns[-1] // _PATH_STEP_NS:
            self._line.append(_coordinates(track))
            self._times_ns.append(track.time_ns)
            self._bearings.append(_bearing_deg(track))

    @property
    def long(self) -> bool:
        return len(self._line) >= _LONGEST

    def feature(self) -> bytes:
        """The path so far, ending with the newest point."""
        line, times_ns, bearings = self._line, self._times_ns, self._bearings
        if times_ns[-1] != self.newest.time_ns:
            line, times_ns = [*line, _coordinates(self.newest)], [*times_ns, self.newest.time_ns]
            bearings = [*bearings, _bearing_deg(self.newest)]
        return msgspec.json.encode(_path_feature(self.newest, line, times_ns, bearings))

    def ellipse(self) -> bytes:
        self.ellipse_ns = self.newest.time_ns
        return msgspec.json.encode(_ellipse_feature(self.newest))

    def go_on(self) -> None:
        """Begin another line where this one ends."""
        self._line, self._times_ns = [_coordinates(self.newest)], [self.newest.time_ns]
        self._bearings = [_bearing_deg(self.newest)]


class TrackMap:
    """A `tracks.geojson` being written; no file without a located track.

    For each track a LineString (a Point where it was seen once) and 95 % ellipses as Polygons; all coordinates are
    longitude, latitude, WGS84. `times_ns` and `bearings_deg` go with a path's points. Points are thinned to one a
    second, ellipses to one every ten. A path of more than ten minutes, or with a minute's absence in it, is several
    lines with the same track_id.

    Every ten seconds the file is whole again and holds all so far; what is finished is not kept in memory.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: PieceFile | None = None
        self._paths: dict[tuple[str, int], _Path] = {}
        self._finished: list[bytes] = []
        self._written = 0
        """How much of the file is never written again: the finished features, without the brackets' end."""
        self._flushed_ns: int | None = None
        self._changed = False

    def update(self, tracks: Iterable[Track], time_ns: int) -> None:
        """Take the tracks as known at one moment, in order of time; those without a ground position are passed over.

        Raises: UnavailableError, InputError where the file cannot be written; what was taken is tried again with the
        next.
        """
        for key in [key for key, path in self._paths.items() if time_ns - path.newest.time_ns > _QUIET_NS]:
            self._finish(self._paths.pop(key))
        for track in tracks:
            if track.ground is not None:
                self._add(track)
        if self._flushed_ns is None:
            self._flushed_ns = time_ns
        # A clock set back does not hold the file back.
        if self._changed and not 0 <= time_ns - self._flushed_ns < _FLUSH_STEP_NS:
            self._flushed_ns = time_ns
            self._flush()

    def close(self) -> bool:
        """Whether there was anything to write. Raises: as `update` does."""
        for path in self._paths.values():
            self._finish(path)
        self._paths.clear()
        try:
            if self._changed:
                self._flush()
        finally:
            if self._file is not None:
                self._file.close()
        return self._file is not None

    def _add(self, track: Track) -> None:
        key = track.camera_id, track.track_id
        path = self._paths.get(key)
        if path is None:
            path = self._paths[key] = _Path(track)
        else:
            path.add(track)
        if path.ellipse_ns is None or track.time_ns - path.ellipse_ns >= _ELLIPSE_STEP_NS:
            self._finished.append(path.ellipse())
        if path.long:
            self._finished.append(path.feature())
            path.go_on()
        self._changed = True

    def _finish(self, path: _Path) -> None:
        if path.ellipse_ns != path.newest.time_ns:
            self._finished.append(path.ellipse())
        self._finished.append(path.feature())
        self._changed = True

    def _flush(self) -> None:
        """Put the finished features behind those before, then the unfinished ones and the closing brackets."""
        if self._file is None:
            self._file = PieceFile(self._path)
        begun = self._file.length > 0
        finished = _BETWEEN.join(self._finished)
        if finished:
            finished = (_BETWEEN if self._written > len(_START) else b"") + finished
        if not self._written:
            finished = _START + finished
        open_ends = _BETWEEN.join(path.feature() for path in self._paths.values())
        if open_ends and self._written + len(finished) > len(_START):
            open_ends = _BETWEEN + open_ends
        try:
            self._file.put(finished + open_ends + _END, after=self._written)
        except MarsadError:
            # Where it was cut off there is room for the end: nothing new then, but whole.
            with contextlib.suppress(MarsadError):
                if begun and self._file.length == self._written:
                    self._file.put((b"" if self._written else _START) + _END, after=self._written)
            raise
        self._written += len(finished)
        self._finished.clear()
        self._changed = False


def error_ellipse(ground: GroundState) -> Coordinates:
    """The closed 95 % ellipse around a ground position, counter-clockwise, as longitude and latitude."""
    major_m, minor_m, azimuth_rad = ellipse_axes(ground.covariance)
    along = (math.sin(azimuth_rad), math.cos(azimuth_rad))
    ring = []
    for corner in range(_CORNERS + 1):
        angle = 2 * math.pi * (corner % _CORNERS) / _CORNERS
        ahead, left = major_m * math.cos(angle), minor_m * math.sin(angle)
        east_m, north_m = ahead * along[0] - left * along[1], ahead * along[1] + left * along[0]
        ring.append(_moved(ground.position, east_m, north_m))
    return ring


def ellipse_axes(covariance: GroundCovariance) -> tuple[float, float, float]:
    """The 95 % ellipse of a covariance: semi-major and semi-minor axis in metres, azimuth of the major one."""
    matrix = np.array([[covariance.east_m2, covariance.east_north_m2], [covariance.east_north_m2, covariance.north_m2]])
    values, vectors = np.linalg.eigh(matrix)
    minor_m, major_m = np.sqrt(CHI_SQUARED_95 * np.maximum(values, 0.0))
    azimuth_rad = math.atan2(vectors[0, 1], vectors[1, 1]) % math.pi
    return float(major_m), float(minor_m), azimuth_rad


def _path_feature(newest: Track, line: Coordinates, times_ns: list[int], bearings: list[Bearing]) -> Feature:
    geometry = (
        {"type": "LineString", "coordinates": line} if len(line) > 1 else {"type": "Point", "coordinates": line[0]}
    )
    properties = {
        "feature": "track",
        **_identity(newest),
        "status": newest.status,
        "kind_confidence": newest.kind_confidence,
        "first_ns": newest.first_ns,
        "confirmed_ns": newest.confirmed_ns,
        "last_ns": newest.time_ns,
        "times_ns": times_ns,
        "bearings_deg": bearings,
        "range_m": None if newest.ground is None else newest.ground.range_m,
        "size": msgspec.to_builtins(newest.size),
        "count": msgspec.to_builtins(newest.count),
    }
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _bearing_deg(track: Track) -> Bearing:
    """The direction measured at this moment; None where the track was carried on unseen."""
    bearing = track.bearing
    if bearing is None or bearing.time_ns != track.time_ns or track.status == "coasting":
        return None
    across, up = math.sqrt(bearing.azimuth_rad2), math.sqrt(bearing.elevation_rad2)
    angles = (bearing.azimuth_rad, bearing.elevation_rad, across, up)
    return [*(round(math.degrees(a), 6) for a in angles), round(bearing.azimuth_elevation_rad2 / (across * up), 3)]


def _ellipse_feature(track: Track) -> Feature:
    ground = _ground(track)
    major_m, minor_m, azimuth_rad = ellipse_axes(ground.covariance)
    properties = {
        "feature": "error_ellipse",
        **_identity(track),
        "probability": 0.95,
        "time_ns": track.time_ns,
        "semi_major_m": major_m,
        "semi_minor_m": minor_m,
        "major_azimuth_deg": math.degrees(azimuth_rad),
        "multimodal": ground.multimodal,
    }
    geometry = {"type": "Polygon", "coordinates": [error_ellipse(ground)]}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _identity(track: Track) -> Feature:
    return {
        "track_id": track.track_id,
        "camera_id": track.camera_id,
        "origin": track.origin,
        "kind": track.kind,
        "group_id": track.group_id,
    }


def _ground(track: Track) -> GroundState:
    if track.ground is None:
        raise InputError(f"track {track.track_id}: has no ground position")
    return track.ground


def _coordinates(track: Track) -> list[float]:
    position = _ground(track).position
    return [position.longitude_deg, position.latitude_deg]


def _moved(position: Position, east_m: float, north_m: float) -> list[float]:
    """Longitude and latitude a short way off; by WGS84's radii of curvature there."""
    latitude_rad = math.radians(position.latitude_deg)
    flattened = 1 - _ECCENTRICITY_2 * math.sin(latitude_rad) ** 2
    across_m = _EQUATOR_M / math.sqrt(flattened)
    along_m = across_m * (1 - _ECCENTRICITY_2) / flattened
    longitude = position.longitude_deg + math.degrees(east_m / (across_m * math.cos(latitude_rad)))
    return [longitude, position.latitude_deg + math.degrees(north_m / along_m)]
