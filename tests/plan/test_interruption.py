"""Interruption against every simple way of tiny graphs and every choice there is."""

import itertools
import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.special import erfc

from marsad.kernel.error import InputError
from marsad.plan.crossing import Passage, passage, reverse
from marsad.plan.interruption import Chase, Delaying, Interrupting, Timing, in_time
from marsad.plan.path_cuts import violated_cuts, weak_ways
from marsad.plan.siting import Evader, Path, Siting, greedy
from marsad.plan.solve_siting import solve

ROWS, COLUMNS = 3, 3
PLACES = ROWS * COLUMNS
STRETCHES, BASES = 2, 2
TIMING = Timing(pace=0.25, response=0.35, free=0.8)
NEAR = 2e-4
"""How far the probabilities may be off: response is looked up in a table."""


class Scene(NamedTuple):
    """A small sector with all that it is made of; options see, delay on a stretch, or answer from a base."""

    siting: Interrupting
    exposure: np.ndarray
    delay_s: np.ndarray
    delaying: Delaying
    reach_s: np.ndarray
    passages: tuple[Passage, ...]


def crossing(rng: np.random.Generator) -> Passage:
    """Four neighbours; between the second row and the last a barrier, in two stretches."""
    tails, heads, barriers = [], [], []
    for row, column in np.ndindex(ROWS, COLUMNS):
        for down, across in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            if 0 <= row + down < ROWS and 0 <= column + across < COLUMNS:
                tails.append(row * COLUMNS + column)
                heads.append((row + down) * COLUMNS + column + across)
                barriers.append(PLACES + (column > 1) if {row, row + down} == {1, 2} else -1)
    top = np.arange(COLUMNS, dtype=np.int32)
    ends = (top, top + (ROWS - 1) * COLUMNS, top + (ROWS - 1) * COLUMNS)
    seconds = rng.uniform(20.0, 80.0, len(tails))
    tails_heads = (np.array(tails, np.int32), np.array(heads, np.int32))
    return passage(*tails_heads, seconds, np.array(barriers, np.int32), ends=ends, places=PLACES)


def scene(seed: int, probability: float = 0.6, *, standing: float = 0.1) -> Scene:
    """Four that see, the fourth only on a stretch; two barriers for one stretch, one for the other; three of bases."""
    rng = np.random.default_rng(seed)
    there = crossing(rng)
    exposure = np.zeros((10, PLACES + STRETCHES))
    exposure[:3, :PLACES] = np.where(rng.random((3, PLACES)) < 0.6, rng.uniform(0.002, 0.05, (3, PLACES)), 0.0)
    exposure[3, PLACES:] = rng.uniform(0.5, 3.0, STRETCHES)
    exposure[4, PLACES] = rng.choice([0.0, 1.0])
    delay = np.zeros(10)
    delay[4:7] = rng.uniform(60.0, 500.0, 3)
    delaying = Delaying(
        np.array([-1, -1, -1, -1, 0, 0, 1, -1, -1, -1], np.int32),
        np.array([-1, -1, -1, -1, -1, -1, -1, 0, 0, 1], np.int32),
        np.array([0, 0, 0, 0, 0, 0, 0, 1, 2, 1], np.int32),
    )
    reach = rng.uniform(50.0, 500.0, (BASES, 2))
    passages = (there, reverse(there))
    ends = np.array([0, 0, 1], np.int32)
    evader = Evader(exposure=csr_array(exposure), passages=passages)
    chase = Chase(evader=evader, delay_s=delay, ends=(ends, ends), reach_s=(reach, reach))
    siting = Interrupting(
        rng.integers(1, 9, 10) * 10.0, rng.uniform(0, 600, 10), [chase], probability, rng.random(10) < standing,
        delaying=delaying, timing=TIMING,
    )  # fmt: skip
    return Scene(siting, exposure, delay, delaying, reach, passages)


def normal(deviations: np.ndarray) -> np.ndarray:
    """The standard normal's distribution function."""
    return 0.5 * erfc(-deviations / math.sqrt(2))


