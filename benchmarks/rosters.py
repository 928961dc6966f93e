"""How good a month's roster is, and how soon: holes, fairness, its bound, and what changes when somebody drops out.

    python benchmarks/rosters.py [--seconds S] [--json]

Two beats in three shifts, each of two persons, one of them a driver, with a vehicle; 24 guards of whom half drive and a
third are on leave for five days; three vehicles; 28 days. The rival is a roster made as by hand: duty by duty,
whoever may go and has done least.
"""

import time
from collections.abc import Iterable

from figures import Target, command, show
from marsad.kernel.roster import Absence, Guard, Lack, Load, Strength, Team, TeamDuty, Vehicle
from marsad.plan.roster import Slot, is_night, loads_of, plan_roster, replan, slots

DAYS = 28
TARGETS = [
    Target("lacks", "at_most", 0),
    Target("nights_apart", "at_most", 1),
    Target("replanned_gap", "at_most", 0.0),
]


def strength() -> Strength:
    """The guards, teams and vehicles of the benchmark."""
    teams = tuple(
        Team(team_id=f"{beat}-{name}", from_hour=hour, hours=8.0, persons=2, skills=("driver",), vehicle=True)
        for beat in ("west", "east")
        for name, hour in (("early", 6.0), ("late", 14.0), ("night", 22.0))
    )
    guards = tuple(
        Guard(
            guard_id=f"g{k}",
            skills=("driver",) if k % 2 else (),
            leave=tuple(range(k % 20, k % 20 + 5)) if k % 3 == 0 else (),
        )
        for k in range(24)
    )
    vehicles = tuple(Vehicle(vehicle_id=f"v{k}") for k in range(3))
    return Strength(days=DAYS, guards=guards, teams=teams, vehicles=vehicles)


def by_hand(asked: Strength) -> tuple[list[TeamDuty], int]:
    """A roster filled duty by duty with those who may and have done least, drivers first; and how many persons lack."""
    done: dict[str, list[Slot]] = {guard.guard_id: [] for guard in asked.guards}
    duties, lacking = [], 0
    for slot in slots(asked):
        crew: list[str] = []
        for skill in (*slot.team.skills, None, None):
            able = [
                g for g in asked.guards
                if len(crew) < slot.team.persons and g.guard_id not in crew and slot.day not in g.leave
                and (skill is None or skill in g.skills) and may(asked, done[g.guard_id], slot)
            ]  # fmt: skip
            if able:
                crew.append(min(able, key=lambda g: (len(done[g.guard_id]), g.guard_id)).guard_id)
        for each in crew:
            done[each].append(slot)
        lacking += slot.team.persons - len(crew)
        duties.append(TeamDuty(day=slot.day, team_id=slot.team.team_id, guards=tuple(crew)))
    return duties, lacking


def may(asked: Strength, own: list[Slot], slot: Slot) -> bool:
    """Whether somebody with these duties may have one more."""
    rules = asked.rules
    rested = all(each.end_h + rules.rest_h <= slot.start_h for each in own)
    week = sum(each.team.hours for each in own if slot.day - 7 < each.day) + slot.team.hours <= rules.week_h
    days = {each.day for each in own} | {slot.day}
    nights = {each.day for each in own if is_night(each.team)} | ({slot.day} if is_night(slot.team) else set())
    row = set(range(slot.day - rules.days_in_row, slot.day + 1)) <= days
    night_row = set(range(slot.day - rules.nights_in_row, slot.day + 1)) <= nights
    return rested and week and not row and not night_row


def apart(loads: Iterable[Load], what: str) -> float:
    """The difference between the most and the least."""
    found = [float(getattr(load, what)) for load in loads]
    return max(found) - min(found)


def counted(lacks: Iterable[Lack]) -> int:
    """How much lacks in all."""
    return sum(lack.count for lack in lacks)


def main() -> None:
    """Plan, plan again, print."""
    parser = command(__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the roster may take")
    asked = parser.parse_args()
    needed = strength()
    begun = time.perf_counter()
    roster = plan_roster(needed, time_limit_s=asked.seconds)
    planned = time.perf_counter()
    gone = [Absence(who="g5", from_day=10, until_day=DAYS)]
    again = replan(needed, roster, gone, from_day=10, time_limit_s=asked.seconds)
    replanned = time.perf_counter()
    duties, lacking = by_hand(needed)
    loads = loads_of(needed, duties)
    figures: dict[str, object] = {"lacks": counted(roster.lacks), "cost": roster.cost, "bound": roster.bound}
    figures |= {f"{what}_apart": apart(roster.loads, what) for what in ("hours", "nights", "weekends")}
    figures |= {"seconds": planned - begun, "by_hand_persons_lacking": lacking}
    figures |= {f"by_hand_{what}_apart": apart(loads, what) for what in ("hours", "nights", "weekends")}
    figures |= {"replanned_lacks": counted(again.lacks), "replanned_changes": again.cost, "replanned_gap": again.gap}
    figures["replanned_seconds"] = replanned - planned
    show("rosters", figures, TARGETS, as_json=asked.json)


if __name__ == "__main__":
    main()
