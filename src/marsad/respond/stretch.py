"""Which parts of a site's lines each camera looks along, and what nobody looks at without one of them.

Fields of view are taken flat: what the ground hides is the planner's matter, and that of the map.
"""

import math
from collections.abc import Collection
from typing import Final

import numpy as np
from numpy.typing import NDArray

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.site import Camera, Line, Site
from marsad.respond.path import corners_of

STEP_M: Final = 10.0
"""A line is looked at in pieces of so many metres at the most."""

Pieces = NDArray[np.bool_]


class Stretches:
    """The pieces of a site's lines, and who has them in view."""

    def __init__(self, site: Site, frame: EnuFrame) -> None:
        pieces = [_pieces(line, frame) for line in site.lines]
        self._names = [line.id for line in site.lines]
        self._bounds = np.cumsum([0, *(len(each) for each in pieces)]).tolist()
        places = np.concatenate(pieces) if pieces else np.empty((0, 3))
        self._length_m = places[:, 2]
        self._seen = {camera.id: _in_view(camera, places, frame) for camera in site.cameras if camera.pose is not None}

    def knows(self, camera_id: str) -> bool:
        """Whether it is known where a camera looks, and there is a line that it could look at."""
        return camera_id in self._seen and len(self._length_m) > 0

    def alone_m(self, camera_id: str, others: Collection[str]) -> dict[str, float]:
        """The metres of each line that a camera has in view and none of the others has, lines with none left out."""
        alone = self._seen[camera_id].copy()
        for other in others:
            if other in self._seen and other != camera_id:
                alone &= ~self._seen[other]
        found = {
            name: float(self._length_m[first:last] @ alone[first:last])
            for name, first, last in zip(self._names, self._bounds, self._bounds[1:], strict=False)
        }
        return {name: length_m for name, length_m in found.items() if length_m > 0}


def _pieces(line: Line, frame: EnuFrame) -> NDArray[np.float64]:
    """East and north of each piece's middle, and its length, (N, 3)."""
    corners = corners_of(frame, line.points)
    found = []
    for start, way in zip(corners[:-1], np.diff(corners, axis=0), strict=True):
        length_m = float(np.hypot(*way))
        count = max(math.ceil(length_m / STEP_M), 1)
        share = (np.arange(count) + 0.5) / count
        found.append(np.column_stack([start + share[:, None] * way, np.full(count, length_m / count)]))
    return np.concatenate(found)


def _in_view(camera: Camera, places: NDArray[np.float64], frame: EnuFrame) -> Pieces:
    pose = camera.pose
    assert pose is not None  # noqa: S101 - only those that stand somewhere are asked
    east, north, _ = frame.from_geodetic(pose.latitude_deg, pose.longitude_deg, 0.0)
    off_e, off_n = places[:, 0] - float(east), places[:, 1] - float(north)
    off_deg = (np.degrees(np.arctan2(off_e, off_n)) - pose.azimuth_deg + 180) % 360 - 180
    near = np.hypot(off_e, off_n) <= camera.reach_m
    seen: Pieces = near & (np.abs(off_deg) <= camera.lens.horizontal_fov_deg / 2)
    return seen
