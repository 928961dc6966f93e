"""All 266 clips of drone-ir (Svanström et al., CC0): recall and false alarms, beside MOG2 and connected components.

Ours and the peer see the same frames in the same run. A truth box is found when the centre of a track box (of the
peer: of a blob) lies in it; recall is over the clips whose object moves 15 px or more. False points are track boxes on
no truth box, false blobs the same of the peer; a false track is a confirmed track that is nowhere on a truth box.
People on the ground and second flying objects have no truth, so some "false" tracks are real movers: `--list-false DIR`
leaves, for each, a strip of enlarged crops and a row in `false_tracks.csv` for a person to judge.

A camera is steady when no two pictures three frames apart are displaced by 1.5 px or more, measured by following
features outside the truth boxes, independently of Marsad. The peer is OpenCV's MOG2 as it comes and 8-connected
components of at least 4 px; what MOG2 calls shadow counts as foreground, since a thermal target can be colder than the
ground. `peer_settings` gives recall and false blobs a frame for other areas, and with shadows left out ("lit").
"""

import csv
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from figures import Target, command, real_data, show
from marsad.adapters.contact_sheet import enlarged_crop
from marsad.adapters.mot import read_tracks, read_truth
from marsad.adapters.sources import open_source
from marsad.kernel.detection import Box
from marsad.kernel.frame import Frame
from marsad.report.evaluation import (
    Boxes,
    Match,
    evaluate,
    false_identities,
    frame_base,
    on_any_truth,
    shift_frames,
    similarity,
)
from run_watch import watch_path

CENTRE = Match(by="centre")
MOVING_PX = 15
STEADY_PX = 1.5
STEADY_FRAMES = 3
PEER = "all4"
PEER_SETTINGS = [(part, area) for part in ("all", "lit") for area in (4, 5, 6, 10)]
STRIP_CROPS = 8
LIT = 255
LEAST_FEATURES = 12
AGREEING = 0.6
TARGETS = [
    Target("recall", "at_least", 0.90),
    Target("recall_online", "at_least", 0.85),
    Target("times_fewer_false_points_than_peer", "at_least", 20.0),
    Target("false_tracks_per_hour", "at_most", 250.0),
    Target("false_tracks_per_hour_steady", "at_most", 150.0),
]

Pictures = list[NDArray[np.uint8]]


class Job(NamedTuple):
    """One clip to be measured, and where its false tracks are to be shown."""

    clip: Path
    list_false: Path | None
    without_marsad: bool


class Measured(NamedTuple):
    """What one clip showed; `ours_*` are zero when only the peer was asked for."""

    clip: str
    frames: int
    hours: float
    truth_boxes: int
    moves_px: float
    camera_px: float
    peer_found: dict[str, int]
    peer_false: dict[str, int]
    ours_found: int
    ours_found_online: int
    ours_false: int
    ours_false_online: int
    ours_tracks: int
    ours_false_tracks: int
    listed: list[list[str]]


def measure(job: Job) -> Measured:
    """Everything about one clip, in a process with one thread."""
    cv2.setNumThreads(1)
    source = open_source(str(job.clip), job.clip.stem)
    pictures: Pictures = [item.counts for item in source if isinstance(item, Frame)]
    source.close()
    raw = read_truth(job.clip.with_suffix(".csv")).boxes
    nobody = Boxes(frame=np.zeros(0, np.int64), identity=np.zeros(0, np.int64), box=np.zeros((0, 4)))
    tracks = nobody if job.without_marsad else _tracks(job.clip)
    base, _ = frame_base(tracks, raw, CENTRE, frames=len(pictures))
    truth = shift_frames(raw, 1 - base)
    truth = truth.where(truth.frame <= len(pictures))
    result = evaluate(tracks, truth, CENTRE, frames=len(pictures), fps=source.info.fps)
    false = false_identities(tracks, on_any_truth(tracks, truth, CENTRE))
    listed = [] if job.list_false is None else [_strip(job, pictures, tracks, int(number)) for number in false]
    found, wrong = peer(pictures, truth)
    return Measured(
        clip=job.clip.stem,
        frames=len(pictures),
        hours=len(pictures) / source.info.fps / 3600,
        truth_boxes=len(truth.frame),
        moves_px=_reach(truth),
        camera_px=camera_motion(pictures, truth),
        peer_found=found,
        peer_false=wrong,
        ours_found=round((result.recall or 0) * result.truth_boxes),
        ours_found_online=round((result.recall_online or 0) * result.truth_boxes),
        ours_false=result.false_points,
        ours_false_online=round((result.false_points_online_per_frame or 0) * len(pictures)),
        ours_tracks=result.tracks,
        ours_false_tracks=len(false),
        listed=listed,
    )


def _tracks(clip: Path) -> Boxes:
    with TemporaryDirectory() as folder:
        return read_tracks(watch_path(clip, Path(folder)))


