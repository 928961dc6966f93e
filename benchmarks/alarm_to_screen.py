"""How long an alarm takes from the picture that met its rule to the officer's screen, and how soon the page is usable.

    python benchmarks/alarm_to_screen.py [--people N] [--loads N] [--folder DIR] [--json]

A night on a plain is played by a real station, at the pace of the clock: three cameras, 2 km apart, each watched by a
process of its own, the desk, its log on the disk, the server. Before each of them people walk to and fro, each alone
and far from the others, who come into view one after another, a few seconds apart. Debian's Chromium, headless, shows
the console to an officer who has signed in. An alarm's time runs from when the clock let the camera have the picture
on which a rule was met - the track was confirmed by then - to when its row is in the page. What cameras' own rules
raised and what the rules of the one picture did is told apart too: the latter are timed from the last picture that
they rest on. A page is usable when the queue of alarms is there, from the beginning of the navigation.
"""

import asyncio
import bisect
import json
import math
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from argon2 import PasswordHasher
from playwright.sync_api import Browser, Page, sync_playwright

from figures import Target, command, show
from marsad.app.camera_wire import Orders, Story
from marsad.app.config import load_site
from marsad.app.demo_serve import Theatre
from marsad.app.run import configure_log
from marsad.app.scenario_file import load_scenario
from marsad.app.stage import Stage, write_sites
from marsad.app.station import Place
from marsad.console.desk import Told
from marsad.kernel.account import Account
from marsad.kernel.event import AlarmChanged, AlertRaised

NS = 1_000_000_000
PASSWORD = "an officer of a benchmark"  # noqa: S105 - of no real account
OF_CAMERAS = frozenset({"line_crossing", "zone_intrusion", "confirmed_track"})
TARGETS = [
    Target("alarms", "at_least", 40.0),
    Target("alarm_to_screen_p95_s", "at_most", 1.0),
    Target("first_page_median_s", "at_most", 2.0),
]
CAMERAS = ("west", "middle", "east")
APART_DEG = 0.0217
BEGIN_S, EACH_S, REST_S = 20.0, 9.0, 15.0
"""When the first comes, once the watch knows its ground; how much later each next one; and what is played after."""
SPEED_M_S = 1.2
TURNS = 12
SITE = """name = "A plain for a benchmark"
[origin]
latitude_deg = 34.1
longitude_deg = 41.3
height_m = 200.0
[terrain]
flat_height_m = 200.0
sigma_m = 0.3
correlation_m = 400.0
illustrative = true
"""
CAMERA = """[[cameras]]
id = "{name}"
reach_m = 4000.0
[cameras.lens]
width_px = 640
height_px = 512
horizontal_fov_deg = 5.862
[cameras.pose]
latitude_deg = 34.10
longitude_deg = {longitude:.6f}
mast_m = 20.0
azimuth_deg = 0.0
elevation_deg = -1.2
sigma = {{ azimuth_deg = 0.03, elevation_deg = 0.015, roll_deg = 0.1, horizontal_m = 0.5, height_m = 0.1 }}
[[zones]]
id = "{name}-ground"
points = [
  {{ latitude_deg = 34.1027, longitude_deg = {west:.6f} }}, {{ latitude_deg = 34.1270, longitude_deg = {west:.6f} }},
  {{ latitude_deg = 34.1270, longitude_deg = {east:.6f} }}, {{ latitude_deg = 34.1027, longitude_deg = {east:.6f} }},
]
"""
NIGHT = """name = "Many"
about = "People come into the views of three cameras, one after another."
start = 2026-10-14T22:40:00+03:00
seconds = {seconds:.1f}
seed = 3
sites = ["plain.toml"]
[weather]
air_c = 22.0
wind_m_s = 2.5
[imager]
fps = 9.0
"""
ACTOR = """[[actors]]
actor_id = {number}
kind = "person"
role = "intruder"
must = "alarm"
start_s = {start_s:.1f}
speed_m_s = {speed_m_s}
route = [{route}]
"""
SEE_ALARMS = """() => {
  window.appeared = {}
  const look = () => {
    for (const row of document.querySelectorAll('[data-alarm]')) window.appeared[row.dataset.alarm] ??= Date.now()
  }
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributes: true })
}"""


