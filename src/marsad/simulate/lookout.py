"""Whether somebody who walks a way is found by cameras that look one way after another, look by look.

He moves continuously at the walking speed of the slope that he is on; every look falls at its own moment, is asked with
a sight line of its own to where he is just then, and finds him with the chance of his range. Nothing is held in cells.
"""

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from marsad.geo.elevation import Surface
from marsad.geo.geodesy import Array
from marsad.geo.mobility import Mobility
from marsad.geo.sight import REFRACTION, clear_many

STEP_M: Final = 10.0
"""The length over which a walker's slope is taken."""
TARGET_M: Final = 1.0


class Lookout(NamedTuple):
    """A camera's eye (3,) and vertical (3,), how far it is counted on, and its looks all round, `look_s` each.

    Each look shows `field_rad`; `chance` is that of one look to find somebody at ranges (N,). `shows` narrows it to
    those points (N, 3) that are in the picture of a camera which does not turn.
    """

    eye: Array
    up: Array
    reach_m: float
    looks: int
    look_s: float
    field_rad: float
    chance: Callable[[Array], Array]
    shows: Callable[[Array], Array] | None = None


class Walk(NamedTuple):
    """Where somebody is when: seconds (N,), east and north (N, 2)."""

    time_s: Array
    places: Array


class Sightings(NamedTuple):
    """Looks in whose direction somebody would be: their numbers, times, azimuths to him, and chances to find him."""

    number: NDArray[np.int64]
    time_s: Array
    azimuth_rad: Array
    chance: Array


def walk(
    surface: Surface, way: Array, mobility: Mobility, pace: float = 1.0,
    ease: Callable[[Array, Array], Array] | None = None,
) -> Walk | None:  # fmt: skip
    """The walk along the corners (K, 2) of a way, `pace` times as fast as usual; None where nobody can go.

    `ease` is the share of the speed that the ground's surface leaves at places, east and north.
    """
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))])
    along = np.linspace(0.0, lengths[-1], max(2, math.ceil(lengths[-1] / STEP_M) + 1))
    places = np.stack([np.interp(along, lengths, way[:, 0]), np.interp(along, lengths, way[:, 1])], axis=1)
    slopes = np.diff(surface.up_m(places[:, 0], places[:, 1])) / np.diff(along)
    speeds = np.array([mobility.speed_m_s(slope) for slope in slopes])
    if ease is not None:
        speeds = speeds * ease(*((places[:-1] + places[1:]) / 2).T)
    if not (speeds > 0).all():
        return None
    spent = np.diff(along) * np.sqrt(1 + slopes**2) / (speeds * pace)
    return Walk(np.concatenate([[0.0], np.cumsum(spent)]), places)


def held_up(walked: Walk, after: int, seconds: float) -> Walk:
    """The walk with so long a wait at one of its places."""
    times = np.concatenate([walked.time_s[: after + 1], walked.time_s[after:] + seconds])
    return Walk(times, np.repeat(walked.places, 1 + (np.arange(len(walked.places)) == after), axis=0))


def unfound(walked: Walk, surface: Surface, lookout: Lookout, late_s: float) -> Array:
    """The chance (looks,) that a walk goes unfound, by the look with which the camera begins `late_s` after it."""
    seen = sightings(walked, surface, lookout, late_s)
    return np.exp(_by_beginning(lookout, seen.number, seen.azimuth_rad, np.log1p(-seen.chance)))


def sightings(walked: Walk, surface: Surface, lookout: Lookout, late_s: float) -> Sightings:
    """Every look that would find him if it pointed his way."""
    times = np.arange(late_s, walked.time_s[-1], lookout.look_s)
    east, north = (np.interp(times, walked.time_s, places) for places in walked.places.T)
    points = np.stack([east, north, surface.up_m(east, north) + TARGET_M], axis=1)
    offset = points - lookout.eye
    range_m = np.linalg.norm(offset, axis=1)
    chance = np.where(range_m <= lookout.reach_m, lookout.chance(range_m), 0.0)
    if lookout.shows is not None:
        chance = np.where(lookout.shows(points), chance, 0.0)
    asked = np.flatnonzero(chance > 0).astype(np.int64)
    asked = asked[clear_many(surface.arrays, lookout.eye, lookout.up, points[asked], REFRACTION)]
    azimuth = np.arctan2(offset[asked, 0], offset[asked, 1])
    return Sightings(asked, times[asked], azimuth, np.minimum(chance[asked], 1 - 1e-12))


def looks_at_him(seen: Sightings, lookout: Lookout, first: int) -> tuple[Array, Array]:
    """When the looks are that point his way, where the camera begins with the look `first`, and the chance of each."""
    pointing = (seen.number + first) * (2 * math.pi / lookout.looks)
    aside = np.abs((seen.azimuth_rad - pointing + math.pi) % (2 * math.pi) - math.pi)
    shown = aside <= lookout.field_rad / 2
    return seen.time_s[shown], seen.chance[shown]


def _by_beginning(lookout: Lookout, number: NDArray[np.int64], azimuth: Array, missed: Array) -> Array:
    """The logarithms of missing at each look, summed over those that point there, by the look that was the first."""
    apart = 2 * math.pi / lookout.looks
    nearest = np.round(azimuth / apart).astype(int)
    total: Array = np.zeros(lookout.looks)
    for step in {k % lookout.looks for k in (-1, 0, 1)}:
        aside = np.abs((azimuth - (nearest + step) * apart + math.pi) % (2 * math.pi) - math.pi)
        shown = aside <= lookout.field_rad / 2
        total += np.bincount(
            ((nearest + step - number) % lookout.looks)[shown], weights=missed[shown], minlength=lookout.looks
        )
    return total
