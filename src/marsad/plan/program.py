"""Linear programs, with or without whole numbers, and what HiGHS makes of them.

Source: Q. Huangfu, J. A. J. Hall, Parallelizing the dual revised simplex method, Mathematical Programming Computation
10 (2018) 119-142.
"""

import math
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from marsad.geo.geodesy import Array
from marsad.kernel.error import UnavailableError
from marsad.plan.solver import Solver, quiet_solver

Status = Literal["optimal", "feasible", "infeasible"]
"""`feasible`: found, and not proven to be the best before time ran out."""

_STATUS: Final[dict[object, Status]] = {
    highspy.HighsModelStatus.kOptimal: "optimal",
    highspy.HighsModelStatus.kInfeasible: "infeasible",
    highspy.HighsModelStatus.kUnboundedOrInfeasible: "infeasible",
}


class Program(NamedTuple):
    """The least `cost` x where `row_low` <= `matrix` x <= `row_high` and `low` <= x <= `high`; `whole` are integers."""

    cost: Array
    matrix: csr_matrix
    row_low: Array
    row_high: Array
    low: Array
    high: Array
    whole: NDArray[np.bool_] | None = None


class Solution(NamedTuple):
    """What was found: `x` and `duals` (of the rows) empty where nothing was; no solution costs less than `bound`.

    `took_s` is how long it ran.
    """

    status: Status
    x: Array
    cost: float
    bound: float
    duals: Array
    took_s: float


class Rows:
    """Rows of a program's matrix, gathered one by one."""

    def __init__(self) -> None:
        self.low: list[float] = []
        self.high: list[float] = []
        self._columns: list[int] = []
        self._values: list[float] = []
        self._starts = [0]

    def add(self, columns: Sequence[int], values: Sequence[float] | float, low: float, high: float) -> None:
        """One row more, from `low` to `high`; one value stands for all of them."""
        self._columns += columns
        self._values += [values] * len(columns) if isinstance(values, float | int) else values
        self._starts.append(len(self._columns))
        self.low.append(low)
        self.high.append(high)

    def matrix(self, columns: int) -> csr_matrix:
        """All of them, so many columns wide."""
        return csr_matrix((self._values, self._columns, self._starts), shape=(len(self.low), columns))


class Growing:
    """A linear program that columns are added to; each solution goes on from the one before."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._highs = _solver()
        self._highs.passModel(_model(program))

    def widen(self, cost: float, column: Array) -> None:
        """One more column, 0 or more."""
        used = np.flatnonzero(column)
        self._highs.addCol(cost, 0.0, math.inf, len(used), used.astype(np.int32), column[used])

    def solve(self) -> Solution:
        """The best by the columns that there are."""
        self._highs.run()
        return _solution(self._highs, self._program)


def solve(
    program: Program, *, time_limit_s: float = math.inf, gap: float = 1e-6, start: Array | None = None
) -> Solution:
    """The best that is found in the time given, with a bound below which nothing lies; `start` is one known before.

    Raises: UnavailableError where time ran out before anything was found.
    """
    highs = _solver()
    highs.setOptionValue("mip_rel_gap", gap)
    if math.isfinite(time_limit_s):
        highs.setOptionValue("time_limit", float(time_limit_s))
    highs.passModel(_model(program))
    if start is not None:
        known = highspy.HighsSolution()
        known.col_value = start.tolist()
        highs.setSolution(known)
    highs.run()
    return _solution(highs, program)


def _solver() -> Solver:
    """A solver that ends linear programs in a corner, by the simplex method."""
    highs = quiet_solver()
    highs.setOptionValue("solver", "simplex")
    return highs


def _model(program: Program) -> highspy.HighsLp:
    matrix = program.matrix.tocsr()
    model = highspy.HighsLp()
    model.num_row_, model.num_col_ = matrix.shape
    model.col_cost_ = np.asarray(program.cost, float)
    model.col_lower_, model.col_upper_ = np.asarray(program.low, float), np.asarray(program.high, float)
    model.row_lower_, model.row_upper_ = np.asarray(program.row_low, float), np.asarray(program.row_high, float)
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    model.a_matrix_.index_ = matrix.indices.astype(np.int32)
    model.a_matrix_.value_ = matrix.data.astype(float)
    if program.whole is not None:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        model.integrality_ = [kinds[int(whole)] for whole in program.whole]
    return model


def _solution(highs: Solver, program: Program) -> Solution:
    status, took_s = _STATUS.get(highs.getModelStatus(), "feasible"), float(highs.getRunTime())
    info = highs.getInfo()
    if status == "infeasible":
        return Solution(status, np.empty(0), math.inf, math.inf, np.empty(0), took_s)
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        raise UnavailableError("no solution was found in the time given: allow more of it")
    found, cost = highs.getSolution(), float(info.objective_function_value)
    bound = cost if program.whole is None else float(info.mip_dual_bound)
    if program.whole is None and status != "optimal":
        bound = -math.inf
    return Solution(status, np.array(found.col_value), cost, bound, np.array(found.row_dual), took_s)
