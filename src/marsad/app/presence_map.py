"""Presence on the map: GeoJSON, and a picture of what nobody looks at and where the lost could be."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from marsad.adapters.writing import write_refusal
from marsad.fuse.coverage import NEVER_NS
from marsad.fuse.presence import Presence, Unobserved
from marsad.fuse.whereabouts import densest
from marsad.geo.geodesy import Array, EnuFrame
from marsad.geo.outline import outlines
from marsad.kernel.lattice import Lattice
from marsad.kernel.presence import AreaReport, AreaState, OpenReason, OpenStretch, Outline, Whereabouts

Feature = dict[str, object]

REASONS: Final[Mapping[OpenReason, tuple[str, str]]] = {
    "camera_down": ("#c51b2a", "a camera is down"),
    "weather": ("#7b3294", "weather"),
    "too_far": ("#e08214", "too far for a sure look"),
    "dead_ground": ("#000000", "dead ground"),
    "out_of_field": ("#1f78b4", "beside the picture"),
    "out_of_reach": ("#b15928", "beyond reach"),
    "unknown_ground": ("#777777", "ground not known"),
}
"""Colour and words of each reason why a stretch is open."""

_AREA_STYLE: Final[Mapping[AreaState, str]] = {"unsearched": ":", "searched": "--", "held": "-"}
_WATCHED, _NEVER, _CLOSED = "#ffffff", "#8a8a8a", "#1b7837"
_OLD = LinearSegmentedColormap.from_list("old", ["#e8f1e4", "#c9d8c0", "#a9b7a4"])
_LOST = LinearSegmentedColormap.from_list(
    "lost", [(1.0, 0.85, 0.2, 0.0), (1.0, 0.6, 0.1, 0.75), (0.8, 0.05, 0.1, 0.95)]
)
_MARK = "#7a0010"
_NAMED = 4
_SIZE_IN = (13.0, 8.5)


def features(
    presence: Presence, stretches: Sequence[OpenStretch], where: Sequence[Whereabouts], unobserved: Unobserved
) -> list[Feature]:
    """All that a map shows, longitude and latitude on WGS84."""
    frame = presence.frame
    found = [_polygons(frame, unobserved.outlines, {"feature": "unobserved", "never_km2": unobserved.never_km2})]
    found += [each for stretch in stretches for each in _stretch_features(presence, stretch)]
    for each in where:
        found += _lost_features(frame, each)
    found += [_area_feature(presence, report) for report in presence.areas()]
    return found


def _lonlat(frame: EnuFrame, points: Array) -> list[list[float]]:
    latitude, longitude, _ = frame.to_geodetic(points[:, 0], points[:, 1], np.zeros(len(points)))
    return [[round(float(x), 7), round(float(y), 7)] for x, y in zip(longitude, latitude, strict=True)]


def _feature(kind: str, coordinates: object, properties: Feature) -> Feature:
    return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, "properties": properties}


def _polygons(frame: EnuFrame, drawn: Sequence[Outline], properties: Feature) -> Feature:
    coordinates = [[_lonlat(frame, np.array([*ring, ring[0]])) for ring in outline] for outline in drawn]
    return _feature("MultiPolygon", coordinates, properties)


def _stretch_features(presence: Presence, stretch: OpenStretch) -> Iterator[Feature]:
    path = presence.paths[stretch.line_id]
    for part in stretch.parts:
        properties: Feature = {
            "feature": "open",
            "line_id": stretch.line_id,
            "from_m": part.from_m,
            "to_m": part.to_m,
            "stretch_m": stretch.length_m,
            "reason": part.reason,
            "remedy": part.remedy,
            "camera_id": part.camera_id,
            "trouble": part.trouble,
            "since_ns": part.since_ns,
            "turn_deg": part.turn_deg,
            "unseen_s": part.unseen_s,
        }
        yield _feature("LineString", _lonlat(presence.frame, along(path, part.from_m, part.to_m)), properties)


def along(path: Array, from_m: float, to_m: float) -> Array:
    """The part of a line, corners (K, 2), between two distances along it."""
    starts = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    at = np.concatenate([[from_m], starts[(starts > from_m) & (starts < to_m)], [to_m]])
    return np.stack([np.interp(at, starts, path[:, 0]), np.interp(at, starts, path[:, 1])], axis=1)


def _lost_features(frame: EnuFrame, where: Whereabouts) -> Iterator[Feature]:
    lost = {"lost": where.lost.id, "kind": where.lost.kind, "lost_ns": where.lost.time_ns}
    for share, drawn in ((0.5, where.outlines_50), (0.9, where.outlines_90)):
        yield _polygons(frame, drawn, {"feature": "whereabouts", "probability": share, **lost})
    for view in where.next_views:
        place = _lonlat(frame, np.array([[view.east_m, view.north_m]]))[0]
        facts = {"probability": view.probability, "soonest_s": view.soonest_s, "median_s": view.median_s}
        yield _feature("Point", place, {"feature": "next_view", **facts, **lost})


def _area_feature(presence: Presence, report: AreaReport) -> Feature:
    corners = presence.book.areas[report.area_id].corners
    properties: Feature = {
        "feature": "area",
        "area_id": report.area_id,
        "state": report.state,
        "since_ns": report.since_ns,
        "by": report.by,
        "clear": report.clear,
        "remaining_km2": report.remaining_km2,
        "merit": report.merit,
    }
    return _feature("Polygon", [_lonlat(presence.frame, np.concatenate([corners, corners[:1]]))], properties)


def draw_map(
    path: Path, title: str, presence: Presence, stretches: Sequence[OpenStretch], where: Sequence[Whereabouts]
) -> None:
    """Write the picture as PNG. Raises: UnavailableError, InputError where it cannot be written."""
    figure = Figure(figsize=_SIZE_IN, dpi=110, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    figure.text(0.05, 0.955, title, fontsize=13, weight="bold")
    axes = figure.add_axes((0.06, 0.08, 0.66, 0.84))
    _draw_ground(axes, presence)
    shades = _draw_lost(axes, presence, where)
    _draw_areas(axes, presence)
    _draw_lines(axes, presence, stretches)
    _draw_cameras(axes, presence)
    _frame(axes, presence.lattice)
    if shades is not None:
        bar = figure.add_axes((0.77, 0.1, 0.18, 0.018))
        figure.colorbar(shades, cax=bar, orientation="horizontal").set_label("lost, expected per km2", fontsize=8.5)
        bar.tick_params(labelsize=8)
    figure.legend(
        handles=_legend(presence, stretches, where), loc="upper left", bbox_to_anchor=(0.735, 0.93), fontsize=9,
        frameon=False,
    )  # fmt: skip
    try:
        canvas.print_figure(path, format="png")
    except OSError as error:
        raise write_refusal(path, error) from error


def _extent(lattice: Lattice) -> tuple[float, float, float, float]:
    east, south = lattice.west_m + lattice.columns * lattice.cell_m, lattice.north_m - lattice.rows * lattice.cell_m
    return lattice.west_m, east, south, lattice.north_m


def _draw_ground(axes: Axes, presence: Presence) -> None:
    """White where somebody looks now, green paling to grey with the time since, dark grey for never."""
    last_ns = presence.last_observed_ns()
    now_ns = presence.time_ns or 0
    ago_s = np.where(last_ns == NEVER_NS, np.nan, (now_ns - np.where(last_ns == NEVER_NS, now_ns, last_ns)) / 1e9)
    extent = _extent(presence.lattice)
    axes.set_facecolor(_NEVER)
    axes.imshow(np.ma.masked_invalid(ago_s), extent=extent, cmap=_OLD, vmin=0, vmax=3600, interpolation="nearest")
    watched = np.ma.masked_where(~presence.coverage.observed(now_ns), np.ones(presence.lattice.shape))
    axes.imshow(watched, extent=extent, cmap=ListedColormap([_WATCHED]), interpolation="nearest")
    if presence.hidden.any():
        east, north = presence.lattice.centres()
        axes.contourf(
            east, north, presence.hidden.astype(float), levels=[0.5, 1.5], colors="none", hatches=["xxxx"], zorder=3
        )


def _draw_lost(axes: Axes, presence: Presence, where: Sequence[Whereabouts]) -> ScalarMappable | None:
    """How many of those who are lost are expected where, and the regions that hold half and nine tenths of them all."""
    total = np.where(presence.hidden, np.nan, 0.0)
    for each in where:
        total = total + each.density_km2
    highest = float(np.nanmax(total, initial=0.0))
    if highest <= 0:
        return None
    norm = LogNorm(vmin=highest / 300, vmax=highest)
    shown = np.ma.masked_where(~(total > highest / 300), total)
    shades = axes.imshow(
        shown, extent=_extent(presence.lattice), cmap=_LOST, norm=norm, interpolation="nearest", zorder=4
    )
    for share, style in ((0.9, "--"), (0.5, "-")):
        for ring in (
            ring for outline in outlines(presence.lattice, densest(np.nan_to_num(total), share)) for ring in outline
        ):
            axes.plot(*np.array([*ring, ring[0]]).T, style, color=_MARK, linewidth=1.0, zorder=5)
    for each in where:
        axes.plot(each.lost.east_m, each.lost.north_m, "x", color=_MARK, markersize=9, markeredgewidth=2, zorder=7)
        if len(where) <= _NAMED:
            place = each.lost.east_m, each.lost.north_m
            axes.annotate(each.lost.id, place, (6, 6), textcoords="offset points", fontsize=8.5, color=_MARK, zorder=8)
        for view in each.next_views:
            axes.plot(view.east_m, view.north_m, "*", color="#fff200", markeredgecolor="black", markersize=12, zorder=8)
    return shades


def _draw_areas(axes: Axes, presence: Presence) -> None:
    for area in presence.book.areas.values():
        closed = np.concatenate([area.corners, area.corners[:1]])
        axes.plot(*closed.T, _AREA_STYLE[area.state], color="#00441b", linewidth=1.4, zorder=6)
        middle = area.corners.mean(axis=0)
        axes.annotate(f"{area.area_id}\n{area.state}", middle, fontsize=7.5, ha="center", color="#00441b", zorder=8)


def _draw_lines(axes: Axes, presence: Presence, stretches: Sequence[OpenStretch]) -> None:
    for path in presence.paths.values():
        axes.plot(*path.T, color=_CLOSED, linewidth=2.0, zorder=6)
    for stretch in stretches:
        for part in stretch.parts:
            piece = along(presence.paths[stretch.line_id], part.from_m, part.to_m)
            axes.plot(*piece.T, color=REASONS[part.reason][0], linewidth=4.5, solid_capstyle="butt", zorder=7)


def _draw_cameras(axes: Axes, presence: Presence) -> None:
    for name, eye in presence.coverage.eyes.items():
        place = float(eye.view.origin[0]), float(eye.view.origin[1])
        sound = presence.coverage.trouble(name) is None
        axes.plot(
            *place, "^", color="#ffb300" if sound else "#c51b2a", markeredgecolor="black", markersize=11, zorder=9
        )
        axes.annotate(name, place, (7, -3), textcoords="offset points", fontsize=9, zorder=9)
    for name, patrol in presence.coverage.patrols.items():
        place = float(patrol.place[0]), float(patrol.place[1])
        axes.plot(*place, "o", color="#0b6fd6", markeredgecolor="black", markersize=7, zorder=9)
        axes.annotate(name, place, (6, 4), textcoords="offset points", fontsize=8.5, zorder=9)


def _frame(axes: Axes, lattice: Lattice) -> None:
    west, east, south, north = _extent(lattice)
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_aspect("equal")
    axes.tick_params(labelsize=8)
    axes.set_xlabel("east of the site's origin, m", fontsize=8.5)
    axes.set_ylabel("north, m", fontsize=8.5)


def _legend(presence: Presence, stretches: Sequence[OpenStretch], where: Sequence[Whereabouts]) -> list[Line2D | Patch]:
    """What occurs on the map."""
    reasons = {part.reason for stretch in stretches for part in stretch.parts}
    lengths = {
        reason: sum(part.to_m - part.from_m for each in stretches for part in each.parts if part.reason == reason)
        for reason in reasons
    }
    signs: list[Line2D | Patch] = [
        Patch(facecolor=_WATCHED, edgecolor="black", label="somebody looks now"),
        Patch(facecolor=_OLD(0.0), label="observed a moment ago"),
        Patch(facecolor=_OLD(1.0), label="an hour ago or more"),
        Patch(facecolor=_NEVER, label="never observed"),
    ]
    if presence.hidden.any():
        signs.append(Patch(facecolor="none", edgecolor="black", hatch="xxxx", label="inhabited: nothing is shown"))
    if presence.paths:
        signs.append(Line2D([], [], color=_CLOSED, linewidth=2, label="line, looked at"))
    signs += [
        Line2D([], [], color=colour, linewidth=4.5, label=f"open: {words}, {lengths[reason]:.0f} m")
        for reason, (colour, words) in REASONS.items()
        if reason in reasons
    ]
    if where:
        signs += [
            Line2D([], [], color=_MARK, marker="x", linestyle="", markeredgewidth=2, label="lost here"),
            Line2D([], [], color=_MARK, label="half of those lost"),
            Line2D([], [], color=_MARK, linestyle="--", label="nine tenths of them"),
        ]
    if any(each.next_views for each in where):
        signs.append(
            Line2D(
                [],
                [],
                color="#fff200",
                marker="*",
                markeredgecolor="black",
                markersize=12,
                linestyle="",
                label="comes into view next",
            )
        )
    signs += [
        Line2D([], [], color="#ffb300", marker="^", markeredgecolor="black", linestyle="", label="camera, sound"),
        Line2D([], [], color="#c51b2a", marker="^", markeredgecolor="black", linestyle="", label="camera, down"),
    ]
    if presence.coverage.patrols:
        signs.append(Line2D([], [], color="#0b6fd6", marker="o", markeredgecolor="black", linestyle="", label="patrol"))
    return signs
