"""The console in a browser: what an officer and a patrol see and do, in Arabic first."""

import http.client
import io
import itertools
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "src/marsad/console/built"

NewPage = Callable[..., Page]
Violations = Callable[[Page], list[str]]
LANGUAGES = {"ar": "rtl", "ckb": "rtl", "kmr": "ltr", "en": "ltr"}
WAITING = "#alarms .waiting"


class Server:
    """The small server as a process that can be killed and started again over the same log."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.log = folder / "log"
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        script = Path(__file__).with_name("fake_desk.py")
        command = [sys.executable, str(script), str(self.port), str(self.log), str(BUILT)]
        self._process = subprocess.Popen(command)
        until = time.monotonic() + 60
        while not self.answers():
            assert time.monotonic() < until, "the small server did not start"
            time.sleep(0.1)

    def answers(self) -> bool:
        """Whether it is there."""
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        """Kill it without warning."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def script(self, what: str) -> None:
        """Let something happen in the night."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", f"/test/{what}")
        assert connection.getresponse().status == 204
        connection.close()

    def told(self, happening: str) -> int:
        """How often something has happened, by the log."""
        return self.log.read_text(encoding="utf-8").count(f'"happening": "{happening}"')


@pytest.fixture(scope="session")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("desk"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(started: Server) -> Server:
    """The small server at the beginning of its night."""
    if not started.answers():
        started.start()
    started.script("reset")
    return started


@pytest.fixture
def new_page(browser: Browser, server: Server) -> Iterator[NewPage]:
    """Make a page of an officer or a patrol who is signed in; whatever it complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def make(
        path: str = "/", *, user: str = "zainab", language: str = "ar", theme: str = "dark", width: int = 1366,
        height: int = 768, **options: Any,  # noqa: ANN401 - whatever a context takes
    ) -> Page:  # fmt: skip
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        kept = f'{{"language":"{language}","theme":"{theme}"}}'
        # Only once: a page that is loaded again has what its officer chose meanwhile.
        context.add_init_script(f"localStorage['marsad.preferences'] ??= '{kept}'")
        if user:
            context.add_cookies([{"name": "fake", "value": user, "url": server.url}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
        page.on("request", lambda asked: complaints.append(asked.url) if server.url not in asked.url else None)
        page.goto(server.url + path)
        if user and path == "/":
            page.locator(WAITING).first.wait_for()
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []


def overflow(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    wide: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wide


def test_whoever_has_no_password_stays_out(new_page: NewPage) -> None:
    page = new_page(user="")
    page.get_by_label("الاسم").fill("zainab")
    page.get_by_label("كلمة المرور").fill("wrong")
    page.get_by_role("button", name="دخول").click()
    expect(page.get_by_role("alert")).to_have_text("الاسم أو كلمة المرور غير صحيحة.")
    page.get_by_label("كلمة المرور").fill("correct horse battery")
    page.keyboard.press("Enter")
    expect(page.locator("#alarms li")).not_to_have_count(0)


def test_an_alarm_is_acknowledged_with_two_keys(new_page: NewPage, server: Server) -> None:
    page = new_page()
    expect(page.locator(WAITING)).to_have_count(1)
    server.script("crossing")
    expect(page.locator(WAITING)).to_have_count(2)
    first = page.locator("#alarms li").first
    expect(first).to_contain_text("مجموعة من 4 أشخاص")
    expect(page.locator("[aria-live=assertive]")).to_contain_text("إنذار جديد")
    page.keyboard.press("t")
    expect(page.locator(".focus .sentence")).to_contain_text("عبور")
    page.keyboard.press("a")
    expect(page.locator(WAITING)).to_have_count(1)
    assert server.told("acknowledged") == 3


def test_keys_are_told_by_their_place_on_an_arabic_keyboard(new_page: NewPage) -> None:
    page = new_page()
    expect(page.locator(WAITING)).to_have_count(1)
    for code, key in (("KeyT", "ف"), ("KeyA", "ش")):
        page.evaluate(
            "([code, key]) => document.body.dispatchEvent(new KeyboardEvent('keydown', {code, key, bubbles: true}))",
            [code, key],
        )
    expect(page.locator(WAITING)).to_have_count(0)


def test_a_patrol_is_sent_with_two_more_and_its_answer_is_written_down(new_page: NewPage, server: Server) -> None:
    page = new_page(language="en")
    server.script("crossing")
    expect(page.locator(WAITING)).to_have_count(2)
    page.keyboard.press("t")
    page.keyboard.press("s")
    send = page.get_by_role("dialog").get_by_role("button", name=re.compile("^Send "))
    expect(page.locator("input[name=patrol]").first).to_be_checked()
    expect(send).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".focus article")).to_contain_text("Sent")
    page.keyboard.press("r")
    page.keyboard.press("2")
    expect(page.locator(".focus article")).to_contain_text("Accept by radio")
    assert server.told("accepted") == 1


def test_who_only_looks_at_who_could_be_sent_opens_nothing(new_page: NewPage, server: Server) -> None:
    page = new_page(language="en")
    server.script("crossing")
    expect(page.locator(WAITING)).to_have_count(2)
    before = server.told("opened")
    page.keyboard.press("t")
    page.keyboard.press("s")
    expect(page.locator("input[name=patrol]").first).to_be_checked()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_timeout(500)
    assert server.told("opened") == before
    page.keyboard.press("s")
    expect(page.locator("input[name=patrol]").first).to_be_checked()
    page.keyboard.press("Enter")
    expect(page.locator(".focus article")).to_contain_text("Sent")
    assert server.told("opened") == before + 1


def test_no_picture_of_the_wall_is_hidden_by_its_switch(new_page: NewPage) -> None:
    page = new_page()
    page.keyboard.press("v")
    first = page.locator(".wall li").first
    expect(first).to_be_visible()
    switch = page.locator(".centre .switch").bounding_box()
    picture = first.bounding_box()
    assert switch
    assert picture
    assert picture["y"] >= switch["y"] + switch["height"]


def test_every_key_is_shown_and_everything_can_be_found(new_page: NewPage) -> None:
    page = new_page(language="en")
    page.keyboard.press("Shift+Slash")
    expect(page.get_by_role("dialog")).to_contain_text("The alarm that needs you most")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")
    page.keyboard.type("camera c5")
    page.keyboard.press("Enter")
    expect(page.locator(".focus h2")).to_contain_text("C5")
    expect(page.locator(".focus")).to_contain_text("Lost")


def test_the_language_changes_at_once_and_the_frame_with_it(new_page: NewPage) -> None:
    page = new_page()
    sides = {}
    for language, direction in LANGUAGES.items():
        page.locator("header.bar select").select_option(language)
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("html")).to_have_attribute("dir", direction)
        queue, focus = page.locator(".console .left").bounding_box(), page.locator(".console > .focus").bounding_box()
        assert queue
        assert focus
        sides[language] = "right" if queue["x"] > focus["x"] else "left"
        assert page.locator("time.clock").evaluate("clock => getComputedStyle(clock).direction") == "ltr"
        assert page.locator(".timeline .track").evaluate("line => getComputedStyle(line).direction") == "ltr"
    assert sides == {"ar": "right", "ckb": "right", "kmr": "left", "en": "left"}
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_a_killed_server_is_told_of_and_nothing_is_lost(new_page: NewPage, server: Server) -> None:
    page = new_page(language="en")
    expect(page.locator(WAITING)).to_have_count(1)
    server.kill()
    expect(page.locator(".banner.gone")).to_contain_text("Server gone since", timeout=10_000)
    page.keyboard.press("t")
    page.keyboard.press("a")
    expect(page.locator(".unsent")).to_contain_text("1 act not sent yet")
    server.start()
    server.script("crossing")
    expect(page.locator(".banner.gone")).to_have_count(0, timeout=20_000)
    expect(page.locator(".unsent")).to_have_count(0, timeout=10_000)
    expect(page.locator("#alarms li")).to_have_count(4)
    expect(page.locator(WAITING)).to_have_count(1)
    assert server.told("acknowledged") == 3


