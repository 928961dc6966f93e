"""What the desk shows of a partner is what was told last and stands, and nothing that was ended or taken back."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marsad.console.partner_board import REBASE, REBASE_NS, Arrived, MessagesKept, PartnerBoard, PartnerFacts, follow
from marsad.kernel.desk import DeskState
from marsad.kernel.event import (
    DeskKept,
    EmergencyReleased,
    JointSaid,
    LinkTurned,
    PartnerRefused,
    ReleaseHeard,
    ReleaseMade,
    ReleasesStopped,
)
from marsad.kernel.joint import JointMessage, ThreadMessage
from marsad.kernel.partner import Stop
from marsad.kernel.position import Position
from marsad.kernel.release import Cell, EmergencyAct, Release

S = 10**9
FACTS = PartnerFacts(
    party_id="west", name="West", agreement_id="both", version=1, until_ns=10**18,
    anchor=Position(latitude_deg=34.0, longitude_deg=41.0),
)  # fmt: skip
TOLD = Release(
    release_id="r1", agreement_id="both", version=1, rule_id="alarms", giver="west", taker="east", item="alarm",
    thing_id="a", time_ns=S, cell=Cell(east=2, north=-1, size_m=1000), sigma_m=1000,
)  # fmt: skip
EMERGENCY = EmergencyAct(
    act_id="E1", agreement_id="both", kind="life_at_risk", officer="Rana", reason="a child in the river",
    subject_ids=("T1",), from_ns=0, until_ns=60 * S,
)  # fmt: skip


def heard(release: Release, arrival: int = 1) -> ReleaseHeard:
    return ReleaseHeard(time_ns=release.time_ns, release=release, arrival=arrival)


def test_what_was_told_is_drawn_in_the_middle_of_its_cell() -> None:
    board = PartnerBoard(FACTS)
    board.apply(heard(TOLD))
    (thing,) = board.state(S).theirs
    assert thing.release == TOLD
    # 2.5 cells east and half a cell south of the anchor, by the length of a degree there.
    assert thing.position is not None
    assert abs(thing.position.latitude_deg - (34.0 - 500 / 110_920)) < 1e-5
    assert abs(thing.position.longitude_deg - (41.0 + 2500 / 92_385)) < 1e-4


def test_what_they_see_of_ours_is_kept_apart_from_what_they_told() -> None:
    board = PartnerBoard(FACTS)
    ours = replace(TOLD, giver="east", taker="west", thing_id="b")
    board.apply(heard(TOLD))
    board.apply(ReleaseMade(time_ns=S, release=ours, subject_id="T7"))
    state = board.state(S)
    assert [each.release for each in state.theirs] == [TOLD]
    assert [each.release for each in state.ours] == [ours]


def test_what_ended_or_expired_is_shown_no_more() -> None:
    board = PartnerBoard(FACTS)
    board.apply(heard(replace(TOLD, expires_ns=5 * S)))
    assert board.state(4 * S).theirs
    assert not board.state(5 * S).theirs
    board.apply(heard(TOLD))
    board.apply(heard(replace(TOLD, act="ended", release_id="r2")))
    assert not board.state(S).theirs


def test_a_recall_takes_back_what_it_names_and_nothing_newer() -> None:
    newer = replace(TOLD, release_id="r2", time_ns=2 * S)
    recall = replace(TOLD, release_id="r3", act="recalled", replaces="r1")
    standing: dict[str, Release] = {}
    for each in (TOLD, newer, recall):
        follow(standing, each)
    assert standing == {"a": newer}
    follow(standing, replace(recall, replaces="r2"))
    assert standing == {}


def test_what_was_refused_counts_as_taken_in() -> None:
    board = PartnerBoard(FACTS)
    board.apply(heard(TOLD, arrival=3))
    board.apply(PartnerRefused(time_ns=S, party_id="west", arrival=4, reason="it is under another agreement"))
    assert board.arrival == 4


def test_stops_emergencies_and_the_link_are_shown() -> None:
    board = PartnerBoard(FACTS)
    stop = Stop(officer="Rana", reason="a leak", time_ns=S)
    board.apply(ReleasesStopped(time_ns=S, party_id="west", stop=stop, officer="Rana"))
    board.apply(EmergencyReleased(time_ns=S, party_id="west", act=EMERGENCY))
    board.apply(LinkTurned(time_ns=S, party_id="west", state="refused", reason="clock"))
    state = board.state(59 * S)
    assert (state.stop, state.emergencies, state.link.state) == (stop, (EMERGENCY,), "refused")
    assert board.state(60 * S).emergencies == ()
    board.apply(ReleasesStopped(time_ns=S, party_id="west", stop=None, officer="Omar"))
    assert board.state(S).stop is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["told", "ended"])), max_size=12))
def test_a_board_that_was_kept_goes_on_as_if_it_had_not_been(steps: list[tuple[str, str]]) -> None:
    events = [
        heard(replace(TOLD, thing_id=name, act=act, release_id=f"r{number}"), number)  # type: ignore[arg-type]
        for number, (name, act) in enumerate(steps)
    ]
    whole = PartnerBoard(FACTS)
    half = PartnerBoard(FACTS)
    for number, event in enumerate(events):
        whole.apply(event)
        half.apply(event)
        if number == len(events) // 2:
            kept = PartnerBoard(FACTS)
            kept.restore(half.state(S), half.keeping(S), Arrived(half.arrival, half.epoch))
            half = kept
    assert (half.state(S), half.arrival) == (whole.state(S), whole.arrival)


def said(number: int) -> JointSaid:
    message = JointMessage(
        author="east", sequence=number, salt="0" * 16, time_ns=number * S, stamp_ns=number * S, by="operator",
        body=ThreadMessage(text=f"word {number}"), agreement_version=1,
    )  # fmt: skip
    return JointSaid(time_ns=number * S, message=message)


def kept_at(board: PartnerBoard, sequence: int, now_ns: int) -> DeskKept:
    """Keep a board as the log does."""
    kept = board.keeping(now_ns)
    state = DeskState(sequence=sequence - 1, now_ns=now_ns, site_name="", origin=FACTS.anchor)
    event = DeskKept(
        time_ns=now_ns, state=state, named={}, sounded_ns=(), acts=(), statements=(), previous=-1, picture=-1,
        messages=kept.messages, messages_from=kept.base, gone=kept.gone,
    )  # fmt: skip
    board.kept(sequence, event)
    return event


def test_a_keeping_has_what_is_new_and_names_the_one_that_has_the_rest() -> None:
    board = PartnerBoard(FACTS)
    for number in range(1, 1001):
        board.apply(said(number))
    whole = kept_at(board, 10, S)
    assert (len(whole.messages), whole.messages_from) == (1000, -1)
    for number in range(1001, 1004):
        board.apply(said(number))
    part = kept_at(board, 20, 2 * S)
    assert ([each.sequence for each in part.messages], part.messages_from) == ([1001, 1002, 1003], 10)
    again = PartnerBoard(FACTS)
    again.restore(board.state(S), MessagesKept(part.messages, 10, part.gone), Arrived(0), whole.messages)
    assert again.messages == board.messages
    assert [each.sequence for each in again.said_after("east", 1001)] == [1002, 1003]
    for number in range(1004, 1004 + REBASE):
        board.apply(said(number))
    assert kept_at(board, 30, 3 * S).messages_from == -1
    assert kept_at(board, 40, 4 * S).messages == ()
    assert kept_at(board, 50, 4 * S + REBASE_NS).messages_from == -1


def test_what_is_let_go_of_is_kept_no_more_but_how_far_that_goes_is() -> None:
    board = PartnerBoard(FACTS)
    for number in range(1, 5):
        board.apply(said(number))
    board.let_go([said(1).message.message_id, said(2).message.message_id], {"east": 2, "west": 0})
    kept = board.keeping(S)
    assert [each.sequence for each in kept.messages] == [3, 4]
    assert kept.gone == {"east": 2, "west": 0}
    assert [each.sequence for each in board.said_after("east", 0)] == [3, 4]
