"""The picture that `marsad demo` leaves: what the cameras saw, and the ground with tracks and truth."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LightSource
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, Ellipse, Polygon, Rectangle

from marsad.adapters.annotate import clock_text
from marsad.app.demo_camera import Still
from marsad.geo.elevation import Surface
from marsad.geo.ground import CameraView, GroundHit
from marsad.kernel.alert import Alert
from marsad.kernel.error import UnavailableError
from marsad.kernel.position import GroundState
from marsad.kernel.record import Record
from marsad.kernel.site import Site
from marsad.kernel.track import Track
from marsad.simulate.terrain import ILLUSTRATIVE
from marsad.simulate.truth import ActorTruth

CHI2_95 = -2 * math.log(0.05)
"""The 95 % point of chi-square with two degrees of freedom."""

_WEDGE_M = 1300.0
_ELLIPSE_EVERY_NS = 6_000_000_000
_TRACK, _LINE, _ALARM, _EYE, _OTHER = "#0b6fd6", "#c2185b", "#d50000", "#ffb300", "#29b6f6"
_DRAWN = {"person": "#111111", "vehicle": "#6a1b9a", "sheep": "#2e7d32", "dog": "#2e7d32"}
"""Whose ways are drawn, and how."""
_MARGIN_M = 14.0
_ABOVE: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "bottom"}
_SIZE_IN = (12.0, 9.4)


class Story(Record, eq=False):
    """What the map shows.

    `paths` hold each actor's true way and `tracks` each track's, a point a second; `views` are the cameras of all sites
    in their order, `towns` middles (east, north) and radii in metres.
    """

    title: str
    sites: tuple[Site, ...]
    surface: Surface
    views: list[CameraView]
    paths: list[list[ActorTruth]]
    tracks: list[list[Track]]
    alerts: list[Alert]
    stills: list[Still]
    towns: list[tuple[float, float, float]]


def draw_map(path: Path, story: Story) -> None:
    """Write the picture as PNG. Raises: UnavailableError where it cannot be written."""
    figure = Figure(figsize=_SIZE_IN, dpi=100, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    figure.text(0.02, 0.972, story.title, fontsize=11.5, weight="bold")
    figure.text(
        0.02, 0.947, f"{ILLUSTRATIVE}. Simulated pictures, watched as real ones are.", fontsize=10, color=_ALARM
    )
    wide = (1 - 0.04) / max(len(story.stills), 1)
    for index, still in enumerate(story.stills):
        _draw_still(figure.add_axes((0.02 + index * wide, 0.625, wide - 0.01, 0.285)), still)
    _draw_overview(figure.add_axes((0.06, 0.055, 0.42, 0.53)), story)
    _draw_close(figure.add_axes((0.545, 0.055, 0.44, 0.53)), story)
    canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib says no types here
    pixels = canvas.buffer_rgba()  # type: ignore[no-untyped-call]  # nor here
    colours = np.asarray(pixels)[:, :, 2::-1].astype(np.uint16)
    # Five bits a colour: the noise of the thermal picture fills a file that is to be sent and shown.
    fewer = np.minimum((colours + 4) // 8 * 8, 255).astype(np.uint8)
    if not cv2.imwrite(str(path), fewer, (cv2.IMWRITE_PNG_COMPRESSION, 9)):
        raise UnavailableError(f"{path}: cannot be written; free space or rights")


def _ratio(axes: Axes) -> float:
    """Width to height of a panel."""
    panel = axes.get_position()
    return float(panel.width * _SIZE_IN[0] / (panel.height * _SIZE_IN[1]))


def _draw_still(axes: Axes, still: Still) -> None:
    """A thermal picture, tracks boxed, those that raised an alarm in red."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.imshow(still.counts, cmap="gray", vmin=0, vmax=255, interpolation="bilinear")
    for track in still.tracks:
        box, colour = track.box, "#ff5252" if track.track_id in still.alarmed else "#40c4ff"
        axes.add_patch(
            Rectangle(
                (box.x_px - 3, box.y_px - 3), box.w_px + 6, box.h_px + 6, fill=False, edgecolor=colour, linewidth=1
            )
        )
        axes.text(box.x_px + box.w_px / 2, box.y_px - 8, track.kind, color=colour, fontsize=6, **_ABOVE)
    when = "its first alarm" if still.alarmed else "its first track" if still.tracks else "the start"
    axes.set_title(f"{still.camera_id} at {when}, {clock_text(still.time_ns)[11:19]} UTC", fontsize=9, loc="left")


