"""Blocks are told of as a whole or not at all."""

import numpy as np
from msgspec.structs import replace
from test_release import AGREEMENT

from marsad.coordinate.ground import ground_of
from marsad.kernel.lattice import Lattice

LATTICE = Lattice(west_m=-3000, north_m=3000, cell_m=50, rows=120, columns=120)


def test_a_block_is_told_of_where_nearly_all_of_it_is_seen() -> None:
    seen = np.ones(LATTICE.shape, bool)
    whole = ground_of(AGREEMENT, AGREEMENT.anchor, LATTICE, seen)
    assert len(whole.blocks) == 36
    east, north = LATTICE.centres()
    hidden = (np.abs(east - 500) < 100) & (np.abs(north - 500) < 100)
    assert {*whole.blocks} - {*ground_of(AGREEMENT, AGREEMENT.anchor, LATTICE, seen & ~hidden).blocks} == {(0, 0)}
    small = (np.abs(east - 500) < 50) & (np.abs(north - 500) < 50)
    assert ground_of(AGREEMENT, AGREEMENT.anchor, LATTICE, seen & ~small) == whole


def test_a_block_that_reaches_beyond_what_is_known_is_not_told_of() -> None:
    seen = np.ones(LATTICE.shape, bool)
    elsewhere = replace(AGREEMENT.anchor, latitude_deg=AGREEMENT.anchor.latitude_deg + 0.005)
    assert len(ground_of(AGREEMENT, elsewhere, LATTICE, seen).blocks) == 30
    assert ground_of(AGREEMENT, elsewhere, LATTICE, ~seen).blocks == ()
