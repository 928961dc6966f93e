"""What a side may offer of itself: corridors that stay as they are, and posts as they are known to be watched."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marsad.coordinate.deconflict import cautions, told_corridors
from marsad.coordinate.own_ways import AHEAD_NS, OwnWays, posts_kept
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.dispatch import Dispatch, Duty, Patrol
from marsad.kernel.joint import PostHours, WatchSlot
from marsad.kernel.position import EnuPoint, Position
from marsad.kernel.release import Cell, PostWatch, Release

HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS
HERE = Position(latitude_deg=34.3, longitude_deg=41.0)
THERE = Position(latitude_deg=34.31, longitude_deg=41.02)
FRAME = EnuFrame(HERE)


def order(state: str = "under_way", sent_ns: int = DAY_NS) -> Dispatch:
    return Dispatch(
        dispatch_id="D1", incident_id="I1", patrol_id="wolf", task="look", text="", state=state,  # type: ignore[arg-type]
        meet=EnuPoint(east_m=900.0, north_m=0.0), meet_ns=sent_ns + HOUR_NS // 2, ordered_by="Rana", sent_ns=sent_ns,
        changed_ns=sent_ns, receive_by_ns=sent_ns, answer_by_ns=sent_ns,
    )  # fmt: skip


@given(from_hour=st.integers(0, 24), hours=st.integers(1, 23), now_ns=st.integers(10 * DAY_NS, 12 * DAY_NS))
def test_a_duty_is_offered_from_an_hour_before_it_begins_until_it_is_over(
    from_hour: int, hours: int, now_ns: int
) -> None:
    until_hour = (from_hour + hours) % 24 if from_hour + hours > 24 else from_hour + hours
    duty = Duty(points=(HERE, THERE), from_hour=float(from_hour), until_hour=float(until_hour))
    patrol = Patrol(patrol_id="wolf", means="foot", persons=2, duties=(duty,))
    found = OwnWays(FRAME).update((patrol,), (), {}, now_ns)
    # By going through every day, hour by hour.
    spans = [(day * DAY_NS + from_hour * HOUR_NS, day * DAY_NS + (from_hour + hours) * HOUR_NS) for day in range(8, 14)]
    due = [span for span in spans if span[0] - AHEAD_NS <= now_ns < span[1]]
    assert [(each.from_ns, each.until_ns) for each in found] == due[:1]


def test_a_patrol_that_goes_along_leaves_its_corridor_as_it_is() -> None:
    patrol, ways = Patrol(patrol_id="wolf", means="foot", persons=2), OwnWays(FRAME)
    (first,) = ways.update((patrol,), (order(),), {"wolf": HERE}, DAY_NS)
    (later,) = ways.update((patrol,), (order("on_scene"),), {"wolf": THERE}, DAY_NS + HOUR_NS)
    assert later.points == first.points
    assert later.until_ns == first.until_ns
    # An hour after it was there it is still held to be there, and by the hour from then on.
    (late,) = ways.update((patrol,), (order("on_scene"),), {}, DAY_NS + 2 * HOUR_NS)
    assert late.until_ns == first.until_ns + HOUR_NS
    assert ways.update((patrol,), (order("done"),), {}, DAY_NS) == []


def test_an_order_goes_before_a_duty() -> None:
    patrol = Patrol(patrol_id="wolf", means="foot", persons=2, duties=(Duty(points=(THERE,)),))
    (way,) = OwnWays(FRAME).update((patrol,), (order(),), {"wolf": HERE}, DAY_NS)
    assert way.points[0] == HERE


def test_what_an_officer_says_of_a_post_goes_before_the_roster() -> None:
    slot = WatchSlot(from_ns=0, until_ns=DAY_NS, party="east")
    hours = [PostHours(post_id="joint.0.0", slots=(slot,)), PostHours(post_id="joint.1.0", slots=(slot,))]
    said = PostWatch(post_id="joint.0.0", watched=False, time_ns=1, from_ns=1, until_ns=HOUR_NS)
    kept = {each.post_id: each.watched for each in posts_kept([said], hours, "east", HOUR_NS // 2)}
    assert kept == {"joint.0.0": False, "joint.1.0": True}
    kept = {each.post_id: each.watched for each in posts_kept([said], hours, "east", HOUR_NS)}
    assert kept == {"joint.0.0": True, "joint.1.0": True}
    # Whether the other side keeps its watch is for them to tell.
    assert posts_kept([], hours, "west", HOUR_NS) == []


def corridor(giver: str, cells: tuple[Cell, ...], **fields: object) -> Release:
    told = Release(
        release_id="r", agreement_id="a", version=1, rule_id="p", giver=giver, taker="", item="patrol",
        thing_id=f"{giver}-0123456789", time_ns=0, cells=cells, from_ns=0, until_ns=HOUR_NS,
    )  # fmt: skip
    return replace(told, **fields)


@given(
    east=st.integers(-40, 40), north=st.integers(-40, 40), size_m=st.sampled_from((500, 700, 1000, 2500)),
    cell_m=st.sampled_from((500, 1000, 1500)),
)  # fmt: skip
def test_cells_of_another_size_hold_all_of_those_that_were_told(
    east: int, north: int, size_m: int, cell_m: int
) -> None:
    (found,) = told_corridors([corridor("west", (Cell(east=east, north=north, size_m=size_m),))], cell_m, 0)
    # By every hundred metres of it.
    inside = {
        ((east * size_m + x) // cell_m, (north * size_m + y) // cell_m)
        for x in range(0, size_m, 100)
        for y in range(0, size_m, 100)
    }
    assert set(found.cells) == inside


def test_corridors_that_were_released_warn_both_sides_alike() -> None:
    west, east = (
        corridor("west", (Cell(east=0, north=0, size_m=500),)),
        corridor("east", (Cell(east=3, north=0, size_m=500),)),
    )
    told = told_corridors([west, east], 1000, 0)
    (caution,) = cautions([told[0]], [told[1]], 1000, 1000.0, 900.0)
    (mirrored,) = cautions([told[1]], [told[0]], 1000, 1000.0, 900.0)
    assert caution.cells == mirrored.cells
    played, over = replace(west, exercise=True), replace(west, until_ns=5)
    assert told_corridors([played, over], 1000, 10) == ()


@pytest.mark.parametrize("item", ["post", "patrol"])
def test_what_is_over_says_nothing_any_more(item: str) -> None:
    told = corridor("west", (), item=item)
    assert told.counts_at(HOUR_NS - 1)
    assert not told.counts_at(HOUR_NS)
    assert not replace(told, until_ns=None, expires_ns=5).counts_at(5)
