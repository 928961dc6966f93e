"""The command `marsad verify`: whether a log is whole and unchanged."""

from pathlib import Path
from typing import Literal

from marsad.adapters.sqlite import SqliteLogReader
from marsad.kernel.chain import parse_head
from marsad.kernel.error import InputError, IntegrityError, UnavailableError
from marsad.kernel.record import Record


class VerifyReport(Record):
    """What was found; `count` and `head` are of the whole log, None where it is not sound.

    `first_bad` is the first bad entry's sequence, from 0. `head_checked` says whether a saved head was given: without
    one, a log that was cut off at its end or rewritten as a whole cannot be told from a sound one.
    """

    log: str
    result: Literal["sound", "not sound", "bad input"]
    count: int | None = None
    head: str | None = None
    head_checked: bool = False
    first_bad: int | None = None
    reason: str = ""

    @property
    def exit_code(self) -> int:
        """0 sound, 1 not sound, 2 bad input."""
        return {"sound": 0, "not sound": 1, "bad input": 2}[self.result]

    def text(self) -> str:
        """The report for people."""
        if self.result == "bad input":
            return self.reason
        if self.result == "not sound":
            return f"{self.log}: NOT SOUND\nfirst bad entry: {self.first_bad}\n{self.reason}"
        advice = "begins with the saved head" if self.head_checked else "no saved head was given: see --head"
        return f"{self.log}: sound, {self.count} entries, {advice}\nhead: {self.head}"


def verify_log(path: Path, head: str | None = None) -> VerifyReport:
    """Whether the log's chain is sound and, with a saved head, begins with what that was taken of."""
    try:
        saved = None if head is None else parse_head(head)
        with SqliteLogReader(path) as log:
            found = log.verify(saved)
    except IntegrityError as error:
        return VerifyReport(
            log=str(path),
            result="not sound",
            head_checked=head is not None,
            first_bad=error.sequence,
            reason=str(error),
        )
    except (InputError, UnavailableError) as error:
        return VerifyReport(log=str(path), result="bad input", head_checked=head is not None, reason=str(error))
    return VerifyReport(
        log=str(path), result="sound", count=found.count, head=str(found), head_checked=head is not None
    )