def peer(pictures: Pictures, truth: Boxes) -> tuple[dict[str, int], dict[str, int]]:
    """For each setting how many truth boxes MOG2's blobs find, and how many blobs are on no truth box."""
    subtractor = cv2.createBackgroundSubtractorMOG2()
    found = {f"{part}{area}": 0 for part, area in PEER_SETTINGS}
    wrong = dict(found)
    for frame, picture in enumerate(pictures, start=1):
        mask = subtractor.apply(picture)
        boxes = truth.box[truth.frame == frame]
        stats = {"all": _components(mask > 0), "lit": _components(mask == LIT)}
        for part, area in PEER_SETTINGS:
            blobs = stats[part][stats[part][:, cv2.CC_STAT_AREA] >= area, :4].astype(np.float64)
            _, on_truth = similarity(blobs, boxes, CENTRE)
            found[f"{part}{area}"] += int(np.count_nonzero(on_truth.any(axis=1)))
            wrong[f"{part}{area}"] += int(np.count_nonzero(~on_truth.any(axis=0)))
    return found, wrong


def _components(foreground: NDArray[np.bool_]) -> NDArray[np.int32]:
    return cv2.connectedComponentsWithStats(foreground.astype(np.uint8), connectivity=8)[2][1:]


def camera_motion(pictures: Pictures, truth: Boxes) -> float:
    """The largest displacement in pixels between pictures three frames apart, outside the truth boxes.

    The median way of features (corners, followed by Lucas and Kanade's method); it counts only where there are enough
    of them and most go the same way, so that a lone mover, a cloud or noise is no moving camera.
    """
    largest = 0.0
    for index in range(0, len(pictures) - STEADY_FRAMES, STEADY_FRAMES):
        first, second = pictures[index], pictures[index + STEADY_FRAMES]
        present = (truth.frame > index) & (truth.frame <= index + 1 + STEADY_FRAMES)
        corners = cv2.goodFeaturesToTrack(first, 120, 0.02, 7, mask=_outside(first.shape, truth.box[present]))
        if corners is None:
            continue
        followed, found, _ = cv2.calcOpticalFlowPyrLK(first, second, corners, None, winSize=(15, 15), maxLevel=3)
        ways = (followed - corners)[found.ravel() == 1].reshape(-1, 2)
        if len(ways) < LEAST_FEATURES:
            continue
        middle = np.median(ways, axis=0)
        if np.mean(np.hypot(*(ways - middle).T) < 1) > AGREEING:
            largest = max(largest, float(np.hypot(*middle)))
    return largest


def _outside(shape: tuple[int, ...], boxes: NDArray[np.float64]) -> NDArray[np.uint8]:
    """255 where the truth boxes are not, with a margin."""
    mask = np.full(shape, 255, np.uint8)
    for x, y, w, h in boxes:
        mask[max(round(y) - 4, 0) : round(y + h) + 4, max(round(x) - 4, 0) : round(x + w) + 4] = 0
    return mask


def _reach(truth: Boxes) -> float:
    """The largest distance between any two places of the object's centre."""
    centres = truth.box[:, :2] + truth.box[:, 2:] / 2
    gaps = centres[:, None, :] - centres[None, :, :]
    return float(np.hypot(gaps[..., 0], gaps[..., 1]).max(initial=0.0))


def _strip(job: Job, pictures: Pictures, tracks: Boxes, number: int) -> list[str]:
    """Save enlarged crops along a false track's life; returns its row for the list."""
    mine = tracks.where(tracks.identity == number)
    chosen = np.unique(np.linspace(0, len(mine.frame) - 1, STRIP_CROPS).round().astype(int))
    crops = []
    for place in chosen:
        x, y, w, h = (float(value) for value in mine.box[place])
        crops.append(enlarged_crop(pictures[mine.frame[place] - 1], Box(x_px=x, y_px=y, w_px=w, h_px=h), 160))
    folder = job.list_false or Path()
    name = f"{job.clip.stem}_{number}.png"
    cv2.imwrite(str(folder / name), np.hstack(crops))
    size = mine.box[:, 2:].mean(axis=0)
    way = np.hypot(*(mine.box[-1, :2] - mine.box[0, :2]))
    first, last = int(mine.frame[0]), int(mine.frame[-1])
    return [job.clip.stem, str(number), str(first), str(last), f"{size[0]:.0f}x{size[1]:.0f}", f"{way:.0f}", name, ""]


