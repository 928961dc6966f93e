"""What the desk shows, made of what the log says and of nothing else: now, and at any moment of the past.

A `Board` follows events one after the other. Every so often it is kept in the log (`DeskKept`), so that a restart, and
whoever looks back, need read only what was logged since.
"""

import math
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import Final, NamedTuple, TypeVar

import msgspec

from marsad.console.partner_board import Arrived, MessagesKept, PartnerBoard, PartnerFacts
from marsad.kernel.alarm import Alarm, Hold
from marsad.kernel.desk import (
    Assessment,
    CameraRun,
    CameraState,
    DeskState,
    Figures,
    PatrolState,
    RetentionRun,
    Shift,
    Storage,
    Trouble,
)
from marsad.kernel.dispatch import Dispatch
from marsad.kernel.error import InputError
from marsad.kernel.event import (
    ActDone,
    AlarmChanged,
    AlertWaits,
    Assessed,
    CameraHealth,
    CameraLost,
    CameraRestored,
    CameraRunChanged,
    DeskKept,
    DispatchChanged,
    Event,
    ExerciseChanged,
    HoldChanged,
    IncidentChanged,
    KeptAct,
    LessonChanged,
    LookTaken,
    PatrolPosition,
    PictureKept,
    PictureStarted,
    PostKept,
    RetentionRan,
    ShiftTaken,
    SightingReported,
    SourceTrustChanged,
    StatementChanged,
    TracksReserved,
)
from marsad.kernel.incident import Incident
from marsad.kernel.joint import JointMessage
from marsad.kernel.lesson import Lesson, Waiting
from marsad.kernel.picture import Picture
from marsad.kernel.port import EventLog
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.release import PostWatch
from marsad.kernel.sighting import Sighting
from marsad.kernel.site import Learning
from marsad.kernel.statement import Statement
from marsad.report.replay import PictureReplay, newest_first, readable
from marsad.report.statement import Statements
from marsad.respond.alarm import AlarmFigures, Alarms, AlarmSettings
from marsad.respond.dispatch import Dispatches
from marsad.respond.incident import Incidents
from marsad.respond.lesson import Lessons

T = TypeVar("T")
NS: Final = 1_000_000_000
SHOWN_NS: Final = 86_400 * NS
"""What is closed is shown for so long."""
ACTS_MOST: Final = 1000
"""So many acts are remembered as done, of each phone's positions the last alone; what is asked for again long after has
been answered long before."""
_POSITION: Final = "report_position"
_DATED_BY_DESK: Final = (
    ActDone,
    AlarmChanged,
    AlertWaits,
    CameraRunChanged,
    DeskKept,
    DispatchChanged,
    HoldChanged,
    IncidentChanged,
    LessonChanged,
)
_HEARD: Final = "heard"
"""What came over a partner's link is counted among the named."""
_EPOCH: Final = "epoch"
"""So is which of its streams that was."""
_TRACKS: Final = "tracks "
_ENDED: Final = frozenset({"done", "refused", "could_not", "recalled"})


class Watched(Record):
    """What a board must know of a site."""

    site_name: str
    origin: Position
    camera_ids: tuple[str, ...] = ()
    partner: PartnerFacts | None = None


class _Camera:
    """A camera as the events say it does."""

    def __init__(self, camera_id: str) -> None:
        self.camera_id = camera_id
        self.run: CameraRun = "stopped"
        self.since_ns = 0
        self.seen_ns: int | None = None
        self.fps = 0.0
        self.restarts = 0
        self.troubles: dict[str, Trouble] = {}

    @property
    def state(self) -> CameraState:
        """As it is shown."""
        return CameraState(
            camera_id=self.camera_id, run=self.run, since_ns=self.since_ns, seen_ns=self.seen_ns, fps=self.fps,
            restarts=self.restarts, troubles=tuple(self.troubles[kind] for kind in sorted(self.troubles)),
        )  # fmt: skip

    def runs(self, event: CameraRunChanged) -> None:
        """Take in how its process does; a new one knows nothing of the old one's troubles with the picture."""
        if event.run != self.run:
            self.since_ns = event.time_ns
        if event.run == "starting":
            self.troubles.clear()
            self.seen_ns = None
        self.run, self.restarts = event.run, event.restarts

    def trouble(self, kind: str, time_ns: int, detail: str) -> None:
        """Something is wrong since then; it may be told of more than once."""
        since_ns = self.troubles[kind].since_ns if kind in self.troubles else time_ns
        self.troubles[kind] = Trouble(kind=kind, since_ns=since_ns, detail=detail)


