"""The al-Qaim night at a real station, by the eyes and hands of its officer: in Arabic first, then in all languages.

The station, its cameras' watches, its log and its server are the real ones; only what the cameras see is simulated.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from marsad.adapters.sqlite import SqliteLogReader
from marsad.app.scenario_file import load_scenario
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import site_origin
from marsad.simulate.route import knots
from marsad.simulate.scene import all_actors

NS = 1_000_000_000
ROOT = Path(__file__).resolve().parents[2]
SCENARIO = load_scenario("al-qaim-night")
BEGIN_NS = round(SCENARIO.scenario.start.timestamp() * NS)
FROM_S = 36.0
"""When the cameras begin to look: the watch needs some seconds to know its ground before anybody crosses the line."""
ALARM_WITHIN_S = 5.0
NEAR_M = 30.0
LOOKED_S, KILLED_S = 55.0, 62.0
"""How far the story goes while the officer looks at the picture, and once the station was killed and started again."""
PASSWORD = "a quiet night on the line"  # noqa: S105 - of a test
PATROL_ACCOUNTS = {"patrol-1": "rida", "patrol-2": "karwan"}
WAITING = "#alarms .waiting"
SLOW_S = 240.0
"""A busy machine may first have to compile the watch's kernels."""

Violations = Callable[[Page], list[str]]
State = dict[str, Any]


def said(language: str, key: str, **given: str) -> str:
    """The words that the screens have for something."""
    words: dict[str, str] = json.loads((ROOT / f"web/src/i18n/{language}.json").read_text(encoding="utf-8"))
    text = words[key]
    for name, value in given.items():
        text = text.replace(f"{{{name}}}", value)
    return text


class Walk:
    """Where the four truly are, straight from the scenario."""

    def __init__(self) -> None:
        self.routes = [
            np.array([(each.time_s, each.east_m, each.north_m) for each in knots(actor)])
            for actor in all_actors(SCENARIO.scenario)
            if actor.role == "intruder"
        ]
        site = SCENARIO.sites[0]
        origin = site_origin(site)
        assert origin is not None
        self.frame = EnuFrame(origin)
        points = site.lines[0].points
        lat, lon = (np.array([getattr(each, name) for each in points]) for name in ("latitude_deg", "longitude_deg"))
        self.line = np.column_stack(self.frame.from_geodetic(lat, lon, np.full(len(points), origin.height_m))[:2])

    def at(self, time_s: float) -> np.ndarray[Any, Any]:
        """East and north of each."""
        return np.array([[np.interp(time_s, route[:, 0], route[:, axis]) for axis in (1, 2)] for route in self.routes])

    def crossing_s(self) -> float:
        """When the first of them is on the line."""
        for time_s in np.arange(0.0, 90.0, 0.05):
            before, after = self.at(time_s), self.at(time_s + 0.05)
            if any(self._across(one, two) for one, two in zip(before, after, strict=True)):
                return float(time_s)
        raise AssertionError("nobody crosses the line")

    def _across(self, one: np.ndarray[Any, Any], two: np.ndarray[Any, Any]) -> bool:
        def left(a: Any, b: Any, c: Any) -> bool:  # noqa: ANN401 - points
            return bool((b[0] - a[0]) * (c[1] - a[1]) > (b[1] - a[1]) * (c[0] - a[0]))

        return any(
            left(one, two, a) != left(one, two, b) and left(a, b, one) != left(a, b, two)
            for a, b in pairwise(self.line)
        )


WALK = Walk()
CROSSING_S = WALK.crossing_s()


