"""Who keeps watch at a joint post: one side always does, or it is told when nobody does."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from marsad.coordinate.watch_roster import unwatched, watch
from marsad.kernel.joint import (
    Body,
    CourseState,
    JointMessage,
    JointPost,
    JointThing,
    RosterProposal,
    Slot,
    SlotClaim,
    SlotOffer,
    WatchSlot,
)
from marsad.kernel.position import Position
from marsad.kernel.site import Post

H = 3600 * 10**9
PARTIES = ("east", "west")
POST_ID = "east/1/0000000000000000"
POST = JointPost(
    post=Post(id="joint.0.0", position=Position(latitude_deg=34.0, longitude_deg=41.0), name="Hill"), cell=(0, 0),
    manned_by=PARTIES, covers=((0, 0),), proposals=(POST_ID,),
)  # fmt: skip


def thing(
    author: str, body: Body, sequence: int, state: CourseState, *, at_ns: int = 0, exercise: str = ""
) -> JointThing:
    said = JointMessage(
        author=author, sequence=sequence, salt="0" * 16, time_ns=at_ns, stamp_ns=at_ns, by="operator", body=body,
        agreement_version=1, exercise=exercise,
    )  # fmt: skip
    return JointThing(
        thing_id=said.message_id, course="offer", state=state, opened=said, changed_ns=at_ns, delivery="sent"
    )


def roster(
    *slots: tuple[int, int, str], sequence: int = 2, state: CourseState = "agreed", at_ns: int = 0
) -> JointThing:
    told = tuple(Slot(from_ns=a * H, until_ns=b * H, party=party) for a, b, party in slots)
    return thing("east", RosterProposal(post=POST_ID, slots=told), sequence, state, at_ns=at_ns)


def offered(author: str, a: int, b: int, state: CourseState, *, cannot: bool = False, sequence: int = 5) -> JointThing:
    body = SlotOffer(post=POST_ID, from_ns=a * H, until_ns=b * H, cannot=cannot)
    return thing(author, body, sequence, state, at_ns=sequence)


def claimed(author: str, a: int, b: int, state: CourseState = "standing", *, sequence: int = 8) -> JointThing:
    body = SlotClaim(post=POST_ID, from_ns=a * H, until_ns=b * H)
    return thing(author, body, sequence, state, at_ns=sequence)


def seen(*things: JointThing, until: int = 12) -> list[tuple[int, int, str]]:
    found = watch(things, POST, PARTIES, 0, until * H)
    return [(slot.from_ns // H, slot.until_ns // H, slot.party) for slot in found]


SHARED = roster((0, 4, "east"), (4, 8, "west"), (8, 12, "east"))


def test_the_agreed_roster_says_who_keeps_watch_and_what_is_left_open_is_a_gap() -> None:
    assert seen(SHARED) == [(0, 4, "east"), (4, 8, "west"), (8, 12, "east")]
    holed = roster((1, 4, "east"), (6, 8, "west"))
    assert seen(holed) == [(0, 1, ""), (1, 4, "east"), (4, 6, ""), (6, 8, "west"), (8, 12, "")]
    found = unwatched(watch([holed], POST, PARTIES, 0, 12 * H))
    assert [(slot.from_ns // H, slot.until_ns // H) for slot in found] == [(0, 1), (4, 6), (8, 12)]


def test_a_roster_that_was_not_agreed_keeps_no_watch() -> None:
    assert seen(roster((0, 12, "east"), state="proposed")) == [(0, 12, "")]
    assert seen() == [(0, 12, "")]


def test_a_later_roster_stands_for_the_earlier_one_from_its_first_slot_to_its_last() -> None:
    later = roster((2, 5, "west"), (6, 8, "east"), sequence=3, at_ns=1)
    for things in ([SHARED, later], [later, SHARED]):
        assert seen(*things) == [(0, 2, "east"), (2, 5, "west"), (5, 6, ""), (6, 12, "east")]


def test_a_slot_is_kept_by_whoever_offers_it_until_it_is_taken() -> None:
    for state in ("offered", "received", "declined", "withdrawn", "expired"):
        assert seen(SHARED, offered("east", 1, 3, state)) == seen(SHARED)
    taken = offered("east", 1, 3, "taken")
    assert seen(SHARED, taken) == [(0, 1, "east"), (1, 3, "west"), (3, 4, "east"), (4, 8, "west"), (8, 12, "east")]


def test_one_who_drops_out_leaves_a_gap_until_the_other_takes_it() -> None:
    gap = [(0, 1, "east"), (1, 3, ""), (3, 4, "east"), (4, 8, "west"), (8, 12, "east")]
    for state in ("offered", "received", "declined", "expired"):
        assert seen(SHARED, offered("east", 1, 3, state, cannot=True)) == gap
    assert seen(SHARED, offered("east", 1, 3, "withdrawn", cannot=True)) == seen(SHARED)
    declined, again = offered("east", 1, 3, "declined", cannot=True), offered("east", 1, 3, "taken", sequence=6)
    assert seen(SHARED, declined, again)[1] == (1, 3, "west")


def test_a_slot_may_go_back() -> None:
    there, back = offered("east", 0, 4, "taken"), offered("west", 2, 3, "taken", sequence=6)
    assert seen(SHARED, there, back)[:3] == [(0, 2, "west"), (2, 3, "east"), (3, 8, "west")]


def test_nobody_gives_away_the_watch_of_the_other() -> None:
    assert seen(SHARED, offered("west", 0, 4, "taken")) == seen(SHARED)


def test_of_two_who_claim_a_gap_it_is_whoever_said_so_first_and_the_other_stands_by() -> None:
    out = offered("east", 0, 4, "declined", cannot=True)
    first, second = claimed("west", 0, 3, sequence=8), claimed("east", 2, 4, sequence=9)
    for things in ([SHARED, out, first, second], [second, first, out, SHARED]):
        found = watch(things, POST, PARTIES, 0, 4 * H)
        assert found == (
            WatchSlot(from_ns=0, until_ns=2 * H, party="west"),
            WatchSlot(from_ns=2 * H, until_ns=3 * H, party="west", stands_by="east"),
            WatchSlot(from_ns=3 * H, until_ns=4 * H, party="east"),
        )
    assert seen(SHARED, out, claimed("west", 0, 3, "ended"), until=4) == [(0, 4, "")]


def test_a_claim_takes_nothing_from_whoever_keeps_watch() -> None:
    (slot,) = watch([SHARED, claimed("west", 0, 2)], POST, PARTIES, 0, 2 * H)
    assert (slot.party, slot.stands_by) == ("east", "west")


def test_what_is_played_and_what_is_of_another_post_is_left_out() -> None:
    slots = (Slot(from_ns=0, until_ns=H, party="east"),)
    played = thing("east", RosterProposal(post=POST_ID, slots=slots), 2, "agreed", exercise="Owl")
    other = thing("east", RosterProposal(post="west/9/" + "0" * 16, slots=slots), 3, "agreed")
    assert seen(played, other) == [(0, 12, "")]


HOURS = st.tuples(st.integers(0, 11), st.integers(1, 6)).map(lambda h: (h[0], min(h[0] + h[1], 12)))


@given(
    st.lists(
        st.tuples(st.sampled_from(PARTIES), HOURS, st.sampled_from(["offered", "taken", "withdrawn"]), st.booleans())
    ),
    st.lists(st.tuples(st.sampled_from(PARTIES), HOURS)),
    st.integers(0, 11),
)
def test_the_watch_has_no_break_and_at_every_hour_is_what_an_hour_by_hour_reckoning_says(
    offers: list[tuple[str, tuple[int, int], CourseState, bool]], claims: list[tuple[str, tuple[int, int]]], hour: int
) -> None:
    things = [SHARED]
    things += [
        offered(who, a, b, state, cannot=cannot, sequence=10 + n)
        for n, (who, (a, b), state, cannot) in enumerate(offers)
    ]
    things += [claimed(who, a, b, sequence=100 + n) for n, (who, (a, b)) in enumerate(claims)]
    slots = watch(things, POST, PARTIES, 0, 12 * H)
    assert slots[0].from_ns == 0
    assert slots[-1].until_ns == 12 * H
    assert all(one.until_ns == two.from_ns for one, two in pairwise(slots))

    owner, there = ("west" if 4 <= hour < 8 else "east"), True
    for who, (a, b), state, cannot in offers:
        if who == owner and a <= hour < b and state == "taken":
            owner, there = ("west" if owner == "east" else "east"), True
        elif who == owner and a <= hour < b and cannot and state == "offered":
            there = False
    first = next((who for who, (a, b) in claims if a <= hour < b), "")
    at = next(slot for slot in slots if slot.from_ns <= hour * H < slot.until_ns)
    assert at.party == (owner if there else first)
