"""The command `marsad watch`: which sources are watched, side by side, and how a run is stopped."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from marsad.adapters.sqlite import SqliteEventLog
from marsad.app.watching import Job, Told, plan_jobs, run_job, run_jobs, source_name, summary
from marsad.kernel.error import InputError
from marsad.kernel.event import WatchEnded

MARSAD = [sys.executable, "-c", "from marsad.app.cli import main; main()"]

TWO_CAMERAS = """
name = "Two"
[[cameras]]
id = "east"
source = "rtsp://10.0.0.1/live"
[cameras.lens]
width_px = 160
height_px = 120
horizontal_fov_deg = 10.0
[[cameras]]
id = "west"
{source}
[cameras.lens]
width_px = 160
height_px = 120
horizontal_fov_deg = 10.0
"""


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """A run takes the signals; the tests want them back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def two_cameras(tmp_path: Path) -> Path:
    path = tmp_path / "two.toml"
    path.write_text(TWO_CAMERAS.format(source='source = "rtsp://10.0.0.2/live"'))
    return path


@pytest.fixture
def long_video(video: Path, tmp_path: Path) -> Path:
    """The clip forty times over, its packets copied: longer than anybody waits."""
    path = tmp_path / "long.mkv"
    with av.open(str(path), "w") as out:
        stream = None
        for turn in range(40):
            with av.open(str(video)) as clip:
                stream = stream or out.add_stream_from_template(clip.streams.video[0])
                for packet in clip.demux(video=0):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts += turn * 9000
                    packet.dts += turn * 9000
                    packet.stream = stream
                    out.mux(packet)
    return path


def plan(sources: list[str], site: Path | None = None, camera: str | None = None) -> list[Job]:
    return plan_jobs(sources, site_path=site, camera_id=camera, out=Path("out"), fps=None, video=False, model=None)


@pytest.mark.parametrize(
    ("sources", "with_site", "camera", "pairs"),
    [
        (["a.mp4"], False, None, [("a.mp4", "a", "out")]),
        (["a.mp4"], False, "gate", [("a.mp4", "gate", "out")]),
        (["a.mp4", "b.mp4"], False, None, [("a.mp4", "a", "out/a"), ("b.mp4", "b", "out/b")]),
        (["x/a.mp4", "y/a.mp4"], False, None, [("x/a.mp4", "a", "out/a-1"), ("y/a.mp4", "a", "out/a-2")]),
        (["a.mp4"], True, "west", [("a.mp4", "west", "out")]),
        ([], True, "west", [("rtsp://10.0.0.2/live", "west", "out")]),
        (
            [],
            True,
            None,
            [("rtsp://10.0.0.1/live", "east", "out/east"), ("rtsp://10.0.0.2/live", "west", "out/west")],
        ),
    ],
)
def test_each_source_is_watched_as_its_camera_into_its_folder(
    two_cameras: Path, sources: list[str], with_site: bool, camera: str | None, pairs: list[tuple[str, str, str]]
) -> None:
    jobs = plan(sources, two_cameras if with_site else None, camera)
    assert [(job.source, job.camera_id, str(job.out)) for job in jobs] == pairs


@pytest.mark.parametrize(
    ("sources", "with_site", "camera", "words"),
    [
        ([], False, None, "no source given"),
        (["a.mp4", "b.mp4"], False, "gate", "names one camera, but 2 sources"),
        (["a.mp4"], True, "north", "no such camera; it has east, west"),
        ([], True, "north", "no such camera"),
        (["a.mp4"], True, None, "say which camera"),
        (["a.mp4", "b.mp4"], True, "west", "with one SOURCE"),
    ],
)
def test_sources_and_cameras_that_do_not_fit_are_refused(
    two_cameras: Path, sources: list[str], with_site: bool, camera: str | None, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        plan(sources, two_cameras if with_site else None, camera)


def test_a_camera_without_a_source_is_named(tmp_path: Path) -> None:
    path = tmp_path / "two.toml"
    path.write_text(TWO_CAMERAS.format(source=""))
    with pytest.raises(InputError, match="camera west has no source"):
        plan([], path)
    assert [job.camera_id for job in plan([], path, "east")] == ["east"]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("clips/night one.mp4", "night-one"),
        ("clips/walk/img1", "walk"),
        ("rtsp://guard:secret@10.0.0.7:554/live?x=1", "10.0.0.7-554-live-x-1"),
        ("...", None),
    ],
)
def test_a_camera_is_named_after_its_source(source: str, name: str | None) -> None:
    made = source_name(source)
    assert name is None or made == name
    assert made
    assert "secret" not in made