class Station:
    """The station's process, which can be killed and started again where it was."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.folder = folder
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "night/console/events.sqlite"
        self._lines = folder / "stderr.txt"
        self._until_s = 0.0
        (folder / "night").mkdir()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until its console answers."""
        script = Path(__file__).with_name("night_station.py")
        command = [sys.executable, str(script), str(self.folder / "night"), str(self.port), str(FROM_S)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with self._lines.open("ab") as lines:
            self._process = subprocess.Popen(command, stdout=lines, stderr=lines, env=environment)
        until = time.monotonic() + SLOW_S
        while not self.answers():
            assert self._process.poll() is None, self._lines.read_text(encoding="utf-8")
            assert time.monotonic() < until, self._lines.read_text(encoding="utf-8")
            time.sleep(0.1)

    def go(self, until_s: float) -> None:
        """Let the story go on until this second of the scenario."""
        self._until_s = max(until_s, self._until_s)
        whole = self.folder / "until"
        whole.write_text(str(self._until_s), encoding="ascii")
        whole.replace(self.folder / "night/until")

    def answers(self) -> bool:
        """Whether its console is there."""
        try:
            with urlopen(f"{self.url}/api/health", timeout=5) as answer:  # noqa: S310 - its own
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def kill(self) -> None:
        """Kill it as a failing machine would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Stop it in peace, and return when it has gone."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=60)


class Screens:
    """The pages that people have open; whatever one of them complains of, or asks of elsewhere, is kept."""

    def __init__(self, browser: Browser, url: str, folder: Path) -> None:
        self._browser = browser
        self._folder = folder
        self.url = url
        self.complaints: list[str] = []
        self.asked = 0
        self.contexts: list[BrowserContext] = []

    def open(self, name: str, *, path: str = "/", language: str = "ar", **options: Any) -> Page:  # noqa: ANN401
        """A page on which somebody has signed in, in a browser of their own."""
        context = self._browser.new_context(**{"viewport": {"width": 1366, "height": 768}, **options})
        context.set_default_timeout(30_000)
        self.contexts.append(context)
        context.add_init_script(f"localStorage['marsad.preferences'] ??= '{{\"language\":\"{language}\"}}'")
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda line: self.complaints.append(line.text) if "Content Sec" in line.text else None)
        page.on("websocket", lambda opened: self._asked(opened.url.replace("ws://", "http://")))
        context.on("request", lambda request: self._asked(request.url))
        page.goto(self.url + path)
        page.get_by_label(said(language, "sign_in.name"), exact=True).fill(name)
        page.get_by_label(said(language, "sign_in.password"), exact=True).fill(PASSWORD)
        page.keyboard.press("Enter")
        page.locator(".phone main" if path == "/patrol" else ".timeline").wait_for()
        return page

    def keep(self, page: Page, name: str) -> None:
        """Keep what a page looks like, for whoever wants to see."""
        self._folder.mkdir(exist_ok=True)
        page.screenshot(path=self._folder / f"{name}.png")

    def close(self) -> None:
        """Close all of them."""
        for context in self.contexts:
            context.close()

    def _asked(self, url: str) -> None:
        self.asked += 1
        if not url.startswith((self.url, "data:", f"blob:{self.url}")):
            self.complaints.append(url)


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Station]:  # noqa: ARG001 - a station that nobody can look at need not be started
    started = Station(tmp_path_factory.mktemp("station"))
    started.go(CROSSING_S - 1.0)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def screens(browser: Browser, station: Station) -> Iterator[Screens]:
    opened = Screens(browser, station.url, station.folder / "screens")
    yield opened
    opened.close()
    assert opened.complaints == []
    assert opened.asked > 0


def state_of(page: Page, query: str = "") -> State:
    """The desk's state, as the server tells whoever is signed in on the page."""
    answer = page.request.get(page.url.split("/patrol")[0].rstrip("/") + "/api/state" + query)
    assert answer.ok, answer.text()
    state: State = answer.json()
    return state


def incident_of(page: Page, incident_id: str) -> dict[str, Any]:
    """One incident, as the server has it."""
    found: list[dict[str, Any]] = [each for each in state_of(page)["incidents"] if each["incident_id"] == incident_id]
    return found[0]


def crossed(state: State) -> dict[str, Any] | None:
    """The alarm that tells of the true crossing."""
    for alarm in state["alarms"]:
        for met in alarm["met"]:
            is_crossing = met["rule"] == "line_crossing" and met.get("direction") == "inward"
            if is_crossing and (met["time_ns"] - BEGIN_NS) / NS >= CROSSING_S - 1.0:
                found: dict[str, Any] = alarm
                return found
    return None


def until(what: Callable[[], Any], page: Page, why: str, seconds: float = 30.0) -> Any:  # noqa: ANN401
    """What comes to be true, looked for while the page goes on."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, why
        page.wait_for_timeout(150)
    return found


@pytest.fixture
def crossing(station: Station, screens: Screens) -> tuple[Page, dict[str, Any]]:
    """An officer's page in Arabic, and the alarm of the crossing on it while the story waits 5 s after the crossing."""
    page = screens.open("zainab")
    station.go(CROSSING_S + ALARM_WITHIN_S)
    alarm = until(lambda: crossed(state_of(page)), page, "no alarm of the crossing", SLOW_S)
    page.locator(f'[data-alarm="{alarm["alarm_id"]}"]').wait_for()
    return page, alarm


def speak(page: Page, language: str) -> None:
    """Let the screen change its language under whatever is open."""
    page.locator("header.bar select").select_option(language)
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator("html")).to_have_attribute("dir", "rtl" if language in {"ar", "ckb"} else "ltr")
    page.evaluate("document.activeElement.blur()")


