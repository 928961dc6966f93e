"""The interface as an OpenAPI 3.1 document: every route, and every record that goes over it or over the feed."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import ControllerRouterHandler

from marsad.console.desk import Done, FeedMessage
from marsad.console.gatekeeper import AccountChange, AccountShown, Credentials, NewAccount
from marsad.console.health import Health
from marsad.console.problem import STATUS, Problem
from marsad.console.session import PasswordChange, SessionShown
from marsad.console.shown import TrackShown
from marsad.kernel.act import Act
from marsad.kernel.chain import StoredEvent
from marsad.kernel.desk import DeskState
from marsad.kernel.event import Event
from marsad.kernel.site import Site
from marsad.respond.dispatch import Option

Document = dict[str, Any]

UNIONS: Final[Mapping[str, Any]] = {"Act": Act, "Event": Event, "FeedMessage": FeedMessage}
RECORDS: Final = (
    DeskState, Site, StoredEvent, Done, Option, Problem, SessionShown, Credentials, PasswordChange, AccountShown,
    NewAccount, AccountChange, Health,
)  # fmt: skip
SPARING: Final = frozenset({TrackShown.__name__})
"""Records that are told without the fields that have their defaults."""
_REF: Final = "#/components/schemas/"
_RENAMED: Final = {
    "console_desk_Done": "DeskDone",
    "kernel_incident_Done": "StepDone",
    "marsad.console.desk.Done": "DeskDone",
    "marsad.kernel.incident.Done": "StepDone",
    "marsad_console_desk_Done": "DeskDone",
    "marsad_kernel_incident_Done": "StepDone",
    "console_maps_Facts": "MapFacts",
    "kernel_alert_Facts": "Facts",
}
_DESCRIPTION: Final = (
    "State, acts and events of one site. Sign in with `POST /api/session`; send the cookie, and with every request that"
    " changes something the session's `csrf` as the header `x-csrf-token`. The change feed is a WebSocket at"
    " `/api/feed?since=SEQUENCE`, whose messages are `FeedMessage`."
)


def document(routes: list[ControllerRouterHandler], version: str) -> Document:
    """The OpenAPI document of these routes."""
    config = OpenAPIConfig(title="Marsad", version=version, description=_DESCRIPTION, use_handler_docstrings=True)
    made = Litestar(routes, openapi_config=config, logging_config=None).openapi_schema.to_schema()
    schemas = {**_renamed(made["components"]["schemas"]), **_renamed(_records())}
    found: Document = _renamed(
        {
            "openapi": made["openapi"],
            "info": made["info"],
            "paths": {
                path: _operations(each) for path, each in sorted(made["paths"].items()) if path.startswith("/api/")
            },
            "components": {"schemas": dict(sorted(schemas.items()))},
        }
    )
    known = found["components"]["schemas"]
    asked = set(_reached([each for _, each in _bodies(found)] + [{"$ref": _REF + "Act"}], known))
    for name, schema in known.items():
        # What is answered always has all its fields; of what is asked, those with a default may be left out.
        if name not in asked | SPARING and "properties" in schema:
            schema["required"] = list(schema["properties"])
    return found


def schema_routes(routes: list[ControllerRouterHandler], version: str) -> list[HTTPRouteHandler]:
    """The route that serves the document."""
    made: list[bytes] = []

    @get("/api/openapi.json", opt={"public": True}, include_in_schema=False, media_type="application/json")
    async def openapi() -> bytes:
        if not made:
            made.append(msgspec.json.encode(document(routes, version)))
        return made[0]

    return [openapi]


def _records() -> Document:
    """The schemas of all records, with what their docstrings say of them."""
    types = [*UNIONS.values(), *RECORDS]
    unions, schemas = msgspec.json.schema_components(types, ref_template=_REF + "{name}")
    return {**schemas, **dict(zip(UNIONS, unions, strict=False))}


def _operations(operations: Document) -> Document:
    """A path's operations: what goes wrong is always a `Problem`."""
    for each in operations.values():
        each["responses"].pop("400", None)
        each["responses"]["default"] = {
            "description": f"not done: one of {', '.join(STATUS)}",
            "content": {"application/json": {"schema": {"$ref": _REF + "Problem"}}},
        }
        body = each.get("requestBody", {}).get("content", {}).get("application/json", {})
        if {"$ref": _REF + "Acknowledge"} in body.get("schema", {}).get("oneOf", ()):
            body["schema"] = {"$ref": _REF + "Act"}
    return operations


def _renamed(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """The same with the names of records that two modules have made their own."""
    if isinstance(value, dict):
        return {_RENAMED.get(key, key): _renamed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each) for each in value]
    if isinstance(value, str) and value.startswith(_REF):
        name = value.removeprefix(_REF)
        return _REF + _RENAMED.get(name, name)
    return value


def _bodies(found: Document) -> Iterator[tuple[str, Any]]:
    for path, operations in found["paths"].items():
        for each in operations.values():
            if "requestBody" in each:
                yield path, each["requestBody"]


def _reached(start: Any, schemas: Document) -> Iterator[str]:  # noqa: ANN401 - any JSON
    """The names of the schemas that are referred to, also by others that are."""
    waiting, seen = [msgspec.json.encode(start).decode()], set[str]()
    while waiting:
        for name in re.findall(f'"{_REF}([^"]+)"', waiting.pop()):
            if name not in seen and name in schemas:
                seen.add(name)
                waiting.append(msgspec.json.encode(schemas[name]).decode())
                yield name
