"""What it says that a source which reports one thing does not report another.

Two tracks that different sources report are one thing, or two of which each is hidden from the other's source. Where
the ground is open that is seldom so.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from marsad.fuse.hypotheses import Ints, Rows, expect_angles, expect_places
from marsad.fuse.sensor import CameraSensor, Sensor
from marsad.fuse.showing import USUALLY_SHOWN
from marsad.geo.geodesy import Array

Flags = NDArray[np.bool_]


def silence(rows: Rows, reported: Flags, asked: Flags, bias_spread: Array, sensors: Sequence[Sensor]) -> Array:
    """How probable it is that a source does not report a track that another reports (T, S); 1 where it does.

    `reported` (T, S) is who reports which track, `asked` (T, S) whose silence about which is to be weighed: all else is
    1. That it has been silent for some looks is taken to say no more than that the thing is hidden from it.
    """
    out = np.ones(reported.shape)
    for number, sensor in enumerate(sensors):
        those = np.flatnonzero(asked[:, number] & ~reported[:, number])
        if not len(those):
            continue
        some = rows_of(rows, those)
        if isinstance(sensor, CameraSensor):
            seen = expect_angles(some, bias_spread, sensor.surface, sensor.sight).seen
        else:
            seen = expect_places(some, *sensor.covers).seen
        out[those, number] = 1 - USUALLY_SHOWN * np.add.reduceat(seen * some.weight, some.first[:-1])
    return out


def odds_by_silence(pairs: Ints, reported: Flags, silhouettes: Flags, silent: Array) -> Array:
    """How many times likelier it is that the tracks of each pair (P, 2) are one, as sources report but one of them.

    Where that is a silhouette of several (T, S) it may hold the other.
    """
    one, two = pairs[:, 0], pairs[:, 1]
    single = reported & ~silhouettes
    alone = np.where(single[two] & ~reported[one], silent[one], 1.0)
    other = np.where(single[one] & ~reported[two], silent[two], 1.0)
    odds: Array = 1 / (alone * other).prod(axis=1)
    return odds


def rows_of(rows: Rows, tracks: Ints) -> Rows:
    """The rows of some tracks, in the order of these."""
    first, sizes = rows.first[tracks], np.diff(rows.first)[tracks]
    ends = np.cumsum(sizes)
    at = np.repeat(first - ends + sizes, sizes) + np.arange(int(sizes.sum()))
    parts: list[NDArray[Any]] = [a[at] for a in (rows.mean, rows.spread, rows.lean, rows.weight, rows.left)]
    return Rows(np.concatenate([[0], ends]).astype(np.int64), *parts)
