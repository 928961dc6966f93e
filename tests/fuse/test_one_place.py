"""What is seen from one place alone, over rough ground that the elevation data know to 3 m."""

import math
from collections.abc import Iterator

import numpy as np

from marsad.fuse.fuser import Fuser, State
from marsad.fuse.hypotheses import STATES, angles_to
from marsad.fuse.moments import moments
from marsad.fuse.revise import turning, with_turning
from marsad.fuse.sensor import CameraSensor
from marsad.geo.elevation import Surface
from marsad.geo.geodesy import Array, EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.measurement import Look, Measurement
from marsad.kernel.position import BearingMeasurement, Position
from marsad.kernel.site import Camera, Lens, Pose, PoseSigma, Terrain
from marsad.simulate.terrain import rugged_desert, surveyed

S = 10**9
EPOCH_NS = 10**18
ORIGIN = Position(latitude_deg=34.46, longitude_deg=40.95, height_m=240.0)
SIGMA_RAD = 2e-4
TERRAIN = Terrain(sigma_m=3.0, correlation_m=300.0)


def watched(
    seed: int, looks: int = 160, hidden: tuple[int, int] = (0, 0), *, tall: bool = False
) -> Iterator[tuple[State, Array, Array]]:
    """What is known of one who is looked at from one mast, where he is in sight of it, his place and his velocity.

    Nothing shows him from one look to another (`hidden`). That he looks `tall` is measured to a sixth, or not at all.
    """
    rng, frame = np.random.default_rng((9, seed)), EnuFrame(ORIGIN)
    ground = rugged_desert(ORIGIN, rng, radius_m=3000.0, cell_m=20.0)
    known = surveyed(ground, rng, sigma_m=TERRAIN.sigma_m, correlation_m=TERRAIN.correlation_m)
    real, model = Surface(ground, frame, 3000.0), Surface(known, frame, 3000.0)
    lens = Lens(width_px=640, height_px=512, horizontal_fov_deg=40.0)
    pose = Pose(
        latitude_deg=ORIGIN.latitude_deg, longitude_deg=ORIGIN.longitude_deg, mast_m=30.0, azimuth_deg=0.0,
        elevation_deg=-0.5, ground_height_m=float(real.height_m(ORIGIN.latitude_deg, ORIGIN.longitude_deg)),
        sigma=PoseSigma(azimuth_deg=0.02, elevation_deg=0.02, roll_deg=0.0, horizontal_m=0.0, height_m=0.0),
    )  # fmt: skip
    view = CameraView(lens, pose, real, reach_m=2900.0)
    sensor = CameraSensor(
        Camera(id="mast", lens=lens, pose=pose, reach_m=2900.0), CameraView(lens, pose, model, reach_m=2900.0), TERRAIN
    )
    fuser, turned = Fuser([sensor]), np.radians(rng.normal(0, 0.02, 2))
    tried = np.column_stack([rng.uniform(-400, 400, 300), rng.uniform(1000, 2200, 300)])
    start, turn = tried[view.sees(tried[:, 0], tried[:, 1], 0.6)][0], rng.uniform(0, 2 * math.pi)
    velocity = 1.2 * np.array([math.sin(turn), math.cos(turn)])
    for k in range(looks):
        place = start + k / 2 * velocity
        if hidden[0] <= k < hidden[1] or not view.sees(place[:1], place[1:], 0.6)[0]:
            continue
        across, climb, _, _ = angles_to(real.arrays, sensor.sight, place[0], place[1], 0.0)
        off, time_ns = turned + rng.normal(0, SIGMA_RAD, 2), EPOCH_NS + k * S // 2
        bearing = BearingMeasurement(
            time_ns=time_ns, azimuth_rad=(across + sensor.sight.heading_rad + off[0]) % (2 * math.pi),
            elevation_rad=climb + off[1], azimuth_rad2=SIGMA_RAD**2, azimuth_elevation_rad2=0.0,
            elevation_rad2=SIGMA_RAD**2, pose_version=1,
        )  # fmt: skip
        looks_rad = 1.75 / math.hypot(*place) * math.exp(0.16 * math.sin(k))
        measured = Measurement(
            bearing=bearing, label=1, kind="person", kind_confidence=0.8, height_rad=looks_rad if tall else None,
            height_sigma_rad=0.16 * looks_rad,
        )  # fmt: skip
        look = Look(source_id="mast", time_ns=time_ns, measurements=(measured,))
        yield fuser.update([look]), place, velocity


