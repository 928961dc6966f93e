"""The console's server: all routes behind one gate, and the terms on which it listens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final

import structlog
import uvicorn
from argon2 import PasswordHasher
from litestar import Litestar
from litestar.datastructures import State
from litestar.types import ControllerRouterHandler

from marsad import __version__
from marsad.console.access import Access
from marsad.console.acts import desk_routes
from marsad.console.answers import HANDLERS
from marsad.console.desk import Desk
from marsad.console.door import BODY_S, LOOPBACK, Door, is_loopback
from marsad.console.feed import SEND_S, feed_routes
from marsad.console.gate import Gate
from marsad.console.gatekeeper import Gatekeeper, Limits
from marsad.console.health import health_routes
from marsad.console.pages import BUILT, page_routes
from marsad.console.patient import PatientProtocol, PatientSocket
from marsad.console.schema import schema_routes
from marsad.console.session import session_routes
from marsad.kernel.port import Accounts, Clock
from marsad.kernel.record import Record

SWEEP_S: Final = 2.0
CONNECTIONS: Final = 512
_log = structlog.get_logger()


class Terms(Record):
    """On which terms the console is served.

    `hosts` are the names, without a port, by which it may be asked for; `tls` whether browsers reach it by https, from
    this server or from one before it. `body_bytes` and `body_s` are how much may be sent, and how long that may take;
    `send_s` is how long a follower of the feed may take to take a message.
    """

    hosts: tuple[str, ...] = LOOPBACK
    tls: bool = False
    limits: Limits = Limits()
    body_bytes: int = 256 * 1024
    body_s: float = BODY_S
    send_s: float = SEND_S


def build_app(
    desk: Desk, accounts: Accounts, *, clock: Clock, terms: Terms | None = None,
    hasher: PasswordHasher | None = None, handlers: Sequence[ControllerRouterHandler] = (), built: Path = BUILT,
) -> Litestar:  # fmt: skip
    """The console as an ASGI application.

    What happens at the door is written to the desk's log, in the desk's time; sessions run by `clock`, the wall's.
    `handlers` are further routes: see `gate.Gate` on how each says whom it is for. `app.state.routes` are all of them.
    """
    terms = terms or Terms()
    access = Access(desk.record, desk.now_ns)
    patrol_ids = frozenset(patrol.patrol_id for patrol in desk.site.patrols)
    keeper = Gatekeeper(accounts, access, clock.now_ns, terms.limits, hasher, patrol_ids=patrol_ids)
    gate = Gate(keeper, access, tls=terms.tls)

    @contextlib.asynccontextmanager
    async def swept(_: Litestar) -> AsyncIterator[None]:
        sweeper = asyncio.create_task(_sweep(gate, access))
        try:
            yield
        finally:
            sweeper.cancel()
            access.settle(everything=True)

    routes: list[ControllerRouterHandler] = [
        *session_routes(keeper, tls=terms.tls),
        *desk_routes(desk, access),
        *feed_routes(desk, terms.send_s),
        *health_routes(desk),
        *page_routes(built),
        *handlers,
    ]
    app = Litestar(
        [*routes, *schema_routes(routes, __version__)],
        state=State({"routes": routes}),
        middleware=[gate],
        exception_handlers=HANDLERS,
        lifespan=[swept],
        logging_config=None,
        openapi_config=None,
        request_max_body_size=terms.body_bytes,
        debug=False,
    )
    app.asgi_handler = Door(app.asgi_handler, terms.hosts, tls=terms.tls, body_s=terms.body_s)
    return app


def server_for(
    app: Litestar, *, host: str = "127.0.0.1", port: int = 8700, certificate: Path | None = None,
    key: Path | None = None, tls_proxy: bool = False,
) -> uvicorn.Server:  # fmt: skip
    """A server that listens where it is told, on this machine alone where it is not told; `serve` runs it.

    No header of a proxy is believed; `tls_proxy` says that one with TLS stands before it. Messages of the feed are
    compressed once for all browsers, by `PatientSocket`, and not for each anew.
    """
    if certificate is None and not tls_proxy and not is_loopback(host):
        _log.warning(
            "console_without_tls", host=host, port=port,
            why="passwords and pictures go over the network unencrypted, and phones give no position",
            mend="--certificate and --key, or a proxy with TLS before it and --tls-proxy",
        )  # fmt: skip
    options: dict[str, Any] = {} if certificate is None else {"ssl_certfile": certificate, "ssl_keyfile": key}
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=PatientProtocol,
        ws=PatientSocket,
        ws_max_size=64 * 1024,
        ws_ping_interval=10.0,
        ws_ping_timeout=10.0,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=3,
        h11_max_incomplete_event_size=32 * 1024,
        **options,
    )
    return uvicorn.Server(config)


async def _sweep(gate: Gate, access: Access) -> None:
    """Again and again close what is over, and write what was counted."""
    while True:
        await asyncio.sleep(SWEEP_S)
        gate.sweep()
        access.settle()
