"""A small synthetic walker on real background texture: 2x5 px, 20 counts above it, noise of 2 counts, 10,000 frames.

The backgrounds are 320x256 crops of real ground from HIT-UAV (Suo et al. 2023, CC BY 4.0), kept still. On each, the
walker enters after four seconds and walks to and fro at the pace of a person that size (4.1 px a second, 25 frames a
second).
Recall is over all frames in which the walker is wholly in the picture: `recall` of confirmed tracks after write-back,
`recall_online` as reported in the frame, `recall_blobs` of the detector. False blobs are those of the detector, before
any confirmation, that are not on the walker.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from figures import Target, command, real_data, show
from marsad.adapters.mot import read_tracks
from marsad.kernel.port import SourceInfo
from marsad.report.evaluation import Boxes, Match, evaluate, similarity
from run_watch import Pictures, blobs, watch

Picture = NDArray[np.uint8]
Floats = NDArray[np.float64]

BACKGROUNDS = (
    "0_60_30_0_01609",
    "1_60_30_0_00010",
    "1_60_30_0_00034",
    "1_60_30_0_00082",
    "0_60_50_0_01677",
)
ROWS, COLUMNS = 256, 320
BRIGHTEST_COUNTS = 225.0
FPS = 25.0
WIDTH_PX, HEIGHT_PX = 2.0, 5.0
CONTRAST_COUNTS, NOISE_COUNTS = 20.0, 2.0
PACE_PX_S = 1.4 * HEIGHT_PX / 1.7
ENTERS_AT = 100
SURROUND_PX = 2.0
TARGETS = [
    Target("recall", "at_least", 1.0),
    Target("false_blobs_per_frame", "at_most", 0.05),
    Target("false_tracks", "at_most", 0),
]


class Walk:
    """A walker before one background: `picture(i)` and `box(i)` for the same frame, without end."""

    def __init__(self, background: Floats, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self._background = background
        rows, columns = background.shape
        self._noise = rng.normal(0, NOISE_COUNTS, (16, rows + 67, columns + 61)).astype(np.float32)
        self._y = float(rng.uniform(0.35, 0.85) * rows)
        self._span = columns - WIDTH_PX

    def box(self, index: int) -> Floats | None:
        """The walker's box, None before it is wholly in the picture."""
        way = (index - ENTERS_AT) / FPS * PACE_PX_S - WIDTH_PX
        if way < 0:
            return None
        way %= 2 * self._span
        return np.array([way if way < self._span else 2 * self._span - way, self._y, WIDTH_PX, HEIGHT_PX])

    def picture(self, index: int) -> Picture:
        """The frame as uint8; pixels the walker covers in part get a part of its contrast."""
        rows, columns = self._background.shape
        top, left = index * 29 % 67, index * 37 % 61
        picture = self._background + self._noise[index % 16, top : top + rows, left : left + columns]
        box = self.box(index)
        if box is not None:
            down = _cover(box[1], HEIGHT_PX, rows)
            across = _cover(box[0], WIDTH_PX, columns)
            picture = picture + CONTRAST_COUNTS * down[:, None] * across[None, :]
        return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _cover(start_px: float, length_px: float, pixels: int) -> Floats:
    """Which part of each pixel a stretch covers."""
    edges = np.arange(pixels)
    return np.clip(np.minimum(edges + 1, start_px + length_px) - np.maximum(edges, start_px), 0, 1)


def texture(path: Path) -> Floats:
    """The middle of a picture; no pixel so bright that the walker's contrast would be cut off."""
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        sys.exit(f"{path} is not there or no picture: this benchmark needs the HIT-UAV images")
    top, left = (picture.shape[0] - ROWS) // 2, (picture.shape[1] - COLUMNS) // 2
    return np.minimum(picture[top : top + ROWS, left : left + COLUMNS].astype(np.float64), BRIGHTEST_COUNTS)


