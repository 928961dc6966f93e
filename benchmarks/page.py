"""The console's own script work for each update of the picture: a crowd of tracks over the real feed, in Chromium.

    python benchmarks/page.py [--tracks N] [--hertz F] [--seconds S] [--json]

The server, in a process of its own, shows a desk whose tracks all move each time; the built console is signed in, in
Arabic, with the map of the al-Qaim night before it. What is counted is what the browser's trace says its main thread
spent in script from one message of the picture to the next message, drawing and clearing up of memory included. What
part of it is reading the message's JSON, taking it in (the map's marks included) and drawing comes from marks around
`JSON.parse` and from what calls the script; the other messages (five events a second, a pulse) are counted apart.
"""

import asyncio
import math
import multiprocessing
import os
import random
import socket
import tempfile
from argparse import Namespace
from collections.abc import Sequence
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from playwright.sync_api import Page, sync_playwright

from feed import CREDENTIALS, HERE, BusyDesk
from figures import Target, command, show
from map_updates import SCRIPT, night_map
from marsad.adapters.clock import SystemClock
from marsad.adapters.memory import MemoryAccounts
from marsad.app.site_map import SiteMap
from marsad.console.maps import map_handlers
from marsad.console.pages import BUILT
from marsad.console.server import build_app, server_for
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.chain import StoredEvent
from marsad.kernel.desk import DeskState
from marsad.kernel.picture import Picture, PictureTrack
from marsad.kernel.position import EnuPoint
from marsad.kernel.track import Kind

TARGETS = [Target("p95_ms", "at_most", 8.0)]
KINDS: tuple[Kind, ...] = ("person", "person", "person", "vehicle", "animal", "unknown", "flying")
MARKED = """
const Plain = window.WebSocket
window.WebSocket = class extends Plain {
  constructor(...given) {
    super(...given)
    this.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') performance.mark(data.startsWith('{"type":"picture"') ? 'picture' : 'other')
    })
  }
}
const parse = JSON.parse
JSON.parse = (...given) => {
  performance.mark('parse')
  const made = parse(...given)
  performance.mark('parsed')
  return made
}
"""
DRAWING = "FireAnimationFrame"


class CrowdedDesk(BusyDesk):
    """The busy desk, its tracks walking about on a site's ground."""

    def __init__(self, site_map: SiteMap, tracks: int, hertz: float) -> None:
        super().__init__(tracks, hertz)
        self.site = site_map.site
        self._hertz = hertz
        self._frame = EnuFrame(self.site.origin or HERE)
        chance = random.Random(3)  # noqa: S311 - a crowd, no secret
        self._walkers = [
            [-2200 + 2600 * chance.random(), -1300 + 2600 * chance.random(), math.tau * chance.random(),
             0.8 + chance.random()]
            for _ in range(tracks)
        ]  # fmt: skip
        self._chance = chance
        self._shown = Picture(time_ns=0)

    def state(self) -> DeskState:
        """An empty one but for the picture, at the site."""
        state = super().state()
        return msgspec.structs.replace(
            state, site_name=self.site.name, origin=self.site.origin or HERE, picture=self._shown
        )

    def events(self, *_: int) -> Sequence[StoredEvent]:
        """None: nothing was written down."""
        return ()

    def picture(self, step: int) -> Picture:
        """Everybody some steps further."""
        made = super().picture(step)
        tracks = tuple(self._walked(each, number) for number, each in enumerate(made.tracks))
        self._shown = msgspec.structs.replace(made, tracks=tracks)
        return self._shown

    def _walked(self, told: PictureTrack, number: int) -> PictureTrack:
        walker = self._walkers[number]
        walker[2] += (self._chance.random() - 0.5) * 0.2
        walker[0] += math.sin(walker[2]) * walker[3] / self._hertz
        walker[1] += math.cos(walker[2]) * walker[3] / self._hertz
        east_m, north_m, heading_rad, speed_m_s = walker
        ground = msgspec.structs.replace(
            told.ground, position=self._frame.position(east_m, north_m), east_m=east_m, north_m=north_m
        )
        corridor = tuple(
            msgspec.structs.replace(
                each,
                centre=EnuPoint(
                    east_m=east_m + math.sin(heading_rad) * speed_m_s * 10 * k,
                    north_m=north_m + math.cos(heading_rad) * speed_m_s * 10 * k,
                ),
            )
            for k, each in enumerate(told.corridor)
        )
        return msgspec.structs.replace(
            told, kind=KINDS[number % len(KINDS)], heading_rad=heading_rad, speed_m_s=speed_m_s, ground=ground,
            corridor=corridor,
        )  # fmt: skip


