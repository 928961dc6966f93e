"""Pictures served as live cameras over RTSP, by GStreamer's server from the system's packages."""

import contextlib
import struct
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import numpy as np

from marsad.adapters import gst_server
from marsad.kernel.error import InputError, UnavailableError
from marsad.kernel.frame import Counts
from marsad.kernel.record import Record

PYTHON = "/usr/bin/python3"
"""The system's own Python, the only one that has GStreamer's bindings."""
_ASK_S = 30.0


class ServedCamera(Record):
    """A camera to be served: its path in the address, the size of its pictures, their rate, and bits a second."""

    id: str
    width: int
    height: int
    fps: float
    kbit: int = 2000


def missing_packages(python: str = PYTHON) -> list[str]:
    """The system's packages (by their Debian names) that serving needs and this machine lacks."""
    command = [python, str(Path(gst_server.__file__)), "--missing"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_ASK_S)
    except FileNotFoundError:
        return ["python3"]
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UnavailableError(f"{python} cannot be asked for GStreamer: {error}") from error
    if done.returncode:
        raise UnavailableError(f"{python} cannot be asked for GStreamer: {done.stderr.strip()[-200:]}")
    return done.stdout.split()


class RtspServer:
    """Serves cameras at rtsp://ADDRESS:PORT/ID until it is closed; pictures reach those who look at that moment.

    Raises: UnavailableError, naming the packages, where GStreamer's server is not installed; InputError where the port
    cannot be had.
    """

    def __init__(self, cameras: Sequence[ServedCamera], *, address: str = "127.0.0.1", port: int = 0) -> None:
        if missing := missing_packages():
            raise UnavailableError(
                f"serving over RTSP needs GStreamer's server; missing: {', '.join(missing)} "
                f"(apt-get install {' '.join(missing)})"
            )
        self._numbers = {camera.id: number for number, camera in enumerate(cameras)}
        self._address = address
        self._lock = threading.Lock()
        self._asked = threading.Event()
        self._process = subprocess.Popen(
            [PYTHON, str(Path(gst_server.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        wanted = {"address": address, "port": port, "cameras": cameras}
        self._write(msgspec.json.encode(wanted) + b"\n")
        self.port = self._listening(port)
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        """Serve."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the server."""
        self.close()

    def url(self, camera_id: str) -> str:
        """The address of one camera."""
        return f"rtsp://{self._address}:{self.port}/{camera_id}"

    def wait(self, seconds: float | None = None) -> bool:
        """Whether somebody has begun to look at any of the cameras within so many seconds (for ever: None)."""
        return self._asked.wait(seconds)

    def show(self, camera_id: str, counts: Counts) -> None:
        """Hand one 8-bit picture on. Raises: UnavailableError where the server has died."""
        if counts.dtype != np.uint8:
            raise InputError(
                f"camera {camera_id}: pictures of 16 bits cannot be served over RTSP; set gain to automatic"
            )
        head = struct.pack(">I", self._numbers[camera_id])
        with self._lock:
            self._write(head + np.ascontiguousarray(counts).tobytes())

    def close(self) -> None:
        """End the server; safe to call twice."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for out in (self._process.stdout, self._process.stderr):
            if out is not None:
                out.close()

    def _write(self, content: bytes) -> None:
        stream = self._process.stdin
        if stream is None:
            raise UnavailableError("the RTSP server has no input")
        try:
            stream.write(content)
            stream.flush()
        except OSError as error:
            raise UnavailableError(f"the RTSP server has died: {self._last_words()}") from error

    def _listening(self, port: int) -> int:
        line = b"" if self._process.stdout is None else self._process.stdout.readline()
        word, _, number = line.decode().strip().partition(" ")
        if word != "port":
            said = self._last_words()
            self.close()
            raise InputError(f"RTSP port {port}: cannot be listened on ({said}); choose another --port")
        return int(number)

    def _listen(self) -> None:
        stream = self._process.stdout
        # The file is closed under this thread's hands when the server ends.
        with contextlib.suppress(ValueError):
            for line in stream or ():
                if line.startswith(b"asked "):
                    self._asked.set()

    def _last_words(self) -> str:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
        if self._process.poll() is None or self._process.stderr is None:
            return "it does not answer"
        return self._process.stderr.read().decode(errors="replace").strip()[-200:] or "it said nothing"
