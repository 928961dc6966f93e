"""What becomes of each act: the events it makes, or why it is refused."""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from secrets import token_hex
from typing import Any, Final, Protocol

import msgspec

from marsad.console.board import Board, Responders
from marsad.console.partner_board import PartnerBoard
from marsad.coordinate.joint import JointDesk
from marsad.kernel.act import (
    AccountFor,
    Acknowledge,
    Act,
    AddAlarm,
    AddClip,
    AddHazard,
    AddNote,
    AnswerOrder,
    ApproveStatement,
    Assess,
    ChangeKind,
    CloseAlarm,
    CloseIncident,
    DoStep,
    DraftStatement,
    EditStatement,
    EndHazard,
    EndLesson,
    HandOverIncident,
    HoldAlarms,
    KeepPost,
    LookUp,
    MarkNuisance,
    MeetPeople,
    NoteShift,
    OpenIncident,
    Person,
    PersonAfterAll,
    RecallPatrol,
    ReleaseBeyond,
    ReleaseHold,
    ReleaseStatement,
    ReopenIncident,
    ReportPosition,
    ReportSighting,
    ResumeReleases,
    SayToPartner,
    SendPatrol,
    SetExercise,
    Shelve,
    StopReleases,
    TakeIncident,
    TakeShift,
    WithdrawStatement,
)
from marsad.kernel.desk import Assessment, Shift
from marsad.kernel.dispatch import Answer
from marsad.kernel.error import InputError, RefusedError, UnavailableError
from marsad.kernel.event import (
    Assessed,
    EmergencyReleased,
    Event,
    ExerciseChanged,
    JointSaid,
    LookedUp,
    OfficerDecision,
    PatrolPosition,
    PostKept,
    ReleasesStopped,
    ShiftNoted,
    ShiftTaken,
    SightingReported,
)
from marsad.kernel.incident import Evidence
from marsad.kernel.lesson import Teaching
from marsad.kernel.partner import Stop
from marsad.kernel.release import EmergencyAct, PostWatch
from marsad.kernel.sighting import Sighting
from marsad.kernel.site import Site
from marsad.report.incident_record import IncidentRecord
from marsad.respond.dispatch import Option

NS: Final = 1_000_000_000
AHEAD_NS: Final = 60 * NS
"""A phone's clock may be so much ahead of the desk's."""
ASSESSED_NS: Final = 24 * 3600 * NS
"""What an officer takes somebody for holds for so long at the most."""


class Vault(Protocol):
    """Where it is kept who reported something, apart from everything else."""

    def keep(self, identity: str) -> str:
        """The number under which it is kept, encrypted. Raises: UnavailableError where that cannot be."""


class Clips(Protocol):
    """Where film is kept as evidence."""

    def keep(self, incident_id: str, camera_id: str, from_ns: int, to_ns: int) -> Evidence:
        """Copy a span of film to an incident's folder. Raises: InputError where there is none."""


