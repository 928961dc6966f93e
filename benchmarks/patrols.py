"""What gets past patrols that are foreseen, wander, or are drawn at best, on the same beats and the same evader.

    python benchmarks/patrols.py [--cases NAME ...] [--states N] [--json]

The evader knows how the patrol is drawn, not what is drawn, and chooses place and moment; what counts is the
probability that it gets across unseen (times the place's worth), at its best place. A timetable goes to and fro, or
round, and is known to the hour; `begun anywhere` is the same begun at a drawn moment. `wandering` goes to any neighbour
or stays, all equally likely; `errands` goes the shortest way to places drawn one after the other. `best` is the drawn
patrol with what it guarantees, and `bound` what no patrol can go below. The shift has a base to leave and to come home
to; its rounds are found one by one for half a minute.
"""

import time
from collections.abc import Callable, Mapping

import numpy as np

from figures import Target, command, show
from marsad.plan.patrol_game import Chain, Patrolling, improve, through, timetable, tour_chain, wandering_chain
from marsad.plan.patrol_shift import DrawnRounds, Shift, improve_rounds
from marsad.plan.patrol_walk import Beat, Ground, Place, Way, line

STATES = 20_000
SHIFT_S = 30.0


def row(count: int, crossing: int, alarm: float = 0.0, slots: int = 1) -> Beat:
    """Places in a row."""
    return line([Place(place_id=str(k), crossing_slots=crossing, alarm=alarm) for k in range(count)], slots)


def ring(count: int, crossing: int) -> Beat:
    """Places in a ring."""
    open_row = row(count, crossing)
    return Beat(places=open_row.places, ways=(*open_row.ways, Way(one=str(count - 1), other="0")))


def uneven(count: int) -> Beat:
    """A row where a wadi is crossed in half the time and a town's edge is worth more."""
    places = tuple(
        Place(place_id=str(k), crossing_slots=3 if k % 4 == 1 else 6, worth=1.5 if k % 5 == 2 else 1.0, catch=0.9)
        for k in range(count)
    )
    return line(places)


def fork() -> Beat:
    """Three arms of four places, two slots apart, about a base in the middle."""
    places = [Place(place_id="base", crossing_slots=12)]
    places += [Place(place_id=f"{arm}{k}", crossing_slots=12) for arm in "abc" for k in range(4)]
    ways = [
        Way(one="base" if k == 0 else f"{arm}{k - 1}", other=f"{arm}{k}", slots=2) for arm in "abc" for k in range(4)
    ]
    return Beat(places=tuple(places), ways=tuple(ways))


CASES: dict[str, Callable[[], Beat]] = {
    "row_10": lambda: row(10, 6),
    "row_20": lambda: row(20, 8),
    "row_40": lambda: row(40, 10),
    "row_10_alarms": lambda: row(10, 6, alarm=0.5),
    "row_20_roads": lambda: row(20, 14, slots=2),
    "ring_12": lambda: ring(12, 6),
    "uneven_16": lambda: uneven(16),
    "fork_13": fork,
}
TARGETS = [Target(f"{case}_gap", "at_most", 0.01) for case in CASES]


def tour(ground: Ground) -> list[int]:
    """The timetable: round by every place and back to the first, over the shortest ways."""
    order = [0]
    for place in [*range(1, ground.places), 0]:
        order += way(ground, order[-1], place)
    return order[:-1]


def way(ground: Ground, start: int, end: int) -> list[int]:
    """The nodes of a shortest way, the first left out."""
    nodes = []
    while start != end:
        start = min(ground.after[start], key=lambda node: (ground.slots[node, end], node))
        nodes.append(start)
    return nodes


def errands_chain(ground: Ground) -> Chain:
    """Places drawn one after the other, all equally likely, each gone to by the shortest way."""
    states = [(node, aim) for node in range(ground.nodes) for aim in range(ground.places)]
    index = {state: k for k, state in enumerate(states)}
    tails, heads, chances = [], [], []
    for (node, aim), k in index.items():
        step = min(ground.after[node], key=lambda other: (ground.slots[other, aim], other)) if node != aim else node
        aims = range(ground.places) if step == aim else [aim]
        for other in aims:
            tails.append(k)
            heads.append(index[step, other])
            chances.append(1 / len(aims))
    chain = Chain(
        np.array([node for node, _ in states]), np.empty(0), np.array(tails), np.array(heads), np.array(chances)
    )
    share, turned = np.full(len(states), 1 / len(states)), chain.steps().T.tocsr()
    for _ in range(20_000):
        share = (share + turned @ share) / 2
    return chain._replace(share=share)


def compare(beat: Beat, states: int) -> tuple[dict[str, object], Patrolling]:
    """What gets past each kind of patrol on a beat, and the best of them."""
    ground = Ground(beat)
    round_trip = tour(ground)
    begun = time.perf_counter()
    *_, best = improve(beat, states=states)
    return {
        "timetable": float(timetable(ground, round_trip).max()),
        "begun_anywhere": float(through(ground, tour_chain(round_trip)).max()),
        "wandering": float(through(ground, wandering_chain(ground)).max()),
        "errands": float(through(ground, errands_chain(ground)).max()),
        "best": best.guaranteed,
        "bound": best.bound,
        "gap": best.gap,
        "states": len(best.chain.nodes),
        "seconds": time.perf_counter() - begun,
    }, best


def rounds(states: int) -> dict[str, object]:
    """A shift of eight hours in quarters, out of the middle of a row of twelve, not watched at its ends."""
    shift = Shift(slots=32, base="6", first_slot=6, until_slot=24)
    begun, found, drawn = time.perf_counter(), 0, None
    for each in improve_rounds(row(12, 5), shift, states=states):
        found, drawn = found + 1, each
        if time.perf_counter() - begun > SHIFT_S:
            break
    return {} if drawn is None else shift_figures(drawn, found, time.perf_counter() - begun)


def shift_figures(drawn: DrawnRounds, found: int, seconds: float) -> dict[str, object]:
    """The figures of a shift."""
    return {
        "shift_12_best": drawn.guaranteed,
        "shift_12_bound": drawn.bound,
        "shift_12_gap": drawn.gap,
        "shift_12_rounds_found": found,
        "shift_12_rounds_drawn": int((drawn.chances > 0).sum()),
        "shift_12_seconds": seconds,
    }


def table(found: Mapping[str, Mapping[str, object]]) -> None:
    """Print one row for each beat."""
    columns = list(next(iter(found.values())))
    print(f"{'':14}" + "".join(f"{name:>15}" for name in columns))
    for case, row_of in found.items():
        print(f"{case:14}" + "".join(f"{value:15.4g}" for value in row_of.values()))
    print()


def main() -> None:
    """Compare case by case, print a table and the figures."""
    parser = command(__doc__)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--states", type=int, default=STATES, help="the most states a patrol may have")
    asked = parser.parse_args()
    found = {case: compare(CASES[case](), asked.states)[0] for case in asked.cases}
    table(found)
    figures = {f"{case}_{name}": value for case, each in found.items() for name, value in each.items()}
    figures |= {target.figure: None for target in TARGETS if target.figure not in figures}
    show("patrols", figures | rounds(asked.states), TARGETS, as_json=asked.json)


if __name__ == "__main__":
    main()
