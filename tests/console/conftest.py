"""A desk in memory, and a real server in front of it on a real socket."""

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec
import pytest
import uvicorn
from argon2 import PasswordHasher

from marsad.adapters.accounts import SqliteAccounts
from marsad.adapters.clock import SystemClock
from marsad.adapters.memory import MemoryAccounts, MemoryEventLog
from marsad.console.desk import Done, Events, FeedMessage, Hello, Pulse, Told
from marsad.console.server import Terms, build_app, server_for
from marsad.kernel.account import Account
from marsad.kernel.act import Act, AnswerOrder, NoteShift, Person, SendPatrol
from marsad.kernel.alarm import Seen
from marsad.kernel.chain import StoredEvent
from marsad.kernel.desk import DeskState, Figures, PatrolState
from marsad.kernel.dispatch import Dispatch, Patrol
from marsad.kernel.error import InputError, RefusedError, UnavailableError
from marsad.kernel.event import AccessLogged, DispatchChanged, Event, OfficerDecision
from marsad.kernel.incident import Hazard, Incident, Note
from marsad.kernel.lesson import Lesson, LessonMark, Teaching
from marsad.kernel.picture import Picture
from marsad.kernel.port import Accounts
from marsad.kernel.position import EnuPoint, Position
from marsad.kernel.role import Role
from marsad.kernel.site import Camera, Lens, Line, Site, Terrain
from marsad.respond.dispatch import Option

PASSWORD = "correct horse battery"  # noqa: S105 - of the tests
NIGHT_NS = 1_786_220_000_000_000_000
HERE = Position(latitude_deg=34.4, longitude_deg=40.9)
FIGURES = Figures(
    rate=0, flood=0, standing=0, waiting=0, held=0, stale=0, escalated=0, folded=0, median_to_acknowledge_s=None,
    slowest_to_acknowledge_s=None, nuisance_share=None,
)  # fmt: skip
SITE = Site(
    name="al-Qaim",
    origin=HERE,
    terrain=Terrain(files=("/secret/terrain.tif",)),
    cameras=(
        Camera(
            id="C1",
            lens=Lens(width_px=640, height_px=480, horizontal_fov_deg=20),
            source="rtsp://admin:hunter2@10.0.0.7/stream",
        ),
    ),
    patrols=tuple(Patrol(patrol_id=each, means="foot", persons=2) for each in ("P1", "P2", "P7")),
    lines=(Line(id="border", points=(HERE, Position(latitude_deg=34.5, longitude_deg=40.9))),),
)

Held = TypeVar("Held", bound=Accounts)


def order(number: str, patrol_id: str, incident_id: str, state: str = "sent") -> Dispatch:
    return msgspec.convert(
        {
            "dispatch_id": number, "incident_id": incident_id, "patrol_id": patrol_id, "task": "look", "text": "go",
            "state": state, "meet": {"east_m": 1.0, "north_m": 2.0, "up_m": 0.0}, "meet_ns": NIGHT_NS,
            "ordered_by": "omar", "sent_ns": NIGHT_NS, "changed_ns": NIGHT_NS, "receive_by_ns": NIGHT_NS,
            "answer_by_ns": NIGHT_NS,
        },
        Dispatch,
    )  # fmt: skip


def incident(number: str) -> Incident:
    return Incident(
        incident_id=number, kind="crossing", state="open", text=f"four on foot ({number})", opened_ns=NIGHT_NS,
        opened_by="omar", changed_ns=NIGHT_NS,
        hazards=(Hazard(hazard_id="H1", kind="possible_explosive", note="keep off", by="omar", time_ns=NIGHT_NS),),
        notes=(Note(text="a source told us", by="omar", time_ns=NIGHT_NS),),
    )  # fmt: skip


