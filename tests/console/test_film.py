"""Live film, replay, spans, thumbnails and clips over a real server, with real H.264 and real sockets."""

import asyncio
import base64
import hashlib
import io
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
import uvicorn
from litestar import Litestar
from litestar.exceptions import NotAuthorizedException
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from marsad.adapters.film import CameraFilm
from marsad.adapters.film_clip import FilmLibrary
from marsad.adapters.filming import Recoder, to_jpeg
from marsad.adapters.video import VideoSource
from marsad.console.film import Anyone, Screening, film_routes
from marsad.console.live import MOST_WAITING, WINDOW, Channel, LiveFilm, Thumbnail, Viewer
from marsad.kernel.act import Person
from marsad.kernel.detection import Box
from marsad.kernel.film import CodedPicture, Filmed, Header, Mark, from_message, split_message, to_message

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STEP = 40_000_000
WIDTH, HEIGHT = 160, 128
EVERY = 25


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> list[Filmed]:
    """Ten seconds of H.264, a key picture a second; each picture is marked with its number."""
    path = tmp_path_factory.mktemp("source") / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": str(EVERY), "bf": "0", "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        noise = np.random.default_rng(3).integers(60, 90, (HEIGHT, WIDTH), np.uint8)
        for index in range(250):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, index, 1), format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    pictures: list[CodedPicture] = []
    source = VideoSource(path, "north", tap=pictures.append)
    for _ in source:
        pass
    source.close()
    return [
        Filmed(
            picture=CodedPicture(
                camera_id="north", time_ns=START + each.time_ns, codec="h264", key=each.key, width_px=WIDTH,
                height_px=HEIGHT, data=each.data, description=each.description,
            ),
            marks=(
                Mark(
                    track_id=each.time_ns // STEP, kind="person", status="confirmed",
                    box=Box(x_px=1, y_px=2, w_px=3, h_px=4),
                ),
            ),
        )
        for each in pictures
    ]  # fmt: skip


class Served:
    """A server with the film routes alone; who asks stands in a header."""

    def __init__(self, folder: Path) -> None:
        self.audited: list[tuple[str, str, str]] = []
        self.loop: asyncio.AbstractEventLoop | None = None
        self.live: LiveFilm | None = None
        library = FilmLibrary(folder / "film", folder / "passing")
        self.live = LiveFilm(library.recoder)
        screening = Screening(
            library, self.live, cameras=frozenset({"north", "south"}), who=self._who, audit=self._audit
        )
        app = Litestar([film_routes(screening)], on_startup=[self._started])
        self._server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on", ws="auto"))
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def _started(self) -> None:
        self.loop = asyncio.get_running_loop()

    def _who(self, connection: Anyone) -> Person:
        role = connection.headers.get("x-role", "")
        if not role:
            raise NotAuthorizedException("sign in")
        return Person(name="Huda", role=role)  # type: ignore[arg-type]

    async def _audit(self, person: Person, subject: str, reason: str) -> None:
        self.audited.append((person.name, subject, reason))

    def put(self, filmed: Filmed) -> None:
        """As a camera's process does, through whoever runs the server."""
        assert self.loop
        assert self.live
        message = to_message(filmed)
        self.loop.call_soon_threadsafe(self.live.put, filmed.picture.camera_id, message)

    def on_loop(self, call: Callable[..., object], *arguments: object) -> None:
        assert self.loop
        done = threading.Event()

        def run() -> None:
            call(*arguments)
            done.set()

        self.loop.call_soon_threadsafe(run)
        assert done.wait(5)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def http(self, path: str, role: str = "operator") -> httpx.Response:
        headers = {"x-role": role} if role else {}
        return httpx.get(f"http://127.0.0.1:{self.port}/api{path}", headers=headers)

    def ws(self, path: str, role: str = "operator") -> connect:
        return connect(
            f"ws://127.0.0.1:{self.port}/api{path}", additional_headers={"x-role": role}, max_size=1 << 24,
            compression=None, close_timeout=1,
        )  # fmt: skip


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = Served(tmp_path)
    yield server
    server.stop()


def keep(folder: Path, film: list[Filmed]) -> None:
    kept = CameraFilm(folder / "film", "north", free=lambda _folder: 1 << 40)
    for filmed in film:
        kept.append(filmed)
    kept.close()


def run(body: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(body(), 30))


