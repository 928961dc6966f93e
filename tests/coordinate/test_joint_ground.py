"""Which cells of coverage are seen as good as wholly, and which must be watched."""

import numpy as np

from marsad.coordinate.joint_ground import Said, as_played, joint_ground, line_cells, seen_cells
from marsad.kernel.joint import Cells, JointMessage, JointTerms, JointThing, PostProposal
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.kernel.release import Cell, Release

ANCHOR = Position(latitude_deg=34.0, longitude_deg=41.0)
TERMS = JointTerms(
    ours="east", theirs="west", version=1, from_ns=0, until_ns=10**18, anchor=ANCHOR, cell_m=500, coverage_cell_m=1500,
    protected_distance_m=500, kinds=("coverage", "post"),
)  # fmt: skip
LATTICE = Lattice(west_m=0.0, north_m=3000.0, cell_m=50.0, rows=60, columns=90)
"""Two cells of coverage high, three wide, from the anchor."""


def test_a_cell_is_seen_that_all_cameras_together_see_nearly_all_of() -> None:
    west, east = np.zeros(LATTICE.shape, bool), np.zeros(LATTICE.shape, bool)
    west[30:, :45], east[30:, 44:60] = True, True
    found = seen_cells(TERMS, ANCHOR, LATTICE, {"w": west, "e": east})
    assert found == {(0, 0): frozenset({"w"}), (1, 0): frozenset({"w", "e"})}
    # A tenth of one is not seen any more.
    east[30:, 50:53] = False
    assert set(seen_cells(TERMS, ANCHOR, LATTICE, {"w": west, "e": east})) == {(0, 0)}
    assert seen_cells(TERMS, ANCHOR, LATTICE, {}) == {}


def test_the_cells_that_the_line_passes_must_be_watched() -> None:
    line = (ANCHOR, Position(latitude_deg=34.0, longitude_deg=41.04))
    cells = line_cells(line, TERMS)
    assert {east for east, _ in cells} == {-1, 0, 1, 2}
    ground = joint_ground(Said((), (), line), TERMS, 0)
    assert [gap.cell for gap in ground.gaps] == list(cells)


def test_what_is_played_counts_while_its_exercise_runs_and_no_longer() -> None:
    body = PostProposal(
        name="Hill", size_m=500, cell=(1, 1), manned_by=("east",), covers=Cells(size_m=1500, cells=((0, 0),))
    )
    opened = JointMessage(
        author="west", sequence=1, salt="0123456789abcdef", time_ns=1, stamp_ns=1, by="supervisor", body=body,
        agreement_version=1, exercise="Night",
    )  # fmt: skip
    thing = JointThing(
        thing_id=opened.message_id, course="proposal", state="agreed", opened=opened, changed_ns=1, delivery="answered"
    )
    said = Said((thing,), (), ())
    counted = [len(joint_ground(as_played(said, name), TERMS, 0).posts) for name in ("", "Night", "Day")]
    assert counted == [0, 1, 0]


def test_patrols_of_both_that_were_told_of_are_warned_of_and_our_own_two_are_not() -> None:
    def told(giver: str, east: int) -> Release:
        return Release(
            release_id="r", agreement_id="a", version=1, rule_id="p", giver=giver, taker="", item="patrol",
            thing_id=f"{giver}{east}", time_ns=0,
            cells=(Cell(east=east, north=0, size_m=500),), from_ns=0, until_ns=10**12,
        )  # fmt: skip

    assert joint_ground(Said((), (told("east", 0), told("east", 1)), ()), TERMS, 0).cautions == ()
    (caution,) = joint_ground(Said((), (told("east", 0), told("west", 2)), ()), TERMS, 0).cautions
    assert caution.apart_m == 500
