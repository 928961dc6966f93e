"""What `marsad plan` says of a plan: the bill, the bound, the worst ways, and why a sector stays open."""

from collections import Counter
from typing import Final

from marsad.kernel.plan import Measure, Plan, Way
from marsad.kernel.plan_study import Check, PlanStudy, Premise, Sensitivity
from marsad.kernel.record import Record
from marsad.simulate.terrain import ILLUSTRATIVE

MEASURED: Final[dict[Measure, str]] = {"detection": "detected", "interruption": "interrupted"}


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

    `ways` are the worst ones with the plan built, with everything built where it stays open; `check` is what
    came of evaders that were simulated under the plan, `study` what the plan rests on.
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
    ways: tuple[Way, ...]
    required: float
    measure: Measure
    seconds: float
    stopped: str
    notes: tuple[str, ...]
    files: tuple[str, ...]
    check: Check | None = None
    study: PlanStudy | None = None

    @property
    def exit_code(self) -> int:
        """0 where the sector is closed, 1 where it cannot be."""
        return 0 if self.closed else 1

    def text(self) -> str:
        """The report for people."""
        return _text(self)


_STOPPED = {
    "proven": "no plan of these options is cheaper",
    "time": "the time was up; --for gives it more",
    "interrupted": "stopped by you; the best so far was kept",
}


def _text(report: PlanReport) -> str:
    who = ", ".join(dict.fromkeys(way.evader for way in report.ways))
    lines = [f"{report.site}, line {report.line}: {report.options} options, both directions, {who}"]
    if report.illustrative:
        lines.append(f"  {ILLUSTRATIVE}.")
    lines += [f"  note: {note}" for note in report.notes]
    lines += ["", *(_open_text(report) if report.plan is None else _bill(report, report.plan)), ""]
    lines += [_way_text(way) for way in report.ways]
    lines += ["", *map(_premise, report.study.sensitivities)] if report.study is not None else []
    lines += ["", *_check_text(report.check)] if report.check is not None else []
    return "\n".join([*lines, "", f"Written: {', '.join(report.files)}"])


_PREMISES: Final[dict[Premise, str]] = {
    "detection_rate": "cameras that find {factor:g} times as fast",
    "reach": "cameras that see {factor:g} times as far",
    "ground": "elevation data off by {factor:g} m (one sigma), {draws} draws",
}


def _premise(one: Sensitivity) -> str:
    said = _PREMISES[one.premise].format(factor=one.factor, draws=one.draws)
    if one.draws == 1:
        return f"  with {said}: {one.low:.3f}"
    way = "" if one.direction is None else f", {one.direction}"
    return (
        f"  with {said}{way}: {one.low:.3f} to {one.high:.3f}, {one.median:.3f} in the middle, at least "
        f"{one.tenth:.3f} in nine of ten; what was asked for in {one.kept:.0%}"
    )


def _check_text(check: Check) -> list[str]:
    between = "" if check.between is None else f", {check.between:.3f} where that was in doubt"
    stopped = "stopped" if check.measure == "interruption" else "found"
    lines = [
        f"  simulated: {check.walks} walks on other ways, look by look; foretold {check.difference:.3f} off{between},",
        f"    {check.over:+.3f} too sure in the mean; Brier score {check.brier:.4f}, {check.brier_least:.4f} at best",
    ]
    if check.least is not None:
        lines.append(
            f"  of {check.whole} walks under the whole plan {check.under_required} were {stopped} less surely than "
            f"asked for, the least with {check.least:.3f}"
        )
    return lines


def _open_text(report: PlanReport) -> list[str]:
    why = why_open(report)
    count = f"{len(why)} of {len(report.ways)} ways stay below {report.required:g}"
    return [f"The sector cannot be closed: with everything built, {count}.", *why]


def why_open(report: PlanReport) -> list[str]:
    """Why each way stays open that does."""
    return [_why_open(report, way) for way in report.ways if way.probability < report.required]


