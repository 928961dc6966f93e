"""A small server that speaks the console's protocol over a scripted night, for the tests of the browser's side.

Its log is a file, so that it can be killed and started again: `python fake_desk.py PORT LOG BUILT`.
"""

import asyncio
import json
import mimetypes
import sys
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from fake_partner import NAME, FakePartner
from litestar import Litestar, Request, WebSocket, delete, get, post, websocket
from litestar.exceptions import HTTPException, WebSocketDisconnect
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler
from litestar.response import File, Response

from marsad.console.desk import PictureMoved
from marsad.console.roles import answers_of
from marsad.console.shown import tracks_shown
from marsad.kernel.alarm import Alarm, Met, Seen
from marsad.kernel.desk import CameraState, DeskState, Figures, PatrolState, RetentionRun, Shift, Storage, Trouble
from marsad.kernel.detection import Box
from marsad.kernel.dispatch import Answer, Dispatch
from marsad.kernel.event import (
    AlarmChanged,
    CameraLost,
    DispatchChanged,
    Event,
    IncidentChanged,
    LessonChanged,
    RetentionRan,
    StatementChanged,
)
from marsad.kernel.incident import Hazard, Incident, Note
from marsad.kernel.lesson import Lesson, LessonMark, Teaching
from marsad.kernel.partner import LinkShown
from marsad.kernel.picture import Contributor, LineApproach, Picture, PictureGroup, PictureTrack
from marsad.kernel.position import EnuPoint, GroundCovariance, GroundState, Position
from marsad.kernel.statement import Exposure, Fact, Sentence, Statement
from marsad.kernel.track import Count
from marsad.report.brief import Brief, NuisanceShare

NS = 1_000_000_000
BOX = Box(x_px=300, y_px=200, w_px=14, h_px=30)
ORIGIN = Position(latitude_deg=34.3750, longitude_deg=41.0500, height_m=180.0)
COVARIANCE = GroundCovariance(east_m2=160.0, east_north_m2=20.0, north_m2=90.0)
PASSWORDS = {
    "zainab": ("correct horse battery", "operator", ""), "rana": ("correct horse battery", "supervisor", ""),
    "nour": ("correct horse battery", "administrator", ""), "p1": ("correct horse battery", "patrol", "P1"),
}  # fmt: skip
CAMERAS = {
    "C1": (34.3812, 41.0312, 35.0), "C2": (34.3790, 41.0466, 20.0), "C3": (34.3771, 41.0621, 5.0),
    "C4": (34.3748, 41.0770, 350.0), "C5": (34.3725, 41.0921, 340.0), "C6": (34.3702, 41.1070, 335.0),
}  # fmt: skip
POLICY = "default-src 'self'; worker-src 'self' blob:; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'"
SITE: dict[str, Any] = {
    "name": "al-Qaim",
    "origin": msgspec.to_builtins(ORIGIN),
    "cameras": [
        {
            "id": name, "name": name, "lens": {"width_px": 640, "height_px": 512, "horizontal_fov_deg": 24.0},
            "pose": {
                "latitude_deg": lat, "longitude_deg": lon, "mast_m": 18.0, "azimuth_deg": azimuth,
                "elevation_deg": -2.0,
            },
            "reach_m": 6000.0,
        }
        for name, (lat, lon, azimuth) in CAMERAS.items()
    ],
    "lines": [{"id": "L1", "name": "", "points": [
        {"latitude_deg": 34.3990, "longitude_deg": 41.0200, "height_m": 0.0},
        {"latitude_deg": 34.3920, "longitude_deg": 41.0700, "height_m": 0.0},
        {"latitude_deg": 34.3880, "longitude_deg": 41.1200, "height_m": 0.0},
    ], "inside": "right", "band_m": 250.0}],
    "zones": [{"id": "Z1", "name": "", "points": []}],
    "posts": [
        {"id": "M2", "name": "مخفر 2", "position": {"latitude_deg": 34.3765, "longitude_deg": 41.0420}},
        {"id": "M3", "name": "مخفر 3", "position": {"latitude_deg": 34.3740, "longitude_deg": 41.0720}},
    ],
    "patrols": [
        {"patrol_id": "P1", "name": "دورية 1", "means": "vehicle", "persons": 4, "skills": ["medic"], "ready_s": 60.0},
        {"patrol_id": "P2", "name": "دورية 2", "means": "foot", "persons": 6, "skills": [], "ready_s": 30.0},
        {"patrol_id": "P3", "name": "دورية 3", "means": "vehicle", "persons": 3, "skills": ["clearance"]},
    ],
}  # fmt: skip


