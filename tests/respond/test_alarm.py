"""Alarms as officers meet them: one for each thing, nobody withheld, and nothing but what the events say."""

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, get_args

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from marsad.kernel.alarm import Alarm, Seen
from marsad.kernel.alert import Alert, Crossed, Facts, Priority, Rule
from marsad.kernel.detection import Box
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.event import AlarmChanged
from marsad.kernel.picture import Contributor, Picture, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.track import Count, Kind
from marsad.respond.alarm import NS, RESPONSES, AlarmEvent, Alarms, AlarmSettings, News, Raised, subject_of

OFFICER = "Lt. Samir"
MIN = 60.0


def ground(east_m: float, north_m: float, sigma_m: float = 1.0) -> GroundState:
    return GroundState(
        position=Position(latitude_deg=34.0, longitude_deg=41.0), east_m=east_m, north_m=north_m,
        covariance=GroundCovariance(east_m2=sigma_m**2, east_north_m2=0.0, north_m2=sigma_m**2),
        velocity_east_m_s=0.0, velocity_north_m_s=0.0, range_m=800.0,
    )  # fmt: skip


def seen(at_s: float, east_m: float, north_m: float = 0.0, camera: str = "north") -> Seen:
    box = Box(x_px=100 + east_m, y_px=100 + north_m, w_px=4, h_px=10)
    return Seen(time_ns=round(at_s * NS), camera_id=camera, box=box, ground=ground(east_m, north_m))


def alert(
    number: int, at_s: float, east_m: float, north_m: float = 0.0, *, kind: Kind = "person",
    priority: Priority = "medium", camera: str = "north", persons: int | None = None, **more: object,
) -> Alert:  # fmt: skip
    here = seen(at_s, east_m, north_m, camera)
    count = None if persons is None else Count(best=persons, low=persons, high=persons)
    told = {
        "alert_id": f"{camera}-{number}-{at_s}", "rule": "zone_intrusion", "rule_id": "wadi", "priority": priority,
        "camera_id": camera, "track_id": number, "time_ns": here.time_ns, "frame_index": 0, "kind": kind,
        "box": here.box, "ground": here.ground, "count": count, "text": f"{kind} in the wadi",
    }  # fmt: skip
    return msgspec.convert({**told, **more}, Alert)


def raised(number: int, at_s: float, east_m: float, subject: str = "", **more: object) -> Raised:
    return Raised(alert(number, at_s, east_m, **more), subject or f"t{number}")


def meet(alarms: Alarms, each: Raised, present: Mapping[str, Seen] | None = None) -> AlarmChanged:
    (event,) = alarms.meet([each], present or {}, each.alert.time_ns)
    return event


def only(alarms: Alarms) -> Alarm:
    (alarm,) = alarms.queue()
    return alarm


def ns(at_s: float) -> int:
    return round(at_s * NS)


def test_many_cameras_and_frames_of_one_group_are_one_alarm() -> None:
    alarms = Alarms()
    for k in range(30):
        meet(alarms, raised(k, float(k), 2.0 * k, subject="group-1", camera=("north", "south")[k % 2]))
    assert only(alarms).alerts == 30
    assert only(alarms).camera_ids == ("north", "south")
    assert alarms.figures(ns(30)).folded == 29


def test_a_track_that_is_lost_and_found_again_near_by_is_the_same_alarm() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0))
    event = meet(alarms, raised(2, 40, 50))
    assert event.happening == "again"
    assert only(alarms).subject_id == "t2"
    assert only(alarms).formerly == ("t1",)


def test_one_who_could_not_have_come_so_far_is_another() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0))
    assert meet(alarms, raised(2, 40, 200)).happening == "raised"


def test_one_who_shows_beside_another_who_is_still_there_is_another() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0))
    assert meet(alarms, raised(2, 5, 3), {"t1": seen(5, 0)}).happening == "raised"


def test_more_than_were_lost_are_others() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0, persons=1))
    assert meet(alarms, raised(2, 5, 3, persons=3, kind="group")).happening == "raised"


def test_where_there_is_no_ground_the_picture_tells() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0, ground=None))
    assert meet(alarms, raised(2, 5, 20, ground=None)).happening == "again"
    assert meet(alarms, raised(3, 10, 200, ground=None)).happening == "raised"
    assert meet(alarms, raised(4, 10, 20, ground=None, camera="south")).happening == "raised"


