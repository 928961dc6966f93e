"""What the demonstration's watch made of each party: of those it had to alarm for, and apart of all others."""

from collections.abc import Sequence

from marsad.app.demo_alarm import AlarmReport
from marsad.app.performance import Performance
from marsad.kernel.record import Record
from marsad.simulate.actor import Actor, ActorKind, Must, Role

Unit = tuple[str, ActorKind, Role, Must]


class PartyReport(Record):
    """What became of those of one kind and role in one party; `must` is what the watch had to do about them.

    `seen` of them came into some camera's view, the first at `entered_s`, and `tracked` had a confirmed track, the
    first at `tracked_s`. `alarms` were raised on them, the first at `alarmed_s` by `alarmed_by`; the first that was
    located was `error_m` and `error_sigmas` off, the farthest `farthest_m`. Moments are seconds since the start.
    `party` is "" for one who belongs to none.
    """

    party: str
    kind: ActorKind
    role: Role
    must: Must
    of: int
    seen: int
    tracked: int
    alarms: int
    entered_s: float | None = None
    tracked_s: float | None = None
    alarmed_s: float | None = None
    alarmed_by: str = ""
    error_m: float | None = None
    error_sigmas: float | None = None
    farthest_m: float | None = None


def party_reports(
    actors: Sequence[Actor], played: Sequence[Performance], alarms: Sequence[AlarmReport]
) -> list[PartyReport]:
    """Everybody by party and kind: those the watch must alarm for first, those it must not last.

    `alarms` are in the order of time.
    """
    units: dict[Unit, set[int]] = {}
    for actor in actors:
        if actor.role != "scenery":
            units.setdefault((actor.party, actor.kind, actor.role, actor.must), set()).add(actor.actor_id)
    reports = [_report(unit, members, played, alarms) for unit, members in units.items()]
    return sorted(reports, key=lambda report: _ORDER.index(report.must))


_ORDER: tuple[Must, ...] = ("alarm", "either", "no_alarm")


def _report(
    unit: Unit,
    members: set[int],
    played: Sequence[Performance],
    alarms: Sequence[AlarmReport],
) -> PartyReport:
    entered = [(time_s, one) for each in played for one, time_s in each.entered.items() if one in members]
    found = [(time_s, one) for each in played for one, time_s in each.found.items() if one in members]
    raised = [alarm for alarm in alarms if alarm.actor_id in members]
    located = [alarm for alarm in raised if alarm.error_m is not None]
    party, kind, role, must = unit
    return PartyReport(
        party=party,
        kind=kind,
        role=role,
        must=must,
        of=len(members),
        seen=len({one for _, one in entered}),
        tracked=len({one for _, one in found}),
        alarms=len(raised),
        entered_s=_first(entered),
        tracked_s=_first(found),
        alarmed_s=raised[0].time_s if raised else None,
        alarmed_by=raised[0].camera_id if raised else "",
        error_m=located[0].error_m if located else None,
        error_sigmas=located[0].error_sigmas if located else None,
        farthest_m=max((alarm.error_m or 0.0 for alarm in located), default=None),
    )


def _first(moments: Sequence[tuple[float, int]]) -> float | None:
    return round(min(moments)[0], 2) if moments else None
