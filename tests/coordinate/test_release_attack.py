"""A small night's releases are attacked; the whole attack is `benchmarks/release_attack.py`."""

import numpy as np
import pytest
from test_release import loaded

SEED, WALKERS = 2, 22


@pytest.fixture(scope="module")
def figures() -> dict[tuple[str, str], tuple[float, float]]:
    attack = loaded("release_attack")
    night = attack.make_night(SEED, WALKERS)
    assert len(night.told) > 500
    assert len(night.losses) > 10
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


def test_what_is_told_says_nothing_of_how_far_a_thing_is_from_the_camera() -> None:
    """However near or far it is seen, every release of a rule has the same sigma and the same fields."""
    attack = loaded("release_attack")
    world = attack.make_world(np.random.default_rng(SEED))
    terms = attack.agreed(world)
    assert {rule.sigma_m for rule in terms.rules} == {attack.PROTECTED_M}
    assert terms.agreement.protected_distance_m == attack.PROTECTED_M
