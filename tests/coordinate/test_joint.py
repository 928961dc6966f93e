"""Two desks over a link that delays, repeats and mixes up, and a partner that says what it may not."""

import re
from collections.abc import Callable, Iterable
from typing import get_args

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.coordinate.admission import ANSWERERS, KINDS, ROLES
from marsad.coordinate.courses import COURSES, TABLES, may_say
from marsad.coordinate.joint import Heard, JointDesk, urgent
from marsad.coordinate.packing import pack, unpack
from marsad.kernel.act import Person
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.joint import (
    Answer,
    Body,
    Cells,
    Correction,
    CorridorNotice,
    CourseHappening,
    CoverageOffer,
    Delivery,
    EmergencyNotice,
    Finding,
    HandoverOffer,
    IncidentProposal,
    JointKind,
    JointMessage,
    JointTerms,
    JointThing,
    LookRequest,
    NotUnderstood,
    Phrase,
    PostProposal,
    Recall,
    ReleaseOpened,
    ReleasesOpened,
    RosterProposal,
    Slot,
    SlotClaim,
    SlotOffer,
    ThreadMessage,
)
from marsad.kernel.position import Position
from marsad.kernel.role import Role

S = 10**9
NOW = 1_760_000_000 * S
HOUR = 3600 * S
ANCHOR = Position(latitude_deg=34.0, longitude_deg=41.0)
OFFICER = Person(name="Sana", role="supervisor")
WATCH = Person(name="Rami", role="operator")
HERE = Cells(size_m=2000, cells=((3, 4),))
SEEN = Cells(size_m=3000, cells=((3, 4),))
WIDE = Cells(size_m=3000, cells=tuple((east, north) for east in range(3) for north in range(3)))


def terms(ours: str = "east", **changed: object) -> JointTerms:
    theirs = "west" if ours == "east" else "east"
    known = JointTerms(
        ours=ours, theirs=theirs, version=1, from_ns=NOW - 24 * HOUR, until_ns=NOW + 100 * HOUR, anchor=ANCHOR,
        cell_m=2000, coverage_cell_m=3000,
        protected_distance_m=1000, kinds=get_args(JointKind),
    )  # fmt: skip
    return msgspec.structs.replace(known, **changed)


class Side:
    """A desk with its clock and what it has sent."""

    def __init__(self, name: str, seed: int = 0, off_ns: int = 0) -> None:
        self.desk = JointDesk(terms(name))
        self.name = name
        self.off_ns = off_ns
        self.sent: list[bytes] = []
        self.heard: list[Heard] = []
        self._rng = np.random.default_rng([seed, len(name), ord(name[0])])

    def salt(self) -> str:
        return self._rng.bytes(8).hex()

    def say(self, body: Body, at_ns: int = NOW, who: Person = OFFICER, exercise: str = "") -> JointMessage:
        message = self.desk.propose(body, who, at_ns + self.off_ns, self.salt(), exercise=exercise)
        self.sent.append(pack(message))
        return message

    def hear(self, payload: bytes, at_ns: int = NOW) -> Heard:
        heard = self.desk.hear(payload, at_ns + self.off_ns, self.salt())
        self.sent += map(pack, heard.replies)
        self.heard.append(heard)
        return heard

    def thing(self, message: JointMessage, at_ns: int = NOW) -> JointThing:
        return self.desk.thing(message.message_id, at_ns)


def meet(one: Side, two: Side, at_ns: int = NOW) -> None:
    """Let each hear all that the other sent, and the receipts for it."""
    for _ in range(3):
        for side, other in ((one, two), (two, one)):
            for payload in list(other.sent):
                side.hear(payload, at_ns)


def pair() -> tuple[Side, Side]:
    return Side("east"), Side("west")


OPENERS: tuple[Callable[[int], Body], ...] = (
    lambda _: ThreadMessage(text="Good evening", language="en"),
    lambda _: ThreadMessage(phrase=Phrase(key="animal")),
    lambda _: IncidentProposal(kind="civilians", text="Two families at the wadi", cells=HERE),
    lambda now: HandoverOffer(told_as="t1", cells=HERE, until_ns=now + 300 * S),
    lambda now: LookRequest(cells=HERE, until_ns=now + 600 * S),
    lambda _: CoverageOffer(cells=WIDE),
    lambda _: PostProposal(name="Hill", size_m=2000, cell=(3, 4), manned_by=("east",), covers=SEEN),
    lambda now: CorridorNotice(name="P1", cells=HERE, from_ns=now, until_ns=now + HOUR),
    lambda _: ReleasesOpened(releases=("r1", "r4")),
    lambda _: Recall(releases=("r1",), reason="wrong place"),
    lambda _: Correction(release="r2", replaced_by="r3", reason="two, not three"),
    lambda now: EmergencyNotice(kind="life_at_risk", until_ns=now + 900 * S, reason="A child is in the river"),
)


