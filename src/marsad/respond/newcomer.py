"""Who comes into view beside somebody whose alarm stands already, and may be of one party with them.

A camera tells of those who come round a corner one by one, seconds before the picture can know that they are together:
each would be an alarm, and all but the first would be folded into it a moment later. So whoever appears beside such a
one, by the same rule, is told of once the picture has found them together, or after `WAIT_S` where it has not. The
alarm that stands already points at the place meanwhile; nobody who appears anywhere else waits, and no line is crossed
unheard.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import hypot
from typing import Final, NamedTuple

from marsad.kernel.alarm import Alarm, AlarmState, Seen
from marsad.kernel.alert import Alert
from marsad.kernel.picture import Picture
from marsad.respond.alarm import LATCHING, LEVEL, subject_of

NS: Final = 1_000_000_000
WAIT_S: Final = 6.0
"""As long as the picture's own rules wait for whether somebody goes with others."""
BESIDE_M: Final = 60.0
"""No pair begins to belong together that is farther apart."""
_SOUNDED: Final[frozenset[AlarmState]] = frozenset({"unacknowledged", "acknowledged"})


class _Waiting(NamedTuple):
    alert: Alert
    until_ns: int


class Newcomers:
    """The alerts that wait for whether they are about one party with somebody."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    def sift(
        self, alerts: Iterable[Alert], alarms: Sequence[Alarm], present: Mapping[str, Seen], now_ns: int,
        names: Mapping[str, str],
    ) -> list[Alert]:  # fmt: skip
        """Those of the alerts that are told of at once; the others wait.

        `present` is where everybody is, `names` what who had another name before is called there.
        """
        told = []
        there = [(alarm, present.get(names.get(alarm.subject_id, alarm.subject_id))) for alarm in alarms]
        for alert in alerts:
            if any(_is_beside(alert, alarm, seen) for alarm, seen in there):
                self._waiting.append(_Waiting(alert, now_ns + round(WAIT_S * NS)))
            else:
                told.append(alert)
        return told

    def due(self, picture: Picture, now_ns: int) -> list[Alert]:
        """Those that the picture has in a group by now, and those that have waited for long enough."""
        groups = {group.group_id for group in picture.groups if len(group.members) > 1}
        due = [each for each in self._waiting if now_ns >= each.until_ns or subject_of(each.alert, picture) in groups]
        self._waiting = [each for each in self._waiting if each not in due]
        return [each.alert for each in due]

    def all(self) -> list[Alert]:
        """All that wait, which do so no more."""
        waiting, self._waiting = self._waiting, []
        return [each.alert for each in waiting]


def _is_beside(alert: Alert, alarm: Alarm, there: Seen | None) -> bool:
    """Whether an alert may be about one party with whom an alarm that has sounded is about."""
    if alert.rule in LATCHING or alarm.about != "object" or alarm.state not in _SOUNDED or there is None:
        return False
    if LEVEL[alert.priority] > LEVEL[alarm.priority] or alert.camera_id not in alarm.camera_ids:
        return False
    same = f"{alert.camera_id}/{alert.track_id}" in {alarm.subject_id, *alarm.formerly}
    if same or not any((met.rule, met.rule_id) == (alert.rule, alert.rule_id) for met in alarm.met):
        return False
    here, ground = alert.ground, there.ground
    if here is None or ground is None:
        return False
    return hypot(here.east_m - ground.east_m, here.north_m - ground.north_m) < BESIDE_M
