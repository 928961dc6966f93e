"""Which tracks are one: what speaks for it against everything else that may be."""

import itertools
import math
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.fuse.duplicates import Meeting, certain, same_odds
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


@pytest.mark.parametrize(("since_s", "told_s", "seen_s", "odds"), [
    (90, 99, 85, 1.0), (84, 99, 85, math.exp(-1)), (84, 85, 85, math.exp(-1)), (80, 99, 85, math.exp(-5)),
    (60, 99, 85, 0.0), (99, 100, 100, 0.0), (95, 99, 100, 0.0),
])  # fmt: skip
def test_what_a_source_had_two_labels_for_is_hardly_one_and_never_while_it_has(
    since_s: int, told_s: int, seen_s: int, odds: float
) -> None:
    """The first was last seen after `seen_s`, the second's label began after `since_s` and was told after `told_s`."""
    told = np.array([[seen_s * S, 0], [told_s * S, 0]])
    since = np.array([[10 * S, 0], [since_s * S, 0]])

    def of(labels: tuple[int, int]) -> float:
        label = np.array([[labels[0], -1], [labels[1], -1]])
        asked = (one_place(2), np.ones(2, np.bool_), told, since, label, np.zeros((0, 0)), NOW_NS, 2 * S, 1e-7, 2.0)
        return float(same_odds(*asked)[1].sum())

    assert of((3, 4)) == pytest.approx(odds * of((3, 3)), rel=1e-6)


def rays(people: list[tuple[float, float]], towers: list[tuple[float, float]], rng: np.random.Generator) -> Rows:
    """A track for each tower and person, tower after tower: known across to 0.7 m and along to 200 m."""
    mean, spread = np.zeros((len(people) * len(towers), 5)), []
    for k, (tower, person) in enumerate(itertools.product(towers, people)):
        off = np.subtract(person, tower)
        along = off / math.hypot(*off)
        across = np.array([along[1], -along[0]])
        mean[k, :2] = person + rng.normal(0, 200.0) * along + rng.normal(0, 0.7) * across
        place = 200.0**2 * np.outer(along, along) + 0.7**2 * np.outer(across, across)
        rate = 2.0**2 * np.outer(along, along) + 0.1**2 * np.outer(across, across)
        mean[k, 2:4] = rng.normal(0, 0.1) * across
        whole = np.diag([0.0, 0.0, 0.0, 0.0, 9.0])
        whole[:2, :2], whole[2:4, 2:4] = place, rate
        spread.append(whole)
    count, sources = len(mean), len(towers)
    return Rows(
        np.arange(count + 1), mean, np.array(spread), np.zeros((count, 5, 0)), np.ones(count),
        np.full((count, sources, 2), np.nan),
    )  # fmt: skip


def test_two_people_are_told_apart_where_three_lines_meet() -> None:
    """Of two cameras each crossing is as good as the other; a third line goes through those that are somebody."""
    towers = [(-1200.0, 0.0), (0.0, 0.0), (1200.0, 0.0)]
    right = wrong = 0
    for seed in range(20):
        rows = rays([(0.0, 2000.0), (12.0, 2005.0)], towers, np.random.default_rng(seed))
        tower = np.repeat(np.arange(3), 2)
        told = np.where(tower[:, None] == np.arange(3), NOW_NS, 0)
        label = np.where(told > 0, np.tile([1, 2], 3)[:, None], -1)
        worthy, spread = np.ones(6, np.bool_), np.zeros((0, 0))
        pairs, odds = same_odds(rows, worthy, told, told - S * (told > 0), label, spread, NOW_NS, S, 1e-7, 2.0)
        assert certain(pairs, odds, 0.95) == []
        for one, two in certain(pairs, odds, 0.95, Meeting(rows, spread, 1e-7, 2.0)):
            right += one % 2 == two % 2
            wrong += one % 2 != two % 2
    # Of 20 scenes' six true pairs each; they are said to be sure at 19 to 1.
    assert right > 80
    assert wrong <= 0.05 * (right + wrong)
