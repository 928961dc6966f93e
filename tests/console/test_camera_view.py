"""The camera's view in a real browser: boxes in step with pictures, silence told of, replay under the hand."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import uvicorn
from litestar import Litestar
from litestar.static_files import create_static_files_router
from playwright.sync_api import Page, sync_playwright

from marsad.adapters.film import CameraFilm
from marsad.adapters.film_clip import FilmLibrary
from marsad.adapters.h264 import H264Packets
from marsad.console.film import Anyone, Screening, film_routes
from marsad.console.live import LiveFilm
from marsad.kernel.act import Person
from marsad.kernel.detection import Box
from marsad.kernel.film import CodedPicture, Filmed, Mark, to_message

CHROMIUM = "/usr/bin/chromium"
WEB = Path(__file__).resolve().parents[2] / "web"
SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STEP = 40_000_000
WIDTH, HEIGHT = 320, 256
STRIDE_PX = 12

# The middle of what is bright in the picture, and of the boxes' frames, across the screen in pixels of the camera.
MIDDLES = """() => {
  const middle = (canvas, is) => {
    const { width, height } = canvas
    const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data
    let [left, right] = [width, 0]
    for (let at = 0; at < width * height; at++) if (is(pixels, at * 4)) {
      left = Math.min(left, at % width)
      right = Math.max(right, at % width)
    }
    return ((left + right) / 2 / width) * 320
  }
  const [picture, overlay] = document.querySelectorAll('canvas')
  return [middle(picture, (p, at) => p[at] > 180), middle(overlay, (p, at) => p[at + 3] > 128)]
}"""


def walk() -> list[Filmed]:
    """A bright block that steps to the right, and a box around it in every picture."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    context.framerate, context.time_base = Fraction(25), Fraction(1, 25)
    context.options = {"tune": "zerolatency", "g": "20", "qp": "10", "threads": "1"}
    packets, film = H264Packets(b""), []
    for index in range(100):
        x = 20 + STRIDE_PX * (index % 20)
        grey = np.full((HEIGHT, WIDTH), 60, np.uint8)
        grey[100:150, x : x + 40] = 230
        frame = av.VideoFrame.from_ndarray(grey, format="gray").reformat(format="yuv420p")
        frame.pts = index
        (packet,) = context.encode(frame)
        data, key, description = packets.unpack(bytes(packet))
        picture = CodedPicture(
            camera_id="C0", time_ns=START + index * STEP, codec="h264", key=key, width_px=WIDTH, height_px=HEIGHT,
            data=data, description=description,
        )  # fmt: skip
        # A tentative mark has no label, so that its frame is all there is in the overlay.
        box = Box(x_px=x, y_px=100, w_px=40, h_px=50)
        film.append(Filmed(picture=picture, marks=(Mark(track_id=7, kind="person", status="tentative", box=box),)))
    return film


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The view on a page of its own, built by the console's tools."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    npx = shutil.which("npx", path=path)
    if not (npx and (WEB / "node_modules").exists() and Path(CHROMIUM).exists()):
        assert not os.environ.get("CI"), "no console's tools or no browser: make web, and install chromium"
        pytest.skip("no console's tools or no browser: make web, and install chromium")
    out = tmp_path_factory.mktemp("page") / "page"
    command = [npx, "vite", "build", "--config", "bench/glass.config.ts", "--outDir", str(out), "--logLevel", "error"]
    built = subprocess.run(command, cwd=WEB, check=False, capture_output=True, env={**os.environ, "PATH": path})
    assert built.returncode == 0, built.stderr.decode()
    return out


class Console:
    """A server with the film routes and the page."""

    def __init__(self, page: Path, folder: Path) -> None:
        library = FilmLibrary(folder / "film", folder / "passing")
        self._live = LiveFilm(library.recoder)
        screening = Screening(library, self._live, cameras=frozenset({"C0"}), who=self._officer, audit=self._audit)
        statics = create_static_files_router("/", [page], html_mode=True)
        app = Litestar([film_routes(screening), statics], on_startup=[self._started])
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}/glass.html"
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listening]})
        self._thread.start()
        assert self._ready.wait(20)

    def _started(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._ready.set()

    def _officer(self, _connection: Anyone) -> Person:
        return Person(name="Huda", role="operator")

    async def _audit(self, _person: Person, _subject: str, _reason: str) -> None:
        pass

    def play(self, film: list[Filmed]) -> None:
        for filmed in film:
            self._loop.call_soon_threadsafe(self._live.put, "C0", to_message(filmed))
            time.sleep(0.04)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listening.close()


@pytest.fixture
def console(page: Path, tmp_path: Path) -> Iterator[Console]:
    server = Console(page, tmp_path)
    yield server
    server.stop()


@pytest.fixture
def tab(console: Console) -> Iterator[Page]:  # noqa: ARG001 - the browser goes before the server
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 640, "height": 600})
        browser.close()


