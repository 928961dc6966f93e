"""What it says that a camera does not report what another does, on flat ground and in view of both."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from marsad.fuse.fuser import Fuser, FuseSettings, sameness
from marsad.fuse.hypotheses import Rows
from marsad.fuse.sensor import PlaceSensor
from marsad.fuse.showing import USUALLY_SHOWN
from marsad.fuse.silence import odds_by_silence, rows_of, silence

NONE = np.zeros((0, 0))


def known(places: list[tuple[float, float]], rows_each: int = 1) -> Rows:
    """A track at each place, of so many equal rows."""
    count = len(places) * rows_each
    mean = np.zeros((count, 5))
    mean[:, :2] = np.repeat(places, rows_each, axis=0)
    return Rows(
        np.arange(0, count + 1, rows_each), mean, np.tile(np.eye(5), (count, 1, 1)), np.zeros((count, 5, 0)),
        np.full(count, 1 / rows_each), np.full((count, 2, 2), math.nan),
    )  # fmt: skip


def test_who_is_in_view_is_seldom_missed_and_who_is_not_always() -> None:
    near, far = PlaceSensor("near", (-100.0, -100.0, 100.0, 100.0)), PlaceSensor("far", (900.0, 0.0, 999.0, 9.0))
    reported = np.array([[True, False], [False, False]])
    rows = known([(0.0, 0.0), (50.0, 50.0)], 3)
    got = silence(rows, reported, np.ones((2, 2), np.bool_), NONE, [near, far])
    np.testing.assert_allclose(got, [[1.0, 1.0], [1 - USUALLY_SHOWN, 1.0]])
    assert (silence(rows, reported, np.zeros((2, 2), np.bool_), NONE, [near, far]) == 1.0).all()


def test_two_whom_different_cameras_report_are_the_likelier_one_the_opener_the_ground_is() -> None:
    pairs, reported = np.array([[0, 1]]), np.array([[True, False], [False, True]])
    single = np.zeros((2, 2), np.bool_)
    silent = np.array([[1.0, 0.2], [0.5, 1.0]])
    assert odds_by_silence(pairs, reported, single, silent) == pytest.approx([1 / (0.2 * 0.5)])
    assert odds_by_silence(pairs, np.ones((2, 2), np.bool_), single, silent) == pytest.approx([1.0])
    # A silhouette of several may hold the other.
    several = np.array([[True, False], [False, False]])
    assert odds_by_silence(pairs, reported, several, silent) == pytest.approx([1 / 0.2])


@given(
    hnp.arrays(np.bool_, (3, 4)), hnp.arrays(np.bool_, (3, 4)),
    hnp.arrays(np.float64, (3, 4), elements=st.floats(0.1, 1.0)),
)  # fmt: skip
def test_silence_never_speaks_against_two_being_one(reported: object, several: object, silent: object) -> None:
    pairs = np.array([[0, 1], [0, 2], [1, 2]])
    odds = odds_by_silence(pairs, reported, several, silent)  # type: ignore[arg-type]
    assert (odds >= 1.0).all()
    turned = odds_by_silence(pairs[:, ::-1], reported, several, silent)  # type: ignore[arg-type]
    np.testing.assert_allclose(odds, turned)


def test_rows_of_some_tracks_are_those_rows() -> None:
    rows = known([(float(k), 0.0) for k in range(5)], 2)
    some = rows_of(rows, np.array([3, 1]))
    assert some.mean[:, 0].tolist() == [3.0, 3.0, 1.0, 1.0]
    assert some.first.tolist() == [0, 2, 4]


def test_nobody_is_compared_where_there_is_nobody() -> None:
    fuser = Fuser([PlaceSensor("a")], FuseSettings())
    pairs, odds, part = sameness(fuser.state, tuple(fuser.sensors.values()), fuser.settings)
    assert (len(pairs), len(odds), len(part)) == (0, 0, 0)