def test_several_sources_are_watched_side_by_side_and_every_alarm_is_shown(
    video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.mkv"
    other.write_bytes(video.read_bytes())
    jobs = plan_jobs(
        [str(video), str(other)], site_path=None, camera_id=None, out=tmp_path / "out", fps=None, video=False,
        model=None,
    )  # fmt: skip
    results = run_jobs(jobs, show=False).results
    assert [(each.camera_id, each.frames, each.tracks) for each in results] == [("walk", 225, 1), ("other", 225, 1)]
    tables = [(tmp_path / "out" / name / "tracks.csv").read_text() for name in ("walk", "other")]
    assert tables[0] == tables[1]
    lines = capfd.readouterr().err.splitlines()
    assert [line.startswith("marsad: ALARM 00:0") for line in lines] == [True] * sum(each.alarms for each in results)
    assert {name: sum(f" {name}: " in line for line in lines) for name in ("walk", "other")} == {
        each.camera_id: each.alarms for each in results
    }
    told = summary(results)
    assert "walk: 225 pictures" in told
    assert "Tracked in the picture only" in told
    assert all(each.head in told for each in results)


def test_a_source_that_fails_does_not_hide_the_others(
    video: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    jobs = plan_jobs(
        [str(video), str(tmp_path / "missing.mp4"), str(text)], site_path=None, camera_id=None, out=tmp_path / "out",
        fps=None, video=False, model=None,
    )  # fmt: skip
    ran = run_jobs(jobs, show=False)
    assert [each.frames for each in ran.results] == [225]
    assert len(ran.failures) == 2
    told = capfd.readouterr().err
    assert "missing.mp4" in told
    assert "text.mp4" in told


def test_the_first_signal_ends_a_run_after_the_picture_in_hand(video: Path, tmp_path: Path) -> None:
    class Interrupting:
        def __init__(self) -> None:
            self.told: list[Told] = []

        def put(self, told: Told) -> None:
            self.told.append(told)
            os.kill(os.getpid(), signal.SIGINT)

    tell = Interrupting()
    result = run_job(Job(source=str(video), camera_id="walk", out=tmp_path / "out", video=False), tell)
    assert tell.told == [("walk", 1, 0, 0, 0)]  # MKV does not say how many pictures it has
    assert result.frames == 1
    assert ended(tmp_path / "out").reason == "stopped by the operator"


def test_a_signal_to_the_command_stops_all_its_sources_with_finished_files(long_video: Path, tmp_path: Path) -> None:
    second = tmp_path / "second.mkv"
    second.hardlink_to(long_video)
    command = [*MARSAD, "watch", str(long_video), str(second), "--out", str(tmp_path / "out")]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    folders = [tmp_path / "out" / name for name in ("long", "second")]
    try:
        wait_for(lambda: all(written(folder) for folder in folders))
        running.send_signal(signal.SIGINT)
        told, errors = running.communicate(timeout=30)
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=30)
    assert running.returncode == 0, errors
    assert "Traceback" not in errors
    assert told.count("pictures in") == 2
    for folder in folders:
        end = ended(folder)
        assert end.reason == "stopped by the operator"
        with av.open(str(folder / "annotated.mp4")) as container:
            assert sum(1 for _ in container.decode(video=0)) == end.frames < 40 * 225


def written(folder: Path) -> bool:
    """Whether a run has shown its first pictures; its log is its own while it runs."""
    video = folder / "annotated.mp4"
    return video.exists() and video.stat().st_size > 5000


def wait_for(met: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not met():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.05)


def ended(out: Path) -> WatchEnded:
    """How a run ended, as its sound log tells."""
    with SqliteEventLog(out / "events.sqlite") as log:
        log.verify()
        (end,) = [entry.event for entry in log.read() if isinstance(entry.event, WatchEnded)]
    return end


def test_a_walker_too_faint_for_one_picture_is_only_found_when_asked_for(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    fps, noise, pictures = 9, 2.0, tmp_path / "pictures"
    pictures.mkdir()
    for index in range(26 * fps):
        since_s = index / fps - 17
        picture = 100 + rng.normal(0, noise, (120, 160))
        if since_s >= 0:
            left = 40 + round(5 * since_s)
            # Ten pixels of 1.6 times the noise: together a signal to noise of five.
            picture[60:65, left : left + 2] += 5 * noise / math.sqrt(10)
        cv2.imwrite(str(pictures / f"{index:06d}.png"), np.clip(np.rint(picture), 0, 255).astype(np.uint8))
    found = {}
    for faint in (False, True):
        out = tmp_path / f"faint-{faint}"
        jobs = plan_jobs(
            [str(pictures)], site_path=None, camera_id=None, out=out, fps=fps, video=False, model=None, faint=faint
        )
        found[faint] = run_job(jobs[0]).tracks
    assert found == {False: 0, True: 1}
    rows = (tmp_path / "faint-True" / "tracks.csv").read_text().splitlines()
    assert len(rows) > fps