def finding(says: CourseHappening, now_ns: int) -> Finding | None:
    return Finding(seen_ns=now_ns, kind="person") if says == "seen" else None


def possible(side: Side, now_ns: int) -> list[Body]:
    """Everything that this side may say now."""
    board = side.desk.board(now_ns)
    found: list[Body] = [opener(now_ns) for opener in OPENERS]
    for thing in board.things:
        mine = thing.opened.author == side.name
        found.append(ThreadMessage(text="About that", about=thing.thing_id))
        if isinstance(thing.opened.body, PostProposal):
            slots = (Slot(from_ns=now_ns, until_ns=now_ns + HOUR, party="east"),)
            found.append(RosterProposal(post=thing.thing_id, slots=slots))
            found.append(SlotOffer(post=thing.thing_id, from_ns=now_ns, until_ns=now_ns + HOUR, cannot=True))
            found.append(SlotClaim(post=thing.thing_id, from_ns=now_ns, until_ns=now_ns + HOUR))
        if isinstance(thing.opened.body, Recall | Correction):
            continue
        found += [
            Answer(about=thing.thing_id, says=says, finding=finding(says, now_ns))
            for says in TABLES[thing.course][thing.state]
            if may_say(thing.course, says, opener=mine)
        ]
    theirs = [line.message for line in board.lines if line.message.author != side.name]
    found += [ThreadMessage(text="Yes", reply_to=each.message_id) for each in theirs]
    found += [Delivery(of=(each.message_id,), state="opened") for each in theirs]
    return found


STEP = st.tuples(st.sampled_from(["say", "say", "hear", "hear", "break"]), st.booleans(), st.integers(0, 10**6))


@given(st.lists(STEP, max_size=40), st.integers(-200, 200), st.integers(0, 10**6))
@settings(deadline=None, max_examples=120)
def test_both_sides_stand_alike_whatever_the_link_does(
    steps: list[tuple[str, bool, int]], off_s: int, seed: int
) -> None:
    """Any acts, in any order, delayed, repeated and mixed up, with clocks minutes apart."""
    east, west = Side("east", seed), Side("west", seed, off_s * S)
    now = NOW
    for what, at_east, number in steps:
        side, other = (east, west) if at_east else (west, east)
        now += 1 + (number % 120) * S
        if what == "say":
            choices = possible(side, now + side.off_ns)
            side.say(choices[number % len(choices)], now)
        elif what == "hear" and other.sent:
            side.hear(other.sent[number % len(other.sent)], now)
    now += HOUR
    meet(east, west, now)
    assert not [heard.refused for heard in (*east.heard, *west.heard) if heard.refused]
    board = east.desk.board(now)
    assert board == west.desk.board(now)
    assert not board.waiting
    messages = list(west.desk.messages())
    assert messages == list(east.desk.messages())
    np.random.default_rng(seed).shuffle(messages)
    assert JointDesk(terms("west"), [*messages, *messages[: seed % 5]]).board(now) == board


