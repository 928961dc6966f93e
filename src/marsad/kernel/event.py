"""Every fact that can be written to the log, as one tagged union."""

from typing import Literal

import msgspec

from marsad.kernel.alarm import Alarm, AlarmHappening, Hold
from marsad.kernel.alert import Alert
from marsad.kernel.desk import Assessment, CameraRun, DeskState, RetentionRun, Shift
from marsad.kernel.dispatch import Dispatch, DispatchHappening
from marsad.kernel.incident import Incident, IncidentHappening
from marsad.kernel.joint import JointMessage
from marsad.kernel.lesson import Lesson, LessonHappening, WaitHappening, Waiting
from marsad.kernel.measurement import Look
from marsad.kernel.partner import LinkState, SeenByBoth, Stop
from marsad.kernel.picture import Picture, PictureGroup, PictureSource, PictureTrack, SourceState
from marsad.kernel.position import Position
from marsad.kernel.presence import AreaMark
from marsad.kernel.record import Record
from marsad.kernel.release import EmergencyAct, PostWatch, Release
from marsad.kernel.sighting import Sighting
from marsad.kernel.statement import Statement, StatementHappening
from marsad.kernel.track import Kind, Track

SCHEMA_VERSION = 2

HealthKind = Literal[
    "camera_moved",
    "panning",
    "gain_jump",
    "flat_field_correction",
    "frozen",
    "covered",
    "defocused",
    "looped",
    "dead_rows",
    "overlay_masked",
]


class EventRecord(Record, tag_field="type"):
    """A fact about one moment; what all of them share."""

    time_ns: int


class WatchStarted(EventRecord, tag="watch_started"):
    """A camera's stream has been opened and is being watched."""

    camera_id: str
    source: str
    width_px: int
    height_px: int
    fps: float
    software: str


class WatchEnded(EventRecord, tag="watch_ended"):
    """A camera's stream is no longer watched, and why."""

    camera_id: str
    reason: str
    frames: int
    dropped: int


class FrameGap(EventRecord, tag="frame_gap"):
    """Pictures are missing between `after_index` and the next one: `gap_ns` without any, about `missing` frames."""

    camera_id: str
    after_index: int
    gap_ns: int
    missing: int


class FrameDuplicate(EventRecord, tag="frame_duplicate"):
    """A picture came with a time stamp that was already there, or ran backwards, and was left out."""

    camera_id: str
    index: int


class PacketCorrupt(EventRecord, tag="packet_corrupt"):
    """A part of the stream could not be decoded and was left out."""

    camera_id: str
    after_index: int
    detail: str


class StreamEnded(EventRecord, tag="stream_ended"):
    """The source has no more pictures."""

    camera_id: str
    frames: int


class CameraLost(EventRecord, tag="camera_lost"):
    """A live camera stopped answering."""

    camera_id: str
    detail: str


class CameraRestored(EventRecord, tag="camera_restored"):
    """A live camera answers again after `blind_ns` without a picture."""

    camera_id: str
    blind_ns: int
    attempts: int


class FramesDropped(EventRecord, tag="frames_dropped"):
    """The oldest `count` waiting pictures were left out because the watch could not keep up."""

    camera_id: str
    count: int


class CameraHealth(EventRecord, tag="camera_health"):
    """Something about the camera itself, not about what it sees; `ended` marks the return to normal."""

    camera_id: str
    frame_index: int
    kind: HealthKind
    detail: str = ""
    ended: bool = False


class TrackPoint(EventRecord, tag="track_point"):
    """A track as it was known at one moment; at most one a second for each track in the log."""

    track: Track


class TrackConfirmed(EventRecord, tag="track_confirmed"):
    """A track is believed from now on."""

    track: Track


class TrackLost(EventRecord, tag="track_lost"):
    """A confirmed track has ended."""

    camera_id: str
    track_id: int
    kind: Kind
    reason: str


class PictureStarted(EventRecord, tag="picture_started"):
    """The one picture is made of these sources from now on.

    `resumed` is the sequence of the `PictureKept` that it goes on from, -1 where it goes on from the looks alone, and
    None where it begins anew.
    """

    software: str
    sources: tuple[PictureSource, ...]
    resumed: int | None = None


class LookTaken(EventRecord, tag="look_taken"):
    """A source's look has been taken into the picture, in the order in which it was heard of.

    One that was `too_late` changes nothing any more and is kept as history.
    """

    look: Look
    too_late: bool = False


