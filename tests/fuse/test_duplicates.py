"""Which tracks are one: what speaks for it against everything else that may be."""

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.fuse.duplicates import certain, same_odds
from marsad.fuse.hypotheses import Rows

NOW_NS = 100 * 10**9
S = 10**9


def asked(odds: dict[tuple[int, int], float], sure: float = 0.95) -> set[tuple[int, int]]:
    pairs = np.array(list(odds), np.int64).reshape(-1, 2)
    return set(certain(pairs, np.array(list(odds.values())), sure))


def test_two_that_agree_are_one_and_with_a_rival_are_not() -> None:
    assert asked({(0, 1): 100.0}) == {(0, 1)}
    assert asked({(0, 1): 15.0}) == set()
    assert asked({(0, 1): 100.0, (1, 2): 60.0}) == set()


def test_a_rival_that_may_be_the_same_too_is_none() -> None:
    assert asked({(0, 1): 100.0, (1, 2): 100.0, (0, 2): 100.0}) == {(0, 1), (0, 2), (1, 2)}


def test_two_people_before_two_cameras_and_a_third_that_sees_both() -> None:
    """Whichever of the third camera's two it is, all fits: it is too early to tell."""
    assert asked({(4, 7): 53.0, (7, 9): 139.0, (4, 8): 84.0, (8, 9): 206.0, (4, 9): 267.0}) == set()


def partitions(items: list[int]) -> Iterator[list[list[int]]]:
    if not items:
        yield []
        return
    first, *rest = items
    for size in range(len(rest) + 1):
        for others in itertools.combinations(rest, size):
            left = [each for each in rest if each not in others]
            for more in partitions(left):
                yield [[first, *others], *more]


@settings(max_examples=60, deadline=None)
@given(logs=st.lists(st.one_of(st.none(), st.floats(-3.0, 9.0)), min_size=10, max_size=10))
def test_all_ways_to_be_one_or_not_are_weighed(logs: list[float | None]) -> None:
    keys = itertools.combinations(range(5), 2)
    odds = {key: float(np.exp(each)) for key, each in zip(keys, logs, strict=True) if each is not None}
    together = dict.fromkeys(odds, 0.0)
    total = 0.0
    for partition in partitions(list(range(5))):
        weight = 1.0
        for group in partition:
            inside = [odds.get(pair, 0.0) for pair in itertools.combinations(group, 2)]
            if inside:
                weight *= float(np.prod(inside)) ** (2 / len(group))
        total += weight
        for pair in odds:
            if any(pair[0] in group and pair[1] in group for group in partition):
                together[pair] += weight
    near = {pair for pair in odds if abs(together[pair] / total - 0.95) < 1e-6}
    one = {pair for pair in odds if together[pair] / total > 0.95 and odds[pair] > 0.95 * (1 + odds[pair])}
    # Only rivals of the two themselves are asked; a rival's rivals say no more than a little.
    linked = {
        pair for pair in odds if all((min(a, t), max(a, t)) in odds for a in pair for t in set(range(5)) - {*pair})
    }
    assert (asked(odds) ^ one) & linked <= near


def one_place(count: int) -> Rows:
    spread = np.diag([4.0, 4.0, 0.25, 0.25, 1e-9])
    return Rows(
        np.arange(count + 1), np.zeros((count, 5)), np.tile(spread, (count, 1, 1)), np.zeros((count, 5, 0)),
        np.ones(count), np.full((count, 2, 2), np.nan),
    )  # fmt: skip


@pytest.mark.parametrize(("since_s", "told_s", "listed"), [(90, 99, True), (80, 99, False), (80, 85, False)])
def test_what_a_source_once_had_two_labels_for_is_two(since_s: int, told_s: int, listed: bool) -> None:
    """The first was last seen after 85 s; a label that begins later may be the first come back."""
    told = np.array([[85 * S, 0], [told_s * S, 0]])
    since = np.array([[10 * S, 0], [since_s * S, 0]])
    label = np.array([[3, -1], [4, -1]])
    pairs, _ = same_odds(one_place(2), np.ones(2, np.bool_), told, since, label, np.zeros((0, 0)), NOW_NS, S, 1e-7, 2.0)
    assert bool(len(pairs)) == listed