@given(st.lists(STEP, max_size=40), st.integers(0, 40), st.integers(0, 10**6))
@settings(deadline=None, max_examples=80)
def test_both_sides_stand_alike_though_one_narrows_the_agreement_and_turns_away_what_comes(
    steps: list[tuple[str, bool, int]], when: int, seed: int
) -> None:
    east, west = Side("east", seed), Side("west", seed)
    now = NOW
    for n, (what, at_east, number) in enumerate(steps):
        if n == when:
            east.desk.go_by(terms("east", version=2, kinds=("words",)))
        side, other = (east, west) if at_east else (west, east)
        now += 1 + (number % 120) * S
        if what == "say":
            choices = possible(side, now)
            try:
                side.say(choices[number % len(choices)], now)
            except RefusedError as error:
                assert "the agreement does not allow" in str(error)  # noqa: PT017 - most are not refused
        elif what == "hear" and other.sent:
            side.hear(other.sent[number % len(other.sent)], now)
    meet(east, west, now)
    assert east.desk.board(now) == west.desk.board(now)


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 12))
@settings(deadline=None, max_examples=40)
def test_an_hour_apart_with_both_at_work_ends_alike(seed: int, ours: int, theirs: int) -> None:
    east, west = Side("east", seed), Side("west", seed, 90 * S)
    rng = np.random.default_rng(seed)
    opened = [east.say(opener(NOW)) for opener in OPENERS[2:7]] + [west.say(opener(NOW)) for opener in OPENERS[2:7]]
    meet(east, west)
    for side, count in ((east, ours), (west, theirs)):
        for n in range(count):
            at = NOW + (n + 1) * HOUR // 13
            everything = possible(side, at + side.off_ns)
            choices = [each for each in everything if isinstance(each, Answer)] or everything
            side.say(choices[rng.integers(len(choices))], at)
    for side, other in ((east, west), (west, east)):
        payloads = list(other.sent)
        rng.shuffle(payloads)
        for payload in payloads:
            side.hear(payload, NOW + HOUR)
    meet(east, west, NOW + HOUR)
    assert east.desk.board(NOW + HOUR) == west.desk.board(NOW + HOUR)
    assert len(east.desk.board(NOW + HOUR).things) >= len(opened)


def test_a_desk_made_of_what_was_said_goes_on_where_it_was() -> None:
    east, west = pair()
    message = east.say(OPENERS[2](NOW))
    meet(east, west)
    again = JointDesk(terms("east"), east.desk.messages())
    assert again.board(NOW) == east.desk.board(NOW)
    said = again.propose(ThreadMessage(text="On", about=message.message_id), OFFICER, NOW, "0" * 16)
    assert said.sequence == len([each for each in east.desk.messages() if each.author == "east"]) + 1
    assert said.stamp_ns > message.stamp_ns


def test_an_answer_is_never_stamped_before_what_it_answers_though_the_clock_is_behind() -> None:
    east, west = Side("east"), Side("west", off_ns=-240 * S)
    asked = east.say(OPENERS[4](NOW))
    meet(east, west)
    answer = west.say(Answer(about=asked.message_id, says="nothing_seen"))
    assert answer.time_ns < asked.time_ns < answer.stamp_ns
    meet(east, west)
    assert east.thing(asked).state == "answered"


# What becomes of what crossed.


def test_what_was_taken_stays_taken_though_the_offer_was_withdrawn_meanwhile() -> None:
    east, west = pair()
    offer = east.say(OPENERS[3](NOW))
    meet(east, west)
    east.say(Answer(about=offer.message_id, says="withdrawn"), NOW + S)
    west.say(Answer(about=offer.message_id, says="taken", told_as="w7"), NOW + 2 * S)
    meet(east, west, NOW + 3 * S)
    assert {side.thing(offer, NOW + 3 * S).state for side in (east, west)} == {"taken"}
    assert east.thing(offer).answers[-1].body == Answer(about=offer.message_id, says="taken", told_as="w7")


def test_nothing_is_agreed_that_its_proposer_withdrew_meanwhile() -> None:
    east, west = pair()
    offer = east.say(OPENERS[2](NOW))
    meet(east, west)
    west.say(Answer(about=offer.message_id, says="accepted"), NOW + S)
    east.say(Answer(about=offer.message_id, says="withdrawn"), NOW + 2 * S)
    assert west.thing(offer).state == "agreed"
    meet(east, west, NOW + 3 * S)
    assert {side.thing(offer).state for side in (east, west)} == {"withdrawn"}


def test_a_handover_that_nobody_takes_expires_and_one_that_was_taken_in_time_counts_when_it_comes() -> None:
    east, west = pair()
    offer = east.say(OPENERS[3](NOW))
    meet(east, west)
    west.say(Answer(about=offer.message_id, says="received"), NOW + S, WATCH)
    west.say(Answer(about=offer.message_id, says="taken"), NOW + 299 * S, WATCH)
    assert east.thing(offer, NOW + 400 * S).state == "expired"
    with pytest.raises(RefusedError, match="it is expired: withdrawn cannot be said then"):
        east.say(Answer(about=offer.message_id, says="withdrawn"), NOW + 400 * S)
    meet(east, west, NOW + 400 * S)
    assert east.thing(offer, NOW + 400 * S).state == "taken"