def test_what_was_asked_for_before_a_reload_still_goes_out(new_page: NewPage, server: Server) -> None:
    page = new_page(language="en")
    expect(page.locator(WAITING)).to_have_count(1)
    server.kill()
    page.keyboard.press("t")
    page.keyboard.press("a")
    expect(page.locator(".unsent")).to_be_visible()
    server.start()
    page.reload()
    expect(page.locator("#alarms li")).to_have_count(3)
    expect(page.locator(WAITING)).to_have_count(0, timeout=10_000)
    assert server.told("acknowledged") == 3


def test_nuisance_can_be_taken_back(new_page: NewPage, server: Server) -> None:
    page = new_page(language="en")
    expect(page.locator(WAITING)).to_have_count(1)
    page.keyboard.press("t")
    page.keyboard.press("n")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("1")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Nuisance: Animal")).to_have_count(0)
    page.wait_for_timeout(6_500)
    assert server.told("nuisance") == 0


def test_what_a_mark_of_nuisance_will_do_is_said_before_it_is_made(
    new_page: NewPage, server: Server, violations: Violations
) -> None:
    page = new_page()
    server.script("learned")
    page.locator("[data-alarm=A40]").click()
    page.keyboard.press("n")
    dialog = page.get_by_role("dialog")
    until = time.localtime(time.time() + 14 * 86_400)
    expect(dialog).to_contain_text(re.compile(f"3 ث.* إضافية أولًا، حتى .*{until.tm_mday}.*{until.tm_year}.*الأشخاص"))
    expect(dialog.locator(".changes").last).to_have_text("لا يغيّر شيئًا في التنبيهات اللاحقة.")
    page.emulate_media(reduced_motion="reduce")
    assert violations(page) == []
    page.keyboard.press("Control+1")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("[data-alarm=A3]").click()
    page.keyboard.press("n")
    expect(dialog.locator(".changes").first).to_have_text("لا يغيّر شيئًا في التنبيهات اللاحقة.")


