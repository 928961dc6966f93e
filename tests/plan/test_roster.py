"""Rosters against a checker that knows only the rules, and the best of small ones against every roster there is."""

from collections import Counter
from itertools import combinations, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marsad.kernel.error import InputError
from marsad.kernel.roster import (
    Absence,
    Guard,
    Lack,
    Roster,
    RosterRules,
    Strength,
    Team,
    TeamDuty,
    Vehicle,
)
from marsad.plan.roster import is_night, lack_text, plan_roster, replan

NIGHT = Team(team_id="night", from_hour=20.0, hours=10.0, persons=2, skills=("driver",), vehicle=True)
DAY = Team(team_id="day", from_hour=7.0, hours=9.0, persons=2)


def guards(count: int, drivers: int = 99, **each: tuple[int, ...]) -> tuple[Guard, ...]:
    return tuple(
        Guard(guard_id=f"g{k}", skills=("driver",) if k < drivers else (), leave=each.get(f"g{k}", ()))
        for k in range(count)
    )


def broken(strength: Strength, roster: Roster) -> list[str]:
    """Every rule that a roster breaks, looked at guard by guard, hour by hour."""
    teams, rules, found = {team.team_id: team for team in strength.teams}, strength.rules, []
    asked = {
        (day, team.team_id)
        for team in strength.teams
        for day in range(strength.days)
        if team.days is None or day in team.days
    }
    if sorted(asked) != sorted((duty.day, duty.team_id) for duty in roster.duties):
        found.append("not each duty once")
    lacks = {(lack.day, lack.team_id, lack.lacking, lack.skill): lack.count for lack in roster.lacks}
    for duty in roster.duties:
        team, key = teams[duty.team_id], (duty.day, duty.team_id)
        if len(set(duty.guards)) != team.persons - lacks.get((*key, "person", None), 0):
            found.append(f"{key}: wrong number")
        if team.vehicle != (duty.vehicle_id is not None or (*key, "vehicle", None) in lacks):
            found.append(f"{key}: vehicle")
        has = Counter(s for g in strength.guards if g.guard_id in duty.guards for s in g.skills)
        for skill, count in Counter(team.skills).items():
            if max(0, count - has[skill]) != lacks.get((*key, "skill", skill), 0):
                found.append(f"{key}: {skill}")
    for guard in strength.guards:
        own = [duty for duty in roster.duties if guard.guard_id in duty.guards]
        found += [f"{guard.guard_id}: {what}" for what in broken_by(own, guard, teams, rules, strength.days)]
    for vehicle in strength.vehicles:
        own = [duty for duty in roster.duties if duty.vehicle_id == vehicle.vehicle_id]
        hours = [hour for duty in own for hour in span(duty, teams, 0.0)]
        if len(hours) != len(set(hours)) or any(duty.day in vehicle.away for duty in own):
            found.append(f"{vehicle.vehicle_id}: twice or away")
    return found


def span(duty: TeamDuty, teams: dict[str, Team], rest_h: float) -> range:
    """The quarters of an hour that a duty takes somebody."""
    start = duty.day * 96 + round(teams[duty.team_id].from_hour * 4)
    return range(start, start + round((teams[duty.team_id].hours + rest_h) * 4))


def broken_by(own: list[TeamDuty], guard: Guard, teams: dict[str, Team], rules: RosterRules, days: int) -> list[str]:
    found = []
    taken = [quarter for duty in own for quarter in span(duty, teams, rules.rest_h)]
    if len(taken) != len(set(taken)):
        found.append("rest")
    if any(duty.day in guard.leave for duty in own):
        found.append("leave")
    if any(span(duty, teams, 0)[0] < guard.rested_hour * 4 for duty in own):
        found.append("not rested")
    if any(sum(teams[d.team_id].hours for d in own if a <= d.day < a + 7) > rules.week_h + 1e-9 for a in range(days)):
        found.append("hours of a week")
    if longest({duty.day for duty in own}) > rules.days_in_row:
        found.append("days in a row")
    if longest({duty.day for duty in own if is_night(teams[duty.team_id])}) > rules.nights_in_row:
        found.append("nights in a row")
    if rules.alternate and any(a.team_id == b.team_id and abs(a.day - b.day) == 1 for a, b in combinations(own, 2)):
        found.append("the same team twice")
    return found


def longest(days: set[int]) -> int:
    best = 0
    for day in days:
        run = 0
        while day + run in days:
            run += 1
        best = max(best, run)
    return best


