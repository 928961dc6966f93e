"""What a camera could see of a walker by geometry alone: outside the picture, behind ground, too small, or in view."""

import math
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marsad.geo.ground import CameraView, dem_error
from marsad.kernel.site import Mask, Terrain
from marsad.report.crossing import Array, Places

Sight = Literal["not watching", "outside the picture", "dead ground", "too small", "glimpsed", "in view"]
"""From worst to best; dead ground is ground that the terrain hides, a glimpse too short to count as being in view."""

OUTSIDE: Final = 0
HIDDEN: Final = 1
SMALL: Final = 2
SEEN: Final = 3
SIGHTS: Final[tuple[Sight, ...]] = ("outside the picture", "dead ground", "too small", "glimpsed")
RANKED: Final[tuple[Sight, ...]] = (*SIGHTS, "in view")

_DETECTION_PX = 2.0
_FOOT_SHARE = 0.2


class Look(NamedTuple):
    """What one camera could see of a walker at some moments, arrays (M,): the best of `SIGHTS`, and how large."""

    sight: NDArray[np.int8]
    height_px: Array
    range_m: Array


class Eye:
    """One posed camera of the site, and how well its pose and its ground are known."""

    def __init__(self, camera_id: str, view: CameraView, terrain: Terrain, masks: tuple[Mask, ...] = ()) -> None:
        self.camera_id = camera_id
        self.view = view
        self._masks = masks
        self._dem_m = dem_error(terrain, view.pose)[0]

    def look(self, places: Places, height_m: float, least_px: float) -> Look:
        """What is to be seen of somebody of a height: at least the upper half of him, and large enough.

        Where it is not known where he was, he counts as outside the picture.
        """
        view = self.view
        known = np.isfinite(places.east_m)
        east, north = np.where(known, places.east_m, 0.0), np.where(known, places.north_m, 0.0)
        up = view.surface.up_m(east, north)
        foot_x, foot_y, distance = view.project(east, north, up)
        head_x, head_y, _ = view.project(east, north, up + height_m)
        tall = np.hypot(head_x - foot_x, head_y - foot_y)
        middle_x, middle_y, _ = view.project(east, north, up + height_m / 2)
        inside = known & view.in_picture(middle_x, middle_y) & ~self._masked(middle_x, middle_y)
        inside &= distance <= view.reach_m
        clear = np.zeros(len(east), np.bool_)
        clear[inside] = view.sees(east[inside], north[inside], height_m / 2)
        sight = np.where(inside, np.where(clear, np.where(tall >= least_px, SEEN, SMALL), HIDDEN), OUTSIDE)
        return Look(sight.astype(np.int8), np.nan_to_num(tall), distance)

    def picture_distance2(self, places: Places, foot_px: Array, height_px: Array, clock_s: float) -> Array:
        """Squared Mahalanobis distances between boxes' feet (M, 2) and where walkers should appear.

        What is uncertain is the GPS, the clock, the camera's pose, the ground's height and the box's lower edge.
        """
        view, focal = self.view, self.view.optics.focal_x_px
        east, north = places.east_m, places.north_m
        x, y, distance = self._feet(east, north)
        moved = [self._feet(east + de, north + dn) for de, dn in ((1.0, 0.0), (0.0, 1.0))]
        jac = np.stack([np.stack([mx - x, my - y], axis=-1) for mx, my, _ in moved], axis=-1)
        spread = (places.sigma_m**2)[:, None, None] * jac @ np.swapaxes(jac, 1, 2)
        run = clock_s * (jac @ np.stack([places.east_m_s, places.north_m_s], axis=-1)[:, :, None])
        spread = spread + run @ np.swapaxes(run, 1, 2)
        sigma = view.pose.sigma
        spread[:, 0, 0] += _DETECTION_PX**2 + (focal * math.radians(sigma.azimuth_deg)) ** 2
        foot2 = _DETECTION_PX**2 + (_FOOT_SHARE * height_px) ** 2
        height2 = (focal * math.hypot(self._dem_m, sigma.height_m) / distance) ** 2
        spread[:, 1, 1] += foot2 + (focal * math.radians(sigma.elevation_deg)) ** 2 + height2
        off = foot_px - np.stack([x, y], axis=-1)
        return squared(off, spread)

    def _feet(self, east: Array, north: Array) -> tuple[Array, Array, Array]:
        return self.view.project(east, north, self.view.surface.up_m(east, north))

    def _masked(self, x_px: Array, y_px: Array) -> NDArray[np.bool_]:
        hidden = np.zeros(len(x_px), np.bool_)
        for mask in self._masks:
            across = (x_px >= mask.x_px) & (x_px < mask.x_px + mask.w_px)
            hidden |= across & (y_px >= mask.y_px) & (y_px < mask.y_px + mask.h_px)
        return hidden


def squared(off: Array, spread: Array) -> Array:
    """The squared Mahalanobis length of offsets (M, 2) under covariances (M, 2, 2); infinite where not known."""
    a, b, d = spread[:, 0, 0], spread[:, 0, 1], spread[:, 1, 1]
    inside = a * d - b * b
    with np.errstate(divide="ignore", invalid="ignore"):
        value = (d * off[:, 0] ** 2 - 2 * b * off[:, 0] * off[:, 1] + a * off[:, 1] ** 2) / inside
    return np.where(np.isfinite(value), value, np.inf)
