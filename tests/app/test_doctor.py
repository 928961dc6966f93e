"""The body of `marsad doctor`: real codecs, sockets and disks; troubles are made by taking things away."""

import importlib
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from marsad.adapters.rtsp_server import RtspServer, ServedCamera, missing_packages
from marsad.app import doctor
from marsad.app.doctor import DoctorReport, Finding, diagnose

CAMERA = """
[[cameras]]
id = "{name}"
source = "{source}"
[cameras.lens]
width_px = 640
height_px = 512
horizontal_fov_deg = 25
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling once is enough for this file."""
    monkeypatch.setattr(doctor, "CONNECT_S", 0.5)


class _Refusing(socketserver.StreamRequestHandler):
    """An RTSP camera that lets nobody in."""

    def handle(self) -> None:
        for line in self.rfile:
            if line.lower().startswith(b"cseq:"):
                self.wfile.write(b"RTSP/1.0 401 Unauthorized\r\n" + line.strip() + b"\r\n\r\n")


@pytest.fixture
def refusing() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Refusing) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def found(report: DoctorReport, what: str) -> Finding:
    return next(finding for finding in report.findings if finding.what == what)


def test_this_machine_is_well(tmp_path: Path) -> None:
    report = diagnose(out=tmp_path)
    assert report.ok, report.text()
    assert report.exit_code == 0
    assert {finding.what for finding in report.findings} >= {"Python", "packages", "H.264", "numba", "clock", "disk"}
    assert "all is well" in report.text()
    assert msgspec.json.decode(msgspec.json.encode(report))["ok"] is True


def test_whatever_fails_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that can be taken away is taken away at once; each thing is named, and nothing is raised."""
    real = importlib.import_module

    def broken(name: str) -> object:
        if name in {"av", "numba", "marsad.app.config"}:
            raise ImportError(f"no {name}")
        return real(name)

    monkeypatch.setattr(importlib, "import_module", broken)
    monkeypatch.setattr(doctor, "OLDEST_PYTHON", (99, 0))
    monkeypatch.setattr(doctor, "LOW_DISK_BYTES", 10**18)
    monkeypatch.setattr(doctor, "OLDEST_TIME_NS", 10**19)
    report = diagnose(tmp_path / "site.toml", out=tmp_path)
    failed = {finding.what for finding in report.findings if finding.state == "failed"}
    assert failed == {"Python", "packages", "H.264", "numba", "clock", "disk", "site"}
    assert all(finding.advice for finding in report.findings if finding.state != "ok")
    assert report.exit_code == 1
    assert "7 to mend" in report.text()


def test_cameras_are_looked_for(tmp_path: Path, refusing: int) -> None:
    (tmp_path / "clip.mp4").write_bytes(b"x")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]
    site = tmp_path / "site.toml"
    sources = {
        "file": "clip.mp4",
        "refusing": f"rtsp://me:secret@127.0.0.1:{refusing}/live",
        "down": f"rtsp://me:secret@127.0.0.1:{closed}/live",
        "none": "",
    }
    site.write_text('name = "S"\n' + "".join(CAMERA.format(name=name, source=each) for name, each in sources.items()))
    report = diagnose(site, out=tmp_path)
    states = {name: found(report, f"camera {name}").state for name in sources}
    assert states == {"file": "ok", "refusing": "failed", "down": "failed", "none": "note"}
    assert "the camera refuses the login (401)" in found(report, "camera refusing").detail
    assert "power, cable and address" in found(report, "camera down").advice
    assert "secret" not in report.text()


@pytest.mark.skipif(bool(missing_packages()), reason="no RTSP server: see docs/howto/simulate.md")
def test_a_live_camera_is_asked_for_its_pictures(tmp_path: Path) -> None:
    right = ServedCamera(id="right", width=640, height=512, fps=9.0)
    small = ServedCamera(id="small", width=320, height=256, fps=9.0)
    site = tmp_path / "site.toml"
    over = threading.Event()
    with RtspServer([right, small]) as server:

        def film() -> None:
            while not over.wait(0.05):
                for each in (right, small):
                    server.show(each.id, np.full((each.height, each.width), 90, np.uint8))

        thread = threading.Thread(target=film)
        thread.start()
        sources = {name: f"rtsp://127.0.0.1:{server.port}/{name}" for name in ("right", "small")}
        site.write_text(
            'name = "S"\n' + "".join(CAMERA.format(name=name, source=each) for name, each in sources.items())
        )
        report = diagnose(site, out=tmp_path)
        over.set()
        thread.join()
    assert found(report, "camera right").detail.endswith("sends 640x512 at 9 a second")
    assert found(report, "camera small").detail == "sends 320x256 at 9 a second, and the site file says 640x512"


def test_a_bad_site_file_is_a_finding(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    site.write_text("nam = 3")
    finding = found(diagnose(site, out=tmp_path), "site")
    assert finding.state == "failed"
    assert "did you mean name?" in finding.detail
    assert "marsad check" in finding.advice


def test_a_folder_that_is_still_to_be_made_is_judged_by_the_one_above(tmp_path: Path) -> None:
    report = diagnose(out=tmp_path / "a" / "b")
    assert str(tmp_path) in found(report, "disk").detail
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_cannot_be_written_to_is_named() -> None:
    finding = found(diagnose(out=Path("/proc/self")), "writing")
    assert finding.state == "failed"
    assert "right to write" in finding.advice


def test_a_clock_that_is_stepped_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = time.time_ns
    start = real()
    monkeypatch.setattr(time, "time_ns", lambda: start + 3 * (real() - start))
    finding = found(diagnose(out=tmp_path), "clock")
    assert finding.state == "failed"
    assert "against the steady one" in finding.detail


@pytest.mark.parametrize(("answer", "state"), [("yes", "ok"), ("no", "note"), ("", "note")])
def test_the_time_service_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, state: str) -> None:
    command = tmp_path / "timedatectl"
    command.write_text(f"#!/bin/sh\necho {answer}\n")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert found(diagnose(out=tmp_path), "clock synchronised").state == state


def test_the_doctor_starts_where_the_video_library_does_not(tmp_path: Path) -> None:
    program = "import sys; sys.modules['av'] = None; sys.modules['cv2'] = None\nfrom pathlib import Path\n"
    program += "from marsad.app.doctor import diagnose\nreport = diagnose(out=Path(sys.argv[1]))\n"
    program += "print(report.text()); sys.exit(report.exit_code)"
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "make setup" in done.stdout
