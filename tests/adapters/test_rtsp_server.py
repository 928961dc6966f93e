"""Pictures served by the system's GStreamer, and looked at as real cameras are."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from marsad.adapters import rtsp_server
from marsad.adapters.rtsp_server import RtspServer, ServedCamera, missing_packages
from marsad.adapters.sources import open_source
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.frame import Frame
from marsad.kernel.port import FrameSource

CAMERAS = [ServedCamera(id=name, width=160, height=128, fps=20.0) for name in ("east", "west.2")]


@pytest.fixture
def server() -> Iterator[RtspServer]:
    if missing := missing_packages():
        assert not os.environ.get("CI"), f"no RTSP server: install {', '.join(missing)}"
        pytest.skip(f"no RTSP server: install {', '.join(missing)}")
    with RtspServer(CAMERAS) as running:
        yield running


def test_each_camera_shows_its_own_pictures(server: RtspServer) -> None:
    shown = {"east": np.full((128, 160), 60, np.uint8), "west.2": np.full((128, 160), 180, np.uint8)}
    shown["west.2"][40:80, 40:60] = 250
    stop = threading.Event()

    def feed() -> None:
        while not stop.is_set():
            for name, counts in shown.items():
                server.show(name, counts)
            time.sleep(0.05)

    feeding = threading.Thread(target=feed)
    feeding.start()
    try:
        for name, counts in shown.items():
            source = open_source(server.url(name), name)
            seen = [item.counts.copy() for item, _ in zip(_frames(source), range(5), strict=False)]
            source.close()
            assert seen[-1].shape == (128, 160)
            assert np.abs(seen[-1].astype(int) - counts).mean() < 2
        assert server.wait(0)
    finally:
        stop.set()
        feeding.join()


def test_nobody_has_asked_yet(server: RtspServer) -> None:
    assert not server.wait(0.05)


def test_sixteen_bits_are_refused(server: RtspServer) -> None:
    with pytest.raises(InputError, match="east"):
        server.show("east", np.zeros((128, 160), np.uint16))


def test_a_port_that_is_taken_is_named(server: RtspServer) -> None:
    with pytest.raises(InputError, match=f"port {server.port}"):
        RtspServer(CAMERAS, port=server.port)


def test_a_server_that_died_is_told(server: RtspServer) -> None:
    server._process.kill()
    server._process.wait()
    with pytest.raises(UnavailableError, match="died"):
        server.show("east", np.zeros((128, 160), np.uint8))


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = tmp_path / "python3"
    bare.write_text('#!/bin/sh\necho "gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-ugly"\n', encoding="ascii")
    bare.chmod(0o755)
    assert missing_packages(str(bare)) == ["gir1.2-gst-rtsp-server-1.0", "gstreamer1.0-plugins-ugly"]
    assert missing_packages(str(tmp_path / "none")) == ["python3"]
    monkeypatch.setattr(rtsp_server, "missing_packages", lambda: ["gstreamer1.0-plugins-ugly"])
    with pytest.raises(UnavailableError, match=r"gstreamer1\.0-plugins-ugly"):
        RtspServer(CAMERAS)


def test_a_python_without_the_bindings_lacks_all() -> None:
    assert "python3-gi" in missing_packages(sys.executable)


def _frames(source: FrameSource) -> Iterator[Frame]:
    return (item for item in source if isinstance(item, Frame))
