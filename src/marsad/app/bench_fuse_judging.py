"""How what engines say of a scene is judged, and how engines are compared."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marsad.app.bench_fuse_scenes import Scene
from marsad.report.gospa import gospa, identity_changes
from marsad.report.interval import Mean, mean_of

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class Said(NamedTuple):
    """What an engine believes after each look: confirmed tracks alone, and the processor time of each look.

    Fewer `seconds` than looks mean that it was stopped.
    """

    look: Integers
    track: Integers
    place_m: Floats
    covariance: Floats
    seconds: Floats


class Judged(NamedTuple):
    """One engine on one scene: means over the looks judged.

    `offset_m` is the root mean square over pairs, nearer than the cutoff therefore; neither it nor `nees`, for each
    degree of freedom, counts our own patrols. `switches` are for each hour of a true object's life.
    """

    milliseconds: float
    gospa_m: float
    offset_m: float
    localisation: float
    missed: float
    false: float
    switches: float
    nees: float


def judge(scene: Scene, said: Said, cutoff_m: float, settle_s: float) -> Judged | None:
    """How good it is from `settle_s` on; None where it was stopped before the end."""
    if len(said.seconds) < scene.looks:
        return None
    from_look = int(np.searchsorted(scene.look_time_ns, scene.look_time_ns[0] + settle_s * 1e9))
    moments, figures, squares, nees, alive = [], [], [], [], 0
    for look in range(from_look, scene.looks):
        known, mine = np.flatnonzero(scene.truth_look == look), np.flatnonzero(said.look == look)
        found = gospa(scene.truth_state[known, :2], said.place_m[mine], cutoff_m)
        on, by = known[found.pairs[:, 0]], mine[found.pairs[:, 1]]
        moments.append((scene.truth_id[on], said.track[by]))
        figures.append((found.total_m, found.localisation, found.missed, found.false))
        alive += len(known)
        others = ~np.isin(scene.truth_id[on], scene.own)
        apart = (scene.truth_state[on, :2] - said.place_m[by])[others]
        squares.append((apart**2).sum(axis=1))
        nees.append(np.einsum("ni,nij,nj->n", apart, np.linalg.inv(said.covariance[by][others]), apart) / 2)
    means = np.mean(figures, axis=0)
    square, distance = np.concatenate(squares), np.concatenate(nees)
    hours = alive * float(scene.look_time_ns[-1] - scene.look_time_ns[0]) / (scene.looks - 1) / 3.6e12
    return Judged(
        milliseconds=float(np.median(said.seconds[from_look:])) * 1e3,
        gospa_m=float(means[0]),
        offset_m=float(np.sqrt(square.mean())) if len(square) else float("nan"),
        localisation=float(means[1]),
        missed=float(means[2]),
        false=float(means[3]),
        switches=identity_changes(moments) / hours,
        nees=float(distance.mean()) if len(distance) else float("nan"),
    )


def mean(judged: Iterable[Judged], figure: str) -> float:
    """A figure's mean over scenes."""
    return float(np.mean([getattr(each, figure) for each in judged]))


def difference_percent(ours: Sequence[float], theirs: Sequence[float]) -> Mean:
    """How much greater ours is on average, scene by scene, in per cent of theirs."""
    return mean_of((100 * (np.array(ours) - np.array(theirs)) / np.mean(theirs)).tolist())
