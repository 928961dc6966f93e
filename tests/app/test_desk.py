"""The desk with a real log on a real disk: what is told and asked of it, what followers hear, what a crash leaves."""

import asyncio
import math
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.adapters.sqlite import SqliteEventLog
from marsad.app.camera_wire import Glance
from marsad.app.desk import Control, DeskSettings, Outfit
from marsad.app.desk_setup import set_up
from marsad.console.desk import Events, FeedMessage, Hello, PictureMoved, Pulse
from marsad.console.shown import tracks_shown
from marsad.fuse.hypotheses import angles_to
from marsad.fuse.sensor import CameraSensor
from marsad.kernel.act import (
    AccountFor,
    Acknowledge,
    AnswerOrder,
    CloseIncident,
    DoStep,
    EndLesson,
    MarkNuisance,
    OpenIncident,
    Person,
    PersonAfterAll,
    ReportPosition,
    ReportSighting,
    SendPatrol,
    SetExercise,
    TakeIncident,
)
from marsad.kernel.alert import Alert, Rule
from marsad.kernel.detection import Box
from marsad.kernel.dispatch import Patrol
from marsad.kernel.error import InputError, RefusedError, UnavailableError
from marsad.kernel.event import (
    ActDone,
    AlarmChanged,
    CameraRunChanged,
    DeskKept,
    DispatchChanged,
    Event,
    HoldChanged,
    IncidentChanged,
    OfficerDecision,
    TrackConfirmed,
)
from marsad.kernel.measurement import Look, Measurement
from marsad.kernel.position import BearingMeasurement, Position
from marsad.kernel.site import Camera, Lens, Line, Pose, Rules, Site, Terrain
from marsad.kernel.track import Kind, Track
from marsad.respond.incident import PROCEDURES

S = 10**9
EPOCH_NS = 1_786_000_000 * S
ORIGIN = Position(latitude_deg=34.3, longitude_deg=41.0, height_m=200.0)
OFFICER = Person(name="Rana", role="operator")
PIXEL_RAD = 5e-4
QUIET: tuple[Rule, ...] = ("approach", "patrol_silent", "patrol_astray", "camera_silent", "link_lost")
"""These tests are about the desk: all that alarms is what they raise."""


def make_site() -> Site:
    lens = Lens(width_px=640, height_px=512, horizontal_fov_deg=60.0)
    cameras = []
    for name, longitude, azimuth in (("west", 40.99, 25.0), ("east", 41.01, -25.0)):
        pose = Pose(
            latitude_deg=34.3, longitude_deg=longitude, mast_m=30.0, azimuth_deg=azimuth, elevation_deg=-0.5,
            ground_height_m=200.0,
        )  # fmt: skip
        cameras.append(Camera(id=name, lens=lens, pose=pose, reach_m=8000.0))
    line = Line(
        id="line",
        points=(
            Position(latitude_deg=34.32, longitude_deg=40.98), Position(latitude_deg=34.32, longitude_deg=41.02),
        ),
    )  # fmt: skip
    patrols = (
        Patrol(patrol_id="p1", means="vehicle", persons=4, home=Position(latitude_deg=34.305, longitude_deg=41.0)),
        Patrol(patrol_id="p2", means="foot", persons=3, home=Position(latitude_deg=34.31, longitude_deg=41.002)),
    )
    return Site(
        name="Two masts", origin=ORIGIN, terrain=Terrain(flat_height_m=200.0, sigma_m=0.5), cameras=tuple(cameras),
        lines=(line,), patrols=patrols, rules=Rules(off=QUIET),
    )  # fmt: skip


SITE = make_site()
MADE = set_up(SITE)
SENSORS = {s.source_id: s for s in MADE.setup.sensors if isinstance(s, CameraSensor)}


class Hand:
    """A clock that is moved on by hand."""

    def __init__(self) -> None:
        self.now_ns = EPOCH_NS

    def __call__(self) -> int:
        return self.now_ns


class Bench:
    """A desk over a log in a folder."""

    def __init__(self, folder: Path, site: Site = SITE, **settings: float) -> None:
        self.folder = folder
        self.site = site
        self.clock = Hand()
        self.told: list[str] = []
        self.settings = DeskSettings(**{"show_s": 0.01, "keep_s": 5.0, "by_itself": False, **settings})
        self.log: SqliteEventLog | None = None

    async def open(self) -> Control:
        self.log = SqliteEventLog(self.folder / "events.sqlite", batch_s=0.05)
        outfit = Outfit(
            site=self.site, log=self.log, setup=MADE.setup, ground=MADE.ground, clock=self.clock, tell=self.told.append,
            settings=self.settings,
        )  # fmt: skip
        self.desk = Control(outfit)
        await self.desk.start()
        return self.desk

    async def close(self) -> None:
        await self.desk.stop()
        assert self.log is not None
        self.log.close()


def run(work: Awaitable[None]) -> None:
    async def go() -> None:
        await asyncio.wait_for(work, 240)

    asyncio.run(go())


def walker(second: float) -> tuple[float, float]:
    return -50.0 + 1.2 * second, 2000.0 + 0.5 * second