def test_what_grows_worse_sounds_anew_after_it_was_acknowledged() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0))
    alarms.acknowledge("A1", OFFICER, ns(5))
    assert meet(alarms, raised(1, 6, 1)).alarm.state == "acknowledged"
    worse = meet(alarms, raised(1, 8, 3, priority="high"))
    assert (worse.happening, worse.alarm.state, worse.alarm.annunciated_ns) == ("worse", "unacknowledged", ns(8))
    alarms.acknowledge("A1", OFFICER, ns(9))
    crossed = meet(alarms, raised(1, 12, 9, rule="line_crossing", rule_id="line", direction="inward"))
    assert crossed.alarm.state == "unacknowledged"
    assert [met.rule for met in crossed.alarm.met] == ["zone_intrusion", "line_crossing"]


def test_who_was_said_to_approach_and_then_crosses_has_met_both() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0, rule="approach", rule_id="line", direction="inward"))
    event = meet(alarms, raised(1, 20, 10, rule="line_crossing", rule_id="line", direction="inward", priority="high"))
    assert (event.happening, [each.rule for each in event.alarm.met]) == ("worse", ["approach", "line_crossing"])
    again = meet(alarms, raised(1, 21, 11, rule="line_crossing", rule_id="line", direction="inward", priority="high"))
    assert len(again.alarm.met) == 2


def test_an_alarm_whose_subject_is_gone_returns_and_then_closes() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0))
    alarms.follow({"t1": seen(20, 10)}, ns(20))
    assert alarms.follow({}, ns(49)) == []
    (over,) = alarms.follow({}, ns(50))
    assert isinstance(over, AlarmChanged)
    assert over.alarm.state == "returned"
    assert over.alarm.seen == seen(20, 10)
    assert alarms.acknowledge("A1", OFFICER, ns(55))[0].alarm.state == "closed"
    assert alarms.queue() == []


def test_a_crossing_waits_to_be_closed_by_hand() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0, rule="line_crossing", rule_id="line", direction="inward"))
    with pytest.raises(RefusedError, match="only one that is over and acknowledged is closed by hand"):
        alarms.close("A1", OFFICER, "patrol met him", ns(4))
    alarms.acknowledge("A1", OFFICER, ns(5))
    alarms.follow({}, ns(60))
    assert only(alarms).state == "latched"
    assert alarms.close("A1", OFFICER, "patrol met him", ns(70))[0].reason == "patrol met him"


def test_nobody_acting_escalates_again_and_again() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0, priority="high"))
    here = {"t1": seen(60, 0)}
    assert [e.happening for e in alarms.follow(here, ns(60)) if isinstance(e, AlarmChanged)] == ["escalated"]
    assert alarms.follow(here, ns(119)) == []
    alarms.follow(here, ns(120))
    assert only(alarms).escalation == 2
    alarms.acknowledge("A1", OFFICER, ns(130))
    assert alarms.follow(here, ns(500)) == []


def test_a_shelved_alarm_comes_back_by_itself_and_never_later_than_its_priority_allows() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0, priority="high"))
    with pytest.raises(RefusedError, match="an alarm of high priority is shelved for 30 minutes at most"):
        alarms.shelve("A1", ns(3600), OFFICER, "known works", ns(1))
    assert alarms.holds == ()
    alarms.shelve("A1", ns(600), OFFICER, "known works", ns(1))
    assert only(alarms).state == "shelved"
    here = {"t1": seen(599, 0)}
    assert alarms.follow(here, ns(599)) == []
    alarms.follow(here, ns(600))
    assert (only(alarms).state, only(alarms).annunciated_ns) == ("unacknowledged", ns(600))
    assert alarms.holds == ()


def test_a_shelved_alarm_that_grows_worse_sounds_at_once() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0))
    alarms.shelve("A1", ns(600), OFFICER, "shepherd, known", ns(1))
    assert meet(alarms, raised(1, 5, 1)).alarm.state == "shelved"
    assert meet(alarms, raised(1, 6, 1, kind="group", persons=4)).alarm.state == "unacknowledged"


