"""GOSPA against every assignment there is, against Stone Soup's, and what makes it a metric."""

import itertools
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.kernel.error import InputError
from marsad.report.gospa import gospa, identity_changes

ROOT = Path(__file__).resolve().parents[2]
PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"

places = st.lists(st.tuples(st.floats(0, 60), st.floats(0, 60)), max_size=5).map(
    lambda found: np.array(found, float).reshape(-1, 2)
)


def by_hand(truth: np.ndarray, estimate: np.ndarray, cutoff: float, order: float, alpha: float) -> float:
    """The definition, by trying every assignment of the smaller set to the greater one."""
    few, many = sorted((truth, estimate), key=len)
    best = min(
        sum(min(float(np.linalg.norm(few[i] - many[j])), cutoff) ** order for i, j in enumerate(chosen))
        for chosen in itertools.permutations(range(len(many)), len(few))
    )
    return (best + cutoff**order / alpha * (len(many) - len(few))) ** (1 / order)


@given(places, places, st.sampled_from([5.0, 20.0, 100.0]), st.sampled_from([1.0, 2.0]), st.sampled_from([0.5, 1, 2]))
def test_no_assignment_is_better(
    truth: np.ndarray, estimate: np.ndarray, cutoff: float, order: float, alpha: float
) -> None:
    found = gospa(truth, estimate, cutoff, order, alpha)
    assert found.total_m == pytest.approx(by_hand(truth, estimate, cutoff, order, alpha), abs=1e-9)
    parts = found.localisation + found.missed_cost + found.false_cost
    assert parts == pytest.approx(found.total_m**order)


@given(places, places, places)
def test_a_detour_is_never_shorter(one: np.ndarray, two: np.ndarray, three: np.ndarray) -> None:
    direct = gospa(one, three, 20.0).total_m
    assert direct <= gospa(one, two, 20.0).total_m + gospa(two, three, 20.0).total_m + 1e-9


def test_what_is_missed_what_is_false_and_what_is_off_are_told_apart() -> None:
    truth = np.array([[0.0, 0.0], [100.0, 0.0], [200.0, 0.0]])
    estimate = np.array([[203.0, 4.0], [0.0, 0.0], [500.0, 0.0], [600.0, 0.0]])
    found = gospa(truth, estimate, 20.0)
    assert sorted(found.pairs.tolist()) == [[0, 1], [2, 0]]
    assert (found.missed, found.false) == (1, 2)
    assert (found.localisation, found.missed_cost, found.false_cost) == pytest.approx((25.0, 200.0, 400.0))
    assert found.total_m == pytest.approx(25.0)


def test_many_are_assigned_as_well_as_few(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    truth = rng.uniform(0, 800, (150, 2))
    estimate = np.concatenate([truth[20:] + rng.normal(0, 8, (130, 2)), rng.uniform(0, 800, (60, 2)), truth[:5]])
    sparse = gospa(truth, estimate, 25.0)
    monkeypatch.setattr("marsad.report.gospa._DENSE", 10**9)
    dense = gospa(truth, estimate, 25.0)
    assert sparse.total_m == pytest.approx(dense.total_m, rel=1e-12)
    assert (sparse.missed, sparse.false) == (dense.missed, dense.false)
    assert sorted(sparse.pairs.tolist()) == sorted(dense.pairs.tolist())


@pytest.mark.parametrize("settings", [(0.0, 2.0, 2.0), (10.0, 0.5, 2.0), (10.0, 2.0, 0.0), (10.0, 2.0, 2.5)])
def test_what_is_no_metric_is_refused(settings: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="GOSPA"):
        gospa(np.zeros((1, 2)), np.zeros((1, 2)), *settings)


def test_a_change_counts_once_and_a_gap_is_none() -> None:
    moments = [([1, 2], [10, 20]), ([1], [10]), ([1, 2], [20, 10]), ([2, 1], [10, 20])]
    assert identity_changes((np.array(one), np.array(two)) for one, two in moments) == 2


STONE_SOUP = """
import datetime, json, sys, warnings
warnings.simplefilter("ignore")
from stonesoup.metricgenerator.ospametric import GOSPAMetric
from stonesoup.types.state import State
when = datetime.datetime(2026, 1, 1)
said = []
for case in json.load(sys.stdin):
    states = [[State(place, timestamp=when) for place in case[side]] for side in ("estimate", "truth")]
    found, _ = GOSPAMetric(c=case["cutoff"], p=2).compute_gospa_metric(*states)
    said.append({key: float(value) for key, value in found.value.items()})
print(json.dumps(said))
"""


def test_stone_soup_says_the_same() -> None:
    if not PEER_PYTHON.exists():
        pytest.skip("no .venv-peers: `make peers` makes it")
    rng = np.random.default_rng(11)
    cases = []
    for cutoff in (10.0, 20.0, 50.0):
        for known, said in ((6, 9), (12, 5), (1, 1), (0, 3), (4, 0)):
            sides = {"truth": rng.uniform(0, 90, (known, 2)), "estimate": rng.uniform(0, 90, (said, 2))}
            cases.append({"cutoff": cutoff, **{side: sides[side].tolist() for side in sides}})
    done = subprocess.run(
        [PEER_PYTHON, "-c", STONE_SOUP], input=json.dumps(cases), capture_output=True, text=True, check=True
    )
    for case, theirs in zip(cases, json.loads(done.stdout), strict=True):
        truth, estimate = (np.array(case[side], float).reshape(-1, 2) for side in ("truth", "estimate"))
        ours = gospa(truth, estimate, case["cutoff"])
        assert ours.total_m == pytest.approx(theirs["distance"])
        parts = (ours.localisation, ours.missed_cost, ours.false_cost)
        assert parts == pytest.approx((theirs["localisation"], theirs["missed"], theirs["false"]), abs=1e-9)