@st.composite
def strengths(draw: st.DrawFn) -> Strength:
    days = draw(st.integers(1, 9))
    away = st.lists(st.integers(0, days - 1), max_size=3).map(tuple)
    crew = tuple(
        Guard(
            guard_id=f"g{k}",
            skills=draw(st.sampled_from([(), ("driver",), ("driver", "medic")])),
            leave=draw(away),
            rested_hour=draw(st.sampled_from([0.0, 12.0])),
        )
        for k in range(draw(st.integers(0, 7)))
    )
    teams = tuple(
        Team(
            team_id=f"t{k}",
            from_hour=draw(st.sampled_from([0.0, 6.0, 13.5, 20.0, 22.0])),
            hours=draw(st.sampled_from([4.0, 8.5, 12.0])),
            persons=draw(st.integers(2, 3)),
            skills=draw(st.sampled_from([(), ("driver",), ("driver", "medic"), ("driver", "driver")])),
            vehicle=draw(st.booleans()),
            days=draw(st.sampled_from([None, (0, 2, 3)])),
        )
        for k in range(draw(st.integers(1, 3)))
    )
    cars = tuple(Vehicle(vehicle_id=f"v{k}", away=draw(away)) for k in range(draw(st.integers(0, 2))))
    rules = RosterRules(
        rest_h=draw(st.sampled_from([0.0, 8.0, 11.0])),
        week_h=draw(st.sampled_from([24.0, 48.0])),
        days_in_row=draw(st.integers(1, 6)),
        nights_in_row=draw(st.integers(1, 3)),
        alternate=draw(st.booleans()),
    )
    return Strength(days=days, first_weekday=2, guards=crew, teams=teams, vehicles=cars, rules=rules)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(strength=strengths())
def test_every_roster_keeps_every_rule(strength: Strength) -> None:
    roster = plan_roster(strength, time_limit_s=5.0)
    assert broken(strength, roster) == []
    assert roster.bound <= roster.cost + 1e-6


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(strength=strengths(), data=st.data())
def test_every_roster_planned_again_keeps_every_rule_and_what_was(strength: Strength, data: st.DataObject) -> None:
    roster = plan_roster(strength, time_limit_s=5.0)
    names = [guard.guard_id for guard in strength.guards] + [vehicle.vehicle_id for vehicle in strength.vehicles]
    from_day = data.draw(st.integers(0, strength.days - 1))
    gone = data.draw(st.sampled_from(names)) if names else None
    absences = [Absence(who=gone, from_day=0, until_day=99)] if gone else []
    again = replan(strength, roster, absences, from_day=from_day, time_limit_s=5.0)
    assert broken(strength, again) == []
    assert [d for d in again.duties if d.day < from_day] == [d for d in roster.duties if d.day < from_day]
    assert not any(gone in {*d.guards, d.vehicle_id} for d in again.duties if gone and d.day >= from_day)


def cost_of(strength: Strength, chosen: tuple[frozenset[str], ...]) -> float:
    """What a roster without vehicles costs, by the words of the page; for guards that are always there."""
    teams = [(day, team) for day in range(strength.days) for team in strength.teams]
    skilled = {g.guard_id for g in strength.guards if "driver" in g.skills}
    lacks = sum(
        team.persons - len(who) + max(0, len(team.skills) - len(who & skilled))
        for (_, team), who in zip(teams, chosen, strict=True)
    )
    spread = 0.0
    for weight in (
        lambda _, team: 0.1 * team.hours,
        lambda _, team: float(is_night(team)),
        lambda day, _: float((strength.first_weekday + day) % 7 in strength.rules.weekend),
    ):
        done = [
            sum(weight(*slot) for slot, who in zip(teams, chosen, strict=True) if g.guard_id in who)
            for g in strength.guards
        ]
        spread += max(done) - min(done)
    return 1000 * lacks + spread


@pytest.mark.parametrize("drivers", [0, 1, 3])
@pytest.mark.parametrize("rest_h", [0.0, 11.0])
@pytest.mark.parametrize("count", [3, 4])
def test_the_roster_is_the_best_of_all(drivers: int, rest_h: float, count: int) -> None:
    night = Team(team_id="night", from_hour=20.0, hours=10.0, persons=2, skills=("driver",))
    strength = Strength(
        days=2, first_weekday=4, guards=guards(count, drivers), teams=(DAY, night), rules=RosterRules(rest_h=rest_h)
    )
    crews = [frozenset(c) for n in range(3) for c in combinations([g.guard_id for g in strength.guards], n)]
    every = (
        cost_of(strength, chosen)
        for chosen in product(crews, repeat=4)
        if rest_h == 0 or not any(chosen[k] & chosen[k + 1] for k in range(3))
    )
    found = plan_roster(strength)
    assert found.cost == pytest.approx(min(every))
    assert found.bound == pytest.approx(found.cost, rel=1e-5)


