"""The map's own script work for each update of the picture: a crowd of tracks, told anew twice a second, in Chromium.

    python benchmarks/map_updates.py                # 500 tracks; prints p50 and p95 of script ms per update
    python benchmarks/map_updates.py --serve 8701   # only serves the page, to look at it

The page (`web/bench`) is the console's own map over the generated ground of the al-Qaim night; what is counted is what
the browser's trace says its main thread spent in script from one update to the next, drawing included.
"""

import argparse
import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import uvicorn
from litestar import Litestar, Response, get
from litestar.response import File
from litestar.static_files import create_static_files_router
from playwright.sync_api import Page, sync_playwright

from marsad.adapters.dem import site_surface
from marsad.app.config import load_site
from marsad.app.scenario_file import load_scenario
from marsad.app.site_map import SiteMap, site_views, wide_relief
from marsad.app.stage import Stage, write_sites
from marsad.console.maps import GroundLayers, Lookout, PatrolPlace, map_handlers
from marsad.geo.elevation import Surface
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position

ROOT = Path(__file__).resolve().parents[1]
PERIOD_MS = 500
SCRIPT = {
    "FunctionCall",
    "FireAnimationFrame",
    "TimerFire",
    "EventDispatch",
    "RunMicrotasks",
    "EvaluateScript",
    "V8.GC",
}
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; worker-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def night_map(folder: Path) -> SiteMap:
    """The al-Qaim night's site and ground, with a post and a patrol."""
    stage = Stage(load_scenario("al-qaim-night"))
    write_sites(stage, folder, {camera.id: "" for site in stage.sites for camera in site.cameras})
    site = load_site(folder / "al-qaim.toml")
    lines = tuple(msgspec.structs.replace(line, band_m=60.0) for line in site.lines)
    site = msgspec.structs.replace(site, lines=lines)
    surface = site_surface(site, folder)
    if surface is None:
        raise SystemExit("the scenario's site has no terrain")
    post = Lookout(post_id="post-3", name="Post 3", position=Position(latitude_deg=34.4617, longitude_deg=40.9447))
    patrol = PatrolPlace(
        patrol_id="p1", position=Position(latitude_deg=34.46054, longitude_deg=40.94673), means="vehicle"
    )
    layers = looked_at(surface)
    return SiteMap(
        site, surface, site_views(site, surface), relief=wide_relief(site, surface, folder), lookouts=[post],
        patrols=lambda: {"p1": patrol}, layers=lambda: layers,
    )  # fmt: skip


def looked_at(surface: Surface) -> GroundLayers:
    """Layers of cells as they might be: seen the longer ago the farther off, one lost in the west, a town left out."""
    lattice = Lattice(west_m=-3000.0, north_m=2000.0, cell_m=50.0, rows=80, columns=80)
    east, north = lattice.centres()
    away = np.hypot(east + 700, north - 200)
    unseen = np.where(away > 2200, np.nan, away * 8)
    presence = 12 * np.exp(-(((east + 1500) / 400) ** 2 + ((north + 300) / 300) ** 2))
    presence[np.hypot(east + 1200, north + 500) < 200] = np.nan
    return GroundLayers(
        version=surface.source, time_ns=0, lattice=lattice, unseen_s=unseen.astype(np.float32),
        presence_km2=presence.astype(np.float32),
    )  # fmt: skip


def build(out: Path) -> None:
    """Build the page, as the console is built."""
    vite = ROOT / "web" / "node_modules" / "vite" / "bin" / "vite.js"
    node = ROOT / ".venv" / "bin" / "node"
    command = [node, vite, "build", "--config", "bench/vite.config.ts", "--outDir", out, "--logLevel", "error"]
    subprocess.run([str(part) for part in command], cwd=ROOT / "web", check=True)


@contextmanager
def served(page: Path, site_map: SiteMap, port: int) -> Iterator[str]:
    """The page and the map's routes on this machine, under the console's policy; yields the address."""
    shown = msgspec.to_builtins(site_map.site)
    shown["posts"] = [
        {"id": post.post_id, "name": post.name, "position": msgspec.to_builtins(post.position)}
        for post in site_map.lookouts()
    ]
    shown["patrols"] = [{"patrol_id": "p1", "means": "vehicle", "persons": 3, "name": "Patrol 1"}]

    @get("/api/site")
    async def site() -> dict[str, Any]:
        return shown

    @get("/")
    async def index() -> File:
        return File(page / "index.html", media_type="text/html", content_disposition_type="inline")

    app = Litestar(
        route_handlers=[
            site, index, *map_handlers(site_map), create_static_files_router("/assets", directories=[page / "assets"])
        ],
        after_request=_guarded,
    )  # fmt: skip
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join()