def test_an_alarm_that_waited_says_so_and_what_had_it_wait_is_ended_by_keyboard(
    new_page: NewPage, server: Server, violations: Violations
) -> None:
    page = new_page()
    server.script("learned")
    page.locator("[data-alarm=A40]").click()
    expect(page.locator(".console > .focus")).to_contain_text(re.compile("نُظر فيه .*5 ث.* إضافية أولًا"))
    expect(page.locator(".console > .focus")).to_contain_text(re.compile("مكوث مطوّل.*C3.*نباتات"))
    page.keyboard.press("Escape")
    lessons = page.get_by_role("region", name="يُنظر فيه أطول أولًا")
    expect(lessons.get_by_role("listitem")).to_have_count(2)
    expect(page.locator(".console > .focus")).to_contain_text(re.compile("المشاهَدات.* 48,211.*مُحيت.*nour"))
    page.emulate_media(reduced_motion="reduce")
    assert violations(page) == []
    lessons.get_by_role("button").first.focus()
    page.keyboard.press("Enter")
    expect(lessons.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_text("أُنهي: التنبيهات هناك إنذارات فورًا من جديد")).to_be_visible()
    assert server.told("ended") == 1


def test_who_was_marked_as_nothing_was_a_person_after_all(new_page: NewPage, server: Server) -> None:
    page = new_page(language="en")
    server.script("learned")
    expect(page.locator(WAITING)).to_have_count(2)
    page.get_by_role("button", name=re.compile("^Closed")).click()
    page.locator("[data-alarm=A41]").click()
    page.get_by_role("button", name="A person after all").press("Enter")
    expect(page.get_by_text("Sounds anew: a person after all")).to_be_visible()
    page.get_by_role("button", name=re.compile("^All")).click()
    expect(page.locator(WAITING)).to_have_count(3)


def test_back_closes_what_is_open_and_does_not_leave_the_desk(new_page: NewPage, server: Server) -> None:
    page = new_page(language="en")
    page.keyboard.press("t")
    page.keyboard.press("n")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".focus .sentence")).to_be_visible()
    page.go_back()
    expect(page.locator(".focus .sentence")).to_have_count(0)
    assert page.url == f"{server.url}/"


def test_who_signs_out_leaves_nothing_behind_to_be_done_later(new_page: NewPage, server: Server) -> None:
    page = new_page(language="en")
    expect(page.locator(WAITING)).to_have_count(1)
    page.keyboard.press("t")
    page.keyboard.press("n")
    page.get_by_role("dialog").get_by_role("button", name="Animal").wait_for()
    page.keyboard.press("1")
    page.keyboard.press("Control+k")
    page.keyboard.type("sign out")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert server.told("nuisance") == 1
    kept: str = page.evaluate("localStorage['marsad.outbox.zainab']")
    assert json.loads(kept) == []


def test_a_replay_cannot_be_taken_for_now(new_page: NewPage) -> None:
    page = new_page(language="en")
    expect(page.locator(WAITING)).to_have_count(1)
    page.keyboard.press(",")
    expect(page.locator(".replay-frame")).to_be_visible()
    expect(page.locator(".banner.replay")).to_contain_text("Nothing here is live")
    page.keyboard.press("t")
    expect(page.locator(".focus footer")).to_have_count(0)
    page.keyboard.press("g")
    expect(page.locator(".replay-frame")).to_have_count(0)
    expect(page.locator(".focus footer")).to_be_visible()


def test_an_exercise_frames_everything(new_page: NewPage, server: Server) -> None:
    page = new_page()
    expect(page.locator(WAITING)).to_have_count(1)
    server.script("exercise")
    expect(page.locator(".exercise-frame")).to_be_visible()
    expect(page.locator(".banner.exercise")).to_contain_text("لا شيء هنا حقيقي")


def test_a_flood_is_counted_and_none_is_left_out(new_page: NewPage, server: Server) -> None:
    page = new_page()
    server.script("flood")
    expect(page.locator(".flood")).to_contain_text("7")
    expect(page.locator(WAITING)).to_have_count(12)


def test_an_alarm_about_a_camera_is_named_by_it(new_page: NewPage, server: Server, violations: Violations) -> None:
    page = new_page()
    server.script("covered")
    row = page.locator("#alarms li").first
    expect(row).to_contain_text(re.compile("الكاميرا.*C6.*عدسة محجوبة"))
    expect(row).not_to_contain_text("مجهول")
    page.keyboard.press("t")
    expect(page.locator(".focus")).to_contain_text("غطِّ منطقتها")
    assert violations(page) == []


