"""The one picture with its log: what went into it and what came of it, so that a restart goes on where it was."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol, Self

import msgspec

from marsad import __version__
from marsad.app.picture_start import Setup, Start, Tell, find_start
from marsad.fuse.approach import looked_ahead
from marsad.fuse.beside import alike, side_by_side
from marsad.fuse.changes import Change, changes
from marsad.fuse.checkpoint import VERSION, Kept, packed
from marsad.fuse.company import Company, with_groups
from marsad.fuse.fuser import NS, Fuser
from marsad.fuse.picture import known_to, picture_of
from marsad.kernel.chain import StoredEvent
from marsad.kernel.event import Event, LookTaken, PictureKept, PictureStarted
from marsad.kernel.measurement import Look
from marsad.kernel.picture import Picture, PictureTrack
from marsad.kernel.port import EventLog
from marsad.report.replay import readable

KEEP_S: Final = 60.0


class Writer(Protocol):
    """Whatever events are handed to: a log, or one that is patient with it."""

    def append(self, events: Sequence[Event]) -> object:
        """Write events in order, all that are handed over at once together or not at all."""


class KeptPicture:
    """Makes the one picture, and hands to a log what went into it and what came of it.

    The picture is made of each second once a look of a later one comes, so that the same looks in the same order make
    the same pictures, whenever they come. Every `keep_s` seconds of looks it is kept whole.
    """

    def __init__(self, setup: Setup, log: Writer | None = None, *, keep_s: float = KEEP_S) -> None:
        """Begin anew, without a log or one that has heard so; see `begin` and `resume`."""
        self._setup = setup
        self._log = log
        self._keep_ns = round(keep_s * NS)
        self._fuser = Fuser(setup.sensors, setup.settings)
        self._company = Company(setup.frame)
        self._known = known_to(
            self._fuser, setup.frame, patrols=setup.patrols, declarations=setup.declarations,
            organisation=setup.organisation,
        )  # fmt: skip
        self.picture = Picture(time_ns=0)
        self._kept_ns: int | None = None
        self._logged_ns = 0

    @classmethod
    def begin(cls, setup: Setup, log: Writer, time_ns: int, *, keep_s: float = KEEP_S) -> Self:
        """A picture that begins anew, as its log says."""
        log.append([_started(setup, time_ns, None)])
        return cls(setup, log, keep_s=keep_s)

    @classmethod
    def resume(
        cls, setup: Setup, log: EventLog, tell: Tell, *, keep_s: float = KEEP_S, writer: Writer | None = None
    ) -> Self:
        """A picture that goes on where the log ends, to the bit as if it had never stopped.

        What comes of it is handed to `writer`, the log itself where that is left out. What was kept last is taken up,
        and all looks since; where that cannot be, `tell` hears why, and it is what was kept before, or all looks since
        the picture began.

        Raises: InputError where the log has no picture, or one of sources that the setup has not, or has otherwise.
        """
        start = find_start(log, setup, tell)
        picture = cls(start.setup, keep_s=keep_s)
        picture._go_on(start, log, tell)
        picture._log = writer or log
        picture._log.append([_started(start.setup, picture.fuser.state.time_ns, start.sequence if start.kept else -1)])
        return picture

    @property
    def fuser(self) -> Fuser:
        """What makes the tracks; to be looked at, not to be given looks."""
        return self._fuser

    def shown(self, time_ns: int) -> Picture:
        """The picture with its tracks carried forward to a moment, and less sure for it; it changes nothing.

        Groups and what is ahead are as they were when the last second ended.
        """
        state = self._fuser.carried(self._fuser.state, time_ns)
        if not state.time_ns:
            return self.picture
        made = picture_of(state, self._known)
        was = {track.track_id: track for track in self.picture.tracks}
        tracks = tuple(_as_before(track, was.get(track.track_id)) for track in made.tracks)
        return msgspec.structs.replace(made, tracks=tracks, groups=self.picture.groups)

    def take(self, looks: Iterable[Look]) -> list[Picture]:
        """The pictures of the seconds that ended with these looks.

        Raises: InputError as the fuser does, the looks of earlier seconds having been taken; UnavailableError where the
        log cannot be written.
        """
        events: list[Event] = []
        try:
            return list(self._follow(looks, events))
        finally:
            self._write(events)

    def close(self) -> Picture:
        """The picture of all looks, those of a second that has not ended included; it is kept, to go on from."""
        if not self._fuser.state.time_ns:
            return self.picture
        before = self.picture
        # What has yet to come may belong to this second: those who go together are not told of it.
        self.picture = self._made(Company(self._setup.frame, start=self._company.remembered))
        if self.picture.time_ns > self._logged_ns:
            self._write([*changes(before, self.picture), self._keeping()])
        return self.picture

    def _follow(self, looks: Iterable[Look], events: list[Event]) -> Iterator[Picture]:
        """Take looks in, and yield the picture of each second that ends."""
        batch: list[Look] = []
        newest_ns = self._fuser.state.time_ns
        for look in looks:
            if newest_ns and look.time_ns // NS > newest_ns // NS:
                self._take_in(batch, events)
                batch = []
                yield self._end_second(events)
            batch.append(look)
            newest_ns = max(newest_ns, look.time_ns)
        self._take_in(batch, events)

    def _take_in(self, looks: Sequence[Look], events: list[Event]) -> None:
        news = [look for look in looks if not self._fuser.knows(look)]
        self._fuser.update(news)
        late, self._fuser.too_late = self._fuser.too_late, []
        too_late = {id(look) for look in late}
        events += [LookTaken(time_ns=look.time_ns, look=look, too_late=id(look) in too_late) for look in news]

    def _end_second(self, events: list[Event]) -> Picture:
        before, self.picture = self.picture, self._made(self._company)
        time_ns = self.picture.time_ns
        if self._kept_ns is None:
            self._kept_ns = time_ns
        if time_ns > self._logged_ns:
            events += changes(before, self.picture)
            if time_ns - self._kept_ns >= self._keep_ns:
                events.append(self._keeping())
                self._kept_ns = time_ns
        return self.picture

    def _made(self, company: Company) -> Picture:
        """The picture of all looks that were taken in."""
        state, known = self._fuser.state, self._known
        picture = picture_of(state, known)
        beside, same = side_by_side(state, known.sensors), alike(state, known.sensors, known.settings)
        picture = with_groups(picture, company.update(picture.tracks, picture.time_ns, beside, same))
        return looked_ahead(picture, self._setup.paths) if self._setup.paths else picture

    def _keeping(self) -> PictureKept:
        kept = Kept(self._fuser.settled, self._company.remembered)
        return PictureKept(
            time_ns=self._fuser.state.time_ns,
            picture=self.picture,
            sources=tuple(self._setup.sources),
            version=VERSION,
            data=packed(kept, list(self._fuser.sensors)),
        )

    def _write(self, events: Sequence[Event]) -> None:
        if events and self._log is not None:
            self._log.append(events)

    def _go_on(self, start: Start, log: EventLog, tell: Tell) -> None:
        """Take up what was kept, and all that the log has since."""
        last = log.head().length - 1
        if start.event is not None and start.kept is not None:
            mark = start.kept.mark
            self._fuser = Fuser(self._setup.sensors, self._setup.settings, start=mark)
            self._company = Company(self._setup.frame, start=start.kept.company)
            self.picture, self._kept_ns = start.event.picture, start.event.time_ns
            held = _looks(readable(log, start.first, start.sequence, tell))
            self._fuser.update([look for look in held if (look.time_ns, look.source_id) > mark[0]])
        unwritten: list[Event] = []
        since = self._logged(readable(log, start.sequence + 1, last))
        for _ in self._follow(_looks(since), unwritten):
            unwritten.clear()

    def _logged(self, entries: Iterable[StoredEvent]) -> Iterator[StoredEvent]:
        """The entries, noting of which moments the log has the picture already."""
        for stored in entries:
            if isinstance(stored.event, Change):
                self._logged_ns = max(self._logged_ns, stored.time_ns)
            yield stored


def _started(setup: Setup, time_ns: int, resumed: int | None) -> PictureStarted:
    return PictureStarted(
        time_ns=time_ns, software=f"marsad {__version__}", sources=tuple(setup.sources), resumed=resumed
    )


def _as_before(track: PictureTrack, was: PictureTrack | None) -> PictureTrack:
    """A track with what is told of it once a second."""
    if was is None:
        return track
    return msgspec.structs.replace(track, group_id=was.group_id, corridor=was.corridor, approaches=was.approaches)


def _looks(entries: Iterable[StoredEvent]) -> Iterator[Look]:
    """The looks that count."""
    for stored in entries:
        if isinstance(stored.event, LookTaken) and not stored.event.too_late:
            yield stored.event.look