def glance(name: str, now_ns: int, *, rng: np.random.Generator, alert: str = "") -> Glance:
    """What a camera sees of somebody who walks north."""
    sensor = SENSORS[name]
    across, climb, _, _ = angles_to(sensor.surface, sensor.sight, *walker((now_ns - EPOCH_NS) / S), 0.0)
    noise = rng.normal(0, PIXEL_RAD, 2)
    bearing = BearingMeasurement(
        time_ns=now_ns, azimuth_rad=float(across + sensor.sight.heading_rad + noise[0]) % (2 * math.pi),
        elevation_rad=float(climb + noise[1]), azimuth_rad2=PIXEL_RAD**2, azimuth_elevation_rad2=0.0,
        elevation_rad2=PIXEL_RAD**2, pose_version=1,
    )  # fmt: skip
    box = Box(x_px=300.0, y_px=200.0, w_px=6.0, h_px=14.0)
    track = Track(
        track_id=7, camera_id=name, origin="own", time_ns=now_ns, frame_index=0, status="confirmed", box=box,
        velocity_x_px_s=0.0, velocity_y_px_s=0.0, contrast_counts=20.0, snr=9.0, kind="person", kind_confidence=0.8,
        confidence=0.9, first_ns=now_ns, confirmed_ns=now_ns, bearing=bearing,
    )  # fmt: skip
    look = Look(
        source_id=name, time_ns=now_ns,
        measurements=(Measurement(bearing=bearing, label=7, kind="person", kind_confidence=0.8),),
    )  # fmt: skip
    alerts = () if not alert else (make_alert(alert, name, now_ns, box),)
    return Glance(camera_id=name, time_ns=now_ns, fps=9.0, look=look, tracks=(track,), alerts=alerts)


def make_alert(alert_id: str, camera_id: str, now_ns: int, box: Box, track_id: int = 7) -> Alert:
    return Alert(
        alert_id=alert_id, rule="line_crossing", rule_id="line", priority="high", camera_id=camera_id,
        track_id=track_id, time_ns=now_ns, frame_index=0, kind="person", box=box, text="Person, on foot",
        direction="inward",
    )  # fmt: skip


async def watch(bench: Bench, seconds: float, *, alert_at: float | None = None, seed: int = 1) -> None:
    """Let both cameras look four times a second."""
    rng = np.random.default_rng(seed)
    for step in range(round(4 * seconds)):
        alert = f"{bench.clock.now_ns}" if alert_at is not None and step == round(4 * alert_at) else ""
        for name in SENSORS:
            bench.desk.take(glance(name, bench.clock.now_ns, rng=rng, alert=alert if name == "west" else ""))
        bench.clock.now_ns += S // 4
        await settled(bench)


async def settled(bench: Bench) -> None:
    """Let the desk do what is due."""
    if bench.settings.by_itself:
        await asyncio.sleep(0.02)
    else:
        await bench.desk.advance()


class Browser:
    """Keeps its state by reducing what it is told, as a browser does."""

    def __init__(self) -> None:
        self.sequence: int | None = None
        self.alarms: dict[str, Any] = {}
        self.incidents: dict[str, Any] = {}
        self.dispatches: dict[str, Any] = {}
        self.holds: dict[str, Any] = {}
        self.tracks: dict[str, Any] = {}
        self.seen: list[int] = []
        self.hellos = 0
        self.pulses = 0

    def hear(self, message: FeedMessage) -> None:
        match message:
            case Hello(state=state):
                self.hellos += 1
                self.alarms = {each.alarm_id: each for each in state.alarms}
                self.incidents = {each.incident_id: each for each in state.incidents}
                self.dispatches = {each.dispatch_id: each for each in state.dispatches}
                self.holds = {each.hold_id: each for each in state.holds}
                self.tracks = {each.track_id: each for each in tracks_shown(state.picture, ())}
                self.seen.append(state.sequence)
            case Events(events=events):
                for told in events:
                    assert told.sequence > self.seen[-1] if self.seen else True
                    self.seen.append(told.sequence)
                    self.take(told.event)
            case PictureMoved():
                if message.whole:
                    self.tracks = {}
                self.tracks |= {each.track_id: each for each in message.tracks}
                for name in message.gone:
                    self.tracks.pop(name, None)
            case Pulse():
                self.pulses += 1
        self.sequence = message.sequence

    def take(self, event: Event) -> None:
        match event:
            case AlarmChanged(alarm=alarm):
                self.alarms[alarm.alarm_id] = alarm
            case IncidentChanged(incident=incident):
                self.incidents[incident.incident_id] = incident
            case DispatchChanged(dispatch=dispatch):
                self.dispatches[dispatch.dispatch_id] = dispatch
            case HoldChanged(hold=hold, ended=True):
                self.holds.pop(hold.hold_id, None)
            case HoldChanged(hold=hold):
                self.holds[hold.hold_id] = hold

    def agrees_with(self, desk: Control) -> None:
        state = desk.state()
        assert self.alarms == {each.alarm_id: each for each in state.alarms}
        assert self.incidents == {each.incident_id: each for each in state.incidents}
        assert self.dispatches == {each.dispatch_id: each for each in state.dispatches}
        assert self.holds == {each.hold_id: each for each in state.holds}
        assert self.tracks == {each.track_id: each for each in tracks_shown(state.picture, desk._board.alarmed)}


