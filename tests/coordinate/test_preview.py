"""What the partner sees, and what it would have seen."""

from msgspec.structs import replace
from release_chance import ANCHOR, NS, PLANE
from test_cadence import START, alarm, at, terms
from test_release import RULE, offer
from test_release import terms as ruled

from marsad.coordinate.preview import Patrolling, dry_run, preview, view_of
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.dispatch import Dispatch, Duty, Patrol
from marsad.kernel.event import (
    AlarmChanged,
    DispatchChanged,
    Event,
    ExerciseChanged,
    PictureTrackEnded,
    PictureTrackPoint,
)
from marsad.kernel.position import EnuPoint
from marsad.kernel.release import Release


def test_a_preview_says_what_they_see_now_and_what_not_and_why() -> None:
    offers = [offer(at(0)), offer(at(0, track_id="t2", kind="animal")), offer(at(0, track_id="t3", north_m=9000))]
    found = preview(offers, terms(), START)
    (spot,) = found.view.spots
    assert spot.position is not None
    east, north, _ = EnuFrame(ANCHOR).from_geodetic(spot.position.latitude_deg, spot.position.longitude_deg)
    assert (round(float(east)), round(float(north))) == (375, 375)
    assert [(each.subject_id, each.reason) for each in found.kept] == [("t2", "no_rule"), ("t3", "outside")]


def night() -> list[Event]:
    """Somebody walks for ten minutes, is lost, and comes back in an exercise; an alarm is raised and closed."""
    events: list[Event] = []
    for second in range(0, 1500, 5):
        if second < 600 or second > 1000:
            events.append(PictureTrackPoint(time_ns=START + second * NS, track=at(second)))
        elif second == 600:
            events.append(PictureTrackEnded(time_ns=START + second * NS, track_id="track-1"))
        if second in {200, 300}:
            state = "unacknowledged" if second == 200 else "closed"
            events.append(AlarmChanged(time_ns=START + second * NS, alarm=alarm(state=state), happening="raised"))
        if second == 900:
            events.append(ExerciseChanged(time_ns=START + second * NS, officer="Leyla", name="autumn"))
    return events


def test_a_dry_run_over_a_log_tells_what_the_partner_would_have_had() -> None:
    run = dry_run(night(), terms())
    found = [(each.release.item, each.release.act) for each in run.given]
    assert found.count(("alarm", "told")) == found.count(("alarm", "ended")) == 1
    assert found.count(("track", "ended")) == 1
    assert 10 <= found.count(("track", "told")) <= 13
    assert run.view.spots == ()
    assert run.withheld["exercise"] > 10
    assert {each.subject_id for each in run.given} == {"track-1", "alarm-1"}


def test_an_emergency_leaves_the_partner_s_map_when_its_time_is_over() -> None:
    plain = {"release_id": "r", "agreement_id": "line-7", "version": 1, "rule_id": "", "giver": "east", "taker": "west"}
    told = Release(**plain, item="track", thing_id="t", time_ns=START, basis="life_at_risk", expires_ns=START + NS)  # type: ignore[arg-type]
    assert len(view_of([told], terms().agreement, START).spots) == 1
    assert view_of([told], terms().agreement, START + NS).spots == ()


def test_corridors_are_in_a_dry_run_that_knows_the_patrols() -> None:
    """One that is sent while the log goes on, and one on its duty all day."""
    rule = replace(RULE, items=("patrol",), precision_m=500, sigma_m=500, near_line_m=9000)
    order = Dispatch(
        dispatch_id="D1", incident_id="I1", patrol_id="wolf", task="look", text="", state="sent",
        meet=EnuPoint(east_m=900.0, north_m=0.0), meet_ns=START + 1800 * NS, ordered_by="Rana", sent_ns=START,
        changed_ns=START, receive_by_ns=START, answer_by_ns=START,
    )  # fmt: skip
    log: list[Event] = [
        DispatchChanged(time_ns=START + second * NS, dispatch=replace(order, state=state), happening="sent", by="Rana")
        for second, state in ((60, "sent"), (600, "under_way"))
    ]
    duty = Duty(points=(PLANE.position(0, 500), PLANE.position(2000, 500)))
    patrols = (
        Patrol(patrol_id="wolf", means="foot", persons=2, home=PLANE.position(0, 0)),
        Patrol(patrol_id="hare", means="foot", persons=2, duties=(duty,)),
    )
    assert dry_run(log, ruled(rule)).given == ()
    run = dry_run(log, ruled(rule), patrolling=Patrolling(PLANE, patrols))
    assert sorted(each.subject_id for each in run.given) == ["hare", "wolf"]
    assert {each.release.item for each in run.given} == {"patrol"}
    assert len(run.view.spots) == 2
