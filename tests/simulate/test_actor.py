"""Bodies stand on the ground, are as tall as they say, and walk in step."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.simulate.actor import Actor, Waypoint, body, place

ORIGIN = (Waypoint(east_m=0.0, north_m=0.0),)


def extent(actor: Actor, stride_rad: float) -> tuple[float, float]:
    limbs = body(actor, stride_rad)
    low = min(min(limb.start_m[2], limb.end_m[2]) - limb.radius_m for limb in limbs)
    return low, max(max(limb.start_m[2], limb.end_m[2]) + limb.radius_m for limb in limbs)


@given(height_m=st.floats(1.0, 2.1), stride=st.floats(0, 2 * math.pi))
def test_a_person_stands_on_the_ground_and_is_as_tall_as_stated(height_m: float, stride: float) -> None:
    low, high = extent(Actor(actor_id=1, kind="person", route=ORIGIN, height_m=height_m), stride)
    assert low == pytest.approx(0, abs=0.03 * height_m)
    assert high == pytest.approx(height_m, rel=0.05)


@given(stride=st.floats(0, 2 * math.pi))
def test_an_animal_is_longer_than_tall(stride: float) -> None:
    fox = Actor(actor_id=1, kind="animal", route=ORIGIN, height_m=0.4)
    ahead = [end[0] for limb in body(fox, stride) for end in (limb.start_m, limb.end_m)]
    low, high = extent(fox, stride)
    assert max(ahead) - min(ahead) > 1.8 * (high - low)


def test_steps_open_and_close_the_legs_at_the_stated_rate() -> None:
    walker = Actor(actor_id=1, kind="person", route=(*ORIGIN, Waypoint(east_m=100.0, north_m=0.0)), steps_hz=1.8)
    times = np.arange(0, 20, 1 / 50)
    spread = [np.ptp([limb.end_m[0] for limb in body(walker, place(walker, t).stride_rad)]) for t in times]
    power = np.abs(np.fft.rfft(np.array(spread) - np.mean(spread)))
    assert np.fft.rfftfreq(times.size, 1 / 50)[power.argmax()] == pytest.approx(1.8, abs=0.06)


def test_a_route_is_walked_at_the_stated_speed_round_its_corners() -> None:
    route = tuple(Waypoint(east_m=e, north_m=n) for e, n in ((0, 0), (30, 0), (30, 40)))
    walker = Actor(actor_id=1, kind="person", route=route, start_s=5.0, speed_m_s=2.0)
    assert place(walker, 4.9) is None
    assert place(walker, 15.0)[:3] == pytest.approx((20, 0, math.pi / 2))
    assert place(walker, 25.0)[:3] == pytest.approx((30, 10, 0.0))
    assert place(walker, 40.0)[:2] == pytest.approx((30, 40))
    assert place(walker, 40.1) is None
