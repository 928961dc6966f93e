"""A cast puts bodies where their routes are, turned and in step, the same every time and fast."""

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.simulate.actor import TRUE_KIND, Actor, ActorKind, Ambient, Waypoint
from marsad.simulate.body import body
from marsad.simulate.cast import Cast

NIGHT = Ambient(air_k=288.0, ground_k=287.0, sky_k=248.0)
KINDS = sorted(TRUE_KIND)


def level(east: np.ndarray, north: np.ndarray) -> np.ndarray:
    return 0 * east + 0 * north


def walker(kind: ActorKind = "person", heading_rad: float = 0.0, **other: object) -> Actor:
    far = Waypoint(east_m=10 + 900 * math.sin(heading_rad), north_m=20 + 900 * math.cos(heading_rad))
    return Actor(actor_id=1, kind=kind, route=(Waypoint(east_m=10, north_m=20), far), **other)


@given(heading=st.floats(-3.1, 3.1), seconds=st.floats(1, 60), kind=st.sampled_from(["person", "camel", "vehicle"]))
def test_a_body_is_the_shape_turned_and_put_in_its_place(heading: float, seconds: float, kind: ActorKind) -> None:
    actor = walker(kind, heading)
    (here,) = Cast([actor], level, NIGHT).at(seconds)
    shape = body(kind, here.gait, here.speed_m_s, actor.height_m, NIGHT.wind_m_s, load=False)
    phase = here.stride_rad / (2 * math.pi) * len(shape.capsules)
    low = int(phase) % len(shape.capsules)
    share = phase - int(phase)
    own = (1 - share) * shape.capsules[low] + share * shape.capsules[(low + 1) % len(shape.capsules)]
    ahead = np.array([math.sin(heading), math.cos(heading), 0])
    right = np.array([math.cos(heading), -math.sin(heading), 0])
    for first in (0, 3):
        a, r, u = (own[:, [first + axis]] * actor.height_m for axis in range(3))
        wanted = np.array([here.east_m, here.north_m, here.up_m]) + a * ahead + r * right + u * np.array([0, 0, 1])
        assert here.limbs[:, first : first + 3] == pytest.approx(wanted, abs=1e-6)
    assert here.limbs[:, 6] == pytest.approx(own[:, 6] * actor.height_m)
    top = (np.maximum(here.limbs[:, 2], here.limbs[:, 5]) + here.limbs[:, 6]).max()
    assert here.height_m == pytest.approx(top - here.up_m, abs=0.02)


def test_a_walkers_standing_foot_does_not_slide_over_the_ground() -> None:
    cast = Cast([walker(heading_rad=0.7, speed_m_s=1.3)], level, NIGHT)
    step_s = 0.02
    slides, planted = [], 0
    before = cast.at(5.0)[0].limbs
    for index in range(1, 200):
        after = cast.at(5.0 + index * step_s)[0].limbs
        toes = [limb for limb in range(len(after)) if before[limb, 5] - before[limb, 6] < 0.002]
        still = [limb for limb in toes if after[limb, 5] - after[limb, 6] < 0.002]
        slides += [float(np.hypot(*(after[limb, 3:5] - before[limb, 3:5]))) / step_s for limb in still]
        planted += bool(toes)
        before = after
    assert planted > 190  # a walker always has a foot on the ground
    assert np.quantile(slides, 0.9) < 0.05
    assert np.mean(slides) < 0.1


def test_steps_open_and_close_the_legs_at_the_cadence_of_the_speed() -> None:
    cast = Cast([walker(speed_m_s=1.4)], level, NIGHT)
    times = np.arange(0, 20, 1 / 50)
    spread = np.array([np.ptp(cast.at(t)[0].limbs[[0, 3], 4]) for t in times])
    power = np.abs(np.fft.rfft(spread - spread.mean()))
    # Sekiya and Nagasaki: cadence = sqrt(60 v / 0.0064) = 114.6 steps/min for a man of 1.72 m.
    assert np.fft.rfftfreq(times.size, 1 / 50)[power.argmax()] == pytest.approx(114.6 / 60, abs=0.08)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_appears_whole_and_moves(kind: ActorKind) -> None:
    cast = Cast([walker(kind, 0.3)], level, NIGHT)
    (here,), (later,) = cast.at(3.0), cast.at(3.4)
    assert np.isfinite(here.limbs).all()
    assert here.limbs.shape[1] == 8
    assert (here.limbs[:, 6] > 0).all()
    assert here.limbs[:, 7].min() > 200
    assert 0 < here.visible_cover <= 1
    assert not np.array_equal(here.limbs, later.limbs)
    lowest = (np.minimum(here.limbs[:, 2], here.limbs[:, 5]) - here.limbs[:, 6]).min()
    if TRUE_KIND[kind] in {"person", "animal", "vehicle"}:
        assert lowest == pytest.approx(0, abs=0.08 * here.height_m)


def test_actors_do_not_depend_on_each_other() -> None:
    actors = [walker(kind, index / 3) for index, kind in enumerate(KINDS)]
    together = Cast(actors, level, NIGHT).at(7.7)
    alone = [Cast([actor], level, NIGHT).at(7.7)[0] for actor in actors]
    assert [each.actor.kind for each in together] == KINDS
    for one, other in zip(together, alone, strict=True):
        assert np.array_equal(one.limbs, other.limbs)


def test_the_same_moment_is_the_same_whenever_it_is_asked_for() -> None:
    cast = Cast([walker(), walker("sheep")], level, NIGHT)
    first = [each.limbs.copy() for each in cast.at(12.34)]
    for time_s in (0.0, 99.0, 3.0):
        cast.at(time_s)
    assert all(np.array_equal(one, other.limbs) for one, other in zip(first, cast.at(12.34), strict=True))


def test_people_differ_in_what_they_wear() -> None:
    warmths = set()
    for number in range(6):
        actor = Actor(actor_id=number, kind="person", route=(Waypoint(east_m=0, north_m=0),))
        warmths.add(round(float(Cast([actor], level, NIGHT).at(1.0)[0].limbs[:, 7].mean()), 3))
    assert len(warmths) == 6


def test_an_empty_cast_is_empty() -> None:
    assert Cast([], level, NIGHT).at(0.0) == []


def test_a_picture_costs_little_for_each_actor() -> None:
    actors = [walker(kind, index / 3) for index, kind in enumerate(KINDS)]
    cast = Cast(actors, level, NIGHT)
    cast.at(0.0)
    fastest = math.inf
    for _ in range(20):
        began = time.perf_counter()
        for index in range(20):
            cast.at(5 + 0.1 * index)
        fastest = min(fastest, time.perf_counter() - began)
    assert fastest / 20 / len(actors) < 60e-6  # 3 us measured; the room is for a loaded machine