class Board:
    """Everything the desk shows, after the events up to `sequence`; see `apply`."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.sequence = -1
        self.exercise: str | None = None
        self.shift: Shift | None = None
        self.storage: Storage | None = None
        self.kept = -1
        """The last entry that keeps the whole board."""
        self._picture = PictureReplay()
        self._picture_from = -1
        self._alarms: dict[str, Alarm] = {}
        self._holds: dict[str, Hold] = {}
        self._lessons: dict[str, Lesson] = {}
        self._waiting: dict[str, Waiting] = {}
        self.retention: RetentionRun | None = None
        self._incidents: dict[str, Incident] = {}
        self._dispatches: dict[str, Dispatch] = {}
        self._statements: dict[str, Statement] = {}
        self._assessments: dict[str, Assessment] = {}
        self._patrols: dict[str, PatrolState] = {}
        self._posts: dict[str, PostWatch] = {}
        self._sightings: dict[str, Sighting] = {}
        self._cameras = {camera_id: _Camera(camera_id) for camera_id in watched.camera_ids}
        self._acts: OrderedDict[str, int] = OrderedDict()
        self._position_acts: dict[str, str] = {}
        self._named: dict[str, int] = {}
        self._sounded: deque[int] = deque()
        self.partner = None if watched.partner is None else PartnerBoard(watched.partner)

    def apply(self, sequence: int, event: Event) -> None:
        """Take in the next event of the log; one that was taken in before changes nothing."""
        if sequence <= self.sequence:
            return
        self.sequence = sequence
        self.follow_picture(sequence, event)
        if self.partner is not None:
            self.partner.apply(event)
        if isinstance(event, LookTaken):
            self.saw(event.look.source_id, event.look.time_ns)
        elif isinstance(event, DeskKept):
            self.kept = sequence
            if self.partner is not None:
                self.partner.kept(sequence, event)
        elif isinstance(event, ActDone):
            self._act(event, sequence)
        elif not self._apply_response(event) and not self._apply_watch_keeping(event):
            self._apply_camera(event)

    def _apply_response(self, event: Event) -> bool:
        """Take in what was done about something; whether the event is of that kind."""
        match event:
            case AlarmChanged(alarm=alarm):
                self._alarm(alarm)
            case HoldChanged(hold=hold, ended=ended):
                self._hold(hold, ended=ended)
            case LessonChanged(lesson=lesson, happening=happening):
                self._name("lessons", lesson.lesson_id)
                _put(self._lessons, lesson.lesson_id, lesson, there=happening not in {"ended", "expired"})
            case AlertWaits(waiting=waiting, happening=happening):
                _put(self._waiting, waiting.alert.alert_id, waiting, there=happening in {"waits", "aside"})
            case IncidentChanged(incident=incident):
                self._name("incidents", incident.incident_id)
                self._incidents[incident.incident_id] = incident
            case DispatchChanged(dispatch=dispatch):
                self._name("dispatches", dispatch.dispatch_id)
                self._dispatches[dispatch.dispatch_id] = dispatch
            case _:
                return False
        return True

    def _apply_watch_keeping(self, event: Event) -> bool:
        """Take in what those on watch have said; whether the event is of that kind."""
        match event:
            case PatrolPosition():
                self._patrol(event)
            case Assessed(assessment=assessment):
                self._assessments[assessment.subject_id] = assessment
            case ExerciseChanged(name=name):
                self.exercise = name or None
            case ShiftTaken(shift=shift):
                self.shift = shift
            case RetentionRan(run=run):
                self.retention = run
            case StatementChanged(statement=statement):
                self._name("statements", statement.statement_id)
                self._statements[statement.statement_id] = statement
            case SightingReported(sighting=sighting):
                self._name("sightings", sighting.sighting_id)
                self._sightings[sighting.sighting_id] = sighting
            case PostKept(watch=watch):
                self._posts[watch.post_id] = watch
            case TracksReserved(camera_id=camera_id, upto=upto):
                self._named[_TRACKS + camera_id] = max(self.named(_TRACKS + camera_id), upto)
            case _:
                return False
        return True

    def restore(self, sequence: int, event: DeskKept, before: Sequence[JointMessage] = ()) -> None:
        """Be what was kept, but for the picture, which has a keeping of its own, and for cameras that are no more.

        `before` are the messages of the entry that this one says it has them from.
        That is as of an entry before the one that keeps it: what was logged in between has yet to be applied.
        """
        state = event.state
        self.sequence, self.kept = state.sequence, sequence
        self.exercise, self.shift, self.storage = state.exercise, state.shift, state.storage
        self._alarms = {each.alarm_id: each for each in state.alarms}
        self._holds = {each.hold_id: each for each in state.holds}
        self._lessons = {each.lesson_id: each for each in state.lessons}
        self._waiting = {each.alert.alert_id: each for each in state.waiting}
        self.retention = state.retention
        self._incidents = {each.incident_id: each for each in state.incidents}
        self._dispatches = {each.dispatch_id: each for each in state.dispatches}
        self._assessments = {each.subject_id: each for each in state.assessments}
        self._patrols = {each.patrol_id: each for each in state.patrols}
        self._posts = {each.post_id: each for each in state.posts}
        self._sightings = {each.sighting_id: each for each in state.sightings}
        self._statements = {each.statement_id: each for each in event.statements}
        self._acts = OrderedDict((each.act_id, each.sequence) for each in event.acts)
        self._named, self._sounded = dict(event.named), deque(event.sounded_ns)
        if self.partner is not None and state.partner is not None:
            messages = MessagesKept(event.messages, event.messages_from, event.gone)
            arrived = Arrived(self.named(_HEARD), self._named.get(_EPOCH, 1))
            self.partner.restore(state.partner, messages, arrived, before)
        for told in state.cameras:
            camera = self._cameras.get(told.camera_id)
            if camera is not None:
                camera.run, camera.since_ns, camera.seen_ns = told.run, told.since_ns, told.seen_ns
                camera.fps, camera.restarts = told.fps, told.restarts
                camera.troubles = {each.kind: each for each in told.troubles}

    def expect(self, now_ns: int) -> None:
        """All cameras are about to be started: what they did before the desk was is no matter of theirs now."""
        for camera_id in self._cameras:
            self._apply_camera(CameraRunChanged(time_ns=now_ns, camera_id=camera_id, run="starting"))

    def saw(self, camera_id: str, time_ns: int, fps: float | None = None) -> None:
        """A camera has given a picture; a source that is no camera of the site's is none here either."""
        camera = self._cameras.get(camera_id)
        if camera is not None:
            camera.seen_ns = max(camera.seen_ns or 0, time_ns)
            camera.fps = camera.fps if fps is None else fps

    def act(self, act_id: str) -> int | None:
        """The entry of the log that says that an act was done, None where none does."""
        return self._acts.get(act_id)

    def named(self, what: str) -> int:
        """How many of these there ever were: alarms, holds, incidents, dispatches, sightings, lessons."""
        return self._named.get(what, 0)

    @property
    def tracks_reserved(self) -> dict[str, int]:
        """Up to which number each camera's tracks may be called."""
        return {what.removeprefix(_TRACKS): upto for what, upto in self._named.items() if what.startswith(_TRACKS)}

    def patrol(self, patrol_id: str) -> PatrolState | None:
        """Where a patrol last said it was."""
        return self._patrols.get(patrol_id)

    @property
    def picture(self) -> Picture:
        """The picture as the log has it, a second old at the most."""
        return self._picture.picture

    @property
    def alarmed(self) -> frozenset[str]:
        """What the alarms that are shown are about, also by what it was called before."""
        return frozenset(name for each in self._alarms.values() for name in (each.subject_id, *each.formerly))

    @property
    def cameras(self) -> tuple[CameraState, ...]:
        """How the cameras do."""
        return tuple(camera.state for camera in self._cameras.values())

    @property
    def patrols(self) -> tuple[PatrolState, ...]:
        """Where patrols last said they were."""
        return tuple(self._patrols.values())

    def state(self, now_ns: int, picture: Picture | None = None, figures: Figures | None = None) -> DeskState:
        """Everything as it is; with a newer picture, and figures, where whoever asks has them."""
        self._forget(now_ns)
        return DeskState(
            sequence=self.sequence,
            now_ns=now_ns,
            site_name=self.watched.site_name,
            origin=self.watched.origin,
            alarms=tuple(self._alarms.values()),
            holds=tuple(self._holds.values()),
            incidents=tuple(self._incidents.values()),
            dispatches=tuple(self._dispatches.values()),
            cameras=self.cameras,
            patrols=self.patrols,
            assessments=tuple(each for each in self._assessments.values() if each.until_ns > now_ns),
            picture=self.picture if picture is None else picture,
            figures=figures,
            shift=self.shift,
            exercise=self.exercise,
            storage=self.storage,
            lessons=tuple(self._lessons.values()),
            waiting=tuple(self._waiting.values()),
            retention=self.retention,
            posts=tuple(self._posts.values()),
            sightings=tuple(self._sightings.values()),
            partner=None if self.partner is None else self.partner.state(now_ns),
        )

    def keeping(self, now_ns: int) -> DeskKept:
        """What is written to the log for those who go on from here."""
        state = self.state(now_ns, Picture(time_ns=0))
        heard = {} if self.partner is None else {_HEARD: self.partner.arrival, _EPOCH: self.partner.epoch}
        said = MessagesKept((), -1, {}) if self.partner is None else self.partner.keeping(now_ns)
        return DeskKept(
            time_ns=now_ns, state=state, named={**self._named, **heard}, sounded_ns=tuple(self._sounded),
            acts=tuple(KeptAct(act_id=act_id, sequence=sequence) for act_id, sequence in self._acts.items()),
            statements=tuple(self._statements.values()), previous=self.kept, picture=self._picture_from,
            messages=said.messages, messages_from=said.base, gone=said.gone,
        )  # fmt: skip

    def responders(self, settings: AlarmSettings | None = None, learning: Learning | None = None) -> "Responders":
        """Alarms, incidents, orders, statements and lessons that go on from here."""
        alarms, incidents, dispatches = Alarms(settings), Incidents(), Dispatches()
        alarms.restore(
            self._alarms.values(), self._holds.values(), self._sounded, alarms_named=self.named("alarms"),
            holds_named=self.named("holds"),
        )  # fmt: skip
        incidents.restore(self._incidents.values(), self.named("incidents"))
        dispatches.restore(self._dispatches.values(), self.named("dispatches"))
        statements = Statements()
        statements.restore(self._statements.values(), self.named("statements"))
        lessons = Lessons(learning)
        lessons.restore(self._lessons.values(), self._waiting.values(), self.named("lessons"))
        return Responders(alarms, incidents, dispatches, statements, lessons)

    def follow_picture(self, sequence: int, event: Event) -> None:
        """Take in what an event says of the picture alone."""
        if isinstance(event, PictureKept) or (isinstance(event, PictureStarted) and event.resumed is None):
            self._picture_from = sequence
        self._picture.take(event)

    def _alarm(self, alarm: Alarm) -> None:
        before = self._alarms.get(alarm.alarm_id)
        self._name("alarms", alarm.alarm_id)
        # Those that changed last stand last: of several that had one subject, the last one has it.
        self._alarms.pop(alarm.alarm_id, None)
        self._alarms[alarm.alarm_id] = alarm
        if alarm.annunciated_ns is not None and (before is None or before.annunciated_ns != alarm.annunciated_ns):
            self._sounded.append(alarm.annunciated_ns)
            while self._sounded[0] < alarm.annunciated_ns - AlarmSettings().rate_s * NS:
                self._sounded.popleft()

    def _hold(self, hold: Hold, *, ended: bool) -> None:
        self._name("holds", hold.hold_id)
        if ended:
            self._holds.pop(hold.hold_id, None)
        else:
            self._holds[hold.hold_id] = hold

    def _patrol(self, event: PatrolPosition) -> None:
        before = self._patrols.get(event.patrol_id)
        # A phone that was without a link sends what it had kept: an older place does not replace a newer one.
        if before is None or before.time_ns <= event.time_ns:
            self._patrols[event.patrol_id] = PatrolState(
                patrol_id=event.patrol_id, position=event.position, sigma_m=event.sigma_m, time_ns=event.time_ns
            )

    def _apply_camera(self, event: Event) -> None:
        match event:
            case CameraRunChanged(camera_id=name) if name in self._cameras:
                self._cameras[name].runs(event)
            case CameraHealth(camera_id=name, ended=True) if name in self._cameras:
                self._cameras[name].troubles.pop(event.kind, None)
            case CameraHealth(camera_id=name) if name in self._cameras:
                self._cameras[name].trouble(event.kind, event.time_ns, event.detail)
            case CameraLost(camera_id=name) if name in self._cameras:
                self._cameras[name].trouble("no_picture", event.time_ns, event.detail)
            case CameraRestored(camera_id=name) if name in self._cameras:
                self._cameras[name].troubles.pop("no_picture", None)
            case SourceTrustChanged(source=source) if source.source_id in self._cameras:
                camera = self._cameras[source.source_id]
                if source.trusted:
                    camera.troubles.pop("not_trusted", None)
                else:
                    camera.trouble("not_trusted", event.time_ns, source.reason)
            case _:
                pass

    def _act(self, done: ActDone, sequence: int) -> None:
        self._acts[done.act_id] = sequence
        if done.act == _POSITION:
            # A phone asks again for the last one alone; all of them would drive officers' acts out within half an hour.
            self._acts.pop(self._position_acts.get(done.officer, ""), None)
            self._position_acts[done.officer] = done.act_id
        while len(self._acts) > ACTS_MOST:
            self._acts.popitem(last=False)

    def _name(self, what: str, name: str) -> None:
        """Note a name such as A17."""
        self._named[what] = max(self._named.get(what, 0), int(name[1:]))

    def _forget(self, now_ns: int) -> None:
        """Let go of what was over long ago; the log keeps it."""
        old_ns = now_ns - SHOWN_NS
        for alarm in [each for each in self._alarms.values() if each.state == "closed" and each.changed_ns < old_ns]:
            del self._alarms[alarm.alarm_id]
        shown = {
            each.incident_id for each in self._incidents.values() if each.state != "closed" or each.changed_ns >= old_ns
        }
        self._incidents = {name: each for name, each in self._incidents.items() if name in shown}
        self._sightings = {name: each for name, each in self._sightings.items() if each.seen_ns >= old_ns}
        self._posts = {name: each for name, each in self._posts.items() if each.until_ns > now_ns}
        self._statements = {
            name: each
            for name, each in self._statements.items()
            if each.state in {"draft", "approved"} or each.incident_id in shown
        }
        self._dispatches = {
            name: each
            for name, each in self._dispatches.items()
            if each.state not in _ENDED or each.incident_id in shown or each.changed_ns >= old_ns
        }