def test_a_camera_out_of_service_lists_its_alarms_without_a_sound() -> None:
    alarms = Alarms()
    alarms.hold("out_of_service", OFFICER, "lens being cleaned", 0, camera_id="north")
    assert meet(alarms, raised(1, 1, 0)).alarm.state == "out_of_service"
    assert meet(alarms, raised(2, 2, 500, camera="south")).alarm.state == "unacknowledged"
    assert [alarm.alarm_id for alarm in alarms.queue()] == ["A2", "A1"]
    assert alarms.figures(ns(2)).rate == 1
    alarms.release("H1", OFFICER, ns(10))
    assert alarms.alarm("A1").state == "unacknowledged"


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"reason": " ", "camera_id": "north"}, "for a reason"),
        ({"reason": "tired"}, "not all alarms can be held back at once"),
        ({"reason": "works", "camera_id": "north", "kind": "shelved"}, "say when"),
        ({"reason": "works", "camera_id": "north", "kind": "shelved", "until_ns": ns(10**6)}, "480 minutes at most"),
    ],
)
def test_what_would_silence_too_much_is_refused(named: dict[str, object], says: str) -> None:
    alarms = Alarms()
    with pytest.raises(RefusedError, match=says):
        alarms.hold(named.pop("kind", "suppressed"), OFFICER, named.pop("reason"), 0, **named)


def test_unknown_numbers_are_named() -> None:
    with pytest.raises(InputError, match="there is no alarm A7"):
        Alarms().acknowledge("A7", OFFICER, 0)
    with pytest.raises(InputError, match="nothing is held back under H3"):
        Alarms().release("H3", OFFICER, 0)


def test_a_nuisance_is_silent_where_it_is_and_nobody_else_hides_behind_it() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0, kind="unknown"))
    alarms.mark_nuisance("A1", "vegetation", OFFICER, ns(5))
    assert meet(alarms, raised(1, 20, 1, kind="unknown")).alarm.state == "acknowledged"
    # The same bush under another number stays quiet; a person there, and whoever passes it, sounds.
    assert meet(alarms, raised(2, 60, 1, kind="unknown")).happening == "expected"
    assert meet(alarms, raised(3, 70, 60, kind="unknown")).happening == "raised"
    assert meet(alarms, raised(2, 80, 1, kind="person")).alarm.state == "unacknowledged"
    assert alarms.alarm("A1").nuisance is None


def test_who_takes_up_a_nuisances_name_and_walks_away_from_it_sounds() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0, kind="unknown"))
    alarms.mark_nuisance("A1", "vegetation", OFFICER, ns(5))
    meet(alarms, raised(2, 10, 2, kind="unknown"), {})
    assert alarms.follow({"t2": seen(12, 6)}, ns(12)) == []
    (event,) = alarms.follow({"t2": seen(30, 40)}, ns(30))
    assert isinstance(event, AlarmChanged)
    assert (event.happening, event.alarm.state, event.alarm.nuisance) == ("worse", "unacknowledged", None)


def test_a_thousand_alerts_a_minute_from_a_few_causes_make_at_most_ten_alarms_in_ten_minutes() -> None:
    """Four bushes in the wind, each under a new number twice a second, and three cameras that see the same group."""
    alarms = Alarms()
    raw = 0
    for tick in range(10 * 60 * 2):
        at_s = tick / 2
        present = {"group-1": seen(at_s, -500.0 + at_s)}
        for bush in range(4):
            for again in range(2):
                meet(alarms, raised(raw, at_s, 300.0 * bush + again, kind="unknown", subject=f"t{raw}"), present)
                raw += 1
        each = raised(0, at_s, -500.0 + at_s, kind="group", camera=f"c{tick % 3}", subject="group-1")
        meet(alarms, each, present)
        raw += 1
        alarms.follow(present, ns(at_s))
    assert raw >= 10 * 1000
    figures = alarms.figures(ns(600))
    assert figures.rate <= 10
    assert figures.folded == raw - 5
    assert len(alarms.queue()) == 5


class Cause(NamedTuple):
    """What goes on raising alerts: something that flickers under ever new numbers, or people who walk.

    From `grouped_s` on those who walk are one group to the picture, which followed them singly before.
    """

    place: int
    walks: bool
    grouped_s: float


