"""The command `marsad plan`: what to build along a site's line so that nobody crosses it undetected, at what cost."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from scipy.sparse import csr_array

from marsad.adapters.writing import replace_whole, write_refusal
from marsad.app.config import load_site
from marsad.app.plan_check import check_plan, draw_check
from marsad.app.plan_file import PlanFile, load_plan_file
from marsad.app.plan_gis import FILES as GIS
from marsad.app.plan_gis import write_gis
from marsad.app.plan_ground import Sector, illustrative, lay_out
from marsad.app.plan_map import draw_map
from marsad.app.plan_options import Offer, Option, offer
from marsad.app.plan_paper import NAMES as REPORTS
from marsad.app.plan_paper import write_reports
from marsad.app.plan_report import MEASURED, Built, PlanReport, money
from marsad.app.plan_site import Feature, camera_name, features, isochrones, lonlat, planned_site, refuse_clashes
from marsad.app.plan_siting import Asked, ask, chosen
from marsad.app.plan_study import study_of
from marsad.app.plan_worth import judgements, losses, phases, placements, reached, worst_ways
from marsad.app.scenario_file import TERRAIN
from marsad.app.stage import write_made_ground
from marsad.app.toml_text import toml_text
from marsad.geo.geodesy import Array
from marsad.kernel.error import InputError
from marsad.kernel.plan import CurvePoint, Measure, Plan, Way
from marsad.kernel.site import Site
from marsad.plan.budget import within
from marsad.plan.sector import in_cells
from marsad.plan.siting import Choice, Siting
from marsad.plan.solve_siting import Progress, solve
from marsad.simulate.terrain import ILLUSTRATIVE

_TELL_S = 2.0
PLAN, SITE, GEOJSON, MAP, CHECK = "plan.json", "plan.toml", "plan.geojson", "map.png", "check.png"
_HEAD = """# Written by marsad plan: the site with the plan's cameras on it. Their sources are to be filled in, and
# their poses to be measured once they stand. A planned camera turns all round; its pose is where it rests.
"""
_NOTE_STANDING = "cameras that stand are counted in their own picture only, with one try every {try_s:g} s"

Tell = Callable[[str], None]


class Given(NamedTuple):
    """What a plan is made for, and the files that it was read from."""

    site_path: Path
    settings: Path
    site: Site
    plan: PlanFile


class Ready(NamedTuple):
    """A line that is laid out and looked at, ready to be searched over."""

    given: Given
    out: Path
    sector: Sector
    found: Offer
    asked: Asked
    siting: Siting


class Answer(NamedTuple):
    """Where the search ended, why, after how long, and under a budget what no choice reaches."""

    choice: Choice
    cost: float
    bound: float
    required: float
    stopped: str
    seconds: float
    attainable: float | None = None


def plan_site(
    site_path: Path, settings: Path, out: Path, *, seconds: float, tell: Tell, checked: bool = True,
    reported: bool = True,
) -> PlanReport:  # fmt: skip
    """The cheapest plan found that holds a site's first line, or the best within a budget, written to a folder.

    It is `checked` by simulation, and `reported` on paper and as pages in four languages.

    Raises: InputError naming what to mend, UnavailableError where the folder cannot be written to.
    """
    given = Given(site_path, settings, load_site(site_path), load_plan_file(settings))
    refuse_no_time(seconds)
    ready = made_ready(given, out, tell)
    answer = _answer(ready.asked, ready.siting, given.plan, seconds, tell)
    return finished(ready, answer, seconds=seconds, tell=tell, checked=checked, reported=reported)


def refuse_no_time(seconds: float) -> None:
    """Raise InputError for a time to search in that is none."""
    if not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f"--for {seconds:g}: must be above 0")


def made_ready(given: Given, out: Path, tell: Tell) -> Ready:
    """The line laid out and looked at, and the folder emptied. Raises: as `plan_site`."""
    site_path, settings, site, plan = given
    _empty(out, (settings, site_path, *map(Path, site.terrain.files)))
    sector = lay_out(site, plan)
    found = offer(sector, plan, settings.parent)
    options = found.options
    refuse_clashes(sector, options)
    tell(f"{len(options)} options over {sector.lattice.rows} x {sector.lattice.columns} cells; looking from each")
    asked = ask(sector, plan, found)
    siting = asked.at(plan.probability)
    if math.isinf(siting.most):
        raise InputError("nobody can walk across here: the ground on both sides is not known, or too steep everywhere")
    return Ready(given, out, sector, found, asked, siting)


def finished(
    ready: Ready, answer: Answer | None, *, seconds: float, tell: Tell, checked: bool, reported: bool
) -> PlanReport:
    """What was found, written to the folder; without an `answer` the sector stays open. Raises: as `plan_site`."""
    given, out, sector, found, asked, siting = ready
    plan, options = given.plan, found.options
    choice = np.ones(siting.options, np.bool_) if answer is None else answer.choice
    built = [] if answer is None else chosen(options, choice)
    ways = worst_ways(sector, plan, siting, choice)
    made = None if answer is None else _plan(sector, plan, asked, siting, options, answer, ways, seconds, tell)
    seen = _seen(siting, choice, sector)
    files = _write(out, sector, plan, options, ways, seen, built, asked.soon_s, made)
    study = check = outcome = None
    if checked and made is not None:
        tell("walking over it, one after another")
        check, outcome = check_plan(sector, plan, asked, siting, found, choice, np.random.default_rng([plan.seed, 1]))
        draw_check(out / CHECK, _title(sector, made), check, outcome)
        files = (*files, str(out / CHECK))
    if reported and made is not None:
        tell("what it rests on, and the reports")
        study = study_of(sector, plan, asked, found, choice, seen)
        outcomes = None if check is None or outcome is None else (check, outcome)
        files = (*files, *write_reports(out, sector, options, choice, seen, made, study, outcomes))
    stood = any(option.element == "camera" for option in options)
    return PlanReport(
        site_file=str(given.site_path),
        site=sector.site.name,
        line=sector.line.id,
        closed=made is not None,
        illustrative=illustrative(sector),
        options=len(options),
        plan=made,
        gap=None if made is None else made.gap,
        towers=_towers(sector, plan, built),
        ways=ways,
        required=plan.probability,
        measure=_measure(plan),
        seconds=0.0 if answer is None else answer.seconds,
        stopped="open" if answer is None else answer.stopped,
        notes=(*((_NOTE_STANDING.format(try_s=plan.standing_try_s),) if stood else ()), *found.notes),
        files=files,
        check=check,
        study=study,
    )


def _measure(plan: PlanFile) -> Measure:
    return "interruption" if plan.bases else "detection"


def _seen(siting: Siting, choice: Choice, sector: Sector) -> Choice:
    """(rows, columns) which cells something that is chosen sees some of."""
    rates = csr_array(siting.place_rates(0, choice.astype(float)).reshape(1, -1))
    seen: Choice = (in_cells(sector.lattice, rates).toarray() > 0).reshape(sector.lattice.shape)
    return seen


def _answer(asked: Asked, siting: Siting, plan: PlanFile, seconds: float, tell: Tell) -> Answer | None:
    """What the search found; None where the sector cannot be closed."""
    if plan.budget is not None:
        return _afford(asked, plan, plan.budget, seconds, tell)
    return None if siting.open_way() is not None else _search(siting, plan.probability, plan.seed, seconds, tell)


class Search:
    """A search that may be gone on with again and again, and the best that it found so far."""

    def __init__(self, siting: Siting, probability: float, seed: int, tell: Tell) -> None:
        self._probability, self._tell, self._told_s = probability, tell, 0.0
        start = time.monotonic()
        self._steps = solve(siting, np.random.default_rng(seed))
        self.last = next(self._steps)
        self.spent_s = time.monotonic() - start
        self.stopped = "time"
        tell(_step_text(self.last, self.spent_s))

    def go_on(self, seconds: float) -> None:
        """Search for so long, until it is proven or the user has had enough (`stopped`); at least a step."""
        start, before_s = time.monotonic(), self.spent_s
        try:
            for step in self._steps:
                last, self.last = self.last, step
                self.spent_s = before_s + time.monotonic() - start
                if (step.cost, step.bound) != (last.cost, last.bound) or self.spent_s - self._told_s >= _TELL_S:
                    self._tell(_step_text(step, self.spent_s))
                    self._told_s = self.spent_s
                if step.gap > 0 and self.spent_s - before_s >= seconds:
                    return
            self.stopped = "proven"
        except KeyboardInterrupt:
            self.stopped = "interrupted"

    def answer(self) -> Answer:
        """The best so far."""
        last = self.last
        return Answer(last.choice, last.cost, last.bound, self._probability, self.stopped, self.spent_s)


def _search(siting: Siting, probability: float, seed: int, seconds: float, tell: Tell) -> Answer:
    """Search until it is proven, the time is up or the user has had enough."""
    search = Search(siting, probability, seed, tell)
    search.go_on(seconds - search.spent_s)
    return search.answer()


def _step_text(step: Progress, spent_s: float) -> str:
    return f"{spent_s:6.1f} s  {step.doing:8}  cost {money(step.cost)}  bound {step.bound:,.1f}  gap {step.gap:.1%}"


def _afford(asked: Asked, plan: PlanFile, budget: float, seconds: float, tell: Tell) -> Answer:
    """The best probability found that the budget pays for, and a bound on it."""
    start, told_s, stopped = time.monotonic(), 0.0, "proven"
    steps = within(asked.at, budget, np.random.default_rng(plan.seed))
    last = next(steps)
    try:
        for step in steps:
            last, before, spent_s = step, last, time.monotonic() - start
            if (step.reached, step.attainable) != (before.reached, before.attainable) or spent_s - told_s >= _TELL_S:
                tell(f"{spent_s:6.1f} s  {step.reached:.3f} for {money(step.cost)}; none above {step.attainable:.3f}")
                told_s = spent_s
            if spent_s >= seconds:
                stopped = "time"
                break
    except KeyboardInterrupt:
        stopped = "interrupted"
    spent = time.monotonic() - start
    return Answer(last.choice, last.cost, last.bound, last.asked, stopped, spent, last.attainable)


def _plan(
    sector: Sector, plan: PlanFile, asked: Asked, siting: Siting, options: Sequence[Option], answer: Answer,
    ways: tuple[Way, ...], seconds: float, tell: Tell,
) -> Plan:  # fmt: skip
    """The plan as the house records it."""
    return Plan(
        placements=placements(sector, plan, chosen(options, answer.choice)),
        cost=answer.cost,
        bound=min(answer.bound, answer.cost),
        required=answer.required,
        reached=reached(siting, answer.choice),
        measure=_measure(plan),
        years=plan.years,
        ways=ways,
        judgements=judgements(plan, siting, answer.choice),
        phases=phases(plan, siting, options, answer.choice),
        losses=losses(siting, options, answer.choice),
        curve=tuple(_curve(asked, plan, answer, seconds, tell)),
        budget=plan.budget,
        attainable=answer.attainable,
    )


def _curve(asked: Asked, plan: PlanFile, answer: Answer, seconds: float, tell: Tell) -> Iterator[CurvePoint]:
    """What each of the probabilities asked about costs; those that nothing reaches are left out.

    With a budget that which is required is one of them: what would be needed.
    """
    asked_about = sorted({*plan.curve, *(() if plan.budget is None else (plan.probability,))})
    found = [CurvePoint(probability=answer.required, cost=answer.cost, bound=min(answer.bound, answer.cost))]
    for probability in asked_about:
        siting = asked.at(probability)
        if siting.open_way() is None:
            tell(f"the curve at {probability:g}")
            one = _search(siting, probability, plan.seed, seconds / len(asked_about), tell)
            found.append(CurvePoint(probability=probability, cost=one.cost, bound=min(one.bound, one.cost)))
    # Who reaches more reaches less too; and no plan that reaches more costs less than a bound for less.
    for probability in [one for one in asked_about if any(one == each.probability for each in found)]:
        yield CurvePoint(
            probability=probability,
            cost=min(each.cost for each in found if each.probability >= probability),
            bound=max(each.bound for each in found if each.probability <= probability),
        )


def _empty(out: Path, inputs: Sequence[Path]) -> None:
    """Make the folder, and take away a plan that was there before.

    Raises: InputError where one of its files is what is read, UnavailableError, InputError where it refuses.
    """
    for own in inputs:
        if own.resolve() in {(out / name).resolve() for name in (PLAN, SITE, TERRAIN)}:
            raise InputError(f"--out {out}: its {own.name} would replace the file that is read; choose another --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in (PLAN, SITE, CHECK, *REPORTS):
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise write_refusal(out, error) from error


def _write(
    out: Path, sector: Sector, plan: PlanFile, options: Sequence[Option], ways: Sequence[Way], seen: Choice,
    built: Sequence[Option], soon_s: Array, found: Plan | None,
) -> tuple[str, ...]:  # fmt: skip
    """Write what there is to a folder; the names of the files."""
    written = []
    if found is not None:
        replace_whole(out / PLAN, msgspec.json.format(msgspec.json.encode(found)) + b"\n")
        if sector.made is not None:
            write_made_ground(sector.made, out)
            written.append(TERRAIN)
        replace_whole(out / SITE, (_HEAD + toml_text(planned_site(sector, plan, built))).encode())
        written += [PLAN, SITE]
    ours = {id(option) for option in built}
    taken = [id(option) in ours or option.standing for option in options]
    shown = features(sector, options, taken, ways) + isochrones(sector, soon_s, options, taken)
    replace_whole(out / GEOJSON, _collection(shown, sector))
    write_gis(out, sector, shown, seen, {"title": _title(sector, found), **_warned(sector)})
    draw_map(out / MAP, _title(sector, found), sector, seen, options, taken, ways)
    return tuple(str(out / name) for name in (*written, GEOJSON, *GIS, MAP))


def _warned(sector: Sector) -> dict[str, str]:
    """What stands on every output that rests on made ground."""
    return {"note": ILLUSTRATIVE} if illustrative(sector) else {}


def _collection(found: list[Feature], sector: Sector) -> bytes:
    whole = {"type": "FeatureCollection", "features": found, **_warned(sector)}
    return msgspec.json.encode(whole) + b"\n"


def _title(sector: Sector, found: Plan | None) -> str:
    head = f"{sector.site.name}, line {sector.line.name or sector.line.id}"
    if found is None:
        return f"{head}: stays open whatever is built"
    if found.budget is not None:
        best = f"{MEASURED[found.measure]} with {found.reached:.3f} on the worst way, no plan with more than"
        return f"{head}: cost {money(found.cost)} of {money(found.budget)}; {best} {found.attainable:.3f}"
    saved = f"a better plan saves at most {found.gap:.1%}" if found.gap else "none is cheaper"
    reached = f"{MEASURED[found.measure]} with {found.reached:.3f} on the worst way"
    return f"{head}: cost {money(found.cost)}, {saved}; {reached}"


def _towers(sector: Sector, plan: PlanFile, built: Sequence[Option]) -> tuple[Built, ...]:
    masts = {tower.id: tower.mast_m for tower in plan.towers}
    towers = []
    for option in (one for one in built if one.element == "tower"):
        longitude, latitude = lonlat(sector, np.array([option.place]))[0]
        towers.append(
            Built(
                camera_id=camera_name(option),
                candidate=option.candidate,
                kind=option.kind,
                longitude_deg=longitude,
                latitude_deg=latitude,
                mast_m=masts[option.kind],
                cost=option.cost,
            )
        )
    return tuple(towers)
