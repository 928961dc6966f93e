"""What marks of nuisance may change: whatever officers mark, nobody is withheld, and the bounds hold."""

from typing import get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.kernel.alarm import Alarm, Met, NuisanceCause, Seen
from marsad.kernel.alert import Alert, Rule
from marsad.kernel.detection import Box
from marsad.kernel.encoding import decode, encode
from marsad.kernel.error import InputError
from marsad.kernel.event import SCHEMA_VERSION, AlertWaits, LessonChanged
from marsad.kernel.lesson import Lesson
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.site import Learning
from marsad.kernel.track import Count, Kind
from marsad.respond.alarm import NS, RESPONSES, Alarms, Raised
from marsad.respond.lesson import (
    ALONE_S,
    CAUSES,
    LEFT_NS,
    PLACES_MOST,
    RULES,
    WAITING_MOST,
    LessonEvent,
    Lessons,
    Told,
    told_of,
)

DAY_NS = 86_400 * NS
START_NS = 20_000 * DAY_NS
UNKNOWN = Told(frozenset({"unknown"}))
ANIMAL = Told(frozenset({"animal"}))
PERSON = Told(frozenset({"person"}))
OFFICERS = ("Rana", "Omar", "Samir", "Huda")
RULES_ALL: tuple[Rule, ...] = get_args(Rule)


def ground(east_m: float) -> GroundState:
    return GroundState(
        position=Position(latitude_deg=34.0, longitude_deg=41.0), east_m=east_m, north_m=0.0,
        covariance=GroundCovariance(east_m2=9.0, east_north_m2=0.0, north_m2=9.0), velocity_east_m_s=0.0,
        velocity_north_m_s=0.0, range_m=800.0,
    )  # fmt: skip


def seen(east_m: float, now_ns: int, *, located: bool = True, camera: str = "north", high_px: float = 10.0) -> Seen:
    box = Box(x_px=100 + east_m, y_px=100, w_px=8, h_px=high_px)
    return Seen(time_ns=now_ns, camera_id=camera, box=box, ground=ground(east_m) if located else None)


def make_alert(name: str, here: Seen, *, rule: Rule = "zone_intrusion", **more: object) -> Alert:
    told = {
        "alert_id": name, "rule": rule, "rule_id": "wadi", "priority": "medium", "camera_id": here.camera_id,
        "track_id": 1, "time_ns": here.time_ns, "kind": "unknown", "box": here.box, "ground": here.ground, "text": "t",
    }  # fmt: skip
    return msgspec.convert({**told, **more}, Alert)


def make_alarm(
    name: str, here: Seen, *, rule: Rule = "zone_intrusion", kind: Kind = "unknown", heads: int = 1
) -> Alarm:
    met = Met(rule=rule, rule_id="wadi", direction="", time_ns=here.time_ns, alert_id=name)
    return Alarm(
        alarm_id=name, subject_id=name, state="acknowledged", priority="medium", kind=kind, response=RESPONSES[rule],
        text="t", met=(met,), seen=here, raised_ns=here.time_ns, changed_ns=here.time_ns, latching=False,
        count=None if heads == 1 else Count(best=heads, low=heads, high=heads),
    )  # fmt: skip


def taught(
    marks: int, officers: tuple[str, ...] = OFFICERS[:2], learning: Learning | None = None, *, located: bool = True
) -> tuple[Lessons, int]:
    """Lessons after so many marks at one place, a minute apart, and when that is."""
    lessons = Lessons(learning)
    for k in range(marks):
        now_ns = START_NS + k * 60 * NS
        alarm = make_alarm(f"A{k}", seen(0.0, now_ns, located=located))
        lessons.mark(alarm, "animal", officers[k % len(officers)], now_ns)
    return lessons, START_NS + marks * 60 * NS


def ask(lessons: Lessons, alert: Alert, now_ns: int, told: Told = UNKNOWN, *, stands: bool = False) -> list[Raised]:
    """What is an alarm at once of an alert about T1."""
    return lessons.sift([Raised(alert, "T1")], {"T1": told}, {}, lambda _: stands, now_ns).raised


def follow(lessons: Lessons, now_ns: int, told: Told | None = UNKNOWN) -> list[Raised]:
    return lessons.follow({} if told is None else {"T1": told}, {}, now_ns).raised


