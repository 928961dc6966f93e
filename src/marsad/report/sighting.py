"""What the logs of a watch say it saw: tracks with their places, alarms, and when which camera watched."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
import numpy as np

from marsad.kernel.alert import Priority, Rule
from marsad.kernel.event import (
    AlertRaised,
    CameraHealth,
    CameraLost,
    CameraRestored,
    Event,
    FrameGap,
    TrackConfirmed,
    TrackPoint,
    WatchEnded,
    WatchStarted,
)
from marsad.kernel.position import GroundState
from marsad.kernel.record import Record
from marsad.kernel.track import Kind, Track
from marsad.report.crossing import Array, Times

DATED_NS: Final = 365 * 86_400 * 1_000_000_000
"""Times before 1971 count from a recording's first picture, which had no date."""
ALWAYS_NS: Final = 2**62
BLINDING: Final = frozenset({"covered", "frozen", "looped", "defocused", "camera_moved", "panning"})
"""What befalls a camera that may have cost a detection."""


class Sighting(Record, eq=False):
    """One confirmed track: arrays (N,), `covariance` (N, 3) as east, east-north, north, `foot_px` (N, 2).

    Where it was not located, or located with several answers, place and covariance are NaN.
    """

    camera_id: str
    run: int
    track_id: int
    confirmed_ns: int
    kind: Kind
    groups: frozenset[int]
    time_ns: Times
    east_m: Array
    north_m: Array
    covariance: Array
    foot_px: Array
    height_px: Array


class Roll:
    """Sightings to be asked for by time."""

    def __init__(self, sightings: Iterable[Sighting]) -> None:
        self.sightings = tuple(sightings)
        self._first_ns = np.array([each.time_ns[0] for each in self.sightings], np.int64)
        self._last_ns = np.array([each.time_ns[-1] for each in self.sightings], np.int64)

    def during(self, start_ns: int, end_ns: int) -> list[Sighting]:
        """Those that were seen in a time."""
        there = np.flatnonzero((self._last_ns >= start_ns) & (self._first_ns <= end_ns))
        return [self.sightings[row] for row in there.tolist()]


class Alarm(Record):
    """An alert that was raised; `direction` is empty where its rule has none."""

    camera_id: str
    run: int
    track_id: int
    group_id: int | None
    time_ns: int
    rule: Rule
    rule_id: str
    direction: str
    priority: Priority
    kind: Kind
    ground: GroundState | None


class Span(Record):
    """From when to when something held of a camera; `what` is "watched", or what befell it."""

    camera_id: str
    start_ns: int
    end_ns: int
    what: str


