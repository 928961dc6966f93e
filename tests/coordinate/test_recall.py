"""What was told is taken back, or put right."""

import pytest
from msgspec.structs import replace
from release_chance import NOW, NS, SECRET, countersigned
from test_release import AGREEMENT, TERMS, offer, track

from marsad.coordinate.preview import view_of
from marsad.coordinate.recall import correct, recall
from marsad.coordinate.release import is_urgent, release
from marsad.coordinate.terms import Terms
from marsad.kernel.agreement import Narrowing
from marsad.kernel.error import RefusedError
from marsad.kernel.release import Release


def told() -> Release:
    found = release(offer(track()), TERMS, NOW)
    assert isinstance(found, Release)
    return found


def test_a_recall_names_what_it_takes_back_and_says_nothing_else() -> None:
    back = recall(told(), TERMS, NOW)
    assert (back.act, back.replaces, back.thing_id) == ("recalled", told().release_id, told().thing_id)
    assert (back.cell, back.kind, back.sigma_m) == (None, None, None)
    assert is_urgent(back)
    assert len(view_of([told()], AGREEMENT, NOW).spots) == 1
    assert view_of([told(), back], AGREEMENT, NOW).spots == ()


def test_a_correction_stands_in_its_place_under_the_same_name() -> None:
    right = correct(told(), offer(track(900, 400)), TERMS, NOW)
    assert (right.act, right.replaces, right.thing_id) == ("corrected", told().release_id, told().thing_id)
    (spot,) = view_of([told(), right], AGREEMENT, NOW).spots
    assert spot.release == right
    assert right.release_id != told().release_id


def test_a_correction_that_may_not_be_told_is_a_recall() -> None:
    assert correct(told(), offer(track(origin="west")), TERMS, NOW).act == "recalled"
    assert correct(told(), offer(track(north_m=9000)), TERMS, NOW).act == "recalled"


def test_a_recall_of_what_was_told_anew_since_leaves_the_new() -> None:
    newer = release(offer(track(900)), TERMS, NOW)
    assert isinstance(newer, Release)
    view = view_of([told(), newer, recall(told(), TERMS, NOW)], AGREEMENT, NOW)
    assert [spot.release for spot in view.spots] == [newer]


def test_a_recall_is_allowed_after_a_stop() -> None:
    stop = Narrowing(agreement_id="line-7", version=1, officer="Leyla", reason="a leak", time_ns=NOW - NS)
    assert recall(told(), Terms(countersigned(AGREEMENT), "east", SECRET, narrowing=stop), NOW).act == "recalled"


def test_nobody_takes_back_what_somebody_else_told() -> None:
    for strange in (replace(told(), giver="west"), replace(told(), agreement_id="line-8"), recall(told(), TERMS, NOW)):
        with pytest.raises(RefusedError):
            recall(strange, TERMS, NOW)
        with pytest.raises(RefusedError):
            correct(strange, offer(track()), TERMS, NOW)