def shown(tab: Page) -> int:
    """The number of the picture on the screen."""
    time_ns = tab.locator(".stage").get_attribute("data-time-ns")
    return -1 if time_ns is None else round((float(time_ns) - START) / STEP)


@pytest.mark.parametrize("codec", ["h264", "jpeg"])
def test_boxes_are_those_of_the_very_picture_and_a_silent_camera_is_told_of(
    console: Console, tab: Page, codec: str
) -> None:
    film = walk()
    tab.goto(f"{console.address}?codec={codec}")
    tab.wait_for_selector(".stage")
    playing = threading.Thread(target=console.play, args=(film * 2,))
    playing.start()
    tab.wait_for_function("document.querySelector('.stage').dataset.timeNs", timeout=20_000)
    apart = []
    while playing.is_alive():
        picture, box = tab.evaluate(MIDDLES)
        apart.append(abs(picture - box))
        tab.wait_for_timeout(30)
    assert len(apart) > 10
    assert max(apart) < STRIDE_PX / 2
    stage = tab.locator(".stage")
    assert stage.get_attribute("data-delay-ms") is not None
    tab.get_by_text("No pictures since 22:13:2").wait_for(timeout=10_000)
    assert "late" in (tab.locator("figure").get_attribute("class") or "")


def test_a_replay_stands_still_with_the_timeline_and_goes_where_it_goes(
    console: Console, tab: Page, tmp_path: Path
) -> None:
    kept = CameraFilm(tmp_path / "film", "C0", reserve_bytes=0)
    for filmed in walk():
        kept.append(filmed)
    kept.close()
    tab.goto(f"{console.address}?from={START + 30 * STEP}&led")
    tab.wait_for_function("document.querySelector('.stage')?.dataset.timeNs", timeout=20_000)
    tab.wait_for_timeout(600)
    assert shown(tab) == 30
    tab.evaluate(f"props.fromNs = {START + 50 * STEP}")
    tab.wait_for_function(f"document.querySelector('.stage').dataset.timeNs == {START + 50 * STEP}")
    tab.get_by_label("Play").click()
    tab.wait_for_function(f"document.querySelector('.stage').dataset.timeNs > {START + 55 * STEP}")
    assert tab.evaluate("props.playing") is True
    tab.evaluate("props.playing = false")
    tab.get_by_label("Play").wait_for()
    tab.wait_for_timeout(400)
    stood = shown(tab)
    tab.wait_for_timeout(400)
    assert shown(tab) == stood
    assert tab.get_by_label("Speed").count() == 0, "the timeline has it"


def test_a_replay_obeys_the_hand(console: Console, tab: Page, tmp_path: Path) -> None:
    kept = CameraFilm(tmp_path / "film", "C0", reserve_bytes=0)
    for filmed in walk():
        kept.append(filmed)
    kept.close()
    tab.goto(f"{console.address}?from={START + 30 * STEP}")
    tab.wait_for_function("document.querySelector('.stage')?.dataset.timeNs", timeout=20_000)
    assert shown(tab) >= 30
    tab.locator(".stage").focus()
    tab.keyboard.press(" ")
    tab.get_by_label("Play").wait_for()
    tab.wait_for_timeout(500)
    stood = shown(tab)
    for key, count in ((".", 1), (".", 2), (",", 1), (",", 0), (",", -1)):
        tab.keyboard.press(key)
        tab.wait_for_function(f"document.querySelector('.stage').dataset.timeNs == {START + (stood + count) * STEP}")
        picture, box = tab.evaluate(MIDDLES)
        assert abs(picture - box) < STRIDE_PX / 2
    tab.keyboard.press("+")
    assert tab.get_by_role("button", name="Whole picture").inner_text().startswith("1.5")
    tab.keyboard.press("0")
    tab.keyboard.press("p")
    assert tab.get_by_label("Palette").input_value() == "black"
    assert "url(" in (tab.locator("canvas").first.get_attribute("style") or "")
