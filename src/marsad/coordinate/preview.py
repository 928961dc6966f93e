"""What the partner sees: now, and what it would have seen over a log."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from marsad.coordinate.cadence import Given, Ledger, tell
from marsad.coordinate.grid import centre_of, frame_at
from marsad.coordinate.offer import Offered, subject_of
from marsad.coordinate.own_ways import OwnWays
from marsad.coordinate.release import NS, release
from marsad.coordinate.terms import Terms
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.agreement import Agreement
from marsad.kernel.alarm import Alarm
from marsad.kernel.dispatch import Dispatch, Patrol
from marsad.kernel.event import (
    AlarmChanged,
    DispatchChanged,
    Event,
    ExerciseChanged,
    IncidentChanged,
    PatrolPosition,
    PictureGroupChanged,
    PictureGroupPoint,
    PictureKept,
    PictureStarted,
    PictureTrackEnded,
    PictureTrackLost,
    PictureTrackPoint,
    PostKept,
    SightingReported,
)
from marsad.kernel.incident import Incident
from marsad.kernel.picture import PictureGroup, PictureTrack
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.release import PatrolCorridor, PostWatch, Release, Withheld, WithheldReason
from marsad.kernel.sighting import Sighting

_LONG_NS = 86_400 * NS
"""Through a gap of more than a day nobody is asked."""


class Spot(Record):
    """One thing on the partner's map: where it is drawn, the middle of its cell, and all that was told of it."""

    position: Position | None
    release: Release


class View(Record):
    """Everything that the partner has on its map at one moment, by name."""

    time_ns: int
    spots: tuple[Spot, ...] = ()


class Kept(Record):
    """Something that is not told, under our own name, and why."""

    subject_id: str
    reason: WithheldReason


class Preview(Record):
    """What they see now, and what they do not."""

    view: View
    kept: tuple[Kept, ...] = ()


class DryRun(Record):
    """What would have been told over a log, and how often something was not, by reason."""

    given: tuple[Given, ...]
    view: View
    withheld: dict[str, int]


def view_of(told: Iterable[Release], agreement: Agreement, now_ns: int) -> View:
    """What the partner's map shows after these releases, in the order in which they came; nothing once it is over."""
    if not agreement.from_ns <= now_ns < agreement.until_ns:
        return View(time_ns=now_ns)
    frame = frame_at(agreement.anchor)
    latest: dict[str, Release] = {}
    for each in told:
        if each.act == "recalled" and latest.get(each.thing_id, each).release_id != each.replaces:
            continue
        if each.act in {"ended", "recalled"}:
            latest.pop(each.thing_id, None)
        else:
            latest[each.thing_id] = each
    standing = sorted(
        (each for each in latest.values() if each.counts_at(now_ns)),
        key=lambda each: each.thing_id,
    )
    spots = (Spot(position=None if e.cell is None else centre_of(frame, e.cell), release=e) for e in standing)
    return View(time_ns=now_ns, spots=tuple(spots))


def preview(offers: Sequence[Offered], terms: Terms, now_ns: int) -> Preview:
    """What the partner would be told of everything there is now, and what not, as if it were the moment to tell."""
    found = [(subject_of(offered.what), release(offered, terms, now_ns, early=True)) for offered in offers]
    return Preview(
        view=view_of([told for _, told in found if isinstance(told, Release)], terms.agreement, now_ns),
        kept=tuple(Kept(subject_id=name, reason=why.reason) for name, why in found if isinstance(why, Withheld)),
    )


class Patrolling(NamedTuple):
    """What corridors are made of beside the log: the site's frame and its patrols, with their duties."""

    frame: EnuFrame
    patrols: Sequence[Patrol]


def dry_run(events: Iterable[Event], terms: Terms, step_s: int = 10, patrolling: Patrolling | None = None) -> DryRun:
    """What would have been told over a log of one organisation, whose events come in order, asked every `step_s`.

    The validity of the agreement counts as it is written: to try a new one on the past, date it back. Of patrols
    nothing is known without `patrolling`.
    """
    replay = _Replay(terms, step_s, patrolling)
    for event in events:
        replay.add(event)
    return replay.finish()


