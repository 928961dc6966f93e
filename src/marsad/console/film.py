"""Film over HTTP: live, replayed, as thumbnails, as spans, and as clips."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Protocol

import msgspec
from litestar import Request, Response, Router, WebSocket, get, websocket
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.exceptions import NotFoundException, PermissionDeniedException, WebSocketDisconnect
from litestar.params import FromPath, FromQuery, QueryParameter, SkipValidation
from litestar.response import Stream

from marsad.console.live import LiveFilm, Recoding, Viewer, Wall
from marsad.console.replay import Command, FilmReader, Replay, moved, reel_for
from marsad.kernel.act import Person
from marsad.kernel.film import Codec, FilmSpan
from marsad.kernel.role import Role

WATCH: frozenset[Role] = frozenset({"viewer", "operator", "supervisor", "planner", "administrator"})
EXPORT: frozenset[Role] = frozenset({"operator", "supervisor", "administrator"})
NO_STORE = {"cache-control": "no-store"}
PIECE_BYTES = 1 << 18

CameraId = FromPath[str]
Reason = Annotated[str, QueryParameter(min_length=1, max_length=400)]
FromNs = Annotated[int, QueryParameter(name="from", ge=0)]
ToNs = Annotated[int, QueryParameter(name="to", ge=0)]
Socket = WebSocket[Any, Any, Any]
Asked = Request[Any, Any, Any]
Anyone = ASGIConnection[Any, Any, Any, Any]


class Film(FilmReader, Protocol):
    """Kept film; calls may wait for the disk."""

    def spans(self, camera_id: str, from_ns: int, to_ns: int) -> list[FilmSpan]:
        """What there is of a camera between two moments."""

    def clip(self, camera_id: str, from_ns: int, to_ns: int) -> Path:
        """A new MP4 file, for the caller to remove. Raises: InputError where there is no film of that time."""

    def recoder(self) -> Recoding:
        """What turns one camera's film into JPEG."""


class Audit(Protocol):
    """Writes down who looked into what, and why, before it is shown."""

    def __call__(self, person: Person, subject: str, reason: str) -> Awaitable[object]:
        """Return when it is written. Raises: UnavailableError where it cannot be; nothing is shown then."""


class Screening:
    """What the handlers share: the film, who may see it, and the book in which look-ups are written down."""

    def __init__(
        self,
        film: Film,
        live: LiveFilm,
        *,
        cameras: frozenset[str],
        who: Callable[[Anyone], Person],
        audit: Audit,
    ) -> None:
        """`who` says who asks, and raises where nobody is signed in."""
        self.film = film
        self.live = live
        self.audit = audit
        self._cameras = cameras
        self._who = who

    def allowed(self, connection: Anyone, roles: frozenset[Role]) -> Person:
        """Who asks. Raises: PermissionDeniedException where their role may not."""
        person = self._who(connection)
        if person.role not in roles:
            raise PermissionDeniedException(f"a {person.role} may not do that")
        return person

    def camera(self, camera_id: str) -> str:
        """The camera's name. Raises: NotFoundException where there is no such camera."""
        if camera_id not in self._cameras:
            raise NotFoundException(f"there is no camera {camera_id}")
        return camera_id


Shared = NamedDependency[SkipValidation[Screening]]


@websocket("/cameras/{camera_id:str}/live")
async def live_film(socket: Socket, screening: Shared, camera_id: CameraId, codec: FromQuery[Codec] = "h264") -> None:
    """Send a camera's pictures as they come; texts `{"got": n}` say how many have arrived."""
    screening.allowed(socket, WATCH)
    live = screening.live
    viewer = live.join(screening.camera(camera_id), codec)
    try:
        await socket.accept()
        await together(_sending(socket, viewer), _hearing(socket, viewer.got))
    finally:
        live.leave(camera_id, viewer)


