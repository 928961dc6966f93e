"""A picture of a scene of crossings: where they went, and under what names they were shown."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from fuse_crossing_scenes import STEP_S, Crossings
from marsad.kernel.picture import Picture


def draw_scene(scene: Crossings, pictures: Sequence[Picture], path: Path) -> None:
    """Keep a picture: the ground with each party's way and the tracks, and the names shown over time."""
    figure = Figure(figsize=(15, 7), layout="tight")
    ground, time = figure.subplots(1, 2)
    for number, party in enumerate(scene.parties):
        for person in range(party.place.shape[1]):
            ground.plot(*party.place[:, person].T, color="0.7", lw=5, alpha=0.5, solid_capstyle="round")
        ground.annotate(f"party {number}", party.place[0, 0])
        seen = np.flatnonzero(scene.seen[:, number].any(axis=1)) * STEP_S
        time.plot(seen, np.full(len(seen), -1 - number), "|", color="0.5")
    names = list(dict.fromkeys(t.group_id or t.track_id for p in pictures for t in p.tracks if t.status != "tentative"))
    colours = mpl.colormaps["tab20"].colors
    for second, picture in enumerate(pictures):
        for track in picture.tracks:
            if track.status in {"confirmed", "coasting"}:
                name = track.group_id or track.track_id
                row, mark = names.index(name), "." if track.status == "confirmed" else "x"
                ground.plot(track.ground.east_m, track.ground.north_m, mark, color=colours[row % 20], ms=3)
                time.plot(second, row, mark, color=colours[row % 20], ms=4)
    time.set_yticks(
        range(-len(scene.parties), len(names)), [*(f"party {n} seen" for n in range(len(scene.parties)))][::-1] + names
    )
    time.set_xlabel("seconds")
    ground.set_aspect("equal")
    ground.set_xlabel("east, m")
    ground.set_ylabel("north, m")
    figure.savefig(path, dpi=100)