def _draw_overview(axes: Axes, story: Story) -> None:
    """The ground as the watch knows it, the cameras, and what they can see."""
    east = [float(view.origin[0]) for view in story.views] + [town[0] for town in story.towns]
    north = [float(view.origin[1]) for view in story.views] + [town[1] for town in story.towns]
    low, high = _widened((min(east) - 150, min(north) - 260), (max(east) + 150, max(north) + 150), _ratio(axes))
    _draw_ground(axes, story.surface, low, high, step_m=20, contour_m=10)
    own = {camera.id for camera in story.sites[0].cameras}
    for view, camera in zip(story.views, (c for site in story.sites for c in site.cameras), strict=True):
        _draw_view(axes, view, _EYE if camera.id in own else _OTHER)
        axes.annotate(camera.id, tuple(view.origin[:2]), (5, 6), textcoords="offset points", fontsize=7.5)
    for town_east, town_north, radius_m in story.towns:
        axes.add_patch(Circle((town_east, town_north), radius_m, color="#555555", alpha=0.35))
        axes.text(town_east, town_north, "town", fontsize=8, ha="center", va="center")
    _draw_line(axes, story.sites[0], story.surface)
    _draw_truth(axes, story.paths, linewidth=1.6)
    _frame(axes, low, high, "Cameras (the other side's in blue), what each sees, the line, true paths")


def _draw_close(axes: Axes, story: Story) -> None:
    """The tracks with their uncertainty beside the true paths."""
    points = [(truth.east_m, truth.north_m) for path in story.paths for truth in path if truth.kind in _DRAWN]
    points += [(alert.ground.east_m, alert.ground.north_m) for alert in story.alerts if alert.ground is not None]
    if not points:
        points = [tuple(story.views[0].origin[:2] + 780 * story.views[0].axes[2, :2])]
    low, high = (tuple(edge) for edge in (np.min(points, axis=0) - _MARGIN_M, np.max(points, axis=0) + _MARGIN_M))
    low, high = _widened(low, high, _ratio(axes))
    _draw_ground(axes, story.surface, low, high, step_m=4, contour_m=2)
    _draw_line(axes, story.sites[0], story.surface)
    for points_of in story.tracks:
        _draw_track(axes, points_of)
    _draw_truth(axes, story.paths, linewidth=1.4)
    for alert in story.alerts:
        if alert.ground is not None:
            _draw_ellipse(axes, alert.ground, _ALARM, 1.6, 0.95)
            axes.plot(alert.ground.east_m, alert.ground.north_m, "x", color=_ALARM, markersize=7, markeredgewidth=1.8)
    axes.legend(handles=_legend(), loc="upper left", fontsize=7.5, framealpha=0.9)
    _frame(axes, low, high, "Where it happened: contours every 2 m")


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=_DRAWN["person"], linewidth=1.6, label="true path of a person"),
        Line2D([], [], color=_DRAWN["sheep"], linewidth=1.6, label="true path of an animal"),
        Line2D([], [], color=_DRAWN["vehicle"], linewidth=1.6, label="true path of a vehicle"),
        Line2D([], [], color=_TRACK, linewidth=1.2, label="track, 95 % ellipse every 6 s"),
        Line2D([], [], color=_ALARM, marker="x", linewidth=2, label="alarm, 95 % ellipse"),
        Line2D([], [], color=_LINE, linewidth=2.2, label="line"),
    ]


def _wedge(view: CameraView) -> list[tuple[float, float]]:
    """The outline of what the camera looks towards, as far as the map goes."""
    across = np.linspace(0, view.lens.width_px, 9)
    rays = view.directions(across, np.full(9, view.lens.height_px / 2))[:, :2]
    far = view.origin[:2] + _WEDGE_M * rays / np.linalg.norm(rays, axis=1, keepdims=True)
    return [(float(view.origin[0]), float(view.origin[1])), *((float(e), float(n)) for e, n in far)]


def _draw_view(axes: Axes, view: CameraView, colour: str) -> None:
    """The field of view, and in it the ground that is seen."""
    axes.plot(*view.origin[:2], marker="^", color=colour, markeredgecolor="black", markersize=9)
    axes.add_patch(Polygon(_wedge(view), closed=True, fill=False, edgecolor=colour, linewidth=1.0))
    columns, rows = np.meshgrid(np.arange(4, view.lens.width_px, 24), np.arange(4, view.lens.height_px, 12))
    hits = [view.to_ground(float(x), float(y)) for x, y in zip(columns.ravel(), rows.ravel(), strict=True)]
    near = [hit for hit in hits if isinstance(hit, GroundHit) and hit.range_m < _WEDGE_M]
    axes.scatter([h.east_m for h in near], [h.north_m for h in near], s=1.5, color=colour, alpha=0.5, linewidths=0)


