"""Marsad's fuser beside Stone Soup's GNN and JPDA on the same measurements: time and GOSPA, size by size.

`python benchmarks/fuse_linear.py [--out DIR]` makes scenes of walkers, one for each 100 x 100 m, measured once a second
as places with an error of 5 m, nine times of ten, among as many false ones. Every engine reads
the same file and is told the same truths: the noise, the rate of detection and the density of false measurements. The
peers' settings are those of `peer_stonesoup.json`, found on other scenes (`fuse_tune.py`). Each runs in a process of
its own, on one thread; what counts is its processor time from one scan's measurements to the tracks, the median over
scans. The first ten seconds are not judged. GOSPA has order 2, alpha 2 and a cutoff of 20 m, its mean is over scans;
what is compared is the difference scene by scene, with its 95 % interval by Student's t, in per cent of the better
peer's.
"""

import argparse
import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from figures import ROOT, Target, command, show
from marsad.app.bench_fuse import CUTOFF_M, ENGINES, linear_case, measure
from marsad.app.bench_fuse_drawing import draw_engines
from marsad.app.bench_fuse_judging import Judged, difference_percent, mean
from marsad.app.bench_fuse_peers import Peers

PEERS = Peers(ROOT)
SIZES = (10, 20, 50, 100, 500, 2000)
DRAWN = 20
TARGETS = [
    Target("n100_gnn_ms_over_marsad_ms", "at_least", 50.0),
    Target("n500_gnn_ms_over_marsad_ms", "at_least", 100.0),
    Target("n500_marsad_ms", "at_most", 20.0),
    Target("n2000_marsad_ms", "at_most", 100.0),
    Target("gospa_over_best_peer_percent_high", "at_most", 2.0),
]
COLUMNS = {
    "milliseconds": "ms/scan",
    "gospa_m": "GOSPA m",
    "offset_m": "offset m",
    "localisation": "local. m2",
    "missed": "missed",
    "false": "false",
    "switches": "switches/h",
    "nees": "NEES",
}

Results = Mapping[str, Sequence[Judged | None]]


def figures_of(size: int, results: Results) -> dict[str, object]:
    """The figures of one size; where an engine was stopped, that alone."""
    figures: dict[str, object] = {}
    whole = {}
    for engine, judged in results.items():
        done = [each for each in judged if each is not None]
        figures[f"n{size}_{engine}_completed"] = len(done) == len(judged)
        if len(done) < len(judged):
            continue
        whole[engine] = done
        figures[f"n{size}_{engine}_ms"] = mean(done, "milliseconds")
        figures |= {f"n{size}_{engine}_{name}": mean(done, name) for name in COLUMNS if name != "milliseconds"}
    theirs = [engine for engine in whole if engine != "marsad"]
    if "marsad" not in whole or not theirs:
        return figures
    for engine in theirs:
        figures[f"n{size}_{engine}_ms_over_marsad_ms"] = (
            figures[f"n{size}_{engine}_ms"] / figures[f"n{size}_marsad_ms"]  # type: ignore[operator]
        )
    best = min(theirs, key=lambda engine: mean(whole[engine], "gospa_m"))
    ours, other = ([each.gospa_m for each in whole[engine]] for engine in ("marsad", best))
    figures[f"n{size}_best_peer"] = best
    apart = difference_percent(ours, other)
    for name, value in (("", apart.mean), ("_low", apart.low), ("_high", apart.high)):
        figures[f"n{size}_gospa_over_best_peer_percent{name}"] = math.nan if value is None else value
    return figures


def table(figures: dict[str, object], sizes: list[int]) -> str:
    """All sizes and engines, a line each."""
    lines = [f"{'targets':>8} {'engine':8}" + "".join(f"{name:>11}" for name in COLUMNS.values())]
    for size in sizes:
        for engine in ("marsad", *ENGINES):
            done = figures.get(f"n{size}_{engine}_completed")
            if done is None:
                continue
            keys = [f"n{size}_{engine}_{'ms' if name == 'milliseconds' else name}" for name in COLUMNS]
            cells = "".join(f"{figures[key]:11.4g}" for key in keys) if done else "  stopped: a scan took too long"
            lines.append(f"{size:8d} {engine:8}" + cells)
        key = f"n{size}_gospa_over_best_peer_percent"
        if key in figures:
            low, high, best = figures[f"{key}_low"], figures[f"{key}_high"], figures[f"n{size}_best_peer"]
            lines.append(f"{'':8} GOSPA {figures[key]:+.2f} % ({low:+.2f} to {high:+.2f}) of {best}'s")
    return "\n".join(lines)


def options() -> argparse.Namespace:
    """What was asked."""
    parser = command(__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--seeds", type=int, default=5, help="scenes of each size")
    parser.add_argument("--out", type=Path, help="a folder for a picture of one scene")
    return parser.parse_args()


def main() -> None:
    """Measure size by size, print, draw."""
    asked = options()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    figures: dict[str, object] = {"scenes": asked.seeds, "cutoff_m": CUTOFF_M}
    for size in asked.sizes:
        measured = measure(linear_case(size), range(asked.seeds), PEERS)
        figures |= figures_of(size, measured.judged)
        if asked.out and size == min(asked.sizes, key=lambda each: abs(each - DRAWN)):
            asked.out.mkdir(parents=True, exist_ok=True)
            draw_engines(measured.scene, measured.said, asked.out / f"linear-{size}.png", measured.case.last_looks)
    high = [figures.get(f"n{size}_gospa_over_best_peer_percent_high") for size in asked.sizes]
    highest = [each for each in high if isinstance(each, float) and math.isfinite(each)]
    figures["gospa_over_best_peer_percent_high"] = max(highest) if highest else None
    figures |= {target.figure: None for target in TARGETS if target.figure not in figures}
    print(table(figures, asked.sizes))
    show("fuse_linear", figures, TARGETS, as_json=asked.json)


if __name__ == "__main__":
    main()
