"""The cameras' processes: started, listened to, and started again when they die or hang."""

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec
import structlog

from marsad.app.camera_wire import (
    LENGTH,
    Beat,
    Begun,
    Ended,
    FromCamera,
    Glance,
    Go,
    Orders,
    Pictured,
    Saw,
    Small,
    Stop,
    from_camera,
    length_of,
    packed,
)
from marsad.kernel.desk import CameraRun
from marsad.kernel.error import InputError
from marsad.kernel.record import Record

_log = structlog.get_logger()
GIVE_UP_S: Final = 5.0
"""A process that has been asked to stop is killed after so long."""


class Patience(Record):
    """How long a camera's process may be silent, busy with one picture, and starting; and how it is started again.

    Some pictures take long where numeric kernels have yet to be compiled. A process that has run for
    `sound_s` is started again after `first_s`; one that keeps dying waits twice as long each time, up to `longest_s`.
    """

    silent_s: float = 10.0
    busy_s: float = 120.0
    begin_s: float = 600.0
    first_s: float = 1.0
    longest_s: float = 60.0
    sound_s: float = 60.0


class Listener(Protocol):
    """Whoever is told what cameras say."""

    def begins(self, camera_id: str) -> int:
        """The number of the first track of a camera's process that is about to be started."""

    def opened(self, camera_id: str) -> None:
        """A camera's process has its source open: there will be pictures, and tracks."""

    def saw(self, glance: Glance) -> None:
        """A camera has seen something, or nothing."""

    def pictured(self, camera_id: str, message: bytes) -> None:
        """A camera has a new picture, with its marks."""

    def small(self, camera_id: str, time_ns: int, jpeg: bytes) -> None:
        """A camera has a new small picture."""

    def runs(self, camera_id: str, run: CameraRun, restarts: int, detail: str) -> None:
        """A camera's process does otherwise than before."""


class CameraKeeper:
    """Keeps one camera's process going; `run` it until it is told to stop."""

    def __init__(self, orders: Callable[[], Orders], listener: Listener, patience: Patience | None = None) -> None:
        """`orders` are asked for anew each time the process is started."""
        self._orders = orders
        self.camera_id = orders().camera_id
        self._listener = listener
        self._patience = patience or Patience()
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._seen = False
        self._ended: Ended | None = None
        self._stop = asyncio.Event()
        self.restarts = 0

    @property
    def pid(self) -> int | None:
        """The process's number, None while there is none."""
        return None if self._process is None else self._process.pid

    @property
    def _is_over(self) -> bool:
        return self._stop.is_set()

    async def run(self) -> None:
        """Start the process, and again whenever it ends other than with its source, until `stop`."""
        wait_s = self._patience.first_s
        self._tell("starting")
        while not self._is_over:
            began_s = time.monotonic()
            why = await self._life()
            if not why or self._is_over:
                break
            if time.monotonic() - began_s >= self._patience.sound_s:
                wait_s = self._patience.first_s
            self._tell("lost", why)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), wait_s)
            wait_s = min(2 * wait_s, self._patience.longest_s)
            if not self._is_over:
                self.restarts += 1
                self._tell("restarting", why)
        self._tell("stopped")

    def go(self, until_ns: int) -> None:
        """A story may be played up to this moment."""
        self._say(Go(until_ns=until_ns))

    async def stop(self) -> None:
        """Let the process end with the picture in hand, or after a while without."""
        self._stop.set()
        self._say(Stop())

    def _say(self, message: Go | Stop) -> None:
        if self._writer is not None and not self._writer.is_closing():
            with contextlib.suppress(OSError, RuntimeError):
                self._writer.write(packed(message))

    def _tell(self, run: CameraRun, detail: str = "") -> None:
        level = "warning" if run in {"lost", "restarting"} else "info"
        getattr(_log, level)("camera", camera_id=self.camera_id, run=run, restarts=self.restarts, detail=detail)
        self._listener.runs(self.camera_id, run, self.restarts, detail)

    async def _life(self) -> str:
        """One process from its start to its end; why it ended, empty where its source did."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "marsad.app.camera_process", stdin=theirs.fileno(),
                    stdout=asyncio.subprocess.DEVNULL,
                    start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
                )  # fmt: skip
            reader, self._writer = await asyncio.open_connection(sock=ours)
        except OSError as error:
            ours.close()
            return f"its process cannot be started: {error.strerror}"
        self._seen, self._ended = False, None
        first = self._listener.begins(self.camera_id)
        self._writer.write(packed(msgspec.structs.replace(self._orders(), first_track=first)))
        why = await self._listen(reader)
        return await self._after(self._process, why)

    async def _listen(self, reader: asyncio.StreamReader) -> str:
        """Hear what the process says until it says no more; why it is not listened to any longer."""
        while True:
            patience_s = self._patience.silent_s if self._seen else self._patience.begin_s
            try:
                head = await asyncio.wait_for(reader.readexactly(LENGTH.size), patience_s)
                data = await asyncio.wait_for(reader.readexactly(length_of(head)), patience_s)
                message = from_camera(data)
            except TimeoutError:
                return f"its process has been silent for {patience_s:.0f} s"
            except (asyncio.IncompleteReadError, OSError):
                return ""
            except InputError as error:
                return str(error)
            busy = self._hear(message)
            if busy or isinstance(message, Ended):
                return busy

    def _hear(self, message: FromCamera) -> str:
        """Take a message; why the process is hung, empty where it is not."""
        match message:
            case Saw(glance=glance):
                if glance.watched and not self._seen:
                    self._seen = True
                    self._tell("running")
                self._listener.saw(glance)
            case Pictured(message=picture):
                self._listener.pictured(self.camera_id, picture)
            case Small(time_ns=time_ns, jpeg=jpeg):
                self._listener.small(self.camera_id, time_ns, jpeg)
            case Begun():
                self._listener.opened(self.camera_id)
                _log.info("camera_open", camera_id=self.camera_id, width_px=message.width_px, fps=message.fps)
            case Beat(busy_s=busy_s) if busy_s > (self._patience.busy_s if self._seen else self._patience.begin_s):
                return f"its process has been at one picture for {busy_s:.0f} s"
            case Ended():
                self._ended = message
        return ""

    async def _after(self, process: asyncio.subprocess.Process, why: str) -> str:
        """Why the process ended, once it has; one that is hung is killed."""
        if why and process.returncode is None:
            process.kill()
        if self._writer is not None:
            self._writer.close()
        try:
            status = await asyncio.wait_for(process.wait(), GIVE_UP_S)
        except TimeoutError:
            process.kill()
            status = await process.wait()
        self._process = self._writer = None
        if why:
            return why
        if self._ended is not None:
            return self._ended.error
        return f"killed by signal {-status}" if status < 0 else f"its process ended with status {status}"


class Cameras:
    """All cameras' processes of a site."""

    def __init__(self, keepers: Sequence[CameraKeeper]) -> None:
        self.keepers = {keeper.camera_id: keeper for keeper in keepers}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start them all."""
        self._tasks = [asyncio.create_task(each.run(), name=f"camera {name}") for name, each in self.keepers.items()]

    async def ended(self) -> None:
        """Return when all have ended for good."""
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Stop them all; return when none is left."""
        for keeper in self.keepers.values():
            await keeper.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)