def simple_ways(way: Passage) -> list[list[int]]:
    """Every way from an entry to an exit that comes to no place twice."""
    found: list[list[int]] = []
    exits = set(way.exits.tolist())

    def walk(path: list[int]) -> None:
        if path[-1] in exits:
            found.append(path)
        for head in way.heads[way.starts[path[-1]] : way.starts[path[-1] + 1]].tolist():
            if head not in path:
                walk([*path, head])

    for entry in way.entries.tolist():
        walk([entry])
    return found


def every_choice() -> np.ndarray:
    return np.array(list(itertools.product((False, True), repeat=10)))


def interrupted(small: Scene, number: int, path: list[int], choices: np.ndarray) -> np.ndarray:
    """The probability of interruption on a way under choices (N, options), summed up as the definition has it."""
    way, group = small.passages[number], [0, 0, 1][small.passages[number].exits.tolist().index(path[-1])]
    count = len(choices)
    rate = choices.astype(float) @ small.exposure
    held = np.zeros((count, STRETCHES))
    crews = np.zeros((count, BASES))
    for option in range(10):
        stretch, base = small.delaying.stretch[option], small.delaying.base[option]
        on = choices[:, option]
        if stretch >= 0:
            held[:, stretch] = np.maximum(held[:, stretch], on * small.delay_s[option])
        if base >= 0:
            crews[:, base] = np.maximum(crews[:, base], on * small.delaying.crews[option])
    pieces: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # exposure, how long it takes, noticed how far in
    for tail, head in itertools.pairwise(path):
        arc = next(a for a in range(way.starts[tail], way.starts[tail + 1]) if way.heads[a] == head)
        half, barrier = np.full(count, way.seconds[arc] / 2), way.barriers[arc]
        pieces.append((half * rate[:, tail], half, half / 2))
        if barrier >= 0:
            long = held[:, barrier - PLACES]
            pieces.append((rate[:, barrier], np.zeros(count), np.zeros(count)))
            pieces += [(long / 4 * (rate[:, tail] + rate[:, head]) / 2, long / 4, long / 8)] * 4
        pieces.append((half * rate[:, head], half, half / 2))
    left = sum(took for _, took, _ in pieces)
    unseen, stopped = np.ones(count), np.zeros(count)
    order = np.argsort(small.reach_s[:, group])
    for seen, took, into in pieces:
        answered, nobody = np.zeros(count), np.ones(count)
        for base in order:
            free = 1 - (1 - TIMING.free) ** crews[:, base]
            reach = small.reach_s[base, group]
            time = left - into
            sigma = np.sqrt((TIMING.pace * time) ** 2 + (TIMING.response * reach) ** 2)
            answered += nobody * free * normal((time - reach) / sigma)
            nobody *= 1 - free
        stopped += unseen * (1 - np.exp(-seen)) * answered
        unseen *= np.exp(-seen)
        left = left - took
    return stopped


def worst(small: Scene, choices: np.ndarray) -> np.ndarray:
    """The least probability of interruption on any way, for each choice."""
    least = np.ones(len(choices))
    for number, way in enumerate(small.passages):
        for path in simple_ways(way):
            least = np.minimum(least, interrupted(small, number, path, choices))
    return least


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 100_000), st.integers(0, 2**32))
def test_the_evader_finds_the_best_of_all_ways(seed: int, draw: int) -> None:
    small = scene(seed)
    choices = np.random.default_rng(draw).random((12, 10)) < 0.6
    for choice, expected in zip(choices, worst(small, choices), strict=True):
        assert small.siting.probability(choice) == pytest.approx(expected, abs=NEAR)
        exposure, path = small.siting.weakest(choice)
        assert small.siting.passed(path, choice.astype(float)).escape == pytest.approx(math.exp(-exposure), rel=1e-9)
        limited = small.siting.weakest(choice, 0.5)[0]
        assert limited == pytest.approx(exposure) if exposure < 0.5 else limited >= 0.5


