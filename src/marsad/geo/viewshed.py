"""The ground that can be seen from a point, cell by cell, by exact sight lines.

Every cell is asked on its own with the ray that geo/sight casts: the earth's curvature is exact, refraction as told,
and no ridge is stepped over. A cell counts as seen where its centre's point, the target's height above the ground, is.
"""

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from marsad.geo.elevation import Surface
from marsad.geo.geodesy import Array, enu_axes
from marsad.geo.ground import CameraView
from marsad.geo.sight import REFRACTION, clear_many
from marsad.kernel.error import InputError
from marsad.kernel.lattice import Lattice
from marsad.kernel.record import Record, read_only
from marsad.kernel.site import Mask

SEEN, HIDDEN, OUT_OF_FIELD, OUT_OF_REACH, UNKNOWN = range(5)
"""What a viewshed says of a cell: seen; behind ground; not in the picture; too far; the ground there is not known."""

TARGET_M = 1.0
"""How far above the ground something must be seen: of somebody who stands, more than the head."""


class Viewshed(Record, eq=False):
    """What can be seen from one point, arrays (rows, columns).

    `status` is uint8: 0 seen, 1 hidden, 2 out of field, 3 out of reach, 4 unknown. `clear` is whether the sight line
    is free, also out of the field where it was asked for there; `range_m` float32 is NaN where the ground is unknown.
    """

    lattice: Lattice
    status: NDArray[np.uint8]
    clear: NDArray[np.bool_]
    range_m: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("status", "clear", "range_m"):
            msgspec.structs.force_setattr(self, name, read_only(getattr(self, name)))

    @property
    def seen(self) -> NDArray[np.bool_]:
        """The cells that are seen."""
        found: NDArray[np.bool_] = self.status == SEEN
        return found


def camera_viewshed(
    view: CameraView,
    lattice: Lattice,
    *,
    target_m: float = TARGET_M,
    masks: Sequence[Mask] = (),
    all_round: bool = False,
) -> Viewshed:
    """What a posed camera sees: its field of view without its masks, its reach, and the ground between.

    With `all_round` it is also asked what it would see if it were turned.
    """
    points, known = _targets(view.surface, _centres(lattice), target_m)
    apparent = view.project(*points.T)[2]
    field = in_picture(view, points, masks)
    # Behind the camera there is no pixel and no apparent range: the straight one differs by less than a millimetre.
    range_m = np.where(np.isnan(apparent), np.linalg.norm(points - view.origin, axis=1), apparent)
    reached = range_m <= view.reach_m
    asked = known & reached & (field | all_round)
    clear = _clear(view.surface, view.origin, view.up, points, asked, view.refraction)
    return _viewshed(lattice, known, reached, field, clear, range_m)


def viewshed_from(
    surface: Surface,
    east_m: float,
    north_m: float,
    height_m: float,
    lattice: Lattice,
    *,
    reach_m: float,
    target_m: float = TARGET_M,
    refraction: float = REFRACTION,
) -> Viewshed:
    """What an observer sees who looks all around from so far above the ground.

    Raises: InputError where the ground under him is not known.
    """
    origin, vertical = _observer(surface, east_m, north_m, height_m)
    points, known = _targets(surface, _centres(lattice), target_m)
    range_m = np.linalg.norm(points - origin, axis=1)
    reached = range_m <= reach_m
    clear = _clear(surface, origin, vertical, points, known & reached, refraction)
    return _viewshed(lattice, known, reached, np.ones_like(known), clear, range_m)


def ranges_from(
    surface: Surface, east_m: float, north_m: float, height_m: float, places: Array, *, reach_m: float
) -> Array:
    """(K,) how far the places (K, 2) are that an observer sees who looks all around; infinite where he does not.

    Raises: InputError where the ground under him is not known.
    """
    origin, vertical = _observer(surface, east_m, north_m, height_m)
    points, known = _targets(surface, places, TARGET_M)
    range_m = np.linalg.norm(points - origin, axis=1)
    return np.where(
        _clear(surface, origin, vertical, points, known & (range_m <= reach_m), REFRACTION), range_m, math.inf
    )


def camera_ranges(view: CameraView, places: Array, masks: Sequence[Mask] = ()) -> Array:
    """(K,) how far the places (K, 2) are that a posed camera sees; infinite where it does not."""
    points, known = _targets(view.surface, places, TARGET_M)
    range_m = np.linalg.norm(points - view.origin, axis=1)
    asked = known & (range_m <= view.reach_m) & in_picture(view, points, masks)
    return np.where(_clear(view.surface, view.origin, view.up, points, asked, view.refraction), range_m, math.inf)


def in_picture(view: CameraView, points: Array, masks: Sequence[Mask] = ()) -> NDArray[np.bool_]:
    """(K,) which points (K, 3) would be in a camera's picture, and under none of its masks, were nothing between."""
    x, y, _ = view.project(*points.T)
    field: NDArray[np.bool_] = view.in_picture(x, y)
    for mask in masks:
        field &= ~((x >= mask.x_px) & (x < mask.x_px + mask.w_px) & (y >= mask.y_px) & (y < mask.y_px + mask.h_px))
    return field


def _observer(surface: Surface, east_m: float, north_m: float, height_m: float) -> tuple[Array, Array]:
    """The eye and the vertical of somebody so far above the ground."""
    up = float(surface.up_m(east_m, north_m))
    if math.isnan(up):
        raise InputError(f"the ground at east {east_m:.0f} m, north {north_m:.0f} m is not known: load a tile there")
    place = surface.frame.position(east_m, north_m, up)
    vertical = (enu_axes(place.latitude_deg, place.longitude_deg) @ surface.frame.axes.T)[2]
    return np.array([east_m, north_m, up + height_m]), vertical


def _centres(lattice: Lattice) -> Array:
    return np.stack([axis.ravel() for axis in lattice.centres()], axis=1)


def _targets(surface: Surface, places: Array, target_m: float) -> tuple[Array, NDArray[np.bool_]]:
    """The points (N, 3) that are looked for, and whether the ground under them is known."""
    east, north = places.T
    up = surface.up_m(east, north) + target_m
    return np.stack([east, north, up], axis=1), ~np.isnan(up)


def _clear(
    surface: Surface, origin: Array, up: Array, points: Array, asked: NDArray[np.bool_], refraction: float
) -> NDArray[np.bool_]:
    clear = np.zeros(len(points), np.bool_)
    clear[asked] = clear_many(surface.arrays, origin, np.ascontiguousarray(up), points[asked], refraction)
    return clear


def _viewshed(
    lattice: Lattice,
    known: NDArray[np.bool_],
    reached: NDArray[np.bool_],
    field: NDArray[np.bool_],
    clear: NDArray[np.bool_],
    range_m: Array,
) -> Viewshed:
    status = np.select([~known, ~reached, ~field, ~clear], [UNKNOWN, OUT_OF_REACH, OUT_OF_FIELD, HIDDEN], SEEN)
    return Viewshed(
        lattice=lattice,
        status=status.astype(np.uint8).reshape(lattice.shape),
        clear=clear.reshape(lattice.shape),
        range_m=range_m.astype(np.float32).reshape(lattice.shape),
    )
