"""What officers' marks of nuisance have taught: where something whose kind is not told is looked at for longer."""

from typing import Literal

from marsad.kernel.alarm import NuisanceCause, Seen
from marsad.kernel.alert import Alert, Rule
from marsad.kernel.record import Record

LessonHappening = Literal["marked", "refuted", "ended", "expired"]
"""One more mark; somebody was a person after all; an officer, or the site file, ended it; its time is over."""

WaitHappening = Literal["waits", "aside", "raised", "gone"]
"""An alert waits; it was told to be harmless; it is an alarm; what was harmless has left."""


class LessonMark(Record):
    """An officer's word that an alarm was nothing, and because of what."""

    alarm_id: str
    cause: NuisanceCause
    officer: str
    time_ns: int


class Lesson(Record):
    """What the marks about one rule at one place and time of day ask for.

    `place` is where the first of them was, and its time of day is theirs. An alert there of something of unknown kind
    waits for `wait_s` before it is an alarm, 0 while there are too few marks; `lowers` makes a medium one low then.
    One that is `refuted` takes no marks. It ends by itself at `until_ns`.
    """

    lesson_id: str
    rule: Rule
    camera_id: str
    place: Seen
    marks: tuple[LessonMark, ...]
    until_ns: int
    changed_ns: int
    wait_s: float = 0.0
    lowers: bool = False
    refuted: bool = False


class Teaching(Record):
    """What marking an alarm as a nuisance would teach now: `lesson` as it would be then, None where it teaches nothing.

    Only the causes `causes` teach, and only from `marks` marks on does a lesson ask for anything.
    """

    lesson: Lesson | None
    causes: tuple[NuisanceCause, ...]
    marks: int


class Waiting(Record):
    """An alert that a lesson asks to wait, until `due_ns` at the latest.

    `aside_ns` is since when it is known to be harmless: it is an alarm as soon as that is not so any more.
    """

    alert: Alert
    subject_id: str
    lesson_id: str
    from_ns: int
    due_ns: int
    lowers: bool = False
    aside_ns: int | None = None
