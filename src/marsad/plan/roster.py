"""Rosters: who goes with which team on which day, as few holes as can be, and then as fairly as can be.

A duty takes somebody from its beginning until it is over and slept off. Two duties exclude each other where these times
overlap, and for intervals it is enough that at each beginning at most one is on (Fulkerson and Gross): so the rows for
rest are few and as tight as they can be. A need that cannot be met does not make the program fail: what is missing is
counted at a high price, and so it is told where the hole is.

Source: D. R. Fulkerson, O. A. Gross, Incidence matrices and interval graphs, Pacific Journal of Mathematics 15 (1965)
835-855; E. K. Burke, P. De Causmaecker, G. Vanden Berghe, H. Van Landeghem, The state of the art of nurse rostering,
Journal of Scheduling 7 (2004) 441-499.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from marsad.geo.geodesy import Array
from marsad.kernel.error import InputError
from marsad.kernel.roster import Absence, Guard, Lack, Lacking, Load, Roster, Strength, Team, TeamDuty, Vehicle
from marsad.plan.program import Program, Rows, Solution, solve
from marsad.plan.roster_swaps import Fairness, Swaps

LACK_COST: Final = 1000.0
HOUR_COST: Final = 0.1
NIGHT_COST: Final = 1.0
WEEKEND_COST: Final = 1.0
CHANGE_COST: Final = 1.0
_NIGHT: Final = (23.0, 30.0)
_NIGHT_H: Final = 3.0
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Slot(NamedTuple):
    """A team's duty on a day, in hours from the roster's first midnight."""

    day: int
    team: Team
    start_h: float
    end_h: float


def plan_roster(strength: Strength, *, time_limit_s: float = 60.0) -> Roster:
    """The roster with the fewest holes, and among those the fairest that was found in time, with its bound.

    Fair is a small difference between who has most and who has least to do, in hours, nights and weekends, each in
    proportion to the days that they are there.

    Raises: InputError where the strength contradicts itself; UnavailableError where time was too short for any roster.
    """
    model = _Model(strength)
    model.share_fairly()
    return model.solved(time_limit_s)


def replan(
    strength: Strength, roster: Roster, absences: Sequence[Absence], *, from_day: int, time_limit_s: float = 60.0
) -> Roster:
    """The roster with the fewest holes and then the fewest changes of who goes with which team, from a day on.

    What was before that day stays. Loads are counted anew; fairness is not looked at.

    Raises: InputError where somebody is absent whom nobody knows; UnavailableError where time was too short.
    """
    known = {guard.guard_id for guard in strength.guards} | {vehicle.vehicle_id for vehicle in strength.vehicles}
    for absence in absences:
        if absence.who not in known:
            raise InputError(f"{absence.who} drops out, and is neither a guard nor a vehicle of this roster")
    model = _Model(strength, absences, from_day)
    model.keep(roster, from_day)
    return model.solved(time_limit_s)


def slots(strength: Strength) -> list[Slot]:
    """Every duty that is to be done, in the order of their beginnings."""
    found = [
        Slot(day, team, 24.0 * day + team.from_hour, 24.0 * day + team.from_hour + team.hours)
        for day in range(strength.days)
        for team in strength.teams
        if team.days is None or day in team.days
    ]
    return sorted(found, key=lambda slot: (slot.start_h, slot.team.team_id))


def is_night(team: Team) -> bool:
    """Whether a team's duty has three hours or more between 23:00 and 6:00."""
    spans = ((team.from_hour + 24 * k, team.from_hour + team.hours + 24 * k) for k in (0, 1))
    return sum(max(0.0, min(end, _NIGHT[1]) - max(start, _NIGHT[0])) for start, end in spans) >= _NIGHT_H


def lack_text(strength: Strength, lack: Lack) -> str:
    """One sentence on a hole in the roster."""
    day = _WEEKDAYS[(strength.first_weekday + lack.day) % 7]
    what = lack.skill if lack.skill is not None else lack.lacking
    many = "one" if lack.count == 1 else str(lack.count)
    return f"{day}, day {lack.day + 1}: {lack.team_id} lacks {many} {what}"


def loads_of(strength: Strength, duties: Iterable[TeamDuty]) -> tuple[Load, ...]:
    """What each guard has to do in all."""
    teams = {team.team_id: team for team in strength.teams}
    done: dict[str, list[tuple[int, Team]]] = {guard.guard_id: [] for guard in strength.guards}
    for duty in duties:
        for guard in duty.guards:
            done[guard].append((duty.day, teams[duty.team_id]))
    return tuple(
        Load(
            guard_id=guard,
            hours=sum(team.hours for _, team in own),
            nights=sum(is_night(team) for _, team in own),
            weekends=sum(_is_weekend(strength, day) for day, _ in own),
        )
        for guard, own in done.items()
    )


