"""A whole station: real processes, a real log, a real server; killed in every way, and started again."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from marsad.adapters.sqlite import SqliteLogReader
from marsad.app.cli import app
from marsad.app.run import Options, run_site
from marsad.app.station import Place
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.event import (
    AlarmChanged,
    AlertRaised,
    CameraRunChanged,
    DeskKept,
    Event,
    LookTaken,
    PictureStarted,
    PictureTrackPoint,
    TrackConfirmed,
    WatchStarted,
)

WAIT_S = 150.0
"""The first pictures of a process take long where kernels have yet to be compiled, and the machine may be busy."""


@pytest.fixture
def site(site_file: Path, video: Path) -> Path:
    text = site_file.read_text(encoding="utf-8")
    quiet = '[rules]\noff = ["link_lost"]\ncamera_silent_s = 600.0\n'
    source = f'id = "mast"\nsource = "{video}"'
    site_file.write_text(text.replace('id = "mast"', source) + quiet, encoding="utf-8")
    return site_file


class Program:
    """`marsad run`, as a person starts it."""

    def __init__(self, site: Path, out: Path, *more: str) -> None:
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            self.port = door.getsockname()[1]
        self.out = out
        self.lines = out.parent / "stderr.txt"
        self._file = self.lines.open("ab")
        start = [sys.executable, "-c", "from marsad.app.cli import main; main()", "run", str(site), "--json", *more]
        self.process = subprocess.Popen(
            [*start, "--out", str(out), "--port", str(self.port)], stdout=subprocess.PIPE, stderr=self._file,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip

    def get(self, path: str) -> int:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return int(answer.status)
        except HTTPError as error:
            with error:
                return error.code
        except (URLError, OSError):
            return 0

    def until(self, what: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_S
        while not what():
            assert self.process.poll() is None, self.lines.read_text(encoding="utf-8")
            assert time.monotonic() < deadline, self.lines.read_text(encoding="utf-8")
            time.sleep(0.1)

    def events(self) -> list[Event]:
        # At first nothing is there yet.
        with contextlib.suppress(InputError), SqliteLogReader(self.out / "events.sqlite") as log:
            return [each.event for each in log.read() if each.event is not None]
        return []

    def saw(self, kind: type[Event], least: int = 1) -> Callable[[], bool]:
        return lambda: sum(isinstance(each, kind) for each in self.events()) >= least

    def cameras(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii")
        return [int(each) for each in children.split()]

    def stop(self, number: int = signal.SIGTERM) -> str:
        if self.process.poll() is None:
            self.process.send_signal(number)
        told, _ = self.process.communicate(timeout=60)
        self._file.close()
        return told.decode()


@contextlib.contextmanager
def started(site: Path, out: Path, *more: str) -> Iterator[Program]:
    program = Program(site, out, *more)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.process.kill()
        program.stop()


def rules_met(events: list[Event]) -> set[str]:
    return {met.rule for each in events if isinstance(each, AlarmChanged) for met in each.alarm.met}


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


def test_a_site_is_watched_served_and_stopped_and_its_log_is_whole(site: Path, tmp_path: Path) -> None:
    with started(site, tmp_path / "out") as program:
        program.until(lambda: program.get("/api/health") == 200)
        assert program.get("/api/state") == 401
        program.until(lambda: "line_crossing" in rules_met(program.events()))
        [camera] = program.cameras()
        report = json.loads(program.stop())
        assert program.process.returncode == 0
        assert is_gone(camera)
    assert report["restarts"] == 0
    events = program.events()
    assert report["entries"] == len(events)
    assert [each.run for each in events if isinstance(each, CameraRunChanged)] == ["starting", "running", "stopped"]
    assert len({each.alarm.alarm_id for each in events if isinstance(each, AlarmChanged)}) == 1
    assert any(isinstance(each, LookTaken) and each.look.measurements for each in events)
    assert any(isinstance(each, PictureTrackPoint) for each in events)
    assert isinstance(events[-1], DeskKept)
    with SqliteLogReader(tmp_path / "out" / "events.sqlite") as log:
        log.verify()
    assert list((tmp_path / "out" / "film" / "mast").glob("*.film"))


def test_a_camera_that_is_killed_is_started_again_and_said_so(site: Path, tmp_path: Path) -> None:
    with started(site, tmp_path / "out") as program:
        program.until(program.saw(WatchStarted))
        [camera] = program.cameras()
        os.kill(camera, signal.SIGKILL)
        program.until(program.saw(WatchStarted, 2))
        [other] = program.cameras()
        assert other != camera
        program.stop()
    runs = [each for each in program.events() if isinstance(each, CameraRunChanged)]
    assert [(each.run, each.restarts) for each in runs] == [
        ("starting", 0), ("running", 0), ("lost", 0), ("restarting", 1), ("running", 1), ("stopped", 1),
    ]  # fmt: skip
    assert runs[2].detail == "killed by signal 9"


def confirmed(events: list[Event]) -> list[int]:
    return [each.track.track_id for each in events if isinstance(each, TrackConfirmed)]


def test_the_whole_killed_leaves_no_process_and_goes_on_where_it_was(site: Path, tmp_path: Path) -> None:
    with started(site, tmp_path / "out") as program:
        program.until(program.saw(AlarmChanged))
        [camera] = program.cameras()
        program.process.kill()
        program.process.wait()
        deadline = time.monotonic() + 20
        while not is_gone(camera) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert is_gone(camera)
        before = program.events()
    alarms = {each.alarm.alarm_id: each.alarm for each in before if isinstance(each, AlarmChanged)}
    with started(site, tmp_path / "out") as program:
        program.until(lambda: len(confirmed(program.events())) > len(confirmed(before)))
        program.stop()
    after = program.events()
    assert after[: len(before)] == before
    assert len(set(confirmed(after))) == len(confirmed(after)), "two were called by the same number"
    assert [each.resumed is None for each in after if isinstance(each, PictureStarted)] == [True, False]
    last = [each for each in after if isinstance(each, DeskKept)][-1]
    assert set(alarms) <= {each.alarm_id for each in last.state.alarms}
    with SqliteLogReader(tmp_path / "out" / "events.sqlite") as log:
        log.verify()


def test_a_recording_that_ends_is_no_camera_that_died(site: Path, tmp_path: Path) -> None:
    with started(site, tmp_path / "out") as program:
        program.until(
            lambda: any(isinstance(each, CameraRunChanged) and each.run == "stopped" for each in program.events())
        )
        assert program.get("/api/health") == 200
        program.stop(signal.SIGINT)
    assert program.process.returncode == 0
    runs = [each.run for each in program.events() if isinstance(each, CameraRunChanged)]
    assert runs == ["starting", "running", "stopped"]
    raised = [each for each in program.events() if isinstance(each, AlertRaised)]
    assert raised


def test_what_is_in_the_way_is_named(site: Path, site_file: Path, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match="choose another --port"):
            run_site(site, Place(out=tmp_path / "out", port=port), seconds=1)
    with pytest.raises(InputError, match="--for"):
        run_site(site, Place(out=tmp_path / "out", port=0), seconds=-1)
    with pytest.raises(UnavailableError, match="choose an address of this machine as --host"):
        run_site(site, Place(out=tmp_path / "out", host="203.0.113.9"), seconds=1)
    with pytest.raises(InputError, match=r"--model .*none\.onnx: no such file"):
        run_site(site, Place(out=tmp_path / "out"), options=Options(model=tmp_path / "none.onnx"))
    text = site_file.read_text(encoding="utf-8")
    bare = tmp_path / "bare.toml"
    bare.write_text("\n".join(line for line in text.splitlines() if "source" not in line), encoding="utf-8")
    with pytest.raises(InputError, match="cameras without a source: mast"):
        run_site(bare, Place(out=tmp_path / "out", port=0), seconds=1)
    done = CliRunner().invoke(app, ["run", str(tmp_path / "none.toml")])
    assert done.exit_code != 0


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"quota_gb": -3.0}, "--quota -3"),
        ({"key": Path("desk.key")}, "name its certificate with --certificate"),
        ({"certificate": Path("none.pem")}, "--certificate none.pem: no such file"),
        ({"certificate": Path(__file__)}, "no certificate with a key that fits"),
        ({"certificate": Path(__file__), "tls_proxy": True}, "--tls-proxy"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_anything_is_made(
    site: Path, tmp_path: Path, named: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        run_site(site, Place(out=tmp_path / "out", **named), seconds=1)
    assert not (tmp_path / "out").exists()