def closing(small: Scene) -> tuple[np.ndarray, np.ndarray]:
    """The choices that surely close the sector, and those that may."""
    every = every_choice()
    every = every[every[:, small.siting.standing].all(axis=1)]
    spare = worst(small, every) - (1 - math.exp(-small.siting.required))
    return every[spare >= NEAR], every[spare >= -NEAR]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 100_000), st.sampled_from([0.2, 0.4, 0.6]))
def test_the_cheapest_choice_is_found_and_no_bound_exceeds_it(seed: int, probability: float) -> None:
    small = scene(seed, probability)
    surely, perhaps = closing(small)
    if not len(perhaps):
        with pytest.raises(InputError, match="cannot be closed"):
            next(solve(small.siting, np.random.default_rng(1)))
        return
    if not len(surely):
        return
    dearest, least = (min(small.siting.cost(choice) for choice in some) for some in (surely, perhaps))
    last = None
    for progress in solve(small.siting, np.random.default_rng(1)):
        assert progress.bound <= dearest + 1e-6
        assert small.siting.closes(progress.choice)
        last = progress
    assert last is not None
    assert least - 1e-6 <= last.cost <= dearest + 1e-6
    assert last.gap == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000), st.integers(0, 2**32))
def test_no_inequality_cuts_off_a_choice_that_closes(seed: int, draw: int) -> None:
    small = scene(seed, 0.4)
    rng = np.random.default_rng(draw)
    share = np.where(rng.random(10) < 0.3, 0.0, rng.uniform(0, 0.7, 10))
    share[small.siting.standing] = 1.0
    ways = [Path(n, np.array(path, np.int32)) for n, way in enumerate(small.passages) for path in simple_ways(way)]
    cuts = violated_cuts(small.siting, share, weak_ways(small.siting, share) + ways[:: max(len(ways) // 30, 1)])
    for choice in closing(small)[0]:
        assert all(cut.activity(choice.astype(float)) >= 1 - 1e-9 for cut in cuts)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100_000))
def test_more_of_anything_never_helps_the_evader(seed: int) -> None:
    small = scene(seed)
    rng = np.random.default_rng(seed)
    choice = rng.random(10) < 0.4
    before = small.siting.probability(choice)
    for option in np.flatnonzero(~choice):
        more = choice.copy()
        more[option] = True
        assert small.siting.probability(more) >= before - 1e-9


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 100_000))
def test_with_a_response_that_is_always_there_what_is_noticed_is_stopped(seed: int) -> None:
    small = scene(seed, standing=0.0)
    timing = Timing(pace=0.0, response=0.0, free=1.0)
    evader = Evader(exposure=csr_array(small.exposure), passages=small.passages)
    ends = np.zeros(3, np.int32)
    soon = np.full((BASES, 1), 1e-9)
    chase = Chase(evader=evader, delay_s=np.zeros(10), ends=(ends, ends), reach_s=(soon, soon))
    sure = Interrupting(
        np.ones(10), np.zeros(10), [chase], 0.5, small.siting.standing, delaying=small.delaying, timing=timing
    )
    seen = Siting(np.ones(10), np.zeros(10), [evader], 0.5, small.siting.standing)
    choice = np.random.default_rng(seed).random(10) < 0.7
    choice[7] = True
    assert sure.probability(choice) == pytest.approx(seen.probability(choice), abs=1e-6)


def test_greedy_and_pruning_end_closed() -> None:
    closed = 0
    for seed in range(12):
        siting = scene(seed, 0.3).siting
        if siting.open_way() is None:
            closed += 1
            assert siting.closes(siting.pruned(greedy(siting)))
    assert closed > 3


def test_in_time_is_as_easi_has_it() -> None:
    timing = Timing(pace=0.3, response=0.3, free=1.0)
    left = np.array([0.0, 200.0, 300.0, 600.0])
    expected = [0.0, *normal((left[1:] - 300.0) / np.hypot(0.3 * left[1:], 90.0))]
    np.testing.assert_allclose(in_time(left, np.full(4, 300.0), timing), expected)
    assert in_time(np.array([1e6]), np.array([math.inf]), timing)[0] == 0.0
