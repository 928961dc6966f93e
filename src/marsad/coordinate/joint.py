"""All that two sides say to each other, brought to one state, in whatever order and however often it comes.

Nothing is kept but the messages: what stands is worked out from the set of them in an order that both sides find alike.
So two sides that have heard the same stand the same, whatever each did while the link was down. What one side turned
away when it came it says so of, and then it counts on neither. Of a message that comes, only what it bears upon is
worked out anew, so that a board of ten thousand costs no more than one of ten.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from marsad.coordinate.admission import (
    SKEW_NS,
    fault_of,
    must_be_allowed,
    named,
    not_agreed,
    reference_fault,
    references,
)
from marsad.coordinate.courses import COURSES, START, TABLES, after, must_be_possible, until_of
from marsad.coordinate.packing import pack, unpack
from marsad.coordinate.phrases import URGENT
from marsad.coordinate.standing import Stand, Standing
from marsad.kernel.act import Person
from marsad.kernel.error import InputError, RefusedError
from marsad.kernel.joint import (
    Answer,
    Body,
    BodyRecord,
    CourseState,
    Delivery,
    DeliveryState,
    EmergencyNotice,
    HandoverOffer,
    IncidentProposal,
    JointBoard,
    JointLine,
    JointMessage,
    JointTerms,
    JointThing,
    MessageId,
    NotUnderstood,
    Recall,
    ReceiptState,
    Speaker,
    ThreadMessage,
)

COVERAGE_PER_PROTECTED: Final = 3
"""So many times the protected distance a cell of coverage is wide.

