import pytest

from marsad.report.demonstration import demonstrate
from marsad.report.interval import exact_share
from marsad.report.walktest import PredictedShare, predicted_at, verdict
from marsad.report.walktest_text import clock, demonstration, share, table

TABLE = (
    PredictedShare(height_px_from=8, height_px_to=30, found=99, of=100),
    PredictedShare(height_px_from=5, height_px_to=8, found=3, of=4),
    PredictedShare(height_px_from=3, height_px_to=5, found=0, of=0),
)


@pytest.mark.parametrize(
    ("height_px", "expected"), [(5, 0.75), (7.99, 0.75), (8, 0.99), (60, 0.99), (4, None), (1, None)]
)
def test_a_height_is_looked_up_where_the_simulation_tried_it(height_px: float, expected: float | None) -> None:
    assert predicted_at(TABLE, height_px) == expected


def test_the_verdict_is_whether_the_exact_interval_holds_what_was_predicted() -> None:
    found = exact_share(12, 20)
    assert verdict(found, 0.6) == "as predicted"
    assert verdict(found, found.high + 1e-6) == "worse than predicted"
    assert verdict(found, found.low - 1e-6) == "better than predicted"
    assert verdict(exact_share(0, 0), 0.6) == ""
    assert verdict(found, None) == ""


def test_what_is_shown_and_what_is_not_is_said_with_how_many_more() -> None:
    assert "SHOWN: surely above 90.9%" in demonstration(demonstrate(49, 50)).replace("NOT SHOWN", "")
    short = demonstration(demonstrate(20, 20))
    assert "NOT SHOWN" in short
    assert "at least 9 more crossings" in short
    assert "needs 30 more" in short
    assert "out of reach" in demonstration(demonstrate(17, 20))
    assert demonstration(demonstrate(0, 0)) == "none tried"


def test_a_share_is_said_with_its_interval() -> None:
    assert share(exact_share(7, 7)) == "7 of 7 = 100% (59%-100%)"
    assert share(exact_share(0, 0)) == "0 of 0"


def test_columns_stand_under_each_other() -> None:
    rows = table(("place", "n"), [("0-100", "3"), ("1000-1100", "12")]).splitlines()
    assert rows == ["      place   n", "      0-100   3", "  1000-1100  12"]


def test_times_are_said_in_utc() -> None:
    assert clock(1_786_219_200 * 10**9) == "2026-08-08 20:00:00"