class LogStory(Record, eq=False):
    """All that was read from the logs; `undated` names cameras whose times count from 0."""

    sightings: tuple[Sighting, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    watched: tuple[Span, ...] = ()
    troubles: tuple[Span, ...] = ()
    notes: tuple[str, ...] = ()
    undated: frozenset[str] = frozenset()


def read_story(events: Iterable[Event]) -> LogStory:
    """What one log says."""
    reader = _Reader()
    for event in events:
        reader.take(event)
    return reader.story()


def joined(stories: Iterable[LogStory]) -> LogStory:
    """Several logs as one; runs of one camera in several logs are told apart."""
    all_of = list(stories)
    parts: dict[str, tuple[object, ...]] = {}
    for name in ("sightings", "alarms"):
        parts[name] = tuple(
            msgspec.structs.replace(each, run=each.run + 1_000_000 * number)
            for number, story in enumerate(all_of)
            for each in getattr(story, name)
        )
    for name in ("watched", "troubles", "notes"):
        parts[name] = tuple(each for story in all_of for each in getattr(story, name))
    undated = frozenset(camera for story in all_of for camera in story.undated)
    return LogStory(**parts, undated=undated)  # type: ignore[arg-type]  # built by the fields' own names


def moved(story: LogStory, by_ns: Mapping[str, int]) -> LogStory:
    """The same story with so much added to each camera's times."""

    def span(each: Span) -> Span:
        by = by_ns.get(each.camera_id, 0)
        start = each.start_ns if each.start_ns <= -ALWAYS_NS else each.start_ns + by
        end = each.end_ns if each.end_ns >= ALWAYS_NS else each.end_ns + by
        return msgspec.structs.replace(each, start_ns=start, end_ns=end)

    return msgspec.structs.replace(
        story,
        sightings=tuple(
            msgspec.structs.replace(
                each,
                time_ns=each.time_ns + by_ns.get(each.camera_id, 0),
                confirmed_ns=each.confirmed_ns + by_ns.get(each.camera_id, 0),
            )
            for each in story.sightings
        ),
        alarms=tuple(
            msgspec.structs.replace(each, time_ns=each.time_ns + by_ns.get(each.camera_id, 0)) for each in story.alarms
        ),
        watched=tuple(span(each) for each in story.watched),
        troubles=tuple(span(each) for each in story.troubles),
    )


class _Reader:
    """Reads events in their order."""

    def __init__(self) -> None:
        self._run: dict[str, int] = {}
        self._tracks: dict[tuple[str, int, int], list[Track]] = {}
        self._confirmed: set[tuple[str, int, int]] = set()
        self._alarms: list[Alarm] = []
        self._watched: list[Span] = []
        self._troubles: list[Span] = []
        self._open: dict[tuple[str, str], int] = {}
        self._began: dict[str, int] = {}
        self._notes: list[str] = []
        self._dated: dict[str, bool] = {}

    def take(self, event: Event) -> None:
        """Take the next event."""
        camera_id = _camera_of(event)
        if camera_id is None:
            return
        if not isinstance(event, WatchStarted) and event.time_ns != 0:
            self._dated[camera_id] = self._dated.get(camera_id, False) or event.time_ns >= DATED_NS
        if isinstance(event, WatchStarted):
            self._start(camera_id, event.time_ns)
        elif isinstance(event, WatchEnded):
            self._end(camera_id, event.time_ns)
        elif isinstance(event, TrackConfirmed | TrackPoint):
            self._see(event)
        elif isinstance(event, AlertRaised):
            self._raise(event)
        else:
            self._befall(camera_id, event)

    def story(self) -> LogStory:
        """All that was read."""
        for camera_id in list(self._began):
            self._watched.append(self._span(camera_id, self._began.pop(camera_id), ALWAYS_NS, "watched"))
            self._notes.append(f"{camera_id}: its log has no end; it is taken to have watched on")
        for (camera_id, what), start_ns in self._open.items():
            self._troubles.append(self._span(camera_id, start_ns, ALWAYS_NS, what))
        undated = frozenset(camera for camera, dated in self._dated.items() if not dated)
        return LogStory(
            sightings=tuple(_sighting(key, points) for key, points in self._tracks.items() if key in self._confirmed),
            alarms=tuple(self._alarms),
            watched=tuple(each for each in self._watched if each.end_ns > each.start_ns),
            troubles=tuple(self._troubles),
            notes=tuple(self._notes),
            undated=undated,
        )

    @staticmethod
    def _span(camera_id: str, start_ns: int, end_ns: int, what: str) -> Span:
        return Span(camera_id=camera_id, start_ns=start_ns, end_ns=end_ns, what=what)

    def _start(self, camera_id: str, time_ns: int) -> None:
        if camera_id in self._began:
            self._notes.append(f"{camera_id}: a run has no end in the log; it is taken to have lasted to the next")
            self._end(camera_id, time_ns or ALWAYS_NS)
        self._run[camera_id] = self._run.get(camera_id, -1) + 1
        # A live source logs 0: nobody knew the date before its first picture.
        self._began[camera_id] = time_ns

    def _end(self, camera_id: str, time_ns: int) -> None:
        start_ns = self._began.pop(camera_id, 0)
        if start_ns == 0 and time_ns >= DATED_NS:
            start_ns = max((each.end_ns for each in self._watched if each.camera_id == camera_id), default=-ALWAYS_NS)
            start_ns = start_ns if start_ns <= time_ns else -ALWAYS_NS
            self._notes.append(
                f"{camera_id}: its log does not say when a run began; it is taken to have watched before"
            )
        self._watched.append(self._span(camera_id, start_ns, time_ns, "watched"))
        for key in [key for key in self._open if key[0] == camera_id]:
            self._troubles.append(self._span(camera_id, self._open.pop(key), time_ns, key[1]))

    def _see(self, event: TrackConfirmed | TrackPoint) -> None:
        track = event.track
        key = (track.camera_id, self._run.get(track.camera_id, 0), track.track_id)
        if track.status == "standing":
            return
        self._tracks.setdefault(key, []).append(track)
        if isinstance(event, TrackConfirmed):
            self._confirmed.add(key)

    def _raise(self, event: AlertRaised) -> None:
        alert = event.alert
        if alert.track_id is None:
            return
        run = self._run.get(alert.camera_id, 0)
        points = self._tracks.get((alert.camera_id, run, alert.track_id), [])
        self._alarms.append(
            Alarm(
                camera_id=alert.camera_id,
                run=run,
                track_id=alert.track_id,
                group_id=points[-1].group_id if points else None,
                time_ns=alert.time_ns,
                rule=alert.rule,
                rule_id=alert.rule_id,
                direction=alert.direction,
                priority=alert.priority,
                kind=alert.kind,
                ground=alert.ground,
            )
        )

    def _befall(self, camera_id: str, event: Event) -> None:
        if isinstance(event, FrameGap):
            self._troubles.append(
                self._span(camera_id, event.time_ns - event.gap_ns, event.time_ns, "pictures missing")
            )
        elif isinstance(event, CameraRestored):
            start_ns = self._open.pop((camera_id, "camera lost"), event.time_ns - event.blind_ns)
            self._troubles.append(self._span(camera_id, start_ns, event.time_ns, "camera lost"))
        elif isinstance(event, CameraLost):
            self._open.setdefault((camera_id, "camera lost"), event.time_ns)
        elif isinstance(event, CameraHealth) and event.kind in BLINDING:
            self._ail(camera_id, event)

    def _ail(self, camera_id: str, event: CameraHealth) -> None:
        what = event.kind.replace("_", " ")
        if not event.ended:
            self._open.setdefault((camera_id, what), event.time_ns)
        elif (camera_id, what) in self._open:
            self._troubles.append(self._span(camera_id, self._open.pop((camera_id, what)), event.time_ns, what))


def _camera_of(event: Event) -> str | None:
    if isinstance(event, TrackConfirmed | TrackPoint):
        return event.track.camera_id
    if isinstance(event, AlertRaised):
        return event.alert.camera_id or None
    return getattr(event, "camera_id", None)


def _sighting(key: tuple[str, int, int], points: list[Track]) -> Sighting:
    points = sorted(points, key=lambda point: point.time_ns)
    confirmed = [point.confirmed_ns for point in points if point.confirmed_ns is not None]
    places = np.array([_place(point.ground) for point in points])
    return Sighting(
        camera_id=key[0],
        run=key[1],
        track_id=key[2],
        confirmed_ns=min(confirmed, default=points[0].time_ns),
        kind=points[-1].kind,
        groups=frozenset(point.group_id for point in points if point.group_id is not None),
        time_ns=np.array([point.time_ns for point in points], np.int64),
        east_m=places[:, 0],
        north_m=places[:, 1],
        covariance=places[:, 2:],
        foot_px=np.array([point.box.foot_px for point in points], float),
        height_px=np.array([point.box.h_px for point in points], float),
    )


def _place(ground: GroundState | None) -> list[float]:
    if ground is None or ground.multimodal:
        return [np.nan] * 5
    c = ground.covariance
    return [ground.east_m, ground.north_m, c.east_m2, c.east_north_m2, c.north_m2]


def watching(story: LogStory, camera_id: str, time_ns: int) -> bool:
    """Whether a camera's picture was being watched at a moment."""
    return any(each.camera_id == camera_id and each.start_ns <= time_ns <= each.end_ns for each in story.watched)


def troubles_in(story: LogStory, camera_id: str, start_ns: int, end_ns: int) -> tuple[str, ...]:
    """What befell a camera in a time, each thing once."""
    found = (
        each.what
        for each in story.troubles
        if each.camera_id == camera_id and each.start_ns <= end_ns and each.end_ns >= start_ns
    )
    return tuple(dict.fromkeys(found))
