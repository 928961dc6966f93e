from datetime import UTC, datetime

import pytest

from marsad.app.bench_watch_piece import Ledger, actor_in
from marsad.kernel.alert import Alert
from marsad.kernel.detection import Box
from marsad.kernel.event import CameraHealth
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.track import Count, Track
from marsad.simulate.actor import Actor, Party, Waypoint
from marsad.simulate.camera import FlatField, Frozen
from marsad.simulate.effect import NearThing
from marsad.simulate.scenario import Scenario
from marsad.simulate.truth import ActorTruth

FPS = 9.0
HERE = Position(latitude_deg=34.0, longitude_deg=41.0)
ROUTE = (Waypoint(east_m=0.0, north_m=0.0), Waypoint(east_m=9.0, north_m=0.0))


def truth(index: int, actor_id: int = 1, **given: object) -> ActorTruth:
    usual: dict[str, object] = {
        "frame_index": index,
        "time_ns": round(index * 1e9 / FPS),
        "actor_id": actor_id,
        "kind": "person",
        "box": Box(x_px=100, y_px=100, w_px=5, h_px=14),
        "foot_px": (102.5, 114.0),
        "east_m": 10.0,
        "north_m": 20.0,
        "up_m": 0.0,
        "position": HERE,
        "range_m": 800.0,
        "visible": 1.0,
        "height_px": 14.0,
        "width_px": 5.0,
        "contrast_k": 4.0,
        "snr": 30.0,
        "snr_noise": 40.0,
        "role": "intruder",
    }
    return ActorTruth(**(usual | given))  # type: ignore[arg-type]


def track(index: int, track_id: int = 7, x_px: float = 100.0, **given: object) -> Track:
    covariance = GroundCovariance(east_m2=4.0, east_north_m2=0.0, north_m2=1.0)
    usual: dict[str, object] = {
        "track_id": track_id,
        "camera_id": "mast",
        "origin": "own",
        "time_ns": round(index * 1e9 / FPS),
        "frame_index": index,
        "status": "confirmed",
        "box": Box(x_px=x_px, y_px=100, w_px=5, h_px=14),
        "velocity_x_px_s": 0.0,
        "velocity_y_px_s": 0.0,
        "contrast_counts": 9.0,
        "snr": 9.0,
        "kind": "person",
        "kind_confidence": 0.8,
        "confidence": 0.9,
        "first_ns": 0,
        "ground": GroundState(position=HERE, east_m=12.0, north_m=20.0, covariance=covariance, range_m=800.0),
    }
    return Track(**(usual | given))  # type: ignore[arg-type]


def alert(index: int, track_id: int = 7, x_px: float = 100.0) -> Alert:
    return Alert(
        alert_id="a",
        rule="zone_intrusion",
        rule_id="view",
        priority="high",
        camera_id="mast",
        track_id=track_id,
        time_ns=round(index * 1e9 / FPS),
        frame_index=index,
        kind="person",
        box=Box(x_px=x_px, y_px=100, w_px=5, h_px=14),
        text="",
    )


def scenario(**given: object) -> Scenario:
    walker = Actor(actor_id=1, kind="person", route=ROUTE, role="intruder", must="alarm")
    usual: dict[str, object] = {
        "name": "made up",
        "start": datetime(2026, 8, 8, tzinfo=UTC),
        "seconds": 60.0,
        "actors": (walker,),
    }
    return Scenario(**(usual | given))  # type: ignore[arg-type]


def test_first_visible_tracked_and_alarmed_are_told_apart() -> None:
    ledger = Ledger(scenario(), FPS)
    for index in range(90, 180):
        there = truth(index, visible=min((index - 90) / 18, 1.0), snr=5.0 if index < 108 else 30.0)
        followed = [track(index)] if index >= 117 else []
        ledger.take(index, [there], [], followed, [alert(126)] if index == 126 else [])
    (seen,) = ledger.passages()
    assert seen.first_s == 11.0
    assert seen.clear_s == 12.0
    assert (seen.snr, seen.snr_noise) == (30.0, 40.0)
    assert seen.clear_for_s == pytest.approx(72 / 9, abs=0.001)
    assert seen.tracked_s == 13.0
    assert seen.tracked_for_s == pytest.approx(63 / 9)
    assert seen.alarm_s == 14.0
    assert seen.said == {"person": 63}
    assert [each.category for each in ledger.alarms] == ["intended"]


def test_errors_are_counted_in_units_of_their_own_ellipse() -> None:
    ledger = Ledger(scenario(), FPS)
    ledger.take(90, [truth(90)], [], [track(90)], [])
    (place,) = ledger.places
    assert place.error_m == 2.0
    assert place.distance2 == 1.0
    assert ledger.kinds == [(0.8, True, 14.0)]


