"""The picture of a plan: shaded relief, what is seen, what is built, and the ways that are detected the least."""

import io
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LightSource
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from marsad.adapters.writing import write_refusal
from marsad.app.plan_ground import Sector, illustrative
from marsad.app.plan_options import Option
from marsad.kernel.plan import Plan, Way
from marsad.plan.sector import Site
from marsad.plan.siting import Choice
from marsad.report.plan_wording import PLAN_MAP

_LINE, _INWARD, _OUTWARD, _STANDING = "#111111", "#c51b2a", "#1f5fbf", "#ffffff"
_WAYS = {"inward": _INWARD, "outward": _OUTWARD}
_STYLES: Final[Mapping[str, Literal["-", "--"]]] = {"inward": "-", "outward": "--"}
_SIGNS: Final[Mapping[str, str]] = {"base": "P", "relay": "d"}
_TOWERS = ("#ffb300", "#1b9e77", "#984ea3", "#e7298a", "#66a61e")
_SEEN, _OUTSIDE = (1.0, 0.85, 0.2, 0.38), (1.0, 1.0, 1.0, 0.6)
_SCREEN_IN, PAPER_IN = (12.0, 9.0), (6.8, 7.2)
_ENTRY_IN, _NOTE = 3.0, 9.5
_STEPS = 500
_MARGIN_M = 150.0


def draw_map(
    path: Path, title: str, sector: Sector, seen: Choice, options: Sequence[Option], chosen: Sequence[bool],
    ways: Sequence[Way],
) -> None:  # fmt: skip
    """Write the picture as PNG, in English. Raises: UnavailableError, InputError where it cannot be written."""
    try:
        path.write_bytes(map_png(title, sector, seen, options, chosen, ways, PLAN_MAP["en"]))
    except OSError as error:
        raise write_refusal(path, error) from error


def map_png(
    title: str, sector: Sector, seen: Choice, options: Sequence[Option], chosen: Sequence[bool], ways: Sequence[Way],
    words: Mapping[str, str], largest_in: tuple[float, float] = _SCREEN_IN,
) -> bytes:  # fmt: skip
    """The picture as PNG, with the words of `report/plan_wording`; its ground is no larger than that, in inches."""
    low, high = _bounds(sector, options)
    handles = _legend(options, chosen, ways, words)
    columns = max(round(largest_in[0] / _ENTRY_IN), 1)
    figure, axes = _framed(low, high, largest_in, math.ceil(len(handles) / columns))
    tall = figure.get_figheight()
    figure.text(0.05, 1 - 0.3 / tall, title, fontsize=12, weight="bold")
    if illustrative(sector):
        # On paper, without a title, in the middle: languages begin on either side.
        across, side = (0.05, "left") if title else (0.5, "center")
        figure.text(across, 1 - 0.53 / tall, words["illustrative"], fontsize=_NOTE, color=_INWARD, ha=side)
    _draw_ground(axes, sector, seen, low, high)
    axes.plot(*sector.corners.T, color=_LINE, linewidth=2.0, zorder=3)
    colours, there = _colours(options), Counter[Site]()
    for option, taken in zip(options, chosen, strict=True):
        _draw_option(axes, option, colours, taken=taken, others=there[option.place])
        there[option.place] += taken
    for way in ways:
        _draw_way(axes, sector, way)
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    axes.set_xlabel(words["east"], fontsize=8.5)
    axes.set_ylabel(words["north"], fontsize=8.5)
    axes.tick_params(labelsize=8)
    figure.legend(handles=handles, loc="lower left", bbox_to_anchor=(0.02, 0.005), ncols=columns, fontsize=9,
                  frameon=False)  # fmt: skip
    return _png(figure)


