import math

import msgspec
import pytest

from marsad.report.accuracy import (
    DAY_S,
    Alarm,
    Counted,
    Fault,
    Passage,
    Place,
    Played,
    Reported,
    Said,
    kind_is_right,
    summarise,
    was_visible,
)


def passage(**given: object) -> Passage:
    usual: dict[str, object] = {
        "actor_id": 1,
        "kind": "person",
        "true_kind": "person",
        "gait": "walk",
        "load": False,
        "role": "intruder",
        "must": "alarm",
        "party": "",
        "members": 1,
        "range_m": 800.0,
        "height_px": 14.0,
        "width_px": 5.0,
        "snr": 20.0,
        "snr_noise": 30.0,
        "first_s": 9.0,
        "last_s": 29.0,
        "seen_for_s": 20.0,
        "clear_s": 10.0,
        "clear_for_s": 18.0,
        "tracked_s": 11.0,
        "tracked_for_s": 15.0,
        "alarm_s": 11.5,
        "tracks": 1,
        "said": {"person": 100, "unknown": 30},
    }
    return Passage(**(usual | given))  # type: ignore[arg-type]


def played(**given: object) -> Played:
    usual: dict[str, object] = {
        "key": "crossing-00000",
        "part": "crossing",
        "air": "clear",
        "lie": "plain",
        "hour": 22.0,
        "seconds": 80.0,
        "frames": 720,
        "scene_cpu_s": 2.0,
        "watch_cpu_s": 1.0,
        "windy": False,
        "shown": {},
        "passages": (),
        "alarms": (),
        "faults": (),
        "reports": (),
        "places": (),
        "kinds": (),
        "counts": (),
    }
    return Played(**(usual | given))  # type: ignore[arg-type]


def alarm(category: str, cause: str = "nothing") -> Alarm:
    return Alarm(  # a test may name any category
        time_s=50.0,
        category=category,  # type: ignore[arg-type]
        cause=cause,
        kind="unknown",
        rule="zone_intrusion",
        track_id=1,
        box=(1, 2, 3, 4),
    )


def goal(name: str, found: object) -> object:
    return next(each for each in found.goals if each.figure == name)  # type: ignore[attr-defined]


def test_a_crossing_counts_once_it_was_visible_for_three_seconds() -> None:
    assert was_visible(passage())
    assert not was_visible(passage(clear_for_s=2.9))
    assert not was_visible(passage(clear_s=None, clear_for_s=0.0))


def test_delay_counts_from_first_visible_and_a_miss_is_infinite() -> None:
    passages = (
        passage(alarm_s=11.5),
        passage(actor_id=2, alarm_s=9.0),
        passage(actor_id=3, alarm_s=13.0),
        passage(actor_id=4, alarm_s=None, tracked_s=None, tracks=0, said={}),
    )
    found = summarise([played(passages=passages)])
    assert (found.adults.found, found.adults.of) == (3, 4)
    assert found.delays_s == (0.0, 1.5, 3.0, math.inf)
    assert found.delay.p50_s == 1.5
    assert found.delay.p95_s == math.inf
    assert goal("delay, 95 of 100, s", found).met is False
    assert found.adults_tracked.found == 3


def test_what_no_one_could_see_is_no_miss_but_shows_in_the_curves() -> None:
    found = summarise([played(passages=(passage(clear_s=None, clear_for_s=0.0, alarm_s=None, snr=4.0),))])
    assert found.adults.of == 0
    assert goal("crossings of walking adults found", found).met is None
    assert sum(each.share.of for each in found.by_snr) == 1


def test_a_party_is_one_event_found_by_its_first_alarm() -> None:
    members = tuple(
        passage(actor_id=i, party="four", members=4, alarm_s=14.0 if i == 3 else None, clear_s=10.0 + i)
        for i in range(4)
    )
    found = summarise([played(part="group", passages=members, alarms=(alarm("intended", "person"),))])
    assert found.f1_alert == 1.0
    assert found.adults.of == 0


def test_alarms_of_a_day_are_counted_apart_and_by_cause() -> None:
    day = played(
        part="day",
        seconds=DAY_S / 2,
        shown={"birds": 100.0},
        alarms=(alarm("nuisance", "fox"), alarm("false"), alarm("environmental", "bush"), alarm("either", "person")),
        reports=(Reported(kind="covered", at_s=3.0),),
    )
    elsewhere = played(alarms=(alarm("false"), alarm("intended", "person")))
    found = summarise([day, elsewhere])
    assert found.camera_days == 0.5
    assert found.shown_a_day == {"birds": 200.0}
    assert found.unwelcome.false_or_nuisance.rate == 4.0
    assert found.unwelcome.environmental.count == 1
    assert found.unwelcome.all.count == 3
    assert found.unwelcome.causes == {"nuisance: fox": 1, "false: nothing": 1, "environmental: bush": 1}
    assert found.unwelcome.elsewhere == {"false: nothing": 1}
    assert found.false_health.rate == 2.0


