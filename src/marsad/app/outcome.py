"""Whether what had to happen in a scenario did."""

import statistics
from collections.abc import Iterator, Mapping, Sequence

from marsad.app.performance import Alarm, Performance
from marsad.kernel.event import HealthKind
from marsad.simulate.actor import Actor
from marsad.simulate.effect import Dust
from marsad.simulate.scenario import Counted, Crossed, HealthFound, Scenario, SeenInOrder

SERIOUS: frozenset[HealthKind] = frozenset({"camera_moved", "covered", "frozen", "looped", "defocused"})
"""What sends somebody to the camera; reported without cause it is an error."""
BEGINNING_S = 3.0
"""A watch that has seen so little of a scene is still learning it."""
_LATE_S = 10.0
_DUST_S = 10.0
"""Dust that clears may be told of a little later."""


def shortcomings(scenario: Scenario, actors: Sequence[Actor], played: Sequence[Performance]) -> list[str]:
    """What should have happened and did not, and what did and should not have, in words; none where all went well.

    `actors` are all that took part, the members of parties among them.
    """
    return [
        *_not_alarmed(actors, played),
        *_wrongly_alarmed({actor.actor_id: actor for actor in actors}, played),
        *_health(scenario, played),
        *_expected(scenario, played),
    ]


def _alarms(played: Sequence[Performance]) -> list[Alarm]:
    return [alarm for each in played for alarm in each.alarms]


def _not_alarmed(actors: Sequence[Actor], played: Sequence[Performance]) -> Iterator[str]:
    """Whoever must raise an alarm and did not; a party's members are alarmed for with any one of them."""
    units: dict[str, set[int]] = {}
    for actor in actors:
        if actor.must == "alarm":
            units.setdefault(actor.party or f"{actor.kind} {actor.actor_id}", set()).add(actor.actor_id)
    alarmed = {alarm.actor.actor_id for alarm in _alarms(played) if alarm.actor is not None}
    for name, members in units.items():
        if members & alarmed:
            continue
        seen = [each.entered[member] for each in played for member in members if member in each.entered]
        found = any(member in each.found for each in played for member in members)
        when = "never came into view" if not seen else f"in view from {min(seen):.1f} s"
        yield f"{name} raised no alarm ({when}, {'tracked' if found else 'not tracked'})"


def _wrongly_alarmed(actors: Mapping[int, Actor], played: Sequence[Performance]) -> Iterator[str]:
    """Alarms on nothing and on those who must raise none; those of a watch that has just begun are told together."""
    for each in played:
        wrong = [alarm for alarm in each.alarms if _is_wrong(alarm, actors)]
        early = [alarm for alarm in wrong if alarm.actor is None and alarm.time_s < BEGINNING_S]
        if early:
            yield f"{each.camera_id}: alarms on nothing within {BEGINNING_S:g} s of the start: {len(early)}"
        for alarm in wrong:
            if alarm not in early:
                box = alarm.alert.outline
                where = f"{box.w_px:.0f}x{box.h_px:.0f} px at ({box.x_px:.0f}, {box.y_px:.0f})"
                what = f"alarm on {alarm.cause} at {alarm.time_s:.1f} s"
                yield f"{each.camera_id}: {what}, as {alarm.alert.kind}, {where}"


def _is_wrong(alarm: Alarm, actors: Mapping[int, Actor]) -> bool:
    actor = None if alarm.actor is None else actors.get(alarm.actor.actor_id)
    return alarm.actor is None or (actor is not None and actor.must == "no_alarm")


def _health(scenario: Scenario, played: Sequence[Performance]) -> Iterator[str]:
    """Events of camera health that were missed, and serious ones that nothing had caused."""
    for wanted in scenario.expect:
        if isinstance(wanted, HealthFound):
            times = [
                time_s
                for each in played
                if each.camera_id == wanted.camera
                for time_s, event in each.health
                if event.kind == wanted.kind and not event.ended
            ]
            if not any(wanted.at_s <= time_s <= wanted.at_s + wanted.within_s for time_s in times):
                told = f"; told at {', '.join(f'{time_s:.1f} s' for time_s in times)}" if times else ""
                missed = f"{wanted.kind} from {wanted.at_s:g} s was not told in {wanted.within_s:g} s"
                yield f"{wanted.camera}: {missed}{told}"
    for each in played:
        for time_s, event in each.health:
            if event.kind in SERIOUS and not event.ended and not _has_cause(scenario, each.camera_id, time_s):
                yield f"{each.camera_id}: {event.kind} was told at {time_s:.1f} s, but nothing had happened"


def _has_cause(scenario: Scenario, camera_id: str, time_s: float) -> bool:
    """Whether something was or had been wrong with the camera; dust is as good as a cover while it lasts."""
    if any(fault.camera in {"", camera_id} and fault.start_s <= time_s for fault in scenario.faults):
        return True
    return any(
        isinstance(effect, Dust)
        and effect.camera in {"", camera_id}
        and effect.start_s <= time_s
        and (effect.end_s is None or time_s <= effect.end_s + _DUST_S)
        for effect in scenario.effects
    )


def _expected(scenario: Scenario, played: Sequence[Performance]) -> Iterator[str]:
    for wanted in scenario.expect:
        if isinstance(wanted, Crossed):
            yield from _crossed(wanted, played)
        if isinstance(wanted, Counted):
            yield from _counted(wanted, played)
        if isinstance(wanted, SeenInOrder):
            yield from _in_order(wanted, played)


def _of(party: str, played: Sequence[Performance]) -> list[Alarm]:
    """The alarms that a party raised, in order of time."""
    mine = [alarm for alarm in _alarms(played) if alarm.actor is not None and alarm.actor.party == party]
    return sorted(mine, key=lambda alarm: alarm.time_s)


def _crossed(wanted: Crossed, played: Sequence[Performance]) -> Iterator[str]:
    alerts = [alarm.alert for alarm in _of(wanted.party, played)]
    if not any(a.rule_id == wanted.line and a.direction == wanted.direction for a in alerts):
        yield f"{wanted.party} crossed {wanted.line} {wanted.direction}, and no alarm said so"


def counted(party: str, played: Sequence[Performance]) -> int | None:
    """How many a party is held to be: what most tracks on it said in the last seconds in which they said anything."""
    said = [each for one in played for each in one.counts.get(party, [])]
    if not said:
        return None
    last_s = max(time_s for time_s, _ in said)
    return statistics.median_low(best for time_s, best in said if time_s > last_s - _LATE_S)


def _counted(wanted: Counted, played: Sequence[Performance]) -> Iterator[str]:
    count = counted(wanted.party, played)
    if count is None:
        yield f"{wanted.party} of {wanted.count} was not counted"
    elif abs(count - wanted.count) > wanted.within:
        yield f"{wanted.party} of {wanted.count} was counted as {count}"


def _in_order(wanted: SeenInOrder, played: Sequence[Performance]) -> Iterator[str]:
    """When each camera first had a confirmed track on the party."""
    first: dict[str, float] = {}
    for each in played:
        times = [time_s for actor_id, time_s in each.found.items() if each.parties.get(actor_id) == wanted.party]
        if times:
            first[each.camera_id] = min(times)
    missing = [camera for camera in wanted.cameras if camera not in first]
    if missing:
        yield f"{wanted.party} was never tracked by {', '.join(missing)}"
        return
    times = [first[camera] for camera in wanted.cameras]
    if times != sorted(times):
        told = ", ".join(f"{camera} at {first[camera]:.1f} s" for camera in wanted.cameras)
        yield f"{wanted.party} was tracked in another order: {told}"
