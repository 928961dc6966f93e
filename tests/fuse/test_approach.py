"""Where things will be and when they are at a line, held against many simulated walks of the same motion."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from marsad.fuse.approach import ApproachSettings, ahead, approaches_of, corridor_of, line_paths
from marsad.fuse.hypotheses import Rows, predict
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.picture import PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.site import Line

SAME = ApproachSettings(horizon_s=600.0, steady_s=120.0, stray_m_s=10.0, least=0.0, corridor_s=(30.0, 120.0, 240.0))
"""To look ahead exactly as the walkers here walk."""
FRAME = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0))
STEADY_S = 120.0
Floats = NDArray[np.float64]


def thing(
    mean: tuple[float, float, float, float], cover: Floats, agility: float = 0.05, time_ns: int = 10**9
) -> PictureTrack:
    place, rate = cover[:2, :2], cover[2:, 2:]
    return PictureTrack(
        track_id="t", origin="own", time_ns=time_ns, status="confirmed", existence=1.0, first_ns=0, seen_ns=time_ns,
        ground=GroundState(
            position=FRAME.position(mean[0], mean[1]), east_m=mean[0], north_m=mean[1], covariance=record(place),
            velocity_east_m_s=mean[2], velocity_north_m_s=mean[3], range_m=0.0,
        ),
        velocity_covariance=record(rate), place_velocity_m2_s=tuple(cover[:2, 2:].ravel().tolist()),
        agility_m2_s3=agility,
    )  # fmt: skip


def record(matrix: Floats) -> GroundCovariance:
    return GroundCovariance(
        east_m2=float(matrix[0, 0]), east_north_m2=float(matrix[0, 1]), north_m2=float(matrix[1, 1])
    )


def line(*corners: tuple[float, float], inside: str = "right", band_m: float = 0.0) -> Line:
    return Line(id="line", points=tuple(FRAME.position(e, n) for e, n in corners), inside=inside, band_m=band_m)


def walks(
    mean: tuple[float, float, float, float], cover: Floats, agility: float, horizon_s: float, step_s: float = 0.5
) -> Floats:
    """Places (K, N, 2) of many walkers, a step apart, by the exact motion of so small a step."""
    rng = np.random.default_rng(7)
    state = rng.multivariate_normal(mean, cover, size=6000)
    out = [state[:, :2].copy()]
    fade = math.exp(-step_s / STEADY_S)
    for _ in range(round(horizon_s / step_s)):
        state[:, :2] += state[:, 2:] * step_s / 2
        state[:, 2:] = fade * state[:, 2:] + rng.normal(0, math.sqrt(agility * step_s), (len(state), 2))
        state[:, :2] += state[:, 2:] * step_s / 2
        out.append(state[:, :2].copy())
    return np.array(out)


def first_crossings(paths: Floats, corners: list[tuple[float, float]], step_s: float = 0.5) -> Floats:
    """When each walker first steps over the line, infinite where it does not."""
    first = np.full(paths.shape[1], math.inf)
    for a, b in zip(np.array(corners[:-1]), np.array(corners[1:]), strict=True):
        along = b - a
        side = np.sign((paths[..., 0] - a[0]) * along[1] - (paths[..., 1] - a[1]) * along[0])
        share = ((paths - a) @ along) / (along @ along)
        over = (side[1:] != side[:-1]) & (share[1:] >= 0) & (share[1:] <= 1)
        met = over.any(axis=0)
        first[met] = np.minimum(first[met], over.argmax(axis=0)[met] * step_s + step_s)
    return first


COVER = np.array([[400.0, 60.0, 4.0, 0.0], [60.0, 900.0, 1.0, 6.0], [4.0, 1.0, 0.09, 0.01], [0.0, 6.0, 0.01, 0.16]])
CASES = {
    "straight at it": ((0.0, -300.0, 0.2, 1.3), COVER, 0.01, [(-2000.0, 0.0), (2000.0, 0.0)]),
    "aslant": ((-400.0, -250.0, 1.2, 0.7), COVER, 0.03, [(-2000.0, 0.0), (2000.0, 0.0)]),
    "hardly moving": ((0.0, -120.0, 0.1, 0.0), COVER, 0.01, [(-2000.0, 0.0), (2000.0, 0.0)]),
    "restless": ((0.0, -400.0, 0.0, 1.5), COVER, 0.1, [(-3000.0, 0.0), (3000.0, 0.0)]),
    "past its end": ((-350.0, -200.0, 0.8, 1.0), COVER, 0.01, [(-100.0, 0.0), (2000.0, 0.0)]),
    "bent": ((0.0, -300.0, 0.9, 0.9), COVER, 0.01, [(-1000.0, 0.0), (150.0, 0.0), (300.0, -1500.0)]),
    "known well": ((0.0, -200.0, 0.0, 1.4), COVER * 0.02, 0.005, [(-2000.0, 0.0), (2000.0, 0.0)]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_time_to_the_line_is_that_of_many_walks(case: str) -> None:
    mean, cover, agility, corners = CASES[case]
    first = first_crossings(walks(mean, cover, agility, SAME.horizon_s), corners)
    crossed = np.isfinite(first)
    paths = line_paths([line(*corners)], FRAME)
    (told,) = approaches_of(thing(mean, cover, agility), paths, SAME)
    assert told.probability == pytest.approx(crossed.mean(), abs=0.05)
    low, middle, high = np.quantile(first[crossed], (0.05, 0.5, 0.95))
    span = high - low
    assert told.seconds == pytest.approx(middle, abs=0.07 * span + 2)
    assert told.low_s == pytest.approx(low, abs=0.07 * span + 2)
    assert told.high_s == pytest.approx(high, abs=0.07 * span + 2)


@pytest.mark.parametrize(("north_m", "rate", "inside", "direction"), [
    (-200.0, 1.5, "right", "outward"), (-200.0, 1.5, "left", "inward"),
    (200.0, -1.5, "right", "inward"), (200.0, -1.5, "left", "outward"),
])  # fmt: skip
def test_the_site_file_says_what_is_inward(north_m: float, rate: float, inside: str, direction: str) -> None:
    paths = line_paths([line((-2000.0, 0.0), (2000.0, 0.0), inside=inside)], FRAME)
    (told,) = approaches_of(thing((0.0, north_m, 0.0, rate), COVER * 0.05), paths, ApproachSettings())
    assert told.direction == direction
    assert told.line_id == "line"


def test_a_line_that_may_lie_elsewhere_makes_the_time_less_sure() -> None:
    mean, corners = (0.0, -400.0, 0.0, 1.5), ((-2000.0, 0.0), (2000.0, 0.0))
    there, may_be = (
        approaches_of(
            thing(mean, COVER * 0.02, 0.0001), line_paths([line(*corners, band_m=band)], FRAME), ApproachSettings()
        )[0]
        for band in (0.0, 150.0)
    )
    assert may_be.high_s - may_be.low_s > 1.5 * (there.high_s - there.low_s)


def test_what_goes_away_or_is_far_off_approaches_nothing() -> None:
    paths = line_paths([line((-2000.0, 0.0), (2000.0, 0.0))], FRAME)
    assert approaches_of(thing((0.0, -900.0, 0.0, -1.5), COVER * 0.02, 0.001), paths, ApproachSettings()) == ()
    assert approaches_of(thing((0.0, -90_000.0, 0.0, 1.5), COVER), paths, ApproachSettings()) == ()


def test_the_corridor_is_as_wide_as_many_walks_spread() -> None:
    mean, cover, agility, _ = CASES["aslant"]
    paths = walks(mean, cover, agility, 240.0)
    corridor = corridor_of(thing(mean, cover, agility), SAME)
    for waypoint, step_s in zip(corridor, (30.0, 120.0, 240.0), strict=True):
        places = paths[round(step_s / 0.5)]
        spread = np.cov(places.T)
        assert waypoint.time_ns == 10**9 + round(step_s * 1e9)
        assert waypoint.centre.east_m == pytest.approx(places[:, 0].mean(), abs=4 * math.sqrt(spread[0, 0] / 6000))
        assert waypoint.centre.north_m == pytest.approx(places[:, 1].mean(), abs=4 * math.sqrt(spread[1, 1] / 6000))
        assert waypoint.covariance.east_m2 == pytest.approx(spread[0, 0], rel=0.08)
        assert waypoint.covariance.north_m2 == pytest.approx(spread[1, 1], rel=0.08)


def test_looking_ahead_is_what_the_fuser_does_in_small_steps() -> None:
    mean, cover, agility, _ = CASES["restless"]
    spread = np.zeros((1, 5, 5))
    spread[0, :4, :4] = cover
    rows = Rows(
        np.array([0, 1]), np.array([[*mean, 0.0]]), spread, np.zeros((1, 5, 0)), np.ones(1), np.zeros((1, 0, 2))
    )
    for _ in range(600):
        rows = predict(rows, np.array([agility]), 0.1, STEADY_S, 1.0, 300.0)
    then, there = ahead(np.array(mean), cover, agility, STEADY_S, 60.0)
    assert then == pytest.approx(rows.mean[0, :4], rel=1e-6)
    assert there == pytest.approx(rows.spread[0, :4, :4], rel=2e-3, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.0, 3000.0), st.floats(1e-3, 2.0), st.floats(0.01, 0.99), st.floats(1e-3, 1e3), st.floats(-50.0, 50.0)
)
def test_every_covariance_ahead_is_one(
    step_s: float, agility: float, share: float, size: float, velocity: float
) -> None:
    cover = np.diag([size, size * share, 1.0, share])
    cover[0, 2] = cover[2, 0] = 0.9 * math.sqrt(size)
    _, spread = ahead(np.array([0.0, 0.0, velocity, 1.0]), cover, agility, STEADY_S, step_s)
    assert np.linalg.eigvalsh(spread).min() > 0
    assert spread == pytest.approx(spread.T)


@settings(max_examples=40, deadline=None)
@given(st.floats(-800.0, 800.0), st.floats(-800.0, 800.0), st.floats(-3.0, 3.0), st.floats(-3.0, 3.0))
def test_what_is_told_of_an_approach_is_in_order(east_m: float, north_m: float, rate_e: float, rate_n: float) -> None:
    paths = line_paths([line((-500.0, -100.0), (0.0, 50.0), (500.0, -100.0))], FRAME)
    for told in approaches_of(thing((east_m, north_m, rate_e, rate_n), COVER), paths, ApproachSettings()):
        assert 0.05 <= told.probability <= 1
        assert 0 <= told.low_s <= told.seconds <= told.high_s <= 900
