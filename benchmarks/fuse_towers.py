"""Marsad's fuser beside Stone Soup's GNN and JPDA on what towers see: elongated ellipses, dead ground, turned mounts.

`python benchmarks/fuse_towers.py [--out DIR]` makes scenes of cameras on masts of 30 m, 2.5 km apart, and people 2.4 to
3 km away. Peers are given each measurement as a place with its whole covariance, and Marsad as
the azimuth and elevation which that is made of. `valley` has three towers, eight people, dead ground and false
detections; in `turned_valley` mounts are off by 0.2 degrees and one of the eight is a patrol that reports its place.
There the peers may add the mounts' errors to the covariances: what their settings say is what was best
(`fuse_tune.py --towers`). `pair` is one person before two towers, `registered` the same with turned mounts, a patrol
and two others, from the second minute on. GOSPA has order 2, alpha 2 and a cutoff of 20 m; NEES is for each degree
of freedom.
"""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from figures import ROOT, Target, command, show
from fuse_linear import COLUMNS
from marsad.app.bench_fuse import CUTOFF_M, TOWERS, measure
from marsad.app.bench_fuse_drawing import draw_engines
from marsad.app.bench_fuse_judging import Judged, difference_percent, mean
from marsad.app.bench_fuse_peers import Peers

PEERS = Peers(ROOT)
TARGETS = [
    Target("pair_marsad_offset_m", "at_most", 2.0),
    Target("pair_marsad_nees_off_one", "at_most", 0.2),
    Target("registered_offset_over_pair", "at_most", 1.3),
    Target("valley_gospa_over_best_peer_percent_high", "at_most", 0.0),
    Target("turned_valley_gospa_over_best_peer_percent_high", "at_most", 0.0),
]


def figures_of(case: str, results: Mapping[str, Sequence[Judged | None]]) -> dict[str, object]:
    """The figures of one case."""
    whole = {engine: [each for each in judged if each is not None] for engine, judged in results.items()}
    figures: dict[str, object] = {
        f"{case}_{engine}_{name}": mean(judged, name) for engine, judged in whole.items() for name in COLUMNS if judged
    }
    theirs = [engine for engine in whole if engine != "marsad" and len(whole[engine]) == len(results[engine])]
    if "marsad" in whole and theirs:
        best = min(theirs, key=lambda engine: mean(whole[engine], "gospa_m"))
        ours, other = ([each.gospa_m for each in whole[engine]] for engine in ("marsad", best))
        figures[f"{case}_best_peer"] = best
        apart = difference_percent(ours, other)
        for name, value in (("", apart.mean), ("_low", apart.low), ("_high", apart.high)):
            figures[f"{case}_gospa_over_best_peer_percent{name}"] = value
    return figures


def options() -> argparse.Namespace:
    """What was asked."""
    parser = command(__doc__)
    parser.add_argument("--cases", nargs="+", choices=TOWERS, default=list(TOWERS))
    parser.add_argument("--seeds", type=int, default=5, help="scenes of each case")
    parser.add_argument("--out", type=Path, help="a folder for a picture of each case")
    return parser.parse_args()


def main() -> None:
    """Measure case by case, print, draw."""
    asked = options()
    figures: dict[str, object] = {"scenes": asked.seeds, "cutoff_m": CUTOFF_M}
    for case in asked.cases:
        measured = measure(TOWERS[case], range(asked.seeds), PEERS)
        figures |= figures_of(case, measured.judged)
        if asked.out:
            asked.out.mkdir(parents=True, exist_ok=True)
            draw_engines(measured.scene, measured.said, asked.out / f"{case}.png", measured.case.last_looks)
    pair, registered = (figures.get(f"{case}_marsad_offset_m") for case in ("pair", "registered"))
    if isinstance(pair, float) and isinstance(registered, float):
        figures["registered_offset_over_pair"] = registered / pair
    nees = figures.get("pair_marsad_nees")
    if isinstance(nees, float):
        figures["pair_marsad_nees_off_one"] = abs(nees - 1)
    figures |= {target.figure: None for target in TARGETS if target.figure not in figures}
    show("fuse_towers", figures, TARGETS, as_json=asked.json)


if __name__ == "__main__":
    main()
