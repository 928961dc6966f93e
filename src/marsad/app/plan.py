"""The command `marsad plan`: what to build along a site's line so that nobody crosses it undetected, at what cost."""

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from marsad.adapters.writing import replace_whole, write_refusal
from marsad.app.config import load_site
from marsad.app.plan_check import Check, check_plan, draw_check
from marsad.app.plan_file import PlanFile, load_plan_file
from marsad.app.plan_ground import Option, Sector, lay_out, options_of, siting_of, way_points
from marsad.app.plan_map import draw_map
from marsad.app.plan_site import Feature, WorstWay, camera_name, features, lonlat, planned_site, refuse_clashes
from marsad.app.scenario_file import TERRAIN
from marsad.app.stage import write_made_ground
from marsad.app.toml_text import toml_text
from marsad.kernel.error import InputError
from marsad.kernel.plan import Placement, Plan
from marsad.kernel.record import Record
from marsad.plan.siting import Choice, Siting
from marsad.plan.siting import Path as Way
from marsad.plan.solve_siting import Progress, solve
from marsad.simulate.terrain import ILLUSTRATIVE

_TELL_S = 2.0
PLAN, SITE, GEOJSON, MAP, CHECK = "plan.json", "plan.toml", "plan.geojson", "map.png", "check.png"
_HEAD = """# Written by marsad plan: the site with the plan's cameras on it. Their sources are to be filled in, and
# their poses to be measured once they stand. A planned camera turns all round; its pose is where it rests.
"""
_NOTE_STANDING = "cameras that stand are counted in their own picture only, with one try every {try_s:g} s"

Tell = Callable[[str], None]


class Built(Record):
    """One tower of a plan."""

    camera_id: str
    candidate: str
    kind: str
    longitude_deg: float
    latitude_deg: float
    mast_m: float
    cost: float


class PlanReport(Record):
    """What was planned, or where the sector stays open whatever is built.

    `ways` are the least detected ones with the plan built, with everything built where it stays open; `check` is what
    came of walkers that were simulated under the plan.
    """

    site_file: str
    site: str
    line: str
    closed: bool
    illustrative: bool
    options: int
    plan: Plan | None
    gap: float | None
    towers: tuple[Built, ...]
    ways: tuple[WorstWay, ...]
    required: float
    seconds: float
    stopped: str
    notes: tuple[str, ...]
    files: tuple[str, ...]
    check: Check | None = None

    @property
    def exit_code(self) -> int:
        """0 where the sector is closed, 1 where it cannot be."""
        return 0 if self.closed else 1

    def text(self) -> str:
        """The report for people."""
        return _text(self)


class _Answer(NamedTuple):
    """Where the search ended, why, and after how long."""

    progress: Progress
    stopped: str
    seconds: float


def plan_site(
    site_path: Path, settings: Path, out: Path, *, seconds: float, tell: Tell, checked: bool = True
) -> PlanReport:
    """The cheapest towers found that hold a site's first line, written to a folder, and `checked` by simulation.

    Raises: InputError naming what to mend, UnavailableError where the folder cannot be written to.
    """
    if not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f"--for {seconds:g}: must be above 0")
    plan = load_plan_file(settings)
    site = load_site(site_path)
    _empty(out, (settings, site_path, *map(Path, site.terrain.files)))
    sector = lay_out(site, plan)
    options = options_of(sector, plan)
    refuse_clashes(sector, options)
    tell(f"{len(options)} options over {sector.lattice.rows} x {sector.lattice.columns} cells; looking from each")
    siting = siting_of(sector, plan, options)
    if math.isinf(siting.most):
        raise InputError("nobody can walk across here: the ground on both sides is not known, or too steep everywhere")
    answer = None if siting.open_way() is not None else _search(siting, plan, seconds, tell)
    choice = np.ones(siting.options, np.bool_) if answer is None else answer.progress.choice
    built = [] if answer is None else [one for one, taken in zip(options, choice, strict=True) if taken]
    found = _plan(siting, built, answer)
    ways = worst_ways(sector, siting, choice)
    seen = (siting.place_rates(0, choice.astype(float)) > 0).reshape(sector.lattice.shape)
    files = _write(out, sector, plan, options, ways, seen, built, found)
    check = None
    if checked and found is not None:
        tell("walking over it, one after another")
        check, outcome = check_plan(sector, plan, siting, options, choice, np.random.default_rng([plan.seed, 1]))
        draw_check(out / CHECK, _title(sector, found), check, outcome)
        files = (*files, str(out / CHECK))
    stood = any(option.standing for option in options)
    return PlanReport(
        site_file=str(site_path),
        site=sector.site.name,
        line=sector.line.id,
        closed=found is not None,
        illustrative=illustrative(sector),
        options=len(options),
        plan=found,
        gap=None if found is None else found.gap,
        towers=_towers(sector, plan, built),
        ways=ways,
        required=plan.probability,
        seconds=0.0 if answer is None else answer.seconds,
        stopped="open" if answer is None else answer.stopped,
        notes=(_NOTE_STANDING.format(try_s=plan.standing_try_s),) if stood else (),
        files=files,
        check=check,
    )


