"""Detect, delay, respond on the al-Qaim example: cost, proven bound and gap over processor time.

Ten kilometres of made-up ground, walkers and vehicles in both directions, interrupted with 0.7 on every way: cameras
on the fence, towers, barriers by the stretch, two bases. The peer, in the same run: greedy, then pruned.
"""

import time
from pathlib import Path

import numpy as np

from figures import Target, command, show
from marsad.app.config import load_site
from marsad.app.plan_file import load_plan_file
from marsad.app.plan_ground import lay_out
from marsad.app.plan_options import offer
from marsad.app.plan_siting import ask
from marsad.plan.siting import Siting, greedy
from marsad.plan.solve_siting import Progress, solve

FOLDER = Path(__file__).parents[1] / "examples" / "plan" / "al-qaim"
MARKS_S = (2, 5, 10, 20, 40, 60)
LIMIT_S = 60.0
TARGETS = [Target("gap_percent", "at_most", 5.0), Target("over_pruned_percent", "at_most", 0.0)]


def example() -> Siting:
    """The choice that the example asks for."""
    plan = load_plan_file(FOLDER / "plan.toml")
    sector = lay_out(load_site(FOLDER / "site.toml"), plan)
    return ask(sector, plan, offer(sector, plan, FOLDER)).at(plan.probability)


def searched(siting: Siting) -> tuple[Progress, float]:
    """A search until it is proven or the time is up, told at every mark, and how long it took."""
    start, marks = time.process_time(), iter(MARKS_S)
    mark = next(marks)
    steps = solve(siting, np.random.default_rng(0))
    last = next(steps)
    print("at (s)       cost      bound      gap")
    for step in steps:
        spent = time.process_time() - start
        while spent > mark:
            print(f"{mark:>6} {last.cost:10.1f} {last.bound:10.1f} {last.gap:8.1%}")
            mark = next(marks, 10**9)
        if spent > LIMIT_S:
            break
        last = step
    return last, time.process_time() - start


def main() -> None:
    """The example, after the kernels are compiled."""
    options = command(__doc__ or "").parse_args()
    siting = example()
    next(solve(siting, np.random.default_rng(0)))
    start = time.process_time()
    pruned = siting.cost(siting.pruned(greedy(siting)))
    pruned_s = time.process_time() - start
    last, spent_s = searched(siting)
    figures: dict[str, object] = {
        "options": siting.options, "pruned": pruned, "pruned_s": pruned_s, "cost": last.cost, "bound": last.bound,
        "gap_percent": 100 * last.gap, "over_pruned_percent": 100 * (last.cost / pruned - 1), "spent_s": spent_s,
    }  # fmt: skip
    show("interruption", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()