def test_the_partner_is_told_heard_and_stopped(new_page: NewPage, server: Server, violations: Violations) -> None:
    page = new_page()
    server.script("partner")
    chip = page.locator("header.bar .chip")
    expect(chip).to_contain_text("3 ث")
    row = page.locator("#alarms li").filter(has_text="الجانب الغربي")
    expect(row).to_contain_text(re.compile("الجانب الغربي.*مجموعة من 2.4 سيرًا على الأقدام.*عبور الخط"))
    row.locator(".pick").click()
    expect(page.locator(".focus")).to_contain_text("37S FU")
    server.script("cut")
    expect(chip).to_contain_text("الاتصال مقطوع")
    expect(chip).to_contain_text("13 د")

    chip.click()
    panel = page.locator("#left-panel")
    expect(panel.get_by_role("heading", name="ما يرونه الآن")).to_be_visible()
    panel.get_by_role("button", name="أوقف الإتاحة").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="أوقف الإتاحة").click()
    expect(dialog).to_be_visible()
    dialog.get_by_label("السبب").fill("نُشرت مواقعنا")
    page.keyboard.press("Enter")
    expect(panel).to_contain_text("الإتاحة متوقفة")
    expect(panel).to_contain_text("نُشرت مواقعنا")
    expect(chip).to_contain_text("الإتاحة متوقفة")

    panel.get_by_role("combobox").select_option("group_heading")
    panel.get_by_role("spinbutton", name="عدد الأشخاص").fill("4")
    panel.get_by_role("textbox", name="المكان").fill("37S FU 88 07")
    panel.get_by_role("button", name="أرسل").first.click()
    said = panel.get_by_role("list", name="الرسائل").get_by_role("listitem").last
    expect(said).to_contain_text(re.compile("مجموعة تتجه نحوكم قرب .*37S FU 88 07.* عدد الأشخاص: 4"))
    expect(said).to_contain_text("وصلت")
    page.emulate_media(reduced_motion="reduce")
    assert violations(page) == []


def look_around(page: Page, violations: Violations) -> None:
    """See what stands in the partner's panel."""
    panel = page.locator("#left-panel")
    # Who keeps watch, and when nobody does, stands there; so does what nobody covers and who may come near whom.
    expect(panel.get_by_role("list", name=re.compile("نوبة المراقبة في")).locator(".gap")).to_contain_text("لا أحد")
    expect(panel).to_contain_text("لم يعرضهما أي طرف")
    expect(panel).to_contain_text("قد تقترب دوريات الطرفين")
    expect(panel).to_contain_text(re.compile("النقطة .*gate.*هناك من يراقب"))
    expect(panel).to_contain_text("مربعان بعرض")
    page.emulate_media(reduced_motion="reduce")
    assert violations(page) == []


def take_back(page: Page, violations: Violations) -> None:
    """Take back what they see of ours, and open what they told."""
    panel, dialog = page.locator("#left-panel"), page.get_by_role("dialog")
    # What of ours they see is taken back, for a reason.
    panel.get_by_role("button", name=re.compile("مجموعة من 5 أو أكثر|مجموعة.*5")).last.click()
    focus = page.locator(".focus")
    expect(focus).to_contain_text("ليس بعد")
    focus.get_by_role("button", name="اسحب").press("Enter")
    dialog.get_by_label("السبب").fill("كانوا من دوريتنا")
    assert violations(page) == []
    page.keyboard.press("Enter")
    # Whoever opens what they told has them told so, once.
    for name in ("هناك من يراقب", "عبور الخط", "هناك من يراقب"):
        panel.get_by_role("button", name=re.compile(name)).first.click()
    expect(focus).to_contain_text("الساعات")


