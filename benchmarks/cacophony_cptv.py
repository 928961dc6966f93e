"""Animals in raw 16-bit clips (the Cacophony Project's test clips): possum, with its annotated track, and hedgehog.

The animal must be tracked for at least 80 % of its annotated time (a track's centre inside the annotated box), and
never be classed person. The hedgehog has no annotation: what it is classed as is reported.
"""

import csv
import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from figures import Target, command, real_data, show
from marsad.adapters.mot import class_number, read_tracks
from marsad.kernel.track import Kind
from marsad.report.evaluation import Boxes, Match, evaluate, on_any_truth
from run_watch import watch_path

CLIPS = ("possum", "hedgehog")
KINDS: tuple[Kind, ...] = ("person", "group", "vehicle", "animal", "flying", "vegetation", "unknown")
NO_ANIMAL = "false-positive"
TARGETS = [
    Target("possum_tracked_share", "at_least", 0.80),
    Target("points_classed_person", "at_most", 0),
]


def annotated(path: Path) -> Boxes:
    """The animals' boxes of an annotation, frames counted from 1; its tracks tagged as no animal are left out."""
    frames, identities, boxes = [], [], []
    for track in json.loads(path.read_text(encoding="utf-8"))["tracks"]:
        tags = {prediction.get("confident_tag") for prediction in track["predictions"]}
        if NO_ANIMAL in tags:
            continue
        for place in track["positions"]:
            frames.append(place["frame_number"] + 1)
            identities.append(track["id"])
            boxes.append([place["x"], place["y"], place["width"], place["height"]])
    return Boxes(
        frame=np.array(frames, np.int64),
        identity=np.array(identities, np.int64),
        box=np.array(boxes, np.float64).reshape(-1, 4),
    )


def kinds(path: Path, chosen: set[int] | None) -> Counter[str]:
    """How many points of the chosen tracks (None: of all) carry each kind."""
    names = {class_number(kind): kind for kind in KINDS}
    with path.open(encoding="ascii", newline="") as file:
        rows = [row for row in csv.DictReader(file) if chosen is None or int(row["id"]) in chosen]
    return Counter(str(names[int(row["class"])]) for row in rows)


def main() -> None:
    """Watch both clips, compare, print."""
    options = command(__doc__).parse_args()
    folder = real_data("thermal/cacophony-cptv")
    match = Match(by="centre")
    figures: dict[str, object] = {}
    person = 0
    for clip in CLIPS:
        with TemporaryDirectory() as out:
            table = watch_path(folder / f"{clip}.cptv", Path(out))
            tracks = read_tracks(table)
            chosen = None
            notes = folder / f"{clip}.txt"
            if notes.exists():
                truth = annotated(notes)
                result = evaluate(tracks, truth, match, fps=9.0)
                chosen = {int(number) for number in tracks.identity[on_any_truth(tracks, truth, match)]}
                figures[f"{clip}_tracked_share"] = result.recall
                figures[f"{clip}_tracked_share_online"] = result.recall_online
                figures[f"{clip}_false_tracks"] = result.false_tracks
            found = kinds(table, chosen)
        figures[f"{clip}_tracks"] = len(np.unique(tracks.identity))
        figures[f"{clip}_kinds_by_points"] = dict(found.most_common())
        person += found["person"]
    figures["points_classed_person"] = person
    show("cacophony_cptv", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()
