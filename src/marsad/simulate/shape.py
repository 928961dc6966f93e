"""A body through one cycle of its movement: capsules, what each is made of, and how fast the cycle goes."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marsad.simulate.gait import PHASES, Array

Point = tuple[Array | float, Array | float, Array | float]


class Shape(NamedTuple):
    """A body of height 1.

    `capsules` is (P, N, 7): at each of P phases both ends of each of N capsules ahead, to the right and up of the
    point stood on, and the radius; those to be painted first first. `materials` names what each is made of, `flicker_k`
    (P, N) is how much warmer each is at a phase. A cycle takes `stride` heights of the way or, where that is 0, goes
    `hz` times a second. `cover` is the share of the outline that hides what is behind.
    """

    capsules: Array
    materials: tuple[str, ...]
    flicker_k: Array
    stride: float
    hz: float
    cover: float

    @property
    def top(self) -> Array:
        """How high the body reaches at each phase, (P,)."""
        return np.asarray((np.maximum(self.capsules[:, :, 2], self.capsules[:, :, 5]) + self.capsules[:, :, 6]).max(1))

    @property
    def weight(self) -> Array:
        """What each capsule counts for in the body's mean temperature, by its outline at phase 0, (N,)."""
        first = self.capsules[0]
        radius = first[:, 6]
        area = 2 * radius * np.linalg.norm(first[:, 3:6] - first[:, :3], axis=1) + np.pi * radius**2
        return np.asarray(area / area.sum())


class ShapeMaker:
    """Collects capsules."""

    def __init__(self, phases: int = PHASES) -> None:
        self.phases = phases
        self._capsules: list[Array] = []
        self._materials: list[str] = []
        self._flicker: list[Array] = []

    def add(
        self, start: Point, end: Point, radius: float | Array, material: str, flicker_k: float | Array = 0.0
    ) -> None:
        """Add a capsule; each of its coordinates a number or a value for each phase."""
        rows = np.empty((self.phases, 7))
        for column, value in enumerate((*start, *end, radius)):
            rows[:, column] = value
        self._capsules.append(rows)
        self._materials.append(material)
        self._flicker.append(np.broadcast_to(np.asarray(flicker_k, float), (self.phases,)))

    def shape(self, *, stride: float = 0.0, hz: float = 0.0, cover: float = 1.0) -> Shape:
        """What was collected."""
        return Shape(
            np.stack(self._capsules, axis=1),
            tuple(self._materials),
            np.stack(self._flicker, axis=1),
            stride,
            hz,
            cover,
        )


def ring(count: int) -> NDArray[np.float64]:
    """Points spread evenly over a unit sphere, (count, 3): a spiral with golden turns."""
    index = np.arange(count) + 0.5
    up = 1 - 2 * index / count
    turn = np.pi * (1 + 5**0.5) * index
    flat = np.sqrt(1 - up**2)
    return np.stack([flat * np.cos(turn), flat * np.sin(turn), up], axis=1)