CAUSES = st.lists(
    st.builds(Cause, st.integers(0, 40), st.booleans(), st.floats(0, 600)),
    min_size=1, max_size=10, unique_by=lambda cause: cause.place,
)  # fmt: skip


@given(CAUSES, st.integers(0, 2**32 - 1))
@settings(max_examples=6)
def test_whatever_the_few_causes_a_flood_of_alerts_is_few_alarms_and_everybody_has_one(
    causes: list[Cause], seed: int
) -> None:
    """A thousand alerts a minute for ten minutes, by cameras and by the picture, under changing names."""
    alarms, draw = Alarms(), np.random.default_rng(seed)
    rate = raw = 0
    each_tick = math.ceil(1000 / 60 / len(causes))
    for tick in range(600):
        present: dict[str, Seen] = {}
        names: dict[str, str] = {}
        told: list[Raised] = []
        for number, cause in enumerate(causes):
            east, north = 300.0 * cause.place, 1.2 * tick if cause.walks else 0.0
            subject = f"G{number}" if tick >= cause.grouped_s else f"T{number}"
            if cause.walks:
                present[subject] = seen(tick, east, north)
                names[f"T{number}"] = subject
            for again, (off_east, off_north) in enumerate(draw.uniform(-2, 2, (each_tick, 2)).tolist()):
                name = subject if cause.walks else f"north/{tick}-{number}-{again}"
                kind: Kind = "person" if cause.walks else "unknown"
                here = {"north_m": north + off_north, "kind": kind, "camera": ("north", "south")[again % 2]}
                told.append(raised(number, tick, east + off_east, subject=name, **here))
        raw += len(told)
        alarms.meet(told, present, ns(tick), names)
        alarms.follow(present, ns(tick), names=names)
        rate = max(rate, alarms.figures(ns(tick)).rate)
    assert raw >= 10 * 1000
    assert rate <= 10
    assert len(alarms.queue()) == len(causes)
    for number, cause in enumerate(causes):
        own = {f"G{number}", f"T{number}"}
        with_it = [alarm for alarm in alarms.queue() if own & {alarm.subject_id, *alarm.formerly}]
        assert len(with_it) == cause.walks


def test_in_a_flood_every_distinct_group_is_listed_and_the_flood_is_counted() -> None:
    alarms = Alarms()
    present: dict[str, Seen] = {}
    for k in range(40):
        priority: Priority = "high" if k == 25 else "low"
        meet(alarms, raised(k, k / 10, 400.0 * k, priority=priority), present)
        present[f"t{k}"] = seen(k / 10, 400.0 * k)
    assert {alarm.subject_id for alarm in alarms.queue()} == {f"t{k}" for k in range(40)}
    assert alarms.queue()[0].subject_id == "t25"
    figures = alarms.figures(ns(4))
    assert (figures.rate, figures.flood, figures.standing) == (40, 30, 40)


def test_without_alarms_the_figures_say_that_there_is_nothing_to_measure() -> None:
    figures = Alarms().figures(0)
    assert (figures.rate, figures.standing) == (0, 0)
    assert math.isnan(figures.median_to_acknowledge_s)
    assert math.isnan(figures.nuisance_share)


def test_an_alarm_follows_its_subject_into_a_group_and_two_of_one_group_become_one() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0, subject="T4"))
    meet(alarms, raised(2, 0, 100, subject="T5"))
    here, names = {"G1": seen(5, 50)}, {"T4": "G1", "T5": "G1"}
    events = alarms.follow(here, ns(5), names=names)
    assert [event.happening for event in events if isinstance(event, AlarmChanged)] == ["updated", "joined", "updated"]
    first, second = alarms.alarm("A1"), alarms.alarm("A2")
    assert (first.subject_id, first.formerly, first.state) == ("G1", ("T4", "T5"), "unacknowledged")
    assert (second.state, first.alerts) == ("closed", 2)
    (again,) = alarms.meet([raised(3, 6, 50, subject="G1")], here, ns(6), names)
    assert (again.alarm.alarm_id, again.happening) == ("A1", "again")


