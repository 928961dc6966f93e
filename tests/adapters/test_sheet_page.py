"""A report as a page and on paper: the right way round, complete in itself, and nothing in it taken for markup."""

from html.parser import HTMLParser
from io import BytesIO
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from marsad.adapters.paper import sheet_pdf
from marsad.adapters.sheet_page import sheet_html
from marsad.kernel.statement import Language
from marsad.report.sheet import Heading, Notice, Picture, Sheet, Words, table
from marsad.report.wording import FIRST, LAST

LANGUAGES: tuple[Language, ...] = get_args(Language)


def png() -> bytes:
    made = BytesIO()
    Image.new("RGB", (8, 4), "red").save(made, "PNG")
    return made.getvalue()


PICTURES = {"map": png()}


def sheet(text: str, language: Language = "ar") -> Sheet:
    blocks = (
        Notice(text=text), Heading(text=text), Words(text=text), Picture(name="map", text=text),
        table([text, "n"], [(text, "0.900")]),
    )  # fmt: skip
    return Sheet(language=language, title=text, blocks=blocks)


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: bytes) -> Reader:
    reader = Reader()
    reader.feed(page.decode())
    return reader


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_says_its_language_and_runs_its_way(language: Language) -> None:
    html = next(attrs for tag, attrs in read(sheet_html(sheet("x", language), PICTURES)).tags if tag == "html")
    assert html["dir"] == ("rtl" if language in {"ar", "ckb"} else "ltr")
    assert str(html["lang"]).startswith(language)


def test_a_page_asks_for_nothing_from_anywhere() -> None:
    page = read(sheet_html(sheet("x"), PICTURES))
    asked = [value or "" for _, attrs in page.tags for name, value in attrs.items() if name in {"src", "href"}]
    assert [value.split(",")[0] for value in asked] == ["data:image/png;base64"]


@settings(max_examples=40)
@given(st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=60).filter(str.strip))
def test_no_words_are_taken_for_markup(text: str) -> None:
    page = read(sheet_html(sheet(text), PICTURES))
    assert "".join(page.text).count(text.strip()) >= 5
    assert {tag for tag, _ in page.tags} <= {
        "html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "p", "figure", "img", "figcaption", "div",
        "table", "thead", "tbody", "tr", "th", "td", "bdi",
    }  # fmt: skip


def test_what_is_written_left_to_right_stays_so() -> None:
    page = sheet_html(sheet(f"عند {FIRST}37S FU 1 2{LAST}."), PICTURES).decode()
    assert '<bdi dir="ltr">37S FU 1 2</bdi>' in page
    assert FIRST not in page


@settings(max_examples=25)
@given(st.text(min_size=1, max_size=60).filter(str.strip))
def test_whatever_the_words_are_they_are_set(text: str) -> None:
    assert sheet_pdf(sheet(text), PICTURES).startswith(b"%PDF")


def test_a_picture_that_is_asked_for_and_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="map"):
        sheet_pdf(sheet("x"), {})
