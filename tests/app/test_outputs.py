"""Which files a watch can do without, and what becomes of them on a disk that fills up while it runs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import av
import pytest

from marsad.adapters.memory import MemoryFrameSource
from marsad.adapters.sqlite import SqliteLogReader
from marsad.app import outputs
from marsad.app.config import load_site
from marsad.app.node import CameraNode
from marsad.kernel.event import AlertRaised, WatchEnded
from marsad.kernel.frame import Frame

LIMITED = """
import json, resource, sys
from pathlib import Path
from marsad.adapters.video import VideoSource
from marsad.app.config import load_site
from marsad.app.node import CameraNode, watch_file
video, site_file, out = (Path(each) for each in sys.argv[1:4])
most, until = int(sys.argv[4]), int(sys.argv[5])
def limit(most):
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
said, alarms = [], []
site = load_site(site_file)
# What the watch compiles is kept before files are limited: a compiler's cache is not what is tested.
watch_file(VideoSource(video, "mast"), out=None, site=site, camera=site.cameras[0])
source = VideoSource(video, "mast")
node = CameraNode(source, out=out, site=site, camera=site.cameras[0], tell=said.append, alarm=alarms.append)
with node:
    limit(most)
    for index, item in enumerate(source):
        node.step(item)
        if index == until:
            limit(resource.RLIM_INFINITY)
    result = node.finish("the source ended")
print(json.dumps([said, len(alarms), result.frames, result.files, result.incomplete]))
"""


class Ran(NamedTuple):
    """What such a run came to."""

    said: list[str]
    alarms: int
    frames: int
    files: list[str]
    incomplete: dict[str, str]


def watched(video: Path, site_file: Path, out: Path, most: int, until: int) -> Ran:
    """A run with a real limit of the operating system on every file, up to one picture; in a process of its own."""
    command = [sys.executable, "-c", LIMITED, str(video), str(site_file), str(out), str(most), str(until)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Ran(*json.loads(done.stdout))


def logged(out: Path) -> list[object]:
    with SqliteLogReader(out / "events.sqlite") as log:
        log.verify()
        return [entry.event for entry in log.read()]


def test_a_video_that_cannot_be_written_costs_only_itself(video: Path, site_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = watched(video, site_file, out, 100_000, 10_000)
    assert (ran.alarms, ran.frames) == (1, 225)
    assert list(ran.incomplete) == ["annotated.mp4"]
    (line,) = ran.said
    assert "annotated.mp4: cannot be written: File too large" in line
    assert "the watch goes on and tries it again every minute" in line
    assert set(ran.files) == {path.name for path in out.iterdir()}
    events = logged(out)
    assert sum(isinstance(event, AlertRaised) for event in events) == 1
    end = events[-1]
    assert isinstance(end, WatchEnded)
    assert end.reason == "the source ended; incomplete: annotated.mp4"
    assert json.loads((out / "tracks.geojson").read_text())["features"]
    assert len((out / "tracks.csv").read_text().splitlines()) > 100


def test_a_disk_that_takes_nothing_ends_no_watch_and_the_log_is_whole_once_there_is_room(
    video: Path, site_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ran = watched(video, site_file, out, 1000, 210)
    assert (ran.alarms, ran.frames) == (1, 225)
    assert "events.sqlite" not in ran.incomplete
    assert any("THE EVENT LOG CANNOT BE WRITTEN" in line for line in ran.said)
    events = logged(out)
    assert sum(isinstance(event, AlertRaised) for event in events) == 1
    assert isinstance(events[-1], WatchEnded)


def test_a_disk_that_never_has_room_again_is_told_in_the_end(video: Path, site_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = watched(video, site_file, out, 1000, 10_000)
    assert (ran.alarms, ran.frames) == (1, 225)
    assert "events could not be written" in ran.incomplete["events.sqlite"]
    assert any("are lost; what is in it is sound" in line for line in ran.said)
    logged(out)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full, a disk without room, is missing here")
def test_what_was_given_up_is_tried_again_after_a_minute(
    walk: list[Frame], tmp_path: Path, site_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table's disk is full for 100 pictures; on the watch's clock each takes a second."""
    now_s = 0.0
    made = outputs.Outputs

    def clocked(*arguments: object, **options: object) -> outputs.Outputs:
        return made(*arguments, **options, clock=lambda: now_s)  # type: ignore[arg-type] - passed on as they come

    monkeypatch.setattr("marsad.app.node.Outputs", clocked)
    site = load_site(site_file)
    said: list[str] = []
    node = CameraNode(
        MemoryFrameSource("mast", walk, fps=25), out=tmp_path / "out", site=site, camera=site.cameras[0], video=False,
        tell=said.append,
    )  # fmt: skip
    table = node._outputs._table._file._file  # type: ignore[union-attr] - it has outputs
    kept = os.dup(table.fileno())
    with node, open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        os.dup2(full.fileno(), table.fileno())
        for each in walk:
            now_s += 1
            if now_s == 100:
                os.dup2(kept, table.fileno())
            node.step(each)
        result = node.finish("enough")
    os.close(kept)
    assert ["cannot be written" in line for line in said] == [True, False]
    assert "tracks.csv: written again; what came in between is not in it" in said[1]
    assert list(result.incomplete) == ["tracks.csv"]
    frames = [int(row.split(",")[0]) for row in (tmp_path / "out" / "tracks.csv").read_text().splitlines()[1:]]
    assert 100 < min(frames) < 130
    assert max(frames) > 200


def test_the_video_leaves_the_last_of_the_disk_to_the_log(
    walk: list[Frame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter([10**12] * 60 + [outputs.RESERVE_BYTES - 1] * 10**4)
    monkeypatch.setattr(outputs, "_free_bytes", lambda _folder: next(free))
    said: list[str] = []
    node = CameraNode(MemoryFrameSource("mast", walk, fps=25), out=tmp_path / "out", tell=said.append)
    with node:
        for each in walk:
            node.step(each)
        result = node.finish("enough")
    assert "less than 64 MiB are free" in result.incomplete["annotated.mp4"]
    assert len(said) == 1
    with av.open(str(tmp_path / "out" / "annotated.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 60