def test_the_worse_of_two_that_are_one_thing_sounds() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0, subject="G1"))
    meet(
        alarms,
        raised(2, 0, 100, subject="T5", rule="line_crossing", rule_id="line", direction="inward", priority="high"),
    )
    alarms.acknowledge("A1", OFFICER, ns(1))
    alarms.follow({"G1": seen(5, 50)}, ns(5), names={"T5": "G1"})
    one = only(alarms)
    assert (one.alarm_id, one.state, one.priority, one.latching) == ("A1", "unacknowledged", "high", True)
    assert [met.rule for met in one.met] == ["zone_intrusion", "line_crossing"]


@pytest.mark.parametrize("quiet", ["nuisance", "held"])
def test_nobody_becomes_quiet_by_being_one_thing_with_what_is(quiet: str) -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0, subject="G1", kind="unknown"))
    if quiet == "nuisance":
        alarms.mark_nuisance("A1", "vegetation", OFFICER, ns(1))
    else:
        alarms.hold("suppressed", OFFICER, "works", ns(1), camera_id="north")
    meet(alarms, raised(2, 2, 100, subject="T5", kind="unknown", camera="south"))
    alarms.follow({"G1": seen(5, 50)}, ns(5), names={"T5": "G1"})
    one = only(alarms)
    assert (one.alarm_id, one.subject_id, one.formerly, one.state) == ("A2", "G1", ("T5",), "unacknowledged")
    assert meet(alarms, raised(1, 6, 50, subject="G1", kind="unknown"), {"G1": seen(6, 50)}).alarm.alarm_id == "A2"


def test_an_alarm_is_over_when_no_rule_holds_though_somebody_is_still_there() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0, rule="approach", rule_id="line", direction="inward"))
    alarms.acknowledge("A1", OFFICER, ns(5))
    here = {"t1": seen(60, 0)}
    assert alarms.follow(here, ns(60)) == []
    (event,) = alarms.follow(here, ns(61), over={"t1"})
    assert isinstance(event, AlarmChanged)
    assert (event.happening, event.alarm.state, event.alarm.stands) == ("over", "closed", False)


def test_what_is_known_is_told_anew_without_a_sound() -> None:
    alarms = Alarms()
    crossed = Crossed(line_id="line", direction="inward", time_ns=ns(1))
    meet(alarms, raised(1, 0, 0, facts=Facts(time_ns=ns(1), crossed=crossed, camera_ids=("north",))))
    alarms.acknowledge("A1", OFFICER, ns(2))
    here = {"t1": seen(40, 30)}
    later = News(
        facts=Facts(time_ns=ns(40), speed_m_s=1.2, camera_ids=("south",)), text="Group of 4, walking east.",
        kind="group", count=Count(best=4, low=4, high=4),
    )  # fmt: skip
    assert alarms.follow(here, ns(20), news={"t1": later}) == []
    (event,) = alarms.follow(here, ns(40), news={"t1": later})
    assert isinstance(event, AlarmChanged)
    assert (event.happening, event.alarm.state, event.alarm.annunciated_ns) == ("updated", "acknowledged", 0)
    assert (event.alarm.facts.speed_m_s, event.alarm.facts.crossed, event.alarm.text) == (1.2, crossed, later.text)
    assert (event.alarm.kind, event.alarm.camera_ids) == ("group", ("north", "south"))


def test_once_the_picture_has_told_of_it_a_cameras_own_word_changes_only_what_is_new() -> None:
    alarms = Alarms()
    of_four = Count(best=4, low=4, high=4)
    told = raised(1, 0, 0, kind="group", camera="", facts=Facts(time_ns=ns(1)), text="Group of 4.", count=of_four)
    meet(alarms, told)
    for k in range(2, 6):
        own = meet(alarms, raised(7, k, 1, "t1", kind="group", persons=3 + k, text=f"{3 + k} by one camera"))
        assert (own.happening, own.alarm.text, own.alarm.count) == ("again", "Group of 4.", of_four)
    crossed = meet(alarms, raised(7, 7, 1, "t1", kind="group", rule="line_crossing", text="Crossed.", priority="high"))
    assert (crossed.happening, crossed.alarm.text) == ("worse", "Crossed.")
    again = meet(alarms, raised(8, 8, 1, "t1", kind="group", facts=Facts(time_ns=ns(8)), text="Group of 5."))
    assert again.alarm.text == "Group of 5."


