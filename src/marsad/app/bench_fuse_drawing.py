"""A picture of what engines made of a scene: the truth, measurements with their ellipses, and tracks."""

import io
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from marsad.adapters.writing import replace_whole
from marsad.app.bench_fuse_judging import Said
from marsad.app.bench_fuse_scenes import PATROL, Scene

SIGMAS = 2.4477
"""A 95 % ellipse in two dimensions."""
_PANEL_IN = 7.0
_LEAST_MARGIN_M = 40.0
_COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:purple")


def draw_engines(scene: Scene, said: Mapping[str, Said], path: Path, last_looks: int) -> None:
    """Keep a picture, a panel for each engine, with the measurements of the last looks.

    Raises: UnavailableError, InputError where it cannot be written.
    """
    low, high = _extent(scene)
    tall_in = float(np.clip(_PANEL_IN * (high - low)[1] / (high - low)[0], 3.0, 9.0))
    figure = Figure(figsize=(_PANEL_IN * len(said) + 1.0, tall_in + 1.5), layout="constrained")
    panels = figure.subplots(1, len(said), sharex=True, sharey=True, squeeze=False)
    for axes, (engine, each) in zip(panels[0], said.items(), strict=True):
        _truth(axes, scene)
        _measured(axes, scene, scene.looks - last_looks)
        _tracks(axes, each)
        axes.set_xlim(low[0], high[0])
        axes.set_ylim(low[1], high[1])
        axes.set_aspect("equal")
        axes.set_title(f"{engine}: tracks {len(np.unique(each.track))}, targets {len(np.unique(scene.truth_id))}")
        axes.set_xlabel("east, m")
    panels[0][0].set_ylabel("north, m")
    figure.legend(handles=_legend(last_looks), loc="outside lower center", ncols=min(len(said), 3), frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    replace_whole(path, buffer.getvalue())


def _extent(scene: Scene) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The corners of what is shown: all that is true, with a margin."""
    places = scene.truth_state[:, :2]
    low, high = places.min(axis=0), places.max(axis=0)
    margin = max(_LEAST_MARGIN_M, 0.05 * float((high - low).max()))
    return low - margin, high + margin


def _legend(last_looks: int) -> list[Line2D]:
    measured = f"measured in the last {last_looks} looks, 95 % ellipse (a colour for each source)"
    tracks = "track, 95 % ellipse of its last place"
    return [
        Line2D([], [], color="0.6", lw=4, alpha=0.6, label="truth"),
        Line2D([], [], color=_COLOURS[0], marker="o", mfc="none", ms=12, lw=0, label=measured),
        Line2D([], [], color="black", marker="o", ms=5, mec="red", mew=1.2, label=tracks),
    ]


def _truth(axes: Axes, scene: Scene) -> None:
    for number in np.unique(scene.truth_id):
        way = scene.truth_state[scene.truth_id == number]
        axes.plot(way[:, 0], way[:, 1], color="0.6", lw=4, alpha=0.6, solid_capstyle="round", zorder=1)


def _measured(axes: Axes, scene: Scene, from_look: int) -> None:
    rows = (scene.look >= from_look) & np.isfinite(scene.place_m[:, 0])
    source = scene.look_source[scene.look]
    for number, each in enumerate(np.unique(source)):
        here = rows & (source == each)
        colour = "black" if each == PATROL else _COLOURS[number % len(_COLOURS)]
        _ellipses(axes, scene.place_m[here], scene.place_covariance[here], colour)
        axes.plot(*scene.place_m[here].T, ".", color=colour, ms=3, zorder=2)


def _ellipses(axes: Axes, places: NDArray[np.float64], covariance: NDArray[np.float64], colour: str) -> None:
    if len(places) == 0:
        return
    values, vectors = np.linalg.eigh(covariance)
    widths, heights = 2 * SIGMAS * np.sqrt(values[:, 1]), 2 * SIGMAS * np.sqrt(values[:, 0])
    angles = np.degrees(np.arctan2(vectors[:, 1, 1], vectors[:, 0, 1]))
    axes.add_collection(
        EllipseCollection(
            widths, heights, angles, units="xy", offsets=places, transOffset=axes.transData, facecolors="none",
            edgecolors=colour, linewidths=0.6, alpha=0.6, zorder=2,
        )
    )  # fmt: skip


def _tracks(axes: Axes, said: Said) -> None:
    colours = mpl.colormaps["tab20"]
    for index, number in enumerate(np.unique(said.track)):
        rows = said.track == number
        way, colour = said.place_m[rows], colours(index % colours.N)
        axes.plot(way[:, 0], way[:, 1], color=colour, lw=1.2, zorder=3)
        axes.plot(*way[-1], "o", color=colour, ms=4, zorder=3)
        _ellipses(axes, way[-1:], said.covariance[rows][-1:], "red")