def test_alarms_of_a_watch_that_has_just_started_are_counted_apart() -> None:
    early = msgspec.structs.replace(alarm("false"), time_s=2.0, starting=True)
    found = summarise([played(part="day", seconds=DAY_S, alarms=(early, alarm("false")))])
    assert found.unwelcome.false.count == 1
    assert (found.unwelcome.starting, found.unwelcome.starts) == ({"false: nothing": 1}, 1)


def test_an_alarm_after_ten_seconds_is_late_for_the_figure_of_merit() -> None:
    late = summarise([played(passages=(passage(alarm_s=20.5), passage(actor_id=2)), alarms=(alarm("false"),))])
    assert late.f1_alert == pytest.approx(1.65 * 0.5 * 0.5 / (0.5 + 0.65 * 0.5))


def test_kinds_are_told_by_height_and_by_what_was_said_longest() -> None:
    passages = (
        passage(),
        passage(height_px=8.0, said={"unknown": 10, "person": 9}),
        passage(kind="fox", true_kind="animal", must="no_alarm", height_px=7.0, said={"animal": 5}),
        passage(height_px=5.5, said={"unknown": 10}),
        passage(kind="bird", true_kind="flying", must="no_alarm", said={"flying": 3}),
    )
    tall, middle, small = summarise([played(passages=passages)]).kinds
    assert (tall.right.found, tall.right.of) == (1, 1)
    assert (middle.right.found, middle.right.of) == (1, 2)
    assert middle.table == {"animal": {"animal": 1}, "person": {"unknown": 1}}
    assert small.right.of == 1


def test_only_several_people_are_rightly_called_a_group() -> None:
    assert kind_is_right("person", "group", 3)
    assert not kind_is_right("person", "group", 1)
    assert not kind_is_right("animal", "group", 9)
    assert kind_is_right("vehicle", "vehicle", 1)


def test_positions_with_several_answers_are_told_apart() -> None:
    places = (
        Place(1.0, 2.0, 800.0, multimodal=False),
        Place(9.0, 30.0, 900.0, multimodal=False),
        Place(50.0, 400.0, 900.0, multimodal=True),
    )
    found = summarise([played(places=places)])
    assert found.positions.samples == 2
    assert found.positions.inside == 0.5
    assert found.positions_with_several_answers == 1


def test_faults_are_found_within_ten_seconds_or_not() -> None:
    faults = (
        Fault(kind="frozen", at_s=40.0, found_s=41.5),
        Fault(kind="frozen", at_s=40.0, found_s=55.0),
        Fault(kind="covered", at_s=40.0),
        Fault(kind="flat_field", at_s=50.0),
    )
    found = summarise([played(part="health", faults=faults)])
    frozen = next(each for each in found.health if each.kind == "frozen")
    assert (frozen.within.found, frozen.within.of, frozen.p50_s) == (1, 2, 1.5)
    assert goal("faults of the camera found within 10 s", found).value == pytest.approx(1 / 3)


def test_counts_within_one_and_statements_of_kinds() -> None:
    counts = tuple(Counted(party=str(i), members=5, best=best, low=3, high=6) for i, best in enumerate((5, 4, 3, 6)))
    kinds = (
        Said(0.9, right=True, height_px=12.0),
        Said(0.9, right=True, height_px=12.0),
        Said(0.9, right=False, height_px=12.0),
    )
    found = summarise([played(part="group", counts=counts, kinds=kinds)])
    assert found.groups_within_one.found == 3
    assert found.group_errors == {"+0": 1, "+1": 1, "-1": 1, "-2": 1}
    assert found.calibration.error == pytest.approx(0.9 - 2 / 3)


def test_cost_is_for_each_camera_hour() -> None:
    found = summarise([played(seconds=1800.0, scene_cpu_s=60.0, watch_cpu_s=30.0)])
    assert (found.cost.scene_cpu_s, found.cost.watch_cpu_s) == (120.0, 60.0)
    assert goal("CPU hours of one core for a camera-day", found).value == pytest.approx(1.2)


def test_an_empty_campaign_says_nothing_and_meets_nothing() -> None:
    found = summarise([])
    assert found.pieces == 0
    assert {each.met for each in found.goals} == {None}
