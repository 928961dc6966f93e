"""A small night's releases are attacked; the whole attack is `benchmarks/release_attack.py`."""

from typing import Any

import numpy as np
import pytest
from test_release import loaded

SEED, WALKERS, BELIEF_SEED = 2, 22, 8


@pytest.fixture(scope="module")
def night() -> Any:  # noqa: ANN401 - of a script that is loaded, not imported
    made = loaded("release_attack").make_night(SEED, WALKERS)
    assert len(made.told) > 400
    assert len(made.losses) > 10
    return made


@pytest.fixture(scope="module")
def figures(night: Any) -> dict[tuple[str, str], tuple[float, float]]:  # noqa: ANN401 - the same
    attack = loaded("release_attack")
    return {(each.attack, each.on): (each.least_m, each.median_m) for each in attack.attack(night, SEED)}


def test_without_an_agreement_the_attacks_find_cameras_and_dead_ground(
    figures: dict[tuple[str, str], tuple[float, float]],
) -> None:
    for attack in ("long axes of ellipses", "cover over terrain"):
        assert figures[attack, "as it is"][1] < 250
    assert figures["scatter of errors", "as it is"][0] < 250
    assert figures["where sight was lost", "as it is"][1] < 20


def test_what_is_told_keeps_the_protected_distance(figures: dict[tuple[str, str], tuple[float, float]]) -> None:
    luck_m = figures["guesses", "nothing"][0]
    told = {attack: found for (attack, on), found in figures.items() if on == "as agreed"}
    assert {*told} > {"long axes of ellipses", "scatter of errors", "arcs of first and last", "cover over terrain"}
    for attack, (least_m, median_m) in told.items():
        assert median_m > 250, attack
        if "sight" not in attack and "cells" not in attack:
            assert least_m > luck_m, attack


def test_no_camera_is_found_by_releases_that_a_map_does_not_find(night: Any) -> None:  # noqa: ANN401 - the same
    """Of all places that all attacks name none is within the distance, and nearer than who is told nothing comes."""
    attack = loaded("release_attack")
    found = attack.of_cameras(night, SEED)
    assert found.places >= 15
    assert (found.told_m >= np.minimum(attack.PROTECTED_M, found.blind_m)).all()
    assert (found.blind_m < attack.PROTECTED_M).any()


def test_whoever_reckons_through_all_places_believes_little_more_than_before() -> None:
    """Were all blocks told of that are seen whole, some camera would be found out: as released, none is."""
    belief = loaded("release_belief")
    found = belief.beliefs(BELIEF_SEED, step_m=260.0)
    _, before = found["nothing"]
    whole, careless = found["every whole block"]
    blocks, after = found["as released"]
    assert 0 < blocks < whole
    gain, gain_after = careless.within / before.within, after.within / before.within
    assert gain.max() > 3
    assert gain_after.max() < 2
    assert gain_after[np.argmax(gain)] < gain.max() / 2


def test_what_is_told_says_nothing_of_how_far_a_thing_is_from_the_camera() -> None:
    """However near or far it is seen, every release of a rule has the same sigma and the same fields."""
    attack = loaded("release_attack")
    terms = attack.agreed(attack.ReleaseGround(block_m=4 * attack.PROTECTED_M))
    assert {rule.sigma_m for rule in terms.rules} == {attack.PROTECTED_M}
    assert terms.agreement.protected_distance_m == attack.PROTECTED_M


def test_the_one_best_place_is_held_against_chance() -> None:
    """Whoever names cameras is found out as one who does; whoever names places at random is chance."""
    outcome = [loaded(f"release_{name}") for name in ("attack", "belief", "estimate")][-1].outcome
    rng = np.random.default_rng(3)
    cameras, guessed = (rng.uniform((-700, -650), (700, 650), (400, 2)) for _ in range(2))
    near = outcome(cameras + rng.normal(0, 60, cameras.shape), cameras)
    assert near.within > 390
    assert near.p < 1e-9
    blind = outcome(guessed, cameras)
    # A circle of 250 m in 1.4 by 1.3 km, less what lies beyond its edges.
    assert 0.07 < blind.chance < 0.108
    assert blind.p > 0.01
    assert blind.within == int((blind.off_m < 250).sum())
