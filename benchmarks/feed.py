"""How long a change at the desk takes to reach those who follow it, over a real server on this machine.

    python benchmarks/feed.py [--tracks N] [--hertz F] [--clients N] [--thumbnails N] [--seconds S] [--json]

The server runs in a process of its own, as it does in use, and all clients in another: every track of the picture
moves each time, with its ellipse, its corridor and its approach to the line; five events a second and a pulse a
second go between. Every client also looks at a wall of thumbnails, one a second of each camera. A time is from the
change at the desk to the whole message in a client's hands, for every message and every client. The clients do not
decode what they get: a browser does that on a machine of its own.

The same is measured with clients that take nothing compressed. The peer, in the same run, is the same server made to
encode every message for each client anew.
"""

import asyncio
import multiprocessing
import re
import socket
import tempfile
import time
import zlib
from argparse import Namespace
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
import msgspec
import numpy as np

from figures import Target, command, show
from marsad.adapters.clock import SystemClock
from marsad.adapters.film_clip import FilmLibrary
from marsad.adapters.filming import to_jpeg
from marsad.adapters.memory import MemoryAccounts
from marsad.console import feed
from marsad.console.desk import Events, FeedMessage, Hello, PictureMoved, Pulse, Told
from marsad.console.film import Anyone, Screening, film_routes
from marsad.console.live import LiveFilm, Thumbnail
from marsad.console.patient import TextFrame
from marsad.console.server import build_app, server_for
from marsad.console.shown import tracks_shown
from marsad.fuse.approach import ApproachSettings
from marsad.kernel.act import Person
from marsad.kernel.desk import DeskState, Figures
from marsad.kernel.event import Event, OfficerDecision
from marsad.kernel.picture import Contributor, LineApproach, Picture, PictureTrack, Waypoint
from marsad.kernel.position import EnuPoint, GroundCovariance, GroundState, Position
from marsad.kernel.site import Site

HERE = Position(latitude_deg=34.4, longitude_deg=40.9)
COVARIANCE = GroundCovariance(east_m2=412.25, east_north_m2=-20.125, north_m2=64.5)
CREDENTIALS = {"name": "bench", "password": "a password for this run"}
EVENTS_HERTZ = 5.0
CLOSE, PING, PONG, PACKED = 8, 9, 10, 0x40
TIME = re.compile(rb'"time_ns":(\d{16,})')
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
TARGETS = [Target("p99_ms", "at_most", 150.0)]
FIGURES = Figures(
    rate=0, flood=0, standing=0, waiting=0, held=0, stale=0, escalated=0, folded=0, median_to_acknowledge_s=None,
    slowest_to_acknowledge_s=None, nuisance_share=None,
)  # fmt: skip


def track(number: int, step: int, now_ns: int) -> PictureTrack:
    """One track with all that a real one has, a little further at every step."""
    east_m, north_m = 37.123 * number + 0.731 * step, -12.456 * number + 0.217 * step
    ground = GroundState(
        position=Position(latitude_deg=34.4 + 1e-5 * step, longitude_deg=40.9 + 1e-4 * number, height_m=210.25),
        east_m=east_m, north_m=north_m, velocity_east_m_s=1.34, velocity_north_m_s=0.27, covariance=COVARIANCE,
        range_m=1580.2,
    )  # fmt: skip
    corridor = tuple(
        Waypoint(
            time_ns=now_ns + 10_000_000_000 * k,
            centre=EnuPoint(east_m=east_m + 13.4 * k, north_m=north_m + 2.7 * k, up_m=210.25),
            covariance=COVARIANCE,
        )
        for k in range(len(ApproachSettings().corridor_s))
    )
    return PictureTrack(
        track_id=f"T{number}", origin="own", time_ns=now_ns, status="confirmed", ground=ground,
        velocity_covariance=COVARIANCE, existence=0.987, first_ns=now_ns, seen_ns=now_ns, confirmed_ns=now_ns,
        kind="person", kind_confidence=0.91, heading_rad=1.372, heading_sigma_rad=0.083, speed_m_s=1.367,
        contributors=tuple(
            Contributor(source_id=f"C{k}", origin="own", time_ns=now_ns, label=number) for k in range(3)
        ),
        approaches=(
            LineApproach(line_id="border", probability=0.82, seconds=341.5, low_s=280.25, high_s=432.75,
                         direction="inward"),
        ),
        corridor=corridor,
    )  # fmt: skip


def moved(sequence: int, picture: Picture) -> PictureMoved:
    """The message that all of a picture has moved."""
    return PictureMoved(sequence=sequence, time_ns=picture.time_ns, tracks=tracks_shown(picture, ()))


