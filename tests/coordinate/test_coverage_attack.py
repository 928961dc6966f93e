"""Whoever knows how our cameras see tries to find our towers from the coverage that we offer.

The attack fits the footprints of towers, whose cameras have the true reach and openings, to what was offered, the best
first. It is held against the protected distance, and shown to work on cells that are finer than may be offered.
"""

from collections.abc import Iterable
from functools import cache

import numpy as np
from scipy.signal import correlate

from marsad.coordinate.coarse import to_offer
from marsad.kernel.joint import Cell, JointTerms
from marsad.kernel.position import Position

PROTECTED_M = 1000
REACH_M, OPENING_RAD = 6000.0, np.pi / 3
FINE_M = 250
LENGTH_M, BELT_M = 40_000.0, 8000.0
TOWERS = 8
TERMS = JointTerms(
    ours="east", theirs="west", version=1, from_ns=0, until_ns=10**18, cell_m=PROTECTED_M,
    coverage_cell_m=3 * PROTECTED_M, least_cells=4,
    anchor=Position(latitude_deg=34.0, longitude_deg=41.0), protected_distance_m=PROTECTED_M,
)  # fmt: skip
TURNS = tuple(np.arange(-1.2, 1.21, 0.4).round(1).tolist())
SCENES = range(12)


@cache
def footprint(east_m: float, north_m: float, azimuths: tuple[float, ...], cell_m: int) -> frozenset[Cell]:
    """The cells of which cameras at a place near the anchor see half."""
    across = np.arange(-np.ceil(REACH_M / cell_m), np.ceil(REACH_M / cell_m) + 2) * cell_m
    parts = (np.arange(cell_m // FINE_M) + 0.5) * FINE_M
    along = (across[:, None] + parts).ravel()
    east, north = along[:, None] - east_m, along[None] - north_m
    off = (np.arctan2(east, north)[..., None] - azimuths + np.pi) % (2 * np.pi) - np.pi
    seen = (np.hypot(east, north) <= REACH_M) & (np.abs(off) <= OPENING_RAD / 2).any(axis=-1)
    share = seen.reshape(len(across), len(parts), len(across), len(parts)).mean(axis=(1, 3))
    first = int(across[0] / cell_m)
    return frozenset((int(x) + first, int(y) + first) for x, y in np.argwhere(share >= 0.5))


def moved(cells: Iterable[Cell], east: int, north: int) -> frozenset[Cell]:
    return frozenset((x + east, y + north) for x, y in cells)


def seen_by(towers: np.ndarray, turns: np.ndarray, cell_m: int) -> dict[Cell, frozenset[str]]:
    """The cells that two cameras on each tower see nine tenths of together, and which of them see each."""
    fine: dict[Cell, set[str]] = {}
    for n, (east, north) in enumerate(towers.tolist()):
        for side in (-0.5, 0.5):
            x, y = int(east // FINE_M), int(north // FINE_M)
            near = footprint(east - x * FINE_M, north - y * FINE_M, (float(turns[n]) + side,), FINE_M)
            for cell in moved(near, x, y):
                fine.setdefault(cell, set()).add(f"{n}{side}")
    parts = cell_m // FINE_M
    whole: dict[Cell, list[set[str]]] = {}
    for (east, north), cameras in fine.items():
        whole.setdefault((east // parts, north // parts), []).append(cameras)
    kept = {cell: each for cell, each in whole.items() if len(each) >= 0.9 * parts**2}
    return {cell: frozenset[str]().union(*each) for cell, each in kept.items()}


def guesses(offered: frozenset[Cell], cell_m: int) -> np.ndarray:
    """Where the footprints that explain the most of what was offered, and claim the least beside it, begin."""
    reach = int(REACH_M // cell_m) + 2
    cells = np.array(sorted(offered))
    corner = cells.min(axis=0) - 2 * reach
    told = np.zeros(cells.max(axis=0) - corner + 2 * reach + 1)
    told[tuple((cells - corner).T)] = 1.0
    norths = (np.arange(told.shape[1]) + corner[1] + 0.5) * cell_m
    possible = np.full(told.shape, -np.inf)
    possible[reach:-reach, (norths > -BELT_M) & (norths < 0)] = 0.0
    left, found = told.copy(), []
    for _ in range(TOWERS):
        gain = left + told - 1
        fits = [correlate(gain, shape, mode="same", method="fft").round(6) + possible for _, shape in shapes(cell_m)]
        best = int(np.argmax([fit.max() for fit in fits]))
        east, north = np.unravel_index(np.argmax(fits[best]), told.shape)
        offset, shape = shapes(cell_m)[best]
        found.append((corner + np.array([east, north])) * cell_m + offset)
        left[east - reach : east + reach + 1, north - reach : north + reach + 1] *= 1 - shape
    return np.array(found)


@cache
def shapes(cell_m: int) -> list[tuple[tuple[float, float], np.ndarray]]:
    """What towers at every kilometre of a cell, turned any way, see about them."""
    parts = max(cell_m // 1000, 1)
    steps = ((np.arange(parts) + 0.5) * cell_m / parts).tolist()
    reach = int(REACH_M // cell_m) + 2
    return [
        ((x, y), raster(footprint(x, y, (turn - 0.5, turn + 0.5), cell_m), reach))
        for x in steps
        for y in steps
        for turn in TURNS
    ]


def raster(cells: Iterable[Cell], reach: int) -> np.ndarray:
    """Cells as ones about the middle of a square."""
    drawn = np.zeros((2 * reach + 1, 2 * reach + 1))
    for east, north in cells:
        drawn[east + reach, north + reach] = 1.0
    return drawn


def errors_m(seed: int, cell_m: int) -> list[float]:
    """How far each guess is from the nearest tower, for one night's offer; nothing where nothing was offered."""
    rng = np.random.default_rng(seed)
    towers = np.column_stack([rng.uniform(0, LENGTH_M, TOWERS), rng.uniform(-BELT_M, 0, TOWERS)])
    seen = seen_by(towers, rng.normal(scale=0.5, size=TOWERS), cell_m)
    offered = frozenset(to_offer(seen, TERMS) if cell_m == TERMS.coverage_cell_m else seen)
    if not offered:
        return []
    found: list[float] = np.linalg.norm(towers[:, None] - guesses(offered, cell_m)[None], axis=2).min(axis=0).tolist()
    return found


def test_half_the_guesses_from_what_is_offered_are_farther_off_than_the_protected_distance() -> None:
    errors = [each for seed in SCENES for each in errors_m(seed, TERMS.coverage_cell_m)]
    assert len(errors) >= len(SCENES) * TOWERS / 2
    assert np.median(errors) >= PROTECTED_M


def test_the_attack_works_where_cells_are_fine() -> None:
    errors = [each for seed in SCENES for each in errors_m(seed, 500)]
    assert np.median(errors) <= 0.6 * PROTECTED_M
