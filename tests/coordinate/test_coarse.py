"""Coverage and posts on coarse cells: what is told of cameras, and what both sides make of each other's proposals."""

from collections.abc import Mapping

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.coordinate.coarse import (
    LEAST_CAMERAS,
    Grid,
    agreed_posts,
    coverage_grid_of,
    covered,
    gaps,
    grid_of,
    pieces,
    post_cell,
    to_offer,
    with_posts,
)
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.joint import (
    Body,
    Cell,
    Cells,
    Course,
    CourseState,
    CoverageOffer,
    Gap,
    JointMessage,
    JointTerms,
    JointThing,
    PostProposal,
)
from marsad.kernel.position import Position
from marsad.kernel.site import Post, Site

S = 10**9
ANCHOR = Position(latitude_deg=34.0, longitude_deg=41.0)
TERMS = JointTerms(
    ours="east", theirs="west", version=1, from_ns=0, until_ns=10**18, anchor=ANCHOR, cell_m=2000,
    coverage_cell_m=6000, protected_distance_m=2000,
)  # fmt: skip
CELL = st.tuples(st.integers(-5, 5), st.integers(-5, 5))
SEEN = st.dictionaries(CELL, st.frozensets(st.sampled_from("abcd"), min_size=1), max_size=80)


def block(east: int, north: int, size: int = 3) -> tuple[Cell, ...]:
    return tuple((east + x, north + y) for x in range(size) for y in range(size))


def thing(
    author: str, body: Body, sequence: int = 1, *, state: CourseState = "proposed", at_ns: int = S, exercise: str = ""
) -> JointThing:
    said = JointMessage(
        author=author, sequence=sequence, salt="0" * 16, time_ns=at_ns, stamp_ns=at_ns, by="supervisor", body=body,
        agreement_version=1, exercise=exercise,
    )  # fmt: skip
    course: Course = "proposal" if isinstance(body, PostProposal) else "notice"
    return JointThing(
        thing_id=said.message_id,
        course=course,
        state=state,
        opened=said,
        changed_ns=at_ns,
        delivery="sent",
    )


def post(
    cell: Cell = (0, 0),
    *,
    manned_by: tuple[str, ...] = ("east",),
    covers: tuple[Cell, ...] = ((0, 0),),
    name: str = "A",
) -> PostProposal:
    return PostProposal(name=name, size_m=2000, cell=cell, manned_by=manned_by, covers=Cells(size_m=6000, cells=covers))


def offer(*cells: Cell) -> CoverageOffer:
    return CoverageOffer(cells=Cells(size_m=6000, cells=cells))


@given(st.frozensets(CELL, max_size=60))
def test_pieces_are_all_cells_once_and_no_two_touch(cells: frozenset[Cell]) -> None:
    found = pieces(cells)
    assert sorted(cell for piece in found for cell in piece) == sorted(cells)
    for n, piece in enumerate(found):
        for other in found[n + 1 :]:
            assert all(abs(a[0] - b[0]) + abs(a[1] - b[1]) > 1 for a in piece for b in other)


@given(SEEN)
def test_an_offer_never_says_more_than_is_seen_and_never_draws_one_camera(seen: Mapping[Cell, frozenset[str]]) -> None:
    told = to_offer(seen, TERMS)
    assert set(told) <= set(seen)
    for piece in pieces(told):
        assert len(piece) >= TERMS.least_cells
        assert len({camera for cell in piece for camera in seen[cell]}) >= LEAST_CAMERAS


@given(SEEN, st.permutations("abcd"))
def test_which_camera_is_which_makes_no_difference(seen: Mapping[Cell, frozenset[str]], names: list[str]) -> None:
    other = {cell: frozenset(names["abcd".index(each)] for each in cameras) for cell, cameras in seen.items()}
    assert to_offer(other, TERMS) == to_offer(seen, TERMS)


def test_where_one_camera_alone_sees_is_not_offered() -> None:
    several = dict.fromkeys(block(0, 0), frozenset("abc"))
    wedge = dict.fromkeys([(3, 1), (4, 1), (5, 1), (5, 2), (5, 0)], frozenset("d"))
    assert to_offer({**several, **wedge}, TERMS) == tuple(sorted(several))
    assert to_offer(dict.fromkeys(block(0, 0), frozenset("ab")), TERMS) == ()
    assert to_offer(dict.fromkeys(block(0, 0, 2), frozenset("abc")), TERMS) == ()


def test_the_newest_offer_of_each_side_counts_while_it_stands() -> None:
    things = [
        thing("east", offer(*block(0, 0)), 1, state="standing"),
        thing("east", offer(*block(5, 5)), 2, state="standing", at_ns=2 * S),
        thing("west", offer(*block(9, 9)), 1, state="standing"),
        thing("west", offer(*block(20, 20)), 2, state="standing", exercise="Owl"),
    ]
    assert covered(things) == {*block(5, 5), *block(9, 9)}
    things.append(thing("east", offer(*block(0, 0)), 3, state="ended", at_ns=3 * S))
    assert covered(things) == {*block(9, 9)}


