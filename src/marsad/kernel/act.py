"""What a person at the console, or a patrol at its phone, asks to be done; each becomes an event or is refused."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.alarm import HoldKind, NuisanceCause
from marsad.kernel.dispatch import Task, Via
from marsad.kernel.incident import HazardKind, IncidentKind, Outcome, Step
from marsad.kernel.joint import Body
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.role import Role
from marsad.kernel.sighting import ContentGrade, ReporterKind, SourceGrade
from marsad.kernel.statement import Language, Sentence
from marsad.kernel.track import Count, Kind

Text = Annotated[str, Meta(min_length=1, max_length=4000)]
Id = Annotated[str, Meta(min_length=1, max_length=128)]


class Person(Record):
    """Who acts: the account's name, its role, and for a patrol which one it is."""

    name: str
    role: Role
    patrol_id: str = ""


class ActRecord(Record, tag_field="type"):
    """What all acts share: `act_id`, made by whoever asks, makes an act count once, however often it is sent."""

    act_id: Id


class Acknowledge(ActRecord, tag="acknowledge"):
    """Somebody looks after this alarm now."""

    alarm_id: Id


class CloseAlarm(ActRecord, tag="close_alarm"):
    """An alarm that waits for an officer is dealt with."""

    alarm_id: Id
    reason: Text


class MarkNuisance(ActRecord, tag="mark_nuisance"):
    """An alarm was nothing that should have alarmed, because of this."""

    alarm_id: Id
    cause: NuisanceCause


class PersonAfterAll(ActRecord, tag="person_after_all"):
    """An alarm that was marked as a nuisance was somebody: it sounds anew, and what the mark taught is void."""

    alarm_id: Id


class EndLesson(ActRecord, tag="end_lesson"):
    """What marks of nuisance have taught of a place holds no more."""

    lesson_id: Id
    reason: Text


class Shelve(ActRecord, tag="shelve"):
    """An alarm is put off."""

    alarm_id: Id
    until_ns: int
    reason: Text


class HoldAlarms(ActRecord, tag="hold_alarms"):
    """Alarms of a rule, a camera or both are listed but do not sound; empty stands for every one."""

    kind: HoldKind
    reason: Text
    until_ns: int | None = None
    rule_id: str = ""
    camera_id: str = ""


class ReleaseHold(ActRecord, tag="release_hold"):
    """What was held back is not any more."""

    hold_id: Id


class OpenIncident(ActRecord, tag="open_incident"):
    """Something is gone after, from alarms or by hand."""

    kind: IncidentKind
    text: Text
    alarm_ids: tuple[Id, ...] = ()
    position: Position | None = None
    expected: Count | None = None


class TakeIncident(ActRecord, tag="take_incident"):
    """Whoever asks is in charge of it."""

    incident_id: Id


class HandOverIncident(ActRecord, tag="hand_over_incident"):
    """Somebody else is in charge of it."""

    incident_id: Id
    to: Text


class MeetPeople(ActRecord, tag="meet_people"):
    """A patrol has met those it is about, so many."""

    incident_id: Id
    expected: Count


class AddAlarm(ActRecord, tag="add_alarm"):
    """An alarm belongs to an incident."""

    incident_id: Id
    alarm_id: Id


class AddNote(ActRecord, tag="add_note"):
    """Somebody writes something down."""

    incident_id: Id
    text: Text


class ChangeKind(ActRecord, tag="change_kind"):
    """An incident is something else than it was held to be."""

    incident_id: Id
    kind: IncidentKind
    reason: Text


class AddClip(ActRecord, tag="add_clip"):
    """The film of a camera over a span of time is kept as evidence."""

    incident_id: Id
    camera_id: Id
    from_ns: int
    to_ns: int


class AddHazard(ActRecord, tag="add_hazard"):
    """Whoever goes there must know of this first."""

    incident_id: Id
    kind: HazardKind
    note: str = ""
    position: Position | None = None


class EndHazard(ActRecord, tag="end_hazard"):
    """A hazard is no more."""

    incident_id: Id
    hazard_id: Id
    reason: Text


class DoStep(ActRecord, tag="do_step"):
    """A step of the procedure is done, or with a reason left out."""

    incident_id: Id
    step: Step
    left_out: str = ""


class AccountFor(ActRecord, tag="account_for"):
    """It is known what became of so many."""

    incident_id: Id
    persons: Annotated[int, Meta(ge=1)]
    outcome: Outcome
    note: str = ""


class CloseIncident(ActRecord, tag="close_incident"):
    """It is over; `sought_reason` says why although somebody is still sought."""

    incident_id: Id
    sought_reason: str = ""


class ReopenIncident(ActRecord, tag="reopen_incident"):
    """It is not over after all."""

    incident_id: Id
    reason: Text


class SendPatrol(ActRecord, tag="send_patrol"):
    """A patrol is ordered to go after an incident, to where it meets them the soonest."""

    incident_id: Id
    patrol_id: Id
    task: Task
    text: Text


