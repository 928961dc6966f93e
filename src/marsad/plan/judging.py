"""What a choice comes to against evaders who know less of it than all.

One who knows something takes a way through one of the gates, each the best there, the likelier the better it is
(a logit: evasion that is a tenth of `KEENNESS` likelier makes a way e times as likely). One who knows nothing crosses
anywhere, by the quickest way.

Source: R. McKelvey, T. Palfrey, Quantal response equilibria for normal form games, Games and Economic Behavior 10
(1995) 6-38.
"""

import math
from typing import Final

import numpy as np

from marsad.kernel.plan import Knowledge
from marsad.plan.crossing import Array, Places, least_exposure, trace
from marsad.plan.siting import Choice, Path, Siting

KEENNESS: Final = 10.0
"""Ours, not measured: at 0, ways are all alike to him; without end, he knows everything."""
_GATES = 60


def judged(siting: Siting, passage: int, choice: Choice) -> dict[Knowledge, float]:
    """The probability that a plan measures, against one who knows everything, something or nothing of a choice.

    It is 1 where there is no way at all.
    """
    halves = siting.halves(passage, siting.counted(choice.astype(float)), math.inf)
    known = _through(siting, passage, choice, halves.before, halves.after)
    if not len(known):
        return {"everything": 1.0, "something": 1.0, "nothing": 1.0}
    likely = np.exp(-KEENNESS * (known - known.min()))
    return {
        "everything": -math.expm1(-siting.weakest_of(passage, choice)[0]),
        "something": float(known @ likely / likely.sum()),
        "nothing": unaware(siting, passage, choice),
    }


def unaware(siting: Siting, passage: int, choice: Choice) -> float:
    """The same against one who knows nothing: the mean over the quickest ways through the gates."""
    way, ones = siting.passages[passage], np.ones(siting.passages[passage].points)
    rates = np.concatenate([ones, np.zeros(len(siting.rates[passage].starts) - 1 - len(ones))])
    forth, back = least_exposure(way, rates)[1], least_exposure(siting.back[passage], rates)[1]
    found = _through(siting, passage, choice, forth, back)
    return float(found.mean()) if len(found) else 1.0


def _through(siting: Siting, passage: int, choice: Choice, before: Places, after: Places) -> Array:
    """The probability on the way through each of some gates, spread evenly, that somebody gets to."""
    gates = siting.passages[passage].gates
    found = worth_through(siting, passage, choice, (before, after), gates[:: max(len(gates) // _GATES, 1)])
    return found[~np.isnan(found)]


def worth_through(siting: Siting, passage: int, choice: Choice, halves: tuple[Places, Places], gates: Places) -> Array:
    """The probability on a way through each gate, of the place before every place and the one after it.

    NaN where no way leads through.
    """
    entries, exits = set(siting.passages[passage].entries.tolist()), set(siting.passages[passage].exits.tolist())
    found = np.full(len(gates), np.nan)
    for number, gate in enumerate(gates):
        places = np.concatenate([trace(halves[0], gate), trace(halves[1], gate)[-2::-1]])
        if int(places[0]) in entries and int(places[-1]) in exits:
            found[number] = siting.worth(Path(passage, places), choice)
    return found