class MemoryDesk:
    """The desk's promises kept in the plainest way: a log, a state, and a queue for each follower."""

    def __init__(self) -> None:
        self.site = SITE
        self.log = MemoryEventLog()
        self.time_ns = NIGHT_NS
        self.incidents = (incident("I1"), incident("I2"))
        self.dispatches: dict[str, Dispatch] = {"D1": order("D1", "P1", "I1"), "D2": order("D2", "P2", "I2")}
        self.acts: dict[str, Done] = {}
        self.followers: set[asyncio.Queue[FeedMessage]] = set()
        self.picture = Picture(time_ns=NIGHT_NS)
        self.down = False
        self.asked: list[tuple[Person, Act]] = []

    def now_ns(self) -> int:
        return self.time_ns

    def sequence(self) -> int:
        return self.log.head().length - 1

    def record(self, events: Sequence[Event]) -> "asyncio.Future[tuple[Told, ...]]":
        """What the console writes goes through the desk, so that who follows hears of it."""
        written: asyncio.Future[tuple[Told, ...]] = asyncio.get_running_loop().create_future()
        if self.down:
            written.set_exception(UnavailableError("the disk is full"))
            written.exception()
        else:
            written.set_result(self.append(events))
        return written

    def append(self, events: Sequence[Event]) -> tuple[Told, ...]:
        first = self.sequence() + 1
        last = self.log.append(events)
        told = tuple(Told(sequence=first + index, event=event) for index, event in enumerate(events))
        self.tell(Events(sequence=last, events=told))
        return told

    def pulse(self) -> Pulse:
        return Pulse(sequence=self.sequence(), now_ns=self.time_ns, figures=FIGURES, cameras=(), storage=None)

    def tell(self, message: FeedMessage) -> None:
        for queue in self.followers:
            queue.put_nowait(message)

    def state(self) -> DeskState:
        return DeskState(
            sequence=self.sequence(), now_ns=self.time_ns, site_name=self.site.name, origin=HERE, figures=FIGURES,
            picture=self.picture, incidents=self.incidents, dispatches=tuple(self.dispatches.values()),
            patrols=tuple(
                PatrolState(patrol_id=each, position=HERE, sigma_m=5, time_ns=NIGHT_NS) for each in ("P1", "P2")
            ),
        )  # fmt: skip

    def state_at(self, time_ns: int) -> DeskState:
        if time_ns < NIGHT_NS:
            raise InputError("the log begins later")
        return msgspec.structs.replace(self.state(), now_ns=time_ns)

    def events(self, from_ns: int, to_ns: int, most: int = 10_000) -> Sequence[StoredEvent]:
        return [each for each in self.log.read() if from_ns <= each.time_ns <= to_ns][:most]

    async def follow(self, since: int | None) -> AsyncIterator[FeedMessage]:
        queue: asyncio.Queue[FeedMessage] = asyncio.Queue()
        self.followers.add(queue)
        try:
            if since is None or not 0 <= since <= self.sequence():
                yield Hello(sequence=self.sequence(), state=self.state())
            else:
                missed = [each for each in self.log.read(since + 1) if each.event is not None]
                told = tuple(Told(sequence=each.sequence, event=each.event) for each in missed if each.event)
                if told:
                    yield Events(sequence=self.sequence(), events=told)
                yield self.pulse()
            while True:
                yield await queue.get()
        finally:
            self.followers.discard(queue)

    async def act(self, person: Person, act: Act) -> Done:
        self.asked.append((person, act))
        if (before := self.acts.get(act.act_id)) is not None:
            return msgspec.structs.replace(before, repeated=True)
        event = self._event(person, act)
        told = self.append([event])
        self.acts[act.act_id] = Done(sequence=told[-1].sequence, events=told)
        return self.acts[act.act_id]

    def _event(self, person: Person, act: Act) -> Event:
        if isinstance(act, AnswerOrder):
            before = self.dispatches[act.dispatch_id]
            after = msgspec.structs.replace(before, state=act.says)
            self.dispatches[act.dispatch_id] = after
            return DispatchChanged(time_ns=self.time_ns, dispatch=after, happening=act.says, by=person.name)
        if isinstance(act, SendPatrol):
            raise RefusedError(f"patrol {act.patrol_id} has an order already")
        decision = act.text if isinstance(act, NoteShift) else type(act).__name__
        return OfficerDecision(time_ns=self.time_ns, officer=person.name, subject="", decision=decision)

    def options(self, about_id: str) -> list[Option]:
        if about_id not in {"A1", *(each.incident_id for each in self.incidents)}:
            raise InputError(f"there is no alarm and no incident {about_id}")
        meet = EnuPoint(east_m=1.0, north_m=2.0, up_m=0.0)
        return [Option(patrol_id="P1", meet=meet, meet_ns=NIGHT_NS, they_ns=None, way=((0.0, 0.0),))]

    def teaching(self, alarm_id: str, officer: str) -> Teaching:
        if alarm_id != "A1":
            raise InputError(f"there is no alarm {alarm_id}")
        mark = LessonMark(alarm_id=alarm_id, cause="animal", officer=officer, time_ns=NIGHT_NS)
        lesson = Lesson(
            lesson_id="N1", rule="loitering", camera_id="C1", place=Seen(time_ns=NIGHT_NS), marks=(mark,),
            until_ns=NIGHT_NS, changed_ns=NIGHT_NS,
        )  # fmt: skip
        return Teaching(lesson=lesson, causes=("animal",), marks=3)


