"""A plan's report: what is built and where, what it costs and cannot cost less than, and where it is weak."""

from collections import defaultdict
from collections.abc import Iterable

from marsad.geo.mgrs import mgrs
from marsad.kernel.plan import Placement, Plan, Way
from marsad.kernel.plan_study import Check, PlanStudy, Sensitivity
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.statement import Language
from marsad.report.plan_wording import PLAN, PLAN_WORDS
from marsad.report.sheet import Block, Heading, Notice, Picture, Sheet, Table, Words, table
from marsad.report.wording import FIRST, LAST

_UNBROKEN = "\N{NO-BREAK SPACE}"
MAP, CURVE, CHECK = "map", "curve", "check"
"""The pictures that the report asks for."""


class PlanSubject(Record):
    """What a plan is of: the site's name, the line's, and whether the ground is made up."""

    site: str
    line: str
    illustrative: bool


def plan_sheet(
    subject: PlanSubject, plan: Plan, study: PlanStudy, language: Language, check: Check | None = None
) -> Sheet:
    """The report of a plan in a language; it asks for the pictures `map`, and `curve` and `check` where there are any.

    `check` is what came of evaders that were simulated under the plan.
    """
    words = PLAN[language]
    blocks: list[Block] = [Notice(text=words["illustrative"])] if subject.illustrative else []
    blocks += [Heading(text=words["short"]), *_short(plan, study, language)]
    blocks += [Heading(text=words["bill"]), _bill(plan, language)]
    blocks.append(Picture(name=MAP, text=words["map"]))
    blocks += [Heading(text=words["where"]), _places(plan, language)]
    blocks += [Heading(text=words["ways"]), _ways(plan, language), *_critical(plan, language)]
    blocks += _judgements(plan, language)
    blocks += _curve(plan, language)
    blocks += _losses(plan, language)
    blocks += _sensitivities(study, language)
    blocks += [] if check is None else _checked(check, language)
    blocks += _phases(plan, language)
    blocks += [Heading(text=words["limits"]), Words(text=words["limits_words"])]
    title = words["title"].format(line=subject.line, site=subject.site)
    return Sheet(language=language, title=title, blocks=tuple(blocks))


def _short(plan: Plan, study: PlanStudy, language: Language) -> list[Block]:
    words = PLAN[language]
    lines = [
        words[plan.measure].format(reached=_share(plan.reached), required=_share(plan.required)),
        words["cost"].format(cost=_money(plan.cost), bound=_money(plan.bound), gap=_percent(plan.gap)),
    ]
    if plan.years:
        lines.append(words["years"].format(years=_plain(plan.years)))
    if plan.budget is not None and plan.attainable is not None:
        lines.append(words["budget"].format(budget=_money(plan.budget), attainable=_share(plan.attainable)))
    lines.append(words["dead"].format(share=_percent(study.dead_share)))
    return [Words(text=line) for line in lines]


def _bill(plan: Plan, language: Language) -> Table:
    """What of each kind is built, what stands counted apart, and the sums."""
    words = PLAN[language]
    kinds: dict[tuple[str, bool], list[Placement]] = defaultdict(list)
    for each in plan.placements:
        kinds[f"{_word(language, each.element)}: {each.kind}", each.standing].append(each)
    rows = [
        (f"{kind} ({words['standing']})" if standing else kind, *_sums(placed))
        for (kind, standing), placed in sorted(kinds.items())
    ]
    head = [words[key] for key in ("item", "number", "capital", "running", "total")]
    return table(head, [*rows, (words["in_all"], *_sums(plan.placements))])


def _sums(placed: Iterable[Placement]) -> tuple[str, str, str, str]:
    placed = list(placed)
    capital, running = sum(each.capital for each in placed), sum(each.running_year for each in placed)
    return str(len(placed)), _money(capital), _money(running), _money(sum(each.cost for each in placed))


def _places(plan: Plan, language: Language) -> Table:
    words = PLAN[language]
    rows = [
        (each.option, each.kind, *_where(each.points[:1]), str(each.phase), _money(each.cost))
        for each in plan.placements
        if not each.standing
    ]
    head = [words[key] for key in ("name", "item", "place", "latlon", "phase", "total")]
    return table(head, rows, words=2, places=[2, 3])


def _where(points: Iterable[Position]) -> tuple[str, str]:
    """Grid and degrees of a place, empty where it has none."""
    for point in points:
        return _grid(point), f"{FIRST}{point.latitude_deg:.5f}, {point.longitude_deg:.5f}{LAST}"
    return "", ""


def _ways(plan: Plan, language: Language) -> Table:
    words = PLAN[language]
    rows: list[tuple[str, ...]] = [
        (
            _word(language, way.evader), _word(language, way.direction), _grid(way.crosses), _share(way.probability),
            _share(way.detected), _minutes(way.seconds), f"{way.unseen_m:,.0f}", _minutes(way.response_s),
        )
        for way in plan.ways
    ]  # fmt: skip
    keys: tuple[str, ...] = (
        "evader",
        "direction",
        "crosses",
        "probability",
        "detected",
        "minutes",
        "unseen",
        "response",
    )
    if all(way.response_s is None for way in plan.ways):
        keys, rows = keys[:-1], [row[:-1] for row in rows]
    return table([words[key] for key in keys], rows, words=3, places=[2])


