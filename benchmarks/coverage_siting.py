"""Twenty sites of a thousand that see the most of 30,000 cells: what is seen, the proven bound and the gap over time.

Lines of sight over made-up steppe by seed, 20 x 15 km in cells of 100 m, towers of 8 m counted on to 2 km; cells count
as seen or not. The peer, in the same run, is the whole integer program given to HiGHS for as long, with cells that the
same sites see taken together. Times are processor time on one thread; the peer's is its own clock.
"""

import time

import highspy
import numpy as np
from scipy.sparse import csr_array

from figures import Target, command, show
from marsad.plan.coverage import Coverage, CoverageProgress, best_coverage, exchanged, greedy_coverage
from marsad.plan.relaxation import quiet_solver
from marsad.plan.sector import TowerKind, exposures
from siting_scenes import KINDS, Sector, ground, heights, spread_sites

GROUND = Sector(20_000.0, 15_000.0, 100.0, 1000, 1)
COUNT = 20
LIMIT_S = 60.0
MARKS_S = (1, 5, 10, 20, 40)
TARGETS = [
    Target("gap_percent", "at_most", 2.0),
    Target("model_s", "at_most", 1.0),
    Target("seen_over_peer_percent", "at_least", 0.0),
]


def seen_cells() -> csr_array:
    """Which of the sites sees which cell."""
    surface, lattice = ground(GROUND)
    sites = spread_sites(GROUND, lattice, heights(surface, lattice), band_m=7500.0)
    camera = KINDS[2].camera
    tower = TowerKind(name="tower", mast_m=8.0, camera=type(camera)(pixel_rad=1e-4, turn_s=60, reach_m=2000), cost=1)
    found = exposures(surface, lattice, sites, [tower])
    found.data[:] = 1.0
    return found


def peer(coverage: Coverage, limit_s: float) -> float:
    """What the sites see that HiGHS finds by itself for the whole integer program."""
    cells = np.flatnonzero(np.diff(coverage.by_cell.indptr))
    rows, sites = coverage.by_cell[cells], coverage.sites
    program, count = quiet_solver(), len(cells)
    program.setOptionValue("time_limit", limit_s)
    program.addVars(sites + count, np.zeros(sites + count), np.ones(sites + count))
    columns = np.arange(sites + count, dtype=np.int32)
    program.changeColsCost(count, columns[sites:], -coverage.worth[cells])
    program.changeColsIntegrality(sites, columns[:sites], np.full(sites, int(highspy.HighsVarType.kInteger), np.uint8))
    program.addRow(0.0, float(COUNT), sites, columns[:sites], np.ones(sites))
    for number in range(count):
        by = rows.indices[rows.indptr[number] : rows.indptr[number + 1]].astype(np.int32)
        held = np.append(by, np.int32(sites + number))
        program.addRow(0.0, highspy.kHighsInf, len(held), held, np.append(np.ones(len(by)), -1.0))
    program.run()
    share = np.array(program.getSolution().col_value)[:sites]
    return coverage.seen_by(np.argsort(-share)[:COUNT]) if len(share) and share.max() > 0.5 else 0.0


def searched(coverage: Coverage) -> CoverageProgress:
    """The best sites after the time given, with a table on the way."""
    start, marks = time.process_time(), iter(MARKS_S)
    mark: int | None = next(marks)
    print("at (s)     seen      bound      gap")
    for progress in best_coverage(coverage, np.random.default_rng(0)):
        spent = time.process_time() - start
        if mark is not None and spent >= mark:
            print(f"{spent:6.1f} {progress.seen:8.0f} {progress.bound:10.1f} {progress.gap:8.2%}")
            mark = next((later for later in marks if later > spent), None)
        if spent > LIMIT_S:
            break
    print(f"{time.process_time() - start:6.1f} {progress.seen:8.0f} {progress.bound:10.1f} {progress.gap:8.2%}")
    return progress


def main() -> None:
    """The table, and greedy, exchanges and the peer beside it."""
    parser = command(__doc__ or "")
    parser.add_argument("--peer-s", type=float, default=LIMIT_S, help="how long the peer may take, 0 for not at all")
    options = parser.parse_args()
    seen = seen_cells()
    worth = np.ones(seen.shape[1])
    exchanged(small := Coverage(seen[:30], worth, 3), greedy_coverage(small))
    start = time.process_time()
    coverage = Coverage(seen, worth, COUNT)
    model_s = time.process_time() - start
    first = greedy_coverage(coverage)
    second = exchanged(coverage, first)
    last = searched(coverage)
    other = peer(coverage, options.peer_s) if options.peer_s > 0 else None
    figures: dict[str, object] = {
        "model_s": model_s, "pairs": seen.nnz, "cells_merged_to": len(coverage.worth),
        "greedy": coverage.seen_by(first), "exchanged": coverage.seen_by(second), "seen": last.seen,
        "bound": last.bound, "gap_percent": 100 * last.gap, "peer": "not run" if other is None else other,
        "seen_over_peer_percent": "not run" if other is None else 100 * (last.seen / max(other, 1.0) - 1),
    }  # fmt: skip
    show("coverage_siting", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()
