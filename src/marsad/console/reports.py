"""Records, briefs and statements over HTTP, as data and on paper."""

from typing import Annotated, Any, Protocol

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import Parameter
from msgspec import Meta

from marsad.console.access import Access
from marsad.console.gate import address_of
from marsad.kernel.act import Person
from marsad.kernel.record import Record
from marsad.kernel.statement import Language, Statement
from marsad.report.brief import Brief
from marsad.report.incident_record import IncidentRecord

Asked = Request[Any, Any, Any]
From = Annotated[int, Parameter(query="from", description="the first moment, in ns since 1970, UTC")]
To = Annotated[int, Parameter(query="to", description="the last moment, in ns since 1970, UTC")]
InLanguage = Annotated[Language, Parameter(query="language", description="ar, ckb, kmr or en")]
Place = Annotated[str, Parameter(query="place", max_length=200, description="what the ground is called outside")]


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


def report_routes(reports: Reports, access: Access) -> list[HTTPRouteHandler]:
    """The routes of records, briefs and statements."""
    return [*_data(reports, access), *_paper(reports, access)]


def _data(reports: Reports, access: Access) -> list[HTTPRouteHandler]:
    @get("/api/incidents/{incident_id:str}/record", sync_to_thread=True)
    def record(incident_id: str) -> IncidentRecord:
        """The record of an incident: every line with its entry in the log."""
        return reports.record(incident_id)

    @get("/api/brief", sync_to_thread=True)
    def brief(first: From, last: To) -> Brief:
        """What happened in a span of time, and what is left to do."""
        return reports.brief(first, last)

    @get("/api/incidents/{incident_id:str}/statements", sync_to_thread=True)
    def statements(incident_id: str) -> list[Statement]:
        """The statements about an incident, the newest first."""
        return reports.statements(incident_id)

    @post("/api/reporters/{number:str}", opt={"least": "supervisor"}, status_code=200, sync_to_thread=True)
    def reporter(request: Asked, number: str, data: Asking) -> Reporter:
        """Who reported a sighting, once it is written down who asks and why."""
        person: Person = request.user
        address = address_of(request)
        access.tell("looked_up", person.name, address, subject=f"reporter {number}", reason=data.reason, must=True)
        return Reporter(identity=reports.reporter(number))

    return [record, brief, statements, reporter]


def _paper(reports: Reports, access: Access) -> list[HTTPRouteHandler]:
    def taken(request: Asked, what: str) -> None:
        """Write down who takes a paper away with them."""
        person: Person = request.user
        access.tell("looked_up", person.name, address_of(request), subject=what, must=True)

    @get("/api/incidents/{incident_id:str}/record.pdf", sync_to_thread=True)
    def record_pdf(request: Asked, incident_id: str, language: InLanguage = "ar") -> Response[bytes]:
        """The record of an incident on paper."""
        taken(request, f"record of {incident_id}")
        return _file(reports.record_pdf(incident_id, language), "application/pdf", f"record-{incident_id}.pdf")

    @get("/api/brief.pdf", sync_to_thread=True)
    def brief_pdf(request: Asked, first: From, last: To, language: InLanguage = "ar") -> Response[bytes]:
        """The brief of a span of time on paper: over the night, the morning report."""
        taken(request, "brief")
        return _file(reports.brief_pdf(first, last, language), "application/pdf", "report.pdf")

    @get("/api/statements/{statement_id:str}/statement.pdf", sync_to_thread=True)
    def statement_pdf(request: Asked, statement_id: str, place: Place = "") -> Response[bytes]:
        """A statement on paper, marked as a draft until it is approved."""
        taken(request, f"statement {statement_id}")
        return _file(reports.statement_pdf(statement_id, place), "application/pdf", f"statement-{statement_id}.pdf")

    @get("/api/incidents/{incident_id:str}/cap.xml", sync_to_thread=True)
    def cap(request: Asked, incident_id: str, place: Place) -> Response[bytes]:
        """The newest statement in each language as one CAP 1.2 message."""
        taken(request, f"CAP message of {incident_id}")
        return _file(reports.cap(incident_id, place), "application/cap+xml", f"{incident_id}.cap.xml")

    return [record_pdf, brief_pdf, statement_pdf, cap]


def _file(content: bytes, media_type: str, name: str) -> Response[bytes]:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)
