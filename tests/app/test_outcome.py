"""What had to happen in a scenario, held against made-up performances; and whose alarm an alarm is."""

from datetime import UTC, datetime

import msgspec
import pytest

from marsad.app.outcome import counted, shortcomings
from marsad.app.performance import Alarm, Performance, Witness, actor_in
from marsad.kernel.alert import Alert
from marsad.kernel.detection import Box
from marsad.kernel.event import CameraHealth
from marsad.kernel.position import Position
from marsad.kernel.track import Count
from marsad.simulate.actor import Actor, Waypoint
from marsad.simulate.camera import Frozen
from marsad.simulate.effect import Dust, NearThing
from marsad.simulate.scenario import Counted, Crossed, HealthFound, Scenario, SeenInOrder
from marsad.simulate.truth import ActorTruth
from marsad.watch.watcher import Observation

SCENE = Scenario(name="Night", start=datetime(2026, 8, 8, tzinfo=UTC), seconds=60.0)
NOTHING = Performance(camera_id="mast", frames=540, alarms=(), entered={}, found={}, parties={}, counts={}, health=())


def actor(actor_id: int, must: str, party: str = "") -> Actor:
    return Actor(actor_id=actor_id, kind="person", route=(Waypoint(east_m=0, north_m=0),), must=must, party=party)


def truth(actor_id: int, x_px: float = 50.0, visible: float = 1.0, party: str = "") -> ActorTruth:
    return ActorTruth(
        frame_index=0,
        time_ns=0,
        actor_id=actor_id,
        kind="person",
        box=Box(x_px=x_px, y_px=100.0, w_px=6.0, h_px=14.0),
        foot_px=(x_px + 3, 114.0),
        east_m=0.0,
        north_m=0.0,
        up_m=0.0,
        position=Position(latitude_deg=0.0, longitude_deg=0.0),
        range_m=800.0,
        visible=visible,
        height_px=14.0,
        contrast_k=5.0,
        party=party,
    )


def alert(x_px: float = 50.0, rule_id: str = "line", direction: str = "inward") -> Alert:
    return Alert(
        alert_id="a",
        rule="line_crossing",
        rule_id=rule_id,
        priority="high",
        camera_id="mast",
        track_id=1,
        time_ns=0,
        frame_index=0,
        kind="person",
        box=Box(x_px=x_px, y_px=100.0, w_px=6.0, h_px=14.0),
        text="",
        direction=direction,
        count=Count(best=4, low=3, high=5),
    )


def alarm(of: ActorTruth | None, time_s: float = 20.0, **changes: object) -> Alarm:
    return Alarm(alert=msgspec.structs.replace(alert(), **changes), time_s=time_s, actor=of)


def played(**changes: object) -> list[Performance]:
    return [msgspec.structs.replace(NOTHING, **changes)]


def test_whoever_must_be_alarmed_for_and_is_not_is_told() -> None:
    actors = [actor(1, "alarm"), actor(2, "either"), actor(3, "no_alarm")]
    assert shortcomings(SCENE, actors, played()) == ["person 1 raised no alarm (never came into view, not tracked)"]
    seen = played(entered={1: 8.0}, found={1: 9.0})
    assert shortcomings(SCENE, actors, seen) == ["person 1 raised no alarm (in view from 8.0 s, tracked)"]
    assert shortcomings(SCENE, actors, played(alarms=(alarm(truth(1)),))) == []


def test_a_party_is_alarmed_for_with_any_of_its_members() -> None:
    actors = [actor(1, "alarm", "walkers"), actor(2, "alarm", "walkers")]
    assert len(shortcomings(SCENE, actors, played())) == 1
    assert shortcomings(SCENE, actors, played(alarms=(alarm(truth(2, party="walkers")),))) == []


def test_alarms_for_nothing_and_for_those_who_must_raise_none_are_told() -> None:
    actors = [actor(1, "no_alarm"), actor(2, "either")]
    raised = (alarm(truth(1)), alarm(truth(2)), alarm(None, 3.0), alarm(None, 0.6), alarm(None, 2.9))
    assert [line.split(",")[0] for line in shortcomings(SCENE, actors, played(alarms=raised))] == [
        "mast: alarms on nothing within 3 s of the start: 2",
        "mast: alarm on person at 20.0 s",
        "mast: alarm on nothing at 3.0 s",
    ]


