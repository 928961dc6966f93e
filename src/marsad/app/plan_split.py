"""A line that is too long for one plan, in sectors that are planned each on its own.

What stands at a place, and what may be built there, is the nearest sector's alone: a tower sees nothing of the next
one, and a base answers nothing there. So the sum is more than one plan of the whole would cost, and its bound is one on
plans that are made sector by sector.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from marsad.adapters.writing import replace_whole
from marsad.app.config import load_site
from marsad.app.plan import Answer, Given, Ready, Search, Tell, finished, made_ready, refuse_no_time
from marsad.app.plan_file import PlanFile, StandingBarrier, load_plan_file
from marsad.app.plan_report import MEASURED, PlanReport, money, why_open
from marsad.geo.geodesy import Array, EnuFrame
from marsad.kernel.error import InputError
from marsad.kernel.plan import Measure, Phase, gap
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.site import Line, Pose, Site
from marsad.plan.line_ground import beside
from marsad.simulate.terrain import ILLUSTRATIVE

OUTLINE: Final = "outline.json"
_SHARES = 4


class Part(Record):
    """One sector: from and to where along the line, its cost and what is reached; None where it is open, and `why`."""

    folder: str
    from_km: float
    to_km: float
    cost: float | None
    bound: float | None
    reached: float | None
    placements: int
    why: tuple[str, ...] = ()


class Outline(Record):
    """All sectors: sums of cost and bound, the least that is reached, and the phases over all of them."""

    site: str
    line: str
    length_km: float
    illustrative: bool
    measure: Measure
    required: float
    closed: bool
    cost: float
    bound: float
    gap: float
    reached: float
    phases: tuple[Phase, ...]
    parts: tuple[Part, ...]
    files: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 where every sector is closed, 1 where one cannot be."""
        return 0 if self.closed else 1

    def text(self) -> str:
        """The outline for people."""
        return "\n".join(_lines(self))


def plan_sectors(
    site_path: Path, settings: Path, out: Path, split_km: float, *, seconds: float, tell: Tell, checked: bool = True,
    reported: bool = True,
) -> Outline:  # fmt: skip
    """Plans of a line's sectors of about `split_km`, each in a folder of its own, in `seconds` in all.

    Raises: InputError naming what to mend, UnavailableError where a folder cannot be written to.
    """
    if not (math.isfinite(split_km) and split_km > 0):
        raise InputError(f"--split {split_km:g}: must be above 0")
    site, plan = load_site(site_path), load_plan_file(settings)
    if not site.lines:
        raise InputError("the site has no line to hold: add a [[lines]] table to the site file")
    if plan.budget is not None:
        raise InputError("budget is of one plan: take it out of the plan file to plan by --split")
    refuse_no_time(seconds)
    line = site.lines[0]
    cuts = _cuts(line, split_km)
    ready = []
    for number, (begin, end) in enumerate(pairwise(cuts), start=1):
        tell(f"sector {number} of {len(cuts) - 1}: {begin / 1000:.1f} to {end / 1000:.1f} km")
        given = Given(site_path, settings, *_sector(site, plan, line, (begin, end), number))
        ready.append(made_ready(given, out / f"sector-{number:02d}", tell))
    answers = _searched(ready, seconds, tell)
    parts, reports = [], []
    for one, answer, (begin, end) in zip(ready, answers, pairwise(cuts), strict=True):
        report = finished(one, answer, seconds=seconds / len(ready), tell=tell, checked=checked, reported=reported)
        reports.append(report)
        parts.append(_part(report, one.out, begin, end))
    outline = _outline(site, line, parts, reports, cuts[-1])
    replace_whole(out / OUTLINE, msgspec.json.format(msgspec.json.encode(outline)) + b"\n")
    return msgspec.structs.replace(outline, files=(str(out / OUTLINE), *(part.folder for part in parts)))


