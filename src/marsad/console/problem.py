"""What the console answers where it cannot do what was asked."""

from typing import Final, Literal, get_args

from marsad.kernel.error import InputError, MarsadError, RefusedError, UnavailableError
from marsad.kernel.record import Record

ProblemKind = Literal[
    "InputError",
    "RefusedError",
    "UnavailableError",
    "NotSignedIn",
    "NotAllowed",
    "NotFound",
    "MethodNotAllowed",
    "TooLarge",
    "TooSlow",
    "TooMany",
    "ServerError",
]


class Problem(Record):
    """Why something was not done: `error` for programs, `message` for people."""

    error: ProblemKind
    message: str


STATUS: Final[dict[ProblemKind, int]] = dict(
    zip(get_args(ProblemKind), (400, 409, 503, 401, 403, 404, 405, 413, 408, 429, 500), strict=True)
)
"""The HTTP status of each."""


_CAUSES: Final[tuple[tuple[type[MarsadError], ProblemKind], ...]] = (
    (InputError, "InputError"),
    (RefusedError, "RefusedError"),
    (UnavailableError, "UnavailableError"),
)


class NotDoneError(Exception):
    """A request ends here with a problem; `wait_s` says after how long it may be tried again."""

    def __init__(self, error: ProblemKind, message: str, wait_s: int = 0) -> None:
        super().__init__(message)
        self.problem = Problem(error=error, message=message)
        self.wait_s = wait_s


def problem_of(error: MarsadError) -> Problem:
    """The problem that an error of the tree is."""
    kind: ProblemKind = next((name for cause, name in _CAUSES if isinstance(error, cause)), "ServerError")
    return Problem(error=kind, message=str(error))
