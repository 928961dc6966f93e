"""Prints the interface as OpenAPI: `python -m marsad.console.openapi > docs/reference/openapi.json`."""

import sys
import time
from types import SimpleNamespace
from typing import Any, cast

import msgspec
from litestar.types import ControllerRouterHandler

from marsad import __version__
from marsad.console.closure import closure_routes
from marsad.console.film import film_routes
from marsad.console.maps import map_handlers
from marsad.console.reports import report_routes
from marsad.console.schema import Document, document
from marsad.console.server import build_app


def interface() -> Document:
    """All routes that a console has, with nothing behind them: they are described, and never called."""
    nothing = cast("Any", SimpleNamespace(now_ns=time.time_ns, record=None, site=SimpleNamespace(patrols=())))
    others: list[ControllerRouterHandler] = [
        *report_routes(nothing, nothing),
        film_routes(nothing),
        *map_handlers(nothing),
        *closure_routes(nothing),
    ]
    app = build_app(nothing, nothing, clock=nothing, handlers=others)
    return document(app.state.routes, __version__)


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(interface()), indent=1) + b"\n")