def followed(seed: int, looks: int = 160) -> list[float]:
    """The squared distances, by freedom, of one who is looked at from one mast."""
    out = []
    for state, place, _ in list(watched(seed, looks))[looks // 4 :]:
        held = moments(state.rows, state.bias_spread)
        gap, best = held.mean[:, :2] - place, int(state.existence.argmax())
        out.append(float(gap[best] @ np.linalg.solve(held.whole[best, :2, :2], gap[best])) / 2)
    return out


def test_looks_from_one_place_do_not_make_sure_of_a_wrong_slope() -> None:
    off = [walk for seed in range(16) if len(walk := followed(seed)) > 10]
    assert len(off) >= 12
    late = np.array([np.mean(walk) for walk in off])
    assert np.median(late) < 1.5
    assert late.max() < 6.0


def test_how_fast_one_turns_about_the_place_is_learnt() -> None:
    off = []
    for seed in range(12):
        for state, place, velocity in list(watched(seed, 40))[20::5]:
            own = slice(*state.rows.first[[best := int(state.existence.argmax()), best + 1]])
            parts = (
                state.rows.mean[own], state.rows.spread[own], state.rows.lean[own], state.rows.weight[own],
                state.rows.left[own],
            )  # fmt: skip
            rate, variance = turning(parts, np.zeros(3))
            true = float(velocity @ [place[1], -place[0]]) / float(place @ place)
            # Half of what is usual.
            assert math.sqrt(variance) * np.hypot(*place) < 1.0
            off.append((rate - true) ** 2 / variance)
    assert len(off) > 20
    assert np.mean(off) < 2.0


def test_the_same_label_after_some_seconds_is_the_same_track() -> None:
    for seed in range(4):
        states = [state for state, _, _ in watched(seed, 60, hidden=(30, 38))]
        assert {life.track_id for life in states[-1].lives} == {life.track_id for life in states[10].lives}


def test_a_track_that_begins_anew_goes_on_turning_as_it_did() -> None:
    """Who is farther off goes the faster for it, and by as much his speed is the less known."""
    origin, count = np.zeros(3), 2
    mean, spread = np.zeros((1, STATES)), np.eye(STATES)[None] * 0.01
    mean[0, 1], mean[0, 2] = 1000.0, 1.0
    one = np.ones(1)
    lean, left = np.zeros((count, STATES, 0)), np.full((count, 1, 2), math.nan)
    rate = turning((mean, spread, lean[:1], one, left[:1]), origin)
    assert math.isclose(rate[0], 1e-3)
    new, wide = np.zeros((count, STATES)), np.zeros((count, STATES, STATES))
    new[:, 1] = 900.0, 1800.0
    wide[:, [0, 1, 2, 3], [0, 1, 2, 3]] = 1.0, 100.0**2, 4.0, 4.0
    got, cover, *_ = with_turning((new, wide, lean, np.full(count, 0.5), left), rate, origin)
    np.testing.assert_allclose(got[:, 2], [0.9, 1.8], rtol=0.02)
    np.testing.assert_allclose(got[:, 3], 0.0, atol=1e-12)
    assert all(np.linalg.eigvalsh(each[:4, :4]).min() > 0 for each in cover)
    rng = np.random.default_rng(3)
    far = rng.normal(900.0, 100.0, 200_000)
    aside = far * rng.normal(rate[0], math.sqrt(rate[1]), len(far))
    np.testing.assert_allclose(cover[0][1, 2], np.cov(far, aside)[0, 1], rtol=0.05)
    np.testing.assert_allclose(cover[0][2, 2], aside.var(), rtol=0.05)


def test_who_looks_as_tall_as_a_person_is_taken_to_be_where_a_person_would() -> None:
    """On rough ground a line of sight leaves ranges open that are hundreds of metres apart."""

    def off_m(seed: int, *, tall: bool) -> float:
        out = []
        for state, place, _ in watched(seed, 20, tall=tall):
            held = moments(state.rows, state.bias_spread)
            out.append(math.hypot(*(held.mean[int(state.existence.argmax()), :2] - place)))
        return float(np.mean(out))

    without, with_heights = ([off_m(seed, tall=tall) for seed in range(12)] for tall in (False, True))
    assert np.mean(with_heights) < 0.6 * np.mean(without)