class WallClock:
    """The real time, and what a test puts before it."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now_ns(self) -> int:
        return SystemClock().now_ns() + round(self.ahead_s * 1e9)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@dataclass
class Console:
    """A running console: where it is, and what stands behind it."""

    desk: MemoryDesk
    accounts: Accounts
    clock: WallClock
    server: uvicorn.Server
    port: int
    loop: asyncio.AbstractEventLoop
    clients: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def feed(self) -> str:
        return f"ws://127.0.0.1:{self.port}/api/feed"

    def client(self, **options: object) -> httpx.Client:
        client = httpx.Client(base_url=self.url, timeout=20, **options)  # type: ignore[arg-type]
        self.clients.append(client)
        return client

    def enter(self, name: str, password: str = PASSWORD) -> httpx.Client:
        client = self.client()
        answer = client.post("/api/session", json={"name": name, "password": password})
        assert answer.status_code == 200, answer.text
        client.headers["x-csrf-token"] = answer.json()["csrf"]
        return client

    def on_loop(self, call: Callable[[], object]) -> object:
        """Do something where the desk lives."""
        done: threading.Event = threading.Event()
        result: list[object] = []

        def run() -> None:
            result.append(call())
            done.set()

        self.loop.call_soon_threadsafe(run)
        assert done.wait(10)
        return result[0]

    def told(self) -> list[AccessLogged]:
        return [each.event for each in self.desk.log.read() if isinstance(each.event, AccessLogged)]


PEOPLE: tuple[tuple[str, Role, str], ...] = (
    ("anwar", "administrator", ""),
    ("sara", "supervisor", ""),
    ("omar", "operator", ""),
    ("vian", "viewer", ""),
    ("pola", "planner", ""),
    ("patrol 1", "patrol", "P1"),
)
# The weakest argon2 there is: the tests are about the doors, and the strength is tested where it is set.
FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@contextlib.contextmanager
def running(
    desk: MemoryDesk, accounts: Accounts, clock: WallClock, terms: Terms | None = None,
    tls: dict[str, Path] | None = None, **options: object,
) -> Iterator[Console]:  # fmt: skip
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    app = build_app(desk, accounts, clock=clock, terms=terms, **{"hasher": FAST, **options})  # type: ignore[arg-type]
    server = server_for(app, port=port, **(tls or {}))
    loops: list[asyncio.AbstractEventLoop] = []

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        await server.serve()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline and thread.is_alive():
        time.sleep(0.01)
    assert server.started
    console = Console(desk, accounts, clock, server, port, loops[0])
    try:
        yield console
    finally:
        for client in console.clients:
            client.close()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def empty() -> Iterator[Console]:
    """A console that nobody has an account at."""
    with running(MemoryDesk(), MemoryAccounts(), WallClock()) as console:
        yield console


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    """A console with an account of every role, all with one password."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Marsad</title>")
    (tmp_path / "patrol.html").write_text("<!doctype html><title>Patrol</title>")
    (tmp_path / "assets" / "main-abc123.js").write_text("export const answer = 42\n" * 100)
    with (
        SqliteAccounts(tmp_path / "accounts.sqlite") as accounts,
        running(MemoryDesk(), people(accounts), WallClock(), Terms(body_s=2), built=tmp_path) as console,
    ):
        yield console


def peopled() -> MemoryAccounts:
    return people(MemoryAccounts())


def people(accounts: Held) -> Held:
    """Put an account of every role in."""
    for name, role, patrol_id in PEOPLE:
        accounts.add(
            Account(name=name, role=role, password_hash=FAST.hash(PASSWORD), created_ns=1, patrol_id=patrol_id)
        )
    return accounts


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).resolve().parents[2]