def _framed(
    low: tuple[float, float], high: tuple[float, float], largest_in: tuple[float, float], rows: int
) -> tuple[Figure, Axes]:
    """A figure as wide as it may be whose axes have the ground's shape, with room for so many rows of the legend."""
    wide, tall = largest_in
    each_in = min(wide / (high[0] - low[0]), tall / (high[1] - low[1]))
    ground_in = each_in * (high[1] - low[1])
    below, above = 0.75 + 0.22 * rows, 0.65
    whole_in = below + ground_in + above
    figure = Figure(figsize=(wide + 1.0, whole_in), dpi=110, facecolor="white")
    left = (wide + 1.1 - each_in * (high[0] - low[0])) / 2
    share = each_in * (high[0] - low[0]) / (wide + 1.0)
    return figure, figure.add_axes((left / (wide + 1.0), below / whole_in, share, ground_in / whole_in))


def curve_png(plan: Plan, words: Mapping[str, str]) -> bytes:
    """What probabilities cost, and what each cannot cost less than, as PNG."""
    found = {point.probability: (point.cost, point.bound) for point in plan.curve}
    found[plan.required] = plan.cost, plan.bound
    probability = sorted(found)
    cost, bound = zip(*(found[each] for each in probability), strict=True)
    figure = Figure(figsize=(8.0, 4.6), dpi=110, facecolor="white")
    axes = figure.add_axes((0.1, 0.13, 0.87, 0.84))
    axes.fill_betweenx(probability, bound, cost, color="#1f5fbf", alpha=0.15, linewidth=0)
    axes.plot(cost, probability, "o-", color="#1f5fbf", label=words["found"])
    axes.plot(bound, probability, "s--", color=_INWARD, label=words["bound"])
    axes.plot(plan.cost, plan.required, "*", color=_LINE, markersize=14, label=words["plan"])
    axes.set_xlabel(words["cost"])
    axes.set_ylabel(words["probability"])
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(loc="best", frameon=False)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    written = io.BytesIO()
    FigureCanvasAgg(figure).print_figure(written, format="png")
    return written.getvalue()


