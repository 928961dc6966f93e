"""Film played again: at any speed, a picture at a time, from any moment."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Protocol

from marsad.console.live import WINDOW, Recoding
from marsad.kernel.film import Codec, Filmed, to_message
from marsad.kernel.record import Record

SECOND_NS = 1_000_000_000
SLOWEST, FASTEST = 0.25, 16.0
READ_AHEAD = 50
SKIPPED_GAP_NS = 2 * SECOND_NS
"""Where there is no film for longer, the replay goes on with what comes after it."""
LATE_S = 0.5
LAST_NS = 1 << 62
TAIL_S = 0.5
SHOWN_PER_S = 30
"""Pictures that need no others are left out where more than this would be shown a second."""
LEAD_NS = 15 * SECOND_NS


class FilmReader(Protocol):
    """Kept film, for reading; calls may wait for the disk."""

    def read(self, camera_id: str, from_ns: int, to_ns: int) -> Iterator[Filmed]:
        """The pictures of a span in the order of decoding, beginning with the key picture at or before its start."""


class Command(Record):
    """What a viewer asks of a replay; what is left out stays as it is.

    `speed` 0 pauses. `seek_ns` goes to the picture shown at a moment, `step` shows so many pictures on or back (and
    pauses). `got` says how many pictures have arrived.
    """

    speed: float | None = None
    seek_ns: int | None = None
    step: int | None = None
    got: int | None = None


class Reel:
    """One camera's film under the hand: what comes next from where it stands. Its calls wait for the disk."""

    def __init__(self, film: FilmReader, camera_id: str, recoder: Recoding | None) -> None:
        """`recoder` where JPEG is wanted."""
        self._film = film
        self._camera_id = camera_id
        self._recoder = recoder
        self._ahead: deque[Filmed] = deque()
        self._pictures: Iterator[Filmed] = iter(())
        self.time_ns = 0
        """When the picture shown last is from."""

    def seek(self, time_ns: int) -> list[bytes]:
        """What has to be sent to show the picture of a moment: those it builds on, marked as lead, and itself."""
        self._open(time_ns)
        shown: list[Filmed] = []
        while (following := self._peek()) is not None and (not shown or following.picture.time_ns <= time_ns):
            shown.append(self._ahead.popleft())
        return self._with_leads(shown)

    def back(self, count: int) -> list[bytes]:
        """The same for the picture so many before the one shown last; the first one where there are not so many."""
        before = [
            filmed
            for filmed in self._film.read(self._camera_id, max(0, self.time_ns - LEAD_NS), self.time_ns)
            if filmed.picture.time_ns < self.time_ns
        ]
        return [] if not before else self.seek(before[-min(count, len(before))].picture.time_ns)

    def jump(self, time_ns: int) -> None:
        """Go on with the last key picture before a later moment, or with what follows where that was shown already."""
        self._open(time_ns)
        while (following := self._peek()) is not None and following.picture.time_ns <= self.time_ns:
            self._ahead.popleft()
        if following is not None:
            self.time_ns = following.picture.time_ns - 1

    def take(self) -> list[tuple[int, bool, bytes]]:
        """The next pictures with their times and whether they are key ones; [] where the film ends for now."""
        if self._peek() is None:
            self._open(self.time_ns + 1)
            while (following := self._peek()) is not None and following.picture.time_ns <= self.time_ns:
                self._ahead.popleft()
        taken = [filmed for each in islice(self._next(), READ_AHEAD) for filmed in self._coded(each)]
        return [(each.picture.time_ns, each.picture.key, to_message(each)) for each in taken]

    def _open(self, time_ns: int) -> None:
        self._ahead.clear()
        self._pictures = self._film.read(self._camera_id, time_ns, LAST_NS)

    def _peek(self) -> Filmed | None:
        if not self._ahead:
            self._ahead.extend(islice(self._pictures, READ_AHEAD))
        return self._ahead[0] if self._ahead else None

    def _next(self) -> Iterator[Filmed]:
        while self._peek() is not None:
            yield self._ahead.popleft()

    def _with_leads(self, shown: list[Filmed]) -> list[bytes]:
        keys = [number for number, filmed in enumerate(shown) if filmed.picture.key]
        needed = shown[keys[-1] if keys else 0 :]
        if needed:
            self.time_ns = needed[-1].picture.time_ns
        if self._recoder is not None:
            done = [each for filmed in needed for each in self._recoder.recode(filmed)]
            return [to_message(each) for each in done[-1:]]
        return [to_message(each, lead=each is not needed[-1]) for each in needed]

    def _coded(self, filmed: Filmed) -> list[Filmed]:
        return [filmed] if self._recoder is None else self._recoder.recode(filmed)