def _critical(plan: Plan, language: Language) -> list[Block]:
    return [Words(text=_critical_text(way, language)) for way in plan.ways if way.critical is not None]


def _critical_text(way: Way, language: Language) -> str:
    place = "" if way.critical is None else _grid(way.critical)
    return PLAN[language]["critical"].format(
        evader=_word(language, way.evader), direction=_word(language, way.direction), place=place
    )


def _judgements(plan: Plan, language: Language) -> list[Block]:
    if not plan.judgements:
        return []
    words = PLAN[language]
    rows = [
        (_word(language, one.evader), _word(language, one.direction), _word(language, one.knows),
         _share(one.probability))
        for one in plan.judgements
    ]  # fmt: skip
    head = [words[key] for key in ("evader", "direction", "knows", "probability")]
    return [Heading(text=words["judgements"]), table(head, rows, words=3)]


def _curve(plan: Plan, language: Language) -> list[Block]:
    if not plan.curve:
        return []
    words = PLAN[language]
    rows = [(_share(point.probability), _money(point.cost), _money(point.bound)) for point in plan.curve]
    head = [words[key] for key in ("probability", "total", "bound")]
    heading = Heading(text=words["curve"])
    return [heading, Picture(name=CURVE, text=words["curve"]), table(head, rows, words=0)]


def _losses(plan: Plan, language: Language) -> list[Block]:
    if not plan.losses:
        return []
    words = PLAN[language]
    worst_first = sorted(plan.losses, key=lambda loss: loss.reached)
    rows = [(loss.option, loss.kind, _share(loss.reached)) for loss in worst_first]
    head = [words[key] for key in ("name", "item", "without")]
    return [Heading(text=words["losses"]), Words(text=words["loss_words"]), table(head, rows, words=2)]


def _sensitivities(study: PlanStudy, language: Language) -> list[Block]:
    if not study.sensitivities:
        return []
    words = PLAN[language]
    rows = [_sensitivity(one, language) for one in study.sensitivities]
    head = [words[key] for key in ("premise", "low", "tenth", "median", "high", "kept")]
    blocks: list[Block] = [Heading(text=words["sensitivity"]), table(head, rows)]
    if any(one.draws > 1 for one in study.sensitivities):
        blocks.append(Words(text=words["drawn_words"]))
    return blocks


def _sensitivity(one: Sensitivity, language: Language) -> tuple[str, ...]:
    """A premise with the probabilities where it does not hold; one figure where it was looked at once."""
    if one.draws == 1:
        return _premise(one, language), "", "", _share(one.median), "", ""
    return _premise(one, language), *map(_share, (one.low, one.tenth, one.median, one.high)), _percent(one.kept)


def _premise(one: Sensitivity, language: Language) -> str:
    said = PLAN[language][one.premise].format(factor=_plain(one.factor), draws=one.draws)
    return said if one.direction is None else f"{said}: {_word(language, one.direction)}"


def _checked(check: Check, language: Language) -> list[Block]:
    """What came of simulated evaders beside what the plan foretells of them."""
    words = PLAN[language]
    lines = [
        words["check_words"].format(walks=check.walks),
        words["check_high" if check.over >= 0 else "check_low"].format(
            difference=_share(check.difference), over=_share(abs(check.over))
        ),
        words["check_brier"].format(brier=f"{check.brier:.4f}", least=f"{check.brier_least:.4f}"),
    ]
    if check.least is not None:
        lines.append(
            words[f"check_{check.measure}"].format(
                whole=check.whole, under=check.under_required, least=_share(check.least)
            )
        )
    rows = [(_share(each.foretold), _share(each.simulated), str(each.walks)) for each in check.bins]
    head = [words[key] for key in ("foretold", "simulated", "walks")]
    return [
        Heading(text=words["check"]),
        *(Words(text=line) for line in lines),
        Picture(name=CHECK, text=words["check_picture"]),
        table(head, rows, words=0),
    ]


def _phases(plan: Plan, language: Language) -> list[Block]:
    if not plan.phases:
        return []
    words = PLAN[language]
    rows = [
        (str(number), _word(language, phase.name), _money(phase.cost), _share(phase.reached), _share(phase.unaware))
        for number, phase in enumerate(plan.phases)
    ]
    head = [words[key] for key in ("phase", "item", "so_far", "reached_so_far", "unaware")]
    return [Heading(text=words["phases"]), table(head, rows, words=2)]


def _word(language: Language, value: str) -> str:
    return PLAN_WORDS[language].get(value, value)


def _grid(place: Position) -> str:
    return f"{FIRST}{mgrs(place.latitude_deg, place.longitude_deg).replace(' ', _UNBROKEN)}{LAST}"


def _share(probability: float) -> str:
    return f"{probability:.3f}"


def _percent(share: float) -> str:
    return f"{FIRST}{share:.1%}{LAST}"


def _money(cost: float) -> str:
    return f"{cost:,.0f}" if cost == round(cost) else f"{cost:,.2f}"


def _minutes(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds / 60:.0f}"


def _plain(value: float) -> str:
    return f"{value:g}"