async def got(socket: ClientConnection, count: int, within_s: float = 5.0) -> list[tuple[Header, bytes]]:
    return [split_message(await asyncio.wait_for(socket.recv(), within_s)) for _ in range(count)]


def numbers(messages: list[tuple[Header, bytes]]) -> list[int]:
    return [round((header.time_ns - START) / STEP) for header, _ in messages]


def test_who_joins_gets_the_group_of_pictures_and_then_each_new_one(served: Served, film: list[Filmed]) -> None:
    async def body() -> None:
        for filmed in film[:60]:
            served.put(filmed)
        async with served.ws("/cameras/north/live") as viewer:
            first = await got(viewer, 10)
            assert numbers(first) == list(range(50, 60))
            assert first[0][0].key
            assert first[0][0].description
            assert [header.marks[0].track_id for header, _ in first] == list(range(50, 60))
            for filmed in film[60:70]:
                served.put(filmed)
            later = await got(viewer, 10)
            assert numbers(later) == list(range(60, 70))
            assert [data for _, data in first + later] == [filmed.picture.data for filmed in film[50:70]]

    run(body)


def test_jpeg_is_made_of_h264_for_who_asks_with_marks_in_step(served: Served, film: list[Filmed]) -> None:
    async def body() -> None:
        for filmed in film[:30]:
            served.put(filmed)
        async with served.ws("/cameras/north/live?codec=jpeg") as viewer:
            await asyncio.sleep(0.2)
            for filmed in film[30:40]:
                served.put(filmed)
                await asyncio.sleep(0.02)
            messages = await got(viewer, 8)
            for header, data in messages:
                assert (header.codec, header.key, header.width) == ("jpeg", True, WIDTH)
                assert data[:2] == b"\xff\xd8"
                assert header.marks[0].track_id == round((header.time_ns - START) / STEP)
        await asyncio.sleep(0.1)
        assert served.live
        assert served.live._camera("north").task is None

    run(body)


def test_a_viewer_who_says_what_has_arrived_is_never_far_behind(served: Served, film: list[Filmed]) -> None:
    async def body() -> None:
        served.put(film[0])
        async with served.ws("/cameras/north/live") as viewer:
            await got(viewer, 1)
            await viewer.send('{"got": 1}')
            await asyncio.sleep(0.1)
            for filmed in film[1:200]:
                served.put(filmed)
                await asyncio.sleep(0.001)
            arrived = await got(viewer, WINDOW)
            with pytest.raises(TimeoutError):
                await got(viewer, 1, 0.2)
            assert numbers(arrived) == list(range(1, 1 + WINDOW))
            await viewer.send(f'{{"got": {1 + WINDOW}}}')
            after = await got(viewer, 5)
            assert after[0][0].key, "what was left out ends at a key picture"
            assert numbers(after) == list(range(175, 180))

    run(body)


def test_a_viewer_who_reads_nothing_costs_a_bounded_queue() -> None:
    async def body() -> None:
        channel = Channel()
        viewer, other = channel.join(), channel.join()
        for index in range(5000):
            channel.put(bytes(100), key=index % 25 == 0)
            await other.next() if index % 25 or index == 0 else None
            assert len(viewer._waiting) <= MOST_WAITING
        assert viewer.dropped > 4900

    run(body)


def test_what_a_slow_viewer_gets_can_always_be_decoded(film: list[Filmed]) -> None:
    async def body() -> None:
        rng = np.random.default_rng(7)
        channel = Channel()
        viewer: Viewer = channel.join()
        taken: list[bytes] = []
        for filmed in film:
            channel.put(to_message(filmed), key=filmed.picture.key)
            while viewer._waiting and rng.random() < 0.45:
                taken.append(await viewer.next())
        times = [from_message(message, "north").picture.time_ns for message in taken]
        assert times == sorted(times)
        assert viewer.dropped
        for before, after in pairwise(taken):
            step = from_message(after, "n").picture.time_ns - from_message(before, "n").picture.time_ns
            assert step == STEP or from_message(after, "n").picture.key

    run(body)


