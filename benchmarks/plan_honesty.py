"""What a plan foretells beside what comes of walkers that are simulated one by one.

Detection: sectors of 5 km on made-up rugged ground by seed, with all kinds of towers and with the slowest-turning kind
alone. Interruption: the al-Qaim example with its land, barriers, links and bases, on other ground by seed. Every plan
is the pruned greedy one. Walkers go continuously in time on ways that no plan was cut by, half of them over cells of
another size so that they avoid the cameras; cameras look by their schedule, each look with a sight line of its own.
Half of the walks for detection are cut to a stretch, and half of all meet only some of the cameras, so that all
probabilities come up.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from figures import ROOT, Target, command, show
from marsad.app.config import load_site
from marsad.app.plan_check import Outcome, check_plan, summed_up
from marsad.app.plan_file import MadeTerrain, PlanFile, load_plan_file
from marsad.app.plan_ground import lay_out
from marsad.app.plan_options import offer
from marsad.app.plan_siting import ask
from marsad.kernel.plan import Measure
from marsad.kernel.site import Site
from marsad.plan.siting import greedy

EXAMPLE = ROOT / "examples/plan"
BORDER = EXAMPLE / "al-qaim"
SEEDS = (4, 7, 9, 12)
BORDER_SEEDS = (7, 11, 23, 31)
BORDER_ASKED = 0.5
BORDER_WALKS = 300
TARGETS = [
    Target(f"{measure}_{name}", "at_most", most)
    for measure in ("detection", "interruption")
    for name, most in (("difference", 0.03), ("over", 0.01), ("brier_above_least", 0.01))
]


def checked(site: Site, plan: PlanFile, folder: Path, walks: int) -> Outcome | None:
    """What came of the walks over one sector; None where it cannot be closed."""
    sector = lay_out(site, plan)
    found = offer(sector, plan, folder)
    asked = ask(sector, plan, found)
    siting = asked.at(plan.probability)
    if siting.open_way() is not None:
        return None
    choice = siting.pruned(greedy(siting))
    check, outcome = check_plan(
        sector, plan, asked, siting, found, choice, np.random.default_rng(plan.seed), ways=walks
    )
    print(
        f"seed {plan.terrain.seed if plan.terrain else '-'}, {len(plan.towers)} kinds, {choice.sum()} options: "
        f"off {check.difference:.4f}, over {check.over:+.4f}, least {check.least} ({check.least_foretold} foretold)"
    )
    return outcome


def together(outcomes: Sequence[Outcome | None], required: float, measure: Measure) -> dict[str, object]:
    """The figures of all walks of one kind, after the table of tenths."""
    whole = Outcome(*(np.concatenate(column) for column in zip(*(each for each in outcomes if each), strict=True)))
    check = summed_up(whole, required, measure)
    for each in check.bins:
        print(f"foretold {each.foretold:.3f}  simulated {each.simulated:.3f}  ({each.walks} walks)")
    found = {
        "sectors_closed": sum(each is not None for each in outcomes), "sectors": len(outcomes), "walks": check.walks,
        "difference": check.difference, "difference_in_doubt": check.between, "over": check.over,
        "brier": check.brier, "brier_above_least": check.brier - check.brier_least,
        "whole_plan_walks": check.whole, "whole_plan_under_required": check.under_required,
        "whole_plan_least": check.least,
    }  # fmt: skip
    return {f"{measure}_{name}": figure for name, figure in found.items()}


def main() -> None:
    """All sectors together, those of each measure."""
    parser = command(__doc__ or "")
    parser.add_argument("--walks", type=int, default=400, help="walks on each sector, for detection")
    options = parser.parse_args()
    site, asked = load_site(EXAMPLE / "site.toml"), load_plan_file(EXAMPLE / "plan.toml")
    found = []
    for towers in (asked.towers, asked.towers[2:]):
        for seed in SEEDS:
            plan = msgspec.structs.replace(asked, towers=towers, terrain=MadeTerrain(seed=seed), seed=seed)
            found.append(checked(site, plan, EXAMPLE, options.walks))
    figures = together(found, asked.probability, "detection")
    site, asked = load_site(BORDER / "site.toml"), load_plan_file(BORDER / "plan.toml")
    found = []
    for seed in BORDER_SEEDS:
        plan = msgspec.structs.replace(asked, terrain=MadeTerrain(seed=seed), seed=seed, probability=BORDER_ASKED)
        found.append(checked(site, plan, BORDER, BORDER_WALKS))
    figures |= together(found, BORDER_ASKED, "interruption")
    show("plan_honesty", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()
