"""Masts that pass on: who is linked, what can flow, and the cheapest plan with bought relays against every choice."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array
from tests.plan.test_interruption import TIMING, scene
from tests.plan.test_solve_siting import tiny

from marsad.kernel.error import InputError
from marsad.plan.crossing import reverse
from marsad.plan.interruption import Interrupting
from marsad.plan.linked import Links, Network
from marsad.plan.path_cuts import open_cuts, violated_cuts, weak_ways
from marsad.plan.siting import Evader, Siting, Spare, Watch, greedy
from marsad.plan.solve_siting import solve

MASTS = 7


def some_links(rng: np.random.Generator, nodes: np.ndarray, towers: int) -> Links:
    """Masts of which the first are towers; not all that are needed may be linked by anything."""
    count = len(nodes)
    near = np.triu(rng.random((count, count)) < 0.45, 1)
    passes = np.ones(count, np.bool_)
    passes[:towers] = rng.random() < 0.5
    needs = np.arange(count) < towers
    return Links(nodes, rng.random(count) < 0.35, near | near.T, passes, needs)


def linked_by_hand(links: Links, choice: np.ndarray) -> set[int]:
    """The options that arrive, by walking from the command post."""
    waiting = [k for k in range(len(links.nodes)) if links.direct[k] and choice[links.nodes[k]]]
    found = set(waiting)
    while waiting:
        here = waiting.pop()
        if not links.passes[here]:
            continue
        for there in np.flatnonzero(links.near[here]):
            if int(there) not in found and choice[links.nodes[there]]:
                found.add(int(there))
                waiting.append(int(there))
    return {int(links.nodes[k]) for k in found}


def most_flow(links: Links, share: np.ndarray, node: int) -> float:
    """What can flow from the command post to a mast, by a linear program over chains' arcs."""
    count = len(links.nodes)
    arcs = [(-1, k) for k in np.flatnonzero(links.direct)]
    arcs += [(u, v) for u, v in zip(*np.nonzero(links.near), strict=True) if links.passes[u]]
    into = np.array([[float(head == k) for _, head in arcs] for k in range(count)])
    out = np.array([[float(tail == k) for tail, _ in arcs] for k in range(count)])
    others = [k for k in range(count) if k != node]
    balance = (into - out)[others]
    answer = linprog(
        -(into - out)[node], A_ub=into, b_ub=share[links.nodes], A_eq=balance, b_eq=np.zeros(len(others)),
        bounds=(0, None),
    )  # fmt: skip
    return float(-answer.fun)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_as_much_counts_as_can_flow_and_the_masts_it_hangs_on_say_so(seed: int) -> None:
    rng = np.random.default_rng(seed)
    links = some_links(rng, np.arange(MASTS), 4)
    share = np.where(rng.random(MASTS) < 0.7, rng.integers(0, 11, MASTS) / 10, 0.0)
    found = Network(links, np.ones(MASTS)).counted(share)
    for node in range(4):
        assert found.share[node] == pytest.approx(most_flow(links, share, node), abs=1e-5)
    for option, masts in found.hang.items():
        assert share[masts].sum() == pytest.approx(found.share[option])
        for bits in itertools.product((False, True), repeat=MASTS):
            choice = np.array(bits, np.bool_)
            if option in linked_by_hand(links, choice):
                assert choice[masts].any()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_what_is_chosen_counts_where_it_is_linked_and_joining_is_the_cheapest_way_to_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    links = some_links(rng, np.arange(MASTS), 4)
    costs = rng.integers(1, 9, MASTS).astype(float)
    network, choice = Network(links, costs), rng.random(MASTS) < 0.4
    counts = {int(k) for k in np.flatnonzero(network.counted(choice.astype(float)).share > 0)}
    assert {k for k in counts if k < 4} == {k for k in linked_by_hand(links, choice) if k < 4}
    prices, _ = network.prices(choice)
    for option in range(MASTS):
        ways = [
            costs[more & ~choice].sum()
            for bits in itertools.product((False, True), repeat=MASTS)
            if option in linked_by_hand(links, more := np.array(bits, np.bool_) | choice)
        ]
        assert prices[option] == pytest.approx(min(ways, default=np.inf))
        if ways:
            joined = network.joined(choice, option)
            assert option in linked_by_hand(links, joined)
            assert costs[joined & ~choice].sum() == pytest.approx(min(ways))


def tiny_linked(seed: int, *, spare: bool = False, watch: bool = False) -> tuple[Siting, Links]:
    """A small sector of nine options, four of them towers that need links, three relays that see nothing."""
    plain, rng = tiny(seed, whole=True), np.random.default_rng(seed)
    nodes = np.array([0, 1, 2, 3, 6, 7, 8])
    links = some_links(rng, nodes, 4)
    exposure = plain_exposure(seed)
    exposure[6:] = 0.0
    there = plain.passages[0]
    return Siting(
        plain.costs, plain.along_m, [Evader(exposure=csr_array(exposure), passages=(there, reverse(there)))], 0.6,
        np.zeros(9, np.bool_), [Watch(np.array([0, 1, 2]), 2)] if watch else [],
        Spare(np.array([0, 1, 2, 3, 6, 7, 8]), 0.2) if spare else None, links,
    ), links  # fmt: skip