def _search(siting: Siting, plan: PlanFile, seconds: float, tell: Tell) -> _Answer:
    """Search until it is proven, the time is up or the user has had enough."""
    start = time.monotonic()
    steps = solve(siting, np.random.default_rng(plan.seed))
    last, stopped, told_s = next(steps), "proven", 0.0
    tell(_step_text(last, time.monotonic() - start))
    try:
        for step in steps:
            last, before, spent_s = step, last, time.monotonic() - start
            if (step.cost, step.bound) != (before.cost, before.bound) or spent_s - told_s >= _TELL_S:
                tell(_step_text(step, spent_s))
                told_s = spent_s
            if step.gap > 0 and spent_s >= seconds:
                stopped = "time"
                break
    except KeyboardInterrupt:
        stopped = "interrupted"
    return _Answer(last, stopped, time.monotonic() - start)


def _step_text(step: Progress, spent_s: float) -> str:
    return f"{spent_s:6.1f} s  {step.doing:8}  cost {_money(step.cost)}  bound {step.bound:,.1f}  gap {step.gap:.1%}"


def worst_ways(sector: Sector, siting: Siting, choice: Choice) -> tuple[WorstWay, ...]:
    """The least detected way inward and outward under a choice."""
    return tuple(
        _worst_way(sector, siting, choice, *siting.weakest_of(number, choice), direction)
        for number, direction in enumerate(("inward", "outward"))
    )


def _worst_way(sector: Sector, siting: Siting, choice: Choice, exposure: float, way: Way, direction: str) -> WorstWay:
    points = way_points(sector, way.places)
    rates = siting.place_rates(way.passage, choice.astype(float))[way.places]
    lengths = np.hypot(*np.diff(points, axis=0).T)
    unseen = ((rates[:-1] <= 0).astype(float) + (rates[1:] <= 0)) / 2
    meets = int(np.argmin(np.abs(sector.beside.offset_m.ravel()[way.places])))
    places = lonlat(sector, points)
    return WorstWay(
        direction=direction,
        probability=-math.expm1(-exposure),
        seconds=_seconds(siting, way),
        unseen_m=float((unseen * lengths).sum()),
        crosses=places[meets],
        places=places,
    )


def _seconds(siting: Siting, way: Way) -> float:
    """How long a way takes."""
    passage, spent = siting.passages[way.passage], 0.0
    for tail, head in zip(way.places[:-1], way.places[1:], strict=True):
        arcs = slice(passage.starts[tail], passage.starts[tail + 1])
        spent += float(passage.seconds[arcs][passage.heads[arcs] == head].min())
    return spent


def _plan(siting: Siting, built: Sequence[Option], answer: _Answer | None) -> Plan | None:
    """The plan as the house records it; None where the sector cannot be closed."""
    if answer is None:
        return None
    step = answer.progress
    placements = tuple(
        Placement(option=one.candidate, kind=one.kind, cost=one.cost, standing=one.standing) for one in built
    )
    reached = min(max(siting.probability(step.choice), 0.0), 1.0)
    required = -math.expm1(-siting.required)
    return Plan(placements=placements, cost=step.cost, bound=step.bound, required=required, reached=reached)


