"""The picture that `marsad fuse` leaves: what was measured, with its ellipses, and the tracks that came of it."""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from marsad.adapters.geojson import CHI_SQUARED_95
from marsad.adapters.picture_files import Course, while_seen
from marsad.adapters.writing import write_refusal
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import Array, EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.measurement import Look
from marsad.kernel.position import BearingMeasurement, GroundCovariance
from marsad.kernel.record import Record
from marsad.kernel.site import Site
from marsad.watch.geolocate import Geolocator

_SIZE_IN = (12.0, 9.0)
_DOTS, _ELLIPSES = 6000, 250
_MARGIN = 0.05
_LABELLED = 10
_LEAST_M = 60.0
_LINE, _EYE = "#7b3294", "#ffb300"
_SOURCES = ("#0b6fd6", "#1b7837", "#e08214", "#8c510a", "#c51b8a", "#5e7fb1", "#777777")
_TRACKS = ("#111111", "#b2182b", "#2166ac", "#4d9221", "#762a83", "#bf812d", "#01665e", "#de77ae")


class Ground(Record, eq=False):
    """Where everything lies: the frame, and, with a site that has terrain, its surface and the cameras that report."""

    frame: EnuFrame
    site: Site | None
    surface: Surface | None
    views: Mapping[str, CameraView]


class _Seen(NamedTuple):
    """What one source measured: places (N, 2) and covariances (N, 2, 2), in the order of time."""

    source_id: str
    place: Array
    spread: Array


def draw_picture(path: Path, looks: Sequence[Look], courses: Sequence[Course], ground: Ground) -> None:
    """Write the picture as PNG. Raises: UnavailableError, InputError where it cannot be written."""
    seen = list(_seen(looks, ground))
    figure = Figure(figsize=_SIZE_IN, dpi=110, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.07, 0.07, 0.68, 0.88))
    for each, colour in zip(seen, itertools.cycle(_SOURCES), strict=False):
        _draw_seen(axes, each, colour)
    for course, colour in zip(courses, itertools.cycle(_TRACKS), strict=False):
        _draw_course(axes, course, colour)
    _draw_site(axes, ground)
    _frame(axes, seen, courses)
    figure.legend(
        handles=_legend(seen, courses), loc="upper left", bbox_to_anchor=(0.76, 0.95), fontsize=8, frameon=False
    )
    try:
        canvas.print_figure(path, format="png")
    except OSError as error:
        raise write_refusal(path, error) from error


def _seen(looks: Sequence[Look], ground: Ground) -> Iterator[_Seen]:
    """What each source measured, on the ground; bearings where they meet it."""
    finders = (
        {}
        if ground.site is None
        else {name: Geolocator(view, ground.site.terrain) for name, view in ground.views.items()}
    )
    for source_id in sorted({look.source_id for look in looks}):
        measured = [m for look in looks if look.source_id == source_id for m in look.measurements]
        step = max(1, math.ceil(len(measured) / _DOTS))
        places, spreads = [], []
        for each in measured[::step]:
            found = None if each.bearing is None else _met(finders[source_id], each.bearing)
            if each.fix is not None:
                found = each.fix.east_m, each.fix.north_m, each.fix.covariance
            if found is not None:
                places.append(found[:2])
                c = found[2]
                spreads.append([[c.east_m2, c.east_north_m2], [c.east_north_m2, c.north_m2]])
        yield _Seen(source_id, np.array(places).reshape(-1, 2), np.array(spreads).reshape(-1, 2, 2))


def _met(finder: Geolocator, bearing: BearingMeasurement) -> tuple[float, float, GroundCovariance] | None:
    """Where a direction meets the ground, the pose's errors in the covariance; None where it meets the sky."""
    view = finder.view
    x, y = view.pixel_of(bearing.azimuth_rad, bearing.elevation_rad)
    across, up = math.sqrt(bearing.azimuth_rad2), math.sqrt(bearing.elevation_rad2)
    sigma = view.optics.focal_x_px * across, view.optics.focal_y_px * up
    found = finder.locate((float(x), float(y)), sigma, (0.0, 0.0))
    return None if found is None else (found.east_m, found.north_m, found.covariance)


def _draw_seen(axes: Axes, seen: _Seen, colour: str) -> None:
    axes.plot(*seen.place.T, ".", color=colour, markersize=2, alpha=0.5, zorder=2)
    _ellipses(axes, seen.place, seen.spread, colour, 0.25)


