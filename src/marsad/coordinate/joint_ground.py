"""What both sides agreed of the ground, put together: posts, who watches at them, gaps, and patrols near each other."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from marsad.coordinate.coarse import agreed_posts, coverage_grid_of, gaps, grid_of
from marsad.coordinate.deconflict import cautions, corridors, told_corridors
from marsad.coordinate.grid import frame_at, place, way_cells
from marsad.coordinate.ground import LEAST_SEEN
from marsad.coordinate.watch_roster import watch
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.joint import Cell, JointGround, JointTerms, JointThing, PostHours
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.kernel.release import Release

_HOUR_NS: Final = 3600 * 10**9
SHOWN_NS: Final = 24 * _HOUR_NS
"""So far ahead it is shown who keeps watch."""
NEAR_M: Final = 1000.0
MARGIN_S: Final = 900.0
"""Patrols that may come nearer than that, within that time of each other, are warned of."""


class Said(NamedTuple):
    """What two sides told each other that has to do with ground."""

    things: Sequence[JointThing]
    releases: Sequence[Release]
    """What stands of either side."""
    line: Sequence[Position]


def as_played(said: Said, exercise: str) -> Said:
    """What was said and told, with that of the exercise that runs as if it were real; of another one nothing counts."""
    if not exercise:
        return said
    things = [
        replace(each, opened=replace(each.opened, exercise="")) if each.opened.exercise == exercise else each
        for each in said.things
    ]
    return Said(things, [replace(each, exercise=False) for each in said.releases], said.line)


def joint_ground(said: Said, terms: JointTerms, now_ns: int) -> JointGround:
    """How it all stands at a moment, with the watch of the hours to come."""
    posts = agreed_posts(said.things, grid_of(terms))
    from_ns = now_ns // _HOUR_NS * _HOUR_NS
    hours = tuple(
        PostHours(
            post_id=each.post.id,
            slots=watch(said.things, each, (terms.ours, terms.theirs), from_ns, from_ns + SHOWN_NS),
        )
        for each in posts
    )
    noticed = corridors(said.things)
    told = told_corridors(said.releases, terms.cell_m, now_ns)
    both = [*noticed, *told]
    return JointGround(
        now_ns=now_ns, ours=terms.ours, theirs=terms.theirs, anchor=terms.anchor, cell_m=terms.cell_m,
        coverage_cell_m=terms.coverage_cell_m, kinds=terms.kinds, posts=posts, hours=hours,
        gaps=gaps(line_cells(said.line, terms), said.things) if "coverage" in terms.kinds else (),
        cautions=cautions(
            [each for each in both if each.party == terms.ours], [each for each in both if each.party == terms.theirs],
            terms.cell_m, NEAR_M, MARGIN_S,
        ),
    )  # fmt: skip


def line_cells(line: Sequence[Position], terms: JointTerms) -> tuple[Cell, ...]:
    """The cells of coverage that the line passes: these must be watched, from whichever side."""
    points = [place(frame_at(terms.anchor), each) for each in line]
    legs = pairwise(each for each in points if each is not None)
    found = {(cell.east, cell.north) for leg in legs for cell in way_cells(leg, terms.coverage_cell_m)}
    return tuple(sorted(found))


def seen_cells(
    terms: JointTerms, origin: Position, lattice: Lattice, seen: Mapping[str, NDArray[np.bool_]]
) -> dict[Cell, frozenset[str]]:
    """The cells of coverage that are seen as good as wholly, each with the cameras that see any of it.

    `seen` are, for each camera, the cells of the lattice about `origin` that it sees.
    """
    size_m = coverage_grid_of(terms).cell_m
    east, north = lattice.centres()
    latitude, longitude, _ = EnuFrame(origin).to_geodetic(east, north, 0.0)
    x, y, _ = frame_at(terms.anchor).from_geodetic(latitude, longitude, 0.0)
    cells = np.stack([np.floor(x / size_m), np.floor(y / size_m)], axis=-1).astype(np.int64)
    if not seen:
        return {}
    found, counts = np.unique(cells[np.any([*seen.values()], axis=0)], axis=0, return_counts=True)
    whole = {_cell(each) for each in found[counts >= LEAST_SEEN * (size_m / lattice.cell_m) ** 2]}
    by = {name: {_cell(each) for each in np.unique(cells[sees], axis=0)} for name, sees in seen.items()}
    return {cell: frozenset(name for name, held in by.items() if cell in held) for cell in whole}


def _cell(index: NDArray[np.int64]) -> Cell:
    return int(index[0]), int(index[1])
