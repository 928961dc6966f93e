"""Two public referees for `marsad evaluate`, run inside `.venv-peers`: TrackEval and py-motmetrics.

`python benchmarks/peer_referees.py judge < CASES.json` prints what they say of each case; `... make > FILE` draws the
cases kept in `tests/report/referee_values.json` and adds what they say. A case has `match` ("iou:0.5" or "centre") and
the rows `truth` and `tracks`, each frame, identity, x, y, w, h.
"""

import json
import sys
import warnings

import numpy as np

SCENES = 6
FRAMES = 30


def judge(case: dict) -> dict[str, float]:
    """What both referees say of one case."""
    import motmetrics  # noqa: PLC0415 - only this environment has it
    from trackeval.metrics import CLEAR, HOTA, Identity  # noqa: PLC0415 - the same

    frames = moments(case)
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    for frame in frames:
        distance = np.where(frame["admissible"], 1 - frame["similarity"], np.nan)
        accumulator.update(frame["truth"].tolist(), frame["tracks"].tolist(), distance)
    names = ["recall", "precision", "mota", "idf1", "num_switches"]
    theirs = motmetrics.metrics.create().compute(accumulator, metrics=names, name="case").iloc[0]
    values = {f"motmetrics_{name}": float(theirs[name]) for name in names}
    data = as_trackeval(frames)
    least = float(case["match"].partition(":")[2] or 0.5)
    clear = CLEAR({"THRESHOLD": least, "PRINT_CONFIG": False}).eval_sequence(data)
    identity = Identity({"THRESHOLD": least, "PRINT_CONFIG": False}).eval_sequence(data)
    hota = HOTA().eval_sequence(data)
    return values | {
        "trackeval_recall": float(clear["CLR_Re"]),
        "trackeval_mota": float(clear["MOTA"]),
        "trackeval_idf1": float(identity["IDF1"]),
        "trackeval_hota": float(np.mean(hota["HOTA"])),
    }


def moments(case: dict) -> list[dict[str, np.ndarray]]:
    """Every frame of a case: identities, and how alike each truth box and track box are."""
    truth, tracks = (np.array(case[side], float).reshape(-1, 6) for side in ("truth", "tracks"))
    last = int(max(truth[:, 0].max(initial=0), tracks[:, 0].max(initial=0)))
    found = []
    for frame in range(1, last + 1):
        known, mine = truth[truth[:, 0] == frame], tracks[tracks[:, 0] == frame]
        similarity, admissible = compare(known[:, 2:], mine[:, 2:], case["match"])
        found.append(
            {
                "truth": known[:, 1].astype(int),
                "tracks": mine[:, 1].astype(int),
                "similarity": similarity,
                "admissible": admissible,
                "binary": np.full(similarity.shape, case["match"] == "centre"),
            }
        )
    return found


def compare(truth: np.ndarray, tracks: np.ndarray, match: str) -> tuple[np.ndarray, np.ndarray]:
    """Similarity and admissibility, pair by pair, written without regard to speed."""
    similarity = np.zeros((len(truth), len(tracks)))
    admissible = np.zeros((len(truth), len(tracks)), bool)
    for i, (tx, ty, tw, th) in enumerate(truth):
        for j, (x, y, w, h) in enumerate(tracks):
            if match == "centre":
                off = max(abs(x + w / 2 - tx - tw / 2) / (tw / 2), abs(y + h / 2 - ty - th / 2) / (th / 2))
                similarity[i, j], admissible[i, j] = max(1 - off, 0), off <= 1
                continue
            across = max(0.0, min(tx + tw, x + w) - max(tx, x))
            down = max(0.0, min(ty + th, y + h) - max(ty, y))
            similarity[i, j] = across * down / (tw * th + w * h - across * down)
            admissible[i, j] = similarity[i, j] >= float(match.partition(":")[2])
    return similarity, admissible


def as_trackeval(frames: list[dict[str, np.ndarray]]) -> dict:
    """The same frames as TrackEval wants them; by centre a pair is alike wholly or not at all."""
    truth = {number: index for index, number in enumerate(sorted({int(n) for f in frames for n in f["truth"]}))}
    tracks = {number: index for index, number in enumerate(sorted({int(n) for f in frames for n in f["tracks"]}))}
    alike = [np.where(f["binary"], f["admissible"].astype(float), f["similarity"]) for f in frames]
    return {
        "num_timesteps": len(frames),
        "num_gt_ids": len(truth),
        "num_tracker_ids": len(tracks),
        "num_gt_dets": sum(len(f["truth"]) for f in frames),
        "num_tracker_dets": sum(len(f["tracks"]) for f in frames),
        "gt_ids": [np.array([truth[int(n)] for n in f["truth"]], int) for f in frames],
        "tracker_ids": [np.array([tracks[int(n)] for n in f["tracks"]], int) for f in frames],
        "similarity_scores": alike,
    }


def scene(seed: int) -> dict:
    """A few objects crossing, with gaps, jitter, false tracks and identities that change hands."""
    rng = np.random.default_rng(seed)
    truth, tracks = [], []
    objects = 3
    start, speed = rng.uniform(0, 60, (objects, 2)), rng.uniform(-3, 3, (objects, 2))
    numbers = list(range(1, objects + 1))
    for frame in range(1, FRAMES + 1):
        if rng.random() < 0.07:
            first, second = rng.choice(objects, 2, replace=False)
            numbers[first], numbers[second] = numbers[second], numbers[first]
        for index in range(objects):
            x, y = start[index] + speed[index] * frame
            if rng.random() < 0.9:
                truth.append([frame, index + 1, x, y, 12.0, 20.0])
            if rng.random() < 0.85:
                jitter = rng.normal(0, 1.5, 4)
                tracks.append([frame, numbers[index], x + jitter[0], y + jitter[1], 12 + jitter[2], 20 + jitter[3]])
        if rng.random() < 0.3:
            tracks.append([frame, 9, *rng.uniform(100, 200, 2), 10.0, 10.0])
    rounded = [[[round(float(value), 2) for value in row] for row in rows] for rows in (truth, tracks)]
    return {"match": ("iou:0.5", "iou:0.3", "centre")[seed % 3], "truth": rounded[0], "tracks": rounded[1]}


def main() -> None:
    """Judge the cases given, or make those kept."""
    warnings.simplefilter("ignore")
    if sys.argv[1:] == ["make"]:
        cases = [scene(seed) for seed in range(SCENES)]
    elif sys.argv[1:] == ["judge"]:
        cases = json.load(sys.stdin)
    else:
        sys.exit(__doc__)
    print(json.dumps([case | {"referees": judge(case)} for case in cases]))


if __name__ == "__main__":
    main()