def _searched(ready: Sequence[Ready], seconds: float, tell: Tell) -> list[Answer | None]:
    """What was found for each sector in `seconds` in all; None for those that stay open.

    Each has a first share of the time; from then on the next goes to the sector whose gap is the largest for the time
    that it has had. What is proven early leaves its time to the others; Ctrl-C ends all.
    """
    share_s = seconds / (_SHARES * len(ready))
    searches: dict[int, Search] = {}
    for number, one in enumerate(ready):
        if one.siting.open_way() is None:
            plan = one.given.plan
            searches[number] = Search(one.siting, plan.probability, plan.seed, _told(tell, number))
            searches[number].go_on(share_s)
            if searches[number].stopped == "interrupted":
                tell("stopped: the sectors that are left have what a quick look finds")
                share_s = seconds = 0.0
    while (left := [each for each in searches.values() if each.last.gap > 0]) and _spent_s(searches) < seconds:
        neediest = max(left, key=lambda each: (each.last.cost - each.last.bound) / each.spent_s)
        neediest.go_on(share_s)
        if neediest.stopped == "interrupted":
            break
    return [searches[number].answer() if number in searches else None for number in range(len(ready))]


def _spent_s(searches: Mapping[int, Search]) -> float:
    return sum(each.spent_s for each in searches.values())


def _told(tell: Tell, number: int) -> Tell:
    return lambda text: tell(f"sector {number + 1}: {text}")


def _lengths(line: Line) -> Array:
    """How far along it each point of a line lies."""
    steps = []
    for first, second in pairwise(line.points):
        point = EnuFrame(first).point(second)
        steps.append(math.hypot(point.east_m, point.north_m))
    return np.concatenate([[0.0], np.cumsum(steps)])


def _cuts(line: Line, split_km: float) -> list[float]:
    length = float(_lengths(line)[-1])
    return [float(cut) for cut in np.linspace(0.0, length, math.ceil(length / (1000 * split_km) - 1e-6) + 1)]


def _course(line: Line, begin: float, end: float) -> tuple[Position, ...]:
    at = _lengths(line)
    marks = np.concatenate([[begin], at[(at > begin + 1) & (at < end - 1)], [end]])
    latitude = np.interp(marks, at, [point.latitude_deg for point in line.points])
    longitude = np.interp(marks, at, [point.longitude_deg for point in line.points])
    return tuple(
        Position(latitude_deg=float(y), longitude_deg=float(x)) for y, x in zip(latitude, longitude, strict=True)
    )


def _sector(site: Site, plan: PlanFile, line: Line, span: tuple[float, float], number: int) -> tuple[Site, PlanFile]:
    """The site and the plan file of one sector: what lies beside its part of the line, with ground of its own."""
    begin, end = span
    here = _Here(line, begin, end)
    part = msgspec.structs.replace(line, id=f"{line.id}-{number:02d}", points=_course(line, begin, end))
    cameras = tuple(each for each in site.cameras if each.pose is not None and here.holds(_place(each.pose)))
    site = msgspec.structs.replace(
        site, name=f"{site.name}, sector {number}", origin=here.origin, lines=(part,), cameras=cameras
    )
    asked = msgspec.structs.replace(
        plan,
        terrain=plan.terrain and msgspec.structs.replace(plan.terrain, seed=plan.terrain.seed + number - 1),
        candidates=tuple(each for each in plan.candidates if here.holds(each.position)),
        bases=tuple(each for each in plan.bases if here.holds(each.position)),
        posts=tuple(each for each in plan.posts if here.holds(each.position)),
        cover=tuple(each for each in plan.cover if here.holds(each.points[0])),
        standing=tuple(_standing(plan, begin, end)),
    )
    if plan.bases and not asked.bases:
        raise InputError(
            f"--split: no [[bases]] lie beside kilometres {begin / 1000:.1f} to {end / 1000:.1f} of the line, so "
            "nobody comes there; add one, or split into longer sectors"
        )
    return site, asked


class _Here:
    """The part of a line from and to so far along it, with as much of its neighbours."""

    def __init__(self, line: Line, begin: float, end: float) -> None:
        self._begin, self._end = begin, end
        self._first, length = max(2 * begin - end, 0.0), float(_lengths(line)[-1])
        self.origin = _course(line, (begin + end) / 2, end)[0]
        self._frame = EnuFrame(self.origin)
        places = [self._frame.point(point) for point in _course(line, self._first, min(2 * end - begin, length))]
        self._corners = np.array([(place.east_m, place.north_m) for place in places])

    def holds(self, place: Position) -> bool:
        """Whether the place of the line that is nearest to a place lies on this part."""
        point = self._frame.point(place)
        if math.hypot(point.east_m, point.north_m) > 3 * (self._end - self._begin):
            return False
        near = beside(self._corners, point.east_m, point.north_m, inside_right=True)
        return not near.past and self._begin <= self._first + float(near.along_m) < self._end


