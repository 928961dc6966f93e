"""How everything that two sides said stands, kept up to date message by message rather than worked out anew."""

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from typing import NamedTuple

from marsad.coordinate.courses import COURSES, FINAL, TABLES, until_of
from marsad.kernel.joint import (
    JointBoard,
    JointLine,
    JointMessage,
    JointRefusal,
    JointThing,
    MessageId,
    ReleaseOpened,
    ReleasesOpened,
    SlotOffer,
)

Order = tuple[int, str, int]
Claim = tuple[Order, ReleaseOpened]


class Stand(NamedTuple):
    """How one message stands: it rests on one that has not come, does not count, or is a matter or a line, or none."""

    lacking: bool = False
    refused: str = ""
    thing: JointThing | None = None
    line: JointLine | None = None

    @property
    def counts(self) -> bool:
        """Whether it is acted upon."""
        return not self.lacking and not self.refused


class _Row:
    """Messages in an order, each known by its place in it."""

    def __init__(self) -> None:
        self._keys: list[tuple[Order, MessageId]] = []

    def __len__(self) -> int:
        return len(self._keys)

    def put(self, order: Order, message_id: MessageId) -> None:
        insort(self._keys, (order, message_id))

    def drop(self, order: Order, message_id: MessageId) -> None:
        place = bisect_left(self._keys, (order, message_id))
        if place < len(self._keys) and self._keys[place] == (order, message_id):
            del self._keys[place]

    def newest(self, most: int | None) -> Iterator[MessageId]:
        """The last `most` of them, or all, in order."""
        first = 0 if most is None else max(len(self._keys) - most, 0)
        return (message_id for _, message_id in self._keys[first:])