def test_replay_begins_at_the_moment_and_keeps_its_pace(served: Served, tmp_path: Path, film: list[Filmed]) -> None:
    keep(tmp_path, film)

    async def body() -> None:
        path = f"/cameras/north/replay?from={START + 60 * STEP}&speed=2&reason=alarm+A1"
        async with served.ws(path) as viewer:
            messages = await got(viewer, 11)
            assert numbers(messages) == list(range(50, 61))
            assert [header.lead for header, _ in messages] == [True] * 10 + [False]
            began = time.monotonic()
            more = await got(viewer, 50)
            took = time.monotonic() - began
            assert numbers(more) == list(range(61, 111))
            assert not any(header.lead for header, _ in more)
            assert 0.8 < took < 1.6
            recoder = Recoder()
            decoded = [pair for message in messages + more for pair in recoder.decode(_filmed(message))]
            assert len(decoded) == 61
        assert served.audited == [("Huda", f"film north {START + 60 * STEP}", "alarm A1")]

    run(body)


def _filmed(message: tuple[Header, bytes]) -> Filmed:
    header, data = message
    return Filmed(
        picture=CodedPicture(
            camera_id="north", time_ns=header.time_ns, codec=header.codec, key=header.key, width_px=header.width,
            height_px=header.height, data=data, description=base64.b64decode(header.description),
        )
    )  # fmt: skip


def test_replay_pauses_steps_and_seeks(served: Served, tmp_path: Path, film: list[Filmed]) -> None:
    keep(tmp_path, film)

    async def shown(viewer: ClientConnection) -> int:
        while True:
            (message,) = await got(viewer, 1)
            if not message[0].lead:
                return numbers([message])[0]

    async def body() -> None:
        async with served.ws(f"/cameras/north/replay?from={START + 60 * STEP}&speed=0&reason=x") as viewer:
            assert await shown(viewer) == 60
            for command, number in (
                ('{"step": 1}', 61), ('{"step": 1}', 62), ('{"step": -1}', 61), ('{"step": -1}', 60),
                ('{"step": -11}', 49), ('{"step": 1}', 50), (f'{{"seek_ns": {START + 200 * STEP}}}', 200),
                ('{"step": -1}', 199),
            ):  # fmt: skip
                await viewer.send(command)
                assert await shown(viewer) == number, command
            with pytest.raises(TimeoutError):
                await got(viewer, 1, 0.2)
            await viewer.send('{"speed": 1}')
            assert [await shown(viewer) for _ in range(3)] == [200, 201, 202]
            await viewer.send("nonsense")
            await viewer.send('{"speed": 0}')
        assert len(served.audited) == 1

    run(body)


def test_a_jump_to_another_hour_is_written_down_too(served: Served, tmp_path: Path, film: list[Filmed]) -> None:
    keep(tmp_path, film)

    async def body() -> None:
        async with served.ws(f"/cameras/north/replay?from={START}&speed=0&reason=x") as viewer:
            await got(viewer, 1)
            await viewer.send(f'{{"seek_ns": {START + 3600 * SECOND}}}')
            assert numbers(await got(viewer, 25)) == list(range(225, 250))
        assert [subject for _, subject, _ in served.audited] == [
            f"film north {START}",
            f"film north {START + 3600 * SECOND}",
        ]

    run(body)


@pytest.mark.parametrize("codec", ["h264", "jpeg"])
def test_sixteen_times_as_fast_arrives_in_time(served: Served, tmp_path: Path, film: list[Filmed], codec: str) -> None:
    keep(tmp_path, film)

    async def body() -> None:
        path = f"/cameras/north/replay?from={START}&speed=16&reason=x&codec={codec}"
        async with served.ws(path) as viewer:
            began = time.monotonic()
            last = 0
            while last < 225:
                (message,) = await got(viewer, 1)
                assert numbers([message])[0] >= last
                last = numbers([message])[0]
            assert time.monotonic() - began < 2.5

    run(body)


def test_a_slow_viewer_of_a_replay_is_kept_in_time_by_key_pictures(
    served: Served, tmp_path: Path, film: list[Filmed]
) -> None:
    keep(tmp_path, film)

    async def body() -> None:
        async with served.ws(f"/cameras/north/replay?from={START}&speed=2&reason=x") as viewer:
            began = time.monotonic()
            seen: list[tuple[Header, bytes]] = []
            while time.monotonic() - began < 3.5:
                await viewer.send(f'{{"got": {len(seen)}}}')
                seen += await got(viewer, 1)
                await asyncio.sleep(0.06)
            shown = numbers(seen)
            assert shown[-1] > 2 * 25 * 2, "half as fast as asked for at the least"
            assert shown == sorted(set(shown))
            assert all(
                after[0].key or number == before + 1
                for (before, number), after in zip(pairwise(shown), seen[1:], strict=True)
            )

    run(body)


