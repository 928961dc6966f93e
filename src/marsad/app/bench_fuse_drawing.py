"""A picture of what engines made of a scene: the truth, measurements with their ellipses, and tracks."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from marsad.app.bench_fuse_judging import Said
from marsad.app.bench_fuse_scenes import PATROL, Scene

SIGMAS = 2.4477
"""A 95 % ellipse in two dimensions."""
_COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:purple")


def draw_engines(scene: Scene, said: Mapping[str, Said], path: Path, last_looks: int) -> None:
    """Keep a picture, a panel for each engine, with the measurements of the last looks."""
    figure = Figure(figsize=(7 * len(said), 7.5), layout="tight")
    panels = figure.subplots(1, len(said), sharex=True, sharey=True, squeeze=False)
    for axes, (engine, each) in zip(panels[0], said.items(), strict=True):
        _truth(axes, scene)
        _measured(axes, scene, scene.looks - last_looks)
        _tracks(axes, each)
        margin = 0.05 * (scene.high_m - scene.low_m)
        axes.set_xlim(scene.low_m[0] - margin[0], scene.high_m[0] + margin[0])
        axes.set_ylim(scene.low_m[1] - margin[1], scene.high_m[1] + margin[1])
        axes.set_aspect("equal")
        axes.set_title(f"{engine}: {len(np.unique(each.track))} tracks, {len(np.unique(scene.truth_id))} targets")
        axes.set_xlabel("east, m")
    panels[0][0].set_ylabel("north, m")
    figure.savefig(path, dpi=110)


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