def test_an_alarm_on_nothing_is_false_and_on_a_beast_a_nuisance() -> None:
    fox = Actor(actor_id=2, kind="fox", route=ROUTE, must="no_alarm")
    bush = Actor(actor_id=3, kind="bush", route=ROUTE[:1], must="no_alarm")
    ledger = Ledger(scenario(actors=(fox, bush)), FPS)
    there = [
        truth(200, 2, kind="fox", role="nuisance"),
        truth(200, 3, kind="bush", role="scenery", box=Box(x_px=300, y_px=100, w_px=9, h_px=14)),
    ]
    ledger.take(200, there, [], [], [alert(200), alert(200, x_px=302.0), alert(200, x_px=500.0)])
    assert [(each.category, each.cause) for each in ledger.alarms] == [
        ("nuisance", "fox"),
        ("environmental", "bush"),
        ("false", "nothing"),
    ]


def test_an_alarm_is_of_what_its_track_lay_on_shortly_before() -> None:
    ledger = Ledger(scenario(), FPS)
    ledger.take(100, [truth(100)], [], [track(100)], [])
    ledger.take(118, [], [], [track(118, x_px=160.0)], [alert(118, x_px=160.0)])
    ledger.take(140, [], [], [track(140, x_px=160.0)], [alert(140, x_px=160.0)])
    assert [each.category for each in ledger.alarms] == ["intended", "false"]


def test_an_insect_is_a_nuisance_and_a_correction_the_camera_s_own() -> None:
    ledger = Ledger(scenario(faults=(FlatField(start_s=40.0),)), FPS)
    insect = NearThing(cause="insect", thing_id=1, box=Box(x_px=95, y_px=95, w_px=30, h_px=30), contrast_k=2.0)
    shadow = NearThing(cause="cloud_shadow", thing_id=2, box=Box(x_px=0, y_px=0, w_px=640, h_px=512), contrast_k=1.0)
    ledger.take(180, [], [shadow, insect], [], [alert(180)])
    ledger.take(181, [], [shadow], [], [alert(181)])
    ledger.take(369, [], [], [], [alert(369)])
    ledger.take(500, [], [], [], [alert(500)])
    assert [(each.category, each.cause) for each in ledger.alarms] == [
        ("nuisance", "insect"),
        ("environmental", "cloud_shadow"),
        ("environmental", "flat_field"),
        ("false", "nothing"),
    ]


def test_a_fault_is_found_by_its_own_name_and_a_report_without_one_is_false() -> None:
    ledger = Ledger(scenario(faults=(Frozen(start_s=40.0, end_s=50.0),)), FPS)
    for index, kind, ended in (
        (90, "looped", False),
        (366, "covered", False),
        (369, "frozen", False),
        (459, "frozen", True),
    ):
        event = CameraHealth(time_ns=0, camera_id="mast", frame_index=index, kind=kind, ended=ended)  # type: ignore[arg-type]
        ledger.take_health(index, [event])
    (fault,) = ledger.faults()
    assert (fault.kind, fault.found_s) == ("frozen", 41.0)
    assert [(report.kind, report.at_s) for report in ledger.reports] == [("looped", 10.0)]


def test_a_group_counts_only_while_its_members_are_apart() -> None:
    party = Party(name="four", kind="person", count=4, route=ROUTE, must="alarm", role="intruder")
    ledger = Ledger(scenario(actors=(), parties=(party,)), FPS)
    count = Count(best=3, low=3, high=4)

    def play(first: int, apart_px: float) -> None:
        for index in range(first, first + 63):
            boxes = [Box(x_px=100 + apart_px * i, y_px=100, w_px=5, h_px=14) for i in range(4)]
            there = [truth(index, 1 + i, party="four", box=box) for i, box in enumerate(boxes)]
            followed = [track(index, 7 + i, box.x_px, group_id=1, count=count) for i, box in enumerate(boxes[:3])]
            ledger.take(index, there, [], followed, [])

    play(90, 3.0)
    assert ledger.counts() == ()
    play(180, 12.0)
    (said,) = ledger.counts()
    assert (said.members, said.best, said.low, said.high) == (4, 3, 3, 4)
    assert all(each.members == 4 for each in ledger.passages())


def test_the_nearest_of_two_actors_is_the_one_a_box_lies_on() -> None:
    one, two = truth(0, 1), truth(0, 2, box=Box(x_px=108, y_px=100, w_px=5, h_px=14))
    assert actor_in(Box(x_px=99, y_px=100, w_px=6, h_px=14), [two, one]) is one
    assert actor_in(Box(x_px=107, y_px=100, w_px=6, h_px=14), [one, two]) is two
    assert actor_in(Box(x_px=130, y_px=100, w_px=6, h_px=14), [one, two]) is None
    hidden = truth(0, 1, visible=0.0)
    assert actor_in(Box(x_px=99, y_px=100, w_px=6, h_px=14), [hidden]) is None