def test_what_is_said_after_its_time_changes_nothing() -> None:
    east, west = pair()
    offer = east.say(OPENERS[3](NOW))
    meet(east, west)
    with pytest.raises(RefusedError, match="it is expired"):
        west.say(Answer(about=offer.message_id, says="taken"), NOW + 301 * S)
    late = forged(west, Answer(about=offer.message_id, says="taken"), at_ns=NOW + 301 * S)
    east.hear(pack(late), NOW + 302 * S)
    thing = east.thing(offer, NOW + 302 * S)
    assert (thing.state, thing.overtaken) == ("expired", (late.message_id,))


def test_what_was_seen_too_late_is_told_all_the_same() -> None:
    east, west = pair()
    asked = east.say(OPENERS[4](NOW))
    meet(east, west)
    assert west.thing(asked, NOW + 700 * S).state == "expired"
    found = Finding(seen_ns=NOW + 690 * S, kind="person")
    west.say(Answer(about=asked.message_id, says="seen", finding=found), NOW + 700 * S, WATCH)
    meet(east, west, NOW + 700 * S)
    assert east.thing(asked, NOW + 700 * S).state == "answered"


# How far a message has come.


def test_words_are_sent_received_opened_and_answered() -> None:
    east, west = pair()
    words = east.say(ThreadMessage(phrase=Phrase(key="link_test")), who=WATCH)
    assert east.desk.delivery(words) == "sent"
    west.hear(east.sent[0])
    assert east.desk.delivery(words) == "sent"
    meet(east, west)
    assert east.desk.delivery(words) == "received"
    west.say(Delivery(of=(words.message_id,), state="opened"), who=WATCH)
    meet(east, west)
    assert east.desk.delivery(words) == "opened"
    west.say(ThreadMessage(phrase=Phrase(key="received"), reply_to=words.message_id), who=WATCH)
    meet(east, west)
    assert [line.delivery for line in east.desk.board(NOW).lines] == ["answered", "received"]
    assert east.desk.board(NOW) == west.desk.board(NOW)


def test_both_know_who_opened_a_release_and_when_it_was_opened_first() -> None:
    east, west = pair()
    west.say(ReleasesOpened(releases=("r1",)), NOW + S, WATCH)
    west.say(ReleasesOpened(releases=("r1", "r2")), NOW + 2 * S)
    meet(east, west)
    assert east.desk.board(NOW).opened == (
        ReleaseOpened(release="r1", by="operator", time_ns=NOW + S),
        ReleaseOpened(release="r2", by="supervisor", time_ns=NOW + 2 * S),
    )
    assert east.desk.board(NOW) == west.desk.board(NOW)


def test_what_came_before_is_neither_taken_in_nor_answered_again() -> None:
    east, west = pair()
    east.say(OPENERS[0](NOW))
    assert len(west.hear(east.sent[0]).replies) == 1
    assert west.hear(east.sent[0]) == Heard(None)
    receipt = west.sent[0]
    assert east.hear(receipt).replies == ()


# What a partner may not say.


def forged(side: Side, body: Body, at_ns: int = NOW, **changed: object) -> JointMessage:
    """What a partner whose software keeps no rules would send."""
    mine = [each for each in side.desk.messages() if each.author == side.name]
    said = JointMessage(
        author=side.name, sequence=len(mine) + 1, salt=side.salt(), time_ns=at_ns, stamp_ns=at_ns, by="supervisor",
        body=body, agreement_version=1,
    )  # fmt: skip
    return msgspec.structs.replace(said, **changed)


def refused(side: Side, message: JointMessage, at_ns: int = NOW + S) -> str:
    heard = side.hear(pack(message), at_ns)
    assert heard.refused
    return heard.refused


def test_a_partner_does_not_accept_its_own_proposal() -> None:
    east, west = pair()
    proposal = west.say(OPENERS[2](NOW))
    meet(east, west)
    said = forged(west, Answer(about=proposal.message_id, says="accepted"), NOW + S)
    assert "accepted is not for the side that opened it to say" in refused(east, said)
    assert east.thing(proposal).state == "proposed"
    assert said.message_id in {each.message_id for each in east.desk.board(NOW).refused}


def test_a_partner_does_not_withdraw_our_proposal() -> None:
    east, west = pair()
    proposal = east.say(OPENERS[2](NOW))
    meet(east, west)
    said = forged(west, Answer(about=proposal.message_id, says="withdrawn"), NOW + S)
    assert "withdrawn is not for the other side to say" in refused(east, said)
    assert east.thing(proposal).state == "proposed"