def test_a_further_rule_sounds_only_where_it_asks_for_more() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0, rule="approach", rule_id="line", direction="inward"))
    alarms.acknowledge("A1", OFFICER, ns(5))
    loitering = meet(alarms, raised(1, 6, 0, rule="loitering", rule_id="line"))
    assert (loitering.happening, loitering.alarm.state, loitering.alarm.response) == (
        "again", "acknowledged", "look_and_follow",
    )  # fmt: skip
    fence = meet(alarms, raised(1, 7, 0, rule="fence_contact", rule_id="pump"))
    assert (fence.happening, fence.alarm.state, fence.alarm.response) == ("worse", "unacknowledged", "look_and_send")
    assert [met.rule for met in fence.alarm.met] == ["approach", "loitering", "fence_contact"]


def test_a_line_that_was_neared_and_then_crossed_is_told_as_both() -> None:
    alarms = Alarms()
    meet(alarms, raised(1, 0, 0, rule="approach", rule_id="line", direction="inward"))
    alarms.acknowledge("A1", OFFICER, ns(5))
    crossed = meet(alarms, raised(1, 6, 0, rule="line_crossing", rule_id="line", direction="inward"))
    assert (crossed.happening, crossed.alarm.state) == ("worse", "unacknowledged")
    assert [met.rule for met in crossed.alarm.met] == ["approach", "line_crossing"]
    assert [met.time_ns for met in crossed.alarm.met] == [ns(0), ns(6)]


def test_a_camera_out_of_service_holds_nothing_that_a_post_reports() -> None:
    alarms = Alarms()
    alarms.hold("out_of_service", OFFICER, "lens being cleaned", 0, camera_id="north")
    alone = Facts(time_ns=1, camera_ids=("north",))
    also = Facts(time_ns=1, camera_ids=("north",), reporter_ids=("post-3",))
    picture = {"camera_id": "", "track_id": None, "frame_index": None, "box": None}
    assert meet(alarms, raised(1, 1, 0, facts=alone, **picture)).alarm.state == "out_of_service"
    assert meet(alarms, raised(2, 1, 900, facts=also, **picture)).alarm.state == "unacknowledged"


def test_every_rule_has_a_response() -> None:
    assert set(RESPONSES) == set(get_args(Rule))


def test_the_subject_is_what_the_alert_names_else_what_the_camera_says() -> None:
    assert subject_of(alert(3, 0, 0), Picture(time_ns=0)) == "north/3"
    assert subject_of(alert(3, 0, 0, camera_id="", subject_id="G7"), Picture(time_ns=0)) == "G7"
    fault = alert(3, 0, 0, about="camera", subject_id="camera:north")
    assert subject_of(fault, Picture(time_ns=0)) == "camera:north"


def test_a_cameras_number_is_that_of_whom_it_was_last_part_of() -> None:
    still = GroundCovariance(east_m2=1.0, east_north_m2=0.0, north_m2=1.0)
    tracks = [
        PictureTrack(
            track_id=name, origin="own", time_ns=ns(9), status="confirmed", ground=ground(0, 0),
            velocity_covariance=still, existence=0.9, first_ns=0, seen_ns=ns(9), group_id=group_id,
            contributors=(Contributor(source_id="north", origin="own", time_ns=ns(at_s), label=3),),
        )
        for name, group_id, at_s in (("T1", "", 2), ("T2", "G5", 8))
    ]  # fmt: skip
    assert subject_of(alert(3, 9, 0), Picture(time_ns=ns(9), tracks=tuple(tracks))) == "G5"