class BusyDesk:
    """A desk where something happens all the time; only what the feed asks for is there."""

    site = Site(name="bench", origin=HERE)

    def __init__(self, tracks: int, hertz: float) -> None:
        self._tracks, self._hertz = tracks, hertz
        self._sequence = 0
        self._followers: set[asyncio.Queue[FeedMessage]] = set()

    def now_ns(self) -> int:
        """The machine's time."""
        return time.time_ns()

    def state(self) -> DeskState:
        """An empty one."""
        return DeskState(sequence=self._sequence, now_ns=self.now_ns(), site_name="bench", origin=HERE)

    def record(self, events: Sequence[Event]) -> "asyncio.Future[tuple[Told, ...]]":
        """Take it as written."""
        done: asyncio.Future[tuple[Told, ...]] = asyncio.get_running_loop().create_future()
        done.set_result(tuple(Told(sequence=self._sequence, event=event) for event in events))
        return done

    async def follow(self, _: int | None) -> AsyncIterator[FeedMessage]:
        """Everything from now on."""
        queue: asyncio.Queue[FeedMessage] = asyncio.Queue()
        self._followers.add(queue)
        try:
            yield Hello(sequence=self._sequence, state=self.state())
            while True:
                yield await queue.get()
        finally:
            self._followers.discard(queue)

    async def live(self) -> None:
        """Let things happen."""
        await asyncio.gather(self._move(), self._happen(), self._pulse())

    async def _move(self) -> None:
        step = 0
        while True:
            step += 1
            self._tell(moved(self._sequence, self.picture(step)))
            await asyncio.sleep(1 / self._hertz)

    def picture(self, step: int) -> Picture:
        """The picture after so many steps."""
        base_ns = time.time_ns()
        tracks = tuple(track(number, step, base_ns) for number in range(self._tracks))
        return Picture(time_ns=time.time_ns(), tracks=tracks)

    async def _happen(self) -> None:
        while True:
            self._sequence += 1
            event = OfficerDecision(time_ns=time.time_ns(), officer="o", subject="s", decision="acknowledged")
            self._tell(Events(sequence=self._sequence, events=(Told(sequence=self._sequence, event=event),)))
            await asyncio.sleep(1 / EVENTS_HERTZ)

    async def _pulse(self) -> None:
        while True:
            now_ns = time.time_ns()
            self._tell(Pulse(sequence=self._sequence, now_ns=now_ns, figures=FIGURES, cameras=(), storage=None))
            await asyncio.sleep(1)

    def _tell(self, message: FeedMessage) -> None:
        for queue in self._followers:
            queue.put_nowait(message)


class NothingKept(OrderedDict[tuple[int, str], tuple[FeedMessage, TextFrame | None]]):
    """Forgets at once: what a feed would be that encodes for each client."""

    def __setitem__(self, key: tuple[int, str], value: tuple[FeedMessage, TextFrame | None]) -> None:
        """Keep nothing."""


def _who(connection: Anyone) -> Person:
    person: Person = connection.user
    return person


async def _unwritten(person: Person, subject: str, reason: str) -> None:
    """Nothing is looked up here."""


async def hang_wall(live: LiveFilm, cameras: Sequence[str]) -> None:
    """One thumbnail a second of each camera, of an ordinary size."""
    jpeg = to_jpeg(np.random.default_rng(3).normal(120, 20, (256, 320)).clip(0, 255).astype(np.uint8), 75)
    while cameras:
        for camera_id in cameras:
            live.put_thumbnail(Thumbnail(camera_id=camera_id, time_ns=time.time_ns(), jpeg=jpeg))
            await asyncio.sleep(1 / len(cameras))


def serve(port: int, asked: Namespace, ready: Connection, *, each_anew: bool) -> None:
    """Run the server until the process is ended."""
    if each_anew:
        setattr(feed, "OrderedDict", NothingKept)  # noqa: B010 - the peer: the name is the module's own, not exported
    cameras = [f"C{number}" for number in range(asked.thumbnails)]

    async def run(folder: Path) -> None:
        desk = BusyDesk(asked.tracks, asked.hertz)
        library = FilmLibrary(folder / "film", folder / "passing")
        live = LiveFilm(library.recoder)
        routes = film_routes(Screening(library, live, cameras=frozenset(cameras), who=_who, audit=_unwritten))
        app = build_app(desk, MemoryAccounts(), clock=SystemClock(), handlers=[routes])  # type: ignore[arg-type]
        server = server_for(app, port=port)
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.02)
        ready.send(None)
        await asyncio.gather(task, desk.live(), hang_wall(live, cameras))

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