def pooled_peer(clips: list[Measured]) -> dict[str, object]:
    """The figures over all clips that need no Marsad."""
    moving = [clip for clip in clips if clip.moves_px >= MOVING_PX]
    frames = _sum(clips, "frames")
    return {
        "clips": len(clips),
        "clips_moving": len(moving),
        "clips_steady": sum(clip.camera_px < STEADY_PX for clip in clips),
        "frames": int(frames),
        "recall_peer": _peer_recall(moving, PEER),
        "false_blobs_per_frame_peer": _peer_false(clips, PEER),
        "false_blobs_by_clip_peer": _spread([clip.peer_false[PEER] / clip.frames for clip in clips]),
        "peer_settings": {
            key: [round(_peer_recall(moving, key), 3), round(_peer_false(clips, key), 2)] for key in clips[0].peer_found
        },
    }


def _peer_recall(clips: list[Measured], setting: str) -> float:
    return sum(clip.peer_found[setting] for clip in clips) / max(_sum(clips, "truth_boxes"), 1)


def _peer_false(clips: list[Measured], setting: str) -> float:
    return sum(clip.peer_false[setting] for clip in clips) / _sum(clips, "frames")


def pooled(clips: list[Measured]) -> dict[str, object]:
    """All figures over all clips."""
    moving = [clip for clip in clips if clip.moves_px >= MOVING_PX]
    steady = [clip for clip in clips if clip.camera_px < STEADY_PX]
    unsteady = [clip for clip in clips if clip.camera_px >= STEADY_PX]
    frames = _sum(clips, "frames")
    ours = _sum(clips, "ours_false")
    truth = max(_sum(moving, "truth_boxes"), 1)
    worst = sorted(clips, key=lambda clip: -clip.ours_false_tracks)[:10]
    return {
        **pooled_peer(clips),
        "recall": _sum(moving, "ours_found") / truth,
        "recall_online": _sum(moving, "ours_found_online") / truth,
        "recall_by_clip": _spread([clip.ours_found / max(clip.truth_boxes, 1) for clip in moving]),
        "false_points_per_frame": ours / frames,
        "false_points_online_per_frame": _sum(clips, "ours_false_online") / frames,
        "times_fewer_false_points_than_peer": _peer_false(clips, PEER) * frames / ours if ours else None,
        "false_tracks": int(_sum(clips, "ours_false_tracks")),
        "false_tracks_per_hour": _hourly(clips),
        "false_tracks_per_hour_steady": _hourly(steady),
        "false_tracks_per_hour_unsteady": _hourly(unsteady),
        "false_tracks_by_clip": _spread([float(clip.ours_false_tracks) for clip in clips]),
        "clips_without_false_track": sum(clip.ours_false_tracks == 0 for clip in clips),
        "worst_clips": [f"{clip.clip}:{clip.ours_false_tracks}" for clip in worst],
    }


def _sum(clips: list[Measured], name: str) -> float:
    return float(sum(getattr(clip, name) for clip in clips))


def _hourly(clips: list[Measured]) -> float | None:
    return _sum(clips, "ours_false_tracks") / _sum(clips, "hours") if clips else None


def _spread(values: list[float]) -> dict[str, float]:
    """Least, lower decile, quarter, median, three quarters, upper decile, most."""
    cuts = {"least": 0, "p10": 10, "p25": 25, "median": 50, "p75": 75, "p90": 90, "most": 100}
    return {name: round(float(np.percentile(values, cut)), 3) for name, cut in cuts.items()} if values else {}


def write_clips(path: Path, clips: list[Measured]) -> None:
    """One row a clip."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(Measured._fields[:-1])
        writer.writerows(clip[:-1] for clip in clips)


def main() -> None:
    """Measure all clips on a few processes and print the figures."""
    parser = command(__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="processes, one thread each (default 2)")
    parser.add_argument("--only", default="*", help='clips to measure, as a pattern ("IR_BIRD_0*")')
    parser.add_argument("--list-false", type=Path, metavar="DIR", help="show every false track, for a person to judge")
    parser.add_argument("--clips-csv", type=Path, metavar="FILE", help="write one row of figures a clip")
    parser.add_argument("--without-marsad", action="store_true", help="only the peer and the camera's motion")
    options = parser.parse_args()
    clips = sorted(real_data("thermal/drone-ir").glob(f"{options.only}.mp4"))
    if not clips:
        parser.error(f"no clip is named {options.only}")
    if options.list_false:
        options.list_false.mkdir(parents=True, exist_ok=True)
    jobs = [Job(clip, options.list_false, options.without_marsad) for clip in clips]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        measured = list(pool.map(measure, jobs))
    if options.clips_csv:
        write_clips(options.clips_csv, measured)
    if options.list_false:
        with (options.list_false / "false_tracks.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["clip", "track", "first_frame", "last_frame", "size_px", "way_px", "strip", "verdict"])
            writer.writerows(row for clip in measured for row in clip.listed)
    if options.without_marsad:
        show("drone_ir", pooled_peer(measured), [], as_json=options.json)
    else:
        show("drone_ir", pooled(measured), TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()
