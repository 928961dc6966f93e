"""Pose errors are what they are said to be, and faults fall where and when they are meant to."""

import math

import numpy as np
import pytest

from marsad.kernel.site import Pose, PoseSigma
from marsad.simulate.camera import Frozen, falls_on, true_pose


def test_true_poses_scatter_about_the_measured_one_by_its_sigmas() -> None:
    sigma = PoseSigma(azimuth_deg=0.2, elevation_deg=0.1, roll_deg=0.3, horizontal_m=4.0, height_m=0.5)
    pose = Pose(latitude_deg=34.0, longitude_deg=41.0, mast_m=20.0, azimuth_deg=10.0, elevation_deg=-2.0, sigma=sigma)
    rng = np.random.default_rng(5)
    drawn = [true_pose(pose, rng) for _ in range(3000)]
    metres = 111_195
    for values, spread in (
        ([p.azimuth_deg - 10 for p in drawn], 0.2),
        ([p.elevation_deg + 2 for p in drawn], 0.1),
        ([p.roll_deg for p in drawn], 0.3),
        ([(p.latitude_deg - 34) * metres for p in drawn], 4.0),
        ([(p.longitude_deg - 41) * metres * math.cos(math.radians(34)) for p in drawn], 4.0),
        ([p.mast_m - 20 for p in drawn], 0.5),
    ):
        assert np.std(values) == pytest.approx(spread, rel=0.06)
        assert np.mean(values) == pytest.approx(0, abs=0.08 * spread)


def test_a_fault_falls_on_its_own_camera_in_its_own_time() -> None:
    fault = Frozen(camera="mast", start_s=2.0, end_s=4.0)
    assert [falls_on(fault, "mast", t) for t in (1.9, 2.0, 3.9, 4.0)] == [False, True, True, False]
    assert not falls_on(fault, "other", 3.0)
    assert falls_on(Frozen(start_s=2.0), "other", 1e9)