def test_the_partner_is_asked_and_proposed_to_by_keyboard_alone(
    new_page: NewPage, server: Server, violations: Violations
) -> None:
    page = new_page()
    server.script("partner")
    expect(page.locator("header.bar .chip")).to_be_visible()
    page.keyboard.press("4")
    panel, dialog, toast = page.locator("#left-panel"), page.get_by_role("dialog"), page.get_by_text("قيل للشريك").first
    look_around(page, violations)

    def opened(name: str) -> None:
        panel.get_by_role("button", name=name, exact=True).first.focus()
        page.keyboard.press("Enter")
        expect(dialog).to_be_visible()

    opened("اطلب منهم المراقبة")
    page.keyboard.type("nowhere")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_be_visible()
    assert violations(page) == []
    dialog.get_by_label("المكان").fill("34.391, 41.045")
    expect(dialog).to_contain_text("37S FU 88 07")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(toast).to_be_visible()
    for name, filled in (
        ("اقترح حادثًا مشتركًا", {"كلمة": "الأربعة أنفسهم"}),
        ("اقترح نقطة مراقبة", {"المكان": "34.391, 41.045", "اسم النقطة": "البوابة"}),
        ("اقترح جدول مناوبات", {}),
    ):
        opened(name)
        for label, text in filled.items():
            dialog.get_by_label(label).fill(text)
        assert violations(page) == []
        dialog.locator("button.primary").focus()
        page.keyboard.press("Enter")
        expect(dialog).to_have_count(0)
    opened("اعرض التغطية")
    expect(dialog).to_contain_text("لا شيء يمكن عرضه")
    page.keyboard.press("Escape")
    opened("من يراقب")
    dialog.get_by_label("لا أحد يراقب").check()
    assert violations(page) == []
    page.keyboard.press("Enter")
    panel.get_by_role("button", name="نتولاها نحن").press("Enter")
    take_back(page, violations)
    said = [each["event"]["message"]["body"] for each in said_in(page)]
    assert [each["type"] for each in said] == [
        "look_request", "incident_proposal", "post_proposal", "roster_proposal", "slot_claim", "recall",
        "releases_opened", "releases_opened",
    ]  # fmt: skip
    look, _, post, roster, *_ = said
    assert look["cells"] == {"size_m": 1000, "cells": [[1, 1]]}
    assert post["manned_by"] == ["east", "west"]
    ends = [(slot["from_ns"], slot["until_ns"]) for slot in roster["slots"]]
    assert all(end[1] == begin[0] for end, begin in itertools.pairwise(ends))
    assert {slot["party"] for slot in roster["slots"]} == {"east", "west"}


