"""What stood there already when the watch began.

The first picture cannot tell a person who stands still from a rock. Compact things that stand out of it are lifted out
of the scene for a moment: who walks off within it is followed from the very first picture. What is still there after
that is given back to the scene and remembered as standing; when it leaves, its place is healed at once, so that no
ghost of it is left behind.
"""

import math

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

LIFTED_S = 1.2
LIFTED_PICTURES = 4
LOOK_EVERY_S = 0.2
LOOKS_TO_LEAVE = 3
MARGIN_PX = 3


class Stood:
    """One thing that stood there from the start: its box (x0, y0, x1, y1) in lasting scene coordinates.

    `contrast` is signed, against the `level` around it, both in counts.
    """

    __slots__ = ("absent", "box", "contrast", "level", "number")

    def __init__(self, number: int, box: tuple[int, int, int, int], level: float, contrast: float) -> None:
        self.number = number
        self.box = box
        self.level = level
        self.contrast = contrast
        self.absent = 0


class Standing:
    """Keeps what stood there from the start."""

    def __init__(self) -> None:
        self.lifted: list[Stood] = []
        self.there: list[Stood] = []
        self._since_s = 0.0
        self._pictures = 0
        self._looked_s = 0.0

    def lift(self, mean: F32, noise: float) -> None:
        """Take what stands out of a first picture out of the scene `mean`."""
        self.lifted = standing_out(mean, noise)
        for each in self.lifted:
            x0, y0, x1, y1 = each.box
            mean[y0 - MARGIN_PX : y1 + MARGIN_PX, x0 - MARGIN_PX : x1 + MARGIN_PX] = each.level

    def forget(self) -> None:
        """The scene is another one now."""
        self.lifted, self.there = [], []

    def update(self, mean: F32, diff: F32, origin: tuple[int, int], step_s: float) -> None:
        """Look whether what stood there still does; `diff` is picture minus scene `mean`, both at `origin`.

        What is taken into the scene is taken out of `diff`.
        """
        self._since_s += step_s
        self._pictures += 1
        if self.lifted and self._since_s >= LIFTED_S and self._pictures >= LIFTED_PICTURES:
            self._give_back(mean, diff, origin)
        if self.there and self._since_s - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = self._since_s
            self._look(mean, diff, origin)

    def _give_back(self, mean: F32, diff: F32, origin: tuple[int, int]) -> None:
        for each in self.lifted:
            place = _window(each.box, origin, mean.shape, MARGIN_PX)
            inner = _window(each.box, origin, mean.shape, 0)
            if place is None or inner is None:
                continue
            if float(diff[inner].mean()) * math.copysign(1, each.contrast) > 0.3 * abs(each.contrast):
                _learn(mean, diff, place)
                self.there.append(each)
        self.lifted = []

    def _look(self, mean: F32, diff: F32, origin: tuple[int, int]) -> None:
        kept = []
        inside = np.empty(len(self.there), np.float32)
        _means(diff, np.array([each.box for each in self.there], np.int64), origin[0], origin[1], inside)
        for each, here in zip(self.there, inside.tolist(), strict=True):
            if math.isnan(here):
                continue
            gone = here * math.copysign(1, each.contrast) < -0.3 * abs(each.contrast)
            each.absent = each.absent + 1 if gone else 0
            if each.absent < LOOKS_TO_LEAVE:
                kept.append(each)
            elif (place := _window(each.box, origin, mean.shape, MARGIN_PX)) is not None:
                _learn(mean, diff, place)
        self.there = kept


def _learn(mean: F32, diff: F32, place: tuple[slice, slice]) -> None:
    """Take what differs into the scene, where it differs no more: places overlap, and must not learn it twice."""
    mean[place] += diff[place]
    diff[place] = 0.0


@numba.njit(cache=True, nogil=True)
def _means(diff: F32, boxes: NDArray[np.int64], origin_x: int, origin_y: int, out: F32) -> None:
    """Mean difference in each box (N, 4), of which a rocky scene has hundreds; NaN where none of it is in view."""
    rows, columns = diff.shape
    for n in range(boxes.shape[0]):
        x0, y0 = max(boxes[n, 0] - origin_x, 0), max(boxes[n, 1] - origin_y, 0)
        x1, y1 = min(boxes[n, 2] - origin_x, columns), min(boxes[n, 3] - origin_y, rows)
        total = 0.0
        for y in range(y0, y1):
            for x in range(x0, x1):
                total += diff[y, x]
        out[n] = total / ((x1 - x0) * (y1 - y0)) if x1 > x0 and y1 > y0 else np.nan


def _window(
    box: tuple[int, int, int, int], origin: tuple[int, int], shape: tuple[int, ...], margin: int
) -> tuple[slice, slice] | None:
    """Where a box lies in the scene now; None where no part of it is in view."""
    x0, y0 = max(box[0] - origin[0] - margin, 0), max(box[1] - origin[1] - margin, 0)
    x1, y1 = min(box[2] - origin[0] + margin, shape[1]), min(box[3] - origin[1] + margin, shape[0])
    return (slice(y0, y1), slice(x0, x1)) if x1 > x0 and y1 > y0 else None


def _ring(window: F32) -> F32:
    """The outer two pixels of a window, all the way round."""
    sides = (window[:2].ravel(), window[-2:].ravel(), window[2:-2, :2].ravel(), window[2:-2, -2:].ravel())
    return np.concatenate(sides)


@numba.njit(cache=True, nogil=True)
def _middle_and_spread(values: F32) -> tuple[float, float]:
    """Median and standard deviation of a few values; hundreds of calls of NumPy's would be felt at the start."""
    ordered = np.sort(values)
    count = ordered.shape[0]
    mean = 0.0
    for k in range(count):
        mean += ordered[k]
    mean /= count
    square = 0.0
    for k in range(count):
        square += (ordered[k] - mean) ** 2
    return 0.5 * (ordered[(count - 1) // 2] + ordered[count // 2]), math.sqrt(square / count)


def standing_out(picture: F32, noise: float) -> list[Stood]:
    """Compact things that stand out of even surroundings in a smoothed picture (H, W) whose own noise was `noise`.

    Found as top hats of both signs with a window of a twentieth of the width; kept where the ring around them is flat.
    """
    rows, columns = picture.shape
    reach = max(5, columns // 20) | 1
    kernel = np.ones((reach, reach), np.uint8)
    least = max(10.0, 3.0 * noise)
    found: list[Stood] = []
    for operation in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        hat = cv2.morphologyEx(picture, operation, kernel)
        count, _, stats, _ = cv2.connectedComponentsWithStats((hat > least).astype(np.uint8), connectivity=8)
        for x, y, w, h, area in stats[1:count].tolist():
            if area < 6 or w >= reach or h >= 2 * reach or x < 6 or y < 6 or x + w > columns - 6 or y + h > rows - 6:
                continue
            ring = _ring(picture[y - 5 : y + h + 5, x - 5 : x + w + 5])
            inside = picture[y : y + h, x : x + w]
            around, spread = _middle_and_spread(ring)
            peak = float(inside.max() if operation == cv2.MORPH_TOPHAT else inside.min()) - around
            if spread < 0.15 * abs(peak):
                contrast = float(inside.mean()) - around
                found.append(Stood(len(found) + 1, (x, y, x + w, y + h), around, contrast))
    return found
