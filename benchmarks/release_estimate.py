"""How far off the one best estimate of each camera is, that an attacker on a night's releases can make.

    python benchmarks/release_estimate.py                   # 12 nights, 60 cameras anywhere: five minutes
    python benchmarks/release_estimate.py --heights         # the same with cameras on heights
    python benchmarks/release_estimate.py --nights 48 --only "reckons through all"

Each attack of `release_attack.py`, and whoever reckons through all places (`release_belief.py`), gives one place for
each camera: the maximum of what it believes, and the mean. All know of each camera the 1.4 by 1.3 km in which it
stands. Beside them stand an attacker with a map alone, who names the highest place or the one that sees most, and a
blind one, who names the middle.

Told are, of each, the least error over the cameras, the quartiles, and how many are within the protected distance; and
how many are by chance, which is how often its estimates lie so near to other cameras of other nights; and how likely so
many or more would be by chance (binomial).
"""

import argparse
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from release_attack import (
    HALF_VIEW_RAD,
    PROTECTED_M,
    REACH_M,
    Lines,
    Night,
    arc_votes,
    block_cover,
    cover,
    first_and_last,
    height_at,
    line_votes,
    long_axes,
    make_night,
    scatter_axes,
)
from release_belief import (
    CAMERAS,
    MAST_M,
    SQUARE_E_M,
    SQUARE_N_M,
    SQUARE_S_M,
    anywhere,
    believed,
    middle,
    possible,
    share_told,
)

Array = NDArray[np.float64]
RECKONER = "reckons through all"
MAP, SEES, BLIND = "map alone: highest", "map alone: sees most", "blind: the middle"
TURNS = (-0.3, 0.0, 0.3)
STEP_M = 100.0


class Estimate(NamedTuple):
    """One attacker's word on one camera: the best place and the mean, and where it stands, from the square's middle."""

    best: Array
    mean: Array
    camera: Array


def square(camera: int) -> Array:
    """The places in which a camera may stand, as all attackers know (C, 2)."""
    easts = np.arange(middle(camera) - SQUARE_E_M + STEP_M / 2, middle(camera) + SQUARE_E_M, STEP_M)
    norths = np.arange(SQUARE_S_M + STEP_M / 2, SQUARE_N_M, STEP_M)
    return np.array([(east, north) for east in easts for north in norths])


def estimated(night: Night, only: str = "") -> dict[str, list[Estimate]]:
    """What every attacker says of every camera; nothing of one that has nothing to go by."""
    found: dict[str, list[Estimate]] = {}
    for name, where, weights in beliefs(night, only):
        for k, (at, weight) in enumerate(zip(where, weights, strict=True)):
            if weight.sum() <= 0:
                continue
            centre = np.array([middle(k), (SQUARE_S_M + SQUARE_N_M) / 2])
            best, mean = at[int(np.argmax(near_mass(at, weight)))], weight @ at / weight.sum()
            found.setdefault(name, []).append(
                Estimate(best - centre, mean - centre, night.world.cameras[k, :2] - centre)
            )
    return found


def near_mass(at: Array, weight: Array) -> Array:
    """What is believed within the protected distance of each place: the best one to name has the most."""
    return np.array([weight[np.hypot(*(at - place).T) < PROTECTED_M].sum() for place in at])


def beliefs(night: Night, only: str) -> Iterator[tuple[str, list[Array], list[Array]]]:
    """Of each attacker its name, the places, and how much it believes in each, camera by camera."""
    where = [square(k) for k in range(CAMERAS)]
    if only in {"", RECKONER}:
        yield RECKONER, *reckoned(night)
    if only:
        return
    lines: dict[str, Lines] = {
        "long axes of ellipses": long_axes(night, night.told), "scatter of errors": scatter_axes(night, night.told),
    }  # fmt: skip
    for name, each in lines.items():
        yield name, where, [weighed(line_votes(at, each)) for at in where]
    ends = first_and_last(night, night.told)
    yield "arcs of first and last", where, [weighed(arc_votes(at, ends)) for at in where]
    yield "cover over terrain", where, placed(night, where, *cover(night, night.told))
    yield "cover, knowing blocks", where, placed(night, where, *block_cover(night, night.told))
    heights = [height_at(night.world.heights, *at.T) for at in where]
    yield MAP, where, [(each == each.max()) * 1.0 for each in heights]
    ground = np.array([(x, y) for x in np.arange(-5900.0, 6000.0, 200) for y in np.arange(-2900.0, 3000.0, 200)])
    seen = [sights(night, at, ground).sum(axis=-1).max(axis=-1) for at in where]
    yield SEES, where, [(each == each.max()) * 1.0 for each in seen]
    yield BLIND, where, [np.ones(len(at)) for at in where]


def weighed(evidence: Array) -> Array:
    """How much is believed in each place; a vote more or less of many may be chance. Nothing without any evidence."""
    if evidence.max(initial=0.0) <= 0:
        return np.zeros(len(evidence))
    weights: Array = np.exp((evidence - evidence.max()) / np.sqrt(evidence.max() + 1))
    return weights


