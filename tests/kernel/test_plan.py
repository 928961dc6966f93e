"""What a plan says of how much a better one could save."""

import pytest

from marsad.kernel.plan import Placement, Plan, gap


def test_a_gap_is_the_share_of_the_cost_above_the_bound() -> None:
    assert gap(200.0, 150.0) == pytest.approx(0.25)
    assert gap(0.0, 0.0) == 0.0
    assert gap(100.0, 100.0 + 1e-9) == 0.0


def test_a_plan_tells_its_own_gap() -> None:
    tower = Placement(option="hill 12", kind="tower", cost=60.0)
    plan = Plan(placements=(tower,), cost=60.0, bound=45.0, required=0.9, reached=0.93)
    assert plan.gap == pytest.approx(0.25)
