"""The picture as the log tells it: for those who come late, and for those who look back."""

from collections.abc import Callable, Iterator
from typing import Final, Self

from marsad.kernel.chain import StoredEvent
from marsad.kernel.error import InputError
from marsad.kernel.event import (
    Event,
    PictureGroupChanged,
    PictureGroupEnded,
    PictureGroupPoint,
    PictureKept,
    PictureStarted,
    PictureTrackEnded,
    PictureTrackLost,
    PictureTrackPoint,
    SourceTrustChanged,
)
from marsad.kernel.picture import Picture, PictureGroup, PictureTrack, SourceState
from marsad.kernel.port import EventLog

_PAGE: Final = 2000
_WIDE_PAGE: Final = 20_000
"""Where most entries are passed over."""


def _to_nobody(_text: str) -> None:
    """Tell nobody."""


class PictureReplay:
    """Follows a log from event to event; `sequence` is that of the last one, -1 before the first.

    A source's biases are as when the picture was last kept, or its trust last changed.
    """

    def __init__(self) -> None:
        self.sequence = -1
        self._time_ns = 0
        self._tracks: dict[str, PictureTrack] = {}
        self._groups: dict[str, PictureGroup] = {}
        self._sources: dict[str, SourceState] = {}

    @classmethod
    def of(cls, log: EventLog) -> Self:
        """The picture as it stands at the end of a log.

        What is read from `sequence + 1` on is what follows: nothing is missing in between, and nothing comes twice.
        """
        replay, since = cls(), 0
        for stored in newest_first(log):
            replay.sequence = max(replay.sequence, stored.sequence)
            if isinstance(stored.event, PictureKept) or _begins_anew(stored.event):
                since = stored.sequence
                break
        for stored in log.read(since, replay.sequence):
            replay.follow(stored)
        return replay

    @property
    def picture(self) -> Picture:
        """Everything that is known now, tracks and groups in the order of their names."""
        return Picture(
            time_ns=self._time_ns,
            tracks=tuple(self._tracks[name] for name in sorted(self._tracks)),
            groups=tuple(self._groups[name] for name in sorted(self._groups)),
            sources=tuple(self._sources.values()),
        )

    def follow(self, stored: StoredEvent) -> None:
        """Take the next entry of the log; one that was taken already changes nothing."""
        self.sequence = max(self.sequence, stored.sequence)
        if stored.event is not None:
            self.take(stored.event)

    def take(self, event: Event) -> None:
        """Take the next event, wherever it stands."""
        match event:
            case PictureStarted(resumed=None):
                self._show(Picture(time_ns=event.time_ns))
            case PictureKept(picture=picture):
                self._show(picture)
            case PictureTrackPoint(track=track) | PictureTrackLost(track=track):
                self._tracks[track.track_id] = track
                self._time_ns = event.time_ns
            case PictureTrackEnded(track_id=name):
                self._tracks.pop(name, None)
                self._time_ns = event.time_ns
            case PictureGroupPoint(group=group) | PictureGroupChanged(group=group):
                self._groups[group.group_id] = group
                self._time_ns = event.time_ns
            case PictureGroupEnded(group_id=name):
                self._groups.pop(name, None)
                self._time_ns = event.time_ns
            case SourceTrustChanged(source=source):
                self._sources[source.source_id] = source
                self._time_ns = event.time_ns

    def _show(self, picture: Picture) -> None:
        self._time_ns = picture.time_ns
        self._tracks = {track.track_id: track for track in picture.tracks}
        self._groups = {group.group_id: group for group in picture.groups}
        self._sources = {source.source_id: source for source in picture.sources}


def newest_first(
    log: EventLog, tell: Callable[[str], None] = _to_nobody, *, without: tuple[type[Event], ...] = ()
) -> Iterator[StoredEvent]:
    """A log's entries from its end to its beginning, but for those that cannot be decoded, of which `tell` hears.

    Events of the types in `without` are left out.
    """
    last = log.head().length - 1
    while last >= 0:
        first = max(0, last + 1 - (_WIDE_PAGE if without else _PAGE))
        yield from reversed(list(readable(log, first, last, tell, without=without)))
        last = first - 1


def readable(
    log: EventLog, first: int, last: int, tell: Callable[[str], None] = _to_nobody, *,
    without: tuple[type[Event], ...] = (),
) -> Iterator[StoredEvent]:  # fmt: skip
    """The entries with first <= sequence <= last, but for those that cannot be decoded, of which `tell` hears.

    Events of the types in `without` are left out.
    """
    while first <= last:
        try:
            for stored in log.read(first, last, without=without):
                first = stored.sequence + 1
                yield stored
        except InputError as error:
            if without:
                # Those left out stand between here and the one that cannot be decoded: from here on one by one.
                yield from (each for each in readable(log, first, last, tell) if not isinstance(each.event, without))
                return
            tell(str(error))
            first += 1
        else:
            return


def _begins_anew(event: Event | None) -> bool:
    return isinstance(event, PictureStarted) and event.resumed is None
