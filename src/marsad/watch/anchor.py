"""What holds a learnt scene in its place: its sharp features, remembered for far longer than the scene itself.

A scene that takes in each picture where it was found follows every error of finding it. What drifts over the ground
(the shadow of a cloud, a gust of rain, blowing sand) makes errors that all go one way, and their sum is a scene that
walks off. Two things stop that. Such veils are soft and terrain is sharp, so that the shift is sought in pictures less
their local mean; and these are laid on a template that changes so slowly that errors one way stay a bias.
"""

import numpy as np
from numpy.typing import NDArray

from marsad.watch.cells import AROUND, CELLS, sharpen, shrink

F32 = NDArray[np.float32]
I64 = NDArray[np.int64]

EVERY_S = 4.0
"""The template takes in the scene so often, once it is as old; after a turn it is used again when it is."""
MEMORY_S = 60.0
"""The template is a mean over so long."""
LEASH_PX = 16.0
"""A camera that has turned this far sees other things, and things otherwise: the template begins anew."""


class Anchor:
    """The template of one scene, on cells of `factor` x `factor` pixels that stay put in lasting scene coordinates."""

    def __init__(self, rows: int, columns: int, factor: int) -> None:
        self.factor = factor
        size = rows // factor, columns // factor
        self.template: F32 = np.zeros(size, np.float32)
        self.grad_x: F32 = np.zeros(size, np.float32)
        self.grad_y: F32 = np.zeros(size, np.float32)
        self.use: F32 = np.zeros(size, np.float32)
        self._weight: F32 = np.ones(size, np.float32)
        self._scale: F32 = np.full(size, 1.0 / CELLS, np.float32)
        self._sharp: F32 = np.zeros(size, np.float32)
        self._sums: F32 = np.zeros(columns, np.float32)
        self._phase = np.zeros(2, np.int64)
        self.lead = (0.0, 0.0)
        """How far the template's cells lie before the scene's (x, y), in cells."""
        self._cell = np.zeros(2, np.int64)
        self._home = np.zeros(2, np.int64)
        self._known_s = 0.0
        self._since_s = 0.0
        self.holds = False
        self.mask(self._weight)

    def mask(self, use: F32) -> None:
        """Leave out what is not used (h, w), of local means too.

        Nor are the cells along the edges used: what is around them ends at the picture's edge, which turns with the
        camera, so that they would hold the shift where it is.
        """
        self.use[_inner(use)] = use[_inner(use)]
        self._weight[:] = use > 0
        sharpen(self._weight, np.ones_like(use), np.full_like(use, 1.0 / CELLS), self._scale)
        share = np.maximum(self._weight - self._scale, np.float32(1e-3))
        self._scale[:] = 1.0 / (CELLS * share)

    def sharpen(self, small: F32) -> F32:
        """A shrunk picture (h, w) less its local mean; the next one is written over it."""
        sharpen(small, self._weight, self._scale, self._sharp)
        return self._sharp

    def forget(self, mean: F32, origin: I64) -> None:
        """Take the scene as it is for the template, and the camera for a fixed one until it turns."""
        self._begin(mean, origin)
        self.holds = min(self.template.shape) > 0

    def _begin(self, mean: F32, origin: I64) -> None:
        self._home[:] = origin
        self._place(origin)
        self._known_s = self._since_s = 0.0
        self._take(mean, 1.0)

    def learn(self, mean: F32, step_s: float) -> None:
        """Take in what the scene has become, now and then; `step_s` is the time since the last call."""
        self._since_s += step_s
        # A young template is of few pictures, and gains by every one.
        if self._since_s < min(self._known_s, EVERY_S):
            return
        self._known_s += self._since_s
        self._take(mean, self._since_s / min(self._known_s, MEMORY_S))
        self._since_s = 0.0
        self.holds = self.holds or (self._known_s >= EVERY_S and min(self.template.shape) > 0)

    def move(self, mean: F32, origin: I64) -> None:
        """Keep the template in its place when the scene has been moved to `origin`."""
        if np.abs(origin - self._home).max() > LEASH_PX:
            self._begin(mean, origin)
            self.holds = False
            return
        before = self._cell
        self._place(origin)
        dx, dy = (before - self._cell).tolist()
        if dx or dy:
            rows, columns = self.template.shape
            kept = self.template[max(-dy, 0) : rows - max(dy, 0), max(-dx, 0) : columns - max(dx, 0)].copy()
            self._take(mean, 1.0)
            there = self.template[max(dy, 0) : rows + min(dy, 0), max(dx, 0) : columns + min(dx, 0)]
            there[_inner(kept)] = kept[_inner(kept)]
            self._slopes()

    def scale(self, gain: float) -> None:
        """Follow a change of the camera's gain."""
        self.template *= np.float32(gain)
        self._slopes()

    def _place(self, origin: I64) -> None:
        self._phase = -origin % self.factor
        x, y = self._phase.tolist()
        self.lead = x / self.factor, y / self.factor
        self._cell = (origin + self._phase) // self.factor

    def _take(self, mean: F32, share: float) -> None:
        """Blend a share of the scene into the template, whose cells at the far edges may lie outside it."""
        f = self.factor
        x, y = self._phase.tolist()
        rows, columns = (mean.shape[0] - y) // f, (mean.shape[1] - x) // f
        if not min(rows, columns, *self.template.shape):
            return
        # Kernels are compiled for arrays in one piece, which the scene is from its first column on.
        inside, small = np.ascontiguousarray(mean[y:, x:]), np.empty((rows, columns), np.float32)
        shrink(inside, f, small, self._sums)
        down, across = self.template.shape
        if small.shape != (down, across):
            small = np.pad(small, ((0, down - rows), (0, across - columns)), mode="edge")
        self.template += np.float32(share) * (self.sharpen(small) - self.template)
        self._slopes()

    def _slopes(self) -> None:
        half = np.float32(0.5)
        t = self.template
        self.grad_x[:, 1:-1] = half * (t[:, 2:] - t[:, :-2])
        self.grad_y[1:-1] = half * (t[2:] - t[:-2])


def _inner(cells: F32) -> tuple[slice, slice]:
    """Where no local mean reaches beyond the edges; empty where all do."""
    rows, columns = cells.shape
    return slice(AROUND, max(rows - AROUND, AROUND)), slice(AROUND, max(columns - AROUND, AROUND))
