"""A plan's report: every figure of the plan is in it, in four languages, and nothing that was not found."""

from typing import get_args

import msgspec
import pytest

from marsad.kernel.plan import CurvePoint, Judgement, Loss, Phase, Placement, Plan, Way
from marsad.kernel.plan_study import Bin, Check, PlanStudy, Premise, Sensitivity
from marsad.kernel.position import Position
from marsad.kernel.statement import Language
from marsad.report.plan_sheet import PlanSubject, plan_sheet
from marsad.report.plan_wording import PLAN, PLAN_MAP, PLAN_WORDS
from marsad.report.sheet import Heading, Notice, Picture, Sheet, Table, Words

LANGUAGES: tuple[Language, ...] = get_args(Language)
SUBJECT = PlanSubject(site="al-Qaim", line="North", illustrative=True)


def spot(latitude: float) -> Position:
    return Position(latitude_deg=latitude, longitude_deg=41.0)


PLAN_FOUND = Plan(
    placements=(
        Placement(option="place-3", kind="mast", cost=30, capital=20, running_year=1, points=(spot(34.4),)),
        Placement(option="place-4", kind="mast", cost=30, capital=20, running_year=1, points=(spot(34.5),)),
        Placement(option="C1", kind="fixed", cost=0, standing=True, element="camera", points=(spot(34.41),)),
    ),
    cost=60, bound=45, required=0.9, reached=0.912, measure="interruption", years=10, budget=70, attainable=0.95,
    ways=(
        Way(
            evader="walker", direction="inward", probability=0.912, detected=0.971, seconds=4020, unseen_m=1234,
            points=(spot(34.3), spot(34.6)), crosses=spot(34.45), critical=spot(34.46), response_s=900,
        ),
    ),
    judgements=(Judgement(evader="walker", direction="inward", knows="nothing", probability=0.987),),
    phases=(Phase(name="first", cost=30, reached=0.4, unaware=0.456),),
    losses=(
        Loss(option="place-4", kind="mast", reached=0.7),
        Loss(option="place-3", kind="mast", reached=0.2),
    ),
    curve=(CurvePoint(probability=0.5, cost=30, bound=29),),
)  # fmt: skip
STUDY = PlanStudy(
    dead_share=0.345,
    sensitivities=(
        Sensitivity(
            premise="ground", factor=3, low=0.71, tenth=0.77, median=0.85, high=0.91, kept=0.28, direction="inward",
            draws=32,
        ),
        Sensitivity(premise="reach", factor=0.7, low=0.613, tenth=0.613, median=0.613, high=0.613, kept=0.0),
    ),
)  # fmt: skip
CHECKED = Check(
    walks=298, draws=40, difference=0.021, between=0.1, over=0.004, brier=0.0336, brier_least=0.0317, least=0.644,
    least_foretold=0.7, under_required=2, whole=149, bins=(Bin(walks=37, foretold=0.859, simulated=0.893),),
    measure="interruption",
)  # fmt: skip


def words_of(sheet: Sheet) -> str:
    parts = [sheet.title]
    for block in sheet.blocks:
        if isinstance(block, Table):
            parts += [" ".join(row) for row in (block.head, *block.rows)]
        else:
            parts.append(block.text)
    return "\n".join(parts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_figure_stands_in_every_language(language: Language) -> None:
    text = words_of(plan_sheet(SUBJECT, PLAN_FOUND, STUDY, language))
    wanted = ("al-Qaim", "North", "0.912", "0.900", "60", "45", "25.0%", "34.5%", "0.950", "70", "0.971", "67", "1,234")
    assert [
        each for each in (*wanted, "15", "0.987", "0.400", "0.456", "29", "0.200", "0.710", "32") if each not in text
    ] == []
    assert "{" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_simulated_stands_beside_what_was_foretold(language: Language) -> None:
    sheet = plan_sheet(SUBJECT, PLAN_FOUND, STUDY, language, CHECKED)
    text = words_of(sheet)
    wanted = ("298", "0.021", "0.004", "0.0336", "0.0317", "149", "0.644", "0.859", "0.893", "37", "0.770", "28.0%")
    assert [each for each in (*wanted, "0.613") if each not in text] == []
    assert PLAN[language]["check_picture"] in text
    assert "check" in [block.name for block in sheet.blocks if isinstance(block, Picture)]
    timid = plan_sheet(SUBJECT, PLAN_FOUND, STUDY, language, msgspec.structs.replace(CHECKED, over=-0.004))
    assert words_of(timid) != text
    assert "-0.004" not in words_of(timid)


@pytest.mark.parametrize("language", LANGUAGES)
def test_made_up_ground_is_said_first(language: Language) -> None:
    sheet = plan_sheet(SUBJECT, PLAN_FOUND, STUDY, language)
    assert sheet.blocks[0] == Notice(text=PLAN[language]["illustrative"])
    real = plan_sheet(PlanSubject(site="S", line="L", illustrative=False), PLAN_FOUND, STUDY, language)
    assert not any(isinstance(block, Notice) for block in real.blocks)


def test_what_was_not_looked_into_has_no_heading() -> None:
    bare = Plan(placements=PLAN_FOUND.placements, cost=60, bound=60, required=0.9, reached=0.9)
    sheet = plan_sheet(SUBJECT, bare, PlanStudy(dead_share=0), "en")
    headings = [block.text for block in sheet.blocks if isinstance(block, Heading)]
    assert headings == [PLAN["en"][key] for key in ("short", "bill", "where", "ways", "limits")]
    assert [block.name for block in sheet.blocks if isinstance(block, Picture)] == ["map"]


def test_the_bill_adds_up_and_counts_what_stands_apart() -> None:
    sheet = plan_sheet(SUBJECT, PLAN_FOUND, STUDY, "en")
    bill = next(block for block in sheet.blocks if isinstance(block, Table))
    assert bill.rows == (
        ("camera: fixed (stands already)", "1", "0", "0", "0"),
        ("tower: mast", "2", "40", "2", "60"),
        ("In all", "3", "40", "2", "60"),
    )
    assert bill.sides == ("words", "numbers", "numbers", "numbers", "numbers")


def test_the_worst_loss_comes_first() -> None:
    sheet = plan_sheet(SUBJECT, PLAN_FOUND, STUDY, "en")
    at = sheet.blocks.index(Words(text=PLAN["en"]["loss_words"]))
    losses = sheet.blocks[at + 1]
    assert isinstance(losses, Table)
    assert [row[0] for row in losses.rows] == ["place-3", "place-4"]


def test_all_languages_know_the_same_words() -> None:
    for words in (PLAN, PLAN_WORDS, PLAN_MAP):
        assert all(set(words[language]) == set(words["en"]) for language in LANGUAGES)
        for key, english in words["en"].items():
            for language in LANGUAGES:
                assert fields(words[language][key]) == fields(english), (language, key)
    assert set(get_args(Premise)) <= set(PLAN["en"])


def fields(words: str) -> set[str]:
    return {part.split("}")[0] for part in words.split("{")[1:]}
