"""How what goes wrong is answered: always as `{error, message}`, and never with more than its cause."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, ValidationException

from marsad.console.problem import STATUS, NotDoneError, Problem, ProblemKind, problem_of
from marsad.kernel.error import MarsadError

_log = structlog.get_logger()
_KINDS: Final[Mapping[int, ProblemKind]] = {status: kind for kind, status in STATUS.items()}

Asked = Request[Any, Any, Any]


def answer(problem: Problem, wait_s: int = 0) -> Response[Problem]:
    """A problem as it goes to whoever asked."""
    headers = {"retry-after": str(wait_s)} if wait_s else {}
    return Response(problem, status_code=STATUS[problem.error], media_type=MediaType.JSON, headers=headers)


def _not_done(_: Asked, error: NotDoneError) -> Response[Problem]:
    return answer(error.problem, error.wait_s)


def _marsad(_: Asked, error: MarsadError) -> Response[Problem]:
    return answer(problem_of(error))


def _http(_: Asked, error: HTTPException) -> Response[Problem]:
    kind = _KINDS.get(error.status_code, "InputError" if error.status_code < 500 else "ServerError")
    return answer(Problem(error=kind, message=_said(error)))


def _said(error: HTTPException) -> str:
    """What is wrong, in one line, without what was sent."""
    if isinstance(error, ValidationException) and isinstance(error.extra, list):
        parts = [f"{each.get('key', '')}: {each.get('message', '')}".strip(": ") for each in error.extra]
        return "; ".join(parts) or error.detail
    return error.detail


def _too_deep(_: Asked, __: RecursionError) -> Response[Problem]:
    return answer(Problem(error="InputError", message="the JSON is nested too deeply"))


def _unexpected(request: Asked, error: Exception) -> Response[Problem]:
    _log.error("request_failed", path=request.scope["path"], kind=type(error).__name__, exc_info=error)
    return answer(Problem(error="ServerError", message="the server failed; its log says why"))


HANDLERS: Final[dict[int | type[Exception], Callable[[Asked, Any], Response[Problem]]]] = {
    NotDoneError: _not_done,
    MarsadError: _marsad,
    HTTPException: _http,
    RecursionError: _too_deep,
    Exception: _unexpected,
}