def look_at_picture(page: Page) -> None:
    """The picked alarm's thermal picture has come on, and its people are marked in it."""
    stage = page.locator(".console > .focus .stage")
    least_ns = BEGIN_NS + (CROSSING_S + ALARM_WITHIN_S - 1) * NS
    until(lambda: int(stage.get_attribute("data-time-ns") or 0) >= least_ns, page, "no picture comes on", SLOW_S)
    drawn = """canvases => canvases.map(canvas => {
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data
        const seen = new Set()
        for (let i = 0; i < data.length; i += 4) if (data[i + 3]) seen.add(data[i] + 256 * data[i + 1])
        return seen.size
    })"""

    def marked() -> bool:
        picture, marks = stage.locator("canvas").evaluate_all(drawn)
        return bool(picture > 20 and marks > 0)

    until(marked, page, "nothing is marked in the picture", 60)


def acknowledge_all(page: Page) -> None:
    """Two keys for each alarm that waits."""
    for _ in range(12):
        if page.locator(WAITING).count() == 0:
            return
        page.keyboard.press("t")
        page.keyboard.press("a")
        page.wait_for_timeout(400)
    raise AssertionError("alarms wait however often they are acknowledged")


def send_nearest(page: Page, alarm_id: str, language: str) -> dict[str, Any]:
    """Open an incident by key, then send whoever meets them first; the order."""
    page.locator(f'[data-alarm="{alarm_id}"]').click()
    page.keyboard.press("i")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=said(language, "alarm.open_incident")).click()
    until(lambda: any(each.get("in_charge") for each in state_of(page)["incidents"]), page, "no incident is in hand")
    incident_id = state_of(page)["incidents"][-1]["incident_id"]
    page.keyboard.press("s")
    expect(page.locator("input[name=patrol]").first).to_be_checked()
    options = page.request.get(f"{page.url.rstrip('/')}/api/incidents/{incident_id}/options").json()
    nearest = min(options, key=lambda each: each["meet_ns"])["patrol_id"]
    page.keyboard.press("Enter")
    orders = until(lambda: state_of(page)["dispatches"], page, "no order was sent")
    assert [each["patrol_id"] for each in orders] == [nearest]
    order: dict[str, Any] = orders[0]
    return order


def answer_on_the_phone(screens: Screens, desk: Page, order: dict[str, Any], violations: Violations) -> Page:
    """The patrol says on its phone how far it has come, and the desk shows each."""
    name = PATROL_ACCOUNTS[order["patrol_id"]]
    viewport = {"width": 390, "height": 844}
    phone = screens.open(name, path="/patrol", language="ckb", viewport=viewport, has_touch=True)
    shown = desk.locator(".focus article b").first
    expect(shown).to_have_text(said("ckb", "dispatch_state.received"))
    expect(phone.locator(".text")).to_have_text(order["text"])
    assert violations(phone) == []
    for says in ("accepted", "under_way", "on_scene", "done"):
        phone.locator(".answers .primary", has_text=said("ckb", f"says.{says}")).click()
        expect(shown).to_have_text(said("ckb", f"dispatch_state.{says}"))
    return phone


def bring_to_its_end(page: Page, incident_id: str, language: str) -> None:
    """Met, counted, every step of the procedure done, everybody accounted for, and closed."""
    people = page.locator(
        ".focus form", has=page.get_by_role("button", name=said(language, "incident.met"), exact=True)
    )
    people.get_by_label(said(language, "incident.met_how_many"), exact=True).fill("4")
    people.get_by_role("button").click()
    until(lambda: incident_of(page, incident_id)["state"] == "contact", page, "they were not met")
    steps = page.locator(".focus .step input[type=checkbox]")
    for number in range(steps.count()):
        steps.nth(number).check()
        expect(steps.nth(number)).to_be_disabled()
    page.locator(".focus footer .primary").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label(said(language, "outcome.surrendered"), exact=True).fill("4")
    dialog.get_by_role("button", name=said(language, "incident.close")).click()


