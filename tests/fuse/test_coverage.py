"""Who looks where, by events; the chances by hand."""

import math

import numpy as np
import pytest

from marsad.fuse.coverage import (
    BLINDING,
    NEVER_NS,
    Coverage,
    CoverageSettings,
    Eye,
    Trouble,
    Weather,
    camera_eye,
    cells_near,
)
from marsad.geo.elevation import Surface, flat_grid
from marsad.geo.geodesy import EnuFrame
from marsad.geo.ground import CameraView
from marsad.kernel.event import (
    CameraHealth,
    CameraLost,
    CameraRestored,
    Event,
    FrameGap,
    PatrolPosition,
    StreamEnded,
    WatchEnded,
    WatchStarted,
)
from marsad.kernel.lattice import Lattice
from marsad.kernel.position import Position
from marsad.kernel.site import Camera, Lens, Pose

FRAME = EnuFrame(Position(latitude_deg=34.0, longitude_deg=41.0, height_m=100.0))
SURFACE = Surface(flat_grid(34.0, 41.0, 100.0, 6000.0), FRAME, 6000.0)
LATTICE = Lattice(west_m=-1500.0, north_m=3000.0, cell_m=50.0, rows=64, columns=60)
SETTINGS = CoverageSettings()
S = 1_000_000_000


def eye(name: str, azimuth: float, east: float = 0.0) -> Eye:
    place = FRAME.position(east, 0.0)
    camera = Camera(
        id=name,
        lens=Lens(width_px=640, height_px=512, horizontal_fov_deg=20.0),
        pose=Pose(
            latitude_deg=place.latitude_deg,
            longitude_deg=place.longitude_deg,
            mast_m=30.0,
            azimuth_deg=azimuth,
            elevation_deg=-1.0,
        ),
        reach_m=2800.0,
    )
    assert camera.pose is not None
    return camera_eye(camera, CameraView(camera.lens, camera.pose, SURFACE, reach_m=2800.0), LATTICE, SETTINGS)


EYES = [eye("ahead", 0.0), eye("across", 10.0, east=-800.0)]
START = [
    WatchStarted(time_ns=0, camera_id=name, source="", width_px=640, height_px=512, fps=10, software="")
    for name in ("ahead", "across")
]


def coverage(*events: Event) -> Coverage:
    one = Coverage(LATTICE, FRAME, EYES, SETTINGS)
    for event in (*START, *events):
        one.take(event)
    return one


def test_nobody_looks_before_the_watch_begins() -> None:
    one = Coverage(LATTICE, FRAME, EYES, SETTINGS)
    assert not one.watched.any()
    assert one.trouble("ahead") == Trouble(what="not watched", since_ns=None)
    assert (one.last_observed_ns(50 * S) == NEVER_NS).all()


def test_the_chance_falls_with_range_as_the_height_in_the_picture_does() -> None:
    chance, range_m = EYES[0].chance, EYES[0].shed.range_m
    seen = EYES[0].shed.seen
    focal = 320 / math.tan(math.radians(10))
    expected = 0.98 / (1 + np.exp(-(1.7 * focal / range_m[seen] - 3.5) / 0.6))
    assert np.allclose(chance[seen], expected, atol=1e-4)
    assert not chance[~seen].any()
    assert (EYES[0].could >= chance).all()
    assert EYES[0].could.sum() > 3 * chance.sum()


def test_two_cameras_see_more_than_one() -> None:
    one = coverage()
    together = 1 - (1 - EYES[0].chance) * (1 - EYES[1].chance)
    assert np.allclose(one.quality, together, atol=1e-6)
    assert np.array_equal(one.watched, together >= 0.5)


@pytest.mark.parametrize("kind", BLINDING)
def test_a_camera_that_is_ill_does_not_look_until_it_is_well(kind: str) -> None:
    ill = CameraHealth(time_ns=100 * S, camera_id="ahead", frame_index=1, kind=kind)  # type: ignore[arg-type]  # a parameter
    well = CameraHealth(time_ns=400 * S, camera_id="ahead", frame_index=9, kind=kind, ended=True)  # type: ignore[arg-type]  # the same
    one = coverage(ill)
    assert np.allclose(one.quality, EYES[1].chance, atol=1e-6)
    assert one.trouble("ahead") == Trouble(what=kind, since_ns=100 * S)
    only_ahead = (EYES[0].chance > 0.9) & (EYES[1].chance == 0)
    assert only_ahead.any()
    assert (one.last_observed_ns(300 * S)[only_ahead] == 100 * S).all()
    one.take(well)
    assert one.trouble("ahead") is None
    assert (one.last_observed_ns(500 * S)[only_ahead] == 500 * S).all()