class Raised(NamedTuple):
    """An alarm: the rule that was met, and when, by the wall's clock, the camera was let have the picture of it."""

    alarm_id: str
    rule: str
    by_camera: bool
    picture_s: float


def written(folder: Path, people: int) -> Path:
    """The scenario's file, with its site's beside it: so many people for each camera."""
    width_m = 2 * math.pi / 360 * 6_378_137 * math.cos(math.radians(34.1)) * APART_DEG
    site, night, number = SITE, NIGHT.format(seconds=BEGIN_S + people * EACH_S + REST_S), 0
    for at, name in enumerate(CAMERAS):
        longitude = 41.3 + (at - 1) * APART_DEG
        site += CAMERA.format(name=name, longitude=longitude, west=longitude - 0.0028, east=longitude + 0.0028)
        for one in range(people):
            number += 1
            # Rows 100 m apart, two to a row, in an order that keeps who comes next far from who came last.
            north_m, side = 700 + 100 * (one * 3 % 8), 1 if one % 16 < 8 else -1
            ends = [(at - 1) * width_m + side * across_m for across_m in (5.0, 28.0)]
            route = ", ".join(
                f"{{ east_m = {ends[turn % 2]:.1f}, north_m = {north_m} }}" for turn in range(one, one + TURNS)
            )
            start_s = BEGIN_S + EACH_S * (one + at / len(CAMERAS))
            night += ACTOR.format(number=number, start_s=start_s, speed_m_s=SPEED_M_S, route=route)
    (folder / "plain.toml").write_text(site, encoding="utf-8")
    (folder / "many.toml").write_text(night, encoding="utf-8")
    return folder / "many.toml"


class Clocked(Theatre):
    """A station that remembers at which wall time its story's clock was where, and what was raised."""

    def __init__(self, place: Place, folder: Path, people: int) -> None:
        (folder / "story").mkdir(exist_ok=True)
        self.scenario_file = written(folder / "story", people)
        loaded = load_scenario(self.scenario_file)
        site_file = folder / loaded.names[0]
        write_sites(Stage(loaded), folder, dict.fromkeys(loaded.camera_ids, ""))
        super().__init__(place, load_site(site_file), site_file, round(loaded.scenario.start.timestamp() * NS))
        self.story_ns: list[int] = []
        self.wall_s: list[float] = []
        self.found: list[tuple[str, str, bool, int]] = []
        self._alert: AlertRaised | None = None

    async def run(self, told: Connection) -> None:
        """Play the story, and tell what was raised."""
        await self.open()
        try:
            hashed = PasswordHasher().hash(PASSWORD)
            self.accounts.add(Account(name="officer", role="operator", password_hash=hashed, created_ns=time.time_ns()))
            self.control.listen(self._hear)
            told.send(self.url)
            await asyncio.to_thread(told.recv)
            tasks = [asyncio.create_task(self.play()), asyncio.create_task(self._note())]
            await self.cameras.ended()
            await asyncio.sleep(3)
            for task in tasks:
                task.cancel()
            told.send([self._raised(*each) for each in self.found])
            await asyncio.to_thread(told.recv)
        finally:
            await self.close()

    def _orders(self, camera_id: str) -> Callable[[], Orders]:
        of_the_night = super()._orders(camera_id)

        def orders() -> Orders:
            given = of_the_night()
            story = Story(scenario=str(self.scenario_file), begin_ns=self.begin_ns, from_ns=self.begin_ns)
            return msgspec.structs.replace(given, story=story)

        return orders

    async def _note(self) -> None:
        while True:
            self.story_ns.append(self.story())
            self.wall_s.append(time.time())
            await asyncio.sleep(0.01)

    def _hear(self, told: Sequence[Told]) -> None:
        for each in told:
            event = each.event
            if isinstance(event, AlertRaised):
                self._alert = event
            elif isinstance(event, AlarmChanged) and event.happening == "raised":
                alarm = event.alarm
                by_camera = bool(self._alert and self._alert.alert.track_id is not None)
                self.found.append((alarm.alarm_id, alarm.met[0].rule, by_camera, alarm.met[0].time_ns))

    def _raised(self, alarm_id: str, rule: str, by_camera: bool, time_ns: int) -> Raised:
        place = min(bisect.bisect_left(self.story_ns, time_ns), len(self.wall_s) - 1)
        return Raised(alarm_id, rule, by_camera and rule in OF_CAMERAS, self.wall_s[place])