class AnyNight(RuleBasedStateMachine):
    """Whatever happens: the alarms are what their events say, and nobody is withheld."""

    @initialize()
    def begin(self) -> None:
        self.alarms = Alarms(AlarmSettings(gone_s=20.0))
        self.events: list[AlarmEvent] = []
        self.now_s = 0.0
        self.present: dict[str, Seen] = {}
        self.told: set[str] = set()

    def _ids(self) -> list[str]:
        return [alarm.alarm_id for alarm in self.alarms.queue()]

    def _act(self, act: Callable[..., Sequence[AlarmEvent]], *named: object) -> None:
        with contextlib.suppress(RefusedError):
            self.events += act(*named)

    @rule(
        subject=st.sampled_from(["a", "b", "c", "d"]), east_m=st.sampled_from([0.0, 4.0, 40.0, 900.0]),
        kind=st.sampled_from(["unknown", "person", "group"]), priority=st.sampled_from(["low", "medium", "high"]),
        crossing=st.booleans(), camera=st.sampled_from(["north", "south"]), stays=st.booleans(),
    )  # fmt: skip
    def alert(
        self, subject: str, east_m: float, kind: Kind, priority: Priority, crossing: bool, camera: str, stays: bool
    ) -> None:
        more = {"rule": "line_crossing", "rule_id": "line", "direction": "inward"} if crossing else {}
        each = raised(1, self.now_s, east_m, subject=subject, kind=kind, priority=priority, camera=camera, **more)
        self.events += self.alarms.meet([each], self.present, ns(self.now_s))
        self.told.add(subject)
        if stays:
            self.present[subject] = seen(self.now_s, east_m, camera=camera)

    @rule(seconds=st.sampled_from([0.5, 15.0, 90.0, 700.0]), leave=st.booleans())
    def pass_time(self, seconds: float, leave: bool) -> None:
        self.now_s += seconds
        if leave:
            self.present.clear()
        self.events += self.alarms.follow(self.present, ns(self.now_s))

    @rule(one=st.sampled_from(["a", "b", "c", "d"]), two=st.sampled_from(["a", "b", "c", "d"]))
    def become_one(self, one: str, two: str) -> None:
        if one != two:
            self.present.pop(one, None)
            self.events += self.alarms.follow(self.present, ns(self.now_s), names={one: two})

    @precondition(lambda self: self.alarms.queue())
    @rule(data=st.data())
    def officer_acts(self, data: st.DataObject) -> None:
        one, now = data.draw(st.sampled_from(self._ids())), ns(self.now_s)
        act = data.draw(st.sampled_from(["acknowledge", "close", "nuisance", "shelve"]))
        if act == "acknowledge":
            self._act(self.alarms.acknowledge, one, OFFICER, now)
        elif act == "close":
            self._act(self.alarms.close, one, OFFICER, "seen to", now)
        elif act == "nuisance":
            self._act(self.alarms.mark_nuisance, one, "animal", OFFICER, now)
        else:
            self._act(self.alarms.shelve, one, now + ns(10 * MIN), OFFICER, "works", now)

    @rule(camera=st.sampled_from(["north", "south"]))
    def take_out_of_service(self, camera: str) -> None:
        now = ns(self.now_s)
        self.events += self.alarms.hold("out_of_service", OFFICER, "being cleaned", now, camera_id=camera)

    @precondition(lambda self: self.alarms.holds)
    @rule()
    def release(self) -> None:
        self.events += self.alarms.release(self.alarms.holds[0].hold_id, OFFICER, ns(self.now_s))

    def teardown(self) -> None:
        again = Alarms(self.alarms.settings, self.events)
        assert again.queue() == self.alarms.queue()
        assert again.holds == self.alarms.holds
        now = ns(self.now_s)
        assert msgspec.to_builtins(again.figures(now)) == pytest.approx(
            msgspec.to_builtins(self.alarms.figures(now)), nan_ok=True
        )

    @invariant()
    def nobody_is_withheld(self) -> None:
        every = [event.alarm for event in self.events if isinstance(event, AlarmChanged)]
        assert self.told <= {name for alarm in every for name in (alarm.subject_id, *alarm.formerly)}

    @invariant()
    def what_waits_has_sounded_and_what_is_held_is_listed(self) -> None:
        held = {hold.hold_id for hold in self.alarms.holds}
        for alarm in self.alarms.queue():
            if alarm.state == "unacknowledged":
                assert alarm.annunciated_ns is not None
            if alarm.state in {"shelved", "suppressed", "out_of_service"}:
                assert alarm.hold_id in held

    @invariant()
    def the_queue_is_in_order_of_need(self) -> None:
        level = {"high": 0, "medium": 1, "low": 2}
        waiting = [a for a in self.alarms.queue() if a.state in {"unacknowledged", "returned"}]
        assert self.alarms.queue()[: len(waiting)] == waiting
        assert [level[a.priority] for a in waiting] == sorted(level[a.priority] for a in waiting)


TestAnyNight = AnyNight.TestCase
TestAnyNight.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