def ground(east_m: float, north_m: float, *, moving: tuple[float, float] = (0.0, 0.0)) -> GroundState:
    """A place of the site's frame, on the earth as well."""
    position = Position(
        latitude_deg=ORIGIN.latitude_deg + north_m / 110_930, longitude_deg=ORIGIN.longitude_deg + east_m / 91_900
    )
    return GroundState(
        position=position, east_m=east_m, north_m=north_m, covariance=COVARIANCE, velocity_east_m_s=moving[0],
        velocity_north_m_s=moving[1], range_m=1_480.0,
    )  # fmt: skip


class FakeDesk:
    """The night: everything that was logged, and the state that it makes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listeners: set[asyncio.Queue[bytes]] = set()
        self.alarms: dict[str, Alarm] = {}
        self.incidents: dict[str, Incident] = {}
        self.dispatches: dict[str, Dispatch] = {}
        self.statements: dict[str, Statement] = {}
        self.lessons: dict[str, Lesson] = {}
        self.retention: RetentionRun | None = None
        self.done: dict[str, int] = {}
        self.log: list[dict[str, Any]] = []
        self.exercise: str | None = None
        self.partner: FakePartner | None = None
        self.flood = 0
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._take(json.loads(line))
        else:
            self.script()

    def reset(self) -> None:
        """Begin the night anew."""
        self.path.unlink()
        self.__init__(self.path)  # type: ignore[misc]  # all of it is made anew

    def now_ns(self) -> int:
        """The time."""
        return time.time_ns()

    def _take(self, entry: dict[str, Any]) -> None:
        event = msgspec.convert(entry["event"], Event)
        self.log.append(entry)
        if isinstance(event, AlarmChanged):
            self.alarms[event.alarm.alarm_id] = event.alarm
        elif isinstance(event, IncidentChanged):
            self.incidents[event.incident.incident_id] = event.incident
        elif isinstance(event, DispatchChanged):
            self.dispatches[event.dispatch.dispatch_id] = event.dispatch
        elif isinstance(event, StatementChanged):
            self.statements[event.statement.statement_id] = event.statement
        elif isinstance(event, LessonChanged):
            self.lessons[event.lesson.lesson_id] = event.lesson
            if event.happening == "ended":
                del self.lessons[event.lesson.lesson_id]
        elif isinstance(event, RetentionRan):
            self.retention = event.run
        elif self.partner:
            self.partner.take(event)
        self.done |= dict.fromkeys([entry["act_id"]] if entry.get("act_id") else [], len(self.log) - 1)

    def write(self, event: Event, act_id: str = "") -> dict[str, Any]:
        """Log an event and tell everybody."""
        entry = {"sequence": len(self.log), "event": msgspec.to_builtins(event), "act_id": act_id}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        self._take(entry)
        told = {"sequence": entry["sequence"], "event": entry["event"]}
        self.tell({"type": "events", "sequence": entry["sequence"], "events": [told]})
        return told

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message to whoever follows."""
        for listener in self.listeners:
            listener.put_nowait(msgspec.json.encode(message))

    def alarm(self, number: int, **fields: Any) -> Alarm:  # noqa: ANN401 - any field of the record
        """An alarm of the scripted night."""
        now = self.now_ns()
        ago_s = fields.pop("ago_s", 30)
        rule_id = "Z1" if fields.get("rule") == "zone_intrusion" else "L1"
        rule, direction = fields.pop("rule", "line_crossing"), fields.pop("direction", "inward")
        camera = fields.get("camera_ids", ("C2",))[0]
        place = fields.pop("place", ground(-100.0, 1_230.0))
        met = Met(rule=rule, rule_id=rule_id, direction=direction, time_ns=now - ago_s * NS, alert_id=f"x{number}")
        values: dict[str, Any] = {
            "alarm_id": f"A{number}", "subject_id": f"G{number}", "state": "unacknowledged", "priority": "high",
            "kind": "group", "response": "look_and_send", "text": "", "met": (met,), "raised_ns": now - ago_s * NS,
            "seen": Seen(time_ns=now - NS, camera_id=camera, box=BOX, ground=place),
            "changed_ns": now - ago_s * NS, "latching": True, "camera_ids": ("C2",),
        }  # fmt: skip
        return Alarm(**values | fields)

    def script(self) -> None:
        """What has happened by the time anybody looks."""
        now = self.now_ns()
        self.path.touch()
        self.write(CameraLost(time_ns=now - 1_260 * NS, camera_id="C5", detail="no answer"))
        old = self.alarm(
            1, ago_s=2_400, state="latched", priority="medium", direction="outward", kind="person",
            place=ground(3_000.0, 900.0), camera_ids=("C4",), acknowledged_by="zainab",
            acknowledged_ns=now - 2_380 * NS,
        )  # fmt: skip
        self.write(AlarmChanged(time_ns=old.raised_ns, alarm=old, happening="raised"))
        self.write(AlarmChanged(time_ns=now - 2_380 * NS, alarm=old, happening="acknowledged", officer="zainab"))
        held = self.alarm(
            2, ago_s=1_500, state="acknowledged", priority="low", kind="unknown", rule="confirmed_track", direction="",
            place=ground(900.0, 700.0), camera_ids=("C3",), response="look_and_decide", acknowledged_by="zainab",
            acknowledged_ns=now - 1_470 * NS, alerts=4,
        )  # fmt: skip
        self.write(AlarmChanged(time_ns=held.raised_ns, alarm=held, happening="raised"))
        self.write(
            AlarmChanged(time_ns=held.raised_ns + 30 * NS, alarm=held, happening="acknowledged", officer="zainab")
        )
        incident = Incident(
            incident_id="I1", kind="crossing", state="in_hand", opened_ns=now - 2_300 * NS, opened_by="zainab",
            changed_ns=now - 2_200 * NS, in_charge="zainab", alarm_ids=("A1",), expected=Count(best=1, low=1, high=1),
            text="شخص سيرًا على الأقدام، عبر الخط إلى الخارج قرب مخفر 3.", position=ground(3_000.0, 900.0).position,
            notes=(Note(text="اختفى خلف التل شمال المخفر.", by="zainab", time_ns=now - 2_000 * NS),),
            hazards=(Hazard(hazard_id="h1", kind="possible_explosive", note="", by="zainab", time_ns=now),),
        )  # fmt: skip
        self.write(IncidentChanged(time_ns=incident.opened_ns, incident=incident, happening="opened", officer="zainab"))
        sent = Dispatch(
            dispatch_id="D1", incident_id="I1", patrol_id="P3", task="search", text="فتشوا المحيط.", state="under_way",
            meet=EnuPoint(east_m=3_000.0, north_m=900.0), meet_ns=now + 420 * NS, ordered_by="zainab",
            sent_ns=now - 2_000 * NS, changed_ns=now - 1_800 * NS, receive_by_ns=now, answer_by_ns=now,
            answers=(
                Answer(answer_id="a1", dispatch_id="D1", says="under_way", time_ns=now, by="P3", via="phone"),
            ),
        )  # fmt: skip
        self.write(DispatchChanged(time_ns=sent.sent_ns, dispatch=sent, happening="sent", by="zainab"))
        self.write(DispatchChanged(time_ns=sent.changed_ns, dispatch=sent, happening="under_way", by="P3"))
        low = self.alarm(
            3, ago_s=75, priority="medium", kind="vehicle", rule="zone_intrusion", direction="",
            place=ground(-1_900.0, 2_400.0), camera_ids=("C1",), response="look_and_follow",
        )  # fmt: skip
        self.write(AlarmChanged(time_ns=low.raised_ns, alarm=low, happening="raised"))

    def crossing(self, number: int = 4) -> None:
        """Four people cross the line."""
        alarm = self.alarm(number, ago_s=0, count=Count(best=4, low=3, high=5), camera_ids=("C2", "C4"))
        self.write(AlarmChanged(time_ns=alarm.raised_ns, alarm=alarm, happening="raised"))

    def covered(self) -> Event:
        """A camera's lens is covered."""
        now = self.now_ns()
        met = Met(rule="camera_fault", rule_id="covered", direction="", time_ns=now, alert_id="c")
        alarm = self.alarm(
            20, ago_s=0, about="camera", subject_id="camera:C6", kind="unknown", response="cover_and_repair",
            seen=Seen(time_ns=now), met=(met,),
        )  # fmt: skip
        alarm = msgspec.structs.replace(alarm, camera_ids=())
        return AlarmChanged(time_ns=now, alarm=alarm, happening="raised")

    def warned(self) -> None:
        """A partner is there, and tells of an alarm of theirs."""
        now = self.now_ns()
        self.partner = FakePartner(now)
        self.tell({"type": "hello", "sequence": len(self.log) - 1, "state": msgspec.to_builtins(self.state())})
        met = Met(rule="partner_alarm", rule_id="west", direction="inward", time_ns=now - 60 * NS, alert_id="p")
        alarm = self.alarm(
            30, ago_s=60, about="partner", subject_id="partner:w1", response="look_and_follow", met=(met,),
            count=Count(best=3, low=2, high=4), seen=Seen(time_ns=now, ground=ground(-100.0, 2_330.0)), text=NAME,
        )  # fmt: skip
        alarm = msgspec.structs.replace(alarm, camera_ids=())
        self.write(AlarmChanged(time_ns=now, alarm=alarm, happening="raised"))

    def lesson(self, number: int, marks: int, **fields: Any) -> Lesson:  # noqa: ANN401 - any field of the record
        """What so many marks of two officers ask for at one place."""
        now = self.now_ns()
        said = tuple(
            LessonMark(
                alarm_id=f"M{k}", cause="vegetation" if k else "animal", officer=("zainab", "rana")[k % 2],
                time_ns=now - 86_400 * NS,
            )
            for k in range(marks)
        )  # fmt: skip
        values: dict[str, Any] = {
            "lesson_id": f"N{number}", "rule": "loitering", "camera_id": "C3", "place": Seen(time_ns=now),
            "marks": said, "until_ns": now + 14 * 86_400 * NS, "changed_ns": now, "wait_s": float(marks),
        }  # fmt: skip
        return Lesson(**values | fields)

    def learned(self) -> None:
        """Marks of nuisance have taught something, an alarm waited because of it, and what is old was erased."""
        now = self.now_ns()
        for lesson in (self.lesson(1, 5, lowers=True), self.lesson(2, 0, camera_id="C6", refuted=True)):
            happening: Any = "refuted" if lesson.refuted else "marked"
            self.write(LessonChanged(time_ns=now, lesson=lesson, happening=happening, officer="rana"))
        met = Met(
            rule="loitering", rule_id="Z1", direction="", time_ns=now - 5 * NS, alert_id="w", lesson_id="N1",
            waited_s=5.0,
        )  # fmt: skip
        waited = self.alarm(
            40, ago_s=0, priority="low", kind="unknown", met=(met,), place=ground(900.0, 900.0), camera_ids=("C3",),
            response="look_and_decide",
        )  # fmt: skip
        self.write(AlarmChanged(time_ns=now, alarm=waited, happening="raised"))
        nothing = self.alarm(
            41, ago_s=600, state="closed", priority="low", kind="unknown", rule="loitering", nuisance="animal",
            place=ground(950.0, 900.0), camera_ids=("C3",),
        )  # fmt: skip
        self.write(AlarmChanged(time_ns=now, alarm=nothing, happening="nuisance", officer="zainab"))
        run = RetentionRun(
            officer="nour", keep={"looks": 30.0, "access": 365.0}, begun_ns=now - 9_000 * NS, ended_ns=now - 8_000 * NS,
            erased={"looks": 48_211, "access": 17},
        )  # fmt: skip
        self.write(RetentionRan(time_ns=now, run=run))

    def teaching(self, alarm_id: str) -> Teaching:
        """What a mark would teach: with the one before it is enough, but of people nothing is learned."""
        alarm = self.alarms[alarm_id]
        causes: Any = ("animal", "bird", "insect", "vegetation", "weather")
        open_ended = alarm.kind == "unknown" and alarm.met[0].rule == "loitering"
        return Teaching(lesson=self.lesson(1, 3) if open_ended else None, causes=causes, marks=3)

    def happen(self, what: str, number: int) -> None:
        """Let something happen, by its name."""
        events: dict[str, Callable[[], object]] = {
            "reset": self.reset, "crossing": lambda: self.crossing(number), "exercise": self.play,
            "covered": lambda: self.write(self.covered()), "partner": self.warned, "cut": self.cut,
            "flood": self.swamp, "learned": self.learned,
        }  # fmt: skip
        events[what]()

    def play(self) -> None:
        """An exercise begins."""
        self.exercise = "نسر 3"
        self.tell({"type": "hello", "sequence": len(self.log) - 1, "state": msgspec.to_builtins(self.state())})

    def swamp(self) -> None:
        """More alarms than anybody can act on."""
        self.flood = 7
        for more in range(5, 16):
            self.crossing(more)

    def cut(self) -> None:
        """The link to the partner is cut."""
        assert self.partner
        self.partner.link = LinkShown(state="cut", reason="no answer", age_s=754.0, behind=12, sent=128)

    def picture(self) -> Picture:
        """Who is out there now."""
        now = self.now_ns()
        drift = (now // NS) % 600
        groups, tracks = [], []
        for alarm in self.alarms.values():
            place = alarm.seen.ground
            if alarm.state == "closed" or place is None or alarm.about == "partner":
                continue
            here = ground(place.east_m + 0.9 * drift, place.north_m - 0.8 * drift, moving=(0.9, -0.8))
            shared: dict[str, Any] = {
                "time_ns": now, "first_ns": alarm.raised_ns - 180 * NS, "kind": alarm.kind, "ground": here,
                "velocity_covariance": GroundCovariance(east_m2=0.02, east_north_m2=0.0, north_m2=0.02),
                "heading_rad": 2.3, "heading_sigma_rad": 0.1, "speed_m_s": 1.2, "speed_sigma_m_s": 0.1,
            }  # fmt: skip
            approach = LineApproach(
                line_id="L1", probability=0.9, seconds=360, low_s=240, high_s=540, direction="inward"
            )
            count = alarm.count or Count(best=1, low=1, high=1)
            if alarm.kind == "group":
                groups.append(
                    PictureGroup(group_id=alarm.subject_id, members=(f"T{alarm.alarm_id}",), count=count, **shared)
                )
            seen = tuple(Contributor(source_id=c, origin="own", time_ns=now, label=7) for c in alarm.camera_ids)
            tracks.append(
                PictureTrack(
                    track_id=alarm.subject_id if alarm.kind != "group" else f"T{alarm.alarm_id}", origin="own",
                    status="confirmed", existence=0.98, seen_ns=now, count=count, contributors=seen,
                    kind_confidence=0.9,
                    group_id=alarm.subject_id if alarm.kind == "group" else "", approaches=(approach,), **shared,
                )
            )  # fmt: skip
        return Picture(time_ns=now, tracks=tuple(tracks), groups=tuple(groups))

    def cameras(self) -> tuple[CameraState, ...]:
        """How the cameras do: one is lost, one lies behind something."""
        now = self.now_ns()
        running = [
            CameraState(camera_id=name, run="running", since_ns=now - 20_000 * NS, seen_ns=now - NS // 10, fps=8.9)
            for name in CAMERAS
        ]
        running[4] = CameraState(
            camera_id="C5", run="lost", since_ns=now - 1_260 * NS, seen_ns=now - 1_262 * NS, restarts=3
        )
        covered = Trouble(kind="covered", since_ns=now - 300 * NS)
        running[5] = msgspec.structs.replace(running[5], troubles=(covered,))
        return tuple(running)

    def figures(self) -> Figures:
        """How the alarms do."""
        waiting = sum(alarm.state == "unacknowledged" for alarm in self.alarms.values())
        return Figures(
            rate=waiting + self.flood, flood=self.flood, standing=len(self.alarms), waiting=waiting, held=0, stale=0,
            escalated=0, folded=9, median_to_acknowledge_s=18.0, slowest_to_acknowledge_s=31.0, nuisance_share=0.12,
        )  # fmt: skip

    def storage(self) -> Storage:
        """How full the disk is."""
        return Storage(
            film_bytes=412 * 10**9, quota_bytes=500 * 10**9, free_bytes=90 * 10**9,
            oldest_film_ns=self.now_ns() - 400_000 * NS,
        )  # fmt: skip

    def state(self) -> DeskState:
        """All of it."""
        now = self.now_ns()
        return DeskState(
            sequence=len(self.log) - 1, now_ns=now, site_name="القائم", origin=ORIGIN,
            alarms=tuple(self.alarms.values()), incidents=tuple(self.incidents.values()),
            dispatches=tuple(self.dispatches.values()), cameras=self.cameras(),
            patrols=tuple(
                PatrolState(patrol_id=f"P{i}", position=ground(800.0 * i - 900, 300.0).position, sigma_m=6, time_ns=now)
                for i in (1, 2, 3)
            ),
            picture=self.picture(), figures=self.figures(), shift=Shift(officer="zainab", since_ns=now - 14_000 * NS),
            storage=self.storage(), exercise=self.exercise, partner=self.partner.state() if self.partner else None,
            lessons=tuple(self.lessons.values()), retention=self.retention,
        )  # fmt: skip

    def act(self, name: str, act: dict[str, Any]) -> dict[str, Any]:
        """Do it, once."""
        act_id = act["act_id"]
        if act_id in self.done:
            before = self.log[self.done[act_id]]
            return {"sequence": before["sequence"], "events": [before], "repeated": True}
        event = self._event(name, act) or self._statement(name, act)
        if event is None and self.partner:
            event = self.partner.act(name, act, self.now_ns())
        told = [self.write(event, act_id)] if event else []
        return {"sequence": len(self.log) - 1, "events": told, "repeated": False}

    def _statement(self, name: str, act: dict[str, Any]) -> Event | None:
        now = self.now_ns()
        replace = msgspec.structs.replace
        match act["type"]:
            case "draft_statement":
                fact = Fact(fact_id="f1", kind="seen", time_ns=now, sequences=(3,), persons=1)
                words = (Sentence(text="رُصد شخص بالكاميرا C4.", facts=("f1",)), Sentence(text="لم يُصب أحد.", by=name))
                statement = Statement(
                    statement_id="S1", incident_id=act["incident_id"], language=act["language"], state="draft",
                    sentences=words, facts=(fact,), exposures=(Exposure(sentence=0, what="camera", word="C4"),),
                    drafted_by=name, drafted_ns=now,
                )  # fmt: skip
                return StatementChanged(time_ns=now, statement=statement, happening="drafted", officer=name)
            case "approve_statement":
                statement = replace(
                    self.statements[act["statement_id"]], state="approved", approved_by=name, accepted=act["accepted"]
                )
                return StatementChanged(time_ns=now, statement=statement, happening="approved", officer=name)
            case "release_statement":
                statement = replace(self.statements[act["statement_id"]], state="released", released_ns=now)
                return StatementChanged(time_ns=now, statement=statement, happening="released", officer=name)
        return None

    def _event(self, name: str, act: dict[str, Any]) -> Event | None:
        now = self.now_ns()
        replace = msgspec.structs.replace
        event: Event | None = None
        match act["type"]:
            case "acknowledge":
                alarm = self.alarms[act["alarm_id"]]
                alarm = replace(alarm, state="acknowledged", acknowledged_by=name, acknowledged_ns=now)
                event = AlarmChanged(time_ns=now, alarm=alarm, happening="acknowledged", officer=name)
            case "mark_nuisance":
                alarm = replace(self.alarms[act["alarm_id"]], state="closed", nuisance=act["cause"])
                event = AlarmChanged(time_ns=now, alarm=alarm, happening="nuisance", officer=name)
            case "person_after_all":
                alarm = replace(self.alarms[act["alarm_id"]], state="unacknowledged", nuisance=None)
                event = AlarmChanged(time_ns=now, alarm=alarm, happening="worse", officer=name)
            case "end_lesson":
                lesson = self.lessons[act["lesson_id"]]
                event = LessonChanged(time_ns=now, lesson=lesson, happening="ended", officer=name, reason=act["reason"])
            case "open_incident":
                incident = Incident(
                    incident_id=f"I{len(self.incidents) + 1}", kind=act["kind"], state="open", text=act["text"],
                    opened_ns=now, opened_by=name, changed_ns=now, alarm_ids=tuple(act["alarm_ids"]),
                    position=msgspec.convert(act["position"], Position | None),
                    expected=msgspec.convert(act["expected"], Count | None),
                )  # fmt: skip
                event = IncidentChanged(time_ns=now, incident=incident, happening="opened", officer=name)
            case "take_incident":
                incident = replace(self.incidents[act["incident_id"]], state="in_hand", in_charge=name)
                event = IncidentChanged(time_ns=now, incident=incident, happening="taken", officer=name)
            case "close_incident":
                incident = replace(self.incidents[act["incident_id"]], state="closed", closed_ns=now)
                event = IncidentChanged(time_ns=now, incident=incident, happening="closed", officer=name)
            case "send_patrol":
                sent = Dispatch(
                    dispatch_id=f"D{len(self.dispatches) + 1}", incident_id=act["incident_id"], state="sent",
                    patrol_id=act["patrol_id"], task=act["task"], text=act["text"], ordered_by=name,
                    meet=EnuPoint(east_m=400.0, north_m=500.0), meet_ns=now + 540 * NS, sent_ns=now, changed_ns=now,
                    receive_by_ns=now + 60 * NS, answer_by_ns=now + 180 * NS,
                )  # fmt: skip
                event = DispatchChanged(time_ns=now, dispatch=sent, happening="sent", by=name)
            case "answer_order":
                order = self.dispatches[act["dispatch_id"]]
                heard = Answer(
                    answer_id=act["act_id"], dispatch_id=order.dispatch_id, says=act["says"], time_ns=act["time_ns"],
                    by=name, via=act["via"], note=act["note"],
                )  # fmt: skip
                order = replace(order, state=act["says"], answers=(*order.answers, heard), changed_ns=now)
                event = DispatchChanged(time_ns=now, dispatch=order, happening=act["says"], by=name)
        return event


def _who(request: Request[Any, Any, Any]) -> str:
    return request.cookies.get("fake", "")


def _session_routes() -> list[HTTPRouteHandler]:
    @get("/api/session", sync_to_thread=False)
    def session(request: Request[Any, Any, Any]) -> dict[str, Any]:
        name = _who(request)
        _, role, patrol = PASSWORDS.get(name, ("", None, ""))
        answers = answers_of(role) if role else ()
        return {
            "name": name or None, "role": role, "patrol_id": patrol, "csrf": "token", "first_run": False,
            "answers": answers,
        }  # fmt: skip

    @post("/api/session", sync_to_thread=False)
    def sign_in(data: dict[str, str]) -> Response[None]:
        if PASSWORDS.get(data["name"], ("",))[0] != data["password"]:
            raise HTTPException(status_code=401, detail="the name or the password is not right")
        answer: Response[None] = Response(None, status_code=204)
        answer.set_cookie("fake", data["name"])
        return answer

    @delete("/api/session", sync_to_thread=False)
    def sign_out() -> Response[None]:
        answer: Response[None] = Response(None, status_code=204)
        answer.delete_cookie("fake")
        return answer

    @get("/api/accounts", sync_to_thread=False)
    def accounts() -> list[dict[str, Any]]:
        return [
            {"name": name, "role": role, "patrol_id": patrol, "disabled": name == "rana"}
            for name, (_, role, patrol) in PASSWORDS.items()
        ]

    return [session, sign_in, sign_out, accounts]


def _reading_routes(desk: FakeDesk) -> list[HTTPRouteHandler]:
    @get("/api/site", sync_to_thread=False)
    def site() -> dict[str, Any]:
        return SITE

    @get("/api/state", sync_to_thread=False)
    def state() -> Any:  # noqa: ANN401 - JSON
        return msgspec.to_builtins(desk.state())

    @get("/api/events", sync_to_thread=False)
    def events() -> list[dict[str, Any]]:
        return desk.log

    @get(["/api/incidents/{_:str}/options", "/api/alarms/{_:str}/options"], sync_to_thread=False)
    def options() -> list[dict[str, Any]]:
        now = desk.now_ns()
        meet = {"east_m": 400.0, "north_m": 500.0, "up_m": 0.0}
        spoken: list[tuple[str, int, int | None, list[str], str]] = [
            ("P1", 540, 660, [], ""),
            ("P2", 1_320, None, [], ""),
            ("P3", 900, None, [], "D1"),
        ]
        return [
            {
                "patrol_id": patrol, "meet": meet, "meet_ns": now + s * NS, "way": [], "lacking": lacking,
                "they_ns": now + they * NS if they else None, "busy_with": busy,
            }
            for patrol, s, they, lacking, busy in spoken
        ]  # fmt: skip

    @get("/api/alarms/{alarm_id:str}/teaching", sync_to_thread=False)
    def teaching(alarm_id: str) -> Any:  # noqa: ANN401 - JSON
        return msgspec.to_builtins(desk.teaching(alarm_id))

    @get("/api/brief", sync_to_thread=False)
    def brief() -> Any:  # noqa: ANN401 - JSON
        now = desk.now_ns()
        asking = tuple(lesson for lesson in desk.lessons.values() if lesson.wait_s > 0)
        told = Brief(
            from_ns=now - 3_600 * NS, to_ns=now, alarms={"high": 2, "low": 1}, kinds={"group": 3},
            nuisances={"animal": 1}, nuisance_cameras={"C3": NuisanceShare(alarms=4, nuisances=1)},
            nuisance_hours={"04": NuisanceShare(alarms=3, nuisances=1)}, lessons=asking,
            median_to_acknowledge_s=18.0, slowest_to_acknowledge_s=None,
            waiting=tuple(desk.alarms.values()), holds=(), opened=1, closed=0,
            standing=tuple(desk.incidents.values()), sought=1, orders=tuple(desk.dispatches.values()), sightings=(),
            statements=(), cameras=(),
        )  # fmt: skip
        return msgspec.to_builtins(told)

    @get("/api/incidents/{incident_id:str}/statements", sync_to_thread=False)
    def statements(incident_id: str) -> Any:  # noqa: ANN401 - JSON
        return msgspec.to_builtins([each for each in desk.statements.values() if each.incident_id == incident_id])

    @get("/api/cameras/{camera_id:str}/film", sync_to_thread=False)
    def film(camera_id: str) -> list[dict[str, int]]:
        now = desk.now_ns()
        return [{"from_ns": now - 3_600 * NS, "to_ns": now if camera_id != "C5" else now - 1_262 * NS}]

    return [site, state, events, options, teaching, brief, statements, film]


def _partner_routes(desk: FakeDesk) -> list[HTTPRouteHandler]:
    @get("/api/partner", sync_to_thread=False)
    def partner() -> Any:  # noqa: ANN401 - JSON
        if desk.partner is None:
            raise HTTPException(status_code=404, detail="this site shares with nobody")
        return msgspec.to_builtins(desk.partner.view())

    @get("/api/partner/ground", sync_to_thread=False)
    def joint_ground() -> Any:  # noqa: ANN401 - JSON
        return msgspec.to_builtins(desk.partner.ground(desk.now_ns())) if desk.partner else {}

    @get("/api/partner/coverage", sync_to_thread=False)
    def coverage() -> Any:  # noqa: ANN401 - JSON
        return {"size_m": 3000, "cells": [], "places": []}

    return [partner, joint_ground, coverage]


def _doing_routes(desk: FakeDesk) -> list[HTTPRouteHandler]:
    @post("/api/acts", status_code=200, sync_to_thread=False)
    def acts(request: Request[Any, Any, Any], data: dict[str, Any]) -> dict[str, Any]:
        if request.headers.get("x-csrf-token") != "token":
            raise HTTPException(status_code=403, detail="the token is missing")
        return desk.act(_who(request), data)

    @post("/test/{what:str}", status_code=204, sync_to_thread=False)
    def script(what: str, number: int = 4) -> None:
        desk.happen(what, number)

    return [acts, script]


def _feed_route(desk: FakeDesk) -> WebsocketRouteHandler:
    @websocket("/api/feed")
    async def feed(socket: WebSocket[Any, Any, Any], since: int | None = None) -> None:
        await socket.accept()
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        sequence = len(desk.log) - 1
        first: dict[str, Any] = {"type": "hello", "sequence": sequence, "state": msgspec.to_builtins(desk.state())}
        if since is not None and since <= sequence:
            first = {"type": "events", "sequence": sequence, "events": desk.log[since + 1 :]}
        desk.listeners.add(queue)
        try:
            await socket.send_text(msgspec.json.encode(first).decode())
            while True:
                await socket.send_text((await queue.get()).decode())
        except WebSocketDisconnect:
            pass
        finally:
            desk.listeners.discard(queue)

    return feed


def _page_route(built: Path) -> HTTPRouteHandler:
    @get(["/", "/{path:path}"], sync_to_thread=False)
    def pages(path: str = "/") -> File:
        named = {"/": "index.html", "/patrol": "patrol.html"}.get(path, path.lstrip("/"))
        kind = mimetypes.guess_type(named)[0] or "application/octet-stream"
        return File(
            built / named,
            content_disposition_type="inline",
            media_type=kind,
            headers={"content-security-policy": POLICY},
        )

    return pages


def app(desk: FakeDesk, built: Path) -> Litestar:
    """The server over a night and the built pages."""

    async def pulse() -> None:
        while True:
            picture = desk.picture()
            sequence = len(desk.log) - 1
            cameras = msgspec.to_builtins(desk.cameras())
            desk.tell(
                {
                    "type": "pulse", "sequence": sequence, "now_ns": desk.now_ns(), "cameras": cameras,
                    "figures": msgspec.to_builtins(desk.figures()), "storage": msgspec.to_builtins(desk.storage()),
                    "partner": msgspec.to_builtins(desk.partner.pulse()) if desk.partner else None,
                }
            )  # fmt: skip
            moved = PictureMoved(
                sequence=sequence, time_ns=picture.time_ns, tracks=tracks_shown(picture, ()), groups=picture.groups,
                whole=True,
            )  # fmt: skip
            desk.tell(msgspec.to_builtins(moved))
            await asyncio.sleep(1)

    async def beating(_: Litestar) -> AsyncGenerator[None, None]:
        task = asyncio.create_task(pulse())
        yield
        task.cancel()

    routes = [
        *_session_routes(), *_reading_routes(desk), *_partner_routes(desk), *_doing_routes(desk), _feed_route(desk),
        _page_route(built),
    ]  # fmt: skip
    return Litestar(routes, lifespan=[asynccontextmanager(beating)], openapi_config=None)


if __name__ == "__main__":
    PORT, LOG, BUILT = sys.argv[1:]
    uvicorn.run(app(FakeDesk(Path(LOG)), Path(BUILT)), port=int(PORT), log_level="warning")
