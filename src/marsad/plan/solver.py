"""HiGHS, silent and on one processor: the only way to it here."""

import highspy

Solver = highspy._core._Highs  # noqa: SLF001 - the public class writes a banner to standard output


def quiet_solver() -> Solver:
    """A solver of its own that says nothing and keeps to one processor.

    An integer program wants a fresh one: after a linear program has been solved in it, HiGHS 1.16 reports a wrong
    objective and bound for an integer one.
    """
    solver = Solver()
    solver.setOptionValue("log_to_console", False)  # noqa: FBT003 - the solver's own interface
    solver.setOptionValue("output_flag", False)  # noqa: FBT003 - the same
    solver.setOptionValue("threads", 1)
    return solver
