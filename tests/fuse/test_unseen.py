"""Where those may be whom nobody sees any more."""

import math

import numpy as np
import pytest
from msgspec.structs import replace

from marsad.fuse.unseen import carried, sighting_of
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.picture import PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position

S = 10**9
FRAME = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0))


def track(place: tuple[float, float], *, moment: float, seen: float) -> PictureTrack:
    cover = GroundCovariance(east_m2=9.0, east_north_m2=2.0, north_m2=16.0)
    return PictureTrack(
        track_id="a", origin="own", time_ns=round(moment * S), seen_ns=round(seen * S), status="confirmed",
        existence=0.99, first_ns=0, agility_m2_s3=0.08,
        ground=GroundState(
            position=FRAME.position(*place), east_m=place[0], north_m=place[1], covariance=cover,
            velocity_east_m_s=0.5, velocity_north_m_s=1.2, range_m=900.0,
        ),
        velocity_covariance=GroundCovariance(east_m2=0.04, east_north_m2=0.0, north_m2=0.04),
    )  # fmt: skip


def test_who_was_seen_just_now_is_where_he_was_seen() -> None:
    now = track((100.0, 200.0), moment=50, seen=49.2)
    seen = sighting_of(now)
    assert seen is not None
    assert sighting_of(track((100.0, 200.0), moment=50, seen=48)) is None
    same = carried(now, seen, FRAME)
    assert (same.ground.east_m, same.ground.north_m) == (100.0, 200.0)
    assert same.ground.covariance == now.ground.covariance


def test_what_is_thought_of_his_place_since_makes_no_difference() -> None:
    seen = sighting_of(track((100.0, 200.0), moment=50, seen=50))
    assert seen is not None
    near, far = track((130.0, 260.0), moment=80, seen=50), track((900.0, -400.0), moment=80, seen=50)
    assert carried(near, seen, FRAME).ground.covariance == carried(far, seen, FRAME).ground.covariance
    assert carried(far, seen, FRAME).ground.east_m == pytest.approx(100 + 0.5 * 30, abs=2.5)
    assert carried(far, seen, FRAME).ground.north_m == pytest.approx(200 + 1.2 * 30, abs=5.0)


def test_his_place_is_as_uncertain_as_walkers_who_turn_are_scattered() -> None:
    """For half a minute walkers of that agility are drawn; later nobody is taken to stray faster than he can walk."""
    rng = np.random.default_rng(3)
    seen = sighting_of(track((0.0, 0.0), moment=10, seen=10))
    assert seen is not None
    cover = carried(track((0.0, 0.0), moment=40, seen=10), seen, FRAME).ground.covariance
    step_s, kept = 0.1, math.exp(-0.1 / 120)
    speed = rng.normal(0, 0.2, 4000)
    place = rng.normal(0, 3.0, 4000)
    for _ in range(300):
        place += speed * step_s
        speed = kept * speed + rng.normal(0, math.sqrt(0.08 * step_s), 4000)
    assert math.sqrt(cover.east_m2) == pytest.approx(float(place.std()), rel=0.2)
    late = carried(replace(track((0.0, 0.0), moment=310, seen=10), agility_m2_s3=1.0), seen, FRAME)
    assert math.sqrt(late.ground.covariance.east_m2) < 310.0