class AnswerOrder(ActRecord, tag="answer_order"):
    """A patrol's answer: its own from its phone, or heard by radio and written down by an officer.

    `time_ns` is when it was said, which may be long before it is heard.
    """

    dispatch_id: Id
    says: Literal["received", "accepted", "under_way", "on_scene", "done", "refused", "could_not"]
    time_ns: int
    via: Via
    note: str = ""


class RecallPatrol(ActRecord, tag="recall_patrol"):
    """An order is taken back."""

    dispatch_id: Id
    reason: Text


class ReportPosition(ActRecord, tag="report_position"):
    """Where a patrol's phone says it is, with one sigma."""

    patrol_id: Id
    position: Position
    sigma_m: Annotated[float, Meta(gt=0, le=10_000)]
    time_ns: int


class Assess(ActRecord, tag="assess"):
    """An officer's own view of a track or group, under their name, with a reason, until it expires."""

    subject_id: Id
    says: Text
    reason: Text
    until_ns: int


class LookUp(ActRecord, tag="look_up"):
    """Somebody looks into the past of a track or at a clip; who and why is written down before it is shown."""

    subject_id: Id
    reason: Text


class SetExercise(ActRecord, tag="set_exercise"):
    """An exercise begins or ends: everything meanwhile is marked as played."""

    on: bool
    name: str = ""


class TakeShift(ActRecord, tag="take_shift"):
    """Whoever asks is the duty officer from now on; `brief_read` once the handover brief was read."""

    brief_read: bool
    note: str = ""


class NoteShift(ActRecord, tag="note_shift"):
    """A line in the shift log."""

    text: Text


class ReportSighting(ActRecord, tag="report_sighting"):
    """A person saw something: what, where and when; the source graded A to F, the content 1 to 6.

    `reporter` is who said so and how to reach them: kept apart, encrypted, and never released.
    """

    what: Text
    position: Position
    sigma_m: Annotated[float, Meta(gt=0, le=100_000)]
    seen_ns: int
    source: SourceGrade
    content: ContentGrade
    reporter_kind: ReporterKind
    kind: Kind = "unknown"
    count: Count | None = None
    reporter: str = ""


class DraftStatement(ActRecord, tag="draft_statement"):
    """A statement about an incident is drafted; `place` is what the ground may be called outside."""

    incident_id: Id
    language: Language
    place: Annotated[str, Meta(min_length=1, max_length=200)]


class EditStatement(ActRecord, tag="edit_statement"):
    """Its sentences are these."""

    statement_id: Id
    sentences: Annotated[tuple[Sentence, ...], Meta(min_length=1, max_length=100)]


class ApproveStatement(ActRecord, tag="approve_statement"):
    """Whoever asks stands for it; `accepted` says why what it gives away may be told."""

    statement_id: Id
    accepted: str = ""
    embargo_until_ns: int | None = None


class ReleaseStatement(ActRecord, tag="release_statement"):
    """It is told."""

    statement_id: Id


class WithdrawStatement(ActRecord, tag="withdraw_statement"):
    """It is told no more."""

    statement_id: Id
    reason: Text


class StopReleases(ActRecord, tag="stop_releases"):
    """The partner is told nothing more by rule, from now on; one person does that, with the link up or down."""

    reason: Text


class ResumeReleases(ActRecord, tag="resume_releases"):
    """The partner is told again what was agreed: asked for by one person, and done once a second one asks too."""

    reason: Text


class ReleaseBeyond(ActRecord, tag="release_beyond"):
    """Some things are told beyond the rules for `minutes`: they are at the line, or a life is at risk."""

    kind: Literal["handover_at_line", "life_at_risk"]
    subject_ids: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=20)]
    reason: Annotated[str, Meta(min_length=10, max_length=4000)]
    minutes: Annotated[int, Meta(ge=1, le=360)]


class KeepPost(ActRecord, tag="keep_post"):
    """Somebody keeps watch at a post for `minutes` from now on, or nobody does."""

    post_id: Id
    watched: bool
    minutes: Annotated[int, Meta(ge=1, le=2880)]


class SayToPartner(ActRecord, tag="say_to_partner"):
    """Something is said to the partner: words, a proposal, an answer, a request."""

    body: Body


Act = (
    Acknowledge | CloseAlarm | MarkNuisance | PersonAfterAll | EndLesson | Shelve | HoldAlarms | ReleaseHold
    | OpenIncident | TakeIncident | HandOverIncident | MeetPeople | AddAlarm | AddNote | ChangeKind | AddClip
    | AddHazard | EndHazard | DoStep | AccountFor | CloseIncident | ReopenIncident
    | SendPatrol | AnswerOrder | RecallPatrol | ReportPosition
    | Assess | LookUp | SetExercise | TakeShift | NoteShift | ReportSighting
    | DraftStatement | EditStatement | ApproveStatement | ReleaseStatement | WithdrawStatement
    | StopReleases | ResumeReleases | ReleaseBeyond | KeepPost | SayToPartner
)  # fmt: skip
