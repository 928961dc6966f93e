"""The fuser on two towers on flat ground, 2.5 km apart and 30 m high, and a patrol with GPS."""

import copy
import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from marsad.fuse.fuser import Fuser, FuseSettings, Life, State, _with_doubts
from marsad.fuse.hypotheses import angles_to, whole_spread
from marsad.fuse.sensor import CameraSensor, PlaceSensor, Reporting, Sensor
from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.error import InputError
from marsad.kernel.measurement import GroundFix, Look, Measurement
from marsad.kernel.position import BearingMeasurement, GroundCovariance, Position
from marsad.kernel.site import Camera, Lens, Pose, PoseSigma, Terrain

S = 10**9
EPOCH_NS = 1_533_686_400 * S
PIXEL_RAD = 5e-4
ORIGIN = Position(latitude_deg=34.3, longitude_deg=41.0, height_m=200.0)
PLACES = GroundCovariance(east_m2=25.0, east_north_m2=0.0, north_m2=25.0)
Array = NDArray[np.float64]


class Found(NamedTuple):
    """A track as the fuser knows it: its name, place, covariance, and squared distance from the truth by freedom."""

    name: str
    place: Array
    covariance: Array
    nees: float
    error_m: float


class Towers:
    """Two cameras and a patrol; `bias` (2, 2) turns the cameras' azimuth and elevation."""

    def __init__(self, sigma_deg: float = 0.0, bias: Array | None = None, settings: FuseSettings | None = None) -> None:
        self.bias = np.zeros((2, 2)) if bias is None else bias
        frame = EnuFrame(ORIGIN)
        surface = Surface(flat_grid(34.3, 41.0, 200.0, 15_000.0), frame, 14_000.0)
        terrain = Terrain(flat_height_m=200.0, sigma_m=0.0)
        sigma = PoseSigma(azimuth_deg=sigma_deg, elevation_deg=sigma_deg, roll_deg=0.0, horizontal_m=0.0, height_m=0.0)
        reporting = Reporting(clock_sigma_s=0.0, drift_rad=0.0)
        self.cameras: list[CameraSensor] = []
        for number, east in enumerate((-1250.0, 1250.0)):
            latitude, longitude, _ = frame.to_geodetic(east, 0.0, 0.0)
            lens = Lens(width_px=640, height_px=512, horizontal_fov_deg=60.0)
            pose = Pose(
                latitude_deg=float(latitude), longitude_deg=float(longitude), mast_m=30.0, sigma=sigma,
                azimuth_deg=math.degrees(math.atan2(-east, 2700.0)), elevation_deg=-0.5, ground_height_m=200.0,
            )  # fmt: skip
            camera = Camera(id=f"tower-{number}", lens=lens, pose=pose, reach_m=10_000.0)
            view = CameraView(lens, pose, surface, reach_m=10_000.0)
            self.cameras.append(CameraSensor(camera, view, terrain, reporting))
        patrol = PlaceSensor("patrol-1", (1.0, 1.0, 0.0, 0.0), Reporting(clock_sigma_s=0.0))
        self.sensors: list[Sensor] = [*self.cameras, patrol]
        self.settings = settings or FuseSettings(usual_agility_m2_s3=0.02, surprise_gain=0.0)

    def fuser(self) -> Fuser:
        """A new one."""
        return Fuser(self.sensors, self.settings)

    def seen(self, camera: int, places: Array, time_s: float, rng: np.random.Generator, first: int = 1) -> Look:
        """What a camera reports of walkers at places (N, 2), numbered from `first`."""
        sensor, time_ns = self.cameras[camera], EPOCH_NS + round(time_s * S)
        made = []
        for number, (east, north) in enumerate(places):
            across, climb, _, _ = angles_to(sensor.surface, sensor.sight, east, north, 0.0)
            off = self.bias[camera] + rng.normal(0, PIXEL_RAD, 2)
            bearing = BearingMeasurement(
                time_ns=time_ns, azimuth_rad=(across + sensor.sight.heading_rad + off[0]) % (2 * math.pi),
                elevation_rad=climb + off[1], azimuth_rad2=PIXEL_RAD**2, azimuth_elevation_rad2=0.0,
                elevation_rad2=PIXEL_RAD**2, pose_version=1,
            )  # fmt: skip
            made.append(Measurement(bearing=bearing, label=first + number, kind="person", kind_confidence=0.8))
        return Look(source_id=sensor.source_id, time_ns=time_ns, measurements=tuple(made))

    def reported(self, place: Array, time_s: float, rng: np.random.Generator) -> Look:
        """The patrol's own GPS report, 5 m."""
        east, north = place + rng.normal(0, 5.0, 2)
        fix = GroundFix(east_m=float(east), north_m=float(north), covariance=PLACES)
        return Look(
            source_id="patrol-1", time_ns=EPOCH_NS + round(time_s * S), measurements=(Measurement(fix=fix, label=1),)
        )


