"""Two plans side by side: what each costs and reaches, what only one of them builds, and their worst ways."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec

from marsad.adapters.text_file import read_text
from marsad.app.plan_report import money
from marsad.kernel.error import InputError
from marsad.kernel.plan import Direction, Measure, Placement, Plan
from marsad.kernel.record import Record

PLAN = "plan.json"


class Side(Record):
    """One of the two plans."""

    file: str
    cost: float
    bound: float
    gap: float
    required: float
    reached: float
    measure: Measure
    budget: float | None
    attainable: float | None


class OnlyOne(Record):
    """Something that only one of the plans builds: `in_first` or in the second."""

    in_first: bool
    option: str
    kind: str
    element: str
    crews: int
    cost: float


class BothWays(Record):
    """The worst way of one evader in one direction under each plan; None where a plan knows none."""

    evader: str
    direction: Direction
    first: float | None
    second: float | None


class Comparison(Record):
    """Two plans side by side; `alike` says whether their figures may be held against each other."""

    first: Side
    second: Side
    alike: bool
    differs: tuple[OnlyOne, ...]
    ways: tuple[BothWays, ...]

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        return 0

    def text(self) -> str:
        """The comparison for people."""
        return "\n".join(_lines(self))


def compare_plans(first: Path, second: Path) -> Comparison:
    """Two plans that were written before, each by its folder or its `plan.json`.

    Raises: InputError where one cannot be read.
    """
    one, other = _read(first), _read(second)
    return Comparison(
        first=_side(first, one),
        second=_side(second, other),
        alike=one.measure == other.measure,
        differs=(*_only(one, other, in_first=True), *_only(other, one, in_first=False)),
        ways=_ways(one, other),
    )


def _read(path: Path) -> Plan:
    file = path / PLAN if path.is_dir() else path
    if not file.exists():
        raise InputError(
            f"--compare {path}: no {PLAN} there; name a folder that marsad plan --out wrote, or its {PLAN}"
        )
    try:
        return msgspec.json.decode(read_text(file, f"a {PLAN}"), type=Plan)
    except msgspec.DecodeError as error:
        raise InputError(f"--compare {file}: not a {PLAN} of this version of marsad plan: {error}") from error


def _side(path: Path, plan: Plan) -> Side:
    return Side(
        file=str(path), cost=plan.cost, bound=plan.bound, gap=plan.gap, required=plan.required, reached=plan.reached,
        measure=plan.measure, budget=plan.budget, attainable=plan.attainable,
    )  # fmt: skip


def _named(placement: Placement) -> tuple[str, str, str, int]:
    return placement.option, placement.kind, placement.element, placement.crews


def _only(plan: Plan, other: Plan, *, in_first: bool) -> list[OnlyOne]:
    """What a plan builds that another does not."""
    theirs = Counter(_named(each) for each in other.placements if not each.standing)
    found = []
    for each in plan.placements:
        name = _named(each)
        if each.standing:
            continue
        if theirs[name]:
            theirs[name] -= 1
            continue
        option, kind, element, crews = name
        found.append(OnlyOne(in_first=in_first, option=option, kind=kind, element=element, crews=crews, cost=each.cost))
    return found


def _ways(one: Plan, other: Plan) -> tuple[BothWays, ...]:
    first, second = ({(way.evader, way.direction): way.probability for way in plan.ways} for plan in (one, other))
    return tuple(
        BothWays(evader=evader, direction=direction, first=first.get(key), second=second.get(key))
        for key in dict.fromkeys((*first, *second))
        for evader, direction in [key]
    )


def _lines(found: Comparison) -> list[str]:
    first, second = found.first, found.second
    rows: list[tuple[str, ...]] = [("", "first", "second"), ("cost", money(first.cost), money(second.cost))]
    rows += [
        ("proven bound", money(first.bound), money(second.bound)),
        ("gap", f"{first.gap:.1%}", f"{second.gap:.1%}"),
        ("asked for", f"{first.required:.3f}", f"{second.required:.3f}"),
        ("on the worst way", f"{first.reached:.3f}", f"{second.reached:.3f}"),
        ("probability of", first.measure, second.measure),
    ]
    if first.budget is not None or second.budget is not None:
        rows.append(("budget", *("-" if one.budget is None else money(one.budget) for one in (first, second))))
    rows += [
        (f"{way.evader} {way.direction}", *("-" if one is None else f"{one:.3f}" for one in (way.first, way.second)))
        for way in found.ways
    ]
    wide = max(len(name) for name, _, _ in rows)
    lines = [f"first:  {first.file}", f"second: {second.file}", ""]
    lines += [f"  {name:{wide}} {one:>14} {other:>14}" for name, one, other in rows]
    if not found.alike:
        lines += ["", "  to be detected and to be interrupted are not the same: their probabilities do not compare"]
    return [*lines, "", *_differing("first", found.differs, in_first=True),
            *_differing("second", found.differs, in_first=False)]  # fmt: skip


def _differing(name: str, differs: Sequence[OnlyOne], *, in_first: bool) -> list[str]:
    own = [one for one in differs if one.in_first is in_first]
    if not own:
        return [f"  only in the {name}: nothing"]
    spent = money(sum(one.cost for one in own))
    return [f"  only in the {name}, {spent}:", *(f"    {_thing(one)}" for one in own)]


def _thing(one: OnlyOne) -> str:
    crews = f" of {one.crews} crews" if one.element == "base" else ""
    return f"{one.option}: {one.kind}{crews}, {money(one.cost)}"