def _bounds(sector: Sector, options: Sequence[Option]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The lower left and the upper right corner of what is shown."""
    east, north = (axis[~np.isnan(sector.height_m)] for axis in sector.lattice.centres())
    east = np.append(east, [option.place.east_m for option in options])
    north = np.append(north, [option.place.north_m for option in options])
    return (
        (float(east.min()) - _MARGIN_M, float(north.min()) - _MARGIN_M),
        (float(east.max()) + _MARGIN_M, float(north.max()) + _MARGIN_M),
    )


def _draw_ground(axes: Axes, sector: Sector, seen: Choice, low: tuple[float, float], high: tuple[float, float]) -> None:
    """Relief lit from the north-west, what is seen tinted, the ground outside the sector paler, and contours."""
    step = max(high[0] - low[0], high[1] - low[1]) / _STEPS
    east, north = np.arange(low[0], high[0] + step, step), np.arange(high[1], low[1] - step, -step)
    easts, norths = np.meshgrid(east, north)
    height = sector.surface.up_m(easts, norths) + sector.surface.frame.origin.height_m
    if not np.isfinite(height).any():
        return
    filled = np.where(np.isnan(height), np.nanmean(height), height)
    shade = LightSource(azdeg=315, altdeg=45).hillshade(filled, vert_exag=4.0, dx=step, dy=step)
    extent = (float(east[0]), float(east[-1]), float(north[-1]), float(north[0]))
    axes.imshow(0.35 + 0.65 * shade, cmap="gray", vmin=0.0, vmax=1.0, extent=extent, interpolation="bilinear")
    row, column = sector.lattice.cells_of(easts, norths)
    held = sector.lattice.holds(row, column)
    veil = np.zeros((*easts.shape, 4))
    veil[:] = _OUTSIDE
    known = ~np.isnan(sector.height_m)[row[held], column[held]]
    veil[held] = np.where(
        (known & seen[row[held], column[held]])[:, None], _SEEN, np.where(known[:, None], 0.0, _OUTSIDE)
    )
    axes.imshow(veil, extent=extent, interpolation="nearest")
    every = _contour_m(float(np.nanmax(height) - np.nanmin(height)))
    levels = np.arange(math.floor(np.nanmin(height) / every), math.ceil(np.nanmax(height) / every) + 1) * every
    if len(levels) > 1 and np.ptp(filled) > 0:
        lines = axes.contour(easts, norths, height, levels=levels, colors="#6d4c41", linewidths=0.45, alpha=0.7)
        axes.clabel(lines, levels=levels[::2], fontsize=6.5, fmt="%.0f")


def _contour_m(span_m: float) -> float:
    """A round distance between contours that leaves a dozen of them."""
    return next((step for step in (2.0, 5.0, 10.0, 20.0, 50.0, 100.0) if span_m / step <= 12), 200.0)


def _colours(options: Sequence[Option]) -> dict[str, str]:
    kinds = dict.fromkeys(option.kind for option in options if not option.standing)
    return {kind: _TOWERS[number % len(_TOWERS)] for number, kind in enumerate(kinds)}


def _draw_option(axes: Axes, option: Option, colours: dict[str, str], *, taken: bool, others: int) -> None:
    """A tower that is built, a camera that stands, or a small ring where something could be.

    What stands at the place of `others` is smaller, so that they are seen under it.
    """
    place = option.place.east_m, option.place.north_m
    if option.course is not None:
        if taken:
            colour = _STANDING if option.standing else colours[option.kind]
            axes.plot(*option.course.T, color="black", linewidth=5.0, zorder=3.4)
            axes.plot(*option.course.T, color=colour, linewidth=3.2, zorder=3.5)
        return
    if not taken:
        axes.plot(*place, "o", markersize=5, markerfacecolor="none", markeredgecolor="#333333", zorder=4)
        return
    sign = "s" if option.standing and option.element != "base" else _SIGNS.get(option.element, "^")
    colour = _STANDING if option.standing else colours[option.kind]
    axes.plot(*place, sign, color=colour, markeredgecolor="black", markersize=max(11 - 4 * others, 3), zorder=6)
    axes.annotate(
        option.candidate, place, (7, 6), textcoords="offset points", fontsize=8.5, zorder=7,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "alpha": 0.7, "linewidth": 0},
    )  # fmt: skip


def _draw_way(axes: Axes, sector: Sector, way: Way) -> None:
    latitude, longitude = np.array([(point.latitude_deg, point.longitude_deg) for point in way.points]).T
    east, north, _ = sector.surface.frame.from_geodetic(latitude, longitude)
    colour = _WAYS[way.direction]
    axes.plot(east, north, _STYLES[way.direction], color=colour, linewidth=1.8, zorder=5)
    axes.plot(east[-1], north[-1], "X", color=colour, markeredgecolor="white", markersize=9, zorder=5)


def _legend(
    options: Sequence[Option], chosen: Sequence[bool], ways: Sequence[Way], words: Mapping[str, str]
) -> list[Line2D]:
    look: dict[str, Any] = {"linestyle": "", "markeredgecolor": "black", "markersize": 9}
    signs = [Line2D([], [], color=_LINE, linewidth=2, label=words["line"])]
    signs.append(Line2D([], [], color=_SEEN, marker="s", markersize=11, linestyle="", label=words["seen"]))
    for kind, colour in _colours(options).items():
        own = [
            option
            for option, taken in zip(options, chosen, strict=True)
            if taken and option.kind == kind and not option.standing
        ]
        if not own:
            continue
        label = words["built"].format(kind=words.get(kind, kind), count=len(own))
        if any(option.course is not None for option in own):
            signs.append(Line2D([], [], color=colour, linewidth=3.2, label=label))
        else:
            element = next(option.element for option in options if option.kind == kind)
            signs.append(Line2D([], [], color=colour, marker=_SIGNS.get(element, "^"), label=label, **look))
    if any(option.standing for option in options):
        signs.append(Line2D([], [], color=_STANDING, marker="s", label=words["standing"], **look))
    signs.append(
        Line2D(
            [],
            [],
            marker="o",
            markerfacecolor="none",
            markeredgecolor="#333333",
            linestyle="",
            label=words["candidate"],
        )
    )
    signs += [
        Line2D(
            [],
            [],
            color=_WAYS[way.direction],
            linestyle=_STYLES[way.direction],
            label=words["worst_way"].format(
                direction=words[way.direction],
                evader=words.get(way.evader, way.evader),
                probability=f"{way.probability:.3f}",
            ),
        )
        for way in ways
    ]
    return signs