def walk(rng: np.random.Generator, seconds: float, north_m: float = 2700.0, agility: float = 0.02) -> Array:
    """A walker's states (N, 4) every half second."""
    turn = rng.uniform(0, 2 * math.pi)
    state = np.array([rng.uniform(-300, 300), north_m, 1.4 * math.cos(turn), 1.4 * math.sin(turn)])
    out = [state]
    for _ in range(round(seconds * 2) - 1):
        push = rng.normal(0, math.sqrt(agility * 0.5), 2)
        state = np.concatenate([state[:2] + 0.5 * state[2:] + 0.25 * push, state[2:] + push])
        out.append(state)
    return np.array(out)


def found(state: State, truth: Sequence[float] | Array) -> Found:
    """The believed track that fits a place best."""
    best: Found | None = None
    rows = state.rows
    for t in np.flatnonzero(state.existence > 0.5):
        begin, end = rows.first[t], rows.first[t + 1]
        weight, mean = rows.weight[begin:end], rows.mean[begin:end, :2]
        place = weight @ mean
        covariance = np.zeros((2, 2))
        for w, m, r in zip(weight, mean, range(begin, end), strict=True):
            whole = whole_spread(rows.spread[r], rows.lean[r], state.bias_spread)[:2, :2]
            covariance += w * (whole + np.outer(m - place, m - place))
        gap = place - np.asarray(truth)[:2]
        nees = float(gap @ np.linalg.solve(covariance, gap)) / 2
        if best is None or nees < best.nees:
            best = Found(state.lives[t].track_id, place, covariance, nees, float(np.hypot(*gap)))
    assert best is not None, "nothing is believed"
    return best


@pytest.fixture(scope="session")
def towers() -> Towers:
    return Towers()


def crossing(towers: Towers, seed: int, seconds: float = 20.0) -> tuple[list[Look], np.ndarray]:
    """Two walkers seen by both towers, and a patrol's reports; with where the first really is."""
    rng = np.random.default_rng(seed)
    one, two = walk(rng, seconds), walk(rng, seconds, north_m=2300.0)
    looks = []
    for k in range(len(one)):
        both = np.array([one[k, :2], two[k, :2]])
        looks += [towers.seen(camera, both, k / 2 + camera / 10, rng) for camera in (0, 1)]
        looks.append(towers.reported(two[k, :2], k / 2 + 0.3, rng))
    return looks, one


def same(one: State, two: State) -> None:
    """The two states are the same to the bit."""
    assert one.lives == two.lives
    for name in ("existence", "told_ns", "label", "seen_ns", "bias_mean", "bias_spread"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    for a, b in zip(one.rows, two.rows, strict=True):
        np.testing.assert_array_equal(a, b)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 1000), shuffle=st.integers(0, 1000))
def test_looks_that_come_late_and_mixed_up_end_in_the_same_picture(seed: int, shuffle: int) -> None:
    towers = Towers(sigma_deg=0.1)
    looks, _ = crossing(towers, seed, seconds=8.0)
    ordered = towers.fuser()
    for look in sorted(looks, key=lambda each: (each.time_ns, each.source_id)):
        ordered.update([look])
    mixed = towers.fuser()
    order = np.random.default_rng(shuffle)
    looks = [looks[i] for i in order.permutation(len(looks))]
    while looks:
        size = int(order.integers(1, 6))
        batch, looks = looks[:size], looks[size:]
        mixed.update(batch)
    same(ordered.state, mixed.state)