class Responders(NamedTuple):
    """Those who decide what becomes of alarms, incidents, orders and statements, and what is learned of marks."""

    alarms: Alarms
    incidents: Incidents
    dispatches: Dispatches
    statements: Statements
    lessons: Lessons


class Keepings:
    """Where a log keeps the board, found by following them back from its end; each is looked for once.

    It may be asked in any thread.
    """

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._lock = Lock()
        self._found: list[tuple[int, int]] = []
        """Sequence and time, the newest first."""
        self._next = -1
        self._begun = False

    def add(self, sequence: int, time_ns: int) -> None:
        """One more was written."""
        with self._lock:
            if self._begun:
                self._found.insert(0, (sequence, time_ns))

    def around(self, time_ns: int) -> tuple[int, int | None]:
        """The newest that was written no later than a moment, -1 where there is none, and the next one if there is."""
        with self._lock:
            after: int | None = None
            for sequence, kept_ns in self._all():
                if kept_ns <= time_ns:
                    return sequence, after
                after = sequence
            return -1, after

    def _all(self) -> Iterator[tuple[int, int]]:
        if not self._begun:
            self._begun = True
            self._next = _last_kept(self._log)
        yield from list(self._found)
        while self._next >= 0:
            stored = next(iter(self._log.read(self._next, self._next)))
            self._found.append((stored.sequence, stored.time_ns))
            # One whose payload has been erased leads no further back.
            self._next = stored.event.previous if isinstance(stored.event, DeskKept) else -1
            yield self._found[-1]