class _Replay:
    """The desk as it was, as far as releases go."""

    def __init__(self, terms: Terms, step_s: int, patrolling: Patrolling | None) -> None:
        self._terms = terms
        self._step_ns = step_s * NS
        self._next_ns: int | None = None
        self._now_ns = 0
        self._ledger = Ledger()
        self._given: list[Given] = []
        self._withheld: Counter[str] = Counter()
        self._tracks: dict[str, PictureTrack] = {}
        self._news: dict[str, PictureTrack | PictureGroup | Alarm | Incident | Sighting | PostWatch] = {}
        self._exercise = False
        self._patrols = () if patrolling is None else tuple(patrolling.patrols)
        self._ways = None if patrolling is None else OwnWays(patrolling.frame)
        self._orders: dict[str, Dispatch] = {}
        self._places = {each.patrol_id: each.home for each in self._patrols if each.home is not None}

    def add(self, event: Event) -> None:
        """Go on by one event."""
        if self._next_ns is None:
            self._next_ns = event.time_ns
        while event.time_ns >= self._next_ns:
            self._ask(self._next_ns)
            self._next_ns += self._step_ns
            if event.time_ns - self._next_ns > _LONG_NS:
                self._next_ns = event.time_ns
        self._now_ns = max(self._now_ns, event.time_ns)
        self._note(event)

    def finish(self) -> DryRun:
        """What came of it."""
        self._ask(self._now_ns)
        told = [each.release for each in self._given]
        view = view_of(told, self._terms.agreement, self._now_ns)
        return DryRun(given=tuple(self._given), view=view, withheld=dict(self._withheld))

    def _ask(self, now_ns: int) -> None:
        telling = tell(self._ledger, self._offers(now_ns), self._terms, now_ns)
        self._ledger = telling.ledger
        self._given.extend(telling.given)
        self._withheld.update(reason for _, reason in telling.withheld)

    def _note(self, event: Event) -> None:
        match event:
            case PictureStarted(resumed=None):
                self._tracks = {}
            case PictureKept(picture=picture):
                self._tracks = {track.track_id: track for track in picture.tracks}
            case PictureTrackPoint(track=track) | PictureTrackLost(track=track):
                self._tracks[track.track_id] = self._news[track.track_id] = track
            case PictureTrackEnded(track_id=name):
                self._tracks.pop(name, None)
            case PictureGroupPoint(group=group) | PictureGroupChanged(group=group):
                self._news[group.group_id] = group
            case _:
                self._note_other(event)

    def _note_other(self, event: Event) -> None:
        match event:
            case AlarmChanged(alarm=alarm):
                self._news[alarm.alarm_id] = alarm
            case IncidentChanged(incident=incident):
                self._news[incident.incident_id] = incident
            case SightingReported(sighting=sighting):
                self._news[sighting.sighting_id] = sighting
            case PostKept(watch=post):
                self._news[post.post_id] = post
            case DispatchChanged(dispatch=order):
                self._orders[order.dispatch_id] = order
            case PatrolPosition(patrol_id=name, position=place):
                self._places[name] = place
            case ExerciseChanged(name=name):
                self._exercise = bool(name)
            case _:
                pass

    def _offers(self, now_ns: int) -> list[Offered]:
        """What changed since it was last asked, and where patrols will be."""
        news, self._news = self._news, {}
        ways: list[PatrolCorridor] = []
        if self._ways is not None:
            ways = self._ways.update(self._patrols, self._orders.values(), self._places, now_ns)
        return [
            Offered(what=each, origins=(self._terms.giver,), exercise=self._exercise, members=self._members(each))
            for each in (*news.values(), *ways)
        ]

    def _members(self, each: object) -> tuple[PictureTrack, ...]:
        if not isinstance(each, PictureGroup):
            return ()
        return tuple(self._tracks[name] for name in each.members if name in self._tracks)
