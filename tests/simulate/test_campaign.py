from collections import Counter

import numpy as np
import pytest

from marsad.simulate.actor import TRUE_KIND
from marsad.simulate.camera import FlatField
from marsad.simulate.campaign import (
    AIRS,
    CAMERA,
    FAULTS,
    Chunk,
    Densities,
    Piece,
    Sizes,
    Stage,
    Ways,
    plan,
    stage,
)
from marsad.simulate.scene import Scene

DENSITIES = Densities()


def day_rng(day: int) -> np.random.Generator:
    return np.random.default_rng([7, day])


def test_a_whole_day_holds_exactly_the_stated_densities() -> None:
    pieces = [piece for piece in plan(Sizes(days=2.0), DENSITIES, day_rng) if piece.part == "day"]
    assert len(pieces) == 288
    chunks = [piece.chunk for piece in pieces if piece.chunk is not None]
    assert sum(chunk.animals for chunk in chunks) == 80
    assert sum(chunk.birds for chunk in chunks) == 400
    assert sum(chunk.insects for chunk in chunks) == 120
    assert sum(chunk.windy for chunk in chunks) == 72
    assert sum(chunk.rainy for chunk in chunks) == 24
    assert sum(chunk.cloudy for chunk in chunks) == 36
    assert sorted(chunk.hour for chunk in chunks[:144]) == pytest.approx([i / 6 for i in range(144)])


def test_more_days_leave_the_pieces_of_the_first_as_they_were() -> None:
    short = {piece.key: piece for piece in plan(Sizes(days=0.5), DENSITIES, day_rng)}
    long = {piece.key: piece for piece in plan(Sizes(days=30.0), DENSITIES, day_rng)}
    assert short.items() <= long.items()
    assert sum(piece.part == "day" for piece in long.values()) == 30 * 144


def test_every_weather_and_every_fault_gets_its_share_and_parts_are_mixed() -> None:
    pieces = plan(Sizes(), DENSITIES, day_rng)
    assert len({piece.key for piece in pieces}) == len(pieces)
    assert Counter(p.air for p in pieces if p.part == "crossing") == dict.fromkeys(AIRS, 30)
    assert Counter(p.fault for p in pieces if p.part == "health") == dict.fromkeys(FAULTS, 12)
    assert {piece.part for piece in pieces[:40]} == {piece.part for piece in pieces}


@pytest.fixture(scope="module")
def crossing() -> Stage:
    return stage(Piece(part="crossing", number=0, seconds=80.0), np.random.default_rng(3))


def test_the_same_seed_draws_the_same_piece_and_another_another(crossing: Stage) -> None:
    again = stage(crossing.piece, np.random.default_rng(3))
    assert again.scenario == crossing.scenario
    assert again.site == crossing.site
    assert stage(crossing.piece, np.random.default_rng(4)).scenario != crossing.scenario


def test_who_crosses_is_out_of_sight_at_first_and_in_sight_for_seconds(crossing: Stage) -> None:
    movers = [actor for actor in crossing.scenario.actors if actor.role != "scenery"]
    assert len(movers) >= 3
    assert sum(actor.kind == "person" and actor.gait == "walk" for actor in movers) >= len(movers) / 2
    for actor in movers:
        start, end = (np.array([point.east_m, point.north_m]) for point in actor.route)
        way = (end - start) / np.linalg.norm(end - start)
        seconds = np.arange(0, np.linalg.norm(end - start) / actor.speed_m_s, 0.5)
        places = start + seconds[:, None] * actor.speed_m_s * way
        seen = crossing.true.sees(places[:, 0], places[:, 1], 0.5 * actor.height_m)
        assert not seen[0]
        assert seen.sum() * 0.5 >= 5


def test_the_watch_knows_the_camera_only_as_well_as_its_pose_was_measured(crossing: Stage) -> None:
    known, true = crossing.known.pose, crossing.true.pose
    assert known != true
    assert abs(known.azimuth_deg - true.azimuth_deg) < 5 * known.sigma.azimuth_deg
    assert abs(known.mast_m - true.mast_m) < 5 * known.sigma.height_m


