"""What each patrol on the roster is to walk: a round drawn anew for every duty, and told to nobody else."""

from collections.abc import Mapping

import numpy as np

from marsad.kernel.record import Record
from marsad.kernel.roster import Roster
from marsad.plan.patrol_game import Patrolling
from marsad.plan.patrol_shift import DrawnRounds


class Order(Record):
    """Who goes with a team on a day, and where they are to be in each slot; None on the road."""

    day: int
    team_id: str
    guards: tuple[str, ...]
    places: tuple[str | None, ...]


def draw_orders(
    roster: Roster, patrols: Mapping[str, DrawnRounds | Patrolling], slots: int, rng: np.random.Generator
) -> tuple[Order, ...]:
    """An order for each duty of a team that has a drawn patrol; a team that lacks something has none.

    Each is drawn by itself: leaving out what was drawn yesterday would tell an evader what is not drawn today, and the
    value would not hold. A patrol of a watch without end is drawn for so many slots.
    """
    short = {(lack.day, lack.team_id) for lack in roster.lacks}
    return tuple(
        Order(
            day=duty.day,
            team_id=duty.team_id,
            guards=duty.guards,
            places=_drawn(patrols[duty.team_id], slots, rng),
        )
        for duty in roster.duties
        if duty.team_id in patrols and (duty.day, duty.team_id) not in short
    )


def _drawn(patrol: DrawnRounds | Patrolling, slots: int, rng: np.random.Generator) -> tuple[str | None, ...]:
    if isinstance(patrol, Patrolling):
        return patrol.draw(slots, rng)
    nodes = patrol.rounds[int(rng.choice(len(patrol.rounds), p=patrol.chances / patrol.chances.sum()))]
    places = patrol.ground.beat.places
    return tuple(places[node].place_id if node < len(places) else None for node in nodes.tolist())
