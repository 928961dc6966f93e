"""What the fuser must know of those who report: where they look from, how well, and what may be off."""

import math

import numpy as np
from msgspec.structs import astuple

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

    def check(self, measurement: Measurement) -> None:
        """Nothing if the measurement is one of this source. Raises InputError."""
        if measurement.bearing is None:
            raise InputError(f"camera {self.source_id} reports directions; a measurement of it has none")
        bearing = measurement.bearing
        _check_numbers(
            self.source_id, (bearing.azimuth_rad, bearing.elevation_rad),
            (bearing.azimuth_rad2, bearing.azimuth_elevation_rad2, bearing.elevation_rad2),
        )  # fmt: skip

    def arrays(self, measurements: tuple[Measurement, ...]) -> tuple[Array, Array]:
        """Azimuths from the heading and elevations (M, 2), and their covariances (M, 2, 2)."""
        values, noises = np.empty((len(measurements), 2)), np.empty((len(measurements), 2, 2))
        for i, measurement in enumerate(measurements):
            bearing = measurement.bearing
            if bearing is None:
                continue
            across = (bearing.azimuth_rad - self.sight.heading_rad + math.pi) % (2 * math.pi) - math.pi
            values[i] = across, bearing.elevation_rad
            cross = bearing.azimuth_elevation_rad2
            noises[i] = (bearing.azimuth_rad2, cross), (cross, bearing.elevation_rad2)
        return values, noises


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

    def check(self, measurement: Measurement) -> None:
        """Nothing if the measurement is one of this source. Raises InputError."""
        if measurement.fix is None:
            raise InputError(f"source {self.source_id} reports places on the ground; a measurement of it has none")
        fix = measurement.fix
        cover = fix.covariance
        _check_numbers(self.source_id, (fix.east_m, fix.north_m), (cover.east_m2, cover.east_north_m2, cover.north_m2))

    def arrays(self, measurements: tuple[Measurement, ...]) -> tuple[Array, Array]:
        """Places (M, 2) and their covariances (M, 2, 2)."""
        fixes = [m.fix for m in measurements if m.fix is not None]
        place = np.array([(fix.east_m, fix.north_m) for fix in fixes]).reshape(-1, 2)
        cover = np.array([astuple(fix.covariance) for fix in fixes]).reshape(-1, 3)
        return place, np.ascontiguousarray(cover[:, _AS_MATRIX]).reshape(-1, 2, 2)


_AS_MATRIX = (0, 1, 1, 2)
"""Where in a ground covariance's fields the four numbers of its matrix stand."""


Sensor = CameraSensor | PlaceSensor


def _check_numbers(source_id: str, value: tuple[float, float], cover: tuple[float, float, float]) -> None:
    """Nothing if a report is of finite numbers and its covariance is one. Raises InputError."""
    if not (math.isfinite(value[0]) and math.isfinite(value[1])):
        raise InputError(f"source {source_id} reports {value}: both numbers must be finite")
    one, cross, two = cover
    if not (one > 0 and two > 0 and one * two > cross * cross and math.isfinite(one + two)):
        raise InputError(
            f"source {source_id} reports with the covariance ({one:g}, {cross:g}, {two:g}): both variances must be "
            "above 0, and the covariance below their geometric mean"
        )