def test_the_worst_ill_is_told_and_both_must_end() -> None:
    one = coverage(
        CameraHealth(time_ns=10 * S, camera_id="ahead", frame_index=1, kind="panning"),
        CameraHealth(time_ns=20 * S, camera_id="ahead", frame_index=2, kind="covered"),
    )
    assert one.trouble("ahead") == Trouble(what="covered", since_ns=20 * S)
    one.take(CameraHealth(time_ns=30 * S, camera_id="ahead", frame_index=3, kind="covered", ended=True))
    assert one.trouble("ahead") == Trouble(what="panning", since_ns=10 * S)


@pytest.mark.parametrize(
    "end",
    [
        CameraLost(time_ns=60 * S, camera_id="ahead", detail=""),
        StreamEnded(time_ns=60 * S, camera_id="ahead", frames=1),
        WatchEnded(time_ns=60 * S, camera_id="ahead", reason="asked", frames=1, dropped=0),
    ],
)
def test_a_dead_stream_is_seen_until_it_died(end: Event) -> None:
    one = coverage(end)
    only_ahead = (EYES[0].chance > 0.9) & (EYES[1].chance == 0)
    assert (one.last_observed_ns(90 * S)[only_ahead] == 60 * S).all()
    one.take(CameraRestored(time_ns=100 * S, camera_id="ahead", blind_ns=40 * S, attempts=3))
    assert one.watched[only_ahead].all()


def test_what_says_nothing_of_who_looks_changes_nothing() -> None:
    one = coverage()
    before = one.version
    one.take(FrameGap(time_ns=5, camera_id="ahead", after_index=1, gap_ns=1, missing=1))
    one.take(CameraHealth(time_ns=5, camera_id="ahead", frame_index=1, kind="gain_jump"))
    one.take(CameraLost(time_ns=5, camera_id="stranger", detail=""))
    assert one.version == before


def test_haze_takes_the_far_first() -> None:
    one = coverage()
    clear = one.watched
    one.set_weather(Weather(clear_m=1500.0), 100 * S)
    hazy = one.watched
    assert (clear | ~hazy).all()
    lost = clear & ~hazy
    assert lost.any()
    assert EYES[0].shed.range_m[lost].min() > 0.5 * EYES[0].shed.range_m[hazy].max() - 500
    assert (one.last_observed_ns(200 * S)[lost] == 100 * S).all()
    one.set_weather(Weather(), 300 * S)
    assert np.array_equal(one.watched, clear)


def at(east: float, north: float, seconds: float) -> PatrolPosition:
    return PatrolPosition(time_ns=round(seconds * S), patrol_id="p1", position=FRAME.position(east, north))


def test_a_patrol_sees_around_its_way_and_for_a_moment() -> None:
    one = Coverage(LATTICE, FRAME, EYES, SETTINGS)
    one.take(at(-600, 400, 10))
    one.take(at(-300, 400, 50))
    east, north = LATTICE.centres()
    beside = np.clip(east, -600, -300)
    way = np.hypot(east - beside, north - 400) <= 150
    assert np.array_equal(one.observed(60 * S), way)
    assert not one.observed(120 * S).any()
    assert (one.last_observed_ns(500 * S)[way] >= 10 * S).all()
    one.take(at(600, 400, 400))
    assert not one.observed(410 * S)[np.hypot(east, north - 400) < 100].any(), "nobody saw what lay between"


def test_who_holds_ground_looks_at_it() -> None:
    one = Coverage(LATTICE, FRAME, EYES, SETTINGS)
    cells = np.zeros(LATTICE.shape, np.bool_)
    cells[3:6, 4:9] = True
    one.hold(cells, 10 * S)
    assert np.array_equal(one.watched, cells)
    one.hold(np.zeros_like(cells), 90 * S)
    assert (one.last_observed_ns(200 * S)[cells] == 90 * S).all()


def test_cells_near_a_way_off_the_lattice_are_none() -> None:
    assert not cells_near(LATTICE, np.array([9e5, 9e5]), np.array([9e5, 9e5]), 100.0).any()