def serve(port: int, asked: Namespace, ready: Connection) -> None:
    """Run the server until the process is ended."""
    with tempfile.TemporaryDirectory() as folder:
        site_map = night_map(Path(folder))

        async def run() -> None:
            desk = CrowdedDesk(site_map, asked.tracks, asked.hertz)
            app = build_app(
                desk,  # type: ignore[arg-type] # only what the feed and the page ask for is there
                MemoryAccounts(), clock=SystemClock(), handlers=map_handlers(site_map), built=BUILT,
            )  # fmt: skip
            server = server_for(app, port=port)
            task = asyncio.create_task(server.serve())
            while not server.started:  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0.02)
            ready.send(None)
            await asyncio.gather(task, desk.live())

        asyncio.run(run())


def opened(page: Page, address: str, settle_s: float) -> None:
    """Sign in, show the map, and let it settle: trails fill, and what is often run is compiled."""
    page.context.request.post(f"{address}/api/first-run", data=CREDENTIALS)
    page.goto(address)
    page.locator(".map .tools").first.wait_for(timeout=90_000)
    page.wait_for_timeout(settle_s * 1000)


def traced(page: Page, seconds: float) -> list[dict[str, Any]]:
    """What the browser traces in so many seconds."""
    session = page.context.new_cdp_session(page)
    events: list[dict[str, Any]] = []
    done: list[bool] = []
    session.on("Tracing.dataCollected", lambda data: events.extend(data["value"]))
    session.on("Tracing.tracingComplete", lambda _: done.append(True))
    categories = "devtools.timeline,blink.user_timing,v8"
    session.send("Tracing.start", {"categories": categories, "transferMode": "ReportEvents"})
    page.wait_for_timeout(seconds * 1000)
    session.send("Tracing.end")
    while not done:
        page.wait_for_timeout(100)
    return events


def spent(events: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """Milliseconds of processor time for each message of the picture: all, read, taken in, drawn; and of the others."""
    marks = sorted((e for e in events if e["cat"] == "blink.user_timing"), key=lambda mark: mark["ts"])
    told = [mark for mark in marks if mark["name"] in {"picture", "other"}]
    home = told[0]["pid"], told[0]["tid"]
    times = [mark["ts"] for mark in told]
    whole, drawn, read = (np.zeros(len(times)) for _ in range(3))
    covered = 0.0
    spans = (e for e in events if e["name"] in SCRIPT and e["ph"] == "X" and (e["pid"], e["tid"]) == home)
    for span in sorted(spans, key=lambda each: each["ts"]):
        # The callback that sets a mark begins a little before it; what lies within another span is counted in that.
        end = span["ts"] + span["dur"]
        at = int(np.searchsorted(times, end, side="right")) - 1
        if span["ts"] >= covered and at >= 0:
            whole[at] += span.get("tdur", span["dur"]) / 1000
            drawn[at] += span.get("tdur", span["dur"]) / 1000 * (span["name"] == DRAWING)
        covered = max(covered, end)
    for before, after in pairwise(marks):
        at = int(np.searchsorted(times, before["ts"], side="right")) - 1
        if (before["name"], after["name"]) == ("parse", "parsed") and at >= 0:
            clock = "tts" if "tts" in before else "ts"
            read[at] += (after[clock] - before[clock]) / 1000
    pictures = np.array([mark["name"] == "picture" for mark in told])
    # The last message's work may not be over.
    pictures[-1], others = False, ~pictures
    others[-1] = False
    taken = whole - drawn - read
    return {
        "picture": whole[pictures], "read": read[pictures], "taken": taken[pictures], "drawn": drawn[pictures],
        "other": whole[others],
    }  # fmt: skip


def measure(asked: Namespace) -> dict[str, np.ndarray]:
    """What each message cost the page."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(port, asked, there), daemon=True)
    server.start()
    try:
        if not here.poll(120):
            raise TimeoutError("the server did not start")
        with sync_playwright() as driver:
            browser = driver.chromium.launch(
                executable_path=asked.chromium,
                args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
            )
            page = browser.new_page(viewport={"width": 1366, "height": 768}, locale="ar")
            page.add_init_script(
                'localStorage[\'marsad.preferences\'] ??= \'{"language":"ar","theme":"dark"}\'' + MARKED
            )
            opened(page, f"http://127.0.0.1:{port}", asked.settle)
            found = spent(traced(page, asked.seconds))
            browser.close()
    finally:
        server.terminate()
        server.join()
    return found


def main() -> None:
    """Measure and print."""
    parser = command(__doc__)
    parser.add_argument("--tracks", type=int, default=500)
    parser.add_argument("--hertz", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--settle", type=float, default=30.0)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    asked = parser.parse_args()
    found = measure(asked)
    whole = found["picture"]
    figures: dict[str, object] = {"tracks": asked.tracks, "hertz": asked.hertz, "updates": len(whole)}
    figures |= {f"p{share}_ms": float(np.percentile(whole, share)) for share in (50, 95)}
    figures |= {f"{name}_share": float(found[name].sum() / whole.sum()) for name in ("read", "taken", "drawn")}
    figures |= {f"other_p{share}_ms": float(np.percentile(found["other"], share)) for share in (50, 95)}
    figures["load"] = os.getloadavg()[0]
    show("page", figures, TARGETS, as_json=asked.json)


if __name__ == "__main__":
    main()
