"""All doors to the outside, on one page. Each has an adapter in `marsad.adapters`, and a fake in `adapters.memory`."""

from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from marsad.kernel.account import Account, Session
from marsad.kernel.chain import Head, StoredEvent
from marsad.kernel.elevation import ElevationGrid
from marsad.kernel.event import Event, PayloadErased, SourceEvent
from marsad.kernel.frame import Counts, Frame
from marsad.kernel.record import Record
from marsad.kernel.track import Kind


class SourceInfo(Record):
    """What a source says of itself before its first picture.

    `fps` and `frames` are 0 where unknown; `started_ns` is the UTC time of the first picture, 0 where the source has
    no date.
    """

    width_px: int
    height_px: int
    bits: int
    fps: float
    frames: int = 0
    started_ns: int = 0


class FrameSource(Protocol):
    """A stream of pictures from one camera.

    Iterating yields frames and source events in the order they happened, and ends with `StreamEnded`. Bad input raises
    `InputError` on opening; a bad part of a good stream is an event, never an exception.
    """

    camera_id: str
    info: SourceInfo

    def __iter__(self) -> Iterator[Frame | SourceEvent]:
        """Yield the pictures and what befell them."""

    def close(self) -> None:
        """Release the file or the connection; safe to call twice."""


class Classified(Record):
    """What a model thinks it sees on one picture or crop; the box is relative to what it was given, in pixels."""

    kind: Kind
    confidence: float
    x_px: float = 0.0
    y_px: float = 0.0
    w_px: float = 0.0
    h_px: float = 0.0


class DetectorModel(Protocol):
    """A learnt detector or classifier: given pictures, says what is on each."""

    def detect(self, crops: Sequence[Counts]) -> list[list[Classified]]:
        """For each picture (H, W), uint8 or uint16, what is on it, the surest first."""


class ElevationSource(Protocol):
    """Terrain heights from a file or a service, mosaicked over an area."""

    def load(self, west_deg: float, south_deg: float, east_deg: float, north_deg: float) -> ElevationGrid:
        """The heights over an area, voids kept as NaN. Raises InputError where nothing covers it."""


class EventLog(Protocol):
    """Append-only memory of everything that happened, tamper-evident."""

    def append(self, events: Sequence[Event]) -> int:
        """Write events in order and return the sequence number of the log's last entry, -1 when it is empty.

        When a durable event (`event.DURABLE`) is among them, all are on the disk before this returns; else they are
        by the next `flush`, and within the log's batching time. Track points are thinned to one a second for each
        track. Raises UnavailableError when they cannot be written now: none of them is in the log then, nothing
        written before is lost, and appending them again is right. Raises RefusedError for `PayloadErased`: `erase`
        writes it.
        """

    def flush(self) -> None:
        """Return when everything appended is on the disk."""

    def read(
        self, first: int = 0, last: int | None = None, *, without: Collection[type[Event]] = ()
    ) -> Iterator[StoredEvent]:
        """Entries with first <= sequence <= last, in order, but for events of the types left out.

        Those are passed over before they are decoded, which is what takes most of the time.
        """

    def head(self) -> Head:
        """How many entries there are, and the hash of the last (`chain.GENESIS` when empty)."""

    def verify(self, head: Head | None = None) -> Head:
        """The head, all entries being sound, and the log beginning with what `head`, saved earlier, stands for.

        Raises IntegrityError naming the first bad entry.
        """

    def erase(self, sequences: Sequence[int], *, rule: str, officer: str, time_ns: int) -> PayloadErased:
        """Erase payloads under a retention rule, all or none, and return the one event logged of it.

        The chain still verifies. What is erased can be read no more, and has left the files after the next `purge`.
        Raises InputError where there is no such entry, RefusedError where a payload is gone already or is itself the
        record of an erasure.
        """

    def purge(self) -> None:
        """Return when what was erased has left the files."""

    def close(self) -> None:
        """Flush and release; safe to call twice."""


class Clock(Protocol):
    """The only place where time is read."""

    def now_ns(self) -> int:
        """UTC now, nanoseconds since 1970."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Notifier(Protocol):
    """A way to tell a person something now."""

    def notify(self, text: str) -> None:
        """Deliver, or raise UnavailableError."""


class Transport(Protocol):
    """A link to another node; bytes in, bytes out, and it may fail."""

    def send(self, data: bytes) -> None:
        """Deliver, or raise UnavailableError."""

    def receive(self) -> bytes:
        """What has arrived, empty when nothing has. Raises UnavailableError when the link is down."""


class Accounts(Protocol):
    """Who may sign in, and who is; changes are on the disk before a call returns.

    Names are looked up by `account.name_key`. Raises UnavailableError where the store does not answer.
    """

    def accounts(self) -> list[Account]:
        """All accounts, by name."""

    def account(self, name: str) -> Account | None:
        """The account of that name, None where there is none."""

    def add(self, account: Account, *, first: bool = False) -> None:
        """Make an account. Raises: RefusedError where the name is taken, or with `first` where there is any."""

    def change(self, account: Account) -> None:
        """Put an account in the place of the one of its name. Raises: InputError where there is none."""

    def begin(self, session: Session) -> None:
        """Somebody is signed in."""

    def session(self, token_hash: bytes) -> Session | None:
        """The session of that token, None where there is none or it has ended."""

    def touch(self, token_hash: bytes, seen_ns: int) -> None:
        """The session was used."""

    def end(self, token_hash: bytes) -> None:
        """Somebody is signed out; nothing happens where they are already."""

    def end_all(self, name: str) -> None:
        """Somebody is signed out everywhere."""

    def forget(self, began_before_ns: int, seen_before_ns: int) -> None:
        """Sessions that began, or were last used, before these times are over."""
