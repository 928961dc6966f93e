"""Whose pictures arrive: masts that see the command post's, or another that is built and passes on.

A tower whose picture does not arrive is worth nothing, so that still everything built only helps. Of the shares in a
fractional choice those count that could flow: from the command post to the tower, over masts each of which passes on
no more than its own share. For any set of masts that every chain to the tower goes through, its share that counts is at
most the sum of theirs; the least such sum is the most that can flow.

Source: L. R. Ford, D. R. Fulkerson, Maximal flow through a network, Canadian Journal of Mathematics 8 (1956) 399-404.
"""

import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from marsad.plan.crossing import Array

Choice = NDArray[np.bool_]
Order = NDArray[np.int64]
_LEAST = 1e-7
_WHOLE = 1_000_000
_KEPT = 64


class Links(NamedTuple):
    """Options that are masts, and what each sees: `nodes` (K,) are their numbers.

    `direct` (K,) see the command post, or what stands and is linked to it; `near` (K, K) see each other. Those that
    `passes` (K,) pass on what they get; those that `needs` (K,) are worth something only where linked.
    """

    nodes: Order
    direct: Choice
    near: Choice
    passes: Choice
    needs: Choice

    def only(self, options: Order) -> Self:
        """The links among some of the options, by their places among these."""
        at = np.searchsorted(options, self.nodes)
        kept = (at < len(options)) & (options[np.minimum(at, len(options) - 1)] == self.nodes)
        own = np.flatnonzero(kept)
        return self._replace(
            nodes=at[own], direct=self.direct[own], near=self.near[np.ix_(own, own)], passes=self.passes[own],
            needs=self.needs[own],
        )  # fmt: skip

    def reached(self, there: Choice) -> Choice:
        """(K,) which of the masts that are there are linked, over others that are."""
        found = there & self.direct
        while True:
            more = there & self.near[found & self.passes].any(axis=0) & ~found
            if not more.any():
                return found
            found |= more


class Counted(NamedTuple):
    """How much of each option's share counts (options,), and for those with less than all, the masts it hangs on."""

    share: Array
    hang: dict[int, Order]


class Network:
    """Links, asked again and again by a search."""

    def __init__(self, links: Links, costs: Array) -> None:
        self.links, self._costs = links, costs[links.nodes]
        self._kept: dict[bytes, Counted] = {}

    def counted(self, share: Array) -> Counted:
        """What counts of shares of the options."""
        key = share.tobytes()
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            found = self._kept[key] = self._count(share)
        return found

    def in_options(self, factors: Array, share: Array) -> Array:
        """The factors of an inequality of what counts as one of what is built, both at least 1.

        Where less than all of an option counts, the masts that it hangs on stand for it; no factor needs to be above 1.
        """
        found = factors.copy()
        for option, masts in self.counted(share).hang.items():
            found[option] -= factors[option]
            found[masts] += factors[option]
        least: Array = np.minimum(found, 1.0)
        return least

    def prices(self, choice: Choice, lost: int = -1) -> tuple[Array, Order]:
        """(K,) what each mast costs with the masts that link it, and (K,) the one before it, -1 where it is direct.

        What is chosen costs nothing more; `lost` links nothing.
        """
        links, count = self.links, len(self.links.nodes)
        own = np.where(choice[links.nodes] & (links.nodes != lost), 0.0, self._costs)
        own[links.nodes == lost] = math.inf
        price = np.where(links.direct, own, math.inf)
        before = np.full(count, -1, np.int64)
        left = np.ones(count, np.bool_)
        while True:
            nearest = int(np.argmin(np.where(left, price, math.inf)))
            if not (left[nearest] and price[nearest] < math.inf):
                return price, before
            left[nearest] = False
            if links.passes[nearest]:
                over = price[nearest] + own
                better = left & links.near[nearest] & (over < price)
                price[better], before[better] = over[better], nearest

    def joined(self, choice: Choice, option: int, lost: int = -1) -> Choice:
        """A choice with one more option, and the cheapest masts that link it."""
        more = choice.copy()
        more[option] = True
        at = np.flatnonzero(self.links.nodes == option)
        if len(at):
            price, before = self.prices(choice, lost)
            node = int(at[0]) if price[at[0]] < math.inf else -1
            while node >= 0:
                more[self.links.nodes[node]] = True
                node = int(before[node])
        return more

    def _count(self, share: Array) -> Counted:
        links, shares = self.links, share[self.links.nodes]
        there = shares > _LEAST
        linked = links.reached(there)
        counts, hang = share.copy(), {}
        doubtful = there & links.needs & ~links.direct & (self._widest(shares, linked) < shares - _LEAST)
        flow = _Flow(links, shares, linked) if (doubtful & linked).any() else None
        for node in np.flatnonzero(doubtful).tolist():
            cut = self._loose(node, there, linked) if flow is None or not linked[node] else flow.cut(node)
            passed = float(shares[cut].sum())
            if passed < shares[node] - _LEAST:
                option = int(links.nodes[node])
                counts[option], hang[option] = passed, links.nodes[cut]
        return Counted(counts, hang)

    def _widest(self, shares: Array, linked: Choice) -> Array:
        """(K,) the most that one chain alone passes on to each mast, the mast itself left aside."""
        links = self.links
        widest = np.where(links.direct, math.inf, 0.0)
        left = linked.copy()
        while left.any():
            through = np.where(left, np.minimum(widest, shares), -1.0)
            node = int(np.argmax(through))
            left[node] = False
            if links.passes[node]:
                widest = np.where(links.near[node], np.maximum(widest, through[node]), widest)
        return widest

    def _loose(self, node: int, there: Choice, linked: Choice) -> Order:
        """The masts that are not there and of which a mast needs one: those next to it and its like, or to the linked.

        The fewer of both.
        """
        links = self.links
        like = _around(links, node, there & ~linked)
        beside = np.flatnonzero(links.near[like].any(axis=0) & links.passes & ~like)
        ahead = _front(links, node, linked)
        return beside if len(beside) <= len(ahead) else ahead


