"""Where our own patrols will be and which of our posts keep watch: what may be offered to a partner of ourselves.

A corridor is made once for an order or a duty and stays as it is: one that shrank as a patrol goes along it would tell
where the patrol is.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.dispatch import Dispatch, Duty, Patrol
from marsad.kernel.joint import PostHours
from marsad.kernel.position import Position
from marsad.kernel.release import PatrolCorridor, PostWatch

_HOUR_NS: Final = 3600 * 10**9
_DAY_NS: Final = 24 * _HOUR_NS
AHEAD_NS: Final = _HOUR_NS
"""So long before a patrol sets out on its duty its corridor is offered."""
_ON_THE_WAY: Final = frozenset({"sent", "received", "accepted", "under_way", "on_scene"})


class OwnWays:
    """The ways of our patrols; `update` is to be called with everything there is now."""

    def __init__(self, frame: EnuFrame) -> None:
        self._frame = frame
        self._begun: dict[str, Position] = {}
        """Where a patrol was when it was first seen to be under an order."""

    def update(
        self, patrols: Iterable[Patrol], orders: Iterable[Dispatch], places: Mapping[str, Position], now_ns: int
    ) -> list[PatrolCorridor]:
        """One corridor at most of each patrol: to where it was sent, else that of its duty."""
        sent = {each.patrol_id: each for each in orders if each.state in _ON_THE_WAY}
        names = {each.dispatch_id for each in sent.values()}
        self._begun = {name: place for name, place in self._begun.items() if name in names}
        found = []
        for patrol in patrols:
            order = sent.get(patrol.patrol_id)
            way = _on_duty(patrol, now_ns) if order is None else self._sent(order, places, now_ns)
            if way is not None:
                found.append(way)
        return found

    def _sent(self, order: Dispatch, places: Mapping[str, Position], now_ns: int) -> PatrolCorridor:
        """From where it was to where it is to go; until an hour after it is there, and on by the hour."""
        meet = self._frame.position(order.meet.east_m, order.meet.north_m)
        begin = self._begun.setdefault(order.dispatch_id, places.get(order.patrol_id, meet))
        late = max(0, now_ns - order.meet_ns) // _HOUR_NS
        return PatrolCorridor(
            patrol_id=order.patrol_id, points=(begin, meet), time_ns=now_ns, from_ns=order.sent_ns,
            until_ns=order.meet_ns + (late + 1) * _HOUR_NS,
        )  # fmt: skip


def posts_kept(said: Iterable[PostWatch], hours: Iterable[PostHours], ours: str, now_ns: int) -> list[PostWatch]:
    """Which posts are known to be watched now, or not: as an officer said, else by the roster that both agreed upon."""
    found = {each.post_id: each for each in said if now_ns < each.until_ns}
    for post in hours:
        slot = next((each for each in post.slots if each.from_ns <= now_ns < each.until_ns), None)
        if slot is not None and slot.party == ours:
            kept = PostWatch(
                post_id=post.post_id, watched=True, time_ns=now_ns, from_ns=slot.from_ns, until_ns=slot.until_ns
            )
            found.setdefault(post.post_id, kept)
    return [
        PostWatch(
            post_id=each.post_id, watched=each.watched, time_ns=now_ns, from_ns=each.from_ns, until_ns=each.until_ns
        )
        for each in found.values()
    ]


def _on_duty(patrol: Patrol, now_ns: int) -> PatrolCorridor | None:
    """The corridor of the duty that it is on, or will be within the hour."""
    for duty in patrol.duties:
        span = _span(duty, now_ns)
        if span is not None:
            return PatrolCorridor(
                patrol_id=patrol.patrol_id, points=duty.points, time_ns=now_ns, from_ns=span[0], until_ns=span[1]
            )
    return None


def _span(duty: Duty, now_ns: int) -> tuple[int, int] | None:
    """From when until when a duty is that is now, or begins soon."""
    over_midnight = 24.0 if duty.until_hour < duty.from_hour else 0.0
    today_ns = now_ns // _DAY_NS * _DAY_NS
    for day_ns in (today_ns - _DAY_NS, today_ns, today_ns + _DAY_NS):
        from_ns = day_ns + round(duty.from_hour * _HOUR_NS)
        until_ns = day_ns + round((duty.until_hour + over_midnight) * _HOUR_NS)
        if from_ns - AHEAD_NS <= now_ns < until_ns:
            return max(from_ns, 0), until_ns
    return None
