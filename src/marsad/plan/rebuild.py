"""A stretch of a sector chosen anew at the least cost, with all the rest of a choice as it is."""

import highspy
import numpy as np

from marsad.plan.path_cuts import Cut, open_cuts
from marsad.plan.relaxation import Relaxation, add_rows
from marsad.plan.siting import TOLERANCE, Choice, Siting
from marsad.plan.solver import Solver, quiet_solver

_ROUNDS = 12
_NODES = 20


def rebuilt(siting: Siting, relaxation: Relaxation, choice: Choice, window: Choice) -> Choice | None:
    """A cheaper choice that closes the sector and differs only in the window; None where none was found.

    The integer program over the inequalities known is solved, and what its answer leaves open teaches new ones, until
    an answer closes the sector or is no cheaper. Its word is taken for no bound.
    """
    rest = choice & ~window
    free = np.flatnonzero(window)
    to_beat = siting.cost(choice) - siting.cost(rest)
    program = _program(siting, free)
    fresh = relaxation.cuts
    for _ in range(_ROUNDS):
        _restrict(program, fresh, rest, free, siting.options)
        program.clearSolver()
        program.run()
        built = np.array(program.getSolution().col_value)
        if len(built) != len(free) or float(siting.costs[free] @ built) >= to_beat - TOLERANCE:
            return None
        found = rest.copy()
        found[free[built > 0.5]] = True
        if siting.closes(found):
            return found
        fresh = open_cuts(siting, found)
        relaxation.add(fresh)
    return None


def _program(siting: Siting, free: np.ndarray) -> Solver:
    program = quiet_solver()
    program.setOptionValue("mip_max_nodes", _NODES)
    count = len(free)
    columns = np.arange(count, dtype=np.int32)
    program.addVars(count, np.zeros(count), np.ones(count))
    program.changeColsCost(count, columns, siting.costs[free])
    program.changeColsIntegrality(count, columns, np.full(count, int(highspy.HighsVarType.kInteger), np.uint8))
    return program


def _restrict(program: Solver, cuts: list[Cut], rest: Choice, free: np.ndarray, options: int) -> None:
    """Give the program the inequalities that what stays does not meet, less its part in them."""
    column = np.full(options, -1, np.int64)
    column[free] = np.arange(len(free))
    kept: list[Cut] = []
    for cut in cuts:
        missing = 1.0 - cut.factors[rest[cut.options]].sum()
        inside = column[cut.options] >= 0
        if missing > TOLERANCE and inside.any():
            kept.append(Cut(column[cut.options[inside]], np.minimum(cut.factors[inside] / missing, 1.0)))
    if kept:
        add_rows(program, kept)