async def listen(feed: AsyncIterator[FeedMessage], browser: Browser) -> None:
    """Hear until nothing more comes."""
    try:
        while True:
            browser.hear(await asyncio.wait_for(anext(feed), 0.15))
    except (TimeoutError, StopAsyncIteration):
        await feed.aclose()  # type: ignore[attr-defined]


def test_what_two_cameras_see_becomes_one_track_and_one_alarm(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path)
        desk = await bench.open()
        await watch(bench, 8, alert_at=4)
        rng = np.random.default_rng(2)
        desk.take(glance("east", bench.clock.now_ns, rng=rng, alert="another"))
        await settled(bench)
        state = desk.state()
        [track] = [each for each in state.picture.tracks if each.status == "confirmed"]
        assert {each.source_id for each in track.contributors} == {"west", "east"}
        east, north = walker((bench.clock.now_ns - EPOCH_NS) / S)
        assert math.hypot(track.ground.east_m - east, track.ground.north_m - north) < 15
        [alarm] = state.alarms
        assert (alarm.state, alarm.alerts, alarm.camera_ids) == ("unacknowledged", 2, ("east", "west"))
        assert alarm.subject_id == track.track_id
        assert state.figures is not None
        assert (state.figures.standing, state.figures.folded) == (1, 1)
        assert {each.camera_id: each.fps for each in state.cameras} == {"west": 9.0, "east": 9.0}
        await bench.close()

    run(night())


def test_a_track_is_carried_on_to_now_and_is_less_sure_for_it(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path)
        desk = await bench.open()
        await watch(bench, 8)
        [before] = desk.picture.tracks
        bench.clock.now_ns += 4 * S
        await settled(bench)
        [after] = desk.picture.tracks
        assert after.time_ns == bench.clock.now_ns
        assert after.ground.covariance.east_m2 > before.ground.covariance.east_m2
        assert after.ground.east_m > before.ground.east_m + 2
        assert after.status == "coasting"
        await bench.close()

    run(night())


def test_the_officer_acknowledges_sends_a_patrol_and_closes(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path)
        desk = await bench.open()
        await watch(bench, 6, alert_at=5)
        [alarm] = desk.state().alarms
        await desk.act(OFFICER, Acknowledge(act_id="1", alarm_id=alarm.alarm_id))
        before = await asyncio.to_thread(desk.options, alarm.alarm_id)
        assert desk.state().incidents == (), "to ask who could be sent opens nothing"
        made = await desk.act(
            OFFICER, OpenIncident(act_id="2", kind="crossing", text="One", alarm_ids=(alarm.alarm_id,))
        )
        [told] = made.events
        incident_id = told.event.incident.incident_id
        await desk.act(OFFICER, TakeIncident(act_id="3", incident_id=incident_id))
        options = await asyncio.to_thread(desk.options, incident_id)
        assert options == before
        assert [each.patrol_id for each in options] == ["p1", "p2"]
        assert options[0].meet_ns > bench.clock.now_ns
        first = options[0].patrol_id
        await desk.act(
            OFFICER, SendPatrol(act_id="4", incident_id=incident_id, patrol_id=first, task="stop", text="Go")
        )
        [order] = desk.state().dispatches
        phone = Person(name="Ali", role="patrol", patrol_id=first)
        said = bench.clock.now_ns
        await desk.act(
            phone, AnswerOrder(act_id="5", dispatch_id=order.dispatch_id, says="on_scene", time_ns=said, via="phone")
        )
        other = Person(name="Omar", role="patrol", patrol_id="another")
        with pytest.raises(RefusedError, match="speaks for patrol another"):
            await desk.act(
                other, AnswerOrder(act_id="6", dispatch_id=order.dispatch_id, says="done", time_ns=said, via="phone")
            )
        await desk.act(OFFICER, AccountFor(act_id="7", incident_id=incident_id, persons=1, outcome="detained"))
        with pytest.raises(RefusedError, match="steps"):
            await desk.act(OFFICER, CloseIncident(act_id="8", incident_id=incident_id))
        for number, step in enumerate(PROCEDURES["crossing"]):
            await desk.act(OFFICER, DoStep(act_id=f"9.{number}", incident_id=incident_id, step=step))
        await desk.act(OFFICER, CloseIncident(act_id="10", incident_id=incident_id))
        [closed] = desk.state().incidents
        assert closed.state == "closed"
        await bench.close()

    run(night())


