"""Marsad's tracker beside ByteTrack and OC-SORT on the very same detections, from a campaign of `marsad bench watch`.

`python benchmarks/campaign_trackers.py [OUT]` reads the boxes which the campaign left in OUT/boxes: the truth, what
Marsad's detector reported in each picture before anything was believed, and Marsad's tracks. The peers run as they
come and with other settings; of each the setting with the best HOTA is shown, chosen on these very scenes, which
favours the peers. Figures are means over scenes. A track box is on a truth box at an intersection over union of 0.3
(`iou`), or where its middle lies in it (`centre`): boxes of a few pixels rarely overlap well. Nothing written back
counts: every tracker is held to what it said in its own picture; `marsad_written_back` adds what Marsad says of earlier
pictures afterwards.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from figures import ROOT, Target, command, show
from marsad.report.evaluation import Boxes, Evaluation, Match, evaluate

PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
HERE = Path(__file__).resolve().parent
RULES = {"iou": Match(by="iou", threshold=0.3), "centre": Match(by="centre")}
MEASURES = ("hota", "idf1", "mota", "recall", "precision", "id_switches", "false_tracks")
TARGETS = [
    Target("hota_iou_over_best_peer", "at_least", 0.0),
    Target("idf1_iou_over_best_peer", "at_least", 0.0),
]

Results = dict[str, list[dict[str, Evaluation]]]


def boxes(rows: np.ndarray) -> Boxes:
    """Rows of frame (from 0), identity, x, y, w, h as boxes."""
    return Boxes(frame=rows[:, 0].astype(np.int64) + 1, identity=rows[:, 1].astype(np.int64), box=rows[:, 2:6])


def together(tracks: np.ndarray, written_back: np.ndarray) -> np.ndarray:
    """Tracks with what was written back, what was said in its own picture kept where both are there."""
    said = {(frame, number) for frame, number in tracks[:, :2].tolist()}
    added = [row for row in written_back if (row[0], row[1]) not in said]
    return np.concatenate([tracks, np.array(added).reshape(-1, 6)])


def measure(files: list[Path]) -> Results:
    """For each tracker and setting, its evaluation in each scene."""
    results: Results = {}
    with TemporaryDirectory() as folder:
        done = subprocess.run(
            [str(PEER_PYTHON), str(HERE / "peer_trackers.py"), *map(str, files), "--out", folder], check=False
        )
        if done.returncode:
            sys.exit("the peers failed")
        for path in files:
            with np.load(path) as held:
                truth, frames, fps = boxes(held["truth"]), int(held["frames"]), float(held["fps"])
                reported = {"marsad": held["tracks"]}
                reported["marsad_written_back"] = together(held["tracks"], held["written_back"])
            for peer in sorted(Path(folder).glob(f"{path.stem}-*.npy")):
                reported[peer.stem.removeprefix(f"{path.stem}-")] = np.load(peer)
            for name, rows in reported.items():
                judged = {rule: evaluate(boxes(rows), truth, by, frames=frames, fps=fps) for rule, by in RULES.items()}
                results.setdefault(name, []).append(judged)
    return results


def mean(scenes: list[dict[str, Evaluation]], rule: str, measure: str) -> float:
    """A measure's mean over scenes."""
    return float(np.mean([getattr(scene[rule], measure) or 0.0 for scene in scenes]))


def short_campaign(folder: Path) -> Path:
    """A folder in which a short campaign was played."""
    marsad = [str(Path(sys.executable).with_name("marsad")), "bench", "watch", "--short", "--out", str(folder / "out")]
    subprocess.run(marsad, check=True, capture_output=True)
    return folder / "out"


def main() -> None:
    """Run, choose the best of each peer, print."""
    parser = command(__doc__)
    parser.add_argument("out", type=Path, nargs="?", help="the folder of a campaign (default: a short one is played)")
    options = parser.parse_args()
    if not PEER_PYTHON.exists():
        sys.exit(f"{PEER_PYTHON} is not there: `make peers` makes it")
    with TemporaryDirectory() as folder:
        out = options.out or short_campaign(Path(folder))
        files = sorted((out / "boxes").glob("*.npz"))
        if not files:
            sys.exit(f"{out}/boxes has no boxes: run `marsad bench watch --out {out}` first")
        results = measure(files)
    chosen = {name: name for name in ("marsad", "marsad_written_back")}
    for peer in ("bytetrack", "ocsort"):
        settings = [name for name in results if name.startswith(peer)]
        chosen[peer] = max(settings, key=lambda name: mean(results[name], "iou", "hota"))
    figures: dict[str, object] = {"scenes": len(files)}
    for shown, name in chosen.items():
        figures[f"{shown}_setting"] = name
        for rule in RULES:
            figures |= {f"{shown}_{measure}_{rule}": mean(results[name], rule, measure) for measure in MEASURES}
    for measure_name in ("hota", "idf1"):
        best = max(mean(results[chosen[peer]], "iou", measure_name) for peer in ("bytetrack", "ocsort"))
        figures[f"{measure_name}_iou_over_best_peer"] = mean(results["marsad"], "iou", measure_name) - best
    show("campaign_trackers", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()