def test_a_partner_does_not_speak_for_us() -> None:
    east, west = pair()
    said = forged(west, OPENERS[2](NOW), author="east")
    assert refused(east, said) == "it is west that speaks here, not east"
    assert refused(east, forged(west, OPENERS[2](NOW), author="south")) == "it is west that speaks here, not south"
    assert east.desk.messages() == ()


def test_a_partner_does_not_say_two_things_in_one_place() -> None:
    east, west = pair()
    first = forged(west, OPENERS[2](NOW))
    assert not east.hear(pack(first)).refused
    other = forged(west, OPENERS[0](NOW), sequence=first.sequence)
    assert refused(east, other) == f"{first.message_id} stands in its place already"
    assert east.thing(first).state == "proposed"


def test_an_answer_to_what_we_never_said_is_refused() -> None:
    east, west = pair()
    said = forged(west, Answer(about="east/7/0123456789abcdef", says="accepted"))
    assert refused(east, said) == "we said no message east/7/0123456789abcdef"
    proposal = east.say(OPENERS[2](NOW))
    other = proposal.message_id[:-1] + ("0" if proposal.message_id[-1] != "0" else "1")
    said = forged(west, Answer(about=other, says="accepted"), NOW + S, sequence=2)
    assert refused(east, said) == f"there is no message {other}"
    elsewhere = forged(west, Answer(about="south/1/0123456789abcdef", says="accepted"), sequence=9)
    assert refused(east, elsewhere) == "south is no party to the agreement"


def test_an_answer_that_comes_before_what_it_rests_on_waits_for_it() -> None:
    east, west = pair()
    proposal = west.say(OPENERS[2](NOW))
    withdrawal = west.say(Answer(about=proposal.message_id, says="withdrawn"), NOW + S)
    east.hear(pack(withdrawal), NOW + S)
    assert east.desk.board(NOW).waiting == (withdrawal.message_id,)
    east.hear(pack(proposal), NOW + S)
    assert east.desk.board(NOW).waiting == ()
    assert east.thing(proposal).state == "withdrawn"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"time_ns": NOW + 400 * S, "stamp_ns": NOW + 400 * S}, "its clock is ahead by more than five minutes"),
        ({"stamp_ns": NOW + 200 * S, "time_ns": NOW - 200 * S}, "its stamp does not go with its clock"),
        ({"stamp_ns": NOW - 1}, "its stamp does not go with its clock"),
        (
            {"time_ns": NOW - 48 * HOUR, "stamp_ns": NOW - 48 * HOUR},
            "the agreement is not in force at that time",
        ),
    ],
)
def test_clock_errors_are_refused_and_count_on_neither_side(changed: dict[str, int], says: str) -> None:
    east, west = pair()
    said = forged(west, OPENERS[2](NOW), **changed)
    west.desk._keep(said)
    west.sent.append(pack(said))
    assert refused(east, said, NOW) == says
    meet(east, west)
    assert west.desk.delivery(said) == "refused"
    assert east.desk.board(NOW) == west.desk.board(NOW)
    assert east.desk.board(NOW).things == ()
    assert [each.reason for each in west.desk.board(NOW).refused] == [says]


def test_what_was_received_cannot_be_refused_afterwards() -> None:
    east, west = pair()
    proposal = east.say(OPENERS[2](NOW))
    meet(east, west)
    east.hear(pack(forged(west, Delivery(of=(proposal.message_id,), state="refused"), NOW + S)))
    assert east.thing(proposal).delivery == "received"
    assert not east.desk.refused(proposal)


def test_nobody_gives_receipts_for_their_own_messages() -> None:
    east, west = pair()
    words = west.say(OPENERS[0](NOW))
    meet(east, west)
    said = forged(west, Delivery(of=(words.message_id,), state="opened"), NOW + S)
    assert "nobody says of their own messages" in refused(east, said)
    assert east.desk.delivery(words) == "received"


def test_what_is_played_and_what_is_real_are_kept_apart() -> None:
    east, west = pair()
    proposal = east.say(OPENERS[2](NOW), exercise="Night owl")
    meet(east, west)
    with pytest.raises(RefusedError, match="what is played and what is real are kept apart"):
        west.say(Answer(about=proposal.message_id, says="accepted"), NOW + S)
    said = forged(west, Answer(about=proposal.message_id, says="accepted"), NOW + S)
    assert refused(east, said) == "what is played and what is real are kept apart"
    west.say(Answer(about=proposal.message_id, says="accepted"), NOW + S, exercise="Night owl")


