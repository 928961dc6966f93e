"""A roster made fairer by one guard taking over from another, or two exchanging duties, for as long as that helps.

What may be changed is asked of the program's own rows, so nothing here knows a rule.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from marsad.geo.geodesy import Array

_EVENNESS: Final = 1e-3
"""What an even share counts beside the difference between the most and the least: it leads over plateaus."""
_SLACK: Final = 1e-7

Columns = NDArray[np.int64]
Move = tuple[tuple[int, int, int], ...]
"""A duty each, who leaves it and who takes it over."""


class Fairness(NamedTuple):
    """What is shared: `weights` (kinds, duties), `costs` (kinds,), `scales` (guards,), 0 for who is never there."""

    weights: Array
    costs: Array
    scales: Array

    def cost(self, loads: Array) -> Array:
        """What loads (kinds, guards, ...) cost; those of guards who are never there do not count."""
        there = loads[:, self.scales > 0]
        apart = there.max(axis=1) - there.min(axis=1)
        uneven = ((there - there.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        found: Array = np.tensordot(self.costs, apart + _EVENNESS * uneven, axes=1)
        return found


class Swaps:
    """The search, over columns (guards, duties) of a program's rows."""

    def __init__(self, columns: Columns, matrix: csr_matrix, low: Array, high: Array, top: Array) -> None:
        self._columns = columns
        self._by_column = matrix.tocsc()
        self._low, self._high, self._top = low - _SLACK, high + _SLACK, top

    def fairer(self, x: Array, fairness: Fairness, rounds: int = 200) -> Array:
        """A solution at least as fair, after so many changes at most; other columns stay as they are."""
        found = x.copy()
        self._activity: Array = self._by_column @ found
        duties = np.round(found[self._columns])
        loads = fairness.scales * (fairness.weights @ duties.T)
        for _ in range(rounds):
            move = self._better(found, loads, fairness)
            if move is None:
                return found
            for duty, leaves, takes in move:
                self._change(found, duty, leaves, takes)
                self._carry(loads, fairness, duty, leaves, takes)
        return found

    def _better(self, x: Array, loads: Array, fairness: Fairness) -> Move | None:
        """A change that helps and breaks no row."""
        now = float(fairness.cost(loads))
        on = np.round(x[self._columns]) > 0
        for most, least in self._pairs(loads, fairness):
            moves = self._moves(on, most, least)
            for k in self._helping(moves, loads, fairness, now):
                if self._allowed(x, moves[k]):
                    return moves[k]
        return None

    @staticmethod
    def _moves(on: NDArray[np.bool_], most: int, least: int) -> list[Move]:
        """All take-overs of one who has much by one who has little, and all their exchanges."""
        gives = np.flatnonzero(on[most] & ~on[least]).tolist()
        takes = np.flatnonzero(on[least] & ~on[most]).tolist()
        over: list[Move] = [((duty, most, least),) for duty in gives]
        return over + [((one, most, least), (other, least, most)) for one, other in product(gives, takes)]

    @staticmethod
    def _helping(moves: Sequence[Move], loads: Array, fairness: Fairness, now: float) -> list[int]:
        """Which changes between the same two help, the best first."""
        if not moves:
            return []
        _, most, least = moves[0][0]
        carried = np.stack(
            [sum(fairness.weights[:, d] * (1 if a == most else -1) for d, a, _ in move) for move in moves], axis=1
        )
        trial = np.repeat(loads[:, :, None], len(moves), axis=2)
        trial[:, most] -= fairness.scales[most] * carried
        trial[:, least] += fairness.scales[least] * carried
        costs = fairness.cost(trial)
        return [int(k) for k in np.argsort(costs, kind="stable") if costs[k] < now - 1e-9]

    @staticmethod
    def _pairs(loads: Array, fairness: Fairness) -> Iterator[tuple[int, int]]:
        """Those who have most of something with those who have least of it."""
        there = np.flatnonzero(fairness.scales > 0)
        found: dict[tuple[int, int], None] = {}
        for kind in np.argsort(-fairness.costs * (loads[:, there].max(axis=1) - loads[:, there].min(axis=1))):
            order = there[np.argsort(loads[kind, there], kind="stable")].tolist()
            found |= {(most, least): None for most in order[::-1][:4] for least in order[:8] if most != least}
        yield from found

    def _carry(self, loads: Array, fairness: Fairness, duty: int, leaves: int, takes: int) -> None:
        loads[:, leaves] -= fairness.scales[leaves] * fairness.weights[:, duty]
        loads[:, takes] += fairness.scales[takes] * fairness.weights[:, duty]

    def _allowed(self, x: Array, move: Move) -> bool:
        """Whether every row and bound holds after a change; none is left behind."""
        if any(self._top[self._columns[takes, duty]] < 1 for duty, _, takes in move):
            return False
        self._changes(x, move)
        rows = np.concatenate([self._rows(self._columns[who, duty]) for duty, *both in move for who in both])
        holds = bool(
            (self._activity[rows] >= self._low[rows]).all() and (self._activity[rows] <= self._high[rows]).all()
        )
        self._changes(x, [(duty, takes, leaves) for duty, leaves, takes in move])
        return holds

    def _changes(self, x: Array, move: Sequence[tuple[int, int, int]]) -> None:
        for duty, leaves, takes in move:
            self._change(x, duty, leaves, takes)

    def _change(self, x: Array, duty: int, leaves: int, takes: int) -> None:
        for who, value in ((leaves, 0.0), (takes, 1.0)):
            column = self._columns[who, duty]
            self._activity[self._rows(column)] += (value - round(float(x[column]))) * self._values(column)
            x[column] = value

    def _rows(self, column: int) -> Columns:
        own = slice(self._by_column.indptr[column], self._by_column.indptr[column + 1])
        return self._by_column.indices[own].astype(np.int64)

    def _values(self, column: int) -> Array:
        values: Array = self._by_column.data[self._by_column.indptr[column] : self._by_column.indptr[column + 1]]
        return values