def test_a_replay_goes_over_a_gap_and_on_into_what_is_being_filmed(
    served: Served, tmp_path: Path, film: list[Filmed]
) -> None:
    kept = CameraFilm(tmp_path / "film", "north", free=lambda _folder: 1 << 40)
    for filmed in film[:50] + film[200:225]:
        kept.append(filmed)

    async def body() -> None:
        async with served.ws(f"/cameras/north/replay?from={START + 40 * STEP}&speed=1&reason=x") as viewer:
            messages = await got(viewer, 16 + 9 + 25)
            assert numbers(messages)[-26:] == [49, *range(200, 225)]
            for filmed in film[225:230]:
                kept.append(filmed)
            assert numbers(await got(viewer, 5)) == list(range(225, 230))

    run(body)
    kept.close()


def test_spans_and_clip(served: Served, tmp_path: Path, film: list[Filmed]) -> None:
    keep(tmp_path, film)
    (span,) = served.http(f"/cameras/north/film?from=0&to={START * 2}").json()
    assert span == {"camera_id": "north", "from_ns": START, "to_ns": START + 249 * STEP}
    answer = served.http(f"/cameras/north/clip.mp4?from={START + SECOND}&to={START + 2 * SECOND}&reason=incident+7")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "video/mp4"
    assert 'filename="north-20231114T221321Z.mp4"' in answer.headers["content-disposition"]
    with av.open(io.BytesIO(answer.content)) as container:
        assert len(list(container.decode(video=0))) >= 26
    assert hashlib.sha256(answer.content).hexdigest()
    assert served.audited == [("Huda", f"clip north {START + SECOND}-{START + 2 * SECOND}", "incident 7")]
    assert not list((tmp_path / "passing").iterdir())


def test_thumbnails_one_by_one_and_all_together(served: Served) -> None:
    jpeg = to_jpeg(np.zeros((64, 80), np.uint8))
    assert served.live
    assert served.http("/cameras/north/thumbnail.jpg").status_code == 404

    async def body() -> None:
        assert served.live
        served.on_loop(served.live.put_thumbnail, Thumbnail(camera_id="north", time_ns=START, jpeg=jpeg))
        async with served.ws("/thumbnails") as wall:
            first = await asyncio.wait_for(wall.recv(), 5)
            served.on_loop(served.live.put_thumbnail, Thumbnail(camera_id="south", time_ns=START + 1, jpeg=jpeg))
            second = await asyncio.wait_for(wall.recv(), 5)
        for message, camera_id in ((first, b'"north"'), (second, b'"south"')):
            length = int.from_bytes(message[:4], "little")
            assert camera_id in message[4 : 4 + length]
            assert message[4 + length :] == jpeg

    run(body)
    answer = served.http("/cameras/north/thumbnail.jpg")
    assert answer.content == jpeg
    assert answer.headers["x-time-ns"] == str(START)


@pytest.mark.parametrize(
    ("path", "role", "status"),
    [
        ("/cameras/north/film?from=0&to=1", "", 401),
        ("/cameras/north/film?from=0&to=1", "patrol", 403),
        ("/cameras/east/film?from=0&to=1", "viewer", 404),
        ("/cameras/north/film?from=-1&to=1", "viewer", 400),
        ("/cameras/north/clip.mp4?from=0&to=1&reason=x", "viewer", 403),
        ("/cameras/north/clip.mp4?from=0&to=1", "operator", 400),
        ("/cameras/north/clip.mp4?from=0&to=1&reason=", "operator", 400),
        ("/cameras/north/thumbnail.jpg", "", 401),
    ],
)
def test_who_may_not_is_refused_and_nothing_is_looked_up(served: Served, path: str, role: str, status: int) -> None:
    assert served.http(path, role).status_code == status
    assert served.audited == []


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/cameras/north/live", ""), ("/cameras/north/live", "patrol"), ("/cameras/east/live", "viewer"),
        ("/cameras/north/live?codec=av1", "viewer"), ("/cameras/north/replay?from=0", "viewer"),
        ("/cameras/north/replay?from=0&reason=x", "patrol"), ("/thumbnails", "patrol"),
    ],
)  # fmt: skip
def test_sockets_are_refused_before_they_open(served: Served, path: str, role: str) -> None:
    async def body() -> None:
        with pytest.raises(InvalidStatus):
            async with served.ws(path, role):
                pass

    run(body)
    assert served.audited == []
