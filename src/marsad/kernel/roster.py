"""Who is on duty when, in which team and with which vehicle, and the rules that this has to keep."""

from typing import Annotated, Literal

from msgspec import Meta

from marsad.kernel.record import Record

Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\w.-]+$")]
Day = Annotated[int, Meta(ge=0)]
"""A day of the roster, 0 being its first."""

Hours = Annotated[float, Meta(gt=0)]
Lacking = Literal["person", "skill", "vehicle"]


class Guard(Record):
    """Somebody who can be on duty: what they can do, on which days they are away, and when their rest is over.

    `rested_hour` counts from the roster's first midnight: an earlier duty may reach into the first days.
    """

    guard_id: Id
    skills: tuple[str, ...] = ()
    leave: tuple[Day, ...] = ()
    rested_hour: float = 0.0


class Team(Record):
    """A duty that comes every day, or on some `days`: from when, for how long, and how many go.

    A skill named twice is needed of two of them.
    """

    team_id: Id
    from_hour: Annotated[float, Meta(ge=0, lt=24)]
    hours: Annotated[float, Meta(gt=0, le=24)]
    persons: Annotated[int, Meta(ge=1)]
    skills: tuple[str, ...] = ()
    vehicle: bool = False
    days: tuple[Day, ...] | None = None


class Vehicle(Record):
    """A vehicle, and the days on which no duty can begin with it."""

    vehicle_id: Id
    away: tuple[Day, ...] = ()


class RosterRules(Record):
    """What every roster has to keep.

    `rest_h` lies between two duties, at most `week_h` hours of duty begin in any seven days, and nobody begins one on
    more than `days_in_row` days or `nights_in_row` nights running. No team is smaller than `least_persons`. `alternate`
    keeps everybody off the team that they were in the day before. A night is a duty with three hours or more between
    23:00 and 6:00; `weekend` are weekdays, Monday being 0.
    Source of the figures: Directive 2003/88/EC, articles 2, 3 and 6.
    """

    rest_h: Annotated[float, Meta(ge=0)] = 11.0
    week_h: Hours = 48.0
    days_in_row: Annotated[int, Meta(ge=1)] = 6
    nights_in_row: Annotated[int, Meta(ge=1)] = 4
    least_persons: Annotated[int, Meta(ge=1)] = 2
    alternate: bool = False
    weekend: tuple[Annotated[int, Meta(ge=0, le=6)], ...] = (4, 5)


class Strength(Record):
    """Who and what there is, for so many days from a weekday on (0 being Monday), and what they are needed for."""

    days: Annotated[int, Meta(ge=1, le=92)]
    first_weekday: Annotated[int, Meta(ge=0, le=6)] = 0
    guards: tuple[Guard, ...]
    teams: tuple[Team, ...]
    vehicles: tuple[Vehicle, ...] = ()
    rules: RosterRules = RosterRules()


class TeamDuty(Record):
    """Who goes with a team on a day, and with which vehicle."""

    day: Day
    team_id: str
    guards: tuple[str, ...]
    vehicle_id: str | None = None


class Lack(Record):
    """What a team lacks on a day: so many persons, so many of them with a `skill`, or a vehicle."""

    day: Day
    team_id: str
    lacking: Lacking
    count: Annotated[int, Meta(ge=1)]
    skill: str | None = None


class Load(Record):
    """What a guard has to do in all: hours of duty, nights, and duties that begin at a weekend."""

    guard_id: str
    hours: float
    nights: int
    weekends: int


class Roster(Record):
    """Every duty and what each guard has to do. `lacks` are the holes: a team with one cannot go as asked.

    `cost` is what was made as small as could be, `bound` what no roster goes below.
    """

    duties: tuple[TeamDuty, ...]
    loads: tuple[Load, ...]
    lacks: tuple[Lack, ...] = ()
    cost: float = 0.0
    bound: float = 0.0

    @property
    def gap(self) -> float:
        """How far from the best it can be at most, as a share of its cost."""
        return max(0.0, (self.cost - self.bound) / self.cost) if self.cost > 0 else 0.0


class Absence(Record):
    """Somebody, or a vehicle, that drops out from one day to before another."""

    who: str
    from_day: Day
    until_day: Day