def test_a_patrols_own_position_and_a_residents_report_come_into_the_picture(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path)
        desk = await bench.open()
        place = Position(latitude_deg=34.311, longitude_deg=41.001)
        phone = Person(name="Ali", role="patrol", patrol_id="p2")
        for number in range(6):
            report = ReportPosition(
                act_id=f"r{number}", patrol_id="p2", position=place, sigma_m=5.0, time_ns=bench.clock.now_ns
            )
            await desk.act(phone, report)
            bench.clock.now_ns += S
            await settled(bench)
        state = desk.state()
        [patrol] = state.patrols
        assert patrol.position == place
        assert [(each.standing, each.standing_id) for each in state.picture.tracks] == [("own", "p2")]
        with pytest.raises(UnavailableError, match="leave the name out"):
            await desk.act(OFFICER, sighting("s1", bench.clock.now_ns, reporter="Abu Hassan, the well"))
        await desk.act(OFFICER, sighting("s2", bench.clock.now_ns))
        await settled(bench)
        assert len(desk.state().picture.tracks) == 2
        with pytest.raises(InputError, match="ahead of the desk's clock"):
            await desk.act(OFFICER, sighting("s3", bench.clock.now_ns + 3600 * S))
        await bench.close()

    run(night())


def sighting(act_id: str, seen_ns: int, reporter: str = "") -> ReportSighting:
    return ReportSighting(
        act_id=act_id, what="Two men", position=Position(latitude_deg=34.316, longitude_deg=40.995), sigma_m=60.0,
        seen_ns=seen_ns, source="B", content="2", reporter_kind="resident", reporter=reporter,
    )  # fmt: skip


def test_an_act_counts_once_however_often_it_is_sent_and_also_after_a_restart(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path)
        desk = await bench.open()
        act = OpenIncident(act_id="twice", kind="other", text="Lights", position=ORIGIN)
        first, second = await asyncio.gather(desk.act(OFFICER, act), desk.act(OFFICER, act))
        third = await desk.act(OFFICER, act)
        assert [first.repeated, second.repeated, third.repeated] == [False, True, True]
        assert first.events == second.events == third.events
        assert len(desk.state().incidents) == 1
        await bench.close()
        desk = await bench.open()
        again = await desk.act(OFFICER, act)
        assert (again.repeated, again.events) == (True, first.events)
        fresh = await desk.act(OFFICER, msgspec.structs.replace(act, act_id="new"))
        assert fresh.events[0].event.incident.incident_id == "I2"
        await bench.close()

    run(night())


def test_a_refused_act_leaves_nothing_behind_and_may_be_asked_for_again(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path)
        desk = await bench.open()
        await settled(bench)
        before = desk.state()
        with pytest.raises(InputError, match="no alarm"):
            await desk.act(OFFICER, Acknowledge(act_id="a", alarm_id="A1"))
        with pytest.raises(RefusedError, match="no exercise runs"):
            await desk.act(OFFICER, SetExercise(act_id="b", on=False))
        assert desk.state().sequence == before.sequence
        await desk.act(OFFICER, SetExercise(act_id="b", on=True, name="Night one"))
        assert desk.state().exercise == "Night one"
        made = await desk.act(OFFICER, OpenIncident(act_id="c", kind="other", text="Played", position=ORIGIN))
        assert made.events[0].event.incident.exercise
        await bench.close()

    run(night())


def test_the_past_is_shown_as_it_was_known_then(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path, keep_s=3.0)
        desk = await bench.open()
        bench.clock.now_ns += S
        seen = {}
        for number in range(12):
            await watch(bench, 2, alert_at=1 if number % 3 == 0 else None, seed=number)
            for alarm in desk.state().alarms:
                if alarm.state == "unacknowledged":
                    await desk.act(OFFICER, Acknowledge(act_id=f"ack {number}", alarm_id=alarm.alarm_id))
            await settled(bench)
            bench.clock.now_ns += S // 2
            state = desk.state()
            seen[bench.clock.now_ns] = msgspec.structs.replace(state, picture=desk._board.picture)
            bench.clock.now_ns += S // 2
        assert sum(isinstance(each.event, DeskKept) for each in bench.log.read()) >= 5
        for time_ns, then in seen.items():
            shown = await asyncio.to_thread(desk.state_at, time_ns)
            assert {each.alarm_id: each for each in shown.alarms} == {each.alarm_id: each for each in then.alarms}
            assert [each.track_id for each in shown.picture.tracks] == [each.track_id for each in then.picture.tracks]
            assert then.picture.time_ns <= shown.picture.time_ns <= time_ns
            assert shown.figures == then.figures
            assert shown.now_ns == time_ns
        with pytest.raises(InputError, match="begins after"):
            desk.state_at(EPOCH_NS - 1)
        span = desk.events(min(seen), max(seen))
        assert [each.sequence for each in span] == sorted(each.sequence for each in span)
        assert any(isinstance(each.event, AlarmChanged) for each in span)
        assert len(desk.events(min(seen), max(seen), most=3)) == 3
        await bench.close()

    run(night())


def test_a_restart_goes_on_with_the_same_alarms_tracks_and_names(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path, keep_s=2.0)
        desk = await bench.open()
        await watch(bench, 8, alert_at=4)
        before = desk.state()
        await bench.close()
        desk = await bench.open()
        after = desk.state()
        assert {each.alarm_id: each for each in after.alarms} == {each.alarm_id: each for each in before.alarms}
        assert [each.track_id for each in after.picture.tracks] == [each.track_id for each in before.picture.tracks]
        await watch(bench, 2, alert_at=1, seed=3)
        [alarm] = desk.state().alarms
        assert (alarm.alarm_id, alarm.alerts) == (before.alarms[0].alarm_id, 2)
        [track] = desk.state().picture.tracks
        assert track.track_id == before.picture.tracks[0].track_id
        assert track.seen_ns > before.picture.tracks[0].seen_ns
        await bench.close()

    run(night())