def test_looks_in_parts_and_looks_twice_change_nothing(towers: Towers) -> None:
    looks, _ = crossing(towers, 3, seconds=6.0)
    whole, parts = towers.fuser(), towers.fuser()
    whole.update(looks)
    for look in looks:
        for measurement in look.measurements:
            part = Look(source_id=look.source_id, time_ns=look.time_ns, measurements=(measurement,))
            parts.update([part])
        parts.update([look])
    before = parts.state
    parts.update(looks)
    same(whole.state, parts.state)
    assert parts.state is before, "a replay must not even be worked on"


def test_a_look_more_than_a_minute_late_is_kept_apart(towers: Towers) -> None:
    rng = np.random.default_rng(0)
    fuser = towers.fuser()
    place = np.array([[0.0, 2700.0]])
    fuser.update([towers.seen(0, place, 100.0, rng)])
    before = fuser.state
    late, in_time = towers.seen(1, place, 39.0, rng), towers.seen(1, place, 41.0, rng)
    fuser.update([late])
    assert fuser.too_late == [late]
    assert fuser.state is before
    fuser.update([in_time])
    assert fuser.state is not before


def test_two_towers_place_a_walker_to_two_metres_and_know_it(towers: Towers) -> None:
    errors, nees, names = [], [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        fuser, truth = towers.fuser(), walk(rng, 60.0)
        said = set()
        for k, state in enumerate(truth):
            fuser.update([towers.seen(camera, state[None, :2], k / 2, rng) for camera in (0, 1)])
            if k >= 20:
                track = found(fuser.state, state)
                errors.append(track.error_m)
                nees.append(track.nees)
                said.add(track.name)
        names.append(len(said))
    assert math.sqrt(np.mean(np.square(errors))) <= 2.0
    assert 0.8 <= np.mean(nees) <= 1.2
    assert names == [1] * 8


def test_two_walkers_before_two_towers_are_never_taken_for_more(towers: Towers) -> None:
    for seed in range(4):
        looks, _ = crossing(towers, seed)
        fuser = towers.fuser()
        believed = [int((fuser.update([look]).confirmed_ns > 0).sum()) for look in looks]
        # The patrol may be one more for the moment that it takes to see who it is.
        assert max(believed[6:]) == 2
        assert set(believed[len(believed) // 2 :]) == {2}


def test_one_tower_alone_is_long_in_range_and_says_so(towers: Towers) -> None:
    nees, along, across = [], [], []
    for seed in range(8):
        rng = np.random.default_rng(100 + seed)
        fuser, truth = towers.fuser(), walk(rng, 30.0)
        for k, state in enumerate(truth):
            fuser.update([towers.seen(0, state[None, :2], k / 2, rng)])
            if k >= 4:
                track = found(fuser.state, state)
                nees.append(track.nees)
                small, large = np.sqrt(np.linalg.eigvalsh(track.covariance))
                along.append(large)
                across.append(small)
    assert 0.5 <= np.mean(nees) <= 1.6
    assert np.median(along) > 10 * np.median(across)


@pytest.mark.parametrize("seed", range(3))
def test_a_patrol_with_gps_teaches_turned_mounts(seed: int) -> None:
    rng = np.random.default_rng(200 + seed)
    bias = np.radians(rng.normal(0, 0.2, (2, 2)))
    towers = Towers(sigma_deg=0.2, bias=bias)
    fuser = towers.fuser()
    one, own = walk(rng, 60.0), walk(rng, 60.0, north_m=2300.0)
    nees = []
    for k in range(len(one)):
        both = np.array([one[k, :2], own[k, :2]])
        fuser.update([towers.seen(camera, both, k / 2, rng) for camera in (0, 1)])
        fuser.update([towers.reported(own[k, :2], k / 2, rng)])
        if k >= 2:
            nees.append(found(fuser.state, one[k]).nees)
    track = found(fuser.state, one[-1])
    assert track.error_m < 6.0
    assert np.mean(nees) < 2.5
    assert (fuser.state.existence > 0.5).sum() == 2
    off = (fuser.state.bias_mean - bias.ravel()) / np.sqrt(np.diag(fuser.state.bias_spread))
    assert np.abs(off).max() < 4.0
    assert np.abs(fuser.state.bias_mean - bias.ravel()).max() < 1e-3


def test_a_camera_that_is_knocked_is_no_longer_trusted_until_it_is_aligned() -> None:
    rng = np.random.default_rng(5)
    towers = Towers(sigma_deg=0.02, bias=np.zeros((2, 2)))
    fuser = towers.fuser()
    one, own = walk(rng, 60.0), walk(rng, 60.0, north_m=2300.0)
    trusted = []
    for k in range(len(one)):
        if k == 40:
            towers.bias[0] = math.radians(0.4), math.radians(0.1)
        both = np.array([one[k, :2], own[k, :2]])
        fuser.update([towers.seen(camera, both, k / 2, rng) for camera in (0, 1)])
        fuser.update([towers.reported(own[k, :2], k / 2, rng)])
        trusted.append(bool(fuser.state.trusted[0]))
    assert all(trusted[:40])
    assert not all(trusted[40:60]), "a knock must be noticed"
    assert trusted[-1], "and be learnt"
    assert fuser.state.bias_mean[0] == pytest.approx(math.radians(0.4), abs=1.5e-3)
    assert bool(fuser.state.trusted[1])


def test_identity_survives_dead_ground(towers: Towers) -> None:
    rng = np.random.default_rng(11)
    fuser = towers.fuser()
    truth = walk(rng, 40.0, agility=0.002)
    names = []
    for k, state in enumerate(truth):
        label = 1 if k < 30 else 2
        hidden = 30 <= k < 60
        places = np.empty((0, 2)) if hidden else state[None, :2]
        for camera in (0, 1):
            # Neither camera reports what the ground hides: no look at all, rather than a look at nothing.
            if not hidden:
                fuser.update([towers.seen(camera, places, k / 2, rng, first=label)])
        names.append(found(fuser.state, state).name)
    assert len(set(names)) == 1


def scans(rng: np.random.Generator, side_m: float, count: int, rate: float) -> list[Look]:
    """Scans of false places alone."""
    looks = []
    for k in range(count):
        places = rng.uniform(0, side_m, (rng.poisson(rate), 2))
        made = tuple(
            Measurement(fix=GroundFix(east_m=float(e), north_m=float(n), covariance=PLACES)) for e, n in places
        )
        looks.append(Look(source_id="radar", time_ns=EPOCH_NS + k * S, measurements=made))
    return looks


@pytest.mark.parametrize("patience_s", [0.0, 8.0])
def test_clutter_alone_makes_hardly_a_track(patience_s: float) -> None:
    side, rate = 1000.0, 100.0
    reporting = Reporting(patience_s=patience_s, false_per_km2=rate, clock_sigma_s=0.0)
    radar = PlaceSensor("radar", (0.0, 0.0, side, side), reporting)
    fuser = Fuser([radar], FuseSettings(unknown_per_km2=1.0, arrivals_per_km2_s=0.01, confirm=0.9))
    confirmed: set[str] = set()
    for look in scans(np.random.default_rng(1), side, 120, rate):
        state = fuser.update([look])
        confirmed |= {state.lives[t].track_id for t in np.flatnonzero(state.confirmed_ns > 0)}
    assert len(confirmed) <= 2


@pytest.mark.parametrize("label", [None, 7])
def test_who_comes_late_into_much_clutter_is_found(label: int | None) -> None:
    side, rate, place = 1000.0, 20.0, np.array([400.0, 600.0])
    radar = PlaceSensor("radar", (0.0, 0.0, side, side), Reporting(false_per_km2=rate, clock_sigma_s=0.0))
    fuser = Fuser([radar], FuseSettings(unknown_per_km2=1.0, arrivals_per_km2_s=1e-3))
    rng = np.random.default_rng(3)
    for k, clutter in enumerate(scans(rng, side, 60, rate)):
        look = clutter
        if k >= 40:
            east, north = place + rng.normal(0, 5.0, 2)
            fix = GroundFix(east_m=float(east), north_m=float(north), covariance=PLACES)
            look = Look(
                source_id="radar", time_ns=clutter.time_ns,
                measurements=(*clutter.measurements, Measurement(fix=fix, label=label)),
            )  # fmt: skip
        fuser.update([look])
    best = found(fuser.state, [*place, 0.0, 0.0])
    assert best.error_m < 10.0


def test_a_report_without_a_label_leaves_the_source_its_label(towers: Towers) -> None:
    rng = np.random.default_rng(5)
    fuser, place = towers.fuser(), np.array([[100.0, 2700.0]])
    for k in range(20):
        look = towers.seen(0, place, float(k), rng)
        if k == 15:
            bare = (Measurement(bearing=look.measurements[0].bearing),)
            look = Look(source_id=look.source_id, time_ns=look.time_ns, measurements=bare)
        fuser.update([look])
    state = fuser.state
    assert len(state.lives) == 1
    assert state.label[0, 0] == 1


def test_who_is_lost_from_sight_by_all_is_kept_in_mind_for_a_while(towers: Towers) -> None:
    rng = np.random.default_rng(6)
    fuser, place = towers.fuser(), np.array([[100.0, 2700.0]])
    held: dict[int, float] = {}
    for k in range(90):
        there = place if k < 30 else place[:0]
        for camera in (0, 1):
            state = fuser.update([towers.seen(camera, there, k + camera / 2, rng)])
        held[k] = float(state.existence.max()) if len(state.existence) else 0.0
    assert held[40] > 0.5
    assert held[89] < 0.5


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_every_covariance_is_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bias = np.radians(rng.normal(0, 0.2, (2, 2)))
    towers = Towers(sigma_deg=0.2, bias=bias)
    fuser = towers.fuser()
    places = np.column_stack([rng.uniform(-600, 600, 4), rng.uniform(1500, 4000, 4)])
    for k in range(6):
        for camera in (0, 1):
            fuser.update([towers.seen(camera, places, k * rng.uniform(0.2, 2.0) + camera / 10, rng)])
        fuser.update([towers.reported(places[0], k + 0.9, rng)])
        state = fuser.state
        assert np.isfinite(state.rows.mean).all()
        for spread in state.rows.spread:
            assert np.linalg.eigvalsh(spread[:4, :4]).min() > 0
        assert np.linalg.eigvalsh(state.bias_spread).min() > 0
        totals = np.add.reduceat(state.rows.weight, state.rows.first[:-1])
        np.testing.assert_allclose(totals, 1.0, atol=1e-9)
        assert ((state.existence >= 0) & (state.existence <= 1)).all()


def test_bad_looks_are_refused_whole(towers: Towers) -> None:
    rng = np.random.default_rng(0)
    fuser = towers.fuser()
    good = towers.seen(0, np.array([[0.0, 2700.0]]), 0.0, rng)
    stranger = Look(source_id="tower-9", time_ns=EPOCH_NS)
    with pytest.raises(InputError, match="'tower-9' is not known here; sources are: patrol-1, tower-0, tower-1"):
        fuser.update([good, stranger])
    assert len(fuser.state.existence) == 0
    flat = GroundCovariance(east_m2=1.0, east_north_m2=2.0, north_m2=1.0)
    wrong = Measurement(fix=GroundFix(east_m=0.0, north_m=0.0, covariance=flat))
    with pytest.raises(InputError, match="patrol-1 reports with the covariance"):
        fuser.update([Look(source_id="patrol-1", time_ns=EPOCH_NS, measurements=(wrong,))])
    with pytest.raises(InputError, match="tower-0 reports directions"):
        fuser.update([Look(source_id="tower-0", time_ns=EPOCH_NS, measurements=(wrong,))])
    with pytest.raises(InputError, match="two sources have one name"):
        Fuser([towers.sensors[0], towers.sensors[0]])


def test_what_may_well_be_another_is_not_believed_to_be_one_more() -> None:
    """Two lines of sight cross: until it is sure that it is one walker, one is believed and one not."""
    towers = Towers(sigma_deg=0.1)
    rng, believed, there = np.random.default_rng(4), [], []
    fuser, path = towers.fuser(), walk(np.random.default_rng(4), 10.0)
    for k in range(len(path)):
        for camera in (0, 1):
            state = fuser.update([towers.seen(camera, path[k : k + 1, :2], k / 2 + camera / 10, rng)])
            believed.append(int((state.confirmed_ns > 0).sum()))
            there.append(len(state.lives))
    assert max(there) == 2
    assert set(believed) == {1}


def test_a_herd_whose_members_are_taken_for_each_other_knocks_no_camera() -> None:
    rng = np.random.default_rng(7)
    towers = Towers(sigma_deg=0.02, bias=np.zeros((2, 2)))
    fuser = towers.fuser()
    middle = walk(rng, 60.0)[0, :2]
    herd = middle + rng.normal(0.0, 4.0, (6, 2))
    order = np.arange(6)
    for k in range(120):
        # One camera's numbers go over to neighbours again and again; the other's stay.
        if k % 4 == 0:
            order = rng.permutation(6)
        fuser.update([towers.seen(0, herd[order], k / 2, rng), towers.seen(1, herd, k / 2, rng)])
        assert fuser.state.trusted[0]
    assert abs(fuser.state.bias_mean[0]) < math.radians(0.1)


def test_who_may_be_another_is_one_more_only_once_he_is_seen_where_the_other_is_not() -> None:
    nothing = Fuser([PlaceSensor("post")]).state
    lives = (Life("a", {}), Life("b", {}))
    one, two = np.array([-1, 5]), np.array([1, 1])
    state = nothing._replace(lives=lives, confirmed_ns=one, born_ns=two, existence=np.ones(2))
    none, share = np.empty((0, 2), np.int64), np.empty(0)
    for seen, confirmed in ((False, -1), (True, 0)):
        asked = np.array([seen, seen])
        assert _with_doubts(state, none, share, asked, 4.0).confirmed_ns.tolist() == [confirmed, 5]


def test_doubt_is_lifted_only_when_it_has_been_unlikely_for_a_while() -> None:
    state = Fuser([PlaceSensor("post")]).state._replace(
        lives=(Life("a", {}), Life("b", {})), confirmed_ns=np.array([-10 * S, 5 * S]),
        born_ns=np.array([2 * S, S]), existence=np.ones(2),
    )  # fmt: skip
    pair, held = np.array([[0, 1]]), np.array([True, True])

    def after(second: int, likely: float) -> list[int]:
        return _with_doubts(
            state._replace(time_ns=second * S), pair, np.array([likely]), held, 4.0
        ).confirmed_ns.tolist()

    assert after(12, 0.6) == [-12 * S, 5 * S]
    assert after(12, 0.4) == [-10 * S, 5 * S]
    assert after(13, 0.4) == [-10 * S, 5 * S]
    assert after(14, 0.4) == [0, 5 * S]
    assert after(12, 0.02) == [0, 5 * S]


def test_cameras_on_one_tower_teach_each_other_nothing() -> None:
    """Both are off, and both see one walker for long: how far off is not for them to say."""
    towers = Towers(sigma_deg=0.2, bias=np.full((2, 2), math.radians(0.2)))
    one = towers.cameras[0]
    beside = copy.copy(one)
    beside.source_id = "tower-0b"
    fuser, rng = Fuser([one, beside], towers.settings), np.random.default_rng(3)
    stated = fuser.state.bias_spread
    for k, place in enumerate(walk(rng, 20.0)[:, :2]):
        look = towers.seen(0, place[None], k / 2, rng)
        state = fuser.update([look, msgspec.structs.replace(look, source_id="tower-0b")])
    assert state.told_ns.min() > 0
    assert state.bias_mean == pytest.approx(np.zeros(4))
    assert state.bias_spread == pytest.approx(stated)
