"""What the console asks of whoever runs the desk, and what it sends to a browser that follows it."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Protocol

from marsad.console.shown import TrackShown
from marsad.kernel.act import Act, Person
from marsad.kernel.chain import StoredEvent
from marsad.kernel.desk import CameraState, DeskState, Figures, Storage
from marsad.kernel.event import Event
from marsad.kernel.joint import Coverable, JointGround
from marsad.kernel.lesson import Teaching
from marsad.kernel.partner import PartnerPulse, PartnerView
from marsad.kernel.picture import Picture, PictureGroup
from marsad.kernel.record import Record
from marsad.kernel.site import Site
from marsad.respond.dispatch import Option


class FeedRecord(Record, tag_field="type"):
    """What all messages of the change feed share: the log's last sequence that the sender knew of."""

    sequence: int


class Hello(FeedRecord, tag="hello"):
    """The first message: everything as it is, to a browser that has nothing or has been away for too long."""

    state: DeskState


class Told(Record):
    """An event with its place in the log."""

    sequence: int
    event: Event


class Events(FeedRecord, tag="events"):
    """What was written to the log since, in order; track and group points and looks are left out."""

    events: tuple[Told, ...]


class PictureMoved(FeedRecord, tag="picture"):
    """The tracks and groups that changed, and those that are gone, since the last message of this kind.

    The first one after `hello`, or after a resumed feed's first events, has them all (`whole`).
    """

    time_ns: int
    tracks: tuple[TrackShown, ...] = ()
    groups: tuple[PictureGroup, ...] = ()
    gone: tuple[str, ...] = ()
    whole: bool = False


class Pulse(FeedRecord, tag="pulse"):
    """Once a second, so that a browser knows that the server is there, what time it has, and how all of it does.

    `figures` and `partner` are None for a patrol's phone, which is told the time and no more.
    """

    now_ns: int
    figures: Figures | None
    cameras: tuple[CameraState, ...]
    storage: Storage | None = None
    partner: PartnerPulse | None = None


FeedMessage = Hello | Events | PictureMoved | Pulse


class Done(Record):
    """What an act came to: the events it made; `repeated` where the same act had been done before."""

    sequence: int
    events: tuple[Told, ...]
    repeated: bool = False


class Desk(Protocol):
    """Whoever holds the state: one writer, many readers.

    All calls are made on the server's own event loop, but for `state_at`, `partner_at`, `events`, `coverable` and
    `options`, which take a while and are made in threads.
    """

    site: Site

    def now_ns(self) -> int:
        """The desk's time, which in a replayed or simulated night is the night's own."""

    def state(self) -> DeskState:
        """Everything as it is now."""

    def state_at(self, time_ns: int) -> DeskState:
        """Everything as it was known at a moment of the past. Raises: InputError before the log's beginning."""

    def events(self, from_ns: int, to_ns: int, most: int = 10_000) -> Sequence[StoredEvent]:
        """The events of a span of time in order, looks left out, `most` of them at most."""

    def follow(self, since: int | None) -> AsyncIterator[FeedMessage]:
        """The change feed: from after a sequence of the log, or from `Hello` where that is None or too long ago.

        Those who are told the same are handed the same message object, which is then encoded once for all of them.
        """

    async def act(self, person: Person, act: Act) -> Done:
        """Do it. Raises: InputError or RefusedError saying why not, UnavailableError where the log cannot be written.

        Whether the person's role allows the act has been checked before.
        """

    def record(self, events: Sequence[Event]) -> Awaitable[Sequence[Told]]:
        """Write down what the console itself has to tell; it begins at once, whether anybody waits for it or not.

        What is waited for is on the disk then. Raises UnavailableError, to who waits, where it cannot be now.
        """

    def partner_view(self) -> PartnerView | None:
        """The partner and what both said, None where there is none."""

    def partner_at(self, time_ns: int) -> PartnerView | None:
        """The same as it was known at a moment of the past; it takes a while, and is asked in a thread.

        Raises: InputError before the log's beginning.
        """

    def joint_picture(self) -> Picture | None:
        """Our own picture with what the partner told, each thing once; None where there is no partner."""

    def joint_ground(self) -> JointGround:
        """How what was agreed upon of the ground with the partner stands. Raises: RefusedError where there is none."""

    def coverable(self) -> Coverable:
        """What of the ground could be offered to the partner to be kept in view.

        Raises: RefusedError where there is no partner, InputError for a site without terrain.
        """

    def options(self, about_id: str) -> list[Option]:
        """What sending each patrol to an alarm or an incident would come to, the best first.

        Raises: InputError where there is neither, or nobody knows where it is.
        """

    def teaching(self, alarm_id: str, officer: str) -> Teaching:
        """What this officer's mark of nuisance would teach. Raises: InputError where there is no such alarm."""