def test_few_marks_change_nothing_and_more_ask_for_a_second_each() -> None:
    for marks, waits_s in ((2, 0.0), (3, 3.0), (4, 4.0), (5, 5.0), (9, 5.0)):
        lessons, now_ns = taught(marks)
        (lesson,) = lessons.lessons
        assert lesson.wait_s == waits_s
        assert bool(ask(lessons, make_alert("a", seen(5.0, now_ns)), now_ns)) is (waits_s == 0.0)


def test_what_a_mark_would_teach_is_what_it_teaches_and_asking_teaches_nothing() -> None:
    lessons, now_ns = taught(2)
    alarm = make_alarm("B", seen(0.0, now_ns))
    told = lessons.teaching(alarm, "Huda", now_ns)
    assert lessons.teaching(alarm, "Huda", now_ns) == told
    (event,) = lessons.mark(alarm, "animal", "Huda", now_ns)
    assert isinstance(event, LessonChanged)
    assert told.lesson is not None
    assert msgspec.structs.replace(told.lesson, changed_ns=now_ns) == event.lesson
    assert (told.lesson.wait_s, set(told.causes), told.marks) == (3.0, CAUSES, 3)
    for nothing in (alarm, make_alarm("C", seen(0.0, now_ns), kind="person")):
        assert lessons.teaching(nothing, "Huda", now_ns).lesson is None


def test_an_alarm_says_for_how_long_it_waited_and_because_of_what() -> None:
    lessons, now_ns = taught(4)
    ask(lessons, make_alert("a", seen(5.0, now_ns)), now_ns)
    (raised,) = follow(lessons, now_ns + 4 * NS)
    (event,) = Alarms().meet([raised], {}, now_ns + 4 * NS)
    (met,) = event.alarm.met
    assert (met.lesson_id, met.waited_s) == ("N1", 4.0)


def test_what_waited_and_is_still_not_told_is_an_alarm_at_the_end() -> None:
    lessons, now_ns = taught(4)
    alert = make_alert("a", seen(5.0, now_ns))
    assert ask(lessons, alert, now_ns) == []
    assert follow(lessons, now_ns + 4 * NS - 1) == []
    assert follow(lessons, now_ns + 4 * NS) == [Raised(alert, "T1", "N1", 4.0)]
    assert lessons.waiting == ()


def test_what_is_lost_while_it_waits_is_an_alarm_all_the_same() -> None:
    lessons, now_ns = taught(4)
    ask(lessons, make_alert("a", seen(5.0, now_ns)), now_ns)
    assert len(follow(lessons, now_ns + 4 * NS, None)) == 1


def test_a_person_is_an_alarm_at_once_and_ends_the_lesson() -> None:
    lessons, now_ns = taught(9)
    ask(lessons, make_alert("a", seen(5.0, now_ns)), now_ns)
    (raised,) = follow(lessons, now_ns + NS, PERSON)
    assert raised.alert.priority == "medium"
    (lesson,) = lessons.lessons
    assert (lesson.refuted, lesson.wait_s) == (True, 0.0)
    assert lessons.mark(make_alarm("B1", seen(0.0, now_ns)), "animal", "Rana", now_ns) == []
    assert len(ask(lessons, make_alert("b", seen(5.0, now_ns)), now_ns)) == 1


def test_an_animal_is_no_alarm_until_it_is_none_any_more() -> None:
    lessons, now_ns = taught(4)
    ask(lessons, make_alert("a", seen(5.0, now_ns)), now_ns)
    assert follow(lessons, now_ns + 4 * NS, ANIMAL) == []
    assert follow(lessons, now_ns + 400 * NS, ANIMAL) == []
    (waiting,) = lessons.waiting
    assert waiting.aside_ns == now_ns + 4 * NS
    assert len(follow(lessons, now_ns + 401 * NS, UNKNOWN)) == 1


def test_an_animal_that_has_left_is_forgotten() -> None:
    lessons, now_ns = taught(4)
    ask(lessons, make_alert("a", seen(5.0, now_ns)), now_ns)
    follow(lessons, now_ns + 4 * NS, ANIMAL)
    assert follow(lessons, now_ns + 4 * NS + LEFT_NS, None) == []
    assert lessons.waiting == ()


