"""What a partner comes to believe of where the cameras stand, who reckons through every place where they might.

    python benchmarks/release_belief.py                 # 12 grounds, 60 cameras: a few minutes
    python benchmarks/release_belief.py --grounds 2

The hardest attack on the release ground. The partner knows the terrain, how far such cameras see and how high their
masts are, and of each camera the square kilometre or two in which it stands (1.4 by 1.3 km, anywhere in it); it has
learnt without an error which blocks are told of, and knows what share of the whole ones that is. It draws from the
belief that follows (Gibbs sampling over places and headings), with what is told and without. Told are: the belief that
a camera stands within the protected distance of where it does, the mean and the most over the cameras; and how many of
them stand within that distance of the one best place to name. `every whole block` is the release ground without the
other places.
"""

import argparse
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from marsad.coordinate.ground import Eye, ground_of
from marsad.geo.geodesy import EnuFrame
from release_attack import (
    ANCHOR,
    EAST,
    HALF_VIEW_RAD,
    NORTH,
    ORIGIN,
    PROTECTED_M,
    REACH_M,
    SITE,
    SOUTH,
    WEST,
    World,
    height_at,
    make_world,
    released_ground,
    signed_agreement,
    world_with,
)

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
CAMERAS = 5
MAST_M = 25.0
TURNS = (-0.28, -0.14, 0.0, 0.14, 0.28)
SQUARE_E_M, SQUARE_S_M, SQUARE_N_M = 700.0, -1800.0, -500.0
SPARSE = 4
"""One in so many cells of 100 m is looked at."""
SWEEPS, FIRST = 90, 30


class Places(NamedTuple):
    """Where each camera might stand and look: by camera, places (S, 2) and the cells of the blocks seen (S, B, C)."""

    blocks: list[tuple[int, int]]
    at: list[Array]
    sees: list[Mask]


class Belief(NamedTuple):
    """Of each camera: the belief within the protected distance of it, and how far the best place to name is off."""

    within: Array
    off_m: Array


def anywhere(seed: int) -> World:
    """A ground, and cameras anywhere in their squares: where heights give nothing away."""
    heights, rng = make_world(np.random.default_rng(seed)).heights, np.random.default_rng(1000 + seed)
    stands = []
    for k in range(CAMERAS):
        x, y = middle(k) + rng.uniform(-SQUARE_E_M, SQUARE_E_M), rng.uniform(SQUARE_S_M, SQUARE_N_M)
        stands.append([x, y, float(height_at(heights, x, y)) + MAST_M, rng.uniform(-0.35, 0.35)])
    return world_with(heights, np.array(stands))


def middle(camera: int) -> float:
    """How far east a camera's square is."""
    return WEST + (camera + 0.5) * (EAST - WEST) / CAMERAS


def possible(world: World, block_m: int, step_m: float) -> Places:
    """All that the partner reckons through."""
    east, north = (
        each.ravel() for each in np.meshgrid(np.arange(WEST + 50, EAST, 100), np.arange(SOUTH + 50, NORTH, 100))
    )
    x, y, _ = EnuFrame(ANCHOR).from_geodetic(*SITE.to_geodetic(east, north)[:2])
    cells = np.floor(np.column_stack([x, y]) / block_m).astype(int)
    blocks, which, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    least = int(0.95 * (block_m / 100) ** 2)
    whole = np.flatnonzero(counts >= least)
    inside = np.array([np.flatnonzero(which.ravel() == k)[:least:SPARSE] for k in whole])
    at, sees = [], []
    for camera in range(CAMERAS):
        easts = np.arange(middle(camera) - SQUARE_E_M + 50, middle(camera) + SQUARE_E_M, step_m)
        spots = np.array([(a, b) for a in easts for b in np.arange(SQUARE_S_M + 50, SQUARE_N_M, step_m)])
        sees.append(np.concatenate([sights(world.heights, spot, east[inside], north[inside]) for spot in spots]))
        at.append(np.repeat(spots, len(TURNS), axis=0))
    return Places([(int(a), int(b)) for a, b in blocks[whole]], at, sees)


def sights(heights: Array, spot: Array, east: Array, north: Array) -> Mask:
    """What a camera at a place sees, for each way it may look (T, B, C)."""
    away_e, away_n = east - spot[0], north - spot[1]
    away, bearing = np.hypot(away_e, away_n), np.arctan2(away_e, away_n)
    share = (np.arange(1, 40) / 40)[:, None]
    lens = float(height_at(heights, spot[:1], spot[1:])[0]) + MAST_M
    near = (away < REACH_M) & (away > 30)
    ray = lens + share * (height_at(heights, east[near], north[near]) + 1.5 - lens)
    clear = np.zeros(east.shape, bool)
    between = height_at(heights, spot[0] + share * away_e[near], spot[1] + share * away_n[near])
    clear[near] = (between < ray).all(axis=0)
    off = [np.abs((bearing - turn + np.pi) % (2 * np.pi) - np.pi) for turn in TURNS]
    return np.array([clear & (each < HALF_VIEW_RAD) for each in off])


