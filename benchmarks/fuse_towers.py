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
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from figures import ROOT, Target, command, show
from fuse_linear import COLUMNS
from marsad.app.bench_fuse_drawing import draw_engines
from marsad.app.bench_fuse_judging import Judged, Said, difference_percent, judge, mean
from marsad.app.bench_fuse_marsad import marsad_estimates
from marsad.app.bench_fuse_peers import Peers
from marsad.app.bench_fuse_scenes import PAIR, REGISTERED, TURNED_VALLEY, VALLEY, Scene, towers, write

PEERS = Peers(ROOT)
CASES = {"pair": (PAIR, 20.0), "registered": (REGISTERED, 120.0), "valley": (VALLEY, 30.0)} | {
    "turned_valley": (TURNED_VALLEY, 120.0)
}
"""For each case what it is made of, and the seconds that are not judged."""
AGAINST = ("valley", "turned_valley")
ENGINES = ("gnn", "jpda")
CUTOFF_M = 20.0
TARGETS = [
    Target("pair_marsad_offset_m", "at_most", 2.0),
    Target("pair_marsad_nees_off_one", "at_most", 0.2),
    Target("registered_offset_over_pair", "at_most", 1.3),
    Target("valley_gospa_over_best_peer_percent_high", "at_most", 0.0),
    Target("turned_valley_gospa_over_best_peer_percent_high", "at_most", 0.0),
]


def measure(case: str, seeds: int, folder: Path) -> tuple[dict[str, list[Judged | None]], Scene, dict[str, Said]]:
    """Each engine on the scenes of one case; the first scene with what was said of it, to be drawn."""
    made, settle_s = CASES[case]
    scenes = [towers(made, seed) for seed in range(seeds)]
    paths = [folder / f"{case}-{seed}.npz" for seed in range(seeds)]
    for scene, path in zip(scenes, paths, strict=True):
        write(scene, path)
    said: dict[str, Sequence[Said]] = {}
    if case in AGAINST:
        said = {engine: PEERS.said(paths, engine, [PEERS.tuned(case, engine) or {}], folder)[0] for engine in ENGINES}
    said["marsad"] = [marsad_estimates(scene) for scene in scenes]
    judged = {
        engine: [judge(scene, each, CUTOFF_M, settle_s) for scene, each in zip(scenes, over, strict=True)]
        for engine, over in said.items()
    }
    return judged, scenes[0], {engine: over[0] for engine, over in said.items()}


def figures_of(case: str, results: dict[str, list[Judged | None]]) -> dict[str, object]:
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
        for name, value in zip(("", "_low", "_high"), difference_percent(ours, other), strict=True):
            figures[f"{case}_gospa_over_best_peer_percent{name}"] = value
    return figures


def options() -> argparse.Namespace:
    """What was asked."""
    parser = command(__doc__)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--seeds", type=int, default=5, help="scenes of each case")
    parser.add_argument("--out", type=Path, help="a folder for a picture of each case")
    return parser.parse_args()


def main() -> None:
    """Measure case by case, print, draw."""
    asked = options()
    figures: dict[str, object] = {"scenes": asked.seeds, "cutoff_m": CUTOFF_M}
    for case in asked.cases:
        with TemporaryDirectory() as folder:
            results, scene, said = measure(case, asked.seeds, Path(folder))
        figures |= figures_of(case, results)
        if asked.out and said:
            asked.out.mkdir(parents=True, exist_ok=True)
            draw_engines(scene, said, asked.out / f"{case}.png", last_looks=6)
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
