"""How old a picture is when it is painted, and what a wall of sixteen thumbnails costs with twenty who look on.

    python benchmarks/glass.py [--seconds S] [--folder DIR] [--json]

A camera's process makes 640 x 512 pictures of noise with a moving target, 25 a second, and codes them as a camera
would (x264 without delay) or as the watch does for pictures that come uncoded (JPEG). They go to a real server in a
process of its own, and over a loopback socket to Debian's Chromium, headless, which decodes and paints them with the
console's own view. The delay is from the moment the picture was made to the moment it was painted, by the machine's one
clock; coding is part of it, a sensor's own delay and the compositor's (up to one screen refresh) are not. The
processor's time is the server's alone.
"""

import asyncio
import multiprocessing
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path

import av
import httpx
import numpy as np
import uvicorn
from litestar import Litestar
from litestar.static_files import create_static_files_router
from playwright.sync_api import Browser, sync_playwright
from websockets.asyncio.client import connect

from figures import ROOT, Target, command, show
from marsad.adapters.film_clip import FilmLibrary
from marsad.adapters.filming import Filming, to_jpeg
from marsad.adapters.h264 import H264Packets
from marsad.console.film import Anyone, Screening, film_routes
from marsad.console.live import LiveFilm, Thumbnail
from marsad.kernel.act import Person
from marsad.kernel.detection import Box
from marsad.kernel.film import CodedPicture, Filmed, Mark, to_message
from marsad.kernel.frame import Frame

CHROMIUM = "/usr/bin/chromium"
WIDTH, HEIGHT, FPS = 640, 512, 25
CAMERAS, CLIENTS = 16, 20
KEY_EVERY = 50
TARGETS = [
    Target("h264_delay_p95_ms", "at_most", 250.0),
    Target("jpeg_delay_p95_ms", "at_most", 250.0),
    Target("wall_server_core_share", "at_most", 0.5),
]


def pictures() -> list[np.ndarray]:
    """Two seconds of a thermal scene: smooth ground, sensor noise, a warm walker."""
    rng = np.random.default_rng(11)
    ground = np.cumsum(rng.normal(0, 1, (HEIGHT, WIDTH)), axis=1)
    ground = 90 + 40 * (ground - ground.mean()) / (3 * ground.std())
    made = []
    for number in range(KEY_EVERY):
        scene = ground + rng.normal(0, 2, ground.shape)
        scene[300:330, 50 + 8 * number : 62 + 8 * number] += 90
        made.append(np.clip(scene, 0, 255).astype(np.uint8))
    return made


class Encoder:
    """x264 as a camera sets it: no pictures held back."""

    def __init__(self) -> None:
        self._context = av.CodecContext.create("libx264", "w")
        self._context.width, self._context.height, self._context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        self._context.framerate, self._context.time_base = Fraction(FPS), Fraction(1, FPS)
        self._context.bit_rate = 2_000_000
        self._context.options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(KEY_EVERY), "threads": "1"}
        self._packets = H264Packets(b"")
        self._count = 0

    def code(self, grey: np.ndarray, time_ns: int) -> CodedPicture:
        """The picture, coded."""
        frame = av.VideoFrame.from_ndarray(grey, format="gray").reformat(format="yuv420p")
        frame.pts = self._count
        self._count += 1
        (packet,) = self._context.encode(frame)
        data, key, description = self._packets.unpack(bytes(packet))
        return CodedPicture(
            camera_id="C0", time_ns=time_ns, codec="h264", key=key, width_px=WIDTH, height_px=HEIGHT, data=data,
            description=description,
        )  # fmt: skip


