"""Routes take the time they should, turn as they should, and end."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.simulate.actor import Actor, ActorKind, Ambient, Present, Waypoint
from marsad.simulate.cast import Cast

NIGHT = Ambient(air_k=288.0, ground_k=287.0, sky_k=248.0)


def at(actor: Actor, time_s: float, slope: float = 0.0) -> Present | None:
    found = Cast([actor], lambda east, north: slope * east + 0 * north, NIGHT).at(time_s)
    return found[0] if found else None


def way(*points: tuple[float, float], **other: object) -> Actor:
    route = tuple(Waypoint(east_m=east, north_m=north) for east, north in points)
    return Actor(actor_id=1, kind="person", **{"route": route, **other})


places = st.tuples(st.floats(-500, 500), st.floats(-500, 500))


@given(
    points=st.lists(places, min_size=2, max_size=6),
    speed=st.floats(0.3, 12),
    start_s=st.floats(-50, 500),
    waits=st.lists(st.floats(0, 60), min_size=6, max_size=6),
)
def test_a_route_takes_its_length_over_its_speed_and_its_waits(
    points: list[tuple[float, float]], speed: float, start_s: float, waits: list[float]
) -> None:
    route = tuple(
        Waypoint(east_m=east, north_m=north, wait_s=wait) for (east, north), wait in zip(points, waits, strict=False)
    )
    length = sum(math.dist(one, other) for one, other in itertools.pairwise(points))
    takes = length / speed + sum(waits[: len(points)])
    if takes < 1:
        return
    actor = way(route=route, speed_m_s=speed, start_s=start_s)
    cast = Cast([actor], lambda east, north: 0 * east + 0 * north, NIGHT)
    assert not cast.at(start_s - 1e-3)
    assert not cast.at(start_s + takes + 1e-3)
    (first,), (last,) = cast.at(start_s + 1e-6), cast.at(start_s + takes - 1e-6)
    assert (first.east_m, first.north_m) == pytest.approx(points[0], abs=0.01)
    assert (last.east_m, last.north_m) == pytest.approx(points[-1], abs=0.01)
    for share in (0.2, 0.5, 0.8):
        moment, step = start_s + share * takes, 1e-3
        (here,), (there,) = cast.at(moment), cast.at(moment + step)
        moved = math.hypot(there.east_m - here.east_m, there.north_m - here.north_m)
        assert moved <= speed * step * (1 + 1e-6) + 1e-6


def test_a_route_is_walked_at_the_stated_speed_round_its_corners() -> None:
    walker = way((0, 0), (30, 0), (30, 40), start_s=5.0, speed_m_s=2.0)
    assert at(walker, 4.9) is None
    here = at(walker, 15.0)
    assert (here.east_m, here.north_m, here.heading_rad) == pytest.approx((20, 0, math.pi / 2))
    there = at(walker, 25.0)
    assert (there.east_m, there.north_m, there.heading_rad) == pytest.approx((30, 10, 0.0))
    assert there.speed_m_s == 2.0
    assert at(walker, 40.1) is None


def test_a_corner_is_turned_half_before_and_half_behind() -> None:
    walker = way((0, 0), (30, 0), (30, 40), speed_m_s=2.0)
    assert at(walker, 15.0).heading_rad == pytest.approx(math.pi / 4)
    headings = [at(walker, time).heading_rad for time in np.arange(14, 16, 0.02)]
    assert np.abs(np.diff(headings)).max() < 3.0 * 0.02 + 1e-6


def test_turns_go_the_short_way_round() -> None:
    # North by west to north by east: through north.
    walker = way((0, 0), (-10, 100), (0, 200), speed_m_s=2.0)
    headings = [at(walker, time).heading_rad for time in np.arange(1, 99, 0.5)]
    assert np.abs(headings).max() < 0.2


def test_gait_and_speed_change_where_the_route_says() -> None:
    route = (
        Waypoint(east_m=0, north_m=0),
        Waypoint(east_m=14, north_m=0, gait="crawl"),
        Waypoint(east_m=18, north_m=0, gait="run", speed_m_s=4.0, wait_s=5.0),
        Waypoint(east_m=58, north_m=0, gait="sit", wait_s=10.0),
        Waypoint(east_m=78, north_m=0),
    )
    walker = way(route=route)
    times = {5: "walk", 15: "crawl", 22: "stand", 30: "run", 40: "sit", 47: "run"}
    assert {time: at(walker, time).gait for time in times} == times
    assert at(walker, 15).speed_m_s == 0.4
    assert at(walker, 22).speed_m_s == 0.0
    assert at(walker, 47).speed_m_s == 4.0
    assert at(walker, 10 + 10 + 5 + 10 + 10 + 5 + 0.1) is None


def test_one_who_stays_is_there_for_good_or_as_long_as_it_waits() -> None:
    assert at(way((3, 4), heading_deg=90.0), 86400.0).heading_rad == pytest.approx(math.pi / 2)
    short = way(route=(Waypoint(east_m=0, north_m=0, wait_s=20.0),), start_s=10.0)
    assert [at(short, time) is not None for time in (9, 11, 29, 31)] == [False, True, True, False]
    settled = way(route=(Waypoint(east_m=0, north_m=0), Waypoint(east_m=14, north_m=0, wait_s=math.inf)))
    assert at(settled, 1e5).east_m == pytest.approx(14)


def test_a_climber_goes_up_and_comes_down() -> None:
    route = (
        Waypoint(east_m=0, north_m=0),
        Waypoint(east_m=14, north_m=0, gait="climb"),
        Waypoint(east_m=14.3, north_m=0, up_m=2.4),
        Waypoint(east_m=14.6, north_m=0, gait="walk", speed_m_s=1.4),
        Waypoint(east_m=40, north_m=0),
    )
    walker = way(route=route)
    side = math.hypot(0.3, 2.4) / 0.3
    top = at(walker, 10 + side)
    assert top.up_m == pytest.approx(2.4, abs=0.01)
    assert top.gait == "climb"
    assert at(walker, 10 + side / 2).up_m == pytest.approx(1.2, abs=0.01)
    assert at(walker, 10 + 2 * side + 1).up_m == 0
    assert at(walker, 10 + 2 * side + 1).gait == "walk"


@pytest.mark.parametrize("kind", ["person", "bird"])
def test_the_ground_is_followed(kind: ActorKind) -> None:
    over = 30.0 if kind == "bird" else 0.0
    route = tuple(Waypoint(east_m=east, north_m=0, up_m=over) for east in (0, 400))
    mover = Actor(actor_id=1, kind=kind, route=route, speed_m_s=10.0)
    ridge = Cast([mover], lambda east, north: 20 * np.sin(east / 40) + 0 * north, NIGHT)
    for time in (3.3, 17.1, 31.7):
        (here,) = ridge.at(time)
        assert here.up_m == pytest.approx(over + 20 * math.sin(10 * time / 40), abs=0.02)


def test_nobody_stands_where_there_is_no_ground() -> None:
    walker = way((0, 0), (100, 0), speed_m_s=1.0)
    cast = Cast([walker], lambda east, north: np.where(east > 50, np.nan, 0 * north), NIGHT)
    assert cast.at(40)
    assert not cast.at(60)
