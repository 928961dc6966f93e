"""Located tracks as GeoJSON (RFC 7946): their paths, and what is known of where they are as error ellipses."""

import math
from pathlib import Path

import msgspec
import numpy as np

from marsad.adapters.writing import replace_whole
from marsad.kernel.error import InputError
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.track import Track

Coordinates = list[list[float]]
Feature = dict[str, object]

CHI_SQUARED_95 = 5.991464547107979  # two degrees of freedom: -2 ln 0.05
_CORNERS = 36
_PATH_STEP_NS = 1_000_000_000
_ELLIPSE_STEP_NS = 10_000_000_000
_EQUATOR_M = 6_378_137.0
_ECCENTRICITY_2 = 6.694379990141316e-3


class _Path:
    """What is kept of one track: a point a second, an ellipse every ten, and its newest record."""

    def __init__(self) -> None:
        self.points: list[Track] = []
        self.ellipses: list[Track] = []
        self.newest: Track | None = None

    def add(self, track: Track) -> None:
        if not self.points or track.time_ns - self.points[-1].time_ns >= _PATH_STEP_NS:
            self.points.append(track)
        if not self.ellipses or track.time_ns - self.ellipses[-1].time_ns >= _ELLIPSE_STEP_NS:
            self.ellipses.append(track)
        self.newest = track

    def ended(self) -> tuple[list[Track], list[Track]]:
        """Path and ellipses, both ending with the newest point."""
        last = [] if self.newest is None else [self.newest]
        return _with(self.points, last), _with(self.ellipses, last)


class TrackMap:
    """A `tracks.geojson` being collected; nothing is written before `close`, and nothing without a located track.

    For each track a LineString (a Point where it was seen once) and 95 % ellipses as Polygons; all coordinates are
    longitude, latitude, WGS84. Points are thinned to one a second.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._paths: dict[tuple[str, int], _Path] = {}

    def add(self, track: Track) -> None:
        """Take a track as known at one moment, in order of time; one without a ground position is passed over."""
        if track.ground is not None:
            self._paths.setdefault((track.camera_id, track.track_id), _Path()).add(track)

    def close(self) -> bool:
        """Whether there was anything to write; the file is replaced as a whole."""
        if not self._paths:
            return False
        features = [feature for path in self._paths.values() for feature in _features(*path.ended())]
        replace_whole(self._path, msgspec.json.encode({"type": "FeatureCollection", "features": features}))
        return True


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


def _features(points: list[Track], ellipses: list[Track]) -> list[Feature]:
    return [_path_feature(points), *(_ellipse_feature(track) for track in ellipses)]


def _path_feature(points: list[Track]) -> Feature:
    newest = points[-1]
    line = [_coordinates(track) for track in points]
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
        "times_ns": [track.time_ns for track in points],
        "range_m": None if newest.ground is None else newest.ground.range_m,
        "size": msgspec.to_builtins(newest.size),
        "count": msgspec.to_builtins(newest.count),
    }
    return {"type": "Feature", "geometry": geometry, "properties": properties}


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


def _with(kept: list[Track], last: list[Track]) -> list[Track]:
    return kept if kept[-1:] == last else kept + last