def film(pipe: Connection, codec: str) -> None:
    """A camera's process: pictures at their pace, each with a mark on the walker."""
    made, encoder = pictures(), Encoder()
    filming = Filming("C0", lambda filmed: pipe.send_bytes(to_message(filmed)))
    began_s, count = time.monotonic(), 0
    with suppress(BrokenPipeError, KeyboardInterrupt):
        while True:
            time.sleep(max(0.0, began_s + count / FPS - time.monotonic()))
            grey, time_ns = made[count % KEY_EVERY], time.time_ns()
            if codec == "h264":
                box = Box(x_px=50 + 8 * (count % KEY_EVERY), y_px=300, w_px=12, h_px=30)
                mark = Mark(track_id=1, kind="person", status="confirmed", box=box)
                pipe.send_bytes(to_message(Filmed(picture=encoder.code(grey, time_ns), marks=(mark,))))
            else:
                frame = Frame(camera_id="C0", index=count, time_ns=time_ns, received_ns=time_ns, counts=grey)
                filming.watched(frame, [])
            count += 1


def small() -> bytes:
    """A thumbnail of an ordinary size."""
    return to_jpeg(pictures()[0][::2, ::2], 75)


async def _unwritten(_person: Person, _subject: str, _reason: str) -> None:
    """Nothing is looked up here."""


def _officer(_connection: Anyone) -> Person:
    return Person(name="bench", role="operator")


def serve(pipe: Connection, port: Connection, page: str, *, wall: bool) -> None:
    """The server's process; prints nothing, and ends when it is killed."""
    library = FilmLibrary(Path(page) / "film", Path(page) / "passing")
    live = LiveFilm(library.recoder)
    cameras = frozenset(f"C{number}" for number in range(CAMERAS))
    screening = Screening(library, live, cameras=cameras, who=_officer, audit=_unwritten)

    feeding: set[asyncio.Task[None]] = set()

    async def walls() -> None:
        jpeg = small()
        while True:
            for number in range(CAMERAS):
                live.put_thumbnail(Thumbnail(camera_id=f"C{number}", time_ns=time.time_ns(), jpeg=jpeg))
                await asyncio.sleep(1 / CAMERAS)

    async def started() -> None:
        loop = asyncio.get_running_loop()

        def read() -> None:
            with suppress(EOFError, RuntimeError):
                while True:
                    loop.call_soon_threadsafe(live.put, "C0", pipe.recv_bytes())

        threading.Thread(target=read, daemon=True).start()
        if wall:
            feeding.add(asyncio.create_task(walls()))

    statics = create_static_files_router("/", [page], html_mode=True)
    app = Litestar([film_routes(screening), statics], on_startup=[started])
    config = uvicorn.Config(app, log_level="error", access_log=False, ws_per_message_deflate=False)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port.send(listening.getsockname()[1])
        uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def served(page: Path, codec: str | None) -> Iterator[tuple[int, int]]:
    """A server's port and process, fed by a camera, or by thumbnails alone."""
    context = multiprocessing.get_context("spawn")
    take, give = context.Pipe(duplex=False)
    heard, tell = context.Pipe(duplex=False)
    server = context.Process(target=serve, args=(take, tell, str(page)), kwargs={"wall": codec is None}, daemon=True)
    server.start()
    port = int(heard.recv())
    camera = context.Process(target=film, args=(give, codec), daemon=True) if codec else None
    if camera:
        camera.start()
    try:
        yield port, server.pid or 0
    finally:
        for process in (camera, server):
            if process:
                process.kill()
                process.join()


