"""The velocity somebody was lost with, from places that err."""

import numpy as np
import pytest

from marsad.fuse.trail import Trail
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.track import Track

S = 1_000_000_000


def track(seconds: float, east: float, north: float, *, located: bool = True) -> Track:
    ground = GroundState(
        position=Position(latitude_deg=34.0, longitude_deg=41.0), east_m=east, north_m=north,
        covariance=GroundCovariance(east_m2=4.0, east_north_m2=1.0, north_m2=90.0), velocity_east_m_s=25.0,
        velocity_north_m_s=-14.0, range_m=900.0,
    )  # fmt: skip
    return Track(
        track_id=4, camera_id="mast", origin="own", time_ns=round(seconds * S), frame_index=0, status="confirmed",
        box=Box(x_px=1, y_px=1, w_px=2, h_px=5), velocity_x_px_s=0.0, velocity_y_px_s=0.0, contrast_counts=5.0,
        snr=9.0, kind="person", kind_confidence=0.9, confidence=0.9, first_ns=0, confirmed_ns=0,
        ground=ground if located else None,
    )  # fmt: skip


def walked(rng: np.random.Generator, seconds: int, *, east_m: float = 0.5, north_m: float = 4.0) -> Trail:
    """Somebody who goes 1.2 m/s east and 0.6 north, his places off by so much."""
    trail = Trail(track(0, 0, 0))
    for second in range(1, seconds + 1):
        east, north = 1.2 * second + rng.normal(0, east_m), 0.6 * second + rng.normal(0, north_m)
        trail.add(track(second, east, north))
    return trail


def test_the_velocity_is_that_of_the_way_and_its_covariance_is_true() -> None:
    rng = np.random.default_rng(5)
    squared = []
    for _ in range(300):
        lost = walked(rng, 25).lost("person", 0.0)
        c = lost.velocity_covariance
        off = np.array([lost.velocity_east_m_s - 1.2, lost.velocity_north_m_s - 0.6])
        squared.append(off @ np.linalg.solve([[c.east_m2, c.east_north_m2], [c.east_north_m2, c.north_m2]], off) / 2)
    # White errors are the kind case: the covariance allows for four times as much.
    assert 0.1 < float(np.mean(squared)) < 0.5
    assert abs(lost.velocity_north_m_s - 0.6) < 1.0


def test_only_the_last_seconds_count() -> None:
    trail = Trail(track(0, 0, 0))
    for second in range(1, 100):
        trail.add(track(second, 5.0 * min(second, 60), 0.0))
    assert trail.lost("person", 0.3).velocity_east_m_s == pytest.approx(0, abs=1e-9)


def test_what_was_seen_too_shortly_may_go_anywhere() -> None:
    lost = walked(np.random.default_rng(1), 2).lost("vehicle", 0.0)
    assert (lost.velocity_east_m_s, lost.velocity_north_m_s) == (0, 0)
    assert lost.velocity_covariance.east_m2 == pytest.approx(64)
    assert lost.id == "mast/4"


def test_points_that_repeat_or_have_no_place_are_passed_over() -> None:
    trail = walked(np.random.default_rng(2), 10)
    before = trail.lost("person", 0.3)
    trail.add(track(10, 900, 900))
    trail.add(track(3, 900, 900))
    trail.add(track(11, 900, 900, located=False))
    assert trail.lost("person", 0.3) == before
    with pytest.raises(InputError, match="no place"):
        Trail(track(0, 0, 0, located=False)).lost("person", 0.3)


def test_velocity_is_never_known_better_than_asked() -> None:
    lost = walked(np.random.default_rng(3), 25, east_m=0.0, north_m=0.0).lost("person", 0.4)
    assert lost.velocity_covariance.east_m2 >= 0.16
    assert lost.velocity_covariance.north_m2 >= 0.16
