"""Fused tracks as files: GeoJSON (RFC 7946) for maps, CSV for tables."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from marsad.adapters.geojson import ellipse_axes, error_ellipse
from marsad.adapters.writing import replace_whole
from marsad.kernel.picture import PictureTrack

Course = list[PictureTrack]
"""One track as it was known from moment to moment, in order of time."""
Feature = dict[str, object]

COLUMNS = (
    "time_ns", "track_id", "status", "kind", "kind_confidence", "existence", "lat", "lon", "east_m", "north_m",
    "east_m2", "east_north_m2", "north_m2", "velocity_east_m_s", "velocity_north_m_s", "count", "sources",
)  # fmt: skip
_ELLIPSE_STEP_NS = 10_000_000_000


def write_geojson(path: Path, courses: Iterable[Course]) -> None:
    """For each track a LineString (a Point where it was known once) and 95 % ellipses, one every ten seconds.

    Raises: UnavailableError, InputError where the file cannot be written.
    """
    features = [feature for course in courses for feature in (_way(course), *_ellipses(course))]
    replace_whole(path, msgspec.json.encode({"type": "FeatureCollection", "features": features}) + b"\n")


def write_csv(path: Path, courses: Iterable[Course]) -> None:
    """A row for each track and moment. Raises: UnavailableError, InputError where the file cannot be written."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_row(track) for course in courses for track in course)
    replace_whole(path, text.getvalue().encode())


def while_seen(course: Course) -> Course:
    """The moments of a course up to which it was seen: what is carried on unseen is a guess."""
    return [track for track in course if track.status == "confirmed"] or course[:1]


def _way(course: Course) -> Feature:
    last, course = course[-1], while_seen(course)
    line = [_coordinates(track) for track in course]
    geometry = (
        {"type": "LineString", "coordinates": line} if len(line) > 1 else {"type": "Point", "coordinates": line[0]}
    )
    properties = {
        "feature": "picture_track",
        "track_id": last.track_id,
        "origin": last.origin,
        "status": last.status,
        "kind": last.kind,
        "kind_confidence": last.kind_confidence,
        "existence": last.existence,
        "first_ns": last.first_ns,
        "seen_ns": last.seen_ns,
        "confirmed_ns": last.confirmed_ns,
        "times_ns": [track.time_ns for track in course],
        "covariances_m2": [_spread(track) for track in course],
        "count": msgspec.to_builtins(last.count),
        "contributors": msgspec.to_builtins(last.contributors),
        "formerly": list(last.formerly),
    }
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _ellipses(course: Course) -> Iterator[Feature]:
    drawn_ns, course = None, while_seen(course)
    for track in course:
        if drawn_ns is None or track.time_ns - drawn_ns >= _ELLIPSE_STEP_NS or track is course[-1]:
            drawn_ns = track.time_ns
            major_m, minor_m, azimuth_rad = ellipse_axes(track.ground.covariance)
            properties = {
                "feature": "error_ellipse",
                "track_id": track.track_id,
                "status": track.status,
                "probability": 0.95,
                "time_ns": track.time_ns,
                "semi_major_m": major_m,
                "semi_minor_m": minor_m,
                "major_azimuth_deg": math.degrees(azimuth_rad),
                "multimodal": track.ground.multimodal,
            }
            geometry = {"type": "Polygon", "coordinates": [error_ellipse(track.ground)]}
            yield {"type": "Feature", "geometry": geometry, "properties": properties}


def _row(track: PictureTrack) -> Sequence[object]:
    ground, count = track.ground, track.count
    return (
        track.time_ns, track.track_id, track.status, track.kind, f"{track.kind_confidence:.3f}",
        f"{track.existence:.3f}", f"{ground.position.latitude_deg:.7f}", f"{ground.position.longitude_deg:.7f}",
        f"{ground.east_m:.2f}", f"{ground.north_m:.2f}", *_spread(track), f"{ground.velocity_east_m_s:.2f}",
        f"{ground.velocity_north_m_s:.2f}", "" if count is None else count.best,
        " ".join(each.source_id for each in track.contributors),
    )  # fmt: skip


def _spread(track: PictureTrack) -> list[float]:
    covariance = track.ground.covariance
    return [float(f"{v:.5g}") for v in (covariance.east_m2, covariance.east_north_m2, covariance.north_m2)]


def _coordinates(track: PictureTrack) -> list[float]:
    position = track.ground.position
    return [round(position.longitude_deg, 8), round(position.latitude_deg, 8)]
