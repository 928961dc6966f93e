"""When something is told, and what its end gives away."""

from collections.abc import Iterable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from release_chance import NOW, NS, SECRET, countersigned
from test_release import AGREEMENT, RULE, act, offer, track

from marsad.coordinate.cadence import Given, Ledger, forget, releases_of, tell
from marsad.coordinate.offer import Offered
from marsad.coordinate.release import payload
from marsad.coordinate.terms import Terms
from marsad.kernel.agreement import Narrowing
from marsad.kernel.alarm import Alarm, Met, Seen
from marsad.kernel.picture import PictureTrack
from marsad.kernel.release import EmergencyAct, Release

START = NOW - NOW % (60 * NS)


def terms(narrowing: Narrowing | None = None, acts: tuple[EmergencyAct, ...] = (), **extra: object) -> Terms:
    rule = replace(RULE, **({"hold_s": 180} | extra))
    return Terms(
        countersigned(replace(AGREEMENT, rules=(rule,))), "east", SECRET, narrowing=narrowing, acts=acts
    )  # fmt: skip


def at(second: int, **extra: object) -> PictureTrack:
    plain: dict[str, Any] = {"time_ns": START + second * NS} | extra
    return track(**plain)


class Desk:
    """Asks every ten seconds, and keeps what was given, by second."""

    def __init__(self, first: Terms) -> None:
        self.terms, self.ledger = first, Ledger()
        self.given: list[tuple[int, Given]] = []
        self.why: list[str] = []

    def ask(self, second: int, what: Iterable[object] = ()) -> list[Release]:
        offers = [each if isinstance(each, Offered) else offer(each) for each in what]
        telling = tell(self.ledger, offers, self.terms, START + second * NS)
        # The ledger is kept on the disk from one time to the next.
        self.ledger = msgspec.msgpack.decode(msgspec.msgpack.encode(telling.ledger), type=Ledger)
        self.given += [(second, each) for each in telling.given]
        self.why = [why for _, why in telling.withheld]
        return [*releases_of(telling.given)]

    def told(self) -> list[tuple[int, Release]]:
        return [(second, each.release) for second, each in self.given]


def test_what_is_there_is_told_at_every_agreed_moment_and_at_no_other() -> None:
    desk = Desk(terms())
    for second in range(0, 400, 10):
        desk.ask(second, [at(second)])
    assert [second for second, _ in desk.told()] == [60, 120, 180, 240, 300, 360]
    assert {found.thing_id for _, found in desk.told()} == {desk.told()[0][1].thing_id}
    assert all(found.time_ns == START + second * NS for second, found in desk.told())


def seen(second: int, gaps: list[tuple[int, int]], way: str) -> list[PictureTrack]:
    """Somebody walking east, of whom sight is lost in a way during some gaps."""
    out = any(low <= second < high for low, high in gaps)
    ways: dict[str, dict[str, Any] | None] = {
        "gone": None, "coasting": {"status": "coasting"}, "vague": {"sigma_m": 300}, "kind": {"kind": "animal"},
        "declared": {"standing": "declared"}, "tentative": {"status": "tentative"}, "outside": {"north_m": 4000},
    }  # fmt: skip
    lost = ways[way]
    if out and lost is None:
        return []
    return [at(second, **({"east_m": second * 1.2} | (lost if out and lost else {})))]


@given(st.sampled_from(["coasting", "vague", "kind", "declared", "tentative", "outside"]), st.integers(3, 30))
@settings(max_examples=25, deadline=None)
def test_why_something_is_not_told_any_more_does_not_show(way: str, begin: int) -> None:
    """Lost behind a ridge, gone too far off, or walked out of the area: the partner sees the very same bytes."""
    told = []
    for each in (way, "gone"):
        desk = Desk(terms())
        for second in range(0, 900, 10):
            desk.ask(second, seen(second, [(begin * 10, 900)], each))
        told.append([(second, payload(found)) for second, found in desk.told()])
    assert told[0] == told[1]
    assert len(told[0]) > 2


