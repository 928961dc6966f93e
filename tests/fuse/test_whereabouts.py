"""The cloud against closed forms, and against walkers of its own who are thrown away when they are seen."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.fuse.motion import MOTIONS, Ground, Motion
from marsad.fuse.whereabouts import LookRates, Search, SearchSettings, SideOfLine, look_rates
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import GroundCovariance
from marsad.kernel.presence import LostTrack

LATTICE = Lattice(west_m=-2000.0, north_m=2000.0, cell_m=25.0, rows=160, columns=160)
EAST, NORTH = LATTICE.centres()
NOWHERE = np.zeros(LATTICE.shape, np.bool_)
LEVEL = Ground(-2000.0, 2000.0, 25.0, np.zeros(LATTICE.shape, np.float32), np.zeros(LATTICE.shape, np.float32))
SETTINGS = SearchSettings()
BLIND = look_rates(np.zeros(LATTICE.shape, np.float32), 10.0, 0.3)
S = 1_000_000_000


def lost(east: float = 0.0, north: float = 0.0, speed: float = 1.2, sigma_m: float = 20.0) -> LostTrack:
    """Somebody who went north."""
    return LostTrack(
        id="mast/1",
        time_ns=0,
        kind="person",
        east_m=east,
        north_m=north,
        covariance=GroundCovariance(east_m2=sigma_m**2, east_north_m2=0.0, north_m2=sigma_m**2),
        velocity_east_m_s=0.0,
        velocity_north_m_s=speed,
        velocity_covariance=GroundCovariance(east_m2=0.09, east_north_m2=0.0, north_m2=0.04),
    )


def search(track: LostTrack, seed: int = 1, ground: Ground = LEVEL, **changes: object) -> Search:
    chosen = SearchSettings(**{"particles": 8_000, "forecast": 1000, **changes})  # type: ignore[arg-type]  # by the fields' own names
    return Search(track, LATTICE, ground, chosen, np.random.default_rng(seed))


def seen_from_the_south(chance: float = 0.05) -> np.ndarray:
    """Everything is looked at but a pocket around north 700 and what lies beyond north 1100."""
    open_ground = (NORTH < 1100) & ~((np.abs(NORTH - 700) < 150) & (np.abs(EAST) < 200))
    return np.where(open_ground, chance, 0.0).astype(np.float32)


class Walker:
    """One walker by the book: waits for each happening, looks for where he is when each look falls.

    The looks fall at the moments of a Poisson process, as rare as a step's chance of staying unseen says.
    """

    def __init__(self, track: LostTrack, motion: Motion, rng: np.random.Generator) -> None:
        c, v = track.covariance, track.velocity_covariance
        self.place = [track.east_m + rng.normal(0, c.east_m2**0.5), track.north_m + rng.normal(0, c.north_m2**0.5)]
        ve = track.velocity_east_m_s + rng.normal(0, v.east_m2**0.5)
        vn = track.velocity_north_m_s + rng.normal(0, v.north_m2**0.5)
        self.heading, self.speed = math.atan2(ve, vn), math.hypot(ve, vn)
        self.going = self.speed > 0.3
        self.motion, self.rng = motion, rng

    def survives(self, quality: np.ndarray, seconds: float, look_s: float, still_share: float) -> bool:
        clock = 0.0
        while clock < seconds:
            mean = self.motion.going_s if self.going else self.motion.stop_s
            until = min(clock + self.rng.exponential(mean), seconds)
            while clock < until:
                step = min(3.0, until - clock)
                clock += step
                if self.going:
                    self.heading += self.rng.normal(0, math.sqrt(self.motion.wander_rad2_s * step))
                    self.place[0] += self.speed * step * math.sin(self.heading)
                    self.place[1] += self.speed * step * math.cos(self.heading)
                if self._seen(quality, step, look_s, still_share):
                    return False
            if clock < seconds:
                self._happen()
        return True

    def _seen(self, quality: np.ndarray, step: float, look_s: float, still_share: float) -> bool:
        column = int((self.place[0] - LATTICE.west_m) // LATTICE.cell_m)
        row = int((LATTICE.north_m - self.place[1]) // LATTICE.cell_m)
        if not (0 <= row < LATTICE.rows and 0 <= column < LATTICE.columns):
            return False
        chance = float(quality[row, column]) * (1.0 if self.going else still_share)
        return bool(self.rng.random() > (1 - chance) ** (step / look_s))

    def _happen(self) -> None:
        motion, rng = self.motion, self.rng
        if self.going and rng.random() < motion.stop_share:
            self.going = False
            return
        if not self.going:
            middle = motion.fast_m_s if rng.random() < motion.fast_share else motion.speed_m_s
            self.speed = middle * math.exp(rng.normal(0, motion.speed_spread))
        self.going = True
        turned = self.heading + rng.normal(0, motion.turn_rad)
        self.heading = rng.uniform(0, 2 * math.pi) if rng.random() < motion.anew_share else turned


@pytest.fixture(scope="module")
def walkers() -> tuple[np.ndarray, float]:
    """Where those are after a quarter of an hour who were not seen, (N, 2), and their share."""
    rng = np.random.default_rng(7)
    quality = seen_from_the_south()
    tried, places = 2500, []
    for _ in range(tried):
        walker = Walker(lost(north=400.0), MOTIONS["person"], rng)
        if walker.survives(quality, 900.0, 10.0, 0.3):
            places.append(walker.place)
    return np.array(places), len(places) / tried


@pytest.fixture(scope="module")
def followed() -> Search:
    one = search(lost(north=400.0), particles=40_000)
    one.advance(900 * S, look_rates(seen_from_the_south(), 10.0, 0.3))
    return one


def test_the_cloud_is_where_the_walkers_are_who_were_not_seen(
    walkers: tuple[np.ndarray, float], followed: Search
) -> None:
    places, share = walkers
    assert len(places) > 200
    answer = followed.answer(NOWHERE, tell_hidden=False, in_view=NOWHERE, sides=[])
    error = math.sqrt(share * (1 - share) / 2500)
    assert answer.unseen == pytest.approx(share, abs=4 * error + 0.002)
    parts = [
        (np.abs(NORTH - 700) < 150) & (np.abs(EAST) < 200),
        NORTH >= 1100,
        (NORTH >= 1100) & (EAST > 100),
        (NORTH < 550) & (NORTH > -2000),
    ]
    row, column = LATTICE.cells_of(*places.T)
    inside = LATTICE.holds(row, column)
    for part in parts:
        counted = part[row[inside], column[inside]].sum() / len(places)
        error = math.sqrt(max(counted * (1 - counted), 0.01) / len(places))
        assert followed.mass(part) == pytest.approx(counted, abs=3.5 * error + 0.005)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_region_told_holds_the_walkers_as_often_as_it_says(
    walkers: tuple[np.ndarray, float], followed: Search, share: float
) -> None:
    places, _ = walkers
    row, column = LATTICE.cells_of(*places.T)
    inside = LATTICE.holds(row, column)
    held = followed.region(share, NOWHERE)[row[inside], column[inside]].mean()
    error = math.sqrt(share * (1 - share) / inside.sum())
    assert held == pytest.approx(share, abs=3.5 * error + 0.02)


@settings(max_examples=5)
@given(st.floats(60, 600), st.floats(0.5, 2.0), st.integers(1, 100))
def test_nobody_turning_the_spread_is_that_of_a_straight_way(seconds: float, speed: float, seed: int) -> None:
    straight = Motion(going_s=1e9, wander_rad2_s=0.0)
    one = search(lost(speed=speed, sigma_m=30.0), seed)
    one._pace = one._pace._replace(going_s=straight.going_s, wander_rad2_s=0.0)
    one._cloud.left_s[:] = 1e9
    one._cloud.going[:] = True
    one.advance(round(seconds * S), BLIND)
    for axis, mean, rate in ((one.cloud.east_m, 0.0, 0.09), (one.cloud.north_m, speed * seconds, 0.04)):
        sigma = math.sqrt(30.0**2 + rate * seconds**2)
        assert axis.mean() == pytest.approx(mean, abs=5 * sigma / math.sqrt(len(axis)))
        assert axis.std() == pytest.approx(sigma, rel=0.04)


@pytest.mark.parametrize("seconds", [30.0, 300.0, 3000.0])
def test_turning_anew_again_and_again_is_the_persistent_random_walk(seconds: float) -> None:
    speed, mean_s = 1.5, 60.0
    one = search(lost(speed=0.0, sigma_m=0.0))
    one._pace = one._pace._replace(
        log_speed=math.log(speed), speed_spread=0.0, fast_share=0.0, going_s=mean_s, stop_share=0.0, anew_share=1.0,
        wander_rad2_s=0.0,
    )  # fmt: skip
    count = len(one._cloud.going)
    one._cloud.going[:] = True
    one._cloud.speed_m_s[:] = speed
    one._cloud.heading_rad[:] = np.random.default_rng(3).uniform(0, 2 * math.pi, count)
    one._cloud.left_s[:] = np.random.default_rng(4).exponential(mean_s, count)
    one.advance(round(seconds * S), BLIND)
    squared = one.cloud.east_m**2 + one.cloud.north_m**2
    # Source: the mean squared displacement of a run-and-tumble walk, 2 v^2 T^2 (t/T - 1 + exp(-t/T)).
    expected = 2 * (speed * mean_s) ** 2 * (seconds / mean_s - 1 + math.exp(-seconds / mean_s))
    assert squared.mean() == pytest.approx(expected, rel=5 / math.sqrt(count))


def test_the_wander_of_the_direction_is_a_diffusion() -> None:
    one = search(lost())
    one._cloud.going[:] = True
    one._cloud.left_s[:] = 1e9
    one._cloud.heading_rad[:] = 0.0
    one.advance(400 * S, BLIND)
    assert one.cloud.heading_rad.std() == pytest.approx(math.sqrt(400 * 4e-4), rel=0.04)


def test_who_walks_uphill_is_slower_as_tobler_says() -> None:
    hill = Ground(-2000.0, 2000.0, 25.0, np.zeros(LATTICE.shape, np.float32), np.full(LATTICE.shape, 0.3, np.float32))
    ways = []
    for ground in (LEVEL, hill):
        one = search(lost(sigma_m=0.0), ground=ground)
        one._pace = one._pace._replace(wander_rad2_s=0.0)
        one._cloud.left_s[:] = 1e9
        one._cloud.going[:] = True
        one._cloud.heading_rad[:] = 0.0
        one.advance(300 * S, BLIND)
        ways.append(one.cloud.north_m.mean())
    assert ways[1] / ways[0] == pytest.approx(math.exp(-3.5 * 0.3), rel=1e-6)


def test_who_leaves_the_sector_is_counted_as_gone_and_may_come_back() -> None:
    one = search(lost(north=1800.0))
    one.advance(600 * S, BLIND)
    answer = one.answer(NOWHERE, tell_hidden=False, in_view=NOWHERE, sides=[])
    assert answer.left > 0.6
    assert answer.left + one.mass(np.ones(LATTICE.shape, np.bool_)) == pytest.approx(1)
    assert float(np.nansum(answer.density_km2) * LATTICE.cell_km2) == pytest.approx(1, abs=0.01)


def test_inhabited_places_show_nothing_and_nothing_can_be_reckoned_back() -> None:
    one = search(lost())
    one.advance(300 * S, BLIND)
    village = (np.abs(NORTH - 350) < 150) & (np.abs(EAST) < 150)
    told = one.answer(village, tell_hidden=True, in_view=NORTH > 200, sides=[])
    silent = one.answer(village, tell_hidden=False, in_view=NORTH > 200, sides=[])
    assert silent.inhabited is None
    assert told.inhabited == pytest.approx(one.mass(village))
    assert 0.2 < one.mass(village) < 0.95
    assert np.isnan(silent.density_km2[village]).all()
    assert float(np.nansum(silent.density_km2) * LATTICE.cell_km2) == pytest.approx(1, abs=0.01)
    for view in silent.next_views:
        row, column = LATTICE.cells_of([view.east_m], [view.north_m])
        assert not village[row[0], column[0]]
    assert not (one.region(0.9, village) & village).any()
    elsewhere = one.shown_mass(~village, village)
    assert elsewhere + silent.left == pytest.approx(1), "what is told adds up without the village"


def test_what_comes_next_into_view_and_to_the_line() -> None:
    one = search(lost(sigma_m=5.0))
    line = SideOfLine(line_id="wall", side=np.where(NORTH >= 1000, 1, -1).astype(np.int8))
    answer = one.answer(NOWHERE, tell_hidden=False, in_view=(NORTH > 600) & (NORTH < 700), sides=[line])
    view, reach = answer.next_views[0], answer.lines[0]
    # 600 m at 1.2 m/s is 500 s, 1000 m is 833 s; stops and turns make it later.
    assert 550 < view.north_m < 720
    assert 400 < view.soonest_s < 560
    assert reach.soonest_s is not None
    assert reach.median_s is not None
    assert 700 < reach.soonest_s < 950
    assert reach.median_s > reach.soonest_s
    assert reach.crossed == 0
    one.advance(1500 * S, BLIND)
    later = one.answer(NOWHERE, tell_hidden=False, in_view=NOWHERE, sides=[line])
    assert later.lines[0].crossed == pytest.approx(one.mass(NORTH >= 1000))


def test_who_goes_round_the_end_of_a_line_does_not_cross_it() -> None:
    side = np.where(NORTH >= 300, 1, -1)
    short = SideOfLine(line_id="short", side=np.where(np.abs(EAST) > 0, 0, side).astype(np.int8))
    whole = SideOfLine(line_id="whole", side=side.astype(np.int8))
    one = search(lost(sigma_m=5.0))
    round_the_end, over = one.answer(NOWHERE, tell_hidden=False, in_view=NOWHERE, sides=[short, whole]).lines
    assert round_the_end.probability == 0
    assert round_the_end.median_s is None
    assert over.probability > 0.9


def test_a_patrol_that_passes_and_a_search_drive_the_probability_elsewhere() -> None:
    one = search(lost(speed=0.0, sigma_m=100.0))
    east_side = EAST > 0
    assert one.mass(east_side) == pytest.approx(0.5, abs=0.02)
    one.clear(east_side, 0.8)
    assert one.mass(east_side) == pytest.approx(0.1 / 0.6, abs=0.02)
    before = one.mass((np.hypot(EAST + 100, NORTH) < 40) & ~east_side)
    one.pass_by(np.array([-100.0, -300.0]), np.array([-100.0, 300.0]), 60.0, 0.95)
    assert one.mass((np.hypot(EAST + 100, NORTH) < 40) & ~east_side) < before
    answer = one.answer(NOWHERE, tell_hidden=False, in_view=NOWHERE, sides=[])
    assert answer.unseen < 0.6


def test_asking_changes_nothing_and_the_same_calls_give_the_same() -> None:
    rates = look_rates(seen_from_the_south(), 10.0, 0.3)
    one, other = search(lost()), search(lost())
    for k in range(1, 6):
        one.advance(k * 60 * S, rates)
        other.advance(k * 60 * S, rates)
        one.answer(NOWHERE, tell_hidden=False, in_view=NOWHERE, sides=[])
    assert np.array_equal(one.weights(), other.weights())
    assert np.array_equal(one.region(0.5, NOWHERE), other.region(0.5, NOWHERE))
    one.advance(10 * S, rates)
    assert one.time_ns == 300 * S


def test_how_often_it_is_advanced_makes_no_difference() -> None:
    rates = look_rates(seen_from_the_south(), 10.0, 0.3)
    one, other = search(lost(north=400.0)), search(lost(north=400.0))
    one.advance(301 * S, rates)
    for second in range(1, 302):
        other.advance(second * S, rates)
        if second % 50 == 0:
            other.region(0.9, NOWHERE)
    assert np.array_equal(one.cloud.east_m, other.cloud.east_m)
    assert np.array_equal(one.weights(), other.weights())


def test_looks_over_a_time_do_not_depend_on_how_it_is_cut() -> None:
    rates = LookRates(
        going=np.full(LATTICE.shape, -0.001, np.float32), still=np.full(LATTICE.shape, -0.001, np.float32)
    )
    for step_s in (1, 7, 300):
        one = search(lost())
        for k in range(step_s, 301, step_s):
            one.advance(k * S, rates)
        one.advance(300 * S, rates)
        answer = one.answer(NOWHERE, tell_hidden=False, in_view=NOWHERE, sides=[])
        assert answer.unseen == pytest.approx(math.exp(-0.3), rel=1e-5)


def test_whoever_is_surely_in_an_inhabited_place_or_gone_leaves_nothing_to_show() -> None:
    one = search(lost())
    village = np.ones(LATTICE.shape, np.bool_)
    answer = one.answer(village, tell_hidden=True, in_view=~village, sides=[])
    assert np.isnan(answer.density_km2).all()
    assert answer.outlines_90 == answer.next_views == ()
    assert answer.inhabited == pytest.approx(1)
    gone = search(lost(east=9000.0)).answer(NOWHERE, tell_hidden=False, in_view=NOWHERE, sides=[])
    assert gone.left == pytest.approx(1)
    assert not gone.density_km2.any()
    assert gone.area_90_km2 == 0