async def open_socket(
    port: int, cookie: str, path: str, more: str = ""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket of one client."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: marsad={cookie}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
        f"Sec-WebSocket-Version: 13\r\n{more}\r\n".encode()
    )
    answer = await reader.readuntil(b"\r\n\r\n")
    if b" 101 " not in answer:
        raise ConnectionError(answer.decode())
    return reader, writer


async def look_on(port: int, cookie: str, seconds: float) -> int:
    """How many thumbnails came to one client's wall."""
    reader, writer = await open_socket(port, cookie, "/api/thumbnails")
    until_s, count = time.monotonic() + seconds, 0
    with suppress(TimeoutError):
        while (left_s := until_s - time.monotonic()) > 0:
            await asyncio.wait_for(receive(reader, writer), left_s)
            count += 1
    writer.close()
    return count


async def follow(port: int, cookie: str, seconds: float, *, deflated: bool) -> tuple[list[float], int]:
    """The milliseconds that each change took to one client, and the bytes of all."""
    taken_ms: list[float] = []
    received = 0
    reader, writer = await open_socket(port, cookie, "/api/feed", DEFLATE if deflated else "")
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        beginning, length = await receive(reader, writer)
        now_ns = time.time_ns()
        received += length
        if found := TIME.search(beginning):
            taken_ms.append((now_ns - int(found[1])) / 1e6)
    writer.close()
    return taken_ms, received


async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bytes, int]:
    """The beginning of the next message and its bytes, read with as little Python as can be: a browser has none."""
    while True:
        head = await reader.readexactly(2)
        length = head[1] & 0x7F
        if length > 125:
            length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8))
        payload = await reader.readexactly(length)
        if head[0] & 0x0F == PING:
            writer.write(bytes([0x80 | PONG, 0x80 | length]) + bytes(4) + payload)
        elif head[0] & 0x0F == CLOSE:
            raise ConnectionError("the server closed the feed")
        else:
            beginning = zlib.decompressobj(-15).decompress(payload, 200) if head[0] & PACKED else payload[:200]
            if not beginning.startswith(b'{"type":"hello"'):
                return beginning, length


def measure(asked: Namespace, *, each_anew: bool, deflated: bool = True) -> dict[str, float]:
    """Percentiles over every message and client, and what it weighs."""
    seconds: float = asked.seconds
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(port, asked, there), kwargs={"each_anew": each_anew}, daemon=True)
    server.start()
    try:
        if not here.poll(60):
            raise TimeoutError("the server did not start")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            client.post("/api/first-run", json=CREDENTIALS).raise_for_status()
            cookie = client.cookies["marsad"]

        async def all_of_them() -> tuple[list[tuple[list[float], int]], list[int]]:
            each = range(asked.clients)
            following = asyncio.gather(*(follow(port, cookie, seconds, deflated=deflated) for _ in each))
            looking = asyncio.gather(*(look_on(port, cookie, seconds) for _ in each))
            return await following, await looking

        results, looked = asyncio.run(all_of_them())
    finally:
        server.terminate()
        server.join()
    taken_ms = np.array([each for times, _ in results for each in times])
    size = msgspec.json.encode(
        moved(1, Picture(time_ns=1, tracks=tuple(track(number, 1, 1) for number in range(asked.tracks))))
    )
    return {
        "p50_ms": float(np.percentile(taken_ms, 50)),
        "p99_ms": float(np.percentile(taken_ms, 99)),
        "worst_ms": float(taken_ms.max()),
        "messages": float(len(taken_ms)),
        "picture_kib": len(size) / 1024,
        "mib_s": sum(received for _, received in results) / seconds / 2**20,
        "thumbnails_s": sum(looked) / seconds,
    }


def main() -> None:
    """Measure and print."""
    parser = command(__doc__)
    parser.add_argument("--tracks", type=int, default=200)
    parser.add_argument("--hertz", type=float, default=2.0)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--thumbnails", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    shared = measure(asked, each_anew=False)
    plain = measure(asked, each_anew=False, deflated=False)
    peer = measure(asked, each_anew=True)
    load = {name: getattr(asked, name) for name in ("tracks", "hertz", "clients", "thumbnails")}
    figures: dict[str, object] = {**load, **shared}
    figures |= {f"plain_{name}": plain[name] for name in ("p50_ms", "p99_ms", "mib_s")}
    figures |= {"each_anew_p50_ms": peer["p50_ms"], "each_anew_p99_ms": peer["p99_ms"]}
    show("feed", figures, TARGETS, as_json=asked.json)


if __name__ == "__main__":
    main()