async def something_happens(bench: Bench, rng: random.Random, step: int) -> None:
    """An alert, at times an act, and at times the desk gets round to what is due."""
    box = Box(x_px=rng.uniform(0, 600), y_px=100.0, w_px=5.0, h_px=12.0)
    alert = make_alert(f"x{step}", "west", bench.clock.now_ns, box, track_id=100 + rng.randrange(6))
    bench.desk.take(Glance(camera_id="west", time_ns=bench.clock.now_ns, alerts=(alert,)))
    if rng.random() < 0.3:
        await bench.desk.act(OFFICER, OpenIncident(act_id=f"{step}", kind="other", text="x", position=ORIGIN))
    bench.clock.now_ns += rng.choice([S // 10, S, 7 * S])
    await asyncio.sleep(rng.choice([0.0, 0.0, 0.012]))


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32 - 1))
def test_followers_who_come_and_go_anywhere_miss_nothing_and_hear_nothing_twice(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    async def night() -> None:
        bench = Bench(tmp_path_factory.mktemp("feed"), keep_s=2.0, by_itself=True)
        rng = random.Random(seed)  # noqa: S311 - a test
        desk = await bench.open()
        desk._feed._most = rng.choice([3, 20, 20_000])
        browsers = [Browser() for _ in range(4)]
        open_: dict[int, asyncio.Task[None]] = {}

        async def follow(number: int) -> None:
            async for message in desk.follow(browsers[number].sequence):
                browsers[number].hear(message)
                if rng.random() < 0.3:
                    await asyncio.sleep(0.01)

        for step in range(60):
            number = rng.randrange(4)
            if number in open_ and rng.random() < 0.5:
                open_.pop(number).cancel()
            elif number not in open_:
                open_[number] = asyncio.create_task(follow(number))
            await something_happens(bench, rng, step)
        for task in open_.values():
            task.cancel()
        await bench.desk.advance()
        for browser in browsers:
            await listen(desk.follow(browser.sequence), browser)
            browser.agrees_with(desk)
            assert len(browser.seen) == len(set(browser.seen))
        # One who has nothing, and one who was there from the beginning and is told every single event.
        patient = Browser()
        patient.sequence = -1
        await listen(desk.follow(-1), patient)
        patient.agrees_with(desk)
        assert patient.hellos == 0
        await bench.close()

    run(night())


def test_who_claims_to_know_more_than_the_log_has_is_told_everything(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path)
        desk = await bench.open()
        for since in (None, 10**9, -5):
            message = await anext(aiter(desk.follow(since)))
            assert isinstance(message, Hello)
        await bench.close()

    run(night())


def test_while_the_disk_is_full_alarms_are_shown_acts_are_refused_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def night() -> None:
        bench = Bench(tmp_path)
        desk = await bench.open()
        await watch(bench, 5, alert_at=4)
        [alarm] = desk.state().alarms
        pages = bench.log._connection.execute("PRAGMA page_count").fetchone()[0]
        bench.log._connection.execute(f"PRAGMA max_page_count = {pages}")
        monkeypatch.setattr("marsad.app.desk_log.RETRY_S", 0.05)
        browser = Browser()
        feed = asyncio.create_task(listen_long(desk, browser))
        box = Box(x_px=10.0, y_px=100.0, w_px=5.0, h_px=12.0)
        raised = 1
        while not desk.log_down:
            now = bench.clock.now_ns
            alert = make_alert(f"full {raised}", "west", now, box, track_id=500 + raised)
            far = msgspec.structs.replace(alert, box=Box(x_px=10.0 + 50 * raised, y_px=100.0, w_px=5.0, h_px=12.0))
            desk.take(Glance(camera_id="west", time_ns=now, alerts=(far,)))
            bench.clock.now_ns += 200 * S
            await desk._running.drain()
            raised += 1
            assert raised < 2000
        assert "disk is full" in desk.log_down
        with pytest.raises(UnavailableError, match="nothing is done"):
            await desk.act(OFFICER, Acknowledge(act_id="ack", alarm_id=alarm.alarm_id))
        shown = {each.alarm_id for each in desk.state().alarms if each.state != "closed"}
        assert f"A{raised}" in shown
        await asyncio.sleep(0.2)
        assert f"A{raised}" in browser.alarms
        bench.log._connection.execute(f"PRAGMA max_page_count = {2**30}")
        await asyncio.sleep(0.5)
        assert not desk.log_down
        assert any("CANNOT BE WRITTEN" in line for line in bench.told)
        assert any("nothing is missing" in line for line in bench.told)
        await desk.act(OFFICER, Acknowledge(act_id="ack", alarm_id=alarm.alarm_id))
        feed.cancel()
        fresh = Browser()
        await listen(desk.follow(browser.sequence), browser)
        await listen(desk.follow(None), fresh)
        assert browser.alarms == fresh.alarms
        logged = {each.sequence: each.event for each in bench.log.read()}
        assert f"A{raised}" in {each.alarm.alarm_id for each in logged.values() if isinstance(each, AlarmChanged)}
        bench.log.verify()
        await bench.close()

    async def listen_long(desk: Control, browser: Browser) -> None:
        async for message in desk.follow(None):
            browser.hear(message)

    run(night())


def test_the_loop_is_not_held_up_while_much_is_fused_and_written(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path, by_itself=True)
        desk = await bench.open()
        gaps: list[float] = []

        async def beat() -> None:
            # The time that this thread has worked: what others on the machine do is no matter of the desk's.
            before = time.thread_time()
            while True:
                await asyncio.sleep(0.005)
                now = time.thread_time()
                gaps.append(now - before)
                before = now

        await watch(bench, 3)  # what is compiled on its first call is compiled now
        task = asyncio.create_task(beat())
        await watch(bench, 10, alert_at=3)
        incident = await desk.act(OFFICER, OpenIncident(act_id="i", kind="other", text="x", position=ORIGIN))
        await asyncio.to_thread(desk.options, incident.events[0].event.incident.incident_id)
        task.cancel()
        assert max(gaps) < 0.05
        await bench.close()

    run(night())


KILLED = """
import asyncio, os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import test_desk as t

async def night():
    bench = t.Bench(Path(sys.argv[1]), keep_s=1.0)
    desk = await bench.open()
    number = desk.state().sequence
    while True:
        number += 1
        act = t.OpenIncident(act_id=f"act {number}", kind="other", text=f"{number}", position=t.ORIGIN)
        done = await desk.act(t.OFFICER, act)
        name = done.events[0].event.incident.incident_id
        os.write(1, f"act {number}|{name}\\n".encode())
        bench.clock.now_ns += t.S // 5

asyncio.run(night())
"""


def test_what_was_answered_is_in_the_log_whenever_the_desk_is_killed(tmp_path: Path) -> None:
    answered: list[tuple[str, str]] = []
    for life in range(3):
        program = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), str(Path(__file__).parent)], stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        assert program.stdout is not None
        for _ in range(4 + 3 * life):
            act_id, name = program.stdout.readline().decode().strip().split("|")
            answered.append((act_id, name))
        program.send_signal(signal.SIGKILL)
        rest = program.stdout.read().decode().splitlines()
        program.stdout.close()
        answered += [(a, b) for a, _, b in (line.partition("|") for line in rest if "|" in line)]
        program.wait()

    async def look() -> None:
        bench = Bench(tmp_path)
        desk = await bench.open()
        incidents = {each.incident_id for each in desk.state().incidents}
        assert {name for _, name in answered} <= incidents
        assert len({name for _, name in answered}) == len(answered)
        for act_id, name in answered:
            again = OpenIncident(act_id=act_id, kind="other", text="again", position=ORIGIN)
            done = await desk.act(OFFICER, again)
            assert (done.repeated, done.events[0].event.incident.incident_id) == (True, name)
        bench.log.verify()
        await bench.close()

    run(look())


