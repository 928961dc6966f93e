"""Releases as CAP messages: what the schema asks for, and not a word more than was told."""

import json
from itertools import pairwise
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import msgspec
import pytest
from cap_schema import S, follows_all
from hypothesis import given
from hypothesis import strategies as st

from marsad.adapters.cap_release import BY_PRIORITY, CapMessage, Happening, cap_alert, is_alert
from marsad.coordinate.release_words import RELEASE_WORDS
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.agreement import Agreement, Party
from marsad.kernel.alert import Priority, Rule
from marsad.kernel.incident import HazardKind, IncidentKind
from marsad.kernel.position import GroundCovariance, Position
from marsad.kernel.release import Cell, Heads, Item, Octant, Release
from marsad.kernel.statement import Language
from marsad.kernel.track import Kind

ANCHOR = Position(latitude_deg=34.0, longitude_deg=41.0)
TOLD_NS = 1_790_000_040_000_000_000
HOUR_NS = 3600 * 10**9
I18N = Path(__file__).parents[2] / "web" / "src" / "i18n"
AGREEMENT = Agreement(
    agreement_id="night", version=3, from_ns=0, until_ns=TOLD_NS + 100 * HOUR_NS, anchor=ANCHOR,
    protected_distance_m=250, block_m=1000,
    parties=(
        Party(party_id="east", public_key="0" * 64, name="East <Watch>"),
        Party(party_id="west", public_key="1" * 64),
    ),
)  # fmt: skip
MESSAGE = CapMessage(identifier="marsad-1", sent_ns=TOLD_NS, expires_ns=TOLD_NS + HOUR_NS)
EARLIER = (
    CapMessage(identifier="marsad-0", sent_ns=TOLD_NS - HOUR_NS, expires_ns=TOLD_NS),
    CapMessage(identifier="marsad-00", sent_ns=TOLD_NS - 2 * HOUR_NS, expires_ns=TOLD_NS),
)


def told(**changed: object) -> Release:
    made = Release(
        release_id="0f" * 16, agreement_id="night", version=3, rule_id="alarms", giver="east", taker="west",
        item="alarm", thing_id="ab" * 16, time_ns=TOLD_NS, cell=Cell(east=-1, north=4, size_m=250), sigma_m=250,
    )  # fmt: skip
    return msgspec.structs.replace(made, **changed)


def message(released: Release, happening: Happening = "told", earlier: tuple[CapMessage, ...] = ()) -> ET.Element:
    return ET.fromstring(cap_alert(released, MESSAGE, AGREEMENT, happening, earlier))  # noqa: S314 - our own words


def texts(alert: ET.Element, path: str) -> list[str]:
    return [each.text or "" for each in alert.iterfind("/".join(f"{S}{tag}" for tag in path.split("/")))]


@given(
    item=st.sampled_from(get_args(Item)),
    kind=st.none() | st.sampled_from(get_args(Kind)),
    heads=st.sampled_from([None, Heads(low=1, high=1), Heads(low=5, high=9), Heads(low=50)]),
    rule=st.none() | st.sampled_from(get_args(Rule)),
    priority=st.none() | st.sampled_from(get_args(Priority)),
    heading=st.none() | st.sampled_from(get_args(Octant)),
    direction=st.sampled_from([None, "inward", "outward"]),
    incident=st.none() | st.sampled_from(get_args(IncidentKind)),
    hazards=st.lists(st.sampled_from(get_args(HazardKind)), unique=True, max_size=3),
    basis=st.sampled_from(["rule", "life_at_risk", "handover_at_line"]),
    exercise=st.booleans(),
    east=st.integers(-190_000, 190_000),
    size_m=st.sampled_from([1, 10, 250, 1000]),
    happening=st.sampled_from(get_args(Happening)),
    before=st.integers(0, 2),
)
def test_whatever_was_told_the_message_follows_the_schema(
    item: Item, kind: Kind | None, heads: Heads | None, rule: Rule | None, priority: Priority | None,
    heading: Octant | None, direction: str | None, incident: IncidentKind | None, hazards: list[HazardKind], basis: str,
    exercise: bool, east: int, size_m: int, happening: Happening, before: int,
) -> None:  # fmt: skip
    released = told(
        item=item, kind=kind, heads=heads, alarm_rule=rule, priority=priority, heading=heading, direction=direction,
        incident_kind=incident, hazards=tuple(hazards), basis=basis, exercise=exercise,
        cell=Cell(east=east // size_m, north=-east // size_m, size_m=size_m),
    )  # fmt: skip
    alert = message(released, happening, EARLIER[:before])
    follows_all(alert)
    assert texts(alert, "status") == ["Exercise" if exercise else "Actual"]
    assert texts(alert, "info/language") == ["ar-IQ", "ckb-IQ", "kmr-Latn", "en"]
    assert (texts(alert, "references") == []) == (before == 0)
    assert all(" " not in each for each in texts(alert, "identifier"))


def test_the_area_is_the_square_that_was_told_and_nothing_smaller() -> None:
    alert = message(told())
    assert texts(alert, "info/area/circle") == []
    polygons = {*texts(alert, "info/area/polygon")}
    assert len(polygons) == 1
    ring = [tuple(map(float, pair.split(","))) for pair in polygons.pop().split(" ")]
    assert ring[0] == ring[-1]
    assert len(ring) == 5
    frame = EnuFrame(ANCHOR)
    metres = [frame.from_geodetic(latitude, longitude, 0.0)[:2] for latitude, longitude in ring]
    assert metres[:4] == [pytest.approx(each, abs=0.2) for each in ((-250, 1000), (0, 1000), (0, 1250), (-250, 1250))]
    # Counterclockwise, as seen from above: twice the area is positive.
    doubled = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(metres))
    assert doubled == pytest.approx(2 * 250 * 250, rel=0.01)


