"""Towers against an evader who knows them: cost, proven bound and gap over time, beside greedy and its first tries.

Made-up steppe by seed, three kinds of towers, walkers in both directions, detected with 0.9 on every way: 10 km in
cells of 100 m with 300 options, and 100 km in cells of 200 m with 3,000. The peers, in the same run: greedy (to the
least exposed way, the option that exposes it most per cost), greedy and pruning, and a linear relaxation over the plain
inequalities of the least exposed ways, rounded and pruned. Times are processor time on one thread, so that a busy
machine does not count. What the search takes at a mark is what it had then.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from figures import Target, command, show
from marsad.plan.crossing import least_exposure, trace
from marsad.plan.path_cuts import Cut
from marsad.plan.relaxation import Relaxation
from marsad.plan.siting import Choice, Path, Siting, greedy
from marsad.plan.solve_siting import Progress, solve
from siting_scenes import Sector, siting

PROBABILITY = 0.9
SHORT = [Sector(10_000.0, 4000.0, 100.0, 100, seed) for seed in (1, 2, 3)]
LONG = Sector(100_000.0, 6000.0, 200.0, 1000, 1)
MARKS_S = (5, 10, 20, 40, 60, 120, 300)
SHORT_S = 300.0
LONG_S = 60.0
PLAIN_S = 20.0
TARGETS = [
    Target("short_gap_percent", "at_most", 25.0),
    Target("short_over_pruned_percent", "at_most", 0.0),
    Target("long_under_greedy_percent", "at_least", 20.0),
]


class Run(NamedTuple):
    """What a search had at each mark, and at the end."""

    at: dict[int, Progress]
    last: Progress
    spent_s: float


def compile_kernels() -> None:
    """Compile what is timed."""
    next(solve(siting(Sector(3000.0, 2000.0, 100.0, 30, 1), PROBABILITY), np.random.default_rng(0)))


def searched(problem: Siting, limit_s: float) -> Run:
    """A search for so long."""
    start, at = time.process_time(), {}
    marks = iter(MARKS_S)
    mark, last = next(marks), None
    for progress in solve(problem, np.random.default_rng(0)):
        spent = time.process_time() - start
        while mark is not None and spent > mark and last is not None:
            at[mark], mark = last, next(marks, None)
        if spent > limit_s and last is not None:
            break
        last = progress
    if last is None:
        raise SystemExit("the search said nothing")
    return Run(at, last, time.process_time() - start)


def plain_cutting(problem: Siting, limit_s: float) -> tuple[Choice, float]:
    """The peer: the inequalities of the least exposed ways as they are, then the shares rounded up and pruned."""
    relaxation, start = Relaxation(problem), time.process_time()
    everything = np.ones(problem.options, np.bool_)
    relaxed = relaxation.solve(problem.standing, everything)
    while time.process_time() - start < limit_s:
        cuts = list(_plain_cuts(problem, relaxed.share))
        if not cuts or not relaxation.add(cuts):
            break
        relaxed = relaxation.solve(problem.standing, everything)
    choice = relaxed.share > 0
    while not problem.closes(choice):
        exposure, path = problem.weakest(choice, problem.required)
        gain = np.where(choice, 0.0, np.minimum(problem.exposures(path), problem.required - exposure))
        choice[np.argmax(gain / problem.costs)] = True
    return problem.pruned(choice), relaxed.bound


def _plain_cuts(problem: Siting, share: np.ndarray) -> Iterator[Cut]:
    for number, way in enumerate(problem.passages):
        exposure, before = least_exposure(way, problem.place_rates(number, share))
        end = way.exits[np.argmin(exposure[way.exits])]
        path = Path(number, trace(before, end))
        exposures = problem.exposures(path)
        if exposures @ share < problem.required * (1 - 1e-3):
            seen = np.flatnonzero(exposures)
            yield Cut(seen, np.minimum(exposures[seen] / problem.required, 1.0))


def table(name: str, run: Run) -> None:
    """Print a search's cost, bound and gap over time."""
    print(f"{name}: at (s)       cost      bound      gap")
    for mark, progress in [*run.at.items(), (round(run.spent_s), run.last)]:
        print(f"{'':{len(name)}}  {mark:>6} {progress.cost:10.0f} {progress.bound:10.1f} {progress.gap:8.1%}")


def compared(name: str, problem: Siting, limit_s: float) -> dict[str, float]:
    """The search beside its peers on one sector."""
    start = time.process_time()
    first = greedy(problem)
    greedy_s = time.process_time() - start
    pruned = problem.pruned(first)
    pruned_s = time.process_time() - start
    plain, plain_bound = plain_cutting(problem, PLAIN_S)
    run = searched(problem, limit_s)
    table(name, run)
    found = {
        "greedy": problem.cost(first), "greedy_s": greedy_s, "pruned": problem.cost(pruned), "pruned_s": pruned_s,
        "plain": problem.cost(plain), "plain_bound": plain_bound, "cost": run.last.cost, "bound": run.last.bound,
        "gap_percent": 100 * run.last.gap, "spent_s": run.spent_s,
    }  # fmt: skip
    return {f"{name}_{key}": value for key, value in found.items()}


def main() -> None:
    """Both sizes, the short one over three seeds."""
    parser = command(__doc__ or "")
    parser.add_argument("--short-only", action="store_true", help="leave the 100 km out")
    options = parser.parse_args()
    compile_kernels()
    figures: dict[str, object] = {}
    gaps, over = [], []
    for sector in SHORT:
        name = f"short{sector.seed}"
        found = compared(name, siting(sector, PROBABILITY), SHORT_S)
        gaps.append(found[f"{name}_gap_percent"])
        over.append(100 * (found[f"{name}_cost"] / found[f"{name}_pruned"] - 1))
        figures |= found
    figures |= {"short_gap_percent": max(gaps), "short_over_pruned_percent": max(over)}
    figures["long_under_greedy_percent"] = "not run"
    if not options.short_only:
        found = compared("long", siting(LONG, PROBABILITY), LONG_S)
        figures |= found
        figures["long_under_greedy_percent"] = 100 * (1 - found["long_cost"] / found["long_greedy"])
        figures["long_under_pruned_percent"] = 100 * (1 - found["long_cost"] / found["long_pruned"])
    show("siting", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()