def test_a_recall_is_never_taken_back() -> None:
    east, west = pair()
    recall = west.say(OPENERS[9](NOW), who=WATCH)
    with pytest.raises(RefusedError, match="nobody may say so"):
        west.say(Answer(about=recall.message_id, says="ended"), NOW + S)
    meet(east, west)
    said = forged(west, Answer(about=recall.message_id, says="ended"), NOW + S)
    assert refused(east, said) == "ended is not for the side that opened it to say of a recall"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (ThreadMessage(), "a message is either words or a ready phrase"),
        (ThreadMessage(text="x", phrase=Phrase(key="animal")), "a message is either words or a ready phrase"),
        (ThreadMessage(phrase=Phrase(key="attack")), "there is no ready phrase attack here"),
        (LookRequest(cells=Cells(size_m=100, cells=((1, 1),)), until_ns=NOW + S * 60), "in cells of 2000 m"),
        (LookRequest(cells=Cells(size_m=2000, cells=((1, 1), (1, 1))), until_ns=NOW + S * 60), "named twice"),
        (CoverageOffer(cells=msgspec.structs.replace(WIDE, size_m=2000)), "told in cells of 3000 m"),
        (LookRequest(cells=HERE, until_ns=NOW), "it is over before it begins"),
        (CoverageOffer(cells=SEEN), "coverage is told as no fewer than 6 cells that hang together"),
        (
            CoverageOffer(cells=Cells(size_m=3000, cells=(*WIDE.cells, (50, 50)))),
            "coverage is told as no fewer than 6 cells that hang together",
        ),
        (
            PostProposal(name="x", size_m=2000, cell=(1, 1), manned_by=("south",), covers=SEEN),
            "a post is manned by one of the parties, or by both",
        ),
        (PostProposal(name="x", size_m=50, cell=(1, 1), manned_by=("west",), covers=SEEN), "in a cell of 2000 m"),
        (CorridorNotice(name="P", cells=HERE, from_ns=NOW + HOUR, until_ns=NOW + HOUR), "it is over before it begins"),
        (
            EmergencyNotice(kind="life_at_risk", until_ns=NOW + 2 * HOUR, reason="A child is in the river"),
            "an emergency lasts no longer than 3600 s",
        ),
        (Answer(about="west/1/0123456789abcdef", says="seen"), "there is no message"),
    ],
)
def test_what_breaks_a_rule_is_neither_said_nor_heard(body: Body, says: str) -> None:
    east, west = pair()
    with pytest.raises(RefusedError, match=says):
        west.say(body)
    assert west.desk.messages() == ()
    if not isinstance(body, Answer):
        assert says in refused(east, forged(west, body))


def test_slots_of_a_roster_follow_each_other_and_belong_to_the_parties() -> None:
    east, _ = pair()
    post = east.say(OPENERS[6](NOW))
    a, b, c = (NOW + n * HOUR for n in range(3))
    for slots, says in (
        ((Slot(from_ns=b, until_ns=c, party="east"), Slot(from_ns=a, until_ns=b, party="west")), "follow each other"),
        ((Slot(from_ns=b, until_ns=b, party="east"),), "follow each other"),
        ((Slot(from_ns=a, until_ns=b, party="south"),), "one of the parties"),
    ):
        with pytest.raises(RefusedError, match=says):
            east.say(RosterProposal(post=post.message_id, slots=slots), NOW + S)
    words = east.say(OPENERS[2](NOW), NOW + S)
    with pytest.raises(RefusedError, match="is no post"):
        east.say(SlotClaim(post=words.message_id, from_ns=a, until_ns=b), NOW + S)


def test_only_what_was_seen_carries_a_finding() -> None:
    east, west = pair()
    asked = east.say(OPENERS[4](NOW))
    meet(east, west)
    for answer in (
        Answer(about=asked.message_id, says="seen"),
        Answer(about=asked.message_id, says="could_not", finding=Finding(seen_ns=NOW)),
    ):
        with pytest.raises(RefusedError, match="a finding goes with what was seen"):
            west.say(answer, NOW + S)
    fine = Finding(seen_ns=NOW, cells=Cells(size_m=500, cells=((1, 1),)))
    with pytest.raises(RefusedError, match="this is told in cells of 2000 m"):
        west.say(Answer(about=asked.message_id, says="seen", finding=fine), NOW + S)


