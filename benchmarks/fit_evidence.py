"""Fit the weights by which tracks are believed (`EVIDENCE_WEIGHTS`), and show how far they are from the committed ones.

Every fourth clip of drone-ir in name order is watched by a tracker that believes nothing, so that tracks are judged
as they are before they are believed. A track is true when the centre of its box lies in a truth box in most of the
pictures that have both. It is sampled from a quarter of a second on, each time it has grown older by 30 %, once it
has six blobs and has gone two pixels; all samples of a track weigh as much as one. The weights are a logistic
regression on these, held back by an L2 penalty of 0.001 a sample on the standardised terms, solved by iteratively
reweighted least squares.

People on the ground and second flying objects have no truth and count as false, so the constant is a little too low.
"""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from figures import command, real_data, show
from marsad.adapters.mot import read_truth
from marsad.adapters.sources import open_source
from marsad.kernel.detection import Box
from marsad.kernel.frame import Frame
from marsad.watch.background import Background
from marsad.watch.detect import Detector
from marsad.watch.track import EVIDENCE_WEIGHTS, Tracker, TrackSettings

F64 = NDArray[np.float64]

NAMES = (
    "constant",
    "peak",
    "ring",
    "stands_out_less",
    "stands_out_more",
    "size_change",
    "straight_long",
    "straight_short",
    "hit_share",
    "edge",
    "age",
    "shake",
)
FIRST_S = 0.25
GROWTH = 1.3
LEAST_HITS = 6
LEAST_PX = 2.0
PENALTY = 1e-3
FPS = 30


class Samples(NamedTuple):
    """Terms (N, 12) of tentative tracks at growing ages, whether each is of a true track, and its weight."""

    terms: F64
    true: NDArray[np.bool_]
    weight: F64


def collect(clip: Path) -> Samples:
    """The samples of one clip, in a process with one thread."""
    cv2.setNumThreads(1)
    source = open_source(str(clip), clip.stem)
    pictures = [item.counts for item in source if isinstance(item, Frame)]
    source.close()
    truth = _truth(clip, len(pictures))
    background, detector = Background(), Detector()
    tracker = Tracker(TrackSettings(least_score=float("inf")))
    sampled: list[tuple[int, F64]] = []
    due_s: dict[int, float] = {}
    on_truth: dict[int, list[bool]] = {}
    for index, picture in enumerate(pictures):
        difference = background.update(picture, 1 / FPS)
        blobs = detector.detect(difference)
        if difference.state == "relearned":
            tracker.forget()
        tracker.update(blobs, difference, round(index * 1e9 / FPS), index)
        for each in tracker.undecided():
            if index in truth:
                on_truth.setdefault(each.number, []).append(_inside(each.box, truth[index]))
            ripe = each.hits >= LEAST_HITS and each.gone_px > LEAST_PX
            if ripe and each.age_s >= due_s.get(each.number, FIRST_S):
                due_s[each.number] = each.age_s * GROWTH
                sampled.append((each.number, each.terms))
    numbers = [number for number, _ in sampled]
    return Samples(
        terms=np.array([terms for _, terms in sampled]).reshape(-1, len(NAMES)),
        true=np.array([np.mean(on_truth.get(number, [False])) > 0.5 for number in numbers], np.bool_),
        weight=np.array([1 / numbers.count(number) for number in numbers]),
    )


def _truth(clip: Path, frames: int) -> dict[int, F64]:
    """The truth boxes by picture from 0; a file that counts from 1 says so by naming a picture after the last."""
    boxes = read_truth(clip.with_suffix(".csv")).boxes
    if not len(boxes.frame):
        return {}
    base = int(boxes.frame.min() == 1 and boxes.frame.max() >= frames)
    return {int(frame) - base: box for frame, box in zip(boxes.frame, boxes.box, strict=True)}


def _inside(box: Box, truth: F64) -> bool:
    x, y = box.centre_px
    left, top, width, height = (float(value) for value in truth)
    return left <= x <= left + width and top <= y <= top + height


def fit(samples: Samples) -> F64:
    """The weights of the terms."""
    mean, spread = samples.terms.mean(axis=0), samples.terms.std(axis=0) + 1e-9
    mean[0], spread[0] = 0, 1
    terms = (samples.terms - mean) / spread
    penalty = np.full(len(mean), PENALTY * len(terms))
    penalty[0] = 1e-6
    weights = np.zeros(len(mean))
    for _ in range(60):
        share = 1 / (1 + np.exp(-terms @ weights))
        slope = terms.T @ (samples.weight * (samples.true - share)) - penalty * weights
        bend = (terms * (samples.weight * share * (1 - share))[:, None]).T @ terms + np.diag(penalty)
        weights += np.linalg.solve(bend, slope)
    weights /= spread
    weights[0] -= (weights * mean).sum()
    return weights


def main() -> None:
    """Collect, fit, and print the weights beside the committed ones."""
    parser = command(__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="processes, one thread each (default 2)")
    options = parser.parse_args()
    clips = sorted(real_data("thermal/drone-ir").glob("*.mp4"))[::4]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(collect, clips))
    samples = Samples(*(np.concatenate(parts) for parts in zip(*found, strict=True)))
    weights = fit(samples)
    result: dict[str, object] = {
        "clips": len(clips),
        "samples": len(samples.true),
        "tracks": round(samples.weight.sum()),
        "tracks_true": round(samples.weight[samples.true].sum()),
    }
    for name, fitted, committed in zip(NAMES, weights, EVIDENCE_WEIGHTS, strict=True):
        result[name] = [round(float(fitted), 2), float(committed)]
    scores, old = samples.terms @ weights, samples.terms @ EVIDENCE_WEIGHTS
    result["largest_change_of_log_odds"] = round(float(np.abs(scores - old).max()), 2)
    result["median_change_of_log_odds"] = round(float(np.median(np.abs(scores - old))), 2)
    show("fit_evidence", result, [], as_json=options.json)


if __name__ == "__main__":
    main()