def _place(pose: Pose) -> Position:
    return Position(latitude_deg=pose.latitude_deg, longitude_deg=pose.longitude_deg)


def _standing(plan: PlanFile, begin: float, end: float) -> list[StandingBarrier]:
    """The barriers that stand on a part of the line, counted from where it begins."""
    return [
        StandingBarrier(barrier=old.barrier, from_m=max(old.from_m - begin, 0.0), to_m=min(old.to_m, end) - begin)
        for old in plan.standing
        if old.from_m < end and old.to_m > begin
    ]


def _part(report: PlanReport, folder: Path, begin: float, end: float) -> Part:
    made = report.plan
    return Part(
        folder=str(folder),
        from_km=round(begin / 1000, 3),
        to_km=round(end / 1000, 3),
        cost=None if made is None else made.cost,
        bound=None if made is None else made.bound,
        reached=None if made is None else made.reached,
        placements=0 if made is None else sum(not each.standing for each in made.placements),
        why=tuple(each.strip() for each in why_open(report)) if made is None else (),
    )


def _outline(site: Site, line: Line, parts: Sequence[Part], reports: Sequence[PlanReport], length: float) -> Outline:
    cost, bound = sum(part.cost or 0.0 for part in parts), sum(part.bound or 0.0 for part in parts)
    return Outline(
        site=site.name,
        line=line.id,
        length_km=round(length / 1000, 3),
        illustrative=any(report.illustrative for report in reports),
        measure=reports[0].measure,
        required=reports[0].required,
        closed=all(report.closed for report in reports),
        cost=cost,
        bound=bound,
        gap=gap(cost, bound),
        reached=min((part.reached or 0.0 for part in parts), default=0.0),
        phases=tuple(_phases(reports)),
        parts=tuple(parts),
    )


def _phases(reports: Sequence[PlanReport]) -> list[Phase]:
    """What is spent on all sectors by the end of each phase, and the least that is reached on any."""
    made = [report.plan.phases for report in reports if report.plan is not None]
    return [
        Phase(
            name=same[0].name, cost=sum(each.cost for each in same), reached=min(each.reached for each in same),
            unaware=min(each.unaware for each in same),
        )
        for same in zip(*made, strict=True)
    ]  # fmt: skip


def _lines(found: Outline) -> list[str]:
    lines = [f"{found.site}, line {found.line}: {found.length_km:.1f} km in {len(found.parts)} sectors"]
    if found.illustrative:
        lines.append(f"  {ILLUSTRATIVE}.")
    lines += ["", f"  {'km':>15} {'built':>6} {'cost':>12} {'bound':>12} {'reached':>8}"]
    lines += [_part_text(part) for part in found.parts]
    built, bound = sum(part.placements for part in found.parts), money(round(found.bound, 2))
    lines += [f"  {'in all':>15} {built:>6} {money(found.cost):>12} {bound:>12} {found.reached:>8.3f}", ""]
    open_ = sum(part.cost is None for part in found.parts)
    if open_:
        lines.append(f"  {open_} sectors stay open whatever is built: see their folders' maps; the sums leave them out")
    measured = MEASURED[found.measure]
    lines.append(f"  gap {found.gap:.1%}: the bound is one on plans made sector by sector")
    lines.append(f"  {measured} with at least {found.reached:.3f} on every way; {found.required:.3f} was asked for")
    lines.append("  each sector on its own: its towers see, and its bases answer, nothing of the next")
    lines += [
        f"  after {phase.name}: spent {money(phase.cost)}, {phase.reached:.3f} in the weakest sector, "
        f"{phase.unaware:.3f} of those who know nothing"
        for phase in found.phases
    ]
    return [*lines, "", f"Written: {', '.join(found.files)}"]


def _part_text(part: Part) -> str:
    span = f"{part.from_km:.1f}-{part.to_km:.1f}"
    if part.cost is None or part.bound is None or part.reached is None:
        return "\n".join([f"  {span:>15}   stays open whatever is built:", *(f"    {each}" for each in part.why)])
    bound = money(round(part.bound, 2))
    return f"  {span:>15} {part.placements:>6} {money(part.cost):>12} {bound:>12} {part.reached:>8.3f}"
