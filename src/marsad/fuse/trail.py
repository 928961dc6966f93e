"""Where a track has been of late, and with what velocity it was lost.

A track's own velocity on the ground is that of half a second: far off it strays by metres a second, along the line of
sight most. The way of the last seconds tells it far better.
"""

from collections import deque
from typing import Final

import numpy as np

from marsad.fuse.motion import MOTIONS
from marsad.kernel.error import InputError
from marsad.kernel.position import GroundCovariance
from marsad.kernel.presence import LostTrack
from marsad.kernel.track import Kind, Track

KEPT_S: Final = 20.0
LEAST_S: Final = 4.0
LEAST_POINTS: Final = 4
_LEAST_M2: Final = 1.0
_DOUBT: Final = 4.0
"""How many times the scatter about the way is taken for the error: neighbouring points err alike."""


class Trail:
    """The last seconds of one located track; `newest` is its newest record."""

    def __init__(self, track: Track) -> None:
        self._points: deque[tuple[int, float, float]] = deque()
        self.newest = track
        self.add(track)

    def add(self, track: Track) -> None:
        """Take the track as known at a moment; one that is not newer, or not located, is passed over."""
        ground = track.ground
        if ground is None or (self._points and track.time_ns <= self._points[-1][0]):
            return
        self.newest = track
        self._points.append((track.time_ns, ground.east_m, ground.north_m))
        while track.time_ns - self._points[0][0] > KEPT_S * 1e9:
            self._points.popleft()

    def lost(self, kind: Kind, least_m_s: float) -> LostTrack:
        """The track as it is lost now: a velocity known no better than `least_m_s`, or no better than its kind's speed.

        Raises: InputError for a track that was never located.
        """
        track, ground = self.newest, self.newest.ground
        if ground is None:
            raise InputError(f"track {track.camera_id}/{track.track_id} has no place on the ground: nobody to look for")
        east_m_s, north_m_s, east, both, north = self._velocity(kind)
        floor = least_m_s**2
        return LostTrack(
            id=f"{track.camera_id}/{track.track_id}",
            time_ns=track.time_ns,
            kind=kind,
            east_m=ground.east_m,
            north_m=ground.north_m,
            covariance=ground.covariance,
            velocity_east_m_s=east_m_s,
            velocity_north_m_s=north_m_s,
            velocity_covariance=GroundCovariance(east_m2=east + floor, east_north_m2=both, north_m2=north + floor),
        )

    def _velocity(self, kind: Kind) -> tuple[float, float, float, float, float]:
        """The velocity of the straight way through the points, and its covariance as east, east-north, north."""
        points = np.array(
            [((time_ns - self._points[0][0]) / 1e9, east, north) for time_ns, east, north in self._points]
        )
        seconds = points[:, 0] - points[:, 0].mean()
        if len(points) < LEAST_POINTS or points[-1, 0] < LEAST_S:
            usual = MOTIONS.get(kind, MOTIONS["unknown"]).speed_m_s ** 2
            return 0.0, 0.0, usual, 0.0, usual
        spread = float(seconds @ seconds)
        slope = seconds @ points[:, 1:] / spread
        rest = points[:, 1:] - points[:, 1:].mean(axis=0) - np.outer(seconds, slope)
        error = (rest.T @ rest / (len(points) - 2) + _LEAST_M2 * np.eye(2)) * _DOUBT / spread
        return float(slope[0]), float(slope[1]), float(error[0, 0]), float(error[0, 1]), float(error[1, 1])
