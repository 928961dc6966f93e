"""What is not said about an actor is what is usual for its kind."""

import math
from typing import get_args

import msgspec
import pytest

from marsad.kernel.track import Kind
from marsad.simulate.actor import (
    GAITS,
    TRUE_KIND,
    USUAL_HEIGHT_M,
    Actor,
    ActorKind,
    Gait,
    Party,
    Waypoint,
    usual_speed_m_s,
)

HERE = (Waypoint(east_m=0.0, north_m=0.0),)


def test_every_kind_has_a_height_gaits_and_a_truth() -> None:
    kinds = set(get_args(ActorKind))
    assert set(USUAL_HEIGHT_M) == set(GAITS) == set(TRUE_KIND) == kinds
    assert {kind for kind in TRUE_KIND.values() if kind is not None} <= set(get_args(Kind))
    assert {gait for gaits in GAITS.values() for gait in gaits} == set(get_args(Gait))


@pytest.mark.parametrize(
    ("kind", "gait", "speed_m_s", "height_m"),
    [
        ("person", "walk", 1.4, 1.75),
        ("vehicle", "drive", 8.0, 1.8),
        ("bird", "fly", 11.0, 0.7),
        # Fr = 0.15 at a shoulder of 0.7 m.
        ("sheep", "walk", math.sqrt(0.15 * 9.81 * 0.7), 0.7),
        ("fire", "stand", 1.4, 0.8),
    ],
)
def test_what_is_not_said_is_what_is_usual(kind: ActorKind, gait: Gait, speed_m_s: float, height_m: float) -> None:
    actor = Actor(actor_id=1, kind=kind, route=HERE)
    assert (actor.gait, actor.height_m) == (gait, height_m)
    assert actor.speed_m_s == pytest.approx(speed_m_s)


def test_what_is_said_stands() -> None:
    actor = Actor(actor_id=1, kind="camel", route=HERE, gait="run", speed_m_s=3.0, height_m=2.1)
    assert (actor.gait, actor.speed_m_s, actor.height_m) == ("run", 3.0, 2.1)
    assert Actor(actor_id=1, kind="vehicle", route=HERE, gait="stand").gait == "stand"


def test_a_run_is_faster_than_a_walk_and_the_larger_are_faster() -> None:
    for kind in ("person", "dog", "camel"):
        assert usual_speed_m_s(kind, "run", 1.0) > 1.5 * usual_speed_m_s(kind, "walk", 1.0)
    assert usual_speed_m_s("camel", "walk", 1.85) > 2 * usual_speed_m_s("fox", "walk", 0.38)


def test_actors_and_parties_survive_being_written() -> None:
    route = (Waypoint(east_m=1.0, north_m=2.0), Waypoint(east_m=3.0, north_m=4.0, gait="crawl", wait_s=5.0))
    for record in (Actor(actor_id=1, kind="person", route=route), Party(name="a", kind="dog", count=3, route=route)):
        assert msgspec.json.decode(msgspec.json.encode(record), type=type(record)) == record


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"kind": "cat"}, "kind"),
        ({"route": []}, "route"),
        ({"speed_m_s": -1.0}, "speed_m_s"),
        ({"route": [{"east_m": 0.0, "north_m": 0.0, "wait_s": -1.0}]}, "wait_s"),
        ({"sped_m_s": 1.0}, "sped_m_s"),
    ],
)
def test_bad_settings_are_refused_by_name(change: dict[str, object], named: str) -> None:
    sound = {"actor_id": 1, "kind": "person", "route": [{"east_m": 0.0, "north_m": 0.0}]}
    with pytest.raises(msgspec.ValidationError, match=named):
        msgspec.convert({**sound, **change}, Actor)