# Who of our own may say what.


@pytest.mark.parametrize("role", ["viewer", "patrol"])
def test_who_only_looks_says_nothing(role: Role) -> None:
    east, west = pair()
    asked = west.say(OPENERS[4](NOW))
    meet(east, west)
    who = Person(name="x", role=role)
    bodies = [opener(NOW) for opener in OPENERS]
    for body in (
        *bodies,
        Answer(about=asked.message_id, says="nothing_seen"),
        Delivery(of=(asked.message_id,), state="opened"),
    ):
        with pytest.raises(RefusedError, match=f"may say so, a {role} may not"):
            east.say(body, NOW + S, who)


def test_an_operator_answers_requests_and_an_officer_agreements() -> None:
    east, west = pair()
    asked, proposed = west.say(OPENERS[4](NOW)), west.say(OPENERS[2](NOW))
    meet(east, west)
    east.say(Answer(about=asked.message_id, says="accepted"), NOW + S, WATCH)
    with pytest.raises(RefusedError, match="answer: administrator, supervisor may say so, a operator may not"):
        east.say(Answer(about=proposed.message_id, says="accepted"), NOW + S, WATCH)
    east.say(Answer(about=proposed.message_id, says="accepted"), NOW + S, OFFICER)


def test_every_message_has_somebody_who_may_say_it() -> None:
    bodies = set(get_args(Body)) - {Answer, NotUnderstood}
    assert set(ROLES) == bodies
    assert set(ANSWERERS) == set(COURSES) - {Recall, Correction}
    assert bodies - set(KINDS) == {Delivery, ReleasesOpened, Recall, Correction}
    assert set(KINDS.values()) == set(get_args(JointKind))


def test_a_person_gives_no_receipt_but_that_of_having_opened() -> None:
    east, west = pair()
    words = west.say(OPENERS[0](NOW))
    meet(east, west)
    with pytest.raises(RefusedError, match="nobody says that by hand"):
        east.say(Delivery(of=(words.message_id,), state="refused"))
    with pytest.raises(RefusedError, match="nobody says that by hand"):
        east.say(NotUnderstood(kind="x", version=2, raw="{}"))


# What is agreed to be said.


def test_nothing_is_said_that_the_agreement_does_not_allow_but_what_takes_back() -> None:
    east, west = pair()
    east.desk.go_by(terms("east", kinds=()))
    for opener in OPENERS:
        body = opener(NOW)
        if isinstance(body, Recall | Correction | ReleasesOpened):
            east.say(body)
            continue
        with pytest.raises(RefusedError, match="the agreement does not allow"):
            east.say(body)
        assert "the agreement does not allow" in refused(east, forged(west, body, sequence=40 + len(east.heard)))


def test_no_message_is_said_after_the_agreement_is_over_but_what_takes_back() -> None:
    east, _ = pair()
    over = NOW + 100 * HOUR
    with pytest.raises(RefusedError, match="the agreement is not in force at that time"):
        east.say(OPENERS[0](over), over)
    east.say(OPENERS[9](over), over)


def test_what_was_agreed_goes_on_counting_when_the_agreement_is_narrowed() -> None:
    east, west = pair()
    proposal = west.say(OPENERS[2](NOW))
    meet(east, west)
    east.desk.go_by(terms("east", version=2, kinds=()))
    assert east.thing(proposal).state == "proposed"
    declined = east.say(Answer(about=proposal.message_id, says="declined"), NOW + S)
    assert declined.agreement_version == 2


def test_ground_is_never_told_more_finely_than_the_protected_distance() -> None:
    with pytest.raises(InputError, match="cell_m = 500: no less than the protected distance, 1000"):
        JointDesk(terms(cell_m=500))
    with pytest.raises(InputError, match="coverage_cell_m = 2999: no less than three times that, 3000"):
        JointDesk(terms(coverage_cell_m=2999))
    with pytest.raises(InputError, match="an agreement has two parties"):
        JointDesk(terms(theirs="east"))


# What another version says.


