"""What the duty officer's desk shows at one moment, and the parts of it that no other record holds."""

from typing import Literal

import msgspec

from marsad.kernel.alarm import Alarm, Hold
from marsad.kernel.dispatch import Dispatch
from marsad.kernel.incident import Incident
from marsad.kernel.lesson import Lesson, Waiting
from marsad.kernel.partner import PartnerState
from marsad.kernel.picture import Picture
from marsad.kernel.position import Position
from marsad.kernel.record import Record
from marsad.kernel.release import PostWatch
from marsad.kernel.sighting import Sighting

CameraRun = Literal["starting", "running", "lost", "restarting", "stopped"]


class Trouble(Record):
    """Something that is wrong with a camera, since when."""

    kind: str
    since_ns: int
    detail: str = ""


class CameraState(Record):
    """How a camera does: whether pictures come, when the last did, and what is wrong with it.

    `fps` is what came over the last seconds, `restarts` how often its process had to be started again.
    """

    camera_id: str
    run: CameraRun
    since_ns: int
    seen_ns: int | None = None
    fps: float = 0.0
    restarts: int = 0
    troubles: tuple[Trouble, ...] = ()


class PatrolState(Record):
    """Where a patrol last said it was."""

    patrol_id: str
    position: Position
    sigma_m: float
    time_ns: int


class Figures(Record):
    """How the alarms do, as `respond.alarm.AlarmFigures` counts them; None where there is nothing to count."""

    rate: int
    flood: int
    standing: int
    waiting: int
    held: int
    stale: int
    escalated: int
    folded: int
    median_to_acknowledge_s: float | None
    slowest_to_acknowledge_s: float | None
    nuisance_share: float | None


class Assessment(Record):
    """An officer's own view of a track or group; software itself says unknown, own or declared, and no more."""

    subject_id: str
    says: str
    reason: str
    officer: str
    time_ns: int
    until_ns: int


class Shift(Record):
    """Who is on duty since when, and what they wrote down."""

    officer: str
    since_ns: int


class Storage(Record):
    """How full the disk is: film, its quota, and what is free; `film_dropped_ns` is how old the oldest film is."""

    film_bytes: int
    quota_bytes: int
    free_bytes: int
    oldest_film_ns: int | None = None
    short: bool = False


class RetentionRun(Record):
    """What was last erased because it is older than may be kept, and by whose rule.

    `keep` says for how many days each kind is kept. `ended_ns` is None while it is under way, and where that was cut
    off; it is `done` once nothing was left to erase. `erased` counts the entries of each kind.
    """

    officer: str
    keep: dict[str, float]
    begun_ns: int
    ended_ns: int | None = None
    done: bool = False
    erased: dict[str, int] = msgspec.field(default_factory=dict)


class DeskState(Record):
    """Everything the desk shows, built from the events up to `sequence` of the log (-1 for none).

    Alarms and incidents are those that stand, and those closed within a day. `exercise` is its name while one runs.
    `lessons` are what marks of nuisance have taught, `waiting` the alerts that wait because of it. `posts` are those of
    which it was said whether somebody keeps watch, `sightings` those of the last day.
    `partner` is the organisation that this one shares with, None where there is none.
    """

    sequence: int
    now_ns: int
    site_name: str
    origin: Position
    alarms: tuple[Alarm, ...] = ()
    holds: tuple[Hold, ...] = ()
    incidents: tuple[Incident, ...] = ()
    dispatches: tuple[Dispatch, ...] = ()
    cameras: tuple[CameraState, ...] = ()
    patrols: tuple[PatrolState, ...] = ()
    assessments: tuple[Assessment, ...] = ()
    picture: Picture = Picture(time_ns=0)
    figures: Figures | None = None
    shift: Shift | None = None
    exercise: str | None = None
    storage: Storage | None = None
    lessons: tuple[Lesson, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    retention: RetentionRun | None = None
    posts: tuple[PostWatch, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    partner: PartnerState | None = None
