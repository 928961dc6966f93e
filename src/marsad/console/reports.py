"""Records, briefs and statements over HTTP, as data and on paper."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Protocol

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta

from marsad.kernel.act import Person
from marsad.kernel.record import Record
from marsad.kernel.statement import Language, Statement
from marsad.report.brief import Brief
from marsad.report.incident_record import IncidentRecord

Asked = Request[Any, Any, Any]
Audit = Callable[[Person, str, str], Awaitable[object]]
"""Writes down who looks something up, what, and why, and returns when that is on the disk."""
From = Annotated[int, QueryParameter(name="from", description="the first moment, in ns since 1970, UTC")]
To = Annotated[int, QueryParameter(name="to", description="the last moment, in ns since 1970, UTC")]
InLanguage = Annotated[Language, QueryParameter(name="language", description="ar, ckb, kmr or en")]
Place = Annotated[str, QueryParameter(name="place", max_length=200, description="what the ground is called outside")]


class Reports(Protocol):
    """What the log can be asked for on paper. Calls may take seconds and are made beside the server's event loop."""

    def record(self, incident_id: str) -> IncidentRecord:
        """The record of an incident. Raises: InputError where there is none."""

    def record_pdf(self, incident_id: str, language: Language) -> bytes:
        """The same on paper. Raises: as `record` does."""

    def brief(self, from_ns: int, to_ns: int) -> Brief:
        """What happened in a span of time. Raises: InputError where it ends before it begins."""

    def brief_pdf(self, from_ns: int, to_ns: int, language: Language) -> bytes:
        """The same on paper. Raises: as `brief` does."""

    def statements(self, incident_id: str) -> list[Statement]:
        """The statements about an incident, the newest first."""

    def statement_pdf(self, statement_id: str, place: str) -> bytes:
        """A statement on paper. Raises: InputError where there is none."""

    def cap(self, incident_id: str, place: str) -> bytes:
        """The newest statement in each language as a CAP message. Raises: InputError where there is none."""

    def reporter(self, number: str) -> str:
        """Who reported a sighting. Raises: InputError where nobody is kept under this number."""


class Asking(Record):
    """Why somebody asks who reported something."""

    reason: Annotated[str, Meta(min_length=3, max_length=500)]


class Reporter(Record):
    """Who reported something."""

    identity: str


def report_routes(reports: Reports, audit: Audit) -> list[HTTPRouteHandler]:
    """The routes of records, briefs and statements."""
    return [*_data(reports, audit), *_paper(reports, audit)]


def _data(reports: Reports, audit: Audit) -> list[HTTPRouteHandler]:
    @get("/api/incidents/{incident_id:str}/record")
    async def record(incident_id: FromPath[str]) -> IncidentRecord:
        """The record of an incident: every line with its entry in the log."""
        return await asyncio.to_thread(reports.record, incident_id)

    @get("/api/brief")
    async def brief(first: From, last: To) -> Brief:
        """What happened in a span of time, and what is left to do."""
        return await asyncio.to_thread(reports.brief, first, last)

    @get("/api/incidents/{incident_id:str}/statements")
    async def statements(incident_id: FromPath[str]) -> list[Statement]:
        """The statements about an incident, the newest first."""
        return await asyncio.to_thread(reports.statements, incident_id)

    @post("/api/reporters/{number:str}", opt={"least": "supervisor"}, status_code=200)
    async def reporter(request: Asked, number: FromPath[str], data: JSONBody[Asking]) -> Reporter:
        """Who reported a sighting, once it is written down who asks and why."""
        await audit(request.user, f"reporter {number}", data.reason)
        return Reporter(identity=await asyncio.to_thread(reports.reporter, number))

    return [record, brief, statements, reporter]


def _paper(reports: Reports, audit: Audit) -> list[HTTPRouteHandler]:
    @get("/api/incidents/{incident_id:str}/record.pdf")
    async def record_pdf(request: Asked, incident_id: FromPath[str], language: InLanguage = "ar") -> Response[bytes]:
        """The record of an incident on paper."""
        await audit(request.user, f"record of {incident_id}", "on paper")
        return _file(await asyncio.to_thread(reports.record_pdf, incident_id, language), f"record-{incident_id}.pdf")

    @get("/api/brief.pdf")
    async def brief_pdf(request: Asked, first: From, last: To, language: InLanguage = "ar") -> Response[bytes]:
        """The brief of a span of time on paper: over the night, the morning report."""
        await audit(request.user, "brief", "on paper")
        return _file(await asyncio.to_thread(reports.brief_pdf, first, last, language), "report.pdf")

    @get("/api/statements/{statement_id:str}/statement.pdf")
    async def statement_pdf(request: Asked, statement_id: FromPath[str], place: Place = "") -> Response[bytes]:
        """A statement on paper, marked as a draft until it is approved."""
        await audit(request.user, f"statement {statement_id}", "on paper")
        return _file(
            await asyncio.to_thread(reports.statement_pdf, statement_id, place), f"statement-{statement_id}.pdf"
        )

    @get("/api/incidents/{incident_id:str}/cap.xml")
    async def cap(request: Asked, incident_id: FromPath[str], place: Place) -> Response[bytes]:
        """The newest statement in each language as one CAP 1.2 message."""
        await audit(request.user, f"CAP message of {incident_id}", "on paper")
        return _file(
            await asyncio.to_thread(reports.cap, incident_id, place), f"{incident_id}.cap.xml", "application/cap+xml"
        )

    return [record_pdf, brief_pdf, statement_pdf, cap]


def _file(content: bytes, name: str, media_type: str = "application/pdf") -> Response[bytes]:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