class _Model:
    """The program: who goes where, which vehicle goes with whom, and what is missing."""

    def __init__(self, strength: Strength, absences: Sequence[Absence] = (), from_day: int = 0) -> None:
        _check(strength)
        self._strength = strength
        self._absences, self._from_day = absences, from_day
        self._slots = slots(strength)
        self._rows = Rows()
        self._cost: list[float] = []
        self._low: list[float] = []
        self._high: list[float] = []
        self._whole: list[bool] = []
        self._constant = 0.0
        self._fairness: Fairness | None = None
        self._ends: list[tuple[int, int]] = []
        self._rules = 0
        self._goes = {
            (guard.guard_id, k): self._column(high=float(self._there(guard, slot)), whole=True)
            for guard in strength.guards
            for k, slot in enumerate(self._slots)
        }
        self._drives = {
            (vehicle.vehicle_id, k): self._column(high=float(self._runs(vehicle, slot)), whole=True)
            for vehicle in strength.vehicles
            for k, slot in enumerate(self._slots)
            if slot.team.vehicle
        }
        self._lacks: dict[tuple[int, Lacking, str | None], int] = {}
        self._needs()
        self._rests()
        self._limits()

    def share_fairly(self) -> None:
        """Count what differs between who has most and who has least to do."""
        strength = self._strength
        self._rules = len(self._rows.low)
        hours = [slot.team.hours for slot in self._slots]
        nights = [float(is_night(slot.team)) for slot in self._slots]
        weekends = [float(_is_weekend(strength, slot.day)) for slot in self._slots]
        present = [strength.days - len({day for day in g.leave if day < strength.days}) for g in strength.guards]
        if not any(present) or not self._slots:
            return
        scales = np.array([strength.days / days if days else 0.0 for days in present])
        self._fairness = Fairness(
            np.array([hours, nights, weekends]), np.array([HOUR_COST, NIGHT_COST, WEEKEND_COST]), scales
        )
        self._ends = [self._spread(w, cost, scales) for w, cost in zip(*self._fairness[:2], strict=True)]

    def keep(self, roster: Roster, from_day: int) -> None:
        """Count every change of a roster, and let none be before a day."""
        held = {(guard, duty.day, duty.team_id) for duty in roster.duties for guard in duty.guards}
        driven = {(duty.vehicle_id, duty.day, duty.team_id) for duty in roster.duties if duty.vehicle_id}
        for columns, was in ((self._goes, held), (self._drives, driven)):
            for (who, k), column in columns.items():
                slot = self._slots[k]
                before = (who, slot.day, slot.team.team_id) in was
                if slot.day < from_day:
                    self._low[column] = self._high[column] = float(before)
                elif columns is self._goes:
                    self._cost[column] += -CHANGE_COST if before else CHANGE_COST
                    self._constant += CHANGE_COST * before
                else:
                    self._cost[column] += 0.0 if before else CHANGE_COST / 100

    def solved(self, time_limit_s: float) -> Roster:
        """The roster that the program's solution is."""
        program = Program(
            cost=np.array(self._cost),
            matrix=self._rows.matrix(len(self._cost)),
            row_low=np.array(self._rows.low),
            row_high=np.array(self._rows.high),
            low=np.array(self._low),
            high=np.array(self._high),
            whole=np.array(self._whole),
        )
        fewest = np.where(program.cost >= LACK_COST, program.cost, 0.0)
        manned = solve(program._replace(cost=fewest), time_limit_s=time_limit_s / 2)
        if manned.status == "infeasible":
            raise InputError("what was before the day to plan from breaks the rules: plan from an earlier day")
        start = self._fairer(program, manned.x)
        fair = solve(program, time_limit_s=max(time_limit_s - manned.took_s, 1.0), start=start)
        # What is added to the cost of holes is never below 0, so their bound holds for the whole as well.
        return self._roster(fair, max(fair.bound + self._constant, manned.bound))

    def _column(self, *, cost: float = 0.0, low: float = 0.0, high: float = math.inf, whole: bool = False) -> int:
        self._cost.append(cost)
        self._low.append(low)
        self._high.append(high)
        self._whole.append(whole)
        return len(self._cost) - 1

    def _there(self, guard: Guard, slot: Slot) -> bool:
        away = self._absent(guard.guard_id, slot.day)
        return slot.day not in guard.leave and slot.start_h >= guard.rested_hour and not away

    def _runs(self, vehicle: Vehicle, slot: Slot) -> bool:
        return slot.day not in vehicle.away and not self._absent(vehicle.vehicle_id, slot.day)

    def _absent(self, who: str, day: int) -> bool:
        return any(
            each.who == who and max(self._from_day, each.from_day) <= day < each.until_day for each in self._absences
        )

    def _needs(self) -> None:
        """Persons, skills and a vehicle for every duty, or what is missing of them."""
        for k, slot in enumerate(self._slots):
            everybody = [self._goes[guard.guard_id, k] for guard in self._strength.guards]
            self._need(k, "person", None, everybody, slot.team.persons, exact=True)
            for skill, count in Counter(slot.team.skills).items():
                able = [self._goes[guard.guard_id, k] for guard in self._strength.guards if skill in guard.skills]
                self._need(k, "skill", skill, able, count, exact=False)
            if slot.team.vehicle:
                cars = [self._drives[vehicle.vehicle_id, k] for vehicle in self._strength.vehicles]
                self._need(k, "vehicle", None, cars, 1, exact=True)

    def _need(self, k: int, what: Lacking, skill: str | None, columns: list[int], count: int, *, exact: bool) -> None:
        missing = self._column(cost=LACK_COST, high=count, whole=True)
        self._lacks[k, what, skill] = missing
        self._rows.add([*columns, missing], 1.0, count, count if exact else math.inf)

    def _rests(self) -> None:
        """Nobody, and no vehicle, is in two duties at a time, nor before having rested from one."""
        for slot in self._slots:
            resting = [
                i for i, other in enumerate(self._slots) if self._holds(other, slot, self._strength.rules.rest_h)
            ]
            driving = [i for i in resting if self._holds(self._slots[i], slot, 0.0)]
            for guard in self._strength.guards:
                self._rows.add([self._goes[guard.guard_id, i] for i in resting], 1.0, -math.inf, 1.0)
            for vehicle in self._strength.vehicles if slot.team.vehicle else ():
                columns = [
                    self._drives[vehicle.vehicle_id, i] for i in driving if (vehicle.vehicle_id, i) in self._drives
                ]
                self._rows.add(columns, 1.0, -math.inf, 1.0)
        if self._strength.rules.alternate:
            self._alternate()

    @staticmethod
    def _holds(other: Slot, slot: Slot, rest_h: float) -> bool:
        """Whether a duty that has begun still keeps somebody when another one begins."""
        return other.start_h <= slot.start_h < other.end_h + rest_h

    def _alternate(self) -> None:
        index = {(slot.day, slot.team.team_id): k for k, slot in enumerate(self._slots)}
        running = [(k, index[day + 1, team]) for (day, team), k in index.items() if (day + 1, team) in index]
        for one, next_day in running:
            for guard in self._strength.guards:
                columns = [self._goes[guard.guard_id, one], self._goes[guard.guard_id, next_day]]
                self._rows.add(columns, 1.0, -math.inf, 1.0)

    def _limits(self) -> None:
        """At most so many hours in seven days, and so many days and nights running."""
        rules = self._strength.rules
        hours = [slot.team.hours for slot in self._slots]
        nights = [float(is_night(slot.team)) for slot in self._slots]
        self._window(7, hours, rules.week_h)
        self._window(rules.days_in_row + 1, [1.0] * len(hours), rules.days_in_row, daily=True)
        self._window(rules.nights_in_row + 1, nights, rules.nights_in_row, daily=True)

    def _window(self, length: int, weights: list[float], most: float, *, daily: bool = False) -> None:
        """At most so much in each run of days; where it is counted `daily`, one day counts once."""
        for first in range(max(1, self._strength.days - length + 1)):
            run = [k for k, slot in enumerate(self._slots) if first <= slot.day < first + length and weights[k]]
            if len({self._slots[k].day for k in run}) <= most and daily:
                continue
            for guard in self._strength.guards:
                columns = [self._goes[guard.guard_id, k] for k in run]
                if daily:
                    self._daily(columns, run, most)
                else:
                    self._rows.add(columns, [weights[k] for k in run], -math.inf, most)

    def _daily(self, columns: list[int], run: list[int], most: float) -> None:
        """One row of at most so many days, of which each counts once however many duties begin on it."""
        days = [self._slots[k].day for k in run]
        if self._one_a_day():
            self._rows.add(columns, 1.0, -math.inf, most)
            return
        on = {day: self._column(high=1.0) for day in sorted(set(days))}
        for column, day in zip(columns, days, strict=True):
            self._rows.add([column, on[day]], [1.0, -1.0], -math.inf, 0.0)
        self._rows.add(list(on.values()), 1.0, -math.inf, most)

    def _one_a_day(self) -> bool:
        """Whether rest alone keeps anybody from two duties that begin on one day."""
        rest = self._strength.rules.rest_h
        ends = [team.from_hour + team.hours + rest for team in self._strength.teams]
        return min(ends, default=0.0) > max((team.from_hour for team in self._strength.teams), default=0.0)

    def _spread(self, weights: Array, cost: float, scales: Array) -> tuple[int, int]:
        """Columns for the most and the least that anybody does, each by the days that they are there."""
        used = np.flatnonzero(weights).tolist()
        most, least = self._column(cost=cost), self._column(cost=-cost)
        if not used:
            self._high[least] = 0.0
        for guard, scale in zip(self._strength.guards, scales.tolist(), strict=True):
            if scale > 0 and used:
                columns = [self._goes[guard.guard_id, k] for k in used]
                values = (weights[used] * scale).tolist()
                self._rows.add([*columns, most], [*values, -1.0], -math.inf, 0.0)
                self._rows.add([*columns, least], [*values, -1.0], 0.0, math.inf)
        return most, least

    def _fairer(self, program: Program, x: Array) -> Array:
        """A solution that is as fair as taking over and exchanging duties makes it."""
        if self._fairness is None:
            return x
        guards, count = [guard.guard_id for guard in self._strength.guards], len(self._slots)
        columns = np.array([[self._goes[guard, k] for k in range(count)] for guard in guards])
        rules = slice(0, self._rules)
        swaps = Swaps(columns, program.matrix[rules], program.row_low[rules], program.row_high[rules], program.high)
        found = swaps.fairer(x, self._fairness)
        loads = self._fairness.scales * (self._fairness.weights @ np.round(found[columns]).T)
        there = loads[:, self._fairness.scales > 0]
        for (most, least), own in zip(self._ends, there, strict=True):
            found[most], found[least] = own.max(), own.min()
        return found

    def _roster(self, solution: Solution, bound: float) -> Roster:
        x = solution.x
        duties = tuple(
            TeamDuty(
                day=slot.day,
                team_id=slot.team.team_id,
                guards=tuple(
                    guard.guard_id for guard in self._strength.guards if _on(x, self._goes, guard.guard_id, k)
                ),
                vehicle_id=next(
                    (car.vehicle_id for car in self._strength.vehicles if _on(x, self._drives, car.vehicle_id, k)), None
                ),
            )
            for k, slot in enumerate(self._slots)
        )
        return Roster(
            duties=duties,
            loads=loads_of(self._strength, duties),
            lacks=tuple(self._lacking(x)),
            cost=solution.cost + self._constant,
            bound=bound,
        )

    def _lacking(self, x: Array) -> Iterable[Lack]:
        for (k, what, skill), column in self._lacks.items():
            if (count := round(float(x[column]))) > 0:
                slot = self._slots[k]
                yield Lack(day=slot.day, team_id=slot.team.team_id, lacking=what, count=count, skill=skill)


def _on(x: Array, columns: Mapping[tuple[str, int], int], who: str, k: int) -> bool:
    return (who, k) in columns and float(x[columns[who, k]]) > 0.5


def _is_weekend(strength: Strength, day: int) -> bool:
    return (strength.first_weekday + day) % 7 in strength.rules.weekend


def _check(strength: Strength) -> None:
    """Raises: InputError where two bear one name, or a team is smaller than allowed or than its skills need."""
    named = [("guard", guard.guard_id) for guard in strength.guards]
    named += [("vehicle", vehicle.vehicle_id) for vehicle in strength.vehicles]
    named += [("team", team.team_id) for team in strength.teams]
    for (kind, name), count in Counter(named).items():
        if count > 1:
            raise InputError(f"there are {count} of the {kind} {name}")
    for team in strength.teams:
        if team.persons < strength.rules.least_persons:
            least = strength.rules.least_persons
            raise InputError(f"team {team.team_id} is {team.persons}, and no team may be smaller than {least}")
        if any(count > team.persons for count in Counter(team.skills).values()):
            raise InputError(f"team {team.team_id} needs a skill of more than its {team.persons} persons")
