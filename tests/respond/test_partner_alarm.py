"""A partner's alarm is an alarm of ours about what it told, no more exact than it was told."""

import math

from msgspec.structs import replace

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.partner import PartnerState, SharedThing
from marsad.kernel.position import Position
from marsad.kernel.release import Cell, Heads, Release
from marsad.kernel.track import Count
from marsad.respond.partner_alarm import partner_alert, partner_present

S = 10**9
HERE = Position(latitude_deg=34.0, longitude_deg=41.0)
FRAME = EnuFrame(HERE)
TOLD = Release(
    release_id="r1r1r1r1r1", agreement_id="both", version=1, rule_id="alarms", giver="west", taker="east", item="alarm",
    thing_id="a", time_ns=S, cell=Cell(east=0, north=0, size_m=500), sigma_m=500, kind="person",
    heads=Heads(low=2, high=4), alarm_rule="line_crossing", priority="high", direction="inward",
)  # fmt: skip
THING = SharedThing(release=TOLD, position=HERE)


def test_it_says_whose_it_is_and_what_was_told() -> None:
    alert = partner_alert(THING, "West", FRAME, 5 * S)
    assert alert.text == "West: line crossing, person of 2 to 4."
    assert (alert.rule, alert.about, alert.priority, alert.direction) == ("partner_alarm", "partner", "high", "inward")
    assert alert.count == Count(low=2, best=3, high=4)
    assert alert.facts.reporter_ids == ("west",)
    assert alert.ground is not None
    assert math.sqrt(alert.ground.covariance.east_m2) == 500


def test_what_was_not_told_is_not_made_up() -> None:
    bare = replace(
        TOLD, cell=None, sigma_m=None, kind=None, heads=None, alarm_rule=None, priority=None, direction=None
    )  # fmt: skip
    alert = partner_alert(SharedThing(release=bare), "West", FRAME, 5 * S)
    assert (alert.text, alert.kind, alert.ground, alert.count) == ("West: an alarm, unknown.", "unknown", None, None)


def test_a_class_without_an_end_is_no_count() -> None:
    many = replace(TOLD, heads=Heads(low=50))
    alert = partner_alert(SharedThing(release=many, position=HERE), "West", FRAME, 5 * S)
    assert (alert.text, alert.count) == ("West: line crossing, person of 50 or more.", None)


def test_only_alarms_that_stand_are_there_and_by_the_name_of_their_alert() -> None:
    track = SharedThing(release=replace(TOLD, item="track", thing_id="t"), position=HERE)
    partner = PartnerState(party_id="west", name="West", theirs=(THING, track))
    present = partner_present(partner, FRAME, 9 * S)
    assert set(present) == {partner_alert(THING, "West", FRAME, 5 * S).subject_id}
    assert [seen.time_ns for seen in present.values()] == [9 * S]
