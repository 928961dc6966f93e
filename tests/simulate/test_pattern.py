"""Patterns that lie in the world."""

from itertools import pairwise

import numpy as np
import pytest

from marsad.simulate.pattern import Footprint, Pattern, footprint


def even(step_m: float, size: int = 400, offset_m: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Points of a square lattice."""
    along = np.arange(size, dtype=np.float32) * step_m + offset_m
    east, north = np.meshgrid(along, along)
    return east, north


def test_a_pattern_has_about_unit_variance_and_lies_where_it_lies() -> None:
    pattern = Pattern(np.random.default_rng(1), longest_m=120.0, shortest_m=8.0)
    east, north = even(3.0)
    found = pattern.at(east, north)
    assert found.std() == pytest.approx(1.0, abs=0.15)
    np.testing.assert_allclose(pattern.at(east[::3, ::5], north[::3, ::5]), found[::3, ::5], atol=1e-5)


def test_power_falls_as_steeply_as_asked() -> None:
    for steepness in (2.0, 3.0):
        pattern = Pattern(np.random.default_rng(2), longest_m=512.0, shortest_m=4.0, steepness=steepness)
        found = pattern.at(*even(1.0, 1024))
        found = (found - found.mean()) * np.outer(np.hanning(1024), np.hanning(1024))
        power = np.abs(np.fft.rfft2(found)) ** 2
        frequency = np.hypot(np.fft.fftfreq(1024)[:, None], np.fft.rfftfreq(1024)[None])
        edges = np.geomspace(1 / 256, 1 / 8, 12)
        middle, mean = np.sqrt(edges[:-1] * edges[1:]), []
        for low, high in pairwise(edges):
            mean.append(power[(frequency >= low) & (frequency < high)].mean())
        slope = np.polyfit(np.log(middle), np.log(mean), 1)[0]
        assert -slope == pytest.approx(steepness, abs=0.3)


def test_what_is_finer_than_a_pixel_is_averaged_away() -> None:
    pattern = Pattern(np.random.default_rng(3), longest_m=1.0, shortest_m=1.0)
    east, north = even(5.0, 60)
    wide = np.full_like(east, 5.0)
    none = np.zeros_like(east)
    assert pattern.over(Footprint(east, north, none, none, none)).std() > 0.8
    assert pattern.over(Footprint(east, north, none, none, wide)).std() < 0.01
    assert pattern.over(Footprint(east, north, none, wide, none)).std() < 0.35


def test_a_footprint_does_not_reach_across_a_ridge() -> None:
    north = np.array([[900.0], [890.0], [300.0], [295.0]], np.float32) * np.ones((1, 3), np.float32)
    seen = footprint(np.zeros_like(north), north, np.ones_like(north), 40.0)
    np.testing.assert_array_equal(seen.down_north_m[1:3], 0)
    np.testing.assert_array_equal(seen.down_north_m[0], -10)