def _empty(out: Path, inputs: Sequence[Path]) -> None:
    """Make the folder, and take away a plan that was there before.

    Raises: InputError where one of its files is what is read, UnavailableError, InputError where it refuses.
    """
    for own in inputs:
        if own.resolve() in {(out / name).resolve() for name in (PLAN, SITE, TERRAIN)}:
            raise InputError(f"--out {out}: its {own.name} would replace the file that is read; choose another --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in (PLAN, SITE):
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise write_refusal(out, error) from error


def _write(
    out: Path, sector: Sector, plan: PlanFile, options: Sequence[Option], ways: Sequence[WorstWay], seen: Choice,
    built: Sequence[Option], found: Plan | None,
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
    chosen = [option in built or option.standing for option in options]
    replace_whole(out / GEOJSON, _collection(features(sector, options, chosen, ways), sector))
    draw_map(out / MAP, _title(sector, found), sector, seen, options, chosen, ways)
    return tuple(str(out / name) for name in (*written, GEOJSON, MAP))


def _collection(found: list[Feature], sector: Sector) -> bytes:
    whole = {"type": "FeatureCollection", "features": found}
    if illustrative(sector):
        whole["note"] = ILLUSTRATIVE
    return msgspec.json.encode(whole) + b"\n"


def illustrative(sector: Sector) -> bool:
    """Whether the ground is made up."""
    return sector.made is not None or sector.site.terrain.illustrative


def _title(sector: Sector, found: Plan | None) -> str:
    head = f"{sector.site.name}, line {sector.line.name or sector.line.id}"
    if found is None:
        return f"{head}: stays open whatever is built"
    saved = f"a better plan saves at most {found.gap:.1%}" if found.gap else "none is cheaper"
    return f"{head}: cost {_money(found.cost)}, {saved}; detected with {found.reached:.3f} on the worst way"


def _towers(sector: Sector, plan: PlanFile, built: Sequence[Option]) -> tuple[Built, ...]:
    masts = {tower.id: tower.mast_m for tower in plan.towers}
    towers = []
    for option in (one for one in built if not one.standing):
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


_STOPPED = {
    "proven": "no plan of these options is cheaper",
    "time": "the time was up; --for gives it more",
    "interrupted": "stopped by you; the best so far was kept",
}


def _text(report: PlanReport) -> str:
    lines = [f"{report.site}, line {report.line}: {report.options} options, both directions on foot"]
    if report.illustrative:
        lines.append(f"  {ILLUSTRATIVE}.")
    lines += [f"  note: {note}" for note in report.notes]
    lines += ["", *(_open_text(report) if report.plan is None else _bill(report, report.plan)), ""]
    lines += [_way_text(way) for way in report.ways]
    lines += ["", *_check_text(report.check)] if report.check is not None else []
    return "\n".join([*lines, "", f"Written: {', '.join(report.files)}"])


def _check_text(check: Check) -> list[str]:
    between = "" if check.between is None else f", {check.between:.3f} where that was in doubt"
    lines = [
        f"  simulated: {check.walks} walks on other ways, look by look; foretold {check.difference:.3f} off{between},",
        f"    {check.over:+.3f} too sure in the mean; Brier score {check.brier:.4f}, {check.brier_least:.4f} at best",
    ]
    if check.least is not None:
        lines.append(
            f"  of {check.whole} walks under the whole plan {check.under_required} were found less surely than asked "
            f"for, the least with {check.least:.3f}"
        )
    return lines


def _open_text(report: PlanReport) -> list[str]:
    open_ways = [way for way in report.ways if way.probability < report.required]
    count = f"{len(open_ways)} of 2 directions stay below {report.required:g}"
    return [f"The sector cannot be closed: with everything built, {count}.", *map(_why_open, open_ways)]


def _why_open(way: WorstWay) -> str:
    if way.unseen_m > 0:
        why = f"nothing sees {way.unseen_m:.0f} m of the way below"
        return f"  {way.direction}: {why}; put a candidate near where it crosses the line, or a higher mast"
    return f"  {way.direction}: the way below is seen, but from too far; put a candidate nearer to it"


def _bill(report: PlanReport, plan: Plan) -> list[str]:
    """The bill of quantities, then every tower."""
    counted = Counter((tower.kind, tower.cost) for tower in report.towers)
    wide = max([len(kind) for kind, _ in counted] + [8])
    lines = [f"  {'item':{wide}} {'number':>7} {'each':>12} {'cost':>12}"]
    for (kind, cost), number in sorted(counted.items()):
        lines.append(f"  {kind:{wide}} {number:>7} {_money(cost):>12} {_money(number * cost):>12}")
    stood = sum(placement.standing for placement in plan.placements)
    lines += [f"  {'standing':{wide}} {stood:>7} {0:>12,.0f} {0:>12,.0f}"] if stood else []
    lines += [
        f"  {'in all':{wide}} {len(report.towers) + stood:>7} {'':>12} {_money(plan.cost):>12}",
        "",
        f"  proven bound {_money(plan.bound)}, gap {plan.gap:.1%}: {_STOPPED[report.stopped]} ({report.seconds:.1f} s)",
        f"  detected with at least {plan.reached:.3f} on every way; {plan.required:.3f} was asked for",
        "",
    ]
    return lines + [
        f"  {tower.camera_id}: {tower.latitude_deg:.5f}, {tower.longitude_deg:.5f}, mast {tower.mast_m:g} m"
        for tower in report.towers
    ]


def _money(cost: float) -> str:
    return f"{cost:,.0f}" if cost == round(cost) else f"{cost:,.2f}"


def _way_text(way: WorstWay) -> str:
    (begin_x, begin_y), (cross_x, cross_y), (end_x, end_y) = way.places[0], way.crosses, way.places[-1]
    return (
        f"  worst way {way.direction}: {way.probability:.3f}, {way.seconds / 60:.0f} min, {way.unseen_m:.0f} m of it "
        f"unseen, from {begin_y:.5f}, {begin_x:.5f} over the line at {cross_y:.5f}, {cross_x:.5f} to "
        f"{end_y:.5f}, {end_x:.5f}"
    )