def _why_open(report: PlanReport, way: Way) -> str:
    who = f"  {way.evader} {way.direction}"
    if report.measure == "interruption" and way.detected >= report.required:
        if way.response_s is None:
            return f"{who}: noticed with {way.detected:.3f}, but nobody comes; put a base this side of where it ends"
        return (
            f"{who}: noticed with {way.detected:.3f}, but too late or with no crew free: from {way.answered_by} it "
            f"takes {way.response_s / 60:.0f} min to the end of the way below, which takes {way.seconds / 60:.0f}; "
            "offer a base or crew nearer, a barrier that holds longer, or cameras that see farther out"
        )
    if way.unseen_m > 0:
        why = f"nothing sees {way.unseen_m:.0f} m of the way below"
        return f"{who}: {why}; put a candidate near where it crosses the line, or a higher mast"
    return f"{who}: the way below is seen, but from too far; put a candidate nearer to it"


def _bill(report: PlanReport, plan: Plan) -> list[str]:
    """The bill of quantities, the proof, what it comes to, then every tower."""
    made = [placement for placement in plan.placements if not placement.standing]
    counted = Counter((placement.kind, placement.cost) for placement in made)
    wide = max([len(kind) for kind, _ in counted] + [8])
    lines = [f"  {'item':{wide}} {'number':>7} {'each':>12} {'cost':>12}"]
    for (kind, cost), number in sorted(counted.items()):
        lines.append(f"  {kind:{wide}} {number:>7} {money(cost):>12} {money(number * cost):>12}")
    stood = len(plan.placements) - len(made)
    lines += [f"  {'standing':{wide}} {stood:>7} {0:>12,.0f} {0:>12,.0f}"] if stood else []
    lines += [f"  {'in all':{wide}} {len(plan.placements):>7} {'':>12} {money(plan.cost):>12}", ""]
    lines += [*_proof(report, plan), *_comes_to(plan), ""]
    return lines + [
        f"  {tower.camera_id}: {tower.latitude_deg:.5f}, {tower.longitude_deg:.5f}, mast {tower.mast_m:g} m"
        for tower in report.towers
    ]


def _proof(report: PlanReport, plan: Plan) -> list[str]:
    measured, spent = MEASURED[plan.measure], f"({report.seconds:.1f} s)"
    if plan.budget is None or plan.attainable is None:
        return [
            f"  proven bound {money(plan.bound)}, gap {plan.gap:.1%}: {_STOPPED[report.stopped]} {spent}",
            f"  {measured} with at least {plan.reached:.3f} on every way; {plan.required:.3f} was asked for",
        ]
    lines = [
        f"  {measured} with at least {plan.reached:.3f} on every way, for {money(plan.cost)} of {money(plan.budget)}",
        f"  proven: nothing that {money(plan.budget)} pays for reaches more than {plan.attainable:.3f} {spent}",
    ]
    if plan.attainable < report.required:
        lines.append(f"  {report.required:.3f}, which was asked for, is not to be had for it: see what it costs below")
    return lines


def _comes_to(plan: Plan) -> list[str]:
    """Phase by phase, against those who know less, and the curve."""
    lines = [
        f"  after {phase.name}: {phase.reached:.3f}, {phase.unaware:.3f} of those who know nothing; "
        f"spent {money(phase.cost)}"
        for phase in plan.phases
    ]
    for judgement in plan.judgements:
        if judgement.knows != "everything":
            who = f"{judgement.evader} {judgement.direction}, knowing {judgement.knows}"
            lines.append(f"  {who}: {judgement.probability:.3f}")
    if plan.losses:
        worst = plan.losses[0]
        lines.append(f"  when one tower or relay is lost: at least {worst.reached:.3f} ({worst.option}-{worst.kind})")
    return lines + [
        f"  {point.probability:.3f} costs at most {money(point.cost)}, at least {money(point.bound)}"
        for point in plan.curve
    ]


def money(cost: float) -> str:
    """A cost with its thousands apart, pence only where there are any."""
    return f"{cost:,.0f}" if cost == round(cost) else f"{cost:,.2f}"


def _way_text(way: Way) -> str:
    begin, cross, end = way.points[0], way.crosses, way.points[-1]
    late = ""
    if way.response_s is not None:
        late = f", detected {way.detected:.3f}, {way.answered_by} there in {way.response_s / 60:.0f} min"
    return (
        f"  worst way {way.direction}, {way.evader}: {way.probability:.3f}{late}, {way.seconds / 60:.0f} min, "
        f"{way.unseen_m:.0f} m of it unseen, from {begin.latitude_deg:.5f}, {begin.longitude_deg:.5f} over the line at "
        f"{cross.latitude_deg:.5f}, {cross.longitude_deg:.5f} to {end.latitude_deg:.5f}, {end.longitude_deg:.5f}"
    )