def processor_s(pid: int) -> float:
    """How long a process has used a core."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def delays(browser: Browser, page: Path, codec: str, seconds: float, folder: Path | None) -> dict[str, object]:
    """How old the pictures of one coding are when they are painted."""
    with served(page, codec) as (port, pid):
        tab = browser.new_page(viewport={"width": 1000, "height": 860})
        tab.goto(f"http://127.0.0.1:{port}/glass.html?codec={codec}")
        tab.wait_for_function("window.delays.length > 25", timeout=60_000)
        tab.evaluate("window.delays.length = 0")
        before_s = processor_s(pid)
        tab.wait_for_timeout(seconds * 1000)
        painted = tab.evaluate("window.delays")
        used_s = processor_s(pid) - before_s
        off_ms = tab.evaluate("Date.now() - performance.timeOrigin - performance.now()")
        if folder:
            tab.screenshot(path=str(folder / f"glass-{codec}.png"))
        tab.close()
    cut = statistics.quantiles(painted, n=100, method="inclusive")
    return {
        f"{codec}_delay_p50_ms": cut[49],
        f"{codec}_delay_p95_ms": cut[94],
        f"{codec}_painted_per_s": len(painted) / seconds,
        f"{codec}_server_core_share": used_s / seconds,
        f"{codec}_browser_clock_off_ms": off_ms,
    }


async def _look_on(port: int, until_s: float) -> tuple[int, list[float]]:
    """One client's wall: how many thumbnails came, and how old they were in ms."""
    ages: list[float] = []
    async with connect(f"ws://127.0.0.1:{port}/api/thumbnails", compression=None) as walls:
        while (left_s := until_s - time.monotonic()) > 0:
            with suppress(TimeoutError):
                message = await asyncio.wait_for(walls.recv(), left_s)
                header = bytes(message[4 : 4 + int.from_bytes(message[:4], "little")])
                ages.append((time.time_ns() - int(header.rsplit(b":", 1)[1].rstrip(b"}"))) / 1e6)
    return len(ages), ages


async def _ask(port: int, until_s: float) -> int:
    """The same by asking for each picture once a second; how many came."""
    count = 0
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api") as client:
        while (began_s := time.monotonic()) < until_s:
            for number in range(CAMERAS):
                count += (await client.get(f"/cameras/C{number}/thumbnail.jpg")).status_code == 200
            await asyncio.sleep(max(0.0, began_s + 1 - time.monotonic()))
    return count


def walls(page: Path, seconds: float) -> dict[str, object]:
    """What twenty walls cost the server, pushed and asked for."""
    with served(page, None) as (port, pid):
        time.sleep(1.5)

        async def pushed() -> list[tuple[int, list[float]]]:
            until_s = time.monotonic() + seconds
            return await asyncio.gather(*(_look_on(port, until_s) for _ in range(CLIENTS)))

        async def asked() -> list[int]:
            until_s = time.monotonic() + seconds
            return await asyncio.gather(*(_ask(port, until_s) for _ in range(CLIENTS)))

        before_s = processor_s(pid)
        looks = asyncio.run(pushed())
        pushed_s = processor_s(pid) - before_s
        before_s = processor_s(pid)
        answers = asyncio.run(asked())
        asked_s = processor_s(pid) - before_s
    # The first of each camera may have been made long before anybody looked on.
    ages = sorted(age for _, each in looks for age in each[CAMERAS:])
    return {
        "wall_thumbnails_per_s": sum(count for count, _ in looks) / seconds,
        "wall_age_p95_ms": ages[int(len(ages) * 0.95)],
        "wall_server_core_share": pushed_s / seconds,
        "wall_asked_for_per_s": sum(answers) / seconds,
        "wall_asked_for_server_core_share": asked_s / seconds,
    }


def build(page: Path) -> None:
    """The page, built by the console's own tools."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    npx = shutil.which("npx", path=path)
    if not npx or not (ROOT / "web/node_modules").exists():
        sys.exit("the console's tools are not installed: make web")
    arguments = ["vite", "build", "--config", "bench/vite.config.ts", "--outDir", str(page), "--logLevel", "error"]
    subprocess.run([npx, *arguments], cwd=ROOT / "web", check=True, env={**os.environ, "PATH": path})


def main() -> None:
    """Run all of it."""
    parser = command(__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each is measured")
    parser.add_argument("--folder", type=Path, help="where pictures of the screen are kept")
    arguments = parser.parse_args()
    if not Path(CHROMIUM).exists():
        sys.exit(f"{CHROMIUM} is not there: this benchmark needs Debian's chromium")
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page"
        build(page)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for codec in ("h264", "jpeg"):
                figures |= delays(browser, page, codec, arguments.seconds, arguments.folder)
            browser.close()
        figures |= walls(page, arguments.seconds)
    show("glass", figures, TARGETS, as_json=arguments.json)


if __name__ == "__main__":
    main()
