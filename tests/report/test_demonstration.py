import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.kernel.error import InputError
from marsad.report.demonstration import demonstrate, more_needed, surely_above


def upper_tail(found: int, of: int, share: float) -> float:
    """The probability of so many or more, summed by hand."""
    return sum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in range(found, of + 1))


@pytest.mark.parametrize(("found", "of"), [(29, 29), (46, 47), (61, 63), (49, 50), (98, 100), (3, 7)])
def test_the_bound_is_the_share_at_which_so_many_would_be_one_in_twenty(found: int, of: int) -> None:
    assert upper_tail(found, of, surely_above(found, of)) == pytest.approx(0.05)


@pytest.mark.parametrize(("found", "of", "shown"), [(28, 28, False), (29, 29, True), (44, 45, False), (46, 47, True)])
def test_the_well_known_least_numbers(found: int, of: int, shown: bool) -> None:
    assert demonstrate(found, of).shown is shown


def test_both_counts_of_the_specification_show_it() -> None:
    for found, of in ((49, 50), (98, 100)):
        shown = demonstrate(found, of)
        assert shown.shown
        assert shown.schedule_met
        assert (shown.more_needed, shown.schedule_more) == (0, 0)


@pytest.mark.parametrize(
    ("found", "of", "more"), [(0, 0, 50), (10, 10, 40), (10, 11, 39), (10, 12, 88), (97, 99, 1), (97, 100, None)]
)
def test_how_many_more_the_specification_wants(found: int, of: int, more: int | None) -> None:
    assert demonstrate(found, of).schedule_more == more


@given(of=st.integers(0, 60), missed=st.integers(0, 12))
def test_so_many_more_suffice_and_one_less_does_not(of: int, missed: int) -> None:
    found = max(of - missed, 0)
    more = more_needed(found, of)
    assert upper_tail(found + more, of + more, 0.9) < 0.05
    if more:
        assert upper_tail(found + more - 1, of + more - 1, 0.9) >= 0.05


def test_more_found_than_tried_is_refused() -> None:
    with pytest.raises(InputError, match="3 of 2"):
        demonstrate(3, 2)
