"""How long an alarm takes from the picture that met its rule to the officer's screen, and how soon the page is usable.

    python benchmarks/alarm_to_screen.py [--plays N] [--loads N] [--folder DIR] [--json]

The al-Qaim night is played by a real station, at the pace of the clock: three cameras each watched by a process of its
own, the desk, its log on the disk, the server. Debian's Chromium, headless, shows the console to an officer who has
signed in. An alarm's time runs from when the clock let the camera have the picture on which a rule was met - the
track was confirmed by then - to when its row is in the page. What cameras' own rules raised and what the rules of the
one picture did is told apart too: the latter are timed from the last picture that they rest on. A page is usable when
the queue of alarms is there, from the beginning of the navigation.
"""

import asyncio
import bisect
import json
import multiprocessing
import shutil
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np
from argon2 import PasswordHasher
from playwright.sync_api import Browser, Page, sync_playwright

from figures import Target, command, show
from marsad.app.config import load_site
from marsad.app.demo_serve import SCENARIO, Theatre
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
TARGETS = [Target("alarm_to_screen_p95_s", "at_most", 1.0), Target("first_page_median_s", "at_most", 2.0)]
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


class Clocked(Theatre):
    """A station that remembers at which wall time its story's clock was where, and what was raised."""

    def __init__(self, place: Place, folder: Path, plays: int) -> None:
        loaded = load_scenario(SCENARIO)
        site_file = folder / loaded.names[0]
        write_sites(Stage(loaded), folder, dict.fromkeys(loaded.camera_ids, ""))
        super().__init__(place, load_site(site_file), site_file, round(loaded.scenario.start.timestamp() * NS))
        self.plays = plays
        self.story_ns: list[int] = []
        self.wall_s: list[float] = []
        self.found: list[tuple[str, str, bool, int]] = []
        self._alert: AlertRaised | None = None

    async def run(self, told: Connection) -> None:
        """Play the story so often, and tell what was raised."""
        await self.open()
        try:
            hashed = PasswordHasher().hash(PASSWORD)
            self.accounts.add(Account(name="officer", role="operator", password_hash=hashed, created_ns=time.time_ns()))
            self.control.listen(self._hear)
            told.send(self.url)
            await asyncio.to_thread(told.recv)
            tasks = [asyncio.create_task(self.play()), asyncio.create_task(self._note())]
            for number in range(self.plays):
                if number:
                    await self.play_again()
                await self.cameras.ended()
            await asyncio.sleep(3)
            for task in tasks:
                task.cancel()
            told.send([self._raised(*each) for each in self.found])
            await asyncio.to_thread(told.recv)
        finally:
            await self.close()

    async def _note(self) -> None:
        while True:
            self.story_ns.append(self.story())
            self.wall_s.append(time.time())
            await asyncio.sleep(0.01)

    def _hear(self, told: "list[Told] | tuple[Told, ...]") -> None:
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


def _station(folder: str, plays: int, told: Connection) -> None:
    configure_log()
    asyncio.run(Clocked(Place(out=Path(folder) / "console", port=0, quota_gb=1.0), Path(folder), plays).run(told))


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
    parser.add_argument("--plays", type=int, default=2, help="how often the night is played")
    parser.add_argument("--loads", type=int, default=7, help="how often the page is loaded")
    parser.add_argument("--folder", type=Path, help="where the station keeps its files; a new folder otherwise")
    wanted = parser.parse_args()
    chromium = shutil.which("chromium")
    if chromium is None:
        sys.exit("chromium is not installed: apt install chromium")
    folder = wanted.folder or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_station, args=(str(folder), wanted.plays, there))
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
        "picture_rules_median_s": float(np.median(waited)) if waited else None,
        "first_page_median_s": float(np.median(loads)),
        "first_page_slowest_s": max(loads),
        "rules": ", ".join(f"{each.rule} {seconds:.2f}" for each, seconds in shown.items()),
    }
    show("alarm_to_screen", figures, TARGETS, as_json=wanted.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
