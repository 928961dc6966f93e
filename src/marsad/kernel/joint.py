"""What two organisations say to each other beside what they release: proposals and answers, requests, notices, words.

Every message has one author and one place in all that its author ever said. Each side keeps its own record of what is
going on; what stands here is what both know.
"""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.incident import IncidentKind
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.role import Role
from marsad.kernel.site import Post
from marsad.kernel.statement import Language
from marsad.kernel.track import Count, Kind

JOINT_VERSION = 1
"""The version of these messages that this software writes; a later one is kept and shown, and not acted upon."""

PartyId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\w.-]+$")]
MessageId = Annotated[str, Meta(max_length=100, pattern=r"^[\w.-]+/[1-9][0-9]{0,15}/[0-9a-f]{16}$")]
"""Author, place in what that author said, and a random part: what a store that was put back would say is another."""

MaybeId = Annotated[str, Meta(max_length=100, pattern=r"^([\w.-]+/[1-9][0-9]{0,15}/[0-9a-f]{16})?$")]
"""The name of a message, or nothing."""

Salt = Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
Told = Annotated[str, Meta(min_length=1, max_length=64)]
"""The partner's name of something in what it releases; it means nothing outside the agreement."""

Words = Annotated[str, Meta(max_length=2000)]
TimeNs = Annotated[int, Meta(ge=0, le=9_000_000_000_000_000_000)]

Cell = tuple[Annotated[int, Meta(ge=-100_000, le=100_000)], Annotated[int, Meta(ge=-100_000, le=100_000)]]
"""A square of the agreement's grid, counted east and north from its anchor."""

Speaker = Literal[Role, "software"]
"""What is told of who speaks: their role, never their name, which stays in their own log."""

JointKind = Literal[
    "words", "incident", "handover", "look", "coverage", "post", "roster", "corridor", "emergency"
]  # fmt: skip
"""What an agreement may allow to be said; receipts, recalls and corrections need no leave."""

ReceiptState = Literal["received", "opened", "refused", "not_understood"]
DeliveryState = Literal["sent", "received", "opened", "answered", "refused", "not_understood"]
"""How far a message has come: sent, on the other side's desk, seen by a person there, answered; or turned away."""

Course = Literal["proposal", "offer", "request", "notice"]
"""Which table says what may become of it: of what needs a yes, of what is handed over, asked for, or only told."""

CourseState = Literal[
    "proposed", "agreed", "declined", "withdrawn", "ended",
    "offered", "received", "taken", "expired",
    "asked", "looking", "answered",
    "standing",
]  # fmt: skip

CourseHappening = Literal[
    "accepted", "declined", "withdrawn", "ended", "received", "taken", "seen", "nothing_seen", "could_not", "expired"
]  # fmt: skip


class Cells(Record, gc=False):
    """Ground as whole squares of the agreed grid, `size_m` wide."""

    size_m: Annotated[int, Meta(ge=1, le=100_000)]
    cells: Annotated[tuple[Cell, ...], Meta(min_length=1, max_length=2000)]


class Phrase(Record, gc=False):
    """A ready phrase by its key, so that each side reads it in its own language, with what stands in its gaps.

    `place` is a grid reference, `name` a call sign or a post; `minutes` is how long.
    """

    key: Annotated[str, Meta(min_length=1, max_length=64)]
    count: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    place: Annotated[str, Meta(max_length=40)] = ""
    name: Annotated[str, Meta(max_length=64)] = ""
    time_ns: TimeNs | None = None
    minutes: Annotated[int, Meta(ge=0, le=100_000)] | None = None


class Slot(Record):
    """From when until when which side keeps watch."""

    from_ns: TimeNs
    until_ns: TimeNs
    party: PartyId


class Finding(Record):
    """What was seen where somebody was asked to look; places in coarse cells, as everywhere."""

    seen_ns: TimeNs
    kind: Kind = "unknown"
    count: Count | None = None
    cells: Cells | None = None
    text: Words = ""


class BodyRecord(Record, tag_field="type", gc=False):
    """What a message says; none holds itself, and to look for that among ten thousand would hold the desk up."""


class ThreadMessage(BodyRecord, tag="thread_message"):
    """Words of one person to another: their own, or a ready phrase. `about` names a joint matter, or none."""

    text: Words = ""
    language: Language | None = None
    phrase: Phrase | None = None
    about: MaybeId = ""
    reply_to: MaybeId = ""


class Delivery(BodyRecord, tag="delivery"):
    """How far messages of the other side have come on this side."""

    of: Annotated[tuple[MessageId, ...], Meta(min_length=1, max_length=1000)]
    state: ReceiptState
    reason: Annotated[str, Meta(max_length=400)] = ""


class ReleasesOpened(BodyRecord, tag="releases_opened"):
    """A person on this side has opened these releases of the other."""

    releases: Annotated[tuple[Told, ...], Meta(min_length=1, max_length=1000)]


class IncidentProposal(BodyRecord, tag="incident_proposal"):
    """Both may be busy with the same thing: a thread is shared from now on. Each keeps a record of its own."""

    kind: IncidentKind
    text: Words
    cells: Cells | None = None
    expected: Count | None = None