class PictureTrackPoint(EventRecord, tag="picture_track_point"):
    """A track of the picture as it was known at one moment; at most one a second for each track in the log."""

    track: PictureTrack


class PictureTrackLost(EventRecord, tag="picture_track_lost"):
    """A track of the picture that had been believed is lost: where it was last, and who had seen it."""

    track: PictureTrack


class PictureTrackEnded(EventRecord, tag="picture_track_ended"):
    """A track is no longer in the picture; `became` is the one that it was found to be the same as."""

    track_id: str
    became: str = ""


class PictureGroupPoint(EventRecord, tag="picture_group_point"):
    """A group as it was known at one moment; at most one a second for each group in the log."""

    group: PictureGroup


class PictureGroupChanged(EventRecord, tag="picture_group_changed"):
    """A group has `formed`, or others belong to it than before, or it is known to be another's."""

    group: PictureGroup
    formed: bool = False


class PictureGroupEnded(EventRecord, tag="picture_group_ended"):
    """A group is no longer in the picture; `became` is the one that it came into."""

    group_id: str
    became: str = ""


class SourceTrustChanged(EventRecord, tag="source_trust_changed"):
    """A source of the picture is no longer trusted, or is again; `reason` in its state says why not."""

    source: SourceState


class PictureKept(EventRecord, tag="picture_kept"):
    """The whole picture, and in `data`, packed as `version` says, what it takes to go on making it after a restart.

    `time_ns` is that of the newest look in it. It rests on `sources`, in this order.
    """

    picture: Picture
    sources: tuple[PictureSource, ...]
    version: int
    data: bytes


class AlertRaised(EventRecord, tag="alert_raised"):
    """A rule has been met."""

    alert: Alert


class AlarmChanged(EventRecord, tag="alarm_changed"):
    """Something happened to an alarm, which is now as given here; `officer` is empty where nobody did it."""

    alarm: Alarm
    happening: AlarmHappening
    officer: str = ""
    reason: str = ""


class LessonChanged(EventRecord, tag="lesson_changed"):
    """Marks of nuisance ask for something else than before at a place; `officer` is empty where nobody did it."""

    lesson: Lesson
    happening: LessonHappening
    officer: str = ""
    reason: str = ""


class AlertWaits(EventRecord, tag="alert_waits"):
    """An alert waits before it is an alarm, because marks of nuisance ask for that, or does so no more."""

    waiting: Waiting
    happening: WaitHappening


class HoldChanged(EventRecord, tag="hold_changed"):
    """Alarms are held back from now on, or, `ended`, no more."""

    hold: Hold
    ended: bool = False
    officer: str = ""


class IncidentChanged(EventRecord, tag="incident_changed"):
    """An officer did something about an incident, which is now as given here."""

    incident: Incident
    happening: IncidentHappening
    officer: str
    reason: str = ""


class DispatchChanged(EventRecord, tag="dispatch_changed"):
    """Something happened to an order, which is now as given here; `by` is empty where its time ran out."""

    dispatch: Dispatch
    happening: DispatchHappening
    by: str
    reason: str = ""


class StatementChanged(EventRecord, tag="statement_changed"):
    """An officer did something about a statement, which is now as given here."""

    statement: Statement
    happening: StatementHappening
    officer: str
    reason: str = ""


class SightingReported(EventRecord, tag="sighting_reported"):
    """A person saw something, and an officer took it down; who it was is kept elsewhere, if at all."""

    sighting: Sighting
    officer: str


class OfficerDecision(EventRecord, tag="officer_decision"):
    """A person decided something; who, what about, and why."""

    officer: str
    subject: str
    decision: str
    reason: str = ""


class PatrolPosition(EventRecord, tag="patrol_position"):
    """Where a patrol of our own reports itself; `sigma_m` is one sigma of each axis."""

    patrol_id: str
    position: Position
    sigma_m: float = 5.0


class Assessed(EventRecord, tag="assessed"):
    """An officer has said what they take a track or group for."""

    assessment: Assessment


class ExerciseChanged(EventRecord, tag="exercise_changed"):
    """An exercise has begun, or, `name` being empty, has ended: everything in between is played."""

    officer: str
    name: str = ""


