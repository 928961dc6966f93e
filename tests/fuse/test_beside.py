"""How far apart two stand by what one camera sees, on flat ground, where the truth is known."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marsad.fuse.beside import Beside, alike, side_by_side
from marsad.fuse.company import Company
from marsad.fuse.fuser import Fuser, FuseSettings
from marsad.fuse.hypotheses import angles_to
from marsad.fuse.picture import known_to, picture_of
from marsad.fuse.sensor import CameraSensor, Reporting
from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.measurement import Look, Measurement
from marsad.kernel.picture import PictureGroup
from marsad.kernel.position import BearingMeasurement, Position
from marsad.kernel.site import Camera, Lens, Pose, PoseSigma, Terrain

S = 10**9
EPOCH_NS = 1_533_686_400 * S
PIXEL_RAD = 2e-4
FRAME = EnuFrame(Position(latitude_deg=34.3, longitude_deg=41.0, height_m=200.0))
SURFACE = Surface(flat_grid(34.3, 41.0, 200.0, 9_000.0), FRAME, 8_000.0)
Place = tuple[float, float]


def tower(name: str, east_m: float, sigma_deg: float) -> CameraSensor:
    """A camera 30 m high whose mount is known to so much, looking at (0, 2000)."""
    latitude, longitude, _ = FRAME.to_geodetic(east_m, 0.0, 0.0)
    lens = Lens(width_px=640, height_px=512, horizontal_fov_deg=20.0)
    sigma = PoseSigma(azimuth_deg=sigma_deg, elevation_deg=sigma_deg, roll_deg=0.0, horizontal_m=0.0, height_m=0.0)
    pose = Pose(
        latitude_deg=float(latitude), longitude_deg=float(longitude), mast_m=30.0, ground_height_m=200.0, sigma=sigma,
        azimuth_deg=math.degrees(math.atan2(-east_m, 2000.0)), elevation_deg=-0.8,
    )  # fmt: skip
    camera = Camera(id=name, lens=lens, pose=pose, reach_m=6000.0)
    view = CameraView(lens, pose, SURFACE, reach_m=6000.0)
    return CameraSensor(camera, view, Terrain(flat_height_m=200.0, sigma_m=0.0), Reporting(drift_rad=0.0))


def seen(
    sensor: CameraSensor, places: Sequence[Place], time_s: float, rng: np.random.Generator, off_rad: Place = (0.0, 0.0)
) -> Look:
    """What a camera reports of people at places, its mount off by so much."""
    time_ns = EPOCH_NS + round(time_s * S)
    made = []
    for number, (east, north) in enumerate(places):
        across, climb, _, _ = angles_to(sensor.surface, sensor.sight, east, north, 0.0)
        azimuth, elevation = np.array(off_rad) + rng.normal(0, PIXEL_RAD, 2)
        bearing = BearingMeasurement(
            time_ns=time_ns, azimuth_rad=(across + sensor.sight.heading_rad + azimuth) % (2 * math.pi),
            elevation_rad=climb + elevation, azimuth_rad2=PIXEL_RAD**2, azimuth_elevation_rad2=0.0,
            elevation_rad2=PIXEL_RAD**2, pose_version=1,
        )  # fmt: skip
        made.append(Measurement(bearing=bearing, label=number, kind="person", kind_confidence=0.8))
    return Look(source_id=sensor.source_id, time_ns=time_ns, measurements=tuple(made))


def gaps(sensor: CameraSensor, places: Sequence[Place], seed: int, off_rad: Place = (0.0, 0.0)) -> tuple[Beside, ...]:
    """How far apart a camera says those at places stand, after one look."""
    fuser = Fuser([sensor], FuseSettings())
    state = fuser.update([seen(sensor, places, 0.0, np.random.default_rng(seed), off_rad)])
    return side_by_side(state, (sensor,))


def squared(found: Beside, gap: Place) -> float:
    """The squared distance of a gap from the truth for each degree of freedom, whichever of the two was named first."""
    (a, b, c), told = found.covariance_m2, np.array(found.gap_m)
    cover = np.array([[a, b], [b, c]])
    return (
        min(float((told - s * np.array(gap)) @ np.linalg.solve(cover, told - s * np.array(gap))) for s in (-1, 1)) / 2
    )


@pytest.mark.parametrize("gap", [(8.0, 0.0), (0.0, 20.0), (5.0, -15.0)])
def test_a_gap_is_as_far_from_the_truth_as_it_says(gap: Place) -> None:
    sensor = tower("a", 0.0, 0.02)
    told = [gaps(sensor, [(0.0, 1500.0), gap_from((0.0, 1500.0), gap)], seed)[0] for seed in range(40)]
    assert 0.3 < np.mean([squared(each, gap) for each in told]) < 1.3


def gap_from(place: Place, gap: Place) -> Place:
    """The place that lies so far from another."""
    return place[0] + gap[0], place[1] + gap[1]


def test_what_the_mount_is_off_by_hardly_moves_a_gap() -> None:
    sensor = tower("a", 0.0, 0.3)
    gap = (8.0, 10.0)
    off = (math.radians(0.3), math.radians(0.2))
    told = [gaps(sensor, [(0.0, 1500.0), gap_from((0.0, 1500.0), gap)], seed, off)[0] for seed in range(20)]
    turned = [np.array(each.gap_m) * (-1 if each.gap_m[0] < 0 else 1) for each in told]
    assert np.mean(turned, axis=0) == pytest.approx(gap, abs=20)
    sigma = [math.sqrt(each.covariance_m2[0] + each.covariance_m2[2]) for each in told]
    assert np.mean(sigma) < 80


def test_those_seen_at_different_times_or_far_apart_are_not_side_by_side() -> None:
    sensor = tower("a", 0.0, 0.02)
    assert gaps(sensor, [(0.0, 1500.0), (150.0, 1500.0)], 1) == ()
    fuser, rng = Fuser([sensor], FuseSettings()), np.random.default_rng(1)
    fuser.update([seen(sensor, [(0.0, 1500.0), (8.0, 1500.0)], 0.0, rng)])
    late = seen(sensor, [(0.0, 1500.0)], 1.5, rng)
    assert side_by_side(fuser.update([late]), (sensor,)) == ()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_the_order_of_measurements_changes_nothing(seed: int, order: object) -> None:
    sensor, rng = tower("a", 0.0, 0.02), np.random.default_rng(seed)
    places = [(float(e), float(n)) for e, n in rng.normal((0, 1500), 10, (5, 2))]
    look = seen(sensor, places, 0.0, rng)
    shuffled = list(look.measurements)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    other = Look(source_id="a", time_ns=look.time_ns, measurements=tuple(shuffled))
    one, two = (side_by_side(Fuser([sensor], FuseSettings()).update([each]), (sensor,)) for each in (look, other))
    assert set(one) == set(two)


def watched(
    sensors: Sequence[CameraSensor], offs: Sequence[Place], parties: Sequence[Sequence[Place]], seconds: int
) -> list[tuple[PictureGroup, ...]]:
    """The groups each second, while all walk north alike before cameras nobody has aligned."""
    fuser, company, rng = Fuser(sensors, FuseSettings()), Company(FRAME), np.random.default_rng(3)
    known, out = known_to(fuser, FRAME), []
    for k in range(2 * seconds):
        there = [(e, n + 0.6 * k) for party in parties for e, n in party]
        looks = [seen(s, there, k / 2, rng, off) for s, off in zip(sensors, offs, strict=True)]
        state = fuser.update(looks)
        if k % 2:
            picture = picture_of(state, known)
            beside, same = side_by_side(state, known.sensors), alike(state, known.sensors, known.settings)
            out.append(company.update(picture.tracks, picture.time_ns, beside, same))
    return out


FOUR = [(0.0, 1500.0), (4.0, 1502.0), (8.0, 1500.0), (12.0, 1503.0)]


def test_four_before_one_camera_that_nobody_has_aligned_are_one_group() -> None:
    off = (math.radians(0.15), math.radians(0.1))
    shown = watched([tower("a", 0.0, 0.2)], [off], [FOUR], 20)
    assert [len(groups) for groups in shown[-10:]] == [1] * 10
    assert len({groups[0].group_id for groups in shown[-10:]}) == 1
    assert shown[-1][0].count.best == 4


def test_four_before_two_cameras_that_nobody_has_aligned_are_one_group_of_four() -> None:
    offs = [(math.radians(0.1), math.radians(-0.1)), (math.radians(-0.1), math.radians(0.05))]
    shown = watched([tower("a", -800.0, 0.2), tower("b", 800.0, 0.2)], offs, [FOUR], 30)
    assert len(shown[-1]) == 1
    assert shown[-1][0].count.low <= 4 <= shown[-1][0].count.high


def test_two_groups_one_behind_the_other_are_never_one() -> None:
    behind = [(e, n + 200.0) for e, n in FOUR]
    off = (math.radians(0.1), math.radians(0.1))
    for sensors, offs in (
        ([tower("a", 0.0, 0.2)], [off]),
        ([tower("a", -800.0, 0.2), tower("b", 800.0, 0.2)], [off, (-off[0], off[1])]),
    ):
        shown = watched(sensors, offs, [FOUR, behind], 25)
        assert max(group.count.low for groups in shown for group in groups) <= 4
        assert len(shown[-1]) >= 2