class HandoverOffer(BodyRecord, tag="handover_offer"):
    """Something at the line is offered to be followed from there. Until it is `taken`, whoever offers it follows it.

    `told_as` is the name under which it was released.
    """

    told_as: Told
    cells: Cells
    until_ns: TimeNs
    kind: Kind = "unknown"
    count: Count | None = None
    text: Words = ""


class LookRequest(BodyRecord, tag="look_request"):
    """The other side's posts are asked to look here, until then."""

    cells: Cells
    until_ns: TimeNs
    text: Words = ""


class CoverageOffer(BodyRecord, tag="coverage_offer"):
    """What a side offers to keep in view; its newest offer stands for all before."""

    cells: Cells
    text: Words = ""


class PostProposal(BodyRecord, tag="post_proposal"):
    """A post to be manned at the middle of a cell, by whom, and what it would keep in view.

    The post itself is no secret and stands in one of the cells that all ground is told in; `covers` is coverage.
    """

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    size_m: Annotated[int, Meta(ge=1, le=100_000)]
    cell: Cell
    manned_by: Annotated[tuple[PartyId, ...], Meta(min_length=1, max_length=2)]
    covers: Cells
    text: Words = ""


class RosterProposal(BodyRecord, tag="roster_proposal"):
    """Who keeps watch at a post when. `post` is the proposal that it rests on."""

    post: MessageId
    slots: Annotated[tuple[Slot, ...], Meta(min_length=1, max_length=500)]


class SlotOffer(BodyRecord, tag="slot_offer"):
    """Part of one's watch at a post is offered to the other; what one `cannot` keep is nobody's until it is taken."""

    post: MessageId
    from_ns: TimeNs
    until_ns: TimeNs
    cannot: bool = False
    text: Words = ""


class SlotClaim(BodyRecord, tag="slot_claim"):
    """Whoever says so keeps watch at a post then, if nobody else does."""

    post: MessageId
    from_ns: TimeNs
    until_ns: TimeNs
    text: Words = ""