@websocket("/cameras/{camera_id:str}/replay")
async def replay(
    socket: Socket,
    screening: Shared,
    camera_id: CameraId,
    from_ns: FromNs,
    reason: Reason,
    speed: Annotated[float, QueryParameter(ge=0, le=16)] = 1.0,
    codec: FromQuery[Codec] = "h264",
) -> None:
    """Send kept pictures when they are due; texts are `replay.Command`s."""
    person = screening.allowed(socket, WATCH)
    reel = reel_for(screening.film, screening.camera(camera_id), codec, screening.film.recoder)
    await screening.audit(person, f"film {camera_id} {from_ns}", reason)
    await socket.accept()

    async def send(message: bytes) -> None:
        await socket.send_bytes(message)

    player = Replay(reel, send, time.monotonic, speed=speed)

    async def heed() -> None:
        while True:
            command = _command(await socket.receive_text())
            if command is not None and moved(command, reel.time_ns):
                await screening.audit(person, f"film {camera_id} {command.seek_ns}", reason)
            if command is not None:
                player.ask(command)

    await together(player.run(from_ns), heed())


@websocket("/thumbnails")
async def thumbnails(socket: Socket, screening: Shared) -> None:
    """Send every camera's thumbnail when there is a new one: header length (u32), header, JPEG."""
    screening.allowed(socket, WATCH)
    wall = screening.live.join_wall()
    try:
        await socket.accept()
        await together(_sending(socket, wall), _hearing(socket, lambda _count: None))
    finally:
        screening.live.leave_wall(wall)


@get("/cameras/{camera_id:str}/thumbnail.jpg", media_type="image/jpeg", sync_to_thread=False)
def thumbnail(request: Asked, screening: Shared, camera_id: CameraId) -> Response[bytes]:
    """The newest small picture of a camera; its time stands in `x-time-ns`."""
    screening.allowed(request, WATCH)
    newest = screening.live.thumbnail(screening.camera(camera_id))
    if newest is None:
        raise NotFoundException(f"{camera_id} has sent no picture yet")
    headers = {**NO_STORE, "x-time-ns": str(newest.time_ns)}
    return Response(newest.jpeg, media_type="image/jpeg", headers=headers)


@get("/cameras/{camera_id:str}/film")
async def film_spans(
    request: Asked, screening: Shared, camera_id: CameraId, from_ns: FromNs, to_ns: ToNs
) -> list[FilmSpan]:
    """What film there is of a camera between two moments."""
    screening.allowed(request, WATCH)
    return await asyncio.to_thread(screening.film.spans, screening.camera(camera_id), from_ns, to_ns)


@get("/cameras/{camera_id:str}/clip.mp4")
async def clip(
    request: Asked, screening: Shared, camera_id: CameraId, from_ns: FromNs, to_ns: ToNs, reason: Reason
) -> Stream:
    """A span of film as an MP4 file, from the key picture before it on."""
    person = screening.allowed(request, EXPORT)
    screening.camera(camera_id)
    await screening.audit(person, f"clip {camera_id} {from_ns}-{to_ns}", reason)
    path = await asyncio.to_thread(screening.film.clip, camera_id, from_ns, to_ns)
    moment = datetime.fromtimestamp(from_ns / 1e9, tz=UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {**NO_STORE, "content-disposition": f'attachment; filename="{camera_id}-{moment}.mp4"'}
    return Stream(_pieces(path), media_type="video/mp4", headers=headers)


def film_routes(screening: Screening) -> Router:
    """All of them, under `/api`."""
    return Router(
        "/api",
        route_handlers=[live_film, replay, thumbnails, thumbnail, film_spans, clip],
        dependencies={"screening": Provide(lambda: screening, sync_to_thread=False)},
        tags=["film"],
    )


async def together(*parts: Coroutine[Any, Any, None]) -> None:
    """Run all parts until one ends, as it does when the browser goes, and end the others."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        if not task.cancelled() and (error := task.exception()) and not isinstance(error, WebSocketDisconnect):
            raise error


async def _sending(socket: Socket, waiting: Viewer | Wall) -> None:
    while True:
        await socket.send_bytes(await waiting.next())


async def _hearing(socket: Socket, got: Callable[[int], None]) -> None:
    while True:
        command = _command(await socket.receive_text())
        if command is not None and command.got is not None:
            got(command.got)


def _command(text: str) -> Command | None:
    """What a viewer asks; None where it cannot be understood."""
    try:
        return msgspec.json.decode(text, type=Command)
    except msgspec.MsgspecError:
        return None


def _pieces(path: Path) -> Iterator[bytes]:
    """The file's content; the file is gone as soon as it is open."""
    with path.open("rb") as file:
        path.unlink()
        while piece := file.read(PIECE_BYTES):
            yield piece
