"""Ready phrases: the same in every language, and nothing the other side fills in can turn a sentence."""

import unicodedata
from string import Formatter
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.coordinate.phrases import FIRST, LAST, PHRASES, URGENT, gaps_of, lacking, say
from marsad.kernel.joint import Phrase
from marsad.kernel.statement import Language

LANGUAGES: tuple[Language, ...] = get_args(Language)
KEYS = sorted(PHRASES["en"])
TIME_NS = 10**18
GAPS = {"count": 3, "place": "37S FT 123 456", "name": "Post 4", "time_ns": TIME_NS, "minutes": 5}


def filled(key: str) -> Phrase:
    gaps = {name: value for name, value in GAPS.items() if name.removesuffix("_ns") in gaps_of(key)}
    return msgspec.convert({"key": key, **gaps}, Phrase)


def clock(time_ns: int) -> str:
    return f"{time_ns // 10**9 % 86_400 // 3600:02d}:00"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_phrase_with_the_same_gaps(language: Language) -> None:
    assert set(PHRASES[language]) == set(KEYS)
    for key in KEYS:
        names = [name for _, name, _, _ in Formatter().parse(PHRASES[language][key]) if name]
        assert sorted(names) == sorted(gaps_of(key)), (language, key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_phrases_read_alike_and_none_is_left_in_english(language: Language) -> None:
    texts = list(PHRASES[language].values())
    assert len(set(texts)) == len(texts)
    if language != "en":
        assert not set(texts) & set(PHRASES["en"].values())


@pytest.mark.parametrize("language", ["ar", "ckb"])
def test_arabic_letters_are_used_where_they_belong(language: Language) -> None:
    for key, text in PHRASES[language].items():
        plain = "".join(part for part, _, _, _ in Formatter().parse(text))
        letters = [each for each in plain if each.isalpha()]
        assert all("ARABIC" in unicodedata.name(each) for each in letters), key


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", KEYS)
def test_every_phrase_is_said_with_all_that_stands_in_its_gaps(key: str, language: Language) -> None:
    phrase = filled(key)
    assert lacking(phrase) == ""
    said = say(phrase, language, clock)
    assert "{" not in said
    for name, value in GAPS.items():
        if name.removesuffix("_ns") in gaps_of(key):
            assert f"{FIRST}{clock(TIME_NS) if name == 'time_ns' else value}{LAST}" in said


def test_a_gap_is_neither_left_open_nor_filled_for_nothing() -> None:
    assert lacking(Phrase(key="medical_help", count=2)) == "the phrase medical_help needs place"
    assert lacking(Phrase(key="animal", place="here")) == "the phrase animal has no gap for place"
    assert lacking(Phrase(key="attack")) == "there is no ready phrase attack here"
    assert say(Phrase(key="attack"), "ar", clock) == "there is no ready phrase attack here"
    assert lacking(Phrase(key="civilians", place="   ")) == "the phrase civilians needs place"


def test_a_count_of_nobody_is_a_count() -> None:
    assert lacking(Phrase(key="medical_help", place="x", count=0)) == ""


@given(st.text(min_size=1, max_size=40))
def test_what_the_other_side_fills_in_cannot_turn_the_sentence(place: str) -> None:
    phrase = Phrase(key="civilians", place=place)
    if lacking(phrase):
        return
    said = say(phrase, "ar", clock)
    assert said.count(FIRST) == 1 == said.count(LAST)
    assert not set("\u202a\u202b\u202d\u202e\u2067\u2068") & set(said)


def test_what_is_urgent_is_a_phrase_and_speaks_of_people_or_danger() -> None:
    assert set(KEYS) >= URGENT
    assert {"civilians", "medical_help", "own_patrol"} <= URGENT
    assert not {"thank_you", "link_test", "animal"} & URGENT


def test_every_phrase_that_names_people_at_risk_asks_for_restraint_in_english() -> None:
    for key in ("civilians", "children", "own_patrol", "own_people"):
        assert "Do not fire" in PHRASES["en"][key]