def placed(night: Night, where: list[Array], places: Array, wanted: Array, unwanted: Array) -> list[Array]:
    """How well a camera in each place goes with what is told, the others being where they go best."""
    every = [sights(night, at, places) for at in where]
    chosen = [np.zeros(len(places), bool) for _ in where]
    gains = [np.zeros(0) for _ in where]
    for _ in range(3):
        for k, sees in enumerate(every):
            left = np.where(np.any([each for j, each in enumerate(chosen) if j != k], axis=0), 0.0, wanted)
            gain = sees @ left - sees @ unwanted
            at, turn = np.unravel_index(int(np.argmax(gain)), gain.shape)
            chosen[k], gains[k] = sees[at, turn], gain.max(axis=-1)
    return [weighed(each - each.min()) for each in gains]


def sights(night: Night, where: Array, places: Array) -> NDArray[np.bool_]:
    """Which places a camera in each place would see, for each way it may look (C, T, P)."""
    heights, (east, north) = night.world.heights, places.T
    share = (np.arange(1, 40) / 40)[:, None]
    out = np.zeros((len(where), len(TURNS), len(places)), bool)
    for k, (x, y) in enumerate(where):
        away = np.hypot(east - x, north - y)
        near = (away < REACH_M) & (away > 30)
        lens = float(height_at(heights, x, y)) + MAST_M
        ray = lens + share * (height_at(heights, east[near], north[near]) + 1.5 - lens)
        between = height_at(heights, x + share * (east[near] - x), y + share * (north[near] - y))
        clear = np.zeros(len(places), bool)
        clear[near] = (between < ray).all(axis=0)
        bearing = np.arctan2(east - x, north - y)
        for turn, heading in enumerate(TURNS):
            off = np.abs((bearing - heading + np.pi) % (2 * np.pi) - np.pi)
            out[k, turn] = clear & (off < HALF_VIEW_RAD)
    return out


def reckoned(night: Night) -> tuple[list[Array], list[Array]]:
    """What is believed by whoever knows without an error which blocks are told of, and reckons through all places."""
    places = possible(night.world, night.terms.agreement.block_m, 130.0)
    told = np.array([block in {*night.blocks} for block in places.blocks])
    chances = believed(places, told, share_told(night.world, night.blocks), np.random.default_rng(0))
    where, weights = [], []
    for at, chance in zip(places.at, chances, strict=True):
        spots, which = np.unique(at, axis=0, return_inverse=True)
        where.append(spots)
        weights.append(np.bincount(which.ravel(), chance))
    return where, weights


class Outcome(NamedTuple):
    """What one attacker's estimates come to: errors (N,), how many would be near by chance, and how likely so many."""

    off_m: Array
    chance: float
    p: float

    @property
    def within(self) -> int:
        """How many are within the protected distance."""
        return int(np.sum(self.off_m < PROTECTED_M))


def outcome(named: Array, cameras: Array) -> Outcome:
    """How far off the places named (N, 2) are, against how far they are from other cameras."""
    away = np.hypot(*(named[:, None] - cameras[None]).transpose(2, 0, 1))
    others = ~np.eye(len(named), dtype=bool)
    chance = float(np.mean(away[others] < PROTECTED_M))
    off = np.diag(away)
    near = int(np.sum(off < PROTECTED_M))
    return Outcome(off, chance, float(binomtest(near, len(off), chance, alternative="greater").pvalue))


def main() -> None:
    """Attack some nights, and say how far off the best estimates are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nights", type=int, default=12)
    parser.add_argument("--walkers", type=int, default=80)
    parser.add_argument("--seed", type=int, default=201, help="the choices were made on 101 to 124")
    parser.add_argument("--heights", action="store_true", help="cameras stand on heights, as one would put them")
    parser.add_argument("--only", default="", choices=["", RECKONER], help="one attacker alone")
    asked = parser.parse_args()
    start, every = time.perf_counter(), dict[str, list[Estimate]]()
    blocks = []
    for seed in range(asked.seed, asked.seed + asked.nights):
        night = make_night(seed, 0 if asked.only else asked.walkers, None if asked.heights else anywhere(seed))
        blocks.append(len(night.blocks))
        for name, found in estimated(night, asked.only).items():
            every.setdefault(name, []).extend(found)
    print(f"{CAMERAS * asked.nights} cameras, {PROTECTED_M} m protected, {np.mean(blocks):.1f} blocks told of a night; "
          f"{time.perf_counter() - start:.0f} s")  # fmt: skip
    for name, found in every.items():
        cameras = np.array([each.camera for each in found])
        for way in ("best", "mean"):
            if name == BLIND and way == "best":
                continue
            off, chance, p = came = outcome(np.array([getattr(each, way) for each in found]), cameras)
            least, *quartiles = np.quantile(off, (0, 0.25, 0.5, 0.75))
            print(f"  {name:22s} {way}: least {least:4.0f}, quartiles {' '.join(f'{q:4.0f}' for q in quartiles)} m; "
                  f"within {came.within:2d} of {len(off)}, by chance {chance * len(off):4.1f} (p {p:.2f})")  # fmt: skip


if __name__ == "__main__":
    main()
