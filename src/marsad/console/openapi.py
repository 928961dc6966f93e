"""Prints the interface as OpenAPI: `python -m marsad.console.openapi > docs/reference/openapi.json`."""

import sys
import time
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from marsad import __version__
from marsad.console.schema import document
from marsad.console.server import build_app

if __name__ == "__main__":
    nothing = cast("Any", SimpleNamespace(now_ns=time.time_ns, record=None))
    app = build_app(nothing, nothing, clock=nothing)
    sys.stdout.buffer.write(
        msgspec.json.format(msgspec.json.encode(document(app.state.routes, __version__)), indent=1) + b"\n"
    )