class Standing:
    """The board of all messages; `stands` says how one of them stands at a moment, by all that is held.

    `now_ns` is a moment that is past for sure: what had run out by then has, without a wait for the first board.
    """

    def __init__(self, stands: Callable[[JointMessage, int], Stand], now_ns: int = 0) -> None:
        self.revision = 0
        """Grows with every change."""
        self._stands = stands
        self._now_ns = now_ns
        self._known: dict[MessageId, tuple[JointMessage, Stand]] = {}
        self._things, self._open, self._over = _Row(), _Row(), _Row()
        self._lines, self._waiting, self._refused = _Row(), _Row(), _Row()
        self._due: list[tuple[int, MessageId]] = []
        """When matters run out by themselves, the next first; some may have been settled since."""
        self._expired: dict[MessageId, int] = {}
        self._claims: dict[tuple[str, str], list[Claim]] = {}
        """Who says to have opened a release, by its name and the side, the first first."""

    def change(self, message: JointMessage) -> None:
        """A message is new, or may stand otherwise than before."""
        before = self._known.get(message.message_id)
        stand = self._stands(message, self._now_ns)
        if before is not None and before[1] == stand:
            return
        self.drop(message)
        self._known[message.message_id] = (message, stand)
        self._enter(message, stand)

    def drop(self, message: JointMessage) -> None:
        """A message is not held any more."""
        self.revision += 1
        before = self._known.pop(message.message_id, None)
        if before is None:
            return
        order, message_id = message.order, message.message_id
        for row in (self._things, self._open, self._lines, self._waiting, self._refused):
            row.drop(order, message_id)
        if (thing := before[1].thing) is not None:
            self._over.drop(_changed(thing), message_id)
        self._expired.pop(message_id, None)
        for key, claim in _claims_of(message):
            if claim in (held := self._claims.get(key, [])):
                held.remove(claim)
                if not held:
                    del self._claims[key]

    def board(self, now_ns: int, most: int | None = None) -> JointBoard:
        """All of it at a moment; of what is over, of lines, of openings and of refusals only the newest `most`."""
        self._advance(now_ns)
        opened = self._claims if most is None else list(self._claims)[max(len(self._claims) - most, 0) :]
        return JointBoard(
            now_ns=now_ns,
            things=tuple(self._shown_things(most)),
            lines=tuple(line for each in self._lines.newest(most) if (line := self._known[each][1].line) is not None),
            opened=tuple(self._claims[key][0][1] for key in sorted(opened)),
            waiting=tuple(self._waiting.newest(most)),
            refused=tuple(
                JointRefusal(message_id=each, reason=self._known[each][1].refused)
                for each in self._refused.newest(most)
            ),
        )  # fmt: skip

    def open_ids(self) -> list[MessageId]:
        """The matters that are not over, as of the last moment asked for."""
        return list(self._open.newest(None))

    def open_matters(self, now_ns: int) -> int:
        """How many those are at a moment."""
        self._advance(now_ns)
        return len(self._open)

    def _shown_things(self, most: int | None) -> Iterator[JointThing]:
        if most is None:
            wanted = self._things.newest(None)
        else:
            both = [*self._open.newest(None), *self._over.newest(most)]
            wanted = iter(sorted(both, key=lambda each: self._known[each][0].order))
        return (thing for each in wanted if (thing := self._known[each][1].thing) is not None)

    def _advance(self, now_ns: int) -> None:
        """Let time pass; a clock that was set back lets what had run out stand again."""
        back, self._now_ns = now_ns < self._now_ns, now_ns
        due = [name for name, until_ns in self._expired.items() if now_ns <= until_ns] if back else []
        while self._due and self._due[0][0] < now_ns:
            due.append(heapq.heappop(self._due)[1])
        for name in due:
            if name in self._known:
                message = self._known[name][0]
                self.change(message)
                self._place(message)

    def _place(self, message: JointMessage) -> None:
        """Time has run out, or stands again, for a matter: it may be over without standing otherwise."""
        stand = self._known[message.message_id][1]
        if stand.thing is not None:
            self._open.drop(message.order, message.message_id)
            self._over.drop(_changed(stand.thing), message.message_id)
            self._expired.pop(message.message_id, None)
            self._enter_thing(stand.thing)

    def _enter(self, message: JointMessage, stand: Stand) -> None:
        order, message_id = message.order, message.message_id
        if stand.lacking:
            self._waiting.put(order, message_id)
        if stand.refused:
            self._refused.put(order, message_id)
        if stand.line is not None:
            self._lines.put(order, message_id)
        if stand.thing is not None:
            self._things.put(order, message_id)
            self._enter_thing(stand.thing)
        if stand.counts:
            for key, claim in _claims_of(message):
                insort(self._claims.setdefault(key, []), claim, key=lambda each: each[0])

    def _enter_thing(self, thing: JointThing) -> None:
        name, until_ns, over = thing.thing_id, until_of(thing.opened.body), is_over(thing, self._now_ns)
        if over:
            self._over.put(_changed(thing), name)
        else:
            self._open.put(thing.opened.order, name)
        if until_ns is None:
            return
        if until_ns < self._now_ns:
            self._expired[name] = until_ns
        elif not over:
            heapq.heappush(self._due, (until_ns, name))


def is_over(thing: JointThing, now_ns: int) -> bool:
    """Whether nothing more is to be said of a matter, or need not be, and nothing follows from it any more.

    Who watches follows from a slot that was taken, or that one cannot keep, until its hours are over.
    """
    body = thing.opened.body
    if isinstance(body, SlotOffer) and thing.state != "withdrawn" and body.until_ns >= now_ns:
        return False
    ways = TABLES[COURSES[type(body)]][thing.state]
    return not ways or thing.state in {"answered", "declined"} or type(body) in FINAL


def _changed(thing: JointThing) -> Order:
    """By when it last changed."""
    return thing.changed_ns, *thing.opened.order[1:]


def _claims_of(message: JointMessage) -> Iterator[tuple[tuple[str, str], Claim]]:
    """What a message says was opened, by whose name and side."""
    if isinstance(message.body, ReleasesOpened):
        for release in message.body.releases:
            opened = ReleaseOpened(release=release, by=message.by, time_ns=message.time_ns)
            yield (release, message.author), (message.order, opened)
