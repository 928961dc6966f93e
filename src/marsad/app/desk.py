"""The desk: one writer, many who follow. What cameras tell and people ask for becomes what everybody is shown.

Everything is decided on one event loop. What takes time - to fuse, to write, to work out ways - is done in threads of
its own, so that the loop is free to answer.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, tzinfo
from typing import Final, NamedTuple, NoReturn, TypeVar, get_args

import msgspec

from marsad.app.camera_wire import Glance
from marsad.app.desk_acts import Clips, Room, Vault
from marsad.app.desk_feed import LEFT_OUT, Feed
from marsad.app.desk_ground import Ground
from marsad.app.desk_log import DeskLog
from marsad.app.desk_setup import SIGHTINGS, patrol_source
from marsad.app.kept_picture import KeptPicture
from marsad.app.picture_start import Setup
from marsad.app.track_numbers import TrackNumbers, numbers_in
from marsad.console.board import Keepings, Watched, board_at, board_now, figures_of
from marsad.console.desk import Done, FeedMessage, Pulse, Told
from marsad.console.partner_board import PartnerFacts
from marsad.coordinate.coarse import with_posts
from marsad.coordinate.joint import JointDesk
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.act import Act, AddClip, DraftStatement, Person, ReportPosition, ReportSighting, SendPatrol
from marsad.kernel.alarm import Alarm, Seen
from marsad.kernel.alert import Alert
from marsad.kernel.chain import StoredEvent
from marsad.kernel.desk import CameraRun, CameraState, DeskState, Figures, RetentionRun, Storage
from marsad.kernel.error import InputError, MarsadError, RefusedError, UnavailableError
from marsad.kernel.event import (
    DURABLE,
    ActDone,
    AlertRaised,
    CameraRunChanged,
    DeskKept,
    Event,
    JointSaid,
    PatrolPosition,
    SightingReported,
)
from marsad.kernel.joint import Coverable, JointGround, JointMessage, JointPost
from marsad.kernel.lesson import Teaching
from marsad.kernel.measurement import GroundFix, Look, Measurement
from marsad.kernel.partner import LinkShown, PartnerPulse, PartnerState, PartnerView
from marsad.kernel.picture import Picture, Waypoint
from marsad.kernel.port import EventLog
from marsad.kernel.position import EnuPoint, GroundCovariance, Position
from marsad.kernel.record import Record
from marsad.kernel.release import EmergencyAct
from marsad.kernel.site import Site
from marsad.kernel.track import Track
from marsad.report.incident_record import IncidentRecord
from marsad.respond.alarm import AlarmSettings, Raised, subject_of
from marsad.respond.dispatch import Option, options
from marsad.respond.lesson import Told as SubjectTold
from marsad.respond.lesson import told_of
from marsad.respond.newcomer import Newcomers
from marsad.respond.standing_watch import StandingWatch
from marsad.respond.subject import names_of, present_in, subjects_of
from marsad.respond.upkeep import Upkeep

NS: Final = 1_000_000_000
SEEN_NS: Final = 5 * NS
"""Whom a camera has told of so lately is there."""
STARTING_NS: Final = 60 * NS
"""A camera's process may take so long until its first picture before it is missed."""
SAID_NS: Final = 7 * 86_400 * NS
"""What was said to a partner or by it is held for so long, and while it is about what is open."""
MOST_SHOWN: Final = 300
"""So much of what is over, and so many words, are shown of what was said to a partner and by it."""
_SURE: Final = GroundCovariance(east_m2=1.0, east_north_m2=0.0, north_m2=1.0)

T = TypeVar("T")
Clock = Callable[[], int]
Tell = Callable[[str], None]


class DeskSettings(Record):
    """How often the desk does what it does by itself.

    The picture is shown every `show_s`; the desk keeps itself in the log every `keep_s` where something has been done,
    else every `idle_keep_s`. One that does nothing `by_itself` is told to: see `Control.advance`.
    """

    show_s: float = 0.5
    keep_s: float = 60.0
    idle_keep_s: float = 600.0
    by_itself: bool = True


