"""What the console tells of how the plan holds."""

from litestar import Litestar
from litestar.testing import TestClient

from marsad.console.closure import closure_routes
from marsad.kernel.closure import ClosingStep, Closure, OpenByPlan

CLOSURE = Closure(
    time_ns=1_786_000_000_000_000_000, line_id="ridge", required=0.9, reached=0.31, closable=True, minutes=30.0,
    bound_minutes=30.0, open=(OpenByPlan(from_m=1200.0, to_m=1600.0, reached=0.31),),
    steps=(ClosingStep(what="restore_camera", name="cam-3", minutes=30.0),),
)  # fmt: skip


def test_it_tells_what_is_open_and_what_closes_it() -> None:
    with TestClient(Litestar(closure_routes(lambda: CLOSURE))) as client:
        told = client.get("/api/closure").json()["closure"]
    assert told["open"] == [{"from_m": 1200.0, "to_m": 1600.0, "reached": 0.31}]
    assert told["steps"][0]["name"] == "cam-3"
    assert CLOSURE.open_m == 400.0


def test_without_a_plan_there_is_nothing_to_tell() -> None:
    with TestClient(Litestar(closure_routes(lambda: None))) as client:
        assert client.get("/api/closure").json() == {"closure": None}