def check_record(page: Page, station: Station, incident_id: str) -> None:
    """The record holds what was done, on paper and as data; each line of it is an entry of a log that is sound."""
    paper = page.request.get(f"{station.url}/api/incidents/{incident_id}/record.pdf?language=ar")
    assert paper.ok
    assert paper.body().startswith(b"%PDF")
    record = page.request.get(f"{station.url}/api/incidents/{incident_id}/record").json()
    told = [each["happening"] for each in record["lines"]]
    for happening in ("raised", "acknowledged", "opened", "sent", "accepted", "on_scene", "met", "closed"):
        assert happening in told, happening
    assert record["incident"]["state"] == "closed"
    with SqliteLogReader(station.log) as log:
        entries = {each.sequence: each.entry_hash.hex() for each in log.read()}
    assert {each["sequence"]: each["entry_hash"] for each in record["lines"]}.items() <= entries.items()
    program = "from marsad.app.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", program, "verify", str(station.log), "--json"]
    found = subprocess.run(command, capture_output=True, check=False, env=environment, text=True)
    assert found.returncode == 0, found.stdout + found.stderr
    assert json.loads(found.stdout)["result"] == "sound"


def identities(state: State) -> set[str]:
    """Who is in the picture."""
    return {each["track_id"] for each in state["picture"]["tracks"] if each["status"] == "confirmed"}


def later(state: dict[str, Any], sequence: int) -> dict[str, Any] | None:
    """The state once it is past an entry of the log."""
    return state if state["sequence"] > sequence else None


def kill_and_start(page: Page, station: Station, language: str) -> None:
    """The station is killed under the page, which keeps what its officer does meanwhile, and goes on where it was."""
    before = state_of(page)
    station.kill()
    expect(page.locator(".banner.gone")).to_be_visible(timeout=30_000)
    note = page.get_by_label(said(language, "incident.note_add"), exact=True)
    note.fill("من دون خادم")
    note.press("Enter")
    expect(page.locator(".unsent")).to_be_visible()
    station.start()
    expect(page.locator(".banner.gone")).to_have_count(0, timeout=60_000)
    expect(page.locator(".unsent")).to_have_count(0, timeout=60_000)
    # What the page saw in the last moment before the kill may not have been on the disk; the log goes on all the same.
    after = until(lambda: later(state_of(page), before["sequence"]), page, "the log does not go on", SLOW_S)
    assert identities(before) <= {each["track_id"] for each in after["picture"]["tracks"]}
    assert [each["text"] for each in after["incidents"][0]["notes"]] == ["من دون خادم"]
    for kind, name in (("alarms", "alarm_id"), ("incidents", "incident_id"), ("dispatches", "dispatch_id")):
        assert {each[name] for each in before[kind]} <= {each[name] for each in after[kind]}, kind
    station.go(KILLED_S)

    def seen_again() -> bool:
        tracks = state_of(page)["picture"]["tracks"]
        return any(each["track_id"] in identities(before) and each["seen_ns"] > after["now_ns"] + NS for each in tracks)

    until(seen_again, page, "nobody is known again", SLOW_S)


def check_page_is_current(page: Page) -> None:
    """The page shows what the server has, no more and no less."""
    shown = "rows => rows.map(row => row.dataset.alarm).sort()"

    def same() -> bool:
        listed = page.locator("#alarms [data-alarm]").evaluate_all(shown)
        state = state_of(page)
        waiting = sum(each["state"] in {"unacknowledged", "returned"} for each in state["alarms"])
        standing = {each["alarm_id"] for each in state["alarms"] if each["state"] != "closed"}
        return standing <= set(listed) and page.locator(WAITING).count() == waiting

    page.keyboard.press("1")
    until(same, page, "the page has not caught up")


