"""The peers of `campaign_trackers.py`, run inside `.venv-peers`: ByteTrack and OC-SORT on detections from a file.

`python benchmarks/peer_trackers.py BOXES.npz... --out DIR` leaves, for each file and setting, what a tracker reports as
DIR/NAME-TRACKER-CONFIDENCE-FRAMES.npy with rows frame, identity, x, y, w, h.

Each tracker is run as it comes, and with more pictures asked for before a track is believed; detections are given the
confidence 1, or one that grows with their signal-to-noise ratio to 1 at twice the detector's threshold.
"""

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np

TRACKERS = ("bytetrack", "ocsort")
CONFIDENCES = ("flat", "snr")
FRAMES = (0, 5, 9)
"""Pictures before a track is believed; 0 leaves the tracker as it comes."""
SURE_SNR = 10.0


def main() -> None:
    """Run every tracker with every setting on every file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("boxes", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for path in options.boxes:
        with np.load(path) as held:
            detections, frames, fps = held["detections"], int(held["frames"]), float(held["fps"])
        for tracker in TRACKERS:
            for confidence in CONFIDENCES:
                for least in FRAMES:
                    rows = run(tracker, detections, frames, fps, confidence, least)
                    np.save(options.out / f"{path.stem}-{tracker}-{confidence}-{least}.npy", rows)


def run(tracker: str, detections: np.ndarray, frames: int, fps: float, confidence: str, least: int) -> np.ndarray:
    """What one tracker reports."""
    import supervision as sv  # noqa: PLC0415 - only this environment has it
    import trackers  # noqa: PLC0415 - the same

    kind = {"bytetrack": trackers.ByteTrackTracker, "ocsort": trackers.OCSORTTracker}[tracker]
    settings = {"frame_rate": fps} | ({"minimum_consecutive_frames": least} if least else {})
    following = kind(**settings)
    rows = []
    for frame in range(frames):
        here = detections[detections[:, 0] == frame]
        corners = np.concatenate([here[:, 2:4], here[:, 2:4] + here[:, 4:6]], axis=1).astype(np.float32)
        sure = np.ones(len(here)) if confidence == "flat" else np.clip(here[:, 1] / SURE_SNR, 0.0, 1.0)
        found = following.update(sv.Detections(xyxy=corners.reshape(-1, 4), confidence=sure.astype(np.float32)))
        for box, number in zip(found.xyxy, found.tracker_id, strict=True):
            if number >= 0:
                rows.append((frame, int(number), box[0], box[1], box[2] - box[0], box[3] - box[1]))
    return np.array(rows, float).reshape(-1, 6)


if __name__ == "__main__":
    sys.exit(main())