def likelihood(share: Array, told: Mask, told_share: float) -> Array:
    """How well shares of blocks seen (S, B) go with what is told of, logarithmic (S,)."""
    chance = told_share * np.clip(1 / (1 + np.exp(-(share - 0.97) / 0.015)), 0.005, 0.99)
    found: Array = np.log(np.where(told, chance, 1 - chance)).sum(axis=-1)
    return found


def believed(places: Places, told: Mask, told_share: float, rng: np.random.Generator, runs: int = 2) -> list[Array]:
    """What the partner believes of each camera, over its places (S,)."""
    total = [np.zeros(len(at)) for at in places.at]
    for _ in range(runs):
        state = [int(rng.integers(len(at))) for at in places.at]
        for sweep in range(SWEEPS):
            for k, sees in enumerate(places.sees):
                others = np.any([places.sees[j][state[j]] for j in range(CAMERAS) if j != k], axis=0)
                share = (others.sum(axis=-1) + (sees & ~others).sum(axis=-1)) / others.shape[-1]
                # Warmed up slowly, so that it does not stay where it began.
                weight = min(1.0, (sweep + 1) / FIRST) * likelihood(share, told, told_share)
                chance = np.exp(weight - weight.max())
                chance /= chance.sum()
                state[k] = int(rng.choice(len(chance), p=chance))
                total[k] += chance if sweep >= FIRST else 0.0
    return [each / each.sum() for each in total]


def belief(places: Places, chances: Sequence[Array], cameras: Array) -> Belief:
    """What the beliefs come to."""
    within, off = [], []
    for at, chance, camera in zip(places.at, chances, cameras, strict=True):
        spots, which = np.unique(at, axis=0, return_inverse=True)
        mass = np.bincount(which.ravel(), chance)
        within.append(mass[np.hypot(*(spots - camera).T) < PROTECTED_M].sum())
        about = [mass[np.hypot(*(spots - spot).T) < PROTECTED_M].sum() for spot in spots]
        off.append(np.hypot(*(spots[int(np.argmax(about))] - camera)))
    return Belief(np.array(within), np.array(off))


def beliefs(seed: int, step_m: float = 130.0) -> dict[str, tuple[int, Belief]]:
    """For one ground: how many blocks are told of, and what is believed; told nothing, all whole blocks, as it is."""
    world, agreement = anywhere(seed), signed_agreement().agreement
    places = possible(world, agreement.block_m, step_m)
    whole, released = whole_blocks(world), released_ground(world, agreement).blocks
    grounds = {"every whole block": (whole, 1.0), "as released": (released, share_told(world, released))}
    even = [np.full(len(at), 1 / len(at)) for at in places.at]
    found = {"nothing": (0, belief(places, even, world.cameras[:, :2]))}
    for name, (blocks, share) in grounds.items():
        told = np.array([block in {*blocks} for block in places.blocks])
        chances = believed(places, told, share, np.random.default_rng(seed))
        found[name] = len(blocks), belief(places, chances, world.cameras[:, :2])
    return found


def whole_blocks(world: World) -> tuple[tuple[int, int], ...]:
    """The blocks that are seen whole: what would be told of, were cameras not thought of."""
    careless = [Eye(seen, [seen]) for seen in world.sights]
    return ground_of(signed_agreement().agreement, ORIGIN, world.lattice, careless).blocks


def share_told(world: World, blocks: Sequence[tuple[int, int]]) -> float:
    """What share of the blocks that are seen whole is told of, as the partner knows."""
    return min(max(len(blocks) / max(len(whole_blocks(world)), 1), 0.05), 0.95)


def main() -> None:
    """Reckon through some grounds, and say what is believed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grounds", type=int, default=12)
    parser.add_argument("--seed", type=int, default=101, help="the choices were made on 101 to 124")
    asked = parser.parse_args()
    start, every = time.perf_counter(), [beliefs(asked.seed + k) for k in range(asked.grounds)]
    print(f"{CAMERAS * asked.grounds} cameras, {PROTECTED_M} m protected; {time.perf_counter() - start:.0f} s")
    for name in every[0]:
        within = np.concatenate([each[name][1].within for each in every])
        off = np.concatenate([each[name][1].off_m for each in every])
        blocks = np.mean([each[name][0] for each in every])
        print(f"  told of {name:18s} {blocks:4.1f} blocks: belief within the distance {within.mean():.3f}, at the most")
        print(f"    {within.max():.2f}; best place within it {np.mean(off < PROTECTED_M):.0%}, "
              f"median {np.median(off):.0f} m")  # fmt: skip


if __name__ == "__main__":
    main()
