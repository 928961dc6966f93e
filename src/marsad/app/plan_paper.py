"""A plan's report in four languages, as a page that needs nothing else and on paper."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, get_args

from marsad.adapters.paper import sheet_pdf
from marsad.adapters.sheet_page import sheet_html
from marsad.adapters.writing import replace_whole
from marsad.app.plan_check import Outcome, check_png
from marsad.app.plan_ground import Sector, illustrative
from marsad.app.plan_map import PAPER_IN, curve_png, map_png
from marsad.app.plan_options import Option
from marsad.kernel.plan import Plan
from marsad.kernel.plan_study import Check, PlanStudy
from marsad.kernel.statement import Language
from marsad.plan.siting import Choice
from marsad.report.plan_sheet import CHECK, CURVE, MAP, PlanSubject, plan_sheet
from marsad.report.plan_wording import PLAN_MAP

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
NAMES: Final = tuple(f"report-{language}.{kind}" for language in LANGUAGES for kind in ("html", "pdf"))


def write_reports(
    out: Path, sector: Sector, options: Sequence[Option], choice: Choice, seen: Choice, made: Plan, study: PlanStudy,
    checked: tuple[Check, Outcome] | None,
) -> tuple[str, ...]:  # fmt: skip
    """Write the reports to a folder; their names. Raises: UnavailableError, InputError where that fails."""
    subject = PlanSubject(
        site=sector.site.name, line=sector.line.name or sector.line.id, illustrative=illustrative(sector)
    )
    for language in LANGUAGES:
        words = PLAN_MAP[language]
        sheet = plan_sheet(subject, made, study, language, None if checked is None else checked[0])
        pictures = {MAP: map_png("", sector, seen, options, choice.tolist(), made.ways, words, PAPER_IN)}
        if made.curve:
            pictures[CURVE] = curve_png(made, words)
        if checked is not None:
            pictures[CHECK] = check_png("", *checked, words)
        replace_whole(out / f"report-{language}.html", sheet_html(sheet, pictures))
        replace_whole(out / f"report-{language}.pdf", sheet_pdf(sheet, pictures))
    return tuple(str(out / name) for name in NAMES)