def test_the_zone_is_the_whole_view(crossing: Stage) -> None:
    (zone,) = crossing.site.zones
    frame = crossing.known.surface.frame
    corners = np.array([frame.from_geodetic(p.latitude_deg, p.longitude_deg, p.height_m)[:2] for p in zone.points])
    assert np.abs(corners).min() > 1.9 * crossing.site.cameras[0].reach_m


def test_groups_are_two_to_eight_and_must_alarm() -> None:
    counts = set()
    for number in range(3):
        drawn = stage(Piece(part="group", number=number, seconds=90.0), np.random.default_rng(number)).scenario
        assert all(party.must == "alarm" for party in drawn.parties)
        counts |= {party.count for party in drawn.parties}
    assert counts <= set(range(2, 9))
    assert len(counts) >= 4


def test_a_day_has_nobody_in_it() -> None:
    chunked = [piece for piece in plan(Sizes(days=1.0), DENSITIES, day_rng) if piece.part == "day"]
    fullest = max(chunked, key=lambda piece: piece.chunk.animals + piece.chunk.birds)
    drawn = stage(fullest, np.random.default_rng(5)).scenario
    kinds = {actor.kind for actor in drawn.actors} | {party.kind for party in drawn.parties}
    assert not kinds & {"person", "vehicle", "motorcycle", "boat"}
    assert "bird" in kinds
    assert all(actor.must == "no_alarm" for actor in drawn.actors)
    corrections = [fault.start_s for fault in drawn.faults if isinstance(fault, FlatField)]
    assert np.diff(corrections) == pytest.approx(3600 / DENSITIES.corrections_per_hour)
    assert len(corrections) in {3, 4}


@pytest.mark.parametrize("seed", range(4))
def test_what_a_day_deals_comes_into_view(seed: int) -> None:
    chunk = Chunk(animals=5, birds=8, insects=3, hour=22.0)
    ready = stage(Piece(part="day", number=0, seconds=120.0, chunk=chunk), np.random.default_rng(seed))
    scene = Scene(ready.true, ready.scenario, np.random.default_rng(seed), CAMERA)
    beasts: set[str | int] = set()
    birds: set[int] = set()
    insects: set[int] = set()
    for index in range(scene.frames):
        _, truths = scene.render(index, 0)
        seen = [truth for truth in truths if truth.visible >= 0.5]
        birds |= {truth.actor_id for truth in seen if truth.kind == "bird"}
        beasts |= {truth.party or truth.actor_id for truth in seen if TRUE_KIND[truth.kind] == "animal"}
        insects |= {thing.thing_id for thing in scene.near if thing.cause == "insect"}
    assert (len(beasts), len(birds), len(insects)) == (5, 8, 3)


def test_a_flock_has_its_shepherd_and_people_walk_past_it() -> None:
    drawn = stage(Piece(part="flock", number=1, seconds=90.0), np.random.default_rng(8)).scenario
    assert [party.shepherds for party in drawn.parties] == [1]
    assert any(actor.kind == "person" and actor.must == "alarm" for actor in drawn.actors)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_comes_after_the_watch_has_settled(fault: str) -> None:
    piece = Piece(part="health", number=0, seconds=75.0, fault=fault)
    drawn = stage(piece, np.random.default_rng(2)).scenario.faults
    (ill,) = (each for each in drawn if not isinstance(each, FlatField))
    assert 30 < ill.start_s < 50


def test_a_bird_s_way_is_aloft_from_side_to_side(crossing: Stage) -> None:
    ways = Ways(crossing.true, np.random.default_rng(1))
    for _ in range(20):
        flight = ways.flight()
        assert all(point.up_m >= 2 for point in flight)
        up = [float(crossing.true.surface.up_m(point.east_m, point.north_m)) + point.up_m for point in flight]
        x, _, distance = crossing.true.project([p.east_m for p in flight], [p.north_m for p in flight], up)
        assert min(x) < 0
        assert max(x) > crossing.site.cameras[0].lens.width_px
        assert distance.min() > 50