class CorridorNotice(BodyRecord, tag="corridor_notice"):
    """A patrol will be somewhere in these cells then; `name` is what it may be called outside."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    cells: Cells
    from_ns: TimeNs
    until_ns: TimeNs


class Recall(BodyRecord, tag="recall"):
    """What was released should not be used any more. That it was seen stays in both logs."""

    releases: Annotated[tuple[Told, ...], Meta(min_length=1, max_length=1000)]
    things: Annotated[tuple[Told, ...], Meta(max_length=1000)] = ()
    reason: Annotated[str, Meta(min_length=1, max_length=400)]


class Correction(BodyRecord, tag="correction"):
    """What was released was wrong, what is right, and which release says so where there is one."""

    release: Told
    replaced_by: Annotated[str, Meta(max_length=64)] = ""
    reason: Annotated[str, Meta(min_length=1, max_length=400)]


class EmergencyNotice(BodyRecord, tag="emergency_notice"):
    """A named officer has released something beyond the rules: why, until when, and which releases those are."""

    kind: Literal["handover_at_line", "life_at_risk"]
    until_ns: TimeNs
    reason: Annotated[str, Meta(min_length=10, max_length=400)]
    releases: Annotated[tuple[Told, ...], Meta(max_length=1000)] = ()
    cells: Cells | None = None


class Answer(BodyRecord, tag="answer"):
    """What becomes of a joint matter, by the side that may say so.

    `told_as` is what a track that was taken is called in what its new follower releases: the receipt of a handover.
    """

    about: MessageId
    says: CourseHappening
    text: Words = ""
    told_as: Annotated[str, Meta(max_length=64)] = ""
    finding: Finding | None = None


class NotUnderstood(BodyRecord, tag="not_understood"):
    """Something that this software does not understand, as it came; it is kept, shown as such, and never acted upon."""

    kind: str
    version: int
    raw: str


Body = (
    ThreadMessage | Delivery | ReleasesOpened | IncidentProposal | HandoverOffer | LookRequest | CoverageOffer
    | PostProposal | RosterProposal | SlotOffer | SlotClaim | CorridorNotice | Recall | Correction | EmergencyNotice
    | Answer | NotUnderstood
)  # fmt: skip


class JointMessage(Record, gc=False):
    """One thing said by one side.

    `sequence` counts all that the author said from 1 on. `time_ns` is the author's clock; `stamp_ns` is that or, where
    more, one above all that the author had heard and said: sorted by it nothing stands before what it answers.
    `agreement_version` is the one it was said under; `exercise` is the name of what was played.

    Source: Kulkarni et al., "Logical physical clocks", OPODIS 2014, for `stamp_ns`.
    """

    author: PartyId
    sequence: Annotated[int, Meta(ge=1, lt=10**16)]
    salt: Salt
    time_ns: TimeNs
    stamp_ns: TimeNs
    by: Speaker
    body: Body
    agreement_version: Annotated[int, Meta(ge=1)]
    exercise: Annotated[str, Meta(max_length=64)] = ""
    version: Annotated[int, Meta(ge=1)] = JOINT_VERSION

    @property
    def message_id(self) -> str:
        """What it is called by whoever refers to it."""
        return f"{self.author}/{self.sequence}/{self.salt}"

    @property
    def order(self) -> tuple[int, str, int]:
        """Where it stands among all messages, the same on both sides."""
        return self.stamp_ns, self.author, self.sequence


class JointTerms(Record):
    """What of an agreement matters to what is said beside the releases, as one side holds it.

    Only what `kinds` names may be said. Ground is told in cells of `cell_m`, never finer than `protected_distance_m`;
    what is kept in view in cells of `coverage_cell_m`, three times that at the least, and never as fewer than
    `least_cells` that hang together. No emergency lasts longer than `emergency_s`.
    """

    ours: PartyId
    theirs: PartyId
    version: Annotated[int, Meta(ge=1)]
    from_ns: TimeNs
    until_ns: TimeNs
    anchor: Position
    cell_m: Annotated[int, Meta(ge=1, le=100_000)]
    coverage_cell_m: Annotated[int, Meta(ge=1, le=100_000)]
    protected_distance_m: Annotated[int, Meta(ge=0)]
    kinds: tuple[JointKind, ...] = ()
    least_cells: Annotated[int, Meta(ge=1)] = 6
    emergency_s: Annotated[int, Meta(ge=1)] = 3600


class JointThing(Record, gc=False):
    """A joint matter: what opened it, what was said of it since, and how it stands now.

    `overtaken` are answers without effect, such as those that crossed another on the way.
    """

    thing_id: MessageId
    course: Course
    state: CourseState
    opened: JointMessage
    changed_ns: TimeNs
    delivery: DeliveryState
    answers: tuple[JointMessage, ...] = ()
    overtaken: tuple[MessageId, ...] = ()


class JointLine(Record, gc=False):
    """Something that was said which is no joint matter of its own, and how far it has come."""

    message: JointMessage
    delivery: DeliveryState


class ReleaseOpened(Record, gc=False):
    """When a release was first opened by a person of the side that got it, and in what role."""

    release: Told
    by: Speaker
    time_ns: TimeNs


class JointRefusal(Record):
    """Something that was not acted upon, and why; `message_id` is empty where not even that could be read."""

    message_id: str
    reason: str


class JointBoard(Record):
    """All that two sides have said to each other, as it stands at one moment: the same on both once both heard it all.

    `opened` says of releases of either side when the other opened them. `waiting` are messages that rest on one which
    has not come yet.
    """

    now_ns: TimeNs
    things: tuple[JointThing, ...] = ()
    lines: tuple[JointLine, ...] = ()
    opened: tuple[ReleaseOpened, ...] = ()
    waiting: tuple[MessageId, ...] = ()
    refused: tuple[JointRefusal, ...] = ()


class JointPost(Record):
    """A post that both agreed upon, on which `proposals`, the first first: it enters the sites of both."""

    post: Post
    cell: Cell
    manned_by: tuple[PartyId, ...]
    covers: tuple[Cell, ...]
    proposals: tuple[MessageId, ...]


class Gap(Record):
    """A coverage cell that neither side keeps in view, and the proposed posts that would close it."""

    cell: Cell
    closed_by: tuple[MessageId, ...] = ()


class WatchSlot(Record):
    """From when until when who keeps watch at a post; `party` is empty where nobody does."""

    from_ns: TimeNs
    until_ns: TimeNs
    party: str
    stands_by: str = ""


class PostHours(Record):
    """Who keeps watch at a post that both agreed upon, over some hours, without a break; see `WatchSlot`."""

    post_id: str
    slots: tuple[WatchSlot, ...]


class Corridor(Record):
    """Where a patrol may be, in coarse cells, from when until when; `name` is what it is called outside."""

    name: str
    party: PartyId
    cells: tuple[Cell, ...]
    from_ns: TimeNs
    until_ns: TimeNs


class Caution(Record):
    """Two patrols of two sides may come near each other: which, from when until when, and how near at the least."""

    ours: str
    theirs: str
    from_ns: TimeNs
    until_ns: TimeNs
    apart_m: int
    cells: tuple[Cell, ...]


class JointGround(Record):
    """What both agreed of the ground, and what follows from it, as one side is shown it.

    That is who keeps watch where, what nobody keeps in view, and where patrols of both may meet, in cells of `cell_m`.
    """

    now_ns: TimeNs
    ours: PartyId
    theirs: PartyId
    anchor: Position
    cell_m: int
    coverage_cell_m: int
    kinds: tuple[JointKind, ...] = ()
    posts: tuple[JointPost, ...] = ()
    hours: tuple[PostHours, ...] = ()
    gaps: tuple[Gap, ...] = ()
    cautions: tuple[Caution, ...] = ()


class Coverable(Record):
    """The cells of coverage that a side could offer to keep in view, and their middles; maybe none."""

    size_m: int
    cells: tuple[Cell, ...] = ()
    places: tuple[Position, ...] = ()