class Outfit(NamedTuple):
    """What a desk works with."""

    site: Site
    log: EventLog
    setup: Setup
    ground: Ground
    clock: Clock
    tell: Tell
    vault: Vault | None = None
    clips: Clips | None = None
    alarms: AlarmSettings | None = None
    zone: tzinfo = UTC
    settings: DeskSettings = DeskSettings()
    partner: PartnerFacts | None = None


class _Collected:
    """What the picture hands to the log, until the desk fetches it."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, events: Sequence[Event]) -> None:
        """Take events."""
        self.events += events

    def fetch(self) -> list[Event]:
        """What there is, once."""
        events, self.events = self.events, []
        return events


class Control:
    """The desk; see `console.desk.Desk`. `start` it on the event loop that it is to be used on."""

    def __init__(self, outfit: Outfit) -> None:
        """Take up what the log holds. Raises: InputError where that cannot be read."""
        self.site = outfit.site
        """The site, with the posts that were agreed upon with the partner."""
        self.joint_ground: Callable[[], JointGround] = _shared_with_nobody
        """How what was agreed upon of the ground stands. Raises: RefusedError where there is no partner."""
        self.coverable: Callable[[], Coverable] = _shared_with_nobody
        """What of the ground could be offered to be kept in view; it takes a while, and may be asked in any thread."""
        self.clips, self.vault = outfit.clips, outfit.vault
        self.records: Callable[[str], IncidentRecord] | None = None
        """What makes an incident's record out of the log; it is called in a thread of its own."""
        self.elsewhere: Callable[[], Mapping[str, Seen]] = dict
        """What alarms are about that is known from elsewhere, as from a partner."""
        self.joint: Picture | None = None
        """The joint picture, kept by whoever hears the partner; nothing is made of it here but to show it."""
        self._outfit = outfit
        self._log = outfit.log
        origin = outfit.ground.frame.origin
        self._watched = Watched(
            site_name=outfit.site.name, origin=origin, camera_ids=tuple(each.id for each in outfit.site.cameras),
            partner=outfit.partner,
        )  # fmt: skip
        self._keepings = Keepings(outfit.log)
        self._board = board_now(outfit.log, self._watched, outfit.tell)
        self._room = self._fresh_room()
        self._numbers = TrackNumbers(self._board.tracks_reserved or numbers_in(outfit.log))
        self._collected = _Collected()
        self._kept = self._take_up()
        self._picture = self._kept.picture
        self._tracks: dict[str, tuple[Track, ...]] = {}
        self._looks: list[Look] = []
        self._raised: list[Alert] = []
        """What cameras' own alerting has raised since the last picture."""
        self._newcomers = Newcomers()
        self._standing = StandingWatch(outfit.site)
        self._upkeep = Upkeep(outfit.site)
        self._acts: dict[str, asyncio.Task[Done]] = {}
        self._fusing = ThreadPoolExecutor(1, thread_name_prefix="desk-fuse")
        self._feed = Feed(self._board.sequence, self.state, self._read)
        self._writer: DeskLog | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._kept_ns = 0
        self._changed = True
        self._second_ns = 0
        self._sent = 0
        """So many of our own messages to the partner are on their way for good."""
        self._calls: list[Callable[[Sequence[Told]], None]] = []

    def _fresh_room(self) -> Room:
        responders = self._board.responders(self._outfit.alarms, self._outfit.site.learning)
        room = Room(responders, self._board, self.site, self._outfit.vault)
        room.posts = lambda: frozenset(post.id for post in self.site.posts)
        return room

    def _take_up(self) -> KeptPicture:
        """The picture that the log ends with, or a new one."""
        outfit = self._outfit
        try:
            return KeptPicture.resume(outfit.setup, outfit.log, outfit.tell, writer=self._collected)
        except InputError as error:
            if outfit.log.head().length:
                outfit.tell(f"the picture begins anew: {error}")
            return KeptPicture.begin(outfit.setup, self._collected, outfit.clock())

    # ---- what the console asks

    def now_ns(self) -> int:
        """The desk's time."""
        return self._outfit.clock()

    def state(self) -> DeskState:
        """Everything as it is now."""
        return self._board.state(self.now_ns(), self._picture, self._figures())

    def state_at(self, time_ns: int) -> DeskState:
        """Everything as it was known at a moment; it may be asked in any thread, and takes a while.

        Raises: InputError before the log's beginning.
        """
        board = board_at(self._log, self._watched, self._keepings, time_ns)
        alarms = board.responders(self._outfit.alarms).alarms
        return board.state(time_ns, None, figures_of(alarms.figures(time_ns)))

    def events(self, from_ns: int, to_ns: int, most: int = 10_000) -> list[StoredEvent]:
        """The events of a span of time in order, looks and points left out; it may be asked in any thread."""
        first, _ = self._keepings.around(from_ns)
        _, last = self._keepings.around(to_ns)
        found: list[StoredEvent] = []
        for stored in self._log.read(max(first, 0), last, without=LEFT_OUT):
            if from_ns <= stored.time_ns <= to_ns:
                found.append(stored)
            if len(found) == most:
                break
        return found

    def follow(self, since: int | None) -> AsyncIterator[FeedMessage]:
        """The change feed."""
        return self._feed.follow(since)

    def options(self, about_id: str) -> list[Option]:
        """What sending each patrol would come to, the best first; it may be asked in any thread, and takes a while.

        It is asked about an alarm or about an incident.

        Raises: InputError where there is neither, or nobody knows where it is.
        """
        now_ns = self.now_ns()
        path = self._path(about_id, now_ns)
        candidates = self._outfit.ground.candidates(self.places())
        return options(candidates, path, now_ns, busy=self._room.dispatches.busy())

    def teaching(self, alarm_id: str, officer: str) -> Teaching:
        """What this officer's mark of nuisance would teach. Raises: InputError where there is no such alarm."""
        return self._room.teaching(alarm_id, officer, self.now_ns())

    async def act(self, person: Person, act: Act) -> Done:
        """Do it, once, however often it is asked for; see `console.desk.Desk`."""
        under_way = self._acts.get(act.act_id)
        if under_way is not None:
            done = await asyncio.shield(under_way)
            return msgspec.structs.replace(done, repeated=True)
        before = self._board.act(act.act_id)
        if before is not None:
            return await asyncio.to_thread(self._done_before, before)
        task = asyncio.create_task(self._do(person, act))
        self._acts[act.act_id] = task
        task.add_done_callback(lambda _: self._acts.pop(act.act_id, None))
        # Whoever asked may hang up: what was begun is done all the same.
        return await asyncio.shield(task)

    # ---- what the rest of the program hands over

    def record(self, events: Sequence[Event]) -> "asyncio.Future[tuple[Told, ...]]":
        """Write events to the log; see `DeskLog.submit`."""
        return self._running.submit(events)

    async def erase(self, sequences: Sequence[int], rule: str, officer: str) -> None:
        """Erase payloads of the log. Raises: UnavailableError while it cannot be written."""
        await self._running.erase(sequences, rule=rule, officer=officer, time_ns=self.now_ns())

    async def purge(self) -> None:
        """Return when what was erased has left the log's files."""
        await self._running.purge()

    @property
    def retention(self) -> RetentionRun | None:
        """What was last erased by rule."""
        return self._board.retention

    def take(self, glance: Glance) -> None:
        """Take in what a camera tells."""
        if glance.watched:
            self._board.saw(glance.camera_id, glance.time_ns, glance.fps)
            self._tracks[glance.camera_id] = glance.tracks
        if glance.look is not None and glance.look.source_id in self._known_sources:
            self._looks.append(glance.look)
        events: list[Event] = [*self._numbers.heard(glance.camera_id, glance.tracks, self.now_ns()), *glance.events]
        if glance.alerts:
            self._raised += glance.alerts
            events += self._meet(
                self._newcomers.sift(
                    glance.alerts, self._room.alarms.queue(), self._present(), self.now_ns(), names_of(self._picture)
                )
            )
        if events:
            self._running.submit(events)

    def camera_runs(self, camera_id: str, run: CameraRun, restarts: int = 0, detail: str = "") -> None:
        """A camera's process does otherwise than before."""
        if run in {"lost", "restarting", "stopped", "starting"}:
            self._tracks.pop(camera_id, None)
        event = CameraRunChanged(
            time_ns=self.now_ns(), camera_id=camera_id, run=run, restarts=restarts, detail=detail
        )  # fmt: skip
        self._running.submit([event])

    def first_track(self, camera_id: str) -> int:
        """The number of the first track of a camera's process that is about to be started: one that never was."""
        first, reserved = self._numbers.begin(camera_id, self.now_ns())
        self._running.submit(reserved)
        return first

    def camera_open(self, camera_id: str) -> None:
        """A camera's process has pictures, and may use the numbers that it was given."""
        self._numbers.opened(camera_id)

    def stores(self, storage: Storage | None) -> None:
        """How full the disk is."""
        self._board.storage = storage

    def alert(self, alerts: Sequence[Alert]) -> None:
        """Raise alerts of things known from elsewhere."""
        self._running.submit(self._meet(alerts))

    def links(self, link: LinkShown) -> None:
        """How the link to the partner stands."""
        if self._board.partner is not None:
            self._board.partner.link = link

    def talk(self, joint: JointDesk) -> None:
        """Have what is said to the partner, and by it, go by a desk of both."""
        self._room.joint = joint

    @property
    def messages(self) -> tuple[JointMessage, ...]:
        """What was said to the partner and by it, in the order in which it was written down; see `gone`."""
        return () if self._board.partner is None else self._board.partner.messages

    @property
    def gone(self) -> dict[str, int]:
        """Of each side, up to which place of what it said all that is not among the messages was let go of."""
        return {} if self._board.partner is None else self._board.partner.gone

    def unsent(self, author: str, sequence: int) -> list[JointMessage]:
        """What an author said after its `sequence`th message, of what is in the log; those before it were sent."""
        self._sent = sequence
        return [] if self._board.partner is None else self._board.partner.said_after(author, sequence)

    def said_in_log(self, author: str, sequence: int) -> list[JointMessage]:
        """The same with what was let go of since; it may be asked in any thread, and takes a while."""
        others = [each for each in get_args(Event) if each is not JointSaid]
        said = (each.event for each in self._log.read(without=others))
        messages = (each.message for each in said if isinstance(each, JointSaid))
        return [each for each in messages if each.author == author and each.sequence > sequence]

    def partner_view(self) -> PartnerView | None:
        """The partner and what both said, None where there is none; see `console.desk.Desk`."""
        partner, joint = self._board.partner, self._room.joint
        if partner is None or joint is None:
            return None
        now_ns = self.now_ns()
        state, board = partner.state(now_ns), joint.board(now_ns, MOST_SHOWN)
        return PartnerView(state=state, joint=board, revision=partner.revision + joint.revision)

    def joint_picture(self) -> Picture | None:
        """Our own picture with what the partner told; see `console.desk.Desk`."""
        return self.joint

    def partner_at(self, time_ns: int) -> PartnerView | None:
        """The same as it was known at a moment; it may be asked in any thread, and takes a while.

        Raises: InputError before the log's beginning.
        """
        partner = board_at(self._log, self._watched, self._keepings, time_ns).partner
        if partner is None or self._room.joint is None:
            return None
        joint = JointDesk(self._room.joint.terms, partner.messages, partner.gone)
        return PartnerView(state=partner.state(time_ns), joint=joint.board(time_ns, MOST_SHOWN))

    def _partner_pulse(self, now_ns: int) -> PartnerPulse | None:
        partner, joint = self._board.partner, self._room.joint
        if partner is None or joint is None:
            return None
        (theirs, ours), matters = partner.counts(now_ns), joint.open_matters(now_ns)
        return PartnerPulse(
            link=partner.link, revision=partner.revision + joint.revision, theirs=theirs, ours=ours, matters=matters
        )

    def _let_go(self, now_ns: int) -> None:
        """Hold no more of what was said than is open, or was said lately; the log has it all."""
        partner, joint = self._board.partner, self._room.joint
        if partner is not None and joint is not None:
            dropped = joint.let_go(now_ns - SAID_NS, self._sent)
            partner.let_go(dropped, joint.gone)

    def agree_posts(self, posts: Sequence[JointPost]) -> None:
        """Have the posts that both agreed upon stand among those of the site."""
        self.site = with_posts(self._outfit.site, posts)
        if self._board.partner is not None:
            self._board.partner.know_posts({post.id: post.position for post in self.site.posts})

    @property
    def exercise(self) -> str:
        """The name of the exercise that runs, empty while none does."""
        return self._room.exercise or ""

    @property
    def epoch(self) -> int:
        """Which of the partner's streams what was heard came over."""
        return 1 if self._board.partner is None else self._board.partner.epoch

    def check_emergency(self, check: Callable[[EmergencyAct], None]) -> None:
        """Have emergencies beyond the agreement checked by something that raises RefusedError."""
        self._room.check_emergency = check

    @property
    def partner(self) -> PartnerState | None:
        """The partner as it is shown, None where there is none."""
        return None if self._board.partner is None else self._board.partner.state(self.now_ns())

    @property
    def heard(self) -> int:
        """How many things that came over the partner's link have been taken in or refused."""
        return 0 if self._board.partner is None else self._board.partner.arrival

    def listen(self, call: Callable[[Sequence[Told]], None]) -> None:
        """Have something called with all that is logged, on the event loop."""
        self._calls.append(call)

    def dismiss(self) -> None:
        """Let all followers go."""
        self._feed.close()

    @property
    def frame(self) -> EnuFrame:
        """The site's own frame."""
        return self._outfit.ground.frame

    @property
    def picture(self) -> Picture:
        """The picture as it is shown."""
        return self._picture

    @property
    def log_down(self) -> str:
        """Why the log cannot be written, empty while it can."""
        return self._running.down

    # ---- its own life

    async def start(self) -> None:
        """Begin."""
        self._board.expect(self.now_ns())
        self._writer = DeskLog(self._log, self._publish, self._outfit.tell)
        self._writer.start()
        self._writer.submit(self._collected.fetch())
        if self._outfit.settings.by_itself:
            self._tasks = [
                asyncio.create_task(self._fuse(), name="desk fuse"),
                asyncio.create_task(self._tick(), name="desk tick"),
            ]

    async def advance(self) -> None:
        """Do everything that is due by now, and return when it is logged."""
        await self._fuse_once()
        self._seconds()
        await self._running.drain()

    async def stop(self) -> int:
        """Take in what waits, keep everything, and stop; how many events could not be written."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._fuse_once()
        self._running.submit(self._meet(self._newcomers.all()))
        await self._off(self._kept.close)
        self._running.submit(self._collected.fetch())
        await self._running.drain()
        self._running.submit([self._board.keeping(self.now_ns())])
        self._feed.close()
        missing = await self._running.close()
        self._fusing.shutdown()
        return missing

    @property
    def _running(self) -> DeskLog:
        if self._writer is None:
            raise UnavailableError("the desk has not been started")
        return self._writer

    @property
    def _known_sources(self) -> set[str]:
        return {source.source_id for source in self._outfit.setup.sources}

    def _publish(self, told: Sequence[Told]) -> None:
        for each in told:
            self._board.apply(each.sequence, each.event)
            self._changed = self._changed or isinstance(each.event, DURABLE)
            if isinstance(each.event, DeskKept):
                self._keepings.add(each.sequence, each.event.time_ns)
        self._feed.publish(told, self._running.durable)
        for call in self._calls:
            call(told)

    # ---- acts

    async def _do(self, person: Person, act: Act) -> Done:
        if self._running.down:
            raise UnavailableError(f"nothing can be written down now, and so nothing is done: {self._running.down}")
        events = await self._events_of(person, act)
        now_ns = self.now_ns()
        tag = str(act.__struct_config__.tag)
        said = ActDone(time_ns=now_ns, act_id=act.act_id, officer=person.name, act=tag, events=len(events))
        told = await self._running.submit([*events, said])
        if isinstance(act, ReportPosition | ReportSighting):
            self._report(events)
        return Done(sequence=told[-1].sequence, events=told[:-1])

    async def _events_of(self, person: Person, act: Act) -> list[Event]:
        if isinstance(act, SendPatrol):
            found = await asyncio.to_thread(self.options, act.incident_id)
            option = next((each for each in found if each.patrol_id == act.patrol_id), None)
            if option is None:
                raise RefusedError(f"patrol {act.patrol_id} cannot get there, or nobody knows where it is")
            return self._room.send(person, act, option, self.now_ns())
        if isinstance(act, AddClip):
            return await self._clipped(person, act)
        if isinstance(act, DraftStatement):
            if self.records is None:
                raise UnavailableError("no records are made here")
            record = await asyncio.to_thread(self.records, act.incident_id)
            return self._room.draft(person, act, record, self._outfit.zone, self.now_ns())
        return self._room.perform(person, act, self.now_ns())

    async def _clipped(self, person: Person, act: AddClip) -> list[Event]:
        if self.clips is None:
            raise UnavailableError("no film is kept here")
        self._room.incidents.incident(act.incident_id)
        evidence = await asyncio.to_thread(
            self.clips.keep, act.incident_id, act.camera_id, act.from_ns, act.to_ns
        )  # fmt: skip
        return self._room.add_clip(person, act, evidence, self.now_ns())

    def _done_before(self, sequence: int) -> Done:
        said = next(iter(self._log.read(sequence, sequence))).event
        count = said.events if isinstance(said, ActDone) else 0
        told = [
            Told(sequence=each.sequence, event=each.event)
            for each in self._log.read(sequence - count, sequence - 1)
            if each.event is not None
        ]
        return Done(sequence=sequence, events=tuple(told), repeated=True)

    def _report(self, events: Sequence[Event]) -> None:
        """Let what people report go into the picture."""
        for event in events:
            if isinstance(event, PatrolPosition):
                source_id = patrol_source(event.patrol_id)
                self._looks.append(self._placed(source_id, event.time_ns, event.position, event.sigma_m))
            elif isinstance(event, SightingReported):
                seen = event.sighting
                self._looks.append(self._placed(SIGHTINGS, seen.seen_ns, seen.position, seen.sigma_m))

    def _placed(self, source_id: str, time_ns: int, position: Position, sigma_m: float) -> Look:
        at = self._outfit.ground.frame.point(position)
        covariance = GroundCovariance(east_m2=sigma_m**2, east_north_m2=0.0, north_m2=sigma_m**2)
        fix = GroundFix(east_m=at.east_m, north_m=at.north_m, covariance=covariance)
        return Look(
            source_id=source_id, time_ns=time_ns, measurements=(Measurement(fix=fix),),
            origin=self.site.organisation, received_ns=self.now_ns(),
        )  # fmt: skip

    def places(self) -> dict[str, Position]:
        """Where each patrol is, as far as anybody knows."""
        places = {name: each.home for name, each in self._outfit.ground.patrols.items() if each.home is not None}
        for name in self._outfit.ground.patrols:
            said = self._board.patrol(name)
            if said is not None:
                places[name] = said.position
        return places

    def _path(self, about_id: str, now_ns: int) -> list[Waypoint]:
        """Where those whom an alarm or an incident is about are and will be. Raises: InputError where nobody knows."""
        subjects, position = self._about(about_id)
        known = names_of(self._picture)
        names = {known.get(each.subject_id, each.subject_id) for each in subjects}
        for there in subjects_of(self._picture):
            if there.subject_id in names:
                ground, corridor = there.whole.ground, there.whole.corridor
                here = _here(ground.east_m, ground.north_m, ground.covariance, now_ns)
                return [here, *(each for each in corridor if each.time_ns > now_ns)]
        for subject in sorted(subjects, key=lambda each: -each.seen.time_ns):
            place = subject.seen.ground
            if place is not None:
                return [_here(place.east_m, place.north_m, place.covariance, now_ns)]
        if position is not None:
            at = self._outfit.ground.frame.point(position)
            return [_here(at.east_m, at.north_m, _SURE, now_ns)]
        raise InputError(f"nobody knows where {about_id} is: give an incident a place, or an alarm that has one")

    def _about(self, about_id: str) -> tuple[list[Alarm], Position | None]:
        """The alarm named, or those of the incident named, and where the incident was said to be."""
        if self._has_alarm(about_id):
            return [self._room.alarms.alarm(about_id)], None
        incident = self._room.incidents.incident(about_id)
        held = [self._room.alarms.alarm(each) for each in incident.alarm_ids if self._has_alarm(each)]
        return held, incident.position

    def _has_alarm(self, alarm_id: str) -> bool:
        try:
            self._room.alarms.alarm(alarm_id)
        except InputError:
            return False
        return True

    # ---- alarms and the picture

    def _present(self) -> dict[str, Seen]:
        """Where everybody is: in the picture, and those of whom cameras tell that are not in it."""
        now_ns = self.now_ns()
        present = present_in(self._picture)
        known = names_of(self._picture)
        for track in (track for tracks in self._tracks.values() for track in tracks):
            name = f"{track.camera_id}/{track.track_id}"
            if name not in known and now_ns - track.time_ns <= SEEN_NS:
                present[name] = Seen(
                    time_ns=track.time_ns, camera_id=track.camera_id, box=track.box, ground=track.ground
                )
        return {**present, **self._upkeep.present(now_ns), **self.elsewhere()}

    def _meet(self, alerts: Sequence[Alert]) -> list[Event]:
        """What alerts make of the alarms."""
        names = names_of(self._picture)
        # A picture that is older than the one that is shown may call it what it is called no more.
        subjects = [subject_of(alert, self._picture) for alert in alerts]
        raised = [Raised(alert, names.get(name, name)) for alert, name in zip(alerts, subjects, strict=True)]
        said = [AlertRaised(time_ns=alert.time_ns, alert=alert) for alert in alerts]
        now_ns = self.now_ns()
        sifted = self._room.lessons.sift(raised, self._told_of(names), names, self._room.alarms.stands, now_ns)
        return [*said, *sifted.events, *self._room.alarms.meet(sifted.raised, self._present(), now_ns, names)]

    def _told_of(self, names: Mapping[str, str]) -> dict[str, SubjectTold]:
        """What the picture and each camera tell of everybody who is there."""
        told: dict[str, SubjectTold] = {}
        for subject in subjects_of(self._picture):
            told[subject.subject_id] = told_of(told.get(subject.subject_id), subject.kind, subject.count)
        for track in (track for tracks in self._tracks.values() for track in tracks if track.status != "lost"):
            name = f"{track.camera_id}/{track.track_id}"
            if self.now_ns() - track.time_ns <= SEEN_NS:
                name = names.get(name, name)
                told[name] = told_of(told.get(name), track.kind, track.count)
        return told

    def _waited(self, now_ns: int) -> None:
        """Raise what has waited for long enough, or is told to be somebody."""
        if not self._room.lessons.waiting and not self._room.lessons.lessons:
            return
        names = names_of(self._picture)
        sifted = self._room.lessons.follow(self._told_of(names), names, now_ns)
        raised = [each._replace(subject_id=names.get(each.subject_id, each.subject_id)) for each in sifted.raised]
        events = (
            [*sifted.events, *self._room.alarms.meet(raised, self._present(), now_ns, names)]
            if raised
            else [*sifted.events]
        )
        if events:
            self._running.submit(events)

    def _figures(self) -> Figures:
        return figures_of(self._room.alarms.figures(self.now_ns()))

    async def _fuse(self) -> None:
        while True:
            await asyncio.sleep(self._outfit.settings.show_s)
            await self._fuse_once()

    async def _fuse_once(self) -> None:
        looks, self._looks = self._looks, []
        now_ns = self.now_ns()
        made, shown = await self._off(self._make, looks, now_ns)
        self._running.submit(self._collected.fetch())
        if shown.tracks or shown.groups or self._picture.tracks or self._picture.groups:
            self._picture = shown
            self._feed.show(shown, self._board.alarmed)
        alerts = self._newcomers.due(self._picture, now_ns)
        for picture in made:
            raised, self._raised = self._raised, []
            alerts += self._standing.update(picture, now_ns, raised=raised)
        if alerts:
            self._running.submit(self._meet(alerts))

    def _make(self, looks: Sequence[Look], now_ns: int) -> tuple[list[Picture], Picture]:
        """The pictures that looks have completed, and the one to be shown; off the event loop."""
        sound = sorted(filter(self._is_sound, looks), key=lambda look: (look.time_ns, look.source_id))
        made = self._kept.take(sound)
        return made, self._kept.shown(max(now_ns, self._kept.picture.time_ns))

    def _is_sound(self, look: Look) -> bool:
        """Whether a look can be taken in; one that cannot is told of, and ends nothing."""
        try:
            self._kept.fuser.sensors[look.source_id].arrays(look.measurements)
        except (MarsadError, KeyError) as error:
            self._outfit.tell(f"what {look.source_id} reports is not taken into the picture: {error}")
            return False
        return look.time_ns > 0

    async def _off(self, call: Callable[..., T], *arguments: object) -> T:
        """What a call returns, made in the thread that the picture belongs to."""
        return await asyncio.get_running_loop().run_in_executor(self._fusing, call, *arguments)

    # ---- the clock

    async def _tick(self) -> None:
        while True:
            self._seconds()
            await asyncio.sleep(0.05)

    def _seconds(self) -> None:
        """Do what is due once a second, if that has passed."""
        now_ns = self.now_ns()
        self._waited(now_ns)
        if now_ns // NS != self._second_ns // NS:
            self._second_ns = now_ns
            self._second(now_ns)

    def _second(self, now_ns: int) -> None:
        """What the passing of time brings."""
        events: list[Event] = [*self._room.dispatches.follow(now_ns)]
        cameras = [each for each in self._board.cameras if _is_expected(each, now_ns)]
        ill = self._upkeep.update(
            cameras, self._board.patrols, self._picture.sources, now_ns,
            busy=self._room.dispatches.busy(), storage=self._board.storage,
        )  # fmt: skip
        if ill:
            events += self._meet(ill)
        events += self._room.alarms.follow(
            self._present(), now_ns, over=self._standing.over | self._upkeep.over, news=self._standing.news,
            names=names_of(self._picture),
        )  # fmt: skip
        since_s = (now_ns - self._kept_ns) / NS
        settings = self._outfit.settings
        if since_s >= settings.idle_keep_s or (self._changed and since_s >= settings.keep_s):
            self._kept_ns, self._changed = now_ns, False
            self._let_go(now_ns)
            events.append(self._board.keeping(now_ns))
        if events:
            self._running.submit(events)
        self._feed.pulse(
            Pulse(
                sequence=self._feed.durable, now_ns=now_ns, figures=self._figures(), cameras=self._board.cameras,
                storage=self._board.storage,
                partner=self._partner_pulse(now_ns),
            )
        )  # fmt: skip

    def _read(self, first: int, last: int) -> Iterator[StoredEvent]:
        return self._log.read(first, last)


def _shared_with_nobody() -> NoReturn:
    raise RefusedError("this site shares with nobody")


def _is_expected(camera: CameraState, now_ns: int) -> bool:
    """Whether a camera should give pictures: not one whose recording is over, and not yet one that has just started."""
    if camera.run == "starting":
        return now_ns - camera.since_ns >= STARTING_NS
    return camera.run != "stopped"


def _here(east_m: float, north_m: float, covariance: GroundCovariance, time_ns: int) -> Waypoint:
    """A place as the beginning of a path."""
    return Waypoint(time_ns=time_ns, centre=EnuPoint(east_m=east_m, north_m=north_m), covariance=covariance)
