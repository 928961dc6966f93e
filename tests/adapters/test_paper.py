"""Paper: whatever the words are, a PDF comes of them; what is a draft or an exercise says so."""

import re
import zlib
from datetime import UTC
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.adapters.memory import MemoryEventLog
from marsad.adapters.paper import brief_pdf, brief_rows, record_pdf, statement_pdf
from marsad.kernel.statement import Fact, Language, Sentence, Statement
from marsad.kernel.track import Count
from marsad.report.brief import brief_of
from marsad.report.incident_record import record_of
from marsad.report.wording import BRIEF
from marsad.respond.incident import Incidents

LANGUAGES: tuple[Language, ...] = get_args(Language)


def statement(*texts: str, language: Language = "ar") -> Statement:
    return Statement(
        statement_id="S1", incident_id="I1", language=language, state="draft",
        sentences=tuple(Sentence(text=text, facts=("F1",)) for text in texts),
        facts=(Fact(fact_id="F1", kind="seen", time_ns=0, sequences=(0,)),), exposures=(), drafted_by="samir",
        drafted_ns=0, exercise=True, approved_by="hala", approved_ns=5, embargo_until_ns=9,
    )  # fmt: skip


def pages(pdf: bytes) -> int:
    """How many pages a PDF has, compressed object streams included."""
    streams = b"".join(
        zlib.decompress(found[1].strip(b"\r\n"))
        for found in re.finditer(rb"/FlateDecode[^>]*>>\s*stream(.*?)endstream", pdf, re.DOTALL)
    )
    return len(re.findall(rb"/Type\s*/Page\b", pdf + streams))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_statement_is_one_page_in_every_language(language: Language) -> None:
    pdf = statement_pdf(statement("رُصد أربعة أشخاص.", "ڕێگا", "Çar kes", language=language), "al-Qaim", UTC)
    assert pdf.startswith(b"%PDF")
    assert pages(pdf) == 1


@settings(max_examples=60)
@given(st.text(min_size=1, max_size=80).filter(str.strip))
def test_whatever_the_words_are_they_are_set_as_they_are(text: str) -> None:
    assert statement_pdf(statement(text), text, UTC).startswith(b"%PDF")


@pytest.mark.parametrize("text", ["#panic()", '#read("/etc/passwd")', "$x$", "<a>", "@b", "= c", "\\", "*", "`", "//x"])
def test_no_words_are_taken_for_commands(text: str) -> None:
    assert statement_pdf(statement(text), text, UTC).startswith(b"%PDF")


@pytest.mark.parametrize("language", LANGUAGES)
def test_records_and_briefs_in_every_language(language: Language) -> None:
    log, incidents = MemoryEventLog(), Incidents()
    log.append([incidents.open("crossing", "four #x", "samir", 1, expected=Count(best=4, low=4, high=4))])
    assert record_pdf(record_of("I1", log.read()), language, UTC).startswith(b"%PDF")
    made = brief_of(log.read(), 0, 9)
    assert brief_pdf(made, language, UTC).startswith(b"%PDF")
    assert (BRIEF[language]["sought"], "4") in brief_rows(made, language)
    assert set(BRIEF[language]) == set(BRIEF["en"])
