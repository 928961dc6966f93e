"""Covering and p-median instances whose optima are published, small, and given by a rule instead of a file.

A p-median is a covering: for each customer and each distance there is to him, a cell worth the step to the next farther
one, seen from the sites that are no farther; what is seen is what the distances are less than from the farthest sites.

Sources: number of pieces that cover a board, On-Line Encyclopedia of Integer Sequences A075458 (queens), A006075
(knights). Steiner triples over the affine spaces of order 3: D. Fulkerson, G. Nemhauser, L. Trotter, Two
computationally difficult set covering problems that arise in computing the 1-width of incidence matrices of Steiner
triple systems, Mathematical Programming Study 2 (1974) 72-81 (5 and 18); C. Mannino, A. Sassano, Solving hard set
covering problems, Operations Research Letters 18 (1995) 1-5 (61). Lines of projective planes and perfect codes: Yu.
Kochetov, D. Ivanenko, Computationally difficult instances for the uncapacitated facility location problem, in:
Metaheuristics: Progress as Real Problem Solvers (2005) 351-367.
"""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy.sparse import csr_array

from marsad.plan.coverage import Coverage, CoverageProgress, best_coverage


def solved(seen: ArrayLike, count: int, worth: ArrayLike | None = None) -> CoverageProgress:
    table = np.asarray(seen, float)
    worth = np.ones(table.shape[1]) if worth is None else np.asarray(worth, float)
    *_, last = best_coverage(Coverage(csr_array(table), worth, count), np.random.default_rng(0))
    return last


def board(size: int, reaches: Callable[[int, int], bool]) -> np.ndarray:
    squares = list(itertools.product(range(size), repeat=2))
    apart = [[(abs(a - c), abs(b - d)) for c, d in squares] for a, b in squares]
    return np.array([[each == (0, 0) or reaches(*each) for each in row] for row in apart])


def queen(x: int, y: int) -> bool:
    return 0 in {x, y} or x == y


def knight(x: int, y: int) -> bool:
    return {x, y} == {1, 2}


PIECES = [
    *((queen, size, least) for size, least in zip(range(4, 10), (2, 3, 3, 4, 5, 5), strict=True)),
    *((knight, size, least) for size, least in zip(range(3, 9), (4, 4, 5, 8, 10, 12), strict=True)),
]


@pytest.mark.parametrize(("piece", "size", "least"), PIECES)
def test_the_fewest_pieces_cover_a_board(piece: Callable[[int, int], bool], size: int, least: int) -> None:
    assert solved(board(size, piece), least).seen == size * size


@pytest.mark.parametrize(("piece", "size", "least"), [*PIECES[:5], *PIECES[6:]])
def test_one_piece_fewer_is_proven_not_to(piece: Callable[[int, int], bool], size: int, least: int) -> None:
    fewer = solved(board(size, piece), least - 1)
    assert fewer.seen == fewer.bound < size * size


def steiner_triples(dimensions: int) -> np.ndarray:
    """Which points of the affine space of order 3 are on which of its lines."""
    points = np.array(list(itertools.product(range(3), repeat=dimensions)))
    place = 3 ** np.arange(dimensions)[::-1]
    lines = {
        tuple(sorted((one, other, int((-points[one] - points[other]) % 3 @ place))))
        for one, other in itertools.combinations(range(len(points)), 2)
    }
    table = np.zeros((len(points), len(lines)))
    for number, line in enumerate(lines):
        table[list(line), number] = 1.0
    return table


@pytest.mark.parametrize(("dimensions", "least"), [(2, 5), (3, 18), (4, 61)])
def test_the_fewest_points_cover_steiner_triples(dimensions: int, least: int) -> None:
    triples = steiner_triples(dimensions)
    assert solved(triples, least).seen == triples.shape[1]


def test_one_point_fewer_is_proven_not_to_cover_them() -> None:
    assert solved(steiner_triples(2), 4).bound < 12


@pytest.mark.parametrize("order", [3, 5, 7])
def test_lines_of_a_projective_plane_cover_the_most_through_one_point(order: int) -> None:
    lines = [(1, a, b) for a in range(order) for b in range(order)] + [(0, 1, a) for a in range(order)] + [(0, 0, 1)]
    on = np.array(lines) @ np.array(lines).T % order == 0
    for count in (2, order // 2 + 1, order, order + 1):
        found = solved(on, count)
        assert found.seen == found.bound == count * order + 1


def least_distance(distance: np.ndarray, count: int) -> tuple[float, float]:
    """The least sum of distances to the nearest of so many sites that is found, and the bound on it."""
    farthest = distance.max(axis=0)
    cells, worth = [], []
    for customer in range(distance.shape[1]):
        levels = np.unique(distance[:, customer])
        for near, far in itertools.pairwise(levels):
            cells.append(distance[:, customer] <= near)
            worth.append(far - near)
    found = solved(np.array(cells).T, count, worth)
    return float(farthest.sum() - found.seen), float(farthest.sum() - found.bound)


@pytest.mark.parametrize(("length", "words"), [(3, 2), (7, 16)])
def test_the_medians_of_a_cube_are_a_perfect_code(length: int, words: int) -> None:
    distance = np.array([[(one ^ other).bit_count() for other in range(2**length)] for one in range(2**length)])
    assert least_distance(distance, words) == (2**length - words, 2**length - words)


@pytest.mark.parametrize(("places", "medians"), [(12, 3), (25, 5), (30, 4), (40, 7)])
def test_the_medians_of_a_ring_share_it_evenly(places: int, medians: int) -> None:
    around = np.abs(np.subtract.outer(range(places), range(places)))
    share, rest = divmod(places, medians)
    expected = rest * ((share + 1) ** 2 // 4) + (medians - rest) * (share**2 // 4)
    assert least_distance(np.minimum(around, places - around), medians) == (expected, expected)