def board_now(log: EventLog, watched: Watched, tell: Callable[[str], None] = lambda _: None) -> Board:
    """The board at the end of a log; `tell` hears of entries that cannot be read."""
    return _followed(log, watched, _last_kept(log, tell), log.head().length - 1, None)


def board_at(log: EventLog, watched: Watched, keepings: Keepings, time_ns: int) -> Board:
    """The board as it was known at a moment. Raises: InputError before the log's beginning."""
    first = next(iter(log.read(0, 0)), None)
    if first is None or time_ns < first.time_ns:
        raise InputError(f"time_ns = {time_ns}: the log begins after that")
    kept, after = keepings.around(time_ns)
    return _followed(log, watched, kept, (log.head().length if after is None else after) - 1, time_ns)


def _last_kept(log: EventLog, tell: Callable[[str], None] = lambda _: None) -> int:
    """The last entry that keeps the board, -1 where there is none."""
    return next((each.sequence for each in newest_first(log, tell) if isinstance(each.event, DeskKept)), -1)


def _followed(log: EventLog, watched: Watched, kept: int, last: int, time_ns: int | None) -> Board:
    """The board that was kept in an entry, and what followed to another, or to a moment."""
    board = Board(watched)
    start = 0
    if kept >= 0:
        event = next(iter(log.read(kept, kept))).event
        if isinstance(event, DeskKept):
            board.restore(kept, event, _messages_at(log, event.messages_from))
            start = min(event.picture, board.sequence + 1) if event.picture >= 0 else board.sequence + 1
    since = board.sequence
    for stored in readable(log, start, last):
        if stored.event is None:
            continue
        if time_ns is not None and stored.time_ns > time_ns:
            # What the desk itself has dated later was written later, and so was all that follows; a camera's clock may
            # be ahead.
            if isinstance(stored.event, _DATED_BY_DESK):
                break
            continue
        if stored.sequence <= since:
            board.follow_picture(stored.sequence, stored.event)
        else:
            board.apply(stored.sequence, stored.event)
    return board


def _put(things: dict[str, T], name: str, thing: T, *, there: bool) -> None:
    """Have a thing under its name, or no more."""
    if there:
        things[name] = thing
    else:
        things.pop(name, None)


def _messages_at(log: EventLog, sequence: int) -> tuple[JointMessage, ...]:
    """The messages that an entry keeps; none where its payload has been erased."""
    event = next(iter(log.read(sequence, sequence))).event if sequence >= 0 else None
    return event.messages if isinstance(event, DeskKept) else ()


def figures_of(counted: AlarmFigures) -> Figures:
    """The figures as they are shown: None where there is nothing to count."""
    values = msgspec.structs.asdict(counted)
    known = {name: None if math.isnan(value) else value for name, value in values.items()}
    return msgspec.convert(known, Figures)
