"""Blocks are told of as a whole or not at all, and none that only the true places of the cameras explain."""

import math

import numpy as np
from msgspec.structs import replace
from test_release import AGREEMENT as OPEN

from marsad.coordinate.ground import LEAST_PLACES, Eye, Seen, ground_of, other_places
from marsad.kernel.lattice import Lattice

AGREEMENT = replace(OPEN, protected_distance_m=250)
LATTICE = Lattice(west_m=-3000, north_m=3000, cell_m=50, rows=120, columns=120)
PLACES = len([*other_places(AGREEMENT.protected_distance_m)])
ALL = np.ones(LATTICE.shape, bool)


def blocks(*eyes: Eye, anchor_deg: float = 0.0) -> set[tuple[int, int]]:
    anchor = replace(AGREEMENT.anchor, latitude_deg=AGREEMENT.anchor.latitude_deg + anchor_deg)
    return {*ground_of(AGREEMENT, anchor, LATTICE, eyes).blocks}


def steady(seen: Seen) -> Eye:
    """A camera that would see the same from anywhere."""
    return Eye(seen, [seen] * PLACES)


def test_a_block_is_told_of_where_nearly_all_of_it_is_seen() -> None:
    whole = blocks(steady(ALL))
    assert len(whole) == 36
    east, north = LATTICE.centres()
    hidden = (np.abs(east - 500) < 100) & (np.abs(north - 500) < 100)
    assert whole - blocks(steady(~hidden)) == {(0, 0)}
    small = (np.abs(east - 500) < 50) & (np.abs(north - 500) < 50)
    assert blocks(steady(~small)) == whole


def test_a_block_that_reaches_beyond_what_is_known_is_not_told_of() -> None:
    assert len(blocks(steady(ALL), anchor_deg=0.005)) == 30
    assert blocks(steady(~ALL), anchor_deg=0.005) == set()
    assert blocks() == set()


def test_what_a_camera_sees_from_few_places_alone_is_not_told_of() -> None:
    _, north = LATTICE.centres()
    rare = north > 1000
    enough = math.ceil(LEAST_PLACES * PLACES)
    for there in (enough - 1, enough):
        elsewhere = [ALL] * there + [~rare] * (PLACES - there)
        told = blocks(Eye(ALL, elsewhere))
        assert len(told) == (36 if there == enough else 24)
        assert all(row < 1 for _, row in told) == (there < enough)


def test_all_that_is_told_of_could_be_seen_from_the_same_other_places() -> None:
    """Either half may be told of, from places of its own; both together only the true place explains."""
    east, _ = LATTICE.centres()
    both = 2 * math.ceil(LEAST_PLACES * PLACES) - PLACES
    half = (PLACES - both) // 2
    elsewhere = [east < 0] * half + [ALL] * both + [east > 0] * half
    told = blocks(Eye(ALL, elsewhere))
    assert len(told) == 18
    assert len({block_east < 0 for block_east, _ in told}) == 1


def test_what_another_camera_sees_as_well_is_told_of() -> None:
    only_here = Eye(ALL, [~ALL] * PLACES)
    assert blocks(only_here) == set()
    assert len(blocks(only_here, steady(ALL))) == 36


def test_without_a_distance_to_protect_all_that_is_seen_whole_is_told_of() -> None:
    assert OPEN.protected_distance_m == 0
    assert len(ground_of(OPEN, OPEN.anchor, LATTICE, [Eye(ALL, [])]).blocks) == 36


def test_every_other_place_is_farther_off_than_the_protected_distance() -> None:
    assert min(np.hypot(*each) for each in other_places(250)) > 250
