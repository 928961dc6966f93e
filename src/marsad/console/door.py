"""The outermost door: for whom this server is meant, how long it waits for a body, and what it tells every browser."""

import asyncio
import ipaddress
from collections.abc import Iterable
from typing import Final

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, ReceiveMessage, Scope, Send

from marsad.console.problem import STATUS, NotDoneError, Problem, ProblemKind

BODY_S: Final = 20.0
LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")

_HEADERS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    # A patrol's phone says where it is; nothing else of a device is ever asked for.
    (b"permissions-policy", b"geolocation=(self), camera=(), microphone=(), display-capture=(), usb=(), serial=()"),
)


def policy(host: str, *, tls: bool) -> str:
    """What the console's pages may load, run and reach: themselves, and nothing else in the world.

    MapLibre runs its workers from blobs and draws images that it made itself; neither it nor Svelte needs inline styles
    or evaluated scripts. The feed is named, since older browsers do not count it as `'self'`.
    """
    feed = f"{'wss' if tls else 'ws'}://{host}"
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "worker-src 'self' blob:",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "font-src 'self'",
            f"connect-src 'self' {feed}",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


class Door:
    """Wraps the application: refuses what was meant for another name, and a body that comes too slowly.

    Under another name a page elsewhere gets at a server on the reader's own machine (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], *, tls: bool, body_s: float = BODY_S) -> None:
        self._app = app
        self._hosts = frozenset(
            f"[{host}]" if host.count(":") > 1 and host[0] != "[" else host.lower() for host in hosts
        )
        self._tls = tls
        self._body_s = body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, with the headers that every answer has."""
        host = _host(scope)
        if _name(host) not in self._hosts:
            await self._refuse(scope, send, "NotAllowed", "this server is not known by that name")
            return
        if scope["type"] == ScopeType.WEBSOCKET:
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers(scope, host, message["headers"])]
            await send(message)

        await self._app(scope, _Patient(receive, self._body_s), answer)

    def _headers(self, scope: Scope, host: str, there: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        known = {name.lower() for name, _ in there}
        own = [*_HEADERS, (b"content-security-policy", policy(host, tls=self._tls).encode("latin-1"))]
        if self._tls:
            own.append((b"strict-transport-security", b"max-age=31536000"))
        if scope["path"].startswith("/api/"):
            own.append((b"cache-control", b"no-store"))
        return [(name, value) for name, value in own if name not in known]

    async def _refuse(self, scope: Scope, send: Send, error: ProblemKind, message: str) -> None:
        if scope["type"] == ScopeType.WEBSOCKET:
            await send({"type": "websocket.close", "code": 4403, "reason": ""})
            return
        body = msgspec.json.encode(Problem(error=error, message=message))
        headers = [(b"content-type", b"application/json"), (b"connection", b"close"), *_HEADERS]
        await send({"type": "http.response.start", "status": STATUS[error], "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


class _Patient:
    """Receives a request's body, for so long and no longer."""

    def __init__(self, receive: Receive, body_s: float) -> None:
        self._receive = receive
        self._body_s = body_s
        self._whole = False
        self._until: float | None = None

    async def __call__(self) -> ReceiveMessage:
        if self._whole:
            return await self._receive()
        now_s = asyncio.get_running_loop().time()
        self._until = self._until or now_s + self._body_s
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError as error:
            raise NotDoneError("TooSlow", "the body of the request came too slowly") from error
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        return message


def _host(scope: Scope) -> str:
    """The `Host` that was asked for, empty where it is given not once."""
    given = [value for name, value in scope["headers"] if name == b"host"]
    return given[0].decode("latin-1").lower() if len(given) == 1 else ""


def _name(host: str) -> str:
    """A host without its port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and not host.endswith("]") else host


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"