def test_one_officer_alone_asks_for_little_and_lowers_nothing() -> None:
    for marks in (3, 20):
        lessons, _ = taught(marks, ("Rana", "rana"))
        assert [(each.wait_s, each.lowers) for each in lessons.lessons] == [(ALONE_S, False)]


def test_several_officers_lower_what_is_medium_and_never_what_is_high() -> None:
    for priority, then in (("medium", "low"), ("high", "high"), ("low", "low")):
        lessons, now_ns = taught(6)
        ask(lessons, make_alert("a", seen(5.0, now_ns), priority=priority), now_ns)
        (raised,) = follow(lessons, now_ns + 6 * NS)
        assert raised.alert.priority == then
    lessons, now_ns = taught(6, learning=Learning(lower_priority=False))
    ask(lessons, make_alert("a", seen(5.0, now_ns)), now_ns)
    assert follow(lessons, now_ns + 6 * NS)[0].alert.priority == "medium"


@pytest.mark.parametrize(
    ("east_m", "late_s", "more"),
    [
        (80.0, 0.0, {}),
        (0.0, 4 * 3600.0, {}),
        (0.0, 0.0, {"rule": "loitering"}),
        (0.0, 0.0, {"rule": "line_crossing"}),
        (0.0, 0.0, {"kind": "person"}),
        (0.0, 0.0, {"count": {"best": 2, "low": 1, "high": 3}}),
        (0.0, 0.0, {"ground": None}),
    ],
)
def test_elsewhere_another_rule_people_and_several_do_not_wait(
    east_m: float, late_s: float, more: dict[str, object]
) -> None:
    lessons, now_ns = taught(5)
    now_ns += round(late_s * NS)
    assert len(ask(lessons, make_alert("a", seen(east_m, now_ns), **more), now_ns)) == 1


def test_who_has_an_alarm_already_does_not_wait() -> None:
    lessons, now_ns = taught(5)
    assert len(ask(lessons, make_alert("a", seen(0.0, now_ns)), now_ns, stands=True)) == 1


def test_a_line_that_is_crossed_frees_what_waits() -> None:
    lessons, now_ns = taught(5)
    first, crossing = (
        make_alert("a", seen(0.0, now_ns)), make_alert("b", seen(1.0, now_ns), rule="line_crossing"),
    )  # fmt: skip
    ask(lessons, first, now_ns)
    # The picture calls it otherwise by now.
    raised = lessons.sift([Raised(crossing, "T9")], {}, {"T1": "T9"}, lambda _: False, now_ns + NS).raised
    assert [each.alert.alert_id for each in raised] == ["a", "b"]


def test_a_second_rule_waits_no_longer_than_the_first() -> None:
    lessons, now_ns = taught(5)
    ask(lessons, make_alert("a", seen(0.0, now_ns)), now_ns)
    ask(lessons, make_alert("b", seen(0.0, now_ns + 4 * NS), rule="loitering"), now_ns + 4 * NS)
    assert len(follow(lessons, now_ns + 5 * NS)) == 2


def test_without_ground_a_place_is_one_of_the_picture_and_of_a_size() -> None:
    for east_m, camera, high_px, waits in (
        (20.0, "north", 10.0, True), (40.0, "north", 10.0, False), (0.0, "south", 10.0, False),
        (0.0, "north", 25.0, False),
    ):  # fmt: skip
        lessons, now_ns = taught(4, located=False)
        here = seen(east_m, now_ns, located=False, camera=camera, high_px=high_px)
        assert (ask(lessons, make_alert("a", here), now_ns) == []) is waits


@pytest.mark.parametrize("cause", get_args(NuisanceCause))
def test_only_causes_that_belong_to_a_place_teach(cause: NuisanceCause) -> None:
    lessons = Lessons()
    assert bool(lessons.mark(make_alarm("A1", seen(0.0, START_NS)), cause, "Rana", START_NS)) is (cause in CAUSES)


def test_marks_of_people_of_several_and_of_crossings_teach_nothing() -> None:
    lessons = Lessons()
    for alarm in (
        make_alarm("A1", seen(0.0, START_NS), kind="person"), make_alarm("A2", seen(0.0, START_NS), heads=2),
        make_alarm("A3", seen(0.0, START_NS), rule="line_crossing"),
    ):  # fmt: skip
        assert lessons.mark(alarm, "animal", "Rana", START_NS) == []


