"""Records, briefs and statements as a browser gets them, made of a log."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.console.conftest import NIGHT_NS, SITE, Console, MemoryDesk, WallClock, peopled, running

from marsad.adapters.reporters import Reporters
from marsad.app.papers import Papers
from marsad.console.reports import report_routes
from marsad.kernel.act import Person
from marsad.kernel.track import Count
from marsad.report.incident_record import record_of
from marsad.report.statement import Statements
from marsad.respond.incident import Incidents

NS = 1_000_000_000
FOUR = Count(best=4, low=4, high=4)


@dataclass
class Office:
    """A console with one incident and its statements, who looked something up, and the number of a reporter."""

    console: Console
    reporter: str
    looked: list[tuple[str, str, str]] = field(default_factory=list)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    desk, incidents, statements = MemoryDesk(), Incidents(), Statements()
    desk.append([incidents.open("crossing", "four on foot", "omar", NIGHT_NS, expected=FOUR)])
    desk.append([incidents.take("I1", "omar", NIGHT_NS + 60 * NS)])
    desk.append([incidents.account("I1", 3, "assisted", "omar", NIGHT_NS + 600 * NS)])
    record = record_of("I1", desk.log.read())
    for language in ("ar", "en"):
        desk.append([statements.draft(record, language, "al-Qaim", UTC, SITE, {}, "omar", NIGHT_NS + 700 * NS)])
    looked: list[tuple[str, str, str]] = []

    async def audit(person: Person, subject: str, reason: str) -> None:
        looked.append((person.name, subject, reason))

    # It is made here and asked in a thread of the server's.
    with Reporters(tmp_path / "reporters.sqlite", tmp_path / "reporters.key") as reporters:
        papers = Papers(desk.log, desk, SITE, UTC, reporters)
        handlers = report_routes(papers, audit)
        with running(desk, peopled(), WallClock(), handlers=handlers) as console:
            yield Office(console, reporters.keep("Abu Ali"), looked)


def test_the_record_has_a_line_for_each_thing_done(office: Office) -> None:
    told = office.console.enter("vian").get("/api/incidents/I1/record").json()
    assert [line["happening"] for line in told["lines"]] == ["opened", "taken", "added"]
    assert told["incident"]["incident_id"] == "I1"


def test_what_is_not_there_is_said_so(office: Office) -> None:
    client = office.console.enter("omar")
    for path in ("incidents/I9/record", "incidents/I9/record.pdf", "statements/S9/statement.pdf"):
        answer = client.get(f"/api/{path}")
        assert (answer.status_code, answer.json()["error"]) == (400, "InputError"), path
    assert client.get("/api/brief", params={"from": 9, "to": 1}).status_code == 400
    assert client.get("/api/incidents/I9/cap.xml", params={"place": "x"}).json()["message"].startswith("incident I9")


def test_the_brief_of_the_night(office: Office) -> None:
    span = {"from": NIGHT_NS, "to": NIGHT_NS + 3600 * NS}
    told = office.console.enter("omar").get("/api/brief", params=span).json()
    # The desk in memory always shows two incidents that stand; the log tells what became of the first.
    assert (told["opened"], told["sought"], len(told["standing"]), len(told["statements"])) == (2, 1, 2, 2)


@pytest.mark.parametrize("language", ["ar", "ckb", "kmr", "en"])
def test_whoever_takes_paper_away_is_written_down(office: Office, language: str) -> None:
    client = office.console.enter("omar")
    pdf = client.get("/api/incidents/I1/record.pdf", params={"language": language})
    assert pdf.content.startswith(b"%PDF")
    assert pdf.headers["content-disposition"] == 'attachment; filename="record-I1.pdf"'
    brief = client.get("/api/brief.pdf", params={"from": NIGHT_NS, "to": NIGHT_NS + NS, "language": language})
    assert brief.content.startswith(b"%PDF")
    assert office.looked == [("omar", "record of I1", "on paper"), ("omar", "brief", "on paper")]


def test_statements_are_listed_and_taken_as_pdf_and_cap(office: Office) -> None:
    client = office.console.enter("omar")
    listed = client.get("/api/incidents/I1/statements").json()
    assert {each["language"] for each in listed} == {"ar", "en"}
    assert client.get("/api/statements/S1/statement.pdf").content.startswith(b"%PDF")
    cap = client.get("/api/incidents/I1/cap.xml", params={"place": "al-Qaim"})
    assert cap.headers["content-type"].startswith("application/cap+xml")
    root = ET.fromstring(cap.text)  # noqa: S314 - our own words
    assert [each.text for each in root.iter("{urn:oasis:names:tc:emergency:cap:1.2}language")] == ["ar-IQ", "en"]
    for given in ("37S FT 12345 67890", "34.123, 41.456"):
        for path in ("incidents/I1/cap.xml", "statements/S1/statement.pdf"):
            refused = client.get(f"/api/{path}", params={"place": given})
            assert refused.status_code == 409, refused.text


def test_who_reported_is_told_to_a_supervisor_with_a_reason_alone(office: Office) -> None:
    path = f"/api/reporters/{office.reporter}"
    assert office.console.enter("omar").post(path, json={"reason": "to thank him"}).status_code == 403
    sara = office.console.enter("sara")
    assert sara.post(path, json={"reason": ""}).status_code == 400
    assert office.looked == []
    assert sara.post(path, json={"reason": "to call a medic"}).json() == {"identity": "Abu Ali"}
    assert office.looked == [("sara", f"reporter {office.reporter}", "to call a medic")]
    assert sara.post("/api/reporters/R999", json={"reason": "to call a medic"}).status_code == 400


def test_a_patrol_gets_none_of_it(office: Office) -> None:
    client = office.console.enter("patrol 1")
    for path in ("incidents/I1/record", "incidents/I1/record.pdf", "incidents/I1/statements", "brief?from=0&to=1"):
        assert client.get(f"/api/{path}").status_code == 403, path
