"""The demonstration's patrols as their phones report them: where each truly is, as well as a phone knows."""

from typing import Final
from zlib import crc32

import numpy as np

from marsad.geo.geodesy import EnuFrame
from marsad.kernel.act import Person, ReportPosition
from marsad.kernel.dispatch import Patrol
from marsad.kernel.site import Site
from marsad.simulate.actor import Actor, Array
from marsad.simulate.route import knots
from marsad.simulate.scenario import Scenario

NS: Final = 1_000_000_000
REPORT_S: Final = 3.0
PHONE_M: Final = 5.0
"""How far off a phone is under an open sky, one sigma along each axis."""
_STREAM: Final = 8
"""Of the scenario's seed: other streams are what cameras see."""


class Phones:
    """The phones of a site's patrols while a scenario is played.

    An actor of the patrol's role whose party is the patrol's id is that patrol; one that no actor plays stands at home.
    Before its route begins it waits at its first point, and afterwards it stays at its last.
    """

    def __init__(self, scenario: Scenario, site: Site, frame: EnuFrame, begin_ns: int) -> None:
        played = {actor.party: actor for actor in scenario.actors if actor.role == "patrol"}
        self._frame = frame
        self.begin_ns = begin_ns
        self._ways = {
            patrol.patrol_id: way
            for patrol in site.patrols
            if (way := _way(patrol, played.get(patrol.patrol_id), frame)) is not None
        }
        self._rngs = {
            patrol_id: np.random.default_rng([scenario.seed, _STREAM, crc32(patrol_id.encode())])
            for patrol_id in self._ways
        }
        self._next_ns = begin_ns

    def due(self, now_ns: int) -> list[tuple[Person, ReportPosition]]:
        """What the phones report by now, each at most once for each `REPORT_S`."""
        if now_ns < self._next_ns:
            return []
        self._next_ns = now_ns + round(REPORT_S * NS)
        return [self._report(patrol_id, now_ns) for patrol_id in self._ways]

    def _report(self, patrol_id: str, now_ns: int) -> tuple[Person, ReportPosition]:
        way, time_s = self._ways[patrol_id], (now_ns - self.begin_ns) / NS
        off_e, off_n = self._rngs[patrol_id].normal(0.0, PHONE_M, 2)
        east_m = float(np.interp(time_s, way[:, 0], way[:, 1]) + off_e)
        north_m = float(np.interp(time_s, way[:, 0], way[:, 2]) + off_n)
        report = ReportPosition(
            act_id=f"phone {patrol_id} {now_ns}", patrol_id=patrol_id, position=self._frame.position(east_m, north_m),
            sigma_m=PHONE_M, time_ns=now_ns,
        )  # fmt: skip
        return Person(name=patrol_id, role="patrol", patrol_id=patrol_id), report


def _way(patrol: Patrol, actor: Actor | None, frame: EnuFrame) -> Array | None:
    """Time, east and north of a patrol's way, (N, 3); None for one of which nobody knows where it is."""
    if actor is not None:
        return np.array([knot[:3] for knot in knots(actor)])
    if patrol.home is None:
        return None
    home = frame.point(patrol.home)
    return np.array([[0.0, home.east_m, home.north_m]])