def test_the_same_alarm_counts_once() -> None:
    lessons = Lessons()
    alarm = make_alarm("A1", seen(0.0, START_NS))
    for _ in range(9):
        lessons.mark(alarm, "animal", "Rana", START_NS)
    assert len(lessons.lessons[0].marks) == 1


def test_a_lesson_is_over_by_itself_and_old_marks_count_no_more() -> None:
    lessons, now_ns = taught(5)
    lessons.follow({}, {}, now_ns + 14 * DAY_NS)
    assert lessons.lessons == ()
    lessons, now_ns = taught(5)
    later_ns = now_ns + 13 * DAY_NS
    lessons.mark(make_alarm("B1", seen(0.0, later_ns)), "animal", "Rana", later_ns)
    much_later_ns = later_ns + 2 * DAY_NS
    lessons.mark(make_alarm("B2", seen(0.0, much_later_ns)), "animal", "Rana", much_later_ns)
    assert [(len(each.marks), each.wait_s) for each in lessons.lessons] == [(2, 0.0)]


def test_an_officer_ends_it_in_one_act_and_what_waits_is_an_alarm() -> None:
    lessons, now_ns = taught(5)
    ask(lessons, make_alert("a", seen(0.0, now_ns)), now_ns)
    lessons.end("N1", "Huda", "people are expected there", now_ns + NS)
    assert lessons.lessons == ()
    assert len(follow(lessons, now_ns + NS)) == 1
    with pytest.raises(InputError, match="N1"):
        lessons.end("N1", "Huda", "again", now_ns)


def test_a_person_after_all_voids_what_the_marks_taught() -> None:
    lessons, now_ns = taught(5)
    assert lessons.person_after_all("A9", "Huda", now_ns) == []
    (event,) = lessons.person_after_all("A2", "Huda", now_ns)
    assert isinstance(event, LessonChanged)
    assert (event.happening, event.officer, event.lesson.marks) == ("refuted", "Huda", ())
    assert len(ask(lessons, make_alert("a", seen(0.0, now_ns)), now_ns)) == 1


def test_a_camera_has_few_such_places_and_few_things_wait_at_once() -> None:
    lessons = Lessons()
    for k in range(3 * PLACES_MOST):
        lessons.mark(make_alarm(f"A{k}", seen(1000.0 * k, START_NS)), "bird", "Rana", START_NS)
    assert len(lessons.lessons) == PLACES_MOST
    lessons, now_ns = taught(5)
    many = [Raised(make_alert(f"a{k}", seen(0.0, now_ns)), f"T{k}") for k in range(WAITING_MOST + 7)]
    assert len(lessons.sift(many, {}, {}, lambda _: False, now_ns).raised) == 7


def test_where_it_is_switched_off_nothing_is_learned_and_what_was_ends() -> None:
    lessons, now_ns = taught(5)
    off = Lessons(Learning(on=False))
    off.restore(lessons.lessons, (), 1)
    assert len(ask(off, make_alert("a", seen(0.0, now_ns)), now_ns)) == 1
    assert off.mark(make_alarm("A9", seen(0.0, now_ns)), "animal", "Rana", now_ns) == []
    off.follow({}, {}, now_ns)
    assert off.lessons == ()


def test_what_several_tell_is_the_most_serious_of_it() -> None:
    both = told_of(told_of(None, "animal", None), "person", None)
    assert (both.is_somebody, both.is_harmless) == (True, False)
    assert told_of(told_of(None, "animal", None), "bird" if False else "flying", None).is_harmless
    assert told_of(None, "animal", Count(best=3, low=2, high=4)).is_somebody
    assert not Told(frozenset({"animal", "unknown"})).is_harmless


Step = tuple[str, int, int, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["mark", "mark", "mark", "mark", "after_all", "end", "alert", "alert", "wait", "days"]),
        st.integers(0, 3), st.integers(0, 3), st.integers(0, 3),
    ),
    max_size=60,
)  # fmt: skip
KINDS: tuple[Kind, ...] = ("unknown", "animal", "person", "group")
CAUSES_ALL: tuple[NuisanceCause, ...] = get_args(NuisanceCause)