class Replay:
    """Sends a reel's pictures when they are due, and does what the viewer asks meanwhile.

    A viewer who cannot keep up is taken on from key picture to key picture, in time with what was asked for.
    """

    def __init__(self, reel: Reel, send: "Send", clock_s: Callable[[], float], *, speed: float = 1.0) -> None:
        """`clock_s` is any clock that only goes forward."""
        self._reel = reel
        self._send = send
        self._clock_s = clock_s
        self._speed = speed
        self._commands: deque[Command] = deque()
        self._asked = asyncio.Event()
        self._waiting: deque[tuple[int, bool, bytes]] = deque()
        self._base: tuple[float, int] | None = None
        self._needs_key = False
        self._sent = 0
        self._sent_ns = -LAST_NS
        self._got: int | None = None
        self._arrived = asyncio.Event()

    def ask(self, command: Command) -> None:
        """Let it be done soon."""
        if command.got is not None:
            self._got = min(command.got, self._sent)
            self._arrived.set()
        if command.speed is not None or command.seek_ns is not None or command.step is not None:
            self._commands.append(command)
            self._asked.set()

    async def run(self, from_ns: int) -> None:
        """Play from a moment on until cancelled."""
        await self._seek(from_ns)
        while True:
            wait_s = await self._due_in_s() if self._speed else None
            if await self._is_asked(wait_s):
                await self._do(self._commands.popleft())
            else:
                await self._play()

    async def _is_asked(self, wait_s: float | None) -> bool:
        """Whether there is a command by the time that the next picture is due."""
        self._asked.clear()
        if self._commands:
            return True
        with contextlib.suppress(TimeoutError):
            # `wait_for` of Python 3.11 can swallow the cancellation that comes with the last command.
            async with asyncio.timeout(wait_s):
                await self._asked.wait()
        return bool(self._commands)

    async def _do(self, command: Command) -> None:
        if command.speed is not None:
            self._speed = 0.0 if command.speed <= 0 else min(max(command.speed, SLOWEST), FASTEST)
            self._base = None
        if command.seek_ns is not None:
            await self._seek(max(0, command.seek_ns))
        if command.step is not None:
            self._speed = 0.0
            await self._step(command.step)

    async def _seek(self, time_ns: int) -> None:
        self._waiting.clear()
        self._base = None
        self._needs_key = False
        for message in await asyncio.to_thread(self._reel.seek, time_ns):
            await self._deliver(message)

    async def _step(self, count: int) -> None:
        if count < 0:
            self._waiting.clear()
            for message in await asyncio.to_thread(self._reel.back, -count):
                await self._deliver(message)
            return
        for _ in range(min(count, READ_AHEAD)):
            if not await self._filled():
                return
            time_ns, _, message = self._waiting.popleft()
            self._reel.time_ns = time_ns
            await self._deliver(message)

    async def _filled(self) -> bool:
        if not self._waiting:
            self._waiting.extend(await asyncio.to_thread(self._reel.take))
        return bool(self._waiting)

    async def _due_in_s(self) -> float:
        if not await self._filled():
            self._base = None
            return TAIL_S
        time_ns, now_s = self._waiting[0][0], self._clock_s()
        if self._base is None or time_ns - self._reel.time_ns > SKIPPED_GAP_NS:
            self._base = now_s, time_ns
        return max(0.0, self._base[0] + (time_ns - self._base[1]) / SECOND_NS / self._speed - now_s)

    async def _play(self) -> None:
        """Send what is due; from what is late, go on to the key picture before what would be due now."""
        if not self._waiting or self._base is None:
            return
        time_ns, key, message = self._waiting.popleft()
        due_ns = self._base[1] + round((self._clock_s() - self._base[0]) * SECOND_NS * self._speed)
        if due_ns - time_ns > LATE_S * SECOND_NS * self._speed and not key and not self._needs_key:
            self._needs_key = True
            self._waiting.clear()
            await asyncio.to_thread(self._reel.jump, due_ns)
            return
        self._reel.time_ns = max(time_ns, self._reel.time_ns)
        if self._needs_key and not key:
            return
        self._needs_key = False
        # A run of key pictures, as JPEG is, can be thinned without harm.
        alone = key and (not self._waiting or self._waiting[0][1])
        if alone and 0 <= time_ns - self._sent_ns < SECOND_NS / SHOWN_PER_S * self._speed * 0.9:
            return
        self._sent_ns = time_ns
        await self._deliver(message)

    async def _deliver(self, message: bytes) -> None:
        while self._got is not None and self._sent - self._got >= WINDOW:
            self._arrived.clear()
            await self._arrived.wait()
        self._sent += 1
        await self._send(message)


class Send(Protocol):
    """Takes a message to the viewer."""

    async def __call__(self, message: bytes) -> None:
        """Return when it is on its way."""


def reel_for(film: FilmReader, camera_id: str, codec: Codec, recoder: Callable[[], Recoding]) -> Reel:
    """The camera's film in the coding that is wanted."""
    return Reel(film, camera_id, recoder() if codec == "jpeg" else None)


def moved(command: Command, shown_ns: int) -> bool:
    """Whether a command leads to film that has hardly been asked for yet: further off than a minute."""
    return command.seek_ns is not None and abs(command.seek_ns - shown_ns) > 60 * SECOND_NS