class ShiftTaken(EventRecord, tag="shift_taken"):
    """Somebody is the duty officer from now on."""

    shift: Shift
    brief_read: bool
    note: str = ""


class ShiftNoted(EventRecord, tag="shift_noted"):
    """A line in the shift log."""

    officer: str
    text: str


class LookedUp(EventRecord, tag="looked_up"):
    """Somebody looks into the past of a track or at a clip, and why."""

    officer: str
    subject_id: str
    reason: str


class CameraRunChanged(EventRecord, tag="camera_run_changed"):
    """The process that watches a camera has been started, gives pictures, has died or is being started again."""

    camera_id: str
    run: CameraRun
    restarts: int = 0
    detail: str = ""


class TracksReserved(EventRecord, tag="tracks_reserved"):
    """A camera's process may number its tracks up to `upto`; one that is started after it begins beyond that."""

    camera_id: str
    upto: int


class ActDone(EventRecord, tag="act_done"):
    """What a person asked to be done was done: the `events` entries of the log before this one, and it counts once."""

    act_id: str
    officer: str
    act: str
    events: int


class KeptAct(Record):
    """An act that was done, and the entry of the log that says so."""

    act_id: str
    sequence: int


class DeskKept(EventRecord, tag="desk_kept"):
    """What the desk shows but for the picture, and what it takes to go on without what was logged before that.

    It is as of the entry `state.sequence`; a few that followed it may stand before this one. `named` counts the alarms,
    holds, incidents, dispatches, sightings, statements and lessons that ever were, and has up to which number each
    camera's tracks may be called, as "tracks CAMERA"; `sounded_ns` is when alarms sounded lately.
    `messages` are what was said to and by a partner since the entry `messages_from`, which has what was said before, or
    all of it where that is -1; `gone` says of each author up to which place what is lacking was let go of. `previous`
    is the last entry of this kind before, `picture` the last one that has the whole picture or begins it anew; -1 where
    there is none.
    """

    state: DeskState
    named: dict[str, int]
    sounded_ns: tuple[int, ...]
    acts: tuple[KeptAct, ...]
    statements: tuple[Statement, ...]
    previous: int
    picture: int
    messages: tuple[JointMessage, ...] = ()
    messages_from: int = -1
    gone: dict[str, int] = msgspec.field(default_factory=dict)


class AreaMarked(EventRecord, tag="area_marked"):
    """An officer has set the status of an area; `time_ns` is when it became so."""

    mark: AreaMark


AccessHappening = Literal[
    "first_run",
    "signed_in",
    "sign_in_failed",
    "signed_out",
    "signed_out_everywhere",
    "account_made",
    "account_changed",
    "password_changed",
    "looked_back",
    "refused",
]


class AccessLogged(EventRecord, tag="access_logged"):
    """Somebody came in, was not let in, looked into the past, or changed who may come in.

    `name` is the account's, empty where no such account is known: what was typed instead may be a password. `subject`
    is what it was about. The same thing again within a short time is counted, not written anew: `count` is how many.
    """

    happening: AccessHappening
    name: str
    address: str
    subject: str = ""
    reason: str = ""
    count: int = 1


class FilmDropped(EventRecord, tag="film_dropped"):
    """Film of a camera was removed to make room: `reason` is the quota, or a disk that fills up."""

    camera_id: str
    from_ns: int
    to_ns: int
    size_bytes: int
    reason: Literal["quota", "disk"]


class StorageShort(EventRecord, tag="storage_short"):
    """The disk is so full that no film is kept for now; `ended` marks the return to normal."""

    free_bytes: int
    needed_bytes: int
    ended: bool = False


class RetentionRan(EventRecord, tag="retention_ran"):
    """What is older than may be kept is being erased, or has been: how far that is."""

    run: RetentionRun


class ReleaseMade(EventRecord, tag="release_made"):
    """A partner was told something: what, which of our own things it is about, and by whose act beyond the rules."""

    release: Release
    subject_id: str
    act_id: str = ""


class ReleaseHeard(EventRecord, tag="release_heard"):
    """A partner told us something; `arrival` counts all that came over its link, in order."""

    release: Release
    arrival: int


class JointSaid(EventRecord, tag="joint_said"):
    """Something was said to a partner; `officer` is empty where the software answers."""

    message: JointMessage
    officer: str = ""