def test_what_may_be_answered_is_answered_by_whom_it_takes(
    new_page: NewPage, server: Server, violations: Violations
) -> None:
    page = new_page(language="en")
    server.script("partner")
    page.locator("header.bar .chip").click()
    matters = page.locator("#left-panel li")
    theirs, ours = matters.filter(has_text="near the well"), matters.filter(has_text="خلف التل")
    expect(ours.get_by_role("button")).to_have_text(["Withdraw"])
    # An operator answers who asks to look; a joint incident takes a supervisor.
    expect(theirs.get_by_role("button")).to_have_text(["Accept", "Seen", "Nothing seen", "Could not look", "Decline"])
    expect(matters.filter(has_text="at the ford").get_by_role("button")).to_have_count(0)
    theirs.get_by_role("button", name="Seen", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("What was seen").select_option("group")
    dialog.get_by_label("How many").fill("3")
    dialog.get_by_label("Where").fill("34.391, 41.045")
    page.emulate_media(reduced_motion="reduce")
    assert violations(page) == []
    dialog.get_by_role("button", name="Send").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Announce a patrol").click()
    dialog.get_by_label("Name of the patrol").fill("Falcon")
    dialog.get_by_label("Where it begins").fill("34.391, 41.045")
    dialog.get_by_label("Where it goes to").fill("34.391, 41.075")
    expect(dialog.get_by_text(re.compile("4.* squares of"))).to_be_visible()
    assert violations(page) == []
    dialog.get_by_role("button", name="Announce a patrol").click()
    expect(dialog).to_have_count(0)
    found, corridor = (each["event"]["message"]["body"] for each in said_in(page))
    assert (found["says"], found["finding"]["kind"], found["finding"]["count"]["best"]) == ("seen", "group", 3)
    assert found["finding"]["cells"] == {"size_m": 1000, "cells": [[1, 1]]}
    assert corridor["cells"] == {"size_m": 1000, "cells": [[1, 1], [2, 1], [3, 1], [4, 1]]}
    assert corridor["until_ns"] - corridor["from_ns"] == 2 * 3600 * 10**9
    supervisor = new_page(language="en", user="rana")
    supervisor.locator("header.bar .chip").click()
    incident = supervisor.locator("#left-panel li").filter(has_text="at the ford")
    expect(incident.get_by_role("button")).to_have_text(["Accept", "Decline"])


def said_in(page: Page) -> list[dict[str, Any]]:
    """What was said to the partner, as the log has it."""
    events: list[dict[str, Any]] = page.evaluate("fetch('/api/events?from=0&to=9e18').then(each => each.json())")
    return [each for each in events if each["event"]["type"] == "joint_said"]


def test_it_takes_two_to_tell_a_partner_again(new_page: NewPage, server: Server) -> None:
    page = new_page(language="en", user="rana")
    server.script("partner")
    expect(page.locator("header.bar .chip")).to_be_visible()
    page.locator("[data-alarm=A3]").click()
    focus = page.locator(".focus")
    expect(focus).to_contain_text(re.compile("Also seen by .*الجانب الغربي"))
    both = focus.locator("section").filter(has=page.get_by_role("heading", name="Both sides see it"))
    expect(both).to_contain_text(re.compile("We saw it.*told.*Person, on foot.*37S FU 91 08"))
    page.keyboard.press("4")
    page.locator("#left-panel").get_by_role("button", name=re.compile("Person, on foot")).click()
    expect(focus).to_contain_text("what they told")
    focus.get_by_role("button", name="Show it on the map").click()
    expect(focus).to_contain_text("G3")
    page.get_by_text("Layers").click()
    expect(page.get_by_label("With what the partner told")).to_be_checked()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Stop sharing").click()
    page.keyboard.type("their list was published")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Ask to go on").click()
    page.keyboard.type("the list was taken down")
    page.keyboard.press("Enter")
    expect(page.locator("#left-panel")).to_contain_text("a second person must confirm")
    expect(page.get_by_role("button", name="Confirm going on")).to_have_count(0)
    other = new_page(language="en", user="nour")
    expect(other.locator("header.bar .chip")).to_be_visible()
    other.keyboard.press("4")
    expect(other.locator("#left-panel")).to_contain_text("rana")
    other.get_by_role("button", name="Confirm going on").click()
    other.keyboard.type("seen that it is gone")
    other.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Stop sharing")).to_be_visible()


def flat(tile: Route) -> None:
    """The ground at the height of the sea, as a tile of heights, or of nothing else."""
    if "/terrain/" in tile.request.url:
        sea = io.BytesIO()
        # Red counts 256 m, from -32768 m on.
        Image.new("RGB", (256, 256), (128, 0, 0)).save(sea, "PNG")
        tile.fulfill(body=sea.getvalue(), content_type="image/png")
    else:
        tile.fulfill(body=b"", content_type="application/x-protobuf")


def test_what_both_see_is_named_on_the_map_with_how_old_their_word_is(new_page: NewPage, server: Server) -> None:
    page = new_page(language="en", user="rana")
    server.script("partner")
    edges = {"west_deg": 40.95, "south_deg": 34.3, "east_deg": 41.2, "north_deg": 34.5}
    facts = {"max_zoom": 12, "version": "1", "illustrative": True, "source": "", "base_map": False, "layers": False}
    # The server here has no ground: the page has asked in vain before it is given any.
    expect(page.get_by_text("Try again")).to_be_visible()
    page.route(re.compile("/api/map/(terrain|contours)/"), flat)
    page.route(re.compile("/api/map$"), lambda asked: asked.fulfill(json=edges | facts))
    page.get_by_text("Try again").click()
    said = page.locator("p.hidden[aria-live]")
    ground = page.locator(".maplibregl-canvas")
    expect(page.locator(".scale")).to_contain_text(re.compile("[1-9]"), timeout=60_000)
    heard = []
    ground.focus()
    for _ in range(30):
        page.keyboard.press("Tab")
        heard.append(said.inner_text())
        if "both see it" in heard[-1]:
            break
    # One symbol, ours, with the age of what they told of it.
    assert re.search("both see it, P .* ago, .*of", heard[-1]), heard


def test_an_officer_tells_of_something_beyond_the_rules(
    new_page: NewPage, server: Server, violations: Violations
) -> None:
    page = new_page()
    server.script("partner")
    server.script("crossing")
    page.locator("[data-alarm=A4]").click()
    page.locator(".focus").get_by_role("button", name="اعرض تسليم المتابعة").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("لم يُبلَّغوا بهذا بعد")
    dialog.get_by_role("button", name="أبلغ الشريك").click()
    dialog.get_by_label("حياة في خطر").check()
    dialog.get_by_label("السبب").fill("قصير")
    expect(dialog.get_by_role("button", name="أبلغ الشريك")).to_be_disabled()
    dialog.get_by_label("السبب").fill("بينهم أطفال قرب حقل الألغام")
    page.emulate_media(reduced_motion="reduce")
    assert violations(page) == []
    dialog.get_by_role("button", name="أبلغ الشريك").click()
    page.locator("header.bar .chip").click()
    expect(page.locator("#left-panel")).to_contain_text(re.compile("حياة في خطر.*بينهم أطفال"))


def test_a_statement_is_drafted_by_one_and_told_by_another(new_page: NewPage, violations: Violations) -> None:
    page = new_page()
    page.keyboard.press("2")
    page.keyboard.press("j")
    page.get_by_label("اسم المكان كما يُعلَن").fill("القائم")
    page.get_by_role("button", name="صُغ بيانًا").click()
    statement = page.locator("article[data-statement=S1]")
    expect(statement).to_contain_text("القيد")
    expect(statement).to_contain_text("يكشف")
    expect(statement).to_contain_text("يجب أن يقرأه ويعتمده شخص آخر")
    expect(statement.get_by_role("button", name="اعتمد")).to_have_count(0)
    page.emulate_media(reduced_motion="reduce")
    assert violations(page) == []
    other = new_page(user="rana")
    other.keyboard.press("2")
    other.keyboard.press("j")
    statement = other.locator("article[data-statement=S1]")
    statement.get_by_label("لماذا يجوز إعلان ما يكشفه").fill("معروفة للجميع")
    statement.get_by_role("button", name="اعتمد").click()
    statement.get_by_role("button", name="أعلن").click()
    expect(page.locator("article[data-statement=S1] .badge")).to_have_text("معلن")


def test_the_brief_is_a_key_away(new_page: NewPage, server: Server, violations: Violations) -> None:
    page = new_page()
    server.script("learned")
    page.keyboard.press("b")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("الحوادث القائمة")
    expect(dialog).to_contain_text(re.compile("C3: .?1.? من .?4"))
    expect(dialog).to_contain_text(re.compile("04:00: .?1.? من .?3"))
    expect(dialog).to_contain_text("حين لا يُعرف ما هو")
    expect(dialog).to_contain_text("I1")
    assert "/api/brief.pdf?from=" in (dialog.get_by_role("link").get_attribute("href") or "")
    page.emulate_media(reduced_motion="reduce")
    assert violations(page) == []


def test_a_layer_of_the_map_is_put_off_and_stays_off(new_page: NewPage, violations: Violations) -> None:
    page = new_page()
    page.get_by_text("الطبقات", exact=True).click()
    page.get_by_label("آثار المسير").uncheck()
    page.reload()
    page.get_by_text("الطبقات", exact=True).click()
    expect(page.get_by_label("آثار المسير")).not_to_be_checked()
    assert violations(page) == []


def test_axe_finds_nothing_on_any_screen(new_page: NewPage, violations: Violations, server: Server) -> None:
    page = new_page()
    server.script("crossing")
    expect(page.locator(WAITING)).to_have_count(2)
    page.emulate_media(reduced_motion="reduce")
    found = violations(page)
    page.keyboard.press("2")
    page.keyboard.press("j")
    expect(page.locator(".focus")).to_contain_text("I1")
    found += violations(page)
    for key in ("Shift+Slash", "Control+k"):
        page.keyboard.press(key)
        expect(page.get_by_role("dialog")).to_be_visible()
        found += violations(page)
        page.keyboard.press("Escape")
    assert found == []


DIALOGS = {
    "accounts": "الحسابات", "password": "كلمة المرور", "settings": "الإعدادات", "shift": "المناوبة",
    "sighting": "مشاهدة", "nuisance": "n", "shelve": "h", "assess": "e", "send": "s",
}  # fmt: skip
"""What is typed to find each dialog, or the key that opens it for the alarm that is picked."""


@pytest.mark.parametrize("dialog", DIALOGS)
def test_axe_finds_nothing_on_any_dialog(
    new_page: NewPage, violations: Violations, server: Server, dialog: str
) -> None:
    page = new_page(user="nour")
    server.script("crossing")
    expect(page.locator(WAITING)).to_have_count(2)
    page.emulate_media(reduced_motion="reduce")
    page.keyboard.press("t")
    asked = DIALOGS[dialog]
    if len(asked) == 1:
        page.keyboard.press(asked)
    else:
        page.keyboard.press("Control+k")
        page.keyboard.type(asked)
        page.keyboard.press("Enter")
    shown = page.get_by_role("dialog")
    expect(shown).to_be_visible()
    expect(shown.get_by_role("combobox", name="إنذار أو كاميرا أو دورية أو أمر")).to_have_count(0)
    expect(shown.locator(".skeleton")).to_have_count(0)
    assert violations(page) == []


def test_axe_finds_nothing_in_any_language(new_page: NewPage, violations: Violations, server: Server) -> None:
    page = new_page()
    server.script("crossing")
    expect(page.locator(WAITING)).to_have_count(2)
    page.emulate_media(reduced_motion="reduce")
    page.keyboard.press("t")
    for language in LANGUAGES:
        page.locator("header.bar select").select_option(language)
        assert violations(page) == []


@pytest.mark.parametrize("theme", ["dark", "red", "day"])
def test_axe_finds_nothing_in_any_theme(new_page: NewPage, violations: Violations, server: Server, theme: str) -> None:
    page = new_page(theme=theme)
    server.script("flood")
    expect(page.locator(".flood")).to_be_visible()
    page.emulate_media(reduced_motion="reduce")
    page.keyboard.press("t")
    assert violations(page) == []
    assert violations(new_page(user="", theme=theme)) == []
    phone = new_page("/patrol", user="p1", theme=theme, width=390, height=844)
    expect(phone.locator("main")).to_be_visible()
    assert violations(phone) == []


def test_axe_finds_nothing_on_the_desk_of_a_phone(new_page: NewPage, violations: Violations) -> None:
    page = new_page(width=390, height=844, has_touch=True, is_mobile=True)
    page.emulate_media(reduced_motion="reduce")
    for part in range(4):
        page.locator("nav.parts button").nth(part).click()
        assert violations(page) == []


def test_the_red_night_has_no_blue_and_no_green(new_page: NewPage, server: Server) -> None:
    page = new_page(theme="red")
    server.script("flood")
    expect(page.locator(".flood")).to_be_visible()
    page.keyboard.press("t")
    pixels = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    assert pixels[..., 0].max() > 200
    assert pixels[..., 1:].max() == 0


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (1920, 1080), (390, 844)])
@pytest.mark.parametrize("language", ["ar", "kmr"])
def test_it_fits_a_laptop_a_wall_and_a_phone(new_page: NewPage, width: int, height: int, language: str) -> None:
    page = new_page(language=language, width=width, height=height, has_touch=width < 500)
    expect(page.locator(WAITING)).to_have_count(1)
    page.locator(WAITING).locator(".pick").click()
    expect(page.locator(".focus footer .primary")).to_be_in_viewport()
    assert overflow(page) == 0
    if width > 500:
        expect(page.locator("header.bar button").last).to_be_in_viewport()
        expect(page.locator(".kpis")).to_be_in_viewport()


