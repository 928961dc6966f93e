"""A site's whole watch in one program: cameras, desk, film and console, from the first sign of life to the last."""

import asyncio
import contextlib
import errno
import socket
import time
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Final, NamedTuple

import structlog
import uvicorn
from litestar.connection import ASGIConnection
from litestar.types import ControllerRouterHandler

from marsad.adapters.accounts import SqliteAccounts
from marsad.adapters.clock import SystemClock
from marsad.adapters.film_archive import FilmArchive
from marsad.adapters.film_clip import FilmLibrary, export_clip
from marsad.adapters.film_keeper import FilmKeeper
from marsad.adapters.reporters import Reporters
from marsad.adapters.sqlite import SqliteEventLog
from marsad.adapters.writing import write_refusal
from marsad.app.camera_wire import Glance, Orders
from marsad.app.cameras import CameraKeeper, Cameras, Patience
from marsad.app.closure import PlannedLine
from marsad.app.desk import Clock, Control, DeskSettings, Outfit
from marsad.app.desk_setup import Made, set_up
from marsad.app.ground_watch import ground_watch
from marsad.app.papers import Papers
from marsad.app.patient_log import open_log
from marsad.app.plan_file import PlanFile
from marsad.app.retention import RetentionKeeper
from marsad.app.sharing import Share, Sharing, read_side
from marsad.app.site_map import SiteMap, site_views, wide_relief
from marsad.app.systemd import tell_manager
from marsad.console.closure import closure_routes
from marsad.console.film import Screening, film_routes
from marsad.console.live import LiveFilm, Thumbnail
from marsad.console.maps import Lookout, PatrolPlace, map_handlers
from marsad.console.reports import report_routes
from marsad.console.server import Terms, build_app, server_for
from marsad.kernel.act import Person
from marsad.kernel.desk import CameraRun
from marsad.kernel.error import UnavailableError
from marsad.kernel.event import LookedUp
from marsad.kernel.incident import Evidence
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.site import Site

_log = structlog.get_logger()
TIDY_S: Final = 5.0
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - looked for, not listened on
ALIVE_S: Final = 5.0
LOG, ACCOUNTS, REPORTERS, KEY = "events.sqlite", "accounts.sqlite", "reporters.sqlite", "reporters.key"
FILM, EVIDENCE, PASSING = "film", "evidence", "passing"
"""The files and folders of a station, in its folder."""


class Place(Record):
    """Where a station keeps its files and where its console is found.

    `port` 0 takes a free one. `names` are further names by which browsers may ask for it. `tls_proxy`: browsers come by
    https, through a proxy that has the certificate.
    """

    out: Path
    host: str = "127.0.0.1"
    port: int = 8700
    names: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    tls_proxy: bool = False
    quota_gb: float = 50.0

    @property
    def is_tls(self) -> bool:
        """Whether browsers reach it by https."""
        return self.certificate is not None or self.tls_proxy


class Plan(NamedTuple):
    """What a station does: whose orders its cameras get, and by which clock it lives."""

    site: Site
    orders: Sequence[Callable[[], Orders]]
    clock: Clock = time.time_ns
    settings: DeskSettings = DeskSettings()
    patience: Patience = Patience()
    share: Share | None = None
    """Where the partner's things lie, where there is one."""
    planned: PlanFile | None = None
    """What the line was planned with, where it was."""