class JointHeard(EventRecord, tag="joint_heard"):
    """A partner said something; `refused` says why it does not count. `arrival` as in `ReleaseHeard`."""

    message: JointMessage
    arrival: int
    refused: str = ""


class PartnerRefused(EventRecord, tag="partner_refused"):
    """Something that came over a partner's link was not taken in, and why; `arrival` as in `ReleaseHeard`."""

    party_id: str
    arrival: int
    reason: str


class LinkTurned(EventRecord, tag="link_turned"):
    """The link to a partner stands otherwise than before."""

    party_id: str
    state: LinkState
    reason: str = ""


class SeenByBothChanged(EventRecord, tag="seen_by_both_changed"):
    """Something is held to be seen by a partner too, or no longer is (`ended`)."""

    both: SeenByBoth
    ended: bool = False


class ReleasesStopped(EventRecord, tag="releases_stopped"):
    """An officer stopped what a partner is told by rule, or, `stop` being None, two officers let it go on."""

    party_id: str
    stop: Stop | None
    officer: str


class EmergencyReleased(EventRecord, tag="emergency_released"):
    """An officer lets a partner be told of some things beyond the rules, for a while."""

    party_id: str
    act: EmergencyAct


class PostKept(EventRecord, tag="post_kept"):
    """An officer said whether somebody keeps watch at a post, and until when."""

    watch: PostWatch
    officer: str


class StreamBegun(EventRecord, tag="stream_begun"):
    """A partner's link goes on with new streams, under a number that both agreed on: arrivals are counted anew."""

    party_id: str
    epoch: int


class PayloadErased(EventRecord, tag="payload_erased"):
    """Payloads were erased under a retention rule; their hashes stay in the chain.

    `sequence` is the first of them. `spans`, each from its first to its last, hold all of them where there are several.
    """

    sequence: int
    rule: str
    officer: str
    spans: tuple[tuple[int, int], ...] = ()


Event = (
    WatchStarted
    | WatchEnded
    | FrameGap
    | FrameDuplicate
    | PacketCorrupt
    | StreamEnded
    | CameraLost
    | CameraRestored
    | FramesDropped
    | CameraHealth
    | TrackPoint
    | TrackConfirmed
    | TrackLost
    | PictureStarted
    | LookTaken
    | PictureTrackPoint
    | PictureTrackLost
    | PictureTrackEnded
    | PictureGroupPoint
    | PictureGroupChanged
    | PictureGroupEnded
    | SourceTrustChanged
    | PictureKept
    | AlertRaised
    | AlarmChanged
    | HoldChanged
    | LessonChanged
    | AlertWaits
    | IncidentChanged
    | DispatchChanged
    | StatementChanged
    | SightingReported
    | OfficerDecision
    | PatrolPosition
    | AreaMarked
    | Assessed
    | ExerciseChanged
    | ShiftTaken
    | ShiftNoted
    | LookedUp
    | CameraRunChanged
    | TracksReserved
    | ActDone
    | DeskKept
    | AccessLogged
    | FilmDropped
    | StorageShort
    | RetentionRan
    | ReleaseMade
    | ReleaseHeard
    | JointSaid
    | JointHeard
    | PartnerRefused
    | LinkTurned
    | SeenByBothChanged
    | ReleasesStopped
    | EmergencyReleased
    | PostKept
    | StreamBegun
    | PayloadErased
)

SourceEvent = (
    FrameGap | FrameDuplicate | PacketCorrupt | StreamEnded | CameraLost | CameraRestored | FramesDropped | CameraHealth
)

DURABLE = (
    AlertRaised, AlarmChanged, HoldChanged, LessonChanged, AlertWaits, RetentionRan, IncidentChanged, DispatchChanged,
    StatementChanged, SightingReported,
    OfficerDecision, AreaMarked, AccessLogged, PictureKept, Assessed, ExerciseChanged, ShiftTaken, ShiftNoted, LookedUp,
    CameraRunChanged, TracksReserved, ActDone, StorageShort, ReleaseMade, ReleaseHeard, JointSaid, JointHeard,
    PartnerRefused, LinkTurned, ReleasesStopped, EmergencyReleased, PostKept, StreamBegun, PayloadErased,
)  # fmt: skip
"""Events that are on the disk before `append` returns."""

OVERSEEN = (AccessLogged, LookedUp)
"""Events about those who use the desk, which only whoever oversees them sees."""