class _Flow:
    """What can flow over the masts that are linked, each an arc as wide as its share."""

    def __init__(self, links: Links, shares: Array, linked: Choice) -> None:
        self._links, self._nodes = links, np.flatnonzero(linked)
        own, count = self._nodes, len(self._nodes)
        wide = np.minimum(np.rint(shares[own] * _WHOLE), 2 * _WHOLE).astype(np.int32)
        here, there = np.nonzero(links.near[np.ix_(own, own)] & links.passes[own][:, None])
        first = np.flatnonzero(links.direct[own])
        tails = np.concatenate([np.full(len(first), 2 * count), np.arange(count), count + here])
        heads = np.concatenate([first, count + np.arange(count), there])
        widths = np.concatenate([np.full(len(first), 4 * _WHOLE), wide, np.full(len(here), 4 * _WHOLE)])
        self._arcs = csr_array((widths.astype(np.int32), (tails, heads)), shape=(2 * count + 1,) * 2)

    def cut(self, node: int) -> Order:
        """The masts that least can flow over to one of them: all its chains go through these."""
        count = len(self._nodes)
        sink = count + int(np.searchsorted(self._nodes, node))
        left = self._arcs - maximum_flow(self._arcs, 2 * count, sink).flow
        seen = np.zeros(2 * count + 1, np.bool_)
        seen[2 * count] = True
        tails, heads = left.nonzero()
        while (fresh := seen[tails] & ~seen[heads]).any():
            seen[heads[fresh]] = True
        reached = np.zeros(len(self._links.nodes), np.bool_)
        reached[self._nodes[seen[count : 2 * count]]] = True
        return _front(self._links, node, reached)


def _around(links: Links, node: int, over: Choice) -> Choice:
    """(K,) a mast and those that it gets to over masts that pass on."""
    found = np.zeros(len(over), np.bool_)
    found[node] = True
    while True:
        more = over & links.passes & links.near[found].any(axis=0) & ~found
        if not more.any():
            return found
        found |= more


def _front(links: Links, node: int, behind: Choice) -> Order:
    """The masts next to the command post and those `behind` that lead on to a mast: its every chain has one of them."""
    ahead = _around(links, node, ~behind)
    return np.flatnonzero(ahead & (links.direct | links.near[behind & links.passes].any(axis=0)))
