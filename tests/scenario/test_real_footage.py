"""What the watch does on real thermal footage, held against its annotations."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from marsad.adapters.mot import class_number, read_tracks, read_truth
from marsad.adapters.sources import open_source
from marsad.app.node import WatchResult, watch_file
from marsad.report.evaluation import Boxes, Match, evaluate, frame_base, intersection_over_union, shift_frames

CENTRE = Match(by="centre")


def watched(path: Path, out: Path) -> tuple[WatchResult, Boxes]:
    cv2.setNumThreads(1)
    source = open_source(str(path), path.stem)
    try:
        result = watch_file(source, out=out)
    finally:
        source.close()
    return result, read_tracks(out / "tracks.csv")


def test_a_person_in_sparse_pictures_is_found_in_all_but_the_first_two(
    real: Callable[[str], Path], tmp_path: Path
) -> None:
    """TNO Image Fusion Dataset, owner TNO: 23 pictures, about one a second."""
    folder = real("thermal/tno-duine")
    _, tracks = watched(folder, tmp_path)
    truth = read_truth(folder / "gt" / "gt.txt").boxes
    for frame in np.unique(truth.frame)[2:]:
        overlap = intersection_over_union(truth.box[truth.frame == frame], tracks.box[tracks.frame == frame])
        assert overlap.max(axis=1, initial=0.0).min() >= 0.3, f"picture {frame}"
    assert evaluate(tracks, truth, Match(by="iou", threshold=0.3), frames=23, fps=1.0).false_tracks <= 1


def test_a_possum_in_raw_counts_is_tracked_and_no_person(real: Callable[[str], Path], tmp_path: Path) -> None:
    """The Cacophony Project's test clip: 16 bits, 9 pictures a second, with flat-field corrections."""
    clip = real("thermal/cacophony-cptv/possum.cptv")
    notes = json.loads(real("thermal/cacophony-cptv/possum.txt").read_text(encoding="utf-8"))
    result, tracks = watched(clip, tmp_path)
    animal = [
        (place["frame_number"] + 1, place["x"], place["y"], place["width"], place["height"])
        for track in notes["tracks"]
        if "false-positive" not in {guess.get("confident_tag") for guess in track["predictions"]}
        for place in track["positions"]
    ]
    truth = Boxes(
        frame=np.array([row[0] for row in animal], np.int64),
        identity=np.ones(len(animal), np.int64),
        box=np.array([row[1:] for row in animal], np.float64),
    )
    recall = evaluate(tracks, truth, CENTRE, fps=9.0).recall
    assert recall is not None
    assert recall >= 0.8
    assert result.stream["camera_health"] > 0
    header, *rows = (tmp_path / "tracks.csv").read_text(encoding="ascii").splitlines()
    kind = header.split(",").index("class")
    assert str(class_number("person")) not in {row.split(",")[kind] for row in rows}


@pytest.mark.parametrize(
    ("name", "least"), [("IR_AIRPLANE_001", 0.8), ("IR_DRONE_001", 0.8), ("IR_HELICOPTER_001", 0.8)]
)
def test_a_flying_object_is_followed_by_a_ground_camera(
    name: str, least: float, real: Callable[[str], Path], tmp_path: Path
) -> None:
    """Drone-detection-dataset, Svanström et al. (CC0): 30 pictures a second, boxes padded, so held by their centre.

    The first clip of each kind. False tracks are no matter of three clips, in which not all that moves has a truth:
    `benchmarks/drone_ir.py` counts them an hour, over all 266.
    """
    clip = real(f"thermal/drone-ir/{name}.mp4")
    result, tracks = watched(clip, tmp_path)
    raw = read_truth(clip.with_suffix(".csv")).boxes
    base, _ = frame_base(tracks, raw, CENTRE, frames=result.frames)
    truth = shift_frames(raw, 1 - base)
    truth = truth.where(truth.frame <= result.frames)
    found = evaluate(tracks, truth, CENTRE, frames=result.frames, fps=30.0)
    assert found.recall is not None
    assert found.recall >= least
