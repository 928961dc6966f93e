"""A patrol that is sent somewhere, and how far the order and the patrol have come."""

from typing import Literal

from marsad.kernel.position import EnuPoint
from marsad.kernel.record import Record

Means = Literal["foot", "vehicle"]
Skill = Literal["medic", "clearance", "interpreter"]

DispatchState = Literal[
    "sent", "received", "accepted", "under_way", "on_scene", "done", "refused", "could_not", "not_delivered", "recalled"
]
"""How far it has come; `not_delivered` is what nobody is known to have received in time."""

DispatchHappening = Literal[
    "sent", "received", "accepted", "under_way", "on_scene", "done", "refused", "could_not", "expired", "recalled",
    "overdue",
]  # fmt: skip
"""`expired`: its time to be received ran out. `overdue`: received, and its time to be answered ran out."""

Via = Literal["phone", "radio", "console", "nobody"]

Task = Literal["look", "stop", "help", "observe", "search"]


class Patrol(Record):
    """Those who can be sent: how they move, how many they are, and what they can do; `ready_s` until they set out."""

    patrol_id: str
    means: Means
    persons: int
    skills: frozenset[Skill] = frozenset()
    ready_s: float = 60.0


class Answer(Record):
    """What a patrol says of its order. `answer_id` makes it count once, however often a poor link brings it.

    `time_ns` is when it was said, which may be long before it was heard.
    """

    answer_id: str
    dispatch_id: str
    says: Literal["received", "accepted", "under_way", "on_scene", "done", "refused", "could_not"]
    time_ns: int
    by: str
    via: Via
    note: str = ""


class Dispatch(Record):
    """A patrol that is sent somewhere.

    `meet` is where it is to go and `meet_ns` when it can be there. `receive_by_ns` and `answer_by_ns` are until when
    the order must have been received and answered. `answers` are all that was heard, in that order.
    """

    dispatch_id: str
    incident_id: str
    patrol_id: str
    task: Task
    text: str
    state: DispatchState
    meet: EnuPoint
    meet_ns: int
    ordered_by: str
    sent_ns: int
    changed_ns: int
    receive_by_ns: int
    answer_by_ns: int
    overdue: bool = False
    answers: tuple[Answer, ...] = ()
