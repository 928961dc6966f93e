"""What the fuser must know of those who report: where they look from, how well, and what may be off."""

import math
from collections.abc import Sequence

import numpy as np

from marsad.fuse.hypotheses import Sight
from marsad.geo.elevation import SurfaceArrays
from marsad.geo.geodesy import Array
from marsad.geo.ground import CameraView, optics
from marsad.kernel.error import InputError
from marsad.kernel.measurement import Measurement
from marsad.kernel.record import Record
from marsad.kernel.site import Camera, Terrain

_USUAL_RANGE_M = 1500.0
_EVERYWHERE = (-math.inf, -math.inf, math.inf, math.inf)


class Reporting(Record):
    """How a source reports.

    `detection` is the probability that it reports what shows itself, `patience_s` for how long at a time a thing in
    view does not, 0 where each look stands for itself, `false_per_km2` how many reports of nothing it makes a look. The
    clock may be off by `clock_sigma_s`. Mounts drift by `drift_rad` (one sigma) in an hour.
    """

    detection: float = 0.9
    patience_s: float = 8.0
    false_per_km2: float = 2e-4
    clock_sigma_s: float = 0.02
    drift_rad: float = 2e-4

    def fresh(self, since_ns: int) -> float:
        """How much of what comes again with every look is another so long after the look before."""
        return 1.0 if self.patience_s <= 0 else -math.expm1(-since_ns / 1e9 / self.patience_s)


class CameraSensor:
    """A camera that reports directions."""

    def __init__(self, camera: Camera, view: CameraView, terrain: Terrain, reporting: Reporting | None = None) -> None:
        self.source_id = camera.id
        self.reporting = reporting or Reporting()
        self.surface: SurfaceArrays = view.surface.arrays
        lens, pose = camera.lens, view.pose
        optic = optics(lens)
        self.sight = Sight(
            origin=view.origin,
            local=np.ascontiguousarray(view.to_site),
            refraction=view.refraction,
            heading_rad=math.radians(pose.azimuth_deg),
            tilt_rad=math.radians(pose.elevation_deg),
            half_across_rad=math.atan(lens.width_px / 2 / optic.focal_x_px),
            half_up_rad=math.atan(lens.height_px / 2 / optic.focal_y_px),
            reach_m=camera.reach_m,
        )
        self.height_sigma_m = terrain.sigma_m
        self.correlation_m = terrain.correlation_m
        sigma = pose.sigma
        across = math.radians(sigma.azimuth_deg) ** 2 + (sigma.horizontal_m / _USUAL_RANGE_M) ** 2
        rolled = math.radians(sigma.roll_deg) * self.sight.half_across_rad / 2
        # A lens that stands on the elevation data is as wrong in height as they are there.
        stands = 0.0 if pose.ground_height_m is not None else terrain.sigma_m
        upward = math.radians(sigma.elevation_deg) ** 2 + rolled**2
        upward += (sigma.height_m**2 + stands**2) / _USUAL_RANGE_M**2
        self._prior = (across, upward, self.reporting.clock_sigma_s**2)
        self.false_per_m2 = self.reporting.false_per_km2 * 1e-6

    def bias_prior(self) -> list[tuple[float, float]]:
        """Variance, and its growth a second, of azimuth, elevation and clock."""
        rate = self.reporting.drift_rad**2 / 3600
        return [(self._prior[0], rate), (self._prior[1], rate), (self._prior[2], 0.0)]

    def arrays(self, measurements: Sequence[Measurement]) -> tuple[Array, Array]:
        """Azimuths from the heading and elevations (M, 2), and their covariances (M, 2, 2).

        Raises: InputError for a measurement that is not one of this source.
        """
        bearings = [m.bearing for m in measurements if m.bearing is not None]
        if len(bearings) < len(measurements):
            raise InputError(f"camera {self.source_id} reports directions; a measurement of it has none")
        value = np.array([(b.azimuth_rad, b.elevation_rad) for b in bearings]).reshape(-1, 2)
        cover = np.array([(b.azimuth_rad2, b.azimuth_elevation_rad2, b.elevation_rad2) for b in bearings])
        noise = _checked(self.source_id, value, cover.reshape(-1, 3))
        value[:, 0] = (value[:, 0] - self.sight.heading_rad + math.pi) % (2 * math.pi) - math.pi
        return value, noise


class PlaceSensor:
    """A source that reports places on the ground: a radar, a post, a patrol's GPS.

    `covers` is the rectangle in which it would report what is there (west, south, east, north); a patrol reports only
    itself and covers nothing.
    """

    def __init__(
        self,
        source_id: str,
        covers: tuple[float, float, float, float] = _EVERYWHERE,
        reporting: Reporting | None = None,
    ) -> None:
        self.source_id = source_id
        self.covers = covers
        self.reporting = reporting or Reporting()
        self.false_per_m2 = self.reporting.false_per_km2 * 1e-6

    def bias_prior(self) -> list[tuple[float, float]]:
        """Variance, and its growth a second, of azimuth, elevation and clock: it has but a clock."""
        return [(0.0, 0.0), (0.0, 0.0), (self.reporting.clock_sigma_s**2, 0.0)]

    def arrays(self, measurements: Sequence[Measurement]) -> tuple[Array, Array]:
        """Places (M, 2) and their covariances (M, 2, 2).

        Raises: InputError for a measurement that is not one of this source.
        """
        fixes = [m.fix for m in measurements if m.fix is not None]
        if len(fixes) < len(measurements):
            raise InputError(f"source {self.source_id} reports places on the ground; a measurement of it has none")
        covers = [fix.covariance for fix in fixes]
        # Column by column: a tuple for each of a thousand reports takes twice as long.
        place = np.array([[fix.east_m for fix in fixes], [fix.north_m for fix in fixes]])
        cover = np.array([[c.east_m2 for c in covers], [c.east_north_m2 for c in covers], [c.north_m2 for c in covers]])
        return np.ascontiguousarray(place.T), _checked(self.source_id, place.T, cover.T)


_AS_MATRIX = (0, 1, 1, 2)
"""Where among a covariance's three numbers the four of its matrix stand."""


Sensor = CameraSensor | PlaceSensor


def _checked(source_id: str, value: Array, cover: Array) -> Array:
    """Covariances (M, 2, 2) of reports (M, 2) out of their numbers (M, 3). Raises InputError for what is none."""
    one, cross, two = cover.T
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(value).all(axis=1)
        sound = (one > 0) & (two > 0) & (one * two > cross * cross) & np.isfinite(one + two)
    if not finite.all():
        told = tuple(value[~finite][0].tolist())
        raise InputError(f"source {source_id} reports {told}: both numbers must be finite")
    if not sound.all():
        bad = ", ".join(f"{number:g}" for number in cover[~sound][0])
        raise InputError(
            f"source {source_id} reports with the covariance ({bad}): both variances must be "
            "above 0, and the covariance below their geometric mean"
        )
    return np.ascontiguousarray(cover[:, _AS_MATRIX]).reshape(-1, 2, 2)
