"""Whether the server answers, for whatever watches over it."""

from typing import Literal

from litestar import get
from litestar.handlers import HTTPRouteHandler

from marsad.console.desk import Desk
from marsad.kernel.record import Record


class Health(Record):
    """The server answers; `now_ns` is the desk's time."""

    status: Literal["ok"]
    now_ns: int


def health_routes(desk: Desk) -> list[HTTPRouteHandler]:
    """The route that says so, to everybody, and nothing else."""

    @get("/api/health", opt={"public": True})
    async def health() -> Health:
        """Whether the server answers."""
        return Health(status="ok", now_ns=desk.now_ns())

    return [health]