def strange(west: Side, **changed: object) -> bytes:
    plain = {**msgspec.json.decode(pack(forged(west, OPENERS[0](NOW)))), **changed}
    return msgspec.json.encode(plain)


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 2},
        {"body": {"type": "drone_offer", "drones": 3}},
        {"body": {"type": "thread_message", "text": "Hello", "colour": "red"}},
        {"body": {"text": "Hello"}},
        {"body": [1, 2]},
        {"by": "general"},
        {"mood": "good"},
    ],
)
def test_what_is_not_understood_is_kept_shown_and_never_acted_upon(changed: dict[str, object]) -> None:
    east, west = pair()
    payload = strange(west, **changed)
    heard = east.hear(payload)
    assert heard.message is not None
    body = heard.message.body
    assert isinstance(body, NotUnderstood)
    assert msgspec.json.decode(body.raw) == msgspec.json.decode(payload)
    assert [reply.body for reply in heard.replies] == [
        Delivery(of=(heard.message.message_id,), state="not_understood", reason="it is not understood")
    ]
    board = east.desk.board(NOW)
    assert [each.reason for each in board.refused] == ["it is not understood"]
    assert board.things == () and board.lines == ()  # noqa: PT018 - one fact: nothing is acted upon
    assert east.hear(payload) == Heard(None)
    assert JointDesk(terms("east"), east.desk.messages()).board(NOW) == board


def test_its_author_sees_that_it_is_not_understood_and_then_it_counts_on_neither_side() -> None:
    east, west = pair()
    proposal = west.say(OPENERS[2](NOW))
    newer = msgspec.json.encode({**msgspec.json.decode(pack(proposal)), "version": 9})
    east.hear(newer)
    for payload in east.sent:
        west.hear(payload)
    assert west.thing(proposal).delivery == "not_understood"
    assert west.desk.board(NOW).things == () == east.desk.board(NOW).things


@given(
    st.binary(max_size=60)
    | st.text(max_size=20).map(str.encode)
    | st.sampled_from([b"{}", b"[]", b"null", b"[" * 9999])
)
@settings(deadline=None, max_examples=60)
def test_whatever_comes_is_no_reason_to_fall_over(payload: bytes) -> None:
    east, _ = pair()
    heard = east.hear(payload)
    assert heard.message is None
    assert heard.refused


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_a_message_with_anything_in_a_field_is_taken_in_or_refused_but_never_crashes(data: st.DataObject) -> None:
    east, west = pair()
    plain = msgspec.json.decode(pack(forged(west, data.draw(st.sampled_from(OPENERS))(NOW))))
    holder = data.draw(st.sampled_from([plain, plain["body"]]))
    name = data.draw(st.sampled_from(sorted(holder)))
    holder[name] = data.draw(
        st.none() | st.integers() | st.text(max_size=6) | st.lists(st.integers(), max_size=3)
        | st.floats(allow_nan=False, allow_infinity=False) | st.just(10**30)
    )  # fmt: skip
    heard = east.hear(msgspec.json.encode(plain) if 10**30 not in holder.values() else repr(plain).encode())
    east.desk.board(NOW)
    assert heard.message is not None or heard.refused


def test_a_message_that_is_too_long_is_neither_written_nor_read() -> None:
    east, west = pair()
    releases = tuple(f"{n:064d}" for n in range(1000))
    with pytest.raises(InputError, match="bytes long"):
        east.say(Recall(releases=releases, things=releases, reason="x"))
    assert "bytes long" in west.hear(b" " * 200_000).refused


def test_equal_messages_are_equal_bytes_and_come_back_as_they_went() -> None:
    east, _ = pair()
    for opener in OPENERS:
        message = east.say(opener(NOW))
        assert unpack(pack(message)) == message
        assert pack(unpack(pack(message))) == pack(message)
        assert re.fullmatch(r"east/[0-9]+/[0-9a-f]{16}", message.message_id)


def test_what_cannot_wait_goes_ahead() -> None:
    east, _ = pair()
    said = {type(m.body).__name__: urgent(m) for m in messages(east, (opener(NOW) for opener in OPENERS[2:]))}
    assert {name for name, ahead in said.items() if ahead} == {
        "IncidentProposal", "HandoverOffer", "Recall", "EmergencyNotice"
    }  # fmt: skip
    animal, hold = messages(east, [ThreadMessage(phrase=Phrase(key=key)) for key in ("animal", "hold")])
    assert (urgent(animal), urgent(hold)) == (False, True)


def messages(side: Side, bodies: Iterable[Body]) -> list[JointMessage]:
    return [side.say(body) for body in bodies]
