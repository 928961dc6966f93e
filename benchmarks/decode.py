"""What it costs to get frames: our video source against decoding alone, on one thread, in turns in the same run.

    python benchmarks/decode.py [--frames N] [--rounds N] [--json]

The clip is the cluttered scene, 640x512, 25 frames a second, at 0.5 and 2 Mb/s. Decoding alone is PyAV's loop looking
at each luma plane; ours also stamps, checks and wraps each picture as a `Frame`. Both in CPU time, the best round.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import av
import numpy as np

from figures import Target, command, show
from marsad.adapters.video import VideoSource
from marsad.kernel.frame import Frame
from scene import encode

MEGABITS_S = (0.5, 2.0)
TARGETS = [Target(f"share_{rate:g}_mb_s", "at_least", 0.9) for rate in MEGABITS_S]


def bare(path: Path) -> int:
    """How many pictures PyAV alone decodes, looking at the luma plane of each."""
    frames = 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        stream.codec_context.thread_type = "NONE"
        for picture in container.decode(stream):
            plane = picture.planes[0]
            luma = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
            frames += luma.shape[0] > 0
    return frames


def ours(path: Path) -> int:
    """How many frames our source gives."""
    with closing(VideoSource(path, "bench")) as source:
        return sum(isinstance(item, Frame) and item.counts.shape[0] > 0 for item in source)


def fps(read: Callable[[Path], int], path: Path) -> float:
    """Frames a CPU second."""
    start_s = time.process_time()
    frames = read(path)
    return frames / (time.process_time() - start_s)


def main() -> None:
    """Measure and print."""
    parser = command(__doc__ or "")
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    figures: dict[str, object] = {"frames": arguments.frames, "rounds": arguments.rounds}
    with tempfile.TemporaryDirectory() as folder:
        for rate in MEGABITS_S:
            path = Path(folder) / "scene.mp4"
            encode(path, arguments.frames, bit_rate=round(rate * 1e6))
            if ours(path) != bare(path):
                sys.exit("our source and the decoder disagree on how many pictures there are")
            pairs = [(fps(ours, path), fps(bare, path)) for _ in range(arguments.rounds)]
            ours_fps, bare_fps = (max(column) for column in zip(*pairs, strict=True))
            name = f"{rate:g}_mb_s"
            figures |= {f"fps_{name}": ours_fps, f"bare_fps_{name}": bare_fps, f"share_{name}": ours_fps / bare_fps}
    show("decode", figures, TARGETS, as_json=arguments.json)


if __name__ == "__main__":
    main()
