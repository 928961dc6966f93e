"""A walk test on the map: GeoJSON, and a picture of who was found where and who was missed."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse

from marsad.adapters.geojson import CHI_SQUARED_95, error_ellipse
from marsad.adapters.writing import write_refusal
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.position import GroundState
from marsad.report.crossing import Walk
from marsad.report.sighting import LogStory, Sighting
from marsad.report.view import Eye
from marsad.report.walktest import CameraOutcome, CrossingOutcome, Field, Outcome, PlaceRow, Walktest
from marsad.report.walktest_text import clock

Feature = dict[str, object]

STYLES: Final[Mapping[Outcome, tuple[str, str, str]]] = {
    "found": ("#1b7837", "o", "found in time"),
    "late": ("#e08214", "^", "found late"),
    "missed": ("#c51b2a", "X", "missed"),
    "held": ("#5e7fb1", "s", "began on a track already held"),
    "not tried": ("#777777", ".", "not watched"),
}
"""Colour, sign and words of each outcome: the sign tells it where the colour does not."""

_LINE, _TRACK, _EYE = "#7b3294", "#0b6fd6", "#ffb300"
_SIZE_IN = (12.0, 8.0)
_MARGIN_M = 40.0
_STEP_NS = 1_000_000_000


def features(
    result: Walktest, field: Field, walks: Mapping[str, Walk], story: LogStory, frame: EnuFrame
) -> list[Feature]:
    """All that a map shows, longitude and latitude on WGS84."""
    own = {key for each in result.crossings for key in each.tracks}
    return [
        *(_place_feature(row, field, frame) for line in result.lines for row in line.places),
        *(each for crossing in result.crossings for each in _crossing_features(crossing, walks, frame)),
        *(_track_feature(each, frame) for each in story.sightings if _key(each) in own and _located(each).any()),
        *(
            _ellipse_feature(outcome, each, frame)
            for outcome in result.crossings
            for each in outcome.cameras
            if each.covariance is not None
        ),
    ]


def _key(sighting: Sighting) -> tuple[str, int, int]:
    return sighting.camera_id, sighting.run, sighting.track_id


def _located(sighting: Sighting) -> np.ndarray:
    return np.isfinite(sighting.east_m)


def _coordinates(frame: EnuFrame, east: Sequence[float], north: Sequence[float]) -> list[list[float]]:
    latitude, longitude, _ = frame.to_geodetic(east, north, np.zeros(len(east)))
    return [[round(float(x), 7), round(float(y), 7)] for x, y in zip(longitude, latitude, strict=True)]


def _feature(kind: str, coordinates: object, properties: Feature) -> Feature:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }


def _place_feature(row: PlaceRow, field: Field, frame: EnuFrame) -> Feature:
    """A stretch of the line with its counts."""
    path = field.paths[row.line_id]
    inner = path.starts[(path.starts > row.from_m) & (path.starts < row.to_m)]
    places = [path.at(float(along)) for along in (row.from_m, *inner, row.to_m)]
    properties: Feature = {
        "feature": "place",
        "line_id": row.line_id,
        "from_m": row.from_m,
        "to_m": row.to_m,
        "crossings": row.crossings,
        "tried": row.found.of,
        "found": row.found.found,
        "found_low": row.found.low,
        "found_high": row.found.high,
        "alarmed": row.alarmed.found,
        "alarms_tried": row.alarmed.of,
        "in_view": row.in_view,
        "predicted": row.predicted,
        "agreement": row.verdict,
    }
    east, north = zip(*places, strict=True)
    return _feature("LineString", _coordinates(frame, east, north), properties)


def _crossing_features(outcome: CrossingOutcome, walks: Mapping[str, Walk], frame: EnuFrame) -> Iterator[Feature]:
    """The way of a crossing, and where it went over the line."""
    crossing = outcome.crossing
    east, north = way(walks[crossing.walker], crossing.start_ns, crossing.end_ns)
    properties: Feature = {
        "feature": "crossing",
        "line_id": crossing.line_id,
        "walker": crossing.walker,
        "number": crossing.number,
        "direction": crossing.direction,
        "crossed": clock(crossing.crossed_ns),
        "found": outcome.found,
        "alarmed": outcome.alarmed,
        "by_geometry": outcome.sight,
        "reason": outcome.reason,
        "predicted": outcome.predicted,
    }
    if len(east) > 1:
        yield _feature("LineString", _coordinates(frame, east, north), {**properties, "feature": "way"})
    point = _coordinates(frame, [crossing.east_m], [crossing.north_m])[0]
    yield _feature("Point", point, properties)


def way(walk: Walk, start_ns: int, end_ns: int) -> tuple[list[float], list[float]]:
    """The fixes of a walk in a time, a second apart at least."""
    rows = np.flatnonzero((walk.time_ns >= start_ns) & (walk.time_ns <= end_ns))
    kept: list[int] = []
    for row in rows.tolist():
        if not kept or walk.time_ns[row] - walk.time_ns[kept[-1]] >= _STEP_NS:
            kept.append(row)
    return walk.east_m[kept].tolist(), walk.north_m[kept].tolist()


def _track_feature(sighting: Sighting, frame: EnuFrame) -> Feature:
    """The places of a walker's track."""
    rows = _located(sighting)
    places = _coordinates(frame, sighting.east_m[rows].tolist(), sighting.north_m[rows].tolist())
    properties: Feature = {
        "feature": "track",
        "camera_id": sighting.camera_id,
        "track_id": sighting.track_id,
        "kind": sighting.kind,
        "confirmed": clock(sighting.confirmed_ns),
    }
    single = len(places) == 1
    return _feature("Point" if single else "LineString", places[0] if single else places, properties)


