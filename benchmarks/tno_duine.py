"""A real person before a fixed camera (TNO Image Fusion Dataset, "duine", TNO): 23 sparse pictures.

Every truth box from the third picture of the person's presence on must be matched at IoU 0.3 after write-back, with at
most one false confirmed track.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from figures import Target, command, real_data, show
from marsad.adapters.mot import read_tracks, read_truth
from marsad.report.evaluation import Boxes, Match, evaluate, intersection_over_union
from run_watch import watch_path

MATCH = Match(by="iou", threshold=0.3)
SETTLED_BOXES = 2
TARGETS = [Target("unmatched_from_third_box", "at_most", 0), Target("false_tracks", "at_most", 1)]


def unmatched(tracks: Boxes, truth: Boxes) -> list[int]:
    """The frames, from the person's third on, in which no track box is on the truth."""
    missing = []
    for frame in np.unique(truth.frame)[SETTLED_BOXES:]:
        mine, theirs = tracks.box[tracks.frame == frame], truth.box[truth.frame == frame]
        if (intersection_over_union(theirs, mine).max(axis=1, initial=0.0) < MATCH.threshold).any():
            missing.append(int(frame))
    return missing


def main() -> None:
    """Watch, evaluate, print."""
    options = command(__doc__).parse_args()
    folder = real_data("thermal/tno-duine")
    with TemporaryDirectory() as out:
        tracks = read_tracks(watch_path(folder, Path(out)))
    truth = read_truth(folder / "gt" / "gt.txt").boxes
    result = evaluate(tracks, truth, MATCH, frames=len(list((folder / "img1").glob("*.png"))), fps=1.0)
    missing = unmatched(tracks, truth)
    figures: dict[str, object] = {
        "frames": result.frames,
        "truth_boxes": result.truth_boxes,
        "unmatched_from_third_box": len(missing),
        "unmatched_frames": missing,
        "recall": result.recall,
        "recall_online": result.recall_online,
        "tracks": result.tracks,
        "false_tracks": result.false_tracks,
        "mota": result.mota,
        "idf1": result.idf1,
        "hota": result.hota,
        "confirmation_delay_frames": result.confirmation_delay_frames,
    }
    show("tno_duine", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()