def _station(folder: str, people: int, told: Connection) -> None:
    configure_log()
    asyncio.run(Clocked(Place(out=Path(folder) / "console", port=0, quota_gb=1.0), Path(folder), people).run(told))


def _sign_in(browser: Browser, url: str) -> Page:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(url)
    page.locator("input").nth(0).fill("officer")
    page.locator("input").nth(1).fill(PASSWORD)
    page.locator("input").nth(1).press("Enter")
    page.wait_for_selector("#alarms", timeout=60_000)
    return page


def _loads(page: Page, count: int) -> list[float]:
    """Seconds from the beginning of a navigation to the queue, again and again."""
    taken = []
    for _ in range(count):
        page.reload(wait_until="commit")
        page.locator("#alarms").wait_for()
        taken.append(float(page.evaluate("performance.now()")) / 1000)
    return taken


def main() -> int:
    """Play, watch the screen, and print."""
    parser = command(__doc__)
    parser.add_argument("--people", type=int, default=16, help="how many come before each of the three cameras")
    parser.add_argument("--loads", type=int, default=7, help="how often the page is loaded")
    parser.add_argument("--folder", type=Path, help="where the station keeps its files; a new folder otherwise")
    wanted = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed: apt install chromium")
    folder = wanted.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_station, args=(str(folder), wanted.people, there))
    process.start()
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = _sign_in(browser, here.recv())
        loads = _loads(page, wanted.loads)
        page.evaluate(SEE_ALARMS)
        here.send("begin")
        while not here.poll():
            page.wait_for_timeout(200)
        raised: list[Raised] = here.recv()
        appeared = json.loads(page.evaluate("JSON.stringify(window.appeared)"))
        here.send("end")
        browser.close()
    process.join()
    shown = {each: appeared[each.alarm_id] / 1000 - each.picture_s for each in raised if each.alarm_id in appeared}
    taken = [seconds for each, seconds in shown.items() if each.by_camera]
    waited = [seconds for each, seconds in shown.items() if not each.by_camera]
    every = [*taken, *waited]
    figures: dict[str, object] = {
        "alarms": len(raised),
        "alarms_not_shown": len(raised) - len(shown),
        "alarms_by_cameras": len(taken),
        "alarm_to_screen_median_s": float(np.median(every)) if every else float("nan"),
        "alarm_to_screen_p95_s": float(np.quantile(every, 0.95)) if every else float("nan"),
        "cameras_rules_median_s": float(np.median(taken)) if taken else None,
        "cameras_rules_p95_s": float(np.quantile(taken, 0.95)) if taken else None,
        "picture_rules_median_s": float(np.median(waited)) if waited else None,
        "first_page_median_s": float(np.median(loads)),
        "first_page_slowest_s": max(loads),
        "alarm_to_screen_slowest_s": max(every, default=None),
        "load": os.getloadavg()[0],
    }
    show("alarm_to_screen", figures, TARGETS, as_json=wanted.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