def test_a_camera_that_gives_no_pictures_raises_an_alarm_that_ends_with_them(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(
            tmp_path,
            site=msgspec.structs.replace(
                SITE, rules=Rules(off=("approach", "link_lost", "patrol_silent"), camera_silent_s=3.0)
            ),
        )
        desk = await bench.open()
        for name in SENSORS:
            desk.camera_runs(name, "running")
        await watch(bench, 4)
        desk.camera_runs("west", "lost", 0, "killed by signal 9")
        for _ in range(8):
            bench.clock.now_ns += S
            east = glance("east", bench.clock.now_ns, rng=np.random.default_rng(1))
            desk.take(east)
            await settled(bench)
        await settled(bench)
        silent = [each for each in desk.state().alarms if each.about == "camera"]
        assert [(each.met[0].rule, each.response, each.stands) for each in silent] == [
            ("camera_silent", "cover_and_repair", True)
        ]
        desk.camera_runs("west", "running", 1)
        for _ in range(45):
            bench.clock.now_ns += S
            for name in SENSORS:
                desk.take(glance(name, bench.clock.now_ns, rng=np.random.default_rng(1)))
            await settled(bench)
        await settled(bench)
        [silent] = [each for each in desk.state().alarms if each.alarm_id == silent[0].alarm_id]
        assert not silent.stands
        await bench.close()

    run(night())


def test_a_camera_that_comes_and_goes_is_shown_with_how_often(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path)
        desk = await bench.open()
        for run_, restarts in (("starting", 0), ("running", 0), ("lost", 0), ("restarting", 1), ("running", 1)):
            desk.camera_runs("west", run_, restarts, "killed by signal 9")
            bench.clock.now_ns += S
        await settled(bench)
        [west] = [each for each in desk.state().cameras if each.camera_id == "west"]
        assert (west.run, west.restarts) == ("running", 1)
        logged = [each.event for each in bench.log.read() if isinstance(each.event, CameraRunChanged)]
        assert [each.run for each in logged] == ["starting", "running", "lost", "restarting", "running"]
        assert not any(isinstance(each.event, ActDone | OfficerDecision) for each in bench.log.read())
        await bench.close()

    run(night())


def somebody(number: int, now_ns: int, *, x_px: float) -> Glance:
    """A camera that does not know where it looks tells of one whom it has just believed, and who crosses."""
    box = Box(x_px=x_px, y_px=200.0, w_px=6.0, h_px=14.0)
    track = Track(
        track_id=number, camera_id="west", origin="own", time_ns=now_ns, frame_index=0, status="confirmed", box=box,
        velocity_x_px_s=0.0, velocity_y_px_s=0.0, contrast_counts=20.0, snr=9.0, kind="person", kind_confidence=0.8,
        confidence=0.9, first_ns=now_ns, confirmed_ns=now_ns,
    )  # fmt: skip
    alert = make_alert(f"west-{number}", "west", now_ns, box, number)
    return Glance(
        camera_id="west", time_ns=now_ns, tracks=(track,), alerts=(alert,),
        events=(TrackConfirmed(time_ns=now_ns, track=track),),
    )  # fmt: skip


@pytest.mark.parametrize("what", ["the camera", "the station", "the station, which is killed"])
def test_another_person_after_a_restart_is_no_part_of_an_alarm_that_stands(tmp_path: Path, what: str) -> None:
    async def night() -> None:
        bench = Bench(tmp_path)
        desk = await bench.open()
        number = desk.first_track("west")
        desk.camera_open("west")
        desk.take(somebody(number, bench.clock.now_ns, x_px=40.0))
        await settled(bench)
        bench.clock.now_ns += 10 * S
        if what == "the camera":
            desk.camera_runs("west", "lost")
        else:
            if what == "the station":
                await bench.close()
            else:
                # What is on the disk is all that is left of it.
                left = shutil.copytree(tmp_path, tmp_path / "left")
                await bench.close()
                bench.folder = left
            desk = await bench.open()
        other = desk.first_track("west")
        desk.camera_open("west")
        desk.take(somebody(other, bench.clock.now_ns, x_px=600.0))
        await settled(bench)
        assert other != number
        assert [each.alerts for each in desk.state().alarms] == [1, 1]
        assert {each.state for each in desk.state().alarms} == {"unacknowledged"}
        await bench.close()

    run(night())


def test_a_log_that_sets_no_numbers_aside_is_gone_on_with_after_the_highest(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path)
        with SqliteEventLog(tmp_path / "events.sqlite") as log:
            log.append(somebody(140, EPOCH_NS, x_px=40.0).events)
        desk = await bench.open()
        assert (desk.first_track("west"), desk.first_track("east")) == (201, 1)
        await bench.close()

    run(night())


def test_a_look_that_is_no_look_is_told_of_and_ends_nothing(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path)
        desk = await bench.open()
        bad = glance("west", bench.clock.now_ns, rng=np.random.default_rng(0))
        assert bad.look is not None
        broken = msgspec.structs.replace(bad.look.measurements[0].bearing, azimuth_rad2=-1.0)
        measured = msgspec.structs.replace(bad.look.measurements[0], bearing=broken)
        look = msgspec.structs.replace(bad.look, measurements=(measured,))
        desk.take(msgspec.structs.replace(bad, look=look))
        await watch(bench, 6)
        assert any("not taken into the picture" in line for line in bench.told)
        assert len(desk.picture.tracks) == 1
        await bench.close()

    run(night())


LEARNS = msgspec.structs.replace(SITE, lines=(), rules=Rules(off=QUIET))


def bush(number: int, now_ns: int, *, alert: bool = False, kind: Kind = "unknown") -> Glance:
    """Something in one place of the west camera's picture of which nobody can tell what it is."""
    box = Box(x_px=100.0, y_px=200.0, w_px=8.0, h_px=10.0)
    track = Track(
        track_id=number, camera_id="west", origin="own", time_ns=now_ns, frame_index=0, status="confirmed", box=box,
        velocity_x_px_s=0.0, velocity_y_px_s=0.0, contrast_counts=20.0, snr=9.0, kind=kind, kind_confidence=0.4,
        confidence=0.9, first_ns=now_ns, confirmed_ns=now_ns,
    )  # fmt: skip
    raised = Alert(
        alert_id=f"west-{number}", rule="confirmed_track", rule_id="confirmed_track", priority="medium",
        camera_id="west", track_id=number, time_ns=now_ns, frame_index=0, kind="unknown", box=box, text="Unknown",
    )  # fmt: skip
    return Glance(camera_id="west", time_ns=now_ns, fps=9.0, tracks=(track,), alerts=(raised,) if alert else ())


async def shaken(bench: Bench, number: int, seconds: int, kind: Kind = "unknown") -> None:
    """Let it be seen for so long, with an alert at the beginning, and then be gone for good."""
    for second in range(seconds):
        bench.desk.take(bush(number, bench.clock.now_ns, alert=second == 0, kind=kind))
        bench.clock.now_ns += S
        await bench.desk.advance()


async def marked(bench: Bench, count: int) -> None:
    """Have two officers mark so many of these as vegetation."""
    for number in range(1, count + 1):
        await shaken(bench, number, 1)
        alarm = bench.desk.state().alarms[-1]
        officer = Person(name=("Rana", "Omar")[number % 2], role="operator")
        act = MarkNuisance(act_id=f"m{number}", alarm_id=alarm.alarm_id, cause="vegetation")
        await bench.desk.act(officer, act)
        bench.clock.now_ns += 200 * S
        await bench.desk.advance()


def test_marks_of_nuisance_have_the_next_one_wait_and_an_officer_ends_that(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path, LEARNS)
        await bench.open()
        await marked(bench, 3)
        (lesson,) = bench.desk.state().lessons
        assert (lesson.wait_s, lesson.camera_id, len(lesson.marks)) == (3.0, "west", 3)
        marked_already = bench.desk.state().alarms[-1].alarm_id
        assert bench.desk.teaching(marked_already, "Omar").lesson is None
        with pytest.raises(InputError, match="A999"):
            bench.desk.teaching("A999", "Omar")
        before = len(bench.desk.state().alarms)
        await shaken(bench, 50, 1)
        (waiting,) = bench.desk.state().waiting
        assert (waiting.alert.alert_id, len(bench.desk.state().alarms)) == ("west-50", before)
        assert bench.desk.state_at(bench.clock.now_ns).waiting == (waiting,)
        await shaken(bench, 51, 1, "person")
        # What was lost while it waited is an alarm all the same, and so is whoever is told to be a person.
        bench.clock.now_ns += 3 * S
        await bench.desk.advance()
        assert len(bench.desk.state().alarms) == before + 2
        assert bench.desk.state().waiting == ()
        waited = {each.met[0].alert_id: each.met[0].waited_s for each in bench.desk.state().alarms[before:]}
        assert waited["west-50"] >= 3.0
        assert waited["west-51"] == 0.0
        end = EndLesson(act_id="e", lesson_id=lesson.lesson_id, reason="people are expected there")
        await bench.desk.act(Person(name="Huda", role="supervisor"), end)
        assert lesson.lesson_id not in {each.lesson_id for each in bench.desk.state().lessons if each.wait_s}
        await bench.close()

    run(night())


def test_an_alert_that_waits_when_the_desk_is_cut_off_is_an_alarm_afterwards(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path, LEARNS)
        await bench.open()
        await marked(bench, 3)
        await shaken(bench, 50, 1)
        lessons, waiting = bench.desk.state().lessons, bench.desk.state().waiting
        assert len(waiting) == 1
        shutil.copytree(tmp_path, tmp_path.parent / "cut", ignore=shutil.ignore_patterns("*-lock"))
        await bench.close()
        again = Bench(tmp_path.parent / "cut", LEARNS)
        again.clock.now_ns = bench.clock.now_ns + S
        await again.open()
        assert (again.desk.state().lessons, again.desk.state().waiting) == (lessons, waiting)
        again.clock.now_ns += 5 * S
        await again.desk.advance()
        assert again.desk.state().waiting == ()
        assert again.desk.state().alarms[-1].met[0].alert_id == "west-50"
        await again.close()

    run(night())


def test_a_person_after_all_sounds_anew_and_voids_what_the_mark_taught(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path, LEARNS)
        await bench.open()
        await marked(bench, 3)
        alarm = bench.desk.state().alarms[-1]
        await shaken(bench, 60, 4)
        unmarked = PersonAfterAll(act_id="p0", alarm_id=bench.desk.state().alarms[-1].alarm_id)
        with pytest.raises(RefusedError, match="nobody has marked"):
            await bench.desk.act(OFFICER, unmarked)
        await bench.desk.act(OFFICER, PersonAfterAll(act_id="p", alarm_id=alarm.alarm_id))
        (now,) = [each for each in bench.desk.state().alarms if each.alarm_id == alarm.alarm_id]
        assert (now.state, now.nuisance) == ("unacknowledged", None)
        assert [(each.refuted, each.wait_s) for each in bench.desk.state().lessons] == [(True, 0.0)]
        await bench.close()

    run(night())


def test_what_is_marked_in_an_exercise_teaches_nothing(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path, LEARNS)
        await bench.open()
        await bench.desk.act(Person(name="Huda", role="supervisor"), SetExercise(act_id="x", on=True, name="dry"))
        await marked(bench, 4)
        assert bench.desk.state().lessons == ()
        await shaken(bench, 9, 1)
        assert bench.desk.teaching(bench.desk.state().alarms[-1].alarm_id, "Omar").lesson is None
        await bench.close()

    run(night())


def test_another_desk_cannot_write_the_same_log(tmp_path: Path) -> None:
    async def night() -> None:
        bench = Bench(tmp_path)
        await bench.open()
        with pytest.raises(UnavailableError, match="is writing this log"):
            await Bench(tmp_path).open()
        await bench.close()
        with sqlite3.connect(tmp_path / "events.sqlite") as file:
            assert file.execute("PRAGMA integrity_check").fetchone()[0] == "ok"

    run(night())
