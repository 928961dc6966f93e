"""Twenty sites of a thousand that see the most of 30,000 cells: what is seen, the proven bound and the gap over time.

Lines of sight over made-up steppe by seed, 20 x 15 km in cells of 100 m, towers of 8 m counted on to 2 km; cells count
as seen or not. The peer, in the same run, is the whole integer program given to HiGHS for as long, with cells that the
same sites see taken together. Times are processor time on one thread; the peer's is its own clock.

With `--spopt-s` also 20 of 1,000 sites for 20,000 points in the plane, each worth 1 to 30, beside spopt with HiGHS.
Both are given the distances; the peer is a process of its own that has so much processor time, also for building its
model. HiGHS goes by the clock, and is given as much more of it as the clock was ahead while the model was built.
"""

import subprocess
import tempfile
import time
from pathlib import Path

import highspy
import numpy as np
from scipy.sparse import csr_array

from figures import ROOT, Target, command, show
from marsad.plan.coverage import Coverage, CoverageProgress, best_coverage, exchanged, greedy_coverage
from marsad.plan.sector import TowerKind, exposures, in_cells
from marsad.plan.solver import quiet_solver
from siting_scenes import KINDS, Sector, ground, heights, spread_sites

GROUND = Sector(20_000.0, 15_000.0, 100.0, 1000, 1)
COUNT = 20
LIMIT_S = 60.0
MARKS_S = (1, 5, 10, 20, 40)
POINTS, SITES, REACH = 20_000, 1000, 0.06
_SPOPT = """
import resource, sys, time
import numpy as np, pulp
from spopt.locate import MCLP
told, limit = np.load(sys.argv[1]), float(sys.argv[4])
resource.setrlimit(resource.RLIMIT_CPU, (int(1.5 * limit) + 10, int(1.5 * limit) + 10))
away = np.hypot(*(told["points"][:, None] - told["sites"][None]).transpose(2, 0, 1))
start, begun = time.process_time(), time.perf_counter()
model = MCLP.from_cost_matrix(away, told["worth"], float(sys.argv[2]), p_facilities=int(sys.argv[3]))
built = time.process_time() - start
print("built", built, flush=True)
slowed = max(1.0, (time.perf_counter() - begun) / built)
model.solve(pulp.HiGHS(msg=False, threads=1, timeLimit=max(1.0, (limit - built) * slowed)))
print("took", time.process_time() - start)
print("chosen", *[k for k, var in enumerate(model.fac_vars) if (var.value() or 0) > 0.5], flush=True)
"""
TARGETS = [
    Target("gap_percent", "at_most", 2.0),
    Target("model_s", "at_most", 1.0),
    Target("seen_over_peer_percent", "at_least", 0.0),
    Target("points_model_s", "at_most", 1.0),
    Target("points_over_spopt", "at_least", 0.0),
]


def seen_cells() -> csr_array:
    """Which of the sites sees which cell."""
    surface, lattice = ground(GROUND)
    sites = spread_sites(GROUND, lattice, heights(surface, lattice), band_m=7500.0)
    camera = KINDS[2].camera
    tower = TowerKind(name="tower", mast_m=8.0, camera=type(camera)(pixel_rad=1e-4, turn_s=60, reach_m=2000), cost=1)
    found = in_cells(lattice, exposures(surface, lattice, sites, [tower]))
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


def plane() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Points in clusters, what each is worth, and the sites among them."""
    rng = np.random.default_rng(7)
    points = np.concatenate([rng.normal(rng.random(2), 0.08, (POINTS // 40, 2)) for _ in range(40)]) % 1.0
    return points, rng.integers(1, 31, POINTS).astype(float), points[rng.choice(POINTS, SITES, replace=False)]


def beside_spopt(limit_s: float, python: Path) -> dict[str, object]:
    """Our model and search for points in the plane, and what spopt has after its time; 0 where it has nothing yet."""
    points, worth, sites = plane()
    away = np.hypot(*(points[None] - sites[:, None]).transpose(2, 0, 1))
    start = time.process_time()
    coverage = Coverage(csr_array(away <= REACH), worth, COUNT)
    model_s = time.process_time() - start
    chosen = exchanged(coverage, greedy_coverage(coverage))
    first_s = time.process_time() - start
    progress, reached_s = CoverageProgress(chosen, coverage.seen_by(chosen), float(worth.sum())), first_s
    for better in best_coverage(coverage, np.random.default_rng(0)):
        reached_s = time.process_time() - start if better.seen > progress.seen else reached_s
        progress = better
        if time.process_time() - start > min(limit_s, LIMIT_S):
            break
    told, built, took = _asked_spopt(points, worth, sites, limit_s, python)
    theirs = coverage.seen_by(told) if len(told) else 0.0
    return {
        "points_model_s": model_s, "points_first": coverage.seen_by(chosen), "points_first_s": first_s,
        "points_seen": progress.seen, "points_seen_after_s": reached_s, "points_bound": progress.bound,
        "points_gap_percent": 100 * progress.gap,
        "spopt_built_s": built, "spopt_took_s": took, "spopt_seen": theirs,
        "points_over_spopt": progress.seen - theirs,
    }  # fmt: skip


def _asked_spopt(
    points: np.ndarray, worth: np.ndarray, sites: np.ndarray, limit_s: float, python: Path
) -> tuple[np.ndarray, object, object]:
    """The sites that spopt has chosen when its time is up, and how long its model and all of it took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "plane.npz"
        np.savez(path, points=points, worth=worth, sites=sites)
        asked = [str(python), "-c", _SPOPT, str(path), str(REACH), str(COUNT), str(limit_s)]
        said = subprocess.run(asked, check=False, capture_output=True).stdout.decode()
    lines = {name: rest for name, *rest in (line.split() for line in said.splitlines() if line)}
    chosen = np.array([int(each) for each in lines.get("chosen", [])], np.int64)
    built, took = (float(lines[name][0]) if name in lines else f"over {limit_s:g} s" for name in ("built", "took"))
    return chosen, built, took


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
    parser.add_argument("--spopt-s", type=float, default=0.0, help="how long spopt may take, 0 for not at all")
    parser.add_argument("--peers", type=Path, default=ROOT / ".venv-peers/bin/python", help="a Python that has spopt")
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
    figures |= {"points_model_s": "not run", "points_over_spopt": "not run"}
    if options.spopt_s > 0:
        figures |= beside_spopt(options.spopt_s, options.peers)
    show("coverage_siting", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()