def _ellipses(axes: Axes, place: Array, spread: Array, colour: str, alpha: float) -> None:
    """The 95 % ellipses of some of the places."""
    chosen = np.arange(0, len(place), max(1, math.ceil(len(place) / _ELLIPSES)))
    if not len(chosen):
        return
    values, vectors = np.linalg.eigh(spread[chosen])
    size = 2 * np.sqrt(np.maximum(values, 0) * CHI_SQUARED_95)
    turn = np.degrees(np.arctan2(vectors[:, 1, 0], vectors[:, 0, 0]))
    axes.add_collection(
        EllipseCollection(
            size[:, 0],
            size[:, 1],
            turn,
            units="xy",
            offsets=place[chosen],
            offset_transform=axes.transData,
            facecolors="none",
            edgecolors=colour,
            linewidths=0.6,
            alpha=alpha,
        )
    )


def _draw_course(axes: Axes, course: Course, colour: str) -> None:
    """The way of a track while it was seen, its last place and its ellipses now and then."""
    place, spread = _of(course)
    axes.plot(*place.T, color=colour, linewidth=1.6, zorder=4)
    axes.plot(*place[-1], "o", color=colour, markersize=5, markeredgecolor="white", zorder=5)
    _ellipses(axes, place[::10], spread[::10], colour, 0.9)
    if len(place) >= _LABELLED:
        name = course[-1].track_id
        axes.annotate(name, place[-1], (5, 4), textcoords="offset points", fontsize=7, color=colour, zorder=6)


def _of(course: Course) -> tuple[Array, Array]:
    """The places (N, 2) and covariances (N, 2, 2) of a track, as far as it was seen."""
    seen = while_seen(course)
    place = np.array([(track.ground.east_m, track.ground.north_m) for track in seen])
    covariances = [track.ground.covariance for track in seen]
    spread = np.array([[[c.east_m2, c.east_north_m2], [c.east_north_m2, c.north_m2]] for c in covariances])
    return place, spread


def _draw_site(axes: Axes, ground: Ground) -> None:
    """The lines of the site and the cameras that report."""
    for line in () if ground.site is None else ground.site.lines:
        points = [ground.frame.point(point) for point in line.points]
        axes.plot([p.east_m for p in points], [p.north_m for p in points], color=_LINE, linewidth=2, zorder=1)
    for name, view in ground.views.items():
        place = float(view.origin[0]), float(view.origin[1])
        axes.plot(*place, marker="^", color=_EYE, markeredgecolor="black", markersize=11, zorder=7)
        axes.annotate(name, place, (7, 6), textcoords="offset points", fontsize=9, zorder=7, annotation_clip=True)


def _frame(axes: Axes, seen: Sequence[_Seen], courses: Sequence[Course]) -> None:
    """Around the tracks, or around what was measured where there is none."""
    places = [_of(course)[0] for course in courses] or [each.place for each in seen if len(each.place)]
    if places:
        every = np.concatenate(places)
        low, high = every.min(axis=0), every.max(axis=0)
        panel = axes.get_position()
        ratio = panel.width * _SIZE_IN[0] / (panel.height * _SIZE_IN[1])
        half_m = max((high[0] - low[0]) / ratio, high[1] - low[1], _LEAST_M) * (0.5 + _MARGIN)
        east, north = (low + high) / 2
        axes.set_xlim(east - half_m * ratio, east + half_m * ratio)
        axes.set_ylim(north - half_m, north + half_m)
    axes.set_aspect("equal")
    axes.grid(visible=True, linewidth=0.3, alpha=0.6)
    axes.tick_params(labelsize=8)
    axes.set_xlabel("east of the origin, m", fontsize=9)
    axes.set_ylabel("north, m", fontsize=9)


def _legend(seen: Sequence[_Seen], courses: Sequence[Course]) -> list[Line2D]:
    sources = [
        Line2D([], [], color=colour, marker=".", linestyle="", label=f"{each.source_id}: measured, 95 % ellipses")
        for each, colour in zip(seen, itertools.cycle(_SOURCES), strict=False)
    ]
    tracks = [Line2D([], [], color=_TRACKS[0], linewidth=1.6, label=f"{len(courses)} tracks while seen, 95 % ellipses")]
    eyes = [Line2D([], [], color=_EYE, marker="^", markeredgecolor="black", linestyle="", label="camera")]
    return [*sources, *tracks, *eyes]