@pytest.mark.parametrize(
    ("changed", "weight"),
    [
        ({"priority": "high"}, ("Immediate", "Severe", "Likely")),
        ({"priority": "medium"}, ("Expected", "Moderate", "Likely")),
        ({"priority": "low"}, ("Future", "Minor", "Possible")),
        ({}, ("Unknown", "Unknown", "Unknown")),
        ({"item": "incident"}, ("Unknown", "Unknown", "Observed")),
        ({"item": "incident", "hazards": ("armed",)}, ("Immediate", "Severe", "Observed")),
        ({"item": "track", "basis": "life_at_risk"}, ("Immediate", "Extreme", "Observed")),
        ({"item": "group", "basis": "handover_at_line", "priority": "low"}, ("Immediate", "Moderate", "Observed")),
    ],
)
def test_its_weight_follows_from_what_was_released(changed: dict[str, object], weight: tuple[str, str, str]) -> None:
    """The table of docs/howto/cap.md."""
    alert = message(told(**changed))
    assert tuple({*texts(alert, f"info/{tag}")} for tag in ("urgency", "severity", "certainty")) == tuple(
        {each} for each in weight
    )
    page = (I18N.parents[2] / "docs/howto/cap.md").read_text(encoding="utf-8")
    assert f"| {' | '.join(weight)} |" in page


def test_every_priority_has_a_weight() -> None:
    assert {*BY_PRIORITY} == {*get_args(Priority), None}


def test_an_update_and_a_cancellation_name_what_they_replace() -> None:
    references = "east,marsad-0,2026-09-21T13:14:00-00:00 east,marsad-00,2026-09-21T12:14:00-00:00"
    for happening, kind in (("told", "Update"), ("corrected", "Update"), ("ended", "Cancel"), ("recalled", "Cancel")):
        alert = message(told(), happening, EARLIER)  # type: ignore[arg-type]
        assert texts(alert, "msgType") == [kind]
        assert texts(alert, "references") == [references]
        assert ({*texts(alert, "info/urgency")} == {"Past"}) == (kind == "Cancel")
    assert texts(message(told()), "msgType") == ["Alert"]


def test_what_is_over_is_not_called_safe_and_what_was_taken_back_says_nothing_of_what_it_was() -> None:
    over, back = (message(told(kind="person"), happening, EARLIER) for happening in ("ended", "recalled"))  # type: ignore[arg-type]
    for alert in (over, back):
        assert {*texts(alert, "info/responseType")} == {"None"}
        assert texts(alert, "info/description") == []
    assert texts(over, "note")[0].startswith("Over")
    assert texts(back, "note")[0].startswith("Taken back")


def test_an_exercise_says_so_in_every_language() -> None:
    alert = message(told(exercise=True))
    assert texts(alert, "note")[0].startswith("EXERCISE EXERCISE EXERCISE")
    words = [RELEASE_WORDS[language]["shell.exercise"] for language in ("ar", "ckb", "kmr", "en")]
    assert all(line.startswith(word) for line, word in zip(texts(alert, "info/headline"), words, strict=True))


def test_nothing_that_points_at_a_camera_goes_out_even_where_it_was_told() -> None:
    plain, full = (
        told(), told(velocity_m_s=(1.25, -7.75), path=(Cell(east=77, north=78, size_m=250),), certainty=0.75,
                     shape=GroundCovariance(east_m2=9.0, east_north_m2=1.0, north_m2=4.0), clips=("c1" * 32,)),
    )  # fmt: skip
    assert cap_alert(plain, MESSAGE, AGREEMENT) == cap_alert(full, MESSAGE, AGREEMENT)


def test_it_says_whose_word_it_is_and_to_whom() -> None:
    alert = message(told(heads=Heads(low=2, high=4), heading="sw", direction="inward", priority="high"))
    assert (texts(alert, "sender"), texts(alert, "scope"), texts(alert, "addresses")) == (
        ["east"],
        ["Private"],
        ["west"],
    )
    assert {*texts(alert, "info/senderName")} == {"East <Watch>"}
    english = texts(alert, "info/description")[-1]
    for word in ("2-4", "south-west", "inward", "High priority", "250 m", "night 3"):
        assert word in english


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({}, True),
        ({"item": "incident"}, True),
        ({"item": "track"}, False),
        ({"item": "track", "basis": "life_at_risk"}, True),
        ({"item": "post", "cell": None}, False),
        ({"item": "patrol", "cell": None, "cells": (Cell(east=0, north=0, size_m=500),)}, False),
        ({"cell": None}, False),
    ],
)
def test_alarms_incidents_and_emergencies_are_for_an_alerting_system(changed: dict[str, object], wanted: bool) -> None:
    assert is_alert(told(**changed)) == wanted


@pytest.mark.parametrize("language", get_args(Language))
def test_the_words_are_those_of_the_console(language: Language) -> None:
    shown = json.loads((I18N / f"{language}.json").read_text(encoding="utf-8"))
    ours = RELEASE_WORDS[language]
    assert set(ours) == set(RELEASE_WORDS["en"])
    assert {key: word for key, word in ours.items() if shown.get(key, word) != word} == {}
    for name, values in (("kind", Kind), ("incident_kind", IncidentKind), ("hazard", HazardKind), ("toward", Octant)):
        assert {f"{name}.{each}" for each in get_args(values)} <= set(ours)
