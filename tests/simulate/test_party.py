"""Members of a party keep their formation, flocks keep together, and both are the same for the same seed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.simulate.actor import Actor, Ambient, Party, Waypoint
from marsad.simulate.cast import Cast
from marsad.simulate.party import expand

NIGHT = Ambient(air_k=288.0, ground_k=287.0, sky_k=248.0)
STRAIGHT = (Waypoint(east_m=0, north_m=0), Waypoint(east_m=0, north_m=300))


def level(east: np.ndarray, north: np.ndarray) -> np.ndarray:
    return 0 * east + 0 * north


def party(**other: object) -> Party:
    return Party(**{"name": "a", "kind": "person", "count": 5, "route": STRAIGHT, "spacing_m": 4.0, **other})


def members(one: Party, seed: int = 1) -> tuple[Actor, ...]:
    return expand([one], 10, np.random.default_rng(seed))


def places(actors: tuple[Actor, ...], time_s: float) -> np.ndarray:
    there = Cast(actors, level, NIGHT).at(time_s)
    return np.array([(each.east_m, each.north_m) for each in there])


@pytest.mark.parametrize("formation", ["file", "abreast"])
def test_lines_keep_their_spacing_on_the_way(formation: str) -> None:
    actors = members(party(formation=formation))
    along = 1 if formation == "file" else 0
    for time_s in (0.0, 50.0, 180.0):
        there = places(actors, time_s)
        assert np.abs(np.diff(there[:, along])) == pytest.approx(4.0)
        assert np.ptp(there[:, 1 - along]) == pytest.approx(0, abs=1e-6)
        assert there[:, 1].max() == pytest.approx(1.4 * time_s)


def test_a_file_goes_round_a_corner_in_each_others_steps() -> None:
    corner = (Waypoint(east_m=0, north_m=0), Waypoint(east_m=50, north_m=0), Waypoint(east_m=50, north_m=50))
    there = places(members(party(formation="file", route=corner, speed_m_s=1.0)), 58.0)
    assert there == pytest.approx(np.array([(50, 8), (50, 4), (50, 0), (46, 0), (42, 0)], float))


def test_a_file_waits_together_and_goes_on_together() -> None:
    stop = (Waypoint(east_m=0, north_m=0), Waypoint(east_m=0, north_m=50, wait_s=30), Waypoint(east_m=0, north_m=90))
    actors = members(party(formation="file", route=stop, speed_m_s=1.0))
    for time_s in (50.5, 65.0, 79.5):
        assert places(actors, time_s)[:, 1] == pytest.approx([50, 46, 42, 38, 34])
    assert places(actors, 90.0)[:, 1] == pytest.approx([60, 56, 52, 48, 44])


def test_those_who_stay_stay_in_formation() -> None:
    route = (Waypoint(east_m=0, north_m=0), Waypoint(east_m=0, north_m=50, wait_s=math.inf))
    assert places(members(party(formation="file", route=route)), 5000.0)[:, 1] == pytest.approx([50, 46, 42, 38, 34])
    around = members(party(route=(Waypoint(east_m=7, north_m=8, gait="sit"),)))
    there = places(around, 900.0)
    assert len(there) == 5
    assert np.linalg.norm(there - there.mean(axis=0), axis=1).max() < 3 * 4.0


def test_a_line_abreast_over_a_fence_climbs_it() -> None:
    route = (
        Waypoint(east_m=0, north_m=0),
        Waypoint(east_m=0, north_m=14, gait="climb"),
        Waypoint(east_m=0, north_m=14.3, up_m=2.4),
        Waypoint(east_m=0, north_m=14.6, gait="walk"),
        Waypoint(east_m=0, north_m=60),
    )
    actors = members(party(formation="file", route=route))
    seen = [
        {each.gait for each in Cast([actor], level, NIGHT).at(time_s)}
        for actor in actors
        for time_s in np.arange(8, 40, 0.5)
    ]
    assert sum("climb" in gaits for gaits in seen) == pytest.approx(5 * 16.1 / 0.5, abs=10)


@settings(max_examples=25)
@given(count=st.integers(2, 9), spacing=st.floats(1.0, 8.0), seed=st.integers(0, 99))
def test_loose_groups_keep_apart_and_together(count: int, spacing: float, seed: int) -> None:
    actors = members(party(formation="loose", count=count, spacing_m=spacing), seed)
    for time_s in (1.0, 100.0):
        there = places(actors, time_s)
        apart = np.linalg.norm(there[:, None] - there[None], axis=2) + 1e9 * np.eye(count)
        # On the way each strays a little from its place.
        assert apart.min() > 0.15 * spacing
        assert apart.min(axis=1).max() < 2.5 * spacing + 1.5
        assert np.linalg.norm(there - there.mean(axis=0), axis=1).max() < 2.2 * spacing * math.sqrt(count)
        assert there[:, 1].max() == pytest.approx(1.4 * time_s, abs=1.0 + 0.5 * spacing)


@pytest.mark.parametrize("formation", ["file", "loose", "abreast", "flock"])
def test_a_seed_makes_a_party(formation: str) -> None:
    one = party(formation=formation, count=6)
    assert members(one, 3) == members(one, 3)
    assert members(one, 3) != members(one, 4)
    assert members(one, 3) == expand([one, party(count=2)], 10, np.random.default_rng(3))[:6]


def test_members_carry_what_the_party_says() -> None:
    found = expand(
        [party(role="intruder", must="alarm", load=True, warmth_k=4.0), party(name="b", count=2)],
        10,
        np.random.default_rng(1),
    )
    assert [actor.actor_id for actor in found] == list(range(10, 17))
    assert {(a.role, a.must, a.load, a.warmth_k, a.party) for a in found[:5]} == {("intruder", "alarm", True, 4.0, "a")}
    assert {a.party for a in found[5:]} == {"b"}
    assert len({a.phase for a in found}) == 7
    assert all(1.55 < a.height_m < 1.95 for a in found)


FLOCK = {"kind": "sheep", "formation": "flock", "count": 30, "spacing_m": 2.5, "shepherds": 1, "dogs": 2}


def test_a_flock_grazes_around_its_slowly_moving_middle() -> None:
    actors = members(party(**FLOCK))
    assert [actor.kind for actor in actors] == ["sheep"] * 30 + ["person"] + ["dog"] * 2
    assert actors[30].role == "shepherd"
    radius = 2.5 * math.sqrt(30 / math.pi)
    for time_s in (30.0, 400.0, 800.0):
        there = places(actors, time_s)
        middle = np.array([0.0, 0.3 * time_s])
        assert there[:30].mean(axis=0) == pytest.approx(middle, abs=0.5 * radius)
        away = np.linalg.norm(there - middle, axis=1)
        assert away[:30].max() < 2.2 * radius
        assert away[30] < 3.5 * radius
        assert np.linalg.norm(there[30] - there[:30], axis=1).min() < 2 * radius


def test_sheep_graze_most_of_the_time_and_do_not_stand_on_each_other() -> None:
    actors = members(party(**FLOCK))[:30]
    cast = Cast(actors, level, NIGHT)
    standing, nearest = [], []
    for time_s in np.arange(20, 900, 40):
        there = cast.at(float(time_s))
        standing.append(np.mean([each.gait == "stand" for each in there]))
        place = np.array([(each.east_m, each.north_m) for each in there])
        nearest.append((np.linalg.norm(place[:, None] - place[None], axis=2) + 1e9 * np.eye(30)).min(axis=1))
    assert 0.4 < np.mean(standing) < 0.9
    assert np.median(nearest) > 0.8
    assert np.mean(np.concatenate(nearest) < 0.35) < 0.05


def test_a_flock_that_stays_stays() -> None:
    actors = members(party(**{**FLOCK, "route": (Waypoint(east_m=5, north_m=6),)}))
    there = places(actors, 9000.0)
    assert len(there) == 33
    assert there.mean(axis=0) == pytest.approx((5, 6), abs=4)


@settings(max_examples=25, deadline=None)
@given(
    points=st.lists(
        st.tuples(st.sampled_from([0.0, 5.0, 40.0]), st.sampled_from([0.0, 30.0]), st.sampled_from([0.0, 2.0])),
        min_size=2,
        max_size=5,
        unique=True,
    ),
    waits=st.lists(st.sampled_from([0.0, 7.0]), min_size=5, max_size=5),
    formation=st.sampled_from(["file", "loose", "abreast", "flock"]),
)
def test_any_route_can_be_gone_by_any_party(
    points: list[tuple[float, float, float]], waits: list[float], formation: str
) -> None:
    """Ways straight up, sharp corners, short legs and waits anywhere: everybody is somewhere near the leader's way."""
    route = tuple(
        Waypoint(east_m=east, north_m=north, up_m=up, wait_s=wait)
        for (east, north, up), wait in zip(points, waits, strict=False)
    )
    route = (*route, route[-1])  # a point may be named twice
    actors = members(party(formation=formation, route=route, count=4, start_s=3.0))
    assert len(actors) == 4
    for time_s in (3.5, 9.0, 21.0):
        there = places(actors, time_s).reshape(-1, 2)
        assert np.isfinite(there).all()
        assert (there > -40).all()
        assert (there < 80).all()
    assert not Cast(actors, level, NIGHT).at(2.9)