class Room:
    """Those who decide, and what they must know to do so; each act is taken to the one that it is about."""

    def __init__(self, responders: Responders, board: Board, site: Site, vault: Vault | None) -> None:
        self.alarms, self.incidents, self.dispatches, self.statements, self.lessons = responders
        self._board = board
        self._site = site
        self._patrol_ids = frozenset(patrol.patrol_id for patrol in site.patrols)
        self._vault = vault
        self._sightings = board.named("sightings")
        self._exercise = board.exercise
        self.posts: Callable[[], frozenset[str]] = frozenset
        """The posts there are, those included that were agreed upon with the partner."""
        self.joint: JointDesk | None = None
        """What is said to the partner and by it, where there is one."""
        self.check_emergency: Callable[[EmergencyAct], None] | None = None
        """What raises RefusedError for an emergency that the agreement with the partner does not allow."""
        self._how: Mapping[type[Act], Callable[[Person, Any, int], list[Event]]] = {
            Acknowledge: self._acknowledge,
            CloseAlarm: self._close_alarm,
            MarkNuisance: self._nuisance,
            PersonAfterAll: self._person_after_all,
            EndLesson: self._end_lesson,
            Shelve: self._shelve,
            HoldAlarms: self._hold,
            ReleaseHold: self._release,
            OpenIncident: self._open,
            TakeIncident: self._take,
            HandOverIncident: self._hand_over,
            MeetPeople: self._meet,
            AddAlarm: self._add_alarm,
            AddNote: self._note,
            ChangeKind: self._change_kind,
            AddHazard: self._hazard,
            EndHazard: self._end_hazard,
            DoStep: self._do,
            AccountFor: self._account,
            CloseIncident: self._close_incident,
            ReopenIncident: self._reopen,
            AnswerOrder: self._answer,
            RecallPatrol: self._recall,
            ReportPosition: self._position,
            Assess: self._assess,
            LookUp: self._look_up,
            SetExercise: self._set_exercise,
            TakeShift: self._take_shift,
            NoteShift: self._note_shift,
            ReportSighting: self._sighting,
            EditStatement: self._edit,
            ApproveStatement: self._approve,
            ReleaseStatement: self._release_statement,
            WithdrawStatement: self._withdraw,
            StopReleases: self._stop_releases,
            ResumeReleases: self._resume_releases,
            ReleaseBeyond: self._release_beyond,
            KeepPost: self._keep_post,
            SayToPartner: self._say,
        }
        """Every act but those that need time first: sending a patrol, keeping film, drafting a statement."""

    @property
    def exercise(self) -> str | None:
        """The name of the exercise that runs."""
        return self._exercise

    def perform(self, person: Person, act: Act, now_ns: int) -> list[Event]:
        """The events of an act. Raises: InputError or RefusedError saying why not; nothing has changed then."""
        return self._how[type(act)](person, act, now_ns)

    def send(self, person: Person, act: SendPatrol, option: Option, now_ns: int) -> list[Event]:
        """The events of sending a patrol by one of the options that there are."""
        self._not_closed(act.incident_id)
        return [self.dispatches.send(act.incident_id, option, act.task, act.text, person.name, now_ns)]

    def add_clip(self, person: Person, act: AddClip, evidence: Evidence, now_ns: int) -> list[Event]:
        """The events of film that has been kept."""
        return [self.incidents.add_evidence(act.incident_id, evidence, person.name, now_ns)]

    def draft(
        self, person: Person, act: DraftStatement, record: IncidentRecord, zone: tzinfo, now_ns: int
    ) -> list[Event]:
        """The events of drafting a statement from an incident's record."""
        return [self.statements.draft(record, act.language, act.place, zone, self._site, {}, person.name, now_ns)]

    def _edit(self, person: Person, act: EditStatement, now_ns: int) -> list[Event]:
        return [self.statements.edit(act.statement_id, act.sentences, self._site, {}, person.name, now_ns)]

    def _approve(self, person: Person, act: ApproveStatement, now_ns: int) -> list[Event]:
        return [
            self.statements.approve(
                act.statement_id, person.name, now_ns, accepted=act.accepted, embargo_until_ns=act.embargo_until_ns
            )
        ]

    def _release_statement(self, person: Person, act: ReleaseStatement, now_ns: int) -> list[Event]:
        return [self.statements.release(act.statement_id, person.name, now_ns)]

    def _withdraw(self, person: Person, act: WithdrawStatement, now_ns: int) -> list[Event]:
        return [self.statements.withdraw(act.statement_id, person.name, act.reason, now_ns)]

    def _not_closed(self, incident_id: str) -> None:
        if self.incidents.incident(incident_id).state == "closed":
            raise RefusedError(f"incident {incident_id} is closed: reopen it first")

    def _acknowledge(self, person: Person, act: Acknowledge, now_ns: int) -> list[Event]:
        return [*self.alarms.acknowledge(act.alarm_id, person.name, now_ns)]

    def _close_alarm(self, person: Person, act: CloseAlarm, now_ns: int) -> list[Event]:
        return [*self.alarms.close(act.alarm_id, person.name, act.reason, now_ns)]

    def _nuisance(self, person: Person, act: MarkNuisance, now_ns: int) -> list[Event]:
        marked = self.alarms.mark_nuisance(act.alarm_id, act.cause, person.name, now_ns)
        if self._exercise is not None:
            return [*marked]
        return [*marked, *self.lessons.mark(self.alarms.alarm(act.alarm_id), act.cause, person.name, now_ns)]

    def teaching(self, alarm_id: str, officer: str, now_ns: int) -> Teaching:
        """What this officer's mark of nuisance would teach: nothing in an exercise. Raises InputError for no alarm."""
        alarm = self.alarms.alarm(alarm_id)
        if self._exercise is not None:
            return Teaching(lesson=None, causes=(), marks=self.lessons.settings.marks)
        return self.lessons.teaching(alarm, officer, now_ns)

    def _person_after_all(self, person: Person, act: PersonAfterAll, now_ns: int) -> list[Event]:
        sounds = self.alarms.person_after_all(act.alarm_id, person.name, now_ns)
        return [*sounds, *self.lessons.person_after_all(act.alarm_id, person.name, now_ns)]

    def _end_lesson(self, person: Person, act: EndLesson, now_ns: int) -> list[Event]:
        return [*self.lessons.end(act.lesson_id, person.name, act.reason, now_ns)]

    def _shelve(self, person: Person, act: Shelve, now_ns: int) -> list[Event]:
        return [*self.alarms.shelve(act.alarm_id, act.until_ns, person.name, act.reason, now_ns)]

    def _hold(self, person: Person, act: HoldAlarms, now_ns: int) -> list[Event]:
        return [
            *self.alarms.hold(
                act.kind, person.name, act.reason, now_ns, until_ns=act.until_ns, rule_id=act.rule_id,
                camera_id=act.camera_id,
            )
        ]  # fmt: skip

    def _release(self, person: Person, act: ReleaseHold, now_ns: int) -> list[Event]:
        return [*self.alarms.release(act.hold_id, person.name, now_ns)]

    def _open(self, person: Person, act: OpenIncident, now_ns: int) -> list[Event]:
        for alarm_id in act.alarm_ids:
            self.alarms.alarm(alarm_id)
        return [
            self.incidents.open(
                act.kind, act.text, person.name, now_ns, alarm_ids=act.alarm_ids, position=act.position,
                expected=act.expected, exercise=self._exercise is not None,
            )
        ]  # fmt: skip

    def _take(self, person: Person, act: TakeIncident, now_ns: int) -> list[Event]:
        return [self.incidents.take(act.incident_id, person.name, now_ns)]

    def _hand_over(self, person: Person, act: HandOverIncident, now_ns: int) -> list[Event]:
        return [self.incidents.hand_over(act.incident_id, act.to, person.name, now_ns)]

    def _meet(self, person: Person, act: MeetPeople, now_ns: int) -> list[Event]:
        return [self.incidents.meet(act.incident_id, act.expected, person.name, now_ns)]

    def _add_alarm(self, person: Person, act: AddAlarm, now_ns: int) -> list[Event]:
        self.alarms.alarm(act.alarm_id)
        return [self.incidents.add_alarm(act.incident_id, act.alarm_id, person.name, now_ns)]

    def _note(self, person: Person, act: AddNote, now_ns: int) -> list[Event]:
        return [self.incidents.note(act.incident_id, act.text, person.name, now_ns)]

    def _change_kind(self, person: Person, act: ChangeKind, now_ns: int) -> list[Event]:
        return [self.incidents.change_kind(act.incident_id, act.kind, person.name, act.reason, now_ns)]

    def _hazard(self, person: Person, act: AddHazard, now_ns: int) -> list[Event]:
        return [
            self.incidents.add_hazard(
                act.incident_id, act.kind, act.note, person.name, now_ns, position=act.position
            )
        ]  # fmt: skip

    def _end_hazard(self, person: Person, act: EndHazard, now_ns: int) -> list[Event]:
        return [self.incidents.end_hazard(act.incident_id, act.hazard_id, person.name, act.reason, now_ns)]

    def _do(self, person: Person, act: DoStep, now_ns: int) -> list[Event]:
        return [self.incidents.do(act.incident_id, act.step, person.name, now_ns, left_out=act.left_out)]

    def _account(self, person: Person, act: AccountFor, now_ns: int) -> list[Event]:
        return [
            self.incidents.account(act.incident_id, act.persons, act.outcome, person.name, now_ns, note=act.note)
        ]  # fmt: skip

    def _close_incident(self, person: Person, act: CloseIncident, now_ns: int) -> list[Event]:
        waiting = [alarm.alarm_id for alarm in self.alarms.queue() if alarm.state in {"unacknowledged", "returned"}]
        return [
            self.incidents.close(
                act.incident_id, person.name, now_ns, waiting=waiting, still_sought=act.sought_reason
            )
        ]  # fmt: skip

    def _reopen(self, person: Person, act: ReopenIncident, now_ns: int) -> list[Event]:
        return [self.incidents.reopen(act.incident_id, person.name, act.reason, now_ns)]

    def _answer(self, person: Person, act: AnswerOrder, now_ns: int) -> list[Event]:
        order = self.dispatches.dispatch(act.dispatch_id)
        _own(person, order.patrol_id)
        _not_ahead("time_ns", act.time_ns, now_ns)
        answer = Answer(
            answer_id=act.act_id, dispatch_id=act.dispatch_id, says=act.says, time_ns=act.time_ns, by=person.name,
            via=act.via, note=act.note,
        )  # fmt: skip
        return [*self.dispatches.answer(answer, now_ns)]

    def _recall(self, person: Person, act: RecallPatrol, now_ns: int) -> list[Event]:
        return [self.dispatches.recall(act.dispatch_id, person.name, act.reason, now_ns)]

    def _position(self, person: Person, act: ReportPosition, now_ns: int) -> list[Event]:
        _own(person, act.patrol_id)
        if act.patrol_id not in self._patrol_ids:
            raise InputError(f"there is no patrol {act.patrol_id}; the site has {_named(self._patrol_ids)}")
        _not_ahead("time_ns", act.time_ns, now_ns)
        return [
            PatrolPosition(
                time_ns=min(act.time_ns, now_ns), patrol_id=act.patrol_id, position=act.position, sigma_m=act.sigma_m
            )
        ]

    def _assess(self, person: Person, act: Assess, now_ns: int) -> list[Event]:
        if not now_ns < act.until_ns <= now_ns + ASSESSED_NS:
            raise RefusedError("an assessment expires: within a day, and not before now")
        return [
            Assessed(
                time_ns=now_ns,
                assessment=Assessment(
                    subject_id=act.subject_id, says=act.says, reason=act.reason, officer=person.name, time_ns=now_ns,
                    until_ns=act.until_ns,
                ),
            )
        ]  # fmt: skip

    def _look_up(self, person: Person, act: LookUp, now_ns: int) -> list[Event]:
        return [LookedUp(time_ns=now_ns, officer=person.name, subject_id=act.subject_id, reason=act.reason)]

    def _set_exercise(self, person: Person, act: SetExercise, now_ns: int) -> list[Event]:
        if act.on == (self._exercise is not None):
            raise RefusedError("an exercise runs already: end it first" if act.on else "no exercise runs")
        if act.on and not act.name.strip():
            raise RefusedError("say what the exercise is called")
        self._exercise = act.name.strip() if act.on else None
        return [ExerciseChanged(time_ns=now_ns, officer=person.name, name=self._exercise or "")]

    def _take_shift(self, person: Person, act: TakeShift, now_ns: int) -> list[Event]:
        shift = Shift(officer=person.name, since_ns=now_ns)
        return [ShiftTaken(time_ns=now_ns, shift=shift, brief_read=act.brief_read, note=act.note)]

    def _note_shift(self, person: Person, act: NoteShift, now_ns: int) -> list[Event]:
        return [ShiftNoted(time_ns=now_ns, officer=person.name, text=act.text)]

    def _sighting(self, person: Person, act: ReportSighting, now_ns: int) -> list[Event]:
        _not_ahead("seen_ns", act.seen_ns, now_ns)
        kept = ""
        if act.reporter:
            if self._vault is None:
                raise UnavailableError("who reported it cannot be kept apart here: leave the name out")
            kept = self._vault.keep(act.reporter)
        self._sightings += 1
        sighting = Sighting(
            sighting_id=f"S{self._sightings}", what=act.what, position=act.position, sigma_m=act.sigma_m,
            seen_ns=min(act.seen_ns, now_ns), source=act.source, content=act.content, reporter_kind=act.reporter_kind,
            kind=act.kind, count=act.count, kept_identity=kept,
        )  # fmt: skip
        return [SightingReported(time_ns=now_ns, sighting=sighting, officer=person.name)]

    @property
    def _partner(self) -> PartnerBoard:
        if self._board.partner is None:
            raise RefusedError("this site shares with nobody")
        return self._board.partner

    def _stop_releases(self, person: Person, act: StopReleases, now_ns: int) -> list[Event]:
        partner = self._partner
        if partner.stop is not None and not partner.stop.asked_by:
            raise RefusedError(f"{partner.stop.officer} has stopped it already")
        stop = Stop(officer=person.name, reason=act.reason, time_ns=now_ns)
        return [ReleasesStopped(time_ns=now_ns, party_id=partner.facts.party_id, stop=stop, officer=person.name)]

    def _resume_releases(self, person: Person, act: ResumeReleases, now_ns: int) -> list[Event]:
        """One person asks; another who asks too is the second who widens what is told."""
        partner = self._partner
        stop = partner.stop
        if stop is None:
            raise RefusedError("nothing is stopped")
        if stop.asked_by.casefold() == person.name.casefold():
            raise RefusedError(f"{person.name} has asked for it already: a second person must ask too")
        left = None if stop.asked_by else msgspec.structs.replace(stop, asked_by=person.name)
        said = ReleasesStopped(time_ns=now_ns, party_id=partner.facts.party_id, stop=left, officer=person.name)
        why = OfficerDecision(
            time_ns=now_ns, officer=person.name, subject=f"partner:{partner.facts.party_id}",
            decision="resume_releases", reason=act.reason,
        )  # fmt: skip
        return [said, why]

    def _keep_post(self, person: Person, act: KeepPost, now_ns: int) -> list[Event]:
        posts = self.posts()
        if act.post_id not in posts:
            raise InputError(f"there is no post {act.post_id}; the site has {_named(posts)}")
        watch = PostWatch(
            post_id=act.post_id, watched=act.watched, time_ns=now_ns, from_ns=now_ns,
            until_ns=now_ns + act.minutes * 60 * NS,
        )  # fmt: skip
        return [PostKept(time_ns=now_ns, watch=watch, officer=person.name)]

    def _say(self, person: Person, act: SayToPartner, now_ns: int) -> list[Event]:
        if self.joint is None:
            raise RefusedError("this site shares with nobody")
        said = self.joint.propose(act.body, person, now_ns, token_hex(8), exercise=self._exercise or "")
        return [JointSaid(time_ns=now_ns, message=said, officer=person.name)]

    def _release_beyond(self, person: Person, act: ReleaseBeyond, now_ns: int) -> list[Event]:
        facts = self._partner.facts
        emergency = EmergencyAct(
            act_id=f"E{now_ns}", agreement_id=facts.agreement_id, kind=act.kind, officer=person.name,
            reason=act.reason, subject_ids=act.subject_ids, from_ns=now_ns, until_ns=now_ns + act.minutes * 60 * NS,
        )  # fmt: skip
        if self.check_emergency is not None:
            self.check_emergency(emergency)
        return [EmergencyReleased(time_ns=now_ns, party_id=facts.party_id, act=emergency)]


def _own(person: Person, patrol_id: str) -> None:
    """Nothing where a person may speak for a patrol."""
    if person.role == "patrol" and person.patrol_id != patrol_id:
        raise RefusedError(f"{person.name} speaks for patrol {person.patrol_id}, not for {patrol_id}")


def _not_ahead(what: str, time_ns: int, now_ns: int) -> None:
    if time_ns > now_ns + AHEAD_NS:
        raise InputError(f"{what} = {time_ns}: that is {(time_ns - now_ns) / NS:.0f} s ahead of the desk's clock")


def _named(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
