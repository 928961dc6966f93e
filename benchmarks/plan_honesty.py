"""What a plan foretells beside what comes of walkers that are simulated one by one.

Sectors of 5 km on made-up rugged ground by seed, every plan the pruned greedy one, with all kinds of towers and with
the slowest-turning kind alone. Walkers go continuously in time on ways that no plan was cut by, half of them over cells
of another size so that they avoid the cameras; cameras look by their schedule, each look with a sight line of its own.
Half of the walks are cut to a stretch under some of the cameras, so that all probabilities come up.
"""

import msgspec
import numpy as np

from figures import ROOT, Target, command, show
from marsad.app.config import load_site
from marsad.app.plan_check import Outcome, check_plan, summed_up
from marsad.app.plan_file import MadeTerrain, PlanFile, load_plan_file
from marsad.app.plan_ground import lay_out
from marsad.app.plan_options import offer
from marsad.app.plan_siting import ask
from marsad.kernel.site import Site
from marsad.plan.siting import greedy

EXAMPLE = ROOT / "examples/plan"
SEEDS = (4, 7, 9, 12)
TARGETS = [
    Target("difference", "at_most", 0.03),
    Target("over", "at_most", 0.01),
    Target("brier_above_least", "at_most", 0.01),
]


def checked(site: Site, plan: PlanFile, walks: int) -> Outcome | None:
    """What came of the walks over one sector; None where it cannot be closed."""
    sector = lay_out(site, plan)
    found = offer(sector, plan, EXAMPLE)
    asked = ask(sector, plan, found)
    siting = asked.at(plan.probability)
    if siting.open_way() is not None:
        return None
    choice = siting.pruned(greedy(siting))
    check, outcome = check_plan(
        sector, plan, asked, siting, found, choice, np.random.default_rng(plan.seed), ways=walks
    )
    print(
        f"seed {plan.terrain.seed if plan.terrain else '-'}, {len(plan.towers)} kinds, {choice.sum()} towers: "
        f"off {check.difference:.4f}, over {check.over:+.4f}, least {check.least}"
    )
    return outcome


def main() -> None:
    """All sectors together."""
    parser = command(__doc__ or "")
    parser.add_argument("--walks", type=int, default=400, help="walks on each sector")
    options = parser.parse_args()
    site, asked = load_site(EXAMPLE / "site.toml"), load_plan_file(EXAMPLE / "plan.toml")
    found = []
    for towers in (asked.towers, asked.towers[2:]):
        for seed in SEEDS:
            plan = msgspec.structs.replace(asked, towers=towers, terrain=MadeTerrain(seed=seed), seed=seed)
            found.append(checked(site, plan, options.walks))
    whole = Outcome(*(np.concatenate(column) for column in zip(*(each for each in found if each), strict=True)))
    check = summed_up(whole, asked.probability, "detection")
    for each in check.bins:
        print(f"foretold {each.foretold:.3f}  simulated {each.simulated:.3f}  ({each.walks} walks)")
    figures: dict[str, object] = {
        "sectors_closed": sum(each is not None for each in found), "sectors": len(found), "walks": check.walks,
        "difference": check.difference, "difference_in_doubt": check.between, "over": check.over,
        "brier": check.brier, "brier_above_least": check.brier - check.brier_least,
        "whole_plan_walks": check.whole, "whole_plan_under_required": check.under_required,
        "whole_plan_least": check.least,
    }  # fmt: skip
    show("plan_honesty", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()