def test_the_night_from_the_first_alarm_to_the_record(
    crossing: tuple[Page, dict[str, Any]], station: Station, screens: Screens, violations: Violations
) -> None:
    page, alarm = crossing
    shown_s = (state_of(page)["now_ns"] - BEGIN_NS) / NS
    assert shown_s <= CROSSING_S + ALARM_WITHIN_S
    seen, seen_s = alarm["seen"]["ground"], (alarm["seen"]["time_ns"] - BEGIN_NS) / NS
    assert np.hypot(*(WALK.at(seen_s) - (seen["east_m"], seen["north_m"])).T).min() < NEAR_M
    page.emulate_media(reduced_motion="reduce")
    page.locator(f'[data-alarm="{alarm["alarm_id"]}"]').click()
    page.keyboard.press("a")
    row = page.locator("#alarms li", has=page.locator(f'[data-alarm="{alarm["alarm_id"]}"]'))
    expect(row).to_contain_text(said("ar", "state.acknowledged"))
    page.locator(".console > .focus .stage").wait_for()
    screens.keep(page, "1-ar-alarm")
    station.go(LOOKED_S)
    look_at_picture(page)
    screens.keep(page, "2-ar-picture")
    assert violations(page) == []
    order = send_nearest(page, alarm["alarm_id"], "ar")
    screens.keep(page, "3-ar-sent")
    kill_and_start(page, station, "ar")
    screens.keep(page, "4-ar-again")

    speak(page, "ckb")
    assert violations(page) == []
    phone = answer_on_the_phone(screens, page, order, violations)
    screens.keep(page, "5-ckb-answered")
    screens.keep(phone, "6-ckb-phone")
    speak(page, "kmr")
    assert violations(page) == []
    acknowledge_all(page)
    page.keyboard.press("2")
    page.keyboard.press("j")
    bring_to_its_end(page, order["incident_id"], "kmr")
    screens.keep(page, "7-kmr-closed")
    speak(page, "en")
    expect(page.locator(".focus .badge").first).to_have_text(said("en", "incident_state.closed"))
    assert violations(page) == []
    screens.keep(page, "8-en-closed")
    check_page_is_current(page)
    check_record(page, station, order["incident_id"])


def test_the_past_is_shown_as_past(
    crossing: tuple[Page, dict[str, Any]], station: Station, screens: Screens, violations: Violations
) -> None:
    page, alarm = crossing
    station.go(LOOKED_S)
    page.emulate_media(reduced_motion="reduce")
    speak(page, "en")
    met_ns = next(each["time_ns"] for each in alarm["met"] if each["rule"] == "line_crossing")
    past_ns = met_ns // NS * NS + 2 * NS
    slider = page.locator(".timeline input[type=range]")
    until(lambda: state_of(page)["now_ns"] > past_ns + 3 * NS, page, "the night does not go on", SLOW_S)
    slider.fill(str(past_ns // NS))
    expect(page.locator(".replay-frame")).to_be_visible()
    expect(page.locator(".banner.replay")).to_contain_text(said("en", "timeline.replay"))
    page.locator(f'[data-alarm="{alarm["alarm_id"]}"]').click()
    row = page.locator("#alarms li", has=page.locator(f'[data-alarm="{alarm["alarm_id"]}"]'))
    then = {each["alarm_id"]: each["state"] for each in state_of(page, f"?at={past_ns}")["alarms"]}
    expect(row).to_contain_text(said("en", f"state.{then[alarm['alarm_id']]}"))
    expect(page.locator(".focus footer")).to_have_count(0)
    expect(page.locator(".focus .camera.replay .stage")).to_have_attribute("data-time-ns", re.compile(r"\d+"))
    assert violations(page) == []
    screens.keep(page, "9-en-past")
    page.keyboard.press("g")
    expect(page.locator(".replay-frame")).to_have_count(0)


def test_a_viewer_only_looks(crossing: tuple[Page, dict[str, Any]], screens: Screens, violations: Violations) -> None:
    officer, alarm = crossing
    page = screens.open("hasan", language="kmr")
    page.locator(f'[data-alarm="{alarm["alarm_id"]}"]').click()
    expect(page.locator("header.bar .viewer")).to_have_text(said("kmr", "shell.viewer"))
    expect(page.locator(".focus .sentence")).to_be_visible()
    expect(page.locator(".focus footer")).to_have_count(0)
    screens.keep(page, "10-kmr-viewer")
    before = state_of(officer)["incidents"]
    for key in ("a", "s", "i", "c", "n"):
        page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_have_count(0)
    token = page.request.get(f"{screens.url}/api/session").json()["csrf"]
    act = {"type": "open_incident", "act_id": "no", "kind": "other", "text": "no", "alarm_ids": []}
    refused = page.request.post(f"{screens.url}/api/acts", data=act, headers={"x-csrf-token": token})
    assert refused.status == 403, refused.text()
    assert page.request.get(f"{screens.url}/api/accounts").status == 403
    assert [each["incident_id"] for each in state_of(officer)["incidents"]] == [each["incident_id"] for each in before]
    assert violations(page) == []
