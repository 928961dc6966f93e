"""Published p-median instances solved as coverings: how far what is found is from the published optimum, and the bound.

The instances are the user's own files, in the format of OR-Library: the number of vertices, of edges and of medians,
then each edge's ends and length, of which the last one told counts. For each customer and each distance there is to
him there is a cell, worth the step to the next farther one and seen from the sites that are no farther: what the best
sites see is what the distances are less than from the farthest ones.

Source: J. E. Beasley, A note on solving large p-median problems, European Journal of Operational Research 21 (1985)
270-273: pmed1 to pmed5 and their optima.
"""

import itertools
import time
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import floyd_warshall

from figures import Target, command, show
from marsad.plan.coverage import Coverage, best_coverage

OPTIMA = {"pmed1": 5819, "pmed2": 4093, "pmed3": 4250, "pmed4": 3034, "pmed5": 1355}
TARGETS = [Target("over_optimum", "at_most", 0.0)]


def read(path: Path) -> tuple[np.ndarray, int]:
    """The shortest distances between all vertices, and the number of medians."""
    told = np.array(path.read_text().split(), int)
    vertices, _, medians = told[:3]
    length = np.full((vertices, vertices), np.inf)
    for one, other, apart in told[3:].reshape(-1, 3):
        length[one - 1, other - 1] = length[other - 1, one - 1] = apart
    return floyd_warshall(length), int(medians)


def covering(distance: np.ndarray, medians: int) -> Coverage:
    """The covering whose best sites are the medians."""
    cells, worth = [], []
    for away in distance.T:
        for near, far in itertools.pairwise(np.unique(away)):
            cells.append(away <= near)
            worth.append(far - near)
    return Coverage(csr_array(np.array(cells).T), np.array(worth), medians)


def main() -> None:
    """Every file named."""
    parser = command(__doc__ or "")
    parser.add_argument("files", type=Path, nargs="*", help="pmed1.txt and so on")
    options = parser.parse_args()
    if unknown := [path.stem for path in options.files if path.stem not in OPTIMA]:
        raise SystemExit(f"no published optimum is held for {', '.join(unknown)}; name {', '.join(OPTIMA)}")
    figures: dict[str, object] = {"over_optimum": "not run"}
    over = []
    for path in options.files:
        distance, medians = read(path)
        start, farthest = time.process_time(), distance.max(axis=0).sum()
        *_, last = best_coverage(covering(distance, medians), np.random.default_rng(0))
        found = {"found": farthest - last.seen, "bound": farthest - last.bound, "s": time.process_time() - start}
        figures |= {f"{path.stem}_{key}": float(value) for key, value in found.items()}
        over.append(float(found["found"]) - OPTIMA[path.stem])
        figures["over_optimum"] = max(over)
    show("medians", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()
