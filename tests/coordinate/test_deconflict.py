"""Cautions about patrols that may meet, held against every pair of points their corridors allow."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from marsad.coordinate.deconflict import cautions, corridors
from marsad.kernel.joint import Caution, Cells, Corridor, CorridorNotice, CourseState, JointMessage, JointThing

S = 10**9
CELL = st.tuples(st.integers(-6, 6), st.integers(-6, 6))


def corridor(name: str, party: str, cells: tuple[tuple[int, int], ...], from_s: int, until_s: int) -> Corridor:
    return Corridor(name=name, party=party, cells=cells, from_ns=from_s * S, until_ns=until_s * S)


CORRIDOR = st.builds(
    corridor, st.sampled_from("abc"), st.just("x"), st.lists(CELL, min_size=1, max_size=5, unique=True).map(tuple),
    st.integers(1000, 2000), st.integers(2001, 3000),
)  # fmt: skip


def nearest_m(one: tuple[int, int], two: tuple[int, int], cell_m: int) -> float:
    """The least distance of any point of one cell from any of another, axis by axis."""
    gaps = [max(b - (a + 1), a - (b + 1), 0) * cell_m for a, b in zip(one, two, strict=True)]
    return float(sum(gap**2 for gap in gaps) ** 0.5)


@given(CORRIDOR, CORRIDOR, st.integers(0, 4000), st.integers(0, 600))
def test_there_is_a_caution_where_both_may_be_near_at_one_time_and_nowhere_else(
    ours: Corridor, theirs: Corridor, within_m: int, margin_s: int
) -> None:
    found = cautions([ours], [theirs], 1000, within_m, margin_s)
    near = min(nearest_m(a, b, 1000) for a, b in itertools.product(ours.cells, theirs.cells))
    apart_s = (max(ours.from_ns, theirs.from_ns) - min(ours.until_ns, theirs.until_ns)) / S
    assert bool(found) == (near <= within_m and apart_s < margin_s)
    for caution in found:
        assert caution.apart_m == int(near)
        assert set(caution.cells) <= {*ours.cells, *theirs.cells}


@given(st.lists(CORRIDOR, max_size=4), st.lists(CORRIDOR, max_size=4))
def test_the_other_side_finds_the_same_mirrored(ours: list[Corridor], theirs: list[Corridor]) -> None:
    def key(caution: Caution) -> tuple[object, ...]:
        return caution.from_ns, caution.until_ns, caution.ours, caution.theirs, caution.cells

    mirrored = [
        Caution(ours=c.theirs, theirs=c.ours, from_ns=c.from_ns, until_ns=c.until_ns, apart_m=c.apart_m, cells=c.cells)
        for c in cautions(theirs, ours, 500, 1000, 60)
    ]
    assert sorted(cautions(ours, theirs, 500, 1000, 60), key=key) == sorted(mirrored, key=key)


def test_the_cells_of_a_caution_are_those_that_are_near() -> None:
    ours = corridor("P1", "east", ((0, 0), (9, 9)), 0, 100)
    theirs = corridor("Q1", "west", ((1, 0), (-9, -9)), 50, 150)
    (caution,) = cautions([ours], [theirs], 1000, 0, 0)
    assert caution == Caution(
        ours="P1", theirs="Q1", from_ns=50 * S, until_ns=100 * S, apart_m=0, cells=((0, 0), (1, 0))
    )


def thing(name: str, author: str, *, state: CourseState = "standing", exercise: str = "") -> JointThing:
    body = CorridorNotice(name=name, cells=Cells(size_m=1000, cells=((0, 0),)), from_ns=S, until_ns=9 * S)
    said = JointMessage(
        author=author, sequence=1, salt="0" * 16, time_ns=S, stamp_ns=S, by="operator", body=body,
        agreement_version=1, exercise=exercise,
    )  # fmt: skip
    return JointThing(
        thing_id=said.message_id,
        course="notice",
        state=state,
        opened=said,
        changed_ns=S,
        delivery="sent",
    )


def test_corridors_are_those_that_stand_and_are_not_played() -> None:
    things = [thing("P1", "west"), thing("P2", "east", state="ended"), thing("P3", "east", exercise="Owl")]
    assert corridors(things) == (corridor("P1", "west", ((0, 0),), 1, 9),)
