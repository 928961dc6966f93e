"""The change feed: each follower is told everything once and in order, from wherever it begins.

A follower is no queue but a place: it takes what has happened since. One that is slow is told more at a time, and one
that is far behind begins anew with everything as it is.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from typing import Final, TypeVar

import msgspec

from marsad.console.desk import Events, FeedMessage, Hello, PictureMoved, Pulse, Told
from marsad.console.shown import TrackShown, tracks_shown
from marsad.kernel.chain import StoredEvent
from marsad.kernel.desk import DeskState
from marsad.kernel.event import (
    DeskKept,
    LookTaken,
    PayloadErased,
    PictureGroupPoint,
    PictureKept,
    PictureTrackPoint,
    TrackPoint,
    TracksReserved,
)
from marsad.kernel.picture import Picture, PictureGroup

RECENT: Final = 20_000
"""So many events are kept at hand for followers."""
FAR: Final = 200_000
"""Who is so many entries of the log behind begins anew."""
AT_ONCE: Final = 500
"""So many events are told in one message."""

LEFT_OUT: Final = (
    LookTaken, TrackPoint, PictureTrackPoint, PictureGroupPoint, PictureKept, DeskKept, TracksReserved, PayloadErased,
)  # fmt: skip
"""What is not told to followers: the picture comes to them in messages of its own."""

M = TypeVar("M", PictureMoved, Pulse)
Read = Callable[[int, int], Iterator[StoredEvent]]


class _Shown:
    """A picture as it was last shown, by name."""

    def __init__(self, version: int, picture: Picture, alarmed: Collection[str] = ()) -> None:
        self.version = version
        self.time_ns = picture.time_ns
        self.tracks: dict[str, TrackShown] = {each.track_id: each for each in tracks_shown(picture, alarmed)}
        self.groups: dict[str, PictureGroup] = {each.group_id: each for each in picture.groups}


class Feed:
    """What has happened lately, and those who follow it; all calls are made on one event loop."""

    def __init__(self, sequence: int, state: Callable[[], DeskState], read: Read, *, recent: int = RECENT) -> None:
        self._state = state
        self._read = read
        self._most = recent
        self._recent: deque[Told] = deque()
        self._first = sequence + 1
        """From this place on everything that is told is at hand."""
        self._told = sequence
        self.durable = sequence
        """The last place of which it is sure that the log has it."""
        self._messages: dict[int, tuple[Events | None, int]] = {}
        """What followers at each place are told next, until something more happens."""
        self._shown = _Shown(0, Picture(time_ns=0))
        self._moves: dict[int, PictureMoved] = {}
        self._pulse: Pulse | None = None
        self._pulsed = 0
        self._waiting: set[asyncio.Event] = set()
        self._closed = False

    @property
    def followers(self) -> int:
        """How many follow."""
        return len(self._waiting)

    def publish(self, told: Sequence[Told], durable: int) -> None:
        """Events have happened, in order and without a gap."""
        self._recent.extend(each for each in told if not isinstance(each.event, LEFT_OUT))
        if told:
            self._told = told[-1].sequence
        self.durable = durable
        self._messages.clear()
        while len(self._recent) > self._most:
            self._first = self._recent.popleft().sequence + 1
        self._call()

    def show(self, picture: Picture, alarmed: Collection[str] = ()) -> None:
        """The picture is another, or other tracks have alarms about them (`alarmed`)."""
        before, self._shown = self._shown, _Shown(self._shown.version + 1, picture, alarmed)
        self._moves = {before.version: self._moved(before)}
        self._call()

    def pulse(self, pulse: Pulse) -> None:
        """A second has passed."""
        self._pulse = pulse
        self._pulsed += 1
        self._call()

    def close(self) -> None:
        """Let everybody go."""
        self._closed = True
        self._call()

    async def follow(self, since: int | None) -> AsyncIterator[FeedMessage]:
        """The messages for one who knows all up to `since`, or nothing."""
        wake = asyncio.Event()
        self._waiting.add(wake)
        try:
            place = since
            if place is not None and (place > self.durable or self._told - place > FAR or place < -1):
                place = None
            if place is not None and place < self._first - 1:
                upto = self._first - 1
                for told in await self._from_log(place + 1, upto):
                    yield Events(sequence=min(told[-1].sequence, self.durable), events=told)
                place = upto
            shown: _Shown | None = None
            pulsed = 0
            while not self._closed:
                wake.clear()
                if place is None or place < self._first - 1:
                    place, shown = self._told, None
                    yield Hello(sequence=self.durable, state=self._state())
                elif place < self._told:
                    message, place = self._since(place)
                    if message is not None:
                        yield message
                elif shown is None or shown.version != self._shown.version:
                    moved, shown = self._picture_since(shown), self._shown
                    yield moved
                elif pulsed != self._pulsed and self._pulse is not None:
                    pulsed, self._pulse = self._pulsed, self._up_to_date(self._pulse)
                    yield self._pulse
                else:
                    await wake.wait()
        finally:
            self._waiting.discard(wake)

    async def _from_log(self, first: int, last: int) -> list[tuple[Told, ...]]:
        """What was told of long ago, in messages."""
        return await asyncio.to_thread(self._chunks, first, last)

    def _chunks(self, first: int, last: int) -> list[tuple[Told, ...]]:
        told = [
            Told(sequence=each.sequence, event=each.event)
            for each in self._read(first, last)
            if each.event is not None and not isinstance(each.event, LEFT_OUT)
        ]
        return [tuple(told[i : i + AT_ONCE]) for i in range(0, len(told), AT_ONCE)]

    def _since(self, place: int) -> tuple[Events | None, int]:
        """What happened after a place, not too much at once, and up to where that is all; made once for all."""
        if place not in self._messages:
            newer: list[Told] = []
            for each in reversed(self._recent):
                if each.sequence <= place:
                    break
                newer.append(each)
            newer.reverse()
            told = tuple(newer[:AT_ONCE])
            last = told[-1].sequence if len(newer) > AT_ONCE else self._told
            message = Events(sequence=min(last, self.durable), events=told) if told else None
            self._messages[place] = message, last
        return self._messages[place]

    def _picture_since(self, shown: "_Shown | None") -> PictureMoved:
        if shown is None:
            return PictureMoved(
                sequence=self.durable, time_ns=self._shown.time_ns, tracks=tuple(self._shown.tracks.values()),
                groups=tuple(self._shown.groups.values()), whole=True,
            )  # fmt: skip
        if shown.version not in self._moves:
            self._moves[shown.version] = self._moved(shown)
        self._moves[shown.version] = self._up_to_date(self._moves[shown.version])
        return self._moves[shown.version]

    def _up_to_date(self, message: M) -> M:
        """The message with the last place of which it is sure now: who resumes from it hears nothing twice."""
        return message if message.sequence == self.durable else msgspec.structs.replace(message, sequence=self.durable)

    def _moved(self, before: _Shown) -> PictureMoved:
        """How the picture has changed since it was shown."""
        now = self._shown
        return PictureMoved(
            sequence=self.durable,
            time_ns=now.time_ns,
            tracks=tuple(each for name, each in now.tracks.items() if before.tracks.get(name) != each),
            groups=tuple(each for name, each in now.groups.items() if before.groups.get(name) != each),
            gone=tuple(name for was, is_ in ((before.tracks, now.tracks), (before.groups, now.groups))
                       for name in was if name not in is_),
        )  # fmt: skip

    def _call(self) -> None:
        for each in self._waiting:
            each.set()
