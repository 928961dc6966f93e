"""Where things are told at all: whole blocks that the giver sees nearly all of.

Whatever begins or ends to be told at the edge of what is seen draws that edge: an arc about a camera, the shadow of a
ridge. So where a distance is protected, a block is told of as a whole or not at all.
"""

import numpy as np
from numpy.typing import NDArray

from marsad.coordinate.grid import frame_at
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.agreement import Agreement, ReleaseGround
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position

LEAST_SEEN = 0.98
"""The share of a block that is seen, at the least, where it is told of."""


def ground_of(
    agreement: Agreement, origin: Position, lattice: Lattice, seen: NDArray[np.bool_], least: float = LEAST_SEEN
) -> ReleaseGround:
    """The blocks of which at least such a share is seen; `seen` are the cells, about `origin`, that somebody sees.

    To be made once for a version, with every camera at work: made again whenever a camera fails it would show what
    that camera sees.
    """
    east, north = lattice.centres()
    latitude, longitude, _ = EnuFrame(origin).to_geodetic(east, north, 0.0)
    x, y, _ = frame_at(agreement.anchor).from_geodetic(latitude, longitude, 0.0)
    blocks = np.stack([np.floor(x / agreement.block_m), np.floor(y / agreement.block_m)], axis=-1).astype(np.int64)
    found, counts = np.unique(blocks[seen], axis=0, return_counts=True)
    needed = least * (agreement.block_m / lattice.cell_m) ** 2
    whole = found[counts >= needed]
    return ReleaseGround(
        block_m=agreement.block_m,
        blocks=tuple((int(block_east), int(block_north)) for block_east, block_north in whole),
    )
