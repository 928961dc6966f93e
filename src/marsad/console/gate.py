"""What stands between a request and what it asks for: who it is, what they may do, and whether their own page asks."""

import asyncio
import contextlib
import secrets
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from marsad.console.access import Access
from marsad.console.door import is_loopback
from marsad.console.gatekeeper import Gatekeeper, SignedIn
from marsad.console.problem import NotDoneError
from marsad.console.roles import Rank, at_least

SIGN_IN_AGAIN: Final = 4401
NOT_ALLOWED: Final = 4403
"""Codes that a WebSocket is closed with: browsers cannot read the status of one that was not opened."""

CSRF_HEADER: Final = "x-csrf-token"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_TOLD: Final = 200

Connection = ASGIConnection[Any, Any, Any, Any]


def cookie_name(*, tls: bool) -> str:
    """What the session's cookie is called; the prefix makes a browser refuse it from any other host or path."""
    return "__Host-marsad" if tls else "marsad"


def address_of(connection: Connection) -> str:
    """Where it comes from, as the socket says."""
    return connection.client.host if connection.client else ""


def is_same_machine(connection: Connection) -> bool:
    """Whether it comes from the machine that the console runs on, by whichever of its addresses it was asked."""
    asker, server = address_of(connection), connection.scope.get("server")
    return is_loopback(asker) or (server is not None and asker == server[0])


class Gate(ASGIMiddleware):
    """Lets through whom a route is for, and puts who it is into `scope["user"]` and `scope["auth"]`.

    A route says in its `opt` whom: `public` for everybody, `least` the least rank (a viewer's where it says nothing),
    `patrol` for patrols too. A WebSocket is closed as soon as its session is over.
    """

    scopes = (ScopeType.HTTP, ScopeType.WEBSOCKET)

    def __init__(self, keeper: Gatekeeper, access: Access, *, tls: bool) -> None:
        self._keeper = keeper
        self._access = access
        self._cookie = cookie_name(tls=tls)
        self._scheme = "https" if tls else "http"
        self._open: dict[asyncio.Task[None], str] = {}

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Pass the request on. Raises: NotDoneError where it is not let through."""
        connection: Connection = ASGIConnection(scope)
        token = connection.cookies.get(self._cookie)
        signed_in = self._keeper.who(token)
        scope["user"] = signed_in.person if signed_in else None
        scope["auth"] = signed_in
        if scope["type"] == ScopeType.WEBSOCKET:
            await self._socket(connection, receive, send, next_app, token or "")
            return
        self._own_page(connection, signed_in)
        self._allowed(connection, signed_in)
        await next_app(scope, receive, send)
        if connection.scope.get("method") not in _SAFE:
            self.sweep()

    def sweep(self) -> None:
        """Close the sockets of whoever is out, and keep the sessions of the others in use."""
        for task, token in list(self._open.items()):
            if self._keeper.who(token) is None:
                task.cancel()

    def _allowed(self, connection: Connection, signed_in: SignedIn | None) -> None:
        opt = connection.route_handler.opt
        if opt.get("public"):
            return
        if signed_in is None:
            raise NotDoneError("NotSignedIn", "sign in first")
        least: Rank = opt.get("least", "viewer")
        role = signed_in.person.role
        if not at_least(role, least) and not (role == "patrol" and opt.get("patrol")):
            self._refuse(connection, f"this is not for the role {role}: it takes at least {least}", "role")

    def _own_page(self, connection: Connection, signed_in: SignedIn | None) -> None:
        """Pass what comes from the console's own page. Raises: NotDoneError where another's page may have sent it."""
        if connection.scope.get("method") in _SAFE:
            return
        if not self._own_origin(connection):
            self._refuse(connection, "this request comes from another site's page", "origin")
        if connection.route_handler.opt.get("public"):
            return
        sent = connection.headers.get(CSRF_HEADER, "")
        if signed_in and not secrets.compare_digest(sent.encode(), signed_in.session.csrf.encode()):
            self._refuse(connection, f"the header {CSRF_HEADER} must hold the session's csrf token", "csrf")

    def _own_origin(self, connection: Connection) -> bool:
        """Whether the page that sent this is the console's own; a program that is no browser names none."""
        origin = connection.headers.get("origin")
        host = connection.headers.get("host", "")
        site = connection.headers.get("sec-fetch-site", "none")
        return origin in {None, f"{self._scheme}://{host}"} and site in {"none", "same-origin"}

    def _refuse(self, connection: Connection, message: str, reason: str) -> None:
        person = connection.scope["user"]
        subject = f"{connection.scope.get('method', 'WS')} {connection.scope['path']}"[:_TOLD]
        self._access.tell(
            "refused", person.name if person else "", address_of(connection), subject=subject, reason=reason
        )
        raise NotDoneError("NotAllowed", message)

    async def _socket(
        self, connection: Connection, receive: Receive, send: Send, next_app: ASGIApp, token: str
    ) -> None:
        try:
            if not self._own_origin(connection):
                self._refuse(connection, "this request comes from another site's page", "origin")
        except NotDoneError:
            await send({"type": "websocket.close", "code": NOT_ALLOWED, "reason": ""})
            return
        try:
            self._allowed(connection, connection.scope["auth"])
        except NotDoneError as refusal:
            code = SIGN_IN_AGAIN if refusal.problem.error == "NotSignedIn" else NOT_ALLOWED
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
            await send({"type": "websocket.close", "code": code, "reason": ""})
            return
        await self._run(next_app(connection.scope, receive, send), send, token)

    async def _run(self, call: Any, send: Send, token: str) -> None:  # noqa: ANN401 - an awaitable of the framework's
        """Run a socket's handler until it ends or its session does."""
        task = asyncio.ensure_future(call)
        self._open[task] = token
        try:
            await asyncio.wait({task})
        finally:
            del self._open[task]
            task.cancel()
        if not task.cancelled():
            task.result()
            return
        with contextlib.suppress(OSError, RuntimeError):
            await send({"type": "websocket.close", "code": SIGN_IN_AGAIN, "reason": ""})