@given(st.integers(7, 40), st.integers(1, 17))
@settings(max_examples=25, deadline=None)
def test_a_gap_within_the_hold_does_not_show_at_all(begin: int, length: int) -> None:
    """But for the cell that stays: no end, no other name, no other moment."""
    desks = [Desk(terms()), Desk(terms())]
    for second in range(0, 900, 10):
        desks[0].ask(second, [at(second)])
        desks[1].ask(second, [] if begin <= second // 10 < begin + length else [at(second)])
    assert desks[0].told() == desks[1].told()


def test_what_is_lost_is_told_on_where_it_was_and_ends_after_the_hold() -> None:
    desk = Desk(terms())
    for second in range(0, 600, 10):
        desk.ask(second, seen(second, [(130, 600)], "gone"))
    assert [(second, found.act) for second, found in desk.told()] == [
        (60, "told"), (120, "told"), (180, "told"), (240, "told"), (300, "told"), (360, "ended")
    ]  # fmt: skip
    assert desk.ledger.moving == ()


def test_what_comes_back_after_its_end_has_another_name() -> None:
    desk = Desk(terms())
    for second in range(0, 1200, 10):
        desk.ask(second, seen(second, [(130, 700)], "coasting"))
    names = [found.thing_id for _, found in desk.told()]
    assert len(dict.fromkeys(names)) == 2
    assert desk.told()[-1][1].heading is not None


def test_only_what_stays_long_enough_is_told() -> None:
    desk = Desk(terms(dwell_s=120))
    for second in range(0, 100, 10):
        desk.ask(second, [at(second)])
    for second in range(100, 700, 10):
        desk.ask(second)
    assert desk.told() == []
    for second in range(700, 900, 10):
        desk.ask(second, [at(second)])
    assert [second for second, _ in desk.told()] == [840]


def test_a_delay_tells_of_then_what_was_so_then() -> None:
    desk = Desk(terms(delay_s=300))
    for second in range(0, 700, 10):
        desk.ask(second, [at(second, east_m=second * 1.2)])
    assert [(second, found.time_ns - START) for second, found in desk.told()][:2] == [(360, 60 * NS), (420, 120 * NS)]
    cells = [found.cell.east for _, found in desk.told() if found.cell is not None]
    assert cells[0] == 0


def test_a_stop_ends_everything_at_once_and_what_waits_is_not_told() -> None:
    desk = Desk(terms(delay_s=120))
    for second in range(0, 300, 10):
        desk.ask(second, [at(second)])
    stop = Narrowing(agreement_id="line-7", version=1, officer="Leyla", reason="a leak", time_ns=START)
    desk.terms = terms(delay_s=120, narrowing=stop)
    assert [found.act for found in desk.ask(301, [at(301)])] == ["ended"]
    for second in range(310, 700, 10):
        assert desk.ask(second, [at(second)]) == []


def test_a_stop_ends_alarms_too_and_what_an_officer_told_beyond_the_rules() -> None:
    officers = act(from_ns=START, until_ns=START + 600 * NS)
    desk = Desk(terms(every_s=0, acts=(officers,)))
    assert [each.act for each in desk.ask(5, [alarm(), at(5, north_m=9000)])] == ["told", "told"]
    stop = Narrowing(agreement_id="line-7", version=1, officer="Leyla", reason="a leak", time_ns=START + 6 * NS)
    desk.terms = terms(every_s=0, narrowing=stop, acts=(officers,))
    told = desk.ask(7, [alarm(), at(7, north_m=9000)])
    assert [(each.act, each.basis) for each in told].count(("ended", "rule")) == 1
    assert [(each.act, each.basis) for each in told].count(("ended", "life_at_risk")) == 1
    assert len(told) == 2
    assert desk.ask(8, [alarm(), at(8, north_m=9000)]) == []


def test_an_end_that_waits_is_told_though_its_rule_was_narrowed() -> None:
    desk = Desk(terms(delay_s=600))
    for second in range(0, 900, 10):
        desk.ask(second, [at(second)] if second < 100 else [])
    assert [found.act for _, found in desk.told()][-1] == "told"
    desk.terms = terms(delay_s=1200)
    assert [found.act for found in desk.ask(901)] == ["ended"]


def test_what_is_told_as_it_comes_is_told_once_for_each_time_it_comes() -> None:
    desk = Desk(terms(every_s=0))
    assert len(desk.ask(1, [at(1)])) == 1
    assert desk.ask(2, [at(1)]) == []
    assert desk.ask(3, [at(0)]) == []
    assert len(desk.ask(4, [at(4)])) == 1


def test_a_clock_that_was_wrong_for_once_does_not_stop_what_follows() -> None:
    desk = Desk(terms())
    desk.ask(10**9, [])
    desk.ask(0, [at(0)])
    assert len(desk.ask(60)) == 1


def test_a_clock_that_runs_back_or_an_agreement_that_is_over_tells_nothing() -> None:
    desk = Desk(terms())
    desk.ask(100, [at(100)])
    assert desk.ask(90, [at(80)]) == []
    assert desk.why == ["clock"]
    assert desk.ask(10**6, [at(10**6)]) == []
    assert desk.why == ["not_in_force"]


def alarm(**extra: object) -> Alarm:
    met = Met(rule="line_crossing", rule_id="line", direction="inward", time_ns=START, alert_id="a")
    plain: dict[str, Any] = {
        "alarm_id": "alarm-1", "subject_id": "track-1", "state": "unacknowledged", "priority": "high", "kind": "person",
        "response": "look_and_send", "text": "by tower-3", "met": (met,), "raised_ns": START, "changed_ns": START,
        "latching": True, "seen": Seen(time_ns=START, ground=track().ground),
    }  # fmt: skip
    return Alarm(**(plain | extra))


def test_an_alarm_is_told_once_where_it_was_and_when_it_changes() -> None:
    desk = Desk(terms(every_s=0, fields=("kind", "priority", "alarm_rule")))
    (first,) = desk.ask(1, [alarm()])
    assert desk.ask(2, [alarm(acknowledged_by="Leyla", state="acknowledged")]) == []
    moved = Seen(time_ns=START, ground=track(2000, 900).ground)
    (again,) = desk.ask(3, [alarm(seen=moved, priority="medium")])
    assert (again.cell, again.priority, again.thing_id) == (first.cell, "medium", first.thing_id)
    gone = Seen(time_ns=START, ground=track(2000, 9000).ground)
    (ended,) = desk.ask(4, [alarm(seen=gone, state="closed")])
    assert (ended.act, ended.cell) == ("ended", first.cell)
    assert desk.ask(5, [alarm(seen=gone, state="closed")]) == []


def test_an_alarm_under_a_rule_with_moments_waits_for_the_next() -> None:
    desk = Desk(terms())
    for second in range(1, 130, 10):
        desk.ask(second, [alarm()])
    assert [second for second, _ in desk.told()] == [61]


def test_an_emergency_is_told_at_once_and_the_urgent_comes_first() -> None:
    desk = Desk(terms(acts=(act(from_ns=START, until_ns=START + 600 * NS),)))
    desk.ask(5, [at(5, track_id="track-9")])
    found = desk.ask(65, [at(65, north_m=9000), at(65, track_id="track-9")])
    assert [each.basis for each in found] == ["life_at_risk", "rule"]
    assert [each.act_id for _, each in desk.given[-2:]] == ["act-1", ""]


def test_what_was_recalled_is_not_told_on() -> None:
    desk = Desk(terms())
    desk.ask(0, [at(0)])
    (told,) = desk.ask(60)
    desk.ledger = forget(desk.ledger, told)
    assert desk.ask(120) == []


def test_all_that_is_told_is_in_an_order_that_says_nothing() -> None:
    desk = Desk(terms())
    names = [f"track-{k}" for k in range(12)]
    desk.ask(0, [at(0, track_id=name) for name in names])
    found = desk.ask(60)
    assert [each.thing_id for each in found] == sorted(each.thing_id for each in found)
