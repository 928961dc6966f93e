"""Whether crossings that were tried show what a perimeter's probability of detection must be, and how many more would.

A guide specification asks for more than 90 % at 95 % confidence, which it holds to be shown by 49 found of 50 or 98 of
100. What shows it in general is the one-sided exact bound: 29 of 29, 46 of 47 and so on.

Source: UFGS 13721A, perimeter intrusion detection; Clopper and Pearson, Biometrika 26 (1934) 404-413.
"""

from typing import Final

from scipy.special import betaincinv

from marsad.kernel.record import Record
from marsad.report.interval import Share, exact_share

WANTED: Final = 0.9
CONFIDENCE: Final = 0.95
SCHEDULE: Final = ((50, 1), (100, 2))
"""So many crossings with at most so many missed, as the specification counts."""


class Demonstration(Record):
    """What crossings show of the probability of detection.

    `surely_above` is the one-sided exact bound at 95 %; `shown` says whether it is above 90 %. `more_needed` is the
    least number of further crossings, all found, that would make it so. `schedule_met` says whether 49 of 50 or 98 of
    100 was reached, `schedule_more` how many further ones, all found, would reach it; None where a third was missed.
    """

    share: Share
    surely_above: float
    shown: bool
    more_needed: int
    schedule_met: bool
    schedule_more: int | None


def demonstrate(found: int, of: int) -> Demonstration:
    """What so many found of so many show. Raises: InputError where `found` is not among `of`."""
    share = exact_share(found, of)
    surely = surely_above(found, of)
    more = _schedule_more(of - found, of)
    return Demonstration(
        share=share,
        surely_above=surely,
        shown=surely > WANTED,
        more_needed=more_needed(found, of),
        schedule_met=more == 0,
        schedule_more=more,
    )


def surely_above(found: int, of: int, confidence: float = CONFIDENCE) -> float:
    """The share that the true one exceeds with this confidence, one-sided and exact."""
    return 0.0 if found == 0 else float(betaincinv(found, of - found + 1, 1 - confidence))


def more_needed(found: int, of: int, wanted: float = WANTED, confidence: float = CONFIDENCE) -> int:
    """The least number of further crossings, all found, after which the share is surely above `wanted`."""
    low, high = -1, 1
    while not _enough(found + high, of + high, wanted, confidence):
        low, high = high, 2 * high
    if _enough(found, of, wanted, confidence):
        return 0
    low = max(low, 0)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _enough(found + middle, of + middle, wanted, confidence) else (middle, high)
    return high


def _enough(found: int, of: int, wanted: float, confidence: float) -> bool:
    return surely_above(found, of, confidence) > wanted


def _schedule_more(missed: int, of: int) -> int | None:
    """How many further crossings, all found, meet the specification's own count; None where too many were missed."""
    wanted = [max(count - of, 0) for count, allowed in SCHEDULE if missed <= allowed]
    return min(wanted, default=None)