@pytest.mark.parametrize(("told_s", "missed"), [(14.5, False), (23.9, False), (13.9, True), (24.5, True), (None, True)])
def test_camera_health_must_be_told_in_time(told_s: float | None, missed: bool) -> None:
    scene = msgspec.structs.replace(
        SCENE,
        faults=(Frozen(camera="mast", start_s=10.0),),
        expect=(HealthFound(camera="mast", kind="frozen", at_s=14.0),),
    )
    event = CameraHealth(time_ns=0, camera_id="mast", frame_index=0, kind="frozen")
    health = () if told_s is None else ((told_s, event),)
    assert bool(shortcomings(scene, [], played(health=health))) == missed


def test_serious_health_events_need_a_cause() -> None:
    event = CameraHealth(time_ns=0, camera_id="mast", frame_index=0, kind="covered")
    told = played(health=((20.0, event), (21.0, msgspec.structs.replace(event, kind="gain_jump"))))
    assert shortcomings(SCENE, [], told) == ["mast: covered was told at 20.0 s, but nothing had happened"]
    dusty = msgspec.structs.replace(SCENE, effects=(Dust(camera="mast", start_s=10.0, end_s=18.0),))
    assert shortcomings(dusty, [], told) == []
    elsewhere = msgspec.structs.replace(SCENE, effects=(Dust(camera="other", start_s=10.0),))
    assert len(shortcomings(elsewhere, [], told)) == 1


def test_crossings_are_looked_for_by_line_direction_and_party() -> None:
    scene = msgspec.structs.replace(SCENE, expect=(Crossed(party="walkers", line="line"),))
    assert shortcomings(scene, [], played(alarms=(alarm(truth(1, party="walkers")),))) == []
    for wrong in ({"rule_id": "other"}, {"direction": "outward"}):
        assert len(shortcomings(scene, [], played(alarms=(alarm(truth(1, party="walkers"), **wrong),)))) == 1
    assert len(shortcomings(scene, [], played(alarms=(alarm(truth(1, party="flock")),)))) == 1


def test_a_count_is_what_was_said_last_by_most() -> None:
    said = played(counts={"walkers": [(5.0, 2), (5.1, 2), (30.0, 4), (31.0, 4), (32.0, 7)]})
    assert counted("walkers", said) == 4
    assert counted("flock", said) is None
    scene = msgspec.structs.replace(SCENE, expect=(Counted(party="walkers", count=6),))
    assert shortcomings(scene, [], said) == ["walkers of 6 was counted as 4"]
    assert shortcomings(scene, [], played()) == ["walkers of 6 was not counted"]


def test_cameras_must_see_a_party_in_the_order_given() -> None:
    scene = msgspec.structs.replace(SCENE, expect=(SeenInOrder(party="walkers", cameras=("mast", "depth")),))

    def two(mast_s: float, depth_s: float) -> list[Performance]:
        first = played(found={1: mast_s, 9: 0.0}, parties={1: "walkers", 9: "flock"})
        return first + played(camera_id="depth", found={1: depth_s}, parties={1: "walkers"})

    assert shortcomings(scene, [], two(5.0, 9.0)) == []
    assert shortcomings(scene, [], two(9.0, 5.0)) == [
        "walkers was tracked in another order: mast at 9.0 s, depth at 5.0 s"
    ]
    assert shortcomings(scene, [], two(5.0, 9.0)[:1]) == ["walkers was never tracked by depth"]


def test_a_box_belongs_to_the_nearest_visible_actor() -> None:
    actors = [truth(1, 50.0), truth(2, 54.0), truth(3, 90.0, visible=0.0)]
    assert actor_in(Box(x_px=50.0, y_px=100.0, w_px=6.0, h_px=14.0), actors).actor_id == 1
    assert actor_in(Box(x_px=55.0, y_px=99.0, w_px=6.0, h_px=14.0), actors).actor_id == 2
    assert actor_in(Box(x_px=90.0, y_px=100.0, w_px=6.0, h_px=14.0), actors) is None
    assert actor_in(Box(x_px=70.0, y_px=100.0, w_px=6.0, h_px=14.0), actors) is None


def test_an_alarm_on_something_near_the_lens_is_named_for_it() -> None:
    insect = NearThing(cause="insect", thing_id=1, box=Box(x_px=200.0, y_px=90.0, w_px=30.0, h_px=30.0), contrast_k=3.0)
    witness = Witness("mast", 10.0)
    seen = Observation(tracks=[], written_back=[], events=[])
    raised = witness.take([truth(1)], [insect], seen, [alert(50.0), alert(212.0), alert(400.0)])
    assert [each.cause for each in raised] == ["person", "insect", "nothing"]
    performance = witness.performance()
    assert performance.entered == {1: 0.0}
    assert performance.alarms == tuple(raised)