def plain_exposure(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed + 7)
    exposure: np.ndarray = np.where(rng.random((9, 25)) < 0.6, rng.uniform(0.3, 2.5, (9, 25)), 0.0)
    exposure[0] += 0.7
    return exposure


def closing_by_hand(siting: Siting, plain: Siting, links: Links) -> list[np.ndarray]:
    """The choices whose linked options alone close the sector, by a siting that knows no links."""
    masts = set(links.nodes.tolist())
    found = []
    for bits in itertools.product((False, True), repeat=siting.options):
        choice = np.array(bits, np.bool_)
        arrives = linked_by_hand(links, choice)
        counts = np.array([choice[k] and (k not in masts or k in arrives) for k in range(siting.options)])
        if plain.closes(counts):
            found.append(choice)
    return found


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000), watch=st.booleans())
def test_with_relays_to_be_bought_the_cheapest_is_found_and_no_bound_exceeds_it(seed: int, watch: bool) -> None:
    siting, links = tiny_linked(seed, watch=watch)
    evader = Evader(exposure=siting._by_place[0].T.tocsr(), passages=siting.passages)
    plain = Siting(siting.costs, siting.along_m, [evader], 0.6, siting.standing, siting.watches)
    closing = closing_by_hand(siting, plain, links)
    everything = np.ones(siting.options, np.bool_)
    if not closing:
        assert not siting.closes(everything)
        return
    optimum = min(siting.cost(choice) for choice in closing)
    assert siting.closes(siting.pruned(greedy(siting)))
    last = None
    for progress in solve(siting, np.random.default_rng(1)):
        assert progress.bound <= optimum + 1e-6
        assert siting.closes(progress.choice)
        last = progress
    assert last is not None
    assert last.cost == pytest.approx(optimum)
    assert last.gap == pytest.approx(0.0, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 100_000), draw=st.integers(0, 100), spare=st.booleans())
def test_no_inequality_cuts_off_a_choice_that_closes_and_an_open_one_is_cut_off(
    seed: int, draw: int, spare: bool
) -> None:
    siting, _ = tiny_linked(seed, spare=spare, watch=True)
    rng = np.random.default_rng(draw)
    share = rng.uniform(0, 0.8, siting.options) * (rng.random(siting.options) < 0.7)
    every = [np.array(bits, np.bool_) for bits in itertools.product((False, True), repeat=siting.options)]
    closing = [choice for choice in every if siting.closes(choice)]
    cuts = violated_cuts(siting, share, weak_ways(siting, share))
    left = every[int(rng.integers(len(every)))]
    if not siting.closes(left):
        fresh = open_cuts(siting, left)
        assert any(cut.activity(left.astype(float)) < 1 for cut in fresh)
        cuts += fresh
    for choice in closing:
        assert all(cut.activity(choice.astype(float)) >= 1 - 1e-9 for cut in cuts)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 100_000), spare=st.booleans())
def test_the_same_where_it_is_about_being_stopped_in_time_and_a_mast_may_be_lost(seed: int, spare: bool) -> None:
    small, rng = scene(seed, 0.4, standing=0.0), np.random.default_rng(seed)
    # A fourth that sees is taken for a relay: it has a price and sees nothing.
    exposure = small.exposure.copy()
    exposure[3] = 0.0
    links = some_links(rng, np.arange(4), 3)
    chase = small.siting._chase[0]
    evader = Evader(exposure=csr_array(exposure), passages=small.passages)
    siting = Interrupting(
        small.siting.costs, small.siting.along_m, [type(chase)(evader=evader, delay_s=chase.delay_s, ends=chase.ends,
        reach_s=chase.reach_s)], 0.4, np.zeros(10, np.bool_), delaying=small.delaying, timing=TIMING, links=links,
        spare=Spare(np.arange(4), 0.1) if spare else None,
    )  # fmt: skip
    every = [np.array(bits, np.bool_) for bits in itertools.product((False, True), repeat=10)]
    closing = [choice for choice in every if siting.closes(choice)]
    if not closing:
        with pytest.raises(InputError, match="cannot be closed"):
            next(solve(siting, np.random.default_rng(1)))
        return
    optimum = min(siting.cost(choice) for choice in closing)
    *_, last = solve(siting, np.random.default_rng(1))
    assert last.cost == pytest.approx(optimum)
    assert last.bound <= optimum + 1e-6


def test_links_among_some_of_the_options_are_those_among_all() -> None:
    rng = np.random.default_rng(3)
    links = some_links(rng, np.array([1, 2, 5, 8, 9]), 3)
    some = np.array([0, 2, 5, 7, 9])
    few = links.only(some)
    assert few.nodes.tolist() == [1, 2, 4]
    assert few.near.tolist() == links.near[np.ix_([1, 2, 4], [1, 2, 4])].tolist()
    assert few.needs.tolist() == links.needs[[1, 2, 4]].tolist()