class Station:
    """One site's watch; `open` it, and `close` it whatever happens."""

    def __init__(self, place: Place, plan: Plan) -> None:
        self.place = place
        self.plan = plan
        self.port = place.port
        self._stack = contextlib.AsyncExitStack()
        self._serving: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.sharing: Sharing | None = None
        self.film = FilmLibrary(self.film_folder, place.out / PASSING)
        self.live = LiveFilm(self.film.recoder)

    @property
    def url(self) -> str:
        """Where the console is."""
        scheme = "http" if self.place.certificate is None else "https"
        return f"{scheme}://{self.place.host}:{self.port}"

    @property
    def film_folder(self) -> Path:
        """Where film is kept."""
        return self.place.out / FILM

    async def open(self) -> None:
        """Bring everything up, the console last.

        Raises: InputError, UnavailableError saying what is in the way; nothing is left running then.
        """
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise

    async def close(self) -> None:
        """Stop everything, cameras first; what was said is in the log then."""
        tell_manager("STOPPING=1")
        await self._stack.aclose()

    async def failed(self) -> None:
        """Return when the console has stopped by itself, which it should not."""
        if self._serving is not None:
            await asyncio.wait([self._serving])

    def small(self, camera_id: str, time_ns: int, jpeg: bytes) -> None:
        """A camera has a new small picture."""
        self.live.put_thumbnail(Thumbnail(camera_id=camera_id, time_ns=time_ns, jpeg=jpeg))

    def pictured(self, camera_id: str, message: bytes) -> None:
        """A camera has a new picture, with its marks."""
        self.live.put(camera_id, message)

    def saw(self, glance: Glance) -> None:
        """A camera has seen something, or nothing."""
        self.control.take(glance)

    def begins(self, camera_id: str) -> int:
        """The number of the first track of a camera's process that is about to be started."""
        return self.control.first_track(camera_id)

    def opened(self, camera_id: str) -> None:
        """A camera's process has its source open."""
        self.control.camera_open(camera_id)

    def runs(self, camera_id: str, run: CameraRun, restarts: int, detail: str) -> None:
        """A camera's process does otherwise than before."""
        self.control.camera_runs(camera_id, run, restarts, detail)

    async def _open(self) -> None:
        out = self.place.out
        try:
            out.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise write_refusal(out, error) from error
        door = _bound(self.place.host, self.place.port)
        self._stack.callback(door.close)
        self.port = door.getsockname()[1]
        self.log: SqliteEventLog = await asyncio.to_thread(open_log, out / LOG, _say, option="--out")
        self._stack.callback(self.log.close)
        made: Made = await asyncio.to_thread(set_up, self.plan.site)
        side = None if self.plan.share is None else await asyncio.to_thread(read_side, self.plan.share, self.plan.site)
        reporters = Reporters(out / REPORTERS, out / KEY)
        self._stack.callback(reporters.close)
        self.accounts = SqliteAccounts(out / ACCOUNTS)
        self._stack.callback(self.accounts.close)
        outfit = Outfit(
            site=self.plan.site, log=self.log, setup=made.setup, ground=made.ground, clock=self.plan.clock, tell=_say,
            vault=reporters, clips=_Clips(out), zone=_zone(), settings=self.plan.settings,
            partner=None if side is None else side.facts,
        )  # fmt: skip
        self.control: Control = await asyncio.to_thread(Control, outfit)
        planned = self.plan.planned
        line = None if planned is None else await asyncio.to_thread(PlannedLine, self.plan.site, planned)
        self.watched = ground_watch(
            self.plan.site, made.surface, self.log, self.control.now_ns, plan=line, places=self._sent_from
        )
        self.papers = Papers(self.log, self.control, self.plan.site, _zone(), reporters)
        self.control.records = self.papers.record
        if self.watched is not None:
            self.control.listen(self.watched.hear)
        await self.control.start()
        self._stack.push_async_callback(self._stop_desk)
        if side is not None:
            self.sharing = Sharing(side, self.control)
            self._stack.push_async_callback(self.sharing.close)
        await self._serve(door, made)
        self._keep()
        self.cameras = self._begin_cameras()
        self._stack.push_async_callback(self._stop_cameras)
        tell_manager("READY=1")
        _log.info("station_open", site=self.plan.site.name, url=self.url, out=str(out))

    async def begin_again(self) -> None:
        """Stop all cameras, and start them anew."""
        await self._stop_cameras()
        self.cameras = self._begin_cameras()

    def _begin_cameras(self) -> Cameras:
        cameras = Cameras([CameraKeeper(each, self, self.plan.patience) for each in self.plan.orders])
        cameras.start()
        return cameras

    async def _stop_cameras(self) -> None:
        await self.cameras.stop()

    async def _stop_desk(self) -> None:
        missing = await self.control.stop()
        if missing:
            _log.error("events_lost", count=missing)

    async def _serve(self, door: socket.socket, made: Made) -> None:
        if self.place.host in _EVERYWHERE and not self.place.names:
            _log.warning("console_without_name", why="browsers of other machines are refused", mend="--name")
        hosts = tuple(dict.fromkeys(("127.0.0.1", "localhost", "::1", self.place.host, *self.place.names)))
        app = build_app(
            self.control, self.accounts, clock=SystemClock(), terms=Terms(hosts=hosts, tls=self.place.is_tls),
            handlers=[
                *self._film_routes(),
                *report_routes(self.papers, self._audit),
                *await asyncio.to_thread(self._map_routes, made),
                *closure_routes(lambda: None if self.watched is None else self.watched.closure()),
            ],
        )  # fmt: skip
        server = server_for(
            app, host=self.place.host, port=self.port, certificate=self.place.certificate, key=self.place.key,
            tls_proxy=self.place.tls_proxy,
        )  # fmt: skip
        # Signals are the program's own, which stops the cameras before the console.
        server.capture_signals = contextlib.nullcontext  # type: ignore[assignment]  # it is a method there
        self._serving = asyncio.create_task(server.serve(sockets=[door]), name="console")
        self._stack.push_async_callback(self._stop_serving, server)
        while not server.started:
            if self._serving.done():
                raise UnavailableError("the console could not be started; see the lines above")
            await asyncio.sleep(0.02)

    async def _audit(self, person: Person, subject: str, reason: str) -> object:
        """Write down who looks something up, and why."""
        said = LookedUp(time_ns=self.control.now_ns(), officer=person.name, subject_id=subject, reason=reason)
        return await self.control.record([said])

    def _film_routes(self) -> list[ControllerRouterHandler]:
        cameras = frozenset(camera.id for camera in self.plan.site.cameras)
        return [film_routes(Screening(self.film, self.live, cameras=cameras, who=_who, audit=self._audit))]

    def _map_routes(self, made: Made) -> list[ControllerRouterHandler]:
        """The map's routes, none where the site has no ground."""
        if made.surface is None:
            return []
        site = self.plan.site
        lookouts = [Lookout(post_id=each.id, name=each.name, position=each.position) for each in site.posts]
        source = SiteMap(
            site, made.surface, site_views(site, made.surface), relief=wide_relief(site, made.surface, Path()),
            base_map=Path(site.base_map) if site.base_map else None, lookouts=lookouts, patrols=self._patrol_places,
            layers=_no_layers if self.watched is None else self.watched.layers,
        )  # fmt: skip
        return [*map_handlers(source)]

    def _sent_from(self) -> dict[str, Position]:
        """Where each of the site's patrols is, as far as anybody knows."""
        return {name: place.position for name, place in self._patrol_places().items()}

    def _patrol_places(self) -> dict[str, PatrolPlace]:
        places = self.control.places()
        return {
            each.patrol_id: PatrolPlace(
                patrol_id=each.patrol_id, position=places[each.patrol_id], means=each.means, ready_s=each.ready_s
            )
            for each in self.plan.site.patrols
            if each.patrol_id in places
        }

    async def _stop_serving(self, server: uvicorn.Server) -> None:
        self.control.dismiss()
        server.should_exit = True
        if self._serving is not None:
            await asyncio.wait([self._serving])

    def _keep(self) -> None:
        """Begin to keep film within its quota, and to say that all is alive."""
        keeper = FilmKeeper(self.film_folder, round(self.place.quota_gb * 1e9))
        self._tasks = [
            asyncio.create_task(self._tidy(keeper), name="film"),
            asyncio.create_task(_live(), name="alive"),
        ]
        retention = self.plan.site.retention
        if retention.keep:
            keeping = RetentionKeeper(self.place.out / LOG, retention, self.control, _zone(), _say)
            self._tasks.append(asyncio.create_task(keeping.run(), name="retention"))
        if self.watched is not None:
            self._tasks.append(asyncio.create_task(self.watched.keep(), name="ground"))
        if self.sharing is not None:
            self._tasks.append(asyncio.create_task(self.sharing.run(), name="sharing"))
        self._stack.push_async_callback(self._stop_keeping)

    async def _stop_keeping(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _tidy(self, keeper: FilmKeeper) -> None:
        while True:
            try:
                events = await asyncio.to_thread(keeper.tidy, self.control.now_ns(), time.time())
            except OSError as error:
                _log.warning("film_not_tidied", why=error.strerror)
            else:
                if events:
                    self.control.record(events)
                self.control.stores(keeper.storage)
            await asyncio.sleep(TIDY_S)


class _Clips:
    """Film kept as evidence, in the station's folder."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._archive = FilmArchive(out / FILM)

    def keep(self, incident_id: str, camera_id: str, from_ns: int, to_ns: int) -> Evidence:
        """Copy a span of film to an incident's folder. Raises: InputError where there is none."""
        target = self._out / EVIDENCE / incident_id / f"{camera_id}-{from_ns}-{to_ns}.mp4"
        return export_clip(self._archive, camera_id, from_ns, to_ns, target, site_folder=self._out)


def _who(connection: ASGIConnection[Any, Any, Any, Any]) -> Person:
    """Who asks, as the gate has found."""
    person: Person = connection.user
    return person


def _no_layers() -> None:
    """Where no camera stands anywhere."""


async def _live() -> None:
    while True:
        tell_manager("WATCHDOG=1")
        await asyncio.sleep(ALIVE_S)


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises: UnavailableError where that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, port))
    except OSError as error:
        door.close()
        other = "an address of this machine as --host" if error.errno == errno.EADDRNOTAVAIL else "another --port"
        raise UnavailableError(
            f"{host}:{port}: the console cannot be served there ({error.strerror or error}); choose {other}"
        ) from error
    door.set_inheritable(False)
    return door


def _say(text: str) -> None:
    _log.warning("desk", text=text)


def _zone() -> tzinfo:
    """The machine's own time zone."""
    zone = datetime.now().astimezone().tzinfo
    assert zone is not None  # noqa: S101 - a time made aware has one
    return zone