def _guarded(response: Response[Any]) -> Response[Any]:
    response.headers["content-security-policy"] = POLICY
    return response


def measure(page: Page, address: str, tracks: int, updates: int) -> list[float]:
    """Script milliseconds of each update, by the browser's own trace."""
    page.goto(f"{address}?tracks={tracks}&lang=ar")
    page.wait_for_selector(".tools", timeout=60_000)
    page.wait_for_timeout(6000)
    # The trails are full from the start: each step is taken in before the next one.
    page.evaluate("(async () => { for (let k = 0; k < 60; k++) { crowd.step(3); await new Promise(setTimeout) } })()")
    session = page.context.new_cdp_session(page)
    events: list[dict[str, Any]] = []
    session.on("Tracing.dataCollected", lambda data: events.extend(data["value"]))
    done: list[bool] = []
    session.on("Tracing.tracingComplete", lambda _: done.append(True))
    session.send(
        "Tracing.start", {"categories": "devtools.timeline,blink.user_timing,v8", "transferMode": "ReportEvents"}
    )
    page.evaluate(
        """([count, period]) => new Promise((ready) => {
          let left = count
          crowd.prepare(period / 1000)
          const timer = setInterval(() => {
            performance.mark('update')
            crowd.show()
            setTimeout(() => {
              performance.mark('rest')
              crowd.prepare(period / 1000)
            }, period * 0.7)
            if (--left === 0) { clearInterval(timer); setTimeout(ready, period) }
          }, period)
        })""",
        [updates + 1, PERIOD_MS],
    )
    session.send("Tracing.end")
    while not done:
        page.wait_for_timeout(100)
    return script_ms(events)


def script_ms(events: Sequence[dict[str, Any]]) -> list[float]:
    """The processor time in script from each update until the page makes the next one up, on the page's own thread."""
    marks = sorted(
        (e for e in events if e["name"] in {"update", "rest"} and e["cat"] == "blink.user_timing"),
        key=lambda mark: mark["ts"],
    )
    home = marks[0]["pid"], marks[0]["tid"]
    times = [mark["ts"] for mark in marks]
    spans = sorted(
        (e["ts"], e["ts"] + e["dur"], e.get("tdur", e["dur"]))
        for e in events
        if e["name"] in SCRIPT and e["ph"] == "X" and (e["pid"], e["tid"]) == home
    )
    totals, covered = np.zeros(len(times)), 0.0
    for start, end, spent in spans:
        # A callback begins a little before the mark that it sets; what lies within another span is counted in that.
        at = int(np.searchsorted(times, end, side="right")) - 1
        if start >= covered and at >= 0:
            totals[at] += spent / 1000
        covered = max(covered, end)
    return [total for total, mark in zip(totals.tolist(), marks, strict=True) if mark["name"] == "update"][:-1]


def main() -> None:
    """Measure, or only serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tracks", type=int, default=500)
    parser.add_argument("--updates", type=int, default=60)
    parser.add_argument("--port", type=int, default=8701)
    parser.add_argument("--serve", type=int, metavar="PORT")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "page"
        build(out)
        with served(out, night_map(Path(folder)), asked.serve or asked.port) as address:
            if asked.serve:
                print(address, flush=True)
                threading.Event().wait()
            with sync_playwright() as driver:
                browser = driver.chromium.launch(
                    executable_path=asked.chromium,
                    args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
                )
                page = browser.new_page(viewport={"width": 1366, "height": 768})
                spent = measure(page, address, asked.tracks, asked.updates)
                browser.close()
    found = {f"p{share}_ms": round(float(np.percentile(spent, share)), 2) for share in (50, 95)}
    print(json.dumps({"tracks": asked.tracks, "updates": len(spent), **found, "most_ms": round(max(spent), 2)}))


if __name__ == "__main__":
    main()
