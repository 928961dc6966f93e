"""The board kept up to date is the one worked out anew, and what is over long ago is let go of without a trace."""

import contextlib
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_joint import HERE, HOUR, NOW, OFFICER, OPENERS, STEP, S, Side, meet, pair, possible, terms

from marsad.coordinate.admission import references
from marsad.coordinate.coarse import agreed_posts, grid_of
from marsad.coordinate.courses import COURSES
from marsad.coordinate.joint import JointDesk
from marsad.coordinate.standing import Standing, is_over
from marsad.coordinate.watch_roster import watch
from marsad.kernel.error import RefusedError
from marsad.kernel.joint import (
    Answer,
    Delivery,
    HandoverOffer,
    JointBoard,
    JointLine,
    JointMessage,
    JointRefusal,
    Recall,
    ReleaseOpened,
    ReleasesOpened,
    RosterProposal,
    Slot,
    SlotOffer,
    ThreadMessage,
)

KEPT = 10 * HOUR


def worked_out(desk: JointDesk, now_ns: int) -> JointBoard:
    """The board from all messages, one by one, and from nothing that was kept."""
    messages = desk.messages()
    places = {(each.author, each.sequence) for each in messages}

    def lacks(message: JointMessage) -> bool:
        needed = () if isinstance(message.body, Delivery) else references(message.body)
        return any((each.rsplit("/", 2)[0], int(each.rsplit("/", 2)[1])) not in places for each in needed)

    counts = [each for each in messages if not desk.refused(each) and not lacks(each)]
    opened: dict[tuple[str, str], ReleaseOpened] = {}
    for each in counts:
        if isinstance(each.body, ReleasesOpened):
            for name in each.body.releases:
                opened.setdefault((name, each.author), ReleaseOpened(release=name, by=each.by, time_ns=each.time_ns))
    return JointBoard(
        now_ns=now_ns,
        things=tuple(desk.thing(each.message_id, now_ns) for each in counts if type(each.body) in COURSES),
        lines=tuple(
            JointLine(message=each, delivery=desk.delivery(each))
            for each in counts if isinstance(each.body, ThreadMessage)
        ),
        opened=tuple(opened[key] for key in sorted(opened)),
        waiting=tuple(each.message_id for each in messages if lacks(each)),
        refused=tuple(JointRefusal(message_id=e.message_id, reason=why) for e in messages if (why := desk.refused(e))),
    )  # fmt: skip


@given(st.lists(STEP, max_size=40), st.integers(0, 40), st.integers(0, 10**6))
@settings(deadline=None, max_examples=80)
def test_the_board_kept_up_to_date_is_the_one_worked_out_anew(
    steps: list[tuple[str, bool, int]], when: int, seed: int
) -> None:
    """After every step, with time going on, and back; words that are turned away among them."""
    east, west = Side("east", seed), Side("west", seed)
    now = NOW
    for n, (what, at_east, number) in enumerate(steps):
        if n == when:
            east.desk.go_by(terms("east", version=2, kinds=("words", "handover")))
        side, other = (east, west) if at_east else (west, east)
        now += 1 + (number % 400 - 40) * S
        if what == "say":
            choices = possible(side, now)
            with contextlib.suppress(RefusedError):
                side.say(choices[number % len(choices)], now)
        elif what == "hear" and other.sent:
            side.hear(other.sent[number % len(other.sent)], now)
        for each in (east, west):
            assert each.desk.board(now) == worked_out(each.desk, now)
            open_ = [thing for thing in worked_out(each.desk, now).things if not is_over(thing, now)]
            assert each.desk.open_matters(now) == len(open_)