def _draw_ground(
    axes: Axes, surface: Surface, low: tuple[float, ...], high: tuple[float, ...], *, step_m: float, contour_m: float
) -> None:
    """Relief, lit from the north-west as maps are, and contours."""
    east, north = np.arange(low[0], high[0] + step_m, step_m), np.arange(high[1], low[1] - step_m, -step_m)
    easts, norths = np.meshgrid(east, north)
    height = surface.up_m(easts, norths) + surface.frame.origin.height_m
    shade = LightSource(azdeg=315, altdeg=40).hillshade(
        np.nan_to_num(height, nan=0.0), vert_exag=2.2, dx=step_m, dy=step_m
    )
    extent = (float(east[0]), float(east[-1]), float(north[-1]), float(north[0]))
    axes.imshow(0.45 + 0.55 * shade, cmap="YlOrBr_r", vmin=-0.25, vmax=1.02, extent=extent, interpolation="bilinear")
    levels = np.arange(math.floor(np.nanmin(height)), math.ceil(np.nanmax(height)) + contour_m, contour_m)
    lines = axes.contour(easts, norths, height, levels=levels, colors="#6d4c41", linewidths=0.5, alpha=0.75)
    axes.clabel(lines, levels=levels[:: 2 if contour_m > 1 else 3], fontsize=6.5, fmt="%.0f")


def _draw_line(axes: Axes, site: Site, surface: Surface) -> None:
    for line in site.lines:
        points = [surface.frame.point(point) for point in line.points]
        axes.plot([p.east_m for p in points], [p.north_m for p in points], color=_LINE, linewidth=2.2)


def _draw_truth(axes: Axes, paths: Sequence[Sequence[ActorTruth]], linewidth: float) -> None:
    for path in paths:
        if colour := _DRAWN.get(path[0].kind):
            axes.plot([t.east_m for t in path], [t.north_m for t in path], color=colour, linewidth=linewidth)


def _draw_track(axes: Axes, points: Sequence[Track]) -> None:
    """A track's path, and its uncertainty from time to time."""
    located = [(track, track.ground) for track in points if track.ground is not None]
    axes.plot([g.east_m for _, g in located], [g.north_m for _, g in located], color=_TRACK, linewidth=0.9, alpha=0.85)
    shown_ns: int | None = None
    for track, ground in located:
        if shown_ns is None or track.time_ns - shown_ns >= _ELLIPSE_EVERY_NS:
            shown_ns = track.time_ns
            _draw_ellipse(axes, ground, _TRACK, 0.9, 0.8)


def _draw_ellipse(axes: Axes, ground: GroundState, colour: str, linewidth: float, alpha: float) -> None:
    cov = ground.covariance
    values, vectors = np.linalg.eigh([[cov.east_m2, cov.east_north_m2], [cov.east_north_m2, cov.north_m2]])
    wide, high = 2 * np.sqrt(np.maximum(values, 0) * CHI2_95)
    turn = math.degrees(math.atan2(vectors[1, 0], vectors[0, 0]))
    place = (ground.east_m, ground.north_m)
    axes.add_patch(
        Ellipse(place, wide, high, angle=turn, fill=False, edgecolor=colour, linewidth=linewidth, alpha=alpha)
    )


def _widened(
    low: tuple[float, ...], high: tuple[float, ...], ratio: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The same area, made wider or higher until width to height is as asked."""
    across, up = high[0] - low[0], high[1] - low[1]
    more_across, more_up = max(up * ratio - across, 0) / 2, max(across / ratio - up, 0) / 2
    return (low[0] - more_across, low[1] - more_up), (high[0] + more_across, high[1] + more_up)


def _frame(axes: Axes, low: tuple[float, ...], high: tuple[float, ...], title: str) -> None:
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_aspect("equal")
    axes.tick_params(labelsize=8)
    axes.set_xlabel("east, m", fontsize=8.5, labelpad=1)
    axes.set_ylabel("north, m", fontsize=8.5, labelpad=1)
    axes.set_title(title, fontsize=10, loc="left")
