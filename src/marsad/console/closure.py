"""How the plan holds now, over HTTP."""

from collections.abc import Callable

from litestar import get
from litestar.handlers import HTTPRouteHandler

from marsad.kernel.closure import Closure
from marsad.kernel.record import Record


class PlanShown(Record):
    """How the plan holds; `closure` is None where the station has no plan, and until that is worked out."""

    closure: Closure | None = None


def closure_routes(closure: Callable[[], Closure | None]) -> list[HTTPRouteHandler]:
    """The route of what is open by plan, to be put under a server's own guards."""

    @get("/api/closure", summary="Which stretches of the line are open by plan, and what closes them cheapest")
    async def plan() -> PlanShown:
        return PlanShown(closure=closure())

    return [plan]