def test_of_what_is_over_the_newest_is_shown_and_of_what_is_open_everything() -> None:
    east, west = pair()
    offers = [east.say(HandoverOffer(told_as=f"t{n}", cells=HERE, until_ns=NOW + HOUR), NOW + n) for n in range(20)]
    meet(east, west)
    for n in (*range(3, 20), 0):
        west.say(Answer(about=offers[n].message_id, says="declined"), NOW + (40 + n) * S + (n == 0) * HOUR // 2)
    meet(east, west, NOW + HOUR // 2 + 60 * S)
    shown = east.desk.board(NOW + HOUR // 2 + 60 * S, 2).things
    assert [thing.opened.body.told_as for thing in shown] == ["t0", "t1", "t2", "t19"]  # type: ignore[union-attr]


def talk(side: Side, other: Side, count: int, at_ns: int) -> None:
    for n in range(count):
        side.say(ThreadMessage(text=f"word {n}"), at_ns + n * S)
    meet(side, other, at_ns + count * S)


def test_what_is_over_long_ago_is_let_go_of_and_what_is_open_stays_whole() -> None:
    east, west = pair()
    talk(east, west, 5, NOW)
    post = east.say(OPENERS[6](NOW), NOW + HOUR)
    meet(east, west, NOW + HOUR)
    west.say(Answer(about=post.message_id, says="accepted"), NOW + HOUR + S)
    about = west.say(ThreadMessage(text="The hill is good", about=post.message_id), NOW + HOUR + 2 * S)
    east.say(Recall(releases=("r1",), reason="wrong place"), NOW + HOUR + 3 * S)
    meet(east, west, NOW + HOUR + 4 * S)
    later = NOW + KEPT + 2 * HOUR
    talk(west, east, 3, later)
    for side in (east, west):
        before = side.desk.board(later)
        dropped = side.desk.let_go(later - KEPT, 10**6)
        assert dropped
        after = side.desk.board(later)
        assert after == worked_out(side.desk, later)
        assert [thing.thing_id for thing in after.things] == [post.message_id]
        assert after.things[0] == next(each for each in before.things if each.thing_id == post.message_id)
        assert [line.message.body.text for line in after.lines] == [  # type: ignore[union-attr]
            "The hill is good", "word 0", "word 1", "word 2",
        ]  # fmt: skip
        assert about.message_id not in dropped
        again = JointDesk(terms(side.name), side.desk.messages(), side.desk.gone)
        assert again.board(later) == after
        assert again.gone == side.desk.gone
    assert east.desk.board(later).things == west.desk.board(later).things


@pytest.mark.parametrize("says", ["taken", "declined"])
def test_a_slot_far_ahead_is_held_until_its_hours_are_over(says: Literal["taken", "declined"]) -> None:
    """Who watches then follows from it, however long ago it was settled."""
    east, west = pair()
    post = east.say(OPENERS[6](NOW), NOW)
    meet(east, west, NOW)
    west.say(Answer(about=post.message_id, says="accepted"), NOW + S)
    meet(east, west, NOW + S)
    begin = NOW + 5 * KEPT
    roster = RosterProposal(post=post.message_id, slots=(Slot(from_ns=begin, until_ns=begin + HOUR, party="east"),))
    agreed = east.say(roster, NOW + 2 * S)
    meet(east, west, NOW + 2 * S)
    west.say(Answer(about=agreed.message_id, says="accepted"), NOW + 3 * S)
    offer = SlotOffer(post=post.message_id, from_ns=begin, until_ns=begin + HOUR, cannot=True)
    offered = east.say(offer, NOW + 4 * S)
    meet(east, west, NOW + 4 * S)
    west.say(Answer(about=offered.message_id, says=says), NOW + 5 * S)
    meet(east, west, NOW + 5 * S)

    def watching(side: Side, now_ns: int) -> str:
        things = side.desk.board(now_ns, 0).things
        (stands,) = agreed_posts(things, grid_of(terms(side.name)))
        return watch(things, stands, ("east", "west"), begin, begin + HOUR)[0].party

    for side in (east, west):
        for now_ns in (NOW + HOUR, NOW + 2 * KEPT, begin + HOUR // 2, begin + HOUR):
            side.desk.board(now_ns)
            dropped = side.desk.let_go(now_ns - KEPT, 10**6)
            assert offered.message_id not in dropped
            assert watching(side, now_ns) == ("west" if says == "taken" else "")
            assert side.desk.board(now_ns) == worked_out(side.desk, now_ns)
        shown = {thing.thing_id for thing in side.desk.board(begin + 2 * HOUR, 0).things}
        assert offered.message_id not in shown


def test_a_clock_that_was_set_back_lets_a_slot_stand_again() -> None:
    east, west = pair()
    post = east.say(OPENERS[6](NOW), NOW)
    meet(east, west, NOW)
    west.say(Answer(about=post.message_id, says="accepted"), NOW + S)
    meet(east, west, NOW + S)
    offered = east.say(SlotOffer(post=post.message_id, from_ns=NOW + HOUR, until_ns=NOW + 2 * HOUR), NOW + 2 * S)
    meet(east, west, NOW + 2 * S)
    west.say(Answer(about=offered.message_id, says="taken"), NOW + 3 * S)
    meet(east, west, NOW + 3 * S)
    matters = [east.desk.open_matters(NOW + hours * HOUR) for hours in (1, 3, 1, 3)]
    assert matters == [2, 1, 2, 1]


def test_what_was_let_go_of_never_comes_back_and_no_number_is_given_twice() -> None:
    east, west = pair()
    talk(east, west, 4, NOW)
    sent = [*east.sent]
    later = NOW + KEPT + 2 * HOUR
    for side in (east, west):
        side.desk.let_go(later - KEPT, 10**6)
    assert west.desk.messages() == ()
    for payload in sent:
        heard = west.hear(payload, later)
        assert (heard.message, heard.refused, heard.replies) == (None, "", ())
    again = JointDesk(terms("east"), (), east.desk.gone)
    said = again.propose(ThreadMessage(text="On"), OFFICER, later, "0" * 16)
    assert said.sequence == 1 + east.desk.gone["east"]


def test_what_is_not_on_its_way_yet_or_has_a_gap_before_it_is_held() -> None:
    east, west = pair()
    words = [east.say(ThreadMessage(text=f"{n}"), NOW + n * S) for n in range(4)]
    for n in (0, 2, 3):
        west.hear(east.sent[n], NOW + 10 * S)
    later = NOW + KEPT + 2 * HOUR
    assert west.desk.let_go(later - KEPT, 10**6) >= {words[0].message_id}
    held = [each for each in west.desk.messages() if each.author == "east"]
    assert held == words[2:]
    west.hear(east.sent[1], later)
    assert words[1].message_id in {line.message.message_id for line in west.desk.board(later).lines}
    assert east.desk.let_go(later - KEPT, 2) == {words[0].message_id, words[1].message_id}


@pytest.mark.parametrize("count", [50, 400])
def test_a_word_costs_as_much_among_many_as_among_few(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted, not timed: how many messages are worked out anew for one that comes, and for a board."""
    east, west = pair()
    rng = np.random.default_rng(1)
    for n in range(count):
        side = (east, west)[int(rng.integers(2))]
        side.say(OPENERS[(0, 2, 6)[n % 3]](NOW + n * S), NOW + n * S)
    meet(east, west, NOW + count * S)
    worked: list[JointMessage] = []
    change = Standing.change
    monkeypatch.setattr(Standing, "change", lambda self, message: (worked.append(message), change(self, message))[1])
    west.hear(east.sent[-1], NOW + count * S)
    east.say(ThreadMessage(text="one more"), NOW + count * S)
    east.desk.board(NOW + count * S)
    assert len(worked) <= 4
