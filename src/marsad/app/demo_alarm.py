"""The demonstration's alarms, each beside the truth of its own picture."""

import msgspec
import numpy as np

from marsad.app.demo_map import CHI2_95
from marsad.app.performance import Alarm, Performance
from marsad.kernel.position import GroundCovariance
from marsad.kernel.record import Record


class AlarmReport(Record):
    """One alarm beside the truth.

    `cause` is what raised it: the kind of the actor in the box, of what was near the lens, or "nothing" for a false
    alarm; `actor_id` is that actor. `error_m` is the distance from the true place, `error_sigmas` the same in units of
    the stated uncertainty (Mahalanobis); `after_s` counts from the moment when half of the one who raised it could be
    seen.
    """

    camera_id: str
    text: str
    rule: str
    rule_id: str
    direction: str
    time_s: float
    cause: str
    party: str
    kind: str
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    major_m: float | None = None
    minor_m: float | None = None
    error_m: float | None = None
    error_sigmas: float | None = None
    after_s: float | None = None
    count: tuple[int, int, int] | None = None
    actor_id: int | None = None


def ellipse_axes_m(covariance: GroundCovariance) -> tuple[float, float]:
    """The semi-axes of the 95 % ellipse, the longer first."""
    matrix = [[covariance.east_m2, covariance.east_north_m2], [covariance.east_north_m2, covariance.north_m2]]
    minor, major = np.sqrt(np.maximum(np.linalg.eigvalsh(matrix), 0) * CHI2_95)
    return float(major), float(minor)


def sigmas(off_m: np.ndarray, covariance: GroundCovariance) -> float:
    """The Mahalanobis length of an error."""
    matrix = [[covariance.east_m2, covariance.east_north_m2], [covariance.east_north_m2, covariance.north_m2]]
    return float(np.sqrt(off_m @ np.linalg.solve(matrix, off_m)))


def compare(alarm: Alarm, performance: Performance) -> AlarmReport:
    """An alarm beside the truth of its own picture."""
    alert, truth = alarm.alert, alarm.actor
    report = AlarmReport(
        camera_id=alert.camera_id,
        text=alert.text,
        rule=alert.rule,
        rule_id=alert.rule_id,
        direction=alert.direction,
        time_s=round(alarm.time_s, 2),
        cause=alarm.cause,
        party="" if truth is None else truth.party,
        actor_id=None if truth is None else truth.actor_id,
        kind=alert.kind,
        count=None if alert.count is None else (alert.count.low, alert.count.best, alert.count.high),
    )
    ground = alert.ground
    if ground is not None:
        major_m, minor_m = ellipse_axes_m(ground.covariance)
        report = msgspec.structs.replace(
            report,
            latitude_deg=round(ground.position.latitude_deg, 6),
            longitude_deg=round(ground.position.longitude_deg, 6),
            major_m=round(major_m, 2),
            minor_m=round(minor_m, 2),
        )
    if truth is None:
        return report
    if truth.actor_id in performance.entered:
        after_s = alarm.time_s - performance.entered[truth.actor_id]
        report = msgspec.structs.replace(report, after_s=round(after_s, 2))
    if ground is None:
        return report
    off = np.array([ground.east_m - truth.east_m, ground.north_m - truth.north_m])
    return msgspec.structs.replace(
        report, error_m=round(float(np.hypot(*off)), 2), error_sigmas=round(sigmas(off, ground.covariance), 2)
    )
