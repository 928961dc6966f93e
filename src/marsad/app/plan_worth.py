"""What a plan comes to: its worst ways, against evaders who know less, phase by phase, and as the house records it."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from marsad.app.plan_file import PlanFile
from marsad.app.plan_ground import Sector, way_points
from marsad.app.plan_options import Option
from marsad.app.plan_site import positions
from marsad.app.plan_siting import LOSABLE
from marsad.kernel.plan import Direction, Judgement, Loss, Phase, Placement, Way
from marsad.plan.crossing import shares_over
from marsad.plan.interruption import Interrupting
from marsad.plan.judging import judged, unaware
from marsad.plan.siting import Choice, Siting
from marsad.plan.siting import Path as Steps

STANDS: Final = "what stands"
DIRECTIONS: tuple[Direction, Direction] = ("inward", "outward")


def passages(plan: PlanFile) -> list[tuple[str, Direction]]:
    """Who goes which way, by the number of the passage."""
    return [(evader.id, direction) for evader in plan.evaders for direction in DIRECTIONS]


def worst_ways(sector: Sector, plan: PlanFile, siting: Siting, choice: Choice) -> tuple[Way, ...]:
    """The worst way of every evader inward and outward under a choice."""
    found = []
    for number, (evader, direction) in enumerate(passages(plan)):
        exposure, steps = siting.weakest_of(number, choice)
        if len(steps.places):
            found.append(_worst_way(sector, plan, siting, choice, steps, evader, direction, exposure))
    return tuple(found)


def _worst_way(
    sector: Sector, plan: PlanFile, siting: Siting, choice: Choice, steps: Steps, evader: str, direction: Direction,
    exposure: float,
) -> Way:  # fmt: skip
    points = way_points(sector, steps.places)
    rates = siting.place_rates(steps.passage, choice.astype(float))
    lengths = np.hypot(*np.diff(points, axis=0).T)
    unseen = 1 - shares_over(siting.passages[steps.passage], steps.places, rates > 0)
    meets = int(np.argmin(np.abs(sector.beside.offset_m.ravel()[steps.places])))
    places = positions(sector, points)
    way = Way(
        evader=evader,
        direction=direction,
        probability=-math.expm1(-exposure),
        detected=siting.detected(steps, choice),
        seconds=_seconds(siting, steps),
        unseen_m=float((unseen * lengths).sum()),
        points=places,
        crosses=places[meets],
    )
    return _answered(plan, siting, choice, steps, way) if isinstance(siting, Interrupting) else way


def _answered(plan: PlanFile, siting: Interrupting, choice: Choice, steps: Steps, way: Way) -> Way:
    """The way with how long it takes over barriers, who comes, and until where being noticed is of use."""
    left = siting.times(steps, choice)
    base, soon = siting.first_there(steps, choice)
    in_time = np.flatnonzero(left >= soon)
    return Way(
        evader=way.evader,
        direction=way.direction,
        probability=way.probability,
        detected=way.detected,
        seconds=float(left[0]),
        unseen_m=way.unseen_m,
        points=way.points,
        crosses=way.crosses,
        critical=way.points[int(in_time[-1])] if len(in_time) else None,
        response_s=soon if base >= 0 else None,
        answered_by=plan.bases[base].id if base >= 0 else "",
    )


def _seconds(siting: Siting, steps: Steps) -> float:
    """How long a way takes."""
    passage, spent = siting.passages[steps.passage], 0.0
    for tail, head in zip(steps.places[:-1], steps.places[1:], strict=True):
        arcs = slice(passage.starts[tail], passage.starts[tail + 1])
        spent += float(passage.seconds[arcs][passage.heads[arcs] == head].min())
    return spent


def judgements(plan: PlanFile, siting: Siting, choice: Choice) -> tuple[Judgement, ...]:
    """What a choice comes to against those who know all, some or nothing of it."""
    return tuple(
        Judgement(evader=evader, direction=direction, knows=knows, probability=min(max(probability, 0.0), 1.0))
        for number, (evader, direction) in enumerate(passages(plan))
        for knows, probability in judged(siting, number, choice).items()
    )


def phase_of(plan: PlanFile, option: Option) -> int:
    """When an option is built, from 1: what no phase names, in the last; what stands, in the first."""
    if option.standing or not plan.phases:
        return 1
    named = [number for number, phase in enumerate(plan.phases, 1) if option.kind in phase.builds]
    return named[0] if named else len(plan.phases)


def phases(plan: PlanFile, siting: Siting, options: Sequence[Option], choice: Choice) -> tuple[Phase, ...]:
    """What is spent and reached at the end of every phase, after `STANDS`."""
    if not plan.phases:
        return ()
    when = np.array([0 if option.standing else phase_of(plan, option) for option in options])
    found = []
    for end, name in enumerate([STANDS, *(phase.name for phase in plan.phases)]):
        there = choice & (when <= end)
        least = min(unaware(siting, number, there) for number in range(len(siting.passages)))
        found.append(
            Phase(name=name, cost=siting.cost(there), reached=reached(siting, there), unaware=min(max(least, 0.0), 1.0))
        )
    return tuple(found)


def reached(siting: Siting, choice: Choice) -> float:
    """The probability on the worst way under a choice."""
    return abs(min(max(siting.probability(choice), 0.0), 1.0))


def losses(siting: Siting, options: Sequence[Option], choice: Choice) -> tuple[Loss, ...]:
    """What is left on the worst way when any one tower or relay is lost, the worst loss first."""
    found = []
    for number, option in enumerate(options):
        if choice[number] and option.element in LOSABLE:
            without = choice.copy()
            without[number] = False
            found.append(Loss(option=option.candidate, kind=option.kind, reached=reached(siting, without)))
    return tuple(sorted(found, key=lambda loss: loss.reached))


def placements(sector: Sector, plan: PlanFile, built: Sequence[Option]) -> tuple[Placement, ...]:
    """What is built or stands, as the house records it."""
    return tuple(
        Placement(
            option=one.candidate,
            kind=one.kind,
            cost=one.cost,
            standing=one.standing,
            element=one.element,
            capital=one.capital,
            running_year=one.running_year,
            points=positions(sector, np.array([one.place]) if one.course is None else one.course),
            crews=one.crews,
            phase=phase_of(plan, one),
        )
        for one in built
    )