def _ellipse_feature(outcome: CrossingOutcome, seen: CameraOutcome, frame: EnuFrame) -> Feature:
    """Where a track was nearest in time to the crossing, with its 95 % ellipse."""
    if seen.covariance is None or seen.east_m is None or seen.north_m is None:
        raise ValueError(seen.camera_id)  # the caller asks for located ones only
    ground = GroundState(
        position=frame.position(seen.east_m, seen.north_m),
        east_m=seen.east_m,
        north_m=seen.north_m,
        covariance=seen.covariance,
        range_m=seen.range_m or 0.0,
    )
    properties: Feature = {
        "feature": "error_ellipse",
        "camera_id": seen.camera_id,
        "walker": outcome.crossing.walker,
        "number": outcome.crossing.number,
        "probability": 0.95,
        "error_m": seen.error_m,
        "inside": seen.inside,
    }
    return _feature("Polygon", [error_ellipse(ground)], properties)


def draw_map(
    path: Path, title: str, result: Walktest, field: Field, walks: Mapping[str, Walk], story: LogStory
) -> None:
    """Write the picture as PNG. Raises: UnavailableError, InputError where it cannot be written."""
    figure = Figure(figsize=_SIZE_IN, dpi=110, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    figure.text(0.05, 0.955, title, fontsize=13, weight="bold")
    close, overview = figure.add_axes((0.05, 0.08, 0.6, 0.84)), figure.add_axes((0.71, 0.08, 0.27, 0.5))
    crossed = [(each.crossing.east_m, each.crossing.north_m) for each in result.crossings]
    stood = [(float(eye.view.origin[0]), float(eye.view.origin[1])) for eye in field.eyes.values()]
    lines = [(float(east), float(north)) for line in field.paths.values() for east, north in line.corners]
    for axes, points in ((close, crossed), (overview, [*crossed, *stood, *lines])):
        for line in field.paths.values():
            axes.plot(*line.corners.T, color=_LINE, linewidth=2.2, zorder=1)
        _draw_tracks(axes, result, story)
        for outcome in result.crossings:
            _draw_crossing(axes, outcome, walks)
        for eye in field.eyes.values():
            _draw_eye(axes, eye)
        _frame(axes, points)
    figure.legend(handles=_legend(result), loc="upper left", bbox_to_anchor=(0.7, 0.93), fontsize=9, frameon=False)
    try:
        canvas.print_figure(path, format="png")
    except OSError as error:
        raise write_refusal(path, error) from error


def _draw_eye(axes: Axes, eye: Eye) -> None:
    place = float(eye.view.origin[0]), float(eye.view.origin[1])
    axes.plot(*place, marker="^", color=_EYE, markeredgecolor="black", markersize=11, zorder=5)
    axes.annotate(eye.camera_id, place, (6, 6), textcoords="offset points", fontsize=9, annotation_clip=True)


def _draw_tracks(axes: Axes, result: Walktest, story: LogStory) -> None:
    own = {key for each in result.crossings for key in each.tracks}
    for each in story.sightings:
        if _key(each) in own:
            axes.plot(each.east_m, each.north_m, ".", color=_TRACK, markersize=2.5, alpha=0.6, zorder=2)


def _draw_crossing(axes: Axes, outcome: CrossingOutcome, walks: Mapping[str, Walk]) -> None:
    """The way in the colour of its outcome, its sign on the line, and the ellipses of its tracks there."""
    colour, sign, _ = STYLES[outcome.found]
    crossing = outcome.crossing
    axes.plot(
        *way(walks[crossing.walker], crossing.start_ns, crossing.end_ns), color=colour, linewidth=0.9, alpha=0.7,
        zorder=3,
    )  # fmt: skip
    axes.plot(
        crossing.east_m, crossing.north_m, sign, color=colour, markersize=8, markeredgecolor="black",
        markeredgewidth=0.5, zorder=6,
    )  # fmt: skip
    for seen in outcome.cameras:
        if seen.covariance is None or seen.east_m is None or seen.north_m is None:
            continue
        c = seen.covariance
        values, vectors = np.linalg.eigh([[c.east_m2, c.east_north_m2], [c.east_north_m2, c.north_m2]])
        wide, high = 2 * np.sqrt(np.maximum(values, 0) * CHI_SQUARED_95)
        turn = math.degrees(math.atan2(vectors[1, 0], vectors[0, 0]))
        place = (seen.east_m, seen.north_m)
        axes.add_patch(Ellipse(place, wide, high, angle=turn, fill=False, edgecolor=_TRACK, linewidth=0.6, alpha=0.5))


def _frame(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """The points, with a margin."""
    low, high = np.min(points, axis=0) - _MARGIN_M, np.max(points, axis=0) + _MARGIN_M
    panel = axes.get_position()
    ratio = panel.width * _SIZE_IN[0] / (panel.height * _SIZE_IN[1])
    across, up = high - low
    more = np.array([max(up * ratio - across, 0.0), max(across / ratio - up, 0.0)]) / 2
    axes.set_xlim(low[0] - more[0], high[0] + more[0])
    axes.set_ylim(low[1] - more[1], high[1] + more[1])
    axes.set_aspect("equal")
    axes.tick_params(labelsize=8)
    axes.set_xlabel("east of the site's origin, m", fontsize=8.5)
    axes.set_ylabel("north, m", fontsize=8.5)


def _legend(result: Walktest) -> list[Line2D]:
    there = [outcome for outcome in STYLES if any(each.found == outcome for each in result.crossings)]
    signs: list[Line2D] = []
    for outcome in there:
        colour, sign, words = STYLES[outcome]
        look: dict[str, Any] = {"color": colour, "marker": sign, "markeredgecolor": "black", "linewidth": 1.0}
        count = sum(each.found == outcome for each in result.crossings)
        signs.append(Line2D([], [], label=f"{words}: {count}", **look))
    return [
        *signs,
        Line2D([], [], color=_TRACK, marker=".", linestyle="", label="track, with its 95 % ellipse at the line"),
        Line2D([], [], color=_LINE, linewidth=2.2, label="line"),
    ]
