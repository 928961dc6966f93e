"""Every word that the kernel can say has its own in every language of the console."""

import json
from pathlib import Path
from typing import get_args

import pytest

from marsad.coordinate.courses import COURSES, SIDES, TABLES
from marsad.coordinate.phrases import PHRASES, URGENT
from marsad.kernel.alarm import AlarmHappening, AlarmState, HoldKind, NuisanceCause, Response
from marsad.kernel.alert import Priority, Rule
from marsad.kernel.desk import CameraRun
from marsad.kernel.dispatch import DispatchHappening, DispatchState, Skill, Task, Via
from marsad.kernel.event import AccessHappening, HealthKind
from marsad.kernel.incident import HazardKind, IncidentHappening, IncidentKind, IncidentState, Outcome, Step
from marsad.kernel.joint import CourseHappening, CourseState, DeliveryState
from marsad.kernel.partner import LinkState
from marsad.kernel.picture import PictureStatus, Standing
from marsad.kernel.release import Basis, Item
from marsad.kernel.role import Role
from marsad.kernel.sighting import ContentGrade, ReporterKind, SourceGrade
from marsad.kernel.statement import ExposedThing, FactKind, Language, StatementHappening, StatementState
from marsad.kernel.track import Kind
from marsad.respond.upkeep import FAULTS

I18N = Path(__file__).resolve().parents[2] / "web/src/i18n"
WORDS = {
    "camera_run": CameraRun, "cause": NuisanceCause, "dispatch_state": DispatchState, "exposed": ExposedThing,
    "fact": FactKind, "hazard": HazardKind, "incident_kind": IncidentKind, "incident_state": IncidentState,
    "item": Item, "link_state": LinkState, "basis": Basis, "delivery": DeliveryState, "course_state": CourseState,
    "course_says": CourseHappening,
    "kind": Kind, "language": Language, "outcome": Outcome, "priority": Priority, "reporter": ReporterKind,
    "response": Response, "role": Role, "rule": Rule, "skill": Skill, "standing": Standing, "state": AlarmState,
    "statement_state": StatementState, "status": PictureStatus, "step": Step, "task": Task, "trouble": HealthKind,
    "via": Via, "who": Kind,
}  # fmt: skip
HAPPENED = (AlarmHappening, IncidentHappening, DispatchHappening, StatementHappening, AccessHappening)


def wanted() -> set[str]:
    """The keys that must be there."""
    keys = {f"{group}.{value}" for group, values in WORDS.items() for value in get_args(values)}
    keys |= {f"happened.{value}" for values in HAPPENED for value in get_args(values)}
    keys |= {f"sighting.source_{value.lower()}" for value in get_args(SourceGrade)}
    keys |= {f"sighting.content_{value}" for value in get_args(ContentGrade)}
    keys |= {f"trouble.{kind}" for kind in (*FAULTS, "no_picture", "not_trusted", "silent", "astray")}
    keys |= {f"state.{kind}" for kind in get_args(HoldKind)}
    keys |= {f"matter.{body.__struct_config__.tag}" for body in COURSES}
    return keys


@pytest.mark.parametrize("language", get_args(Language))
def test_every_value_has_a_word(language: str) -> None:
    words = json.loads((I18N / f"{language}.json").read_text(encoding="utf-8"))
    assert sorted(wanted() - words.keys()) == []


@pytest.mark.parametrize("language", get_args(Language))
def test_a_ready_phrase_says_the_same_on_the_screen_as_at_the_server(language: Language) -> None:
    words = json.loads((I18N / f"{language}.json").read_text(encoding="utf-8"))
    shown = {key.removeprefix("phrase."): word for key, word in words.items() if key.startswith("phrase.")}
    assert shown == dict(PHRASES[language])


def test_urgent_phrases_are_listed_first() -> None:
    listed = json.loads((I18N.parent / "coordination/phrases.json").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(PHRASES["en"])
    assert set(listed[: len(URGENT)]) == URGENT


def test_the_buttons_of_joint_matters_follow_the_servers_tables() -> None:
    shown = json.loads((I18N.parent / "coordination/courses.json").read_text(encoding="utf-8"))
    assert shown == {
        course: {"states": {state: dict(ways) for state, ways in table.items()}, "sides": dict(SIDES[course])}
        for course, table in TABLES.items()
    }