def test_gaps_are_what_neither_covers_and_name_the_posts_of_either_side_that_would_close_them() -> None:
    things = [
        thing("east", offer(*block(0, 0)), 1, state="standing"),
        thing("east", post((3, 0), covers=((3, 0), (3, 1))), 2),
        thing("west", post((4, 1), manned_by=("west",), covers=((3, 1), (4, 1))), 1),
    ]
    wanted = [(2, 0), (3, 0), (3, 1), (4, 1), (5, 5)]
    mine, theirs = things[1].thing_id, things[2].thing_id
    assert gaps(wanted, things) == (
        Gap(cell=(3, 0), closed_by=(mine,)),
        Gap(cell=(3, 1), closed_by=(mine, theirs)),
        Gap(cell=(4, 1), closed_by=(theirs,)),
        Gap(cell=(5, 5)),
    )
    agreed = [things[0], things[1], thing("west", post((4, 1), covers=((3, 1), (4, 1))), 1, state="agreed")]
    assert [gap.cell for gap in gaps(wanted, agreed)] == [(3, 0), (5, 5)]


@pytest.mark.parametrize("state", ["declined", "withdrawn", "ended"])
def test_a_post_that_was_not_agreed_or_is_over_enters_no_site(state: CourseState) -> None:
    assert agreed_posts([thing("east", post(), state=state)], grid_of(TERMS)) == ()
    assert agreed_posts([thing("east", post())], grid_of(TERMS)) == ()
    assert agreed_posts([thing("east", post(), state="agreed", exercise="Owl")], grid_of(TERMS)) == ()


def test_an_agreed_post_stands_in_the_middle_of_its_cell_and_has_one_name_on_both_sides() -> None:
    (found,) = agreed_posts([thing("east", post((3, -4)), state="agreed")], grid_of(TERMS))
    assert found.post.id == "joint.3.-4"
    at = EnuFrame(ANCHOR).point(found.post.position)
    assert (at.east_m, at.north_m) == pytest.approx((7000.0, -7000.0), abs=0.1)
    assert found.manned_by == ("east",)


def test_joint_posts_enter_the_site_and_leave_it_when_they_are_over() -> None:
    site = Site(name="Wadi", posts=(Post(id="P1", position=ANCHOR),))
    posts = agreed_posts([thing("east", post((3, -4)), state="agreed")], grid_of(TERMS))
    both = with_posts(site, posts)
    assert [each.id for each in both.posts] == ["P1", "joint.3.-4"]
    assert with_posts(both, posts) == both
    assert with_posts(both, ()) == site
    assert msgspec.convert(msgspec.to_builtins(both), Site) == both


def test_two_proposals_for_one_cell_are_one_post_that_both_want() -> None:
    ours = thing("east", post(covers=((0, 0),), name="Hill"), 4, at_ns=2 * S)
    theirs = thing("west", post(manned_by=("west",), covers=((0, 1),), name="Tower"), 2, at_ns=3 * S)
    for things in ([ours, theirs], [theirs, ours]):
        (found,) = agreed_posts(things, grid_of(TERMS))
        assert found.post.name == "Hill"
        assert found.manned_by == ("east", "west")
        assert found.covers == ((0, 0), (0, 1))
        assert found.proposals == (ours.thing_id, theirs.thing_id)
    elsewhere = thing("west", post((0, 1), manned_by=("west",)), 2)
    assert agreed_posts([ours, elsewhere], grid_of(TERMS)) == ()


def test_nobody_mans_a_post_on_the_other_sides_word_alone() -> None:
    ours, theirs = thing("east", post(manned_by=("west",))), thing("west", post(manned_by=("east",)))
    assert agreed_posts([ours, theirs], grid_of(TERMS)) == ()
    mine = thing("west", post(manned_by=("east", "west")))
    (found,) = agreed_posts([ours, mine], grid_of(TERMS))
    assert found.manned_by == ("west",)


def test_what_was_accepted_says_who_mans_it_whatever_else_was_proposed_there() -> None:
    earlier = thing("east", post(manned_by=("east",)), 1, at_ns=S)
    accepted = thing("west", post(manned_by=("west",), name="B"), 1, state="agreed", at_ns=2 * S)
    (found,) = agreed_posts([earlier, accepted], grid_of(TERMS))
    assert (found.post.name, found.manned_by, found.proposals) == ("B", ("west",), (accepted.thing_id,))


@given(st.floats(-150_000, 150_000), st.floats(-150_000, 150_000), st.sampled_from([500, 1000, 2000]))
def test_the_cell_of_a_place_holds_it(east_m: float, north_m: float, cell_m: int) -> None:
    grid = Grid(EnuFrame(ANCHOR), cell_m)
    latitude, longitude, _ = grid.frame.to_geodetic(east_m, north_m, 0.0)
    cell = grid.cell_of(Position(latitude_deg=float(latitude), longitude_deg=float(longitude)))
    # Far from the anchor the plane stands above the ground: a place is looked up on the ground below it.
    slack_m = 0.01 + np.hypot(east_m, north_m) ** 3 / 6.371e6**2
    for index, along in zip(cell, (east_m, north_m), strict=True):
        assert index * cell_m - slack_m <= along <= (index + 1) * cell_m + slack_m


def test_the_middle_of_a_cell_lies_in_it() -> None:
    grid = grid_of(TERMS)
    for cell in ((0, 0), (-1, -1), (7, -3), (40, 40)):
        assert grid.cell_of(grid.middle(cell)) == cell
    assert coverage_grid_of(TERMS).cell_of(grid.middle((4, -4))) == (1, -2)


@given(st.tuples(st.integers(-100_000, 100_000), st.integers(-100_000, 100_000)))
def test_the_name_of_a_joint_post_says_its_cell_and_no_other_name_does(cell: tuple[int, int]) -> None:
    assert post_cell(f"joint.{cell[0]}.{cell[1]}") == cell
    for name in ("hilltop", "joint.3", "joint.3.-4.5", "joint.٣.4", "joint.3.-4\n", ""):
        assert post_cell(name) is None