class Night:
    """A site on which officers mark whatever they like, and what became of every alert."""

    def __init__(self, learning: Learning) -> None:
        self.lessons = Lessons(learning)
        self.now_ns = START_NS
        self.events: list[LessonEvent] = []
        self.raised: dict[str, int] = {}
        self.asked: dict[str, int] = {}
        self.told: dict[str, Told] = {}

    def take(self, raised: list[Raised], events: list[LessonEvent]) -> None:
        self.events += events
        for each in raised:
            assert each.alert.alert_id not in self.raised, "raised twice"
            self.raised[each.alert.alert_id] = self.now_ns

    def tick(self) -> None:
        self.take(*self.lessons.follow(self.told, {}, self.now_ns))

    def do(self, step: Step, number: int) -> None:
        what, one, two, three = step
        self.now_ns += NS
        here = seen(60.0 * one, self.now_ns)
        match what:
            case "mark":
                alarm = make_alarm(f"A{number}", here, kind=KINDS[min(two, 2)] if two == 2 else "unknown")
                cause = CAUSES_ALL[two * 2]
                self.events += self.lessons.mark(alarm, cause, OFFICERS[three], self.now_ns)
            case "after_all":
                self.events += self.lessons.person_after_all(f"A{number - one}", OFFICERS[two], self.now_ns)
            case "end" if self.lessons.lessons:
                lesson = self.lessons.lessons[one % len(self.lessons.lessons)]
                self.events += self.lessons.end(lesson.lesson_id, OFFICERS[two], "r", self.now_ns)
            case "alert":
                self.alert(number, here, KINDS[two], three)
            case "days":
                self.now_ns += one * DAY_NS
            case _:
                self.now_ns += one * NS
        self.tick()

    def alert(self, number: int, here: Seen, kind: Kind, more: int) -> None:
        name, heads = f"a{number}", 3 if kind == "group" else 1
        rule: Rule = ("zone_intrusion", "zone_intrusion", "zone_intrusion", "line_crossing")[more]
        alert = make_alert(
            name, here, rule=rule, kind=kind, count=None if heads == 1 else {"best": 3, "low": 3, "high": 3}
        )
        self.asked[name] = self.now_ns
        self.told[name] = Told(frozenset({kind}), heads)
        self.take(*self.lessons.sift([Raised(alert, name)], self.told, {}, lambda _: False, self.now_ns))
        if kind != "unknown" or rule == "line_crossing":
            # Whoever is surely somebody, or several, or across a line, is an alarm at this very moment.
            assert self.raised[name] == self.now_ns


@settings(max_examples=60, deadline=None)
@given(STEPS, st.floats(0.5, 10.0))
def test_whatever_is_marked_nobody_is_withheld_and_the_bounds_hold(steps: list[Step], longest_s: float) -> None:
    night = Night(Learning(longest_wait_s=longest_s))
    for number, step in enumerate(steps):
        night.do(step, number)
        for lesson in night.lessons.lessons:
            assert lesson.wait_s <= longest_s
            assert lesson.until_ns <= night.now_ns + 14 * DAY_NS
            assert {mark.cause for mark in lesson.marks} <= CAUSES
        for waiting in night.lessons.waiting:
            assert waiting.due_ns - waiting.from_ns <= longest_s * NS
            assert waiting.due_ns > night.now_ns or waiting.aside_ns is not None
    night.now_ns += round(longest_s * NS)
    night.tick()
    # Everybody but what is told to be an animal is an alarm now.
    assert all(name in night.raised or night.told[name].is_harmless for name in night.asked)
    again = Lessons(Learning(longest_wait_s=longest_s), [decode(encode(e), SCHEMA_VERSION) for e in night.events])  # type: ignore[misc]
    assert (again.lessons, again.waiting) == (night.lessons.lessons, night.lessons.waiting)


def test_the_rules_that_may_wait_are_these_and_no_more() -> None:
    assert set(RULES_ALL) - RULES >= {"line_crossing", "group_size", "night_vehicle", "partner_alarm"}
    assert isinstance(taught(3)[0].lessons[0], Lesson)
    assert AlertWaits.__struct_config__.tag == "alert_waits"
