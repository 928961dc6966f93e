"""An alarm: what an officer is asked to act on; one for each thing, however many alerts it rests on."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.alert import About, Facts, Priority, Rule
from marsad.kernel.detection import Box
from marsad.kernel.position import GroundState
from marsad.kernel.record import Record
from marsad.kernel.track import Count, Kind

AlarmState = Literal[
    "unacknowledged", "acknowledged", "returned", "latched", "shelved", "suppressed", "out_of_service", "closed"
]
"""The states of ISA-18.2: `returned` is over before anybody acknowledged it, `closed` is its "normal"."""

HoldKind = Literal["shelved", "suppressed", "out_of_service"]
"""Why alarms are kept from sounding: an officer put them off, the site says so, or what raises them is being mended."""

AlarmHappening = Literal[
    "raised",
    "again",
    "updated",
    "joined",
    "expected",
    "worse",
    "over",
    "acknowledged",
    "closed",
    "shelved",
    "suppressed",
    "out_of_service",
    "released",
    "released_over",
    "escalated",
    "nuisance",
]

NuisanceCause = Literal["animal", "bird", "insect", "vegetation", "weather", "own_force", "declared", "camera", "other"]

Response = Literal[
    "look_and_send", "look_and_follow", "look_and_decide", "tell_commander", "call_patrol", "cover_and_repair",
    "check_link",
    "free_disk",
]  # fmt: skip
"""What the rule expects of the officer.

To send a patrol, to keep following it, or first to tell what it is; to tell the commander, since one patrol is too few;
to call a patrol; to have a camera's ground watched otherwise and the camera mended; to have a link brought back.
"""


class Met(Record):
    """A rule that the thing has met, and the first alert that said so.

    `waited_s` is for how long it was looked at first because of the lesson `lesson_id`, which officers' marks made.
    """

    rule: Rule
    rule_id: str
    direction: str
    time_ns: int
    alert_id: str
    lesson_id: str = ""
    waited_s: float = 0.0


class Seen(Record):
    """Where something was when it was last seen: on the ground where that is known, and in a camera's picture.

    `camera_id` is empty, and `box` None, where no one camera says so.
    """

    time_ns: int
    camera_id: str = ""
    box: Box | None = None
    ground: GroundState | None = None


class Alarm(Record):
    """What an officer is asked to act on.

    `subject_id` is the group, or the track, that it is about, `formerly` what the same thing was called before; the
    camera, patrol or link where it is `about` one. `facts` are what is known of it, as of the alert that last changed
    them; `text` says them in English.
    `alerts` counts the alerts it rests on. `stands` is whether its condition still holds; one that is `latching` stays
    until an officer closes it. `escalation` counts how often its time to be acknowledged has run out. `nuisance_at` and
    `nuisance_subject` are where it was, and what it was called, when an officer said that it was nothing.
    """

    alarm_id: str
    subject_id: str
    state: AlarmState
    priority: Priority
    kind: Kind
    response: Response
    text: str
    met: Annotated[tuple[Met, ...], Meta(min_length=1)]
    seen: Seen
    raised_ns: int
    changed_ns: int
    latching: bool
    stands: bool = True
    count: Count | None = None
    formerly: tuple[str, ...] = ()
    camera_ids: tuple[str, ...] = ()
    alerts: int = 1
    escalation: int = 0
    annunciated_ns: int | None = None
    acknowledged_ns: int | None = None
    acknowledged_by: str = ""
    held_until_ns: int | None = None
    hold_id: str = ""
    nuisance: NuisanceCause | None = None
    nuisance_at: Seen | None = None
    nuisance_subject: str = ""
    about: About = "object"
    facts: Facts = Facts()


class Hold(Record):
    """Alarms of a rule, of a camera, or of both, that are listed but do not sound; empty stands for every one.

    One alarm alone is held by its `alarm_id`. `until_ns` is when it ends by itself.
    """

    hold_id: str
    kind: HoldKind
    from_ns: int
    officer: str
    reason: Annotated[str, Meta(min_length=1)]
    until_ns: int | None = None
    rule_id: str = ""
    camera_id: str = ""
    alarm_id: str = ""
