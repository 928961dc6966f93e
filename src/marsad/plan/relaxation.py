"""The least cost of fractional choices that obey the inequalities learnt so far, and a bound that can be checked."""

from collections.abc import Sequence
from typing import NamedTuple

import highspy
import numpy as np
from scipy.sparse import csr_array

from marsad.plan.crossing import Array
from marsad.plan.path_cuts import Cut
from marsad.plan.siting import Choice, Siting
from marsad.plan.solver import Solver, quiet_solver

_PATIENCE = 12
_SLACK = 1e-6


class Relaxed(NamedTuple):
    """A proven lower bound on the cost, the fractional choice, and what each option would add to the bound if built.

    `reduced` is cost less worth: an option whose reduced cost is above the gap is in no better choice.
    """

    bound: float
    share: Array
    reduced: Array


class Relaxation:
    """A linear program over shares of the options, which grows with the inequalities and forgets the idle ones.

    The bound is not the solver's word: it is summed up from its dual prices by weak duality, so that any prices,
    however they were come by, give a true one.
    """

    def __init__(self, siting: Siting) -> None:
        self.siting = siting
        self._learnt: dict[bytes, Cut] = {}
        self._held: dict[bytes, Cut] = {}
        self._idle = np.zeros(0, np.int64)
        self._program = quiet_solver()
        count = siting.options
        self._program.addVars(count, siting.standing.astype(float), np.ones(count))
        self._program.changeColsCost(count, np.arange(count, dtype=np.int32), siting.costs)

    @property
    def cuts(self) -> list[Cut]:
        """All the inequalities ever learnt, also those that the program has forgotten."""
        return list(self._learnt.values())

    def add(self, cuts: Sequence[Cut]) -> int:
        """How many of the inequalities the program did not hold."""
        keyed = {cut.options.tobytes() + np.round(cut.factors, 9).tobytes(): cut for cut in cuts}
        fresh = {key: cut for key, cut in keyed.items() if key not in self._held}
        if fresh:
            add_rows(self._program, list(fresh.values()))
            self._learnt |= fresh
            self._held |= fresh
            self._idle = np.concatenate([self._idle, np.zeros(len(fresh), np.int64)])
        return len(fresh)

    def solve(self, lower: Choice, upper: Choice, iterations: int = 1_000_000) -> Relaxed:
        """The least cost with some options taken (`lower`) and others left out (not `upper`).

        With few simplex iterations the bound is weaker and still true.
        """
        low, high = lower.astype(float), upper.astype(float)
        self._program.changeColsBounds(len(low), np.arange(len(low), dtype=np.int32), low, high)
        self._program.setOptionValue("simplex_iteration_limit", iterations)
        self._program.run()
        answer = self._program.getSolution()
        share = np.clip(np.array(answer.col_value), 0.0, 1.0)
        prices = np.maximum(np.array(answer.row_dual), 0.0) if self._held else np.zeros(0)
        reduced = self.siting.costs - self._worth(prices)
        bound = float(prices.sum() + np.minimum(reduced * low, reduced * high).sum())
        return Relaxed(bound, share, reduced)

    def forget(self, share: Array) -> None:
        """Leave out of the program the inequalities that have long been met with room to spare."""
        if not self._held:
            return
        activity = _matrix(list(self._held.values()), self.siting.options) @ share
        self._idle = np.where(activity > 1 + _SLACK, self._idle + 1, 0)
        gone = self._idle > _PATIENCE
        if gone.sum() > len(self._held) // 4:
            self._program.deleteRows(int(gone.sum()), np.flatnonzero(gone).astype(np.int32))
            self._held = {key: cut for (key, cut), out in zip(self._held.items(), gone, strict=True) if not out}
            self._idle = self._idle[~gone]

    def _worth(self, prices: Array) -> Array:
        priced = np.flatnonzero(prices)
        held = list(self._held.values())
        worth: Array = _matrix([held[k] for k in priced], self.siting.options).T @ prices[priced]
        return worth


def add_rows(solver: Solver, cuts: Sequence[Cut]) -> None:
    """Give a solver inequalities; their options are its columns."""
    lengths = np.array([len(cut.options) for cut in cuts])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int32)
    solver.addRows(
        len(cuts),
        np.ones(len(cuts)),
        np.full(len(cuts), highspy.kHighsInf),
        int(lengths.sum()),
        starts,
        np.concatenate([cut.options for cut in cuts]).astype(np.int32),
        np.concatenate([cut.factors for cut in cuts]),
    )


def _matrix(cuts: Sequence[Cut], options: int) -> csr_array:
    starts = np.concatenate([[0], np.cumsum([len(cut.options) for cut in cuts])]).astype(np.int64)
    if not cuts:
        return csr_array((0, options))
    factors, columns = (np.concatenate(parts) for parts in zip(*((c.factors, c.options) for c in cuts), strict=True))
    return csr_array((factors, columns, starts), shape=(len(cuts), options))
