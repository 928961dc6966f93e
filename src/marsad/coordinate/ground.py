"""Where things are told at all: whole blocks that the giver sees nearly all of, and might see from elsewhere as well.

Whatever begins or ends to be told at the edge of what is seen draws that edge: an arc about a camera, the shadow of a
ridge. So where a distance is protected, a block is told of as a whole or not at all. Which blocks are told of draws
cameras too, for over rolling ground few places see a whole block: whoever knows the ground looks for them. So for every
camera there remain many other places, each farther off than the protected distance, from which all that is open would
be seen as well.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marsad.coordinate.grid import frame_at
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.agreement import Agreement, ReleaseGround
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position

LEAST_SEEN = 0.98
"""The share of a block that is seen, at the least, where it is told of."""
LEAST_SEEN_ELSEWHERE = 0.97
"""The share that would be seen with a camera elsewhere: hardly less, or whoever reckons rules that place out."""
LEAST_PLACES = 0.6
"""The share of the other places of every camera from which all that is told of would be seen."""
STEP, NEAREST, FARTHEST = 0.6, 1.2, 4.0
"""The other places of a camera: a lattice about it, in protected distances. A wider one is fitted by accident."""

Seen = NDArray[np.bool_]


class Eye(NamedTuple):
    """What one camera sees, as cells of a lattice, and what it would see at each of its other places."""

    seen: Seen
    elsewhere: Sequence[Seen]


def other_places(protected_distance_m: float) -> Iterator[tuple[float, float]]:
    """How far east and north of a camera its other places lie, in metres."""
    most = math.floor(FARTHEST / STEP)
    for east, north in product(range(-most, most + 1), repeat=2):
        if NEAREST <= STEP * math.hypot(east, north) <= FARTHEST:
            yield STEP * east * protected_distance_m, STEP * north * protected_distance_m


def ground_of(agreement: Agreement, origin: Position, lattice: Lattice, eyes: Sequence[Eye]) -> ReleaseGround:
    """The blocks that are told of; the cells of the lattice lie about `origin`.

    To be made once for a version, with every camera at work: made again whenever a camera fails it would show what
    that camera sees.
    """
    blocks, share = _shares(agreement, origin, lattice)
    together = _any([eye.seen for eye in eyes], lattice)
    whole = np.flatnonzero(share(together) >= LEAST_SEEN)
    kept = whole
    if agreement.protected_distance_m:
        tables = []
        for place, eye in enumerate(eyes):
            others = _any([other.seen for other in (*eyes[:place], *eyes[place + 1 :])], lattice)
            tables.append(np.array([share(others | seen)[whole] for seen in eye.elsewhere]) >= LEAST_SEEN_ELSEWHERE)
        kept = whole[_told_from_elsewhere(tables, len(whole))]
    return ReleaseGround(
        block_m=agreement.block_m, blocks=tuple((int(east), int(north)) for east, north in blocks[kept])
    )


def _told_from_elsewhere(tables: Sequence[Seen], count: int) -> NDArray[np.intp]:
    """Which blocks are told of: many, such that every camera is left enough of its other places.

    Each of `tables` says for one camera of its other places and the blocks (P, B) whether the block would be seen.
    Blocks are taken one after the other, first those that the most places would do for.
    """
    if not tables or not count:
        return np.arange(count)
    left = [np.ones(len(table), bool) for table in tables]
    lasting = np.min([table.mean(axis=0) for table in tables], axis=0)
    found = []
    for block in np.argsort(-lasting, kind="stable"):
        after = [places & table[:, block] for places, table in zip(left, tables, strict=True)]
        if all(places.mean() >= LEAST_PLACES for places in after):
            left = after
            found.append(block)
    return np.array(sorted(found), np.intp)


def _shares(
    agreement: Agreement, origin: Position, lattice: Lattice
) -> tuple[NDArray[np.int64], Callable[[Seen], NDArray[np.float64]]]:
    """All blocks that the lattice touches (B, 2), and what gives the share of each (B,) that lies in some cells."""
    east, north = lattice.centres()
    latitude, longitude, _ = EnuFrame(origin).to_geodetic(east, north, 0.0)
    x, y, _ = frame_at(agreement.anchor).from_geodetic(latitude, longitude, 0.0)
    cells = np.stack([np.floor(x / agreement.block_m), np.floor(y / agreement.block_m)], axis=-1).astype(np.int64)
    blocks, which = np.unique(cells.reshape(-1, 2), axis=0, return_inverse=True)
    which, in_block = which.ravel(), (agreement.block_m / lattice.cell_m) ** 2

    def share(seen: Seen) -> NDArray[np.float64]:
        counts: NDArray[np.float64] = np.bincount(which, weights=seen.ravel(), minlength=len(blocks)) / in_block
        return counts

    return blocks, share


def _any(seen: Sequence[Seen], lattice: Lattice) -> Seen:
    """The cells that are in any of them."""
    together = np.zeros((lattice.rows, lattice.columns), bool)
    for each in seen:
        together |= each
    return together
