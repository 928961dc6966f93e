"""How far a set of estimated places is from the true one: GOSPA, what is misplaced, missed and false told apart.

Source: Rahmathullah, Garcia-Fernandez and Svensson, "Generalized optimal sub-pattern assignment metric", FUSION 2017.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import KDTree

from marsad.kernel.error import InputError
from marsad.kernel.record import Record

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_DENSE: Final = 10_000
"""So many pairs are assigned faster in a full table than in a sparse one."""


class Gospa(Record, eq=False):
    """GOSPA of one moment.

    `total_m` is the metric; raised to the order it is the sum of `localisation`, `missed_cost` and `false_cost`. In
    `pairs` (K, 2) are the rows of the truth and of the estimate that belong together, none as far apart as the cutoff.
    """

    total_m: float
    localisation: float
    missed_cost: float
    false_cost: float
    missed: int
    false: int
    pairs: Integers


def gospa(truth_m: Floats, estimate_m: Floats, cutoff_m: float, order: float = 2.0, alpha: float = 2.0) -> Gospa:
    """GOSPA between true places (N, D) and estimated ones (M, D).

    Where alpha is not 2, two that are assigned to each other beyond the cutoff cost as much as one missed and one false
    at alpha 2 would, half of it each.

    Raises: InputError for a cutoff of 0 or less, an order below 1 or an alpha outside 0 to 2.
    """
    if not (cutoff_m > 0 and order >= 1 and 0 < alpha <= 2):
        raise InputError(f"GOSPA has no cutoff {cutoff_m} with order {order} and alpha {alpha}")
    pairs, distances_m = _pairs(truth_m, estimate_m, cutoff_m, order)
    missed, false = len(truth_m) - len(pairs), len(estimate_m) - len(pairs)
    beyond, whole = min(missed, false), cutoff_m**order
    localisation = float((distances_m**order).sum())
    missed_cost, false_cost = (beyond * whole / 2 + (count - beyond) * whole / alpha for count in (missed, false))
    return Gospa(
        total_m=(localisation + missed_cost + false_cost) ** (1 / order),
        localisation=localisation,
        missed_cost=missed_cost,
        false_cost=false_cost,
        missed=missed,
        false=false,
        pairs=pairs,
    )


def _pairs(truth: Floats, estimate: Floats, cutoff: float, order: float) -> tuple[Integers, Floats]:
    """The pairs nearer than the cutoff that save most, and how far apart they are."""
    if len(truth) == 0 or len(estimate) == 0:
        return np.zeros((0, 2), np.int64), np.zeros(0)
    if len(truth) * len(estimate) <= _DENSE:
        apart = np.linalg.norm(truth[:, None] - estimate[None], axis=-1)
        rows, columns = linear_sum_assignment(np.minimum(apart, cutoff) ** order)
        near = apart[rows, columns] < cutoff
        pairs = np.stack([rows[near], columns[near]], axis=-1).astype(np.int64)
        return pairs, apart[pairs[:, 0], pairs[:, 1]]
    return _sparse_pairs(truth, estimate, cutoff, order)


def _sparse_pairs(truth: Floats, estimate: Floats, cutoff: float, order: float) -> tuple[Integers, Floats]:
    """The same through near pairs alone: each truth may also stay by itself, at what it then costs."""
    near = KDTree(truth).sparse_distance_matrix(KDTree(estimate), cutoff, output_type="ndarray")
    near = near[near["v"] < cutoff]
    alone = np.arange(len(truth))
    rows = np.concatenate([near["i"], alone])
    columns = np.concatenate([near["j"], len(estimate) + alone])
    # A cost of 0 would be no edge; one and the same added to every choice of a row changes no choice.
    costs = np.concatenate([(near["v"] / cutoff) ** order, np.ones(len(truth))]) + 1.0
    table = csr_array((costs, (rows, columns)), shape=(len(truth), len(estimate) + len(truth)))
    chosen, partner = min_weight_full_bipartite_matching(table)
    paired = partner < len(estimate)
    pairs = np.stack([chosen[paired], partner[paired]], axis=-1).astype(np.int64)
    return pairs, np.linalg.norm(truth[pairs[:, 0]] - estimate[pairs[:, 1]], axis=-1)


def identity_changes(moments: Iterable[tuple[Integers, Integers]]) -> int:
    """How often a true object was on another track than when it was last on one.

    Each moment holds the identities of the objects and of the tracks they are on, in pairs.
    """
    last: dict[int, int] = {}
    changes = 0
    for objects, tracks in moments:
        for known, track in zip(objects.tolist(), tracks.tolist(), strict=True):
            changes += last.get(known, track) != track
            last[known] = track
    return changes