Whoever knows the very cell that something stands in, and guesses its middle, is off by 0.38 of the cell on average.
"""

_LOOSE: Final = (ThreadMessage, Delivery)

LET_GO: Final = 50
"""So much of what each side said is let go of at a time."""

Place = tuple[str, int]
"""An author, and a place in what that author said."""


class Heard(NamedTuple):
    """What became of something that came: the message, None where it could not be read or had come before.

    `refused` says why it does not count, `replies` are what is to be sent for it. All of it belongs in the log.
    """

    message: JointMessage | None
    refused: str = ""
    replies: tuple[JointMessage, ...] = ()


def urgent(message: JointMessage) -> bool:
    """Whether a message goes ahead of those that can wait."""
    body = message.body
    if isinstance(body, ThreadMessage):
        return body.phrase is not None and body.phrase.key in URGENT
    if isinstance(body, IncidentProposal):
        return body.kind in {"distress", "civilians"}
    return isinstance(body, HandoverOffer | EmergencyNotice | Recall)


class JointDesk:
    """One side's desk of what both say; `messages` are all that either said before, in any order.

    What was let go of long ago is not among them: `gone` says of each author up to which place all that is lacking had
    come; see `let_go`.

    Raises: InputError where the terms would tell ground more finely than the protected distance.
    """

    def __init__(
        self, terms: JointTerms, messages: Iterable[JointMessage] = (), gone: Mapping[str, int] | None = None
    ) -> None:
        self._terms = _sound(terms)
        self._held: dict[Place, JointMessage] = {}
        self._about: dict[MessageId, list[JointMessage]] = {}
        """The answers to each matter and the replies to each message, whether they count or not."""
        self._receipts: dict[MessageId, list[JointMessage]] = {}
        self._gone = dict(gone or {})
        self._said = self._gone.get(self._terms.ours, 0)
        self._newest_ns = -1
        """The newest stamp of all that counts: what is said next is stamped after it."""
        before = list(messages)
        self._standing = Standing(self._stands, max((each.stamp_ns for each in before), default=0))
        self._resting: dict[Place, list[JointMessage]] = {}
        """The messages that rest on the one in a place, or say how far it has come."""
        for message in before:
            self._keep(message)
        for message in self._held.values():
            self._follow(message)
        self._passed = {place for place in self._held if self._is_gone(place)}
        """The places held of which, and of all before them by the same author, nothing can come any more."""

    @property
    def terms(self) -> JointTerms:
        """The terms that it goes by now."""
        return self._terms

    def go_by(self, terms: JointTerms) -> None:
        """Go by other terms from now on; what counts already goes on counting."""
        self._terms = _sound(terms)

    def messages(self) -> tuple[JointMessage, ...]:
        """All that was said, in the order both sides find; a desk made of them stands as this one does."""
        return tuple(sorted(self._held.values(), key=lambda each: each.order))

    def propose(self, body: Body, who: Person, now_ns: int, salt: str, *, exercise: str = "") -> JointMessage:
        """Say something; `salt` is random. It counts here at once, and there when it comes.

        Raises: RefusedError where this role may not, the terms do not allow it, or the matter does not stand like that.
        InputError where it cannot be written.
        """
        if isinstance(body, NotUnderstood) or (isinstance(body, Delivery) and body.state != "opened"):
            raise RefusedError(f"{named(body)}: nobody says that by hand")
        message = self._written(body, who.role, now_ns, salt, exercise)
        rests_on = self._rests_on(message)
        opened = rests_on[0].body if rests_on else None
        must_be_allowed(body, opened, who.role)
        faults = (
            not_agreed(body, self._terms, message.stamp_ns),
            fault_of(message, self._terms),
            *(reference_fault(message, each) for each in rests_on),
            *(self.refused(each) for each in rests_on if not isinstance(body, Delivery | ThreadMessage)),
        )
        for fault in faults:
            if fault:
                raise RefusedError(f"{named(body)}: {fault}")
        if isinstance(body, Answer):
            thing = self.thing(body.about, now_ns)
            must_be_possible(thing.course, thing.state, body.says)
        if unpack(pack(message)) != message:
            raise InputError(f"{named(body)}: a field holds what the other side could not read")
        self._keep(message)
        self._follow(message)
        return message

    def hear(self, payload: bytes, now_ns: int, salt: str) -> Heard:
        """Take in what came from the other side, and say how far it has come.

        What had come before changes nothing. What may not be said is kept, never acted upon, and told to its author.
        """
        try:
            message = unpack(payload)
        except InputError as error:
            return Heard(None, str(error))
        held = self._held.get((message.author, message.sequence))
        if held == message or (held is None and self._is_gone((message.author, message.sequence))):
            return Heard(None)
        if message.author != self._terms.theirs:
            return Heard(None, f"it is {self._terms.theirs} that speaks here, not {message.author}")
        if held is not None:
            return Heard(None, f"{held.message_id} stands in its place already")
        refused = self._fault(message, now_ns)
        self._keep(message)
        if not refused:
            self._follow(message)
        return Heard(message, refused, self._replies(message, refused, now_ns, salt))

    def board(self, now_ns: int, most: int | None = None) -> JointBoard:
        """How everything stands: the same on both sides once both have heard all that was said.

        Of what is over, of the words and of what was opened only the newest `most` of each, where that is given.
        """
        return self._standing.board(now_ns, most)

    def open_matters(self, now_ns: int) -> int:
        """How many joint matters are not over."""
        return self._standing.open_matters(now_ns)

    @property
    def revision(self) -> int:
        """Grows with every change of the board but those that time alone brings."""
        return self._standing.revision

    @property
    def gone(self) -> dict[str, int]:
        """Of each author, up to which place all has come; what is not held of that was let go of."""
        return dict(self._gone)

    def let_go(self, before_ns: int, sent: int) -> frozenset[MessageId]:
        """The messages that are held no more, being older and of no matter that is still open.

        What this side said after its `sent`th is held, and no more than a few are let go of at a time, so that nothing
        else waits. The log has all of it; both sides let go by their own clocks.
        """
        self._pass(before_ns, sent)
        dropped = {self._held[place].message_id for place in self._passed} - self._needed()
        for message_id in dropped:
            self._drop(self._held[_place(message_id)])
        return frozenset(dropped)

    def _pass(self, before_ns: int, sent: int) -> None:
        """Go on to the next places of which, and of all before them, nothing can come any more."""
        for author in {self._terms.ours, self._terms.theirs}:
            upto = self._gone.get(author, 0)
            last = upto + LET_GO if author == self._terms.theirs else min(upto + LET_GO, sent)
            while upto < last and (held := self._held.get((author, upto + 1))) is not None:
                if held.stamp_ns >= before_ns:
                    break
                upto += 1
                self._passed.add((author, upto))
            self._gone[author] = upto

    def _needed(self) -> set[MessageId]:
        """The messages of all matters that are not over, those that they rest on, and what was said of any of them."""
        needed: set[MessageId] = set()
        rest = [self._held[_place(each)] for each in self._standing.open_ids()]
        while rest:
            message = rest.pop()
            if message.message_id in needed:
                continue
            needed.add(message.message_id)
            rest += self._resting.get((message.author, message.sequence), ())
            if not isinstance(message.body, Delivery):
                rest += [found for each in references(message.body) if (found := self._find(each)) is not None]
        return needed

    def _drop(self, message: JointMessage) -> None:
        """Hold a message no more; nothing that is needed rests on it."""
        place = message.author, message.sequence
        del self._held[place]
        self._passed.discard(place)
        self._resting.pop(place, None)
        self._about.pop(message.message_id, None)
        self._receipts.pop(message.message_id, None)
        self._standing.drop(message)

    def _is_gone(self, place: Place) -> bool:
        return place[1] <= self._gone.get(place[0], 0)

    def thing(self, thing_id: MessageId, now_ns: int) -> JointThing:
        """One joint matter. Raises: InputError where there is none of that number."""
        message = self._find(thing_id)
        if message is None or type(message.body) not in COURSES:
            raise InputError(f"there is no joint matter {thing_id}")
        return self._thing(message, now_ns)

    def delivery(self, message: JointMessage) -> DeliveryState:
        """How far a message has come on the other side."""
        receipts = self._receipts_of(message)
        turned = _turned_away(receipts)
        if turned is not None:
            return turned.state
        for answer in self._about.get(message.message_id, ()):
            if answer.author != message.author and not self.refused(answer):
                return "answered"
        if any(receipt.state == "opened" for receipt in receipts):
            return "opened"
        return "received" if receipts else "sent"

    def refused(self, message: JointMessage) -> str:
        """Why a message does not count; empty where it does. It follows from the messages alone."""
        if isinstance(message.body, NotUnderstood):
            return "it is not understood"
        turned = _turned_away(self._receipts_of(message))
        if turned is not None:
            return turned.reason or turned.state.replace("_", " ")
        for reference in references(message.body):
            to = self._held.get(_place(reference))
            fault = "" if to is None else self._reference_fault(message, to, reference)
            if fault:
                return fault
        return ""

    def _reference_fault(self, message: JointMessage, to: JointMessage, reference: MessageId) -> str:
        if to.message_id != reference:
            return f"there is no message {reference}"
        if isinstance(message.body, Delivery | ThreadMessage):
            return reference_fault(message, to)
        return reference_fault(message, to) or (self.refused(to) and f"{reference}, which it rests on, does not count")

    def _fault(self, message: JointMessage, now_ns: int) -> str:
        """Why something that has just come does not count."""
        if message.stamp_ns > now_ns + SKEW_NS:
            return "its clock is ahead by more than five minutes"
        for reference in references(message.body):
            author, sequence = _place(reference)
            if author == self._terms.ours and not self._has_come((author, sequence)):
                return f"we said no message {reference}"
            if author not in {self._terms.ours, self._terms.theirs}:
                return f"{author} is no party to the agreement"
        return (
            self.refused(message)
            or fault_of(message, self._terms)
            or not_agreed(message.body, self._terms, message.stamp_ns)
        )

    def _replies(self, message: JointMessage, refused: str, now_ns: int, salt: str) -> tuple[JointMessage, ...]:
        """What is to be sent for a message that came: nothing for receipts, lest they never end."""
        if isinstance(message.body, Delivery):
            return ()
        state: ReceiptState = "refused" if refused else "received"
        if isinstance(message.body, NotUnderstood):
            state = "not_understood"
        receipt = Delivery(of=(message.message_id,), state=state, reason=refused[:400])
        reply = self._written(receipt, "software", now_ns, salt, "")
        self._keep(reply)
        return (reply,)

    def _written(self, body: Body, by: Speaker, now_ns: int, salt: str, exercise: str) -> JointMessage:
        """The next message of this side, stamped after all that counts here."""
        return JointMessage(
            author=self._terms.ours, sequence=self._said + 1, salt=salt, time_ns=now_ns,
            stamp_ns=max(now_ns, self._newest_ns + 1), by=by, body=body, agreement_version=self._terms.version,
            exercise=exercise,
        )  # fmt: skip

    def _follow(self, message: JointMessage) -> None:
        """What is said next is stamped after this, if it counts; receipts are followed by nothing."""
        if not isinstance(message.body, Delivery) and not self.refused(message):
            self._newest_ns = max(self._newest_ns, message.stamp_ns)

    def _keep(self, message: JointMessage) -> None:
        place = message.author, message.sequence
        if place in self._held:
            return
        self._held[place] = message
        if message.author == self._terms.ours:
            self._said = max(self._said, message.sequence)
        body = message.body
        if isinstance(body, Delivery):
            for each in body.of:
                self._receipts.setdefault(each, []).append(message)
        elif isinstance(body, Answer):
            self._about.setdefault(body.about, []).append(message)
        elif isinstance(body, ThreadMessage) and body.reply_to:
            self._about.setdefault(body.reply_to, []).append(message)
        for reference in references(body):
            self._resting.setdefault(_place(reference), []).append(message)
        for other in self._borne_upon(message):
            self._standing.change(other)

    def _borne_upon(self, message: JointMessage) -> Collection[JointMessage]:
        """Every message that may stand otherwise now that one more is held.

        Whether one counts bears upon those that rest on it, and upon what each of those is about.
        """
        found: dict[Place, JointMessage] = {}
        rest = [message]
        if isinstance(message.body, Delivery):
            rest += self._about_which(message)
        while rest:
            each = rest.pop()
            place = each.author, each.sequence
            if place in found:
                continue
            found[place] = each
            resting = self._resting.get(place, ())
            # Words and receipts count whether what they are about does or not: all that matters is that it has come.
            rest += [other for other in resting if each is message or not isinstance(other.body, _LOOSE)]
        for each in list(found.values()):
            found |= {(other.author, other.sequence): other for other in self._about_which(each)}
        return found.values()

    def _about_which(self, message: JointMessage) -> list[JointMessage]:
        """The messages held here that one refers to."""
        places = map(_place, references(message.body))
        return [self._held[place] for place in places if place in self._held]

    def _stands(self, message: JointMessage, now_ns: int) -> Stand:
        """How one message stands at a moment."""
        lacking, why = self._lacking(message), self.refused(message)
        if lacking or why:
            return Stand(lacking=lacking, refused=why)
        if type(message.body) in COURSES:
            return Stand(thing=self._thing(message, now_ns))
        if isinstance(message.body, ThreadMessage):
            return Stand(line=JointLine(message=message, delivery=self.delivery(message)))
        return Stand()

    def _has_come(self, place: Place) -> bool:
        return place in self._held or self._is_gone(place)

    def _find(self, message_id: MessageId) -> JointMessage | None:
        """A message by its whole name."""
        found = self._held.get(_place(message_id))
        return found if found is not None and found.message_id == message_id else None

    def _rests_on(self, message: JointMessage) -> list[JointMessage]:
        """The messages that one refers to. Raises: RefusedError where one is not known here."""
        found = []
        for reference in references(message.body):
            held = self._find(reference)
            if held is None:
                raise RefusedError(f"{named(message.body)}: there is no message {reference} here")
            found.append(held)
        return found

    def _lacking(self, message: JointMessage) -> bool:
        """Whether a message rests on one that has not come yet."""
        needed = [] if isinstance(message.body, Delivery) else references(message.body)
        return any(not self._has_come(_place(reference)) for reference in needed)

    def _receipts_of(self, message: JointMessage) -> list[Delivery]:
        """What the other side said of how far a message has come, in the order in which it said so."""
        found = sorted(self._receipts.get(message.message_id, ()), key=lambda each: each.sequence)
        return [each.body for each in found if isinstance(each.body, Delivery) and not reference_fault(each, message)]

    def _thing(self, opened: JointMessage, now_ns: int) -> JointThing:
        """A joint matter as it stands: its answers one by one, set apart those that change nothing.

        What is offered is not taken after its time; whatever else is said late still counts.
        """
        course, until_ns = COURSES[type(opened.body)], until_of(opened.body)
        state, changed_ns, counted, overtaken = START[course], opened.stamp_ns, list[JointMessage](), list[MessageId]()
        for answer in sorted(self._about.get(opened.message_id, ()), key=lambda each: each.order):
            if not isinstance(answer.body, Answer) or self.refused(answer):
                continue
            late = course == "offer" and until_ns is not None and answer.stamp_ns > until_ns
            then = None if late else after(course, state, answer.body.says)
            if then is None:
                overtaken.append(answer.message_id)
                continue
            state, changed_ns = then, answer.stamp_ns
            counted.append(answer)
        return JointThing(
            thing_id=opened.message_id, course=course, state=_at(state, opened.body, now_ns), opened=opened,
            changed_ns=changed_ns, delivery=self.delivery(opened), answers=tuple(counted), overtaken=tuple(overtaken),
        )  # fmt: skip


def _sound(terms: JointTerms) -> JointTerms:
    if terms.ours == terms.theirs:
        raise InputError(f"ours = theirs = {terms.ours}: an agreement has two parties")
    if terms.cell_m < terms.protected_distance_m:
        raise InputError(f"cell_m = {terms.cell_m}: no less than the protected distance, {terms.protected_distance_m}")
    least_m = COVERAGE_PER_PROTECTED * terms.protected_distance_m
    if terms.coverage_cell_m < least_m:
        raise InputError(f"coverage_cell_m = {terms.coverage_cell_m}: no less than three times that, {least_m}")
    return terms


def _at(state: CourseState, body: BodyRecord, now_ns: int) -> CourseState:
    """The state at a moment: what waits, or only tells, for no longer than its time."""
    until_ns = until_of(body)
    over = until_ns is not None and now_ns > until_ns
    return "expired" if over and "expired" in TABLES[COURSES[type(body)]][state] else state


def _turned_away(receipts: Sequence[Delivery]) -> Delivery | None:
    """The receipt that turned a message away, if that was the first word of it: what was received once counts."""
    first = next(iter(receipts), None)
    return first if first is not None and first.state in {"refused", "not_understood"} else None


def _place(message_id: MessageId) -> Place:
    author, sequence, _ = message_id.rsplit("/", 2)
    return author, int(sequence)