def truth_of(walk: Walk, frames: int) -> Boxes:
    """The walker's boxes, frames counted from 1."""
    boxes = [(index + 1, box) for index in range(frames) if (box := walk.box(index)) is not None]
    return Boxes(
        frame=np.array([frame for frame, _ in boxes], np.int64),
        identity=np.ones(len(boxes), np.int64),
        box=np.array([box for _, box in boxes], np.float64).reshape(-1, 4),
    )


def generous(truth: Boxes) -> Boxes:
    """The truth with a margin: the centre of a found box lies within 2 px of so small a target, or it is not on it."""
    grown = truth.box + np.array([-SURROUND_PX, -SURROUND_PX, 2 * SURROUND_PX, 2 * SURROUND_PX])
    return Boxes(frame=truth.frame, identity=truth.identity, box=grown)


def count_blobs(walk: Walk, frames: int, truth: Boxes) -> tuple[int, int]:
    """In how many frames a blob is on the walker, and how many blobs are not, before any confirmation."""
    place = {int(frame): index for index, frame in enumerate(truth.frame)}
    found = false = 0
    for frame, boxes in enumerate(blobs(_pictures(walk, frames), FPS), start=1):
        mine = truth.box[place[frame] : place[frame] + 1] if frame in place else np.zeros((0, 4))
        _, on_walker = similarity(boxes, mine, Match(by="centre"))
        found += bool(on_walker.any())
        false += int(np.count_nonzero(~on_walker.any(axis=0)))
    return found, false


def _pictures(walk: Walk, frames: int) -> Iterator[Picture]:
    return (walk.picture(index) for index in range(frames))


def tracks_of(walk: Walk, frames: int) -> Boxes:
    """The tracks Marsad finds."""
    rows, columns = walk.picture(0).shape
    info = SourceInfo(width_px=columns, height_px=rows, bits=8, fps=FPS, frames=frames)
    with TemporaryDirectory() as folder:
        watch(Pictures(_pictures(walk, frames), info), Path(folder))
        return read_tracks(Path(folder) / "tracks.csv")


def main() -> None:
    """Walk before each background, count, print."""
    parser = command(__doc__)
    parser.add_argument("--frames", type=int, default=10_000, help="over all backgrounds together (default 10000)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    folder = real_data("thermal/hit-uav/images")
    each = options.frames // len(BACKGROUNDS)
    sums = dict.fromkeys(("boxes", "matched", "online", "blobs", "false_blobs", "false_tracks", "tracks"), 0)
    for seed, name in enumerate(BACKGROUNDS):
        walk = Walk(texture(folder / f"{name}.jpg"), seed)
        truth = generous(truth_of(walk, each))
        result = evaluate(tracks_of(walk, each), truth, Match(by="centre"), frames=each, fps=FPS)
        found, false = count_blobs(walk, each, truth)
        print(f"{name}: recall {result.recall}, false blobs {false}, false tracks {result.false_tracks}")
        sums["boxes"] += result.truth_boxes
        sums["matched"] += round((result.recall or 0) * result.truth_boxes)
        sums["online"] += round((result.recall_online or 0) * result.truth_boxes)
        sums["blobs"] += found
        sums["false_blobs"] += false
        sums["false_tracks"] += result.false_tracks
        sums["tracks"] += result.tracks
    figures: dict[str, object] = {
        "frames": each * len(BACKGROUNDS),
        "walker_frames": sums["boxes"],
        "recall": sums["matched"] / sums["boxes"],
        "recall_online": sums["online"] / sums["boxes"],
        "recall_blobs": sums["blobs"] / sums["boxes"],
        "false_blobs_per_frame": sums["false_blobs"] / (each * len(BACKGROUNDS)),
        "false_tracks": sums["false_tracks"],
        "tracks": sums["tracks"],
    }
    show("small_targets", figures, TARGETS, as_json=options.json)


if __name__ == "__main__":
    main()