def test_the_hole_is_told_by_day_team_and_skill() -> None:
    strength = Strength(
        days=3,
        first_weekday=0,
        guards=guards(6, 2, g0=(1,), g1=(1,)),
        teams=(NIGHT,),
        vehicles=(Vehicle(vehicle_id="v"),),
    )
    roster = plan_roster(strength)
    assert roster.lacks == (Lack(day=1, team_id="night", lacking="skill", count=1, skill="driver"),)
    assert lack_text(strength, roster.lacks[0]) == "Tuesday, day 2: night lacks one driver"


def test_duties_are_shared_fairly() -> None:
    strength = Strength(days=14, guards=guards(8), teams=(DAY, NIGHT), vehicles=(Vehicle(vehicle_id="v"),))
    roster = plan_roster(strength, time_limit_s=20.0)
    assert roster.lacks == ()
    nights, weekends = ([getattr(load, what) for load in roster.loads] for what in ("nights", "weekends"))
    assert max(nights) - min(nights) <= 1
    assert max(weekends) - min(weekends) <= 1
    assert sum(load.hours for load in roster.loads) == 14 * 2 * (9 + 10)


def test_who_is_away_half_of_the_time_does_half() -> None:
    strength = Strength(days=12, guards=guards(6, g0=tuple(range(6))), teams=(DAY,), rules=RosterRules(days_in_row=12))
    roster = plan_roster(strength, time_limit_s=20.0)
    hours = {load.guard_id: load.hours for load in roster.loads}
    assert hours["g0"] == pytest.approx(2 * 9.0)
    assert {hours[g] for g in hours if g != "g0"} <= {4 * 9.0, 5 * 9.0}


def test_when_somebody_drops_out_one_takes_over_and_nobody_else_moves() -> None:
    strength = Strength(days=7, guards=guards(8), teams=(DAY, NIGHT), vehicles=(Vehicle(vehicle_id="v"),))
    roster = plan_roster(strength, time_limit_s=2.0)
    missed = sum("g2" in duty.guards for duty in roster.duties if duty.day >= 3)
    assert missed
    again = replan(strength, roster, [Absence(who="g2", from_day=3, until_day=7)], from_day=3)
    assert again.lacks == ()
    assert again.cost == pytest.approx(2 * missed)
    moved = [set(a.guards) - set(b.guards) for a, b in zip(again.duties, roster.duties, strict=True)]
    assert sum(map(len, moved)) == missed


def test_with_nobody_there_everything_lacks() -> None:
    roster = plan_roster(Strength(days=1, guards=(), teams=(NIGHT,)))
    assert {(lack.lacking, lack.count) for lack in roster.lacks} == {("person", 2), ("skill", 1), ("vehicle", 1)}


@pytest.mark.parametrize(
    ("strength", "message"),
    [
        (Strength(days=1, guards=(*guards(1), *guards(1)), teams=(DAY,)), "there are 2 of the guard g0"),
        (
            Strength(days=1, guards=(), teams=(Team(team_id="lone", from_hour=1.0, hours=2.0, persons=1),)),
            "team lone is 1, and no team may be smaller than 2",
        ),
        (
            Strength(
                days=1, guards=(), teams=(Team(team_id="t", from_hour=1.0, hours=2.0, persons=2, skills=("a",) * 3),)
            ),
            "team t needs a skill of more than its 2 persons",
        ),
    ],
)
def test_a_strength_that_contradicts_itself_is_refused(strength: Strength, message: str) -> None:
    with pytest.raises(InputError, match=message):
        plan_roster(strength)


def test_an_absence_of_a_stranger_is_refused() -> None:
    strength = Strength(days=1, guards=guards(2), teams=(DAY,))
    with pytest.raises(InputError, match="stranger drops out, and is neither a guard nor a vehicle"):
        replan(strength, plan_roster(strength), [Absence(who="stranger", from_day=0, until_day=1)], from_day=0)
