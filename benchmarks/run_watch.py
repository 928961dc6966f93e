"""The one place where benchmarks call Marsad.

As a script, `python benchmarks/run_watch.py cpu VIDEO` watches a video on one thread and prints frames and CPU seconds
as JSON, and `... memory VIDEO FRAMES` shows the same pictures to and fro for FRAMES frames and prints how memory grew.
"""

import argparse
import json
import resource
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from marsad.adapters.sources import open_source
from marsad.kernel.event import SourceEvent, StreamEnded
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.port import FrameSource, SourceInfo

WARM_UP_FRAMES = 50


def watch(source: FrameSource, out: Path) -> float:
    """Watch a source to its end, without video, leaving `tracks.csv` and the rest in `out`; returns its CPU seconds.

    They are those of the process, all threads and the opening of files included, less what drawing pictures took.
    """
    from marsad.app.node import watch_file  # noqa: PLC0415 - the peers' figures need no Marsad

    return watch_file(source, out=out).cpu_seconds


def watch_path(path: Path, out: Path) -> Path:
    """Watch a file or folder; returns the `tracks.csv` written."""
    cv2.setNumThreads(1)
    source = open_source(str(path), path.stem)
    try:
        watch(source, out)
    finally:
        source.close()
    return out / "tracks.csv"


def blobs(pictures: Iterator[Counts], fps: float) -> Iterator[NDArray[np.float64]]:
    """For each picture what the detector reports before any confirmation: boxes (N, 4) as x, y, w, h."""
    from marsad.watch.background import Background  # noqa: PLC0415 - the peers' figures need no Marsad
    from marsad.watch.detect import X0, X1, Y0, Y1, Detector  # noqa: PLC0415 - the same

    background, detector = Background(), Detector()
    for picture in pictures:
        difference = background.update(picture, 1 / fps)
        rows = detector.detect(difference).rows
        shift = difference.registration
        boxes = rows[:, [X0, Y0, X1, Y1]].astype(np.float64)
        boxes[:, 2:] -= boxes[:, :2]
        boxes[:, 0] += shift.shift_x_px
        boxes[:, 1] += shift.shift_y_px
        yield boxes


class Pictures:
    """A `FrameSource` over pictures in memory or made as they are asked for; `rss` notes memory at chosen frames."""

    def __init__(self, pictures: Iterator[Counts], info: SourceInfo, *, note_at: tuple[int, ...] = ()) -> None:
        self.camera_id = "memory"
        self.info = info
        self.rss: dict[int, int] = {}
        self._pictures = pictures
        self._note_at = note_at

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        """Yield the pictures as frames, evenly spaced."""
        count = 0
        for count, counts in enumerate(self._pictures, start=1):
            if count in self._note_at:
                self.rss[count] = resident_bytes()
            time_ns = round((count - 1) * 1e9 / self.info.fps)
            yield Frame(camera_id=self.camera_id, index=count - 1, time_ns=time_ns, received_ns=time_ns, counts=counts)
        yield StreamEnded(time_ns=round(count * 1e9 / self.info.fps), camera_id=self.camera_id, frames=count)

    def close(self) -> None:
        """Nothing to release."""


class First:
    """A `FrameSource` that ends after some frames of another."""

    def __init__(self, source: FrameSource, frames: int) -> None:
        self.camera_id, self.info = source.camera_id, source.info
        self._source, self._frames = source, frames

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        """Yield the first frames, and that they ended."""
        yield from islice(self._source, self._frames)
        yield StreamEnded(time_ns=0, camera_id=self.camera_id, frames=self._frames)

    def close(self) -> None:
        """Close the other source."""
        self._source.close()


def to_and_fro(pictures: list[Counts], frames: int) -> Iterator[Counts]:
    """The pictures forwards, backwards, and so on, without a jump."""
    period = 2 * len(pictures) - 2
    for index in range(frames):
        place = index % period
        yield pictures[place if place < len(pictures) else period - place]


def resident_bytes() -> int:
    """The memory this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def cpu_s() -> float:
    """CPU seconds of this process so far, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _measure_cpu(video: Path) -> dict[str, float]:
    """Watch the start of the video, so that everything is compiled, then all of it with the clock on."""
    cv2.setNumThreads(1)
    with TemporaryDirectory() as out:
        watch(First(open_source(str(video), "warm-up"), WARM_UP_FRAMES), Path(out))
    with TemporaryDirectory() as out:
        source = open_source(str(video), "speed")
        return {"frames": source.info.frames, "cpu_s": watch(source, Path(out))}


def _measure_memory(video: Path, frames: int) -> dict[str, float]:
    cv2.setNumThreads(1)
    source = open_source(str(video), "memory")
    pictures = [item.counts for item in islice(source, 300) if isinstance(item, Frame)]
    tenth = frames // 10
    looped = Pictures(to_and_fro(pictures, frames), source.info, note_at=(tenth, frames))
    with TemporaryDirectory() as out:
        watch(looped, Path(out))
    return {"frames": frames, "rss_tenth_bytes": looped.rss[tenth], "rss_end_bytes": looped.rss[frames]}


def main() -> None:
    """Measure CPU or memory and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["cpu", "memory"])
    parser.add_argument("video", type=Path)
    parser.add_argument("frames", type=int, nargs="?", default=100_000)
    arguments = parser.parse_args()
    measured = (
        _measure_cpu(arguments.video) if arguments.what == "cpu" else _measure_memory(arguments.video, arguments.frames)
    )
    json.dump(measured, sys.stdout)


if __name__ == "__main__":
    main()
