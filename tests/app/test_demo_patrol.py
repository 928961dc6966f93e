"""Patrols of the demonstration: their phones say where they truly are, as well as a phone knows."""

from datetime import UTC, datetime

import numpy as np
import pytest

from marsad.app.demo_patrol import PHONE_M, REPORT_S, Phones
from marsad.geo.geodesy import EnuFrame
from marsad.kernel.dispatch import Patrol
from marsad.kernel.position import Position
from marsad.kernel.site import Site
from marsad.simulate.actor import Actor, Waypoint
from marsad.simulate.scenario import Scenario

S = 10**9
START = datetime(2026, 8, 8, 20, tzinfo=UTC)
BEGIN = round(START.timestamp()) * S
ORIGIN = Position(latitude_deg=34.0, longitude_deg=41.0)
FRAME = EnuFrame(ORIGIN)
DRIVES = Actor(
    actor_id=1, kind="vehicle", role="patrol", party="p1", start_s=30.0, speed_m_s=5.0,
    route=(Waypoint(east_m=0.0, north_m=0.0), Waypoint(east_m=0.0, north_m=500.0)),
)  # fmt: skip
SCENARIO = Scenario(name="night", start=START, seconds=300.0, actors=(DRIVES,))
SITE = Site(
    name="s", origin=ORIGIN,
    patrols=(
        Patrol(patrol_id="p1", means="vehicle", persons=4, home=FRAME.position(900.0, 900.0)),
        Patrol(patrol_id="p2", means="foot", persons=2, home=FRAME.position(-300.0, 200.0)),
        Patrol(patrol_id="p3", means="foot", persons=2),
    ),
)  # fmt: skip


def test_each_patrol_reports_where_it_truly_is_within_what_a_phone_knows() -> None:
    phones = Phones(SCENARIO, SITE, FRAME, BEGIN)
    off: list[float] = []
    for step in range(4 * 300):
        now_ns = BEGIN + step * S // 4
        for person, said in phones.due(now_ns):
            assert (person.role, person.patrol_id, said.patrol_id) == ("patrol", person.name, person.name)
            assert (said.time_ns, said.sigma_m) == (now_ns, PHONE_M)
            north_m = float(np.clip(5.0 * (step / 4 - 30.0), 0.0, 500.0))
            true = (0.0, north_m) if said.patrol_id == "p1" else (-300.0, 200.0)
            here = FRAME.point(said.position)
            off += [here.east_m - true[0], here.north_m - true[1]]
    # Two patrols, two axes: the third has no home, and nobody plays it.
    assert len(off) == 4 * 300 / REPORT_S
    assert np.std(off) == pytest.approx(PHONE_M, rel=0.15)
    assert abs(np.mean(off)) < 1.0


def test_the_same_night_is_reported_the_same_and_from_its_own_beginning_when_it_is_played_again() -> None:
    once, again = Phones(SCENARIO, SITE, FRAME, BEGIN), Phones(SCENARIO, SITE, FRAME, BEGIN + 600 * S)
    for second in (0, 40, 80):
        first, second_time = once.due(BEGIN + second * S), again.due(BEGIN + (600 + second) * S)
        assert [said.position for _, said in first] == [said.position for _, said in second_time]
        assert not {said.act_id for _, said in first} & {said.act_id for _, said in second_time}
