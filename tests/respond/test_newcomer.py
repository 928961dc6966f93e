"""Those who come round a corner one by one are one alarm; whoever comes anywhere else waits for nothing."""

import msgspec
import pytest

from marsad.kernel.alarm import Alarm, Met, Seen
from marsad.kernel.alert import Alert
from marsad.kernel.picture import Contributor, Picture, PictureGroup, PictureTrack
from marsad.kernel.position import GroundCovariance, GroundState, Position
from marsad.kernel.track import Count
from marsad.respond.newcomer import WAIT_S, Newcomers

S = 10**9
ROUND = GroundCovariance(east_m2=100.0, east_north_m2=0.0, north_m2=100.0)


def ground(east_m: float) -> GroundState:
    place = Position(latitude_deg=34.0, longitude_deg=41.0)
    return GroundState(position=place, east_m=east_m, north_m=0.0, covariance=ROUND, range_m=480.0)


FIRST = Alarm(
    alarm_id="A1", subject_id="C/1", state="unacknowledged", priority="high", kind="person", response="look_and_send",
    text="", raised_ns=0, changed_ns=0, seen=Seen(time_ns=0, ground=ground(0.0)), camera_ids=("C",), latching=False,
    met=(Met(rule="zone_intrusion", rule_id="Z", direction="", time_ns=0, alert_id="a"),),
)  # fmt: skip
SECOND = Alert(
    alert_id="b", rule="zone_intrusion", rule_id="Z", priority="high", time_ns=2 * S, text="", camera_id="C",
    track_id=2, kind="person", ground=ground(5.0),
)  # fmt: skip
HERE = {"C/1": Seen(time_ns=2 * S, ground=ground(3.0))}


def track(number: int, group_id: str = "") -> PictureTrack:
    return PictureTrack(
        track_id=f"T{number}", origin="own", time_ns=3 * S, status="confirmed", ground=ground(float(number)),
        velocity_covariance=ROUND, existence=0.9, first_ns=0, seen_ns=3 * S, group_id=group_id,
        contributors=(Contributor(source_id="C", origin="own", time_ns=3 * S, label=number),),
    )  # fmt: skip


def together() -> Picture:
    group = PictureGroup(
        group_id="G", time_ns=3 * S, first_ns=0, members=("T1", "T2"), count=Count(best=2, low=2, high=2),
        kind="group", ground=ground(1.0), velocity_covariance=ROUND,
    )  # fmt: skip
    return Picture(time_ns=3 * S, tracks=(track(1, "G"), track(2, "G")), groups=(group,))


def test_the_second_of_a_party_is_told_of_once_the_picture_has_them_together() -> None:
    newcomers = Newcomers()
    assert newcomers.sift([SECOND], [FIRST], HERE, 2 * S, {}) == []
    apart = Picture(time_ns=3 * S, tracks=(track(1), track(2)))
    assert newcomers.due(apart, 3 * S) == []
    assert newcomers.due(together(), 4 * S) == [SECOND]
    assert newcomers.due(together(), 60 * S) == []


def test_who_has_an_alarm_may_be_called_otherwise_in_the_picture_by_then() -> None:
    there = {"G": HERE["C/1"]}
    assert Newcomers().sift([SECOND], [FIRST], there, 2 * S, {"C/1": "G"}) == []
    assert Newcomers().sift([SECOND], [FIRST], there, 2 * S, {}) == [SECOND]


def test_whoever_belongs_to_nobody_is_told_of_after_the_wait_and_whatever_waits_at_the_end() -> None:
    newcomers = Newcomers()
    newcomers.sift([SECOND], [FIRST], HERE, 2 * S, {})
    until_ns = 2 * S + round(WAIT_S * S)
    assert newcomers.due(Picture(time_ns=3 * S), until_ns - 1) == []
    assert newcomers.due(Picture(time_ns=3 * S), until_ns) == [SECOND]
    newcomers.sift([SECOND], [FIRST], HERE, 2 * S, {})
    assert newcomers.all() == [SECOND]
    assert newcomers.all() == []


@pytest.mark.parametrize(
    ("alert", "alarm"),
    [
        ({"ground": ground(70.0)}, {}),
        ({"ground": None}, {}),
        ({"rule": "line_crossing"}, {"met": (msgspec.structs.replace(FIRST.met[0], rule="line_crossing"),)}),
        ({"rule_id": "another"}, {}),
        ({"camera_id": "D"}, {}),
        ({"track_id": 1}, {}),
        ({}, {"formerly": ("C/2",)}),
        ({}, {"state": "closed"}),
        ({}, {"state": "shelved"}),
        ({}, {"priority": "medium"}),
        ({}, {"subject_id": "gone"}),
    ],
)  # fmt: skip
def test_nothing_else_waits(alert: dict[str, object], alarm: dict[str, object]) -> None:
    other = msgspec.structs.replace(SECOND, **alert)
    assert Newcomers().sift([other], [msgspec.structs.replace(FIRST, **alarm)], HERE, 2 * S, {}) == [other]