def test_what_can_be_touched_is_large_enough(new_page: NewPage) -> None:
    page = new_page(width=390, height=844, has_touch=True, is_mobile=True)
    expect(page.locator(WAITING)).to_have_count(1)
    small = page.evaluate(
        "[...document.querySelectorAll('button, select, input')].filter(each => each.offsetParent)"
        ".map(each => [each.getBoundingClientRect(), each.outerHTML.slice(0, 80)])"
        ".filter(([box]) => Math.min(box.height, 44) < 44).map(([, html]) => html)"
    )
    assert small == []


def test_a_patrol_answers_over_a_poor_link(new_page: NewPage, server: Server) -> None:
    desk = new_page(language="en")
    server.script("crossing")
    expect(desk.locator(WAITING)).to_have_count(2)
    desk.keyboard.press("t")
    desk.keyboard.press("s")
    expect(desk.locator("input[name=patrol]").first).to_be_checked()
    desk.keyboard.press("Enter")
    expect(desk.locator(".focus article")).to_contain_text("Sent")

    place = {"latitude": 34.37, "longitude": 41.05, "accuracy": 8}
    phone = new_page(
        "/patrol", user="p1", width=390, height=844, geolocation=place, permissions=["geolocation"], has_touch=True
    )
    expect(phone.locator(".grid")).to_have_text(re.compile(r"^37S FU \d{5} \d{5}$"))
    expect(desk.locator(".focus article")).to_contain_text("Received")
    phone.get_by_role("button", name="أبلغ عن موقعي").click()
    expect(phone.locator(".far").first).to_be_visible()
    server.kill()
    phone.get_by_role("button", name="قبول").click()
    expect(phone.locator("footer")).to_contain_text("لم يُرسل بعد")
    expect(phone.locator(".state")).to_have_text("قُبل")
    phone.get_by_role("button", name="في الطريق").click()
    expect(phone.locator(".state")).to_have_text("في الطريق")
    server.start()
    expect(phone.locator("footer")).to_contain_text("أُرسل كل شيء", timeout=20_000)
    expect(desk.locator(".focus article b").first).to_have_text("Under way", timeout=20_000)
    assert (server.told("accepted"), server.told("under_way")) == (1, 2)


def test_the_patrol_page_opens_without_a_server(new_page: NewPage, server: Server) -> None:
    phone = new_page("/patrol", user="p1", width=390, height=844)
    phone.evaluate("navigator.serviceWorker.ready.then(() => true)")
    expect(phone.locator("main")).to_contain_text("لا أمر")
    server.kill()
    phone.reload()
    expect(phone.locator("main")).to_contain_text("لا أمر", timeout=10_000)
    expect(phone.locator("header")).to_contain_text("لا اتصال")


def test_the_acts_of_one_officer_never_go_out_as_anothers(new_page: NewPage, server: Server) -> None:
    page = new_page(language="en")
    expect(page.locator(WAITING)).to_have_count(1)
    server.kill()
    page.keyboard.press("t")
    page.keyboard.press("a")
    expect(page.locator(".unsent")).to_be_visible()
    boxes: dict[str, str] = page.evaluate("Object.fromEntries(Object.entries(localStorage))")
    assert [key for key in boxes if key.startswith("marsad.outbox")] == ["marsad.outbox.zainab"]
    assert [each["act"]["type"] for each in json.loads(boxes["marsad.outbox.zainab"])] == ["acknowledge"]
    server.start()
